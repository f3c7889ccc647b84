// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* dmah tables: the command line. */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "tables.h"

static const char usage[] =
	"Usage: dmah tables [OPTION]... [FILE]...\n"
	"Say what firmware tables tell of IOMMUs: ACPI's DMAR, IVRS, IORT, VIOT and RIMT, and "
	"device\n"
	"trees. Without FILE the tables and PCI devices of this machine are read (root): which "
	"devices\n"
	"share a group, are bypassed, or have identity ranges, and why.\n\n"
	"      --requester=SEG:BB:DD.F  answer for one device, as a line of JSON; may be "
	"repeated.\n"
	"                               A NAME that is not of this form is that of a device on no "
	"bus\n"
	"      --json                   print a JSON object\n"
	"      --bridge=SEG:BB:DD.F=FIRST-LAST[,pci|,express-to-pci]\n"
	"                               with FILE: buses behind a bridge, hexadecimal; may be "
	"repeated\n"
	"      --root=DIR               read the machine whose /sys was copied to DIR/sys\n"
	"      --help                   this text\n\n"
	"Exit status: 0 done, 1 a table has an error, 2 wrong use, or a file that cannot be read "
	"or is\n"
	"no firmware table.\n";

/* struct options - the command line. */
struct options {
	const char *requesters[4096];
	size_t nr;
	bool json;
	const char *root;
};

static int bad_usage(const char *what, const char *which)
{
	if (what)
		fprintf(stderr, "dmah tables: %s%s\n", what, which);
	fputs("Try 'dmah tables --help'.\n", stderr);
	return CMD_UNREADABLE;
}

/* A name has a letter or a character that no PCI address has. */
static bool is_name(const char *text)
{
	return strpbrk(text, "\\/_") || strspn(text, "0123456789abcdefABCDEF:.") != strlen(text);
}

static bool requester_of(const char *text, struct dmah_fw_requester *who)
{
	const char *end;

	*who = (struct dmah_fw_requester){ 0 };
	end = parse_function(text, &who->segment, &who->bdf);
	if (end && !*end)
		return true;
	who->what = DMAH_FW_NAMED;
	who->name = text;
	return is_name(text);
}

static void answer(const struct machine *m, const char *text)
{
	struct dmah_fw_requester who;
	struct answer a;
	char name[16];
	json_t *j;

	(void)requester_of(text, &who);
	ask(m, &who, &a);
	j = answer_json(who.name ? who.name : function_name(name, who.segment, who.bdf), &a);
	json_dumpf(j, stdout, 0);
	putchar('\n');
	json_decref(j);
	answer_free(&a);
}

static int run(struct machine *m, const struct options *opt, char **files)
{
	bool ok = true;

	m->root = opt->root ? opt->root : "";
	m->running = !*files;
	if (m->running)
		read_functions(&m->pci, m->root);
	machine_init(m);
	if (m->running)
		ok = read_running(m);
	for (; *files; files++)
		ok &= read_table(m, *files);
	if (!ok)
		return CMD_UNREADABLE;
	for (size_t i = 0; i < opt->nr; i++)
		answer(m, opt->requesters[i]);
	if (!opt->nr && opt->json)
		list_json(stdout, m);
	else if (!opt->nr)
		list_text(stdout, m);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("dmah tables: standard output");
		return CMD_UNREADABLE;
	}
	return m->errors ? CMD_FOUND : CMD_OK;
}

/* Returns 0, or an exit status plus 1. */
static int parse(int argc, char **argv, struct options *opt, struct machine *m)
{
	static const struct option options[] = {
		{ "requester", required_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "bridge", required_argument, NULL, 'b' },
		{ "root", required_argument, NULL, 'R' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct dmah_fw_requester who;
	int o;

	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (o) {
		case 'r':
			if (!requester_of(optarg, &who))
				return bad_usage("no PCI function SEG:BB:DD.F: ", optarg) + 1;
			if (opt->nr == sizeof(opt->requesters) / sizeof(opt->requesters[0]))
				return bad_usage("more than 4096 requesters", "") + 1;
			opt->requesters[opt->nr++] = optarg;
			break;
		case 'j':
			opt->json = true;
			break;
		case 'b':
			if (!add_bridge(&m->pci, optarg))
				return bad_usage("no bridge, or a second time: ", optarg) + 1;
			break;
		case 'R':
			opt->root = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return CMD_OK + 1;
		default:
			return bad_usage(NULL, NULL) + 1;
		}
	}
	if (optind < argc && opt->root)
		return bad_usage("--root reads a machine, and FILE is given too", "") + 1;
	if (optind == argc && m->pci.nr)
		return bad_usage("--bridge is for a FILE", "") + 1;
	return 0;
}

int cmd_tables(int argc, char **argv)
{
	struct options opt = { 0 };
	struct machine m = { 0 };
	int status = parse(argc, argv, &opt, &m);

	status = status ? status - 1 : run(&m, &opt, argv + optind);
	machine_free(&m);
	return status;
}
