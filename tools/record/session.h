/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A recording in the kernel: an instance of tracefs of its own, and probes if the kernel has no dma
 * events. Nothing else is changed. All of it is removed when the recording ends, even by SIGKILL: a
 * process of its own waits for the end of this one.
 */
#ifndef DMAH_TOOLS_RECORD_SESSION_H
#define DMAH_TOOLS_RECORD_SESSION_H

#include <stdint.h>
#include <sys/types.h>
#include "tracefs.h"

/** enum source - source of the events */
enum source {
	SOURCE_AUTO, /* the kernel's dma events, or else probes */
	SOURCE_EVENTS,
	SOURCE_KPROBES
};

/** enum missing - reason for a source that cannot be used */
enum missing {
	MISSING_NOTHING,
	MISSING_TRACEFS, /* not mounted */
	MISSING_THERE, /* not mounted where --tracefs says */
	MISSING_PRIVILEGE,
	MISSING_EVENTS, /* this kernel has no dma events */
	MISSING_KPROBES, /* this kernel has no kprobe events */
	MISSING_MACHINE /* the probes are for x86-64 */
};

/**
 * struct ability - sources that this machine has
 * @fs: place of tracefs
 * @tracefs: TRACEFS, THERE or PRIVILEGE, else nothing
 * @events: why there are no dma events
 * @kprobes: why there can be no probes
 * @iommu: there are the events iommu:map and iommu:unmap
 * @lockdown: the kernel is locked down so that probes may be refused
 */
struct ability {
	struct tracefs fs;
	enum missing tracefs, events, kprobes;
	bool iommu, lockdown;
};

/** ability_find() - look for tracefs and its events; changes nothing */
void ability_find(struct ability *a, const char *root);

/** missing_what() - Returns the reason in words, and how to remove it. */
const char *missing_what(enum missing m);

/**
 * struct session_options - events to record, and how
 * @source: source of the events
 * @buffer: KiB for each CPU; 0: as much as the machine's free memory allows, see session.c
 * @iommu: iommu:map and iommu:unmap, too
 * @stacks: a stack trace with each event
 * @dat: the pages of the ring buffer are read, and not its text
 */
struct session_options {
	enum source source;
	unsigned long buffer;
	bool iommu, stacks, dat;
};

/** struct session - zero is nothing */
struct session {
	struct tracefs fs;
	enum source source; /* EVENTS or KPROBES */
	unsigned long buffer; /* KiB for each CPU */
	bool stacks;
	char name[64]; /* of the instance */
	char group[64]; /* of the probes */
	pid_t guard;
	int guard_fd;
	bool iommu;
	char left_out[512]; /* functions that this kernel does not have */
};

/**
 * session_open() - make the instance and the probes; nothing is recorded yet
 * @s: filled in
 * @a: from ability_find()
 * @opt: events to record, and how
 *
 * Return: 0, or -1: the reason was printed, and nothing is left behind.
 */
int session_open(struct session *s, const struct ability *a, const struct session_options *opt);

/** session_switch() - begin or end recording. Return: 0, or -1: the reason was printed. */
int session_switch(struct session *s, bool on);

/* No machine that Linux runs on has more. */
#define SESSION_CPUS 8192

/** session_cpus() - numbers of the CPUs that have a buffer, in order; Return: how many */
int session_cpus(const struct session *s, int *cpus);

/**
 * struct losses - events that the kernel could not record
 * @lost: events that did not fit into the buffer
 * @missed: returns of functions that had too many callers at once
 * @read: events that were read
 */
struct losses {
	uint64_t lost, missed, read;
};

/** session_losses() - add up the counts of the kernel */
void session_losses(const struct session *s, struct losses *l);

/** session_close() - remove instance and probes; files of the instance must be closed before */
void session_close(struct session *s);

#endif
