/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Interrupt remapping of an AMD-Vi unit. Specification 48882, rev. 3: 2.2.2 (device table entry, bits 191:128), 2.2.5
 * (interrupt remapping tables), 2.4.5 (INVALIDATE_INTERRUPT_TABLE).
 */
#include "amdvi_unit.h"

#define IV	  1u
#define INTERRUPT (1ull << 51)
#define PRESENT	  (1ull << 52)
#define RESERVED  (1ull << 55)
#define GA_EN	  (1ull << 17)
#define XT_EN	  (1ull << 50)
#define TABLE	  0x000fffffffffffc0ull

void sim_amdvi_forget_dte(struct sim_amdvi *u, uint32_t id, bool all)
{
	for (unsigned int i = 0; i < SIM_AMDVI_DTES; i++)
		if (all || u->dte[i].id == id)
			u->dte[i].known = false;
}

void sim_amdvi_forget_irtes(struct sim_amdvi *u, uint32_t id, bool all)
{
	for (unsigned int i = 0; i < SIM_AMDVI_IRTES; i++)
		if (all || u->irte[i].id == id)
			u->irte[i].known = false;
}

/* Returns the quadword of a device's entry that is about interrupts; 0 where the entry is not valid. */
static uint64_t control_of(struct sim_amdvi *u, uint32_t id)
{
	struct sim_amdvi_dte *e = &u->dte[id % SIM_AMDVI_DTES];
	uint64_t at = (u->devtab & 0x000ffffffffff000ull) + id * 32ull, low;

	if (e->known && e->id == id)
		return e->control;
	*e = (struct sim_amdvi_dte){ .id = id, .known = true };
	if (!sim_mem_load(&u->unit.iommu->mem, at, &low) ||
	    !sim_mem_load(&u->unit.iommu->mem, at + 16, &e->control) || !(low & 1))
		e->control = 0;
	return e->control;
}

/* Returns false where there is no memory. */
static bool fetch(struct sim_amdvi *u, uint32_t id, uint64_t table, uint32_t index,
		  struct sim_amdvi_irte *e)
{
	struct sim_amdvi_irte *place = &u->irte[(id * 31 + index) % SIM_AMDVI_IRTES];
	bool wide = u->control & GA_EN;
	uint64_t at = table + index * (wide ? 16ull : 4ull);

	if (place->known && place->id == id && place->index == index) {
		*e = *place;
		return true;
	}
	*e = (struct sim_amdvi_irte){ .id = id, .index = index, .known = true };
	if (!sim_mem_load(&u->unit.iommu->mem, at & ~7ull, &e->word[0]) ||
	    (wide && !sim_mem_load(&u->unit.iommu->mem, at + 8, &e->word[1])))
		return false;
	if (!wide)
		e->word[0] = at & 4 ? e->word[0] >> 32 : (uint32_t)e->word[0];
	*place = *e;
	return true;
}

/* Returns the flags of a fault; 0: delivered. */
static uint64_t deliver(const struct sim_amdvi *u, const struct sim_amdvi_irte *e,
			struct sim_interrupt *irq)
{
	uint64_t w = e->word[0];
	bool wide = u->control & GA_EN, extended = u->control & XT_EN;

	if (!(w & 1))
		return INTERRUPT;
	if ((w >> 2 & 7) > 1 || w & 1 << 7 || w >> (wide ? 32 : 24) ||
	    (wide && (e->word[1] & 0x00ffffffffffff00ull ||
		      (!extended && (w >> 16 & 0xffff || e->word[1] >> 56)))))
		return INTERRUPT | PRESENT | RESERVED;
	irq->dest = wide ? (uint32_t)(w >> 8 & 0xffffff) | (uint32_t)(e->word[1] >> 56) << 24
			 : (uint32_t)(w >> 8 & 0xff);
	irq->vector = (uint8_t)(wide ? e->word[1] : w >> 16);
	irq->logical = w >> 6 & 1;
	irq->lowest = (w >> 2 & 7) == 1;
	return 0;
}

static uint64_t remap(struct sim_amdvi *u, uint32_t id, uint64_t addr, uint32_t data,
		      struct sim_interrupt *irq)
{
	uint64_t control = control_of(u, id);
	uint32_t index = data & 0x7ff;
	struct sim_amdvi_irte e;

	if (!(control & IV)) {
		sim_interrupt_plain(addr, data, irq);
		return 0;
	}
	/* The upper bits of the number are the delivery mode, and others than fixed and arbitrated are not remapped. */
	if (index >> 8 > 1 || (control >> 60 & 3) == 0)
		return INTERRUPT;
	if ((control >> 60 & 3) == 1) {
		sim_interrupt_plain(addr, data, irq);
		return 0;
	}
	if ((control >> 60 & 3) == 3 || (control >> 1 & 15) > 11)
		return INTERRUPT | RESERVED;
	if (index >= 1u << (control >> 1 & 15) || !fetch(u, id, control & TABLE, index, &e))
		return INTERRUPT;
	irq->level = data >> 15 & 1;
	return deliver(u, &e, irq);
}

enum sim_reason sim_amdvi_interrupt(void *unit, const struct sim_device *dev, uint64_t addr,
				    uint32_t data, struct sim_interrupt *irq)
{
	struct sim_amdvi *u = unit;
	uint64_t flags;

	if (u->unit.iommu->off) {
		sim_interrupt_plain(addr, data, irq);
		return SIM_OK;
	}
	flags = remap(u, dev->config.id, addr, data, irq);
	if (!flags)
		return SIM_OK;
	*irq = (struct sim_interrupt){ 0 };
	sim_amdvi_log(u, dev->config.id | (uint64_t)AMD_PAGE_FAULT << 60 | flags | 1ull << 53,
		      addr);
	return SIM_FAULT_REMAPPING;
}
