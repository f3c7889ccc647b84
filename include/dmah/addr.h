/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: the address-keyed and page-keyed calls, for drivers that are not converted to handles yet.
 *
 * These calls keep no state. An unmap or sync by address rebuilds a handle on the stack from the
 * page table, the bounce slot's record or the hypervisor's tables. This is the reverse lookup that
 * handles make unnecessary, and the device's counters count each one. The caller passes length and
 * direction, and the library checks both against the record if there is one.
 *
 * A device may use both APIs at the same time, but a mapping made by one API must be unmapped by
 * the same API. Any number of CPUs may make these calls for one device at the same time, each for
 * its own mappings. In a domain of handles only (struct dmah_domain_config) all of them return DMAH_ENOTSUP.
 */
#ifndef DMAH_ADDR_H
#define DMAH_ADDR_H

#include <dmah/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct dmah_device;
struct dmah_domain;

/** DMAH_BAD_ADDR - the value that a failed address-keyed map stores: not a DMA address. */
#define DMAH_BAD_ADDR (~(dmah_addr_t)0)

/**
 * dmah_addr_map() - map a buffer and return only its DMA address.
 * @dev: an attached device.
 * @phys: physical address of the buffer's first byte.
 * @len: bytes, 1 to 4 GiB - 1.
 * @dir: direction of the transfer.
 * @attrs: enum dmah_attr.
 * @dma: receives the DMA address; DMAH_BAD_ADDR after an error.
 *
 * Context and errors: dmah_map().
 */
int dmah_addr_map(struct dmah_device *dev, dmah_phys_t phys, uint64_t len, enum dmah_dir dir,
		  uint32_t attrs, dmah_addr_t *dma);

/**
 * dmah_addr_map_bus() - call dmah_addr_map() with a bus address that the caller knows: see
 * dmah_map_bus().
 */
int dmah_addr_map_bus(struct dmah_device *dev, dmah_phys_t phys, dmah_addr_t bus, uint64_t len,
		      enum dmah_dir dir, uint32_t attrs, dmah_addr_t *dma);

/** dmah_addr_map_caller() - call dmah_addr_map() for a wrapper: see dmah_map_caller(). */
int dmah_addr_map_caller(struct dmah_device *dev, dmah_phys_t phys, uint64_t len, enum dmah_dir dir,
			 uint32_t attrs, dmah_addr_t *dma, const void *caller);

/** dmah_addr_map_bus_caller() - call dmah_addr_map_bus() for a wrapper: see dmah_map_caller(). */
int dmah_addr_map_bus_caller(struct dmah_device *dev, dmah_phys_t phys, dmah_addr_t bus,
			     uint64_t len, enum dmah_dir dir, uint32_t attrs, dmah_addr_t *dma,
			     const void *caller);

/**
 * dmah_addr_unmap() - end a mapping, by its DMA address.
 * @dev: the device that the mapping was made for.
 * @dma: DMA address of the mapping's first byte.
 * @len: bytes of the whole mapping.
 * @dir: direction of the mapping.
 * @attrs: attributes of the mapping.
 *
 * Context: as dmah_unmap().
 * Return: as dmah_unmap(); DMAH_ESTALE if nothing is mapped at @dma; DMAH_EINVAL if the mapping at
 * @dma has another length or direction, as far as the backend can tell.
 */
int dmah_addr_unmap(struct dmah_device *dev, dmah_addr_t dma, uint64_t len, enum dmah_dir dir,
		    uint32_t attrs);

/**
 * dmah_addr_sync_for_cpu() - call dmah_sync_for_cpu(), by DMA address.
 * @dev: the device.
 * @dma: any address inside a mapping.
 * @len: bytes from @dma, inside the same mapping.
 * @dir: direction of the mapping.
 *
 * Context: any except inside dmah_host_enter().
 * Return: 0; DMAH_ESTALE if nothing is mapped at @dma; DMAH_EINVAL if the range or @dir does not
 * fit the mapping; DMAH_ENODEV.
 */
int dmah_addr_sync_for_cpu(struct dmah_device *dev, dmah_addr_t dma, uint64_t len,
			   enum dmah_dir dir);

/**
 * dmah_addr_sync_for_device() - call dmah_sync_for_device(), by DMA address: see
 * dmah_addr_sync_for_cpu().
 */
int dmah_addr_sync_for_device(struct dmah_device *dev, dmah_addr_t dma, uint64_t len,
			      enum dmah_dir dir);

