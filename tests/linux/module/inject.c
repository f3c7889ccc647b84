// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocations that fail. Debian's kernels have no CONFIG_FAULT_INJECTION, so the kernel's
 * allocators are made to fail by kprobes: while one is armed, the n-th call of this task returns at
 * once without memory. Each operation is tried with its first allocation failing, then with its
 * second, until none is left.
 */
#include <linux/kprobes.h>

#include "test.h"

/* Allocators, by their names in 6.1 and in 6.12; those that a kernel lacks are passed over. */
static const struct {
	const char *name;
	long result;
} targets[] = {
	{ "__kmalloc", 0 },
	{ "__kmalloc_node", 0 },
	{ "kmalloc_trace", 0 },
	{ "kmem_cache_alloc", 0 },
	{ "kvmalloc_node", 0 },
	{ "vzalloc", 0 },
	{ "get_zeroed_page", 0 },
	{ "__get_free_pages", 0 },
	{ "__alloc_pages", 0 },
	{ "__kmalloc_noprof", 0 },
	{ "__kmalloc_node_noprof", 0 },
	{ "__kmalloc_cache_noprof", 0 },
	{ "kmem_cache_alloc_noprof", 0 },
	{ "__kvmalloc_node_noprof", 0 },
	{ "vzalloc_noprof", 0 },
	{ "get_zeroed_page_noprof", 0 },
	{ "get_free_pages_noprof", 0 },
	{ "__alloc_pages_noprof", 0 },
	{ "iommu_map", -ENOMEM },
	{ "iommu_map_atomic", -ENOMEM },
};

static struct kprobe probes[ARRAY_SIZE(targets)];
static bool planted[ARRAY_SIZE(targets)];

/*
 * The task whose call is to fail, the call's number, and what happened. Only the task itself changes
 * them while it is armed.
 */
static struct task_struct *armed;
static unsigned int countdown;
static unsigned int seen;
static const char *failed_in;

#ifdef CONFIG_X86
static noinline notrace void just_return(void)
{
	barrier();
}
#endif

static int fail(struct kprobe *p, struct pt_regs *regs)
{
	size_t i = p - probes;

	if (READ_ONCE(armed) != current || !in_task())
		return 0;
	seen++;
	if (!countdown || --countdown)
		return 0;
	failed_in = targets[i].name;
	regs_set_return_value(regs, targets[i].result);
#ifdef CONFIG_X86
	instruction_pointer_set(regs, (unsigned long)just_return);
#else
	instruction_pointer_set(regs, procedure_link_pointer(regs));
#endif
	return 1;
}
NOKPROBE_SYMBOL(fail);

static int plant(void)
{
	int n = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(targets); i++) {
		probes[i] = (struct kprobe){ .symbol_name = targets[i].name, .pre_handler = fail };
		planted[i] = !register_kprobe(&probes[i]);
		n += planted[i];
	}
	return n;
}

static void uproot(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(targets); i++)
		if (planted[i])
			unregister_kprobe(&probes[i]);
}

static void arm(unsigned int n)
{
	countdown = n;
	seen = 0;
	failed_in = NULL;
	WRITE_ONCE(armed, current);
}

static void disarm(void)
{
	WRITE_ONCE(armed, NULL);
}

/* The objects of an operation. */
struct op_state {
	struct buffer b;
	struct dmah h;
	struct dmah_vec v;
	struct scatterlist sg[3];
	struct dmah_ring *ring;
	dma_addr_t addr;
};

/* One operation: @run has to leave nothing behind where it fails; @undo ends what it made. */
struct op {
	const char *name;
	int (*run)(struct test *t, struct op_state *s);
	int (*undo)(struct test *t, struct op_state *s);
};

static int run_map(struct test *t, struct op_state *s)
{
	return dmah_map_page(t->dev, &s->h, s->b.page, s->b.off, s->b.len, DMA_FROM_DEVICE);
}

static int undo_map(struct test *t, struct op_state *s)
{
	return dmah_unmap(t->dev, &s->h);
}

static int run_vec(struct test *t, struct op_state *s)
{
	return dmah_map_sg(t->dev, &s->v, s->sg, 3, DMA_FROM_DEVICE, 0);
}

static int undo_vec(struct test *t, struct op_state *s)
{
	return dmah_unmap_vec(t->dev, &s->v);
}

static int run_coherent(struct test *t, struct op_state *s)
{
	return dmah_alloc_coherent(t->dev, &s->h, 2 * PAGE_SIZE, GFP_KERNEL) ? 0 : -ENOMEM;
}

static int undo_coherent(struct test *t, struct op_state *s)
{
	return dmah_free_coherent(t->dev, &s->h);
}

