// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Devices without an IOMMU, the fault log, and putting machines together. */
#include "t.h"

static void masks(void **state)
{
	struct sim_config c = t_config("direct");
	struct sim_device *old, *shifted, *wide;
	struct sim_fault f;
	uint8_t buf[16] = { 1, 2, 3 };
	struct dmah_limits limits;

	(void)state;
	c.ram_base = 0xfff00000;
	c.ram_size = 64 << 20;
	c.host_base = 0x100000000;
	struct sim *sim = t_machine(&c);

	old = sim_device_add(
		sim, &(struct sim_device_config){ .name = "old", .id = 1, .mask = 0xffffffff });
	wide = sim_device_add(sim, &(struct sim_device_config){ .id = 2 });
	shifted = sim_device_add(sim,
				 &(struct sim_device_config){ .id = 3, .offset = -0x80000000ll });
	assert_null(sim_device_add(sim, &(struct sim_device_config){ .id = 3 }));
	assert_null(sim_device_add(sim, &(struct sim_device_config){ .id = 0x10000 }));
	sim_device_limits(old, &limits);
	assert_int_equal(limits.mask, 0xffffffff);
	assert_int_equal(limits.flags, DMAH_DEV_COHERENT);
	assert_int_equal(sim_dma_write(old, 0xfffffff0, buf, 16), SIM_OK);
	/* a transfer runs over the mask: what fits has happened, and nothing wraps round */
	assert_int_equal(sim_dma_write(old, 0xfffffff8, buf, 16), SIM_FAULT_MASK);
	assert_int_equal(sim_faults(sim, &f, 1), 1);
	assert_int_equal(f.dma, 0x100000000);
	assert_int_equal(f.reason, SIM_FAULT_MASK);
	assert_string_equal(f.device, "old");
	assert_int_equal(sim_dma_read(wide, 0xfffffff8, buf, 16), SIM_OK);
	assert_int_equal(buf[0], 1);
	assert_int_equal(buf[8], 0);
	assert_int_equal(sim_dma_read(shifted, 0x7ffffff8, buf, 8), SIM_OK);
	assert_int_equal(buf[1], 2);
	assert_int_equal(sim_dma_read(wide, 0xffefffff, buf, 2), SIM_FAULT_BUS);
	assert_int_equal(sim_dma_read(wide, 0xffffffffffffffffull, buf, 2), SIM_FAULT_BUS);
	sim_destroy(sim);
}

static void partial(void **state)
{
	struct sim_config c = t_config("direct");
	static uint8_t big[10000], back[10000];
	struct sim *sim;
	struct sim_device *dev;
	uint64_t end;

	(void)state;
	c.ram_size = 64 << 20;
	/* Behind RAM there is only what the machine keeps for itself; behind that nothing. */
	sim = t_machine(&c);
	dev = sim_device_add(sim, &(struct sim_device_config){ .id = 1 });
	end = sim->ram.base + sim->ram.size;
	memset(big, 0x42, sizeof(big));
	assert_int_equal(sim_dma_write(dev, end - 5000, big, sizeof(big)), SIM_FAULT_BUS);
	assert_int_equal(sim_dma_read(dev, end - 5000, back, 5000), SIM_OK);
	assert_memory_equal(big, back, 5000);
	/* odd addresses and lengths, across pages */
	for (unsigned int i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7);
	for (uint64_t off = 0; off < 20; off++) {
		uint64_t at = sim_ram_take(sim, 16384, 4096) + 4090 + off;

		assert_int_equal(sim_dma_write(dev, at, big, 8000 + off), SIM_OK);
		sim_cpu_read(sim, at, back, 8000 + off);
		assert_memory_equal(big, back, 8000 + off);
		assert_int_equal(sim_dma_read(dev, at + 3, back, 7000), SIM_OK);
		assert_memory_equal(big + 3, back, 7000);
	}
	sim_destroy(sim);
}

static void fault_log(void **state)
{
	struct sim_config c = t_config("direct");
	struct sim_fault f[SIM_FAULTS + 1];
	struct sim_device *dev;
	struct sim *sim = t_machine(&c);
	uint8_t byte;

	(void)state;
	dev = sim_device_add(sim, &(struct sim_device_config){ .id = 1 });
	assert_int_equal(sim_faults(sim, f, SIM_FAULTS + 1), 0);
	for (unsigned int i = 0; i < SIM_FAULTS; i++)
		sim_dma_read(dev, i, &byte, 1);
	assert_false(sim_fault_overflow(sim));
	sim_dma_write(dev, 12345, &byte, 1);
	assert_true(sim_fault_overflow(sim));
	assert_int_equal(sim_fault_count(sim), SIM_FAULTS + 1);
	assert_int_equal(sim_faults(sim, f, SIM_FAULTS + 1), SIM_FAULTS);
	for (unsigned int i = 0; i < SIM_FAULTS; i++) {
		assert_int_equal(f[i].dma, i); /* the first ones are kept */
		assert_false(f[i].write);
		assert_int_equal(f[i].reason, SIM_FAULT_BUS);
	}
	sim_faults_clear(sim);
	assert_int_equal(sim_fault_count(sim), 0);
	assert_false(sim_fault_overflow(sim));
	assert_int_equal(sim_dma_reaches(dev, 5, true, NULL), SIM_FAULT_BUS);
	assert_int_equal(sim_fault_count(sim), 0); /* a question is no fault */
	sim_destroy(sim);
	for (int r = SIM_OK; r <= SIM_FAULT_ATS; r++)
		assert_string_not_equal(sim_reason_text((enum sim_reason)r), "unknown");
}

