// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports of misuse, in words, with the caller.
 */
#include "client.h"
#include "domain.h"
#include "pool.h"

const char *meta_dir_name(u32 meta)
{
	static const char *const name[] = { "NONE", "TO_DEVICE", "FROM_DEVICE", "BIDIRECTIONAL" };

	return name[meta & META_DIR];
}

void report_handle(struct client *c, const struct dmah *h, const char *what, unsigned long caller)
{
	if (__ratelimit(&c->limit))
		dev_err(c->dev, "dmah: %s: dma %pad phys %pap len %u %s, by %pS\n", what, &h->dma,
			&h->phys, h->len, meta_dir_name(h->meta), (void *)caller);
}

void report_copy(struct client *c, const struct dmah *h, unsigned long caller)
{
	client_count(c, misuse, 1);
	report_handle(c, h,
		      "a copy of a handle: the structure around it was copied, use dmah_move()",
		      caller);
}

int misuse_handle(struct client *c, int err, const struct dmah *h, const char *what,
		  unsigned long caller)
{
	client_count(c, misuse, 1);
	report_handle(c, h, what, caller);
	return err;
}

static void walk_records(struct client *c, void (*fn)(void *ctx, const struct live *live),
			 void *ctx)
{
	struct record record;

	for (u32 i = 0; i < READ_ONCE(c->records.chunks) * RECORDS_PER_CHUNK; i++) {
		if (!record_get(&c->records, i, &record))
			continue;
		fn(ctx, &(struct live){ .dma = record.dma,
					.phys = record.phys,
					.len = record.len,
					.meta = record.meta,
					.caller = record.caller });
	}
}

void client_walk_live(struct client *c, void (*fn)(void *ctx, const struct live *live), void *ctx)
{
	walk_records(c, fn, ctx);
	if (client_domain(c))
		domain_walk_live(client_domain(c), fn, ctx);
	if (client_pool(c))
		pool_walk_live(client_pool(c), fn, ctx);
}

/*
 * The log is for people: what is beyond these is only counted. debugfs has all of them while the
 * device is attached.
 */
#define LISTED 64u

struct listing {
	struct client *c;
	const char *what;
	u32 n;
};

static void list_one(void *ctx, const struct live *live)
{
	struct listing *listing = ctx;

	if (listing->n++ >= LISTED)
		return;
	dev_err(listing->c->dev, "dmah: %s: dma %pad phys %pap len %u %s%s, mapped by %pS\n",
		listing->what, &live->dma, &live->phys, live->len, meta_dir_name(live->meta),
		live->meta & META_COHERENT ? " coherent" : "", (void *)live->caller);
}

void report_live(struct client *c, const char *what)
{
	struct listing listing = { .c = c, .what = what };
	u64 live = client_live(c);

	client_walk_live(c, list_one, &listing);
	dev_err(c->dev, "dmah: %s: %llu mappings in all, %u of them listed\n", what, live,
		min(listing.n, LISTED));
}
