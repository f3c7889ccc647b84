# SPDX-License-Identifier: GPL-2.0-only
"""Makes the patches: applies each step to the files that it changes, commits it, and writes them.

A step is a directory patches/NN-name with

    message     the commit's message: subject, empty line, body
    edits       rules for the kernels that its first line names, "kernel 7.3" or "kernel 7.3 7.5";
                a further range of kernels has a file of its own, edits-NAME
    new/        files that the step adds, by their path in the kernel
    config      optional: options that the step adds to the kernels that are built
    checkpatch  optional: lines "TYPE reason" of findings that stay

The commits are made in a small git repository that holds only the files that the series touches, so
that no step needs the whole tree of Linux; the patches are the same as those of a full repository.
"""

import os
import re
import shutil
import subprocess
import tempfile

from lab.vm import cache

from . import edit

HERE = os.path.dirname(os.path.abspath(__file__))
PATCHES = os.path.join(HERE, "patches")
PREFIX = "RFC PATCH"
# checkpatch asks for a MAINTAINERS entry whenever a file is new; the maintainers decide on that.
CHECKPATCH = ["--strict", "--no-tree", "--show-types", "--ignore", "FILE_PATH_CHANGES"]


class Step:
    """One patch of the series."""

    def __init__(self, name, kernel, top=PATCHES):
        self.name = name
        self.dir = os.path.join(top, name)
        self.message = read(os.path.join(self.dir, "message"))
        self.new = {}
        base = os.path.join(self.dir, "new")
        for path, _, names in os.walk(base):
            for n in names:
                full = os.path.join(path, n)
                self.new[os.path.relpath(full, base)] = read(full)
        self.config = self.lines("config")
        # {type of finding: why it stays}
        self.excused = dict(l.split(" ", 1) for l in self.lines("checkpatch"))
        self.rules = self.edits(kernel)
        self.paths = sorted({r.path for r in self.rules} | set(self.new))
        if not self.paths:
            raise cache.Error("%s changes nothing" % name)

    def lines(self, name):
        path = os.path.join(self.dir, name)
        return read(path).splitlines() if os.path.exists(path) else []

    def edits(self, kernel):
        files = sorted(n for n in os.listdir(self.dir) if re.match(r"edits(-[\w.]+)?$", n))
        ranges = []
        for name in files:
            text = read(os.path.join(self.dir, name))
            first, _, rest = strip_head(text).partition("\n")
            words = first.split()
            if len(words) not in (2, 3) or words[0] != "kernel":
                raise cache.Error("%s/%s: the first rule is not kernel FIRST [LAST]" % (self.name, name))
            ranges.append("-".join(words[1:]))
            if number(words[1]) <= number(kernel) <= number(words[-1]):
                # Blank lines keep the numbers of lines in messages.
                skipped = text[:len(text) - len(rest)].count("\n")
                return edit.parse("\n" * skipped + rest, "%s/%s" % (self.name, name))
        if files:
            raise cache.Error("%s has no edits for Linux %s (it has %s)"
                              % (self.name, kernel, ", ".join(ranges)))
        return []


def strip_head(text):
    """Returns the text without the comments and blank lines at its head."""
    while text.startswith("#") or text.startswith("\n"):
        text = text.partition("\n")[2]
    return text


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def number(version):
    return tuple(int(n) for n in version.split("."))


def steps(kernel, top=PATCHES):
    """Returns the steps of the series in their order."""
    return [Step(name, kernel, top) for name in sorted(os.listdir(top))
            if os.path.isdir(os.path.join(top, name))]


def git(where, *args, env=None):
    """Run git in a directory; return what it printed. No configuration of the system is read."""
    out = subprocess.run(["git", "-c", "core.autocrlf=false", "-c", "commit.gpgsign=false",
                          "-c", "init.defaultBranch=main", "-c", "core.abbrev=12",
                          "-C", where] + list(args), stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                         env=dict(os.environ, **identity(), **(env or {})))
    text = out.stdout.decode(errors="replace")
    if out.returncode != 0:
        raise cache.Error("git %s failed:\n%s" % (" ".join(args), text))
    return text


