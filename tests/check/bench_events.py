#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Time and memory of dmah check and dmah profile on a long trace.

    bench_events.py DMAH MAKE_TRACE EVENTS

The bounds that the project promises for 10 million events, 60 s and 500 MB, are printed beside what
was measured. Only the memory is enforced: time depends on what else the machine does, so it is the
processor's time that is compared, and a breach is reported and not a failure.
"""

import os
import subprocess
import sys
import tempfile
import time

DMAH, MAKE_TRACE = map(os.path.abspath, sys.argv[1:3])
EVENTS = int(sys.argv[3])
MOST_SECONDS = 60
MOST_MB = 500


def measure(argv):
    start = time.monotonic()
    pid = os.posix_spawn(argv[0], argv, os.environ,
                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    return status, time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    bad = False
    with tempfile.NamedTemporaryFile(prefix="dmah-bench-", suffix=".txt") as f:
        subprocess.run([MAKE_TRACE, str(EVENTS)], stdout=f, check=True)
        size = os.path.getsize(f.name) / 1e6
        print("%d events, %.0f MB of text" % (EVENTS, size))
        for command in ("check", "profile"):
            status, wall, cpu, mb = measure([DMAH, command, f.name])
            print("dmah %-8s %5.1f s (%.1f s of CPU; bound %d s), %.0f MB (bound %d MB), status %d" % (
                command, wall, cpu, MOST_SECONDS, mb, MOST_MB, os.waitstatus_to_exitcode(status)))
            bad = bad or status or mb > MOST_MB
            if cpu > MOST_SECONDS:
                print("dmah %s took longer than it should" % command)
    return 1 if bad else 0


sys.exit(main())
