/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Names, each kept once: devices and tasks. */
#ifndef DMAH_TOOLS_TRACE_INTERN_H
#define DMAH_TOOLS_TRACE_INTERN_H

#include <stddef.h>
#include <stdint.h>

/** struct intern - zero is empty */
struct intern {
	char **names;
	uint32_t nr, cap;
	uint32_t *slots; /* index + 1, 0 is free */
	uint32_t nr_slots;
};

/** intern() - index of a name, which is added if new */
uint32_t intern(struct intern *in, const char *name, size_t len);

void intern_free(struct intern *in);

#endif
