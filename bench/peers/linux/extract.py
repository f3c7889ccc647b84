#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Take what the peer needs out of the source of Linux.

    extract.py [--iova] SOURCE_DIR OUT_DIR

--iova takes the IOVA allocator alone, which is the same in more versions.

OUT_DIR/real/     whole files, unmodified
OUT_DIR/empty/    an empty header for each that those include and that shim/ stands for
OUT_DIR/gen/      NAME.gen.h: functions, types and macros of files that are too big to take whole,
                  unmodified and in the order of the lists below
OUT_DIR/version.h what version it is

Where something is not found the message names it and its file: the version is one that this does
not know.
"""

import os
import re
import shutil
import sys

WHOLE = [
    "drivers/iommu/iova.c", "drivers/iommu/io-pgtable-arm.c", "drivers/iommu/io-pgtable-arm.h",
    "lib/rbtree.c", "drivers/iommu/intel/iommu.h",
    "include/linux/iommu.h", "include/linux/iova.h", "include/linux/io-pgtable.h",
    "include/linux/rbtree.h", "include/linux/rbtree_types.h", "include/linux/rbtree_augmented.h",
]
IOVA = [
    "drivers/iommu/iova.c", "lib/rbtree.c", "include/linux/iova.h", "include/linux/rbtree.h",
    "include/linux/rbtree_types.h", "include/linux/rbtree_augmented.h",
]
# Files that only some versions have.
GENERIC_PT = "drivers/iommu/generic_pt/"
WHOLE_IF_THERE = [
    "drivers/iommu/iommu-pages.h", "drivers/iommu/iommu-pages.c", "drivers/iommu/intel/cache.c",
    "drivers/iommu/intel/pasid.h", "include/uapi/linux/iommufd.h", "include/uapi/linux/iommu.h",
    "include/linux/iommu-dma.h", "include/linux/swiotlb.h", "include/linux/generic_pt/common.h", "include/linux/generic_pt/iommu.h",
    GENERIC_PT + "iommu_pt.h", GENERIC_PT + "pt_common.h", GENERIC_PT + "pt_defs.h",
    GENERIC_PT + "pt_fmt_defaults.h", GENERIC_PT + "pt_iter.h", GENERIC_PT + "pt_log2.h",
    GENERIC_PT + "fmt/defs_vtdss.h", GENERIC_PT + "fmt/vtdss.h", GENERIC_PT + "fmt/iommu_template.h",
    GENERIC_PT + "fmt/iommu_vtdss.c",
]
# Headers of the C library's kernel headers that do as they are.
SYSTEM = {"linux/types.h", "linux/errno.h", "linux/limits.h", "linux/ioctl.h", "linux/stddef.h"}

# NAME.gen.h -> [(source, items)]. An item is a function's name, "struct NAME", "enum NAME"
# or "#NAME" (a macro). "7.3:item" is for that series and newer, "-7.3:item" for older ones.
GEN = {
    "dma-iommu": [("include/linux/dma-mapping.h", """
        7.3:struct dma_iova_state   7.3:#DMA_IOVA_USE_SWIOTLB   7.3:dma_iova_size
        """), ("drivers/iommu/dma-iommu.c", """
        struct iommu_dma_msi_page   -7.3:enum iommu_dma_cookie_type
        enum iommu_dma_queue_type   struct iommu_dma_options
        struct iommu_dma_cookie   7.3:struct iommu_dma_msi_cookie
        #IOVA_DEFAULT_FQ_SIZE   #IOVA_SINGLE_FQ_SIZE
        #IOVA_DEFAULT_FQ_TIMEOUT   #IOVA_SINGLE_FQ_TIMEOUT
        struct iova_fq_entry   struct iova_fq   #fq_ring_for_each
        fq_full   fq_ring_add   fq_ring_free_locked   fq_ring_free   fq_flush_iotlb
        fq_flush_timeout   queue_iova
        iommu_dma_free_fq_single   iommu_dma_free_fq_percpu   iommu_dma_free_fq
        iommu_dma_init_one_fq   iommu_dma_init_fq_single   iommu_dma_init_fq_percpu
        iommu_dma_init_fq   -7.3:cookie_alloc   iommu_get_dma_cookie   iommu_put_dma_cookie
        dev_is_untrusted   dev_use_swiotlb   iommu_dma_init_options
        7.3:iommu_domain_supports_fq   iommu_dma_init_domain
        dma_info_to_prot   iommu_dma_alloc_iova   iommu_dma_free_iova
        __iommu_dma_unmap   __iommu_dma_map
        -7.3:iommu_dma_map_page   -7.3:iommu_dma_unmap_page
        7.3:iommu_dma_map_swiotlb   7.3:iova_unaligned   7.3:iommu_dma_map_phys   7.3:iommu_dma_unmap_phys
        iommu_dma_sync_single_for_cpu   iommu_dma_sync_single_for_device
        dev_use_sg_swiotlb   iommu_dma_sync_sg_for_cpu   iommu_dma_sync_sg_for_device
        __finalise_sg   __invalidate_sg   iommu_dma_unmap_sg_swiotlb
        iommu_dma_map_sg_swiotlb   iommu_dma_map_sg   iommu_dma_unmap_sg
        7.3:dma_iova_try_alloc   7.3:dma_iova_free   7.3:__dma_iova_link
        7.3:iommu_dma_iova_bounce_and_link   7.3:iommu_dma_iova_unlink_range_slow   7.3:dma_iova_unlink
        7.3:iommu_dma_iova_link_swiotlb   7.3:dma_iova_link   7.3:dma_iova_sync   7.3:dma_iova_destroy
        """)],
    "map": [("include/linux/dma-direct.h", "dma_capable"),
            ("kernel/dma/swiotlb.c", """
        struct io_tlb_slot   -7.3:#INVALID_PHYS_ADDR   struct io_tlb_area   io_tlb_offset   nr_slots
        swiotlb_init_io_tlb_pool   add_mem_pool
        swiotlb_align_offset   swiotlb_bounce   slot_addr   get_max_slots   wrap_area_index
        inc_used_and_hiwater/2   dec_used/2   swiotlb_search_pool_area   swiotlb_find_slots/2
        mem_pool_used   -7.3:mem_used/2   7.3:mem_used   swiotlb_tbl_map_single   swiotlb_release_slots
        swiotlb_del_transient/2   __swiotlb_tbl_unmap_single
        __swiotlb_sync_single_for_device   __swiotlb_sync_single_for_cpu   swiotlb_map   is_swiotlb_active
        """),
            ("kernel/dma/direct.c", "7.3:dma_direct_map_phys"),
            ("kernel/dma/direct.h", """
        dma_direct_sync_single_for_cpu   -7.3:dma_direct_map_page   -7.3:dma_direct_unmap_page
        7.3:dma_direct_unmap_phys
        """),
            ("kernel/dma/mapping.c", """
        dma_go_direct   dma_map_direct   7.3:dma_map_phys   dma_map_page_attrs
        7.3:dma_unmap_phys   dma_unmap_page_attrs   __dma_map_sg_attrs   dma_map_sg_attrs   dma_unmap_sg_attrs
        __dma_sync_single_for_cpu
        """)],
    "iommu": [("drivers/iommu/iommu.c", """
        iommu_get_dma_domain   iommu_iova_to_phys   iommu_pgsize
        7.3:__iommu_map_domain_pgtbl   7.3:iommu_sync_map   7.3:iommu_map_nosync
        -7.3:__iommu_map   iommu_map
        7.3:__iommu_unmap_domain_pgtbl
        __iommu_unmap   iommu_unmap   iommu_unmap_fast   iommu_map_sg
        """)],
    "intel": [("drivers/iommu/intel/iommu.c", """
        -7.3:#__DOMAIN_MAX_PFN   -7.3:#__DOMAIN_MAX_ADDR   -7.3:#DOMAIN_MAX_PFN   -7.3:#DOMAIN_MAX_ADDR
        -7.3:domain_pfn_supported   -7.3:domain_flush_cache   -7.3:pfn_to_dma_pte
        -7.3:dma_pfn_level_pte   -7.3:dma_pte_clear_range   -7.3:dma_pte_free_level
        -7.3:dma_pte_free_pagetable   -7.3:dma_pte_list_pagetables   -7.3:dma_pte_clear_level
        -7.3:domain_unmap
        -7.3:hardware_largepage_caps   -7.3:switch_to_super_page   -7.3:__domain_mapping
        -7.3:intel_iommu_map   -7.3:intel_iommu_map_pages   -7.3:intel_iommu_unmap
        -7.3:intel_iommu_unmap_pages
        intel_iommu_tlb_sync   -7.3:intel_iommu_iova_to_phys   intel_iommu_iotlb_sync_map
        intel_flush_iotlb_all
        """)],
    "dmar": [("drivers/iommu/intel/dmar.c", """
        reclaim_free_desc   qi_submit_sync
        """)],
}

HEAD = """/* SPDX-License-Identifier: GPL-2.0-only */
/* Made by extract.py of %s of Linux %s: do not edit. */
#pragma GCC diagnostic push
%s
"""
TAIL = "#pragma GCC diagnostic pop\n"
# Not ours to warn about. A function that nothing declares remains an error.
QUIET = ["-Wunused-variable", "-Wunused-but-set-variable", "-Wunused-function", "-Wsign-compare",
         "-Wformat", "-Wpointer-sign", "-Wempty-body", "-Wtype-limits",
         "-Wmissing-field-initializers", "-Wmaybe-uninitialized"]


def fail(message):
    sys.exit("extract.py: " + message)


def read(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except OSError as e:
        fail("%s: %s" % (path, e.strerror))


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def function(lines, name):
    """A function's definition: from its type, which may be on its own line, to a lone brace. "NAME/2" is the second one,
    behind an #else."""
    name, _, number = name.partition("/")
    left = int(number or 1)
    start = re.compile(r"^(?![\s#/*]).*\b%s\(" % re.escape(name))
    for i, line in enumerate(lines):
        if not start.match(line):
            continue
        body = i
        while body < len(lines) and lines[body] != "{" and not lines[body].endswith(";"):
            body += 1
        if body == len(lines) or lines[body] != "{":
            continue  # a declaration
        left -= 1
        if left:
            continue
        first = i
        while first and re.match(r"^[A-Za-z_][\w *]*$", lines[first - 1]):
            first -= 1
        return lines[first:lines.index("}", body) + 1]
    return None


