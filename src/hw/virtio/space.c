/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Domains: the device's mappings follow the library's page table. The library writes the table, and calls invalidate() when
 * it has made a mapping, and when it has ended one: what is present in the range is mapped then, and what is not is unmapped.
 *
 * An UNMAP request may cover more than was mapped, and never a part of a MAP request: the library ends whole mappings. An
 * invalidation of everything unmaps what lies between present entries, so that lazy unmaps need no list of their ranges.
 * Table and requests agree because both are looked at and posted in one hold of the lock: whoever has cleared an entry posts
 * after that. Who is in the middle of clearing a mapping has not posted: its first entries are a hole, and the device refuses
 * to end a part of a mapping. So an invalidation of everything looks again until nothing is refused for that.
 */
#include "hw/virtio/virtio.h"
#include "pt/pt.h"

/** struct run - a piece of a domain: present, and then contiguous, or not. */
struct run {
	dmah_addr_t iova;
	uint64_t size;
	bool present;
	dmah_phys_t phys;
	enum dmah_dir dir;
};

/* In place of a tag: the domain that lets its endpoints through. */
static uint32_t bypass_domain(const struct dmah_viommu *unit)
{
	return unit->nspaces;
}

/* The device's number of a tag's domain. */
static uint32_t number_of(const struct dmah_viommu *unit, uint32_t tag)
{
	return unit->first_domain + tag - 1;
}

/* ---- the table ---- */

/* The entry at @iova, or the hole that begins there. */
static void entry_at(const struct dmah_pt_info *info, dmah_addr_t iova, struct run *run)
{
	const struct pt pt = { .fmt = info->format,
			       .root = dmah_host_table_virt(info->root),
			       .va_bits = info->va_bits,
			       .levels = info->levels };
	struct pt_entry entry;
	int visited = info->format->walk(&pt, iova, &entry);
	unsigned int shift =
		visited > 0 ? entry.shift
			    : PT_GRANULE_SHIFT + 9 * (info->levels - (unsigned int)-visited);

	*run = (struct run){ .iova = iova,
			     .size = (1ull << shift) - (iova & ((1ull << shift) - 1)),
			     .present = visited > 0 };
	if (visited > 0) {
		run->phys = entry.phys;
		run->dir = entry.dir;
	}
}

/* Returns true where @next goes on as @run does. @one: each entry is a run of its own. */
static bool extends(const struct run *run, const struct run *next, bool one)
{
	if (run->present != next->present)
		return false;
	return !run->present ||
	       (!one && next->phys == run->phys + run->size && next->dir == run->dir);
}

static struct run run_at(const struct dmah_pt_info *info, dmah_addr_t iova, dmah_addr_t end,
			 bool one)
{
	struct run run, next;

	entry_at(info, iova, &run);
	while (run.iova + run.size < end) {
		entry_at(info, run.iova + run.size, &next);
		if (!extends(&run, &next, one))
			break;
		run.size += next.size;
	}
	if (run.size > end - iova)
		run.size = end - iova;
	return run;
}

/* ---- requests ---- */

static struct viommu_request map_request(uint32_t domain, const struct run *run)
{
	dmah_addr_t last = run->iova + run->size - 1;

	return (struct viommu_request){
		{ REQ_MAP, domain, (uint32_t)run->iova, (uint32_t)(run->iova >> 32), (uint32_t)last,
		  (uint32_t)(last >> 32), (uint32_t)run->phys, (uint32_t)(run->phys >> 32),
		  (run->dir & DMAH_TO_DEVICE ? REQ_MAP_READ : 0) |
			  (run->dir & DMAH_FROM_DEVICE ? REQ_MAP_WRITE : 0) }
	};
}

static struct viommu_request unmap_request(uint32_t domain, const struct run *run)
{
	dmah_addr_t last = run->iova + run->size - 1;

