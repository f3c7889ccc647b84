// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "workload.h"

uint32_t rnd(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((*seed >> 33) % below);
}

/* A few pages, a power of two, one more than that, or any number. */
static uint32_t random_pages(uint64_t *seed)
{
	uint32_t power = 1u << rnd(seed, 11);

	switch (rnd(seed, 4)) {
	case 0:
		return 1 + rnd(seed, 4);
	case 1:
		return power;
	case 2:
		return power + 1;
	default:
		return 1 + rnd(seed, 1024);
	}
}

static unsigned int random_mask(uint64_t *seed)
{
	static const unsigned int masks[] = { 32, 32, 40, 64 };

	return masks[rnd(seed, 4)];
}

static void random_act(struct act *a, uint64_t *seed)
{
	*a = (struct act){ .kind = (enum act_kind)rnd(seed, 3),
			   .pages = random_pages(seed),
			   .mask = random_mask(seed),
			   .order = (enum act_order)rnd(seed, ORDERS),
			   .share = 1 + rnd(seed, 16) };
}

void workload_random(struct workload *w, uint64_t *seed)
{
	for (unsigned int i = 0; i < WORKLOAD_FILLS; i++)
		random_act(&w->fill[i], seed);
	for (unsigned int i = 0; i < WORKLOAD_PROBES; i++)
		random_act(&w->probe[i], seed);
	w->seed = rnd(seed, UINT32_MAX);
}

static void change_act(struct act *a, uint64_t *seed)
{
	struct act other;

	random_act(&other, seed);
	switch (rnd(seed, 8)) {
	case 0:
		*a = other;
		break;
	case 1:
		a->kind = other.kind;
		break;
	case 2:
		a->pages = other.pages;
		break;
	case 3:
		a->pages = a->pages > 1 && rnd(seed, 2) ? a->pages - 1 : a->pages + 1;
		break;
	case 4:
		a->pages = rnd(seed, 2)		 ? (a->pages + 1) / 2
			   : a->pages * 2 > 2048 ? 2048
						 : a->pages * 2;
		break;
	case 5:
		a->mask = other.mask;
		break;
	case 6:
		a->order = other.order;
		break;
	default:
		a->share = other.share;
		break;
	}
}

void workload_change(struct workload *w, uint64_t *seed)
{
	for (unsigned int n = 1 + rnd(seed, 3); n; n--) {
		unsigned int i = rnd(seed, WORKLOAD_FILLS + WORKLOAD_PROBES);

		change_act(i < WORKLOAD_FILLS ? &w->fill[i] : &w->probe[i - WORKLOAD_FILLS], seed);
	}
}

static void print_act(FILE *f, const struct act *a, const char *prefix, bool bulk)
{
	static const char *const orders[ORDERS] = { "oldest",  "newest", "lowest",
						    "highest", "random", "every" };

	if (a->kind == ACT_NONE)
		return;
	fprintf(f, "%s%s", prefix, bulk ? "fill: " : "then, again and again: ");
	if (a->kind == ACT_ALLOC)
		fprintf(f, "alloc %u page%s below 2^%u", a->pages, a->pages > 1 ? "s" : "",
			a->mask);
	else if (a->order == ORDER_EVERY)
		fprintf(f, bulk ? "free one in %u" : "free the %u-th", a->pages + 1);
	else
		fprintf(f, "free the %s", orders[a->order]);
	if (bulk && (a->kind == ACT_ALLOC || a->order != ORDER_EVERY))
		fprintf(f, ", %u/16 of the mappings", a->share);
	fputc('\n', f);
}

void workload_print(FILE *f, const struct workload *w, const char *prefix)
{
	for (unsigned int i = 0; i < WORKLOAD_FILLS; i++)
		print_act(f, &w->fill[i], prefix, true);
	for (unsigned int i = 0; i < WORKLOAD_PROBES; i++)
		print_act(f, &w->probe[i], prefix, false);
}
