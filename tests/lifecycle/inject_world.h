/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The machine of the failure-injection suite, and a model of the memory that each device may reach.
 *
 * An act is a few calls of the library. Each act runs once for each occurrence of each point, with a
 * failure there, and tells the model the result of each call. Afterwards the hardware's tables and
 * TLBs are compared with the model, the hardware is repaired, and everything is taken down.
 */
#ifndef DMAH_TESTS_LIFECYCLE_INJECT_WORLD_H
#define DMAH_TESTS_LIFECYCLE_INJECT_WORLD_H

#include "rig.h"

#define WORLD_CLAIMS   32u
#define WORLD_DEVICES  3u
#define WORLD_IDENTITY 0x48000000ull
#define WORLD_BLOCK    0x200000ull

/**
 * enum world_flags - the state of the machine before an act; a bit mask.
 * @WORLD_LAZY: the domain is in lazy mode.
 * @WORLD_PASSTHROUGH: the domain is in passthrough mode.
 * @WORLD_UNTRUSTED: the first device is untrusted.
 * @WORLD_BARE: there is no domain yet.
 * @WORLD_TWO: a second IOMMU exists, with devices 1 and 2 behind it.
 * @WORLD_CACHING: the VT-d units run in caching mode.
 * @WORLD_RESERVES: the act calls dmah_reserve(), so the aperture cannot be had as a whole.
 * @WORLD_NONCOHERENT: the IOMMU reads tables past the CPU's caches.
 * @WORLD_ALIAS: the first device has a second id. For IOMMUs with registers.
 * @WORLD_GUESS: the devices guess addresses: at every allocation and every call of the driver they read through all that
 *	translates at that moment.
 * @WORLD_POWER: the failed hardware loses its state when it is repaired.
 */
enum world_flags {
	WORLD_LAZY = 1u << 0,
	WORLD_PASSTHROUGH = 1u << 1,
	WORLD_UNTRUSTED = 1u << 2,
	WORLD_BARE = 1u << 3,
	WORLD_TWO = 1u << 4,
	WORLD_CACHING = 1u << 5,
	WORLD_RESERVES = 1u << 6,
	WORLD_NONCOHERENT = 1u << 7,
	WORLD_ALIAS = 1u << 8,
	WORLD_GUESS = 1u << 9,
	WORLD_POWER = 1u << 10,
};

/**
 * struct claim - memory that a test maps, never the same memory twice.
 * @phys: the first byte.
 * @len: bytes.
 * @dma: the DMA address of the first byte, while @live.
 * @h: the handle, where the act uses one.
 * @live: a call mapped the memory, and no call has unmapped it.
 * @lazy: unmapped in lazy mode: reachable until the next flush.
 * @unsafe: a call returned DMAH_ETIMEDOUT for it: reachable until a confirmed flush.
 * @bounced: the device uses a bounce slot in its place.
 * @by_handle: @h holds the mapping.
 * @coherent: @h holds memory from dmah_alloc_coherent().
 */
struct claim {
	dmah_phys_t phys;
	uint64_t len;
	dmah_addr_t dma;
	struct dmah h;
	bool live;
	bool lazy;
	bool unsafe;
	bool bounced;
	bool by_handle;
	bool coherent;
};

/**
 * struct world - the machine and the model.
 * @flags: enum world_flags.
 * @lazy: an unmap that returns 0 leaves its memory reachable until a flush.
 * @dev: three devices, the first two with a TLB. The first one is attached, but in a bare world.
 * @alias: the first device under its second id, @alias_id; or NULL.
 * @blocked: bit mask of the devices that reach nothing.
 * @identity: the devices may reach the page at WORLD_IDENTITY.
 * @passthrough: the devices may reach all memory.
 * @coherent_unsafe: an allocation of coherent memory returned DMAH_ETIMEDOUT.
 * @ring: the act's ring, or NULL.
 * @pool: the bounce pool, of @pool_size bytes at @pool_phys.
 */
struct world {
	struct rig r;
	unsigned int flags;
	bool lazy;
	struct dmah_device *dev[WORLD_DEVICES];
	struct dmah_device *alias;
	uint32_t alias_id;
	unsigned int blocked;
	bool identity;
	bool passthrough;
	bool coherent_unsafe;
	struct claim claim[WORLD_CLAIMS];
	unsigned int nclaims;
	struct dmah_ring *ring;
	void *ring_memory;
	struct dmah_pool *pool;
	void *pool_memory;
	dmah_phys_t pool_phys;
	uint64_t pool_size;
	struct unit second;
	struct dmah_iommu *iommu2;
};

/** struct act - an act: its name, its calls, and enum world_flags. */
struct act {
	const char *name;
	void (*fn)(struct world *w);
	unsigned int flags;
};

/** inject_maps, inject_memory, inject_setup - the acts of each file, ended by a NULL name. */
extern const struct act inject_maps[], inject_memory[], inject_setup[];

/** world_open() - build the machine. */
void world_open(struct world *w, enum rig_kind kind, unsigned int flags);

/** world_guess() - the devices read through all that translates now, so that every TLB has it. @w: the machine. */
void world_guess(void *w);

/** world_reaches_too_much() - Returns true if a device reaches memory that the model denies. */
bool world_reaches_too_much(struct world *w);

/** world_end() - repair the hardware and take everything down. Returns NULL, or what went wrong. */
const char *world_end(struct world *w);

/** world_free() - release the machine, in whatever state. */
void world_free(struct world *w);

/** claim_new() - @pages pages of fresh memory. */
struct claim *claim_new(struct world *w, unsigned int pages);

/** claim_mapped() - a call mapped @c at @dma, or failed with @err. The first device then writes there. */
void claim_mapped(struct world *w, struct claim *c, dmah_addr_t dma, int err);

/** claim_unmapped() - a call that ends the mapping of @c returned @err. */
void claim_unmapped(struct world *w, struct claim *c, int err);

/** claim_map() - map @c by its handle. Returns the result of dmah_map(). */
int claim_map(struct world *w, struct claim *c);

/** claim_unmap() - unmap @c by its handle, if it is live. */
void claim_unmap(struct world *w, struct claim *c);

/** world_flushed() - a dmah_flush() returned @err. */
void world_flushed(struct world *w, int err);

/** world_polled() - a call that flushes all lazy unmaps returned @err. */
void world_polled(struct world *w, int err);

/** world_attach() - attach device @n with reserved ranges. Returns the result of dmah_attach(). */
int world_attach(struct world *w, unsigned int n, const struct dmah_reserved *ranges,
		 unsigned int nranges);

/** world_detach() - detach device @n. Returns the result of dmah_detach(). */
int world_detach(struct world *w, unsigned int n);

/** world_set_mode() - change the domain's mode. Returns the result of dmah_set_mode(). */
int world_set_mode(struct world *w, enum dmah_mode mode);

/** world_domain_init() - set up the domain of a bare world. Returns the result of dmah_domain_init(). */
int world_domain_init(struct world *w, enum dmah_mode mode);

#endif /* DMAH_TESTS_LIFECYCLE_INJECT_WORLD_H */
