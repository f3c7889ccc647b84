/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The fields and queues of a virtio-iommu: Virtual I/O Device, version 1.2, sections 2.1, 2.7, 3.1, 4.1.4 and 5.13. */
#include "viommu_unit.h"

#include "posix.h"

#include <stdlib.h>
#include <string.h>

#define ACKNOWLEDGE 1u
#define DRIVER	    2u
#define DRIVER_OK   4u
#define FEATURES_OK 8u
#define NEEDS_RESET 64u
#define DESC_NEXT   1u
#define DESC_WRITE  2u
#define EVENT_BYTES 24u
#define MOST	    256u

/* ---- queues ---- */

static bool bus(const struct sim_viommu *u, uint64_t addr, void *buf, size_t len, bool write)
{
	return sim_bus(u->unit.iommu->sim, addr, buf, len, write, true);
}

static void ask_reset(struct sim_viommu *u)
{
	u->status |= NEEDS_RESET;
}

/** struct chain - a buffer of the driver: bytes that the device reads, and bytes that it writes. */
struct chain {
	uint16_t head;
	uint64_t read;
	uint32_t read_bytes;
	uint64_t write;
	uint32_t write_bytes;
};

/* Takes the next buffer. Two descriptors at most, as the driver makes them. Returns false where there is none. */
static bool take(struct sim_viommu *u, struct vio_queue *q, struct chain *c)
{
	uint16_t index;

	if (!bus(u, q->driver + 2, &index, 2, false) || index == q->taken)
		return false;
	if ((uint16_t)(index - q->taken) > q->size)
		posix_misuse("virtio: more buffers than the queue has");
	*c = (struct chain){ 0 };
	if (!bus(u, q->driver + 4 + 2 * (q->taken % q->size), &c->head, 2, false))
		return false;
	for (unsigned int at = c->head, n = 0;; n++) {
		uint32_t d[4];

		if (at >= q->size || n == 2 || !bus(u, q->desc + 16 * at, d, 16, false)) {
			ask_reset(u);
			return false;
		}
		if (d[3] & DESC_WRITE) {
			c->write = d[0] | (uint64_t)d[1] << 32;
			c->write_bytes = d[2];
		} else {
			c->read = d[0] | (uint64_t)d[1] << 32;
			c->read_bytes = d[2];
		}
		if (!(d[3] & DESC_NEXT))
			break;
		at = d[3] >> 16;
	}
	q->taken++;
	return true;
}

static void give(struct sim_viommu *u, struct vio_queue *q, uint32_t id, uint32_t bytes,
		 uint16_t step)
{
	uint32_t entry[2] = { id, bytes };

	bus(u, q->device + 4 + 8 * (q->used % q->size), entry, 8, true);
	q->used = (uint16_t)(q->used + step);
	bus(u, q->device + 2, &q->used, 2, true);
}

/* ---- requests ---- */

/* Returns the bytes of the answer that were written. */
static uint32_t answer(struct sim_viommu *u, const struct chain *c, uint8_t status,
		       const uint8_t *properties)
{
	uint8_t tail[4] = { status };
	uint32_t at = c->write_bytes - 4;

	if (at)
		bus(u, c->write, (void *)(uintptr_t)properties, at, true);
	bus(u, c->write + at, tail, 4, true);
	return c->write_bytes;
}

/* Carries a request out. Returns the bytes of its answer. */
static uint32_t execute(struct sim_viommu *u, const struct chain *c, bool wrong)
{
	uint32_t request[VIO_REQUEST_BYTES / 4] = { 0 };
	uint8_t properties[4096];
	uint8_t status;

	if (c->read_bytes > sizeof(request) || c->write_bytes < 4 ||
	    c->write_bytes - 4 > sizeof(properties) ||
	    !bus(u, c->read, request, c->read_bytes, false)) {
		ask_reset(u);
		return 0;
	}
	memset(properties, 0, sizeof(properties));
	u->stats.requests++;
	if (sim_inject_command(u->unit.iommu))
		return answer(u, c, VIO_DEVERR, properties);
	/* The failure may have struck at this request. */
	if (u->unit.iommu->failing.halted)
		return 0;
	if (wrong && u->wrong == SIM_VIOMMU_REFUSE)
		return answer(u, c, u->wrong_status, properties);
	status = vio_request(u, request, c->read_bytes, properties, c->write_bytes - 4);
	u->stats.refused += status != VIO_OK;
	u->stats.last = status ? status : u->stats.last;
	if (wrong && u->wrong == SIM_VIOMMU_SHORT)
		return 0;
	return answer(u, c, status, properties);
}

static bool wrong_now(struct sim_viommu *u)
{
	if (!u->nwrong)
		return false;
	u->nwrong--;
	return true;
}

