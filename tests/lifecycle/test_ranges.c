/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Reserved and identity ranges of devices that share a domain, on every kind of IOMMU. */
#include "rig.h"

#define BASE RIG_RAM
#define MIB2 0x200000ull

static const struct rig_config plain;
static const struct rig_config at_ram = {
	.domain = { .aperture_base = BASE, .aperture_size = 4 * MIB2, .devices = 8, .cpus = 2 },
};

static int attach_with(struct rig *r, struct dmah_device *dev, const struct dmah_reserved *range,
		       unsigned int n)
{
	struct dmah_limits limits = rig_limits(r, dev);

	limits.reserved = range;
	limits.nreserved = n;
	return dmah_attach(r->dom, dev, &limits);
}

/* Granules from BASE on that a device reaches though nothing is mapped. */
static unsigned int reached(const struct rig *r, const struct dmah_device *dev, unsigned int n)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < n; i++)
		count += sim_dma_reaches(rig_sim(r, dev), BASE + i * 4096ull, true, NULL) == SIM_OK;
	return count;
}

/* An attach that fails for memory at any point leaves no identity entry, and all IOVAs can be used. */
static void identity_without_memory(void **state)
{
	static const struct dmah_reserved range = { .base = BASE,
						    .size = 3 * MIB2,
						    .identity = true };

	(void)state;
	FOR_EACH_KIND(kind)
	{
		int err = DMAH_ENOMEM;

		for (uint64_t nth = 1; err; nth++) {
			struct dmah_device *a, *b;
			struct rig r;

			rig_open(&r, kind, &at_ram);
			a = rig_device(&r, false);
			posix_fail_alloc(POSIX_FAIL_NTH, nth);
			err = attach_with(&r, a, &range, 1);
			posix_fail_alloc(POSIX_FAIL_NEVER, 0);
			b = err ? rig_attach(&r, false) : NULL;
			if (b) {
				assert_int_equal(err, DMAH_ENOMEM);
				assert_int_equal(reached(&r, b, 4 * 512), 0);
				rig_map_all(&r, b, 4 * 512);
				assert_int_equal(dmah_detach(b), DMAH_OK);
			} else {
				assert_int_equal(reached(&r, a, 4 * 512), 3 * 512);
				assert_int_equal(dmah_detach(a), DMAH_OK);
			}
			rig_close(&r);
		}
	}
}

static struct dmah_device *neighbour;

static int refuse_bind(struct rig *r, struct dmah_device *dev, enum dmah_bind how)
{
	/* A device of the domain uses the range while it is there. */
	if (dev != neighbour && how == DMAH_BIND_TRANSLATE) {
		assert_true(rig_writes(r, neighbour, BASE));
		return DMAH_ENOTSUP;
	}
	return DMAH_OK;
}

/* A bind that fails: the identity range is gone from the TLBs too, before its IOVAs are handed out. */
static void identity_without_bind(void **state)
{
	static const struct dmah_reserved range = { .base = BASE, .size = 4096, .identity = true };

	(void)state;
	FOR_EACH_KIND(kind)
	{
		struct rig r;

		rig_open(&r, kind, &at_ram);
		neighbour = rig_attach(&r, true);
		r.on_bind = refuse_bind;
		assert_int_equal(attach_with(&r, rig_device(&r, false), &range, 1), DMAH_ENOTSUP);
		r.on_bind = NULL;
		assert_false(rig_writes(&r, neighbour, BASE));
		rig_map_all(&r, neighbour, 4 * 512);
		assert_int_equal(dmah_detach(neighbour), DMAH_OK);
		rig_close(&r);
	}
}

/* As above, and the hardware does not answer: the IOVAs stay out of use until it has. */
static int hold_bind(struct rig *r, struct dmah_device *dev, enum dmah_bind how)
{
	if (dev != neighbour && how == DMAH_BIND_TRANSLATE) {
		assert_true(rig_writes(r, neighbour, BASE));
		rig_hold(r, true);
	}
	return DMAH_OK;
}

