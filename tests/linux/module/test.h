/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The self-test of dmah.ko: a driver of QEMU's edu device that uses the module as a driver would,
 * and lets a real DMA engine judge. Results are KTAP in the log.
 */
#ifndef DMAH_TESTS_LINUX_TEST_H
#define DMAH_TESTS_LINUX_TEST_H

#include <linux/dmah.h>
#include <linux/pci.h>

/*
 * The most that edu transfers at once, less than its buffer: QEMU 7.2 ends at the last byte of it.
 */
#define EDU_MAX 4032

/*
 * struct test - what the cases share.
 * @dev: the device that is attached; @other: a second edu that is attached too, @stranger: one that
 *	is not.
 * @mode: the result of dmah_mode().
 * @block: an IOMMU stands between the device and memory.
 * @strict: it stops a device when unmap returns.
 * @untrusted: the kernel takes the device for untrusted.
 * @swiotlb: the kernel bounces all.
 * @scratch: of the case that runs.
 */
struct test {
	struct pci_dev *pdev;
	struct device *dev;
	struct device *other;
	struct device *stranger;
	void __iomem *regs;
	int mode;
	bool block;
	bool strict;
	bool untrusted;
	bool swiotlb;
	bool failed;
	void *scratch;
};

/* When a case makes sense: all of these must hold. Where one does not, the case is not planned. */
enum need {
	NEED_BLOCK = BIT(0), /* an IOMMU */
	NEED_NO_BLOCK = BIT(1), /* none */
	NEED_DOMAIN = BIT(2), /* domain mode */
	NEED_WRAP = BIT(3), /* wrap mode */
	NEED_UNTRUSTED = BIT(4), /* the device is untrusted */
	NEED_PLAIN = BIT(5), /* nothing bounces */
	NEED_STRICT = BIT(6), /* unmap is strict */
	NEED_LAZY = BIT(7), /* domain or pool mode, lazy */
	NEED_TRUSTED = BIT(8), /* the device is not untrusted */
	NEED_SMP = BIT(9), /* more than one CPU */
	NEED_POOL = BIT(10), /* pool mode */
	NEED_LATE = BIT(11), /* the deadline of lazy slots is an hour */
};

struct test_case {
	const char *name;
	void (*run)(struct test *t);
	unsigned int need;
};

extern const struct test_case form_cases[], set_cases[], block_cases[], misuse_cases[],
	context_cases[], inject_cases[], exhaust_cases[], place_cases[], race_cases[],
	reuse_cases[], pieces_cases[], shared_cases[], last_cases[];

/* main.c */
bool test_check(struct test *t, bool ok, const char *what, const char *file, int line);
#define CHECK(t, what) test_check(t, what, #what, __FILE_NAME__, __LINE__)
#define CHECK_EQ(t, a, b) \
	test_equal(t, (long long)(a), (long long)(b), #a, #b, __FILE_NAME__, __LINE__)
bool test_equal(struct test *t, long long a, long long b, const char *what, const char *want,
		const char *file, int line);
u64 test_live(struct test *t);

/* edu.c */
int edu_read_ram(struct test *t, dma_addr_t addr, u32 at, u32 len);
int edu_write_ram(struct test *t, dma_addr_t addr, u32 at, u32 len);
int edu_fill(struct test *t, u32 at, u32 len, u8 seed);
int edu_interrupt(struct test *t, u32 value);
int edu_setup(struct test *t);

/*
 * Bytes that depend on where they are and on a seed, so that neither a shift nor an old buffer
 * passes.
 */
void fill(void *p, size_t len, u8 seed);
bool filled(const void *p, size_t len, u8 seed);
bool all(const void *p, size_t len, u8 value);

/* A buffer between two borders that nobody may touch, in pages of its own. */
#define BUFFER_ORDER 2
#define BUFFER_SIZE  (PAGE_SIZE << BUFFER_ORDER)
#define BORDER_BYTE  0xb5

struct buffer {
	struct page *page;
	u8 *base;
	size_t off;
	size_t len;
};

int buffer_get(struct buffer *b, size_t off, size_t len);
bool buffer_borders(const struct buffer *b);
void buffer_put(struct buffer *b);

static inline u8 *buffer_data(const struct buffer *b)
{
	return b->base + b->off;
}

#endif /* DMAH_TESTS_LINUX_TEST_H */
