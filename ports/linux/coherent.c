// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that CPU and device share.
 */
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "client.h"
#include "domain.h"
#include "trace.h"

/* ---- by the kernel's DMA API; always recorded, as the CPU pointer is needed to free ---- */

static phys_addr_t phys_of(void *cpu)
{
	return is_vmalloc_addr(cpu) ? page_to_phys(vmalloc_to_page(cpu)) + offset_in_page(cpu)
				    : virt_to_phys(cpu);
}

static void *wrap_alloc(struct client *c, struct dmah *h, size_t size, gfp_t gfp,
			unsigned long caller)
{
	dma_addr_t dma;
	void *cpu = dma_alloc_coherent(c->dev, size, &dma, gfp);

	if (!cpu)
		return NULL;
	h->dma = dma;
	h->phys = phys_of(cpu);
	h->len = (u32)size;
	h->meta = META_DIR | META_COHERENT | FIELD_PREP(META_KIND, KIND_COHERENT) | c->meta;
	h->backend = record_add(&c->records, h, caller, cpu);
	if (h->backend)
		return cpu;
	dma_free_coherent(c->dev, size, cpu, dma);
	handle_clear(h);
	return NULL;
}

static int wrap_free(struct client *c, struct dmah *h, unsigned long caller)
{
	static const char what[] = "free of coherent memory that is not live";
	int err = client_check(c, h, META_COHERENT, what, caller);
	void *cpu;

	if (err)
		return err;
	if (!record_remove(&c->records, h->backend, h, &cpu))
		return misuse_handle(c, -ESTALE, h, what, caller);
	dma_free_coherent(c->dev, h->len, cpu, h->dma);
	client_count(c, unmaps, 1);
	trace_dma_unmap_phys(c->dev, h, caller);
	handle_clear(h);
	return 0;
}

/* ---- through the client's own domain ---- */

/* A device that is not coherent sees memory; so must the CPU. */
static void *uncached(void *linear, size_t size)
{
	unsigned int n = (unsigned int)(size >> PAGE_SHIFT);
	struct page **pages = kvmalloc_array(n, sizeof(*pages), GFP_KERNEL);
	void *cpu;

	if (!pages)
		return NULL;
	for (unsigned int i = 0; i < n; i++)
		pages[i] = virt_to_page((char *)linear + i * PAGE_SIZE);
	cache_flush_kernel(linear, size);
	cpu = vmap(pages, n, VM_MAP, pgprot_writecombine(PAGE_KERNEL));
	kvfree(pages);
	return cpu;
}

static void release(struct client *c, void *cpu, phys_addr_t phys, size_t size)
{
	if (!c->coherent && cpu)
		vunmap(cpu);
	free_pages_exact(phys_to_virt(phys), size);
}

static void *own_alloc(struct client *c, struct dmah *h, size_t size, gfp_t gfp,
		       unsigned long caller)
{
	struct request req = { .len = (u32)size,
			       .meta = META_DIR | META_COHERENT,
			       .caller = caller };
	void *linear = alloc_pages_exact(size, (gfp | __GFP_ZERO) & ~(__GFP_DMA | __GFP_DMA32 |
								      __GFP_HIGHMEM | __GFP_COMP));
	void *cpu = linear;

	if (!linear)
		return NULL;
	req.phys = virt_to_phys(linear);
	if (!c->coherent)
		cpu = gfpflags_allow_blocking(gfp) ? uncached(linear, size) : NULL;
	if (!cpu || map_request(c, h, &req)) {
		release(c, cpu, req.phys, size);
		return NULL;
	}
	*domain_coherent(c, h) = (u64)(uintptr_t)cpu;
	return cpu;
}

static int own_free(struct client *c, struct dmah *h, unsigned long caller)
{
	u64 *kept = domain_coherent(c, h);
	void *cpu = kept ? (void *)(uintptr_t)*kept : NULL;
	struct dmah was = *h;
	int err = unmap_handle(c, h, META_COHERENT, 0, caller);

	if (!err)
		release(c, cpu, was.phys, was.len);
	return err;
}

