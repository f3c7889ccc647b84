/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * IORT: Arm's IO Remapping Table (Arm DEN 0049E.e; tables of that document are named at each structure).
 */
#include "fw/nodes.h"

#define NAME "IORT"

/* Table 2: the fixed fields. */
#define IORT_COUNT 36u
#define IORT_FIRST 40u
#define IORT_SIZE  48u

/* Table 3: every node begins with these. */
#define NODE_TYPE	0u
#define NODE_LENGTH	1u
#define NODE_MAPPINGS	8u
#define NODE_MAP_OFFSET 12u
#define NODE_SIZE	16u
#define TYPE_ITS	0u
#define TYPE_NAMED	1u
#define TYPE_RC		2u
#define TYPE_SMMUV2	3u
#define TYPE_SMMUV3	4u
#define TYPE_PMCG	5u
#define TYPE_RMR	6u
#define TYPES		7u

/* Bytes in front of the node's variable part. */
static const uint8_t fixed_size[TYPES] = { 20, 30, 33, 60, 60, 32, 28 };

/* Table 4: a mapping of ids. */
#define MAP_INPUT     0u
#define MAP_COUNT     4u /* less 1 */
#define MAP_OUTPUT    8u
#define MAP_REFERENCE 12u
#define MAP_FLAGS     16u
#define MAP_SIZE      20u
#define MAP_SINGLE    1u

/* Table 12: ITS group. Table 13: named component. Table 17: root complex. */
#define ITS_COUNT  16u
#define ITS_IDS	   20u
#define NAMED_CCA  20u
#define NAMED_NAME 29u
#define RC_CCA	   16u
#define RC_ATS	   24u
#define RC_SEGMENT 28u
#define RC_ATS_YES 1u

/* Table 8: SMMUv1 and SMMUv2. Table 10: SMMUv3. */
#define SMMU_BASE 16u
#define V2_SPAN	  24u
#define V2_MODEL  32u
#define V2_FLAGS  36u
#define V2_GLOBAL 40u /* the offset of the global interrupts */
#define V2_COHACC 2u
#define V3_FLAGS  24u
#define V3_MODEL  40u
#define V3_EVENT  44u
#define V3_PRI	  48u
#define V3_GERROR 52u
#define V3_SYNC	  56u
#define V3_COHACC 1u
#define V3_SIZE	  0x20000u
#define V3_PAGE0  0x10000u /* of a model that has no page 1 */

/* Table 21: reserved memory range. Table 22: its descriptors. */
#define RMR_COUNT  20u
#define RMR_OFFSET 24u
#define RMR_BASE   0u
#define RMR_LENGTH 8u
#define RMR_SIZE   20u

/* ---- nodes ---- */

static uint16_t length_of(const uint8_t *node)
{
	return fw_le16(node + NODE_LENGTH);
}

static const struct fw_chain iort_nodes = {
	.name = NAME,
	.fixed = IORT_SIZE,
	.count = IORT_COUNT,
	.first = IORT_FIRST,
	.width = 4,
	.length = NODE_LENGTH,
	.header = NODE_SIZE,
	.types = TYPES,
	.sizes = fixed_size,
};

static bool is_smmu(const uint8_t *node)
{
	return node[NODE_TYPE] == TYPE_SMMUV2 || node[NODE_TYPE] == TYPE_SMMUV3;
}

/* ---- mappings ---- */

/* Mappings that fit into the node. */
static uint32_t mappings_of(const uint8_t *node)
{
	uint32_t n = fw_le32(node + NODE_MAPPINGS), offset = fw_le32(node + NODE_MAP_OFFSET);

	return fw_fits(offset, (uint64_t)n * MAP_SIZE, length_of(node)) ? n : 0;
}

static const uint8_t *mapping(const uint8_t *node, uint32_t n)
{
	return node + fw_le32(node + NODE_MAP_OFFSET) + n * MAP_SIZE;
}

static bool is_single(const uint8_t *map)
{
	return fw_le32(map + MAP_FLAGS) & MAP_SINGLE;
}

/* The last id that goes in. A range that leaves 32 bits ends with them. */
static uint32_t last_input(const uint8_t *map)
{
	uint32_t first = fw_le32(map + MAP_INPUT), more = fw_le32(map + MAP_COUNT);

	return more > UINT32_MAX - first ? UINT32_MAX : first + more;
}

/*
 * Find the mapping of an id. The count is one less than the number of ids. Some firmware writes the number itself, so that a
 * range runs one id into the next: an id at the very end of a range loses to a range that starts there.
 */
