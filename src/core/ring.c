/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Rings: the part for every backend. */
#include "backend/iommu/ring.h"
#include "base/check.h"
#include "base/count.h"
#include "base/setup_error.h"
#include "core/map.h"

#define MAX_ENTRIES 32768u
#define MAX_ENTRY   (32u << 20)

/* The reason why a configuration makes no sense, and the value; NULL: it does. */
static const char *wrong(const struct dmah_ring_config *cfg, uint64_t *value)
{
	*value = cfg->entries;
	if (cfg->entries < 2 || cfg->entries > MAX_ENTRIES || cfg->entries & (cfg->entries - 1))
		return "dmah_ring_init: config.entries is no power of two from 2 to 32768";
	*value = cfg->entry_size;
	if (!cfg->entry_size || cfg->entry_size > MAX_ENTRY)
		return "dmah_ring_init: config.entry_size is not from 1 byte to 32 MiB";
	*value = cfg->dir;
	if ((unsigned int)cfg->dir - 1 >= DMAH_BIDIRECTIONAL)
		return "dmah_ring_init: config.dir is no direction";
	*value = cfg->attrs;
	if (cfg->attrs & ~(uint32_t)(DMAH_ATTR_NO_CPU_SYNC | DMAH_ATTR_MMIO | DMAH_ATTR_NO_BOUNCE))
		return "dmah_ring_init: config.attrs has unknown bits";
	return NULL;
}

size_t dmah_ring_memory(const struct dmah_ring_config *config)
{
	uint64_t value;

	return wrong(config, &value)
		       ? 0
		       : sizeof(struct dmah_ring) + config->entries * sizeof(struct dmah);
}

static int check_setup(const struct dmah_device *dev, const struct dmah_ring_config *config,
		       const void *memory, size_t size)
{
	uint64_t value;
	const char *text = wrong(config, &value);

	if (text)
		return dmah_setup_error(dev, DMAH_EINVAL, text, value);
	if (!memory || (uintptr_t)memory % 64)
		return dmah_setup_error(dev, DMAH_EINVAL,
					"dmah_ring_init: memory is NULL or not aligned to 64 bytes",
					(uintptr_t)memory);
	if (size < dmah_ring_memory(config))
		return dmah_setup_error(dev, DMAH_EINVAL,
					"dmah_ring_init: size is less than dmah_ring_memory()",
					size);
	if (!dev->dom || is_killed(dev))
		return dmah_setup_error(dev, DMAH_ENODEV,
					"dmah_ring_init: the device is not attached, or killed", 0);
	return DMAH_OK;
}

static void publish(struct dmah_ring *ring, bool on)
{
	struct dmah_device *dev = ring->dev;
	struct dmah_ring **at = &dev->rings;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&dev->dom->setup_lock);
	if (on) {
		ring->next = dev->rings;
		dev->rings = ring;
	} else {
		while (*at != ring)
			at = &(*at)->next;
		*at = ring->next;
	}
	dmah_host_unlock(&dev->dom->setup_lock);
	dmah_host_leave(flags);
}

int dmah_ring_init(struct dmah_ring **ring, struct dmah_device *dev,
		   const struct dmah_ring_config *config, void *memory, size_t size)
{
	struct dmah_ring *r = memory;
	int err = check_setup(dev, config, memory, size);

	if (err)
		return err;
	__builtin_memset(memory, 0, dmah_ring_memory(config));
	r->dev = dev;
	r->cfg = *config;
	r->full_at = config->entries;
	r->room = config->entry_size - 1;
	r->caller = config->caller ? config->caller : __builtin_return_address(0);
	if (dev->dom->ops->ring_init)
		err = dev->dom->ops->ring_init(r);
	if (err)
		return err;
	publish(r, true);
	*ring = r;
	return DMAH_OK;
}

int dmah_ring_fini(struct dmah_ring *ring)
{
	struct dmah_device *dev = ring->dev;
	unsigned long flags;
	unsigned int cpu;
	int err = DMAH_OK;

	if (dmah_ring_live(ring))
		return DMAH_EBUSY;
	if (ring->has_iova)
		err = dmah_iommu_ring_fini(ring);
	if (err)
		return err;
	publish(ring, false);
	/* Add the ring's own counters to the device's. */
	cpu = dmah_host_enter(&flags);
	count_in(dev, cpu, maps, ring->pushed - ring->elsewhere_begun);
	count_in(dev, cpu, unmaps, ring->popped - ring->elsewhere_ended);
	dmah_host_leave(flags);
	return DMAH_OK;
}

