/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Frames that the 82574 writes to buffers that are already unmapped, or beside a buffer: memory
 * must not change, and the IOMMU must log a fault.
 */
#include "traffic.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#define ENTRIES	 16u
#define ATTEMPTS 60u
#define AREA	 16384u
#define CANARY	 0xc9

struct stale {
	struct traffic *t;
	dmah_phys_t area;
	unsigned int next;
};

static void open_stale(struct stale *s, const struct nic_config *machine, uint64_t seed)
{
	s->t = traffic_open(machine, &(struct traffic_config){ .rx = E1000E_RX_OWN,
							       .entries = ENTRIES,
							       .seed = seed });
	s->area = nic_take(s->t->n, AREA, 4096);
	s->next = 0;
}

static void fill(struct stale *s)
{
	uint8_t bytes[AREA];

	memset(bytes, CANARY, sizeof(bytes));
	nic_write(s->t->n, s->area, bytes, sizeof(bytes));
}

/* Check that the area outside [@off, @off + @len) is unchanged. */
static void check(struct stale *s, uint32_t off, uint32_t len)
{
	uint8_t bytes[AREA];

	nic_read(s->t->n, s->area, bytes, sizeof(bytes));
	for (uint32_t i = 0; i < AREA; i++)
		if (i < off || i >= off + len)
			assert_int_equal(bytes[i], CANARY);
}

static unsigned int give(struct stale *s, dmah_addr_t dma)
{
	unsigned int i = s->next++ % ENTRIES;

	assert_int_equal(e1000e_rx_give(&s->t->nic, i, dma), 0);
	e1000e_rx_kick(&s->t->nic);
	return i;
}

/* Receive a frame into the buffer of descriptor @i: the device marks the descriptor as done. */
static void arrive(struct stale *s, unsigned int i, struct traffic_frame *frame)
{
	uint64_t begun = 0;
	uint32_t len;

	traffic_make(s->t, frame, 0);
	assert_true(nic_put(s->t->n, frame->bytes, frame->len));
	while (!e1000e_rx_done(&s->t->nic, i, &len))
		traffic_wait(&begun);
	assert_int_equal(len, frame->len);
}

static void expect_faults(struct stale *s, dmah_addr_t dma, uint32_t len)
{
	dmah_addr_t at = 0;
	bool write = false;

	assert_int_not_equal(nic_faults(s->t->n, &at, &write), 0);
	assert_true(at >= (dma & ~0xfffull) && at < dma + len);
	assert_true(write);
}

static void expect_no_faults(struct stale *s)
{
	dmah_addr_t at;
	bool write;

	assert_int_equal(nic_faults(s->t->n, &at, &write), 0);
}

static void expect_frame(struct stale *s, uint32_t off, const struct traffic_frame *frame)
{
	uint8_t bytes[E1000E_FRAME];

	nic_read(s->t->n, s->area + off, bytes, frame->len);
	assert_memory_equal(bytes, frame->bytes, frame->len);
}

/*
 * The device still owns the descriptor when the buffer is unmapped. In half of the cases the buffer
 * received a frame before, so the IOMMU has cached its translation.
 */
static void strict(const struct nic_config *machine)
{
	struct traffic_frame frame;
	struct stale s;

	open_stale(&s, machine, 1);
	for (unsigned int i = traffic_many(ATTEMPTS, NULL); i; i--) {
		uint32_t off = traffic_random(s.t, AREA - E1000E_BUFFER);
		struct dmah h = { 0 };
		unsigned int desc;
		dmah_addr_t dma;

		fill(&s);
		assert_int_equal(dmah_map(nic_device(s.t->n), &h, s.area + off, E1000E_BUFFER,
					  DMAH_FROM_DEVICE, 0),
				 0);
		dma = dmah_addr(&h);
		if (i % 2) {
			arrive(&s, give(&s, dma), &frame);
			assert_int_equal(dmah_sync_for_cpu(nic_device(s.t->n), &h, 0, frame.len),
					 0);
			expect_frame(&s, off, &frame);
			expect_no_faults(&s);
		}
		desc = give(&s, dma);
		assert_int_equal(dmah_unmap(nic_device(s.t->n), &h), 0);
		fill(&s);
		arrive(&s, desc, &frame);
		check(&s, 0, 0);
		expect_faults(&s, dma, frame.len);
	}
	traffic_close(s.t);
}

static bool is_strict(const struct nic_config *machine)
{
	return machine->iommu && (machine->mode == DMAH_STRICT || machine->untrusted);
}