static const uint8_t *map_of(const uint8_t *node, uint32_t id)
{
	const uint8_t *at_end = NULL;

	for (uint32_t n = 0; n < mappings_of(node); n++) {
		const uint8_t *map = mapping(node, n);
		uint32_t first = fw_le32(map + MAP_INPUT);

		if (is_single(map) || id < first || id > last_input(map))
			continue;
		if (id == first || id < last_input(map))
			return map;
		if (!at_end)
			at_end = map;
	}
	return at_end;
}

static uint32_t output_of(const uint8_t *map, uint32_t id)
{
	return fw_le32(map + MAP_OUTPUT) + (id - fw_le32(map + MAP_INPUT));
}

/* ---- check ---- */

static bool overlaps(const uint8_t *a, const uint8_t *b)
{
	uint32_t first_a = fw_le32(a + MAP_INPUT), first_b = fw_le32(b + MAP_INPUT);

	if (is_single(a) || is_single(b) || first_a > last_input(b) || first_b > last_input(a))
		return false;
	/* One id too many in the count. */
	return !(first_b > first_a && last_input(a) == first_b) &&
	       !(first_a > first_b && last_input(b) == first_a);
}

/* Judge the node that a mapping leads to. No mapping leads upwards, so that there are no loops. */
static const char *bad_reference(const struct dmah_fw_bytes *t, const uint8_t *node,
				 const uint8_t *map)
{
	const uint8_t *to = dmah_fw_node_at(&iort_nodes, t, fw_le32(map + MAP_REFERENCE));

	if (!to)
		return "a mapping leads to no node";
	if (to == node)
		return "loop: a mapping leads to its own node";
	if (to[NODE_TYPE] == TYPE_ITS)
		return NULL;
	if (!is_smmu(to))
		return "a mapping leads to a node that is neither an SMMU nor an ITS group";
	return is_smmu(node) ? "loop: a mapping leads from an SMMU to an SMMU" : NULL;
}

/* Stream ids of an SMMUv2 have 16 bits at most. A count that is one too many (map_of()) does no harm. */
static bool gives_wide_ids(const struct dmah_fw_bytes *t, const uint8_t *map)
{
	const uint8_t *to = dmah_fw_node_at(&iort_nodes, t, fw_le32(map + MAP_REFERENCE));
	uint32_t first = fw_le32(map + MAP_OUTPUT), more = fw_le32(map + MAP_COUNT);

	return to[NODE_TYPE] == TYPE_SMMUV2 &&
	       (first > 0xffff || (!is_single(map) && more > 0x10000 - first));
}

static int check_mappings(const struct dmah_fw *fw, const struct dmah_fw_bytes *t,
			  const uint8_t *node)
{
	uint32_t base = (uint32_t)(node - t->data), count = fw_le32(node + NODE_MAPPINGS);

	if (count != mappings_of(node) ||
	    (count && fw_le32(node + NODE_MAP_OFFSET) < fixed_size[node[NODE_TYPE]]))
		return dmah_fw_error(fw, NAME, base + NODE_MAPPINGS,
				     "the mappings are not within their node");
	for (uint32_t n = 0; n < count; n++) {
		const uint8_t *map = mapping(node, n);
		const char *why = bad_reference(t, node, map);

		if (!why && fw_le32(map + MAP_COUNT) > UINT32_MAX - fw_le32(map + MAP_INPUT))
			why = "a mapping has ids of more than 32 bits";
		if (!why && fw_le32(map + MAP_COUNT) > UINT32_MAX - fw_le32(map + MAP_OUTPUT))
			why = "a mapping has ids of more than 32 bits";
		if (!why && gives_wide_ids(t, map))
			why = "a mapping gives an SMMUv2 ids of more than 16 bits";
		for (uint32_t m = 0; !why && m < n; m++)
			if ((node[NODE_TYPE] == TYPE_RC || is_smmu(node)) &&
			    overlaps(map, mapping(node, m)))
				why = "overlap: two mappings have the same ids";
		if (why)
			return dmah_fw_error(fw, NAME, (uint32_t)(map - t->data), why);
	}
	return DMAH_OK;
}

static bool ends_in(const uint8_t *node, uint32_t offset)
{
	for (uint32_t at = offset; at < length_of(node); at++)
		if (!node[at])
			return true;
	return false;
}

static bool has_descriptors(const uint8_t *rmr)
{
	return fw_fits(fw_le32(rmr + RMR_OFFSET), (uint64_t)fw_le32(rmr + RMR_COUNT) * RMR_SIZE,
		       length_of(rmr));
}

