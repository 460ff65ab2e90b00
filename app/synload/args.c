/* SPDX-License-Identifier: BSD-3-Clause */
#include "args_int.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "values.h"

/* Room for all options, those for help and version, and the end. */
#define OPTIONS_MAX 64

enum { OPT_HELP = 1000, OPT_VERSION, OPT_FIRST = 2000 };

static int
take(struct parse *p, const struct def *d, const char *value)
{
	void *field = (char *)p->a + d->field;
	const char *allowed = NULL;
	uint64_t n;

	if ((d->modes & p->a->mode) == 0) {
		p->say("--%s is not an option of this mode; " TRY_HELP, d->name);
		return -EINVAL;
	}
	switch (d->kind) {
	case DEF_FUNCTION:
		allowed = d->take(p, value);
		break;
	case DEF_TEXT:
		*(const char **)field = value;
		if (value[0] == '\0')
			allowed = "a name";
		break;
	case DEF_FLAG:
		*(bool *)field = true;
		break;
	case DEF_NUMBER:
		if (!sw_value_number(value, &n) || n < d->min || n > d->max) {
			p->say("--%s %s: allowed is a number from %llu to %llu, k, M and G may "
			       "follow",
				d->name, value, (unsigned long long)d->min,
				(unsigned long long)d->max);
			return -EINVAL;
		}
		*(uint64_t *)field = n;
		break;
	case DEF_SECONDS:
		if (!sw_value_seconds(value, &n) || n < d->min || n > d->max) {
			p->say("--%s %s: allowed are %g to %g seconds", d->name, value,
				(double)d->min / 1e9, (double)d->max / 1e9);
			return -EINVAL;
		}
		*(uint64_t *)field = n;
		break;
	}
	if (allowed != NULL) {
		p->say("--%s %s: allowed is %s", d->name, value, allowed);
		return -EINVAL;
	}
	return 0;
}

static void
set_defaults(struct sw_load_args *a)
{
	const union sw_addr v4 = {.w_be = {0, 0, 0, RTE_BE32(0x0a000000)}};
	const union sw_addr v6 = {.b = {0xfd}};

	*a = (struct sw_load_args){
		.seconds_ns = 10000000000,
		.warmup_ns = 1000000000,
		.seed = 1,
		.options = SW_CRAFT_LINUX,
		.weights = {[SW_CRAFT_SYN] = 1},
		.sample = 64,
		.request_bytes = 100,
		.response_bytes = 1000,
		.keep_alive = 1,
		.timeout_ms = 10000,
		.rto_ms = 1000,
		.route.l2 = {.src = {2, 0, 0, 0, 0, 1}, .dst = {2, 0, 0, 0, 0, 2}},
		.route.n_servers = 1,
		.route.servers[0] = {.addr.w_be[3] = RTE_BE32(0xc633640a), .port = 80},
	};
	sw_space_init(&a->route.space[0], &v4, 8, false);
	sw_space_init(&a->route.space[1], &v6, 8, true);
}

static int
take_mode(struct sw_load_args *a, const char *name)
{
	if (strcmp(name, "flood") == 0)
		a->mode = SW_LOAD_FLOOD;
	else if (strcmp(name, "connect") == 0)
		a->mode = SW_LOAD_CONNECT;
	else if (strcmp(name, "mixed") == 0)
		a->mode = SW_LOAD_MIXED;
	return a->mode != 0 ? 0 : -EINVAL;
}

/* Of those for connections. NULL, or what is wrong. */
static const char *
check_connections(struct parse *p)
{
	/* They say what an emulated protocol does. */
	static const char *const emulated[] = {
		"request", "response", "keep-alive", "hold", "close"};
	struct sw_load_args *a = p->a;

	if (a->request_bytes * a->keep_alive > STREAM_MAX ||
		a->response_bytes * a->keep_alive > STREAM_MAX)
		return "--keep-alive times --request or --response is more than 1G";
	if (a->http != NULL && a->inside != NULL)
		return "--http asks a real server; --inside is an emulated one, which knows no "
		       "HTTP";
	if (a->http == NULL && a->inside == NULL)
		return "give the emulated server a port with --inside NAME, or ask a real server "
		       "with --http PATH";
	for (unsigned i = 0; a->http != NULL && i < SW_ARRAY_LEN(emulated); i++)
		if (sw_load_is_given(p, emulated[i]))
			return "with --http the server says what it answers, and closes: "
			       "--request, --response, --keep-alive, --hold and --close have no "
			       "place with it";
	if (a->connect_rate == 0 && a->concurrent == 0)
		a->concurrent = 1000;
	return NULL;
}

