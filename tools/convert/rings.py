# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Rings of descriptors: addresses that a driver writes into a descriptor and reads back from it.

The descriptor keeps its number. The handle goes to an array beside the ring, with the ring's index. A
descriptor's slot is ("ring", path, structure, ring, field): the software structure that the ring is
reached from, the path of members from it to the ring, and that from a descriptor to the address.
"""

import re

from .ctype import ADDRESS_TYPES, INTEGERS, Type
from .flow import graph
from .rules import COHERENT, HARMLESS, READS

ORDERED = re.compile(r"^_*[lb]e(16|32|64)$")
# Calls that give an integer another byte order or width.
WRITES = re.compile(r"^(__)?cpu_to_[lb]e(32|64)$|^lower_32_bits$|^cpu_to_(fec|dr)32$|^(__force_)?cpu_to_\w+32$")
BUS = Type(("name", "dma_addr_t"))
CONSTANT = re.compile(r"^[A-Z][A-Z0-9_]*$|^(0[xX][0-9a-fA-F]+|\d+)[uUlL]*$")
MAX_DEPTH = 6


class Place:
    """A descriptor as a function names it.

    key: (path, structure, ring). own: the text of what the structure is reached by, with "->" or ".".
    ring: the path of the ring. index: text. seen: [(function, own, index text, node)] of where it was taken.
    """

    __slots__ = ("key", "own", "index", "seen", "struct", "member")

    def __init__(self, key, own, index, seen, struct, member):
        self.key = key
        self.own = own
        self.index = index
        self.seen = seen
        self.struct = struct        # that the ring is reached from
        self.member = member        # (Struct, name) of the ring itself

    def text(self, array):
        return "%s%s[%s]" % (self.own, array, self.index)

    def ring(self):
        return self.own + self.key[2]


def plain(n):
    """The expression without parentheses and casts."""
    while n.kind in ("paren", "cast"):
        n = n.kids[0]
    return n


def quiet(n):
    """Returns true if an expression may be written a second time."""
    return all(x.kind in ("id", "num", "member", "index", "paren", "binary", "cast", "cond") or (
        x.kind == "unary" and x.value in ("*", "-", "~", "!")) for x in n.walk())


def words(facts, n):
    return " ".join(facts.source.of(n).split())


def names(n):
    return {x.value for x in n.walk() if x.kind == "id"}


def stores(facts, f, name):
    """[(value or None, node)] of each change of a local or parameter's name in a function."""
    k = ("stores", f.name, name)
    out = facts.cache.get(k)
    if out is None:
        out = facts.cache[k] = []
        for n in f.body().walk():
            if n.kind == "var" and n.value[0] == name and n.kids:
                out.append((n.kids[0], n))
            elif n.kind == "assign" and plain(n.kids[0]).kind == "id" and plain(n.kids[0]).value == name:
                out.append((n.kids[1] if n.value == "=" else None, n))
            elif (n.kind == "postfix" or (n.kind == "unary" and n.value in ("++", "--", "&"))) \
                    and plain(n.kids[0]).kind == "id" and plain(n.kids[0]).value == name:
                out.append((None, n))
            elif n.kind == "iter" and name in names(n.kids[0]):
                out.append((None, n))
    return out


def reaching(facts, f, n):
    """The changes of a local that its value at a node may come from."""
    g, all_ = graph(f), stores(facts, f, n.value)
    places = [(g.place(x, x.last), value, x) for value, x in all_]
    # A step to the next descriptor does not hide the assignment before it.
    kills = [at for at, value, _ in places if value is not None]
    return [(value, x) for at, value, x in places if g.reach(at, kills)(g.place(n, n.first)) and not any(
        x is a for a in n.above())] if len(places) > 1 else all_


def param_index(f, name):
    return next((i for i, p in enumerate(f.params) if p.name == name), None)


def fixed(facts, f, n):
    """Returns true if the names in an expression keep their value once they are set."""
    for name in names(n):
        changes = len(stores(facts, f, name))
        if changes > (0 if param_index(f, name) is not None else 1):
            return False
    return True


