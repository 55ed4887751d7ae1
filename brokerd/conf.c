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
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <netinet/in.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "conf.h"

#define PORT_PROXY	14322
#define PORT_API	14321

#define USER_WORKER	"_brokerd"
#define USER_KEYD	"_brokerdk"
#define USER_LOGD	"_brokerdl"

static int	 conf_finish_listeners(struct conf *, unsigned int);
static int	 conf_finish_root(struct conf *);
static int	 conf_finish_user(struct conf *);
static char	*conf_user_state(void);
static char	*conf_below(const char *, const char *);
static int	 conf_default(char **, const char *);
static int	 conf_check_places(const struct conf *, const char *);
static int	 conf_check_users(const struct conf *, const char *);
static int	 conf_check_listeners(const struct conf *, const char *);
static int	 conf_check_default(const struct conf *, const char *,
		    enum listener_kind, int);
static int	 conf_listener_port(const struct conf_listener *);
static int	 conf_listener_any(const struct conf_listener *);
static int	 conf_listener_same(const struct conf_listener *,
		    const struct conf_listener *);

static void	(*conf_report_cb)(const char *);

struct conf *
conf_new(void)
{
	struct conf	*conf;

	if ((conf = calloc(1, sizeof(*conf))) == NULL)
		return (NULL);
	TAILQ_INIT(&conf->listeners);
	TAILQ_INIT(&conf->nets);
	TAILQ_INIT(&conf->upstream.cas);
	conf->workers_proxy = 2;
	conf->workers_mitm = 2;
	conf->upstream.dial_ms = 10 * 1000;
	conf->upstream.handshake_ms = 10 * 1000;
	conf->upstream.head_ms = 5 * 60 * 1000;
	conf->upstream.idle_ms = 90 * 1000;
	conf->http.line_max = 16 * 1024;
	conf->http.headers_max = 100;
	conf->http.header_size = 64 * 1024;
	conf->log.strict = 0;
	conf->log.path = PATH_FULL;
	conf->log.flush_ms = 50;
	conf->log.batch = 1000;
	conf->log.retain_age = 7 * 86400;
	conf->log.retain_rows = 10000;
	conf->log.retain_audit = 90 * 86400;
	conf->log.reserve = 64 * 1024 * 1024;
	conf->log.force_age = CONF_NOT_FORCED;
	conf->log.force_rows = CONF_NOT_FORCED;
	return (conf);
}

void
conf_free(struct conf *conf)
{
	struct conf_ca		*ca;
	struct conf_listener	*l;
	struct conf_net		*net;

	if (conf == NULL)
		return;
	while ((l = TAILQ_FIRST(&conf->listeners)) != NULL) {
		TAILQ_REMOVE(&conf->listeners, l, entry);
		free(l);
	}
	while ((net = TAILQ_FIRST(&conf->nets)) != NULL) {
		TAILQ_REMOVE(&conf->nets, net, entry);
		free(net);
	}
	while ((ca = TAILQ_FIRST(&conf->upstream.cas)) != NULL) {
		TAILQ_REMOVE(&conf->upstream.cas, ca, entry);
		free(ca->path);
		free(ca);
	}
	free(conf->state);
	free(conf->socket);
	free(conf->socket_group);
	free(conf->user);
	free(conf->user_keyd);
	free(conf->user_logd);
	free(conf->master_key);
	free(conf);
}

void
conf_set_report(void (*cb)(const char *))
{
	conf_report_cb = cb;
}

void
conf_report(const char *fmt, ...)
{
	char	 msg[2048];
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (conf_report_cb != NULL)
		conf_report_cb(msg);
	else
		fprintf(stderr, "%s\n", msg);
}

int
conf_add_listener(struct conf *conf, const struct conf_listener *l)
{
	struct conf_listener	*have, *new;
	int			 n = 0;

	TAILQ_FOREACH(have, &conf->listeners, entry) {
		if (conf_listener_same(have, l)) {
			errno = EEXIST;
			return (-1);
		}
		n++;
	}
	if (n >= CONF_LISTENERS_MAX) {
		errno = E2BIG;
		return (-1);
	}
	if ((new = malloc(sizeof(*new))) == NULL)
		return (-1);
	*new = *l;
	TAILQ_INSERT_TAIL(&conf->listeners, new, entry);
	return (0);
}

int
conf_add_net(struct conf *conf, const struct conf_net *net)
{
	struct conf_net	*have, *new;
	int		 n = 0;

	TAILQ_FOREACH(have, &conf->nets, entry) {
		if (have->family == net->family &&
		    have->prefixlen == net->prefixlen &&
		    memcmp(have->addr, net->addr, sizeof(net->addr)) == 0) {
			errno = EEXIST;
			return (-1);
		}
		n++;
	}
	if (n >= CONF_NETS_MAX) {
		errno = E2BIG;
		return (-1);
	}
	if ((new = malloc(sizeof(*new))) == NULL)
		return (-1);
	*new = *net;
	TAILQ_INSERT_TAIL(&conf->nets, new, entry);
	return (0);
}