uint32_t dmah_ring_live(const struct dmah_ring *ring)
{
	return (uint32_t)(ring->pushed - ring->popped);
}

/* ---- push ---- */

/* Make an ordinary mapping, with a handle in the ring's order. */
static int push_elsewhere(struct dmah_ring *ring, const struct map_req *req)
{
	struct dmah *h = ring_entry(ring, ring->pushed);
	int err = ring->dev->dom->ops->map(ring->dev, h, req);

	if (err) {
		handle_clear(h);
		return err;
	}
	/* Decided in passthrough, but mapped behind the IOMMU: the mode has changed. */
	if (ring->has_iova && meta_kind(h->meta) != DMAH_BACKEND_DIRECT) {
		err = ring->dev->dom->ops->unmap(ring->dev, h, true);
		handle_clear(h);
		return err == DMAH_ETIMEDOUT ? err : DMAH_EBUSY;
	}
	count_add(&ring->elsewhere_begun, 1);
	if (ring->has_iova)
		dmah_iommu_ring_skip(ring, &ring->tail, 1);
	return DMAH_OK;
}

__attribute__((noinline)) static int push_any(struct dmah_ring *ring, dmah_phys_t phys,
					      uint32_t len, dmah_addr_t *dma, const void *caller)
{
	struct map_req req = {
		.phys = phys, .len = len, .dir = ring->cfg.dir, .attrs = ring->cfg.attrs
	};
	struct dmah_device *dev = ring->dev;
	int err = dmah_map_check(dev, &req, len);
	bool slots = !err && iommu_ring_in_use(ring);
	struct dmah *h;

	if (!err && ring_is_full(ring) && ring->has_iova)
		err = dmah_iommu_ring_make_room(ring);
	if (!err && ring_is_full(ring))
		err = DMAH_ENOSPC;
	if (!err)
		err = slots ? dmah_iommu_ring_push(ring, &req) : push_elsewhere(ring, &req);
	if (err) {
		if (dev->dom)
			count(dev, failed_maps, 1);
		return err;
	}
	h = ring_entry(ring, ring->pushed);
	*dma = h->dma;
	dmah_history_map(dev, h, caller);
	ring->handles++;
	count_add(&ring->pushed, 1);
	if (slots && !dmah_iommu_ring_push_stands(ring)) {
		count(dev, failed_maps, 1);
		/* Not confirmed: the device may still reach the memory. */
		if (ring->unsure)
			return DMAH_ETIMEDOUT;
		return is_killed(dev) ? DMAH_ENODEV : DMAH_EBUSY;
	}
	dmah_check_map(dev, h);
	return DMAH_OK;
}

#ifndef DMAH_CHECK
/* A push of the fast path was the last of a leaf table. */
__attribute__((noinline)) static int push_at_table_end(struct dmah_ring *ring)
{
	dmah_ring_next_table(ring, &ring->tail);
	return DMAH_OK;
}

/* The fast path was closed beside a push, which is taken back unless the mapping may stay. */
__attribute__((noinline)) static int push_closed(struct dmah_ring *ring, dmah_phys_t phys,
						 uint32_t len, dmah_addr_t *dma, const void *caller)
{
	if (!dmah_iommu_ring_push_stands(ring))
		return push_any(ring, phys, len, dma, caller);
	ring_advance(ring, &ring->tail);
	return DMAH_OK;
}
#endif

int dmah_ring_push(struct dmah_ring *ring, dmah_phys_t phys, uint32_t len, dmah_addr_t *dma)
{
#ifndef DMAH_CHECK
	switch (ring_fast_push(ring, phys, len, dma)) {
	case RING_PUSHED:
		return DMAH_OK;
	case RING_TABLE_END:
		return push_at_table_end(ring);
	case RING_CLOSED:
		return push_closed(ring, phys, len, dma, ring->caller);
	case RING_LEFT:
		break;
	}
#endif
	return push_any(ring, phys, len, dma, ring->caller);
}

/* ---- pop ---- */

