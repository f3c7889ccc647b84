#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The patch series on the real source of Linux: it applies, is clean, and its mappers compile for arm and arm64.

The source is downloaded on the first run. The kernel is built and booted by `make linux-series-test`.
"""

import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

from lab import vm  # noqa: E402
from lab.vm import cache  # noqa: E402
from linux.series import __main__ as command  # noqa: E402
from linux.series import build, series, variant  # noqa: E402

KERNEL = "7.3"


def check(tap):
    with tempfile.TemporaryDirectory(prefix="dmah-series-") as top:
        where, out = os.path.join(top, "git"), os.path.join(top, "out")
        os.mkdir(out)
        src, steps, paths, pristine = command.prepare(KERNEL, where)
        tap.case("ok", "every rule of %d steps matches linux-source-%s" % (len(steps), KERNEL))
        files = series.write(where, out, series.read(os.path.join(series.HERE, "cover")))
        series.check_am(pristine, paths, files[1:], where)
        tap.case("ok", "git am applies %d patches, with the same result" % (len(files) - 1))
        script = os.path.join(pristine, command.SCRIPTS[0])
        for path, step in zip(files[1:], steps):
            found = series.checkpatch(script, [path], [step])
            tap.case(not found, "checkpatch finds nothing in %s" % step.name,
                     notes="\n".join(found).split("\n"))
        for kind in variant.ALL.values():
            if kind.edits:
                changed = build.Builder(src, steps, where, kind=kind).edited({})
                tap.case(bool(changed), "%s: every rule of %s matches" % (kind.name, kind.edits))
        builder = build.Builder(src, steps, where, command.jobs())
        for made in builder.objects(steps[-1].name):
            tap.case("ok", "%s compiles" % made)


def main():
    tap = vm.Tap()
    try:
        check(tap)
    except cache.Error as err:
        tap.case("not ok", "the series on the real source", notes=str(err).split("\n"))
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
