/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The NVMe controller: its commands. NVM Express Base Specification 2.0, section 5; NVM Command Set Specification 1.0,
 * section 3.2; PRPs: section 4.1.1 of the former.
 */
#include "nvme_int.h"

#include <stdlib.h>
#include <string.h>

#define OPCODE(c) ((c)->dw[0] & 0xff)
#define FUSE_PSDT 0xc300u /* fused commands and scatter lists, which are not supported */

#define ADMIN_DELETE_SQ	   0x00u
#define ADMIN_CREATE_SQ	   0x01u
#define ADMIN_DELETE_CQ	   0x04u
#define ADMIN_CREATE_CQ	   0x05u
#define ADMIN_IDENTIFY	   0x06u
#define ADMIN_SET_FEATURES 0x09u
#define ADMIN_GET_FEATURES 0x0au

#define IO_FLUSH 0x00u
#define IO_WRITE 0x01u
#define IO_READ	 0x02u

#define FEATURE_QUEUES 0x07u

/* CC.IOSQES and CC.IOCQES: 64 and 16 bytes. */
#define ENTRY_SIZES(cc) ((cc) >> 16 & 0xff)
#define ENTRY_SIZES_OK	0x46u

/* ---- pages: section 4.1.1 ---- */

static uint64_t prp(const struct sim_nvme_sqe *c, unsigned int i)
{
	return c->dw[6 + 2 * i] | (uint64_t)c->dw[7 + 2 * i] << 32;
}

/*
 * Read PRP entries from lists. The first list may begin anywhere in its page. The last entry of a page is the address of the
 * next list, unless it is the last entry of the buffer.
 */
static uint32_t read_list(struct sim_nvme *nv, uint64_t list, uint64_t *page, uint64_t pages)
{
	uint64_t entry;

	if (list % 8)
		return ST_PRP;
	for (uint64_t i = 1; i < pages; list += 8) {
		if (sim_dma_read(nv->dev, list, &entry, sizeof(entry)))
			return ST_TRANSFER;
		if (entry % SIM_NVME_PAGE)
			return ST_PRP;
		if (list % SIM_NVME_PAGE == SIM_NVME_PAGE - 8 && i + 1 < pages) {
			list = entry - 8;
			nv->stats.chained++;
			continue;
		}
		page[i++] = entry;
	}
	return ST_OK;
}

uint32_t sim_nvme_transfer(struct sim_nvme *nv, const struct sim_nvme_sqe *c, uint8_t *buf,
			   uint64_t len, bool write)
{
	uint64_t offset = prp(c, 0) % SIM_NVME_PAGE;
	uint64_t pages = (offset + len + SIM_NVME_PAGE - 1) / SIM_NVME_PAGE;
	uint64_t *page = calloc(pages, sizeof(*page));
	uint32_t status = !page ? ST_TRANSFER : prp(c, 0) % 4 ? ST_PRP : ST_OK;

	if (!status) {
		page[0] = prp(c, 0);
		nv->stats.unaligned += offset != 0;
	}
	if (!status && pages == 2) {
		page[1] = prp(c, 1);
		if (page[1] % SIM_NVME_PAGE)
			status = ST_PRP;
	} else if (!status && pages > 2) {
		status = read_list(nv, prp(c, 1), page, pages);
	}
	for (uint64_t i = 0; !status && len; i++) {
		uint64_t n = SIM_NVME_PAGE - page[i] % SIM_NVME_PAGE;

		if (n > len)
			n = len;
		if (write ? sim_dma_write(nv->dev, page[i], buf, n)
			  : sim_dma_read(nv->dev, page[i], buf, n))
			status = ST_TRANSFER;
		buf += n;
		len -= n;
	}
	free(page);
	nv->stats.one += pages == 1;
	nv->stats.two += pages == 2;
	nv->stats.lists += pages > 2;
	return status;
}

/* ---- queues: sections 5.4 to 5.7 ---- */

