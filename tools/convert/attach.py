# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The call that makes a device usable by handle: devm_dmah_attach() in the driver's probe().

It goes behind the call that sets the DMA mask, else behind the declarations of a probe(). Wrap mode
suits every driver: other mappings of the device may stay by address.
"""

import os
import re

MASKS = ("dma_set_mask_and_coherent", "dma_coerce_mask_and_coherent", "dma_set_mask", "dma_set_coherent_mask")
DEVICES = {"pci_dev", "platform_device", "usb_interface", "amba_device", "of_device", "mhi_device"}
PROBE = re.compile(r"probe|init_one|init_board")


def siblings(analysis, paths):
    """Files beside the changed ones that may hold the probe() of their driver: those that a driver is named after come first.

    A directory of unrelated drivers ("drivers/usb/host") has only these: xhci.c, where xhci-ring.c is changed.
    """
    named, others = [], []
    changed = {os.path.splitext(p)[0] for p in paths}
    for d in sorted({os.path.dirname(p) for p in paths}):
        for p in sorted(analysis.tree.found):
            if os.path.dirname(p) != d or not p.endswith(".c") or p in paths:
                continue
            own = any(c.startswith((p[:-2] + "-", p[:-2] + "_")) for c in changed)
            if (own or d.count("/") >= 3) and any(m in analysis.tree.text(p) for m in MASKS):
                (named if own else others).append(p)
    return named + others


def text(device):
    return ("\n\n\tif (devm_dmah_attach(%s, DMAH_MODE_WRAP))\n\t\tdev_err(%s, \"no DMA by handle\\n\");"
            % (device, device))


def attach(editor, paths):
    """Add the call. Return the functions that got it ("path: name()"), or None.

    A directory may hold several drivers: a file beside the changed ones is asked only if none of these has a probe().
    """
    analysis = editor.a
    changed = [p for p in paths if p.endswith(".c")]
    if any("dmah_attach(" in analysis.tree.text(p) for p in changed):
        return "already there"
    done = []
    for path in changed:
        found = by_mask(analysis.file(path)) or by_probe(analysis, path, True)
        if found:
            done.append(put(editor, path, *found))
    tries = [(path, lambda p: by_probe(analysis, p, False)) for path in changed]
    tries += [(path, lambda p: by_mask(analysis.file(p))) for path in siblings(analysis, paths)]
    for path, find in tries:
        found = None if done else find(path)
        if found:
            done.append(put(editor, path, *found))
    return ", ".join(done) or None


def by_probe(analysis, path, strict):
    """(function, statement, device) of a function that is named like a probe; strict: and is the .probe of a driver."""
    for f in analysis.tree.source(path).functions.values():
        device = next((p.name for p in f.params if p.type.base[0] == "struct" and p.name
                       and p.type.base[1] in DEVICES), None)
        if not device or not PROBE.search(f.name) or not f.body().kids:
            continue
        if strict and not re.search(r"\.probe\s*=\s*%s\b" % f.name, analysis.tree.text(path)):
            continue
        decls = [k for k in f.body().kids if k.kind == "decl"]
        if decls and f.body().kids.index(decls[-1]) == len(decls) - 1:
            return f, decls[-1], "&%s->dev" % device
    return None


def by_mask(facts):
    """(function, statement, device) of the last mask call of a probe function."""
    best = None
    for name in MASKS:
        for f, n in facts.calls.get(name, ()):
            top = next((a for a in [n] + list(n.above()) if a.parent is f.body()), None)
            if top is None or len(n.kids) < 2:
                continue
            kids = f.body().kids
            i = kids.index(top)
            if any(k.kind == "label" for k in kids[:i]):
                continue        # the end of a failed call
            while i + 1 < len(kids) and kids[i + 1].kind == "if" and "err" in facts.source.of(
                    kids[i + 1].kids[0]) + "err" and i - kids.index(top) < 1 and top.kind == "expr":
                i += 1
            rank = (bool(PROBE.search(f.name)), n.first)
            if best is None or rank > best[0]:
                best = (rank, f, kids[i], facts.source.of(n.kids[1]))
    return best[1:] if best else None


def put(editor, path, f, after, device):
    end = editor.source(path).span(after)[1]
    editor.put_range(path, end, end, text(device))
    return "%s: %s()" % (path, f.name)
