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


#ifndef CSV_H
#define CSV_H

#include <stdio.h>

#include <jansson.h>

/*
 * Rows of the log, objects as the API gives them, as CSV: quoted as RFC 4180
 * has it, but with lines that end with a newline alone.
 *
 * A cell of text that begins with =, +, -, @, a tab or a carriage return gets
 * an apostrophe before it, since programs for tables take it for a formula
 * otherwise, and what it says comes from who sent the request.
 */

/* The line with the columns' names. */
void	 csv_names(FILE *);

/*
 * A row; what is null or missing is an empty cell.  escape() makes a fresh
 * string of a cell, to be shown in its place; or is NULL.  -1: there is no
 * memory.  Whether all could be written ferror(3) tells.
 */
int	 csv_row(FILE *, const json_t *, char *(*escape)(const char *));

#endif /* CSV_H */
