// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Beginnings of lines of the kernel's log: of dmesg with any of its options, journalctl, syslog,
 * /dev/kmsg, and consoles whose program puts a time before each line.
 *
 *	<6>[   56.976286][  T141] dma_map_page: 0000:00:01.0 dir=...
 *	kern  :info  : [   56.976286] dma_map_page: ...
 *	2026-11-30T06:41:06.123456+00:00 host kernel: [   56.976286] dma_map_page: ...
 *	6,1234,56976286,-;dma_map_page: ...
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "scan.h"
#include "text.h"

/* A prefix is not longer. */
#define MOST_PREFIX 120

/* Skip "<6>". */
static const char *skip_level(const char *s, bool *is)
{
	size_t n = s[0] == '<' ? strspn(s + 1, "0123456789") : 0;

	if (!n || s[n + 1] != '>')
		return s;
	*is = true;
	return s + n + 2;
}

/* Skip dmesg -x's "kern  :info  : ". */
static const char *skip_names(const char *s, bool *is)
{
	const char *p = s;

	for (int i = 0; i < 2; i++) {
		size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz01234567");

		if (!n || n > 8)
			return s;
		p = scan_skip(p + n);
		if (*p++ != ':')
			return s;
	}
	if (*p != ' ')
		return s;
	*is = true;
	return scan_skip(p);
}

/* Skip "Nov 30 00:02:32 host kernel: " of syslog and journalctl. */
static const char *skip_syslog(const char *s, bool *is)
{
	const char *kernel = strstr(s, " kernel: ");

	if (!kernel || kernel - s >= MOST_PREFIX || !isalnum((unsigned char)*s) ||
	    memchr(s, '[', (size_t)(kernel - s)))
		return s;
	*is = true;
	return scan_skip(kernel + 9);
}

/* Skip a date and time in numbers, which is followed by a message: "2026-11-30T06:41:06,123456+00:00 " */
static const char *skip_date(const char *s, bool *is)
{
	size_t n = strspn(s, "0123456789-");

	if (n != 10 || s[4] != '-' || s[7] != '-' || s[10] != 'T')
		return s;
	n += 1 + strspn(s + 11, "0123456789:.,+-Z");
	if (n < 19 || s[n] != ' ')
		return s;
	*is = true;
	return s + n + 1;
}

/* Skip what a program on a serial line puts before "[   12.345678] ": dates and times in digits. */
static const char *skip_console(const char *s)
{
	size_t n = strspn(s, "0123456789:.,-+/TZ[] ");
	const char *p = s;

	for (const char *at = s; at < s + n && at - s < MOST_PREFIX; at++) {
		size_t blanks, digits;

		if (*at != '[')
			continue;
		blanks = strspn(at + 1, " ");
		digits = strspn(at + 1 + blanks, "0123456789");
		if (digits && at[1 + blanks + digits] == '.')
			p = at;
	}
	return p;
}

/* Read "6,1234,56976286,-,caller=T1;" of /dev/kmsg. */
static const char *kmsg(const char *s, struct head *h)
{
	uint64_t level, number, us;
	const char *p = s, *end;

	if (!scan_decimal(&p, &level) || *p++ != ',' || !scan_decimal(&p, &number) || *p++ != ',' ||
	    !scan_decimal(&p, &us) || *p != ',' || us > UINT64_MAX / 1000)
		return NULL;
	end = strchr(p, ';');
	if (!end || end - s > MOST_PREFIX)
		return NULL;
	h->time = us * 1000;
	h->counts = false;
	return end + 1;
}

/* Skip "[  T140]" or "[    C0]" of CONFIG_PRINTK_CALLER. */
static const char *printk_caller(const char *s, struct head *h)
{
	const char *p = scan_skip(s);
	uint64_t v;
	char sort;

	if (*p != '[')
		return s;
	p = scan_skip(p + 1);
	sort = *p++;
	if ((sort != 'T' && sort != 'C') || !scan_decimal(&p, &v) || *p != ']' || v > INT32_MAX)
		return s;
	if (sort == 'T')
		h->pid = (long)v;
	else
		h->cpu = v;
	return p + 1;
}

/* Skip "[0:   swapper/0:    0]", CPU, task and process, of some phones' kernels. */
static const char *phone_caller(const char *s, struct head *h)
{
	const char *p = scan_skip(s), *end, *colon;
	uint64_t cpu;

	if (*p++ != '[' || !scan_decimal(&p, &cpu) || cpu > 1u << 20 || *p++ != ':')
		return s;
	end = strchr(p, ']');
	for (colon = end; colon && colon > p && *colon != ':';)
		colon--;
	if (!end || colon <= p || end - p > 60)
		return s;
	h->cpu = cpu;
	h->pid = strtol(colon + 1, NULL, 10);
	h->task = scan_skip(p);
	h->task_len = (size_t)(colon - h->task);
	return end + 1;
}

/* Read "[   56.976286]", also with dmesg -d's " <    0.000010>" inside. */
static const char *seconds(const char *s, struct head *h)
{
	const char *p = s;
	uint64_t sec, us;

	if (*p++ != '[')
		return NULL;
	p = scan_skip(p);
	if (!scan_decimal(&p, &sec) || *p++ != '.' || !scan_decimal(&p, &us) || us >= 1000000 ||
	    sec >= UINT64_MAX / 1000000000 - 1)
		return NULL;
	if (p[0] == ' ' && p[1] == '<') {
		p += 2 + strspn(p + 2, " 0123456789.");
		if (*p++ != '>')
			return NULL;
	}
	if (*p != ']')
		return NULL;
	h->time = sec * 1000000000 + us * 1000;
	h->counts = false;
	return p + 1;
}

/* Skip a time that says nothing of seconds since the start: dmesg -T and -e */
static const char *clock_time(const char *s)
{
	const char *end = s[0] == '[' ? strchr(s, ']') : NULL;

	if (!end)
		return NULL;
	/* "[Mon Nov 30 00:02:32 2026]", "[Nov30 06:41]" */
	if (isupper((unsigned char)s[1]) && (end - s == 25 || end - s == 12) &&
	    strchr(s, ':') < end)
		return end + 1;
	/* "[  +0.000123]" */
	s = scan_skip(s + 1);
	if (*s == '+' && s + 1 + strspn(s + 1, "0123456789.") == end)
		return end + 1;
	return NULL;
}

const char *head_printk(const char *line, struct head *h)
{
	bool is = false;
	const char *s = scan_skip(line), *p;

	*h = (struct head){
		.layout = LAYOUT_PRINTK, .task = "", .cpu = HEAD_NO_CPU, .counts = true
	};
	s = skip_level(s, &is);
	s = skip_names(s, &is);
	s = skip_syslog(s, &is);
	s = skip_date(s, &is);
	if ((p = kmsg(s, h)) != NULL) {
		s = p;
	} else if ((p = seconds(skip_console(s), h)) != NULL) {
		s = printk_caller(p, h);
		s = phone_caller(s, h);
	} else if ((p = clock_time(s)) != NULL) {
		s = printk_caller(p, h);
	} else if (!is) {
		return NULL;
	}
	/* journalctl -o short-monotonic has the host behind the time */
	s = skip_syslog(scan_skip(s), &is);
	s = scan_skip(s);
	head_event(s, h);
	return s;
}
