/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Counting instructions of this process in user mode, where the kernel and the processor allow it. */
#ifndef DMAH_REPLAY_INSTRUCTIONS_H
#define DMAH_REPLAY_INSTRUCTIONS_H

#include <stdbool.h>
#include <stdint.h>

/** instructions_begin() - count from here. Return: false where that cannot be done. */
bool instructions_begin(void);

/** instructions_end() - how many there were. False where they were not all counted. */
bool instructions_end(uint64_t *n);

#endif
