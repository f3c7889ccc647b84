# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Copies of an address: each becomes a move, a pointer to the original for a while, or a reason to leave it.

A mapping has one handle. `b->dma = dma` moves it from the local to the member, and later uses of the
local's name go to the member. `dma = b->dma` moves it to the local where the local certainly ends it or
the member is filled again; where the local is only read and synced it becomes a pointer. Both need proof
about the paths of the function (flow.py) and that the place that holds the handle is not freed, cleared
or renamed on the way (Life).
"""

import re

from . import rings, windows
from .facts import setter_target, squeezed, strip
from .flow import LEAVES, graph
from .rules import COHERENT, HARMLESS, PRINT, READS, SITES, UNMAPS, VANISH

# References that need a live handle.
USES = {"site", "offset_site", "error", "truth", "compare"}
STORES = {"assign", "set", "init", "field", "put"}
# Places that outlive a function.
KEPT = {"member", "ring"}
UNLOCK = re.compile(r"unlock")
CLEARS = {"memset", "memzero_explicit", "memcpy", "memmove", "kfree_sensitive"}
QUIET = HARMLESS | READS | {
    "dma_unmap_addr", "dma_unmap_addr_set", "dma_unmap_len", "dma_unmap_len_set", "prefetch", "prefetchw",
    "sizeof", "wmb", "rmb", "mb", "dma_wmb", "dma_rmb", "smp_wmb", "smp_rmb", "smp_mb", "readl", "writel",
    "writeq", "iowrite32", "udelay", "page_address", "virt_to_page", "WARN", "BUG", "barrier", "ARRAY_SIZE",
    "container_of", "cpu_relax", "READ_ONCE", "WRITE_ONCE", "netdev_priv", "skb_headlen", "skb_frag_size"}


def mentions(n, names):
    return any(x.kind == "id" and x.value in names for x in n.walk())


def ids(n):
    return {x.value for x in n.walk() if x.kind == "id"}


def end_of(r):
    """The last token of the store or use at a reference."""
    n = r.node.parent if r.how == "assign" else r.node
    return n.last


def place(r):
    """When a reference happens: a store at its end, a use at its beginning."""
    g = graph(r.function)
    return g.place(r.node, end_of(r) if r.how in STORES else r.node.first)


def takes(analysis, r):
    """Returns true if a reference gives its slot to a function whose parameter is a slot, too."""
    return r.how == "arg" and param_of(analysis, r) is not None


def param_of(analysis, r):
    """The parameter slot that an argument goes to, or None."""
    g = analysis.find_function(analysis.file(r.source.path), r.extra[0])
    key = ("param", g.source.path, g.name, r.extra[1]) if g is not None else None
    return analysis.slots.get(key)


class Life:
    """Finds all that may end or rename the place that a node names, in one function.

    strict: a call that gets the place's base is an end, too, unless it is known to be harmless.
    """

    def __init__(self, analysis, f, path, slot, base):
        self.analysis = analysis
        self.f = f
        self.facts = analysis.file(path)
        self.slot = slot
        self.names = {x.value for x in base.walk() if x.kind == "id"} if base is not None else set()
        self.fields = {x.value[1] for x in base.walk() if x.kind == "member" and x is not base} \
            if base is not None else set()
        self.labels = {(c.path, c.label()) for c in slot.containers} if slot is not None else set()
        self.filled = writers(analysis, slot) if slot is not None else set()

    def ends(self, strict):
        """The places of all ends."""
        g, out = graph(self.f), []
        if self.slot is not None:
            out += [place(r) for r in self.slot.refs if r.function is self.f and (
                r.how in ("assign", "set", "put", "update") or (r.how == "address" and not re.search(
                    PRINT, r.extra[0] or "")))]
        for n in self.f.body().walk():
            if n.kind in ("assign", "postfix") or (n.kind == "unary" and n.value in ("++", "--")):
                if self.renames(strip(n.kids[0])):
                    out.append(g.place(n, n.last))
            elif n.kind == "call" and self.call(n, strict):
                out.append(g.place(n, n.last))
        return out

    def renames(self, target):
        if target.kind == "id" and target.value in self.names:
            return True
        if target.kind == "member" and target.value[1] in self.fields:
            return True
        if target.kind in ("unary", "member", "index", "id"):
            s = self.struct(target, 0)
            return s is not None and (s.path, s.label()) in self.labels
        return False

    def struct(self, n, stars):
        """The structure of an expression's type below so many pointers, else None."""
        y = self.facts.typer(self.f)
        t = y.resolved(y.type(n))
        if t is None or t.base is None or t.base[0] != "body" or len(t.derived) != stars:
            return None
        return t.base[1]

    def holds(self, n):
        """Returns true if an argument may be the memory that the place is in: by its type, or unknown."""
        n = strip(n)
        if n.kind in ("num", "str", "sizeof", "type"):
            return False
        if n.kind == "unary" and n.value == "&":
            s = self.struct(strip(n.kids[0]), 0)
        else:
            s = self.struct(n, 1)
        if s is not None:
            return (s.path, s.label()) in self.labels
        t = self.facts.typer(self.f).type(n)
        if t is None:
            return True
        if t.name() and t.name() != "void" and len(t.derived) <= 1:
            return False
        return bool(t.derived) and t.base is not None and t.base[0] == "name"

    def call(self, n, strict):
        c = n.callee()
        if c is None:
            return strict and mentions(n, self.names)
        if c in SITES or c in QUIET or re.search(PRINT, c):
            return False
        if UNLOCK.search(c):
            return self.slot is not None and self.slot.key[0] in KEPT
        if c in self.filled and c != self.f.name:
            return True
        if c in CLEARS:
            return bool(n.args()) and (mentions(n.args()[0], self.names) or self.holds(n.args()[0]))
        if VANISH.search(c):
            return any(self.holds(a) for a in n.args())
        g = self.analysis.find_function(self.facts, c)
        if g is not None and g.opening:
            return ends_struct(self.analysis, g, frozenset(self.labels), 3)
        return strict and mentions(n, self.names)


