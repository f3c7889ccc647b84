#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The command line of dmah convert: options, exit statuses, the patch, and what must not pass in silence.

    test_cli.py DMAH CONVERT_DIR
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
DMAH, CONVERT = map(os.path.abspath, sys.argv[1:3])
sys.path.insert(0, os.path.join(HERE, "..", "..", "lab"))
sys.path.insert(0, os.path.dirname(CONVERT))

from convert import command, edit, group, slots  # noqa: E402
from convert.index import Tree  # noqa: E402
from vm.ktap import Tap  # noqa: E402

GOOD = """#include <linux/device.h>

struct buf {
	void *data;
	dma_addr_t dma;
};

int up(struct device *dev, struct buf *b)
{
	b->dma = dma_map_single(dev, b->data, 64, DMA_TO_DEVICE);
	if (dma_mapping_error(dev, b->dma))
		return -ENOMEM;
	return 0;
}

void down(struct device *dev, struct buf *b)
{
	dma_unmap_single(dev, b->dma, 64, DMA_TO_DEVICE);
}
"""
LEFT = """void gone(struct device *dev, u32 *reg)
{
	dma_unmap_single(dev, where(reg), 64, DMA_TO_DEVICE);
}
"""
TAP = Tap()


class Work:
    """A directory with sources; as a git repository on demand."""

    def __init__(self, **files):
        self.dir = tempfile.mkdtemp(prefix="dmah-convert-cli.")
        for name, text in files.items():
            self.write(name.replace("__", "/").replace("_c", ".c").replace("_h", ".h"), text)

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", errors="surrogateescape", newline="") as f:
            f.write(text)

    def read(self, name):
        with open(os.path.join(self.dir, name), errors="surrogateescape", newline="") as f:
            return f.read()

    def git(self, *args):
        env = dict(os.environ, GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b", GIT_COMMITTER_NAME="a",
                   GIT_COMMITTER_EMAIL="a@b", HOME=self.dir, GIT_CONFIG_NOSYSTEM="1")
        return subprocess.run(["git", *args], cwd=self.dir, env=env, capture_output=True, text=True,
                              check=False)

    def run(self, *args, stdin=None):
        env = dict(os.environ, DMAH_CONVERT=CONVERT, XDG_CACHE_HOME=os.path.join(self.dir, ".cache"))
        p = subprocess.run([DMAH, "convert", *args], cwd=self.dir, env=env, capture_output=True, text=True,
                           stdin=stdin, check=False)
        return p.returncode, p.stdout, p.stderr

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)


def statuses():
    with Work(good_c=GOOD, left_c=LEFT, none_c="int x;\n") as w:
        TAP.case(w.run("good.c")[0] == 0, "all converted: status 0")
        TAP.case("dmah_unmap(dev, &b->dma)" in w.read("good.c"), "the file is written")
        status, out, _ = w.run("good.c")
        TAP.case(status == 0 and "0 of 0 sites" in out, "a converted file has no sites left")
        status, out, _ = w.run("left.c")
        TAP.case(status == 1 and "left.c:3: dma_unmap_single(where(reg)): left, because" in out,
                 "some left: status 1, with file, line and reason", notes=[out])
        TAP.case(w.read("left.c") == LEFT, "a file of which nothing is converted stays as it is")
        status, out, _ = w.run("none.c")
        TAP.case(status == 0 and "no call there unmaps or syncs" in out, "a file without sites: status 0, and the report says so")
        w.write("papers/readme.txt", "")
        w.write("late.c", GOOD.replace("64, DMA_TO_DEVICE);\n}", "64, DMA_TO_DEVICE);\n\twritel(b->dma, reg);\n}"))
        for args, word in ((["absent.c"], "absent.c"), (["papers"], "no .c or .h file below papers"), (["--kernel", "absent", "good.c"], "absent"),
                           (["--kernel", "/usr", "left.c"], "left.c"), ([], "usage"),
                           (["--nonsense", "left.c"], "nonsense"), (["--jobs", "0", "left.c"], "'0'"),
                           (["--jobs", "-2", "left.c"], "'-2'"), (["--time-limit", "x", "left.c"], "'x'"),
                           (["--patch", "absent/out.patch", "late.c"], "absent/out.patch: No such file")):
            status, out, err = w.run(*args)
            TAP.case(status == 2 and word in err and "Traceback" not in err,
                     "status 2 and a message: %s" % " ".join(args), notes=[err])
        status, out, _ = w.run("--dry-run", "late.c")
        TAP.case("the address of b->dma is read after its unmap" in out, "an address that is read after its unmap is noted",
                 notes=[out])
        if os.geteuid():
            w.write("closed/good.c", GOOD)
            os.chmod(os.path.join(w.dir, "closed"), 0)
            status, out, err = w.run(".")
            os.chmod(os.path.join(w.dir, "closed"), 0o755)
            TAP.case(status == 2 and "closed: Permission denied" in err, "a directory that cannot be read: status 2",
                     notes=[out, err])
        w.write("bad.c", "void f(\n" + LEFT)
        status, out, _ = w.run("bad.c")
        TAP.case(status == 1 and "left_out" in out, "a file that does not parse: its sites are reported",
                 notes=[out])


