// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "rig.h"

#include "posix.h"

const char *rig_pool_open(struct rig_pool *p, dmah_phys_t phys, uint64_t size,
			  void *(*alloc)(size_t size))
{
	size_t need = dmah_pool_memory(size);

	*p = (struct rig_pool){ .phys = phys, .size = size };
	if (!size)
		return NULL;
	p->memory = alloc(need);
	return dmah_pool_init(&p->pool, phys, size, p->memory, need)
		       ? "the bounce pool cannot be set up"
		       : NULL;
}

const char *rig_pool_close(const struct rig_pool *p)
{
	return p->pool && dmah_pool_used(p->pool) ? "bounce slots are left over" : NULL;
}

const char *rig_open(struct rig *r, const struct dmah_domain_config *config,
		     struct dmah_device *dev, const struct dmah_limits *limits,
		     void *(*alloc)(size_t size))
{
	size_t need = dmah_domain_memory(config);
	int err;

	*r = (struct rig){ .dev = dev };
	if (!need)
		return "the domain's configuration is refused";
	r->memory = alloc(need);
	err = dmah_domain_init(&r->dom, config, r->memory, need);
	if (err) {
		r->dom = NULL;
		return dmah_strerror(err);
	}
	err = dmah_attach(r->dom, dev, limits);
	return err ? dmah_strerror(err) : NULL;
}

const char *rig_close(struct rig *r)
{
	if (!r->dom)
		return NULL;
	if (r->dev->dom) {
		if (dmah_flush(r->dom))
			return "the last flush failed";
		if (dmah_device_live(r->dev))
			return "mappings are left over";
		if (dmah_detach(r->dev))
			return "the device cannot be detached";
	}
	return dmah_domain_fini(r->dom) ? "the domain cannot be ended" : NULL;
}

static void discard(void *ctx, const struct dmah_device *dev, int err, const char *text,
		    uint64_t addr, const void *caller)
{
	(void)ctx;
	(void)dev;
	(void)err;
	(void)text;
	(void)addr;
	(void)caller;
}

void rig_silence(bool silent)
{
	posix_set_report(silent ? discard : NULL, NULL);
}

const char *mode_name(enum dmah_mode mode)
{
	return mode == DMAH_LAZY ? "lazy" : "strict";
}

/* ---- counters ---- */

#define COUNTERS (sizeof(struct dmah_stats) / sizeof(uint64_t))

void stats_add(struct dmah_stats *sum, const struct dmah_stats *more)
{
	const uint64_t *from = (const uint64_t *)more;
	uint64_t *to = (uint64_t *)sum;

	for (size_t i = 0; i < COUNTERS; i++)
		to[i] += from[i];
}

void stats_subtract(struct dmah_stats *from, const struct dmah_stats *less)
{
	const uint64_t *part = (const uint64_t *)less;
	uint64_t *to = (uint64_t *)from;

	for (size_t i = 0; i < COUNTERS; i++)
		to[i] -= part[i];
}
