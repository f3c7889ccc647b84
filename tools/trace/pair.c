// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Match calls with their returns.
 *
 * A task is in one call at a time, but an interrupt may come in the middle and make calls of its own.
 * So there is a stack of calls for each task, and for each CPU's idle task: all of these have pid 0.
 *
 * The event of a map is made when the call returns, since only then is its address known. The event
 * of an unmap or a sync is made when the call begins: any later event of that address, on any CPU,
 * came after it.
 *
 * The DMA addresses of a scatter list stand in the list only after the map, when a return probe no
 * longer has the address of the list. The probe of the unmap reads them.
 */
#include "internal.h"
#include "xalloc.h"

#define BIT(key)  (1u << (key))
#define PAGE_SIZE 4096
/* x86-64: sizeof(struct page), and how much can be mapped at page_offset_base (with 5 levels) */
#define STRUCT_PAGE 64
#define MOST_MEMORY (UINT64_C(1) << 52)
/* Two frames so far apart are on different stacks (of a task, of interrupts). */
#define ONE_STACK 16384
#define SG_CHAIN  1u

struct pair_call {
	struct pair_call *below; /* in the same task */
	struct pair_call *next; /* another task's, if this is the top */
	uint64_t key;
	const struct probe_desc *desc;
	uint32_t device;
	bool begun; /* the arguments are here, and not only a part of the list */
	bool has_iova;
	uint64_t iova;
	uint32_t chunks;
	uint32_t have;
	uint64_t v[NR_PROBE_KEYS];
	uint64_t list[];
};

struct pair_list {
	struct pair_list *next;
	uint32_t device;
	uint64_t sg;
	uint64_t map;
	uint32_t ents; /* 0: not known */
};

static uint64_t key_of(int32_t pid, uint32_t cpu)
{
	return pid ? (uint64_t)(uint32_t)pid : UINT64_C(1) << 32 | cpu;
}

/* Find the top of a task's stack. */
static struct pair_call **find(struct pairs *ps, uint64_t key)
{
	struct pair_call **at = &ps->calls[(key ^ key >> 32) % 256];

	while (*at && (*at)->key != key)
		at = &(*at)->next;
	return at;
}

static struct pair_call *pop(struct pair_call **at)
{
	struct pair_call *c = *at;

	if (c->below) {
		c->below->next = c->next;
		*at = c->below;
	} else {
		*at = c->next;
	}
	return c;
}

static struct pair_call *push(struct pair_call **at, uint64_t key, const struct probe_desc *d)
{
	size_t words = d->list ? PROBE_ENTRIES * PROBE_WORDS : 0;
	struct pair_call *c = xcalloc(1, sizeof(*c) + words * sizeof(uint64_t));

	c->key = key;
	c->desc = d;
	c->below = *at;
	if (*at) {
		c->next = (*at)->next;
		(*at)->next = NULL;
	}
	*at = c;
	return c;
}

void pair_forget(struct trace *t)
{
	for (size_t i = 0; i < 256; i++) {
		struct pair_call **at = &t->pairs.calls[i];

		while (*at)
			free(pop(at));
	}
}

void pair_free(struct trace *t)
{
	pair_forget(t);
	for (size_t i = 0; i < 256; i++) {
		while (t->pairs.lists[i]) {
			struct pair_list *l = t->pairs.lists[i];

			t->pairs.lists[i] = l->next;
			free(l);
		}
	}
}

bool pair_held(struct trace *t, struct trace_event *ev)
{
	t->pairs.completes = PAIR_NONE;
	if (!t->pairs.has_held)
		return false;
	*ev = t->pairs.held;
	t->pairs.completes = t->pairs.held_completes;
	t->pairs.has_held = false;
	return true;
}

void pair_iova(struct trace *t, int32_t pid, uint32_t cpu, uint64_t iova)
{
	struct pair_call *c = *find(&t->pairs, key_of(pid, cpu));

	/* of several in one call the first has the lowest address */
	if (c && !c->has_iova) {
		c->has_iova = true;
		c->iova = iova;
	}
}

