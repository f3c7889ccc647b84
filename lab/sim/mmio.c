/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Registers of device models: a window of addresses that are no memory, and the model behind each range of it. */
#define _GNU_SOURCE
#include "sim_int.h"

#include "posix.h"

#include <sys/mman.h>

#define WINDOW	((uint64_t)1 << 20)
#define PAGE	4096u
#define READ_NS 1000u

static struct sim_regs *at(struct sim_mmio *mmio, uint64_t offset)
{
	for (unsigned int i = 0; i < mmio->count; i++)
		if (offset - mmio->regs[i].offset < mmio->regs[i].size)
			return &mmio->regs[i];
	return NULL;
}

static uint64_t window_read(void *ctx, uint64_t offset, unsigned int size)
{
	struct sim_mmio *mmio = ctx;
	struct sim_regs *regs = at(mmio, offset);

	if (mmio->read_ns && posix_clock_is_manual())
		posix_clock_advance(mmio->read_ns);
	if (regs)
		return regs->read(regs->ctx, offset - regs->offset, size);
	posix_misuse("a read of a register that is not there");
	return ~0ull;
}

static void window_write(void *ctx, uint64_t offset, unsigned int size, uint64_t value)
{
	struct sim_regs *regs = at(ctx, offset);

	if (regs)
		regs->write(regs->ctx, offset - regs->offset, size, value);
	else
		posix_misuse("a write to a register that is not there");
}

volatile void *sim_regs_add(struct sim *sim, uint64_t size, void *ctx, sim_reg_read *read,
			    sim_reg_write *write)
{
	struct sim_mmio *mmio = &sim->mmio;
	uint64_t room = (size + PAGE - 1) / PAGE * PAGE;
	struct sim_regs *regs = &mmio->regs[mmio->count];

	if (mmio->count == SIM_REGS || room > WINDOW - mmio->used)
		return NULL;
	if (!mmio->base) {
		mmio->base = mmap(NULL, WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (mmio->base == MAP_FAILED) {
			mmio->base = NULL;
			return NULL;
		}
		if (!mmio->read_ns_set)
			mmio->read_ns = READ_NS;
		posix_set_mmio(&(struct posix_mmio){ .base = mmio->base,
						     .size = WINDOW,
						     .ctx = mmio,
						     .read = window_read,
						     .write = window_write });
	}
	*regs = (struct sim_regs){ mmio->used, size, ctx, read, write };
	mmio->used += room;
	mmio->count++;
	return mmio->base + regs->offset;
}

void sim_regs_set_read_time(struct sim *sim, uint64_t ns)
{
	sim->mmio.read_ns = ns;
	sim->mmio.read_ns_set = true;
}

void sim_mmio_fini(struct sim_mmio *mmio)
{
	if (!mmio->base)
		return;
	posix_set_mmio(NULL);
	munmap(mmio->base, WINDOW);
}
