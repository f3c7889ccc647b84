/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The machines that a plan is executed on: the simulated ones, set up for its devices and memory. */
#ifndef DMAH_REPLAY_MACHINE_H
#define DMAH_REPLAY_MACHINE_H

#include <dmah/device.h>
#include <dmah/dmah.h>
#include "plan.h"
#include "sim.h"

/** enum api - which of the library's faces is used. */
enum api { API_ADDRESS, API_PAGE, API_HANDLE, APIS };

/** enum lookup - how the address-keyed calls find a mapping again. */
enum lookup {
	LOOKUP_NONE,
	LOOKUP_DIRECTORY,
	LOOKUP_WALK,
	LOOKUP_RBTREE,
	LOOKUP_REGISTER,
	LOOKUP_P2M,
	LOOKUP_SEARCH,
};

/** api_name(), lookup_name() - as in the output. */
const char *api_name(enum api api);
const char *lookup_name(enum lookup lookup);

/** struct way - an API, and how it looks up. */
struct way {
	enum api api;
	enum lookup lookup;
};

/** WAYS - most ways of a machine. */
#define WAYS 5u

/**
 * struct machine_kind - a kind of machine.
 * @name: as in --machine.
 * @what: in words.
 * @sim: name of the simulated machine that it begins with.
 * @noncoherent: devices and table walks are made so.
 * @pool: it needs a bounce pool.
 * @va_bits: IOVA bits of its page tables; 0: no IOMMU.
 * @ways: what is measured on it.
 * @nways: how many.
 */
struct machine_kind {
	const char *name;
	const char *what;
	const char *sim;
	bool noncoherent;
	bool pool;
	unsigned int va_bits;
	struct way ways[WAYS];
	unsigned int nways;
};

/** machine_kind() - the @i-th kind; NULL behind the last. */
const struct machine_kind *machine_kind(unsigned int i);

/**
 * struct target - an item, as it is on a machine.
 * @phys: physical address; of a scatter list: index of the first piece in machine.piece.
 * @len: bytes; of a scatter list: pieces.
 * @slot: where the driver keeps it.
 * @device: whose.
 * @dir: enum dmah_dir.
 * @attrs: enum dmah_attr.
 */
struct target {
	uint64_t phys;
	uint32_t len;
	uint32_t slot;
	uint16_t device;
	uint8_t dir;
	uint8_t attrs;
};

/**
 * struct machine - one that runs.
 * @kind: what it is.
 * @plan: for what.
 * @sim: the simulated machine.
 * @dev: the library's devices.
 * @simdev: the simulated ones.
 * @dom: each device's domain.
 * @memory: the domains' memory.
 * @ndev: devices that are set up.
 * @pool: the bounce pool or NULL.
 * @pool_memory: its bookkeeping.
 * @pool_phys: where it is.
 * @pool_size: bytes.
 * @data: where the plan's memory begins.
 * @target: of each item.
 * @piece: of each piece.
 * @foreign: pages that are other domains'.
 * @aliased: those of them that have two physical addresses.
 */
struct machine {
	const struct machine_kind *kind;
	const struct plan *plan;
	struct sim *sim;
	struct dmah_device **dev;
	struct sim_device **simdev;
	struct dmah_domain **dom;
	void **memory;
	uint32_t ndev;
	struct dmah_pool *pool;
	void *pool_memory;
	dmah_phys_t pool_phys;
	uint64_t pool_size;
	dmah_phys_t data;
	struct target *target;
	struct piece *piece;
	uint64_t foreign;
	uint64_t aliased;
};

/**
 * machine_create() - build one; there is one a process at a time.
 * @kind: which.
 * @plan: for what; must outlive it.
 * @caches: CPU caches are modelled, so that missing maintenance shows; without, the simulator takes no time for them.
 * @foreign: percent of the memory's pages that are another domain's, on Xen.
 *
 * Return: the machine, or NULL, and stderr says why.
 */
struct machine *machine_create(const struct machine_kind *kind, const struct plan *plan,
			       bool caches, unsigned int foreign);

/** machine_destroy() - take it down. Return: nothing was left on it: no mapping, slot, table or memory. */
bool machine_destroy(struct machine *m);

/** machine_set_mode() - of all domains; without an IOMMU there is one mode. Return: an error of the library. */
int machine_set_mode(struct machine *m, enum dmah_mode mode);

/** machine_flush() - all domains. Return: an error of the library. */
int machine_flush(struct machine *m);

/** machine_stats() - the sums over all devices. */
void machine_stats(const struct machine *m, struct dmah_stats *sum);

/** machine_addr() - the machine address behind a physical one. */
uint64_t machine_addr(const struct machine *m, dmah_phys_t phys);

/** xen_place() - give pages of the plan's memory to another domain: what machine_create() does on Xen. */
void xen_place(struct machine *m, unsigned int percent);

#endif
