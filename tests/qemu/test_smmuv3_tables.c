/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Stream table entries and context descriptors of the SMMUv3, as they are in memory: what is in them, in which order they
 * change, and what becomes of a change that the hardware does not confirm.
 */
#include "smmu.h"

#include "hw/smmuv3/smmuv3.h"
#include "posix.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define MILLISECOND 1000000u

#define CMDQ_PROD (QEMU_SMMU_REGS + REG_CMDQ_PROD)

/* ---- contents ---- */

/*
 * Fields that QEMU's model ignores and hardware reads. The bits in which page-table entries keep generations are the
 * hardware's to ignore: HAD0 and HWU0xx are 0.
 */
static void descriptors(void **state)
{
	struct smmu_rig rig;
	struct dmah_pt_info pt;
	const uint64_t *ste, *cd;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	assert_int_equal(dmah_domain_pt(rig.dom, &pt), 0);
	ste = smmu_ste(&rig, rig.sid);
	assert_int_equal(ste[0] & 0xf, 1 | 5 << 1);
	/* Walks and fetches are cached as the CPU's; no ATS; the incoming shareability. */
	assert_true(ste[1] == (0x35ull << 2 | 1ull << 44));
	for (unsigned int i = 2; i < 8; i++)
		assert_true(ste[i] == 0);
	cd = qemu_ram(rig.q, ste[0] & 0x000fffffffffffc0ull, 64);
	assert_true((cd[0] & 0x3f) == 64 - pt.va_bits);
	assert_true((cd[0] >> 8 & 0x3f) == 0x35); /* IR0, OR0, SH0 */
	assert_true(cd[0] >> 30 & 1 && cd[0] >> 31 & 1); /* EPD1, V */
	assert_true((cd[0] >> 32 & 7) == 4); /* IPS: 44 bits, as IDR5.OAS */
	assert_true(cd[0] >> 48 != 0);
	assert_true((cd[0] >> 41 & 0x7f) == (1 | 1 << 4 | 1 << 5 | 1 << 6)); /* AA64; R, A, ASET */
	assert_true(cd[1] == pt.root);
	assert_true(cd[3] == 0x4404ff);
	assert_int_equal(rig.smmu.iommu.out_bits, 44);
	assert_true(rig.smmu.iommu.caps & DMAH_IOMMU_COHERENT_WALK);
	assert_int_equal(dmah_unmap(&rig.dev, &rig.staged), 0);
	assert_int_equal(dmah_detach(&rig.dev), 0);
	assert_int_equal(ste[0], 1);
	assert_int_equal(smmu_attach(&rig, &rig.dev, rig.sid), 0);
	smmu_close(&rig);
}

/* A unit that does not see the CPU's caches: its memory is uncached, and so are its own accesses. */
static void not_coherent(void **state)
{
	const uint64_t *ste, *cd;
	struct smmu_rig rig;
	struct page p;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .idr0_clear = IDR0_COHACC });
	assert_false(rig.smmu.iommu.caps & DMAH_IOMMU_COHERENT_WALK);
	assert_int_equal(qemu_read(rig.q, QEMU_SMMU_REGS + REG_CR1, 4), 0);
	ste = smmu_ste(&rig, rig.sid);
	assert_int_equal(ste[1] & 0xff, 0);
	cd = qemu_ram(rig.q, ste[0] & 0x000fffffffffffc0ull, 64);
	/* Not cached, and outer-shareable as memory of that kind is. */
	assert_int_equal(cd[0] >> 8 & 0x3f, 0x20);
	page_map(&rig, &p);
	assert_int_equal(dmah_unmap(&rig.dev, &p.h), 0);
	assert_false(page_reached(&rig, &p));
	smmu_close(&rig);
}

