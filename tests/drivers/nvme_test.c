/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A test of the NVMe driver: its memory, its copy of the disk, and requests. */
#include "nvme_test.h"

#include <stdlib.h>
#include <string.h>

uint32_t t_any(struct t *t, uint32_t below)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return (uint32_t)(t->random >> 20) % below;
}

void t_fill(struct t *t, uint8_t *to, uint32_t len)
{
	uint32_t word;

	for (uint32_t i = 0; i < len; i += 4) {
		word = t_any(t, ~0u);
		memcpy(to + i, &word, 4);
	}
}

void t_up(struct t *t)
{
	t->nvme = (struct nvme){ .timeout_ns = TIMEOUT };
	assert_int_equal(nvme_init(&t->nvme, t->rig->regs, t->rig->dev), 0);
}

struct t *t_begin(const struct rig_config *config)
{
	struct t *t = calloc(1, sizeof(*t));

	t->rig = rig_open(config);
	t->random = 88172645463325252u;
	t->buffer = rig_take(t->rig, BUFFER, 4096);
	t->bytes = malloc(BUFFER);
	t->disk = malloc(RIG_BLOCKS * RIG_BLOCK);
	memcpy(t->disk, t->rig->disk, RIG_BLOCKS * RIG_BLOCK);
	t_up(t);
	return t;
}

void t_end(struct t *t)
{
	assert_int_equal(nvme_fini(&t->nvme), 0);
	assert_false(nvme_live(&t->nvme));
	assert_int_equal(memcmp(t->rig->disk, t->disk, RIG_BLOCKS * RIG_BLOCK), 0);
	rig_close(t->rig);
	free(t->disk);
	free(t->bytes);
	free(t);
}

void t_each(void (*fn)(struct t *t))
{
	for (unsigned int i = 0; i < nrigs; i++) {
		struct t *t = t_begin(&rigs[i]);

		fn(t);
		t_end(t);
	}
}

void t_prepare_write(struct t *t, uint64_t lba, uint32_t blocks, dmah_phys_t phys)
{
	t_fill(t, t->disk + lba * RIG_BLOCK, blocks * RIG_BLOCK);
	rig_write(t->rig, phys, t->disk + lba * RIG_BLOCK, blocks * RIG_BLOCK);
}

void t_set(struct t *t, dmah_phys_t phys, uint8_t byte, uint32_t len)
{
	memset(t->bytes, byte, len);
	rig_write(t->rig, phys, t->bytes, len);
}

void t_is(struct t *t, dmah_phys_t phys, uint8_t byte, uint32_t len)
{
	uint32_t i = 0;

	rig_read(t->rig, phys, t->bytes, len);
	while (i < len && t->bytes[i] == byte)
		i++;
	assert_int_equal(i, len);
}

void t_holds(struct t *t, uint64_t lba, uint32_t blocks, dmah_phys_t phys)
{
	rig_read(t->rig, phys, t->bytes, blocks * RIG_BLOCK);
	assert_memory_equal(t->bytes, t->disk + lba * RIG_BLOCK, blocks * RIG_BLOCK);
}

int t_run(struct t *t, struct nvme_request *r)
{
	int err = nvme_submit(&t->nvme, r);

	if (err)
		return err;
	nvme_ring(&t->nvme);
	return nvme_wait(&t->nvme, r);
}

int t_transfer(struct t *t, enum dmah_dir dir, uint64_t lba, uint32_t blocks, dmah_phys_t phys)
{
	struct nvme_request r = { .lba = lba, .blocks = blocks, .dir = dir, .phys = phys };

	return t_run(t, &r);
}

static void *stream_open(struct t *t, struct nvme_stream *s, uint32_t bytes, enum dmah_dir dir)
{
	size_t need = nvme_stream_memory(bytes, dir);
	void *memory = aligned_alloc(64, (need + 63) & ~(size_t)63);

	assert_true(need > 0);
	assert_int_equal(nvme_stream_init(s, &t->nvme, bytes, dir, memory, need), 0);
	return memory;
}

void t_pair_open(struct t *t, struct pair *p, uint32_t bytes)
{
	memset(p, 0, sizeof(*p));
	p->memory[0] = stream_open(t, &p->in, bytes, DMAH_FROM_DEVICE);
	p->memory[1] = stream_open(t, &p->out, bytes, DMAH_TO_DEVICE);
}

void t_pair_close(struct pair *p)
{
	assert_int_equal(nvme_stream_fini(&p->in), 0);
	assert_int_equal(nvme_stream_fini(&p->out), 0);
	free(p->memory[0]);
	free(p->memory[1]);
}

void t_drain(struct t *t, struct nvme_stream *s)
{
	uint16_t status[NVME_DEPTH];

	while (nvme_stream_live(s)) {
		uint32_t before = nvme_stream_live(s);
		int n;

		assert_int_equal(nvme_stream_wait(s), 0);
		n = nvme_stream_take(s, status, 1 + t_any(t, NVME_DEPTH));
		assert_true(n > 0);
		assert_int_equal(nvme_stream_live(s), before - (uint32_t)n);
		while (n--)
			assert_int_equal(status[n], 0);
	}
}
