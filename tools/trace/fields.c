// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Fields of a DMA event: as the kernel prints them ("0000:00:02.0 dir=TO_DEVICE dma_addr=..."), or
 * raw, as tracefs does with options/fields ("device=... size=0x800 (2048)") and trace-cmd report -R.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include "scan.h"
#include "text.h"
#include "xalloc.h"

/* sizes={} or lengths=: a field of its own in the text */
#define EV_LENS (1u << 30)

static int bad(const struct trace *t, struct trace_error *err, const char *name, const char *what)
{
	return trace_fail(t, err, "line %" PRIu64 ": %s: %s", t->line, name, what);
}

/* Returns true at the end of a value: a space, or the end of the line. */
static bool at_end(const char *s)
{
	return *s == ' ' || *s == '\0';
}

static bool list64(const char **p, uint64_t **v, uint32_t *nr, uint32_t *cap)
{
	const char *s = *p;

	*nr = 0;
	if (*s++ != '{')
		return false;
	while (*s != '}') {
		uint64_t x;

		if (*nr && *s++ != ',')
			return false;
		if (!scan_hex(&s, &x))
			return false;
		xgrow(*v, *nr, *cap);
		(*v)[(*nr)++] = x;
	}
	*p = s + 1;
	return true;
}

static bool list32(const char **p, uint32_t **v, uint32_t *nr, uint32_t *cap)
{
	const char *s = *p;

	*nr = 0;
	if (*s++ != '{')
		return false;
	while (*s != '}') {
		uint64_t x;

		if (*nr && *s++ != ',')
			return false;
		if (!scan_hex(&s, &x) || x > UINT32_MAX)
			return false;
		xgrow(*v, *nr, *cap);
		(*v)[(*nr)++] = (uint32_t)x;
	}
	*p = s + 1;
	return true;
}

static bool direction(const char *s, size_t len, struct trace_event *ev, bool lenient)
{
	for (enum trace_dir d = 0; d < TRACE_DIR_UNKNOWN; d++) {
		const char *name = trace_dir_name(d);

		if (strlen(name) == len && memcmp(name, s, len) == 0) {
			ev->dir = d;
			return true;
		}
	}
	ev->dir = TRACE_DIR_UNKNOWN;
	return lenient;
}

/* Read "WEAK_ORDERING|SKIP_CPU_SYNC"; bits without a name are printed as "0x10000". */
static bool attributes(const char *s, size_t len, struct trace_event *ev)
{
	const char *end = s + len;

	while (s < end) {
		const char *bar = memchr(s, '|', (size_t)(end - s));
		const char *to = bar ? bar : end;
		uint64_t v;

		if (to == s)
			return false;
		if (isdigit((unsigned char)*s)) {
			if (!scan_hex(&s, &v) || s != to)
				return false;
			ev->attrs |= v;
		} else {
			for (const char *c = s; c < to; c++)
				if (!isalnum((unsigned char)*c) && *c != '_')
					return false;
			ev->attrs |= event_attr(s, (size_t)(to - s));
		}
		s = bar ? bar + 1 : end;
		if (bar && s == end)
			return false;
	}
	return true;
}

/* Read "128/187". */
static bool count(const char **p, uint32_t *shown, uint32_t *full)
{
	uint64_t a, b;

	if (!scan_decimal(p, &a) || *(*p)++ != '/' || !scan_decimal(p, &b) || a > b ||
	    b > UINT32_MAX)
		return false;
	*shown = (uint32_t)a;
	*full = (uint32_t)b;
	return true;
}

struct shown {
	uint32_t nents, ents, nr_lens;
};

