# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""dmah convert: the command line."""

import argparse
import collections
import concurrent.futures
import multiprocessing
import os
import re
import sys

from . import group, report, scan
from .index import Tree
from .rules import MAPS, SITES

ALL, LEFT, UNABLE = 0, 1, 2
# Calls of the DMA API that are known and have no handle, or that are not mappings of one buffer.
OTHERS = re.compile(r"^(__)?dma_(un)?map_sg\w*$|^dma_sync_sg\w*$|^dma_unmap_(addr|len)\w*$|^dma_map_ops\w*$"
                    r"|^dma_map_benchmark\w*$|^dma_(un)?map_\w*_attrs$")
DECLARED = re.compile(r"\b((?:skb_frag_)?dma_(?:(?:un)?map|sync)_\w+)\s*\(")
KNOWN_VERSIONS = ((6, 1), (7, 3))


class Unable(Exception):
    pass


def positive(text):
    """The value of an option that counts something."""
    n = int(text) if re.match(r"^\d+$", text) else 0
    if n < 1:
        raise argparse.ArgumentTypeError("'%s' is not a number above 0" % text)
    return n


def parse(argv):
    p = argparse.ArgumentParser(
        prog="dmah convert", add_help=True,
        description="Turn the address-keyed DMA calls of a Linux driver into handles, as far as that is "
                    "proven to be safe, and give the reason for each call that is left.",
        epilog="Exit status: 0 all sites are converted, 1 some are left, 2 wrong use, unreadable "
               "input, or paths without a .c or .h file.")
    p.add_argument("paths", nargs="+", metavar="DIR|FILE", help="the driver's directories or files")
    p.add_argument("--dry-run", action="store_true", help="only report; write nothing")
    p.add_argument("--patch", metavar="FILE", help="write a patch for git am, and leave the tree as it is (-: to standard output)")
    p.add_argument("--checked", action="store_true",
                   help="where length or direction are not proven, compare them at run time")
    p.add_argument("--json", action="store_true", help="report as JSON")
    p.add_argument("--jobs", type=positive, default=os.cpu_count() or 1, metavar="N", help="processes (all CPUs)")
    p.add_argument("--kernel", metavar="DIR", help="the kernel's source tree (found above the paths)")
    p.add_argument("--compile", metavar="KDIR",
                   help="compile each group before and after against this kernel's headers or build "
                        "directory; a group that fails is left")
    p.add_argument("--client", metavar="DIR", help="with --compile: the directory that has linux/dmah.h")
    p.add_argument("--no-attach", action="store_true", help="do not add devm_dmah_attach() to probe()")
    p.add_argument("--cache", metavar="DIR", help="where the index of the tree is kept")
    p.add_argument("--time-limit", type=positive, default=120, metavar="S", help="seconds of CPU time for one group (120)")
    return p.parse_args(argv)


def kernel_root(paths, given):
    """The tree that the paths are in: as given, else a kernel above them, else what they share."""
    if given:
        if not os.path.isdir(given):
            raise Unable("%s: no such directory" % given)
        return os.path.realpath(given)
    d = os.path.realpath(paths[0])
    while d != "/":
        if os.path.exists(os.path.join(d, "Kconfig")) and os.path.exists(os.path.join(d, "Kbuild")):
            return d
        d = os.path.dirname(d)
    dirs = [os.path.realpath(p) if os.path.isdir(p) else os.path.dirname(os.path.realpath(p)) for p in paths]
    return os.path.commonpath(dirs)


def unreadable(err):
    """A directory that cannot be read must not pass for one without files."""
    raise err


def linked(root, path):
    """The file behind a symbolic link: that one is written, and once."""
    if not os.path.islink(path) or not os.path.exists(path):
        return path
    full = os.path.realpath(path)
    if os.path.commonpath([root, full]) != root:
        raise Unable("%s leads to %s, which is not in the tree %s" % (path, full, root))
    return full


