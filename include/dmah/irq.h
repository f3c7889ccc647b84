/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: interrupt remapping of Intel VT-d and AMD-Vi.
 *
 * Without it a device can raise any interrupt: it writes a message of its choice to 0xfeexxxxx. With it a message names an
 * entry of a table, and the entry says which vector of which CPU it is, and for whom. All other messages are blocked.
 *
 *	err = dmah_irq_enable(&vtd.iommu, &(struct dmah_irq_config){ .x2apic = true });
 *	err = dmah_irq_alloc(&vtd.iommu, &(struct dmah_irq_source){ .id = dev.id }, 4, &irq);	// multi-MSI: 4 messages
 *	for (n = 0; n < 4; n++)
 *		err = dmah_irq_set(&irq, n, &(struct dmah_irq_target){ .dest = cpu, .vector = 0x40 + n });
 *	err = dmah_irq_msi(&irq, dev.id, 0, &msi);	// into the MSI capability, and enable it
 *	...
 *	err = dmah_irq_set(&irq, 2, &other_cpu);	// the message stays as it is
 *	...
 *	err = dmah_irq_free(&irq);
 *
 * Call dmah_irq_enable() while no interrupt that it would block is in use: before the first IOAPIC pin is unmasked and the
 * first MSI is enabled, and with AMD-Vi before dmah_amdvi_enable(). On a machine with several units enable it on each; an IOAPIC
 * and an HPET are devices too, with ids that firmware tables give (dmah_fw_lookup() with DMAH_FW_IOAPIC).
 *
 * Messages that were blocked are faults (dmah_faults()) without an address, of place DMAH_FAULT_NO_ADDRESS or
 * DMAH_FAULT_NO_DEVICE; @hw.addr is the number of the entry on VT-d. Interrupts of the IOMMU itself are not remapped on VT-d;
 * those of an AMD unit are messages of its PCI function, which wants an entry like any other device.
 *
 * Not handled: posted interrupts (VT-d), guest virtual APIC (AMD), other delivery modes than fixed and lowest priority. NMI, INIT
 * and the like of AMD pass as the device's setting of struct dmah_amdvi_config says.
 *
 * Specifications: Intel VT-d rev. 4.1, chapter 5 (interrupt remapping), 6.5.2.7 (interrupt entry cache invalidation), 9.10
 * (remapping entries); AMD 48882 rev. 3, sections 2.2.5 (interrupt remapping tables) and 2.4.5
 * (INVALIDATE_INTERRUPT_TABLE).
 */
#ifndef DMAH_IRQ_H
#define DMAH_IRQ_H

#include <dmah/iommu.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct dmah_irq_config - remapping of a unit. Zero means the default.
 * @entries: VT-d: entries of the unit, a power of two from 2 to 65,536; 0: 4,096. AMD-Vi: entries of each device, a power of two
 *	from 1 to 512; 0: 256.
 * @x2apic: destinations have 32 bits, for CPUs in x2APIC mode. Needs a capability: ECAP_REG.EIM on VT-d; XTSup and GASup on
 *	AMD-Vi, where entries then have 16 bytes instead of 4. Firmware may ask not to use x2APIC (DMAH_FW_X2APIC_OPT_OUT).
 */
struct dmah_irq_config {
	uint32_t entries;
	bool x2apic;
};

/**
 * struct dmah_irq_source - the device whose messages an entry accepts.
 * @id: its requester id, as the unit sees it: behind a bridge that changes ids the bridge's (dmah_fw_lookup()).
 * @buses: accept every requester on the buses from @id >> 8 to @last_bus, for a bridge that makes up ids of its own. VT-d
 *	alone: an AMD unit finds the table by the id.
 * @last_bus: the last of these buses.
 */
struct dmah_irq_source {
	uint16_t id;
	bool buses;
	uint8_t last_bus;
};

/**
 * struct dmah_irq_target - the interrupt that a message becomes.
 * @dest: the CPU's APIC id, or a logical destination; below 256 unless x2APIC was enabled.
 * @vector: 16 to 255.
 * @logical: @dest is a logical destination.
 * @lowest: lowest priority among the CPUs of @dest; else fixed.
 * @level: level-triggered: pins of an IOAPIC alone.
 */
struct dmah_irq_target {
	uint32_t dest;
	uint8_t vector;
	bool logical;
	bool lowest;
	bool level;
};