/* The driver on other hardware; the device stands still, since QEMU's is another. */
static void other_hardware(void **state)
{
	struct smmu_rig rig;

	(void)state;
	/* Faults could stall: they must not. */
	smmu_open(&rig, &(struct smmu_config){ .idr0_clear = 3u << 24 });
	assert_true(smmu_ste(&rig, rig.sid)[1] & STE1_S1STALLD);
	smmu_close(&rig);
	/* ASIDs of 8 bits; the TLB may hold what a hypervisor left. */
	smmu_open(&rig, &(struct smmu_config){ .idr0_clear = IDR0_ASID16,
					       .idr0_set = IDR0_HYP,
					       .smmu = { .tags = 1000 } });
	assert_int_equal(rig.smmu.ntags, 255);
	assert_int_equal(smmu_command(&rig, 0)[0], OP_CFGI_ALL);
	assert_int_equal(smmu_command(&rig, 0)[1], 31);
	assert_int_equal(smmu_command(&rig, 1)[0], OP_TLBI_NSNH_ALL);
	assert_int_equal(smmu_command(&rig, 2)[0], OP_TLBI_EL2_ALL);
	assert_int_equal(smmu_command(&rig, 3)[0], OP_SYNC);
	smmu_close(&rig);
	/* No two levels. */
	smmu_open(&rig,
		  &(struct smmu_config){ .idr0_clear = 3u << 27, .smmu = { .sid_bits = 10 } });
	assert_int_equal(qemu_read(rig.q, QEMU_SMMU_REGS + REG_STRTAB_CFG, 4), 10);
	assert_int_equal(rig.smmu.strtab.cpu[rig.sid * 8] & 0xf, 1 | 5 << 1);
	smmu_close(&rig);
}

/* Contents of an entry at the commands for its first and its second change. */
static uint64_t seen[4][2];
static unsigned int nseen;

static void see(struct smmu_rig *rig)
{
	const uint64_t *ste = smmu_ste(rig, rig->sid);

	assert_int_not_equal(nseen, 4);
	seen[nseen][0] = ste[0];
	seen[nseen++][1] = ste[1];
}

static void bind(struct smmu_rig *rig, enum dmah_bind how)
{
	struct dmah_iommu *iommu = &rig->smmu.iommu;
	struct dmah_pt_info pt;

	assert_int_equal(dmah_domain_pt(rig->dom, &pt), 0);
	nseen = 0;
	smmu_on_commands(rig, see);
	assert_int_equal(iommu->ops->bind(iommu, &rig->dev, how,
					  how == DMAH_BIND_TRANSLATE ? &pt : NULL, 1),
			 0);
	smmu_on_commands(rig, NULL);
}

/*
 * An entry that is valid changes by way of one that is not; but for blocking, which is one store, and for the way from
 * bypassing to translating, on which the other words are written first.
 */
static void update_order(void **state)
{
	struct smmu_rig rig;
	uint64_t translating;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	translating = smmu_ste(&rig, rig.sid)[0];
	bind(&rig, DMAH_BIND_PASSTHROUGH);
	assert_int_equal(nseen, 2);
	assert_true(seen[0][0] == 0);
	assert_true(seen[1][0] == (1 | 4 << 1) && seen[1][1] == 1ull << 44);
	bind(&rig, DMAH_BIND_TRANSLATE);
	assert_int_equal(nseen, 2);
	assert_true(seen[0][0] == (1 | 4 << 1) && seen[0][1] == (0x35ull << 2 | 1ull << 44));
	assert_true(seen[1][0] == translating && seen[1][1] == (0x35ull << 2 | 1ull << 44));
	bind(&rig, DMAH_BIND_BLOCK);
	assert_int_equal(nseen, 1);
	assert_true(seen[0][0] == 1);
	bind(&rig, DMAH_BIND_TRANSLATE);
	assert_int_equal(nseen, 2);
	assert_true(seen[0][0] == 0 && seen[1][0] == translating);
	smmu_close(&rig);
}

/* ---- ATS ---- */

