/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Types, compiler words, messages and the usual macros. */
#ifndef SHIM_BASE_H
#define SHIM_BASE_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned char u8;
typedef long long s64;
typedef int s32;
typedef u64 phys_addr_t;
typedef u64 dma_addr_t;
typedef unsigned int gfp_t;
typedef u32 __bitwise_u32;

/* Options of Debian's kernel, without SVA, debugfs and NUMA, which would only add costs. */
#define CONFIG_64BIT	   1
#define CONFIG_IOMMU_API   1
#define CONFIG_IOMMU_DMA   1
#define CONFIG_IOMMU_IOVA  1
#define CONFIG_INTEL_IOMMU 1
#define CONFIG_SWIOTLB	   1
#define CONFIG_IOMMU_PT	   1
#define CONFIG_X86	   1
/* 1 for an option that is defined as 1, else 0. */
#define SHIM_SECOND(a, b, ...) b
#define SHIM_PROBE_1	       ~, 1
#define SHIM_PROBE(...)	       SHIM_SECOND(__VA_ARGS__, 0, 0)
#define SHIM_PASTE(value)      SHIM_PROBE(SHIM_PROBE_##value)
#define IS_ENABLED(option)     SHIM_PASTE(option)
#define IS_REACHABLE(option)   IS_ENABLED(option)

#define __percpu
#define __iomem
#define __init
#define __initdata
#define __initconst
#define __rcu
#define __user
#define __read_mostly
#define __counted_by(member)
#define __printf(a, b)
#define __maybe_unused __attribute__((unused))
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define noinline	__attribute__((noinline))
#define __packed	__attribute__((packed))
#define fallthrough	__attribute__((fallthrough))
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define static_assert _Static_assert

#define U32_MAX UINT32_MAX
#define U64_MAX UINT64_MAX

#define __stringify_1(x...) #x
#define __stringify(x...)   __stringify_1(x)
#define SHIM_JOIN(a, b)	    a##b
#define CONCATENATE(a, b)   SHIM_JOIN(a, b)
#define BUILD_BUG()	    ((void)0)
/* Sets the bytes of @object behind @member. */
#define memset_after(object, value, member)                                  \
	memset((char *)(object) + offsetof(__typeof__(*(object)), member) +  \
		       sizeof((object)->member),                             \
	       value,                                                        \
	       sizeof(*(object)) - offsetof(__typeof__(*(object)), member) - \
		       sizeof((object)->member))
#define BUILD_BUG_ON(condition) _Static_assert(!(condition), #condition)

#define EXPORT_SYMBOL(name)
#define EXPORT_SYMBOL_NS_GPL(name, space)
#define EXPORT_SYMBOL_GPL(name)
#define MODULE_AUTHOR(text)
#define MODULE_DESCRIPTION(text)
#define MODULE_LICENSE(text)
#define MODULE_IMPORT_NS(text)
/* Linux's own self tests would run at boot. */
#define subsys_initcall(fn)

/*
 * A warning costs a compare and a branch, as in a kernel, where it is a trap at the end of the
 * function. No warning is expected: it ends the program, so that a broken peer gives no figures.
 */
void shim_broken(const char *file, int line) __attribute__((noreturn, cold));
#define BUG_ON(condition)                                \
	do {                                             \
		if (unlikely(condition))                 \
			shim_broken(__FILE__, __LINE__); \
	} while (0)
#define WARN_ON(condition)                               \
	({                                               \
		if (unlikely(condition))                 \
			shim_broken(__FILE__, __LINE__); \
		false;                                   \
	})
#define WARN_ON_ONCE(condition)		   WARN_ON(condition)
#define WARN(condition, ...)		   WARN_ON(condition)
#define WARN_ONCE(condition, ...)	   WARN_ON(condition)
#define dev_WARN_ONCE(dev, condition, ...) WARN_ON(condition)
/* Costs nothing, as in Debian's kernels, where CONFIG_DEBUG_VM is off. */
#define VM_BUG_ON(condition) ((void)sizeof(condition))

#define pr_err(...)		 fprintf(stderr, __VA_ARGS__)
#define pr_crit(...)		 fprintf(stderr, __VA_ARGS__)
#define pr_warn(...)		 fprintf(stderr, __VA_ARGS__)
#define pr_info(...)		 fprintf(stderr, __VA_ARGS__)
#define pr_err_ratelimited(...)	 fprintf(stderr, __VA_ARGS__)
#define pr_warn_ratelimited(...) fprintf(stderr, __VA_ARGS__)
#define dev_err(dev, ...)	 fprintf(stderr, __VA_ARGS__)
/* Linux prints "Using 64-bit DMA addresses" once for each device; it is no error. */
#define dev_warn_ratelimited(dev, ...) fprintf(stderr, __VA_ARGS__)
#define pr_warn_once(...)	       fprintf(stderr, __VA_ARGS__)
#define dev_notice(dev, ...)	       ((void)(dev))
#define dev_warn_once(dev, ...)	       ((void)(dev))
/* A kernel has a patched jump here, which costs nothing. */
#define pr_debug(...) ((void)0)

#define IS_ERR(p)	  ((unsigned long)(p) >= -4095ul)
#define ERR_PTR(err)	  ((void *)(long)(err))
#define PTR_ERR(p)	  ((long)(p))
#define IS_ERR_OR_NULL(p) (!(p) || IS_ERR(p))
#define ENOTSUPP	  524

#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))
#define ARRAY_SIZE(a)		      (sizeof(a) / sizeof((a)[0]))
#define struct_size(p, member, n)     (sizeof(*(p)) + sizeof((p)->member[0]) * (n))
#define check_add_overflow(a, b, sum) __builtin_add_overflow(a, b, sum)

#define min(a, b)                              \
	({                                     \
		__typeof__(a) min_a = (a);     \
		__typeof__(b) min_b = (b);     \
		min_a < min_b ? min_a : min_b; \
	})
#define max(a, b)                              \
	({                                     \
		__typeof__(a) max_a = (a);     \
		__typeof__(b) max_b = (b);     \
		max_a > max_b ? max_a : max_b; \
	})
#define min_t(type, a, b) min((type)(a), (type)(b))
#define max_t(type, a, b) max((type)(a), (type)(b))
#define min_not_zero(a, b)                                               \
	({                                                               \
		__typeof__(a) nz_a = (a);                                \
		__typeof__(b) nz_b = (b);                                \
		nz_a == 0 ? nz_b : (nz_b == 0 ? nz_a : min(nz_a, nz_b)); \
	})
#define swap(a, b)                          \
	do {                                \
		__typeof__(a) swap_a = (a); \
		(a) = (b);                  \
		(b) = swap_a;               \
	} while (0)

#endif
