// SPDX-License-Identifier: MIT OR GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "child.h"
#include "say.h"

static void become(char **argv, int go, int result, bool quiet)
{
	sigset_t none;
	char byte;
	ssize_t n;
	int e;

	do
		n = read(go, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (quiet)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	execvp(argv[0], argv);
	e = errno;
	while (write(result, &e, sizeof(e)) < 0 && errno == EINTR)
		;
	_exit(127);
}

int child_start(struct child *c, char **argv, bool quiet)
{
	int go[2], result[2];

	if (pipe2(go, O_CLOEXEC) < 0)
		return say("no pipe: %s", strerror(errno));
	if (pipe2(result, O_CLOEXEC) < 0) {
		close(go[0]);
		close(go[1]);
		return say("no pipe: %s", strerror(errno));
	}
	fflush(NULL);
	c->pid = fork();
	if (c->pid == 0) {
		close(go[1]);
		close(result[0]);
		become(argv, go[0], result[1], quiet);
	}
	close(go[0]);
	close(result[1]);
	c->go = go[1];
	c->result = result[0];
	if (c->pid > 0)
		return 0;
	c->pid = 0;
	close(c->go);
	close(c->result);
	return say("no process: %s", strerror(errno));
}

int child_go(struct child *c, const char *name)
{
	ssize_t n;
	int e;

	n = write(c->go, "", 1);
	close(c->go);
	c->go = -1;
	/* exec() closes the other end, which ends the read */
	do
		n = read(c->result, &e, sizeof(e));
	while (n < 0 && errno == EINTR);
	close(c->result);
	c->result = -1;
	if (n != (ssize_t)sizeof(e))
		return 0;
	child_reap(c, true);
	return say("%s: %s", name, strerror(e));
}

bool child_reap(struct child *c, bool wait)
{
	pid_t r;

	if (!c->pid)
		return c->ended;
	do
		r = waitpid(c->pid, &c->status, wait ? 0 : WNOHANG);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return false;
	c->pid = 0;
	c->ended = true;
	return true;
}

void child_stop(struct child *c)
{
	if (!c->pid)
		return;
	if (c->go >= 0)
		close(c->go);
	if (c->result >= 0)
		close(c->result);
	child_reap(c, true);
}
