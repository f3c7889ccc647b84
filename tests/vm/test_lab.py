#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Tests of lab/vm that boot nothing."""

import os
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lab"))

import vm  # noqa: E402
from vm import apt, cache, initramfs, module  # noqa: E402


def cases(text):
    return [(c.verdict, c.name) for c in vm.parse(text.splitlines())]


def test_ktap_flat():
    got = cases("[    1.0] KTAP version 1\n[    1.1] 1..3\n[    1.2] ok 1 - one\nnoise\n"
                "[    1.3] # why\n[    1.4] not ok 2 two\n[    1.5] ok 3 three # SKIP no device\n")
    assert got == [("ok", "one"), ("not ok", "two"), ("skip", "three")], got
    assert vm.parse(["# why", "not ok 1 a"])[0].notes == ["# why"]


def test_ktap_short():
    got = cases("KTAP version 1\n1..3\nok 1 one\n")
    assert got == [("ok", "one"), ("not ok", "(1 of 3 planned results came)")], got
    got = cases("KTAP version 1\n1..2\nok 1 a\nKTAP version 1\n1..1\nok 1 b\n")
    assert [g[0] for g in got] == ["ok", "not ok", "ok"], got


def test_ktap_nested():
    got = cases("KTAP version 1\n1..2\n  KTAP version 1\n  1..2\n  ok 1 a\n  ok 2 b\nok 1 both\n"
                "ok 2 alone\n")
    assert got == [("ok", "a"), ("ok", "b"), ("ok", "alone")], got
    got = cases("1..1\n  1..2\n  ok 1 a\nok 1 both\n")
    assert got[0] == ("ok", "a") and got[1][0] == "not ok", got


def test_tap():
    lines = []
    tap = vm.Tap(lines.append)
    tap.case("ok", "a")
    tap.case("skip", "b", "SKIP none here")
    assert tap.failed == 0
    tap.case(False, "c", notes=["# why"])
    assert tap.done() == 1
    assert lines == ["ok 1 - a", "ok 2 - b # SKIP none here", "not ok 3 - c", "# why", "1..3"], lines
    assert vm.Tap(lines.append).done() == 1, "nothing executed must fail"


def test_cpio():
    tree = initramfs.Tree()
    tree.put("/a/b/run", "echo\n", 0o755)
    tree.put("empty", b"")
    tree.link("bin/sh", "busybox")
    tree.device("dev/console", 5, 1)
    data = tree.cpio()
    # a reader of its own, after the format's description
    at = 0
    seen = {}
    while True:
        assert data[at:at + 6] == b"070701" and at % 4 == 0
        field = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, major, minor, namesize = field[1], field[6], field[9], field[10], field[11]
        name = data[at + 110:at + 110 + namesize - 1].decode()
        body = (at + 110 + namesize + 3) // 4 * 4
        if name == "TRAILER!!!":
            assert body == len(data)
            break
        seen[name] = (mode, data[body:body + size], major, minor)
        at = (body + size + 3) // 4 * 4
    assert list(seen) == sorted(seen), "a directory comes before what is in it"
    assert seen["a"][0] == 0o40755 and seen["a/b/run"] == (0o100755, b"echo\n", 0, 0)
    assert seen["bin/sh"][:2] == (0o120777, b"busybox")
    assert seen["dev/console"] == (0o20600, b"", 5, 1) and seen["empty"][1] == b""


def test_cache():
    with tempfile.TemporaryDirectory() as work:
        os.environ["DMAH_VM_CACHE"] = work
        made = []

        def fill(into):
            made.append(into)
            with open(os.path.join(into, "f"), "w") as f:
                f.write("x")

        def broken(into):
            fill(into)
            raise vm.Error("no network")

        threads = [threading.Thread(target=cache.made, args=("kind/a", fill)) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert len(made) == 1, "made once, whoever asks"
        assert os.listdir(os.path.join(work, "kind", "a")) == ["f"]
        try:
            cache.made("kind/b", broken)
            raise AssertionError("an error was lost")
        except vm.Error:
            pass
        try:
            cache.made("kind/a", broken, again=True)
            raise AssertionError("an error was lost")
        except vm.Error:
            pass
        assert os.path.exists(os.path.join(work, "kind", "a", "f")), "what was there stays"
        assert not os.path.exists(os.path.join(work, "kind", "b"))
        # the remains of a killed run
        os.makedirs(os.path.join(work, ".kind-b.dead"))
        cache.made("kind/b", fill)
        assert not os.path.exists(os.path.join(work, ".kind-b.dead"))
        cache.made("kind/a", fill, again=True)
        assert sorted(os.listdir(work)) == ["kind", "lock"], os.listdir(work)


def test_sources():
    found = list(apt.stanzas(
        "# a comment\nTypes: deb deb-src\nURIs: http://deb.debian.org/debian\n"
        "Suites: bookworm bookworm-updates\nSigned-By: /usr/share/keyrings/d.gpg\n\n"
        "Types: deb\nEnabled: no\nURIs: http://other/debian\nSuites: x\n\n"
        "Types: deb-src\nURIs: http://src/debian\nSuites: x\n"))
    assert found == [("[signed-by=/usr/share/keyrings/d.gpg]", "http://deb.debian.org/debian",
                      ["bookworm", "bookworm-updates"])], found
    found = list(apt.one_line("deb [arch=amd64 signed-by=/k.gpg] http://m/debian bookworm main\n"
                              "#deb http://n/debian x main\ndeb http://s/debian-security bookworm-security main\n"))
    assert found == [("[signed-by=/k.gpg]", "http://m/debian", ["bookworm"]),
                     ("", "http://s/debian-security", ["bookworm-security"])], found


def test_mirror():
    with tempfile.TemporaryDirectory() as work:
        tree, into = os.path.join(work, "t"), os.path.join(work, "i")
        os.makedirs(os.path.join(tree, "sub"))
        for name in ("a.c", "sub/b.c"):
            with open(os.path.join(tree, name), "w"):
                pass
        module.mirror(tree, into)
        with open(os.path.join(into, "a.o"), "w"):
            pass
        os.unlink(os.path.join(tree, "sub", "b.c"))
        module.mirror(tree, into)
        assert sorted(os.listdir(into)) == ["a.c", "a.o", "sub"]
        assert os.listdir(os.path.join(into, "sub")) == []
        assert os.path.realpath(os.path.join(into, "a.c")) == os.path.join(os.path.realpath(tree), "a.c")


def test_command():
    lab = os.path.join(vm.ROOT, "lab", "vm")

    def run(*args):
        return subprocess.run([sys.executable, lab] + list(args), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    assert run("--help").returncode == 0
    assert run("fetch", "--help").returncode == 0
    for wrong in ((), ("fetch", "6.2"), ("boot", "--kernel", "6.2"), ("nothing",)):
        out = run(*wrong)
        assert out.returncode == 2 and out.stderr and b"Traceback" not in out.stderr, out


if __name__ == "__main__":
    sys.exit(vm.Tap().run(globals()))
