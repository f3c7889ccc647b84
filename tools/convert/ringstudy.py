# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The study of a ring's slot: what fills and reads its descriptors, and a place for the handles.

Each use of the field that is not traced to a ring blocks it, unless it is harmless: the handle would
miss it.
"""

import re

from . import moves, proof, rings
from .facts import Ref
from .rules import MAPS

# Structures with more users than this are left: reading them all takes minutes.
MAX_USERS = 150


class RingStudy:
    """The part of slots.Analysis that is about rings."""

    def study_ring(self, s):
        """Collect what fills and reads the descriptors of a ring, and choose where the handles lie."""
        s.type, s.form = rings.BUS, "ring"
        _, path, label, ring, field = s.key
        last = field.split(".")[-1]
        owner = next((b for b in self.tree.source(path).bodies if b.label() == label), None)
        if owner is None or path.startswith("include/"):
            s.block("ring_unknown", path)
            return
        files = self.users(path, re.split(r"->|\.", ring)[-1])
        if len(files) > MAX_USERS:
            s.block("many_users", len(files))
            return
        strangers = {p for p in self.users(path, last) if p not in files}
        for p in sorted(set(files) | strangers):
            self.ring_refs(s, self.file(p), last)
        self.ring_home(s, files)
        for r in s.refs:
            if r.how in ("assign", "put"):
                self.study_ring_store(s, r)
            elif r.how in ("site", "offset_site", "arg"):
                self.study_ref(s, r)

    def ring_refs(self, s, facts, last):
        field = s.key[4]
        for f, n in facts.members.get(last, ()):
            if rings.chain(n)[2] != field:
                continue
            found = rings.field(self, facts, f, n)
            if found is None:
                self.ring_stranger(s, facts, f, n)
            elif found[0] == s.key:
                r = self.ring_ref(s, facts, f, n, found[1])
                s.refs += [r] if r is not None else []
        for name, calls in list(facts.calls.items()):
            g = self.find_function(facts, name)
            if g is None or not g.opening or len(list(g.body().walk())) > 150:
                continue
            names = last in g.source.text[g.source.tokens[g.opening].start:g.source.tokens[g.closing].end]
            for f, n in calls:
                if names or any(rings.address_of(a) is not None for a in n.args()):
                    self.ring_call(s, facts, f, n, g)

    def ring_call(self, s, facts, f, n, g):
        """A call of a function that reads or fills a descriptor."""
        back = rings.read(self, facts, f, n)
        if back and back[0] == s.key:
            r = facts.classify_read(f, n, lambda how, what=None, extra=None: Ref(
                s.key, n, facts, f, how, what, extra, 0, s.type))
            r.spot = back[1]
            s.refs.append(r)
        elif back is None and any(rings.getter(self, g, i) == s.key[4] and self.is_element(s, facts, f, a)
                                  for i, a in enumerate(n.args()[:len(g.params)])):
            s.block("ring_unknown", "%s:%d" % (facts.source.path, facts.source.line(n.first)))
        stored = rings.written(self, facts, f, n)
        for key, spot, value in stored:
            if key == s.key:
                what, extra = facts.value(f, value)
                r = Ref(s.key, n, facts, f, "put", what, extra, 0, s.type)
                r.spot, r.value = spot, value
                s.refs.append(r)
        if not stored and any((rings.setter(self, g, i) or [("", 0)])[0][0] == s.key[4]
                              and self.is_element(s, facts, f, a) for i, a in enumerate(n.args()[:len(g.params)])):
            s.block("ring_unknown", "%s:%d" % (facts.source.path, facts.source.line(n.first)))

    def is_element(self, s, facts, f, a):
        """Returns true if an argument may point to one of a ring's descriptors, by its type."""
        mine, ring = rings.structure(facts, f, a), s.key[3]
        owner = next(b for b in self.tree.source(s.key[1]).bodies if b.label() == s.key[2])
        member = owner.members.get(re.split(r"->|\.", ring)[0])
        tag = member.type.base[1] if member and member.type.base and member.type.base[0] == "struct" else None
        mine = mine.tag if mine else self.tag(facts, f, a)
        return mine is None or tag is None or mine == tag or "." in ring or ">" in ring

    @staticmethod
    def tag(facts, f, a):
        """The tag of the structure that an expression points to, where its body is not in the tree; None: its type is not known."""
        t = facts.typer(f).resolved(facts.typer(f).type(a))
        return t.base[1] if t is not None and t.base is not None and t.base[0] == "struct" else None

    def ring_ref(self, s, facts, f, n, spot):
        def ref(how, what=None, extra=None):
            return Ref(s.key, top, facts, f, how, what, extra, 0, s.type)

        top, p = n, n.parent
        while p is not None and p.kind == "paren":
            top, p = p, p.parent
        if p is not None and p.kind == "assign" and p.kids[0] is top:
            if p.value == "&=" or (p.value == "|=" and rings.no_address(facts, f, p.kids[1])):
                return None         # other bits of the word: the handle does not follow the number
            r = ref("assign" if p.value == "=" else "update", *facts.value(f, rings.unordered(p.kids[1])))
            r.value = p.kids[1]
        elif p is not None and p.kind == "unary" and p.value == "&":
            q = p.parent
            while q is not None and q.kind in ("paren", "cast"):
                q = q.parent
            if q is not None and q.kind == "call" and (rings.read(self, facts, f, q) or rings.written(self, facts, f, q)):
                return None         # noted as a call
            r = ref("address", None, (None, None))
        elif p is not None and p.kind in ("postfix", "unary") and p.value in ("++", "--"):
            r = ref("update")
        else:
            inner, q = top, top.parent
            while q is not None and (q.kind in ("paren", "cast") or (q.kind == "binary" and q.value == "&") or (
                    q.kind == "call" and q.kids[0] is not inner and rings.read(self, facts, f, q))):
                inner, q = q, q.parent
            top = inner
            r = facts.classify_read(f, inner, ref)
        r.spot = spot
        if r.how in ("update", "address"):
            s.block("ring_unknown", r.where())
        return r

    def ring_stranger(self, s, facts, f, n):
        """A use of the field that was not traced to a ring: harmless, or it blocks."""
        base, _, _ = rings.chain(n)
        if not self.is_element(s, facts, f, base):
            return
        top, p = n, n.parent
        while p is not None and p.kind in ("paren", "cast"):
            top, p = p, p.parent
        if p is not None and p.kind == "assign" and p.kids[0] is top and p.value == "=":
            what, extra = facts.value(f, rings.unordered(p.kids[1]))
            if what == "zero" or (what == "other" and rings.CONSTANT.match(extra or "")):
                return
        accessor = any(rings.getter(self, f, i) or rings.setter(self, f, i) for i in range(len(f.params)))
        if not accessor:
            s.block("ring_unknown", "%s:%d" % (facts.source.path, facts.source.line(n.first)))

    def ring_home(self, s, files):
        used = [r for r in s.refs if r.how in ("assign", "put") and r.what in ("map", "copy")]
        if not used:
            s.block("never_mapped")
            return
        stores = list(used)
        used += [r for r in s.refs if r.how in ("site", "offset_site", "error") or (r.how in ("arg", "read") and any(
            a.kind in ("assign", "var") for a in r.node.above()))]
        spots = [r.spot for r in used]
        s.home = rings.home(self, spots, len(stores), files)
        if s.home is None:
            s.block("ring_size", used[0].where())
            return
        last = re.split(r"->|\.", s.key[3])[-1]
        owners = set()
        for r in used:
            for seen in r.spot.seen:
                facts = self.file(seen[0].source.path)
                if not rings.beside(facts, seen, last) and (r in stores or not s.home.stored):
                    s.block("ring_index", r.where())
                owners.add(rings.instance(facts, seen[0], seen[1]))
        if len(owners - {""}) > 1:
            s.block("ring_other", ", ".join(sorted(owners - {""})))
        self.ring_structure(s, files)
        self.ring_owned(s, files)
        if s.home.inside:
            self.ring_cleared(s, files)
        for p, _, statement in s.moves:
            s.block("struct_copied", "%s:%d" % (p, self.file(p).source.line(statement.first)))
        if s.home.allocations and not proof.zeroed(self, s):
            s.block("ring_size", "not zeroed")

    def ring_owned(self, s, files):
        """Block a ring, or an array with the handles, that may go to another owner while mappings live."""
        first = next(r.spot for r in s.refs if r.spot)
        members = [(first.struct, re.split(r"->|\.", s.key[3])[0]), first.member]
        members += [(first.struct, s.home.inside)] if s.home.inside else []
        for struct, name in members:
            m = struct.members.get(name)
            if m is None or m.type.derived[:1] == ("a",):
                continue
            for p in files:
                facts = self.file(p)
                for f, n in facts.members.get(name, ()):
                    o = rings.structure(facts, f, n.kids[0])
                    if o is not None and (o.path, o.label()) == (struct.path, struct.label()) \
                            and not rings.keeps_owner(facts, f, n, first.struct):
                        s.block("ring_replaced", "%s:%d" % (p, facts.source.line(n.first)))
                for f, n in facts.fields.get(name, ()):
                    s.block("ring_replaced", "%s:%d" % (p, facts.source.line(n.first)))

    def ring_cleared(self, s, files):
        """Block handles in a software structure that is cleared while the descriptor keeps its address."""
        mine = s.home.struct
        for p in files:
            facts = self.file(p)
            for name in moves.CLEARS:
                for f, n in facts.calls.get(name, ()):
                    t = rings.structure(facts, f, n.args()[0]) if n.args() else None
                    if t is mine or t is None and facts.typer(f).type(n.args()[0]) is None:
                        s.block("ring_cleared", "%s:%d" % (p, facts.source.line(n.first)))
            for f, n in facts.assigns:
                if n.value == "=" and not (facts.typer(f).type(n.kids[0]) or rings.BUS).derived \
                        and rings.structure(facts, f, n.kids[0]) is mine:
                    s.block("ring_cleared", "%s:%d" % (p, facts.source.line(n.first)))

    def ring_structure(self, s, files):
        """The structure with the handles must be software's, and no descriptor may be copied."""
        s.struct = s.home.struct
        proof.structure(self, s)
        ring_of, name = next(r.spot for r in s.refs if r.spot).member
        t = ring_of.members[name].type
        y = t.base[1] if t.base and t.base[0] == "struct" else None
        for p in files:
            m = proof.memory(self, p)
            for place in [m.copied[k] for k in m.copied if k[1] == y] + [
                    "%s:%d" % (p, m.facts.source.line(n.first)) for k in m.moves if k[1] == y for _, n in m.moves[k]]:
                s.block("struct_copied", place)
        if any(f.broken and re.search(r"\b%s\b" % re.escape(name), f.source.text[
                f.source.tokens[f.opening].start:f.source.tokens[f.closing].end])
               for p in files for f in self.file(p).source.functions.values()):
            s.block("unparsed", name)

    def study_ring_store(self, s, r):
        statement = r.node.parent.parent if r.how == "assign" else r.node.parent
        plain = statement is not None and statement.kind == "expr" and statement.parent is not None \
            and statement.parent.kind == "block"
        if r.what == "map":
            s.maps += 1
            if MAPS[r.extra.callee()].handle is None:
                s.block("no_handle_call", r.where())
        elif r.what == "copy":
            self.link(s, r.extra)
        elif not (r.what == "zero" or (r.what == "other" and rings.CONSTANT.match(r.extra or ""))):
            s.block({"coherent": "coherent", "pool": "from_pool", "scatter": "from_scatterlist", "call": "from_call",
                     "descriptor": "descriptor"}.get(r.what, "from_expression"), r.where())
        if r.what in ("map", "copy") and not plain:
            s.block("map_in_expression", r.where())
