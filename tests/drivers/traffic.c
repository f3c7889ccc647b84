/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "traffic.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Buffers at any alignment, which share granules and cache lines with each other. */
#define STRIDE (E1000E_BUFFER + 14)
#define SHIFT  778u
#define PIECE  2048u

/* ---- setting up ---- */

struct traffic *traffic_new(const struct nic_config *machine, const struct traffic_config *config)
{
	struct traffic *t = calloc(1, sizeof(*t));
	dmah_phys_t buffers;
	unsigned int n;

	assert_non_null(t);
	t->config = *config;
	t->random = config->seed + 1;
	t->n = nic_open(machine);
	n = config->entries ? config->entries : 16;
	buffers = nic_take(t->n, (uint64_t)STRIDE * (n + TRAFFIC_SPARE) + SHIFT, 4096) + SHIFT;
	for (unsigned int i = 0; i < TRAFFIC_SPARE; i++)
		t->spare[i] = buffers + (uint64_t)STRIDE * (n + i);
	t->tx = nic_take(t->n, (uint64_t)PIECE * TRAFFIC_FRAMES, 4096);
	t->in.frame = calloc(TRAFFIC_FRAMES, sizeof(*t->in.frame));
	t->out.frame = calloc(TRAFFIC_FRAMES, sizeof(*t->out.frame));
	assert_true(t->in.frame && t->out.frame);
	t->driver = (struct e1000e_config){ .regs = nic_regs(t->n),
					    .dev = nic_device(t->n),
					    .rx = config->rx,
					    .promiscuous = config->promiscuous,
					    .rx_entries = n,
					    .tx_entries = n,
					    .buffers = buffers,
					    .stride = STRIDE };
	return t;
}

int traffic_init(struct traffic *t)
{
	size_t need = e1000e_memory(&t->driver);

	assert_true(need > 0);
	free(t->memory);
	t->memory = aligned_alloc(64, (need + 63) & ~(size_t)63);
	assert_non_null(t->memory);
	return e1000e_init(&t->nic, &t->driver, t->memory, need);
}

struct traffic *traffic_open(const struct nic_config *machine, const struct traffic_config *config)
{
	struct traffic *t = traffic_new(machine, config);

	assert_int_equal(traffic_init(t), 0);
	assert_int_equal(e1000e_start(&t->nic), 0);
	assert_int_equal(e1000e_wait_link(&t->nic, NIC_WAIT_NS), 0);
	return t;
}

void traffic_free(struct traffic *t)
{
	assert_int_equal(t->in.n, 0);
	assert_int_equal(t->out.n, 0);
	nic_close(t->n);
	free(t->memory);
	free(t->in.frame);
	free(t->out.frame);
	free(t);
}

void traffic_close(struct traffic *t)
{
	assert_int_equal(e1000e_stop(&t->nic), 0);
	assert_int_equal(e1000e_fini(&t->nic), 0);
	traffic_free(t);
}

void traffic_wait(uint64_t *begun)
{
	uint64_t now = dmah_host_now();

	if (nic_polls) {
		assert_true(++*begun <= nic_polls);
		return;
	}
	if (!*begun)
		*begun = now;
	assert_true(now - *begun < NIC_WAIT_NS);
}

/* ---- frames ---- */