def compound(lines, head):
    """struct or enum, whatever its attributes."""
    start = re.compile(r"^%s\s*\{" % re.escape(head))
    for i, line in enumerate(lines):
        if start.match(line):
            last = i
            while not lines[last].startswith("}"):
                last += 1
            return lines[i:last + 1]
    return None


def macro(lines, name):
    start = re.compile(r"^#define\s+%s\b" % re.escape(name))
    for i, line in enumerate(lines):
        if start.match(line):
            last = i
            while lines[last].endswith("\\"):
                last += 1
            return lines[i:last + 1]
    return None


def take(lines, item):
    if item.startswith(("struct ", "enum ")):
        return compound(lines, item)
    if item.startswith("#"):
        return macro(lines, item[1:])
    return function(lines, item)


def items(text, release):
    """The items of a list that this release has."""
    for item in re.findall(r"(?:-?[\d.]+:)*(?:struct |enum )?[^\s]+", text):
        m = re.match(r"((?:-?[\d.]+:)*)(.*)", item)
        for sign, number in re.findall(r"(-?)([\d.]+):", m.group(1)):
            newer = release >= tuple(int(n) for n in number.split("."))
            if newer == bool(sign):
                break
        else:
            yield m.group(2)


def version_of(source):
    makefile = read(os.path.join(source, "Makefile"))
    numbers = []
    for word in ("VERSION", "PATCHLEVEL", "SUBLEVEL"):
        m = re.search(r"^%s = (\d+)$" % word, makefile, re.M)
        if not m:
            fail("Makefile: no %s" % word)
        numbers.append(int(m.group(1)))
    return tuple(numbers)


