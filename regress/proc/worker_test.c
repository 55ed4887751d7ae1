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
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>
#include <arpa/inet.h>

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

#include <openssl/x509.h>
#include <openssl/pem.h>
#include <tls.h>

#include <cmocka.h>

#include "codes.h"
#include "ledger.h"
#include "play.h"
#include "../unit/testcert.h"

/*
 * One real proxy or mitm in a world that is played: parent, keyd, logd,
 * resolver and upstream.  The record of a request is in the kernel, for logd,
 * before the first byte of it leaves for the upstream, dialling included.
 */

#define VAULT	3
#define SCOPE	7
#define LINK_FULL	(16 * 1024)	/* it may be full, from here on */

struct world {
	struct play_child	 c;
	struct play		 keyd;
	struct play		 logd;
	struct play		 resolver;
	struct play		 other;		/* the proxy of a mitm */
	int			 ledger;
	int			 in;		/* the proxy's listener */
	int			 up;		/* the upstream's */
	int			 conn;		/* a connection to it */
	uint64_t		 acked;
};

static int	 listener(uint16_t *);
static void	 configure(struct world *);
static void	 begin(struct world *, const char *, enum proc);
static void	 finish(struct world *);
static void	 answer_auth(struct world *);
static void	 answer_lease(struct world *);
static void	 answer_resolve(struct world *);
static int	 arrives(int, int);
static int	 logged(struct world *, const char *);
static void	 drain(struct world *);
static int	 client(struct world *);
static void	 ask(int, struct world *, const char *);
static void	 reply(struct world *);
static void	 get(int, const char *);
static int	 second(struct world *);
static void	 fill(struct world *, int, int);

static struct testcert	 ca;

static int
listener(uint16_t *port)
{
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);
	int			 s;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(s, -1);
	assert_int_equal(bind(s, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(s, 16), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)&sin, &len), 0);
	*port = ntohs(sin.sin_port);
	return (s);
}

static uint16_t	 in_port, up_port;

static void
configure(struct world *w)
{
	struct msg_conf_start	 start = { 1 };
	struct msg_conf_end	 end = { 1 };
	struct msg_conf_activate activate = { 1 };
	struct msg_conf_http	 http;
	struct msg_conf_upstream up;
	struct msg_conf_log	 log;

	memset(&http, 0, sizeof(http));
	memset(&up, 0, sizeof(up));
	memset(&log, 0, sizeof(log));
	http.request_line = 16 * 1024;
	http.header_bytes = 64 * 1024;
	http.headers = 100;
	up.dial_ms = up.handshake_ms = up.head_ms = up.idle_ms = PLAY_MS;
	play_send(&w->c.parent, MSG_CONF_START, &start);
	play_send(&w->c.parent, MSG_CONF_HTTP, &http);
	play_send(&w->c.parent, MSG_CONF_UPSTREAM, &up);
	play_send(&w->c.parent, MSG_CONF_LOG, &log);
	play_send(&w->c.parent, MSG_CONF_END, &end);
	play_recv(&w->c, &w->c.parent, MSG_CONF_READY);
	play_send(&w->c.parent, MSG_CONF_ACTIVATE, &activate);
}

static void
begin(struct world *w, const char *prog, enum proc proc)
{
	struct msg_listener	 l = { 1, LISTENER_PROXY };
	struct msg_file		 f;
	struct msg_start	 start = { 0 };

	memset(w, 0, sizeof(*w));
	w->conn = -1;
	w->up = listener(&up_port);
	w->in = listener(&in_port);
	play_start(&w->c, prog, proc);
	configure(w);
	play_link(&w->c, &w->keyd, PROC_KEYD, 0, 11);
	play_link(&w->c, &w->logd, PROC_LOGD, 0, 12);
	play_link(&w->c, &w->resolver, PROC_RESOLVER, 0, 13);
	memset(&f, 0, sizeof(f));
	f.kind = FILE_LEDGER;
	f.instance = w->c.instance;
	w->ledger = ledger_create(w->c.instance);
	assert_int_not_equal(w->ledger, -1);
	play_send_fd(&w->c.parent, MSG_FILE, &f, dup(w->ledger));
	if (proc == PROC_PROXY)
		play_send_fd(&w->c.parent, MSG_LISTENER, &l, dup(w->in));
	else
		play_link(&w->c, &w->other, PROC_PROXY, 0, 14);
	play_send(&w->c.parent, MSG_START, &start);
	play_recv(&w->c, &w->c.parent, MSG_READY);
}