/* ---- arguments ---- */

static bool phys_of_page(const struct pair_call *c, uint64_t page, uint64_t *phys)
{
	uint64_t base = c->v[KEY_VMEMMAP], frame = (page - base) / STRUCT_PAGE;

	if (!base || page < base || (page - base) % STRUCT_PAGE || frame >= MOST_MEMORY / PAGE_SIZE)
		return false;
	*phys = frame * PAGE_SIZE;
	return true;
}

static uint32_t chunks_wanted(const struct pair_call *c)
{
	uint64_t n = c->v[KEY_NENTS];

	if (n > PROBE_ENTRIES)
		n = PROBE_ENTRIES;
	return n <= PROBE_CHUNK ? 1 : (uint32_t)(1u << (n + PROBE_CHUNK - 1) / PROBE_CHUNK) - 1;
}

static bool complete(const struct pair_call *c)
{
	return c->begun && (!c->desc->list || (c->chunks & chunks_wanted(c)) == chunks_wanted(c));
}

/* List the memory of the caller's list. The probes do not follow a chain. */
static bool physical_list(struct trace *t, const struct pair_call *c, struct trace_event *ev)
{
	uint64_t n = c->v[KEY_NENTS];

	ev->nents = (uint32_t)n;
	for (uint64_t i = 0; i < n && i < PROBE_ENTRIES; i++) {
		const uint64_t *sg = &c->list[i * PROBE_WORDS];
		uint64_t phys;

		if (sg[0] & SG_CHAIN)
			break;
		if (!phys_of_page(c, sg[0] & ~UINT64_C(3), &phys))
			return false;
		xgrow(t->physs, ev->nr_phys, t->cap_physs);
		t->physs[ev->nr_phys++] = phys + (sg[1] & UINT32_MAX);
	}
	ev->physs = t->physs;
	return ev->nr_phys != 0;
}

static void dma_list(struct trace *t, const struct pair_call *c, uint32_t most,
		     struct trace_event *ev)
{
	uint64_t n = c->v[KEY_NENTS];

	for (uint64_t i = 0; i < n && i < PROBE_ENTRIES && ev->nr_dma < most; i++) {
		const uint64_t *sg = &c->list[i * PROBE_WORDS];

		if (sg[0] & SG_CHAIN || !(sg[3] & UINT32_MAX))
			break;
		xgrow(t->dmas, ev->nr_dma, t->cap_dmas);
		xgrow(t->lens, ev->nr_dma, t->cap_lens);
		t->dmas[ev->nr_dma] = sg[2];
		t->lens[ev->nr_dma++] = (uint32_t)sg[3];
	}
	ev->dmas = ev->nr_dma ? t->dmas : NULL;
	ev->lens = ev->nr_dma ? t->lens : NULL;
}

/* ---- lists that are mapped ---- */

static struct pair_list **find_list(struct pairs *ps, uint32_t device, uint64_t sg)
{
	struct pair_list **at = &ps->lists[(sg >> 4 ^ sg >> 12 ^ (uint64_t)device * 31) % 256];

	while (*at && ((*at)->device != device || (*at)->sg != sg))
		at = &(*at)->next;
	return at;
}

static void list_mapped(struct trace *t, const struct pair_call *c, uint32_t ents, uint64_t number)
{
	struct pair_list **at = find_list(&t->pairs, c->device, c->v[KEY_SG]), *l = *at;

	if (!l) {
		l = xcalloc(1, sizeof(*l));
		l->device = c->device;
		l->sg = c->v[KEY_SG];
		*at = l;
	}
	l->map = number;
	l->ents = ents;
}

static void list_unmapped(struct trace *t, const struct pair_call *c, struct trace_event *ev)
{
	struct pair_list **at = find_list(&t->pairs, c->device, c->v[KEY_SG]), *l = *at;

	if (!l)
		return;
	dma_list(t, c, l->ents ? l->ents : UINT32_MAX, ev);
	if (ev->nr_dma)
		t->pairs.completes = l->map;
	*at = l->next;
	free(l);
}

