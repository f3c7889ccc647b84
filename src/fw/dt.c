/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * IOMMUs in a device tree. Bindings of the Linux kernel's documentation: iommu/iommu.txt, pci/pci-iommu.txt, pci/pci-msi.txt,
 * iommu/arm,smmu-v3.yaml, iommu/arm,smmu.yaml, iommu/riscv,iommu.yaml, virtio/pci-iommu.yaml, and
 * reserved-memory/reserved-memory.yaml.
 */
#include "fw/tree.h"

#define NAME	  "DT"
#define PATH_SIZE 512u
/*
 * Bounds, so that no tree costs more than a few seconds: looking a phandle up is a pass over the tree. The largest trees of
 * Linux have about 100 IOMMUs and 300 devices behind them.
 */
#define MOST_IOMMUS  192u
#define MOST_DEVICES 1024u
#define MOST_IDS     64u /* of a device, by iommus */
#define MOST_ENTRIES 1024u /* of iommu-map */
#define MOST_OWNERS  64u /* devices looked up for iommu-addresses of others */
#define MAP_CELLS    4u
/* Cells of the registers of a PCI function; the first has its address. */
#define PCI_BDF(cell)  ((uint16_t)((cell) >> 8))
#define ITS_DOORBELL   0x10040u
#define FRAME_DOORBELL 0x40u
#define SPI_BASE       32u

static const struct {
	const char *compatible;
	enum dmah_fw_kind kind;
	bool pci;
	enum dmah_smmuv2_model smmuv2;
} iommu_kinds[] = {
	{ "arm,smmu-v3", DMAH_FW_SMMUV3, false, 0 },
	{ "arm,smmu-v1", DMAH_FW_SMMUV2, false, DMAH_SMMUV2_V1 },
	/* Products first: their nodes name the version too. */
	{ "arm,mmu-400", DMAH_FW_SMMUV2, false, DMAH_SMMUV2_MMU400 },
	{ "arm,mmu-401", DMAH_FW_SMMUV2, false, DMAH_SMMUV2_MMU401 },
	{ "arm,mmu-500", DMAH_FW_SMMUV2, false, DMAH_SMMUV2_MMU500 },
	{ "cavium,smmu-v2", DMAH_FW_SMMUV2, false, DMAH_SMMUV2_THUNDERX },
	{ "arm,smmu-v2", DMAH_FW_SMMUV2, false, DMAH_SMMUV2_V2 },
	{ "qcom,smmu-v2", DMAH_FW_SMMUV2, false, DMAH_SMMUV2_V2 },
	{ "nvidia,smmu-500", DMAH_FW_SMMUV2, false, DMAH_SMMUV2_MMU500 },
	{ "riscv,iommu", DMAH_FW_RISCV, false, 0 },
	{ "riscv,pci-iommu", DMAH_FW_RISCV, true, 0 },
	{ "virtio,pci-iommu", DMAH_FW_VIRTIO, true, 0 },
	{ "virtio,mmio", DMAH_FW_VIRTIO, false, 0 },
};

#define KINDS (sizeof(iommu_kinds) / sizeof(iommu_kinds[0]))

/* ---- kinds of nodes ---- */

static bool is_enabled(const struct fw_tree *tree, const struct fw_node *node)
{
	struct fw_prop status = dmah_fw_tree_prop(tree, node, "status");

	return !status.at || dmah_fw_tree_text(&status, "okay", NULL) ||
	       dmah_fw_tree_text(&status, "ok", NULL);
}

/* Returns the index in iommu_kinds[] of an IOMMU; KINDS: it is none. */
static unsigned int kind_of(const struct fw_tree *tree, const struct fw_node *node)
{
	struct fw_prop cells = dmah_fw_tree_prop(tree, node, "#iommu-cells");
	struct fw_prop compatible;

	if (!cells.at || !is_enabled(tree, node))
		return KINDS;
	compatible = dmah_fw_tree_prop(tree, node, "compatible");
	for (unsigned int i = 0; i < KINDS; i++)
		if (dmah_fw_tree_text(&compatible, iommu_kinds[i].compatible, NULL))
			return i;
	return KINDS;
}

static bool is_pci(const struct fw_tree *tree, const struct fw_node *node)
{
	struct fw_prop type = dmah_fw_tree_prop(tree, node, "device_type");

	return dmah_fw_tree_text(&type, "pci", NULL);
}

