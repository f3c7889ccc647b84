/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A machine with an NVMe controller: the simulator's or QEMU's, by the file that a test is linked with. The tests know no
 * more of it than this. Fails the test where anything fails.
 */
#ifndef DMAH_TESTS_NVME_RIG_H
#define DMAH_TESTS_NVME_RIG_H

#include "nvme.h"

#include <dmah/device.h>

/** RIG_BLOCKS - blocks of the disk where a test does not say otherwise; RIG_BLOCK: bytes of one. */
#define RIG_BLOCK  512u
#define RIG_BLOCKS 8192u

/**
 * struct rig_config - a machine.
 * @name: for messages.
 * @mode: behind an IOMMU: strict or lazy.
 * @iommu: there is one.
 * @small_pool, @small_aperture: what there is to map with is 256 KiB, 2 MiB.
 * @bounces: every buffer does.
 * @blocks: of the disk; 0: RIG_BLOCKS. The same for all machines of a process.
 * @kind, @flags: the rig's own.
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

/** rigs - the machines that there are. */
extern const struct rig_config rigs[];
extern const unsigned int nrigs;

/**
 * struct rig - a machine, as after power-on, with the device attached.
 * @config: which.
 * @dom, @pool, @dev: the library's; @pool may be NULL.
 * @regs: the controller's.
 * @disk: what the namespace holds, at first as disk_byte() says. Another view of it than the
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

/** rig_forgive() - what the device has against its driver is forgotten. */
void rig_forgive(struct rig *rig);

/** rig_limit() - it takes @n I/O commands more; to be ended by rig_hang(). Only where rig_limits says so. */
void rig_limit(struct rig *rig, unsigned int n);
extern const bool rig_limits;

/** rig_stick() - the IOMMU executes no command any more; or goes on with what it has. */
void rig_stick(struct rig *rig, bool on);

/** rig_status() - CSTS reads as if bits of it were clear or set; 0, 0: as it is. */
void rig_status(struct rig *rig, uint32_t clear, uint32_t set);

/** rig_blocks() - of the disk. */
static inline uint32_t rig_blocks(const struct rig_config *config)
{
	return config->blocks ? config->blocks : RIG_BLOCKS;
}

/** disk_byte() - what the disk holds at first, at byte @at: of a word that its number makes. */
static inline uint64_t disk_word(uint64_t number)
{
	uint64_t x = (number + 1) * 0x9e3779b97f4a7c15ull;

	return (x ^ x >> 29) * 0xbf58476d1ce4e5b9ull;
}

static inline uint8_t disk_byte(uint64_t at)
{
	return (uint8_t)(disk_word(at / 8) >> at % 8 * 8);
}

/** disk_fill() - all of it; @size is a multiple of 8. */
static inline void disk_fill(uint8_t *disk, size_t size)
{
	for (size_t i = 0; i < size; i += 8) {
		uint64_t word = disk_word(i / 8);

		for (unsigned int b = 0; b < 8; b++)
			disk[i + b] = (uint8_t)(word >> b * 8);
	}
}

#endif /* DMAH_TESTS_NVME_RIG_H */
