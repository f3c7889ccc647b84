/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Driver for Intel's 82574L network controller, which is QEMU's e1000e. Intel 82574 GbE Controller
 * Family Datasheet, revision 3.4.
 *
 * This driver is small and polls: one receive and one transmit queue, no offloads, frames of up to
 * 1518 bytes without their CRC. It shows how a network driver maps. Receive buffers are mapped by a
 * ring of mappings, or are pages that stay mapped. Each piece of a frame to send is mapped by a
 * handle, and the unmaps of many handles share one wait.
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
 * Receiving and transmitting are independent: one call that receives and one call that transmits
 * may run at the same time, but not two calls of one side. Every other call must run alone.
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

/** E1000E_BATCH - most handles that e1000e_reap() unmaps together. */
#define E1000E_BATCH 32u

/**
 * enum e1000e_rx_mode - how receive buffers are mapped.
 * @E1000E_RX_RING: by a ring of mappings: the buffers of all received frames are unmapped together,
 *	before the first frame is read.
 * @E1000E_RX_PAGES: each buffer by a handle, once. A received frame is synced for the CPU, and the
 *	device gets the buffer back still mapped.
 * @E1000E_RX_OWN: the caller maps buffers and fills descriptors with e1000e_rx_give().
 */
enum e1000e_rx_mode {
	E1000E_RX_RING,
	E1000E_RX_PAGES,
	E1000E_RX_OWN,
};

/**
 * struct e1000e_config - the device to drive, and its settings.
 * @regs: registers of the device (BAR 0), as dmah_host_read32() takes them.
 * @dev: the DMA device; attached by the caller, 64 bits wide. To the 82574, DMA address 0 means "no
 *	buffer" (7.1.7.2): reserve the first page of an aperture that begins at 0.
 * @rx: how receive buffers are mapped.
 * @promiscuous: true: accept frames for any address; false: only for the device's own address, and
 *	broadcasts.
 * @rx_entries: receive descriptors, a power of two, 8 to 4096. One of them is always empty.
 * @tx_entries: transmit descriptors, a power of two, 8 to 4096. One of them is always empty.
 * @buffers: physical address of the first of @rx_entries receive buffers; unused with
 *	E1000E_RX_OWN.
 * @stride: bytes from one buffer to the next, at least E1000E_BUFFER.
 * @timeout_ns: longest wait for the device, except for the link, in nanoseconds; 0: 100 ms.
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
 * struct e1000e_stats - counters since e1000e_init().
 * @received: frames passed to the caller.
 * @sent: frames that the device has sent.
 * @bad: frames that the device reported with an error, in more than one buffer, or longer than the
 *	buffer.
 * @missed: frames that the device dropped because no receive descriptor was free.
 * @starved: failed maps of a receive buffer; the next e1000e_receive() tries again.
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
 * @mapped: mapping of the descriptors.
 * @state: the owner of each descriptor.
 * @head: the first descriptor that the device owns.
 * @tail: one past the last descriptor that the device owns.
 * @partial: the last frame spans several buffers, and its end has not arrived.
 * @next: the next descriptor that e1000e_receive() reads.
 * @given: number of descriptors, from @next on, that have a mapped buffer.
 * @ring: mappings of the buffers, with E1000E_RX_RING.
 * @buffer: physical address of each descriptor's buffer.
 * @h: mapping of each descriptor's buffer, with E1000E_RX_PAGES.
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
 * struct e1000e_tx_slot - the piece of a frame that a transmit descriptor sends.
 * @h: mapping of the piece.
 * @cookie: the caller's cookie for the frame; set for the last piece only.
 * @end: true for the last piece of a frame.
 */
struct e1000e_tx_slot {
	struct dmah h;
	void *cookie;
	bool end;
};

/**
 * struct e1000e_tx - the transmit queue; private.
 * @desc: the descriptors.
 * @mapped: mapping of the descriptors.
 * @slot: the piece that each descriptor sends.
 * @next: number of descriptors filled so far.
 * @clean: number of descriptors taken back so far.
 * @room: memory for the handles of a batch.
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
 * struct e1000e - one device. Callers may read @mac and @stats; the rest is private.
 * @config: copy of the caller's configuration.
 * @regs: registers of the device.
 * @mac: MAC address of the device, valid after e1000e_init().
 * @running: true between e1000e_start() and e1000e_stop().
 * @hung: the IOMMU did not confirm an unmap: only e1000e_stop() works now.
 * @rx: the receive queue.
 * @tx: the transmit queue.
 * @stats: counters. e1000e_stats() brings @stats.missed up to date.
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

/** e1000e_memory() - bytes of memory for e1000e_init(); 0 if @config is invalid. */
size_t e1000e_memory(const struct e1000e_config *config);

/**
 * e1000e_init() - reset the device, read its MAC address, and allocate the queues.
 * @nic: storage for the driver's state.
 * @config: the device to drive, and its settings; copied.
 * @memory: e1000e_memory(@config) bytes, aligned to 64, never reachable by a device.
 * @size: size of @memory in bytes.
 *
 * Context: may sleep. Return: 0; DMAH_EINVAL; DMAH_ENODEV: there is no such device, or the device
 * has no MAC address; DMAH_ETIMEDOUT: the device did not come out of reset; or an error of
 * dmah_alloc_coherent() or dmah_ring_init(). After an error nothing is mapped.
 */
int e1000e_init(struct e1000e *nic, const struct e1000e_config *config, void *memory, size_t size);

/**
 * e1000e_fini() - free the queues.
 *
 * Return: 0; DMAH_EBUSY: the device runs; or an error of dmah_free_coherent() or dmah_ring_fini().
 */
