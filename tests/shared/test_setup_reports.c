/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Setup calls that refuse an argument report its name and its value: rings and pools, which need no machine for that.
 */
#include <dmah/device.h>
#include <dmah/dmah.h>

#include "posix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* The last report. */
static char last[200];
static uint64_t last_value;
static unsigned int reports;

static void report(void *ctx, const struct dmah_device *dev, int err, const char *text,
		   uint64_t value, const void *caller)
{
	(void)ctx;
	(void)dev;
	(void)caller;
	assert_true(err < 0);
	strncpy(last, text, sizeof(last) - 1);
	last_value = value;
	reports++;
}

/* One report, which begins with the call's name, and has this word and value. */
static void reported(const char *call, const char *word, uint64_t value)
{
	assert_int_equal(reports, 1);
	assert_int_equal(strncmp(last, call, strlen(call)), 0);
	assert_non_null(strstr(last, word));
	assert_true(last_value == value);
	reports = 0;
}

static void rings(void **state)
{
	static const struct dmah_ring_config good = { .entries = 8,
						      .entry_size = 4096,
						      .dir = DMAH_TO_DEVICE };
	static _Alignas(64) unsigned char memory[8192];
	struct dmah_device dev = { 0 };
	struct dmah_ring_config bad;
	struct dmah_ring *ring;

	(void)state;
	posix_set_report(report, NULL);
	bad = good;
	bad.entries = 12;
	assert_int_equal(dmah_ring_init(&ring, &dev, &bad, memory, sizeof(memory)), DMAH_EINVAL);
	reported("dmah_ring_init", "entries", 12);
	bad = good;
	bad.entry_size = (32u << 20) + 1;
	assert_int_equal(dmah_ring_init(&ring, &dev, &bad, memory, sizeof(memory)), DMAH_EINVAL);
	reported("dmah_ring_init", "entry_size", bad.entry_size);
	bad = good;
	bad.dir = (enum dmah_dir)0;
	assert_int_equal(dmah_ring_init(&ring, &dev, &bad, memory, sizeof(memory)), DMAH_EINVAL);
	reported("dmah_ring_init", "dir", 0);
	bad = good;
	bad.attrs = 1u << 9;
	assert_int_equal(dmah_ring_init(&ring, &dev, &bad, memory, sizeof(memory)), DMAH_EINVAL);
	reported("dmah_ring_init", "attrs", 1u << 9);
	assert_int_equal(dmah_ring_init(&ring, &dev, &good, memory + 8, sizeof(memory) - 8),
			 DMAH_EINVAL);
	reported("dmah_ring_init", "memory", (uintptr_t)(memory + 8));
	assert_int_equal(dmah_ring_init(&ring, &dev, &good, memory, 64), DMAH_EINVAL);
	reported("dmah_ring_init", "size", 64);
	assert_int_equal(dmah_ring_init(&ring, &dev, &good, memory, sizeof(memory)), DMAH_ENODEV);
	reported("dmah_ring_init", "not attached", 0);
	posix_set_report(NULL, NULL);
}

static void pools(void **state)
{
	static _Alignas(64) unsigned char memory[65536];
	struct dmah_pool *pool;

	(void)state;
	posix_set_report(report, NULL);
	assert_true(dmah_pool_memory(65536) <= sizeof(memory));
	assert_int_equal(dmah_pool_init(&pool, 0x10000, 5000, memory, sizeof(memory)), DMAH_EINVAL);
	reported("dmah_pool_init", "size", 5000);
	assert_int_equal(dmah_pool_init(&pool, 0x10010, 65536, memory, sizeof(memory)),
			 DMAH_EINVAL);
	reported("dmah_pool_init", "phys", 0x10010);
	assert_int_equal(dmah_pool_init(&pool, ~0ull << 12, 65536, memory, sizeof(memory)),
			 DMAH_EINVAL);
	reported("dmah_pool_init", "wraps", ~0ull << 12);
	assert_int_equal(dmah_pool_init(&pool, 0x10000, 65536, NULL, sizeof(memory)), DMAH_EINVAL);
	reported("dmah_pool_init", "NULL", 0);
	assert_int_equal(dmah_pool_init(&pool, 0x10000, 65536, memory, 100), DMAH_EINVAL);
	reported("dmah_pool_init", "memory_size", 100);
	assert_int_equal(dmah_pool_init(&pool, 0x10000, 65536, memory, sizeof(memory)), 0);
	assert_int_equal(reports, 0);
	posix_set_report(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rings),
		cmocka_unit_test(pools),
	};

	return cmocka_run_group_tests_name("setup-reports", tests, NULL, NULL);
}
