// SPDX-License-Identifier: MIT OR GPL-2.0-only
#define _GNU_SOURCE
#include "memory.h"

#include <stdio.h>
#include <sys/mman.h>

#include "message.h"
#include "posix.h"

#define HUGE_BYTES (2ull << 20)
#define CHUNK	   (32ull << 20)
#define PHYS_BASE  (1ull << 32)

static struct posix_machine machine;
static dmah_phys_t next, end;
static char *chunk;
static size_t left;
static uint64_t maintained;

static void *map(uint64_t size)
{
	char *p = mmap(NULL, size + HUGE_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	p += -(uintptr_t)p & (HUGE_BYTES - 1);
	/* Without free huge pages the system gives small ones. The report says how many there were: memory_huge(). */
	(void)madvise(p, size, MADV_HUGEPAGE);
	return p;
}

static void maintain(void *ctx, enum dmah_cache_op op, dmah_phys_t phys, uint64_t len)
{
	(void)ctx;
	(void)op;
	(void)phys;
	maintained += len;
}

bool memory_init(uint64_t tables, uint64_t buffers)
{
	machine = (struct posix_machine){
		.base = map(tables + buffers),
		.phys = PHYS_BASE,
		.size = tables + buffers,
		.host_phys = PHYS_BASE,
		.host_size = tables,
		.cache = maintain,
	};
	next = PHYS_BASE + tables;
	end = next + buffers;
	return machine.base && posix_set_machine(&machine) == DMAH_OK;
}

void *memory_alloc(size_t size)
{
	void *p;

	size = (size + 63) & ~(size_t)63;
	if (size > left) {
		left = size > CHUNK ? (size + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1) : CHUNK;
		chunk = map(left);
	}
	p = must(chunk);
	chunk += size;
	left -= size;
	return p;
}

dmah_phys_t memory_take(uint64_t size)
{
	dmah_phys_t at = next;

	if (size > end - next)
		return ~(dmah_phys_t)0;
	next += size;
	return at;
}

void *memory_at(dmah_phys_t phys)
{
	return machine.base + (phys - machine.phys);
}

uint64_t memory_maintained(void)
{
	return maintained;
}

uint64_t memory_huge(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	unsigned long long kib = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "AnonHugePages: %llu kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib << 10;
}
