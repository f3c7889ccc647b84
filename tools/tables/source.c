// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The bytes of tables: from files, or from the machine that runs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tables.h"

static void print_problem(void *ctx, const struct dmah_fw_problem *p)
{
	struct machine *m = ctx;

	fprintf(stderr, "dmah tables: %s%s%s: %s", m->file ? m->file : "", m->file ? ": " : "",
		p->error ? "error" : "warning", p->table);
	if (p->offset != DMAH_FW_NO_OFFSET)
		fprintf(stderr, ", offset 0x%x", p->offset);
	fprintf(stderr, ": %s\n", p->reason);
	m->errors += p->error;
}

static bool pci_read(void *ctx, uint16_t segment, uint16_t bdf, uint16_t reg, uint32_t *value)
{
	const struct machine *m = ctx;

	return config_read(&m->pci, segment, bdf, reg, value);
}

void machine_init(struct machine *m)
{
	struct dmah_fw_config config = {
		.problem = print_problem,
		.pci_read = m->pci.known ? pci_read : NULL,
		.ctx = m,
		.keep_broken = true,
	};

	dmah_fw_init(&m->fw, &config);
}

/* Read a whole file, at most one byte more than the longest table. Returns NULL with errno set. */
static uint8_t *read_file(const char *path, size_t *size)
{
	size_t room = DMAH_FW_TREE_MAX + 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC), saved;
	uint8_t *data;
	ssize_t n = 1;

	if (fd < 0)
		return NULL;
	data = malloc(room);
	for (*size = 0; data && *size < room && n > 0; *size += n > 0 ? (size_t)n : 0)
		n = read(fd, data + *size, room - *size);
	saved = errno;
	close(fd);
	errno = saved;
	if (!data || n < 0) {
		free(data);
		return NULL;
	}
	return data;
}

/* An ACPI table that says nothing of IOMMUs, or the root pointer. */
static bool is_other_table(const uint8_t *data, size_t size)
{
	char name[5];
	uint32_t length;

	if (size >= 20 && memcmp(data, "RSD PTR ", 8) == 0)
		return true;
	if (!dmah_fw_signature(data, size, name) || size < 36)
		return false;
	length = (uint32_t)data[4] | (uint32_t)data[5] << 8 | (uint32_t)data[6] << 16 |
		 (uint32_t)data[7] << 24;
	return length >= 36 && length <= size;
}

bool read_table(struct machine *m, const char *path)
{
	size_t size;
	uint8_t *data = read_file(path, &size);
	bool ok = true;

	if (!data) {
		fprintf(stderr, "dmah tables: %s: %s\n", path, strerror(errno));
		return false;
	}
	m->file = path;
	switch (m->ndata < 64 ? dmah_fw_add(&m->fw, data, size) : DMAH_ENOMEM) {
	case DMAH_OK:
	case DMAH_EINVAL:
		m->data[m->ndata++] = data;
		m->file = NULL;
		return true;
	case DMAH_ENOTSUP:
		ok = is_other_table(data, size);
		fprintf(stderr, "dmah tables: %s: %s\n", path,
			ok ? "says nothing of IOMMUs"
			   : "no firmware table: neither an ACPI table nor a device tree");
		break;
	case DMAH_EBUSY:
		fprintf(stderr, "dmah tables: %s: a second table of this name\n", path);
		ok = false;
		break;
	default:
		fprintf(stderr, "dmah tables: %s: too many tables\n", path);
		ok = false;
	}
	m->file = NULL;
	free(data);
	return ok;
}

bool read_running(struct machine *m)
{
	static const char *const places[] = {
		"/sys/firmware/acpi/tables/DMAR",
		"/sys/firmware/acpi/tables/IVRS",
		"/sys/firmware/acpi/tables/IORT",
		"/sys/firmware/acpi/tables/VIOT",
		"/sys/firmware/acpi/tables/RIMT",
		"/sys/firmware/acpi/tables/APIC",
		"/sys/firmware/fdt",
	};
	static const char *const folders[] = { "/sys/firmware/acpi/tables",
					       "/sys/firmware/devicetree" };
	bool ok = true, some = false;
	char path[4096];
	struct stat st;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", m->root, folders[i]);
		some |= stat(path, &st) == 0;
	}
	if (!some) {
		fprintf(stderr,
			"dmah tables: this machine shows no tables: neither "
			"%s/sys/firmware/acpi/tables "
			"nor %s/sys/firmware/devicetree is there\n",
			m->root, m->root);
		return false;
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", m->root, places[i]);
		if (stat(path, &st) == 0 && !read_table(m, path))
			ok = false;
	}
	return ok;
}

void machine_free(struct machine *m)
{
	for (unsigned int i = 0; i < m->ndata; i++)
		free(m->data[i]);
	free_functions(&m->pci);
}
