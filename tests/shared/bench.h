/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A machine under test: one device behind one backend of the library, with accesses of a CPU and of the device.
 *
 * A program is linked with one of two implementations: bench.c has lab/sim's machines, and tests/qemu/bench_qemu.c QEMU's.
 * A case names the features that it needs beyond those of both, and runs only where they are available.
 */
#ifndef DMAH_TESTS_BENCH_H
#define DMAH_TESTS_BENCH_H

#include <dmah/addr.h>
#include <dmah/device.h>
#include <dmah/dmah.h>

/** enum bench_hw - the IOMMU and its tables. BENCH_IOMMU: the implementation's usual one, with 48 bits. */
enum bench_hw {
	BENCH_NONE,
	BENCH_IOMMU,
	BENCH_VTD3,
	BENCH_VTD4,
	BENCH_VTD5,
	BENCH_LPAE39,
	BENCH_LPAE48,
	BENCH_LPAE48_S2, /* stage 2 */
	BENCH_VTD4_FS, /* scalable mode, first stage */
	BENCH_AMD3,
	BENCH_AMD4,
	BENCH_AMD6,
	BENCH_SV39,
	BENCH_SV48,
	BENCH_SV57,
	BENCH_SMMUV2, /* SMMUv2, VMSAv8-64, stage 1 */
	BENCH_SMMUV2_S2, /* SMMUv2, VMSAv8-64, stage 2 */
	BENCH_SMMUV1, /* SMMUv1, long descriptors, 32-bit addresses */
	BENCH_SMMUV1_SHORT, /* SMMUv1, short descriptors */
	BENCH_SMMUV1_S2, /* SMMUv1, long descriptors, stage 2 */
	BENCH_VIRTIO, /* virtio-iommu */
	BENCH_XEN,
};

/**
 * struct bench_config - a machine. Zero: coherent, trusted, strict, no pool, 64-bit device.
 */
