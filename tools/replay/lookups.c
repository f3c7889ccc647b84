// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "lookups.h"
#include "xalloc.h"

static dmah_phys_t ask_register(void *bank, struct dmah_domain *dom, dmah_addr_t dma,
				uint64_t *steps)
{
	(void)dom;
	return sim_bank_lookup(bank, dma, steps);
}

static int set_register(struct dmah_domain *dom, struct sim_iommu *iommu)
{
	struct dmah_lookup lookup = { .find = ask_register };
	struct dmah_pt_info pt;
	int err = dmah_domain_pt(dom, &pt);

	if (err)
		return err;
	lookup.ctx = sim_iommu_bank(iommu, &pt);
	sim_iommu_set_polls(iommu, POLLS);
	return lookup.ctx ? dmah_addr_set_lookup(dom, &lookup) : DMAH_ENODEV;
}

int lookups_set(struct lookups *l, struct machine *m, enum lookup how)
{
	int err = DMAH_OK;

	if (!m->kind->va_bits)
		return DMAH_OK;
	if (!l->state)
		l->state = xcalloc(m->plan->ndevices, sizeof(*l->state));
	for (uint32_t i = 0; !err && i < m->plan->ndevices; i++)
		err = how == LOOKUP_REGISTER ? set_register(m->rig[i].dom, sim_iommu(m->sim, 0))
					     : lookup_set(&l->state[i], m->rig[i].dom, how);
	return err;
}

void lookups_free(struct lookups *l)
{
	free(l->state);
	l->state = NULL;
}
