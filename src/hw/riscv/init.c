/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A RISC-V IOMMU: capabilities, taking it over, switching translation on, and giving it up. */
#include "hw/riscv/riscv.h"

#define COMMAND_BYTES 16u
#define RECORD_BYTES  32u

/* The first is what every unit walks. */
static const struct dmah_pt_format *const formats[] = { &dmah_pt_sv, &dmah_pt_sv_rsw };

static const struct dmah_iommu_ops ops = {
	.bind = dmah_riscv_op_bind,
	.tag_alloc = dmah_riscv_op_tag_alloc,
	.tag_free = dmah_riscv_op_tag_free,
	.invalidate = dmah_riscv_op_invalidate,
	.fence = dmah_riscv_op_fence,
	.wait = dmah_riscv_op_wait,
	.faults = dmah_riscv_op_faults,
};

static const struct dmah_iommu_ops ops_ats = {
	.bind = dmah_riscv_op_bind,
	.tag_alloc = dmah_riscv_op_tag_alloc,
	.tag_free = dmah_riscv_op_tag_free,
	.invalidate = dmah_riscv_op_invalidate,
	.invalidate_dev = dmah_riscv_op_invalidate_dev,
	.make_room = dmah_riscv_op_make_room,
	.isolated = dmah_riscv_op_isolated,
	.fence = dmah_riscv_op_fence,
	.wait = dmah_riscv_op_wait,
	.faults = dmah_riscv_op_faults,
};

/* ---- configuration ---- */

static int refuse(int err, const char *why, uint64_t value)
{
	dmah_host_report(NULL, err, why, value, NULL);
	return err;
}

static struct dmah_riscv_config with_defaults(const struct dmah_riscv_config *config)
{
	struct dmah_riscv_config c = *config;

	c.name = c.name ? c.name : "riscv-iommu";
	c.id_bits = c.id_bits ? c.id_bits : 16;
	c.queue = c.queue ? c.queue : 256;
	c.records = c.records ? c.records : 128;
	c.domains = c.domains ? c.domains : 4095;
	c.timeout_ns = c.timeout_ns ? c.timeout_ns : 1000000000;
	return c;
}

static bool is_pow2_in(uint32_t n, uint32_t least, uint32_t most)
{
	return n >= least && n <= most && !(n & (n - 1));
}

/* Returns the reason why the interrupt files make no sense; NULL: they do. */
static const char *wrong_files(const struct dmah_riscv_files *msi)
{
	if ((msi->pattern | msi->mask) & (DMAH_PAGE_SIZE - 1))
		return "dmah_riscv_init: config.msi has bits below a page";
	if (riscv_bits_in(msi->mask) > 12)
		return "dmah_riscv_init: config.msi.mask has more than 12 bits";
	return NULL;
}

/* Reports the first field that makes no sense. */
static bool makes_sense(const struct dmah_riscv_config *c)
{
	if (!c->regs)
		return !refuse(DMAH_EINVAL, "dmah_riscv_init: config.regs is NULL", 0);
	if (c->id_bits > 24)
		return !refuse(DMAH_EINVAL, "dmah_riscv_init: config.id_bits is above 24",
			       c->id_bits);
	if (!is_pow2_in(c->queue, 256, 32768))
		return !refuse(
			DMAH_EINVAL,
			"dmah_riscv_init: config.queue is not a power of two from 256 to 32768",
			c->queue);
	if (!is_pow2_in(c->records, 2, 32768))
		return !refuse(
			DMAH_EINVAL,
			"dmah_riscv_init: config.records is not a power of two from 2 to 32768",
			c->records);
	if (c->domains > 0xfffff)
		return !refuse(DMAH_EINVAL, "dmah_riscv_init: config.domains is above 1048575",
			       c->domains);
	if (c->walks > DMAH_WALKS_NONCOHERENT)
		return !refuse(DMAH_EINVAL,
			       "dmah_riscv_init: config.walks is none of enum dmah_walks",
			       c->walks);
	if (c->msi && wrong_files(c->msi))
		return !refuse(DMAH_EINVAL, wrong_files(c->msi), c->msi->mask);
	return true;
}

/* Tag 0 is not used. */
static uint32_t tags_of(const struct dmah_riscv_config *c)
{
	return c->domains + 1;
}

static size_t memory_of(const struct dmah_riscv_config *c)
{
	return ((size_t)tags_of(c) + 63) / 64 * 8;
}

size_t dmah_riscv_memory(const struct dmah_riscv_config *config)
{
	struct dmah_riscv_config c = with_defaults(config);

	return makes_sense(&c) ? memory_of(&c) : 0;
}

/* ---- capabilities ---- */

/* Widths of the table's lower half: addresses of the upper half have all higher bits set, and no IOVA has. */
static unsigned int widest(uint64_t cap)
{
	return cap & CAP_SV57 ? 56 : cap & CAP_SV48 ? 47 : cap & CAP_SV39 ? 38 : 0;
}

