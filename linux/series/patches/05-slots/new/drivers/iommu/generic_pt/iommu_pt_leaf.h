/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operation leaf_entry() of generic_pt. iommu_pt.h includes this file, once
 * for each format.
 */

static int __leaf_entry(struct pt_range *range, void *arg, unsigned int level,
			struct pt_table_p *table)
{
	struct pt_state pts = pt_init(range, level, table);
	struct pt_iommu_leaf *leaf = arg;

	switch (pt_load_single_entry(&pts)) {
	case PT_ENTRY_TABLE:
		return pt_descend(&pts, arg, __leaf_entry);
	case PT_ENTRY_OA:
		if (sizeof(u64) != PT_ITEM_WORD_SIZE || pt_entry_oa_lg2sz(&pts) != PAGE_SHIFT ||
		    pt_entry_num_contig_lg2(&pts) != ilog2(1))
			return -EOPNOTSUPP;
		leaf->entry = pt_cur_table(&pts, u64) + pts.index;
		leaf->incoherent = pts_feature(&pts, PT_FEAT_DMA_INCOHERENT);
		return 0;
	case PT_ENTRY_EMPTY:
		break;
	}
	return -ENOENT;
}

static int NS(leaf_entry)(struct pt_iommu *iommu_table, dma_addr_t iova, struct pt_iommu_leaf *leaf)
{
	struct pt_range range;
	int ret;

	ret = make_range(common_from_iommu(iommu_table), &range, iova, 1);
	if (ret)
		return ret;
	return pt_walk_range(&range, __leaf_entry, leaf);
}
