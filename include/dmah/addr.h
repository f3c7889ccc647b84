/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: the address-keyed and page-keyed calls, for drivers that are not converted yet.
 *
 * They keep no state: a handle is rebuilt on the stack from what the page table, the bounce slot or the
 * hypervisor's tables say of a DMA address, which is the reverse lookup that handles do without, and which is
 * counted. Length and direction come from the caller and are checked against what is found, where anything is.
 * Both APIs work on one device at one time, but one mapping belongs to one of them.
 */
#ifndef DMAH_ADDR_H
#define DMAH_ADDR_H

#include <dmah/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct dmah_device;
struct dmah_domain;

/** DMAH_BAD_ADDR - no DMA address: what a failed address-keyed map leaves behind. */
#define DMAH_BAD_ADDR (~(dmah_addr_t)0)

/**
 * dmah_addr_map() - map a buffer; what is kept of it is its DMA address alone.
 * @dev: an attached device.
 * @phys: the buffer's first byte.
 * @len: bytes.
 * @dir: which way the bytes go.
 * @attrs: enum dmah_attr.
 * @dma: where to put the DMA address; DMAH_BAD_ADDR after an error.
 *
 * Context and errors: dmah_map().
 */
int dmah_addr_map(struct dmah_device *dev, dmah_phys_t phys, uint64_t len, enum dmah_dir dir,
		  uint32_t attrs, dmah_addr_t *dma);

/** dmah_addr_map_bus() - as dmah_addr_map(), where the caller knows the bus address: dmah_map_bus(). */
int dmah_addr_map_bus(struct dmah_device *dev, dmah_phys_t phys, dmah_addr_t bus, uint64_t len,
		      enum dmah_dir dir, uint32_t attrs, dmah_addr_t *dma);

/** dmah_addr_map_caller() - dmah_addr_map() for a wrapper: see dmah_map_caller(). */
int dmah_addr_map_caller(struct dmah_device *dev, dmah_phys_t phys, uint64_t len, enum dmah_dir dir,
			 uint32_t attrs, dmah_addr_t *dma, const void *caller);

/** dmah_addr_map_bus_caller() - dmah_addr_map_bus() for a wrapper: see dmah_map_caller(). */
int dmah_addr_map_bus_caller(struct dmah_device *dev, dmah_phys_t phys, dmah_addr_t bus,
			     uint64_t len, enum dmah_dir dir, uint32_t attrs, dmah_addr_t *dma,
			     const void *caller);

/**
 * dmah_addr_unmap() - end a mapping, by its DMA address.
 * @dev: the device it was made for.
 * @dma: its DMA address: of the first byte.
 * @len: its bytes, all of them.
 * @dir: its direction.
 * @attrs: its attributes.
 *
 * Context: dmah_unmap(). Return: as dmah_unmap(); DMAH_ESTALE where nothing is mapped at @dma; DMAH_EINVAL where
 * what is mapped there is longer or shorter than @len or of another direction, as far as the backend can tell.
 */
int dmah_addr_unmap(struct dmah_device *dev, dmah_addr_t dma, uint64_t len, enum dmah_dir dir,
		    uint32_t attrs);

/**
 * dmah_addr_sync_for_cpu() - dmah_sync_for_cpu(), by DMA address.
 * @dev: the device.
 * @dma: any address inside a mapping.
 * @len: bytes from there, inside the same mapping.
 * @dir: the mapping's direction.
 */
int dmah_addr_sync_for_cpu(struct dmah_device *dev, dmah_addr_t dma, uint64_t len,
			   enum dmah_dir dir);

/** dmah_addr_sync_for_device() - dmah_sync_for_device(), by DMA address. */
int dmah_addr_sync_for_device(struct dmah_device *dev, dmah_addr_t dma, uint64_t len,
			      enum dmah_dir dir);

