/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A machine under test: one device behind one backend of the library, and what a CPU and the device see.
 *
 * There are two implementations, of which a program is linked with one: bench.c has lab/sim's machines, and
 * tests/qemu/bench_qemu.c QEMU's. Cases say what they need of a machine beyond what both have, and are not registered
 * where it has not.
 */
#ifndef DMAH_TESTS_BENCH_H
#define DMAH_TESTS_BENCH_H

#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>

/** enum bench_hw - the IOMMU and its tables. BENCH_IOMMU: whichever the implementation is about, with 48 bits. */
enum bench_hw {
	BENCH_NONE,
	BENCH_IOMMU,
	BENCH_VTD3,
	BENCH_VTD4,
	BENCH_VTD5,
	BENCH_LPAE39,
	BENCH_LPAE48,
	BENCH_XEN,
};

/**
 * struct bench_config - which machine. Zero is the plain one: coherent, trusted, strict, no pool, 64-bit device.
 */
struct bench_config {
	const char *name;
	enum dmah_backend backend;
	enum bench_hw hw;
	enum dmah_mode mode;
	bool noncoherent; /* the device does not snoop */
	bool untrusted;
	bool walk_noncoherent; /* nor do table walks */
	bool map_flush; /* caching mode: what does not translate is remembered */
	bool ats; /* the device has a TLB */
	bool no_blocks; /* no 2 MiB and 1 GiB entries */
	bool pool;
	unsigned int mask_bits; /* 0: 64 */
	uint64_t boundary;
	uint32_t max_segment;
	uint32_t min_align_mask;
	unsigned int cpus; /* 0: 1 */
	uint64_t aperture_size;
	uint32_t lazy_entries;
	uint32_t history;
};

struct bench;

/**
 * enum bench_need - what not every implementation has; a bit mask.
 * @BENCH_OTHERS: backends without an IOMMU, and Xen.
 * @BENCH_CACHES: caches that a device does not see.
 * @BENCH_5_LEVELS: BENCH_VTD5.
 * @BENCH_2_IOMMUS: a second IOMMU.
 * @BENCH_VTD: BENCH_VTD3 and BENCH_VTD4, and BENCH_IOMMU is BENCH_VTD4.
 * @BENCH_LPAE: BENCH_LPAE39 and BENCH_LPAE48.
 */
enum bench_need {
	BENCH_OTHERS = 1u << 0,
	BENCH_CACHES = 1u << 1,
	BENCH_5_LEVELS = 1u << 2,
	BENCH_2_IOMMUS = 1u << 3,
	BENCH_VTD = 1u << 4,
	BENCH_LPAE = 1u << 5,
};

/** bench_can() - what this one has. */
unsigned int bench_can(void);

/** struct bench_case - a test: @fn is called with @state where @needs can be had. */
struct bench_case {
	const char *name;
	void (*fn)(void **state);
	unsigned int needs;
	const void *state;
};

/** BENCH_CASE - one by its function's name. */
#define BENCH_CASE(f, n)                            \
	{                                           \
		.name = #f, .fn = (f), .needs = (n) \
	}

/** bench_run() - run those that can be. Return: how many failed. */
int bench_run(const char *group, const struct bench_case *cases, size_t n);

/** bench_times() - how often to do something that takes a device's accesses: @n, or fewer where those take long. */
unsigned int bench_times(unsigned int n);

/** bench_operations() - operations for a random program: as the environment asks for, or the usual number. */
unsigned long bench_operations(void);

/** bench_open() - build it; the device is attached. Fails the test where anything fails. */
struct bench *bench_open(const struct bench_config *config);

/**
 * bench_close() - take it apart, having checked that nothing is left: no mapping, slot, table page, or report of misuse
 *	that bench_reports() was not asked for.
 */
void bench_close(struct bench *b);

/** bench_abandon() - take it apart as it is. */
void bench_abandon(struct bench *b);

