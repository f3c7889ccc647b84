#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Tests of linux/series that need no source of Linux: the edits, and the steps made of them."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, ROOT)

from lab import vm  # noqa: E402
from lab.vm import cache  # noqa: E402
from linux.series import boot, build, edit, gains, series, variant  # noqa: E402

SOURCE = """\
/* unmap(dev, 1); in a comment is no match */
#include <a.h>

struct ops {
	int (*map)(int);
};

static int unmap(struct device *dev, int a);

static int
map(struct device *dev, int a)
{
	if (!a)
		return unmap(dev,	/* why */
			     a);
	return unmap(dev, a);
}

static int unmap(struct device *dev, int a)
{
	const char *s = "lookup(dev, a)";

	return lookup(dev, a) + lookup(dev, f(a, 2));
}

static const struct ops ops = {
	.map = map,
};
"""


def edited(rules, text=SOURCE):
    return edit.apply(edit.parse(rules, "r"), lambda path: text if path == "a.c" else None)["a.c"]


def rule(action, pattern, text, scope=None):
    return "file a.c\n%s%s\n<<<\n%s\n---\n%s\n>>>\n" % ("in %s\n" % scope if scope else "", action,
                                                    pattern, text)


def refused(rules, *words, text=SOURCE):
    """The rules are refused with a message that has all words."""
    try:
        got = edited(rules, text)
    except edit.Error as err:
        for word in words:
            assert word in str(err), "%r is not in %r" % (word, str(err))
        return
    raise AssertionError("accepted; made\n" + got)


def test_before_and_after():
    got = edited(rule("before 1", "return lookup(dev, a)", "\tfirst();", "unmap"))
    assert '(dev, a)";\n\n\tfirst();\n\treturn lookup' in got, got
    got = edited(rule("after 1", "return lookup(dev, a)", "\tlast();", "unmap"))
    assert "f(a, 2));\n\tlast();\n}" in got, got


def test_white_space_and_comments_do_not_count():
    got = edited(rule("replace 2", "unmap ( dev , a )", "gone(a)", "map"))
    assert got.count("gone(a)") == 2 and "in a comment" in got, got
    assert "return gone(a);" in got, got


def test_strings_are_one_token():
    got = edited(rule("replace 1", "lookup(dev, a)", "x", "unmap"))
    assert '"lookup(dev, a)"' in got and "return x + lookup" in got, got


def test_names_and_runs():
    got = edited(rule("replace 2", "lookup($d, ...)", "find($d)", "unmap"))
    assert "return find(dev) + find(dev);" in got, got
    # one name stands for one identifier throughout
    refused(rule("replace 1", "f($x, $x)", "y", "unmap"), "matches 0 times, not 1")
    # a run keeps to its brackets
    refused(rule("replace 1", "lookup(dev, ... 2)", "y", "unmap"), "matches 0 times")


def test_counts():
    for n in (1, 3):
        refused(rule("replace %d" % n, "unmap(dev, a)", "x", "map"), "r:3", "a.c", "matches 2 times",
                "not %d" % n)
    refused(rule("replace 1", "absent()", "x"), "matches 0 times, not 1", "absent()")
    refused(rule("replace 1", "lookup(dev, a)", "lookup(dev, a)", "unmap"), "changes nothing")


def test_scopes():
    got = edited(rule("after 1", "int (*map)(int);", "\tint (*unmap)(int);", "ops"),
                 SOURCE.replace("ops ops", "ops table"))
    assert "(*map)(int);\n\tint (*unmap)(int);\n};" in got, got
    got = edited(rule("after 1", ".map = $f,", "\t.also = $f,", "table"), SOURCE.replace("ops ops", "ops table"))
    assert "\t.map = map,\n\t.also = map,\n};" in got, got
    # struct ops and its table have one name: which of them is meant?
    refused(rule("after 1", ".map = $f,", "x", "ops"), "defines ops 2 times")
    refused(rule("after 1", "a", "x", "nothing"), "defines nothing 0 times")
    # a prototype and a call define nothing, and a definition may begin on the line above its name
    got = edited(rule("replace 1", "static int", "int", "map"))
    assert "\nint\nmap(struct" in got and "static int unmap" in got, got
    # the whole file again
    got = edited("file a.c\nin unmap\nin *\nafter 1\n<<<\n#include <a.h>\n---\n#include <b.h>\n>>>\n")
    assert "<a.h>\n#include <b.h>\n" in got, got


def test_append():
    got = edited('file a.c\nappend\n<<<\n\n#include "b.c"\n>>>\n', SOURCE + "\n\n")
    assert got == SOURCE + '\n#include "b.c"\n', got
    refused('file a.c\nin map\nappend\n<<<\nx\n>>>\n', "the whole file")