/* The device can use a cached translation until the flush, and never after. */
static void lazy(const struct nic_config *machine)
{
	struct traffic_frame frame;
	struct stale s;

	open_stale(&s, machine, 2);
	for (unsigned int i = 0; i < ATTEMPTS / 2; i++) {
		/* Use whole pages, so that nothing bounces. */
		uint32_t off = 4096 * traffic_random(s.t, 2);
		struct dmah h = { 0 };
		dmah_addr_t dma;

		fill(&s);
		assert_int_equal(dmah_map(nic_device(s.t->n), &h, s.area + off, 4096,
					  DMAH_FROM_DEVICE, 0),
				 0);
		dma = dmah_addr(&h);
		arrive(&s, give(&s, dma), &frame);
		assert_int_equal(dmah_unmap(nic_device(s.t->n), &h), 0);
		expect_frame(&s, off, &frame);
		arrive(&s, give(&s, dma), &frame);
		expect_frame(&s, off, &frame);
		expect_no_faults(&s);
		assert_int_equal(dmah_flush(nic_domain(s.t->n)), 0);
		fill(&s);
		arrive(&s, give(&s, dma), &frame);
		check(&s, 0, 0);
		expect_faults(&s, dma, frame.len);
	}
	traffic_close(s.t);
}

/* Select lazy, coherent machines: the test reads memory without a sync. */
static bool is_lazy(const struct nic_config *machine)
{
	return machine->iommu && machine->mode == DMAH_LAZY && !machine->pool;
}

/* An untrusted device writes before and after its buffer, within the granules of the buffer. */
static void edges(const struct nic_config *machine)
{
	struct traffic_frame frame;
	struct stale s;

	open_stale(&s, machine, 3);
	for (unsigned int i = 0; i < ATTEMPTS; i++) {
		uint32_t off = 4096 + traffic_random(s.t, AREA - 2 * 4096 - E1000E_BUFFER);
		uint32_t low = off % 4096, behind = 4096 - (off + E1000E_BUFFER) % 4096;
		struct dmah h = { 0 };
		dmah_addr_t dma;

		fill(&s);
		assert_int_equal(dmah_map(nic_device(s.t->n), &h, s.area + off, E1000E_BUFFER,
					  DMAH_FROM_DEVICE, 0),
				 0);
		dma = dmah_addr(&h);
		/*
		 * Shift the address up or down, so that the longest frame stays within the
		 * granules.
		 */
		if (i % 2)
			dma -= traffic_random(s.t, low + 1);
		else
			dma += traffic_random(s.t, behind);
		arrive(&s, give(&s, dma), &frame);
		expect_no_faults(&s);
		assert_int_equal(dmah_unmap(nic_device(s.t->n), &h), 0);
		check(&s, off, E1000E_BUFFER);
	}
	traffic_close(s.t);
}

static bool is_untrusted(const struct nic_config *machine)
{
	return machine->iommu && machine->untrusted;
}

/* After a stop the device writes nothing, although it owned buffers. */
static void stopped(const struct nic_config *machine)
{
	struct traffic_frame frame;
	struct stale s;

	open_stale(&s, machine, 4);
	for (unsigned int i = 0; i < 6; i++) {
		struct dmah h = { 0 };

		fill(&s);
		assert_int_equal(dmah_map(nic_device(s.t->n), &h, s.area, E1000E_BUFFER,
					  DMAH_FROM_DEVICE, 0),
				 0);
		(void)give(&s, dmah_addr(&h));
		assert_int_equal(e1000e_stop(&s.t->nic), 0);
		assert_int_equal(dmah_unmap(nic_device(s.t->n), &h), 0);
		fill(&s);
		traffic_make(s.t, &frame, 0);
		if (!nic_wire_waits)
			assert_false(nic_put(s.t->n, frame.bytes, frame.len));
		assert_int_equal(e1000e_start(&s.t->nic), 0);
		assert_int_equal(e1000e_wait_link(&s.t->nic, NIC_WAIT_NS), 0);
		s.next = 0;
		check(&s, 0, 0);
		expect_no_faults(&s);
	}
	traffic_close(s.t);
}

static const struct traffic_case cases[] = {
	{ "stale receive, strict", strict, is_strict },
	{ "stale receive, lazy", lazy, is_lazy },
	{ "edges of an untrusted device's buffer", edges, is_untrusted },
	{ "receive after stop", stopped, NULL },
};

int main(void)
{
	return traffic_main("e1000e stale", cases, sizeof(cases) / sizeof(cases[0]));
}
