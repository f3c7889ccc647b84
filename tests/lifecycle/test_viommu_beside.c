/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A flush of another CPU in the middle of an unmap, behind a virtio-iommu: the first entry of a mapping is ended, the others are
 * still there. The device refuses to end a part of a mapping. The linker wraps dmah_entries_clear(), and dmah_host_relax(),
 * which a wait must call.
 */
#include "rig.h"

#include <dmah/host.h>

#define PAGES 8u

struct dmah_domain;
void __real_dmah_host_relax(void);
void __wrap_dmah_host_relax(void);
void __real_dmah_entries_clear(struct dmah_domain *dom, uint32_t first, uint32_t n, uint64_t time);
void __wrap_dmah_entries_clear(struct dmah_domain *dom, uint32_t first, uint32_t n, uint64_t time);

/** struct world - a flush in the middle of an unmap, and its result. */
static struct world {
	struct dmah_domain *dom;
	unsigned int flushes;
	int result;
	/* The rest of the unmap, which goes on while the flush waits. */
	bool halfway;
	uint32_t first;
	uint32_t n;
	uint64_t time;
	bool goes_on;
} w;

void __wrap_dmah_host_relax(void)
{
	if (w.halfway && w.goes_on) {
		w.halfway = false;
		__real_dmah_entries_clear(w.dom, w.first, w.n, w.time);
	}
	__real_dmah_host_relax();
}

void __wrap_dmah_entries_clear(struct dmah_domain *dom, uint32_t first, uint32_t n, uint64_t time)
{
	if (w.dom == dom && n) {
		w.halfway = true;
		w.first = first;
		w.n = n;
		w.time = time;
		posix_set_cpu(1);
		w.result = dmah_flush(dom);
		w.flushes++;
		posix_set_cpu(0);
		if (!w.halfway)
			return;
	}
	w.halfway = false;
	__real_dmah_entries_clear(dom, first, n, time);
}

/* @goes_on: the unmap ends while the flush waits; else the flush runs in an interrupt on the same CPU, and cannot wait for it. */
static void flush_inside(bool goes_on)
{
	static const struct rig_config config = { .domain = { .mode = DMAH_LAZY, .cpus = 2 } };
	struct dmah h[2] = { { 0 } };
	struct dmah_device *dev;
	dmah_phys_t page;
	struct rig r;

	rig_open(&r, RIG_VIRTIO, &config);
	dev = rig_attach(&r, false);
	page = rig_page(&r, 2 * PAGES);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(dmah_map(dev, &h[i], page + i * PAGES * 4096, PAGES * 4096,
					  DMAH_FROM_DEVICE, 0),
				 DMAH_OK);
	/* One that the flush ends, then one that is halfway. */
	assert_int_equal(dmah_unmap(dev, &h[0]), DMAH_OK);
	memset(&w, 0, sizeof(w));
	w.dom = r.dom;
	w.goes_on = goes_on;
	assert_int_equal(dmah_unmap(dev, &h[1]), DMAH_OK);
	w.dom = NULL;
	assert_int_equal(w.flushes, 1);
	assert_int_equal(w.result, goes_on ? DMAH_OK : DMAH_ETIMEDOUT);
	if (goes_on)
		assert_int_equal(sim_reaches_memory(rig_sim(&r, dev), page, PAGES * 4096), 0);
	/* The unit is in service, whatever it refused. */
	assert_int_equal(dmah_flush(r.dom), DMAH_OK);
	assert_int_equal(sim_reaches_memory(rig_sim(&r, dev), page, 2 * PAGES * 4096), 0);
	assert_int_equal(dmah_detach(dev), DMAH_OK);
	rig_close(&r);
}

static void beside(void **state)
{
	(void)state;
	flush_inside(true);
}

static void interrupt(void **state)
{
	(void)state;
	flush_inside(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(beside),
		cmocka_unit_test(interrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
