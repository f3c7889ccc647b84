# SPDX-License-Identifier: GPL-2.0-only
"""Small counted edits of C source, Kconfig and Makefiles.

An edit file holds rules. Each rule names a file, may name one function or one initialised table in
it, and says how often it must match there. A rule that matches more or less often than that is an
error: a source that has changed under a rule is never edited in part.

    # comment
    file drivers/iommu/dma-iommu.c
    in iommu_dma_unmap_phys
    before 1
    <<<
    phys = iommu_iova_to_phys(
    ---
    	if (nothing_needs_it(dev))
    		return;
    >>>

Actions, each with the number of matches that it must have:

    before N    put the lines ahead of the line on which the match begins
    after N     put the lines behind the line on which the match ends
    replace N   put the text in place of exactly what matched
    append      put the lines at the end of the file; this action has no pattern

The pattern is a sequence of C tokens: white space, line breaks and comments do not matter. `$name`
stands for one identifier, `...` for the shortest run of tokens in which brackets are balanced; a
replacement may use `$name`. `in NAME` narrows the rule to the body and the head of the function
NAME, or to a `struct NAME {...}` or `NAME = {...}`; the file must define it exactly once. `file`
and `in` hold until the next `file` or `in`; `in *` widens the rules to the whole file again.
"""

import re

TOKEN = re.compile(r"""
    (?P<comment>/\*.*?\*/|//[^\n]*)
  | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
  | (?P<word>[A-Za-z_0-9]+)
  | (?P<mark>\S)
""", re.X | re.S)
PATTERN_TOKEN = re.compile(r"\.\.\.|\$[a-z_]+|" + TOKEN.pattern, re.X | re.S)

OPEN = {"(": ")", "[": "]", "{": "}"}
CLOSE = {v: k for k, v in OPEN.items()}


class Error(Exception):
    """A rule that cannot be read, or that does not match as often as it must."""


class Rule:
    """One rule of an edit file."""

    def __init__(self, where, path, scope, action, count, pattern, text):
        self.where = where          # "NN-name/edits:12"
        self.path = path
        self.scope = scope          # a name, or None for the whole file
        self.action = action
        self.count = count
        self.pattern = pattern
        self.text = text

    def __str__(self):
        scope = " in %s" % self.scope if self.scope else ""
        return "%s: %s%s" % (self.where, self.path, scope)


def parse(text, name):
    """Returns the rules of an edit file. name is used in messages."""
    rules = []
    path = scope = None
    lines = text.split("\n")
    n = 0

    def fail(message):
        raise Error("%s:%d: %s" % (name, n, message))

    while n < len(lines):
        line = lines[n].strip()
        n += 1
        if not line or line.startswith("#"):
            continue
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        if word == "file":
            if not rest:
                fail("file needs a path")
            path, scope = rest, None
        elif word == "in":
            if not path:
                fail("in comes ahead of the first file")
            scope = None if rest == "*" else rest
        elif word in ("before", "after", "replace", "append"):
            if not path:
                fail("%s comes ahead of the first file" % word)
            start = n
            if word == "append":
                if rest or scope:
                    fail("append takes no number, and the whole file")
                count = 0
            elif not re.match(r"[1-9][0-9]*$", rest):
                fail("%s needs the number of matches, not '%s'" % (word, rest))
            else:
                count = int(rest)
            if n >= len(lines) or lines[n].strip() != "<<<":
                fail("%s is not followed by <<<" % word)
            n += 1
            block = []
            while n < len(lines) and lines[n] != ">>>":
                block.append(lines[n])
                n += 1
            if n >= len(lines):
                n = start
                fail("the block of %s has no >>>" % word)
            n += 1
            pattern = []
            if word != "append":
                if block.count("---") != 1:
                    n = start
                    fail("the block of %s needs one line --- between pattern and text" % word)
                cut = block.index("---")
                pattern, block = block[:cut], block[cut + 1:]
                if not tokens("\n".join(pattern), PATTERN_TOKEN, has_comments(path)):
                    n = start
                    fail("the pattern of %s is empty" % word)
            rules.append(Rule("%s:%d" % (name, start), path, scope, word, count,
                              "\n".join(pattern), "\n".join(block)))
        else:
            fail("'%s' is not file, in, before, after, replace or append" % word)
    return rules


def has_comments(path):
    """Returns true if C comments are comments in a file of that name."""
    return path.endswith((".c", ".h"))


def tokens(text, form=TOKEN, comments=True):
    """Returns (text, start, end) of each token; comments: leave C comments out."""
    found = []
    pos = 0
    while True:
        m = form.search(text, pos)
        if not m:
            return found
        if m.lastgroup == "comment" and not comments:
            # In any other file a slash is a token as each other mark.
            found.append((text[m.start()], m.start(), m.start() + 1))
            pos = m.start() + 1
            continue
        if m.lastgroup != "comment":
            found.append((m.group(0), m.start(), m.end()))
        pos = m.end()


