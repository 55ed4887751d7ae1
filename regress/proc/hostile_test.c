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
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "scene.h"

/*
 * Every process, on every link it has, is told what nobody may tell it.  If
 * it comes from a peer that is trusted more, the process ends; otherwise it
 * closes that link, has the peer killed, and goes on.  What is wrong is
 * derived from the catalogue.  All of it is said to the stand-in of the
 * frame's tests, and to the real programs.
 */

struct wrong {
	const char	*name;
	/* Returns 0 where there is no such thing on this link. */
	int		(*say)(struct scene *, enum proc from);
};

/* What is said, and whether to the real programs. */
struct run {
	const struct wrong	*wrong;
	int			 real;
	char			 name[80];
};

static void	add_hostile(struct CMUnitTest *, struct run *);
static int	goes(uint32_t, enum proc, enum proc);
static uint32_t	first_allowed(enum proc, enum proc, int);
static int	unknown(struct scene *, enum proc);
static int	of_others(struct scene *, enum proc);
static int	truncated(struct scene *, enum proc);
static int	trailing(struct scene *, enum proc);
static int	too_short(struct scene *, enum proc);
static int	too_long(struct scene *, enum proc);
static int	oversize(struct scene *, enum proc);
static int	descriptor(struct scene *, enum proc);

static const struct wrong	 wrongs[] = {
	{ "an unknown message",			unknown },
	{ "a message of somebody else",		of_others },
	{ "a truncated message",		truncated },
	{ "bytes too many",			trailing },
	{ "a length below the header's",	too_short },
	{ "a length above all bounds",		too_long },
	{ "more than the link may carry",	oversize },
	{ "a descriptor that does not belong",	descriptor }
};

static int
goes(uint32_t type, enum proc from, enum proc to)
{
	const struct msg_desc	*d = msg_desc(type);

	return ((d->from & PROC_BIT(from)) && (d->to & PROC_BIT(to)));
}

/* One that may be said, without (or with) flags; MSG_NONE if none. */
static uint32_t
first_allowed(enum proc from, enum proc to, int flags)
{
	uint32_t	 i;

	for (i = 1; i < MSG_MAX; i++) {
		if (goes(i, from, to) && (msg_desc(i)->flags & M_FD) == flags)
			return (i);
	}
	return (MSG_NONE);
}

static int
unknown(struct scene *h, enum proc from)
{
	play_send_raw(scene_end(h, from), MSG_MAX, NULL, 0);
	return (1);
}

static int
of_others(struct scene *h, enum proc from)
{
	union msg_any	 m;
	uint32_t	 i;

	memset(&m, 0, sizeof(m));
	for (i = 1; i < MSG_MAX; i++) {
		if (!goes(i, from, h->proc))
			break;
	}
	play_send(scene_end(h, from), i, &m);
	return (1);
}

static int
truncated(struct scene *h, enum proc from)
{
	uint32_t	 type = first_allowed(from, h->proc, 0);

	if (type == MSG_NONE)
		type = first_allowed(from, h->proc, M_FD);
	play_send_raw(scene_end(h, from), type, NULL, 0);
	return (1);
}

static int
trailing(struct scene *h, enum proc from)
{
	uint32_t	 type = first_allowed(from, h->proc, 0);
	union msg_any	 m;
	struct msg_blob	 blob;
	uint8_t		*more;

	if (type == MSG_NONE)
		return (0);
	memset(&m, 0, sizeof(m));
	if (rec_to_blob(&msg_desc(type)->rec, &m, &blob) == -1 ||
	    (more = calloc(1, blob.len + 1)) == NULL)
		err(1, NULL);
	memcpy(more, blob.data, blob.len);
	play_send_raw(scene_end(h, from), type, more, blob.len + 1);
	free(more);
	msg_blob_free(&blob);
	return (1);
}

static int
header(struct scene *h, enum proc from, uint32_t len)
{
	struct imsg_hdr	 hdr;

	memset(&hdr, 0, sizeof(hdr));
	hdr.type = first_allowed(from, h->proc, 0);
	hdr.len = len;
	assert_int_equal(write(scene_end(h, from)->fd, &hdr, sizeof(hdr)),
	    sizeof(hdr));
	return (1);
}

static int
too_short(struct scene *h, enum proc from)
{
	return (header(h, from, IMSG_HEADER_SIZE - 1));
}

static int
too_long(struct scene *h, enum proc from)
{
	return (header(h, from, 0x7fffffff));
}

static int
oversize(struct scene *h, enum proc from)
{
	return (header(h, from, (msg_link_big(from, h->proc) ? MSG_MAXSIZE :
	    MAX_IMSGSIZE) + 1));
}

/* Only where descriptors pass at all; elsewhere the kernel drops them. */
static int
descriptor(struct scene *h, enum proc from)
{
	uint32_t	 type = first_allowed(from, h->proc, 0);
	union msg_any	 m;

	if (from != PROC_PARENT || type == MSG_NONE)
		return (0);
	memset(&m, 0, sizeof(m));
	play_send_fd(scene_end(h, from), type, &m, open("/dev/null", O_RDONLY));
	return (1);
}

