/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The request queue and the event queue (sections 2.7 and 5.13.2). A request has two descriptors, its bytes and its answer,
 * at a place that its number gives. Requests are answered in any order; a wait for number n is over when all up to n are.
 *
 * Nothing here waits with the lock held, nor inside dmah_host_enter().
 */
#include "hw/virtio/virtio.h"

/* Of a request that was posted, beside its answer: the status that is tolerated. */
#define TOLERATED (REQUEST_TAIL + 8u)

/* Marks the device as failed, and reports that once. @broken: until dmah_viommu_reset(). */
static void fail(struct dmah_viommu *unit, const char *text, bool broken)
{
	unsigned long flags;
	uint64_t open;
	bool first;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	first = !unit->failed && !unit->reported;
	open = unit->posted - unit->done;
	unit->broken |= broken;
	__atomic_store_n(&unit->failed, true, __ATOMIC_RELEASE);
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
	if (first)
		dmah_host_report(NULL, DMAH_ETIMEDOUT, text, open, NULL);
}

/* Returns why the device will answer no request, or NULL. Each look is a trip to the hypervisor. */
static const char *ill(const struct dmah_viommu *unit)
{
	uint64_t status = viommu_read(unit, DMAH_VIOMMU_COMMON, COMMON_STATUS, 1);

	if (status == 0xff)
		return "the virtio-iommu is gone: its status is all ones; requests";
	if (status & STATUS_NEEDS_RESET)
		return "the virtio-iommu asks for a reset; requests";
	return status & STATUS_DRIVER_OK ? NULL
					 : "the virtio-iommu was reset by another hand; requests";
}

/* ---- set-up ---- */

static void set_desc(const struct dmah_viommu *unit, uint32_t table, unsigned int n,
		     uint32_t offset, uint32_t len, uint32_t flags)
{
	uint32_t *at = viommu_word(unit, table + 16 * n);
	uint64_t phys = unit->phys + offset;

	at[0] = (uint32_t)phys;
	at[1] = (uint32_t)(phys >> 32);
	at[2] = len;
	at[3] = flags | (n + 1) << 16;
}

static int queue(struct dmah_viommu *unit, unsigned int n, uint32_t size, uint32_t desc,
		 uint32_t avail, uint32_t used)
{
	viommu_write(unit, DMAH_VIOMMU_COMMON, COMMON_QUEUE_SELECT, 2, n);
	if (viommu_read(unit, DMAH_VIOMMU_COMMON, COMMON_QUEUE_SIZE, 2) < size)
		return DMAH_ENOTSUP;
	viommu_write(unit, DMAH_VIOMMU_COMMON, COMMON_QUEUE_SIZE, 2, size);
	viommu_write(unit, DMAH_VIOMMU_COMMON, COMMON_QUEUE_DESC, 8, unit->phys + desc);
	viommu_write(unit, DMAH_VIOMMU_COMMON, COMMON_QUEUE_DRIVER, 8, unit->phys + avail);
	viommu_write(unit, DMAH_VIOMMU_COMMON, COMMON_QUEUE_DEVICE, 8, unit->phys + used);
	unit->notify[n] =
		(uint32_t)viommu_read(unit, DMAH_VIOMMU_COMMON, COMMON_QUEUE_NOTIFY_OFF, 2);
	viommu_write(unit, DMAH_VIOMMU_COMMON, COMMON_QUEUE_ENABLE, 2, 1);
	return DMAH_OK;
}

/* Gives the buffers for events to their queue, in order. */
static void lay_events(struct dmah_viommu *unit)
{
	__builtin_memset(unit->memory + AREA_EVENT, 0, VIOMMU_EVENTS * EVENT_STRIDE);
	for (unsigned int i = 0; i < VIOMMU_EVENTS; i++) {
		set_desc(unit, AREA_EV_DESC, i, AREA_EVENT + i * EVENT_STRIDE, EVENT_STRIDE,
			 DESC_WRITE);
		*viommu_half(unit, AREA_EV_AVAIL + 4 + 2 * i) = (uint16_t)i;
	}
}

/*
 * Notes that waits for numbers beyond @after, up to what is posted by now, fail. What was noted before stays, since its waits may
 * not have looked yet: of all that was before the last, the span. Call with the lock held.
 */
