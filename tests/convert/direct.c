// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Writes a file to a disk past all caches, reads it back and compares: direct DISK FILE [BYTES].
 *
 * The buffer begins 512 bytes behind a page, so that its pieces end within the packets of a bus, and neighbours among its pages are
 * none in memory, so that each page is a piece of its own. Requests have 1 to 300 sectors. In each second request each sector is
 * a piece, so that pieces are smaller than a packet.
 * Exit status: 0 the bytes agree, 1 they do not or a request failed, 2 wrong use.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define SECTOR 512u
#define MOST   300u
#define PAGE   4096u
#define PAGES  41u /* a prime number, of which 300 sectors fill 38 */

static char *buffer; /* of PAGES pages, behind its first sector */
static struct iovec sectors[MOST];

/* Sizes that differ from request to request and are the same in each run; a quarter is within one page. */
static size_t request(uint64_t *state, size_t left)
{
	size_t n;

	*state = *state * 6364136223846793005u + 1442695040888963407u;
	n = (*state >> 33) % (*state >> 62 ? MOST : PAGE / SECTOR) + 1;
	n *= SECTOR;
	return n < left ? n : left;
}

/* Neighbours among the sectors of a request are in different pages. */
static void spread(void)
{
	unsigned int i;

	for (i = 0; i < MOST; i++) {
		sectors[i].iov_base = buffer - SECTOR + i % PAGES * PAGE + i / PAGES * SECTOR;
		sectors[i].iov_len = SECTOR;
	}
}

/* Copy the bytes of a request into its sectors. */
static void fill(const char *data, size_t n)
{
	size_t i;

	for (i = 0; i < n / SECTOR; i++)
		memcpy(sectors[i].iov_base, data + i * SECTOR, SECTOR);
}

/* Returns true if the sectors of a request have these bytes. */
static int agree(const char *data, size_t n)
{
	size_t i;

	for (i = 0; i < n / SECTOR; i++)
		if (memcmp(sectors[i].iov_base, data + i * SECTOR, SECTOR))
			return 0;
	return 1;
}

/* Write and read by one request, from a buffer or from its sectors. */
static ssize_t transfer(int disk, const char *data, size_t n, off_t at, int writes, int pieces)
{
	int count = (int)(n / SECTOR);

	if (!writes)
		memset(buffer - SECTOR, 0xa5, PAGES * PAGE);
	else if (pieces)
		fill(data, n);
	else
		memcpy(buffer, data, n);
	if (pieces)
		return writes ? pwritev(disk, sectors, count, at)
			      : preadv(disk, sectors, count, at);
	return writes ? pwrite(disk, buffer, n, at) : pread(disk, buffer, n, at);
}

static int run(int disk, const char *data, size_t len, int writes)
{
	uint64_t state = 13;
	int pieces = 0;
	size_t at, n;

	for (at = 0; at < len; at += n, pieces = !pieces) {
		ssize_t done;

		n = request(&state, len - at);
		done = transfer(disk, data + at, n, (off_t)at, writes, pieces);
		if (done != (ssize_t)n) {
			perror(writes ? "write" : "read");
			return 1;
		}
		if (!writes && !(pieces ? agree(data + at, n) : !memcmp(buffer, data + at, n))) {
			printf("the bytes at %zu differ\n", at);
			return 1;
		}
	}
	return 0;
}

/* Touch the pages in an order in which memory that comes in sequence is in sequence nowhere. */
static char *scattered(void)
{
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	unsigned int i;

	if (p == MAP_FAILED || madvise(p, PAGES * PAGE, MADV_NOHUGEPAGE))
		return NULL;
	for (i = 0; i < PAGES; i++)
		p[i * 7 % PAGES * PAGE] = 1;
	return p + SECTOR;
}

int main(int argc, char **argv)
{
	int disk, file;
	size_t len;
	char *data;

	if (argc < 3)
		return 2;
	disk = open(argv[1], O_RDWR | O_DIRECT);
	file = open(argv[2], O_RDONLY);
	if (disk < 0 || file < 0) {
		perror(argv[disk < 0 ? 1 : 2]);
		return 1;
	}
	len = (size_t)lseek(file, 0, SEEK_END);
	if (argc > 3 && (size_t)atol(argv[3]) < len)
		len = (size_t)atol(argv[3]);
	len -= len % SECTOR;
	data = malloc(len);
	buffer = scattered();
	if (!data || !buffer || pread(file, data, len, 0) != (ssize_t)len)
		return 1;
	spread();
	return run(disk, data, len, 1) || fsync(disk) || run(disk, data, len, 0);
}
