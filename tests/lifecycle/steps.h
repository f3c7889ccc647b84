/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Another CPU's calls between any two steps of a call.
 *
 * The library of such a program calls the host's functions out of line, and the linker wraps them.
 * Outside dmah_host_enter() and dmah_host_leave() another CPU can do anything, so each call of such
 * a function there is a step. So is a call of the map of the IOMMUs' backend.
 */
#ifndef DMAH_TESTS_LIFECYCLE_STEPS_H
#define DMAH_TESTS_LIFECYCLE_STEPS_H

#include <stdbool.h>

/** steps_arm() - call @fn as CPU 1 at step @nth, from 1, of the calls that CPU 0 makes from now on. */
void steps_arm(unsigned int nth, void (*fn)(void));

/** steps_disarm() - end what steps_arm() began. Returns true if the step was reached. */
bool steps_disarm(void);

#endif /* DMAH_TESTS_LIFECYCLE_STEPS_H */
