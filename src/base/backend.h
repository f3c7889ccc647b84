/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The table of functions that a backend is, and the requests that it is given.
 */
#ifndef DMAH_BASE_BACKEND_H
#define DMAH_BASE_BACKEND_H

#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/ring.h>

struct dmah_cpu;
struct fault_place;

/**
 * struct map_req - one mapping that is asked for, checked already.
 * @has_bus: the caller gave @bus.
 * @coherent: the host's own memory, chosen so that the device reaches it: it never bounces.
 */
struct map_req {
	dmah_phys_t phys;
	dmah_addr_t bus;
	uint32_t len;
	enum dmah_dir dir;
	uint32_t attrs;
	bool has_bus;
	bool coherent;
};

/**
 * struct addr_req - a mapping that is named by its DMA address: what an address- or page-keyed call knows.
 * @phys: with @has_phys, the physical address that belongs to @dma.
 * @inside: the bytes follow others of the same mapping.
 * @part: for an unmap: a piece of a scatter list, which is not the whole mapping.
 */
struct addr_req {
	dmah_addr_t dma;
	dmah_phys_t phys;
	uint32_t len;
	enum dmah_dir dir;
	uint32_t attrs;
	bool has_phys;
	bool inside;
	bool part;
};

/**
 * struct backend_memory - the memory that a backend needs of a domain's owner.
 * @domain: bytes for the domain.
 * @cpu: bytes for each CPU.
 */
struct backend_memory {
	size_t domain;
	size_t cpu;
};

/**
 * struct backend_ops - a backend. Handles are checked by the caller: not idle, of this device and backend kind.
 */
struct backend_ops {
	/** @map: fill an idle handle. The buffer is the device's on return. Nothing is changed on error. */
	int (*map)(struct dmah_device *dev, struct dmah *h, const struct map_req *req);
	/** @check: whether what the handle names is live. Return: 0, DMAH_ESTALE. */
	int (*check)(struct dmah_device *dev, const struct dmah *h);
	/** @unmap: end it, having checked it; @strict even in lazy mode. The handle is left to the caller. */
	int (*unmap)(struct dmah_device *dev, struct dmah *h, bool strict);
	/** @map_vec: a vector; NULL: piece by piece through @map. */
	int (*map_vec)(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
		       uint32_t n, enum dmah_dir dir, uint32_t attrs);
	/** @unmap_vec: goes with @map_vec. */
	int (*unmap_vec)(struct dmah_device *dev, struct dmah_vec *v);
	/** @map_sg: a scatter list; fills the DMA address of every entry. NULL: piece by piece. */
	int (*map_sg)(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
		      uint32_t attrs);
	/** @unmap_sg: goes with @map_sg; every entry has its own DMA address again, and loses it. */
	int (*unmap_sg)(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
			uint32_t attrs);
	/**
	 * @sg_whole: Returns true if the pieces of a mapped list from the one that begins at @first to the one that ends
	 * at @last are all of its mapping. NULL: every piece is a mapping of its own.
	 */
	bool (*sg_whole)(const struct dmah_device *dev, dmah_addr_t first, dmah_addr_t last);
	/**
	 * @rebuild: the handle of the mapping that begins at @req->dma, for unmap. Counts its lookups.
	 * Return: 0, DMAH_ESTALE, DMAH_EINVAL.
	 */
	int (*rebuild)(struct dmah_device *dev, struct dmah *h, const struct addr_req *req);
	/**
	 * @rebuild_part: a handle good for one sync of the bytes at @req->dma, anywhere inside a mapping. @done: how many
	 * of them it covers; for the rest the caller asks again.
	 */
	int (*rebuild_part)(struct dmah_device *dev, struct dmah *h, const struct addr_req *req,
			    uint32_t *done);

	/*
	 * Life cycle and upkeep. NULL: the backend has nothing to do there, or (where a call says DMAH_ENOTSUP) cannot.
	 */

	/** @memory: bytes that a domain and each of its CPUs need. NULL: none. Return: false: @cfg makes no sense. */
	bool (*memory)(const struct dmah_domain_config *cfg, struct backend_memory *need);
	/** @init: set up the backend's part in @memory, zeroed, after every CPU's part. */
	int (*init)(struct dmah_domain *dom, void *memory);
	/** @init_cpu: set up a CPU's part in @memory, zeroed. */
	void (*init_cpu)(struct dmah_domain *dom, struct dmah_cpu *cpu, void *memory);
	/** @fini: undo @init; no device is attached. */
	int (*fini)(struct dmah_domain *dom);
	/** @add_iommu: dmah_domain_add_iommu(). */
	int (*add_iommu)(struct dmah_domain *dom, struct dmah_iommu *iommu);
	/** @pt_info: dmah_domain_pt(). */
	void (*pt_info)(const struct dmah_domain *dom, struct dmah_pt_info *info);
	/** @attach: let a device in whose common part is filled in already. Nothing is changed on error. */
	int (*attach)(struct dmah_device *dev, const struct dmah_limits *limits);
	/** @detach: the device has no live mapping. */
	int (*detach)(struct dmah_device *dev);
	/** @kill: dmah_kill(), once the device is marked. NULL: DMAH_ENOTSUP. */
	int (*kill)(struct dmah_device *dev);
	/** @set_mode: dmah_set_mode(), with a valid mode. NULL: DMAH_ENOTSUP. */
	int (*set_mode)(struct dmah_domain *dom, enum dmah_mode mode);
	/** @reserve: dmah_reserve(), with a sensible number and length. */
	int (*reserve)(struct dmah_domain *dom, unsigned int count, uint32_t len);
	/** @flush: dmah_flush(). @dev: counts for this device; NULL: for none. */
	int (*flush)(struct dmah_domain *dom, const struct dmah_device *dev);
	/** @poll: dmah_poll(); *@next is UINT64_MAX already. */
	int (*poll)(struct dmah_domain *dom, uint64_t now, uint64_t *next);
	/** @cpu_dead: dmah_cpu_dead(), with a CPU of the domain. */
	int (*cpu_dead)(struct dmah_domain *dom, unsigned int cpu);
	/** @highest: the highest physical address that @map reaches without bouncing. */
	dmah_phys_t (*highest)(const struct dmah_device *dev);
	/** @waits: Returns true if an unmap of this device now waits for hardware, so that a batch gains. NULL: never. */
	bool (*waits)(const struct dmah_device *dev);
	/** @ring_init: give a ring IOVAs of its own. NULL: its mappings are made like any other. */
	int (*ring_init)(struct dmah_ring *ring);
	/** @timestamps: the cleared entries of mappings shorter than a leaf table hold when they were unmapped. */
	bool timestamps;
	/** @generation: the generation bits of the entry at a DMA address. NULL: there are none. */
	uint64_t (*generation)(const struct dmah_domain *dom, dmah_addr_t dma);
	/** @fault_lookup: what is or was at a DMA address, with the setup lock held. NULL: only the history tells. */
	void (*fault_lookup)(struct dmah_domain *dom, dmah_addr_t addr, struct fault_place *what);
};

extern const struct backend_ops dmah_backend_direct;
extern const struct backend_ops dmah_backend_bounce;
extern const struct backend_ops dmah_backend_iommu;
extern const struct backend_ops dmah_backend_xen;

#endif /* DMAH_BASE_BACKEND_H */
