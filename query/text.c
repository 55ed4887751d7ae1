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

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "filter.h"
#include "internal.h"

#define BLANKS	" \t\r\n"

/* What is being read; within a line of text blanks end a term. */
struct reader {
	const char	*text;
	size_t		 at;
	int		 line;
	int64_t		 now;
};

/* What is being written; n goes on when there is no room. */
struct writer {
	char	*buf;
	size_t	 n;
};

static int	ends(const struct reader *);
static int	quoted(struct reader *, char *, struct filter_error *);
static int	bare(struct reader *, char *, struct filter_error *);
static int	item(struct filter *, struct filter_term *, struct reader *,
		    struct filter_error *);
static int	list(struct filter *, struct filter_term *, struct reader *,
		    struct filter_error *);
static struct filter_term	*term_new(struct filter *, size_t,
		    const char *, struct filter_error *);
static int	term(struct filter *, struct reader *, struct filter_error *);
static int	fits(const struct filter *, struct filter_error *);
static void	put(struct writer *, char);
static void	put_text(struct writer *, const char *);
static void	put_value(struct writer *, const struct filter *,
		    enum filter_key, const struct filter_value *);
static void	print(const struct filter *, struct writer *);

int
filter_fail(struct filter_error *e, size_t at, const char *fmt, ...)
{
	va_list	 ap;

	e->at = at;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return (-1);
}

static int
ends(const struct reader *r)
{
	const char	 c = r->text[r->at];

	return (c == '\0' || (r->line && strchr(BLANKS, c) != NULL));
}

static int
quoted(struct reader *r, char *to, struct filter_error *e)
{
	const size_t	 open = r->at++;
	const char	*s = r->text;
	size_t		 n = 0;

	for (; s[r->at] != '"'; r->at++) {
		if (s[r->at] == '\0')
			return (filter_fail(e, open, "the quotes that begin "
			    "here do not end"));
		if (s[r->at] == '\\' && (s[r->at + 1] == '"' ||
		    s[r->at + 1] == '\\'))
			r->at++;
		if (n == FILTER_MAX)
			return (filter_fail(e, open, "the filter is longer "
			    "than %d bytes", FILTER_MAX));
		to[n++] = s[r->at];
	}
	to[n] = '\0';
	r->at++;
	if (!ends(r) && s[r->at] != ',')
		return (filter_fail(e, r->at, "after quotes that end there "
		    "must be a comma or nothing"));
	return (0);
}

static int
bare(struct reader *r, char *to, struct filter_error *e)
{
	const size_t	 start = r->at;
	const char	*s = r->text;
	size_t		 n = 0;

	for (; !ends(r) && s[r->at] != ','; r->at++) {
		if (s[r->at] == '"')
			return (filter_fail(e, r->at, "quotes must be around "
			    "the whole of an item"));
		if (s[r->at] == '!' && n == 0)
			return (filter_fail(e, r->at, "a ! stands before the "
			    "whole term, once"));
		if (n == FILTER_MAX)
			return (filter_fail(e, start, "the filter is longer "
			    "than %d bytes", FILTER_MAX));
		to[n++] = s[r->at];
	}
	to[n] = '\0';
	return (0);
}

static int
item(struct filter *f, struct filter_term *t, struct reader *r,
    struct filter_error *e)
{
	char		 text[FILTER_MAX + 1];
	struct item	 it;

	*text = '\0';
	it.at = r->at;
	it.text = text;
	it.quoted = r->text[r->at] == '"';
	if ((it.quoted ? quoted(r, text, e) : bare(r, text, e)) == -1)
		return (-1);
	if (*text == '\0' && !it.quoted)
		return (filter_fail(e, it.at, "%s: a value is missing",
		    filter_name(t->key)));
	if (t->n > 0 && value_single(t->key))
		return (filter_fail(e, it.at, "%s takes one value, no list",
		    filter_name(t->key)));
	if (f->nvalues == FILTER_VALUES)
		return (filter_fail(e, it.at, "more than %d values",
		    FILTER_VALUES));
	if (value_parse(f, t->key, &f->values[f->nvalues], &it, r->now, e) ==
	    -1)
		return (-1);
	f->nvalues++;
	t->n++;
	return (0);
}

static int
list(struct filter *f, struct filter_term *t, struct reader *r,
    struct filter_error *e)
{
	if (r->text[r->at] == '!' && !t->negated) {
		t->negated = 1;
		r->at++;
	}
	for (;;) {
		if (item(f, t, r, e) == -1)
			return (-1);
		if (r->text[r->at] != ',')
			return (0);
		r->at++;
	}
}

