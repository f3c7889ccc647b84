/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: a driver of virtio-iommu (Virtual I/O Device, version 1.2, section 5.13), the IOMMU of a hypervisor.
 *
 * The hypervisor takes mappings as requests and has no page table that the CPU could read. The domain's page table stays in
 * memory, where the library keeps generations and ends mappings atomically, and this driver sends what changed in it: a MAP
 * request when a mapping was made (DMAH_IOMMU_MAP_FLUSH), an UNMAP request in place of an invalidation. Any format will do.
 * In a domain of handles only (struct dmah_domain_config) there is no table, and the library itself asks for the requests.
 *
 *	err = dmah_viommu_init(&unit, &(struct dmah_viommu_config){ .transport = &pci, .ctx = ... }, memory, size);
 *	err = dmah_domain_init(&dom, &(struct dmah_domain_config){ .iommu = &unit.iommu,
 *				.format = unit.iommu.formats[0], ... }, ...);
 *	err = dmah_viommu_enable(&unit);		// from here on, a device that is not attached is blocked
 *	err = dmah_attach(dom, &dev, &limits);		// with the ranges of dmah_viommu_probe()
 *
 * dmah_attach() and dmah_set_mode() exchange a device's domain by requests that are waited for. The device executes requests
 * in order, as every known one does.
 */
#ifndef DMAH_VIOMMU_H
#define DMAH_VIOMMU_H

#include <dmah/host.h>
#include <dmah/iommu.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum dmah_viommu_region - parts of a virtio device (section 4.1.4).
 * @DMAH_VIOMMU_COMMON: the common configuration. @DMAH_VIOMMU_DEVICE: the device's own.
 * @DMAH_VIOMMU_NOTIFY: notifications; the offset is queue_notify_off, before it is multiplied.
 */
enum dmah_viommu_region {
	DMAH_VIOMMU_COMMON,
	DMAH_VIOMMU_DEVICE,
	DMAH_VIOMMU_NOTIFY,
};

/**
 * struct dmah_viommu_transport - accesses of the device's fields, in the layout of virtio over PCI. The caller's.
 * @read: reads a field of @size bytes: 1, 2, 4 or 8. @write: writes one.
 *
 * Ordered as dmah_host_read32() and dmah_host_write32() are. Context: any, with locks.
 */
struct dmah_viommu_transport {
	uint64_t (*read)(void *ctx, enum dmah_viommu_region region, uint32_t offset,
			 unsigned int size);
	void (*write)(void *ctx, enum dmah_viommu_region region, uint32_t offset, unsigned int size,
		      uint64_t value);
};

/**
 * struct dmah_viommu_config - a device. Zero means the default but for @transport.
 * @transport: its accesses. @ctx: passed to them.
 * @name: for messages.
 * @domains: domains at most, 1 to 4,096; 0: 64.
 * @endpoints: device ids that are bound at one time at most, 1 to 65,536; 0: 64.
 * @timeout_ns: time that a request may take, in nanoseconds; 0: 1 s.
 */
struct dmah_viommu_config {
	const struct dmah_viommu_transport *transport;
	void *ctx;
	const char *name;
	uint32_t domains;
	uint32_t endpoints;
	uint64_t timeout_ns;
};

/** struct dmah_viommu_space - a domain: its page table, and how many endpoints are attached, and are about to leave. Private. */
struct dmah_viommu_space {
	struct dmah_pt_info pt;
	uint32_t users;
	uint32_t leaving;
	bool taken;
};

/** struct dmah_viommu_waiter - a call that wants to know the status of request @number. Private. */
struct dmah_viommu_waiter {
	struct dmah_viommu_waiter *next;
	uint64_t number;
	uint8_t status;
};

/** struct dmah_viommu_endpoint - an endpoint's id and its domain's tag, 0: none; @taken: the entry is in use. Private. */
struct dmah_viommu_endpoint {
	uint32_t id;
	uint32_t domain;
	bool taken;
};

