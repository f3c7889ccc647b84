/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Intel's 82574L network controller, which is QEMU's e1000e. Intel 82574 GbE Controller Family Datasheet, revision 3.4.
 *
 * A small driver that polls: one receive and one transmit queue, no offloads, frames of up to 1518 bytes without their
 * CRC. It shows how a network driver maps: received frames by a ring of mappings or in pages that stay mapped,
 * frames to send each with handles, whose unmaps share one wait.
 *
 *	err = e1000e_init(&nic, &config, memory, e1000e_memory(&config));
 *	err = e1000e_start(&nic);
 *	...
 *	e1000e_transmit(&nic, piece, 2, frame);
 *	e1000e_kick(&nic);
 *	e1000e_reap(&nic, sent, ctx);
 *	e1000e_receive(&nic, 64, packet, ctx);
 *	...
 *	err = e1000e_stop(&nic);
 *	err = e1000e_fini(&nic);
 *
 * Receiving and transmitting do not touch each other; the calls of one side must not run at the same time, and no other
 * call beside any.
 */
#ifndef DMAH_DRIVERS_E1000E_H
#define DMAH_DRIVERS_E1000E_H

#include <dmah/dmah.h>

/** E1000E_VENDOR, E1000E_DEVICE - PCI ids. */
#define E1000E_VENDOR 0x8086u
#define E1000E_DEVICE 0x10d3u

/** E1000E_FRAME - bytes of the longest frame, with a VLAN tag and without the CRC. */
#define E1000E_FRAME 1518u

/** E1000E_BUFFER - bytes of a receive buffer that the device may write: E1000E_FRAME and the CRC. */
#define E1000E_BUFFER 1522u

/** E1000E_BATCH - handles that e1000e_reap() unmaps together. */
#define E1000E_BATCH 32u

/**
 * enum e1000e_rx_mode - how receive buffers are mapped.
 * @E1000E_RX_RING: by a ring of mappings: what has come is unmapped together before anybody looks at it.
 * @E1000E_RX_PAGES: each by a handle, once; what has come is synced, and the buffer goes back as it is mapped.
 * @E1000E_RX_OWN: the owner maps, and gives descriptors by e1000e_rx_give().
 */
enum e1000e_rx_mode {
	E1000E_RX_RING,
	E1000E_RX_PAGES,
	E1000E_RX_OWN,
};

/**
 * struct e1000e_config - what to drive, and how.
 * @regs: its registers, as dmah_host_read32() takes them: BAR 0.
 * @dev: what it maps as; attached by the caller, a 64-bit device. No receive buffer of it has DMA address 0, which is
 *	no buffer to the device (7.1.7.2): of an aperture that begins there the first page is reserved.
 * @rx: how receive buffers are mapped.
 * @promiscuous: take frames for any address; else for the device's own, and broadcasts.
 * @rx_entries: receive descriptors, a power of two, 8 to 4096. One of them is always empty.
 * @tx_entries: transmit descriptors, likewise.
 * @buffers: physical address of the first of @rx_entries receive buffers; not with E1000E_RX_OWN.
 * @stride: bytes from one buffer to the next, at least E1000E_BUFFER.
 * @timeout_ns: how long the device may take over anything but the link, in nanoseconds; 0: 100 ms.
 */
struct e1000e_config {
	volatile void *regs;
	struct dmah_device *dev;
	enum e1000e_rx_mode rx;
	bool promiscuous;
	unsigned int rx_entries;
	unsigned int tx_entries;
	dmah_phys_t buffers;
	uint32_t stride;
	uint64_t timeout_ns;
};

/**
 * struct e1000e_stats - what came and went since e1000e_init().
 * @received: frames handed on.
 * @sent: frames that the device took.
 * @bad: frames that the device reported with an error, in more than one buffer, or longer than the buffer.
 * @missed: frames that the device dropped for want of descriptors.
 * @starved: times a buffer could not be mapped; it is tried again at the next e1000e_receive().
 */
struct e1000e_stats {
	uint64_t received;
	uint64_t sent;
	uint64_t bad;
	uint64_t missed;
	uint64_t starved;
};

struct e1000e_descriptor;

