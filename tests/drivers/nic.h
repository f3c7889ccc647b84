/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A machine with an 82574 network controller and a wire. lab/sim (nic_sim.c) and QEMU (nic_qemu.c)
 * both provide this interface. Any failure of the machine fails the test.
 */
#ifndef DMAH_TESTS_NIC_H
#define DMAH_TESTS_NIC_H

#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>

/** NIC_MAC - MAC address of the device. */
#define NIC_MAC                                    \
	{                                          \
		0x52, 0x54, 0x00, 0xc1, 0x8e, 0x37 \
	}

/** NIC_WAIT_NS - longest wait, in nanoseconds, on a machine with part of it in another process. */
#define NIC_WAIT_NS 20000000000ull

/**
 * struct nic_config - configuration of a machine. All zero: no IOMMU.
 * @name: name of the configuration.
 * @machine: name of the machine in lab/sim; in QEMU "direct", "vtd" or "smmu".
 * @iommu: the device is behind an IOMMU.
 * @mode: mode of the domain.
 * @untrusted: the device is untrusted.
 * @pool: the domain has a bounce pool.
 */
struct nic_config {
	const char *name;
	const char *machine;
	bool iommu;
	enum dmah_mode mode;
	bool untrusted;
	bool pool;
};

/** nic_configs, nic_nconfigs - all configurations of this machine. */
extern const struct nic_config nic_configs[];
extern const unsigned int nic_nconfigs;

/**
 * nic_polls - polls after which a device that acts at once has not done a thing, and never will; 0: the device runs beside
 *	the test, and only time can tell.
 */
extern const unsigned int nic_polls;

/** nic_wire_waits - true if a frame that the device cannot take yet stays on the wire. */
extern const bool nic_wire_waits;

struct nic;

/** nic_open() - create the machine and a domain with the device attached, as after power-on. */
struct nic *nic_open(const struct nic_config *config);

/**
 * nic_close() - destroy the machine. Fails on live mappings, memory, faults, reports and frames.
 */
void nic_close(struct nic *n);

const struct nic_config *nic_config(const struct nic *n);
volatile void *nic_regs(struct nic *n);
struct dmah_device *nic_device(struct nic *n);
struct dmah_domain *nic_domain(struct nic *n);
struct dmah_pool *nic_pool(struct nic *n);

/** nic_take() - allocate memory for buffers, not shared with anything else. */
dmah_phys_t nic_take(struct nic *n, uint64_t size, uint64_t align);

/** nic_read(), nic_write() - access memory as the CPU does. */
void nic_read(struct nic *n, dmah_phys_t phys, void *to, size_t len);
void nic_write(struct nic *n, dmah_phys_t phys, const void *from, size_t len);

/**
 * nic_put() - send a frame to the device. Return: true if the frame is on the wire or was received.
 */
bool nic_put(struct nic *n, const void *frame, size_t len);

/**
 * nic_get() - read the next frame that the device sent. Return: bytes of the frame; 0: none yet.
 */
size_t nic_get(struct nic *n, void *frame, size_t len);

/** enum nic_stuck - the operation that the device never completes. */
enum nic_stuck {
	NIC_STUCK_NOTHING,
	NIC_STUCK_RESET,
	NIC_STUCK_MASTER,
	NIC_STUCK_LINK,
	NIC_STUCK_NVM, /* loading the MAC address, from the next reset on */
};

/** nic_stick() - make the device stop completing an operation, from now on. */
void nic_stick(struct nic *n, enum nic_stuck what);

/**
 * nic_faults() - read the IOMMU's fault log. Return: number of faults since the last call.
 * @dma: set to the address of the last fault, as precise as the hardware reports.
 * @write: set to true if the last fault was a write.
 */
unsigned int nic_faults(struct nic *n, dmah_addr_t *dma, bool *write);

/** nic_reports() - number of reports of misuse since the last call. */
unsigned int nic_reports(struct nic *n);

#endif /* DMAH_TESTS_NIC_H */