static uint32_t queue_size(const struct sim_nvme_sqe *c)
{
	return (c->dw[10] >> 16) + 1;
}

/* Check the fields that both kinds of queue commands share. */
static uint32_t check_create(const struct sim_nvme *nv, const struct sim_nvme_sqe *c, bool used)
{
	if (used)
		return ST_QUEUE_ID;
	if (queue_size(c) < 2 || queue_size(c) > nv->config.entries)
		return ST_QUEUE_SIZE;
	if (!(c->dw[11] & 1) || ENTRY_SIZES(nv->cc) != ENTRY_SIZES_OK)
		return ST_FIELD;
	return prp(c, 0) % SIM_NVME_PAGE ? ST_PRP : ST_OK;
}

static uint32_t create_cq(struct sim_nvme *nv, const struct sim_nvme_sqe *c, uint32_t id)
{
	uint32_t status = check_create(nv, c, nv->cq[id].used);

	if (!status)
		nv->cq[id] = (struct sim_nvme_cq){
			.used = true, .base = prp(c, 0), .size = queue_size(c), .phase = true
		};
	return status;
}

static uint32_t create_sq(struct sim_nvme *nv, const struct sim_nvme_sqe *c, uint32_t id)
{
	uint32_t status = check_create(nv, c, nv->sq[id].used), cq = c->dw[11] >> 16;

	if (status)
		return status;
	if (!cq || cq >= SIM_NVME_QUEUES || !nv->cq[cq].used)
		return ST_CQ_INVALID;
	nv->sq[id] = (struct sim_nvme_sq){
		.used = true, .base = prp(c, 0), .size = queue_size(c), .cq = cq
	};
	return ST_OK;
}

/* Abort the commands fetched from the queue; they never complete. */
static uint32_t delete_sq(struct sim_nvme *nv, uint32_t id)
{
	if (!nv->sq[id].used)
		return ST_QUEUE_ID;
	nv->sq[id].used = false;
	for (uint32_t i = 0; i < nv->njobs; i++)
		if (nv->job[i].sq == id)
			nv->job[i].done = nv->job[i].dropped = true;
	return ST_OK;
}

static uint32_t delete_cq(struct sim_nvme *nv, uint32_t id)
{
	if (!nv->cq[id].used)
		return ST_QUEUE_ID;
	for (uint32_t i = 1; i < SIM_NVME_QUEUES; i++)
		if (nv->sq[i].used && nv->sq[i].cq == id)
			return ST_QUEUE_DELETE;
	nv->cq[id].used = false;
	return ST_OK;
}

static uint32_t queue_command(struct sim_nvme *nv, const struct sim_nvme_sqe *c)
{
	uint32_t id = c->dw[10] & 0xffff;

	if (!id || id >= SIM_NVME_QUEUES)
		return ST_QUEUE_ID;
	switch (OPCODE(c)) {
	case ADMIN_CREATE_CQ:
		return create_cq(nv, c, id);
	case ADMIN_CREATE_SQ:
		return create_sq(nv, c, id);
	case ADMIN_DELETE_CQ:
		return delete_cq(nv, id);
	default:
		return delete_sq(nv, id);
	}
}

/* ---- identify: section 5.17 ---- */

