/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Memory: pages and ranges from the machine's host area, by a bitmap; failures on demand; the CPU's pointers to physical
 * memory.
 *
 * A mutex is fast enough: only calls that may allocate take it.
 */
#include "dmah_inline.h"
#include "posix.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct posix_fast posix_fast;

static struct posix_machine machine;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *use; /* enum posix_mem of each page of the host area */
static size_t pages;
static size_t hint;
static struct posix_alloc_stats stats;
static enum posix_fail fail_how;
static uint64_t fail_n, fail_count;
static bool (*filter)(void *ctx, bool page);
static void *filter_ctx;

void posix_report_reset(void);

int posix_set_machine(const struct posix_machine *m)
{
	uint8_t *map = NULL;

	if (m) {
		if (!m->base || !m->size || (m->host_phys | m->host_size) % DMAH_PAGE_SIZE ||
		    m->host_phys < m->phys || m->host_size > m->size ||
		    m->host_phys - m->phys > m->size - m->host_size ||
		    !m->phys_map != !m->phys_unmap)
			return DMAH_EINVAL;
		map = calloc(m->host_size / DMAH_PAGE_SIZE + 1, 1);
		if (!map)
			return DMAH_ENOMEM;
	}
	pthread_mutex_lock(&mutex);
	free(use);
	use = map;
	memset(&machine, 0, sizeof(machine));
	if (m)
		machine = *m;
	pages = (size_t)(machine.host_size / DMAH_PAGE_SIZE);
	hint = 0;
	memset(&stats, 0, sizeof(stats));
	fail_how = POSIX_FAIL_NEVER;
	filter = NULL;
	posix_fast.delta = (uintptr_t)machine.base - (uintptr_t)machine.phys;
	posix_fast.hook_map = machine.phys_map != NULL;
	posix_fast.hook_virt = machine.virt_to_phys != NULL;
	pthread_mutex_unlock(&mutex);
	posix_report_reset();
	return DMAH_OK;
}

void posix_fail_alloc(enum posix_fail how, uint64_t n)
{
	pthread_mutex_lock(&mutex);
	fail_how = how;
	fail_n = n;
	fail_count = 0;
	pthread_mutex_unlock(&mutex);
}

void posix_set_alloc_filter(bool (*fn)(void *ctx, bool page), void *ctx)
{
	pthread_mutex_lock(&mutex);
	filter = fn;
	filter_ctx = ctx;
	pthread_mutex_unlock(&mutex);
}

void posix_alloc_stats(struct posix_alloc_stats *out)
{
	pthread_mutex_lock(&mutex);
	*out = stats;
	pthread_mutex_unlock(&mutex);
}

static bool must_fail(unsigned int flags, bool page)
{
	if (filter && filter(filter_ctx, page))
		return true;
	fail_count++;
	switch (fail_how) {
	case POSIX_FAIL_NTH:
		return fail_count == fail_n;
	case POSIX_FAIL_FROM:
		return fail_count >= fail_n;
	case POSIX_FAIL_EVERY:
		return fail_n && fail_count % fail_n == 0;
	case POSIX_FAIL_ATOMIC:
		return flags & DMAH_ALLOC_ATOMIC;
	case POSIX_FAIL_NEVER:
		break;
	}
	return false;
}

/* Returns the first of @n free pages in a row, from @from to @end - 1; @end if there are none. */
static size_t find_pages(size_t from, size_t end, size_t n)
{
	size_t first = from;

	for (size_t i = from; i < end; i++) {
		if (use[i] != POSIX_MEM_FREE)
			first = i + 1;
		else if (i + 1 - first == n)
			return first;
	}
	return end;
}

static void *at(dmah_phys_t phys)
{
	return (void *)((uintptr_t)phys + posix_fast.delta);
}

static void *take(size_t first, size_t n, enum posix_mem what)
{
	dmah_phys_t phys = machine.host_phys + (uint64_t)first * DMAH_PAGE_SIZE;
	void *cpu = at(phys);

	memset(use + first, what, n);
	if (machine.note)
		cpu = machine.note(machine.ctx, phys, (uint64_t)n * DMAH_PAGE_SIZE, what);
	memset(cpu, 0, n * DMAH_PAGE_SIZE);
	return cpu;
}

