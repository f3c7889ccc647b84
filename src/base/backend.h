/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Declares the functions of a backend, and the requests passed to them. */
#ifndef DMAH_BASE_BACKEND_H
#define DMAH_BASE_BACKEND_H

#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/ring.h>

struct dmah_cpu;
struct fault_place;

/**
 * struct map_req - a request for one mapping. The caller has checked the arguments.
 * @has_bus: the caller gave @bus.
 * @coherent: memory from dmah_host_mem_alloc(), allocated within the device's reach, so it never
 *	bounces.
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
 * struct addr_req - a request about the mapping at a DMA address, from an address- or page-keyed
 * call.
 * @phys: with @has_phys, the physical address that belongs to @dma.
 * @inside: the bytes follow other bytes of the same mapping.
 * @part: for an unmap: a piece of a scatter list, and not a whole mapping.
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
 * struct backend_memory - the memory that the owner of a domain must provide for a backend.
 * @domain: bytes for the domain.
 * @cpu: bytes for each CPU.
 */
struct backend_memory {
	size_t domain;
	size_t cpu;
};

/**
 * struct backend_ops - a backend. The caller has checked each handle: not idle, of this device and
 * backend.
 */
struct backend_ops {
	/**
	 * @map: fill an idle handle and give the buffer to the device. Changes nothing on error.
	 */
	int (*map)(struct dmah_device *dev, struct dmah *h, const struct map_req *req);
	/** @check: Returns 0 if the mapping of the handle is live, else DMAH_ESTALE. */
	int (*check)(struct dmah_device *dev, const struct dmah *h);
	/**
	 * @unmap: check the mapping and end it; with @strict, as in strict mode. Does not clear the
	 *	handle.
	 */
	int (*unmap)(struct dmah_device *dev, struct dmah *h, bool strict);
	/** @map_vec: map a vector. NULL: the caller maps each piece through @map. */
	int (*map_vec)(struct dmah_device *dev, struct dmah_vec *v, const struct dmah_seg *segs,
		       uint32_t n, enum dmah_dir dir, uint32_t attrs);
	/** @unmap_vec: unmap a vector that @map_vec mapped. */
	int (*unmap_vec)(struct dmah_device *dev, struct dmah_vec *v);
	/**
	 * @map_sg: map a scatter list and fill the DMA address of every entry. NULL: the caller
	 *	maps each piece.
	 */
	int (*map_sg)(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
		      uint32_t attrs);
	/**
	 * @unmap_sg: unmap a scatter list that @map_sg mapped. The caller has restored the DMA
	 *	address of every entry.
	 */
	int (*unmap_sg)(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
			uint32_t attrs);
	/**
	 * @sg_whole: Returns true if the pieces from DMA address @first to DMA address @last
	 *	(inclusive) are one whole mapping. NULL: every piece is a mapping of its own.
	 */
	bool (*sg_whole)(const struct dmah_device *dev, dmah_addr_t first, dmah_addr_t last);
	/**
	 * @rebuild: fill a handle for the mapping that begins at @req->dma, for unmap. Counts its
	 *	lookups.
	 * Return: 0, DMAH_ESTALE, DMAH_EINVAL.
	 */
	int (*rebuild)(struct dmah_device *dev, struct dmah *h, const struct addr_req *req);
	/**
	 * @rebuild_part: fill a handle for one sync of the bytes at @req->dma, anywhere inside a
	 *	mapping. Sets *@done to the number of bytes that the handle covers. The caller
	 *	repeats the call for the remaining bytes.
	 */
	int (*rebuild_part)(struct dmah_device *dev, struct dmah *h, const struct addr_req *req,
			    uint32_t *done);

	/*
	 * The functions below set up and maintain a backend. NULL: the backend has nothing to do,
	 * or does not support the call if the comment names DMAH_ENOTSUP.
	 */