struct bench_config {
	const char *name;
	enum dmah_backend backend;
	enum bench_hw hw;
	enum dmah_mode mode;
	bool noncoherent; /* the device does not snoop */
	bool untrusted;
	bool walk_noncoherent; /* nor do table walks */
	bool map_flush; /* caching mode: entries that do not translate are cached too */
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
 * enum bench_need - features that not every implementation has; a bit mask.
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

/** bench_can() - Returns the features of this implementation: enum bench_need. */
unsigned int bench_can(void);

/** struct bench_case - a test: @fn is called with @state if all of @needs are available. */
struct bench_case {
	const char *name;
	void (*fn)(void **state);
	unsigned int needs;
	const void *state;
};

/** BENCH_CASE - a test with the name of its function. */
#define BENCH_CASE(f, n)                            \
	{                                           \
		.name = #f, .fn = (f), .needs = (n) \
	}

/** bench_run() - run the tests whose needs are met. Returns the number of failures. */
int bench_run(const char *group, const struct bench_case *cases, size_t n);

/** bench_times() - Returns the number of rounds for a loop with device accesses: @n, or fewer if accesses are slow. */
unsigned int bench_times(unsigned int n);

/** bench_operations() - Returns the operations of a random program: from the environment, or the usual number. */
unsigned long bench_operations(void);

/** bench_open() - build the machine and attach the device. Any error fails the test. */
struct bench *bench_open(const struct bench_config *config);

/**
 * bench_close() - take the machine down, and check that no mapping, slot, table page or unread report is left.
 */
void bench_close(struct bench *b);

/** bench_abandon() - take the machine down without checks. */
void bench_abandon(struct bench *b);

struct dmah_domain *bench_domain(struct bench *b);
struct dmah_device *bench_device(struct bench *b);
struct dmah_pool *bench_pool(struct bench *b);
const struct bench_config *bench_config(const struct bench *b);

/** bench_memory() - Returns the first byte of memory for buffers; *@size: its bytes. */
dmah_phys_t bench_memory(const struct bench *b, uint64_t *size);

/** bench_cpu_read() - read memory as the CPU. */
void bench_cpu_read(struct bench *b, dmah_phys_t phys, void *buf, size_t len);
void bench_cpu_write(struct bench *b, dmah_phys_t phys, const void *buf, size_t len);

/** bench_dev_read() - read memory as the device. Returns false if a part faulted. */
bool bench_dev_read(struct bench *b, dmah_addr_t dma, void *buf, size_t len);
bool bench_dev_write(struct bench *b, dmah_addr_t dma, const void *buf, size_t len);

/** bench_evict() - write dirty cache lines back, as a CPU may do at any time; clean lines stay. */
void bench_evict(struct bench *b);

/** bench_reports() - Returns the number of reports of misuse since the last call. */
unsigned int bench_reports(struct bench *b);

/** bench_fail_alloc() - make the @nth allocation fail, from 0; negative: none. */
void bench_fail_alloc(struct bench *b, long nth);

/** bench_fail_from() - make the @nth allocation and all later ones fail. */
void bench_fail_from(struct bench *b, long nth);

/** bench_fail_all() - make every allocation fail, or none. */
void bench_fail_all(struct bench *b, bool fail);

/** bench_allocs() - Returns the number of allocations so far, failed ones included. */
unsigned long bench_allocs(struct bench *b);

/** bench_pages() - Returns the number of table pages that the library holds. */
unsigned long bench_pages(struct bench *b);

/** bench_stick() - stop the IOMMU's invalidation queue (true), or let it go on (false). */
void bench_stick(struct bench *b, bool stuck);

/** bench_latency() - delay invalidations until a wait (@ns not 0), or carry them out at once (0). */
void bench_latency(struct bench *b, uint64_t ns);

/** bench_on_wait() - call @fn at the start of every wait for an invalidation, before it takes effect; NULL: no more. */
void bench_on_wait(struct bench *b, void (*fn)(void *arg), void *arg);

/**
 * bench_on_post() - complete every invalidation as soon as it is posted, and call @fn then, when it can cover nothing
 *	that happens later; NULL: no more.
 */
void bench_on_post(struct bench *b, void (*fn)(void *arg), void *arg);

/** bench_time() - move the clock by @advance_ns. Returns the time. */
uint64_t bench_time(struct bench *b, uint64_t advance_ns);

/** bench_fault_names_page() - Returns true if a fault record has the page of the address, and not the byte. */
bool bench_fault_names_page(const struct bench *b);

/** bench_translate() - walk the page table as hardware does, past any TLB. Returns false if the address does not translate. */
bool bench_translate(struct bench *b, dmah_addr_t dma, bool write, dmah_phys_t *phys);

/**
 * bench_entries() - read the page table: for each of the first @n granules of the aperture the machine address, with the
 *	permissions in the low bits; 0: not present.
 */
void bench_entries(struct bench *b, uint64_t *to, uint32_t n);

/** bench_hypercalls() - Returns the number of cache-flush hypercalls so far. */
uint64_t bench_hypercalls(struct bench *b);

/** bench_grant() - on Xen: map a foreign page @aliases times. @phys: receives the addresses. Returns its bus address. */
dmah_addr_t bench_grant(struct bench *b, unsigned int aliases, bool kernel_mapping,
			dmah_phys_t *phys);

/** bench_iommu() - Returns the IOMMU; @n 1: a second one like it. */
struct dmah_iommu *bench_iommu(struct bench *b, unsigned int n);

/** bench_extra_device() - Returns a further device behind IOMMU @n, not attached. bench_extra_write(): a write of it. */
struct dmah_device *bench_extra_device(struct bench *b, unsigned int n);
bool bench_extra_write(struct bench *b, dmah_addr_t dma, const void *buf, size_t len);

/** bench_cpu() - set this thread's CPU. */
void bench_cpu(unsigned int cpu);

#endif /* DMAH_TESTS_BENCH_H */
