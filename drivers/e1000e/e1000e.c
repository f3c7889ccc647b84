/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Set the device up and take it down. Intel 82574 GbE Controller Family Datasheet, 4.6
 * (initialisation).
 */
#include "regs.h"

/*
 * Wait this long after a reset before reading registers (10.2.2.1). Where the clock is coarse, this
 * many pauses end the wait instead.
 */
#define RESET_SETTLE_NS 1000u
#define RESET_PAUSES	100000u
#define TIMEOUT_NS	100000000u

/* ---- memory ---- */

static bool entries_valid(unsigned int n)
{
	return n >= 8 && n <= 4096 && !(n & (n - 1));
}

static bool config_valid(const struct e1000e_config *c)
{
	return c->regs && c->dev && entries_valid(c->rx_entries) && entries_valid(c->tx_entries) &&
	       (c->rx == E1000E_RX_OWN || ((c->rx == E1000E_RX_RING || c->rx == E1000E_RX_PAGES) &&
					   c->stride >= E1000E_BUFFER));
}

/* A buffer may begin anywhere in a granule, so an entry has room for two granules. */
static struct dmah_ring_config ring_config(const struct e1000e_config *c)
{
	return (struct dmah_ring_config){ .entries = c->rx_entries,
					  .entry_size = 2 * DMAH_PAGE_SIZE,
					  .dir = DMAH_FROM_DEVICE };
}

/* The parts of the memory, each aligned to 64. */
struct layout {
	size_t state;
	size_t buffer;
	size_t h;
	size_t slot;
	size_t ring;
	size_t end;
};

static size_t behind(size_t at, size_t size)
{
	return (at + size + 63) & ~(size_t)63;
}

static void lay_out(const struct e1000e_config *c, struct layout *l)
{
	struct dmah_ring_config ring = ring_config(c);
	bool pages = c->rx == E1000E_RX_PAGES;

	l->state = 0;
	l->buffer = behind(l->state, c->rx_entries);
	l->h = behind(l->buffer, c->rx_entries * sizeof(dmah_phys_t));
	l->slot = behind(l->h, pages ? c->rx_entries * sizeof(struct dmah) : 0);
	l->ring = behind(l->slot, c->tx_entries * sizeof(struct e1000e_tx_slot));
	l->end = behind(l->ring, c->rx == E1000E_RX_RING ? dmah_ring_memory(&ring) : 0);
}

size_t e1000e_memory(const struct e1000e_config *config)
{
	struct layout l;

	if (!config_valid(config))
		return 0;
	lay_out(config, &l);
	return l.end;
}

static void clear(uint8_t *at, size_t n)
{
	while (n--)
		*at++ = 0;
}

/* ---- the device ---- */

static int wait_for(struct e1000e *nic, uint32_t reg, uint32_t mask, uint32_t value, uint64_t ns)
{
	uint64_t begun = dmah_host_now();

	while ((reg_read(nic, reg) & mask) != value) {
		if (dmah_host_now() - begun > ns)
			return DMAH_ETIMEDOUT;
		dmah_host_relax();
	}
	return DMAH_OK;
}

static void settle(void)
{
	uint64_t begun = dmah_host_now();

	for (unsigned int i = 0; i < RESET_PAUSES && dmah_host_now() - begun < RESET_SETTLE_NS; i++)
		dmah_host_relax();
}

/*
 * Stop all DMA. A reset in the middle of a transaction may hang the bus, so first have the device
 * end the transactions that are under way (3.1.3.10), then reset everything but the PHY.
 */
static int quiesce(struct e1000e *nic)
{
	uint64_t ns = nic->config.timeout_ns;
	int err;

	reg_write(nic, REG_IMC, ~0u);
	reg_write(nic, REG_RCTL, 0);
	reg_write(nic, REG_TCTL, TCTL_PAD);
	reg_write(nic, REG_CTRL, reg_read(nic, REG_CTRL) | CTRL_MASTER_DISABLE);
	err = wait_for(nic, REG_STATUS, STATUS_MASTER_ENABLE, 0, ns);
	if (err)
		return err;
	reg_write(nic, REG_CTRL, reg_read(nic, REG_CTRL) | CTRL_RESET);
	settle();
	err = wait_for(nic, REG_CTRL, CTRL_RESET, 0, ns);
	reg_write(nic, REG_IMC, ~0u);
	return err;
}

/* Read the MAC address. At reset the device loads it into the first receive address (10.2.5). */
static int read_mac(struct e1000e *nic)
{
	uint32_t high, low;
	int err = wait_for(nic, REG_RAH, RAH_VALID, RAH_VALID, nic->config.timeout_ns);

	if (err)
		return DMAH_ENODEV;
	low = reg_read(nic, REG_RAL);
	high = reg_read(nic, REG_RAH);
	for (unsigned int i = 0; i < 6; i++)
		nic->mac[i] = (uint8_t)(i < 4 ? low >> 8 * i : high >> 8 * (i - 4));
	return DMAH_OK;
}

/* ---- init and fini ---- */

static int alloc_rings(struct e1000e *nic)
{
	const struct e1000e_config *c = &nic->config;
	size_t size = sizeof(struct e1000e_descriptor);
	void *rx, *tx;
	int err = dmah_alloc_coherent(c->dev, &nic->rx.mapped, c->rx_entries * size, &rx);

	if (err)
		return err;
	err = dmah_alloc_coherent(c->dev, &nic->tx.mapped, c->tx_entries * size, &tx);
	if (err) {
		dmah_free_coherent(c->dev, &nic->rx.mapped);
		return err;
	}
	nic->rx.desc = rx;
	nic->tx.desc = tx;
	return DMAH_OK;
}

