/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Known errata: how an implementation is identified, and what the driver does about it.
 *
 * Sources: Linux, Documentation/arch/arm64/silicon-errata.rst (numbers), drivers/iommu/arm/arm-smmu-v3 (identification and
 * effect); Arm DEN 0049, table of the SMMUv3 node (models).
 *
 * Errata of those lists that ask for nothing here: HiSilicon Hip06 and Hip07 161010701 (no CMD_PREFETCH: never sent) and
 * 161010803 (MSIs are not translated: a doorbell that is mapped all the same does no harm); MMU-600 1076982 (no SEV:
 * CMD_SYNC asks for none), 1209401 and MMU-700 2268618 (no nested translation: one stage is used); Cavium ThunderX2 126
 * (one wire for all interrupts: every handler looks at everything).
 */
#include "hw/smmuv3/smmuv3.h"

/* IIDR, section 6.3.7: product, variant and revision, implementer. */
#define IIDR_PRODUCT(product, implementer) ((uint32_t)(product) << 20 | (implementer))
#define IIDR_ANY_REVISION		   0xfff00fffu
#define ARM				   0x43bu
#define MMU_700				   0x487u

/** struct erratum - @feature is for units whose IIDR, masked, is @iidr; with a @mask of 0, whose model in the table is @model. */
struct erratum {
	uint32_t mask;
	uint32_t iidr;
	enum dmah_smmuv3_model model;
	uint32_t feature;
};

static const struct erratum errata[] = {
	/* Cavium ThunderX2, 74: there is no page 1 of registers; those of the event queue are in page 0. */
	{ .model = DMAH_SMMUV3_CN99XX, .feature = SMMUV3_PAGE0 },
	/* Arm MMU-700, 2812531: the queue may stop where more than 63 commands are not followed by a CMD_SYNC. */
	{ .mask = IIDR_ANY_REVISION, .iidr = IIDR_PRODUCT(MMU_700, ARM), .feature = SMMUV3_SYNC_63 },
};

uint32_t dmah_smmuv3_errata(uint32_t iidr, enum dmah_smmuv3_model model)
{
	uint32_t features = 0;

	for (unsigned int i = 0; i < sizeof(errata) / sizeof(errata[0]); i++) {
		const struct erratum *e = &errata[i];

		if (e->mask ? (iidr & e->mask) == e->iidr : model == e->model)
			features |= e->feature;
	}
	return features;
}
