// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The hypervisor: physical to machine and back, grants with aliases, maintenance by hypercall. */
#include "t.h"

static struct sim *sim;
static struct sim_xen *xen;
static struct sim_device *dev;

static int setup(void **state)
{
	struct sim_config c = t_config("xen-noncoherent");

	(void)state;
	sim = t_machine(&c);
	xen = sim_xen(sim);
	dev = sim_device_add(sim, &(struct sim_device_config){ .id = 1 });
	t_count_misuse(true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(t_misuses, 0);
	t_count_misuse(false);
	sim_destroy(sim);
	return 0;
}

static uint8_t cpu_sees(uint64_t at)
{
	uint8_t byte;

	sim_cpu_read(sim, at, &byte, 1);
	return byte;
}

static uint8_t dev_sees(uint64_t at)
{
	uint8_t byte;

	assert_int_equal(sim_dma_read(dev, at, &byte, 1), SIM_OK);
	return byte;
}

static void own_pages(void **state)
{
	uint64_t steps = 0, at = sim_ram_take(sim, 4096, 4096);

	(void)state;
	assert_int_equal(sim_xen_ops.phys_to_bus(xen, at + 5), at + 5);
	assert_int_equal(sim_xen_ops.bus_to_phys(xen, at + 5, &steps), at + 5);
	assert_true(steps > 0);
	assert_true(sim_xen_ops.has_mapping(xen, at));
	assert_true(sim_xen_ops.phys_to_bus(xen, 0x1000) == ~0ull);
	assert_true(sim_xen_ops.phys_to_bus(xen, 1ull << 60) == ~0ull);
	assert_true(sim_xen_ops.bus_to_phys(xen, 0x1000, NULL) == ~0ull);
	/* other domains' memory is not the guest's until it is granted and mapped */
	assert_true(sim_xen_ops.phys_to_bus(xen, sim->ram.base + sim->config.ram_size) == ~0ull);
	assert_true(sim_xen_ops.bus_to_phys(xen, sim->ram.base + sim->config.ram_size, NULL) ==
		    ~0ull);
}

static void aliases(void **state)
{
	uint64_t gref = sim_xen_grant(xen, 2), a, b, c, machine, guess,
		 own = sim_ram_take(sim, 4096, 4096);
	struct sim_xen_stats stats;

	(void)state;
	assert_true(gref != SIM_XEN_BAD);
	a = sim_xen_map_grant(xen, gref, true);
	b = sim_xen_map_grant(xen, gref, false);
	c = sim_xen_map_grant_at(xen, gref + 1, own, true);
	assert_true(a != SIM_XEN_BAD && b != SIM_XEN_BAD && a != b);
	assert_int_equal(c, own);
	machine = sim_xen_ops.phys_to_bus(xen, a);
	assert_int_equal(sim_xen_ops.phys_to_bus(xen, b + 7), machine + 7);
	assert_int_equal(sim_xen_ops.phys_to_bus(xen, c), machine + 4096);
	assert_true(machine != a && machine != b);
	assert_true(sim_xen_ops.has_mapping(xen, a));
	assert_false(sim_xen_ops.has_mapping(xen, b));
	assert_true(sim_xen_ops.has_mapping(xen, c));
	/* back: a guess, and always the same */
	guess = sim_xen_ops.bus_to_phys(xen, machine + 9, NULL);
	assert_int_equal(guess, a + 9);
	sim_xen_stats(xen, &stats);
	assert_int_equal(stats.m2p_guesses, 1);
	assert_int_equal(sim_xen_ops.bus_to_phys(xen, machine + 4096, NULL), own);
	/* the machine page of the guest's own that was ballooned out is nobody's */
	assert_true(sim_xen_ops.bus_to_phys(xen, own, NULL) == ~0ull);
	/* one memory, and one cache */
	sim_cpu_set(sim, a + 100, 5, 1);
	assert_int_equal(cpu_sees(b + 100), 5);
	assert_int_equal(dev_sees(machine + 100), 0);
	sim_cpu_maintain(sim, DMAH_CACHE_CLEAN, b + 64, 64);
	assert_int_equal(dev_sees(machine + 100), 5);
	assert_true(sim_xen_unmap_grant(xen, a));
	assert_false(sim_xen_unmap_grant(xen, a));
	assert_int_equal(sim_xen_ops.bus_to_phys(xen, machine, NULL), b);
	assert_true(sim_xen_unmap_grant(xen, b));
	assert_true(sim_xen_unmap_grant(xen, c));
	assert_true(sim_xen_ops.bus_to_phys(xen, machine, NULL) == ~0ull);
	assert_int_equal(sim_xen_ops.phys_to_bus(xen, own), own); /* ballooned in again */
}

static void bad_grants(void **state)
{
	uint64_t gref = sim_xen_grant(xen, 1);

	(void)state;
	assert_true(sim_xen_map_grant(xen, gref + 1, true) == SIM_XEN_BAD);
	assert_true(sim_xen_map_grant(xen, 0, true) == SIM_XEN_BAD);
	assert_true(sim_xen_map_grant_at(xen, gref, sim->ram.base + 1, true) == SIM_XEN_BAD);
	assert_true(sim_xen_map_grant_at(xen, gref, 0, true) == SIM_XEN_BAD);
	assert_true(sim_xen_grant(xen, 1u << 20) == SIM_XEN_BAD);
	assert_true(sim_xen_grant(xen, 0) == SIM_XEN_BAD);
}

static void hypercalls(void **state)
{
	uint64_t phys = sim_xen_map_grant(xen, sim_xen_grant(xen, 1), false);
	uint64_t machine = sim_xen_machine(xen, phys);
	struct sim_xen_stats stats;

	(void)state;
	sim_cpu_set(sim, phys, 3, 4096);
	assert_int_equal(sim_xen_ops.cache(xen, DMAH_CACHE_CLEAN, machine, 4096), 0);
	assert_int_equal(dev_sees(machine + 4095), 3);
	assert_int_equal(sim_dma_write(dev, machine, "x", 1), SIM_OK);
	assert_int_equal(cpu_sees(phys), 3);
	assert_int_equal(sim_xen_ops.cache(xen, DMAH_CACHE_INVALIDATE, machine, 64), 0);
	assert_int_equal(cpu_sees(phys), 'x');
	assert_int_equal(sim_xen_ops.cache(xen, DMAH_CACHE_CLEAN, machine + 64, 4096), DMAH_EINVAL);
	assert_int_equal(sim_xen_ops.cache(xen, DMAH_CACHE_CLEAN, machine, 0), DMAH_EINVAL);
	assert_int_equal(sim_xen_ops.cache(xen, DMAH_CACHE_CLEAN, phys, 64), DMAH_EINVAL);
	sim_xen_stats(xen, &stats);
	assert_int_equal(stats.cache_calls, 5);
	assert_int_equal(stats.cache_errors, 3);
	/* through a mapping that is not there */
	dmah_host_cache(DMAH_CACHE_CLEAN, phys, 64);
	assert_int_equal(t_misuses, 1);
	t_count_misuse(true);
}

static void scrambled(void **state)
{
	uint64_t at = sim_ram_take(sim, 64 * 4096, 4096), steps = 0;
	unsigned int moved = 0;
	bool seen[64] = { false };
	uint8_t *p;

	(void)state;
	assert_false(sim_xen_scramble(xen, sim->config.host_base, 4, 1));
	assert_false(sim_xen_scramble(xen, at + 1, 4, 1));
	assert_true(sim_xen_scramble(xen, at, 64, 1));
	assert_false(sim_xen_scramble(xen, at, 64, 1)); /* once */
	for (unsigned int i = 0; i < 64; i++) {
		uint64_t machine = sim_xen_ops.phys_to_bus(xen, at + i * 4096u);

		assert_true(machine >= at && machine < at + 64 * 4096);
		assert_false(seen[(machine - at) / 4096]);
		seen[(machine - at) / 4096] = true;
		assert_int_equal(sim_xen_ops.bus_to_phys(xen, machine + 3, &steps),
				 at + i * 4096u + 3);
		moved += machine != at + i * 4096u;
		sim_cpu_set(sim, at + i * 4096u, (uint8_t)i, 4096);
		sim_cpu_maintain(sim, DMAH_CACHE_CLEAN, at + i * 4096u, 4096);
		assert_int_equal(dev_sees(machine + 4000), i);
		p = dmah_host_phys_map(at + i * 4096u, 4096);
		assert_int_equal(p[4095], i);
		dmah_host_phys_unmap(p, at + i * 4096u, 4096);
	}
	assert_true(moved > 48);
	assert_true(steps >= 64 * 6);
}

static void many_grants(void **state)
{
	static uint64_t phys[600];
	uint64_t gref = sim_xen_grant(xen, 200);

	(void)state;
	for (unsigned int i = 0; i < 600; i++)
		phys[i] = sim_xen_map_grant(xen, gref + i * 7u % 200, i & 1);
	for (unsigned int i = 0; i < 600; i++) {
		uint64_t machine = sim_xen_machine(xen, phys[i]);

		assert_int_equal(machine,
				 sim->ram.base + sim->config.ram_size + (i * 7u % 200) * 4096);
		/* the oldest of the three */
		assert_int_equal(sim_xen_ops.bus_to_phys(xen, machine, NULL), phys[i % 200]);
	}
	for (unsigned int i = 0; i < 600; i++)
		assert_true(sim_xen_unmap_grant(xen, phys[i]));
	assert_true(sim_xen_ops.bus_to_phys(xen, sim->ram.base + sim->config.ram_size, NULL) ==
		    ~0ull);
}

#define XEN_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		XEN_TEST(own_pages),  XEN_TEST(aliases),   XEN_TEST(bad_grants),
		XEN_TEST(hypercalls), XEN_TEST(scrambled), XEN_TEST(many_grants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
