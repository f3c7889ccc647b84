/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Interrupt remapping as QEMU 11 models it, on Intel's IOMMU and on AMD's: messages of edu devices by their MSI capability, and
 * forged ones, which are DMA. The CPUs' interrupt controllers say what arrived.
 *
 * AMD's model records no fault of an interrupt. Intel's lets every message in compatibility format through, and does not know the
 * requester of a message that a device writes by DMA. No model caches entries, so that a missing invalidation is not seen. All of
 * that is on lab/sim's models (tests/units/test_interrupts.c).
 */
#include "edu.h"
#include "lapic.h"
#include "qemu.h"
#include "../setup.h"

#include <dmah/amdvi.h>
#include <dmah/fault.h>
#include <dmah/irq.h>
#include <dmah/vtd.h>

#define WINDOW	0xfee00000u
#define DEVICES 2u
#define RAISE	0x60u /* edu: raise an interrupt */
#define MSI	5u

/* struct kind - a machine. @options: of the IOMMU's model. */
struct kind {
	enum qemu_kind kind;
	const char *options;
	bool x2apic;
};

static const struct kind kinds[] = {
	{ QEMU_VTD, "aw-bits=48", false },
	{ QEMU_VTD, "aw-bits=48,eim=on", true },
	{ QEMU_AMD, NULL, false },
	{ QEMU_AMD, "xtsup=on", true },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct rig {
	const struct kind *kind;
	struct qemu *q;
	struct dmah_vtd vtd;
	struct dmah_amdvi amdvi;
	struct dmah_iommu *iommu;
	void *memory;
	struct qemu_pci pci[DEVICES];
	struct dmah_device dev[DEVICES];
	struct edu edu[DEVICES];
	dmah_phys_t words;
	struct dmah_iommu_fault fault;
	unsigned int reports;
};

static void init_unit(struct rig *r)
{
	struct dmah_vtd_config v = { 0 };
	struct dmah_amdvi_config a = { .ids = 256 };
	size_t need;

	if (r->kind->kind == QEMU_VTD) {
		v.regs = qemu_regs(r->q, QEMU_VTD_REGS);
		need = dmah_vtd_memory(&v);
		r->memory = memory_of(need);
		assert_int_equal(dmah_vtd_init(&r->vtd, &v, r->memory, need), DMAH_OK);
		r->iommu = &r->vtd.iommu;
	} else {
		a.regs = qemu_regs(r->q, QEMU_AMD_REGS);
		need = dmah_amdvi_memory(&a);
		r->memory = memory_of(need);
		assert_int_equal(dmah_amdvi_init(&r->amdvi, &a, r->memory, need), DMAH_OK);
		r->iommu = &r->amdvi.iommu;
	}
}

static int translate(struct rig *r)
{
	return r->kind->kind == QEMU_VTD ? dmah_vtd_enable(&r->vtd) : dmah_amdvi_enable(&r->amdvi);
}

/* A word in the device's buffer, which it can write wherever it likes. Before translation is on. */
static void load(struct rig *r, unsigned int n, uint32_t word)
{
	*(volatile uint32_t *)qemu_ram(r->q, r->words, 4) = word;
	assert_int_equal(edu_dma(&r->edu[n], r->words, 0, 4, DMAH_TO_DEVICE), DMAH_OK);
}

static void open_machine(struct rig *r, const struct kind *kind)
{
	static const char *const args[] = { "-device", QEMU_EDU, "-device", QEMU_EDU,
					    "-smp",    "2",	 NULL };

	memset(r, 0, sizeof(*r));
	r->kind = kind;
	r->q = qemu_machine(&(struct qemu_config){
		.kind = kind->kind, .newer = true, .iommu = kind->options, .args = args });
	count_reports(&r->reports);
	for (unsigned int i = 0; i < DEVICES; i++) {
		assert_true(qemu_pci_find(r->q, 0x1234, 0x11e8, i, &r->pci[i]));
		r->dev[i].id = r->pci[i].id;
		assert_int_equal(edu_init(&r->edu[i], qemu_regs(r->q, r->pci[i].bar[0]),
					  &r->dev[i]),
				 DMAH_OK);
	}
	r->words = qemu_take(r->q, 4096, 4096);
	init_unit(r);
}

static void open_rig(struct rig *r, const struct kind *kind, uint32_t word)
{
	open_machine(r, kind);
	for (unsigned int i = 0; i < DEVICES; i++)
		load(r, i, word);
	assert_int_equal(dmah_irq_enable(r->iommu,
					 &(struct dmah_irq_config){ .x2apic = kind->x2apic }),
			 DMAH_OK);
	assert_int_equal(translate(r), DMAH_OK);
}

static void note(void *ctx, const struct dmah_fault *fault)
{
	((struct rig *)ctx)->fault = fault->hw;
}

/* Faults of interrupts, which AMD's model does not record. */
static void no_faults(struct rig *r)
{
	struct dmah_fault_count count;

	assert_int_equal(dmah_faults(r->iommu, note, r, &count), DMAH_OK);
	assert_int_equal(count.taken, 0);
}

static void one_fault(struct rig *r, unsigned int n, uint32_t code)
{
	struct dmah_fault_count count;

	assert_int_equal(dmah_faults(r->iommu, note, r, &count), DMAH_OK);
	if (r->kind->kind != QEMU_VTD) {
		assert_int_equal(count.taken, 0);
		return;
	}
	assert_int_equal(count.taken, 1);
	assert_int_equal(r->fault.code, code);
	assert_int_equal(r->fault.id, r->pci[n].id);
	assert_false(r->fault.has_addr);
}

static void close_rig(struct rig *r)
{
	struct posix_alloc_stats stats;

	no_faults(r);
	assert_int_equal(r->reports, 0);
	assert_int_equal(r->kind->kind == QEMU_VTD ? dmah_vtd_fini(&r->vtd)
						   : dmah_amdvi_fini(&r->amdvi),
			 DMAH_OK);
	posix_alloc_stats(&stats);
	assert_int_equal(stats.pages + stats.mem, 0);
	posix_set_report(NULL, NULL);
	qemu_log_drop(r->q);
	free(r->memory);
}

static void program_msi(struct rig *r, unsigned int n, struct dmah_msi msi)
{
	uint16_t id = r->pci[n].id;
	unsigned int cap = qemu_pci_cap(r->q, id, MSI);

	assert_true(cap != 0);
	qemu_pci_write(r->q, id, cap + 4, 4, (uint32_t)msi.addr);
	qemu_pci_write(r->q, id, cap + 8, 4, (uint32_t)(msi.addr >> 32));
	qemu_pci_write(r->q, id, cap + 12, 2, msi.data);
	qemu_pci_write(r->q, id, cap + 2, 2, qemu_pci_read(r->q, id, cap + 2, 2) | 1);
}

static void raise_msi(struct rig *r, unsigned int n)
{
	dmah_host_write32(r->edu[n].regs + RAISE, 1);
}

static void alloc(struct rig *r, unsigned int n, unsigned int count, struct dmah_irq *irq)
{
	assert_int_equal(dmah_irq_alloc(r->iommu, &(struct dmah_irq_source){ .id = r->pci[n].id },
					count, irq),
			 DMAH_OK);
}

static void set(const struct dmah_irq *irq, unsigned int n, uint32_t dest, uint8_t vector)
{
	assert_int_equal(dmah_irq_set(irq, n,
				      &(struct dmah_irq_target){ .dest = dest, .vector = vector }),
			 DMAH_OK);
}

static struct dmah_msi message(struct rig *r, unsigned int n, const struct dmah_irq *irq,
			       unsigned int entry)
{
	struct dmah_msi msi;

	assert_int_equal(dmah_irq_msi(irq, r->pci[n].id, entry, &msi), DMAH_OK);
	return msi;
}

/* ---- messages that have an entry ---- */

/* Each interrupt arrives at its CPU with its vector, and nothing else does: blocked, set, moved, freed. */
static void arrives(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < KINDS; i++) {
		struct dmah_irq other, irq;
		struct rig r;

		open_rig(&r, &kinds[i], 0);
		alloc(&r, 0, 1, &other);
		alloc(&r, 0, 4, &irq);
		program_msi(&r, 0, message(&r, 0, &irq, 2));
		raise_msi(&r, 0);
		one_fault(&r, 0, 0x22);
		set(&other, 0, 0, 0x51);
		set(&irq, 2, 0, 0x52);
		raise_msi(&r, 0);
		assert_true(lapic_pending(r.q, 0, 0x52));
		assert_false(lapic_pending(r.q, 0, 0x51) || lapic_pending(r.q, 1, 0x52));
		/* The other CPU, whose id is at another place of an entry with x2APIC. */
		set(&irq, 2, 1, 0x53);
		raise_msi(&r, 0);
		assert_true(lapic_pending(r.q, 1, 0x53));
		assert_false(lapic_pending(r.q, 0, 0x53));
		program_msi(&r, 0, message(&r, 0, &other, 0));
		raise_msi(&r, 0);
		assert_true(lapic_pending(r.q, 0, 0x51));
		no_faults(&r);
		assert_int_equal(dmah_irq_free(&other), DMAH_OK);
		raise_msi(&r, 0);
		one_fault(&r, 0, 0x22);
		close_rig(&r);
	}
}

