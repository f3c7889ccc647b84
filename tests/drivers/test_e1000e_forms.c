/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The receive path of examples/e1000e in both forms: each alone, and both at the same time on one
 * device, each with every second descriptor.
 */
#include "rx_by_address.h"
#include "rx_by_handle.h"
#include "traffic.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES 400u
#define LANES  2u

/* The frames that one form must receive, and its spare buffers. */
struct lane {
	struct traffic *t;
	struct traffic_queue due;
	dmah_phys_t spare[TRAFFIC_SPARE];
	unsigned int copied;
	unsigned int taken;
	uint64_t lookups;
};

struct forms {
	struct traffic *t;
	struct lane lane[LANES];
	struct rx_by_address by_address;
	struct rx_by_handle by_handle;
	unsigned int put;
	unsigned int lanes;
};

/* ---- frames ---- */

static void compare(struct lane *lane, dmah_phys_t buffer, uint32_t len)
{
	struct traffic_frame *frame = &lane->due.frame[lane->due.first];
	uint8_t bytes[E1000E_BUFFER];

	assert_int_not_equal(lane->due.n, 0);
	assert_int_equal(len, frame->len);
	nic_read(lane->t->n, buffer, bytes, len);
	assert_memory_equal(bytes, frame->bytes, len);
	lane->due.first = (lane->due.first + 1) % TRAFFIC_FRAMES;
	lane->due.n--;
}

static void copy(void *ctx, dmah_phys_t buffer, uint32_t len)
{
	struct lane *lane = ctx;

	assert_true(len <= RX_COPY);
	compare(lane, buffer, len);
	lane->copied++;
}

static dmah_phys_t take(void *ctx, dmah_phys_t buffer, uint32_t len)
{
	struct lane *lane = ctx;
	unsigned int i = traffic_random(lane->t, TRAFFIC_SPARE);
	dmah_phys_t other = lane->spare[i];

	assert_true(len > RX_COPY);
	compare(lane, buffer, len);
	lane->taken++;
	lane->spare[i] = buffer;
	return other;
}

/* The device uses descriptors in turn, so with two lanes each lane gets every second frame. */
static bool put(struct forms *f)
{
	struct lane *lane = &f->lane[f->put % f->lanes];
	struct traffic_queue *q = &lane->due;
	struct traffic_frame *frame = &q->frame[(q->first + q->n) % TRAFFIC_FRAMES];

	assert_true(q->n < TRAFFIC_FRAMES);
	traffic_make(f->t, frame, traffic_random(f->t, 2) ? 60 + traffic_random(f->t, 250) : 0);
	if (!nic_put(f->t->n, frame->bytes, frame->len))
		return false;
	q->n++;
	f->put++;
	return true;
}

/* ---- the two forms as lanes ---- */

enum form {
	ADDRESS = 1,
	HANDLE = 2,
};

static uint64_t lookups(struct forms *f)
{
	struct dmah_stats stats;

	dmah_device_stats(nic_device(f->t->n), &stats);
	return stats.reverse_lookups;
}

static void poll(struct forms *f, enum form which, unsigned int n)
{
	struct lane *lane = &f->lane[n];
	struct rx_sink sink = { copy, take, lane };
	uint64_t before = lookups(f);

	assert_int_equal(which == ADDRESS ? rx_poll_by_address(&f->by_address, &sink)
					  : rx_poll_by_handle(&f->by_handle, &sink),
			 0);
	lane->lookups += lookups(f) - before;
}

static void fill(struct forms *f, enum form which)
{
	assert_int_equal(which == ADDRESS ? rx_fill_by_address(&f->by_address)
					  : rx_fill_by_handle(&f->by_handle),
			 0);
}

static void empty(struct forms *f, enum form which)
{
	assert_int_equal(which == ADDRESS ? rx_empty_by_address(&f->by_address)
					  : rx_empty_by_handle(&f->by_handle),
			 0);
}

static void init(struct forms *f, enum form which, unsigned int first)
{
	for (unsigned int i = first; i < RX_SLOTS; i += f->lanes) {
		dmah_phys_t buffer = f->t->driver.buffers + (uint64_t)i * f->t->driver.stride;

		if (which == ADDRESS)
			f->by_address.slot[i].buffer = buffer;
		else
			f->by_handle.slot[i].buffer = buffer;
	}
	if (which == ADDRESS) {
		f->by_address.nic = &f->t->nic;
		f->by_address.first = first;
		f->by_address.step = f->lanes;
		rx_init_by_address(&f->by_address);
	} else {
		f->by_handle.nic = &f->t->nic;
		f->by_handle.first = first;
		f->by_handle.step = f->lanes;
		rx_init_by_handle(&f->by_handle);
	}
}

