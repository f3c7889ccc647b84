/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Modes and upkeep of a domain, for every backend: set_mode, reserve, flush, poll, cpu_dead.
 */
#include "base/setup_error.h"
#include "core/setup.h"

#define RESERVE_MAX 16384u

int dmah_set_mode(struct dmah_domain *dom, enum dmah_mode mode)
{
	int err;

	if (!dom->ops->set_mode)
		return dmah_setup_error(NULL, DMAH_ENOTSUP,
					"dmah_set_mode: the domain's backend has no modes", mode);
	if ((unsigned int)mode > DMAH_PASSTHROUGH)
		return dmah_setup_error(NULL, DMAH_EINVAL, "dmah_set_mode: no such mode", mode);
	dmah_setup_begin(dom);
	err = dom->ops->set_mode(dom, mode);
	dmah_setup_end(dom);
	return err;
}

int dmah_reserve(struct dmah_domain *dom, unsigned int count, uint32_t len)
{
	int err;

	if (!count || count > RESERVE_MAX)
		return dmah_setup_error(NULL, DMAH_EINVAL, "dmah_reserve: count is not 1 to 16384",
					count);
	if (!len)
		return dmah_setup_error(NULL, DMAH_EINVAL, "dmah_reserve: len is 0", len);
	if (!dom->ops->reserve)
		return DMAH_OK;
	dmah_setup_begin(dom);
	err = dom->ops->reserve(dom, count, len);
	dmah_setup_end(dom);
	return err;
}

int dmah_flush(struct dmah_domain *dom)
{
	return dom->ops->flush ? dom->ops->flush(dom, NULL) : DMAH_OK;
}

int dmah_poll(struct dmah_domain *dom, uint64_t now, uint64_t *next)
{
	*next = UINT64_MAX;
	return dom->ops->poll ? dom->ops->poll(dom, now, next) : DMAH_OK;
}

int dmah_cpu_dead(struct dmah_domain *dom, unsigned int cpu)
{
	if (cpu >= dom->cfg.cpus)
		return DMAH_EINVAL;
	return dom->ops->cpu_dead ? dom->ops->cpu_dead(dom, cpu) : DMAH_OK;
}
