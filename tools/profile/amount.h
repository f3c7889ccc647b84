/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Numbers as people read them. */
#ifndef DMAH_TOOLS_PROFILE_AMOUNT_H
#define DMAH_TOOLS_PROFILE_AMOUNT_H

#include <stdbool.h>
#include <stdint.h>

/** struct amount - a number as text */
struct amount {
	char text[32];
};

/** amount_count() - Returns a number with a comma between thousands. */
struct amount amount_count(uint64_t n);

/** amount_bytes() - Returns a number of bytes with its unit: "2,048 bytes", "1.4 MiB". */
struct amount amount_bytes(uint64_t n);

/** amount_axis() - Returns the least round number at or above n, for the end of an axis; of bytes, round in their unit. */
uint64_t amount_axis(uint64_t n, bool bytes);

#endif
