/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The versions of Linux whose own code is measured, and the calls that set their domains up. */
#ifndef DMAH_BENCH_SERIES_H
#define DMAH_BENCH_SERIES_H

#include "peers/linux/peer.h"

/** struct linux_series - a version of Linux; all NULL where it was not built. peers/linux/peer.h says what the calls do. */
struct linux_series {
	const char *(*version)(void);
	struct linux_peer *(*create)(enum linux_peer_kind kind, bool lazy);
	void (*destroy)(struct linux_peer *peer);
	void (*thread)(unsigned int cpu);
	void (*set_latency)(struct linux_peer *peer, uint64_t ns);
	void (*set_memory)(unsigned long offset);
	bool (*bounce)(struct linux_peer *peer, size_t bytes);
	uint64_t (*map)(struct linux_peer *peer, uint64_t phys, uint32_t len);
	void (*unmap)(struct linux_peer *peer, uint64_t dma, uint32_t len);
};

/* case_linux.c, case_linux73.c */
extern const struct linux_series linux612, linux73;

/** linux_built() - Returns true if the version was built. */
static inline bool linux_built(const struct linux_series *series)
{
	return series->create;
}

/** linux_thread() - Makes the calling thread CPU @cpu of all versions. */
static inline void linux_thread(unsigned int cpu)
{
	if (linux_built(&linux612))
		linux612.thread(cpu);
	if (linux_built(&linux73))
		linux73.thread(cpu);
}

#endif
