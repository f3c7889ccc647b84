/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The events of probes in the binary records of a trace.dat. */
#ifndef DMAH_TOOLS_TRACE_DAT_PROBES_H
#define DMAH_TOOLS_TRACE_DAT_PROBES_H

#include <traceevent/event-parse.h>
#include "probes.h"

#define MOST_PROBES 128

/** struct dat_probe - one event and its fields, NULL where it has none */
struct dat_probe {
	struct probe is;
	struct tep_event *event;
	struct tep_format_field *dev, *list, *f[NR_PROBE_KEYS];
};

/** struct dat_probes - those that the file describes; zero is none */
struct dat_probes {
	struct tep_handle *tep;
	struct dat_probe p[MOST_PROBES];
	int nr;
	struct tep_event *map; /* iommu:map */
	struct tep_format_field *iova, *size;
};

void dat_probes_resolve(struct dat_probes *ps, struct tep_handle *tep);

/**
 * dat_probes_read() - read a record
 * @ps: from dat_probes_resolve()
 * @rec: the record
 * @p: filled in; its device is a place in the record
 *
 * Return: 1, 0: not an event of a probe, -1: something lies outside the record.
 */
int dat_probes_read(struct dat_probes *ps, struct tep_record *rec, struct probe *p);

/** dat_probes_iova() - read the address and size of iommu:map. Returns false for another record. */
bool dat_probes_iova(struct dat_probes *ps, struct tep_record *rec, uint64_t *iova, uint64_t *size);

#endif
