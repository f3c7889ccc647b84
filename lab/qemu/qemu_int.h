/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the lab's own files share. */
#ifndef DMAH_LAB_QEMU_INT_H
#define DMAH_LAB_QEMU_INT_H

#include "qemu.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/types.h>

/**
 * struct qemu_stream - lines from a socket.
 * @fd: the socket.
 * @have: bytes in @buf.
 * @used: of them, what the line that was returned last takes.
 */
struct qemu_stream {
	int fd;
	size_t have;
	size_t used;
	char buf[65536];
};

/**
 * struct qemu - a machine.
 * @key: the arguments that it was started with, to be found by.
 * @kind: which.
 * @pid: QEMU's.
 * @qtest: the registers' socket.
 * @monitor: the monitor's.
 * @mutex: one access to registers at a time.
 * @ram: where RAM is in this process, @ram_size bytes from physical address @ram_base; @ram_fd: its file.
 * @taken: the next physical address that qemu_take() gives.
 * @bar_next: the next free address for a BAR.
 * @window: where pointers to registers point.
 * @held: the register whose writes are held back; 0: none. @held_size, @held_value: the last one; @held_size 0: there
 *	was none.
 * @pretend: registers that read as something else.
 * @watch: told of writes; @watch_ctx goes with it.
 * @cache: what the CPU sees of the port's pages where they are not coherent; as large as RAM.
 * @log_fd: the file that is QEMU's stderr; @log: its text, as last read.
 */
struct qemu {
	char *key;
	enum qemu_kind kind;
	pid_t pid;
	struct qemu_stream qtest;
	struct qemu_stream monitor;
	pthread_mutex_t mutex;
	uint8_t *ram;
	uint64_t ram_size;
	dmah_phys_t ram_base;
	int ram_fd;
	dmah_phys_t taken;
	dmah_phys_t bar_next;
	uint8_t *window;
	dmah_phys_t held;
	unsigned int held_size;
	uint64_t held_value;
	struct {
		dmah_phys_t phys;
		uint64_t clear;
		uint64_t set;
	} pretend[4];
	void (*watch)(void *ctx, dmah_phys_t phys, unsigned int size, uint64_t value);
	void *watch_ctx;
	uint8_t *cache;
	int log_fd;
	char *log;
};

/** QEMU_WINDOW - bytes of physical addresses that qemu_regs() can name: the virt machine's reach beyond 512 GiB. */
#define QEMU_WINDOW (1ull << 40)

/** QEMU_PATIENCE_MS - how long QEMU may take for an answer. */
#define QEMU_PATIENCE_MS 30000

/** qemu_die() - give up: what happened, what QEMU said, abort. */
void qemu_die(struct qemu *q, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/** qemu_line() - the next line of a stream, without its end. Valid until the next call. */
char *qemu_line(struct qemu *q, struct qemu_stream *stream);

/** qemu_send() - write it all. */
void qemu_send(struct qemu *q, struct qemu_stream *stream, const char *text, size_t len);

/** qemu_qmp_open() - greet the monitor. */
void qemu_qmp_open(struct qemu *q);

/** qemu_qmp_event() - a command, and wait for the event @name that it causes; its answer may come before or after. */
void qemu_qmp_event(struct qemu *q, const char *command, const char *name);

#endif /* DMAH_LAB_QEMU_INT_H */
