# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The files of the source tree, for the checks that read them."""

import os
import subprocess

ROOT = os.environ.get("DMAH_ROOT") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def files(root=ROOT):
    """Every file that git tracks or would track; in an unpacked archive all outside build/."""
    if os.path.exists(os.path.join(root, ".git")):
        try:
            out = subprocess.run(
                ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"],
                cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, check=True).stdout.decode()
            return sorted(f for f in set(out.split("\0"))
                          if f and os.path.isfile(os.path.join(root, f)))
        except (OSError, subprocess.CalledProcessError):
            pass
    found = []
    for path, dirs, names in os.walk(root):
        rel = os.path.relpath(path, root)
        if rel == ".":
            dirs[:] = [d for d in dirs if d not in ("build", ".git")]
        found += [os.path.normpath(os.path.join(rel, n)) for n in names]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def read_list(root, path):
    """Return the lines of a list, without its comments; none where there is no such file."""
    if not os.path.exists(os.path.join(root, path)):
        return []
    return [l.strip() for l in read(root, path).split("\n") if l.strip() and not l.startswith("#")]


def write_list(root, path, entries):
    """Replace the entries of a list; the comments at its head stay."""
    head = [l for l in read(root, path).split("\n") if l.startswith("#")]
    with open(os.path.join(root, path), "w", encoding="utf-8") as f:
        f.write("\n".join(head + sorted(entries)) + "\n")
