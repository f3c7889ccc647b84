# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The top level of a C source: structures, functions, prototypes, globals, typedefs and macros.

A declaration that cannot be read is skipped up to the next "}" in the first column, and counted. The
bodies of functions are parsed when they are asked for (body.py).
"""

import re

from .ctype import (ADDRESS_TYPES, ARITHMETIC, ATTRIBUTES, KEYWORDS, Member, QUALIFIERS, Struct, Type,
                    TYPES)
from .lex import CLOSE, OPEN, lex


class ParseError(Exception):
    pass


# Macros that declare members: how many arguments come before the members.
GROUPS = {"struct_group": 1, "struct_group_attr": 2, "struct_group_tagged": 2, "__struct_group": 3}


class Source:
    """One source file."""

    def __init__(self, path, text, typedefs):
        self.path = path
        self.text = text
        self.typedefs = set(typedefs)
        self.tokens, self.directives, self.dropped = lex(text)
        self.count = len(self.tokens)
        self.closing = self.pair_brackets()
        self.structs = {}       # tag: Struct
        self.bodies = []        # all Structs, anonymous ones too
        self.functions = {}
        self.prototypes = {}
        self.globals = {}       # name: (Type, token)
        self.types = {}         # typedef: Type
        self.macros = {}        # name: (arguments or None, body)
        self.errors = 0
        for _, _, line in self.directives:
            m = re.match(r"#\s*define\s+(\w+)(\([^)]*\))?\s*(.*)", line, re.S)
            if m:
                self.macros[m.group(1)] = (m.group(2), m.group(3))
        self.top_level()

    # ---- tokens

    def at(self, i):
        return self.tokens[i].text if i < self.count else ""

    def match(self, i):
        """The index of the bracket that closes the one at i."""
        j = self.closing.get(i)
        if j is None:
            raise ParseError("line %d: no end of '%s'" % (self.line(i), self.at(i)))
        return j

    def pair_brackets(self):
        """Return {index of an opening bracket: index of its closing one}; a wrong one has none."""
        pairs, stack = {}, []
        for i, t in enumerate(self.tokens):
            if t.kind != "op":
                continue
            if t.text in OPEN:
                stack.append(i)
            elif t.text in CLOSE:
                # An opening bracket without an end (a macro hides it) must not shift all others.
                while stack and OPEN[self.tokens[stack[-1]].text] != t.text and t.text == "}":
                    stack.pop()
                if stack and OPEN[self.tokens[stack[-1]].text] == t.text:
                    pairs[stack.pop()] = i
        return pairs

    def skip(self, i):
        """The index after token i, or after the bracket that it opens."""
        return self.match(i) + 1 if self.at(i) in OPEN else i + 1

    def find(self, i, end, *wanted):
        """The index of the first of the wanted tokens outside brackets, or end."""
        while i < end and self.at(i) not in wanted:
            i = self.skip(i)
        return min(i, end)

    def line(self, i):
        t = self.tokens[min(i, self.count - 1)]
        return self.text.count("\n", 0, t.start) + 1

    def span(self, node):
        """The range of a node in the text."""
        return self.tokens[node.first].start, self.tokens[node.last - 1].end

    def of(self, node):
        """The text of a node."""
        a, b = self.span(node)
        return self.text[a:b]

    def is_name(self, i):
        return i < self.count and self.tokens[i].kind == "name"

    # ---- declarations

    def is_type(self, i):
        return self.is_name(i) and (self.at(i) in TYPES or self.at(i) in QUALIFIERS
                                    or self.at(i) in self.typedefs or self.at(i) in self.types)

    def specifiers(self, i):
        """Read declaration specifiers; return (base or None, next index, qualifiers)."""
        base, words, names = None, set(), []
        while self.is_name(i):
            v = self.at(i)
            if v in ATTRIBUTES and self.at(i + 1) == "(":
                i = self.match(i + 1) + 1
            elif v in QUALIFIERS:
                words.add(v)
                i += 1
            elif v in ("struct", "union"):
                base, i = self.struct_specifier(i)
            elif v == "enum":
                i += 2 if self.is_name(i + 1) else 1
                if self.at(i) == "{":
                    i = self.match(i) + 1
                base = ("name", "enum")
            elif v in ("typeof", "__typeof__", "__auto_type"):
                i = self.match(i + 1) + 1 if self.at(i + 1) == "(" else i + 1
                base = ("name", "?")
            elif v in ARITHMETIC:
                names.append(v)
                i += 1
            elif base is None and not names and (
                    self.is_type(i) or self.is_name(i + 1) or self.at(i + 1) == "*"):
                base = ("name", v)
                i += 1
            else:
                break
        if base is None and names:
            base = ("name", " ".join(names))
        return base, i, words

    def struct_specifier(self, i):
        union = self.at(i) == "union"
        i += 1
        while self.at(i) in QUALIFIERS or self.at(i) in ATTRIBUTES:
            i = self.match(i + 1) + 1 if self.at(i + 1) == "(" else i + 1
        tag = None
        if self.is_name(i):
            tag = self.at(i)
            i += 1
        if self.at(i) != "{":
            return ("struct", tag), i
        end = self.match(i)
        s = Struct(tag, self.path, union, i)
        if tag:
            self.structs[tag] = s
        self.bodies.append(s)
        j = i + 1
        while j < end:
            j = max(self.member(s, j, end), j + 1)
        return ("body", s), end + 1

    def declarator(self, i, base):
        """Return (name, token of the name, Type, next index, index of "(" of the parameters or None)."""
        derived = []
        while self.at(i) == "*" or self.at(i) in QUALIFIERS or self.at(i) in ATTRIBUTES:
            if self.at(i) == "*":
                derived.insert(0, "p")
            elif self.at(i) in ATTRIBUTES and self.at(i + 1) == "(":
                i = self.match(i + 1)
            i += 1
        if self.at(i) == "(" and self.at(i + 1) in ("*", "^"):
            return self.function_pointer(i)
        name = token = params = None
        if self.is_name(i) and self.at(i) not in KEYWORDS:
            name, token = self.at(i), i
            i += 1
        arrays = []
        while i < self.count:
            if self.at(i) == "[":
                arrays.append("a")
                i = self.match(i) + 1
            elif self.at(i) == "(" and name and not arrays and params is None:
                params = i
                i = self.match(i) + 1
            elif self.at(i) in ATTRIBUTES and self.at(i + 1) == "(":
                i = self.match(i + 1) + 1
            elif self.at(i) in QUALIFIERS:
                i += 1
            else:
                break
        return name, token, Type(base, arrays + derived), i, params

    def function_pointer(self, i):
        end = self.match(i)
        j = i + 1
        while j < end and (self.at(j) == "*" or self.at(j) in QUALIFIERS):
            j += 1
        name = self.at(j) if self.is_name(j) else None
        i = end + 1
        while self.at(i) in ("(", "["):
            i = self.match(i) + 1
        return name, j if name else None, Type(("name", "function"), "p"), i, None

    def member(self, s, i, end):
        """Read one declaration of a structure's members; return the next index."""
        v = self.at(i)
        if v in ("DEFINE_DMA_UNMAP_ADDR", "DEFINE_DMA_UNMAP_LEN"):
            close = self.match(i + 1)
            arrays = ["a"] * sum(self.at(j) == "[" for j in range(i + 3, close))
            name = "unmap_addr" if v == "DEFINE_DMA_UNMAP_ADDR" else "unmap_len"
            s.members[self.at(i + 2)] = Member(Type(("name", name), arrays), i + 2, i)
            return close + 2
        if v in GROUPS and self.at(i + 1) == "(":
            close = self.match(i + 1)
            j, left = i + 2, GROUPS[v]
            while left and j < close:
                left -= self.at(j) == ","
                j += 1
            while j < close:
                j = max(self.member(s, j, close), j + 1)
            return close + 1
        if v == "DECLARE_FLEX_ARRAY" and self.at(i + 1) == "(":
            close = self.match(i + 1)
            base, j, _ = self.specifiers(i + 2)
            while j < close and self.at(j) == "*":
                j += 1
            if self.at(j) == ",":
                s.members[self.at(j + 1)] = Member(Type(base, "a"), j + 1, i)
            return close + 1
        if self.is_name(i) and self.at(i + 1) == "(" and v.isupper():
            return self.match(i + 1) + 1
        base, j, _ = self.specifiers(i)
        if base is None:
            return self.find(i, end, ";") + 1
        if self.at(j) == ";":
            if base[0] == "body":
                s.anonymous.append(base[1])
            return j + 1
        while j < end:
            name, token, type_, k, _ = self.declarator(j, base)
            j = max(k, j + 1)
            if name:
                s.members[name] = Member(type_, token, i)
            j = self.find(j, end, ",", ";")
            if self.at(j) == ";" or j >= end:
                return j + 1
            j += 1
        return j + 1

    # ---- top level

    def top_level(self):
        i = 0
        while i < self.count:
            try:
                i = max(self.item(i), i + 1)
            except (ParseError, IndexError, RecursionError):
                self.errors += 1
                i += 1
                while i < self.count and not (self.at(i) == "}" and self.first_column(i)):
                    i += 1
                i += 1

    def first_column(self, i):
        a = self.tokens[i].start
        return a == 0 or self.text[a - 1] == "\n"

    def item(self, i):
        v = self.at(i)
        if v in (";", "}"):
            return i + 1
        if v == "extern" and i + 1 < self.count and self.tokens[i + 1].kind == "string":
            return i + 3 if self.at(i + 2) == "{" else i + 2
        base, j, words = self.specifiers(i)
        if base is None:
            if self.is_name(i) and self.at(i + 1) == "(":      # a macro
                close = self.match(i + 1)
                if self.at(close + 1) == "{":
                    return self.match(close + 1) + 1
                return close + 1
            return self.find(j, self.count, ";", "}") + 1 if self.at(j) in ("=", "(", "[") else j
        if "typedef" in words:
            name, _, type_, k, _ = self.declarator(j, base)
            if name:
                self.types[name] = type_
            return self.find(k, self.count, ";") + 1
        return self.declaration(i, j, base, words)

    def declaration(self, first, j, base, words):
        while j < self.count:
            if self.at(j) == ";":
                return j + 1
            name, token, type_, k, params = self.declarator(j, base)
            if params is not None and name:
                while k < self.count and self.at(k) not in ("{", ";", ","):
                    if not self.is_name(k) and self.at(k) != "(":
                        raise ParseError("line %d: after a function's parameters" % self.line(k))
                    k = self.skip(k)
                if self.at(k) == "{":
                    close = self.match(k)
                    self.functions[name] = Function(self, name, token, type_, params, k, close, first,
                                                    words)
                    return close + 1
                self.prototypes[name] = Function(self, name, token, type_, params, None, None, first,
                                                 words)
            elif name:
                self.globals[name] = (type_, token)
            if self.at(k) == "=":
                k = self.find(k + 1, self.count, ";", ",")
            if self.at(k) == ",":
                j = k + 1
                continue
            if self.at(k) == ";":
                return k + 1
            if self.at(k) == "(":
                return self.match(k) + 1
            raise ParseError("line %d: a declaration" % self.line(k))
        return j