	/**
	 * @memory: compute the bytes that a domain and each of its CPUs need. NULL: none. Returns
	 *	false if @cfg makes no sense.
	 */
	bool (*memory)(const struct dmah_domain_config *cfg, struct backend_memory *need);
	/**
	 * @init: set up the backend's part in @memory, zeroed. Called after @init_cpu of every CPU.
	 */
	int (*init)(struct dmah_domain *dom, void *memory);
	/** @init_cpu: set up a CPU's part in @memory, zeroed. */
	void (*init_cpu)(struct dmah_domain *dom, struct dmah_cpu *cpu, void *memory);
	/** @fini: undo @init. No device is attached. */
	int (*fini)(struct dmah_domain *dom);
	/** @add_iommu: implements dmah_domain_add_iommu(). */
	int (*add_iommu)(struct dmah_domain *dom, struct dmah_iommu *iommu);
	/** @pt_info: implements dmah_domain_pt(). */
	void (*pt_info)(const struct dmah_domain *dom, struct dmah_pt_info *info);
	/**
	 * @attach: attach a device. The common fields of @dev are set. Changes nothing on error.
	 */
	int (*attach)(struct dmah_device *dev, const struct dmah_limits *limits);
	/** @detach: detach a device without live mappings. */
	int (*detach)(struct dmah_device *dev);
	/**
	 * @kill: implements dmah_kill(), after the device is marked as killed. NULL: DMAH_ENOTSUP.
	 */
	int (*kill)(struct dmah_device *dev);
	/** @set_mode: implements dmah_set_mode(), with a valid mode. NULL: DMAH_ENOTSUP. */
	int (*set_mode)(struct dmah_domain *dom, enum dmah_mode mode);
	/** @reserve: implements dmah_reserve(), with a valid number and length. */
	int (*reserve)(struct dmah_domain *dom, unsigned int count, uint32_t len);
	/**
	 * @flush: implements dmah_flush(). Counts the invalidations for @dev; NULL: for no device.
	 */
	int (*flush)(struct dmah_domain *dom, const struct dmah_device *dev);
	/** @poll: implements dmah_poll(). The caller has set *@next to UINT64_MAX. */
	int (*poll)(struct dmah_domain *dom, uint64_t now, uint64_t *next);
	/** @cpu_dead: implements dmah_cpu_dead(), with a CPU of the domain. */
	int (*cpu_dead)(struct dmah_domain *dom, unsigned int cpu);
	/** @highest: return the highest physical address that @map reaches without bouncing. */
	dmah_phys_t (*highest)(const struct dmah_device *dev);
	/**
	 * @crossing: return the physical address inside a buffer at which one of the device's
	 *	boundaries lies, if DMA addresses follow physical ones; @phys: there is none.
	 */
	dmah_phys_t (*crossing)(const struct dmah_device *dev, dmah_phys_t phys, uint64_t len);
	/**
	 * @waits: Returns true if an unmap of this device would wait for hardware now, so a batch
	 *	saves time. NULL: never.
	 */
	bool (*waits)(const struct dmah_device *dev);
	/** @ring_init: allocate IOVAs for a ring. NULL: the ring makes ordinary mappings. */
	int (*ring_init)(struct dmah_ring *ring);
	/**
	 * @timestamps: page-table entries hold the time of the unmap, for mappings shorter than a
	 *	leaf table.
	 */
	bool timestamps;
	/**
	 * @generation: return the generation bits of the entry at a DMA address. NULL: entries have
	 *	none.
	 */
	uint64_t (*generation)(const struct dmah_domain *dom, dmah_addr_t dma);
	/**
	 * @fault_lookup: find the state of a DMA address. Called with the setup lock held. NULL:
	 *	only the history is searched.
	 */
	void (*fault_lookup)(struct dmah_domain *dom, dmah_addr_t addr, struct fault_place *what);
};

extern const struct backend_ops dmah_backend_direct;
extern const struct backend_ops dmah_backend_bounce;
extern const struct backend_ops dmah_backend_iommu;
extern const struct backend_ops dmah_backend_xen;

#endif /* DMAH_BASE_BACKEND_H */