int
conf_add_ca(struct conf *conf, const char *path)
{
	struct conf_ca	*have, *new;
	int		 n = 0;

	TAILQ_FOREACH(have, &conf->upstream.cas, entry) {
		if (strcmp(have->path, path) == 0) {
			errno = EEXIST;
			return (-1);
		}
		n++;
	}
	if (n >= CONF_CAS_MAX) {
		errno = E2BIG;
		return (-1);
	}
	if ((new = calloc(1, sizeof(*new))) == NULL)
		return (-1);
	if ((new->path = strdup(path)) == NULL) {
		free(new);
		return (-1);
	}
	TAILQ_INSERT_TAIL(&conf->upstream.cas, new, entry);
	return (0);
}

int
conf_finish(struct conf *conf, uid_t uid, unsigned int mentioned)
{
	if (conf_finish_listeners(conf, mentioned) == -1 ||
	    conf_default(&conf->user, USER_WORKER) == -1 ||
	    conf_default(&conf->user_keyd, USER_KEYD) == -1 ||
	    conf_default(&conf->user_logd, USER_LOGD) == -1)
		return (-1);
	if (uid == 0)
		return (conf_finish_root(conf));
	return (conf_finish_user(conf));
}

static int
conf_finish_listeners(struct conf *conf, unsigned int mentioned)
{
	struct conf_listener	 l;
	int			 kind;

	for (kind = LISTENER_PROXY; kind <= LISTENER_API; kind++) {
		if ((mentioned & 1U << kind) != 0)
			continue;
		memset(&l, 0, sizeof(l));
		l.kind = kind;
		(void)confval_listen("127.0.0.1", kind == LISTENER_PROXY ?
		    PORT_PROXY : PORT_API, &l);
		if (conf_add_listener(conf, &l) == 0)
			continue;
		/* What the file has in its place: conf_check(). */
		if (errno == ENOMEM)
			return (-1);
		conf->no_default[kind] = errno;
	}
	return (0);
}

static int
conf_finish_root(struct conf *conf)
{
	if (conf->socket_mode == 0)
		conf->socket_mode = 0660;
	if (conf_default(&conf->state, BROKERD_STATEDIR) == -1 ||
	    conf_default(&conf->socket, BROKERD_RUNDIR "/brokerd.sock") == -1 ||
	    conf_default(&conf->socket_group, BROKERD_GROUP) == -1 ||
	    conf_default(&conf->master_key, BROKERD_MASTER_KEY) == -1)
		return (-1);
	return (0);
}

/* The socket goes where only this user gets, whatever $TMPDIR is. */
static int
conf_finish_user(struct conf *conf)
{
	if (conf->socket_mode == 0)
		conf->socket_mode = conf->socket_group == NULL ? 0600 : 0660;
	if (conf->state == NULL && (conf->state = conf_user_state()) == NULL)
		return (errno == ENOENT ? 0 : -1);
	if (conf->socket == NULL && (conf->socket =
	    conf_below(conf->state, "brokerd.sock")) == NULL)
		return (-1);
	if (conf->master_key == NULL && (conf->master_key =
	    conf_below(conf->state, "master.key")) == NULL)
		return (-1);
	return (0);
}

/* NULL with ENOENT if the environment does not tell. */
static char *
conf_user_state(void)
{
	const char	*dir;

	/* The XDG specification wants relative values ignored. */
	dir = getenv("XDG_STATE_HOME");
	if (dir != NULL && *dir == '/')
		return (conf_below(dir, "brokerd"));
	dir = getenv("HOME");
	if (dir != NULL && *dir == '/')
		return (conf_below(dir, ".local/state/brokerd"));
	errno = ENOENT;
	return (NULL);
}

static char *
conf_below(const char *dir, const char *name)
{
	char	*path;

	if (asprintf(&path, "%s/%s", dir, name) == -1)
		return (NULL);
	return (path);
}

static int
conf_default(char **setting, const char *value)
{
	if (*setting == NULL && (*setting = strdup(value)) == NULL)
		return (-1);
	return (0);
}

int
conf_check(const struct conf *conf, const char *name)
{
	int	 n;

	n = conf_check_places(conf, name);
	n += conf_check_users(conf, name);
	n += conf_check_listeners(conf, name);
	return (n);
}

