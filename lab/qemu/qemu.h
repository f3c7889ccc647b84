/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * QEMU's device models as a machine to test on. No guest CPU runs: this process acts as the CPU.
 *
 * RAM is shared memory, so page tables, queues and buffers are reached by plain loads and stores. Register accesses use
 * QEMU's qtest protocol, one round trip (some 40 us) each. The machine is also the machine of ports/posix: the library's
 * allocations lie in its RAM, and dmah_host_read32() and the like reach its registers by the pointers of qemu_regs().
 *
 * The port has one machine at a time. Several threads may use registers; one thread only may call the other functions. An
 * error of QEMU (missing, died, does not answer) ends the process and prints QEMU's stderr.
 *
 *	struct qemu *q = qemu_machine(&(struct qemu_config){
 *		.kind = QEMU_VTD, .args = (const char *const[]){ "-device", QEMU_EDU, NULL } });
 *	struct qemu_pci edu;
 *
 *	assert_true(qemu_pci_find(q, 0x1234, 0x11e8, 0, &edu));
 *	regs = qemu_regs(q, edu.bar[0]);
 */
#ifndef DMAH_LAB_QEMU_H
#define DMAH_LAB_QEMU_H

#include <dmah/types.h>

/**
 * enum qemu_kind - kinds of machines.
 * @QEMU_VTD: q35 with intel-iommu.
 * @QEMU_SMMU: the arm64 virt machine with an SMMUv3.
 * @QEMU_AMD: q35 with amd-iommu.
 * @QEMU_VIRTIO: q35 with a virtio-iommu, a PCI function.
 * @QEMU_RISCV: the riscv64 virt machine; "iommu-sys=on" in @machine gives it an IOMMU at QEMU_RISCV_REGS, and
 *	QEMU_RISCV_PCI in front of all other devices one that is a PCI function. QEMU 11 alone has these.
 */
enum qemu_kind {
	QEMU_VTD,
	QEMU_SMMU,
	QEMU_AMD,
	QEMU_RISCV,
	QEMU_VIRTIO,
};

/**
 * QEMU_VTD_REGS, QEMU_SMMU_REGS, QEMU_AMD_REGS, QEMU_RISCV_REGS - physical addresses of the IOMMU's registers.
 * QEMU_SMMU_AT() - those of the @n-th SMMU that the arguments name (-device arm-smmuv3), where the configuration has @iommu.
 */
#define QEMU_VTD_REGS	0xfed90000ull
#define QEMU_SMMU_REGS	0x09050000ull
#define QEMU_AMD_REGS	0xfed80000ull
#define QEMU_RISCV_REGS 0x03010000ull
#define QEMU_SMMU_AT(n) (0x0c000000ull + (n)*0x20000ull)

/** QEMU_RISCV_PCI - the RISC-V IOMMU that is a PCI function, as the argument behind "-device". */
#define QEMU_RISCV_PCI "riscv-iommu-pci,addr=1"

/** QEMU_EDU - the edu device, as the argument behind "-device". */
#define QEMU_EDU "edu,dma_mask=0xffffffffffffffff"

/**
 * struct qemu_config - a machine.
 * @kind: enum qemu_kind.
 * @newer: QEMU 11, which lab/vm fetches and unpacks beside the system; else the system's own, 7.2.
 * @iommu: QEMU_VTD: further options of intel-iommu ("aw-bits=39,caching-mode=on"); NULL: "aw-bits=48". QEMU_SMMU, with
 *	@newer: options of arm-smmuv3 on the bus pcie.0 ("stage=2"); NULL: the machine's own SMMU, at QEMU_SMMU_REGS. QEMU_AMD:
 *	further options of amd-iommu ("xtsup=on"). The others have none.
 * @machine: further options of the machine ("gic-version=2"); the last value counts if an option is given twice. NULL: none.
 * @ram: bytes of RAM, a multiple of 2 MiB, at least 16 MiB; 0: 64 MiB. Only touched pages take memory.
 * @args: further arguments of QEMU, ended by NULL: devices, drives, networks; NULL: none. Devices are put on bus 0 in
 *	the order of the arguments.
 * @incoherent: the port's pages (dmah_host_page_alloc()) are behind a cache that devices do not snoop: writes of the CPU
 *	reach RAM by dmah_host_cache() alone. All other memory stays coherent.
 */
struct qemu_config {
	enum qemu_kind kind;
	bool newer;
	const char *iommu;
	const char *machine;
	uint64_t ram;
	const char *const *args;
	bool incoherent;
};

struct qemu;

/**
 * qemu_machine() - get a machine as after power-on, with RAM all zero, and give it to the port.
 * @config: the configuration.
 *
 * The first call for a configuration starts QEMU; later calls reset that machine. No memory of the port may be allocated,
 * and pointers to registers of an earlier machine become invalid.
 */
struct qemu *qemu_machine(const struct qemu_config *config);

/** qemu_stop_all() - stop every machine. Also called when the process exits. */
void qemu_stop_all(void);

/**
 * qemu_log() - Returns QEMU's stderr since the log was last printed or dropped.
 *
 * A test that passes drops the log. A test that fails does not reach that point, so the next qemu_machine(), or the end of
 * the process, prints the log to stdout, below the messages of the test.
 */
