/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Bit layout of a handle's meta word, and of the tokens that name bounce slots. */
#ifndef DMAH_BASE_HANDLE_H
#define DMAH_BASE_HANDLE_H

#include <dmah/device.h>
#include <dmah/dmah.h>

/*
 * meta:  31       23 22  21         12 11 10  9  8  7  6 5      3  2   1 0
 *       generation   SC  device number  L  V  C  F  M  N  backend  SD  dir
 */
#define META_DIR 0x3u
#define META_SYNC                \
	(DMAH_META_SYNC_DEVICE | \
	 DMAH_META_SYNC_CPU) /* any of them: some sync has something to do */
#define META_KIND_SHIFT	  3
#define META_KIND	  (7u << META_KIND_SHIFT)
#define META_NO_SYNC	  (1u << 6) /* DMAH_ATTR_NO_CPU_SYNC */
#define META_MMIO	  (1u << 7) /* DMAH_ATTR_MMIO */
#define META_HAS_BUS	  (1u << 8) /* the caller gave the bus address */
#define META_COHERENT	  (1u << 9) /* dmah_alloc_coherent() */
#define META_PART	  (1u << 10) /* piece of a vector */
#define META_LATER	  (1u << 11) /* not the vector's first piece */
#define META_DEVICE_SHIFT 12
#define META_DEVICE	  (0x3ffu << META_DEVICE_SHIFT)
#define META_GEN_SHIFT	  23
#define META_GEN_MASK	  0x1ffu

/**
 * META_WHOLE - the bits of a handle that buffer_sync_whole() compares with the device's sync_whole.
 */
#define META_WHOLE (META_DEVICE | META_SYNC | META_MMIO | META_HAS_BUS | META_COHERENT)

/** META_DEVICES - largest device number; 0 is no device. */
#define META_DEVICES 1023u

static inline enum dmah_dir meta_dir(uint32_t meta)
{
	return (enum dmah_dir)(meta & META_DIR);
}

static inline unsigned int meta_kind(uint32_t meta)
{
	return (meta & META_KIND) >> META_KIND_SHIFT;
}

/*
 * Kinds of mappings: enum dmah_backend, or one of these for the fast path. A mapping on the fast
 * path is behind an IOMMU and needs neither bounce slots nor cache maintenance. Its @backend holds
 * the first page-table entry as written, with the generation, so that one comparison shows if the
 * handle is valid. Of several granules the handle has it without the mark @more of struct pt_leaf.
 */
#define KIND_FAST      5u /* one granule */
#define KIND_FAST_MANY 6u /* 2 to IOVA_CLASS_MAX granules */

static inline bool meta_is_fast(uint32_t meta)
{
	return meta_kind(meta) >= KIND_FAST;
}

static inline uint32_t meta_device(uint32_t meta)
{
	return (meta & META_DEVICE) >> META_DEVICE_SHIFT;
}

static inline uint32_t meta_gen(uint32_t meta)
{
	return meta >> META_GEN_SHIFT;
}

static inline uint32_t meta_attrs(uint32_t meta)
{
	return (meta & META_NO_SYNC ? DMAH_ATTR_NO_CPU_SYNC : 0u) |
	       (meta & META_MMIO ? DMAH_ATTR_MMIO : 0u);
}

/*
 * A token names a bounce slot: generation (7 bits), pool in the chain (3), slot + 1 (22); 0 is
 * none. The @backend of a handle holds two tokens: the head slot's (first granule, or whole buffer)
 * and the tail slot's (last granule).
 */
#define TOKEN_UNIT	 0x3fffffu
#define TOKEN_POOL_SHIFT 22
#define TOKEN_POOL	 7u
#define TOKEN_GEN_SHIFT	 25
#define TOKEN_GEN	 0x7fu

static inline uint32_t token_head(uint64_t backend)
{
	return backend & TOKEN_UNIT ? (uint32_t)backend : 0;
}

static inline uint32_t token_tail(uint64_t backend)
{
	return token_head(backend >> 32);
}

static inline uint64_t token_pair(uint32_t head, uint32_t tail)
{
	return (uint64_t)head | (uint64_t)tail << 32;
}

/** has_slots() - Returns true if part of the buffer has its copy in a bounce slot. */
static inline bool has_slots(const struct dmah *h)
{
	return (token_head(h->backend) || token_tail(h->backend)) && !(h->meta & META_HAS_BUS) &&
	       !meta_is_fast(h->meta);
}

/*
 * The seal of a handle: a hash of its words.
 *
 * For most handles the slot's record or the page-table entry confirms the words. But a handle
 * without slots has no record that confirms the offset of its buffer in the granule or, with a bus
 * address, its memory. If the device is not coherent, a sync of a corrupted handle would then clean
 * or invalidate the cache lines of another buffer.
 *
 * So handles without slots of a device that is not coherent carry a hash in @backend. The bits that
 * would name a slot are 0, and all others hold the hash. Behind an IOMMU a handle with a bus
 * address holds the bus address in @backend, and the hash in its low 12 bits.
 */
#define META_SEALED (META_DIR | META_SYNC | META_NO_SYNC | META_MMIO | META_HAS_BUS | META_COHERENT)
#define SEAL_BUS    0xfffull
#define SEAL	    (~((uint64_t)TOKEN_UNIT << 32 | TOKEN_UNIT))

/**
 * handle_seal() - return the backend word, with its seal, of a handle without slots. @backend: the
 * word with or without a seal.
 */
static inline uint64_t handle_seal(const struct dmah *h, uint64_t backend)
{
	bool iommu = meta_kind(h->meta) == DMAH_BACKEND_IOMMU;
	uint64_t dma = iommu ? h->dma & (DMAH_PAGE_SIZE - 1) : h->dma,
		 hash = h->phys * 0x9e3779b97f4a7c15ull ^ dma * 0xc2b2ae3d27d4eb4full ^
			((uint64_t)h->len << 32 | (h->meta & META_SEALED)) * 0xff51afd7ed558ccdull;

	hash ^= hash >> 29;
	hash *= 0xbf58476d1ce4e5b9ull;
	if (iommu && h->meta & META_HAS_BUS)
		return (backend & ~SEAL_BUS) | hash >> 52;
	return hash & SEAL;
}

static inline bool is_coherent(uint32_t device_flags)
{
	return (device_flags & DMAH_DEV_COHERENT) != 0;
}

/* Turn a fast-path handle that needs the full path into an ordinary one. */
static inline void handle_general(const struct dmah_device *dev, struct dmah *h)
{
	if (!meta_is_fast(h->meta))
		return;
	h->meta = (h->meta & ~META_KIND) | (uint32_t)DMAH_BACKEND_IOMMU << META_KIND_SHIFT;
	h->backend = is_coherent(dev->limits.flags) ? 0 : handle_seal(h, 0);
}

static inline void handle_clear(struct dmah *h)
{
	h->dma = 0;
	h->phys = 0;
	h->backend = 0;
	h->len = 0;
	h->meta = 0;
}

/** handle_end() - make the handle of an ended mapping idle. Its other words are never read while it is. */
static inline void handle_end(struct dmah *h)
{
	h->dma = 0;
	h->len = 0;
	h->meta = 0;
}

static inline bool is_killed(const struct dmah_device *dev)
{
	return __atomic_load_n(&dev->killed, __ATOMIC_ACQUIRE);
}

#endif /* DMAH_BASE_HANDLE_H */
