# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The control flow of one function, and questions about its paths.

A unit is a statement without inner statements, or the condition of one with them. A place is (unit,
token): an event within a unit, in the order of its tokens. Where the parse is not certain about an
edge (a macro that looks like a loop) the edge is added, so a
"may reach" has too many answers and never too few.
"""

import collections

EXIT = -1
END = 1 << 30


class Graph:
    """units: nodes. next: {unit: units that may follow it}."""

    def __init__(self, f):
        self.units = []
        self.unit_of = {}
        self.next = collections.defaultdict(set)
        self.labels = {}
        self.gotos = []
        self.inside = []        # enclosing loops and switches: [kind, continue target, breaks]
        self.entry = self.unit(None, ())
        for u in self.build(f.body(), {self.entry}):
            self.next[u].add(EXIT)
        for u, label in self.gotos:
            self.next[u].add(self.labels.get(label, EXIT))

    # ---- building

    def unit(self, n, before):
        u = len(self.units)
        self.units.append(n)
        if n is not None:
            self.unit_of[id(n)] = u
        for b in before:
            self.next[b].add(u)
        return u

    def build(self, n, ins):
        """Add a statement; return the units after which it is left at its end."""
        make = getattr(self, "build_" + n.kind, None)
        return make(n, ins) if make else {self.unit(n, ins)}

    def build_block(self, n, ins):
        for kid in n.kids:
            ins = self.build(kid, ins)
        return ins

    def build_if(self, n, ins):
        c = self.unit(n.kids[0], ins)
        outs = self.build(n.kids[1], {c})
        return outs | (self.build(n.kids[2], {c}) if len(n.kids) > 2 else {c})

    def enclosed(self, kind, target, inner, ins):
        """Build a loop's or switch's inner statement; return (its ends, its breaks)."""
        self.inside.append([kind, target, set()])
        outs = self.build(inner, ins)
        return outs, self.inside.pop()[2]

    def build_while(self, n, ins):
        c = self.unit(n.kids[0], ins)
        outs, breaks = self.enclosed("loop", c, n.kids[-1], {c})
        for u in outs:
            self.next[u].add(c)
        endless = n.kind == "while" and n.kids[0].kind == "num" and n.kids[0].value != "0"
        return breaks if endless else breaks | {c}

    build_iter = build_while

    def build_do(self, n, ins):
        top, end = self.unit(None, ins), self.unit(n.kids[1], ())
        outs, breaks = self.enclosed("loop", end, n.kids[0], {top})
        for u in outs:
            self.next[u].add(end)
        if not (n.kids[1].kind == "num" and n.kids[1].value == "0"):
            self.next[end].add(top)
        return breaks | {end}

    def build_for(self, n, ins):
        heads = dict(zip(n.value, n.kids[:-1]))
        if 0 in heads:
            ins = {self.unit(heads[0], ins)}
        c = self.unit(heads.get(1), ins)
        step = self.unit(heads.get(2), ())
        outs, breaks = self.enclosed("loop", step, n.kids[-1], {c})
        for u in outs:
            self.next[u].add(step)
        self.next[step].add(c)
        return breaks | {c} if 1 in heads else breaks

    def build_switch(self, n, ins):
        c = self.unit(n.kids[0], ins)
        self.inside.append(["switch", c, set(), False])
        outs = self.build(n.kids[1], ())
        _, _, breaks, default = self.inside.pop()
        return set(outs) | breaks | (set() if default else {c})

    def build_case(self, n, ins):
        u = self.unit(n, ins)
        for around in reversed(self.inside):
            if around[0] == "switch":
                self.next[around[1]].add(u)
                around[3] = around[3] or not n.kids
                break
        return {u}

    def build_label(self, n, ins):
        u = self.labels[n.value] = self.unit(n, ins)
        return {u}

    def build_goto(self, n, ins):
        self.gotos.append((self.unit(n, ins), n.value))
        return set()

    def build_return(self, n, ins):
        self.next[self.unit(n, ins)].add(EXIT)
        return set()

    def build_jump(self, n, ins):
        u = self.unit(n, ins)
        for around in reversed(self.inside):
            if n.value == "break":
                around[2].add(u)
                return set()
            if around[0] == "loop":
                self.next[u].add(around[1])
                return set()
        self.next[u].add(EXIT)
        return set()

    # ---- asking

    def place(self, n, token=None):
        """The place of a node: its first token, or the given one."""
        token = n.first if token is None else token
        while n is not None:
            u = self.unit_of.get(id(n))
            if u is not None:
                return u, token
            n = n.parent
        return self.entry, token

    def reach(self, start, kills=()):
        """Return a test: may a place be executed behind start, before any of the kills?"""
        stops = collections.defaultdict(list)
        for u, t in kills:
            stops[u].append(t)
        unit, token = start
        tail = min((t for t in stops.get(unit, ()) if t > token), default=END)
        seen, stack = {}, list(self.next[unit]) if tail == END else []
        while stack:
            u = stack.pop()
            if u in seen:
                continue
            seen[u] = min(stops.get(u, ()), default=END)
            if seen[u] == END and u != EXIT:
                stack += self.next[u]

        def test(place):
            u, t = place
            return (u == unit and token < t <= tail) or (u in seen and t <= seen[u])

        return test

    def start(self):
        return self.entry, -1


LEAVES = (EXIT, 0)


def graph(f):
    """The control flow of a function, made once."""
    g = getattr(f, "graph", None)
    if g is None:
        g = f.graph = Graph(f)
    return g