int e1000e_fini(struct e1000e *nic);

/**
 * e1000e_start() - map the receive buffers, and start the device.
 *
 * The link comes up later: see e1000e_wait_link(). Context: as dmah_map(). Return: 0; DMAH_EBUSY:
 * the device runs already; DMAH_ETIMEDOUT: the device did not come out of reset; or an error of
 * dmah_ring_push() or dmah_map(), and then nothing is mapped.
 */
int e1000e_start(struct e1000e *nic);

/**
 * e1000e_stop() - stop all DMA of the device, and unmap all buffers. Frames that are not sent yet
 *	are dropped, and their cookies are not returned.
 *
 * Return: 0 or the first error of an unmap, and then nothing is mapped any more; DMAH_ETIMEDOUT:
 * the device did not stop, or an unmap was not confirmed. A device that did not stop may still
 * write, so all its buffers stay mapped: call dmah_kill(), then e1000e_abandon().
 */
int e1000e_stop(struct e1000e *nic);

/**
 * e1000e_abandon() - unmap all buffers of a device that was killed or unplugged: the second half of
 *	e1000e_stop(). Return: as e1000e_stop().
 */
int e1000e_abandon(struct e1000e *nic);

/** e1000e_link() - returns true if the link is up. */
bool e1000e_link(struct e1000e *nic);

/** e1000e_wait_link() - wait at most @ns nanoseconds for the link. Return: 0, DMAH_ETIMEDOUT. */
int e1000e_wait_link(struct e1000e *nic, uint64_t ns);

/** e1000e_stats() - read the counters, the device's own included. */
void e1000e_stats(struct e1000e *nic, struct e1000e_stats *stats);

/* ---- receiving (rx.c) ---- */

/**
 * typedef e1000e_packet_fn - take a received frame.
 * @ctx: the caller's context.
 * @phys: physical address of the frame; the CPU may access it during the call.
 * @len: bytes of the frame.
 *
 * Return: the buffer that the device gets next: @phys, or another buffer of E1000E_BUFFER bytes. In
 * the second case the caller keeps the buffer at @phys.
 */
typedef dmah_phys_t (*e1000e_packet_fn)(void *ctx, dmah_phys_t phys, uint32_t len);

/**
 * e1000e_receive() - pass received frames to the caller, and give the device new buffers.
 * @nic: a running device; not with E1000E_RX_OWN.
 * @budget: most descriptors to process.
 * @packet: called for each frame.
 * @ctx: passed to @packet.
 *
 * Return: number of descriptors processed, some of which may have held no whole frame;
 * DMAH_ETIMEDOUT: an unmap was not confirmed, and the caller must stop the device; DMAH_ESTALE,
 * DMAH_EINVAL.
 */
int e1000e_receive(struct e1000e *nic, unsigned int budget, e1000e_packet_fn packet, void *ctx);

/*
 * Receive by descriptor, with E1000E_RX_OWN. Descriptors may have different owners and may be given
 * in any order. The device uses descriptors in turn, and waits at one that was not given.
 */

/**
 * e1000e_rx_give() - put a buffer into a descriptor.
 * @nic: a running device.
 * @i: number of the descriptor, below rx_entries.
 * @dma: DMA address of E1000E_BUFFER bytes that the device may write.
 *
 * The device sees the buffer after e1000e_rx_kick(). Return: 0, or DMAH_EINVAL: the device owns the
 * descriptor.
 */
int e1000e_rx_give(struct e1000e *nic, unsigned int i, dmah_addr_t dma);

/** e1000e_rx_kick() - pass the descriptors that were given to the device. */
void e1000e_rx_kick(struct e1000e *nic);

/**
 * e1000e_rx_done() - returns true if the device has finished a descriptor, which is the caller's
 *	again.
 * @i: number of the descriptor.
 * @len: set to the bytes of the frame; 0: the descriptor holds no whole frame.
 */
bool e1000e_rx_done(struct e1000e *nic, unsigned int i, uint32_t *len);

/* ---- transmitting (tx.c) ---- */

/**
 * e1000e_transmit() - fill descriptors for a frame.
 * @nic: a running device.
 * @piece: memory of the frame; it belongs to the device until e1000e_reap() reports the frame.
 * @n: number of pieces, 1 to E1000E_BATCH.
 * @cookie: passed to the callback of e1000e_reap().
 *
 * The device sees the frame after e1000e_kick(). Return: 0; DMAH_EINVAL: the frame has fewer than
 * 17 or more than E1000E_FRAME bytes, or the device does not run; DMAH_ENOSPC: fewer than @n
 * descriptors are free; or an error of dmah_map(), and then nothing has changed.
 */
int e1000e_transmit(struct e1000e *nic, const struct dmah_seg *piece, unsigned int n, void *cookie);

/** e1000e_kick() - pass the frames that e1000e_transmit() queued to the device. */
void e1000e_kick(struct e1000e *nic);

/**
 * e1000e_reap() - unmap the frames that were sent.
 * @sent: called with the cookie of each frame, in order, once its memory is unmapped; may be NULL.
 * @ctx: passed to @sent.
 *
 * Return: number of frames; DMAH_ETIMEDOUT: an unmap was not confirmed, so the caller must not
 * reuse the frames' memory and must stop the device; DMAH_ESTALE, DMAH_EINVAL.
 */
int e1000e_reap(struct e1000e *nic, void (*sent)(void *ctx, void *cookie), void *ctx);

#endif /* DMAH_DRIVERS_E1000E_H */