/* ---- events ---- */

static bool allocated(const struct pair_call *c, const struct probe *p, struct trace_event *ev)
{
	uint64_t memory = p->v[KEY_VIRT] - c->v[KEY_BASE];
	bool pages = c->desc->ret_wants & BIT(KEY_PAGE);

	ev->virt = pages ? p->v[KEY_PAGE] : p->v[KEY_VIRT];
	ev->has_virt = !pages || !ev->virt;
	if (!ev->virt)
		return true;
	if (c->has_iova)
		ev->dma = c->iova;
	else if (pages)
		return phys_of_page(c, p->v[KEY_PAGE], &ev->dma);
	else if (c->v[KEY_BASE] && p->v[KEY_VIRT] >= c->v[KEY_BASE] && memory < MOST_MEMORY)
		ev->dma = memory;
	else
		return false;
	return true;
}

/*
 * Make the event of a complete call. @p is its return, if that has a probe, and @number the number
 * of the event. Returns false if the probes recorded too little.
 */
static bool make_event(struct trace *t, const struct trace_event *head, const struct pair_call *c,
		       const struct probe *p, uint64_t number, struct trace_event *ev)
{
	const struct event_desc *d = event_find(c->desc->event, strlen(c->desc->event));
	const uint64_t *v = c->v;
	uint32_t ents;

	if (c->desc->wants & ~c->have || (p && c->desc->ret_wants & ~p->have))
		return false;
	*ev = *head;
	ev->name = d->name;
	ev->kind = d->kind;
	ev->device = c->device;
	ev->size = v[KEY_SIZE];
	ev->attrs = v[KEY_ATTRS];
	ev->gfp = v[KEY_GFP];
	ev->virt = v[KEY_VIRT];
	ev->has_virt = c->desc->wants & BIT(KEY_VIRT);
	if (c->have & BIT(KEY_DIR))
		ev->dir = v[KEY_DIR] > TRACE_NONE ? TRACE_DIR_UNKNOWN : (enum trace_dir)v[KEY_DIR];
	if (c->desc->wants & BIT(KEY_DMA))
		ev->dma = v[KEY_DMA];
	switch (ev->kind) {
	case TRACE_MAP:
		if (!phys_of_page(c, v[KEY_PAGE], &ev->phys))
			return false;
		ev->phys += v[KEY_OFF];
		ev->dma = p->v[KEY_DMA];
		break;
	case TRACE_MAP_RESOURCE:
		ev->phys = v[KEY_PHYS];
		ev->dma = p->v[KEY_DMA];
		break;
	case TRACE_MAP_SG:
		if (!physical_list(t, c, ev))
			return false;
		ents = p->have & BIT(KEY_ENTS) ? (uint32_t)p->v[KEY_ENTS] : 0;
		if ((int64_t)p->v[KEY_ERR] < 0 || (p->have & BIT(KEY_ENTS) && !ents)) {
			d = event_find("dma_map_sg_err", strlen("dma_map_sg_err"));
			ev->name = d->name;
			ev->kind = d->kind;
			ev->error = (int)(int64_t)p->v[KEY_ERR];
			break;
		}
		ev->ents = ents;
		list_mapped(t, c, ents, number);
		break;
	case TRACE_UNMAP_SG:
		if (!physical_list(t, c, ev))
			return false;
		break;
	case TRACE_ALLOC:
	case TRACE_ALLOC_PAGES:
		if (!allocated(c, p, ev))
			return false;
		break;
	case TRACE_SYNC_SG_CPU:
	case TRACE_SYNC_SG_DEVICE:
		dma_list(t, c, UINT32_MAX, ev);
		if (!ev->nr_dma)
			return false;
		/* the probes record 128 of them */
		ev->nents = (uint32_t)v[KEY_NENTS];
		break;
	default:
		break;
	}
	event_finish(ev, d->fields);
	/* the unmap's own event has no DMA addresses: they are the map's */
	if (ev->kind == TRACE_UNMAP_SG)
		list_unmapped(t, c, ev);
	return true;
}

