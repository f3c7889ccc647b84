/* SPDX-License-Identifier: GPL-2.0-only */
/* Tests and measurements of mapping in a kernel of the series, on QEMU's device edu. */
#ifndef SERIES_TEST_H
#define SERIES_TEST_H

#include <linux/pci.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#if __has_include(<linux/dma-handle.h>)
#include <linux/dma-handle.h>
#define HAVE_HANDLE 1
#endif
#if __has_include(<linux/dma-unmap-batch.h>)
#include <linux/dma-unmap-batch.h>
#define HAVE_BATCH 1
#endif
#if __has_include(<linux/dma-unmap-phys.h>) && defined(CONFIG_DMA_UNMAP_BY_PHYS)
#include <linux/dma-unmap-phys.h>
#define HAVE_UNMAP_PHYS 1
#endif

/* One mapping by any of the interfaces. */
struct mapping {
	phys_addr_t phys;
	size_t size;
	enum dma_data_direction dir;
	dma_addr_t addr;
#ifdef HAVE_HANDLE
	struct dma_handle h;
#endif
};

/* One way to map. */
struct api {
	const char *name;
	int (*map)(struct device *dev, struct mapping *m);
	void (*unmap)(struct device *dev, struct mapping *m);
	void (*sync_cpu)(struct device *dev, struct mapping *m);
	void (*sync_dev)(struct device *dev, struct mapping *m);
	bool wrong_if_bounced; /* loses data and bounce buffers, and is here to show it */
	unsigned int batch; /* 0, or unmaps that share a flush: measured, and checked by themselves */
};

extern const struct api apis[];
extern const unsigned int api_count;

/* edu: a device that copies between memory and a buffer of its own. */
struct edu {
	struct pci_dev *pdev;
	void __iomem *regs;
	bool untrusted;
	bool strict; /* an IOMMU blocks what is unmapped, at once */
	bool lazy; /* an IOMMU blocks what is unmapped, soon */
};

/* incoherent: the kernel maintains the CPU's caches for it (arm only) */
int edu_open(struct edu *edu, struct pci_dev *pdev, bool incoherent);
void edu_close(struct edu *edu);
/* Copy from memory into edu's buffer, or back. size is less than 4,096 bytes. */
int edu_transfer(struct edu *edu, dma_addr_t addr, size_t size, bool from_memory);

/* slots: handles of this kernel have slots for edu. */
void check_all(struct edu *edu, bool slots);
/* Two CPUs at once. An IOMMU must translate for edu. */
void check_churn(struct edu *edu);
/* The first mapping of all, at IOVA 0. outlives: the kernel has the bug that unmap leaves it there. */
void check_zero(struct edu *edu, bool outlives);
int bench_all(struct edu *edu, size_t offset, size_t size);

/* Make faults that sanitizers report. */
void provoke_all(void);

/* One line of KTAP. */
void report(bool ok, const char *fmt, ...) __printf(2, 3);

#endif
