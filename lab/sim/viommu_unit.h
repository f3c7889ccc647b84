/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Shared by the parts of the model of a virtio-iommu. */
#ifndef SIM_VIOMMU_UNIT_H
#define SIM_VIOMMU_UNIT_H

#include "sim_viommu.h"
#include "unit.h"

/* Feature bits, sections 5.13.3 and 6. */
#define VIO_INPUT_RANGE	  (1ull << 0)
#define VIO_DOMAIN_RANGE  (1ull << 1)
#define VIO_MAP_UNMAP	  (1ull << 2)
#define VIO_PROBE	  (1ull << 4)
#define VIO_BYPASS_CONFIG (1ull << 6)
#define VIO_VERSION_1	  (1ull << 32)

/* Status of an answer, section 5.13.6. */
enum {
	VIO_OK = 0,
	VIO_UNSUPP = 2,
	VIO_DEVERR = 3,
	VIO_INVAL = 4,
	VIO_RANGE = 5,
	VIO_NOENT = 6,
	VIO_NOMEM = 8,
};

#define VIO_REQUEST_BYTES 72u

/** struct vio_queue - a split virtqueue. @taken: entries taken from the ring of the driver; @used: those given back. */
struct vio_queue {
	uint32_t size;
	bool enabled;
	uint64_t desc;
	uint64_t driver;
	uint64_t device;
	uint16_t taken;
	uint16_t used;
};

/** struct vio_space - a domain: its number, its endpoints, and its table; without a table (@bypass) all is let through. */
struct vio_space {
	struct vio_space *next;
	uint32_t id;
	unsigned int users;
	bool bypass;
	uint64_t root;
};

/** struct vio_endpoint - an endpoint that is attached. */
struct vio_endpoint {
	struct vio_endpoint *next;
	uint32_t id;
	struct vio_space *space;
};

/** struct sim_viommu - a unit. The IOMMU's lock protects all members. */
struct sim_viommu {
	struct sim_unit unit;
	struct sim_viommu_config config;
	uint32_t status;
	uint32_t feature_select;
	uint32_t driver_select;
	uint64_t features;
	uint32_t selected;
	struct vio_queue queue[2];
	bool bypass;
	struct vio_space *spaces;
	struct vio_endpoint *endpoints;
	uint64_t *page; /* freed pages of tables */
	unsigned int npages;
	unsigned int room;
	enum sim_viommu_wrong wrong;
	unsigned int nwrong;
	uint8_t wrong_status;
	enum sim_viommu_event event;
	struct sim_viommu_stats stats;
};

/* ---- viommu_domain.c ---- */

/** vio_request() - carry a request out. @answer: of a probe, @room bytes. Returns the status. */
uint8_t vio_request(struct sim_viommu *u, const uint32_t *request, uint32_t bytes, uint8_t *answer,
		    uint32_t room);

/** vio_endpoint() - Returns the endpoint that is attached as @id, or NULL. */
struct vio_endpoint *vio_endpoint(struct sim_viommu *u, uint32_t id);

/** vio_forget() - detach all endpoints, and forget all domains. */
void vio_forget(struct sim_viommu *u);

/** vio_table() - Returns the table of a domain, for a walk. */
struct sim_table vio_table(const struct sim_viommu *u, const struct vio_space *space);

#endif /* SIM_VIOMMU_UNIT_H */
