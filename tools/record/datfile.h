/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A trace.dat of version 6, as trace-cmd.dat.v6(5) describes it. */
#ifndef DMAH_TOOLS_RECORD_DATFILE_H
#define DMAH_TOOLS_RECORD_DATFILE_H

#include "out.h"
#include "session.h"

/** struct datfile_cpu - the pages of one CPU's ring buffer */
struct datfile_cpu {
	int nr;
	int fd; /* a file that has them */
	uint64_t bytes;
};

/**
 * datfile_write() - write the whole file
 * @s: says which events there are; their formats come from tracefs
 * @o: to where
 * @page: bytes of a page
 * @cpus: in the order of their numbers
 * @nr: how many
 *
 * Return: 0, or -1: the reason was printed.
 */
int datfile_write(const struct session *s, struct out *o, size_t page,
		  const struct datfile_cpu *cpus, int nr);

#endif
