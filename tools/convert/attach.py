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


def candidates(analysis, paths):
    """The files that may hold the probe() of a driver: the changed ones, then their directories'."""
    seen = list(paths)
    for d in sorted({os.path.dirname(p) for p in paths}):
        if d.count("/") < 3:
            continue        # a directory of unrelated drivers
        for p in sorted(analysis.tree.found):
            if os.path.dirname(p) == d and p.endswith(".c") and p not in seen:
                if any(m in analysis.tree.text(p) for m in MASKS):
                    seen.append(p)
    return [p for p in seen if p.endswith(".c")]


def text(device):
    return ("\n\n\tif (devm_dmah_attach(%s, DMAH_MODE_WRAP))\n\t\tdev_err(%s, \"no DMA by handle\\n\");"
            % (device, device))


def attach(editor, paths):
    """Add the call. Return the function that got it ("path: name()"), or None."""
    analysis = editor.a
    files = candidates(analysis, paths)
    if any("dmah_attach(" in analysis.tree.text(p) for p in files):
        return "already there"
    for path in files:
        found = by_mask(analysis.file(path))
        if found:
            return put(editor, path, *found)
    for path in files:
        for f in analysis.tree.source(path).functions.values():
            device = next((p.name for p in f.params if p.type.base[0] == "struct" and p.name
                           and p.type.base[1] in DEVICES), None)
            if device and PROBE.search(f.name) and f.body().kids:
                decls = [k for k in f.body().kids if k.kind == "decl"]
                after = decls[-1] if decls else None
                if after is not None and f.body().kids.index(after) == len(decls) - 1:
                    return put(editor, path, f, after, "&%s->dev" % device)
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
