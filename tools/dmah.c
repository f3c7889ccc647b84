// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* dmah: the command. It only picks the command that was asked for. */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "cmd.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} commands[] = {
	{ "record", cmd_record, "record a trace on this machine" },
	{ "check", cmd_check, "find misuse of the DMA API in a recorded trace" },
	{ "profile", cmd_profile, "sum up what DMA mapping does in a recorded trace" },
	{ "replay", cmd_replay,
	  "run a recorded trace through the library, and time and verify it" },
	{ "tables", cmd_tables, "say what firmware tables tell of IOMMUs and of a device's ids" },
	{ "convert", cmd_convert, "turn a Linux driver's DMA calls into handles" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < NR_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void help(FILE *f)
{
	fputs("Usage: dmah COMMAND [OPTION]... FILE...\n"
	      "DMA mapping traces recorded from Linux: what they cost, and what is wrong in "
	      "them.\n"
	      "And a machine's firmware tables: which IOMMUs there are, and which devices they "
	      "have.\n\n"
	      "Commands:\n",
	      f);
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(f, "  %-8s %s\n", commands[i].name, commands[i].what);
	fputs("  help     explain a command: dmah help COMMAND\n\n"
	      "A TRACE is tracefs text or a trace.dat, plain or as .xz, .gz or .zst.\n"
	      "Record one as root:\n"
	      "  dmah record -- COMMAND\n\n"
	      "      --help     this text\n"
	      "      --version  the version\n\n"
	      "Exit status: 0 all is well, 1 errors were found (convert: calls were left), "
	      "2 wrong use\nor unreadable input.\n",
	      f);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	const struct command *c;
	int o;

	/* '+': options after the command are the command's */
	while ((o = getopt_long(argc, argv, "+hV", options, NULL)) != -1) {
		switch (o) {
		case 'h':
			help(stdout);
			return CMD_OK;
		case 'V':
			puts("dmah " DMAH_VERSION);
			return CMD_OK;
		default:
			fputs("Try 'dmah --help'.\n", stderr);
			return CMD_UNREADABLE;
		}
	}
	if (optind == argc) {
		help(stderr);
		return CMD_UNREADABLE;
	}
	argc -= optind;
	argv += optind;
	optind = 0; /* glibc: start afresh */
	if (strcmp(argv[0], "help") == 0) {
		char *ask[] = { argc > 1 ? argv[1] : NULL, (char[]){ "--help" }, NULL };

		if (argc == 1) {
			help(stdout);
			return CMD_OK;
		}
		c = find(argv[1]);
		if (c)
			return c->run(2, ask);
		argv++;
	} else {
		c = find(argv[0]);
		if (c)
			return c->run(argc, argv);
	}
	fprintf(stderr, "dmah: no command '%s'. Try 'dmah --help'.\n", argv[0]);
	return CMD_UNREADABLE;
}