static void
finish(struct world *w)
{
	assert_int_equal(play_stop(&w->c), 0);
	play_close(&w->keyd);
	play_close(&w->logd);
	play_close(&w->resolver);
	play_close(&w->other);
	close(w->ledger);
	close(w->in);
	close(w->up);
	if (w->conn != -1)
		close(w->conn);
}

static void
answer_auth(struct world *w)
{
	struct msg_scope	 m;

	memset(&m, 0, sizeof(m));
	m.id = play_recv(&w->c, &w->keyd, MSG_AUTH)->auth.id;
	m.scope = SCOPE;
	m.vault = VAULT;
	m.vault_name = "main";
	play_send(&w->keyd, MSG_SCOPE, &m);
}

/* /ok may pass, nothing else. */
static void
answer_lease(struct world *w)
{
	struct msg_rules	 m;
	struct rec_rule		 r;

	memset(&r, 0, sizeof(r));
	r.service = 1;
	r.slug = "ok";
	r.path = "/ok*";
	r.enabled = r.plaintext = 1;
	r.keys = "KEY";
	memset(&m, 0, sizeof(m));
	m.id = play_recv(&w->c, &w->keyd, MSG_LEASE)->lease.id;
	m.status = 200;
	m.lease = 1;
	m.unmatched = UNMATCHED_DENY;
	m.rules = &r;
	m.rules_n = 1;
	play_send(&w->keyd, MSG_RULES, &m);
}

static void
answer_resolve(struct world *w)
{
	struct msg_addrs	 m;
	struct rec_addr		 a;

	memset(&a, 0, sizeof(a));
	a.addr.af = 4;
	a.addr.ip[0] = 127;
	a.addr.ip[3] = 1;
	memset(&m, 0, sizeof(m));
	m.id = play_recv(&w->c, &w->resolver, MSG_RESOLVE)->resolve.id;
	m.result = RESOLVE_OK;
	m.addrs = &a;
	m.addrs_n = 1;
	play_send(&w->resolver, MSG_ADDRS, &m);
}

static int
arrives(int fd, int ms)
{
	struct pollfd	 pfd = { fd, POLLIN, 0 };

	return (poll(&pfd, 1, ms) == 1);
}

