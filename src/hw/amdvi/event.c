/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The event log (section 2.5): a ring in memory, in which the hardware records refused transactions, refused commands, and
 * devices that did not answer. Entries are zeroed when they are taken, so that a new one is seen without a register.
 *
 * There are two readers. dmah_amdvi_check() looks at each event once for what concerns commands, and leaves it there;
 * dmah_amdvi_op_faults() takes events that the first has seen. A log that is full loses what comes next, and does not go on by
 * itself.
 */
#include "hw/amdvi/amdvi.h"

const char *dmah_amdvi_reason(unsigned int code, bool present, bool reserved)
{
	switch (code) {
	case EVT_ILLEGAL_DTE:
		return "reserved bits in the device table entry";
	case EVT_PAGE_FAULT:
		if (reserved)
			return "reserved bits in a page-table entry";
		return present ? "mapped, but not for this access" : "nothing is mapped there";
	case EVT_DEVTAB_ERROR:
		return "the device table can not be read";
	case EVT_PAGETAB_ERROR:
		return "a page table can not be read";
	case EVT_INVALID_REQ:
		return "a request that the device must not make";
	}
	return "unknown";
}

/* A log that has no room has lost nothing where no device was asked. */
bool dmah_amdvi_event_pending(const struct dmah_amdvi *amdvi, uint64_t ticket)
{
	uint32_t seen = __atomic_load_n(&amdvi->seen, __ATOMIC_ACQUIRE);

	return __atomic_load_n(dmah_amdvi_event(amdvi, seen), __ATOMIC_ACQUIRE) ||
	       (ticket <= __atomic_load_n(&amdvi->asked, __ATOMIC_RELAXED) &&
		seen - __atomic_load_n(&amdvi->taken, __ATOMIC_RELAXED) >= amdvi->events - 1);
}

/* ---- a log that has overflowed ---- */

void dmah_amdvi_log_program(struct dmah_amdvi *amdvi)
{
	__builtin_memset(amdvi->log, 0, (size_t)amdvi->events * 16);
	dmah_host_wmb();
	amdvi->taken = 0;
	__atomic_store_n(&amdvi->seen, 0, __ATOMIC_RELEASE);
	amdvi_write(amdvi, REG_EVTLOG, amdvi->log_phys | RING_LOG2(__builtin_ctz(amdvi->events)));
	amdvi_write(amdvi, REG_EVT_HEAD, 0);
	amdvi_write(amdvi, REG_EVT_TAIL, 0);
	amdvi_write(amdvi, REG_STATUS, STATUS_OVERFLOW | STATUS_EVTINT);
}

bool dmah_amdvi_log_restart(struct dmah_amdvi *amdvi)
{
	dmah_amdvi_control(amdvi, CONTROL_EVTLOG, 0);
	/* The base and the pointers may be written only when the log has stopped. */
	if (amdvi_read(amdvi, REG_STATUS) & STATUS_EVTRUN)
		return false;
	dmah_host_lock(&amdvi->faults);
	dmah_amdvi_log_program(amdvi);
	__atomic_store_n(&amdvi->log_lost, 1, __ATOMIC_RELEASE);
	dmah_host_unlock(&amdvi->faults);
	dmah_amdvi_control(amdvi, 0, CONTROL_EVTLOG);
	return true;
}

/* ---- faults ---- */

static bool is_fault(uint64_t low)
{
	switch (EVENT_CODE(low)) {
	case EVT_ILLEGAL_DTE:
	case EVT_PAGE_FAULT:
	case EVT_DEVTAB_ERROR:
	case EVT_PAGETAB_ERROR:
	case EVT_INVALID_REQ:
		return true;
	}
	return false;
}

static const char *interrupt_reason(uint64_t low)
{
	if (low & EVENT_RESERVED)
		return "interrupt: reserved bits in the remapping entry";
	return low & EVENT_PRESENT ? "interrupt: the entry does not allow this kind"
				   : "interrupt: no remapping entry";
}