/*
 * The process has the peer killed by its right name, closes the one link,
 * still hears its parent, and ends in order.
 */
static void
goes_on(struct scene *h, enum proc from)
{
	union msg_any	*m;

	m = play_recv(&h->child, scene_end(h, PROC_PARENT), MSG_KILL);
	assert_int_equal(m->kill.instance, SCENE_INSTANCE + from);
	play_eof(&h->child, scene_end(h, from));
	assert_int_equal(scene_stop(h), 0);
}

static void
one(enum proc proc, enum proc from, const struct run *r)
{
	struct scene	 h;
	char		 said[64];

	scene_begin(&h, proc, r->real);
	print_message("%s to %s: %s\n", proc_name(from), proc_name(proc),
	    r->wrong->name);
	if (!r->wrong->say(&h, from))
		assert_int_equal(scene_stop(&h), 0);
	else if (proc_trust(from) < proc_trust(proc))
		goes_on(&h, from);
	else {
		assert_int_equal(play_wait(&h.child), 1);
		(void)snprintf(said, sizeof(said), "malformed message from %s",
		    proc_name(from));
		assert_non_null(strstr(h.child.log, said));
	}
	scene_finish(&h);
}

static void
test_hostile(void **state)
{
	const struct run	*r = *state;
	int			 proc, from;

	for (proc = PROC_KEYD; proc < PROC_MAX; proc++) {
		for (from = PROC_PARENT; from < PROC_MAX; from++) {
			if (msg_linked(proc, from))
				one(proc, from, r);
		}
	}
}

/* The parent breaking the order of a configuration is the end as well. */
static void
test_order(void **state)
{
	static const enum msg_type	 wrong[] = { MSG_CONF_END,
	    MSG_CONF_ACTIVATE, MSG_CONF_CANCEL, MSG_CONF_HTTP };
	struct scene			 h;
	union msg_any			 m;
	size_t				 i;

	memset(&m, 0, sizeof(m));
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		scene_begin(&h, PROC_PROXY, 0);
		play_send(scene_end(&h, PROC_PARENT), wrong[i], &m);
		assert_int_equal(play_wait(&h.child), 1);
		scene_finish(&h);
	}
}

/* A link or a listener whose descriptor was lost is asked for again. */
static void
test_lost(void **state)
{
	struct msg_listener	 listener = { 7, 0 };
	struct msg_peer		 peer;
	struct scene		 h;
	union msg_any		*m;

	scene_begin(&h, PROC_PROXY, 0);
	memset(&peer, 0, sizeof(peer));
	peer.proc = PROC_MITM;
	peer.instance = 12345;
	play_send(scene_end(&h, PROC_PARENT), MSG_PEER, &peer);
	m = play_recv(&h.child, scene_end(&h, PROC_PARENT), MSG_PEER_WANTED);
	assert_int_equal(m->peer_wanted.proc, PROC_MITM);
	assert_int_equal(m->peer_wanted.instance, 12345);
	play_send(scene_end(&h, PROC_PARENT), MSG_LISTENER, &listener);
	m = play_recv(&h.child, scene_end(&h, PROC_PARENT), MSG_PEER_WANTED);
	assert_int_equal(m->peer_wanted.proc, PROC_PARENT);
	assert_int_equal(m->peer_wanted.instance, 7);
	assert_int_equal(play_stop(&h.child), 0);
	scene_finish(&h);
}

/* The end of descriptor 3 is a SHUTDOWN. */
static void
test_eof(void **state)
{
	const struct run	*r = *state;
	struct scene		 h;
	int			 proc, status;

	for (proc = PROC_KEYD; proc < PROC_MAX; proc++) {
		scene_begin(&h, proc, r->real);
		play_close(&h.child.parent);
		assert_int_equal(waitpid(h.child.pid, &status, 0),
		    h.child.pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
		scene_finish(&h);
	}
}

#define NWRONGS	(sizeof(wrongs) / sizeof(wrongs[0]))

/* Each to the stand-in, then each to the real programs. */
static void
add_hostile(struct CMUnitTest *tests, struct run *runs)
{
	size_t	 i;

	for (i = 0; i < 2 * NWRONGS; i++) {
		runs[i].wrong = &wrongs[i % NWRONGS];
		runs[i].real = i >= NWRONGS;
		(void)snprintf(runs[i].name, sizeof(runs[i].name), "%s%s",
		    runs[i].wrong->name, runs[i].real ? ", real" : "");
		tests[i].name = runs[i].name;
		tests[i].test_func = test_hostile;
		tests[i].initial_state = &runs[i];
	}
}

int
main(void)
{
	static struct run	 runs[2 * NWRONGS];
	static struct run	 stand_in, real = { NULL, 1, "" };
	struct CMUnitTest	 tests[2 * NWRONGS + 4] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_lost),
		cmocka_unit_test_prestate(test_eof, &stand_in),
		{ "test_eof, real", test_eof, NULL, NULL, &real }
	};
	const char		*top = getenv("TOP");

	if (top != NULL && chdir(top) == -1)
		err(1, "chdir");
	add_hostile(tests + 4, runs);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
