// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The bytes of a trace file: plain, .xz, .gz or .zst, recognised by its first bytes. */
#define _GNU_SOURCE
#include <errno.h>
#include <lzma.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include "source.h"
#include "xalloc.h"

#define IN_SIZE	     (64 * 1024)
#define LONGEST_LINE (16 * 1024 * 1024)

/* A dictionary of 64 MiB is what `xz -9` uses; a hostile file may ask for 4 GiB. */
#define MEM_LIMIT	(UINT64_C(192) * 1024 * 1024)
#define ZSTD_WINDOW_LOG 27

enum packing { PLAIN, XZ, GZ, ZST };

struct source {
	int fd;
	char *name;
	enum packing packing;
	bool dat;
	bool in_end; /* the file has no more bytes */
	bool end; /* nor has the decompressor */
	bool frame; /* .zst: within a frame */
	uint8_t in[IN_SIZE];
	size_t in_pos, in_len;
	lzma_stream xz;
	z_stream gz;
	ZSTD_DStream *zst;
	/* decompressed bytes not yet handed out: buf[pos..len) */
	char *buf;
	size_t pos, len, cap;
};

__attribute__((format(printf, 3, 4))) static int fail(const struct source *s,
						      struct trace_error *err, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(err->text, sizeof(err->text), "%.200s: %s", s->name, text);
	return -1;
}

static int fill(struct source *s, struct trace_error *err)
{
	ssize_t n;

	if (s->in_pos < s->in_len || s->in_end)
		return 0;
	do
		n = read(s->fd, s->in, sizeof(s->in));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail(s, err, "%s", strerror(errno));
	s->in_pos = 0;
	s->in_len = (size_t)n;
	s->in_end = n == 0;
	return 0;
}

static ssize_t read_xz(struct source *s, void *out, size_t n, struct trace_error *err)
{
	s->xz.next_out = out;
	s->xz.avail_out = n;
	while (s->xz.avail_out == n) {
		lzma_ret r;

		if (fill(s, err) < 0)
			return -1;
		s->xz.next_in = s->in + s->in_pos;
		s->xz.avail_in = s->in_len - s->in_pos;
		r = lzma_code(&s->xz, s->in_end ? LZMA_FINISH : LZMA_RUN);
		s->in_pos = s->in_len - s->xz.avail_in;
		if (r == LZMA_STREAM_END) {
			s->end = true;
			break;
		}
		if (r == LZMA_OK)
			continue;
		if (r == LZMA_BUF_ERROR)
			return fail(s, err, "the .xz data is cut off");
		if (r == LZMA_MEMLIMIT_ERROR)
			return fail(s, err, "the .xz data needs more than %d MiB to unpack",
				    (int)(MEM_LIMIT >> 20));
		return fail(s, err, "the .xz data is damaged");
	}
	return (ssize_t)(n - s->xz.avail_out);
}

static ssize_t read_gz(struct source *s, void *out, size_t n, struct trace_error *err)
{
	s->gz.next_out = out;
	s->gz.avail_out = (uInt)n;
	while (s->gz.avail_out == n) {
		int r;

		if (fill(s, err) < 0)
			return -1;
		if (s->in_end)
			return fail(s, err, "the .gz data is cut off");
		s->gz.next_in = s->in + s->in_pos;
		s->gz.avail_in = (uInt)(s->in_len - s->in_pos);
		r = inflate(&s->gz, Z_NO_FLUSH);
		s->in_pos = s->in_len - s->gz.avail_in;
		if (r == Z_STREAM_END) {
			/* gzip files may be concatenated */
			if (fill(s, err) < 0)
				return -1;
			if (s->in_end) {
				s->end = true;
				break;
			}
			if (s->in[s->in_pos] != 0x1f)
				return fail(s, err, "rubbish after the .gz data");
			inflateReset(&s->gz);
		} else if (r != Z_OK && r != Z_BUF_ERROR) {
			return fail(s, err, "the .gz data is damaged");
		}
	}
	return (ssize_t)(n - s->gz.avail_out);
}

static ssize_t read_zst(struct source *s, void *out, size_t n, struct trace_error *err)
{
	ZSTD_outBuffer o = { out, n, 0 };

	while (o.pos == 0) {
		ZSTD_inBuffer i;
		size_t r;

		if (fill(s, err) < 0)
			return -1;
		if (s->in_end) {
			if (s->frame)
				return fail(s, err, "the .zst data is cut off");
			s->end = true;
			break;
		}
		i = (ZSTD_inBuffer){ s->in, s->in_len, s->in_pos };
		r = ZSTD_decompressStream(s->zst, &o, &i);
		if (ZSTD_isError(r))
			return fail(s, err, "the .zst data is damaged: %s", ZSTD_getErrorName(r));
		s->in_pos = i.pos;
		s->frame = r != 0;
	}
	return (ssize_t)o.pos;
}

