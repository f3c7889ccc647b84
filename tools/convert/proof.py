# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Proofs that a slot needs before it becomes a handle.

structure()   the structure is software's alone: a device neither reads nor writes it
agreement()   map and unmap state the same direction and length
forms()       copies can be written as moves, or as a pointer to the original
components()  each mapping is made and ended by calls that are converted together
raw_calls()   no call by address stays on a handle's mapping
zeroed()      the memory of a handle is zeroed before its first map
"""

import collections
import re

from . import effects, moves, rings, windows
from .ctype import ADDRESS_TYPES, Type
from .facts import outer, setter_target, squeezed, strip
from .flow import graph
from .rules import ASSERTS, COHERENT, EXPOSES, MAPS, PRIVATE, PRIVATE_ZEROED, SITES, SIZED, SOFTWARE, SYNCED, SYNCS, UNMAPS, UNZEROED, ZEROED

ALLOCATOR = re.compile(r"alloc|_get_priv$|register_|_init_ctx|set_reqsize|_size$|_SIZE$")
# Integers that a structure is read through as raw words.
WORDS = re.compile(r"^(__)?([ulbs]e?16|[uslb]e?32|[uslb]e?64|u?int\d+_t|long|int|unsigned( long| int)?|ulong|uint)$")
DEVICE_ORDER = re.compile(r"_*[lb]e(16|32|64)$")
# Functions that copy memory: the arguments that are pointers to it.
COPIES = {"memcpy": (0, 1), "memmove": (0, 1), "kmemdup": (0,), "kmemdup_array": (0,), "swap": (0, 1),
          "devm_kmemdup": (1,), "krealloc": (0,), "krealloc_array": (0,)}
# Integers that hold any DMA address: with a pointer, lock or list beside it, software's.
WIDE = {"u64", "unsigned long", "phys_addr_t", "uint64_t", "unsigned long long", "uintptr_t"}
# Integers that hold an address of a device that reaches 4 GiB.
NARROW = {"u32", "uint32_t", "unsigned int", "unsigned"}
# Structures of the kernel: no device holds a pointer to one.
KERNEL = {"device", "net_device", "sk_buff", "page", "request", "bio", "urb", "scsi_cmnd", "scatterlist",
          "pci_dev", "platform_device", "mm_struct", "crypto_async_request", "xdp_frame"}
LOOPS = {"for", "while", "do", "iter"}
# Macros that store into what they get without its address.
EXCHANGES = {"swap", "xchg", "cmpxchg", "WRITE_ONCE", "smp_store_release", "put_user"}
# The size of one object, or the smaller of it and something else.
SIZE = re.compile(r"^\(*((size_t|u32|unsignedint|int)\)\(*)?(min(_t)?\((.*,)?)?sizeof\(?\(?[^+*<]*\)*$|^\(*sizeof\(\*[^+*<]*\)*$")


# ---- structures

def label(struct):
    return struct.path, struct.label()


class Memory:
    """Uses of whole structures in one file: allocated, mapped, copied."""

    def __init__(self, facts):
        self.facts = facts
        self.device = set()                            # mapped, or coherent memory
        self.allocated = collections.defaultdict(set)  # label: {"zeroed", "unzeroed"}
        self.copied = {}                               # label: place
        self.bytes = {}                                # label: place where its bytes are used
        self.asserted = {}                             # label: place where its size is asserted
        self.untyped = False                           # coherent memory without a structure's type
        self.coherent = set()                          # (label, field) of pointers to coherent memory
        self.pointed = collections.defaultdict(set)    # label: the (label, field) that pointers to it come from
        self.until = collections.defaultdict(set)      # label: the member up to which its arrays are mapped, or None
        self.moves = collections.defaultdict(list)     # label: (function, statement) of *a = *b;
        for name in MAPS:
            for f, n in facts.calls.get(name, ()):
                if len(n.kids) > 3 and name.startswith("dma_map_single"):
                    self.mapped(f, n.kids[2], n.kids[3])
        for name, i in EXPOSES.items():
            for f, n in facts.calls.get(name, ()):
                if i < len(n.args()):
                    self.add(self.device, f, inner_pointer(n.args()[i]), pointer=True)
        self.by_value()
        self.given_bytes()
        for name in COHERENT | ZEROED | UNZEROED:
            for f, n in facts.calls.get(name, ()):
                self.allocation(f, n, name)
        for name in [c for c in facts.calls if PRIVATE.search(c)]:
            for f, n in facts.calls[name]:
                self.allocation(f, n, name)
        for name, args in COPIES.items():
            for f, n in facts.calls.get(name, ()):
                for i in args:
                    if i < len(n.args()):
                        self.copy(f, n, n.args()[i], name != "swap")
        for f, n in facts.assigns:
            if n.value == "=" and strip(n.kids[1]).kind in ("unary", "id", "index", "member"):
                s = self.struct(f, n.kids[0], False)
                if s is not None and is_plain_copy(n):
                    self.moves[label(s)].append((f, n))
                else:
                    self.copy(f, n, n.kids[0], False)
            if n.value == "=":
                self.from_member(f, n.kids[0], n.kids[1])
        for f in facts.source.functions.values():
            for n in f.body().walk():
                if n.kind == "var" and n.kids and n.kids[0].kind in ("unary", "index", "member", "id") \
                        and not n.value[1].derived:
                    self.copy(f, n, n, False)
                elif n.kind == "var" and n.kids and n.value[1].derived == ("p",):
                    self.from_member(f, n, n.kids[0])

    def struct(self, f, n, pointer):
        """The structure of an expression's type, or of what it points to."""
        y = self.facts.typer(f)
        t = y.resolved(n.value[1] if n.kind == "var" else y.type(strip(n)))
        if t is None or t.base is None or t.base[0] != "body" or t.base[1] is None:
            return None
        if len(t.derived) != (1 if pointer else 0) and not (pointer and t.derived == ("a",)):
            return None
        return t.base[1]

    def add(self, into, f, n, pointer):
        s = self.struct(f, n, pointer)
        if s is not None:
            into.add(label(s))

    def mapped(self, f, n, length):
        """A pointer that is mapped: to a structure, or to a member whose size is not the mapped length."""
        inner = strip(n)
        if inner.kind == "unary" and inner.value == "&" and strip(inner.kids[0]).kind == "member":
            m = strip(inner.kids[0])
            sized = squeezed(self.facts.source.of(self.value(f, length)))
            t = self.facts.typer(f).type(m)
            of = t.base[1] if t is not None and t.base is not None and isinstance(t.base[1], str) else ""
            if not SIZE.match(sized) or not (m.value[1] in sized or (of and of in sized)):
                self.add(self.device, f, m.kids[0], pointer=m.value[0] == "->")
        if inner.kind == "unary" and inner.value == "&" and strip(inner.kids[0]).kind == "index":
            inner = strip(strip(inner.kids[0]).kids[0])     # &a->b[0]
        size = squeezed(self.facts.source.of(self.value(f, length)))
        if inner.kind == "member":
            s = self.struct(f, inner.kids[0], inner.value[0] == "->")
            base = squeezed(self.facts.source.of(inner.kids[0]))
            own = ["*" + base, base] + (["struct" + s.tag] if s is not None and s.tag else [])
            others = set(re.findall(r"sizeof\(%s(?:->|\.)(\w+)" % re.escape(base), size)) - {inner.value[1]}
            t = self.facts.typer(f).type(inner)
            inside = s is not None and t is not None and "a" in t.derived and "p" not in t.derived
            if inside and any("sizeof(%s)" % x in size for x in own):
                self.add(self.device, f, inner.kids[0], pointer=inner.value[0] == "->")
            elif inside and others:
                order = list(s.members)
                last = max(order.index(x) if x in order else len(order) for x in others | {inner.value[1]})
                self.until[label(s)].add(order[last + 1] if last + 1 < len(order) else None)
            elif s is not None and "offsetof" in size:
                to = re.match(r"offsetof\(struct(\w+),(\w+)\)(-\w+|-offsetof\(\w+,\w+\))?$", size)
                self.until[label(s)].add(to.group(2) if to and to.group(1) == s.tag and to.group(2) in s.members else None)
        self.add(self.device, f, n, pointer=True)

    def value(self, f, n):
        """Return the one value that a local is assigned in a function, else the expression itself."""
        x = strip(n)
        defs = rings.stores(self.facts, f, x.value) if x.kind == "id" and rings.param_index(f, x.value) is None else []
        return defs[0][0] if len(defs) == 1 and defs[0][0] is not None else n

    def by_value(self):
        """Structures that functions take or return by value."""
        source = self.facts.source
        for f in source.functions.values():
            y = self.facts.typer(f)
            for t in [f.type] + [p.type for p in f.params]:
                if t is None or t.derived or t.base is None:
                    continue
                t = y.resolved(t)
                if t is not None and t.base and t.base[0] == "body" and t.base[1] is not None and not t.derived:
                    self.copied.setdefault(label(t.base[1]), "%s: %s()" % (source.path, f.name))

    def given_bytes(self):
        """Structures whose bytes a call gets by pointer and size, that are cast, or whose size is asserted."""
        y = self.facts.typer
        for f, n in self.facts.sizes:
            t = y(f).resolved(n.value if n.value is not None else y(f).type(strip(n.kids[0])))
            if t is None or t.base is None or t.base[0] != "body" or t.base[1] is None or t.derived:
                continue
            here = "%s:%d" % (self.facts.source.path, self.facts.source.line(n.first))
            for call in n.above():
                c = call.callee()
                if c in ASSERTS:
                    self.asserted.setdefault(label(t.base[1]), here)
                if call.kind != "call" or c in SIZED or c in ZEROED or c in UNZEROED or c in COHERENT \
                        or c in MAPS or c in SITES or c in COPIES or c in EXPOSES or ALLOCATOR.search(c or ""):
                    continue
                for a in call.args():
                    s = self.struct(f, uncast(a), True)
                    if s is t.base[1]:
                        self.bytes.setdefault(label(s), here)
        for f, n in self.facts.casts:
            if n.value.derived == ("p",) and WORDS.match(n.value.name()):
                s = self.struct(f, uncast(n.kids[0]), True)
                if s is not None:
                    self.bytes.setdefault(label(s), "%s:%d" % (self.facts.source.path,
                                                               self.facts.source.line(n.first)))

    def from_member(self, f, target, value):
        """A pointer to a structure out of a member, with or without an offset."""
        s = self.struct(f, target, True)
        if s is None:
            return
        for x in value.walk():
            if x.kind == "member":
                r = self.facts.typer(f).owner(self.facts.typer(f).type(x.kids[0]), x.value[1])
                if r is not None and r[1].derived[:1] == ("p",) and r[1].name() in ("void", "u8", "char"):
                    self.pointed[label(s)].add((label(r[0]), x.value[1]))

    def copy(self, f, n, what, pointer):
        s = self.struct(f, what, pointer)
        if s is not None:
            self.copied.setdefault(label(s), "%s:%d" % (self.facts.source.path,
                                                        self.facts.source.line(n.first)))

    def allocation(self, f, n, name):
        into = set()
        inner, p = outer(n)
        if p is not None and p.kind == "assign" and p.kids[1] is inner:
            self.add(into, f, p.kids[0], pointer=True)
        elif p is not None and p.kind == "var":
            self.add(into, f, p, pointer=True)
        y = self.facts.typer(f)
        for x in n.walk():
            if x.kind == "sizeof":
                t = y.resolved(x.value if x.value is not None else y.type(strip(x.kids[0])))
                if t is not None and t.base and t.base[0] == "body" and t.base[1] and not t.derived:
                    into.add(label(t.base[1]))
        if name in COHERENT:
            if p is not None and p.kind == "return" and f.type is not None and f.type.derived == ("p",):
                t = self.facts.typer(f).resolved(f.type)
                if t is not None and t.base[0] == "body" and t.base[1] is not None:
                    into.add(label(t.base[1]))
            if p is not None and p.kind == "assign" and strip(p.kids[0]).kind == "member":
                m = strip(p.kids[0])
                r = y.owner(y.type(m.kids[0]), m.value[1])
                if r is not None:
                    self.coherent.add((label(r[0]), m.value[1]))
            self.through_local(f, p, into)
            self.in_macros(n, into)
            self.untyped = self.untyped or not into
            self.device |= into
            return
        zero = name in ZEROED or PRIVATE_ZEROED.search(name) or "__GFP_ZERO" in self.facts.source.of(n)
        for s in into:
            self.allocated[s].add("zeroed" if zero else "unzeroed")


    def through_local(self, f, p, into):
        """Coherent memory that a local of no structure's type takes first: what the local goes to."""
        name = None
        if p is not None and p.kind == "assign" and strip(p.kids[0]).kind == "id":
            name = strip(p.kids[0]).value
        elif p is not None and p.kind == "var":
            name = p.value[0]
        if name is None:
            return
        y, g = self.facts.typer(f), graph(f)
        # Only an allocation is certainly other memory: `mem = mem + 64` is not.
        others = [g.place(x, x.last) for value, x in rings.stores(self.facts, f, name) if value is not None and x is not p
                  and uncast(value).callee() in ZEROED | UNZEROED | COHERENT]
        behind = g.reach(g.place(p, p.last), others)
        for n in f.body().walk():
            if n.kind in ("assign", "var") and not behind(g.place(n)):
                continue
            if n.kind == "assign" and n.value == "=" and n is not p and any(
                    x.kind == "id" and x.value == name for x in n.kids[1].walk()):
                self.add(into, f, n.kids[0], pointer=True)
                m = strip(n.kids[0])
                if m.kind == "member":
                    r = y.owner(y.type(m.kids[0]), m.value[1])
                    if r is not None:
                        self.coherent.add((label(r[0]), m.value[1]))
            elif n.kind == "var" and n is not p and n.kids and any(
                    x.kind == "id" and x.value == name for x in n.kids[0].walk()):
                self.add(into, f, n, pointer=True)

    def in_macros(self, n, into):
        """Structures whose size a macro in an allocation's arguments names."""
        tree, path = self.facts.tree, self.facts.source.path
        for x in (x for a in n.args() for x in a.walk() if x.kind == "id" and x.value.isupper()):
            for h in tree.closure(path):
                m = tree.source(h).macros.get(x.value) if x.value in tree.words(h) else None
                for tag in re.findall(r"sizeof\s*\(\s*struct\s+(\w+)", m[1]) if m else ():
                    s = tree.struct(tag, path)
                    if s is not None:
                        into.add(label(s))


