/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Finds machines by name, and writes traces as text. */
#ifndef DMAH_TESTS_REPLAY_MACHINES_H
#define DMAH_TESTS_REPLAY_MACHINES_H

#include <fcntl.h>
#include "load.h"
#include "machine.h"

#define LINE(time, event, rest) " a-1 [000] ..... " time ": " event ": dev " rest "\n"
#define MAP(time, dir, dma, phys, size) \
	LINE(time, "dma_map_page",      \
	     "dir=" dir " dma_addr=" dma " size=" size " phys_addr=" phys " attrs=")
#define UNMAP(time, dir, dma, size) \
	LINE(time, "dma_unmap_page", "dir=" dir " dma_addr=" dma " size=" size " attrs=")
#define SYNC(time, who, dir, dma, size) \
	LINE(time, "dma_sync_single_for_" who, "dir=" dir " dma_addr=" dma " size=" size)

static inline const struct machine_kind *kind_named(const char *name)
{
	for (unsigned int i = 0; machine_kind(i); i++)
		if (strcmp(machine_kind(i)->name, name) == 0)
			return machine_kind(i);
	fail_msg("no machine %s", name);
	return NULL;
}

/* Discards stderr until unhush(): expected messages would only be noise in the test's output. */
static inline int hush(void)
{
	int keep = dup(2), null = open("/dev/null", O_WRONLY);

	dup2(null, 2);
	close(null);
	return keep;
}

static inline void unhush(int keep)
{
	dup2(keep, 2);
	close(keep);
}

#endif