static void identity_unconfirmed(void **state)
{
	static const struct dmah_reserved range = { .base = BASE, .size = 4096, .identity = true };

	(void)state;
	FOR_EACH_KIND(kind)
	{
		struct dmah_device *b;
		dmah_phys_t page;
		struct rig r;
		struct dmah *h;
		unsigned int n = 0;

		rig_open(&r, kind, &at_ram);
		neighbour = rig_attach(&r, false);
		b = rig_device(&r, false);
		r.on_bind = hold_bind;
		assert_int_equal(attach_with(&r, b, &range, 1), DMAH_ETIMEDOUT);
		r.on_bind = NULL;
		page = rig_page(&r, 1);
		h = calloc(4 * 512, sizeof(*h));
		for (; n < 4 * 512 && !dmah_map(neighbour, &h[n], page, 4096, DMAH_TO_DEVICE, 0);
		     n++)
			assert_true(dmah_addr(&h[n]) != BASE);
		/* A hypervisor that does not answer maps nothing at all. */
		assert_int_equal(n, kind == RIG_VIRTIO ? 0 : 4 * 512 - 1);
		rig_hold(&r, false);
		while (n)
			assert_int_equal(dmah_unmap(neighbour, &h[--n]), DMAH_OK);
		free(h);
		/* A unit that has failed is to be reset first; that is another suite's. */
		(void)dmah_flush(r.dom);
		rig_abandon(&r);
	}
}

/* One device's plain range is another's identity range: it translates as long as the latter is there, and no longer. */
static void plain_and_identity(void **state)
{
	static const struct dmah_reserved range[] = {
		{ .base = BASE, .size = 8192 },
		{ .base = BASE + 4096, .size = 8192, .identity = true },
	};

	(void)state;
	FOR_EACH_KIND(kind)
	for (unsigned int order = 0; order < 4; order++) {
		struct dmah_device *dev[2], *c;
		struct rig r;

		rig_open(&r, kind, &at_ram);
		c = rig_attach(&r, false);
		for (unsigned int i = 0; i < 2; i++)
			dev[i] = rig_device(&r, false);
		for (unsigned int i = 0; i < 2; i++) {
			unsigned int which = i ^ (order & 1);

			assert_int_equal(attach_with(&r, dev[which], &range[which], 1), 0);
		}
		assert_int_equal(reached(&r, c, 16), 2);
		for (unsigned int i = 0; i < 2; i++)
			assert_true(rig_writes(&r, c, BASE + 4096 + i * 4096));
		assert_int_equal(dmah_detach(dev[order >> 1]), DMAH_OK);
		assert_int_equal(reached(&r, c, 16), order >> 1 ? 0 : 2);
		assert_int_equal(dmah_detach(dev[!(order >> 1)]), DMAH_OK);
		assert_int_equal(reached(&r, c, 16), 0);
		rig_map_all(&r, c, 4 * 512);
		assert_int_equal(dmah_detach(c), DMAH_OK);
		rig_close(&r);
	}
}

/* Two identity ranges in two directions: both are served, and the wider one's end narrows the rest. */
static void identity_directions(void **state)
{
	static const struct dmah_reserved read = {
		.base = BASE, .size = 4096, .identity = true, .dir = DMAH_TO_DEVICE
	};
	static const struct dmah_reserved write = {
		.base = BASE, .size = 4096, .identity = true, .dir = DMAH_BIDIRECTIONAL
	};

	(void)state;
	FOR_EACH_KIND(kind)
	{
		struct dmah_device *a, *b;
		struct rig r;

		rig_open(&r, kind, &at_ram);
		a = rig_device(&r, true);
		b = rig_device(&r, false);
		assert_int_equal(attach_with(&r, a, &read, 1), DMAH_OK);
		assert_int_equal(sim_dma_reaches(rig_sim(&r, a), BASE, false, NULL), SIM_OK);
		assert_false(rig_writes(&r, a, BASE));
		if (kind == RIG_VIRTIO) {
			/* A mapping cannot be mapped again: rather no attach than one that does not do what it says. */
			assert_int_equal(attach_with(&r, b, &write, 1), DMAH_ENOTSUP);
			assert_non_null(strstr(r.text, "cannot change the permissions"));
			assert_int_equal(attach_with(&r, b, &read, 1), DMAH_OK);
		} else {
			assert_int_equal(attach_with(&r, b, &write, 1), DMAH_OK);
			assert_true(rig_writes(&r, b, BASE));
			assert_true(rig_writes(&r, a, BASE));
		}
		assert_int_equal(dmah_detach(b), DMAH_OK);
		assert_false(rig_writes(&r, a, BASE));
		assert_int_equal(sim_dma_reaches(rig_sim(&r, a), BASE, false, NULL), SIM_OK);
		assert_int_equal(dmah_detach(a), DMAH_OK);
		rig_close(&r);
	}
}

static struct dmah_device *reader;

/*
 * A device that may read tries to write in the middle of another one's attach, so that the IOTLB keeps the narrow entry
 * although the attach began with a flush.
 */
static void try_write(struct rig *r)
{
	(void)rig_writes(r, reader, BASE);
	r->on_wait = try_write;
}

