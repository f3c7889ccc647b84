// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* PCI functions of a machine: from sysfs, or the bridges that the user names. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tables.h"

static const char *hex(const char *at, unsigned int most, unsigned long *value)
{
	const char *begin = at;

	for (*value = 0;
	     (*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'f') || (*at >= 'A' && *at <= 'F');
	     at++) {
		*value = *value << 4 |
			 (unsigned long)(*at <= '9' ? *at - '0' : (*at | 32) - 'a' + 10);
		if (*value > most)
			return NULL;
	}
	return at == begin ? NULL : at;
}

const char *parse_function(const char *text, uint16_t *segment, uint16_t *bdf)
{
	unsigned long first, bus, device, function;
	const char *at = hex(text, 0xffff, &first);

	if (!at || *at != ':')
		return NULL;
	at = hex(at + 1, 0xff, &bus);
	if (at && *at == ':') {
		at = hex(at + 1, 0x1f, &device);
	} else if (at) {
		device = bus;
		bus = first;
		first = 0;
		if (bus > 0xff || device > 0x1f)
			return NULL;
	}
	if (!at || *at != '.')
		return NULL;
	at = hex(at + 1, 7, &function);
	*segment = (uint16_t)first;
	*bdf = (uint16_t)(bus << 8 | device << 3 | (at ? function : 0));
	return at;
}

/* ---- the list ---- */

static int compare(const void *a, const void *b)
{
	const struct function *f = a, *g = b;
	uint32_t left = (uint32_t)f->segment << 16 | f->bdf;
	uint32_t right = (uint32_t)g->segment << 16 | g->bdf;

	return left < right ? -1 : left > right;
}

static bool add_function(struct functions *fs, const struct function *f)
{
	struct function *more = realloc(fs->f, (fs->nr + 1) * sizeof(*more));

	if (!more)
		return false;
	fs->f = more;
	fs->f[fs->nr++] = *f;
	qsort(fs->f, fs->nr, sizeof(*fs->f), compare);
	fs->known = true;
	return true;
}

const struct function *find_function(const struct functions *fs, uint16_t segment, uint16_t bdf)
{
	struct function key = { .segment = segment, .bdf = bdf };

	return fs->nr ? bsearch(&key, fs->f, fs->nr, sizeof(*fs->f), compare) : NULL;
}

bool config_read(const struct functions *fs, uint16_t segment, uint16_t bdf, unsigned int reg,
		 uint32_t *value)
{
	const struct function *f = find_function(fs, segment, bdf);

	if (!f || reg + 4 > f->size)
		return false;
	*value = (uint32_t)f->config[reg] | (uint32_t)f->config[reg + 1] << 8 |
		 (uint32_t)f->config[reg + 2] << 16 | (uint32_t)f->config[reg + 3] << 24;
	return true;
}

void free_functions(struct functions *fs)
{
	for (size_t i = 0; i < fs->nr; i++)
		free(fs->f[i].config);
	free(fs->f);
	*fs = (struct functions){ 0 };
}

/* ---- bridges that the user names ---- */

bool add_bridge(struct functions *fs, const char *text)
{
	/* Device and vendor, status with capabilities, header of a bridge, capabilities at 0x40. */
	static const uint8_t bridge[80] = {
		[0x00] = 0x36, 0x1b,	      0x0c,	     0x00,	    [0x06] = 0x10,
		[0x0e] = 0x81, [0x34] = 0x40, [0x40] = 0x10, [0x42] = 0x42,
	};
	struct function f = { .size = sizeof(bridge) };
	unsigned long first, last;
	const char *at = parse_function(text, &f.segment, &f.bdf);

	if (!at || *at != '=')
		return false;
	at = hex(at + 1, 0xff, &first);
	if (!at)
		return false;
	last = first;
	if (*at == '-')
		at = hex(at + 1, 0xff, &last);
	if (!at || last < first || first <= f.bdf >> 8 ||
	    (*at && strcmp(at, ",pci") != 0 && strcmp(at, ",express-to-pci") != 0) ||
	    find_function(fs, f.segment, f.bdf))
		return false;
	f.config = malloc(sizeof(bridge));
	if (!f.config)
		return false;
	memcpy(f.config, bridge, sizeof(bridge));
	f.config[0x18] = (uint8_t)(f.bdf >> 8);
	f.config[0x19] = (uint8_t)first;
	f.config[0x1a] = (uint8_t)last;
	if (strcmp(at, ",pci") == 0)
		f.config[0x06] = 0;
	else if (*at)
		f.config[0x42] = 0x72;
	if (add_function(fs, &f))
		return true;
	free(f.config);
	return false;
}

/* ---- sysfs ---- */

static bool read_function(struct function *f, int dir, const char *name)
{
	char path[300];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/config", name);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	f->config = malloc(4096);
	n = f->config ? read(fd, f->config, 4096) : -1;
	close(fd);
	if (n < 64) {
		free(f->config);
		return false;
	}
	f->size = (size_t)n;
	return true;
}

bool read_functions(struct functions *fs, const char *root)
{
	struct dirent *entry;
	char path[4096];
	bool some = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices", root);
	dir = opendir(path);
	if (!dir)
		return false;
	while ((entry = readdir(dir))) {
		struct function f = { 0 };
		const char *end = parse_function(entry->d_name, &f.segment, &f.bdf);

		if (!end || *end || !read_function(&f, dirfd(dir), entry->d_name))
			continue;
		if (add_function(fs, &f))
			some = true;
		else
			free(f.config);
	}
	closedir(dir);
	return some;
}