/* @checked: receives the number of mappings whose end the check build has noted. */
static int check_handles(struct dmah_ring *ring, uint32_t n, uint32_t *checked)
{
	int err = DMAH_OK;

	for (uint32_t i = 0; !err && i < n; i++) {
		const struct dmah *h = ring_entry(ring, ring->popped + i);

		if (h->meta)
			err = dmah_handle_check(ring->dev, h, h->meta & META_PART);
		if (!err && h->meta)
			err = dmah_check_unmap(ring->dev, h);
		*checked += !err;
	}
	return err;
}

/* A pop was refused: the first @n mappings are live as before. */
static void check_again(struct dmah_ring *ring, uint32_t n)
{
	while (n--) {
		const struct dmah *h = ring_entry(ring, ring->popped + n);

		if (h->meta)
			dmah_check_map(ring->dev, h);
	}
}

static int pop_elsewhere(struct dmah_ring *ring, uint32_t n)
{
	int err = DMAH_OK;

	for (uint32_t i = 0; i < n; i++) {
		struct dmah *h = ring_entry(ring, ring->popped + i);
		int one;

		dmah_history_unmap(ring->dev, h);
		one = ring->dev->dom->ops->unmap(ring->dev, h, false);

		err = err ? err : one;
		handle_clear(h);
	}
	ring->handles -= n;
	count_add(&ring->elsewhere_ended, n);
	if (ring->has_iova)
		dmah_iommu_ring_skip(ring, &ring->head, n);
	count_add(&ring->popped, n);
	ring->full_at += n;
	return err;
}

__attribute__((noinline)) static int pop_any(struct dmah_ring *ring, uint32_t n, const void *caller)
{
	struct dmah_device *dev = ring->dev;
	uint32_t checked = 0;
	int err;

	if (!n)
		return DMAH_OK;
	err = dmah_ring_live(ring) < n ? DMAH_EINVAL : DMAH_OK;
	if (!err && ring->handles)
		err = check_handles(ring, n, &checked);
	if (err) {
		check_again(ring, checked);
		return dmah_report_misuse(dev, err,
					  "pop of more mappings than a ring has, or of broken ones",
					  ring->head.iova, caller);
	}
	if (iommu_ring_in_use(ring))
		err = dmah_iommu_ring_pop(ring, n);
	else
		err = pop_elsewhere(ring, n);
	/* Checked above: nothing has been popped if one mapping is wrong. */
	if (err == DMAH_ESTALE)
		return dmah_report_misuse(dev, err, "pop of a mapping that is not live",
					  ring->head.iova, caller);
	return err;
}

#ifndef DMAH_CHECK
/* Pop so many that loops of four entries a turn pay for the registers that they need. */
__attribute__((noinline)) static int pop_many(struct dmah_ring *ring, uint32_t n,
					      const void *caller)
{
	int err;

	return ring_fast_pop(ring, n, true, &err) ? err : pop_any(ring, n, caller);
}
#endif

int dmah_ring_pop(struct dmah_ring *ring, uint32_t n)
{
#ifndef DMAH_CHECK
	int err;

	if (n >= RING_MANY)
		return pop_many(ring, n, __builtin_return_address(0));
	if (ring_fast_pop(ring, n, false, &err))
		return err;
#endif
	return pop_any(ring, n, __builtin_return_address(0));
}

/* ---- syncs ---- */

static int sync(struct dmah_ring *ring, uint32_t at, uint32_t off, uint32_t len,
		int (*fn)(struct dmah_device *dev, const struct dmah *h, uint32_t off,
			  uint32_t len),
		const void *caller)
{
	const struct dmah *h;

	if (at >= dmah_ring_live(ring))
		return dmah_report_misuse(ring->dev, DMAH_EINVAL,
					  "sync of a mapping that a ring does not have",
					  ring->head.iova, caller);
	h = ring_entry(ring, ring->popped + at);
	return h->meta ? fn(ring->dev, h, off, len) : DMAH_OK;
}

int dmah_ring_sync_for_cpu(struct dmah_ring *ring, uint32_t at, uint32_t off, uint32_t len)
{
	return sync(ring, at, off, len, dmah_sync_for_cpu, __builtin_return_address(0));
}

int dmah_ring_sync_for_device(struct dmah_ring *ring, uint32_t at, uint32_t off, uint32_t len)
{
	return sync(ring, at, off, len, dmah_sync_for_device, __builtin_return_address(0));
}
