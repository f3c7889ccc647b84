// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* This library's own maps and unmaps, strict, behind an IOMMU whose invalidations take no time. */
#include <dmah/dmah.h>
#include <dmah/iommu.h>
#include <string.h>

#include "allocator.h"
#include "memory.h"
#include "message.h"
#include "queue.h"
#include "rig.h"
#include "steps.h"

#include "iova/range.h"

/* Granules of the default aperture: 4 GiB. */
#define APERTURE (1u << 20)
/* A map searches the whole bitmap so often at most: three times for blocks and twice for small pages. */
#define SEARCHES 5u

unsigned long range_steps;

/**
 * struct ours - a domain with one device. There is one at a time, so that its memory can be used again.
 * @rig: the domain.
 * @dev: the device.
 * @h: handles by the mapping's number.
 * @most: number of handles.
 */
struct ours {
	struct rig rig;
	struct dmah_device dev;
	struct dmah *h;
	uint32_t most;
};

static void *domain_memory(size_t size)
{
	static size_t most;
	static void *memory;

	if (size > most) {
		most = size;
		memory = memory_alloc(size);
	}
	return memset(memory, 0, size);
}

struct ours *ours_open(uint32_t most)
{
	static struct queue *queue;
	static struct ours o;
	struct dmah_domain_config config = { .backend = DMAH_BACKEND_IOMMU,
					     .cpus = 1,
					     .mode = DMAH_STRICT,
					     .va_bits = 48,
					     .format = &dmah_pt_vtd_ss };
	struct dmah_limits limits = { .mask = UINT64_MAX, .flags = DMAH_DEV_COHERENT };
	const char *why;

	if (!queue)
		queue = queue_create(config.format);
	if (most > o.most) {
		o.most = most;
		o.h = memory_alloc(most * sizeof(*o.h));
	}
	memset(o.h, 0, most * sizeof(*o.h));
	o.dev = (struct dmah_device){ .name = "lockup" };
	config.iommu = queue_iommu(queue);
	why = rig_open(&o.rig, &config, &o.dev, &limits, domain_memory);
	if (why)
		message("%s", why);
	return must(why ? NULL : &o);
}

void ours_close(struct ours *o)
{
	const char *why = rig_close(&o->rig);

	if (why)
		message("%s", why);
	must(why ? NULL : o);
}

uint64_t ours_alloc(struct ours *o, uint32_t id, uint32_t pages, uint64_t *steps)
{
	unsigned long before = range_steps;
	int err = dmah_map(&o->dev, &o->h[id], MEMORY_FAR, pages * 4096ull, DMAH_FROM_DEVICE, 0);

	*steps = range_steps - before;
	return err ? 0 : dmah_addr(&o->h[id]) >> 12;
}

uint64_t ours_free(struct ours *o, uint32_t id)
{
	unsigned long before = range_steps;

	if (dmah_unmap(&o->dev, &o->h[id])) {
		message("an unmap of this library failed");
		must(NULL);
	}
	return range_steps - before;
}

uint64_t ours_bound(uint32_t pages, uint64_t kept)
{
	/* An IOVA that a CPU kept goes back to the bitmap by a look at its words and a write to them. */
	return (uint64_t)SEARCHES * RANGE_STEPS(APERTURE, pages) + kept * 4;
}
