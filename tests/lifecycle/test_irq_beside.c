/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Interrupt remapping by several CPUs at one time: entries are allocated, set, sent through and freed beside each other; and of
 * two CPUs that allocate a device's first entries, neither goes on before the unit knows their table. The library calls the
 * host out of line, and the linker wraps dmah_host_relax(), which a wait must call.
 */
#include "rig.h"

#include <dmah/host.h>
#include <dmah/irq.h>
#include <pthread.h>

#define ID	0x100u
#define THREADS 2u
#define ROUNDS	300u
#define TIMEOUT 20000000u

void __real_dmah_host_relax(void);
void __wrap_dmah_host_relax(void);

static void (*on_relax)(void);

void __wrap_dmah_host_relax(void)
{
	void (*fn)(void) = on_relax;

	if (fn) {
		on_relax = NULL;
		fn();
	}
	__real_dmah_host_relax();
}

/** struct world - a unit that remaps interrupts, and the devices behind it. */
struct world {
	struct sim *sim;
	struct unit unit;
	struct sim_device *dev[2];
};

static struct world w;

static void open_world(const char *name)
{
	struct sim_config machine;

	memset(&w, 0, sizeof(w));
	posix_set_cpu(0);
	posix_clock_manual(1000000000);
	assert_true(sim_config_named(name, &machine));
	w.sim = sim_create(&machine);
	unit_create(&w.unit, w.sim, 0);
	(void)unit_start(&w.unit, TIMEOUT);
	assert_int_equal(dmah_irq_enable(w.unit.iommu, NULL), DMAH_OK);
	for (unsigned int i = 0; i < 2; i++) {
		w.dev[i] = sim_device_add(w.sim, &(struct sim_device_config){ .id = ID + 8 * i });
		assert_non_null(w.dev[i]);
	}
}

static void close_world(void)
{
	struct posix_alloc_stats stats;

	unit_stop(&w.unit);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages + stats.mem, 0);
	sim_destroy(w.sim);
	unit_free(&w.unit);
	posix_clock_real();
}

/* Sends message @n of a block. Returns true if it arrived as @vector. */
static bool arrives(const struct dmah_irq *irq, unsigned int dev, unsigned int n, uint8_t vector)
{
	struct sim_interrupt got;
	struct dmah_msi msi;

	assert_int_equal(dmah_irq_msi(irq, (uint16_t)(ID + 8 * dev), n, &msi), DMAH_OK);
	return sim_interrupt(w.dev[dev], msi.addr, msi.data, &got) == SIM_OK &&
	       got.vector == vector;
}

/* ---- a device's first entries ---- */

static struct dmah_irq second;
static int second_result;

static void allocate_second(void)
{
	second_result =
		dmah_irq_alloc(w.unit.iommu, &(struct dmah_irq_source){ .id = ID }, 1, &second);
}

/*
 * The unit has not looked at its queue yet. Another CPU allocates entries of the same device in the middle of the first
 * allocation's wait: that one must wait too, since a message through its entry would be blocked.
 */
static void first_entries(void **state)
{
	static const char *const names[] = { "amd", "vtd" };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct dmah_irq first;
		int err;

		open_world(names[i]);
		unit_hold(&w.unit, true);
		second_result = 1;
		on_relax = allocate_second;
		err = dmah_irq_alloc(w.unit.iommu, &(struct dmah_irq_source){ .id = ID }, 1,
				     &first);
		on_relax = NULL;
		/* VT-d's table is the unit's, which knows it: nothing is waited for. */
		assert_int_equal(err, i ? DMAH_OK : DMAH_ETIMEDOUT);
		assert_int_equal(second_result, i ? 1 : DMAH_ETIMEDOUT);
		unit_hold(&w.unit, false);
		/* The unit is back, and the next allocation makes sure. */
		assert_int_equal(dmah_irq_alloc(w.unit.iommu, &(struct dmah_irq_source){ .id = ID },
						1, &first),
				 DMAH_OK);
		assert_int_equal(dmah_irq_set(&first, 0,
					      &(struct dmah_irq_target){ .vector = 0x55 }),
				 DMAH_OK);
		assert_true(arrives(&first, 0, 0, 0x55));
		assert_int_equal(dmah_irq_free(&first), DMAH_OK);
		assert_int_equal(dmah_irq_disable(w.unit.iommu), DMAH_OK);
		close_world();
	}
}

