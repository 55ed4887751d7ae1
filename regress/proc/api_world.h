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


#ifndef API_WORLD_H
#define API_WORLD_H

#include <sys/types.h>

#include <stddef.h>

#include "play.h"

/*
 * The world around one real api: its parent, keyd and logd, and HTTP clients.
 */

#define API_PROG	"api/api"
/* A minute is three seconds for it; regress/proc/minute.c. */
#define API_MINUTE	"regress/proc/api_minute"

struct api_world {
	struct play_child	 api;
	struct play		 keyd;
	struct play		 logd;
	int			 lfd;		/* its listening socket */
	char			 dir[64];
	char			 path[128];	/* of the local socket */
	int			 port;
	int			 from;		/* 127.0.0.from, or 0 */
	int			 small;		/* the kernel keeps little */
};

/* What an HTTP client got. */
struct answer {
	int	 status;
	char	*head;
	char	*body;
	size_t	 len;
	char	*all;		/* memory of both */
};

/* Start `api local' or `api tcp' up to READY. */
void	 api_new(struct api_world *, enum proc);
/* The same of another build of it. */
void	 api_new_from(struct api_world *, const char *, enum proc);
/* End it; the exit status. */
int	 api_end(struct api_world *);

/* A connected client; http_try() may return -1. */
int	 http_open(struct api_world *);
int	 http_try(struct api_world *);
void	 http_put(int, const char *);
void	 http_write(int, const void *, size_t);
/* The next answer, to be freed.  -1: the connection has ended before it. */
int	 http_answer(int, int head_only, struct answer *);
void	 http_free(struct answer *);
/* The server closes within ms, whatever comes before that. */
int	 http_closed(int, int ms);

/* Send a whole request; body may be NULL. */
void	 http_ask(int, const char *method, const char *path,
	    const char *token, const char *body);
/* The answer has this status; returned for more. */
void	 http_expect(int, int status, struct answer *);

/* Answer as keyd. */
void	 keyd_initialized(struct api_world *, int);
/* CALLER comes with this token (NULL: any); the status of WHO. */
void	 keyd_knows(struct api_world *, const char *token, int status,
	    uint64_t caller);
void	 keyd_done(struct api_world *, uint32_t id, int status,
	    const struct rec_desc *, const void *);
void	 keyd_objects(struct api_world *, uint32_t id, uint64_t cursor,
	    const struct rec_desc *, const void *, size_t size, uint32_t n);

/*
 * Answer as logd: n rows (at most LOGD_ROWS) of a page, from an id downwards,
 * with paths of len bytes (below LOGD_PATH); and the end of the page.
 */
#define LOGD_ROWS	20
#define LOGD_PATH	2048
void	 logd_rows(struct api_world *, uint32_t id, uint64_t newest, int n,
	    size_t len);
void	 logd_rows_end(struct api_world *, uint32_t id, uint64_t latest);

/*
 * A client of an initialized instance whose caller is 77 already.
 */
int	 http_known(struct api_world *, const char *token);

#endif /* API_WORLD_H */