def identity():
    """Returns the author and committer: of whoever runs this, and where git knows none, a fixed one."""
    found = {}
    for key, default in (("name", "dmah"), ("email", "dmah@localhost")):
        out = subprocess.run(["git", "-C", HERE, "config", "user." + key], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        value = out.stdout.decode().strip() or default
        for role in ("AUTHOR", "COMMITTER"):
            found["GIT_%s_%s" % (role, key.upper())] = os.environ.get(
                "GIT_%s_%s" % (role, key.upper()), value)
    return found


def start(pristine, paths, where):
    """Make a repository of the files among paths that the source has."""
    os.makedirs(where, exist_ok=True)
    git(where, "init", "-q")
    for path in paths:
        source = os.path.join(pristine, path)
        if os.path.exists(source):
            os.makedirs(os.path.dirname(os.path.join(where, path)) or where, exist_ok=True)
            shutil.copyfile(source, os.path.join(where, path))
    git(where, "add", "-A")
    git(where, "commit", "-q", "--allow-empty", "-m", "Linux as the package has it")
    git(where, "tag", "base")


def commit(step, where):
    """Apply a step in the repository and commit it."""
    def contents(path):
        full = os.path.join(where, path)
        return read(full) if os.path.exists(full) else None

    try:
        changed = edit.apply(step.rules, contents)
    except edit.Error as err:
        raise cache.Error(str(err)) from err
    for path, text in step.new.items():
        if contents(path) is not None:
            raise cache.Error("%s adds %s, which is there already" % (step.name, path))
        changed[path] = text
    for path, text in changed.items():
        full = os.path.join(where, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)
    git(where, "add", "-A")
    git(where, "commit", "-q", "--signoff", "-m", step.message)
    git(where, "tag", step.name)


def make(kernel, pristine, all_steps, where):
    """Make the repository with one commit for each step."""
    shutil.rmtree(where, ignore_errors=True)
    paths = sorted({p for s in all_steps for p in s.paths})
    start(pristine, paths, where)
    for step in all_steps:
        commit(step, where)


def write(where, out, cover):
    """Write the patches and the cover letter into the directory out; return their paths."""
    for name in os.listdir(out):
        if re.match(r"[0-9]{4}-.*\.patch$", name):
            os.remove(os.path.join(out, name))
    text = git(where, "format-patch", "-q", "--cover-letter", "--subject-prefix=" + PREFIX,
               "--no-signature", "--no-renames", "-o", os.path.abspath(out), "base..HEAD")
    files = sorted(os.path.join(out, n) for n in os.listdir(out) if re.match(r"[0-9]{4}-.*\.patch$", n))
    if not files:
        raise cache.Error("git format-patch wrote nothing:\n" + text)
    subject, _, body = cover.partition("\n")
    letter = read(files[0])
    for mark, value in (("*** SUBJECT HERE ***", subject.strip()), ("*** BLURB HERE ***", body.strip())):
        if letter.count(mark) != 1:
            raise cache.Error("%s: git's cover letter has no %s" % (files[0], mark))
        letter = letter.replace(mark, value)
    with open(files[0], "w", encoding="utf-8") as f:
        f.write(letter)
    return files


def check_am(pristine, paths, patches, where):
    """Apply the patches by git am to files as the package has them: the result must be the same."""
    with tempfile.TemporaryDirectory(prefix="dmah-am-") as fresh:
        start(pristine, paths, fresh)
        text = git(fresh, "am", "--whitespace=error-all", *[os.path.abspath(p) for p in patches])
        if git(fresh, "rev-parse", "HEAD^{tree}") != git(where, "rev-parse", "HEAD^{tree}"):
            raise cache.Error("git am made other files than those that the patches were written from")
    return text


def checkpatch(script, patches, all_steps):
    """Returns checkpatch's findings, one text for each patch that has any."""
    found = []
    with tempfile.TemporaryDirectory(prefix="dmah-checkpatch-") as empty:
        # checkpatch looks for names of the kernel's headers in the repository around it, and complains where there is none.
        git(empty, "init", "-q")
        git(empty, "commit", "-q", "--allow-empty", "-m", "no headers")
        for patch, step in zip(patches, all_steps):
            ignore = ["--ignore", ",".join(step.excused)] if step.excused else []
            out = subprocess.run(["perl", os.path.abspath(script)] + CHECKPATCH + ignore + ["-q", os.path.abspath(patch)],
                                 cwd=empty, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, check=False)
            text = out.stdout.decode(errors="replace").strip()
            if out.returncode != 0 or text:
                found.append("%s:\n%s" % (os.path.basename(patch), text))
    return found