def uncast(n):
    while n.kind in ("paren", "cast"):
        n = n.kids[0]
    return n


def inner_pointer(n):
    """The pointer to the structure that &p->member lies in, else the expression."""
    x = uncast(n)
    if x.kind == "unary" and x.value == "&":
        m = strip(x.kids[0])
        while m.kind in ("member", "index"):
            if m.kind == "member" and m.value[0] == "->":
                return m.kids[0]
            m = m.kids[0]
    return x


def is_plain_copy(n):
    """Returns true for a statement a = b; of two structures whose names have no side effects."""
    return n.parent.kind == "expr" and n.parent.parent is not None and n.parent.parent.kind == "block" and all(
        x.kind in ("id", "member", "index", "paren", "num") or (x.kind == "unary" and x.value == "*")
        or (x.kind == "binary" and x.value in ("+", "-")) for k in n.kids for x in k.walk())


def memory(analysis, path):
    facts = analysis.file(path)
    m = getattr(facts, "memory", None)
    if m is None:
        m = facts.memory = Memory(facts)
    return m


def software(struct, void=True, depth=0):
    """Returns true if a structure holds something that only software has: a pointer, lock or list.

    void: a pointer to void counts.
    """
    for m in struct.members.values():
        if ("p" in m.type.derived and (void or m.type.name() != "void")) or m.type.name() == "unmap_addr" or (
                m.type.base and m.type.base[0] in ("name", "struct") and m.type.base[1] in SOFTWARE):
            return True
    return depth < 3 and any(software(a, void, depth + 1) for a in struct.anonymous)


