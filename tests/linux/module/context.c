// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts of the calls: with interrupts off, in an interrupt, on several CPUs at once; and MSIs.
 */
#include <linux/completion.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>

#include "test.h"

#define LEN 1522

static int map_sync_unmap(struct test *t, struct buffer *b)
{
	struct dmah h = {};
	int err;

	err = dmah_map_page(t->dev, &h, b->page, b->off, b->len, DMA_BIDIRECTIONAL);
	if (err)
		return err;
	err = dmah_sync_for_cpu(t->dev, &h, 10, 100);
	if (!err)
		err = dmah_sync_for_device(t->dev, &h, 10, 100);
	return dmah_unmap(t->dev, &h) ?: err;
}

static void test_irqs_off(struct test *t)
{
	struct buffer b;
	unsigned long flags;
	int err;

	if (!CHECK(t, !buffer_get(&b, 77, LEN)))
		return;
	local_irq_save(flags);
	err = map_sync_unmap(t, &b);
	local_irq_restore(flags);
	CHECK_EQ(t, err, 0);
	local_bh_disable();
	err = map_sync_unmap(t, &b);
	local_bh_enable();
	CHECK_EQ(t, err, 0);
	buffer_put(&b);
}

struct irq_case {
	struct irq_work work;
	struct completion done;
	struct test *t;
	struct buffer b;
	bool in_irq;
	int err;
};

static void irq_case_run(struct irq_work *work)
{
	struct irq_case *c = container_of(work, struct irq_case, work);

	c->in_irq = in_hardirq();
	c->err = map_sync_unmap(c->t, &c->b);
	complete(&c->done);
}

static void test_in_irq(struct test *t)
{
	struct irq_case c = { .t = t };

	if (!CHECK(t, !buffer_get(&c.b, 0, LEN)))
		return;
	init_completion(&c.done);
	c.work = IRQ_WORK_INIT_HARD(irq_case_run);
	irq_work_queue(&c.work);
	if (CHECK(t, wait_for_completion_timeout(&c.done, 60 * HZ))) {
		CHECK(t, c.in_irq);
		CHECK_EQ(t, c.err, 0);
	}
	irq_work_sync(&c.work);
	buffer_put(&c.b);
}

#define HANDLES 48
#define ROUNDS	60

struct worker {
	struct test *t;
	struct task_struct *task;
	struct completion done;
	struct buffer b;
	struct dmah h[HANDLES];
	struct worker *peer; /* this one ends the peer's mappings */
	int err;
};

/* Maps what is idle and unmaps about half of what is not, over and over. */
static int worker_run(void *arg)
{
	struct worker *w = arg;
	u32 x = 7 + smp_processor_id();
	int i, round;

	for (round = 0; round < ROUNDS && !w->err; round++) {
		for (i = 0; i < HANDLES && !w->err; i++)
			if (!dmah_mapped(&w->h[i]))
				w->err = dmah_map_page(w->t->dev, &w->h[i], w->b.page, 16 * i,
						       1 + i * 100 % 3000, DMA_BIDIRECTIONAL);
		for (i = 0; i < HANDLES && !w->err; i++) {
			x = x * 1664525 + 1013904223;
			if (x >> 31)
				w->err = dmah_unmap(w->t->dev, &w->h[i]);
		}
		cond_resched();
	}
	complete(&w->done);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* The end: what one CPU mapped the other unmaps. */
static int worker_end(void *arg)
{
	struct worker *w = arg;
	int i;

	for (i = 0; i < HANDLES && !w->err; i++)
		w->err = dmah_unmap(w->t->dev, &w->peer->h[i]);
	complete(&w->done);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static bool workers_go(struct test *t, struct worker *w, int n, int (*fn)(void *))
{
	bool ok = true;
	int i;

	for (i = 0; i < n; i++) {
		init_completion(&w[i].done);
		w[i].task = kthread_create(fn, &w[i], "dmah-test/%d", i);
		if (IS_ERR(w[i].task)) {
			w[i].task = NULL;
			ok = false;
			continue;
		}
		kthread_bind(w[i].task, i % num_online_cpus());
	}
	for (i = 0; i < n; i++)
		if (w[i].task)
			wake_up_process(w[i].task);
	for (i = 0; i < n; i++) {
		if (!w[i].task)
			continue;
		wait_for_completion(&w[i].done);
		kthread_stop(w[i].task);
	}
	return ok;
}

static void test_cpus(struct test *t)
{
	struct worker *w = kcalloc(2, sizeof(*w), GFP_KERNEL);
	u64 live = test_live(t);
	u64 held = 0;
	int i, k;

	if (!CHECK(t, w))
		return;
	for (i = 0; i < 2; i++) {
		w[i].t = t;
		w[i].peer = &w[1 - i];
		if (!CHECK(t, !buffer_get(&w[i].b, 0, BUFFER_SIZE)))
			goto put;
	}
	CHECK(t, workers_go(t, w, 2, worker_run));
	for (i = 0; i < 2; i++) {
		CHECK_EQ(t, w[i].err, 0);
		for (k = 0; k < HANDLES; k++)
			held += dmah_mapped(&w[i].h[k]);
	}
	CHECK_EQ(t, test_live(t), live + held);
	CHECK(t, workers_go(t, w, 2, worker_end));
	CHECK_EQ(t, w[0].err, 0);
	CHECK_EQ(t, w[1].err, 0);
	CHECK_EQ(t, test_live(t), live);
put:
	buffer_put(&w[0].b);
	buffer_put(&w[1].b);
	kfree(w);
}

/* An MSI is a DMA write too: it must arrive in whatever domain the device is. */
static void test_msi(struct test *t)
{
	CHECK_EQ(t, edu_interrupt(t, 0x1234), 0);
	CHECK_EQ(t, edu_interrupt(t, 0x77), 0);
}

const struct test_case context_cases[] = { { "with interrupts off", test_irqs_off },
					   { "in an interrupt", test_in_irq },
					   { "on two CPUs at once, unmapped on the other",
					     test_cpus, NEED_SMP },
					   { "the device's own interrupts arrive", test_msi },
					   {} };
