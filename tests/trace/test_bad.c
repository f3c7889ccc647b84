// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Files that are no traces, or damaged ones: a message with the file and the line, and no crash. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <lzma.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include "load.h"

#define HEAD "          insmod-140     [002] d.h1.     3.297977: "
#define MAP  HEAD "dma_map_page: d dir=TO_DEVICE dma_addr=1000 size=4096 phys_addr=5000 attrs="
#define GOOD MAP "\n"

static void files(void **state)
{
	struct trace_error err;

	(void)state;
	assert_null(trace_open("/no/such/file", &err));
	assert_string_equal(err.text, "/no/such/file: No such file or directory");
	assert_null(trace_open("/", &err));
	assert_string_equal(err.text, "/: is a directory, not a trace");
	assert_null(trace_open("/dev/null", &err));
	assert_string_equal(err.text, "/dev/null: is empty: record with dmah record");
	refuse_text("", "is empty");
}

static void no_dma_events(void **state)
{
	(void)state;
	refuse_text("# tracer: nop\n#\n", "has no dma:* events (0 others)");
	refuse_text(HEAD "map: IOMMU: iova=0x0\n" HEAD "sched_switch: x\n",
		    "has no dma:* events (2 others)");
	refuse_text("\n\n\n", "has no dma:* events (0 others)");
	/* a loss is no event */
	refuse_text("CPU:1 [LOST 345 EVENTS]\n", "has no dma:* events");
}

static void garbage(void **state)
{
	unsigned char noise[5000];
	uint32_t x = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++) {
		x = x * 1664525 + 1013904223;
		noise[i] = (unsigned char)(x >> 24);
	}
	noise[0] = 'x';
	refuse_bytes(noise, sizeof(noise), "line 1: ");
	refuse_text("Lorem ipsum\n", "line 1: not a line of a trace, and this is the first");
	refuse_text(GOOD GOOD "Lorem ipsum\n" GOOD, "line 3: not a line of a trace");
	refuse_bytes(GOOD "a\0b\n", sizeof(GOOD "a\0b\n") - 1, "line 2: not text");
	/* an ELF file, a PNG */
	refuse_bytes("\x7f"
		     "ELF\2\1\1\0\0\0\n",
		     12, "is an ELF file");
	refuse_bytes("\x89PNG\r\n\x1a\n\0\0\0\r", 12, "is a picture");
}