/**
 * dmah_page_unmap() - end a mapping, by its DMA address and the physical address that the caller still holds.
 * @dev: the device.
 * @dma: its DMA address.
 * @phys: the physical address that was mapped; of a dmah_addr_map_bus() mapping behind an IOMMU, the bus address.
 * @len: its bytes.
 * @dir: its direction.
 * @attrs: its attributes.
 *
 * The variant of the 2014 proposal: no lookup, unless the buffer bounced. Its slot must then still be found
 * from the DMA address, since the caller's page is not the one that the device was given; the count shows it.
 */
int dmah_page_unmap(struct dmah_device *dev, dmah_addr_t dma, dmah_phys_t phys, uint64_t len,
		    enum dmah_dir dir, uint32_t attrs);

/** dmah_page_sync_for_cpu() - dmah_sync_for_cpu(), by DMA and physical address of any byte inside a mapping. */
int dmah_page_sync_for_cpu(struct dmah_device *dev, dmah_addr_t dma, dmah_phys_t phys, uint64_t len,
			   enum dmah_dir dir);

/** dmah_page_sync_for_device() - dmah_sync_for_device(), by DMA and physical address. */
int dmah_page_sync_for_device(struct dmah_device *dev, dmah_addr_t dma, dmah_phys_t phys,
			      uint64_t len, enum dmah_dir dir);

/**
 * struct dmah_sg - an entry of a scatter list: the caller's piece, and the DMA segment of the same index.
 * @phys: the piece's first byte.
 * @len: its bytes.
 * @dma_len: bytes of the DMA segment; entries behind the last segment have 0.
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
 * @sg: the list; @phys and @len are read, @dma and @dma_len written.
 * @n: its entries.
 * @dir: which way the bytes go.
 * @attrs: enum dmah_attr.
 *
 * Return: the number of DMA segments, or an error as dmah_map().
 */
int dmah_addr_map_sg(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
		     uint32_t attrs);

/** dmah_addr_map_sg_caller() - dmah_addr_map_sg() for a wrapper: see dmah_map_caller(). */
int dmah_addr_map_sg_caller(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n,
			    enum dmah_dir dir, uint32_t attrs, const void *caller);

/**
 * dmah_addr_unmap_sg() - end a scatter list's mapping.
 * @dev: the device.
 * @sg: the list as it was mapped.
 * @n: its entries, all of them.
 * @dir: its direction.
 * @attrs: its attributes.
 *
 * The list carries its pages, so nothing is looked up but bounce slots. Return: as dmah_unmap().
 */
int dmah_addr_unmap_sg(struct dmah_device *dev, struct dmah_sg *sg, uint32_t n, enum dmah_dir dir,
		       uint32_t attrs);

/** dmah_addr_sync_sg_for_cpu() - dmah_sync_for_cpu() over a whole scatter list. */
int dmah_addr_sync_sg_for_cpu(struct dmah_device *dev, const struct dmah_sg *sg, uint32_t n,
			      enum dmah_dir dir);

/** dmah_addr_sync_sg_for_device() - dmah_sync_for_device() over a whole scatter list. */
int dmah_addr_sync_sg_for_device(struct dmah_device *dev, const struct dmah_sg *sg, uint32_t n,
				 enum dmah_dir dir);

/**
 * struct dmah_lookup - another way from a DMA address to what it translates to.
 * @find: what @dma translates to now (a bounce slot's address where it bounced), or ~0. Adds the entries, nodes or
 *	registers that it visited to @steps.
 * @ctx: passed to @find.
 *
 * An operating system may keep a structure of its own; a benchmark may do it as another one does. The library's
 * own way is the flat directory over the aperture.
 */
struct dmah_lookup {
	dmah_phys_t (*find)(void *ctx, struct dmah_domain *dom, dmah_addr_t dma, uint64_t *steps);
	void *ctx;
};

/**
 * dmah_addr_set_lookup() - replace how a domain with the iommu backend finds what a DMA address translates to.
 * @dom: the domain, with nothing mapped.
 * @lookup: the other way, copied; NULL: the library's own again.
 *
 * Return: 0, DMAH_ENOTSUP (another backend), DMAH_EBUSY.
 */
int dmah_addr_set_lookup(struct dmah_domain *dom, const struct dmah_lookup *lookup);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_ADDR_H */
