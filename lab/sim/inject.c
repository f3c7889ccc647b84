/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Failure injection: points are counted, and at the chosen one a unit or a call fails. */
#include "sim_inject.h"
#include "sim_int.h"

#include "posix.h"

#include <stdlib.h>
#include <string.h>

static struct {
	struct sim_lock lock;
	struct sim *sim; /* the machine that is counted for; NULL: none is */
	bool armed;
	struct sim_injection what;
	uint64_t count[SIM_POINTS]; /* of all units */
	uint64_t matching; /* occurrences that the injection counts */
	uint64_t struck;
	struct sim_iommu *watched[SIM_IOMMUS];
	void (*visit)(void *ctx); /* called at each point where no lock is held */
	void *visit_ctx;
} inject;

const char *sim_point_text(enum sim_point point)
{
	static const char *const text[SIM_POINTS] = {
		"page allocation", "memory allocation",	      "bind",  "unbind", "tag allocation",
		"invalidation",	   "device-TLB invalidation", "fence", "wait",	 "command",
		"register access",
	};

	return point < SIM_POINTS ? text[point] : "unknown point";
}

const char *sim_failure_text(enum sim_failure failure)
{
	static const char *const text[SIM_FAILURES] = {
		"the call fails",	 "time-out",	  "command error", "a silent device",
		"registers of all ones", "dead for good",
	};

	return failure < SIM_FAILURES ? text[failure] : "unknown failure";
}

/* ---- counting ---- */

/* Returns true if this occurrence fails. *@what: the injection. */
static bool occurs(struct sim *sim, unsigned int iommu, enum sim_point point,
		   struct sim_injection *what)
{
	bool fails = false;

	if (!__atomic_load_n(&inject.sim, __ATOMIC_RELAXED))
		return false;
	sim_lock(&inject.lock);
	if (inject.sim && inject.sim == sim) {
		inject.count[point]++;
		*what = inject.what;
		if (inject.armed && what->point == point &&
		    (!what->iommu || !iommu || what->iommu == iommu)) {
			/* Only a call can fail several times by itself; other failures last in the unit. */
			uint64_t times = what->failure == SIM_FAIL_CALL ? what->times : 1;

			inject.matching++;
			fails = inject.matching >= what->nth && inject.matching - what->nth < times;
		}
		inject.struck += fails;
	}
	sim_unlock(&inject.lock);
	return fails;
}

/* Make the unit fail; its lock is held. */
static void strike(struct sim_iommu *iommu, enum sim_failure failure, uint64_t times,
		   uint32_t device)
{
	struct sim_failing *f = &iommu->failing;

	switch (failure) {
	case SIM_FAIL_TIMEOUT:
		f->until_error = true;
		f->halted = true;
		break;
	case SIM_FAIL_COMMAND:
		f->commands = times;
		break;
	case SIM_FAIL_ITE:
		f->no_answers = times;
		f->device = device;
		break;
	case SIM_FAIL_ONES:
		f->ones = true;
		f->until_error = false;
		f->halted = true;
		break;
	case SIM_FAIL_DEAD:
		f->until_error = false;
		f->halted = true;
		break;
	case SIM_FAIL_CALL:
	case SIM_FAILURES:
		posix_misuse("a unit can not fail by SIM_FAIL_CALL");
	}
}

static unsigned int number_of(const struct sim_iommu *iommu)
{
	for (unsigned int i = 0; i < SIM_IOMMUS; i++)
		if (iommu->sim->iommu[i] == iommu)
			return i + 1;
	return 0;
}

/* ---- calls: allocations and drivers ---- */

/* A point where no lock is held. Returns true if the call itself fails. */
static bool call_fails(struct sim *sim, struct sim_iommu *iommu, enum sim_point point, int *err)
{
	struct sim_injection what;

	if (inject.visit && inject.sim == sim)
		inject.visit(inject.visit_ctx);
	if (!occurs(sim, iommu ? number_of(iommu) : 0, point, &what))
		return false;
	if (what.failure == SIM_FAIL_CALL) {
		*err = what.err ? what.err : DMAH_ETIMEDOUT;
		return true;
	}
	if (!iommu)
		iommu = sim_iommu(sim, what.iommu ? what.iommu - 1 : 0);
	if (iommu)
		sim_fail(iommu, what.failure, what.times, what.device);
	return false;
}

static bool allocation_fails(void *ctx, bool page)
{
	int err;

	return call_fails(ctx, NULL, page ? SIM_POINT_PAGE_ALLOC : SIM_POINT_MEM_ALLOC, &err);
}

