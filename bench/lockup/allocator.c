// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "allocator.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "message.h"

bool allocator_load(struct allocator *a, const char *path)
{
	static char names[4][32];
	static unsigned int loaded;
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct linux_iova_steps *calls = library ? dlsym(library, "linux_iova_steps") : NULL;

	if (!calls) {
		message("%s: %s", path, dlerror());
		return false;
	}
	must(loaded < 4 ? names : NULL);
	snprintf(names[loaded], sizeof(names[0]), "linux-%s", calls->version);
	*a = (struct allocator){ .name = names[loaded++],
				 .step = "node of the tree",
				 .calls = calls };
	return true;
}

void space_open(struct space *s, const struct allocator *a, uint32_t most)
{
	*s = (struct space){ .a = a };
	if (a->calls)
		s->linux_domain = must(a->calls->create());
	else
		s->ours = ours_open(most);
}

void space_close(struct space *s)
{
	if (s->linux_domain)
		s->a->calls->destroy(s->linux_domain);
	if (s->ours)
		ours_close(s->ours);
}

uint64_t space_alloc(struct space *s, uint32_t id, uint32_t pages, unsigned int mask,
		     uint64_t *steps)
{
	uint64_t before, first;

	if (s->ours)
		return ours_alloc(s->ours, id, pages, steps);
	before = *s->a->calls->steps;
	first = s->a->calls->alloc(s->linux_domain, pages, mask);
	*steps = *s->a->calls->steps - before;
	return first;
}

uint64_t space_free(struct space *s, uint32_t id, uint64_t first, uint32_t pages)
{
	uint64_t before;

	if (s->ours)
		return ours_free(s->ours, id);
	before = *s->a->calls->steps;
	s->a->calls->free(s->linux_domain, first, pages);
	return *s->a->calls->steps - before;
}