static int check_rmr(const struct dmah_fw *fw, const struct dmah_fw_bytes *t, const uint8_t *node)
{
	uint32_t offset = fw_le32(node + RMR_OFFSET);

	if (!has_descriptors(node))
		return dmah_fw_error(fw, NAME, (uint32_t)(node - t->data) + RMR_COUNT,
				     "the memory ranges are not within their node");
	for (uint32_t n = 0; n < fw_le32(node + RMR_COUNT); n++) {
		const uint8_t *d = node + offset + n * RMR_SIZE;

		(void)dmah_fw_check_range(fw, NAME, (uint32_t)(d - t->data), fw_le64(d + RMR_BASE),
					  fw_le64(d + RMR_LENGTH));
	}
	return DMAH_OK;
}

static int check_smmu(const struct dmah_fw *fw, const struct dmah_fw_bytes *t, const uint8_t *node)
{
	uint64_t base = fw_le64(node + SMMU_BASE);
	uint32_t offset = (uint32_t)(node - t->data);
	struct fw_walk w = dmah_fw_nodes(&iort_nodes, t);
	const uint8_t *other;

	if (!base || base & (FW_PAGE - 1))
		return dmah_fw_error(fw, NAME, offset + SMMU_BASE,
				     "the register base of a unit is 0 or not a multiple of 4096");
	while ((other = dmah_fw_next_node(&w)) && other != node)
		if (is_smmu(other) && fw_le64(other + SMMU_BASE) == base)
			return dmah_fw_error(fw, NAME, offset + SMMU_BASE,
					     "overlap: another unit has the same registers");
	return DMAH_OK;
}

static int check_node(const struct dmah_fw *fw, const struct dmah_fw_bytes *t, const uint8_t *node)
{
	uint32_t offset = (uint32_t)(node - t->data);

	switch (node[NODE_TYPE]) {
	case TYPE_ITS:
		if (!fw_fits(ITS_IDS, (uint64_t)fw_le32(node + ITS_COUNT) * 4, length_of(node)))
			return dmah_fw_error(fw, NAME, offset + ITS_COUNT,
					     "the ITS ids are not within their node");
		return DMAH_OK;
	case TYPE_NAMED:
		if (!ends_in(node, NAMED_NAME))
			return dmah_fw_error(fw, NAME, offset + NAMED_NAME,
					     "the name of a device has no end");
		return check_mappings(fw, t, node);
	case TYPE_RMR:
		if (check_rmr(fw, t, node))
			return DMAH_EINVAL;
		return check_mappings(fw, t, node);
	case TYPE_SMMUV2:
	case TYPE_SMMUV3:
		if (check_smmu(fw, t, node))
			return DMAH_EINVAL;
		return check_mappings(fw, t, node);
	case TYPE_RC:
		return check_mappings(fw, t, node);
	default:
		return DMAH_OK;
	}
}

static int check(const struct dmah_fw *fw, struct dmah_fw_bytes *t)
{
	int err = dmah_fw_acpi_check(fw, NAME, t, t->size, IORT_SIZE);
	const uint8_t *node;
	struct fw_walk w;

	if (!t->size)
		return err;
	if (dmah_fw_check_nodes(fw, &iort_nodes, t))
		err = DMAH_EINVAL;
	w = dmah_fw_nodes(&iort_nodes, t);
	while ((node = dmah_fw_next_node(&w)))
		if (check_node(fw, t, node))
			err = DMAH_EINVAL;
	return err;
}

/* ---- units ---- */

static void describe_v2(const uint8_t *node, struct dmah_fw_unit *unit)
{
	uint32_t global = fw_le32(node + V2_GLOBAL);

	unit->kind = DMAH_FW_SMMUV2;
	unit->size = fw_le64(node + V2_SPAN);
	unit->hw_flags = fw_le32(node + V2_FLAGS);
	unit->hw_info = fw_le32(node + V2_MODEL);
	/* Not an override, as the SMMUv3's is: the table says how the unit was built in, and IDR0 does not. */
	unit->flags |= unit->hw_flags & V2_COHACC ? DMAH_FW_COHERENT : DMAH_FW_NONCOHERENT;
	if (fw_fits(global, 16, length_of(node))) {
		unit->irq[0] = fw_le32(node + global);
		unit->irq[1] = fw_le32(node + global + 8);
	}
}

static void describe_v3(const uint8_t *node, struct dmah_fw_unit *unit)
{
	unit->kind = DMAH_FW_SMMUV3;
	unit->size = fw_le32(node + V3_MODEL) == DMAH_SMMUV3_CN99XX ? V3_PAGE0 : V3_SIZE;
	unit->hw_flags = fw_le32(node + V3_FLAGS);
	unit->hw_info = fw_le32(node + V3_MODEL);
	unit->flags |= unit->hw_flags & V3_COHACC ? DMAH_FW_COHERENT : 0;
	unit->irq[0] = fw_le32(node + V3_EVENT);
	unit->irq[1] = fw_le32(node + V3_GERROR);
	unit->irq[2] = fw_le32(node + V3_PRI);
	unit->irq[3] = fw_le32(node + V3_SYNC);
}

