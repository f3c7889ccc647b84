/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * NVMe: one controller, its first namespace, one pair of I/O queues that are polled. NVM Express Base Specification 2.0.
 *
 * Requests map their buffers by handle (nvme_submit()), in whatever order they end, or by a ring (nvme_stream_submit()),
 * whose mappings end in the order in which they began. Both may be used at one time. All that the device reaches was
 * mapped by <dmah/dmah.h>: queues and PRP lists are coherent memory.
 *
 *	struct nvme nvme = { .timeout_ns = 5000000000 };
 *	struct nvme_request r = { .lba = 8, .blocks = 8, .dir = DMAH_FROM_DEVICE, .phys = buffer };
 *
 *	err = nvme_init(&nvme, regs, dev);	// @dev attached with min_align_mask NVME_ALIGN
 *	err = nvme_submit(&nvme, &r);
 *	nvme_ring(&nvme);			// one doorbell for all that were submitted
 *	err = nvme_wait(&nvme, &r);		// 0, or the status that the device gave, or enum dmah_error
 *	err = nvme_fini(&nvme);
 *
 * A controller has one owner: its calls must not run at the same time, nor inside dmah_host_enter().
 */
#ifndef DMAH_DRIVERS_NVME_H
#define DMAH_DRIVERS_NVME_H

#include <dmah/dmah.h>

/** NVME_ALIGN - what the device must be attached with as min_align_mask: PRP entries are pages. Section 4.1.1. */
#define NVME_ALIGN 4095u

/** NVME_DEPTH - most requests under way at one time; fewer where the controller's queues are shorter. */
#define NVME_DEPTH 32u

/** NVME_PIECES - most pieces of a scattered buffer. */
#define NVME_PIECES 16u

/**
 * Status of requests, as completion queue entries have it: the code, and its type from bit 8 on. Section 3.3.3.2.1.
 * NVME_ABORTED is also what requests get that nvme_reset(), nvme_fini() or nvme_release() ended.
 */
#define NVME_INVALID_OPCODE    0x001
#define NVME_INVALID_FIELD     0x002
#define NVME_TRANSFER_ERROR    0x004
#define NVME_ABORTED	       0x007
#define NVME_INVALID_NAMESPACE 0x00b
#define NVME_INVALID_PRP       0x013
#define NVME_LBA_RANGE	       0x080

struct nvme_command;
struct nvme_completion;

/**
 * struct nvme_queue - a submission queue and its completion queue; private.
 * @sq, @cq: their entries, which the device reads and writes. @sq_h, @cq_h: their mappings.
 * @id: 0: admin.
 * @entries: of either.
 * @tail: where the next command goes. @rung: what the doorbell says.
 * @head: where the next completion comes. @phase: how it is told from an old one.
 */
struct nvme_queue {
	struct nvme_command *sq;
	struct nvme_completion *cq;
	struct dmah sq_h;
	struct dmah cq_h;
	uint16_t id;
	uint16_t entries;
	uint16_t tail;
	uint16_t rung;
	uint16_t head;
	uint16_t phase;
};

/**
 * struct nvme_io - a command under way; private.
 * @next: the next that ended.
 * @cid: its identifier.
 * @status: what the device said.
 * @busy: it is under way.
 * @handle: it belongs to a struct nvme_request.
 */
struct nvme_io {
	struct nvme_io *next;
	uint16_t cid;
	uint16_t status;
	bool busy;
	bool handle;
};

/**
 * struct nvme_request - a read or a write. The caller's storage, zeroed; not in memory that the device can write.
 * @lba: the first block.
 * @blocks: how many.
 * @dir: DMAH_FROM_DEVICE: read; DMAH_TO_DEVICE: write.
 * @phys: the buffer, where it is contiguous: aligned to 4.
 * @segs, @nsegs: where it is not: pieces, of which all but the first begin and all but the last end on a page. NULL, 0
 *	else. Not needed after nvme_submit().
 * @err: when it has ended: 0, the status that the device gave, or enum dmah_error. DMAH_ETIMEDOUT: the memory must not be
 *	used for anything else.
 * @done: it has ended.
 * @io, @h, @vec, @part, @seg: private.
 */
