/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The event queue (Arm IHI 0070, sections 3.5, 7.2 and 7.3). */
#include "hw/smmuv3/smmuv3.h"

#define EVENT_WORDS    4u
#define EVENT_READ     (1ull << 35)
#define EVENT_STAGE2   (1ull << 39)
#define NO_ADDRESS     false
#define WITH_ADDRESS   true
#define EVENTS_AT_MOST 0x26u

static const struct {
	const char *reason;
	bool has_address;
} kinds[EVENTS_AT_MOST] = {
	[0x01] = { "unsupported upstream transaction", WITH_ADDRESS },
	[0x02] = { "no such stream id", NO_ADDRESS },
	[0x03] = { "the stream table entry cannot be read", NO_ADDRESS },
	[0x04] = { "the stream is not bound", NO_ADDRESS },
	[0x05] = { "ATS is off for this stream", WITH_ADDRESS },
	[0x06] = { "the stream is disabled", NO_ADDRESS },
	[0x07] = { "a translated transaction, with ATS off", WITH_ADDRESS },
	[0x08] = { "no such substream", NO_ADDRESS },
	[0x09] = { "the context descriptor cannot be read", NO_ADDRESS },
	[0x0a] = { "the context descriptor makes no sense", NO_ADDRESS },
	[0x0b] = { "a page table cannot be read", WITH_ADDRESS },
	[0x10] = { "not mapped", WITH_ADDRESS },
	[0x11] = { "mapped to an address that is too wide", WITH_ADDRESS },
	[0x12] = { "mapped without the access flag", WITH_ADDRESS },
	[0x13] = { "the mapping does not allow it", WITH_ADDRESS },
	[0x20] = { "two TLB entries for one address", WITH_ADDRESS },
	[0x21] = { "conflicting configurations", NO_ADDRESS },
	[0x24] = { "a page request", WITH_ADDRESS },
	[0x25] = { "the VM structure cannot be read", NO_ADDRESS },
};

static void decode(const uint64_t *record, struct dmah_smmuv3_event *event)
{
	uint32_t type = (uint32_t)record[0] & 0xff;

	*event = (struct dmah_smmuv3_event){
		.type = type,
		.sid = (uint32_t)(record[0] >> 32),
		.has_address = type < EVENTS_AT_MOST && kinds[type].has_address,
		.reason = type < EVENTS_AT_MOST ? kinds[type].reason : NULL,
		.raw = { record[0], record[1], record[2], record[3] },
	};
	if (!event->reason)
		event->reason = "an event that this driver does not know";
	event->stage2 = event->has_address && record[1] & EVENT_STAGE2;
	if (event->has_address) {
		event->write = !(record[1] & EVENT_READ);
		event->iova = record[2];
	}
}

/* Under the lock of events. */
static unsigned int drain(struct dmah_smmuv3 *smmu, struct dmah_smmuv3_event *events,
			  unsigned int max)
{
	uint32_t prod = smmuv3_read(smmu, smmuv3_page1(smmu, REG_EVTQ_PROD)),
		 mask = (2u << smmu->evtq_log2) - 1;
	uint32_t cons = smmu->events_cons;
	unsigned int n = 0;

	/* No index is all ones: the unit is gone, and has recorded nothing. */
	if (prod == ~0u)
		return 0;

	/* The records are not read before the index that says that they are there. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	for (; n < max && (cons ^ prod) & mask; n++) {
		decode(smmu->evtq.cpu + EVENT_WORDS * (cons & (mask >> 1)), &events[n]);
		cons = (cons & ~mask) | ((cons + 1) & mask);
	}
	/* The hardware turns the flag over for a record that it dropped, and again only when the other side follows. */
	if ((cons ^ prod) & EVTQ_OVERFLOW) {
		cons ^= EVTQ_OVERFLOW;
		__atomic_add_fetch(&smmu->events_lost, 1, __ATOMIC_RELAXED);
	}
	if (cons != smmu->events_cons)
		smmuv3_write(smmu, smmuv3_page1(smmu, REG_EVTQ_CONS), cons);
	smmu->events_cons = cons;
	return n;
}

