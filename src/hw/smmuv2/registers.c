/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Places of registers: two global spaces, then a page for each context bank (Arm IHI 0062, section 8.1). */
#include "hw/smmuv2/smmuv2.h"

volatile uint8_t *dmah_smmuv2_global(const struct dmah_smmuv2 *smmu, uint32_t reg)
{
	/* CR0, and the registers of global faults; identification and invalidation registers have no aliases. */
	bool aliased = reg == GR_CR0 || (reg >= GR_GFAR && reg <= GR_GFSYNR1);

	return smmu->regs + reg + (aliased && smmuv2_has(smmu, SMMUV2_ALIAS) ? NS_ALIAS : 0);
}

volatile uint8_t *dmah_smmuv2_attribute(const struct dmah_smmuv2 *smmu, uint32_t reg)
{
	return smmu->regs + ((size_t)1 << smmu->page_shift) + reg;
}

volatile uint8_t *dmah_smmuv2_context(const struct dmah_smmuv2 *smmu, unsigned int bank,
				      uint32_t reg)
{
	return smmu->regs + ((size_t)(smmu->first_page + bank) << smmu->page_shift) + reg;
}

/*
 * Streams that no register matches, and accesses to secure registers, fault and are recorded (USFCFG, GFRE, GCFGFRE). TLB
 * maintenance of the CPUs is not listened to (PTM, VMIDPNE).
 */
uint32_t dmah_smmuv2_cr0(const struct dmah_smmuv2 *smmu)
{
	return CR0_GFRE | CR0_GCFGFRE | CR0_USFCFG | CR0_VMIDPNE | CR0_PTM |
	       (smmu->irq_on ? CR0_GFIE | CR0_GCFGFIE : 0);
}

/* Other bits are hints, which a unit need not have, or interrupts. */
bool dmah_smmuv2_is_ours(uint32_t cr0)
{
	return (cr0 & (CR0_CLIENTPD | CR0_USFCFG)) == CR0_USFCFG;
}
