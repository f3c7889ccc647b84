/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Process soft-context ids (PSCID), by which the hardware tells what it has cached of which domain. */
#include "hw/riscv/riscv.h"

int dmah_riscv_op_tag_alloc(struct dmah_iommu *iommu, uint32_t *tag)
{
	struct dmah_riscv *unit = riscv_of(iommu);
	uint32_t n = (unit->ntags + 63) / 64, i = 0;
	int err = DMAH_ENOSPC;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->tables);
	while (i < n && !~unit->tags[i])
		i++;
	if (i < n) {
		*tag = i * 64 + (uint32_t)__builtin_ctzll(~unit->tags[i]);
		err = *tag < unit->ntags ? DMAH_OK : DMAH_ENOSPC;
	}
	if (!err)
		unit->tags[i] |= 1ull << *tag % 64;
	dmah_host_unlock(&unit->tables);
	dmah_host_leave(flags);
	return err;
}

void dmah_riscv_op_tag_free(struct dmah_iommu *iommu, uint32_t tag)
{
	struct dmah_riscv *unit = riscv_of(iommu);
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->tables);
	unit->tags[tag / 64] &= ~(1ull << tag % 64);
	dmah_host_unlock(&unit->tables);
	dmah_host_leave(flags);
}
