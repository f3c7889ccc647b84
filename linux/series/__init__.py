# SPDX-License-Identifier: GPL-2.0-only
"""Writes the patch series for Linux from new files and counted edits; see docs/series.md."""
