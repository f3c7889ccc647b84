/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Messages of the measuring programs on stderr, each after the program's name. */
#ifndef DMAH_MEASURE_MESSAGE_H
#define DMAH_MEASURE_MESSAGE_H

/** message_program() - Sets the name before each message, for example "dmah-bench". */
void message_program(const char *name);

/** message() - Clears the progress bar, then prints one line. A "%m" in @format names errno. */
__attribute__((format(printf, 1, 2))) void message(const char *format, ...);

/** must() - Returns @p, which an allocator gave; ends the program with status 2 if it is NULL. */
void *must(void *p);

#endif
