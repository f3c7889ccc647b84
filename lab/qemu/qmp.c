/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* QEMU's monitor. Answers are recognised by words that they contain; JSON is not parsed. */
#include "qemu_int.h"

#include <string.h>

const char *qemu_qmp(struct qemu *q, const char *command)
{
	const char *line;

	qemu_send(q, &q->monitor, command, strlen(command));
	qemu_send(q, &q->monitor, "\n", 1);
	do
		line = qemu_line(q, &q->monitor);
	while (!strstr(line, "\"return\"") && !strstr(line, "\"error\""));
	return line;
}

void qemu_qmp_open(struct qemu *q)
{
	const char *line = qemu_line(q, &q->monitor);

	if (!strstr(line, "\"QMP\""))
		qemu_die(q, "the monitor says %s", line);
	line = qemu_qmp(q, "{\"execute\":\"qmp_capabilities\"}");
	if (!strstr(line, "\"return\""))
		qemu_die(q, "the monitor says %s", line);
}

void qemu_qmp_event(struct qemu *q, const char *command, const char *name)
{
	bool answered = false, happened = false;

	qemu_send(q, &q->monitor, command, strlen(command));
	qemu_send(q, &q->monitor, "\n", 1);
	while (!answered || !happened) {
		const char *line = qemu_line(q, &q->monitor);

		if (strstr(line, "\"error\""))
			qemu_die(q, "%s: %s", command, line);
		answered |= strstr(line, "\"return\"") != NULL;
		happened |= strstr(line, "\"event\"") && strstr(line, name);
	}
}
