// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The cache model: reads and writes of devices that are not coherent. */
#include "t.h"

#include "rnd.h"

#define BUF 0x44000000ull

static struct sim *sim;
static struct sim_device *dev, *snooper;

static int setup(void **state)
{
	struct sim_config c = t_config("direct-noncoherent");

	(void)state;
	sim = t_machine(&c);
	dev = sim_device_add(sim, &(struct sim_device_config){ .id = 1 });
	snooper = sim_device_add(sim, &(struct sim_device_config){ .id = 2, .coherent = true });
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

static uint8_t dev_sees(struct sim_device *d, uint64_t at)
{
	uint8_t byte;

	assert_int_equal(sim_dma_read(d, at, &byte, 1), SIM_OK);
	return byte;
}

static void dev_writes(struct sim_device *d, uint64_t at, uint8_t byte)
{
	assert_int_equal(sim_dma_write(d, at, &byte, 1), SIM_OK);
}

static uint8_t cpu_sees(uint64_t at)
{
	uint8_t byte;

	sim_cpu_read(sim, at, &byte, 1);
	return byte;
}

static void to_device(void **state)
{
	(void)state;
	sim_cpu_set(sim, BUF, 1, 256);
	assert_int_equal(dev_sees(dev, BUF), 0); /* not cleaned */
	assert_int_equal(dev_sees(snooper, BUF), 1);
	dmah_host_cache(DMAH_CACHE_CLEAN, BUF, 64);
	assert_int_equal(dev_sees(dev, BUF + 63), 1);
	assert_int_equal(dev_sees(dev, BUF + 64), 0);
	sim_cpu_set(sim, BUF, 2, 64); /* after the clean */
	assert_int_equal(dev_sees(dev, BUF), 1);
	dmah_host_cache(DMAH_CACHE_FLUSH, BUF, 256);
	assert_int_equal(dev_sees(dev, BUF), 2);
	assert_int_equal(dev_sees(dev, BUF + 255), 1);
}

static void from_device(void **state)
{
	struct sim_cache_stats stats;

	(void)state;
	assert_int_equal(cpu_sees(BUF), 0); /* the line is cached now */
	dev_writes(dev, BUF, 7);
	dev_writes(dev, BUF + 64, 8);
	assert_int_equal(cpu_sees(BUF), 0);
	assert_int_equal(cpu_sees(BUF + 64), 8); /* this one was not */
	dmah_host_cache(DMAH_CACHE_CLEAN, BUF, 64);
	assert_int_equal(cpu_sees(BUF), 0);
	dmah_host_cache(DMAH_CACHE_INVALIDATE, BUF, 64);
	assert_int_equal(cpu_sees(BUF), 7);
	dev_writes(snooper, BUF, 9);
	assert_int_equal(cpu_sees(BUF), 9);
	assert_int_equal(dev_sees(dev, BUF), 9);
	sim_cpu_set(sim, BUF, 3, 1);
	dmah_host_cache(DMAH_CACHE_INVALIDATE, BUF, 64); /* the CPU's own byte is lost */
	assert_int_equal(cpu_sees(BUF), 9);
	sim_cache_stats(sim, &stats);
	assert_int_equal(stats.lost, 1);
	assert_int_equal(stats.cleaned, 1);
	assert_int_equal(stats.invalidated, 2);
}

static void eviction(void **state)
{
	(void)state;
	sim_cpu_set(sim, BUF, 1, 64);
	dev_writes(dev, BUF, 7);
	sim_cache_evict(sim, BUF, 64); /* the dirty line goes out, over what the device wrote */
	assert_int_equal(dev_sees(dev, BUF), 1);
	assert_int_equal(cpu_sees(BUF), 1);
	/* cleaned before the transfer, it cannot happen */
	sim_cpu_set(sim, BUF, 1, 64);
	dmah_host_cache(DMAH_CACHE_CLEAN, BUF, 64);
	dev_writes(dev, BUF, 7);
	sim_cache_evict(sim, 0, 0);
	assert_int_equal(cpu_sees(BUF), 7);
	/* a line fetched while the device owns the memory is stale */
	sim_cache_evict(sim, BUF, 64);
	sim_cache_prefetch(sim, BUF, 64);
	dev_writes(dev, BUF, 9);
	assert_int_equal(cpu_sees(BUF), 7);
}

static void at_random(void **state)
{
	unsigned int lost = 0, stale = 0;
	struct sim_cache_stats stats;

	(void)state;
	sim_cache_random(sim, 512, 512, 1);
	for (unsigned int i = 0; i < 200; i++) {
		uint64_t at = BUF + i * 64;

		sim_cpu_set(sim, at, 1, 64);
		dev_writes(dev, at, 7);
		for (unsigned int j = 0; j < 8; j++)
			dev_sees(dev, BUF);
		lost += dev_sees(dev, at) != 7;
		dmah_host_cache(DMAH_CACHE_FLUSH, at, 64);
		dev_writes(dev, at, 8);
		stale += cpu_sees(at) != 8;
	}
	sim_cache_stats(sim, &stats);
	assert_true(stats.evicted > 0);
	assert_true(lost > 0 && lost < 200);
	assert_true(stale > 0 && stale < 200);
	sim_cache_random(sim, 0, 0, 0);
	for (unsigned int i = 0; i < 200; i++) { /* as it has to be: never */
		uint64_t at = BUF + i * 64;

		sim_cpu_set(sim, at, 1, 64);
		dmah_host_cache(DMAH_CACHE_CLEAN, at, 64);
		dev_writes(dev, at, 7);
		dmah_host_cache(DMAH_CACHE_INVALIDATE, at, 64);
		assert_int_equal(cpu_sees(at), 7);
	}
}

static void windows(void **state)
{
	uint8_t *a, *b;

	(void)state;
	sim_cpu_set(sim, BUF, 1, 64);
	dev_writes(dev, BUF + 128, 5);
	a = dmah_host_phys_map(BUF, 128);
	b = dmah_host_phys_map(BUF + 128, 64);
	assert_int_equal(a[0], 1);
	assert_int_equal(b[0], 5);
	a[1] = 2;
	/* another CPU writes the line's other bytes meanwhile */
	sim_cpu_set(sim, BUF + 2, 3, 1);
	dmah_host_phys_unmap(a, BUF, 128);
	dmah_host_phys_unmap(b, BUF + 128, 64);
	assert_int_equal(cpu_sees(BUF), 1);
	assert_int_equal(cpu_sees(BUF + 1), 2);
	assert_int_equal(cpu_sees(BUF + 2), 3);
	assert_int_equal(dev_sees(dev, BUF + 1), 0); /* it went through the cache */
	/* bytes that were only read are not dirty, and no eviction writes them back */
	dev_writes(dev, BUF + 128, 6);
	sim_cache_evict(sim, BUF + 128, 64);
	assert_int_equal(dev_sees(dev, BUF + 128), 6);
}

static void pointers(void **state)
{
	dmah_phys_t cached, uncached, page;
	uint8_t *c = dmah_host_mem_alloc(4096, UINT64_MAX, 0, &cached);
	uint8_t *u = dmah_host_mem_alloc(4096, UINT64_MAX, DMAH_ALLOC_UNCACHED, &uncached);
	uint8_t *t = dmah_host_page_alloc(0);

	(void)state;
	page = dmah_host_virt_to_phys(t);
	assert_int_equal(dmah_host_virt_to_phys(c), cached);
	assert_int_equal(dmah_host_virt_to_phys(u), uncached);
	c[0] = 1;
	u[0] = 2;
	t[0] = 3;
	assert_int_equal(dev_sees(dev, cached), 0);
	assert_int_equal(dev_sees(snooper, cached), 1);
	assert_int_equal(dev_sees(dev, uncached), 2);
	assert_int_equal(dev_sees(snooper, uncached), 2);
	assert_int_equal(dev_sees(dev, page), 0);
	dmah_host_cache(DMAH_CACHE_CLEAN, page, 64);
	assert_int_equal(dev_sees(dev, page), 3);
	dev_writes(dev, cached, 8);
	dev_writes(dev, uncached, 9);
	assert_int_equal(c[0], 1);
	assert_int_equal(u[0], 9);
	dmah_host_cache(DMAH_CACHE_INVALIDATE, cached, 64);
	assert_int_equal(c[0], 8);
	dev_writes(snooper, cached, 10);
	assert_int_equal(c[0], 10);
	assert_int_equal(cpu_sees(uncached), 9);
	/* a page that is used again: what the table walker sees is not zero until it is cleaned */
	memset(t, 0xff, 4096);
	dmah_host_page_free(t);
	t = dmah_host_page_alloc(0);
	page = dmah_host_virt_to_phys(t);
	dmah_host_page_free(t);
	dmah_host_mem_free(cached, 4096);
	dmah_host_mem_free(uncached, 4096);
}

static void lines(void **state)
{
	struct sim_config c = t_config("direct-noncoherent");

	(void)state;
	t_count_misuse(true);
	sim_destroy(sim);
	c.line = 128;
	sim = t_machine(&c);
	dev = sim_device_add(sim, &(struct sim_device_config){ .id = 1 });
	sim_cpu_set(sim, BUF, 1, 128);
	dmah_host_cache(DMAH_CACHE_CLEAN, BUF, 128);
	assert_int_equal(dev_sees(dev, BUF + 127), 1);
	assert_int_equal(t_misuses, 0);
	dmah_host_cache(DMAH_CACHE_CLEAN, BUF, 64); /* half a line */
	dmah_host_cache(DMAH_CACHE_CLEAN, BUF + 64, 128);
	assert_int_equal(t_misuses, 2);
	t_count_misuse(true);
}

/* Random operations against three flat arrays: the CPU's view, the contents of RAM, the lines that differ. */
static void random_life(void **state)
{
	static uint8_t cpu[4096], ram[4096];
	static bool valid[64], dirty[64];
	uint64_t rnd = 7;

	(void)state;
	memset(cpu, 0, sizeof(cpu));
	memset(ram, 0, sizeof(ram));
	for (unsigned int op = 0; op < 50000; op++) {
		unsigned int at = (unsigned int)(sim_rnd(&rnd) % 4096), l = at / 64;
		uint8_t byte = (uint8_t)sim_rnd(&rnd);
		uint64_t line = BUF + l * 64;

		switch (sim_rnd(&rnd) % 8) {
		case 0:
		case 1:
			if (!valid[l])
				memcpy(&cpu[l * 64], &ram[l * 64], 64);
			valid[l] = dirty[l] = true;
			cpu[at] = byte;
			sim_cpu_write(sim, BUF + at, &byte, 1);
			break;
		case 2:
			if (!valid[l])
				memcpy(&cpu[l * 64], &ram[l * 64], 64);
			valid[l] = true;
			assert_int_equal(cpu_sees(BUF + at), cpu[at]);
			break;
		case 3:
			ram[at] = byte;
			dev_writes(dev, BUF + at, byte);
			break;
		case 4:
			assert_int_equal(dev_sees(dev, BUF + at), ram[at]);
			break;
		case 5:
			assert_int_equal(dev_sees(snooper, BUF + at), valid[l] ? cpu[at] : ram[at]);
			break;
		case 6:
			ram[at] = byte;
			if (valid[l])
				cpu[at] = byte;
			dev_writes(snooper, BUF + at, byte);
			break;
		default:
			if (byte % 4 != 1 && dirty[l])
				memcpy(&ram[l * 64], &cpu[l * 64], 64);
			if (byte % 4 != 0)
				valid[l] = false;
			dirty[l] = false;
			if (byte % 4 == 3)
				sim_cache_evict(sim, line, 64);
			else
				dmah_host_cache((enum dmah_cache_op)(byte % 4), line, 64);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(to_device, setup, teardown),
		cmocka_unit_test_setup_teardown(from_device, setup, teardown),
		cmocka_unit_test_setup_teardown(eviction, setup, teardown),
		cmocka_unit_test_setup_teardown(at_random, setup, teardown),
		cmocka_unit_test_setup_teardown(windows, setup, teardown),
		cmocka_unit_test_setup_teardown(pointers, setup, teardown),
		cmocka_unit_test_setup_teardown(lines, setup, teardown),
		cmocka_unit_test_setup_teardown(random_life, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