def test_other_files_have_no_c_comments():
    text = "# a b\nx = a//b\nobj-y += a.o\n"
    got = edit.apply(edit.parse("file Makefile\nafter 1\n<<<\na//b\n---\nobj-y += b.o\n>>>\n", "r"),
                     lambda _: text)["Makefile"]
    assert got == "# a b\nx = a//b\nobj-y += b.o\nobj-y += a.o\n", got


def test_rules_that_cannot_be_read():
    for text, word in (("before 1\n", "ahead of the first file"), ("in a\n", "ahead of the first file"),
                       ("file\n", "needs a path"), ("fill a.c\n", "'fill' is not"),
                       ("file a.c\nbefore\n<<<\na\n---\nb\n>>>\n", "number of matches"),
                       ("file a.c\nbefore 0\n<<<\na\n---\nb\n>>>\n", "number of matches"),
                       ("file a.c\nbefore many\n<<<\na\n---\nb\n>>>\n", "not 'many'"),
                       ("file a.c\nbefore 1\na\n", "not followed by <<<"),
                       ("file a.c\nbefore 1\n<<<\na\n---\nb\n", "no >>>"),
                       ("file a.c\nbefore 1\n<<<\na\n>>>\n", "one line ---"),
                       ("file a.c\nbefore 1\n<<<\na\n---\n---\n>>>\n", "one line ---"),
                       ("file a.c\nbefore 1\n<<<\n/* a */\n---\nb\n>>>\n", "pattern of before is empty")):
        refused(text, "r:", word)


def test_nothing_is_half_edited():
    try:
        edit.apply(edit.parse(rule("replace 1", "#include <a.h>", "x") + rule("replace 1", "absent", "y"), "r"),
                   lambda _: SOURCE)
    except edit.Error as err:
        assert "r:9" in str(err) and "absent" in str(err), err
        return
    raise AssertionError("accepted")


def test_missing_file():
    refused("file b.c\nappend\n<<<\nx\n>>>\n", "b.c", "no such file")


