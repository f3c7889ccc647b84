/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Bits, alignment and sizes. A kernel for a recent CPU has the compiler's builtins, too. */
#ifndef SHIM_BITS_H
#define SHIM_BITS_H

#include "base.h"

#define BITS_PER_LONG		   64
#define BIT(n)			   (1ul << (n))
#define BIT_ULL(n)		   (1ull << (n))
#define BIT_MASK(n)		   (1ul << ((n) % BITS_PER_LONG))
#define GENMASK(high, low)	   ((~0ul - (1ul << (low)) + 1) & (~0ul >> (BITS_PER_LONG - 1 - (high))))
#define GENMASK_ULL(high, low)	   ((unsigned long long)GENMASK(high, low))
#define DMA_BIT_MASK(n)		   ((n) == 64 ? ~0ull : (1ull << (n)) - 1)
#define DECLARE_BITMAP(name, bits) unsigned long name[((bits) + BITS_PER_LONG - 1) / BITS_PER_LONG]
#define FIELD_GET(mask, value)	   (((value) & (mask)) >> __builtin_ctzll(mask))
#define FIELD_PREP(mask, value)	   (((u64)(value) << __builtin_ctzll(mask)) & (mask))

#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))
#define ALIGN(x, a)	   (((x) + ((__typeof__(x))(a)-1)) & ~((__typeof__(x))(a)-1))
#define ALIGN_DOWN(x, a)   ((x) & ~((__typeof__(x))(a)-1))
#define IS_ALIGNED(x, a)   (((x) & ((__typeof__(x))(a)-1)) == 0)
#define round_down(x, a)   ALIGN_DOWN(x, a)
#define PAGE_ALIGN(x)	   ALIGN(x, PAGE_SIZE)

#define SZ_4K	0x1000
#define SZ_16K	0x4000
#define SZ_64K	0x10000
#define SZ_2M	0x200000
#define SZ_32M	0x2000000
#define SZ_512M 0x20000000
#define SZ_1G	0x40000000

static inline unsigned long __ffs(unsigned long x)
{
	return (unsigned long)__builtin_ctzl(x);
}

static inline unsigned long __fls(unsigned long x)
{
	return BITS_PER_LONG - 1 - (unsigned long)__builtin_clzl(x);
}

static inline unsigned int fls64(u64 x)
{
	return x ? 64 - (unsigned int)__builtin_clzll(x) : 0;
}

static inline unsigned int fls(unsigned int x)
{
	return x ? 32 - (unsigned int)__builtin_clz(x) : 0;
}

#define __ffs64(x) ((unsigned int)__builtin_ctzll(x))
#define ffz(x)	   __ffs(~(x))

static inline unsigned int fls_long(unsigned long x)
{
	return x ? BITS_PER_LONG - (unsigned int)__builtin_clzl(x) : 0;
}

static inline bool is_power_of_2(unsigned long x)
{
	return x && !(x & (x - 1));
}

static inline unsigned long __roundup_pow_of_two(unsigned long x)
{
	return 1ul << fls_long(x - 1);
}

#define roundup_pow_of_two(x) __roundup_pow_of_two(x)
#define ilog2(x)	      ((int)__fls(x))
#define order_base_2(x)	      ((x) > 1 ? fls_long((x)-1) : 0)
#define bits_per(x)	      fls_long(x)

/* Only self tests and set-up use these two. */
static inline unsigned long find_next_bit(const unsigned long *map, unsigned long size,
					  unsigned long from)
{
	while (from < size && !(map[from / BITS_PER_LONG] >> (from % BITS_PER_LONG) & 1))
		from++;
	return from;
}

#define for_each_set_bit(bit, map, size)                          \
	for ((bit) = find_next_bit(map, size, 0); (bit) < (size); \
	     (bit) = find_next_bit(map, size, (bit) + 1))

#endif
