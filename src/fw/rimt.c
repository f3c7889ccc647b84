/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * RIMT: the RISC-V I/O Mapping Table (RISC-V IO Mapping Table Specification, version 1.0, chapter 2).
 */
#include "fw/nodes.h"

#define NAME "RIMT"

/* Section 2.1: the fixed fields. */
#define RIMT_COUNT 36u
#define RIMT_FIRST 40u
#define RIMT_SIZE  48u

/* Section 2.2: every node begins with these. */
#define NODE_LENGTH   2u
#define TYPE_IOMMU    0u
#define TYPE_RC	      1u
#define TYPE_PLATFORM 2u
#define TYPES	      3u

static const uint8_t fixed_size[TYPES] = { 40, 20, 13 };

/* Section 2.2.1: IOMMU. */
#define IOMMU_BASE    16u
#define IOMMU_FLAGS   24u
#define IOMMU_SEGMENT 32u
#define IOMMU_DEVICE  34u
#define IOMMU_WIRES   36u
#define IOMMU_WIRE_AT 38u
#define IOMMU_IS_PCI  1u
#define IOMMU_REGS    4096u
#define WIRE_SIZE     8u

/* Section 2.2.2: PCIe root complex. Section 2.2.3: platform device. */
#define RC_FLAGS	8u
#define RC_SEGMENT	14u
#define RC_MAP_OFFSET	16u
#define RC_MAPPINGS	18u
#define RC_ATS		1u
#define PLAT_MAP_OFFSET 8u
#define PLAT_MAPPINGS	10u
#define PLAT_NAME	12u

/* Section 2.3: a mapping of ids. */
#define MAP_INPUT  0u
#define MAP_COUNT  4u
#define MAP_OUTPUT 8u
#define MAP_UNIT   12u
#define MAP_SIZE   20u

/* ---- nodes ---- */

static uint16_t length_of(const uint8_t *node)
{
	return fw_le16(node + NODE_LENGTH);
}

static const struct fw_chain rimt_nodes = {
	.name = NAME,
	.fixed = RIMT_SIZE,
	.count = RIMT_COUNT,
	.first = RIMT_FIRST,
	.width = 4,
	.length = NODE_LENGTH,
	.header = 8,
	.types = TYPES,
	.sizes = fixed_size,
};

static const uint8_t *unit_of(const struct dmah_fw_bytes *t, const uint8_t *map)
{
	const uint8_t *node = dmah_fw_node_at(&rimt_nodes, t, fw_le32(map + MAP_UNIT));

	return node && node[0] == TYPE_IOMMU ? node : NULL;
}

/* ---- mappings ---- */

static uint32_t map_offset(const uint8_t *node)
{
	return fw_le16(node + (node[0] == TYPE_RC ? RC_MAP_OFFSET : PLAT_MAP_OFFSET));
}

static uint32_t stated_mappings(const uint8_t *node)
{
	return fw_le16(node + (node[0] == TYPE_RC ? RC_MAPPINGS : PLAT_MAPPINGS));
}

static bool has_mappings(const uint8_t *node)
{
	uint32_t n = stated_mappings(node);

	return !n ||
	       (map_offset(node) >= fixed_size[node[0]] - (node[0] == TYPE_PLATFORM ? 1u : 0u) &&
		fw_fits(map_offset(node), (uint64_t)n * MAP_SIZE, length_of(node)));
}

static uint32_t mappings_of(const uint8_t *node)
{
	return has_mappings(node) ? stated_mappings(node) : 0;
}

static const uint8_t *mapping(const uint8_t *node, uint32_t n)
{
	return node + map_offset(node) + n * MAP_SIZE;
}

/* The count is that of the ids. */
static bool is_in(const uint8_t *map, uint32_t id)
{
	uint32_t first = fw_le32(map + MAP_INPUT);

	return id >= first && id - first < fw_le32(map + MAP_COUNT);
}