def links():
    """A symbolic link stays one: the file behind it is converted, once."""
    with Work(one__good_c=GOOD, two__x_h="") as w:
        os.symlink("../one/good.c", os.path.join(w.dir, "two/link.c"))
        status, out, err = w.run(".")
        TAP.case(status == 0 and "1 of 1 sites" in out and os.path.islink(os.path.join(w.dir, "two/link.c"))
                 and "dmah_unmap" in w.read("one/good.c"), "a link to another file", notes=[out, err])
        os.symlink("/etc/passwd", os.path.join(w.dir, "two/away.c"))
        status, out, err = w.run(".")
        TAP.case(status == 2 and "not in the tree" in err, "a link that leads out of the tree", notes=[out, err])


def dry_run_and_json():
    with Work(good_c=GOOD, left_c=LEFT) as w:
        status, out, _ = w.run("--dry-run", "--json", ".")
        report = json.loads(out)
        TAP.case(status == 1 and report["total"] == 2 and report["converted"] == 1
                 and report["changed"] == ["good.c"] and report["files"]["whole"] == 1
                 and report["rules"] == {"address_call": 1}, "--json", notes=[out])
        TAP.case(w.read("good.c") == GOOD, "--dry-run writes nothing")
        both = [w.run("--dry-run", "--json", "--jobs", n, ".")[1] for n in ("1", "2")]
        TAP.case(both[0] == both[1], "--jobs does not change the result")


def patches():
    with Work(drivers__x__good_c=GOOD, left_c=LEFT) as w:
        w.git("init", "-q")
        w.git("add", "-A")
        w.git("commit", "-q", "-m", "start")
        status, _, _ = w.run("--patch", "out.patch", ".")
        TAP.case(status == 1 and w.read("drivers/x/good.c") == GOOD, "--patch leaves the tree")
        _, _, err = w.run("--dry-run", "--patch", "none.patch", ".")
        TAP.case(not os.path.exists(os.path.join(w.dir, "none.patch")) and "no patch is written" in err,
                 "--dry-run writes no patch, and says so", notes=[err])
        _, _, err = w.run("--patch", "none.patch", "left.c")
        TAP.case("nothing is converted" in err, "--patch says that it has nothing to write", notes=[err])
        text = w.read("out.patch")
        am = w.git("am", "out.patch")
        TAP.case(am.returncode == 0, "git am takes the patch", notes=[am.stderr, text])
        TAP.case("dmah_unmap(dev, &b->dma)" in w.read("drivers/x/good.c"), "and it converts")
        message = w.git("log", "-1", "--format=%B").stdout
        TAP.case("map DMA by handle" in message and "1 of 2" in message
                 and "function or macro: 1" in message, "the message says what was done and left",
                 notes=[message])
        TAP.case(w.run("--dry-run", "drivers")[0] == 0, "after it nothing is left in that driver")


