# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Compile a group before and after its conversion, against a kernel's headers or build directory.

A use of a retyped slot that was missed is a type error, so the compiler proves that all were found. The
files that the group changed, and the .c files beside them that include a changed header, are compiled as
an external module, each by the flags of its own Makefile. A file that does not compile before the
conversion (another architecture's, or of an option that is off) proves nothing and is counted apart.
"""

import os
import re
import shutil
import subprocess
import tempfile

# Users of a changed header that are compiled at most.
MAX_USERS = 12


class Verdict:
    """compiled, skipped: paths. failed: {path: lines of new errors and warnings}."""

    def __init__(self):
        self.compiled = []
        self.skipped = []
        self.failed = {}


def place(root, work, folder, files):
    """A directory that looks like the tree around a folder: links, but the folder's own files are copies."""
    here, at = work, root
    for part in folder.split("/"):
        if not os.path.isdir(here):
            os.makedirs(here)
        for entry in os.listdir(at):
            link = os.path.join(here, entry)
            if entry != part and not os.path.lexists(link):
                os.symlink(os.path.join(at, entry), link)
        here, at = os.path.join(here, part), os.path.join(at, part)
        if os.path.islink(here):
            os.unlink(here)
        os.makedirs(here, exist_ok=True)
    for entry in os.listdir(at):
        full, copy = os.path.join(at, entry), os.path.join(here, entry)
        if os.path.lexists(copy):
            continue
        if os.path.isdir(full):
            os.symlink(full, copy)
        elif entry.endswith(".h") or entry in files or entry.startswith(("Makefile", "Kbuild")):
            shutil.copyfile(full, copy)
    return here


def compile_folder(kernel, folder, client, objects, jobs):
    """{object: lines of errors and warnings, or None where there is no object} """
    argv = ["make", "-k", "-C", kernel, "M=" + folder, "KCFLAGS=-I" + client, "-j%d" % jobs] + objects
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False,
                          env=dict(env, LC_ALL="C"), stdin=subprocess.DEVNULL)
    lines = [l for l in (done.stdout + done.stderr).splitlines()
             if re.search(r": (fatal )?(error|warning):", l)]
    out = {}
    for o in objects:
        source = o[:-2] + ".c"
        mine = [l for l in lines if source in l or not re.match(r"\S+\.c:", l)]
        out[o] = mine if os.path.exists(os.path.join(folder, o)) else None
        if out[o] is None and not mine:
            out[o + " lines"] = done.stderr.splitlines()[-3:]
        elif out[o] is None:
            out[o + " lines"] = mine
    return out


def targets(tree, texts):
    """{folder: names of the .c files to compile}"""
    out = {}
    for p in texts:
        if p.endswith(".c"):
            out.setdefault(os.path.dirname(p), set()).add(os.path.basename(p))
            continue
        users = sorted(u for u in tree.users(p) if u.endswith(".c")
                       and u.startswith(os.path.dirname(p) + "/") and u not in texts)
        for u in users[:MAX_USERS]:
            out.setdefault(os.path.dirname(u), set()).add(os.path.basename(u))
    return out


def verify(tree, texts, kernel, client, jobs=1):
    """Compile what the new texts {path: text} concern, before and after. Return a Verdict."""
    v = Verdict()
    kernel, client = os.path.abspath(kernel), os.path.abspath(client)
    work = tempfile.mkdtemp(prefix="dmah-convert-compile.")
    try:
        for folder, names in sorted(targets(tree, texts).items()):
            objects = [n[:-2] + ".o" for n in sorted(names)]
            found = []
            for side in ("before", "after"):
                top = os.path.join(work, side)
                at = place(tree.root, top, folder or ".", names)
                if side == "after":
                    for p, t in texts.items():
                        full = os.path.join(top, p)
                        if os.path.realpath(os.path.dirname(full)).startswith(os.path.realpath(work)):
                            with open(full, "w", errors="surrogateescape", newline="") as f:
                                f.write(t)
                found.append(compile_folder(kernel, at, client, objects, jobs))
            for o in objects:
                path = os.path.join(folder, o[:-2] + ".c")
                before, after = found[0][o], found[1][o]
                if before is None:
                    v.skipped.append(path)
                elif after is None or len(after) > len(before):
                    v.failed[path] = found[1].get(o + " lines") or after
                else:
                    v.compiled.append(path)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return v
