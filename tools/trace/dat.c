// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * trace.dat, through libtracecmd and libtraceevent. The fields are read from the binary records,
 * since the libraries' own printing cannot do the arrays of scatter lists.
 *
 * libtracecmd 3.1.6 trusts its file: a damaged one makes it crash, loop or print. So a child
 * process does the parsing and sends finished events through a pipe; a crash there is a clear
 * error here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dat.h"
#include "internal.h"
#include "iommu_maps.h"
#include "xalloc.h"

/* A child that has not sent anything for so long is in an endless loop. */
#define PATIENCE_MS 20000

struct dat {
	pid_t pid;
	int fd;
	char buf[64 * 1024];
	size_t pos, len;
	uint64_t records; /* how far the child came */
};

int dat_open(struct trace *t, struct trace_error *err)
{
	int fd = source_file(t->src, err), p[2];
	pid_t pid;

	if (fd < 0)
		return -1;
	if (pipe2(p, O_CLOEXEC) < 0) {
		close(fd);
		return trace_fail(t, err, "%s", strerror(errno));
	}
	pid = fork();
	if (pid == 0) {
		close(p[0]);
		dat_child(fd, p[1]);
	}
	close(fd);
	close(p[1]);
	if (pid < 0) {
		close(p[0]);
		return trace_fail(t, err, "%s", strerror(errno));
	}
	t->dat = xcalloc(1, sizeof(*t->dat));
	t->dat->pid = pid;
	t->dat->fd = p[0];
	return 0;
}

