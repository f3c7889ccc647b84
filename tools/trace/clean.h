/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Takes away what mail programs, browsers and terminals add to a text. */
#ifndef DMAH_TOOLS_TRACE_CLEAN_H
#define DMAH_TOOLS_TRACE_CLEAN_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct clean - state between two lines
 * @begun: a line was seen
 * @quoted_printable: a mail's header says that bytes are written as "=3D", and that a '=' at the end of a
 *	line continues it
 * @part: beginning of a line that goes on, of @len bytes in @cap
 */
struct clean {
	bool begun;
	bool quoted_printable;
	char *part;
	size_t len, cap;
};

/**
 * clean_line() - take away a byte-order mark, a carriage return, quoted-printable, colours, HTML's
 *	entities and no-break spaces
 * @c: state
 * @line: line, which ends with a 0; on return the clean line, valid until the next call
 * @len: its length; may have become less
 *
 * Return: false if the line goes on in the next one.
 */
bool clean_line(struct clean *c, char **line, size_t *len);

#endif
