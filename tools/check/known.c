// SPDX-License-Identifier: MIT OR GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include "fingerprint.h"
#include "known.h"
#include "scan.h"
#include "xalloc.h"

enum text_key { DEVICE, OTHER, EVENT, CALLER, MAP_CALLER, TASK, NR_TEXTS };
enum range_key { DMA, PHYS, SIZE, NR_RANGES };

static const char *const text_keys[NR_TEXTS] = { "device", "other",	 "event",
						 "caller", "map-caller", "task" };
static const char *const range_keys[NR_RANGES] = { "dma", "phys", "size" };

struct pattern {
	char *kind; /* with wildcards */
	char *text[NR_TEXTS];
	bool has_range[NR_RANGES];
	uint64_t first[NR_RANGES], last[NR_RANGES];
	unsigned int line;
	uint64_t matches;
};

struct known {
	char *path;
	enum finding_state state;
	bool is_json;
	struct pattern *list;
	size_t nr, cap;
};

/* ---- reading ---- */

__attribute__((format(printf, 4, 5))) static bool bad(const char *path, unsigned int line,
						      struct trace_error *err, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (line)
		snprintf(err->text, sizeof(err->text), "%.150s: line %u: %s", path, line, text);
	else
		snprintf(err->text, sizeof(err->text), "%.150s: %s", path, text);
	return false;
}

static bool number(const char **p, uint64_t *v)
{
	return (*p)[0] == '0' && (*p)[1] == 'x' ? scan_hex(p, v) : scan_decimal(p, v);
}

static bool set_range(struct pattern *p, enum range_key key, const char *s)
{
	if (!number(&s, &p->first[key]))
		return false;
	p->last[key] = p->first[key];
	if (*s == '-' && (s++, !number(&s, &p->last[key])))
		return false;
	p->has_range[key] = true;
	return *s == '\0' && p->first[key] <= p->last[key];
}

static bool set_key(struct pattern *p, const char *key, size_t len, const char *value)
{
	for (int i = 0; i < NR_TEXTS; i++) {
		if (strlen(text_keys[i]) != len || memcmp(text_keys[i], key, len) != 0)
			continue;
		free(p->text[i]);
		p->text[i] = xstrdup(value);
		return *value != '\0';
	}
	for (int i = 0; i < NR_RANGES; i++)
		if (strlen(range_keys[i]) == len && memcmp(range_keys[i], key, len) == 0)
			return set_range(p, (enum range_key)i, value);
	return false;
}

static bool kind_exists(const char *pattern)
{
	for (int k = 0; k < NR_FINDING_KINDS; k++)
		if (fnmatch(pattern, finding_name((enum finding_kind)k), 0) == 0)
			return true;
	return false;
}

static struct pattern *new_pattern(struct known *k, unsigned int line)
{
	xgrow(k->list, k->nr, k->cap);
	k->list[k->nr] = (struct pattern){ .line = line };
	return &k->list[k->nr++];
}

static bool read_line(struct known *k, char *s, unsigned int line, struct trace_error *err)
{
	struct pattern *p = NULL;
	char *save = NULL;

	for (char *word = strtok_r(s, " \t\r\n", &save); word;
	     word = strtok_r(NULL, " \t\r\n", &save)) {
		char *equals = strchr(word, '=');

		if (*word == '#')
			break;
		if (!p) {
			if (!kind_exists(word))
				return bad(k->path, line, err, "\"%.60s\" is no kind of finding",
					   word);
			p = new_pattern(k, line);
			p->kind = xstrdup(word);
			continue;
		}
		if (!equals || !set_key(p, word, (size_t)(equals - word), equals + 1))
			return bad(
				k->path, line, err,
				"\"%.60s\" is not device=, other=, event=, caller=, map-caller= or "
				"task= with a name, or dma=, phys= or size= with a number or a "
				"range",
				word);
	}
	return true;
}

static bool read_lines(struct known *k, FILE *f, struct trace_error *err)
{
	unsigned int nr = 0;
	char *line = NULL;
	size_t cap = 0;
	bool ok = true;

	while (ok && getline(&line, &cap, f) >= 0)
		ok = read_line(k, line, ++nr, err);
	free(line);
	return ok;
}

/* A name is compared as it is: wildcards in it get a backslash. Blanks are as in fingerprint(). */
static char *literal(const char *s)
{
	char *to = xmalloc(2 * strlen(s) + 1), *p = to;

	for (; *s; s++) {
		if (strchr("*?[\\", *s))
			*p++ = '\\';
		*p++ = *s == ' ' || *s == '\t' ? '_' : *s;
	}
	*p = '\0';
	return to;
}

static char *json_name(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? literal(s) : NULL;
}

/* The text of a finding ends with " [EVENT, CPU ...". */
static char *json_event(const json_t *o)
{
	const char *text = json_string_value(json_object_get(o, "text"));
	const char *from = NULL, *p = text;
	char *event, *is;

	while (p && (p = strstr(p, " ["))) {
		p += 2;
		if (strstr(p, ", CPU "))
			from = p;
	}
	if (!from)
		return NULL;
	event = xcheck(strndup(from, strcspn(from, ",")));
	is = literal(event);
	free(event);
	return is;
}

