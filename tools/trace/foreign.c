// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Formats that cannot be read: their names, and the command that records one that can. */
#include <string.h>
#include "scan.h"
#include "text.h"

#define RECORD "record with dmah record"

/* "192 0 98775000939 type: 381" */
static bool is_raw(const char *s)
{
	uint64_t v;

	for (int i = 0; i < 3; i++) {
		s = scan_skip(s);
		if (!scan_decimal(&s, &v) || *s != ' ')
			return false;
	}
	return strncmp(scan_skip(s), "type: ", 6) == 0;
}

/* "192 0 98775000939 d 1 ..." of options/hex: a run of hexadecimal numbers */
static bool is_hex(const char *s)
{
	size_t fields = 0;

	for (s = scan_skip(s); *s; s = scan_skip(s)) {
		size_t n = strspn(s, "0123456789abcdef");

		if (!n || (s[n] && s[n] != ' '))
			return false;
		s += n;
		fields++;
	}
	return fields >= 4;
}

/* "[05ce06c3] 28.906ms (+100.365ms): dma_map_page: ..." */
static bool is_verbose(const char *s)
{
	const char *ms = strstr(s, "ms (+");

	return ms && strstr(ms, "ms): ");
}

/* "dma_map_page: 0000:00:01.0 dir=..." with nothing before it */
static bool is_nocontext(const char *s)
{
	size_t n;

	s = scan_skip(s);
	n = strcspn(s, ":");
	return s[n] == ':' && event_find(s, n) && strstr(s + n, " dir=");
}

/* "     0.000 insmod/152 dma:dma_map_page(device: ..." */
static bool is_perf_trace(const char *s)
{
	const char *dma = strstr(s, "dma:dma_");

	return dma && dma[strcspn(dma, "( ")] == '(';
}

/* "insmod   141 [000] dma:dma_map_page: 0000:00:01.0 dir=..." */
static bool is_perf_without_time(const char *s)
{
	const char *dma = strstr(s, " dma:dma_");

	return dma && strstr(dma, " dir=");
}

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

#define PERF_SUMS                                                                      \
	"output of perf report or perf stat, which has no events: use perf record -e " \
	"'dma:*' and perf script, or " RECORD

const char *foreign_comment(const char *s)
{
	if (begins(s, "# event histogram"))
		return "a histogram of the kernel's hist trigger, which has no events: " RECORD;
	if (begins(s, "# Overhead") || begins(s, "# Samples: "))
		return PERF_SUMS;
	return NULL;
}

const char *foreign_format(const char *s)
{
	const char *at = scan_skip(s);
	if (begins(at, "Attaching ") || begins(at, "Attached ") || begins(at, "@["))
		return "output of bpftrace, whose format is the script's own: " RECORD
		       ", or trace-cmd record -e dma";
	if (is_raw(s))
		return "trace text with options/raw, which lacks the events' fields: echo 0 > "
		       "options/raw and read the trace again";
	if (is_verbose(s))
		return "trace text with options/verbose: echo 0 > options/verbose and read the "
		       "trace again";
	if (is_nocontext(s))
		return "trace text without options/context-info, so without task, CPU and time: "
		       "echo 1 > options/context-info and read the trace again (or dmesg -t: "
		       "leave out the -t)";
	if (is_perf_trace(s) || begins(at, "libtraceevent: "))
		return "output of perf trace, which leaves fields out: use perf record -e 'dma:*' "
		       "and perf script, or " RECORD;
	if (is_perf_without_time(at))
		return "output of perf script without times: give that of perf script --ns, or "
		       "with "
		       "time and cpu in its option -F";
	if (begins(at, "Performance counter "))
		return PERF_SUMS;
	if (begins(at, "{\"traceEvents\"") || begins(at, "[{\"") || begins(at, "<!DOCTYPE html") ||
	    begins(at, "<html"))
		return "a trace for a browser (Chrome, Perfetto, systrace): " RECORD;
	if (begins(at, "babeltrace") ||
	    (*at == '[' && strstr(at, ") ") && strstr(at, "{ cpu_id = ")))
		return "output of LTTng (babeltrace): " RECORD;
	if (is_hex(s))
		return "trace text with options/hex: echo 0 > options/hex and read the trace again";
	return NULL;
}