static void one(struct sim_viommu *u, const struct chain *c)
{
	struct vio_queue *q = &u->queue[0];
	bool wrong = wrong_now(u);
	uint32_t bytes = execute(u, c, wrong);

	if (u->unit.iommu->failing.halted) {
		q->taken--;
		return;
	}
	if (u->status & NEEDS_RESET || (wrong && u->wrong == SIM_VIOMMU_FORGET))
		return;
	if (wrong && u->wrong == SIM_VIOMMU_BEYOND)
		give(u, q, 0x12340, bytes, 1);
	else if (wrong && u->wrong == SIM_VIOMMU_MIDDLE)
		give(u, q, c->head + 1u, bytes, 1);
	else if (wrong && u->wrong == SIM_VIOMMU_ANOTHER)
		give(u, q, (c->head + q->size / 2) % q->size, bytes, 1);
	else
		give(u, q, c->head, bytes, wrong && u->wrong == SIM_VIOMMU_JUMP ? 1000 : 1);
	if (wrong && u->wrong == SIM_VIOMMU_TWICE)
		give(u, q, c->head, bytes, 1);
}

/* Carries out all requests that are there, in order, and answers them in reverse. */
static void reverse(struct sim_viommu *u)
{
	struct vio_queue *q = &u->queue[0];
	struct chain c[MOST];
	uint32_t bytes[MOST];
	unsigned int n = 0;

	while (n < MOST && take(u, q, &c[n])) {
		bytes[n] = execute(u, &c[n], false);
		n++;
	}
	u->nwrong -= n < u->nwrong ? n : u->nwrong;
	while (n--)
		give(u, q, c[n].head, bytes[n], 1);
}

static bool stands(const struct sim_viommu *u)
{
	return sim_unit_stands_still(&u->unit) || !(u->status & DRIVER_OK) ||
	       u->status & NEEDS_RESET || !u->queue[0].enabled;
}

static void run(struct sim_viommu *u)
{
	struct chain c;

	while (!stands(u)) {
		if (u->nwrong && u->wrong == SIM_VIOMMU_REVERSE) {
			reverse(u);
			return;
		}
		if (!take(u, &u->queue[0], &c))
			return;
		one(u, &c);
	}
}

/* ---- events ---- */

static void record_fault(void *ctx, uint32_t id, dmah_addr_t dma, bool write, uint32_t code)
{
	struct sim_viommu *u = ctx;
	struct vio_queue *q = &u->queue[1];
	uint32_t flags = (write ? 2u : 1u) | (code == VIRTIO_MAPPING ? 1u << 8 : 0);
	uint32_t event[EVENT_BYTES / 4] = {
		code, flags, id, 0, (uint32_t)dma, (uint32_t)(dma >> 32)
	};
	enum sim_viommu_event wrong = u->event;
	struct chain c;

	if (!(u->status & DRIVER_OK) || u->status & NEEDS_RESET || u->unit.iommu->failing.halted ||
	    !q->enabled || !take(u, q, &c)) {
		u->stats.lost++;
		return;
	}
	u->event = SIM_VIOMMU_EVENT_RIGHT;
	if (c.write_bytes < EVENT_BYTES) {
		ask_reset(u);
		return;
	}
	if (wrong != SIM_VIOMMU_EVENT_SHORT)
		bus(u, c.write, event, EVENT_BYTES, true);
	u->stats.events++;
	give(u, q, wrong == SIM_VIOMMU_EVENT_BEYOND ? 0x4321 : c.head,
	     wrong == SIM_VIOMMU_EVENT_SHORT ? 0 : EVENT_BYTES,
	     wrong == SIM_VIOMMU_EVENT_JUMP ? 1000 : 1);
}

/* ---- fields ---- */

static uint64_t offered(const struct sim_viommu *u)
{
	return (VIO_INPUT_RANGE | VIO_DOMAIN_RANGE | VIO_MAP_UNMAP | VIO_PROBE | VIO_BYPASS_CONFIG |
		VIO_VERSION_1) &
	       ~u->config.without;
}

static void reset(struct sim_viommu *u)
{
	vio_forget(u);
	u->status = 0;
	u->features = 0;
	u->feature_select = u->driver_select = u->selected = 0;
	memset(u->queue, 0, sizeof(u->queue));
	u->queue[0].size = u->queue[1].size = u->config.queue;
	u->stats.resets++;
}

