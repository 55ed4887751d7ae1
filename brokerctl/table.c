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

#include <err.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define COLUMNS_MAX	16
#define GAP		2	/* between columns */
#define CUT_MIN		8	/* no column is made narrower than that */
#define CUT_LEAST	4	/* but where nothing is left to leave out */
#define DROPPED		SIZE_MAX
#define CUT_MARK	"..."

struct cell {
	char		*text;
	size_t		 width;
	enum colour	 colour;
};

struct row {
	TAILQ_ENTRY(row) entry;
	struct cell	 cells[];
};

struct table {
	const struct column	*columns;
	size_t			 ncolumns;
	size_t			 nrows;
	size_t			 next;		/* cell of the last row */
	int			 begun;		/* the head is printed */
	size_t			 width[COLUMNS_MAX];
	TAILQ_HEAD(rows, row)	 rows;
};

static void	table_fit(const struct table *, size_t, size_t *);
static int	table_drop(const struct table *, size_t *);
static int	table_cut(const struct table *, size_t, size_t, size_t *);
static void	print_head(FILE *, const struct table *, const size_t *, int);
static void	print_rows(FILE *, const struct table *, const size_t *, int);
static int	is_last(const struct table *, size_t, const size_t *);
static void	table_forget(struct table *);
static void	print_row(FILE *, const struct table *, const struct row *,
		    const size_t *, int);
static void	print_cell(FILE *, const struct cell *, size_t, int, int, int);

static const char	*colours[] = {
	[COLOUR_NONE] = "\033[0m",
	[COLOUR_BOLD] = "\033[1m",
	[COLOUR_DIM] = "\033[2m",
	[COLOUR_RED] = "\033[31m",
	[COLOUR_GREEN] = "\033[32m",
	[COLOUR_YELLOW] = "\033[33m"
};

const char *
colour_code(enum colour colour)
{
	return (colours[colour]);
}

struct table *
table_new(const struct column *columns)
{
	struct table	*t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		err(1, NULL);
	t->columns = columns;
	TAILQ_INIT(&t->rows);
	while (columns[t->ncolumns].title != NULL &&
	    t->ncolumns < COLUMNS_MAX) {
		t->width[t->ncolumns] =
		    text_width(columns[t->ncolumns].title);
		t->ncolumns++;
	}
	return (t);
}

void
table_row(struct table *t)
{
	struct row	*row;

	if ((row = calloc(1, sizeof(*row) +
	    t->ncolumns * sizeof(row->cells[0]))) == NULL)
		err(1, NULL);
	TAILQ_INSERT_TAIL(&t->rows, row, entry);
	t->nrows++;
	t->next = 0;
}

void
table_cell(struct table *t, enum colour colour, const char *text)
{
	struct row	*row = TAILQ_LAST(&t->rows, rows);
	struct cell	*cell;

	if (row == NULL || t->next == t->ncolumns)
		errx(1, "a cell without a place in its table");
	cell = &row->cells[t->next];
	cell->text = text_escape(text == NULL ? "-" : text);
	cell->width = text_width(cell->text);
	cell->colour = colour;
	if (t->width[t->next] < cell->width)
		t->width[t->next] = cell->width;
	t->next++;
}

void
table_cellf(struct table *t, enum colour colour, const char *fmt, ...)
{
	va_list	 ap;
	char	*text;
	int	 n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n == -1)
		err(1, NULL);
	table_cell(t, colour, text);
	free(text);
}

size_t
table_rows(const struct table *t)
{
	return (t->nrows);
}

void
table_print(FILE *f, const struct table *t, size_t width, int coloured)
{
	size_t	w[COLUMNS_MAX];

	memcpy(w, t->width, sizeof(w));
	table_fit(t, width, w);
	print_head(f, t, w, coloured);
	print_rows(f, t, w, coloured);
}

void
table_flush(FILE *f, struct table *t, size_t width, int coloured)
{
	size_t	i, least, w[COLUMNS_MAX];

	/* The first row says more about the widths than the head. */
	if (t->nrows == 0)
		return;
	for (i = 0; i < t->ncolumns; i++) {
		least = (size_t)t->columns[i].flags / COL_LEAST(1);
		if (t->width[i] < least)
			t->width[i] = least;
	}
	memcpy(w, t->width, sizeof(w));
	table_fit(t, width, w);
	if (!t->begun)
		print_head(f, t, w, coloured);
	t->begun = 1;
	print_rows(f, t, w, coloured);
	table_forget(t);
}

