# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Facts: every reference to a variable or member that holds a DMA address, with one context.

A slot names a place that holds an address:
  ("local", path, function, name, token)   ("param", path, function, index)
  ("member", path, structure, field)       ("global", path, name)       ("result", path, function)
  ("ring", path, structure, ring, field)   of the descriptors of a ring (rings.py)

A reference's context is one out of a closed list:
  assign, init, set, field   something is stored, by "=", a declaration, dma_unmap_addr_set(), an
  put                        initializer, or a function that fills a descriptor; what: map zero copy call descriptor pool scatter arithmetic
                             cond other
  site, offset_site          the address, or the address plus an offset, of an unmap or sync
  error                      the address given to dma_mapping_error()
  address                    &slot; extra: (callee or None, argument index)
  update                     slot += ..., slot++
  arg                        an argument of another call; extra: (callee, index)
  truth, compare             tested, or compared with a constant that means "not mapped"
  returned, read             anything else that reads the value
  sizeof, declared           mentioned, not read
  whole_assign, whole_arg, whole_truth, whole    an array or pointer of addresses without its index
"""

import collections
import re

from . import rings
from .body import Node
from .ctype import Type
from .index import Typer
from .rules import COHERENT, MAPS, POOL, READS, SCATTER, SITES

# Values that mean "not mapped".
NOTHING = re.compile(r"^(\(dma_addr_t\))?\(?(0|0x0+|0[uU]?[lL]{1,2}|NULL|DMA_MAPPING_ERROR|DMA_ERROR_CODE"
                     r"|~\(?\(?dma_addr_t\)?0\)?|-1|0U|~0(UL|ULL)?|INVALID_DMA\w*|\w*DMA_INVALID\w*)\)?$")
SPACE = re.compile(r"/\*.*?\*/|\s+", re.S)
ALLOCATES = re.compile(r"alloc_(obj|objs|flex)$")
UNMAP_MACROS = {"dma_unmap_addr", "dma_unmap_addr_set"}


class Ref:
    # instead: the store that moved the slot's mapping away before this use of it; sure: on every path
    __slots__ = ("slot", "node", "source", "function", "how", "what", "extra", "depth", "type", "instead", "sure", "text", "spot", "value")

    def __init__(self, slot, node, facts, function, how, what=None, extra=None, depth=0, type_=None):
        self.slot = slot
        self.node = node
        self.source = facts.source
        self.function = function
        self.how = how
        self.what = what
        self.extra = extra
        self.depth = depth
        self.type = type_
        self.instead = None
        self.sure = True
        self.spot = None        # of a ring's slot: its rings.Place
        self.value = None       # of a put: the node that is stored
        self.text = None        # the place's new name, where a copy of the structure moved it

    def where(self):
        return "%s:%d" % (self.source.path, self.source.line(self.node.first))

    def call(self):
        """The unmap, sync or dma_mapping_error() call above a reference."""
        for n in self.node.above():
            if n.callee() in SITES or n.callee() == "dma_mapping_error":
                return n
        return None

    def __repr__(self):
        return "%s %s:%s %s %s" % (self.where(), self.how, self.what, self.slot, self.extra)


def strip(n):
    """The expression without parentheses and casts to integers."""
    while n.kind == "paren" or (n.kind == "cast" and not n.value.derived):
        n = n.kids[0]
    return n


def outer(n):
    """(node, parent) with parentheses and casts of the node skipped."""
    p = n.parent
    while p is not None and p.kind in ("paren", "cast"):
        n, p = p, p.parent
    return n, p


def squeezed(text):
    return SPACE.sub("", text)


def unmap_field(call):
    """The name of the member in dma_unmap_addr(pointer, member)."""
    x = call.kids[2]
    while x.kind == "index":
        x = x.kids[0]
    return x.value[1] if x.kind == "member" else x.value


class Facts:
    """The references of one file."""

    def __init__(self, tree, path, analysis=None):
        self.tree = tree
        self.analysis = analysis
        self.source = tree.source(path)
        self.typers = {}
        self.members = collections.defaultdict(list)
        self.names = collections.defaultdict(list)
        self.calls = collections.defaultdict(list)
        self.unmap_macros = collections.defaultdict(list)
        self.fields = collections.defaultdict(list)
        self.assigns = []
        self.sizes = []
        self.casts = []
        self.cache = {}
        for f in self.source.functions.values():
            for n in f.body().walk():
                self.note(f, n)

    def note(self, f, n):
        if n.kind == "member":
            self.members[n.value[1]].append((f, n))
        elif n.kind == "id":
            self.names[n.value].append((f, n))
        elif n.kind == "field" and n.value:
            self.fields[n.value].append((f, n))
        elif n.kind == "assign":
            self.assigns.append((f, n))
        elif n.kind == "sizeof":
            self.sizes.append((f, n))
        elif n.kind == "cast" and n.value.derived:
            self.casts.append((f, n))
        elif n.kind == "call" and n.callee():
            if n.callee() in UNMAP_MACROS and len(n.kids) >= 3:
                self.unmap_macros[unmap_field(n)].append((f, n))
            else:
                self.calls[n.callee()].append((f, n))

    def typer(self, f):
        t = self.typers.get(f.name)
        if t is None:
            t = self.typers[f.name] = Typer(self.tree, self.source, f)
        return t

    # ---- slots

    def slot(self, f, n):
        """(slot, depth of [] and * below the declared type, declared Type) of an lvalue, or None."""
        y = self.typer(f)
        if n.kind == "paren":
            return self.slot(f, n.kids[0])
        if n.kind == "id":
            k, t = y.variable(n, n.value)
            return (k, 0, t) if k else None
        back = rings.read(self.analysis, self, f, n) if n.kind in ("member", "call") else None
        if back:
            return back[0], 0, rings.BUS
        if n.kind == "member":
            r = y.owner(y.type(n.kids[0]), n.value[1])
            return (("member", r[0].path, r[0].label(), n.value[1]), 0, r[1]) if r else None
        if n.kind == "index" or (n.kind == "unary" and n.value == "*"):
            r = self.slot(f, n.kids[0])
            return (r[0], r[1] + 1, r[2]) if r and len(r[2].derived) > r[1] else None
        if n.callee() == "dma_unmap_addr" and len(n.kids) == 3:
            return self.unmap_macro_slot(f, n)
        return None

    def unmap_macro_slot(self, f, call):
        """The slot of dma_unmap_addr(pointer, member), where member may be a path a.b or an element."""
        y, path, x = self.typer(f), [], call.kids[2]
        indexed = x.kind == "index"
        while x.kind in ("member", "index"):
            if x.kind == "member":
                path.insert(0, x.value[1])
            x = x.kids[0]
        if x.kind != "id":
            return None
        path.insert(0, x.value)
        t = y.type(call.kids[1])
        r = None
        for name in path:
            r = y.owner(t, name)
            if r is None:
                return None
            t = r[1]
        return ("member", r[0].path, r[0].label(), path[-1]), 1 if indexed else 0, r[1]

    def value_slot(self, f, n):
        """The slot of an expression that is one address, not an array of them."""
        r = self.slot(f, n)
        return r[0] if r and len(r[2].derived) == r[1] else None

    # ---- values

    def value(self, f, v):
        """(what, extra) of a value that is stored."""
        whole, v = v, strip(v)
        c = v.callee()
        if c in MAPS:
            return "map", v
        text = squeezed(self.source.of(whole))
        if NOTHING.match(text):
            return "zero", None
        back = rings.read(self.analysis, self, f, v)
        if back:
            return "copy", back[0]
        for names, what in ((READS, "descriptor"), (POOL, "pool"), (SCATTER, "scatter")):
            if c in names:
                return what, c
        k = self.value_slot(f, v)
        if k:
            return "copy", k
        if v.kind == "assign" and v.value == "=":
            return self.value(f, v.kids[1])
        if v.kind == "cond":
            return "cond", None
        if v.kind == "binary":
            for names, what in ((POOL, "pool"), (SCATTER, "scatter"), (READS, "descriptor")):
                inner = next((x.callee() for x in v.walk() if x.callee() in names), None)
                if inner:
                    return what, inner
        if v.kind == "binary" and v.value in ("+", "-", "|", "&"):
            return "arithmetic", v
        if c:
            return "coherent" if c in COHERENT else "call", c
        return "other", text[:60]

    # ---- references

    def member_refs(self, field):
        """References by a member's name, of any structure; "?" as slot where its type is not known."""
        refs = self.cache.get(field)
        if refs is not None:
            return refs
        refs = []
        for f, n in self.members.get(field, ()):
            r = self.slot(f, n)
            refs.append(self.classify(f, n, r) if r else Ref("?", n, self, f, "read"))
        for f, n in self.unmap_macros.get(field, ()):
            refs.append(self.unmap_macro_ref(f, n))
        for f, n in self.fields.get(field, ()):
            t = self.initialized_type(f, n)
            r = self.typer(f).owner(t, n.value) if t else None
            if r:
                what, extra = self.value(f, n.kids[0])
                refs.append(Ref(("member", r[0].path, r[0].label(), n.value), n, self, f, "field", what,
                                extra, len(r[1].derived), r[1]))
        self.cache[field] = refs
        return refs

    def unmap_macro_ref(self, f, n):
        if n.callee() == "dma_unmap_addr":
            r = self.slot(f, n)
            return self.classify(f, n, r) if r else Ref("?", n, self, f, "read")
        r = self.unmap_macro_slot(f, n)
        if r is None or len(n.kids) < 4:
            return Ref("?", n, self, f, "read")
        what, extra = self.value(f, n.kids[3])
        return Ref(r[0], n, self, f, "set", what, extra, r[1], r[2])

    def variable_refs(self, f, name, key):
        """References of a local or parameter."""
        refs = []
        for g, n in self.names.get(name, ()):
            if g is not f:
                continue
            p = n.parent
            if p is not None and p.kind == "call" and (
                    p.kids[0] is n or (p.callee() in UNMAP_MACROS and p.kids[2:3] == [n])):
                continue
            r = self.slot(f, n)
            if r and r[0] == key:
                refs.append(self.classify(f, n, r))
        if key[0] != "local":
            return refs
        for n in f.body().walk():
            if n.kind == "var" and n.first == key[4]:
                refs.append(self.declaration_ref(f, n, key))
        return refs

    def declaration_ref(self, f, n, key):
        t = n.value[1]
        if not n.kids:
            return Ref(key, n, self, f, "declared", None, None, len(t.derived), t)
        if n.kids[0].kind == "init":
            empty = n.kids[0].last - n.kids[0].first <= 3
            return Ref(key, n, self, f, "init", "zero" if empty else "other", None, len(t.derived), t)
        what, extra = self.value(f, n.kids[0])
        return Ref(key, n, self, f, "init", what, extra, 0, t)

    def initialized_type(self, f, n):
        """The type that an initializer's field belongs to."""
        p = n.parent
        q = p.parent if p is not None and p.kind == "init" else None
        if q is None:
            return None
        if q.kind == "var":
            t = q.value[1]
            return Type(t.base, t.derived[1:]) if t.derived else t
        if q.kind == "literal":
            return q.value
        if q.kind == "assign":
            return self.typer(f).type(q.kids[0])
        if q.kind == "field":
            t = self.initialized_type(f, q)
            if t is None or q.value in (None, "?"):
                return t
            r = self.typer(f).owner(t, q.value)
            if r is None:
                return None
            t = r[1]
            return Type(t.base, t.derived[1:]) if t.derived[:1] == ("a",) else t
        return None

    def classify(self, f, n, found):
        """The reference at a node that names a slot."""
        key, depth, t = found
        top, p = n, n.parent
        while p is not None:
            if p.kind == "paren":
                top, p = p, p.parent
            elif ((p.kind == "index" and p.kids[0] is top) or (p.kind == "unary" and p.value == "*")) \
                    and len(t.derived) > depth:
                depth += 1
                top, p = p, p.parent
            else:
                break

        def ref(how, what=None, extra=None):
            return Ref(key, top, self, f, how, what, extra, depth, t)

        if depth != len(t.derived):
            return self.classify_whole(top, p, ref)
        if p is None:
            return ref("read")
        if p.kind == "sizeof" or ALLOCATES.search(p.callee() or "") or p.callee() in ("typeof",
                                                                                     "__typeof__"):
            return ref("sizeof")
        if p.kind == "assign" and p.kids[0] is top:
            return ref("assign", *self.value(f, p.kids[1])) if p.value == "=" else ref("update")
        if p.kind == "unary" and p.value == "&":
            inner, q = outer(p)
            if q is not None and q.kind == "call" and inner in q.kids[1:]:
                return ref("address", None, (q.callee(), q.kids.index(inner) - 1))
            return ref("address", None, (None, None))
        if p.kind == "postfix" or (p.kind == "unary" and p.value in ("++", "--")):
            return ref("update")
        return self.classify_read(f, top, ref)

    def classify_whole(self, top, p, ref):
        if p is None:
            return ref("whole")
        if p.kind == "sizeof" or ALLOCATES.search(p.callee() or ""):
            return ref("sizeof")
        if p.kind == "assign" and p.kids[0] is top:
            return ref("whole_assign", None, p)
        if p.kind == "call" and top in p.kids[1:]:
            return ref("whole_arg", None, (p.callee(), p.kids.index(top) - 1))
        if p.kind == "if" or (p.kind == "unary" and p.value == "!") or (
                p.kind == "binary" and p.value in ("&&", "||")):
            return ref("whole_truth")
        return ref("whole")

    def classify_read(self, f, top, ref):
        inner, q = top, top.parent
        while q is not None and (q.kind == "paren" or (q.kind == "cast" and not q.value.derived)):
            inner, q = q, q.parent
        if q is None:
            return ref("read")
        if q.kind == "call" and inner in q.kids[1:]:
            c, i = q.callee(), q.kids.index(inner) - 1
            if c in SITES and i == 1:
                return ref("site", None, c)
            if c == "dma_mapping_error" and i == 1:
                return ref("error")
            if c in ("likely", "unlikely", "WARN_ON", "WARN_ON_ONCE"):
                return ref("truth")
            return ref("arg", None, (c, i))
        if q.kind == "binary" and q.value in ("+", "-"):
            call_arg, call = outer(q)
            if call is not None and call.callee() in SITES and call_arg in call.kids[1:] \
                    and call.kids.index(call_arg) == 2 and (q.kids[0] is inner or q.value == "+"):
                return ref("offset_site", q.value, call.callee())
        if (q.kind == "if" and q.kids[0] is inner) or (q.kind == "unary" and q.value == "!") \
                or (q.kind == "binary" and q.value in ("&&", "||")) or q.kind in ("while", "do") \
                or (q.kind == "cond" and len(q.kids) == 3 and q.kids[0] is inner):
            return ref("truth")
        if q.kind == "binary" and q.value in ("==", "!="):
            other = q.kids[1] if q.kids[0] is inner else q.kids[0]
            if NOTHING.match(squeezed(self.source.of(other))):
                return ref("compare", q.value)
        if q.kind == "return":
            return ref("returned")
        return ref("read")


def setter_target(call):
    """A node dma_unmap_addr(pointer, member) for the place that a dma_unmap_addr_set() writes."""
    n = Node("call", call.first, call.last)
    n.kids = [Node("id", call.first, call.first + 1, value="dma_unmap_addr")] + call.kids[1:3]
    return n
