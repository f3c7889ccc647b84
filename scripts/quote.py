#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Put tables of a run between the marks of a document: <!-- run: NAME --> and <!-- end -->.

usage: quote.py DOCUMENT TABLES...

TABLES are files of such blocks; "-" is standard input. Every block of the document must be in them.
"""

import re
import sys

BLOCK = re.compile(r"(<!-- run: (\S+) -->)\n(.*?)(<!-- end -->)", re.S)


def read(path):
    if path == "-":
        return sys.stdin.read()
    with open(path, encoding="utf-8") as f:
        return f.read()


def main():
    if len(sys.argv) < 3 or sys.argv[1].startswith("--"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    document = sys.argv[1]
    try:
        blocks = {name: body for path in sys.argv[2:] for _, name, body, _ in BLOCK.findall(read(path))}
        text = read(document)
        wanted = [name for _, name, _, _ in BLOCK.findall(text)]
        missing = [name for name in wanted if name not in blocks]
        if missing or not wanted:
            print("quote.py: %s: %s" % (document, "the run has no table " + ", ".join(missing) if missing else
                                        "no marks of a run"), file=sys.stderr)
            return 1
        text = BLOCK.sub(lambda m: m.group(1) + "\n" + blocks[m.group(2)] + m.group(4), text)
        with open(document, "w", encoding="utf-8") as f:
            f.write(text)
    except OSError as err:
        print("quote.py: %s" % err, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
