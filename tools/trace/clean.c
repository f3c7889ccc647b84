// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include "clean.h"
#include "xalloc.h"

#define ESCAPE 0x1b

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decode "=3D". Return: the new length */
static size_t decode_bytes(char *s, size_t len)
{
	size_t to = 0;

	for (size_t i = 0; i < len; i++) {
		int high = s[i] == '=' && len - i > 2 ? digit(s[i + 1]) : -1;
		int low = high >= 0 ? digit(s[i + 2]) : -1;

		if (low < 0) {
			s[to++] = s[i];
			continue;
		}
		s[to++] = (char)(high * 16 + low);
		i += 2;
	}
	s[to] = '\0';
	return to;
}

static void append(struct clean *c, const char *s, size_t len)
{
	if (c->cap < c->len + len + 1) {
		c->cap = 2 * c->cap + len + 1;
		c->part = xreallocarray(c->part, c->cap, 1);
	}
	memcpy(c->part + c->len, s, len);
	c->len += len;
	c->part[c->len] = '\0';
}

/* Join lines and decode bytes. Return: false if the line goes on */
static bool quoted_printable(struct clean *c, char **line, size_t *len)
{
	static const char header[] = "content-transfer-encoding: quoted-printable";
	bool goes_on = *len && (*line)[*len - 1] == '=';

	if (!c->quoted_printable) {
		c->quoted_printable = strncasecmp(*line, header, sizeof(header) - 1) == 0;
		return true;
	}
	if (goes_on || c->len) {
		append(c, *line, *len - goes_on);
		if (goes_on)
			return false;
		*line = c->part;
		*len = c->len;
		c->len = 0;
	}
	*len = decode_bytes(*line, *len);
	return true;
}

/* Length of what stands for one character at s, which is put into *c; 0: nothing does */
static size_t mark(const char *s, char *c)
{
	static const struct {
		const char *text;
		char c;
	} all[] = { { "&lt;", '<' },   { "&gt;", '>' },	  { "&amp;", '&' },   { "&quot;", '"' },
		    { "&#39;", '\'' }, { "&nbsp;", ' ' }, { "\xc2\xa0", ' ' } };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t n = strlen(all[i].text);

		if (strncmp(s, all[i].text, n) == 0) {
			*c = all[i].c;
			return n;
		}
	}
	return 0;
}

/* Length of a terminal's control sequence, "ESC [ 32 m"; 0: none */
static size_t colour(const char *s)
{
	size_t n = 2;

	if (s[0] != ESCAPE || s[1] != '[')
		return 0;
	n += strspn(s + n, "0123456789;?");
	return s[n] ? n + 1 : n;
}

static size_t take_marks(char *s, size_t len)
{
	size_t to = 0;

	for (size_t i = 0; i < len;) {
		size_t n = colour(s + i);
		char c;

		if (n) {
			i += n;
			continue;
		}
		n = mark(s + i, &c);
		s[to++] = n ? c : s[i];
		i += n ? n : 1;
	}
	s[to] = '\0';
	return to;
}

bool clean_line(struct clean *c, char **line, size_t *len)
{
	static const char byte_order[] = "\xef\xbb\xbf";

	if (!c->begun && strncmp(*line, byte_order, 3) == 0) {
		*line += 3;
		*len -= 3;
	}
	c->begun = true;
	if (*len && (*line)[*len - 1] == '\r')
		(*line)[--*len] = '\0';
	if (!quoted_printable(c, line, len))
		return false;
	if (memchr(*line, '&', *len) || memchr(*line, ESCAPE, *len) || memchr(*line, 0xc2, *len))
		*len = take_marks(*line, *len);
	return true;
}
