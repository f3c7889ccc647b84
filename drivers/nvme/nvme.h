/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Driver for one NVMe controller, its first namespace, and one pair of I/O queues that are polled.
 * NVM Express Base Specification 2.0.
 *
 * Requests map their buffers by handle (nvme_submit()) or by a ring (nvme_stream_submit()).
 * Requests with handles may end in any order; the mappings of a ring end in the order in which they
 * began. Both may be used at the same time. All memory that the device reaches is mapped by
 * <dmah/dmah.h>: queues and PRP lists are coherent memory.
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
 * Two calls for one controller must not run at the same time. No call may run inside
 * dmah_host_enter().
 */
#ifndef DMAH_DRIVERS_NVME_H
#define DMAH_DRIVERS_NVME_H

#include <dmah/dmah.h>

/** NVME_ALIGN - min_align_mask to attach the device with: PRP entries are pages. Section 4.1.1. */
#define NVME_ALIGN 4095u

/**
 * NVME_DEPTH - most requests under way at the same time; fewer if the controller's queues are
 * shorter.
 */
#define NVME_DEPTH 32u

/** NVME_PIECES - most pieces of a scattered buffer. */
#define NVME_PIECES 16u

/**
 * Status of requests, as in completion queue entries: the status code, and its type from bit 8 on.
 * Section 3.3.3.2.1. Requests that nvme_reset(), nvme_fini() or nvme_release() ended also have
 * NVME_ABORTED.
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
 * @sq, @cq: entries of the queues; the device reads @sq and writes @cq. @sq_h, @cq_h: their
 *	mappings.
 * @id: number of the pair; 0: the admin queues.
 * @entries: number of entries of each queue.
 * @tail: index of the next command. @rung: last value written to the submission doorbell.
 * @head: index of the next completion. @phase: phase bit of a new completion.
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
 * @next: the next command in the list of commands that ended.
 * @cid: command identifier.
 * @status: status that the device returned.
 * @busy: true while the command is under way.
 * @handle: true if the command belongs to a struct nvme_request.
 */
struct nvme_io {
	struct nvme_io *next;
	uint16_t cid;
	uint16_t status;
	bool busy;
	bool handle;
};

/**
 * struct nvme_request - a read or a write. The caller provides the storage, zeroed, in memory that
 * the
 *	device cannot write.
 * @lba: the first block.
 * @blocks: number of blocks.
 * @dir: DMAH_FROM_DEVICE: read; DMAH_TO_DEVICE: write.
 * @phys: physical address of a contiguous buffer, aligned to 4.
 * @segs, @nsegs: the pieces of a scattered buffer; NULL and 0 for a contiguous buffer. All pieces
 *	but the first begin on a page, and all but the last end on a page. Not used after
 *	nvme_submit().
 * @err: result of a request that has ended: 0, the status that the device returned, or enum
 *	dmah_error. After DMAH_ETIMEDOUT the memory must not be reused.
 * @done: true when the request has ended.
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
 * struct nvme - a controller. The caller zeroes the structure and may set @timeout_ns. The members
 *	listed here may be read; the rest is private.
 * @timeout_ns: longest wait for a command, in nanoseconds; 0: 5 s.
 * @vendor: PCI vendor id of the subsystem's maker.
 * @serial, @model: serial and model number of the controller, terminated by 0.
 * @nblocks: blocks of the namespace.
 * @block_size: bytes of a block.
 * @max_bytes: bytes of the longest request.
 * @depth: most requests under way at the same time.
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
 * nvme_init() - bring a controller up from any state. Sections 3.5.1 and 3.7.2.
 * @n: storage, zeroed except for @n->timeout_ns.
 * @regs: registers of the controller (BAR 0), as dmah_host_read32() takes them.
 * @dev: the DMA device; attached by the caller.
 *
 * Context: may sleep. Return: 0; an error of dmah_alloc_coherent(); DMAH_ENODEV: there is no such
 * controller, or no namespace 1; DMAH_ENOTSUP: the controller lacks the NVM command set or pages of
 * 4 KiB; DMAH_ETIMEDOUT: the controller did not answer in time, or reports a fatal failure. After
 * an error nothing is mapped, with one exception: if the controller cannot be disabled, nvme_live()
 * is true and its memory stays mapped: see nvme_release().
 */
int nvme_init(struct nvme *n, volatile void *regs, struct dmah_device *dev);

/** nvme_live() - returns true if memory is mapped for the controller. */
static inline bool nvme_live(const struct nvme *n)
{
	return dmah_mapped(&n->admin.sq_h);
}

/**
 * nvme_fini() - shut the controller down, section 3.6.1, and free all its memory.
 *
 * Requests under way end with NVME_ABORTED. Requests of a stream are then taken as usual, and the
 * stream is ended after this call. Return: 0; DMAH_ETIMEDOUT or DMAH_ENODEV. If nvme_live() is
 * still true after an error, the controller does not stop or is gone, and nothing was freed: see
 * nvme_release(). If nvme_live() is false, freeing some of the memory failed.
 */
