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
#include <sys/file.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "brokerd.h"
#include "codes.h"
#include "ledger.h"

/*
 * The ledgers of workers: files in the state directory, so that what they
 * count outlives us too.  That of a dead worker is kept until logd says that
 * all of it is committed: logd may die before, and we may.  A logd that has
 * it already knows that it does.
 */
#define NAME_SIZE	17	/* an instance in hexadecimal */
#define LOCK_TRIES	20	/* for a worker of a killed brokerd */

struct page {
	TAILQ_ENTRY(page)	 entry;
	uint64_t		 instance;
	int			 fd;
};

static TAILQ_HEAD(pages, page)	 pages = TAILQ_HEAD_INITIALIZER(pages);
static int			 npages;
static int			 dir = -1;	/* -1: they have no names */

static void	ledgers_name(uint64_t, char *);
static int	ledgers_instance(const char *, uint64_t *);
static void	ledgers_old(const char *);
static int	ledgers_file(uint64_t);
static void	ledgers_keep(uint64_t, int);
static void	ledgers_free(struct page *);
static void	ledgers_show(struct child *, const struct page *);

static void
ledgers_name(uint64_t instance, char *name)
{
	(void)snprintf(name, NAME_SIZE, "%016" PRIx64, instance);
}

static int
ledgers_instance(const char *name, uint64_t *instance)
{
	if (strlen(name) != NAME_SIZE - 1 ||
	    strspn(name, "0123456789abcdef") != NAME_SIZE - 1)
		return (-1);
	*instance = strtoull(name, NULL, 16);
	return (0);
}

int
ledgers_open(char *why, size_t len)
{
	struct dirent	*e;
	DIR		*d;
	char		 path[PATH_MAX];
	int		 fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/ledger",
	    brokerd.conf->state) >= sizeof(path))
		errno = ENAMETOOLONG;
	else if (mkdir(path, 0700) == 0 || errno == EEXIST)
		dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
		    O_CLOEXEC);
	if (dir == -1 || (fd = fcntl(dir, F_DUPFD_CLOEXEC, 0)) == -1 ||
	    (d = fdopendir(fd)) == NULL) {
		(void)snprintf(why, len, "%s: %s", path, strerror(errno));
		return (-1);
	}
	while ((e = readdir(d)) != NULL)
		ledgers_old(e->d_name);
	closedir(d);
	return (0);
}

/*
 * One that a brokerd before us left.  A worker's mapping keeps the lock that we
 * take at the making; one whose parent was killed ends by itself, unless it
 * was stopped.
 */
static void
ledgers_old(const char *name)
{
	struct stat	 st;
	uint64_t	 instance;
	int		 fd;

	if (ledgers_instance(name, &instance) == -1)
		return;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    npages == LEDGERS_MAX || state_lock(fd, LOCK_TRIES) == -1) {
		log_warnx("ledger %s: %s: left for the next start", name,
		    npages == LEDGERS_MAX ? "too many" : strerror(errno));
		if (fd != -1)
			close(fd);
		return;
	}
	log_info("ledger %s: of a worker of a brokerd before this one", name);
	ledgers_keep(instance, fd);
}

static int
ledgers_file(uint64_t instance)
{
	char	 name[NAME_SIZE];
	int	 fd;

	ledgers_name(instance, name);
	fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return (-1);
	if (flock(fd, LOCK_EX | LOCK_NB) == -1 ||
	    ledger_format(fd, instance) == -1) {
		(void)unlinkat(dir, name, 0);
		close(fd);
		return (-1);
	}
	return (fd);
}

/* On a full disk traffic goes on; then only we keep it. */
int
ledgers_create(uint64_t instance)
{
	int	 fd;

	if ((fd = ledgers_file(instance)) != -1)
		return (fd);
	log_warn("ledger of a worker in %s/ledger: what it counts will not "
	    "outlive this process", brokerd.conf->state);
	return (ledger_create(instance));
}

static void
ledgers_keep(uint64_t instance, int fd)
{
	struct page	*p;

	if ((p = malloc(sizeof(*p))) == NULL)
		fatal("ledger");
	p->instance = instance;
	p->fd = fd;
	TAILQ_INSERT_TAIL(&pages, p, entry);
	npages++;
}

static void
ledgers_free(struct page *p)
{
	TAILQ_REMOVE(&pages, p, entry);
	close(p->fd);
	free(p);
	npages--;
}

/* Of more than we may hold the oldest wait for the next start, as files. */
void
ledgers_add(uint64_t instance, int fd)
{
	struct child	*logd = start_first(PROC_LOGD);

	if (npages == LEDGERS_MAX) {
		log_warnx("logd takes no ledgers: %016" PRIx64 " is left for "
		    "the next start, if it is a file",
		    TAILQ_FIRST(&pages)->instance);
		ledgers_free(TAILQ_FIRST(&pages));
	}
	ledgers_keep(instance, fd);
	if (logd->state >= CHILD_START && logd->link != NULL)
		ledgers_show(logd, TAILQ_LAST(&pages, pages));
}

static void
ledgers_show(struct child *logd, const struct page *p)
{
	struct msg_file	 m;
	int		 fd;

	if ((fd = fcntl(p->fd, F_DUPFD_CLOEXEC, 0)) == -1)
		fatal("ledger");
	memset(&m, 0, sizeof(m));
	m.kind = FILE_LEDGER;
	m.instance = p->instance;
	(void)link_send(logd->link, MSG_FILE, &m, fd);
}

void
ledgers_send(struct child *logd)
{
	struct page	*p;

	TAILQ_FOREACH(p, &pages, entry)
		ledgers_show(logd, p);
}

/* One that we could not hold any more is known to the next logd as well. */
void
ledgers_taken(uint64_t instance)
{
	struct page	*p;
	char		 name[NAME_SIZE];

	TAILQ_FOREACH(p, &pages, entry) {
		if (p->instance == instance)
			break;
	}
	if (p == NULL)
		return;
	ledgers_free(p);
	ledgers_name(instance, name);
	if (unlinkat(dir, name, 0) == -1 && errno != ENOENT)
		log_warn("%s/ledger/%s", brokerd.conf->state, name);
}
