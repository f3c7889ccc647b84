// SPDX-License-Identifier: MIT OR GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "child.h"
#include "drain.h"
#include "run.h"
#include "say.h"

/* Intervals of reading empty buffers, and of drawing the line on a terminal */
#define LOOK_MS	 50
#define DRAW_SEC 0.5

struct recording {
	const struct run_options *opt;
	struct session s;
	struct child child;
	struct out *out;
	struct drain *drain;
	int signals;
	bool stop;
	double start, end, drawn;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The terminal's Ctrl-C reaches the command by itself. */
static void on_signal(struct recording *r, const struct signalfd_siginfo *si)
{
	if (si->ssi_signo == SIGCHLD)
		return;
	r->stop = true;
	if (r->child.pid && si->ssi_code != SI_KERNEL)
		kill(r->child.pid, (int)si->ssi_signo);
}

static void wait_signals(struct recording *r, int ms)
{
	struct pollfd p = { .fd = r->signals, .events = POLLIN };
	struct signalfd_siginfo si;

	if (poll(&p, 1, ms) <= 0)
		return;
	while (read(r->signals, &si, sizeof(si)) == (ssize_t)sizeof(si))
		on_signal(r, &si);
}

static void draw(struct recording *r, bool last)
{
	if (!isatty(STDERR_FILENO))
		return;
	if (last)
		fputs("\r\033[K", stderr);
	else if (r->opt->dat)
		fprintf(stderr, "\r%.1f s", now() - r->start);
	else
		fprintf(stderr, "\r%.1f s, %" PRIu64 " events", now() - r->start,
			drain_events(r->drain));
	fflush(stderr);
}

static int loop(struct recording *r)
{
	for (;;) {
		int some = drain_some(r->drain), ms = some ? 0 : LOOK_MS;
		double t = now();

		if (some < 0)
			return -1;
		if (r->stop)
			return 0;
		if (t - r->drawn > DRAW_SEC) {
			draw(r, false);
			r->drawn = t;
		}
		if (r->opt->seconds > 0) {
			double left = r->start + r->opt->seconds - t;

			if (left <= 0)
				return 0;
			if (left * 1000 < ms)
				ms = (int)(left * 1000) + 1;
		}
		wait_signals(r, ms);
		if (r->opt->command && child_reap(&r->child, false))
			r->stop = true;
	}
}

static int begin(struct recording *r, const struct ability *a)
{
	const struct run_options *o = r->opt;

	const struct session_options what = { .source = o->source,
					      .buffer = o->buffer,
					      .iommu = o->iommu,
					      .stacks = o->stacks,
					      .dat = o->dat };

	if (session_open(&r->s, a, &what) < 0)
		return -1;
	if (o->command && child_start(&r->child, o->command, o->quiet) < 0)
		return -1;
	r->out = out_open(o->output);
	if (!r->out)
		return -1;
	r->drain = drain_open(&r->s, r->out, o->output, o->dat);
	if (!r->drain || session_switch(&r->s, true) < 0)
		return -1;
	r->start = now();
	r->drawn = r->start;
	return o->command ? child_go(&r->child, o->command[0]) : 0;
}

/* Stop recording, and take the events that wait. */
static int finish(struct recording *r, struct run_result *res)
{
	int some;

	r->end = now();
	draw(r, true);
	if (session_switch(&r->s, false) < 0)
		return -1;
	do
		some = drain_some(r->drain);
	while (some > 0);
	if (some < 0)
		return -1;
	session_losses(&r->s, &res->losses);
	drain_long_lists(r->drain, &res->long_lists, &res->longest_list);
	res->events = r->opt->dat ? res->losses.read : drain_events(r->drain);
	return drain_finish(r->drain);
}

static void wait_command(struct recording *r)
{
	if (!child_reap(&r->child, false) && isatty(STDERR_FILENO))
		say("recorded; waiting for %s", r->opt->command[0]);
	while (!child_reap(&r->child, false))
		wait_signals(r, LOOK_MS);
}

static void block_signals(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, old);
}

int run(const struct run_options *opt, const struct ability *a, struct run_result *res)
{
	struct recording r = { .opt = opt, .child = { .go = -1, .result = -1 } };
	bool begun = false;
	sigset_t old, set;
	int ret;

	memset(res, 0, sizeof(*res));
	res->exited = -1;
	signal(SIGPIPE, SIG_IGN);
	block_signals(&old);
	sigprocmask(SIG_BLOCK, NULL, &set);
	r.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r.signals < 0)
		return say("no signalfd: %s", strerror(errno));
	ret = begin(&r, a);
	if (ret == 0) {
		begun = true;
		ret = loop(&r);
		if (ret == 0)
			ret = finish(&r, res);
	}
	drain_close(r.drain);
	if (out_close(r.out, ret == 0, &res->bytes) < 0)
		ret = -1;
	/* close the session before the wait for the command, which may be long */
	session_close(&r.s);
	if (opt->command && begun)
		wait_command(&r);
	else
		child_stop(&r.child);
	close(r.signals);
	sigprocmask(SIG_SETMASK, &old, NULL);
	res->source = r.s.source;
	res->buffer = r.s.buffer;
	res->seconds = r.end - r.start;
	memcpy(res->left_out, r.s.left_out, sizeof(res->left_out));
	if (begun && opt->command) {
		res->exited = WIFEXITED(r.child.status) ? WEXITSTATUS(r.child.status) : -1;
		res->signal = WIFSIGNALED(r.child.status) ? WTERMSIG(r.child.status) : 0;
	}
	return ret;
}