static bool read_json(struct known *k, FILE *f, struct trace_error *err)
{
	json_error_t why;
	json_t *array = json_loadf(f, 0, &why), *o;
	size_t i;

	if (!array || !json_is_array(array)) {
		bad(k->path, 0, err, "is not an array of findings in JSON: %s",
		    array ? "it is no array" : why.text);
		json_decref(array);
		return false;
	}
	json_array_foreach(array, i, o)
	{
		struct pattern *p = new_pattern(k, 0);

		p->kind = json_name(o, "kind");
		if (!p->kind || !kind_exists(p->kind)) {
			json_decref(array);
			return bad(k->path, 0, err, "finding %zu has no known \"kind\"", i + 1);
		}
		p->text[DEVICE] = json_name(o, "device");
		p->text[CALLER] = json_name(o, "caller");
		p->text[MAP_CALLER] = json_name(o, "map_caller");
		p->text[EVENT] = json_event(o);
	}
	json_decref(array);
	return true;
}

struct known *known_read(const char *path, enum finding_state state, struct trace_error *err)
{
	FILE *f = fopen(path, "re");
	struct known *k;
	int c;
	bool ok;

	if (!f) {
		bad(path, 0, err, "%s", strerror(errno));
		return NULL;
	}
	k = xcalloc(1, sizeof(*k));
	k->path = xstrdup(path);
	k->state = state;
	c = getc(f);
	ungetc(c, f);
	k->is_json = c == '[';
	ok = k->is_json ? read_json(k, f, err) : read_lines(k, f, err);
	if (ok && ferror(f))
		ok = bad(path, 0, err, "%s", strerror(errno));
	fclose(f);
	if (ok)
		return k;
	known_free(k);
	return NULL;
}

void known_free(struct known *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->nr; i++) {
		free(k->list[i].kind);
		for (int t = 0; t < NR_TEXTS; t++)
			free(k->list[i].text[t]);
	}
	free(k->list);
	free(k->path);
	free(k);
}

/* ---- matching ---- */

static bool matches_text(const char *pattern, const char *is)
{
	char name[FINGERPRINT_MAX];
	size_t n = 0;

	if (!pattern)
		return true;
	for (; is && is[n] && n < sizeof(name) - 1; n++)
		name[n] = is[n] == ' ' || is[n] == '\t' ? '_' : is[n];
	name[n] = '\0';
	return fnmatch(pattern, name, 0) == 0;
}

static bool matches(const struct pattern *p, const struct finding *f)
{
	const struct trace_event *ev = f->ev && f->ev->kind != TRACE_LOST ? f->ev : NULL;
	const char *const text[NR_TEXTS] = { f->device,
					     f->other,
					     ev ? ev->name : NULL,
					     ev ? ev->caller : NULL,
					     f->map_caller,
					     ev ? ev->task : NULL };
	const uint64_t value[NR_RANGES] = { f->dma, f->phys, f->size };

	if (fnmatch(p->kind, finding_name(f->kind), 0) != 0)
		return false;
	for (int i = 0; i < NR_TEXTS; i++)
		if (!matches_text(p->text[i], text[i]))
			return false;
	for (int i = 0; i < NR_RANGES; i++)
		if (p->has_range[i] && (value[i] < p->first[i] || value[i] > p->last[i]))
			return false;
	return true;
}

void known_apply(struct known *k, struct findings *fs)
{
	for (size_t i = 0; i < fs->nr; i++) {
		struct finding *f = &fs->list[i];

		for (size_t n = 0; f->state == FINDING_NEW && n < k->nr; n++) {
			if (!matches(&k->list[n], f))
				continue;
			k->list[n].matches++;
			f->state = k->state;
		}
	}
}

void known_report(const struct known *k, FILE *to)
{
	for (size_t i = 0; i < k->nr; i++)
		if (!k->list[i].matches && !k->is_json)
			fprintf(to, "dmah check: %s: note: line %u matches no finding\n", k->path,
				k->list[i].line);
}

/* ---- writing ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void known_note(struct known_lines *l, const struct findings *fs)
{
	char line[FINGERPRINT_MAX];

	for (size_t i = 0; i < fs->nr; i++) {
		fingerprint(&fs->list[i], line);
		xgrow(l->list, l->nr, l->cap);
		l->list[l->nr++] = xstrdup(line);
	}
}

bool known_write(FILE *to, struct known_lines *l)
{
	if (l->nr)
		qsort(l->list, l->nr, sizeof(*l->list), compare);
	fputs("# Findings of dmah check: a baseline. Each line is also one of a suppression "
	      "file.\n",
	      to);
	for (size_t i = 0; i < l->nr; i++)
		if (i == 0 || strcmp(l->list[i], l->list[i - 1]) != 0)
			fprintf(to, "%s\n", l->list[i]);
	return fflush(to) == 0 && !ferror(to);
}

void known_lines_free(struct known_lines *l)
{
	for (size_t i = 0; i < l->nr; i++)
		free(l->list[i]);
	free(l->list);
}
