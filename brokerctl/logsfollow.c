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

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "ctl.h"
#include "sseread.h"

/* Milliseconds between attempts: twice as long each time, within these. */
#define BACKOFF_MIN	200
#define BACKOFF_MAX	5000
/* What a Retry-After is taken for at most, seconds. */
#define RETRY_MAX	30

struct follow {
	struct ctl	*ctl;
	struct logs_out	*out;
	struct sse	 sse;
	int64_t		 cursor;	/* of the last row that came */
	int64_t		 printed;	/* and that stdout has taken */
	int		 lives;		/* something came on this stream */
	int		 full;		/* stdout takes no more */
	int		 broken;	/* that has been said */
	int		 wait;		/* ms */
};

static volatile sig_atomic_t	 caught;

static void	 catch(int);
static void	 watch_signals(sigset_t *);
static int	 took_bytes(void *, const uint8_t *, size_t);
static int	 took_event(void *, const struct sse_event *);
static void	 row(struct follow *, const struct sse_event *,
		    const json_t *);
static const char *refusal(struct follow *, const struct answer *);
static int	 turn(struct follow *, struct client_stream *, const char *,
		    int);
static int	 may_pass(int);
static void	 say(struct follow *, const char *);
static int	 backoff(struct follow *, const struct client_stream *,
		    const struct answer *);

int
logs_follow(struct ctl *ctl, const struct args *args, struct logs_out *out,
    int64_t *cursor, int must)
{
	struct follow		 f;
	struct client_stream	 stream;
	char			*path = logs_path(args, "/stream");

	memset(&f, 0, sizeof(f));
	f.ctl = ctl;
	f.out = out;
	f.cursor = f.printed = *cursor;
	f.wait = BACKOFF_MIN;
	sse_init(&f.sse, took_event, &f);
	memset(&stream, 0, sizeof(stream));
	stream.take = took_bytes;
	stream.arg = &f;
	stream.stop = &caught;
	watch_signals(&stream.signals);
	while (turn(&f, &stream, path, must) == 0)
		must = 0;
	sse_free(&f.sse);
	free(path);
	*cursor = f.printed;
	return (caught);
}

static void
catch(int sig)
{
	caught = sig;
}

/*
 * Without SA_RESTART, so that also a write to a pipe that nobody reads ends.
 * What was ignored when we were started stays so.
 */
static void
watch_signals(sigset_t *set)
{
	static const int	 signals[] = { SIGHUP, SIGINT, SIGTERM };
	struct sigaction	 sa, old;
	size_t			 i;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = catch;
	sigemptyset(&sa.sa_mask);
	sigemptyset(set);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaddset(set, signals[i]);
		if (sigaction(signals[i], NULL, &old) == -1 ||
		    old.sa_handler == SIG_IGN)
			continue;
		if (sigaction(signals[i], &sa, NULL) == -1)
			err(1, "sigaction");
	}
}

/* One stream, from its beginning to its end and the pause behind it. */
static int
turn(struct follow *f, struct client_stream *stream, const char *path,
    int must)
{
	struct answer	 answer;
	char		 why[512];
	int		 rv;

	sse_reset(&f->sse);
	f->lives = 0;
	stream->last = f->cursor;
	rv = client_stream(f->ctl->client, path, stream, &answer);
	if (caught || f->full)
		return (-1);
	if (f->sse.error != NULL)
		errx(1, "%s: what came is no stream of events: %s",
		    f->ctl->name, f->sse.error);
	if (rv == -1) {
		if (must && answer.status == 0)
			call_unreachable(f->ctl);
		(void)strlcpy(why, client_error(f->ctl->client), sizeof(why));
	} else
		(void)strlcpy(why, refusal(f, &answer), sizeof(why));
	say(f, why);
	rv = backoff(f, stream, &answer);
	answer_free(&answer);
	return (rv);
}

/* Exits unless it can become better by waiting. */
static const char *
refusal(struct follow *f, const struct answer *answer)
{
	if (answer->status != 200) {
		if (!may_pass(answer->status))
			call_refused(f->ctl, answer);
		return ("the daemon is not ready");
	}
	if (strcmp(answer->type, "text/event-stream") != 0)
		errx(1, "%s: the answer is no stream of events; is that "
		    "brokerd?", f->ctl->name);
	return ("the daemon closed it");
}

static int
may_pass(int status)
{
	return (status >= 500 || status == 408 || status == 429);
}

/* Once each time that it breaks, however often it is tried again. */
static void
say(struct follow *f, const char *why)
{
	if (f->lives)
		f->broken = 0;
	if (!f->broken)
		warnx("%s: the stream broke (%s); trying again", f->ctl->name,
		    why);
	f->broken = 1;
}

/* -1 if a signal has come.  Not all readers are to come back at once. */
static int
backoff(struct follow *f, const struct client_stream *stream,
    const struct answer *answer)
{
	int	ms;

	if (f->lives)
		f->wait = BACKOFF_MIN;
	ms = f->wait + (int)arc4random_uniform((uint32_t)f->wait / 4);
	if (answer->retry_after > 0 && answer->status != 200)
		ms += 1000 * (answer->retry_after > RETRY_MAX ? RETRY_MAX :
		    answer->retry_after);
	f->wait = f->wait > BACKOFF_MAX / 2 ? BACKOFF_MAX : f->wait * 2;
	return (client_pause(f->ctl->client, stream, ms));
}

static int
took_bytes(void *arg, const uint8_t *data, size_t n)
{
	struct follow	*f = arg;
	int		 rv;

	rv = sse_feed(&f->sse, data, n);
	/*
	 * Rows are shown as soon as there is nothing more to read of them;
	 * those in front of what is wrong are rows all the same.
	 */
	if (logs_out_flush(f->out) == -1)
		f->full = 1;
	else
		f->printed = f->cursor;
	return (f->full ? -1 : rv);
}

static int
took_event(void *arg, const struct sse_event *e)
{
	struct follow	*f = arg;
	json_t		*o;

	f->lives = 1;
	if (e == NULL)
		return (0);
	/* An id alone is what a daemon sent before it had beats. */
	if (strcmp(e->name, "beat") == 0 || *e->name == '\0') {
		/* Up to here nothing matches but what has come. */
		if (e->id > f->cursor)
			f->cursor = e->id;
		return (0);
	}
	o = json_loadb(e->data, e->length, JSON_ALLOW_NUL, NULL);
	if (!json_is_object(o)) {
		json_decref(o);
		f->sse.error = "an event that is no JSON object";
		return (-1);
	}
	if (strcmp(e->name, "log") == 0 || strcmp(e->name, "gap") == 0)
		row(f, e, o);
	else if (strcmp(e->name, "trimmed") == 0)
		logs_trimmed(o);
	json_decref(o);
	return (f->sse.error == NULL ? 0 : -1);
}

/*
 * Ids go upwards: what is not newer has been printed, before a restart.
 */
static void
row(struct follow *f, const struct sse_event *e, const json_t *o)
{
	if (e->id == -1) {
		f->sse.error = "a row without an id";
		return;
	}
	if (e->id <= f->cursor)
		return;
	logs_out_row(f->out, o);
	f->cursor = e->id;
}
