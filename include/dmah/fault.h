/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: reports of refused transactions, each with the mapping that the transaction was about.
 *
 *	static void report(void *ctx, const struct dmah_fault *fault)
 *	{
 *		char text[DMAH_FAULT_TEXT];
 *
 *		dmah_fault_text(fault, symbol_of(fault->caller), text, sizeof(text));
 *		print(text);
 *	}
 *
 *	dmah_faults(&vtd.iommu, report, NULL, NULL);	// from the fault interrupt, or from a timer
 *
 * This program prints (on one line)
 *
 *	write to 0xfffdf000 by nic (00:02.0): unmapped 12 us ago,
 *	was 0x3fdce000+4096 mapped by nic_fill_rx
 *
 * An IOMMU records only the device, the address and the kind of access. The rest comes from the
 * history of the domain, which is always on: the caller that made the mapping, its memory, and the
 * time of its end.
 */
#ifndef DMAH_FAULT_H
#define DMAH_FAULT_H

#include <dmah/device.h>
#include <dmah/iommu.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum dmah_fault_place - the state of the address at which a device was refused.
 * @DMAH_FAULT_NO_DEVICE: no device with that id is attached: nothing is known.
 * @DMAH_FAULT_NO_ADDRESS: the hardware recorded no address, because it refused the device itself.
 * @DMAH_FAULT_OUTSIDE: outside the aperture, so that no mapping can exist there.
 * @DMAH_FAULT_RESERVED: in a range that the library never hands out.
 * @DMAH_FAULT_NEVER: never mapped, as far as the history goes back.
 * @DMAH_FAULT_UNMAPPED: in a mapping that has ended.
 * @DMAH_FAULT_MAPPED: in a live mapping. The mapping has another direction, or was made after the
 *	fault, or the device is blocked.
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

/** DMAH_FAULT_AGE_UNKNOWN - the value of an unknown age. */
#define DMAH_FAULT_AGE_UNKNOWN UINT64_MAX

/**
 * struct dmah_fault - a refused transaction.
 * @hw: the record of the hardware.
 * @iommu: the IOMMU that refused it; NULL: not refused by an IOMMU.
 * @dev: the attached device with that id, or NULL. Valid until the device is detached.
 * @killed: dmah_kill() was called for @dev, so refusals are expected.
 * @suppressed: number of faults of this device that the rate limit has suppressed since the last
 *	reported one.
 * @place: the state of the address. With DMAH_FAULT_UNMAPPED and DMAH_FAULT_MAPPED the fields below
 *	describe the mapping at this address.
 * @phys: physical address of the mapping's first byte, or of the page if @len is 0. 0: not
 *	recorded.
 * @len: bytes mapped; 0: not recorded.
 * @dir: direction of the mapping; 0: not recorded.
 * @owner: the device that the mapping was made for; NULL: no longer attached, or not recorded.
 * @caller: the return address of the call that made the mapping; for a ring, of dmah_ring_init().
 *	NULL: not recorded. Only 32 bits are recorded, so the address is right for code within 2 GiB
 *	of the library.
 * @least, @most: the mapping was unmapped between @least and @most nanoseconds ago. For a strict
 *	unmap both differ by about a microsecond; a lazy unmap lies between two flushes. @most is
 *	DMAH_FAULT_AGE_UNKNOWN if the age is unknown. Ages are modulo 9 hours.
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

/**
 * DMAH_FAULT_BURST - largest number of reported faults of one device in DMAH_FAULT_WINDOW; more are
 * only counted.
 */
#define DMAH_FAULT_BURST 10u
/** DMAH_FAULT_WINDOW - length of the rate limit's window, in nanoseconds. */
#define DMAH_FAULT_WINDOW 1000000000ull

/**
 * struct dmah_fault_count - the result of dmah_faults().
 * @taken: records taken from the hardware.
 * @suppressed: the part of @taken that the rate limit did not report, because a device that faults
 *	again and again must not stall the host. Each attached device has its own limit; all others
 *	share one.
 * @lost: the hardware had no room for further records and dropped them.
 */
struct dmah_fault_count {
	uint32_t taken;
	uint32_t suppressed;
	bool lost;
};

/**
 * dmah_faults() - take the recorded faults of an IOMMU and report each with its mapping.
 * @iommu: the IOMMU.
 * @fn: called for each reported fault, the oldest first, with no lock held; NULL: faults are only
 *	counted.
 * @ctx: passed to @fn.
 * @count: receives the counts; may be NULL.
 *
 * Takes at most 256 records; the next call takes further ones. If @fn uses @dev or @owner, no other
 * CPU may detach a device behind @iommu during this call.
 *
 * Context: any except inside dmah_host_enter().
 * Return: 0; DMAH_ENOTSUP: the driver of @iommu reports no faults.
 */
int dmah_faults(struct dmah_iommu *iommu, void (*fn)(void *ctx, const struct dmah_fault *fault),
		void *ctx, struct dmah_fault_count *count);

/**
 * dmah_fault_explain() - describe a transaction that something other than the library's IOMMU
 * refused.
 * @dev: the device, attached, with any backend.
 * @hw: the known facts; @hw->addr is a DMA address.
 * @fault: receives the description.
 *
 * Use this call for a bus error, a master abort, or an IOMMU with another owner.
 *
 * Context: any except inside dmah_host_enter(). @dev must stay attached during this call.
 */
void dmah_fault_explain(const struct dmah_device *dev, const struct dmah_iommu_fault *hw,
			struct dmah_fault *fault);

/** DMAH_FAULT_TEXT - bytes for the text of a fault, enough for names of usual length. */
#define DMAH_FAULT_TEXT 256u

/**
 * dmah_fault_text() - write a fault in words, on one line.
 * @fault: the fault.
 * @caller: the symbol name of @fault->caller, from the host; NULL: the text shows the address.
 * @text: receives the text, zero-terminated, truncated to @size.
 * @size: bytes of @text, not 0.
 *
 * Context: any.
 * Return: bytes of the whole text, without the terminating zero.
 */
size_t dmah_fault_text(const struct dmah_fault *fault, const char *caller, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* DMAH_FAULT_H */
