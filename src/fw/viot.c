/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * VIOT: the Virtual I/O Translation Table (ACPI specification, section 5.2.33).
 */
#include "fw/nodes.h"

#define NAME "VIOT"

/* Table 5.186: the fixed fields. */
#define VIOT_COUNT 36u
#define VIOT_FIRST 38u
#define VIOT_SIZE  48u

#define NODE_LENGTH 2u
#define TYPE_RANGE  1u /* section 5.2.33.1 */
#define TYPE_MMIO   2u /* section 5.2.33.2: an endpoint with registers */
#define TYPE_PCI    3u /* section 5.2.33.3: virtio-iommu as a PCI function */
#define TYPE_VIRTIO 4u /* section 5.2.33.4: virtio-iommu with registers */
#define TYPES	    5u

static const uint8_t fixed_size[TYPES] = { 4, 24, 24, 16, 16 };

#define RANGE_ID	4u
#define RANGE_SEGMENT	8u
#define RANGE_LAST_SEG	10u
#define RANGE_FIRST	12u
#define RANGE_LAST	14u
#define MMIO_ID		4u
#define MMIO_BASE	8u
#define ENDPOINT_OUTPUT 16u
#define PCI_SEGMENT	4u
#define PCI_DEVICE	6u
#define VIRTIO_BASE	8u
#define NAME_SIZE	24u

/* ---- nodes ---- */

static const struct fw_chain viot_nodes = {
	.name = NAME,
	.fixed = VIOT_SIZE,
	.count = VIOT_COUNT,
	.first = VIOT_FIRST,
	.width = 2,
	.length = NODE_LENGTH,
	.header = 4,
	.types = TYPES,
	.sizes = fixed_size,
};

static bool is_endpoint(const uint8_t *node)
{
	return node[0] == TYPE_RANGE || node[0] == TYPE_MMIO;
}

static bool is_iommu(const uint8_t *node)
{
	return node[0] == TYPE_PCI || node[0] == TYPE_VIRTIO;
}

/* Returns the virtio-iommu that an endpoint node leads to, or NULL. */
static const uint8_t *output_of(const struct dmah_fw_bytes *t, const uint8_t *endpoint)
{
	const uint8_t *node = dmah_fw_node_at(&viot_nodes, t, fw_le16(endpoint + ENDPOINT_OUTPUT));

	return node && is_iommu(node) ? node : NULL;
}

/* ---- ranges ---- */

/* Returns true where the PCI function is in the range, and sets the id that the range gives it. */
static bool id_in(const uint8_t *range, uint16_t segment, uint16_t bdf, uint32_t *id)
{
	uint16_t first_segment = fw_le16(range + RANGE_SEGMENT),
		 first = fw_le16(range + RANGE_FIRST);

	if (segment < first_segment || segment > fw_le16(range + RANGE_LAST_SEG) || bdf < first ||
	    bdf > fw_le16(range + RANGE_LAST))
		return false;
	*id = fw_le32(range + RANGE_ID) + ((uint32_t)(segment - first_segment) << 16) + bdf - first;
	return true;
}

static bool overlap(const uint8_t *a, const uint8_t *b)
{
	if (a[0] != b[0])
		return false;
	if (a[0] == TYPE_MMIO)
		return fw_le64(a + MMIO_BASE) == fw_le64(b + MMIO_BASE);
	return fw_le16(a + RANGE_SEGMENT) <= fw_le16(b + RANGE_LAST_SEG) &&
	       fw_le16(b + RANGE_SEGMENT) <= fw_le16(a + RANGE_LAST_SEG) &&
	       fw_le16(a + RANGE_FIRST) <= fw_le16(b + RANGE_LAST) &&
	       fw_le16(b + RANGE_FIRST) <= fw_le16(a + RANGE_LAST);
}

/* ---- check ---- */

static const char *bad_endpoint(const struct dmah_fw_bytes *t, const uint8_t *node)
{
	struct fw_walk w = dmah_fw_nodes(&viot_nodes, t);
	const uint8_t *other;

	if (!output_of(t, node))
		return "the output of an endpoint is no virtio-iommu";
	if (node[0] == TYPE_RANGE &&
	    (fw_le16(node + RANGE_SEGMENT) > fw_le16(node + RANGE_LAST_SEG) ||
	     fw_le16(node + RANGE_FIRST) > fw_le16(node + RANGE_LAST)))
		return "a range of devices ends in front of its start";
	while ((other = dmah_fw_next_node(&w)) && other != node)
		if (overlap(node, other))
			return "overlap: another node has the same device";
	return NULL;
}

static const char *bad_iommu(const uint8_t *node)
{
	return node[0] == TYPE_VIRTIO && !fw_le64(node + VIRTIO_BASE)
		       ? "the register base of a unit is 0"
		       : NULL;
}

