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
 * A load generator for HTTPS, through a proxy's CONNECT or straight: a number
 * of clients that each have one request outstanding, on one connection each or
 * on a new one for each request.  With a rate the requests are due at equal
 * distances, and those that are late because all clients wait count from when
 * they were due.  Certificates are verified.  It prints one line: requests
 * seconds requests/s p50-ms p99-ms errors non-200.
 */

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <netdb.h>

#include <err.h>
#include <event.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "load.h"

#define CLIENTS_MAX	1000
#define SECONDS_MAX	600
#define COUNT_MAX	100000000
#define DRAIN_SECONDS	5	/* for what is outstanding at the end */
#define ERRORS_MAX	1000
#define USEC_MAX	1000000	/* one place for all that is slower */

static unsigned int	 histogram[USEC_MAX + 1];	/* by microsecond */
static long long	 limit, started, completed, errors, non200;
static long long	 begun;
static int		 clients, stopping, rate;

static __dead void	 usage(void);
static long long	 number(const char *, const char *, long long);
static void		 resolve(struct load *, const char *);
static SSL_CTX		*make_ctx(const char *);
static char		*base64(const char *);
static char		*read_token(const char *);
static const char	*make_connect(const char *, const char *);
static const char	*make_request(const char *, const char *);
static void		 stop(int, short, void *);
static void		 give_up(int, short, void *);
static double		 quantile(double);
static void		 run(const struct load *, int, int);

static __dead void
usage(void)
{
	fprintf(stderr, "usage: load [-nx] [-a token-file] [-c clients] "
	    "[-R rate]\n"
	    "            [-r requests] [-t seconds] -C ca-file -u path "
	    "host:port address:port\n"
	    "-n: a connection a request; -x: address is a proxy\n");
	exit(2);
}

long long
load_now(void)
{
	struct timespec	 ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		err(1, "clock_gettime");
	return (ts.tv_sec * 1000000LL + ts.tv_nsec / 1000);
}

int
load_next(void)
{
	if (stopping || (limit != 0 && started >= limit))
		return (0);
	started++;
	return (1);
}

long long
load_slot(void)
{
	return (rate == 0 ? load_now() :
	    begun + started * 1000000 / rate);
}

void
load_done(long long usec, int status)
{
	completed++;
	histogram[usec < USEC_MAX ? usec : USEC_MAX]++;
	if (status != 200 && non200++ == 0)
		warnx("status %d", status);
}

void
load_error(const char *fmt, ...)
{
	va_list	 ap;

	if (errors++ == 0) {
		va_start(ap, fmt);
		vwarnx(fmt, ap);
		va_end(ap);
	}
	if (errors >= ERRORS_MAX)
		stopping = 1;
}

void
load_gone(void)
{
	if (--clients == 0)
		event_loopexit(NULL);
}

static long long
number(const char *s, const char *what, long long max)
{
	const char	*errstr;
	long long	 n;

	n = strtonum(s, 1, max, &errstr);
	if (errstr != NULL)
		errx(2, "%s %s is %s", what, s, errstr);
	return (n);
}

static void
resolve(struct load *l, const char *hostport)
{
	struct addrinfo	 hints, *ai;
	char		*host, *port;
	int		 rv;

	if ((host = strdup(hostport)) == NULL)
		err(1, NULL);
	if ((port = strrchr(host, ':')) == NULL)
		errx(2, "%s: no port", hostport);
	*port++ = '\0';
	memset(&hints, 0, sizeof(hints));
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	hints.ai_socktype = SOCK_STREAM;
	if ((rv = getaddrinfo(host, port, &hints, &ai)) != 0)
		errx(2, "%s: %s", hostport, gai_strerror(rv));
	memcpy(&l->ss, ai->ai_addr, ai->ai_addrlen);
	l->sslen = ai->ai_addrlen;
	freeaddrinfo(ai);
	free(host);
}

static SSL_CTX *
make_ctx(const char *ca)
{
	SSL_CTX	*ctx;

	if ((ctx = SSL_CTX_new(TLS_client_method())) == NULL ||
	    !SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) ||
	    !SSL_CTX_load_verify_locations(ctx, ca, NULL))
		errx(1, "%s: %s", ca, ERR_error_string(ERR_get_error(), NULL));
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	return (ctx);
}

static char *
base64(const char *s)
{
	size_t	 len = strlen(s);
	char	*out;

	if ((out = malloc(len / 3 * 4 + 5)) == NULL)
		err(1, NULL);
	EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)s, len);
	return (out);
}

