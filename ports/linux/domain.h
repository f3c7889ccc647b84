/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Domain mode: a client's own IOMMU domain. IOVAs come from the library's allocator (space.c);
 * entries are written and invalidated by the IOMMU's driver in the kernel.
 */
#ifndef DMAH_LINUX_DOMAIN_H
#define DMAH_LINUX_DOMAIN_H

#include "client.h"

struct domain;

/**
 * domain_attach() - make the device's translations its own domain's.
 *
 * Return: 0; -ENOMEM; another error where it cannot be: the log says why, and @c stays in wrap
 * mode.
 */
int domain_attach(struct client *c, enum dmah_mode mode);

/** domain_detach() - give the device back to its default domain, and free this one. */
void domain_detach(struct client *c);

bool domain_is_lazy(const struct domain *d);

int domain_map(struct client *c, struct dmah *h, const struct request *req);
int domain_map_bus(struct client *c, struct dmah *h, const struct request *req, dma_addr_t bus);

/** domain_unmap() - check @h, and unmap it. Return: 0, or the error that was reported. */
int domain_unmap(struct client *c, struct dmah *h, u32 allow, unsigned long attrs,
		 unsigned long caller);

/**
 * domain_check() - Returns true if @h is live: its IOVA belongs to this very mapping.
 * @home: set to the address of the handle that map filled, if it is known. Never followed.
 */
bool domain_check(struct client *c, const struct dmah *h, const struct dmah **home);

void domain_sync(struct client *c, const struct dmah *h, u32 off, u32 len, bool for_cpu);

/**
 * domain_flush() - wait until nothing that was unmapped lazily translates. Context: any.
 */
void domain_flush(struct domain *d);

/**
 * domain_map_parts() - map a vector's pieces in one range of IOVAs.
 * @req: for all pieces.
 *
 * Return: 0, -ENOSPC, -ENOMEM; -EOPNOTSUPP: the caller maps them one by one.
 */
int domain_map_parts(struct client *c, struct dmah_vec *v, u32 n, const struct request *req);

/** domain_unmap_parts() - undo it. Return: 0, or the error that was reported. */
int domain_unmap_parts(struct client *c, struct dmah_vec *v, unsigned long caller);

/** domain_coherent() - the place for the CPU pointer of coherent memory that @h maps. */
u64 *domain_coherent(struct client *c, const struct dmah *h);

/**
 * domain_batch_start() - clear the entries of a live handle, strict mode. Return: 0, or the
 * error that was reported.
 */
int domain_batch_start(struct client *c, const struct dmah *h, unsigned long caller);

/** domain_batch_finish() - invalidate, once for all, and release. */
void domain_batch_finish(struct client *c, const struct dmah *h, u32 n);

void domain_walk_live(struct domain *d, void (*fn)(void *ctx, const struct live *live), void *ctx);

#endif /* DMAH_LINUX_DOMAIN_H */
