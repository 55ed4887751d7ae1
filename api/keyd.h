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


#ifndef KEYD_H
#define KEYD_H

#include <sys/types.h>

#include <stdint.h>

#include "ask.h"
#include "codes.h"
#include "request.h"

/*
 * Questions to keyd, which decides every right, for the request's caller.
 */

/*
 * A change: `args' is the record op_desc(op).  vault may be "" for those
 * about none.  The callback gets DONE.
 */
void	 keyd_admin(struct request *, enum admin_op, const char *vault,
	    const void *args, ask_fn *);

/*
 * The objects of a view, one after the other as the record view_desc(view),
 * then done(), which answers.  key may be "".
 */
void	 keyd_get(struct request *, enum view_kind, const char *vault,
	    const char *key, void (*each)(struct request *, const void *),
	    void (*done)(struct request *));

/* Values of credentials: all, or that of one key; those that follow
 * `after'.  The callback gets SECRETS. */
void	 keyd_reveal(struct request *, const char *vault, const char *key,
	    const char *after, ask_fn *);

/* May the caller do this?  The callback gets MAY_ANSWER. */
void	 keyd_may(struct request *, enum may_action, const char *vault,
	    ask_fn *);

/* The root certificate, and whether the instance is initialized. */
void	 keyd_ca(struct request *, ask_fn *);

/*
 * For all callbacks: if this is a refusal (a status of 400 or more), answer
 * with it and return 1, else 0.
 */
int	 keyd_refused(struct request *, uint16_t, const char *code,
	    const char *text);
int	 keyd_done_refused(struct request *, const struct msg *);

/*
 * Decode what DONE brought back; 0, or -1 when it was no such record and the
 * request was answered.  Strings point into the message.  keyd_done() looks
 * for a refusal first.
 */
int	 keyd_done(struct request *, const struct msg *,
	    const struct rec_desc *, void *);
int	 keyd_result(struct request *, const struct msg_done *,
	    const struct rec_desc *, void *);

/* The names in a result, as a list of words. */
json_t	*keyd_names(const struct rec_res_count *);

#endif /* KEYD_H */