def structure(facts, f, n):
    """The structure of an expression's type, or of what it points to."""
    y = facts.typer(f)
    t = y.resolved(y.type(n))
    if t is None or t.base is None or t.base[0] != "body" or t.base[1] is None or len(t.derived) > 1:
        return None
    return t.base[1]


def software(struct, depth=0):
    """Returns true if a structure holds a pointer or an object of software."""
    from .proof import software as proven      # proof.py needs facts.py, which needs this module
    return proven(struct, False, depth)


def ring(facts, f, n, index, seen_index, depth=0):
    """The Place of element [index] of a ring that an expression names, or None."""
    at = n
    n = plain(n)
    if n.kind == "id" and depth < MAX_DEPTH:
        defs = stores(facts, f, n.value)
        if len(defs) == 1 and defs[0][0] is not None and param_index(f, n.value) is None \
                and plain(defs[0][0]).kind == "member" and fixed(facts, f, defs[0][0]):
            return ring(facts, f, defs[0][0], index, seen_index, depth + 1)
        return None
    if n.kind != "member" or not quiet(n):
        return None
    r = facts.typer(f).owner(facts.typer(f).type(n.kids[0]), n.value[1])
    if r is None or len(r[1].derived) != 1:
        return None
    path, base, sep = n.value[1], n.kids[0], n.value[0]
    s = structure(facts, f, base)
    while s is not None and not software(s):
        b = plain(base)
        if b.kind == "id" and depth < MAX_DEPTH:
            defs = stores(facts, f, b.value)
            if len(defs) != 1 or defs[0][0] is None or param_index(f, b.value) is not None \
                    or not fixed(facts, f, defs[0][0]):
                return None
            b = plain(defs[0][0])
            depth += 1
        if b.kind != "member":
            return None
        path = b.value[1] + sep + path
        base, sep = b.kids[0], b.value[0]
        s = structure(facts, f, base)
    if s is None or s.tag is None:
        return None
    own = words(facts, plain(base) if plain(base).kind in ("id", "member", "index") else base) + sep
    return Place((s.path, s.label(), path), own, index, [(f, own, seen_index, at)], s, (r[0], n.value[1]))


def element(analysis, facts, f, n, depth=0):
    """The Place of a descriptor that an expression is."""
    n = plain(n)
    if n.kind == "index" and quiet(n.kids[1]):
        i = words(facts, n.kids[1])
        return ring(facts, f, n.kids[0], i, i)
    if n.kind == "unary" and n.value == "*":
        return pointer(analysis, facts, f, n.kids[0], depth)
    return None


def pointer(analysis, facts, f, n, depth=0):
    """The Place of a descriptor that an expression points to."""
    n = plain(n)
    if depth > MAX_DEPTH:
        return None
    if n.kind == "unary" and n.value == "&":
        return element(analysis, facts, f, n.kids[0], depth)
    if n.kind == "binary" and n.value == "+" and quiet(n.kids[1]):
        i, base = words(facts, n.kids[1]), plain(n.kids[0])
        while base.kind == "binary" and base.value == "+" and quiet(base.kids[1]):
            i, base = "%s + %s" % (words(facts, base.kids[1]), i), plain(base.kids[0])
        return ring(facts, f, base, i, i)
    if n.kind == "member":
        return ring(facts, f, n, "0", "0")
    if n.kind != "id":
        return None
    i = param_index(f, n.value)
    defs = reaching(facts, f, n) if i is None else stores(facts, f, n.value)
    if i is not None:
        return given(analysis, facts, f, i, depth) if not defs else None
    found = []
    for value, node in defs:
        if value is None:
            if node.kind in ("postfix", "unary") and node.value in ("++", "--"):
                continue
            return None
        p = pointer(analysis, facts, f, value, depth + 1)
        if p is None or not own_fixed(facts, f, value, p):
            return None
        found.append(p)
    if not found or any(p.key != found[0].key or p.own != found[0].own for p in found):
        return None
    p = found[0]
    seen = [s for q in found for s in q.seen]
    return Place(p.key, p.own, "%s - %s" % (n.value, p.ring()), seen, p.struct, p.member)


def own_fixed(facts, f, value, p):
    """Returns true if the names by which a descriptor's ring was reached keep their value."""
    return all(len(stores(facts, f, name)) <= (0 if param_index(f, name) is not None else 1)
               for name in re.findall(r"[A-Za-z_]\w*", p.own) if (name in names(value) or len(stores(facts, f, name)))
               )


