// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Read any bytes as a suppression file or a baseline: the reader must neither crash nor leak, a
 * refusal must say why, and what was read must be usable.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "known.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct trace_event ev = {
		.kind = TRACE_MAP, .name = "dma_map_page", .task = "a b", .caller = "c"
	};
	struct finding list[] = { { .kind = OVERLAP,
				    .ev = &ev,
				    .device = "0000:00:01.0",
				    .other = "x",
				    .dma = 0x1000,
				    .phys = 0x2000 },
				  { .kind = LOST_EVENTS, .dma = TRACE_NO_ADDR } };
	struct findings fs = { .list = list, .nr = 2, .cap = 2 };
	struct trace_error err = { "" };
	struct known *k;
	char path[40];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	k = known_read(path, FINDING_SUPPRESSED, &err);
	close(fd);
	if (!k && !err.text[0])
		abort();
	if (k)
		known_apply(k, &fs);
	known_free(k);
	return 0;
}
