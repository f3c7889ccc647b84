/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Binding of ids. Devices behind a bridge that replaces their requester ids look like one device to the IOMMU. They can
 * only be in one domain; their id is bound when the first is attached, and blocked when the last one leaves. Killing one
 * blocks all of them, since the hardware cannot tell whose transactions to refuse.
 */
#include "backend/iommu/ids.h"
#include "base/setup_error.h"

/**
 * enum users - other devices that have an id.
 * @USERS_NONE: none.
 * @USERS_DOMAIN: devices of the same domain.
 * @USERS_KILLED: a killed device of the same domain is among them.
 * @USERS_BAR: a device of another domain is among them, which may be on its way out of a failed attach.
 */
enum users {
	USERS_NONE,
	USERS_DOMAIN,
	USERS_KILLED,
	USERS_BAR,
};

/* Call with the domain's setup lock held. */
static enum users users_in(const struct dmah_domain *dom, const struct dmah_device *dev,
			   uint32_t id)
{
	enum users users = USERS_NONE;

	for (unsigned int i = 0; i < dom->cfg.devices; i++) {
		const struct dmah_device *other = dom->device[i];

		if (!other || other == dev || other->iommu != dev->iommu ||
		    !dmah_device_has_id(other, id))
			continue;
		if (dom != dev->dom)
			return USERS_BAR;
		if (is_killed(other))
			users = USERS_KILLED;
		else if (users < USERS_DOMAIN)
			users = USERS_DOMAIN;
	}
	return users;
}

static enum users users_of(const struct dmah_device *dev, uint32_t id)
{
	struct dmah_iommu *iommu = dev->iommu;
	enum users users = USERS_NONE;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&iommu->lock);
	for (struct dmah_link *link = iommu->links; link && users != USERS_BAR; link = link->next) {
		enum users here;

		dmah_host_lock(&link->dom->setup_lock);
		here = users_in(link->dom, dev, id);
		dmah_host_unlock(&link->dom->setup_lock);
		users = here > users ? here : users;
	}
	dmah_host_unlock(&iommu->lock);
	dmah_host_leave(flags);
	return users;
}

/* Other devices of the same domain that have an id. */
static enum users users_here(const struct dmah_device *dev, uint32_t id)
{
	unsigned long flags;
	enum users users;

	dmah_host_enter(&flags);
	dmah_host_lock(&dev->dom->setup_lock);
	users = users_in(dev->dom, dev, id);
	dmah_host_unlock(&dev->dom->setup_lock);
	dmah_host_leave(flags);
	return users;
}

/*
 * An id is bound with or without a TLB of its device. Devices that share an id must agree, or the last one that has a TLB
 * would leave it behind, filled and no longer invalidated.
 */
static bool agrees_on_ats(const struct dmah_device *dev, uint32_t id)
{
	const struct dmah_domain *dom = dev->dom;
	unsigned long flags;
	bool agrees = true;

	/* The driver refuses an untrusted device with the id of one that has a TLB. */
	if (dev->limits.flags & DMAH_DEV_UNTRUSTED)
		return true;
	dmah_host_enter(&flags);
	dmah_host_lock(&dev->dom->setup_lock);
	for (unsigned int i = 0; i < dom->cfg.devices; i++) {
		const struct dmah_device *other = dom->device[i];

		if (other && other != dev && other->iommu == dev->iommu &&
		    dmah_device_has_id(other, id) &&
		    (other->limits.flags ^ dev->limits.flags) & DMAH_DEV_ATS)
			agrees = false;
	}
	dmah_host_unlock(&dev->dom->setup_lock);
	dmah_host_leave(flags);
	return agrees;
}

int dmah_iommu_check_ids(const struct dmah_device *dev)
{
	if (dev->nids && !dev->ids)
		return dmah_setup_error(dev, DMAH_EINVAL,
					"dmah_attach: device.nids without device.ids", dev->nids);
	for (unsigned int i = 0; i <= dev->nids; i++)
		if (users_of(dev, dmah_device_id(dev, i)) >= USERS_KILLED)
			return dmah_setup_error(dev, DMAH_EBUSY,
						"dmah_attach: a killed device, or one of another "
						"domain, has the id",
						dmah_device_id(dev, i));
	for (unsigned int i = 0; i <= dev->nids; i++)
		if (!agrees_on_ats(dev, dmah_device_id(dev, i)))
			return dmah_setup_error(
				dev, DMAH_EBUSY,
				"dmah_attach: a device with the same id has another "
				"DMAH_DEV_ATS",
				dmah_device_id(dev, i));
	return DMAH_OK;
}

/* The driver sees the device itself for its first id, and a copy for each other. */
static int bind_one(struct dmah_device *dev, uint32_t id, enum dmah_bind how,
		    const struct dmah_pt_info *pt, uint32_t tag)
{
	struct dmah_device view = iommu_id_view(dev, id);

	return dev->iommu->ops->bind(dev->iommu, id == dev->id ? dev : &view, how, pt, tag);
}

static int block_id(struct dmah_device *dev, uint32_t id, uint32_t tag)
{
	return bind_one(dev, id, DMAH_BIND_BLOCK, NULL, tag);
}

static int bind_id(struct dmah_device *dev, uint32_t id, enum dmah_bind how,
		   const struct dmah_pt_info *pt, uint32_t tag)
{
	enum users users = users_of(dev, id);
	int err;

	/* An attach of the id to another domain is under way, and will be refused. */
	if (users == USERS_BAR)
		return DMAH_EBUSY;
	if (users == USERS_KILLED)
		return DMAH_OK;
	err = bind_one(dev, id, how, pt, tag);
	/* Another device that has the id may have been killed meanwhile. */
	if (!err && users_of(dev, id) == USERS_KILLED)
		(void)block_id(dev, id, tag);
	return err;
}

/* Returns true where @dev itself has the id already, before number @n. */
static bool is_repeated(const struct dmah_device *dev, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (dmah_device_id(dev, i) == dmah_device_id(dev, n))
			return true;
	return false;
}

static int block_first(struct dmah_device *dev, unsigned int n, uint32_t tag)
{
	bool killed = is_killed(dev);
	int err = DMAH_OK;

	for (unsigned int i = 0; i < n; i++) {
		uint32_t id = dmah_device_id(dev, i);
		int one = DMAH_OK;

		if (!is_repeated(dev, i) && (killed || users_here(dev, id) != USERS_DOMAIN))
			one = block_id(dev, id, tag);
		err = one ? one : err;
	}
	return err;
}

int dmah_iommu_bind_ids(struct dmah_device *dev, enum dmah_bind how, const struct dmah_pt_info *pt,
			uint32_t tag)
{
	for (unsigned int i = 0; i <= dev->nids; i++) {
		int err = is_repeated(dev, i) ? DMAH_OK
					      : bind_id(dev, dmah_device_id(dev, i), how, pt, tag);

		if (!err)
			continue;
		(void)block_first(dev, i, tag);
		return err;
	}
	return DMAH_OK;
}

int dmah_iommu_block_ids(struct dmah_device *dev, uint32_t tag)
{
	return block_first(dev, dev->nids + 1, tag);
}
