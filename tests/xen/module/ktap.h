/* SPDX-License-Identifier: GPL-2.0-only */
/* Results, as lines of KTAP in the kernel's log (Documentation/dev-tools/ktap.rst). In main.c. */
#ifndef TESTS_XEN_KTAP_H
#define TESTS_XEN_KTAP_H

#include <linux/types.h>

/** check() - one result, with its name. Return: @ok. */
__printf(2, 3) bool check(bool ok, const char *name, ...);

/** note() - explain the next result, should it fail. */
__printf(1, 2) void note(const char *text, ...);

#endif /* TESTS_XEN_KTAP_H */
