# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A real web server in $SRV; sourced beside lib.sh, by programs.sh and 96.

# spawn_nginx ACCESS-LOG: in the foreground, with configuration and data of this run's own. What of the configuration's
# http part is special comes by standard input.
spawn_nginx() {
	mkdir -p "$WORK/nginx"
	cat - >"$WORK/nginx/http"
	cat >"$WORK/nginx/conf" <<-CONF
	user root;
	daemon off;
	worker_processes 1;
	pid $WORK/nginx/pid;
	error_log stderr;
	events { worker_connections 1024; }
	http {
		access_log $1;
		client_body_temp_path $WORK/nginx/body;
		proxy_temp_path $WORK/nginx/proxy;
		fastcgi_temp_path $WORK/nginx/fastcgi;
		uwsgi_temp_path $WORK/nginx/uwsgi;
		scgi_temp_path $WORK/nginx/scgi;
		include $WORK/nginx/http;
	}
	CONF
	spawn "$WORK/nginx/log" sw_peers "$SRV" nginx -p "$WORK/nginx" -c "$WORK/nginx/conf" -e stderr
}
