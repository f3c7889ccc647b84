// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <ctype.h>
#include <string.h>
#include "fingerprint.h"

static size_t add(char *to, size_t at, const char *key, const char *value)
{
	if (!value || !*value || at + strlen(key) + 2 >= FINGERPRINT_MAX)
		return at;
	to[at++] = ' ';
	memcpy(to + at, key, strlen(key));
	at += strlen(key);
	for (; *value && at < FINGERPRINT_MAX - 2; value++) {
		if (strchr("*?[\\", *value))
			to[at++] = '\\';
		to[at++] = isspace((unsigned char)*value) ? '_' : *value;
	}
	return at;
}

void fingerprint(const struct finding *f, char to[FINGERPRINT_MAX])
{
	const struct trace_event *ev = f->ev && f->ev->kind != TRACE_LOST ? f->ev : NULL;
	size_t at = strlen(finding_name(f->kind));

	memcpy(to, finding_name(f->kind), at);
	at = add(to, at, "device=", f->device);
	at = add(to, at, "other=", f->other);
	at = add(to, at, "event=", ev ? ev->name : NULL);
	at = add(to, at, "caller=", ev ? ev->caller : NULL);
	at = add(to, at, "map-caller=", f->map_caller);
	to[at] = '\0';
}
