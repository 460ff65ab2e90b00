/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line, in the JSON. */
#include <stdio.h>

#include <arpa/inet.h>

#include "report_int.h"
#include "spec.h"

#define ADDRESS_BYTES (INET6_ADDRSTRLEN + sizeof("[]:65535"))

static void
put_address(char *text, size_t size, const union sw_addr *addr, bool v6)
{
	inet_ntop(v6 ? AF_INET6 : AF_INET, v6 ? addr->b : addr->b + 12, text, (socklen_t)size);
}

static json_t *
servers_json(const struct sw_load_route *r)
{
	json_t *servers = json_array();

	for (unsigned i = 0; i < r->n_servers; i++) {
		const struct sw_load_server *s = &r->servers[i];
		char address[INET6_ADDRSTRLEN], text[ADDRESS_BYTES];

		put_address(address, sizeof(address), &s->addr, s->v6);
		snprintf(text, sizeof(text), s->v6 ? "[%s]:%u" : "%s:%u", address, s->port);
		json_array_append_new(servers, json_string(text));
	}
	return servers;
}

/* Of the families that a server has. */
static json_t *
sources_json(const struct sw_load_route *r)
{
	json_t *sources = json_array();
	bool used[2] = {false};

	for (unsigned i = 0; i < r->n_servers; i++)
		used[r->servers[i].v6] = true;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		char address[INET6_ADDRSTRLEN], text[ADDRESS_BYTES];

		if (!used[v6])
			continue;
		put_address(address, sizeof(address), &r->space[v6].prefix, v6);
		snprintf(text, sizeof(text), "%s/%u", address, r->space[v6].len);
		json_array_append_new(sources, json_string(text));
	}
	return sources;
}

static void
put_flood(json_t *o, const struct sw_load_args *a)
{
	const bool has = sw_report_has_flood(a);
	json_t *mix = json_object();

	for (unsigned t = 0; t < SW_CRAFT_TYPES; t++)
		put_int(mix, sw_craft_type_names[t], a->weights[t]);
	put_if(o, "mix", has, mix);
	put_int_if(o, "flood_rate", has && a->flood_rate != 0, a->flood_rate);
	put_int_if(o, "count", has && a->count != 0, a->count);
	put_int_if(o, "sample", has, a->sample);
}

static void
put_connections(json_t *o, const struct sw_load_args *a)
{
	const bool has = sw_report_has_connections(a), emulated = has && a->http == NULL;

	put_int_if(o, "connect_rate", has && a->connect_rate != 0, a->connect_rate);
	put_int_if(o, "concurrent", has, sw_conn_most(a));
	put_int_if(o, "total", has && a->total != 0, a->total);
	put_int_if(o, "request", emulated, a->request_bytes);
	put_int_if(o, "response", emulated, a->response_bytes);
	put_int_if(o, "keep_alive", emulated, a->keep_alive);
	put_if(o, "hold", emulated, json_real((double)a->hold_ns / 1e9));
	put_if(o, "close", emulated, json_string(a->close_server ? "server" : "client"));
	put_if(o, "http", has && a->http != NULL, json_string(a->http != NULL ? a->http : ""));
	put_int_if(o, "timeout_ms", has, a->timeout_ms);
	put_int_if(o, "rto_ms", has, a->rto_ms);
}

json_t *
sw_report_asked(const struct sw_load_args *a)
{
	const bool by_time = a->count == 0 && a->total == 0;
	json_t *o = json_object();

	put_if(o, "seconds", by_time, json_real((double)a->seconds_ns / 1e9));
	put_if(o, "warmup", by_time, json_real((double)a->warmup_ns / 1e9));
	json_object_set_new(o, "servers", servers_json(&a->route));
	json_object_set_new(o, "sources", sources_json(&a->route));
	json_object_set_new(
		o, "source_order", json_string(a->order == SW_SPACE_RANGE ? "range" : "random"));
	put_int_if(o, "vlan", a->route.l2.vlan != 0, a->route.l2.vlan);
	json_object_set_new(o, "options", json_string(sw_craft_option_names[a->options]));
	json_object_set_new(o, "fifo_buffers", json_boolean(a->fifo_buffers));
	put_flood(o, a);
	put_connections(o, a);
	return o;
}
