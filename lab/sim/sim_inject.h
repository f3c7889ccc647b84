/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Failure injection: at the n-th occurrence of a point, something goes wrong.
 *
 * A test counts the points that an act passes by making each of them fail in turn, until none is left:
 *
 *	for (uint64_t nth = 1, struck = 1; struck; nth++) {
 *		... build the machine and the driver ...
 *		sim_inject_watch(sim, 0, &vtd.iommu);
 *		sim_inject(sim, &(struct sim_injection){ .point = SIM_POINT_WAIT, .nth = nth,
 *							 .failure = SIM_FAIL_TIMEOUT });
 *		... the act ...
 *		struck = sim_inject_struck(sim);
 *		... sim_reach_check() (sim_reach.h): no device reaches memory that is not its own ...
 *		sim_repair(sim, false);
 *		... take down ...
 *	}
 *
 * Works on register models and on the fake IOMMU (fake_iommu.c). All functions may be called by several threads.
 */
#ifndef DMAH_SIM_INJECT_H
#define DMAH_SIM_INJECT_H

#include "sim.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum sim_point - points at which a failure can strike.
 * @SIM_POINT_PAGE_ALLOC: dmah_host_page_alloc().
 * @SIM_POINT_MEM_ALLOC: dmah_host_mem_alloc().
 * @SIM_POINT_BIND: the driver's bind() to a page table or to passthrough.
 * @SIM_POINT_UNBIND: bind() to DMAH_BIND_BLOCK.
 * @SIM_POINT_TAG_ALLOC: the driver's tag_alloc().
 * @SIM_POINT_INVALIDATE: invalidate().
 * @SIM_POINT_INVALIDATE_DEV: invalidate_dev().
 * @SIM_POINT_FENCE: fence().
 * @SIM_POINT_WAIT: wait().
 * @SIM_POINT_COMMAND: the hardware takes a command from its queue.
 * @SIM_POINT_REGISTER: a register of the unit is read or written.
 *
 * Calls of a driver are counted for drivers given to sim_inject_watch(), and for the fake IOMMU.
 */
enum sim_point {
	SIM_POINT_PAGE_ALLOC,
	SIM_POINT_MEM_ALLOC,
	SIM_POINT_BIND,
	SIM_POINT_UNBIND,
	SIM_POINT_TAG_ALLOC,
	SIM_POINT_INVALIDATE,
	SIM_POINT_INVALIDATE_DEV,
	SIM_POINT_FENCE,
	SIM_POINT_WAIT,
	SIM_POINT_COMMAND,
	SIM_POINT_REGISTER,
	SIM_POINTS,
};

/** sim_point_text() - Returns a point in words. */
const char *sim_point_text(enum sim_point point);

/**
 * enum sim_failure - a failure.
 * @SIM_FAIL_CALL: the call fails and does nothing: an allocation returns NULL, a driver's call the error of the injection.
 *	Not for SIM_POINT_COMMAND and SIM_POINT_REGISTER.
 * @SIM_FAIL_TIMEOUT: the unit takes no command until a call of its driver has returned an error. The commands that
 *	were posted meanwhile take effect then: late.
 * @SIM_FAIL_COMMAND: the unit refuses its next commands with a command error: VT-d IQE, SMMU CERROR_ILL. Software that
 *	acknowledges the error may post the command again.
 * @SIM_FAIL_ITE: a device does not answer the next invalidations of its TLB, whose entries stay: VT-d ITE, with the
 *	device's id in IQERCD_REG; SMMU CERROR_ATC_INV_SYNC.
 * @SIM_FAIL_ONES: registers read as all ones and writes are lost, as if the unit had been removed; it takes no command,
 *	and devices go on with the translations that they have.
 * @SIM_FAIL_DEAD: the unit takes no command; its registers answer.
 *
 * The last two last until sim_repair(). The fake IOMMU has no way to report an error of one command: with
 * SIM_FAIL_COMMAND and SIM_FAIL_ITE the command is lost, and the first wait behind it times out.
 */
enum sim_failure {
	SIM_FAIL_CALL,
	SIM_FAIL_TIMEOUT,
	SIM_FAIL_COMMAND,
	SIM_FAIL_ITE,
	SIM_FAIL_ONES,
	SIM_FAIL_DEAD,
	SIM_FAILURES,
};

/** sim_failure_text() - Returns a failure in words. */
const char *sim_failure_text(enum sim_failure failure);

/**
 * struct sim_injection - a failure and its point.
 * @point: the point.
 * @nth: the occurrence since sim_inject() that fails, from 1; 0: the first.
 * @times: SIM_FAIL_CALL: so many occurrences in a row fail; SIM_FAIL_COMMAND: so many commands are refused;
 *	SIM_FAIL_ITE: so many invalidations are not answered; 0: one; UINT64_MAX: all from then on.
 * @failure: the failure.
 * @iommu: the unit that fails, from 1; only its points count. 0: points of all units count, and the unit whose point
 *	it was fails; with allocations the first unit.
 * @device: SIM_FAIL_ITE: the id of the device that does not answer; 0: whichever is asked.
 * @err: SIM_FAIL_CALL: the error that a driver's call returns; 0: DMAH_ETIMEDOUT.
 */
struct sim_injection {
	enum sim_point point;
	uint64_t nth;
	uint64_t times;
	enum sim_failure failure;
	unsigned int iommu;
	uint32_t device;
	int err;
};

/**
 * sim_inject() - arm one injection, in place of the one before; counters restart.
 * @sim: the machine.
 * @injection: copied; NULL: nothing fails, and points are counted.
 */
void sim_inject(struct sim *sim, const struct sim_injection *injection);

/**
 * sim_inject_visit() - call a function at each allocation and each call of a driver, before it takes effect.
 * @sim: the machine, after sim_inject() and until sim_inject_stop().
 * @fn: may let devices access memory, also where the library holds a lock of its own. NULL: none.
 * @ctx: passed to @fn.
 *
 * Not while other threads run.
 */
void sim_inject_visit(struct sim *sim, void (*fn)(void *ctx), void *ctx);

/** sim_inject_stop() - disarm the injection and stop counting. Failures in effect stay. */
void sim_inject_stop(struct sim *sim);

/** sim_inject_count() - Returns the number of times that @point occurred since sim_inject(). */
uint64_t sim_inject_count(struct sim *sim, enum sim_point point);

/** sim_inject_struck() - Returns the number of occurrences that failed since sim_inject(); 0: @nth was not reached. */
uint64_t sim_inject_struck(struct sim *sim);

/**
 * sim_inject_watch() - count the calls of a driver, and let them fail.
 * @sim: the machine.
 * @n: the IOMMU that the driver is for, from 0.
 * @driver: the driver's struct dmah_iommu. Its @ops are replaced, so call this before a domain is given the IOMMU.
 */
void sim_inject_watch(struct sim *sim, unsigned int n, struct dmah_iommu *driver);

/**
 * sim_fail() - make a unit fail at once, without counting.
 * @iommu: the unit.
 * @failure: the failure; not SIM_FAIL_CALL.
 * @times: as in struct sim_injection.
 * @device: SIM_FAIL_ITE: the id of the silent device; 0: any.
 */
void sim_fail(struct sim_iommu *iommu, enum sim_failure failure, uint64_t times, uint32_t device);

/**
 * sim_repair() - end every failure in effect, and disarm the injection.
 * @sim: the machine.
 * @power_cycle: register models begin again as after power-on: registers have their reset values, TLBs are empty, and
 *	nothing is translated. Else each goes on with the commands that are queued.
 */
void sim_repair(struct sim *sim, bool power_cycle);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_SIM_INJECT_H */
