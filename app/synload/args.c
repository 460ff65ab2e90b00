/* SPDX-License-Identifier: BSD-3-Clause */
#include "args.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "values.h"

#define TRY_HELP "try synload --help"

#define FLOODS	 (SW_LOAD_FLOOD | SW_LOAD_MIXED)
#define CONNECTS (SW_LOAD_CONNECT | SW_LOAD_MIXED)
#define ALL	 (SW_LOAD_FLOOD | SW_LOAD_CONNECT | SW_LOAD_MIXED)

/* Numbers that no machine reaches; they keep the arithmetic from running over. */
#define RATE_MAX       1000000000u
#define CONCURRENT_MAX 16000000u
#define STREAM_MAX     1000000000u

/* State of one parse. */
struct parse {
	struct sw_load_args *a;
	void (*say)(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
	bool servers_given, sources_given[2], mix_given, type_given;
};

/* NULL, or what is allowed instead of the value. */
typedef const char *(*take_fn)(struct parse *p, const char *value);

static const char *
take_server(struct parse *p, const char *value)
{
	struct sw_load_route *r = &p->a->route;

	if (!p->servers_given)
		r->n_servers = 0;
	p->servers_given = true;
	if (r->n_servers == SW_LOAD_SERVERS_MAX)
		return "at most 16 servers";
	return sw_value_server(value, &r->servers[r->n_servers++])
		       ? NULL
		       : "an address with or without a port, such as 198.51.100.10:80 or "
			 "[2001:db8::10]:80";
}

static const char *
take_sources(struct parse *p, const char *value)
{
	struct sw_space s;

	if (!sw_value_prefix(value, &s))
		return "a prefix without host bits, such as 10.0.0.0/8 or fd00::/8";
	if (p->sources_given[s.v6])
		return "one prefix for IPv4 and one for IPv6";
	p->sources_given[s.v6] = true;
	p->a->route.space[s.v6] = s;
	return NULL;
}

static const char *
take_order(struct parse *p, const char *value)
{
	p->a->order = strcmp(value, "range") == 0 ? SW_SPACE_RANGE : SW_SPACE_RANDOM;
	return strcmp(value, "range") == 0 || strcmp(value, "random") == 0 ? NULL
									   : "random or range";
}

static const char *
take_src_mac(struct parse *p, const char *value)
{
	return sw_value_mac(value, p->a->route.l2.src) ? NULL : "a unicast MAC address";
}

static const char *
take_dst_mac(struct parse *p, const char *value)
{
	return sw_value_mac(value, p->a->route.l2.dst) ? NULL : "a unicast MAC address";
}

static const char *
take_vlan(struct parse *p, const char *value)
{
	uint64_t id;

	if (!sw_value_number(value, &id) || id < 1 || id > 4094)
		return "a VLAN from 1 to 4094";
	p->a->route.l2.vlan = (uint16_t)id;
	return NULL;
}

static const char *
take_type(struct parse *p, const char *value)
{
	p->type_given = true;
	memset(p->a->weights, 0, sizeof(p->a->weights));
	for (unsigned t = 0; t < SW_CRAFT_TYPES; t++) {
		if (strcmp(value, "mix") == 0 || strcmp(value, sw_craft_type_names[t]) == 0) {
			p->a->weights[t] = 1;
			if (strcmp(value, "mix") != 0)
				return NULL;
		}
	}
	return p->a->weights[0] != 0 ? NULL : "syn, ack, synack, rst, fin or mix";
}

/* "syn=70,ack=20" */
static const char *
take_mix(struct parse *p, const char *value)
{
	static const char allowed[] = "types with weights up to 1000000, such as syn=70,ack=30";
	unsigned sum = 0;

	p->mix_given = true;
	memset(p->a->weights, 0, sizeof(p->a->weights));
	while (*value != '\0') {
		const size_t name = strcspn(value, "="), len = strcspn(value, ",");
		char number[16];
		uint64_t weight;
		unsigned t = 0;

		while (t < SW_CRAFT_TYPES &&
			(strlen(sw_craft_type_names[t]) != name ||
				strncmp(value, sw_craft_type_names[t], name) != 0))
			t++;
		if (t == SW_CRAFT_TYPES || name >= len || len - name > sizeof(number))
			return allowed;
		memcpy(number, value + name + 1, len - name - 1);
		number[len - name - 1] = '\0';
		if (!sw_value_number(number, &weight) || weight > 1000000)
			return allowed;
		p->a->weights[t] = (unsigned)weight;
		sum += (unsigned)weight;
		value += len + (value[len] == ',');
	}
	return sum > 0 ? NULL : allowed;
}

static const char *
take_options(struct parse *p, const char *value)
{
	for (unsigned o = 0; o < SW_CRAFT_OPTION_SETS; o++) {
		if (strcmp(value, sw_craft_option_names[o]) == 0) {
			p->a->options = o;
			return NULL;
		}
	}
	return "none, mss, linux, windows or mac";
}

static const char *
take_rate(struct parse *p, const char *value)
{
	uint64_t *rate = p->a->mode == SW_LOAD_FLOOD ? &p->a->flood_rate : &p->a->connect_rate;

	return sw_value_number(value, rate) && *rate >= 1 && *rate <= RATE_MAX
		       ? NULL
		       : "a number a second from 1 to 1G, such as 100k";
}

static const char *
take_side(struct parse *p, const char *value)
{
	p->a->side_inside = strcmp(value, "inside") == 0;
	return p->a->side_inside || strcmp(value, "outside") == 0 ? NULL : "outside or inside";
}

static const char *
take_close(struct parse *p, const char *value)
{
	p->a->close_server = strcmp(value, "server") == 0;
	return p->a->close_server || strcmp(value, "client") == 0 ? NULL : "client or server";
}

static const char *
take_http(struct parse *p, const char *value)
{
	const size_t len = strlen(value);

	p->a->http = value;
	for (size_t i = 0; i < len; i++)
		if (value[i] <= ' ' || value[i] == 0x7f)
			return "a path without blanks";
	return value[0] == '/' && len <= 512 ? NULL : "a path that starts with /";
}

enum kind { FUNCTION, NUMBER, SECONDS, TEXT, FLAG };

#define FIELD(name) offsetof(struct sw_load_args, name)

/* Every option; min and max are those of a NUMBER, or of SECONDS in ns. */
static const struct def {
	const char *name;
	unsigned modes;
	enum kind kind;
	take_fn take;
	size_t field;
	uint64_t min, max;
} defs[] = {
	{"outside", ALL, TEXT, NULL, FIELD(outside), 0, 0},
	{"inside", ALL, TEXT, NULL, FIELD(inside), 0, 0},
	{"json", ALL, TEXT, NULL, FIELD(json), 0, 0},
	{"seconds", ALL, SECONDS, NULL, FIELD(seconds_ns), 1000000, 86400000000000},
	{"warmup", ALL, SECONDS, NULL, FIELD(warmup_ns), 0, 3600000000000},
	{"seed", ALL, NUMBER, NULL, FIELD(seed), 0, UINT64_MAX},
	{"quiet", ALL, FLAG, NULL, FIELD(quiet), 0, 0},
	{"server", ALL, FUNCTION, take_server, 0, 0, 0},
	{"sources", ALL, FUNCTION, take_sources, 0, 0, 0},
	{"source-order", ALL, FUNCTION, take_order, 0, 0, 0},
	{"src-mac", ALL, FUNCTION, take_src_mac, 0, 0, 0},
	{"dst-mac", ALL, FUNCTION, take_dst_mac, 0, 0, 0},
	{"vlan", ALL, FUNCTION, take_vlan, 0, 0, 0},
	{"options", ALL, FUNCTION, take_options, 0, 0, 0},
	{"rate", ALL, FUNCTION, take_rate, 0, 0, 0},
	{"type", SW_LOAD_FLOOD, FUNCTION, take_type, 0, 0, 0},
	{"flood-type", SW_LOAD_MIXED, FUNCTION, take_type, 0, 0, 0},
	{"flood-rate", SW_LOAD_MIXED, NUMBER, NULL, FIELD(flood_rate), 1, RATE_MAX},
	{"mix", FLOODS, FUNCTION, take_mix, 0, 0, 0},
	{"sample", FLOODS, NUMBER, NULL, FIELD(sample), 0, UINT32_MAX},
	{"count", SW_LOAD_FLOOD, NUMBER, NULL, FIELD(count), 1, UINT64_MAX / 2},
	{"side", SW_LOAD_FLOOD, FUNCTION, take_side, 0, 0, 0},
	{"concurrent", CONNECTS, NUMBER, NULL, FIELD(concurrent), 1, CONCURRENT_MAX},
	{"total", CONNECTS, NUMBER, NULL, FIELD(total), 1, UINT64_MAX / 2},
	{"request", CONNECTS, NUMBER, NULL, FIELD(request_bytes), 1, STREAM_MAX},
	{"response", CONNECTS, NUMBER, NULL, FIELD(response_bytes), 1, STREAM_MAX},
	{"keep-alive", CONNECTS, NUMBER, NULL, FIELD(keep_alive), 1, UINT16_MAX},
	{"hold", CONNECTS, SECONDS, NULL, FIELD(hold_ns), 0, 86400000000000},
	{"http", CONNECTS, FUNCTION, take_http, 0, 0, 0},
	{"timeout", CONNECTS, NUMBER, NULL, FIELD(timeout_ms), 1, 3600000},
	{"rto", CONNECTS, NUMBER, NULL, FIELD(rto_ms), 1, 60000},
	{"close", CONNECTS, FUNCTION, take_close, 0, 0, 0},
};

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
	case FUNCTION:
		allowed = d->take(p, value);
		break;
	case TEXT:
		*(const char **)field = value;
		if (value[0] == '\0')
			allowed = "a name";
		break;
	case FLAG:
		*(bool *)field = true;
		break;
	case NUMBER:
		if (!sw_value_number(value, &n) || n < d->min || n > d->max) {
			p->say("--%s %s: allowed is a number from %llu to %llu, k, M and G may "
			       "follow",
				d->name, value, (unsigned long long)d->min,
				(unsigned long long)d->max);
			return -EINVAL;
		}
		*(uint64_t *)field = n;
		break;
	case SECONDS:
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
	if (p->mix_given && p->type_given && a->mode == SW_LOAD_MIXED)
		return "--mix is given with --flood-type: one of them says what is sent";
	if (a->mode == SW_LOAD_FLOOD)
		return NULL;
	if (a->request_bytes * a->keep_alive > STREAM_MAX ||
		a->response_bytes * a->keep_alive > STREAM_MAX)
		return "--keep-alive times --request or --response is more than 1G";
	if (a->http != NULL && a->inside != NULL)
		return "--http asks a real server; --inside is an emulated one, which knows no "
		       "HTTP";
	if (a->http == NULL && a->inside == NULL)
		return "give the emulated server a port with --inside NAME, or ask a real server "
		       "with --http PATH";
	if (a->http != NULL && a->keep_alive != 1)
		return "--http closes each connection: --keep-alive has no place with it";
	if (a->connect_rate == 0 && a->concurrent == 0)
		a->concurrent = 1000;
	return NULL;
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
	a->route.key = sw_mum(a->seed ^ 0x8ebc6af09c88c6e3ull, 0x589965cc75374cc3ull);
	for (unsigned v6 = 0; v6 < 2; v6++)
		sw_space_set_order(&a->route.space[v6], a->order, a->seed);
	return 0;
}

