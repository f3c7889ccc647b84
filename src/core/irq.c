/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Interrupt remapping: blocks of entries, and what callers may ask for. Formats and commands are the IOMMU driver's
 * (struct dmah_irq_ops).
 *
 * Each entry of a table has an owner, the number of the allocation that took it. A block is live while all its entries have
 * its number, so that a stale copy of a freed block is refused, also when another block has its entries.
 *
 * An allocation that dmah_irq_free() was called for is ENDING: its entries stay blocked, whatever calls are beside it, until
 * the hardware has forgotten them.
 *
 * The lock is held to look at owners and to write entries, and never while the hardware is waited for.
 */
#include <dmah/irq.h>

#include "base/setup_error.h"

#define VECTOR_MIN 16u /* vectors below belong to the CPU's exceptions */
#define ENDING	   (1u << 31) /* of an owner */

static int refuse(int err, const char *why, uint64_t value)
{
	return dmah_setup_error(NULL, err, why, value);
}

static void enter(struct dmah_iommu *iommu, unsigned long *flags)
{
	dmah_host_enter(flags);
	dmah_host_lock(&iommu->irq.lock);
}

static void leave(struct dmah_iommu *iommu, unsigned long flags)
{
	dmah_host_unlock(&iommu->irq.lock);
	dmah_host_leave(flags);
}

/* ---- on and off ---- */

int dmah_irq_enable(struct dmah_iommu *iommu, const struct dmah_irq_config *config)
{
	static const struct dmah_irq_config defaults;
	int err;

	if (!config)
		config = &defaults;
	if (!iommu->ops->irq)
		return refuse(DMAH_ENOTSUP, "dmah_irq_enable: this IOMMU remaps no interrupts", 0);
	if (iommu->irq.on)
		return refuse(DMAH_EBUSY,
			      iommu->irq.ending
				      ? "dmah_irq_enable: dmah_irq_disable() was not confirmed: "
					"call that again"
				      : "dmah_irq_enable: remapping is enabled already",
			      0);
	if (config->entries & (config->entries - 1))
		return refuse(DMAH_EINVAL, "dmah_irq_enable: config.entries is not a power of two",
			      config->entries);
	err = iommu->ops->irq->enable(iommu, config);
	if (err)
		return err;
	iommu->irq.x2apic = config->x2apic;
	iommu->irq.on = true;
	return DMAH_OK;
}

int dmah_irq_disable(struct dmah_iommu *iommu)
{
	int err;

	if (!iommu->irq.on)
		return refuse(DMAH_EPERM, "dmah_irq_disable: remapping is not enabled", 0);
	/* From here on messages may be let through as they are, also where the hardware does not confirm. */
	iommu->irq.ending = true;
	err = iommu->ops->irq->disable(iommu);
	if (!err)
		iommu->irq.on = iommu->irq.ending = false;
	return err;
}

static bool is_on(const struct dmah_iommu *iommu)
{
	return iommu->irq.on && !iommu->irq.ending;
}

/* ---- blocks ---- */

static bool is_free(const struct dmah_irq_table *table, uint32_t index, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (table->owner[index + i])
			return false;
	return true;
}

static void set_owner(struct dmah_irq_table *table, uint32_t index, uint32_t count, uint32_t number)
{
	for (uint32_t i = 0; i < count; i++)
		table->owner[index + i] = number;
}

/* Takes an aligned block. Returns its first entry, or the table's size where none is free. */
static uint32_t take(struct dmah_iommu *iommu, struct dmah_irq_table *table, struct dmah_irq *irq)
{
	uint32_t index = 0;
	unsigned long flags;

	enter(iommu, &flags);
	while (index < table->n && (irq->count > table->n || !is_free(table, index, irq->count)))
		index += irq->count;
	if (index < table->n) {
		iommu->irq.number = (iommu->irq.number + 1) & ~ENDING;
		iommu->irq.number += !iommu->irq.number;
		irq->number = iommu->irq.number;
		set_owner(table, index, irq->count, irq->number);
	}
	leave(iommu, flags);
	return index;
}

int dmah_irq_alloc(struct dmah_iommu *iommu, const struct dmah_irq_source *source,
		   unsigned int count, struct dmah_irq *irq)
{
	struct dmah_irq_table *table;
	int err;

	*irq = (struct dmah_irq){ .source = *source, .count = count };
	if (!is_on(iommu))
		return refuse(DMAH_EPERM, "dmah_irq_alloc: remapping is not enabled", source->id);
	if (!count || count & (count - 1) || count > DMAH_IRQ_BLOCK)
		return refuse(DMAH_EINVAL,
			      "dmah_irq_alloc: count is not a power of two from 1 to 2048", count);
	if (source->buses && source->last_bus < source->id >> 8)
		return refuse(DMAH_EINVAL,
			      "dmah_irq_alloc: source.last_bus is below the bus of source.id",
			      source->last_bus);
	err = iommu->ops->irq->table(iommu, source, true, &table);
	if (err)
		return err;
	irq->index = take(iommu, table, irq);
	if (irq->index >= table->n)
		return refuse(DMAH_ENOSPC,
			      "dmah_irq_alloc: no aligned block of free entries; count", count);
	irq->iommu = iommu;
	return DMAH_OK;
}

static bool is_live(const struct dmah_irq_table *table, const struct dmah_irq *irq)
{
	if (!irq->count || irq->index >= table->n || irq->count > table->n - irq->index)
		return false;
	for (uint32_t i = 0; i < irq->count; i++)
		if ((table->owner[irq->index + i] & ~ENDING) != irq->number)
			return false;
	return true;
}