def ends_struct(analysis, f, labels, depth):
    """Returns true if a function frees or clears memory of one of the structures."""
    memo = analysis.endings
    k = (f.source.path, f.name, labels)
    if k in memo:
        return memo[k]
    memo[k] = False
    facts = analysis.file(f.source.path)
    life = Life(analysis, f, f.source.path, None, None)
    life.labels = labels
    for n in f.body().walk():
        c = n.callee() if n.kind == "call" else None
        if n.kind == "assign" and life.struct(strip(n.kids[0]), 0) is not None and life.renames(strip(n.kids[0])):
            memo[k] = True
        elif c is None:
            continue
        elif (c in CLEARS or VANISH.search(c)) and n.args():
            memo[k] = any(typed(life, a) for a in n.args())
        elif depth and c != f.name:
            g = analysis.find_function(facts, c)
            memo[k] = g is not None and bool(g.opening) and ends_struct(analysis, g, labels, depth - 1)
        if memo[k]:
            return True
    return False


def typed(life, a):
    """Returns true if an argument is certainly a pointer to one of the structures."""
    a = strip(a)
    s = life.struct(strip(a.kids[0]), 0) if a.kind == "unary" and a.value == "&" else life.struct(a, 1)
    return s is not None and (s.path, s.label()) in life.labels


def writers(analysis, s):
    """The names of the functions that store into a slot, and of those that call them."""
    known = getattr(s, "writers", None)
    if known is not None:
        return known
    names = {r.function.name for r in s.refs
             if (r.how in ("assign", "set", "put", "update", "whole_assign") or r.how == "address")}
    files = {r.source.path for r in s.refs}
    grew = True
    while grew and len(names) < 300:
        grew = False
        for p in files:
            for name in list(names):
                for f, _ in analysis.file(p).calls.get(name, ()):
                    if f.name not in names:
                        names.add(f.name)
                        grew = True
    s.writers = names
    return names


def target_of(r):
    """The node that names the place that a reference stores into; None for a declaration."""
    return {"assign": lambda: r.node, "put": lambda: r.node, "set": lambda: setter_target(r.node)}.get(
        r.how, lambda: None)()


def value_of(r):
    """The node of the value that a reference stores."""
    if r.value is not None:
        return rings.unordered(r.value)
    return strip({"assign": lambda: r.node.parent.kids[1], "set": lambda: r.node.kids[3],
                  "init": lambda: r.node.kids[0], "field": lambda: r.node.kids[0]}[r.how]())


