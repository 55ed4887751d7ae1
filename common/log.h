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


#ifndef LOG_H
#define LOG_H

#include <sys/types.h>

#include <stdarg.h>
#include <stdint.h>

/*
 * The text log: what a process says about itself, as in the model daemons.
 * Until log_sink() is called lines go to stderr; the sink of a child sends
 * them to the parent, which alone writes the text log.  Nothing secret is
 * ever passed to these functions.  Priorities are those of syslog(3).
 *
 * A line is vis(3)-encoded once, where it is made, and cut at LOG_LINE bytes:
 * whatever a peer made us quote, the text log stays one line of printable
 * ASCII for each message.
 */
#define LOG_LINE	1024

void	 log_init(const char *procname, int verbose);
void	 log_procname(const char *procname);
void	 log_setverbose(int verbose);
int	 log_getverbose(void);
/* The sink gets one line without a newline; NULL is stderr again. */
void	 log_sink(void (*)(int priority, const char *line));
/*
 * Pass on a line that another process made, under that process's name.  The
 * line must be encoded already: see log_printable().
 */
void	 log_relay(int priority, const char *procname, const char *line);
/* Whether a line is one that this file could have made. */
int	 log_printable(const char *line);

/*
 * A bound on lines: LOG_BURST at once, LOG_RATE a second in the long run.  A
 * zeroed structure is a full bucket; `now' is loop_mono().  log_allowed()
 * says whether one more line may pass; if so and lines were held back before
 * it, their number is stored in `suppressed', else 0.
 */
#define LOG_BURST	100
#define LOG_RATE	20
struct log_bucket {
	uint64_t	 spent;		/* lines, in 1/LOG_RATE of a second */
	uint64_t	 last;
	uint64_t	 held;
};
int	 log_allowed(struct log_bucket *, uint64_t now, uint64_t *suppressed);

/* log_warn() and fatal() add strerror(errno). */
void	 log_warn(const char *, ...) __attribute__((__format__(printf, 1, 2)));
void	 log_warnx(const char *, ...) __attribute__((__format__(printf, 1, 2)));
void	 log_info(const char *, ...) __attribute__((__format__(printf, 1, 2)));
void	 log_debug(const char *, ...)
	    __attribute__((__format__(printf, 1, 2)));
__dead void	 fatal(const char *, ...)
		    __attribute__((__format__(printf, 1, 2)));
__dead void	 fatalx(const char *, ...)
		    __attribute__((__format__(printf, 1, 2)));

#endif /* LOG_H */
