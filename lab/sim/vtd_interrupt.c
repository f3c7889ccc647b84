/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Interrupt remapping of a VT-d unit. Specification, rev. 4.1: 5.1.2 (formats of messages), 5.1.4 (the steps), 6.5.2.7 (invalidation of
 * cached entries), 9.10 (remapping entries).
 */
#include "vtd_unit.h"

enum {
	FR_RESERVED_REQUEST = 0x20,
	FR_INDEX = 0x21,
	FR_NOT_PRESENT = 0x22,
	FR_ACCESS = 0x23,
	FR_RESERVED = 0x24,
	FR_COMPATIBILITY = 0x25,
	FR_SOURCE = 0x26,
};

#define REMAPPED (1u << 4)
#define SHV	 (1u << 3)

static bool is_extended(const struct sim_vtd *u)
{
	return u->irt & 1 << 11;
}

static struct sim_vtd_irte *cached(struct sim_vtd *u, uint32_t index)
{
	return &u->irte[index % SIM_VTD_IRTES];
}

void sim_vtd_forget_irtes(struct sim_vtd *u, uint32_t index, uint64_t n)
{
	for (unsigned int i = 0; i < SIM_VTD_IRTES; i++)
		if (u->irte[i].index >= index && u->irte[i].index - index < n)
			u->irte[i].known = false;
}

/* Entries that are not present are not cached. Returns 0 or a fault reason. */
static uint32_t fetch(struct sim_vtd *u, uint32_t index, struct sim_vtd_irte *e)
{
	uint64_t at = (u->irt & ~0xfffull) + index * 16ull;

	if (cached(u, index)->known && cached(u, index)->index == index) {
		*e = *cached(u, index);
		return 0;
	}
	*e = (struct sim_vtd_irte){ .index = index, .known = true };
	if (!sim_mem_load(&u->unit.iommu->mem, at, &e->lo) ||
	    !sim_mem_load(&u->unit.iommu->mem, at + 8, &e->hi))
		return FR_ACCESS;
	if (!(e->lo & 1))
		return FR_NOT_PRESENT;
	/* Posted interrupts and delivery modes of guests are not modelled. */
	if (e->lo & 0xff00f000ull || e->lo >> 15 & 1 || e->hi >> 20 ||
	    (!is_extended(u) && e->lo >> 32 & 0xffff00ffull) || (e->lo >> 5 & 7) > 1 ||
	    (e->hi >> 18 & 3) == 3)
		return FR_RESERVED;
	*cached(u, index) = *e;
	return 0;
}

/* SVT 1: the bits of the id that SQ leaves; 2: a range of buses. */
static bool accepts(const struct sim_vtd_irte *e, uint32_t id)
{
	static const uint32_t mask[4] = { 0xffff, 0xfffb, 0xfff9, 0xfff8 };
	uint32_t sid = e->hi & 0xffff, bits = mask[e->hi >> 16 & 3];

	switch (e->hi >> 18 & 3) {
	case 1:
		return (sid & bits) == (id & bits);
	case 2:
		return id >> 8 >= sid >> 8 && id >> 8 <= (sid & 0xff);
	}
	return true;
}

static void deliver(const struct sim_vtd *u, const struct sim_vtd_irte *e,
		    struct sim_interrupt *irq)
{
	*irq = (struct sim_interrupt){ .dest = (uint32_t)(is_extended(u) ? e->lo >> 32
									 : e->lo >> 40 & 0xff),
				       .vector = (uint8_t)(e->lo >> 16),
				       .logical = e->lo >> 2 & 1,
				       .lowest = (e->lo >> 5 & 7) == 1,
				       .level = e->lo >> 4 & 1 };
}

static uint32_t remap(struct sim_vtd *u, uint32_t id, uint64_t addr, uint32_t data, uint32_t *index,
		      struct sim_interrupt *irq)
{
	struct sim_vtd_irte e;
	uint32_t reason;

	*index = 0;
	if (!(addr & REMAPPED)) {
		if (is_extended(u) || !(u->gsts & 1u << 23))
			return FR_COMPATIBILITY;
		sim_interrupt_plain(addr, data, irq);
		return 0;
	}
	*index = (uint32_t)(addr >> 5 & 0x7fff) | (uint32_t)(addr >> 2 & 1) << 15;
	if (addr & SHV)
		*index += data & 0xffff;
	if (addr & SHV && data >> 16)
		return FR_RESERVED_REQUEST;
	if (*index >= 2u << (u->irt & 15))
		return FR_INDEX;
	reason = fetch(u, *index, &e);
	if (reason)
		return reason;
	if (!accepts(&e, id))
		return FR_SOURCE;
	deliver(u, &e, irq);
	return 0;
}

enum sim_reason sim_vtd_interrupt(void *unit, const struct sim_device *dev, uint64_t addr,
				  uint32_t data, struct sim_interrupt *irq)
{
	struct sim_vtd *u = unit;
	uint32_t reason, index;

	if (!(u->gsts & 1u << 25)) {
		sim_interrupt_plain(addr, data, irq);
		return SIM_OK;
	}
	reason = remap(u, dev->config.id, addr, data, &index, irq);
	if (!reason)
		return SIM_OK;
	sim_vtd_record(u, dev->config.id, (uint64_t)(index & 0xffff) << 48, reason);
	return SIM_FAULT_REMAPPING;
}
