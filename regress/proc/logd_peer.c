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
#include <sys/mman.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "../../logd/db.h"
#include "../../logd/fault.h"
#include "../../logd/record.h"
#include "codes.h"
#include "ledger.h"
#include "logd_peer.h"
#include "loop.h"
#include "proc.h"

static int64_t	now_ms(void);
static void	end_open(struct end *, int);
static void	end_drop(struct end *);
static void	end_write(struct end *);
static void	exec_logd(struct logd *, int);

static int64_t
now_ms(void)
{
	return ((int64_t)(loop_mono() / 1000));
}

static void
end_open(struct end *e, int fd)
{
	e->fd = fd;
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(imsgbuf_init(&e->ibuf, fd), 0);
	imsgbuf_allow_fdpass(&e->ibuf);
	assert_int_equal(imsgbuf_set_maxsize(&e->ibuf, MSG_MAXSIZE), 0);
}

void
end_pair(struct end *e, enum proc proc, uint16_t idx, uint64_t instance)
{
	int	 sv[2];

	memset(e, 0, sizeof(*e));
	e->got_fd = -1;
	e->proc = proc;
	e->index = idx;
	e->instance = instance;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    sv), 0);
	end_open(e, sv[0]);
	e->other = sv[1];
}

static void
end_drop(struct end *e)
{
	if (e->full)
		imsg_free(&e->imsg);
	e->full = 0;
	arena_reset(&e->arena);
	if (e->got_fd > 0)
		close(e->got_fd);
	e->got_fd = -1;
}

void
end_close(struct end *e)
{
	if (e->fd == -1)
		return;
	end_drop(e);
	arena_free(&e->arena);
	imsgbuf_clear(&e->ibuf);
	close(e->fd);
	if (e->other != -1)
		close(e->other);
	e->fd = e->other = -1;
}

void
end_send_fd(struct end *e, enum msg_type type, const void *m, int fd)
{
	struct ibuf	*buf;

	buf = imsg_create(&e->ibuf, type, 0, 0, 0);
	assert_non_null(buf);
	ibuf_fd_set(buf, fd);
	assert_int_equal(rec_encode(buf, &msg_desc(type)->rec, m), 0);
	imsg_close(&e->ibuf, buf);
	end_write(e);
}

/* What the kernel does not take now goes with what comes next. */
static void
end_write(struct end *e)
{
	uint32_t	 before;

	while ((before = imsgbuf_queuelen(&e->ibuf)) > 0) {
		if (imsgbuf_write(&e->ibuf) == -1 ||
		    imsgbuf_queuelen(&e->ibuf) == before)
			return;
	}
}

void
end_send(struct end *e, enum msg_type type, const void *m)
{
	end_send_fd(e, type, m, -1);
}

int
end_recv(struct end *e, int ms)
{
	struct pollfd	 pfd = { e->fd, 0, 0 };
	struct msg_blob	 blob;
	struct ibuf	 data;
	int64_t		 end = now_ms() + ms;
	int		 left, n;

	end_drop(e);
	while ((n = imsgbuf_get(&e->ibuf, &e->imsg)) == 0) {
		left = end - now_ms();
		pfd.events = POLLIN;
		if (imsgbuf_queuelen(&e->ibuf) > 0)
			pfd.events |= POLLOUT;
		if (poll(&pfd, 1, left > 0 ? left : 0) != 1)
			return (-1);
		if (pfd.revents & POLLOUT)
			end_write(e);
		if ((pfd.revents & (POLLIN | POLLHUP | POLLERR)) == 0)
			continue;
		if ((n = imsgbuf_read(&e->ibuf)) != 1) {
			if (n == -1 && errno != ECONNRESET)
				fail_msg("read: %s", strerror(errno));
			return (0);
		}
	}
	assert_int_equal(n, 1);
	e->full = 1;
	e->type = imsg_get_type(&e->imsg);
	e->got_fd = imsg_get_fd(&e->imsg);
	if (imsg_get_ibuf(&e->imsg, &data) == -1)
		ibuf_from_buffer(&data, NULL, 0);
	blob.data = ibuf_data(&data);
	blob.len = ibuf_size(&data);
	assert_int_equal(rec_from_blob(&blob, &msg_desc(e->type)->rec, &e->u,
	    &e->arena), 0);
	return (e->type);
}

void
end_want(struct end *e, enum msg_type type)
{
	int	 got = end_recv(e, PEER_MS);

	if (got != (int)type)
		fail_msg("%s wanted for %s, got %s", msg_desc(type)->rec.name,
		    proc_name(e->proc), got > 0 ? msg_desc(got)->rec.name :
		    got == 0 ? "the end" : "nothing");
}

