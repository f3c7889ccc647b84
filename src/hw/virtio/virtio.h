/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Fields and requests of virtio-iommu (Virtual I/O Device, version 1.2), and what the files of its driver share. */
#ifndef DMAH_IOMMU_VIRTIO_H
#define DMAH_IOMMU_VIRTIO_H

#include <dmah/device.h>
#include <dmah/viommu.h>

#include "hw/unit.h"

/* Common configuration, section 4.1.4.3. */
#define COMMON_FEATURE_SELECT	0x00u
#define COMMON_FEATURE		0x04u
#define COMMON_DRIVER_SELECT	0x08u
#define COMMON_DRIVER_FEATURE	0x0cu
#define COMMON_STATUS		0x14u
#define COMMON_QUEUE_SELECT	0x16u
#define COMMON_QUEUE_SIZE	0x18u
#define COMMON_QUEUE_ENABLE	0x1cu
#define COMMON_QUEUE_NOTIFY_OFF 0x1eu
#define COMMON_QUEUE_DESC	0x20u
#define COMMON_QUEUE_DRIVER	0x28u
#define COMMON_QUEUE_DEVICE	0x30u
#define STATUS_ACKNOWLEDGE	1u
#define STATUS_DRIVER		2u
#define STATUS_DRIVER_OK	4u
#define STATUS_FEATURES_OK	8u
#define STATUS_NEEDS_RESET	64u

/* Features, sections 5.13.3 and 6. */
#define F_INPUT_RANGE	(1ull << 0)
#define F_DOMAIN_RANGE	(1ull << 1)
#define F_MAP_UNMAP	(1ull << 2)
#define F_PROBE		(1ull << 4)
#define F_BYPASS_CONFIG (1ull << 6)
#define F_VERSION_1	(1ull << 32)
#define F_PLATFORM	(1ull << 33) /* addresses of its queues are those of a device */

/* Device configuration, section 5.13.4. */
#define DEVICE_PAGE_SIZE_MASK 0x00u
#define DEVICE_INPUT_START    0x08u
#define DEVICE_INPUT_END      0x10u
#define DEVICE_DOMAIN_START   0x18u
#define DEVICE_DOMAIN_END     0x1cu
#define DEVICE_PROBE_SIZE     0x20u
#define DEVICE_BYPASS	      0x24u

/* Requests, section 5.13.6. */
#define REQ_ATTACH		 1u
#define REQ_DETACH		 2u
#define REQ_MAP			 3u
#define REQ_UNMAP		 4u
#define REQ_PROBE		 5u
#define REQ_ATTACH_BYPASS	 1u
#define REQ_MAP_READ		 1u
#define REQ_MAP_WRITE		 2u
#define REQ_MAP_MMIO		 4u
#define REQ_BYTES		 36u
#define PROBE_BYTES		 72u
#define TAIL_BYTES		 4u
#define STATUS_OK		 0u
#define STATUS_INVAL		 4u
#define STATUS_RANGE		 5u
#define STATUS_NOENT		 6u
#define STATUS_LAST		 8u
#define PROPERTY_RESERVED	 1u
#define PROPERTY_RESERVED_IS_MSI 1u

/* Split virtqueue, section 2.7. */
#define DESC_NEXT  1u
#define DESC_WRITE 2u

/** VIOMMU_REQUESTS - requests in flight: two descriptors each. VIOMMU_EVENTS - buffers for events. */
#define VIOMMU_REQUESTS 64u
#define VIOMMU_EVENTS	64u
/** VIOMMU_TRIES - times that a refused UNMAP request is made again. VIOMMU_LOOKS: polls between two looks at the status. */
#define VIOMMU_TRIES 3u
#define VIOMMU_LOOKS 128u

/*
 * The memory: a page of descriptors and available ring, one of the used ring, one of requests with their answers, one for a
 * probe, one of the event queue's rings, one of events.
 */
#define AREA_DESC      0u
#define AREA_AVAIL     2048u
#define AREA_USED      4096u
#define AREA_REQUEST   8192u
#define AREA_PROBE     12288u
#define AREA_EV_DESC   16384u
#define AREA_EV_AVAIL  (AREA_EV_DESC + 1024u)
#define AREA_EV_USED   (AREA_EV_DESC + 2048u)
#define AREA_EVENT     20480u
#define AREA_BYTES     24576u
#define REQUEST_STRIDE 64u
#define REQUEST_TAIL   48u
#define EVENT_STRIDE   32u
#define EVENT_BYTES    24u
#define PROBE_ANSWER   128u

