/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * dmah: the version, for the preprocessor and for messages.
 *
 * Stability: versions 0.x may change any name, structure or meaning of the public headers with the middle number; a change
 * of the last number keeps programs compiling and behaving. From 1.0 on the middle number only adds, and the first number
 * changes where a program must change. No version keeps the binary interface: structures that the caller stores (struct
 * dmah_device, struct dmah_vtd ...) may grow with each one, so compile the library and its users from one set of headers.
 * CHANGELOG.md lists the changes.
 */
#ifndef DMAH_VERSION_H
#define DMAH_VERSION_H

/** DMAH_VERSION_MAJOR - first number of the version. */
#define DMAH_VERSION_MAJOR 0
/** DMAH_VERSION_MINOR - middle number of the version. */
#define DMAH_VERSION_MINOR 2
/** DMAH_VERSION_PATCH - last number of the version. */
#define DMAH_VERSION_PATCH 0

/** DMAH_VERSION_NUMBER - all three, comparable: 0.2.0 is 200, 1.12.3 is 11203. */
#define DMAH_VERSION_NUMBER \
	(DMAH_VERSION_MAJOR * 10000 + DMAH_VERSION_MINOR * 100 + DMAH_VERSION_PATCH)

/** DMAH_VERSION - all three as text. */
#define DMAH_VERSION "0.2.0"

#endif /* DMAH_VERSION_H */
