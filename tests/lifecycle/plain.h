/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A machine without an IOMMU: memory, a chain of bounce pools, a domain and one device. */
#ifndef DMAH_TESTS_LIFECYCLE_PLAIN_H
#define DMAH_TESTS_LIFECYCLE_PLAIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <dmah/device.h>
#include <dmah/dmah.h>

#include "posix.h"
#include "sim.h"

#define PLAIN_POOLS 2u
#define PLAIN_POOL  (1u << 18)
#define PLAIN_ROOM  (1u << 20)

/**
 * struct plain_config - a machine.
 * @domain: passed on; the pool is filled in.
 * @limits: of the device.
 * @pools: length of the chain, 0 to PLAIN_POOLS.
 */
struct plain_config {
	struct dmah_domain_config domain;
	struct dmah_limits limits;
	unsigned int pools;
};

/**
 * struct plain - the machine.
 * @room: PLAIN_ROOM bytes of memory for buffers; the pools follow, of PLAIN_POOL bytes each.
 */
struct plain {
	struct sim *sim;
	dmah_phys_t room;
	struct dmah_pool *pool[PLAIN_POOLS];
	void *pool_memory[PLAIN_POOLS];
	unsigned int pools;
	void *domain_memory;
	struct dmah_domain *dom;
	struct dmah_device dev;
};

/** plain_open() - build the machine and attach the device. Returns @p->room. */
dmah_phys_t plain_open(struct plain *p, const struct plain_config *config);

/** plain_pool() - the physical address of a pool. */
dmah_phys_t plain_pool(const struct plain *p, unsigned int n);

/** plain_close() - take the machine down, having checked that the pools are empty and no memory is lost. */
void plain_close(struct plain *p);

#endif /* DMAH_TESTS_LIFECYCLE_PLAIN_H */
