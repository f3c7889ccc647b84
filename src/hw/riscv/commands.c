/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Commands of the command queue (chapter In-memory queue interface). */
#include "hw/riscv/riscv.h"

/* Address spaces that have a second stage behind them are named with its id. */
static uint64_t host(const struct dmah_riscv *unit)
{
	return riscv_has_files(unit) ? CMD_GV | CMD_GSCID(RISCV_GSCID) : 0;
}

static uint64_t space_of(const struct dmah_riscv *unit, uint32_t tag)
{
	return CMD_IOTINVAL | CMD_PSCV | CMD_PSCID(tag) | host(unit);
}

struct riscv_command dmah_riscv_space(const struct dmah_riscv *unit, uint32_t tag)
{
	return (struct riscv_command){ { space_of(unit, tag), 0 } };
}

/*
 * A command that names an address invalidates leaf entries alone, one page or superpage. Where entries above the leaf level
 * changed, or for many pages, everything of the address space goes.
 */
unsigned int dmah_riscv_invalidations(const struct dmah_riscv *unit, uint32_t tag, dmah_addr_t iova,
				      uint64_t size, bool tables,
				      struct riscv_command c[RISCV_INVALIDATIONS])
{
	uint64_t space = space_of(unit, tag);
	uint64_t first = iova >> 12, last = (iova + size - 1) >> 12;

	if (!size || tables || last < first || last - first >= RISCV_INVALIDATIONS) {
		c[0] = dmah_riscv_space(unit, tag);
		return 1;
	}
	for (uint64_t page = first; page <= last; page++)
		c[page - first] =
			(struct riscv_command){ { space | CMD_AV, CMD_ADDR(page << 12) } };
	return (unsigned int)(last - first + 1);
}

/* Of the host's address spaces, or of those behind the second stage, the entries of contexts without a first stage included. */
struct riscv_command dmah_riscv_all(const struct dmah_riscv *unit)
{
	return (struct riscv_command){ { CMD_IOTINVAL | host(unit), 0 } };
}

struct riscv_command dmah_riscv_all_second(void)
{
	return (struct riscv_command){ { CMD_IOTINVAL | CMD_GVMA | CMD_GV | CMD_GSCID(RISCV_GSCID),
					 0 } };
}

struct riscv_command dmah_riscv_context(const struct dmah_riscv *unit, uint32_t id)
{
	struct riscv_command c = { { CMD_IODIR, 0 } };

	/* An id must not be wider than the directory in use, which is not ours before dmah_riscv_enable(). */
	if (id != ~0u && riscv_enabled(unit))
		c.word[0] |= CMD_DV | CMD_DID(id);
	return c;
}

struct riscv_command dmah_riscv_ats(uint32_t id, dmah_addr_t iova, uint64_t size)
{
	uint64_t first = iova >> 12, last = (iova + size - 1) >> 12, payload;
	unsigned int order = size && last >= first ? 0 : 52;

	while (order < 52 && first >> order != last >> order)
		order++;
	/* The lowest zero of the address, from bit 12 up, gives the size of the range (PCIe, Invalidate Request). */
	if (order > 51)
		payload = 0x7ffffffffffff000ull | ATS_SIZE;
	else if (order)
		payload = ((first >> order << order) << 12 | (((1ull << (order - 1)) - 1) << 12)) |
			  ATS_SIZE;
	else
		payload = first << 12;
	return (struct riscv_command){ { CMD_ATS | CMD_RID(id), payload } };
}

struct riscv_command dmah_riscv_fence(void)
{
	return (struct riscv_command){ { CMD_IOFENCE, 0 } };
}