static struct sim_iommu *watched(struct dmah_iommu *driver)
{
	for (unsigned int i = 0; i < SIM_IOMMUS; i++)
		if (inject.watched[i] && inject.watched[i]->watch.driver == driver)
			return inject.watched[i];
	posix_misuse("a call of an IOMMU driver whose machine is gone");
	abort();
}

/* A call of the driver returned @err: a time-out that lasts until an error has done its work. */
static int returned(struct sim_iommu *iommu, int err)
{
	struct sim_failing *f = &iommu->failing;

	if (err >= 0)
		return err;
	sim_lock(&iommu->lock);
	if (f->until_error) {
		f->until_error = false;
		f->halted = false;
		iommu->interface->run(iommu->unit);
	}
	sim_unlock(&iommu->lock);
	return err;
}

static int watch_bind(struct dmah_iommu *driver, struct dmah_device *dev, enum dmah_bind how,
		      const struct dmah_pt_info *pt, uint32_t tag)
{
	struct sim_iommu *iommu = watched(driver);
	int err;

	if (call_fails(iommu->sim, iommu,
		       how == DMAH_BIND_BLOCK ? SIM_POINT_UNBIND : SIM_POINT_BIND, &err))
		return err;
	return returned(iommu, iommu->watch.real->bind(driver, dev, how, pt, tag));
}

static int watch_tag_alloc(struct dmah_iommu *driver, uint32_t *tag)
{
	struct sim_iommu *iommu = watched(driver);
	int err;

	if (call_fails(iommu->sim, iommu, SIM_POINT_TAG_ALLOC, &err))
		return err;
	return returned(iommu, iommu->watch.real->tag_alloc(driver, tag));
}

static int watch_invalidate(struct dmah_iommu *driver, uint32_t tag, dmah_addr_t iova,
			    uint64_t size, bool tables, uint64_t *ticket)
{
	struct sim_iommu *iommu = watched(driver);
	int err;

	if (call_fails(iommu->sim, iommu, SIM_POINT_INVALIDATE, &err))
		return err;
	return returned(iommu,
			iommu->watch.real->invalidate(driver, tag, iova, size, tables, ticket));
}

static int watch_map(struct dmah_iommu *driver, uint32_t tag, dmah_addr_t iova, uint64_t size,
		     dmah_phys_t phys, enum dmah_dir dir)
{
	struct sim_iommu *iommu = watched(driver);
	int err;

	if (call_fails(iommu->sim, iommu, SIM_POINT_INVALIDATE, &err))
		return err;
	return returned(iommu, iommu->watch.real->map_request(driver, tag, iova, size, phys, dir));
}

static int watch_invalidate_dev(struct dmah_iommu *driver, struct dmah_device *dev,
				dmah_addr_t iova, uint64_t size)
{
	struct sim_iommu *iommu = watched(driver);
	int err;

	if (call_fails(iommu->sim, iommu, SIM_POINT_INVALIDATE_DEV, &err))
		return err;
	return returned(iommu, iommu->watch.real->invalidate_dev(driver, dev, iova, size));
}

static int watch_fence(struct dmah_iommu *driver, uint64_t *ticket)
{
	struct sim_iommu *iommu = watched(driver);
	int err;

	if (call_fails(iommu->sim, iommu, SIM_POINT_FENCE, &err))
		return err;
	return returned(iommu, iommu->watch.real->fence(driver, ticket));
}

static int watch_wait(struct dmah_iommu *driver, uint64_t ticket)
{
	struct sim_iommu *iommu = watched(driver);
	int err;

	if (call_fails(iommu->sim, iommu, SIM_POINT_WAIT, &err))
		return err;
	return returned(iommu, iommu->watch.real->wait(driver, ticket));
}

void sim_inject_watch(struct sim *sim, unsigned int n, struct dmah_iommu *driver)
{
	struct sim_iommu *iommu = sim_iommu(sim, n);
	struct sim_watch *w;

	if (!iommu) {
		posix_misuse("sim_inject_watch(): the machine has no such IOMMU");
		return;
	}
	w = &iommu->watch;
	if (w->driver == driver && driver->ops == &w->ops)
		return;
	w->driver = driver;
	w->real = driver->ops;
	w->ops = *driver->ops;
	w->ops.bind = watch_bind;
	w->ops.tag_alloc = watch_tag_alloc;
	w->ops.invalidate = watch_invalidate;
	if (w->real->map_request)
		w->ops.map_request = watch_map;
	if (w->real->invalidate_dev)
		w->ops.invalidate_dev = watch_invalidate_dev;
	w->ops.fence = watch_fence;
	w->ops.wait = watch_wait;
	driver->ops = &w->ops;
	inject.watched[n] = iommu;
}

/* ---- the hardware's points; the unit's lock is held ---- */

