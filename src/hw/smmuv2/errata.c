/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Known errata: how an implementation is identified, and what the driver does about it. No register names an implementation,
 * so that firmware's tables have to.
 *
 * Sources: Linux, Documentation/arch/arm64/silicon-errata.rst (numbers), drivers/iommu/arm/arm-smmu (identification and
 * effect), Documentation/devicetree/bindings/iommu/arm,smmu.yaml (calxeda,smmu-secure-config-access); Arm DEN 0049, table of
 * the SMMUv1 and SMMUv2 node (models).
 *
 * Errata of those lists that ask for nothing here: Cavium ThunderX 27704 (units share TLBs, so that ASIDs and VMIDs must
 * differ between them: @id_base of struct dmah_smmuv2_config); MMU-400 and MMU-401 have none. Nvidia's units that mirror each
 * other's registers and Qualcomm's that firmware owns are not served.
 */
#include "hw/smmuv2/smmuv2.h"

/** struct erratum - @feature is for units whose model is @model. */
struct erratum {
	enum dmah_smmuv2_model model;
	uint32_t feature;
};

static const struct erratum errata[] = {
	/* Arm MMU-500, 841119 and 826419: a prefetched page may outlive its invalidation. */
	{ DMAH_SMMUV2_MMU500, SMMUV2_NO_PREFETCH },
	/* Calxeda: the CPUs are secure for the bus, so that their accesses reach secure registers where there are two. */
	{ DMAH_SMMUV2_CALXEDA, SMMUV2_ALIAS },
};

uint32_t dmah_smmuv2_errata(enum dmah_smmuv2_model model)
{
	uint32_t features = 0;

	for (unsigned int i = 0; i < sizeof(errata) / sizeof(errata[0]); i++)
		if (errata[i].model == model)
			features |= errata[i].feature;
	return features;
}

/* MMU-500: the registers by which prefetches are switched off are locked from revision 2 on. */
void dmah_smmuv2_unlock(const struct dmah_smmuv2 *smmu)
{
	volatile uint8_t *acr = dmah_smmuv2_global(smmu, GR_ACR);

	if (smmuv2_has(smmu, SMMUV2_NO_PREFETCH) &&
	    IDR7_MAJOR(dmah_host_read32(dmah_smmuv2_global(smmu, GR_IDR7))) >= 2)
		dmah_host_write32(acr, dmah_host_read32(acr) & ~ACR_CACHE_LOCK);
}
