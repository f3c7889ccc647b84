// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The host contract in user space: misuse that it finds, failures on demand, the clock. */
#include "t.h"

#include <dmah/device.h>

static struct sim *sim;

static int setup(void **state)
{
	struct sim_config c = t_config("direct");

	(void)state;
	c.ram_size = 4 << 20;
	c.host_base = c.ram_base = 0x80000000;
	c.host_size = 1 << 20;
	sim = t_machine(&c);
	t_count_misuse(true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	t_count_misuse(false);
	posix_clock_real();
	sim_destroy(sim);
	return 0;
}

static void enter_and_leave(void **state)
{
	unsigned long flags, inner;

	(void)state;
	posix_set_cpu(3);
	assert_int_equal(dmah_host_enter(&flags), 3);
	assert_true(posix_entered());
	dmah_host_leave(flags);
	assert_false(posix_entered());
	assert_int_equal(t_misuses, 0);
#ifndef NDEBUG
	dmah_host_enter(&flags);
	dmah_host_enter(&inner); /* nested: also a second one on this CPU */
	assert_true(t_misuses >= 1);
	t_count_misuse(true);
	posix_set_cpu(4);
	assert_int_equal(t_misuses, 1); /* inside */
	dmah_host_leave(flags);
	t_count_misuse(true);
	dmah_host_leave(flags);
	assert_int_equal(t_misuses, 1); /* twice */
	t_count_misuse(true);
	dmah_host_enter(&flags);
	dmah_host_leave(flags + 1);
	assert_int_equal(t_misuses, 1); /* another's flags */
#else
	(void)inner;
#endif
	posix_set_cpu(0);
}

static void locks(void **state)
{
	struct dmah_lock a = { { 0 } };
	unsigned long flags;

	(void)state;
	dmah_host_enter(&flags);
	dmah_host_lock(&a);
	assert_int_equal(posix_locks_held(), 1);
	assert_true(a.word[0] != 0);
	dmah_host_unlock(&a);
	assert_true(a.word[0] == 0);
	assert_int_equal(posix_locks_held(), 0);
	dmah_host_leave(flags);
	assert_int_equal(t_misuses, 0);
#ifndef NDEBUG
	dmah_host_lock(&a);
	assert_int_equal(t_misuses, 1); /* outside */
	dmah_host_unlock(&a);
	t_count_misuse(true);
	dmah_host_enter(&flags);
	dmah_host_lock(&a);
	dmah_host_leave(flags);
	assert_int_equal(t_misuses, 1); /* held across leave */
	assert_string_equal(t_misuse, "dmah_host_leave() with a lock held");
	t_count_misuse(true);
	dmah_host_enter(&flags);
	dmah_host_unlock(&a);
	assert_int_equal(t_misuses, 0);
	dmah_host_unlock(&a);
	assert_int_equal(t_misuses, 1); /* not held */
	dmah_host_leave(flags);
	assert_int_equal(posix_locks_held(), 0);
#endif
}

static void waits(void **state)
{
	struct sim_config c = t_config("vtd");
	struct dmah_iommu *iommu;
	unsigned long flags;

	(void)state;
	sim_destroy(sim);
	sim = t_machine(&c);
	iommu = sim_fake_iommu(sim_iommu(sim, 0));
	assert_int_equal(settle(iommu), 0);
	assert_int_equal(t_misuses, 0);
	dmah_host_enter(&flags);
	assert_int_equal(settle(iommu), 0);
	assert_non_null(dmah_host_page_alloc(DMAH_ALLOC_ATOMIC));
#ifndef NDEBUG
	assert_int_equal(t_misuses, 1);
#endif
	t_count_misuse(true);
	dmah_host_page_free(dmah_host_page_alloc(0)); /* may sleep */
	assert_int_equal(t_misuses, 1);
	dmah_host_leave(flags);
}

static void pages(void **state)
{
	static void *page[257];
	struct posix_alloc_stats stats;
	unsigned int n;

	(void)state;
	for (n = 0; n < 257 && (page[n] = dmah_host_page_alloc(DMAH_ALLOC_ATOMIC)); n++) {
		dmah_phys_t phys = dmah_host_virt_to_phys(page[n]);

		assert_true(phys >= 0x80000000 && phys < 0x80100000 && phys % 4096 == 0);
		assert_ptr_equal(dmah_host_table_virt(phys), page[n]);
		for (unsigned int i = 0; i < 4096; i++)
			assert_int_equal(((uint8_t *)page[n])[i], 0);
		memset(page[n], 0xff, 4096);
	}
	assert_int_equal(n, 256); /* 1 MiB, and no more */
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages, 256);
	assert_int_equal(stats.failed, 1);
	dmah_host_page_free(page[7]);
	assert_int_equal(((uint8_t *)page[7])[5], POSIX_POISON);
	page[7] = dmah_host_page_alloc(0);
	assert_int_equal(((uint8_t *)page[7])[5], 0);
	while (n)
		dmah_host_page_free(page[--n]);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages, 0);
	assert_int_equal(t_misuses, 0);
	dmah_host_page_free(page[0]);
	assert_int_equal(t_misuses, 1); /* twice */
}

