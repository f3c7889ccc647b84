// SPDX-License-Identifier: GPL-2.0-only
/*
 * The negative control: a device that the kernel has given no Xen DMA operations, as it is for one
 * without a node in the device tree. The kernel's DMA API then takes the physical address for the
 * DMA address. The tests of trip.c prove nothing unless the bytes go astray here.
 */
#include "edu.h"
#include "guest.h"
#include "ktap.h"
#include "mapping.h"
#include "test.h"

#define LEN 512u

static u32 seeds = 0x10000;

/* Bytes wrong after a trip by these DMA addresses, or an error. */
static int astray(const struct setup *s, const struct frame *f, struct mapping *m)
{
	u32 sent = ++seeds, before = ++seeds;
	int err;

	m->dir = DMA_TO_DEVICE;
	err = owner_fill(f, sent) ?: mapping_begin(m);
	if (err)
		return err;
	err = edu_read(s->regs, m->dma, m->len);
	err = mapping_end(m) ?: err;
	m->dir = DMA_FROM_DEVICE;
	err = err ?: owner_fill(f, before);
	err = err ?: mapping_begin(m);
	if (err)
		return err;
	err = edu_write(s->regs, m->dma, m->len);
	err = mapping_end(m) ?: err;
	return err ?: frame_wrong(f, sent, before, 0, m->len);
}

/* From one alias into the next only a bounce slot will do, and this device gets none. */
static void straddle(const struct setup *s, const struct frame *f)
{
	struct mapping m = { .dev = s->dev,
			     .view = &f->view[f->pages - 2],
			     .off = PAGE_SIZE - LEN,
			     .len = 2 * LEN,
			     .dir = DMA_TO_DEVICE,
			     .api = API_PAGE };
	int err = mapping_begin(&m);

	note("%d", err);
	check(err == -EIO && !dmah_mapped(&m.h), "%s: a buffer across two aliases is refused",
	      f->where);
}

void test_without_xen(const struct setup *s, const struct frame *f)
{
	for (u32 i = 0; i < f->views; i++) {
		const struct view *v = &f->view[i];
		struct mapping m = { .dev = s->dev, .view = v, .len = LEN };
		struct view lie = *v;
		int got;

		if (v->phys == v->bus)
			continue;
		if (v->page) {
			m.api = API_STOCK;
			got = astray(s, f, &m);
			note("%s at %pad: %d", v->name, &m.dma, got);
			check(got > 0 && m.dma == v->phys, "%s: dma_map_page of %s goes astray",
			      f->where, v->name);
			m.api = API_PAGE;
			got = astray(s, f, &m);
			note("%d", got);
			check(!got, "%s: dmah_map_page of %s is right", f->where, v->name);
		}
		m.api = API_BUS;
		got = astray(s, f, &m);
		note("%d", got);
		check(!got, "%s: dmah_map_bus of %s is right", f->where, v->name);
		/* The same call, with the physical address in place of the bus address. */
		lie.bus = v->phys;
		m.view = &lie;
		got = astray(s, f, &m);
		note("%d", got);
		check(got > 0,
		      "%s: the physical address of %s is no DMA "
		      "address",
		      f->where, v->name);
	}
	straddle(s, f);
}
