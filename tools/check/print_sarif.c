// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * SARIF 2.1.0, which code-scanning services and Debian's and Fedora's csdiff read: a rule for each
 * kind, a result for each finding, at its line of the trace.
 */
#include <inttypes.h>
#include <jansson.h>
#include "fingerprint.h"
#include "outcome.h"

static json_t *message(const char *text)
{
	json_t *o = json_object();

	json_object_set_new(o, "text", json_name(text));
	return o;
}

static json_t *rules(void)
{
	json_t *list = json_array();

	for (int k = 0; k < NR_FINDING_KINDS; k++) {
		enum finding_kind kind = (enum finding_kind)k;
		json_t *rule = json_object(), *level = json_object();

		json_object_set_new(level, "level",
				    json_string(finding_is_error_kind(kind) ? "error" : "note"));
		json_object_set_new(rule, "id", json_string(finding_name(kind)));
		json_object_set_new(rule, "shortDescription", message(finding_what(kind)));
		json_object_set_new(rule, "defaultConfiguration", level);
		json_array_append_new(list, rule);
	}
	return list;
}

json_t *sarif_new(void)
{
	json_t *log = json_object(), *run = json_object(), *driver = json_object();
	json_t *tool = json_object(), *runs = json_array();

	json_object_set_new(driver, "name", json_string("dmah check"));
	json_object_set_new(driver, "rules", rules());
	json_object_set_new(tool, "driver", driver);
	json_object_set_new(run, "tool", tool);
	json_object_set_new(run, "results", json_array());
	json_array_append_new(runs, run);
	json_object_set_new(log, "$schema",
			    json_string("https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/"
					"sarif-schema-2.1.0.json"));
	json_object_set_new(log, "version", json_string("2.1.0"));
	json_object_set_new(log, "runs", runs);
	return log;
}

/* A line of a text is a region. A record of a trace.dat is none: the message names it. */
static json_t *location(const struct trace *t, uint64_t line)
{
	json_t *o = json_object(), *physical = json_object(), *artifact = json_object();

	json_object_set_new(artifact, "uri", json_name(trace_path(t)));
	json_object_set_new(physical, "artifactLocation", artifact);
	if (line && !trace_info(t)->dat) {
		json_t *region = json_object();

		json_object_set_new(region, "startLine", json_integer((json_int_t)line));
		json_object_set_new(physical, "region", region);
	}
	json_object_set_new(o, "physicalLocation", physical);
	return o;
}

static json_t *one_of(json_t *o)
{
	json_t *list = json_array();

	json_array_append_new(list, o);
	return list;
}

static json_t *result(const struct trace *t, const struct finding *f)
{
	const char *unit = trace_info(t)->dat ? "record" : "line";
	json_t *o = json_object(), *prints = json_object();
	char print[FINGERPRINT_MAX], text[2048];

	snprintf(text, sizeof(text), "%s%s%s %" PRIu64 ": %s%s%s", f->device ? f->device : "",
		 f->device ? ": " : "", unit, f->ev ? f->ev->line : 0, f->text,
		 f->ev && *f->ev->caller ? "; called by " : "", f->ev ? f->ev->caller : "");
	fingerprint(f, print);
	json_object_set_new(o, "ruleId", json_string(finding_name(f->kind)));
	json_object_set_new(o, "ruleIndex", json_integer(f->kind));
	json_object_set_new(o, "level", json_string(f->error ? "error" : "note"));
	json_object_set_new(o, "message", message(text));
	json_object_set_new(o, "locations", one_of(location(t, f->ev ? f->ev->line : 0)));
	if (f->map_line)
		json_object_set_new(o, "relatedLocations", one_of(location(t, f->map_line)));
	json_object_set_new(prints, "dmahFinding/v1", json_name(print));
	json_object_set_new(o, "partialFingerprints", prints);
	if (f->state == FINDING_KNOWN)
		json_object_set_new(o, "baselineState", json_string("unchanged"));
	if (f->state == FINDING_SUPPRESSED) {
		json_t *s = json_object();

		json_object_set_new(s, "kind", json_string("external"));
		json_object_set_new(o, "suppressions", one_of(s));
	}
	return o;
}

void sarif_add(json_t *log, const struct trace *t, const struct findings *fs)
{
	json_t *run = json_array_get(json_object_get(log, "runs"), 0);
	json_t *results = json_object_get(run, "results");

	for (size_t i = 0; i < fs->nr; i++)
		json_array_append_new(results, result(t, &fs->list[i]));
}
