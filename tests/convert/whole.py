#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""All drivers, converted and run on both kernels, in parts that are kept: make convert-drivers.

    whole.py DMAH RECORD [PART...]

A part is one boot, or the figures of the sources; its results are kept in build/convert-drivers, with a sum over the converter, the
module and the tests that it runs. A part that ended well with this sum is not run again, so an interrupted run goes on where it ended. At
the end stands a summary, and the tables go to build/convert-drivers/tables.md; with --document FILE also into that file, between the
lines "<!-- convert-drivers -->" and "<!-- convert-drivers end -->". Exit status: 0 all parts ended well, 1 some did not.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "lab"), os.path.join(ROOT, "tools")]

import figures  # noqa: E402
import instructions  # noqa: E402
from convert.rules import RULES  # noqa: E402
from drivers import DISK, DRIVERS, NET, ORIGINAL  # noqa: E402

KERNELS = ("7.3", "6.12")
OUT = os.path.join(ROOT, "build", "convert-drivers")
# The results of each kind of part depend on these, and on Debian's packages.
CONVERTER, MODULE = ("tools/convert",), ("ports/linux", "src/iova", "src/base", "include")
DEPENDS = {
    "figures": CONVERTER + ("tests/convert/figures.py", "tests/convert/drivers.py"),
    "instructions": CONVERTER + MODULE + ("tests/convert/instructions.py", "tests/convert/disk.py", "tests/convert/direct.c"),
    NET: CONVERTER + MODULE + ("tests/convert/guest.py", "tests/convert/inject", "tests/convert/net.py", "tests/convert/ring.c"),
    DISK: CONVERTER + MODULE + ("tests/convert/guest.py", "tests/convert/inject", "tests/convert/disk.py",
                                "tests/convert/direct.c")}
MARK, MARK_END = "<!-- convert-drivers -->", "<!-- convert-drivers end -->"


class Part:
    """One run whose results are kept.

    name:   of the part, its file and its log
    kind:   "run", "figures" or "instructions"
    driver: None or a row of drivers.py
    argv:   the program and its arguments, to which "--json FILE" is added
    """

    def __init__(self, name, kind, driver, program, *argv):
        self.name = name
        self.kind = kind
        self.driver = driver
        self.argv = [sys.executable, os.path.join(HERE, program)] + list(argv)

    def path(self, ending):
        return os.path.join(OUT, self.name + ending)

    def kept(self, key):
        """The results, or None where the part is to be run."""
        try:
            with open(self.path(".json"), encoding="utf-8") as f:
                found = json.load(f)
        except (OSError, ValueError):
            return None
        return found if found["key"] == key else None

    def run(self, key):
        """Run, keep the results. Return: them."""
        made = self.path(".made")
        start = time.monotonic()
        with open(self.path(".log"), "w", encoding="utf-8") as log:
            status = subprocess.run(self.argv[:2] + ["--json", made] + self.argv[2:], stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=subprocess.STDOUT, check=False).returncode
        data = None
        if os.path.exists(made):
            with open(made, encoding="utf-8") as f:
                data = json.load(f)
            os.unlink(made)
        result = {"key": key, "commit": commit(), "status": status, "seconds": round(time.monotonic() - start), "data": data}
        with open(self.path(".json"), "w", encoding="utf-8") as f:
            json.dump(result, f, indent=1)
        return result


def runs_on(driver, kernel):
    """Returns true if the command converts a kernel's driver."""
    return not driver.series or kernel in driver.series


def parts(command, record):
    """All parts, in the order of their worth where time ends before they do."""
    found = [Part("figures-" + k, "figures", None, "figures.py", command, k) for k in KERNELS]
    for k in KERNELS:
        for name in [n for n, d in DRIVERS.items() if runs_on(d, k)]:
            found.append(Part("run-%s-%s" % (k, name), "run", DRIVERS[name], "guest.py", "--original", command, record, k, name))
    for k in KERNELS:
        # A network driver with a command before it needs another driver's device.
        for name in [n for n, d in DRIVERS.items() if d.functions and runs_on(d, k) and (d.kind == DISK or not d.before)]:
            found.append(Part("instructions-%s-%s" % (k, name), "instructions", DRIVERS[name], "instructions.py", command, k, name))
    return found


