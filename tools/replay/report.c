// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "row.h"
bool report_write(const char *path, const struct rows *rows, const struct options *opt){(void)path;(void)rows;(void)opt;return true;}