def given(analysis, facts, f, i, depth):
    """The Place of a descriptor that is a parameter: each caller gives the ring's owner by another parameter."""
    if not f.static() or not facts.source.path.endswith(".c"):
        return None
    k = ("given", f.name, i)
    if k in facts.cache:
        return facts.cache[k]
    facts.cache[k] = None
    p = facts.cache[k] = find_given(analysis, facts, f, i, depth)
    return p


def find_given(analysis, facts, f, i, depth):
    calls = facts.calls.get(f.name, ())
    used = [n for _, n in facts.names.get(f.name, ())
            if not (n.parent is not None and n.parent.kind == "call" and n.parent.kids[0] is n)]
    if not calls or used or re.search(r"[=,]\s*&?%s\s*[,;}]" % re.escape(f.name), facts.source.text):
        return None
    found, owners = [], None
    for g, call in calls:
        args = call.args()
        if len(args) != len(f.params):
            return None
        p = pointer(analysis, facts, g, args[i], depth + 1)
        if p is None or not p.own.endswith("->"):
            return None
        same = {j for j, a in enumerate(args) if words(facts, plain(a)) == p.own[:-2]}
        owners = same if owners is None else owners & same
        found.append(p)
    if not owners or any(p.key != found[0].key for p in found):
        return None
    j = min(owners)
    name = f.params[j].name
    if name is None or stores(facts, f, name):
        return None
    p = found[0]
    own = name + "->"
    seen = [s for q in found for s in q.seen]
    return Place(p.key, own, "%s - %s" % (f.params[i].name, own + p.key[2]), seen, p.struct, p.member)


def no_address(facts, f, n):
    """Returns true if no part of an expression can be an address: neither by its type nor out of a call."""
    from .proof import WIDE
    y = facts.typer(f)
    for x in n.walk():
        if x.kind == "call" and not (WRITES.match(x.callee() or "") or x.callee() in READS or x.callee() in HARMLESS):
            return False
        if x.kind in ("id", "member") and not (x.parent is not None and (
                (x.parent.kind == "call" and x.parent.kids[0] is x) or (x.parent.kind == "member" and x.parent.kids[0] is x))):
            t = y.type(x)
            if CONSTANT.match(x.value if x.kind == "id" else ""):
                continue
            if t is None or t.derived or t.name() in ADDRESS_TYPES or t.name() in WIDE or ORDERED.match(t.name()):
                return False
    return True


def in_software(analysis, s, name):
    """Returns true if a structure with a wide address lies only in structures of software, in the file of its own."""
    from .proof import WIDE, is_strong, label, memory
    if name not in WIDE or s.tag is None:
        return False
    around = [b for b in analysis.tree.source(s.path).bodies if any(
        m.type.base == ("struct", s.tag) and "p" not in m.type.derived for m in b.members.values())]
    if not around or not all(is_strong(b) for b in around):
        return False
    return not any(label(b) in memory(analysis, p).device for b in around + [s] for p in analysis.users(s.path, s.tag)[:60])


def chain(n):
    """(the descriptor or the pointer to it, whether it is a pointer, path of the field) of a member expression."""
    path = []
    while True:
        path.insert(0, n.value[1])
        if n.value[0] == "->":
            return n.kids[0], True, ".".join(path)
        base = plain(n.kids[0])
        if base.kind != "member":
            return base, False, ".".join(path)
        n = base


def field(analysis, facts, f, n):
    """(key, Place) of a member expression that is a descriptor's address, or None."""
    k = ("field", id(n))
    if k not in facts.cache:
        facts.cache[k] = None
        facts.cache[k] = find_field(analysis, facts, f, n)
    return facts.cache[k]


def find_field(analysis, facts, f, n):
    y = facts.typer(f)
    r = y.owner(y.type(n.kids[0]), n.value[1])
    if r is None or r[1].derived:
        return None
    name = r[1].name()
    if not ORDERED.match(name) and (name not in INTEGERS or name in ADDRESS_TYPES):
        return None
    base, is_pointer, path = chain(n)
    s = structure(facts, f, base)
    if s is None or (software(s) and not ORDERED.match(name)):
        return None
    if not ORDERED.match(name) and in_software(analysis, s, name):
        return None
    p = pointer(analysis, facts, f, base) if is_pointer else element(analysis, facts, f, base)
    return (("ring",) + p.key + (path,), p) if p is not None else None