def is_strong(struct):
    """Returns true if a structure holds a lock, a list, or a pointer to one of the kernel's objects."""
    return any(m.type.name() == "unmap_addr" or (m.type.base and m.type.base[1] in (
        KERNEL if "p" in m.type.derived else SOFTWARE)) for m in struct.members.values())


def enclosing(analysis, struct):
    """The structures in whose body a structure is declared, the nearest first."""
    source = analysis.tree.source(struct.path)
    end = source.match(struct.opening)
    around = [b for b in source.bodies if b.opening < struct.opening and source.match(b.opening) > end]
    return sorted(around, key=lambda b: -b.opening)


def containers(analysis, struct, users):
    """The structures that hold a structure by value, at first or second hand, and itself."""
    found = [struct] + enclosing(analysis, struct)
    for s in found:
        if s.tag is None or len(found) > 40:
            continue
        for p in users:
            for b in analysis.file(p).source.bodies:
                if b not in found and any(m.type.base == ("struct", s.tag) and "p" not in m.type.derived
                                          for m in b.members.values()):
                    found += [b] + [e for e in enclosing(analysis, b) if e not in found]
    return found


def is_packed(source, struct):
    start = source.tokens[struct.opening].start
    packs = [line.replace(" ", "").replace("\t", "") for a, _, line in source.directives
             if a < start and re.match(r"#\s*pragma\s+pack\b", line)]
    if packs and not re.match(r"#pragmapack\((pop\b.*)?\)", packs[-1]):
        return True
    end = source.match(struct.opening)
    tail = source.find(end, source.count, ";")
    head = struct.opening
    while head > 0 and source.at(head - 1) not in (";", "}", "{", ","):
        head -= 1
    return any("packed" in source.at(i) for i in list(range(end, tail + 1)) + list(range(head, struct.opening)))