static void hardware_point(struct sim_iommu *iommu, enum sim_point point)
{
	struct sim_injection what;

	if (!__atomic_load_n(&inject.sim, __ATOMIC_RELAXED))
		return;
	if (occurs(iommu->sim, number_of(iommu), point, &what))
		strike(iommu, what.failure, what.times, what.device);
}

bool sim_inject_command(struct sim_iommu *iommu)
{
	struct sim_failing *f = &iommu->failing;

	hardware_point(iommu, SIM_POINT_COMMAND);
	if (!f->commands)
		return false;
	f->commands -= f->commands != UINT64_MAX;
	return true;
}

bool sim_inject_no_answer(struct sim_iommu *iommu, uint32_t id)
{
	struct sim_failing *f = &iommu->failing;

	if (!f->no_answers || (f->device && f->device != id))
		return false;
	f->no_answers -= f->no_answers != UINT64_MAX;
	return true;
}

bool sim_inject_register(struct sim_iommu *iommu)
{
	hardware_point(iommu, SIM_POINT_REGISTER);
	return iommu->failing.ones;
}

/* ---- settings ---- */

static void arm(struct sim *sim, const struct sim_injection *what)
{
	sim_lock(&inject.lock);
	__atomic_store_n(&inject.sim, sim, __ATOMIC_RELAXED);
	inject.armed = what != NULL;
	inject.what = what ? *what : (struct sim_injection){ .nth = 0 };
	if (!inject.what.nth)
		inject.what.nth = 1;
	if (!inject.what.times)
		inject.what.times = 1;
	memset(inject.count, 0, sizeof(inject.count));
	inject.matching = 0;
	inject.struck = 0;
	sim_unlock(&inject.lock);
}

void sim_inject(struct sim *sim, const struct sim_injection *what)
{
	if (what && what->failure == SIM_FAIL_CALL &&
	    (what->point == SIM_POINT_COMMAND || what->point == SIM_POINT_REGISTER)) {
		posix_misuse("sim_inject(): SIM_FAIL_CALL at a point that is no call");
		return;
	}
	for (unsigned int i = 0; i < SIM_IOMMUS; i++)
		if (sim->iommu[i] && !sim->iommu[i]->has_registers)
			sim_inject_watch(sim, i, sim->iommu[i]->dmah);
	arm(sim, what);
	posix_set_alloc_filter(allocation_fails, sim);
}

void sim_inject_visit(struct sim *sim, void (*fn)(void *ctx), void *ctx)
{
	(void)sim;
	inject.visit = fn;
	inject.visit_ctx = ctx;
}

void sim_inject_stop(struct sim *sim)
{
	(void)sim;
	posix_set_alloc_filter(NULL, NULL);
	inject.visit = NULL;
	sim_lock(&inject.lock);
	__atomic_store_n(&inject.sim, NULL, __ATOMIC_RELAXED);
	inject.armed = false;
	sim_unlock(&inject.lock);
}

uint64_t sim_inject_count(struct sim *sim, enum sim_point point)
{
	uint64_t n;

	(void)sim;
	sim_lock(&inject.lock);
	n = point < SIM_POINTS ? inject.count[point] : 0;
	sim_unlock(&inject.lock);
	return n;
}

uint64_t sim_inject_struck(struct sim *sim)
{
	uint64_t n;

	(void)sim;
	sim_lock(&inject.lock);
	n = inject.struck;
	sim_unlock(&inject.lock);
	return n;
}

void sim_fail(struct sim_iommu *iommu, enum sim_failure failure, uint64_t times, uint32_t device)
{
	sim_lock(&iommu->lock);
	strike(iommu, failure, times ? times : 1, device);
	sim_unlock(&iommu->lock);
}

static void repair(struct sim_iommu *iommu, bool power_cycle)
{
	sim_lock(&iommu->lock);
	iommu->failing = (struct sim_failing){ .halted = false };
	if (power_cycle && iommu->interface->power_on) {
		iommu->off = true;
		iommu->abort = false;
		iommu->interface->power_on(iommu->unit);
		iommu->psc = (struct sim_psc){ .count = 0 };
		sim_tlb_fini(&iommu->tlb);
		for (struct sim_device *dev = iommu->sim->devices; dev; dev = dev->next)
			if (dev->iommu == iommu)
				dev->known = false;
	}
	iommu->interface->run(iommu->unit);
	sim_unlock(&iommu->lock);
}

void sim_repair(struct sim *sim, bool power_cycle)
{
	sim_inject_stop(sim);
	for (unsigned int i = 0; i < SIM_IOMMUS; i++)
		if (sim->iommu[i])
			repair(sim->iommu[i], power_cycle);
}

void sim_inject_end(void)
{
	sim_inject_stop(NULL);
	memset(inject.watched, 0, sizeof(inject.watched));
}
