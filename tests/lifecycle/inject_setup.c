/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Acts of the failure-injection suite: domains, devices, modes, the reserve and upkeep. */
#include "inject_world.h"

#define RESERVED 4u

static const struct dmah_reserved identity = { .base = WORLD_IDENTITY,
					       .size = 4096,
					       .identity = true };

/* Two live mappings and two that were unmapped, in the domain's mode. */
static void use(struct world *w)
{
	struct claim *c[4];

	for (unsigned int i = 0; i < 4; i++) {
		c[i] = claim_new(w, 1);
		(void)claim_map(w, c[i]);
	}
	claim_unmap(w, c[0]);
	claim_unmap(w, c[1]);
}

static void end_use(struct world *w)
{
	for (unsigned int i = 0; i < w->nclaims; i++)
		claim_unmap(w, &w->claim[i]);
}

static void end_domain(struct world *w)
{
	if (!dmah_domain_fini(w->r.dom)) {
		w->r.dom = NULL;
		free(w->r.domain_memory);
		w->r.domain_memory = NULL;
	}
}

static void domain_in_mode(struct world *w, enum dmah_mode mode)
{
	if (world_domain_init(w, mode))
		return;
	if (!world_attach(w, 0, NULL, 0)) {
		use(w);
		end_use(w);
		(void)world_detach(w, 0);
	}
	end_domain(w);
}

static void domain(struct world *w)
{
	domain_in_mode(w, DMAH_STRICT);
}

static void domain_lazy(struct world *w)
{
	w->lazy = true;
	domain_in_mode(w, DMAH_LAZY);
	w->lazy = false;
}

static void domain_passthrough(struct world *w)
{
	domain_in_mode(w, DMAH_PASSTHROUGH);
	/* A device whose attach was not confirmed may still pass through. */
	w->passthrough = w->r.dom || w->blocked != ~0u;
}

static void two_iommus(struct world *w)
{
	if (world_domain_init(w, DMAH_STRICT))
		return;
	if (!dmah_domain_add_iommu(w->r.dom, w->iommu2)) {
		if (!world_attach(w, 0, NULL, 0)) {
			(void)world_attach(w, 1, NULL, 0);
			use(w);
			end_use(w);
			(void)world_detach(w, 0);
		}
		if (w->dev[1]->dom)
			(void)world_detach(w, 1);
	}
	end_domain(w);
}

/* ---- devices ---- */

static struct world *hooked;

/* The device that is attached already uses an identity range as soon as it translates. */
static int use_identity(struct rig *r, struct dmah_device *dev, enum dmah_bind how)
{
	(void)dev;
	(void)how;
	(void)rig_writes(r, hooked->dev[0], WORLD_IDENTITY);
	return DMAH_OK;
}

static int attach_with_identity(struct world *w)
{
	int err;

	w->identity = true;
	hooked = w;
	w->r.on_bind = use_identity;
	err = world_attach(w, 1, &identity, 1);
	w->r.on_bind = NULL;
	if (!err)
		(void)rig_writes(&w->r, w->dev[1], WORLD_IDENTITY);
	w->identity = !err || err == DMAH_ETIMEDOUT;
	return err;
}

static void attach_identity(struct world *w)
{
	use(w);
	(void)attach_with_identity(w);
}

static void detach_identity(struct world *w)
{
	struct claim *c = claim_new(w, 1);

	(void)claim_map(w, c);
	if (attach_with_identity(w))
		return;
	(void)rig_writes(&w->r, w->dev[1], c->dma);
	if (!world_detach(w, 1))
		w->identity = false;
	claim_unmap(w, c);
}

/* A range above the table makes the table wider, so devices are bound anew. */
static void attach_above(struct world *w)
{
	static const struct dmah_reserved above = { .base = 1ull << 40,
						    .size = 4096,
						    .identity = true };

	use(w);
	if (!world_attach(w, 1, &above, 1))
		(void)world_detach(w, 1);
	end_use(w);
}

static void attach_reserved(struct world *w)
{
	struct dmah_reserved ranges[40];

	for (unsigned int i = 0; i < 40; i++)
		ranges[i] = (struct dmah_reserved){ .base = (1ull << 30) + i * 0x10000ull,
						    .size = 4096 };
	if (!world_attach(w, 1, ranges, 40))
		(void)world_detach(w, 1);
	(void)world_attach(w, 2, ranges, 2);
}

static void kill(struct world *w)
{
	use(w);
	(void)world_attach(w, 1, NULL, 0);
	(void)rig_writes(&w->r, w->dev[1], w->claim[2].dma);
	if (!dmah_kill(w->dev[0]))
		w->blocked |= 1;
	end_use(w);
	if (!dmah_kill(w->dev[0]))
		w->blocked |= 1;
	world_flushed(w, dmah_flush(w->r.dom));
}

