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

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "instant.h"

#define SECOND		INT64_C(1000000)
#define DAY		INT64_C(86400)
#define BACK_MAX	(36500 * DAY)	/* seconds before now */

static int64_t	days(int64_t, int64_t, int64_t);
static int	month_days(int64_t, int64_t);
static int	number(const char **, int, int64_t *);
static int	fraction(const char **, int64_t *);
static int	zone(const char **, int64_t *);
static int	clock_of(const char **, int64_t *);
static int	before(const char *, int64_t, int64_t *);

/*
 * Days since the epoch of a date of the Gregorian calendar.  Years begin in
 * March here, so that a leap day is a year's last.
 */
static int64_t
days(int64_t y, int64_t m, int64_t d)
{
	int64_t	 era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return (era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy -
	    719468);
}

static int
month_days(int64_t y, int64_t m)
{
	static const int	 n[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30,
				    31, 30, 31 };

	if (m == 2 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0))
		return (29);
	return (n[m - 1]);
}

/* Exactly that many digits. */
static int
number(const char **p, int digits, int64_t *to)
{
	const char	*s = *p;

	for (*to = 0; digits > 0; digits--, s++) {
		if (*s < '0' || *s > '9')
			return (-1);
		*to = *to * 10 + *s - '0';
	}
	*p = s;
	return (0);
}

static int
fraction(const char **p, int64_t *us)
{
	const char	*s = *p;
	int64_t		 unit = SECOND;

	*us = 0;
	if (*s != '.')
		return (0);
	for (s++; *s >= '0' && *s <= '9'; s++) {
		unit /= 10;
		*us += (*s - '0') * unit;
	}
	if (s == *p + 1)
		return (-1);
	*p = s;
	return (0);
}

/* Seconds to be taken off. */
static int
zone(const char **p, int64_t *off)
{
	const char	*s = *p;
	int64_t		 h, m;
	int		 sign;

	*off = 0;
	if (*s == 'Z' || *s == 'z') {
		*p = s + 1;
		return (0);
	}
	if (*s != '+' && *s != '-')
		return (-1);
	sign = *s++ == '-' ? -1 : 1;
	if (number(&s, 2, &h) == -1 || *s++ != ':' ||
	    number(&s, 2, &m) == -1 || h > 23 || m > 59)
		return (-1);
	*off = sign * (h * 3600 + m * 60);
	*p = s;
	return (0);
}

/* hh:mm:ss, where a leap second is the first one of the next minute. */
static int
clock_of(const char **p, int64_t *seconds)
{
	const char	*s = *p;
	int64_t		 h, m, sec;

	if (number(&s, 2, &h) == -1 || *s++ != ':' ||
	    number(&s, 2, &m) == -1 || *s++ != ':' ||
	    number(&s, 2, &sec) == -1 || h > 23 || m > 59 || sec > 60)
		return (-1);
	*seconds = h * 3600 + m * 60 + sec;
	*p = s;
	return (0);
}

static int
before(const char *s, int64_t now, int64_t *t)
{
	static const struct {
		char	 letter;
		int64_t	 seconds;
	} units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', DAY }
	};
	int64_t	 n = 0;
	size_t	 i;

	if (*s < '0' || *s > '9')
		return (-1);
	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + *s - '0';
		if (n > BACK_MAX)
			return (-1);
	}
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (*s != units[i].letter || s[1] != '\0')
			continue;
		if (n > BACK_MAX / units[i].seconds)
			return (-1);
		*t = now - n * units[i].seconds * SECOND;
		return (0);
	}
	return (-1);
}

int
instant_parse(const char *s, int64_t now, int64_t *t)
{
	const char	*p = s;
	int64_t		 y, m, d, seconds, us, off;

	if (before(s, now, t) == 0)
		return (0);
	if (number(&p, 4, &y) == -1 || *p++ != '-' ||
	    number(&p, 2, &m) == -1 || *p++ != '-' ||
	    number(&p, 2, &d) == -1 || (*p != 'T' && *p != 't'))
		return (-1);
	p++;
	if (m < 1 || m > 12 || d < 1 || d > month_days(y, m) ||
	    clock_of(&p, &seconds) == -1 || fraction(&p, &us) == -1 ||
	    zone(&p, &off) == -1 || *p != '\0')
		return (-1);
	*t = (days(y, m, d) * DAY + seconds - off) * SECOND + us;
	/* An offset must not lead out of the years that can be written. */
	if (*t < days(0, 1, 1) * DAY * SECOND ||
	    *t >= days(10000, 1, 1) * DAY * SECOND)
		return (-1);
	return (0);
}

void
instant_print(int64_t t, char buf[INSTANT_SIZE])
{
	int64_t	 day, y, m = 1, s, us;

	us = t % SECOND;
	t /= SECOND;
	if (us < 0) {
		us += SECOND;
		t--;
	}
	s = t % DAY;
	day = t / DAY;
	if (s < 0) {
		s += DAY;
		day--;
	}
	y = 1970 + day / 366 - 1;
	if (day < 0)
		y = 1970 + day / 365 - 1;
	while (days(y + 1, 1, 1) <= day)
		y++;
	while (m < 12 && days(y, m + 1, 1) <= day)
		m++;
	(void)snprintf(buf, INSTANT_SIZE,
	    "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", (unsigned int)(y % 10000),
	    (unsigned int)(m % 100), (unsigned int)(day - days(y, m, 1) + 1) %
	    100, (unsigned int)(s / 3600 % 24), (unsigned int)(s / 60 % 60),
	    (unsigned int)(s % 60), (unsigned int)(us % SECOND));
}
