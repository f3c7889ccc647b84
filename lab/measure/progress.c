// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "progress.h"

#define WIDTH 40
#define DELAY 1 /* seconds before the bar appears */

static size_t steps, done;
static const char *label = "";
static time_t begun;
static bool terminal, shown;

void progress_begin(size_t n)
{
	steps = n;
	done = 0;
	begun = time(NULL);
	terminal = isatty(STDERR_FILENO);
}

void progress_label(const char *path)
{
	const char *slash = strrchr(path, '/');

	label = slash ? slash + 1 : path;
}

void progress_step(void)
{
	char bar[WIDTH + 1];
	size_t full;

	done++;
	if (!terminal || !steps || time(NULL) - begun < DELAY)
		return;
	full = done >= steps ? WIDTH : done * WIDTH / steps;
	memset(bar, ' ', WIDTH);
	memset(bar, '#', full);
	bar[WIDTH] = '\0';
	fprintf(stderr, "\r[%s] %3zu %% %-28.28s", bar, done * 100 / steps, label);
	fflush(stderr);
	shown = true;
}

void progress_clear(void)
{
	if (!shown)
		return;
	fprintf(stderr, "\r%*s\r", WIDTH + 40, "");
	fflush(stderr);
	shown = false;
}
