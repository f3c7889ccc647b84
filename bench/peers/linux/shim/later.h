/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Timers and workers, which never run here. The flush queues' timer (every 10 ms) and the worker that
 * trims the IOVA depot (every 100 ms) would compete for locks. Without them Linux is a little faster,
 * and the last unmaps of a lazy domain stay in its queue. Arming them costs the caller as much as in
 * a kernel: a test of a bit for the worker, a store for the timer.
 */
#ifndef SHIM_LATER_H
#define SHIM_LATER_H

#include "atomic.h"

struct work_struct {
	void (*fn)(struct work_struct *work);
	unsigned long pending;
};

struct delayed_work {
	struct work_struct work;
};

struct timer_list {
	void (*fn)(struct timer_list *timer);
	unsigned long expires;
};

#define INIT_DELAYED_WORK(w, function) ((w)->work.fn = (function), (w)->work.pending = 0)
#define schedule_delayed_work(w, delay) \
	((void)(delay), (void)__atomic_fetch_or(&(w)->work.pending, 1, __ATOMIC_SEQ_CST))
#define cancel_delayed_work_sync(w) ((void)(w))

#define jiffies				     0ul
#define msecs_to_jiffies(ms)		     ((unsigned long)(ms) / 4)
#define timer_setup(timer, function, flags)  ((timer)->fn = (function))
#define mod_timer(timer, at)		     ((timer)->expires = (at))
#define del_timer_sync(timer)		     ((void)(timer))
#define timer_delete_sync(timer)	     ((void)(timer))
#define timer_container_of(p, timer, member) container_of(timer, __typeof__(*(p)), member)
#define from_timer(p, timer, member)	     container_of(timer, __typeof__(*(p)), member)

/* Faults and page requests of devices never happen here. */
struct completion {
	int done;
};

typedef s64 ktime_t;
#define ktime_get()	  ((ktime_t)0)
#define ktime_to_ns(time) (time)

#endif
