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
#include <sys/stat.h>
#include <sys/time.h>

#include <netinet/in.h>

#include <ares.h>
#include <event.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "dns.h"
#include "log.h"
#include "loop.h"

#define DNS_HOSTS	"/etc/hosts"
#define DNS_TIMEOUT_MS	1500	/* of the first try; it doubles */
#define DNS_TRIES	3
#define DNS_TTL_MAX	300

/* A socket of c-ares and the event that watches it. */
struct dns_sock {
	LIST_ENTRY(dns_sock)	 entry;
	struct dns_chan		*chan;
	struct event		 ev;
	ares_socket_t		 fd;
};

/* A channel; one that was replaced lives until its look-ups have ended. */
struct dns_chan {
	ares_channel		 channel;
	LIST_HEAD(, dns_sock)	 socks;
	struct event		 timer;
	unsigned int		 pending;
	int			 retired;
};

struct dns_req {
	struct dns_chan	 *chan;
	void		(*cb)(const struct dns_answer *, void *);
	void		 *arg;
};

/* What tells one version of a file from another. */
struct dns_stamp {
	dev_t		 dev;
	ino_t		 ino;
	off_t		 size;
	struct timespec	 mtime;
};

static const char	*dns_path;
static const char	*dns_servers;
static struct dns_chan	*dns_current;
static struct dns_stamp	 dns_stamps[2];
static uint64_t		 dns_checked;

static struct dns_chan	*chan_new(void);
static void		 chan_arm(struct dns_chan *);
static void		 chan_reap(struct dns_chan *);
static void		 chan_sock(void *, ares_socket_t, int, int);
static void		 chan_ready(int, short, void *);
static void		 chan_timeout(int, short, void *);
static void		 refresh(void);
static int		 stamp_changed(const char *, struct dns_stamp *);
static void		 done(void *, int, int, struct ares_addrinfo *);
static void		 collect(struct dns_answer *,
			    const struct ares_addrinfo *);
static void		 explain(struct dns_answer *, int);

static struct dns_chan *
chan_new(void)
{
	struct ares_options	 opts;
	struct dns_chan		*chan;
	char			 path[1024], lookups[] = "fb";
	int			 mask, rv;

	if ((chan = calloc(1, sizeof(*chan))) == NULL)
		return (NULL);
	LIST_INIT(&chan->socks);
	evtimer_set(&chan->timer, chan_timeout, chan);
	memset(&opts, 0, sizeof(opts));
	(void)strlcpy(path, dns_path, sizeof(path));
	opts.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
	opts.timeout = DNS_TIMEOUT_MS;
	opts.tries = DNS_TRIES;
	opts.lookups = lookups;
	opts.resolvconf_path = path;
	opts.sock_state_cb = chan_sock;
	opts.sock_state_cb_data = chan;
	mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
	    ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB;
	if ((rv = ares_init_options(&chan->channel, &opts, mask)) !=
	    ARES_SUCCESS) {
		log_warnx("cannot set up name resolution from %s: %s",
		    dns_path, ares_strerror(rv));
		free(chan);
		return (NULL);
	}
	if (dns_servers != NULL && (rv = ares_set_servers_ports_csv(
	    chan->channel, dns_servers)) != ARES_SUCCESS) {
		log_warnx("name servers %s: %s", dns_servers,
		    ares_strerror(rv));
		ares_destroy(chan->channel);
		free(chan);
		return (NULL);
	}
	return (chan);
}

/* c-ares says when it next wants to look at its own time-outs. */
static void
chan_arm(struct dns_chan *chan)
{
	struct timeval	 tv, max = { 5, 0 };

	evtimer_del(&chan->timer);
	if (chan->pending == 0)
		return;
	if (ares_timeout(chan->channel, &max, &tv) == NULL)
		tv = max;
	evtimer_add(&chan->timer, &tv);
}

/* Never from inside c-ares: it would be freed under its own feet. */
static void
chan_reap(struct dns_chan *chan)
{
	struct dns_sock	*s;

	if (!chan->retired || chan->pending > 0)
		return;
	ares_destroy(chan->channel);
	while ((s = LIST_FIRST(&chan->socks)) != NULL) {
		LIST_REMOVE(s, entry);
		event_del(&s->ev);
		free(s);
	}
	evtimer_del(&chan->timer);
	free(chan);
}

static void
chan_sock(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct dns_chan	*chan = arg;
	struct dns_sock	*s;

	LIST_FOREACH(s, &chan->socks, entry) {
		if (s->fd == fd)
			break;
	}
	if (s != NULL)
		event_del(&s->ev);
	if (!readable && !writable) {
		if (s != NULL) {
			LIST_REMOVE(s, entry);
			free(s);
		}
		return;
	}
	if (s == NULL) {
		if ((s = calloc(1, sizeof(*s))) == NULL)
			fatal("no memory for a socket of the resolver");
		s->chan = chan;
		s->fd = fd;
		LIST_INSERT_HEAD(&chan->socks, s, entry);
	}
	event_set(&s->ev, fd, EV_PERSIST | (readable ? EV_READ : 0) |
	    (writable ? EV_WRITE : 0), chan_ready, s);
	event_add(&s->ev, NULL);
}