def balanced(toks, at):
    """Returns the index behind the bracket that closes the one at index at, or None."""
    depth = 0
    for n in range(at, len(toks)):
        if toks[n][0] in OPEN:
            depth += 1
        elif toks[n][0] in CLOSE:
            depth -= 1
            if depth == 0:
                return n + 1
    return None


def scopes(toks, name):
    """Returns (first, behind the last) token of each definition of name at the file's top level."""
    found = []
    depth = 0
    n = 0
    start = 0       # of the declaration that token n is in
    while n < len(toks):
        text = toks[n][0]
        if depth == 0 and text == name:
            end = definition(toks, n)
            if end:
                found.append((start, end))
                n = start = end
                continue
        if text in OPEN:
            depth += 1
        elif text in CLOSE:
            depth = max(0, depth - 1)
        n += 1
        if depth == 0 and text in (";", "}"):
            start = n
    return found


def definition(toks, n):
    """Returns the index behind the definition of the name at index n, or None where it is only used."""
    after = n + 1
    if after < len(toks) and toks[after][0] == "(":             # a function's head
        after = balanced(toks, after)
        if after is None or after >= len(toks) or toks[after][0] != "{":
            return None
        return balanced(toks, after)
    while after < len(toks) and toks[after][0] in "[]=":
        after += 1
    if after < len(toks) and toks[after][0] == "{":             # a struct or an initialiser
        end = balanced(toks, after)
        if end and end < len(toks) and toks[end][0] == ";":
            end += 1
        return end
    return None


def match(toks, n, limit, pattern, names):
    """Returns the index behind a match of the pattern at token n, or None. Fills names."""
    if not pattern:
        return n
    want = pattern[0][0]
    if want == "...":
        depth = 0
        while n <= limit:
            if depth == 0:
                trial = dict(names)
                end = match(toks, n, limit, pattern[1:], trial)
                if end is not None:
                    names.update(trial)
                    return end
            if n == limit:
                return None
            if toks[n][0] in OPEN:
                depth += 1
            elif toks[n][0] in CLOSE:
                depth -= 1
                if depth < 0:
                    return None
            n += 1
        return None
    if n >= limit:
        return None
    have = toks[n][0]
    if want[0] == "$" and len(want) > 1:
        if not re.match(r"[A-Za-z_]", have) or names.setdefault(want, have) != have:
            return None
    elif want != have:
        return None
    return match(toks, n + 1, limit, pattern[1:], names)


def matches(rule, text, comments):
    """Returns (start, end, names) of each match of a rule, in characters of text."""
    toks = tokens(text, comments=comments)
    pattern = tokens(rule.pattern, PATTERN_TOKEN, comments)
    first, last = 0, len(toks)
    if rule.scope:
        found = scopes(toks, rule.scope)
        if len(found) != 1:
            raise Error("%s: the file defines %s %d times, not once" % (rule, rule.scope, len(found)))
        first, last = found[0]
    found = []
    n = first
    while n < last:
        names = {}
        end = match(toks, n, last, pattern, names)
        if end is None:
            n += 1
            continue
        found.append((toks[n][1], toks[end - 1][2], names))
        n = end
    return found


def apply_rule(rule, text):
    """Returns the text as the rule changes it; an Error where the number of matches is another."""
    if rule.action == "append":
        return text.rstrip("\n") + "\n" + rule.text + "\n"
    found = matches(rule, text, has_comments(rule.path))
    if len(found) != rule.count:
        raise Error("%s: the pattern matches %d times, not %d:\n    %s"
                    % (rule, len(found), rule.count, rule.pattern.strip().replace("\n", "\n    ")))
    for start, end, names in reversed(found):
        new = re.sub(r"\$[a-z_]+", lambda m, names=names: names.get(m.group(0), m.group(0)), rule.text)
        if rule.action == "before":
            start = end = text.rfind("\n", 0, start) + 1
            new += "\n"
        elif rule.action == "after":
            line = text.find("\n", end)
            start = end = len(text) if line < 0 else line + 1
            new += "\n"
        text = text[:start] + new + text[end:]
    return text


def apply(rules, read):
    """Apply rules in their order. read(path) returns a file's text. Returns {path: new text}.

    Nothing is written here, so a rule that fails leaves no file half edited.
    """
    done = {}
    for rule in rules:
        if rule.path not in done:
            text = read(rule.path)
            if text is None:
                raise Error("%s: the source has no such file" % rule)
            done[rule.path] = text
        new = apply_rule(rule, done[rule.path])
        if new == done[rule.path]:
            raise Error("%s: the rule changes nothing" % rule)
        done[rule.path] = new
    return done