/* Settle the widths for a terminal. */
static void
table_fit(const struct table *t, size_t width, size_t *w)
{
	size_t	kept[COLUMNS_MAX];

	if (width == 0)
		return;
	memcpy(kept, w, sizeof(kept));
	while (table_cut(t, width, CUT_MIN, w) == -1) {
		memcpy(w, kept, sizeof(kept));
		if (table_drop(t, kept) == -1) {
			(void)table_cut(t, width, CUT_LEAST, w);
			return;
		}
		memcpy(w, kept, sizeof(kept));
	}
}

static int
table_drop(const struct table *t, size_t *w)
{
	size_t	i;

	for (i = 0; i < t->ncolumns; i++) {
		if ((t->columns[i].flags & COL_DROP) && w[i] != DROPPED) {
			w[i] = DROPPED;
			return (0);
		}
	}
	return (-1);
}

/*
 * Take what is too much from those columns that may be cut, widest first: 0,
 * or -1 if that is not enough.
 */
static int
table_cut(const struct table *t, size_t width, size_t least, size_t *w)
{
	size_t	i, total = 0, widest;

	for (i = 0; i < t->ncolumns; i++) {
		if (w[i] != DROPPED)
			total += w[i] + (total > 0 ? GAP : 0);
	}
	while (total > width) {
		widest = t->ncolumns;
		for (i = 0; i < t->ncolumns; i++) {
			if ((t->columns[i].flags & COL_CUT) &&
			    w[i] != DROPPED && w[i] > least &&
			    (widest == t->ncolumns || w[i] > w[widest]))
				widest = i;
		}
		if (widest == t->ncolumns)
			return (-1);
		w[widest]--;
		total--;
	}
	return (0);
}

static void
print_head(FILE *f, const struct table *t, const size_t *w, int coloured)
{
	struct cell	title;
	size_t		i;

	for (i = 0; i < t->ncolumns; i++) {
		if (w[i] == DROPPED)
			continue;
		if ((title.text = strdup(t->columns[i].title)) == NULL)
			err(1, NULL);
		title.width = text_width(title.text);
		title.colour = COLOUR_BOLD;
		print_cell(f, &title, w[i], t->columns[i].flags,
		    is_last(t, i, w), coloured);
		free(title.text);
	}
}

static void
print_rows(FILE *f, const struct table *t, const size_t *w, int coloured)
{
	const struct row	*row;

	TAILQ_FOREACH(row, &t->rows, entry)
		print_row(f, t, row, w, coloured);
}

static int
is_last(const struct table *t, size_t i, const size_t *w)
{
	for (i++; i < t->ncolumns; i++) {
		if (w[i] != DROPPED)
			return (0);
	}
	return (1);
}

static void
print_row(FILE *f, const struct table *t, const struct row *row,
    const size_t *w, int coloured)
{
	static char		 empty[] = "";
	static const struct cell none = { empty, 0, COLOUR_NONE };
	const struct cell	*cell;
	size_t			 i;

	for (i = 0; i < t->ncolumns; i++) {
		cell = &row->cells[i];
		if (w[i] == DROPPED)
			continue;
		print_cell(f, cell->text == NULL ? &none : cell, w[i],
		    t->columns[i].flags, is_last(t, i, w), coloured);
	}
}

static void
print_cell(FILE *f, const struct cell *cell, size_t width, int flags,
    int last, int coloured)
{
	const char	*mark = "";
	size_t		 bytes, pad, shown = cell->width;

	bytes = strlen(cell->text);
	if (shown > width) {
		mark = CUT_MARK;
		bytes = text_fit(cell->text, width - strlen(mark), &shown);
		shown += strlen(mark);
	}
	pad = width - shown;
	if (flags & COL_RIGHT)
		fprintf(f, "%*s", (int)pad, "");
	if (coloured && cell->colour != COLOUR_NONE)
		fputs(colours[cell->colour], f);
	fprintf(f, "%.*s%s", (int)bytes, cell->text, mark);
	if (coloured && cell->colour != COLOUR_NONE)
		fputs(colours[COLOUR_NONE], f);
	if (last) {
		fputc('\n', f);
		return;
	}
	if ((flags & COL_RIGHT) == 0)
		fprintf(f, "%*s", (int)pad, "");
	fprintf(f, "%*s", GAP, "");
}

void
table_free(struct table *t)
{
	table_forget(t);
	free(t);
}

static void
table_forget(struct table *t)
{
	struct row	*row;
	size_t		 i;

	while ((row = TAILQ_FIRST(&t->rows)) != NULL) {
		TAILQ_REMOVE(&t->rows, row, entry);
		for (i = 0; i < t->ncolumns; i++)
			free(row->cells[i].text);
		free(row);
	}
	t->nrows = 0;
}