static void
chan_ready(int fd, short event, void *arg)
{
	struct dns_sock	*s = arg;
	struct dns_chan	*chan = s->chan;

	/* c-ares may close the socket, and so free s, on the way. */
	ares_process_fd(chan->channel,
	    (event & EV_READ) ? fd : ARES_SOCKET_BAD,
	    (event & EV_WRITE) ? fd : ARES_SOCKET_BAD);
	chan_arm(chan);
	chan_reap(chan);
}

static void
chan_timeout(int fd, short event, void *arg)
{
	struct dns_chan	*chan = arg;

	ares_process_fd(chan->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	chan_arm(chan);
	chan_reap(chan);
}

static int
stamp_changed(const char *path, struct dns_stamp *old)
{
	struct dns_stamp	 now;
	struct stat		 st;
	int			 changed;

	memset(&now, 0, sizeof(now));
	if (stat(path, &st) == 0) {
		now.dev = st.st_dev;
		now.ino = st.st_ino;
		now.size = st.st_size;
		now.mtime = st.st_mtim;
	}
	changed = now.dev != old->dev || now.ino != old->ino ||
	    now.size != old->size ||
	    now.mtime.tv_sec != old->mtime.tv_sec ||
	    now.mtime.tv_nsec != old->mtime.tv_nsec;
	*old = now;
	return (changed);
}

/*
 * c-ares 1.18 has no call that reads its configuration again.  When a new
 * channel cannot be made the old one goes on.
 */
static void
refresh(void)
{
	struct dns_chan	*chan;
	uint64_t	 now = loop_mono();
	int		 changed;

	if (dns_current != NULL && now - dns_checked < 1000000)
		return;
	dns_checked = now;
	changed = stamp_changed(dns_path, &dns_stamps[0]);
	changed |= stamp_changed(DNS_HOSTS, &dns_stamps[1]);
	if (!changed && dns_current != NULL)
		return;
	if ((chan = chan_new()) == NULL)
		return;
	if (dns_current != NULL) {
		log_info("the resolver's files changed, read again");
		dns_current->retired = 1;
		chan_reap(dns_current);
	}
	dns_current = chan;
}

int
dns_init(const char *resolvconf, const char *servers)
{
	int	 rv;

	if ((rv = ares_library_init(ARES_LIB_INIT_ALL)) != ARES_SUCCESS) {
		log_warnx("c-ares: %s", ares_strerror(rv));
		return (-1);
	}
	dns_path = resolvconf;
	dns_servers = servers;
	refresh();
	return (dns_current == NULL ? -1 : 0);
}

void
dns_lookup(const char *host, void (*cb)(const struct dns_answer *, void *),
    void *arg)
{
	struct ares_addrinfo_hints	 hints;
	struct dns_req			*req;
	struct dns_chan			*chan;

	refresh();
	if ((req = calloc(1, sizeof(*req))) == NULL)
		fatal("no memory to look up a name");
	chan = dns_current;
	req->chan = chan;
	req->cb = cb;
	req->arg = arg;
	memset(&hints, 0, sizeof(hints));
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	/* Sorting would open a socket to every address. */
	hints.ai_flags = ARES_AI_NOSORT;
	chan->pending++;
	ares_getaddrinfo(chan->channel, host, NULL, &hints, done, req);
	chan_arm(chan);
}

static void
done(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct dns_answer	 ans;
	struct dns_req		*req = arg;

	memset(&ans, 0, sizeof(ans));
	ans.ttl = DNS_TTL_MAX;
	if (status == ARES_SUCCESS && info != NULL)
		collect(&ans, info);
	if (ans.n == 0)
		explain(&ans, status == ARES_SUCCESS ? ARES_ENODATA : status);
	if (info != NULL)
		ares_freeaddrinfo(info);
	req->chan->pending--;
	req->cb(&ans, req->arg);
	free(req);
}

static void
collect(struct dns_answer *ans, const struct ares_addrinfo *info)
{
	const struct ares_addrinfo_node	*node;
	const struct sockaddr_in6	*sin6;
	const struct sockaddr_in	*sin;
	struct msg_addr			*a;

	for (node = info->nodes; node != NULL && ans->n < DNS_ADDRS_MAX;
	    node = node->ai_next) {
		a = &ans->addrs[ans->n];
		if (node->ai_family == AF_INET) {
			sin = (const struct sockaddr_in *)
			    (const void *)node->ai_addr;
			a->af = 4;
			memcpy(a->ip, &sin->sin_addr, 4);
		} else if (node->ai_family == AF_INET6) {
			sin6 = (const struct sockaddr_in6 *)
			    (const void *)node->ai_addr;
			a->af = 6;
			memcpy(a->ip, &sin6->sin6_addr, 16);
		} else
			continue;
		if (node->ai_ttl >= 0 && (uint32_t)node->ai_ttl < ans->ttl)
			ans->ttl = node->ai_ttl;
		ans->n++;
	}
}

static void
explain(struct dns_answer *ans, int status)
{
	ans->ttl = 0;
	ans->text = ares_strerror(status);
	switch (status) {
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
	case ARES_ENONAME:
	case ARES_EBADNAME:
		ans->result = RESOLVE_NOT_FOUND;
		break;
	case ARES_ETIMEOUT:
		ans->result = RESOLVE_TIMEOUT;
		break;
	default:
		ans->result = RESOLVE_FAILED;
		break;
	}
}
