// SPDX-License-Identifier: GPL-2.0-only
/*
 * The harness: 256 mappings are live; a group of them is ended, the same buffers are mapped anew,
 * and the clock is read before and after each half. Interrupts stay on: the timer of the kernel's
 * flush queue is part of what unmap costs.
 */
#include <linux/bitops.h>
#include <linux/preempt.h>

#include "cost.h"

/* Passes before what is counted: caches of IOVAs fill, page tables are allocated. */
#define WARM_UP 6

enum { OP_UNMAP, OP_MAP, OP_SYNC_CPU, OP_SYNC_DEVICE, OPS };

static const char *const op_names[OPS] = { "unmap", "map", "sync_cpu", "sync_device" };

/**
 * struct tally - of one operation.
 * @calls: how many.
 * @clocks: in all; @least, @most: in a pass.
 * @hits: of each probe.
 */
struct tally {
	u64 calls;
	u64 clocks;
	u64 pass;
	u64 least;
	u64 most;
	u64 hits[PROBES];
};

static struct tally tallies[OPS];
static u16 order[COST_LIVE];
static u32 seed;

void cost_calibrate(void)
{
	const u64 rounds = 1000000;
	u64 n = rounds, t;

	preempt_disable();
	t = cost_clock();
#ifdef CONFIG_X86
	asm volatile("1: dec %0\n\tjnz 1b" : "+r"(n)::"cc");
#else
	asm volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(n)::"cc");
#endif
	t = cost_clock() - t;
	preempt_enable();
	pr_info("dmah-cost: calibrate instructions=%llu clocks=%llu\n", 2 * rounds, t);
}

/* ---- the order ---- */

static u32 next_random(void)
{
	/* xorshift of 32 bits (Marsaglia 2003) */
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

static void shuffle(void)
{
	for (u32 i = COST_LIVE - 1; i > 0; i--) {
		u32 other = next_random() % (i + 1);

		swap(order[i], order[other]);
	}
}

static void reset_order(void)
{
	seed = 0x2545f491;
	for (u32 i = 0; i < COST_LIVE; i++)
		order[i] = i;
}

/* ---- one operation ---- */

struct span {
	struct tally *t;
	u64 hits[PROBES];
	u64 start;
};

static __always_inline void span_begin(struct span *s, struct tally *t, bool probed)
{
	s->t = t;
	if (probed)
		probes_read(s->hits);
	preempt_disable();
	s->start = cost_clock();
}

static __always_inline void span_end(struct span *s, u32 n, bool probed)
{
	s->t->pass += cost_clock() - s->start;
	preempt_enable();
	s->t->calls += n;
	if (probed) {
		u64 now[PROBES];

		probes_read(now);
		for (u32 i = 0; i < PROBES; i++)
			s->t->hits[i] += now[i] - s->hits[i];
	}
}

static void pass_end(bool first)
{
	for (u32 op = 0; op < OPS; op++) {
		struct tally *t = &tallies[op];

		t->clocks += t->pass;
		if (first || t->pass < t->least)
			t->least = t->pass;
		if (t->pass > t->most)
			t->most = t->pass;
		t->pass = 0;
	}
}

static int pass(const struct cost_case *k, struct cost *c, bool probed)
{
	struct span s;

	for (u32 at = 0; at < COST_LIVE; at += k->group) {
		const u16 *which = &order[at];
		int err;

		span_begin(&s, &tallies[OP_UNMAP], probed);
		k->unmap(c, which, k->group);
		span_end(&s, k->group, probed);
		for (u32 i = 0; i < k->group; i++)
			c->slots[which[i]].mapped = false;

		span_begin(&s, &tallies[OP_MAP], probed);
		err = k->map(c, which, k->group);
		span_end(&s, k->group, probed);
		if (err)
			return err;
		for (u32 i = 0; i < k->group; i++)
			c->slots[which[i]].mapped = true;

		if (k->sync_cpu) {
			span_begin(&s, &tallies[OP_SYNC_CPU], probed);
			k->sync_cpu(c, which, k->group);
			span_end(&s, k->group, probed);
		}
		if (k->sync_device) {
			span_begin(&s, &tallies[OP_SYNC_DEVICE], probed);
			k->sync_device(c, which, k->group);
			span_end(&s, k->group, probed);
		}
	}
	return 0;
}

static int passes_run(const struct cost_case *k, struct cost *c, u32 passes, bool probed)
{
	int err;

	for (u32 i = 0; i < COST_LIVE; i += k->group) {
		err = k->map(c, &order[i], k->group);
		if (err)
			return err;
		for (u32 j = 0; j < k->group; j++)
			c->slots[order[i + j]].mapped = true;
	}
	for (u32 i = 0; i < WARM_UP + passes; i++) {
		if (i == WARM_UP)
			memset(tallies, 0, sizeof(tallies));
		if (!k->in_order)
			shuffle();
		err = pass(k, c, probed);
		if (err)
			return err;
		pass_end(i == WARM_UP);
		cond_resched();
	}
	return 0;
}

static void unmap_all(const struct cost_case *k, struct cost *c)
{
	/* In the order of the last pass: it is the only one that a ring knows. */
	for (u32 i = 0; i < COST_LIVE; i++) {
		if (c->slots[order[i]].mapped)
			k->unmap(c, &order[i], 1);
		c->slots[order[i]].mapped = false;
	}
}

/* ---- output ---- */

static void print_rows(const struct cost_case *k, const struct cost *c, bool probed)
{
	for (u32 op = 0; op < OPS; op++) {
		const struct tally *t = &tallies[op];

		if (!t->calls)
			continue;
		if (!probed) {
			pr_info("dmah-cost: row case=%s size=%u op=%s calls=%llu clocks=%llu "
				"least=%llu most=%llu\n",
				k->name, c->len, op_names[op], t->calls, t->clocks, t->least,
				t->most);
			continue;
		}
		for (u32 i = 0; i < PROBES; i++) {
			if (probe_name(i))
				pr_info("dmah-cost: count case=%s size=%u op=%s calls=%llu of=%s "
					"hits=%llu\n",
					k->name, c->len, op_names[op], t->calls, probe_name(i),
					t->hits[i]);
		}
	}
}

static int cost_begin(const struct cost_case *k, struct cost *c, const char **why)
{
	int err = k->begin ? k->begin(c, why) : 0;

	if (err || !k->open)
		return err;
	err = k->open(c, why);
	if (err && k->end)
		k->end(c);
	return err;
}

void cost_run(const struct cost_case *k, struct cost *c, u32 passes, bool probed)
{
	const char *why = "it cannot be set up";
	int err = cost_begin(k, c, &why);

	if (err) {
		pr_info("dmah-cost: unavailable case=%s size=%u error=%d why=%s\n", k->name, c->len,
			err, why);
		return;
	}
	memset(tallies, 0, sizeof(tallies));
	reset_order();
	err = passes_run(k, c, passes, probed);
	if (err)
		pr_info("dmah-cost: failed case=%s size=%u error=%d\n", k->name, c->len, err);
	else
		print_rows(k, c, probed);
	unmap_all(k, c);
	if (k->close)
		k->close(c);
	if (k->end)
		k->end(c);
}