def main():
    args = [a for a in sys.argv[1:] if a != "--iova"]
    if len(args) != 2:
        fail("usage: extract.py [--iova] SOURCE_DIR OUT_DIR")
    source, out = args
    only_iova = len(args) != len(sys.argv) - 1
    whole = IOVA if only_iova else WHOLE
    release = version_of(source)
    version = "%d.%d.%d" % release
    shutil.rmtree(out, ignore_errors=True)

    included = set()

    def look(text):
        included.update(re.findall(r"^\s*#\s*include\s+[<\"]([^>\"]+)[>\"]", text, re.M))

    for path in whole + ([] if only_iova else WHOLE_IF_THERE):
        if path in whole or os.path.exists(os.path.join(source, path)):
            text = read(os.path.join(source, path))
            look(text)
            # Headers where their #include finds them, and no others beside them.
            write(os.path.join(out, "real", re.sub("^include/", "", path)), text)

    for name, parts in () if only_iova else GEN.items():
        text = []
        for path, wanted in parts:
            lines = read(os.path.join(source, path)).split("\n")
            text.append(HEAD % (path, version, "\n".join(
                "#pragma GCC diagnostic ignored \"%s\"" % w for w in QUIET)))
            for item in items(wanted, release):
                got = take(lines, item)
                if got is None:
                    fail("Linux %s: no %s in %s" % (version, item, path))
                text.append("\n".join(got) + "\n")
            text.append(TAIL)
        write(os.path.join(out, "gen", name + ".gen.h"), "\n".join(text))

    real = os.path.join(out, "real")
    for name in sorted(included - SYSTEM):
        here = [os.path.join(real, d, name) for d in ("", "drivers/iommu", "drivers/iommu/intel",
                                               "drivers/iommu/generic_pt", "drivers/iommu/generic_pt/fmt")]
        if not any(os.path.exists(p) for p in here):
            # "../x.h" is looked for beside the file that includes it.
            write(os.path.join(out, "empty", name.replace("../", "")), "/* shim/shim.h */\n")

    write(os.path.join(out, "version.h"),
          "#define LINUX_VERSION \"%s\"\n#define LINUX_RELEASE %d /* 6.12 is 6012 */\n" %
          (version, release[0] * 1000 + release[1]))
    print(version)


main()
