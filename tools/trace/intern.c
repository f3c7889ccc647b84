// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "intern.h"
#include "xalloc.h"

static uint32_t hash(const char *name, size_t len)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * 16777619u;
	return h;
}

static void grow(struct intern *in)
{
	uint32_t nr = in->nr_slots ? in->nr_slots * 2 : 64;

	free(in->slots);
	in->slots = xcalloc(nr, sizeof(*in->slots));
	in->nr_slots = nr;
	for (uint32_t i = 0; i < in->nr; i++) {
		uint32_t at = hash(in->names[i], strlen(in->names[i])) & (nr - 1);

		while (in->slots[at])
			at = (at + 1) & (nr - 1);
		in->slots[at] = i + 1;
	}
}

uint32_t intern(struct intern *in, const char *name, size_t len)
{
	uint32_t at;
	char *copy;

	if (in->nr * 2 >= in->nr_slots)
		grow(in);
	at = hash(name, len) & (in->nr_slots - 1);
	for (; in->slots[at]; at = (at + 1) & (in->nr_slots - 1)) {
		const char *have = in->names[in->slots[at] - 1];

		if (strncmp(have, name, len) == 0 && have[len] == '\0')
			return in->slots[at] - 1;
	}
	copy = xmalloc(len + 1);
	memcpy(copy, name, len);
	copy[len] = '\0';
	xgrow(in->names, in->nr, in->cap);
	in->names[in->nr] = copy;
	in->slots[at] = ++in->nr;
	return in->nr - 1;
}

void intern_free(struct intern *in)
{
	for (uint32_t i = 0; i < in->nr; i++)
		free(in->names[i]);
	free(in->names);
	free(in->slots);
}