/**
 * struct e1000e_rx - the receive queue; private.
 * @desc: the descriptors.
 * @mapped: their mapping.
 * @state: who has each of them.
 * @head: the first that the device has.
 * @tail: behind the last that the device has.
 * @partial: a frame lies in more than one buffer, and its end is yet to come.
 * @next: the first that e1000e_receive() looks at.
 * @given: how many from there on have a buffer that is mapped.
 * @ring: E1000E_RX_RING: their mappings.
 * @buffer: of each, the buffer's physical address.
 * @h: E1000E_RX_PAGES: of each, the buffer's mapping.
 */
struct e1000e_rx {
	struct e1000e_descriptor *desc;
	struct dmah mapped;
	uint8_t *state;
	uint32_t head;
	uint32_t tail;
	bool partial;
	uint32_t next;
	uint32_t given;
	struct dmah_ring *ring;
	dmah_phys_t *buffer;
	struct dmah *h;
};

/**
 * struct e1000e_tx_slot - what is behind a transmit descriptor.
 * @h: the piece's mapping.
 * @cookie: the frame's, at its last piece.
 * @end: it is the frame's last piece.
 */
struct e1000e_tx_slot {
	struct dmah h;
	void *cookie;
	bool end;
};

/**
 * struct e1000e_tx - the transmit queue; private.
 * @desc: the descriptors.
 * @mapped: their mapping.
 * @slot: what is behind each.
 * @next: descriptors filled so far.
 * @clean: descriptors taken back so far.
 * @room: for the handles of a batch.
 */
struct e1000e_tx {
	struct e1000e_descriptor *desc;
	struct dmah mapped;
	struct e1000e_tx_slot *slot;
	uint32_t next;
	uint32_t clean;
	struct dmah room[E1000E_BATCH];
};

/**
 * struct e1000e - one device. Private but for @mac and @stats, which may be read.
 * @config: as given.
 * @regs: its registers.
 * @mac: its address, from e1000e_init() on.
 * @running: between start and stop.
 * @hung: the IOMMU did not confirm an unmap: nothing goes on but e1000e_stop().
 * @rx: the receive queue.
 * @tx: the transmit queue.
 * @stats: @stats.missed is behind what the device counted: e1000e_stats().
 */
struct e1000e {
	struct e1000e_config config;
	volatile uint8_t *regs;
	uint8_t mac[6];
	bool running;
	bool hung;
	struct e1000e_rx rx;
	struct e1000e_tx tx;
	struct e1000e_stats stats;
};

/** e1000e_memory() - bytes of memory for e1000e_init(); 0 where @config makes no sense. */
size_t e1000e_memory(const struct e1000e_config *config);

/**
 * e1000e_init() - reset the device, read its address, and make what the queues need.
 * @nic: where to put it.
 * @config: what to drive; copied.
 * @memory: e1000e_memory(@config) bytes, aligned to 64, never reachable by a device.
 * @size: its size in bytes.
 *
 * Context: may sleep. Return: 0; DMAH_EINVAL; DMAH_ENODEV: no such device there, or it has no address; DMAH_ETIMEDOUT: it
 * did not come out of reset; as dmah_alloc_coherent() and dmah_ring_init(). After an error nothing is mapped.
 */
int e1000e_init(struct e1000e *nic, const struct e1000e_config *config, void *memory, size_t size);

/** e1000e_fini() - give all of it back. Return: 0; DMAH_EBUSY: it runs; as dmah_free_coherent(), dmah_ring_fini(). */
int e1000e_fini(struct e1000e *nic);

/**
 * e1000e_start() - map the receive buffers, and let the device work.
 *
 * The link comes up later: e1000e_wait_link(). Context: as dmah_map(). Return: 0; DMAH_EBUSY: it runs; DMAH_ETIMEDOUT; as
 * dmah_ring_push() and dmah_map(), and then nothing is mapped.
 */
int e1000e_start(struct e1000e *nic);

/**
 * e1000e_stop() - have the device end all DMA, and unmap what is mapped. Frames not sent yet are given up: nobody is told
 *	of their cookies.
 *
 * Return: 0 or the first error of an unmap, and nothing is mapped any more; DMAH_ETIMEDOUT: the device did not stop, or
 * an unmap was not confirmed. Where the device did not stop nothing has been unmapped, since it may still write: it is
 * to be killed (dmah_kill()), and then e1000e_abandon()ed.
 */
