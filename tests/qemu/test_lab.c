/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The lab itself: machines start and reset, registers by every way, RAM is shared, PCI is found, a held write waits. */
#define _GNU_SOURCE
#include "qemu.h"

#include "posix.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EDU_ID	   0x010000edu
#define EDU_INVERT 0x04u

static const char *const with_edu[] = { "-device", QEMU_EDU, NULL };

static struct qemu *open_machine(enum qemu_kind kind, struct qemu_pci *edu)
{
	struct qemu *q = qemu_machine(&(struct qemu_config){ .kind = kind, .args = with_edu });

	assert_true(qemu_pci_find(q, 0x1234, 0x11e8, 0, edu));
	assert_false(qemu_pci_find(q, 0x1234, 0x11e8, 1, &(struct qemu_pci){ 0 }));
	assert_int_equal(edu->bar_size[0], 1 << 20);
	assert_int_equal(qemu_read(q, edu->bar[0], 4), EDU_ID);
	return q;
}

static void registers_of(enum qemu_kind kind)
{
	struct qemu_pci edu;
	struct qemu *q = open_machine(kind, &edu);
	volatile uint8_t *regs = qemu_regs(q, edu.bar[0]);

	/* The device answers with the complement. */
	dmah_host_write32(regs + EDU_INVERT, 0x12345678);
	assert_int_equal(dmah_host_read32(regs + EDU_INVERT), ~0x12345678u);
	qemu_write(q, edu.bar[0] + EDU_INVERT, 4, 5);
	assert_int_equal(qemu_read(q, edu.bar[0] + EDU_INVERT, 4), ~5u);
	dmah_host_write64(regs + 0x80, 0x123456789abcdef0);
	assert_true(dmah_host_read64(regs + 0x80) == 0x123456789abcdef0);
	assert_int_not_equal(qemu_pci_cap(q, edu.id, 5), 0);
	assert_int_equal(qemu_pci_cap(q, edu.id, 0x7f), 0);
	assert_true(qemu_wait_reg(q, edu.bar[0], ~0u, EDU_ID, 1000000));
	assert_false(qemu_wait_reg(q, edu.bar[0], ~0u, 1, 1000000));
}

static void registers(void **state)
{
	(void)state;
	registers_of(QEMU_VTD);
	registers_of(QEMU_SMMU);
}

static void held_writes(void **state)
{
	struct qemu_pci edu;
	struct qemu *q = open_machine(QEMU_VTD, &edu);
	dmah_phys_t reg = edu.bar[0] + EDU_INVERT;

	(void)state;
	qemu_write(q, reg, 4, 1);
	qemu_hold(q, reg);
	qemu_write(q, reg, 4, 2);
	qemu_write(q, reg, 4, 3);
	assert_int_equal(qemu_read(q, reg, 4), ~1u);
	qemu_release(q);
	assert_int_equal(qemu_read(q, reg, 4), ~3u);
	qemu_hold(q, reg);
	qemu_release(q);
	assert_int_equal(qemu_read(q, reg, 4), ~3u);
	qemu_write(q, reg, 4, 4);
	assert_int_equal(qemu_read(q, reg, 4), ~4u);
}

static bool dma_done(void *ctx)
{
	volatile uint8_t *regs = ctx;

	return !(dmah_host_read32(regs + 0x98) & 1);
}

static void edu_dma(struct qemu *q, volatile uint8_t *regs, uint64_t from, uint64_t to,
		    uint64_t command)
{
	dmah_host_write64(regs + 0x80, from);
	dmah_host_write64(regs + 0x88, to);
	dmah_host_write64(regs + 0x90, 512);
	dmah_host_write64(regs + 0x98, command);
	assert_true(qemu_wait(q, dma_done, (void *)(uintptr_t)regs, 2000000000));
}

/* RAM is the device's too, and empty after a reset. */
static void memory_of(enum qemu_kind kind)
{
	struct qemu_pci edu;
	struct qemu *q = open_machine(kind, &edu);
	volatile uint8_t *regs = qemu_regs(q, edu.bar[0]);
	dmah_phys_t a = qemu_take(q, 4096, 4096), b = qemu_take(q, 4096, 4096);
	uint8_t *pa = qemu_ram(q, a, 4096), *pb = qemu_ram(q, b, 4096);

	assert_int_not_equal(a, b);
	for (unsigned int i = 0; i < 4096; i++) {
		assert_int_equal(pa[i] | pb[i], 0);
		pa[i] = (uint8_t)(i * 7 + 1);
	}
	edu_dma(q, regs, a, 0x40000, 1);
	edu_dma(q, regs, 0x40000, b, 3);
	assert_memory_equal(pb, pa, 512);
	assert_int_equal(pb[512], 0);
	/* Not without bus mastering. */
	qemu_pci_master(q, edu.id, false);
	edu_dma(q, regs, 0x40000, b + 1024, 3);
	assert_int_equal(pb[1024], 0);
}

