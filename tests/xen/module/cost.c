// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts for one call: hypercalls for cache maintenance, lookups of machine frames, and the owner of
 * the memory that the maintenance names. Each figure is checked, and printed in "dmah-xen-count"
 * lines.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/sysreg.h>

#include "ktap.h"
#include "mapping.h"
#include "probe.h"
#include "test.h"

#define OPS	 32u
#define OFF	 0x40u
#define LEN	 0xe00u
#define SYNC_OFF 0x180u
#define SYNC_LEN 0x340u

enum op { OP_MAP, OP_SYNC_DEVICE, OP_SYNC_CPU, OP_UNMAP };

#define KINDS 4

static const char *const op_name[KINDS] = { "map", "sync_for_device", "sync_for_cpu", "unmap" };

static int call(struct mapping *m, enum op op)
{
	switch (op) {
	case OP_MAP:
		return mapping_begin(m);
	case OP_SYNC_DEVICE:
		return mapping_sync(m, SYNC_OFF, SYNC_LEN, false);
	case OP_SYNC_CPU:
		return mapping_sync(m, SYNC_OFF, SYNC_LEN, true);
	default:
		return mapping_end(m);
	}
}

/* The bytes that a call's cache maintenance must name. */
static struct extent due(const struct mapping *m, enum op op)
{
	bool sync = op == OP_SYNC_DEVICE || op == OP_SYNC_CPU;
	u32 off = m->off + (sync ? SYNC_OFF : 0);
	const struct view *v = m->view;

	return (struct extent){ .phys = v->phys + off,
				.cpu = (unsigned long)v->cpu + off,
				.bus = v->bus + off,
				.len = sync ? SYNC_LEN : m->len };
}

static void add(struct probed *sum, const struct probed *seen)
{
	sum->flushes += seen->flushes;
	sum->p2m += seen->p2m;
	sum->bounces += seen->bounces;
	sum->named += seen->named;
	sum->elsewhere += seen->elsewhere;
	sum->invalidates += seen->invalidates;
}

/* The sums of OPS calls of each kind. Return: 0 or the first error. */
static int measure(struct mapping *m, struct probed sum[KINDS])
{
	memset(sum, 0, KINDS * sizeof(*sum));
	for (u32 n = 0; n < OPS; n++) {
		for (enum op op = 0; op < KINDS; op++) {
			struct extent extent = due(m, op);
			struct probed seen;
			int err;

			probe_start(&extent);
			err = call(m, op);
			seen = probe_stop();
			if (err)
				return err;
			add(&sum[op], &seen);
		}
	}
	return 0;
}

static void print(const struct setup *s, const struct frame *f, const struct mapping *m,
		  const struct probed sum[KINDS])
{
	for (enum op op = 0; op < KINDS; op++)
		pr_info("dmah-xen-count where=%s view=%s api=%s op=%s coherent=%d force=%d "
			"check=%d len=%u ops=%u flushes=%u p2m=%u bounces=%u named=%u "
			"elsewhere=%u\n",
			f->where, m->view->name, api_name[m->api], op_name[op], s->coherent,
			s->force, s->check, due(m, op).len, OPS, sum[op].flushes, sum[op].p2m,
			sum[op].bounces, sum[op].named, sum[op].elsewhere);
}

/*
 * Hypercalls that a call must make: by handle only where the kernel has no mapping, stock for all
 * foreign frames.
 */
static u32 flushes_due(const struct setup *s, const struct frame *f, const struct mapping *m)
{
	bool bounced = s->force && m->api != API_BUS;

	if (s->coherent || f->own || bounced)
		return 0;
	return m->api == API_STOCK || !m->view->page ? OPS : 0;
}

/*
 * Calls that name another page than the mapped one: unmaps and syncs of the stock API, which have
 * nothing but the DMA address. Not its map, which has the page, nor its hypercalls, which take the
 * machine's.
 */
static u32 elsewhere_due(const struct setup *s, const struct frame *f, const struct mapping *m,
			 enum op op)
{
	if (s->coherent || m->api != API_STOCK || op == OP_MAP)
		return 0;
	return f->own && m->view->page != f->own ? OPS : 0;
}