static void memory(void **state)
{
	dmah_phys_t a, b;
	uint8_t *cpu;

	(void)state;
	cpu = dmah_host_mem_alloc(3 * 4096, UINT64_MAX, 0, &a);
	assert_non_null(cpu);
	assert_int_equal(dmah_host_virt_to_phys(cpu), a);
	assert_non_null(dmah_host_mem_alloc(4096, a + 0x3fff, 0, &b)); /* the limit is inclusive */
	assert_int_equal(b, a + 0x3000);
	assert_null(dmah_host_mem_alloc(4096, a + 0x4ffe, 0, &b));
	assert_null(dmah_host_mem_alloc(4096, 0x7fffffff, 0, &b));
	dmah_host_mem_free(a, 3 * 4096);
	assert_int_equal(cpu[4096], POSIX_POISON);
	assert_int_equal(t_misuses, 0);
	dmah_host_mem_free(a, 4096);
	assert_int_equal(t_misuses, 1);
}

static unsigned int failures(enum posix_fail how, uint64_t n, unsigned int flags)
{
	unsigned int mask = 0;

	posix_fail_alloc(how, n);
	for (unsigned int i = 0; i < 8; i++) {
		void *page = dmah_host_page_alloc(flags);

		if (!page)
			mask |= 1u << i;
		else
			dmah_host_page_free(page);
	}
	posix_fail_alloc(POSIX_FAIL_NEVER, 0);
	return mask;
}

static void failing(void **state)
{
	dmah_phys_t phys;

	(void)state;
	assert_int_equal(failures(POSIX_FAIL_NEVER, 0, 0), 0);
	assert_int_equal(failures(POSIX_FAIL_NTH, 3, 0), 0x04);
	assert_int_equal(failures(POSIX_FAIL_FROM, 3, 0), 0xfc);
	assert_int_equal(failures(POSIX_FAIL_EVERY, 3, 0), 0x24);
	assert_int_equal(failures(POSIX_FAIL_EVERY, 1, 0), 0xff);
	assert_int_equal(failures(POSIX_FAIL_ATOMIC, 0, 0), 0);
	assert_int_equal(failures(POSIX_FAIL_ATOMIC, 0, DMAH_ALLOC_ATOMIC), 0xff);
	posix_fail_alloc(POSIX_FAIL_NTH, 1);
	assert_null(dmah_host_mem_alloc(4096, UINT64_MAX, 0, &phys));
	assert_non_null(dmah_host_mem_alloc(4096, UINT64_MAX, 0, &phys));
}

static void clocks(void **state)
{
	uint64_t a = dmah_host_now();

	(void)state;
	assert_true(dmah_host_now() >= a);
	posix_clock_manual(1000);
	assert_int_equal(dmah_host_now(), 1000);
	posix_clock_advance(5);
	assert_int_equal(dmah_host_now(), 1005);
	posix_clock_reach(900);
	assert_int_equal(dmah_host_now(), 1005);
	posix_clock_reach(2000);
	assert_int_equal(dmah_host_now(), 2000);
	dmah_host_relax(); /* or a bounded spin would never end */
	assert_true(dmah_host_now() > 2000);
}

static struct {
	unsigned int calls;
	int err;
	uint64_t addr;
} seen;

static void see(void *ctx, const struct dmah_device *dev, int err, const char *text, uint64_t addr,
		const void *caller)
{
	(void)ctx;
	(void)dev;
	(void)text;
	(void)caller;
	seen.calls++;
	seen.err = err;
	seen.addr = addr;
}

static void reports(void **state)
{
	(void)state;
	posix_set_report(see, NULL);
	dmah_host_report(NULL, DMAH_ESTALE, "a text", 0x1234, NULL);
	posix_set_report(NULL, NULL);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.err, DMAH_ESTALE);
	assert_int_equal(seen.addr, 0x1234);
	assert_int_equal(posix_reports(), 1);
}

static void registers(void **state)
{
	uint64_t reg = 0;

	(void)state;
	dmah_host_write64(&reg, 0x1122334455667788);
	assert_int_equal(dmah_host_read64(&reg), 0x1122334455667788);
	dmah_host_write32(&reg, 7);
	assert_int_equal(dmah_host_read32(&reg), 7);
	dmah_host_wmb();
}

static void bad_machines(void **state)
{
	struct posix_machine m = { .base = (uint8_t *)16,
				   .phys = 0x1000,
				   .size = 0x4000,
				   .host_phys = 0x2000,
				   .host_size = 0x4000 };

	(void)state;
	assert_int_equal(posix_set_machine(&m), DMAH_EINVAL); /* beyond its end */
	m.host_size = 0x800;
	assert_int_equal(posix_set_machine(&m), DMAH_EINVAL);
	m.host_size = 0x1000;
	m.host_phys = 0;
	assert_int_equal(posix_set_machine(&m), DMAH_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(enter_and_leave, setup, teardown),
		cmocka_unit_test_setup_teardown(locks, setup, teardown),
		cmocka_unit_test_setup_teardown(waits, setup, teardown),
		cmocka_unit_test_setup_teardown(pages, setup, teardown),
		cmocka_unit_test_setup_teardown(memory, setup, teardown),
		cmocka_unit_test_setup_teardown(failing, setup, teardown),
		cmocka_unit_test_setup_teardown(clocks, setup, teardown),
		cmocka_unit_test_setup_teardown(reports, setup, teardown),
		cmocka_unit_test_setup_teardown(registers, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_machines, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
