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

#ifndef CONFPARSE_H
#define CONFPARSE_H

/* Between parse.y and the two files that help it; nobody else's concern. */

#include <sys/queue.h>

#include "conf.h"

/* What is read at the moment: a file, or the value of a macro within one. */
struct source {
	SLIST_ENTRY(source)	 entry;
	const char		*name;		/* NULL: a macro's value */
	char			*buf;
	size_t			 len;
	size_t			 pos;
	int			 line;
};

/* parse.y */

/* An error at the last token; the parsing goes on. */
void		 parse_error(const char *, ...)
		    __attribute__((__format__(printf, 1, 2)));
const char	*parse_where(int *);

/* confsrc.c: the sources, innermost first, and the macros */

/* 0, or -1 after parse_error(). */
int		 confsrc_open(const char *);
/* Takes the buffer over.  The name must be kept; NULL for a macro. */
int		 confsrc_push(const char *, char *, size_t);
void		 confsrc_pop(void);
struct source	*confsrc_top(void);	/* or NULL */
struct source	*confsrc_file(void);	/* the innermost file, or NULL */
/* Forget all sources and words, and the macros that files defined. */
void		 confsrc_clean(void);
/* The innermost source: characters, or EOF at its end. */
int		 confsrc_getc(void);
int		 confsrc_peek(void);
/* Over blanks, comments and continued lines; the next character. */
int		 confsrc_space(void);
/* Over the rest of a line, and of the block if one begins in it. */
void		 confsrc_skip(void);
void		*confsrc_calloc(size_t);	/* does not return NULL */
char		*confsrc_keep(const char *, size_t);	/* until clean */
void		 confsrc_symset(const char *, const char *, int);
const char	*confsrc_symget(const char *);	/* or NULL */
int		 confsrc_symname(const char *);	/* may this be a macro? */

/*
 * confset.c: one setting each: what it is called, the text, the range, where
 * it goes.  Wrong ones and second ones are errors and change nothing.
 */
int		 confset_once(const char *);
void		 confset_clean(void);
void		 confset_number(const char *, const char *, int, int, int *);
void		 confset_workers(struct conf *, const char *);
void		 confset_rows(const char *, const char *, int64_t *);
void		 confset_ms(const char *, const char *, int, int, int *);
void		 confset_age(const char *, const char *, int64_t *);
void		 confset_size(const char *, const char *, int64_t, int64_t,
		    int64_t *);
void		 confset_size_int(const char *, const char *, int, int, int *);
void		 confset_path(const char *, const char *, char **);
void		 confset_name(const char *, const char *, char **);
void		 confset_mode(const char *, mode_t *);
void		 confset_listen(struct conf *, enum listener_kind, const char *,
		    const char *);
void		 confset_allow(struct conf *, const char *);
void		 confset_ca(struct conf *, const char *, int);

#endif /* CONFPARSE_H */