static void write_status(struct sim_viommu *u, uint32_t value)
{
	if (!value) {
		reset(u);
		return;
	}
	if (u->status & ~value & ~NEEDS_RESET)
		posix_misuse("virtio: a bit of the status is cleared");
	if (value & DRIVER_OK && !(value & FEATURES_OK))
		posix_misuse("virtio: DRIVER_OK without FEATURES_OK");
	/* Features that were not offered are not taken, and neither is a driver of before version 1. */
	if (value & FEATURES_OK && (u->features & ~offered(u) || !(u->features & VIO_VERSION_1)))
		value &= ~FEATURES_OK;
	u->status |= value;
}

static struct vio_queue *queue_of(struct sim_viommu *u)
{
	static struct vio_queue none;

	none = (struct vio_queue){ 0 };
	return u->selected < 2 ? &u->queue[u->selected] : &none;
}

static void write_queue(struct sim_viommu *u, uint32_t offset, uint64_t value)
{
	struct vio_queue *q = queue_of(u);

	if (q->enabled || !(u->status & FEATURES_OK))
		posix_misuse("virtio: a queue that is on, or features that are not settled");
	switch (offset) {
	case 0x18:
		if (!value || value & (value - 1) || value > u->config.queue)
			posix_misuse("virtio: the size of a queue");
		q->size = (uint32_t)value;
		break;
	case 0x1c:
		q->enabled = value & 1;
		break;
	case 0x20:
		q->desc = value;
		break;
	case 0x28:
		q->driver = value;
		break;
	default:
		q->device = value;
	}
	if ((q->desc | q->device) & 3 || q->desc & 15 || q->driver & 1)
		posix_misuse("virtio: a queue's alignment");
}

static void write_common(struct sim_viommu *u, uint32_t offset, uint64_t value)
{
	switch (offset) {
	case 0x00:
		u->feature_select = (uint32_t)value;
		break;
	case 0x08:
		u->driver_select = (uint32_t)value;
		break;
	case 0x0c:
		if (u->status & FEATURES_OK)
			posix_misuse("virtio: features after FEATURES_OK");
		if (u->driver_select == 0)
			u->features = (u->features & ~0xffffffffull) | (uint32_t)value;
		if (u->driver_select == 1)
			u->features = (u->features & 0xffffffffull) | value << 32;
		break;
	case 0x14:
		write_status(u, (uint32_t)value);
		break;
	case 0x16:
		u->selected = (uint32_t)value;
		break;
	case 0x18:
	case 0x1c:
	case 0x20:
	case 0x28:
	case 0x30:
		write_queue(u, offset, value);
		break;
	default:
		posix_misuse("virtio: a write to a field that is not there");
	}
}

static uint64_t read_common(struct sim_viommu *u, uint32_t offset)
{
	switch (offset) {
	case 0x04:
		return u->feature_select < 2 ? (uint32_t)(offered(u) >> 32 * u->feature_select) : 0;
	case 0x14:
		return u->status;
	case 0x18:
		return queue_of(u)->size;
	case 0x1c:
		return queue_of(u)->enabled;
	case 0x1e:
		return u->selected;
	}
	return 0;
}

static uint64_t read_device(const struct sim_viommu *u, uint32_t offset)
{
	switch (offset) {
	case 0x00:
		return u->config.page_sizes;
	case 0x08:
		return u->config.input_start;
	case 0x10:
		return u->config.input_end;
	case 0x18:
		return u->config.domain_start;
	case 0x1c:
		return u->config.domain_end;
	case 0x20:
		return u->config.probe_size;
	case 0x24:
		return u->bypass;
	}
	return 0;
}

static void set_bypass(struct sim_viommu *u, bool bypass)
{
	u->bypass = bypass;
	sim_unit_forget_contexts(&u->unit, true, 0);
}

static uint64_t transport_read(void *ctx, enum dmah_viommu_region region, uint32_t offset,
			       unsigned int size)
{
	struct sim_viommu *u = ctx;
	uint64_t value = 0, mask = size == 8 ? UINT64_MAX : (1ull << 8 * size) - 1;

	sim_lock(&u->unit.iommu->lock);
	if (sim_inject_register(u->unit.iommu))
		value = UINT64_MAX;
	else if (region == DMAH_VIOMMU_COMMON)
		value = read_common(u, offset);
	else if (region == DMAH_VIOMMU_DEVICE)
		value = read_device(u, offset);
	else
		posix_misuse("virtio: a read of a notification");
	sim_unlock(&u->unit.iommu->lock);
	return value & mask;
}

