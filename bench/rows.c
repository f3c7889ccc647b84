// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Makes the rows: not every case under all conditions, but those that the targets and plots need. */
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "message.h"
#include "row.h"
#include "series.h"

#define LAZY   DMAH_LAZY
#define STRICT DMAH_STRICT

bool have_case(const struct bench_case *c)
{
	return c->needs != NEEDS_PEER || linux_built(c->series);
}

const char *peer_versions(void)
{
	static char text[64];
	bool both = linux_built(&linux612) && linux_built(&linux73);

	snprintf(text, sizeof(text), "%s%s%s", linux_built(&linux612) ? linux612.version() : "",
		 both ? " and " : "", linux_built(&linux73) ? linux73.version() : "");
	return text[0] ? text : NULL;
}

/* ---- names ---- */

const char *row_case(const struct row *r, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s", r->c->name, r->two_domains ? "-2domains" : "");
	return buf;
}

const char *row_mode(const struct row *r)
{
	return machine_translated(r->kind) ? mode_name(r->mode) : "none";
}

void row_print_id(FILE *f, const struct row *r)
{
	char name[64];

	fprintf(f, "%s %s %s, %u live, %s%s, %u thread%s, %u bytes, %u ns",
		row_case(r, name, sizeof(name)), machine_name(r->kind), row_mode(r), r->live,
		r->fifo ? "fifo" : "random", r->serialised ? ", serialised" : "", r->threads,
		r->threads > 1 ? "s" : "", r->size, r->latency_ns);
}

const struct row *row_find_more(const struct rows *rows, const char *name, enum machine_kind kind,
				enum dmah_mode mode, uint32_t live, bool fifo, bool serialised,
				unsigned int threads, uint32_t latency_ns)
{
	char buf[64];

	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->list[i];

		if (!strcmp(row_case(r, buf, sizeof(buf)), name) && r->kind == kind &&
		    r->live == live && r->fifo == fifo && r->serialised == serialised &&
		    r->threads == threads && r->latency_ns == latency_ns &&
		    (!machine_translated(r->kind) || r->mode == mode) &&
		    (r->size == 4096 || !strncmp(name, "sync", 4) || r->c->segments) &&
		    (r->n || r->instructions >= 0))
			return r;
	}
	return NULL;
}

const struct row *row_find(const struct rows *rows, const char *name, enum machine_kind kind,
			   enum dmah_mode mode, uint32_t live, bool fifo, bool serialised)
{
	return row_find_more(rows, name, kind, mode, live, fifo, serialised, 1, 0);
}

/* ---- the list ---- */

struct row *row_add(struct rows *rows, const struct bench_case *c, enum machine_kind kind,
		    enum dmah_mode mode, uint32_t live)
{
	if (rows->n == rows->cap) {
		rows->cap = rows->cap ? 2 * rows->cap : 256;
		rows->list = must(realloc(rows->list, rows->cap * sizeof(*rows->list)));
	}
	rows->list[rows->n] = (struct row){ .c = c,
					    .kind = kind,
					    .mode = mode,
					    .live = live,
					    .threads = 1,
					    .size = 4096,
					    .fifo = c == &case_ring || c == &case_ring32,
					    .instructions = -1,
					    .overlap = 1 };
	return &rows->list[rows->n++];
}

/* Adds a row; without Linux's own code, rows of it go nowhere. */
static struct row *add(struct rows *rows, const struct bench_case *c, enum machine_kind kind,
		       enum dmah_mode mode, uint32_t live)
{
	static struct row none;

	if (!have_case(c))
		return &none;
	return row_add(rows, c, kind, mode, live);
}

/** struct combination - a case on a backend. */
struct combination {
	const struct bench_case *c;
	enum machine_kind kind;
};

/* Adds the rows of the headline: 1,024 live mappings in random order. */
static void add_headline(struct rows *rows)
{
	static const struct combination list[] = {
		{ &case_harness, MACHINE_NONE },
		{ &case_floor, MACHINE_NONE },
		{ &case_linux_arm, MACHINE_LPAE },
		{ &case_linux_vtd, MACHINE_VTD },
		{ &case_linux73_arm, MACHINE_LPAE },
		{ &case_linux73_vtd, MACHINE_VTD },
		{ &case_address_rbtree, MACHINE_VTD },
		{ &case_address_walk, MACHINE_VTD },
		{ &case_address_directory, MACHINE_VTD },
		{ &case_page, MACHINE_VTD },
		{ &case_handle, MACHINE_VTD },
		{ &case_handle, MACHINE_LPAE },
		{ &case_replace, MACHINE_VTD },
		{ &case_batch, MACHINE_VTD },
		{ &case_ring, MACHINE_VTD },
		{ &case_ring32, MACHINE_VTD },
	};

	for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct row *r = add(rows, list[i].c, list[i].kind, LAZY, 1024);

		r->quick = r->count = true;
		if (list[i].kind == MACHINE_NONE)
			continue;
		r = add(rows, list[i].c, list[i].kind, STRICT, 1024);
		r->count = true;
		r->quick = list[i].c == &case_handle || list[i].c->needs == NEEDS_PEER ||
			   list[i].c == &case_ring || list[i].c == &case_batch;
	}
	/* Rings are used in order: add the rows that they are compared with in that order. */
	for (unsigned int i = 0; i < 4; i++) {
		struct row *r = add(rows, list[i].c, list[i].kind, LAZY, 1024);

		r->fifo = r->quick = r->count = true;
	}
	add(rows, &case_handle, MACHINE_LPAE, LAZY, 1024)->fifo = true;
}

