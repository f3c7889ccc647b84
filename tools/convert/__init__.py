# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The converter of Linux drivers: dmah convert."""