static void named_machines(void **state)
{
	struct sim_config c;
	const char *name;
	unsigned int n = 0;

	(void)state;
	assert_false(sim_config_named("toaster", &c));
	while ((name = sim_config_name(n++))) {
		uint8_t in[300], out[300];
		struct sim_device *dev;
		struct sim *sim;
		uint64_t at;

		c = t_config(name);
		sim = t_machine(&c);
		dev = sim_device_add(sim, &(struct sim_device_config){ .id = 1, .bare = true });
		assert_int_equal(sim_iommu(sim, 0) != NULL, c.backend == DMAH_BACKEND_IOMMU);
		assert_int_equal(sim_xen(sim) != NULL, c.backend == DMAH_BACKEND_XEN);
		at = sim_ram_take(sim, 4096, 4096) + 100;
		for (unsigned int i = 0; i < 300; i++)
			in[i] = (uint8_t)(i ^ n);
		sim_cpu_write(sim, at, in, 300);
		sim_cpu_maintain(sim, DMAH_CACHE_CLEAN, at, 300);
		assert_int_equal(sim_dma_read(dev, at, out, 300), SIM_OK);
		assert_memory_equal(in, out, 300);
		for (unsigned int i = 0; i < 300; i++)
			in[i] = (uint8_t)~in[i];
		assert_int_equal(sim_dma_write(dev, at, in, 300), SIM_OK);
		sim_cpu_maintain(sim, DMAH_CACHE_INVALIDATE, at, 300);
		sim_cpu_read(sim, at, out, 300);
		assert_memory_equal(in, out, 300);
		sim_destroy(sim);
	}
	assert_int_equal(n, 17);
}

static void bad_machines(void **state)
{
	struct sim_config c = t_config("direct");

	(void)state;
	c.ram_size = 4095;
	assert_null(sim_create(&c));
	c = t_config("direct");
	c.line = 48;
	assert_null(sim_create(&c));
	c = t_config("direct");
	c.host_base = 0x1000;
	assert_null(sim_create(&c));
	c = t_config("direct");
	c.ram_base = 0xfffffffffffff000;
	assert_null(sim_create(&c));
	c = t_config("vtd");
	c.iommu[0].tags = 65535;
	assert_null(sim_create(&c));
	sim_destroy(NULL);
}

static void sparse(void **state)
{
	struct sim_config c = t_config("direct-noncoherent");
	uint64_t byte = 0x1122334455667788, got;
	struct sim *sim;

	(void)state;
	c.ram_base = 4096;
	c.ram_size = 8ull << 30;
	if (sizeof(void *) < 8) { /* more than can be addressed is refused */
		assert_null(sim_create(&c));
		return;
	}
	sim = t_machine(&c);
	for (uint64_t at = 512ull << 20; at < 8ull << 30; at += 1ull << 30) {
		sim_cpu_write(sim, at, &byte, 8);
		sim_cpu_read(sim, at, &got, 8);
		assert_true(got == byte);
	}
	sim_destroy(sim);
}

static void taking(void **state)
{
	struct sim_config c = t_config("direct");
	uint64_t last = 0, at;
	struct sim *sim;
	unsigned int n = 0;

	(void)state;
	c.ram_base = 0x1000000;
	c.ram_size = 16 << 20;
	c.host_base = 0x1500000;
	c.host_size = 4 << 20;
	sim = t_machine(&c);
	while ((at = sim_ram_take(sim, 1000 * 1024, 65536)) != ~0ull) {
		assert_int_equal(at % 65536, 0);
		assert_true(at >= last);
		assert_true(at + 1000 * 1024 <= 0x1500000 || at >= 0x1900000);
		assert_true(at + 1000 * 1024 <= 0x2000000);
		last = at + 1000 * 1024;
		n++;
	}
	assert_int_equal(n, 12);
	sim_destroy(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masks),	cmocka_unit_test(partial),
		cmocka_unit_test(fault_log),	cmocka_unit_test(named_machines),
		cmocka_unit_test(bad_machines), cmocka_unit_test(sparse),
		cmocka_unit_test(taking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