def getter(analysis, g, i):
    """The field that a function returns of the descriptor that parameter i points to, or None."""
    k = ("getter", i)
    known = g.__dict__.setdefault("accessors", {})
    if k not in known:
        known[k] = None
        returns = [n for n in g.body().walk() if n.kind == "return" and n.kids]
        members = [m for n in returns for m in n.walk() if m.kind == "member"] if len(returns) == 1 else []
        name = g.params[i].name
        if len(members) == 1 and members[0].value[0] == "->" and plain(members[0].kids[0]).kind == "id" \
                and plain(members[0].kids[0]).value == name and name is not None \
                and len(list(g.body().walk())) < 60:
            known[k] = members[0].value[1]
    return known[k]


def setter(analysis, g, i):
    """(field, index of the parameter stored in it) of a function that fills the descriptor of parameter i."""
    k = ("setter", i)
    known = g.__dict__.setdefault("accessors", {})
    if k not in known:
        known[k] = None
        name, found = g.params[i].name, []
        numbers = {p.name: j for j, p in enumerate(g.params) if p.name and j != i and not p.type.derived}
        for n in g.body().walk():
            if n.kind == "assign" and n.value == "=" and plain(n.kids[0]).kind == "member":
                m = plain(n.kids[0])
                value = unordered(n.kids[1])
                if m.value[0] == "->" and plain(m.kids[0]).kind == "id" and plain(m.kids[0]).value == name \
                        and value.kind == "id" and value.value in numbers:
                    found.append((m.value[1], numbers[value.value]))
        if found:
            known[k] = found
    return known[k]


def unordered(n):
    """The value in a conversion of byte order."""
    n = plain(n)
    while n.kind == "call" and WRITES.match(n.callee() or "") and len(n.args()) == 1:
        n = plain(n.args()[0])
    return n


def read(analysis, facts, f, n):
    """(key, Place) of a value that is read back from a descriptor, or None."""
    if analysis is None:
        return None
    n = plain(n)
    while n.kind == "binary" and n.value == "&":
        n = plain(n.kids[0])
    if n.kind == "member":
        return field(analysis, facts, f, n)
    c = n.callee() if n.kind == "call" else None
    if c is None or not n.args():
        return None
    if c in READS or (c.endswith("_to_cpu") and len(n.args()) == 1):
        m = plain(n.args()[0])
        return field(analysis, facts, f, m) if m.kind == "member" else None
    g = analysis.find_function(facts, c)
    if g is None or not g.opening or g.type.derived or g.type.name() not in INTEGERS or len(g.params) != len(n.args()):
        return None
    for i, p in enumerate(g.params):
        m = address_of(n.args()[i])
        if m is not None and p.type.derived == ("p",) and sum(q.type.derived == ("p",) and q.type.base[0] == "name"
                                                              for q in g.params) == 1:
            return field(analysis, facts, f, m)
        if p.type.derived == ("p",):
            name = getter(analysis, g, i)
            place = pointer(analysis, facts, f, n.args()[i]) if name else None
            if place is not None:
                return ("ring",) + place.key + (name,), place
    return None


def address_of(n):
    """The member whose address an argument is, or None."""
    n = plain(n)
    if n.kind == "unary" and n.value == "&" and plain(n.kids[0]).kind == "member":
        return plain(n.kids[0])
    return None


def written(analysis, facts, f, call):
    """[(key, Place, value)] of a call that fills a descriptor."""
    g = analysis.find_function(facts, call.callee())
    if g is None or not g.opening or len(g.params) != len(call.args()):
        return []
    out = []
    for i, p in enumerate(g.params):
        if p.type.derived != ("p",):
            continue
        m = address_of(call.args()[i])
        if m is not None:
            values = [j for j, q in enumerate(g.params) if not q.type.derived and q.type.name() in INTEGERS]
            found = field(analysis, facts, f, m) if len(values) == 1 and not g.type.derived \
                and g.type.name() == "void" else None
            if found:
                out.append((found[0], found[1], call.args()[values[0]]))
            continue
        fields = setter(analysis, g, i)
        place = pointer(analysis, facts, f, call.args()[i]) if fields else None
        if place is not None:
            out += [(("ring",) + place.key + (name,), place, call.args()[j]) for name, j in fields]
    return out


