/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Per-CPU memory: as in a kernel, each CPU has an area, at a fixed stride, and an object has the same
 * offset in all areas. A thread finds its CPU's area by one access relative to %fs, where a kernel
 * uses %gs. Preemption needs no stop, since a thread keeps its CPU's number.
 */
#ifndef SHIM_PERCPU_H
#define SHIM_PERCPU_H

#include "base.h"

#define SHIM_CPUS	   8
#define SHIM_PERCPU_STRIDE (8ul << 20)

extern __thread unsigned int shim_cpu;
extern __thread unsigned long shim_cpu_offset;

void *shim_percpu_alloc(size_t size, size_t align);
void shim_percpu_free(void *p);

#define __alloc_percpu(size, align) shim_percpu_alloc(size, align)
#define alloc_percpu(type)	    ((type *)shim_percpu_alloc(sizeof(type), __alignof__(type)))
#define free_percpu(p)		    shim_percpu_free(p)
#define per_cpu_ptr(p, cpu)	    ((__typeof__(p))((char *)(p) + (cpu)*SHIM_PERCPU_STRIDE))
#define raw_cpu_ptr(p)		    ((__typeof__(p))((char *)(p) + shim_cpu_offset))

#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < SHIM_CPUS; (cpu)++)
#define for_each_online_cpu(cpu)   for_each_possible_cpu(cpu)
#define num_online_cpus()	   SHIM_CPUS
#define cache_line_size()	   64

/* CPUs never go offline. */
#define CPUHP_IOMMU_IOVA_DEAD				  0
#define cpuhp_setup_state_multi(state, name, start, stop) ((void)(stop), 0)
#define cpuhp_remove_multi_state(state)			  ((void)0)
#define cpuhp_state_add_instance_nocalls(state, node)	  ((void)(node), 0)
#define cpuhp_state_remove_instance_nocalls(state, node)  ((void)(node))

#endif