/* From a file, so that no token is in an argument list. */
static char *
read_token(const char *path)
{
	char	*line = NULL;
	size_t	 size = 0;
	FILE	*fp;

	if ((fp = fopen(path, "r")) == NULL ||
	    getline(&line, &size, fp) <= 0)
		err(1, "%s", path);
	fclose(fp);
	line[strcspn(line, "\n")] = '\0';
	return (line);
}

static const char *
make_connect(const char *hostport, const char *token)
{
	char	*s, *auth;

	if (token == NULL) {
		if (asprintf(&s, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n",
		    hostport, hostport) == -1)
			err(1, NULL);
		return (s);
	}
	auth = base64(token);
	if (asprintf(&s, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n"
	    "Proxy-Authorization: Basic %s\r\n\r\n", hostport, hostport,
	    auth) == -1)
		err(1, NULL);
	free(auth);
	return (s);
}

static const char *
make_request(const char *hostport, const char *path)
{
	char	*s;

	if (asprintf(&s, "GET %s HTTP/1.1\r\nHost: %s\r\n"
	    "User-Agent: brokerd-bench\r\nAccept: */*\r\n\r\n", path,
	    hostport) == -1)
		err(1, NULL);
	return (s);
}

/* No request begins any more; those that have begun get a moment. */
static void
stop(int fd, short what, void *arg)
{
	struct timeval	 tv = { DRAIN_SECONDS, 0 };
	struct event	*ev = arg;

	stopping = 1;
	event_set(ev, -1, 0, give_up, NULL);
	if (event_add(ev, &tv) == -1)
		err(1, "event_add");
}

static void
give_up(int fd, short what, void *arg)
{
	while (clients > 0) {
		load_error("no response within %d s", DRAIN_SECONDS);
		load_gone();
	}
}

/* Milliseconds within which this part of all requests was answered. */
static double
quantile(double part)
{
	long long	 n = 0;
	int		 i;

	for (i = 0; i < USEC_MAX; i++)
		if ((n += histogram[i]) >= completed * part)
			break;
	return (i / 1000.0);
}

static void
run(const struct load *l, int n, int seconds)
{
	struct timeval	 tv = { 0, 0 };
	struct event	 ev;
	double		 took;
	int		 i;

	tv.tv_sec = seconds;
	event_set(&ev, -1, 0, stop, &ev);
	if (event_add(&ev, &tv) == -1)
		err(1, "event_add");
	begun = load_now();
	clients = n;
	for (i = 0; i < n; i++)
		client_start(l);
	event_dispatch();
	took = (load_now() - begun) / 1e6;
	printf("%lld %.3f %.0f %.3f %.3f %lld %lld\n", completed, took,
	    completed / took, quantile(0.5), quantile(0.99), errors, non200);
}

int
main(int argc, char **argv)
{
	const char	*ca = NULL, *path = NULL, *token = NULL;
	struct load	 l;
	char		*host;
	int		 ch, n = 16, seconds = 3;

	memset(&l, 0, sizeof(l));
	while ((ch = getopt(argc, argv, "a:C:c:nR:r:t:u:x")) != -1) {
		switch (ch) {
		case 'a':
			token = read_token(optarg);
			break;
		case 'C':
			ca = optarg;
			break;
		case 'c':
			n = number(optarg, "clients", CLIENTS_MAX);
			break;
		case 'n':
			l.fresh = 1;
			break;
		case 'R':
			rate = number(optarg, "requests a second",
			    USEC_MAX);
			break;
		case 'r':
			limit = number(optarg, "requests", COUNT_MAX);
			break;
		case 't':
			seconds = number(optarg, "seconds", SECONDS_MAX);
			break;
		case 'u':
			path = optarg;
			break;
		case 'x':
			l.connect = "";
			break;
		default:
			usage();
		}
	}
	argc -= optind;
	argv += optind;
	if (argc != 2 || ca == NULL || path == NULL)
		usage();

	signal(SIGPIPE, SIG_IGN);
	if ((host = strndup(argv[0], strcspn(argv[0], ":"))) == NULL)
		err(1, NULL);
	l.host = host;
	l.ctx = make_ctx(ca);
	l.request = make_request(argv[0], path);
	if (l.connect != NULL)
		l.connect = make_connect(argv[0], token);
	resolve(&l, argv[1]);
	event_init();
	run(&l, n, seconds);
	return (errors != 0 || non200 != 0);
}
