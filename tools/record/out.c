// SPDX-License-Identifier: MIT OR GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include "out.h"
#include "say.h"
#include "xalloc.h"

/* Compress fast: the machine has other work to do. */
#define XZ_LEVEL  1
#define GZ_LEVEL  1
#define ZST_LEVEL 3

enum packing { PLAIN, XZ, GZ, ZST };

struct out {
	int fd;
	char *path;
	enum packing packing;
	bool broken;
	uint64_t bytes;
	lzma_stream xz;
	z_stream gz;
	ZSTD_CCtx *zst;
	uint8_t buf[128 * 1024];
};

static enum packing packing_of(const char *path, size_t *len)
{
	static const char *const endings[] = { [XZ] = ".xz", [GZ] = ".gz", [ZST] = ".zst" };

	*len = strlen(path);
	for (enum packing p = XZ; p <= ZST; p++) {
		size_t n = strlen(endings[p]);

		if (*len > n && strcmp(path + *len - n, endings[p]) == 0) {
			*len -= n;
			return p;
		}
	}
	return PLAIN;
}

size_t out_name(const char *path)
{
	size_t len;

	packing_of(path, &len);
	return len;
}

struct out *out_open(const char *path)
{
	struct out *o = xcalloc(1, sizeof(*o));
	size_t len;

	o->path = xstrdup(path);
	o->packing = packing_of(path, &len);
	if (strcmp(path, "-") == 0)
		o->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		o->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (o->fd < 0) {
		say("%s: %s", path, strerror(errno));
		free(o->path);
		free(o);
		return NULL;
	}
	switch (o->packing) {
	case XZ:
		if (lzma_easy_encoder(&o->xz, XZ_LEVEL, LZMA_CHECK_CRC64) != LZMA_OK)
			xcheck(NULL);
		break;
	case GZ:
		/* 16 stands for a gzip header */
		if (deflateInit2(&o->gz, GZ_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
		    Z_OK)
			xcheck(NULL);
		break;
	case ZST:
		o->zst = xcheck(ZSTD_createCCtx());
		ZSTD_CCtx_setParameter(o->zst, ZSTD_c_compressionLevel, ZST_LEVEL);
		ZSTD_CCtx_setParameter(o->zst, ZSTD_c_checksumFlag, 1);
		break;
	case PLAIN:
		break;
	}
	return o;
}

static int put(struct out *o, const void *p, size_t n)
{
	while (n) {
		ssize_t w = write(o->fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			o->broken = true;
			return say("%s: %s", o->path, strerror(w < 0 ? errno : ENOSPC));
		}
		o->bytes += (uint64_t)w;
		p = (const char *)p + w;
		n -= (size_t)w;
	}
	return 0;
}

static int put_xz(struct out *o, const void *p, size_t n, bool end)
{
	lzma_ret r;

	o->xz.next_in = p;
	o->xz.avail_in = n;
	do {
		o->xz.next_out = o->buf;
		o->xz.avail_out = sizeof(o->buf);
		r = lzma_code(&o->xz, end ? LZMA_FINISH : LZMA_RUN);
		if (r != LZMA_OK && r != LZMA_STREAM_END)
			xcheck(NULL);
		if (put(o, o->buf, sizeof(o->buf) - o->xz.avail_out) < 0)
			return -1;
	} while (end ? r != LZMA_STREAM_END : o->xz.avail_in);
	return 0;
}

static int put_gz(struct out *o, const void *p, size_t n, bool end)
{
	int r;

	o->gz.next_in = (Bytef *)(uintptr_t)p;
	o->gz.avail_in = (uInt)n;
	do {
		o->gz.next_out = o->buf;
		o->gz.avail_out = sizeof(o->buf);
		r = deflate(&o->gz, end ? Z_FINISH : Z_NO_FLUSH);
		if (put(o, o->buf, sizeof(o->buf) - o->gz.avail_out) < 0)
			return -1;
	} while (end ? r != Z_STREAM_END : o->gz.avail_in);
	return 0;
}

static int put_zst(struct out *o, const void *p, size_t n, bool end)
{
	ZSTD_inBuffer in = { p, n, 0 };
	size_t left;

	do {
		ZSTD_outBuffer to = { o->buf, sizeof(o->buf), 0 };

		left = ZSTD_compressStream2(o->zst, &to, &in, end ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			xcheck(NULL);
		if (put(o, o->buf, to.pos) < 0)
			return -1;
	} while (end ? left != 0 : in.pos < in.size);
	return 0;
}

static int code(struct out *o, const void *p, size_t n, bool end)
{
	if (o->broken)
		return -1;
	switch (o->packing) {
	case XZ:
		return put_xz(o, p, n, end);
	case GZ:
		return put_gz(o, p, n, end);
	case ZST:
		return put_zst(o, p, n, end);
	default:
		return put(o, p, n);
	}
}

int out_write(struct out *o, const void *p, size_t n)
{
	return n ? code(o, p, n, false) : (o->broken ? -1 : 0);
}

int out_close(struct out *o, bool keep, uint64_t *bytes)
{
	struct stat st;
	int r;

	if (!o)
		return 0;
	r = keep ? code(o, "", 0, true) : 0;
	/* a device or a pipe is not ours to remove */
	if (!keep && strcmp(o->path, "-") != 0 && fstat(o->fd, &st) == 0 && S_ISREG(st.st_mode))
		unlink(o->path);
	if (close(o->fd) < 0 && !o->broken && keep)
		r = say("%s: %s", o->path, strerror(errno));
	if (bytes)
		*bytes = o->bytes;
	lzma_end(&o->xz);
	if (o->packing == GZ)
		deflateEnd(&o->gz);
	ZSTD_freeCCtx(o->zst);
	free(o->path);
	free(o);
	return r;
}
