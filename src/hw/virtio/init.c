/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A virtio-iommu: features, taking it over, probes, and giving it up (sections 3.1.1, 5.13.4 and 5.13.6.7). */
#include "hw/virtio/virtio.h"

static const struct dmah_pt_format *const formats[] = { &dmah_pt_vtd_ss };

static const struct dmah_iommu_ops ops = {
	.bind = dmah_viommu_op_bind,
	.tag_alloc = dmah_viommu_op_tag_alloc,
	.tag_free = dmah_viommu_op_tag_free,
	.invalidate = dmah_viommu_op_invalidate,
	.map_request = dmah_viommu_op_map,
	.fence = dmah_viommu_op_fence,
	.wait = dmah_viommu_op_wait,
	.faults = dmah_viommu_op_faults,
};

static int refuse(int err, const char *why, uint64_t value)
{
	dmah_host_report(NULL, err, why, value, NULL);
	return err;
}

/* ---- configuration ---- */

static struct dmah_viommu_config with_defaults(const struct dmah_viommu_config *config)
{
	struct dmah_viommu_config c = *config;

	c.name = c.name ? c.name : "virtio-iommu";
	c.domains = c.domains ? c.domains : 64;
	c.endpoints = c.endpoints ? c.endpoints : 64;
	c.timeout_ns = c.timeout_ns ? c.timeout_ns : 1000000000;
	return c;
}

static bool makes_sense(const struct dmah_viommu_config *c)
{
	if (!c->transport || !c->transport->read || !c->transport->write)
		return !refuse(DMAH_EINVAL, "dmah_viommu_init: config.transport is not complete",
			       0);
	if (c->domains > 4096)
		return !refuse(DMAH_EINVAL, "dmah_viommu_init: config.domains is above 4096",
			       c->domains);
	if (c->endpoints > 65536)
		return !refuse(DMAH_EINVAL, "dmah_viommu_init: config.endpoints is above 65536",
			       c->endpoints);
	return true;
}

/* Tag 0 is not used. */
static size_t spaces_of(const struct dmah_viommu_config *c)
{
	return ((size_t)c->domains + 1) * sizeof(struct dmah_viommu_space);
}

static size_t memory_of(const struct dmah_viommu_config *c)
{
	return spaces_of(c) + c->endpoints * sizeof(struct dmah_viommu_endpoint);
}

size_t dmah_viommu_memory(const struct dmah_viommu_config *config)
{
	struct dmah_viommu_config c = with_defaults(config);

	return makes_sense(&c) ? memory_of(&c) : 0;
}

/* ---- features ---- */

static uint64_t offered(const struct dmah_viommu *unit)
{
	uint64_t features;

	viommu_write(unit, DMAH_VIOMMU_COMMON, COMMON_FEATURE_SELECT, 4, 0);
	features = viommu_read(unit, DMAH_VIOMMU_COMMON, COMMON_FEATURE, 4);
	viommu_write(unit, DMAH_VIOMMU_COMMON, COMMON_FEATURE_SELECT, 4, 1);
	return features | viommu_read(unit, DMAH_VIOMMU_COMMON, COMMON_FEATURE, 4) << 32;
}

static void accept(const struct dmah_viommu *unit)
{
	for (unsigned int i = 0; i < 2; i++) {
		viommu_write(unit, DMAH_VIOMMU_COMMON, COMMON_DRIVER_SELECT, 4, i);
		viommu_write(unit, DMAH_VIOMMU_COMMON, COMMON_DRIVER_FEATURE, 4,
			     (uint32_t)(unit->features >> 32 * i));
	}
}

static uint64_t status(const struct dmah_viommu *unit)
{
	return viommu_read(unit, DMAH_VIOMMU_COMMON, COMMON_STATUS, 1);
}

static void add_status(const struct dmah_viommu *unit, uint32_t bits)
{
	viommu_write(unit, DMAH_VIOMMU_COMMON, COMMON_STATUS, 1, status(unit) | bits);
}

static int reset_device(const struct dmah_viommu *unit)
{
	uint64_t begun = dmah_host_now();

	viommu_write(unit, DMAH_VIOMMU_COMMON, COMMON_STATUS, 1, 0);
	while (status(unit)) {
		if (dmah_host_now() - begun > unit->timeout)
			return DMAH_ETIMEDOUT;
		dmah_host_relax();
	}
	return DMAH_OK;
}

