/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The registers and the rings of an AMD-Vi unit. Specification 48882, rev. 3: sections 2.4 (commands), 2.5 (event log), 3.4
 * (MMIO registers).
 */
#include "amdvi_unit.h"

#include "posix.h"

#include <stddef.h>

enum {
	DEVTAB = 0x00,
	CMDBUF = 0x08,
	EVTLOG = 0x10,
	CONTROL = 0x18,
	EXCL_BASE = 0x20,
	EXCL_LIMIT = 0x28,
	EFR = 0x30,
	CMD_HEAD = 0x2000,
	CMD_TAIL = 0x2008,
	EVT_HEAD = 0x2010,
	EVT_TAIL = 0x2018,
	STATUS = 0x2020,
	REGS = 0x4000,
};

#define IOMMU_EN   (1u << 0)
#define EVTLOG_EN  (1u << 2)
#define EVTINT_EN  (1u << 3)
#define CMDBUF_EN  (1u << 12)
#define GA_EN	   (1ull << 17)
#define XT_EN	   (1ull << 50)
#define KNOWN_BITS (0x1fefu | GA_EN | XT_EN) /* no interrupt for waits */
#define OVERFLOW   (1u << 0)
#define EVTINT	   (1u << 1)
#define EVTRUN	   (1u << 3)
#define CMDRUN	   (1u << 4)
#define RING_AT	   0x000ffffffffff000ull

enum {
	OP_WAIT = 1,
	OP_DEVTAB = 2,
	OP_PAGES = 3,
	OP_IOTLB = 4,
	OP_INTERRUPTS = 5,
	OP_ALL = 8,
};

enum {
	EVT_ILLEGAL_CMD = 5,
	EVT_CMD_ERROR = 6,
	EVT_IOTLB_TIMEOUT = 7,
};

static unsigned int op_of(const uint64_t w[2])
{
	return (unsigned int)(w[0] >> 60);
}

static bool logs(const struct sim_amdvi *u)
{
	return (u->control & (IOMMU_EN | EVTLOG_EN)) == (IOMMU_EN | EVTLOG_EN);
}

static bool runs(const struct sim_amdvi *u)
{
	return (u->control & (IOMMU_EN | CMDBUF_EN)) == (IOMMU_EN | CMDBUF_EN) && !u->stopped;
}

/* Returns the bytes of a ring whose base register is @base. */
static uint32_t ring_bytes(uint64_t base)
{
	return 16u << (base >> 56 & 15);
}

/* ---- events ---- */

static void log_event(struct sim_amdvi *u, uint64_t lo, uint64_t hi)
{
	uint32_t next = (u->evt_tail + 16) % ring_bytes(u->evtlog);
	uint64_t event[2] = { lo, hi };

	if (!logs(u))
		return;
	if (u->status & OVERFLOW || next == u->evt_head) {
		u->status |= OVERFLOW;
		u->stats.lost++;
		return;
	}
	if (!sim_bus(u->unit.iommu->sim, (u->evtlog & RING_AT) + u->evt_tail, event, sizeof(event),
		     true, true))
		posix_misuse("the event log is not in memory");
	u->evt_tail = next;
	if (u->control & EVTINT_EN && !(u->status & EVTINT))
		u->stats.messages++;
	u->status |= EVTINT;
}

void sim_amdvi_log(struct sim_amdvi *u, uint64_t lo, uint64_t hi)
{
	log_event(u, lo, hi);
}

/* Flags: PR and RZ by the code of the walk, RW. An entry that is present refuses by its permissions, or is malformed. */
static void record_fault(void *ctx, uint32_t id, dmah_addr_t dma, bool write, uint32_t code)
{
	uint64_t lo = id | (uint64_t)(code & 15) << 60 | (write ? 1ull << 53 : 0);

	if (code & (AMD_PRESENT | AMD_RESERVED))
		lo |= 1ull << 52 | (code & AMD_RESERVED ? 1ull << 55 : 1ull << 54);
	log_event(ctx, lo, dma);
}

/* ---- commands ---- */

/* Fetch a translation again, through the entry that is cached, as a busy device does at once. */
static void fetch_again(void *ctx, const struct sim_tlb_entry *gone)
{
	struct sim_iommu *iommu = ctx;
	struct sim_walk walk = { .from = { 0, 0, 0 } };
	struct sim_tlb_entry e = *gone;

	for (struct sim_device *dev = iommu->sim->devices; dev; dev = dev->next) {
		if (dev->iommu != iommu || !dev->known || !dev->context.translate ||
		    dev->context.domain != gone->tag)
			continue;
		if (sim_iommu_lookup(iommu, &dev->context.table, gone->iova, &walk))
			continue;
		e.out = walk.out;
		e.shift = (uint8_t)walk.shift;
		e.perm = (uint8_t)walk.perm;
		e.reason = SIM_OK;
		sim_tlb_insert(&iommu->tlb, &e);
	}
}

