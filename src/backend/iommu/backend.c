/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The iommu backend's table of functions.
 */
#include "backend/direct.h"
#include "backend/iommu/aperture.h"
#include "backend/iommu/cells.h"
#include "backend/iommu/device.h"
#include "backend/iommu/flush.h"
#include "backend/iommu/link.h"
#include "backend/iommu/map.h"
#include "backend/iommu/mode.h"
#include "backend/iommu/poll.h"
#include "backend/iommu/ring.h"

static dmah_phys_t iommu_highest(const struct dmah_device *dev)
{
	const struct pt *pt = &dev->dom->pt;

	if (domain_mode(dev->dom) == DMAH_PASSTHROUGH)
		return dmah_direct_highest(dev);
	return pt->out_bits < 64 ? (1ull << pt->out_bits) - 1 : ~0ull;
}

static bool iommu_waits(const struct dmah_device *dev)
{
	return !domain_passes_through(dev->dom) && !iommu_defers(dev);
}

const struct backend_ops dmah_backend_iommu = {
	.memory = dmah_iommu_memory,
	.init = dmah_iommu_init,
	.init_cpu = dmah_iommu_init_cpu,
	.fini = dmah_iommu_fini,
	.add_iommu = dmah_iommu_add,
	.pt_info = dmah_iommu_pt_info,
	.attach = dmah_iommu_attach,
	.detach = dmah_iommu_detach,
	.kill = dmah_iommu_kill,
	.set_mode = dmah_iommu_set_mode,
	.reserve = dmah_iommu_reserve,
	.flush = dmah_iommu_flush,
	.poll = dmah_iommu_poll,
	.cpu_dead = dmah_iommu_cpu_dead,
	.highest = iommu_highest,
	.crossing = dmah_direct_crossing,
	.waits = iommu_waits,
	.ring_init = dmah_iommu_ring_init,
	.timestamps = true,
	.generation = dmah_iommu_generation,
	.fault_lookup = dmah_iommu_fault_lookup,
	.map = dmah_iommu_map,
	.check = dmah_iommu_check,
	.unmap = dmah_iommu_unmap,
	.map_vec = dmah_iommu_map_vec,
	.unmap_vec = dmah_iommu_unmap_vec,
	.map_sg = dmah_iommu_map_sg,
	.unmap_sg = dmah_iommu_unmap_sg,
	.sg_whole = dmah_iommu_sg_whole,
	.rebuild = dmah_iommu_rebuild,
	.rebuild_part = dmah_iommu_rebuild_part,
};
