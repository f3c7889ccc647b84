/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "backend/iommu/map.h"
#include "backend/iommu/aperture.h"
#include "backend/iommu/link.h"
#include "backend/iommu/poll.h"
#include "backend/iommu/ring.h"
#include "base/pool.h"
#include "base/buffer.h"
#include "base/request.h"

/* ---- slots ---- */

static uint32_t slots(const struct dmah_ring *ring)
{
	return ring->mask + 1;
}

static void set_end(const struct dmah_ring *ring, struct ring_end *end, uint32_t slot)
{
	uint32_t index = ring->first + slot * ring->step, left;

	end->pte = entries_any(ring->dev->dom, index);
	end->iova = iommu_iova(ring->dev->dom, index);
	/* A slot of more than a table begins with one: each stands for itself. */
	left = (PT_TABLE_ENTRIES - (index & (PT_TABLE_ENTRIES - 1)) + ring->step - 1) / ring->step;
	end->left = left < slots(ring) - slot ? left : slots(ring) - slot;
}

static uint32_t slot_of(const struct dmah_ring *ring, const struct ring_end *end)
{
	return (uint32_t)((end->iova - iommu_iova(ring->dev->dom, ring->first)) >>
			  PT_GRANULE_SHIFT) /
	       ring->step;
}

void dmah_ring_next_table(const struct dmah_ring *ring, struct ring_end *end)
{
	set_end(ring, end, (slot_of(ring, end) + 1) & ring->mask);
}

static uint32_t index_of(const struct dmah_ring *ring, uint64_t number)
{
	return ring->first + ((uint32_t)number & ring->mask) * ring->step;
}

/* The slots, and one before them that is never mapped. */
static uint32_t granules(const struct dmah_ring *ring)
{
	return (slots(ring) + 1) * ring->step;
}

static void give_back(struct dmah_ring *ring)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_iova_put_large(&ring->dev->dom->iova, ring->first - ring->step, granules(ring));
	dmah_host_leave(flags);
}

static void set_fast(struct dmah_ring *ring)
{
	const struct dmah_device *dev = ring->dev;
	const struct pt_leaf *leaf = &dev->dom->pt.leaf;

	ring->prot = leaf->prot[ring->cfg.dir] | leaf->cont | leaf->more;
	ring->gen_bits = leaf->gen_bits;
	ring->fast = !ring->cfg.attrs && __atomic_load_n(&dev->fast_end, __ATOMIC_RELAXED) &&
		     ring->step << PT_GRANULE_SHIFT <= dev->fast_max;
}

int dmah_iommu_ring_init(struct dmah_ring *ring)
{
	struct dmah_domain *dom = ring->dev->dom;
	static uint32_t serial;
	uint32_t n = (ring->room >> PT_GRANULE_SHIFT) + 1, first;
	int on = dmah_iommu_check_on(ring->dev);

	/* A ring's IOVAs keep their entries: without a table its mappings are ordinary ones. */
	if (dom->mark)
		return on;

	if (on)
		return on;
	ring->serial = __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED);
	ring->step = n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1));
	ring->mask = 2 * ring->cfg.entries - 1;
	if ((uint64_t)(slots(ring) + 1) * ring->step > dom->granules)
		return DMAH_ENOSPC;
	first = dmah_iommu_take_range(dom, granules(ring), ring->step);
	if (first == RANGE_NONE)
		return DMAH_ENOSPC;
	ring->first = first + ring->step;
	for (uint32_t i = first & ~(PT_TABLE_ENTRIES - 1); i < first + granules(ring);
	     i += PT_TABLE_ENTRIES) {
		int err = entries_has_leaf(dom, i) ? DMAH_OK : dmah_entries_make_leaf(dom, i, 0);

		if (err) {
			give_back(ring);
			return err;
		}
	}
	ring->room = (ring->step << PT_GRANULE_SHIFT) - 1;
	ring->has_iova = true;
	set_fast(ring);
	set_end(ring, &ring->head, 0);
	set_end(ring, &ring->tail, 0);
	return DMAH_OK;
}

/* By the owner alone. */
static void set_flushed(struct dmah_ring *ring, uint64_t until)
{
	__atomic_store_n(&ring->flushed, until, __ATOMIC_RELEASE);
}