/* Each damaged line stands in line 2, with good lines around it. */
static void malformed(void **state)
{
	static const struct {
		const char *line, *why;
	} all[] = {
		{ "dma_map_page: d dir=TO_DEVICE dma_addr=1000 size=4096 phys_addr=5000",
		  "dma_map_page: no attrs=: the line is cut off" },
		{ "dma_map_page: d dir=TO_DEVICE dma_addr=1000 size=4096 attrs=", "no phys_addr=" },
		{ "dma_map_page: d dir=TO_DEVICE dma_addr=1000 phys_addr=5000 attrs=", "no size=" },
		{ "dma_map_page: d dir=TO_DEVICE size=1 phys_addr=5000 attrs=", "no dma_addr=" },
		{ "dma_map_page: d dma_addr=1000 size=4096 phys_addr=5000 attrs=", "no dir=" },
		{ "dma_map_page: d", "no device, or cut off" },
		{ "dma_map_page:", "no device, or cut off" },
		{ "dma_map_page: dir=TO_DEVICE dma_addr=1000 size=4096 phys_addr=5000 attrs=",
		  "dma_map_page:" },
		{ "dma_map_page: d dir=SIDEWAYS dma_addr=1000 size=4096 phys_addr=5000 attrs=",
		  "bad value of dir=" },
		{ "dma_map_page: d dir=TO_DEVICE dma_addr=10g0 size=4096 phys_addr=5000 attrs=",
		  "bad value of dma_addr=" },
		{ "dma_map_page: d dir=TO_DEVICE dma_addr= size=4096 phys_addr=5000 attrs=",
		  "bad value of dma_addr=" },
		{ "dma_map_page: d dir=TO_DEVICE dma_addr=10000000000000000 size=1 phys_addr=0 "
		  "attrs=",
		  "bad value of dma_addr=" },
		{ "dma_map_page: d dir=TO_DEVICE dma_addr=1 size=-1 phys_addr=0 attrs=",
		  "bad value of size=" },
		{ "dma_map_page: d dir=TO_DEVICE dma_addr=1 size=99999999999999999999 phys_addr=0 "
		  "attrs=",
		  "bad value of size=" },
		{ "dma_map_page: d dir=TO_DEVICE dma_addr=1 size=18446744073709551616 phys_addr=0 "
		  "attrs=",
		  "bad value of size=" },
		{ "dma_map_page: d dir=TO_DEVICE dma_addr=1 size=1 phys_addr=0 attrs=NO_WARN|",
		  "bad value of attrs=" },
		{ "dma_map_page: d dir=TO_DEVICE dma_addr=1 size=1 phys_addr=0 attrs=a;b",
		  "bad value of attrs=" },
		/* two lines that ran into one */
		{ "dma_map_page: d dir=TO_DEVICE dma_addr=1 size=1 phys_addr=0 attrs= insmod-1 "
		  "[000] x",
		  "\"insmod-1\" is not a field" },
		{ "dma_unmap_sg: d dir=TO_DEVICE phys_addrs={0x1,0x2 attrs=",
		  "bad value of phys_addrs=" },
		{ "dma_unmap_sg: d dir=TO_DEVICE phys_addrs={0x1,} attrs=",
		  "bad value of phys_addrs=" },
		{ "dma_unmap_sg: d dir=TO_DEVICE phys_addrs=0x1 attrs=",
		  "bad value of phys_addrs=" },
		{ "dma_unmap_sg: d dir=TO_DEVICE phys_addrs={0x1} extra attrs=",
		  "\"extra\" is not a field" },
		{ "dma_map_sg: d dir=TO_DEVICE nents=1/1 ents=1/1 dma_addrs={0x1} "
		  "sizes={0x1,0x2} phys_addrs={0x1} attrs=",
		  "dma_addrs and sizes differ" },
		{ "dma_map_sg: d dir=TO_DEVICE nents=2/2 ents=1/1 dma_addrs={0x1} sizes={0x1} "
		  "phys_addrs={0x1} attrs=",
		  "not as long as nents and ents say" },
		{ "dma_map_sg: d dir=TO_DEVICE nents=3/2 ents=1/1 dma_addrs={0x1} sizes={0x1} "
		  "phys_addrs={0x1} attrs=",
		  "bad value of nents=" },
		{ "dma_map_sg: d dir=TO_DEVICE dma_addrs={} sizes={} phys_addrs={} attrs=",
		  "an empty scatter list" },
		{ "dma_map_sg: d dir=TO_DEVICE dma_addrs={0x1} sizes={0x100000000} "
		  "phys_addrs={0x1} "
		  "attrs=",
		  "bad value of sizes=" },
		{ "dma_map_sg: [FAILED TO PARSE] device=d dir=1 phys_addrs=ARRAY[00, 10]",
		  "give the trace.dat itself" },
		{ "dma_map_sg_err: d dir=TO_DEVICE dma_addrs={0x1} err=x attrs=",
		  "bad value of err=" },
		{ "dma_alloc: d dir=NONE dma_addr=1 size=1 virt_addr=xyz flags=GFP_KERNEL attrs=",
		  "bad value of virt_addr=" },
		{ "dma_sync_single_for_cpu: d dir=NONE dma_addr=1", "no size=" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char text[1000];

		snprintf(text, sizeof(text), GOOD HEAD "%s\n" GOOD, all[i].line);
		refuse_text(text, "line 2: dma_");
		refuse_text(text, all[i].why);
	}
}

/* A line cut off anywhere in the middle of a trace is an error: its event would be missing. */
static void cut_in_the_middle(void **state)
{
	size_t len = strlen(MAP), indent = strspn(MAP, " ");

	(void)state;
	for (size_t n = indent + 1; n < len; n++) {
		char text[1000];

		snprintf(text, sizeof(text), GOOD "%.*s\n" GOOD, (int)n, MAP);
		refuse_text(text, "line 2: ");
	}
}

static void heads(void **state)
{
	static const char *const all[] = {
		"insmod [000] ..... 1.000000: ",
		"insmod-x [000] ..... 1.000000: ",
		"insmod-1 [x] ..... 1.000000: ",
		"insmod-1 [000 ..... 1.000000: ",
		"insmod-1 [000] ..... 1.: ",
		"insmod-1 [000] ..... .5: ",
		"insmod-1 [000] ..... 1.000000 ",
		"insmod-1 [000] .....: ",
		"insmod-99999999999 [000] ..... 1.0: ",
		"insmod-1 [99999999999] ..... 1.0: ",
		"insmod-1 [000] ..... 99999999999999999999.0: ",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char text[1000];

		snprintf(text, sizeof(text),
			 GOOD "%sdma_sync_single_for_cpu: d dir=NONE dma_addr=1 size=1\n", all[i]);
		refuse_text(text, "line 2: not a line of a trace");
	}
}

/* ---- compression ---- */

static size_t pack(int how, const void *in, size_t n, unsigned char *out, size_t cap)
{
	ZSTD_CCtx *cctx;
	size_t pos = 0;
	z_stream z = { 0 };

	switch (how) {
	case 0:
		assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, in, n, out,
							 &pos, cap),
				 LZMA_OK);
		return pos;
	case 1:
		assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, 0), Z_OK);
		z.next_in = (unsigned char *)(uintptr_t)in;
		z.avail_in = (uInt)n;
		z.next_out = out;
		z.avail_out = (uInt)cap;
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		deflateEnd(&z);
		return z.total_out;
	default:
		/* with a checksum, as the zstd command does it */
		cctx = ZSTD_createCCtx();
		ZSTD_CCtx_setParameter(cctx, ZSTD_c_checksumFlag, 1);
		pos = ZSTD_compress2(cctx, out, cap, in, n);
		assert_false(ZSTD_isError(pos));
		ZSTD_freeCCtx(cctx);
		return pos;
	}
}

