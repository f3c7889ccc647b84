/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * QEMU's device models as a machine of ours: no guest CPU runs, this process is the CPU.
 *
 * RAM is shared memory, so page tables, queues and buffers are plain loads and stores. Registers go by QEMU's qtest
 * protocol, one round trip (some 40 us) an access. The machine is also the one of ports/posix: what the library
 * allocates lies in its RAM, and dmah_host_read32() and friends reach its registers by the pointers of qemu_regs().
 *
 * One machine is the port's at a time. Registers may be used by several threads; all else by one. What cannot be (QEMU
 * is missing, it died, it does not answer) ends the process, with what QEMU said on its stderr.
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
 * enum qemu_kind - which machine.
 * @QEMU_VTD: q35 with intel-iommu.
 * @QEMU_SMMU: the arm64 virt machine with an SMMUv3.
 */
enum qemu_kind {
	QEMU_VTD,
	QEMU_SMMU,
};

/** QEMU_VTD_REGS, QEMU_SMMU_REGS - physical address of the IOMMU's registers. */
#define QEMU_VTD_REGS  0xfed90000ull
#define QEMU_SMMU_REGS 0x09050000ull

/** QEMU_EDU - the edu device, as the argument behind "-device". */
#define QEMU_EDU "edu,dma_mask=0xffffffffffffffff"

/**
 * struct qemu_config - a machine.
 * @kind: which.
 * @iommu: QEMU_VTD: further options of intel-iommu ("aw-bits=39,caching-mode=on"); NULL: "aw-bits=48". The
 *	SMMU has none.
 * @machine: further options of the machine ("gic-version=2"); the last word where one is given twice. NULL: none.
 * @ram: bytes of RAM, a multiple of 2 MiB, at least 16 MiB; 0: 64 MiB. Only what is touched costs memory.
 * @args: further arguments of QEMU's, ended by NULL: devices, drives, networks; NULL: none. Devices come on bus 0 in
 *	the order in which they are named.
 * @incoherent: the port's pages (dmah_host_page_alloc()) are behind a cache that no device sees: what the CPU writes
 *	there reaches RAM by dmah_host_cache() alone. All else stays coherent.
 */
struct qemu_config {
	enum qemu_kind kind;
	const char *iommu;
	const char *machine;
	uint64_t ram;
	const char *const *args;
	bool incoherent;
};

struct qemu;

/**
 * qemu_machine() - the machine of a configuration, as after power-on, with RAM all zero; the port's from now on.
 *
 * Starts QEMU at the first call for a configuration; later ones reset that machine. Nothing may be allocated from
 * the port, and no pointer into an earlier machine's registers be used any more.
 */
struct qemu *qemu_machine(const struct qemu_config *config);

/** qemu_stop_all() - end every machine. Runs by itself when the process exits. */
void qemu_stop_all(void);

/**
 * qemu_log() - what QEMU said on its stderr, since that was last printed or dropped.
 *
 * A test that comes to its end drops it: what it provoked was meant. One that fails does not come to its end, so that the
 * next qemu_machine(), or the end of the process, prints it: on stdout, below what the test said itself.
 */
const char *qemu_log(struct qemu *q);

/** qemu_log_flush() - print it now, each line behind "# qemu: "; of many lines the last ones. */
void qemu_log_flush(struct qemu *q);

/** qemu_log_drop() - it is of no interest. */
void qemu_log_drop(struct qemu *q);

/* ---- RAM ---- */

/** qemu_ram() - where this process finds [@phys, @phys + @len), which is RAM. */
void *qemu_ram(struct qemu *q, dmah_phys_t phys, uint64_t len);

/**
 * qemu_take() - memory for buffers, that nothing else is in, until the next qemu_machine().
 * @align: a power of two.
 */
dmah_phys_t qemu_take(struct qemu *q, uint64_t size, uint64_t align);

/* ---- registers ---- */