static void invalidate(struct sim_amdvi *u, uint32_t domain, uint64_t hi, bool again)
{
	struct sim_command c = { .kind = SIM_COMMAND_TLB };

	sim_unit_range(&c, hi, sim_unit_order(hi, hi & 1));
	u->stats.domains += !c.size;
	u->stats.pages += c.size != 0;
	u->stats.tables += hi >> 1 & 1;
	if (hi & 2)
		sim_psc_invalidate(&u->unit.iommu->psc, domain, c.iova, c.size);
	sim_tlb_invalidate(&u->unit.iommu->tlb, domain, c.iova, c.size, again ? fetch_again : NULL,
			   u->unit.iommu);
}

static void forget_entry(struct sim_amdvi *u, uint32_t id)
{
	sim_unit_forget_contexts(&u->unit, false, id);
	sim_amdvi_forget_dte(u, id, false);
}

static void forget_all(struct sim_amdvi *u)
{
	sim_unit_forget_contexts(&u->unit, true, 0);
	sim_unit_forget_tables(&u->unit);
	sim_amdvi_forget_dte(u, 0, true);
	sim_amdvi_forget_irtes(u, 0, true);
}

/* Returns true where an entry of the device table is among the commands, by which the remapping table is found again. */
static bool names_entry(const struct sim_amdvi *u, uint32_t id)
{
	for (unsigned int i = 0; i < u->npending; i++)
		if (op_of(u->pending[i].word) == OP_DEVTAB &&
		    ((uint32_t)u->pending[i].word[0] & 0xffff) == id)
			return true;
	return false;
}

static void store_mark(struct sim_amdvi *u, const uint64_t w[2])
{
	uint64_t data = w[1];

	if (w[0] & 1 &&
	    !sim_bus(u->unit.iommu->sim, w[0] & 0x000ffffffffffff8ull, &data, 8, true, true))
		posix_misuse("a wait's store is not to memory");
}

/* Translations first, entries of the device table behind them, waits at the end. */
static void execute_all(struct sim_amdvi *u)
{
	bool entries = false;

	for (unsigned int i = 0; i < u->npending; i++)
		entries |= op_of(u->pending[i].word) == OP_DEVTAB;
	for (unsigned int i = 0; i < u->npending; i++) {
		const uint64_t *w = u->pending[i].word;

		if (op_of(w) == OP_PAGES)
			invalidate(u, (uint32_t)(w[0] >> 32) & 0xffff, w[1], entries);
		/* Remapping entries that go are fetched again through the device's entry that is cached still. */
		if (op_of(w) == OP_INTERRUPTS && !names_entry(u, (uint32_t)w[0] & 0xffff))
			sim_amdvi_forget_irtes(u, (uint32_t)w[0] & 0xffff, false);
	}
	for (unsigned int i = 0; i < u->npending; i++) {
		const uint64_t *w = u->pending[i].word;

		if (op_of(w) == OP_DEVTAB)
			forget_entry(u, (uint32_t)w[0] & 0xffff);
		else if (op_of(w) == OP_ALL)
			forget_all(u);
	}
	for (unsigned int i = 0; i < u->npending; i++)
		if (op_of(u->pending[i].word) == OP_WAIT)
			store_mark(u, u->pending[i].word);
	u->npending = 0;
	u->awaited = false;
}

static void postpone(struct sim_amdvi *u, const uint64_t w[2])
{
	if (u->npending == SIM_AMDVI_PENDING)
		execute_all(u);
	u->pending[u->npending++] = (struct sim_amdvi_op){ { w[0], w[1] } };
}

/* Carry the command out before those taken earlier. */
static void device_tlb(struct sim_amdvi *u, const uint64_t w[2])
{
	uint32_t id = w[0] & 0xffff;

	u->stats.device_tlbs++;
	if (!sim_unit_device_tlb(&u->unit, id, w[1], sim_unit_order(w[1], w[1] & 1)))
		log_event(u, id | (uint64_t)EVT_IOTLB_TIMEOUT << 60,
			  (u->cmdbuf & RING_AT) + u->cmd_head);
}

