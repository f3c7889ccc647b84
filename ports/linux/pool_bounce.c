// SPDX-License-Identifier: GPL-2.0-only
/*
 * An untrusted device reaches whole pages, so a buffer that shares one with something else is
 * copied to pages of the slot's own. The slot keeps them for its next mapping.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/string.h>

#include "pool_int.h"

int pool_bounce_get(struct pool *p, struct pool_slot *s, unsigned int class,
		    const struct request *req, phys_addr_t *phys)
{
	size_t offset = offset_in_page(req->phys), size = PAGE_SIZE << class;
	char *page;

	if (!s->bounce)
		s->bounce = (void *)__get_free_pages(GFP_ATOMIC | __GFP_NOWARN, class);
	if (!s->bounce)
		return -ENOMEM;
	page = s->bounce;
	/*
	 * Filled whatever the direction: a device that writes less than it was asked to leaves the
	 * buffer's own bytes. What the last mapping left is not shown.
	 */
	memset(page, 0, offset);
	memcpy(page + offset, phys_to_virt(req->phys), req->len);
	memset(page + offset + req->len, 0, size - offset - req->len);
	client_count(p->c, bounced_bytes, req->len);
	*phys = virt_to_phys(page);
	return 0;
}

void pool_bounce_copy(struct pool *p, const struct pool_slot *s, u32 off, u32 len, bool for_cpu)
{
	char *there = (char *)s->bounce + offset_in_page(s->phys) + off;
	char *buffer = (char *)phys_to_virt(s->phys) + off;

	if (for_cpu)
		memcpy(buffer, there, len);
	else
		memcpy(there, buffer, len);
	client_count(p->c, bounced_bytes, len);
}

void pool_take_back(struct pool *p, struct pool_slot *s, const struct dmah *h, unsigned long attrs)
{
	if (!s->bounced)
		return;
	if (meta_device_writes(h->meta) && !(h->meta & META_NO_SYNC) &&
	    !(attrs & DMA_ATTR_SKIP_CPU_SYNC))
		pool_bounce_copy(p, s, 0, h->len, true);
	s->bounced = false;
}
