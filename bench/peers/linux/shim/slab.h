/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Slabs: a free list for each CPU. It is cheaper than SLUB, whose double-width compare-and-exchange
 * and slow paths it lacks. An object that another CPU frees joins that CPU's list at once.
 */
#ifndef SHIM_SLAB_H
#define SHIM_SLAB_H

#include "page.h"
#include "percpu.h"

#define SLAB_HWCACHE_ALIGN 1

struct kmem_cache {
	size_t size;
	struct {
		void *head;
		char pad[56];
	} free[SHIM_CPUS];
} __attribute__((aligned(64)));

struct kmem_cache *shim_slab_create(size_t size);
/* Makes several new objects, returns one and puts the others on this CPU's list. */
void *shim_slab_refill(struct kmem_cache *cache);

#define kmem_cache_create(name, size, align, flags, ctor) shim_slab_create(size)
/* Caches are never freed. */
#define kmem_cache_destroy(cache) ((void)(cache))

static inline void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	void *p = cache->free[shim_cpu].head;

	(void)gfp;
	if (unlikely(!p))
		return shim_slab_refill(cache);
	cache->free[shim_cpu].head = *(void **)p;
	return p;
}

static inline void *kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp)
{
	void *p = kmem_cache_alloc(cache, gfp);

	if (p)
		memset(p, 0, cache->size);
	return p;
}

static inline void kmem_cache_free(struct kmem_cache *cache, void *p)
{
	*(void **)p = cache->free[shim_cpu].head;
	cache->free[shim_cpu].head = p;
}

/* Called during set-up only. */
#define kmalloc(size, gfp)	   malloc(size)
#define kzalloc(size, gfp)	   calloc(1, size)
#define kcalloc(n, size, gfp)	   calloc(n, size)
#define kzalloc_objs(type, n)	   calloc(n, sizeof(type))
#define kmalloc_obj(object, ...)   malloc(sizeof(object))
#define kzalloc_obj(object, ...)   calloc(1, sizeof(object))
#define kfree(p)		   free(p)
#define vmalloc(size)		   malloc(size)
#define vfree(p)		   free(p)
#define kmemleak_transient_leak(p) ((void)(p))

#endif
