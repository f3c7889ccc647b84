# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Expressions that change something where they are evaluated.

A converted call leaves out the length and the direction of the original, and some forms name the place of a
handle several times. Neither may be where the expression does more than read.
"""

import re

from . import moves
from .facts import setter_target, strip
from .rules import HARMLESS, READS, SITES, UNMAPS

CHANGES = {"assign", "postfix", "stmtexpr"}
IN_MACRO = re.compile(r"\+\+|--|(?<![=!<>])=(?!=)")
DEPTH = 3


def changes(n):
    """Returns true for a node that changes what one of its parts names."""
    return n.kind in CHANGES or (n.kind == "unary" and n.value in ("++", "--"))


def macro(analysis, facts, name):
    """The text of a macro that a file sees, or None."""
    for p in analysis.tree.closure(facts.source.path):
        if name in analysis.tree.words(p) and name in analysis.tree.source(p).macros:
            return analysis.tree.source(p).macros[name][1]
    return None


def macro_with(source, f, variable):
    """The macro of a file that a function uses and that names a variable of the function, or None."""
    named = re.compile(r"(?<![\w.>])%s\b" % re.escape(variable))
    found = [m for m, (args, text) in source.macros.items()
             if named.search(text) and variable not in re.findall(r"\w+", args or "")]
    return next((x.value for x in f.body().walk() if x.kind == "id" and x.value in found), None) if found else None


def outlives(analysis, f, n):
    """Returns true if a store goes beyond the function's own variables."""
    n = strip(n)
    while n.kind == "member" and n.value[0] == ".":
        n = strip(n.kids[0])
    if n.kind != "id":
        return True
    key, _ = analysis.file(f.source.path).typer(f).variable(n, n.value)
    return key is None or key[0] == "global"


def function(analysis, f, depth):
    """Returns true if a function stores into anything but its own variables."""
    memo = analysis.effects
    k = (f.source.path, f.name, depth)
    if k not in memo:
        memo[k] = False
        memo[k] = any(
            outlives(analysis, f, n.kids[0]) if changes(n) and n.kind != "stmtexpr" else
            n.kind == "call" and depth and call(analysis, analysis.file(f.source.path), n, False, depth - 1)
            for n in f.body().walk())
    return memo[k]


def call(analysis, facts, n, strict, depth):
    name = n.callee()
    if name in moves.QUIET or name in READS or name in HARMLESS:
        return False
    f = analysis.find_function(facts, name)
    if f is not None and f.opening:
        return function(analysis, f, depth)
    text = macro(analysis, facts, name) if name else None
    return strict if text is None else bool(IN_MACRO.search(text))


def effect(analysis, facts, n, strict=False):
    """Returns true if an expression changes something. strict: or calls what is not known."""
    return any(changes(x) or (x.kind == "call" and call(analysis, facts, x, strict, DEPTH)) for x in n.walk())


def left_out(site):
    """The arguments of an unmap or sync that the converted call does not have."""
    call_ = SITES[site.name]
    kept = {0, 1, getattr(call_, "attrs", None), getattr(call_, "offset", None)}
    if site.name not in UNMAPS:
        kept.add(call_.length)
    return [a for i, a in enumerate(site.node.args()) if i not in kept]


def study(analysis):
    """Block the slots of which an expression is left out or repeated that must be evaluated once."""
    for site in analysis.sites:
        facts = analysis.file(site.path)
        s = analysis.slots.get(site.slot)
        if s is not None and not s.blocked() and any(effect(analysis, facts, a) for a in left_out(site)):
            s.block("side_effect", "%s:%d" % (site.path, site.line))
    for s in analysis.slots.values():
        if s.blocked():
            continue
        if s.key[0] in ("local", "param"):
            source = analysis.file(s.key[1]).source
            f = source.functions[s.key[2]]
            used = macro_with(source, f, s.key[3] if s.key[0] == "local" else f.params[s.key[3]].name or "?")
            if used is not None:
                s.block("macro_use", used)
                continue
        strict = s.form in ("beside", "window") or s.view is not None
        for r in s.refs:
            if r.how not in moves.STORES and r.how not in moves.USES:
                continue
            n = {"set": lambda: setter_target(r.node), "init": lambda: None, "field": lambda: None}.get(
                r.how, lambda: r.node)()
            # A descriptor's calls are those that read and write it: rings.py knows them.
            if n is not None and (any(changes(x) for x in n.walk()) if s.form == "ring" else effect(
                    analysis, analysis.file(r.source.path), n, strict)):
                s.block("side_effect", r.where())
                break
