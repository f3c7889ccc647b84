// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include "dat_probes.h"

static void add(struct dat_probes *ps, const char *name)
{
	struct dat_probe *p = &ps->p[ps->nr];

	if (ps->nr == MOST_PROBES || !probe_find(name, strlen(name), &p->is))
		return;
	p->event = tep_find_event_by_name(ps->tep, NULL, name);
	if (!p->event)
		return;
	p->dev = tep_find_field(p->event, "dev");
	p->list = tep_find_field(p->event, "list");
	for (int k = 0; k < NR_PROBE_KEYS; k++)
		p->f[k] = tep_find_field(p->event, probe_key_name((enum probe_key)k));
	ps->nr++;
}

void dat_probes_resolve(struct dat_probes *ps, struct tep_handle *tep)
{
	char name[64];

	ps->tep = tep;
	for (const struct probe_desc *d = probe_table(); d->name; d++) {
		add(ps, d->name);
		snprintf(name, sizeof(name), "%s_ret", d->name);
		add(ps, name);
		for (int i = 1; d->list && i < PROBE_CHUNKS; i++) {
			snprintf(name, sizeof(name), "%s_%d", d->name, i * PROBE_CHUNK);
			add(ps, name);
		}
	}
	ps->map = tep_find_event_by_name(tep, "iommu", "map");
	ps->iova = ps->map ? tep_find_field(ps->map, "iova") : NULL;
	ps->size = ps->map ? tep_find_field(ps->map, "size") : NULL;
}

static bool inside(const struct tep_record *rec, const struct tep_format_field *f)
{
	return f->offset >= 0 && f->size >= 0 && f->offset <= rec->size - f->size;
}

static bool number(struct tep_record *rec, struct tep_format_field *f, uint64_t *v)
{
	unsigned long long n;

	if (!inside(rec, f) || tep_read_number_field(f, rec->data, &n) < 0)
		return false;
	if (f->flags & TEP_FIELD_IS_SIGNED && f->size == 4)
		n = (unsigned long long)(int64_t)(int32_t)n;
	*v = n;
	return true;
}

static bool device(struct tep_record *rec, const struct dat_probe *dp, struct probe *p)
{
	uint64_t where;
	size_t at, len;

	if (!number(rec, dp->dev, &where))
		return false;
	at = where & 0xffff;
	len = where >> 16 & 0xffff;
	if (at + len > (size_t)rec->size)
		return false;
	p->dev = (const char *)rec->data + at;
	p->dev_len = strnlen(p->dev, len);
	/* The kernel writes this instead of a name that it could not read. */
	if (p->dev_len == 7 && memcmp(p->dev, "(fault)", 7) == 0)
		p->dev_len = 0;
	return true;
}

static bool list(struct dat_probes *ps, struct tep_record *rec, const struct dat_probe *dp,
		 struct probe *p)
{
	const char *from = (const char *)rec->data + dp->list->offset;

	if (!inside(rec, dp->list))
		return false;
	p->nr_list = (uint32_t)dp->list->size / 8;
	if (p->nr_list > PROBE_LIST)
		p->nr_list = PROBE_LIST;
	for (uint32_t i = 0; i < p->nr_list; i++)
		p->list[i] = tep_read_number(ps->tep, from + (size_t)i * 8, 8);
	return true;
}

int dat_probes_read(struct dat_probes *ps, struct tep_record *rec, struct probe *p)
{
	const struct dat_probe *dp = NULL;
	int type;

	if (!ps->nr)
		return 0;
	type = tep_data_type(ps->tep, rec);
	for (int i = 0; i < ps->nr && !dp; i++)
		if (ps->p[i].event->id == type)
			dp = &ps->p[i];
	if (!dp)
		return 0;
	*p = dp->is;
	if ((dp->dev && !device(rec, dp, p)) || (dp->list && !list(ps, rec, dp, p)))
		return -1;
	for (int k = 0; k < NR_PROBE_KEYS; k++) {
		if (!dp->f[k])
			continue;
		if (!number(rec, dp->f[k], &p->v[k]))
			return -1;
		p->have |= 1u << k;
	}
	return 1;
}

bool dat_probes_iova(struct dat_probes *ps, struct tep_record *rec, uint64_t *iova, uint64_t *size)
{
	*size = 0;
	if (!ps->iova || tep_data_type(ps->tep, rec) != ps->map->id || !number(rec, ps->iova, iova))
		return false;
	return !ps->size || number(rec, ps->size, size);
}
