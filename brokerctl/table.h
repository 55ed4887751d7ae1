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

#ifndef TABLE_H
#define TABLE_H

#include <sys/types.h>

#include <stdio.h>

/*
 * Text for people: what came from the daemon is escaped before it is shown,
 * columns line up by what a terminal shows and not by bytes.  setlocale(3)
 * says what it can show.
 */

/*
 * A copy without anything that a terminal would act on: control characters,
 * those that turn the direction of text or have no width of their own, and
 * bytes that are no text in this locale come as \033, \302\205 or \^J.  Must
 * be freed; exits when there is no memory.
 */
char	*text_escape(const char *);

/* Columns that an escaped string takes. */
size_t	 text_width(const char *);

/*
 * The bytes of an escaped string that fit in so many columns, and the columns
 * that these take, which can be one less.
 */
size_t	 text_fit(const char *, size_t, size_t *);

struct column {
	const char	*title;
	int		 flags;		/* COL_* */
};

#define COL_RIGHT	0x01	/* numbers */
#define COL_CUT		0x02	/* shortened to keep to the width */
#define COL_DROP	0x04	/* left out where that is not enough */
/* What table_flush() leaves room for at least, columns. */
#define COL_LEAST(n)	((n) << 8)

enum colour {
	COLOUR_NONE,
	COLOUR_BOLD,
	COLOUR_DIM,
	COLOUR_RED,
	COLOUR_GREEN,
	COLOUR_YELLOW
};

/* What turns a colour on in a terminal; COLOUR_NONE: all of them off. */
const char	*colour_code(enum colour);

struct table;

/*
 * Columns end with one that has no title, and outlive the table.  Rows are
 * filled from left to right; a cell that is missing at the end of a row is
 * empty.  table_cell() escapes and copies its text (NULL: "-"); the colour
 * is used only if table_print() is told so.
 */
struct table	*table_new(const struct column *);
void	 table_row(struct table *);
void	 table_cell(struct table *, enum colour, const char *);
void	 table_cellf(struct table *, enum colour, const char *, ...)
	    __attribute__((__format__(__printf__, 3, 4)));
size_t	 table_rows(const struct table *);

/*
 * The head line and the rows.  width is the terminal's number of columns, 0
 * for lines as long as they want to be.  What is too long is taken first from
 * columns with COL_CUT, then columns with COL_DROP are left out, the first of
 * them first, then more is cut.
 */
void	 table_print(FILE *, const struct table *, size_t, int);
/*
 * The same for rows that come one by one: the head is printed once, with the
 * first of them, columns get wider but never narrower, and what was printed is
 * forgotten.
 */
void	 table_flush(FILE *, struct table *, size_t, int);
void	 table_free(struct table *);

#endif /* TABLE_H */