static void note_lost(struct dmah_viommu *unit, uint64_t after)
{
	if (unit->lost_until <= unit->done) {
		if (!unit->earlier_until)
			unit->earlier_after = unit->lost_after;
		unit->earlier_until = unit->lost_until;
		unit->lost_after = after;
	} else if (after < unit->lost_after) {
		unit->lost_after = after;
	}
	__atomic_store_n(&unit->lost_until, unit->posted, __ATOMIC_RELEASE);
}

/* Numbers of requests go on: a wait for one that the device has lost with its queues fails. */
static void empty_queues(struct dmah_viommu *unit)
{
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	__builtin_memset(unit->memory, 0, AREA_BYTES);
	if (unit->done != unit->posted)
		note_lost(unit, unit->done);
	__atomic_store_n(&unit->done, unit->posted, __ATOMIC_RELEASE);
	unit->answered = 0;
	unit->used = unit->events = 0;
	lay_events(unit);
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
}

int dmah_viommu_queues(struct dmah_viommu *unit)
{
	int err;

	empty_queues(unit);
	unit->given = true;
	err = queue(unit, 0, 2 * VIOMMU_REQUESTS, AREA_DESC, AREA_AVAIL, AREA_USED);
	return err ? err : queue(unit, 1, VIOMMU_EVENTS, AREA_EV_DESC, AREA_EV_AVAIL, AREA_EV_USED);
}

void dmah_viommu_give_events(struct dmah_viommu *unit)
{
	dmah_host_wmb();
	__atomic_store_n(viommu_half(unit, AREA_EV_AVAIL + 2),
			 (uint16_t)(unit->events + VIOMMU_EVENTS), __ATOMIC_RELEASE);
	viommu_write(unit, DMAH_VIOMMU_NOTIFY, unit->notify[1], 2, 1);
}

/* ---- requests ---- */

static uint32_t place_of(uint64_t number)
{
	return AREA_REQUEST + (uint32_t)(number % VIOMMU_REQUESTS) * REQUEST_STRIDE;
}

/* Lets the call that waits for request @number itself see its status. Call with the lock held. */
static void tell(const struct dmah_viommu *unit, uint64_t number, uint8_t status)
{
	for (struct dmah_viommu_waiter *w = unit->waiters; w; w = w->next)
		if (w->number == number)
			w->status = status;
}

/* Makes the request whose descriptors are written available. */
static void ring(struct dmah_viommu *unit, unsigned int slot)
{
	uint16_t *index = viommu_half(unit, AREA_AVAIL + 2);
	uint16_t at = *index;

	*viommu_half(unit, AREA_AVAIL + 4 + 2 * (at % (2 * VIOMMU_REQUESTS))) =
		(uint16_t)(2 * slot);
	dmah_host_wmb();
	__atomic_store_n(index, (uint16_t)(at + 1), __ATOMIC_RELEASE);
	viommu_write(unit, DMAH_VIOMMU_NOTIFY, unit->notify[0], 2, 0);
}

/*
 * Makes a refused UNMAP request again, in its place, so that whoever waits for it goes on waiting. A device that refuses it to
 * the end has failed: what was unmapped may still be reached. Call with the lock held. Returns false where that is so, or the
 * request is another.
 */
static bool again(struct dmah_viommu *unit, unsigned int slot)
{
	uint32_t place = AREA_REQUEST + slot * REQUEST_STRIDE;

	if (*viommu_word(unit, place) != REQ_UNMAP)
		return false;
	if (unit->tries[slot]++ == VIOMMU_TRIES) {
		unit->broken = true;
		return false;
	}
	*viommu_word(unit, place + REQUEST_TAIL) = ~0u;
	ring(unit, slot);
	return true;
}

/*
 * Takes the answer of the request whose first descriptor is @id. Call with the lock held. Returns false where no such request
 * is open.
 */