/* As above, with the second device behind another IOMMU, so that its bind invalidates nothing in the first one. */
static void identity_widened_elsewhere(void **state)
{
	static const struct rig_config config = {
		.domain = { .aperture_base = BASE, .aperture_size = 4 * MIB2, .devices = 8 },
		.two_iommus = true,
	};
	static const struct dmah_reserved read = {
		.base = BASE, .size = 4096, .identity = true, .dir = DMAH_TO_DEVICE
	};
	static const struct dmah_reserved write = {
		.base = BASE, .size = 4096, .identity = true, .dir = DMAH_BIDIRECTIONAL
	};

	(void)state;
	for (enum rig_kind kind = RIG_FAKE_VTD; kind < RIG_KINDS; kind++) {
		struct dmah_iommu *second;
		struct dmah_device *b;
		struct rig r;

		rig_open(&r, kind, &config);
		second = sim_fake_iommu(sim_iommu(r.sim, 1));
		assert_int_equal(dmah_domain_add_iommu(r.dom, second), DMAH_OK);
		reader = rig_device(&r, false);
		b = rig_device_behind(&r, 1, false);
		b->iommu = second;
		assert_int_equal(attach_with(&r, reader, &read, 1), DMAH_OK);
		assert_false(rig_writes(&r, reader, BASE));
		r.on_wait = try_write;
		assert_int_equal(attach_with(&r, b, &write, 1), DMAH_OK);
		r.on_wait = NULL;
		assert_true(rig_writes(&r, b, BASE));
		assert_true(rig_writes(&r, reader, BASE));
		assert_int_equal(dmah_detach(b), DMAH_OK);
		assert_false(rig_writes(&r, reader, BASE));
		assert_int_equal(dmah_detach(reader), DMAH_OK);
		rig_close(&r);
	}
}

/* An address-keyed unmap of an identity range, on the fast path and the general one, ends nothing. */
static void identity_is_nobodys(void **state)
{
	static const struct dmah_reserved range = { .base = BASE, .size = 4096, .identity = true };

	(void)state;
	FOR_EACH_KIND(kind)
	{
		struct dmah_device *a;
		struct rig r;

		rig_open(&r, kind, &at_ram);
		a = rig_device(&r, false);
		assert_int_equal(attach_with(&r, a, &range, 1), DMAH_OK);
		assert_int_equal(dmah_addr_unmap(a, BASE, 4096, DMAH_BIDIRECTIONAL, 0),
				 DMAH_ESTALE);
		assert_true(rig_writes(&r, a, BASE));
		assert_int_equal(dmah_detach(a), DMAH_OK);
		rig_close(&r);
	}
}

/* 64 devices, each with the IOMMU's ranges and one of its own; and any number of hot-plugs beside them. */
static void ranges_without_number(void **state)
{
	static const struct rig_config config = { .domain = { .devices = 64 } };

	(void)state;
	FOR_EACH_KIND(kind)
	{
		struct dmah_device *dev[64];
		struct dmah_reserved many[40];
		struct rig r;

		rig_open(&r, kind, &config);
		for (unsigned int i = 0; i < 64; i++) {
			struct dmah_reserved own = { .base = 0x10000000 + i * 0x10000ull,
						     .size = 0x1000 };

			dev[i] = rig_device(&r, false);
			assert_int_equal(attach_with(&r, dev[i], &own, 1), DMAH_OK);
		}
		assert_int_equal(dmah_detach(dev[63]), DMAH_OK);
		for (unsigned int i = 0; i < 40; i++)
			many[i] = (struct dmah_reserved){ .base = 0x20000000 + i * 0x10000ull,
							  .size = 0x1000 };
		for (unsigned int i = 0; i < 100; i++) {
			assert_int_equal(attach_with(&r, dev[63], many, 40), DMAH_OK);
			assert_int_equal(dmah_detach(dev[63]), DMAH_OK);
		}
		for (unsigned int i = 0; i < 63; i++)
			assert_int_equal(dmah_detach(dev[i]), DMAH_OK);
		rig_close(&r);
	}
}

/* The range of one device is not handed out as long as that is attached, and is afterwards. */
static void ranges_of_one_device(void **state)
{
	static const struct dmah_reserved range = { .base = BASE + 4096, .size = MIB2 };

	(void)state;
	FOR_EACH_KIND(kind)
	{
		struct dmah_device *a, *b;
		struct dmah *h = calloc(4 * 512, sizeof(*h));
		unsigned int n = 0;
		struct rig r;

		rig_open(&r, kind, &at_ram);
		a = rig_attach(&r, false);
		b = rig_device(&r, false);
		assert_int_equal(attach_with(&r, b, &range, 1), DMAH_OK);
		for (; !dmah_map(a, &h[n], rig_page(&r, 1), 1, DMAH_TO_DEVICE, 0); n++)
			assert_false(dmah_addr(&h[n]) - range.base < range.size);
		assert_int_equal(n, 3 * 512);
		/* In use: too late for another one. */
		assert_int_equal(dmah_detach(b), DMAH_OK);
		assert_int_equal(
			attach_with(&r, b,
				    &(struct dmah_reserved){ .base = BASE, .size = 4 * MIB2 }, 1),
			DMAH_EBUSY);
		while (n)
			assert_int_equal(dmah_unmap(a, &h[--n]), DMAH_OK);
		rig_map_all(&r, a, 4 * 512);
		assert_int_equal(dmah_detach(a), DMAH_OK);
		rig_close(&r);
		free(h);
	}
}

