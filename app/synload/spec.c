/* SPDX-License-Identifier: BSD-3-Clause */
#include "spec.h"

#include <stdio.h>

#include <arpa/inet.h>

/* Connections at once that an open loop may have where nothing else is said. */
#define OPEN_LOOP_MIN 65536u
#define OPEN_LOOP_MAX 4000000u

/* The request of --http; that it fits is seen to by the arguments. */
static void
make_http(struct sw_conn_spec *spec, const struct sw_load_args *a, const struct sw_load_server *s)
{
	static char request[768];
	char host[INET6_ADDRSTRLEN];

	inet_ntop(
		s->v6 ? AF_INET6 : AF_INET, s->v6 ? s->addr.b : s->addr.b + 12, host, sizeof(host));
	spec->http_bytes = (uint32_t)snprintf(request, sizeof(request),
		"GET %s HTTP/1.1\r\nHost: %s%s%s\r\nUser-Agent: synload/" SW_VERSION
		"\r\nConnection: close\r\n\r\n",
		a->http, s->v6 ? "[" : "", host, s->v6 ? "]" : "");
	spec->http = request;
}

uint64_t
sw_conn_most(const struct sw_load_args *a)
{
	uint64_t n;

	if (a->concurrent != 0)
		return a->concurrent;
	/* A second of them, and those that are held. */
	n = a->connect_rate + a->connect_rate * (a->hold_ns / 1000000) / 1000;
	if (n < OPEN_LOOP_MIN)
		return OPEN_LOOP_MIN / 4 * 3;
	return n > OPEN_LOOP_MAX ? OPEN_LOOP_MAX : n;
}

void
sw_conn_spec_make(struct sw_conn_spec *spec, const struct sw_load_args *a,
	const struct sw_load_route *route, const struct sw_payload *payload)
{
	*spec = (struct sw_conn_spec){
		.route = route,
		.payload = payload,
		.options = a->options,
		.request_bytes = (uint32_t)a->request_bytes,
		.response_bytes = (uint32_t)a->response_bytes,
		.keep_alive = (uint32_t)a->keep_alive,
		.hold_us = a->hold_ns / 1000,
		.timeout_ms = (uint32_t)a->timeout_ms,
		.rto_ms = (uint32_t)a->rto_ms,
		.close_server = a->close_server,
	};
	if (a->http != NULL)
		make_http(spec, a, &route->servers[0]);
}