static unsigned int narrowest(uint64_t cap)
{
	return cap & CAP_SV39 ? 38 : cap & CAP_SV48 ? 47 : 56;
}

static void describe(struct dmah_riscv *unit, const struct dmah_riscv_config *c)
{
	struct dmah_iommu *iommu = &unit->iommu;

	iommu->ops = unit->cap & CAP_ATS ? &ops_ats : &ops;
	iommu->name = c->name;
	iommu->caps = (unit->coherent ? DMAH_IOMMU_COHERENT_WALK : 0u) | DMAH_IOMMU_PASSTHROUGH |
		      DMAH_IOMMU_BLOCK_2M | DMAH_IOMMU_BLOCK_1G;
	iommu->va_bits = widest(unit->cap);
	iommu->va_bits_min = narrowest(unit->cap);
	iommu->out_bits = CAP_PAS(unit->cap) < 56 ? CAP_PAS(unit->cap) : 56;
	if (c->msi && dmah_riscv_second_bits(unit) < iommu->out_bits)
		iommu->out_bits = dmah_riscv_second_bits(unit);
	iommu->formats = formats;
	iommu->nformats = unit->cap & CAP_SVRSW60T59B ? 2 : 1;
	iommu->off = true;
}

/* Returns the reason why this driver cannot drive the unit as configured; NULL: it can. */
static const char *unsuitable(const struct dmah_riscv *unit, const struct dmah_riscv_config *c)
{
	uint64_t cap = unit->cap;

	if (CAP_VERSION(cap) >> 4 != 1)
		return "dmah_riscv_init: the unit is not of version 1; capabilities";
	if (!widest(cap))
		return "dmah_riscv_init: the unit walks no Sv39, Sv48 or Sv57 table; capabilities";
	if (c->wired ? CAP_IGS(cap) == IGS_MSI : CAP_IGS(cap) == IGS_WIRED)
		return c->wired ? "dmah_riscv_init: the unit has no wired interrupts; capabilities"
				: "dmah_riscv_init: the unit has wired interrupts alone, and "
				  "config.wired is not set; capabilities";
	if (c->msi && (!(cap & CAP_MSI_FLAT) || !dmah_riscv_second_mode(unit)))
		return "dmah_riscv_init: config.msi, and the unit has no MSI page tables; "
		       "capabilities";
	return NULL;
}

static int probe(struct dmah_riscv *unit, const struct dmah_riscv_config *c)
{
	const char *why;

	unit->cap = dmah_host_read64(unit->regs + REG_CAPABILITIES);
	if (unit->cap == ~0ull)
		return refuse(DMAH_ENODEV,
			      "dmah_riscv_init: the registers at config.regs read as all ones",
			      unit->cap);
	why = unsuitable(unit, c);
	return why ? refuse(DMAH_ENOTSUP, why, unit->cap) : DMAH_OK;
}

/* ---- taking it over ---- */

static void release(struct dmah_riscv *unit)
{
	dmah_riscv_directory_free(unit);
	dmah_riscv_files_fini(unit);
	dmah_hw_area_free(&unit->queue);
	dmah_hw_area_free(&unit->records);
	dmah_hw_area_free(&unit->marks_area);
}

static int alloc(struct dmah_riscv *unit, const struct dmah_riscv_config *c)
{
	int err = dmah_riscv_directory_init(unit);

	if (!err)
		err = riscv_area_alloc(unit, (size_t)unit->entries * COMMAND_BYTES, &unit->queue);
	if (!err)
		err = riscv_area_alloc(unit, (size_t)unit->nrecords * RECORD_BYTES, &unit->records);
	if (!err)
		err = riscv_area_alloc(unit, DMAH_PAGE_SIZE, &unit->marks_area);
	if (!err && c->msi)
		err = dmah_riscv_files_init(unit);
	if (err) {
		release(unit);
		return err;
	}
	unit->status = (uint32_t *)(void *)unit->marks_area.cpu;
	unit->status_phys = unit->marks_area.phys;
	return DMAH_OK;
}

/* Byte order and kind of interrupts change while the unit is off, with no queue on. */
static int set_features(struct dmah_riscv *unit)
{
	uint32_t wanted = unit->wired ? FCTL_WIRED : 0, now = riscv_read(unit, REG_FCTL);
	int err;

	if ((now & (FCTL_BE | FCTL_WIRED)) == wanted)
		return DMAH_OK;
	err = dmah_riscv_set_mode(unit, DDTP_OFF);
	if (err)
		return err;
	riscv_write(unit, REG_FCTL, (now & ~(FCTL_BE | FCTL_WIRED)) | wanted);
	now = riscv_read(unit, REG_FCTL);
	return (now & (FCTL_BE | FCTL_WIRED)) == wanted ? DMAH_OK : DMAH_ENOTSUP;
}