static int flush(struct dmah_ring *ring)
{
	uint64_t until = ring->popped;
	int err;

	if (ring_flushed(ring) == until && !ring->unsure)
		return DMAH_OK;
	err = dmah_iommu_invalidate(ring->dev->dom, ring->dev, 0, 0, false);
	if (err)
		return err;
	ring->unsure = false;
	set_flushed(ring, until);
	return DMAH_OK;
}

/* Clear the addresses that are left in the ring's entries: the history would take them for times. */
static void forget_addresses(const struct dmah_ring *ring)
{
	struct dmah_domain *dom = ring->dev->dom;

	for (uint32_t i = 0; i < slots(ring) * ring->step; i++) {
		uint64_t *pte = entries_any(dom, ring->first + i);

		leaf_clear(pte, pt_load(pte) & dom->pt.leaf.gen_bits);
	}
}

int dmah_iommu_ring_fini(struct dmah_ring *ring)
{
	int err = flush(ring);

	if (err)
		return err;
	forget_addresses(ring);
	give_back(ring);
	return DMAH_OK;
}

/* ---- flushes of the domain ---- */

/* The domain's first ring after the one with a serial number; under the setup lock. Rings may come and go in between. */
static struct dmah_ring *next_ring(const struct dmah_domain *dom, uint32_t serial)
{
	struct dmah_ring *next = NULL;

	for (unsigned int i = 0; i < dom->cfg.devices; i++)
		for (struct dmah_ring *r = dom->device[i] ? dom->device[i]->rings : NULL; r;
		     r = r->next)
			if (r->has_iova && r->serial > serial &&
			    (!next || r->serial < next->serial))
				next = r;
	return next;
}

unsigned int dmah_iommu_rings_capture(struct dmah_domain *dom, uint32_t after,
				      struct ring_mark marks[RING_MARKS])
{
	unsigned int n = 0;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	for (; n < RING_MARKS; n++) {
		const struct dmah_ring *ring = next_ring(dom, after);

		if (!ring)
			break;
		after = ring->serial;
		marks[n].serial = after;
		marks[n].until = __atomic_load_n(&ring->popped, __ATOMIC_ACQUIRE);
	}
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
	return n;
}

/* A ring may have gone meanwhile. */
void dmah_iommu_rings_flushed(struct dmah_domain *dom, const struct ring_mark *marks,
			      unsigned int n, uint64_t begun)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	for (unsigned int i = 0; i < n; i++) {
		struct dmah_ring *ring = next_ring(dom, marks[i].serial - 1);

		if (!ring || ring->serial != marks[i].serial)
			continue;
		/* Of two flushes at one time the later one may end first. */
		if (marks[i].until > __atomic_load_n(&ring->others_flushed, __ATOMIC_RELAXED))
			__atomic_store_n(&ring->others_flushed, marks[i].until, __ATOMIC_RELEASE);
		__atomic_store_n(&ring->since, begun, __ATOMIC_RELAXED);
	}
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
}

uint64_t dmah_iommu_rings_deadline(struct dmah_domain *dom)
{
	uint64_t deadline = UINT64_MAX;
	const struct dmah_ring *ring;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&dom->setup_lock);
	for (uint32_t serial = 0; (ring = next_ring(dom, serial)); serial = ring->serial) {
		uint64_t due = __atomic_load_n(&ring->since, __ATOMIC_RELAXED) + dom->cfg.lazy_ns;

		/* The owner may have flushed what is not popped yet for this CPU. */
		if (ring_flushed(ring) < __atomic_load_n(&ring->popped, __ATOMIC_ACQUIRE) &&
		    due < deadline)
			deadline = due;
	}
	dmah_host_unlock(&dom->setup_lock);
	dmah_host_leave(flags);
	return deadline;
}

/* ---- push ---- */

static int check_place(const struct dmah_ring *ring, const struct map_req *req,
		       const struct partial *edges)
{
	const struct dmah_limits *limits = &ring->dev->limits;
	dmah_addr_t iova = ring->tail.iova;

	if (edges->n > ring->step)
		return DMAH_ERANGE;
	/* Slots are aligned to their size; one of more than a boundary may cross it. */
	if (limits->boundary && (iova ^ (iova + ((uint64_t)edges->n << PT_GRANULE_SHIFT) - 1)) &
					~(limits->boundary - 1))
		return DMAH_ERANGE;
	return req->phys > ring->dev->dom->phys_last ||
			       req->len - 1 > ring->dev->dom->phys_last - req->phys
		       ? DMAH_ERANGE
		       : DMAH_OK;
}

