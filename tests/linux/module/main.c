// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver of three edu devices: one is tested, one more is attached, one is not. What kind of
 * machine it is on, the harness says (tests/linux/machines.py); whether that is so, the cases find
 * out.
 */
#include <linux/module.h>

#include "test.h"

static int mode;
module_param(mode, int, 0444);
MODULE_PARM_DESC(mode, "enum dmah_mode to attach in");
static int want;
module_param(want, int, 0444);
MODULE_PARM_DESC(want, "what dmah_mode() must say then");
static bool block;
module_param(block, bool, 0444);
MODULE_PARM_DESC(block, "an IOMMU stands between the device and memory");
static bool strict;
module_param(strict, bool, 0444);
MODULE_PARM_DESC(strict, "the kernel's own unmaps are strict");
static bool untrusted;
module_param(untrusted, bool, 0444);
MODULE_PARM_DESC(untrusted, "the kernel takes the device for untrusted");
static bool swiotlb;
module_param(swiotlb, bool, 0444);
MODULE_PARM_DESC(swiotlb, "the kernel bounces all");
static bool late;
module_param(late, bool, 0444);
MODULE_PARM_DESC(late, "the deadline of lazy slots is an hour");
static char *leave;
module_param(leave, charp, 0444);
MODULE_PARM_DESC(leave, "no tests: leave a \"mapping\" at unbind, or the \"device\" attached");
static char *only;
module_param(only, charp, 0444);
MODULE_PARM_DESC(only, "run the cases alone that have this in their name");

static struct test tests;
static struct pci_dev *found[3];
static void __iomem *found_regs;
static int count;

bool test_check(struct test *t, bool ok, const char *what, const char *file, int line)
{
	if (!ok) {
		pr_info("# %s:%d: not so: %s\n", file, line, what);
		t->failed = true;
	}
	return ok;
}

bool test_equal(struct test *t, long long a, long long b, const char *what, const char *want_text,
		const char *file, int line)
{
	if (a != b) {
		pr_info("# %s:%d: %s is %lld, not %s (%lld)\n", file, line, what, a, want_text, b);
		t->failed = true;
	}
	return a == b;
}

u64 test_live(struct test *t)
{
	struct dmah_stats s = {};

	CHECK_EQ(t, dmah_get_stats(t->dev, &s), 0);
	return s.live;
}

static bool is_pool(const struct test *t)
{
	return t->mode == DMAH_MODE_POOL_STRICT || t->mode == DMAH_MODE_POOL_LAZY;
}

static bool planned(const struct test *t, const struct test_case *c)
{
	unsigned int have = 0;

	have |= t->block ? NEED_BLOCK : NEED_NO_BLOCK;
	if (t->mode == DMAH_MODE_WRAP)
		have |= NEED_WRAP;
	else
		have |= is_pool(t) ? NEED_POOL : NEED_DOMAIN;
	have |= t->untrusted ? NEED_UNTRUSTED : NEED_TRUSTED;
	if (!t->untrusted && !t->swiotlb)
		have |= NEED_PLAIN;
	if (t->strict)
		have |= NEED_STRICT;
	if (t->mode == DMAH_MODE_DOMAIN_LAZY || t->mode == DMAH_MODE_POOL_LAZY)
		have |= NEED_LAZY;
	if (late)
		have |= NEED_LATE;
	if (num_online_cpus() > 1)
		have |= NEED_SMP;
	if (only && !strstr(c->name, only))
		return false;
	return (c->need & have) == c->need;
}

static void test_mode(struct test *t)
{
	CHECK_EQ(t, dmah_mode(t->dev), want);
	CHECK_EQ(t, dmah_mode(t->other), want);
	CHECK_EQ(t, edu_setup(t), 0);
}

static const struct test_case first_cases[] = {
	{ "attached in the mode that the machine allows", test_mode }, {}
};

static const struct test_case *const groups[] = {
	first_cases,  form_cases,    set_cases,	   pieces_cases, block_cases,
	misuse_cases, context_cases, place_cases,  race_cases,	 shared_cases,
	reuse_cases,  exhaust_cases, inject_cases, last_cases,
};

static int run_tests(struct test *t)
{
	const struct test_case *c;
	int n = 0, bad = 0;
	size_t g;

	pr_info("KTAP version 1\n");
	for (g = 0; g < ARRAY_SIZE(groups); g++)
		for (c = groups[g]; c->name; c++)
			n += planned(t, c);
	pr_info("1..%d\n", n);
	n = 0;
	for (g = 0; g < ARRAY_SIZE(groups); g++) {
		for (c = groups[g]; c->name; c++) {
			if (!planned(t, c))
				continue;
			t->failed = false;
			c->run(t);
			bad += t->failed;
			pr_info("%s %d - %s\n", t->failed ? "not ok" : "ok", ++n, c->name);
			cond_resched();
		}
	}
	return bad;
}

/* Mapped and forgotten. By this name the report must tell who it was. */
static noinline int dmah_test_forgets(struct device *dev)
{
	static struct dmah h;
	struct page *page = alloc_page(GFP_KERNEL);
	int err;

	if (!page)
		return -ENOMEM;
	/* the page is never given back, since the device may reach it */
	err = dmah_map_page(dev, &h, page, 128, 1000, DMA_FROM_DEVICE);
	barrier();
	return err;
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int err;

	if (count == ARRAY_SIZE(found))
		return -ENODEV;
	err = pcim_enable_device(pdev);
	if (!err)
		err = pcim_iomap_regions(pdev, BIT(0), KBUILD_MODNAME);
	if (!err)
		err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		return err;
	pci_set_master(pdev);
	if (leave && !strcmp(leave, "device")) {
		if (!count)
			err = dmah_attach(&pdev->dev, (enum dmah_mode)mode);
	} else if (count < 2) {
		err = devm_dmah_attach(&pdev->dev, (enum dmah_mode)mode);
	}
	if (err)
		return err;
	if (!count)
		found_regs = pcim_iomap_table(pdev)[0];
	found[count++] = pdev;
	return 0;
}

static const struct pci_device_id ids[] = { { PCI_DEVICE(0x1234, 0x11e8) }, {} };
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver edu_driver = {
	.name = KBUILD_MODNAME,
	.id_table = ids,
	.probe = edu_probe,
};

static int __init test_init(void)
{
	int err = pci_register_driver(&edu_driver);

	if (err)
		return err;
	if (count < (int)ARRAY_SIZE(found)) {
		pr_info("not ok 1 - three devices (%d were attached)\n", count);
		return 0;
	}
	if (leave) {
		err = dmah_test_forgets(&found[0]->dev);
		pr_info("%s 1 - a mapping is left behind\n", err ? "not ok" : "ok");
		return 0;
	}
	tests = (struct test){
		.pdev = found[0],
		.dev = &found[0]->dev,
		.other = &found[1]->dev,
		.stranger = &found[2]->dev,
		.regs = found_regs,
		.mode = dmah_mode(&found[0]->dev),
		.block = block,
		.untrusted = untrusted,
		.swiotlb = swiotlb,
	};
	tests.strict = tests.mode == DMAH_MODE_WRAP ? strict
						    : tests.mode == DMAH_MODE_DOMAIN_STRICT ||
							      tests.mode == DMAH_MODE_POOL_STRICT;
	run_tests(&tests);
	/* The results are in the log; insmod would try again. */
	return 0;
}
module_init(test_init);

static void __exit test_exit(void)
{
	pci_unregister_driver(&edu_driver);
}
module_exit(test_exit);

MODULE_DESCRIPTION("self-test of dmah on QEMU's edu");
MODULE_LICENSE("GPL");