static uint64_t next(struct traffic *t)
{
	uint64_t z = t->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint32_t traffic_random(struct traffic *t, uint32_t below)
{
	return (uint32_t)(next(t) >> 32) % below;
}

unsigned int traffic_many(unsigned int usual, bool *bench)
{
	const char *more = getenv("DMAH_QEMU_OPS");

	if (bench)
		*bench = more != NULL;
	if (getenv("DMAH_TEST_OPS"))
		usual /= 2;
	return more ? (unsigned int)strtoul(more, NULL, 0) : usual;
}

static struct traffic_frame *behind(struct traffic_queue *q)
{
	assert_true(q->n < TRAFFIC_FRAMES);
	return &q->frame[(q->first + q->n) % TRAFFIC_FRAMES];
}

/* A frame to the device, to all, or to a random address, of the type for local experiments. */
void traffic_make(struct traffic *t, struct traffic_frame *frame, uint32_t len)
{
	const uint8_t mac[6] = NIC_MAC;
	uint32_t to = traffic_random(t, t->config.promiscuous ? 3 : 2);

	if (!len) {
		static const uint32_t edge[] = { 60, 61, 64, 1499, 1500, 1514, 1517, 1518 };

		len = traffic_random(t, 4) ? 60 + traffic_random(t, E1000E_FRAME - 59)
					   : edge[traffic_random(t, 8)];
	}
	frame->len = len;
	frame->maybe = false;
	for (uint32_t i = 0; i < len; i++)
		frame->bytes[i] = (uint8_t)next(t);
	if (to == 0)
		memcpy(frame->bytes, mac, 6);
	else if (to == 1)
		memset(frame->bytes, 0xff, 6);
	else
		frame->bytes[0] &= 0xfe;
	frame->bytes[12] = 0x88;
	frame->bytes[13] = 0xb5;
}

/* ---- to the device ---- */

bool traffic_put(struct traffic *t)
{
	struct traffic_frame *frame = behind(&t->in);

	traffic_make(t, frame, 0);
	if (!nic_put(t->n, frame->bytes, frame->len))
		return false;
	t->in.n++;
	return true;
}

void traffic_put_in_vain(struct traffic *t)
{
	if (!traffic_put(t))
		return;
	assert_true(nic_wire_waits);
	t->in.frame[(t->in.first + t->in.n - 1) % TRAFFIC_FRAMES].maybe = true;
}

static void drop_first(struct traffic_queue *q)
{
	q->first = (q->first + 1) % TRAFFIC_FRAMES;
	q->n--;
}

void traffic_expect(struct traffic *t, const uint8_t *bytes, uint32_t len)
{
	struct traffic_frame *frame = &t->in.frame[t->in.first];

	assert_int_not_equal(t->in.n, 0);
	if (frame->maybe && (len != frame->len || memcmp(bytes, frame->bytes, len))) {
		drop_first(&t->in);
		traffic_expect(t, bytes, len);
		return;
	}
	assert_int_equal(len, frame->len);
	assert_memory_equal(bytes, frame->bytes, len);
	drop_first(&t->in);
	t->received++;
}

/* Keep the buffers of some frames, at random, and give the device others. */
static dmah_phys_t packet(void *ctx, dmah_phys_t phys, uint32_t len)
{
	struct traffic *t = ctx;
	uint8_t bytes[E1000E_BUFFER];
	unsigned int i = traffic_random(t, 2 * TRAFFIC_SPARE);
	dmah_phys_t other;

	assert_true(len <= sizeof(bytes));
	nic_read(t->n, phys, bytes, len);
	traffic_expect(t, bytes, len);
	if (i >= TRAFFIC_SPARE)
		return phys;
	other = t->spare[i];
	t->spare[i] = phys;
	return other;
}

unsigned int traffic_receive(struct traffic *t, unsigned int budget)
{
	int n = e1000e_receive(&t->nic, budget, packet, t);

	assert_in_range(n, 0, budget);
	return (unsigned int)n;
}

void traffic_received(struct traffic *t)
{
	uint64_t begun = 0;

	while (t->in.n) {
		traffic_receive(t, 1 + traffic_random(t, 12));
		traffic_wait(&begun);
	}
}

/* ---- to the wire ---- */

int traffic_transmit(struct traffic *t)
{
	struct traffic_frame *frame = behind(&t->out);
	unsigned int slot = 0, n = 1 + traffic_random(t, 4);
	struct dmah_seg piece[4];
	uint32_t done = 0;
	int err;

	while (slot < TRAFFIC_FRAMES && t->busy[slot])
		slot++;
	if (slot == TRAFFIC_FRAMES)
		return DMAH_ENOSPC;
	traffic_make(t, frame, 0);
	for (unsigned int i = 0; i < n; i++) {
		uint32_t most = frame->len - done - (n - 1 - i);

		piece[i].len = i + 1 == n ? frame->len - done : 1 + traffic_random(t, most);
		/* Place the frame at a random offset; pieces never touch each other. */
		piece[i].phys =
			t->tx + (uint64_t)slot * PIECE + done + i * 100 + traffic_random(t, 100);
		nic_write(t->n, piece[i].phys, frame->bytes + done, piece[i].len);
		done += piece[i].len;
	}
	err = e1000e_transmit(&t->nic, piece, n, &t->busy[slot]);
	if (!err) {
		t->busy[slot] = true;
		t->out.n++;
	}
	return err;
}

static void sent(void *ctx, void *cookie)
{
	struct traffic *t = ctx;
	bool *busy = cookie;

	assert_true(*busy);
	*busy = false;
	t->sent++;
}

static void get(struct traffic *t)
{
	uint8_t bytes[2048];
	size_t len;

	while ((len = nic_get(t->n, bytes, sizeof(bytes))) != 0) {
		struct traffic_frame *frame = &t->out.frame[t->out.first];

		assert_int_not_equal(t->out.n, 0);
		assert_int_equal(len, frame->len);
		assert_memory_equal(bytes, frame->bytes, len);
		drop_first(&t->out);
	}
}

void traffic_sent(struct traffic *t)
{
	uint64_t begun = 0;

	e1000e_kick(&t->nic);
	for (;;) {
		unsigned int busy = 0;

		get(t);
		assert_true(e1000e_reap(&t->nic, sent, t) >= 0);
		for (unsigned int i = 0; i < TRAFFIC_FRAMES; i++)
			busy += t->busy[i];
		if (!busy && !t->out.n)
			return;
		traffic_wait(&begun);
	}
}

/* ---- running ---- */

struct bound {
	const struct traffic_case *what;
	const struct nic_config *where;
	char name[96];
};

static void run(void **state)
{
	const struct bound *b = *state;

	b->what->run(b->where);
}

int traffic_main(const char *group, const struct traffic_case *cases, size_t n)
{
	struct CMUnitTest *tests = calloc(n * nic_nconfigs, sizeof(*tests));
	struct bound *bound = calloc(n * nic_nconfigs, sizeof(*bound));
	size_t count = 0;
	int failed;

	if (!tests || !bound)
		return 1;
	for (size_t i = 0; i < n * nic_nconfigs; i++) {
		struct bound *b = &bound[count];

		b->what = &cases[i % n];
		b->where = &nic_configs[i / n];
		if (b->what->applies && !b->what->applies(b->where))
			continue;
		snprintf(b->name, sizeof(b->name), "%s: %s", b->what->name, b->where->name);
		tests[count++] = (struct CMUnitTest){ .name = b->name,
						      .test_func = run,
						      .initial_state = b };
	}
	failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
	free(tests);
	free(bound);
	return failed;
}
