// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that meet: copies of one handle unmapped at the same time, by an interrupt in the middle of
 * an unmap and by two CPUs; and addresses that run out while another CPU spins for the caller's
 * lock.
 */
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/spinlock.h>
#include <linux/version.h>
#include <linux/vmalloc.h>

#include "test.h"

#define LEN 1522

struct intruder {
	struct hrtimer timer;
	struct test *t;
	struct dmah copy;
	int err;
};

static enum hrtimer_restart intrude(struct hrtimer *timer)
{
	struct intruder *i = container_of(timer, struct intruder, timer);

	i->err = dmah_unmap(i->t->dev, &i->copy);
	return HRTIMER_NORESTART;
}

/*
 * With -icount shift=3 an instruction takes 8 ns, so the interrupt comes once at every instruction
 * of an unmap.
 */
#define STEP_NS	    8
#define STEPS	    2500
#define SHORTEST_US 5

/*
 * Returns 1 if the interrupt came before the unmap had returned or right after it, 0 if it came so
 * late that it was cancelled.
 */
static int copies_meet(struct test *t, struct intruder *i, struct buffer *b, u64 ns)
{
	struct dmah h = {};
	int err;

	if (!CHECK_EQ(t, dmah_map_page(t->dev, &h, b->page, b->off, b->len, DMA_FROM_DEVICE), 0))
		return 0;
	i->copy = h;
	hrtimer_start(&i->timer, ns_to_ktime(ns), HRTIMER_MODE_REL_HARD);
	/*
	 * Timers have a shortest time: past it, so that the interrupt can come at the first
	 * instruction.
	 */
	udelay(SHORTEST_US);
	err = dmah_unmap(t->dev, &h);
	if (hrtimer_cancel(&i->timer)) {
		CHECK_EQ(t, err, 0);
		return 0;
	}
	if (err)
		CHECK(t, err == -ESTALE && i->err == 0);
	else
		CHECK_EQ(t, i->err, -ESTALE);
	if (t->failed)
		pr_info("# the interrupt came %llu ns after its start: %d and %d\n", ns, err,
			i->err);
	return 1;
}

