// SPDX-License-Identifier: GPL-2.0-only
/*
 * Strict unmaps of two CPUs at once, which share flushes: when an unmap returns, the device reaches its
 * page no more, whichever CPU flushed for it.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#include "test.h"

#define ROUNDS	 12
#define LEN	 512
#define CANARY	 0x5a
#define TOGETHER 64

struct other {
	struct test *t;
	struct page *page;
	struct completion ended;
	bool stop;
	u64 pairs;
	int err;
};

/* Maps and unmaps until @stop, so that a flush is under way nearly always. */
static int other_run(void *arg)
{
	struct other *o = arg;
	struct dmah h = {};

	while (!READ_ONCE(o->stop) && !o->err) {
		o->err = dmah_map_page(o->t->dev, &h, o->page, 0, PAGE_SIZE, DMA_FROM_DEVICE);
		if (!o->err)
			o->err = dmah_unmap(o->t->dev, &h);
		WRITE_ONCE(o->pairs, o->pairs + 1);
		if (!(o->pairs % TOGETHER))
			cond_resched();
	}
	complete(&o->ended);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* The IOTLB holds the page when it is unmapped in the middle of the other CPU's work. */
static void stale(struct test *t, struct other *o, struct buffer *b)
{
	struct dmah h = {};
	dma_addr_t addr;
	u64 pairs;

	if (!CHECK_EQ(t, dmah_map_page(t->dev, &h, b->page, 0, LEN, DMA_FROM_DEVICE), 0))
		return;
	addr = dmah_addr(&h);
	CHECK_EQ(t, edu_write_ram(t, addr, 0, LEN), 0);
	CHECK(t, filled(buffer_data(b), LEN, 77));
	pairs = READ_ONCE(o->pairs);
	while (READ_ONCE(o->pairs) - pairs < TOGETHER && !READ_ONCE(o->err))
		cpu_relax();
	CHECK_EQ(t, dmah_unmap(t->dev, &h), 0);
	memset(b->base, CANARY, BUFFER_SIZE);
	CHECK_EQ(t, edu_write_ram(t, addr, 0, LEN), 0);
	CHECK(t, all(b->base, BUFFER_SIZE, CANARY));
}

static void test_shared(struct test *t)
{
	struct other o = { .t = t, .page = alloc_page(GFP_KERNEL) };
	struct task_struct *task;
	struct buffer b = {};

	init_completion(&o.ended);
	set_cpus_allowed_ptr(current, cpumask_of(0));
	task = kthread_create(other_run, &o, "dmah-test/1");
	if (!CHECK(t, o.page) || !CHECK(t, !IS_ERR(task)))
		goto free;
	kthread_bind(task, 1);
	wake_up_process(task);
	CHECK_EQ(t, buffer_get(&b, 0, LEN), 0);
	CHECK_EQ(t, edu_fill(t, 0, LEN, 77), 0);
	for (int i = 0; i < ROUNDS && !t->failed; i++)
		stale(t, &o, &b);
	WRITE_ONCE(o.stop, true);
	wait_for_completion(&o.ended);
	kthread_stop(task);
	CHECK_EQ(t, o.err, 0);
	buffer_put(&b);
free:
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	if (o.page)
		__free_page(o.page);
}

const struct test_case shared_cases[] = {
	{ "unmaps of two CPUs share a flush: the device reaches no page of either", test_shared,
	  NEED_SMP | NEED_STRICT | NEED_POOL | NEED_BLOCK },
	{}
};
