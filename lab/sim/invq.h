/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The fake IOMMU's invalidation queue. Commands take effect in order, each a latency after the one before.
 *
 * Time is dmah_host_now(); on the manual clock a wait moves the clock. Nothing runs in the background, so call
 * sim_invq_run() before reading state that commands change. Call all functions with the IOMMU's lock held;
 * sim_invq_wait() and a post into a full queue release the lock while they spin.
 */
#ifndef SIM_INVQ_H
#define SIM_INVQ_H

#include "lock.h"
#include "sim.h"

/** enum sim_command_kind - caches that a command invalidates. */
enum sim_command_kind {
	SIM_COMMAND_TLB, /* the IOTLB */
	SIM_COMMAND_DEV_TLB, /* the TLB in a device */
	SIM_COMMAND_CONTEXT, /* the cached context of a device */
};

/**
 * struct sim_command - an invalidation.
 * @due: time at which the command takes effect.
 * @iova: first byte.
 * @size: bytes; 0: all.
 * @target: the tag for SIM_COMMAND_TLB; else the device's id.
 * @kind: the cache.
 * @tables: invalidate the paging-structure cache too.
 */
struct sim_command {
	uint64_t due;
	uint64_t iova;
	uint64_t size;
	uint32_t target;
	enum sim_command_kind kind;
	bool tables;
};

/**
 * struct sim_invq - the queue.
 * @ring: its commands.
 * @size: capacity in commands.
 * @head: commands taken out since the beginning.
 * @tail: commands put in.
 * @wanted: a wait asks for all commands before this one (SIM_LATENCY_WAIT).
 * @latency: latency of the next command, in ns.
 * @timeout: time-out of a wait, in ns.
 * @stuck_at: commands from this one on are not executed; UINT64_MAX: all are.
 * @halted: no command is executed while *@halted; may be NULL.
 * @last_due: time at which the last command takes effect.
 * @execute: carries a command out; @ctx: passed to it.
 * @waits: waits made.
 * @timeouts: waits and posts that gave up.
 */
struct sim_invq {
	struct sim_command *ring;
	uint64_t size;
	uint64_t head;
	uint64_t tail;
	uint64_t wanted;
	uint64_t latency;
	uint64_t timeout;
	uint64_t stuck_at;
	const bool *halted;
	uint64_t last_due;
	void (*execute)(void *ctx, const struct sim_command *command);
	void *ctx;
	uint64_t waits;
	uint64_t timeouts;
};

bool sim_invq_init(struct sim_invq *q, uint64_t size, uint64_t latency, uint64_t timeout,
		   void (*execute)(void *ctx, const struct sim_command *command), void *ctx);
void sim_invq_fini(struct sim_invq *q);

/** sim_invq_post() - append a command. Returns 0, or DMAH_ETIMEDOUT if the queue stayed full. */
int sim_invq_post(struct sim_invq *q, struct sim_lock *lock, const struct sim_command *command);

/** sim_invq_run() - execute the commands that are due. */
void sim_invq_run(struct sim_invq *q);

/** sim_invq_wait() - wait until the first @until commands have been executed. Returns 0 or DMAH_ETIMEDOUT. */
int sim_invq_wait(struct sim_invq *q, struct sim_lock *lock, uint64_t until);

#endif /* SIM_INVQ_H */
