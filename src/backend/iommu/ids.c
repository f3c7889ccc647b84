/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Binding of ids. Devices behind a bridge that replaces their requester ids look like one device to the IOMMU. They can
 * only be in one domain; their id is bound when the first is attached, and blocked when the last one leaves. Killing one
 * blocks all of them, since the hardware cannot tell whose transactions to refuse.
 */
#include "backend/iommu/ids.h"
#include "base/setup_error.h"

/**
 * enum users - the other devices that have an id; a bit mask.
 * @USERS_HERE: devices of the same domain.
 * @USERS_KILLED: killed devices of the same domain.
 * @USERS_OTHER_ATS: devices of the same domain with another DMAH_DEV_ATS.
 * @USERS_ELSEWHERE: devices of another domain that hold their ids.
 */
enum users {
	USERS_HERE = 1u << 0,
	USERS_KILLED = 1u << 1,
	USERS_OTHER_ATS = 1u << 2,
	USERS_ELSEWHERE = 1u << 3,
};

/* Call with the setup lock of the other device's domain held. */
static unsigned int user(const struct dmah_device *other, const struct dmah_device *dev,
			 uint32_t id)
{
	unsigned int users = 0;

	if (other == dev || other->iommu != dev->iommu || !dmah_device_has_id(other, id))
		return 0;
	/* An attach that has not taken the ids yet will be refused, or has no device bound. */
	if (other->dom != dev->dom)
		return other->holds_ids ? USERS_ELSEWHERE : 0;
	if ((other->limits.flags ^ dev->limits.flags) & DMAH_DEV_ATS)
		users |= USERS_OTHER_ATS;
	return users | (is_killed(other) ? USERS_KILLED : USERS_HERE);
}

static unsigned int users_in(struct dmah_domain *dom, const struct dmah_device *dev, uint32_t id)
{
	unsigned int users = 0, at = 0;
	const struct dmah_device *other;

	dmah_host_lock(&dom->setup_lock);
	while ((other = domain_next_device(dom, &at)))
		users |= user(other, dev, id);
	dmah_host_unlock(&dom->setup_lock);
	return users;
}

/* Other devices of the same domain that have an id. */
static unsigned int users_here(const struct dmah_device *dev, uint32_t id)
{
	unsigned long flags;
	unsigned int users;

	dmah_host_enter(&flags);
	users = users_in(dev->dom, dev, id);
	dmah_host_leave(flags);
	return users;
}

/*
 * Takes all ids of a device, unless a killed device or another domain's has the one that *@barred is set to. Under the
 * IOMMU's lock: of two attaches beside each other, one succeeds. A device that has taken its ids is alone in its domain
 * to bind and to block them, whatever other domains' attaches come to.
 */
static bool take_ids(struct dmah_device *dev, uint32_t *barred)
{
	struct dmah_iommu *iommu = dev->iommu;
	unsigned int users = 0;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&iommu->lock);
	for (unsigned int i = 0; !users && i <= dev->nids; i++) {
		*barred = dmah_device_id(dev, i);
		for (struct dmah_link *link = iommu->links; link; link = link->next)
			users |= users_in(link->dom, dev, *barred);
		users &= USERS_KILLED | USERS_ELSEWHERE;
	}
	dev->holds_ids = !users;
	dmah_host_unlock(&iommu->lock);
	dmah_host_leave(flags);
	return !users;
}

/*
 * An id is bound with or without a TLB of its device. Devices that share an id must agree, or the last one that has a TLB
 * would leave it behind, filled and no longer invalidated.
 */
static bool agrees_on_ats(const struct dmah_device *dev, uint32_t id)
{
	/* The driver refuses an untrusted device with the id of one that has a TLB. */
	return dev->limits.flags & DMAH_DEV_UNTRUSTED || !(users_here(dev, id) & USERS_OTHER_ATS);
}

int dmah_iommu_take_ids(struct dmah_device *dev)
{
	uint32_t barred;

	if (dev->nids && !dev->ids)
		return dmah_setup_error(dev, DMAH_EINVAL,
					"dmah_attach: device.nids without device.ids", dev->nids);
	for (unsigned int i = 0; i <= dev->nids; i++)
		if (!agrees_on_ats(dev, dmah_device_id(dev, i)))
			return dmah_setup_error(
				dev, DMAH_EBUSY,
				"dmah_attach: a device with the same id has another "
				"DMAH_DEV_ATS",
				dmah_device_id(dev, i));
	if (!take_ids(dev, &barred))
		return dmah_setup_error(dev, DMAH_EBUSY,
					"dmah_attach: a killed device, or one of another "
					"domain, has the id",
					barred);
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
	int err;

	if (users_here(dev, id) & USERS_KILLED)
		return DMAH_OK;
	err = bind_one(dev, id, how, pt, tag);
	/* Another device that has the id may have been killed meanwhile. */
	if (!err && users_here(dev, id) & USERS_KILLED)
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

/* Returns true if a device of the domain goes on using an id when @dev leaves. */
static bool used_here(const struct dmah_device *dev, uint32_t id)
{
	return (users_here(dev, id) & (USERS_HERE | USERS_KILLED)) == USERS_HERE;
}

static int block_first(struct dmah_device *dev, unsigned int n, uint32_t tag)
{
	bool killed = is_killed(dev);
	int err = DMAH_OK;

	for (unsigned int i = 0; i < n; i++) {
		uint32_t id = dmah_device_id(dev, i);
		int one = DMAH_OK;

		if (!is_repeated(dev, i) && (killed || !used_here(dev, id)))
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

static bool share_id(const struct dmah_device *a, const struct dmah_device *b)
{
	for (unsigned int i = 0; a->iommu == b->iommu && i <= a->nids; i++)
		if (dmah_device_has_id(b, dmah_device_id(a, i)))
			return true;
	return false;
}

bool dmah_iommu_kill_sharers(const struct dmah_device *dev)
{
	bool binding = false;
	struct dmah_device *other;
	unsigned int at = 0;

	while ((other = domain_next_device(dev->dom, &at))) {
		if (!share_id(dev, other))
			continue;
		__atomic_store_n(&other->killed, true, __ATOMIC_RELEASE);
		__atomic_store_n(&other->fast_end, 0, __ATOMIC_RELEASE);
		binding |= other->binding;
	}
	return binding;
}
