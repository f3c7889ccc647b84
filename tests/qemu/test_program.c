/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Random programs of maps, unmaps, syncs and DMA, on the VT-d driver and QEMU's model. Every byte of memory and of the
 * device's buffer is compared with a model of both, and every fault must be one that the program asked for.
 */
#include "rig.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define NOT_WRITABLE 0x05
#define NOT_READABLE 0x06

#define AREAS	 12u
#define AREA	 16384u /* bytes */
#define DEVICE	 (EDU_BUFFER - 1)
#define DMA_MOST 700u

/* A piece of memory that at most one mapping is of. @was: where it was mapped last, and could be reached still. */
struct area {
	struct dmah h;
	dmah_phys_t phys;
	uint32_t off;
	dmah_addr_t was;
	bool stale;
	uint8_t model[AREA];
};

struct program {
	struct rig *rig;
	uint64_t random;
	dmah_phys_t scratch;
	uint8_t device[EDU_BUFFER];
	unsigned int refused;
	unsigned int silent;
	struct area area[AREAS];
};

static uint32_t any(struct program *p, uint32_t below)
{
	p->random ^= p->random << 13;
	p->random ^= p->random >> 7;
	p->random ^= p->random << 17;
	return (uint32_t)(p->random >> 20) % below;
}

static uint8_t *cpu(struct program *p, dmah_phys_t phys)
{
	return qemu_ram(p->rig->q, phys, 1);
}

static void scribble(struct program *p, uint8_t *to, uint32_t len)
{
	while (len--)
		*to++ = (uint8_t)any(p, 256);
}

/* All of it is as the model says, while nothing is mapped there. */
static void compare(struct program *p, const struct area *a)
{
	assert_memory_equal(cpu(p, a->phys), a->model, AREA);
}

/* The device's buffer anew: who was refused a read may have anything in it. */
static void load_device(struct program *p)
{
	scribble(p, p->device, DEVICE);
	memcpy(cpu(p, p->scratch), p->device, DEVICE);
	assert_int_equal(edu_put(&p->rig->edu[0], p->scratch, 0, DEVICE), DMAH_OK);
}

static void step_map(struct program *p, struct area *a)
{
	enum dmah_dir dir = 1 + any(p, 3);
	uint32_t len = 1 + any(p, any(p, 2) ? 3000 : AREA - 4096);

	a->off = any(p, AREA - len);
	scribble(p, a->model, AREA);
	memcpy(cpu(p, a->phys), a->model, AREA);
	assert_int_equal(dmah_map(&p->rig->dev[0], &a->h, a->phys + a->off, len, dir, 0), DMAH_OK);
	a->stale = false;
}

static void step_unmap(struct program *p, struct area *a)
{
	a->was = dmah_addr(&a->h);
	a->stale = true;
	assert_int_equal(dmah_unmap(&p->rig->dev[0], &a->h), DMAH_OK);
	compare(p, a);
}

/*
 * The bytes say whether it was refused; the record says why, for each granule whose translation the model did not have
 * cached for the other direction: what it has it refuses without a word.
 */
static void check_refusal(struct program *p, dmah_addr_t dma, uint32_t n, bool write)
{
	const struct dmah_vtd_fault *fault = &p->rig->fault;
	unsigned int faults = rig_faults(p->rig);

	assert_in_range(faults, 0, 1);
	p->silent += !faults;
	p->refused++;
	if (!faults)
		return;
	assert_int_equal(fault->id, p->rig->pci[0].id);
	assert_true(fault->addr >= (dma & ~0xfffull) && fault->addr < dma + n);
	assert_int_equal(fault->write, write);
	assert_int_equal(fault->reason, write ? NOT_WRITABLE : NOT_READABLE);
}

/* A transfer inside of a mapping, as its direction has it or not. */
static void step_dma(struct program *p, struct area *a)
{
	uint32_t len = dmah_length(&a->h), n = 1 + any(p, len < DMA_MOST ? len : DMA_MOST);
	uint32_t at = any(p, len - n + 1), off = any(p, DEVICE - n);
	enum dmah_dir dir = any(p, 2) ? DMAH_TO_DEVICE : DMAH_FROM_DEVICE;
	dmah_addr_t dma = dmah_addr(&a->h) + at;

	assert_int_equal(edu_dma(&p->rig->edu[0], dma, off, n, dir), DMAH_OK);
	if (!(dmah_direction(&a->h) & dir)) {
		check_refusal(p, dma, n, dir == DMAH_FROM_DEVICE);
		if (dir == DMAH_TO_DEVICE)
			load_device(p);
		return;
	}
	assert_int_equal(rig_faults(p->rig), 0);
	if (dir == DMAH_TO_DEVICE)
		memcpy(p->device + off, a->model + a->off + at, n);
	else
		memcpy(a->model + a->off + at, p->device + off, n);
}

