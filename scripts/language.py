#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Check the language of comments and documents.

A comment opens with a verb, a noun or a condition, never with a free relative clause: not with
"what", "whether", "who", "whose" or "where". The rule holds for the first word of a comment, of a
docstring, of a description in a kernel-doc block (behind "name() - " or "@name: "), and of a help
text in the Makefile. And some words are not used at all, in any file: FORBIDDEN lists them, each
with what to write.

    scripts/language.py [ROOT]      exit status 1 if there are findings
    scripts/language.py --all       those too of the files that language-allowed.txt still excuses
    scripts/language.py --count     the number of findings in each file
    scripts/language.py --prune     take files without findings off that list
"""

import collections
import os
import re
import sys

sys.dont_write_bytecode = True

import tree

OPENING = r"(?i:what(?:ever)?|whether|who(?:ever)?|whose|where)\b"

# word or pattern, what to write
FORBIDDEN = [
    (r"homecoming|iommu_home_\w*", "unmap_release, iommu_release_*"),
    (r"thief|thieves|stolen", "remote drain"),
    (r"latecomers?", "device that attaches later"),
    (r"\w*EHUNG\w*", "DMAH_ETIMEDOUT"),
    (r"dmah_storm\w*", "rate limit"),
    (r"untold|told", "reported, suppressed; name who is informed of what"),
    (r"plain_map\w*", "fast_map_*"),
    (r"see_to|see_to_\w+", "handle_gerror, or the act itself"),
    (r"no matter", "may be NULL, any"),
    (r"(?:an )?earlier (?:life|lives)", "previous owner"),
    (r"without end", "again and again, or the limit"),
    (r"go(?:es)? (?:their|its) way", "is released"),
    (r"riddles?|fables?|ghosts?", "say what happens"),
]
# The library and its documents call the time of an event a timestamp; a script may have a stamp file.
TIMESTAMP = (r"date-?stamps?|stamps?|stamped", "timestamp")
FORBIDDEN = [(re.compile(r"(?<![\w./-])(?:%s)(?!\w)" % p, re.IGNORECASE), p, use)
             for p, use in FORBIDDEN + [TIMESTAMP]]

# Files that still have such comments. The list only shrinks.
ALLOWED = "scripts/language-allowed.txt"

C_FILES = (".c", ".h", ".inc", ".cc", ".S")
HASH_FILES = (".py", ".sh", ".build", ".ini", ".awk", ".gp", ".gnuplot")
TEXT_FILES = (".md", ".1", ".txt")
# Text that is not this project's own, or lists the words.
LEAVE = re.compile(r"^(LICENSES/|traces/|scripts/language|tests/lint/|tests/.*/(corpus|data|cases)/)")

KERNEL_DOC = re.compile(r"^(?:(?:struct|enum|union|typedef|define)\s+)?[\w ]+(?:\(\))?\s+-\s+(.*)$")
MEMBER = re.compile(r"^@[\w, @.]+:\s*(.*)$")
DIRECTION = re.compile(r"^(?:Return|Context|Example|Note):\s*(.*)$")


def kind_of(path):
    name = os.path.basename(path)
    if LEAVE.match(path):
        return None
    if path.endswith(C_FILES):
        return "c"
    if path.endswith(HASH_FILES) or name in ("Makefile", "run", "meson_options.txt", "Kbuild"):
        return "hash"
    if path.endswith(TEXT_FILES):
        return "text"
    return None


def c_comments(text):
    """Yield (line number, text of one comment), leaving out what is within string literals."""
    token = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', re.DOTALL)
    line, at = 1, 0
    for found in token.finditer(text):
        line += text.count("\n", at, found.start())
        at = found.start()
        body = found.group()
        if body.startswith("/*"):
            yield line, body[2:-2]
        elif body.startswith("//"):
            yield line, body[2:]


def openings_c(text):
    """Yield (line number, text) for every place where a description begins."""
    last_line_comment = None
    for line, body in c_comments(text):
        lines = [re.sub(r"^\s*\*?\s?", "", l).strip() for l in body.split("\n")]
        doc = body.startswith("*")
        one = "\n" not in body
        # A // comment that goes on from the line above is not a new one.
        if one and last_line_comment == line - 1 and text.split("\n")[line - 1].lstrip().startswith("//"):
            last_line_comment = line
            continue
        last_line_comment = line if one else None
        first = True
        for number, content in enumerate(lines, line):
            content = content.lstrip("*").strip()
            if not content:
                continue
            if content.startswith("SPDX"):
                first = False
                continue
            named = MEMBER.match(content) or DIRECTION.match(content)
            if doc and first:
                named = named or KERNEL_DOC.match(content)
            if named:
                yield number, named.group(1)
            elif first:
                yield number, re.sub(r"^[\w./-]+:\s+", "", content)
            first = False


def openings_hash(path, text):
    """The same for files whose comments begin with a hash; docstrings of Python too."""
    if path.endswith(".py"):
        for found in re.finditer(r'^[ \t]*[rR]?"""[ \t]*\n?[ \t]*([^\n]*)', text, re.MULTILINE):
            before = text[:found.start()].rstrip()
            # Only where a docstring can stand: at the head of a file, or after "def ...:".
            if before.endswith(":") or not before or before.split("\n")[-1].startswith("#"):
                yield text.count("\n", 0, found.start(1)) + 1, found.group(1)
    previous = False
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if os.path.basename(path) == "Makefile" and "## " in line:
            yield number, line.split("## ", 1)[1]
        if stripped.startswith("#!"):
            continue
        if stripped.startswith("#"):
            content = stripped.lstrip("#").strip()
            if not content or content.startswith("SPDX"):
                previous = False
                continue
            if not previous:
                yield number, content
            previous = True
            continue
        previous = False
        # A comment behind code; a quote behind it means that the hash may be within a string.
        trailing = re.search(r"\s#\s+([^'\"]*)$", line)
        if trailing:
            yield number, trailing.group(1)


def check_text(path, text):
    """Yield (line number, finding) for one file."""
    kind = kind_of(path)
    if kind is None:
        return
    openings = ()
    if kind == "c":
        openings = openings_c(text)
    elif kind == "hash":
        openings = openings_hash(path, text)
    for number, content in openings:
        found = re.match(OPENING, content)
        if found:
            yield number, "opens with '%s': %s" % (found.group(), content[:60])
    for number, line in enumerate(text.split("\n"), 1):
        for pattern, source, use in FORBIDDEN:
            found = pattern.search(line)
            if found and not (source == TIMESTAMP[0] and kind == "hash"):
                yield number, "'%s': write %s" % (found.group(), use)


def main():
    options = {a for a in sys.argv[1:] if a.startswith("--")}
    args = [a for a in sys.argv[1:] if a not in options]
    root = args[0] if args else tree.ROOT
    excused = tree.read_list(root, ALLOWED)
    tally = collections.Counter()
    failed = 0
    for path in tree.files(root):
        if kind_of(path) is None:
            continue
        for number, finding in sorted(set(check_text(path, tree.read(root, path)))):
            tally[path] += 1
            if path not in excused:
                failed += 1
            if "--count" not in options and (path not in excused or "--all" in options):
                print("%s:%d: %s" % (path, number, finding))
    if "--prune" in options:
        tree.write_list(root, ALLOWED, [p for p in excused if tally[p]])
    if "--count" in options:
        for path, n in sorted(tally.items()):
            print("%4d %s" % (n, path))
        print("%4d in %d files" % (sum(tally.values()), len(tally)))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