static bool wait_command(struct sim_amdvi *u, const uint64_t w[2])
{
	/* An interrupt that says that it is done is not modelled. */
	if (w[0] & 2 || w[0] >> 52 & 0xff)
		return false;
	postpone(u, w);
	u->awaited = true;
	if (w[0] & 4) {
		u->stats.flushes++;
		execute_all(u);
	}
	return true;
}

static bool command(struct sim_amdvi *u, const uint64_t w[2])
{
	switch (op_of(w)) {
	case OP_WAIT:
		return wait_command(u, w);
	case OP_DEVTAB:
		if (w[0] & 0x0fffffffffff0000ull || w[1])
			return false;
		u->stats.entries++;
		break;
	case OP_PAGES:
		if (w[0] & 0x0fff0000ffffffffull || w[1] & 0xffc)
			return false;
		break;
	case OP_IOTLB:
		if (u->config.no_device_tlb || w[0] & 0x0fff000000ff0000ull || w[1] & 0xffe)
			return false;
		device_tlb(u, w);
		return true;
	case OP_INTERRUPTS:
		if (w[0] & 0x0fffffffffff0000ull || w[1])
			return false;
		u->stats.interrupts++;
		break;
	case OP_ALL:
		if (u->config.no_all || w[0] & 0x0fffffffffffffffull || w[1])
			return false;
		u->stats.all++;
		break;
	default:
		return false;
	}
	postpone(u, w);
	return true;
}

static void refuse(struct sim_amdvi *u, unsigned int code)
{
	u->stats.refused++;
	log_event(u, (uint64_t)code << 60, (u->cmdbuf & RING_AT) + u->cmd_head);
	u->stopped = !u->config.goes_on;
}

static void run(struct sim_amdvi *u)
{
	uint64_t w[2];

	if (sim_unit_stands_still(&u->unit))
		return;
	while (runs(u) && u->cmd_head != u->cmd_tail) {
		bool refused = sim_inject_command(u->unit.iommu);

		/* The failure may have struck at this command. */
		if (u->unit.iommu->failing.halted)
			return;
		if (!sim_bus(u->unit.iommu->sim, (u->cmdbuf & RING_AT) + u->cmd_head, w, sizeof(w),
			     false, true))
			refuse(u, EVT_CMD_ERROR);
		else if (refused || !command(u, w))
			refuse(u, EVT_ILLEGAL_CMD);
		if (u->stopped)
			break;
		u->stats.commands++;
		u->cmd_head = (u->cmd_head + 16) % ring_bytes(u->cmdbuf);
	}
	/* Delay commands until a wait is behind them. */
	if (u->awaited)
		execute_all(u);
}

/* ---- registers ---- */

static void write_control(struct sim_amdvi *u, uint64_t value)
{
	if (value & ~(uint64_t)KNOWN_BITS)
		posix_misuse("a bit of the control register that the unit does not have");
	if (value & (GA_EN | XT_EN) && u->config.no_x2apic)
		posix_misuse("wide remapping entries in a unit without them");
	if ((value ^ u->control) & (GA_EN | XT_EN) && u->control & value & IOMMU_EN)
		posix_misuse("the format of remapping entries changes while the unit translates");
	if ((value & (GA_EN | XT_EN)) == XT_EN)
		posix_misuse("destinations of 32 bits in short remapping entries");
	/* A stopped ring begins anew when it is switched on. */
	if (!(value & CMDBUF_EN))
		u->stopped = false;
	u->control = value;
	u->unit.iommu->off = !(value & IOMMU_EN);
	run(u);
}

static void write_base(uint64_t *base, bool in_use, uint64_t value)
{
	if (in_use)
		posix_misuse("the base of a ring changes while the unit uses it");
	if ((value >> 56 & 15) < 8)
		posix_misuse("a ring of fewer than 256 entries");
	*base = value;
}

static void write_index(uint32_t *index, uint64_t value, uint64_t base)
{
	/* A unit that has lost its registers has no ring. */
	if (value & ~0x7fff0ull || (base && value >= ring_bytes(base)))
		posix_misuse("an index behind the end of a ring");
	*index = (uint32_t)value & 0x7fff0;
}