static const char *bad_mapping(const struct dmah_fw_bytes *t, const uint8_t *node, uint32_t n)
{
	const uint8_t *map = mapping(node, n);
	uint32_t first = fw_le32(map + MAP_INPUT), count = fw_le32(map + MAP_COUNT);

	if (!unit_of(t, map))
		return "a mapping leads to no IOMMU";
	if (!count)
		return "a mapping has no ids";
	if (count - 1 > UINT32_MAX - first || count - 1 > UINT32_MAX - fw_le32(map + MAP_OUTPUT))
		return "a mapping has ids of more than 32 bits";
	for (uint32_t m = 0; node[0] == TYPE_RC && m < n; m++) {
		const uint8_t *other = mapping(node, m);

		if (is_in(other, first) || is_in(map, fw_le32(other + MAP_INPUT)))
			return "overlap: two mappings have the same ids";
	}
	return NULL;
}

/* ---- check ---- */

static bool has_name(const uint8_t *node)
{
	for (uint32_t at = PLAT_NAME; at < length_of(node); at++)
		if (!node[at])
			return true;
	return false;
}

static const char *bad_iommu(const struct dmah_fw_bytes *t, const uint8_t *node)
{
	bool pci = fw_le32(node + IOMMU_FLAGS) & IOMMU_IS_PCI;
	struct fw_walk w = dmah_fw_nodes(&rimt_nodes, t);
	const uint8_t *other;

	if (!pci && (!fw_le64(node + IOMMU_BASE) || fw_le64(node + IOMMU_BASE) & (FW_PAGE - 1)))
		return "the register base of a unit is 0 or not a multiple of 4096";
	if (!fw_fits(fw_le16(node + IOMMU_WIRE_AT),
		     (uint64_t)fw_le16(node + IOMMU_WIRES) * WIRE_SIZE, length_of(node)))
		return "the interrupts are not within their node";
	while ((other = dmah_fw_next_of(&w, TYPE_IOMMU)) && other != node)
		if (!pci && !(fw_le32(other + IOMMU_FLAGS) & IOMMU_IS_PCI) &&
		    fw_le64(other + IOMMU_BASE) == fw_le64(node + IOMMU_BASE))
			return "overlap: another unit has the same registers";
	return NULL;
}

static int check_node(const struct dmah_fw *fw, const struct dmah_fw_bytes *t, const uint8_t *node)
{
	uint32_t offset = (uint32_t)(node - t->data);
	const char *why = NULL;

	if (node[0] == TYPE_IOMMU)
		why = bad_iommu(t, node);
	else if (node[0] >= TYPES)
		return DMAH_OK;
	else if (!has_mappings(node))
		why = "the mappings are not within their node";
	else if (node[0] == TYPE_PLATFORM && !has_name(node))
		why = "the name of a device has no end";
	if (why)
		return dmah_fw_error(fw, NAME, offset, why);
	for (uint32_t n = 0; node[0] != TYPE_IOMMU && n < mappings_of(node); n++) {
		why = bad_mapping(t, node, n);
		if (why)
			return dmah_fw_error(fw, NAME, (uint32_t)(mapping(node, n) - t->data), why);
	}
	return DMAH_OK;
}

static int check(const struct dmah_fw *fw, struct dmah_fw_bytes *t)
{
	int err = dmah_fw_acpi_check(fw, NAME, t, t->size, RIMT_SIZE);
	const uint8_t *node;
	struct fw_walk w;

	if (!t->size)
		return err;
	if (dmah_fw_check_nodes(fw, &rimt_nodes, t))
		err = DMAH_EINVAL;
	w = dmah_fw_nodes(&rimt_nodes, t);
	while ((node = dmah_fw_next_node(&w)))
		if (check_node(fw, t, node))
			err = DMAH_EINVAL;
	return err;
}

/* ---- units ---- */

static void describe(const struct dmah_fw_bytes *t, const uint8_t *node, struct dmah_fw_unit *unit)
{
	uint32_t flags = fw_le32(node + IOMMU_FLAGS), wires = fw_le16(node + IOMMU_WIRES);
	uint32_t at = fw_le16(node + IOMMU_WIRE_AT);

	*unit = (struct dmah_fw_unit){ .kind = DMAH_FW_RISCV,
				       .table = DMAH_FW_RIMT,
				       .offset = (uint32_t)(node - t->data),
				       .hw_flags = flags };
	if (flags & IOMMU_IS_PCI) {
		unit->flags = DMAH_FW_PCI;
		unit->segment = fw_le16(node + IOMMU_SEGMENT);
		unit->bdf = fw_le16(node + IOMMU_DEVICE);
	} else {
		unit->flags = DMAH_FW_MMIO;
		unit->base = fw_le64(node + IOMMU_BASE);
		unit->size = IOMMU_REGS;
	}
	for (uint32_t n = 0; n < wires && n < 4; n++)
		if (fw_fits(at, (uint64_t)(n + 1) * WIRE_SIZE, length_of(node)))
			unit->irq[n] = fw_le32(node + at + n * WIRE_SIZE);
}

