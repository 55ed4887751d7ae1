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

/*
 * Replays a corpus through a fuzz harness: the files and directories named,
 * or else corpus/NAME beside the program NAME_fuzz.  One TAP test a file;
 * a harness fails by dying.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <fts.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int		LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static char	*corpus(const char *);
static int	 by_name(const FTSENT **, const FTSENT **);
static void	 replay(const char *, off_t);

static int	 ntests;

int
main(int argc, char *argv[])
{
	char	*paths[2];
	FTS	*fts;
	FTSENT	*ent;

	setvbuf(stdout, NULL, _IOLBF, 0);
	paths[0] = corpus(argv[0]);
	paths[1] = NULL;
	fts = fts_open(argc > 1 ? argv + 1 : paths, FTS_PHYSICAL | FTS_NOCHDIR,
	    by_name);
	if (fts == NULL)
		err(1, "fts_open");
	while ((ent = fts_read(fts)) != NULL) {
		if (ent->fts_info == FTS_F)
			replay(ent->fts_path, ent->fts_statp->st_size);
		else if (ent->fts_errno != 0)
			errc(1, ent->fts_errno, "%s", ent->fts_path);
	}
	fts_close(fts);
	free(paths[0]);
	if (ntests == 0)
		errx(1, "no corpus");
	printf("1..%d\n", ntests);
	return (0);
}

/* dir/NAME_fuzz -> dir/corpus/NAME; the caller frees it. */
static char *
corpus(const char *prog)
{
	char	 path[PATH_MAX], *copy, *name, *end;
	int	 r;

	if ((copy = strdup(prog)) == NULL || (name = strdup(prog)) == NULL)
		err(1, NULL);
	if ((end = strstr(basename(name), "_fuzz")) != NULL)
		*end = '\0';
	r = snprintf(path, sizeof(path), "%s/corpus/%s", dirname(copy),
	    basename(name));
	if (r < 0 || (size_t)r >= sizeof(path))
		errx(1, "%s: name too long", prog);
	free(copy);
	free(name);
	if ((copy = strdup(path)) == NULL)
		err(1, NULL);
	return (copy);
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return (strcmp((*a)->fts_name, (*b)->fts_name));
}

/* The input has its exact size on the heap, so that a read past it is seen. */
static void
replay(const char *path, off_t size)
{
	uint8_t	*buf;
	FILE	*fp;

	if ((fp = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	if ((buf = malloc(size)) == NULL && size != 0)
		err(1, NULL);
	if (fread(buf, 1, size, fp) != (size_t)size)
		errx(1, "%s: short read", path);
	fclose(fp);
	LLVMFuzzerTestOneInput(buf, size);
	free(buf);
	printf("ok %d - %s\n", ++ntests, path);
}
