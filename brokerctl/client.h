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

#ifndef CLIENT_H
#define CLIENT_H

#include <sys/types.h>

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A blocking HTTP client for brokerd's API, on its local socket or at a URL.
 * One request at a time; the connection is kept for the next one.
 */
struct client;

/* Where the daemon is and who asks.  Strings outlive the client. */
struct target {
	const char	*socket;	/* path; or NULL, and */
	const char	*url;		/* scheme://host[:port], and */
	const char	*host;		/* canonical, and */
	const char	*port;
	const char	*authority;	/* host:port, as the URL has it */
	int		 tls;
	const char	*cafile;	/* NULL: the system's */
	const char	*token;		/* NULL: none is sent */
};

struct answer {
	int		 status;
	char		*body;		/* NUL-terminated */
	size_t		 length;
	size_t		 size;		/* of the memory that body is */
	unsigned int	 proxy_port;	/* of X-Mitm-Port; 0 if there is none */
	char		 trimmed[128];	/* of X-Trimmed, printable ASCII */
	char		 type[64];	/* of Content-Type, up to ";" */
	int		 retry_after;	/* seconds; 0 if it does not say */
};

/* The daemon answers within 30 seconds. */
#define CLIENT_TIMEOUT	40
#define CLIENT_FILE	3600
/* Its streams have a comment each 15 seconds. */
#define CLIENT_STREAM	45
/* The longest body, bytes. */
#define CLIENT_ANSWER	(32 * 1024 * 1024)

/*
 * Reads the file of authorities if there is to be TLS, so call it before
 * pledge(2).  Exits when that fails.
 */
struct client	*client_new(const struct target *);

/*
 * Send a request with a JSON body (NULL: none) and read its answer, which
 * answer_free() wipes.  Connects if necessary; all of it within
 * CLIENT_TIMEOUT.  0, or -1: client_error() says why, and errno is that of
 * the system call that failed, or 0.
 */
int		 client_call(struct client *, const char *, const char *,
		    const char *, struct answer *);
/*
 * GET a path whose body, if the status is 200, is written to a descriptor as
 * it comes; answer->length is how much that was.  It may be CLIENT_FILE
 * seconds before it comes, and CLIENT_TIMEOUT without any more of it.
 */
int		 client_download(struct client *, const char *, int fd,
		    struct answer *);

/*
 * Where the pieces of an answer that does not end by itself go.  take()
 * returns 0, or else the stream is over and so is the call.
 */
struct client_stream {
	int64_t		 last;		/* for Last-Event-ID, or -1 */
	int		(*take)(void *, const uint8_t *, size_t);
	void		*arg;
	const volatile sig_atomic_t *stop;	/* wire.h; or NULL */
	sigset_t	 signals;
};
/*
 * As client_call() for GET, on a connection of its own: 0 when it was
 * answered with another status than 200, or the stream ended; -1 also when
 * CLIENT_STREAM seconds pass without a byte, take() wants no more, or a signal
 * has set *stop.  The status is then kept.
 */
int		 client_stream(struct client *, const char *,
		    const struct client_stream *, struct answer *);
/* Sleep that long in ms: 0, or -1 if the signals of the stream came. */
int		 client_pause(struct client *, const struct client_stream *,
		    int);
const char	*client_error(const struct client *);
void		 answer_free(struct answer *);

/* The user at the other end of the local socket: 0, or -1 if unknown. */
int		 client_peer(const struct client *, uid_t *);

void		 client_free(struct client *);

#endif /* CLIENT_H */