static struct forms *open_forms(const struct nic_config *machine, unsigned int forms, uint64_t seed)
{
	struct forms *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->t = traffic_open(machine, &(struct traffic_config){ .rx = E1000E_RX_OWN,
							       .entries = RX_SLOTS,
							       .seed = seed });
	f->lanes = forms == (ADDRESS | HANDLE) ? 2 : 1;
	for (unsigned int i = 0; i < f->lanes; i++) {
		struct lane *lane = &f->lane[i];
		dmah_phys_t spare = nic_take(f->t->n, TRAFFIC_SPARE * 2048, 4096);

		lane->t = f->t;
		lane->due.frame = calloc(TRAFFIC_FRAMES, sizeof(*lane->due.frame));
		assert_non_null(lane->due.frame);
		for (unsigned int k = 0; k < TRAFFIC_SPARE; k++)
			lane->spare[k] = spare + 2048 * k + 18;
	}
	return f;
}

static void close_forms(struct forms *f)
{
	for (unsigned int i = 0; i < f->lanes; i++) {
		assert_int_equal(f->lane[i].due.n, 0);
		free(f->lane[i].due.frame);
	}
	traffic_close(f->t);
	free(f);
}

/* ---- the tests ---- */

static bool all_received(const struct forms *f)
{
	for (unsigned int i = 0; i < f->lanes; i++)
		if (f->lane[i].due.n)
			return false;
	return true;
}

static void run(struct forms *f, const enum form *form)
{
	unsigned int frames = traffic_many(FRAMES, NULL);
	uint64_t begun = 0;

	for (unsigned int i = 0; i < f->lanes; i++)
		fill(f, form[i]);
	f->put = 0;
	while (f->put < frames) {
		unsigned int burst = 1 + traffic_random(f->t, 8), n;

		while (burst-- && put(f))
			;
		n = traffic_random(f->t, f->lanes);
		poll(f, form[n], n);
	}
	while (!all_received(f)) {
		for (unsigned int i = 0; i < f->lanes; i++)
			poll(f, form[i], i);
		traffic_wait(&begun);
	}
	assert_int_equal(e1000e_stop(&f->t->nic), 0);
	for (unsigned int i = 0; i < f->lanes; i++)
		empty(f, form[i]);
	assert_int_equal(dmah_device_live(nic_device(f->t->n)), 2);
}

static void check(struct forms *f, const struct nic_config *machine, const enum form *form)
{
	for (unsigned int i = 0; i < f->lanes; i++) {
		struct lane *lane = &f->lane[i];

		assert_true(lane->copied > 50);
		assert_true(lane->taken > 50);
		if (form[i] == HANDLE)
			assert_int_equal(lane->lookups, 0);
		else if (machine->iommu)
			assert_true(lane->lookups >= lane->taken);
	}
}

/* Run twice, with a stop between: rx_fill fills the emptied slots again. */
static void forms(const struct nic_config *machine, const enum form *form, unsigned int n,
		  uint64_t seed)
{
	struct forms *f = open_forms(machine, n == 2 ? ADDRESS | HANDLE : form[0], seed);

	for (unsigned int i = 0; i < n; i++)
		init(f, form[i], i);
	run(f, form);
	assert_int_equal(e1000e_start(&f->t->nic), 0);
	assert_int_equal(e1000e_wait_link(&f->t->nic, NIC_WAIT_NS), 0);
	run(f, form);
	check(f, machine, form);
	close_forms(f);
}

static void by_address(const struct nic_config *machine)
{
	const enum form form[] = { ADDRESS };

	forms(machine, form, 1, 1);
}

static void by_handle(const struct nic_config *machine)
{
	const enum form form[] = { HANDLE };

	forms(machine, form, 1, 2);
}

static void both(const struct nic_config *machine)
{
	const enum form form[] = { ADDRESS, HANDLE };

	forms(machine, form, 2, 3);
}

static void both_the_other_way(const struct nic_config *machine)
{
	const enum form form[] = { HANDLE, ADDRESS };

	forms(machine, form, 2, 4);
}

static const struct traffic_case cases[] = {
	{ "by address", by_address, NULL },
	{ "by handle", by_handle, NULL },
	{ "address and handle", both, NULL },
	{ "handle and address", both_the_other_way, NULL },
};

int main(void)
{
	return traffic_main("e1000e forms", cases, sizeof(cases) / sizeof(cases[0]));
}
