// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/log/budget.h"

#include <assert.h>
#include <string.h>

#define S_NS INT64_C(1000000000)
#define WAYS 8u /* entries where one prefix may stand */
#define SIEGE_NS (10 * S_NS) /* after the total was used up */
#define KNOWN_NS (BUDGET_KNOWN_S * S_NS)
#define FORGET_NS (3600 * S_NS) /* known once, and not heard of since */

struct rate {
	uint32_t per_s, burst;
};

/* With a line a second about what is left out, a client or network makes 10 lines at most. */
static const struct rate of_client[BUDGET_LANES] = {
	[BUDGET_REFUSAL] = { 2, 15 },	 [BUDGET_SECURITY] = { 1, 5 },
	[BUDGET_CONNECTION] = { 2, 30 }, [BUDGET_SESSION] = { 5, 100 },
	[BUDGET_END] = { 5, 30 },
};
static const struct rate of_network[BUDGET_LANES] = {
	[BUDGET_REFUSAL] = { 3, 22 },	 [BUDGET_SECURITY] = { 1, 8 },
	[BUDGET_CONNECTION] = { 5, 40 }, [BUDGET_SESSION] = { 20, 110 },
	[BUDGET_END] = { 8, 40 },
};
static const struct rate of_all[BUDGET_LANES] = {
	[BUDGET_REFUSAL] = { 4, 30 }, /* what two clients may at once: they alone are no siege */
	[BUDGET_SECURITY] = { 1, 10 },
	[BUDGET_END] = { 10, 60 },
};
/* Connections and sessions together. */
static const struct rate of_known = { 50, 250 };
static const struct rate ends_of_known = { 40, 200 };
static const struct rate of_strangers = { 20, 150 };
static const struct rate under_siege = { 3, 10 }; /* of strangers */

/* --- buckets ---------------------------------------------------------------------------- */

/* A bucket is the time when it will be full: each event moves that on by 1/rate. */
static bool has(int64_t full_at, const struct rate *r, int64_t now)
{
	int64_t cost = S_NS / r->per_s;
	int64_t ahead = full_at > now ? full_at - now : 0;

	return ahead + cost <= cost * r->burst;
}

static void spend(int64_t *full_at, const struct rate *r, int64_t now)
{
	*full_at = (*full_at > now ? *full_at : now) + S_NS / r->per_s;
}

/* --- tables ----------------------------------------------------------------------------- */

void budget_init(struct budget *b, uint64_t seed)
{
	b->seed = seed;
	b->clients = (struct budget_table){ b->client_entries, BUDGET_CLIENTS, 32,
					    BUDGET_IPV6_CLIENT, 0 };
	b->networks = (struct budget_table){ b->network_entries, BUDGET_NETWORKS, 24, 48, 0 };
}

void budget_set_prefix(struct budget *b, unsigned ipv6_bits)
{
	b->clients.bits6 = (uint8_t)(ipv6_bits <= 128 ? ipv6_bits : 128);
	b->networks.bits6 = b->clients.bits6 < 48 ? b->clients.bits6 : 48;
}

static struct prefix prefix_of(const struct budget_table *t, const struct address *a)
{
	struct prefix p = { .family = a->family, .bits = a->family == 4 ? t->bits4 : t->bits6 };

	memcpy(p.ip, a->ip, sizeof p.ip);
	(void)prefix_mask(&p);
	return p;
}

struct prefix budget_client(const struct budget *b, const struct address *a)
{
	return prefix_of(&b->clients, a);
}

/* Multiply and mix; the seed is secret. */
static uint64_t hash(uint64_t seed, const struct prefix *p)
{
	uint64_t words[2], h = seed ^ p->family;

	_Static_assert(sizeof words == sizeof p->ip, "an address is two words");
	memcpy(words, p->ip, sizeof words);
	for (int i = 0; i < 2; i++) {
		h = (h ^ words[i]) * UINT64_C(0x9fb21c651e98df25);
		h = (h ^ h >> 32 ^ seed) * UINT64_C(0xd6e8feb86659fd93);
		h ^= h >> 29;
	}
	return h;
}

static bool is_known(const struct budget_entry *e, int64_t now)
{
	return e->since && now - e->since >= KNOWN_NS && now - e->last < FORGET_NS;
}

/* Strangers go first, then who was not heard of for longest. */
static bool goes_before(const struct budget_entry *a, const struct budget_entry *b, int64_t now)
{
	bool known_a = is_known(a, now), known_b = is_known(b, now);

	return known_a == known_b ? a->last < b->last : !known_a;
}

static struct budget_entry *find(struct budget_table *t, uint64_t seed, const struct address *who,
				 int64_t now)
{
	struct prefix prefix = prefix_of(t, who);
	struct budget_entry *set = &t->entries[hash(seed, &prefix) % (t->n / WAYS) * WAYS];
	struct budget_entry *victim = set;

	for (unsigned i = 0; i < WAYS; i++) {
		struct budget_entry *e = &set[i];

		if (e->last && !prefix_compare(&e->prefix, &prefix)) {
			e->last = now;
			return e;
		}
		if (goes_before(e, victim, now)) {
			victim = e;
		}
	}
	t->forgotten += victim->left_out > 0;
	*victim = (struct budget_entry){ .prefix = prefix, .last = now };
	return victim;
}

