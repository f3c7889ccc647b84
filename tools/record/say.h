/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Messages of dmah record. */
#ifndef DMAH_TOOLS_RECORD_SAY_H
#define DMAH_TOOLS_RECORD_SAY_H

/** say() - a line for the user, on standard error, with the command's name before it; returns -1 */
__attribute__((format(printf, 1, 2))) int say(const char *fmt, ...);

#endif