def own(s, f):
    return [r for r in s.refs if r.function is f]


# ---- dma = b->dma

def from_member(analysis, s):
    """A local that takes a member's address: a pointer to the member's handle, or a move."""
    copies = [r for r in s.refs if r.what == "copy" and r.how in STORES]
    if not copies:
        return
    values = [r for r in s.refs if r.how in STORES and r.what != "zero"]
    one = len(values) == 1 and not any(r.how in ("update", "address") for r in s.refs)
    for r in copies:
        src = analysis.slots[r.extra]
        if src.key[0] not in KEPT or windows.is_number(src):
            continue        # checked as a store
        if one and not s.copied and plain(analysis, s, r, src, True):
            s.form, s.alias_of = "alias", value_of(r)
            return
        if moves(analysis, s, r, src):
            src.leaves.append(r)
            continue
        if one and not s.copied and not s.unmaps and plain(analysis, s, r, src, False):
            s.form, s.alias_of = "alias", value_of(r)
            return
        s.block("two_owners" if s.copied and one else "copy_outlives", r.where())
        return


def plain(analysis, s, r, src, strict, base=None):
    """Returns true if nothing ends or renames the original between a copy and the uses of the copy."""
    g = graph(r.function)
    again = [place(r)]
    behind = g.reach(place(r), again)
    life = Life(analysis, r.function, r.source.path, src, base or value_of(r))
    uses = [o for o in own(s, r.function) if o is not r and o.how not in ("declared", "sizeof", "init")
            and o.how not in STORES]
    for e in life.ends(strict):
        if not behind(e):
            continue
        later = g.reach(e, again)
        if any(later(place(o)) for o in uses):
            return False
    return True


def moves(analysis, s, r, src):
    """Returns true if the mapping may leave the original at a copy: the copy ends it, or it is filled again."""
    if r.how == "init" and not (analysis.last_declaration(r) and quiet_rest(r)):
        return False
    g = graph(r.function)
    mine = own(s, r.function)
    ended = [o for o in mine if (o.how == "site" and o.extra in UNMAPS) or takes(analysis, o)
             or (o.how in ("truth", "compare") and ends_in_branch(o, mine))]
    ended += [o for t in analysis.slots.values() if s.key in t.sources for o in own(t, r.function)
              if o.what == "copy" and o.extra == s.key]
    if not any(o.how != "truth" for o in ended):
        return False
    refilled = [o for o in own(src, r.function) if o.how in ("assign", "set", "put")
                and (o.what in ("map", "copy") or (o.what == "zero" and src.form != "ring"))]
    kills = [place(o) for o in ended + refilled]
    behind = g.reach(place(r), kills)
    if behind(LEAVES) or (src.key[0] == "member" and used_by(analysis, src, r.function, behind, ids(value_of(r)))):
        return False
    text = r.source.of(value_of(r))
    for o in own(src, r.function):
        if o in refilled or o.how in ("declared", "sizeof") or o.node is value_of(r) \
                or (o.how not in USES and not takes(analysis, o)):
            continue
        if behind(place(o)) and (r.source.of(o.node) == text or o.how == "site"):
            return False
    return True


def quiet_rest(r):
    """Returns true if no declaration behind one calls anything: the copy is written behind them all."""
    kids = r.node.parent.parent.kids
    i = next((j for j, k in enumerate(kids) if k is r.node.parent), None)
    if i is None:
        return False
    for kid in kids[i:]:
        if kid.kind != "decl":
            break
        for n in kid.walk():
            if n.first > r.node.first and n.kind in ("call", "assign", "postfix", "stmtexpr") \
                    and n.callee() not in QUIET and n.callee() not in ("to_pci_dev", "dev_get_drvdata"):
                return False
    return True


def ends_in_branch(o, mine):
    """Returns true if a test guards an unmap: on its other side nothing is mapped."""
    for a in o.node.above():
        if a.kind == "if":
            return any(m.how == "site" and m.extra in UNMAPS and a.first <= m.node.first < a.last for m in mine)
        if a.kind not in ("paren", "unary", "binary", "call"):
            return False
    return False


# ---- b->dma = dma