# ---- the array of handles

class Home:
    """Names the place of a ring's handles: an array beside a member, or a member in the elements of an array."""

    def __init__(self, struct, member, size=None, inside=None, allocations=(), frees=(), stored=False):
        self.stored = stored        # the array beside it was found at the stores, and not at each read
        self.struct = struct        # that gets the declaration
        self.member = member        # behind which member of it
        self.size = size            # text of the array's "[...]"
        self.allocations = allocations      # [(facts, function, assignment, count)] of the array beside it
        self.frees = frees          # [(facts, function, call)]
        self.inside = inside        # the name of the array whose elements get a handle


def size_of(tree, struct, name):
    """The text of a member array's size, "[...]", or None."""
    m = struct.members.get(name)
    if m is None or m.type.derived[:1] != ("a",) or m.token is None:
        return None
    source = tree.source(struct.path)
    if source.at(m.token + 1) != "[":
        return None
    end = source.match(m.token + 1)
    text = source.text[source.tokens[m.token + 1].start:source.tokens[end].end]
    return text if text[1:-1].strip() else None


def same_index(facts, f, index, at):
    """The arrays that a function indexes as it does the ring at a node: [(what is indexed, node)]."""
    want, g, out = re.sub(r"\s+", "", index), graph(f), []
    variables = set(re.findall(r"[A-Za-z_]\w*", index))
    changes = [g.place(n, n.last) for v in variables for _, n in stores(facts, f, v)]
    here = g.place(at)
    for n in f.body().walk():
        if n.kind != "index" or re.sub(r"\s+", "", facts.source.of(n.kids[1])) != want:
            continue
        there = g.place(n)
        if there[0] == here[0] or g.reach(here, changes)(there) or g.reach(there, changes)(here):
            out.append(plain(n.kids[0]))
    return out


def companions(facts, seen):
    """The members C that a function indexes as own C[index], with the index that the ring has."""
    f, own, index, at = seen
    out = set()
    for c in same_index(facts, f, index, at):
        if c.kind == "member" and re.sub(r"\s+", "", facts.source.of(c.kids[0]) + c.value[0]) == re.sub(r"\s+", "", own):
            out.add(c.value[1])
    return out


def beside(facts, seen, ring_name):
    """Returns true if software's array has the ring's index where the ring is used."""
    f, _, index, at = seen
    for c in same_index(facts, f, index, at):
        if c.kind == "member" and c.value[1] == ring_name:
            continue
        t = facts.typer(f).type(c)
        if t is None or not t.derived:
            continue
        if "p" in t.derived[1:]:
            return True
        t = facts.typer(f).resolved(t)
        if t.base and t.base[0] == "body" and t.base[1] is not None and software(t.base[1]):
            return True
        # An array of numbers within software's structure.
        owner = structure(facts, f, c.kids[0]) if c.kind == "member" else None
        if owner is not None and software(owner) and t.derived == ("a",) and t.name() in INTEGERS:
            return True
    return False


def allocated_size(analysis, place, files):
    """The constant number of descriptors that each allocation of a ring asks for, as "[N]", or None."""
    struct, name = place.member
    sizes = set()
    for p in files:
        facts = analysis.file(p)
        for f, n in facts.assigns:
            t = plain(n.kids[0])
            if t.kind != "member" or t.value[1] != name or n.value != "=":
                continue
            s = structure(facts, f, t.kids[0])
            if s is None or (s.path, s.label()) != (struct.path, struct.label()):
                continue
            v = plain(n.kids[1])
            if words(facts, v) in ("NULL", "0"):
                continue
            sizes.add(constant_count(facts, f, v))
    return "[%s]" % sizes.pop() if len(sizes) == 1 and None not in sizes else None


