// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "file.h"

#include <string.h>

#include "message.h"

bool file_write(const char *path, void (*print)(FILE *f, const void *ctx), const void *ctx)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "w") : stdout;
	bool ok = f != NULL;

	if (f) {
		print(f, ctx);
		ok = !fflush(f) && !ferror(f);
		if (f != stdout)
			ok &= fclose(f) == 0;
	}
	if (!ok)
		message("cannot write %s: %m", path);
	return ok;
}
