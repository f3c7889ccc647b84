// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The probes, and their text. Facts: the prototypes in Linux's kernel/dma/mapping.c (6.1 and 6.12),
 * struct scatterlist and struct sg_table, and Documentation/trace/kprobetrace.rst.
 */
#include <stdio.h>
#include <string.h>
#include "probes.h"
#include "scan.h"

#define BIT(key) (1u << (key))
#define DEV	 "dev=+0(+0($arg1)):string "
#define SP	 " sp=$stack:x64"
#define VMEMMAP	 " vmemmap=@vmemmap_base:x64"

#define SINGLE (BIT(KEY_DMA) | BIT(KEY_SIZE) | BIT(KEY_DIR))
#define LIST   (BIT(KEY_SG) | BIT(KEY_NENTS) | BIT(KEY_DIR) | BIT(KEY_VMEMMAP))
/* in the list of a sync only the DMA addresses count */
#define SYNC_LIST (BIT(KEY_SG) | BIT(KEY_NENTS) | BIT(KEY_DIR))

static const struct probe_desc table[] = {
	{ .name = "dmah_map_page",
	  .event = "dma_map_page",
	  .symbols = { "dma_map_page_attrs" },
	  .args = DEV "page=$arg2:x64 off=$arg3:x64 size=$arg4:u64 dir=$arg5:u32 "
		      "attrs=$arg6:x64" SP VMEMMAP,
	  .ret = "dma=$retval:x64",
	  .wants = BIT(KEY_PAGE) | BIT(KEY_OFF) | BIT(KEY_SIZE) | BIT(KEY_DIR) | BIT(KEY_ATTRS) |
		   BIT(KEY_VMEMMAP),
	  .ret_wants = BIT(KEY_DMA),
	  .needed = true },
	{ .name = "dmah_unmap_page",
	  .event = "dma_unmap_page",
	  .symbols = { "dma_unmap_page_attrs" },
	  .args = DEV "dma=$arg2:x64 size=$arg3:u64 dir=$arg4:u32 attrs=$arg5:x64",
	  .wants = SINGLE | BIT(KEY_ATTRS),
	  .needed = true },
	{ .name = "dmah_map_sg",
	  .event = "dma_map_sg",
	  .symbols = { "dma_map_sg_attrs" },
	  .args = DEV "sg=$arg2:x64 nents=$arg3:u32 dir=$arg4:u32 attrs=$arg5:x64" SP VMEMMAP,
	  .ret = "ents=$retval:u32",
	  .list = "$arg2",
	  .wants = LIST | BIT(KEY_ATTRS),
	  .ret_wants = BIT(KEY_ENTS),
	  .needed = true },
	{ .name = "dmah_map_sgtable",
	  .event = "dma_map_sg",
	  .symbols = { "dma_map_sgtable" },
	  .args = DEV
	  "sg=+0($arg2):x64 nents=+12($arg2):u32 dir=$arg3:u32 attrs=$arg4:x64" SP VMEMMAP,
	  .ret = "err=$retval:s32",
	  .list = "+0($arg2)",
	  .wants = LIST | BIT(KEY_ATTRS),
	  .ret_wants = BIT(KEY_ERR) },
	{ .name = "dmah_unmap_sg",
	  .event = "dma_unmap_sg",
	  .symbols = { "dma_unmap_sg_attrs" },
	  .args = DEV "sg=$arg2:x64 nents=$arg3:u32 dir=$arg4:u32 attrs=$arg5:x64" SP VMEMMAP,
	  .list = "$arg2",
	  .wants = LIST | BIT(KEY_ATTRS),
	  .needed = true },
	{ .name = "dmah_map_resource",
	  .event = "dma_map_resource",
	  .symbols = { "dma_map_resource" },
	  .args = DEV "phys=$arg2:x64 size=$arg3:u64 dir=$arg4:u32 attrs=$arg5:x64" SP,
	  .ret = "dma=$retval:x64",
	  .wants = BIT(KEY_PHYS) | BIT(KEY_SIZE) | BIT(KEY_DIR) | BIT(KEY_ATTRS),
	  .ret_wants = BIT(KEY_DMA) },
	{ .name = "dmah_unmap_resource",
	  .event = "dma_unmap_resource",
	  .symbols = { "dma_unmap_resource" },
	  .args = DEV "dma=$arg2:x64 size=$arg3:u64 dir=$arg4:u32 attrs=$arg5:x64",
	  .wants = SINGLE | BIT(KEY_ATTRS) },
	/* inline functions around these since 6.11 or so */
	{ .name = "dmah_sync_cpu",
	  .event = "dma_sync_single_for_cpu",
	  .symbols = { "__dma_sync_single_for_cpu", "dma_sync_single_for_cpu" },
	  .args = DEV "dma=$arg2:x64 size=$arg3:u64 dir=$arg4:u32",
	  .wants = SINGLE },
	{ .name = "dmah_sync_device",
	  .event = "dma_sync_single_for_device",
	  .symbols = { "__dma_sync_single_for_device", "dma_sync_single_for_device" },
	  .args = DEV "dma=$arg2:x64 size=$arg3:u64 dir=$arg4:u32",
	  .wants = SINGLE },
	{ .name = "dmah_sync_sg_cpu",
	  .event = "dma_sync_sg_for_cpu",
	  .symbols = { "__dma_sync_sg_for_cpu", "dma_sync_sg_for_cpu" },
	  .args = DEV "sg=$arg2:x64 nents=$arg3:u32 dir=$arg4:u32" SP,
	  .list = "$arg2",
	  .wants = SYNC_LIST },
	{ .name = "dmah_sync_sg_device",
	  .event = "dma_sync_sg_for_device",
	  .symbols = { "__dma_sync_sg_for_device", "dma_sync_sg_for_device" },
	  .args = DEV "sg=$arg2:x64 nents=$arg3:u32 dir=$arg4:u32" SP,
	  .list = "$arg2",
	  .wants = SYNC_LIST },
	{ .name = "dmah_alloc",
	  .event = "dma_alloc",
	  .symbols = { "dma_alloc_attrs" },
	  .args = DEV "size=$arg2:u64 gfp=$arg4:x32 attrs=$arg5:x64" SP
		      " base=@page_offset_base:x64",
	  .ret = "virt=$retval:x64",
	  .wants = BIT(KEY_SIZE) | BIT(KEY_GFP) | BIT(KEY_ATTRS) | BIT(KEY_BASE),
	  .ret_wants = BIT(KEY_VIRT) },
	{ .name = "dmah_free",
	  .event = "dma_free",
	  .symbols = { "dma_free_attrs" },
	  .args = DEV "size=$arg2:u64 virt=$arg3:x64 dma=$arg4:x64 attrs=$arg5:x64",
	  .wants = BIT(KEY_SIZE) | BIT(KEY_VIRT) | BIT(KEY_DMA) | BIT(KEY_ATTRS) },
	{ .name = "dmah_alloc_pages",
	  .event = "dma_alloc_pages",
	  .symbols = { "dma_alloc_pages" },
	  .args = DEV "size=$arg2:u64 dir=$arg4:u32 gfp=$arg5:x32" SP VMEMMAP,
	  .ret = "page=$retval:x64",
	  .wants = BIT(KEY_SIZE) | BIT(KEY_DIR) | BIT(KEY_GFP) | BIT(KEY_VMEMMAP),
	  .ret_wants = BIT(KEY_PAGE) },
	{ .name = "dmah_free_pages",
	  .event = "dma_free_pages",
	  .symbols = { "dma_free_pages" },
	  .args = DEV "size=$arg2:u64 dma=$arg4:x64 dir=$arg5:u32",
	  .wants = SINGLE },
	{ .name = NULL },
};

