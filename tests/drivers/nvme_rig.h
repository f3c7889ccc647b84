/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A machine with an NVMe controller. The simulator and QEMU both provide this interface; a test is
 * linked with one of them. Any failure of the machine fails the test.
 */
#ifndef DMAH_TESTS_NVME_RIG_H
#define DMAH_TESTS_NVME_RIG_H

#include "nvme.h"

#include <dmah/device.h>

/** RIG_BLOCKS - blocks of the disk unless a test says otherwise; RIG_BLOCK - bytes of a block. */
#define RIG_BLOCK  512u
#define RIG_BLOCKS 8192u

/**
 * struct rig_config - configuration of a machine.
 * @name: name of the machine in messages.
 * @mode: mode of the domain behind an IOMMU: strict or lazy.
 * @iommu: the device is behind an IOMMU.
 * @small_pool, @small_aperture: the bounce pool has 256 KiB; the aperture has 2 MiB.
 * @bounces: every buffer bounces.
 * @blocks: blocks of the disk; 0: RIG_BLOCKS. All machines of a process have the same number.
 * @kind, @flags: for the implementation's use.
 */
struct rig_config {
	const char *name;
	enum dmah_mode mode;
	bool iommu;
	bool small_pool;
	bool small_aperture;
	bool bounces;
	uint32_t blocks;
	unsigned int kind;
	unsigned int flags;
};

/** rigs, nrigs - all machines. */
extern const struct rig_config rigs[];
extern const unsigned int nrigs;

/**
 * struct rig - a machine, as after power-on, with the device attached.
 * @config: configuration of the machine.
 * @dom, @pool, @dev: domain, bounce pool and device of the library; @pool may be NULL.
 * @regs: registers of the controller.
 * @disk: bytes of the namespace, read without the driver. At first, byte i is disk_byte(i).
 * @reports: number of reports of misuse so far.
 * @refused: status that a request gets when its DMA is refused.
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

/**
 * rig_close() - destroy the machine. Fails on mappings, slots, memory, faults, reports, violations.
 */
void rig_close(struct rig *rig);

/** rig_take() - allocate memory for buffers. @align: a power of two. */
dmah_phys_t rig_take(struct rig *rig, uint64_t size, uint64_t align);

/** rig_read(), rig_write() - access memory as the CPU does. */
void rig_read(struct rig *rig, dmah_phys_t phys, void *buf, size_t len);
void rig_write(struct rig *rig, dmah_phys_t phys, const void *buf, size_t len);

/** rig_no_faults() - check that the IOMMU refused nothing since the last check of faults. */
void rig_no_faults(struct rig *rig);

/**
 * rig_faults() - check that the IOMMU refused DMA, all of it within [@dma, @dma + @len), all writes
 *	or reads.
 */
void rig_faults(struct rig *rig, dmah_addr_t dma, uint32_t len, bool write);

/**
 * rig_hang() - stop the controller taking I/O commands, or let it go on; lost commands stay lost.
 */
void rig_hang(struct rig *rig, bool on);

/** rig_forgive() - clear the violations that the device model has recorded against its driver. */
void rig_forgive(struct rig *rig);

/**
 * rig_limit() - let the controller take @n more I/O commands; rig_hang() ends this. Needs
 *	rig_limits.
 */
void rig_limit(struct rig *rig, unsigned int n);
extern const bool rig_limits;

/**
 * rig_stick() - stop the IOMMU executing commands, or let it go on with the commands in its queue.
 */
void rig_stick(struct rig *rig, bool on);

/** rig_status() - make CSTS read with some bits clear or set; 0 and 0: read the true value. */
void rig_status(struct rig *rig, uint32_t clear, uint32_t set);

/** rig_blocks() - number of blocks of the disk. */
static inline uint32_t rig_blocks(const struct rig_config *config)
{
	return config->blocks ? config->blocks : RIG_BLOCKS;
}

/** disk_word() - initial contents of the disk: word @number; disk_byte() - byte @at. */
static inline uint64_t disk_word(uint64_t number)
{
	uint64_t x = (number + 1) * 0x9e3779b97f4a7c15ull;

	return (x ^ x >> 29) * 0xbf58476d1ce4e5b9ull;
}

static inline uint8_t disk_byte(uint64_t at)
{
	return (uint8_t)(disk_word(at / 8) >> at % 8 * 8);
}

/** disk_fill() - write the initial contents of a disk; @size is a multiple of 8. */
static inline void disk_fill(uint8_t *disk, size_t size)
{
	for (size_t i = 0; i < size; i += 8) {
		uint64_t word = disk_word(i / 8);

		for (unsigned int b = 0; b < 8; b++)
			disk[i + b] = (uint8_t)(word >> b * 8);
	}
}

#endif /* DMAH_TESTS_NVME_RIG_H */