/**
 * struct dmah_irq - a block of entries. The caller owns the storage; all is private but @index and @count.
 * @iommu: the unit; NULL: no block.
 * @source: the device.
 * @index: the first entry, a multiple of @count.
 * @count: entries.
 * @number: of the allocation, by which the library knows a block that was freed.
 */
struct dmah_irq {
	struct dmah_iommu *iommu;
	struct dmah_irq_source source;
	uint32_t index;
	uint32_t count;
	uint32_t number;
};

/** DMAH_IRQ_BLOCK - most entries of a block: messages of an MSI-X table. Multi-MSI has 32 at most. */
#define DMAH_IRQ_BLOCK 2048u

/**
 * dmah_irq_enable() - remap interrupts: from here on all that no entry accepts are blocked.
 * @iommu: a unit that dmah_vtd_init() or dmah_amdvi_init() took over.
 * @config: copied; NULL: all defaults.
 *
 * A table that firmware or a kernel before kexec had in use is replaced in one step. Interrupts in compatibility format are
 * blocked. An error is explained by dmah_host_report().
 *
 * Context: may sleep. One such call at a time. Return: 0; DMAH_EINVAL: a number of entries that makes no sense; DMAH_ENOTSUP: the
 * unit remaps no interrupts, or has no x2APIC; DMAH_EBUSY: enabled already, or x2APIC changes after dmah_amdvi_enable();
 * DMAH_ENOMEM; DMAH_ETIMEDOUT: the hardware did not confirm; call it again, with the same @config, or give the unit up.
 */
int dmah_irq_enable(struct dmah_iommu *iommu, const struct dmah_irq_config *config);

/**
 * dmah_irq_disable() - end remapping: every message is let through as it is. Blocks of entries end.
 * @iommu: the unit. dmah_vtd_fini() and dmah_amdvi_fini() do this too.
 *
 * Context: may sleep, no other call of this header for the unit runs. Return: 0; DMAH_EPERM: it is not enabled; DMAH_ETIMEDOUT: the
 * hardware did not confirm, and nothing was freed; messages may be let through already, and all other calls of this header but
 * this one are refused: call it again.
 */
int dmah_irq_disable(struct dmah_iommu *iommu);

/**
 * dmah_irq_alloc() - reserve entries for a device. They block until dmah_irq_set().
 * @iommu: the unit in front of the device.
 * @source: the device.
 * @count: entries, a power of two up to DMAH_IRQ_BLOCK: one for an IOAPIC's pin and for a message of MSI-X, as many as messages
 *	for multi-MSI.
 * @irq: receives the block.
 *
 * Context: may sleep, any CPU. Return: 0; DMAH_EINVAL: @count or @source makes no sense; DMAH_ENOSPC: no aligned block of that
 * size is free; DMAH_EPERM: remapping is not enabled; DMAH_ENOTSUP: @source->buses on AMD-Vi; DMAH_ENOMEM; DMAH_ETIMEDOUT.
 */
int dmah_irq_alloc(struct dmah_iommu *iommu, const struct dmah_irq_source *source,
		   unsigned int count, struct dmah_irq *irq);

/**
 * dmah_irq_set() - say which interrupt a message becomes, also while the device sends it.
 * @irq: the block.
 * @n: the entry of the block, from 0.
 * @target: the interrupt.
 *
 * When this returns 0, messages become the new interrupt, and those of before have been delivered. The entry changes in one store
 * on a CPU of 64 bits, but for AMD-Vi with x2APIC where vector and destination change together: a message in between is blocked,
 * so mask the device's interrupt, or keep the vector.
 *
 * Context: any but inside dmah_host_enter(); waits for the hardware. Return: 0; DMAH_EINVAL: @n or a field makes no sense, or
 * a destination of more than 8 bits without x2APIC; DMAH_ESTALE: the block was freed, or dmah_irq_free() was called for it;
 * DMAH_EPERM: remapping is not enabled; DMAH_ETIMEDOUT: the hardware did not confirm, and messages may become the old interrupt still.
 */
int dmah_irq_set(const struct dmah_irq *irq, unsigned int n, const struct dmah_irq_target *target);