/* ---- threads ---- */

struct worker {
	unsigned int cpu;
	pthread_t thread;
	pthread_barrier_t *start;
	unsigned int failed;
};

static void *work(void *arg)
{
	struct worker *me = arg;

	posix_set_cpu(me->cpu);
	pthread_barrier_wait(me->start);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		/* Both use both devices, the first entries of which they allocate at one time. */
		unsigned int dev = i % 2, count = 1u << (i + me->cpu) % 3;
		struct dmah_irq_source source = { .id = (uint16_t)(ID + 8 * dev) };
		struct dmah_irq irq, stale;

		if (dmah_irq_alloc(w.unit.iommu, &source, count, &irq)) {
			me->failed++;
			continue;
		}
		for (unsigned int n = 0; n < count; n++) {
			struct dmah_irq_target target = {
				.dest = me->cpu, .vector = (uint8_t)(0x40 + 0x40 * me->cpu + n)
			};

			me->failed += dmah_irq_set(&irq, n, &target) != DMAH_OK;
			me->failed += !arrives(&irq, dev, n, target.vector);
		}
		stale = irq;
		me->failed += dmah_irq_free(&irq) != DMAH_OK;
		me->failed +=
			dmah_irq_set(&stale, 0, &(struct dmah_irq_target){ .vector = 0x30 }) !=
			DMAH_ESTALE;
	}
	return NULL;
}

static void quiet(void *ctx, const struct dmah_device *dev, int err, const char *text,
		  uint64_t addr, const void *caller)
{
	(void)ctx;
	(void)dev;
	(void)err;
	(void)text;
	(void)addr;
	(void)caller;
}

static void threads(void **state)
{
	static const char *const names[] = { "amd", "vtd" };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct worker worker[THREADS];
		pthread_barrier_t start;

		open_world(names[i]);
		posix_set_report(quiet, NULL);
		assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
		for (unsigned int n = 0; n < THREADS; n++) {
			worker[n] = (struct worker){ .cpu = n + 1, .start = &start };
			assert_int_equal(pthread_create(&worker[n].thread, NULL, work, &worker[n]),
					 0);
		}
		for (unsigned int n = 0; n < THREADS; n++) {
			pthread_join(worker[n].thread, NULL);
			assert_int_equal(worker[n].failed, 0);
		}
		pthread_barrier_destroy(&start);
		posix_set_report(NULL, NULL);
		assert_int_equal(dmah_irq_disable(w.unit.iommu), DMAH_OK);
		close_world();
	}
}

/* ---- a disable that is not confirmed ---- */

static void ending(void **state)
{
	static const char *const names[] = { "amd", "vtd" };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct dmah_irq irq, other;
		struct dmah_msi msi;

		open_world(names[i]);
		posix_set_report(quiet, NULL);
		assert_int_equal(dmah_irq_alloc(w.unit.iommu, &(struct dmah_irq_source){ .id = ID },
						1, &irq),
				 DMAH_OK);
		unit_hold(&w.unit, true);
		assert_int_equal(dmah_irq_disable(w.unit.iommu), DMAH_ETIMEDOUT);
		/* Any message may pass by now: no call may say that an entry guards one. */
		assert_int_equal(dmah_irq_alloc(w.unit.iommu, &(struct dmah_irq_source){ .id = ID },
						1, &other),
				 DMAH_EPERM);
		assert_int_equal(dmah_irq_set(&irq, 0, &(struct dmah_irq_target){ .vector = 0x55 }),
				 DMAH_EPERM);
		assert_int_equal(dmah_irq_msi(&irq, ID, 0, &msi), DMAH_EPERM);
		assert_int_equal(dmah_irq_free(&irq), DMAH_EPERM);
		assert_int_equal(dmah_irq_enable(w.unit.iommu, NULL), DMAH_EBUSY);
		unit_hold(&w.unit, false);
		assert_int_equal(dmah_irq_disable(w.unit.iommu), DMAH_OK);
		assert_int_equal(dmah_irq_disable(w.unit.iommu), DMAH_EPERM);
		posix_set_report(NULL, NULL);
		close_world();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_entries),
		cmocka_unit_test(threads),
		cmocka_unit_test(ending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