static ssize_t read_plain(struct source *s, void *out, size_t n, struct trace_error *err)
{
	if (fill(s, err) < 0)
		return -1;
	if (s->in_end)
		s->end = true;
	if (n > s->in_len - s->in_pos)
		n = s->in_len - s->in_pos;
	memcpy(out, s->in + s->in_pos, n);
	s->in_pos += n;
	return (ssize_t)n;
}

/* Appends decompressed bytes to buf. Return: how many, 0 at the end, -1. */
static ssize_t more(struct source *s, struct trace_error *err)
{
	ssize_t n;

	if (s->end)
		return 0;
	if (s->pos) {
		memmove(s->buf, s->buf + s->pos, s->len - s->pos);
		s->len -= s->pos;
		s->pos = 0;
	}
	/* one byte is kept free for the terminator of a last line without an end */
	if (s->cap - s->len < IN_SIZE + 1) {
		s->cap = s->cap * 2 + IN_SIZE + 1;
		s->buf = xreallocarray(s->buf, s->cap, 1);
	}
	switch (s->packing) {
	case XZ:
		n = read_xz(s, s->buf + s->len, IN_SIZE, err);
		break;
	case GZ:
		n = read_gz(s, s->buf + s->len, IN_SIZE, err);
		break;
	case ZST:
		n = read_zst(s, s->buf + s->len, IN_SIZE, err);
		break;
	default:
		n = read_plain(s, s->buf + s->len, IN_SIZE, err);
		break;
	}
	if (n > 0)
		s->len += (size_t)n;
	return n;
}

static bool starts(const void *p, size_t n, const char *magic, size_t len)
{
	return n >= len && memcmp(p, magic, len) == 0;
}

