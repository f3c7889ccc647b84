# SPDX-License-Identifier: GPL-2.0-only
"""python3 -m linux.series patches|test|bench: see `make help`."""

import argparse
import os
import sys
import tempfile

from lab import vm
from lab.vm import cache, ktap

from . import boot, build, gains, series, source, stock, traffic, variant

# checkpatch and the files that it reads.
SCRIPTS = ["scripts/checkpatch.pl", "scripts/spelling.txt", "scripts/const_structs.checkpatch"]


def prepare(kernel, where):
    """Make the commits, in the directory where. Returns the source, the steps, their paths, and the files that they change."""
    src = source.Source(kernel)
    steps = series.steps(kernel)
    paths = sorted({p for s in steps for p in s.paths})
    with cache.lock("series-git-" + kernel):
        pristine = src.files(paths + SCRIPTS)
        series.make(kernel, pristine, steps, where)
    return src, steps, paths, pristine


def patches(args):
    """Write the patches; check them."""
    with tempfile.TemporaryDirectory(prefix="dmah-series-") as where:
        src, steps, paths, pristine = prepare(args.kernel, where)
        out = args.out or os.path.join(cache.BUILD, "series", args.kernel)
        os.makedirs(out, exist_ok=True)
        files = series.write(where, out, series.read(os.path.join(series.HERE, "cover")))
        for path in files:
            print(path)
        series.check_am(pristine, paths, files[1:], where)
        print("git am: %d patches apply to the files of %s as it is packaged, with the same result"
              % (len(files) - 1, os.path.basename(src.tar)))
        for before, step in zip(["base"] + [s.name for s in steps], steps):
            text = gains.line(where, step, before)
            if text:
                print(text)
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
    with tempfile.TemporaryDirectory(prefix="dmah-series-") as where:
        src, steps, _, _ = prepare(args.kernel, where)
        builder = build.Builder(src, steps, where, jobs(), variant.get(args.kind))
        names = builder.names() if args.step == ["all"] else args.step or [builder.names()[-1]]
        for name in names:
            yield builder.image(name), builder


def machines(args):
    """Returns the names of the machines that were asked for."""
    arch = variant.get(args.kind).arch
    there = boot.MACHINES[arch]
    for name in args.machine or ():
        if name not in there:
            raise cache.Error("no machine %s for %s (there are %s)" % (name, args.kind, ", ".join(there)))
    return args.machine or (boot.BENCH[arch] if args.run != test else list(there))


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
        for made in [] if args.kind != variant.DEFAULT else builder.objects(image.name):
            tap.case("ok", "%s: %s compiles" % (image.name, made))
        results = [("%s %s" % (image.name, name), boot.check(image, name, known(image, name)))
                   for name in args.machine]
        for name in () if args.no_network else args.driver or image.kind.drivers or traffic.on_arch(image.arch):
            if name == traffic.DISK:
                results += [("%s %s %s" % (image.name, name, on), traffic.disk(image, on)) for on in traffic.DISKS]
            else:
                results.append(("%s %s" % (image.name, name), traffic.network(image, name, boot.TRAFFIC[image.arch])))
        for case in boot.control(image):
            tap.case(case.verdict, "%s %s" % (image.name, case.name))
        for name, result in results:
            more = [traffic.sgl_requests(result)] if " %s " % traffic.DISK in name else []
            for case in result.cases() + more + [boot.reports(result)]:
                tap.case(case.verdict, "%s: %s" % (name, case.name), case.remark, case.notes)
    return tap.done()


def known(image, machine):
    """Returns the parameters of the test module that say which bugs a kernel still has, and which slots."""
    if image.arch == "armhf" and image.name < "08-arm-iova-zero":
        return "zero_outlives=1"
    # SMMUv3 has no slots before patch 13.
    if image.arch == "arm64" and image.name >= "13-slots-by-call" and machine in ("strict", "lazy"):
        return "slots=1"
    return ""


def drivers(args):
    """Build the converted drivers for Debian's kernel, boot it with dmah.ko and with them; print TAP."""
    tap = ktap.Tap(lambda line: print(line, flush=True))
    kernel = vm.Kernel(args.kernel)
    dmah = vm.Dmah(kernel)
    with tempfile.TemporaryDirectory(prefix="dmah-series-") as where:
        src, steps, _, _ = prepare(args.kernel, where)
        for name in args.driver or list(traffic.DRIVERS) + [traffic.DISK]:
            if name == traffic.DISK:
                disk(tap, kernel)
                continue
            kos = stock.build(src, where, steps[-1].name, name, dmah)
            tap.case("ok", "%s: the series' source builds for linux %s and dmah.ko" % (name, kernel.release))
            if args.build:
                continue
            for case in traffic.stock(kernel, name, kos).cases():
                tap.case(case.verdict, "%s with dmah.ko: %s" % (name, case.name), case.remark, case.notes)
            failing(tap, kernel, name, kos)
    return tap.done()