/* ---- the reserve ---- */

static void reserve(struct world *w)
{
	struct claim *c[RESERVED];

	(void)dmah_reserve(w->r.dom, RESERVED, 8192);
	for (unsigned int i = 0; i < RESERVED; i++) {
		c[i] = claim_new(w, i % 2 + 1);
		(void)claim_map(w, c[i]);
	}
	for (unsigned int i = 0; i < RESERVED; i++)
		claim_unmap(w, c[i]);
}

/* The room is set aside when the first device comes, and anew for the next first device. */
static void reserve_before_attach(struct world *w)
{
	if (world_domain_init(w, DMAH_STRICT))
		return;
	if (!dmah_reserve(w->r.dom, RESERVED, 4096))
		for (unsigned int i = 0; i < 2; i++) {
			if (world_attach(w, 0, NULL, 0))
				continue;
			use(w);
			end_use(w);
			if (world_detach(w, 0))
				return;
		}
	end_domain(w);
}

/* ---- modes ---- */

static void to_lazy_and_strict(struct world *w)
{
	for (unsigned int i = 0; i < 2; i++) {
		(void)world_set_mode(w, DMAH_LAZY);
		use(w);
		(void)world_set_mode(w, DMAH_STRICT);
		end_use(w);
	}
}

static void through_passthrough(struct world *w, enum dmah_mode mode)
{
	use(w);
	end_use(w);
	(void)world_attach(w, 1, NULL, 0);
	(void)world_set_mode(w, DMAH_PASSTHROUGH);
	use(w);
	end_use(w);
	(void)world_set_mode(w, mode);
	use(w);
}

static void strict_through_passthrough(struct world *w)
{
	through_passthrough(w, DMAH_STRICT);
}

static void lazy_through_passthrough(struct world *w)
{
	through_passthrough(w, DMAH_LAZY);
}

static void leave_passthrough(struct world *w)
{
	(void)world_set_mode(w, DMAH_LAZY);
	use(w);
	(void)world_set_mode(w, DMAH_STRICT);
}

/* ---- upkeep ---- */

static void flush(struct world *w)
{
	use(w);
	world_flushed(w, dmah_flush(w->r.dom));
	end_use(w);
	world_flushed(w, dmah_flush(w->r.dom));
}

static void poll(struct world *w)
{
	uint64_t next;

	use(w);
	posix_clock_advance(20000000);
	world_polled(w, dmah_poll(w->r.dom, dmah_host_now(), &next));
	end_use(w);
}

static void cpu_dead(struct world *w)
{
	int err;

	posix_set_cpu(1);
	use(w);
	posix_set_cpu(0);
	err = dmah_cpu_dead(w->r.dom, 1);
	world_polled(w, err);
	end_use(w);
}

const struct act inject_setup[] = {
	{ "domain", domain, WORLD_BARE },
	{ "domain, lazy", domain_lazy, WORLD_BARE },
	{ "domain, passthrough", domain_passthrough, WORLD_BARE },
	{ "two IOMMUs", two_iommus, WORLD_BARE | WORLD_TWO },
	{ "attach with an identity range", attach_identity, 0 },
	{ "attach with an identity range, lazy", attach_identity, WORLD_LAZY },
	{ "attach and detach with an identity range", detach_identity, 0 },
	{ "attach and detach with an identity range, lazy", detach_identity, WORLD_LAZY },
	{ "attach with an identity range above the table", attach_above, 0 },
	{ "attach with reserved ranges", attach_reserved, 0 },
	{ "kill", kill, 0 },
	{ "kill, lazy", kill, WORLD_LAZY },
	{ "reserve", reserve, WORLD_RESERVES },
	{ "reserve, lazy", reserve, WORLD_RESERVES | WORLD_LAZY },
	{ "reserve before attach", reserve_before_attach, WORLD_BARE | WORLD_RESERVES },
	{ "strict to lazy to strict", to_lazy_and_strict, 0 },
	{ "strict to passthrough to strict", strict_through_passthrough, 0 },
	{ "lazy to passthrough to lazy", lazy_through_passthrough, WORLD_LAZY },
	{ "passthrough to lazy to strict", leave_passthrough, WORLD_PASSTHROUGH },
	{ "flush", flush, 0 },
	{ "flush, lazy", flush, WORLD_LAZY },
	{ "poll, lazy", poll, WORLD_LAZY },
	{ "dead CPU", cpu_dead, 0 },
	{ "dead CPU, lazy", cpu_dead, WORLD_LAZY },
	{ NULL, NULL, 0 },
};
