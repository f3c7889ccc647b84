/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Shared by the files of this folder. */
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
 * @used: bytes of the line that was returned last.
 */
struct qemu_stream {
	int fd;
	size_t have;
	size_t used;
	char buf[65536];
};

/**
 * struct qemu - a machine.
 * @key: the arguments that QEMU was started with.
 * @kind: enum qemu_kind.
 * @pid: QEMU's process id.
 * @qtest: socket of the qtest protocol.
 * @monitor: socket of the monitor.
 * @mutex: held during an access to registers.
 * @ram: RAM in this process, @ram_size bytes from physical address @ram_base; @ram_fd: its file.
 * @taken: the next physical address that qemu_take() gives.
 * @bar_next: the next free address for a BAR.
 * @window: address space for pointers to registers.
 * @held: the register whose writes are held back; 0: none. @held_size, @held_value: the last write; @held_size 0: none.
 * @pretend: registers that read as other values.
 * @watch: called before writes; @watch_ctx: passed to it.
 * @cache: the CPU's copy of the port's pages where they are not coherent; as large as RAM.
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

/** QEMU_WINDOW - bytes of physical addresses for qemu_regs(); the virt machine has registers beyond 512 GiB. */
#define QEMU_WINDOW (1ull << 40)

/** QEMU_PATIENCE_MS - time-out for an answer of QEMU. */
#define QEMU_PATIENCE_MS 30000

/** qemu_die() - print the error and QEMU's log, and abort. */
void qemu_die(struct qemu *q, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/** qemu_line() - Returns the next line of a stream, without its end. Valid until the next call. */
char *qemu_line(struct qemu *q, struct qemu_stream *stream);

/** qemu_send() - write all of a text to a stream. */
void qemu_send(struct qemu *q, struct qemu_stream *stream, const char *text, size_t len);

/** qemu_qmp_open() - begin the monitor's protocol. */
void qemu_qmp_open(struct qemu *q);

/** qemu_qmp_event() - run a command and wait for its event @name. The answer may come before or after the event. */
void qemu_qmp_event(struct qemu *q, const char *command, const char *name);

#endif /* DMAH_LAB_QEMU_INT_H */
