// SPDX-License-Identifier: MIT OR GPL-2.0-only
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include "machine.h"
#include "shadow.h"

#define PAGE 4096u

/* Fields of own[]: number of mappings that only read a byte, number that may write it, and a mark that stays once a byte had
 * a writer beside another mapping. */
#define READER	1u
#define READERS 7u
#define WRITER	8u
#define WRITERS 0x78u
#define MIXED	0x80u

static void *pages(uint64_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

bool shadow_init(struct shadow *s, struct machine *m)
{
	const struct sim_config *c = sim_config_of(m->sim);

	*s = (struct shadow){ .m = m,
			      .base = c->ram_base,
			      .size = c->ram_size + c->foreign_size,
			      .seed = 0x1234567 };
	s->want = pages(s->size);
	s->own = pages(s->size);
	s->known = pages(s->size / PAGE + 1);
	if (s->want && s->own && s->known)
		return true;
	shadow_free(s);
	return false;
}

void shadow_free(struct shadow *s)
{
	if (s->want)
		munmap(s->want, s->size);
	if (s->own)
		munmap(s->own, s->size);
	if (s->known)
		munmap(s->known, s->size / PAGE + 1);
	*s = (struct shadow){ 0 };
}

/* Mixes the numbers 1, 2, 3... by the finaliser of MurmurHash3: no word comes twice, and none depends on the previous one. */
static uint64_t mixed(uint64_t x)
{
	x = (x ^ x >> 33) * 0xff51afd7ed558ccdull;
	x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53ull;
	return x ^ x >> 33;
}

void shadow_random(struct shadow *s, uint8_t *buf, size_t len)
{
	uint64_t seed = s->seed, word;
	size_t i = 0;

	for (; i + 8 <= len; i += 8) {
		word = mixed(++seed);
		memcpy(buf + i, &word, 8);
	}
	word = mixed(++seed);
	memcpy(buf + i, &word, len - i);
	s->seed = seed;
}

uint8_t *shadow_want(struct shadow *s, uint64_t addr)
{
	return s->want + (addr - s->base);
}

void shadow_page(struct shadow *s, uint64_t addr, uint64_t phys)
{
	uint64_t page = addr / PAGE * PAGE;
	uint8_t *known = &s->known[(page - s->base) / PAGE];

	if (*known)
		return;
	*known = 1;
	shadow_random(s, shadow_want(s, page), PAGE);
	sim_cpu_write(s->m->sim, phys / PAGE * PAGE, shadow_want(s, page), PAGE);
	/* Bytes of no mapping need no maintenance. */
	sim_cpu_maintain(s->m->sim, DMAH_CACHE_FLUSH, phys / PAGE * PAGE, PAGE);
}

static uint8_t taken(uint8_t o, bool writes)
{
	uint8_t unit = writes ? WRITER : READER, full = writes ? WRITERS : READERS;
	uint8_t rivals = writes ? READERS | WRITERS : WRITERS;

	if ((o & full) == full)
		return o | MIXED;
	return (uint8_t)(o + unit) | (o & rivals ? MIXED : 0);
}

static uint8_t left(uint8_t o, bool writes)
{
	uint8_t unit = writes ? WRITER : READER, full = writes ? WRITERS : READERS;

	return o & full ? (uint8_t)(o - unit) : o;
}

/* Almost always all bytes have the same owners: the C library compares and fills faster than a loop. */
static bool uniform(const uint8_t *own, size_t len)
{
	return len && memcmp(own, own + 1, len - 1) == 0;
}

/* Without coherency whole cache lines are written back, with bytes of the line that another mapping has. */
static void mix_lines(struct shadow *s, uint64_t addr, size_t len)
{
	uint64_t line = sim_config_of(s->m->sim)->line, first = addr & ~(line - 1);
	uint64_t end = (addr + len + line - 1) & ~(line - 1);

	for (uint64_t at = first; at < end; at += line) {
		uint8_t *own = s->own + (at - s->base), any = 0;

		for (uint64_t i = 0; i < line; i++)
			any |= own[i];
		for (uint64_t i = 0; any & MIXED && i < line; i++)
			own[i] |= MIXED;
	}
}

void shadow_take(struct shadow *s, uint64_t addr, size_t len, bool writes)
{
	uint8_t *own = s->own + (addr - s->base), any = 0;

	if (uniform(own, len)) {
		any = taken(own[0], writes);
		memset(own, any, len);
	} else {
		for (size_t i = 0; i < len; i++)
			any |= own[i] = taken(own[i], writes);
	}
	if (any & MIXED && s->m->kind->noncoherent)
		mix_lines(s, addr, len);
}

void shadow_leave(struct shadow *s, uint64_t addr, size_t len, bool writes)
{
	uint8_t *own = s->own + (addr - s->base);

	if (uniform(own, len)) {
		memset(own, left(own[0], writes), len);
		return;
	}
	for (size_t i = 0; i < len; i++)
		own[i] = left(own[i], writes);
}

bool shadow_free_of(const struct shadow *s, uint64_t addr, size_t len)
{
	const uint8_t *own = s->own + (addr - s->base);
	uint8_t any = 0;

	if (uniform(own, len))
		return !(own[0] & (READERS | WRITERS));
	for (size_t i = 0; i < len; i++)
		any |= own[i];
	return !(any & (READERS | WRITERS));
}

size_t shadow_differs(const struct shadow *s, uint64_t addr, const uint8_t *got, size_t len,
		      bool others)
{
	const uint8_t *want = s->want + (addr - s->base), *own = s->own + (addr - s->base);
	size_t n = 0;

	if (memcmp(want, got, len) == 0)
		return 0;
	for (size_t i = 0; i < len; i++)
		n += want[i] != got[i] && !(own[i] & MIXED) && !(others && own[i] & WRITERS);
	return n;
}