class Parameter:
    __slots__ = ("name", "type", "token", "first", "last")

    def __init__(self, name, type_, token, first, last):
        self.name = name
        self.type = type_
        self.token = token
        self.first = first
        self.last = last


class Function:
    """A function with a body, or a prototype (opening is None)."""

    def __init__(self, source, name, token, type_, params, opening, closing, first, words):
        self.source = source
        self.name = name
        self.token = token
        self.type = type_
        self.opening = opening
        self.closing = closing
        self.first = first
        self.words = words
        self.tree = None
        self.broken = None      # reason why the body could not be parsed
        self.params = self.read_params(params)

    def read_params(self, i):
        s = self.source
        end = s.match(i)
        params, i = [], i + 1
        while i < end:
            base, j, _ = s.specifiers(i)
            if base is None:
                j = s.find(j, end, ",")
                params.append(Parameter(None, Type(("name", "?")), None, i, j))
            else:
                name, token, type_, j, _ = s.declarator(j, base)
                j = s.find(j, end, ",")
                params.append(Parameter(name, type_, token, i, j))
            i = j + 1
        if len(params) == 1 and params[0].name is None and params[0].type.name() == "void":
            return []
        return params

    def static(self):
        return "static" in self.words

    def body(self):
        """The tree of the body; an empty block where it could not be parsed."""
        if self.tree is None:
            from .body import Body, Node    # body.py needs this module
            try:
                self.tree = Body(self.source).block(self.opening)[0]
            except (ParseError, IndexError, RecursionError) as err:
                self.broken = str(err) or "nested too deeply"
                self.tree = Node("block", self.opening, self.closing + 1)
        return self.tree


def is_address_type(type_):
    return type_ is not None and type_.name() in ADDRESS_TYPES
