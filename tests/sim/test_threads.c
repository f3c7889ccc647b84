// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Several CPUs and devices at one time: spinlocks, and a device that never reaches what was invalidated. */
#include "t.h"

#include <pthread.h>

#define THREADS 4u
#define ROUNDS	2000u
#define IOVA	0x200000ull

static struct dmah_lock lock;
static uint64_t counter;

static void *count_up(void *arg)
{
	posix_set_cpu(*(unsigned int *)arg);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned long flags;

		dmah_host_enter(&flags);
		dmah_host_lock(&lock);
		counter++; /* a race, if the lock were none */
		dmah_host_unlock(&lock);
		dmah_host_leave(flags);
	}
	return NULL;
}

static void run(void *(*fn)(void *arg))
{
	pthread_t thread[THREADS];
	unsigned int id[THREADS];

	for (unsigned int i = 0; i < THREADS; i++) {
		id[i] = i;
		assert_int_equal(pthread_create(&thread[i], NULL, fn, &id[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

static void spinlocks(void **state)
{
	(void)state;
	t_count_misuse(true);
	run(count_up);
	assert_int_equal(counter, THREADS * ROUNDS);
	assert_int_equal(t_misuses, 0);
	t_count_misuse(false);
}

#ifndef NDEBUG
static void *enter_once(void *arg)
{
	unsigned long flags;

	posix_set_cpu(*(unsigned int *)arg);
	dmah_host_enter(&flags);
	dmah_host_leave(flags);
	return NULL;
}
#endif

static void one_cpu_each(void **state)
{
	(void)state;
#ifndef NDEBUG
	pthread_t thread;
	unsigned int mine = 9;
	unsigned long flags;

	t_count_misuse(true);
	posix_set_cpu(9);
	dmah_host_enter(&flags);
	assert_int_equal(pthread_create(&thread, NULL, enter_once, &mine), 0);
	pthread_join(thread, NULL);
	assert_string_equal(t_misuse, "two threads are one CPU");
	dmah_host_leave(flags);
	posix_set_cpu(0);
	t_count_misuse(false);
#endif
}

static struct sim *sim;
static struct sim_iommu *iommu;
static struct dmah_iommu *d;
static struct sim_device *devs[THREADS];
static uint64_t leaf_table, buffers;
static uint32_t tag;

static void set_entry(uint64_t i, uint64_t value)
{
	uint64_t *table = dmah_host_table_virt(leaf_table);

	__atomic_store_n(&table[i], value, __ATOMIC_RELEASE);
}

/* Each CPU maps a page, has a device write it from there, unmaps, and from then on owns the page. */
static void *map_and_unmap(void *arg)
{
	unsigned int me = *(unsigned int *)arg;
	uint64_t iova = IOVA + me * 4096ull, phys = buffers + me * 4096ull;
	uint8_t byte, want;

	posix_set_cpu(me);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		want = (uint8_t)i;
		set_entry(me, phys | 3);
		assert_int_equal(sim_dma_write(devs[me], iova, &want, 1), SIM_OK);
		set_entry(me, 0);
		assert_int_equal(d->ops->invalidate(d, tag, iova, 4096, false, NULL), 1);
		assert_int_equal(d->ops->invalidate_dev(d, sim_device_dmah(devs[me]), iova, 4096),
				 1);
		assert_int_equal(settle(d), 0);
		sim_cpu_read(sim, phys, &byte, 1);
		assert_int_equal(byte, want);
		assert_int_not_equal(sim_dma_write(devs[me], iova, "?", 1), SIM_OK);
		sim_cpu_set(sim, phys, 0, 1);
	}
	return NULL;
}

static void devices(void **state)
{
	struct sim_config c = t_config("vtd");
	struct dmah_pt_info pt;
	uint64_t page[4];

	(void)state;
	c.iommu[0].queue = 8;
	c.iommu[0].timeout = 60000000000;
	for (unsigned int latency = 0; latency <= 500; latency += 500) {
		c.iommu[0].latency = latency;
		sim = t_machine(&c);
		iommu = sim_iommu(sim, 0);
		d = sim_fake_iommu(iommu);
		for (unsigned int i = 0; i < 4; i++)
			page[i] = dmah_host_virt_to_phys(dmah_host_page_alloc(0));
		for (unsigned int i = 0; i < 3; i++)
			((uint64_t *)dmah_host_table_virt(page[i]))[i == 2] = page[i + 1] | 3;
		leaf_table = page[3];
		pt = (struct dmah_pt_info){
			.format = d->formats[0], .root = page[0], .va_bits = 48, .levels = 4
		};
		buffers = sim_ram_take(sim, THREADS * 4096, 4096);
		assert_int_equal(d->ops->tag_alloc(d, &tag), 0);
		for (unsigned int i = 0; i < THREADS; i++) {
			devs[i] = sim_device_add(sim, &(struct sim_device_config){ .id = i,
										   .ats = true });
			sim_device_limits(devs[i], &sim_device_dmah(devs[i])->limits);
			assert_int_equal(d->ops->bind(d, sim_device_dmah(devs[i]),
						      DMAH_BIND_TRANSLATE, &pt, tag),
					 0);
		}
		run(map_and_unmap);
		assert_int_equal(sim_fault_count(sim), THREADS * ROUNDS);
		sim_destroy(sim);
	}
}

static void *share_lines(void *arg)
{
	unsigned int me = *(unsigned int *)arg;
	uint8_t byte;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t at = buffers + me + i % 64 * THREADS;
		uint8_t want = (uint8_t)(i + me), *p;

		if (i & 1) {
			sim_cpu_write(sim, at, &want, 1);
		} else {
			p = dmah_host_phys_map(at, 1);
			*p = want;
			dmah_host_phys_unmap(p, at, 1);
		}
		sim_cpu_read(sim, at, &byte, 1);
		assert_int_equal(byte, want);
		assert_int_equal(sim_dma_read(devs[0], at, &byte, 1), SIM_OK);
		assert_int_equal(byte, want);
	}
	return NULL;
}

static void caches(void **state)
{
	struct sim_config c = t_config("direct-noncoherent");

	(void)state;
	sim = t_machine(&c);
	devs[0] = sim_device_add(sim, &(struct sim_device_config){ .id = 1, .coherent = true });
	buffers = sim_ram_take(sim, 4096, 4096);
	sim_cache_random(sim, 100, 100, 3);
	run(share_lines);
	sim_destroy(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spinlocks),
		cmocka_unit_test(one_cpu_each),
		cmocka_unit_test(devices),
		cmocka_unit_test(caches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
