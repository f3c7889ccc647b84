/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Registers that answer later: control registers of queues, and the pointer to the device directory. */
#include "hw/riscv/riscv.h"

int dmah_riscv_await(const struct dmah_riscv *unit, uint32_t reg, uint32_t mask, uint32_t value)
{
	uint64_t begun = 0;
	bool late = false;
	uint32_t now;

	/* No register of these can be all ones: the unit is gone. */
	while ((now = riscv_read(unit, reg)) == ~0u || (now & mask) != value) {
		if (late || now == ~0u)
			return DMAH_ETIMEDOUT;
		late = dmah_hw_late(unit->timeout, &begun);
		dmah_host_relax();
	}
	return DMAH_OK;
}

/* ---- queues ---- */

int dmah_riscv_queue_off(const struct dmah_riscv *unit, uint32_t csr)
{
	int err = dmah_riscv_await(unit, csr, CSR_BUSY, 0);

	if (err || !(riscv_read(unit, csr) & (CSR_ENABLE | CSR_ON)))
		return err;
	riscv_write(unit, csr, 0);
	return dmah_riscv_await(unit, csr, CSR_BUSY | CSR_ON, 0);
}

static int queue_on(const struct dmah_riscv *unit, uint32_t csr, uint32_t errors)
{
	/* Errors that the previous owner left are acknowledged with it. */
	riscv_write(unit, csr, CSR_ENABLE | errors);
	return dmah_riscv_await(unit, csr, CSR_BUSY | CSR_ON, CSR_ON);
}

static uint64_t base_of(const struct dmah_unit_area *area, uint32_t entries)
{
	return PPN_OF(area->phys) | ((unsigned int)__builtin_ctz(entries) - 1);
}

int dmah_riscv_queues_on(struct dmah_riscv *unit)
{
	int err = dmah_riscv_queue_off(unit, REG_CQCSR);

	if (!err)
		err = dmah_riscv_queue_off(unit, REG_FQCSR);
	if (err)
		return err;
	unit->head = unit->tail = 0;
	dmah_host_write64(unit->regs + REG_CQB, base_of(&unit->queue, unit->entries));
	riscv_write(unit, REG_CQT, 0);
	err = queue_on(unit, REG_CQCSR, CQCSR_ERROR);
	if (err)
		return err;
	dmah_host_write64(unit->regs + REG_FQB, base_of(&unit->records, unit->nrecords));
	riscv_write(unit, REG_FQH, 0);
	return queue_on(unit, REG_FQCSR, CSR_MF | FQCSR_OF);
}

/* ---- the device directory ---- */

int dmah_riscv_set_mode(const struct dmah_riscv *unit, unsigned int mode)
{
	int err = dmah_riscv_await(unit, REG_DDTP, DDTP_BUSY, 0);

	if (err)
		return err;
	dmah_host_write64(unit->regs + REG_DDTP, PPN_OF(unit->root_phys) | mode);
	err = dmah_riscv_await(unit, REG_DDTP, DDTP_BUSY, 0);
	if (err)
		return err;
	return DDTP_MODE(riscv_read(unit, REG_DDTP)) == mode ? DMAH_OK : DMAH_ENOTSUP;
}
