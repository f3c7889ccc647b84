/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A progress bar on stderr, if that is a terminal, and only once something takes longer. */
#ifndef DMAH_REPLAY_PROGRESS_H
#define DMAH_REPLAY_PROGRESS_H

#include <stddef.h>

/** progress_begin() - there will be so many steps. */
void progress_begin(size_t steps);

/** progress_trace() - what follows is about this trace. */
void progress_trace(const char *path);

/** progress_step() - one step is done. */
void progress_step(void);

/** progress_clear() - take the bar away before something is printed. */
void progress_clear(void);

#endif