const char *qemu_log(struct qemu *q);

/** qemu_log_flush() - print the last lines of the log, each behind "# qemu: ". */
void qemu_log_flush(struct qemu *q);

/** qemu_log_drop() - drop the log. */
void qemu_log_drop(struct qemu *q);

/* ---- RAM ---- */

/** qemu_ram() - Returns a pointer to [@phys, @phys + @len), which must be RAM. */
void *qemu_ram(struct qemu *q, dmah_phys_t phys, uint64_t len);

/**
 * qemu_take() - reserve memory for buffers until the next qemu_machine().
 * @q: the machine.
 * @size: bytes.
 * @align: a power of two.
 *
 * Returns the physical address.
 */
dmah_phys_t qemu_take(struct qemu *q, uint64_t size, uint64_t align);

/* ---- registers ---- */

/**
 * qemu_regs() - Returns a pointer to the registers at @phys, for dmah_host_read32() and the like alone. A load or store
 *	through the pointer faults.
 */
volatile void *qemu_regs(struct qemu *q, dmah_phys_t phys);

/** qemu_read() - read a register of @size bytes (1, 2, 4, 8) by its physical address. */
uint64_t qemu_read(struct qemu *q, dmah_phys_t phys, unsigned int size);

/** qemu_write() - write a register of @size bytes. */
void qemu_write(struct qemu *q, dmah_phys_t phys, unsigned int size, uint64_t value);

/** qemu_in(), qemu_out() - read or write an x86 I/O port; @size 1, 2 or 4. */
uint32_t qemu_in(struct qemu *q, uint16_t port, unsigned int size);
void qemu_out(struct qemu *q, uint16_t port, unsigned int size, uint32_t value);

/**
 * qemu_hold() - keep writes to the register at @phys from the device, so that the device seems to hang.
 *
 * Keeps the last write only. One register at a time can be held. Affects dmah_host_write32() and qemu_write() alike.
 */
void qemu_hold(struct qemu *q, dmah_phys_t phys);

/** qemu_release() - pass the last held write on, if any, and all later writes. */
void qemu_release(struct qemu *q);

/**
 * qemu_pretend() - change the value that reads of the register at @phys return, until the next qemu_machine(). Shows
 *	drivers capabilities and errors that the model does not have.
 * @clear, @set: bits that read as 0, and as 1. A second call for a register replaces the first. At most 4 registers.
 */
void qemu_pretend(struct qemu *q, dmah_phys_t phys, uint64_t clear, uint64_t set);

/**
 * qemu_watch() - call @fn before each write to a register; NULL: stop. @fn must not use registers.
 */
void qemu_watch(struct qemu *q,
		void (*fn)(void *ctx, dmah_phys_t phys, unsigned int size, uint64_t value),
		void *ctx);

/**
 * qemu_wait() - call @fn until it returns true.
 * @ns: time-out, in nanoseconds of the system's clock.
 *
 * Returns false on a time-out.
 */
bool qemu_wait(struct qemu *q, bool (*fn)(void *ctx), void *ctx, uint64_t ns);

/** qemu_wait_reg() - wait until the register at @phys (4 bytes), masked with @mask, is @value. Returns false on a time-out. */
bool qemu_wait_reg(struct qemu *q, dmah_phys_t phys, uint32_t mask, uint32_t value, uint64_t ns);

/* ---- PCI ---- */

/**
 * struct qemu_pci - a PCI function.
 * @id: bus, device, function: bus << 8 | device << 3 | function. The requester id; on the virt machine the stream id
 *	too.
 * @bar: physical addresses of its memory BARs, assigned; 0: none, or an IO BAR.
 * @bar_size: bytes of each.
 */
struct qemu_pci {
	uint16_t id;
	dmah_phys_t bar[6];
	uint64_t bar_size[6];
};

/** qemu_pci_read(), qemu_pci_write() - access configuration space; @size 1, 2 or 4. */
uint32_t qemu_pci_read(struct qemu *q, uint16_t id, unsigned int reg, unsigned int size);
void qemu_pci_write(struct qemu *q, uint16_t id, unsigned int reg, unsigned int size,
		    uint32_t value);

/**
 * qemu_pci_find() - find the @nth function on bus 0 with these ids, assign its BARs, and enable memory and bus master.
 *
 * Returns false if there is none.
 */
bool qemu_pci_find(struct qemu *q, uint16_t vendor, uint16_t device, unsigned int nth,
		   struct qemu_pci *pci);

/** qemu_pci_master() - allow the function to do DMA, or forbid it. */
void qemu_pci_master(struct qemu *q, uint16_t id, bool on);

/** qemu_pci_cap() - Returns the offset of the capability @cap (5: MSI, 17: MSI-X) in configuration space; 0: none. */
unsigned int qemu_pci_cap(struct qemu *q, uint16_t id, uint8_t cap);

/* ---- the monitor ---- */

/**
 * qemu_qmp() - run a command of QEMU's machine protocol.
 * @q: the machine.
 * @command: one line of JSON: {"execute": ...}.
 *
 * Returns the answer, one line, valid until the next call.
 */
const char *qemu_qmp(struct qemu *q, const char *command);

#endif /* DMAH_LAB_QEMU_H */
