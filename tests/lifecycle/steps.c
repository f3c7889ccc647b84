/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "steps.h"

#include <dmah/dmah.h>
#include <dmah/host.h>

#include "posix.h"

static void (*armed)(void);
static unsigned int left;

void steps_arm(unsigned int nth, void (*fn)(void))
{
	left = nth;
	armed = fn;
}

bool steps_disarm(void)
{
	bool reached = !armed;

	armed = NULL;
	return reached;
}

static void step(void)
{
	void (*fn)(void) = armed;

	if (!fn || posix_entered() || posix_cpu() != 0 || --left)
		return;
	armed = NULL;
	posix_set_cpu(1);
	fn();
	posix_set_cpu(0);
}

unsigned int __real_dmah_host_enter(unsigned long *flags);
unsigned int __wrap_dmah_host_enter(unsigned long *flags);
void __real_dmah_host_leave(unsigned long flags);
void __wrap_dmah_host_leave(unsigned long flags);
void __real_dmah_host_wmb(void);
void __wrap_dmah_host_wmb(void);
uint64_t __real_dmah_host_now(void);
uint64_t __wrap_dmah_host_now(void);
void __real_dmah_host_cache(enum dmah_cache_op op, dmah_phys_t phys, uint64_t len);
void __wrap_dmah_host_cache(enum dmah_cache_op op, dmah_phys_t phys, uint64_t len);

unsigned int __wrap_dmah_host_enter(unsigned long *flags)
{
	step();
	return __real_dmah_host_enter(flags);
}

void __wrap_dmah_host_leave(unsigned long flags)
{
	__real_dmah_host_leave(flags);
	step();
}

void __wrap_dmah_host_wmb(void)
{
	step();
	__real_dmah_host_wmb();
	step();
}

uint64_t __wrap_dmah_host_now(void)
{
	uint64_t now = __real_dmah_host_now();

	step();
	return now;
}

void __wrap_dmah_host_cache(enum dmah_cache_op op, dmah_phys_t phys, uint64_t len)
{
	step();
	__real_dmah_host_cache(op, phys, len);
	step();
}

/* The backend's map, which a vector, a list and a ring call after a decision of their own. */
struct map_req;
int __real_dmah_iommu_map(struct dmah_device *dev, struct dmah *h, const struct map_req *req);
int __wrap_dmah_iommu_map(struct dmah_device *dev, struct dmah *h, const struct map_req *req);

int __wrap_dmah_iommu_map(struct dmah_device *dev, struct dmah *h, const struct map_req *req)
{
	step();
	return __real_dmah_iommu_map(dev, h, req);
}