static void lost(const struct trace_event *head, struct trace_event *ev, uint64_t events)
{
	*ev = *head;
	ev->kind = TRACE_LOST;
	ev->name = "lost";
	ev->lost = TRACE_LOST_HERE;
	ev->lost_cpu = head->cpu;
	ev->lost_events = events;
}

/* dma_free_attrs() takes NULL, and does nothing. */
static bool frees_nothing(const struct pair_call *c)
{
	return c->desc->wants & c->have & BIT(KEY_VIRT) && !c->v[KEY_VIRT];
}

/* A loss comes before the event. */
static bool give(struct trace *t, const struct trace_event *head, uint64_t missing, bool made,
		 struct trace_event *ev)
{
	struct pairs *ps = &t->pairs;

	if (!missing)
		return made;
	ps->held = *ev;
	ps->has_held = made;
	ps->held_completes = ps->completes;
	ps->completes = PAIR_NONE;
	lost(head, ev, missing);
	return true;
}

static void take(struct pair_call *c, const struct probe *p, uint32_t device)
{
	/* a damaged text may have a list where there is none */
	if (p->nr_list && c->desc->list) {
		memcpy(c->list + (size_t)p->chunk * PROBE_LIST, p->list,
		       p->nr_list * sizeof(p->list[0]));
		c->chunks |= 1u << p->chunk;
	}
	for (int k = 0; k < NR_PROBE_KEYS; k++)
		if (p->have & BIT(k))
			c->v[k] = p->v[k];
	c->have |= p->have;
	if (p->chunk == 0) {
		c->begun = true;
		c->device = device;
	}
}

/* Is this the rest of a call whose beginning is at the top? */
static bool goes_on(const struct pair_call *c, const struct probe *p)
{
	if (!c || c->desc != p->desc || !c->desc->list || c->v[KEY_SG] != p->v[KEY_SG])
		return false;
	return p->chunk ? !(c->chunks & 1u << p->chunk) : !c->begun;
}

/* A frame that is not below the present one has returned. */
static bool over(const struct pair_call *c, const struct probe *p)
{
	uint64_t was = c->v[KEY_SP], is = p->v[KEY_SP];

	return p->have & BIT(KEY_SP) && c->have & BIT(KEY_SP) && is >= was && is - was < ONE_STACK;
}

bool pair_probe(struct trace *t, const struct trace_event *head, const struct probe *p,
		struct trace_event *ev)
{
	uint64_t key = key_of(head->pid, head->cpu), missing = 0;
	struct pair_call **at = find(&t->pairs, key), *c = *at;
	uint32_t device = TRACE_NO_DEVICE;
	bool made, nothing;

	if (p->is_ret) {
		while ((c = *at) && (c->desc != p->desc || !complete(c))) {
			free(pop(at));
			missing++;
		}
		/* the entry of the call was not recorded, nor its arguments */
		if (!c)
			return give(t, head, missing + 1, false, ev);
		made = make_event(t, head, c, p, t->pairs.given + (missing != 0), ev);
		free(pop(at));
		return give(t, head, missing + !made, made, ev);
	}

	if (p->chunk == 0) {
		if (!p->dev_len)
			return give(t, head, 1, false, ev);
		device = intern(&t->devices, p->dev, p->dev_len);
	}
	if (!goes_on(c, p)) {
		while ((c = *at) && over(c, p)) {
			free(pop(at));
			missing++;
		}
		c = push(at, key, p->desc);
	}
	take(c, p, device);
	if (c->desc->ret || !complete(c))
		return give(t, head, missing, false, ev);
	nothing = frees_nothing(c);
	made = !nothing && make_event(t, head, c, NULL, t->pairs.given + (missing != 0), ev);
	free(pop(at));
	return give(t, head, missing + !(made || nothing), made, ev);
}
