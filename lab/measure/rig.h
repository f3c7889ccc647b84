/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A rig: a domain with one device, set up to be measured, and the bounce pool that several rigs may share. */
#ifndef DMAH_MEASURE_RIG_H
#define DMAH_MEASURE_RIG_H

#include <dmah/device.h>

/**
 * struct rig_pool - a bounce pool and its bookkeeping.
 * @pool: the library's pool, NULL if there is none.
 * @memory: the pool's bookkeeping.
 * @phys: physical address of the first slot.
 * @size: bytes of all slots.
 */
struct rig_pool {
	struct dmah_pool *pool;
	void *memory;
	dmah_phys_t phys;
	uint64_t size;
};

/**
 * rig_pool_open() - Sets up a pool over the physical memory [@phys, @phys + @size).
 * @p: the pool.
 * @phys: first byte.
 * @size: bytes; 0 makes no pool.
 * @alloc: gives the bookkeeping's memory, aligned to 64; ends the program where there is none.
 *
 * Return: NULL, or the reason of a failure.
 */
const char *rig_pool_open(struct rig_pool *p, dmah_phys_t phys, uint64_t size,
			  void *(*alloc)(size_t size));

/** rig_pool_close() - Returns NULL, or "bounce slots are left over". The caller frees @p->memory. */
const char *rig_pool_close(const struct rig_pool *p);

/**
 * struct rig - the domain and its device.
 * @dom: the domain, NULL before rig_open() and where that failed.
 * @dev: the device.
 * @memory: the domain's memory.
 */
struct rig {
	struct dmah_domain *dom;
	struct dmah_device *dev;
	void *memory;
};

/**
 * rig_open() - Sets up a domain and attaches a device.
 * @r: the rig.
 * @config: of the domain.
 * @dev: the device.
 * @limits: of the device.
 * @alloc: as in rig_pool_open().
 *
 * Return: NULL, or the reason of a failure. rig_close() undoes a part of the set-up, too.
 */
const char *rig_open(struct rig *r, const struct dmah_domain_config *config,
		     struct dmah_device *dev, const struct dmah_limits *limits,
		     void *(*alloc)(size_t size));

/**
 * rig_close() - Detaches the device and ends the domain. The caller frees @r->memory.
 *
 * Return: NULL, or a text that names what was left over.
 */
const char *rig_close(struct rig *r);

/** rig_silence() - Suppresses the reports of the library, or prints them again. Errors are returned and counted anyway. */
void rig_silence(bool silent);

/** mode_name() - Returns a mode's name in tables and JSON. */
const char *mode_name(enum dmah_mode mode);

/** stats_add() - Adds @more to @sum. */
void stats_add(struct dmah_stats *sum, const struct dmah_stats *more);

/** stats_subtract() - Subtracts @less from @from. */
void stats_subtract(struct dmah_stats *from, const struct dmah_stats *less);

#endif
