// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Verification must find faults: each test breaks one thing while a plan is verified. */
#define _GNU_SOURCE
#include "machines.h"
#include "verify.h"

static const char text[] = MAP("1.0", "TO_DEVICE", "1040", "9040", "1000") MAP(
	"1.1", "FROM_DEVICE", "2000", "a000",
	"8192") MAP("1.2", "BIDIRECTIONAL", "5800", "20800",
		    "300") SYNC("1.3", "cpu", "BIDIRECTIONAL", "5800",
				"64") SYNC("1.4", "device", "BIDIRECTIONAL", "5800",
					   "64") SYNC("1.5", "cpu", "FROM_DEVICE", "2040", "128")
	LINE("1.6", "dma_map_sg",
	     "dir=TO_DEVICE nents=2/2 ents=2/2 dma_addrs={0x10000,0x11000} sizes={0x1000,0x200} "
	     "phys_addrs={0x30000,0x40000} attrs=") UNMAP("1.7", "FROM_DEVICE", "2000", "8192")
		UNMAP("1.8", "TO_DEVICE", "1040", "1000")
			LINE("1.9", "dma_unmap_sg",
			     "dir=TO_DEVICE phys_addrs={0x30000,0x40000} attrs=")
				UNMAP("2.0", "BIDIRECTIONAL", "5800", "300")
					MAP("2.1", "TO_DEVICE", "1040", "9040", "1000")
						SYNC("2.2", "cpu", "TO_DEVICE", "1040", "64");

/* Calls of the plan, by number, see "text". */
enum {
	BEFORE_SYNC_CPU = 5, /* of the FROM_DEVICE mapping */
	BEFORE_UNMAP = 7, /* of the same */
	LAST = 12, /* only a mapping to the device is live */
};

struct fixture {
	struct trace *trace;
	struct plan *plan;
	struct machine *m;
	struct verifier *v;
	struct verdict d;
	const struct dmah_iommu_ops *ops;
	struct dmah_iommu_ops broken;
	uint32_t at;
	void (*what)(struct fixture *f);
};

static void meddle(void *ctx, uint32_t op)
{
	struct fixture *f = ctx;

	if (op == f->at)
		f->what(f);
}

/* Verifies the plan. Return: wrong + stale; f->d has each by itself. */
static uint64_t run(struct fixture *f, const char *machine, struct way way, enum dmah_mode mode,
		    uint32_t at, void (*what)(struct fixture *f))
{
	int keep = hush();
	bool empty;

	*f = (struct fixture){ .at = at, .what = what };
	f->trace = load_text(text);
	f->plan = plan_make(f->trace);
	assert_non_null(f->plan);
	assert_int_equal(f->plan->nops, LAST + 1);
	f->m = machine_create(kind_named(machine), f->plan, true, 0);
	assert_non_null(f->m);
	f->v = verifier_create(f->m);
	assert_non_null(f->v);
	if (what)
		verifier_meddle(f->v, meddle, f);
	empty = verifier_run(f->v, way, mode, &f->d);
	verifier_free(f->v);
	assert_true(machine_destroy(f->m) || !empty || f->d.wrong);
	plan_free(f->plan);
	trace_close(f->trace);
	unhush(keep);
	return f->d.wrong + f->d.stale;
}

static const struct way handle = { API_HANDLE, LOOKUP_NONE };
static const struct way address = { API_ADDRESS, LOOKUP_DIRECTORY };

static void nothing_is_broken(void **state)
{
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; machine_kind(i); i++) {
		const struct machine_kind *k = machine_kind(i);

		for (unsigned int w = 0; w < k->nways; w++) {
			assert_int_equal(run(&f, k->name, k->ways[w], DMAH_STRICT, 0, NULL), 0);
			assert_true(f.d.checked > 20);
			if (k->va_bits)
				assert_int_equal(run(&f, k->name, k->ways[w], DMAH_LAZY, 0, NULL),
						 0);
		}
	}
}

/* ---- invalidations that do nothing ---- */

static int no_invalidation(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova, uint64_t size,
			   bool tables, uint64_t *ticket)
{
	if (ticket)
		(void)iommu->ops->fence(iommu, ticket);
	(void)tag;
	(void)iova;
	(void)size;
	(void)tables;
	return 1;
}

static void skip_invalidations(struct fixture *f)
{
	struct dmah_iommu *iommu = sim_fake_iommu(sim_iommu(f->m->sim, 0));

	f->broken = *iommu->ops;
	f->broken.invalidate = no_invalidation;
	iommu->ops = &f->broken;
}

static void missing_invalidation(void **state)
{
	struct fixture f;

	(void)state;
	run(&f, "vtd", handle, DMAH_STRICT, 0, skip_invalidations);
	assert_true(f.d.stale >= 6);
	run(&f, "smmu", address, DMAH_STRICT, 0, skip_invalidations);
	assert_true(f.d.stale >= 6);
}

static void missing_flush(void **state)
{
	struct fixture f;

	(void)state;
	run(&f, "vtd", handle, DMAH_LAZY, 0, skip_invalidations);
	assert_true(f.d.stale >= 1);
}