static void describe(const struct dmah_fw_bytes *t, const uint8_t *node, struct dmah_fw_unit *unit)
{
	*unit = (struct dmah_fw_unit){ .table = DMAH_FW_IORT,
				       .offset = (uint32_t)(node - t->data),
				       .flags = DMAH_FW_MMIO,
				       .base = fw_le64(node + SMMU_BASE) };
	if (node[NODE_TYPE] == TYPE_SMMUV2)
		describe_v2(node, unit);
	else
		describe_v3(node, unit);
}

static bool unit_at(const struct dmah_fw *fw, const struct dmah_fw_bytes *t, unsigned int n,
		    struct dmah_fw_unit *unit)
{
	struct fw_walk w = dmah_fw_nodes(&iort_nodes, t);
	const uint8_t *node;

	(void)fw;
	while ((node = dmah_fw_next_node(&w)))
		if (is_smmu(node) && n-- == 0) {
			describe(t, node, unit);
			return true;
		}
	return false;
}

/* ---- answers ---- */

/* Ranges of the RMR nodes that lead to stream @id of the SMMU. */
static void report_rmr(const struct fw_lookup *q, const struct dmah_fw_bytes *t,
		       const uint8_t *smmu, uint32_t id)
{
	struct fw_walk w = dmah_fw_nodes(&iort_nodes, t);
	const uint8_t *node;

	while ((node = dmah_fw_next_of(&w, TYPE_RMR))) {
		bool concerned = false;

		for (uint32_t n = 0; n < mappings_of(node); n++) {
			const uint8_t *map = mapping(node, n);
			uint32_t first = fw_le32(map + MAP_OUTPUT);
			uint32_t more = is_single(map) ? 0 : fw_le32(map + MAP_COUNT);

			if (dmah_fw_node_at(&iort_nodes, t, fw_le32(map + MAP_REFERENCE)) == smmu &&
			    id >= first && id - first <= more)
				concerned = true;
		}
		for (uint32_t n = 0;
		     concerned && has_descriptors(node) && n < fw_le32(node + RMR_COUNT); n++) {
			const uint8_t *d = node + fw_le32(node + RMR_OFFSET) + n * RMR_SIZE;
			uint64_t start = fw_le64(d + RMR_BASE), size = fw_le64(d + RMR_LENGTH);

			if (!dmah_fw_senseless(start, size))
				dmah_fw_identity(q, start, size, DMAH_BIDIRECTIONAL);
		}
	}
}

/* Returns true for an RMR node that names memory. */
static bool names_memory(const uint8_t *rmr)
{
	for (uint32_t n = 0; has_descriptors(rmr) && n < fw_le32(rmr + RMR_COUNT); n++) {
		const uint8_t *d = rmr + fw_le32(rmr + RMR_OFFSET) + n * RMR_SIZE;

		if (!dmah_fw_senseless(fw_le64(d + RMR_BASE), fw_le64(d + RMR_LENGTH)))
			return true;
	}
	return false;
}

unsigned int dmah_fw_iort_running(const struct dmah_fw_bytes *t, uint32_t offset,
				  struct dmah_smmuv3_bypass *streams, unsigned int max)
{
	struct fw_walk w = dmah_fw_nodes(&iort_nodes, t);
	const uint8_t *smmu = dmah_fw_node_at(&iort_nodes, t, offset), *node;
	unsigned int found = 0;

	while (smmu && (node = dmah_fw_next_of(&w, TYPE_RMR)))
		for (uint32_t n = 0; names_memory(node) && n < mappings_of(node); n++) {
			const uint8_t *map = mapping(node, n);
			uint32_t more = is_single(map) ? 0 : fw_le32(map + MAP_COUNT);

			if (dmah_fw_node_at(&iort_nodes, t, fw_le32(map + MAP_REFERENCE)) != smmu)
				continue;
			if (found < max)
				streams[found] = (struct dmah_smmuv3_bypass){
					.sid = fw_le32(map + MAP_OUTPUT),
					.count = more < UINT32_MAX ? more + 1 : UINT32_MAX,
				};
			found++;
		}
	return found;
}

