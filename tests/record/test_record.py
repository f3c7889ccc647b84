#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""dmah record on a kernel that is only files (fake.c): what it does there, and what it leaves.

    test_record.py FAKE DMAH DATA

FAKE is dmah record on that kernel, DMAH the real command, DATA the recordings of tests/trace.
"""

import errno
import gzip
import json
import lzma
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lab"))

from vm.ktap import Tap  # noqa: E402

FAKE, DMAH, DATA = map(os.path.abspath, sys.argv[1:4])
BOUND = 60  # seconds: more than this is a hang

PIPE = """ a-1 [000] ..... 5.250000: dma_map_page: d dir=TO_DEVICE dma_addr=ff000 size=64 phys_addr=5000 attrs=
CPU:0 [LOST 3 EVENTS]
 a-1 [000] ..... 5.250001: dma_unmap_page: d dir=TO_DEVICE dma_addr=ff000 size=64 attrs=
"""
STATS = "entries: 0\noverrun: %d\ncommit overrun: 0\nbytes: 0\ndropped events: %d\nread events: %d\n"


class Kernel:
    """A tracefs of files, and what runs on it."""

    def __init__(self, events=True, kprobes=True, iommu=True, pipe=PIPE):
        self.dir = tempfile.mkdtemp(prefix="dmah-record-")
        self.root = os.path.join(self.dir, "tracing")
        self.put("instances/", "")
        if events:
            self.put("events/dma/enable", "0")
        if kprobes:
            self.put("kprobe_events", "")
        if iommu:
            self.put("events/iommu/map/enable", "0")
            self.put("events/iommu/unmap/enable", "0")
        self.put(".pipe", pipe)
        self.put(".stats", STATS % (0, 0, 2))

    def put(self, name, content):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not name.endswith("/"):
            with open(path, "wb") as f:
                f.write(content if isinstance(content, bytes) else content.encode())

    def path(self, name):
        return os.path.join(self.dir, name)

    def argv(self, args, output="out.txt"):
        argv = [FAKE, "--tracefs=" + self.root]
        if output:
            argv.append("--output=" + self.path(output))
        return argv + list(args)

    def env(self):
        return dict(os.environ, DMAH_FAKE_ROOT=self.root)

    def run(self, *args, output="out.txt"):
        return subprocess.run(self.argv(args, output), env=self.env(), cwd=self.dir, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=BOUND)

    def start(self, *args, output="out.txt"):
        return subprocess.Popen(self.argv(args, output), env=self.env(), cwd=self.dir, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def log(self):
        try:
            with open(os.path.join(self.root, ".log")) as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def recording(self):
        """The one instance, or None."""
        names = os.listdir(os.path.join(self.root, "instances"))
        return names[0] if names else None

    def restored(self, refused=False):
        """Nothing is left, and the instance went before its probes, with its events disabled."""
        assert self.recording() is None, "an instance is left"
        left = [e for e in os.listdir(os.path.join(self.root, "events")) if e.startswith("dmah")] \
            if os.path.isdir(os.path.join(self.root, "events")) else []
        assert not left, "probes are left: %s" % left
        log = self.log()
        made = [l.split()[0].split(":")[1] for l in log if l[0] in "pr" and ":" in l.split()[0]]
        gone = [l[2:] for l in log if l.startswith("-:")]
        assert sorted(made) == sorted(gone), "made %s, removed %s" % (made, gone)
        for i, l in enumerate(log):
            if l.startswith("rmdir"):
                pid = l.split()[1].split("-")[1]
                assert not any(g.startswith("-:dmah_%s/" % pid) for g in log[:i]), "a probe went first"
                assert l.endswith("events=0") and (refused or "tracing_on=0 " in l), l
        return log

    def close(self):
        shutil.rmtree(self.dir)


def refused(k, r, *what):
    """It could not be recorded, for these reasons, and nothing is left."""
    assert r.returncode == 2, r
    for w in what:
        assert w in r.stderr, "%r is not in %r" % (w, r.stderr)
    assert not os.path.exists(k.path("out.txt")), "a file is left"
    k.restored(refused=True)


def wait_for(what):
    end = time.monotonic() + BOUND
    while not what():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


# ---- what is recorded ----

def from_events(k):
    r = k.run("--", "true")
    assert r.returncode == 0 and r.stdout == "", r
    with open(k.path("out.txt")) as f:
        text = f.read()
    head = text[:-len(PIPE)]
    assert text.endswith(PIPE) and all(l.startswith("#") for l in head.splitlines()), text
    assert "dmah record" in head and "kernel's dma events" in head, head
    assert "2 events" in r.stderr, r.stderr
    log = k.restored()
    assert len(log) == 2 and log[0].startswith("mkdir dmah-"), log
    # and what was recorded can be read
    r = subprocess.run([DMAH, "check", k.path("out.txt")], capture_output=True, text=True)
    assert r.returncode == 0 and "2 DMA events of 1 device" in r.stdout, r


def while_it_records(k):
    """While COMMAND runs the instance is as it was asked for."""
    script = 'cd "$DMAH_FAKE_ROOT"/instances/dmah-*; head -n1 tracing_on buffer_size_kb ' \
             'trace_clock events/dma/enable events/iommu/map/enable events/iommu/unmap/enable'
    r = k.run("--buffer=3M", "--", "sh", "-c", script)
    assert r.returncode == 0, r
    values = [l for l in r.stdout.splitlines() if l and not l.startswith("==>")]
    assert values == ["1", "3072", "mono", "1"], r.stdout
    r = k.run("--buffer=70", "--iommu", "--", "sh", "-c", script)
    values = [l for l in r.stdout.splitlines() if l and not l.startswith("==>")]
    assert values == ["1", "70", "mono", "1", "1", "1"], r.stdout


def stacks_and_long_lists(k):
    """Stacks are asked for, their lines are no events, and lists that the kernel drops are said."""
    stack = " a-1 [000] ..... 5.250000: <stack trace>\n => dma_map_page_attrs\n => a_driver\n"
    sg = " a-1 [000] ..... 5.250002: dma_map_sg: d dir=TO_DEVICE nents=128/600 ents=128/600 " \
         "[TRUNCATED] dma_addrs={%s} sizes={%s} phys_addrs={%s} attrs=\n" % (
             ",".join(["0x1000"] * 128), ",".join(["0x10"] * 128), ",".join(["0x2000"] * 128))
    lines = PIPE.splitlines(True)
    k.put(".pipe", lines[0] + stack + sg)
    r = k.run("--json", "--stacks", "--", "sh", "-c",
              'cat "$DMAH_FAKE_ROOT"/instances/dmah-*/options/stacktrace')
    assert r.returncode == 0, r
    assert json.loads(r.stdout)["events"] == 2, r
    assert r.stderr.startswith("1"), r
    assert "1 scatter lists had 500 entries or more, up to 600" in r.stderr, r
    out = subprocess.run([DMAH, "check", "--json", k.path("out.txt")], capture_output=True, text=True)
    leak = [f for f in json.loads(out.stdout) if f["kind"] == "live-at-end"]
    assert [f["caller"] for f in leak] == ["a_driver"], out


def from_kprobes(k):
    k.put(".unknown", "__dma_sync_single_for_cpu\n__dma_sync_single_for_device\n"
                      "__dma_sync_sg_for_cpu\n__dma_sync_sg_for_device\n")
    r = k.run("--json", "--", "sh", "-c",
              'cd "$DMAH_FAKE_ROOT"/instances/dmah-*/events; cat dmah_*/enable iommu/map/enable; '
              'echo; grep -H . dmah_*/*/filter')
    assert r.returncode == 0, r
    s = json.loads(r.stdout)
    assert s["source"] == "kprobes" and s["without"] == "", s
    assert r.stderr.splitlines()[0] == "11", r.stderr
    filters = [l for l in r.stderr.splitlines() if "/filter:" in l]
    assert len(filters) == 5 * 7 and all(
        l.endswith("nents > " + l.split("/filter")[0].rsplit("_", 1)[1]) for l in filters), filters
    log = k.restored()
    probes = {l.split()[0].split("/")[1]: l for l in log if l[0] in "pr" and l[:2] != "rm"}
    assert probes["dmah_map_page"].startswith("p:dmah_") and " dma_map_page_attrs dev=" in \
        probes["dmah_map_page"], probes["dmah_map_page"]
    assert probes["dmah_map_page_ret"].startswith("r256:"), probes["dmah_map_page_ret"]
    assert " dma_sync_single_for_cpu " in probes["dmah_sync_cpu"], probes["dmah_sync_cpu"]
    assert probes["dmah_map_sgtable_32"].endswith(" list=+1024(+0($arg2)):x64[64]"), \
        probes["dmah_map_sgtable_32"]
    with open(k.path("out.txt")) as f:
        assert "They do not record" in f.read()


def symbols_missing(k):
    k.put(".unknown", "dma_map_resource\ndma_alloc_pages\n")
    r = k.run("--json", "--source=kprobes", "--", "true")
    assert r.returncode == 0, r
    assert json.loads(r.stdout)["without"] == "dma_map_resource, dma_alloc_pages", r.stdout
    assert "does not have dma_map_resource, dma_alloc_pages" in r.stderr, r.stderr
    with open(k.path("out.txt")) as f:
        assert "does not have: dma_map_resource, dma_alloc_pages." in f.read()
    k.restored()
    os.remove(k.path("out.txt"))
    k.put(".log", "")
    k.put(".unknown", "dma_unmap_page_attrs\n")
    k.put("error_log", "[ 1.0] trace_kprobe: error: Older\n  Command: x\n"
                       "[ 2.0] trace_kprobe: error: Invalid probed address or symbol\n  Command: x\n")
    refused(k, k.run("--source=kprobes", "--", "true"), "no probe on dma_unmap_page_attrs",
            "the kernel says: trace_kprobe: error: Invalid probed address or symbol\n")


def compressed(k):
    plain = None
    for ending, unpack in ((".txt", bytes), (".txt.xz", lzma.decompress), (".gz", gzip.decompress),
                           (".zst", lambda b: subprocess.run(["zstd", "-dc"], input=b, check=True,
                                                             capture_output=True).stdout)):
        r = k.run("--json", "--", "true", output="o" + ending)
        assert r.returncode == 0, r
        with open(k.path("o" + ending), "rb") as f:
            packed = f.read()
        assert json.loads(r.stdout)["bytes"] == len(packed), r.stdout
        plain = plain or packed
        assert unpack(packed) == plain and len(plain) > 100, ending
        assert json.loads(r.stdout)["format"] == "text"
    # from the default name, and to standard output
    assert k.run("--", "true", output=None).returncode == 0
    assert os.path.exists(k.path("dmah-trace.txt.zst"))
    r = k.run("--output=-", "--", "echo", "of the command", output=None)
    assert r.returncode == 0 and r.stdout.encode() == plain, r
    assert "of the command" in r.stderr, r


class Dat:
    """A trace.dat of version 6, read as trace-cmd.dat.v6(5) says."""

    def __init__(self, data):
        self.data, self.at = data, 0
        assert self.take(10) == b"\x17\x08\x44tracing" and self.name() == "6"
        assert self.take(2) == b"\0\x08"
        self.page = self.number(4)
        assert self.name() == "header_page"
        self.header_page = self.sized()
        assert self.name() == "header_event"
        self.header_event = self.sized()
        assert self.number(4) == 0
        self.systems = {}
        for _ in range(self.number(4)):
            system = self.name()
            formats = [self.sized() for _ in range(self.number(4))]
            self.systems[system] = {f.split(b"\n")[0][6:].decode(): f for f in formats}
        assert self.number(4) == 0 and self.number(4) == 0
        self.cmdlines = self.sized()
        cpus = self.number(4)
        assert self.name() == "options  "
        self.options = {}
        while True:
            option = self.number(2)
            if not option:
                break
            self.options[option] = self.take(self.number(4)).rstrip(b"\0").decode()
        assert self.name() == "flyrecord"
        self.pages = []
        for _ in range(cpus):
            start, size = self.number(8), self.number(8)
            assert start % self.page == 0 and start + size <= len(data)
            self.pages.append(data[start:start + size])

    def take(self, n):
        self.at += n
        assert self.at <= len(self.data)
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "little")

    def name(self):
        end = self.data.index(b"\0", self.at)
        return self.take(end + 1 - self.at)[:-1].decode()

    def sized(self):
        return self.take(self.number(8))


def trace_dat(k):
    """A real kernel's files go through the fake one's, and come out the same."""
    with lzma.open(os.path.join(DATA, "probes_6.1.dat.xz")) as f:
        real = Dat(f.read())
    group = [s for s in real.systems if s != "iommu"][0]
    k.put("events/header_page", real.header_page)
    k.put("events/header_event", real.header_event)
    for name, text in real.systems["iommu"].items():
        k.put("events/iommu/%s/format" % name, text)
    k.put("events/iommu/another/format", "name: another\n")
    for name, text in real.systems[group].items():
        k.put(".formats/" + name, text)
    k.put("saved_cmdlines", real.cmdlines)
    k.put(".raw", real.pages[0])
    k.put(".stats", STATS % (0, 0, 271))
    r = k.run("--json", "--source=kprobes", "--", "true", output="o.dat.xz")
    assert r.returncode == 0, r
    s = json.loads(r.stdout)
    assert s["format"] == "dat" and s["events"] == 271, s
    k.restored()
    with lzma.open(k.path("o.dat.xz")) as f:
        ours = Dat(f.read())
    assert ours.pages == real.pages and ours.cmdlines == real.cmdlines
    assert set(ours.systems["iommu"]) == {"map", "unmap"} & set(real.systems["iommu"])
    mine = [s for s in ours.systems if s != "iommu"][0]
    assert ours.systems[mine] == real.systems[group]
    assert "probes" in ours.options[9], ours.options
    answers = [subprocess.run([DMAH, "check", f], capture_output=True, text=True).stdout.split(": ", 1)
               for f in (k.path("o.dat.xz"), os.path.join(DATA, "probes_6.1.dat.xz"))]
    assert answers[0][1] == answers[1][1] and "120 DMA events" in answers[0][1], answers
    # by its name and by an option
    k.run("--source=kprobes", "--format=dat", "--", "true", output="x")
    with open(k.path("x"), "rb") as f:
        assert Dat(f.read()).pages == real.pages
    refused(k, k.run("--source=kprobes", "--format=dat", "--output=/nowhere/x", "--", "true"),
            "/nowhere/x: No such file")


def damaged_dat(k):
    """Formats that cannot be read: there is no file."""
    k.put(".raw", b"\0" * 4096)
    r = k.run("--source=events", "--", "true", output="out.dat")
    assert r.returncode == 2 and "events/header_page" in r.stderr, r
    assert os.listdir(k.dir) == ["tracing"], os.listdir(k.dir)
    k.restored()


# ---- how it ends ----

def command(k):
    r = k.run("--", "sh", "-c", 'printf "%s|" "$@"; exit 7', "x", "--seconds", "a b")
    assert r.returncode == 1 and r.stdout == "--seconds|a b|", r
    assert "sh ended with status 7" in r.stderr, r
    k.restored()
    r = k.run("--json", "--", "sh", "-c", "echo loud; kill -9 $$")
    assert r.returncode == 1 and "ended by signal 9" in r.stderr and "loud" in r.stderr, r
    s = json.loads(r.stdout)
    assert s["command_signal"] == 9 and s["command_status"] is None, s
    assert os.path.exists(k.path("out.txt"))
    k.restored()
    os.remove(k.path("out.txt"))
    refused(k, k.run("--", "no-such-command"), "no-such-command: No such file")


def signals(k):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        p = k.start()
        wait_for(k.recording)
        wait_for(lambda: os.path.exists(k.path("out.txt")) and os.path.getsize(k.path("out.txt")))
        p.send_signal(number)
        out, err = p.communicate(timeout=BOUND)
        assert p.returncode == 0 and "2 events" in err, err
        k.restored()
        os.remove(k.path("out.txt"))
    # a signal for dmah is one for the command
    p = k.start("--json", "--", "sh", "-c", "echo >begun; exec sleep 1000")
    wait_for(lambda: os.path.exists(k.path("begun")))
    p.terminate()
    out, err = p.communicate(timeout=BOUND)
    assert p.returncode == 1 and json.loads(out)["command_signal"] == signal.SIGTERM, err
    k.restored()


def killed(k):
    """Not even SIGKILL leaves anything behind."""
    p = k.start("--source=kprobes", "--", "sh", "-c", "echo $$ >new; mv new begun; exec sleep 1000")
    wait_for(lambda: os.path.exists(k.path("begun")))
    assert k.recording() and any(l.startswith("p:") for l in k.log())
    p.kill()
    p.wait(BOUND)
    with open(k.path("begun")) as f:
        os.kill(int(f.read()), signal.SIGKILL)
    p.communicate(timeout=BOUND)
    wait_for(lambda: k.recording() is None)
    wait_for(lambda: not any(e.startswith("dmah") for e in
                             os.listdir(os.path.join(k.root, "events"))))
    k.restored()


def seconds(k):
    r = k.run("--seconds=0.1", "--json")
    assert r.returncode == 0, r
    s = json.loads(r.stdout)
    assert s["seconds"] >= 0.1 and s["command_status"] is None, s
    k.restored()
    # the command goes on without the recording, which is taken away first
    r = k.run("--seconds=0.01", "--", "sh", "-c",
              'while ls "$DMAH_FAKE_ROOT"/instances | grep -q .; do :; done; echo alone; exit 4')
    assert r.returncode == 1 and r.stdout == "alone\n", r
    k.restored()


def losses(k):
    k.put(".stats", STATS % (5, 2, 100))
    k.put("kprobe_profile", "  dmah_map_page_ret   12   3\n  other   9   9\n  dmah_map_sg  1  4\n")
    r = k.run("--json", "--source=kprobes", "--buffer=64", "--", "true")
    assert r.returncode == 0, r
    s = json.loads(r.stdout)
    assert s["lost"] == 7 and s["missed"] == 7, s
    assert "7 events were lost" in r.stderr and "64 KiB" in r.stderr and "--buffer" in r.stderr, r
    assert "7 probes were missed" in r.stderr, r
    r = k.run("--json", "--source=events", "--", "true")
    assert json.loads(r.stdout)["missed"] == 0, r


def nothing(k):
    k.put(".pipe", "")
    r = k.run("--", "true")
    assert r.returncode == 1 and "nothing happened" in r.stderr, r


# ---- what can go wrong ----

def kernel_refuses(k):
    for ending, number, words in (
            ("/tracing_on", errno.EROFS, ["tracing_on", "Read-only"]),
            ("/buffer_size_kb", errno.ENOMEM, ["no buffer of 1024 KiB", "--buffer"]),
            ("/events/dma/enable", errno.EIO, ["events dma cannot be enabled", "output error"])):
        k.put(".fail", "%s %d" % (ending, number))
        refused(k, k.run("--", "true"), *words)
        k.put(".log", "")
    for ending, number, words in (
            ("/kprobe_events", errno.EBUSY, ["no probe on dma_map_page_attrs", "busy"]),
            ("/kprobe_events", errno.EPERM, ["no probe on", "not permitted", "not locked down"]),
            ("/dmah_map_sg_16/filter", errno.EIO, ["no probe on dma_map_sg_attrs"]),
            ("/events/iommu/map/enable", errno.EIO, ["events iommu/map cannot be enabled"])):
        k.put(".fail", "%s %d" % (ending, number))
        refused(k, k.run("--source=kprobes", "--", "true"), *words)
        k.put(".log", "")


def output_fails(k):
    refused(k, k.run("--output=/nowhere/at/all", "--", "true"), "/nowhere/at/all: No such file")
    r = k.run("--output=/dev/full", "--", "true")
    assert r.returncode == 2 and "/dev/full: No space left" in r.stderr, r
    assert os.path.exists("/dev/full")
    k.restored()
    r = k.run("--output=/dev/null", "--", "true")
    assert r.returncode == 0 and os.path.exists("/dev/null"), r


def wrong_use(k):
    for args, words in ((["--bogus"], "bogus"), (["--seconds=0"], "not 0"),
                        (["--seconds=-1"], "not -1"), (["--seconds=1x"], "not 1x"),
                        (["--seconds=nan"], "not nan"), (["--seconds="], "above 0"),
                        (["--buffer=0"], "not 0"), (["--buffer=4G"], "not 4G"),
                        (["--buffer=-4"], "not -4"), (["--buffer=99999999999999999999"], "not 9"),
                        (["--buffer=16385M"], "not 16385M"), (["--format=xml"], "not xml"),
                        (["--source=magic"], "not magic"),
                        (["--json", "--output=-"], "standard output")):
        r = k.run(*args, "--", "true")
        assert r.returncode == 2 and words in r.stderr and "--help" in r.stderr, (args, r)
        assert r.stdout == "" and not k.log(), (args, r)


def help_and_version(k):
    r = k.run("--help")
    assert r.returncode == 0 and r.stdout.startswith("Usage: dmah record") and not r.stderr, r
    assert all(len(l) <= 90 for l in r.stdout.splitlines())
    for o in ("--output", "--format", "--seconds", "--stacks", "--buffer", "--source", "--iommu", "--list",
              "--tracefs", "--json"):
        assert o in r.stdout, o
    assert k.run("--version").stdout.startswith("dmah "), r
    r = subprocess.run([DMAH, "help", "record"], capture_output=True, text=True)
    assert r.returncode == 0 and r.stdout.startswith("Usage: dmah record"), r


# ---- what is missing ----

def possible(k, events, kprobes, says):
    r = k.run("--list", "--json")
    s = json.loads(r.stdout)
    for key, part in (("missing_events", events), ("missing_kprobes", kprobes)):
        assert (s[key] is None) if part is None else part in s[key], (key, s)
    ok = events is None or kprobes is None
    assert s["possible"] == ok and r.returncode == (0 if ok else 2), r
    r = k.run("--list")
    assert r.returncode == (0 if ok else 2) and says in r.stdout and not r.stderr, r
    assert not k.log()


def list_all(k):
    possible(k, None, None, "takes the kernel's dma events")
    assert "iommu events  available" in k.run("--list").stdout


def list_old(k):
    possible(k, "6.12", None, "takes probes")
    r = k.run("--source=events", "--", "true")
    refused(k, r, "this kernel has no dma events: Linux 6.12")


def list_bare(k):
    possible(k, "6.12", "CONFIG_KPROBE_EVENTS", "nothing can be recorded")
    refused(k, k.run("--", "true"), "no dma events", "CONFIG_KPROBE_EVENTS")
    k.put("events/dma/enable", "0")
    refused(k, k.run("--iommu", "--", "true"), "no iommu events")


def list_no_tracefs(k):
    os.rmdir(os.path.join(k.root, "instances"))
    possible(k, "--tracefs is no tracefs", "mount -t tracefs tracefs DIR", "mount -t tracefs")
    r = k.run("--", "true")
    assert r.returncode == 2 and "mount -t tracefs" in r.stderr, r
    assert not os.path.exists(k.path("out.txt"))


def list_forbidden(k):
    k.put(".fail", "/kprobe_events %d" % errno.EACCES)
    possible(k, None, "root", "takes the kernel's dma events")
    k.put(".fail", "/instances %d" % errno.EACCES)
    possible(k, "root", "root", "nothing can be recorded")
    refused(k, k.run("--", "true"), "run it as root")


def main():
    tap = Tap()
    old = dict(events=False)
    cases = [(from_events, {}), (while_it_records, {}), (stacks_and_long_lists, {}), (from_kprobes, old), (symbols_missing, {}),
             (compressed, {}), (trace_dat, old), (damaged_dat, {}), (command, {}), (signals, {}),
             (killed, {}), (seconds, {}), (losses, {}), (nothing, {}), (kernel_refuses, {}),
             (output_fails, {}), (wrong_use, {}), (help_and_version, {}), (list_all, {}),
             (list_old, old), (list_bare, dict(events=False, kprobes=False, iommu=False)),
             (list_no_tracefs, {}), (list_forbidden, {})]
    for case, how in cases:
        k = Kernel(**how)
        try:
            case(k)
            tap.case(True, case.__name__)
        except (AssertionError, ValueError, KeyError, IndexError, OSError, struct.error,
                subprocess.SubprocessError) as err:
            tap.case(False, case.__name__, notes=("%s: %s" % (type(err).__name__, err)).splitlines())
        finally:
            k.close()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
