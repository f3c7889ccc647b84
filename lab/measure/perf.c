// SPDX-License-Identifier: MIT OR GPL-2.0-only
#define _GNU_SOURCE
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "perf.h"

static int counter(void)
{
	static int fd = -2;
	struct perf_event_attr attr;

	if (fd != -2)
		return fd;
	memset(&attr, 0, sizeof(attr));
	attr.type = PERF_TYPE_HARDWARE;
	attr.size = sizeof(attr);
	attr.config = PERF_COUNT_HW_INSTRUCTIONS;
	attr.disabled = 1;
	attr.exclude_kernel = 1;
	attr.exclude_hv = 1;
	attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	return fd;
}

bool perf_begin(void)
{
	int fd = counter();

	return fd >= 0 && !ioctl(fd, PERF_EVENT_IOC_RESET, 0) &&
	       !ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
}

bool perf_end(uint64_t *n)
{
	static uint64_t enabled, running;
	uint64_t got[3];
	int fd = counter();
	bool all;

	if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_DISABLE, 0) ||
	    read(fd, got, sizeof(got)) != sizeof(got))
		return false;
	/* A counter that others share covers only part of the time. An estimate is not reported. */
	all = got[1] - enabled == got[2] - running && got[1] != enabled;
	enabled = got[1];
	running = got[2];
	*n = got[0];
	return all && got[0];
}
