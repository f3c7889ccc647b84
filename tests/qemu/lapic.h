/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A look at the interrupt controllers of QEMU's CPUs, past everything that this project wrote. */
#ifndef DMAH_TESTS_LAPIC_H
#define DMAH_TESTS_LAPIC_H

#include "qemu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/** lapic_pending() - Returns true if the CPU with that APIC id has the vector pending. */
static inline bool lapic_pending(struct qemu *q, unsigned int apic, unsigned int vector)
{
	char command[160], number[8];
	const char *text, *irr;

	snprintf(command, sizeof(command),
		 "{\"execute\":\"human-monitor-command\","
		 "\"arguments\":{\"command-line\":\"info lapic %u\"}}",
		 apic);
	text = qemu_qmp(q, command);
	irr = strstr(text, "IRR");
	assert_non_null(irr);
	snprintf(number, sizeof(number), " %u", vector);
	irr = strstr(irr, number);
	return irr && (irr[strlen(number)] < '0' || irr[strlen(number)] > '9');
}

#endif /* DMAH_TESTS_LAPIC_H */