def stores(analysis, s):
    """Check each copy into a slot: its source is idle afterwards, so later uses of the source go to the slot."""
    if s.form == "alias" or s.view is not None:
        return
    for r in s.refs:
        if r.what != "copy" or r.how not in ("assign", "init", "set", "put"):
            continue
        src = analysis.slots[r.extra]
        if windows.is_number(src):
            continue        # a number: its own rule is in windows.py
        moved(analysis, s, src, r)
        to = target_of(r)
        if s.key[0] == "member" and to is not None and r.how in ("assign", "set") and in_local(analysis, r, to) \
                and graph(r.function).reach(place(r), ends_of(analysis, s, r.function, squeezed(r.source.of(to))))(LEAVES):
            s.block("copy_outlives", r.where())
        if src.key[0] == "param":
            for key in src.sources:
                for o in analysis.slots[key].refs:
                    if o.how == "arg" and o.extra == (src.key[2], src.key[3]):
                        moved(analysis, s, analysis.slots[key], o)


def at_start(src, r):
    """Returns true if a number beside a handle is the mapping's first byte where it is stored."""
    g = graph(r.function)
    mine = own(src, r.function)
    maps = [place(o) for o in mine if o.what == "map"]
    here = place(r)
    return not any(g.reach(place(u), maps)(here) for u in mine if u.how == "update" or u.what in ("arithmetic", "number"))


def coherent_at(src, r):
    """Returns true if a number beside a handle may be the address of coherent memory where it is stored: its handle is idle there."""
    g = graph(r.function)
    mine = own(src, r.function)
    maps = [place(o) for o in mine if o.what == "map"]
    here = place(r)
    return any(g.reach(place(u), maps)(here) for u in mine
               if u.what == "coherent" or (u.how == "address" and u.extra and u.extra[0] in COHERENT))


def names_mapping(analysis, s, seen=()):
    """Returns true if a slot is unmapped or synced, by itself or by a local or parameter that takes its value."""
    if s.unmaps or s.syncs:
        return True
    return any(s.key in t.sources and t.key[0] in ("local", "param") and t.key not in seen
               and names_mapping(analysis, t, seen + (s.key,)) for t in analysis.slots.values())


def moved(analysis, s, src, r):
    """The mapping of src moves to s at r: send src's later uses to s, or block both."""
    if src.form == "beside" and not at_start(src, r):
        src.block("arithmetic", r.where())
        s.block("from_expression", r.where())
        return
    if src.form == "beside" and coherent_at(src, r):
        src.block("coherent", r.where())
        s.block("coherent", r.where())
        return
    if src.key[0] in KEPT and s.key[0] in KEPT and s.key != src.key \
            and names_mapping(analysis, src) and names_mapping(analysis, s):
        s.block("two_owners", r.where())
        return
    if src.key[0] in KEPT and s.key[0] not in KEPT:
        if r not in src.leaves and not (s.form == "alias"):
            s.block("copy_outlives", r.where())
        return
    g = graph(r.function)
    mine = own(src, r.function)
    same = s.key == src.key
    text = r.source.of(value_of(r)) if r.how in STORES else r.source.of(r.node)
    fresh = [place(o) for o in mine if o.how in STORES and not (same and o is r)]
    behind = g.reach(place(r), fresh)
    bad = [o for o in mine if (o.how in USES or takes(analysis, o)) and behind(place(o)) and o.node is not r.node
           and (not same or o.source.of(o.node) == text)]
    again = [x for o in analysis.slots.values() for x in own(o, r.function) if x is not r and x.what == "copy"
             and x.extra == src.key and x.how in STORES and behind(place(x))]
    if r.how not in STORES:
        again = []
    if r.how in STORES and src.key[0] == "member" and used_by(analysis, src, r.function, behind, ids(value_of(r))):
        again = again + [r]
    if again or (bad and not follow(analysis, s, src, r, bad, fresh)):
        src.block("used_after_store", r.where())
        s.block("used_after_store", r.where())


