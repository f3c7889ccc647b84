/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Accesses of edu for the bench on QEMU, of any length, and their outcome, as the hardware's
 * records, memory, and the tests' own walk of the page tables have it.
 */
#include "bench_qemu_int.h"
#include "bench_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* Registers that are looked at without the drivers. */
#define VTD_FSTS     (QEMU_VTD_REGS + 0x34)
#define SMMU_EV_PROD 0x100a8u
#define SMMU_EV_CONS 0x100acu

/* Take what is in a log in memory by the driver, whose places in it nobody else may move. */
static bool taken(struct bench *b)
{
	struct dmah_iommu_fault faults[64];
	bool lost = false, any = false;

	while (b->hooks.real->faults(b->iommu, faults, 64, &lost))
		any = true;
	return any;
}

/* Returns true if the hardware recorded a fault since the last call. */
static bool recorded(struct bench *b)
{
	uint32_t now;

	if (is_amd(b) || is_riscv(b))
		return taken(b);
	if (is_vtd(b)) {
		now = (uint32_t)qemu_read(b->q, VTD_FSTS, 4) & 3;
		if (!now)
			return false;
		qemu_write(b->q, b->fault_record + 12, 4, 1u << 31);
		qemu_write(b->q, VTD_FSTS, 4, 1);
		return true;
	}
	now = (uint32_t)qemu_read(b->q, smmu_regs(b) + SMMU_EV_PROD, 4);
	if (now == b->events)
		return false;
	qemu_write(b->q, smmu_regs(b) + SMMU_EV_CONS, 4, now);
	b->events = now;
	return true;
}

static bool transfer(struct bench *b, struct party *p, dmah_addr_t dma, uint32_t len,
		     enum dmah_dir dir)
{
	assert_int_equal(edu_dma(&p->edu, dma, 0, len, dir), 0);
	return !recorded(b);
}

/* The device's buffer gets @len bytes. Return: false where it can not reach even the staging page. */
static bool load(struct bench *b, struct party *p, const void *bytes, uint32_t len)
{
	memcpy(qemu_ram(b->q, b->staging, PAGE), bytes, len);
	return transfer(b, p, staging_of(b, p), len, DMAH_TO_DEVICE);
}

/* Write the device's buffer. Not every refusal is recorded: bytes that must change in memory show whether it came. */
static bool store(struct bench *b, struct party *p, void *bytes, uint32_t len)
{
	uint8_t *staging = qemu_ram(b->q, b->staging, PAGE), once = 0;

	for (unsigned int i = 0; i < 2; i++) {
		staging[0] = i ? 0xa5 : 0x5a;
		if (!transfer(b, p, staging_of(b, p), len, DMAH_FROM_DEVICE))
			return false;
		if (staging[0] != (i ? 0xa5 : 0x5a))
			once = 1;
		if (once)
			break;
	}
	memcpy(bytes, staging, len);
	return once;
}

static bool is_ram(const struct bench *b, dmah_phys_t phys)
{
	dmah_phys_t base = is_vtd(b) || is_amd(b) ? 0 : is_riscv(b) ? 0x80000000 : 0x40000000;

	return phys >= base && phys - base < 64u << 20;
}

/* Walk to @dma by the page table that the device is bound to, or was. */
static bool leads_to(struct bench *b, const struct party *p, dmah_addr_t dma, dmah_phys_t *phys,
		     unsigned int *perm)
{
	*perm = WALK_READ | WALK_WRITE;
	*phys = dma;
	return p->how == DMAH_BIND_PASSTHROUGH ||
	       (p->pt.root && walk(b->q, &p->pt, dma, phys, perm));
}

/* The device writes what it has, and the first byte of @phys tells, whatever that is: it can not be both of these. */
static bool changes(struct bench *b, struct party *p, dmah_addr_t dma, dmah_phys_t phys,
		    uint32_t len)
{
	uint8_t *at = qemu_ram(b->q, phys, 1), was = *at;
	bool changed = false;

	for (unsigned int i = 0; i < 2 && !changed; i++) {
		*at = i ? 0xa5 : 0x5a;
		if (!transfer(b, p, dma, len, DMAH_FROM_DEVICE))
			break;
		changed = *at != (i ? 0xa5 : 0x5a);
	}
	if (!changed)
		*at = was;
	return changed;
}

