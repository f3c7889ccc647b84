// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Verifies around each call:
 *
 * map		Before, the CPU writes new bytes if the device is to read. After, the device reads the buffer through its DMA
 *		addresses and must see the CPU's bytes; then the device writes new bytes, if it may.
 * sync		For the device: as map, for the range. For the CPU: the CPU must see the device's bytes.
 * unmap	After, the CPU must see the device's bytes, and unchanged bytes beside the buffer. Behind an IOMMU the device
 *		then tries again and must fault: at once in strict mode, after the last flush in lazy mode.
 * at the end	Every page-table entry, as the simulator's own walker reads it, must be that of a live mapping, and every
 *		live mapping must have its entries. Then all mappings are ended, and nothing may be left over.
 *
 * With DMAH_ATTR_NO_CPU_SYNC, map and unmap move no bytes between CPU and device; only syncs do, for their range. Of buffers
 * above 1 MiB only the ends are read and written.
 */
#include <inttypes.h>
#include <stdarg.h>
#include "message.h"
#include "posix.h"
#include "pte.h"
#include "shadow.h"
#include "verify.h"
#include "xalloc.h"

#define PAGE   4096u
#define WHOLE  (1u << 20)
#define WINDOW (1u << 16)
#define BESIDE 64u
#define LATER  256u

/* An extent: bytes of a mapping in one page of memory that are adjacent for the device. */
struct extent {
	uint64_t phys;
	uint64_t addr; /* machine address */
	dmah_addr_t dma;
	uint64_t off; /* offset in the mapping */
	uint32_t len;
};

struct gone {
	uint32_t device;
	dmah_addr_t dma;
};

struct verifier {
	struct machine *m;
	struct exec x;
	struct shadow shadow;
	struct verdict *verdict;
	struct extent *ext;
	uint32_t next, ext_cap;
	uint8_t buf[PAGE];
	uint8_t *fresh; /* of each record of coherent memory: a byte that CPU and device both expect */
	struct gone
		gone[LATER]; /* addresses that were unmapped lazily, for a try after the last flush */
	uint32_t ngone;
	uint8_t *mapped; /* of each item: true if its map succeeded */
	const struct op *op;
	enum dmah_mode mode;
	uint64_t reports;
	void (*meddle)(void *ctx, uint32_t op);
	void *meddle_ctx;
};

/* ---- problems ---- */

__attribute__((format(printf, 2, 3))) static void wrong(struct verifier *v, const char *format, ...)
{
	struct verdict *d = v->verdict;
	char *text = d->text[d->ntext];
	size_t room = sizeof(d->text[0]), at;
	va_list args;

	d->wrong++;
	if (d->ntext == PROBLEMS)
		return;
	d->ntext++;
	at = 0;
	if (v->op)
		at = (size_t)snprintf(text, room, "mapping of %s %" PRIu64 ": ",
				      trace_info(v->m->plan->trace)->dat ? "record" : "line",
				      v->m->plan->items[v->op->item].line);
	va_start(args, format);
	vsnprintf(text + at, room - at, format, args);
	va_end(args);
}

/* ---- where a mapping is ---- */

static void add_extents(struct verifier *v, uint64_t phys, dmah_addr_t dma, uint64_t off,
			uint64_t len, uint64_t total)
{
	while (len) {
		uint32_t n = PAGE - (uint32_t)(phys % PAGE);

		if (n > len)
			n = (uint32_t)len;
		if (total <= WHOLE || off < WINDOW || off + n > total - WINDOW) {
			struct extent *e;

			xgrow(v->ext, v->next, v->ext_cap);
			e = &v->ext[v->next++];
			*e = (struct extent){ .phys = phys, .dma = dma, .off = off, .len = n };
			e->addr = machine_addr(v->m, phys);
			shadow_page(&v->shadow, e->addr, phys);
		}
		phys += n;
		dma += n;
		off += n;
		len -= n;
	}
}