/**
 * qemu_regs() - a pointer to the registers at @phys, for dmah_host_read32() and friends alone. A load or store
 *	through it faults.
 */
volatile void *qemu_regs(struct qemu *q, dmah_phys_t phys);

/** qemu_read() - read a register of @size bytes (1, 2, 4, 8) by its physical address. */
uint64_t qemu_read(struct qemu *q, dmah_phys_t phys, unsigned int size);

/** qemu_write() - write one. */
void qemu_write(struct qemu *q, dmah_phys_t phys, unsigned int size, uint64_t value);

/** qemu_in(), qemu_out() - the same with x86's port IO; @size 1, 2 or 4. */
uint32_t qemu_in(struct qemu *q, uint16_t port, unsigned int size);
void qemu_out(struct qemu *q, uint16_t port, unsigned int size, uint32_t value);

/**
 * qemu_hold() - the device does not see writes to the register at @phys: it looks as if it hung.
 *
 * They are kept, the last one only. For one register at a time; writes by dmah_host_write32() and qemu_write() alike.
 */
void qemu_hold(struct qemu *q, dmah_phys_t phys);

/** qemu_release() - the device sees the last write that was held back, if there was one, and all later ones. */
void qemu_release(struct qemu *q);

/**
 * qemu_pretend() - reads of the register at @phys give something else, until the next qemu_machine(): capabilities that
 *	the model does not have, errors that it does not make.
 * @clear, @set: bits that are not there, and that are. A second call for a register replaces the first; there can be 4.
 */
void qemu_pretend(struct qemu *q, dmah_phys_t phys, uint64_t clear, uint64_t set);

/**
 * qemu_watch() - have @fn called before each write to a register; NULL: no more. It must not use registers.
 */
void qemu_watch(struct qemu *q,
		void (*fn)(void *ctx, dmah_phys_t phys, unsigned int size, uint64_t value),
		void *ctx);

/**
 * qemu_wait() - wait until @fn says so, asking it again and again.
 * @ns: at most so long, by the system's clock.
 *
 * Return: false where it never did.
 */
bool qemu_wait(struct qemu *q, bool (*fn)(void *ctx), void *ctx, uint64_t ns);

/** qemu_wait_reg() - wait until the register at @phys (4 bytes), masked with @mask, is @value. Return: as qemu_wait(). */
bool qemu_wait_reg(struct qemu *q, dmah_phys_t phys, uint32_t mask, uint32_t value, uint64_t ns);

/* ---- PCI ---- */

/**
 * struct qemu_pci - a PCI function, found.
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

/** qemu_pci_read(), qemu_pci_write() - configuration space; @size 1, 2 or 4. */
uint32_t qemu_pci_read(struct qemu *q, uint16_t id, unsigned int reg, unsigned int size);
void qemu_pci_write(struct qemu *q, uint16_t id, unsigned int reg, unsigned int size,
		    uint32_t value);

/**
 * qemu_pci_find() - the @nth function on bus 0 with these ids; its BARs are assigned, memory and bus master enabled.
 *
 * Return: false where there is none.
 */
bool qemu_pci_find(struct qemu *q, uint16_t vendor, uint16_t device, unsigned int nth,
		   struct qemu_pci *pci);

/** qemu_pci_master() - whether the function may do DMA. */
void qemu_pci_master(struct qemu *q, uint16_t id, bool on);

/** qemu_pci_cap() - where in its configuration space the capability @cap (5: MSI, 17: MSI-X) is; 0: there is none. */
unsigned int qemu_pci_cap(struct qemu *q, uint16_t id, uint8_t cap);

/* ---- the monitor ---- */

/**
 * qemu_qmp() - a command of QEMU's machine protocol.
 * @command: one line of JSON: {"execute": ...}.
 *
 * Return: the line that answers it, valid until the next call.
 */
const char *qemu_qmp(struct qemu *q, const char *command);

#endif /* DMAH_LAB_QEMU_H */
