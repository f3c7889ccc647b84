#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""dmah check's outputs for programs, and what fails: test_output.py DMAH"""

import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lab"))

from vm.ktap import Tap, parse  # noqa: E402

DMAH = os.path.abspath(sys.argv[1])
CASES = os.path.join(HERE, "cases")
TRACE = "49_scratch_page.txt"       # 6 overlaps, which are errors, and an exposure
CLEAN = "ok/60_cc_shared_pair.txt"
STACKS = "formats/perfcg.txt"       # a size-mismatch, with callers
UNREADABLE = "f13_bpftrace.txt"


def run(*args):
    done = subprocess.run([DMAH, "check", *args], cwd=CASES, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def write(name, text):
    path = os.path.join(scratch, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def ktap():
    status, out, _ = run("--format=ktap", TRACE, CLEAN)
    assert status == 1, status
    lines = out.splitlines()
    assert lines[:2] == ["KTAP version 1", "1..2"], lines[:2]
    assert [l for l in lines if l.startswith(("ok", "not ok"))] == \
        ["not ok 1 " + TRACE, "ok 2 " + CLEAN], out
    kinds = [l.split(maxsplit=2) for l in lines if l.startswith("    ok")]
    failed = [l.split() for l in lines if l.startswith("    not ok")]
    assert len(kinds) + len(failed) == 2 * 24, (len(kinds), len(failed))
    assert [f[3] for f in failed] == ["overlap"], failed
    assert sum(l.startswith("    # error: 0000:03:00.0: line ") for l in lines) == 6, out
    # the project's own reader of KTAP agrees
    cases = parse(lines)
    assert sum(c.verdict == "not ok" for c in cases) == 1, cases
    status, out, err = run("--format=ktap", UNREADABLE, CLEAN)
    assert status == 2 and "not ok 1 " + UNREADABLE in out and "bpftrace" in out, out


def ktap_many():
    # 30 overlaps: 20 are shown
    lines = [" a-1 [000] ..... 1.0: dma_map_page: d#1 dir=FROM_DEVICE dma_addr=%x size=4096 "
             "phys_addr=5000 attrs=\n" % (0x1000 * i) for i in range(1, 12)]
    status, out, _ = run("--format=ktap", write("many.txt", "".join(lines)))
    assert status == 1, status
    assert out.count("    # error: d_1: ") == 20 and "and 35 more" in out, out


def sarif():
    status, out, _ = run("--format=sarif", TRACE, STACKS)
    assert status == 1, status
    log = json.loads(out)
    assert log["version"] == "2.1.0" and "sarif-schema-2.1.0" in log["$schema"], log
    [one] = log["runs"]
    rules = [r["id"] for r in one["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules)) == 24, rules
    results = one["results"]
    assert len(results) == 9, results
    for r in results:
        assert rules[r["ruleIndex"]] == r["ruleId"], r
        assert r["level"] in ("error", "note") and r["message"]["text"], r
        assert r["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1, r
    mismatch = [r for r in results if r["ruleId"] == "size-mismatch"][0]
    assert mismatch["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] == 1
    assert mismatch["partialFingerprints"]["dmahFinding/v1"] == \
        "size-mismatch device=0000:00:01.0 event=dma_unmap_page caller=e1000_clean " \
        "map-caller=e1000_xmit_frame", mismatch
    _, out, _ = run("--format=sarif", "--suppress=" + write("s", "overlap\n"), TRACE)
    results = json.loads(out)["runs"][0]["results"]
    assert [r.get("suppressions") for r in results if r["ruleId"] == "overlap"] == \
        [[{"kind": "external"}]] * 6, results


def callers():
    _, out, _ = run("--json", STACKS)
    [mismatch] = [f for f in json.loads(out) if f["kind"] == "size-mismatch"]
    assert mismatch["caller"] == "e1000_clean" and mismatch["map_caller"] == "e1000_xmit_frame"
    _, out, _ = run("--json", TRACE)
    assert "caller" not in out and "state" not in out, out
    _, out, _ = run("--json", "23_dmabuf_two_devices.txt")
    assert json.loads(out)[0]["other_device"] == "0000:03:00.0", out


def fail_on():
    for arg, status in (("errors", 1), ("none", 0), ("all", 1), ("exposure", 1), ("overlap", 1),
                        ("size-mismatch", 0), ("size-mismatch,exposure", 1), ("none,errors", 1)):
        assert run("--fail-on=" + arg, TRACE)[0] == status, arg
    assert run("--fail-on=all", CLEAN)[0] == 0
    for arg in ("", "bogus", "overlap,", "overlap,bogus"):
        status, out, err = run("--fail-on=" + arg, TRACE)
        assert status == 2 and "--fail-on" in err and not out, (arg, err)


def baseline():
    path = os.path.join(scratch, "baseline")
    assert run("--write-baseline=" + path, TRACE, CLEAN)[0] == 1
    with open(path) as f:
        lines = [l for l in f.read().splitlines() if not l.startswith("#")]
    assert lines == ["exposure device=0000:03:00.0 event=dma_unmap_phys",
                     "overlap device=0000:03:00.0 event=dma_map_phys"], lines
    status, out, _ = run("--baseline=" + path, TRACE)
    assert status == 0 and "nothing new found" in out and "7 more are in the baseline" in out, out
    # another device's finding, and another kind, are new
    assert run("--baseline=" + path, "23_dmabuf_two_devices.txt")[0] == 1
    assert run("--baseline=" + path, "ok/04_dir.txt")[0] == 1
    # so does the output for programs
    for name in (TRACE, STACKS):
        js = write("baseline.json", run("--json", name)[1])
        status, out, _ = run("--baseline=" + js, "--json", name)
        assert status == 0, out
        assert {f["state"] for f in json.loads(out)} == {"known"}, out
    assert run("--baseline=" + js, TRACE)[0] == 1
    assert run("--write-baseline=/dev/full", TRACE)[0] == 2
    assert run("--write-baseline=/no/such/dir/file", TRACE)[0] == 2


def suppress():
    for line, left in (("overlap", 0), ("over*", 0), ("*", 0), ("overlap device=0000:03:*", 0),
                       ("overlap device=0000:04:*", 6), ("overlap phys=0x7000", 0),
                       ("overlap phys=0x6000-0x7fff dma=0xfff02000", 4), ("exposure", 6),
                       ("overlap event=dma_map_p?ys task=ktest", 0), ("overlap task=other", 6),
                       ("overlap size=4096 # meant", 0), ("overlap size=0-4095", 6),
                       ("# nothing", 6), ("\n\noverlap dma=0xfff01000-0xfff02000", 3)):
        _, out, err = run("--json", "--suppress=" + write("s", line + "\n"), TRACE)
        new = [f for f in json.loads(out) if "state" not in f and f["kind"] == "overlap"]
        assert len(new) == left, (line, new)
        unused = left == 6 and not line.startswith(("#", "exposure"))
        assert ("matches no finding" in err) == unused, (line, err)
    status, out, _ = run("--suppress=" + write("s", "overlap other=0000:03:00.0 device=0000:04:*\n"),
                         "23_dmabuf_two_devices.txt")
    assert status == 0 and "1 more is suppressed" in out, out
    for line, why in (("overlp", "no kind"), ("overlap nonsense", "nonsense"),
                      ("overlap phys=x", "phys=x"), ("overlap phys=5-4", "phys=5-4"),
                      ("overlap device=", "device="), ("exposure\noverlap a=b", "line 2"),
                      ("overlap size=99999999999999999999", "size=")):
        status, out, err = run("--suppress=" + write("s", line + "\n"), TRACE)
        assert status == 2 and why in err and not out, (line, err)
    status, _, err = run("--suppress=/no/such/file", TRACE)
    assert status == 2 and "/no/such/file" in err, err
    for text in ("[1]", "[", "[{\"kind\":\"bogus\"}]"):
        status, _, err = run("--baseline=" + write("b", text), TRACE)
        assert status == 2 and scratch in err, (text, err)


def options():
    assert run("--cache-line=128", "20b_arm_line128.txt")[1].count("note: shared-line") == 1
    assert "shared-line" not in run("20b_arm_line128.txt")[1]
    assert "segment-boundary" in run("59_sg_segment_over_4g.txt")[1]
    assert "segment-boundary" not in run("--boundary=none", "59_sg_segment_over_4g.txt")[1]
    assert "segment-boundary" not in run("--boundary=8G", "59_sg_segment_over_4g.txt")[1]
    for bad in ("--cache-line=0", "--cache-line=48", "--cache-line=8192", "--cache-line=x",
                "--boundary=0", "--boundary=4X", "--boundary=-1", "--boundary=99999999999G",
                "--format=xml"):
        status, out, err = run(bad, TRACE)
        assert status == 2 and bad.split("=")[1] in err and not out, (bad, err)


def many_findings():
    """Findings beyond a bound are counted and not kept."""
    line = " a-1 [000] ..... %d.0: dma_%s: d dir=TO_DEVICE dma_addr=%x size=4096 %s\n"
    text = line % (1, "map_page", 0x1000, "phys_addr=5000 attrs=")
    text += "".join(line % (i, "sync_single_for_cpu", 0xff000, "") for i in range(2, 20102))
    status, out, _ = run(write("many.txt", text))
    assert status == 1 and "and 100 more, only counted" in out, out[-500:]
    assert out.count("error: sync-unmapped") == 100, out.count("error: sync-unmapped")


def every_event():
    """A module that makes every event of a kernel, with right calls only: no error."""
    for kernel in ("6.12", "7.3"):
        name = os.path.join(HERE, "..", "trace", "data", "every_%s.txt.xz" % kernel)
        status, out, err = run("--json", "--final", "--from-start=yes", name)
        kinds = {f["kind"] for f in json.loads(out)}
        assert status == 0 and kinds == {"exposure", "failed-map"}, (kernel, kinds, err)


def main():
    tap = Tap()
    for case in (ktap, ktap_many, sarif, callers, fail_on, baseline, suppress, options,
                 many_findings, every_event):
        try:
            case()
            tap.case(True, case.__name__)
        except AssertionError as e:
            tap.case(False, case.__name__, notes=["%s: %r" % (case.__name__, e)])
    return tap.done()


with tempfile.TemporaryDirectory(prefix="dmah-test-") as scratch:
    sys.exit(main())
