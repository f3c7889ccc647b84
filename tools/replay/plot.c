// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "row.h"
bool plot_can(const char *path, const char **why){(void)path;(void)why;return true;}
bool plot_file(const char *path, const struct rows *rows){(void)path;(void)rows;return true;}
char *plot_svg(const struct rows *rows){(void)rows;return NULL;}
