/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* An AMD-Vi unit: capabilities, taking it over, switching translation on, and giving it up. */
#include "hw/amdvi/amdvi.h"

#define IDS_MAX	  65536u
#define QUEUE_MIN 256u
#define QUEUE_MAX 32768u
#define TIMEOUT	  2000000000u

static const struct dmah_pt_format *const formats[] = { &dmah_pt_amd_v1 };

/*
 * Writes to the first are interrupts, whatever a page table says; the second is HyperTransport's range of special accesses
 * (sections 2.1.4 and 2.2.6).
 */
static const struct dmah_reserved special[] = {
	{ .base = 0xfee00000, .size = 0x100000 },
	{ .base = 0xfd00000000, .size = 0x300000000 },
};

static const struct dmah_iommu_ops ops = {
	.bind = dmah_amdvi_op_bind,
	.tag_alloc = dmah_amdvi_op_tag_alloc,
	.tag_free = dmah_amdvi_op_tag_free,
	.invalidate = dmah_amdvi_op_invalidate,
	.invalidate_dev = dmah_amdvi_op_invalidate_dev,
	.make_room = dmah_amdvi_op_make_room,
	.isolated = dmah_amdvi_op_isolated,
	.fence = dmah_amdvi_op_fence,
	.wait = dmah_amdvi_op_wait,
	.faults = dmah_amdvi_op_faults,
	.irq = &dmah_amdvi_irq_ops,
};

/* ---- the configuration ---- */

static int refuse(int err, const char *why, uint64_t value)
{
	dmah_host_report(NULL, err, why, value, NULL);
	return err;
}

static uint32_t queue_of(const struct dmah_amdvi_config *config)
{
	return config->queue ? config->queue : QUEUE_MIN;
}

static uint32_t events_of(const struct dmah_amdvi_config *config)
{
	return config->events ? config->events : QUEUE_MIN;
}

/* The table is a multiple of 4 KiB. */
static uint32_t ids_of(const struct dmah_amdvi_config *config)
{
	uint32_t ids = config->ids ? config->ids : IDS_MAX;

	return (ids + DTE_PER_PAGE - 1) / DTE_PER_PAGE * DTE_PER_PAGE;
}

static bool is_ring(uint32_t entries)
{
	return !(entries & (entries - 1)) && entries >= QUEUE_MIN && entries <= QUEUE_MAX;
}

/* Reports the first field that makes no sense. */
static bool makes_sense(const struct dmah_amdvi_config *config)
{
	if (!config->regs)
		return !refuse(DMAH_EINVAL, "dmah_amdvi_init: config.regs is NULL", 0);
	if (config->ids > IDS_MAX)
		return !refuse(DMAH_EINVAL, "dmah_amdvi_init: config.ids is above 65536",
			       config->ids);
	if (!is_ring(queue_of(config)))
		return !refuse(
			DMAH_EINVAL,
			"dmah_amdvi_init: config.queue is not a power of two from 256 to 32768",
			config->queue);
	if (!is_ring(events_of(config)))
		return !refuse(
			DMAH_EINVAL,
			"dmah_amdvi_init: config.events is not a power of two from 256 to 32768",
			config->events);
	if (config->phys_bits > 52)
		return !refuse(DMAH_EINVAL, "dmah_amdvi_init: config.phys_bits is above 52",
			       config->phys_bits);
	if (config->walks > DMAH_WALKS_NONCOHERENT)
		return !refuse(DMAH_EINVAL,
			       "dmah_amdvi_init: config.walks is none of enum dmah_walks",
			       config->walks);
	return true;
}

/* Domain ids in use, and devices that did not answer: a bit each. */
static size_t bytes_of(const struct dmah_amdvi_config *config)
{
	return DMAH_AMDVI_DOMAINS / 8 + ids_of(config) / 8;
}

size_t dmah_amdvi_memory(const struct dmah_amdvi_config *config)
{
	return makes_sense(config) ? bytes_of(config) : 0;
}

/* ---- capabilities ---- */

static unsigned int levels_of(uint64_t efr)
{
	return EFR_HATS(efr) == HATS_NONE ? 0 : 4 + EFR_HATS(efr);
}

static void describe(struct dmah_amdvi *amdvi, const struct dmah_amdvi_config *config)
{
	struct dmah_iommu *iommu = &amdvi->iommu;
	unsigned int levels = levels_of(amdvi->efr);

	iommu->ops = &ops;
	iommu->name = config->name ? config->name : "amdvi";
	iommu->caps = DMAH_IOMMU_PASSTHROUGH | DMAH_IOMMU_BLOCK_2M | DMAH_IOMMU_BLOCK_1G |
		      (amdvi->coherent ? DMAH_IOMMU_COHERENT_WALK : 0u) |
		      (!config->capability || config->capability & CAPABILITY_NPCACHE
			       ? DMAH_IOMMU_MAP_FLUSH
			       : 0u);
	iommu->va_bits = levels == 6 ? 63 : levels ? 12 + 9 * levels : 0;
	iommu->iova_bits = config->virt_bits;
	iommu->out_bits = config->phys_bits ? config->phys_bits : 52;
	iommu->formats = formats;
	iommu->nformats = 1;
	iommu->reserved = special;
	iommu->nreserved = sizeof(special) / sizeof(special[0]);
	iommu->off = true;
}

