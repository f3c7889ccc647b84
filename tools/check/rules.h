/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Shared by the rules: the state of a check, and how a rule reports what it found. */
#ifndef DMAH_TOOLS_CHECK_RULES_H
#define DMAH_TOOLS_CHECK_RULES_H

#include "check.h"
#include "state.h"

/**
 * struct check - one check of one trace
 * @t: trace
 * @opt: options
 * @fs: findings so far
 * @s: live mappings
 * @unit: "line", or "record" of a trace.dat
 * @lost: events are missing before the present one
 * @pages_have_dir: the trace's kernel records the direction of dma_alloc_pages()
 * @ev: present event
 */
struct check {
	struct trace *t;
	const struct check_options *opt;
	struct findings *fs;
	struct state s;
	const char *unit;
	bool lost;
	bool pages_have_dir;
	const struct trace_event *ev;
};

/** enum doubt - why an error may be none */
enum doubt {
	SURE, /* the record shows all of it */
	UNSEEN, /* a mapping made before the record began would explain it */
	DROPPED, /* a record that is too long for the ring buffer would explain it */
	CONCEDED_SKIP, /* the new mapping has SKIP_CPU_SYNC */
	CONCEDED_LINES, /* both mappings have CACHELINES_OVERLAP or REQUIRE_COHERENT */
};

static inline struct device *device_of(struct check *c, const struct trace_event *ev)
{
	return &c->s.devices[ev->device];
}

/** downgrade() - Returns why an error with this doubt is only noted, or NULL: it is an error. */
const char *downgrade(const struct check *c, enum doubt doubt);

/**
 * error() - report an error at the present event, or a note if there is reason to doubt
 * @c: check
 * @kind: kind
 * @doubt: reason to doubt
 * @map: event that made the mapping concerned, or NULL
 */
__attribute__((format(printf, 5, 6))) void error(struct check *c, enum finding_kind kind,
						 enum doubt doubt, const struct trace_event *map,
						 const char *fmt, ...);

/** note() - report at the present event something that is no error */
__attribute__((format(printf, 4, 5))) void
note(struct check *c, enum finding_kind kind, const struct trace_event *map, const char *fmt, ...);

/** failed_map() - report the use of an address that a failed map returned; @f may be NULL */
void failed_map(struct check *c, struct failed *f, const char *verb);

/**
 * describe_near() - describe the surroundings of an address at which no mapping begins
 * @c: check
 * @dma: address
 * @to: filled in: " inside the mapping of ...", or "; " and the mapping of another device at that
 *	address, or "; " and the nearest mapping; or empty
 * @n: size of @to
 *
 * Return: the event of the mapping that is named, or NULL.
 */
const struct trace_event *describe_near(struct check *c, uint64_t dma, char *to, size_t n);

/** is_failed_address() - Returns true for an address that a failed map of the device returned. */
bool is_failed_address(const struct device *dev, uint64_t dma);

/* One function for each effect of an event; the event is c->ev. */
void rule_map(struct check *c);
void rule_unmap(struct check *c);
void rule_sync(struct check *c);

/** rule_overlap() - compare a new mapping with the memory of the others, and of itself */
void rule_overlap(struct check *c, struct mapping *m);

/** rule_reused() - a new mapping was given addresses of @m's device that others still have */
void rule_reused(struct check *c, struct mapping *m);

/** rule_end() - report what only the end of the trace shows */
void rule_end(struct check *c);

#endif
