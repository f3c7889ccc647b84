// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests and measurements of mapping in a kernel of the series, on QEMU's device edu. Loading the
 * module runs them; the results are KTAP and lines "series: figure" in the kernel's log.
 */
#include <linux/module.h>
#include "test.h"

static bool bench;
module_param(bench, bool, 0);
MODULE_PARM_DESC(bench, "measure, instead of checking");

static bool incoherent;
module_param(incoherent, bool, 0);
MODULE_PARM_DESC(incoherent, "let the kernel maintain caches for edu");

static bool zero_outlives;
module_param(zero_outlives, bool, 0);
MODULE_PARM_DESC(zero_outlives, "the kernel does not unmap IOVA 0");

static bool slots = IS_ENABLED(CONFIG_X86);
module_param(slots, bool, 0);
MODULE_PARM_DESC(slots, "handles have slots behind this IOMMU");

static bool control;
module_param(control, bool, 0);
MODULE_PARM_DESC(control, "make faults that sanitizers must report, and do nothing else");

static unsigned int results;

void report(bool ok, const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;

	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	pr_info("%s %u - %pV\n", ok ? "ok" : "not ok", ++results, &vaf);
	va_end(args);
}

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct edu edu;
	int err = edu_open(&edu, pdev, incoherent);

	if (err) {
		report(false, "edu cannot be used: error %d", err);
		return err;
	}
	pr_info("series: %s untrusted %d strict %d coherent %d\n", pci_name(pdev), edu.untrusted,
		edu.strict, dev_is_dma_coherent(&pdev->dev));
	if (bench) {
		err = bench_all(&edu, 0, PAGE_SIZE);
		report(!err, "figures of whole pages, error %d", err);
		err = bench_all(&edu, 0, 16 * PAGE_SIZE);
		report(!err, "figures of 16 pages, error %d", err);
		err = bench_all(&edu, 64, 1500);
		report(!err, "figures of parts of pages, error %d", err);
	} else {
		if (IS_ENABLED(CONFIG_ARM_DMA_USE_IOMMU) && edu.strict)
			check_zero(&edu, zero_outlives);
		check_all(&edu, slots);
		if ((edu.strict || edu.lazy) && !edu.untrusted)
			check_churn(&edu);
	}
	edu_close(&edu);
	return -ENODEV; /* the device is free for the next module */
}

static void remove(struct pci_dev *pdev)
{
}

static const struct pci_device_id ids[] = { { PCI_DEVICE(0x1234, 0x11e8) }, {} };

static struct pci_driver driver = {
	.name = "series_test",
	.id_table = ids,
	.probe = probe,
	.remove = remove,
};

static int __init start(void)
{
	int err;

	pr_info("KTAP version 1\n");
	if (control) {
		provoke_all();
		pr_info("1..%u\n", results);
		return 0;
	}
	err = pci_register_driver(&driver);
	if (err)
		return err;
	pci_unregister_driver(&driver);
	if (!results)
		report(false, "there is no edu");
	pr_info("1..%u\n", results);
	return 0;
}

static void __exit stop(void)
{
}

module_init(start);
module_exit(stop);
MODULE_DESCRIPTION("Tests and measurements of DMA mapping");
MODULE_LICENSE("GPL");
