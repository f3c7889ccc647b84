// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes: from memory into edu and back into memory, each time through another alias, by each API.
 * What must have arrived is looked up through every alias, and by the frame's owner.
 */
#include <linux/pfn.h>
#include <xen/page.h>

#include "edu.h"
#include "guest.h"
#include "ktap.h"
#include "mapping.h"
#include "test.h"

#define OFF 0x1e4u
#define LEN 0x8d2u

static u32 seeds;

void test_frame(const struct frame *f)
{
	u64 bus = f->view[0].bus;
	bool one = true, differ = true;
	int wrong;

	for (u32 i = 0; i < f->views; i++) {
		const struct view *v = &f->view[i];

		note("%s: physical address %#llx, DMA address %#llx", v->name, (u64)v->phys,
		     v->bus);
		one &= v->bus == bus;
		for (u32 j = 0; j < i; j++)
			differ &= f->view[j].phys != v->phys;
	}
	check(f->views == 3 && one && differ, "%s: three physical addresses, one DMA address",
	      f->where);
	if (f->own)
		check(bfn_to_pfn(PFN_DOWN(bus)) == page_to_pfn(f->own),
		      "%s: the reverse lookup names the granting page, whichever is mapped",
		      f->where);
	else
		check(!pfn_valid(PFN_DOWN(bus)), "%s: dom0 has no page of that frame's number",
		      f->where);
	seeds++;
	wrong = owner_fill(f, seeds) ?: frame_wrong(f, seeds, seeds, 0, MAILBOX_FRAME);
	note("%d", wrong);
	check(!wrong, "%s: every alias shows what the owner wrote", f->where);
}

/* Returns true if a mapping's DMA address is in a slot or in the frame, as it must be. */
static bool placed(const struct setup *s, const struct mapping *m)
{
	bool bounced = m->dma != m->view->bus + m->off;
	bool want = s->force && m->api != API_BUS;

	if (bounced != want)
		note("%s: %s is mapped at %pad, its frame is at %#llx", api_name[m->api],
		     m->view->name, &m->dma, m->view->bus);
	return bounced == want;
}

/* One way of a trip. Return: 0, or what went wrong. */
static int carry(const struct setup *s, struct mapping *m)
{
	bool in = m->dir == DMA_FROM_DEVICE;
	int err = mapping_begin(m);

	if (err) {
		note("%s of %s: %d", api_name[m->api], m->view->name, err);
		return err;
	}
	err = placed(s, m) ? 0 : -EFAULT;
	if (!err)
		err = in ? edu_write(s->regs, m->dma, m->len) : edu_read(s->regs, m->dma, m->len);
	return mapping_end(m) ?: err;
}

static bool trip(const struct setup *s, const struct frame *f, enum api api,
		 const struct view *from, const struct view *to)
{
	struct mapping out = {
		.dev = s->dev, .view = from, .off = OFF, .len = LEN, .dir = DMA_TO_DEVICE, .api = api
	};
	struct mapping in = {
		.dev = s->dev, .view = to, .off = OFF, .len = LEN, .dir = DMA_FROM_DEVICE, .api = api
	};
	u32 sent = ++seeds, before = ++seeds;
	int err;

	err = owner_fill(f, sent) ?: carry(s, &out);
	if (!err)
		err = owner_fill(f, before) ?: carry(s, &in);
	if (!err)
		err = frame_wrong(f, sent, before, OFF, LEN);
	if (err)
		note("%s: from %s to %s: %d%s", api_name[api], from->name, to->name, err,
		     err > 0 ? " bytes are wrong" : "");
	return !err;
}

void test_trips(const struct setup *s, const struct frame *f)
{
	for (enum api api = 0; api < APIS; api++) {
		u32 n = api == API_BUS ? f->views : f->pages;

		for (u32 i = 0; i < n; i++) {
			const struct view *from = &f->view[i], *to = &f->view[(i + 1) % n];

			check(trip(s, f, api, from, to), "%s, %s: %s to edu to %s", f->where,
			      api_name[api], from->name, to->name);
		}
	}
}

#define PART_OFF 0x133u
#define PART_LEN 0x2f1u

/*
 * A mapping that stays: what the CPU wrote meanwhile the device reads, what the device wrote the
 * CPU reads.
 */
static int sync_parts(const struct setup *s, const struct frame *f, struct mapping *m)
{
	bool bounced = m->dma != m->view->bus + m->off;
	u32 sent = ++seeds, before = ++seeds;
	int err;

	err = owner_fill(f, sent) ?: mapping_sync(m, 0, LEN, false);
	err = err ?: edu_read(s->regs, m->dma, LEN);
	/* The CPU has it, and writes; the device overwrites. */
	err = err ?: mapping_sync(m, 0, LEN, true);
	err = err ?: owner_fill(f, before);
	err = err ?: mapping_sync(m, 0, LEN, false);
	err = err ?: edu_write(s->regs, m->dma, LEN);
	err = err ?: mapping_sync(m, PART_OFF, PART_LEN, true);
	if (err)
		return err;
	/* A bounced buffer shows the part that was synced, and no byte more. */
	err = bounced ? frame_wrong(f, sent, before, OFF + PART_OFF, PART_LEN)
		      : frame_wrong(f, sent, before, OFF, LEN);
	if (err)
		return err;
	err = mapping_sync(m, 0, LEN, true);
	return err ?: frame_wrong(f, sent, before, OFF, LEN);
}