static void add_live(struct rows *rows)
{
	static const struct combination list[] = {
		{ &case_harness, MACHINE_NONE },
		{ &case_floor, MACHINE_NONE },
		{ &case_linux_arm, MACHINE_LPAE },
		{ &case_linux_vtd, MACHINE_VTD },
		{ &case_linux73_vtd, MACHINE_VTD },
		{ &case_address_walk, MACHINE_VTD },
		{ &case_address_directory, MACHINE_VTD },
		{ &case_page, MACHINE_VTD },
		{ &case_handle, MACHINE_VTD },
		{ &case_handle, MACHINE_LPAE },
		{ &case_ring, MACHINE_VTD },
	};
	static const uint32_t live[] = { 64, 256, 1024, 16384, 262144 };

	for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		bool ring = list[i].c == &case_ring;

		/* random order, throughput and serialised; fifo order, throughput */
		for (unsigned int k = 0; k < 3 * sizeof(live) / sizeof(live[0]); k++) {
			uint32_t n = live[k / 3];
			bool fifo = k % 3 == 2, serialised = k % 3 == 1;
			struct row *r;

			/* A ring has one order and at most 32,768 entries. Other rows are in the headline. */
			if ((ring && (n > 16384 || (fifo && n != 0))) ||
			    (fifo &&
			     (list[i].c == &case_address_walk || list[i].c == &case_page ||
			      list[i].kind == MACHINE_LPAE) &&
			     list[i].c != &case_linux_arm) ||
			    (n == 1024 && !serialised && (!fifo || i < 4)))
				continue;
			r = add(rows, list[i].c, list[i].kind, LAZY, n);
			r->fifo |= fifo;
			r->serialised = serialised;
			r->quick = n == 262144 && serialised && list[i].c != &case_page &&
				   list[i].c != &case_address_walk;
			/* bench/linux measures 256 live mappings in booted kernels. */
			r->count = (n == 262144 && serialised) || (n == 256 && !serialised);
		}
	}
}

/* Adds the other rows that bench/linux measures in kernels. */
static void add_kernel(struct rows *rows)
{
	static const struct bench_case *const list[] = { &case_handle, &case_ring, &case_ring32 };

	for (unsigned int i = 0; i < 3; i++)
		add(rows, list[i], MACHINE_VTD, STRICT, 256)->count = true;
	add(rows, &case_ring32, MACHINE_VTD, LAZY, 256)->count = true;
}

static void add_threads(struct rows *rows)
{
	/* The threads of the first two share nothing: their loss is that of the computer. */
	static const struct combination list[] = {
		{ &case_harness, MACHINE_NONE },    { &case_floor, MACHINE_NONE },
		{ &case_linux_arm, MACHINE_LPAE },  { &case_linux_vtd, MACHINE_VTD },
		{ &case_linux73_vtd, MACHINE_VTD }, { &case_address_directory, MACHINE_VTD },
		{ &case_handle, MACHINE_VTD },	    { &case_handle, MACHINE_LPAE },
		{ &case_batch, MACHINE_VTD },	    { &case_ring, MACHINE_VTD },
	};

	for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		for (unsigned int k = 0; k < 4; k++) {
			bool strict = k & 2;
			struct row *r;

			if (k && list[i].kind == MACHINE_NONE)
				continue;
			if (!k) {
				r = add(rows, list[i].c, list[i].kind, LAZY, 16384);
				r->threads = 2;
				r->quick = list[i].c == &case_handle ||
					   list[i].c->needs == NEEDS_PEER;
			}
			r = add(rows, list[i].c, list[i].kind, strict ? STRICT : LAZY, 1024);
			r->threads = 2;
			r->two_domains = k & 1;
			r->quick = !strict && !r->two_domains &&
				   (list[i].c == &case_handle || list[i].c == &case_linux_arm ||
				    list[i].c == &case_linux_vtd || list[i].kind == MACHINE_NONE);
		}
	}
}

/* Adds latencies above 0; the headline has those of 0. */
static void add_latency(struct rows *rows)
{
	static const struct combination list[] = {
		{ &case_linux_arm, MACHINE_LPAE },  { &case_linux_vtd, MACHINE_VTD },
		{ &case_linux73_vtd, MACHINE_VTD }, { &case_handle, MACHINE_VTD },
		{ &case_batch, MACHINE_VTD },	    { &case_ring, MACHINE_VTD },
		{ &case_ring32, MACHINE_VTD },
	};

	for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		add(rows, list[i].c, list[i].kind, STRICT, 1024)->latency_ns = 200;
		add(rows, list[i].c, list[i].kind, STRICT, 1024)->latency_ns = 1000;
		rows->list[rows->n - 1].quick |= list[i].c == &case_batch;
		/* Two CPUs that wait for one queue. */
		add(rows, list[i].c, list[i].kind, STRICT, 1024)->latency_ns = 1000;
		rows->list[rows->n - 1].threads = 2;
	}
}