def constant_count(facts, f, v):
    if v.kind == "id":
        defs = [d for d, _ in reaching(facts, f, v)]
        v = plain(defs[0]) if len(defs) == 1 and defs[0] is not None else v
    if v.kind != "call" or v.callee() not in COHERENT or len(v.args()) < 3:
        return None
    text = words(facts, v.args()[1])
    for _ in range(2):
        if re.match(r"^\w+$", text):
            for h in facts.tree.closure(facts.source.path):
                m = facts.tree.source(h).macros.get(text)
                if m and m[0] is None:
                    text = " ".join(m[1].split())
                    break
    text = text.strip()
    while text.startswith("(") and text.endswith(")") and text.count("(") == text.count(")") and text[1:-1].find(
            ")") >= text[1:-1].find("("):
        inner = text[1:-1]
        if inner.count("(") != inner.count(")"):
            break
        text = inner.strip()
    m = re.match(r"^sizeof\s*\(?[^()]*(?:\([^()]*\))?[^()]*\)?\s*\*\s*\(?(\w+)\)?$", text) or re.match(
        r"^\(?(\w+)\)?\s*\*\s*sizeof\s*\(?[^()]*(?:\([^()]*\))?[^()]*\)?$", text)
    return m.group(1) if m and CONSTANT.match(m.group(1)) else None


def home(analysis, places, stored, files):
    """Choose where the handles lie, from the Places of the stores and reads, the first `stored` of which are stores: a Home, or None."""
    tree = analysis.tree
    first = places[0]
    size = size_of(tree, first.member[0], first.member[1])
    if size and first.struct.tag:
        top = first.key[2].replace("->", ".").split(".")[0]
        return Home(first.struct, top, size)
    found = [[companions(analysis.file(seen[0].source.path), seen) for seen in p.seen] for p in places]
    common = set.intersection(*[c for each in found for c in each])
    for name in sorted(common):
        size = size_of(tree, first.struct, name)
        if size:
            return Home(first.struct, name, size)
    # A descriptor whose address is read has been stored, with an index that the array has.
    for name in sorted(set.intersection(*[c for each in found[:stored] for c in each])):
        size = size_of(tree, first.struct, name)
        if size and any(name in c for each in found[stored:] for c in each):
            return Home(first.struct, name, size, stored=True)
    for name in sorted(common):
        m = first.struct.members.get(name)
        if name == first.member[1] or m is None or m.type.derived != ("p",) or not m.type.base or m.type.base[0] != "struct":
            continue
        s = tree.struct(m.type.base[1], first.struct.path)
        if s is not None and s.tag and not s.union and not s.path.startswith("include/") and software(s):
            return Home(s, None, None, name)
    size = allocated_size(analysis, first, files)
    if size:
        return Home(first.struct, first.key[2].replace("->", ".").split(".")[0], size)
    for name in sorted(common):
        m = first.struct.members.get(name)
        made = made_by(analysis, first.struct, name, files) if m is not None and m.type.derived[:1] == ("p",) else None
        if made:
            return Home(first.struct, name, None, None, *made)
    return None


ALLOCATES = re.compile(r"alloc|ioremap|kzalloc|_objs?$")
# Calls that store into what they are given by name.
STORING = {"swap", "xchg", "cmpxchg", "try_cmpxchg", "WRITE_ONCE", "rcu_assign_pointer", "smp_store_release",
           "rcu_replace_pointer", "xchg_relaxed"}


def keeps_owner(facts, f, n, struct):
    """Returns true if a use of a pointer to a ring leaves it with its structure: it is read, allocated or cleared."""
    top, q = over(n)
    if q is None:
        return True
    if q.kind == "unary" and q.value == "&":
        return False
    if q.kind in ("postfix", "unary") and q.value in ("++", "--"):
        return False
    if q.kind == "call" and q.callee() in STORING:
        return False
    if q.kind == "assign" and q.kids[0] is top:
        return q.value == "=" and allocated(facts, f, q.kids[1], struct)
    return True