/** struct viommu_request - a request's bytes, as 32-bit words. */
struct viommu_request {
	uint32_t word[REQ_BYTES / 4];
};

static inline struct dmah_viommu *viommu_of(struct dmah_iommu *iommu)
{
	return (struct dmah_viommu *)(void *)iommu; /* its first member */
}

static inline uint64_t viommu_read(const struct dmah_viommu *unit, enum dmah_viommu_region region,
				   uint32_t offset, unsigned int size)
{
	return unit->transport->read(unit->ctx, region, offset, size);
}

static inline void viommu_write(const struct dmah_viommu *unit, enum dmah_viommu_region region,
				uint32_t offset, unsigned int size, uint64_t value)
{
	unit->transport->write(unit->ctx, region, offset, size, value);
}

static inline uint32_t *viommu_word(const struct dmah_viommu *unit, uint32_t offset)
{
	return (uint32_t *)(void *)(unit->memory + offset);
}

static inline uint16_t *viommu_half(const struct dmah_viommu *unit, uint32_t offset)
{
	return (uint16_t *)(void *)(unit->memory + offset);
}

/* ---- queue.c ---- */

/** dmah_viommu_queues() - set both queues up, empty, with buffers for events. Return: 0, DMAH_ENOTSUP. */
int dmah_viommu_queues(struct dmah_viommu *unit);

/** dmah_viommu_give_events() - let the device see the buffers for events. */
void dmah_viommu_give_events(struct dmah_viommu *unit);

/** VIOMMU_TOLERATE() - a status in a mask of statuses. */
#define VIOMMU_TOLERATE(status) (1u << (status))

/**
 * dmah_viommu_put() - post a request. Context: the unit's lock is held.
 * @tolerated: VIOMMU_TOLERATE() of statuses other than 0 that mean no failure.
 *
 * Return: 0, DMAH_EBUSY: no room; DMAH_ETIMEDOUT: the device has failed.
 */
int dmah_viommu_put(struct dmah_viommu *unit, const struct viommu_request *request,
		    uint32_t tolerated);

/** dmah_viommu_await_room() - wait for room for a request. Context: no lock is held. Return: 0, DMAH_ETIMEDOUT. */
int dmah_viommu_await_room(struct dmah_viommu *unit);

/**
 * dmah_viommu_run() - post a request and wait for its answer. A refusal concerns nobody else.
 *
 * Return: its status: 0, or STATUS_INVAL and the like; DMAH_ETIMEDOUT.
 */
int dmah_viommu_run(struct dmah_viommu *unit, const struct viommu_request *request);

/** dmah_viommu_run_probe() - run the request in the probe's area. Return: 0, DMAH_ETIMEDOUT, DMAH_ENODEV: no such endpoint. */
int dmah_viommu_run_probe(struct dmah_viommu *unit);

int dmah_viommu_op_fence(struct dmah_iommu *iommu, uint64_t *ticket);
int dmah_viommu_op_wait(struct dmah_iommu *iommu, uint64_t ticket);
unsigned int dmah_viommu_op_faults(struct dmah_iommu *iommu, struct dmah_iommu_fault *faults,
				   unsigned int max, bool *lost);

/* ---- space.c ---- */

int dmah_viommu_op_invalidate(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova,
			      uint64_t size, bool tables, uint64_t *ticket);
int dmah_viommu_op_map(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova, uint64_t size,
		       dmah_phys_t phys, enum dmah_dir dir);
int dmah_viommu_op_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
			const struct dmah_pt_info *pt, uint32_t tag);
int dmah_viommu_op_tag_alloc(struct dmah_iommu *iommu, uint32_t *tag);
void dmah_viommu_op_tag_free(struct dmah_iommu *iommu, uint32_t tag);

/** dmah_viommu_restore() - attach and map all endpoints as they were. Return: 0, DMAH_ETIMEDOUT. */
int dmah_viommu_restore(struct dmah_viommu *unit);

#endif /* DMAH_IOMMU_VIRTIO_H */