static void *coherent_alloc(struct client *c, struct dmah *h, size_t size, gfp_t gfp,
			    unsigned long caller)
{
	void *cpu;

	if (h->meta || !size || size > U32_MAX - PAGE_SIZE) {
		client_count(c, failed_maps, 1);
		misuse_handle(c, -EINVAL, h,
			      "coherent memory into a handle that is not idle, or of no size",
			      caller);
		return NULL;
	}
	size = PAGE_ALIGN(size);
	if (client_domain(c))
		return own_alloc(c, h, size, gfp, caller);
	cpu = wrap_alloc(c, h, size, gfp, caller);
	if (cpu) {
		client_count(c, maps, 1);
		trace_dma_map_phys(c->dev, h, caller);
	} else {
		client_count(c, failed_maps, 1);
	}
	return cpu;
}

void *dmah_alloc_coherent(struct device *dev, struct dmah *h, size_t size, gfp_t gfp)
{
	struct client *c = client_of(dev);

	return c ? coherent_alloc(c, h, size, gfp, _RET_IP_) : NULL;
}
EXPORT_SYMBOL_GPL(dmah_alloc_coherent);

int dmah_free_coherent(struct device *dev, struct dmah *h)
{
	struct client *c = client_of(dev);

	if (!h->meta)
		return 0;
	if (!c)
		return -ENODEV;
	return client_domain(c) ? own_free(c, h, _RET_IP_) : wrap_free(c, h, _RET_IP_);
}
EXPORT_SYMBOL_GPL(dmah_free_coherent);

/* ---- for drivers that keep the address ---- */

/**
 * struct kept - the handle of such memory, in domain mode.
 * @link: in the client's list.
 * @h: the handle.
 * @cpu: the CPU's pointer.
 */
struct kept {
	struct list_head link;
	struct dmah h;
	void *cpu;
};

static void *kept_alloc(struct client *c, size_t size, dma_addr_t *dma, gfp_t gfp,
			unsigned long caller)
{
	struct kept *k = kzalloc(sizeof(*k), gfp & ~(__GFP_DMA | __GFP_DMA32 | __GFP_HIGHMEM));
	unsigned long flags;

	if (!k)
		return NULL;
	k->cpu = coherent_alloc(c, &k->h, size, gfp, caller);
	if (!k->cpu) {
		kfree(k);
		return NULL;
	}
	*dma = dmah_addr(&k->h);
	spin_lock_irqsave(&c->kept_lock, flags);
	list_add(&k->link, &c->kept);
	spin_unlock_irqrestore(&c->kept_lock, flags);
	return k->cpu;
}

/* Remove from the list. Return: NULL: it was mapped by the kernel's API, before the attach. */
static struct kept *kept_take(struct client *c, const void *cpu, dma_addr_t dma)
{
	struct kept *k, *found = NULL;
	unsigned long flags;

	spin_lock_irqsave(&c->kept_lock, flags);
	list_for_each_entry(k, &c->kept, link) {
		if (k->cpu == cpu && dmah_addr(&k->h) == dma) {
			found = k;
			list_del(&k->link);
			break;
		}
	}
	spin_unlock_irqrestore(&c->kept_lock, flags);
	return found;
}

void coherent_forget(struct client *c)
{
	struct kept *k, *next;

	list_for_each_entry_safe(k, next, &c->kept, link) kfree(k);
}

void *dmah_alloc_coherent_at(struct device *dev, size_t size, dma_addr_t *dma, gfp_t gfp)
{
	struct client *c = client_of(dev);

	return c && client_domain(c) ? kept_alloc(c, size, dma, gfp, _RET_IP_)
				     : dma_alloc_coherent(dev, size, dma, gfp);
}
EXPORT_SYMBOL_GPL(dmah_alloc_coherent_at);

void dmah_free_coherent_at(struct device *dev, size_t size, void *cpu, dma_addr_t dma)
{
	struct client *c = client_of(dev);
	struct kept *k = c && client_domain(c) ? kept_take(c, cpu, dma) : NULL;

	if (!k) {
		dma_free_coherent(dev, size, cpu, dma);
		return;
	}
	(void)own_free(c, &k->h, _RET_IP_);
	kfree(k);
}
EXPORT_SYMBOL_GPL(dmah_free_coherent_at);
