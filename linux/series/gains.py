# SPDX-License-Identifier: GPL-2.0-only
"""Counts what a patch that converts a driver saves: lines, and arguments of the calls that map, unmap and sync."""

import re

from . import series

CALL = re.compile(r"\b(dma_(?:map|unmap|sync)_(?:single|page|phys|bvec|handle|batch)\w*|skb_frag_dma_map\w*"
                  r"|dma_sync_handle_\w+|dma_unmap_(?:addr|len)(?:_set)?|dma_mapping_error)\(")


def calls(text):
    """Returns the number of such calls in C source, and of their arguments."""
    count = arguments = 0
    for found in CALL.finditer(text):
        depth, n = 1, found.end()
        count += 1
        arguments += 1
        while depth and n < len(text):
            depth += text[n] in "([{"
            depth -= text[n] in ")]}"
            arguments += text[n] == "," and depth == 1
            n += 1
    return count, arguments


def line(where, step, before):
    """Returns a line of text about a step, or None if it converts nothing. before: the tag ahead of it."""
    paths = [p for p in step.paths if p.startswith(("drivers/net/", "drivers/nvme/", "block/"))]
    if not paths:
        return None
    old = [calls(series.git(where, "show", "%s:%s" % (before, p))) for p in paths]
    new = [calls(series.git(where, "show", "%s:%s" % (step.name, p))) for p in paths]
    stat = series.git(where, "diff", "--shortstat", before, step.name).strip()
    lines = [int(n) for n in re.findall(r"(\d+) (?:insertion|deletion)", stat)]
    return "%s: +%d -%d lines; calls that map, unmap, sync or ask: %d -> %d, their arguments: %d -> %d" % (
        step.name, lines[0], lines[1], sum(n for n, _ in old), sum(n for n, _ in new),
        sum(n for _, n in old), sum(n for _, n in new))