/* One "key=value". Return: the EV_* bits it fills, 0 for a key that is not known, -1. */
static int field(struct trace *t, const char *key, size_t klen, const char **p,
		 struct trace_event *ev, unsigned int fields, struct shown *sh)
{
	const char *s = *p;
	bool ok = true;
	uint64_t v;
	int bits;

#define IS(name) (klen == sizeof(name) - 1 && memcmp(key, name, klen) == 0)
	if (IS("dir")) {
		s += strcspn(s, " ");
		ok = direction(*p, (size_t)(s - *p), ev, fields & EV_NODIR);
		bits = EV_DIR;
	} else if (IS("dma_addr")) {
		ok = scan_hex(&s, &ev->dma);
		bits = EV_DMA;
	} else if (IS("size")) {
		ok = scan_decimal(&s, &ev->size);
		bits = EV_SIZE;
	} else if (IS("phys_addr")) {
		ok = scan_hex(&s, &ev->phys);
		bits = EV_PHYS;
	} else if (IS("attrs")) {
		s += strcspn(s, " ");
		ok = attributes(*p, (size_t)(s - *p), ev);
		bits = EV_ATTRS;
	} else if (IS("virt_addr")) {
		/* "(____ptrval____)" is a hash not yet ready; "(null)" is no memory */
		if (*s == '(') {
			ev->has_virt = strncmp(s, "(null)", 6) == 0;
			s += strcspn(s, " ");
			ok = s[-1] == ')';
		} else {
			ok = scan_hex(&s, &ev->virt);
			ev->has_virt = true;
		}
		bits = EV_VIRT;
	} else if (IS("flags")) {
		/* names in all bundled kernels: their bits differ by kernel, so they are not kept */
		if (s[0] == '0' && s[1] == 'x')
			ok = scan_hex(&s, &ev->gfp);
		s += strcspn(s, " ");
		bits = EV_GFP;
	} else if (IS("phys_addrs") || (IS("dma_addrs") && (fields & EV_PDMAS))) {
		ok = list64(&s, &t->physs, &ev->nr_phys, &t->cap_physs);
		bits = EV_PHYSS | EV_PDMAS;
	} else if (IS("dma_addrs")) {
		ok = list64(&s, &t->dmas, &ev->nr_dma, &t->cap_dmas);
		bits = EV_DMAS;
	} else if (IS("sizes")) {
		ok = list32(&s, &t->lens, &sh->nr_lens, &t->cap_lens);
		bits = EV_LENS;
	} else if (IS("err")) {
		ok = *s == '-' ? (s++, true) : true;
		ok = scan_decimal(&s, &v) && v < 4096;
		ev->error = ok && **p == '-' ? -(int)v : (int)(ok ? v : 0);
		bits = EV_ERR;
	} else if (IS("nents")) {
		ok = count(&s, &sh->nents, &ev->nents);
		bits = EV_NENTS;
	} else if (IS("ents")) {
		ok = count(&s, &sh->ents, &ev->ents);
		bits = EV_NENTS;
	} else {
		s += strcspn(s, " ");
		bits = 0;
	}
#undef IS
	if (!ok || !at_end(s))
		return -1;
	*p = s;
	return bits;
}

/* Skip "[TRUNCATED]": nents and ents tell the same. */
static bool truncated(const char **p)
{
	static const char word[] = "[TRUNCATED]";

	if (strncmp(*p, word, sizeof(word) - 1) != 0)
		return false;
	*p += sizeof(word) - 1;
	return at_end(*p);
}

/* ---- raw fields ---- */

/* Read "0x800 (2048)", "0x800", "2048" or "symbol+0x8/0x20 (18446744071579410432)". */
static bool raw_number(const char **p, uint64_t *v)
{
	const char *s = *p, *end = s + strcspn(s, " ");
	bool minus, ok;

	if (end[0] == ' ' && end[1] == '(') {
		s = end + 2;
		minus = *s == '-';
		s += minus;
		ok = scan_decimal(&s, v) && *s == ')';
		if (minus)
			*v = -*v;
		*p = s + 1;
		return ok;
	}
	minus = *s == '-';
	s += minus;
	ok = s[0] == '0' && s[1] == 'x' ? scan_hex(&s, v) : scan_decimal(&s, v);
	if (minus)
		*v = -*v;
	*p = s;
	return ok && s == end;
}

/* Read bytes of the machine's memory, "00,50,00" or "ARRAY[00, 50, 00]", as numbers of @size bytes. */
static bool raw_array(const char **p, unsigned int size, bool (*add)(void *to, uint64_t v),
		      void *to)
{
	const char *s = *p;
	bool brackets = strncmp(s, "ARRAY[", 6) == 0;
	unsigned int at = 0;
	uint64_t v = 0;

	if (brackets)
		s += 6;
	while (isxdigit((unsigned char)*s)) {
		uint64_t byte;

		if (!scan_hex(&s, &byte) || byte > 0xff)
			return false;
		v |= byte << (8 * at);
		if (++at == size) {
			if (!add(to, v))
				return false;
			at = 0;
			v = 0;
		}
		if (*s == ',')
			s = brackets ? scan_skip(s + 1) : s + 1;
	}
	if (brackets && *s++ != ']')
		return false;
	*p = s;
	return at == 0;
}

struct list {
	struct trace *t;
	uint64_t **v64;
	uint32_t **v32;
	uint32_t *nr, *cap;
};

static bool add_number(void *to, uint64_t v)
{
	struct list *l = to;

	if (l->v64) {
		xgrow(*l->v64, *l->nr, *l->cap);
		(*l->v64)[(*l->nr)++] = v;
	} else {
		xgrow(*l->v32, *l->nr, *l->cap);
		(*l->v32)[(*l->nr)++] = (uint32_t)v;
	}
	return true;
}

