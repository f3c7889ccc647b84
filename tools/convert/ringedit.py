# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The edits for a ring's slot: handles beside the ring, while the descriptors keep their numbers."""

import re

from . import moves, rings
from .facts import strip
from .layout import EMPTY, layout


class RingEdits:
    """The part of edit.Editor that is about rings."""

    def ring_name(self, s):
        """The name of a ring's handles: of the array, or of the member in an array's elements."""
        last = re.split(r"->|\.", s.key[3])[-1]
        base = "handle" if s.home.inside else last + "_handle"
        others = [o for o in self.a.slots.values() if o.form == "ring" and o is not s and not o.blocked()
                  and o.home.struct is s.home.struct and (o.home.inside or re.split(r"->|\.", o.key[3])[-1] == last)]
        if others:
            base = s.key[4].replace(".", "_") + "_handle" if s.home.inside else "%s_%s_handle" % (
                last, s.key[4].replace(".", "_"))
        while base in s.home.struct.members:
            base = "dma_" + base
        return base

    def spot_text(self, s, spot):
        name = self.ring_name(s)
        if s.home.inside:
            return "%s.%s" % (spot.text(s.home.inside), name)
        return spot.text(name)

    def ring_handle(self, path, f, n):
        """The text of the handle of the descriptor's address at a node, or None."""
        r = self.spots.get(id(n))
        if r is None and n.kind in ("member", "call", "binary"):
            back = rings.read(self.a, self.a.file(path), f, n)
            if back and self.good(back[0]):
                return self.spot_text(self.a.slots[back[0]], back[1])
        return self.spot_text(self.a.slots[r.slot], r.spot) if r is not None and self.good(r.slot) else None

    def ring(self, s):
        """Handles beside a ring: the descriptors keep their numbers."""
        for r in s.refs:
            path, f, n = r.source.path, r.function, r.node
            if r.how in ("assign", "put") and r.what in ("map", "copy"):
                self.ring_store(s, r, path)
            elif r.how == "error":
                self.error(r, path, f, n)
            elif r.how in ("site", "offset_site"):
                self.site(r, path, f, n)
            elif r.how == "arg" and moves.takes(self.a, r):
                self.put(path, n, lambda path=path, f=f, n=n: self.pointer(path, f, n))
        self.unused_getters(s)
        m = s.home.struct.members[s.home.member] if s.home.member else None
        source = self.source(s.home.struct.path)
        name = self.ring_name(s)
        if m is None:
            end = source.match(s.home.struct.opening)
            last = max(s.home.struct.members.values(), key=lambda x: x.first)
            i = source.find(last.first, end, ";")
            lead, text = self.line_start(source, last.first), "struct dmah %s;" % name
        else:
            i = source.find(m.first, source.count, ";")
            lead = self.line_start(source, m.first)
            text = "struct dmah %s%s;" % (name, s.home.size) if s.home.size else "struct dmah *%s;" % name
            self.ring_array(s, name)
        # A comment behind the member stays with it.
        at = source.tokens[i].end + len(re.match(r"([ \t]*(/\*[^\n]*\*/|//[^\n]*))?", source.text[source.tokens[i].end:]).group())
        self.put_range(s.home.struct.path, at, at, "\n%s%s" % (lead, text))

    def unused_getters(self, s):
        """Functions that only read addresses back may have no caller any more."""
        for path in {r.source.path for r in s.refs}:
            for r in s.refs:
                c = r.node if r.node.kind == "call" else next((x for x in r.node.above() if x.kind == "call"), None)
                g = self.a.find_function(self.a.file(path), c.callee()) if c is not None and c.callee() else None
                if g is None or not g.static() or not g.opening or "inline" in g.words or r.source.path != path \
                        or "__maybe_unused" in g.words or g.type.name() == "void":
                    continue
                at = g.source.tokens[g.token].start
                self.put_range(g.source.path, at, at, "__maybe_unused ")

    def ring_array(self, s, name):
        """Allocate and free the handles with the array that they lie beside."""
        for facts, f, n, count in s.home.allocations:
            source, call, target = facts.source, strip(n.kids[1]), n.kids[0]
            old = " ".join(source.of(target).split())
            new = " ".join(source.of(target.kids[0]).split()) + target.value[0] + name
            lead = self.line_start(source, n.parent.first)
            end = source.span(n.parent)[1]
            managed = call.callee().startswith("devm_")
            flags = next((source.of(a) for a in call.args() if source.of(a).startswith("GFP_")), "GFP_KERNEL")
            make = "%s(%s%s, sizeof(*%s), %s)" % (
                "devm_kcalloc" if managed else "kvcalloc" if call.callee().startswith("kv") else "kcalloc",
                source.of(call.args()[0]) + ", " if managed else "", source.of(count), new, flags)
            free = "" if managed else "\n%s\t\t%s(%s);" % (lead, "kvfree" if call.callee().startswith("kv") else "kfree",
                                                         old)
            self.put_range(source.path, end, end, (
                "\n%(l)sif (%(old)s) {\n%(l)s\t%(new)s = %(make)s;\n%(l)s\tif (!%(new)s) {%(free)s\n%(l)s\t\t%(old)s = NULL;"
                "\n%(l)s\t}\n%(l)s}") % {"l": lead, "old": old, "new": new, "make": make, "free": free})
        for facts, f, call in s.home.frees:
            source, target = facts.source, strip(call.args()[0])
            new = " ".join(source.of(target.kids[0]).split()) + target.value[0] + name
            at = source.span(call.parent)[1]
            lead = self.line_start(source, call.parent.first)
            text = "%s(%s);\n%s%s = NULL;" % (call.callee(), new, lead, new)
            self.put_range(source.path, at, at, "\n%s%s" % (lead, text))
            if call.parent.parent.kind != "block":
                before = source.tokens[call.parent.first - 1].end
                self.put_range(source.path, before, before, " {")
                self.put_range(source.path, at, at, "\n%s}" % lead[:-1])

    def ring_store(self, s, r, path):
        """The mapping goes to the handle before its number goes to the descriptor."""
        statement = (r.node.parent if r.how == "assign" else r.node).parent
        f, source = r.function, self.source(path)
        start = source.span(statement)[0]
        lead = self.before(path, statement)
        lead = lead if not lead.strip() else re.match(r"\s*", lead).group()
        handle = self.spot_text(s, r.spot)
        reset = "%s = %s;\n%s" % (handle, EMPTY, lead) if s.reset else ""
        if r.what == "map":
            self.maps += 1
            self.unchecked += 1
            self.put(path, r.extra, lambda: "dmah_addr(&%s)" % handle)
            self.put_range(path, start, start, lambda: "%s%s;\n%s" % (reset, self.unchecked_call(
                lead, self.map_call(path, r.extra, "&" + handle)), lead))
        else:
            value = strip(moves.value_of(r))
            self.put_range(path, start, start, lambda: "%s;\n%s" % (layout(lead, "dmah_assign", [
                "&" + handle, self.pointer(path, f, value)]), lead))