def follow(analysis, s, src, r, uses, fresh):
    """Send uses of src behind a store to the place stored into. Returns false if that place may have changed."""
    if r.how not in ("assign", "set", "init", "put") or s.key == src.key or src.key[0] in KEPT or src.form == "beside":
        return False
    g = graph(r.function)
    target = target_of(r)
    base = target if target is not None else value_of(r)
    if r.how == "set":
        base = r.node.kids[1]
    again = fresh + [place(r)]
    behind = g.reach(place(r), again)
    life = Life(analysis, r.function, r.source.path, s, base)
    ends = [e for e in life.ends(False) if e != place(r) and behind(e)]
    for o in uses:
        if o.instead is not None:
            return False
        if any(g.reach(e, again)(place(o)) for e in ends):
            return False
    origins = [place(o) for o in own(src, r.function) if o.how in STORES and o.what != "zero"]
    if src.key[0] == "param":
        origins.append(g.start())
    for o in uses:
        o.instead = r
        o.sure = not any(g.reach(p, [place(r)])(place(o)) for p in origins)
    return True


# ---- *b = *a

def struct_part(r_source, x, field):
    """The text of a member of a structure that an expression names."""
    x = strip(x)
    text = " ".join(r_source.of(strip(x.kids[0]) if x.kind == "unary" and x.value == "*" else x).split())
    if x.kind == "unary" and x.value == "*":
        inner = strip(x.kids[0])
        return "%s->%s" % (text if inner.kind in ("id", "member", "index") else "(%s)" % text, field)
    return "%s.%s" % (text, field)


def uses_first(analysis, s, f, depth=3):
    """Returns true if a function may use a slot's handle before it stores into it."""
    memo = analysis.endings
    k = (s.key, f.source.path, f.name, depth)
    if k not in memo:
        memo[k] = False
        g, mine = graph(f), own(s, f)
        early = g.reach(g.start(), [place(o) for o in mine if o.how in STORES])
        memo[k] = any((o.how in USES or takes(analysis, o)) and early(place(o)) for o in mine) or bool(
            depth and used_by(analysis, s, f, early, None, depth - 1))
    return memo[k]


def used_by(analysis, s, f, behind, names, depth=3):
    """A call behind a copy, with one of the names of the original, of a function that uses its handle; or None."""
    g, facts = graph(f), analysis.file(f.source.path)
    for n in f.body().walk():
        if n.kind != "call" or not behind(g.place(n, n.last)) or not (
                names is None or any(mentions(a, names) for a in n.args())):
            continue
        called = analysis.find_function(facts, n.callee())
        if called is not None and called.opening and called is not f and uses_first(analysis, s, called, depth):
            return n
    return None


def struct_moves(analysis, s):
    """Behind *b = *a the handle is b's: send later uses of a's to b's, or block."""
    for path, f, statement in s.moves:
        source, g = analysis.file(path).source, graph(f)
        to, old = statement.kids
        here = g.place(statement, statement.last)
        mine = own(s, f)
        behind = g.reach(here, [place(o) for o in mine if o.how in STORES] + [here])
        gone = squeezed(struct_part(source, old, s.key[3]))
        late = [o for o in mine if (o.how in USES or takes(analysis, o) or o.what == "copy" or o.how == "address")
                and behind(place(o)) and squeezed(source.of(o.node)) == gone]
        ends = [e for e in Life(analysis, f, path, s, to).ends(False) if e != here and behind(e)]
        if is_local(analysis, path, f, to):
            done = ends_of(analysis, s, f, squeezed(struct_part(source, to, s.key[3])))
            if g.reach(here, done)(LEAVES):
                s.block("struct_copied", "%s:%d" % (path, source.line(statement.first)))
                continue
        names = ids(old)
        # Behind these the name of the original is another place.
        ends += [e for name in names for e in (g.place(x, x.last) for _, x in rings.stores(analysis.file(path), f, name))
                 if behind(e)]
        call = used_by(analysis, s, f, behind, names)
        if call is not None:
            s.block("struct_copied", "%s:%d" % (path, source.line(call.first)))
        for o in late:
            if o.what == "copy" or o.how == "address" or o.instead is not None or o.node.kind != "member" \
                    or any(g.reach(e, [here])(place(o)) for e in ends):
                s.block("struct_copied", o.where())
                break
            o.text = "&" + struct_part(source, to, s.key[3])


