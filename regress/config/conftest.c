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
 * conftest [-b] [-D macro=value] [-o option] [file [reload]]
 * parses, applies the environment and the options, and prints, as
 * "brokerd -nv" does.  -b parses the file from memory, without includes.  A
 * second file is taken for the one of a reload: what would need a restart is
 * printed, and the configuration that would then run.
 */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf.h"

static struct conf	*load(const char *, int);
static int		 reload(struct conf *, const char *);

static const char	*options[8];
static int		 noptions;

int
main(int argc, char *argv[])
{
	struct conf	*conf;
	int		 ch, fromfile = 1, rv = 0;

	while ((ch = getopt(argc, argv, "bD:o:")) != -1) {
		switch (ch) {
		case 'b':
			fromfile = 0;
			break;
		case 'D':
			if (cmdline_symset(optarg) == -1)
				errx(1, "-D %s: not of the form macro=value",
				    optarg);
			break;
		case 'o':
			if (noptions == 8)
				errx(1, "too many options");
			options[noptions++] = optarg;
			break;
		default:
			errx(1, "usage: conftest [-b] [-D macro=value] "
			    "[-o option] [file [reload]]");
		}
	}
	argv += optind;
	if ((conf = load(argv[0], fromfile)) == NULL)
		return (1);
	if (argv[0] != NULL && argv[1] != NULL)
		rv = reload(conf, argv[1]);
	else
		print_conf(stdout, conf);
	conf_free(conf);
	return (rv);
}

static struct conf *
load(const char *path, int fromfile)
{
	FILE		*fp;
	struct conf	*conf;
	char		 buf[65536];
	size_t		 len;
	int		 i, rv;

	if (path == NULL || fromfile)
		conf = parse_config(path);
	else {
		if ((fp = fopen(path, "r")) == NULL)
			err(1, "%s", path);
		len = fread(buf, 1, sizeof(buf), fp);
		fclose(fp);
		conf = parse_buffer(buf, len, path);
	}
	if (conf == NULL)
		return (NULL);
	rv = conf_environ(conf);
	for (i = 0; i < noptions; i++)
		if (conf_option(conf, options[i]) == -1)
			rv = -1;
	if (rv == 0)
		return (conf);
	conf_free(conf);
	return (NULL);
}

static int
reload(struct conf *running, const char *path)
{
	const char	*names[CONF_RESTART_MAX];
	struct conf	*new;
	int		 i, n;

	if ((new = load(path, 1)) == NULL)
		return (1);
	n = conf_diff_restart(running, new, names);
	for (i = 0; i < n; i++)
		printf("needs restart: %s\n", names[i]);
	if (conf_keep_restart(new, running) == -1)
		err(1, NULL);
	if (conf_diff_restart(running, new, names) != 0)
		errx(1, "something still needs a restart");
	print_conf(stdout, new);
	conf_free(new);
	return (0);
}