def disk(tap, kernel):
    """Show what Debian's nvme does with lists that the disk writes to. The converted one needs the series' block layer."""
    probes = [k for k in stock.fail(kernel) if k.endswith("series_list.ko")]
    result = traffic.lists(kernel, stock.debian(kernel, traffic.DISK), probes[0])
    for case in result.cases():
        tap.case(case.verdict, "nvme of Debian, lists written to: %s" % case.name, case.remark, case.notes)


def failing(tap, kernel, name, kos):
    """Boot a driver while map calls fail: Debian's own, if it has a bug there, and the converted one."""
    driver = traffic.DRIVERS[name]
    if driver.waits:
        tap.case("skip", "%s, maps fail" % name, "it would take hours")
        return
    fail = [k for k in stock.fail(kernel) if k.endswith("series_fail.ko")][0]
    # The number of the argument in which the functions have the direction, and DMA_TO_DEVICE.
    limit = {n: "" if driver.opens else " dir=1 place=%d" % n for n in (4, 5)}
    if driver.bug:
        # It may not survive that.
        _, wrong = traffic.failing(kernel, driver, [fail, stock.debian(kernel, name)],
                                     "symbol=dma_map_page_attrs" + limit[4], "series-failing-debian-" + name)
        # An observation, and no case: which maps fail, and what becomes of their addresses, is another matter in each run.
        print("# observed: %s of Debian, maps fail: %s" % (name, wrong[0] if wrong else "nothing was reported in this run"), flush=True)
    # -5: EIO
    result, wrong = traffic.failing(kernel, driver, [fail] + kos, "symbol=__dmah_map_page result=-5" + limit[5],
                                 "series-failing-dmah-" + name)
    for case in result.cases():
        tap.case(case.verdict, "%s with dmah.ko, maps fail: %s" % (name, case.name), case.remark, case.notes)
    tap.case(not wrong, "%s with dmah.ko, maps fail: no report of an unmap" % name, notes=wrong[:3])


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


def map_benchmark(args):
    """Run the kernel's own benchmark; print its figures."""
    for image, _ in images(args):
        for name in args.machine:
            result, figures = boot.map_benchmark(image, name)
            if not result.ok or not figures:
                raise cache.Error("%s %s: %s; the console is in %s"
                                  % (image.name, name, result.why or "no figures", result.log))
            for mode, found in figures.items():
                print("%-24s %-10s %-12s map %.1f us, unmap %.1f us" % (image.name, name, mode, found["map"], found["unmap"]),
                      flush=True)
    return 0


def main():
    parser = argparse.ArgumentParser(prog="linux-series", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    p = commands.add_parser("patches", help="write the numbered patches and check them")
    p.add_argument("--kernel", default="7.3")
    p.add_argument("--out", help="directory for the patches (build/series/KERNEL)")
    p.set_defaults(run=patches)
    for name, run, text in (
            ("test", test, "build steps, boot them, run the tests; TAP"),
            ("bench", bench, "build steps, boot them, count instructions"),
            ("map_benchmark", map_benchmark, "build steps, boot them, run the kernel's own benchmark (1 us: 1,000 instructions)")):
        p = commands.add_parser(name, help=text)
        p.add_argument("--kernel", default="7.3")
        p.add_argument("--step", action="append", default=[], help="a step's name, or all (the last)")
        p.add_argument("--machine", action="append", help="a name in linux/series/boot.py (all that suit)")
        p.add_argument("--driver", action="append", choices=list(traffic.DRIVERS) + [traffic.DISK],
                       help="whose traffic (all that work there)")
        p.add_argument("--no-network", action="store_true", help="without the drivers' traffic")
        p.add_argument("--kind", default=variant.DEFAULT, choices=list(variant.ALL),
                       help="architecture, or a kernel with sanitizers; each has a build directory of its own")
        p.set_defaults(run=run)
    p = commands.add_parser("drivers", help="boot the converted drivers on Debian's kernel with dmah.ko; TAP")
    p.add_argument("--kernel", default="7.3")
    p.add_argument("--driver", action="append", choices=list(traffic.DRIVERS) + [traffic.DISK])
    p.add_argument("--build", action="store_true", help="build them only")
    p.set_defaults(run=drivers)
    args = parser.parse_args()
    try:
        if args.run in (test, bench, map_benchmark):
            args.machine = machines(args)
        return args.run(args)
    except (cache.Error, OSError) as err:
        print("linux-series: %s" % err, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