static void ats_with(uint32_t flags, bool on)
{
	struct dmah_iommu *iommu;
	struct dmah h = { 0 };
	struct smmu_rig rig;
	dmah_phys_t phys;
	unsigned long irq;
	uint64_t pos, ticket;

	/* QEMU has no ATS: it takes the commands, and ignores the entry's field. */
	smmu_open(&rig,
		  &(struct smmu_config){ .flags = flags, .idr0_set = 1u << 10, .pool = true });
	iommu = &rig.smmu.iommu;
	assert_non_null(iommu->ops->invalidate_dev);
	assert_int_equal(qemu_read(rig.q, QEMU_SMMU_REGS + REG_CR0ACK, 4) & CR0_ATSCHK, CR0_ATSCHK);
	assert_int_equal(smmu_ste(&rig, rig.sid)[1] >> 28 & 3, on);
	pos = rig.smmu.prod;
	(void)dmah_host_enter(&irq);
	assert_int_equal(iommu->ops->invalidate_dev(iommu, &rig.dev, 0x12345000, 3 * PAGE), on);
	dmah_host_leave(irq);
	if (!on) {
		/* A device whose translated transactions are refused need not be asked. */
		assert_true(rig.smmu.prod == pos);
		smmu_close(&rig);
		return;
	}
	/* Behind what was posted for the IOMMU's own TLB. */
	assert_int_equal(smmu_command(&rig, pos)[0], OP_SYNC);
	assert_true(smmu_command(&rig, pos + 1)[0] == (OP_ATC_INV | (uint64_t)rig.sid << 32));
	/* 0x12345 to 0x12347: four pages, aligned. */
	assert_true(smmu_command(&rig, pos + 1)[1] == (0x12344000 | 2));
	pos = rig.smmu.prod;
	(void)dmah_host_enter(&irq);
	assert_int_equal(iommu->ops->invalidate_dev(iommu, &rig.dev, 0x5000, PAGE), 1);
	dmah_host_leave(irq);
	assert_true(smmu_command(&rig, pos + 1)[1] == 0x5000);
	pos = rig.smmu.prod;
	(void)dmah_host_enter(&irq);
	assert_int_equal(iommu->ops->invalidate_dev(iommu, &rig.dev, 0, 0), 1);
	dmah_host_leave(irq);
	assert_true(smmu_command(&rig, pos + 1)[1] == 52);
	assert_int_equal(iommu->ops->fence(iommu, &ticket), 0);
	assert_int_equal(iommu->ops->wait(iommu, ticket), 0);
	/* An unmap asks the IOMMU, then the device, where that has a TLB. */
	(void)smmu_page(&rig, 1, 0, &phys);
	assert_int_equal(dmah_map(&rig.dev, &h, phys, PAGE, DMAH_BIDIRECTIONAL, 0), 0);
	pos = rig.smmu.prod;
	assert_int_equal(dmah_unmap(&rig.dev, &h), 0);
	assert_int_equal(smmu_command(&rig, pos)[0] & 0xff, OP_TLBI_NH_VA);
	assert_int_equal(smmu_command(&rig, pos + 1)[0], OP_SYNC);
	assert_int_equal(rig.smmu.prod - pos, on ? 4 : 2);
	if (on)
		assert_int_equal(smmu_command(&rig, pos + 2)[0] & 0xff, OP_ATC_INV);
	/* The device's TLB is emptied when its stream is bound otherwise. */
	assert_int_equal(dmah_unmap(&rig.dev, &rig.staged), 0);
	pos = rig.smmu.prod;
	assert_int_equal(iommu->ops->bind(iommu, &rig.dev, DMAH_BIND_BLOCK, NULL, 1), 0);
	assert_int_equal((smmu_command(&rig, pos + 2)[0] & 0xff) == OP_ATC_INV, on);
	smmu_close(&rig);
}

static void ats(void **state)
{
	struct smmu_rig rig;

	(void)state;
	ats_with(DMAH_DEV_ATS, true);
	ats_with(0, false);
	ats_with(DMAH_DEV_ATS | DMAH_DEV_UNTRUSTED, false);
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	assert_null(rig.smmu.iommu.ops->invalidate_dev);
	smmu_close(&rig);
}

/* ---- time-outs ---- */

