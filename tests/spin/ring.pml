/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A ring of mappings whose slots of IOVA rotate, for Spin.
 *
 * What it stands for: src/core/ring.[ch] and src/backend/iommu/ring.[ch]; the comments below name the functions. A
 * driver has at most N buffers mapped at a time, and 2 N slots for them. Push number t writes the page-table entry of
 * slot t mod 2 N; pop clears the entries of the oldest. The counts run freely:
 *
 *     flushed <= popped <= pushed <= popped + N
 *
 * and what was popped under a number below "flushed" does not translate any more. That count has two writers and so is
 * two: "flushed" is the driver's alone, "others_flushed" that of flushes of the domain, which hold its setup lock to
 * write it; ring_flushed() is the larger. Push goes on until "full_at", the lesser of popped + N and flushed + 2 N:
 * beyond it there are too many, or the slot's last mapping waits for a flush.
 *
 *   strict   pop of k posts invalidations of the k slots, two where they wrap, and waits.
 *   lazy     (-DLAZY) pop only clears, and flushes where N slots wait. Where some wait and fewer than N will, it may go
 *            the shortest way, which does not look whether the slots ahead are flushed: that takes -DN=3.
 *   mixed    (-DMIXED) every pop is one or the other: the mode can change.
 *
 * With -DHUNG the hardware need not confirm an invalidation. Only then can push find a slot that is not flushed: pop
 * flushes in time.
 *
 * A flush notes "popped", posts an invalidation, waits, and raises its count to what it noted. Push flushes where it
 * needs one. dmah_poll() and other CPUs flush whenever they like: FLUSHERS processes that do nothing else.
 *
 * What must hold:
 *
 *   R1  When push makes a slot present, the IOTLB has nothing of the slot's last buffer (invariant 2). In other words
 *       the device never reaches a buffer through an entry that names another one now, which its accesses assert too.
 *   R2  When a strict pop has returned without an error, the IOTLB has none of its slots (invariant 1).
 *   R3  At most N buffers are mapped, they leave in the order in which they came, and push is refused only where N are
 *       (or its own flush was not confirmed).
 *   R4  Nobody waits for ever (no invalid end state), and with -DLIVE: the driver gets to its end, whatever the others
 *       do, as long as it is let run at times (weak fairness).
 *
 * The device fills its IOTLB from an entry that is present, and accesses a slot, at any time. An entry of the IOTLB
 * stays until an invalidation that was posted after the page-table entry was cleared takes it out, at some time before
 * the wait for it ends. A buffer is named by its push number modulo three rounds, in both tables; 0 is none.
 *
 * Left out: what is above a slot (lengths, bounce slots, sync, the handles, pushes that fail half-way), buffers mapped
 * elsewhere than in slots (passthrough), ranges of more than was asked for (which only invalidate more), the end of a
 * ring, when the oldest that waits was popped, store buffers (push and pop are
 * one driver's, which calls one at a time; the clears are visible before "popped", a release store, and before an
 * invalidation is posted), and wrap-around of the counts, which have 64 bits.
 *
 * Bounds: rings of N, PUSHES pushes and as many pops, one or two at a time and in every order.
 *
 * Mutants, each a macro: run.py says what each breaks.
 */

#ifndef N
#define N 2
#endif
#ifndef PUSHES
#define PUSHES 8
#endif
#ifndef FLUSHERS
#define FLUSHERS 1
#endif

#ifdef MUTANT_ONE_N
#define SLOTS N
#else
#define SLOTS (2 * N)
#endif

#ifdef HUNG
#define HANGS true
#else
#define HANGS false
#endif

#define SLOT(t) ((t) % SLOTS)
/* The buffer of push number t. */
#define BUFFER(t) ((t) / SLOTS % 3 + 1)

/* Processes are numbered in the order in which they stand below. */
#define FIRST_DEVICE (1 + FLUSHERS)

byte pte[SLOTS];
byte tlb[SLOTS];
byte pushed, popped, flushed, others_flushed;
bit finished;

