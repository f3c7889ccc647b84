// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long each call takes by the virtual counter. Under QEMU's -icount shift=0 a nanosecond is an
 * instruction, of dom0 and of Xen together. Nothing is probed meanwhile and nothing is checked but
 * errors: printed for who collects it ("dmah-xen-ticks" lines).
 */
#include <linux/slab.h>
#include <asm/arch_timer.h>

#include "ktap.h"
#include "mapping.h"
#include "test.h"

#define LIVE   256u
#define ROUNDS 8u

enum op { OP_MAP, OP_SYNC_DEVICE, OP_SYNC_CPU, OP_UNMAP };

#define KINDS 4

static const char *const op_name[KINDS] = { "map", "sync_for_device", "sync_for_cpu", "unmap" };

/* One kind of call on all mappings. Return: 0, or an error of any. */
static int calls(struct mapping *m, enum op op)
{
	int err = 0;

	switch (op) {
	case OP_MAP:
		for (u32 i = 0; i < LIVE; i++)
			err |= mapping_begin(&m[i]);
		break;
	case OP_SYNC_DEVICE:
		for (u32 i = 0; i < LIVE; i++)
			err |= mapping_sync(&m[i], 0, m[i].len, false);
		break;
	case OP_SYNC_CPU:
		for (u32 i = 0; i < LIVE; i++)
			err |= mapping_sync(&m[i], 0, m[i].len, true);
		break;
	default:
		for (u32 i = 0; i < LIVE; i++)
			err |= mapping_end(&m[i]);
		break;
	}
	return err;
}

static int measure(struct mapping *m, u64 ticks[KINDS])
{
	/* The first round warms what is allocated on first use. */
	for (u32 n = 0; n <= ROUNDS; n++) {
		for (enum op op = 0; op < KINDS; op++) {
			unsigned long flags;
			u64 from, took;
			int err;

			local_irq_save(flags);
			from = __arch_counter_get_cntvct();
			err = calls(m, op);
			took = __arch_counter_get_cntvct() - from;
			local_irq_restore(flags);
			if (err)
				return err;
			ticks[op] += n ? took : 0;
		}
	}
	return 0;
}

void test_ticks(const struct setup *s, const struct frame *f)
{
	struct mapping *m = kvcalloc(LIVE, sizeof(*m), GFP_KERNEL);

	if (!check(m, "%s: room for %u mappings", f->where, LIVE))
		return;
	for (enum api api = 0; api < APIS; api++) {
		for (u32 v = 0; v < f->views; v++) {
			u64 ticks[KINDS] = {};
			int err;

			if (!mapping_can(api, &f->view[v]))
				continue;
			for (u32 i = 0; i < LIVE; i++)
				m[i] = (struct mapping){ .dev = s->dev,
							 .view = &f->view[v],
							 .len = PAGE_SIZE,
							 .dir = DMA_BIDIRECTIONAL,
							 .api = api };
			err = measure(m, ticks);
			note("%d", err);
			if (!check(!err, "%s, %s of %s: timed", f->where, api_name[api],
				   f->view[v].name))
				continue;
			for (enum op op = 0; op < KINDS; op++)
				pr_info("dmah-xen-ticks where=%s view=%s api=%s op=%s coherent=%d "
					"check=%d len=%lu calls=%u ticks=%llu hz=%u\n",
					f->where, f->view[v].name, api_name[api], op_name[op],
					s->coherent, s->check, PAGE_SIZE, LIVE * ROUNDS, ticks[op],
					arch_timer_get_cntfrq());
		}
	}
	kvfree(m);
}
