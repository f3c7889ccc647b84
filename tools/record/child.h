/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The command that is recorded. */
#ifndef DMAH_TOOLS_RECORD_CHILD_H
#define DMAH_TOOLS_RECORD_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * struct child - zero is none
 * @pid: 0: there is none, or it has ended
 * @go: the write end of the pipe that it waits at
 * @result: the read end of one that tells of an exec() that failed
 * @status: of waitpid()
 */
struct child {
	pid_t pid;
	int go, result;
	int status;
	bool ended;
};

/**
 * child_start() - make a process that waits to become the command
 * @c: filled in
 * @argv: the command
 * @quiet: its standard output goes to standard error
 */
int child_start(struct child *c, char **argv, bool quiet);

/** child_go() - run the command. Return: 0, or -1: there is no such command, which was printed. */
int child_go(struct child *c, const char *name);

/** child_reap() - Returns true if the command has ended. */
bool child_reap(struct child *c, bool wait);

/** child_stop() - end a child that has not run its command */
void child_stop(struct child *c);

#endif
