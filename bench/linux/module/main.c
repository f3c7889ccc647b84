// SPDX-License-Identifier: GPL-2.0-only
/*
 * dmah_cost: a driver of QEMU's edu that maps and unmaps and never does DMA. Loading it measures,
 * and prints lines that begin with "dmah-cost:" for scripts to read; bench/linux/evidence.py boots
 * machines for it.
 */
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/utsname.h>

#include "cost.h"

static bool probes;
module_param(probes, bool, 0444);
MODULE_PARM_DESC(probes, "count calls of the kernel's functions, and not instructions");
static uint passes = 60;
module_param(passes, uint, 0444);
MODULE_PARM_DESC(passes, "how often each of the 256 mappings is ended and made anew");
static char *only = "";
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "of first, stock, handle, ring, pieces, io and names of cases, with commas "
		       "between; empty: all");
static char *label = "";
module_param(label, charp, 0444);
MODULE_PARM_DESC(label, "put behind the names of the cases of handles");

static uint cpus;
module_param(cpus, uint, 0444);
MODULE_PARM_DESC(cpus, "rounds in which one CPU, then two at once map and unmap; 0: as else");

static bool done;

/* ---- which ---- */

static bool listed(const char *name)
{
	size_t len = strlen(name);

	for (const char *at = only; at; at = strchr(at, ',')) {
		if (*at == ',')
			at++;
		if (!strncmp(at, name, len) && (at[len] == ',' || !at[len]))
			return true;
	}
	return !*only;
}

static void run_list(const char *set, const struct cost_case *list, struct cost *c)
{
	for (const struct cost_case *k = list; k->name; k++) {
		struct cost_case named = *k;
		char name[48];

		if (!listed(set) && !listed(k->name))
			continue;
		snprintf(name, sizeof(name), "%s%s", k->name, label);
		named.name = name;
		cost_run(&named, c, passes, probes);
	}
}

/* ---- the device ---- */

static void free_slots(struct cost *c)
{
	for (u32 i = 0; c->slots && i < COST_LIVE; i++) {
		if (c->slots[i].page)
			__free_page(c->slots[i].page);
	}
	kvfree(c->slots);
}

static int alloc_slots(struct cost *c)
{
	c->slots = kvcalloc(COST_LIVE, sizeof(*c->slots), GFP_KERNEL);
	if (!c->slots)
		return -ENOMEM;
	for (u32 i = 0; i < COST_LIVE; i++) {
		c->slots[i].page = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!c->slots[i].page) {
			free_slots(c);
			return -ENOMEM;
		}
	}
	return 0;
}

static int run_cpus(struct cost *c)
{
	struct cost two[2] = { *c, *c };
	int err = alloc_slots(&two[1]);

	if (err)
		return err;
	cost_run_cpus(two, cpus, passes, probes);
	free_slots(&two[1]);
	return 0;
}

static void print_machine(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	pr_info("dmah-cost: machine kernel=%s domain=%s untrusted=%d\n", utsname()->release,
		!domain || domain->type == IOMMU_DOMAIN_IDENTITY ? "none"
		: domain->type == IOMMU_DOMAIN_DMA_FQ		 ? "lazy"
		: domain->type == IOMMU_DOMAIN_DMA		 ? "strict"
								 : "other",
		dev_is_pci(dev) && to_pci_dev(dev)->untrusted);
}

static int cost_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	/*
	 * Packets as a network card receives them, behind room for headers; and whole pages. An untrusted
	 * device's are bounced and not. Since 6.12 the kernel's own syncs do nothing until
	 * something has bounced: the order counts.
	 */
	static const struct {
		u32 off, len;
	} sizes[] = { { 64, 1522 }, { 0, 4096 } };
	struct cost c = { .dev = &pdev->dev };
	int err;

	if (done)
		return -EBUSY;
	done = true;
	err = dma_set_mask_and_coherent(c.dev, DMA_BIT_MASK(32));
	if (!err)
		err = alloc_slots(&c);
	if (err)
		return err;
	print_machine(c.dev);
	cost_calibrate();
	if (probes) {
		err = probes_begin();
		if (err) {
			free_slots(&c);
			return err;
		}
	}
	c.len = PAGE_SIZE;
	if (cpus)
		err = run_cpus(&c);
	else
		run_list("first", cases_first, &c);
	for (u32 i = 0; i < ARRAY_SIZE(sizes) && !cpus; i++) {
		c.off = sizes[i].off;
		c.len = sizes[i].len;
		run_list("stock", cases_stock, &c);
		run_list("handle", cases_handle, &c);
		run_list("ring", cases_ring, &c);
		/* An IOMMU's driver knows pages alone; a disk's requests are of whole ones. */
		if (c.len == PAGE_SIZE) {
			run_list("pieces", cases_pieces, &c);
			run_list("io", cases_io, &c);
		}
	}
	if (probes)
		probes_end();
	free_slots(&c);
	pr_info("dmah-cost: end\n");
	return err;
}

static const struct pci_device_id ids[] = { { PCI_DEVICE(0x1234, 0x11e8) }, {} };
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver cost_driver = {
	.name = "dmah_cost",
	.id_table = ids,
	.probe = cost_probe,
};
module_pci_driver(cost_driver);

MODULE_DESCRIPTION("What DMA mapping costs, by address and by handle");
MODULE_LICENSE("GPL");