int e1000e_stop(struct e1000e *nic);

/** e1000e_abandon() - the second half of e1000e_stop(), for a device that was killed or pulled. Return: as there. */
int e1000e_abandon(struct e1000e *nic);

/** e1000e_link() - whether the link is up. */
bool e1000e_link(struct e1000e *nic);

/** e1000e_wait_link() - wait at most @ns nanoseconds for the link. Return: 0, DMAH_ETIMEDOUT. */
int e1000e_wait_link(struct e1000e *nic, uint64_t ns);

/** e1000e_stats() - what came and went, the device's own counters included. */
void e1000e_stats(struct e1000e *nic, struct e1000e_stats *stats);

/* ---- receiving (rx.c) ---- */

/**
 * typedef e1000e_packet_fn - a frame has come.
 * @ctx: the owner's.
 * @phys: where it is; the CPU's while this runs.
 * @len: its bytes.
 *
 * Return: the buffer that the device gets next in its place: @phys, or another one of E1000E_BUFFER bytes, and then this
 * one is the owner's.
 */
typedef dmah_phys_t (*e1000e_packet_fn)(void *ctx, dmah_phys_t phys, uint32_t len);

/**
 * e1000e_receive() - hand on the frames that have come, and give the device buffers.
 * @nic: it runs; not with E1000E_RX_OWN.
 * @budget: at most so many.
 * @packet: called for each.
 * @ctx: passed to @packet.
 *
 * Return: descriptors done with, of which some may have held no whole frame; DMAH_ETIMEDOUT: an unmap was not confirmed, and
 * the device is to be stopped; DMAH_ESTALE, DMAH_EINVAL.
 */
int e1000e_receive(struct e1000e *nic, unsigned int budget, e1000e_packet_fn packet, void *ctx);

/*
 * By descriptor, with E1000E_RX_OWN: each descriptor may be another's, and be given back in any order. The device uses
 * them in turn, and waits for one that was not given.
 */

/**
 * e1000e_rx_give() - a descriptor gets a buffer.
 * @nic: it runs.
 * @i: which descriptor, below rx_entries.
 * @dma: DMA address of E1000E_BUFFER bytes that the device may write.
 *
 * The device learns of it by e1000e_rx_kick(). Return: 0, DMAH_EINVAL: the device has that one.
 */
int e1000e_rx_give(struct e1000e *nic, unsigned int i, dmah_addr_t dma);

/** e1000e_rx_kick() - tell the device of the descriptors that were given. */
void e1000e_rx_kick(struct e1000e *nic);

/**
 * e1000e_rx_done() - whether the device is done with a descriptor; it is the owner's then.
 * @i: which.
 * @len: where to put the frame's bytes; 0: there is no whole frame in it.
 */
bool e1000e_rx_done(struct e1000e *nic, unsigned int i, uint32_t *len);

/* ---- transmitting (tx.c) ---- */

/**
 * e1000e_transmit() - fill descriptors for a frame.
 * @nic: it runs.
 * @piece: where its bytes are, which stay the device's until e1000e_reap() says so.
 * @n: how many pieces, 1 to E1000E_BATCH.
 * @cookie: for e1000e_reap().
 *
 * The device learns of it by e1000e_kick(). Return: 0; DMAH_EINVAL: fewer than 17 bytes or more than E1000E_FRAME, or
 * it does not run; DMAH_ENOSPC: no @n descriptors are free; as dmah_map(), and then nothing has changed.
 */
int e1000e_transmit(struct e1000e *nic, const struct dmah_seg *piece, unsigned int n, void *cookie);

/** e1000e_kick() - tell the device of the frames that are to be sent. */
void e1000e_kick(struct e1000e *nic);

/**
 * e1000e_reap() - unmap the frames that were sent.
 * @sent: called for each with its cookie, in order, when its bytes are the CPU's; NULL: nobody wants to know.
 * @ctx: passed to @sent.
 *
 * Return: how many frames; DMAH_ETIMEDOUT: an unmap was not confirmed: the frames' memory must not be used for anything
 * else, and the device is to be stopped; DMAH_ESTALE, DMAH_EINVAL.
 */
int e1000e_reap(struct e1000e *nic, void (*sent)(void *ctx, void *cookie), void *ctx);

#endif /* DMAH_DRIVERS_E1000E_H */