static bool take_answer(struct dmah_viommu *unit, uint32_t id)
{
	unsigned int slot = id / 2;
	uint32_t place = AREA_REQUEST + slot * REQUEST_STRIDE;
	uint64_t number = unit->done + ((slot - unit->done) % VIOMMU_REQUESTS);
	uint8_t status;

	if (id % 2 || slot >= VIOMMU_REQUESTS || number >= unit->posted ||
	    unit->answered >> slot & 1)
		return false;
	/* A byte that the device did not write is no status that there is. */
	status = unit->memory[place + REQUEST_TAIL];
	tell(unit, number, status);
	/* It is tolerated of an invalidation of everything, which looks at the count. */
	if (status == STATUS_RANGE && *viommu_word(unit, place) == REQ_UNMAP)
		unit->cuts++;
	if (status > STATUS_LAST || !(*viommu_half(unit, place + TOLERATED) >> status & 1)) {
		if (!unit->tries[slot])
			unit->refusal = status + 1u;
		if (again(unit, slot))
			return true;
		note_lost(unit, number);
	}
	unit->answered |= 1ull << slot;
	while (unit->done < unit->posted && unit->answered >> unit->done % VIOMMU_REQUESTS & 1) {
		unit->answered &= ~(1ull << unit->done % VIOMMU_REQUESTS);
		__atomic_store_n(&unit->done, unit->done + 1, __ATOMIC_RELEASE);
	}
	return true;
}

/*
 * Takes all answers that are there. Call with the lock held.
 *
 * A device that answers what was not asked has failed until dmah_viommu_reset(): nobody knows which of the open requests it
 * has carried out, and it may write the answer of one that is no longer there.
 */
static void reap(struct dmah_viommu *unit)
{
	uint16_t now = __atomic_load_n(viommu_half(unit, AREA_USED + 2), __ATOMIC_ACQUIRE);

	if (!unit->broken && (uint16_t)(now - unit->used) > unit->posted - unit->done)
		unit->broken = true;
	while (!unit->broken && unit->used != now) {
		uint32_t id = *viommu_word(unit, AREA_USED + 4 +
							 8 * (unit->used % (2 * VIOMMU_REQUESTS)));

		unit->used++;
		if (!take_answer(unit, id))
			unit->broken = true;
	}
	if (unit->broken)
		__atomic_store_n(&unit->failed, true, __ATOMIC_RELEASE);
	/* A device that was merely slow has answered everything. */
	else if (unit->failed && unit->done == unit->posted)
		__atomic_store_n(&unit->failed, false, __ATOMIC_RELEASE);
}

static uint32_t bytes_of(const struct viommu_request *request)
{
	switch (request->word[0]) {
	case REQ_MAP:
		return 36;
	case REQ_UNMAP:
		return 28;
	default:
		return 20;
	}
}

/* Call with the lock held. */
static int check_room(struct dmah_viommu *unit)
{
	if (unit->failed || unit->posted - unit->done == VIOMMU_REQUESTS)
		reap(unit);
	if (unit->failed)
		return DMAH_ETIMEDOUT;
	return unit->posted - unit->done == VIOMMU_REQUESTS ? DMAH_EBUSY : DMAH_OK;
}

int dmah_viommu_put(struct dmah_viommu *unit, const struct viommu_request *request,
		    uint32_t tolerated)
{
	unsigned int slot = unit->posted % VIOMMU_REQUESTS;
	uint32_t place = place_of(unit->posted);
	int err = check_room(unit);

	if (err)
		return err;
	__builtin_memcpy(unit->memory + place, request, sizeof(*request));
	*viommu_word(unit, place + REQUEST_TAIL) = ~0u;
	unit->tries[slot] = 0;
	*viommu_half(unit, place + TOLERATED) = (uint16_t)(tolerated | VIOMMU_TOLERATE(STATUS_OK));
	set_desc(unit, AREA_DESC, 2 * slot, place, bytes_of(request), DESC_NEXT);
	set_desc(unit, AREA_DESC, 2 * slot + 1, place + REQUEST_TAIL, TAIL_BYTES, DESC_WRITE);
	__atomic_store_n(&unit->posted, unit->posted + 1, __ATOMIC_RELEASE);
	ring(unit, slot);
	return DMAH_OK;
}

/* ---- waiting ---- */

static void look(struct dmah_viommu *unit)
{
	uint32_t refusal;
	unsigned long flags;
	uint64_t open;
	bool first;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	reap(unit);
	first = unit->broken && !unit->reported;
	unit->reported |= unit->broken;
	refusal = unit->refusal;
	unit->refusal = 0;
	open = unit->posted - unit->done;
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
	if (refusal)
		dmah_host_report(NULL, DMAH_ETIMEDOUT,
				 "the virtio-iommu refuses a request; its status", refusal - 1,
				 NULL);
	else if (first)
		dmah_host_report(NULL, DMAH_ETIMEDOUT,
				 "the virtio-iommu answers requests that were not made: it must be "
				 "reset; requests",
				 open, NULL);
}