static void test_interrupted(struct test *t)
{
	struct intruder i = { .t = t };
	u64 live = test_live(t);
	struct buffer b;
	int n, met = 0;

	if (!CHECK(t, !buffer_get(&b, 0, LEN)))
		return;
		/* 6.13: one call. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(&i.timer, intrude, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
#else
	hrtimer_init(&i.timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	i.timer.function = intrude;
#endif
	for (n = 0; n < STEPS && !t->failed; n++) {
		met += copies_meet(t, &i, &b, n * STEP_NS);
		cond_resched();
	}
	CHECK(t, met > 0);
	CHECK_EQ(t, test_live(t), live);
	buffer_put(&b);
}

/* ---- two CPUs ---- */

#define ROUNDS 2000

struct pair {
	struct test *t;
	struct buffer b;
	struct dmah h; /* both CPUs copy this one */
	atomic_t arrived;
	atomic_t won;
	bool stop;
};

struct twin {
	struct task_struct *task;
	struct completion done;
	struct pair *p;
	int err;
};

/* Both CPUs leave together. */
static void meet(struct pair *p, int count)
{
	atomic_inc(&p->arrived);
	while (atomic_read(&p->arrived) < count && !READ_ONCE(p->stop)) {
		cpu_relax();
		cond_resched();
	}
}

static int pair_run(struct twin *w, bool first)
{
	struct pair *p = w->p;
	int round, err;

	for (round = 0; round < ROUNDS && !READ_ONCE(p->stop); round++) {
		struct dmah mine;

		if (first) {
			atomic_set(&p->won, 0);
			p->h = (struct dmah){};
			err = dmah_map_page(p->t->dev, &p->h, p->b.page, 0, LEN, DMA_FROM_DEVICE);
			if (err)
				goto fail;
		}
		meet(p, 8 * round + 2);
		mine = p->h;
		meet(p, 8 * round + 4);
		err = dmah_unmap(p->t->dev, &mine);
		if (!err)
			atomic_inc(&p->won);
		else if (err != -ESTALE)
			goto fail;
		meet(p, 8 * round + 6);
		err = atomic_read(&p->won) == 1 ? 0 : -EBADE;
		if (err)
			goto fail;
		meet(p, 8 * round + 8);
	}
	return 0;
fail:
	WRITE_ONCE(p->stop, true);
	return err;
}

static int twin_run(void *arg)
{
	struct twin *w = arg;

	w->err = pair_run(w, w == w->p->t->scratch);
	complete(&w->done);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static bool start_on(struct twin *w, int (*fn)(void *), int cpu)
{
	init_completion(&w->done);
	w->task = kthread_create(fn, w, "dmah-test/%d", cpu);
	if (IS_ERR(w->task)) {
		w->task = NULL;
		return false;
	}
	kthread_bind(w->task, cpu);
	wake_up_process(w->task);
	return true;
}

static void finish(struct twin *w)
{
	if (!w->task)
		return;
	wait_for_completion(&w->done);
	kthread_stop(w->task);
}

static void test_two_copies(struct test *t)
{
	struct pair *p = kzalloc(sizeof(*p), GFP_KERNEL);
	struct twin *w = kcalloc(2, sizeof(*w), GFP_KERNEL);
	u64 live = test_live(t);
	int i;

	if (!CHECK(t, p && w) || !CHECK(t, !buffer_get(&p->b, 0, LEN)))
		goto free;
	p->t = t;
	t->scratch = &w[0];
	for (i = 0; i < 2; i++) {
		w[i].p = p;
		if (!CHECK(t, start_on(&w[i], twin_run, i)))
			WRITE_ONCE(p->stop, true);
	}
	for (i = 0; i < 2; i++) {
		finish(&w[i]);
		CHECK_EQ(t, w[i].err, 0);
	}
	CHECK_EQ(t, test_live(t), live);
	buffer_put(&p->b);
free:
	kfree(w);
	kfree(p);
}

/* ---- addresses that run out under a lock ---- */

#define BITS	24
#define MOST	((1u << BITS) / PAGE_SIZE + 1)
#define SPIN_NS (5 * NSEC_PER_SEC)

struct locked {
	struct twin twin;
	struct test *t;
	struct page *page;
	spinlock_t lock;
	bool held; /* by the CPU that maps */
	bool spins; /* the other CPU, with interrupts off */
	bool gave_up;
	u32 n;
	int err;
	struct dmah h[];
};

/* Leaves free addresses with this CPU, then spins for the lock with interrupts off. */
static int spinner_run(void *arg)
{
	struct locked *l = container_of(arg, struct locked, twin);
	struct dmah *few = kcalloc(64, sizeof(*few), GFP_KERNEL);
	unsigned long flags;
	u64 end;
	int i;

	for (i = 0; few && i < 64; i++)
		if (dmah_map_page(l->t->stranger, &few[i], l->page, 0, PAGE_SIZE, DMA_TO_DEVICE))
			break;
	for (i = 0; few && i < 64; i++)
		(void)dmah_unmap(l->t->stranger, &few[i]);
	kfree(few);
	while (!READ_ONCE(l->held)) {
		cpu_relax();
		cond_resched();
	}
	local_irq_save(flags);
	WRITE_ONCE(l->spins, true);
	end = ktime_get_mono_fast_ns() + SPIN_NS;
	while (!spin_trylock(&l->lock)) {
		if ((s64)(ktime_get_mono_fast_ns() - end) > 0) {
			l->gave_up = true;
			break;
		}
		cpu_relax();
	}
	if (!l->gave_up)
		spin_unlock(&l->lock);
	local_irq_restore(flags);
	complete(&l->twin.done);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void map_locked(struct locked *l)
{
	spin_lock(&l->lock);
	WRITE_ONCE(l->held, true);
	while (!READ_ONCE(l->spins))
		cpu_relax();
	while (l->n < MOST) {
		l->err = dmah_map_page(l->t->stranger, &l->h[l->n], l->page, 0, PAGE_SIZE,
				       DMA_TO_DEVICE);
		if (l->err)
			break;
		l->n++;
	}
	spin_unlock(&l->lock);
}

static void test_lock_held(struct test *t)
{
	struct locked *l = vzalloc(struct_size(l, h, MOST));
	u64 mask = dma_get_mask(t->stranger);
	u32 i;

	if (!CHECK(t, l))
		return;
	l->t = t;
	spin_lock_init(&l->lock);
	l->page = alloc_page(GFP_KERNEL);
	if (!CHECK(t, l->page) ||
	    !CHECK_EQ(t, dma_set_mask_and_coherent(t->stranger, DMA_BIT_MASK(BITS)), 0))
		goto free;
	if (!CHECK_EQ(t, dmah_attach(t->stranger, (enum dmah_mode)t->mode), 0))
		goto mask;
	/* The test itself is on the other CPU. */
	set_cpus_allowed_ptr(current, cpumask_of(0));
	if (CHECK(t, start_on(&l->twin, spinner_run, 1)))
		map_locked(l);
	finish(&l->twin);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	CHECK(t, !l->gave_up);
	CHECK_EQ(t, l->err, -ENOSPC);
	CHECK(t, l->n > MOST / 2);
	for (i = 0; i < l->n; i++)
		CHECK_EQ(t, dmah_unmap(t->stranger, &l->h[i]), 0);
	CHECK_EQ(t, dmah_detach(t->stranger), 0);
mask:
	CHECK_EQ(t, dma_set_mask_and_coherent(t->stranger, mask), 0);
free:
	if (l->page)
		__free_page(l->page);
	vfree(l);
}

const struct test_case race_cases[] = {
	{ "unmapped by a copy in an interrupt at every instruction: one of the two is refused",
	  test_interrupted },
	{ "unmapped by copies on two CPUs at once: one of the two is refused", test_two_copies,
	  NEED_SMP },
	{ "addresses run out under a lock that one of the CPUs spins for", test_lock_held,
	  NEED_SMP | NEED_DOMAIN },
	{}
};
