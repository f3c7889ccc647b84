/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A model of mappings: for each, the bytes that the device and the CPU must see. The model shares
 * no code with the library.
 */
#ifndef DMAH_TESTS_MODEL_H
#define DMAH_TESTS_MODEL_H

#include "bench.h"

#define MODEL_PIECES 6u
#define MODEL_LINE   64u

enum model_api { MODEL_HANDLE, MODEL_ADDRESS, MODEL_PAGE, MODEL_VEC, MODEL_SG, MODEL_APIS };

/**
 * struct model - a cell of memory, and its mapping if there is one.
 * @home: first byte of the cell, which no other mapping touches.
 * @size: bytes of the cell.
 * @cpu: bytes that the CPU must see in the cell now.
 * @dev: bytes that the device must see through the mapping.
 * @live: true if the cell is mapped.
 * @api: the calls that map and unmap it.
 * @dir: direction of the mapping.
 * @n: number of pieces.
 * @at: offset of each piece in the cell.
 * @len: bytes of each piece.
 * @total: bytes of all pieces.
 * @nseg: number of DMA segments.
 * @seg: the DMA segments.
 */
struct model {
	dmah_phys_t home;
	uint32_t size;
	unsigned char *cpu;
	unsigned char *dev;
	bool live;
	enum model_api api;
	enum dmah_dir dir;
	uint32_t n;
	uint32_t at[MODEL_PIECES];
	uint32_t len[MODEL_PIECES];
	uint32_t total;
	uint32_t nseg;
	struct dmah_dma_seg seg[MODEL_PIECES];

	struct dmah h;
	struct dmah stale;
	struct dmah_vec v;
	struct dmah part[MODEL_PIECES];
	struct dmah_sg sg[MODEL_PIECES];
};

/** struct rnd - a small random number generator, so that a seed reproduces a failing run. */
struct rnd {
	uint64_t state;
};

uint32_t rnd(struct rnd *r, uint32_t below);

void model_init(struct model *m, struct bench *b, dmah_phys_t home, uint32_t size, struct rnd *r);
void model_fini(struct model *m);

/**
 * model_map() - make a random map. Return: the library's result; checks that an error changed
 *	nothing.
 */
int model_map(struct model *m, struct bench *b, struct rnd *r, enum model_api api);

/** model_device() - have the device read and write within and outside its permissions. */
void model_device(struct model *m, struct bench *b, struct rnd *r);

/** model_sync() - sync a part of the mapping for the CPU and the device in turn. */
void model_sync(struct model *m, struct bench *b, struct rnd *r);

/** model_cpu() - have the CPU write beside the buffer, in memory that is never mapped. */
void model_cpu(struct model *m, struct bench *b, struct rnd *r);

/** model_unmap() - end the mapping, and compare every byte. */
void model_unmap(struct model *m, struct bench *b, struct rnd *r);

/** model_gone() - check that the device can no longer use the addresses of the mapping. */
void model_gone(const struct model *m, struct bench *b);

#endif /* DMAH_TESTS_MODEL_H */
