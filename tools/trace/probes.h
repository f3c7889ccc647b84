/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The kprobe events that stand in for dma:* on kernels without those: `dmah record` makes them, the
 * reader knows them by their names. One table, so that the two cannot differ.
 */
#ifndef DMAH_TOOLS_TRACE_PROBES_H
#define DMAH_TOOLS_TRACE_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** enum probe_key - the arguments that a probe records, by the names in probe_key_name() */
enum probe_key {
	KEY_PAGE, /* struct page */
	KEY_OFF, /* bytes into the page */
	KEY_PHYS,
	KEY_DMA,
	KEY_SIZE,
	KEY_DIR,
	KEY_ATTRS,
	KEY_SG, /* the first struct scatterlist */
	KEY_NENTS, /* entries of the caller's list */
	KEY_ENTS, /* result of dma_map_sg_attrs() */
	KEY_ERR, /* result of dma_map_sgtable() */
	KEY_VIRT,
	KEY_GFP,
	KEY_SP, /* the stack pointer, which tells calls that are over */
	KEY_VMEMMAP, /* vmemmap_base: address of the struct pages */
	KEY_BASE, /* page_offset_base: address of the map of physical memory */
	NR_PROBE_KEYS
};

/* A scatter list is recorded by as many probes as it needs, each of so many entries. */
#define PROBE_CHUNK   16
#define PROBE_CHUNKS  8
#define PROBE_ENTRIES (PROBE_CHUNK * PROBE_CHUNKS)
/* struct scatterlist: page_link; offset and length; dma_address; dma_length (and flags) */
#define PROBE_WORDS 4
#define PROBE_LIST  (PROBE_CHUNK * PROBE_WORDS)

/**
 * struct probe_desc - one function of the kernel
 * @name: of the event; its return probe is NAME_ret, the further parts of a list NAME_16, NAME_32...
 * @event: the dma:* event that it stands for
 * @symbols: of the function, the first that exists; the second may be NULL
 * @args: arguments that the entry records, in the syntax of kprobe_events
 * @ret: arguments that the return records, NULL where nothing is needed
 * @list: address of the scatter list, NULL if there is none
 * @wants: 1 << enum probe_key: arguments of the entry that the reader needs
 * @ret_wants: arguments of the return that the reader needs
 * @needed: a recording without this probe is refused
 */
struct probe_desc {
	const char *name;
	const char *event;
	const char *symbols[2];
	const char *args;
	const char *ret;
	const char *list;
	uint32_t wants;
	uint32_t ret_wants;
	bool needed;
};

/** struct probe - one event of a probe */
struct probe {
	const struct probe_desc *desc;
	bool is_ret;
	uint32_t chunk; /* which part of the list */
	uint32_t have; /* 1 << enum probe_key */
	uint64_t v[NR_PROBE_KEYS];
	const char *dev;
	size_t dev_len; /* 0: no device */
	uint32_t nr_list;
	uint64_t list[PROBE_LIST];
};

/** probe_table() - all of them; the last has no name */
const struct probe_desc *probe_table(void);

/** probe_find() - sets desc, is_ret and chunk from the name of an event. False: not one of these */
bool probe_find(const char *name, size_t len, struct probe *p);

/** probe_key_name() - how an argument is named in the event */
const char *probe_key_name(enum probe_key key);

/**
 * probe_text() - read the arguments of an event from tracefs text
 * @s: text after the event's name and ':'
 * @p: from probe_find()
 *
 * Return: NULL, or the fault.
 */
const char *probe_text(const char *s, struct probe *p);

#endif
