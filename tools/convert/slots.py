# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Which variables and members become handles.

From the address of each unmap and sync the analysis goes to the slot that holds it, to every reference
of that slot in every file that can see it, and on to the slots that it is copied from: until nothing
is new. A reference that cannot be written with a handle blocks its slot, with a rule of rules.py. At
the end blocks spread along the copies: all uses of a slot are converted, or none.
"""

import os
import re

from . import proof, rings, windows
from .ctype import INTEGERS
from .facts import Facts, squeezed, strip
from .index import has_word
from .ringstudy import MAX_USERS, RingStudy
from .rules import ASSERTS, COHERENT, MAPS, PRINT, SITES, UNMAPS

ATOMIC = {"READ_ONCE", "WRITE_ONCE", "xchg", "cmpxchg", "swap", "smp_load_acquire", "smp_store_release"}
FREES = {"kfree", "kvfree", "vfree", "devm_kfree", "kfree_sensitive", "kvfree_sensitive"}


class Slot:
    def __init__(self, key):
        self.key = key
        self.refs = []
        self.blocks = []        # (rule, place)
        self.sources = set()    # slots whose value is copied into this one
        self.copied = False     # another slot takes its value
        self.maps = 0
        self.unmaps = 0
        self.syncs = 0
        self.type = None
        self.struct = None
        self.form = "handle"    # or alias, beside
        self.alias_of = None    # the node whose slot an alias points to
        self.leaves = []        # copies at which the mapping moves out of this slot
        self.leaks = []         # maps that are neither ended nor kept on a path to the function's end
        self.containers = []    # structures that hold a member, the member's own first
        self.moves = []         # (path, function, assignment) of structures that hold the slot
        self.view_field = None  # the field beside a member that its address is computed from
        self.view = None        # the node of the slot that a computed address lies in
        self.window = None      # of an array: the Window of one mapping that its addresses are in
        self.outside = None     # of a member in a union: (structure that gets the handle, its name, the union)
        self.home = None        # of a ring: where its handles lie
        self.reset = False      # a map must be preceded by a reset: the memory is not known to be zeroed

    def blocked(self):
        return bool(self.blocks)

    def block(self, rule, place=""):
        self.blocks.append((rule, str(place)))


class Site:
    """One unmap or sync call."""

    def __init__(self, path, line, name, function, node, address):
        self.path = path
        self.line = line
        self.name = name
        self.function = function
        self.node = node
        self.address = address
        self.slot = None
        self.rule = None        # reason to leave it; None: converted
        self.place = ""
        self.proven = True      # length and direction agree with the map's by text


def through_const(r):
    """Returns true if the name that a reference begins with is declared as const: its handle could not be changed."""
    n = r.node.kids[1] if r.node.kind == "call" and len(r.node.kids) > 1 else r.node
    n = strip(n)
    while n.kids and n.kind in ("member", "index", "unary", "paren"):
        n = strip(n.kids[0])
    if n.kind != "id":
        return False
    source = r.source
    for p in r.function.params:
        if p.name == n.value:
            return any(source.at(i) == "const" for i in range(p.first, p.last))
    for d in r.function.body().walk():
        if d.kind == "decl" and any(v.value[0] == n.value for v in d.kids):
            return any(source.at(i) == "const" for i in range(d.first, d.kids[0].first))
    return False


class Analysis(RingStudy):
    def __init__(self, tree):
        self.tree = tree
        self.facts = {}
        self.slots = {}
        self.work = []
        self.sites = []
        self.functions = {}
        self.word_users = {}
        self.endings = {}       # see moves.ends_struct()

    def file(self, path):
        f = self.facts.get(path)
        if f is None:
            f = self.facts[path] = Facts(self.tree, path, self)
        return f

    # ---- discovery

    def seed(self, path):
        facts = self.file(path)
        for name in SITES:
            for f, n in facts.calls.get(name, ()):
                if len(n.kids) < 5:
                    continue
                site = Site(path, facts.source.line(n.first), name, f, n, facts.source.of(n.kids[2]))
                self.sites.append(site)
                a = strip(n.kids[2])
                if a.kind == "binary" and a.value in ("+", "-"):
                    a = strip(a.kids[0])
                site.slot = facts.value_slot(f, a)
                if site.slot is None:
                    back = rings.read(self, facts, f, a)
                    site.slot = back[0] if back else None
                if site.slot:
                    self.need(site.slot)
                else:
                    site.rule = {"call": "address_call", "id": "unresolved", "member": "unresolved",
                                 "index": "unresolved"}.get(a.kind, "address_expression")
        self.sites.sort(key=lambda s: (s.path, s.line))

    def need(self, key):
        s = self.slots.get(key)
        if s is None:
            s = self.slots[key] = Slot(key)
            self.work.append(s)
        return s

    def run(self):
        """Study slots until none is new, and read every other file with sites that they led to."""
        seeded = {s.path for s in self.sites}
        while True:
            while self.work:
                self.study(self.work.pop())
            more = [p for p, f in self.facts.items()
                    if p not in seeded and any(n in f.calls for n in SITES)]
            if not more:
                break
            for p in more:
                seeded.add(p)
                self.seed(p)
        proof.agreement(self)
        self.decide()

    def users(self, path, word):
        """The files that see a declaration in a file and mention a word."""
        k = (path, word)
        u = self.word_users.get(k)
        if u is None:
            files = self.tree.users(path) if path.endswith(".h") else {path}
            u = self.word_users[k] = [path] if len(files) > 3000 else [
                p for p in sorted(files | self.without_include(files)) if has_word(self.tree.text(p), word)]
        return u

    def without_include(self, files):
        """Headers beside some files that those include: one may use a declaration that it does not include."""
        folders = {os.path.dirname(p) for p in files} if len(files) < 400 else ()
        return {h for p in files if p.endswith(".c") for h in self.tree.closure(p)
                if h.endswith(".h") and h not in files and os.path.dirname(h) in folders}

    def function_users(self, f):
        """The files that may call a function."""
        path = f.source.path
        if f.static() and path.endswith(".c"):
            return [path]
        if path.endswith(".h"):
            return self.users(path, f.name)
        files = {path}
        for h in self.headers_with(f):
            files.update(self.users(h, f.name))
        return sorted(files)

    def headers_with(self, f):
        """The headers that declare a function."""
        return [h for h in self.tree.closure(f.source.path)
                if h.endswith(".h") and f.name in self.tree.words(h) and f.name in self.tree.source(h).prototypes]

    def find_function(self, facts, name):
        """The function with a body that a call in a file names, or None."""
        if name is None:
            return None
        k = (facts.source.path, name)
        if k not in self.functions:
            self.functions[k] = self.search_function(facts, name)
        return self.functions[k]

    def search_function(self, facts, name):
        f = facts.source.functions.get(name)
        if f:
            return f
        for h in self.tree.closure(facts.source.path):
            if not h.endswith(".h") or name not in self.tree.words(h):
                continue
            s = self.tree.source(h)
            if name in s.functions:
                return s.functions[name]
            if name in s.prototypes:
                define = re.compile(r"^(?:[A-Za-z_][\w \t*]*[ \t*])?%s[ \t]*\(" % re.escape(name), re.M)
                for p in self.users(h, name):
                    if p.endswith(".c") and define.search(self.tree.text(p)):
                        f = self.file(p).source.functions.get(name)
                        if f:
                            return f
        return None

    # ---- one slot

    def study(self, s):
        kind = s.key[0]
        if kind == "global":
            s.block("global", s.key[2])
            return
        if kind == "ring":
            self.study_ring(s)
            return
        if kind == "member":
            if not self.study_member(s):
                return
        else:
            self.study_variable(s)
        if s.type is None:
            s.block("type_unknown")
            return
        name = s.type.name()
        if name not in INTEGERS:
            s.block("descriptor" if re.match(r"_*[lb]e\d", name) else "type_unknown", name)
        for r in s.refs:
            self.study_ref(s, r)
            if s.key[0] == "member" and r.how in ("site", "offset_site") and through_const(r):
                s.block("const_pointer", r.where())

    def study_member(self, s):
        _, path, label, field = s.key
        if path.startswith("include/") and len(self.tree.users(path)) > 400:
            s.block("shared_struct", path)
            return False
        users = self.users(path, field)
        if len(users) > MAX_USERS:
            s.block("many_users", len(users))
            return False
        s.struct = next((b for b in self.tree.source(path).bodies if b.label() == label), None)
        if s.struct is None:
            s.block("struct_unknown")
            return False
        s.type = s.struct.members[field].type
        source, token = self.tree.source(path), s.struct.members[field].token
        if token is not None and source.at(token + 1) == ":":
            s.block("not_an_address_type", "a bit-field")
        in_macro = re.compile(r"(->|\.)\s*%s\b" % re.escape(field))
        for p in users:
            facts = self.file(p)
            for r in facts.member_refs(field):
                if r.slot == s.key:
                    s.refs.append(r)
                elif r.slot == "?" and p == path:
                    s.block("untyped_use", r.where())
            for name, (_, text) in facts.source.macros.items():
                if any(self.may_be_in(facts, s.struct, text[:m.start()]) for m in in_macro.finditer(text)):
                    s.block("macro_use", name)
            for f in facts.source.functions.values():
                if f.broken:
                    a = facts.source.tokens[f.opening].start
                    b = facts.source.tokens[f.closing].end
                    if re.search(r"\b%s\b" % re.escape(field), facts.source.text[a:b]):
                        s.block("unparsed", f.name)
            if label[0] != "@":
                self.study_layout(s, facts, label, field)
        proof.structure(self, s)
        return True

    def may_be_in(self, facts, struct, before):
        """Returns true if a macro's text may name a structure where it ends: by a member that may have that type."""
        m = re.search(r"(?:->|\.)\s*(\w+)$", before)
        if m is None:
            return True
        types = [b.members[m.group(1)].type for p in self.tree.closure(facts.source.path)
                 if m.group(1) in self.tree.words(p) for b in self.tree.source(p).bodies if m.group(1) in b.members]
        return not types or any(t.base is None or t.base[0] == "name" or t.base in (("struct", struct.tag), ("body", struct))
                                for t in types)

    def study_layout(self, s, facts, label, field):
        text = facts.source.text
        if re.search(r"struct %s\s*\*\s*\)\s*\(*&?\(*[\w>.-]+\)*(->|\.)(cb|\w*driver_data)\b"
                     % re.escape(label), text):
            s.block("skb_cb", facts.source.path)
        for m in re.finditer(r"offsetof\s*\(\s*struct %s\s*,\s*%s\b" % (re.escape(label), re.escape(field)), text):
            if not self.harmless_offset(facts.source, m.start()):
                s.block("size_asserted", facts.source.path)
        if re.search(r"(BUILD_BUG_ON|static_assert|compiletime_assert)[^;]*sizeof\s*\(\s*struct %s\b"
                     % re.escape(label), text):
            s.block("size_asserted", facts.source.path)

    @staticmethod
    def harmless_offset(source, at):
        """Returns true for an offsetof() in a function that no assertion compares with a number."""
        inside = any(source.tokens[f.opening].start < at < source.tokens[f.closing].end
                     for f in source.functions.values())
        start = max(source.text.rfind(c, 0, at) for c in ";{}")
        return inside and not any(a in source.text[start:at] for a in ASSERTS)

    def study_variable(self, s):
        facts = self.file(s.key[1])
        f = facts.source.functions[s.key[2]]
        if s.key[0] == "local":
            s.refs = facts.variable_refs(f, s.key[3], s.key)
            s.type = next((r.type for r in s.refs), None)
            for n in f.body().walk():
                if n.kind == "decl" and any(v.first == s.key[4] for v in n.kids) and "static" in n.value[1]:
                    s.block("static_local")
            return
        p = f.params[s.key[3]]
        s.refs = facts.variable_refs(f, p.name, s.key)
        s.type = p.type
        self.study_callers(s, f, s.key[3])

    def study_callers(self, s, f, i):
        calls = 0
        for path in self.function_users(f):
            facts = self.file(path)
            for g, n in facts.calls.get(f.name, ()):
                calls += 1
                self.study_call(s, facts, g, n, i)
            for _, n in facts.names.get(f.name, ()):
                if not (n.parent is not None and n.parent.kind == "call" and n.parent.kids[0] is n):
                    s.block("function_pointer", path)
            if re.search(r"[=,]\s*&?%s\s*[,;}]" % re.escape(f.name), facts.source.text):
                s.block("function_pointer", path)
        if not calls:
            s.block("no_caller", f.name)

    def study_call(self, s, facts, g, n, i):
        place = "%s:%d" % (facts.source.path, facts.source.line(n.first))
        if len(n.args()) <= i:
            s.block("caller", place)
            return
        a = strip(n.args()[i])
        if s.type.derived:
            if squeezed(facts.source.of(a)) == "NULL":
                return
            if a.kind == "unary" and a.value == "&":
                k = facts.value_slot(g, strip(a.kids[0]))
                if k:
                    self.link(s, k)
                    return
            r = facts.slot(g, a)
            if r and len(r[2].derived) - r[1] == len(s.type.derived):
                self.link(s, r[0])
                return
            s.block("caller", place)
            return
        k = facts.value_slot(g, a)
        if k and n.args()[i].kind != "cast":
            self.link(s, k)
            return
        what, _ = facts.value(g, n.args()[i])
        if what != "zero":
            s.block("descriptor" if what == "descriptor" else "caller", place)

    def link(self, s, key):
        s.sources.add(key)
        self.need(key).copied = True

    # ---- one reference

    def study_ref(self, s, r):
        if r.how in ("assign", "init", "set", "field"):
            self.study_store(s, r)
            return
        if r.how == "update":
            s.block("arithmetic", r.where())
        elif r.how == "address":
            self.study_address(s, r)
        elif r.how == "site":
            if r.extra in UNMAPS:
                s.unmaps += 1
            else:
                s.syncs += 1
        elif r.how == "offset_site":
            if r.extra in UNMAPS:
                s.block("unmap_offset", r.where())
            elif r.what == "-":
                s.block("arithmetic", r.where())
            else:
                s.syncs += 1
        elif r.how == "arg":
            self.study_arg(s, r)
        elif r.how == "whole_assign":
            self.study_whole_assign(s, r)
        elif r.how == "whole_arg":
            callee, i = r.extra
            if callee == "memset":
                self.study_memset(s, r)
            elif callee not in FREES:
                self.pass_pointer(s, r, callee, i, "array_use")
        elif r.how == "whole":
            s.block("array_use", r.where())

    def study_store(self, s, r):
        value = {"assign": lambda: r.node.parent.kids[1], "set": lambda: r.node.kids[3],
                 "init": lambda: r.node.kids[0], "field": lambda: r.node.kids[0]}[r.how]()
        statement = r.node.parent.parent if r.how == "assign" else r.node.parent
        plain = statement is not None and statement.kind == "expr"
        if value.kind == "assign":
            s.block("chained", r.where())
        if r.what == "map":
            s.maps += 1
            self.study_map(s, r, value, statement, plain)
        elif r.what == "zero":
            if r.how == "assign" and not plain:
                s.block("chained", r.where())
        elif r.what == "copy":
            if r.how in ("assign", "set") and not plain:
                s.block("chained", r.where())
            elif r.how == "field":
                s.block("in_struct_initializer", r.where())
            elif strip(value) is not value and value.kind != "paren":
                s.block("copy_cast", r.where())
            self.link(s, r.extra)
        elif r.what == "arithmetic" and self.study_view(s, r, value, plain):
            return
        else:
            rule = {"coherent": "coherent", "descriptor": "descriptor", "pool": "from_pool",
                    "scatter": "from_scatterlist", "call": "from_call"}.get(r.what, "from_expression")
            if rule == "from_call":
                f = self.find_function(self.file(r.source.path), r.extra)
                rule = "returned" if f is not None and f.type.name() in INTEGERS else rule
            s.block(rule, "%s %s" % (r.where(), r.extra if isinstance(r.extra, str) else ""))

    def study_map(self, s, r, value, statement, plain):
        if MAPS[r.extra.callee()].handle is None:
            s.block("no_handle_call", r.where())
        if r.how == "field":
            s.block("in_struct_initializer", r.where())
        elif r.how in ("assign", "set") and (not plain or strip(value) is not r.extra):
            s.block("map_in_expression", r.where())
        elif r.how == "init" and (statement.parent is None or statement.parent.kind != "block"
                                  or not self.last_declaration(r)):
            s.block("map_in_initializer", r.where())

    def last_declaration(self, r):
        """Returns true if no later declaration of the block reads a variable that a map initializes."""
        name, seen = r.node.value[0], False
        for kid in r.node.parent.parent.kids:
            if kid.kind != "decl":
                if seen:
                    break
                continue
            for v in kid.kids:
                if seen and any(x.kind == "id" and x.value == name for x in v.walk()):
                    return False
                seen = seen or v is r.node
        return True

    def study_view(self, s, r, value, plain):
        """A local that is an address within a slot's mapping: note the slot. Returns false if it is none."""
        if r.how not in ("assign", "init") or (r.how == "assign" and not plain) or s.key[0] == "param":
            return False
        facts = self.file(r.source.path)
        terms, stack = [], [value]
        while stack:
            x = strip(stack.pop())
            if x.kind == "binary" and x.value in ("+", "-"):
                stack.append(x.kids[0])
                if x.value == "+":
                    stack.append(x.kids[1])
            else:
                terms.append(x)
        if s.key[0] == "member":
            return self.study_member_view(s, r, facts, terms)
        for t in terms:
            found = facts.slot(r.function, t)
            if found and len(found[2].derived) == found[1] and found[0] != s.key and (
                    found[2].name() in ("dma_addr_t", "unmap_addr")):
                if s.view is not None and r.source.of(s.view) != r.source.of(t):
                    return False
                s.view = t
                self.link(s, found[0])
                return True
        return False

    def study_member_view(self, s, r, facts, terms):
        """A member that is an address within the mapping of a member beside it."""
        if s.type.derived:
            return windows.study(self, s, r, facts)
        if r.node.kind != "member":
            return False
        base = squeezed(r.source.of(r.node.kids[0]))

        def beside(n):
            return n.kind == "member" and squeezed(r.source.of(n.kids[0])) == base

        for t in terms:
            found = facts.slot(r.function, t)
            if not found or len(found[2].derived) != found[1] or found[2].name() not in ("dma_addr_t", "unmap_addr"):
                continue
            whole = t if beside(t) else None
            if found[0][0] in ("local", "param"):
                whole = next((n.kids[0] for f, n in facts.assigns if f is r.function and n.value == "="
                              and beside(n.kids[0]) and n.kids[0].value[1] != s.key[3]
                              and strip(n.kids[1]).kind == "id" and strip(n.kids[1]).value == t.value
                              and facts.value_slot(f, strip(n.kids[1])) == found[0]), None)
                if whole is None:
                    whole = windows.array_beside(facts, r, t, found[0], beside)
            key = facts.slot(r.function, whole)[0] if whole is not None else None
            if key is None or key[:3] != s.key[:3] or key == s.key or s.view_field not in (None, key[3]):
                continue
            s.view, s.view_field = whole, key[3]
            self.link(s, key)
            return True
        return False

    def study_address(self, s, r):
        callee, i = r.extra
        if callee in COHERENT:
            s.block("coherent", r.where())
        elif callee == "memset":
            self.study_memset(s, r)
        elif callee and re.search(PRINT, callee):
            pass
        else:
            self.pass_pointer(s, r, callee, i, "address_taken")

    @staticmethod
    def study_memset(s, r):
        """Zeroing an array of handles is a reset, if its size is not that of an array of addresses."""
        call = next(a for a in r.node.above() if a.callee() == "memset")
        if len(call.args()) != 3 or squeezed(r.source.of(call.args()[1])) not in ("0", "0x0", "0x00") \
                or "dma_addr_t" in r.source.of(call.args()[2]):
            s.block("array_use", r.where())

    def pass_pointer(self, s, r, callee, i, rule):
        """A pointer to the slot goes to a function: its parameter becomes a handle's pointer, too."""
        f = self.find_function(self.file(r.source.path), callee)
        if f is not None and f.opening and i is not None and i < len(f.params) and f.params[i].type.derived:
            key = ("param", f.source.path, f.name, i)
            s.sources.add(key)
            self.need(key)
            return
        s.block(rule, "%s %s" % (r.where(), callee or ""))

    def study_arg(self, s, r):
        callee, i = r.extra
        if callee in ATOMIC:
            s.block("address_taken", "%s %s" % (r.where(), callee))
            return
        f = self.find_function(self.file(r.source.path), callee)
        if f is not None and f.opening and i < len(f.params) and not f.params[i].type.derived \
                and self.reaches_site(f, i, set()):
            key = ("param", f.source.path, f.name, i)
            s.sources.add(key)
            self.need(key)

    def reaches_site(self, f, i, seen):
        """Returns true if a function's parameter is unmapped or synced in it or in what it calls."""
        key = ("param", f.source.path, f.name, i)
        if key in seen:
            return False
        seen.add(key)
        if key in self.slots or any(key in s.sources for s in self.slots.values()):
            return True
        facts = self.file(f.source.path)
        for r in facts.variable_refs(f, f.params[i].name, key):
            if r.how in ("site", "offset_site"):
                return True
            if r.how == "arg":
                g = self.find_function(facts, r.extra[0])
                if g is not None and g.opening and r.extra[1] < len(g.params) \
                        and not g.params[r.extra[1]].type.derived \
                        and self.reaches_site(g, r.extra[1], seen):
                    return True
        return False

    def study_whole_assign(self, s, r):
        text = squeezed(r.source.of(r.extra.kids[1]))
        if text == "NULL":
            return
        zeroed = re.search(r"\b(devm_)?k?v?[kvz]?[zc]alloc|_objs?\(\*", text)
        if zeroed and re.search(r"sizeof\(?(\*|dma_addr_t|\w+(->|\.)\w+\[)|_objs?\(\*", text):
            return
        s.block("array_use", r.where())

    # ---- decision

    def spread(self):
        """Carry blocks along the copies until nothing changes."""
        changed = True
        while changed:
            changed = False
            for s in self.slots.values():
                for key in s.sources:
                    other = self.slots[key]
                    if not s.blocked() and other.blocked():
                        s.block("depends", key)
                        changed = True
                    if s.blocked() and not other.blocked() and not windows.is_number(other) and (
                            s.unmaps or s.syncs or s.key[0] in ("param", "member", "ring")):
                        other.block("moves_to", s.key)
                        changed = True

    def decide(self):
        proof.forms(self)
        self.spread()
        for _ in range(20):
            if not windows.given_away(self) and not proof.components(self) and not proof.raw_calls(self):
                break
            self.spread()
        for s in self.slots.values():
            if not s.blocked() and (s.form == "ring" or (s.form in ("handle", "beside", "window") and s.key[0] == "member")):
                s.reset = not proof.zeroed(self, s)
        for site in self.sites:
            if site.slot is None:
                continue
            s = self.slots[site.slot]
            if s.blocked():
                site.rule, site.place = self.root(s, set())

    def root(self, s, seen):
        """The (rule, place) that first blocked a slot."""
        seen.add(s.key)
        for rule, place in s.blocks:
            if rule not in ("depends", "moves_to"):
                return rule, place
        for key in self.slots:
            if key not in seen and any(place == str(key) for _, place in s.blocks):
                return self.root(self.slots[key], seen)
        return s.blocks[0]
