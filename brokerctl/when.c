/*
 * Copyright (c) 2026 The brokerd authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

#include <sys/types.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"

int
when_parse(const char *s, time_t *t)
{
	struct tm	 tm;
	const char	*end;

	memset(&tm, 0, sizeof(tm));
	if ((end = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm)) == NULL)
		return (-1);
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (strcmp(end, "Z") != 0)
		return (-1);
	*t = timegm(&tm);
	return (*t == -1 ? -1 : 0);
}

const char *
when_text(const struct ctl *ctl, const char *s, char *buf)
{
	struct tm	 tm;
	char		 span[WHEN_SIZE];
	time_t		 t;
	int64_t		 diff;

	if (!ctl->tty || when_parse(s, &t) == -1) {
		snprintf(buf, WHEN_SIZE, "%s", *s == '\0' ? "-" : s);
		return (buf);
	}
	if (ctl->live && gmtime_r(&t, &tm) != NULL) {
		(void)strftime(buf, WHEN_SIZE, "%m-%d %H:%M:%S", &tm);
		return (buf);
	}
	diff = (int64_t)time(NULL) - (int64_t)t;
	if (diff >= 0)
		snprintf(buf, WHEN_SIZE, "%s ago", when_span(diff, span));
	else
		snprintf(buf, WHEN_SIZE, "in %s", when_span(-diff, span));
	return (buf);
}

const char *
when_span(int64_t seconds, char *buf)
{
	static const struct {
		int64_t	unit;
		int64_t	upto;
		char	letter;
	} spans[] = {
		{ 1, 120, 's' },
		{ 60, 2 * 3600, 'm' },
		{ 3600, 2 * 86400, 'h' },
		{ 86400, INT64_MAX, 'd' }
	};
	size_t	i;

	for (i = 0; seconds >= spans[i].upto; i++)
		;
	snprintf(buf, WHEN_SIZE, "%" PRId64 "%c", seconds / spans[i].unit,
	    spans[i].letter);
	return (buf);
}

int64_t
when_duration(const char *s)
{
	static const struct {
		char	letter;
		int64_t	seconds;
	} units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }
	};
	const char	*errstr;
	char		 digits[16];
	size_t		 i, n = strlen(s);
	int64_t		 value;

	if (n < 2 || n > sizeof(digits) || s[0] < '0' || s[0] > '9')
		return (-1);
	memcpy(digits, s, n - 1);
	digits[n - 1] = '\0';
	value = strtonum(digits, 0, INT32_MAX, &errstr);
	for (i = 0; errstr == NULL && i < 4; i++) {
		if (units[i].letter == s[n - 1])
			return (value * units[i].seconds);
	}
	return (-1);
}