def holds_address(analysis, path, name, t, depth=0):
    """Returns true if a member of a union may hold the address that another member of the union names."""
    if t.base is None or "p" in t.derived:
        return False
    if t.base[0] == "name":
        of = t.base[1]
        if of in WIDE and not t.derived:
            return gets_address(analysis, path, name)
        if of in ADDRESS_TYPES or of in WIDE or DEVICE_ORDER.match(of):
            return True
        d = analysis.tree.typedef(of, path) if not WORDS.match(of) and of not in SOFTWARE else None
        return d is not None and d.base != t.base and depth < 6 and holds_address(analysis, path, name, d, depth + 1)
    inner = t.base[1] if t.base[0] == "body" else analysis.tree.struct(t.base[1], path) if t.base[1] else None
    if inner is None or depth > 6:
        return True
    return any(holds_address(analysis, inner.path, n, m.type, depth + 1) for n, m in inner.members.items()) or any(
        holds_address(analysis, inner.path, "", Type(("body", a)), depth + 1) for a in inner.anonymous)


def gets_address(analysis, path, name):
    """Returns true if a member of that name may be given an address: no plain number or time."""
    users = analysis.users(path, name)
    if len(users) > 60:
        return True
    member = re.compile(r"(->|\.)\s*%s\b" % re.escape(name)) if name else None
    for p in users:
        if member and any(member.search(text) for _, text in analysis.tree.source(p).macros.values()):
            return True
        for r in analysis.file(p).member_refs(name):
            if r.slot == "?" or r.how in ("address", "update") or (r.how == "arg" and r.extra[0] in EXCHANGES):
                return True
            if r.how in ("assign", "set", "field", "init") and not (
                    r.what in ("zero", "other") or (r.what == "copy" and r.extra[0] == "global")):
                return True
    return False


def outside(analysis, s, chain):
    """A member in a union: note the structure around it that can have the handle, or block.

    Another member of the union that may hold an address could be another name of the same one: such a
    union is left.
    """
    top = max(i for i, c in enumerate(chain) if c.union)
    names = []
    for i in range(top + 1):
        inner, outer_ = chain[i], chain[i + 1] if i + 1 < len(chain) else None
        if outer_ is None:
            s.block("union")
            return
        name = next((n for n, m in outer_.members.items() if m.type.base == ("body", inner) and not m.type.derived), None)
        if name is None and inner not in outer_.anonymous:
            s.block("union")
            return
        if name is not None:
            names.insert(0, name)
        if inner.union and i + 1 < len(chain):
            branch = chain[i - 1] if i else None
            others = [(n, m.type) for n, m in inner.members.items() if (
                n != s.key[3] if i == 0 else m.type.base != ("body", branch))]
            others += [("", Type(("body", a))) for a in inner.anonymous if a is not branch]
            if any(holds_address(analysis, inner.path, n, t) for n, t in others):
                s.block("union", "another member may hold the address")
                return
    home = chain[top + 1]
    name = "_".join(names + [s.key[3], "handle"])
    if home.tag is None or home.union or name in home.members or not any(software(c) for c in chain[:top + 2]):
        s.block("union")
        return
    s.outside = (home, name, chain[top])


def reached(analysis, path, f, n, home):
    """(node, "->" or ".") by which a reference of a member in a union names the structure around it, or None."""
    y = analysis.file(path).typer(f)
    if n.kind == "call" and len(n.kids) > 2:
        x, sep = strip(n.kids[1]), "->"
        if x.kind == "unary" and x.value == "&":
            x, sep = strip(x.kids[0]), "."
    elif n.kind == "member":
        x, sep = n.kids[0], n.value[0]
    else:
        return None
    while True:
        t = y.resolved(y.type(x))
        if t is not None and t.base == ("body", home):
            return x, sep
        if x.kind != "member":
            return None
        x, sep = x.kids[0], x.value[0]


