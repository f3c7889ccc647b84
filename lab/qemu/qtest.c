/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Registers by QEMU's qtest protocol: a line asks, a line answers. QEMU's docs/devel/testing/qtest. */
#include "qemu_int.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- lines ---- */

static void fill(struct qemu *q, struct qemu_stream *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	ssize_t n;

	if (s->have == sizeof(s->buf))
		qemu_die(q, "a line of more than %zu bytes", sizeof(s->buf));
	do
		n = poll(&p, 1, QEMU_PATIENCE_MS);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		qemu_die(q, "QEMU does not answer");
	do
		n = read(s->fd, s->buf + s->have, sizeof(s->buf) - s->have);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		qemu_die(q, "QEMU is gone");
	s->have += (size_t)n;
}

char *qemu_line(struct qemu *q, struct qemu_stream *s)
{
	char *end;

	memmove(s->buf, s->buf + s->used, s->have - s->used);
	s->have -= s->used;
	s->used = 0;
	while (!(end = memchr(s->buf, '\n', s->have)))
		fill(q, s);
	*end = 0;
	s->used = (size_t)(end - s->buf) + 1;
	return s->buf;
}

void qemu_send(struct qemu *q, struct qemu_stream *s, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(s->fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			qemu_die(q, "QEMU is gone");
		text += n;
		len -= (size_t)n;
	}
}

/* ---- commands ---- */

static uint64_t ask(struct qemu *q, const char *format, ...) __attribute__((format(printf, 2, 3)));

static uint64_t ask(struct qemu *q, const char *format, ...)
{
	char command[128], *answer;
	uint64_t value;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	pthread_mutex_lock(&q->mutex);
	qemu_send(q, &q->qtest, command, (size_t)n);
	/* Skip lines about interrupts, which come in between. */
	do
		answer = qemu_line(q, &q->qtest);
	while (!strncmp(answer, "IRQ ", 4));
	if (strncmp(answer, "OK", 2))
		qemu_die(q, "%.*s: %s", n - 1, command, answer);
	value = answer[2] ? strtoull(answer + 3, NULL, 0) : 0;
	pthread_mutex_unlock(&q->mutex);
	return value;
}

static char letter(struct qemu *q, unsigned int size)
{
	switch (size) {
	case 1:
		return 'b';
	case 2:
		return 'w';
	case 4:
		return 'l';
	case 8:
		return 'q';
	}
	qemu_die(q, "a register of %u bytes", size);
}

uint64_t qemu_read(struct qemu *q, dmah_phys_t phys, unsigned int size)
{
	uint64_t value = ask(q, "read%c 0x%" PRIx64 "\n", letter(q, size), phys);

	for (unsigned int i = 0; i < sizeof(q->pretend) / sizeof(q->pretend[0]); i++)
		if (q->pretend[i].phys && q->pretend[i].phys == phys)
			value = (value & ~q->pretend[i].clear) | q->pretend[i].set;
	return value;
}

void qemu_pretend(struct qemu *q, dmah_phys_t phys, uint64_t clear, uint64_t set)
{
	unsigned int i = 0, n = sizeof(q->pretend) / sizeof(q->pretend[0]);

	while (i < n && q->pretend[i].phys && q->pretend[i].phys != phys)
		i++;
	if (i == n)
		qemu_die(q, "more than %u registers to pretend", n);
	q->pretend[i].phys = phys;
	q->pretend[i].clear = clear;
	q->pretend[i].set = set;
}

void qemu_watch(struct qemu *q,
		void (*fn)(void *ctx, dmah_phys_t phys, unsigned int size, uint64_t value),
		void *ctx)
{
	q->watch = fn;
	q->watch_ctx = ctx;
}

static void pass_write(struct qemu *q, dmah_phys_t phys, unsigned int size, uint64_t value)
{
	(void)ask(q, "write%c 0x%" PRIx64 " 0x%" PRIx64 "\n", letter(q, size), phys, value);
}

/* Returns true if the write is held back. */
static bool hold(struct qemu *q, dmah_phys_t phys, unsigned int size, uint64_t value)
{
	bool held;

	pthread_mutex_lock(&q->mutex);
	held = q->held && q->held == phys;
	if (held) {
		q->held_size = size;
		q->held_value = value;
	}
	pthread_mutex_unlock(&q->mutex);
	return held;
}

void qemu_write(struct qemu *q, dmah_phys_t phys, unsigned int size, uint64_t value)
{
	if (q->watch)
		q->watch(q->watch_ctx, phys, size, value);
	if (!hold(q, phys, size, value))
		pass_write(q, phys, size, value);
}

void qemu_hold(struct qemu *q, dmah_phys_t phys)
{
	pthread_mutex_lock(&q->mutex);
	q->held = phys;
	q->held_size = 0;
	pthread_mutex_unlock(&q->mutex);
}

void qemu_release(struct qemu *q)
{
	dmah_phys_t phys;
	unsigned int size;
	uint64_t value;

	pthread_mutex_lock(&q->mutex);
	phys = q->held;
	size = q->held_size;
	value = q->held_value;
	q->held = 0;
	pthread_mutex_unlock(&q->mutex);
	if (phys && size)
		pass_write(q, phys, size, value);
}

uint32_t qemu_in(struct qemu *q, uint16_t port, unsigned int size)
{
	return (uint32_t)ask(q, "in%c 0x%x\n", letter(q, size), port);
}

void qemu_out(struct qemu *q, uint16_t port, unsigned int size, uint32_t value)
{
	(void)ask(q, "out%c 0x%x 0x%x\n", letter(q, size), port, value);
}

/* ---- waiting ---- */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

bool qemu_wait(struct qemu *q, bool (*fn)(void *ctx), void *ctx, uint64_t ns)
{
	uint64_t begun = now_ns();

	(void)q;
	while (!fn(ctx))
		if (now_ns() - begun > ns)
			return fn(ctx);
	return true;
}

struct reg_wait {
	struct qemu *q;
	dmah_phys_t phys;
	uint32_t mask;
	uint32_t value;
};

static bool reg_is(void *ctx)
{
	const struct reg_wait *w = ctx;

	return ((uint32_t)qemu_read(w->q, w->phys, 4) & w->mask) == w->value;
}

bool qemu_wait_reg(struct qemu *q, dmah_phys_t phys, uint32_t mask, uint32_t value, uint64_t ns)
{
	struct reg_wait w = { q, phys, mask, value };

	return qemu_wait(q, reg_is, &w, ns);
}