	return (struct viommu_request){ { REQ_UNMAP, domain, (uint32_t)run->iova,
					  (uint32_t)(run->iova >> 32), (uint32_t)last,
					  (uint32_t)(last >> 32) } };
}

/** struct update - an invalidation: the range, and how it is gone through. */
struct update {
	uint32_t tag;
	dmah_addr_t at;
	dmah_addr_t end;
	bool all;
	bool map;
	int posted;
};

/* Posts for the next run of the range. Call with the lock held. Return: 0, DMAH_EBUSY, DMAH_ETIMEDOUT. */
static int update_one(struct dmah_viommu *unit, struct update *s)
{
	const struct dmah_viommu_space *space = &unit->space[s->tag];
	struct viommu_request request;
	/* Without a table, an invalidation ends what is mapped in its range. */
	struct run run = { .iova = s->at, .size = s->end - s->at };
	int err = DMAH_OK;

	if (space->pt.levels)
		run = run_at(&space->pt, s->at, s->end, s->all);

	if (run.present && s->map) {
		request = map_request(number_of(unit, s->tag), &run);
		/*
		 * A refusal says that the entry is mapped already, where everything is gone through; or that the device has
		 * forgotten the domain, where its last endpoint may be leaving.
		 */
		err = dmah_viommu_put(unit, &request,
				      (s->all ? VIOMMU_TOLERATE(STATUS_INVAL) : 0) |
					      (space->leaving ? VIOMMU_TOLERATE(STATUS_NOENT) : 0));
	} else if (!run.present) {
		request = unmap_request(number_of(unit, s->tag), &run);
		err = dmah_viommu_put(unit, &request,
				      VIOMMU_TOLERATE(STATUS_NOENT) |
					      (s->all ? VIOMMU_TOLERATE(STATUS_RANGE) : 0));
	}
	if (err)
		return err;
	s->posted++;
	s->at += run.size;
	return DMAH_OK;
}

/* Posts for the whole range, as far as there is room. */
static int update_some(struct dmah_viommu *unit, struct update *s, uint64_t *ticket)
{
	unsigned long flags;
	int err = DMAH_OK;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	/* The device forgets a domain with its last endpoint. */
	while (!err && unit->space[s->tag].users && s->at < s->end)
		err = update_one(unit, s);
	if (!err && ticket)
		*ticket = unit->posted;
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
	return err;
}

static int update(struct dmah_viommu *unit, struct update *s, uint64_t *ticket)
{
	int err;

	while ((err = update_some(unit, s, ticket)) == DMAH_EBUSY)
		if (dmah_viommu_await_room(unit))
			return DMAH_ETIMEDOUT;
	return err;
}

/*
 * Ends everything that has no entry. Another CPU may be in the middle of clearing a mapping, or the code that was interrupted on
 * this one: the latter does not go on while this waits.
 */
static int update_all(struct dmah_viommu *unit, struct update *s, uint64_t *ticket)
{
	const struct dmah_viommu_space *space = &unit->space[s->tag];
	uint64_t begun = 0, own = 0;
	int err;

	for (;;) {
		uint32_t cuts = __atomic_load_n(&unit->cuts, __ATOMIC_ACQUIRE);

		s->at = 0;
		/* No endpoint was ever attached: the device knows no such domain. */
		s->end = space->pt.levels ? 1ull << space->pt.va_bits : 0;
		err = update(unit, s, &own);
		if (!err && s->posted)
			err = unit->iommu.ops->wait(&unit->iommu, own);
		if (err || cuts == __atomic_load_n(&unit->cuts, __ATOMIC_ACQUIRE))
			break;
		if (dmah_hw_late(unit->timeout, &begun))
			return DMAH_ETIMEDOUT;
		dmah_host_relax();
	}
	if (ticket)
		*ticket = own;
	return err;
}

