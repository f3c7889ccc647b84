/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The fault queue (chapter In-memory queue interface, Fault/Event-Queue), and interrupts. The hardware writes records into a
 * ring in memory. Where the ring is full, it sets a bit and records nothing until that bit is cleared.
 */
#include "hw/riscv/riscv.h"

/* Transactions that have an address: reads, writes, and translation requests. */
#define TYPE_FIRST	      1u
#define TYPE_LAST	      8u
#define TYPE_WRITE	      3u
#define TYPE_TRANSLATED_WRITE 7u

static const char *page_reason(uint32_t cause)
{
	static const char *const words[] = {
		[1] = "an instruction fetch from memory that is not there",
		[4] = "a read that is not aligned",
		[5] = "a read of memory that is not there, or a page table that can not be read",
		[6] = "a write that is not aligned",
		[7] = "a write to memory that is not there, or a page table that can not be read",
		[12] = "an instruction fetch where it is not permitted",
		[13] = "a read where nothing is mapped",
		[15] = "a write where nothing or only reading is mapped",
		[20] = "an instruction fetch that the second stage refuses",
		[21] = "a read that the second stage refuses",
		[23] = "a write that the second stage refuses",
	};

	return cause < sizeof(words) / sizeof(words[0]) ? words[cause] : NULL;
}

const char *dmah_riscv_reason(uint32_t cause)
{
	static const char *const words[] = {
		"all requests are refused",
		"the device directory can not be read",
		"no device context: the device is not attached",
		"the device context is invalid",
		"a request of a kind that the device must not make",
		"an entry of the MSI page table can not be read",
		"a message to an interrupt file that is not permitted",
		"an entry of the MSI page table is invalid",
		"a memory-resident interrupt file can not be accessed",
		"the process directory can not be read",
		"no process context",
		"the process context is invalid",
		"corrupted data in the device directory",
		"corrupted data in the process directory",
		"corrupted data in the MSI page table",
		"corrupted data in a memory-resident interrupt file",
		"an internal error",
		"the IOMMU's own interrupt message can not be written",
		"corrupted data in a page table",
	};
	const char *text = page_reason(cause);

	if (!text && cause >= 256 && cause - 256 < sizeof(words) / sizeof(words[0]))
		text = words[cause - 256];
	return text ? text : "unknown";
}

static struct dmah_iommu_fault fault_of(const uint64_t record[FAULT_WORDS])
{
	unsigned int type = FAULT_TYPE(record[0]);
	uint32_t cause = FAULT_CAUSE(record[0]);

	return (struct dmah_iommu_fault){
		.addr = record[2],
		.id = FAULT_ID(record[0]),
		.code = cause,
		.reason = dmah_riscv_reason(cause),
		.has_addr = type >= TYPE_FIRST && type <= TYPE_LAST,
		.write = type == TYPE_WRITE || type == TYPE_TRANSLATED_WRITE,
		.pci = true,
	};
}

/* Takes the oldest record. Call with the lock held. */
static bool take_oldest(struct dmah_riscv *unit, struct dmah_iommu_fault *fault)
{
	uint32_t tail = riscv_read(unit, REG_FQT), head = riscv_read(unit, REG_FQH);
	uint64_t record[FAULT_WORDS];
	const uint64_t *at;

	/* All ones: the unit is gone, and there is no record. */
	if (tail == head || tail >= unit->nrecords || head >= unit->nrecords)
		return false;
	at = unit->records.cpu + (size_t)head * FAULT_WORDS;
	for (unsigned int i = 0; i < FAULT_WORDS; i++)
		record[i] = __atomic_load_n(&at[i], __ATOMIC_RELAXED);
	*fault = fault_of(record);
	/* The record may be overwritten from here on. */
	riscv_write(unit, REG_FQH, (head + 1) & (unit->nrecords - 1));
	return true;
}

static bool take_fault(struct dmah_riscv *unit, struct dmah_iommu_fault *fault)
{
	unsigned long flags;
	bool taken;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->faults);
	taken = take_oldest(unit, fault);
	dmah_host_unlock(&unit->faults);
	dmah_host_leave(flags);
	return taken;
}