/* Lists the extents of an item, with DMA addresses if it is mapped. */
static void find_extents(struct verifier *v, uint32_t i, bool mapped)
{
	const struct item *item = &v->m->plan->items[i];
	const struct target *t = &v->m->target[i];
	dmah_addr_t dma = 0;
	uint64_t left = 0, off = 0;
	uint32_t seg = 0;

	v->next = 0;
	if (item->kind == ITEM_SINGLE) {
		if (mapped)
			exec_segment(&v->x, i, 0, &dma, &left);
		add_extents(v, t->phys, dma, 0, t->len, t->len);
		return;
	}
	for (uint32_t k = 0; k < item->pieces; k++) {
		struct piece p = v->m->piece[item->first + k];

		while (p.len) {
			uint32_t n = p.len;

			if (mapped && !left && !exec_segment(&v->x, i, seg++, &dma, &left)) {
				wrong(v, "the DMA segments are shorter than the list");
				return;
			}
			if (mapped && left < n)
				n = (uint32_t)left;
			add_extents(v, p.phys, dma, off, n, item->total);
			p.phys += n;
			p.len -= n;
			dma += n;
			off += n;
			left -= mapped ? n : 0;
		}
	}
	if (mapped && (left || exec_segment(&v->x, i, seg, &dma, &left)))
		wrong(v, "the DMA segments are longer than the list");
}

/* Cuts an extent to the range [@off, @off + @len) of the mapping. Return: false if nothing is left. */
static bool cut(struct extent *e, uint64_t off, uint64_t len)
{
	uint64_t from = e->off > off ? e->off : off, end = e->off + e->len;

	if (off + len < end)
		end = off + len;
	if (from >= end)
		return false;
	e->phys += from - e->off;
	e->addr += from - e->off;
	e->dma += from - e->off;
	e->len = (uint32_t)(end - from);
	e->off = from;
	return true;
}

/* ---- who reads and writes ---- */

static void cpu_write(struct verifier *v, const struct extent *e, bool uncached)
{
	uint8_t *want = shadow_want(&v->shadow, e->addr);

	shadow_random(&v->shadow, want, e->len);
	sim_cpu_write(v->m->sim, e->phys, want, e->len);
	if (uncached)
		sim_cpu_maintain(v->m->sim, DMAH_CACHE_FLUSH, e->phys, e->len);
}

static void cpu_check(struct verifier *v, const struct extent *e, bool others, bool uncached,
		      const char *when)
{
	size_t n;

	if (uncached)
		sim_cpu_maintain(v->m->sim, DMAH_CACHE_INVALIDATE, e->phys, e->len);
	sim_cpu_read(v->m->sim, e->phys, v->buf, e->len);
	v->verdict->checked++;
	n = shadow_differs(&v->shadow, e->addr, v->buf, e->len, others);
	if (n)
		wrong(v, "%zu of %u bytes at offset %" PRIu64 " are wrong for the CPU %s", n,
		      e->len, e->off, when);
}

static struct sim_device *device_of(struct verifier *v, uint32_t item)
{
	return v->m->simdev[v->m->plan->items[item].device];
}

static void device_check(struct verifier *v, const struct extent *e, const char *when)
{
	enum sim_reason r = sim_dma_read(device_of(v, v->op->item), e->dma, v->buf, e->len);
	size_t n;

	v->verdict->checked++;
	if (r) {
		wrong(v, "the device cannot read 0x%" PRIx64 " %s: %s", e->dma, when,
		      sim_reason_text(r));
		return;
	}
	n = shadow_differs(&v->shadow, e->addr, v->buf, e->len, false);
	if (n)
		wrong(v, "%zu of %u bytes at offset %" PRIu64 " are wrong for the device %s", n,
		      e->len, e->off, when);
}

static void device_write(struct verifier *v, const struct extent *e, const char *when)
{
	uint8_t *want = shadow_want(&v->shadow, e->addr);
	enum sim_reason r;

	shadow_random(&v->shadow, v->buf, e->len);
	r = sim_dma_write(device_of(v, v->op->item), e->dma, v->buf, e->len);
	if (r)
		wrong(v, "the device cannot write 0x%" PRIx64 " %s: %s", e->dma, when,
		      sim_reason_text(r));
	else
		memcpy(want, v->buf, e->len);
}

/* ---- the calls ---- */

static const struct item *item_of(const struct verifier *v)
{
	return &v->m->plan->items[v->op->item];
}

static bool may(const struct item *item, enum dmah_dir dir)
{
	return (item->dir & dir) != 0;
}

/* Returns true if only syncs make the CPU's bytes visible to the device. */
static bool by_syncs(const struct item *item)
{
	return item->attrs & DMAH_ATTR_NO_CPU_SYNC;
}

/*
 * Returns true if the CPU writes past its caches. It does so in a buffer that only syncs maintain: there a sync for the CPU
 * may come first, and drops dirty lines.
 */
static bool uncached(const struct item *item)
{
	return item->attrs & (DMAH_ATTR_MMIO | DMAH_ATTR_NO_CPU_SYNC);
}