/* ring_flushed(). Both counts only grow, and its reader writes one of them: it may read them in one step. */
#if defined(MUTANT_FLUSHED_RACES)
#define FLUSHED flushed
#elif defined(MUTANT_SUM)
#define FLUSHED (flushed + others_flushed)
#elif defined(MUTANT_LESSER)
#define FLUSHED (flushed < others_flushed -> flushed : others_flushed)
#else
#define FLUSHED (flushed > others_flushed -> flushed : others_flushed)
#endif

/* ring_is_full(): by order. Counts of 64 bits do not wrap round. */
#ifdef MUTANT_FULL_EQUAL
#define FULL (pushed == full_at)
#else
#define FULL (pushed >= full_at)
#endif

/* Post an invalidation of the slots of numbers [from, to), or of all where @all. */
inline post(mask, all, from, to, i)
{
	d_step {
		i = 0;
		do
		:: i < SLOTS ->
			if
			:: pte[i] == 0 && (all || SLOT(i + SLOTS - SLOT(from)) < (to) - (from)) ->
				mask = mask | (1 << i)
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0
	}
}

inline wait(mask, i)
{
	d_step {
		do
		:: i < SLOTS ->
			if
			:: (mask >> i) & 1 -> tlb[i] = 0
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0;
		mask = 0
	}
}

/* The domain's: dmah_iommu_rings_capture(), an invalidation, dmah_iommu_rings_flushed() under the setup lock. */
inline flush_domain(until, mask, i)
{
#ifndef MUTANT_CAPTURE_LATE
	until = popped;
#endif
	post(mask, true, 0, 0, i);
	if
	:: wait(mask, i);
#ifdef MUTANT_CAPTURE_LATE
		until = popped;
#endif
#ifdef MUTANT_FLUSHED_RACES
		/* The driver's count as well, and the driver does not hold the lock. */
		if
		:: until > flushed -> flushed = until
		:: else
		fi;
		until = 0
#else
		d_step {
			others_flushed = (until > others_flushed -> until : others_flushed);
			until = 0
		}
#endif
	:: HANGS -> d_step { mask = 0; until = 0 }
	fi
}

/* The driver's: flush(). Nobody else pops: "popped" is what it was when the invalidation was posted. */
inline flush(mask, i, err)
{
	if
	:: FLUSHED == popped
	:: else ->
		post(mask, true, 0, 0, i);
		if
		:: wait(mask, i); flushed = popped
		:: HANGS -> d_step { mask = 0; err = true }
		fi
	fi
}

/* set_limit() */
inline set_limit()
{
#if defined(MUTANT_ONE_N) || defined(MUTANT_NO_REUSE)
	full_at = popped + N
#else
	full_at = (popped + N < FLUSHED + SLOTS -> popped + N : FLUSHED + SLOTS)
#endif
}

/* dmah_ring_push(): ring_plain_push(), or push_any() with dmah_iommu_ring_make_room(). */
inline push(mask, i, err)
{
	if
	:: FULL ->
		if
#ifdef MUTANT_OTHERS_FLUSH
		:: pushed - popped < N -> FLUSHED == popped
#else
		:: pushed - popped < N -> flush(mask, i, err)
#endif
		:: else
		fi;
		set_limit();
		assert(!FULL || pushed - popped == N || err) /* R3 */
	:: else
	fi;
	if
	:: !FULL && !err ->
		d_step {
			assert(pushed - popped < N);       /* R3 */
			assert(pte[SLOT(pushed)] == 0);    /* invariant 7 */
			assert(tlb[SLOT(pushed)] == 0);    /* R1 */
			pte[SLOT(pushed)] = BUFFER(pushed)
		};
		pushed++
	:: else
	fi;
	err = 0
}

/* ring_clear(), clear_plain() or clear_any(): @k entries from number @from on. */
inline clear(k, from, i)
{
	do
	:: i < k ->
		d_step {
			assert(pte[SLOT(from + i)] == BUFFER(from + i)); /* R3 */
			pte[SLOT(from + i)] = 0;
			i++
		}
	:: else -> break
	od
}

