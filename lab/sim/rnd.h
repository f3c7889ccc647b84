/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Random numbers that a seed repeats: splitmix64. */
#ifndef SIM_RND_H
#define SIM_RND_H

#include <stdint.h>

static inline uint64_t sim_rnd(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

#endif /* SIM_RND_H */