/* ---- a lookup that lies ---- */

static dmah_phys_t lie(void *ctx, struct dmah_domain *dom, dmah_addr_t dma, uint64_t *steps)
{
	(void)ctx;
	(void)dom;
	++*steps;
	return 0x40000000 | (dma & 4095);
}

static void lying_lookup(struct fixture *f)
{
	struct dmah_lookup lookup = { .find = lie };

	assert_int_equal(dmah_addr_set_lookup(f->m->rig[0].dom, &lookup), DMAH_OK);
}

static void wrong_page(void **state)
{
	struct fixture f;

	(void)state;
	assert_true(run(&f, "smmu", address, DMAH_STRICT, 0, lying_lookup) >= 4);
	assert_int_equal(f.d.ntext, PROBLEMS);
}

/* ---- a library that takes the device for coherent ---- */

static void pretend_coherent(struct fixture *f)
{
	f->m->rig[0].dev->limits.flags |= DMAH_DEV_COHERENT;
}

static void missing_maintenance(void **state)
{
	static const char *const machines[] = { "direct", "smmu", "armmap", "xen" };
	struct fixture f;

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		assert_true(run(&f, machines[i], handle, DMAH_STRICT, 0, pretend_coherent) >= 4);
}

/* ---- bytes ---- */

static void overwrite(struct fixture *f, uint32_t item, int64_t off, bool flush)
{
	dmah_phys_t phys = f->m->target[item].phys + (uint64_t)off;
	uint8_t byte;

	sim_cpu_read(f->m->sim, phys, &byte, 1);
	byte ^= 1;
	sim_cpu_write(f->m->sim, phys, &byte, 1);
	if (flush)
		sim_cpu_maintain(f->m->sim, DMAH_CACHE_FLUSH, phys, 1);
}

static void hit_buffer(struct fixture *f)
{
	overwrite(f, 1, 70, true);
}

static void hit_end(struct fixture *f)
{
	overwrite(f, 1, 8191, true);
}

static void hit_beside(struct fixture *f)
{
	overwrite(f, 0, -1, true);
}

static void hit_behind(struct fixture *f)
{
	overwrite(f, 2, 300, true);
}

static void one_byte(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(run(&f, "vtd", handle, DMAH_STRICT, BEFORE_SYNC_CPU, hit_buffer), 2);
	assert_int_equal(run(&f, "direct", handle, DMAH_STRICT, BEFORE_UNMAP, hit_end), 1);
	/* This call is mapped, and so unmapped, twice. */
	assert_int_equal(run(&f, "vtd", address, DMAH_STRICT, BEFORE_UNMAP, hit_beside), 2);
	assert_int_equal(run(&f, "vtd", address, DMAH_LAZY, BEFORE_UNMAP, hit_behind), 1);
}

/* ---- page tables ---- */

/* Finds the entry of the last mapping, or any other present entry, without the library. */
static uint64_t *any_entry(struct fixture *f, bool present)
{
	struct dmah_pt_info pt;
	uint64_t *table;

	assert_int_equal(dmah_domain_pt(f->m->rig[0].dom, &pt), DMAH_OK);
	table = dmah_host_table_virt(pt.root);
	for (unsigned int level = pt.levels; level > 1; level--) {
		unsigned int i = 0;

		while (!(table[i] & 3))
			i++;
		table = dmah_host_table_virt(table[i] & 0x000ffffffffff000ull);
	}
	for (unsigned int i = 0; i < 512; i++)
		if (!(table[i] & 3) != present)
			return &table[i];
	fail();
	return NULL;
}

static void add_entry(struct fixture *f)
{
	*any_entry(f, false) = 0x40000000 | 3;
}

static void redirect_entry(struct fixture *f)
{
	*any_entry(f, true) ^= 0x1000000;
}

static void allow_more(struct fixture *f)
{
	*any_entry(f, true) |= 3;
}

static void remove_entry(struct fixture *f)
{
	*any_entry(f, true) = 0;
}

static void entries(void **state)
{
	struct fixture f;

	(void)state;
	assert_true(run(&f, "vtd", handle, DMAH_STRICT, LAST, add_entry) >= 1);
	assert_true(run(&f, "vtd", handle, DMAH_STRICT, LAST, redirect_entry) >= 1);
	assert_true(run(&f, "vtd", handle, DMAH_STRICT, LAST, remove_entry) >= 1);
	assert_true(run(&f, "vtd", handle, DMAH_LAZY, LAST, allow_more) >= 1);
	assert_true(strstr(f.d.text[0], "permission"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_broken),
		cmocka_unit_test(missing_invalidation),
		cmocka_unit_test(missing_flush),
		cmocka_unit_test(wrong_page),
		cmocka_unit_test(missing_maintenance),
		cmocka_unit_test(one_byte),
		cmocka_unit_test(entries),
	};

	return cmocka_run_group_tests_name("replay-verify", tests, NULL, NULL);
}
