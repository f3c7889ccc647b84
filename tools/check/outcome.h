/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Use of findings by the command: which of them fail, and how they are printed. */
#ifndef DMAH_TOOLS_CHECK_OUTCOME_H
#define DMAH_TOOLS_CHECK_OUTCOME_H

#include "check.h"

/** struct fail_on - the findings that make the command fail */
struct fail_on {
	bool errors; /* every error */
	bool kinds[NR_FINDING_KINDS]; /* errors and notes of these kinds */
};

/**
 * fail_on_parse() - read a list of kinds, "errors", "all" or "none", with commas
 * @list: list
 * @to: filled in
 *
 * Return: NULL, or the first word that is none of these.
 */
const char *fail_on_parse(const char *list, struct fail_on *to);

/** finding_fails() - Returns true if a finding makes the command fail. */
bool finding_fails(const struct fail_on *on, const struct finding *f);

/** findings_failing() - Returns the number of findings that make the command fail. */
size_t findings_failing(const struct fail_on *on, const struct findings *fs);

/**
 * struct ktap - output as KTAP (Documentation/dev-tools/ktap.rst), one result for each trace, and
 * below it one for each kind
 */
struct ktap {
	FILE *to;
	const struct fail_on *on;
	int nr;
};

/** ktap_begin() - print the head, for so many traces */
void ktap_begin(struct ktap *k, FILE *to, const struct fail_on *on, int traces);

/** ktap_trace() - print one trace's results */
void ktap_trace(struct ktap *k, const struct trace *t, const struct findings *fs);

/** ktap_unreadable() - print the result of a trace that could not be read */
void ktap_unreadable(struct ktap *k, const char *path, const char *why);

struct json_t;

/** sarif_new() - Returns a SARIF 2.1.0 log without results. */
struct json_t *sarif_new(void);

/** sarif_add() - add the findings of one trace */
void sarif_add(struct json_t *log, const struct trace *t, const struct findings *fs);

/** json_name() - Returns a JSON string; bytes that are not UTF-8 are replaced. */
struct json_t *json_name(const char *s);

#endif