/**
 * dmah_irq_free() - give a block back: its messages are blocked when this returns 0, and its vectors may be used for others.
 * @irq: the block; zeroed where this returns 0.
 *
 * Context: as dmah_irq_set(). Return: 0; DMAH_ESTALE: it was freed, or never allocated; DMAH_EPERM: remapping is not enabled;
 * DMAH_ETIMEDOUT: the hardware did not confirm. The block stays reserved then, and its vectors in use, until a later call returns 0.
 */
int dmah_irq_free(struct dmah_irq *irq);

/**
 * dmah_irq_msi() - get the message by which a device raises an entry's interrupt.
 * @irq: the block.
 * @id: the device that gets the message: that of dmah_irq_alloc(), or one on its buses.
 * @n: the entry of the block, from 0. For multi-MSI that of 0: the device adds the message's number to the data.
 * @msi: receives the message.
 *
 * Context: any but inside dmah_host_enter(). Return: 0; DMAH_EINVAL: @n is beyond the block, or its entries do not accept @id;
 * DMAH_ESTALE, DMAH_EPERM: as dmah_irq_set().
 */
int dmah_irq_msi(const struct dmah_irq *irq, uint16_t id, unsigned int n, struct dmah_msi *msi);

/**
 * dmah_irq_ioapic() - get the redirection entry of an IOAPIC's pin that raises an entry's interrupt.
 * @irq: the block.
 * @id: the IOAPIC's requester id.
 * @n: the entry of the block, from 0.
 * @target: that of dmah_irq_set().
 * @rte: receives the 64 bits. The caller adds polarity (bit 13) and mask (bit 16).
 *
 * On VT-d the vector field is the vector, by which the EOI of a level-triggered interrupt finds the pin. On AMD-Vi it is the
 * entry's number: end a level-triggered interrupt by a write of that number to the IOAPIC's EOI register.
 *
 * Context, return: as dmah_irq_msi(); DMAH_EINVAL also where @target makes no sense.
 */
int dmah_irq_ioapic(const struct dmah_irq *irq, uint16_t id, unsigned int n,
		    const struct dmah_irq_target *target, uint64_t *rte);

/* ---- for authors of IOMMU drivers ---- */

/**
 * struct dmah_irq_table - remapping entries, of a unit or of a device.
 * @entries: as the hardware reads them; @phys: their physical address.
 * @owner: for each entry the number of the allocation that has it; 0: free. The library's.
 * @n: how many there are, a power of two.
 * @known: the driver's: the hardware has confirmed that it uses the table.
 */
struct dmah_irq_table {
	void *entries;
	dmah_phys_t phys;
	uint32_t *owner;
	uint32_t n;
	bool known;
};

/**
 * struct dmah_irq_ops - remapping of one kind of IOMMU.
 */
struct dmah_irq_ops {
	/** @enable: as dmah_irq_enable(), for a unit whose remapping is not enabled. */
	int (*enable)(struct dmah_iommu *iommu, const struct dmah_irq_config *config);
	/** @disable: as dmah_irq_disable(). */
	int (*disable)(struct dmah_iommu *iommu);
	/**
	 * @table: find the table that has the entries of @source; with @make create it where there is none, else *@table is
	 * NULL. Context: outside dmah_host_enter(). Return: 0; DMAH_EINVAL, DMAH_ENOTSUP (reported); DMAH_ENOMEM; DMAH_ETIMEDOUT.
	 */
	int (*table)(struct dmah_iommu *iommu, const struct dmah_irq_source *source, bool make,
		     struct dmah_irq_table **table);
	/** @write: write entry @index; @target NULL: block. Context: inside dmah_host_enter(), with the library's lock. */
	void (*write)(struct dmah_iommu *iommu, struct dmah_irq_table *table, uint32_t index,
		      const struct dmah_irq_source *source, const struct dmah_irq_target *target);
	/** @forget: make the hardware forget @n entries of @source, and wait. Return: 0, DMAH_ETIMEDOUT. */
	int (*forget)(struct dmah_iommu *iommu, const struct dmah_irq_source *source,
		      uint32_t index, uint32_t n);
	/** @msi: the message of entry @n of the block that begins at @index. */
	void (*msi)(struct dmah_iommu *iommu, uint32_t index, uint32_t n, struct dmah_msi *msi);
	/** @ioapic: Returns the redirection entry of entry @index. */
	uint64_t (*ioapic)(struct dmah_iommu *iommu, uint32_t index,
			   const struct dmah_irq_target *target);
};

#ifdef __cplusplus
}
#endif

#endif /* DMAH_IRQ_H */
