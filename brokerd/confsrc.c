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
#include <sys/stat.h>

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "confparse.h"

#define SRC_SIZE_MAX	(1024 * 1024)
#define SRC_DEPTH_MAX	16

struct sym {
	TAILQ_ENTRY(sym)	 entry;
	char			*name;
	char			*value;
	int			 persist;	/* from the command line */
};

/* Words live until parsing ends, whatever the parser makes of them. */
struct word {
	SLIST_ENTRY(word)	 entry;
	char			 text[];
};

static SLIST_HEAD(, source)	 sources = SLIST_HEAD_INITIALIZER(sources);
static SLIST_HEAD(, word)	 words = SLIST_HEAD_INITIALIZER(words);
static TAILQ_HEAD(, sym)	 syms = TAILQ_HEAD_INITIALIZER(syms);

static int	 src_check(int, const char *, struct stat *);
static int	 src_secrecy(const char *, const struct stat *);
static char	*src_read(int, const char *, size_t *);
static void	 sym_free(struct sym *);

int
confsrc_open(const char *path)
{
	struct stat	 st;
	char		*buf = NULL;
	size_t		 len = 0;
	int		 fd;

	/* Not to hang on a FIFO. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1) {
		parse_error("%s: cannot open: %s", path, strerror(errno));
		return (-1);
	}
	if (src_check(fd, path, &st) == 0) {
		len = st.st_size;
		buf = src_read(fd, path, &len);
	}
	close(fd);
	if (buf == NULL)
		return (-1);
	return (confsrc_push(confsrc_keep(path, strlen(path)), buf, len));
}

static int
src_check(int fd, const char *path, struct stat *st)
{
	if (fstat(fd, st) == -1)
		parse_error("%s: cannot stat: %s", path, strerror(errno));
	else if (!S_ISREG(st->st_mode))
		parse_error("%s: not a regular file", path);
	else if (st->st_size > SRC_SIZE_MAX)
		parse_error("%s: larger than %d bytes", path,
		    SRC_SIZE_MAX);
	else
		return (src_secrecy(path, st));
	return (-1);
}

/*
 * Who can write the file decides who sees the credentials' traffic; and what
 * it says of the inside of a network is nobody else's business.
 */
static int
src_secrecy(const char *path, const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		parse_error("%s: owner not root or current user", path);
		return (-1);
	}
	if ((st->st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) != 0) {
		parse_error("%s: group writable or world read/writable "
		    "(chmod 0600 it)", path);
		return (-1);
	}
	return (0);
}

/* At most *len bytes, in one buffer for the caller. */
static char *
src_read(int fd, const char *path, size_t *len)
{
	char	*buf;
	ssize_t	 n;
	size_t	 off = 0;

	buf = confsrc_calloc(*len + 1);
	while (off < *len) {
		n = read(fd, buf + off, *len - off);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			parse_error("%s: cannot read: %s", path,
			    strerror(errno));
			free(buf);
			return (NULL);
		}
		if (n == 0)
			break;
		off += n;
	}
	*len = off;
	return (buf);
}

int
confsrc_push(const char *name, char *buf, size_t len)
{
	struct source	*src;
	int		 depth = 0;

	if (buf == NULL)
		err(1, "configuration");
	SLIST_FOREACH(src, &sources, entry)
		depth += src->name != NULL;
	if (name != NULL && depth >= SRC_DEPTH_MAX) {
		parse_error("includes are nested too deep (%d at most)",
		    SRC_DEPTH_MAX);
		free(buf);
		return (-1);
	}
	src = confsrc_calloc(sizeof(*src));
	src->name = name;
	src->buf = buf;
	src->len = len;
	src->line = 1;
	SLIST_INSERT_HEAD(&sources, src, entry);
	return (0);
}

void
confsrc_pop(void)
{
	struct source	*src;

	src = SLIST_FIRST(&sources);
	SLIST_REMOVE_HEAD(&sources, entry);
	free(src->buf);
	free(src);
}

struct source *
confsrc_top(void)
{
	return (SLIST_FIRST(&sources));
}

struct source *
confsrc_file(void)
{
	struct source	*src;

	SLIST_FOREACH(src, &sources, entry)
		if (src->name != NULL)
			break;
	return (src);
}