/**
 * dmah_page_unmap() - end a mapping, by its DMA address and the physical address that the caller
 * still has.
 * @dev: the device that the mapping was made for.
 * @dma: DMA address of the mapping's first byte.
 * @phys: the physical address that was mapped. For a dmah_addr_map_bus() mapping behind an IOMMU:
 *	the bus address.
 * @len: bytes of the whole mapping.
 * @dir: direction of the mapping.
 * @attrs: attributes of the mapping.
 *
 * This call implements the 2014 proposal for Linux: the caller's page makes the lookup unnecessary,
 * unless the buffer bounced. The bounce slot's record must still be found from the DMA address, and
 * the counters show this lookup.
 *
 * Context and errors: dmah_addr_unmap().
 */
int dmah_page_unmap(struct dmah_device *dev, dmah_addr_t dma, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir, uint32_t attrs);

/**
 * dmah_page_sync_for_cpu() - call dmah_sync_for_cpu(), by the DMA and physical address of any byte
 * inside a mapping: see dmah_addr_sync_for_cpu().
 */
int dmah_page_sync_for_cpu(struct dmah_device *dev, dmah_addr_t dma, dmah_phys_t phys, uint64_t len,
			   enum dmah_dir dir);

/**
 * dmah_page_sync_for_device() - call dmah_sync_for_device(), by DMA and physical address: see
 * dmah_page_sync_for_cpu().
 */
int dmah_page_sync_for_device(struct dmah_device *dev, dmah_addr_t dma, dmah_phys_t phys,
			      uint64_t len, enum dmah_dir dir);

/**
 * struct dmah_sg - an entry of a scatter list. Holds a piece of the caller's and, independent of
 * the piece, the DMA segment with the same index.
 * @phys: physical address of the piece's first byte.
 * @len: bytes of the piece.
 * @dma_len: bytes of the DMA segment; 0 in entries behind the last segment.
 * @dma: DMA address of the segment.
 */
struct dmah_sg {
	dmah_phys_t phys;
	uint32_t len;
	uint32_t dma_len;
	dmah_addr_t dma;
};

/**
 * dmah_addr_map_sg() - map a scatter list, all of it or nothing.
 * @dev: an attached device.
 * @sg: array of @n entries. The call reads @phys and @len, and writes @dma and @dma_len.
 * @n: number of entries.
 * @dir: direction of the transfer.
 * @attrs: enum dmah_attr.
 *
 * Context: as dmah_map().
 * Return: the number of DMA segments, or an error as dmah_map().
 */
int dmah_addr_map_sg(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
		     uint32_t attrs);

/** dmah_addr_map_sg_caller() - call dmah_addr_map_sg() for a wrapper: see dmah_map_caller(). */
int dmah_addr_map_sg_caller(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n,
			    enum dmah_dir dir, uint32_t attrs, const void *caller);

/**
 * dmah_addr_unmap_sg() - end the mapping of a scatter list.
 * @dev: the device that the mapping was made for.
 * @sg: the list, as dmah_addr_map_sg() left it.
 * @n: number of entries of the whole list.
 * @dir: direction of the mapping.
 * @attrs: attributes of the mapping.
 *
 * The list carries its physical addresses, so only bounce slots need a lookup.
 *
 * Context and errors: dmah_addr_unmap().
 */
int dmah_addr_unmap_sg(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
		       uint32_t attrs);

/** dmah_addr_sync_sg_for_cpu() - call dmah_sync_for_cpu() for a whole scatter list. */
int dmah_addr_sync_sg_for_cpu(struct dmah_device *dev, const struct dmah_sg *sg, uint32_t n,
			      enum dmah_dir dir);

/** dmah_addr_sync_sg_for_device() - call dmah_sync_for_device() for a whole scatter list. */
int dmah_addr_sync_sg_for_device(struct dmah_device *dev, const struct dmah_sg *sg, uint32_t n,
				 enum dmah_dir dir);

/**
 * struct dmah_lookup - an alternative method of translating a DMA address.
 * @find: returns the address that @dma translates to now (a bounce slot's address for a bounced
 *	buffer), or ~0. Adds the number of entries, nodes or registers that it visited to *@steps.
 * @ctx: passed to @find.
 *
 * By default the library uses a flat directory over the aperture. An operating system may have a
 * structure of its own; a benchmark may imitate the structure of another system.
 */
struct dmah_lookup {
	dmah_phys_t (*find)(void *ctx, struct dmah_domain *dom, dmah_addr_t dma, uint64_t *steps);
	void *ctx;
};

/**
 * dmah_addr_set_lookup() - replace the translation method of a domain with the iommu backend.
 * @dom: a domain without live mappings.
 * @lookup: the new method, copied; NULL restores the library's own method.
 *
 * Context: no other CPU uses @dom during this call.
 * Return: 0; DMAH_ENOTSUP (another backend); DMAH_EBUSY (mappings are live).
 */
int dmah_addr_set_lookup(struct dmah_domain *dom, const struct dmah_lookup *lookup);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_ADDR_H */
