# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Statements and expressions of a function's body, from unpreprocessed tokens.

Macros are read as what they look like: a call, a statement without ";", an iterator with a body.
"""

from .ctype import ARITHMETIC, KEYWORDS, QUALIFIERS, Type, TYPES
from .parse import ParseError

BINARY = {"*": 10, "/": 10, "%": 10, "+": 9, "-": 9, "<<": 8, ">>": 8, "<": 7, ">": 7, "<=": 7, ">=": 7,
          "==": 6, "!=": 6, "&": 5, "^": 4, "|": 3, "&&": 2, "||": 1}
ASSIGN = {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="}


class Node:
    """A piece of a tree: kind, its tokens [first, last), kids, a value that depends on kind, parent.

    The value of a "for": which of its three heads are there, each with a kid.
    """

    __slots__ = ("kind", "first", "last", "kids", "value", "parent")

    def __init__(self, kind, first, last, kids=(), value=None):
        self.kind = kind
        self.first = first
        self.last = last
        self.kids = [k for k in kids if k is not None]
        self.value = value
        self.parent = None
        for k in self.kids:
            k.parent = self

    def walk(self):
        """This node and all below it, in source order."""
        stack = [self]
        while stack:
            n = stack.pop()
            yield n
            stack.extend(reversed(n.kids))

    def above(self):
        """The nodes above this one, the nearest first."""
        n = self.parent
        while n is not None:
            yield n
            n = n.parent

    def callee(self):
        """The name that a call calls, else None."""
        return self.kids[0].value if self.kind == "call" and self.kids[0].kind == "id" else None

    def args(self):
        return self.kids[1:]


class Body:
    """A recursive descent parser of one function's body."""

    def __init__(self, source):
        self.s = source

    def at(self, i):
        return self.s.at(i)

    # ---- statements

    def block(self, i):
        end = self.s.match(i)
        kids, j = [], i + 1
        while j < end:
            n, k = self.statement(j)
            if k <= j:
                raise ParseError("line %d: no statement" % self.s.line(j))
            j = k
            if n is not None:
                kids.append(n)
        return Node("block", i, end + 1, kids), end + 1

    def statement(self, i):
        s, v = self.s, self.at(i)
        simple = {"{": self.block, "if": self.if_, "while": self.loop, "switch": self.loop,
                  "do": self.do, "for": self.for_, "return": self.return_, "case": self.case}
        if v == ";":
            return None, i + 1
        if v in simple:
            return simple[v](i)
        if v in ("break", "continue"):
            return Node("jump", i, i + 2, value=v), i + 2
        if v == "goto":
            j = s.find(i, s.count, ";")
            return Node("goto", i, j + 1, value=self.at(i + 1)), j + 1
        if v == "default":
            return Node("case", i, i + 2), i + 2
        if v in ("asm", "__asm__"):
            j = s.find(i, s.count, "(")
            j = s.match(j) + 1
            return Node("asm", i, j + 1), self.semicolon(j)
        if s.is_name(i) and self.at(i + 1) == ":":
            return Node("label", i, i + 2, value=v), i + 2
        if v in ("__attribute__", "__maybe_unused", "fallthrough"):
            j = s.match(i + 1) + 1 if self.at(i + 1) == "(" else i + 1
            return None, self.semicolon(j)
        if self.is_declaration(i):
            return self.declaration(i, None)
        x, j = self.expression(i)
        if self.at(j) == ";":
            return Node("expr", i, j + 1, [x]), j + 1
        if x.kind == "call":
            if self.at(j) == "}":
                return Node("expr", i, j, [x]), j
            b, k = self.statement(j)
            return Node("iter", i, k, [x, b]), k
        raise ParseError("line %d: '%s' after an expression" % (s.line(j), self.at(j)))

    def semicolon(self, i):
        if self.at(i) == ";":
            return i + 1
        raise ParseError("line %d: '%s' instead of ';'" % (self.s.line(i), self.at(i)))

    def between(self, a, b):
        x, j = self.expression(a)
        if j != b:
            raise ParseError("line %d: '%s' in an expression" % (self.s.line(j), self.at(j)))
        return x

    def if_(self, i):
        close = self.s.match(i + 1)
        kids = [self.between(i + 2, close)]
        then, j = self.statement(close + 1)
        kids.append(then or Node("empty", close + 1, close + 2))
        if self.at(j) == "else":
            other, j = self.statement(j + 1)
            kids.append(other)
        return Node("if", i, j, kids), j

    def loop(self, i):
        close = self.s.match(i + 1)
        cond = self.between(i + 2, close)
        inner, j = self.statement(close + 1)
        return Node(self.at(i), i, j, [cond, inner]), j

    def do(self, i):
        inner, j = self.statement(i + 1)
        close = self.s.match(j + 1)
        cond = self.between(j + 2, close)
        j = close + 2 if self.at(close + 1) == ";" else close + 1
        return Node("do", i, j, [inner, cond]), j

    def for_(self, i):
        close = self.s.match(i + 1)
        kids, start, j, heads, head = [], i + 2, i + 2, [], 0
        while j <= close:
            if self.at(j) == ";" or j == close:
                if start < j:
                    heads.append(head)
                    if not kids and self.is_declaration(start):
                        kids.append(self.declaration(start, j)[0])
                    else:
                        kids.append(self.between(start, j))
                start = j + 1
                j += 1
                head += 1
            else:
                j = self.s.skip(j)
        inner, j = self.statement(close + 1)
        return Node("for", i, j, kids + [inner], tuple(heads)), j

    def return_(self, i):
        if self.at(i + 1) == ";":
            return Node("return", i, i + 2), i + 2
        x, j = self.expression(i + 1)
        return Node("return", i, j + 1, [x]), self.semicolon(j)

    def case(self, i):
        x, j = self.expression(i + 1, comma=False)
        if self.at(j) == "...":
            _, j = self.expression(j + 1, comma=False)
        if self.at(j) != ":":
            raise ParseError("line %d: '%s' after a case" % (self.s.line(j), self.at(j)))
        return Node("case", i, j + 1, [x]), j + 1

    def is_declaration(self, i):
        s, v = self.s, self.at(i)
        if not s.is_name(i) or v in KEYWORDS:
            return False
        if v in ("struct", "union", "enum", "const", "static", "unsigned", "signed", "volatile",
                 "register", "extern", "typeof", "__typeof__", "__auto_type", "typedef"):
            return True
        after = self.at(i + 1)
        if v in TYPES or v in s.typedefs or v in s.types or v in QUALIFIERS:
            return after != "("
        if s.is_name(i + 1) and after not in KEYWORDS and self.at(i + 2) in ("=", ";", ",", "["):
            return True
        j = i + 1
        while self.at(j) == "*" or self.at(j) in QUALIFIERS:
            j += 1
        return j > i + 1 and s.is_name(j) and self.at(j + 1) in ("=", ";", ",", "[")

    def declaration(self, i, end):
        """Read a declaration up to ";", or up to end in a for."""
        s = self.s
        base, j, words = s.specifiers(i)
        if base is None:
            raise ParseError("line %d: a declaration" % s.line(i))
        if self.at(j) == ";":
            return Node("decl", i, j + 1, value=(base, words)), j + 1
        kids = []
        while True:
            name, token, type_, k, _ = s.declarator(j, base)
            init = None
            if self.at(k) == "=":
                init, k = self.initializer(k + 1)
            kids.append(Node("var", token if token is not None else j, k, [init], (name, type_)))
            if self.at(k) == ",":
                j = k + 1
                continue
            if end is not None and k >= end:
                return Node("decl", i, k, kids, (base, words)), k
            return Node("decl", i, k + 1, kids, (base, words)), self.semicolon(k)

    def initializer(self, i):
        if self.at(i) != "{":
            return self.expression(i, comma=False)
        s, end = self.s, self.s.match(i)
        kids, j = [], i + 1
        while j < end:
            name = None
            if self.at(j) in (".", "["):
                first = j
                while self.at(j) in (".", "["):
                    j = j + 2 if self.at(j) == "." else s.match(j) + 1
                name = self.at(first + 1) if self.at(first) == "." and j == first + 2 else "?"
                if self.at(j) == "=":
                    j += 1
            elif s.is_name(j) and self.at(j + 1) == ":":
                name = self.at(j)
                j += 2
            x, k = self.initializer(j)
            if k <= j:
                raise ParseError("line %d: an initializer" % s.line(j))
            j = k
            kids.append(Node("field", x.first, x.last, [x], name))
            if self.at(j) == ",":
                j += 1
            elif j < end:
                raise ParseError("line %d: '%s' in an initializer" % (s.line(j), self.at(j)))
        return Node("init", i, end + 1, kids), end + 1

    # ---- expressions

    def expression(self, i, comma=True):
        x, i = self.assignment(i)
        if comma and self.at(i) == ",":
            kids = [x]
            while self.at(i) == ",":
                y, i = self.assignment(i + 1)
                kids.append(y)
            return Node("comma", kids[0].first, i, kids), i
        return x, i

    def assignment(self, i):
        x, i = self.conditional(i)
        if self.at(i) in ASSIGN:
            op = self.at(i)
            y, i = self.initializer(i + 1) if self.at(i + 1) == "{" else self.assignment(i + 1)
            return Node("assign", x.first, i, [x, y], op), i
        return x, i

    def conditional(self, i):
        x, i = self.binary(i, 0)
        if self.at(i) != "?":
            return x, i
        y, j = (None, i + 1) if self.at(i + 1) == ":" else self.expression(i + 1)
        if self.at(j) != ":":
            raise ParseError("line %d: '%s' instead of ':'" % (self.s.line(j), self.at(j)))
        z, j = self.conditional(j + 1)
        return Node("cond", x.first, j, [x, y, z]), j

    def binary(self, i, power):
        x, i = self.unary(i)
        while BINARY.get(self.at(i), 0) > power:
            op = self.at(i)
            y, i = self.binary(i + 1, BINARY[op])
            x = Node("binary", x.first, i, [x, y], op)
        return x, i

    def type_in_parens(self, i):
        """The index of ")" where "(" at i begins a cast or another type in parentheses, else None."""
        s = self.s
        close, j = s.match(i), i + 1
        stars = all(self.at(k) == "*" or self.at(k) in QUALIFIERS for k in range(j + 1, close))
        if not s.is_type(j):
            if not s.is_name(j) or self.at(j) in KEYWORDS:
                return None
            if j + 1 == close:      # (name) name: a cast
                k = close + 1
                named = k < s.count and s.tokens[k].kind in ("name", "number")
                return close if named and self.at(k) not in KEYWORDS else None
            return close if self.at(j + 1) == "*" and stars else None
        if self.at(j) in QUALIFIERS or self.at(j) in TYPES:
            typeof = self.at(j) in ("typeof", "__typeof__")
            return close if self.at(j + 1) != "(" or typeof else None
        return close if stars else None

    def unary(self, i):
        s, v = self.s, self.at(i)
        if v in ("++", "--", "&", "*", "+", "-", "!", "~", "&&"):
            x, j = self.unary(i + 1)
            return Node("unary", i, j, [x], v), j
        if v in ("sizeof", "__alignof__", "_Alignof"):
            if self.at(i + 1) == "(" and self.type_in_parens(i + 1) is not None:
                close = s.match(i + 1)
                base, _, _ = s.specifiers(i + 2)
                return Node("sizeof", i, close + 1, value=Type(base or ("name", "?"))), close + 1
            x, j = self.unary(i + 1)
            return Node("sizeof", i, j, [x]), j
        if v == "(":
            close = self.type_in_parens(i)
            if close is not None:
                type_ = self.type_name(i + 1, close)
                if self.at(close + 1) == "{":
                    x, j = self.initializer(close + 1)
                    return self.postfix(Node("literal", i, j, [x], type_), j)
                x, j = self.unary(close + 1)
                return Node("cast", i, j, [x], type_), j
            if self.at(i + 1) == "{":
                close = s.match(i)
                b, _ = self.block(i + 1)
                return self.postfix(Node("stmtexpr", i, close + 1, [b]), close + 1)
        return self.postfix(*self.primary(i))

    def type_name(self, i, end):
        base, j, _ = self.s.specifiers(i)
        derived = []
        while j < end:
            if self.at(j) == "*":
                derived.insert(0, "p")
            elif self.at(j) == "[":
                derived.append("a")
                j = self.s.match(j)
            j += 1
        return Type(base or ("name", "?"), derived)

    def primary(self, i):
        s = self.s
        if i >= s.count:
            raise ParseError("the end of the file in an expression")
        t = s.tokens[i]
        if t.text == "(":
            close = s.match(i)
            return Node("paren", i, close + 1, [self.between(i + 1, close)]), close + 1
        j = i
        while s.is_name(j) and j < i + 3 and self.at(j) not in KEYWORDS:
            j += 1
        if j < s.count and s.tokens[j].kind == "string":
            return self.strings(i)
        if t.kind in ("number", "char"):
            return Node("num", i, i + 1, value=t.text), i + 1
        if t.kind != "name":
            raise ParseError("line %d: '%s' in an expression" % (s.line(i), t.text))
        if t.text in KEYWORDS:
            raise ParseError("line %d: '%s' in an expression" % (s.line(i), t.text))
        if t.text in ("struct", "union", "const", "unsigned", "enum") or t.text in ARITHMETIC or (
                t.text in TYPES and t.text != "bool" and self.at(i + 1) in (",", ")", "*")):
            return self.type_argument(i)
        if self.at(i + 1) == "*" and self.at(i + 2) in (",", ")"):
            return Node("type", i, i + 2, value=Type(("name", t.text), "p")), i + 2
        return Node("id", i, i + 1, value=t.text), i + 1

    def strings(self, i):
        """Adjacent strings, with macros such as PRIx64 among them."""
        s, j = self.s, i
        while j < s.count and (s.tokens[j].kind == "string" or (
                s.tokens[j].kind == "name" and self.at(j) not in KEYWORDS)):
            if s.tokens[j].kind == "name" and self.at(j + 1) == "(":
                j = s.match(j + 1)
            j += 1
        return Node("str", i, j), j

    def type_argument(self, i):
        base, j, _ = self.s.specifiers(i)
        derived = []
        while self.at(j) == "*" or self.at(j) in QUALIFIERS:
            if self.at(j) == "*":
                derived.insert(0, "p")
            j += 1
        if j <= i:
            raise ParseError("line %d: '%s' in an expression" % (self.s.line(i), self.at(i)))
        return Node("type", i, j, value=Type(base or ("name", "?"), derived)), j

    def postfix(self, x, i):
        s = self.s
        while True:
            v = self.at(i)
            if v == "(":
                close = s.match(i)
                x = Node("call", x.first, close + 1, [x] + self.arguments(i + 1, close))
                i = close + 1
            elif v == "[":
                close = s.match(i)
                x = Node("index", x.first, close + 1, [x, self.between(i + 1, close)])
                i = close + 1
            elif v in (".", "->") and s.is_name(i + 1):
                x = Node("member", x.first, i + 2, [x], (v, self.at(i + 1)))
                i += 2
            elif v in ("++", "--"):
                x = Node("postfix", x.first, i + 1, [x], v)
                i += 1
            else:
                return x, i

    def arguments(self, i, close):
        """The arguments of a call or macro: expressions, types, operators, initializers."""
        args = []
        while i < close:
            v = self.at(i)
            if v == ",":
                i += 1
                continue
            if (v in BINARY and self.at(i + 1) in (",", ")")) or v in ("==", "!=", "<", ">", "<=", ">="):
                args.append(Node("num", i, i + 1, value=v))
                i += 1
                continue
            if v == "{":
                y, i = self.initializer(i)
                args.append(y)
                continue
            if v in KEYWORDS and v != "sizeof":
                j = self.s.find(i, close, ",")
                args.append(Node("num", i, j, value="?"))
                i = j
                continue
            y, i = self.assignment(i)
            args.append(y)
            if i != close and self.at(i) != ",":
                raise ParseError("line %d: '%s' after an argument" % (self.s.line(i), self.at(i)))
        return args
