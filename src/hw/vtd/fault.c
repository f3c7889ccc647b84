/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Fault records (chapter 7, Fault Logging), and the fault interrupt (section 11.4.8). Records are a ring of registers. The
 * hardware fills the next free one, sets a bit where none is free, and records no second fault of a device while the
 * device's first is there.
 */
#include "hw/vtd/vtd.h"

/* With these reasons the address field holds an index into the interrupt remapping table. */
#define REASON_INTERRUPT 0x20
#define REASON_SCALABLE	 0x30 /* those of scalable mode follow */

const char *dmah_vtd_reason(uint8_t reason)
{
	static const char *const words[] = {
		[0x01] = "no context table for this bus",
		[0x02] = "no context entry: the device is not attached",
		[0x03] = "the context entry is invalid",
		[0x04] = "the address is wider than the page table",
		[0x05] = "a write where nothing or only reading is mapped",
		[0x06] = "a read where nothing or only writing is mapped",
		[0x07] = "a page table can not be read",
		[0x08] = "the root table can not be read",
		[0x09] = "a context table can not be read",
		[0x0a] = "reserved bits in a root entry",
		[0x0b] = "reserved bits in a context entry",
		[0x0c] = "reserved bits in a page-table entry",
		[0x0d] = "a translated request of a device that must not make any",
		[0x20] = "interrupt: reserved bits in the request",
		[0x21] = "interrupt: index beyond the remapping table",
		[0x22] = "interrupt: no remapping entry",
		[0x23] = "interrupt: the remapping table can not be read",
		[0x24] = "interrupt: reserved bits in the remapping entry",
		[0x25] = "interrupt: not in remappable format",
		[0x26] = "interrupt: not from the device that the entry names",
		[0x30] = "the root table's address or mode is invalid",
		[0x38] = "the root table can not be read",
		[0x39] = "no context table for this half of a bus",
		[0x3a] = "reserved bits in a root entry",
		[0x40] = "a context table can not be read",
		[0x41] = "no context entry: the device is not attached",
		[0x42] = "reserved bits in a context entry",
		[0x43] = "the context entry is invalid",
		[0x44] = "a translated request of a device that must not make any",
		[0x45] = "a request with PASID of a device that must not make any",
		[0x50] = "a PASID directory can not be read",
		[0x51] = "no PASID table",
		[0x52] = "reserved bits in a PASID directory",
		[0x58] = "a PASID table can not be read",
		[0x59] = "no PASID entry: the device is not attached",
		[0x5a] = "reserved bits in a PASID entry",
		[0x5b] = "the PASID entry is invalid",
		[0x70] = "a first-stage table can not be read",
		[0x71] = "not mapped (first stage)",
		[0x72] = "reserved bits in a first-stage entry",
		[0x73] = "the root of a first-stage table can not be read",
		[0x78] = "a second-stage table can not be read",
		[0x79] = "not mapped, or the mapping does not allow it (second stage)",
		[0x7a] = "reserved bits in a second-stage entry",
		[0x7b] = "the address of a second-stage table is invalid",
		[0x80] = "the address is not canonical",
		[0x81] = "mapped for privileged requests alone",
		[0x83] = "the address is wider than the unit takes",
		[0x84] = "the address is wider than the page table",
		[0x85] = "a write where only reading is mapped",
		[0x86] = "a read where only writing is mapped",
		[0x87] = "an address of interrupts",
	};

	if (reason < sizeof(words) / sizeof(words[0]) && words[reason])
		return words[reason];
	return "unknown";
}

/* Takes the record at @index, which is free for the next fault then. Call with the lock held. Returns true if there was one. */
static bool take_record(struct dmah_vtd *vtd, unsigned int index, struct dmah_vtd_fault *fault)
{
	uint32_t at = CAP_FRO(vtd->cap) + index * FRCD_SIZE, w[4];

	w[3] = vtd_read(vtd, at + 12);
	/* All ones: the unit is gone, and there is no record. */
	if (!(w[3] & FRCD_F) || w[3] == ~0u)
		return false;
	for (unsigned int i = 0; i < 3; i++)
		w[i] = vtd_read(vtd, at + 4 * i);
	fault->addr = (uint64_t)w[1] << 32 | (w[0] & ~0xfffu);
	fault->id = (uint16_t)w[2];
	fault->reason = FRCD_FR(w[3]);
	fault->write = !(w[3] & FRCD_T1);
	fault->pasid = w[2] & FRCD_PP ? FRCD_PV(w[3]) : ~0u;
	vtd_write(vtd, at + 12, FRCD_F);
	return true;
}

