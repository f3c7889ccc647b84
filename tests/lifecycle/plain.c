/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#include "plain.h"

#define ALL (PLAIN_ROOM + PLAIN_POOLS * PLAIN_POOL)

dmah_phys_t plain_pool(const struct plain *p, unsigned int n)
{
	return p->room + PLAIN_ROOM + n * PLAIN_POOL;
}

static void open_pool(struct plain *p, unsigned int n)
{
	size_t size = dmah_pool_memory(PLAIN_POOL);

	p->pool_memory[n] = aligned_alloc(64, (size + 63) & ~(size_t)63);
	assert_int_equal(dmah_pool_init(&p->pool[n], plain_pool(p, n), PLAIN_POOL,
					p->pool_memory[n], size),
			 0);
	if (n)
		assert_int_equal(dmah_pool_chain(p->pool[0], p->pool[n]), 0);
}

dmah_phys_t plain_open(struct plain *p, const struct plain_config *config)
{
	struct dmah_domain_config domain = config->domain;
	struct sim_config sim;
	size_t size;

	memset(p, 0, sizeof(*p));
	assert_true(sim_config_named("direct", &sim));
	p->sim = sim_create(&sim);
	assert_non_null(p->sim);
	posix_set_cpu(0);
	assert_non_null(dmah_host_mem_alloc(ALL, ~0ull, 0, &p->room));
	for (p->pools = 0; p->pools < config->pools; p->pools++)
		open_pool(p, p->pools);
	domain.pool = p->pool[0];
	size = dmah_domain_memory(&domain);
	p->domain_memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
	assert_int_equal(dmah_domain_init(&p->dom, &domain, p->domain_memory, size), 0);
	p->dev = (struct dmah_device){ .name = "plain" };
	assert_int_equal(dmah_attach(p->dom, &p->dev, &config->limits), 0);
	return p->room;
}

void plain_close(struct plain *p)
{
	struct posix_alloc_stats stats;

	if (p->pools)
		assert_int_equal(dmah_pool_used(p->pool[0]), 0);
	assert_int_equal(dmah_detach(&p->dev), 0);
	assert_int_equal(dmah_domain_fini(p->dom), 0);
	dmah_host_mem_free(p->room, ALL);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.mem, 0);
	sim_destroy(p->sim);
	free(p->domain_memory);
	for (unsigned int i = 0; i < PLAIN_POOLS; i++)
		free(p->pool_memory[i]);
}