/* The doorbells to which a stream's interrupts go: those of its ITS group, or of all GICv2m frames where it has none. */
static void report_msi(const struct fw_lookup *q, const struct dmah_fw_bytes *t,
		       const uint8_t *smmu, uint32_t id)
{
	const uint8_t *map = map_of(smmu, id);
	const uint8_t *group = map ? dmah_fw_node_at(&iort_nodes, t, fw_le32(map + MAP_REFERENCE))
				   : NULL;

	if (group && group[NODE_TYPE] == TYPE_ITS &&
	    fw_fits(ITS_IDS, (uint64_t)fw_le32(group + ITS_COUNT) * 4, length_of(group)))
		for (uint32_t n = 0; n < fw_le32(group + ITS_COUNT); n++)
			dmah_fw_madt_its(q, fw_le32(group + ITS_IDS + 4 * n));
	dmah_fw_madt_frames(q);
}

/* Report a stream of an SMMU, unless the device has another SMMU already. */
static void report(struct fw_lookup *q, const struct dmah_fw_bytes *t, const uint8_t *smmu,
		   uint32_t id)
{
	bool first = !q->found;
	struct dmah_fw_unit unit;

	describe(t, smmu, &unit);
	unit.segment = q->who->what == DMAH_FW_PCI_FUNCTION ? q->who->segment : 0;
	if (!dmah_fw_found(q, &unit)) {
		dmah_fw_warn(q->fw, NAME, unit.offset,
			     "a device has ids of two units: those of the second are left out");
		return;
	}
	dmah_fw_id(q, id);
	report_rmr(q, t, smmu, id);
	if (first)
		report_msi(q, t, smmu, id);
}

/* Returns the SMMU that a mapping leads to; NULL: it leads past all of them, to the ITS. */
static const uint8_t *smmu_of(const struct dmah_fw_bytes *t, const uint8_t *map)
{
	const uint8_t *node = map ? dmah_fw_node_at(&iort_nodes, t, fw_le32(map + MAP_REFERENCE))
				  : NULL;

	return node && is_smmu(node) ? node : NULL;
}

static void lookup_pci(struct fw_lookup *q, const struct dmah_fw_bytes *t)
{
	struct fw_walk w = dmah_fw_nodes(&iort_nodes, t);
	const uint8_t *rc;
	uint16_t ids[2];
	unsigned int nids = dmah_fw_pci_ids(q->fw, q->who->segment, q->who->bdf, ids);

	while (!q->found && (rc = dmah_fw_next_of(&w, TYPE_RC))) {
		if (fw_le32(rc + RC_SEGMENT) != q->who->segment)
			continue;
		for (unsigned int n = 0; n < nids; n++) {
			const uint8_t *map = map_of(rc, ids[n]), *smmu = smmu_of(t, map);

			if (smmu)
				report(q, t, smmu, output_of(map, ids[n]));
		}
		if (q->found)
			dmah_fw_flags(q, (fw_le32(rc + RC_CCA) & 1 ? DMAH_DEV_COHERENT : 0u) |
						 (fw_le32(rc + RC_ATS) & RC_ATS_YES ? DMAH_DEV_ATS
										    : 0u));
	}
}

/* A device that is on no bus has no id that goes in: each mapping is one that comes out, or as many as it counts. */
static void lookup_name(struct fw_lookup *q, const struct dmah_fw_bytes *t)
{
	struct fw_walk w = dmah_fw_nodes(&iort_nodes, t);
	const uint8_t *node;

	while (!q->found && (node = dmah_fw_next_of(&w, TYPE_NAMED))) {
		if (!ends_in(node, NAMED_NAME) ||
		    !dmah_fw_equal((const char *)node + NAMED_NAME, q->who->name))
			continue;
		for (uint32_t n = 0; n < mappings_of(node); n++) {
			const uint8_t *map = mapping(node, n), *smmu = smmu_of(t, map);
			uint32_t more = is_single(map) ? 0 : fw_le32(map + MAP_COUNT);

			for (uint32_t i = 0; smmu && i <= more && i < 64; i++)
				report(q, t, smmu, fw_le32(map + MAP_OUTPUT) + i);
		}
		if (q->found)
			dmah_fw_flags(q, fw_le32(node + NAMED_CCA) & 1 ? DMAH_DEV_COHERENT : 0);
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
	struct fw_walk w = dmah_fw_nodes(&iort_nodes, t);
	const uint8_t *node;

	while ((node = dmah_fw_next_of(&w, TYPE_NAMED)))
		if (ends_in(node, NAMED_NAME))
			fn(ctx, (const char *)node + NAMED_NAME);
}

const struct fw_parser dmah_fw_iort = {
	.name = NAME, .judge = check, .unit_at = unit_at, .answer = lookup, .name_all = named
};
