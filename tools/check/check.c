// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* One pass over a trace in the order of time: each event goes to its rules. */
#include <inttypes.h>
#include "rules.h"
#include "xalloc.h"

static void lost(struct check *c)
{
	const struct trace_event *ev = c->ev;
	struct finding f = {
		.kind = LOST_EVENTS, .ev = ev, .dma = TRACE_NO_ADDR, .phys = TRACE_NO_ADDR
	};

	switch (ev->lost) {
	case TRACE_LOST_OVERWRITTEN:
		findings_add(c->fs, &f,
			     "%" PRIu64 " events were overwritten in the buffer before it was read",
			     ev->lost_events);
		break;
	case TRACE_LOST_BEFORE:
		findings_add(c->fs, &f, "of CPU %u nothing is recorded before this %s",
			     ev->lost_cpu, c->unit);
		break;
	default:
		if (ev->lost_cpu == TRACE_NO_CPU)
			findings_add(c->fs, &f,
				     "the text of one event was too long and is missing");
		else if (ev->lost_events)
			findings_add(c->fs, &f, "%" PRIu64 " events of CPU %u are missing here",
				     ev->lost_events, ev->lost_cpu);
		else
			findings_add(c->fs, &f, "events of CPU %u are missing here", ev->lost_cpu);
		break;
	}
	c->lost = true;
}

static void event(struct check *c)
{
	enum trace_act act = trace_act(c->ev->kind);

	if (act != TRACE_ACT_NONE) {
		struct device *dev = device_of(c, c->ev);

		if (!dev->seen)
			dev->starts_with_map = act == TRACE_ACT_MAP;
		dev->seen = true;
	}
	switch (act) {
	case TRACE_ACT_MAP:
		rule_map(c);
		break;
	case TRACE_ACT_UNMAP:
		rule_unmap(c);
		break;
	case TRACE_ACT_SYNC:
		rule_sync(c);
		break;
	case TRACE_ACT_NONE:
		if (c->ev->kind == TRACE_LOST)
			lost(c);
		break;
	}
}

void check_trace(struct trace *t, const struct check_options *opt, struct findings *fs)
{
	struct check *c = xcalloc(1, sizeof(*c));
	struct check_options with_defaults = *opt;
	const struct trace_info *info = trace_info(t);
	struct trace_cursor *cursor;

	c->t = t;
	if (!opt->cache_line)
		with_defaults.cache_line = DEFAULT_CACHE_LINE;
	if (!opt->boundary)
		with_defaults.boundary = DEFAULT_BOUNDARY;
	c->opt = &with_defaults;
	c->fs = fs;
	c->unit = info->dat ? "record" : "line";
	c->pages_have_dir = info->pages_have_dir;
	/* these losses lie before their place in the trace, and may reach back to its beginning */
	c->lost = info->lost_before;
	state_init(&c->s, trace_nr_devices(t));
	cursor = trace_begin(t);
	while ((c->ev = trace_step(cursor)))
		event(c);
	trace_end(cursor);
	rule_end(c);
	state_free(&c->s);
	free(c);
}
