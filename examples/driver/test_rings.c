/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Both forms of the driver on one bouncing device at one time: the same packets come through both.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <dmah/device.h>

#include "posix.h"
#include "ring_by_address.h"
#include "ring_by_handle.h"
#include "sim.h"

#define POOL_BYTES (1u << 20)

static unsigned char last[RING_BUFFER];
static unsigned int packets;

void ring_packet(const void *bytes, uint32_t length)
{
	memcpy(last, bytes, length);
	packets++;
}

static void arrive(struct sim_device *dev, struct ring_descriptor *descriptor, unsigned char byte)
{
	unsigned char bytes[60];

	memset(bytes, byte, sizeof(bytes));
	assert_int_equal(sim_dma_write(dev, descriptor->address, bytes, sizeof(bytes)), SIM_OK);
	descriptor->length = sizeof(bytes);
}

static void both_forms_at_once(void **state)
{
	static struct ring_descriptor descriptor[2][RING_SLOTS];
	static struct ring_by_address before = { .descriptor = descriptor[0] };
	static struct ring_by_handle after = { .descriptor = descriptor[1] };
	struct dmah_domain_config config = { .backend = DMAH_BACKEND_BOUNCE };
	struct sim_config machine;
	struct dmah_limits limits;
	struct dmah_domain *dom;
	struct sim_device *nic;
	struct dmah_device *dev;
	struct dmah_stats by_handle, by_both;
	void *pool_memory, *memory;
	unsigned char *buffers;
	dmah_phys_t phys;
	struct sim *sim;
	size_t need;

	(void)state;
	assert_true(sim_config_named("bounce", &machine));
	sim = sim_create(&machine);
	assert_non_null(sim);
	nic = sim_device_add(sim, &(struct sim_device_config){ .name = "nic", .id = 8 });
	dev = sim_device_dmah(nic);
	sim_device_limits(nic, &limits);
	need = dmah_pool_memory(POOL_BYTES);
	pool_memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	assert_int_equal(dmah_pool_init(&config.pool, sim_ram_take(sim, POOL_BYTES, 4096),
					POOL_BYTES, pool_memory, need),
			 0);
	need = dmah_domain_memory(&config);
	memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	assert_int_equal(dmah_domain_init(&dom, &config, memory, need), 0);
	assert_int_equal(dmah_attach(dom, dev, &limits), 0);
	buffers = dmah_host_mem_alloc(2 * RING_SLOTS * RING_BUFFER, ~0ull, 0, &phys);
	assert_non_null(buffers);
	for (unsigned int i = 0; i < RING_SLOTS; i++) {
		before.slot[i].buffer = buffers + i * RING_BUFFER;
		after.slot[i].buffer = buffers + (RING_SLOTS + i) * RING_BUFFER;
	}
	assert_int_equal(ring_fill_by_handle(dev, &after), 0);
	assert_int_equal(ring_fill_by_address(dev, &before), 0);
	for (unsigned int i = 0; i < 40; i++) {
		arrive(nic, &descriptor[1][i % RING_SLOTS], (unsigned char)(i + 1));
		ring_poll_by_handle(dev, &after);
		assert_int_equal(last[0], i + 1);
		assert_int_equal(last[59], i + 1);
	}
	dmah_device_stats(dev, &by_handle);
	for (unsigned int i = 0; i < 40; i++) {
		arrive(nic, &descriptor[0][i % RING_SLOTS], (unsigned char)(i + 101));
		ring_poll_by_address(dev, &before);
		assert_int_equal(last[59], i + 101);
	}
	ring_empty_by_handle(dev, &after);
	ring_empty_by_address(dev, &before);
	ring_empty_by_handle(dev, &after);
	ring_empty_by_address(dev, &before);
	assert_int_equal(packets, 80);
	dmah_device_stats(dev, &by_both);
	assert_int_equal(by_handle.reverse_lookups, 0);
	/* Two syncs a packet and one unmap a slot. */
	assert_int_equal(by_both.reverse_lookups, 40 * 2 + RING_SLOTS);
	assert_int_equal(dmah_detach(dev), 0);
	assert_int_equal(dmah_pool_used(config.pool), 0);
	assert_int_equal(dmah_domain_fini(dom), 0);
	dmah_host_mem_free(phys, 2 * RING_SLOTS * RING_BUFFER);
	sim_destroy(sim);
	free(memory);
	free(pool_memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_forms_at_once),
	};

	return cmocka_run_group_tests_name("examples", tests, NULL, NULL);
}
