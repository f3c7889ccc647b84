/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Scatter lists that are too long for the kernel's ring buffer.
 *
 * A record must fit into one page of the ring buffer. Linux drops a longer one and counts nothing:
 * neither the header nor "LOST EVENTS" tell of it. dma_unmap_sg stores 8 bytes an entry, so an unmap
 * of more than about 503 entries leaves no record. dma_map_sg is cut at 128 entries since February
 * 2026, and marked; older kernels stored 20 bytes an entry and dropped lists of more than about 200.
 * dma_alloc_sgt and dma_free_sgt store 8 bytes an entry.
 *
 * Measured on 6.12.95 with device "0000:00:01.0": an unmap of 503 entries is recorded, one of 510 is
 * not. The name of the device is a part of the record.
 */
#ifndef DMAH_TOOLS_CHECK_LONG_LIST_H
#define DMAH_TOOLS_CHECK_LONG_LIST_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Bytes of a page that are left for entries and the device's name, rounded down */
#define LONG_LIST_ROOM 4032u

/** long_list_unmap() - Returns true if an unmap of so many entries may not be recorded. */
static inline bool long_list_unmap(uint32_t nents, const char *device)
{
	return (uint64_t)nents * 8 + strlen(device) > LONG_LIST_ROOM;
}

/** long_list_old_map() - Returns true if an old kernel may not have recorded a map of this list. */
static inline bool long_list_old_map(uint32_t nents, const char *device)
{
	return (uint64_t)nents * 20 + strlen(device) > LONG_LIST_ROOM;
}

#endif