static int free_rings(struct e1000e *nic)
{
	int rx = dmah_free_coherent(nic->config.dev, &nic->rx.mapped);
	int tx = dmah_free_coherent(nic->config.dev, &nic->tx.mapped);

	return rx ? rx : tx;
}

int e1000e_init(struct e1000e *nic, const struct e1000e_config *config, void *memory, size_t size)
{
	struct dmah_ring_config ring = ring_config(config);
	size_t need = e1000e_memory(config);
	uint8_t *at = memory;
	struct layout l;
	int err;

	if (!need || size < need)
		return DMAH_EINVAL;
	lay_out(config, &l);
	clear((uint8_t *)nic, sizeof(*nic));
	clear(at, l.ring);
	nic->config = *config;
	nic->config.timeout_ns = config->timeout_ns ? config->timeout_ns : TIMEOUT_NS;
	nic->regs = config->regs;
	nic->rx.state = at + l.state;
	nic->rx.buffer = (dmah_phys_t *)(void *)(at + l.buffer);
	nic->rx.h = (struct dmah *)(void *)(at + l.h);
	nic->tx.slot = (struct e1000e_tx_slot *)(void *)(at + l.slot);
	for (unsigned int i = 0; i < config->rx_entries; i++)
		nic->rx.buffer[i] = config->buffers + (uint64_t)i * config->stride;
	/* Without a device, every register reads as all ones. */
	if (reg_read(nic, REG_STATUS) == ~0u)
		return DMAH_ENODEV;
	err = quiesce(nic);
	if (!err)
		err = read_mac(nic);
	if (!err)
		err = alloc_rings(nic);
	if (err || config->rx != E1000E_RX_RING)
		return err;
	err = dmah_ring_init(&nic->rx.ring, config->dev, &ring, at + l.ring, size - l.ring);
	if (err)
		free_rings(nic);
	return err;
}

int e1000e_fini(struct e1000e *nic)
{
	int err = DMAH_OK;

	if (nic->running)
		return DMAH_EBUSY;
	if (nic->rx.ring)
		err = dmah_ring_fini(nic->rx.ring);
	if (err)
		return err;
	nic->rx.ring = NULL;
	return free_rings(nic);
}

/* ---- start and stop ---- */

/*
 * Accept exact addresses and broadcasts only. The multicast table is undefined until it is written
 * (4.6), so clear it.
 */
static void set_filters(struct e1000e *nic)
{
	for (uint32_t i = 0; i < MTA_WORDS; i++)
		reg_write(nic, REG_MTA + 4 * i, 0);
}

int e1000e_start(struct e1000e *nic)
{
	uint32_t ctrl;
	int err;

	if (nic->running)
		return DMAH_EBUSY;
	err = quiesce(nic);
	if (err)
		return err;
	/*
	 * Allow DMA again after the reset. The device's own PHY negotiates speed and duplex
	 * (4.6.3).
	 */
	ctrl = reg_read(nic, REG_CTRL) &
	       ~(CTRL_MASTER_DISABLE | CTRL_FORCE_SPEED | CTRL_FORCE_DUPLEX);
	reg_write(nic, REG_CTRL, ctrl | CTRL_LINK_UP);
	set_filters(nic);
	e1000e_tx_setup(nic);
	e1000e_rx_setup(nic);
	nic->running = true;
	nic->hung = false;
	err = e1000e_rx_fill(nic);
	if (err) {
		/* The device does not know of any buffer yet. */
		(void)quiesce(nic);
		(void)e1000e_abandon(nic);
		return err;
	}
	reg_write(nic, REG_RCTL,
		  RCTL_ENABLE | RCTL_BROADCAST | RCTL_STRIP_CRC |
			  (nic->config.promiscuous ? RCTL_PROMISCUOUS | RCTL_MULTICAST : 0u));
	e1000e_rx_kick(nic);
	return DMAH_OK;
}

/* Add the device's counter to ours: the device clears its counter at each read and at a reset. */
static void count_missed(struct e1000e *nic)
{
	if (nic->running)
		nic->stats.missed += reg_read(nic, REG_MPC);
}

int e1000e_abandon(struct e1000e *nic)
{
	int rx, tx;

	if (!nic->running)
		return DMAH_OK;
	rx = e1000e_rx_drop(nic);
	tx = e1000e_tx_drop(nic);
	nic->running = false;
	return rx ? rx : tx;
}

int e1000e_stop(struct e1000e *nic)
{
	int err;

	if (!nic->running)
		return DMAH_OK;
	count_missed(nic);
	err = quiesce(nic);
	return err ? err : e1000e_abandon(nic);
}

/* ---- the link, counters ---- */

bool e1000e_link(struct e1000e *nic)
{
	return (reg_read(nic, REG_STATUS) & STATUS_LINK_UP) != 0;
}

int e1000e_wait_link(struct e1000e *nic, uint64_t ns)
{
	return wait_for(nic, REG_STATUS, STATUS_LINK_UP, STATUS_LINK_UP, ns);
}

void e1000e_stats(struct e1000e *nic, struct e1000e_stats *stats)
{
	count_missed(nic);
	*stats = nic->stats;
}
