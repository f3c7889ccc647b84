// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Stack traces after events: tracefs's " => function", and perf's call chains. */
#include <ctype.h>
#include <string.h>
#include "scan.h"
#include "text.h"

/* Skip perf's "ffffffff8112ab34 ", at least 6 digits. */
static const char *skip_address(const char *s)
{
	size_t n = 0;

	while (isxdigit((unsigned char)s[n]))
		n++;
	return n >= 6 && n <= 16 && s[n] == ' ' ? scan_skip(s + n) : NULL;
}

/* perf script -F without ip: "<tab>function+0x1f4 ([kernel.kallsyms])" */
static bool without_address(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == '.')
		n++;
	if (!n || isdigit((unsigned char)s[0]))
		return false;
	if (s[n] == '+')
		n += strspn(s + n, "+0123456789abcdefx");
	return s[n] == ' ' && s[n + 1] == '(' && s[strlen(s) - 1] == ')';
}

bool stack_frame(const char *line, const char **name, size_t *len)
{
	const char *s = scan_skip(line), *module;
	size_t n = 0;

	if (strncmp(s, "=>", 2) == 0)
		s = scan_skip(s + 2);
	else if (s == line)
		return false;
	else if (skip_address(s))
		s = skip_address(s);
	else if (!without_address(s))
		return false;
	*name = NULL;
	*len = 0;
	/* an address without a name, or a marker in brackets */
	if (!(isalpha((unsigned char)*s) || *s == '_'))
		return true;
	while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == '.')
		n++;
	*name = s;
	*len = n;
	/* keep the module of "function [module]" */
	module = s + n;
	if (module[0] == ' ' && module[1] == '[') {
		size_t m = strcspn(module, "]");

		if (module[m] == ']')
			*len = n + m + 1;
	}
	return true;
}

/* Beginnings of the names of functions that are no caller. The DMA API, its backends, and tracing */
static const char *const prefixes[] = {
	"dma_map_",	 "dma_unmap_",	    "dma_alloc_",     "dma_free_",    "dma_sync_",
	"dma_pool_",	 "dma_direct_",	    "dma_common_",    "dma_vmap_",    "dma_vunmap_",
	"dma_mmap_",	 "dma_iova_",	    "dmam_",	      "__dma_map_",   "__dma_unmap_",
	"__dma_alloc_",	 "__dma_free_",	    "__dma_sync_",    "iommu_dma_",   "__iommu_dma_",
	"swiotlb_",	 "xen_swiotlb_",    "trace_event_",   "__trace_",     "trace_dma_",
	"__traceiter_",	 "perf_trace_",	    "event_trigger",  "stacktrace_",  "ftrace_",
	"__do_trace_",	 "do_trace_event_", "do_perf_trace_", "__bpf_trace_", "bpf_trace_",
	"kretprobe_",	 "kprobe_",	    "arch_rethook_",  "rethook_",     "optimized_callback",
	"perf_tp_event", "perf_swevent_",   "arch_dma_",
};

bool stack_is_dma_api(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t n = strlen(prefixes[i]);

		if (n <= len && memcmp(prefixes[i], name, n) == 0)
			return true;
	}
	return false;
}