/* A host bridge: the nodes below it that are of this type too are bridges of its buses. */
static bool is_host(const struct fw_tree *tree, const struct fw_node *node)
{
	struct fw_node parent = *node;

	return is_pci(tree, node) && is_enabled(tree, node) &&
	       !(dmah_fw_tree_up(&parent) && is_pci(tree, &parent));
}

static uint16_t segment_of(const struct fw_tree *tree, const struct fw_node *host)
{
	struct fw_prop domain = dmah_fw_tree_prop(tree, host, "linux,pci-domain");

	return (uint16_t)dmah_fw_tree_cell(&domain, 0, 0);
}

static bool has_bus(const struct fw_tree *tree, const struct fw_node *host, unsigned int bus)
{
	struct fw_prop range = dmah_fw_tree_prop(tree, host, "bus-range");

	return bus >= dmah_fw_tree_cell(&range, 0, 0) && bus <= dmah_fw_tree_cell(&range, 1, 255);
}

static bool has_flag(const struct fw_tree *tree, const struct fw_node *node, const char *name)
{
	return dmah_fw_tree_prop(tree, node, name).at;
}

/* ---- units ---- */

/* An interrupt by its name. Only the three cells of Arm's interrupt controller are read: type, number, flags. */
static uint32_t interrupt(const struct fw_tree *tree, const struct fw_node *node, const char *name)
{
	struct fw_prop names = dmah_fw_tree_prop(tree, node, "interrupt-names");
	struct fw_prop list = dmah_fw_tree_prop(tree, node, "interrupts");
	uint32_t n;

	if (!dmah_fw_tree_text(&names, name, &n) || list.size % 12 ||
	    !fw_fits((uint64_t)n * 12, 12, list.size) || dmah_fw_tree_cell(&list, n * 3, 1) != 0)
		return 0;
	return dmah_fw_tree_cell(&list, n * 3 + 1, 0) + SPI_BASE;
}

/* Describe an IOMMU. Returns false where it has no registers that the CPU can reach, or no host bridge. */
static bool describe(const struct fw_tree *tree, const struct fw_node *node, unsigned int kind,
		     struct dmah_fw_unit *unit)
{
	struct fw_prop reg = dmah_fw_tree_prop(tree, node, "reg");
	struct fw_node host = *node;
	struct dmah_fw_unit other;

	*unit = (struct dmah_fw_unit){ .kind = iommu_kinds[kind].kind,
				       .table = DMAH_FW_DT,
				       .offset = dmah_fw_tree_offset(node) };
	if (has_flag(tree, node, "dma-coherent"))
		unit->flags = DMAH_FW_COHERENT;
	else if (unit->kind == DMAH_FW_SMMUV3 || unit->kind == DMAH_FW_SMMUV2)
		unit->flags = DMAH_FW_NONCOHERENT;
	unit->hw_info = iommu_kinds[kind].smmuv2;
	if (has_flag(tree, node, "calxeda,smmu-secure-config-access"))
		unit->hw_info = DMAH_SMMUV2_CALXEDA;
	/* Tegra194 and later: requests are spread over two or three units, which must all be written alike. */
	if (unit->kind == DMAH_FW_SMMUV2 &&
	    dmah_fw_tree_reg(tree, node, 1, &other.base, &other.size))
		unit->flags |= DMAH_FW_MIRRORED;
	unit->irq[0] = interrupt(tree, node, "eventq");
	unit->irq[1] = interrupt(tree, node, "gerror");
	unit->irq[2] = interrupt(tree, node, "priq");
	unit->irq[3] = interrupt(tree, node, "cmdq-sync");
	if (!iommu_kinds[kind].pci) {
		unit->flags |= DMAH_FW_MMIO;
		return dmah_fw_tree_reg(tree, node, 0, &unit->base, &unit->size);
	}
	unit->flags |= DMAH_FW_PCI;
	unit->bdf = PCI_BDF(dmah_fw_tree_cell(&reg, 0, 0));
	while (dmah_fw_tree_up(&host))
		if (is_host(tree, &host)) {
			unit->segment = segment_of(tree, &host);
			return reg.at;
		}
	return false;
}

