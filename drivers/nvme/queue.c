/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Pairs of queues in coherent memory. NVM Express Base Specification 2.0, section 3.3.1. */
#include "nvme_int.h"

static void doorbell(struct nvme *n, unsigned int index, uint32_t value)
{
	dmah_host_write32(n->regs + REG_DOORBELLS + ((uint64_t)index * 4 << CAP_DSTRD(n->cap)),
			  value);
}

int nvme_queue_alloc(struct nvme *n, struct nvme_queue *q)
{
	void *sq, *cq;
	int err;

	err = dmah_alloc_coherent(n->dev, &q->sq_h, q->entries * sizeof(*q->sq), &sq);
	if (!err)
		err = dmah_alloc_coherent(n->dev, &q->cq_h, q->entries * sizeof(*q->cq), &cq);
	if (err)
		return err;
	q->sq = sq;
	q->cq = cq;
	nvme_queue_empty(q);
	return DMAH_OK;
}

int nvme_queue_free(struct nvme *n, struct nvme_queue *q)
{
	int first = dmah_free_coherent(n->dev, &q->sq_h);
	int second = dmah_free_coherent(n->dev, &q->cq_h);

	q->sq = NULL;
	q->cq = NULL;
	return first ? first : second;
}

void nvme_queue_empty(struct nvme_queue *q)
{
	q->tail = 0;
	q->rung = 0;
	q->head = 0;
	q->phase = 1;
	for (uint32_t i = 0; i < q->entries; i++)
		q->cq[i] = (struct nvme_completion){ 0 };
}

void nvme_queue_put(struct nvme_queue *q, const struct nvme_command *c)
{
	q->sq[q->tail] = *c;
	q->tail = (uint16_t)(q->tail + 1 == q->entries ? 0 : q->tail + 1);
}

void nvme_queue_ring(struct nvme *n, struct nvme_queue *q)
{
	if (q->rung == q->tail)
		return;
	q->rung = q->tail;
	doorbell(n, 2u * q->id, q->tail);
}

bool nvme_queue_take(struct nvme_queue *q, struct nvme_completion *c)
{
	/*
	 * The phase is in the entry's last word, which the device writes after or with the others.
	 */
	uint32_t end = __atomic_load_n(&q->cq[q->head].end, __ATOMIC_ACQUIRE);

	if (END_PHASE(end) != q->phase)
		return false;
	*c = q->cq[q->head];
	c->end = end;
	if (++q->head == q->entries) {
		q->head = 0;
		q->phase ^= 1;
	}
	return true;
}

void nvme_queue_taken(struct nvme *n, const struct nvme_queue *q)
{
	doorbell(n, 2u * q->id + 1, q->head);
}
