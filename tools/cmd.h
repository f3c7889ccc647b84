/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The commands of dmah. Each has its own folder, its own options and its own --help. */
#ifndef DMAH_TOOLS_CMD_H
#define DMAH_TOOLS_CMD_H

/* Exit statuses, the same for every command */
#define CMD_OK	       0
#define CMD_FOUND      1 /* the command worked and found errors */
#define CMD_UNREADABLE 2 /* wrong use, or a trace that cannot be read */

/**
 * cmd_check() - find misuse of the DMA API in traces
 * @argc: including argv[0], the name of the command
 * @argv: argv[0] is "check"
 *
 * Return: an exit status. getopt's state must be fresh (optind 0 or 1).
 */
int cmd_check(int argc, char **argv);

/** cmd_profile() - sum up what DMA mapping does in a trace; see cmd_check() */
int cmd_profile(int argc, char **argv);

/** cmd_replay() - run traces through the library; see cmd_check() */
int cmd_replay(int argc, char **argv);

/** cmd_record() - record a trace on this machine; see cmd_check() */
int cmd_record(int argc, char **argv);

/** cmd_convert() - turn a Linux driver's DMA calls into handles; see cmd_check() */
int cmd_convert(int argc, char **argv);

/** cmd_tables() - say what firmware tables tell of IOMMUs; see cmd_check() */
int cmd_tables(int argc, char **argv);

#endif