static void compressed(void **state)
{
	static const char *const names[] = { ".xz", ".gz", ".zst" };
	enum { N = 3000 };
	size_t len = strlen(GOOD), size = N * len, cap = 2 * size + 4096;
	char *text = malloc(size + 1);
	unsigned char *out = malloc(cap);

	(void)state;
	for (size_t i = 0; i < N; i++)
		memcpy(text + i * len, GOOD, len + 1);
	for (int how = 0; how < 3; how++) {
		size_t n = pack(how, text, size, out, cap);
		struct trace_error err;
		struct trace *t = load_bytes(out, n, &err);
		char why[40];

		assert_non_null(t);
		assert_int_equal(trace_info(t)->events, N);
		trace_close(t);
		/* two files in one, as cat makes them */
		memcpy(out + n, out, n);
		t = load_bytes(out, 2 * n, &err);
		assert_non_null(t);
		assert_int_equal(trace_info(t)->events, 2 * N);
		trace_close(t);
		/* cut off: all that is there would read well, and is still refused */
		snprintf(why, sizeof(why), "%s data is cut off", names[how]);
		for (size_t cut = 12; cut < n; cut += 1 + n / 50)
			refuse_bytes(out, cut, why);
		refuse_bytes(out, n - 1, why);
		out[n / 2] ^= 0x55;
		/*
		 * Damage may look like an end that never comes: then it is called cut off. The
		 * checksum of .zst comes last, so there its text may be found wrong before.
		 */
		snprintf(why, sizeof(why), "%s data is ", names[how]);
		refuse_bytes(out, n, how == 2 ? "mem: " : why);
		/* nothing in it */
		n = pack(how, "", 0, out, cap);
		refuse_bytes(out, n, "holds no bytes");
	}
	free(text);
	free(out);
}

/* A line without an end must not take all memory. */
static void endless_line(void **state)
{
	size_t n = 17 * 1024 * 1024;
	char *text = malloc(n);

	(void)state;
	memset(text, 'x', n);
	refuse_bytes(text, n, "a line of over 16 MiB");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),
		cmocka_unit_test(no_dma_events),
		cmocka_unit_test(garbage),
		cmocka_unit_test(malformed),
		cmocka_unit_test(cut_in_the_middle),
		cmocka_unit_test(heads),
		cmocka_unit_test(compressed),
		cmocka_unit_test(endless_line),
	};

	return cmocka_run_group_tests_name("trace bad input", tests, NULL, NULL);
}