static void transport_write(void *ctx, enum dmah_viommu_region region, uint32_t offset,
			    unsigned int size, uint64_t value)
{
	struct sim_viommu *u = ctx;

	(void)size;
	sim_lock(&u->unit.iommu->lock);
	if (!sim_inject_register(u->unit.iommu)) {
		if (region == DMAH_VIOMMU_COMMON)
			write_common(u, offset, value);
		else if (region == DMAH_VIOMMU_NOTIFY && u->status && !(u->status & DRIVER_OK))
			posix_misuse("virtio: a notification before DRIVER_OK");
		else if (region == DMAH_VIOMMU_NOTIFY && offset != value)
			posix_misuse("virtio: a notification of another queue");
		else if (region == DMAH_VIOMMU_DEVICE && offset == 0x24 &&
			 u->features & VIO_BYPASS_CONFIG && value < 2)
			set_bypass(u, value);
		else if (region == DMAH_VIOMMU_DEVICE)
			posix_misuse("virtio: a write to the device's configuration");
		run(u);
	}
	sim_unlock(&u->unit.iommu->lock);
}

const struct dmah_viommu_transport sim_viommu_transport = { transport_read, transport_write };

/* ---- the hardware's view ---- */

static enum sim_reason read_context(void *ctx, const struct sim_device *dev,
				    struct sim_context *context, uint32_t *code)
{
	struct sim_viommu *u = ctx;
	const struct vio_endpoint *e = vio_endpoint(u, dev->config.id);

	*context = (struct sim_context){ 0 };
	if (!e) {
		*code = VIRTIO_DOMAIN;
		return u->bypass ? SIM_OK : SIM_FAULT_BLOCKED;
	}
	context->translate = !e->space->bypass;
	context->domain = e->space->id;
	if (context->translate)
		context->table = vio_table(u, e->space);
	return SIM_OK;
}

static void run_queue(void *ctx)
{
	run(ctx);
}

static void power_on(void *ctx)
{
	struct sim_viommu *u = ctx;

	reset(u);
	u->stats.resets--;
	u->nwrong = 0;
	set_bypass(u, u->config.bypass);
	u->unit.iommu->off = false;
}

static void destroy(void *ctx)
{
	struct sim_viommu *u = ctx;

	vio_forget(u);
	free(u->page);
}

/* Domains are memory of their own, which a loss of power gives back: nothing is simply zeroed. */
static const struct sim_unit_model model = {
	.flavour = SIM_VIRTIO,
	.size = sizeof(struct sim_viommu),
	.kept = sizeof(struct sim_viommu),
	.interface = { .context = read_context,
		       .fault = record_fault,
		       .run = run_queue,
		       .power_on = sim_unit_power_on,
		       .destroy = destroy },
	.reset = power_on,
};

/* ---- set-up ---- */

static void set_defaults(struct sim_viommu *u)
{
	struct sim_viommu_config *c = &u->config;

	if (!c->input_end)
		c->input_end = (1ull << u->unit.iommu->config.va_bits) - 1;
	if (!c->domain_end)
		c->domain_end = UINT32_MAX;
	if (!c->page_sizes)
		c->page_sizes = ~0xfffull;
	if (!c->queue)
		c->queue = MOST;
	if (!c->probe_size)
		c->probe_size = 512;
}

struct sim_viommu *sim_viommu_create(struct sim *sim, unsigned int n,
				     const struct sim_viommu_config *config)
{
	struct sim_viommu *u = sim_unit_alloc(sim, n, &model);

	if (!u)
		return NULL;
	if (config)
		u->config = *config;
	set_defaults(u);
	return sim_unit_start(u, 0);
}

void sim_viommu_hold(struct sim_viommu *u, bool hold)
{
	sim_unit_hold(&u->unit, hold);
}

void sim_viommu_answer(struct sim_viommu *u, enum sim_viommu_wrong wrong, unsigned int n,
		       uint8_t status)
{
	sim_lock(&u->unit.iommu->lock);
	u->wrong = wrong;
	u->nwrong = n;
	u->wrong_status = status;
	sim_unlock(&u->unit.iommu->lock);
}

void sim_viommu_event(struct sim_viommu *u, enum sim_viommu_event wrong)
{
	sim_lock(&u->unit.iommu->lock);
	u->event = wrong;
	sim_unlock(&u->unit.iommu->lock);
}

void sim_viommu_ask_reset(struct sim_viommu *u)
{
	sim_lock(&u->unit.iommu->lock);
	ask_reset(u);
	sim_unlock(&u->unit.iommu->lock);
}

uint32_t sim_viommu_domain(struct sim_viommu *u, uint32_t id)
{
	const struct vio_endpoint *e;
	uint32_t domain;

	sim_lock(&u->unit.iommu->lock);
	e = vio_endpoint(u, id);
	domain = e ? e->space->id : UINT32_MAX;
	sim_unlock(&u->unit.iommu->lock);
	return domain;
}

void sim_viommu_stats(struct sim_viommu *u, struct sim_viommu_stats *stats)
{
	sim_unit_copy(&u->unit, stats, &u->stats, sizeof(*stats));
}