static void before_map(struct verifier *v)
{
	const struct item *item = item_of(v);

	find_extents(v, v->op->item, false);
	for (uint32_t i = 0; i < v->next; i++) {
		struct extent *e = &v->ext[i];

		/* Registers are never cached, even if a trace uses the same memory as a buffer. */
		if (item->attrs & DMAH_ATTR_MMIO)
			sim_cpu_maintain(v->m->sim, DMAH_CACHE_FLUSH, e->phys, e->len);
		if (may(item, DMAH_TO_DEVICE) && shadow_free_of(&v->shadow, e->addr, e->len))
			cpu_write(v, e, uncached(item));
	}
}

static void check_translation(struct verifier *v)
{
	const struct extent *e = &v->ext[0];
	bool write = !may(item_of(v), DMAH_TO_DEVICE);
	enum sim_reason r;
	dmah_phys_t to;

	r = sim_dma_reaches(device_of(v, v->op->item), e->dma, write, &to);
	if (r)
		wrong(v, "the device does not reach 0x%" PRIx64 ": %s", e->dma, sim_reason_text(r));
	else if (to != e->addr && to - v->m->pool.phys >= v->m->pool.size)
		wrong(v, "0x%" PRIx64 " leads to 0x%" PRIx64 " and not to 0x%" PRIx64, e->dma, to,
		      e->addr);
}

static void after_map(struct verifier *v)
{
	const struct item *item = item_of(v);
	bool writes = may(item, DMAH_FROM_DEVICE);

	find_extents(v, v->op->item, true);
	if (v->next)
		check_translation(v);
	for (uint32_t i = 0; i < v->next; i++)
		shadow_take(&v->shadow, v->ext[i].addr, v->ext[i].len, writes);
	for (uint32_t i = 0; i < v->next; i++) {
		/* Before the first sync for the device, the device must not use the buffer. */
		if (by_syncs(item))
			continue;
		if (may(item, DMAH_TO_DEVICE))
			device_check(v, &v->ext[i], "after map");
		if (writes)
			device_write(v, &v->ext[i], "after map");
	}
}

static void range(const struct verifier *v, uint64_t *off, uint64_t *len)
{
	const struct item *item = item_of(v);

	*off = item->kind == ITEM_SG ? 0 : v->op->off;
	*len = item->kind == ITEM_SG ? item->total : v->op->len;
}

static void before_sync_device(struct verifier *v)
{
	uint64_t off, len;

	find_extents(v, v->op->item, true);
	if (!may(item_of(v), DMAH_TO_DEVICE))
		return;
	range(v, &off, &len);
	for (uint32_t i = 0; i < v->next; i++) {
		struct extent e = v->ext[i];

		if (cut(&e, off, len))
			cpu_write(v, &e, item_of(v)->attrs & DMAH_ATTR_MMIO);
	}
}

static void after_sync_device(struct verifier *v)
{
	const struct item *item = item_of(v);
	uint64_t off, len;

	range(v, &off, &len);
	for (uint32_t i = 0; i < v->next; i++) {
		struct extent e = v->ext[i];

		if (may(item, DMAH_TO_DEVICE) && cut(&e, off, len))
			device_check(v, &e, "after sync_for_device");
	}
	/* The CPU may have written back whole cache lines: the device writes all of the buffer again. */
	for (uint32_t i = 0; may(item, DMAH_FROM_DEVICE) && i < v->next; i++) {
		struct extent e = v->ext[i];

		if (!by_syncs(item) || cut(&e, off, len))
			device_write(v, &e, "after sync_for_device");
	}
}

static void after_sync_cpu(struct verifier *v)
{
	uint64_t off, len;

	find_extents(v, v->op->item, true);
	range(v, &off, &len);
	for (uint32_t i = 0; i < v->next; i++) {
		struct extent e = v->ext[i];

		if (cut(&e, off, len))
			cpu_check(v, &e, false, item_of(v)->attrs & DMAH_ATTR_MMIO,
				  "after sync_for_cpu");
	}
}

/* Checks the bytes before and behind a buffer in its pages. */
static void check_beside(struct verifier *v)
{
	for (uint32_t i = 0; i < v->next; i++) {
		const struct extent *e = &v->ext[i];
		uint32_t at = (uint32_t)(e->phys % PAGE), before = at < BESIDE ? at : BESIDE;
		uint32_t rest = PAGE - at - e->len, behind = rest < BESIDE ? rest : BESIDE;
		struct extent b = *e;

		b.phys -= before;
		b.addr -= before;
		b.len = before;
		if (before)
			cpu_check(v, &b, true, false, "before the buffer after unmap");
		b.phys = e->phys + e->len;
		b.addr = e->addr + e->len;
		b.len = behind;
		if (behind)
			cpu_check(v, &b, true, false, "behind the buffer after unmap");
	}
}