/* The unit stopped: an attach that is not confirmed leaves the stream blocked. */
static void timeout_of_bind(void **state)
{
	struct page p;
	struct smmu_rig rig;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .smmu = { .timeout_ns = 5 * MILLISECOND } });
	assert_int_equal(dmah_unmap(&rig.dev, &rig.staged), 0);
	assert_int_equal(dmah_detach(&rig.dev), 0);
	qemu_hold(rig.q, CMDQ_PROD);
	assert_int_equal(smmu_attach(&rig, &rig.dev, rig.sid), DMAH_ETIMEDOUT);
	assert_int_equal(smmu_ste(&rig, rig.sid)[0] & 1, 0);
	qemu_release(rig.q);
	assert_int_equal(smmu_attach(&rig, &rig.dev, rig.sid), 0);
	assert_int_equal(dmah_map(&rig.dev, &rig.staged, rig.staging, PAGE, DMAH_BIDIRECTIONAL, 0),
			 0);
	page_map(&rig, &p);
	qemu_hold(rig.q, CMDQ_PROD);
	assert_int_equal(dmah_kill(&rig.dev), DMAH_ETIMEDOUT);
	qemu_release(rig.q);
	assert_int_equal(dmah_kill(&rig.dev), 0);
	memset(p.mem, 0xca, PAGE);
	dev_push(&rig.edu, p.dma, 0, 4);
	assert_true(all(p.mem, 0xca, PAGE));
	assert_int_equal(dmah_unmap(&rig.dev, &p.h), 0);
	assert_int_equal(rig.reports, 2);
	rig.reports = 0;
	smmu_close(&rig);
}

/* It stops between the two steps of a bind. */
static void stop_at_second(struct smmu_rig *rig)
{
	if (nseen++)
		qemu_hold(rig->q, CMDQ_PROD);
}

static void timeout_between(void **state)
{
	struct dmah_iommu *iommu;
	struct smmu_rig rig;
	dmah_phys_t phys;
	uint8_t *page;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .smmu = { .timeout_ns = 5 * MILLISECOND } });
	iommu = &rig.smmu.iommu;
	page = smmu_page(&rig, 1, 0xca, &phys);
	nseen = 0;
	smmu_on_commands(&rig, stop_at_second);
	assert_int_equal(iommu->ops->bind(iommu, &rig.dev, DMAH_BIND_PASSTHROUGH, NULL, 1),
			 DMAH_ETIMEDOUT);
	smmu_on_commands(&rig, NULL);
	assert_int_equal(smmu_ste(&rig, rig.sid)[0] & 1, 0);
	qemu_release(rig.q);
	dev_push(&rig.edu, phys, 0, 4);
	assert_true(all(page, 0xca, PAGE));
	(void)events_one(&rig, 0x04, rig.sid, true, 0, 1);
	bind(&rig, DMAH_BIND_TRANSLATE);
	assert_int_equal(rig.reports, 1);
	rig.reports = 0;
	smmu_close(&rig);
}

/* ---- tags ---- */

static void tags_end(void **state)
{
	struct dmah_iommu *iommu;
	struct smmu_rig rig;
	uint32_t tag[3];

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .smmu = { .tags = 3 } });
	iommu = &rig.smmu.iommu;
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(iommu->ops->tag_alloc(iommu, &tag[0]), 0);
		assert_int_equal(iommu->ops->tag_alloc(iommu, &tag[1]), 0);
		assert_true(tag[0] && tag[1] && tag[0] != tag[1] && tag[0] <= 3 && tag[1] <= 3);
		assert_int_equal(iommu->ops->tag_alloc(iommu, &tag[2]), DMAH_ENOSPC);
		iommu->ops->tag_free(iommu, tag[0]);
		iommu->ops->tag_free(iommu, tag[1]);
	}
	smmu_close(&rig);
}

/*
 * A tag that goes from one table to another with nothing flushed in between: neither the old table's translations nor its
 * context descriptor are used any more.
 */
