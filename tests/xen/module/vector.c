// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scattered foreign memory, and coherent memory, by handle.
 */
#include <linux/scatterlist.h>

#include "edu.h"
#include "guest.h"
#include "ktap.h"
#include "mapping.h"
#include "test.h"

#define OFF    0x210u
#define FIRST  0x333u
#define SECOND 0x2a5u

static u32 seeds = 0x20000;

/*
 * Through one DMA segment, whose bytes lie at @off of the frame. Return: 0, bytes that are wrong,
 * or an error.
 */
static int segment(const struct setup *s, const struct frame *f, struct dmah_vec *v,
		   const struct dmah_dma_seg *seg, u32 off)
{
	u32 sent = ++seeds, before = ++seeds;
	int err = owner_fill(f, sent) ?: dmah_vec_sync_for_device(s->dev, v, 0, v->total);

	err = err ?: edu_read(s->regs, seg->dma, seg->len);
	err = err ?: dmah_vec_sync_for_cpu(s->dev, v, 0, v->total);
	err = err ?: owner_fill(f, before);
	err = err ?: dmah_vec_sync_for_device(s->dev, v, 0, v->total);
	err = err ?: edu_write(s->regs, seg->dma, seg->len);
	err = err ?: dmah_vec_sync_for_cpu(s->dev, v, 0, v->total);
	return err ?: frame_wrong(f, sent, before, off, seg->len);
}

/*
 * The first piece through one alias, the second through the other: far apart to the CPU, and one
 * after the other in the frame. So the device gets one segment, or two slots.
 */
void test_vector(const struct setup *s, const struct frame *f)
{
	const struct view *a = &f->view[f->pages - 2], *b = &f->view[f->pages - 1];
	u32 want = s->force ? 2 : 1, off = OFF;
	struct scatterlist sgl[2];
	struct dmah_vec v;
	int err;

	sg_init_table(sgl, ARRAY_SIZE(sgl));
	sg_set_page(&sgl[0], a->page, FIRST, OFF);
	sg_set_page(&sgl[1], b->page, SECOND, OFF + FIRST);
	err = dmah_vec_alloc(&v, ARRAY_SIZE(sgl), GFP_KERNEL);
	if (!check(!err, "%s: room for a vector", f->where))
		return;
	err = dmah_map_sg(s->dev, &v, sgl, ARRAY_SIZE(sgl), DMA_BIDIRECTIONAL, 0);
	note("%d, %u segments", err, v.nseg);
	if (check(!err && v.nseg == want && v.total == FIRST + SECOND,
		  "%s: two pieces by two aliases, %u DMA segments", f->where, want)) {
		for (u32 i = 0; i < v.nseg; i++) {
			err = segment(s, f, &v, &v.seg[i], off);
			note("%d", err);
			check(!err, "%s: through segment %u and back", f->where, i);
			off += v.seg[i].len;
		}
	}
	err = dmah_unmap_vec(s->dev, &v);
	note("%d", err);
	check(!err, "%s: the vector is unmapped", f->where);
	dmah_vec_free(&v);
}

void test_coherent(const struct setup *s)
{
	u32 sent = ++seeds, before = ++seeds, wrong;
	struct dmah h = {};
	u8 *page = dmah_alloc_coherent(s->dev, &h, MAILBOX_FRAME, GFP_KERNEL);
	int err;

	if (!check(page, "coherent memory"))
		return;
	pattern_fill(page, sent);
	err = edu_read(s->regs, dmah_addr(&h), FIRST);
	pattern_fill(page, before);
	err = err ?: edu_write(s->regs, dmah_addr(&h), FIRST);
	wrong = pattern_wrong(page, sent, 0, FIRST) +
		pattern_wrong(page, before, FIRST, MAILBOX_FRAME);
	err = dmah_free_coherent(s->dev, &h) ?: err;
	note("%d, %u bytes are wrong", err, wrong);
	check(!err && !wrong, "coherent memory to edu and back");
}