struct nvme_request {
	uint64_t lba;
	uint32_t blocks;
	enum dmah_dir dir;
	dmah_phys_t phys;
	const struct dmah_seg *segs;
	uint32_t nsegs;
	int err;
	bool done;
	struct nvme_io io;
	struct dmah h;
	struct dmah_vec vec;
	struct dmah part[NVME_PIECES];
	struct dmah_dma_seg seg[NVME_PIECES];
};

/**
 * struct nvme - a controller. The caller zeroes it and sets @timeout_ns; the facts below that may be read, the rest is
 *	private.
 * @timeout_ns: how long a command may take, in nanoseconds; 0: 5 s.
 * @vendor: PCI vendor of the subsystem's maker.
 * @serial, @model: of the controller, ended by 0.
 * @nblocks: of the namespace.
 * @block_size: bytes of one.
 * @max_bytes: of the longest request.
 * @depth: most requests under way.
 */
struct nvme {
	uint64_t timeout_ns;
	uint16_t vendor;
	char serial[21];
	char model[41];
	uint64_t nblocks;
	uint32_t block_size;
	uint32_t max_bytes;
	uint32_t depth;

	volatile uint8_t *regs;
	struct dmah_device *dev;
	uint64_t cap;
	struct nvme_queue admin;
	struct nvme_queue queue;
	struct dmah lists_h;
	uint64_t *lists;
	struct dmah page_h;
	uint8_t *page;
	uint32_t free;
	struct nvme_io *io[NVME_DEPTH];
	struct nvme_io *ended;
	struct dmah held[NVME_DEPTH];
};

/**
 * nvme_init() - bring a controller up, whatever state it is in. Sections 3.5.1 and 3.7.2.
 * @n: zeroed, but for @n->timeout_ns.
 * @regs: its registers, as dmah_host_read32() takes them: BAR 0.
 * @dev: what it maps as; attached by the caller.
 *
 * Context: may sleep. Return: 0; as dmah_alloc_coherent(); DMAH_ENODEV: no such controller, or no namespace 1;
 * DMAH_ENOTSUP: not the NVM command set, or no pages of 4 KiB; DMAH_ETIMEDOUT: it did not answer in time, or says that it
 * failed. After an error nothing is left mapped, but where the controller cannot even be disabled (DMAH_ETIMEDOUT and
 * nvme_live() is true): see nvme_release().
 */
int nvme_init(struct nvme *n, volatile void *regs, struct dmah_device *dev);

/** nvme_live() - whether the controller has memory of ours. */
static inline bool nvme_live(const struct nvme *n)
{
	return dmah_mapped(&n->admin.sq_h);
}

/**
 * nvme_fini() - shut the controller down, section 3.6.1, and give everything back.
 *
 * Requests that are under way are ended with NVME_ABORTED; a stream's are then taken as ever, and it is ended after this.
 * Return: 0; DMAH_ETIMEDOUT, DMAH_ENODEV: where nvme_live() is still true the controller does not stop, or is not there any
 * more, and nothing was given back: see nvme_release(). Else memory could not be.
 */
int nvme_fini(struct nvme *n);

/**
 * nvme_reset() - disable the controller, end what was under way with NVME_ABORTED, and bring it up again: what to do
 *	after DMAH_ETIMEDOUT. Return: as nvme_init(); after an error the controller is down.
 */
int nvme_reset(struct nvme *n);

/**
 * nvme_release() - give back what a controller had that does no DMA any more: it was unplugged, killed by dmah_kill(), or
 *	may not be bus master. Its registers are not touched. Return: 0, DMAH_ETIMEDOUT.
 */
int nvme_release(struct nvme *n);