def collect(root, paths):
    """The .c and .h files below the paths, relative to the root."""
    files = []
    for p in paths:
        full = os.path.realpath(p)
        if not os.path.exists(full):
            raise Unable("%s: no such file or directory" % p)
        if os.path.commonpath([root, full]) != root:
            raise Unable("%s is not in the tree %s" % (p, root))
        if os.path.isfile(full):
            if not full.endswith((".c", ".h")):
                raise Unable("%s: neither a .c nor a .h file" % p)
            files.append(full)
            continue
        for top, dirs, names in os.walk(full, onerror=unreadable):
            dirs.sort()
            files += [linked(root, os.path.join(top, n)) for n in sorted(names) if n.endswith((".c", ".h"))]
    return [os.path.relpath(f, root) for f in dict.fromkeys(files)]


def client_headers(args):
    """The directory with <linux/dmah.h>, for --compile."""
    if not args.compile:
        return None
    if not os.path.exists(os.path.join(args.compile, "Makefile")):
        raise Unable("%s: no Makefile: not a kernel's headers or build directory" % args.compile)
    here = os.path.dirname(os.path.abspath(__file__))
    client = args.client or os.path.join(here, "..", "..", "ports", "linux", "include")
    if not os.path.exists(os.path.join(client, "linux", "dmah.h")):
        raise Unable("%s has no linux/dmah.h (--client names the directory)" % client)
    return client


def version(root):
    try:
        with open(os.path.join(root, "Makefile"), errors="replace") as f:
            m = re.search(r"^VERSION\s*=\s*(\d+)\s*^PATCHLEVEL\s*=\s*(\d+)", f.read(), re.M)
    except OSError:
        return None
    return (int(m.group(1)), int(m.group(2))) if m else None


def unknown_calls(tree, paths):
    """Calls of the kernel's DMA API in the files that this version of the command does not know."""
    declared = set()
    for h in ("include/linux/dma-mapping.h", "include/linux/skbuff.h"):
        if h in tree.found:
            declared |= set(DECLARED.findall(scan.hidden(tree.text(h))))
    declared = {d for d in declared if d not in MAPS and d not in SITES and not OTHERS.match(d)}
    if not declared:
        return {}
    used = collections.Counter()
    for p in paths:
        used.update(c for c in DECLARED.findall(scan.hidden(tree.text(p))) if c in declared)
    return dict(used)


# The tree is inherited by the worker processes.
TREE = None
OPTIONS = None


def work(paths):
    result = group.convert(TREE, paths, OPTIONS)
    for p in [p for p in TREE.sources if p.endswith(".c")]:
        TREE.forget(p)
    return result


def convert_all(groups, jobs, progress):
    results = {}
    if jobs <= 1 or len(groups) == 1:
        for i, g in enumerate(groups):
            results[i] = work(g)
            progress(len(results), g)
        return [results[i] for i in range(len(groups))]
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=context) as pool:
        # The largest first, or one of them runs alone at the end.
        order = sorted(range(len(groups)), key=lambda i: -len(groups[i]))
        futures = {pool.submit(work, groups[i]): i for i in order}
        for f in concurrent.futures.as_completed(futures):
            results[futures[f]] = f.result()
            progress(len(results), groups[futures[f]])
    return [results[i] for i in range(len(groups))]


def merge(groups, results):
    """All texts. A group that changed a file which another one changed is converted again on top of it."""
    texts = {}
    for i, r in enumerate(results):
        if set(r.texts) & set(texts):
            TREE.overlay.update(texts)
            for p in texts:
                TREE.sources.pop(p, None)
                TREE.word_sets.pop(p, None)
            again = group.convert(TREE, groups[i], OPTIONS)
            r.texts, r.maps, r.unchecked = again.texts, again.maps, again.unchecked
            r.notes += again.notes
        texts.update(r.texts)
    TREE.overlay.clear()
    TREE.sources.clear()
    TREE.word_sets.clear()
    return {p: t for p, t in texts.items() if t != TREE.text(p)}


def settle(results):
    """The sites of all groups. One that a neighbour's group converted is converted."""
    elsewhere = {(s["file"], s["line"], s["call"]) for r in results for s in r.others}
    sites = []
    for r in results:
        for s in r.sites:
            if s["rule"] and (s["file"], s["line"], s["call"]) in elsewhere:
                s["rule"], s["place"] = None, ""
            sites.append(s)
    return sites