def make(top, steps):
    """Write steps {name: {file: text}} below top; returns their names in order."""
    for name, files in steps.items():
        for path, text in files.items():
            full = os.path.join(top, name, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w") as f:
                f.write(text)
    return sorted(steps)


STEPS = {
    "01-first": {"message": "a: First\n\nWhy.\n",
                 "edits": "# licence\n\nkernel 7.3 7.4\n" + rule("after 1", "#include <a.h>", "#include <b.h>")},
    "02-second": {"message": "a: Second\n\nWhy.\n", "new/dir/b.h": "#define B 1\n",
                  "edits": "kernel 7.3\n" + rule("after 1", "#include <b.h>", "#include <c.h>"),
                  "edits-old": "kernel 6.12 7.2\n" + rule("after 1", "absent", "x")},
}


def built(steps, kernel="7.3", source=SOURCE):
    """Write the patches of steps for a source of one file; returns their texts."""
    with tempfile.TemporaryDirectory(prefix="dmah-series-") as top:
        pristine = os.path.join(top, "pristine")
        make(top, {"pristine": {"a.c": source}})
        make(os.path.join(top, "patches"), steps)
        found = series.steps(kernel, os.path.join(top, "patches"))
        where = os.path.join(top, "git")
        series.make(kernel, pristine, found, where)
        out = os.path.join(top, "out")
        os.makedirs(out)
        files = series.write(where, out, "Subject of the cover\n\nIts text.\n")
        paths = sorted({p for s in found for p in s.paths})
        series.check_am(pristine, paths, files[1:], where)
        # a source that differs where a patch applies is noticed
        with open(os.path.join(pristine, "a.c"), "w") as f:
            f.write(source.replace("#include <a.h>", "#include <other.h>"))
        try:
            series.check_am(pristine, paths, files[1:], where)
        except cache.Error as err:
            assert "git am" in str(err), err
        else:
            raise AssertionError("git am did not look at the source")
        return [series.read(f) for f in files]


def test_patches():
    if not shutil.which("git"):
        raise AssertionError("git is not installed")
    cover, first, second = built(STEPS)
    assert "Subject of the cover" in cover and "Its text." in cover and "***" not in cover, cover
    assert "+#include <b.h>" in first and "dir/b.h" not in first and "1/2] a: First" in first, first
    assert "+#include <c.h>" in second and "+#define B 1" in second and "Signed-off-by: " in second, second


def test_a_kernel_without_edits():
    for kernel, words in (("7.4", ["02-second", "no edits for Linux 7.4", "7.3", "6.12-7.2"]),
                          ("6.12", ["01-first", "no edits for Linux 6.12", "7.3-7.4"])):
        try:
            built(STEPS, kernel)
        except cache.Error as err:
            assert all(w in str(err) for w in words), err
        else:
            raise AssertionError("accepted")


def test_a_step_that_does_not_match():
    for change, words in (({"edits": "kernel 7.3\n" + rule("after 1", "absent", "x")}, ["03-third/edits:3", "0 times"]),
                          ({"new/a.c": "x\n"}, ["03-third adds a.c", "there already"]),
                          ({}, ["03-third changes nothing"]),
                          ({"edits": rule("after 1", "absent", "x")}, ["03-third/edits", "is not kernel"])):
        try:
            built(dict(STEPS, **{"03-third": dict(change, message="c: Third\n")}))
        except cache.Error as err:
            assert all(w in str(err) for w in words), err
        else:
            raise AssertionError("accepted %s" % change)


def test_the_real_steps_can_be_read():
    found = series.steps("7.3")
    assert len(found) >= 1
    for step in found:
        lines = step.message.split("\n")
        assert len(lines[0]) <= 75 and lines[1] == "" and all(len(l) <= 75 for l in lines), step.name
        for path, text in step.new.items():
            if path.endswith((".c", ".h")):
                assert "SPDX-License-Identifier: GPL-2.0-only" in text.split("\n")[0], path


def test_kernels():
    for kind in variant.ALL.values():
        options = [l for l in kind.options().splitlines() if l.startswith("CONFIG_")]
        assert "CONFIG_KUNIT=y" in options and "CONFIG_E1000E=m" in options, kind.name
        assert not {l.split("=")[0] for l in options} & set(kind.without), kind.name
        # Those that are built in one tree must not be built at the same time; the others may.
        assert (kind.tree() == "") == (kind.shares or kind.name == variant.DEFAULT), kind.name
        if kind.edits:
            assert edit.parse(series.read(os.path.join(series.HERE, kind.edits)), kind.edits)
        for module in kind.modules:
            assert all(os.path.exists(p) for p in build.module_files(module).values()), module
        assert kind.arch in boot.MACHINES and boot.TRAFFIC[kind.arch] in boot.MACHINES[kind.arch]
        assert set(boot.BENCH[kind.arch]) <= set(boot.MACHINES[kind.arch])
    assert len({k.out() for k in variant.ALL.values()}) == len(variant.ALL)
    try:
        variant.get("vax")
    except cache.Error as err:
        assert "no kernel vax (there are x86_64" in str(err), err
    else:
        raise AssertionError("accepted")


def test_the_two_headers_have_the_same_calls():
    """A converted driver is built with either."""
    def calls(path):
        return set(re.findall(r"^(?:static inline )?[\w ]+?\**\b(dma_\w*handle\w*)\(", series.read(path), re.M))

    ours = calls(os.path.join(ROOT, "ports", "linux", "include", "linux", "dma-handle.h"))
    theirs = calls(os.path.join(series.PATCHES, "03-handle", "new", "include", "linux", "dma-handle.h"))
    # These are for mappers.
    assert ours == theirs - {"dma_handle_bounced"}, ours ^ theirs
    used = set()
    for step in series.steps("7.3"):
        if step.paths[0].startswith("drivers/net/"):
            used |= set(re.findall(r"\b(dma_\w*handle\w*)\(", "\n".join(r.text for r in step.rules)))
    assert used and used <= ours, used - ours


def test_gains():
    # Arguments of calls within arguments are not the outer call's; other functions are not counted.
    text = """
	dma_unmap_page(dev, dma_unmap_addr(b, addr), f(x, y, z), DMA_TO_DEVICE);
	dma_map_handle_single(dev, &b->h, p, len, dir);
	my_dma_unmap_page(a, b);
	dma_set_mask(dev, mask);
"""
    assert gains.calls(text) == (3, 4 + 2 + 5), gains.calls(text)


def test_leaner_kernels():
    # No option is asked for and left out at once.
    for name in ("kasan", "kcsan"):
        kind = variant.get(name)
        asked = {l.split("=")[0] for l in kind.options().splitlines() if l.startswith("CONFIG_")}
        assert asked and not asked & set(kind.without), asked & set(kind.without)
        for driver in kind.drivers:
            assert "CONFIG_" + driver.upper() in asked, driver


def test_command_line():
    for args, word in ((["test", "--kind", "arm", "--machine", "lazy"], b"no machine lazy for arm (there are coherent"),
                       (["test", "--kind", "vax"], b"invalid choice"),
                       (["patches", "--kernel", "seven"], b"KERNEL=seven"), ([], b"usage"), (["nothing"], b"usage")):
        out = subprocess.run([sys.executable, "-B", "-m", "linux.series"] + args, cwd=ROOT, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert out.returncode == 2 and word in out.stdout and b"Traceback" not in out.stdout, out


if __name__ == "__main__":
    sys.exit(vm.Tap().run(globals()))
