/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Modes and upkeep of a domain, for every backend: set_mode, reserve, flush, poll, cpu_dead.
 */
#include "base/domain.h"

#define RESERVE_MAX 16384u

int dmah_set_mode(struct dmah_domain *dom, enum dmah_mode mode)
{
	if (!dom->ops->set_mode)
		return DMAH_ENOTSUP;
	if ((unsigned int)mode > DMAH_PASSTHROUGH)
		return DMAH_EINVAL;
	return dom->ops->set_mode(dom, mode);
}

int dmah_reserve(struct dmah_domain *dom, unsigned int count, uint32_t len)
{
	if (!count || count > RESERVE_MAX || !len)
		return DMAH_EINVAL;
	return dom->ops->reserve ? dom->ops->reserve(dom, count, len) : DMAH_OK;
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