static void try_again(struct verifier *v, uint32_t device, dmah_addr_t dma, bool write)
{
	struct sim_device *dev = v->m->simdev[device];
	uint8_t byte = 0xee;
	enum sim_reason r = write ? sim_dma_write(dev, dma, &byte, 1)
				  : sim_dma_read(dev, dma, &byte, 1);

	v->verdict->checked++;
	if (r)
		return;
	if (!v->verdict->stale++)
		message("the device still %s 0x%" PRIx64 " after its unmap",
			write ? "writes" : "reads", dma);
}

static void before_unmap(struct verifier *v)
{
	find_extents(v, v->op->item, true);
}

static void after_unmap(struct verifier *v)
{
	const struct item *item = item_of(v);
	bool writes = may(item, DMAH_FROM_DEVICE);

	for (uint32_t i = 0; i < v->next; i++) {
		struct extent *e = &v->ext[i];

		if (v->m->kind->va_bits && v->mode == DMAH_STRICT) {
			try_again(v, item->device, e->dma, writes);
			try_again(v, item->device, e->dma + e->len - 1, writes);
		} else if (v->m->kind->va_bits) {
			v->gone[v->ngone++ % LATER] =
				(struct gone){ .device = item->device, .dma = e->dma };
		}
		/* No sync has made the device's bytes visible, and the memory is free: the CPU writes it anew. */
		if (by_syncs(item) && writes)
			cpu_write(v, e, uncached(item));
		else
			cpu_check(v, e, false, item->attrs & DMAH_ATTR_MMIO, "after unmap");
		shadow_leave(&v->shadow, e->addr, e->len, writes);
	}
	check_beside(v);
}

/* ---- coherent memory ---- */

static void coherent_bytes(struct verifier *v)
{
	const struct target *t = &v->m->target[v->op->item];
	volatile uint8_t *cpu = v->x.cpu[t->kept];
	struct sim_device *dev = device_of(v, v->op->item);
	dmah_addr_t dma = dmah_addr(&v->x.coherent[t->kept]);
	uint32_t at[2] = { 0, t->len - 1 };

	for (unsigned int i = 0; i < 2; i++) {
		uint8_t byte = ++v->fresh[t->kept], got = 0;

		v->verdict->checked++;
		cpu[at[i]] = byte;
		if (sim_dma_read(dev, dma + at[i], &got, 1) || got != byte)
			wrong(v, "the device does not see the CPU's bytes in coherent memory");
		byte = ++v->fresh[t->kept];
		if (sim_dma_write(dev, dma + at[i], &byte, 1) || cpu[at[i]] != byte)
			wrong(v, "the CPU does not see the device's bytes in coherent memory");
	}
}

static void coherent_op(struct verifier *v)
{
	const struct op *op = v->op;
	dmah_addr_t dma = dmah_addr(&v->x.coherent[v->m->target[op->item].kept]);
	int err;

	if (op->kind == OP_UNMAP)
		coherent_bytes(v);
	err = exec_op(&v->x, op);
	if (err)
		wrong(v, "coherent memory: %s", dmah_strerror(err));
	v->mapped[op->item] = op->kind == OP_MAP && !err;
	if (err)
		return;
	if (op->kind == OP_MAP)
		coherent_bytes(v);
	else if (v->m->kind->va_bits)
		try_again(v, item_of(v)->device, dma, true);
}

/* ---- all of it ---- */

static void one(struct verifier *v, const struct op *op)
{
	static const char *const names[] = { "map", "unmap", "sync_for_cpu", "sync_for_device" };
	int err;

	v->op = op;
	posix_set_cpu(op->cpu);
	if (op->kind != OP_MAP && !v->mapped[op->item])
		return;
	if (op->item_kind == ITEM_COHERENT) {
		coherent_op(v);
		return;
	}
	if (op->kind == OP_MAP)
		before_map(v);
	else if (op->kind == OP_UNMAP)
		before_unmap(v);
	else if (op->kind == OP_SYNC_DEVICE)
		before_sync_device(v);
	err = exec_op(&v->x, op);
	if (err) {
		wrong(v, "%s: %s", names[op->kind], dmah_strerror(err));
		return;
	}
	if (op->kind == OP_MAP) {
		v->mapped[op->item] = 1;
		after_map(v);
	} else if (op->kind == OP_UNMAP) {
		v->mapped[op->item] = 0;
		after_unmap(v);
	} else if (op->kind == OP_SYNC_DEVICE) {
		after_sync_device(v);
	} else {
		after_sync_cpu(v);
	}
}

