# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The cache of downloaded and unpacked files, which several runs share.

The cache is build/vm, or what DMAH_VM_CACHE names. Each thing in it is a directory that appears
with one rename, complete; so an interrupted run leaves nothing that the next could take for whole,
and what is there can be read without a lock. A lock file keeps two runs from making the same thing.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
LOG = os.path.join(BUILD, "log")


class Error(Exception):
    """Something that the user must know of; its text is the whole message."""


def top():
    """The cache's directory, made where it is missing."""
    path = os.path.abspath(os.environ.get("DMAH_VM_CACHE") or os.path.join(BUILD, "vm"))
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as err:
        raise Error("%s: cannot be made (DMAH_VM_CACHE says where it is): %s"
                    % (path, err.strerror)) from err
    return path


@contextlib.contextmanager
def lock(name):
    """Nobody else holds the lock of that name in this cache, in any process, until the block ends."""
    os.makedirs(os.path.join(top(), "lock"), exist_ok=True)
    with open(os.path.join(top(), "lock", name), "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def sweep(kind):
    """Remove what interrupted runs left. The caller holds the lock under which they were made."""
    for name in os.listdir(top()):
        if name.startswith(".%s." % kind):
            shutil.rmtree(os.path.join(top(), name), ignore_errors=True)


def made(kind, fill, again=False):
    """The directory top()/kind, made by fill(directory) where it is missing, or again.

    fill works in a directory beside the final one, which takes its place when fill returns.
    """
    path = os.path.join(top(), kind)
    if os.path.isdir(path) and not again:
        return path
    flat = kind.replace("/", "-")
    with lock(flat):
        if os.path.isdir(path) and not again:
            return path
        sweep(flat)
        work = tempfile.mkdtemp(prefix=".%s." % flat, dir=top())
        try:
            os.chmod(work, 0o755)
            fill(work)
            replace(work, path)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
    return path


def replace(new, path):
    """Directory new becomes path. What was at path goes aside first: rename needs it empty."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    old = new + ".old"
    try:
        os.rename(path, old)
    except OSError as err:
        if err.errno != errno.ENOENT:
            raise
    os.rename(new, path)
    shutil.rmtree(old, ignore_errors=True)
