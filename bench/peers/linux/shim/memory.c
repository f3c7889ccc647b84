/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Allocates from the arena and reuses freed memory. No timed path calls this file. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>

#include "shim.h"

#define ARENA_SIZE (4ul << 30)
#define HUGE_PAGE  (2ul << 20)
#define ORDERS	   12

/* Physical address of the arena; no such memory exists. */
#define ARENA_PHYS (1ul << 30)

__thread unsigned int shim_cpu;
__thread unsigned long shim_cpu_offset;
unsigned long shim_page_offset;
unsigned long shim_page_map;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *arena, *arena_used;
static bool arena_failed;

void shim_broken(const char *file, int line)
{
	fprintf(stderr, "linux peer: %s:%d: Linux would warn here\n", file, line);
	abort();
}

/* Reserve address space; pages are added when they are touched. */
static char *reserve(size_t size)
{
	char *p = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	p = (char *)ALIGN((unsigned long)p, HUGE_PAGE);
	madvise(p, size, MADV_HUGEPAGE);
	return p;
}

static bool arena_init(void)
{
	char *pages;

	if (arena || arena_failed)
		return !arena_failed;
	arena = reserve(ARENA_SIZE);
	pages = reserve(ARENA_SIZE / PAGE_SIZE * sizeof(struct page));
	if (!arena || !pages) {
		arena_failed = true;
		return false;
	}
	arena_used = arena;
	shim_page_offset = (unsigned long)arena - ARENA_PHYS;
	shim_page_map = (unsigned long)pages - ARENA_PHYS / PAGE_SIZE * sizeof(struct page);
	return true;
}

void *shim_arena(size_t size, size_t align)
{
	char *p = NULL;

	pthread_mutex_lock(&lock);
	if (arena_init()) {
		p = (char *)ALIGN((unsigned long)arena_used, align);
		if (size > ARENA_SIZE || p > arena + ARENA_SIZE - size)
			p = NULL;
		else
			arena_used = p + size;
	}
	pthread_mutex_unlock(&lock);
	return p;
}

static struct {
	void *head[ORDERS];
	char pad[64];
} free_pages_of[SHIM_CPUS];

struct page *shim_pages_alloc(gfp_t gfp, unsigned int order)
{
	void **head, *p;

	if (order >= ORDERS)
		return NULL;
	head = &free_pages_of[shim_cpu].head[order];
	p = *head;
	if (p)
		*head = *(void **)p;
	else
		p = shim_arena(PAGE_SIZE << order, PAGE_SIZE << order);
	if (!p)
		return NULL;
	if (gfp & __GFP_ZERO)
		memset(p, 0, PAGE_SIZE << order);
	return virt_to_page(p);
}

void shim_pages_free(struct page *page, unsigned int order)
{
	void **head = &free_pages_of[shim_cpu].head[order];
	void *p = page_address(page);

	*(void **)p = *head;
	*head = p;
}

struct kmem_cache *shim_slab_create(size_t size)
{
	struct kmem_cache *cache = shim_arena(sizeof(*cache), 64);

	if (!cache)
		return NULL;
	memset(cache, 0, sizeof(*cache));
	cache->size = ALIGN(size, 64ul);
	return cache;
}

void *shim_slab_refill(struct kmem_cache *cache)
{
	size_t n = cache->size < 8192 ? 65536 / cache->size : 8;
	char *p = shim_arena(n * cache->size, PAGE_SIZE);

	if (!p)
		return NULL;
	while (--n)
		kmem_cache_free(cache, p + n * cache->size);
	return p;
}

/*
 * Allocates per-CPU memory consecutively, so that objects of different kinds do not all begin at the
 * same offset in a page. Freed memory is kept for the next object of its size.
 */
struct percpu_object {
	struct percpu_object *next;
	size_t offset, size;
	bool used;
};
static char *percpu_area;
static size_t percpu_used;
static struct percpu_object *percpu_objects;

void *shim_percpu_alloc(size_t size, size_t align)
{
	struct percpu_object *o;
	char *p = NULL;

	/* Give each object a whole cache line. A kernel may put two on one, which costs one CPU nothing. */
	align = max(align, 64ul);
	size = ALIGN(size, align);
	pthread_mutex_lock(&lock);
	if (!percpu_area)
		percpu_area = reserve(SHIM_PERCPU_STRIDE * SHIM_CPUS);
	for (o = percpu_objects; o; o = o->next) {
		if (!o->used && o->size == size && IS_ALIGNED(o->offset, align))
			break;
	}
	if (!o) {
		o = malloc(sizeof(*o));
		if (o) {
			o->offset = ALIGN(percpu_used, align);
			o->size = size;
			o->used = false;
		}
		if (o && percpu_area && o->offset + size <= SHIM_PERCPU_STRIDE) {
			percpu_used = o->offset + size;
			o->next = percpu_objects;
			percpu_objects = o;
		} else {
			free(o);
			o = NULL;
		}
	}
	if (o) {
		o->used = true;
		p = percpu_area + o->offset;
		for (unsigned int cpu = 0; cpu < SHIM_CPUS; cpu++)
			memset(per_cpu_ptr(p, cpu), 0, size);
	}
	pthread_mutex_unlock(&lock);
	return p;
}

void shim_percpu_free(void *p)
{
	pthread_mutex_lock(&lock);
	for (struct percpu_object *o = percpu_objects; p && o; o = o->next) {
		if (percpu_area + o->offset == (char *)p)
			o->used = false;
	}
	pthread_mutex_unlock(&lock);
}