static bool unit_at(const struct dmah_fw *fw, const struct dmah_fw_bytes *t, unsigned int n,
		    struct dmah_fw_unit *unit)
{
	struct fw_node node = { 0 };
	struct fw_tree tree;

	(void)fw;
	if (!dmah_fw_tree_open(t, &tree))
		return false;
	while (dmah_fw_tree_next(&tree, &node)) {
		unsigned int kind = kind_of(&tree, &node);

		if (kind < KINDS && describe(&tree, &node, kind, unit) && n-- == 0)
			return true;
	}
	return false;
}

static uint32_t cells_of(const struct fw_tree *tree, const struct fw_node *node, uint32_t other)
{
	struct fw_prop prop = dmah_fw_tree_prop(tree, node, "#iommu-cells");

	return dmah_fw_tree_cell(&prop, 0, other);
}

/* ---- check ---- */

static uint32_t offset_in(const struct dmah_fw_bytes *t, const struct fw_prop *prop, uint32_t cell)
{
	return (uint32_t)(prop->at - t->data) + cell * 4;
}

/* Arguments of a reference to an IOMMU. */
#define MOST_ARGS 8u
#define NO_CELLS  15u
#define NARROW	  16u /* ids have 16 bits: an SMMUv2 */

/* struct iommus - phandles of all IOMMUs while a tree is judged; @form: arguments of a reference to each, and NARROW. */
struct iommus {
	uint32_t n;
	uint32_t phandle[MOST_IOMMUS];
	uint8_t form[MOST_IOMMUS];
};

/* An IOMMU that is disabled translates nothing: a reference to it is no error. */
static int collect(const struct dmah_fw *fw, const struct fw_tree *tree, struct iommus *iommus)
{
	struct fw_node node = { 0 };
	unsigned int kind;
	uint32_t cells;

	iommus->n = 0;
	while (dmah_fw_tree_next(tree, &node)) {
		if (!has_flag(tree, &node, "#iommu-cells"))
			continue;
		if (iommus->n == MOST_IOMMUS)
			return dmah_fw_error(fw, NAME, dmah_fw_tree_offset(&node),
					     "there are more than 192 IOMMUs");
		cells = cells_of(tree, &node, NO_CELLS);
		kind = kind_of(tree, &node);
		iommus->phandle[iommus->n] = dmah_fw_tree_phandle(tree, &node);
		iommus->form[iommus->n++] =
			(uint8_t)((cells < NO_CELLS ? cells : NO_CELLS) |
				  (kind < KINDS && iommu_kinds[kind].kind == DMAH_FW_SMMUV2 ? NARROW
											    : 0));
	}
	return DMAH_OK;
}

/* Returns the arguments of a reference by @phandle, or more than MOST_ARGS: it leads to no IOMMU. *@most: the widest id. */
static uint32_t args_of(const struct iommus *iommus, uint32_t phandle, uint32_t *most)
{
	*most = UINT32_MAX;
	for (uint32_t i = 0; phandle && i < iommus->n; i++) {
		if (iommus->phandle[i] != phandle)
			continue;
		if (iommus->form[i] & NARROW)
			*most = 0xffff;
		return iommus->form[i] & NO_CELLS;
	}
	return NO_CELLS + 1;
}

static const char *bad_entry(const struct iommus *iommus, const struct fw_prop *map, uint32_t n)
{
	uint32_t first = dmah_fw_tree_cell(map, n, 0), count = dmah_fw_tree_cell(map, n + 3, 0);
	uint32_t output = dmah_fw_tree_cell(map, n + 2, 0), most;

	if (args_of(iommus, dmah_fw_tree_cell(map, n + 1, 0), &most) > NO_CELLS)
		return "an entry of iommu-map leads to no IOMMU";
	if (!count || count - 1 > UINT32_MAX - first || count - 1 > UINT32_MAX - output)
		return "an entry of iommu-map has no ids, or ids of more than 32 bits";
	if (output + (count - 1) > most)
		return "an entry of iommu-map gives an SMMUv2 ids of more than 16 bits";
	for (uint32_t m = 0; m < n; m += MAP_CELLS) {
		uint32_t other = dmah_fw_tree_cell(map, m, 0);

		if (first < other ? other - first < count
				  : first - other < dmah_fw_tree_cell(map, m + 3, 0))
			return "overlap: two entries of iommu-map have the same ids";
	}
	return NULL;
}

