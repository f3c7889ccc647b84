/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A machine with an NVMe controller: the simulator's or QEMU's, by the file that a test is linked with. The tests know no
 * more of it than this. Fails the test where anything fails.
 */
#ifndef DMAH_TESTS_NVME_RIG_H
#define DMAH_TESTS_NVME_RIG_H

#include "nvme.h"

#include <dmah/device.h>

/** RIG_BLOCKS - of the disk, of 512 bytes. */
#define RIG_BLOCK  512u
#define RIG_BLOCKS 16384u

/**
 * struct rig_config - a machine.
 * @name: for messages.
 * @mode: behind an IOMMU: strict or lazy.
 * @iommu: there is one.
 * @small_pool, @small_aperture: what there is to map with is 256 KiB, 2 MiB.
 * @bounces: every buffer does.
 * @kind, @flags: the rig's own.
 */
struct rig_config {
	const char *name;
	enum dmah_mode mode;
	bool iommu;
	bool small_pool;
	bool small_aperture;
	bool bounces;
	unsigned int kind;
	unsigned int flags;
};

/** rigs - the machines that there are. */
extern const struct rig_config rigs[];
extern const unsigned int nrigs;

/**
 * struct rig - a machine, as after power-on, with the device attached.
 * @config: which.
 * @dom, @pool, @dev: the library's; @pool may be NULL.
 * @regs: the controller's.
 * @disk: what the namespace holds: RIG_BLOCKS blocks, at first as disk_byte() says. Another view of it than the
 *	driver's.
 * @reports: reports of misuse so far.
 * @refused: the status of a request whose DMA was refused.
 */
struct rig {
	const struct rig_config *config;
	struct dmah_domain *dom;
	struct dmah_pool *pool;
	struct dmah_device *dev;
	volatile void *regs;
	uint8_t *disk;
	unsigned int reports;
	uint16_t refused;
};

struct rig *rig_open(const struct rig_config *config);

/** rig_close() - take it apart; nothing may be left: mappings, slots, memory, faults, reports, violations. */
void rig_close(struct rig *rig);

/** rig_take() - memory for buffers. @align: a power of two. */
dmah_phys_t rig_take(struct rig *rig, uint64_t size, uint64_t align);

/** rig_read(), rig_write() - the CPU's accesses. */
void rig_read(struct rig *rig, dmah_phys_t phys, void *buf, size_t len);
void rig_write(struct rig *rig, dmah_phys_t phys, const void *buf, size_t len);

/** rig_no_faults() - the IOMMU refused nothing since the last call of either. */
void rig_no_faults(struct rig *rig);

/** rig_faults() - it refused the device something, and only at [@dma, @dma + @len), in this direction. */
void rig_faults(struct rig *rig, dmah_addr_t dma, uint32_t len, bool write);

/** rig_hang() - the controller takes no I/O command any more; or does again, but none that was lost. */
void rig_hang(struct rig *rig, bool on);

/** rig_status() - CSTS reads as if bits of it were clear or set; 0, 0: as it is. */
void rig_status(struct rig *rig, uint32_t clear, uint32_t set);

/** disk_byte() - what the disk holds at first. */
static inline uint8_t disk_byte(uint64_t at)
{
	uint64_t x = (at + 1) * 0x9e3779b97f4a7c15ull;

	return (uint8_t)(x >> 56 ^ x >> 35 ^ at >> 9);
}

#endif /* DMAH_TESTS_NVME_RIG_H */
