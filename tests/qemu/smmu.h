/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * QEMU's virt machine with its SMMUv3 under this library's driver, and its edu device as the one that does DMA.
 */
#ifndef DMAH_TESTS_SMMU_H
#define DMAH_TESTS_SMMU_H

#include <dmah/device.h>
#include <dmah/dmah.h>
#include <dmah/smmuv3.h>

#include "edu.h"
#include "qemu.h"

#define PAGE 4096u

/**
 * struct smmu_config - the unit and domain under test. Zero: strict, trusted, a two-level stream table, no pool.
 * @mode: the domain's.
 * @smmu: the driver's configuration.
 * @flags: of the device, beside DMAH_DEV_COHERENT.
 * @pool: there is one, of 256 KiB.
 * @cpus: 0: 1.
 * @idr0_set, @idr0_clear, @idr3_clear, @idr5_clear: changes to QEMU's ID registers, as the driver reads them.
 * @va_bits, @aperture_base, @aperture_size: the domain's; 0: 39 bits, from 4 GiB on, 64 MiB.
 * @machine, @ram: as struct qemu_config has them.
 * @bare: no domain and no device.
 */
struct smmu_config {
	enum dmah_mode mode;
	struct dmah_smmuv3_config smmu;
	uint32_t flags;
	bool pool;
	unsigned int cpus;
	uint32_t idr0_set;
	uint32_t idr0_clear;
	uint32_t idr3_clear;
	uint32_t idr5_clear;
	unsigned int va_bits;
	dmah_addr_t aperture_base;
	uint64_t aperture_size;
	const char *machine;
	uint64_t ram;
	bool bare;
};

/**
 * struct smmu_rig - it. @edu, @sid: the device that is attached, and its stream id. @staging, @staged: a page that it can
 *	always reach.
 */
struct smmu_rig {
	struct smmu_config config;
	struct qemu *q;
	struct edu edu;
	uint32_t sid;
	struct dmah_smmuv3 smmu;
	void *smmu_memory;
	struct dmah_domain *dom;
	void *dom_memory;
	struct dmah_pool *pool;
	void *pool_memory;
	struct dmah_device dev;
	dmah_phys_t staging;
	struct dmah staged;
	unsigned int reports;
	void (*on_commands)(struct smmu_rig *rig);
};

/** smmu_open() - a machine as after power-on, with all of it set up. Fails the test where anything fails. */
void smmu_open(struct smmu_rig *rig, const struct smmu_config *config);

/** smmu_close() - take it apart; nothing may be left: mapping, page, event, report. */
void smmu_close(struct smmu_rig *rig);

/**
 * smmu_fake() - a second unit, at these registers, that takes commands and does nothing else.
 *
 * fake_errors(): it reports GERROR bits @gerror, with @code in CMDQ_CONS, until they are acknowledged.
 */
volatile void *smmu_fake(struct smmu_rig *rig);
void fake_errors(uint32_t gerror, uint32_t code);

/** smmu_on_commands() - call @fn each time that the driver has put commands into the queue, before QEMU sees them. */
void smmu_on_commands(struct smmu_rig *rig, void (*fn)(struct smmu_rig *rig));

/** smmu_domain() - a further domain; its owner ends it, and frees @memory. */
struct dmah_domain *smmu_domain(struct smmu_rig *rig, struct dmah_domain_config *config,
				void **memory);

/** smmu_attach() - attach another device to the domain, or to @dom. */
int smmu_attach(struct smmu_rig *rig, struct dmah_device *dev, uint32_t sid);
int smmu_attach_to(struct smmu_rig *rig, struct dmah_domain *dom, struct dmah_device *dev,
		   uint32_t sid);

/** smmu_page() - a new page of RAM, filled with @fill; where the CPU finds it. */
uint8_t *smmu_page(struct smmu_rig *rig, unsigned int pages, uint8_t fill, dmah_phys_t *phys);

/** SMMU_FAR_SID, SMMU_FAR_BAR - the edu behind a bridge: its stream id, and where its registers may be. */
#define SMMU_FAR_BUS 0x41u
#define SMMU_FAR_SID (SMMU_FAR_BUS << 8)
#define SMMU_FAR_BAR 0x11000000u

/** smmu_edu() - the edu at @sid, its registers at @bar, or where they are already (0). */
void smmu_edu(struct smmu_rig *rig, struct edu *edu, uint32_t sid, dmah_phys_t bar);

/** dev_pull(), dev_push() - the device reads @len bytes at @dma into itself, at @at; or writes them there. */
void dev_pull(const struct edu *edu, dmah_addr_t dma, uint32_t at, uint32_t len);
void dev_push(const struct edu *edu, dmah_addr_t dma, uint32_t at, uint32_t len);

/** dev_load() - bytes into the device's own memory; dev_store() - out of it. By a page that is always mapped. */
void dev_load(struct smmu_rig *rig, const void *bytes, uint32_t len);
void dev_store(struct smmu_rig *rig, void *bytes, uint32_t len);

/** dev_write(), dev_read() - the device writes or reads @bytes at @dma. What it read where it may not is what it had. */
void dev_write(struct smmu_rig *rig, dmah_addr_t dma, const void *bytes, uint32_t len);
void dev_read(struct smmu_rig *rig, dmah_addr_t dma, void *bytes, uint32_t len);

/** events_none() - nothing was recorded. */
void events_none(struct smmu_rig *rig);

/**
 * events_one() - check that all recorded events are of one kind: @type, by @sid, at or a little behind @dma. All are taken.
 * Return: how many.
 */
unsigned int events_one(struct smmu_rig *rig, uint32_t type, uint32_t sid, bool write,
			dmah_addr_t dma, uint32_t len);

/** struct page - a page that the device has written to, so that its translation is cached. */
struct page {
	struct dmah h;
	dmah_phys_t phys;
	uint8_t *mem;
	dmah_addr_t dma;
};

/** page_map() - map one, and have the device write to it. */
void page_map(struct smmu_rig *rig, struct page *p);

/** page_reached() - Returns true while the device reaches the page; a fault is taken. */
bool page_reached(struct smmu_rig *rig, struct page *p);

/** smmu_ste() - the entry of a stream, in memory, by way of the registers; the table has two levels. */
const uint64_t *smmu_ste(struct smmu_rig *rig, uint32_t sid);

/** smmu_command() - a command as it stands in the queue, at position @pos. */
const uint64_t *smmu_command(struct smmu_rig *rig, uint64_t pos);

/** all() - Returns true if @n bytes are @value. */
bool all(const uint8_t *p, uint8_t value, size_t n);

/** pattern() - bytes that @seed determines. */
void pattern(uint8_t *p, uint32_t len, uint32_t seed);

/** how_many() - @usual, or as many as DMAH_QEMU_OPS says. */
unsigned int how_many(unsigned int usual);

#endif /* DMAH_TESTS_SMMU_H */