int
sw_load_args_parse(struct sw_load_args *a, int argc, char **argv,
	void (*say)(const char *fmt, ...) __attribute__((format(printf, 1, 2))))
{
	struct option options[SW_ARRAY_LEN(defs) + 3] = {0};
	struct parse p = {.a = a, .say = say};
	int opt, rc = 0;

	set_defaults(a);
	for (unsigned i = 0; i < SW_ARRAY_LEN(defs); i++)
		options[i] = (struct option){defs[i].name,
			defs[i].kind == FLAG ? no_argument : required_argument, NULL,
			OPT_FIRST + (int)i};
	options[SW_ARRAY_LEN(defs)] = (struct option){"help", no_argument, NULL, OPT_HELP};
	options[SW_ARRAY_LEN(defs) + 1] =
		(struct option){"version", no_argument, NULL, OPT_VERSION};
	if (argc > 1 && argv[1][0] != '-' && take_mode(a, argv[1]) != 0) {
		say("%s is no mode: they are flood, connect and mixed; " TRY_HELP, argv[1]);
		return -EINVAL;
	}
	opterr = 0;
	optind = 0; /* glibc: start anew, whoever used it before */
	if (a->mode != 0) {
		argc--;
		argv++;
	}
	while (rc == 0 && (opt = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
		if (opt == OPT_HELP) {
			a->action = SW_LOAD_HELP;
			return 0;
		}
		if (opt == OPT_VERSION) {
			a->action = SW_LOAD_VERSION;
			return 0;
		}
		if (opt >= OPT_FIRST && a->mode != 0) {
			rc = take(&p, &defs[opt - OPT_FIRST], optarg);
			continue;
		}
		if (opt == ':')
			say("%s needs a value; " TRY_HELP, argv[optind - 1]);
		else if (opt < OPT_FIRST)
			say("unknown or ill-formed option %s; " TRY_HELP, argv[optind - 1]);
		else
			break;
		return -EINVAL;
	}
	if (rc != 0)
		return rc;
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
