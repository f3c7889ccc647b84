#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Run a program that starts machines of the newer QEMU (struct qemu_config, newer): fetch that QEMU where it is missing.

    python3 lab/qemu/newer.py PROGRAM [ARGUMENT...]
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from vm import cache, emulator  # noqa: E402

if len(sys.argv) < 2:
    sys.exit(__doc__)
try:
    os.environ["DMAH_QEMU_NEWER"] = emulator.Newer().dir
except cache.Error as err:
    sys.exit("newer.py: the newer QEMU: %s" % err)
os.execv(sys.argv[1], sys.argv[1:])
