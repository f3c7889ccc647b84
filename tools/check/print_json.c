// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Findings for programs. The keys are a contract: kind, severity, device, dma, phys, size, line,
 * time, map_line, text. A value that is unknown or does not apply is null. More keys are there
 * only where they apply: caller and map_caller where the trace has stacks, other_device where
 * another device is concerned, count where a finding sums up several events, state ("known",
 * "suppressed") where a baseline or a suppression file matches. Addresses are strings ("0x..."), since JSON's numbers do not hold 64 bits
 * everywhere. The time is in seconds, or in the counts of a clock that counts something else.
 */
#include <inttypes.h>
#include <jansson.h>
#include "check.h"
#include "outcome.h"

static json_t *address(uint64_t v)
{
	char text[24];

	if (v == TRACE_NO_ADDR)
		return json_null();
	snprintf(text, sizeof(text), "0x%" PRIx64, v);
	return json_string(text);
}

/* Replace bytes that are not UTF-8: names come from a file, and must not cost the whole finding. */
json_t *json_name(const char *s)
{
	json_t *j = json_string(s);
	char safe[512];
	size_t n = 0;

	if (j)
		return j;
	for (; *s && n < sizeof(safe) - 1; s++)
		safe[n++] = (unsigned char)*s < 0x80 ? *s : '?';
	safe[n] = '\0';
	return json_string(safe);
}

static json_t *event_time(const struct trace *t, const struct finding *f)
{
	/* a header, which tells of lost events, has no time */
	if (!f->ev || (f->ev->kind == TRACE_LOST && f->ev->time == 0))
		return json_null();
	if (trace_info(t)->counts)
		return json_integer((json_int_t)f->ev->time);
	return json_real((double)f->ev->time / 1e9);
}

static json_t *where(const struct finding *f)
{
	char text[1024], cpu[24] = "";

	if (!f->ev || f->ev->kind == TRACE_LOST)
		return json_name(f->text);
	if (f->ev->cpu != TRACE_NO_CPU)
		snprintf(cpu, sizeof(cpu), ", CPU %u", f->ev->cpu);
	snprintf(text, sizeof(text), "%s [%s%s, task %s-%d%s%s]", f->text, f->ev->name, cpu,
		 f->ev->task, f->ev->pid, *f->ev->caller ? ", called by " : "", f->ev->caller);
	return json_name(text);
}

void json_add(json_t *array, const struct trace *t, const struct findings *fs)
{
	for (size_t i = 0; i < fs->nr; i++) {
		const struct finding *f = &fs->list[i];
		json_t *o = json_object();
		bool failed = f->kind == USE_OF_FAILED_MAP && f->dma == TRACE_NO_ADDR;

		json_object_set_new(o, "kind", json_string(finding_name(f->kind)));
		json_object_set_new(o, "severity", json_string(f->error ? "error" : "note"));
		json_object_set_new(o, "device", f->device ? json_name(f->device) : json_null());
		json_object_set_new(o, "dma",
				    failed ? json_string("0xffffffffffffffff") : address(f->dma));
		json_object_set_new(o, "phys", address(f->phys));
		json_object_set_new(o, "size",
				    f->has_size ? json_integer((json_int_t)f->size) : json_null());
		json_object_set_new(o, "line",
				    f->ev ? json_integer((json_int_t)f->ev->line) : json_null());
		json_object_set_new(o, "time", event_time(t, f));
		json_object_set_new(o, "map_line",
				    f->map_line ? json_integer((json_int_t)f->map_line)
						: json_null());
		json_object_set_new(o, "text", where(f));
		if (f->ev && *f->ev->caller)
			json_object_set_new(o, "caller", json_name(f->ev->caller));
		if (f->map_caller && *f->map_caller)
			json_object_set_new(o, "map_caller", json_name(f->map_caller));
		if (f->other)
			json_object_set_new(o, "other_device", json_name(f->other));
		if (f->state != FINDING_NEW)
			json_object_set_new(o, "state",
					    json_string(f->state == FINDING_KNOWN ? "known"
										  : "suppressed"));
		if (f->count > 1)
			json_object_set_new(o, "count", json_integer((json_int_t)f->count));
		json_array_append_new(array, o);
	}
}