int dmah_viommu_op_invalidate(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova,
			      uint64_t size, bool tables, uint64_t *ticket)
{
	struct dmah_viommu *unit = viommu_of(iommu);
	/* After the end of a mapping, entries that are present beside it are mapped already. */
	struct update s = {
		.tag = tag, .at = iova, .end = iova + size, .all = !size, .map = tables
	};
	int err = size ? update(unit, &s, ticket) : update_all(unit, &s, ticket);

	return err ? err : s.posted;
}

/* Posts a MAP request of a domain that has endpoints. Return: 0, DMAH_EBUSY, DMAH_ETIMEDOUT. */
static int post_map(struct dmah_viommu *unit, uint32_t tag, const struct run *run)
{
	const struct dmah_viommu_space *space = &unit->space[tag];
	struct viommu_request request = map_request(number_of(unit, tag), run);
	unsigned long flags;
	int err = DMAH_OK;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	if (space->users)
		err = dmah_viommu_put(unit, &request,
				      space->leaving ? VIOMMU_TOLERATE(STATUS_NOENT) : 0);
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
	return err;
}

int dmah_viommu_op_map(struct dmah_iommu *iommu, uint32_t tag, dmah_addr_t iova, uint64_t size,
		       dmah_phys_t phys, enum dmah_dir dir)
{
	struct run run = { .iova = iova, .size = size, .phys = phys, .dir = dir };
	struct dmah_viommu *unit = viommu_of(iommu);
	int err;

	while ((err = post_map(unit, tag, &run)) == DMAH_EBUSY)
		if (dmah_viommu_await_room(unit))
			return DMAH_ETIMEDOUT;
	return err;
}

/* ---- endpoints ---- */

/* Binds of several domains run beside each other, and share the list. */
static struct dmah_viommu_endpoint *endpoint_of(struct dmah_viommu *unit, uint32_t id, bool make)
{
	struct dmah_viommu_endpoint *found = NULL, *free = NULL;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	for (uint32_t i = 0; !found && i < unit->nendpoints; i++) {
		struct dmah_viommu_endpoint *e = &unit->endpoint[i];

		if (e->taken && e->id == id)
			found = e;
		else if (!e->taken && !free)
			free = e;
	}
	if (!found && make && free) {
		found = free;
		*found = (struct dmah_viommu_endpoint){ .id = id, .taken = true };
	}
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
	return found;
}

/* An endpoint without a domain needs no entry. */
static void release_endpoint(struct dmah_viommu *unit, struct dmah_viommu_endpoint *e)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	e->taken = e->domain != 0;
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
}

static int attach(struct dmah_viommu *unit, uint32_t id, uint32_t domain)
{
	struct viommu_request r = { { REQ_ATTACH, number_of(unit, domain), id,
				      domain == bypass_domain(unit) ? REQ_ATTACH_BYPASS : 0 } };

	int status = dmah_viommu_run(unit, &r);

	/* The device knows no such endpoint. */
	return status == STATUS_NOENT ? DMAH_ENOTSUP : status > 0 ? DMAH_ETIMEDOUT : status;
}

/* Counts endpoints that have joined or left a domain (@users), and that are about to leave it (@leaving). */
static void count_users(struct dmah_viommu *unit, uint32_t domain, int users, int leaving)
{
	unsigned long flags;

	if (!domain || domain == bypass_domain(unit))
		return;
	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	unit->space[domain].users += (uint32_t)users;
	unit->space[domain].leaving += (uint32_t)leaving;
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
}

/* The mappings of a domain that the device has just made. */
static int map_all(struct dmah_viommu *unit, uint32_t tag)
{
	uint64_t ticket;
	int err = dmah_viommu_op_invalidate(&unit->iommu, tag, 0, 0, true, &ticket);

	return err < 0 ? err : dmah_viommu_op_wait(&unit->iommu, ticket);
}

