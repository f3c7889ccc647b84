/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: rings, for devices that take buffers in order and return them in the same order.
 *
 * A ring has its own range of IOVAs, divided into entries: twice as many as the ring may have live
 * mappings. Mappings use the entries in turn. This has three effects: map allocates nothing; one
 * invalidation covers all mappings that are unmapped together; in lazy mode, an entry is reused
 * only after the flush for its last mapping. Without an IOMMU a ring is a queue of ordinary
 * mappings.
 *
 * A ring has one owner: only one CPU may make calls for one ring at a time. Different rings of one
 * device may be used at the same time. <dmah/dmah.h> includes this header.
 */
#ifndef DMAH_RING_H
#define DMAH_RING_H

#include <dmah/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct dmah_device;
struct dmah_ring;

/**
 * struct dmah_ring_config - the parameters of a ring.
 * @entries: largest number of live mappings, a power of two, 2 to 32,768.
 * @entry_size: bytes of IOVA in an entry, at most 32 MiB. Must hold a buffer and the part of the
 *	granule before the buffer. Rounded up to a power of two granules. Use 4096 for whole pages.
 * @dir: direction of all transfers.
 * @attrs: enum dmah_attr, for all mappings.
 * @caller: the code address that fault reports name for the ring's mappings; NULL: the caller of
 *	dmah_ring_init().
 */
struct dmah_ring_config {
	uint32_t entries;
	uint32_t entry_size;
	enum dmah_dir dir;
	uint32_t attrs;
	const void *caller;
};

/**
 * dmah_ring_memory() - return the bytes of memory for dmah_ring_init(); 0 if @config makes no
 * sense.
 */
size_t dmah_ring_memory(const struct dmah_ring_config *config);

/**
 * dmah_ring_init() - set up a ring.
 * @ring: receives the ring.
 * @dev: the attached device of the ring's mappings.
 * @config: the parameters; copied.
 * @memory: dmah_ring_memory(@config) bytes, aligned to 64, never reachable by a device.
 * @size: size of @memory in bytes.
 *
 * Reserves 2 * @entries entries of the aperture and makes their page tables, so that no push needs
 * memory.
 *
 * Context: may sleep.
 * Return: 0, DMAH_EINVAL, DMAH_ENOMEM, DMAH_ENOSPC (the aperture has no such range), DMAH_ENODEV.
 */
int dmah_ring_init(struct dmah_ring **ring, struct dmah_device *dev,
		   const struct dmah_ring_config *config, void *memory, size_t size);

/**
 * dmah_ring_fini() - end a ring and return its IOVAs to the domain.
 *
 * Context: as dmah_unmap().
 * Return: 0; DMAH_EBUSY: mappings are live; DMAH_ETIMEDOUT: the hardware did not confirm, the ring
 * is unchanged.
 */
int dmah_ring_fini(struct dmah_ring *ring);

/**
 * dmah_ring_push() - map a buffer as the ring's newest mapping.
 * @ring: the ring.
 * @phys: physical address of the buffer's first byte.
 * @len: bytes.
 * @dma: receives the DMA address for the device.
 *
 * Context: as dmah_map(), on the ring's owner.
 * Return: as dmah_map(). Also DMAH_ENOSPC if @entries mappings are live; DMAH_ERANGE if the buffer
 * does not fit an entry; DMAH_ETIMEDOUT if the hardware does not confirm the flush that the next
 * entry needs.
 */
int dmah_ring_push(struct dmah_ring *ring, dmah_phys_t phys, uint32_t len, dmah_addr_t *dma);

/**
 * dmah_ring_pop() - end the @n oldest mappings.
 * @ring: the ring.
 * @n: number of mappings; for 0 the call does nothing.
 *
 * Has the effect of dmah_unmap() for each mapping, but posts one invalidation for all (two if two
 * cover fewer granules) and waits once.
 *
 * Context: as dmah_unmap(), on the ring's owner.
 * Return: 0; DMAH_EINVAL: fewer mappings are live, nothing has changed; DMAH_ESTALE: a mapping is
 * not as the ring made it, nothing has changed; DMAH_ETIMEDOUT: the hardware did not confirm, the
 * memory must not be reused.
 */
int dmah_ring_pop(struct dmah_ring *ring, uint32_t n);

/** dmah_ring_live() - return the number of live mappings. */
uint32_t dmah_ring_live(const struct dmah_ring *ring);

/**
 * dmah_ring_sync_for_cpu() - call dmah_sync_for_cpu() for a mapping of a ring.
 * @ring: the ring.
 * @at: number of the mapping; 0 is the oldest.
 * @off: bytes from the buffer's start.
 * @len: bytes.
 *
 * Context: as dmah_sync_for_cpu(), on the ring's owner.
 * Return: as dmah_sync_for_cpu(); also DMAH_EINVAL if only @at or fewer mappings are live.
 */
int dmah_ring_sync_for_cpu(struct dmah_ring *ring, uint32_t at, uint32_t off, uint32_t len);

/**
 * dmah_ring_sync_for_device() - call dmah_sync_for_device() for a mapping of a ring: see
 * dmah_ring_sync_for_cpu().
 */
int dmah_ring_sync_for_device(struct dmah_ring *ring, uint32_t at, uint32_t off, uint32_t len);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_RING_H */
