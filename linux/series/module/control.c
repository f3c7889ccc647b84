// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults on purpose, one for each sanitizer: a kernel whose sanitizer is off would pass every other test.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "test.h"

#define THREADS 2

static DEFINE_SPINLOCK(first);
static DEFINE_SPINLOCK(second);
static unsigned long raced;

/* For KASAN: read the byte behind an allocation. */
static void read_beyond(void)
{
	size_t size = 16;
	u8 *p = kmalloc(size, GFP_KERNEL);

	if (!p)
		return;
	OPTIMIZER_HIDE_VAR(size);
	raced += READ_ONCE(p[size]);
	kfree(p);
}

/* For lockdep: take two locks in both orders. */
static void take_both_orders(void)
{
	spin_lock(&first);
	spin_lock(&second);
	spin_unlock(&second);
	spin_unlock(&first);
	spin_lock(&second);
	spin_lock(&first);
	spin_unlock(&first);
	spin_unlock(&second);
}

static int race(void *data)
{
	unsigned long end = jiffies + HZ;

	while (time_before(jiffies, end)) {
		raced++;
		barrier();
		cond_resched();
	}
	complete(data);
	return 0;
}

/* For KCSAN: let two CPUs change one variable. */
static void race_on_two(void)
{
	struct completion done[THREADS];
	unsigned int n;

	for (n = 0; n < THREADS; n++) {
		struct task_struct *task;

		init_completion(&done[n]);
		task = kthread_create(race, &done[n], "series_race/%u", n);
		if (IS_ERR(task)) {
			complete(&done[n]);
			continue;
		}
		kthread_bind(task, n % num_online_cpus());
		wake_up_process(task);
	}
	for (n = 0; n < THREADS; n++)
		wait_for_completion(&done[n]);
}

void provoke_all(void)
{
	/* First, since a report of KASAN switches lockdep off. */
	take_both_orders();
	read_beyond();
	race_on_two();
	report(true, "faults were provoked");
}
