// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <string.h>
#include "outcome.h"

static bool word_is(const char *s, size_t n, const char *word)
{
	return n == strlen(word) && memcmp(s, word, n) == 0;
}

const char *fail_on_parse(const char *list, struct fail_on *to)
{
	*to = (struct fail_on){ .errors = false };
	for (const char *s = list;; s++) {
		size_t n = strcspn(s, ",");
		enum finding_kind kind = finding_kind_find(s, n);

		if (kind < NR_FINDING_KINDS)
			to->kinds[kind] = true;
		else if (word_is(s, n, "errors"))
			to->errors = true;
		else if (word_is(s, n, "all"))
			memset(to->kinds, true, sizeof(to->kinds));
		else if (!word_is(s, n, "none"))
			return s;
		s += n;
		if (!*s)
			return NULL;
	}
}

bool finding_fails(const struct fail_on *on, const struct finding *f)
{
	return f->state == FINDING_NEW && ((on->errors && f->error) || on->kinds[f->kind]);
}

size_t findings_failing(const struct fail_on *on, const struct findings *fs)
{
	size_t n = 0;

	for (size_t i = 0; i < fs->nr; i++)
		n += finding_fails(on, &fs->list[i]);
	return n;
}
