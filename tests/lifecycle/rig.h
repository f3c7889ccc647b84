/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A machine with several devices behind one IOMMU: each driver of the library on lab/sim's register models, and the
 * fake IOMMU in both flavours.
 */
#ifndef DMAH_TESTS_LIFECYCLE_RIG_H
#define DMAH_TESTS_LIFECYCLE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/ring.h>

#include "posix.h"
#include "sim.h"
#include "sim_inject.h"
#include "sim_reach.h"
#include "driven_unit.h"

/** enum rig_kind - the IOMMU and its driver. Those from RIG_KINDS on only where the environment names them. */
enum rig_kind {
	RIG_VTD,
	RIG_SMMU,
	RIG_FAKE_VTD,
	RIG_FAKE_SMMU,
	RIG_KINDS,
	RIG_RISCV = RIG_KINDS,
	RIG_VIRTIO,
	RIG_ALL,
};

/** rig_first(), rig_last() - the kinds that a loop goes over. DMAH_TEST_HW=riscv or virtio in the environment: that one alone. */
enum rig_kind rig_first(void);
enum rig_kind rig_last(void);

/** FOR_EACH_KIND() - a loop over every kind. */
#define FOR_EACH_KIND(kind) for (enum rig_kind kind = rig_first(); kind <= rig_last(); kind++)

/** RIG_RAM - an address inside the machine's RAM: of an aperture in which a forgotten passthrough reaches memory. */
#define RIG_RAM 0x48000000ull

/** rig_text() - a kind in words. */
const char *rig_text(enum rig_kind kind);

#define RIG_DEVICES 64u

/**
 * struct rig_config - a machine. Zero is the plain one: strict, 64 bits, one CPU, 4 GiB from 0.
 * @domain: passed on; the backend, format and IOMMU are filled in.
 * @caching_mode: the VT-d units also cache what does not translate.
 * @noncoherent_walk: the IOMMU reads tables past the CPU's caches.
 * @timeout: of a wait for the hardware, in nanoseconds; 0: 1 ms.
 * @no_domain: the test sets up the domain.
 * @two_iommus: the machine has a second IOMMU of the same kind, which the test starts.
 */
struct rig_config {
	struct dmah_domain_config domain;
	bool caching_mode;
	bool noncoherent_walk;
	uint64_t timeout;
	bool no_domain;
	bool two_iommus;
};

/**
 * struct rig - the machine.
 * @on_bind: called before a device is bound; a result other than 0 is what bind returns, and nothing else happens.
 * @on_wait: called at the next wait for an invalidation, once.
 * @bound: called after a device was bound.
 * @reports: reports of setup errors.
 * @text: the text of the last one.
 */
struct rig {
	enum rig_kind kind;
	struct sim *sim;
	struct dmah_iommu *iommu;
	struct dmah_domain_config config;
	struct dmah_domain *dom;
	void *domain_memory;
	struct sim_device *dev[RIG_DEVICES];
	unsigned int ndevices;
	struct unit unit;
	const struct dmah_iommu_ops *real;
	struct dmah_iommu_ops ops;
	int (*on_bind)(struct rig *r, struct dmah_device *dev, enum dmah_bind how);
	void (*on_wait)(struct rig *r);
	void (*bound)(struct rig *r, struct dmah_device *dev, enum dmah_bind how);
	unsigned int reports;
	const char *text;
};

/** rig_open() - build the machine and the domain. */
void rig_open(struct rig *r, enum rig_kind kind, const struct rig_config *config);

/** rig_domain() - a further domain behind the same IOMMU. @memory: to be freed by the test. */
struct dmah_domain *rig_domain(struct rig *r, const struct dmah_domain_config *config,
			       void **memory);

/** rig_device() - plug a device in. @ats: with a TLB of its own. Return: the library's device, not attached. */
struct dmah_device *rig_device(struct rig *r, bool ats);

/** rig_device_behind() - rig_device() behind IOMMU @iommu of the machine, from 0. */
struct dmah_device *rig_device_behind(struct rig *r, unsigned int iommu, bool ats);

/** rig_limits() - the limits of a device: coherent, 64 bits. */
struct dmah_limits rig_limits(const struct rig *r, const struct dmah_device *dev);

/** rig_attach() - plug a device in and attach it. */
struct dmah_device *rig_attach(struct rig *r, bool ats);

/** rig_sim() - the model of a device. */
struct sim_device *rig_sim(const struct rig *r, const struct dmah_device *dev);

/** rig_page() - @pages pages of memory, filled with zeroes. */
dmah_phys_t rig_page(struct rig *r, unsigned int pages);

/** rig_writes() - Returns true if a device's write to a DMA address arrives somewhere. */
bool rig_writes(const struct rig *r, const struct dmah_device *dev, dmah_addr_t dma);

/** rig_map_all() - expect that @n granules can be mapped at once, and that each write arrives in its buffer. */
void rig_map_all(struct rig *r, struct dmah_device *dev, unsigned int n);

/** rig_hold() - the unit takes no command (true), or goes on with those in its queue. */
void rig_hold(struct rig *r, bool hold);

/** rig_close() - end the domain, having checked that no page is left, and the machine. All devices are detached. */
void rig_close(struct rig *r);

/** rig_abandon() - take the machine down as it is. */
void rig_abandon(struct rig *r);

#endif /* DMAH_TESTS_LIFECYCLE_RIG_H */