/* Without remapping messages are what they say; and again after it has ended. */
static void off(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < KINDS; i++) {
		struct rig r;

		open_machine(&r, &kinds[i]);
		assert_int_equal(translate(&r), DMAH_OK);
		program_msi(&r, 0, (struct dmah_msi){ WINDOW | 1 << 12, 0x61 });
		raise_msi(&r, 0);
		assert_true(lapic_pending(r.q, 1, 0x61));
		if (!kinds[i].x2apic) {
			assert_int_equal(dmah_irq_enable(r.iommu, NULL), DMAH_OK);
			assert_int_equal(dmah_irq_disable(r.iommu), DMAH_OK);
			program_msi(&r, 0, (struct dmah_msi){ WINDOW | 1 << 12, 0x62 });
			raise_msi(&r, 0);
			assert_true(lapic_pending(r.q, 1, 0x62));
		}
		close_rig(&r);
	}
}

/* ---- forged messages ---- */

static bool any_pending(struct rig *r, unsigned int first, unsigned int last)
{
	for (unsigned int vector = first; vector <= last; vector++)
		for (unsigned int cpu = 0; cpu < 2; cpu++)
			if (lapic_pending(r->q, cpu, vector))
				return true;
	return false;
}

/* Messages in compatibility format: of the MSI capability, and written by DMA. */
static void forged_plain(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < KINDS; i++) {
		struct dmah_irq irq;
		struct rig r;

		if (kinds[i].kind == QEMU_VTD)
			continue;
		open_rig(&r, &kinds[i], 0x71);
		/* One device has entries, the other none. */
		alloc(&r, 0, 1, &irq);
		set(&irq, 0, 0, 0x41);
		for (unsigned int n = 0; n < DEVICES; n++) {
			program_msi(&r, n, (struct dmah_msi){ WINDOW, 0x70 });
			raise_msi(&r, n);
			one_fault(&r, n, 0x25);
			assert_int_equal(edu_dma(&r.edu[n], WINDOW, 0, 4, DMAH_FROM_DEVICE),
					 DMAH_OK);
			one_fault(&r, n, 0x25);
		}
		assert_false(any_pending(&r, 0x70, 0x71));
		close_rig(&r);
	}
}

