/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Findings that the user knows of: a suppression file, and a baseline of an earlier run. */
#ifndef DMAH_TOOLS_CHECK_KNOWN_H
#define DMAH_TOOLS_CHECK_KNOWN_H

#include <stdio.h>
#include "check.h"

struct known;

/**
 * known_read() - read a suppression file or a baseline
 * @path: file
 * @state: state that a match gives to a finding
 * @err: filled in on failure: the file, the line and the reason
 *
 * Each line is a pattern, in the form of fingerprint(): a kind, or '*', and any of device=, other=,
 * event=, caller=, map-caller=, task= with '*' and '?' as in the shell, and of dma=, phys=, size=
 * with a number or a range FROM-TO. All must match. '#' begins a comment. A baseline may also be
 * the output of --format=json.
 *
 * Return: the patterns, or NULL.
 */
struct known *known_read(const char *path, enum finding_state state, struct trace_error *err);

/** known_apply() - set the state of the findings that a pattern matches */
void known_apply(struct known *k, struct findings *fs);

/** known_report() - write a note for each pattern that matched nothing */
void known_report(const struct known *k, FILE *to);

void known_free(struct known *k);

/** struct known_lines - lines of a baseline to be written; zero is empty */
struct known_lines {
	char **list;
	size_t nr, cap;
};

/** known_note() - add the findings of a trace */
void known_note(struct known_lines *l, const struct findings *fs);

/** known_write() - write each line once, in order. Returns false on failure. */
bool known_write(FILE *to, struct known_lines *l);

void known_lines_free(struct known_lines *l);

#endif