static void reg_write(void *unit, uint64_t reg, unsigned int size, uint64_t value)
{
	struct sim_amdvi *u = unit;

	if (size != 8)
		posix_misuse("half of a register is written");
	switch (reg) {
	case DEVTAB:
		u->devtab = value;
		break;
	case CMDBUF:
		write_base(&u->cmdbuf, runs(u), value);
		u->cmd_head = u->cmd_tail = 0;
		break;
	case EVTLOG:
		write_base(&u->evtlog, logs(u), value);
		u->evt_head = u->evt_tail = 0;
		break;
	case CONTROL:
		write_control(u, value);
		break;
	case EXCL_BASE:
		u->excl_base = value;
		break;
	case EXCL_LIMIT:
		u->excl_limit = value;
		break;
	case CMD_HEAD:
		if (runs(u))
			posix_misuse("the head of the command ring changes while it runs");
		write_index(&u->cmd_head, value, u->cmdbuf);
		break;
	case CMD_TAIL:
		write_index(&u->cmd_tail, value, u->cmdbuf);
		run(u);
		break;
	case EVT_HEAD:
		write_index(&u->evt_head, value, u->evtlog);
		break;
	case EVT_TAIL:
		if (logs(u))
			posix_misuse("the tail of the event log changes while it runs");
		write_index(&u->evt_tail, value, u->evtlog);
		break;
	case STATUS:
		u->status &= ~((uint32_t)value & (OVERFLOW | EVTINT));
		break;
	default:
		posix_misuse("a write to a register that the unit does not have");
	}
}

static uint64_t features(const struct sim_amdvi *u)
{
	return (u->config.no_all ? 0 : 1ull << 6) |
	       (u->config.no_x2apic ? 0 : 1ull << 2 | 1ull << 7) |
	       (u->config.levels == 3 ? 3ull : u->config.levels - 4ull) << 10;
}

static uint64_t value_of(const struct sim_amdvi *u, uint64_t reg)
{
	switch (reg) {
	case DEVTAB:
		return u->devtab;
	case CMDBUF:
		return u->cmdbuf;
	case EVTLOG:
		return u->evtlog;
	case CONTROL:
		return u->control;
	case EXCL_BASE:
		return u->excl_base;
	case EXCL_LIMIT:
		return u->excl_limit;
	case EFR:
		return features(u);
	case CMD_HEAD:
		return u->cmd_head;
	case CMD_TAIL:
		return u->cmd_tail;
	case EVT_HEAD:
		return u->evt_head;
	case EVT_TAIL:
		return u->evt_tail;
	case STATUS:
		return u->status | (logs(u) ? EVTRUN : 0) | (runs(u) ? CMDRUN : 0);
	}
	return 0;
}

static uint32_t reg_read(void *unit, uint64_t reg)
{
	return (uint32_t)(value_of(unit, reg & ~7ull) >> (reg & 4 ? 32 : 0));
}

/* ---- the hardware's view ---- */

static enum sim_reason read_context(void *ctx, const struct sim_device *dev,
				    struct sim_context *context, uint32_t *code)
{
	struct sim_amdvi *u = ctx;

	return sim_walk_dte(&u->unit.iommu->mem, u->devtab, dev->config.id, u->config.levels,
			    &u->unit.iommu->hw, context, code);
}

static void run_queue(void *ctx)
{
	run(ctx);
}

static const struct sim_unit_model model = {
	.flavour = SIM_AMD,
	.size = sizeof(struct sim_amdvi),
	.kept = offsetof(struct sim_amdvi, devtab),
	.interface = { .context = read_context,
		       .fault = record_fault,
		       .run = run_queue,
		       .power_on = sim_unit_power_on,
		       .interrupt = sim_amdvi_interrupt },
	.read = reg_read,
	.write = reg_write,
};

/* ---- set-up ---- */

struct sim_amdvi *sim_amdvi_create(struct sim *sim, unsigned int n,
				   const struct sim_amdvi_config *config)
{
	struct sim_amdvi *u = sim_unit_alloc(sim, n, &model);

	if (!u)
		return NULL;
	if (config)
		u->config = *config;
	u->config.levels = u->config.levels ? u->config.levels : 6;
	return sim_unit_start(u, REGS);
}

volatile void *sim_amdvi_regs(struct sim_amdvi *u)
{
	return u->unit.regs;
}

uint32_t sim_amdvi_capability(const struct sim_amdvi *u)
{
	return 0x0803000fu | (u->config.no_device_tlb ? 0 : 1u << 24) |
	       (u->unit.iommu->config.caching_mode ? 1u << 26 : 0);
}

void sim_amdvi_hold(struct sim_amdvi *u, bool hold)
{
	sim_unit_hold(&u->unit, hold);
}

void sim_amdvi_stats(struct sim_amdvi *u, struct sim_amdvi_stats *stats)
{
	sim_unit_copy(&u->unit, stats, &u->stats, sizeof(*stats));
}