static int check_map(const struct dmah_fw *fw, const struct dmah_fw_bytes *t,
		     const struct fw_tree *tree, const struct fw_node *host,
		     const struct iommus *iommus)
{
	struct fw_prop map = dmah_fw_tree_prop(tree, host, "iommu-map");

	if (!map.at)
		return DMAH_OK;
	if (map.size % (4 * MAP_CELLS) || map.size > 4 * MAP_CELLS * MOST_ENTRIES)
		return dmah_fw_error(fw, NAME, offset_in(t, &map, 0),
				     "the length of iommu-map is no multiple of 16, or too long");
	for (uint32_t n = 0; n < map.size / 4; n += MAP_CELLS) {
		const char *why = bad_entry(iommus, &map, n);

		if (why)
			return dmah_fw_error(fw, NAME, offset_in(t, &map, n), why);
	}
	return DMAH_OK;
}

/* Judge the entry at cell *@n of a list of phandles and arguments, and go to the next. NULL: it is right. */
static const char *bad_reference(const struct iommus *iommus, const struct fw_prop *list,
				 uint32_t *n)
{
	uint32_t most, id, args = args_of(iommus, dmah_fw_tree_cell(list, *n, 0), &most);

	if (args > MOST_ARGS || !fw_fits(((uint64_t)*n + 1) * 4, (uint64_t)args * 4, list->size))
		return "an entry of iommus leads to no IOMMU, or has not all its cells";
	id = args ? dmah_fw_tree_cell(list, *n + 1, 0) : 0;
	if (id > most ||
	    (most < UINT32_MAX && args > 1 && dmah_fw_tree_cell(list, *n + 2, 0) > most))
		return "an entry of iommus gives an SMMUv2 an id or a mask of more than 16 bits";
	*n += 1 + args;
	return NULL;
}

static int check_list(const struct dmah_fw *fw, const struct dmah_fw_bytes *t,
		      const struct fw_tree *tree, const struct fw_node *device,
		      const struct iommus *iommus, uint32_t *devices)
{
	struct fw_prop list = dmah_fw_tree_prop(tree, device, "iommus");
	uint32_t n = 0, entries = 0;
	const char *why = NULL;

	if (!list.at)
		return DMAH_OK;
	if ((*devices)++ == MOST_DEVICES)
		why = "there are more than 1024 devices with iommus";
	while (!why && (uint64_t)n * 4 < list.size)
		why = entries++ == MOST_IDS ? "a device has more than 64 entries of iommus"
					    : bad_reference(iommus, &list, &n);
	return why ? dmah_fw_error(fw, NAME, offset_in(t, &list, n), why) : DMAH_OK;
}

static int check_unit(const struct dmah_fw *fw, const struct fw_tree *tree,
		      const struct fw_node *node)
{
	unsigned int kind = kind_of(tree, node);
	struct dmah_fw_unit unit;

	if (kind == KINDS || describe(tree, node, kind, &unit))
		return DMAH_OK;
	return dmah_fw_error(fw, NAME, dmah_fw_tree_offset(node),
			     "an IOMMU has no registers that the CPU can reach");
}

static int check(const struct dmah_fw *fw, struct dmah_fw_bytes *t)
{
	int err = dmah_fw_tree_check(fw, t);
	struct fw_node node = { 0 };
	struct iommus iommus;
	uint32_t devices = 0;
	struct fw_tree tree;

	if (!dmah_fw_tree_open(t, &tree))
		return err;
	if (collect(fw, &tree, &iommus)) {
		t->size = 0;
		return DMAH_EINVAL;
	}
	while (devices <= MOST_DEVICES && dmah_fw_tree_next(&tree, &node))
		if (check_unit(fw, &tree, &node) || check_map(fw, t, &tree, &node, &iommus) ||
		    check_list(fw, t, &tree, &node, &iommus, &devices))
			err = DMAH_EINVAL;
	/* Of a tree that is beyond a bound nothing is used, not even where broken tables are kept. */
	if (devices > MOST_DEVICES)
		t->size = 0;
	return err;
}

/* ---- ranges ---- */

/* struct owner - a device that iommu-addresses names; @cells, @size_cells: of an address and a size on its bus. */
struct owner {
	uint32_t phandle;
	uint32_t cells;
	uint32_t size_cells;
};

