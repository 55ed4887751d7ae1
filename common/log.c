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

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <vis.h>

#include "log.h"

static const char	*log_name = "brokerd";
static int		 log_verbose;
static void		(*log_to)(int, const char *);

static void	log_line(int, const char *);
static void	log_encode(char *, size_t, const char *);
static void	log_format(int, int, const char *, va_list);

void
log_init(const char *procname, int verbose)
{
	log_procname(procname);
	log_setverbose(verbose);
}

void
log_procname(const char *procname)
{
	log_name = procname;
}

void
log_setverbose(int verbose)
{
	log_verbose = verbose;
}

int
log_getverbose(void)
{
	return (log_verbose);
}

void
log_sink(void (*to)(int, const char *))
{
	log_to = to;
}

static void
log_line(int priority, const char *line)
{
	if (log_to != NULL)
		log_to(priority, line);
	else
		fprintf(stderr, "%s: %s\n", log_name, line);
}

void
log_relay(int priority, const char *procname, const char *line)
{
	const char	*self = log_name;
	char		 buf[LOG_LINE + 64];

	if (log_to == NULL) {
		log_name = procname;
		log_line(priority, line);
		log_name = self;
		return;
	}
	(void)snprintf(buf, sizeof(buf), "%s: %s", procname, line);
	log_to(priority, buf);
}

int
log_printable(const char *line)
{
	for (; *line != '\0'; line++) {
		if (*line < ' ' || *line > '~')
			return (0);
	}
	return (1);
}

/*
 * One character at a time, since a strnvis(3) that runs out of room leaves
 * half an escape and, in some libraries, no NUL.
 */
static void
log_encode(char *line, size_t len, const char *raw)
{
	char	 enc[8];
	size_t	 n, used = 0;

	for (; *raw != '\0'; raw++) {
		n = vis(enc, (unsigned char)*raw, VIS_CSTYLE | VIS_TAB |
		    VIS_NL, (unsigned char)raw[1]) - enc;
		if (n >= len - used)
			break;
		memcpy(line + used, enc, n);
		used += n;
	}
	line[used] = '\0';
}

static void
log_format(int priority, int num, const char *fmt, va_list ap)
{
	char	 raw[LOG_LINE + 1], line[LOG_LINE + 1];
	int	 len;

	len = vsnprintf(raw, sizeof(raw), fmt, ap);
	if (len < 0) {
		len = 0;
		raw[0] = '\0';
	}
	if (num != 0 && (size_t)len < sizeof(raw))
		(void)snprintf(raw + len, sizeof(raw) - len, ": %s",
		    strerror(num));
	log_encode(line, sizeof(line), raw);
	log_line(priority, line);
}

void
log_warn(const char *fmt, ...)
{
	int	 saved = errno;
	va_list	 ap;

	va_start(ap, fmt);
	log_format(LOG_ERR, saved, fmt, ap);
	va_end(ap);
	errno = saved;
}

void
log_warnx(const char *fmt, ...)
{
	int	 saved = errno;
	va_list	 ap;

	va_start(ap, fmt);
	log_format(LOG_ERR, 0, fmt, ap);
	va_end(ap);
	errno = saved;
}

void
log_info(const char *fmt, ...)
{
	int	 saved = errno;
	va_list	 ap;

	va_start(ap, fmt);
	log_format(LOG_INFO, 0, fmt, ap);
	va_end(ap);
	errno = saved;
}

void
log_debug(const char *fmt, ...)
{
	int	 saved = errno;
	va_list	 ap;

	if (log_verbose == 0)
		return;
	va_start(ap, fmt);
	log_format(LOG_DEBUG, 0, fmt, ap);
	va_end(ap);
	errno = saved;
}

__dead void
fatal(const char *fmt, ...)
{
	int	 saved = errno;
	va_list	 ap;

	va_start(ap, fmt);
	log_format(LOG_CRIT, saved, fmt, ap);
	va_end(ap);
	exit(1);
}

__dead void
fatalx(const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	log_format(LOG_CRIT, 0, fmt, ap);
	va_end(ap);
	exit(1);
}

/*
 * A leaky bucket that counts in 1/LOG_RATE seconds, so that a line costs one
 * and whole numbers suffice.
 */
int
log_allowed(struct log_bucket *b, uint64_t now, uint64_t *suppressed)
{
	uint64_t	 leaked;

	*suppressed = 0;
	leaked = (now - b->last) / (1000000 / LOG_RATE);
	if (leaked > 0) {
		b->spent = leaked >= b->spent ? 0 : b->spent - leaked;
		b->last = b->spent == 0 ? now :
		    b->last + leaked * (1000000 / LOG_RATE);
	}
	if (b->spent >= LOG_BURST) {
		b->held++;
		return (0);
	}
	b->spent++;
	*suppressed = b->held;
	b->held = 0;
	return (1);
}
