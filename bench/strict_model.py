#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Model strict unmaps of many CPUs that share one IOMMU's queue, event by event.

    strict_model.py [--markdown FILE] [--check]

Each CPU works for a driver (WORK ns), then unmaps: it clears an entry (CLEAR ns), takes the queue's lock, posts for POST ns a
command, and waits. The hardware executes commands in order, each LATENCY ns after the one before, as lab/sim's queue does
(lab/sim/invq.h). An invalidation is a command, and so is the wait behind it. Locks are fair. The ways to invalidate:

own      each unmap posts an invalidation and a wait of its own, as the library does today
shared   one wait is under way at a time. Unmaps that come meanwhile leave their addresses; when the wait is over, one of
         their CPUs posts all of the invalidations and one wait for them
domain   as shared, but eight or more addresses become one invalidation of the whole domain
batch    each CPU unmaps 32 mappings by a batch of its own (dmah_unmap_start()), which invalidates the domain and waits once, with
         16 batches under way

--check compares the model with closed forms, for a test.
"""

import heapq
import os
import sys

WORK, CLEAR, POST = 1000, 20, 15
BATCH, BATCHES_AHEAD, WHOLE_DOMAIN = 32, 16, 8
CPUS = (1, 2, 4, 8, 16, 32, 64)
LATENCIES = (50, 250)
WAYS = ("own", "shared", "domain", "batch")
UNMAPS = 40000


class Machine:
    """The queue's lock, the hardware, and the events to come."""

    def __init__(self, latency, work):
        self.latency, self.work = latency, work
        self.lock_free = self.last_due = 0
        self.events, self.number = [], 0
        self.unmaps = self.waited = 0
        self.jitter = 1

    def at(self, time, run):
        self.number += 1
        heapq.heappush(self.events, (time, self.number, run))

    def post(self, now, commands):
        """Post commands, the last of them a wait. Returns the time at which the CPU is done, and that of the wait."""
        self.lock_free = max(now, self.lock_free)
        for _ in range(commands):
            self.lock_free += POST
            self.last_due = max(self.last_due, self.lock_free) + self.latency
        return self.lock_free, self.last_due

    def working(self):
        """Work of half to one and a half of the mean, so that CPUs do not go in step."""
        if not self.work:
            return 0
        self.jitter = (self.jitter * 1103515245 + 12345) % (1 << 31)
        return self.work // 2 + self.jitter % self.work

    def done(self, begun, now, n=1):
        self.unmaps += n
        self.waited += (now - begun) * n


def own(m, _cpus):
    def unmap(now):
        _, over = m.post(now + CLEAR, 2)
        m.at(over, lambda t: (m.done(now, t), m.at(t + m.working(), unmap)))
    return unmap


def sharing(whole_domain):
    def way(m, _cpus):
        pending, busy = [], [False]

        def post_all(now):
            group = pending[:]
            pending.clear()
            busy[0] = True
            commands = 1 if whole_domain and len(group) >= WHOLE_DOMAIN else len(group)
            _, over = m.post(now, commands + 1)
            m.at(over, lambda t: end(t, group))

        def end(now, group):
            busy[0] = False
            for begun in group:
                m.done(begun, now)
                m.at(now + m.working(), unmap)
            if pending:
                post_all(now)

        def cleared(now, begun):
            pending.append(begun)
            if not busy[0]:
                post_all(now)

        def unmap(now):
            m.at(now + CLEAR, lambda t: cleared(t, now))
        return unmap
    return way


def batch(m, _cpus):
    def start():
        ahead = []

        def unmaps(now):
            # The work of 32 unmaps, then one post. The oldest batch is waited for when enough others are under way.
            cleared = now + sum(m.working() + CLEAR for _ in range(BATCH))
            m.at(cleared, post)

        def post(now):
            free, over = m.post(now, 2)
            ahead.append((now, over))
            if len(ahead) < BATCHES_AHEAD:
                m.at(free, unmaps)
                return
            begun, first_over = ahead.pop(0)
            m.at(max(free, first_over), lambda t: (m.done(begun, max(begun, first_over), BATCH), unmaps(t)))
        return unmaps
    # A batch is state of a CPU.
    return lambda now: start()(now)


STARTS = {"own": own, "shared": sharing(False), "domain": sharing(True), "batch": batch}


def simulate(way, cpus, latency, work=WORK, unmaps=UNMAPS):
    """Returns millions of unmaps a second, and the mean time of one in microseconds, from its begin to its invalidation's end."""
    m = Machine(latency, work)
    begin = STARTS[way](m, cpus)
    for _ in range(cpus):
        m.at(m.working(), begin)
    now = 0
    while m.unmaps < unmaps:
        now, _, run = heapq.heappop(m.events)
        run(now)
    return m.unmaps / now * 1000, m.waited / m.unmaps / 1000


def table():
    head = ["CPUs"]
    for latency in LATENCIES:
        head += ["%d ns, %s" % (latency, way) for way in WAYS]
    lines = ["| %s |" % " | ".join(head), "| %s |" % " | ".join("---:" for _ in head)]
    for cpus in CPUS:
        row = [str(cpus)]
        for latency in LATENCIES:
            row += ["%.1f (%.1f us)" % simulate(way, cpus, latency) for way in WAYS]
        lines.append("| %s |" % " | ".join(row))
    return "\n".join(lines)


def near(what, got, want, part=0.01):
    if abs(got - want) > want * part:
        sys.exit("strict_model.py: %s: %g instead of %g" % (what, got, want))


def check():
    """Closed forms: one CPU alone, and a queue that is never idle."""
    for latency in LATENCIES:
        alone = CLEAR + POST + 2 * latency
        for way in ("own", "shared", "domain"):
            near("one CPU, " + way, simulate(way, 1, latency, work=0)[0], 1000 / alone)
        near("a full queue, own", simulate("own", 64, latency, work=0)[0], 1000 / (2 * latency))
        near("a full queue, own: waiting", simulate("own", 64, latency, work=0)[1], 64 * 2 * latency / 1000, 0.05)
        # All other CPUs' addresses gather while one wait is under way.
        rate = simulate("domain", 64, latency, work=0)[0]
        if rate < 20 * simulate("own", 64, latency, work=0)[0]:
            sys.exit("strict_model.py: one invalidation for 63 unmaps is no 20 times faster")
        if simulate("shared", 64, latency, work=0)[0] < 1.8 * simulate("own", 64, latency, work=0)[0]:
            sys.exit("strict_model.py: half of the commands do not make twice the unmaps")
        near("batches, one CPU", simulate("batch", 1, latency)[0],
             1000 / (WORK + CLEAR + 2 * POST / BATCH), 0.02)
    print("the model agrees with its closed forms")


def main():
    args = sys.argv[1:]
    if args == ["--check"]:
        check()
        return
    text = "<!-- run: strict-model -->\n%s\n<!-- end -->\n" % table()
    if len(args) == 2 and args[0] == "--markdown":
        with open(args[1] + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.replace(args[1] + ".new", args[1])
    elif not args:
        print(text, end="")
    else:
        sys.exit("usage: strict_model.py [--markdown FILE] [--check]")


main()
