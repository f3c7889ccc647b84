// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ignores the result of every call that may fail to map or to attach: the compiler must warn of
 * each line here.
 */
#include <linux/dmah.h>
#include <linux/module.h>

#define DIR DMA_TO_DEVICE

void results_unchecked(struct device *dev, struct dmah *h, struct page *page, struct dmah_vec *v,
		       dma_addr_t *dma, struct dmah_ring *ring,
		       const struct dmah_ring_config *config);

void results_unchecked(struct device *dev, struct dmah *h, struct page *page, struct dmah_vec *v,
		       dma_addr_t *dma, struct dmah_ring *ring,
		       const struct dmah_ring_config *config)
{
	dmah_attach(dev, DMAH_MODE_WRAP);
	devm_dmah_attach(dev, DMAH_MODE_WRAP);
	dmah_map_page(dev, h, page, 0, 1, DIR);
	dmah_map_page_attrs(dev, h, page, 0, 1, DIR, DMA_ATTR_SKIP_CPU_SYNC);
	dmah_map_single(dev, h, page, 1, DIR);
	dmah_map_single_attrs(dev, h, page, 1, DIR, 0);
	dmah_map_skb_frag(dev, h, NULL, 0, 1, DIR);
	dmah_map_bvec(dev, h, NULL, DIR);
	dmah_map_bvec_attrs(dev, h, NULL, DIR, 0);
	dmah_map_resource(dev, h, 0, 1, DIR, 0);
	dmah_map_bus(dev, h, 0, 0, 1, DIR, 0);
	dmah_vec_alloc(v, 1, GFP_KERNEL);
	dmah_map_sg(dev, v, NULL, 1, DIR, 0);
	dmah_map_bvecs(dev, v, NULL, 1, DIR, 0);
	dmah_ring_alloc(dev, config);
	dmah_ring_push(ring, page, 0, 1, dma);
	dmah_alloc_coherent(dev, h, PAGE_SIZE, GFP_KERNEL);
	dmah_move(h, h);
}

MODULE_DESCRIPTION("compiled, never loaded");
MODULE_LICENSE("GPL");