static const char *const keys[NR_PROBE_KEYS] = {
	[KEY_PAGE] = "page",   [KEY_OFF] = "off",   [KEY_PHYS] = "phys",       [KEY_DMA] = "dma",
	[KEY_SIZE] = "size",   [KEY_DIR] = "dir",   [KEY_ATTRS] = "attrs",     [KEY_SG] = "sg",
	[KEY_NENTS] = "nents", [KEY_ENTS] = "ents", [KEY_ERR] = "err",	       [KEY_VIRT] = "virt",
	[KEY_GFP] = "gfp",     [KEY_SP] = "sp",	    [KEY_VMEMMAP] = "vmemmap", [KEY_BASE] = "base",
};

const struct probe_desc *probe_table(void)
{
	return table;
}

const char *probe_key_name(enum probe_key key)
{
	return keys[key];
}

bool probe_find(const char *name, size_t len, struct probe *p)
{
	if (len < 5 || memcmp(name, "dmah_", 5) != 0)
		return false;
	for (const struct probe_desc *d = table; d->name; d++) {
		size_t n = strlen(d->name);
		const char *s = name + n;
		uint64_t from;

		if (n > len || memcmp(d->name, name, n) != 0)
			continue;
		*p = (struct probe){ .desc = d };
		if (n == len)
			return true;
		if (d->ret && len == n + 4 && memcmp(s, "_ret", 4) == 0) {
			p->is_ret = true;
			return true;
		}
		if (d->list && *s++ == '_' && scan_decimal(&s, &from) && s == name + len &&
		    from % PROBE_CHUNK == 0 && from > 0 && from < PROBE_ENTRIES) {
			p->chunk = (uint32_t)from / PROBE_CHUNK;
			return true;
		}
	}
	return false;
}

