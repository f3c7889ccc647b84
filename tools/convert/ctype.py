# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Types as far as the converter needs them, and the names that C and the kernel give to types."""


class Type:
    """A declared type.

    base: ("struct", tag), ("body", Struct) or ("name", text)
    derived: "p" (pointer to) and "a" (array of), the outermost first
    """

    __slots__ = ("base", "derived")

    def __init__(self, base, derived=()):
        self.base = base
        self.derived = tuple(derived)

    def name(self):
        """The name of the base type, "" for a structure."""
        return self.base[1] if self.base and self.base[0] == "name" else ""

    def __repr__(self):
        return "%s%s" % (self.base, "".join(self.derived))


class Member:
    """A member of a structure: its type, the token of its name, the first token of its declaration."""

    __slots__ = ("type", "token", "first")

    def __init__(self, type_, token, first):
        self.type = type_
        self.token = token
        self.first = first


class Struct:
    """A structure or union with a body.

    anonymous: the bodies of members without a name, whose members are this structure's own
    """

    def __init__(self, tag, path, union, opening):
        self.tag = tag
        self.path = path
        self.union = union
        self.opening = opening      # token index of "{"
        self.members = {}
        self.anonymous = []

    def label(self):
        return self.tag or "@%d" % self.opening


KEYWORDS = {"if", "else", "while", "for", "do", "switch", "case", "default", "break", "continue",
            "return", "goto", "sizeof"}

ARITHMETIC = {"void", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "_Bool"}

# Names that are types in every kernel source, whatever it includes.
TYPES = ARITHMETIC | {
    "struct", "union", "enum", "typeof", "__typeof__", "bool", "u8", "u16", "u32", "u64", "s8", "s16",
    "s32", "s64", "__u8", "__u16", "__u32", "__u64", "__s8", "__s16", "__s32", "__s64", "__le16",
    "__le32", "__le64", "__be16", "__be32", "__be64", "size_t", "ssize_t", "dma_addr_t", "phys_addr_t",
    "uint8_t", "uint16_t", "uint32_t", "uint64_t", "int8_t", "int16_t", "int32_t", "int64_t",
    "uintptr_t", "__auto_type", "ulong", "uint", "gfp_t", "resource_size_t", "netdev_tx_t",
    "irqreturn_t", "spinlock_t", "atomic_t", "skb_frag_t", "netdev_features_t", "dma_cookie_t"}

# Words beside a type that do not change how its declaration is read.
QUALIFIERS = {
    "const", "volatile", "static", "extern", "register", "inline", "auto", "typedef", "restrict",
    "__restrict", "_Atomic", "__iomem", "__user", "__force", "__percpu", "__rcu", "__maybe_unused",
    "__always_unused", "__packed", "__must_check", "__init", "__exit", "__initdata", "__initconst",
    "__read_mostly", "__ro_after_init", "__always_inline", "noinline", "noinline_for_stack", "__cold",
    "__hot", "asmlinkage", "__used", "__bitwise", "__ref", "__refdata", "__inline", "__inline__",
    "____cacheline_aligned", "____cacheline_aligned_in_smp", "__cacheline_aligned", "__net_init",
    "__private", "__deprecated", "noreturn", "__noreturn", "__weak", "__pure", "__visible",
    "__nonstring", "__nocfi", "__no_kcsan", "__sched", "notrace", "__noclone", "__flatten",
    "__init_or_module", "__meminit", "INDIRECT_CALLABLE_SCOPE", "STATIC", "__devinit"}

# Qualifiers with an argument in parentheses.
ATTRIBUTES = {
    "__attribute__", "__attribute", "__aligned", "__printf", "__acquires", "__releases", "__must_hold",
    "__counted_by", "__counted_by_le", "__counted_by_be", "__counted_by_ptr", "__guarded_by",
    "__section", "__cond_acquires", "__free", "__cleanup"}

# Integer types that may hold a DMA address in software.
ADDRESS_TYPES = {"dma_addr_t", "dma64_addr_t", "unmap_addr"}
INTEGERS = ADDRESS_TYPES | {
    "u32", "u64", "unsigned long", "unsigned int", "uint64_t", "uint32_t", "__u64", "__u32", "unsigned",
    "unsigned long long", "phys_addr_t", "int", "long", "size_t", "uintptr_t", "unsigned long int",
    "unsigned long long int", "long unsigned int", "uint", "ulong", "resource_size_t"}