def bytes_stay():
    odd = GOOD.replace("int up", "/* caf\udce9 */\r\nint up") + "\tint   x ;\f\n"
    with Work(good_c=odd) as w:
        w.run("good.c")
        new = w.read("good.c")
        TAP.case("/* caf\udce9 */\r\nint up" in new and "\tint   x ;\f\n" in new,
                 "other bytes stay: Latin-1, carriage returns, white space")


def partial():
    """A slot's uses in a file that was not named are converted with it, and the report says so."""
    header = "struct buf {\n\tvoid *data;\n\tdma_addr_t dma;\n};\n"
    rest = GOOD.split("};\n")[1]
    a, b = rest.split("void down")
    with Work(buf_h=header, a_c='#include "buf.h"\n' + a, b_c='#include "buf.h"\nvoid down' + b) as w:
        status, out, _ = w.run("b.c")
        TAP.case(status == 0 and "dmah_map_single" in w.read("a.c") and "struct dmah dma" in w.read("buf.h"),
                 "all users of a structure are converted, or none", notes=[out])
    with Work(a_c=GOOD, b_c=GOOD + LEFT) as w:
        status, out, _ = w.run("a.c")
        TAP.case("dma_unmap_single" in w.read("b.c"), "a file that was not named and is not needed stays")


def guards():
    """The independent counts and the limits."""
    with Work(good_c=GOOD) as w:
        tree = Tree(w.dir)
        true_site = edit.Editor.site
        try:
            edit.Editor.site = lambda self, r, path, f, n: None     # loses all unmaps
            r = group.convert(tree, ["good.c"], group.Options())
        finally:
            edit.Editor.site = true_site
        TAP.case(not r.texts and [s["rule"] for s in r.sites] == ["count"],
                 "sites that the edits lost: the group is reverted", notes=[str(r.sites)])
        true_run = slots.Analysis.run

        def hang(self):
            while True:
                pass
        try:
            slots.Analysis.run = hang
            r = group.convert(Tree(w.dir), ["good.c"], group.Options(limit=1))
        finally:
            slots.Analysis.run = true_run
        TAP.case(not r.texts and [s["rule"] for s in r.sites] == ["time_limit"], "a time limit for each group")
        command.TREE = tree
        TAP.case(command.final_count({"good.c": GOOD}, [group.site("good.c", 18, "dma_unmap_single")],
                                     {"good.c"}) == ["good.c"], "the last count sees a site that stayed")


def versions():
    with Work(good_c=GOOD) as w:
        w.write("Makefile", "VERSION = 9\nPATCHLEVEL = 1\n")
        w.write("include/linux/dma-mapping.h", "dma_addr_t dma_map_gadget(struct device *dev);\n")
        w.write("other.c", "void f(void)\n{\n\tdma_map_gadget(dev);\n}\n" + LEFT)
        status, out, _ = w.run("--dry-run", ".")
        TAP.case(status == 1 and "Linux 9.1" in out and "1 call is of dma_map_gadget()" in out,
                 "an unknown version: its unknown calls are named", notes=[out])


def manual():
    """Each option of --help is in the manual page, where the test runs in the sources."""
    page = os.path.join(HERE, "..", "..", "docs", "dmah.1")
    with Work() as w:
        _, out, _ = w.run("--help")
    with open(page, encoding="utf-8") as f:
        text = f.read().replace("\\-", "-").split(".SS dmah convert")[1].split(".SS ")[0]
    missing = sorted(o for o in set(re.findall(r"--[a-z-]+", out)) - {"--help"} if o not in text)
    TAP.case(not missing, "the manual page has each option of --help", notes=missing)


def main():
    for part in (statuses, links, dry_run_and_json, patches, bytes_stay, partial, guards, versions, manual):
        part()
    return TAP.done()


if __name__ == "__main__":
    sys.exit(main())