void
end_quiet(struct end *e, int ms)
{
	int	 got = end_recv(e, ms);

	if (got != -1)
		fail_msg("%s: %s where nothing may come", proc_name(e->proc),
		    got == 0 ? "the end" : msg_desc(got)->rec.name);
}

void
peer_init(struct logd *d, const char *program)
{
	const char	*tmp = getenv("TMPDIR");

	memset(d, 0, sizeof(*d));
	d->program = program;
	d->parent.fd = d->keyd.fd = -1;
	(void)snprintf(d->dir, sizeof(d->dir), "%s/logd.XXXXXXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	assert_non_null(mkdtemp(d->dir));
	d->conf.flush_ms = 20;
	d->conf.batch = 1000;
	d->conf.reserve = 1;
	end_pair(&d->keyd, PROC_KEYD, 0, 0x1001);
	signal(SIGPIPE, SIG_IGN);
}

void
peer_faults(struct logd *d)
{
	struct fault	 f;
	char		 path[300];
	int		 fd;

	memset(&f, 0, sizeof(f));
	f.magic = FAULT_MAGIC;
	(void)snprintf(path, sizeof(path), "%s/" FAULT_FILE, d->dir);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, &f, sizeof(f)), sizeof(f));
	d->fault = mmap(NULL, sizeof(f), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	assert_ptr_not_equal(d->fault, MAP_FAILED);
	close(fd);
}

static void
exec_logd(struct logd *d, int fd)
{
	char	 hash[32];

	(void)snprintf(hash, sizeof(hash), "%" PRIx64, msg_catalogue_hash());
	if (fd == PROC_FD)
		(void)fcntl(fd, F_SETFD, 0);
	else
		(void)dup2(fd, PROC_FD);
	execl(d->program, d->program, "-d", "-i", "99", "-n", "0", "-H", hash,
	    "logd", (char *)NULL);
	_exit(127);
}

void
peer_conf(struct logd *d)
{
	struct msg_conf_start	 start = { 1 };
	struct msg_conf_end	 end = { 1 };
	struct msg_conf_activate go = { 1 };
	struct msg_file		 file;
	int			 fd;

	memset(&file, 0, sizeof(file));
	file.kind = FILE_STATE_DIR;
	file.name = d->dir;
	fd = open(d->dir, O_RDONLY | O_DIRECTORY);
	assert_int_not_equal(fd, -1);
	end_send(&d->parent, MSG_CONF_START, &start);
	end_send(&d->parent, MSG_CONF_LOG, &d->conf);
	end_send_fd(&d->parent, MSG_FILE, &file, fd);
	end_send(&d->parent, MSG_CONF_END, &end);
	assert_int_equal(peer_parent(d, MSG_CONF_READY, PEER_MS), 0);
	end_send(&d->parent, MSG_CONF_ACTIVATE, &go);
}

/* LOG goes to stderr, STATS nowhere. */
int
peer_parent(struct logd *d, uint32_t type, int ms)
{
	int64_t	 end = now_ms() + ms;
	int	 got;

	do {
		got = end_recv(&d->parent, end - now_ms());
		if (got == (int)type)
			return (0);
		if (got == MSG_LOG)
			fprintf(stderr, "# logd: %s\n", d->parent.u.log.text);
	} while (got > 0);
	return (-1);
}

void
peer_link(struct logd *d, struct end *e)
{
	struct msg_peer	 m;

	m.proc = e->proc;
	m.index = e->index;
	m.instance = e->instance;
	m.dead = e->dead;
	end_send_fd(&d->parent, MSG_PEER, &m, e->other);
	e->other = -1;
}