void dat_close(struct trace *t)
{
	if (!t->dat)
		return;
	if (t->dat->pid > 0) {
		kill(t->dat->pid, SIGKILL);
		while (waitpid(t->dat->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close(t->dat->fd);
	free(t->dat);
	t->dat = NULL;
}

/* Report that the pipe ended, or was silent for too long, in the middle of the trace. */
static int died(struct trace *t, struct trace_error *err, bool stuck)
{
	struct dat *d = t->dat;
	char how[64] = "ended early";
	int status = 0;

	if (stuck)
		kill(d->pid, SIGKILL);
	while (waitpid(d->pid, &status, 0) < 0 && errno == EINTR)
		;
	d->pid = 0;
	if (stuck)
		snprintf(how, sizeof(how), "got into an endless loop");
	else if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "crashed with signal %d", WTERMSIG(status));
	return trace_fail(t, err,
			  "the trace.dat is damaged after record %" PRIu64 ": libtracecmd %s",
			  d->records, how);
}

static int receive(struct trace *t, void *to, size_t n, struct trace_error *err)
{
	struct dat *d = t->dat;

	while (n) {
		size_t k = d->len - d->pos;

		if (k > n)
			k = n;
		memcpy(to, d->buf + d->pos, k);
		to = (char *)to + k;
		d->pos += k;
		n -= k;
		if (n) {
			struct pollfd pfd = { .fd = d->fd, .events = POLLIN };
			ssize_t got;
			int r = poll(&pfd, 1, PATIENCE_MS);

			if (r == 0)
				return died(t, err, true);
			if (r < 0)
				continue;
			got = read(d->fd, d->buf, sizeof(d->buf));
			if (got < 0 && errno == EINTR)
				continue;
			if (got <= 0)
				return died(t, err, false);
			d->pos = 0;
			d->len = (size_t)got;
		}
	}
	return 0;
}

static int take_event(struct trace *t, const struct frame *f, struct trace_event *ev,
		      struct trace_error *err)
{
	char device[MAX_NAME * 16], task[MAX_NAME];
	const struct event_desc *desc;

	t->dat->records = f->line;
	*ev = (struct trace_event){ .line = f->line,
				    .time = f->time,
				    .cpu = f->cpu,
				    .task = "",
				    .caller = "",
				    .device = TRACE_NO_DEVICE,
				    .dma = TRACE_NO_ADDR,
				    .phys = TRACE_NO_ADDR,
				    .dir = TRACE_DIR_UNKNOWN };
	if (f->is_lost) {
		ev->kind = TRACE_LOST;
		ev->name = "lost";
		ev->lost = TRACE_LOST_HERE;
		ev->lost_cpu = f->cpu;
		ev->lost_events = f->value;
		pair_forget(t);
		return 1;
	}
	/* a damaged file may have damaged the child: check every value */
	if (f->desc >= NR_DESCS || f->device_len > sizeof(device) || f->task_len > sizeof(task) ||
	    f->nr_phys > MAX_LIST || f->nr_dma > MAX_LIST)
		return died(t, err, true);
	desc = event_table();
	for (uint32_t i = 0; i < f->desc; i++)
		if (!(desc++)->name)
			return died(t, err, true);
	if (!desc->name)
		return died(t, err, true);
	if (f->nr_phys > t->cap_physs) {
		t->cap_physs = f->nr_phys;
		t->physs = xreallocarray(t->physs, t->cap_physs, sizeof(*t->physs));
	}
	if (f->nr_dma > t->cap_dmas) {
		t->cap_dmas = f->nr_dma;
		t->dmas = xreallocarray(t->dmas, t->cap_dmas, sizeof(*t->dmas));
	}
	if (f->nr_dma > t->cap_lens) {
		t->cap_lens = f->nr_dma;
		t->lens = xreallocarray(t->lens, t->cap_lens, sizeof(*t->lens));
	}
	if (receive(t, device, f->device_len, err) < 0 || receive(t, task, f->task_len, err) < 0 ||
	    receive(t, t->physs, f->nr_phys * sizeof(*t->physs), err) < 0 ||
	    receive(t, t->dmas, f->nr_dma * sizeof(*t->dmas), err) < 0 ||
	    receive(t, t->lens, f->nr_dma * sizeof(*t->lens), err) < 0)
		return -1;
	ev->kind = desc->kind;
	ev->name = desc->name;
	ev->pid = f->pid;
	ev->task = trace_task(t, task, f->task_len);
	ev->device = intern(&t->devices, device, f->device_len);
	ev->dir = (enum trace_dir)f->dir;
	ev->error = f->error;
	ev->dma = f->dma;
	ev->phys = f->phys;
	ev->size = f->size;
	ev->attrs = f->attrs;
	ev->virt = f->virt;
	ev->has_virt = f->has_virt;
	ev->gfp = f->gfp;
	ev->nents = f->nents;
	ev->ents = f->ents;
	ev->nr_phys = f->nr_phys;
	ev->nr_dma = f->nr_dma;
	ev->physs = ev->nr_phys ? t->physs : NULL;
	ev->dmas = ev->nr_dma ? t->dmas : NULL;
	ev->lens = ev->nr_dma ? t->lens : NULL;
	event_finish(ev, desc->fields);
	return 1;
}

static bool known(const struct probe_desc *is)
{
	for (const struct probe_desc *d = probe_table(); d->name; d++)
		if (d == is)
			return true;
	return false;
}

/* Return: 1, 0: no event yet, -1 */
static int take_probe(struct trace *t, const struct frame *f, struct trace_event *ev,
		      struct trace_error *err)
{
	char device[UINT16_MAX + 1], task[MAX_NAME];
	struct trace_event head = { .line = f->line,
				    .caller = "",
				    .time = f->time,
				    .cpu = f->cpu,
				    .pid = f->pid,
				    .device = TRACE_NO_DEVICE,
				    .dma = TRACE_NO_ADDR,
				    .phys = TRACE_NO_ADDR,
				    .dir = TRACE_DIR_UNKNOWN };
	struct probe p;

	t->dat->records = f->line;
	if (receive(t, &p, sizeof(p), err) < 0)
		return -1;
	if (f->device_len > sizeof(device) || f->task_len > sizeof(task) || !known(p.desc) ||
	    p.nr_list > PROBE_LIST || p.chunk >= PROBE_CHUNKS ||
	    ((p.nr_list || p.chunk) && !p.desc->list) || (p.is_ret && !p.desc->ret))
		return died(t, err, true);
	if (receive(t, device, f->device_len, err) < 0 || receive(t, task, f->task_len, err) < 0)
		return -1;
	p.dev = device;
	p.dev_len = f->device_len;
	head.task = trace_task(t, task, f->task_len);
	t->info.probes++;
	return pair_probe(t, &head, &p, ev);
}

static int take_caller(struct trace *t, const struct frame *f, struct trace_error *err)
{
	char name[MAX_NAME];

	if (f->task_len > sizeof(name))
		return died(t, err, true);
	if (receive(t, name, f->task_len, err) < 0)
		return -1;
	trace_caller(t, f->cpu, f->pid, name, f->task_len);
	return 0;
}

int dat_next(struct trace *t, struct trace_event *ev, struct trace_error *err)
{
	struct frame f;
	char text[256];
	int r;

	for (;;) {
		if (receive(t, &f, sizeof(f), err) < 0)
			return -1;
		switch (f.type) {
		case FRAME_CLOCK:
			t->info.counts = f.value != 0;
			break;
		case FRAME_UNKNOWN:
			t->info.unknown += f.value;
			break;
		case FRAME_EVENT:
			return take_event(t, &f, ev, err);
		case FRAME_PROBE:
			r = take_probe(t, &f, ev, err);
			if (r)
				return r;
			break;
		case FRAME_IOVA:
			pair_iova(t, f.pid, f.cpu, f.value);
			if (f.size)
				iommu_maps_add(t, f.pid, f.cpu, f.value, f.value + f.size - 1);
			break;
		case FRAME_CALLER:
			if (take_caller(t, &f, err) < 0)
				return -1;
			break;
		case FRAME_DONE:
			return 0;
		case FRAME_ERROR:
			if (f.value >= sizeof(text))
				return died(t, err, true);
			if (receive(t, text, f.value, err) < 0)
				return -1;
			text[f.value] = '\0';
			return trace_fail(t, err, "%s", text);
		default:
			return died(t, err, true);
		}
	}
}