def files(top):
    """Yield the sources of a directory, or the one file."""
    top = os.path.join(ROOT, top)
    if os.path.isfile(top):
        yield top
    for path, dirs, names in os.walk(top):
        dirs.sort()
        for name in sorted(names):
            if name.endswith((".py", ".c", ".h")):
                yield os.path.join(path, name)


def key_of(part):
    """A sum over all that the results of a part depend on."""
    total = hashlib.sha256(repr(part.argv[2:]).encode())
    if part.driver:
        total.update(repr(sorted(vars(part.driver).items())).encode())
    for top in DEPENDS[part.driver.kind if part.kind == "run" else part.kind]:
        for path in files(top):
            total.update(os.path.basename(path).encode())
            with open(path, "rb") as f:
                total.update(f.read())
    return total.hexdigest()[:16]


def cell(row):
    """A variant's cell of the table of runs."""
    if row is None:
        return "-"
    own = ", " + many(row["misuse"], "report", " of its own unmaps") if row.get("misuse") else ""
    own += ", " + many(row["lost"], "mapping", " that the driver loses") if row.get("lost") else ""
    return "hangs" if row["hung"] else "passes" + own if row["right"] else "fails" if row["reached"] else "not reached"


def many(count, thing, of=""):
    return "%d %s%s%s" % (count, thing, "" if count == 1 else "s", of)


def original(row):
    """The cell about the driver as it is: what was found while maps failed."""
    if row is None:
        return "-"
    found = [] if row["events"] is not None or row["hung"] else ["no trace"]
    if row["hung"]:
        found.append("hangs")
    if row["warnings"]:
        found.append(many(row["warnings"], "warning", " of the kernel"))
    if row["errors"]:
        found.append(many(row["errors"], "error", " (%s)" % ", ".join(row["kinds"])))
    if row["iommu"]:
        found.append(many(row["iommu"], "fault", " of the IOMMU"))
    return ", ".join(found) or ("nothing" if row["right"] else "some transfers fail")


def run_table(results):
    """Rows of what ran."""
    out = ["| driver | `--checked` | plain | pool | DMA events under `dmah check` | IOMMU faults | the original with the same failing maps | commit |",
           "|---|---|---|---|---|---|---|---|"]
    for part, result in results:
        if part.kind != "run":
            continue
        kernel, name = part.name.split("-", 2)[1:]
        by = {r["variant"]: r for r in (result["data"] or {"rows": []})["rows"]}
        ran = [by[v] for v in ("checked", "plain", "pool") if v in by]
        out.append("| %s (%s) | %s | %s | %s | %s |" % (
            name, kernel, " | ".join(cell(by.get(v)) if by else "broken" for v in ("checked", "plain", "pool")),
            "; ".join(format(r["events"] or 0, ",") for r in ran) + " | " + "; ".join(str(r["iommu"]) for r in ran),
            original(by.get(ORIGINAL)), result["commit"]))
    return out


def tables(results):
    """All tables, as lines of Markdown."""
    made = [(p, r) for p, r in results if r]
    out = ["Made by `make convert-drivers`; each run is named with its commit.%s" % (
        "" if len(made) == len(results) else " %d of %d parts were run." % (len(made), len(results))), ""] + run_table(made)
    figure, others, counted = [], [], []
    for part, result in made:
        if part.kind == "figures" and result["data"]:
            figure += result["data"]["rows"]
            others += result["data"]["others"]
        elif part.kind == "instructions":
            counted += [dict(r, commit=result["commit"]) for r in result["data"] or []]
    out += ["", "The source, before and after:", ""] + figures.table(figure)
    if counted:
        out += ["", "Instructions of the driver's functions that start and end a transfer, with all that they call:", ""]
        out += instructions.table(counted)
    out += ["", "Sites that are left, in these drivers and in others of QEMU's devices:", ""]
    return out + figures.left_table([r for r in figure if r["left"]] + others, RULES)