struct raw_name {
	const char *name;
	unsigned int bit;
};

/* Names of the fields in the kernel's records, for all DMA events */
static const struct raw_name raw_names[] = {
	{ "dir", EV_DIR },	    { "size", EV_SIZE },       { "phys_addr", EV_PHYS },
	{ "dma_addr", EV_DMA },	    { "addr", EV_DMA },	       { "attrs", EV_ATTRS },
	{ "virt_addr", EV_VIRT },   { "flags", EV_GFP },       { "err", EV_ERR },
	{ "full_nents", EV_NENTS }, { "full_ents", EV_NENTS }, { "phys_addrs", EV_PHYSS },
	{ "addrs", EV_PHYSS },	    { "dma_addrs", EV_DMAS },  { "lengths", EV_LENS },
};

static unsigned int raw_bit(const char *key, size_t len)
{
	for (size_t i = 0; i < sizeof(raw_names) / sizeof(raw_names[0]); i++)
		if (strlen(raw_names[i].name) == len && memcmp(raw_names[i].name, key, len) == 0)
			return raw_names[i].bit;
	return 0;
}

static bool raw_dir(uint64_t v, struct trace_event *ev, bool lenient)
{
	ev->dir = v > TRACE_NONE ? TRACE_DIR_UNKNOWN : (enum trace_dir)v;
	return v <= TRACE_NONE || lenient;
}

/* Read one raw "key=value". Return: the EV_* bits it fills, 0 for an unknown key, -1. */
static int raw_field(struct trace *t, const char *key, size_t klen, const char **p,
		     struct trace_event *ev, unsigned int fields, struct shown *sh)
{
	struct list physs = { t, &t->physs, NULL, &ev->nr_phys, &t->cap_physs };
	struct list dmas = { t, &t->dmas, NULL, &ev->nr_dma, &t->cap_dmas };
	struct list lens = { t, NULL, &t->lens, &sh->nr_lens, &t->cap_lens };
	unsigned int bit = raw_bit(key, klen);
	uint64_t v = 0;
	bool ok;

	switch (bit) {
	case 0:
		*p += strcspn(*p, " ");
		if (strncmp(*p, " (", 2) == 0)
			*p += 1 + strcspn(*p + 1, " ");
		return 0;
	case EV_PHYSS:
		ok = raw_array(p, 8, add_number, &physs);
		break;
	case EV_DMAS:
		ok = raw_array(p, 8, add_number, &dmas);
		break;
	case EV_LENS:
		ok = raw_array(p, 4, add_number, &lens);
		break;
	default:
		ok = raw_number(p, &v);
		break;
	}
	if (!ok || !at_end(*p))
		return -1;
	switch (bit) {
	case EV_DIR:
		ok = raw_dir(v, ev, fields & EV_NODIR);
		break;
	case EV_SIZE:
		ev->size = v;
		break;
	case EV_PHYS:
		ev->phys = v;
		break;
	case EV_DMA:
		ev->dma = v;
		break;
	case EV_ATTRS:
		ev->attrs = v;
		break;
	case EV_VIRT:
		ev->virt = v;
		ev->has_virt = true;
		break;
	case EV_GFP:
		ev->gfp = v;
		break;
	case EV_ERR:
		ev->error = (int)(int32_t)v;
		break;
	case EV_NENTS:
		if (v > UINT32_MAX)
			return -1;
		if (key[5] == 'n')
			ev->nents = (uint32_t)v;
		else
			ev->ents = (uint32_t)v;
		break;
	default:
		break;
	}
	return ok ? (int)bit : -1;
}

/* Returns the end of a device's name: the space before the next "key=". A name may hold spaces. */
static const char *raw_device_end(const char *s)
{
	for (const char *p = strchr(s, ' '); p; p = strchr(p + 1, ' ')) {
		size_t n = 1;

		while (islower((unsigned char)p[n]) || p[n] == '_')
			n++;
		if (n > 1 && p[n] == '=')
			return p;
	}
	return NULL;
}

/* ---- the event ---- */

static int check_complete(struct trace *t, const struct event_desc *d, unsigned int missing,
			  struct trace_error *err)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} names[] = {
		{ EV_DIR, "dir" },	  { EV_DMA, "dma_addr" },     { EV_SIZE, "size" },
		{ EV_PHYS, "phys_addr" }, { EV_PHYSS, "phys_addrs" }, { EV_DMAS, "dma_addrs" },
		{ EV_LENS, "sizes" },	  { EV_ERR, "err" },	      { EV_VIRT, "virt_addr" },
		{ EV_GFP, "flags" },	  { EV_ATTRS, "attrs" },      { EV_PDMAS, "dma_addrs" },
	};
	char what[80];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(names[i].bit & missing))
			continue;
		snprintf(what, sizeof(what), "no %s=: the line is cut off or damaged",
			 names[i].name);
		return bad(t, err, d->name, what);
	}
	return 1;
}

