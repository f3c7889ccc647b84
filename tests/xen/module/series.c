// SPDX-License-Identifier: GPL-2.0-only
/*
 * Foreign pages in dom0 of Xen, by the kernel's own API and by handle. A page of another domain is
 * mapped at two physical addresses, which share one DMA address.
 */
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <xen/xen.h>
#if __has_include(<linux/dma-handle.h>)
#include <linux/dma-handle.h>
#define HAVE_HANDLE 1
#endif

#include "edu.h"
#include "guest.h"
#include "ktap.h"

#define OFF 0x1e4u
#define LEN 0x8d2u

static bool force;
module_param(force, bool, 0);
MODULE_PARM_DESC(force, "the kernel runs with swiotlb=force");

static u32 cases, seeds;

void note(const char *text, ...)
{
}

bool check(bool ok, const char *name, ...)
{
	struct va_format line = { .fmt = name };
	va_list args;

	va_start(args, name);
	line.va = &args;
	pr_info("%s %u - %pV\n", ok ? "ok" : "not ok", ++cases, &line);
	va_end(args);
	return ok;
}

/* One mapping of a part of a view. */
struct mapping {
	struct device *dev;
	const struct view *view;
	enum dma_data_direction dir;
	bool by_handle;
	dma_addr_t addr;
#ifdef HAVE_HANDLE
	struct dma_handle h;
#endif
};

static int map(struct mapping *m)
{
#ifdef HAVE_HANDLE
	if (m->by_handle) {
		int err = dma_map_handle_page(m->dev, &m->h, m->view->page, OFF, LEN, m->dir);

		m->addr = dma_handle_addr(&m->h);
		return err;
	}
#endif
	m->addr = dma_map_page(m->dev, m->view->page, OFF, LEN, m->dir);
	return dma_mapping_error(m->dev, m->addr);
}

static void unmap(struct mapping *m)
{
#ifdef HAVE_HANDLE
	if (m->by_handle) {
		dma_unmap_handle(m->dev, &m->h);
		return;
	}
#endif
	dma_unmap_page(m->dev, m->addr, LEN, m->dir);
}

static void sync(struct mapping *m, bool for_cpu)
{
#ifdef HAVE_HANDLE
	if (m->by_handle) {
		if (for_cpu)
			dma_sync_handle_for_cpu(m->dev, &m->h, 0, LEN);
		else
			dma_sync_handle_for_device(m->dev, &m->h, 0, LEN);
		return;
	}
#endif
	if (for_cpu)
		dma_sync_single_for_cpu(m->dev, m->addr, LEN, m->dir);
	else
		dma_sync_single_for_device(m->dev, m->addr, LEN, m->dir);
}

#ifdef HAVE_HANDLE
/* The handle has the DMA address for the hypercall, and the physical address of this alias. */
static void check_handle(const struct frame *f, const struct mapping *m)
{
	const struct dma_handle *h = &m->h;
	bool coherent = dev_is_dma_coherent(m->dev);
	bool foreign = !f->own && !coherent && !force;

	if (force) {
		check(h->state & DMA_HANDLE_BOUNCED && h->phys != m->view->phys + OFF,
		      "%s of %s: bounced", m->view->name, f->where);
		return;
	}
	check(h->phys == m->view->phys + OFF && h->addr == m->view->bus + OFF,
	      "%s of %s: handle has physical address %pap and DMA address %pad", m->view->name,
	      f->where, &h->phys, &h->addr);
	check(!!(h->state & DMA_HANDLE_FOREIGN) == foreign, "%s of %s: %s", m->view->name, f->where,
	      foreign ? "foreign, caches are maintained by hypercall"
		      : "caches are maintained by the kernel, or not at all");
}
#endif

/* Memory, edu, the same memory by another alias. Returns wrong bytes, or an error. */
static int trip(const struct frame *f, void __iomem *regs, struct mapping *m)
{
	u32 sent = ++seeds, before = ++seeds;
	int err;

	m->dir = DMA_TO_DEVICE;
	err = owner_fill(f, sent) ?: map(m);
	if (err)
		return err;
	err = edu_read(regs, m->addr, LEN);
	unmap(m);
	m->dir = DMA_BIDIRECTIONAL;
	err = err ?: owner_fill(f, before);
	err = err ?: map(m);
	if (err)
		return err;
#ifdef HAVE_HANDLE
	if (m->by_handle)
		check_handle(f, m);
#endif
	err = edu_write(regs, m->addr, LEN);
	sync(m, true);
	err = err ?: frame_wrong(f, sent, before, OFF, LEN);
	/* The device reads what the CPU writes while the mapping stays. */
	err = err ?: owner_fill(f, before);
	sync(m, false);
	err = err ?: edu_read(regs, m->addr, LEN);
	err = err ?: owner_fill(f, sent);
	sync(m, false);
	err = err ?: edu_write(regs, m->addr, LEN);
	unmap(m);
	return err ?: frame_wrong(f, before, sent, OFF, LEN);
}

static void trips(const struct frame *f, struct device *dev, void __iomem *regs)
{
#ifdef HAVE_HANDLE
	u32 apis = 2;
#else
	u32 apis = 1;
#endif
	u32 n, api;

	for (api = 0; api < apis; api++) {
		for (n = 0; n < f->pages; n++) {
			struct mapping m = { .dev = dev, .view = &f->view[n], .by_handle = api };
			int wrong = trip(f, regs, &m);

			check(!wrong, "%s, %s: %s to edu and back, result %d", f->where,
			      api ? "handle" : "address", f->view[n].name, wrong);
		}
	}
}

static void test(struct pci_dev *pdev, void __iomem *regs)
{
	struct frame self, other;
	int err, ref, kind;

	pr_info("KTAP version 1\n");
	check(xen_initial_domain(), "this is dom0");
	err = frame_self(&self);
	check(!err, "dom0 maps its own grant twice, error %d", err);
	ref = err ? err : guest_find();
	check(ref > 0, "domain 1 grants a page, reference %d", ref);
	if (ref > 0)
		err = frame_other(&other, 1, ref);
	if (check(ref > 0 && !err, "dom0 maps the page of domain 1 twice")) {
		for (kind = 0; kind < 2; kind++) {
			if (kind)
				dev_clear_dma_coherent(&pdev->dev);
			err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
			check(!err && dev_is_dma_coherent(&pdev->dev) == !kind,
			      "the device is %scoherent for the kernel", kind ? "not " : "");
			trips(&self, &pdev->dev, regs);
			trips(&other, &pdev->dev, regs);
		}
		frame_free(&other);
		guest_lose();
	}
	frame_free(&self);
	pr_info("1..%u\n", cases);
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int err = pcim_enable_device(pdev);
	void __iomem *regs;

	if (err)
		return err;
	regs = pcim_iomap(pdev, 0, 0);
	if (!regs || !edu_is_one(regs))
		return -ENODEV;
	pci_set_master(pdev);
	test(pdev, regs);
	return 0;
}

static const struct pci_device_id ids[] = { { PCI_DEVICE(0x1234, 0x11e8) }, {} };

static struct pci_driver series_driver = {
	.name = "series_xen",
	.id_table = ids,
	.probe = edu_probe,
};

module_pci_driver(series_driver);

MODULE_DESCRIPTION("Foreign pages by handle in a kernel of the series");
MODULE_LICENSE("GPL");