static void add_syncs(struct rows *rows)
{
	static const struct combination list[] = {
		{ &case_harness_sync, MACHINE_NONE },
		{ &case_linux_sync, MACHINE_VTD },
		{ &case_linux73_sync, MACHINE_VTD },
		{ &case_linux_bounced_sync, MACHINE_BOUNCE },
		{ &case_linux73_bounced_sync, MACHINE_BOUNCE },
		{ &case_sync_nothing, MACHINE_VTD },
		{ &case_sync_noncoherent, MACHINE_VTD },
		{ &case_sync_bounced, MACHINE_BOUNCE },
		{ &case_sync_bounced_copy, MACHINE_BOUNCE },
		{ &case_sync_untrusted, MACHINE_VTD },
		{ &case_sync_untrusted_bounced, MACHINE_VTD },
	};
	static const struct bench_case *const copies[] = { &case_sync_bounced_copy,
							   &case_linux_bounced_sync,
							   &case_linux73_bounced_sync };

	for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct row *r = add(rows, list[i].c, list[i].kind,
				    list[i].c->untrusted ? STRICT : LAZY, 1024);

		r->quick = r->count = true;
		if (list[i].c == &case_sync_untrusted_bounced)
			r->size = 1536;
	}
	/* Half the bytes: what does not grow with the bytes is the cost without the copy. */
	for (unsigned int i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		struct row *r = add(rows, copies[i], MACHINE_BOUNCE, LAZY, 1024);

		r->quick = r->count = true;
		r->size = 2048;
	}
}

static void add_sizes(struct rows *rows)
{
	static const struct combination list[] = {
		{ &case_linux_arm, MACHINE_LPAE },  { &case_linux_vtd, MACHINE_VTD },
		{ &case_linux73_vtd, MACHINE_VTD }, { &case_address_directory, MACHINE_VTD },
		{ &case_handle, MACHINE_VTD },	    { &case_handle, MACHINE_LPAE },
	};
	/* all other rows have 4 KiB */
	static const uint32_t size[] = { 1536, 64u << 10, 2u << 20 };

	for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		for (unsigned int k = 0; k < 3; k++) {
			/* So few of 2 MiB that lazily unmapped ones fit a 4 GiB aperture beside the live ones. */
			struct row *r = add(rows, list[i].c, list[i].kind, LAZY,
					    size[k] > 65536 ? 256 : 1024);

			r->count = true;
			r->size = size[k];
		}
	}
}

/* Adds a vector of each kind of page tables in each mode, and Linux's ways to map as many pages. */
static void add_vectors(struct rows *rows)
{
	static const struct bench_case *const list[] = {
		&case_vec1,	     &case_vec8,	  &case_vec128,
		&case_linux_sg1,     &case_linux_sg8,	  &case_linux_sg128,
		&case_linux73_sg1,   &case_linux73_sg8,	  &case_linux73_sg128,
		&case_linux73_link1, &case_linux73_link8, &case_linux73_link128,
	};

	for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		for (unsigned int k = 0; k < 4; k++) {
			struct row *r;

			/* Of 7.3, the page tables that are generic_pt. */
			if (list[i]->series == &linux73 && k & 1)
				continue;
			r = add(rows, list[i], k & 1 ? MACHINE_LPAE : MACHINE_VTD,
				k & 2 ? STRICT : LAZY, 64);
			r->size = list[i]->segments * 4096;
			r->count = true;
		}
	}
}

static void add_backends(struct rows *rows)
{
	static const enum machine_kind kinds[] = { MACHINE_DIRECT, MACHINE_BOUNCE, MACHINE_XEN };

	for (unsigned int i = 0; i < 3; i++) {
		add(rows, &case_handle, kinds[i], STRICT, 1024)->count = true;
		add(rows, &case_address_directory, kinds[i], STRICT, 1024)->count = true;
	}
	add_vectors(rows);
	add(rows, &case_linux_direct, MACHINE_DIRECT, STRICT, 1024)->count = true;
	add(rows, &case_linux73_direct, MACHINE_DIRECT, STRICT, 1024)->count = true;
	add(rows, &case_linux_bounce, MACHINE_BOUNCE, STRICT, 1024)->count = true;
	add(rows, &case_linux73_bounce, MACHINE_BOUNCE, STRICT, 1024)->count = true;
}

void rows_make(struct rows *rows, const struct options *opt)
{
	size_t n = 0;

	add_headline(rows);
	add_live(rows);
	add_kernel(rows);
	add_threads(rows);
	add_latency(rows);
	add_syncs(rows);
	add_sizes(rows);
	add_backends(rows);
	for (size_t i = 0; i < rows->n; i++)
		if ((!opt->quick || rows->list[i].quick) &&
		    (!opt->only || rows->list[i].c == opt->only) &&
		    (!opt->live || rows->list[i].live == opt->live))
			rows->list[n++] = rows->list[i];
	rows->n = n;
}