void
peer_ledger(struct logd *d, uint64_t instance, int fd)
{
	struct msg_file	 m;

	memset(&m, 0, sizeof(m));
	m.kind = FILE_LEDGER;
	m.instance = instance;
	end_send_fd(&d->parent, MSG_FILE, &m, fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

void
peer_taken(struct logd *d, uint64_t instance)
{
	assert_int_equal(peer_parent(d, MSG_LEDGER_TAKEN, PEER_MS), 0);
	assert_int_equal(d->parent.u.ledger_taken.instance, instance);
}

void
peer_start_living(struct logd *d, struct end **ends, int living)
{
	struct rec_instance	 list[16];
	struct msg_instances	 inst = { list, 0 };
	struct msg_start	 start = { 0 };
	int			 i;

	end_pair(&d->parent, PROC_PARENT, 0, 0);
	if ((d->pid = fork()) == 0)
		exec_logd(d, d->parent.other);
	close(d->parent.other);
	d->parent.other = -1;
	peer_conf(d);
	for (i = 0; ends[i] != NULL; i++) {
		if (ends[i]->dead || !living)
			continue;
		list[inst.living_n].proc = ends[i]->proc;
		list[inst.living_n].index = ends[i]->index;
		list[inst.living_n++].instance = ends[i]->instance;
	}
	end_send(&d->parent, MSG_INSTANCES, &inst);
	peer_link(d, &d->keyd);
	for (i = 0; ends[i] != NULL; i++)
		peer_link(d, ends[i]);
	end_send(&d->parent, MSG_START, &start);
	assert_int_equal(peer_parent(d, MSG_READY, PEER_MS), 0);
	d->fresh = d->parent.u.ready.fresh;
}

void
peer_start(struct logd *d, struct end **ends)
{
	peer_start_living(d, ends, 1);
}

void
peer_kill(struct logd *d)
{
	int	 status;

	assert_int_equal(kill(d->pid, SIGKILL), 0);
	assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
	d->pid = 0;
	end_close(&d->parent);
	end_close(&d->keyd);
	end_pair(&d->keyd, PROC_KEYD, 0, 0x1001);
}

int
peer_stop(struct logd *d)
{
	struct msg_shutdown	 m = { 2000 };
	int			 status;

	end_send(&d->parent, MSG_SHUTDOWN, &m);
	(void)peer_parent(d, MSG_NONE, PEER_MS);
	assert_int_equal(waitpid(d->pid, &status, 0), d->pid);
	d->pid = 0;
	end_close(&d->parent);
	end_close(&d->keyd);
	end_pair(&d->keyd, PROC_KEYD, 0, 0x1001);
	return (WIFEXITED(status) ? WEXITSTATUS(status) : 128 +
	    WTERMSIG(status));
}

void
peer_free(struct logd *d)
{
	glob_t	 g;
	char	 pattern[300];
	size_t	 i;

	if (d->pid != 0)
		peer_kill(d);
	end_close(&d->parent);
	end_close(&d->keyd);
	if (d->fault != NULL)
		munmap(d->fault, sizeof(*d->fault));
	(void)snprintf(pattern, sizeof(pattern), "%s/*", d->dir);
	if (glob(pattern, 0, NULL, &g) == 0) {
		for (i = 0; i < g.gl_pathc; i++)
			(void)unlink(g.gl_pathv[i]);
		globfree(&g);
	}
	(void)rmdir(d->dir);
}

void
keyd_sync(struct logd *d, int load, uint32_t scopes)
{
	struct msg_sync	 m = { 0, load, scopes };

	end_send(&d->keyd, MSG_SYNC, &m);
	do {
		end_want(&d->keyd, MSG_SNAPSHOT);
	} while (!d->keyd.u.snapshot.last);
}

void
keyd_commit(struct logd *d, const struct msg_commit *m)
{
	end_send(&d->keyd, MSG_COMMIT, m);
	end_want(&d->keyd, MSG_COMMITTED);
	assert_int_equal(d->keyd.u.committed.rev, m->rev);
}

void
keyd_vault(struct logd *d, uint64_t rev, uint64_t id, int64_t deleted)
{
	struct rec_obj_vault	 v;
	struct rec_object	 o;
	struct rec_audit	 a;
	struct msg_commit	 m;
	char			 name[32];

	memset(&v, 0, sizeof(v));
	memset(&a, 0, sizeof(a));
	memset(&m, 0, sizeof(m));
	(void)snprintf(name, sizeof(name), "v%" PRIu64, id);
	v.id = id;
	v.name = name;
	v.deleted_at = deleted;
	o.kind = OBJ_VAULT;
	o.op = OBJECT_PUT;
	assert_int_equal(rec_to_blob(&desc_obj_vault, &v, &o.body), 0);
	a.actor_type = ACTOR_LOCAL;
	a.actor = "local:0";
	a.action = deleted ? "vault.delete" : "vault.create";
	m.rev = rev;
	m.objects = &o;
	m.objects_n = 1;
	m.audit = &a;
	m.audit_n = 1;
	keyd_commit(d, &m);
	msg_blob_free(&o.body);
}

void
keyd_scope(struct logd *d, uint64_t scope, int kind, uint64_t instance,
    uint64_t vault)
{
	struct msg_scope_open	 m;

	memset(&m, 0, sizeof(m));
	m.scope = scope;
	m.kind = kind;
	m.instance = instance;
	m.vault = vault;
	m.actor_type = ACTOR_AGENT;
	m.actor = "1";
	m.actor_name = "robot";
	end_send(&d->keyd, MSG_SCOPE_OPEN, &m);
}

void
worker_init(struct worker *w, enum proc proc, uint16_t idx,
    uint64_t instance, uint64_t scope)
{
	memset(w, 0, sizeof(*w));
	end_pair(&w->end, proc, idx, instance);
	w->scope = scope;
	w->next = 1;
	w->ledger = ledger_create(instance);
	assert_int_not_equal(w->ledger, -1);
	w->page = ledger_map(w->ledger, instance);
	assert_non_null(w->page);
}

void
worker_free(struct worker *w)
{
	end_close(&w->end);
	close(w->ledger);
	munmap(w->page, LEDGER_SIZE);
}

void
worker_hello(struct worker *w)
{
	struct msg_hello	 m = { w->acked + 1, 0 };
	uint64_t		 seq;

	for (seq = 1; seq <= w->acked; seq++)
		m.begins += w->sent[seq].begin;
	end_send(&w->end, MSG_HELLO, &m);
}

void
worker_relink(struct worker *w)
{
	struct end	*e = &w->end;
	uint64_t	 seq;

	if (arc4random_uniform(2))
		worker_acks(w, 0, 0);
	end_close(e);
	end_pair(e, e->proc, e->index, e->instance);
	worker_hello(w);
	for (seq = w->acked + 1; seq < w->next; seq++)
		worker_send(w, seq);
}

/* What a record says follows from its number. */
void
worker_send(struct worker *w, uint64_t seq)
{
	struct msg_begin	 b;
	struct msg_end		 e;
	char			 path[64];

	if (w->sent[seq].begin) {
		memset(&b, 0, sizeof(b));
		b.seq = seq;
		record_uuid(b.request_id, loop_wall());
		b.scope = w->scope;
		b.ingress = INGRESS_MITM;
		b.protocol = PROTOCOL_HTTP11;
		b.decision = DECISION_BROKERED;
		b.method = "GET";
		b.host = "api.example.com";
		b.port = 443;
		(void)snprintf(path, sizeof(path), "/%" PRIx64 "/%" PRIu64,
		    w->end.instance, seq);
		b.path = path;
		b.service = "svc";
		b.keys = "KEY";
		end_send(&w->end, MSG_BEGIN, &b);
		return;
	}
	memset(&e, 0, sizeof(e));
	e.seq = seq;
	e.begin = w->sent[seq].of;
	e.decision = DECISION_BROKERED;
	e.status = 200;
	e.latency = 1000;
	e.ttfb = 900;
	e.bytes_out = e.begin;
	end_send(&w->end, MSG_END, &e);
}

uint64_t
worker_begin(struct worker *w)
{
	uint64_t	 seq = w->next++;

	assert_true(seq < WORKER_MAX);
	w->sent[seq].begin = 1;
	worker_send(w, seq);
	ledger_begin(w->page, w->scope);
	return (seq);
}

void
worker_end(struct worker *w, uint64_t begin)
{
	uint64_t	 seq = w->next++;

	assert_true(seq < WORKER_MAX);
	w->sent[seq].begin = 0;
	w->sent[seq].of = begin;
	worker_send(w, seq);
}

void
worker_lose(struct worker *w, int n)
{
	while (n-- > 0)
		ledger_lost(w->page, w->bank, w->scope);
}

void
worker_gap(struct worker *w, int sent)
{
	struct rec_gapcount	 c = { w->scope, 0 };
	struct msg_gap		 m = { w->next++, &c, 1 };

	w->gap = m.seq;
	c.count = w->page->banks[w->bank].vaults[0].lost;
	ledger_clear(w->page, !w->bank);
	ledger_seal(w->page, w->bank, m.seq);
	w->bank = !w->bank;
	if (sent)
		end_send(&w->end, MSG_GAP, &m);
}

void
worker_bye(struct worker *w)
{
	struct msg_bye	 m = { w->next++ };

	end_send(&w->end, MSG_BYE, &m);
}

void
worker_acks(struct worker *w, uint64_t seq, int ms)
{
	int64_t	 end = now_ms() + ms;
	int	 got;

	for (;;) {
		got = end_recv(&w->end, w->acked < seq ? end - now_ms() : 0);
		if (got == MSG_ACK) {
			assert_true(w->end.u.ack.seq >= w->acked);
			w->acked = w->end.u.ack.seq;
			continue;
		}
		if (w->acked < seq)
			fail_msg("acknowledged %" PRIu64 ", not %" PRIu64,
			    w->acked, seq);
		return;
	}
}

int64_t
file_int(struct logd *d, const char *sql)
{
	sqlite3_stmt	*s;
	sqlite3		*h;
	int64_t		 n = -1;
	char		 path[300];

	(void)snprintf(path, sizeof(path), "%s/" DB_FILE, d->dir);
	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	if (sqlite3_prepare_v2(h, sql, -1, &s, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(h));
	if (sqlite3_step(s) == SQLITE_ROW)
		n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(h);
	return (n);
}

void
file_sql(struct logd *d, const char *sql)
{
	sqlite3	*h;
	char	 path[300];

	(void)snprintf(path, sizeof(path), "%s/" DB_FILE, d->dir);
	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	if (sqlite3_exec(h, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(h));
	sqlite3_close(h);
}