static void check_tables(struct verifier *v)
{
	struct pte_model model = { 0 };
	char why[160];

	if (!v->m->kind->va_bits)
		return;
	v->op = NULL;
	for (uint32_t d = 0; d < v->m->plan->ndevices; d++) {
		uint64_t bad;

		model.n = 0;
		for (uint32_t i = 0; i < v->m->plan->nitems; i++)
			if (v->mapped[i] && v->m->plan->items[i].device == d)
				pte_expect(&model, &v->x, i);
		bad = pte_compare(&model, v->m, d, why, sizeof(why));
		v->verdict->checked += model.n;
		if (bad) {
			wrong(v, "device %s: %s", v->m->plan->devices[d].name, why);
			v->verdict->wrong += bad - 1;
		}
	}
	pte_free(&model);
}

static bool check_empty(struct verifier *v)
{
	bool empty = true;

	v->op = NULL;
	for (uint32_t d = 0; d < v->m->plan->ndevices; d++) {
		uint64_t live = dmah_device_live(v->m->rig[d].dev);

		if (!live)
			continue;
		empty = false;
		wrong(v, "device %s: %" PRIu64 " mappings are live after all were ended",
		      v->m->plan->devices[d].name, live);
	}
	if (v->m->pool.pool && dmah_pool_used(v->m->pool.pool)) {
		empty = false;
		wrong(v,
		      "%" PRIu64
		      " bytes of the bounce pool are in use after all mappings were ended",
		      dmah_pool_used(v->m->pool.pool));
	}
	return empty;
}

static void count_report(void *ctx, const struct dmah_device *dev, int err, const char *text,
			 uint64_t addr, const void *caller)
{
	struct verifier *v = ctx;

	(void)dev;
	(void)err;
	(void)caller;
	/* A report that comes with an error is counted by that error. Any other report is a failure of its own. */
	v->reports++;
	if (v->reports <= PROBLEMS)
		message("report of the library: %s (0x%" PRIx64 ")", text, addr);
}

bool verifier_run(struct verifier *v, struct way way, enum dmah_mode mode, struct verdict *verdict)
{
	const struct plan *p = v->m->plan;
	bool empty;
	int err;

	v->verdict = verdict;
	v->op = NULL;
	v->mode = mode;
	v->ngone = 0;
	v->reports = 0;
	memset(v->mapped, 0, p->nitems);
	posix_set_report(count_report, v);
	err = machine_set_mode(v->m, mode);
	if (!err)
		err = exec_set_way(&v->x, way);
	if (err)
		wrong(v, "setting up: %s", dmah_strerror(err));
	for (uint32_t i = 0; !err && i < p->nops; i++) {
		if (v->meddle)
			v->meddle(v->meddle_ctx, i);
		one(v, &p->ops[i]);
	}
	if (!err && mode == DMAH_LAZY)
		err = machine_flush(v->m);
	if (!err)
		check_tables(v);
	for (uint32_t i = 0; !err && i < p->ntail; i++)
		one(v, &p->ops[p->nops + i]);
	v->op = NULL;
	if (machine_flush(v->m))
		wrong(v, "the last flush failed");
	for (uint32_t i = 0; i < v->ngone && i < LATER; i++)
		try_again(v, v->gone[i].device, v->gone[i].dma, false);
	memset(v->mapped, 0, p->nitems);
	check_tables(v);
	empty = check_empty(v);
	if (v->reports)
		wrong(v, "%" PRIu64 " reports of the library", v->reports);
	posix_set_report(NULL, NULL);
	posix_set_cpu(0);
	return empty;
}

struct verifier *verifier_create(struct machine *m)
{
	struct verifier *v = xcalloc(1, sizeof(*v));

	v->m = m;
	if (!shadow_init(&v->shadow, m)) {
		message("%s: no memory for the model of machine %s", trace_path(m->plan->trace),
			m->kind->name);
		free(v);
		return NULL;
	}
	exec_init(&v->x, m);
	v->mapped = xcalloc(m->plan->nitems, 1);
	v->fresh = xcalloc(m->plan->kept[ITEM_COHERENT], 1);
	return v;
}

void verifier_free(struct verifier *v)
{
	if (!v)
		return;
	exec_free(&v->x);
	shadow_free(&v->shadow);
	free(v->ext);
	free(v->mapped);
	free(v->fresh);
	free(v);
}

void verifier_meddle(struct verifier *v, void (*fn)(void *ctx, uint32_t op), void *ctx)
{
	v->meddle = fn;
	v->meddle_ctx = ctx;
}
