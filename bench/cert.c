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


/* Writes ca.pem, cert.pem and key.pem for localhost into a directory. */

#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../demo/cert.h"

#define NAMES	"localhost,127.0.0.1"
#define DAYS	30

static void	 write_file(const char *, const char *, mode_t);

static void
write_file(const char *path, const char *text, mode_t mode)
{
	size_t	 len = strlen(text);
	int	 fd;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd == -1 || write(fd, text, len) != (ssize_t)len)
		err(1, "%s", path);
	close(fd);
}

int
main(int argc, char **argv)
{
	struct democert	 cert;

	if (argc != 2) {
		fprintf(stderr, "usage: cert directory\n");
		return (2);
	}
	if (chdir(argv[1]) == -1)
		err(1, "%s", argv[1]);
	democert_make(&cert, NAMES, DAYS);
	write_file("ca.pem", cert.ca, 0644);
	write_file("cert.pem", cert.cert, 0644);
	write_file("key.pem", cert.key, 0600);
	free(cert.ca);
	free(cert.cert);
	freezero(cert.key, strlen(cert.key));
	return (0);
}