/* The entries of a handle's runs. There are tables for all of them. */
static int write_entries(struct dmah_ring *ring, const struct dmah *h, uint32_t index)
{
	struct dmah_domain *dom = ring->dev->dom;
	struct extent runs[3];
	unsigned int n = dmah_iommu_extents(dom, h, index, meta_gen(h->meta), true, runs);
	uint32_t set, all = 0;
	int err = DMAH_OK;

	for (unsigned int i = 0; !err && i < n; i++) {
		runs[i].ring = true;
		err = dmah_entries_set(ring->dev, &runs[i], DMAH_ALLOC_ATOMIC, &set);
		all += set;
	}
	if (!err && dom->caps & DMAH_IOMMU_MAP_FLUSH)
		err = dmah_iommu_invalidate(dom, ring->dev, iommu_iova(dom, index),
					    (uint64_t)all << PT_GRANULE_SHIFT, true);
	if (err) {
		dmah_entries_clear(dom, index, all, 0);
		ring->unsure |= dmah_iommu_invalidate(dom, ring->dev, iommu_iova(dom, index),
						      (uint64_t)all << PT_GRANULE_SHIFT,
						      false) != 0;
	}
	return err;
}

int dmah_iommu_ring_push(struct dmah_ring *ring, const struct map_req *req)
{
	struct dmah *h = ring_entry(ring, ring->pushed);
	struct dmah_device *dev = ring->dev;
	uint32_t index = index_of(ring, ring->pushed), offset;
	struct partial edges;
	uint64_t backend;
	int err;

	err = dmah_iommu_find_partial(dev, req, &edges);
	if (!err)
		err = check_place(ring, req, &edges);
	if (!err && ring->unsure)
		err = flush(ring);
	if (!err)
		err = dmah_iommu_get_slots(dev, req, &edges, &backend);
	if (err)
		return err;
	offset = (uint32_t)(token_head(backend)
				    ? dmah_pool_phys(dev->dom->cfg.pool, token_head(backend))
				    : req->phys) &
		 (uint32_t)GRANULE_MASK;
	dmah_handle_fill(dev, h, DMAH_BACKEND_IOMMU, req, ring->tail.iova + offset, backend,
			 dmah_entries_next_gen(dev->dom, index, edges.n));
	h->meta |= META_PART | META_LATER;
	dmah_buffer_give(dev, h);
	err = write_entries(ring, h, index);
	if (err) {
		handle_clear(h);
		dmah_iommu_drop_slots(dev, backend, !ring->unsure);
		return err;
	}
	ring_advance(ring, &ring->tail);
	return DMAH_OK;
}

/* The last mapping was pushed while its device was killed or the domain's mode changed: take it back. */
static void withdraw(struct dmah_ring *ring)
{
	struct dmah_device *dev = ring->dev;
	uint64_t number = ring->pushed - 1;
	struct dmah *h = ring_entry(ring, number);
	uint32_t index = index_of(ring, number);
	uint32_t n = h->meta ? iommu_granules(h->dma, h->len) : 1;
	struct unmap_release release = { .err = DMAH_OK };

	dmah_entries_clear(dev->dom, index, n, 0);
	release.err = dmah_iommu_invalidate(dev->dom, dev, iommu_iova(dev->dom, index),
					    (uint64_t)n << PT_GRANULE_SHIFT, false);
	ring->unsure |= release.err != 0;
	if (h->meta) {
		dmah_iommu_release_buffer(dev, h, &release);
		handle_clear(h);
		ring->handles--;
	}
	set_end(ring, &ring->tail, (uint32_t)number & ring->mask);
	__atomic_store_n(&ring->pushed, number, __ATOMIC_RELEASE);
}