static int check_lists(struct trace *t, const struct event_desc *d, const struct trace_event *ev,
		       const struct shown *sh, bool shown, struct trace_error *err)
{
	if ((d->fields & EV_DMAS) && ev->nr_dma != sh->nr_lens)
		return bad(t, err, d->name, "dma_addrs and sizes differ in length");
	if (shown && (sh->nents != ev->nr_phys || sh->ents != ev->nr_dma))
		return bad(t, err, d->name, "the lists are not as long as nents and ents say");
	if (d->kind == TRACE_MAP_SG && (ev->nr_phys == 0 || ev->nr_dma == 0))
		return bad(t, err, d->name, "an empty scatter list");
	return 1;
}

/* Read all "key=value" from @p on. Return: the EV_* bits that were filled, or -1. */
static int read_all(struct trace *t, const struct event_desc *d, const char *p, bool raw,
		    struct trace_event *ev, struct shown *sh, struct trace_error *err)
{
	int have = 0;

	for (p = scan_skip(p); *p; p = scan_skip(p)) {
		const char *key = p;
		size_t klen;
		int bits;
		char what[80];

		if (truncated(&p))
			continue;
		p += strcspn(p, "= ");
		klen = (size_t)(p - key);
		if (*p != '=' || klen == 0) {
			snprintf(what, sizeof(what), "\"%.*s\" is not a field",
				 (int)(klen < 40 ? klen : 40), key);
			return bad(t, err, d->name, what);
		}
		p++;
		bits = raw ? raw_field(t, key, klen, &p, ev, d->fields, sh)
			   : field(t, key, klen, &p, ev, d->fields, sh);
		if (bits < 0) {
			snprintf(what, sizeof(what),
				 "bad value of %.*s=", (int)(klen < 40 ? klen : 40), key);
			return bad(t, err, d->name, what);
		}
		have |= bits;
	}
	return have;
}

int fields_read(struct trace *t, const struct event_desc *d, const char *s, struct trace_event *ev,
		struct trace_error *err)
{
	/* the lists have two fields in the text, dma_addrs={} and sizes={} */
	unsigned int want = d->fields & ~(EV_NENTS | EV_NODIR);
	bool raw = strncmp(s, "device=", 7) == 0;
	struct shown sh = { 0, 0, 0 };
	const char *p, *dma;
	int have;

	if (d->fields & EV_DMAS)
		want |= EV_LENS;
	if (d->fields & EV_NODIR)
		want &= ~EV_DIR;
	if (raw)
		want &= ~EV_PDMAS;
	if (*s == '[' && strncmp(s, "[FAILED TO PARSE]", 17) == 0)
		return bad(t, err, d->name,
			   "trace-cmd report and perf script cannot print the lists of this event: "
			   "give the trace.dat itself, or record with dmah record");
	if (raw) {
		s += 7;
		p = raw_device_end(s);
	} else {
		/* dev_name() may hold spaces; the first field after it is one of these two */
		p = strstr(s, " dir=");
		dma = strstr(s, " dma_addr=");
		if (!p || (dma && dma < p))
			p = dma;
	}
	if (!p || p == s)
		return bad(t, err, d->name, "no device, or cut off");
	for (dma = p; dma > s && dma[-1] == ' ';)
		dma--;
	ev->device = intern(&t->devices, s, (size_t)(dma - s));
	have = read_all(t, d, p, raw, ev, &sh, err);
	if (have < 0)
		return -1;
	if (check_complete(t, d, want & ~(unsigned int)have, err) < 0 ||
	    check_lists(t, d, ev, &sh, !raw && (unsigned int)have & EV_NENTS, err) < 0)
		return -1;
	if ((unsigned int)have & EV_NENTS)
		t->info.has_counts = true;
	/* the text may have lists that this event has none of */
	if (!(d->fields & EV_DMAS))
		ev->nr_dma = 0;
	if (!(d->fields & EV_PHYSS))
		ev->nr_phys = 0;
	ev->physs = ev->nr_phys ? t->physs : NULL;
	ev->dmas = ev->nr_dma ? t->dmas : NULL;
	ev->lens = ev->nr_dma ? t->lens : NULL;
	event_finish(ev, d->fields);
	return 1;
}