/**
 * struct dmah_viommu - a device, in the caller's memory, not to be moved. Private but for @iommu.
 * @iommu: for struct dmah_domain_config and struct dmah_device.
 * @transport, @ctx, @timeout: as configured.
 * @features: those that were negotiated.
 * @probe_size: bytes of the answer to a probe; 0: no probes.
 * @space: the domains, by tag; @nspaces: how many; @first_domain: the device's number of tag 1.
 * @below: addresses that the device does not translate.
 * @endpoint: the endpoints; @nendpoints: how many there is room for.
 * @lock: held while requests are posted and answers are taken.
 * @memory, @phys: the queues and their buffers.
 * @notify: queue_notify_off of both queues.
 * @posted, @done: requests that were posted, and that are known to be answered, all in order; @answered: those after
 *	@done that are, a bit each; @used: entries taken from the ring of answers.
 * @lost_after, @lost_until: requests between the two failed, the last time; @earlier_after, @earlier_until: before that.
 * @tries: how often each was made again; @refusal: one more than a status that was not reported yet.
 * @cuts: UNMAP requests that were refused since they would have ended a part of a mapping.
 * @waiters: calls that want to know their request's status.
 * @events: entries taken from the ring of events.
 * @failed: the device does not answer; @broken: it answers what was not asked; @reported: that was reported.
 * @given: the device knows @memory.
 * @enabled: dmah_viommu_enable() was called.
 */
struct dmah_viommu {
	struct dmah_iommu iommu;
	const struct dmah_viommu_transport *transport;
	void *ctx;
	uint64_t timeout;
	uint64_t features;
	uint32_t probe_size;
	struct dmah_viommu_space *space;
	uint32_t nspaces;
	uint32_t first_domain;
	struct dmah_reserved below;
	struct dmah_viommu_endpoint *endpoint;
	uint32_t nendpoints;
	struct dmah_lock lock;
	uint8_t *memory;
	dmah_phys_t phys;
	uint32_t notify[2];
	uint64_t posted;
	uint64_t done;
	uint64_t answered;
	uint16_t used;
	uint64_t lost_after;
	uint64_t lost_until;
	uint64_t earlier_after;
	uint64_t earlier_until;
	uint8_t tries[64];
	uint32_t refusal;
	uint32_t cuts;
	struct dmah_viommu_waiter *waiters;
	uint16_t events;
	bool failed;
	bool broken;
	bool reported;
	bool given;
	bool enabled;
};

/** dmah_viommu_memory() - Returns the bytes that dmah_viommu_init() wants; 0 where @config makes no sense, with a report. */
size_t dmah_viommu_memory(const struct dmah_viommu_config *config);

/**
 * dmah_viommu_init() - reset the device, agree on features, and begin its queues.
 * @unit: its storage; need not be zeroed.
 * @config: copied.
 * @memory: dmah_viommu_memory(@config) bytes, aligned to 8, never reachable by a device.
 * @size: its size in bytes.
 *
 * Devices are let through until dmah_viommu_enable(), where the device did so before. Every error is explained by
 * dmah_host_report(). Context: may sleep. Return: 0; DMAH_EINVAL; DMAH_ENOTSUP: no MAP and UNMAP requests, or pages larger
 * than 4 KiB; DMAH_ENOMEM; DMAH_ETIMEDOUT.
 */
int dmah_viommu_init(struct dmah_viommu *unit, const struct dmah_viommu_config *config,
		     void *memory, size_t size);

/** dmah_viommu_enable() - block devices that are not attached. Return: 0, DMAH_ETIMEDOUT. */
int dmah_viommu_enable(struct dmah_viommu *unit);

/** dmah_viommu_fini() - give the device up; no domain uses it any more. Return: 0, DMAH_ETIMEDOUT: nothing was freed. */
int dmah_viommu_fini(struct dmah_viommu *unit);

/**
 * dmah_viommu_probe() - ask for the reserved ranges of a device id.
 * @unit: the device.
 * @id: the endpoint.
 * @range: set: ranges for struct dmah_limits; those for messages are identity ranges with @mmio where the hypervisor
 *	does not translate them itself.
 * @max: room in @range.
 *
 * Context: may sleep; one call for a device at a time. Returns how many there are, @max at most; 0 where the device has no
 * probes; DMAH_ENODEV: there is no such endpoint; DMAH_ETIMEDOUT.
 */
int dmah_viommu_probe(struct dmah_viommu *unit, uint32_t id, struct dmah_reserved *range,
		      unsigned int max);

/**
 * dmah_viommu_reset() - begin anew with a device that has failed: endpoints are attached and mapped as before. Then call
 *	dmah_flush() for each domain. Context: may sleep. Return: 0, DMAH_ETIMEDOUT.
 */
int dmah_viommu_reset(struct dmah_viommu *unit);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_VIOMMU_H */