static int take_over(struct dmah_riscv *unit)
{
	int err = dmah_riscv_queue_off(unit, REG_CQCSR);

	if (!err)
		err = dmah_riscv_queue_off(unit, REG_FQCSR);
	/* Page requests are not asked for. */
	if (!err && unit->cap & CAP_ATS)
		err = dmah_riscv_queue_off(unit, REG_PQCSR);
	if (!err)
		err = set_features(unit);
	return err ? err : dmah_riscv_queues_on(unit);
}

static void prepare(struct dmah_riscv *unit, const struct dmah_riscv_config *c, uint64_t *memory)
{
	*unit = (struct dmah_riscv){ .regs = c->regs };
	unit->timeout = c->timeout_ns;
	unit->entries = c->queue;
	unit->nrecords = c->records;
	unit->id_bits = c->id_bits;
	unit->coherent = c->walks != DMAH_WALKS_NONCOHERENT;
	unit->wired = c->wired;
	unit->tags = memory;
	unit->ntags = tags_of(c);
	unit->tags[0] = 1;
	if (c->msi)
		unit->msi = *c->msi;
}

int dmah_riscv_init(struct dmah_riscv *unit, const struct dmah_riscv_config *config, void *memory,
		    size_t size)
{
	struct dmah_riscv_config c = with_defaults(config);
	int err;

	if (!makes_sense(&c))
		return DMAH_EINVAL;
	if (!memory || (uintptr_t)memory % 8)
		return refuse(DMAH_EINVAL, "dmah_riscv_init: memory is NULL or not aligned to 8",
			      (uintptr_t)memory);
	if (size < memory_of(&c))
		return refuse(DMAH_EINVAL, "dmah_riscv_init: size is below dmah_riscv_memory()",
			      size);
	__builtin_memset(memory, 0, memory_of(&c));
	prepare(unit, &c, memory);
	err = probe(unit, &c);
	if (err)
		return err;
	describe(unit, &c);
	err = alloc(unit, &c);
	if (err)
		return err;
	err = take_over(unit);
	if (err == DMAH_ETIMEDOUT)
		return refuse(err, "dmah_riscv_init: the unit does not answer; cqcsr",
			      riscv_read(unit, REG_CQCSR));
	if (!err)
		return DMAH_OK;
	release(unit);
	return refuse(err,
		      "dmah_riscv_init: the unit keeps its byte order or its kind of interrupts; "
		      "fctl",
		      riscv_read(unit, REG_FCTL));
}

/* ---- on and off ---- */

/* A unit may lack some depths: ids with leading zeroes find the same contexts in a deeper directory. */
static int set_directory(struct dmah_riscv *unit)
{
	unsigned int mode = DDTP_MODE(riscv_read(unit, REG_DDTP));
	int err = mode > DDTP_BARE ? dmah_riscv_set_mode(unit, DDTP_OFF) : DMAH_OK;

	while (!err) {
		err = dmah_riscv_set_mode(unit, DDTP_LEVELS(unit->levels));
		if (err != DMAH_ENOTSUP)
			return err;
		err = dmah_riscv_directory_deepen(unit);
	}
	return err == DMAH_ENOTSUP
		       ? refuse(err,
				"dmah_riscv_enable: the unit has no device directory as deep as "
				"config.id_bits needs",
				unit->id_bits)
		       : err;
}

/* Nothing is remembered of another directory: contexts first, or page tables would be cached through the old ones. */
static int forget_all(struct dmah_riscv *unit)
{
	struct riscv_command c[4] = { dmah_riscv_context(unit, ~0u), dmah_riscv_fence(),
				      dmah_riscv_all(unit), dmah_riscv_all_second() };

	return dmah_riscv_done(unit, c, riscv_has_files(unit) ? 4 : 3);
}

int dmah_riscv_enable(struct dmah_riscv *unit)
{
	int err;

	if (unit->enabled)
		return DMAH_OK;
	err = set_directory(unit);
	if (!err)
		err = forget_all(unit);
	__atomic_store_n(&unit->enabled, !err, __ATOMIC_RELEASE);
	__atomic_store_n(&unit->iommu.off, err != DMAH_OK, __ATOMIC_RELEASE);
	return err;
}

int dmah_riscv_fini(struct dmah_riscv *unit)
{
	int err = dmah_riscv_set_mode(unit, DDTP_OFF);

	if (!err)
		err = dmah_riscv_queue_off(unit, REG_CQCSR);
	if (!err)
		err = dmah_riscv_queue_off(unit, REG_FQCSR);
	if (err)
		return DMAH_ETIMEDOUT;
	unit->enabled = false;
	__atomic_store_n(&unit->iommu.off, true, __ATOMIC_RELEASE);
	release(unit);
	return DMAH_OK;
}
