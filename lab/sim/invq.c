/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "invq.h"

#include "posix.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* Due only when a wait asks for the command. */
#define NEVER UINT64_MAX

bool sim_invq_init(struct sim_invq *q, uint64_t size, uint64_t latency, uint64_t timeout,
		   void (*execute)(void *ctx, const struct sim_command *command), void *ctx)
{
	memset(q, 0, sizeof(*q));
	q->ring = calloc((size_t)size, sizeof(*q->ring));
	q->size = size;
	q->latency = latency;
	q->timeout = timeout;
	q->stuck_at = UINT64_MAX;
	q->execute = execute;
	q->ctx = ctx;
	return q->ring != NULL;
}

void sim_invq_fini(struct sim_invq *q)
{
	free(q->ring);
	q->ring = NULL;
}

/* Returns true if the queue does not execute the command at its head, whenever that is due. */
static bool stands_still(const struct sim_invq *q)
{
	return q->head >= q->stuck_at || (q->halted && *q->halted);
}

void sim_invq_run(struct sim_invq *q)
{
	uint64_t now = 0;

	if (q->head == q->tail || stands_still(q))
		return;
	now = dmah_host_now();
	while (q->head != q->tail && !stands_still(q)) {
		const struct sim_command *c = &q->ring[q->head % q->size];

		if (c->due == NEVER ? q->head >= q->wanted : c->due > now)
			break;
		q->execute(q->ctx, c);
		q->head++;
	}
}

/* Spin, without the lock, until command @n has been executed. */
static int spin_until(struct sim_invq *q, struct sim_lock *lock, uint64_t n)
{
	uint64_t start = dmah_host_now();

	if (q->wanted < n)
		q->wanted = n;
	for (;;) {
		uint64_t due;

		sim_invq_run(q);
		if (q->head >= n)
			return DMAH_OK;
		due = stands_still(q) ? NEVER : q->ring[q->head % q->size].due;
		if (posix_clock_is_manual()) {
			/* Time passes until the command is due, or the wait is over. */
			posix_clock_reach(due < start + q->timeout ? due : start + q->timeout);
			if (due <= start + q->timeout)
				continue;
		}
		if (dmah_host_now() - start >= q->timeout) {
			q->timeouts++;
			return DMAH_ETIMEDOUT;
		}
		sim_unlock(lock);
		sched_yield();
		sim_lock(lock);
	}
}

int sim_invq_post(struct sim_invq *q, struct sim_lock *lock, const struct sim_command *command)
{
	struct sim_command *c;

	/* Check again after each wait: another CPU may have taken the free entry while the lock was not held. */
	while (q->tail - q->head >= q->size)
		if (spin_until(q, lock, q->tail - q->size + 1))
			return DMAH_ETIMEDOUT;
	if (!q->latency && q->head == q->tail && !stands_still(q)) {
		q->execute(q->ctx, command);
		q->head++;
		q->tail++;
		return DMAH_OK;
	}
	c = &q->ring[q->tail % q->size];
	*c = *command;
	if (q->latency == SIM_LATENCY_WAIT) {
		c->due = NEVER;
	} else {
		uint64_t now = dmah_host_now();

		q->last_due = (q->last_due > now ? q->last_due : now) + q->latency;
		c->due = q->last_due;
	}
	q->tail++;
	return DMAH_OK;
}

int sim_invq_wait(struct sim_invq *q, struct sim_lock *lock, uint64_t until)
{
	q->waits++;
	if (q->head >= until)
		return DMAH_OK;
	return spin_until(q, lock, until);
}