void test_syncs(const struct setup *s, const struct frame *f)
{
	for (enum api api = 0; api < APIS; api++) {
		for (u32 i = 0; i < f->views; i++) {
			struct mapping m = { .dev = s->dev,
					     .view = &f->view[i],
					     .off = OFF,
					     .len = LEN,
					     .dir = DMA_BIDIRECTIONAL,
					     .api = api };
			int err;

			if (!mapping_can(api, m.view))
				continue;
			err = mapping_begin(&m);
			if (!err) {
				err = placed(s, &m) ? sync_parts(s, f, &m) : -EFAULT;
				err = mapping_end(&m) ?: err;
			}
			note("%d", err);
			check(!err, "%s, %s: syncs of %s", f->where, api_name[api], m.view->name);
		}
	}
}

#define EDGE 1000u

/*
 * A buffer from the end of one alias into the start of the next: contiguous to the CPU, and to the
 * machine the end and the start of one frame. Only a bounce slot can be given to the device.
 */
void test_straddle(const struct setup *s, const struct frame *f)
{
	/* frame.c puts the aliases side by side. */
	const struct view *low = &f->view[f->pages - 2];

	for (enum api api = API_STOCK; api <= API_PAGE; api++) {
		struct mapping m = { .dev = s->dev,
				     .view = low,
				     .off = MAILBOX_FRAME - EDGE,
				     .len = 2 * EDGE,
				     .dir = DMA_TO_DEVICE,
				     .api = api };
		u32 sent = ++seeds, before = ++seeds;
		bool bounced;
		int err;

		err = owner_fill(f, sent) ?: mapping_begin(&m);
		bounced = m.dma != low->bus + m.off;
		if (!err)
			err = edu_read(s->regs, m.dma, m.len) ?: mapping_end(&m);
		m.dir = DMA_FROM_DEVICE;
		err = err ?: owner_fill(f, before);
		err = err ?: mapping_begin(&m);
		bounced &= m.dma != low->bus + m.off;
		if (!err)
			err = edu_write(s->regs, m.dma, m.len) ?: mapping_end(&m);
		err = err ?: frame_wrong(f, before, sent, EDGE, MAILBOX_FRAME - 2 * EDGE);
		note("bounced %d, %d", bounced, err);
		check(!err && bounced, "%s, %s: a buffer across two aliases", f->where,
		      api_name[api]);
	}
}

/* Two handles with one DMA address: each is its own mapping. */
void test_two_live(const struct setup *s, const struct frame *f)
{
	const struct view *a = &f->view[f->pages - 2], *b = &f->view[f->pages - 1];
	struct dmah first = {}, second = {}, copy;
	u32 sent = ++seeds;
	bool same;
	int err;

	err = dmah_map_page(s->dev, &first, a->page, OFF, LEN, DMA_BIDIRECTIONAL)
		      ?: dmah_map_page(s->dev, &second, b->page, OFF, LEN, DMA_BIDIRECTIONAL);
	if (!check(!err, "%s: two aliases mapped at one time", f->where))
		return;
	same = dmah_addr(&first) == dmah_addr(&second);
	check(same == !s->force && dmah_phys(&first) == a->phys + OFF &&
		      dmah_phys(&second) == b->phys + OFF,
	      "%s: two handles, two physical addresses, %s", f->where,
	      s->force ? "two slots" : "one DMA address");
	copy = first;
	check(!dmah_unmap(s->dev, &first), "%s: one is unmapped", f->where);
	if (s->check) {
		err = dmah_unmap(s->dev, &copy);
		note("%d", err);
		check(err == -ESTALE, "%s: its copy is refused, though the address is live",
		      f->where);
	}
	err = owner_fill(f, sent) ?: dmah_sync_for_device(s->dev, &second, 0, LEN);
	err = err ?: edu_read(s->regs, dmah_addr(&second), LEN);
	err = err ?: dmah_sync_for_cpu(s->dev, &second, 0, LEN);
	err = err ?: owner_fill(f, sent + 1);
	err = err ?: dmah_sync_for_device(s->dev, &second, 0, LEN);
	err = err ?: edu_write(s->regs, dmah_addr(&second), LEN);
	seeds++;
	err = dmah_unmap(s->dev, &second) ?: err;
	err = err ?: frame_wrong(f, sent, sent + 1, OFF, LEN);
	note("%d", err);
	check(!err, "%s: the other goes on", f->where);
}
