# SPDX-License-Identifier: GPL-2.0-only
"""python3 -m linux.series patches|test|bench: see `make help`."""

import argparse
import os
import sys

from lab.vm import cache, ktap

from . import boot, build, series, source

# checkpatch and the files that it reads.
SCRIPTS = ["scripts/checkpatch.pl", "scripts/spelling.txt", "scripts/const_structs.checkpatch"]


def prepare(args):
    """Make the commits. Returns the source, the steps, their paths, and the repository."""
    src = source.Source(args.kernel)
    steps = series.steps(args.kernel)
    paths = sorted({p for s in steps for p in s.paths})
    pristine = src.files(paths + SCRIPTS)
    where = os.path.join(src.work, "git")
    series.make(args.kernel, pristine, steps, where)
    return src, steps, paths, pristine, where


def patches(args):
    with cache.lock("series-git-" + args.kernel):
        src, steps, paths, pristine, where = prepare(args)
        out = args.out or os.path.join(cache.BUILD, "series", args.kernel)
        os.makedirs(out, exist_ok=True)
        files = series.write(where, out, series.read(os.path.join(series.HERE, "cover")))
        for path in files:
            print(path)
        series.check_am(pristine, paths, files[1:], where)
        print("git am: %d patches apply to the files of %s as it is packaged, with the same result"
              % (len(files) - 1, os.path.basename(src.tar)))
        found = series.checkpatch(os.path.join(pristine, SCRIPTS[0]), files[1:], steps)
        for text in found:
            print(text)
        for step in steps:
            for kind, reason in step.excused.items():
                print("checkpatch: %s stays in %s: %s" % (kind, step.name, reason))
        print("checkpatch %s: %d of %d patches are clean"
              % (" ".join(series.CHECKPATCH), len(files) - 1 - len(found), len(files) - 1))
    return 1 if found else 0


def images(args):
    """Returns the images of the steps that were asked for, built one after another."""
    with cache.lock("series-git-" + args.kernel):
        src, steps, _, _, where = prepare(args)
        builder = build.Builder(src, steps, where, jobs(), args.debug)
        names = builder.names() if args.step == ["all"] else args.step or [builder.names()[-1]]
        for name in names:
            yield builder.image(name), builder


def jobs():
    try:
        return max(1, int(os.environ.get("JOBS", "")))
    except ValueError:
        return os.cpu_count() or 1


def test(args):
    """Boot each step; print TAP."""
    tap = ktap.Tap(lambda line: print(line, flush=True))
    for image, builder in images(args):
        tap.case("ok", "%s builds" % image.name)
        for made in [] if args.debug else builder.objects(image.name):
            tap.case("ok", "%s: %s compiles" % (image.name, made))
        results = [("%s %s" % (image.name, name), boot.check(image, name)) for name in args.machine]
        if not args.no_network:
            for driver in boot.NETWORK:
                results.append(("%s %s" % (image.name, driver), boot.network(image, driver, "strict")))
        for name, result in results:
            for case in result.cases():
                tap.case(case.verdict, "%s: %s" % (name, case.name), case.remark, case.notes)
    return tap.done()


def bench(args):
    """Measure each step on each machine; print a table for each machine."""
    figures = {}
    names = []
    for image, _ in images(args):
        names.append(image.name)
        for name in args.machine:
            result, figures[name, image.name] = boot.bench(image, name)
            if not result.ok or not figures[name, image.name]:
                raise cache.Error("%s %s: %s; the console is in %s"
                                  % (image.name, name, result.why or "no figures", result.log))
    for name in args.machine:
        rows = sorted({row for n in names for row in figures[name, n]})
        print("\n%s: instructions for each call (QEMU -icount shift=0)" % name)
        print("%-44s" % "offset+size api call" + "".join("%16s" % n[:15] for n in names))
        for row in rows:
            print("%-44s" % " ".join(row)
                  + "".join("%16s" % figures[name, n].get(row, "-") for n in names))
    return 0


def main():
    parser = argparse.ArgumentParser(prog="linux-series", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    p = commands.add_parser("patches", help="write the numbered patches and check them")
    p.add_argument("--kernel", default="7.3")
    p.add_argument("--out", help="directory for the patches (build/series/KERNEL)")
    p.set_defaults(run=patches)
    for name, run, machines, text in (
            ("test", test, list(boot.MACHINES), "build steps, boot them, run the tests; TAP"),
            ("bench", bench, ["strict", "lazy", "untrusted"], "build steps, boot them, count instructions")):
        p = commands.add_parser(name, help=text)
        p.add_argument("--kernel", default="7.3")
        p.add_argument("--step", action="append", default=[], help="a step's name, or all (the last)")
        p.add_argument("--machine", action="append", choices=list(boot.MACHINES), help="(%s)" % ", ".join(machines))
        p.add_argument("--debug", action="store_true", help="with dma-debug, in a build directory of its own")
        p.add_argument("--no-network", action="store_true", help="without the drivers' traffic")
        p.set_defaults(run=run, machines=machines)
    args = parser.parse_args()
    if args.command != "patches":
        args.machine = args.machine or args.machines
    try:
        return args.run(args)
    except (cache.Error, OSError) as err:
        print("linux-series: %s" % err, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