/**
 * nvme_submit() - map a request's buffer and put the request into the queue. The device sees it by nvme_ring().
 *
 * Return: 0; as dmah_map(); DMAH_ENOSPC also where @n->depth are under way; DMAH_EINVAL also for a buffer that PRPs
 * cannot name; DMAH_ERANGE also for one that is too long; DMAH_ENODEV: the controller is down; DMAH_EBUSY: the request is
 * under way already. After any other error it is not, and nothing is mapped.
 */
int nvme_submit(struct nvme *n, struct nvme_request *r);

/** nvme_ring() - let the device see what was submitted. */
void nvme_ring(struct nvme *n);

/**
 * nvme_poll() - take what the device has completed, and unmap the buffers of requests that ended, with one wait for the
 *	IOMMU.
 *
 * Return: completions taken, of streams too.
 */
unsigned int nvme_poll(struct nvme *n);

/**
 * nvme_wait() - nvme_poll() until a request has ended.
 *
 * Return: its @err; DMAH_ETIMEDOUT where it is not done: it did not end in time, or the controller says that it failed; the
 * buffer is the device's until nvme_reset() or nvme_fini(). DMAH_ENODEV likewise: the device is not there any more.
 */
int nvme_wait(struct nvme *n, struct nvme_request *r);

/**
 * struct nvme_stream - requests in one direction whose buffers are mapped by a ring; private.
 * @n: the controller.
 * @ring: where they are mapped.
 * @dir: which way the bytes go.
 * @first: number of the oldest request; @next: of the next one.
 * @io: the commands, by number.
 */
struct nvme_stream {
	struct nvme *n;
	struct dmah_ring *ring;
	enum dmah_dir dir;
	uint32_t first;
	uint32_t next;
	struct nvme_io io[NVME_DEPTH];
};

/** nvme_stream_memory() - bytes of memory for nvme_stream_init(); 0 where @max_bytes makes no sense. */
size_t nvme_stream_memory(uint32_t max_bytes, enum dmah_dir dir);

/**
 * nvme_stream_init() - set up a stream.
 * @s: zeroed.
 * @n: the controller.
 * @max_bytes: of its longest request; no more than 1 MiB.
 * @dir: DMAH_FROM_DEVICE: it reads; DMAH_TO_DEVICE: it writes.
 * @memory: nvme_stream_memory() bytes, aligned to 64, never reachable by the device.
 * @size: its size in bytes.
 *
 * Return: as dmah_ring_init().
 */
int nvme_stream_init(struct nvme_stream *s, struct nvme *n, uint32_t max_bytes, enum dmah_dir dir,
		     void *memory, size_t size);

/** nvme_stream_fini() - end it. Return: as dmah_ring_fini(). */
int nvme_stream_fini(struct nvme_stream *s);

/** nvme_stream_submit() - a request, behind the others: as nvme_submit(), for a contiguous buffer at @phys. */
int nvme_stream_submit(struct nvme_stream *s, uint64_t lba, uint32_t blocks, dmah_phys_t phys);

/**
 * nvme_stream_take() - end the oldest requests, as many as are complete, with one wait for the IOMMU.
 * @s: the stream.
 * @status: where to put what the device said of each, 0 being success; NULL: only how many.
 * @max: most.
 *
 * One that is complete waits for those before it. Return: how many; or an error of dmah_ring_pop(): after DMAH_ETIMEDOUT
 * they have ended all the same, and their memory must not be used for anything else.
 */
int nvme_stream_take(struct nvme_stream *s, uint16_t *status, uint32_t max);

/** nvme_stream_wait() - nvme_poll() until the oldest request is complete. Return: 0, or as nvme_wait(). */
int nvme_stream_wait(struct nvme_stream *s);

/** nvme_stream_live() - requests that were not taken. */
static inline uint32_t nvme_stream_live(const struct nvme_stream *s)
{
	return s->next - s->first;
}

#endif /* DMAH_DRIVERS_NVME_H */