static int run_ring(struct test *t, struct op_state *s)
{
	struct dmah_ring_config config = {
		.entries = 64,
		.entry_size = 4 * PAGE_SIZE,
		.dir = DMA_FROM_DEVICE,
	};
	struct dmah_ring *ring = dmah_ring_alloc(t->dev, &config);

	if (IS_ERR(ring))
		return PTR_ERR(ring);
	s->ring = ring;
	return 0;
}

static int undo_ring(struct test *t, struct op_state *s)
{
	return dmah_ring_free(s->ring);
}

static int run_attach(struct test *t, struct op_state *s)
{
	return dmah_attach(t->stranger, (enum dmah_mode)t->mode);
}

static int undo_attach(struct test *t, struct op_state *s)
{
	return dmah_detach(t->stranger);
}

static const struct op ops[] = {
	{ "map", run_map, undo_map },
	{ "vector", run_vec, undo_vec },
	{ "coherent memory", run_coherent, undo_coherent },
	{ "ring", run_ring, undo_ring },
	{ "attach", run_attach, undo_attach },
};

#define MOST_CALLS 400

/* Return: how many failures the operation met. */
static unsigned int each_in_turn(struct test *t, const struct op *op, struct op_state *s)
{
	u64 live = test_live(t);
	unsigned int n, met = 0;

	for (n = 1; n < MOST_CALLS && !t->failed; n++) {
		const char *where;
		int err;

		arm(n);
		err = op->run(t, s);
		disarm();
		where = failed_in;
		if (!where) {
			/* there were fewer calls than n: all have had their turn */
			CHECK_EQ(t, err, 0);
			CHECK_EQ(t, op->undo(t, s), 0);
			break;
		}
		met++;
		if (err) {
			CHECK(t, !dmah_mapped(&s->h) && !s->v.nseg);
			CHECK_EQ(t, test_live(t), live);
			CHECK_EQ(t, op->run(t, s), 0);
		}
		CHECK_EQ(t, op->undo(t, s), 0);
		CHECK_EQ(t, test_live(t), live);
		if (t->failed)
			pr_info("# %s: call %u, %s, returned %d\n", op->name, n, where, err);
	}
	CHECK(t, n < MOST_CALLS);
	return met;
}

static int state_get(struct op_state *s)
{
	int i;

	memset(s, 0, sizeof(*s));
	if (buffer_get(&s->b, 300, 9000))
		return -ENOMEM;
	if (dmah_vec_alloc(&s->v, 3, GFP_KERNEL)) {
		buffer_put(&s->b);
		return -ENOMEM;
	}
	sg_init_table(s->sg, 3);
	for (i = 0; i < 3; i++)
		sg_set_page(&s->sg[i], s->b.page, 3000, 300 + i * 3000);
	return 0;
}

static void state_put(struct op_state *s)
{
	dmah_vec_free(&s->v);
	buffer_put(&s->b);
}

static void test_inject(struct test *t)
{
	struct op_state *s = kzalloc(sizeof(*s), GFP_KERNEL);
	unsigned int met = 0;
	size_t i;

	if (!CHECK(t, s) || !CHECK(t, !state_get(s)))
		goto free;
	if (CHECK(t, plant() > 3)) {
		for (i = 0; i < ARRAY_SIZE(ops) && !t->failed; i++) {
			unsigned int n = each_in_turn(t, &ops[i], s);

			pr_info("# %s: %u allocations made to fail\n", ops[i].name, n);
			met += n;
		}
		/* attach, ring and coherent memory at least must have had some */
		CHECK(t, met >= 3);
	}
	uproot();
	state_put(s);
free:
	kfree(s);
}

/* Unmap and sync allocate no memory. */
static void test_unmap_allocates(struct test *t)
{
	struct op_state *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!CHECK(t, s) || !CHECK(t, !state_get(s)))
		goto free;
	CHECK(t, plant() > 3);
	/* the probes do see this task's allocations */
	arm(0);
	kfree(kmalloc(64, GFP_KERNEL));
	disarm();
	CHECK(t, seen > 0);
	if (CHECK_EQ(t, run_map(t, s), 0)) {
		arm(0);
		CHECK_EQ(t, dmah_sync_for_cpu(t->dev, &s->h, 0, 100), 0);
		CHECK_EQ(t, dmah_sync_for_device(t->dev, &s->h, 0, 100), 0);
		CHECK_EQ(t, undo_map(t, s), 0);
		disarm();
		CHECK_EQ(t, seen, 0);
	}
	if (CHECK_EQ(t, run_vec(t, s), 0)) {
		arm(0);
		CHECK_EQ(t, undo_vec(t, s), 0);
		disarm();
		CHECK_EQ(t, seen, 0);
	}
	uproot();
	state_put(s);
free:
	kfree(s);
}

const struct test_case inject_cases[] = {
	{ "each allocation made to fail in turn: an error, and nothing left", test_inject },
	{ "unmap and sync allocate nothing", test_unmap_allocates },
	{}
};