static int block(struct dmah_viommu *unit, struct dmah_viommu_endpoint *e)
{
	struct viommu_request r = { { REQ_DETACH, 0, 0 } };
	int status, err;

	if (!e || !e->domain)
		return DMAH_OK;
	r.word[1] = number_of(unit, e->domain);
	r.word[2] = e->id;
	count_users(unit, e->domain, 0, 1);
	status = dmah_viommu_run(unit, &r);
	err = status && status != STATUS_NOENT ? DMAH_ETIMEDOUT : DMAH_OK;
	count_users(unit, e->domain, err ? 0 : -1, -1);
	if (!err)
		e->domain = 0;
	return err;
}

static bool can_bind(const struct dmah_viommu *unit, enum dmah_bind how,
		     const struct dmah_pt_info *pt, uint32_t tag)
{
	if (how == DMAH_BIND_PASSTHROUGH)
		return unit->features & F_BYPASS_CONFIG;
	return pt && tag && tag < unit->nspaces && unit->space[tag].taken &&
	       pt->va_bits <= unit->iommu.va_bits;
}

static void set_table(struct dmah_viommu *unit, uint32_t tag, const struct dmah_pt_info *pt)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	unit->space[tag].pt = *pt;
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
}

/* Between the two the device is blocked: its old domain may have been forgotten, with all that it mapped. */
static int move_to(struct dmah_viommu *unit, struct dmah_viommu_endpoint *e, uint32_t domain)
{
	int err = block(unit, e);

	if (!err)
		err = attach(unit, e->id, domain);
	if (err)
		return err;
	e->domain = domain;
	count_users(unit, domain, 1, 0);
	return domain == bypass_domain(unit) ? DMAH_OK : map_all(unit, domain);
}

int dmah_viommu_op_bind(struct dmah_iommu *iommu, struct dmah_device *dev, enum dmah_bind how,
			const struct dmah_pt_info *pt, uint32_t tag)
{
	struct dmah_viommu *unit = viommu_of(iommu);
	uint32_t domain = how == DMAH_BIND_PASSTHROUGH ? bypass_domain(unit) : tag;
	struct dmah_viommu_endpoint *e;
	int err = DMAH_OK;

	if (how != DMAH_BIND_BLOCK && !can_bind(unit, how, pt, tag))
		return DMAH_ENOTSUP;
	e = endpoint_of(unit, dev->id, how != DMAH_BIND_BLOCK);
	if (!e)
		return how == DMAH_BIND_BLOCK ? DMAH_OK : DMAH_ENOMEM;
	if (how == DMAH_BIND_TRANSLATE)
		set_table(unit, tag, pt);
	if (how == DMAH_BIND_BLOCK)
		err = block(unit, e);
	else if (e->domain != domain)
		err = move_to(unit, e, domain);
	if (err)
		(void)block(unit, e);
	release_endpoint(unit, e);
	return err;
}

int dmah_viommu_restore(struct dmah_viommu *unit)
{
	int err = DMAH_OK;

	for (uint32_t i = 0; !err && i < unit->nendpoints; i++)
		if (unit->endpoint[i].domain)
			err = attach(unit, unit->endpoint[i].id, unit->endpoint[i].domain);
	for (uint32_t tag = 1; !err && tag < unit->nspaces; tag++)
		if (unit->space[tag].users)
			err = map_all(unit, tag);
	return err;
}

/* ---- tags ---- */

int dmah_viommu_op_tag_alloc(struct dmah_iommu *iommu, uint32_t *tag)
{
	struct dmah_viommu *unit = viommu_of(iommu);
	int err = DMAH_ENOSPC;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	for (uint32_t t = 1; err && t < unit->nspaces; t++) {
		if (unit->space[t].taken)
			continue;
		unit->space[t] = (struct dmah_viommu_space){ .taken = true };
		*tag = t;
		err = DMAH_OK;
	}
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
	return err;
}

void dmah_viommu_op_tag_free(struct dmah_iommu *iommu, uint32_t tag)
{
	struct dmah_viommu *unit = viommu_of(iommu);
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	unit->space[tag].taken = false;
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
}