static void judge_caches(const struct setup *s, const struct frame *f, const struct mapping *m,
			 const struct probed sum[KINDS])
{
	bool bounced = s->force && m->api != API_BUS;
	u32 due = s->coherent ? 0 : OPS;
	bool names = true;

	for (enum op op = 0; op < KINDS; op++) {
		bool back = op == OP_SYNC_CPU || op == OP_UNMAP;

		note("%s: %u times, %u elsewhere, %u invalidate", op_name[op], sum[op].named,
		     sum[op].elsewhere, sum[op].invalidates);
		names &= sum[op].named == due;
		/* A bounced buffer is maintained in its slot. */
		names &= sum[op].elsewhere == (bounced ? due : elsewhere_due(s, f, m, op));
		if (back)
			names &= sum[op].invalidates == due;
	}
	check(names, "%s, %s of %s: cache maintenance%s", f->where, api_name[m->api], m->view->name,
	      s->coherent ? ": none"
	      : bounced	  ? " of the bounce slot"
	      : elsewhere_due(s, f, m, OP_UNMAP)
		      ? " after map names the granting page, not the mapped one"
		      : " names what is mapped");
}

static void judge(const struct setup *s, const struct frame *f, const struct mapping *m,
		  const struct probed sum[KINDS])
{
	bool bounced = s->force && m->api != API_BUS;
	bool flushes = true, lookups = true;

	for (enum op op = 0; op < KINDS; op++) {
		note("%s: %u hypercalls, %u lookups, %u bounces", op_name[op], sum[op].flushes,
		     sum[op].p2m, sum[op].bounces);
		flushes &= sum[op].flushes == flushes_due(s, f, m);
		flushes &= sum[op].bounces == (bounced && op == OP_MAP ? OPS : 0);
		if (m->api == API_BUS || op != OP_MAP)
			lookups &= !sum[op].p2m;
		else if (!bounced && m->view->phys != m->view->bus)
			lookups &= sum[op].p2m == OPS;
	}
	check(flushes, "%s, %s of %s: %s%s", f->where, api_name[m->api], m->view->name,
	      flushes_due(s, f, m) ? "a hypercall for each of map, syncs and unmap"
				   : "no hypercall",
	      bounced ? ", a bounce for each map" : "");
	if (m->api != API_STOCK)
		check(lookups, "%s, %s of %s: no lookup%s", f->where, api_name[m->api],
		      m->view->name,
		      m->api == API_BUS				 ? ""
		      : bounced || m->view->phys == m->view->bus ? " after map"
								 : " but one, in map");
}

/* Cache lines that the module itself must maintain in one round of calls. */
static u64 lines_due(const struct setup *s, const struct frame *f, const struct mapping *m)
{
	/*
	 * The smallest line of any CPU: CTR_EL0.DminLine counts words of 4 bytes, as a power of
	 * two.
	 */
	u64 size = 4u << (read_sysreg(ctr_el0) >> 16 & 0xf), lines = 0;
	bool own = f->own && m->view->page == f->own;

	if (s->coherent || !m->view->page || (m->api == API_PAGE && (own || s->force)))
		return 0;
	for (enum op op = 0; op < KINDS; op++) {
		struct extent e = due(m, op);

		lines += (e.cpu + e.len - 1) / size - e.cpu / size + 1;
	}
	return lines;
}

static void test_one(const struct setup *s, const struct frame *f, struct mapping *m)
{
	struct dmah_stats before = {}, after = {};
	struct probed sum[KINDS];
	u32 flushes = 0;
	int err;

	err = dmah_get_stats(s->dev, &before) ?: measure(m, sum);
	err = err ?: dmah_get_stats(s->dev, &after);
	note("%d", err);
	if (!check(!err, "%s, %s of %s: %u times", f->where, api_name[m->api], m->view->name, OPS))
		return;
	print(s, f, m, sum);
	judge(s, f, m, sum);
	judge_caches(s, f, m, sum);
	if (m->api == API_STOCK)
		return;
	for (enum op op = 0; op < KINDS; op++)
		flushes += sum[op].flushes;
	note("%llu hypercalls, %llu lines", after.hypercalls - before.hypercalls,
	     after.maintained_lines - before.maintained_lines);
	check(after.hypercalls - before.hypercalls == flushes &&
		      after.maintained_lines - before.maintained_lines == OPS * lines_due(s, f, m),
	      "%s, %s of %s: dmah's own counts of hypercalls and cache lines are true", f->where,
	      api_name[m->api], m->view->name);
}

void test_cost(const struct setup *s, const struct frame *f)
{
	for (enum api api = 0; api < APIS; api++) {
		for (u32 i = 0; i < f->views; i++) {
			struct mapping m = { .dev = s->dev,
					     .view = &f->view[i],
					     .off = OFF,
					     .len = LEN,
					     .dir = DMA_BIDIRECTIONAL,
					     .api = api };

			if (mapping_can(api, m.view))
				test_one(s, f, &m);
		}
	}
}
