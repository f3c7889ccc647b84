/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: rings, for devices that are given buffers in order and give them back in order.
 *
 * A ring has IOVAs of its own, twice as many slots as it may have mappings live, and uses them in turn. So nothing is
 * allocated to map, one invalidation covers all that is unmapped together, and in lazy mode a slot is not used again
 * before the flush that its last mapping waits for. Without an IOMMU a ring is a queue of ordinary mappings.
 *
 * A ring has one owner: its calls must not run at the same time. <dmah/dmah.h> includes this.
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
 * struct dmah_ring_config - what a ring is to be.
 * @entries: most mappings live at one time, a power of two, 2 to 32,768.
 * @entry_size: bytes of IOVA in a slot: into it must fit the part of the granule before a buffer and the buffer. Rounded up
 *	to a power of two granules; 4096 for whole pages; 32 MiB at most.
 * @dir: which way the bytes of its mappings go.
 * @attrs: enum dmah_attr, for all of them.
 * @caller: an address in the code that faults about the ring's mappings should name; NULL: the caller of
 *	dmah_ring_init().
 */
struct dmah_ring_config {
	uint32_t entries;
	uint32_t entry_size;
	enum dmah_dir dir;
	uint32_t attrs;
	const void *caller;
};

/** dmah_ring_memory() - bytes of memory for dmah_ring_init(); 0 where @config makes no sense. */
size_t dmah_ring_memory(const struct dmah_ring_config *config);

/**
 * dmah_ring_init() - set up a ring.
 * @ring: where to put it.
 * @dev: the attached device whose mappings it will hold.
 * @config: what it is to be; copied.
 * @memory: dmah_ring_memory(@config) bytes, aligned to 64, never reachable by a device.
 * @size: its size in bytes.
 *
 * Takes 2 * entries slots of the aperture and makes their page tables, so that no push fails for memory. Context: may
 * sleep. Return: 0, DMAH_EINVAL, DMAH_ENOMEM, DMAH_ENOSPC (the aperture has no such range), DMAH_ENODEV.
 */
int dmah_ring_init(struct dmah_ring **ring, struct dmah_device *dev,
		   const struct dmah_ring_config *config, void *memory, size_t size);

/**
 * dmah_ring_fini() - end a ring; its IOVAs go back to the domain.
 *
 * Return: 0; DMAH_EBUSY while mappings are live; DMAH_ETIMEDOUT: the hardware did not confirm, and the ring is as it was.
 */
int dmah_ring_fini(struct dmah_ring *ring);

/**
 * dmah_ring_push() - map a buffer, behind those that are mapped already.
 * @ring: the ring.
 * @phys: physical address of the buffer's first byte.
 * @len: bytes.
 * @dma: where to put what the device is given.
 *
 * Context: as dmah_map(). Return: as dmah_map(); DMAH_ENOSPC too where @entries are live; DMAH_ERANGE too where the
 * buffer does not fit a entry_size; DMAH_ETIMEDOUT where a slot is wanted whose flush the hardware does not confirm.
 */
int dmah_ring_push(struct dmah_ring *ring, dmah_phys_t phys, uint32_t len, dmah_addr_t *dma);

/**
 * dmah_ring_pop() - end the @n oldest mappings.
 * @ring: the ring.
 * @n: how many; 0 is a no-op.
 *
 * As dmah_unmap() for each, with one invalidation for all (two where that covers less) and one wait. Return: 0;
 * DMAH_EINVAL: fewer are live, and nothing has changed; DMAH_ETIMEDOUT: the hardware did not confirm, and their memory must
 * not be used for anything else; DMAH_ESTALE: one of them was not what was mapped, and nothing has changed.
 */
int dmah_ring_pop(struct dmah_ring *ring, uint32_t n);

/** dmah_ring_live() - mappings that are live. */
uint32_t dmah_ring_live(const struct dmah_ring *ring);

/**
 * dmah_ring_sync_for_cpu() - dmah_sync_for_cpu() for a mapping of a ring.
 * @ring: the ring.
 * @at: which: 0 is the oldest.
 * @off: bytes from the buffer's start.
 * @len: bytes.
 *
 * Return: as dmah_sync_for_cpu(); DMAH_EINVAL too where @at or fewer are live.
 */
int dmah_ring_sync_for_cpu(struct dmah_ring *ring, uint32_t at, uint32_t off, uint32_t len);

/** dmah_ring_sync_for_device() - dmah_sync_for_device() for a mapping of a ring. */
int dmah_ring_sync_for_device(struct dmah_ring *ring, uint32_t at, uint32_t off, uint32_t len);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_RING_H */