/* --- asking ----------------------------------------------------------------------------- */

/* The total that an event is drawn on, and at which rate. */
static int64_t *total_of(struct budget *b, enum budget_lane lane, bool known, int64_t now,
			 const struct rate **rate)
{
	if (known && lane == BUDGET_END) {
		*rate = &ends_of_known;
		return &b->known_ends;
	}
	if (lane != BUDGET_CONNECTION && lane != BUDGET_SESSION) {
		*rate = &of_all[lane];
		return &b->total[lane];
	}
	if (known) {
		*rate = &of_known;
		return &b->known;
	}
	if (now < b->siege_ends) {
		*rate = &under_siege;
		return &b->siege;
	}
	*rate = &of_strangers;
	return &b->strangers;
}

static bool take(struct budget *b, enum budget_lane lane, struct budget_entry *client,
		 struct budget_entry *network, int64_t now)
{
	const struct rate *rate;
	bool known = client && is_known(client, now);
	int64_t *total = total_of(b, lane, known, now, &rate);

	if (client && (!has(client->spent[lane], &of_client[lane], now) ||
		       !has(network->spent[lane], &of_network[lane], now))) {
		return false;
	}
	if (!has(*total, rate, now)) {
		if (!known && lane != BUDGET_END) {
			b->siege_ends = now + SIEGE_NS;
		}
		return false;
	}
	spend(total, rate, now);
	if (client) {
		spend(&client->spent[lane], &of_client[lane], now);
		spend(&network->spent[lane], &of_network[lane], now);
	}
	return true;
}

static bool ask_once(struct budget *b, unsigned kind, int64_t now)
{
	if (b->once[kind] && now - b->once[kind] < S_NS) {
		return false;
	}
	b->once[kind] = now;
	return true;
}

bool budget_ask(struct budget *b, enum budget_lane lane, unsigned kind, const struct address *who,
		int64_t now)
{
	struct budget_entry *client = NULL, *network = NULL;
	bool good;

	assert(kind < BUDGET_KINDS && now > 0);
	if (lane == BUDGET_FREE) {
		return true;
	}
	if (lane == BUDGET_ONCE) {
		good = ask_once(b, kind, now);
	} else {
		if (who) {
			client = find(&b->clients, b->seed, who, now);
			network = find(&b->networks, b->seed, who, now);
		}
		if (client && lane == BUDGET_SESSION && !client->since) {
			client->since = now;
		}
		good = lane == BUDGET_SECURITY && take(b, BUDGET_REFUSAL, client, network, now);
		good = good || take(b, lane, client, network, now);
	}
	if (!good && lane != BUDGET_END) {
		b->left_out++;
		b->kinds[kind]++;
		if (client) {
			client->left_out++;
			network->left_out++;
		}
	}
	return good;
}

/* --- what was left out ------------------------------------------------------------------ */

/* Most of it comes from one client, or that is told of the network. */
static void name(const struct budget *b, const struct budget_entry *network,
		 struct budget_source *s)
{
	const struct budget_entry *e = network;

	for (size_t i = 0; i < b->clients.n; i++) {
		const struct budget_entry *c = &b->clients.entries[i];

		if (c->left_out > network->left_out / 2 &&
		    prefix_covers(&network->prefix, &c->prefix)) {
			e = c;
		}
	}
	*s = (struct budget_source){ e->prefix, e->left_out };
}

static struct budget_entry *largest(struct budget_table *t)
{
	struct budget_entry *most = &t->entries[0];

	for (size_t i = 1; i < t->n; i++) {
		if (t->entries[i].left_out > most->left_out) {
			most = &t->entries[i];
		}
	}
	return most->left_out ? most : NULL;
}

/* Return how many there were. */
static uint32_t clear(struct budget_table *t)
{
	uint32_t n = t->forgotten;

	for (size_t i = 0; i < t->n; i++) {
		n += t->entries[i].left_out > 0;
		t->entries[i].left_out = 0;
	}
	t->forgotten = 0;
	return n;
}

bool budget_take(struct budget *b, struct budget_left_out *out)
{
	uint32_t told = 0;

	*out = (struct budget_left_out){ .total = b->left_out };
	if (!b->left_out) {
		return false;
	}
	memcpy(out->kinds, b->kinds, sizeof out->kinds);
	while (out->n_top < BUDGET_TOP) {
		struct budget_entry *network = largest(&b->networks);

		if (!network) {
			break;
		}
		name(b, network, &out->top[out->n_top]);
		told += out->top[out->n_top++].left_out;
		network->left_out = 0;
	}
	out->other_networks = clear(&b->networks);
	out->others = out->total - told;
	(void)clear(&b->clients);
	b->left_out = 0;
	memset(b->kinds, 0, sizeof b->kinds);
	return true;
}

char *budget_source_text(const struct budget_source *s, char buf[static PREFIX_TEXT_LEN])
{
	(void)prefix_text(&s->prefix, buf);
	if (s->prefix.bits == (s->prefix.family == 4 ? 32 : 128)) {
		buf[strcspn(buf, "/")] = '\0';
	}
	return buf;
}
