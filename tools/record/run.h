/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* One recording. */
#ifndef DMAH_TOOLS_RECORD_RUN_H
#define DMAH_TOOLS_RECORD_RUN_H

#include "session.h"

/**
 * struct run_options - options of the command line
 * @output: file, "-" is the standard output
 * @dat: a trace.dat, not text
 * @source: source of the events
 * @iommu: iommu:map and iommu:unmap, too
 * @stacks: a stack trace with each event
 * @buffer: KiB for each CPU, 0: chosen by the machine's memory
 * @seconds: how long, 0: until the command ends, or a signal comes
 * @command: or NULL
 * @quiet: the command's standard output goes to standard error
 */
struct run_options {
	const char *output;
	bool dat;
	enum source source;
	bool iommu, stacks;
	unsigned long buffer;
	double seconds;
	char **command;
	bool quiet;
};

/**
 * struct run_result - result of a recording
 * @source: source of the events
 * @seconds: how long it was
 * @events: in the file
 * @bytes: of the file
 * @losses: missing events
 * @buffer: KiB that each CPU had
 * @long_lists: scatter lists whose unmap does not fit into the ring buffer, as far as the text tells
 * @longest_list: entries of the longest
 * @left_out: functions that this kernel does not have, "" if none
 * @exited: status of the command, -1: it was ended by a signal or there was none
 * @signal: that signal, or 0
 */
struct run_result {
	enum source source;
	double seconds;
	uint64_t events;
	uint64_t bytes;
	struct losses losses;
	unsigned long buffer;
	uint64_t long_lists, longest_list;
	char left_out[512];
	int exited;
	int signal;
};

/** run() - record. Return: 0, or -1: the reason was printed, and there is no file. */
int run(const struct run_options *opt, const struct ability *a, struct run_result *res);

#endif
