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


#ifndef API_H
#define API_H

#include <sys/types.h>

#include <stdint.h>

#include "http.h"
#include "msg.h"

/*
 * What all of the process share: who it is (api local or api tcp), its
 * configuration and its counters.
 */

struct api_conf {
	struct http_limits	 limits;
	uint16_t		 proxy_port;	/* 0: there is none */
	char			 av_addr[257];	/* our own URL, or "" */
};

struct api_counters {
	uint64_t	 accepted;
	uint64_t	 refused;	/* no place for that user */
	uint64_t	 accept_paused;	/* all places taken, or descriptors */
	uint64_t	 idle_closed;
	uint64_t	 requests;
	uint64_t	 answers_4xx;
	uint64_t	 answers_5xx;
	uint64_t	 answers_cut;	/* of clients that did not read */
	uint64_t	 bad_requests;	/* that were no HTTP */
	uint64_t	 timeouts;	/* of clients */
	uint64_t	 asks_late;	/* of other processes */
	uint64_t	 revoked;	/* callers */
	uint64_t	 streams_refused;	/* no place for them */
	uint64_t	 streams_revoked;
	uint64_t	 streams_lagged;	/* that the ring left behind */
	uint64_t	 exports_refused;	/* no place for them */
	uint64_t	 exports_cut;
};

struct api {
	enum proc		 proc;
	struct api_conf		 conf;
	struct api_counters	 counters;
	int			 initialized;	/* once it was, it stays so */
	int			 closing;	/* SHUTDOWN came */
};
extern struct api	 api;

/* Whether this is the process of the local socket. */
#define API_LOCAL()	(api.proc == PROC_API_LOCAL)

#endif /* API_H */
