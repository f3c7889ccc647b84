/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A machine with AMD's IOMMU under test: QEMU's model, the library's driver for it, a domain, and edu devices. Fails the test
 * where anything fails.
 *
 * QEMU 11's model records faults, without address and direction, and leaves a device alone until its device table entry is
 * invalidated. QEMU 7.2's records none. DMAH_TEST_QEMU=system in the environment runs the tests on the latter.
 */
#ifndef DMAH_TESTS_AMDVI_H
#define DMAH_TESTS_AMDVI_H

#include "edu.h"
#include "qemu.h"

#include <dmah/amdvi.h>
#include <dmah/device.h>
#include <dmah/fault.h>

/** AMD_DEVICES - edu devices of the machine; the first is attached by amd_open(). */
#define AMD_DEVICES 2u

/** AMD_TIMEOUT_NS - how long the driver waits for the hardware. */
#define AMD_TIMEOUT_NS 2000000000u

/**
 * struct amd_config - a machine. Zero: 48 bits, strict, 256 device ids.
 * @mode, @va_bits, @aperture_base, @aperture_size: the domain's.
 * @timeout_ns: of the driver; 0: AMD_TIMEOUT_NS.
 * @bare: no domain, and translation is not enabled.
 */
struct amd_config {
	enum dmah_mode mode;
	unsigned int va_bits;
	dmah_addr_t aperture_base;
	uint64_t aperture_size;
	uint64_t timeout_ns;
	bool bare;
};

/** struct amd_rig - the machine. */
struct amd_rig {
	struct amd_config config;
	struct qemu *q;
	struct qemu_pci iommu_function;
	struct dmah_amdvi amdvi;
	void *amdvi_memory;
	struct dmah_domain *dom;
	void *dom_memory;
	struct qemu_pci pci[AMD_DEVICES];
	struct dmah_device dev[AMD_DEVICES];
	struct edu edu[AMD_DEVICES];
	unsigned int reports;
	struct dmah_fault fault;
	struct dmah_fault_count count;
};

/** amd_records() - Returns true where the model records faults. */
bool amd_records(void);

/** amd_machine() - start the machine and set the driver's unit up; translation is off. */
struct amd_rig *amd_machine(const struct amd_config *config);

/** amd_open() - amd_machine(), a domain with the first device, and translation. */
struct amd_rig *amd_open(const struct amd_config *config);

/** amd_close() - take the machine down. Nothing may be left: mappings, memory, faults, reports. */
void amd_close(struct amd_rig *r);

/** amd_domain() - make a further domain; the caller ends it and frees @memory. */
struct dmah_domain *amd_domain(struct amd_rig *r, const struct amd_config *config, void **memory);

/** amd_attach() - attach device @n to @dom. */
void amd_attach(struct amd_rig *r, unsigned int n, struct dmah_domain *dom);

/** amd_page() - take a page, all its bytes @byte. */
dmah_phys_t amd_page(struct amd_rig *r, uint8_t byte);

/** amd_byte() - Returns the first byte of a page. */
uint8_t amd_byte(struct amd_rig *r, dmah_phys_t page);

/** AMD_MARK - the bytes that devices write. */
#define AMD_MARK 0xa5u

/** amd_writes() - have device @n write 4 bytes to @dma. Returns true if the first bytes of @page have changed then. */
bool amd_writes(struct amd_rig *r, unsigned int n, dmah_addr_t dma, dmah_phys_t page);

/** amd_faults() - take all faults. Returns how many of device @n were recorded; others fail the test. */
unsigned int amd_faults(struct amd_rig *r, unsigned int n);

/** amd_refused() - as amd_writes(), which must not reach the page; one fault of the device is recorded where the model does. */
void amd_refused(struct amd_rig *r, unsigned int n, dmah_addr_t dma, dmah_phys_t page);

/** amd_reg() - Returns a register of the unit. */
uint64_t amd_reg(struct amd_rig *r, uint32_t reg);

#endif /* DMAH_TESTS_AMDVI_H */
