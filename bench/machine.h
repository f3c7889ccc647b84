/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The benchmark's machines: a domain with one device, behind one backend of the library. */
#ifndef DMAH_BENCH_MACHINE_H
#define DMAH_BENCH_MACHINE_H

#include "lookup.h"
#include "queue.h"
#include "rig.h"

/** enum machine_kind - backends; those with an IOMMU by page-table format. */
enum machine_kind {
	MACHINE_NONE, /* no library at all */
	MACHINE_DIRECT,
	MACHINE_BOUNCE,
	MACHINE_VTD,
	MACHINE_LPAE,
	MACHINE_XEN,
};

/** MACHINE_CPUS - CPUs of each domain. */
#define MACHINE_CPUS 2u

/**
 * struct machine_config - the configuration of a machine.
 * @kind: its backend.
 * @mode: strict or lazy; ignored without an IOMMU.
 * @noncoherent: the device does not snoop the CPU's caches.
 * @untrusted: partial granules bounce.
 * @pool: bytes of a bounce pool; 0: none.
 * @latency_ns: of an invalidation.
 * @lookup: of the address-keyed calls.
 */
struct machine_config {
	enum machine_kind kind;
	enum dmah_mode mode;
	bool noncoherent;
	bool untrusted;
	uint64_t pool;
	uint64_t latency_ns;
	enum lookup lookup;
};

/**
 * struct machine - a machine.
 * @config: as given.
 * @rig: its domain.
 * @dev: its device.
 * @queue: its IOMMU; NULL without.
 * @pool: its bounce pool.
 * @pt: its page table; only with an IOMMU.
 * @lookup: for the address-keyed calls.
 */
struct machine {
	struct machine_config config;
	struct rig rig;
	struct dmah_device dev;
	struct queue *queue;
	struct rig_pool pool;
	struct dmah_pt_info pt;
	struct lookup_state lookup;
};

/** machine_create() - Builds a machine. Return: NULL on an error, and the reason in @why. */
struct machine *machine_create(const struct machine_config *config, const char **why);

/** machine_destroy() - Ends a machine without mappings. Return: NULL, or a text that names what was left over. */
const char *machine_destroy(struct machine *m);

/** machine_name() - Returns a backend's name in tables and JSON. */
const char *machine_name(enum machine_kind kind);

/** machine_translated() - Returns true if the machine has an IOMMU. */
bool machine_translated(enum machine_kind kind);

/** machine_xen_bus() - Returns the machine address behind a page, for checks. */
dmah_addr_t machine_xen_bus(dmah_phys_t phys);

/** machine_cpu_memory() - Returns the bytes that a domain takes for each CPU, whatever it maps. */
size_t machine_cpu_memory(void);

/** machine_memory() - Returns the bytes of a lazy domain of so many CPUs of which none has mapped. */
size_t machine_memory(unsigned int cpus, enum dmah_mode mode);

#endif