/* The address of an event about a table is that of the table. */
static void decode(const uint64_t *at, struct dmah_iommu_fault *fault)
{
	unsigned int code = EVENT_CODE(at[0]);
	bool table = code == EVT_DEVTAB_ERROR || code == EVT_PAGETAB_ERROR;

	*fault = (struct dmah_iommu_fault){
		.addr = at[1],
		.id = EVENT_ID(at[0]),
		.code = code,
		.reason = code == EVT_PAGE_FAULT && at[0] & EVENT_INTERRUPT
				  ? interrupt_reason(at[0])
				  : dmah_amdvi_reason(code, at[0] & EVENT_PRESENT,
						      at[0] & EVENT_RESERVED),
		.has_addr = !table && !(at[0] & EVENT_INTERRUPT),
		.write = at[0] & EVENT_WRITE,
		.pci = true,
	};
}

/* Takes the oldest event that was seen. Call with the lock of faults held. Returns true where there was one. */
static bool take_oldest(struct dmah_amdvi *amdvi, uint64_t event[2])
{
	uint64_t *at = dmah_amdvi_event(amdvi, amdvi->taken);

	if (amdvi->taken == __atomic_load_n(&amdvi->seen, __ATOMIC_ACQUIRE))
		return false;
	event[0] = at[0];
	event[1] = at[1];
	at[1] = 0;
	__atomic_store_n(&at[0], 0, __ATOMIC_RELAXED);
	/* Zero before the hardware may use the place again. */
	dmah_host_wmb();
	__atomic_store_n(&amdvi->taken, amdvi->taken + 1, __ATOMIC_RELAXED);
	amdvi_write(amdvi, REG_EVT_HEAD, (amdvi->taken & (amdvi->events - 1)) << 4);
	return true;
}

void dmah_amdvi_log_spare(struct dmah_amdvi *amdvi)
{
	uint64_t event[2];

	dmah_host_lock(&amdvi->faults);
	while (amdvi->seen - amdvi->taken > amdvi->events / 2 && take_oldest(amdvi, event))
		__atomic_store_n(&amdvi->log_lost, 1, __ATOMIC_RELEASE);
	dmah_host_unlock(&amdvi->faults);
}

static bool take(struct dmah_amdvi *amdvi, uint64_t event[2])
{
	unsigned long flags;
	bool taken;

	dmah_host_enter(&flags);
	dmah_host_lock(&amdvi->faults);
	taken = take_oldest(amdvi, event);
	dmah_host_unlock(&amdvi->faults);
	dmah_host_leave(flags);
	return taken;
}

unsigned int dmah_amdvi_op_faults(struct dmah_iommu *iommu, struct dmah_iommu_fault *faults,
				  unsigned int max, bool *lost)
{
	struct dmah_amdvi *amdvi = amdvi_of(iommu);
	unsigned int n = 0;
	uint64_t event[2];

	if (!__atomic_load_n(&amdvi->live, __ATOMIC_ACQUIRE))
		return 0;
	/* A later event sends a further interrupt. */
	amdvi_write(amdvi, REG_STATUS, STATUS_EVTINT);
	(void)dmah_amdvi_check(amdvi);
	while (n < max && take(amdvi, event))
		if (is_fault(event[0]))
			decode(event, &faults[n++]);
	/* All was taken: a log that has overflowed goes on. */
	if (n < max)
		(void)dmah_amdvi_check(amdvi);
	*lost |= __atomic_exchange_n(&amdvi->log_lost, 0, __ATOMIC_ACQ_REL) != 0;
	return n;
}

/* ---- the event interrupt ---- */

void dmah_amdvi_fault_irq(struct dmah_amdvi *amdvi, bool on)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&amdvi->state.lock);
	dmah_amdvi_control(amdvi, on ? 0 : CONTROL_EVTINT, on ? CONTROL_EVTINT : 0);
	dmah_host_unlock(&amdvi->state.lock);
	dmah_host_leave(flags);
}
