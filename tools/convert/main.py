#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Starts dmah convert: `dmah` runs this file, which finds its package beside itself."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# The directory of this file is a package, not a place to import from.
sys.path[:] = [os.path.dirname(HERE)] + [p for p in sys.path if os.path.abspath(p or ".") != HERE]
sys.dont_write_bytecode = True

from convert.command import main    # noqa: E402

if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BrokenPipeError:
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
