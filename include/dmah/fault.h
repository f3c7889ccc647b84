/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: transactions that were refused, and the mappings that they were about.
 *
 *	static void tell(void *ctx, const struct dmah_fault *fault)
 *	{
 *		char text[DMAH_FAULT_TEXT];
 *
 *		dmah_fault_text(fault, symbol_of(fault->caller), text, sizeof(text));
 *		print(text);
 *	}
 *
 *	dmah_faults(&vtd.iommu, tell, NULL, NULL);	// from the fault interrupt, or now and then
 *
 * prints
 *
 *	write to 0xfffdf000 by nic (00:02.0): unmapped 12 us ago, was 0x3fdce000+4096 mapped by nic_fill_rx
 *
 * An IOMMU says no more than who wanted to go where. The rest comes from what a domain remembers of its mappings, without
 * any check build: who made a mapping, of what memory, and when it ended.
 */
#ifndef DMAH_FAULT_H
#define DMAH_FAULT_H

#include <dmah/device.h>
#include <dmah/iommu.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum dmah_fault_place - what is where a device was refused.
 * @DMAH_FAULT_NO_DEVICE: no device with that id is attached: nothing is known.
 * @DMAH_FAULT_NO_ADDRESS: the hardware recorded no address: the device itself was refused.
 * @DMAH_FAULT_OUTSIDE: no mapping can be there: outside the aperture.
 * @DMAH_FAULT_RESERVED: a range that is never handed out.
 * @DMAH_FAULT_NEVER: nothing was ever mapped there, as far as is remembered.
 * @DMAH_FAULT_UNMAPPED: a mapping that has ended.
 * @DMAH_FAULT_MAPPED: a live mapping: of another direction, or made since; or the device is blocked.
 */
enum dmah_fault_place {
	DMAH_FAULT_NO_DEVICE,
	DMAH_FAULT_NO_ADDRESS,
	DMAH_FAULT_OUTSIDE,
	DMAH_FAULT_RESERVED,
	DMAH_FAULT_NEVER,
	DMAH_FAULT_UNMAPPED,
	DMAH_FAULT_MAPPED,
};

/** DMAH_FAULT_AGE_UNKNOWN - an age that is not known. */
#define DMAH_FAULT_AGE_UNKNOWN UINT64_MAX

/**
 * struct dmah_fault - a transaction that was refused.
 * @hw: what the hardware recorded.
 * @iommu: by which IOMMU; NULL: by none.
 * @dev: the attached device with that id, or NULL. Good for as long as it is attached.
 * @killed: it was killed: it is meant to be refused.
 * @suppressed: faults of this device that were not told before this one, for there were too many.
 * @place: what is there. With DMAH_FAULT_UNMAPPED and DMAH_FAULT_MAPPED what follows is about that mapping.
 * @phys: physical address of the mapping's first byte; of the page, where @len is 0. 0: not remembered.
 * @len: bytes mapped; 0: not remembered.
 * @dir: what the device could do; 0: not remembered.
 * @owner: the device that it was mapped for; NULL: not attached any more, or not remembered.
 * @caller: who mapped it: the return address of the call; for a ring who set it up. NULL: not remembered. It is
 *	remembered in 32 bits, and good for code within 2 GiB of the library's.
 * @least, @most: unmapped between @least and @most nanoseconds ago. A strict unmap is known to a microsecond, a lazy one
 *	to lie between two flushes. @most is DMAH_FAULT_AGE_UNKNOWN where it is not known at all. Ages are modulo 9 hours.
 */
struct dmah_fault {
	struct dmah_iommu_fault hw;
	const struct dmah_iommu *iommu;
	const struct dmah_device *dev;
	bool killed;
	uint32_t suppressed;
	enum dmah_fault_place place;
	dmah_phys_t phys;
	uint32_t len;
	enum dmah_dir dir;
	const struct dmah_device *owner;
	const void *caller;
	uint64_t least;
	uint64_t most;
};

/** DMAH_FAULT_BURST - faults of one device that are told in DMAH_FAULT_WINDOW; more are only counted. */
#define DMAH_FAULT_BURST 10u
/** DMAH_FAULT_WINDOW - in nanoseconds. */
#define DMAH_FAULT_WINDOW 1000000000ull

/**
 * struct dmah_fault_count - what dmah_faults() did.
 * @taken: records taken from the hardware.
 * @suppressed: those that were not told: a device that faults without end must not take the host with it. Each device has
 *	its own measure, and those that are not attached have one together.
 * @lost: the hardware had no room for others.
 */
struct dmah_fault_count {
	uint32_t taken;
	uint32_t suppressed;
	bool lost;
};

/**
 * dmah_faults() - take what an IOMMU has recorded, and tell what it was about.
 * @iommu: the IOMMU.
 * @fn: called for each fault, the oldest first, with no lock held; NULL: they are only counted.
 * @ctx: passed to it.
 * @count: what was done; NULL: no matter.
 *
 * At most 256 records at a time; what is left is there the next time. No device behind @iommu may be detached meanwhile
 * by another CPU if @fn looks at @dev or @owner.
 *
 * Context: any but inside dmah_host_enter(). Return: 0, DMAH_ENOTSUP (its driver reports none).
 */
int dmah_faults(struct dmah_iommu *iommu, void (*fn)(void *ctx, const struct dmah_fault *fault),
		void *ctx, struct dmah_fault_count *count);

/**
 * dmah_fault_explain() - what a transaction of a device was about that something else refused: a bus error, a master
 *	abort, an IOMMU of somebody else's.
 * @dev: the device, attached, whatever its backend.
 * @hw: what is known: @hw->addr is a DMA address.
 * @fault: where to put all of it.
 *
 * Context: any but inside dmah_host_enter(); @dev stays attached.
 */
void dmah_fault_explain(const struct dmah_device *dev, const struct dmah_iommu_fault *hw,
			struct dmah_fault *fault);

/** DMAH_FAULT_TEXT - bytes that are enough for the text of any fault whose names are of usual length. */
#define DMAH_FAULT_TEXT 256u

/**
 * dmah_fault_text() - a fault in words, on one line.
 * @fault: the fault.
 * @caller: the name of @fault->caller, as the host's symbols have it; NULL: its address is printed.
 * @text: where to put it; ends with a zero, cut off where there is no room.
 * @size: bytes there, not 0.
 *
 * Context: any. Return: bytes that the whole text has, without the zero.
 */
size_t dmah_fault_text(const struct dmah_fault *fault, const char *caller, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_FAULT_H */