def is_local(analysis, path, f, n):
    """Returns true if an expression names a structure, or a part of one, that is a local variable of a function."""
    n = strip(n)
    while n.kind in ("member", "index"):
        if n.kind == "member" and n.value[0] == "->":
            return False
        n = strip(n.kids[0])
    if n.kind != "id":
        return False
    key, t = analysis.file(path).typer(f).variable(n, n.value)
    return key is not None and key[0] == "local" and "p" not in t.derived


def in_local(analysis, r, to):
    """Returns true if a store goes to a structure that is a local variable."""
    if to.kind == "call":
        base = strip(to.kids[1])
        return base.kind == "unary" and base.value == "&" and is_local(analysis, r.source.path, r.function, base.kids[0])
    return to.kind == "member" and is_local(analysis, r.source.path, r.function, to)


def ends_of(analysis, s, f, text):
    """The places where a function unmaps the mapping that a text names, gives it away, or moves it elsewhere."""
    mine = [o for o in own(s, f) if squeezed(o.source.of(o.node)) == text]
    moved_on = [x for t in analysis.slots.values() if s.key in t.sources for x in own(t, f)
                if x.what == "copy" and x.extra == s.key and x.how in STORES and squeezed(x.source.of(value_of(x))) == text]
    return [place(o) for o in mine if (o.how == "site" and o.extra in UNMAPS) or takes(analysis, o)] + [place(x) for x in moved_on]


# ---- a local whose mapping goes on without it

def lost(analysis, s):
    """Block a local whose mapping neither ends nor moves on a path to the function's end."""
    if s.key[0] != "local" or s.type is None or s.type.derived or s.view is not None or s.form == "alias":
        return
    mine = s.refs
    ended = [o for o in mine if (o.how in ("site", "offset_site") and o.extra in UNMAPS) or takes(analysis, o)]
    ended += [x for o in analysis.slots.values() if s.key in o.sources for x in o.refs
              if x.what == "copy" and x.extra == s.key]
    given = [o.window for o in analysis.slots.values() if o.form == "window" and o.window.key == s.key]
    for r in mine:
        if r.what != "map" or r.how not in STORES:
            continue
        g = graph(r.function)
        kills = [place(o) for o in ended if o.function is r.function]
        # A condition that guards such an end is taken to be that of the map.
        for o in ended:
            kills += [g.place(a.kids[0]) for a in o.node.above() if a.kind in ("if", "switch", "while", "for", "iter")
                      and not a.first <= r.node.first < a.last and a.kids]
        kills += [g.place(w.statement.kids[0]) for w in given]
        kills += [g.place(n) for o in mine if o.how in ("error", "truth", "compare") for n in failed(o)]
        behind = g.reach(place(r), kills)
        if behind(LEAVES):
            # The address lives on where something takes it; where nothing does, the driver loses its mapping itself.
            if any(o.function is r.function and o.how in ("read", "arg", "returned", "address") and not only_tested(o)
                   and behind(place(o)) and g.reach(place(o), kills)(LEAVES) for o in mine):
                s.block("handle_lost", r.where())
                return
            s.leaks.append(r.where())


def only_tested(o):
    """Returns true if nothing but a condition gets the value of a read."""
    n = o.node
    for a in o.node.above():
        if a.kind in ("if", "while") or (a.kind == "cond" and a.kids[0] is n):
            return a.kids[0] is n
        if not (a.kind in ("paren", "cast", "binary", "unary") or (a.kind == "call" and a.kids[0] is not n and (
                a.callee() in HARMLESS or re.search(PRINT, a.callee() or "")))):
            return False
        n = a
    return False


def leaks(analysis):
    """Notes about the mappings that the driver itself loses on a path to a function's end."""
    return ["%s: a path from this map to the function's end neither unmaps nor keeps it" % place
            for s in analysis.slots.values() if not s.blocked() for place in s.leaks]


def failed(o):
    """The first statements of the branches for a failed map, behind a test of a local."""
    n = o.node
    for a in o.node.above():
        if a.kind == "if":
            return [first(k) for k in a.kids[1:]]
        if a.kind in ("assign", "var"):
            name = strip(a.kids[0]).value if a.kind == "assign" else a.value[0]
            statement = a.parent
            block = statement.parent if statement is not None else None
            if block is None or block.kind != "block":
                return []
            i = next(j for j, k in enumerate(block.kids) if k is statement)
            for k in block.kids[i + 1:i + 3]:
                if k.kind == "if" and mentions(k.kids[0], {name}):
                    return [first(k.kids[1])]
            return []
        if a.kind in ("block", "return"):
            return [a] if a.kind == "return" else []
        n = a
    return [n]