def final_count(texts, sites, asked):
    """The files whose independent count disagrees with the report."""
    converted = collections.Counter(s["file"] for s in sites if s["rule"] is None)
    return [p for p in sorted(set(texts) | set(converted)) if p in asked and
            len(scan.calls(TREE.text(p))) - len(scan.calls(texts.get(p, TREE.text(p)))) != converted[p]]


def run(args):
    global TREE, OPTIONS
    sys.setrecursionlimit(20000)
    root = kernel_root(args.paths, args.kernel)
    files = collect(root, args.paths)
    if not files:
        raise Unable("no .c or .h file below %s" % ", ".join(args.paths))
    cache = args.cache or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                                       "dmah")
    try:
        TREE = Tree(root, cache)
    except OSError as err:
        raise Unable("%s: %s" % (err.filename, err.strerror)) from err
    try:
        paths = [p for p in files if TREE.has_sites(p)]
    except OSError as err:
        raise Unable("%s: %s" % (err.filename, err.strerror)) from err
    OPTIONS = group.Options(args.checked, not args.no_attach, args.time_limit, args.compile,
                            client_headers(args))
    groups = group.plan(paths)
    tty = sys.stderr.isatty()

    def progress(n, done):
        if tty:
            sys.stderr.write("\r\033[K%d of %d groups: %s" % (n, len(groups), done[0][-60:]))
            sys.stderr.flush()

    results = convert_all(groups, max(1, args.jobs), progress) if groups else []
    if tty and groups:
        sys.stderr.write("\r\033[K")
    sites = settle(results)
    texts = merge(groups, results)
    for p in final_count(texts, sites, set(paths)):
        raise Unable("%s: the count of its sites disagrees with what was converted; nothing is written. "
                     "Please report this." % p)
    return root, paths, results, sites, texts


def write_files(root, texts):
    for p, t in texts.items():
        full = os.path.join(root, p)
        temporary = full + ".dmah-convert"
        with open(temporary, "w", errors="surrogateescape", newline="") as f:
            f.write(t)
        os.chmod(temporary, os.stat(full).st_mode & 0o777)
        os.replace(temporary, full)


def main(argv):
    args = parse(argv)
    try:
        root, paths, results, sites, texts = run(args)
        summary = report.Summary(sites)
        notes = [n for r in results for n in r.notes]
        if args.patch and texts and not args.dry_run:
            data = report.patch(root, TREE, texts, summary, notes)
            if args.patch == "-":
                sys.stdout.buffer.write(data)
            else:
                with open(args.patch, "wb") as f:
                    f.write(data)
        elif texts and not args.dry_run:
            write_files(root, texts)
    except Unable as err:
        sys.stderr.write("dmah convert: %s\n" % err)
        return UNABLE
    except OSError as err:
        sys.stderr.write("dmah convert: %s: %s\n" % (err.filename or "the run", err.strerror or err))
        return UNABLE
    if args.patch and (args.dry_run or not texts):
        sys.stderr.write("dmah convert: %s: no patch is written, because %s\n" % (
            args.patch, "--dry-run writes nothing" if args.dry_run else "nothing is converted"))
    unknown = unknown_calls(TREE, paths)
    out = sys.stderr if args.patch == "-" else sys.stdout
    if args.json:
        report.write_json(out, summary, results, texts, unknown)
    else:
        v = version(root)
        if v and not KNOWN_VERSIONS[0] <= v <= KNOWN_VERSIONS[1]:
            out.write("note: Linux %d.%d is not among the versions that this command was tried on "
                      "(6.1 to 7.3)\n" % v)
        for name, n in sorted(unknown.items()):
            out.write("note: %d %s of %s(), which this command does not know, and left as %s\n" % (
                n, "call is" if n == 1 else "calls are", name, "it is" if n == 1 else "they are"))
        report.write_text(out, summary, results, True)
        if texts and not args.patch and not args.dry_run:
            out.write("wrote %d files below %s\n" % (len(texts), root))
    return LEFT if summary.converted < len(sites) else ALL