/* One that reaches nothing: what it writes all the same, by address or past all tables, is seen. */
static bool write_blocked(struct bench *b, struct party *p, dmah_addr_t dma, uint32_t len)
{
	dmah_phys_t phys;
	unsigned int perm;
	bool changed = is_ram(b, dma) && changes(b, p, dma, dma, len);

	if (leads_to(b, p, dma, &phys, &perm) && is_ram(b, phys))
		changed |= changes(b, p, dma, phys, len);
	return changed;
}

/* Within a page. */
static bool write_page(struct bench *b, struct party *p, dmah_addr_t dma, const uint8_t *bytes,
		       uint32_t len)
{
	dmah_phys_t phys;
	unsigned int perm;

	if (!load(b, p, bytes, len) || p->how == DMAH_BIND_BLOCK)
		return write_blocked(b, p, dma, len);
	if (!leads_to(b, p, dma, &phys, &perm))
		/* Stale, then: let through it was, if the device reaches anything at all. */
		return transfer(b, p, dma, len, DMAH_FROM_DEVICE) &&
		       store(b, p, qemu_ram(b->q, b->staging, PAGE), len);
	return is_ram(b, phys) && changes(b, p, dma, phys, len);
}

/* A read is compared with two contents of memory: one that is refused can not return both. */
static bool reads(struct bench *b, struct party *p, dmah_addr_t dma, dmah_phys_t phys)
{
	uint8_t *at = qemu_ram(b->q, phys, 1), was = *at, got = 0;
	bool same = true;

	for (unsigned int i = 0; i < 2 && same; i++) {
		*at = i ? 0xa5 : 0x5a;
		same = transfer(b, p, dma, 1, DMAH_TO_DEVICE) && store(b, p, &got, 1) && got == *at;
	}
	*at = was;
	return same;
}

static bool read_page(struct bench *b, struct party *p, dmah_addr_t dma, uint8_t *bytes,
		      uint32_t len)
{
	dmah_phys_t phys;
	unsigned int perm;

	if (leads_to(b, p, dma, &phys, &perm)) {
		if (!is_ram(b, phys))
			return false;
		/* An access that the IOTLB refuses in one direction is not recorded. */
		if (!(perm & WALK_READ) && !reads(b, p, dma, phys))
			return false;
	}
	return transfer(b, p, dma, len, DMAH_TO_DEVICE) && store(b, p, bytes, len);
}

/* As on a bus, page by page; what comes before a fault has happened. edu can not take all of a page at one time. */
static bool access_all(struct bench *b, struct party *p, dmah_addr_t dma, uint8_t *bytes,
		       size_t len, bool write)
{
	bool ok = true;

	pthread_mutex_lock(&b->mutex);
	while (ok && len) {
		uint32_t room = PAGE - dma % PAGE, n = len < room ? (uint32_t)len : room;

		n = n < EDU_BUFFER - 1 ? n : EDU_BUFFER / 2;
		ok = write ? write_page(b, p, dma, bytes, n) : read_page(b, p, dma, bytes, n);
		dma += n;
		bytes += n;
		len -= n;
	}
	pthread_mutex_unlock(&b->mutex);
	return ok;
}

bool bench_dev_read(struct bench *b, dmah_addr_t dma, void *buf, size_t len)
{
	return access_all(b, &b->party[0], dma, buf, len, false);
}

bool bench_dev_write(struct bench *b, dmah_addr_t dma, const void *buf, size_t len)
{
	return access_all(b, &b->party[0], dma, (uint8_t *)(uintptr_t)buf, len, true);
}

bool bench_extra_write(struct bench *b, dmah_addr_t dma, const void *buf, size_t len)
{
	return access_all(b, &b->party[1], dma, (uint8_t *)(uintptr_t)buf, len, true);
}