def behind(container, end, struct, field):
    """Returns true if a member, or the structure that it is in, lies at a container's member or behind it."""
    order = list(container.members)
    here = [n for n, m in container.members.items() if (
        n == field if container is struct else m.type.base in (("body", struct), ("struct", struct.tag)) and "p" not in m.type.derived)]
    return bool(here) and all(order.index(n) >= order.index(end) for n in here)


def structure(analysis, s):
    """Block a member's slot unless its structure is software's."""
    struct = s.struct
    source = analysis.tree.source(struct.path)
    around = enclosing(analysis, struct)
    if struct.union or any(e.union for e in around):
        outside(analysis, s, [struct] + around)
    if is_packed(source, struct) or any(is_packed(source, e) for e in around):
        s.block("packed")
    users = analysis.users(s.key[1], struct.tag or s.key[3])
    if len(users) > 60:
        users = users[:60]
    s.containers = containers(analysis, struct, users)
    names = {label(c) for c in s.containers}
    files = [p for p in users if p.endswith((".c", ".h"))]
    allocated, coherent, pointed = set(), set(), set()
    for p in files:
        m = memory(analysis, p)
        if names & m.device:
            s.block("device_memory", p)
        for c in s.containers:
            for end in m.until.get(label(c), ()):
                if end is None or not behind(c, end, struct, s.key[3]):
                    s.block("device_memory", "%s: mapped up to %s" % (p, end or "a computed end"))
        for n in names & set(m.copied):
            s.block("struct_copied", m.copied[n])
        for n in names & set(m.bytes):
            s.block("struct_bytes", m.bytes[n])
        for n in names & set(m.asserted):
            s.block("size_asserted", m.asserted[n])
        coherent |= m.coherent
        for n in names & set(m.pointed):
            pointed |= m.pointed[n]
        for n in names & set(m.moves):
            for f, statement in m.moves[n]:
                if n == label(struct) and not s.type.derived:
                    s.moves.append((p, f, statement))
                else:
                    s.block("struct_copied", "%s:%d" % (p, m.facts.source.line(statement.first)))
        for n in names & set(m.allocated):
            allocated |= m.allocated[n]
    if coherent & pointed:
        s.block("device_memory", ", ".join(sorted(f for _, f in coherent & pointed)))
    s.allocated = allocated
    ordered = [c for c in s.containers if any(DEVICE_ORDER.match(m.type.name()) for m in c.members.values())]
    # A pointer to void proves nothing beside coherent memory whose structure is not known.
    void = not any(memory(analysis, p).untyped for p in files)
    proven = any(software(c, void) for c in s.containers) or allocated
    # A 32-bit address proves as little.
    wide = s.type.name() in WIDE
    if s.type.name() not in ADDRESS_TYPES and not ((wide and software(struct)) or (
            (wide or ((void or "zeroed" in allocated) and s.type.name() in NARROW)) and any(is_strong(c) for c in s.containers))):
        s.block("descriptor" if DEVICE_ORDER.match(s.type.name()) else "not_an_address_type", s.type.name())
    if not proven or any(not is_strong(c) for c in ordered):
        s.block("not_software", struct.label())


def zeroed(analysis, s):
    """Returns true if all memory that holds a member's handle is allocated zeroed."""
    if "p" in s.type.derived:
        return True         # a slot is only good where its array comes from a zeroing allocator
    return s.allocated == {"zeroed"}


# ---- agreement

def normal(text):
    text = squeezed(text)
    return re.sub(r"^PCI_DMA_(TODEVICE|FROMDEVICE|BIDIRECTIONAL)$",
                  lambda m: {"TODEVICE": "DMA_TO_DEVICE", "FROMDEVICE": "DMA_FROM_DEVICE",
                             "BIDIRECTIONAL": "DMA_BIDIRECTIONAL"}[m.group(1)], text)


def argument(source, call, i):
    return normal(source.of(call.args()[i])) if i is not None and i < len(call.args()) else None


def number(text):
    """The value of a literal, else None."""
    m = re.match(r"^\(*(0[xX][0-9a-fA-F]+|\d+)[uUlL]*\)*$", text or "")
    return int(m.group(1), 0) if m else None


def groups(analysis, usable):
    """Lists of slots that copies connect."""
    parent = {k: k for k, s in analysis.slots.items() if usable(s)}

    def find(x):
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for k in parent:
        for other in analysis.slots[k].sources:
            if other in parent:
                parent[find(k)] = find(other)
    out = collections.defaultdict(list)
    for k in parent:
        out[find(k)].append(analysis.slots[k])
    return list(out.values())


# Blocks that say that more maps than those seen may have made a slot's address.
UNKNOWN = {"returned", "from_call", "from_expression", "descriptor", "from_pool", "from_scatterlist", "caller",
           "no_caller", "address_taken", "function_pointer", "many_users", "shared_struct", "global"}


