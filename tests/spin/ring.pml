/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A ring of mappings whose slots of IOVA rotate, for Spin.
 *
 * What it stands for: include/dmah/ring.h, src/core/ring.c and src/backend/iommu/ring.c; the comments below name the
 * functions. A driver has at most N buffers mapped at a time, and 2 N slots for them. Push number t writes the
 * page-table entry of slot t mod 2 N; pop clears the entries of the oldest. The counts run freely:
 *
 *     flushed <= popped <= pushed <= popped + N
 *
 * and what was popped under a number below "flushed" does not translate any more. Push goes on until "full_at", the
 * lesser of popped + N and flushed + 2 N: beyond it there are too many, or the slot's last mapping waits for a flush.
 *
 *   strict   pop of k posts invalidations of the k slots, two where they wrap, and waits.
 *   lazy     (-DLAZY) pop only clears, and flushes where N slots wait.
 *   mixed    (-DMIXED) every pop is one or the other: the mode can change.
 *
 * With -DHUNG the hardware need not confirm an invalidation. Only then can push find a slot that is not flushed: pop
 * flushes in time.
 *
 * A flush notes "popped", posts an invalidation, waits, and raises "flushed" to what it noted. Push flushes where it
 * needs one. dmah_poll() and other CPUs flush whenever they like: FLUSHERS processes that do nothing else.
 *
 * What must hold:
 *
 *   R1  When push makes a slot present, the IOTLB has nothing of the slot's last buffer (invariant 2). In other words
 *       the device never reaches a buffer through an entry that names another one now, which its accesses assert too.
 *   R2  When a strict pop has returned without an error, the IOTLB has none of its slots (invariant 1).
 *   R3  At most N buffers are mapped, they leave in the order in which they came, and push is refused only where N are
 *       (or the hardware hangs).
 *   R4  Nobody waits for ever (no invalid end state), and with -DLIVE: the driver gets to its end, whatever the others
 *       do, as long as it is let run at times (weak fairness).
 *
 * The device fills its IOTLB from an entry that is present, and accesses a slot, at any time. An entry of the IOTLB
 * stays until an invalidation that was posted after the page-table entry was cleared takes it out, at some time before
 * the wait for it ends. A buffer is named by its push number modulo three rounds, in both tables; 0 is none.
 *
 * Left out: what is above a slot (lengths, bounce slots, sync, the handles), buffers mapped elsewhere than in slots,
 * ranges of more than was asked for (which only invalidate more), the end of a ring, store buffers (push and pop are
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
byte pushed, popped, flushed;
bit finished;

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

/* set_flushed(): only forwards. */
inline set_flushed(until)
{
#ifdef MUTANT_FLUSHED_RACES
	if
	:: until > flushed -> flushed = until
	:: else
	fi;
	until = 0
#else
	d_step { flushed = (until > flushed -> until : flushed); until = 0 }
#endif
}

/* iommu_rings_capture() and iommu_rings_flushed(); flush() of the driver. @hung: it may fail. */
inline flush(until, mask, i, hung)
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
		set_flushed(until)
	:: hung -> d_step { mask = 0; until = 0 }
	fi
}

/* set_limit() */
inline set_limit()
{
#if defined(MUTANT_ONE_N) || defined(MUTANT_NO_FLUSH)
	full_at = popped + N
#else
	full_at = (popped + N < flushed + SLOTS -> popped + N : flushed + SLOTS)
#endif
}

/* dmah_ring_push(), with iommu_ring_make_room() */
inline push(until, mask, i)
{
	if
	:: pushed == full_at ->
		if
#ifdef MUTANT_OTHERS_FLUSH
		:: pushed - popped < N -> flushed == popped
#else
		:: pushed - popped < N -> flush(until, mask, i, HANGS)
#endif
		:: else
		fi;
		set_limit();
		assert(pushed != full_at || pushed - popped == N || HANGS) /* R3 */
	:: else
	fi;
	if
	:: pushed != full_at ->
		d_step {
			assert(pushed - popped < N);       /* R3 */
			assert(pte[SLOT(pushed)] == 0);    /* invariant 7 */
			assert(tlb[SLOT(pushed)] == 0);    /* R1 */
			pte[SLOT(pushed)] = BUFFER(pushed)
		};
		pushed++
	:: else
	fi
}

/* dmah_ring_pop() of @k: iommu_ring_pop(). @before: what was flushed when it began. @err: it was not confirmed. */
inline pop(k, defer, before, from, err, i, mask, until)
{
	d_step { before = flushed; from = popped; err = false };
#ifdef MUTANT_POPPED_FIRST
	popped = from + k;
#endif
	do
	:: i < k ->
		d_step {
			assert(pte[SLOT(from + i)] == BUFFER(from + i)); /* R3 */
			pte[SLOT(from + i)] = 0;
			i++
		}
	:: else -> break
	od;
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
	:: !defer && !err -> until = popped; set_flushed(until)
#else
	:: !defer && !err && before == from -> until = popped; set_flushed(until)
#endif
	:: defer && popped - before >= N -> flush(until, mask, i, HANGS)
	:: else
	fi;
	d_step { k = 0; defer = 0; before = 0; from = 0; err = 0; set_limit() }
}

/* The driver. */
active proctype driver()
{
	byte until, mask, i, k, before, from, full_at = N;
	bit defer, err;

	do
#ifdef LIVE
	:: pushed < PUSHES && pushed - popped < N -> push(until, mask, i)
#else
	:: pushed < PUSHES -> push(until, mask, i)
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
		pop(k, defer, before, from, err, i, mask, until)
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
	:: flush(until, mask, i, HANGS)
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