bool dmah_iommu_ring_push_stands(struct dmah_ring *ring)
{
	const struct dmah_device *dev = ring->dev;

	/* dmah_set_mode() has stored the new mode before it counts what is pushed. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!is_killed(dev) && iommu_in_mode(dev->dom, false))
		return true;
	withdraw(ring);
	return false;
}

/* ---- pop ---- */

bool dmah_iommu_ring_all_fast(const struct dmah_ring *ring, const uint64_t *pte, uint32_t n)
{
	size_t step = ring->step;
	uint64_t all = ~0ull;

	for (; n & 3; n--, pte += step)
		all &= extent_load(pte);
	for (; n; n -= 4, pte += 4 * step)
		all &= extent_load(pte) & extent_load(pte + step) & extent_load(pte + 2 * step) &
		       extent_load(pte + 3 * step);
	return !(~all & ring->prot);
}

void dmah_iommu_ring_clear(const struct pt_leaf *leaf, uint64_t *pte, uint32_t n, size_t step)
{
	const struct pt_leaf in_registers = *leaf;

	for (; n & 3; n--, pte += step)
		leaf_clear(pte, ring_cleared(&in_registers, extent_load(pte)));
	for (; n; n -= 4, pte += 4 * step)
		for (unsigned int i = 0; i < 4; i++)
			leaf_clear(pte + i * step,
				   ring_cleared(&in_registers, extent_load(pte + i * step)));
}

/* Slots from an end on, up to @n, that lie in one leaf table. */
static uint32_t in_table(const struct ring_end *end, uint32_t n)
{
	return n < end->left ? n : end->left;
}

static void advance_by(const struct dmah_ring *ring, struct ring_end *end, uint32_t n)
{
	/* All but the last one in one go. */
	end->left -= n - 1;
	end->pte += (n - 1) * ring->step;
	end->iova += (uint64_t)((n - 1) * ring->step) << PT_GRANULE_SHIFT;
	ring_advance(ring, end);
}

/* Every mapping must still be one. Nothing is changed where one is not. */
static bool all_present(const struct dmah_ring *ring, uint32_t n)
{
	struct ring_end at = ring->head;

	while (n) {
		uint32_t part = in_table(&at, n);

		if (!ring_all_present(&ring->dev->dom->pt.leaf, at.pte, part, ring->step))
			return false;
		advance_by(ring, &at, part);
		n -= part;
	}
	return true;
}

static void clear_fast(struct dmah_ring *ring, uint32_t n)
{
	while (n) {
		uint32_t part = in_table(&ring->head, n);

		ring_clear(&ring->dev->dom->pt.leaf, ring->head.pte, part, ring->step);
		advance_by(ring, &ring->head, part);
		n -= part;
	}
	dmah_host_wmb();
}

/* Every granule of the slots, whatever was in it. */
static void clear_any(struct dmah_ring *ring, uint32_t n)
{
	for (uint64_t at = ring->popped; at < ring->popped + n; at++) {
		struct dmah *h = ring_entry(ring, at);

		if (h->meta)
			dmah_entries_clear(ring->dev->dom, index_of(ring, at),
					   iommu_granules(h->dma, h->len), 0);
		else
			ring_clear(&ring->dev->dom->pt.leaf, ring->head.pte, 1, 1);
		ring_advance(ring, &ring->head);
	}
	dmah_host_wmb();
}

/* Post the invalidation of granules, by number from IOVA 0, that an address mask can name: a power of two, aligned. */
static int post(struct dmah_ring *ring, uint64_t first, uint64_t n, struct iommu_post *p)
{
	struct iommu_post one;
	int err = iommu_post(ring->dev->dom, first << PT_GRANULE_SHIFT, n << PT_GRANULE_SHIFT,
			     false, &one);

	if (err)
		return err;
	/* A mark stands behind all that was posted before it: the last one is enough. */
	one.posted += p->posted;
	*p = one;
	return DMAH_OK;
}

static uint64_t pow2(uint64_t n)
{
	return n <= 1 ? 1 : 1ull << (64 - __builtin_clzll(n - 1));
}

/*
 * Granules [@from, @to) by one aligned power of two where that is nearly exact, else by two that meet where the range
 * crosses the multiple of the largest power of two in it. @over: granules beyond the range. An IOMMU that takes mappings as
 * requests gets the range itself: it refuses to end a part of a mapping, and what is beyond may be one.
 */
static int post_range(struct dmah_ring *ring, uint64_t from, uint64_t to, struct iommu_post *p,
		      uint64_t *over)
{
	uint64_t size = from == to - 1 ? 1 : 1ull << (64 - __builtin_clzll(from ^ (to - 1)));
	uint64_t middle, left, right;
	int err;

	if (iommu_takes_requests(ring->dev->dom))
		return post(ring, from, to - from, p);
	if (size <= 2 * (to - from)) {
		*over += size - (to - from);
		return post(ring, from & ~(size - 1), size, p);
	}
	middle = (to - 1) & ~(size / 2 - 1);
	left = pow2(middle - from);
	right = pow2(to - middle);
	*over += left + right - (to - from);
	err = post(ring, middle - left, left, p);
	return err ? err : post(ring, middle, right, p);
}

static int invalidate(struct dmah_ring *ring, uint32_t n, uint64_t *timestamp)
{
	uint64_t start = iommu_iova(ring->dev->dom, ring->first) >> PT_GRANULE_SHIFT;
	uint32_t from = (uint32_t)ring->popped & ring->mask, first = n;
	struct iommu_post p = { 0 };
	uint64_t over = 0;
	unsigned long flags;
	unsigned int cpu;
	int err;

	if (from + n > slots(ring))
		first = slots(ring) - from;
	err = post_range(ring, start + (uint64_t)from * ring->step,
			 start + (uint64_t)(from + first) * ring->step, &p, &over);
	if (!err && n > first)
		err = post_range(ring, start, start + (uint64_t)(n - first) * ring->step, &p,
				 &over);
	/* While the hardware is at work. */
	*timestamp = history_timestamp_at(dmah_host_now());
	if (!err)
		err = iommu_wait(ring->dev->dom, p.ticket);
	cpu = dmah_host_enter(&flags);
	count_in(ring->dev, cpu, invalidations, p.posted);
	count_in(ring->dev, cpu, waits, 1);
	count_in(ring->dev, cpu, over_invalidated, over);
	dmah_host_leave(flags);
	return err ? DMAH_ETIMEDOUT : DMAH_OK;
}

/* Buffers are the CPU's again, and their bounce slots go home. */
static void take_handles(struct dmah_ring *ring, uint32_t n, struct unmap_release *release)
{
	for (uint64_t at = ring->popped; at < ring->popped + n; at++) {
		struct dmah *h = ring_entry(ring, at);

		if (!h->meta)
			continue;
		dmah_iommu_release_buffer(ring->dev, h, release);
		handle_clear(h);
		ring->handles--;
	}
}

/* How far pushes may go: no more than are live at most, and into no slot that waits for a flush. */
static void set_limit(struct dmah_ring *ring)
{
	uint64_t live = ring->popped + ring->cfg.entries, reuse = ring_flushed(ring) + slots(ring);

	ring->full_at = live < reuse ? live : reuse;
}

int dmah_iommu_ring_make_room(struct dmah_ring *ring)
{
	int err = DMAH_OK;

	if (ring->pushed - ring->popped < ring->cfg.entries)
		err = flush(ring);
	set_limit(ring);
	return err;
}

void dmah_iommu_ring_skip(struct dmah_ring *ring, struct ring_end *end, uint32_t n)
{
	/* The switch to passthrough flushed what was popped before. */
	if (end == &ring->head)
		set_flushed(ring, ring->popped + n);
	while (n--)
		ring_advance(ring, end);
}

int dmah_iommu_ring_pop(struct dmah_ring *ring, uint32_t n)
{
	struct dmah_device *dev = ring->dev;
	struct unmap_release release = { .defer = iommu_defers(dev) };
	uint64_t before = ring->popped, flushed = ring_flushed(ring), timestamp;

	if (!all_present(ring, n))
		return DMAH_ESTALE;
	if (ring->handles)
		clear_any(ring, n);
	else
		clear_fast(ring, n);
	if (release.defer && before == flushed) {
		uint64_t now = dmah_host_now();

		__atomic_store_n(&ring->since, now, __ATOMIC_RELAXED);
		dmah_history_flush_time(&dev->dom->history, now);
	}
	timestamp = history_timestamp(&dev->dom->history);
	if (!release.defer)
		release.err = invalidate(ring, n, &timestamp);
	if (ring->handles)
		take_handles(ring, n, &release);
	ring_date(ring, before + n, timestamp);
	/* A flush that sees this sees the cleared entries. */
	__atomic_store_n(&ring->popped, before + n, __ATOMIC_RELEASE);
	/* An earlier pop that was not confirmed still waits for a flush. */
	if (!release.defer && !release.err && before == flushed)
		set_flushed(ring, before + n);
	if (release.defer && before == flushed)
		dmah_iommu_want_poll(dev->dom, __atomic_load_n(&ring->since, __ATOMIC_RELAXED) +
						       dev->dom->cfg.lazy_ns);
	if (release.defer &&
	    (before + n - flushed >= ring->cfg.entries || !ring_still_defers(ring))) {
		int err = flush(ring);

		release.err = release.err ? release.err : err;
	}
	set_limit(ring);
	return release.err;
}

int dmah_iommu_ring_end_lazy(struct dmah_ring *ring)
{
	int err = flush(ring);

	set_limit(ring);
	return err;
}