static bool number(const char **p, uint64_t *v)
{
	const char *s = *p;
	bool minus = *s == '-';

	s += minus;
	if (!(s[0] == '0' && s[1] == 'x' ? scan_hex(&s, v) : scan_decimal(&s, v)))
		return false;
	if (minus)
		*v = -*v;
	*p = s;
	return true;
}

static bool list(const char **p, struct probe *probe)
{
	const char *s = *p;

	probe->nr_list = 0;
	if (*s++ != '{')
		return false;
	while (*s != '}') {
		if (probe->nr_list && *s++ != ',')
			return false;
		if (probe->nr_list == PROBE_LIST || !number(&s, &probe->list[probe->nr_list++]))
			return false;
	}
	*p = s + 1;
	return true;
}

static int key_of(const char *s, size_t len)
{
	for (int i = 0; i < NR_PROBE_KEYS; i++)
		if (strlen(keys[i]) == len && memcmp(keys[i], s, len) == 0)
			return i;
	return -1;
}

const char *probe_text(const char *s, struct probe *p)
{
	/* Skip the place of the hit: "(dma_map_page_attrs+0x0/0x270)", "(caller+0x10/0x20 <- function)" */
	if (*s != '(' || !(s = strchr(s, ')')))
		return "no place in parentheses, or cut off";
	for (s = scan_skip(s + 1); *s; s = scan_skip(s)) {
		const char *key = s;
		size_t len = strcspn(s, "= ");
		int k;

		s += len;
		if (*s++ != '=')
			return "what is no argument, or cut off";
		if (strncmp(s, "(fault)", 7) == 0) {
			/* memory that the kernel could not read: as if it were not there */
			s += 7;
		} else if (len == 3 && memcmp(key, "dev", 3) == 0) {
			if (*s != '"')
				return "a bad dev=";
			p->dev = ++s;
			s += strcspn(s, "\"");
			if (*s != '"')
				return "a dev= that is cut off";
			p->dev_len = (size_t)(s++ - p->dev);
		} else if (len == 4 && memcmp(key, "list", 4) == 0) {
			if (!list(&s, p))
				return "a bad list=";
		} else if ((k = key_of(key, len)) >= 0) {
			if (!number(&s, &p->v[k]))
				return "a bad number";
			p->have |= 1u << k;
		} else {
			s += strcspn(s, " ");
		}
		if (*s && *s != ' ')
			return "a bad value";
	}
	return NULL;
}