/* struct owners - the device that is asked for, and the one that was looked up last; @looked_up: how often that was done. */
struct owners {
	struct owner asked;
	struct owner last;
	uint32_t looked_up;
};

static bool count_cells(const struct fw_tree *tree, const struct fw_node *device,
			struct owner *owner)
{
	struct fw_node bus = *device;
	struct fw_prop a, s;

	if (!dmah_fw_tree_up(&bus))
		return false;
	a = dmah_fw_tree_prop(tree, &bus, "#address-cells");
	s = dmah_fw_tree_prop(tree, &bus, "#size-cells");
	owner->cells = dmah_fw_tree_cell(&a, 0, 2);
	owner->size_cells = dmah_fw_tree_cell(&s, 0, 1);
	return owner->cells <= 4 && owner->size_cells <= 4;
}

/*
 * Return the device of an entry, whose bus says how long the entry is. One that is not there, or is beyond the bound, is taken
 * for one on the bus of the device that is asked for.
 */
static const struct owner *owner_of(const struct fw_tree *tree, uint32_t phandle,
				    struct owners *owners)
{
	struct fw_node node;

	if (phandle == owners->asked.phandle)
		return &owners->asked;
	if (phandle == owners->last.phandle && phandle)
		return &owners->last;
	owners->last.phandle = 0;
	if (owners->looked_up++ >= MOST_OWNERS || !dmah_fw_tree_find(tree, phandle, &node) ||
	    !count_cells(tree, &node, &owners->last))
		return &owners->asked;
	owners->last.phandle = phandle;
	return &owners->last;
}

/*
 * A reserved region names devices by iommu-addresses: phandle, address, size. Where that is the region's own memory, the
 * device uses it already; else the addresses are merely not to be used.
 */
static void report_region(const struct fw_lookup *q, const struct fw_tree *tree,
			  const struct fw_node *region, struct owners *owners)
{
	struct fw_prop list = dmah_fw_tree_prop(tree, region, "iommu-addresses");
	uint64_t base, size, start, length;
	bool memory = list.at && dmah_fw_tree_reg(tree, region, 0, &base, &size);
	uint32_t entry;

	for (uint32_t n = 0; fw_fits((uint64_t)n * 4, 4, list.size); n += entry) {
		uint32_t phandle = dmah_fw_tree_cell(&list, n, 0);
		const struct owner *owner = owner_of(tree, phandle, owners);

		entry = 1 + owner->cells + owner->size_cells;
		if (phandle != owners->asked.phandle ||
		    !fw_fits((uint64_t)n * 4, (uint64_t)entry * 4, list.size))
			continue;
		start = dmah_fw_tree_cells(&list, n + 1, owner->cells);
		length = dmah_fw_tree_cells(&list, n + 1 + owner->cells, owner->size_cells);
		if (dmah_fw_senseless(start, length))
			continue;
		if (memory && base == start && size == length)
			dmah_fw_identity(q, start, length, DMAH_BIDIRECTIONAL);
		else
			dmah_fw_range(q, &(struct dmah_fw_range){ .start = start,
								  .end = start + length - 1,
								  .kind = DMAH_FW_RESERVED });
	}
}

static void report_regions(const struct fw_lookup *q, const struct fw_tree *tree,
			   const struct fw_node *device)
{
	struct owners owners = { .asked.phandle = dmah_fw_tree_phandle(tree, device) };
	struct fw_node node = { 0 };

	if (!owners.asked.phandle || !count_cells(tree, device, &owners.asked))
		return;
	while (dmah_fw_tree_next(tree, &node))
		if (has_flag(tree, &node, "iommu-addresses"))
			report_region(q, tree, &node, &owners);
}

static void report_doorbell(const struct fw_lookup *q, const struct fw_tree *tree, uint32_t phandle)
{
	struct fw_prop compatible;
	struct fw_node node;
	uint64_t base, size;

	if (!dmah_fw_tree_find(tree, phandle, &node) ||
	    !dmah_fw_tree_reg(tree, &node, 0, &base, &size))
		return;
	compatible = dmah_fw_tree_prop(tree, &node, "compatible");
	if (dmah_fw_tree_text(&compatible, "arm,gic-v3-its", NULL))
		dmah_fw_doorbell(q, base + ITS_DOORBELL);
	else if (dmah_fw_tree_text(&compatible, "arm,gic-v2m-frame", NULL))
		dmah_fw_doorbell(q, base + FRAME_DOORBELL);
}

