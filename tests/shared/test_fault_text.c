/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Text of a fault report. */
#include <dmah/fault.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void text_is(const struct dmah_fault *fault, const char *caller, const char *want)
{
	char text[DMAH_FAULT_TEXT];
	size_t n = dmah_fault_text(fault, caller, text, sizeof(text));

	assert_string_equal(text, want);
	assert_int_equal(n, strlen(want));
	/* The text is truncated to the size of the buffer. */
	for (size_t size = 1; size <= n + 1; size++) {
		char cut[DMAH_FAULT_TEXT];

		memset(cut, '#', sizeof(cut));
		assert_int_equal(dmah_fault_text(fault, caller, cut, size), n);
		assert_memory_equal(cut, want, size - 1);
		assert_int_equal(cut[size - 1], 0);
		assert_int_equal(cut[size], '#');
	}
}

static void words(void **state)
{
	struct dmah_device nic = { .name = "nic" }, disk = { .name = "disk" };
	struct dmah_iommu unit = { 0 };
	struct dmah_fault f = {
		.hw = { .addr = 0xfffdf040,
			.id = 0x10,
			.has_addr = true,
			.write = true,
			.pci = true,
			.reason = "no context entry" },
		.iommu = &unit,
		.dev = &nic,
		.owner = &nic,
		.place = DMAH_FAULT_UNMAPPED,
		.phys = 0x3fdce000,
		.len = 4096,
		.dir = DMAH_FROM_DEVICE,
		.caller = (const void *)0x1234,
		.least = 12288,
		.most = 13312,
	};

	(void)state;
	text_is(&f, "nic_fill_rx",
		"write to 0xfffdf040 by nic (00:02.0): unmapped 13 us ago, was 0x3fdce000+4096 "
		"mapped by "
		"nic_fill_rx");
	f.least = 2000000;
	f.most = 90000000;
	text_is(&f, NULL,
		"write to 0xfffdf040 by nic (00:02.0): unmapped 2 to 90 ms ago, was "
		"0x3fdce000+4096 mapped by "
		"0x1234");
	f.most = DMAH_FAULT_AGE_UNKNOWN;
	f.owner = &disk;
	f.suppressed = 3;
	text_is(&f, "f",
		"write to 0xfffdf040 by nic (00:02.0): unmapped over 2000 us ago, was "
		"0x3fdce000+4096 mapped "
		"for disk by f; 3 before it were suppressed");
	f.suppressed = 0;
	f.least = 0;
	f.len = 0;
	f.caller = NULL;
	f.hw.pci = false;
	f.hw.id = 0x1234;
	f.hw.write = false;
	text_is(&f, NULL,
		"read of 0xfffdf040 by nic (stream 0x1234): unmapped, was in page 0x3fdce000 "
		"mapped for disk");
	f.phys = 0;
	text_is(&f, NULL,
		"read of 0xfffdf040 by nic (stream 0x1234): unmapped, what it was is not "
		"remembered");
	f.place = DMAH_FAULT_MAPPED;
	f.phys = 0x1000;
	f.len = 1;
	text_is(&f, "g",
		"read of 0xfffdf040 by nic (stream 0x1234): mapped for writing only, is 0x1000+1 "
		"mapped for "
		"disk");
	f.hw.write = true;
	f.dir = DMAH_TO_DEVICE;
	f.owner = &nic;
	text_is(&f, NULL,
		"write to 0xfffdf040 by nic (stream 0x1234): mapped for reading only, is 0x1000+1 "
		"mapped");
	f.dir = DMAH_BIDIRECTIONAL;
	f.killed = true;
	text_is(&f, NULL,
		"write to 0xfffdf040 by nic (stream 0x1234): the device was killed; mapped by now, "
		"is 0x1000+1 "
		"mapped");
	f.killed = false;
	f.place = DMAH_FAULT_NEVER;
	f.iommu = NULL;
	text_is(&f, NULL, "write to 0xfffdf040 by nic: never mapped");
	f.place = DMAH_FAULT_OUTSIDE;
	text_is(&f, NULL, "write to 0xfffdf040 by nic: outside the aperture");
	f.place = DMAH_FAULT_RESERVED;
	text_is(&f, NULL, "write to 0xfffdf040 by nic: a reserved range");
	f.place = DMAH_FAULT_NO_DEVICE;
	f.dev = NULL;
	f.hw.pci = true;
	f.hw.id = 0xff1f;
	text_is(&f, NULL, "write to 0xfffdf040 by ff:03.7: no context entry");
	f.place = DMAH_FAULT_NO_ADDRESS;
	f.hw.has_addr = false;
	text_is(&f, NULL, "DMA by ff:03.7: no context entry");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(words) };

	return cmocka_run_group_tests_name("faults in words", tests, NULL, NULL);
}