static void prepare(struct dmah_amdvi *amdvi, const struct dmah_amdvi_config *config,
		    uint64_t *memory)
{
	*amdvi = (struct dmah_amdvi){ .regs = config->regs };
	amdvi->efr = config->features ? config->features : dmah_host_read64(amdvi->regs + REG_EFR);
	amdvi->timeout = config->timeout_ns ? config->timeout_ns : TIMEOUT;
	amdvi->entries = queue_of(config);
	amdvi->events = events_of(config);
	amdvi->ids = ids_of(config);
	amdvi->coherent = config->walks != DMAH_WALKS_NONCOHERENT;
	amdvi->device_tlbs = config->capability & CAPABILITY_IOTLB;
	amdvi->link = (config->ivhd_flags & DMAH_AMDVI_HTTUN ? CONTROL_HTTUN : 0) |
		      (config->ivhd_flags & DMAH_AMDVI_PASSPW ? CONTROL_PASSPW : 0) |
		      (config->ivhd_flags & DMAH_AMDVI_RESPASSPW ? CONTROL_RESPASSPW : 0) |
		      (config->ivhd_flags & DMAH_AMDVI_ISOC ? CONTROL_ISOC : 0) |
		      (amdvi->coherent ? CONTROL_COHERENT : 0);
	amdvi->tags = memory;
	amdvi->silent = memory + DMAH_AMDVI_DOMAINS / 64;
	/* Domain id 0 is that of blocked devices. */
	amdvi->tags[0] = 1;
	describe(amdvi, config);
}

/* ---- taking it over ---- */

static size_t queue_bytes(const struct dmah_amdvi *amdvi)
{
	return (size_t)amdvi->entries * 16 + AMDVI_STATUS_BYTES;
}

static size_t log_bytes(const struct dmah_amdvi *amdvi)
{
	return (size_t)amdvi->events * 16;
}

/* NULL: never allocated. */
static void release(struct dmah_amdvi *amdvi)
{
	if (amdvi->devtab)
		dmah_amdvi_tables_free(amdvi);
	if (amdvi->queue)
		dmah_host_mem_free(amdvi->queue_phys, queue_bytes(amdvi));
	if (amdvi->log)
		dmah_host_mem_free(amdvi->log_phys, log_bytes(amdvi));
	amdvi->queue = NULL;
	amdvi->log = NULL;
}

static int alloc(struct dmah_amdvi *amdvi, const struct dmah_amdvi_config *config)
{
	int err = dmah_amdvi_tables_init(amdvi, config);

	if (err)
		return err;
	amdvi->queue = dmah_host_mem_alloc(queue_bytes(amdvi), UINT64_MAX, 0, &amdvi->queue_phys);
	amdvi->log = dmah_host_mem_alloc(log_bytes(amdvi), UINT64_MAX, 0, &amdvi->log_phys);
	if (!amdvi->queue || !amdvi->log) {
		release(amdvi);
		return DMAH_ENOMEM;
	}
	amdvi->status = (uint32_t *)(void *)((char *)amdvi->queue + (size_t)amdvi->entries * 16);
	amdvi->status_phys = amdvi->queue_phys + (size_t)amdvi->entries * 16;
	/* Mark 1 is confirmed: it stands for all that need not be posted. */
	amdvi->marks.last = 1;
	*amdvi->status = 1;
	return DMAH_OK;
}

int dmah_amdvi_init(struct dmah_amdvi *amdvi, const struct dmah_amdvi_config *config, void *memory,
		    size_t size)
{
	size_t need = dmah_amdvi_memory(config);
	int err;

	if (!need)
		return DMAH_EINVAL;
	if (!memory || (uintptr_t)memory % 8)
		return refuse(DMAH_EINVAL, "dmah_amdvi_init: memory is NULL or not aligned to 8",
			      (uintptr_t)memory);
	if (size < need)
		return refuse(DMAH_EINVAL, "dmah_amdvi_init: size is below dmah_amdvi_memory()",
			      size);
	if (dmah_host_read64((volatile uint8_t *)config->regs + REG_CONTROL) == ~0ull)
		return refuse(DMAH_ENODEV,
			      "dmah_amdvi_init: the registers at config.regs read as all ones",
			      ~0ull);
	__builtin_memset(memory, 0, need);
	prepare(amdvi, config, memory);
	if (!amdvi->iommu.va_bits)
		return refuse(DMAH_ENOTSUP,
			      "dmah_amdvi_init: the unit walks no host page tables; features",
			      amdvi->efr);
	err = alloc(amdvi, config);
	if (err)
		return err;
	err = dmah_amdvi_stop(amdvi);
	if (err)
		return refuse(err,
			      "dmah_amdvi_init: the unit does not answer, or does not stop the "
			      "rings of its previous owner; status",
			      amdvi_read(amdvi, REG_STATUS));
	return DMAH_OK;
}

/* ---- on and off ---- */

int dmah_amdvi_enable(struct dmah_amdvi *amdvi)
{
	int err;

	if (amdvi->enabled)
		return DMAH_OK;
	/* A call of before may have failed half-way. */
	err = amdvi->live ? dmah_amdvi_stop(amdvi) : DMAH_OK;
	if (!err)
		err = dmah_amdvi_start(amdvi);
	amdvi->enabled = !err;
	__atomic_store_n(&amdvi->iommu.off, !amdvi->enabled, __ATOMIC_RELEASE);
	return err;
}

int dmah_amdvi_fini(struct dmah_amdvi *amdvi)
{
	int err = dmah_amdvi_stop(amdvi);

	if (err)
		return err;
	amdvi_write(amdvi, REG_CONTROL, 0);
	if (dmah_host_read64(amdvi->regs + REG_CONTROL) & CONTROL_IOMMU)
		return DMAH_ETIMEDOUT;
	amdvi->enabled = false;
	amdvi->live = false;
	__atomic_store_n(&amdvi->iommu.off, true, __ATOMIC_RELEASE);
	/* The unit is off: nothing is posted. */
	if (amdvi->irq_tables)
		(void)dmah_amdvi_irq_ops.disable(&amdvi->iommu);
	amdvi->iommu.irq.on = false;
	release(amdvi);
	return DMAH_OK;
}