/* The CPU looks at what the device wrote, and writes what it is to read. */
static void step_sync(struct program *p, struct area *a)
{
	uint32_t len = dmah_length(&a->h), n = 1 + any(p, len), at = any(p, len - n + 1);
	uint8_t *memory = cpu(p, a->phys + a->off + at), *model = a->model + a->off + at;

	assert_int_equal(dmah_sync_for_cpu(&p->rig->dev[0], &a->h, at, n), DMAH_OK);
	assert_memory_equal(memory, model, n);
	if (dmah_direction(&a->h) & DMAH_TO_DEVICE) {
		scribble(p, model, n);
		memcpy(memory, model, n);
	}
	assert_int_equal(dmah_sync_for_device(&p->rig->dev[0], &a->h, at, n), DMAH_OK);
}

/* An IOVA whose mapping has ended. It may be of another mapping by now: then it is no stale one. */
static void step_stale(struct program *p, struct area *a)
{
	for (unsigned int i = 0; i < AREAS; i++) {
		const struct dmah *h = &p->area[i].h;
		dmah_addr_t first = dmah_addr(h) & ~0xfffull;

		if (dmah_mapped(h) && (a->was & ~0xfffull) >= first &&
		    a->was < dmah_addr(h) + dmah_length(h) + 4096)
			return;
	}
	if (p->rig->config.mode == DMAH_LAZY)
		assert_int_equal(dmah_flush(p->rig->dom), DMAH_OK);
	assert_int_equal(edu_dma(&p->rig->edu[0], a->was, 0, 1, DMAH_FROM_DEVICE), DMAH_OK);
	rig_expect_fault(p->rig, 0, a->was, true, NOT_WRITABLE);
	compare(p, a);
}

static void step(struct program *p)
{
	struct area *a = &p->area[any(p, AREAS)];
	unsigned int what = any(p, 16);

	if (!dmah_mapped(&a->h)) {
		compare(p, a);
		if (a->stale && what < 6)
			step_stale(p, a);
		else
			step_map(p, a);
	} else if (what < 3) {
		step_unmap(p, a);
	} else if (what < 6) {
		step_sync(p, a);
	} else {
		step_dma(p, a);
	}
}

static void run(const struct rig_config *config, uint64_t seed)
{
	struct program *p = calloc(1, sizeof(*p));
	const char *ops = getenv("DMAH_QEMU_OPS");
	unsigned long steps = ops ? strtoul(ops, NULL, 0) : 1000;

	p->rig = rig_open(config);
	p->random = seed;
	p->scratch = qemu_take(p->rig->q, 4096, 4096);
	for (unsigned int i = 0; i < AREAS; i++)
		p->area[i].phys = qemu_take(p->rig->q, AREA, 4096);
	load_device(p);
	for (unsigned long i = 0; i < steps; i++)
		step(p);
	for (unsigned int i = 0; i < AREAS; i++)
		if (dmah_mapped(&p->area[i].h))
			step_unmap(p, &p->area[i]);
	assert_int_equal(dmah_flush(p->rig->dom), DMAH_OK);
	assert_true(p->refused > p->silent);
	rig_close(p->rig);
	free(p);
}

static void strict(void **state)
{
	(void)state;
	run(&(struct rig_config){ .va_bits = 48 }, 1);
}

static void lazy(void **state)
{
	(void)state;
	run(&(struct rig_config){ .mode = DMAH_LAZY }, 2);
}

static void untrusted(void **state)
{
	(void)state;
	run(&(struct rig_config){ .untrusted = true, .pool = true }, 3);
}

static void narrow(void **state)
{
	(void)state;
	run(&(struct rig_config){ .iommu = "aw-bits=39,caching-mode=on",
				  .aperture_size = 2u << 20 },
	    4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict),
		cmocka_unit_test(lazy),
		cmocka_unit_test(untrusted),
		cmocka_unit_test(narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
