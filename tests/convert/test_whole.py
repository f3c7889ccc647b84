#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The parts of `make convert-drivers`: which are kept and which run again, their tables, and the output of a boot that is judged."""

import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "lab"), os.path.join(HERE, "..", "..", "tools")]

import figures  # noqa: E402
import guest  # noqa: E402
import whole  # noqa: E402
from drivers import DRIVERS  # noqa: E402
from vm.ktap import Tap  # noqa: E402

# A part that counts its runs, and fails while a file is there.
PROGRAM = """
import json, os, sys
here = os.path.dirname(sys.argv[0])
with open(os.path.join(here, "runs"), "a") as f:
    f.write("x")
with open(sys.argv[2], "w") as f:
    json.dump({"rows": []}, f)
sys.exit(os.path.exists(os.path.join(here, "broken")))
"""


def row(variant, **more):
    """A row of guest.py's results."""
    return dict({"kernel": "7.3", "driver": "e100", "variant": variant, "right": True, "hung": False, "reached": True,
                 "events": 1234, "errors": 0, "kinds": [], "iommu": 0, "warnings": 0}, **more)


def test_parts_that_ended_well_are_kept():
    with tempfile.TemporaryDirectory() as work:
        whole.OUT = work
        program = os.path.join(work, "program.py")
        with open(program, "w", encoding="utf-8") as f:
            f.write(PROGRAM)
        part = whole.Part("figures-x", "figures", None, program)
        part.argv[1] = program
        runs = lambda: os.path.getsize(os.path.join(work, "runs"))  # noqa: E731
        assert part.kept("one") is None
        result = part.run("one")
        assert result["status"] == 0 and result["data"] == {"rows": []} and runs() == 1
        assert part.kept("one") == result
        assert part.kept("two") is None
        with open(os.path.join(work, "broken"), "w", encoding="utf-8"):
            pass
        assert part.run("two")["status"] == 1
        assert part.kept("two")["status"] == 1
        # A part that was interrupted leaves no results.
        with open(part.path(".json"), "w", encoding="utf-8") as f:
            f.write('{"key": "two"')
        assert part.kept("two") is None


def test_a_key_follows_what_its_part_depends_on():
    parts = {p.name: p for p in whole.parts("dmah", "record")}
    keys = {name: whole.key_of(p) for name, p in parts.items()}
    assert len(set(keys.values())) == len(keys)
    saved = dict(whole.DEPENDS)
    with tempfile.TemporaryDirectory() as work:
        for kind in ("net", "disk"):
            whole.DEPENDS[kind] = saved[kind] + (os.path.relpath(work, whole.ROOT),)
            with open(os.path.join(work, "a.py"), "w", encoding="utf-8") as f:
                f.write(kind)
            changed = {n for n, p in parts.items() if whole.key_of(p) != keys[n]}
            assert changed == {n for n, p in parts.items() if p.kind == "run" and p.driver.kind == kind}, changed
            whole.DEPENDS[kind] = saved[kind]
    old = DRIVERS["e100"].idle
    DRIVERS["e100"].idle = 7
    changed = {n for n, p in parts.items() if whole.key_of(p) != keys[n]}
    DRIVERS["e100"].idle = old
    assert changed == {n for n in parts if n.endswith("-e100")}, changed


def test_the_table_says_what_hung_failed_and_was_not_run():
    part = next(p for p in whole.parts("dmah", "record") if p.name == "run-7.3-e100")
    rows = [row("checked"), row("plain", right=False), row("pool", right=False, reached=False, events=None),
            row("original", hung=True, right=False, events=None, iommu=None, warnings=2)]
    text = whole.run_table([(part, {"status": 1, "commit": "abc", "data": {"rows": rows}})])[-1]
    assert "| passes | fails | not reached | 1,234; 1,234; 0 |" in text, text
    assert text.endswith("| hangs, 2 warnings of the kernel | abc |"), text
    assert "| broken | broken | broken |" in whole.run_table([(part, {"status": 1, "commit": "abc", "data": None})])[-1]
    rows[-1] = row("original", right=False, errors=3, kinds=["unmap-unknown"])
    assert "3 errors (unmap-unknown)" in whole.run_table([(part, {"status": 0, "commit": "abc", "data": {"rows": rows}})])[-1]
    rows[0].update(lost=3)
    assert "| passes, 3 mappings that the driver loses |" in whole.run_table([(part, {"status": 0, "commit": "abc", "data": {"rows": rows}})])[-1]
    assert "1 of 2 parts were run" in whole.tables([(part, {"status": 1, "data": None, "commit": "abc"}), (part, None)])[0]


def test_tables_replace_only_what_is_between_the_marks():
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "doc.md")
        with open(path, "w", encoding="utf-8") as f:
            f.write("before\n%s\nold\n%s\nafter\n" % (whole.MARK, whole.MARK_END))
        whole.put(path, ["new"])
        whole.put(path, ["newer"])
        with open(path, encoding="utf-8") as f:
            assert f.read() == "before\n%s\nnewer\n%s\nafter\n" % (whole.MARK, whole.MARK_END)


def test_output_is_split_by_variant_and_driver():
    text, data, hung = guest.sections(["x", "variant plain e100", "failed 3", "warnings 0", "", "begin plain e100", "QUJD", "end plain e100",
                                       "variant original e100", "failed 9", "hung original e100", "task: x"])
    assert text["plain e100"][:2] == ["failed 3", "warnings 0"] and data == {"plain e100": ["QUJD"]} and hung == {"original e100"}
    assert guest.number(text["plain e100"], "failed") == 3 and guest.number(text["plain e100"], "iommu") is None


def test_arguments_fields_tests_and_resets_are_counted():
    with tempfile.TemporaryDirectory() as work:
        with open(os.path.join(work, "a.c"), "w", encoding="utf-8") as f:
            f.write("struct b {\n\tdma_addr_t dma;\n\tu32 len;\n};\n"
                    "static int f(struct b *b)\n{\n\tb->dma = dma_map_single(dev, p(1, 2), n, DIR);\n"
                    "\tif (dma_mapping_error(dev, b->dma)) {\n\t\tb->dma = 0;\n\t\tb->len = 0;\n\t}\n}\n")
        assert figures.counts(work) == [6, 1, 1, 1], figures.counts(work)
        with open(os.path.join(work, "a.c"), "w", encoding="utf-8") as f:
            f.write("struct b {\n\tstruct dmah dma;\n};\nstatic int f(struct b *b)\n{\n\tdmah_unchecked(dmah_map_single(dev, &b->dma, p(1, 2), n,"
                    " DIR));\n\tif (!dmah_mapped(&b->dma))\n\t\tb->dma = (struct dmah){ };\n}\n")
        assert figures.counts(work) == [6, 1, 1, 1], figures.counts(work)


if __name__ == "__main__":
    sys.exit(Tap().run(globals()))