def agreement(analysis):
    """Compare the direction and length of each unmap and sync with those of the maps."""
    by_slot = collections.defaultdict(list)
    for site in analysis.sites:
        if site.slot:
            by_slot[site.slot].append(site)
    for group in groups(analysis, lambda s: True):
        directions, lengths = set(), set()
        known = not any(rule in UNKNOWN for s in group for rule, _ in s.blocks)
        for s in group:
            for r in s.refs:
                if r.what == "map" and r.how in ("assign", "init", "set", "put", "field"):
                    m = MAPS[r.extra.callee()]
                    directions.add(argument(r.source, r.extra, m.direction))
                    lengths.add(argument(r.source, r.extra, m.length))
        for s in group:
            for site in by_slot[s.key]:
                call = SITES[site.name]
                source = analysis.file(site.path).source
                way = argument(source, site.node, call.direction)
                site.proven = directions == {way} and (
                    site.name in SYNCS or lengths == {argument(source, site.node, call.length)})
                size = argument(source, site.node, call.length)
                if known and site.name not in SYNCS and lengths and number(size) is not None and all(
                        number(x) is not None and number(x) != number(size) for x in lengths):
                    s.block("length", "%s:%d %s, mapped %s" % (site.path, site.line, size,
                                                               " or ".join(sorted(lengths))))
                constant = way is not None and way.startswith("DMA_")
                if known and constant and directions and way not in directions \
                        and all(d is not None and d.startswith("DMA_") for d in directions) \
                        and not (site.name in SYNCS and "DMA_BIDIRECTIONAL" in directions):
                    s.block("direction", "%s:%d %s, mapped %s" % (
                        site.path, site.line, way, " or ".join(sorted(directions))))


# ---- forms

def forms(analysis):
    """Choose how each slot is written, and block those whose copies cannot be moves."""
    slots = list(analysis.slots.values())
    for s in slots:
        windows.number_sources(analysis, s)
    for s in slots:
        if s.view is not None:
            view(analysis, s)
            if s.outside is not None:
                s.block("union")
        elif s.key[0] == "local" and s.type is not None and not s.type.derived:
            beside(analysis, s)
            if s.form == "handle":
                moves.from_member(analysis, s)
        elif s.key[0] == "member":
            beside(analysis, s)
        maps_in_loops(analysis, s)
        moves.parameters(analysis, s)
    for s in slots:
        moves.stores(analysis, s)
    for s in slots:
        windows.decide(analysis, s)
    for s in slots:
        moves.struct_moves(analysis, s)
        if not s.blocked():
            moves.lost(analysis, s)
    for s in slots:
        flag = moves.tests(analysis, s)
        if flag is not None and not s.blocked() and s.key[0] == "member" and can_be_beside(analysis, s):
            s.form = "beside"       # the number stays as it was behind an unmap
        elif flag is not None:
            s.block("tested_as_flag", flag.where())
    for s in slots:
        unchecked = moves.unchecked(analysis, s)
        if unchecked is not None:
            s.block("tested_as_flag", unchecked.where())
    effects.study(analysis)


def view(analysis, s):
    """A local computed from a slot: its syncs go to the slot, with the distance as offset."""
    if s.unmaps:
        s.block("unmap_offset")
    if s.maps or any(r.how in ("assign", "init", "set") and r.what not in ("arithmetic", "zero")
                     for r in s.refs):
        s.block("from_expression")
    if s.key[0] == "member":
        if any(r.how in ("error", "compare") for r in s.refs):
            s.block("from_expression")
        if any(r.how == "arg" and moves.takes(analysis, r) for r in s.refs):
            s.block("address_taken")
        return
    key = analysis.file(s.key[1]).value_slot(analysis.file(s.key[1]).source.functions[s.key[2]], s.view)
    computed = next((r for r in s.refs if r.what == "arithmetic"), None)
    if key in analysis.slots and computed is not None and not moves.plain(
            analysis, s, computed, analysis.slots[key], False, s.view):
        s.block("copy_outlives", computed.where())
    if any(r.how == "arg" and ("param",) == r.slot[:1] for r in s.refs):
        s.block("address_taken")


# Blocks that a handle beside the address removes: the address stays a number.
BESIDE = {"arithmetic", "from_expression", "coherent"}
# Blocks of a local that holds no mapping's address.
NUMBERS = {"coherent", "from_scatterlist"}
CONSTANT = re.compile(r"^[A-Z][A-Z0-9_]*$")


def numbers(analysis, s):
    """The copies into a slot from locals that hold other numbers: addresses of coherent memory or of scatterlists, and no mapping."""
    def number(key, seen):
        o = analysis.slots[key]
        rules = {rule for rule, _ in o.blocks}
        return key[0] == "local" and key not in seen and rules & NUMBERS and rules <= NUMBERS | {"arithmetic"} \
            and not (o.maps or o.unmaps or o.syncs) and all(number(k, seen | {key}) for k in o.sources)

    return [r for r in s.refs if r.what == "copy" and r.how in ("assign", "set") and r.extra in s.sources and number(r.extra, {s.key})]


def beside(analysis, s):
    """An address that is also computed with keeps its type; a handle is put beside it."""
    others = numbers(analysis, s) if s.key[0] == "member" and s.outside is None else []
    if others and all(rule in BESIDE for rule, _ in s.blocks):
        was = s.sources, [(r, r.what) for r in others]
        s.sources = s.sources - {r.extra for r in others}
        for r in others:
            r.what = "number"
        if can_be_beside(analysis, s):
            s.blocks, s.form = [], "beside"
            return
        s.sources = was[0]
        for r, what in was[1]:
            r.what = what
    if s.outside is not None and not (all(rule in BESIDE for rule, _ in s.blocks) and can_be_beside(analysis, s) and all(
            reached(analysis, r.source.path, r.function, r.node, s.outside[0]) for r in s.refs
            if r.how in ("assign", "set", "site", "offset_site", "error"))):
        s.block("union")
    elif (s.blocked() or s.outside is not None) and all(rule in BESIDE for rule, _ in s.blocks) and can_be_beside(analysis, s):
        s.blocks = []
        s.form = "beside"


