# SPDX-License-Identifier: GPL-2.0-only
"""python3 -m linux.series patches|build|test ...: see `make help`."""

import argparse
import os
import sys

from lab.vm import cache

from . import series, source

# checkpatch and the files that it reads.
SCRIPTS = ["scripts/checkpatch.pl", "scripts/spelling.txt", "scripts/const_structs.checkpatch"]


def patches(args):
    src = source.Source(args.kernel)
    steps = series.steps(args.kernel)
    paths = sorted({p for s in steps for p in s.paths})
    pristine = src.files(paths + SCRIPTS)
    where = os.path.join(src.work, "git")
    with cache.lock("series-git-" + args.kernel):
        series.make(args.kernel, pristine, steps, where)
        out = args.out or os.path.join(cache.BUILD, "series", args.kernel)
        os.makedirs(out, exist_ok=True)
        files = series.write(where, out, series.read(os.path.join(series.HERE, "cover")))
        for path in files:
            print(path)
        series.check_am(pristine, paths, files[1:], where)
        print("git am: %d patches apply to the files of %s as it is packaged, with the same result"
              % (len(files) - 1, os.path.basename(src.tar)))
        found = series.checkpatch(os.path.join(pristine, SCRIPTS[0]), files[1:])
        for text in found:
            print(text)
        print("checkpatch %s: %d of %d patches are clean"
              % (" ".join(series.CHECKPATCH), len(files) - 1 - len(found), len(files) - 1))
    return 1 if found else 0


def main():
    parser = argparse.ArgumentParser(prog="linux-series", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    p = commands.add_parser("patches", help="write the numbered patches and check them")
    p.add_argument("--kernel", default="7.3")
    p.add_argument("--out", help="directory for the patches (build/series/KERNEL)")
    p.set_defaults(run=patches)
    args = parser.parse_args()
    try:
        return args.run(args)
    except (cache.Error, OSError) as err:
        print("linux-series: %s" % err, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