/* Another device's message: its number, by the MSI capability and by DMA. */
static void forged_source(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < KINDS; i++) {
		struct dmah_irq irq, own;
		struct dmah_msi msi;
		struct rig r;

		open_rig(&r, &kinds[i], 0);
		alloc(&r, 0, 1, &irq);
		set(&irq, 0, 0, 0x45);
		msi = message(&r, 0, &irq, 0);
		program_msi(&r, 1, msi);
		raise_msi(&r, 1);
		one_fault(&r, 1, 0x26);
		if (kinds[i].kind == QEMU_AMD)
			assert_int_equal(edu_dma(&r.edu[1], msi.addr, 0, 4, DMAH_FROM_DEVICE),
					 DMAH_OK);
		/* And a number that nobody has. */
		program_msi(&r, 1, (struct dmah_msi){ msi.addr, msi.data + 9 });
		raise_msi(&r, 1);
		one_fault(&r, 1, 0x22);
		assert_false(any_pending(&r, 0x45, 0x45));
		/* Its own number is its own interrupt. */
		alloc(&r, 1, 1, &own);
		set(&own, 0, 1, 0x46);
		program_msi(&r, 1, message(&r, 1, &own, 0));
		raise_msi(&r, 1);
		assert_true(lapic_pending(r.q, 1, 0x46));
		assert_false(any_pending(&r, 0x45, 0x45));
		program_msi(&r, 0, msi);
		raise_msi(&r, 0);
		assert_true(lapic_pending(r.q, 0, 0x45));
		close_rig(&r);
	}
}

/* The unit's reset brings remapping back, though the machine kept its tables. */
static void after_reset(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < KINDS; i++) {
		struct dmah_irq irq;
		struct rig r;

		open_rig(&r, &kinds[i], 0);
		alloc(&r, 0, 1, &irq);
		set(&irq, 0, 1, 0x47);
		assert_int_equal(kinds[i].kind == QEMU_VTD ? dmah_vtd_reset(&r.vtd)
							   : dmah_amdvi_reset(&r.amdvi),
				 DMAH_OK);
		program_msi(&r, 0, message(&r, 0, &irq, 0));
		raise_msi(&r, 0);
		assert_true(lapic_pending(r.q, 1, 0x47));
		program_msi(&r, 1, message(&r, 0, &irq, 0));
		raise_msi(&r, 1);
		one_fault(&r, 1, 0x26);
		raise_msi(&r, 0);
		no_faults(&r);
		close_rig(&r);
	}
}

/* Units without the capability refuse, and say so. */
static void capability(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < KINDS; i += 2) {
		open_machine(&r, &kinds[i]);
		assert_int_equal(dmah_irq_enable(r.iommu,
						 &(struct dmah_irq_config){ .x2apic = true }),
				 DMAH_ENOTSUP);
		close_rig(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrives),	cmocka_unit_test(off),
		cmocka_unit_test(forged_plain), cmocka_unit_test(forged_source),
		cmocka_unit_test(after_reset),	cmocka_unit_test(capability),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
