/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A machine with an 82574 network controller and a wire: the same for a test, whether it is lab/sim's (nic_sim.c) or
 * QEMU's (nic_qemu.c). Fails the test where anything fails.
 */
#ifndef DMAH_TESTS_NIC_H
#define DMAH_TESTS_NIC_H

#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>

/** NIC_MAC - the device's address. */
#define NIC_MAC                                    \
	{                                          \
		0x52, 0x54, 0x00, 0xc1, 0x8e, 0x37 \
	}

/** NIC_WAIT_NS - how long anything may take on a machine that has another process in it. */
#define NIC_WAIT_NS 20000000000ull

/**
 * struct nic_config - which machine. Zero: no IOMMU.
 * @name: of the configuration.
 * @machine: lab/sim's name for it; QEMU: "direct", "vtd", "smmu".
 * @iommu: there is one before the device.
 * @mode: the domain's.
 * @untrusted: the device is.
 * @pool: there is a bounce pool.
 */
struct nic_config {
	const char *name;
	const char *machine;
	bool iommu;
	enum dmah_mode mode;
	bool untrusted;
	bool pool;
};

/** nic_configs, nic_nconfigs - what this machine can be. */
extern const struct nic_config nic_configs[];
extern const unsigned int nic_nconfigs;

/** nic_wire_waits - a frame that the device does not take now waits on the wire, and is not lost. */
extern const bool nic_wire_waits;

struct nic;

/** nic_open() - the machine, a domain, and the device attached to it, as after power-on. */
struct nic *nic_open(const struct nic_config *config);

/** nic_close() - take it apart: nothing may be mapped or allocated, no fault or report be there, no frame be left. */
void nic_close(struct nic *n);

const struct nic_config *nic_config(const struct nic *n);
volatile void *nic_regs(struct nic *n);
struct dmah_device *nic_device(struct nic *n);
struct dmah_domain *nic_domain(struct nic *n);
struct dmah_pool *nic_pool(struct nic *n);

/** nic_take() - memory for buffers, that nothing else is in. */
dmah_phys_t nic_take(struct nic *n, uint64_t size, uint64_t align);

/** nic_read(), nic_write() - the CPU's accesses to it. */
void nic_read(struct nic *n, dmah_phys_t phys, void *to, size_t len);
void nic_write(struct nic *n, dmah_phys_t phys, const void *from, size_t len);

/** nic_put() - a frame goes to the device. Return: whether it is under way to it, or in it. */
bool nic_put(struct nic *n, const void *frame, size_t len);

/** nic_get() - the next frame that the device sent; 0: there is none yet. */
size_t nic_get(struct nic *n, void *frame, size_t len);

/** enum nic_stuck - what the device never ends. */
enum nic_stuck {
	NIC_STUCK_NOTHING,
	NIC_STUCK_RESET,
	NIC_STUCK_MASTER,
	NIC_STUCK_LINK,
	NIC_STUCK_NVM, /* it does not load its address, from the next reset on */
};

/** nic_stick() - from now on. */
void nic_stick(struct nic *n, enum nic_stuck what);

/**
 * nic_faults() - faults in the IOMMU's log since the last call.
 * @dma: where to put the address of the last one, as exact as the hardware tells it.
 * @write: where to put whether it was a write.
 */
unsigned int nic_faults(struct nic *n, dmah_addr_t *dma, bool *write);

/** nic_reports() - reports of misuse since the last call. */
unsigned int nic_reports(struct nic *n);

#endif /* DMAH_TESTS_NIC_H */