void
confsrc_clean(void)
{
	struct sym	*next, *sym;
	struct word	*w;

	while (!SLIST_EMPTY(&sources))
		confsrc_pop();
	while ((w = SLIST_FIRST(&words)) != NULL) {
		SLIST_REMOVE_HEAD(&words, entry);
		free(w);
	}
	for (sym = TAILQ_FIRST(&syms); sym != NULL; sym = next) {
		next = TAILQ_NEXT(sym, entry);
		if (!sym->persist)
			sym_free(sym);
	}
}

int
confsrc_getc(void)
{
	struct source	*src;

	if ((src = SLIST_FIRST(&sources)) == NULL || src->pos == src->len)
		return (EOF);
	return ((unsigned char)src->buf[src->pos++]);
}

int
confsrc_peek(void)
{
	struct source	*src;

	if ((src = SLIST_FIRST(&sources)) == NULL || src->pos == src->len)
		return (EOF);
	return ((unsigned char)src->buf[src->pos]);
}

int
confsrc_space(void)
{
	struct source	*src;
	int		 c;

	for (;;) {
		c = confsrc_peek();
		if (c == '#') {
			while (c != '\n' && c != EOF) {
				(void)confsrc_getc();
				c = confsrc_peek();
			}
			return (c);
		}
		src = SLIST_FIRST(&sources);
		if (c == '\\' && src->pos + 1 < src->len &&
		    src->buf[src->pos + 1] == '\n') {
			(void)confsrc_getc();
			confsrc_file()->line++;
		} else if (c != ' ' && c != '\t')
			return (c);
		(void)confsrc_getc();
	}
}

void
confsrc_skip(void)
{
	struct source	*src;
	int		 c, depth = 0;

	while ((src = SLIST_FIRST(&sources)) != NULL && src->name == NULL)
		confsrc_pop();
	while ((c = confsrc_peek()) != EOF) {
		if (depth == 0 && (c == '\n' || c == '}'))
			break;
		if (c == '{')
			depth++;
		else if (c == '}')
			depth--;
		else if (c == '\n')
			confsrc_file()->line++;
		(void)confsrc_getc();
	}
}

void *
confsrc_calloc(size_t len)
{
	void	*p;

	if ((p = calloc(1, len)) == NULL)
		err(1, "configuration");
	return (p);
}

char *
confsrc_keep(const char *text, size_t len)
{
	struct word	*w;

	w = confsrc_calloc(sizeof(*w) + len + 1);
	memcpy(w->text, text, len);
	SLIST_INSERT_HEAD(&words, w, entry);
	return (w->text);
}

int
confsrc_symname(const char *name)
{
	const char	*p;

	if (!isalpha((unsigned char)*name) && *name != '_')
		return (0);
	for (p = name; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && *p != '_')
			return (0);
	return (p - name < 64);
}

void
confsrc_symset(const char *name, const char *value, int persist)
{
	struct sym	*sym;

	TAILQ_FOREACH(sym, &syms, entry)
		if (strcmp(sym->name, name) == 0)
			break;
	if (sym != NULL) {
		/* The command line is stronger than the file. */
		if (sym->persist && !persist)
			return;
		sym_free(sym);
	}
	sym = confsrc_calloc(sizeof(*sym));
	sym->persist = persist;
	if ((sym->name = strdup(name)) == NULL ||
	    (sym->value = strdup(value)) == NULL)
		err(1, "macro %s", name);
	TAILQ_INSERT_TAIL(&syms, sym, entry);
}

const char *
confsrc_symget(const char *name)
{
	struct sym	*sym;

	TAILQ_FOREACH(sym, &syms, entry)
		if (strcmp(sym->name, name) == 0)
			return (sym->value);
	return (NULL);
}

static void
sym_free(struct sym *sym)
{
	TAILQ_REMOVE(&syms, sym, entry);
	free(sym->name);
	free(sym->value);
	free(sym);
}

int
cmdline_symset(const char *text)
{
	char		 name[64];
	const char	*eq;

	eq = strchr(text, '=');
	if (eq == NULL || (size_t)(eq - text) >= sizeof(name))
		return (-1);
	memcpy(name, text, eq - text);
	name[eq - text] = '\0';
	if (!confsrc_symname(name) || strchr(eq, '\n') != NULL)
		return (-1);
	confsrc_symset(name, eq + 1, 1);
	return (0);
}
