/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A model of a virtio-iommu, for a driver under test: Virtual I/O Device, version 1.2, sections 2.7 (split virtqueues), 4.1.4
 * (fields) and 5.13 (the IOMMU). The model replaces the fake driver of one of the machine's IOMMUs, of flavour SIM_VIRTIO. A
 * hypervisor keeps its own page tables: the model's lie in the firmware's memory, in the format of VT-d's second stage.
 *
 * Where the specification leaves something open, the model is strict: a domain is forgotten, with its mappings, when its last
 * endpoint leaves; an event for which there is no buffer is dropped without a sign. A request that its length, its fields or
 * its chain make wrong is answered as the specification says; what a driver must never do is misuse (posix_set_misuse()).
 */
#ifndef DMAH_SIM_VIOMMU_H
#define DMAH_SIM_VIOMMU_H

#include <dmah/viommu.h>

#include "sim.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sim_viommu;

/** SIM_VIOMMU_RANGES - most reserved ranges that a probe reports. */
#define SIM_VIOMMU_RANGES 4u

/**
 * struct sim_viommu_config - a device. Zero means the default.
 * @without: feature bits that are not offered.
 * @input_start: the lowest IOVA; @input_end: the highest; 0: 2^va_bits - 1 of the machine's IOMMU.
 * @domain_start: the lowest number of a domain; @domain_end: the highest; 0: 2^32 - 1.
 * @page_sizes: page_size_mask; 0: 4 KiB and all above.
 * @queue: most entries of a queue; 0: 256.
 * @range: reserved ranges that a probe reports; @nranges: how many.
 * @probe_size: bytes of a probe's answer; 0: 512.
 * @bypass: after power-on, what is not attached is let through.
 */
struct sim_viommu_config {
	uint64_t without;
	uint64_t input_start;
	uint64_t input_end;
	uint32_t domain_start;
	uint32_t domain_end;
	uint64_t page_sizes;
	uint32_t queue;
	struct dmah_reserved range[SIM_VIOMMU_RANGES];
	unsigned int nranges;
	uint32_t probe_size;
	bool bypass;
};

/** sim_viommu_create() - give IOMMU @n of the machine the fields of a virtio-iommu. Returns NULL if that one cannot have them. */
struct sim_viommu *sim_viommu_create(struct sim *sim, unsigned int n,
				     const struct sim_viommu_config *config);

/** sim_viommu_transport - accesses of the model's fields; their ctx is the struct sim_viommu. */
extern const struct dmah_viommu_transport sim_viommu_transport;

/** sim_viommu_hold() - take no requests (true), or go on with those in the queue (false). Threads. */
void sim_viommu_hold(struct sim_viommu *unit, bool hold);

/**
 * enum sim_viommu_wrong - wrong answers to requests.
 * @SIM_VIOMMU_REFUSE: the request is not carried out, and its status is the one that is asked for.
 * @SIM_VIOMMU_SHORT: the request is carried out; no byte of the answer is written, and the ring says so.
 * @SIM_VIOMMU_BEYOND: the ring names a descriptor that the queue does not have.
 * @SIM_VIOMMU_MIDDLE: the ring names the second descriptor of the request.
 * @SIM_VIOMMU_ANOTHER: the ring names the first descriptor of a request that was not posted.
 * @SIM_VIOMMU_TWICE: the ring names the request twice.
 * @SIM_VIOMMU_JUMP: the ring's index advances by more than the queue has.
 * @SIM_VIOMMU_FORGET: the request is carried out and never answered.
 * @SIM_VIOMMU_REVERSE: the requests that are there are carried out in order, and answered in reverse.
 */
enum sim_viommu_wrong {
	SIM_VIOMMU_REFUSE,
	SIM_VIOMMU_SHORT,
	SIM_VIOMMU_BEYOND,
	SIM_VIOMMU_MIDDLE,
	SIM_VIOMMU_ANOTHER,
	SIM_VIOMMU_TWICE,
	SIM_VIOMMU_JUMP,
	SIM_VIOMMU_FORGET,
	SIM_VIOMMU_REVERSE,
	SIM_VIOMMU_WRONGS,
};

/** sim_viommu_answer() - answer the next @n requests wrongly. @status: of SIM_VIOMMU_REFUSE. Threads. */
void sim_viommu_answer(struct sim_viommu *unit, enum sim_viommu_wrong wrong, unsigned int n,
		       uint8_t status);

/**
 * enum sim_viommu_event - wrong events.
 * @SIM_VIOMMU_EVENT_SHORT: no byte of the event is written.
 * @SIM_VIOMMU_EVENT_BEYOND: the ring names a buffer that the queue does not have.
 * @SIM_VIOMMU_EVENT_JUMP: the ring's index advances by more than the queue has.
 */
enum sim_viommu_event {
	SIM_VIOMMU_EVENT_RIGHT,
	SIM_VIOMMU_EVENT_SHORT,
	SIM_VIOMMU_EVENT_BEYOND,
	SIM_VIOMMU_EVENT_JUMP,
};

/** sim_viommu_event() - make the next event wrong. Threads. */
void sim_viommu_event(struct sim_viommu *unit, enum sim_viommu_event wrong);

/** sim_viommu_ask_reset() - the device stops, and asks for a reset (DEVICE_NEEDS_RESET). Threads. */
void sim_viommu_ask_reset(struct sim_viommu *unit);

/** sim_viommu_domain() - Returns the number of the domain of an endpoint; ~0: none. Threads. */
uint32_t sim_viommu_domain(struct sim_viommu *unit, uint32_t id);

/**
 * struct sim_viommu_stats - counters of a unit.
 * @requests: requests that were taken; by kind: @attaches, @detaches, @maps, @unmaps, @probes.
 * @refused: those that the device refused of itself, for a reason of the specification; @last: the last such status.
 * @events: events that were written; @lost: those without a buffer.
 * @resets: resets by the driver.
 */
struct sim_viommu_stats {
	uint64_t requests;
	uint64_t attaches;
	uint64_t detaches;
	uint64_t maps;
	uint64_t unmaps;
	uint64_t probes;
	uint64_t refused;
	uint8_t last;
	uint64_t events;
	uint64_t lost;
	uint64_t resets;
};

/** sim_viommu_stats() - get the counters. Threads. */
void sim_viommu_stats(struct sim_viommu *unit, struct sim_viommu_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_SIM_VIOMMU_H */
