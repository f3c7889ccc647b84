/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The event queue of QEMU's SMMUv3. */
#include "smmu.h"

#include "hw/smmuv3/smmuv3.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define F_TRANSLATION 0x10u

#define EVTQ_PROD (QEMU_SMMU_REGS + REG_EVTQ_PROD)

/* ---- events ---- */

/* QEMU drops what the queue has no room for, and says so by an error of its own. */
static void full_event_queue(void **state)
{
	struct dmah_smmuv3_event event[64];
	struct smmu_rig rig;
	uint8_t bytes[200] = { 0 };
	bool lost;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .smmu = { .evtq_log2 = 4 } });
	for (unsigned int i = 0; i < 3; i++) {
		dev_load(&rig, bytes, sizeof(bytes));
		dev_push(&rig.edu, 0x123000, 0, sizeof(bytes));
		assert_int_equal(dmah_smmuv3_events(&rig.smmu, event, 10, &lost), 10);
		assert_true(lost);
		assert_int_equal(dmah_smmuv3_events(&rig.smmu, event + 10, 54, &lost), 6);
		assert_false(lost);
		for (unsigned int k = 0; k < 16; k++)
			assert_true(event[k].has_address && event[k].write &&
				    event[k].type == F_TRANSLATION &&
				    event[k].iova == 0x123000 + 4ull * k);
		/* There is room again. */
		dev_push(&rig.edu, 0x123000, 0, 12);
		assert_int_equal(events_one(&rig, F_TRANSLATION, rig.sid, true, 0x123000, 12), 3);
	}
	assert_int_equal(rig.smmu.events_lost, 3);
	smmu_close(&rig);
}

/* By the architecture, the hardware turns EVENTQ_PROD.OVFLG over. Set here in its place, since QEMU does not. */
static void overflow_flag(void **state)
{
	struct dmah_smmuv3_event event[16];
	struct smmu_rig rig;
	uint32_t flag;
	bool lost;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .smmu = { .evtq_log2 = 4 } });
	for (unsigned int i = 0; i < 3; i++) {
		dev_push(&rig.edu, 0x123000, 0, 16);
		/* The other way round than it was acknowledged; the model forgets the flag when it counts on. */
		flag = (uint32_t)qemu_read(rig.q, EVTQ_PROD, 4) & ~EVTQ_OVERFLOW;
		flag |= ~(uint32_t)qemu_read(rig.q, EVTQ_PROD + 4, 4) & EVTQ_OVERFLOW;
		qemu_write(rig.q, EVTQ_PROD, 4, flag);
		assert_int_equal(dmah_smmuv3_events(&rig.smmu, event, 16, &lost), 4);
		assert_true(lost);
		assert_int_equal(qemu_read(rig.q, EVTQ_PROD + 4, 4), flag);
		assert_int_equal(dmah_smmuv3_events(&rig.smmu, event, 16, &lost), 0);
		assert_false(lost);
	}
	assert_int_equal(rig.smmu.events_lost, 3);
	smmu_close(&rig);
}

/* The queue goes round many times. */
static void many_events(void **state)
{
	struct smmu_rig rig;

	(void)state;
	smmu_open(&rig, &(struct smmu_config){ .smmu = { .evtq_log2 = 4 } });
	for (unsigned int i = 0; i < 50; i++) {
		unsigned int n = i % 5 + 1;

		dev_pull(&rig.edu, 0x500000 + i * PAGE, 0, 4 * n);
		assert_int_equal(events_one(&rig, F_TRANSLATION, rig.sid, false,
					    0x500000 + i * PAGE, 4 * n),
				 n);
	}
	smmu_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_event_queue),
		cmocka_unit_test(overflow_flag),
		cmocka_unit_test(many_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
