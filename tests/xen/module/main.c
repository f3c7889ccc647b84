// SPDX-License-Identifier: GPL-2.0-only
/*
 * Foreign pages by handle, on Xen, in dom0, with QEMU's edu device for real DMA.
 */
#include <linux/dma-map-ops.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_device.h>
#include <linux/pci.h>
#include <xen/xen.h>

#include "edu.h"
#include "guest.h"
#include "ktap.h"
#include "mapping.h"
#include "probe.h"
#include "test.h"

static bool guest;
module_param(guest, bool, 0444);
MODULE_PARM_DESC(guest, "domain 1 runs xen_guest.ko");

static bool force;
module_param(force, bool, 0444);
MODULE_PARM_DESC(force, "the kernel runs with swiotlb=force");

static bool records = true;
module_param(records, bool, 0444);
MODULE_PARM_DESC(records, "dmah.ko was loaded with check=1");

static bool brief;
module_param(brief, bool, 0444);
MODULE_PARM_DESC(brief, "only a device that is not coherent, and no negative control");

static bool ticks;
module_param(ticks, bool, 0444);
MODULE_PARM_DESC(ticks, "time the calls, and test nothing");

static u32 cases;
static const char *about = "";
static char notes[8][160];
static u32 noted;

void note(const char *text, ...)
{
	va_list args;

	va_start(args, text);
	vscnprintf(notes[noted % ARRAY_SIZE(notes)], sizeof(notes[0]), text, args);
	va_end(args);
	noted++;
}

bool check(bool ok, const char *name, ...)
{
	struct va_format line = { .fmt = name };
	va_list args;

	if (!ok)
		for (u32 i = noted - min_t(u32, noted, ARRAY_SIZE(notes)); i < noted; i++)
			pr_info("# %s\n", notes[i % ARRAY_SIZE(notes)]);
	noted = 0;
	va_start(args, name);
	line.va = &args;
	pr_info("%s %u %s%pV\n", ok ? "ok" : "not ok", ++cases, about, &line);
	va_end(args);
	return ok;
}

/* Kinds of device that the kernel can take edu for. */
enum kind { COHERENT, NOT_COHERENT, WITHOUT_XEN };

static const char *const kind_name[] = { "coherent: ", "not coherent: ",
					 "without Xen's DMA operations: " };

static int become(struct device *dev, enum kind kind)
{
	/* A node without "dma-coherent" makes a device that is not; QEMU's PCI host has it. */
	struct device_node *node = kind == NOT_COHERENT ? of_find_node_by_path("/timer")
							: of_find_node_by_type(NULL, "pci");
	int err;

	if (!node)
		return -ENODEV;
	err = of_dma_configure(dev, node, true);
	of_node_put(node);
	if (err)
		return err;
	if (kind == WITHOUT_XEN)
		set_dma_ops(dev, NULL);
	return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
}

static void on_frame(const struct setup *s, const struct frame *f, enum kind kind)
{
	if (ticks) {
		test_ticks(s, f);
		return;
	}
	if (kind == WITHOUT_XEN) {
		test_without_xen(s, f);
		return;
	}
	if (!brief) {
		test_trips(s, f);
		test_straddle(s, f);
	}
	/* A sync does no more than its checks if nothing bounces and caches need nothing. */
	if (kind == NOT_COHERENT || s->force)
		test_syncs(s, f);
	test_two_live(s, f);
	test_vector(s, f);
	test_cost(s, f);
}

static void as_kind(struct setup *s, enum kind kind, const struct frame *self,
		    const struct frame *other)
{
	struct dmah_stats stats = {};
	int err = become(s->dev, kind);

	about = kind_name[kind];
	s->coherent = kind != NOT_COHERENT;
	err = err ?: dmah_attach(s->dev, DMAH_MODE_WRAP);
	note("%d, coherent %d", err, dev_is_dma_coherent(s->dev));
	if (check(!err && dev_is_dma_coherent(s->dev) == s->coherent, "edu is attached")) {
		on_frame(s, self, kind);
		if (other)
			on_frame(s, other, kind);
		if (!ticks)
			test_coherent(s);
		err = dmah_get_stats(s->dev, &stats) ?: dmah_detach(s->dev);
		note("%d, %llu live", err, stats.live);
		check(!err && !stats.live, "nothing is left mapped");
	}
	about = "";
}

static void with_frames(struct setup *s)
{
	struct frame self, other;
	int err = frame_self(&self), ref = 0;

	note("%d", err);
	if (!check(!err, "dom0 maps its own grant twice"))
		goto out;
	test_frame(&self);
	if (guest) {
		ref = guest_find();
		note("%d", ref);
		if (!check(ref > 0, "domain 1 grants a page"))
			goto out;
		err = frame_other(&other, 1, ref);
		note("%d", err);
		if (check(!err, "dom0 maps it twice, and once where the kernel maps nothing"))
			test_frame(&other);
	}
	if (!err) {
		for (enum kind kind = brief ? NOT_COHERENT : COHERENT;
		     kind <= (brief || force ? NOT_COHERENT : WITHOUT_XEN); kind++)
			as_kind(s, kind, &self, guest ? &other : NULL);
	}
	if (ref > 0) {
		frame_free(&other);
		guest_lose();
	}
out:
	frame_free(&self);
}

static void test(struct pci_dev *pdev, void __iomem *regs)
{
	struct setup s = { .dev = &pdev->dev, .regs = regs, .force = force, .check = records };
	const char *failed = "";
	int err = ticks ? 0 : probe_begin(&failed);

	pr_info("KTAP version 1\n");
	check(xen_initial_domain(), "this is dom0");
	note("%s: %d", failed, err);
	if (check(!err, "the functions that are counted can be probed")) {
		with_frames(&s);
		if (!ticks)
			probe_end();
	}
	pr_info("1..%u\n", cases);
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	void __iomem *regs;
	int err;

	err = pcim_enable_device(pdev);
	if (!err)
		err = pcim_iomap_regions(pdev, BIT(0), KBUILD_MODNAME);
	if (err)
		return err;
	regs = pcim_iomap_table(pdev)[0];
	if (!edu_is_one(regs))
		return -ENODEV;
	pci_set_master(pdev);
	test(pdev, regs);
	return 0;
}

static const struct pci_device_id ids[] = { { PCI_DEVICE(0x1234, 0x11e8) }, {} };
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver edu_driver = {
	.name = KBUILD_MODNAME,
	.id_table = ids,
	.probe = edu_probe,
};
module_pci_driver(edu_driver);

MODULE_DESCRIPTION("dmah on Xen: foreign pages by handle");
MODULE_LICENSE("GPL");
