# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""One group: files that are analysed and edited together. The result is whole or nothing."""

import collections
import os
import signal
import traceback

from . import moves, scan
from .attach import attach
from .edit import Editor, Overlap
from .slots import Analysis
from .verify import verify

# Directories above this depth hold unrelated drivers, one a file.
DEEP = 3


class TimeLimit(Exception):
    pass


class Miscount(Exception):
    pass


class DoesNotCompile(Exception):
    pass


class Options:
    def __init__(self, checked=False, attach_device=True, limit=120, compile_with=None, client=None):
        self.compile_with = compile_with
        self.client = client
        self.checked = checked
        self.attach_device = attach_device
        self.limit = limit


class Result:
    """texts: {path: new text}. sites: dicts, one for each site of the group's own files."""

    def __init__(self, paths):
        self.paths = paths
        self.texts = {}
        self.sites = []
        self.notes = []
        self.maps = 0
        self.unchecked = 0
        self.compiled = []      # files that compile after as before
        self.skipped = []       # files that do not compile before
        self.others = []        # converted sites in files that were not asked for


def plan(paths):
    """Lists of paths that belong together."""
    by_dir = collections.OrderedDict()
    for p in sorted(paths):
        by_dir.setdefault(os.path.dirname(p), []).append(p)
    out = []
    for d, files in by_dir.items():
        out += [files] if d.count("/") >= DEEP else [[p] for p in files]
    return out


def site(path, line, name, rule=None, place="", address="", proven=True):
    return {"file": path, "line": line, "call": name, "rule": rule, "place": place,
            "address": " ".join(address.split()), "proven": proven}


def unseen(tree, path, seen):
    """Sites that only the independent scan finds: in macros, or in text that was not parsed."""
    out = []
    for line, name, macro in scan.calls(tree.text(path)):
        if (line, name) in seen:
            seen[(line, name)] -= 1
            if not seen[(line, name)]:
                del seen[(line, name)]
            continue
        out.append(site(path, line, name, "in_macro" if macro else "left_out"))
    return out


def all_left(tree, paths, rule, place=""):
    r = Result(paths)
    for p in paths:
        for line, name, macro in scan.calls(tree.text(p)):
            r.sites.append(site(p, line, name, "in_macro" if macro else rule, place))
    return r


def convert(tree, paths, options):
    """Convert a group within the time limit; a group that fails is split into its files."""
    def expired(*_):
        raise TimeLimit()

    # CPU time: a busy machine must not change the result.
    old = signal.signal(signal.SIGPROF, expired)
    signal.setitimer(signal.ITIMER_PROF, options.limit)
    try:
        return attempt(tree, paths, options)
    except TimeLimit:
        rule, place = "time_limit", "%d s of CPU time" % options.limit
    except Miscount as err:
        rule, place = "count", str(err)
    except DoesNotCompile as err:
        rule, place = "does_not_compile", str(err)
    except Overlap as err:
        rule, place = "overlap", str(err)
    except Exception as err:    # a bug of the converter must not end the run; it is reported
        last = traceback.extract_tb(err.__traceback__)[-1]
        rule, place = "failed", "%s: %s (%s:%d)" % (type(err).__name__, err,
                                                    os.path.basename(last.filename), last.lineno)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, old)
    if len(paths) == 1:
        return all_left(tree, paths, rule, place)
    whole = Result(paths)
    for p in paths:
        part = convert(tree, [p], options)
        if set(part.texts) & set(whole.texts):
            part = all_left(tree, [p], rule, place)
        whole.texts.update(part.texts)
        whole.sites += part.sites
        whole.notes += part.notes
        whole.maps += part.maps
        whole.unchecked += part.unchecked
        whole.others += part.others
        whole.compiled += part.compiled
        whole.skipped += part.skipped
    return whole


def attempt(tree, paths, options):
    a = Analysis(tree)
    for p in paths:
        a.seed(p)
    a.run()
    e = Editor(a, options.checked)
    r = Result(paths)
    for s in a.sites:
        row = site(s.path, s.line, s.name, s.rule, s.place, s.address, s.proven)
        if s.path in paths:
            r.sites.append(row)
        elif s.rule is None:
            r.others.append(row)
    for p in paths:
        seen = collections.Counter((s["line"], s["call"]) for s in r.sites if s["file"] == p)
        r.sites += unseen(tree, p, seen)
    e.prepare()
    if options.attach_device and e.maps:
        where = attach(e, sorted(e.nodes))
        r.notes.append("attached in %s" % where if where else
                       "attach the device in probe() by hand: devm_dmah_attach(), in %s" % ", ".join(paths))
    r.notes += moves.read_after_unmap(a) + moves.leaks(a)
    r.texts = e.emit()
    r.maps, r.unchecked = e.maps, e.unchecked
    check(tree, a, e, r.texts)
    if options.compile_with and r.texts:
        v = verify(tree, r.texts, options.compile_with, options.client)
        if v.failed:
            path = min(v.failed)
            raise DoesNotCompile("%s: %s" % (path, (v.failed[path] or ["no object"])[0]))
        r.compiled, r.skipped = v.compiled, v.skipped
    r.sites.sort(key=lambda s: (s["file"], s["line"]))
    return r


def check(tree, a, e, texts):
    """Compare the independent counts before and after with what was converted."""
    converted = collections.Counter(s.path for s in a.sites if s.rule is None)
    for p in set(texts) | set(converted):
        before, new = tree.text(p), texts.get(p, tree.text(p))
        gone = len(scan.calls(before)) - len(scan.calls(new))
        came = len(scan.calls(new, scan.HANDLE)) - len(scan.calls(before, scan.HANDLE))
        if gone != converted[p] or came != converted[p]:
            raise Miscount("count: %s: %d sites decided, %d gone, %d handle calls came"
                           % (p, converted[p], gone, came))
    maps = sum(len(scan.calls(tree.text(p), scan.MAP)) - len(scan.calls(t, scan.MAP))
               for p, t in texts.items())
    if maps != e.maps:
        raise Miscount("count: %d maps decided, %d gone" % (e.maps, maps))
