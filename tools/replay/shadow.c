// SPDX-License-Identifier: MIT OR GPL-2.0-only
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include "machine.h"
#include "shadow.h"

#define PAGE 4096u

/* own[]: mappings that only read a byte, those that may write it, and whether it ever had both or two of the latter. */
#define READER	1u
#define READERS 7u
#define WRITER	8u
#define WRITERS 0x78u
#define MIXED	0x80u

static void *pages(uint64_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1, 0);

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

void shadow_random(struct shadow *s, uint8_t *buf, size_t len)
{
	uint64_t x = s->seed;

	for (size_t i = 0; i < len; i += 8) {
		uint64_t word;

		/* xorshift64: period 2^64 - 1 */
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		word = x;
		memcpy(buf + i, &word, len - i < 8 ? len - i : 8);
	}
	s->seed = x;
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
	/* what nobody maps is nobody's to maintain */
	sim_cpu_maintain(s->m->sim, DMAH_CACHE_FLUSH, phys / PAGE * PAGE, PAGE);
}

void shadow_take(struct shadow *s, uint64_t addr, size_t len, bool writes)
{
	uint8_t *own = s->own + (addr - s->base);

	for (size_t i = 0; i < len; i++) {
		uint8_t o = own[i];

		if (writes ? o & (READERS | WRITERS) : o & WRITERS)
			own[i] |= MIXED;
		if (writes && (o & WRITERS) != WRITERS)
			own[i] += WRITER;
		else if (!writes && (o & READERS) != READERS)
			own[i] += READER;
		else
			own[i] |= MIXED;
	}
}

void shadow_leave(struct shadow *s, uint64_t addr, size_t len, bool writes)
{
	uint8_t *own = s->own + (addr - s->base);

	for (size_t i = 0; i < len; i++) {
		if (writes && own[i] & WRITERS)
			own[i] -= WRITER;
		else if (!writes && own[i] & READERS)
			own[i] -= READER;
	}
}

bool shadow_free_of(const struct shadow *s, uint64_t addr, size_t len)
{
	const uint8_t *own = s->own + (addr - s->base);
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= own[i];
	return !(any & (READERS | WRITERS));
}

size_t shadow_differs(const struct shadow *s, uint64_t addr, const uint8_t *got, size_t len, bool others)
{
	const uint8_t *want = s->want + (addr - s->base), *own = s->own + (addr - s->base);
	size_t n = 0;

	if (memcmp(want, got, len) == 0)
		return 0;
	for (size_t i = 0; i < len; i++)
		n += want[i] != got[i] && !(own[i] & MIXED) && !(others && own[i] & WRITERS);
	return n;
}