struct dmah_domain *bench_domain(struct bench *b);
struct dmah_device *bench_device(struct bench *b);
struct dmah_pool *bench_pool(struct bench *b);
const struct bench_config *bench_config(const struct bench *b);

/** bench_memory() - where memory for buffers begins, and how many bytes there are. Nothing else is in it. */
dmah_phys_t bench_memory(const struct bench *b, uint64_t *size);

/** bench_cpu_read() - what the CPU sees. */
void bench_cpu_read(struct bench *b, dmah_phys_t phys, void *buf, size_t len);
void bench_cpu_write(struct bench *b, dmah_phys_t phys, const void *buf, size_t len);

/** bench_dev_read() - what the device gets. Return: false where a part of it faulted. */
bool bench_dev_read(struct bench *b, dmah_addr_t dma, void *buf, size_t len);
bool bench_dev_write(struct bench *b, dmah_addr_t dma, const void *buf, size_t len);

/** bench_evict() - the CPU's caches write dirty lines back, as they may at any time; clean ones stay. */
void bench_evict(struct bench *b);

/** bench_reports() - reports of misuse since the last call. */
unsigned int bench_reports(struct bench *b);

/** bench_fail_alloc() - the @nth allocation from now on fails, 0 being the next one; negative: none does. */
void bench_fail_alloc(struct bench *b, long nth);

/** bench_fail_from() - as bench_fail_alloc(), and all after it. */
void bench_fail_from(struct bench *b, long nth);

/** bench_fail_all() - every allocation fails. */
void bench_fail_all(struct bench *b, bool fail);

/** bench_allocs() - page allocations made so far, failed ones included. */
unsigned long bench_allocs(struct bench *b);

/** bench_pages() - table pages that the library holds. */
unsigned long bench_pages(struct bench *b);

/** bench_stick() - the IOMMU's invalidation queue stops (true) or goes on. */
void bench_stick(struct bench *b, bool stuck);

/** bench_latency() - nanoseconds that an invalidation takes. */
void bench_latency(struct bench *b, uint64_t ns);

/** bench_on_wait() - call @fn at the start of every wait for an invalidation, before it takes effect; NULL: no more. */
void bench_on_wait(struct bench *b, void (*fn)(void *arg), void *arg);

/**
 * bench_on_post() - complete every invalidation as soon as it is posted, and call @fn then, when it can cover nothing
 *	that happens later; NULL: no more.
 */
void bench_on_post(struct bench *b, void (*fn)(void *arg), void *arg);

/** bench_time() - the clock, and forward with it. */
uint64_t bench_time(struct bench *b, uint64_t advance_ns);

/** bench_translate() - a hardware walk of the table, past any TLB. Return: false where it does not translate. */
bool bench_translate(struct bench *b, dmah_addr_t dma, bool write, dmah_phys_t *phys);

/**
 * bench_entries() - the raw page table: where each granule of the first @n of the aperture goes, with what is allowed in
 *	the low bits; 0: nowhere.
 */
void bench_entries(struct bench *b, uint64_t *to, uint32_t n);

/** bench_hypercalls() - cache-flush hypercalls so far. */
uint64_t bench_hypercalls(struct bench *b);

/** bench_grant() - on Xen: a foreign page, mapped @aliases times. @phys: where. Return: its bus address. */
dmah_addr_t bench_grant(struct bench *b, unsigned int aliases, bool kernel_mapping,
			dmah_phys_t *phys);

/** bench_iommu() - the IOMMU, of which a second one like it can be had with @n 1. */
struct dmah_iommu *bench_iommu(struct bench *b, unsigned int n);

/** bench_extra_device() - a further device of the machine, not attached, behind IOMMU @n; its accesses. */
struct dmah_device *bench_extra_device(struct bench *b, unsigned int n);
bool bench_extra_write(struct bench *b, dmah_addr_t dma, const void *buf, size_t len);

/** bench_cpu() - which CPU this thread is. */
void bench_cpu(unsigned int cpu);

#endif /* DMAH_TESTS_BENCH_H */