static void memory(void **state)
{
	struct posix_alloc_stats stats;
	void *page;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		memory_of(QEMU_VTD);
		memory_of(QEMU_SMMU);
	}
	page = dmah_host_page_alloc(0);
	assert_non_null(page);
	assert_ptr_equal(page, dmah_host_table_virt(dmah_host_virt_to_phys(page)));
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages, 1);
	dmah_host_page_free(page);
}

/* A reset undoes what was done to registers, however often. */
static void resets(void **state)
{
	struct qemu_pci edu;
	struct qemu *q = open_machine(QEMU_VTD, &edu), *first = q;

	(void)state;
	for (unsigned int i = 0; i < 20; i++) {
		qemu_write(q, QEMU_VTD_REGS + 0x3c, 4, i + 1);
		assert_int_equal(qemu_read(q, QEMU_VTD_REGS + 0x3c, 4), i + 1);
		q = open_machine(QEMU_VTD, &edu);
		assert_ptr_equal(q, first);
		assert_int_equal(qemu_read(q, QEMU_VTD_REGS + 0x3c, 4), 0);
	}
}

static void stops_and_starts(void **state)
{
	struct qemu_pci edu;

	(void)state;
	(void)open_machine(QEMU_VTD, &edu);
	qemu_stop_all();
	(void)open_machine(QEMU_VTD, &edu);
}

/* A fault: translation with a root table of zeroes. */
static void provoke(struct qemu *q, const struct qemu_pci *edu)
{
	qemu_write(q, QEMU_VTD_REGS + 0x20, 8, qemu_take(q, 4096, 4096));
	qemu_write(q, QEMU_VTD_REGS + 0x18, 4, 1u << 30);
	qemu_write(q, QEMU_VTD_REGS + 0x18, 4, 1u << 31);
	edu_dma(q, qemu_regs(q, edu->bar[0]), 0x40000, 0x300000, 3);
}

/* QEMU's messages can be read. */
static void the_log(void **state)
{
	struct qemu_pci edu;
	struct qemu *q = open_machine(QEMU_VTD, &edu);

	(void)state;
	assert_string_equal(qemu_log(q), "");
	assert_non_null(strstr(qemu_qmp(q, "{\"execute\":\"query-status\"}"), "running"));
	assert_non_null(strstr(qemu_qmp(q, "{\"execute\":\"no-such-command\"}"), "error"));
	provoke(q, &edu);
	assert_non_null(strstr(qemu_log(q), "vtd"));
	qemu_log_drop(q);
	assert_string_equal(qemu_log(q), "");
}

/* Capture stdout while @fn runs. */
static void printed_by(void (*fn)(void), char *text, size_t size)
{
	int file = memfd_create("stdout", 0), was;
	ssize_t n;

	assert_true(file >= 0);
	fflush(stdout);
	was = dup(STDOUT_FILENO);
	dup2(file, STDOUT_FILENO);
	fn();
	fflush(stdout);
	dup2(was, STDOUT_FILENO);
	n = pread(file, text, size - 1, 0);
	text[n > 0 ? n : 0] = 0;
	close(file);
	close(was);
}

static void next_test(void)
{
	struct qemu_pci edu;

	/* Of another kind, too: it comes at once, not when its own machine is used again. */
	(void)open_machine(QEMU_SMMU, &edu);
}

/* A test that does not come to its end is followed by what QEMU said; one that does is not. */
static void the_log_of_a_failure(void **state)
{
	struct qemu_pci edu;
	struct qemu *q;
	char text[8192];

	(void)state;
	for (unsigned int drop = 0; drop < 2; drop++) {
		/* QEMU says some things only once. */
		qemu_stop_all();
		q = open_machine(QEMU_VTD, &edu);
		provoke(q, &edu);
		if (drop)
			qemu_log_drop(q);
		printed_by(next_test, text, sizeof(text));
		assert_int_equal(!strstr(text, "# qemu: "), drop);
		assert_int_equal(!strstr(text, "vtd"), drop);
		printed_by(next_test, text, sizeof(text));
		assert_null(strstr(text, "vtd"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers),
		cmocka_unit_test(held_writes),
		cmocka_unit_test(memory),
		cmocka_unit_test(resets),
		cmocka_unit_test(stops_and_starts),
		cmocka_unit_test(the_log),
		cmocka_unit_test(the_log_of_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
