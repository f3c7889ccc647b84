# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The lists of mutants, tests/mutants/*.txt: read and checked. mutants.py describes their format."""


class ListError(Exception):
    """A list is not understood; the text names file and line."""


class Mutant:
    """One fault.

    name:   its name
    where:  file and line of the list
    breaks: the invariant, as text
    why:    the fault in words
    config: the build that shows the fault
    expect: pairs of a suite and a pattern for the names of its cases, or None
    edits:  lists of file, old text, new text
    """

    def __init__(self, name, where):
        self.name = name
        self.where = where
        self.breaks = ""
        self.why = ""
        self.config = "native"
        self.expect = []
        self.edits = []

    def __str__(self):
        return "%s (invariant %s)" % (self.name, self.breaks)


def parse(path, configs):
    """Read one list, whose mutants may name these configurations. Raises ListError."""
    mutants = []
    current = None
    part = None      # which text block is being read: "old", "new"
    block = []
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    for number, line in enumerate(lines, 1):
        where = "%s:%d: " % (path, number)
        if line.startswith("---- "):
            word = line[5:].strip()
            if current is None:
                raise ListError(where + "text before any mutant")
            if part:
                current.edits[-1][{"old": 1, "new": 2}[part]] = "\n".join(block)
            block = []
            if word == "old" and part is None:
                if not current.edits or current.edits[-1][1] is not None:
                    raise ListError(where + "no file: line for this text")
                part = "old"
            elif word == "new" and part == "old":
                part = "new"
            elif word == "end" and part == "new":
                part = None
                check(current, where)
                mutants.append(current)
                current = None
            elif word == "and" and part == "new":
                part = None
            else:
                raise ListError(where + "'---- %s' does not belong here" % word)
            continue
        if part:
            block.append(line)
            continue
        if not line.strip() or line.startswith("#"):
            continue
        key, colon, value = line.partition(":")
        value = value.strip()
        if not colon:
            raise ListError(where + "neither 'key: value' nor a comment: " + line)
        if key == "mutant":
            if current is not None:
                raise ListError(where + "%s has no '---- end'" % current.name)
            current = Mutant(value, where)
            continue
        if current is None:
            raise ListError(where + "'%s:' before 'mutant:'" % key)
        if key in ("breaks", "why"):
            setattr(current, key, value)
        elif key == "config":
            if value not in configs:
                raise ListError(where + "no such configuration: " + value)
            current.config = value
        elif key == "file":
            current.edits.append([value, None, None])
        elif key == "expect":
            for word in value.split():
                suite, slash, case = word.partition("/")
                current.expect.append((suite, case if slash else None))
        else:
            raise ListError(where + "unknown key '%s'" % key)
    if current is not None:
        raise ListError("%s: the last mutant, %s, has no '---- end'" % (path, current.name))
    return mutants


def check(m, where):
    for what, have in (("breaks:", m.breaks), ("expect:", m.expect), ("file:", m.edits)):
        if not have:
            raise ListError(where + "%s has no '%s'" % (m.name, what))
    for name, old, new in m.edits:
        if old is None or new is None:
            raise ListError(where + "%s: %s has no old or new text" % (m.name, name))
        if old == new:
            raise ListError(where + "%s: old and new text are the same" % m.name)
        if not old.strip():
            raise ListError(where + "%s: the old text is empty" % m.name)


def load(paths, configs):
    """Read several lists; no two mutants may have one name."""
    mutants = []
    for path in paths:
        mutants += parse(path, configs)
    seen = {}
    for m in mutants:
        if m.name in seen:
            raise ListError(m.where + "the name %s is taken by %s" % (m.name, seen[m.name]))
        seen[m.name] = m.where.rstrip(": ")
    return mutants
