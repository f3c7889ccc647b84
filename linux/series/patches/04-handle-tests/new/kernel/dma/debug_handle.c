// SPDX-License-Identifier: GPL-2.0-only
/*
 * dma-debug's check of mapping handles. debug.c includes this file at its end.
 */
#include <linux/dma-handle.h>

/*
 * Report a map into a handle whose mapping is live. A handle that was never
 * zeroed holds an address that is not in the hash, and is not reported.
 */
void debug_dma_map_handle(struct device *dev, const struct dma_handle *h)
{
	struct dma_debug_entry ref = {
		.type = dma_debug_phy,
		.dev = dev,
		.dev_addr = h->addr,
		.size = h->len,
	};
	struct hash_bucket *bucket;
	unsigned long flags;
	bool live;

	if (unlikely(dma_debug_disabled()))
		return;
	bucket = get_hash_bucket(&ref, &flags);
	live = bucket_find_exact(bucket, &ref);
	put_hash_bucket(bucket, flags);
	if (live)
		err_printk(dev, NULL, "handle is still mapped [device address=0x%016llx]\n",
			   ref.dev_addr);
}

/* For tests: the errors so far, of which only the first are printed. */
u32 debug_dma_error_count(void)
{
	return error_count;
}
