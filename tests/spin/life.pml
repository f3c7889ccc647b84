/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Calls of a domain's life beside maps and unmaps, for Spin.
 *
 * What it stands for: src/backend/iommu/{mode,device,flush,fast,ring,map}.c. One of these scenarios, by macro:
 *
 *   -DUNMAP   dmah_set_mode(strict) beside a lazy unmap. WAY 0: the general way, which queues under the CPU's lock and
 *             looks at the mode again in the same section. WAY 1: the fast path, which needs the cache's limit. WAY 2: a
 *             ring's pop, which is in no section, and looks at the mode again after it has stored its count.
 *   -DMAP     dmah_set_mode(passthrough) beside a map. WAY 0, 1 and 2 as above; WAY 2 is a push.
 *   -DATS     dmah_attach() of a device with a TLB beside a strict unmap of another device.
 *   -DKILL    dmah_kill() beside a flush, an unmap of the killed device and one of another device in a lazy domain, and a
 *             setup call that binds the killed device. The hardware need not confirm.
 *   -DTWICE   two CPUs unmap copies of one handle, and the granule is mapped again (-DLAZY: after a flush).
 *
 * What must hold:
 *
 *   M1  Both the unmap and dmah_set_mode(strict) have returned: nothing of the mapping is in the IOTLB.
 *   M2  A map that returned an IOVA, and a change to passthrough that succeeded, exclude each other.
 *   A1  The unmap has returned: the new device's TLB and the IOTLB hold nothing of the mapping.
 *   K1  An unmap of the killed device returned 0: the device does not reach the memory.
 *   K2  An unmap that began after a kill which was not confirmed, and ended before a later flush was, did not return 0
 *       unless the hardware confirmed its own invalidation.
 *   K3  dmah_kill() returned 0: no later bind lets the device in.
 *   T1  A granule is free at most once, and of two unmaps one at most returns 0.
 *
 * Stores of the CPU that maps or unmaps are seen late, in order (x86; a store-release on Arm), until a lock, an atomic
 * operation or dmah_host_quiesce() drains them: "late" holds them. The hardware fills its TLBs at any time.
 *
 * Left out: what tests/spin/lazy.pml has (the cache's ring, several thieves), handles, bounce slots, time.
 *
 * Mutants, each a macro: run.py says what each breaks.
 */

#ifndef WAY
#define WAY 0
#endif

/* What "late" holds: the entry set or cleared, then the count of mappings made or ended. */
#ifdef MAP
#define NEXT_PTE 1
#define COUNTED count
#else
#define NEXT_PTE 0
#define COUNTED queued
#endif

#define LAZY_MODE 0
#define STRICT 1
#define CHANGING 2
#define PASS 3

bit pte = 1 - NEXT_PTE, iotlb, devtlb; /* the mapping is in the table, the IOTLB, the new device's TLB */
byte mode, limit_open = 1, busy;
bit queued, count; /* lazily unmapped and captured by flushes; mapped and counted */
bit late_pte, late_count; /* stores that memory has not seen yet: the clearing or setting of pte, then the count */
bit unmapped, changed;

inline drain()
{
	d_step {
		if
		:: late_pte -> late_pte = 0; pte = NEXT_PTE
		:: else
		fi;
		if
		:: late_count -> late_count = 0; COUNTED = 1
		:: else
		fi
	}
}

/* The store buffer gives up its stores in order, at any time. */
active proctype buffer()
{
end:
	do
	:: atomic { late_pte -> late_pte = 0; pte = NEXT_PTE }
	:: atomic { late_count && !late_pte -> late_count = 0; COUNTED = 1 }
	od
}

#ifdef UNMAP
active proctype unmap()
{
	byte seen, again;

	seen = mode;
	if
	:: seen == STRICT -> goto strict
	:: else
	fi;
	if
	:: WAY == 0 ->
#ifdef MUTANT_LOOK_FIRST
		again = mode;
#endif
		late_pte = 1;
		busy = 1;
		atomic { drain(); queued = 1 }
#if !defined(MUTANT_LOOK_FIRST)
		again = mode;
#endif
		busy = 0
	:: WAY == 1 ->
		busy = 1;
		if
		:: limit_open ->
			late_pte = 1;
			late_count = 1;
			again = LAZY_MODE;
			atomic { drain(); busy = 0 }
		:: else ->
			busy = 0;
			goto strict
		fi
	:: WAY == 2 ->
		late_pte = 1;
		late_count = 1;
		again = mode
	fi;
#ifdef MUTANT_NO_LOOK
	again = LAZY_MODE;
#endif
	if
	:: again != LAZY_MODE -> goto strict
	:: else
	fi;
	goto done;
strict:
	if
	:: !late_pte -> late_pte = 1
	:: else
	fi;
	drain();
	iotlb = 0;
done:
	unmapped = 1
}

active proctype set_strict()
{
	bit captured;

	mode = STRICT;
	limit_open = 0;
#ifndef MUTANT_NO_QUIESCE
	drain();
	busy == 0;
#endif
	/* The flush. What it has to cover is there by now, or ends itself. */
	captured = queued;
	iotlb = 0;
	changed = 1
}

active proctype hardware()
{
end:
	do
	:: atomic { pte && !iotlb -> iotlb = 1 }
	od
}

active proctype check_m1()
{
end:
	unmapped && changed && !late_pte;
	assert(!iotlb)
}
#endif

#ifdef MAP
bit got_iova, passes;

active proctype map()
{
	byte seen;

	seen = mode;
	if
	:: seen != LAZY_MODE -> goto done
	:: else
	fi;
	if
	:: WAY == 0 ->
		late_pte = 1;
#ifdef MUTANT_COUNT_LAST
		seen = mode;
		if
		:: seen != LAZY_MODE -> goto undo
		:: else
		fi;
		busy = 1;
		late_count = 1;
		atomic { drain(); busy = 0 }
		got_iova = 1;
		goto done;
#endif
		busy = 1;
		late_count = 1;
		atomic { drain(); busy = 0 }
		busy = 1;
		seen = mode;
		busy = 0
	:: WAY == 1 ->
		busy = 1;
		if
		:: limit_open ->
			late_pte = 1;
			late_count = 1;
			atomic { drain(); busy = 0 }
			seen = LAZY_MODE
		:: else ->
			busy = 0;
			goto done
		fi
	:: WAY == 2 ->
		late_pte = 1;
		late_count = 1;
		seen = mode
	fi;
#ifdef MUTANT_NO_LOOK
	seen = LAZY_MODE;
#endif
	if
	:: seen == LAZY_MODE -> got_iova = 1; goto done
	:: else
	fi;
undo:
	atomic { drain(); pte = 0; count = 0 }
	iotlb = 0;
done:
	assert(!(got_iova && passes))
}

active proctype set_passthrough()
{
	mode = CHANGING;
	limit_open = 0;
#ifndef MUTANT_NO_QUIESCE
	drain();
	busy == 0;
#endif
	if
	:: count -> mode = LAZY_MODE; limit_open = 1
	:: else -> mode = PASS; passes = 1
	fi;
	assert(!(got_iova && passes))
}
#endif

#ifdef ATS
bit ats, bound;

active proctype unmap()
{
	bit seen;

	late_pte = 1;
	seen = ats;
	/* Posting takes the queue's lock. */
	drain();
#ifdef MUTANT_DEVICE_FIRST
	if
	:: seen -> devtlb = 0
	:: else
	fi;
#endif
	iotlb = 0;
#ifndef MUTANT_DEVICE_FIRST
	if
	:: seen -> devtlb = 0
	:: else
	fi;
#endif
	unmapped = 1
}

active proctype attach()
{
#ifdef MUTANT_COUNT_LATE
	bound = 1;
#endif
	ats = 1;
#ifndef MUTANT_NO_BARRIER
	drain();
#endif
#ifndef MUTANT_NO_FLUSH
	iotlb = 0;
#endif
	bound = 1
}

active proctype hardware()
{
end:
	do
	:: atomic { pte && !iotlb -> iotlb = 1 }
	:: atomic { bound && iotlb && !devtlb -> devtlb = 1 }
	od
}

active proctype check_a1()
{
end:
	unmapped;
	assert(!devtlb && !iotlb)
}
#endif

#ifdef KILL
bit killed, blocked, doubt, hw_blocked, binding, lock;
bit kill_ok, kill_doubtful, later_flush;
byte flush_seq, doubt_seq;

inline acquire() { atomic { !lock -> lock = 1 } }
inline release() { lock = 0 }

/* dmah_kill() and what a setup call does for it: block, flush, and the verdict. */
inline finish(confirmed, flushed)
{
	if
	:: hw_blocked = 1; confirmed = 1
	:: confirmed = 0
	fi;
	if
	:: iotlb = 0; flushed = 1
	:: flushed = 0
	fi;
	if
#ifdef MUTANT_ALWAYS_BLOCKED
	:: true -> blocked = 1
#else
	:: confirmed && flushed -> blocked = 1
	:: else ->
		acquire();
#ifndef MUTANT_NO_DOUBT
		doubt = 1;
#endif
		doubt_seq = flush_seq;
		release()
#endif
	fi
}

active proctype kill()
{
	bit ok, flushed, busy_binding;

	acquire();
	killed = 1;
	busy_binding = binding;
	release();
#ifdef MUTANT_NO_BINDING
	busy_binding = 0;
#endif
	if
	:: busy_binding -> acquire(); doubt = 1; doubt_seq = flush_seq; release(); kill_doubtful = 1
	:: else ->
		finish(ok, flushed);
		if
		:: ok && flushed -> kill_ok = 1
		:: else -> kill_doubtful = 1
		fi
	fi;
	/* K3, at this moment and, by the process below, later. */
	skip
}

active proctype bind()
{
	bit ok, flushed;

	acquire();
	if
	:: killed -> release(); goto done
	:: else -> binding = 1
	fi;
	release();
	hw_blocked = 0;
	acquire();
	binding = 0;
	ok = killed;
	release();
	if
	:: ok -> finish(ok, flushed)
	:: else
	fi;
done:
	skip
}

active proctype flush()
{
	byte seq;

	flush_seq++;
	seq = flush_seq;
	if
	:: iotlb = 0
	:: goto done
	fi;
	acquire();
	if
#ifdef MUTANT_ANY_FLUSH
	:: doubt -> doubt = 0
#else
	:: doubt && doubt_seq < seq -> later_flush = 1; doubt = 0
#endif
	:: else
	fi;
	release();
done:
	skip
}

/* An unmap of the killed device (strict domain), and of another one (lazy domain). */
active proctype unmaps()
{
	bit defers, mine, began_in_doubt;

	began_in_doubt = kill_doubtful;
	if
	:: true -> mine = 1; pte = 0; defers = blocked && !doubt
	:: true -> mine = 0; defers = !doubt
	fi;
	if
	:: defers ->
		/* K1, K2: it returns 0 and waited for nothing. */
		assert(!mine || hw_blocked);
		assert(mine || !began_in_doubt || later_flush)
	:: else ->
		if
		:: mine -> iotlb = 0
		:: skip
		fi
	fi
}

active proctype check_k3()
{
end:
	kill_ok;
	assert(hw_blocked)
}
#endif

#ifdef TWICE
/* pte_gen: the mapping's generation, 0: not present. Free: how often the granule is in a cache. */
byte pte_gen = 1, free, told_done, live;

inline end_entry(done)
{
#ifdef MUTANT_LOAD_AND_STORE
	if
	:: pte_gen == 1 -> pte_gen = 0; done = 1
	:: else -> done = 0
	fi
#else
	atomic {
		if
		:: pte_gen == 1 -> pte_gen = 0; done = 1
		:: else -> done = 0
		fi
	}
#endif
}

active [2] proctype unmap()
{
	bit done;

	end_entry(done);
	if
	:: done ->
		/* Strict: the invalidation; lazy: the queue. */
		told_done++;
		assert(told_done == 1);
		atomic { free++; assert(free == 1) }
	:: else
	fi
}

active proctype map()
{
	atomic { free > 0 -> free-- }
	live++;
	pte_gen = 2;
	assert(live == 1 && told_done == 1)
}
#endif