def can_be_beside(analysis, s):
    """Returns true if each store is a map, or a number for which an idle handle stands."""
    if s.type is None or s.type.derived or s.moves or (s.sources and s.key[0] != "member") \
            or any(k[0] != "local" and k != s.key for k in s.sources):
        return False
    taken = s.copied and any(s.key in t.sources for t in analysis.slots.values() if t is not s)
    if s.key[0] == "member" and (s.struct is None or (s.struct.tag is None and s.outside is None) or taken):
        return False
    maps = [r for r in s.refs if r.what in ("map", "copy")]
    if not maps or any(r.how not in ("assign", "set") for r in maps):
        return False
    for r in s.refs:
        if r.how in ("init", "assign", "set", "field") and r.what not in ("map", "zero", "copy", "number") and not (
                r.what == "arithmetic" and re.search(r"\b%s\b" % re.escape(s.key[3]), r.source.of(r.extra))) \
                and not (r.what == "other" and CONSTANT.match(r.extra or "")) \
                and not (r.what == "coherent" and r.extra not in SYNCED):
            return False
        if r.how == "address" and r.extra[0] in SYNCED:
            return False
        statement = r.node.parent.parent if r.how == "assign" else r.node.parent
        if r.what in ("map", "copy") and (statement.kind != "expr" or (
                r.what == "copy" and statement.parent.kind != "block")):
            return False
    return True


def maps_in_loops(analysis, s):
    """Block a slot that a loop maps into again and again: the handle is live the second time."""
    for r in s.refs:
        if r.what != "map" or r.how not in ("assign", "set", "put"):
            continue
        loops = in_loop(r.function, r.node)
        if not loops:
            continue
        loop = loops[0]
        if s.key[0] == "local" and any(n.kind == "var" and n.first == s.key[4] for n in loop.walk()):
            continue
        if varies(r.node, loop):
            continue
        freed = any(o.function is r.function and loop.first <= o.node.first < loop.last
                    and (o.how == "site" and o.extra in UNMAPS or o.what == "zero" or moves.takes(analysis, o))
                    for o in s.refs)
        moved = any(s.key in o.sources and any(
            x.function is r.function and loop.first <= x.node.first < loop.last and x.what == "copy"
            and x.extra == s.key for x in o.refs) for o in analysis.slots.values())
        if not freed and not moved:
            s.block("map_in_loop", r.where())


class Again:
    """The nodes between a label and a goto that goes back to it."""

    kind = "goto"

    def __init__(self, f, label, goto):
        self.f = f
        self.first = label.first
        self.last = goto.last

    def walk(self):
        return (n for n in self.f.body().walk() if self.first <= n.first < self.last)


def varies(n, loop):
    """Returns true if a variable of an expression changes in a loop."""
    names = {x.value for x in n.walk() if x.kind == "id"}
    if loop.kind == "iter" and names & {x.value for x in loop.kids[0].walk() if x.kind == "id"}:
        return True
    for x in loop.walk():
        target = x.kids[0] if x.kind in ("assign", "postfix") or (
            x.kind == "unary" and x.value in ("++", "--")) else None
        if target is not None and any(y.kind == "id" and y.value in names for y in target.walk()) \
                and x.first != n.first:
            return True
        if x.kind == "var" and x.value[0] in names:
            return True
        if x.kind == "unary" and x.value == "&" and any(y.kind == "id" and y.value in names
                                                       for y in x.walk()) and x.parent.kind == "call":
            return True
    return False


def in_loop(f, n):
    """The loops around a node, the nearest first; behind them the regions that a goto repeats."""
    nodes = list(f.body().walk())
    back = [Again(f, l, g) for l in nodes if l.kind == "label" and l.first < n.first
            for g in nodes if g.kind == "goto" and g.value == l.value and g.first > n.first]
    return [a for a in n.above() if a.kind in LOOPS] + back


# ---- groups

def components(analysis):
    """Block groups of slots that nothing maps or nothing unmaps. Return true if something was blocked."""
    changed = False
    for group in groups(analysis, lambda s: not s.blocked()):
        maps = sum(s.maps for s in group)
        unmaps = sum(s.unmaps for s in group)
        for s in group:
            if not maps or not unmaps:
                s.block("never_mapped" if not maps else "never_unmapped")
                changed = True
    return changed


# ---- calls by address that stay

