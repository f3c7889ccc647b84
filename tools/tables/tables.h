/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* dmah tables: a machine's firmware tables, its PCI functions, and what is printed of them. */
#ifndef DMAH_TOOLS_TABLES_H
#define DMAH_TOOLS_TABLES_H

#include <stddef.h>
#include <stdio.h>
#include <jansson.h>
#include <dmah/fw.h>

/* ---- pci.c: configuration space ---- */

/**
 * struct function - a PCI function.
 * @segment, @bdf: its address.
 * @config: its configuration space.
 * @size: how many bytes of it are known.
 */
struct function {
	uint16_t segment;
	uint16_t bdf;
	uint8_t *config;
	size_t size;
};

/** struct functions - the PCI functions of a machine, by address. @known: bus numbers are known. */
struct functions {
	struct function *f;
	size_t nr;
	bool known;
};

/**
 * parse_function() - read "SEG:BB:DD.F" or "BB:DD.F", hexadecimal. Returns the first character behind it, or NULL.
 */
const char *parse_function(const char *text, uint16_t *segment, uint16_t *bdf);

/** add_bridge() - add a bridge from "SEG:BB:DD.F=FIRST-LAST[,pci|,express-to-pci]". Returns false: wrong text. */
bool add_bridge(struct functions *fs, const char *text);

/** read_functions() - read the functions of the machine whose /sys is @root/sys. Returns false: it has none. */
bool read_functions(struct functions *fs, const char *root);

/** find_function() - Returns a function or NULL. */
const struct function *find_function(const struct functions *fs, uint16_t segment, uint16_t bdf);

/** config_read() - read a register of a function. Returns false where it is not known. */
bool config_read(const struct functions *fs, uint16_t segment, uint16_t bdf, unsigned int reg,
		 uint32_t *value);

void free_functions(struct functions *fs);

/* ---- source.c: tables ---- */

/**
 * struct machine - a machine as far as the command knows it.
 * @fw: its tables.
 * @pci: its PCI functions.
 * @file: the file that is being read, for messages.
 * @root: the folder that has the machine's /sys; "" is this machine.
 * @data: the bytes of the tables.
 * @ndata: how many.
 * @running: its devices are known.
 * @errors: problems that are errors.
 */
struct machine {
	struct dmah_fw fw;
	struct functions pci;
	const char *file;
	const char *root;
	uint8_t *data[64];
	unsigned int ndata;
	bool running;
	unsigned int errors;
};

/** machine_init() - begin with no table. */
void machine_init(struct machine *m);

/** read_table() - add the table in a file. Returns false: it cannot be read or is no table; a message was printed. */
bool read_table(struct machine *m, const char *path);

/** read_running() - add the tables of a machine below @m->root. Returns false: there are none; a message was printed. */
bool read_running(struct machine *m);

void machine_free(struct machine *m);

/* ---- answer.c: one device ---- */

/** struct answer - the answer for a device. @none: no IOMMU translates it. */
struct answer {
	bool none;
	struct dmah_fw_unit unit;
	uint32_t *ids;
	size_t nids;
	struct dmah_fw_range *ranges;
	size_t nranges;
	uint32_t flags;
};

/** ask() - fill in @a for a device; answer_free() afterwards. */
void ask(const struct machine *m, const struct dmah_fw_requester *who, struct answer *a);

void answer_free(struct answer *a);

/** answer_json() - Returns the answer for the device that the user called @name, an object. */
json_t *answer_json(const char *name, const struct answer *a);

/** range_kind() - Returns "reserved", "identity" or "msi". */
const char *range_kind(const struct dmah_fw_range *range);

/** function_name() - Returns @to, set to "SSSS:BB:DD.F". */
const char *function_name(char to[16], uint16_t segment, uint16_t bdf);

/** unit_name() - Returns @to, set to a unit's kind and place: "vtd at 0xfed90000". */
const char *unit_name(char to[64], const struct dmah_fw_unit *unit);

/* ---- list.c: all of a machine ---- */

/** list_text() - print units, named devices and, where known, the machine's PCI functions. */
void list_text(FILE *f, const struct machine *m);

/** list_json() - the same as JSON. */
void list_json(FILE *f, const struct machine *m);

/* ---- groups.c: devices that no IOMMU keeps apart ---- */

/**
 * struct member - a device of a machine.
 * @f: its PCI function.
 * @a: its answer.
 * @group: the index of the first member of its group.
 * @why: the reason why it is in the group of another; NULL: it is alone or the first.
 */
struct member {
	const struct function *f;
	struct answer a;
	size_t group;
	const char *why;
};

/** group_devices() - Returns an array of @m->pci.nr members; NULL: no memory. */
struct member *group_devices(const struct machine *m);

#endif