/* Sources that nothing would be sent from. */
static bool
sources_without_server(const struct parse *p, bool v6)
{
	const struct sw_load_route *r = &p->a->route;

	for (unsigned i = 0; i < r->n_servers; i++)
		if (r->servers[i].v6 == v6)
			return false;
	return p->sources_given[v6];
}

/* What single options cannot know. NULL, or what is wrong. */
static const char *
check_all(struct parse *p)
{
	struct sw_load_args *a = p->a;

	if (a->outside == NULL && !(a->mode == SW_LOAD_FLOOD && a->side_inside))
		return "give the port to send from with --outside NAME";
	if (a->side_inside && a->inside == NULL)
		return "--side inside needs --inside NAME";
	if (a->outside != NULL && a->inside != NULL && strcmp(a->outside, a->inside) == 0)
		return "--outside and --inside are the same port";
	if (sw_load_is_given(p, "mix") &&
		(sw_load_is_given(p, "type") || sw_load_is_given(p, "flood-type")))
		return "--mix is given with a type: one of them says what is sent";
	if (sources_without_server(p, false))
		return "--sources has an IPv4 prefix, but no --server is IPv4";
	if (sources_without_server(p, true))
		return "--sources has an IPv6 prefix, but no --server is IPv6";
	return a->mode == SW_LOAD_FLOOD ? NULL : check_connections(p);
}

static int
finish(struct parse *p)
{
	struct sw_load_args *a = p->a;
	const char *wrong = check_all(p);

	if (wrong != NULL) {
		p->say("%s; " TRY_HELP, wrong);
		return -EINVAL;
	}
	a->route.key = sw_load_mix(a->seed ^ 0x8ebc6af09c88c6e3ull, 0x589965cc75374cc3ull);
	for (unsigned v6 = 0; v6 < 2; v6++)
		sw_space_set_order(&a->route.space[v6], a->order, a->seed);
	return 0;
}

/* Name and number of each option, for getopt_long(). */
static void
name_options(struct option *options)
{
	unsigned n = 0;

	for (; n < sw_load_n_defs; n++)
		options[n] = (struct option){sw_load_defs[n].name,
			sw_load_defs[n].kind == DEF_FLAG ? no_argument : required_argument, NULL,
			OPT_FIRST + (int)n};
	options[n++] = (struct option){"help", no_argument, NULL, OPT_HELP};
	options[n++] = (struct option){"version", no_argument, NULL, OPT_VERSION};
	options[n] = (struct option){0};
}

/* One option; text: as it was written. 1: nothing else counts any more. */
static int
take_option(struct parse *p, int opt, const char *text)
{
	if (opt == OPT_HELP || opt == OPT_VERSION) {
		p->a->action = opt == OPT_HELP ? SW_LOAD_HELP : SW_LOAD_VERSION;
		return 1;
	}
	if (opt >= OPT_FIRST && p->a->mode != 0) {
		p->given |= (uint64_t)1 << (opt - OPT_FIRST);
		return take(p, &sw_load_defs[opt - OPT_FIRST], optarg);
	}
	if (opt >= OPT_FIRST)
		p->say("say what to do first: flood, connect or mixed; " TRY_HELP);
	else if (opt == ':')
		p->say("%s needs a value; " TRY_HELP, text);
	else
		p->say("unknown or ill-formed option %s; " TRY_HELP, text);
	return -EINVAL;
}

int
sw_load_args_parse(struct sw_load_args *a, int argc, char **argv,
	void (*say)(const char *fmt, ...) __attribute__((format(printf, 1, 2))))
{
	struct option options[OPTIONS_MAX];
	struct parse p = {.a = a, .say = say};
	int opt, rc = 0;

	SW_ASSERT(sw_load_n_defs + 3 <= OPTIONS_MAX);
	set_defaults(a);
	name_options(options);
	if (argc > 1 && argv[1][0] != '-') {
		if (take_mode(a, argv[1]) != 0) {
			say("%s is no mode: they are flood, connect and mixed; " TRY_HELP, argv[1]);
			return -EINVAL;
		}
		argc--;
		argv++;
	}
	opterr = 0;
	optind = 0; /* glibc: start anew, whoever used it before */
	while (rc == 0 && (opt = getopt_long(argc, argv, "+:", options, NULL)) != -1)
		rc = take_option(&p, opt, argv[optind - 1]);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (a->mode == 0) {
		say("say what to do first: flood, connect or mixed; " TRY_HELP);
		return -EINVAL;
	}
	if (optind < argc) {
		say("unexpected argument %s; " TRY_HELP, argv[optind]);
		return -EINVAL;
	}
	return finish(&p);
}