/* Finds the table of a block; @call: the public call with a word on a block that is not live. */
static int find(const struct dmah_irq *irq, const char *call, struct dmah_irq_table **table)
{
	struct dmah_iommu *iommu = irq->iommu;
	unsigned long flags;
	bool live = false;

	*table = NULL;
	if (!iommu || !irq->number)
		return refuse(DMAH_ESTALE, call, irq->index);
	if (!is_on(iommu))
		return refuse(DMAH_EPERM, "dmah_irq: remapping is not enabled; entry", irq->index);
	(void)iommu->ops->irq->table(iommu, &irq->source, false, table);
	if (*table) {
		enter(iommu, &flags);
		live = is_live(*table, irq);
		leave(iommu, flags);
	}
	return live ? DMAH_OK : refuse(DMAH_ESTALE, call, irq->index);
}

/* ---- entries ---- */

/* Return: 0; DMAH_EINVAL, reported. */
static int check_target(const struct dmah_irq *irq, const struct dmah_irq_target *target)
{
	if (target->vector < VECTOR_MIN)
		return refuse(DMAH_EINVAL, "dmah_irq: target.vector is below 16", target->vector);
	if (target->dest > 0xff && !irq->iommu->irq.x2apic)
		return refuse(DMAH_EINVAL,
			      "dmah_irq: target.dest is above 255, and x2APIC was not enabled for "
			      "this unit",
			      target->dest);
	return DMAH_OK;
}

static int check_entry(const struct dmah_irq *irq, unsigned int n)
{
	return n < irq->count ? DMAH_OK
			      : refuse(DMAH_EINVAL, "dmah_irq: n is beyond the block's entries", n);
}

/* Writes entries of a block that is live still, or blocks all of them for good. Returns false where it is not live. */
static bool write_entries(const struct dmah_irq *irq, struct dmah_irq_table *table, uint32_t n,
			  uint32_t count, const struct dmah_irq_target *target)
{
	struct dmah_iommu *iommu = irq->iommu;
	unsigned long flags;
	bool live;

	enter(iommu, &flags);
	live = is_live(table, irq) && !(target && table->owner[irq->index] & ENDING);
	if (live && !target)
		set_owner(table, irq->index, count, irq->number | ENDING);
	for (uint32_t i = 0; live && i < count; i++)
		iommu->ops->irq->write(iommu, table, irq->index + n + i, &irq->source, target);
	leave(iommu, flags);
	return live;
}

int dmah_irq_set(const struct dmah_irq *irq, unsigned int n, const struct dmah_irq_target *target)
{
	static const char freed[] = "dmah_irq_set: the block was freed, or never allocated; entry";
	struct dmah_irq_table *table;
	int err = find(irq, freed, &table);

	if (!err)
		err = check_entry(irq, n);
	if (!err)
		err = check_target(irq, target);
	if (err)
		return err;
	if (!write_entries(irq, table, n, 1, target))
		return refuse(DMAH_ESTALE, freed, irq->index);
	return irq->iommu->ops->irq->forget(irq->iommu, &irq->source, irq->index + n, 1);
}

int dmah_irq_free(struct dmah_irq *irq)
{
	static const char freed[] = "dmah_irq_free: the block was freed, or never allocated; entry";
	struct dmah_iommu *iommu = irq->iommu;
	struct dmah_irq_table *table;
	unsigned long flags;
	int err = find(irq, freed, &table);

	if (err)
		return err;
	if (!write_entries(irq, table, 0, irq->count, NULL))
		return refuse(DMAH_ESTALE, freed, irq->index);
	err = iommu->ops->irq->forget(iommu, &irq->source, irq->index, irq->count);
	if (err)
		return err;
	enter(iommu, &flags);
	/* Another CPU may have freed a copy meanwhile, and the entries may have a new owner. */
	if (is_live(table, irq))
		set_owner(table, irq->index, irq->count, 0);
	leave(iommu, flags);
	*irq = (struct dmah_irq){ 0 };
	return DMAH_OK;
}

/* ---- messages ---- */

static bool accepts(const struct dmah_irq_source *source, uint16_t id)
{
	if (!source->buses)
		return id == source->id;
	return id >> 8 >= source->id >> 8 && id >> 8 <= source->last_bus;
}

static int check_message(const struct dmah_irq *irq, uint16_t id, unsigned int n)
{
	struct dmah_irq_table *table;
	int err = find(irq, "dmah_irq: the block was freed, or never allocated; entry", &table);

	if (!err)
		err = check_entry(irq, n);
	if (!err && !accepts(&irq->source, id))
		err = refuse(DMAH_EINVAL,
			     "dmah_irq: the block's entries accept no message of this requester id",
			     id);
	return err;
}

int dmah_irq_msi(const struct dmah_irq *irq, uint16_t id, unsigned int n, struct dmah_msi *msi)
{
	int err = check_message(irq, id, n);

	if (!err)
		irq->iommu->ops->irq->msi(irq->iommu, irq->index, n, msi);
	return err;
}

int dmah_irq_ioapic(const struct dmah_irq *irq, uint16_t id, unsigned int n,
		    const struct dmah_irq_target *target, uint64_t *rte)
{
	int err = check_message(irq, id, n);

	if (!err)
		err = check_target(irq, target);
	if (!err)
		*rte = irq->iommu->ops->irq->ioapic(irq->iommu, irq->index + n, target);
	return err;
}
