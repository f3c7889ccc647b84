// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two CPUs that map and unmap at once, beside one that does so alone. Each has buffers of its own,
 * of one device, as the queues of a network card have; each ring has one CPU.
 */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>

#include "cost.h"

/* Passes before what is measured: caches of IOVAs fill, page tables are allocated. */
#define WARM_UP 2

/*
 * All of them in one attach: slots are in the default domain, so the kernel's API works beside.
 * @times: more passes, so that all take about as long.
 */
static const struct {
	const char *name;
	u32 times;
} cases[] = {
	{ "page", 1 }, { "pool", 3 }, { "pool-batch-16", 5 }, { "ring-16", 12 }, { "flush", 3 }
};

/**
 * struct side - the work of one CPU.
 * @c: its buffers.
 * @k: the case.
 * @passes: over all buffers.
 * @order: of the buffers.
 * @start, @end: the clock around them.
 * @err: of a map.
 * @done: it has ended.
 */
struct side {
	struct cost *c;
	const struct cost_case *k;
	u32 passes;
	u16 order[COST_LIVE];
	u64 start;
	u64 end;
	int err;
	struct completion done;
};

/* Sides that have not come to the start yet. */
static atomic_t missing;

/* The flush of one page alone, by the kernel's call: the part of a strict unmap that CPUs share. */
static void flush_unmap(struct cost *c, const u16 *which, u32 n)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(c->dev);

	for (u32 i = 0; i < n; i++) {
		struct iommu_iotlb_gather gather;

		iommu_iotlb_gather_init(&gather);
		gather.start = (unsigned long)which[i] << PAGE_SHIFT;
		gather.end = gather.start + PAGE_SIZE - 1;
		gather.pgsize = PAGE_SIZE;
		iommu_iotlb_sync(domain, &gather);
	}
}

static int flush_map(struct cost *c, const u16 *which, u32 n)
{
	return 0;
}

static const struct cost_case cases_flush[] = {
	{ .name = "flush", .group = 16, .map = flush_map, .unmap = flush_unmap },
	{},
};

static const struct cost_case *find(const char *name)
{
	const struct cost_case *lists[] = { cases_stock, cases_handle, cases_ring, cases_flush };

	for (u32 i = 0; i < ARRAY_SIZE(lists); i++)
		for (const struct cost_case *k = lists[i]; k->name; k++)
			if (!strcmp(k->name, name))
				return k;
	return NULL;
}

static int passes_run(struct side *s, u32 passes)
{
	for (u32 i = 0; i < passes; i++) {
		for (u32 at = 0; at < COST_LIVE; at += s->k->group) {
			int err;

			s->k->unmap(s->c, &s->order[at], s->k->group);
			err = s->k->map(s->c, &s->order[at], s->k->group);
			if (err)
				return err;
		}
	}
	return 0;
}

static int side_run(void *data)
{
	struct side *s = data;
	u32 mapped = 0;

	for (; mapped < COST_LIVE && !s->err; mapped += s->k->group)
		s->err = s->k->map(s->c, &s->order[mapped], s->k->group);
	if (!s->err)
		s->err = passes_run(s, WARM_UP);
	atomic_dec(&missing);
	while (atomic_read(&missing) > 0)
		cpu_relax();
	s->start = cost_clock();
	if (!s->err)
		s->err = passes_run(s, s->passes);
	s->end = cost_clock();
	/* After a failed map some are not mapped, and this machine is of no use any more. */
	for (u32 at = 0; at < COST_LIVE && !s->err; at += s->k->group)
		s->k->unmap(s->c, &s->order[at], s->k->group);
	complete(&s->done);
	return 0;
}

static void side_begin(struct side *s, const struct cost_case *k, struct cost *c, u32 passes)
{
	memset(s, 0, sizeof(*s));
	s->c = c;
	s->k = k;
	s->passes = passes;
	/* 167 is odd: each buffer comes once. */
	for (u32 i = 0; i < COST_LIVE; i++)
		s->order[i] = k->in_order ? i : (i * 167 + 13) % COST_LIVE;
	init_completion(&s->done);
}

/* @n CPUs at once. Return: clocks from the first start to the last end; 0: an error. */
static u64 measure(const struct cost_case *k, struct cost c[2], u32 n, u32 passes)
{
	static struct side side[2];
	struct task_struct *task[2];
	u64 start, end;
	int err = 0;

	atomic_set(&missing, n);
	for (u32 i = 0; i < n; i++) {
		side_begin(&side[i], k, &c[i], passes);
		task[i] = kthread_create(side_run, &side[i], "dmah-cost/%u", i);
		if (IS_ERR(task[i])) {
			/* It has not run yet. */
			if (i)
				kthread_stop(task[0]);
			return 0;
		}
		kthread_bind(task[i], i);
	}
	for (u32 i = 0; i < n; i++)
		wake_up_process(get_task_struct(task[i]));
	for (u32 i = 0; i < n; i++) {
		wait_for_completion(&side[i].done);
		kthread_stop(task[i]);
		put_task_struct(task[i]);
		err = err ? err : side[i].err;
	}
	start = side[0].start;
	end = side[0].end;
	for (u32 i = 1; i < n; i++) {
		start = min(start, side[i].start);
		end = max(end, side[i].end);
	}
	return err ? 0 : end - start;
}

static u64 waits(void)
{
	u64 hits[PROBES];

	probes_read(hits);
	for (u32 i = 0; i < PROBES; i++)
		if (probe_name(i) && !strcmp(probe_name(i), PROBE_SPIN))
			return hits[i];
	return 0;
}

static void take_turn(const struct cost_case *k, struct cost c[2], u32 passes, bool probed)
{
	for (u32 n = 1; n <= 2; n++) {
		u64 before = probed ? waits() : 0;
		u64 clocks = measure(k, c, n, passes);

		pr_info("dmah-cost: cpus case=%s cpus=%u pairs=%u clocks=%llu probed=%d "
			"waits=%llu\n",
			k->name, n, n * passes * COST_LIVE, clocks, probed,
			probed ? waits() - before : 0);
	}
}

void cost_run_cpus(struct cost c[2], u32 rounds, u32 passes, bool probed)
{
	const struct cost_case *pool = find("pool"), *ring = find("ring-16");
	const char *why = "it cannot be set up";
	int err;

	err = num_online_cpus() < 2 ? -ENODEV : pool->begin(&c[0], &why);
	if (err) {
		pr_info("dmah-cost: unavailable case=cpus size=%u error=%d why=%s\n", c->len, err,
			err == -ENODEV ? "there is one CPU" : why);
		return;
	}
	err = ring->open(&c[0], &why);
	if (!err) {
		err = ring->open(&c[1], &why);
		for (u32 i = 0; i < rounds && !err; i++)
			for (u32 at = 0; at < ARRAY_SIZE(cases); at++)
				take_turn(find(cases[at].name), c, passes * cases[at].times,
					  probed);
		if (!err)
			ring->close(&c[1]);
		ring->close(&c[0]);
	}
	if (err)
		pr_info("dmah-cost: failed case=cpus size=%u error=%d\n", c->len, err);
	pool->end(&c[0]);
}