/* The interrupt controller of a PCI function by msi-map, or that of all devices below a node by msi-parent. */
static void report_msi(const struct fw_lookup *q, const struct fw_tree *tree,
		       const struct fw_node *device)
{
	struct fw_prop map = dmah_fw_tree_prop(tree, device, "msi-map");
	struct fw_prop mask = dmah_fw_tree_prop(tree, device, "msi-map-mask");
	struct fw_prop parent = dmah_fw_tree_prop(tree, device, "msi-parent");
	uint32_t id = q->who->bdf & dmah_fw_tree_cell(&mask, 0, 0xffff);

	if (parent.at)
		report_doorbell(q, tree, dmah_fw_tree_cell(&parent, 0, 0));
	for (uint32_t n = 0; fw_fits((uint64_t)n * 4, 4 * MAP_CELLS, map.size) && map.at;
	     n += MAP_CELLS) {
		uint32_t first = dmah_fw_tree_cell(&map, n, 0);

		if (id < first || id - first >= dmah_fw_tree_cell(&map, n + 3, 0))
			continue;
		report_doorbell(q, tree, dmah_fw_tree_cell(&map, n + 1, 0));
		return;
	}
}

/* ---- answers ---- */

/* Returns the bits that an SMMUv2 does not compare: of each device (@mask), or of all. */
static uint32_t mask_of(const struct fw_tree *tree, const struct fw_node *iommu, uint32_t mask)
{
	struct fw_prop prop = dmah_fw_tree_prop(tree, iommu, "stream-match-mask");

	return cells_of(tree, iommu, 0) > 1 ? mask : dmah_fw_tree_cell(&prop, 0, 0);
}

/* @mask: the second cell of an entry, if there is one. */
static void report(struct fw_lookup *q, const struct fw_tree *tree, const struct fw_node *iommu,
		   uint32_t id, uint32_t mask)
{
	unsigned int kind = kind_of(tree, iommu);
	struct dmah_fw_unit unit;

	if (kind == KINDS || cells_of(tree, iommu, 0) > MOST_ARGS ||
	    !describe(tree, iommu, kind, &unit))
		return;
	if (!dmah_fw_found(q, &unit)) {
		dmah_fw_warn(q->fw, NAME, unit.offset,
			     "a device has ids of two units: those of the second are left out");
		return;
	}
	dmah_fw_id(q, id);
	if (unit.kind == DMAH_FW_SMMUV2)
		dmah_fw_mask(q, mask_of(tree, iommu, mask));
}

/* Entries behind one another mostly lead to one IOMMU, which is looked up once. A list of a broken tree ends at its fault. */
static void report_list(struct fw_lookup *q, const struct fw_tree *tree,
			const struct fw_node *device)
{
	struct fw_prop list = dmah_fw_tree_prop(tree, device, "iommus");
	uint32_t last = 0, n = 0, cells, phandle;
	struct fw_node iommu;

	for (uint32_t i = 0; list.at && i < MOST_IDS && fw_fits((uint64_t)n * 4, 4, list.size);
	     i++, n += 1 + cells) {
		phandle = dmah_fw_tree_cell(&list, n, 0);
		if (phandle != last && !dmah_fw_tree_find(tree, phandle, &iommu))
			return;
		last = phandle;
		if (!phandle)
			return;
		cells = cells_of(tree, &iommu, NO_CELLS);
		if (cells > MOST_ARGS ||
		    !fw_fits(((uint64_t)n + 1) * 4, (uint64_t)cells * 4, list.size))
			return;
		report(q, tree, &iommu, cells ? dmah_fw_tree_cell(&list, n + 1, 0) : 0,
		       cells > 1 ? dmah_fw_tree_cell(&list, n + 2, 0) : 0);
	}
}