static void tag_changes_hands(void **state)
{
	struct dmah_domain_config config = { .va_bits = 48,
					     .aperture_base = 1ull << 32,
					     .aperture_size = 4u << 20 };
	struct dmah_iommu *iommu;
	struct dmah_pt_info first, second;
	struct dmah_domain *dom;
	struct smmu_rig rig;
	struct page p;
	void *memory;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	iommu = &rig.smmu.iommu;
	dom = smmu_domain(&rig, &config, &memory);
	assert_int_equal(dmah_domain_pt(rig.dom, &first), 0);
	assert_int_equal(dmah_domain_pt(dom, &second), 0);
	page_map(&rig, &p);
	assert_int_equal(iommu->ops->bind(iommu, &rig.dev, DMAH_BIND_TRANSLATE, &second, 1), 0);
	assert_false(page_reached(&rig, &p));
	assert_int_equal(iommu->ops->bind(iommu, &rig.dev, DMAH_BIND_TRANSLATE, &first, 1), 0);
	assert_true(page_reached(&rig, &p));
	/* And from a stream that was blocked. */
	assert_int_equal(iommu->ops->bind(iommu, &rig.dev, DMAH_BIND_BLOCK, NULL, 1), 0);
	assert_int_equal(iommu->ops->bind(iommu, &rig.dev, DMAH_BIND_TRANSLATE, &second, 1), 0);
	assert_false(page_reached(&rig, &p));
	assert_int_equal(iommu->ops->bind(iommu, &rig.dev, DMAH_BIND_TRANSLATE, &first, 1), 0);
	assert_int_equal(dmah_unmap(&rig.dev, &p.h), 0);
	assert_int_equal(dmah_domain_fini(dom), 0);
	free(memory);
	smmu_close(&rig);
}

/* The driver refuses bindings that it cannot make, and changes nothing. */
static void refused_binds(void **state)
{
	struct dmah_device far = { .id = 1u << 16 };
	struct dmah_pt_info pt, wrong;
	struct dmah_iommu *iommu;
	struct smmu_rig rig;
	struct page p;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .mode = DMAH_STRICT });
	iommu = &rig.smmu.iommu;
	page_map(&rig, &p);
	assert_int_equal(dmah_domain_pt(rig.dom, &pt), 0);
	assert_int_equal(iommu->ops->bind(iommu, &far, DMAH_BIND_BLOCK, NULL, 1), DMAH_ENOTSUP);
	assert_int_equal(iommu->ops->bind(iommu, &rig.dev, DMAH_BIND_TRANSLATE, NULL, 1),
			 DMAH_ENOTSUP);
	assert_int_equal(iommu->ops->bind(iommu, &rig.dev, DMAH_BIND_TRANSLATE, &pt, 0),
			 DMAH_ENOTSUP);
	assert_int_equal(iommu->ops->bind(iommu, &rig.dev, DMAH_BIND_TRANSLATE, &pt, 256),
			 DMAH_ENOTSUP);
	wrong = pt;
	wrong.format = &dmah_pt_vtd_ss;
	assert_int_equal(iommu->ops->bind(iommu, &rig.dev, DMAH_BIND_TRANSLATE, &wrong, 1),
			 DMAH_ENOTSUP);
	wrong = pt;
	wrong.va_bits = 57;
	assert_int_equal(iommu->ops->bind(iommu, &rig.dev, DMAH_BIND_TRANSLATE, &wrong, 1),
			 DMAH_ENOTSUP);
	assert_true(page_reached(&rig, &p));
	/* No memory for the part of the table that the stream is in: nothing is left behind. */
	far.id = 0x8000;
	posix_fail_alloc(POSIX_FAIL_FROM, 1);
	assert_int_equal(iommu->ops->bind(iommu, &far, DMAH_BIND_PASSTHROUGH, NULL, 1),
			 DMAH_ENOMEM);
	posix_fail_alloc(POSIX_FAIL_NEVER, 0);
	assert_null(rig.smmu.l2[0x8000 >> 6]);
	assert_int_equal(dmah_unmap(&rig.dev, &p.h), 0);
	smmu_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors),
		cmocka_unit_test(not_coherent),
		cmocka_unit_test(other_hardware),
		cmocka_unit_test(update_order),
		cmocka_unit_test(ats),
		cmocka_unit_test(timeout_of_bind),
		cmocka_unit_test(timeout_between),
		cmocka_unit_test(tags_end),
		cmocka_unit_test(tag_changes_hands),
		cmocka_unit_test(refused_binds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
