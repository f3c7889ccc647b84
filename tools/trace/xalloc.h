/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Allocation for the command: no memory means no answer, so it ends there and then, with status 2. */
#ifndef DMAH_TOOLS_XALLOC_H
#define DMAH_TOOLS_XALLOC_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void *xcheck(void *p)
{
	if (!p) {
		fputs("dmah: out of memory\n", stderr);
		exit(2);
	}
	return p;
}

static inline void *xmalloc(size_t n)
{
	return xcheck(malloc(n ? n : 1));
}

static inline void *xcalloc(size_t n, size_t size)
{
	return xcheck(calloc(n ? n : 1, size));
}

static inline void *xreallocarray(void *p, size_t n, size_t size)
{
	return xcheck(reallocarray(p, n ? n : 1, size));
}

static inline char *xstrdup(const char *s)
{
	return xcheck(strdup(s));
}

/* Room for one more in an array that doubles: p is the array, nr its length, cap its capacity. */
#define xgrow(p, nr, cap)                                              \
	do {                                                           \
		if ((nr) == (cap)) {                                   \
			(cap) = (cap) ? (cap)*2 : 16;                  \
			(p) = xreallocarray((p), (cap), sizeof(*(p))); \
		}                                                      \
	} while (0)

#endif
