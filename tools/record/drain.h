/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Takes the events out of the kernel and puts them into a file: as text, or as a trace.dat. */
#ifndef DMAH_TOOLS_RECORD_DRAIN_H
#define DMAH_TOOLS_RECORD_DRAIN_H

#include <stdbool.h>
#include <stdint.h>
#include "out.h"
#include "session.h"

struct drain;

/**
 * drain_open() - begin
 * @s: the session
 * @o: the file; it stays the caller's
 * @path: its name: parts of a trace.dat are kept beside it until the end
 * @dat: as a trace.dat
 *
 * Return: the drain, or NULL: the reason was printed.
 */
struct drain *drain_open(const struct session *s, struct out *o, const char *path, bool dat);

/** drain_some() - take all events that wait. Return: 1 if there were some, 0, or -1. */
int drain_some(struct drain *d);

/**
 * drain_long_lists() - scatter lists whose unmap does not fit into a page of the ring buffer
 * @d: drain
 * @nr: number of their maps in the text; 0 of a trace.dat, whose pages are larger
 * @longest: entries of the longest
 */
void drain_long_lists(const struct drain *d, uint64_t *nr, uint64_t *longest);

/** drain_finish() - write the rest, at the end of the recording. Return: 0 or -1. */
int drain_finish(struct drain *d);

/** drain_events() - Returns the number of events so far; 0 for a trace.dat. */
uint64_t drain_events(const struct drain *d);

void drain_close(struct drain *d);

#endif