static int negotiate(struct dmah_viommu *unit)
{
	const uint64_t wanted = F_INPUT_RANGE | F_DOMAIN_RANGE | F_MAP_UNMAP | F_PROBE |
				F_BYPASS_CONFIG | F_VERSION_1 | F_PLATFORM;
	int err = reset_device(unit);

	if (err)
		return refuse(err, "dmah_viommu_init: the device does not reset; its status",
			      status(unit));
	add_status(unit, STATUS_ACKNOWLEDGE);
	add_status(unit, STATUS_DRIVER);
	unit->features = offered(unit) & wanted;
	if (~unit->features & (F_MAP_UNMAP | F_VERSION_1))
		return refuse(
			DMAH_ENOTSUP,
			"dmah_viommu_init: the device has no MAP and UNMAP requests, or is not "
			"of version 1; its features",
			unit->features);
	accept(unit);
	add_status(unit, STATUS_FEATURES_OK);
	if (!(status(unit) & STATUS_FEATURES_OK))
		return refuse(DMAH_ENOTSUP, "dmah_viommu_init: the device refuses the features",
			      unit->features);
	return DMAH_OK;
}

static int begin(struct dmah_viommu *unit)
{
	int err = negotiate(unit);

	if (!err && dmah_viommu_queues(unit))
		err = refuse(DMAH_ENOTSUP, "dmah_viommu_init: the device's queues are too small",
			     VIOMMU_REQUESTS);
	if (err)
		return err;
	add_status(unit, STATUS_DRIVER_OK);
	dmah_viommu_give_events(unit);
	return DMAH_OK;
}

/* ---- limits ---- */

/* The widest table whose addresses the device takes. */
static unsigned int bits_of(uint64_t end)
{
	return end >= (1ull << 57) - 1 ? 57 : end >= (1ull << 48) - 1 ? 48 : 39;
}

/* The numbers that the device has for domains: one for each tag, and one behind them for the domain that lets through. */
static int describe_domains(struct dmah_viommu *unit, const struct dmah_viommu_config *c)
{
	uint64_t first = 0, last = UINT32_MAX, n;

	if (unit->features & F_DOMAIN_RANGE) {
		first = viommu_read(unit, DMAH_VIOMMU_DEVICE, DEVICE_DOMAIN_START, 4);
		last = viommu_read(unit, DMAH_VIOMMU_DEVICE, DEVICE_DOMAIN_END, 4);
	}
	n = last < first ? 0 : last - first + !(unit->features & F_BYPASS_CONFIG);
	if (!n)
		return refuse(DMAH_ENOTSUP, "dmah_viommu_init: the device has no domain; the last",
			      last);
	unit->first_domain = (uint32_t)first;
	unit->nspaces = (uint32_t)(n < c->domains ? n : c->domains) + 1;
	return DMAH_OK;
}

static int describe(struct dmah_viommu *unit, const struct dmah_viommu_config *c)
{
	uint64_t pages = viommu_read(unit, DMAH_VIOMMU_DEVICE, DEVICE_PAGE_SIZE_MASK, 8);
	uint64_t start = 0, end = ~0ull;
	struct dmah_iommu *iommu = &unit->iommu;
	int err = describe_domains(unit, c);

	if (err)
		return err;
	if (unit->features & F_INPUT_RANGE) {
		start = viommu_read(unit, DMAH_VIOMMU_DEVICE, DEVICE_INPUT_START, 8);
		end = viommu_read(unit, DMAH_VIOMMU_DEVICE, DEVICE_INPUT_END, 8);
	}
	if (start >= end || end < DMAH_PAGE_SIZE - 1)
		return refuse(DMAH_ENOTSUP,
			      "dmah_viommu_init: the device translates no page; the last address",
			      end);
	if (!(pages & 0x1fff))
		return refuse(DMAH_ENOTSUP,
			      "dmah_viommu_init: the device's pages are larger than 4 KiB", pages);
	if (unit->features & F_PROBE)
		unit->probe_size =
			(uint32_t)viommu_read(unit, DMAH_VIOMMU_DEVICE, DEVICE_PROBE_SIZE, 4);
	if (unit->probe_size > DMAH_PAGE_SIZE - PROBE_ANSWER - TAIL_BYTES)
		unit->probe_size = 0;
	iommu->ops = &ops;
	iommu->name = c->name;
	iommu->caps = DMAH_IOMMU_COHERENT_WALK | DMAH_IOMMU_MAP_FLUSH | DMAH_IOMMU_BLOCK_2M |
		      DMAH_IOMMU_BLOCK_1G |
		      (unit->features & F_BYPASS_CONFIG ? DMAH_IOMMU_PASSTHROUGH : 0u);
	iommu->va_bits = bits_of(end);
	iommu->iova_bits = end == ~0ull ? 64 : 64 - (unsigned int)__builtin_clzll(end + 1) - 1;
	iommu->out_bits = 52;
	iommu->formats = formats;
	iommu->nformats = 1;
	iommu->off = true;
	/* Addresses below the first are never handed out. */
	unit->below = (struct dmah_reserved){ .size = (start + DMAH_PAGE_SIZE - 1) &
						      ~(DMAH_PAGE_SIZE - 1ull) };
	iommu->reserved = &unit->below;
	iommu->nreserved = start ? 1 : 0;
	return DMAH_OK;
}

/* ---- on and off ---- */