static bool unit_at(const struct dmah_fw *fw, const struct dmah_fw_bytes *t, unsigned int n,
		    struct dmah_fw_unit *unit)
{
	struct fw_walk w = dmah_fw_nodes(&rimt_nodes, t);
	const uint8_t *node;

	(void)fw;
	while ((node = dmah_fw_next_of(&w, TYPE_IOMMU)))
		if (n-- == 0) {
			describe(t, node, unit);
			return true;
		}
	return false;
}

/* ---- answers ---- */

static void report(struct fw_lookup *q, const struct dmah_fw_bytes *t, const uint8_t *map,
		   uint32_t id)
{
	const uint8_t *node = unit_of(t, map);
	struct dmah_fw_unit unit;

	if (!node)
		return;
	describe(t, node, &unit);
	if (dmah_fw_found(q, &unit))
		dmah_fw_id(q, id);
	else
		dmah_fw_warn(q->fw, NAME, unit.offset,
			     "a device has ids of two units: those of the second are left out");
}

static void lookup_pci(struct fw_lookup *q, const struct dmah_fw_bytes *t)
{
	struct fw_walk w = dmah_fw_nodes(&rimt_nodes, t);
	const uint8_t *rc;
	uint16_t ids[2];
	unsigned int nids;

	if (dmah_fw_is_unit(q, &dmah_fw_rimt, t))
		return;
	nids = dmah_fw_pci_ids(q->fw, q->who->segment, q->who->bdf, ids);
	while (!q->found && (rc = dmah_fw_next_of(&w, TYPE_RC))) {
		if (fw_le16(rc + RC_SEGMENT) != q->who->segment)
			continue;
		for (unsigned int i = 0; i < nids; i++)
			for (uint32_t n = 0; n < mappings_of(rc); n++) {
				const uint8_t *map = mapping(rc, n);

				if (!is_in(map, ids[i]))
					continue;
				report(q, t, map,
				       fw_le32(map + MAP_OUTPUT) + ids[i] -
					       fw_le32(map + MAP_INPUT));
				break;
			}
		if (q->found && fw_le32(rc + RC_FLAGS) & RC_ATS)
			dmah_fw_flags(q, DMAH_DEV_ATS);
	}
}

static void lookup_name(struct fw_lookup *q, const struct dmah_fw_bytes *t)
{
	struct fw_walk w = dmah_fw_nodes(&rimt_nodes, t);
	const uint8_t *node;

	while (!q->found && (node = dmah_fw_next_of(&w, TYPE_PLATFORM))) {
		if (!has_name(node) || !dmah_fw_equal((const char *)node + PLAT_NAME, q->who->name))
			continue;
		for (uint32_t n = 0; n < mappings_of(node); n++) {
			const uint8_t *map = mapping(node, n);

			for (uint32_t i = 0; i < fw_le32(map + MAP_COUNT) && i < 64; i++)
				report(q, t, map, fw_le32(map + MAP_OUTPUT) + i);
		}
	}
}

static void lookup(struct fw_lookup *q, const struct dmah_fw_bytes *t)
{
	if (q->who->what == DMAH_FW_PCI_FUNCTION)
		lookup_pci(q, t);
	else if (q->who->what == DMAH_FW_NAMED)
		lookup_name(q, t);
}

static void named(const struct dmah_fw_bytes *t, void (*fn)(void *ctx, const char *name), void *ctx)
{
	struct fw_walk w = dmah_fw_nodes(&rimt_nodes, t);
	const uint8_t *node;

	while ((node = dmah_fw_next_of(&w, TYPE_PLATFORM)))
		if (has_name(node))
			fn(ctx, (const char *)node + PLAT_NAME);
}

const struct fw_parser dmah_fw_rimt = {
	.name = NAME, .judge = check, .unit_at = unit_at, .answer = lookup, .name_all = named
};
