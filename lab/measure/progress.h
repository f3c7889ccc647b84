/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A progress bar on stderr. It appears only on a terminal, and only when the work takes longer than a second. */
#ifndef DMAH_MEASURE_PROGRESS_H
#define DMAH_MEASURE_PROGRESS_H

#include <stddef.h>

/** progress_begin() - Sets the number of steps of the work that begins now. */
void progress_begin(size_t steps);

/** progress_label() - Sets the text beside the bar: the file name of @path. */
void progress_label(const char *path);

/** progress_step() - Counts a finished step and draws the bar. */
void progress_step(void);

/** progress_clear() - Removes the bar, so that something else can be printed. */
void progress_clear(void);

#endif