/* Whether ring_plain_pop() of @k may: some wait, and no flush will be due. */
#ifdef MUTANT_PLAIN_NOT_DUE
#define PLAIN(k) (FLUSHED != popped)
#else
#define PLAIN(k) (FLUSHED != popped && popped - FLUSHED + (k) < N)
#endif

/* ring_plain_pop() of @k, lazily: as no flush is due, the slots up to the new limit are flushed. */
inline plain_pop(k, from, i)
{
	from = popped;
	clear(k, from, i);
	popped = from + k;
	d_step { full_at = popped + N; k = 0; from = 0; i = 0 }
}

/* dmah_iommu_ring_pop() of @k. @before: ring_flushed() when it began. @err: it was not confirmed. */
inline pop(k, defer, before, from, err, i, mask)
{
	d_step { before = FLUSHED; from = popped };
#ifdef MUTANT_POPPED_FIRST
	popped = from + k;
#endif
	clear(k, from, i);
	/* invalidate(): both ranges are posted before the wait. */
	if
	:: !defer ->
		if
		:: SLOT(from) + k > SLOTS ->
			post(mask, false, from, from + SLOTS - SLOT(from), i);
#ifndef MUTANT_NO_WRAP
			post(mask, false, from + SLOTS - SLOT(from), from + k, i)
#endif
		:: else -> post(mask, false, from, from + k, i)
		fi;
		if
#ifndef MUTANT_NO_WAIT
		:: wait(mask, i)
#else
		:: d_step { mask = 0; i = 0 }
#endif
		:: HANGS -> d_step { mask = 0; i = 0; err = true }
		fi
	:: else -> i = 0
	fi;
	d_step {
		do
		:: i < k ->
			assert(defer || err || tlb[SLOT(from + i)] == 0); /* R2 */
			i++
		:: else -> break
		od;
		i = 0;
		popped = from + k
	};
	/* An earlier pop that was lazy, or not confirmed, still waits for a flush. */
	if
#ifdef MUTANT_STRICT_SKIPS
	:: !defer && !err -> flushed = popped
#else
	:: !defer && !err && before == from -> flushed = popped
#endif
	:: defer && popped - before >= N -> flush(mask, i, err)
	:: else
	fi;
	d_step { k = 0; defer = 0; before = 0; from = 0; err = 0; set_limit() }
}

/* The driver. */
active proctype driver()
{
	byte mask, i, k, before, from, full_at = N;
	bit defer, err;

	do
#ifdef LIVE
	:: pushed < PUSHES && pushed - popped < N -> push(mask, i, err)
#else
	:: pushed < PUSHES -> push(mask, i, err)
#endif
	:: pushed != popped ->
		if
		:: k = 1
		:: pushed - popped >= 2 -> k = 2
		fi;
#ifdef MIXED
		if
		:: defer = 0
		:: defer = 1
		fi;
#endif
#ifdef LAZY
		defer = 1;
#endif
		if
		:: defer && PLAIN(k) -> defer = 0; plain_pop(k, from, i)
		:: pop(k, defer, before, from, err, i, mask)
		fi
	:: pushed == PUSHES && popped == PUSHES -> break
	od;
	finished = 1
}

#if FLUSHERS > 0
active [FLUSHERS] proctype flusher()
{
	byte until, mask, i;

end:
	do
	:: flush_domain(until, mask, i)
	od
}
#endif

/* One slot's part of the device. It may look at a slot that is not mapped: that is a fault, which harms nobody. */
active [SLOTS] proctype device()
{
	byte s = _pid - FIRST_DEVICE;

end:
	do
	:: d_step { tlb[s] == 0 && pte[s] != 0 -> tlb[s] = pte[s] }
	/* An access through the IOTLB while the slot is somebody's: his it must be (R1). */
	:: d_step { tlb[s] != 0 && pte[s] != 0 && tlb[s] != pte[s] -> assert(false) }
	od
}

#ifdef LIVE
ltl r4 { <> finished }
#endif