/* While the overflow bit stands, the hardware records nothing; so the bit goes last, when there is room again. */
static bool take_overflow(struct dmah_riscv *unit)
{
	unsigned long flags;
	uint32_t csr;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->faults);
	csr = riscv_read(unit, REG_FQCSR);
	if (csr == ~0u)
		csr = 0;
	if (csr & (CSR_MF | FQCSR_OF))
		riscv_write(unit, REG_FQCSR, csr & (CSR_ENABLE | CSR_IRQ | CSR_MF | FQCSR_OF));
	dmah_host_unlock(&unit->faults);
	dmah_host_leave(flags);
	return csr & (CSR_MF | FQCSR_OF);
}

unsigned int dmah_riscv_op_faults(struct dmah_iommu *iommu, struct dmah_iommu_fault *faults,
				  unsigned int max, bool *lost)
{
	struct dmah_riscv *unit = riscv_of(iommu);
	unsigned int n = 0;

	/* Before the queues are looked at, so that what comes up meanwhile raises the next interrupt. */
	riscv_write(unit, REG_IPSR, IPSR_CQ | IPSR_FQ);
	(void)dmah_riscv_check(unit);
	while (n < max && take_fault(unit, &faults[n]))
		n++;
	*lost |= take_overflow(unit);
	return n;
}

/* ---- interrupts ---- */

/* Sets or clears the interrupt enable of a queue. The bits that a write of 1 clears are written as 0. */
static void enable(const struct dmah_riscv *unit, uint32_t csr, bool on)
{
	riscv_write(unit, csr, CSR_ENABLE | (on ? CSR_IRQ : 0));
}

/* Call with both locks held: the command queue's register is written by the error handler too. */
static void write_irq(struct dmah_riscv *unit)
{
	if (!unit->wired)
		riscv_write(unit, REG_MSI_CTL, MSI_CTL_MASK);
	/* All causes raise vector 0. */
	dmah_host_write64(unit->regs + REG_ICVEC, 0);
	if (!unit->wired) {
		dmah_host_write64(unit->regs + REG_MSI_ADDR, unit->irq.addr);
		riscv_write(unit, REG_MSI_DATA, unit->irq.data);
	}
}

static void set_irq(struct dmah_riscv *unit, bool program)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->state.lock);
	dmah_host_lock(&unit->faults);
	if (program)
		write_irq(unit);
	if (!unit->wired)
		riscv_write(unit, REG_MSI_CTL, unit->irq_masked ? MSI_CTL_MASK : 0);
	/* A masked message is pending until it is unmasked; a wire has no mask of its own. */
	enable(unit, REG_CQCSR, unit->irq_set && !(unit->wired && unit->irq_masked));
	enable(unit, REG_FQCSR, unit->irq_set && !(unit->wired && unit->irq_masked));
	dmah_host_unlock(&unit->faults);
	dmah_host_unlock(&unit->state.lock);
	dmah_host_leave(flags);
}

int dmah_riscv_irq(struct dmah_riscv *unit, const struct dmah_msi *msi)
{
	const char *why = NULL;

	if (!msi != unit->wired)
		why = unit->wired ? "dmah_riscv_irq: a message, and the unit has wires"
				  : "dmah_riscv_irq: no message, and the unit has no wires";
	else if (msi && msi->addr & 3)
		why = "dmah_riscv_irq: msi.addr is not a multiple of 4";
	if (why) {
		dmah_host_report(NULL, DMAH_EINVAL, why, msi ? msi->addr : 0, NULL);
		return DMAH_EINVAL;
	}
	if (msi)
		unit->irq = *msi;
	unit->irq_set = true;
	unit->irq_masked = false;
	set_irq(unit, true);
	return DMAH_OK;
}

void dmah_riscv_irq_mask(struct dmah_riscv *unit, bool masked)
{
	unit->irq_masked = masked;
	set_irq(unit, false);
}

void dmah_riscv_irq_restore(struct dmah_riscv *unit)
{
	if (unit->irq_set)
		set_irq(unit, true);
}