/* Waits until @until requests are answered. Return: 0, DMAH_ETIMEDOUT. */
static int await(struct dmah_viommu *unit, uint64_t until)
{
	uint64_t begun = 0;
	bool over = false;

	for (unsigned int n = 1;; n++) {
		const char *why;

		look(unit);
		if (__atomic_load_n(&unit->done, __ATOMIC_ACQUIRE) >= until)
			return DMAH_OK;
		if (__atomic_load_n(&unit->failed, __ATOMIC_ACQUIRE))
			return DMAH_ETIMEDOUT;
		why = over || n % VIOMMU_LOOKS == 0 ? ill(unit) : NULL;
		if (over || why) {
			fail(unit, why ? why : "the virtio-iommu does not answer in time; requests",
			     why != NULL);
			return DMAH_ETIMEDOUT;
		}
		over = dmah_hw_late(unit->timeout, &begun);
		dmah_host_relax();
	}
}

int dmah_viommu_await_room(struct dmah_viommu *unit)
{
	uint64_t posted = __atomic_load_n(&unit->posted, __ATOMIC_ACQUIRE);

	return posted < VIOMMU_REQUESTS ? DMAH_OK : await(unit, posted - VIOMMU_REQUESTS + 1);
}

int dmah_viommu_op_fence(struct dmah_iommu *iommu, uint64_t *ticket)
{
	struct dmah_viommu *unit = viommu_of(iommu);

	if (__atomic_load_n(&unit->failed, __ATOMIC_ACQUIRE))
		look(unit);
	*ticket = __atomic_load_n(&unit->posted, __ATOMIC_ACQUIRE);
	return __atomic_load_n(&unit->failed, __ATOMIC_ACQUIRE) ? DMAH_ETIMEDOUT : DMAH_OK;
}

static bool is_lost(struct dmah_viommu *unit, uint64_t ticket)
{
	unsigned long flags;
	bool lost;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	lost = (ticket > unit->lost_after && ticket <= unit->lost_until) ||
	       (ticket > unit->earlier_after && ticket <= unit->earlier_until);
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
	return lost;
}

int dmah_viommu_op_wait(struct dmah_iommu *iommu, uint64_t ticket)
{
	struct dmah_viommu *unit = viommu_of(iommu);
	int err = await(unit, ticket);

	if (err)
		return err;
	/* Look after the answers: they are taken before @done says so. */
	if (ticket > __atomic_load_n(&unit->lost_until, __ATOMIC_ACQUIRE))
		return DMAH_OK;
	return is_lost(unit, ticket) ? DMAH_ETIMEDOUT : DMAH_OK;
}

/* Posts a request, and adds @waiter to the list of those that wait for its status. */
static int post(struct dmah_viommu *unit, const struct viommu_request *request,
		struct dmah_viommu_waiter *waiter)
{
	unsigned long flags;
	int err;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	/* A refusal concerns this call alone. */
	err = dmah_viommu_put(unit, request, ~0u);
	if (!err) {
		waiter->number = unit->posted - 1;
		waiter->next = unit->waiters;
		unit->waiters = waiter;
	}
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
	return err;
}

static void leave(struct dmah_viommu *unit, const struct dmah_viommu_waiter *waiter)
{
	struct dmah_viommu_waiter **at = &unit->waiters;
	unsigned long flags;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	while (*at != waiter)
		at = &(*at)->next;
	*at = waiter->next;
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
}

int dmah_viommu_run(struct dmah_viommu *unit, const struct viommu_request *request)
{
	struct dmah_viommu_waiter waiter = { .status = 0xff };
	int err;

	while ((err = post(unit, request, &waiter)) == DMAH_EBUSY)
		if (dmah_viommu_await_room(unit))
			return DMAH_ETIMEDOUT;
	if (err)
		return err;
	err = dmah_viommu_op_wait(&unit->iommu, waiter.number + 1);
	leave(unit, &waiter);
	return err ? err : waiter.status;
}

static int probe_status(const struct dmah_viommu *unit)
{
	uint8_t status = unit->memory[AREA_PROBE + PROBE_ANSWER + unit->probe_size];

	return status == STATUS_OK	? DMAH_OK
	       : status == STATUS_NOENT ? DMAH_ENODEV
					: DMAH_ETIMEDOUT;
}

