# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Tokens of C source that was not preprocessed.

Outside of directives "#" stands nowhere, so each begins one.

Every branch of an #if is read, so that all architectures and configurations are converted. Two cases
leave text out: the first branch of `#if 0`, and the later branches of an #if whose first branch ends
inside an expression or a block (both branches together would not parse). Left-out text is recorded in
`Source.dropped`, so a DMA call in it is reported.
"""

import re

PATTERN = re.compile(r'''
  (?P<space>[ \t\r\n\f\v]+|\\\r?\n)
| (?P<comment>/\*.*?\*/|//[^\n]*)
| (?P<directive>\#(?:\\\r?\n|/\*.*?\*/|[^\n])*)
| (?P<name>[A-Za-z_]\w*)
| (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
| (?P<string>L?"(?:\\.|[^"\\\n])*")
| (?P<char>'(?:\\.|[^'\\\n])+')
| (?P<op>\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)
''', re.S | re.M | re.X)

OPEN = {"(": ")", "[": "]", "{": "}"}
CLOSE = {")", "]", "}"}


class Token:
    """One token: kind (a group of PATTERN), text, and its range in the source."""

    __slots__ = ("kind", "text", "start", "end")

    def __init__(self, kind, text, start, end):
        self.kind = kind
        self.text = text
        self.start = start
        self.end = end

    def __repr__(self):
        return self.text


class Branches:
    """One #if: where its tokens begin, and whether its first branch stands for itself."""

    __slots__ = ("start", "taken", "balanced", "second")

    def __init__(self, start, taken):
        self.start = start
        self.taken = taken        # False: `#if 0`
        self.balanced = None      # of the first branch, known at #else
        self.second = None        # token index where the later branches begin


def balanced(tokens):
    """Returns true if the tokens are whole statements, declarations or list entries."""
    depth = 0
    for t in tokens:
        if t.text in OPEN and t.kind == "op":
            depth += 1
        elif t.text in CLOSE and t.kind == "op":
            depth -= 1
    return depth == 0 and (not tokens or tokens[-1].text in (";", "}", ":", ","))


def lex(text):
    """Return (tokens, directives, dropped): directives are (start, end, text), dropped (start, end)."""
    tokens, directives, dropped, stack = [], [], [], []

    def drop(start):
        if start < len(tokens):
            dropped.append((tokens[start].start, tokens[-1].end))
            del tokens[start:]

    for m in PATTERN.finditer(text):
        kind = m.lastgroup
        if kind in ("space", "comment"):
            continue
        if kind != "directive":
            tokens.append(Token(kind, m.group(), m.start(), m.end()))
            continue
        line = m.group().strip()
        directives.append((m.start(), m.end(), line))
        d = re.match(r"#\s*(\w+)\s*(.*)", line, re.S)
        if not d:
            continue
        word, rest = d.groups()
        if word in ("if", "ifdef", "ifndef"):
            stack.append(Branches(len(tokens), not (word == "if" and re.match(r"0\s*(/[/*]|$)", rest))))
        elif word in ("else", "elif", "elifdef", "elifndef") and stack:
            b = stack[-1]
            if not b.taken:
                drop(b.start)
                b.taken = True
            elif b.balanced is None:
                b.balanced = balanced(tokens[b.start:])
                b.second = len(tokens)
        elif word == "endif" and stack:
            b = stack.pop()
            if not b.taken:
                drop(b.start)
            elif b.second is not None and not b.balanced:
                drop(b.second)
    return tokens, directives, dropped