unsigned int dmah_smmuv3_faults(struct dmah_iommu *iommu, struct dmah_iommu_fault *faults,
				unsigned int max, bool *lost)
{
	struct dmah_smmuv3_event event;
	unsigned int n = 0;
	bool some = false;

	while (n < max && dmah_smmuv3_events(smmuv3_of(iommu), &event, 1, &some)) {
		*lost |= some;
		faults[n++] = (struct dmah_iommu_fault){ .addr = event.iova,
							 .id = event.sid,
							 .code = event.type,
							 .reason = event.reason,
							 .has_addr = event.has_address,
							 .write = event.write };
	}
	*lost |= some;
	return n;
}

unsigned int dmah_smmuv3_events(struct dmah_smmuv3 *smmu, struct dmah_smmuv3_event *events,
				unsigned int max, bool *lost)
{
	unsigned long flags;
	unsigned int n;

	/* A record that could not be written is an error of its own (EVENTQ_ABT_ERR). */
	(void)dmah_smmuv3_check(smmu);
	dmah_host_enter(&flags);
	dmah_host_lock(&smmu->events_lock);
	n = drain(smmu, events, max);
	if (lost) {
		uint32_t now = __atomic_load_n(&smmu->events_lost, __ATOMIC_ACQUIRE);

		*lost = now != smmu->events_told;
		smmu->events_told = now;
	}
	dmah_host_unlock(&smmu->events_lock);
	dmah_host_leave(flags);
	return n;
}

/* ---- interrupts (sections 3.18, 6.3.17, 6.3.20 to 6.3.22) ---- */

static void write_msi(struct dmah_smmuv3 *smmu, uint32_t reg, const struct dmah_msi *msi)
{
	dmah_host_write64(smmu->regs + reg, msi->addr);
	smmuv3_write(smmu, reg + IRQ_DATA, msi->data);
	smmuv3_write(smmu, reg + IRQ_ATTR, IRQ_ATTR_NGNRE);
}

static int enable_irqs(struct dmah_smmuv3 *smmu, uint32_t which)
{
	smmuv3_write(smmu, REG_IRQ_CTRL, which);
	return dmah_smmuv3_await(smmu, REG_IRQ_CTRLACK, ~0u, which) ? DMAH_OK : DMAH_ETIMEDOUT;
}

/* Messages are programmed while the interrupts are off. An address of 0 makes an interrupt a wire. */
int dmah_smmuv3_irq_restore(struct dmah_smmuv3 *smmu)
{
	int err = enable_irqs(smmu, 0);

	if (err || !smmu->irq_set)
		return err;
	if (smmu->features & SMMUV3_MSI) {
		write_msi(smmu, REG_EVTQ_IRQ, &smmu->irq.events);
		write_msi(smmu, REG_GERROR_IRQ, &smmu->irq.errors);
	}
	return smmu->irq_masked ? DMAH_OK : enable_irqs(smmu, IRQ_EVTQ | IRQ_GERROR);
}

static int refuse_irq(int err, const char *text, uint64_t value)
{
	dmah_host_report(NULL, err, text, value, NULL);
	return err;
}

int dmah_smmuv3_irq(struct dmah_smmuv3 *smmu, const struct dmah_smmuv3_irq *irq)
{
	uint64_t any = irq->events.addr | irq->errors.addr;

	if (any & 3)
		return refuse_irq(DMAH_EINVAL, "dmah_smmuv3_irq: an address is not a multiple of 4",
				  any);
	if (any && !(smmu->features & SMMUV3_MSI))
		return refuse_irq(DMAH_ENOTSUP,
				  "dmah_smmuv3_irq: the unit sends no MSIs (IDR0.MSI), only wires",
				  any);
	smmu->irq = *irq;
	smmu->irq_set = true;
	smmu->irq_masked = false;
	return dmah_smmuv3_irq_restore(smmu);
}

int dmah_smmuv3_irq_mask(struct dmah_smmuv3 *smmu, bool masked)
{
	smmu->irq_masked = masked;
	return enable_irqs(smmu, masked || !smmu->irq_set ? 0 : IRQ_EVTQ | IRQ_GERROR);
}