static int post_probe(struct dmah_viommu *unit, uint64_t *ticket)
{
	unsigned long flags;
	unsigned int slot;
	int err;

	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	err = check_room(unit);
	slot = unit->posted % VIOMMU_REQUESTS;
	if (!err) {
		/* The answer's status is behind the properties; that of the place stays 0. */
		*viommu_word(unit, place_of(unit->posted) + REQUEST_TAIL) = 0;
		*viommu_half(unit, place_of(unit->posted) + TOLERATED) = VIOMMU_TOLERATE(STATUS_OK);
		set_desc(unit, AREA_DESC, 2 * slot, AREA_PROBE, PROBE_BYTES, DESC_NEXT);
		set_desc(unit, AREA_DESC, 2 * slot + 1, AREA_PROBE + PROBE_ANSWER,
			 unit->probe_size + TAIL_BYTES, DESC_WRITE);
		__atomic_store_n(&unit->posted, unit->posted + 1, __ATOMIC_RELEASE);
		ring(unit, slot);
	}
	*ticket = unit->posted;
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
	return err;
}

int dmah_viommu_run_probe(struct dmah_viommu *unit)
{
	uint64_t ticket;
	int err;

	while ((err = post_probe(unit, &ticket)) == DMAH_EBUSY)
		if (dmah_viommu_await_room(unit))
			return DMAH_ETIMEDOUT;
	if (!err)
		err = dmah_viommu_op_wait(&unit->iommu, ticket);
	return err ? err : probe_status(unit);
}

/* ---- events ---- */

static struct dmah_iommu_fault fault_of(const uint32_t *event)
{
	static const char *const words[] = {
		"unknown",
		"the device is not attached",
		"nothing is mapped there, or not for this direction",
	};
	uint32_t reason = event[0] & 0xff;

	return (struct dmah_iommu_fault){
		.addr = event[4] | (uint64_t)event[5] << 32,
		.id = event[2],
		.code = reason,
		.reason = words[reason < 3 ? reason : 0],
		.has_addr = event[1] >> 8 & 1,
		.write = event[1] >> 1 & 1,
		.pci = true,
	};
}

/* Takes the oldest event, and gives its buffer back. Call with the lock held. Returns false where it is none. */
static bool take_event(struct dmah_viommu *unit, struct dmah_iommu_fault *fault)
{
	uint32_t slot = unit->events % VIOMMU_EVENTS;
	uint32_t id = *viommu_word(unit, AREA_EV_USED + 4 + 8 * slot);
	uint32_t bytes = *viommu_word(unit, AREA_EV_USED + 8 + 8 * slot);
	uint32_t *event = viommu_word(unit, AREA_EVENT + id % VIOMMU_EVENTS * EVENT_STRIDE);
	bool good = id < VIOMMU_EVENTS && bytes >= EVENT_BYTES;

	if (good)
		*fault = fault_of(event);
	__builtin_memset(event, 0, EVENT_STRIDE);
	*viommu_half(unit, AREA_EV_AVAIL + 4 + 2 * slot) = (uint16_t)(id % VIOMMU_EVENTS);
	unit->events++;
	return good;
}

unsigned int dmah_viommu_op_faults(struct dmah_iommu *iommu, struct dmah_iommu_fault *faults,
				   unsigned int max, bool *lost)
{
	struct dmah_viommu *unit = viommu_of(iommu);
	const char *why = ill(unit);
	unsigned int n = 0, taken = 0;
	unsigned long flags;
	uint16_t now;

	if (why) {
		fail(unit, why, true);
		return 0;
	}
	dmah_host_enter(&flags);
	dmah_host_lock(&unit->lock);
	now = __atomic_load_n(viommu_half(unit, AREA_EV_USED + 2), __ATOMIC_ACQUIRE);
	/*
	 * The device drops an event for which it has no buffer, and does not say so: where it has used all, others may be lost.
	 * One that says to have used more than there are is taken to have used all.
	 */
	if ((uint16_t)(now - unit->events) >= VIOMMU_EVENTS) {
		*lost = true;
		unit->events = (uint16_t)(now - VIOMMU_EVENTS);
	}
	for (; n < max && unit->events != now; taken++) {
		if (take_event(unit, &faults[n]))
			n++;
		else
			*lost = true;
	}
	if (taken)
		dmah_viommu_give_events(unit);
	dmah_host_unlock(&unit->lock);
	dmah_host_leave(flags);
	return n;
}