int dmah_viommu_init(struct dmah_viommu *unit, const struct dmah_viommu_config *config,
		     void *memory, size_t size)
{
	struct dmah_viommu_config c = with_defaults(config);
	int err;

	if (!makes_sense(&c))
		return DMAH_EINVAL;
	if (!memory || (uintptr_t)memory % 8 || size < memory_of(&c))
		return refuse(DMAH_EINVAL,
			      "dmah_viommu_init: memory is NULL, not aligned to 8, or smaller than "
			      "dmah_viommu_memory()",
			      size);
	__builtin_memset(memory, 0, memory_of(&c));
	*unit = (struct dmah_viommu){ .transport = c.transport,
				      .ctx = c.ctx,
				      .timeout = c.timeout_ns,
				      .space = memory,
				      .nendpoints = c.endpoints };
	unit->endpoint = (struct dmah_viommu_endpoint *)(void *)((char *)memory + spaces_of(&c));
	unit->memory = dmah_host_mem_alloc(AREA_BYTES, UINT64_MAX, 0, &unit->phys);
	if (!unit->memory)
		return DMAH_ENOMEM;
	err = begin(unit);
	if (!err)
		err = describe(unit, &c);
	/* A device that was given the memory and does not let go of it may still write there. */
	if (err && (!unit->given || !reset_device(unit)))
		dmah_host_mem_free(unit->phys, AREA_BYTES);
	return err;
}

/* Without the field, what is not attached is blocked since the device was reset without the old feature for it. */
static void set_bypass(const struct dmah_viommu *unit)
{
	if (unit->features & F_BYPASS_CONFIG)
		viommu_write(unit, DMAH_VIOMMU_DEVICE, DEVICE_BYPASS, 1, 0);
}

int dmah_viommu_enable(struct dmah_viommu *unit)
{
	set_bypass(unit);
	unit->enabled = true;
	__atomic_store_n(&unit->iommu.off, false, __ATOMIC_RELEASE);
	return DMAH_OK;
}

/* Keeps requests out while the device is set up (@closed), or lets them in. What fails meanwhile was reported before. */
static void set_closed(struct dmah_viommu *unit, bool closed)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	unit->broken = closed;
	unit->reported = true;
	__atomic_store_n(&unit->failed, closed, __ATOMIC_RELEASE);
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
}

static void set_reported(struct dmah_viommu *unit, bool reported)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	unit->reported = reported;
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
}

int dmah_viommu_reset(struct dmah_viommu *unit)
{
	int err;

	set_closed(unit, true);
	if (begin(unit))
		return DMAH_ETIMEDOUT;
	set_closed(unit, false);
	if (unit->enabled)
		set_bypass(unit);
	err = dmah_viommu_restore(unit);
	if (!err)
		set_reported(unit, false);
	return err;
}

int dmah_viommu_fini(struct dmah_viommu *unit)
{
	int err = reset_device(unit);

	if (err)
		return err;
	__atomic_store_n(&unit->iommu.off, true, __ATOMIC_RELEASE);
	dmah_host_mem_free(unit->phys, AREA_BYTES);
	unit->memory = NULL;
	return DMAH_OK;
}

/* ---- probes ---- */

static struct dmah_reserved range_of(const uint32_t *property)
{
	uint64_t first = property[2] | (uint64_t)property[3] << 32;
	uint64_t last = property[4] | (uint64_t)property[5] << 32;
	bool msi = (property[1] & 0xff) == PROPERTY_RESERVED_IS_MSI;

	/* Messages to such a window are not translated: it is only kept free. */
	return (struct dmah_reserved){ .base = first & ~0xfffull,
				       .size = ((last | 0xfff) + 1) - (first & ~0xfffull),
				       .mmio = msi };
}

int dmah_viommu_probe(struct dmah_viommu *unit, uint32_t id, struct dmah_reserved *range,
		      unsigned int max)
{
	uint32_t *request = viommu_word(unit, AREA_PROBE);
	unsigned int n = 0;
	int err;

	if (!unit->probe_size)
		return 0;
	__builtin_memset(request, 0, DMAH_PAGE_SIZE);
	request[0] = REQ_PROBE;
	request[1] = id;
	unit->memory[AREA_PROBE + PROBE_ANSWER + unit->probe_size] = 0xff;
	err = dmah_viommu_run_probe(unit);
	if (err)
		return err;
	for (uint32_t at = 0; at + 4 <= unit->probe_size;) {
		const uint32_t *property = viommu_word(unit, AREA_PROBE + PROBE_ANSWER + at);
		uint32_t type = property[0] & 0xfff, length = property[0] >> 16;

		if (!type || length > unit->probe_size - at - 4 || length % 4)
			break;
		if (type == PROPERTY_RESERVED && length >= 20 && n < max)
			range[n++] = range_of(property);
		at += 4 + length;
	}
	return (int)n;
}
