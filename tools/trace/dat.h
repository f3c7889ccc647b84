/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Messages of the child that reads a trace.dat to its parent. */
#ifndef DMAH_TOOLS_TRACE_DAT_H
#define DMAH_TOOLS_TRACE_DAT_H

#include <stdint.h>

#define NR_DESCS 32
/* A record is at most a page of the ring buffer (64 KiB with the largest sub-buffers) */
#define MAX_LIST 65536
#define MAX_NAME 4096

/*
 * FRAME_PROBE is followed by a struct probe and its names, FRAME_CALLER by a name of task_len bytes;
 * FRAME_IOVA tells its value and size only.
 */
enum frame_type {
	FRAME_EVENT = 1,
	FRAME_UNKNOWN,
	FRAME_CLOCK,
	FRAME_ERROR,
	FRAME_DONE,
	FRAME_PROBE,
	FRAME_IOVA,
	FRAME_CALLER
};

/* One message of the child; an event is followed by its names and its lists. */
struct frame {
	uint32_t type;
	uint32_t desc; /* index into event_table() */
	uint64_t line, time, dma, phys, size, attrs, virt, gfp;
	/* of FRAME_UNKNOWN, FRAME_CLOCK, FRAME_IOVA; a length for FRAME_ERROR; events lost */
	uint64_t value;
	uint32_t cpu;
	int32_t pid, error;
	uint32_t dir, nents, ents, nr_phys, nr_dma, device_len, task_len;
	uint32_t has_virt, truncated, is_lost;
};

/**
 * dat_child() - read a trace.dat, and write frames
 * @fd: the file, at its beginning
 * @out: a pipe
 */
__attribute__((noreturn)) void dat_child(int fd, int out);

#endif
