// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The invalidation queue: order, latency, time-out, a full queue, several threads that post. */
#include "t.h"

#include <pthread.h>

static struct sim_invq q;
static struct sim_lock lock;
static uint64_t seen[1 << 16];
static uint64_t nseen;

static void execute(void *ctx, const struct sim_command *c)
{
	(void)ctx;
	seen[nseen++ % (1 << 16)] = c->iova;
}

static int setup(void **state)
{
	(void)state;
	nseen = 0;
	posix_clock_manual(1000);
	assert_true(sim_invq_init(&q, 8, 0, 5000, execute, NULL));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sim_invq_fini(&q);
	posix_clock_real();
	return 0;
}

static int post(uint64_t n)
{
	int err;

	sim_lock(&lock);
	err = sim_invq_post(&q, &lock, &(struct sim_command){ .iova = n });
	sim_unlock(&lock);
	return err;
}

static int wait_all(void)
{
	int err;

	sim_lock(&lock);
	err = sim_invq_wait(&q, &lock, q.tail);
	sim_unlock(&lock);
	return err;
}

static void at_once(void **state)
{
	(void)state;
	assert_int_equal(post(1), 0);
	assert_int_equal(nseen, 1);
	assert_int_equal(wait_all(), 0);
	assert_int_equal(dmah_host_now(), 1000);
	assert_int_equal(q.waits, 1);
}

static void latency(void **state)
{
	(void)state;
	q.latency = 100;
	for (uint64_t i = 1; i <= 4; i++)
		post(i);
	sim_invq_run(&q);
	assert_int_equal(nseen, 0);
	posix_clock_advance(99);
	sim_invq_run(&q);
	assert_int_equal(nseen, 0);
	posix_clock_advance(1);
	sim_invq_run(&q);
	assert_int_equal(nseen, 1); /* one after the other */
	posix_clock_advance(150);
	sim_invq_run(&q);
	assert_int_equal(nseen, 2);
	assert_int_equal(wait_all(), 0);
	assert_int_equal(nseen, 4);
	assert_int_equal(dmah_host_now(), 1400);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(seen[i], i + 1);
}

static void in_order(void **state)
{
	(void)state;
	q.latency = 100;
	post(1);
	q.latency = 0; /* quick, but behind a slow one */
	post(2);
	assert_int_equal(nseen, 0);
	posix_clock_advance(100);
	sim_invq_run(&q);
	assert_int_equal(nseen, 2);
	assert_int_equal(seen[0], 1);
}

static void not_before_a_wait(void **state)
{
	(void)state;
	q.latency = SIM_LATENCY_WAIT;
	post(1);
	posix_clock_advance(1000000);
	sim_invq_run(&q);
	assert_int_equal(nseen, 0);
	assert_int_equal(wait_all(), 0);
	assert_int_equal(nseen, 1);
	post(2);
	sim_invq_run(&q);
	assert_int_equal(nseen, 1); /* the wait was for the first */
}

static void time_out(void **state)
{
	(void)state;
	q.stuck_at = q.head + 1;
	post(1);
	post(2);
	assert_int_equal(nseen, 1);
	assert_int_equal(wait_all(), DMAH_ETIMEDOUT);
	assert_int_equal(dmah_host_now(), 6000);
	assert_int_equal(q.timeouts, 1);
	assert_int_equal(nseen, 1);
	q.stuck_at = UINT64_MAX;
	assert_int_equal(wait_all(), 0);
	assert_int_equal(nseen, 2);
}

static void too_slow(void **state)
{
	(void)state;
	q.latency = 5001;
	post(1);
	assert_int_equal(wait_all(), DMAH_ETIMEDOUT);
	assert_int_equal(nseen, 0);
	assert_int_equal(wait_all(), 0);
	assert_int_equal(nseen, 1);
}

static void full(void **state)
{
	(void)state;
	q.latency = 10;
	for (uint64_t i = 1; i <= 100; i++)
		assert_int_equal(post(i), 0); /* makes room by waiting */
	assert_true(nseen >= 92);
	q.stuck_at = q.head;
	nseen = 0;
	while (q.tail - q.head < 8)
		assert_int_equal(post(0), 0);
	assert_int_equal(post(0), DMAH_ETIMEDOUT);
	assert_int_equal(q.timeouts, 1);
	assert_int_equal(nseen, 0);
	q.stuck_at = UINT64_MAX;
	assert_int_equal(wait_all(), 0);
	assert_int_equal(nseen, 8); /* the refused command is not in the queue */
}

#define THREADS 4u
#define POSTS	2000u

static void *poster(void *arg)
{
	uint64_t me = *(unsigned int *)arg;

	for (uint64_t i = 0; i < POSTS; i++) {
		assert_int_equal(post(me << 32 | i), 0);
		if (i % 16 == 15)
			assert_int_equal(wait_all(), 0);
	}
	return NULL;
}

static void many_posters(void **state)
{
	pthread_t thread[THREADS];
	unsigned int id[THREADS];
	uint64_t next[THREADS] = { 0 };

	(void)state;
	posix_clock_real();
	q.latency = 200;
	q.timeout = 60000000000;
	for (unsigned int i = 0; i < THREADS; i++) {
		id[i] = i;
		assert_int_equal(pthread_create(&thread[i], NULL, poster, &id[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(wait_all(), 0);
	assert_int_equal(nseen, THREADS * POSTS);
	for (uint64_t i = 0; i < nseen; i++) /* each one's in its order */
		assert_int_equal(seen[i] & 0xffffffff, next[seen[i] >> 32]++);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(latency, setup, teardown),
		cmocka_unit_test_setup_teardown(in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(not_before_a_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(time_out, setup, teardown),
		cmocka_unit_test_setup_teardown(too_slow, setup, teardown),
		cmocka_unit_test_setup_teardown(full, setup, teardown),
		cmocka_unit_test_setup_teardown(many_posters, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
