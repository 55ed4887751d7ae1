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
#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "brokerd.h"

/*
 * Lines go to stderr with -d; otherwise to syslog(3), and until the daemon is
 * up to stderr too, where whoever started it is looking.
 */
static int	 detached;
static int	 stamped;		/* stderr has nobody to add the time */
static int	 waiting = -1;		/* pipe to the process that waits */
static int	 manager = -1;		/* the service manager's socket */

static void	manager_open(void);
static void	manager_tell(const char *);
static void	stderr_line(const char *);

void
textlog_open(void)
{
	stamped = brokerd.debug && getenv("JOURNAL_STREAM") == NULL;
	if (!brokerd.debug)
		openlog("brokerd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	log_sink(textlog_sink);
	manager_open();
}

/* Unlike log_init(), tzset(3) would be of no use: the time is in UTC. */
static void
stderr_line(const char *line)
{
	char		 stamp[32] = "";
	time_t		 now = time(NULL);
	struct tm	*tm;

	if (stamped && (tm = gmtime(&now)) != NULL)
		(void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ ",
		    tm);
	fprintf(stderr, "%s%s%s\n", stamp, brokerd.debug ? "" : "brokerd: ",
	    line);
}

void
textlog_sink(int priority, const char *line)
{
	if (brokerd.debug) {
		stderr_line(line);
		return;
	}
	syslog(priority, "%s", line);
	if (!detached && priority <= LOG_WARNING)
		stderr_line(line);
}

void
textlog_daemon(void)
{
	int	 fds[2];
	char	 ch;

	if (pipe(fds) == -1 || fcntl(fds[1], F_SETFD, FD_CLOEXEC) == -1)
		err(1, "pipe");
	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		close(fds[0]);
		waiting = fds[1];
		if (setsid() == -1 || chdir("/") == -1)
			err(1, "cannot become a daemon");
		return;
	}
	close(fds[1]);
	_exit(read(fds[0], &ch, 1) == 1 ? 0 : 1);
}

void
textlog_detach(void)
{
	int	 fd;

	manager_tell("READY=1\n");
	detached = 1;
	if (waiting == -1)
		return;
	if ((fd = open("/dev/null", O_RDWR)) == -1 || dup2(fd, 0) == -1 ||
	    dup2(fd, 1) == -1 || dup2(fd, 2) == -1)
		fatal("/dev/null");
	if (fd > 2)
		close(fd);
	if (write(waiting, "", 1) == -1)
		log_warn("nobody waits for this start");
	close(waiting);
	waiting = -1;
}

void
textlog_stopping(void)
{
	manager_tell("STOPPING=1\n");
}

/*
 * The protocol of sd_notify(3): datagrams to a socket named in the
 * environment, which may be an abstract one.
 */
static void
manager_open(void)
{
	struct sockaddr_un	 sun;
	const char		*path = getenv("NOTIFY_SOCKET");
	size_t			 len;

	if (path == NULL || (*path != '/' && *path != '@'))
		return;
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if ((len = strlen(path)) >= sizeof(sun.sun_path)) {
		log_warnx("NOTIFY_SOCKET: name too long");
		return;
	}
	memcpy(sun.sun_path, path, len);
	if (*path == '@')
		sun.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (manager == -1 || connect(manager, (struct sockaddr *)&sun,
	    offsetof(struct sockaddr_un, sun_path) + len) == -1) {
		log_warn("%s", path);
		if (manager != -1)
			close(manager);
		manager = -1;
	}
	(void)unsetenv("NOTIFY_SOCKET");
}

static void
manager_tell(const char *what)
{
	if (manager != -1 && send(manager, what, strlen(what), 0) == -1)
		log_warn("service manager");
}