static bool give(dmah_phys_t phys, size_t n, bool table)
{
	size_t first = (size_t)((phys - machine.host_phys) / DMAH_PAGE_SIZE);

	if (phys < machine.host_phys || phys % DMAH_PAGE_SIZE || first >= pages ||
	    n > pages - first)
		return false;
	for (size_t i = first; i < first + n; i++)
		if (use[i] == POSIX_MEM_FREE || (use[i] == POSIX_MEM_TABLE) != table)
			return false;
	memset(at(phys), POSIX_POISON, n * DMAH_PAGE_SIZE);
	memset(use + first, POSIX_MEM_FREE, n);
	if (machine.note)
		machine.note(machine.ctx, phys, (uint64_t)n * DMAH_PAGE_SIZE, POSIX_MEM_FREE);
	return true;
}

static void check_context(unsigned int flags)
{
	if (posix_this.entered && !(flags & DMAH_ALLOC_ATOMIC))
		posix_misuse("an allocation that may sleep inside dmah_host_enter()");
}

void *dmah_host_page_alloc(unsigned int flags)
{
	void *page = NULL;
	size_t i;

	check_context(flags);
	pthread_mutex_lock(&mutex);
	stats.calls++;
	if (!must_fail(flags, true)) {
		i = find_pages(hint, pages, 1);
		if (i == pages)
			i = find_pages(0, pages, 1);
		if (i < pages) {
			page = take(i, 1, POSIX_MEM_TABLE);
			hint = i + 1;
			stats.pages++;
		}
	}
	stats.failed += !page;
	pthread_mutex_unlock(&mutex);
	return page;
}

void dmah_host_page_free(void *page)
{
	bool ok;

	pthread_mutex_lock(&mutex);
	ok = give(dmah_host_virt_to_phys(page), 1, true);
	if (ok)
		stats.pages--;
	pthread_mutex_unlock(&mutex);
	if (!ok)
		posix_misuse("dmah_host_page_free() of what is no page of dmah_host_page_alloc()");
}

void *dmah_host_mem_alloc(size_t size, dmah_phys_t limit, unsigned int flags, dmah_phys_t *phys)
{
	size_t n = size / DMAH_PAGE_SIZE, end, i;
	void *cpu = NULL;

	check_context(flags);
	if (!size || size % DMAH_PAGE_SIZE) {
		posix_misuse("dmah_host_mem_alloc() of a size that is no multiple of the page's");
		return NULL;
	}
	pthread_mutex_lock(&mutex);
	stats.calls++;
	end = pages;
	if (limit < machine.host_phys)
		end = 0;
	else if ((limit - machine.host_phys) / DMAH_PAGE_SIZE < end)
		end = (size_t)((limit - machine.host_phys + 1) / DMAH_PAGE_SIZE);
	if (!must_fail(flags, false) && end) {
		i = find_pages(0, end, n);
		if (i < end) {
			cpu = take(i, n,
				   flags & DMAH_ALLOC_UNCACHED ? POSIX_MEM_UNCACHED
							       : POSIX_MEM_CACHED);
			*phys = machine.host_phys + (uint64_t)i * DMAH_PAGE_SIZE;
			stats.mem += size;
		}
	}
	stats.failed += !cpu;
	pthread_mutex_unlock(&mutex);
	return cpu;
}

void dmah_host_mem_free(dmah_phys_t phys, size_t size)
{
	bool ok;

	pthread_mutex_lock(&mutex);
	ok = size && size % DMAH_PAGE_SIZE == 0 && give(phys, size / DMAH_PAGE_SIZE, false);
	if (ok)
		stats.mem -= size;
	pthread_mutex_unlock(&mutex);
	if (!ok)
		posix_misuse("dmah_host_mem_free() of what dmah_host_mem_alloc() did not give");
}

void *posix_phys_map_slow(dmah_phys_t phys, size_t len)
{
	if (!len || phys / DMAH_PAGE_SIZE != (phys + len - 1) / DMAH_PAGE_SIZE)
		posix_misuse("dmah_host_phys_map() across a page");
	return machine.phys_map(machine.ctx, phys, len);
}

void posix_phys_unmap_slow(void *cpu, dmah_phys_t phys, size_t len)
{
	machine.phys_unmap(machine.ctx, cpu, phys, len);
}

dmah_phys_t posix_virt_to_phys_slow(const void *cpu)
{
	if (machine.virt_to_phys)
		return machine.virt_to_phys(machine.ctx, cpu);
	return machine.phys + (uint64_t)((uintptr_t)cpu - (uintptr_t)machine.base);
}

void dmah_host_cache(enum dmah_cache_op op, dmah_phys_t phys, uint64_t len)
{
	if (machine.cache)
		machine.cache(machine.ctx, op, phys, len);
}
