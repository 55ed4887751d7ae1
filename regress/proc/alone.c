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

/*
 * Linked with resolver, this gives it a name server of its own, where no name
 * exists, so that nothing depends on what the system's are, or whether there
 * is a way to them.  It is slow: for a second all wait who have asked.
 */

#include <sys/types.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <arpa/inet.h>

#include <event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../../resolver/dns.h"
#include "log.h"

#define HEADER		12	/* RFC 1035, section 4.1.1 */
#define TYPE_CLASS	4
#define QUERY_MAX	512
#define QR_RD		0x81	/* a response to one that wanted recursion */
#define RA_NXDOMAIN	0x83

int	 __real_dns_init(const char *, const char *);
int	 __wrap_dns_init(const char *, const char *);

static struct event	 asked, later;

/* Where the first question ends, or 0. */
static size_t
question(const uint8_t *q, size_t len)
{
	size_t	 at = HEADER;

	while (at < len && q[at] != 0)
		at += 1 + q[at];
	at += 1 + TYPE_CLASS;
	return (at <= len ? at : 0);
}

/* The head and the question again, and nothing else. */
static void
answer(int fd, short what, void *arg)
{
	const int		*server = arg;
	struct sockaddr_in	 from;
	socklen_t		 fromlen = sizeof(from);
	uint8_t			 q[QUERY_MAX];
	ssize_t			 n;
	size_t			 len;

	while ((n = recvfrom(*server, q, sizeof(q), 0,
	    (struct sockaddr *)&from, &fromlen)) != -1) {
		if ((len = question(q, n)) > 0) {
			q[2] = QR_RD;
			q[3] = RA_NXDOMAIN;
			memset(q + 6, 0, HEADER - 6);
			if (sendto(*server, q, len, 0,
			    (struct sockaddr *)&from, fromlen) == -1)
				log_warn("a name server's answer");
		}
		fromlen = sizeof(from);
	}
	event_add(&asked, NULL);
}

static void
wait_for_more(int fd, short what, void *arg)
{
	const struct timeval	 tv = { 1, 0 };

	evtimer_add(&later, &tv);
}

int
__wrap_dns_init(const char *resolvconf, const char *servers)
{
	static int		 server;
	static char		 own[32];
	struct sockaddr_in	 sin;
	socklen_t		 len = sizeof(sin);

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (server == -1 ||
	    bind(server, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    getsockname(server, (struct sockaddr *)&sin, &len) == -1)
		fatal("a name server");
	(void)snprintf(own, sizeof(own), "127.0.0.1:%d", ntohs(sin.sin_port));
	event_set(&asked, server, EV_READ, wait_for_more, NULL);
	evtimer_set(&later, answer, &server);
	event_add(&asked, NULL);
	return (__real_dns_init("/dev/null", own));
}
