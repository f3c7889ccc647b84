/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The parts of a finding that stay the same from run to run: kind, device, event, callers. Addresses,
 * lines, times and tasks do not.
 */
#ifndef DMAH_TOOLS_CHECK_FINGERPRINT_H
#define DMAH_TOOLS_CHECK_FINGERPRINT_H

#include "check.h"

/* Long enough for every name that a trace can hold and a line of a baseline should */
#define FINGERPRINT_MAX 1024

/**
 * fingerprint() - write "KIND device=NAME event=NAME caller=NAME map-caller=NAME"
 * @f: finding
 * @to: filled in; parts that are unknown are left out, blanks in names are '_',
 *	and wildcards get a backslash
 *
 * This is a line of a baseline, and of a suppression file.
 */
void fingerprint(const struct finding *f, char to[FINGERPRINT_MAX]);

#endif
