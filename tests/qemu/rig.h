/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A machine with Intel's IOMMU under test: QEMU's model, the library's driver for it, a domain, and edu devices that are
 * attached to it. Fails the test where anything fails.
 */
#ifndef DMAH_TESTS_RIG_H
#define DMAH_TESTS_RIG_H

#include "edu.h"
#include "qemu.h"

#include <dmah/device.h>
#include <dmah/vtd.h>

/** RIG_DEVICES - edu devices of the machine; the first is attached. */
#define RIG_DEVICES 2u

/** RIG_TIMEOUT_NS - how long the driver waits for the hardware. Nothing here takes a tenth of it but by intent. */
#define RIG_TIMEOUT_NS 400000000u

/**
 * struct rig_config - which machine. Zero is the plain one: 48 bits, strict, trusted, no pool.
 * @iommu: options of the IOMMU's model; NULL: "aw-bits=48".
 * @ram: as struct qemu_config has it.
 * @mode: the domain's.
 * @untrusted: the first device is.
 * @pool: there is a bounce pool.
 * @va_bits, @aperture_base, @aperture_size: the domain's.
 * @ats: the model has TLBs in devices, and the first one says that it has one.
 * @incoherent: as struct qemu_config has it.
 * @clear, @set: bits of CAP_REG and ECAP_REG that the model pretends not to have, and to have.
 * @bare: the driver's init and a domain only: no device is attached and translation is not enabled.
 */
struct rig_config {
	const char *iommu;
	uint64_t ram;
	enum dmah_mode mode;
	bool untrusted;
	bool pool;
	unsigned int va_bits;
	dmah_addr_t aperture_base;
	uint64_t aperture_size;
	bool ats;
	bool incoherent;
	uint64_t clear[2];
	uint64_t set[2];
	bool bare;
};

/** struct rig - the machine, and what the test has seen of faults and reports. */
struct rig {
	struct rig_config config;
	struct qemu *q;
	struct dmah_vtd vtd;
	struct dmah_domain *dom;
	struct dmah_pool *pool;
	struct dmah_device dev[RIG_DEVICES];
	struct qemu_pci pci[RIG_DEVICES];
	struct edu edu[RIG_DEVICES];
	struct dmah_vtd_fault fault;
	bool faults_lost;
	unsigned int reports;
	void *vtd_memory;
	void *dom_memory;
	void *pool_memory;
};

/** rig_machine() - the machine alone, without a driver: for tests that play firmware. */
struct rig *rig_machine(const struct rig_config *config);

/** rig_setup() - the rest of rig_open(), on it. */
void rig_setup(struct rig *rig);

/** rig_open() - all of it. */
struct rig *rig_open(const struct rig_config *config);

/** rig_close() - take it apart; nothing may be left: mappings, slots, memory, faults, reports. */
void rig_close(struct rig *rig);

/** rig_domain() - a further domain on the same unit; to be ended by the caller, who frees @memory. */
struct dmah_domain *rig_domain(struct rig *rig, const struct dmah_domain_config *config,
			       void **memory);

/** rig_attach() - attach device @n to @dom. */
void rig_attach(struct rig *rig, unsigned int n, struct dmah_domain *dom, uint32_t flags);

/** rig_faults() - faults since the last call; the last one is in @rig->fault, and @rig->faults_lost is set. */
unsigned int rig_faults(struct rig *rig);

/** rig_expect_fault() - there was exactly one since the last call: by device @n, at @addr, and so on. */
void rig_expect_fault(struct rig *rig, unsigned int n, dmah_addr_t addr, bool write,
		      uint8_t reason);

/** rig_reports() - reports since the last call. */
unsigned int rig_reports(struct rig *rig);

/** rig_fill() - memory at @phys gets bytes that @seed determines; rig_holds() - whether it has them still. */
void rig_fill(struct rig *rig, dmah_phys_t phys, uint64_t len, unsigned int seed);
bool rig_holds(struct rig *rig, dmah_phys_t phys, uint64_t len, unsigned int seed);

/** rig_load() - fill the first @len bytes of the buffer of device @n with bytes that @seed determines. */
void rig_load(struct rig *rig, unsigned int n, uint32_t len, unsigned int seed);

/** rig_dma() - a transfer of device @n from or to the start of its buffer, by DMA address. */
void rig_dma(struct rig *rig, unsigned int n, dmah_addr_t dma, uint32_t len, enum dmah_dir dir);

/** rig_vtd32() - a register of the IOMMU; the test's own look at it. */
uint32_t rig_vtd32(struct rig *rig, uint32_t reg);

#endif /* DMAH_TESTS_RIG_H */
