/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What one CPU keeps of the aperture, and the lazy queue in it, for Spin.
 *
 * What it stands for: src/iova/cache.h and cache.c, their callers in src/backend/iommu (plain.h, plain.c, flush.c), and
 * dmah_host_quiesce(). The comments below name the functions. A CPU has a ring of granules with indices
 *
 *     out <= ready <= in <= out + RING
 *
 * in which [out, ready) is free and flushed and [ready, in) is unmapped but may still translate. The owner works on it
 * without a lock between dmah_host_enter() and dmah_host_leave(), which set and clear its flag "busy": it takes below
 * "limit" and puts below "stop". A flush, anybody's, raises "ready" under the CPU's lock. A thief closes both limits,
 * waits with dmah_host_quiesce() until the owner is out of the section it may be in, and takes [out, ready) under the
 * lock.
 *
 * What must hold:
 *
 *   P1  A granule is in one place: mapped, in one ring, in the depot, in quarantine, or in the hands of one CPU
 *       (invariant 4).
 *   P2  No page-table entry becomes present while the IOTLB still has the granule's last mapping (invariant 2).
 *   P3  Nobody waits for ever for somebody who waits (no invalid end state).
 *   P4  After everything is unmapped, flushed and drained every granule is in the depot (invariants 15 and 16).
 *
 * Ghost state: where[g] says where granule g really is, at the moment at which the program decides it. Whoever takes a
 * granule from somewhere asserts that it was there (P1). P2 is asserted when the store to the entry becomes visible. An
 * entry of a ring that is taken is overwritten with NONE, which no take may find.
 *
 * Stores. What the owner stores outside the lock goes through a store buffer (sb, proctype buffer), as x86 has it, and
 * reaches memory at any later time; its loads do not wait for that. Taking a lock and posting an invalidation empty
 * the buffer first. With -DWEAK stores that are not releases overtake others, as Arm allows. v_* is what the owner
 * sees, its own last store; m_* is memory, which is what others see. An entry of a ring and the index that publishes it
 * are one store: nobody looks at an entry outside the indices.
 *
 * The IOTLB. A cleared entry may stay in the IOTLB until an invalidation that was posted after the clear has completed:
 * "stale" has the granule's bit. Without -DDEVICE the device is the worst there can be, and has fetched every entry at
 * the moment at which it is cleared; as no property is broken by fewer stale bits, that covers all others. -DDEVICE has
 * a device that fetches whenever it likes, or never, which checks that reasoning.
 *
 * Locks. A section under cpu->lock in which the owner cannot interfere is one step. One that computes limits from the
 * owner's indices, which it may move meanwhile, is two, and "lock" is held between them. The depot's lock is innermost
 * and held for one step. None is held across a wait.
 *
 * Left out: size classes (each has its own ring with its own batch, and they have only the lock in common), when a lazy
 * period began, bounce slots and what waits in struct lazy_queue (always under the lock), how granules leave quarantine
 * by another flush than the one that follows (here they stay to the end), a host that cannot quiesce (the thief then
 * opens again and no more), changes of mode and of depth, the second try that dmah_fast_map_refill() makes before refill(),
 * loads that are executed early (limits are acquire loads, before the index that is compared with them), interrupts,
 * wrap-around of the indices, and fairness: a flag that is found set each time one looks at it is not an end state.
 *
 * Bounds: CPUS owners that do OPS0 and OPS1 operations each, of every kind and in every order (a map, a lazy or a
 * strict unmap of any CPU's mapping, with -DREPLACE also a replace, a flush of any CPU, a drain of any CPU), and REMOTES threads elsewhere that do
 * ROPS flushes or drains each; NG granules, of which CPU 0 has mapped MAPPED at first; CAP stores in a buffer. Spin
 * visits every interleaving of these. With -DHUNG the hardware need not confirm an invalidation: only then can the lock
 * find a ring full of what waits.
 *
 * A ring has RING entries, a flush is due when BATCH wait, and DEPTH = RING - BATCH are kept. In the library RING is
 * four times BATCH (CACHE_ROOM). Here it is as small as it can be, with a put that needs no lock after one that does:
 * three granules fill it and four would overrun it. A run that refill() takes is of one granule, as no more are kept.
 *
 * Mutants, each a macro: run.py says what each breaks.
 */

#ifndef CPUS
#define CPUS 2
#endif
#ifndef REMOTES
#define REMOTES 1
#endif
#ifndef NG
#define NG 3
#endif
#ifndef BATCH
#define BATCH 2
#endif
#ifndef RING
#define RING 3
#endif
#ifndef CAP
#define CAP 4
#endif
#ifndef OPS0
#define OPS0 2
#endif
#ifndef OPS1
#define OPS1 1
#endif
#ifndef ROPS
#define ROPS 1
#endif
#ifndef MAPPED
#define MAPPED 2
#endif

/*
 * dmah_iova_cache_set_depth(): the most that it allows. "stop" is not computed anew when granules come back before "out". So what
 * is kept and what may still be put, up to ready + BATCH, must fit the ring together.
 */
#ifdef MUTANT_DEPTH
#define DEPTH RING
#else
#define DEPTH (RING - BATCH)
#endif

#define ALL  ((1 << NG) - 1)
#define NONE 15
/* Where the indices begin; out may fall below. FAR is a limit that none of them reaches. */
#define BASE 8
#define FAR  0

/* Stores that wait in a buffer. */
#define S_BUSY 1 /* value; 0 is a release */
#define S_OUT  2 /* new out, granule: ring[out] = granule unless NONE; then out */
#define S_IN   3 /* old in, granule: ring[in] = granule; in++, a release */
#define S_PTE  4 /* granule, present */

/* Places of a granule. */
#define W_DEPOT   0
#define W_HAND    1
#define W_QUAR    2
#define W_RING(c) (3 + (c))
#define W_MAP(c)  (3 + CPUS + (c))

/* What a flush leaves in its process's "i" where it was not confirmed, else 0. */
#define UNCONFIRMED 255

chan sb[CPUS + 1] = [CAP] of { byte, byte, byte }; /* the last is the remote threads', and always empty */

/* struct iova_ring in memory, and the lock and the flag of its CPU. */
bit m_busy[CPUS];
bit lock[CPUS];
byte drains[CPUS];
byte m_out[CPUS] = BASE;
byte m_in[CPUS] = BASE;
byte ready[CPUS] = BASE;
byte limit[CPUS] = BASE;
byte stop[CPUS] = BASE;
byte m_ring[CPUS * RING] = NONE;

/* The same as the owner sees it. */
byte v_out[CPUS] = BASE;
byte v_in[CPUS] = BASE;
byte v_ring[CPUS * RING] = NONE;
byte n_out[CPUS]; /* its stores to out that are in the buffer */

byte depot;  /* bitmap */
byte pte;    /* entries that are present, in memory */
byte stale;  /* granules that the IOTLB translates though their entry is cleared */
#ifdef DEVICE
byte cached; /* granules that the IOTLB translates and whose entry is present */
#endif
byte where[NG];
byte done;

#define HAS(set, g) (((set) >> (g)) & 1)
#define AT(c, i)    ((c) * RING + (i) % RING)

/* kept(): unsigned, so that ready below out is many. */
#define KEPT(c) (ready[c] >= m_out[c] -> ready[c] - m_out[c] : 255)

/* Where a mutant breaks the order, what is wanted is that P1, P2 or P4 breaks by it. */
#ifdef ANY_ORDER
#define ORDERED(c) skip
#else
#define ORDERED(c) assert(m_out[c] <= ready[c] && ready[c] <= m_in[c] && m_in[c] - m_out[c] <= RING)
#endif

/* ------------------------------------------------------------------------------------------------ memory, hardware */

inline apply(c, k, a, b)
{
	if
	:: k == S_BUSY -> m_busy[c] = a
	:: k == S_OUT ->
		n_out[c]--;
		if
		:: b != NONE -> m_ring[AT(c, a)] = b
		:: else -> m_ring[AT(c, a - 1)] = NONE
		fi;
		m_out[c] = a
	:: k == S_IN ->
		m_ring[AT(c, a)] = b;
		m_in[c] = a + 1
	:: k == S_PTE && b ->
		assert(!HAS(pte, a));   /* invariant 7: never from present to present */
		assert(!HAS(stale, a)); /* P2 */
		pte = pte | (1 << a)
	:: k == S_PTE && !b ->
		pte = pte & ~(1 << a);
#ifdef DEVICE
		stale = stale | (cached & (1 << a));
		cached = cached & ~(1 << a)
#else
		stale = stale | (1 << a)
#endif
	fi;
	k = 0;
	a = 0;
	b = 0
}

/* The store buffer of one CPU. */
proctype buffer(byte c)
{
	byte k, a, b;
end:
	do
	:: d_step { sb[c]?k, a, b -> apply(c, k, a, b) }
#ifdef WEAK
	/* Not releases. The order of stores to one place is kept: these are the first of their kind. */
	:: d_step { sb[c]??S_OUT, a, b -> k = S_OUT; apply(c, k, a, b) }
	:: d_step { sb[c]??S_PTE, a, b -> k = S_PTE; apply(c, k, a, b) }
#ifdef MUTANT_LEAVE_RELAXED
	:: d_step { sb[c]??S_BUSY, a, b -> k = S_BUSY; apply(c, k, a, b) }
#endif
#endif
	od
}

#ifdef DEVICE
proctype device()
{
end:
	do
	:: d_step { (pte & ~cached) & 1 -> cached = cached | 1 }
	:: d_step { (pte & ~cached) & 2 -> cached = cached | 2 }
	:: d_step { (pte & ~cached) & 4 -> cached = cached | 4 }
	:: d_step { (pte & ~cached) & 8 -> cached = cached | 8 }
	od
}
#endif

/* A locked instruction, or the store to a device that posts an invalidation: earlier stores are visible. */
#define FENCED(p) empty(sb[p])
#define LOCKED(p, v) FENCED(p) && !lock[v]

/* dmah_host_enter(), dmah_host_leave(): stores without a fence. */
inline enter(c) { sb[c]!S_BUSY, 1, 0 }
inline leave(c) { sb[c]!S_BUSY, 0, 0 }

/* ---------------------------------------------------------------------------------------------- under the lock */

/*
 * set_limits(), with in and out as they were read a step ago: @i, @o. @start: the time of what waits is known, and so
 * the owner may put more.
 */
inline set_limits(v, i, o, start)
{
	if
#ifdef MUTANT_LIMIT_EQUAL
	:: drains[v] -> stop[v] = i; limit[v] = o
#else
	:: drains[v] -> stop[v] = FAR; limit[v] = FAR
#endif
	:: else ->
		limit[v] = ready[v];
		if
		:: i == ready[v] && !start -> stop[v] = i
		:: else -> stop[v] = (ready[v] + BATCH <= o + RING -> ready[v] + BATCH : o + RING)
		fi
	fi
}

/* The owner sees what others stored to its ring, unless a store of its own is to come. */
inline owner_sees(v, i)
{
	if
	:: n_out[v] == 0 ->
		v_out[v] = m_out[v];
		i = 0;
		do
		:: i < RING -> v_ring[AT(v, i)] = m_ring[AT(v, i)]; i++
		:: else -> break
		od;
		i = 0
	:: else
	fi
}

/* spill(): entries that are ready go to the depot until @keep are left. */
inline spill(v, keep, i)
{
	ORDERED(v);
	do
	:: KEPT(v) > (keep) ->
		i = m_ring[AT(v, m_out[v])];
		assert(i != NONE && where[i] == W_RING(v)); /* P1 */
		assert(!HAS(stale, i));                     /* P2: the depot is anybody's */
		where[i] = W_DEPOT;
		depot = depot | (1 << i);
		m_ring[AT(v, m_out[v])] = NONE;
		m_out[v] = m_out[v] + 1
	:: else -> break
	od;
	i = 0;
	owner_sees(v, i)
}

/* The lowest granule of the depot; the others differ by name only. */
inline take_depot(g, w)
{
	g = 0;
	do
	:: HAS(depot, g) -> break
	:: else -> g++
	od;
	assert(where[g] == W_DEPOT); /* P1 */
	where[g] = w;
	depot = depot & ~(1 << g)
}

/* dmah_iova_cache_release() */
inline release(c, g, i)
{
	if
	:: m_in[c] - m_out[c] == RING || KEPT(c) >= DEPTH -> spill(c, DEPTH / 2, i)
	:: else
	fi;
	if
	:: m_in[c] - m_out[c] == RING ->
		where[g] = W_DEPOT;
		depot = depot | (1 << g)
	:: else ->
		where[g] = W_RING(c);
		m_out[c] = m_out[c] - 1;
		m_ring[AT(c, m_out[c])] = g;
		owner_sees(c, i)
	fi;
	g = 0
}

/* ------------------------------------------------------------------------------------------------ everybody's parts */

/*
 * Post an invalidation, and wait for it. What was cleared before it was posted is gone from the IOTLB at some time
 * before the wait ends; what was cleared later may stay. @absent: granules that it covers.
 */
inline post(p, set, absent)
{
	d_step { FENCED(p) -> absent = (set) & ~pte }
}

inline wait(absent)
{
	d_step { stale = stale & ~absent; absent = 0 }
}

/* dmah_iommu_flush_cpu(), or dmah_iommu_flush() as far as CPU @v goes: process @p flushes it. */
inline flush(p, v, i, o)
{
	/* capture() */
	d_step { LOCKED(p, v) -> i = m_in[v] };
	post(p, ALL, o);
	if
	:: wait(o);
		/* release_until(): dmah_iova_cache_flushed(), which leaves the limits as they are where another flush was faster. */
#ifdef MUTANT_READY_EARLY
		d_step { LOCKED(p, v) -> i = m_in[v]; lock[v] = 1 };
#else
		d_step { LOCKED(p, v) -> lock[v] = 1 };
#endif
		if
#ifdef MUTANT_READY_BACKWARDS
		:: d_step { ready[v] != i -> ready[v] = i; i = m_in[v]; o = m_out[v] }
#else
		:: d_step { ready[v] < i -> ready[v] = i; i = m_in[v]; o = m_out[v] }
#endif
#ifdef MUTANT_FLUSH_OPENS
			d_step { limit[v] = ready[v]; stop[v] = ready[v] + BATCH; o = 0 }
#else
			d_step { set_limits(v, i, o, false); o = 0 }
#endif
		:: else
		fi;
		/* dmah_iova_cache_trim() */
		d_step {
			if
			:: p == v && KEPT(v) > DEPTH -> spill(v, DEPTH, i)
			:: else
			fi;
			i = 0;
			lock[v] = 0
		}
#ifdef HUNG
	:: d_step { true -> o = 0; i = UNCONFIRMED }
#endif
	fi
}

/* drain_other(): process @p takes what CPU @v keeps: the aperture is exhausted, or the CPU is dead. */
inline steal(p, v, i, o)
{
	/* dmah_iova_cache_close() */
	d_step {
		LOCKED(p, v) ->
#ifdef MUTANT_STOLEN_BOOL
		drains[v] = 1;
#else
		drains[v]++;
#endif
#ifdef MUTANT_LOCK_HELD
		lock[v] = 1;
#endif
		set_limits(v, m_in[v], m_out[v], false)
	};
	/* dmah_host_quiesce(): every store of the owner's before this is visible, and what is stored above is to it. */
#ifndef MUTANT_NO_BARRIER
	FENCED(v);
#endif
#ifndef MUTANT_NO_WAIT
	!m_busy[v];
#endif
	/* dmah_iova_cache_drain(), dmah_iova_cache_open() */
	d_step {
#ifdef MUTANT_LOCK_HELD
		true ->
#else
		LOCKED(p, v) ->
#endif
		lock[v] = 1;
		spill(v, 0, i);
#ifdef MUTANT_STOLEN_BOOL
		drains[v] = 0;
#else
		drains[v]--;
#endif
		i = m_in[v];
		o = m_out[v]
	};
	d_step { set_limits(v, i, o, false); i = 0; o = 0; lock[v] = 0 }
}

/* ---------------------------------------------------------------------------------------------------- the owner */

/* Room for @n stores, so that one step can make them all. */
#define ROOM(c, n) (len(sb[c]) + (n) <= CAP)

/*
 * The owner's comparison of an index with its limit. The index may have moved on since a thief looked at it, and so a
 * comparison for equality could miss the limit that it set.
 */
#ifdef MUTANT_LIMIT_EQUAL
#define BELOW(index, limit) ((index) != (limit))
#else
#define BELOW(index, limit) ((index) < (limit))
#endif

/* enum cache_deferred */
#define CACHE_FULL  0
#define CACHE_WAITS 1
#define CACHE_DUE   2

/* Take ring[out], as the owner sees it. */
inline pop(c, g)
{
	g = v_ring[AT(c, v_out[c])];
	assert(g != NONE && where[g] == W_RING(c)); /* P1 */
	where[g] = W_MAP(c);
	v_ring[AT(c, v_out[c])] = NONE;
	v_out[c] = v_out[c] + 1
}

/* dmah_map() of one granule. @o: refill() was here. */
inline map(c, g, i, o)
{
	do
	::
		/* fast_map(), and map_many() after refill(): cache_take(), and the entry. */
		enter(c);
		i = limit[c];
		if
		:: d_step { !BELOW(v_out[c], i) && ROOM(c, 1) -> leave(c); i = 0 }
		:: d_step {
			BELOW(v_out[c], i) && ROOM(c, 3) ->
			i = 0;
			o = 0;
			pop(c, g);
			n_out[c]++;
			sb[c]!S_OUT, v_out[c], NONE;
			sb[c]!S_PTE, g, 1;
			leave(c);
			g = 0
		}
		goto map_end
		fi;
		/* refill(): the depot has a lock of its own. */
		if
		:: d_step { o == 0 && depot && FENCED(c) -> take_depot(g, W_HAND); o = 1 };
			enter(c);
			d_step { LOCKED(c, c) -> release(c, g, i); leave(c) }
		:: d_step { o == 1 || !depot -> o = 0 };
			break
		fi
	od;
	/* dmah_iova_cache_take_locked() */
	enter(c);
	d_step {
		LOCKED(c, c) ->
		if
		:: KEPT(c) ->
			pop(c, g);
			m_ring[AT(c, m_out[c])] = NONE;
			m_out[c] = v_out[c];
			sb[c]!S_PTE, g, 1
		:: KEPT(c) == 0 && depot ->
			take_depot(g, W_MAP(c));
			sb[c]!S_PTE, g, 1
		:: else /* none left: the caller flushes, drains or fails, in any order, as its next operation */
		fi;
		g = 0;
		leave(c)
	};
map_end:
	skip
}

/* dmah_unmap() in lazy mode. */
inline unmap_lazy(c, g, i, o)
{
	/* fast_unmap(): cache_room(), the entry, cache_put(). */
	enter(c);
	i = stop[c];
	if
	:: d_step { !BELOW(v_in[c], i) && ROOM(c, 1) -> leave(c); i = 0 }
	:: d_step {
		BELOW(v_in[c], i) && ROOM(c, 3) ->
		i = 0;
#ifdef MUTANT_PUT_BEFORE_CLEAR
		sb[c]!S_IN, v_in[c], g;
		sb[c]!S_PTE, g, 0;
#else
		sb[c]!S_PTE, g, 0;
		sb[c]!S_IN, v_in[c], g;
#endif
		where[g] = W_RING(c);
		v_ring[AT(c, v_in[c])] = g;
		v_in[c] = v_in[c] + 1;
		leave(c);
		g = 0
	}
	goto lazy_end
	fi;
	/* dmah_iommu_defer(): dmah_iova_cache_defer(), and a flush where one is due. */
	sb[c]!S_PTE, g, 0;
	enter(c);
	d_step {
		LOCKED(c, c) ->
		if
		:: m_in[c] - m_out[c] == RING -> o = KEPT(c) / 2; spill(c, o, i)
		:: else
		fi;
		if
		:: m_in[c] - m_out[c] < RING ->
			where[g] = W_RING(c);
			m_ring[AT(c, m_in[c])] = g;
			v_ring[AT(c, m_in[c])] = g;
			m_in[c] = m_in[c] + 1;
			v_in[c] = m_in[c];
			set_limits(c, m_in[c], m_out[c], true);
			o = (m_in[c] - ready[c] < BATCH -> CACHE_WAITS : CACHE_DUE);
			g = NONE
		:: else ->
			/* dmah_iommu_quarantine(), which is a few steps later but nobody's business until then. */
			where[g] = W_QUAR;
			o = CACHE_FULL
		fi;
		leave(c)
	};
	if
	:: d_step { o == CACHE_WAITS -> o = 0; g = 0 } goto lazy_end
	:: d_step { o != CACHE_WAITS -> o = 0 }
	fi;
	/* dmah_iommu_flush_cpu(), or dmah_iommu_flush() with end_quarantine(). */
	flush(c, c, i, o);
	d_step {
		if
		:: g != NONE && i == 0 ->
			assert(where[g] == W_QUAR && !HAS(stale, g)); /* P1, P2 */
			where[g] = W_DEPOT;
			depot = depot | (1 << g)
		:: else
		fi;
		g = 0
	};
lazy_end:
	skip
}

#ifdef REPLACE
/*
 * fast_replace(): cache_room() and cache_has(), the old mapping's entry, cache_put(), cache_take_seen(), the new entry. Where one
 * of the limits is in the way nothing changes, and dmah_replace() maps and unmaps as above.
 */
inline replace(c, g, i, o)
{
	enter(c);
	i = stop[c];
	o = limit[c];
	if
	:: d_step {
		!(BELOW(v_in[c], i) && BELOW(v_out[c], o)) && ROOM(c, 1) ->
		leave(c);
		where[g] = W_MAP(c);
		i = 0;
		o = 0;
		g = 0
	}
	goto replace_end
	:: d_step {
		BELOW(v_in[c], i) && BELOW(v_out[c], o) && ROOM(c, 2) ->
		i = 0;
		o = 0;
		sb[c]!S_PTE, g, 0;
		sb[c]!S_IN, v_in[c], g;
		where[g] = W_RING(c);
		v_ring[AT(c, v_in[c])] = g;
		v_in[c] = v_in[c] + 1;
		g = 0
	}
	fi;
#ifdef MUTANT_SEEN_BEFORE
	d_step { ROOM(c, 1) -> leave(c) };
	enter(c);
#endif
	d_step {
		ROOM(c, 3) ->
		pop(c, g);
		n_out[c]++;
		sb[c]!S_OUT, v_out[c], NONE;
		sb[c]!S_PTE, g, 1;
		leave(c);
		g = 0
	};
replace_end:
	skip
}
#endif

/* dmah_unmap() in strict mode, or of an untrusted device. */
inline unmap_strict(c, g, i, absent)
{
	sb[c]!S_PTE, g, 0;
#ifndef MUTANT_STRICT_LAZY
	post(c, 1 << g, absent);
	if
	:: wait(absent)
#ifdef HUNG
	:: d_step { true -> absent = 0; where[g] = W_QUAR; g = 0 } goto strict_end
#endif
	fi;
#endif
	/* cache_give_back() */
	enter(c);
	i = limit[c];
	if
	:: d_step { (i < v_out[c] || v_in[c] - v_out[c] >= DEPTH) && ROOM(c, 1) -> leave(c); i = 0 }
	:: d_step {
		i >= v_out[c] && v_in[c] - v_out[c] < DEPTH && ROOM(c, 2) ->
		i = 0;
		where[g] = W_RING(c);
		v_out[c] = v_out[c] - 1;
		v_ring[AT(c, v_out[c])] = g;
		n_out[c]++;
		sb[c]!S_OUT, v_out[c], g;
		leave(c);
		g = 0
	}
	goto strict_end
	fi;
	/* dmah_iommu_release() */
	enter(c);
	d_step { LOCKED(c, c) -> release(c, g, i); leave(c) };
strict_end:
	skip
}

/* CPU @c may unmap @g: its own mapping, or another CPU's, whose handle it got together with the entry's store. */
#define MAY_UNMAP(c, g) (where[g] == W_MAP(c) || (where[g] >= W_MAP(0) && HAS(pte, g)))

inline choose(c, g)
{
	if
	:: d_step { MAY_UNMAP(c, 0) -> g = 0; where[0] = W_HAND }
	:: d_step { MAY_UNMAP(c, 1) -> g = 1; where[1] = W_HAND }
#if NG > 2
	:: d_step { MAY_UNMAP(c, 2) -> g = 2; where[2] = W_HAND }
#endif
#if NG > 3
	:: d_step { MAY_UNMAP(c, 3) -> g = 3; where[3] = W_HAND }
#endif
	fi
}

proctype cpu(byte c; byte ops)
{
	byte g, i, o;

	do
	:: ops > 0 ->
		d_step { ops--; i = 0 }
		if
		:: map(c, g, i, o)
		:: choose(c, g);
			if
			:: unmap_lazy(c, g, i, o)
			:: unmap_strict(c, g, i, o)
#ifdef REPLACE
			:: replace(c, g, i, o)
#endif
			fi
		:: flush(c, c, i, o)
		/* drain_locked() */
		:: enter(c); d_step { LOCKED(c, c) -> spill(c, 0, i); leave(c) }
#if CPUS > 1
		:: flush(c, 1 - c, i, o)
#ifdef MUTANT_STEAL_INSIDE
		:: enter(c); steal(c, 1 - c, i, o); leave(c)
#else
		:: steal(c, 1 - c, i, o)
#endif
#endif
		fi
	:: else -> break
	od;
	done++
}

/* A thread that owns no ring: dmah_poll(), or whoever cleans up after a dead CPU. */
proctype remote(byte ops)
{
	byte i, o;

	do
	:: ops > 0 ->
		d_step { ops--; i = 0 }
		if
		:: flush(CPUS, 0, i, o)
		:: steal(CPUS, 0, i, o)
#if CPUS > 1
		:: flush(CPUS, 1, i, o)
		:: steal(CPUS, 1, i, o)
#endif
		fi
	:: else -> break
	od;
	done++
}

#define QUIET(c) (empty(sb[c]) && !m_busy[c] && !drains[c] && !lock[c])

init
{
	byte i, c, g;

	d_step {
		do
		:: i < NG && i < MAPPED -> where[i] = W_MAP(0); pte = pte | (1 << i); i++
		:: i < NG && i >= MAPPED -> depot = depot | (1 << i); i++
		:: else -> break
		od;
		i = 0
	};
	atomic {
		run buffer(0);
		run cpu(0, OPS0);
#if CPUS > 1
		run buffer(1);
		run cpu(1, OPS1);
#endif
#if REMOTES > 0
		run remote(ROPS);
#endif
#if REMOTES > 1
		run remote(ROPS);
#endif
#ifdef DEVICE
		run device();
#endif
	};
#if CPUS > 1
	d_step {
		done == CPUS + REMOTES && QUIET(0) && QUIET(1) ->
#else
	d_step {
		done == CPUS + REMOTES && QUIET(0) ->
#endif
		/* P4. What is still mapped is unmapped, all is flushed, every CPU is drained. */
		do
		:: g < NG ->
			if
			:: where[g] >= W_MAP(0) || where[g] == W_QUAR ->
				assert(HAS(pte, g) == (where[g] != W_QUAR));
				pte = pte & ~(1 << g);
				where[g] = W_DEPOT;
				depot = depot | (1 << g)
			:: else -> assert(!HAS(pte, g))
			fi;
			g++
		:: else -> break
		od;
		stale = 0;
		do
		:: c < CPUS ->
			assert(m_out[c] == v_out[c] && m_in[c] == v_in[c]);
			ORDERED(c);
			ready[c] = m_in[c];
			spill(c, 0, i);
			c++
		:: else -> break
		od;
		assert(depot == ALL)
	}
}
