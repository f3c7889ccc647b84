/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages between domain 1 and dom0, in a page that domain 1 grants. There is no toolstack
 * and so no xenstore: dom0 finds the page by trying grant references.
 */
#ifndef TESTS_XEN_MAILBOX_H
#define TESTS_XEN_MAILBOX_H

#include <linux/types.h>

#define MAILBOX_MAGIC	  0x646d616820313231ull
#define MAILBOX_FRAME	  4096u
#define MAILBOX_FIRST_REF 8 /* Linux keeps those before it: GNTTAB_NR_RESERVED_ENTRIES */
#define MAILBOX_LAST_REF  64

/**
 * enum mailbox_ask - a request of dom0 to domain 1.
 * @ASK_FILL: fill the data page with pattern @seed.
 * @ASK_CHECK: say how many bytes of the data page in [@off, @off + @len) differ from pattern @seed,
 *	and how many outside of it from pattern @outside.
 */
enum mailbox_ask {
	ASK_FILL = 1,
	ASK_CHECK = 2,
};

/**
 * struct mailbox - the page.
 * @magic: MAILBOX_MAGIC once the rest is set.
 * @ref: grant reference of the data page.
 * @asked: dom0 raises it when the request stands.
 * @answered: domain 1 makes it equal to @asked when the answer stands.
 * @ask, @seed, @outside, @off, @len: the request.
 * @wrong_inside, @wrong_outside: the answer.
 */
struct mailbox {
	u64 magic;
	u32 ref;
	u32 asked;
	u32 answered;
	u32 ask;
	u32 seed;
	u32 outside;
	u32 off;
	u32 len;
	u32 wrong_inside;
	u32 wrong_outside;
};

/** pattern() - byte @at of pattern @seed; neighbours, seeds and pages differ. */
static inline u8 pattern(u32 seed, u32 at)
{
	u32 x = (seed + 1) * 0x9e3779b1u + at * 0x85ebca6bu;

	x ^= x >> 15;
	x *= 0x2c1b3c6du;
	return (u8)(x >> 24);
}

static inline void pattern_fill(u8 *page, u32 seed)
{
	for (u32 at = 0; at < MAILBOX_FRAME; at++)
		page[at] = pattern(seed, at);
}

/** pattern_wrong() - how many bytes of @page in [@from, @to) are not pattern @seed's. */
static inline u32 pattern_wrong(const u8 *page, u32 seed, u32 from, u32 to)
{
	u32 wrong = 0;

	for (u32 at = from; at < to; at++)
		wrong += page[at] != pattern(seed, at);
	return wrong;
}

#endif /* TESTS_XEN_MAILBOX_H */