static int begin(struct source *s, struct trace_error *err)
{
	const char *magic;

	if (fill(s, err) < 0)
		return -1;
	if (s->in_end)
		return fail(s, err, "is empty: record with dmah record");
	if (starts(s->in, s->in_len,
		   "\xfd"
		   "7zXZ\0",
		   6)) {
		s->packing = XZ;
		if (lzma_stream_decoder(&s->xz, MEM_LIMIT, LZMA_CONCATENATED) != LZMA_OK)
			xcheck(NULL);
	} else if (starts(s->in, s->in_len, "\x1f\x8b", 2)) {
		s->packing = GZ;
		if (inflateInit2(&s->gz, 15 + 16) != Z_OK)
			xcheck(NULL);
	} else if (starts(s->in, s->in_len, "\x28\xb5\x2f\xfd", 4)) {
		s->packing = ZST;
		s->zst = xcheck(ZSTD_createDStream());
		ZSTD_DCtx_setParameter(s->zst, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
	}
	/* how trace-cmd begins: trace-cmd.dat.v7(5) */
	magic = "\x17\x08\x44tracing";
	while (s->len < 10) {
		ssize_t n = more(s, err);

		if (n < 0)
			return -1;
		if (n == 0)
			break;
	}
	if (s->len == 0)
		return fail(s, err, "holds no bytes when unpacked: record with dmah record");
	s->dat = starts(s->buf, s->len, magic, 10);
	return 0;
}

struct source *source_open(int fd, const char *name, struct trace_error *err)
{
	struct source *s = xcalloc(1, sizeof(*s));
	struct stat st;

	s->fd = fd;
	s->name = xstrdup(name);
	if (fstat(fd, &st) < 0)
		fail(s, err, "%s", strerror(errno));
	else if (S_ISDIR(st.st_mode))
		fail(s, err, "is a directory, not a trace");
	else if (begin(s, err) == 0)
		return s;
	source_close(s);
	return NULL;
}

bool source_is_dat(const struct source *s)
{
	return s->dat;
}

double source_part(const struct source *s)
{
	off_t at = lseek(s->fd, 0, SEEK_CUR);
	struct stat st;

	/* a trace.dat is read by a child, from another file descriptor */
	if (s->dat || at < 0 || fstat(s->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0)
		return -1;
	return at < st.st_size ? (double)at / (double)st.st_size : 1;
}

#define RECORD "record with dmah record, or copy /sys/kernel/tracing/trace"
#define UNPACK " reads what is in it"
#define PERF   "a perf.data file: give the output of perf script --ns -i FILE instead"
#define UTF16  "text in UTF-16: iconv -f UTF-16 -t UTF-8 FILE | dmah check - reads it"

const char *source_foreign(const struct source *s)
{
	static const struct {
		const char *magic;
		size_t len;
		const char *what;
	} all[] = {
		{ "PERFILE2", 8, PERF },
		{ "2ELIFREP", 8, PERF },
		{ "\xc1\x1f\xfc\xc1", 4, "an LTTng (CTF) stream: " RECORD },
		{ "\xc1\xfc\x1f\xc1", 4, "an LTTng (CTF) stream: " RECORD },
		{ "\x75\xd1\x1d\xf2", 4, "LTTng (CTF) metadata: " RECORD },
		{ "\x57\xa7\x5d\xbc", 4, "LTTng (CTF) metadata: " RECORD },
		{ "\xff\xfe", 2, UTF16 },
		{ "\xfe\xff", 2, UTF16 },
		{ "BZh", 3, "bzip2 data: bzip2 -dc FILE | dmah check -" UNPACK },
		{ "LZIP", 4, "lzip data: lzip -dc FILE | dmah check -" UNPACK },
		{ "\x04\x22\x4d\x18", 4, "lz4 data: lz4 -dc FILE | dmah check -" UNPACK },
		{ "\x89LZO", 4, "lzop data: lzop -dc FILE | dmah check -" UNPACK },
		{ "PK\3\4", 4, "a zip archive: unzip -p FILE | dmah check -" UNPACK },
		{ "7z\xbc\xaf\x27\x1c", 6, "a 7z archive: 7z x -so FILE | dmah check -" UNPACK },
		{ "\x7f"
		  "ELF",
		  4, "an ELF file, a program or module: " RECORD },
		{ "\xd4\xc3\xb2\xa1", 4, "a pcap file of network packets: " RECORD },
		{ "\x0a\x0d\x0d\x0a", 4, "a pcapng file of network packets: " RECORD },
		{ "LPKSHHRH", 8,
		  "a file of the systemd journal: give the output of journalctl -k" },
		{ "%PDF", 4, "a PDF: " RECORD },
		{ "\x89PNG", 4, "a picture: " RECORD },
		{ "\xff\xd8\xff", 3, "a picture: " RECORD },
	};

	if (s->len > 262 && memcmp(s->buf + 257, "ustar", 5) == 0)
		return "a tar archive: tar -xOf FILE | dmah check -" UNPACK;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (starts(s->buf, s->len, all[i].magic, all[i].len))
			return all[i].what;
	return NULL;
}

int source_line(struct source *s, char **line, size_t *len, bool *ended, struct trace_error *err)
{
	size_t seen = 0;

	for (;;) {
		char *p = s->buf + s->pos;
		size_t have = s->len - s->pos;
		char *nl = have > seen ? memchr(p + seen, '\n', have - seen) : NULL;
		ssize_t n;

		if (nl) {
			*nl = '\0';
			*line = p;
			*len = (size_t)(nl - p);
			*ended = true;
			s->pos += *len + 1;
			return 1;
		}
		if (have > LONGEST_LINE)
			return fail(s, err, "a line of over %d MiB: not a trace",
				    LONGEST_LINE >> 20);
		seen = have;
		n = more(s, err);
		if (n < 0)
			return -1;
		if (n == 0) {
			if (!have)
				return 0;
			p = s->buf + s->pos;
			p[have] = '\0';
			*line = p;
			*len = have;
			*ended = false;
			s->pos = s->len;
			return 1;
		}
	}
}

int source_file(struct source *s, struct trace_error *err)
{
	int fd;

	if (s->packing == PLAIN && lseek(s->fd, 0, SEEK_SET) == 0) {
		fd = dup(s->fd);
		if (fd < 0)
			fail(s, err, "%s", strerror(errno));
		return fd;
	}
	fd = memfd_create("trace.dat", MFD_CLOEXEC);
	if (fd < 0)
		return fail(s, err, "no memory to unpack it in: %s", strerror(errno));
	for (;;) {
		ssize_t n;

		while (s->pos < s->len) {
			n = write(fd, s->buf + s->pos, s->len - s->pos);
			if (n < 0 && errno != EINTR) {
				fail(s, err, "no memory to unpack it in: %s", strerror(errno));
				close(fd);
				return -1;
			}
			if (n > 0)
				s->pos += (size_t)n;
		}
		n = more(s, err);
		if (n < 0) {
			close(fd);
			return -1;
		}
		if (n == 0)
			break;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	if (s->packing == XZ)
		lzma_end(&s->xz);
	if (s->packing == GZ)
		inflateEnd(&s->gz);
	ZSTD_freeDStream(s->zst);
	close(s->fd);
	free(s->name);
	free(s->buf);
	free(s);
}
