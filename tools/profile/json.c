// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* A profile for programs: an object with an array of devices, each with an array of callers. */
#include <jansson.h>
#include "outcome.h"
#include "profile.h"

static void set(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

static json_t *bins(const uint64_t *v, int nr)
{
	json_t *list = json_array();

	for (int i = 0; i < nr; i++)
		json_array_append_new(list, json_integer((json_int_t)v[i]));
	return list;
}

static json_t *tally(const struct tally *t)
{
	json_t *o = json_object(), *dirs = json_object();

	set(o, "maps", t->maps);
	set(o, "lists", t->lists);
	set(o, "allocations", t->allocs);
	set(o, "failed", t->failed);
	set(o, "unmaps", t->unmaps);
	set(o, "syncs", t->syncs);
	set(o, "bytes", t->bytes);
	set(o, "allocated_bytes", t->alloc_bytes);
	set(dirs, "to_device", t->dirs[TRACE_TO_DEVICE]);
	set(dirs, "from_device", t->dirs[TRACE_FROM_DEVICE]);
	set(dirs, "bidirectional", t->dirs[TRACE_BIDIRECTIONAL]);
	json_object_set_new(o, "directions", dirs);
	json_object_set_new(o, "sizes_log2", bins(t->sizes, SIZE_BINS));
	json_object_set_new(o, "lifetimes_log10_us", bins(t->lives, LIFE_BINS));
	set(o, "live_at_end", t->live);
	set(o, "live_peak", t->peak);
	set(o, "live_peak_bytes", t->peak_bytes);
	set(o, "list_entries", t->entries);
	set(o, "list_segments", t->segments);
	set(o, "bounced", t->bounced);
	set(o, "bounced_bytes", t->bounced_bytes);
	set(o, "mapped_again", t->again);
	set(o, "mapped_again_bytes", t->again_bytes);
	set(o, "kept_saves_instructions", t->again * (PAIR_INSTRUCTIONS - KEPT_INSTRUCTIONS));
	set(o, "pages", t->pages);
	set(o, "lookups", t->lookups);
	set(o, "lookup_instructions", t->lookups * LOOKUP_INSTRUCTIONS);
	return o;
}

static json_t *device(const struct device_profile *d)
{
	json_t *o = tally(&d->all), *callers = json_array();

	json_object_set_new(o, "device", json_name(d->name));
	json_object_set_new(o, "live_over_time", bins(d->live, TIME_BINS));
	json_object_set_new(o, "live_bytes_over_time", bins(d->live_bytes, TIME_BINS));
	set(o, "maps_exposing", d->maps_beside);
	set(o, "bytes_beside", d->beside);
	set(o, "unmaps_in_reach", d->reachable);
	set(o, "unmaps_writable", d->writable);
	set(o, "hottest_page_maps", d->hottest_maps);
	for (uint32_t i = 0; i < d->nr_callers; i++) {
		json_t *caller = tally(&d->callers[i]);

		json_object_set_new(caller, "caller",
				    *d->callers[i].name ? json_name(d->callers[i].name)
							: json_null());
		json_array_append_new(callers, caller);
	}
	json_object_set_new(o, "callers", callers);
	return o;
}

void profile_json(FILE *to, const struct profile *p)
{
	json_t *o = json_object(), *devices = json_array();

	json_object_set_new(o, "trace", json_name(p->path));
	set(o, "events", p->events);
	set(o, "lost_events", p->lost);
	json_object_set_new(o, "seconds",
			    p->counts ? json_null() : json_real((double)(p->end - p->begin) / 1e9));
	for (uint32_t i = 0; i < p->nr; i++)
		json_array_append_new(devices, device(&p->devices[i]));
	json_object_set_new(o, "devices", devices);
	json_dumpf(o, to, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	putc('\n', to);
	json_decref(o);
}