class Flow:
    """Which slots' values reach which, in one file: (target, sources) of each store."""

    def __init__(self, analysis, facts):
        self.analysis = analysis
        self.facts = facts
        self.edges = collections.defaultdict(set)
        for f, n in facts.assigns:
            self.store(f, facts.slot(f, n.kids[0]), n.kids[1], self.within(f, n.kids[0]))
        for calls in facts.unmap_macros.values():
            for f, n in calls:
                if n.callee() == "dma_unmap_addr_set" and len(n.kids) > 3:
                    self.store(f, facts.slot(f, setter_target(n)), n.kids[3])
        for f in facts.source.functions.values():
            for n in f.body().walk():
                if n.kind == "var" and n.kids and n.kids[0].kind != "init":
                    self.store(f, (("local", facts.source.path, f.name, n.value[0], n.first), 0, None),
                               n.kids[0])
                elif n.kind == "field" and n.value:
                    t = facts.initialized_type(f, n)
                    r = facts.typer(f).owner(t, n.value) if t else None
                    if r:
                        self.store(f, (("member", r[0].path, r[0].label(), n.value), 0, r[1]), n.kids[0])
                elif n.kind == "return" and n.kids:
                    self.store(f, (("result", facts.source.path, f.name), 0, None), n.kids[0])
                elif n.kind == "call" and n.callee():
                    g = analysis.find_function(facts, n.callee())
                    if g is not None:
                        for i, a in enumerate(n.args()[:len(g.params)]):
                            key = ("param", g.source.path, g.name, i)
                            self.store(f, (key, 0, None), a)
                            if a.kind == "unary" and a.value == "&":
                                out = facts.slot(f, strip(a.kids[0]))
                                if out:
                                    self.edges[out[0]].add(key)

    def within(self, f, n):
        """The structure that an expression's member is embedded in, as a part of a key: (), or (its label, member)."""
        n = strip(n)
        while n.kind == "index":
            n = strip(n.kids[0])
        x = strip(n.kids[0]) if n.kind == "member" and n.value[0] == "." else None
        if x is None or x.kind != "member":
            return ()
        y = self.facts.typer(f)
        r = y.owner(y.type(x.kids[0]), x.value[1])
        return ((label(r[0]), x.value[1]),) if r is not None and r[0].tag else ()

    def store(self, f, target, value, within=()):
        if target is not None:
            self.edges[target[0] + within] |= self.terms(f, value)

    def terms(self, f, value):
        """The slots whose values an expression is made of."""
        out, stack = set(), [value]
        while stack:
            n = stack.pop()
            if n.kind == "call":
                g = self.analysis.find_function(self.facts, n.callee()) if n.callee() else None
                if g is not None:
                    out.add(("result", g.source.path, g.name))
                if n.callee() == "dma_unmap_addr":
                    r = self.facts.slot(f, n)
                    if r:
                        out.add(r[0])
                else:
                    stack += n.args()
                continue
            if n.kind in ("id", "member", "index"):
                r = self.facts.slot(f, n)
                if r:
                    if r[2] is None or len(r[2].derived) == r[1]:
                        out.add(r[0] + self.within(f, n))
                    continue
                if n.kind != "id":
                    continue
            stack += n.kids
        return out


def flow(analysis, path):
    facts = analysis.file(path)
    x = getattr(facts, "flow", None)
    if x is None:
        x = facts.flow = Flow(analysis, facts)
    return x




def plain_key(k):
    """A slot's key without the structure that a member is embedded in."""
    return k[:4] if k[0] == "member" else k


def names_of(analysis, path, k):
    """The keys under which a file may store into the place that a key names.

    A member of a structure that is embedded in another is another place than that of one embedded elsewhere,
    where no code copies that structure as a whole.
    """
    if k[0] != "member":
        return (k,)
    x = flow(analysis, path)
    if not hasattr(x, "embedded"):
        x.embedded = collections.defaultdict(set)
        for e in x.edges:
            if e[0] == "member" and len(e) > 4:
                x.embedded[e[:4]].add(e)
    base = plain_key(k)
    copied = any(base[1:3] in memory(analysis, p).copied or base[1:3] in memory(analysis, p).moves for p in list(analysis.facts)) \
        if len(k) > 4 and x.embedded[base] else False
    return {base} | ({k} if len(k) > 4 and not copied else x.embedded[base])


def raw_tests(analysis):
    """(path, function, address, line) of the tests for a failed map that stay on a number.

    The number of a handle whose map failed is 0, which such a test takes for an address.
    """
    mine = [s for s in analysis.slots.values() if not s.blocked()]
    done = {id(r.call()) for s in mine for r in s.refs if r.how == "error"} | {
        id(r.node) for s in mine for r in s.refs if r.how == "compare"}
    for path, facts in list(analysis.facts.items()):
        for f, n in facts.calls.get("dma_mapping_error", ()):
            if len(n.kids) > 2 and id(n) not in done:
                yield path, f, n.kids[2], facts.source.line(n.first)
        for f, n in facts.names.get("DMA_MAPPING_ERROR", ()):
            if n.parent is not None and n.parent.kind == "binary" and n.parent.value in ("==", "!="):
                other = strip(n.parent.kids[1] if strip(n.parent.kids[0]) is n else n.parent.kids[0])
                if id(other) not in done:
                    yield path, f, other, facts.source.line(n.first)


def raw_calls(analysis):
    """Block handles whose address reaches a call by address. Return true if something was blocked."""
    raw = [(x.path, x.function, x.node.kids[2], x.line) for x in analysis.sites
           if x.slot is None or analysis.slots[x.slot].blocked()] + list(raw_tests(analysis))
    if not raw or all(s.blocked() for s in analysis.slots.values()):
        return False
    changed = False
    paths = list(analysis.facts)
    for path, f, address, line in raw:
        seen, stack = set(), list(flow(analysis, path).terms(f, address))
        while stack:
            k = stack.pop()
            if k in seen:
                continue
            seen.add(k)
            s = analysis.slots.get(plain_key(k))
            if s is not None and not s.blocked():
                s.block("raw_stays", "%s:%d" % (path, line))
                changed = True
            files = [k[1]] if k[0] == "local" else paths
            for p in files:
                if p in analysis.facts:
                    for same in names_of(analysis, p, k):
                        stack += flow(analysis, p).edges.get(same, ())
    return changed
