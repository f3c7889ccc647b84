/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: the version, for the preprocessor and for messages.
 *
 * Stability: in versions 0.x a new middle number may change any name, structure or meaning of the
 * public headers. A new last number keeps programs compiling and behaving. From 1.0 on, a new
 * middle number only adds, and a new first number may require changes in programs. No version keeps
 * the binary interface: structures that the caller stores (struct dmah_device, struct dmah_vtd ...)
 * may grow, so compile the library and its users from one set of headers. CHANGELOG.md lists the
 * changes.
 */
#ifndef DMAH_VERSION_H
#define DMAH_VERSION_H

/** DMAH_VERSION_MAJOR - first number of the version. */
#define DMAH_VERSION_MAJOR 0
/** DMAH_VERSION_MINOR - middle number of the version. */
#define DMAH_VERSION_MINOR 2
/** DMAH_VERSION_PATCH - last number of the version. */
#define DMAH_VERSION_PATCH 0

/**
 * DMAH_VERSION_NUMBER - all three numbers as one, for comparisons: 0.2.0 is 200, 1.12.3 is 11203.
 */
#define DMAH_VERSION_NUMBER \
	(DMAH_VERSION_MAJOR * 10000 + DMAH_VERSION_MINOR * 100 + DMAH_VERSION_PATCH)

/** DMAH_VERSION - all three numbers as text. */
#define DMAH_VERSION "0.2.0"

#endif /* DMAH_VERSION_H */
