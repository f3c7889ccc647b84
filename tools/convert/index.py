# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The index of a source tree: who includes whom, and which header declares a structure.

Every .c and .h file below the root is read once; what was found is cached with the file's time and
size, so that a later run reads only files that have changed. Includes are followed whatever #if they
stand in. An include that names several files in the tree (an architecture's asm/) takes the nearest.
"""

import hashlib
import os
import pickle
import re
import sys

from . import scan
from .ctype import Type
from .parse import Source

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">\n]+)', re.M)
TAG = re.compile(r"^(?:typedef )?(?:struct|union)\s+(\w+)\s*(?:/\*.*?\*/)?\s*\{", re.M)
TYPEDEF = re.compile(r"^typedef\s[^;{}()]*?[\s*](\w+)(?:\[\w+\])?;"
                     r"|^typedef\s[^;{}]*\(\s*\*\s*(\w+)\)|^\}[^;{}\n]*?[\s*](\w+);", re.M)

NAME = re.compile(r"[A-Za-z_]\w*")

# Parts of a kernel tree that no driver includes.
SKIP = {"Documentation", "tools", "scripts", "LICENSES", "usr", "certs", "rust"}
# Register lists of some megabytes without any structure.
LARGEST = 900000
# Headers read for one file at most, and users of one structure at most.
MAX_HEADERS = 220
VERSION = 4


def has_word(text, word):
    """Returns true if a text mentions a name."""
    at, n = text.find(word), len(word)
    while at >= 0:
        before, after = text[at - 1:at], text[at + n:at + n + 1]
        if not (before.isalnum() or before == "_" or after.isalnum() or after == "_"):
            return True
        at = text.find(word, at + 1)
    return False


class Tree:
    """The sources below a root directory. Paths are relative to the root."""

    def __init__(self, root, cache=None):
        self.root = root
        self.sources = {}
        self.texts = {}
        self.word_sets = {}
        self.closures = {}
        self.user_sets = {}
        self.overlay = {}           # path: text that stands for the file's
        self.found = self.scan(cache)
        self.resolve()

    # ---- reading

    def scan(self, cache):
        old = {}
        path = None
        if cache:
            os.makedirs(cache, exist_ok=True)
            name = hashlib.sha256(os.path.abspath(self.root).encode()).hexdigest()[:16]
            path = os.path.join(cache, "index-%s.pickle" % name)
            try:
                with open(path, "rb") as f:
                    version, old = pickle.load(f)
                if version != VERSION:
                    old = {}
            except (OSError, EOFError, pickle.UnpicklingError, ValueError, AttributeError):
                old = {}
        found, changed = {}, False
        for top, dirs, files in os.walk(self.root):
            if top == self.root and os.path.exists(os.path.join(top, "Kconfig")):
                dirs[:] = [d for d in dirs if d not in SKIP]
            dirs[:] = sorted(d for d in dirs if not d.startswith("."))
            for name in files:
                if not name.endswith((".c", ".h")):
                    continue
                full = os.path.join(top, name)
                try:
                    st = os.stat(full)
                except OSError:
                    continue
                if st.st_size > LARGEST:
                    continue
                rel = os.path.relpath(full, self.root)
                key = (st.st_mtime_ns, st.st_size)
                was = old.get(rel)
                if was and was[0] == key:
                    found[rel] = was
                else:
                    found[rel] = (key,) + self.read_outline(rel)
                    changed = True
        if path and (changed or len(found) != len(old)):
            temporary = "%s.%d" % (path, os.getpid())
            with open(temporary, "wb") as f:
                pickle.dump((VERSION, found), f, protocol=4)
            os.replace(temporary, path)
        return found

    def read_outline(self, rel):
        """(includes, tags, typedefs, true if it has sites) of a file."""
        with open(os.path.join(self.root, rel), errors="replace") as f:
            text = f.read()
        includes = INCLUDE.findall(text)
        if not rel.endswith(".h"):
            return includes, [], [], scan.has_sites(text)
        return (includes, [m.group(1) for m in TAG.finditer(text)],
                [next(g for g in m.groups() if g) for m in TYPEDEF.finditer(text)], scan.has_sites(text))

    def resolve(self):
        """Turn the names of includes into files, and note the reverse."""
        by_name, self.tags, self.typedefs = {}, {}, set()
        for rel, (_, _, tags, types, _) in self.found.items():
            by_name.setdefault(os.path.basename(rel), []).append(rel)
            for t in tags:
                self.tags.setdefault(t, []).append(rel)
            if rel.startswith("include/") or "/include/" in rel:
                self.typedefs.update(types)
        self.includes, self.included_by = {}, {}
        for rel, (_, names, _, _, _) in self.found.items():
            out = []
            for quote, name in names:
                target = self.find_include(rel, quote, name, by_name)
                if target:
                    out.append(target)
                    self.included_by.setdefault(target, set()).add(rel)
            self.includes[rel] = out

    def find_include(self, rel, quote, name, by_name):
        if quote == "<":
            for prefix in ("include/", "include/uapi/", "arch/x86/include/"):
                if prefix + name in self.found:
                    return prefix + name
        here = os.path.dirname(rel)
        beside = os.path.normpath(os.path.join(here, name))
        if beside in self.found:
            return beside
        best, shared = None, 0
        for other in by_name.get(os.path.basename(name), ()):
            if not ("/" + other).endswith("/" + os.path.normpath(name).lstrip("./")):
                continue
            common = os.path.commonprefix([os.path.dirname(other) + "/", here + "/"]).count("/")
            if common > shared:
                best, shared = other, common
        if best and (shared >= 2 or best.startswith("include/") or len(self.found) < 5000):
            return best
        return None

    # ---- asking

    def text(self, path):
        t = self.overlay.get(path)
        if t is not None:
            return t
        t = self.texts.get(path)
        if t is None:
            with open(os.path.join(self.root, path), errors="surrogateescape", newline="") as f:
                t = self.texts[path] = f.read()
        return t

    def words(self, path):
        """The names that a text has: a file that lacks a name need not be parsed for it."""
        w = self.word_sets.get(path)
        if w is None:
            w = self.word_sets[path] = frozenset(map(sys.intern, set(NAME.findall(self.text(path)))))
        return w

    def source(self, path):
        """The parsed file. A .c file knows the typedefs of its headers."""
        s = self.sources.get(path)
        if s is None:
            names = set(self.typedefs)
            if path.endswith(".c"):
                for h in self.closure(path)[1:]:
                    names.update(self.found[h][3] if h in self.found else ())
            s = self.sources[path] = Source(path, self.text(path), names)
        return s

    def has_sites(self, path):
        """Returns true if a file calls an unmap or sync: by the index, or, where that has it not, by its text."""
        found = self.found.get(path)
        return found[4] if found else scan.has_sites(self.text(path))

    def forget(self, path):
        self.sources.pop(path, None)
        self.texts.pop(path, None)
        self.word_sets.pop(path, None)

    @staticmethod
    def is_global(path):
        """Returns true for a header that the whole tree shares."""
        return path.startswith(("include/", "arch/"))

    def closure(self, path):
        """The file and the headers that it reaches, but those that the whole tree shares."""
        c = self.closures.get(path)
        if c is None:
            c, seen, i = [path], {path}, 0
            while i < len(c) and len(c) < MAX_HEADERS:
                for h in self.includes.get(c[i], ()):
                    if h not in seen:
                        seen.add(h)
                        if not self.is_global(h):
                            c.append(h)
                i += 1
            self.closures[path] = c
        return c

    def users(self, path):
        """The file and all that include it, at first or second hand."""
        u = self.user_sets.get(path)
        if u is None:
            u, stack = {path}, [path]
            while stack:
                for other in self.included_by.get(stack.pop(), ()):
                    if other not in u:
                        u.add(other)
                        stack.append(other)
            self.user_sets[path] = u
        return u

    def struct(self, tag, path):
        """The structure of that tag as the file sees it, or None."""
        for h in self.closure(path):
            s = self.source(h).structs.get(tag) if tag in self.words(h) else None
            if s:
                return s
        places = self.tags.get(tag, ())
        shared = [p for p in places if p.startswith("include/")]
        for h in shared[:1] or [p for p in places][:1]:
            s = self.source(h).structs.get(tag)
            if s:
                return s
        return None

    def typedef(self, name, path):
        for h in self.closure(path):
            t = self.source(h).types.get(name) if name in self.words(h) else None
            if t is not None:
                return t
        return None


# Functions and macros that return their first argument, or one of its type.
SAME = {"READ_ONCE", "rcu_dereference", "rcu_dereference_protected", "rcu_dereference_bh",
        "rcu_access_pointer", "rtnl_dereference", "this_cpu_ptr", "per_cpu_ptr", "get_cpu_ptr",
        "raw_cpu_ptr", "unlikely", "likely", "smp_load_acquire", "PTR_ALIGN", "no_free_ptr", "min", "max",
        "ALIGN", "xchg", "array_index_nospec", "ACCESS_ONCE"}
# Macros whose second argument is the type of what they return a pointer to.
CONTAINER = {"container_of", "container_of_const", "list_entry", "list_first_entry", "list_last_entry",
             "list_first_entry_or_null", "rb_entry", "rb_entry_safe", "hlist_entry", "llist_entry"}


class Typer:
    """The types of the expressions of one function."""

    def __init__(self, tree, source, function):
        self.tree = tree
        self.source = source
        self.function = function
        self.known = {}

    def resolved(self, t):
        """The type with its structure's body or its typedef's meaning."""
        for _ in range(8):
            if t is None or t.base is None or t.base[0] == "body":
                return t
            if t.base[0] == "struct":
                s = self.tree.struct(t.base[1], self.source.path) if t.base[1] else None
                return Type(("body", s), t.derived) if s else t
            d = self.tree.typedef(t.base[1], self.source.path)
            if d is None or d.base == t.base:
                return t
            t = Type(d.base, t.derived + d.derived)
        return t

    def find_member(self, s, name, depth=0):
        m = s.members.get(name)
        if m:
            return s, m.type
        for a in s.anonymous:
            r = self.find_member(a, name, depth + 1) if depth < 8 else None
            if r:
                return r
        return None

    def owner(self, t, name):
        """(Struct, Type) of a member of a type or of what it points to."""
        t = self.resolved(t)
        if t is None or t.base is None or t.base[0] != "body":
            return None
        return self.find_member(t.base[1], name)

    def variable(self, node, name):
        """(slot, Type) of a name at a node: the innermost declaration before it."""
        for above in node.above():
            if above.kind not in ("block", "for", "iter"):
                continue
            for kid in above.kids:
                if kid.first > node.first:
                    break
                if kid.kind == "decl":
                    for v in kid.kids:
                        if v.value[0] == name and v.first <= node.first:
                            return ("local", self.source.path, self.function.name, name,
                                    v.first), v.value[1]
        for i, p in enumerate(self.function.params):
            if p.name == name:
                return ("param", self.source.path, self.function.name, i), p.type
        for h in self.tree.closure(self.source.path):
            g = self.tree.source(h).globals.get(name) if name in self.tree.words(h) else None
            if g:
                return ("global", h, name), g[0]
        return None, None

    def find_function(self, name):
        for h in self.tree.closure(self.source.path):
            if name not in self.tree.words(h):
                continue
            s = self.tree.source(h)
            f = s.functions.get(name) or s.prototypes.get(name)
            if f:
                return f
        return None

    def type(self, n):
        k = id(n)
        if k not in self.known:
            self.known[k] = None
            self.known[k] = self.compute(n)
        return self.known[k]

    def compute(self, n):
        kind, kids = n.kind, n.kids
        if kind == "id":
            return self.variable(n, n.value)[1]
        if kind in ("paren", "postfix", "assign"):
            return self.type(kids[0])
        if kind in ("cast", "literal", "type"):
            return n.value
        if kind == "comma":
            return self.type(kids[-1])
        if kind == "member":
            r = self.owner(self.type(kids[0]), n.value[1])
            return r[1] if r else None
        if kind in ("index", "unary"):
            return self.indirect(n, self.type(kids[0]))
        if kind == "binary":
            a, b = self.type(kids[0]), self.type(kids[1])
            return a if a is not None and a.derived else b if b is not None and b.derived else a or b
        if kind == "cond":
            return self.type(kids[-2]) or self.type(kids[-1])
        if kind == "call" and n.callee():
            return self.result(n.callee(), n.args())
        return None

    def indirect(self, n, t):
        if t is None:
            return None
        if n.kind == "unary" and n.value == "&":
            return Type(t.base, ("p",) + t.derived)
        if n.kind == "unary" and n.value != "*":
            return t
        if not t.derived:
            t = self.resolved(t)
        return Type(t.base, t.derived[1:]) if t and t.derived else None

    def result(self, name, args):
        if name in SAME and args:
            return self.type(args[0])
        if name in ("max_t", "min_t", "kmalloc_obj", "kzalloc_obj") and args and args[0].kind == "type":
            return args[0].value
        if name in CONTAINER and len(args) > 1:
            a = args[1]
            if a.kind == "type":
                return Type(a.value.base, ("p",) + a.value.derived)
            if a.kind == "id":
                return Type(("name", a.value), "p")
            if a.callee() == "typeof":
                t = self.type(a.args()[0])
                return Type(t.base, ("p",) + t.derived) if t else None
        f = self.find_function(name)
        return f.type if f else self.macro(name)

    def macro(self, name):
        """The type of a macro that casts to a structure's pointer."""
        for h in self.tree.closure(self.source.path):
            m = self.tree.source(h).macros.get(name) if name in self.tree.words(h) else None
            if m:
                c = re.match(r"\(*\s*&?\(*\(?\s*\(\s*struct\s+(\w+)\s*\*\s*\)", m[1]) or re.search(
                    r"container_of\(.*?,\s*struct\s+(\w+)\s*,", m[1])
                return Type(("struct", c.group(1)), "p") if c else None
        return None
