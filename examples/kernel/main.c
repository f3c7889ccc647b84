/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A kernel that takes the IOMMU over, maps by handle, and names a stray DMA. Its device is QEMU's
 * edu, which copies between memory and a buffer of its own.
 */
#include <dmah/dmah.h>
#include <dmah/fault.h>

#include "edu.h"
#include "kernel.h"

#define EDU_ID 0x11e81234u
#define LENGTH 2048u
#define STRAY  4u
/* How long to wait for the fault interrupt, in nanoseconds. */
#define PATIENCE 60000000000ull

static struct dmah_fw firmware;
static struct dmah_fw_device found;
static struct dmah_iommu *iommu;
static struct dmah_domain *domain;
static struct dmah_device device = { .name = "edu" };
static struct edu edu;
static _Alignas(DMAH_PAGE_SIZE) uint8_t buffer[LENGTH];

/* ---- faults ---- */

/* The last fault, and how many there were. Written by the interrupt handler. */
static struct dmah_fault last_fault;
static volatile unsigned int faults;

static void on_fault(void *ctx, const struct dmah_fault *fault)
{
	const char *caller = fault->caller ? symbol_of(fault->caller) : NULL;
	char text[DMAH_FAULT_TEXT];

	(void)ctx;
	dmah_fault_text(fault, caller, text, sizeof(text));
	print("fault interrupt: %s\n", text);
	last_fault = *fault;
	faults++;
}

void fault_interrupt(void)
{
	(void)dmah_faults(iommu, on_fault, NULL, NULL);
}

/* ---- the firmware's tables ---- */

static void on_problem(void *ctx, const struct dmah_fw_problem *problem)
{
	(void)ctx;
	print("firmware: %s: %s, offset 0x%x: %s\n", problem->error ? "error" : "warning",
	      problem->table, problem->offset, problem->reason);
}

static bool on_pci_read(void *ctx, uint16_t segment, uint16_t bdf, uint16_t reg, uint32_t *value)
{
	(void)ctx;
	*value = segment ? ~0u : pci_read(bdf, reg);
	return *value != ~0u;
}

/* Find the device, the IOMMU before it, and its ids and reserved ranges. */
static int find_device(void)
{
	struct dmah_fw_config config = { .problem = on_problem, .pci_read = on_pci_read };
	uint32_t bdf = pci_find(EDU_ID);
	int err;

	if (bdf == ~0u)
		return DMAH_ENODEV;
	dmah_fw_init(&firmware, &config);
	err = firmware_tables(&firmware);
	if (!err)
		err = dmah_fw_device(&firmware, &(struct dmah_fw_requester){ .bdf = (uint16_t)bdf },
				     &found);
	if (err)
		return err;
	device.id = found.ids[0];
	device.ids = found.ids + 1;
	device.nids = found.nids - 1;
	print("firmware: %s at 0x%llx has the device as 0x%x\n", dmah_fw_kind_name(found.unit.kind),
	      (unsigned long long)found.unit.base, device.id);
	return DMAH_OK;
}

static int take_over(void)
{
	static struct dmah_fw_setup setup;
	int err = dmah_fw_setup(&firmware, &found.unit, &setup);

	return err ? err : iommu_take_over(&setup, &iommu);
}

/* ---- set up and tear down ---- */

static int set_up_domain(void)
{
	struct dmah_domain_config config = { .backend = DMAH_BACKEND_IOMMU,
					     .format = iommu->formats[0],
					     .iommu = iommu,
					     .mode = DMAH_STRICT };
	size_t size = dmah_domain_memory(&config);
	void *memory = pages_alloc(size);

	return memory ? dmah_domain_init(&domain, &config, memory, size) : DMAH_ENOMEM;
}

static int set_up_device(void)
{
	struct dmah_limits limits = { .mask = UINT64_MAX,
				      .flags = DMAH_DEV_COHERENT,
				      .reserved = found.reserved,
				      .nreserved = found.nreserved };
	int err = dmah_attach(domain, &device, &limits);

	return err ? err : edu_init(&edu, pci_enable(pci_find(EDU_ID)), &device);
}

static int tear_down(void)
{
	int err = dmah_detach(&device);

	if (!err)
		err = dmah_domain_fini(domain);
	return err ? err : iommu_release();
}

/* ---- DMA ---- */

/*
 * Map the buffer, let the device copy, and unmap. Sets *@dma to the DMA address, which has ended on
 * return.
 */
static __attribute__((noinline)) int transfer(enum dmah_dir dir, dmah_addr_t *dma)
{
	struct dmah h = { 0 };
	int err = dmah_map_single(&device, &h, buffer, LENGTH, dir), unmapped;

	if (err)
		return err;
	*dma = dmah_addr(&h);
	err = edu_dma(&edu, dmah_addr(&h), 0, LENGTH, dir);
	unmapped = dmah_unmap(&device, &h);
	return err ? err : unmapped;
}

static void fill(unsigned int factor)
{
	for (unsigned int i = 0; i < LENGTH; i++)
		buffer[i] = (uint8_t)(i * factor + 1);
}

static bool holds(unsigned int factor)
{
	for (unsigned int i = 0; i < LENGTH; i++)
		if (buffer[i] != (uint8_t)(i * factor + 1))
			return false;
	return true;
}

/* Send a pattern to the device, overwrite the buffer, and receive the pattern back. */
static int round_trip(dmah_addr_t *dma)
{
	int err;

	fill(7);
	err = transfer(DMAH_TO_DEVICE, dma);
	if (err)
		return err;
	fill(5);
	err = transfer(DMAH_FROM_DEVICE, dma);
	if (err)
		return err;
	return holds(7) && !faults ? DMAH_OK : DMAH_EINVAL;
}

static bool is_named(const struct dmah_fault *fault)
{
	/* QEMU's model of AMD's IOMMU records which device it was, and neither address nor direction. */
	if (found.unit.kind == DMAH_FW_AMDVI && !fault->hw.addr)
		return fault->dev == &device;
	return fault->dev == &device && fault->hw.write && fault->place == DMAH_FAULT_UNMAPPED &&
	       fault->phys == dmah_host_virt_to_phys(buffer) && fault->len == LENGTH &&
	       fault->dir == DMAH_FROM_DEVICE;
}

/* A driver's mistake: the device writes to @dma after the unmap. */
static int stray_dma(dmah_addr_t dma)
{
	uint64_t begun = dmah_host_now();
	int err;

	fill(3);
	err = edu_dma(&edu, dma, 0, STRAY, DMAH_FROM_DEVICE);
	if (err)
		return err;
	while (!faults && dmah_host_now() - begun < PATIENCE)
		dmah_host_relax();
	return faults && is_named(&last_fault) && holds(3) ? DMAH_OK : DMAH_EINVAL;
}

/* ---- the steps ---- */

static void step(const char *name, int err)
{
	print("%s: %s\n", name, dmah_strerror(err));
	if (err)
		power_off(1);
}

void kernel_main(void)
{
	dmah_addr_t dma = 0;

	machine_init();
	print("dmah example kernel (%s)\n", machine_name);
	step("find device and IOMMU in the firmware's tables", find_device());
	step("take the IOMMU over", take_over());
	step("set up a domain", set_up_domain());
	step("attach the device", set_up_device());
	step("enable translation", iommu_enable(&found.unit));
	step("DMA both ways, mapped by handle", round_trip(&dma));
	print("stray DMA: the device writes to 0x%llx, which is unmapped\n",
	      (unsigned long long)dma);
	step("the fault is named and the buffer is intact", stray_dma(dma));
	step("tear down", tear_down());
	print("passed\n");
	power_off(0);
}