static void report_map(struct fw_lookup *q, const struct fw_tree *tree, const struct fw_node *host,
		       uint16_t bdf)
{
	struct fw_prop map = dmah_fw_tree_prop(tree, host, "iommu-map");
	struct fw_prop mask = dmah_fw_tree_prop(tree, host, "iommu-map-mask");
	struct fw_node iommu;
	uint32_t id = bdf & dmah_fw_tree_cell(&mask, 0, 0xffff);

	for (uint32_t n = 0; map.at && fw_fits((uint64_t)n * 4, 4 * MAP_CELLS, map.size);
	     n += MAP_CELLS) {
		uint32_t first = dmah_fw_tree_cell(&map, n, 0);

		if (id < first || id - first >= dmah_fw_tree_cell(&map, n + 3, 0))
			continue;
		if (dmah_fw_tree_find(tree, dmah_fw_tree_cell(&map, n + 1, 0), &iommu))
			report(q, tree, &iommu, dmah_fw_tree_cell(&map, n + 2, 0) + (id - first),
			       0);
		return;
	}
}

static void report_rest(struct fw_lookup *q, const struct fw_tree *tree,
			const struct fw_node *device)
{
	if (!q->found)
		return;
	report_regions(q, tree, device);
	report_msi(q, tree, device);
	dmah_fw_flags(q, (has_flag(tree, device, "dma-coherent") ? DMAH_DEV_COHERENT : 0u) |
				 (has_flag(tree, device, "ats-supported") ? DMAH_DEV_ATS : 0u));
}

/* Returns true where the function is that of an IOMMU of this tree. */
static bool is_unit(const struct fw_lookup *q, const struct fw_tree *tree)
{
	struct fw_node node = { 0 };
	struct dmah_fw_unit unit;

	while (dmah_fw_tree_next(tree, &node)) {
		unsigned int kind = kind_of(tree, &node);

		if (kind < KINDS && iommu_kinds[kind].pci && describe(tree, &node, kind, &unit) &&
		    unit.segment == q->who->segment && unit.bdf == q->who->bdf)
			return true;
	}
	return false;
}

static bool is_host_of(const struct fw_tree *tree, const struct fw_node *node,
		       const struct dmah_fw_requester *who)
{
	return is_host(tree, node) && segment_of(tree, node) == who->segment &&
	       has_bus(tree, node, who->bdf >> 8);
}

static void lookup_pci(struct fw_lookup *q, const struct fw_tree *tree)
{
	struct fw_node node = { 0 };
	unsigned int nids = 0;
	uint16_t ids[2];

	while (!q->found && dmah_fw_tree_next(tree, &node)) {
		if (!is_host_of(tree, &node, q->who))
			continue;
		if (!nids && is_unit(q, tree))
			return;
		if (!nids)
			nids = dmah_fw_pci_ids(q->fw, q->who->segment, q->who->bdf, ids);
		if (has_flag(tree, &node, "iommu-map"))
			for (unsigned int n = 0; n < nids; n++)
				report_map(q, tree, &node, ids[n]);
		else
			report_list(q, tree, &node);
		report_rest(q, tree, &node);
	}
}

static void lookup(struct fw_lookup *q, const struct dmah_fw_bytes *t)
{
	struct fw_node node = { 0 };
	char path[PATH_SIZE];
	struct fw_tree tree;

	if (!dmah_fw_tree_open(t, &tree))
		return;
	if (q->who->what == DMAH_FW_PCI_FUNCTION)
		lookup_pci(q, &tree);
	if (q->who->what != DMAH_FW_NAMED)
		return;
	while (dmah_fw_tree_next(&tree, &node))
		if (dmah_fw_tree_path(&tree, &node, path, sizeof(path)) &&
		    dmah_fw_equal(path, q->who->name) && is_enabled(&tree, &node)) {
			report_list(q, &tree, &node);
			report_rest(q, &tree, &node);
			return;
		}
}

static void named(const struct dmah_fw_bytes *t, void (*fn)(void *ctx, const char *name), void *ctx)
{
	struct fw_node node = { 0 };
	char path[PATH_SIZE];
	struct fw_tree tree;

	if (!dmah_fw_tree_open(t, &tree))
		return;
	while (dmah_fw_tree_next(&tree, &node))
		if (has_flag(&tree, &node, "iommus") && !is_host(&tree, &node) &&
		    is_enabled(&tree, &node) && dmah_fw_tree_path(&tree, &node, path, sizeof(path)))
			fn(ctx, path);
}

const struct fw_parser dmah_fw_dt = {
	.name = NAME, .judge = check, .unit_at = unit_at, .answer = lookup, .name_all = named
};
