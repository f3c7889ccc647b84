# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""All that is decided by name: the calls that are converted, and each reason to leave a site.

A rule's name is in the report beside each site that is left, and a test of that name is in
tests/convert/cases. The text completes "left, because ...".
"""

import re

# ---- calls

class Map:
    """A call that maps. handle: the call that takes a handle; length, direction: argument indices."""

    def __init__(self, handle, length, direction, count):
        self.handle = handle
        self.length = length
        self.direction = direction
        self.count = count          # arguments; fewer: some are implied


MAPS = {
    "dma_map_single": Map("dmah_map_single", 2, 3, 4),
    "dma_map_single_attrs": Map("dmah_map_single_attrs", 2, 3, 5),
    "dma_map_page": Map("dmah_map_page", 3, 4, 5),
    "dma_map_page_attrs": Map("dmah_map_page_attrs", 3, 4, 6),
    "skb_frag_dma_map": Map("dmah_map_skb_frag", 3, 4, 5),
    "__skb_frag_dma_map": Map("dmah_map_skb_frag", 3, 4, 5),
    "dma_map_resource": Map("dmah_map_resource", 2, 3, 5),
    "dma_map_bvec": Map("dmah_map_bvec_attrs", None, 2, 4),
    "dma_map_phys": Map(None, 2, 3, 5),     # no handle call takes a physical address of memory
}


class Unmap:
    """A call that unmaps. attrs: argument index, or None."""

    def __init__(self, attrs=None):
        self.attrs = attrs
        self.length = 2
        self.direction = 3


UNMAPS = {
    "dma_unmap_single": Unmap(),
    "dma_unmap_page": Unmap(),
    "dma_unmap_single_attrs": Unmap(4),
    "dma_unmap_page_attrs": Unmap(4),
    "dma_unmap_resource": Unmap(4),
    "dma_unmap_phys": Unmap(4),
}


class Sync:
    """A call that syncs. offset: argument index, or None for the whole."""

    def __init__(self, side, offset=None):
        self.handle = "dmah_sync_for_" + side
        self.offset = offset
        self.length = 2 if offset is None else 3
        self.direction = self.length + 1


SYNCS = {
    "dma_sync_single_for_cpu": Sync("cpu"),
    "dma_sync_single_for_device": Sync("device"),
    "dma_sync_single_range_for_cpu": Sync("cpu", 2),
    "dma_sync_single_range_for_device": Sync("device", 2),
}

# Calls that end or sync a mapping: each is a site.
SITES = dict(UNMAPS, **SYNCS)

# Calls that return memory which CPU and device share, by its address.
COHERENT = {
    "dma_alloc_coherent", "dmam_alloc_coherent", "dma_alloc_attrs", "dmam_alloc_attrs", "dma_alloc_wc",
    "dma_alloc_noncoherent", "dma_alloc_pages", "dma_alloc_noncontiguous", "dma_pool_alloc",
    "dma_pool_zalloc", "usb_alloc_coherent", "pci_alloc_consistent"}
# Those of them that a driver syncs: a handle must not stand for their address.
SYNCED = {"dma_alloc_noncoherent", "dma_alloc_pages", "dma_alloc_noncontiguous"}
POOL = {"page_pool_get_dma_addr", "page_pool_get_dma_addr_netmem", "xsk_buff_xdp_get_dma",
        "xsk_buff_raw_get_dma", "xsk_buff_xdp_get_frame_dma", "libeth_rx_alloc"}
SCATTER = {"sg_dma_address", "sg_phys"}
# Calls that read an integer out of a descriptor or register.
READS = {
    "le16_to_cpu", "le32_to_cpu", "le64_to_cpu", "be16_to_cpu", "be32_to_cpu", "be64_to_cpu",
    "__le32_to_cpu", "__le64_to_cpu", "__be32_to_cpu", "le32_to_cpup", "le64_to_cpup", "be32_to_cpup",
    "be64_to_cpup", "get_unaligned_le32", "get_unaligned_le64", "get_unaligned_be32",
    "get_unaligned_be64", "swahw32", "readl", "readq", "ioread32", "ioread64", "in_be32", "in_le32",
    "__raw_readl", "readl_relaxed", "readq_relaxed"}
# Calls that take an integer and do no more than format, convert or write it.
HARMLESS = {
    "cpu_to_le16", "cpu_to_le32", "cpu_to_le64", "cpu_to_be16", "cpu_to_be32", "cpu_to_be64",
    "lower_32_bits", "upper_32_bits", "lower_16_bits", "upper_16_bits", "ALIGN", "IS_ALIGNED", "min",
    "max", "min_t", "max_t", "BUG_ON", "WARN_ON", "WARN_ON_ONCE", "put_unaligned_le32", "FIELD_PREP",
    "put_unaligned_le64", "offset_in_page", "dma_mapping_error", "dmah_addr", "likely", "unlikely"}
# Allocators that return zeroed memory, and those that do not.
ZEROED = {
    "kzalloc", "kcalloc", "kvzalloc", "kvcalloc", "vzalloc", "vzalloc_node", "kzalloc_node",
    "kcalloc_node", "kvzalloc_node", "devm_kzalloc", "devm_kcalloc", "kzalloc_obj", "kzalloc_objs",
    "kzalloc_flex", "kvzalloc_obj", "kvzalloc_objs", "kvzalloc_flex", "kmem_cache_zalloc", "netdev_priv",
    "aead_tfm_ctx", "ieee80211_alloc_hw"}
UNZEROED = {
    "kmalloc", "kmalloc_array", "kvmalloc", "kvmalloc_array", "vmalloc", "vmalloc_node", "kmalloc_node",
    "kmalloc_array_node", "devm_kmalloc", "devm_kmalloc_array", "kmalloc_obj", "kmalloc_objs",
    "kmalloc_flex", "kvmalloc_obj", "kvmalloc_objs", "kmem_cache_alloc", "mempool_alloc", "krealloc",
    "krealloc_array"}
# Calls that give memory to a device by another way than a map or an allocation; the argument that is a pointer.
EXPOSES = {"virt_to_phys": 0, "virt_to_bus": 0, "__pa": 0, "virt_to_dma": 1, "isa_virt_to_bus": 0,
           "sg_init_one": 1, "sg_set_buf": 1}
# Calls that may be given a structure and its size without reading or writing its bytes elsewhere.
SIZED = {"memset", "memzero_explicit", "kfree_sensitive", "kmem_cache_free", "mempool_free", "kfree",
         "vfree", "kvfree", "devm_kfree", "prefetch", "container_of", "offsetof", "struct_size", "ALIGN"}
ASSERTS = {"BUILD_BUG_ON", "BUILD_BUG_ON_MSG", "static_assert", "compiletime_assert", "BUILD_BUG_ON_ZERO",
           "_Static_assert", "ASSERT_STRUCT_SIZE"}
# Calls that return the private memory of a kernel object: software's; requests' are not zeroed.
PRIVATE = re.compile(r"(_request_ctx|_tfm_ctx|^crypto_\w+_ctx)(_dma)?$|^scsi_cmd_priv$|^blk_mq_rq_to_pdu$"
                     r"|^sdio_get_drvdata$")
PRIVATE_ZEROED = re.compile(r"(_tfm_ctx|^crypto_\w+_ctx)(_dma)?$")
# Functions that print: the address of a DMA address may be given to them (%pad).
PRINT = r"(_dbg|_err|_info|_warn|_debug|printk|_notice|_emerg|_crit|_ratelimited|_once|dbg|DBG|DP|_log" \
        r"|_vlog|_printf|_trace\w*)$"

# Functions that end the life of an object that they get, or hand it to someone who does.
VANISH = re.compile(r"free|release|(^|_)(put|destroy|del|delete|kill|complete|done|giveback|remove|recycle|retire)(_|$)")

# Types that only software has: a structure with one of them is not read by a device.
SOFTWARE = {
    "list_head", "hlist_node", "llist_node", "rb_node", "work_struct", "delayed_work", "completion",
    "spinlock", "spinlock_t", "raw_spinlock_t", "mutex", "timer_list", "tasklet_struct", "napi_struct",
    "kref", "refcount_t", "rcu_head", "wait_queue_head_t", "atomic_t", "atomic64_t", "device",
    "net_device", "scatterlist", "sg_table", "dma_async_tx_descriptor", "crypto_async_request", "bool",
    "ktime_t", "hrtimer", "sk_buff_head", "virt_dma_desc", "virt_dma_chan", "dma_chan"}

# ---- reasons

RULES = {
    # the address of the site is in no variable
    "address_expression": "the address is an expression, not a variable or member",
    "address_call": "the address is the result of a function or macro",
    "unresolved": "the type of the variable that holds the address is not known",
    "in_macro": "the call is in a macro",
    "left_out": "the call is in a preprocessor branch or function that the parser left out",
    "unparsed": "a function that uses the address could not be parsed",
    # the place that keeps the address
    "descriptor": "the address is read back from a descriptor or register",
    "not_an_address_type": "the member is an integer that a device may read, not a dma_addr_t",
    "not_software": "nothing proves that the structure is software's alone",
    "device_memory": "the structure lies in memory that a device reaches",
    "packed": "the structure is packed",
    "union": "the member is in a union",
    "shared_struct": "the structure is shared by the tree (include/)",
    "many_users": "the structure has too many users to read them all",
    "skb_cb": "the structure lies in skb->cb or the like, which has no room for a handle",
    "size_asserted": "the size or layout of the structure is asserted or given away",
    "global": "the address is in a global variable",
    "static_local": "the address is in a static local variable",
    "struct_unknown": "the structure's declaration was not found",
    "type_unknown": "the type of the member or variable is not known",
    # the source of the address
    "never_mapped": "no map call of the group stores the address",
    "never_unmapped": "no call of the group unmaps the address",
    "from_call": "the address also comes from a function or macro",
    "from_pool": "the address also comes from a page pool or XSK pool",
    "from_scatterlist": "the address also comes from a scatterlist",
    "coherent": "the variable also holds the address of coherent memory",
    "from_expression": "the address also comes from an expression",
    "no_handle_call": "no handle call corresponds to the map call",
    "map_in_expression": "the map call is inside an expression",
    "map_in_initializer": "the map call is in an initializer that cannot be split",
    "map_in_loop": "a loop maps into one variable again without unmapping it",
    # how the address is used
    "arithmetic": "the address is changed by arithmetic",
    "unmap_offset": "an unmap names an address computed from another",
    "tested_as_flag": "the address is tested as a flag, and an unmap leaves it set",
    "address_taken": "a pointer to the address is given away",
    "array_use": "the array of addresses is used as a whole",
    "in_struct_initializer": "the address is stored by an initializer of a structure",
    "chained": "several variables are assigned in one expression",
    "copy_cast": "the address is copied through a cast",
    "used_after_store": "the address is unmapped, synced or tested by its old name after it was stored",
    "copy_outlives": "a copy of the address is used after the original may have changed",
    "handle_lost": "the variable ends while its mapping lives on by the address alone",
    "two_owners": "two members hold the same address, and both are unmapped or synced",
    "struct_copied": "the structure that holds the address is copied as a whole",
    "struct_bytes": "the bytes of the structure are given away, compared or read through a cast",
    "const_pointer": "an unmap or sync names the structure by a pointer to const",
    "returned": "a function returns the address",
    "function_pointer": "a function that takes the address is called through a pointer",
    "caller": "a caller passes something other than a mapping",
    "no_caller": "no caller of the function that takes the address was seen",
    "macro_use": "a macro uses the member",
    "untyped_use": "the member's name is used where its structure is not known",
    # rings of descriptors
    "ring_unknown": "a use of the descriptor's address was not traced to its ring",
    "ring_size": "no array has the ring's size and index, so none can be put beside it",
    "ring_index": "no array of software has the index of the descriptor where its address is used",
    "ring_other": "the address is read back from another ring than it was written to",
    "ring_replaced": "the ring may go to another structure while its mappings live",
    "ring_cleared": "the handle's place may be cleared while the descriptor keeps the address",
    # agreement
    "direction": "map and unmap or sync state different directions",
    "length": "map and unmap state different constant lengths",
    "raw_stays": "a call by address would stay on the handle's mapping, or on an address derived from it",
    # several names for one mapping
    "depends": "the address comes from a variable that is left",
    "moves_to": "the address moves to a variable that is left",
    # the engine
    "overlap": "two edits of one place overlap",
    "time_limit": "the group was not analysed within the time limit",
    "failed": "the converter failed on the group (a bug in it)",
    "does_not_compile": "the converted group does not compile",
    "count": "the independent count of the sites disagrees with the converted ones",
}
