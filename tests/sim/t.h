/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Shared by the simulator's tests: machines, and page tables written by hand, an entry at a time. */
#ifndef TESTS_SIM_T_H
#define TESTS_SIM_T_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "posix.h"
#include "sim.h"
#include "sim_int.h"

/* Get a predefined configuration, which the caller may change. */
static inline struct sim_config t_config(const char *name)
{
	struct sim_config c;

	assert_true(sim_config_named(name, &c));
	return c;
}

static inline struct sim *t_machine(const struct sim_config *c)
{
	struct sim *sim = sim_create(c);

	assert_non_null(sim);
	return sim;
}

/* Write a table entry to RAM, past every cache. */
static inline void t_put64(struct sim *sim, uint64_t addr, uint64_t value)
{
	assert_true(sim_ram_has(&sim->ram, addr, 8));
	memcpy(sim_ram_at(&sim->ram, addr), &value, 8);
}

static inline uint64_t t_get64(struct sim *sim, uint64_t addr)
{
	uint64_t value;

	memcpy(&value, sim_ram_at(&sim->ram, addr), 8);
	return value;
}

/* Misuse that was counted. */
extern unsigned int t_misuses;

/* Wait for all that was posted. */
static inline int settle(struct dmah_iommu *iommu)
{
	uint64_t ticket;
	int err = iommu->ops->fence(iommu, &ticket);

	return err ? err : iommu->ops->wait(iommu, ticket);
}
extern const char *t_misuse;
void t_count_misuse(bool on);

#endif /* TESTS_SIM_T_H */
