# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The edits: source ranges of a decided analysis and their new text. All other bytes stay as they are."""

import re

from . import effects, moves, proof
from .ctype import QUALIFIERS
from .facts import outer, setter_target, strip
from .layout import EMPTY, flat, layout
from .ringedit import RingEdits
from .rules import MAPS, PRINT, SITES, SYNCS, UNMAPS
from .windows import WindowEdits

INCLUDE = "#include <linux/dmah.h>"


class Overlap(Exception):
    pass


class Editor(RingEdits, WindowEdits):
    """Makes the new texts of all files of an analysis. checked: unproven unmaps compare at run time."""

    def __init__(self, analysis, checked=False):
        self.a = analysis
        self.checked = checked
        self.nodes = {}         # path: {id(node): (node, function that makes its text)}
        self.ranges = {}        # path: [(start, end, text or function)]
        self.done = set()
        self.instead = {id(r.node): r for s in analysis.slots.values() for r in s.refs
                        if r.instead is not None or r.text is not None}
        self.spots = {id(r.node): r for s in analysis.slots.values() if s.form == "ring" for r in s.refs}
        self.converted = 0
        self.site_of = {id(s.node): s for s in analysis.sites}
        self.maps = 0
        self.unchecked = 0      # maps whose result the driver does not ask for beside them

    # ---- helpers

    def source(self, path):
        return self.a.tree.source(path)

    def good(self, key):
        s = self.a.slots.get(key)
        return s is not None and not s.blocked()

    def handle(self, key):
        """Returns true if a slot itself becomes a handle (not a number with one beside it)."""
        return self.good(key) and self.a.slots[key].form not in ("beside", "ring", "window") \
            and self.a.slots[key].view is None

    def put(self, path, node, make):
        self.nodes.setdefault(path, {})[id(node)] = (node, make)

    def put_range(self, path, start, end, text):
        edits = self.ranges.setdefault(path, [])
        if (start, end, text) not in edits:
            edits.append((start, end, text))

    def render(self, path, n, itself=True):
        """The text of a node with the replacements of what is in it."""
        made = self.nodes.get(path, {})
        if itself and id(n) in made:
            return made[id(n)][1]()
        source = self.source(path)
        at, end = source.span(n)
        out = []
        for kid in sorted(n.kids, key=lambda k: k.first):
            a, b = source.span(kid)
            if a >= at:
                out += [source.text[at:a], self.render(path, kid)]
                at = b
        return "".join(out) + source.text[at:end]

    def arg(self, path, n):
        return flat(self.render(path, n))

    def before(self, path, n):
        """The text of the line before a node."""
        source = self.source(path)
        a = source.tokens[n.first].start
        return source.text[source.text.rfind("\n", 0, a) + 1:a]

    def lvalue(self, path, f, n):
        """The text that names the handle of the slot at a node."""
        at = self.ring_handle(path, f, n)
        if at:
            return at
        while n.kind == "paren" and n.kids[0].kind in ("id", "member", "index", "call", "paren"):
            n = n.kids[0]
        if n.callee() == "dma_unmap_addr":
            base = n.kids[1]
            while base.kind == "paren":
                base = base.kids[0]
            if base.kind == "unary" and base.value == "&" and base.kids[0].kind in ("id", "member", "index"):
                return self.beside_name(path, f, n, "%s.%s" % (self.arg(path, base.kids[0]),
                                                               self.arg(path, n.kids[2])))
            text = self.arg(path, base)
            if base.kind not in ("id", "member", "index", "call", "paren"):
                text = "(%s)" % text
            return self.beside_name(path, f, n, text + "->" + self.arg(path, n.kids[2]))
        found = self.a.file(path).slot(f, n)
        if n.kind == "id" and found and self.good(found[0]):
            s = self.a.slots[found[0]]
            if (found[0][0] == "param" and not found[2].derived) or s.form == "alias":
                return "*" + n.value
        return self.beside_name(path, f, n, flat(self.render(path, n, itself=False)))

    def beside_name(self, path, f, n, text):
        key = self.a.file(path).value_slot(f, n)
        if not key or not self.good(key) or self.a.slots[key].form != "beside":
            return text
        outside = self.a.slots[key].outside
        return text + "_handle" if outside is None else self.outside_name(path, f, n, *outside[:2])

    def outside_name(self, path, f, n, home, name):
        """The text of the handle outside of the union that a member lies in."""
        x, sep = proof.reached(self.a, path, f, n, home)
        return self.arg(path, x) + sep + name

    def pointer(self, path, f, n):
        """The text of a pointer to the handle that a node names: where a store moved it, to the new place."""
        r = self.instead.get(id(n))
        if r is not None and r.text is not None:
            return r.text
        text = self.pointer_here(path, f, n)
        if r is None:
            return text
        store = r.instead
        target = moves.target_of(store)
        new = "&" + store.node.value[0] if target is None else self.pointer(path, f, target)
        return new if r.sure else "dmah_mapped(%s) ? %s : %s" % (text, text, new)

    def pointer_here(self, path, f, n):
        text = self.lvalue(path, f, n)
        if re.match(r"^\*\w+$", text):
            return text[1:]
        return "&(%s)" % text if text.startswith("*") else "&" + text

    # ---- all

    def prepare(self):
        """Collect the edits of all slots that become handles."""
        for s in list(self.a.slots.values()):
            if s.blocked():
                continue
            if s.view is not None:
                self.view(s)
            elif s.form == "beside":
                self.beside(s)
            elif s.form == "ring":
                self.ring(s)
            elif s.form == "window":
                self.window(s)
            else:
                for r in s.refs:
                    self.ref(s, r)
                for path, f, n in s.moves:
                    self.struct_move(s, path, f, n)
                self.declare(s)
                if s.key[0] == "param" and not s.type.derived:
                    self.constant_args(s)

    def ref(self, s, r):
        path, f, n = r.source.path, r.function, r.node
        if r.how in ("assign", "set", "init", "field"):
            self.store(s, r, path, f, n)
        elif r.how in ("site", "offset_site"):
            self.site(r, path, f, n)
        elif r.how == "error":
            self.error(r, path, f, n)
        elif r.how == "address":
            self.address(s, r, path, f, n)
        elif r.how == "whole_assign":
            value = r.extra.kids[1]
            text = r.source.of(value)
            if "dma_addr_t" in text:
                self.put(path, value, lambda: text.replace("dma_addr_t", "struct dmah"))
        elif r.how == "truth":
            self.put(path, n, lambda: "dmah_mapped(%s)" % self.pointer(path, f, n))
        elif r.how == "compare":
            q = next(a for a in n.above() if a.kind == "binary")
            self.put(path, q, lambda: "%sdmah_mapped(%s)" % ("!" if q.value == "==" else "",
                                                             self.pointer(path, f, n)))
        elif r.how == "arg":
            g = self.a.find_function(self.a.file(path), r.extra[0])
            if g is not None and self.handle(("param", g.source.path, g.name, r.extra[1])):
                self.put(path, n, lambda: self.pointer(path, f, n))
            else:
                self.put(path, n, lambda: "dmah_addr(%s)" % self.pointer(path, f, n))
        elif r.how == "returned":
            self.put(path, n, lambda: "dmah_addr(%s)" % self.pointer(path, f, n))
        elif r.how == "read" and not self.is_copy(path, f, n):
            self.put(path, n, lambda: "dmah_addr(%s)" % self.pointer(path, f, n))
        elif r.how == "sizeof" and s.type.derived == () and n.parent.kind == "sizeof":
            pass

    def is_copy(self, path, f, n):
        """Returns true if a read is the value of a store into another handle, which writes it."""
        facts = self.a.file(path)
        inner, q = outer(n)
        if q is None:
            return False
        if q.kind == "assign" and q.kids[1] is inner:
            k = facts.value_slot(f, q.kids[0])
            return k is not None and self.handle(k)
        if q.kind == "var":
            return self.handle(("local", path, f.name, q.value[0], q.first))
        if q.callee() == "dma_unmap_addr_set" and len(q.kids) > 3 and q.kids[3] is inner:
            found = facts.slot(f, setter_target(q))
            return found is not None and self.handle(found[0])
        return False

    # ---- stores

    def store(self, s, r, path, f, n):
        if r.how == "init":
            return      # written with the declaration
        if r.how == "field":
            self.put(path, n.kids[0], lambda: "{ }")
            return
        if r.how == "assign":
            node, value, target = n.parent, n.parent.kids[1], n
        else:
            node, value, target = n, n.kids[3], setter_target(n)
            target.parent = n
        if r.what == "map":
            self.map_store(s, r, path, f, node, target)
        elif r.what == "zero":
            if not self.drop_after_unmap(s, r, path, f, node, target):
                self.put(path, node, lambda: "%s = %s" % (self.lvalue(path, f, target), EMPTY))
        elif r.what == "copy":
            if s.form == "alias":
                self.put(path, node, lambda: "%s = %s" % (self.render(path, n, False),
                                                          self.pointer(path, f, strip(value))))
            else:
                self.put(path, node, lambda: layout(self.before(path, node), "dmah_assign", [
                    self.pointer(path, f, target), self.pointer(path, f, strip(value))]))

    def struct_move(self, s, path, f, n):
        """Behind *a = *b; each handle moves: b's is idle afterwards."""
        lead = self.before(path, n.parent)

        def part(x):
            return moves.struct_part(self.source(path), x, s.key[3])

        end = self.source(path).span(n.parent)[1]
        self.put_range(path, end, end, "\n%sdmah_assign(&%s, &%s);" % (lead, part(n.kids[0]), part(n.kids[1])))

    def drop_after_unmap(self, s, r, path, f, node, target):
        """Remove `x = 0` right behind the unmap of x, which leaves the handle idle. Return true if removed."""
        statement = node.parent
        source = self.source(path)
        if statement.parent is None or statement.parent.kind != "block" or statement.kind != "expr":
            return False
        kids = statement.parent.kids
        i = next(j for j, k in enumerate(kids) if k is statement)
        last = kids[i - 1] if i else None
        if last is None or last.kind != "expr" or last.kids[0].callee() not in UNMAPS:
            return False
        a = source.span(last)[1]
        rest = source.text[a:source.span(statement)[0]]
        named = strip(last.kids[0].kids[2])
        if rest.strip() or self.a.file(path).value_slot(f, named) != s.key or re.sub(
                r"\s+", "", self.lvalue(path, f, named)) != re.sub(r"\s+", "", self.lvalue(path, f, target)):
            return False
        self.put(path, statement, lambda: "")
        self.put_range(path, a, source.span(statement)[0], "")
        return True

    def map_call(self, path, call, pointer):
        """(name, arguments) of the handle call for a map call."""
        m = MAPS[call.callee()]
        args = [self.arg(path, a) for a in call.args()]
        if call.callee() == "skb_frag_dma_map" and len(args) < m.count:
            args += ["0", "skb_frag_size(%s)" % args[1], "DMA_TO_DEVICE"][len(args) - 2:]
        return m.handle, [args[0], pointer] + args[1:]

    def map_store(self, s, r, path, f, node, target):
        self.maps += 1
        statement = node.parent
        source = self.source(path)
        lead = self.before(path, statement)
        in_block = statement.parent is not None and statement.parent.kind == "block" and not lead.strip()
        check = self.check_after(s, r, path, f, statement, target) if in_block else None

        def reset():
            if not s.reset:
                return ""
            return "%s = %s%s" % (self.lvalue(path, f, target), EMPTY, ";\n" + lead if in_block else ", ")

        if check is None:
            self.unchecked += 1
            self.put(path, node, lambda: reset() + self.unchecked_call(
                lead, self.map_call(path, r.extra, self.pointer(path, f, target))))
            return
        # The check takes the map's place: `if (dma_mapping_error(dev, x))` becomes `if (dmah_map...)`.
        after, error = check
        b = source.tokens[after.first].start
        self.put(path, statement, lambda: reset())
        self.put_range(path, source.span(statement)[1], b, "")
        self.put(path, error, lambda: layout(
            lead + source.text[b:source.tokens[error.first].start],
            *self.map_call(path, r.extra, self.pointer(path, f, target))))
        self.done.add(id(error))

    @staticmethod
    def unchecked_call(lead, call):
        name, args = call
        return "dmah_unchecked(%s)" % layout(lead + "dmah_unchecked(", name, args)

    def check_after(self, s, r, path, f, statement, target):
        """(statement, dma_mapping_error() call) where the next statement is a check of this map, else None."""
        kids = statement.parent.kids
        i = next(j for j, k in enumerate(kids) if k is statement)
        if i + 1 == len(kids):
            return None
        after = kids[i + 1]
        source = self.source(path)
        if source.text[source.span(statement)[1]:source.span(after)[0]].strip():
            return None
        if after.kind == "if":
            x = after.kids[0]
            while x.kind == "paren" or x.callee() in ("unlikely", "likely"):
                x = x.kids[0] if x.kind == "paren" else x.kids[1]
        elif after.kind == "expr" and after.kids[0].kind == "assign" and after.kids[0].value == "=":
            x = after.kids[0].kids[1]
        else:
            return None
        if x.callee() != "dma_mapping_error" or len(x.kids) != 3:
            return None
        facts = self.a.file(path)
        tested = strip(x.kids[2])
        if facts.value_slot(f, tested) != s.key:
            return None
        same = re.sub(r"\s+", "", self.lvalue(path, f, tested)) == re.sub(
            r"\s+", "", self.lvalue(path, f, target))
        return (after, x) if same else None

    # ---- uses

    def site(self, r, path, f, n):
        call = r.call()
        offset = None
        if r.how == "offset_site":
            b = strip(call.kids[2])
            offset = b.kids[1] if strip(b.kids[0]) is strip(n) else b.kids[0]
        self.converted += 1
        self.put(path, call, lambda: self.site_text(path, call, lambda: self.pointer(path, f, n), offset))

    def site_text(self, path, call, pointer, offset=None, base=None):
        args, name = call.args(), call.callee()
        device, handle = self.arg(path, args[0]), pointer()
        lead = self.before(path, call)
        if name in UNMAPS:
            attrs = UNMAPS[name].attrs
            attrs = self.arg(path, args[attrs]) if attrs is not None and attrs < len(args) else "0"
            site = self.site_of.get(id(call))
            if self.checked and attrs == "0" and (site is None or not site.proven):
                return layout(lead, "dmah_unmap_expect", [
                    device, handle, "dmah_addr(%s)" % handle, self.arg(path, args[2]),
                    self.arg(path, args[3])])
            if attrs != "0":
                return layout(lead, "dmah_unmap_attrs", [device, handle, attrs])
            return layout(lead, "dmah_unmap", [device, handle])
        sync = SYNCS[name]
        parts = []
        if base is not None:
            parts.append("%s - dmah_addr(%s)" % (base, handle))
        if offset is not None:
            parts.append(self.arg(path, offset))
        if sync.offset is not None:
            parts.append(self.arg(path, args[sync.offset]))
        if len(parts) > 1:
            parts = [p if re.match(r"^[\w>.\-\[\]()]*$", p) or p is parts[0] else "(%s)" % p for p in parts]
        return layout(lead, sync.handle, [device, handle, " + ".join(parts) or "0",
                                          self.arg(path, args[sync.length])])

    def error(self, r, path, f, n):
        call = r.call()
        if id(call) in self.done:
            return
        inner, q = call, call.parent
        while q is not None and (q.kind == "paren" or q.callee() in ("unlikely", "likely")):
            inner, q = q, q.parent
        truth = q is not None and (
            (q.kind in ("if", "while", "do") and inner in q.kids[:2])
            or (q.kind == "unary" and q.value == "!")
            or (q.kind == "binary" and q.value in ("&&", "||"))
            or (q.kind == "cond" and q.kids[0] is inner)
            or q.callee() in ("WARN_ON", "WARN_ON_ONCE", "BUG_ON")
            or (q.kind == "return" and f.type.name() == "bool"))
        if truth and q.kind == "unary" and inner is call:
            call = q
            make = lambda: "dmah_mapped(%s)" % self.pointer(path, f, n)
        elif truth:
            make = lambda: "!dmah_mapped(%s)" % self.pointer(path, f, n)
        else:
            make = lambda: "(dmah_mapped(%s) ? 0 : -ENOMEM)" % self.pointer(path, f, n)
        if id(call) not in self.nodes.get(path, {}):
            self.put(path, call, make)

    def address(self, s, r, path, f, n):
        callee, _ = r.extra
        q = next(a for a in n.above() if a.kind == "unary")
        if callee and re.search(PRINT, callee):
            self.put(path, q, lambda: "&%s.dma" % self.lvalue(path, f, n)
                     if not self.lvalue(path, f, n).startswith("*")
                     else "&%s->dma" % self.lvalue(path, f, n)[1:])
        elif s.key[0] == "param" and not s.type.derived:
            self.put(path, q, lambda: self.pointer(path, f, n))
        elif n.callee() == "dma_unmap_addr":
            self.put(path, q, lambda: self.pointer(path, f, n))

    def constant_args(self, s):
        """Callers that pass 0 pass an idle handle."""
        f = self.source(s.key[1]).functions[s.key[2]]
        for path in self.a.function_users(f):
            facts = self.a.file(path)
            for g, n in facts.calls.get(f.name, ()):
                if len(n.args()) > s.key[3]:
                    v = n.args()[s.key[3]]
                    if facts.value(g, v)[0] == "zero":
                        self.put(path, v, lambda: "&" + EMPTY)

    # ---- other forms

    def view(self, s):
        """A computed address: the syncs go to the handle that it lies in."""
        for r in s.refs:
            if r.how not in ("site", "offset_site"):
                continue
            path, f, call, n = r.source.path, r.function, r.call(), r.node
            self.converted += 1
            self.put(path, call, lambda call=call, path=path, f=f, n=n: self.site_text(
                path, call, lambda: self.viewed(s, path, f, n), None, self.arg(path, call.kids[2])))

    def viewed(self, s, path, f, n):
        """A pointer to the handle that a computed address lies in."""
        if s.view_field is None:
            return self.pointer(path, f, s.view)
        key = s.key[:3] + (s.view_field,)
        return "&%s%s%s%s" % (self.arg(path, n.kids[0]), n.value[0], s.view_field,
                              "_handle" if self.a.slots[key].form in ("beside", "window") else "")

    def beside(self, s):
        """A handle beside the address: the maps fill both, the unmaps and syncs take the handle."""
        for r in s.refs:
            path, f, n = r.source.path, r.function, r.node
            if r.how in ("assign", "set") and r.what == "map":
                self.beside_map(s, r, path, f, n)
            elif r.how in ("assign", "set") and r.what == "copy":
                self.beside_copy(r, path, f, n)
            elif r.how == "error":
                self.error(r, path, f, n)
            elif r.how in ("site", "offset_site"):
                call = r.call()
                self.converted += 1
                self.put(path, call, lambda call=call, path=path, f=f, n=n: self.site_text(
                    path, call, lambda: self.pointer(path, f, n), None, self.arg(path, call.kids[2])))
        if s.key[0] == "member":
            self.beside_member(s)
            return
        source = self.source(s.key[1])
        for n in source.functions[s.key[2]].body().walk():
            if n.kind == "decl" and any(v.first == s.key[4] for v in n.kids):
                end = source.span(n)[1]
                self.put_range(s.key[1], end, end, "\n%sstruct dmah %s_handle = { };" % (
                    self.line_start(source, n.first), s.key[3]))

    def beside_member(self, s):
        """Declare the handle beside a member, or behind the union that the member lies in."""
        source = self.source(s.key[1])
        first, name = s.struct.members[s.key[3]].first, s.key[3] + "_handle"
        if s.outside is not None:
            first, name = source.match(s.outside[2].opening), s.outside[1]
        i = source.find(first, source.count, ";")
        self.put_range(s.key[1], source.tokens[i].end, source.tokens[i].end,
                       "\n%sstruct dmah %s;" % (self.line_start(source, first), name))

    def beside_copy(self, r, path, f, n):
        """The mapping moves to the handle, and the address to the number beside it."""
        node, target = (n.parent, n) if r.how == "assign" else (n, setter_target(n))
        if r.how == "set":
            target.parent = n
        lead, start = self.before(path, node.parent), self.source(path).span(node.parent)[0]
        value = moves.value_of(r)
        self.put_range(path, start, start, lambda: "%s;\n%s" % (layout(lead, "dmah_assign", [
            self.pointer(path, f, target), self.pointer(path, f, value)]), lead))

    def beside_map(self, s, r, path, f, n):
        self.maps += 1
        self.unchecked += 1
        node, target = (n.parent, n) if r.how == "assign" else (n, setter_target(n))
        statement = node.parent
        lead = self.before(path, statement)
        block = statement.parent is not None and statement.parent.kind == "block" and not lead.strip()
        between = ";\n" + lead if block else ", "
        tested = any(o.how in ("truth", "compare") or moves.compared(o) for o in s.refs)

        def make():
            handle = self.pointer(path, f, target)
            reset = "%s = %s%s" % (handle[1:], EMPTY, between) if s.reset else ""
            number = "dmah_addr(%s)" % handle
            if tested:
                number = "dmah_mapped(%s) ? %s : DMA_MAPPING_ERROR" % (handle, number)
            stored = "dma_unmap_addr_set(%s, %s, %s)" % (self.arg(path, n.kids[1]), self.arg(path, n.kids[2]), number) \
                if r.how == "set" else "%s = %s" % (self.render(path, n, False), number)
            return "%s%s%s%s" % (
                reset, self.unchecked_call(lead, self.map_call(path, r.extra, handle)), between, stored)

        self.put(path, node, make)

    # ---- declarations

    @staticmethod
    def line_start(source, i):
        a = source.tokens[i].start
        lead = source.text[source.text.rfind("\n", 0, a) + 1:a]
        return lead if not lead.strip() else re.match(r"\s*", lead).group()

    def declare(self, s):
        kind, path = s.key[0], s.key[1]
        if kind == "member":
            source = self.source(path)
            m = s.struct.members[s.key[3]]
            if source.at(m.first) == "DEFINE_DMA_UNMAP_ADDR":
                close = source.match(m.first + 1)
                self.put_range(path, source.tokens[m.first].start, source.tokens[close].end,
                               "struct dmah " + source.text[source.tokens[m.first + 2].start:
                                                            source.tokens[close - 1].end])
                return
            self.declare_list(path, m.first, lambda name: self.handle(("member", path, s.key[2], name)))
        elif kind == "local":
            f = self.source(path).functions[s.key[2]]
            for n in f.body().walk():
                if n.kind == "decl" and any(v.first == s.key[4] for v in n.kids):
                    self.declare_local(path, f, n)
                    return
        else:
            self.declare_param(s)

    def declare_list(self, path, first, is_handle):
        """A structure's declaration of one or several members."""
        if (path, first) in self.done:
            return
        self.done.add((path, first))
        source = self.source(path)
        base, i, _ = source.specifiers(first)
        type_end = source.tokens[i - 1].end
        names = []
        while True:
            start = i
            name, _, _, i, _ = source.declarator(i, base)
            names.append((name, source.text[source.tokens[start].start:source.tokens[i - 1].end]))
            if source.at(i) != ",":
                break
            i += 1
        if source.at(i) != ";":
            raise Overlap("%s:%d: a member's declaration" % (path, source.line(first)))
        a = source.tokens[first].start
        if all(is_handle(n) for n, _ in names):
            while source.at(first) in QUALIFIERS:
                first += 1
            self.put_range(path, source.tokens[first].start, type_end, "struct dmah")
            return
        text = source.text[a:type_end]
        lead = self.line_start(source, first)
        self.put_range(path, a, source.tokens[i].end, ("\n" + lead).join(
            "%s %s;" % ("struct dmah" if is_handle(n) else text, t) for n, t in names))

    def declare_local(self, path, f, n):
        if id(n) in self.done:
            return
        self.done.add(id(n))
        source = self.source(path)
        _, i, _ = source.specifiers(n.first)
        base = source.text[source.tokens[n.first].start:source.tokens[i - 1].end]
        lead = self.line_start(source, n.first)
        later, parts = [], []
        for v in n.kids:
            key = ("local", path, f.name, v.value[0], v.first)
            start = v.first
            while source.at(start - 1) == "*":
                start -= 1
            stars = source.text[source.tokens[start].start:source.tokens[v.first].start]
            if not self.handle(key):
                parts.append((base + " ", lambda v=v, stars=stars: stars + self.render(path, v)))
                continue
            parts.append(("struct dmah ", self.local_text(path, f, v, key, stars, later)))

        def make():
            lines = []
            for type_, text in parts:
                if lines and lines[-1][0] == type_:
                    lines[-1][1].append(text())
                else:
                    lines.append((type_, [text()]))
            return ("\n" + lead).join(t + ", ".join(names) + ";" for t, names in lines)

        self.put(path, n, make)
        if later:
            self.maps += sum(call is not None for _, call, _ in later)
            self.insert_maps(path, f, n, later)

    def local_text(self, path, f, v, key, stars, later):
        s = self.a.slots[key]
        name = v.value[0]
        end = v.kids[0].first if v.kids else v.last
        source = self.source(path)
        plain = source.text[source.tokens[v.first].start:source.tokens[
            (source.find(v.first, end, "=") if v.kids else end) - 1].end]
        if s.form == "alias":
            if not v.kids:
                return lambda: "*" + name
            return lambda: "*%s = %s" % (name, self.pointer(path, f, strip(v.kids[0])))
        if s.type.derived[:1] == ("p",):
            return lambda: stars + self.render(path, v)
        if v.kids and v.kids[0].kind != "init":
            what, extra = self.a.file(path).value(f, v.kids[0])
            if what == "map":
                later.append((name, extra, None))
            elif what == "copy":
                later.append((name, None, strip(v.kids[0])))
        return lambda: plain + " = { }"

    def insert_maps(self, path, f, n, later):
        """Map calls of initializers go behind the block's declarations."""
        kids, last = n.parent.kids, None
        for kid in kids:
            if kid.kind != "decl":
                break
            last = kid
        source = self.source(path)
        at = source.span(last)[1]
        lead = self.line_start(source, last.first)

        def make():
            lines = []
            for name, call, value in later:
                if call is None:
                    lines.append("%sdmah_assign(&%s, %s);" % (lead, name, self.pointer(path, f, value)))
                else:
                    lines.append("%s%s;" % (lead, self.unchecked_call(
                        lead, self.map_call(path, call, "&" + name))))
            return "\n\n" + "\n".join(lines)

        self.unchecked += sum(call is not None for _, call, _ in later)
        self.put_range(path, at, at, make)

    def declare_param(self, s):
        path = s.key[1]
        f = self.source(path).functions[s.key[2]]
        self.param_text(f, s.key[3])
        places = set(self.a.facts) | ({h for h in self.a.headers_with(f)} if not f.static() else set())
        for p in places:
            proto = self.source(p).prototypes.get(f.name)
            if proto and (p == path or not f.static()):
                self.param_text(proto, s.key[3])

    def param_text(self, f, i):
        if i >= len(f.params):
            return
        source, p = f.source, f.params[i]
        first = p.first
        while source.at(first) in QUALIFIERS:
            first += 1
        a = source.tokens[first].start
        if p.token is None:
            self.put_range(source.path, a, source.tokens[p.last - 1].end, "struct dmah *")
        elif p.type.derived:
            star = p.token
            while source.at(star - 1) == "*":
                star -= 1
            self.put_range(source.path, a, source.tokens[star - 1].end, "struct dmah")
        else:
            self.put_range(source.path, a, source.tokens[p.token].start, "struct dmah *")

    # ---- text

    def unused(self, path):
        """Take out the locals that only lengths and directions of converted calls named, and those that only these named."""
        facts, made = self.a.file(path), self.nodes.get(path, {})
        calls = [n for n, _ in made.values() if n.callee() in SITES]
        functions = {f for f in facts.source.functions.values() for n in calls if f.opening < n.first < f.closing}
        for f in functions:
            gone, more = [], True
            while more:
                more = False
                for d in [n for n in f.body().walk() if n.kind == "decl" and id(n) not in made and not any(n is g for g in gone)]:
                    for v in d.kids:
                        if not any(v is g for g in gone) and self.unused_local(path, facts, f, d, v, calls, gone):
                            more = True

    def unused_local(self, path, facts, f, d, v, calls, gone):
        """Take out a local, or mark it. Returns true if its declaration is gone."""
        refs = [n for g, n in facts.names.get(v.value[0], ()) if g is f
                and not (n.parent.kind == "call" and n.parent.kids[0] is n)]
        if not refs or d.parent.kind != "block":
            return False
        refs = [n for n in refs if not any(a is g for g in gone for a in n.above())]
        inside = [next((c for c in [n] + list(n.above()) if any(c is x for x in calls)), None) for n in refs]
        named = re.compile(r"\b%s\b" % re.escape(v.value[0]))
        if None in inside or any(named.search(self.nodes[path][id(c)][1]()) for c in inside):
            return False
        source = facts.source
        a, b = source.span(d)
        start = source.text.rfind("\n", 0, a) + 1
        if len(d.kids) == 1 and not any(n.kind == "call" or effects.changes(n) for n in v.walk()) \
                and effects.macro_with(source, f, v.value[0]) is None \
                and not source.text[start:a].strip() and source.text[b:b + 1] == "\n":
            self.put_range(path, start, b + 1, "")
            gone.append(d)
            return True
        if v.kids:
            at = source.tokens[v.first].end
            self.put_range(path, at, at, " __maybe_unused")
        return False

    def emit(self):
        """Return {path: new text}."""
        out = {}
        for path in list(self.nodes):
            self.unused(path)
        for path in sorted(set(self.nodes) | set(self.ranges)):
            source = self.source(path)
            made = self.nodes.get(path, {})
            edits = [(a, b, t) for a, b, t in self.ranges.get(path, ())]
            for n, make in made.values():
                if not any(id(a) in made for a in n.above()):
                    edits.append(source.span(n) + (make,))
            edits.sort(key=lambda e: (e[0], e[1]))
            text, at = [], 0
            for a, b, t in edits:
                if a < at:
                    raise Overlap("%s:%d" % (path, source.text.count("\n", 0, a) + 1))
                text += [source.text[at:a], t() if callable(t) else t]
                at = b
            text = "".join(text) + source.text[at:]
            if text != source.text:
                out[path] = add_include(path, text)
        return out


def add_include(path, text):
    """Add the include of the handles behind the last <linux/...> one outside of any #if."""
    if INCLUDE in text:
        return text
    at, depth = None, 0
    limit = 1 if path.endswith(".h") else 0
    for m in re.finditer(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|endif|include)\b([^\n]*)\n", text, re.M):
        if m.group(1) == "endif":
            depth -= 1
        elif m.group(1) != "include":
            depth += 1
        elif depth <= limit and m.group(2).strip().startswith("<linux/"):
            at = m.end()
    if at is None:
        m = re.search(r"^#define \w+_H\w*[^\n]*\n", text, re.M) if path.endswith(".h") else \
            re.search(r"^#include [^\n]*\n", text, re.M)
        at = (m.end() if path.endswith(".h") else m.start()) if m else 0
    return text[:at] + INCLUDE + "\n" + text[at:]
