/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The log of refused transactions. The first ones are kept, since they explain the later ones. */
#include "sim_int.h"

const char *sim_reason_text(enum sim_reason reason)
{
	switch (reason) {
	case SIM_OK:
		return "no fault";
	case SIM_FAULT_MASK:
		return "the device cannot put this address on the bus";
	case SIM_FAULT_BUS:
		return "no memory at this address";
	case SIM_FAULT_BLOCKED:
		return "the device is blocked";
	case SIM_FAULT_CONTEXT:
		return "malformed root, context or stream table entry";
	case SIM_FAULT_WIDTH:
		return "address wider than the page table";
	case SIM_FAULT_TRANSLATION:
		return "nothing is mapped there";
	case SIM_FAULT_PERMISSION:
		return "mapped, but not for this direction";
	case SIM_FAULT_TABLE:
		return "a table pointer leads out of memory";
	case SIM_FAULT_RESERVED:
		return "reserved bits are set in a table entry";
	case SIM_FAULT_ACCESS_FLAG:
		return "the access flag is clear";
	case SIM_FAULT_ADDRESS_SIZE:
		return "output address too wide";
	case SIM_FAULT_INTERRUPT:
		return "the interrupt window is not memory";
	case SIM_FAULT_ATS:
		return "translated request of a device that is not allowed any";
	case SIM_FAULT_REMAPPING:
		return "no remapping entry accepts the interrupt";
	}
	return "unknown";
}

void sim_fault_add(struct sim *sim, const struct sim_fault *fault)
{
	struct sim_faults *log = &sim->faults;

	sim_lock(&log->lock);
	if (log->kept < SIM_FAULTS)
		log->fault[log->kept++] = *fault;
	log->count++;
	sim_unlock(&log->lock);
}

bool sim_fault_at(struct sim *sim, size_t *at, struct sim_fault *fault)
{
	struct sim_faults *log = &sim->faults;
	bool found;

	sim_lock(&log->lock);
	/* The log may have been cleared. */
	if (*at > log->kept)
		*at = 0;
	found = *at < log->kept;
	if (found)
		*fault = log->fault[(*at)++];
	sim_unlock(&log->lock);
	return found;
}

size_t sim_faults(struct sim *sim, struct sim_fault *faults, size_t max)
{
	struct sim_faults *log = &sim->faults;
	size_t n;

	sim_lock(&log->lock);
	n = log->kept < max ? log->kept : max;
	for (size_t i = 0; i < n; i++)
		faults[i] = log->fault[i];
	sim_unlock(&log->lock);
	return n;
}

uint64_t sim_fault_count(struct sim *sim)
{
	uint64_t count;

	sim_lock(&sim->faults.lock);
	count = sim->faults.count;
	sim_unlock(&sim->faults.lock);
	return count;
}

bool sim_fault_overflow(struct sim *sim)
{
	bool over;

	sim_lock(&sim->faults.lock);
	over = sim->faults.count > sim->faults.kept;
	sim_unlock(&sim->faults.lock);
	return over;
}

void sim_faults_clear(struct sim *sim)
{
	sim_lock(&sim->faults.lock);
	sim->faults.count = 0;
	sim->faults.kept = 0;
	sim_unlock(&sim->faults.lock);
}