int nvme_fini(struct nvme *n);

/**
 * nvme_reset() - disable the controller, end requests under way with NVME_ABORTED, and bring the
 *	controller up again. Call this after DMAH_ETIMEDOUT. Return: as nvme_init(); after an error
 *	the controller is down.
 */
int nvme_reset(struct nvme *n);

/**
 * nvme_release() - free the memory of a controller that can do no DMA any more, since it was
 *	unplugged, killed by dmah_kill(), or is not bus master. Does not access the controller's
 *	registers. Return: 0, DMAH_ETIMEDOUT.
 */
int nvme_release(struct nvme *n);

/**
 * nvme_submit() - map a request's buffer and put the request into the queue. The device sees the
 *	request after nvme_ring().
 *
 * Return: 0, or an error of dmah_map(). DMAH_ENOSPC also means that @n->depth requests are under
 * way; DMAH_EINVAL, that PRP entries cannot describe the buffer; DMAH_ERANGE, that the buffer is
 * too long. DMAH_ENODEV: the controller is down. DMAH_EBUSY: the request is under way already.
 * After any other error the request is not under way, and nothing is mapped.
 */
int nvme_submit(struct nvme *n, struct nvme_request *r);

/** nvme_ring() - pass the submitted requests to the device. */
void nvme_ring(struct nvme *n);

/**
 * nvme_poll() - take completions from the device, and unmap the buffers of the requests that ended,
 *	with one wait for the IOMMU.
 *
 * Return: number of completions taken, those of streams included.
 */
unsigned int nvme_poll(struct nvme *n);

/**
 * nvme_wait() - call nvme_poll() until a request has ended.
 *
 * Return: @r->err if @r->done is set. Otherwise DMAH_ETIMEDOUT: the request did not end in time, or
 * the controller reports a fatal failure; or DMAH_ENODEV: the device is gone. In both cases the
 * buffer belongs to the device until nvme_reset() or nvme_fini().
 */
int nvme_wait(struct nvme *n, struct nvme_request *r);

/**
 * struct nvme_stream - requests in one direction whose buffers are mapped by a ring; private.
 * @n: the controller.
 * @ring: mappings of the buffers.
 * @dir: direction of all requests.
 * @first: number of the oldest request; @next: number of the next request.
 * @io: the commands, by number of the request.
 */
struct nvme_stream {
	struct nvme *n;
	struct dmah_ring *ring;
	enum dmah_dir dir;
	uint32_t first;
	uint32_t next;
	struct nvme_io io[NVME_DEPTH];
};

/** nvme_stream_memory() - bytes of memory for nvme_stream_init(); 0 if an argument is invalid. */
size_t nvme_stream_memory(uint32_t max_bytes, enum dmah_dir dir);

/**
 * nvme_stream_init() - set up a stream.
 * @s: storage, zeroed.
 * @n: the controller.
 * @max_bytes: bytes of the longest request, at most 1 MiB.
 * @dir: DMAH_FROM_DEVICE: requests read; DMAH_TO_DEVICE: requests write.
 * @memory: nvme_stream_memory() bytes, aligned to 64, never reachable by the device.
 * @size: size of @memory in bytes.
 *
 * Return: as dmah_ring_init().
 */
int nvme_stream_init(struct nvme_stream *s, struct nvme *n, uint32_t max_bytes, enum dmah_dir dir,
		     void *memory, size_t size);

/** nvme_stream_fini() - end a stream. Return: as dmah_ring_fini(). */
int nvme_stream_fini(struct nvme_stream *s);

/**
 * nvme_stream_submit() - submit a request for the contiguous buffer at @phys. Return: as
 *	nvme_submit().
 */
int nvme_stream_submit(struct nvme_stream *s, uint64_t lba, uint32_t blocks, dmah_phys_t phys);

/**
 * nvme_stream_take() - end the oldest requests that are complete, with one wait for the IOMMU.
 * @s: the stream.
 * @status: set to the device's status of each request, 0 being success; may be NULL.
 * @max: most requests to end.
 *
 * A complete request is not taken before all older requests are. Return: number of requests, or an
 * error of dmah_ring_pop(). After DMAH_ETIMEDOUT the requests have ended all the same, but their
 * memory must not be reused.
 */
int nvme_stream_take(struct nvme_stream *s, uint16_t *status, uint32_t max);

/** nvme_stream_wait() - poll until the oldest request is complete. Return: 0, or as nvme_wait(). */
int nvme_stream_wait(struct nvme_stream *s);

/** nvme_stream_live() - number of requests that were submitted but not taken. */
static inline uint32_t nvme_stream_live(const struct nvme_stream *s)
{
	return s->next - s->first;
}

#endif /* DMAH_DRIVERS_NVME_H */