def allocated(facts, f, value, struct, depth=0):
    """Returns true if a value is fresh memory, nothing, or a constant part of a ring of the same structure."""
    v = plain(value)
    if words(facts, v) in ("NULL", "0"):
        return True
    if v.kind == "assign":
        return allocated(facts, f, v.kids[1], struct, depth)
    if v.kind == "call":
        return bool(ALLOCATES.search(v.callee() or ""))
    if v.kind == "id" and depth < 3 and param_index(f, v.value) is None:
        defs = stores(facts, f, v.value)
        return bool(defs) and all(d is not None and allocated(facts, f, d, struct, depth + 1) for d, _ in defs)
    part = v
    if v.kind == "unary" and v.value == "&" and plain(v.kids[0]).kind == "index":
        part = plain(v.kids[0])
    elif not (v.kind == "binary" and v.value == "+"):
        return False
    base, distance = plain(part.kids[0]), words(facts, part.kids[1])
    if not re.match(r"^[\w\s*()+]*$", distance):
        return False
    if base.kind == "id":
        return allocated(facts, f, base, struct, depth + 1)
    return base.kind == "member" and structure(facts, f, base.kids[0]) is struct


# Calls that allocate an array: the argument that counts its elements, and what frees it.
ARRAYS = {"kcalloc": (0, "kfree"), "kmalloc_array": (0, "kfree"), "kzalloc_objs": (1, "kfree"),
          "kmalloc_objs": (1, "kfree"), "kvcalloc": (0, "kvfree"), "kvmalloc_array": (0, "kvfree"),
          "kvzalloc_objs": (1, "kvfree"), "devm_kcalloc": (1, None), "devm_kmalloc_array": (1, None)}


def over(n):
    """(node, parent) with parentheses skipped."""
    p = n.parent
    while p is not None and p.kind == "paren":
        n, p = p, p.parent
    return n, p


def made_by(analysis, struct, name, files):
    """([allocations], [frees]) of a member array whose uses are all known, or None."""
    allocations, frees = [], []
    for p in files:
        facts = analysis.file(p)
        for f, n in facts.members.get(name, ()):
            s = structure(facts, f, n.kids[0])
            if s is None:
                return None
            if (s.path, s.label()) != (struct.path, struct.label()):
                continue
            top, q = over(n)
            if q is None:
                return None
            if q.kind == "unary" and q.value == "*":
                top, q = over(q)
                if q is None or not (q.kind == "sizeof" or (q.callee() or "").endswith("_objs")):
                    return None
                continue
            if (q.kind == "index" and q.kids[0] is top) or q.kind in ("sizeof", "if") or (
                    q.kind == "unary" and q.value == "!") or (q.kind == "binary" and q.value in ("&&", "||")) or (
                        q.kind == "cond" and q.kids[0] is top):
                continue
            if q.kind == "call" and q.callee() in ("kfree", "kvfree") and q.parent.kind == "expr" \
                    and q.parent.parent is not None and quiet(n):
                frees.append((facts, f, q))
                continue
            if q.kind != "assign" or q.kids[0] is not top or q.value != "=":
                return None
            v = plain(q.kids[1])
            if words(facts, v) == "NULL":
                continue
            kind = ARRAYS.get(v.callee() if v.kind == "call" else None)
            if kind is None or len(v.args()) <= kind[0] or not quiet(v.args()[kind[0]]) or q.parent.kind != "expr" \
                    or q.parent.parent is None or q.parent.parent.kind != "block" or not quiet(n):
                return None
            allocations.append((facts, f, q, v.args()[kind[0]]))
    if not allocations:
        return None
    ends = {ARRAYS[plain(q.kids[1]).callee()][1] for _, _, q, _ in allocations}
    if len(ends) != 1 or (ends == {None} and frees) or any(q.callee() not in ends for _, _, q in frees):
        return None
    if None not in ends and not frees:
        return None
    return allocations, frees


def instance(facts, f, own):
    """The member that a ring's owner is, where it is one inside another structure, else ""."""
    own = re.sub(r"\[[^]]*\]", "[]", own)
    if own.endswith("."):
        return re.sub(r"^.*?(\w+)\.$", r"\1", own)
    name = own[:-2]
    defs = stores(facts, f, name) if re.match(r"^\w+$", name) and param_index(f, name) is None else []
    value = plain(defs[0][0]) if len(defs) == 1 and defs[0][0] is not None else None
    if value is not None and value.kind == "unary" and value.value == "&" and plain(value.kids[0]).kind == "member":
        return plain(value.kids[0]).value[1]
    return ""
