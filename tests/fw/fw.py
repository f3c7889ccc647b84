# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Run dmah tables, and the cases of a test program: PROGRAM DMAH DATA."""

import json
import os
import subprocess
import sys
import tempfile
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lab"))

from vm.ktap import Tap  # noqa: E402

DMAH, DATA = (os.path.abspath(a) for a in sys.argv[1:3])
MSI_X86 = (0xfee00000, 0xfeefffff, "msi")
scratch = None


def data(name):
    return os.path.join(DATA, name)


def tables(*args):
    """Return exit status, standard output and standard error."""
    done = subprocess.run([DMAH, "tables", *args], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def put(name, content):
    path = os.path.join(scratch, name)
    with open(path, "wb") as f:
        f.write(content)
    return path


def name_of(bdf, segment=0):
    return "%04x:%02x:%02x.%x" % (segment, bdf >> 8, bdf >> 3 & 31, bdf & 7)


def number(text):
    """0x-text or nothing else."""
    assert text.startswith("0x"), text
    return int(text, 16)


class Answer:
    """One line of the command's JSON."""

    def __init__(self, line):
        j = json.loads(line)
        assert list(j) == ["requester", "iommu", "ids", "reserved"], j
        self.requester = j["requester"]
        self.unit = None
        if j["iommu"] is not None:
            place = j["iommu"].get("base") or j["iommu"]["bdf"]
            assert len(j["iommu"]) == 2, j
            self.unit = (j["iommu"]["kind"], number(place) if place.startswith("0x") else place)
        self.ids = [number(i) for i in j["ids"]]
        self.reserved = [(number(r["start"]), number(r["end"]), r["kind"]) for r in j["reserved"]]
        if not self.unit:
            assert not self.ids and not self.reserved, j

    def __repr__(self):
        return "%s: %s ids %s reserved %s" % (self.requester, self.unit, [hex(i) for i in self.ids],
                                              [(hex(s), hex(e), k) for s, e, k in self.reserved])


def ask(files, requesters, bridges=(), status=0):
    """Return the answers, in order, and standard error."""
    args = ["--requester=" + (r if isinstance(r, str) else name_of(r)) for r in requesters]
    args += ["--bridge=" + b for b in bridges]
    got, out, err = tables("--json", *args, *([files] if isinstance(files, str) else files))
    assert got == status, (got, err)
    answers = [Answer(line) for line in out.splitlines()]
    assert len(answers) == len(requesters), out
    return answers, err


def one(files, requester, bridges=(), status=0):
    return ask(files, [requester], bridges, status)[0][0]


def listing(*args, status=0):
    got, out, err = tables("--json", *args)
    assert got == status, (got, err)
    return json.loads(out)


def refused(table, name, offset, word):
    """The table has an error that names table, offset and a word of the reason."""
    status, out, err = tables("--json", put("hostile.bin", table))
    want = "error: %s, offset 0x%x: " % (name, offset)
    assert status == 1, (status, out, err)
    assert any(want in line and word in line for line in err.splitlines()), (want, word, err)


def main(cases):
    global scratch
    tap = Tap()
    with tempfile.TemporaryDirectory() as scratch:
        for case in cases:
            try:
                case()
                tap.case("ok", case.__name__)
            except Exception:
                tap.case("not ok", case.__name__, notes=traceback.format_exc().splitlines())
    sys.exit(tap.done())
