// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Groups: devices that no IOMMU can keep apart, since they share an id, or since a request of one can reach the other below
 * the IOMMU. PCI Express: Access Control Services (Base Specification, section 6.12).
 */
#include <stdlib.h>
#include "tables.h"

#define EXPRESS_CAP	0x10u
#define TYPE_ENDPOINT	0u
#define TYPE_ROOT_PORT	4u
#define TYPE_UPSTREAM	5u
#define TYPE_DOWNSTREAM 6u
#define TYPE_TO_PCI	7u
#define TYPE_CHIP	9u
#define NOT_EXPRESS	~0u
#define ACS_CAP		0x000du
/* Source validation, request and completion redirect, upstream forwarding. */
#define ACS_NEEDED     0x1du
#define ACS_BETWEEN    0x0cu
#define MANY_FUNCTIONS (1u << 23)

static uint32_t reg(const struct machine *m, const struct function *f, unsigned int at)
{
	uint32_t value;

	return config_read(&m->pci, f->segment, f->bdf, at, &value) ? value : 0;
}

static unsigned int express_type(const struct machine *m, const struct function *f)
{
	unsigned int at = reg(m, f, 0x34) & 0xfc;

	if (!(reg(m, f, 0x04) & 1u << 20))
		return NOT_EXPRESS;
	for (unsigned int n = 0; n < 48 && at >= 0x40; n++) {
		uint32_t value = reg(m, f, at);

		if ((value & 0xff) == EXPRESS_CAP)
			return value >> 20 & 15;
		at = value >> 8 & 0xfc;
	}
	return NOT_EXPRESS;
}

/* Enabled services of the ACS capability; 0: the function has none. */
static uint32_t acs(const struct machine *m, const struct function *f)
{
	unsigned int at = 0x100;

	for (unsigned int n = 0; n < 96 && at >= 0x100; n++) {
		uint32_t value = reg(m, f, at);

		if ((value & 0xffff) == ACS_CAP)
			return reg(m, f, at + 4) >> 16;
		at = value >> 20 & 0xffc;
	}
	return 0;
}

/* Returns true where requests of what is behind or in a function cannot reach a device beside it. */
static bool isolates(const struct machine *m, const struct function *f)
{
	switch (express_type(m, f)) {
	case TYPE_UPSTREAM:
		return true;
	case TYPE_ROOT_PORT:
	case TYPE_DOWNSTREAM:
		return (acs(m, f) & ACS_NEEDED) == ACS_NEEDED;
	case TYPE_ENDPOINT:
	case TYPE_CHIP:
		return !(reg(m, f, 0x0c) & MANY_FUNCTIONS) ||
		       (acs(m, f) & ACS_BETWEEN) == ACS_BETWEEN;
	case NOT_EXPRESS:
		/* On the root bus a single conventional function is part of the chip. */
		return !(f->bdf >> 8) && !(reg(m, f, 0x0c) & MANY_FUNCTIONS);
	default:
		return false;
	}
}

static const struct function *bridge_above(const struct machine *m, const struct function *f)
{
	unsigned int bus = f->bdf >> 8;

	for (size_t i = 0; i < m->pci.nr; i++) {
		const struct function *b = &m->pci.f[i];

		if (b->segment == f->segment && b->bdf >> 8 < bus &&
		    (reg(m, b, 0x0c) >> 16 & 0x7f) == 1 && (reg(m, b, 0x18) >> 8 & 0xff) == bus)
			return b;
	}
	return NULL;
}

static bool path_isolates(const struct machine *m, const struct function *f)
{
	for (; f; f = bridge_above(m, f))
		if (!isolates(m, f))
			return false;
	return true;
}

/* ---- joining ---- */

static size_t first_of(const struct member *all, size_t i)
{
	while (all[i].group != i)
		i = all[i].group;
	return i;
}

/* Of two groups the one that begins earlier goes on; the device that @why is about keeps the reason. */
static void join(struct member *all, size_t i, size_t j, const char *why)
{
	size_t a = first_of(all, i), b = first_of(all, j);

	if (a == b)
		return;
	if (a > b) {
		size_t other = a;

		a = b;
		b = other;
	}
	all[b].group = a;
	if (!all[i > j ? i : j].why)
		all[i > j ? i : j].why = why;
}

static bool share_id(const struct answer *a, const struct answer *b)
{
	if (a->none || b->none || !dmah_fw_same_unit(&a->unit, &b->unit))
		return false;
	for (size_t i = 0; i < a->nids; i++)
		for (size_t j = 0; j < b->nids; j++)
			if (a->ids[i] == b->ids[j])
				return true;
	return false;
}

static void join_by_id(const struct machine *m, struct member *all)
{
	for (size_t i = 0; i < m->pci.nr; i++)
		for (size_t j = 0; j < i; j++)
			if (share_id(&all[i].a, &all[j].a))
				join(all, i, j, "the IOMMU sees one id for both");
}

static void join_by_path(const struct machine *m, struct member *all)
{
	for (size_t i = 0; i < m->pci.nr; i++) {
		const struct function *b = bridge_above(m, all[i].f);

		for (; b; b = bridge_above(m, b))
			if (!path_isolates(m, b))
				join(all, i, (size_t)(b - m->pci.f),
				     "a bridge above has no access control");
	}
}

static void join_by_device(const struct machine *m, struct member *all)
{
	for (size_t i = 0; i < m->pci.nr; i++)
		for (size_t j = 0; j < i; j++)
			if (all[i].f->segment == all[j].f->segment &&
			    all[i].f->bdf >> 3 == all[j].f->bdf >> 3 &&
			    !(isolates(m, all[i].f) && isolates(m, all[j].f)))
				join(all, i, j, "functions of one device without access control");
}

struct member *group_devices(const struct machine *m)
{
	struct member *all = calloc(m->pci.nr + 1, sizeof(*all));

	if (!all)
		return NULL;
	for (size_t i = 0; i < m->pci.nr; i++) {
		const struct function *f = &m->pci.f[i];
		struct dmah_fw_requester who = { .segment = f->segment, .bdf = f->bdf };

		all[i].f = f;
		all[i].group = i;
		ask(m, &who, &all[i].a);
	}
	join_by_id(m, all);
	join_by_path(m, all);
	join_by_device(m, all);
	for (size_t i = 0; i < m->pci.nr; i++)
		all[i].group = first_of(all, i);
	return all;
}
