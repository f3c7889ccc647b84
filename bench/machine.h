/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A domain with one device, behind one backend of the library. */
#ifndef DMAH_BENCH_MACHINE_H
#define DMAH_BENCH_MACHINE_H

#include <dmah/device.h>

#include "lookup.h"
#include "queue.h"

/** enum machine_kind - backends; with an IOMMU, by page-table format. */
enum machine_kind {
	MACHINE_NONE, /* no library at all */
	MACHINE_DIRECT,
	MACHINE_BOUNCE,
	MACHINE_VTD,
	MACHINE_LPAE,
	MACHINE_XEN,
};

/** MACHINE_CPUS - CPUs that a domain is made for. */
#define MACHINE_CPUS 2u

/**
 * struct machine_config - which machine.
 * @kind: its backend.
 * @mode: strict or lazy, with an IOMMU.
 * @noncoherent: the device does not see the CPU's caches.
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
	enum lookup_kind lookup;
};

/**
 * struct machine - one.
 * @config: as given.
 * @dom: its domain.
 * @dev: its device.
 * @queue: its IOMMU; NULL without.
 * @pool: its bounce pool; NULL without.
 * @pool_phys: where that begins.
 * @pt: its page table, with an IOMMU.
 * @lookup: for the address-keyed calls.
 */
struct machine {
	struct machine_config config;
	struct dmah_domain *dom;
	struct dmah_device dev;
	struct queue *queue;
	struct dmah_pool *pool;
	dmah_phys_t pool_phys;
	struct dmah_pt_info pt;
	struct lookup lookup;
};

/** machine_create() - build it. Return: NULL, and *@why says why not. */
struct machine *machine_create(const struct machine_config *config, const char **why);

/** machine_destroy() - take it apart; nothing is mapped. Return: NULL, or what was left behind. */
const char *machine_destroy(struct machine *m);

/** machine_name() - a backend in words. */
const char *machine_name(enum machine_kind kind);

/** machine_xen_bus() - the machine address behind a page, for checks. */
dmah_addr_t machine_xen_bus(dmah_phys_t phys);

/** machine_cpu_memory() - bytes that a domain takes for each CPU, whatever it maps. */
size_t machine_cpu_memory(void);

#endif
