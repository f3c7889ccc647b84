/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Simulated machines, set up for the devices and the memory of a plan. */
#ifndef DMAH_REPLAY_MACHINE_H
#define DMAH_REPLAY_MACHINE_H

#include <dmah/dmah.h>
#include "lookup.h"
#include "plan.h"
#include "rig.h"
#include "sim.h"

/** enum api - the library's APIs. */
enum api { API_ADDRESS, API_PAGE, API_HANDLE, APIS };

/** api_name() - Returns an API's name in tables and JSON. */
const char *api_name(enum api api);

/** struct way - an API and its lookup. */
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
 * @sim: name of the simulated machine that it is made from.
 * @noncoherent: neither devices nor table walks snoop the CPU's caches.
 * @pool: it has a bounce pool.
 * @va_bits: IOVA bits of its page tables; 0: no IOMMU.
 * @ways: the ways that are measured on it.
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

/** machine_kind() - Returns the @i-th kind, NULL behind the last. */
const struct machine_kind *machine_kind(unsigned int i);

/**
 * struct target - an item of the plan, placed on a machine.
 * @phys: physical address; of a scatter list: index of its first piece in machine.piece.
 * @len: bytes; of a scatter list: number of pieces.
 * @kept: index of the driver's record of the mapping.
 * @device: index of its device.
 * @dir: enum dmah_dir.
 * @attrs: enum dmah_attr.
 */
struct target {
	uint64_t phys;
	uint32_t len;
	uint32_t kept;
	uint16_t device;
	uint8_t dir;
	uint8_t attrs;
};

/**
 * struct machine - a simulated machine, set up for a plan.
 * @kind: its kind.
 * @plan: the plan.
 * @sim: the simulated machine.
 * @rig: domain and device of the library, for each device of the plan.
 * @simdev: the simulated devices.
 * @pool: the bounce pool, which all domains share.
 * @data: physical address at which the plan's memory begins.
 * @target: of each item.
 * @piece: of each piece.
 * @foreign: number of pages that belong to other domains.
 * @aliased: number of those that have two physical addresses.
 */
struct machine {
	const struct machine_kind *kind;
	const struct plan *plan;
	struct sim *sim;
	struct rig *rig;
	struct sim_device **simdev;
	struct rig_pool pool;
	dmah_phys_t data;
	struct target *target;
	struct piece *piece;
	uint64_t foreign;
	uint64_t aliased;
};

/**
 * machine_create() - Builds a machine. A process has one at a time.
 * @kind: its kind.
 * @plan: the plan; must outlive the machine.
 * @caches: simulate CPU caches, so that missing maintenance shows. Without them the simulator takes no time for caches.
 * @foreign: percentage of the memory's pages that belong to another domain, on Xen.
 *
 * Return: NULL on an error, after a message.
 */
struct machine *machine_create(const struct machine_kind *kind, const struct plan *plan,
			       bool caches, unsigned int foreign);

/** machine_destroy() - Ends a machine. Return: false if a mapping, slot, table or other memory was left over. */
bool machine_destroy(struct machine *m);

/** machine_set_mode() - Sets the mode of all domains; does nothing without an IOMMU. Return: an error of the library. */
int machine_set_mode(struct machine *m, enum dmah_mode mode);

/** machine_flush() - Flushes all domains. Return: the first error of the library. */
int machine_flush(struct machine *m);

/** machine_stats() - Sums the counters of all devices. */
void machine_stats(const struct machine *m, struct dmah_stats *sum);

/** machine_addr() - Returns the machine address behind a physical one; they differ only on Xen. */
uint64_t machine_addr(const struct machine *m, dmah_phys_t phys);

/** xen_place() - Gives pages of the plan's memory to another domain. machine_create() calls this on Xen. */
void xen_place(struct machine *m, unsigned int percent);

#endif
