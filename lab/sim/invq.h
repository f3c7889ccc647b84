/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * An invalidation queue: commands are posted, and take effect in order, each some time after the one before.
 *
 * Time is dmah_host_now()'s. On the manual clock a wait makes it pass. Nothing runs by itself: whoever looks at what
 * a command changes has the queue run up to now first (sim_invq_run()). All calls are made under the IOMMU's lock;
 * sim_invq_wait() and a post into a full queue let go of it while they spin.
 */
#ifndef SIM_INVQ_H
#define SIM_INVQ_H

#include "lock.h"
#include "sim.h"

/** enum sim_command_kind - what a command invalidates. */
enum sim_command_kind {
	SIM_COMMAND_TLB, /* the IOTLB */
	SIM_COMMAND_DEV_TLB, /* the TLB in a device */
	SIM_COMMAND_CONTEXT, /* what the IOMMU knows of a device */
};

/**
 * struct sim_command - an invalidation.
 * @due: when it takes effect.
 * @iova: first byte.
 * @size: bytes; 0: all.
 * @target: tag; a device's id but for SIM_COMMAND_TLB.
 * @kind: what is invalidated.
 * @tables: of the paging-structure cache too.
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
 * @size: how many there is room for.
 * @head: commands taken out since the beginning.
 * @tail: commands put in.
 * @wanted: commands before this one are waited for (SIM_LATENCY_WAIT).
 * @latency: of the next command posted.
 * @timeout: of a wait.
 * @stuck_at: commands from this one on are not executed; UINT64_MAX: all are.
 * @halted: no command is executed while *@halted; may be NULL.
 * @last_due: when the last one posted takes effect.
 * @execute: what a command does.
 * @ctx: passed to that.
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

/** sim_invq_post() - Return: 0; DMAH_ETIMEDOUT: the queue was full until the time-out. */
int sim_invq_post(struct sim_invq *q, struct sim_lock *lock, const struct sim_command *command);

/** sim_invq_run() - execute what is due. */
void sim_invq_run(struct sim_invq *q);

/** sim_invq_wait() - until the first @until commands ever posted have been executed. Return: 0, DMAH_ETIMEDOUT. */
int sim_invq_wait(struct sim_invq *q, struct sim_lock *lock, uint64_t until);

#endif /* SIM_INVQ_H */