def first(n):
    while n.kind == "block" and n.kids:
        n = n.kids[0]
    return n.kids[0] if n.kind in ("if", "while", "switch") else n


# ---- a value that says more than "mapped"

def tests(analysis, s):
    """Find a test of a value that says more than "mapped": an unmap makes a handle idle, an address stays.

    A test is safe where all that it may guard is a map, unmap or sync of the slot: a driver that reached
    such a test with an address that was unmapped would unmap it twice. A comparison with another address
    is a test, too.
    """
    if s.form != "handle" or s.type is None or s.view is not None:
        return None
    flags = [r for r in s.refs if (r.how in ("truth", "compare") or compared(r)) and not any(
        o.function is r.function and o.node.first > r.node.first and (
            o.how in ("site", "offset_site") or o.what == "map" or (
                o.how == "arg" and r.how != "read" and takes(analysis, o))) for o in s.refs)]
    if not flags:
        return None
    for r in [r for r in s.refs if r.how == "site" and r.extra in UNMAPS] + list(s.leaves):
        behind = graph(r.function).reach(place(r), [place(o) for o in own(s, r.function) if o.how in ("assign", "set")])
        if s.key[0] == "local":
            if any(o.function is r.function and behind(place(o)) for o in flags):
                return flags[0]
        elif behind(LEAVES):
            return flags[0]
    return None


def unchecked(analysis, s):
    """A copy into a number beside a handle that may be of a failed map: it is 0, and the number is compared."""
    if s.form != "beside" or s.blocked() or not any(r.how == "compare" or compared(r) for r in s.refs):
        return None
    for r in s.refs:
        src = analysis.slots.get(r.extra) if r.what == "copy" and r.how in STORES else None
        if src is None or src.key[0] != "local" or src.form != "handle":
            continue
        g, mine = graph(r.function), own(src, r.function)
        tested = [place(o) for o in mine if o.how in ("error", "truth", "compare")]
        if any(g.reach(place(o), tested)(place(r)) for o in mine if o.what == "map"):
            return r
    return None


def compared(r):
    """Returns true if an address is compared with another value."""
    if r.how != "read":
        return False
    p = r.node.parent
    while p is not None and p.kind in ("paren", "cast"):
        p = p.parent
    return p is not None and p.kind == "binary" and p.value in ("==", "!=", "<", ">", "<=", ">=")


# ---- parameters

def parameters(analysis, s):
    """Block a parameter that becomes a pointer, if the function ends the handle's memory before it is used."""
    if s.key[0] != "param" or s.type is None or s.blocked():
        return
    f = analysis.file(s.key[1]).source.functions[s.key[2]]
    g = graph(f)
    uses = [o for o in own(s, f) if o.how in USES or takes(analysis, o) or o.what == "copy" or o.how == "arg"
            or o.how == "read"]
    for key in s.sources:
        src = analysis.slots[key]
        if src.key[0] not in KEPT:
            continue
        life = Life(analysis, f, s.key[1], src, None)
        for e in life.ends(False):
            behind = g.reach(e)
            if any(behind(place(o)) for o in uses):
                s.block("copy_outlives", "%s: %s()" % (s.key[1], f.name))
                return


# ---- for the report

def read_after_unmap(analysis):
    """Notes on addresses that the driver still reads behind their unmap: a handle says 0 there."""
    out = []
    for s in analysis.slots.values():
        if s.blocked() or s.form != "handle":
            continue
        for r in s.refs:
            if r.how != "site" or r.extra not in UNMAPS:
                continue
            g, mine = graph(r.function), own(s, r.function)
            behind = g.reach(place(r), [place(o) for o in mine if o.how in STORES])
            text = r.source.of(r.node)
            for o in mine:
                if o.how in ("read", "returned", "arg") and r.node.last < o.node.first and behind(place(o)) \
                        and not takes(analysis, o) and o.source.of(o.node) == text:
                    out.append("%s: the address of %s is read after its unmap" % (o.where(), " ".join(text.split())))
    return out