static int
conf_check_places(const struct conf *conf, const char *name)
{
	struct sockaddr_un	 sun;
	const char		*errstr;
	int			 n = 0;

	if (conf->state == NULL) {
		conf_report("%s: state is not set and neither XDG_STATE_HOME "
		    "nor HOME tells a place: add state \"/directory\"", name);
		return (1);
	}
	/* From the environment they were not yet looked at. */
	if ((errstr = confval_path(conf->state)) != NULL ||
	    strcmp(conf->state, "/") == 0) {
		conf_report("%s: state \"%s\" %s", name, conf->state,
		    errstr != NULL ? errstr : "is not a private directory");
		n++;
	}
	if ((errstr = confval_path(conf->master_key)) != NULL) {
		conf_report("%s: master key file \"%s\" %s", name,
		    conf->master_key, errstr);
		n++;
	}
	if (strlen(conf->socket) >= sizeof(sun.sun_path)) {
		conf_report("%s: socket \"%s\" is too long for a local socket "
		    "(%zu bytes at most)", name, conf->socket,
		    sizeof(sun.sun_path) - 1);
		n++;
	}
	if (strcmp(conf->socket, conf->state) == 0 ||
	    strcmp(conf->socket, conf->master_key) == 0 ||
	    strcmp(conf->state, conf->master_key) == 0) {
		conf_report("%s: state, socket and master key file must be "
		    "three different paths", name);
		n++;
	}
	return (n);
}

/*
 * Who holds the keys and who holds the log are to be safe from the workers:
 * one user for two of them would let one trace the other.
 */
static int
conf_check_users(const struct conf *conf, const char *name)
{
	const char	*users[3];
	int		 i, n = 0;

	users[0] = conf->user;
	users[1] = conf->user_keyd;
	users[2] = conf->user_logd;
	for (i = 0; i < 3; i++) {
		if (strcmp(users[i], "root") != 0 &&
		    users[i][strspn(users[i], "0")] != '\0')
			continue;
		conf_report("%s: user: no process but the parent may run as "
		    "root", name);
		n++;
		break;
	}
	if (strcmp(users[0], users[1]) == 0 ||
	    strcmp(users[0], users[2]) == 0 ||
	    strcmp(users[1], users[2]) == 0) {
		conf_report("%s: user: the workers, keyd and logd need three "
		    "different users", name);
		n++;
	}
	return (n);
}

/* A wildcard takes the port on each address of its family. */
static int
conf_check_listeners(const struct conf *conf, const char *name)
{
	struct conf_listener	*a, *b;
	int			 n = 0;

	TAILQ_FOREACH(a, &conf->listeners, entry) {
		TAILQ_FOREACH(b, &conf->listeners, entry) {
			if (b == a)
				break;
			if (a->ss.ss_family != b->ss.ss_family ||
			    conf_listener_port(a) != conf_listener_port(b) ||
			    conf_listener_any(a) == conf_listener_any(b))
				continue;
			conf_report("%s: listen: port %d is taken by a "
			    "wildcard address and by another one", name,
			    conf_listener_port(a));
			n++;
		}
	}
	n += conf_check_default(conf, name, LISTENER_PROXY, PORT_PROXY);
	n += conf_check_default(conf, name, LISTENER_API, PORT_API);
	return (n);
}

/* A kind without a line would be served nowhere, and nobody had said so. */
static int
conf_check_default(const struct conf *conf, const char *name,
    enum listener_kind kind, int port)
{
	const int	 proxy = kind == LISTENER_PROXY;
	const char	*what = proxy ? "listen proxy" : "listen api";

	if (conf->no_default[kind] == 0)
		return (0);
	if (conf->no_default[kind] == EEXIST)
		conf_report("%s: listen: 127.0.0.1 port %d is the default of "
		    "%s: use another port, or add a %s line%s", name, port,
		    what, what, proxy ? "" : " (or listen api none)");
	else
		conf_report("%s: listen: %d listeners leave no place for the "
		    "default of %s: add a %s line%s", name,
		    CONF_LISTENERS_MAX, what, what, proxy ? "" :
		    " (or listen api none)");
	return (1);
}

static int
conf_listener_port(const struct conf_listener *l)
{
	struct sockaddr_in	 sin;
	struct sockaddr_in6	 sin6;

	if (l->ss.ss_family == AF_INET) {
		memcpy(&sin, &l->ss, sizeof(sin));
		return (ntohs(sin.sin_port));
	}
	memcpy(&sin6, &l->ss, sizeof(sin6));
	return (ntohs(sin6.sin6_port));
}

static int
conf_listener_any(const struct conf_listener *l)
{
	struct sockaddr_in	 sin;
	struct sockaddr_in6	 sin6;

	if (l->ss.ss_family == AF_INET) {
		memcpy(&sin, &l->ss, sizeof(sin));
		return (sin.sin_addr.s_addr == htonl(INADDR_ANY));
	}
	memcpy(&sin6, &l->ss, sizeof(sin6));
	return (IN6_IS_ADDR_UNSPECIFIED(&sin6.sin6_addr));
}

static int
conf_listener_same(const struct conf_listener *a,
    const struct conf_listener *b)
{
	return (a->sslen == b->sslen && memcmp(&a->ss, &b->ss, a->sslen) == 0);
}