static int check(const struct dmah_fw *fw, struct dmah_fw_bytes *t)
{
	int err = dmah_fw_acpi_check(fw, NAME, t, t->size, VIOT_SIZE);
	const uint8_t *node;
	struct fw_walk w;

	if (!t->size)
		return err;
	if (dmah_fw_check_nodes(fw, &viot_nodes, t))
		err = DMAH_EINVAL;
	w = dmah_fw_nodes(&viot_nodes, t);
	while ((node = dmah_fw_next_node(&w))) {
		const char *why = is_endpoint(node) ? bad_endpoint(t, node)
				  : is_iommu(node)  ? bad_iommu(node)
						    : NULL;

		if (why)
			err = dmah_fw_error(fw, NAME, (uint32_t)(node - t->data), why);
	}
	return err;
}

/* ---- units ---- */

static void describe(const struct dmah_fw_bytes *t, const uint8_t *node, struct dmah_fw_unit *unit)
{
	*unit = (struct dmah_fw_unit){ .kind = DMAH_FW_VIRTIO,
				       .table = DMAH_FW_VIOT,
				       .offset = (uint32_t)(node - t->data) };
	if (node[0] == TYPE_PCI) {
		unit->flags = DMAH_FW_PCI;
		unit->segment = fw_le16(node + PCI_SEGMENT);
		unit->bdf = fw_le16(node + PCI_DEVICE);
	} else {
		unit->flags = DMAH_FW_MMIO;
		unit->base = fw_le64(node + VIRTIO_BASE);
	}
}

static bool unit_at(const struct dmah_fw *fw, const struct dmah_fw_bytes *t, unsigned int n,
		    struct dmah_fw_unit *unit)
{
	struct fw_walk w = dmah_fw_nodes(&viot_nodes, t);
	const uint8_t *node;

	(void)fw;
	while ((node = dmah_fw_next_node(&w)))
		if (is_iommu(node) && n-- == 0) {
			describe(t, node, unit);
			return true;
		}
	return false;
}

/* ---- answers ---- */

static void report(struct fw_lookup *q, const struct dmah_fw_bytes *t, const uint8_t *endpoint,
		   uint32_t id)
{
	const uint8_t *iommu = output_of(t, endpoint);
	struct dmah_fw_unit unit;

	if (!iommu)
		return;
	describe(t, iommu, &unit);
	if (dmah_fw_found(q, &unit))
		dmah_fw_id(q, id);
}

static void lookup_pci(struct fw_lookup *q, const struct dmah_fw_bytes *t)
{
	uint16_t ids[2];
	unsigned int nids;

	/* A range may have the virtio-iommu in it, which does not translate itself. */
	if (dmah_fw_is_unit(q, &dmah_fw_viot, t))
		return;
	nids = dmah_fw_pci_ids(q->fw, q->who->segment, q->who->bdf, ids);
	for (unsigned int n = 0; n < nids; n++) {
		struct fw_walk w = dmah_fw_nodes(&viot_nodes, t);
		const uint8_t *node;
		uint32_t id;

		while ((node = dmah_fw_next_node(&w)))
			if (node[0] == TYPE_RANGE && id_in(node, q->who->segment, ids[n], &id)) {
				report(q, t, node, id);
				break;
			}
	}
}

/* The name of an endpoint with registers: "mmio@" and the base in hexadecimal. */
static void mmio_name(const uint8_t *node, char to[NAME_SIZE])
{
	uint64_t base = fw_le64(node + MMIO_BASE);
	unsigned int n = 5, shift = 64;

	to[0] = 'm', to[1] = 'm', to[2] = 'i', to[3] = 'o', to[4] = '@';
	do
		shift -= 4;
	while (shift && !(base >> shift));
	for (;; shift -= 4) {
		to[n++] = "0123456789abcdef"[base >> shift & 15];
		if (!shift)
			break;
	}
	to[n] = 0;
}

static void lookup(struct fw_lookup *q, const struct dmah_fw_bytes *t)
{
	struct fw_walk w = dmah_fw_nodes(&viot_nodes, t);
	char name[NAME_SIZE];
	const uint8_t *node;

	if (q->who->what == DMAH_FW_PCI_FUNCTION)
		lookup_pci(q, t);
	if (q->who->what != DMAH_FW_NAMED)
		return;
	while ((node = dmah_fw_next_node(&w))) {
		if (node[0] != TYPE_MMIO)
			continue;
		mmio_name(node, name);
		if (dmah_fw_equal(name, q->who->name)) {
			report(q, t, node, fw_le32(node + MMIO_ID));
			return;
		}
	}
}

static void named(const struct dmah_fw_bytes *t, void (*fn)(void *ctx, const char *name), void *ctx)
{
	struct fw_walk w = dmah_fw_nodes(&viot_nodes, t);
	char name[NAME_SIZE];
	const uint8_t *node;

	while ((node = dmah_fw_next_node(&w)))
		if (node[0] == TYPE_MMIO) {
			mmio_name(node, name);
			fn(ctx, name);
		}
}

const struct fw_parser dmah_fw_viot = {
	.name = NAME, .judge = check, .unit_at = unit_at, .answer = lookup, .name_all = named
};
