/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Runs dmah replay as its users do. */
#ifndef DMAH_TESTS_REPLAY_RUN_H
#define DMAH_TESTS_REPLAY_RUN_H

#include "../command.h"
#include "load.h"

/* Runs "dmah replay ARGS" in the directory of the traces; ~ is the directory of the test's own files. */
static inline int run(const char *args)
{
	char cmd[3000], *p = cmd;

	p += sprintf(p, "'%s' replay ", getenv("DMAH"));
	for (; *args; args++)
		p += *args == '~' ? sprintf(p, "%s", dir) : sprintf(p, "%c", *args);
	*p = '\0';
	return run_in(getenv("DMAH_TRACES"), cmd);
}

#endif