static void put(uint8_t *at, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static void put_text(uint8_t *at, const char *text, size_t len)
{
	memset(at, ' ', len);
	memcpy(at, text, strlen(text));
}

static void about_controller(const struct sim_nvme *nv, uint8_t *page)
{
	put(page, 0x1b36, 2);
	put(page + 2, 0x1af4, 2);
	put_text(page + 4, "sim", 20);
	put_text(page + 24, "Simulated NVMe Ctrl", 40);
	put_text(page + 64, "1", 8);
	page[77] = (uint8_t)nv->config.mdts;
	put(page + 80, 0x00010400, 4);
	page[512] = 0x66; /* SQES */
	page[513] = 0x44; /* CQES */
	put(page + 516, 1, 4); /* namespaces */
}

static void about_namespace(const struct sim_nvme *nv, uint8_t *page)
{
	put(page, nv->config.blocks, 8);
	put(page + 8, nv->config.blocks, 8);
	put(page + 16, nv->config.blocks, 8);
	put(page + 128, SIM_NVME_SHIFT << 16, 4);
}

static uint32_t identify(struct sim_nvme *nv, const struct sim_nvme_sqe *c)
{
	uint8_t page[SIM_NVME_PAGE] = { 0 };
	struct sim_nvme_stats kept = nv->stats;
	uint32_t status;

	switch (c->dw[10] & 0xff) {
	case 0:
		if (c->dw[1] != 1)
			return ST_NAMESPACE;
		about_namespace(nv, page);
		break;
	case 1:
		about_controller(nv, page);
		break;
	case 2:
		if (!c->dw[1])
			put(page, 1, 4);
		break;
	default:
		return ST_FIELD;
	}
	status = sim_nvme_transfer(nv, c, page, sizeof(page), true);
	nv->stats = kept;
	return status;
}

/* ---- features: section 5.27.1.5 ---- */

static uint32_t features(struct sim_nvme *nv, const struct sim_nvme_sqe *c, uint32_t *result)
{
	if ((c->dw[10] & 0xff) != FEATURE_QUEUES)
		return ST_FIELD;
	*result = (SIM_NVME_QUEUES - 2) << 16 | (SIM_NVME_QUEUES - 2);
	if (OPCODE(c) == ADMIN_GET_FEATURES)
		return ST_OK;
	if ((c->dw[11] & 0xffff) == 0xffff || c->dw[11] >> 16 == 0xffff)
		return ST_FIELD;
	for (uint32_t i = 1; i < SIM_NVME_QUEUES; i++)
		if (nv->sq[i].used || nv->cq[i].used)
			return ST_SEQUENCE;
	return ST_OK;
}

uint32_t sim_nvme_admin(struct sim_nvme *nv, const struct sim_nvme_sqe *c, uint32_t *result)
{
	if (c->dw[0] & FUSE_PSDT)
		return ST_FIELD;
	switch (OPCODE(c)) {
	case ADMIN_DELETE_SQ:
	case ADMIN_CREATE_SQ:
	case ADMIN_DELETE_CQ:
	case ADMIN_CREATE_CQ:
		return queue_command(nv, c);
	case ADMIN_IDENTIFY:
		return identify(nv, c);
	case ADMIN_SET_FEATURES:
	case ADMIN_GET_FEATURES:
		return features(nv, c, result);
	}
	return ST_OPCODE;
}

/* ---- reads and writes ---- */

uint32_t sim_nvme_io(struct sim_nvme *nv, const struct sim_nvme_sqe *c)
{
	uint64_t lba = c->dw[10] | (uint64_t)c->dw[11] << 32, blocks = (c->dw[12] & 0xffff) + 1ull;
	uint64_t len = blocks << SIM_NVME_SHIFT;

	nv->stats.commands++;
	if (c->dw[0] & FUSE_PSDT)
		return ST_FIELD;
	if (OPCODE(c) != IO_READ && OPCODE(c) != IO_WRITE && OPCODE(c) != IO_FLUSH)
		return ST_OPCODE;
	if (c->dw[1] != 1)
		return ST_NAMESPACE;
	if (OPCODE(c) == IO_FLUSH)
		return ST_OK;
	/* Protection information is not supported. */
	if (c->dw[12] >> 26 & 0xf || len > (uint64_t)SIM_NVME_PAGE << nv->config.mdts)
		return ST_FIELD;
	if (lba >= nv->config.blocks || blocks > nv->config.blocks - lba)
		return ST_LBA;
	return sim_nvme_transfer(nv, c, nv->config.disk + (lba << SIM_NVME_SHIFT), len,
				 OPCODE(c) == IO_READ);
}
