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
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "codes.h"
#include "ledger.h"
#include "scene.h"

#define CHILD	"regress/proc/child"

static const char	*programs[PROC_MAX] = {
	[PROC_KEYD] = "keyd/keyd",
	[PROC_LOGD] = "logd/logd",
	[PROC_RESOLVER] = "resolver/resolver",
	[PROC_MITM] = "mitm/mitm",
	[PROC_PROXY] = "proxy/proxy",
	[PROC_API_LOCAL] = "api/api",
	[PROC_API_TCP] = "api/api"
};

static void	configure(struct scene *);
static void	give_file(struct scene *, enum file_kind, const char *, int);
static void	link_all(struct scene *);
static void	state_dir(struct scene *);
static void	keyd_loads(struct scene *);
static void	logd_syncs(struct scene *);

struct play *
scene_end(struct scene *s, enum proc p)
{
	return (p == PROC_PARENT ? &s->child.parent : &s->peers[p]);
}

static void
give_file(struct scene *s, enum file_kind kind, const char *name, int fd)
{
	struct msg_file	 m;

	assert_int_not_equal(fd, -1);
	memset(&m, 0, sizeof(m));
	m.kind = kind;
	m.name = name;
	m.instance = s->child.instance;
	play_send_fd(&s->child.parent, MSG_FILE, &m, fd);
}

static void
state_dir(struct scene *s)
{
	const char	*tmp = getenv("TMPDIR");

	(void)snprintf(s->dir, sizeof(s->dir), "%s/scene.XXXXXXXXXX",
	    tmp == NULL || strlen(tmp) > 100 ? "/tmp" : tmp);
	assert_non_null(mkdtemp(s->dir));
	give_file(s, FILE_STATE_DIR, s->dir,
	    open(s->dir, O_RDONLY | O_DIRECTORY));
}

/* Values that are not zero where that would mean something. */
static void
configure(struct scene *s)
{
	struct play		*p = &s->child.parent;
	struct msg_conf_start	 gen = { 1 };
	struct msg_conf_http	 http = { .request_line = 8192,
	    .headers = 50, .header_bytes = 16384, .proxy_port = 1,
	    .av_addr = "http://127.0.0.1:2" };
	struct msg_conf_upstream up = { 1000, 1000, 1000, 1000, 0 };
	struct msg_conf_log	 log = { .flush_ms = 20, .batch = 100,
	    .reserve = 1 };
	FILE			*key;

	play_send(p, MSG_CONF_START, &gen);
	if (msg_desc(MSG_CONF_HTTP)->to & PROC_BIT(s->proc))
		play_send(p, MSG_CONF_HTTP, &http);
	if (msg_desc(MSG_CONF_UPSTREAM)->to & PROC_BIT(s->proc))
		play_send(p, MSG_CONF_UPSTREAM, &up);
	if (msg_desc(MSG_CONF_LOG)->to & PROC_BIT(s->proc))
		play_send(p, MSG_CONF_LOG, &log);
	if (s->real && s->proc == PROC_LOGD)
		state_dir(s);
	if (s->real && s->proc == PROC_KEYD) {
		assert_non_null(key = tmpfile());
		give_file(s, FILE_MASTER_KEY, "master.key",
		    dup(fileno(key)));
		fclose(key);
	}
	play_send(p, MSG_CONF_END, &gen);
	(void)play_recv(&s->child, p, MSG_CONF_READY);
	play_send(p, MSG_CONF_ACTIVATE, &gen);
}

static void
link_all(struct scene *s)
{
	int	 p;

	for (p = PROC_KEYD; p < PROC_MAX; p++) {
		if (msg_linked(s->proc, p) && !s->peers[p].open)
			play_link(&s->child, &s->peers[p], p, 0,
			    SCENE_INSTANCE + p);
	}
}

/* Of a database that is empty; and its first change. */
static void
keyd_loads(struct scene *s)
{
	struct play		*logd = &s->peers[PROC_LOGD];
	struct msg_snapshot	 m;
	struct msg_committed	 done;

	memset(&m, 0, sizeof(m));
	memset(&done, 0, sizeof(done));
	(void)play_recv(&s->child, logd, MSG_SYNC);
	m.last = 1;
	play_send(logd, MSG_SNAPSHOT, &m);
	done.rev = play_recv(&s->child, logd, MSG_COMMIT)->commit.rev;
	done.ok = 1;
	play_send(logd, MSG_COMMITTED, &done);
}

/* It reads no worker's link before it knows the scopes. */
static void
logd_syncs(struct scene *s)
{
	struct msg_sync	 m = { 0, 1, 0 };
	union msg_any	*u;

	play_send(&s->peers[PROC_KEYD], MSG_SYNC, &m);
	do {
		u = play_recv(&s->child, &s->peers[PROC_KEYD], MSG_SNAPSHOT);
	} while (!u->snapshot.last);
}

void
scene_begin(struct scene *s, enum proc proc, int real)
{
	struct msg_instances	 living = { NULL, 0 };
	struct msg_start	 start = { real && proc == PROC_KEYD };

	memset(s, 0, sizeof(*s));
	s->proc = proc;
	s->real = real;
	s->ledger = -1;
	play_start(&s->child, real ? programs[proc] : CHILD, proc);
	configure(s);
	if (real && (PROC_BIT(proc) & M_WORKERS)) {
		s->ledger = ledger_create(s->child.instance);
		give_file(s, FILE_LEDGER, "", dup(s->ledger));
	}
	if (real && proc == PROC_LOGD)
		play_send(&s->child.parent, MSG_INSTANCES, &living);
	if (real && proc == PROC_KEYD)
		play_link(&s->child, &s->peers[PROC_LOGD], PROC_LOGD, 0,
		    SCENE_INSTANCE + PROC_LOGD);
	else
		link_all(s);
	play_send(&s->child.parent, MSG_START, &start);
	if (real && proc == PROC_KEYD)
		keyd_loads(s);
	(void)play_recv(&s->child, &s->child.parent, MSG_READY);
	if (real && proc == PROC_LOGD)
		logd_syncs(s);
	link_all(s);
}

int
scene_stop(struct scene *s)
{
	int	 p;

	/* logd waits a second for the last words of workers. */
	for (p = PROC_KEYD; p < PROC_MAX && s->proc == PROC_LOGD; p++)
		play_close(&s->peers[p]);
	return (play_stop(&s->child));
}

void
scene_finish(struct scene *s)
{
	glob_t	 g;
	char	 pattern[140];
	size_t	 i;
	int	 p;

	for (p = PROC_KEYD; p < PROC_MAX; p++)
		play_close(&s->peers[p]);
	if (s->ledger != -1)
		close(s->ledger);
	if (s->dir[0] == '\0')
		return;
	(void)snprintf(pattern, sizeof(pattern), "%s/*", s->dir);
	if (glob(pattern, 0, NULL, &g) == 0) {
		for (i = 0; i < g.gl_pathc; i++)
			(void)unlink(g.gl_pathv[i]);
		globfree(&g);
	}
	assert_int_equal(rmdir(s->dir), 0);
}
