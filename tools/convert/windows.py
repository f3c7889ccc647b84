# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Addresses within one mapping, of which no member holds the mapping's own address alone.

    dma = dma_map_single(dev, c->part, ...);
    for (i = 0; i < N; i++)
            c->part_dma[i] = dma + i * sizeof(c->part[i]);

The array keeps its numbers. A handle beside it takes the mapping in front of the loop, and each sync
names that handle with the distance. Members beside the array that are computed from the same local are
views of the handle, too (slots.study_member_view).
"""

import re

from . import moves
from .facts import squeezed, strip
from .flow import graph
from .rings import quiet, stores

LOOPS = {"for", "while", "do", "iter"}


class Window:
    """The store that fills an array with addresses of one mapping."""

    def __init__(self, key, ref, base, statement):
        self.key = key              # the local's slot
        self.ref = ref
        self.base = base            # the node of the structure that has the array
        self.statement = statement  # before which the mapping moves to the handle


def factor(source, value):
    """(local, text of the index) of `local + index * size`, else None."""
    value = strip(value)
    if value.kind != "binary" or value.value != "+":
        return None
    for a, b in (value.kids, value.kids[::-1]):
        a, b = strip(a), strip(b)
        if a.kind != "id" or b.kind != "binary" or b.value != "*":
            continue
        for i, size in (b.kids, b.kids[::-1]):
            if strip(i).kind == "id" and (strip(size).kind in ("sizeof", "num") or (
                    strip(size).kind == "id" and strip(size).value.isupper())):
                return a, strip(i).value
    return None


def study(analysis, s, r, facts):
    """Note the window of an array's store. Returns false if it is none."""
    n = r.node
    if r.how != "assign" or s.type.derived != ("a",) or n.kind != "index" or n.kids[0].kind != "member" \
            or s.window is not None:
        return False
    found = factor(r.source, n.parent.kids[1])
    if found is None or squeezed(r.source.of(n.kids[1])) != found[1]:
        return False
    local = facts.slot(r.function, found[0])
    if local is None or local[0][0] != "local" or local[2].derived or local[2].name() != "dma_addr_t":
        return False
    statement = n.parent.parent
    for a in n.above():
        if a.kind in LOOPS:
            statement = a
    if statement.kind not in LOOPS | {"expr"} or statement.parent is None or statement.parent.kind != "block":
        return False
    s.window = Window(local[0], r, n.kids[0].kids[0], statement)
    analysis.link(s, local[0])
    return True


def array_beside(facts, r, local, key, beside):
    """The array beside a member that the same local fills with its addresses, or None."""
    for f, n in facts.assigns:
        target = strip(n.kids[0])
        if f is not r.function or n.value != "=" or target.kind != "index" or not beside(target.kids[0]):
            continue
        found = factor(r.source, n.kids[1])
        if found is not None and found[0].value == local.value and facts.value_slot(f, found[0]) == key:
            return target.kids[0]
    return None


def is_number(s):
    """Returns true for a slot that keeps its number: a copy of it moves no mapping."""
    return s.window is not None or (s.view is not None and s.key[0] == "member")


def decide(analysis, s):
    """Give an array of addresses a handle beside it, or block it."""
    if s.window is None or s.blocked():
        return
    w = s.window
    f, local = w.ref.function, analysis.slots[w.key]
    facts = analysis.file(w.ref.source.path)
    g = graph(f)
    start = g.place(w.statement.kids[0])
    # The store itself is a use in front of which the mapping moves.
    again = [moves.place(r) for r in local.refs if r.what == "map"]
    behind = g.reach(start, again)
    late = [r for r in local.refs if (r.how in moves.USES or moves.takes(analysis, r) or r.how in ("address", "update"))
            and behind(moves.place(r))]
    takers = [t for t in analysis.slots.values() if w.key in t.sources and t is not s
              and not (t.view_field == s.key[3] and t.key[:3] == s.key[:3])]
    names = {x.value for x in w.base.walk() if x.kind == "id"}
    moved = [n for name in names for _, n in stores(facts, f, name) if w.statement.first <= n.first < w.statement.last]
    other = [r for r in s.refs if r.how in moves.STORES and r is not w.ref and r.what != "zero"]
    ends = [r for r in s.refs if r.how == "site" and "unmap" in r.extra and not (
        r.node.kind == "index" and squeezed(r.source.of(r.node.kids[1])) == "0")]
    maps = [r for r in local.refs if r.what == "map"]
    for rule, wrong in (("used_after_store", late), ("two_owners", takers), ("from_expression", moved or other),
                        ("unmap_offset", ends)):
        if wrong:
            s.block(rule, w.ref.where())
    if s.struct.tag is None or s.key[3] + "_handle" in s.struct.members or not quiet(w.base) or len(maps) != 1 \
            or local.form != "handle" or any(r.node.kind != "index" for r in s.refs if r.how in ("site", "offset_site")):
        s.block("from_expression", w.ref.where())
    if not s.blocked():
        s.form = "window"


def given_away(analysis):
    """Block numbers that a slot with a handle takes. Returns true if something was blocked."""
    changed = False
    for t in analysis.slots.values():
        if t.blocked() or t.view is not None or t.form == "window":
            continue
        for key in t.sources:
            if is_number(analysis.slots[key]) and not analysis.slots[key].blocked():
                analysis.slots[key].block("address_taken", t.key)
                changed = True
    return changed


def number_sources(analysis, s):
    """Block a slot that takes a number which stands within another slot's mapping."""
    for r in s.refs:
        if r.what == "copy" and r.how in moves.STORES and is_number(analysis.slots[r.extra]):
            s.block("from_expression", r.where())


class WindowEdits:
    """The edits of windows; a part of edit.Editor."""

    def window(self, s):
        """The handle's declaration, its move in front of the loop, and the calls that name it."""
        w, path = s.window, s.window.ref.source.path
        source = self.source(s.key[1])
        first = s.struct.members[s.key[3]].first
        i = source.find(first, source.count, ";")
        self.put_range(s.key[1], source.tokens[i].end, source.tokens[i].end,
                       "\n%sstruct dmah %s_handle;" % (self.line_start(source, first), s.key[3]))
        lead, at = self.before(path, w.statement), self.source(path).span(w.statement)[0]
        self.put_range(path, at, at, lambda: "%sdmah_assign(%s, &%s);\n%s" % (
            "%s = (struct dmah){ };\n%s" % (self.window_handle(path, w.ref.node)[1:], lead) if s.reset else "",
            self.window_handle(path, w.ref.node), w.key[3], lead))
        for r in s.refs:
            if r.how in ("site", "offset_site"):
                self.window_site(r)

    def window_site(self, r):
        path, call = r.source.path, r.call()
        self.converted += 1
        self.put(path, call, lambda: self.site_text(path, call, lambda: self.window_handle(path, r.node), None,
                                                    self.arg(path, call.kids[2])))

    def window_handle(self, path, n):
        """A pointer to the handle beside the array that an element is named of."""
        return "&%s_handle" % self.arg(path, n.kids[0])
