# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The output of the command: the summary, JSON, and the patch."""

import collections
import json
import os
import subprocess
import tempfile
import time

from .rules import RULES


class Summary:
    """The sites of a run, counted."""

    def __init__(self, sites):
        self.sites = sites
        self.converted = sum(s["rule"] is None for s in sites)
        self.rules = collections.Counter(s["rule"] for s in sites if s["rule"])
        per_file = collections.defaultdict(lambda: [0, 0])
        for s in sites:
            per_file[s["file"]][0] += 1
            per_file[s["file"]][1] += s["rule"] is None
        self.files = dict(per_file)
        self.whole = sum(a == b for a, b in per_file.values())
        self.part = sum(0 < b < a for a, b in per_file.values())
        self.none = sum(b == 0 for a, b in per_file.values())
        self.unproven = sum(s["rule"] is None and not s["proven"] for s in sites)


def percent(a, b):
    return "%.1f %%" % (100.0 * a / b) if b else "-"


def write_text(out, summary, results, show_sites):
    if show_sites:
        for s in summary.sites:
            if s["rule"]:
                out.write("%s:%d: %s(%s): left, because %s [%s]%s\n" % (
                    s["file"], s["line"], s["call"], s["address"], RULES[s["rule"]], s["rule"],
                    ": " + s["place"] if s["place"] else ""))
    for note in sorted({n for r in results for n in r.notes if not n.startswith("attached")}):
        out.write("note: %s\n" % note)
    total = len(summary.sites)
    if not total:
        out.write("no call there unmaps or syncs a single buffer by its DMA address\n")
    out.write("%d of %d sites converted (%s); of %d files with sites %d whole, %d in part, %d not\n" % (
        summary.converted, total, percent(summary.converted, total), len(summary.files), summary.whole,
        summary.part, summary.none))
    if summary.converted:
        maps = sum(r.maps for r in results)
        out.write("%d map calls converted; of %d the result is not asked for beside the call\n" % (
            maps, sum(r.unchecked for r in results)))
        out.write("length and direction are proven from the source for %d converted sites, not for %d "
                  "(--checked compares these at run time)\n" % (
                      summary.converted - summary.unproven, summary.unproven))
    compiled = sum(len(r.compiled) for r in results)
    skipped = sum(len(r.skipped) for r in results)
    if compiled or skipped:
        out.write("%d files compile as before; %d did not compile before either and were not tried\n" % (
            compiled, skipped))
    for rule, n in summary.rules.most_common():
        out.write("%6d left: %s [%s]\n" % (n, RULES[rule], rule))


def write_json(out, summary, results, files, unknown):
    json.dump({
        "sites": summary.sites, "converted": summary.converted, "total": len(summary.sites),
        "files": {"with_sites": len(summary.files), "whole": summary.whole, "part": summary.part,
                  "none": summary.none},
        "changed": sorted(files), "rules": dict(summary.rules), "unproven": summary.unproven,
        "maps": sum(r.maps for r in results), "maps_unchecked": sum(r.unchecked for r in results),
        "compiled": sorted({p for r in results for p in r.compiled}),
        "not_compiled": sorted({p for r in results for p in r.skipped}),
        "notes": sorted({n for r in results for n in r.notes}), "unknown_calls": unknown,
    }, out, indent=1)
    out.write("\n")


def unified(path, old, new):
    """The diff of one file, as git writes it."""
    with tempfile.TemporaryDirectory(prefix="dmah-convert.") as d:
        names = []
        for name, text in (("a", old), ("b", new)):
            names.append(os.path.join(d, name))
            with open(names[-1], "w", errors="surrogateescape", newline="") as f:
                f.write(text)
        out = subprocess.run(["diff", "-u", "--label", "a/" + path, "--label", "b/" + path] + names,
                             stdout=subprocess.PIPE, check=False)
    if out.returncode > 1:
        raise OSError("diff of %s failed with status %d" % (path, out.returncode))
    return ("diff --git a/%s b/%s\n" % (path, path)).encode() + out.stdout


def author(root):
    """The author that git would use, else the command."""
    who = []
    for key in ("user.name", "user.email"):
        try:
            p = subprocess.run(["git", "config", key], cwd=root, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, check=False)
        except OSError:
            return "dmah convert <dmah-convert@localhost>"
        who.append(p.stdout.strip())
    return "%s <%s>" % tuple(who) if all(who) else "dmah convert <dmah-convert@localhost>"


def patch(root, tree, files, summary, notes):
    """A patch that `git am` takes, as bytes."""
    touched = sorted(files)
    common = os.path.commonpath([os.path.dirname(p) for p in touched]) if len(touched) > 1 else touched[0]
    left = len(summary.sites) - summary.converted
    body = ["Keep a struct dmah where the DMA address was kept, and give it to unmap and sync, which",
            "then need neither length nor direction.", "",
            "Converted by \"dmah convert\": %d of %d unmap and sync calls." % (summary.converted,
                                                                          len(summary.sites))]
    if left:
        body += ["", "Left by address:"] + ["- %s: %d" % (RULES[r], n)
                                            for r, n in summary.rules.most_common()]
    if notes:
        body += [""] + sorted(set(notes))
    stat = " %d file%s changed\n" % (len(touched), "" if len(touched) == 1 else "s")
    head = ("From %s Mon Sep 17 00:00:00 2001\nFrom: %s\nDate: %s\n"
            "Subject: [PATCH] %s: map DMA by handle\n\n%s\n---\n%s\n" % (
                "0" * 40, author(root), time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime()),
                common or "treewide", "\n".join(body), stat))
    return head.encode() + b"".join(unified(p, tree.text(p), files[p]) for p in touched) + b"--\ndmah\n"