/* Takes the oldest record; @first: the first of a call that takes many. Call with the lock held. */
static bool take_oldest(struct dmah_vtd *vtd, bool first, struct dmah_vtd_fault *fault)
{
	uint32_t status = vtd_read(vtd, REG_FSTS);
	unsigned int n = CAP_NFR(vtd->cap);

	if (!(status & FSTS_PPF) || status == ~0u)
		return false;
	if (first)
		vtd->fault_at = FSTS_FRI(status) % n;
	for (unsigned int i = 0; i < n; i++) {
		unsigned int index = (vtd->fault_at + i) % n;

		if (!take_record(vtd, index, fault))
			continue;
		vtd->fault_at = (index + 1) % n;
		return true;
	}
	return false;
}

static bool take_fault(struct dmah_vtd *vtd, bool first, struct dmah_vtd_fault *fault)
{
	unsigned long flags;
	bool taken;

	dmah_host_enter(&flags);
	dmah_host_lock(&vtd->faults);
	taken = take_oldest(vtd, first, fault);
	dmah_host_unlock(&vtd->faults);
	dmah_host_leave(flags);
	return taken;
}

/* The address field is the number of the remapping entry then, in its bits from 48 up. */
static bool is_interrupt(const struct dmah_vtd_fault *fault)
{
	return fault->reason >= REASON_INTERRUPT && fault->reason < REASON_SCALABLE;
}

/* While the overflow bit stands, the hardware records nothing; so it goes last, when there is room again. */
static bool take_overflow(struct dmah_vtd *vtd)
{
	uint32_t status = vtd_read(vtd, REG_FSTS);

	if (!(status & FSTS_PFO) || status == ~0u)
		return false;
	vtd_write(vtd, REG_FSTS, FSTS_PFO);
	return true;
}

unsigned int dmah_vtd_op_faults(struct dmah_iommu *iommu, struct dmah_iommu_fault *faults,
				unsigned int max, bool *lost)
{
	struct dmah_vtd *vtd = vtd_of(iommu);
	struct dmah_vtd_fault fault;
	unsigned int n = 0;

	/* The fault interrupt reports errors of the queue too. */
	(void)dmah_vtd_check(vtd);
	while (n < max && take_fault(vtd, !n, &fault)) {
		faults[n++] = (struct dmah_iommu_fault){ .addr = is_interrupt(&fault)
									 ? fault.addr >> 48
									 : fault.addr,
							 .id = fault.id,
							 .code = fault.reason,
							 .reason = dmah_vtd_reason(fault.reason),
							 .has_addr = !is_interrupt(&fault),
							 .write = fault.write,
							 .pci = true };
	}
	*lost |= take_overflow(vtd);
	return n;
}

unsigned int dmah_vtd_faults(struct dmah_vtd *vtd,
			     void (*fn)(void *ctx, const struct dmah_vtd_fault *fault), void *ctx,
			     bool *lost)
{
	unsigned int n = 0, most = 2 * CAP_NFR(vtd->cap);
	struct dmah_vtd_fault fault;
	bool overflow;

	while (n < most && take_fault(vtd, !n, &fault)) {
		if (fn)
			fn(ctx, &fault);
		n++;
	}
	overflow = take_overflow(vtd);
	if (lost)
		*lost = overflow;
	return n;
}

/* ---- the fault interrupt ---- */

/* Programs the message while it is masked, so that none is sent with one half of the old and one of the new. */
static void write_irq(struct dmah_vtd *vtd)
{
	vtd_write(vtd, REG_FECTL, FECTL_IM);
	vtd_write(vtd, REG_FEDATA, vtd->irq.data);
	vtd_write(vtd, REG_FEADDR, (uint32_t)vtd->irq.addr);
	vtd_write(vtd, REG_FEUADDR, (uint32_t)(vtd->irq.addr >> 32));
	if (!vtd->irq_masked)
		vtd_write(vtd, REG_FECTL, 0);
}

static void set_irq(struct dmah_vtd *vtd, const struct dmah_msi *msi, bool masked)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&vtd->faults);
	vtd->irq_masked = masked;
	if (msi) {
		vtd->irq = *msi;
		write_irq(vtd);
	} else {
		vtd_write(vtd, REG_FECTL, masked ? FECTL_IM : 0);
	}
	dmah_host_unlock(&vtd->faults);
	dmah_host_leave(flags);
}

int dmah_vtd_fault_irq(struct dmah_vtd *vtd, const struct dmah_msi *msi)
{
	if (msi->addr & 3) {
		dmah_host_report(NULL, DMAH_EINVAL,
				 "dmah_vtd_fault_irq: msi.addr is not a multiple of 4", msi->addr,
				 NULL);
		return DMAH_EINVAL;
	}
	set_irq(vtd, msi, false);
	return DMAH_OK;
}

void dmah_vtd_fault_mask(struct dmah_vtd *vtd, bool masked)
{
	set_irq(vtd, NULL, masked);
}

void dmah_vtd_irq_restore(struct dmah_vtd *vtd)
{
	struct dmah_msi irq = vtd->irq;

	if (irq.addr)
		set_irq(vtd, &irq, vtd->irq_masked);
}
