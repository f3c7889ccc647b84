/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Fault records (chapter 7, Fault Logging): a ring of registers. The hardware fills the next one that is free, notes
 * that there was none left, and records no second fault of a device while its first is there.
 */
#include "hw/vtd/vtd.h"

/* From here on what is recorded as the address is an index into the interrupt remapping table. */
#define REASON_INTERRUPT 0x20

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
	};

	if (reason < sizeof(words) / sizeof(words[0]) && words[reason])
		return words[reason];
	return "unknown";
}

/* With the lock held: the record at @index, which is free for the next fault afterwards. Return: whether it was one. */
static bool take_record(struct dmah_vtd *vtd, unsigned int index, struct dmah_vtd_fault *fault)
{
	uint32_t at = CAP_FRO(vtd->cap) + index * FRCD_SIZE, w[4];

	w[3] = vtd_read(vtd, at + 12);
	if (!(w[3] & FRCD_F))
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

/* With the lock held: the oldest record; @first of a call that asks for many. */
static bool take_oldest(struct dmah_vtd *vtd, bool first, struct dmah_vtd_fault *fault)
{
	uint32_t status = vtd_read(vtd, REG_FSTS);
	unsigned int n = CAP_NFR(vtd->cap);

	if (!(status & FSTS_PPF))
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

/* While the overflow bit stands, the hardware records nothing; so it goes last, when there is room again. */
static bool take_overflow(struct dmah_vtd *vtd)
{
	bool overflow = vtd_read(vtd, REG_FSTS) & FSTS_PFO;

	if (overflow)
		vtd_write(vtd, REG_FSTS, FSTS_PFO);
	return overflow;
}

unsigned int dmah_vtd_op_faults(struct dmah_iommu *iommu, struct dmah_iommu_fault *faults,
				unsigned int max, bool *lost)
{
	struct dmah_vtd *vtd = vtd_of(iommu);
	struct dmah_vtd_fault fault;
	unsigned int n = 0;

	while (n < max && take_fault(vtd, !n, &fault)) {
		faults[n++] =
			(struct dmah_iommu_fault){ .addr = fault.addr,
						   .id = fault.id,
						   .code = fault.reason,
						   .reason = dmah_vtd_reason(fault.reason),
						   .has_addr = fault.reason < REASON_INTERRUPT,
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