/* Work with interrupts off is counted by the locks of the allocator: a section is short whatever the range's size. */
static void large_ranges(void **state)
{
	static const struct rig_config config = { .domain = { .aperture_size = 1ull << 40 } };

	(void)state;
	FOR_EACH_KIND(kind)
	{
		struct dmah_reserved range[] = { { .base = 1ull << 45, .size = 1ull << 44 },
						 { .base = 1ull << 30, .size = 1ull << 39 } };
		struct dmah_device *a;
		struct rig r;

		rig_open(&r, kind, &config);
		a = rig_device(&r, false);
		assert_int_equal(attach_with(&r, a, range, 2), DMAH_OK);
		assert_int_equal(dmah_detach(a), DMAH_OK);
		rig_close(&r);
	}
}

/* An identity range above what the aperture needs: the table becomes wider, also with devices and mappings there. */
static void identity_above(void **state)
{
	(void)state;
	FOR_EACH_KIND(kind)
	for (unsigned int beside = 0; beside < 2; beside++) {
		struct dmah_reserved range = { .base = 1ull << 40, .size = 4096, .identity = true };
		struct dmah_device *a = NULL, *b;
		struct dmah_pt_info before, after;
		struct dmah h = { 0 };
		struct sim_leaf leaf;
		struct rig r;

		rig_open(&r, kind, &plain);
		assert_int_equal(dmah_domain_pt(r.dom, &before), DMAH_OK);
		/* RISC-V: the lower half of what a table translates. */
		assert_int_equal(before.va_bits, kind == RIG_RISCV ? 38 : 39);
		if (beside) {
			a = rig_attach(&r, true);
			assert_int_equal(
				dmah_map(a, &h, rig_page(&r, 1), 4096, DMAH_FROM_DEVICE, 0), 0);
		}
		b = rig_device(&r, false);
		assert_int_equal(attach_with(&r, b, &range, 1), DMAH_OK);
		assert_int_equal(dmah_domain_pt(r.dom, &after), DMAH_OK);
		assert_int_equal(after.va_bits, kind == RIG_RISCV ? 47 : 48);
		assert_int_equal(sim_iommu_walk(sim_iommu(r.sim, 0), &after, range.base, &leaf,
						NULL),
				 SIM_OK);
		assert_true(leaf.phys == range.base);
		if (beside) {
			assert_true(rig_writes(&r, a, dmah_addr(&h)));
			assert_int_equal(dmah_unmap(a, &h), DMAH_OK);
			assert_int_equal(dmah_detach(a), DMAH_OK);
		}
		rig_map_all(&r, b, 100);
		assert_int_equal(dmah_detach(b), DMAH_OK);
		assert_int_not_equal(sim_iommu_walk(sim_iommu(r.sim, 0), &after, range.base, &leaf,
						    NULL),
				     SIM_OK);
		range.base = 1ull << 50;
		assert_int_equal(attach_with(&r, b, &range, 1), DMAH_ERANGE);
		assert_non_null(strstr(r.text, "identity range"));
		rig_close(&r);
	}
	FOR_EACH_KIND(kind)
	{
		struct dmah_reserved range = { .base = 1ull << 40, .size = 4096, .identity = true };
		/* The owner chose a width. */
		struct rig_config fixed = { .domain = { .va_bits = kind == RIG_RISCV ? 38 : 39 } };
		struct rig r;

		rig_open(&r, kind, &fixed);
		assert_int_equal(attach_with(&r, rig_device(&r, false), &range, 1), DMAH_ERANGE);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity_without_memory),
		cmocka_unit_test(identity_without_bind),
		cmocka_unit_test(identity_unconfirmed),
		cmocka_unit_test(plain_and_identity),
		cmocka_unit_test(identity_directions),
		cmocka_unit_test(identity_widened_elsewhere),
		cmocka_unit_test(identity_is_nobodys),
		cmocka_unit_test(ranges_without_number),
		cmocka_unit_test(ranges_of_one_device),
		cmocka_unit_test(large_ranges),
		cmocka_unit_test(identity_above),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