static struct filter_term *
term_new(struct filter *f, size_t at, const char *key, struct filter_error *e)
{
	struct filter_term	*t;
	int			 n;

	if ((n = filter_key(key)) == -1) {
		(void)filter_fail(e, at, "there is no key \"%.32s\"", key);
		return (NULL);
	}
	if (f->nterms == FILTER_TERMS) {
		(void)filter_fail(e, at, "more than %d terms", FILTER_TERMS);
		return (NULL);
	}
	t = &f->terms[f->nterms++];
	t->key = n;
	t->negated = 0;
	t->first = f->nvalues;
	t->n = 0;
	return (t);
}

/* [!]key:list */
static int
term(struct filter *f, struct reader *r, struct filter_error *e)
{
	struct filter_term	*t;
	char			 key[64];
	size_t			 at, n;
	int			 negated = 0;

	if (r->text[r->at] == '!') {
		negated = 1;
		r->at++;
	}
	at = r->at;
	n = strcspn(r->text + at, ":" BLANKS);
	if (n >= sizeof(key))
		n = sizeof(key) - 1;
	memcpy(key, r->text + at, n);
	key[n] = '\0';
	if (r->text[at + n] != ':')
		return (filter_fail(e, at, "\"%.32s\" is no term; terms are "
		    "like host:*.example.com", key));
	if ((t = term_new(f, at, key, e)) == NULL)
		return (-1);
	t->negated = negated;
	r->at = at + n + 1;
	return (list(f, t, r, e));
}

int
filter_parse(struct filter *f, const char *text, int64_t now,
    struct filter_error *e)
{
	struct reader	 r = { text, 0, 1, now };

	for (;;) {
		r.at += strspn(text + r.at, BLANKS);
		if (text[r.at] == '\0')
			return (fits(f, e));
		if (term(f, &r, e) == -1)
			return (-1);
	}
}

int
filter_add(struct filter *f, const char *key, const char *value, int64_t now,
    struct filter_error *e)
{
	struct filter_term	*t;
	struct reader		 r = { value, 0, 0, now };

	if (*value == '\0' && filter_key(key) != -1)
		return (0);
	if ((t = term_new(f, 0, key, e)) == NULL || list(f, t, &r, e) == -1)
		return (-1);
	return (fits(f, e));
}

static void
put(struct writer *w, char c)
{
	if (w->n < FILTER_MAX)
		w->buf[w->n] = c;
	w->n++;
}

static void
put_text(struct writer *w, const char *s)
{
	for (; *s != '\0'; s++)
		put(w, *s);
}

static void
put_value(struct writer *w, const struct filter *f, enum filter_key key,
    const struct filter_value *v)
{
	char		 text[FILTER_MAX + 1];
	const char	*s;

	value_print(f, key, v, text, sizeof(text));
	if (*text != '\0' && *text != '!' &&
	    strpbrk(text, BLANKS ",\"") == NULL) {
		put_text(w, text);
		return;
	}
	put(w, '"');
	for (s = text; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			put(w, '\\');
		put(w, *s);
	}
	put(w, '"');
}

static void
print(const struct filter *f, struct writer *w)
{
	const struct filter_term	*t;
	int				 i, j;

	for (i = 0; i < f->nterms; i++) {
		t = &f->terms[i];
		if (i > 0)
			put(w, ' ');
		if (t->negated)
			put(w, '!');
		put_text(w, filter_name(t->key));
		for (j = 0; j < t->n; j++) {
			put(w, j == 0 ? ':' : ',');
			put_value(w, f, t->key, &f->values[t->first + j]);
		}
	}
}

size_t
filter_print(const struct filter *f, char buf[FILTER_MAX + 1])
{
	struct writer	 w = { buf, 0 };

	print(f, &w);
	buf[w.n > FILTER_MAX ? FILTER_MAX : w.n] = '\0';
	return (w.n);
}

/* What was short when it was given may be long as it is printed. */
static int
fits(const struct filter *f, struct filter_error *e)
{
	char	 buf[FILTER_MAX + 1];

	if (filter_print(f, buf) > FILTER_MAX)
		return (filter_fail(e, 0, "the filter is longer than %d "
		    "bytes", FILTER_MAX));
	return (0);
}