/* Do the bytes that wait on the log link tell of this? */
static int
logged(struct world *w, const char *what)
{
	static char	 bytes[1024 * 1024];
	ssize_t		 n;

	n = recv(w->logd.fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	return (n > 0 && memmem(bytes, n, what, strlen(what)) != NULL);
}

/* Take what is there, and commit it; an END may still be on its way. */
static void
drain(struct world *w)
{
	struct msg_ack	 m = { w->acked };
	char		 bytes[65536];

	while (recv(w->logd.fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	if (w->acked > 0)
		play_send(&w->logd, MSG_ACK, &m);
}

static int
client(struct world *w)
{
	struct sockaddr_in	 sin;
	int			 s;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(in_port);
	s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(s, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return (s);
}

static void
ask(int s, struct world *w, const char *path)
{
	char	 text[512];
	int	 n;

	n = snprintf(text, sizeof(text), "GET http://up.test:%u%s HTTP/1.1\r\n"
	    "Host: up.test\r\nProxy-Authorization: Bearer token\r\n\r\n",
	    up_port, path);
	assert_int_equal(write(s, text, n), n);
}

/* Read up to this. */
static void
get(int s, const char *what)
{
	char	 text[4096];
	size_t	 have = 0;
	ssize_t	 n;

	do {
		assert_true(arrives(s, PLAY_MS));
		n = recv(s, text + have, sizeof(text) - have, 0);
		assert_true(n > 0);
		have += n;
	} while (memmem(text, have, what, strlen(what)) == NULL);
}

static void
reply(struct world *w)
{
	static const char	 text[] =
	    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

	assert_int_equal(write(w->conn, text, sizeof(text) - 1),
	    sizeof(text) - 1);
}

/* The first request of a client, up to the upstream's answer. */
static void
first(struct world *w, int s)
{
	ask(s, w, "/ok/first");
	answer_auth(w);
	answer_lease(w);
	answer_resolve(w);
	assert_true(arrives(w->up, PLAY_MS));
	w->conn = accept(w->up, NULL, NULL);
	assert_true(logged(w, "/ok/first"));
	get(w->conn, "\r\n\r\n");
	reply(w);
	get(s, "\r\n\r\nok");
	w->acked = 1;
}

static void
begin_before_bytes(void **state)
{
	struct world	 w;
	char		 path[32];
	int		 i, s;

	begin(&w, "proxy/proxy", PROC_PROXY);
	s = client(&w);
	first(&w, s);
	/* The same connection again: nothing is asked of anybody. */
	for (i = 0; i < 200; i++) {
		drain(&w);
		(void)snprintf(path, sizeof(path), "/ok/%d-", i);
		ask(s, &w, path);
		assert_true(arrives(w.conn, PLAY_MS));
		assert_true(logged(&w, path));
		get(w.conn, "\r\n\r\n");
		reply(&w);
		get(s, "\r\n\r\nok");
		w.acked += 2;
	}
	close(s);
	finish(&w);
}

static uint64_t
lost(struct world *w)
{
	static struct ledger		 page;
	static struct ledger_loss	 losses[LEDGER_LOSSES];

	assert_int_equal(ledger_read(w->ledger, w->c.instance, &page), 0);
	if (ledger_losses(&page, 0, page.begins, losses) == 0)
		return (0);
	assert_int_equal(losses[0].vault, VAULT);
	return (losses[0].unlogged);
}

/* Another client, which has been heard of too. */
static int
second(struct world *w)
{
	int	 s = client(w);

	ask(s, w, "/ok/second");
	answer_auth(w);
	assert_true(arrives(w->conn, PLAY_MS));
	get(w->conn, "\r\n\r\n");
	reply(w);
	get(s, "\r\n\r\nok");
	w->acked += 2;
	return (s);
}

/*
 * logd commits, but does not read: its link fills with records of requests
 * that were refused, until one is held; the one behind it, of s2, which would
 * go upstream, is held as well.
 */
static void
fill(struct world *w, int s, int s2)
{
	struct msg_ack	 m;
	int		 i, queued;

	for (i = 0; i < 3000; i++) {
		ask(s, w, "/no");
		assert_int_equal(ioctl(w->logd.fd, FIONREAD, &queued), 0);
		if (queued > LINK_FULL && !arrives(s, 80)) {
			ask(s2, w, "/ok/held");
			return;
		}
		get(s, "no_match");
		m.seq = w->acked++ + 1;
		play_send(&w->logd, MSG_ACK, &m);
	}
	fail_msg("nothing is ever held");
}

/* What is held goes on, when its time is over, unlogged and counted. */
static void
full_link_holds(void **state)
{
	struct world	 w;
	int		 s, s2;

	begin(&w, "proxy/proxy", PROC_PROXY);
	s = client(&w);
	first(&w, s);
	s2 = second(&w);
	fill(&w, s, s2);
	assert_int_equal(lost(&w), 0);
	assert_false(arrives(w.conn, 100));
	assert_int_equal(lost(&w), 0);
	assert_true(arrives(w.conn, 400));
	assert_true(lost(&w) > 0);
	/* So does an answer of the worker's own, which was there first. */
	assert_true(arrives(s, PLAY_MS));
	get(s, "no_match");
	close(s2);
	close(s);
	finish(&w);
}

/* With room again in time it is logged, and then goes. */
static void
full_link_resumes(void **state)
{
	struct world	 w;
	char		 bytes[65536];
	int		 s, s2;

	begin(&w, "proxy/proxy", PROC_PROXY);
	s = client(&w);
	first(&w, s);
	s2 = second(&w);
	fill(&w, s, s2);
	assert_false(arrives(w.conn, 20));
	assert_false(arrives(s, 0));
	while (!arrives(w.conn, 5))
		(void)recv(w.logd.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	get(s, "no_match");
	assert_int_equal(lost(&w), 0);
	close(s2);
	close(s);
	finish(&w);
}

/*
 * mitm.
 */

/* A leaf over the worker's key, as keyd would sign it. */
static void
answer_mint(struct world *w)
{
	const struct msg_mint	*q;
	struct msg_cert		 m;
	const uint8_t		*p;
	EVP_PKEY		*key;
	X509			*x;
	BIO			*bio;
	char			*pem;

	q = &play_recv(&w->c, &w->keyd, MSG_MINT)->mint;
	assert_int_equal(q->scope, SCOPE);
	assert_string_equal(q->host, "up.test");
	p = q->spki.data;
	assert_non_null(key = d2i_PUBKEY(NULL, &p, q->spki.len));
	assert_non_null(x = X509_new());
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_issuer_name(x, X509_get_subject_name(ca.cert));
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, ca.key, EVP_sha256()) > 0);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(bio, x);
	memset(&m, 0, sizeof(m));
	m.id = q->id;
	m.status = 200;
	m.pem.len = BIO_get_mem_data(bio, &pem);
	m.pem.data = (uint8_t *)pem;
	m.not_after = time(NULL) + 3600;
	play_send(&w->keyd, MSG_CERT, &m);
	BIO_free(bio);
	X509_free(x);
	EVP_PKEY_free(key);
}

/* A process that sends one request through a tunnel. */
static pid_t
tls_agent(int s, const char *sni, const char *path)
{
	struct tls_config	*config;
	struct tls		*tls;
	char			 text[256];
	ssize_t			 rc;
	pid_t			 pid;
	int			 n;

	if ((pid = fork()) != 0)
		return (pid);
	alarm(10);
	config = tls_config_new();
	tls_config_insecure_noverifycert(config);
	tls_config_insecure_noverifyname(config);
	tls = tls_client();
	(void)tls_configure(tls, config);
	n = recv(s, text, sizeof(text), 0);
	if (n < 12 || memcmp(text, "HTTP/1.1 200", 12) != 0)
		_exit(2);
	if (tls_connect_socket(tls, s, sni) == -1 ||
	    tls_handshake(tls) == -1)
		_exit(3);
	n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n"
	    "Host: up.test\r\n\r\n", path);
	if (tls_write(tls, text, n) != n)
		_exit(4);
	do
		rc = tls_read(tls, text, sizeof(text));
	while (rc == TLS_WANT_POLLIN || rc == TLS_WANT_POLLOUT);
	_exit(0);
}

static pid_t
tunnel(struct world *w, const char *sni, const char *path)
{
	struct msg_tunnel	 m;
	int			 sv[2];
	pid_t			 pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	pid = tls_agent(sv[0], sni, path);
	close(sv[0]);
	memset(&m, 0, sizeof(m));
	m.id = 5;
	m.client.af = 4;
	m.token = "token";
	m.host = "up.test";
	m.port = up_port;
	play_send_fd(&w->other, MSG_TUNNEL, &m, sv[1]);
	assert_int_equal(play_recv(&w->c, &w->other,
	    MSG_TUNNEL_ACK)->tunnel_ack.id, 5);
	return (pid);
}

static void
mitm_begins(void **state)
{
	struct world	 w;
	pid_t		 pid;
	int		 i, s;

	begin(&w, "mitm/mitm", PROC_MITM);
	for (i = 0; i < 10; i++) {
		pid = tunnel(&w, "up.test", "/ok/tunnel");
		answer_auth(&w);
		if (i == 0)
			answer_mint(&w);
		/* It is kept as long as the tunnel before is. */
		while (play_peek(&w.c, &w.resolver, 20) == MSG_NONE) {
			if (play_peek(&w.c, &w.keyd, 20) != MSG_NONE)
				answer_lease(&w);
		}
		answer_resolve(&w);
		assert_true(arrives(w.up, PLAY_MS));
		s = accept(w.up, NULL, NULL);
		assert_true(logged(&w, "/ok/tunnel"));
		close(s);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		w.acked = 2 * i + 1;
		drain(&w);
	}
	finish(&w);
}

/* Another name is refused by an alert, and told to logd; nothing is asked. */
static void
mitm_other_name(void **state)
{
	struct world	 w;
	union msg_any	*u;
	pid_t		 pid;
	int		 status;

	begin(&w, "mitm/mitm", PROC_MITM);
	play_recv(&w.c, &w.logd, MSG_HELLO);
	pid = tunnel(&w, "other.test", "/ok");
	answer_auth(&w);
	answer_mint(&w);
	u = play_recv(&w.c, &w.logd, MSG_EVENT);
	assert_int_equal(u->event.code, EVENT_SNI_MISMATCH);
	assert_int_equal(u->event.scope, SCOPE);
	assert_string_equal(u->event.host, "up.test");
	assert_non_null(strstr(u->event.detail, "other.test"));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 3);
	play_quiet(&w.c, &w.keyd, 50);
	finish(&w);
}

/* A descriptor that did not arrive is no tunnel, and no reason to die. */
static void
mitm_no_descriptor(void **state)
{
	struct msg_tunnel	 m;
	struct world		 w;

	begin(&w, "mitm/mitm", PROC_MITM);
	memset(&m, 0, sizeof(m));
	m.id = 6;
	m.token = "token";
	m.host = "up.test";
	m.port = 443;
	play_send(&w.other, MSG_TUNNEL, &m);
	assert_int_equal(play_recv(&w.c, &w.other,
	    MSG_TUNNEL_BUSY)->tunnel_busy.id, 6);
	finish(&w);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test(begin_before_bytes),
		cmocka_unit_test(full_link_holds),
		cmocka_unit_test(full_link_resumes),
		cmocka_unit_test(mitm_begins),
		cmocka_unit_test(mitm_other_name),
		cmocka_unit_test(mitm_no_descriptor)
	};
	int			 rc;

	testcert_make(&ca, NULL, "test CA", TC_CA, -60, 3600);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	testcert_free(&ca);
	return (rc);
}