def put(path, lines):
    """Put the tables between the marks of a document."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if text.count(MARK) != 1 or text.count(MARK_END) != 1:
        sys.exit("whole.py: %s needs the lines %s and %s" % (path, MARK, MARK_END))
    before, rest = text.split(MARK)
    after = rest.split(MARK_END)[1]
    with open(path, "w", encoding="utf-8") as f:
        f.write(before + MARK + "\n" + "\n".join(lines) + "\n" + MARK_END + after)


def commit():
    """The last commit of what the results depend on, with "+" where that has changed since."""
    paths = sorted({p for kind in DEPENDS.values() for p in kind})

    def git(*argv):
        return subprocess.run(["git", "-C", ROOT] + list(argv) + ["--"] + paths, capture_output=True, text=True, check=False).stdout.strip()
    return (git("log", "-1", "--format=%h") or "unknown") + ("+" if git("status", "--porcelain") else "")


def main():
    """Run. Return: the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="parts that run at the same time (1)")
    parser.add_argument("--again", action="store_true", help="run parts again that ended well")
    parser.add_argument("--tables", action="store_true", help="run nothing; tables of what was kept, whatever it was run with")
    parser.add_argument("--seconds", type=int, metavar="S", help="begin no part after so many seconds")
    parser.add_argument("--document", metavar="FILE", help="put the tables into this file")
    parser.add_argument("dmah", help="the command")
    parser.add_argument("record", help="the static dmah-record")
    parser.add_argument("part", nargs="*", help="default: all; the beginning of several names stands for these")
    args = parser.parse_args()
    every = parts(os.path.abspath(args.dmah), os.path.abspath(args.record))
    names = {p.name for p in every}
    wanted = list(dict.fromkeys(p for a in args.part or [""] for p in every if p.name == a or (a not in names and p.name.startswith(a))))
    if not wanted:
        parser.error("no part %s; there are %s" % (" ".join(args.part), " ".join(p.name for p in every)))
    os.makedirs(OUT, exist_ok=True)
    start = time.monotonic()
    results = {}

    def one(part):
        """Run a part, unless it is kept or there is no time."""
        key = key_of(part)
        kept = part.kept(key)
        if kept and kept["status"] == 0 and not args.again:
            return part, kept, "kept"
        if args.seconds and time.monotonic() - start > args.seconds:
            return part, kept, "no time"
        return part, part.run(key), "run"

    if args.tables:
        for part in every:
            try:
                with open(part.path(".json"), encoding="utf-8") as f:
                    results[part.name] = json.load(f)
            except (OSError, ValueError):
                pass
    else:
        # A part that runs alone has all CPUs for its compiler; the pool's threads only wait.
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for done in concurrent.futures.as_completed([pool.submit(one, part) for part in wanted]):
                part, result, how = done.result()
                results[part.name] = result
                print("%s %s: %s%s" % ("ok" if result and result["status"] == 0 else "not ok", part.name, how,
                                       ", %d s" % result["seconds"] if result and how == "run" else ""), flush=True)
        for part in every:
            if part.name not in results:
                results[part.name] = part.kept(key_of(part))
    lines = tables([(p, results.get(p.name)) for p in every])
    with open(os.path.join(OUT, "tables.md"), "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    if args.document:
        put(args.document, lines)
    print("\n".join([""] + lines))
    good = [p.name for p in wanted if results.get(p.name) and results[p.name]["status"] == 0]
    missing = [p.name for p in wanted if not results.get(p.name)]
    failed = [p.name for p in wanted if p.name not in good and p.name not in missing]
    print("\n%d of %d parts ended well%s%s (logs and results: %s)" % (
        len(good), len(wanted), "; failed: " + " ".join(failed) if failed else "",
        "; not run: " + " ".join(missing) if missing else "", os.path.relpath(OUT)))
    return 0 if len(good) == len(wanted) else 1


if __name__ == "__main__":
    sys.exit(main())
