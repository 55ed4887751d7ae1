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

#ifndef CONF_H
#define CONF_H

/*
 * The configuration, brokerd.conf(5).  Only the parent reads the file; what
 * a child needs of it travels over the child's link.
 */

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <stdint.h>
#include <stdio.h>

#include "codes.h"

/* Bounds, which brokerd.conf(5) documents. */
#define CONF_WORKERS_MAX	64
#define CONF_LISTENERS_MAX	32
#define CONF_NETS_MAX		256
#define CONF_CAS_MAX		8
#define CONF_PATH_MAX		1024	/* with its NUL */
#define CONF_NAME_MAX		33	/* a user or a group, with its NUL */

#define CONF_HOURS_MAX		87600	/* ten years */
#define CONF_ROWS_MAX		1000000000LL

#define CONF_NOT_FORCED		(-1)

/*
 * An address to listen on.  A listener on an IPv6 address must be opened
 * with IPV6_V6ONLY: "*" makes one entry for each address family.
 */
struct conf_listener {
	TAILQ_ENTRY(conf_listener)	 entry;
	enum listener_kind		 kind;
	struct sockaddr_storage		 ss;
	socklen_t			 sslen;
};
TAILQ_HEAD(conf_listeners, conf_listener);

/* A network of "network allow"; no bit is set behind its prefix. */
struct conf_net {
	TAILQ_ENTRY(conf_net)	 entry;
	int			 family;	/* AF_INET or AF_INET6 */
	int			 prefixlen;
	uint8_t			 addr[16];	/* network order */
};
TAILQ_HEAD(conf_nets, conf_net);

struct conf_ca {
	TAILQ_ENTRY(conf_ca)	 entry;
	char			*path;
};
TAILQ_HEAD(conf_cas, conf_ca);

struct conf_log {
	int			 strict;
	enum path_mode	 path;
	int			 flush_ms;
	int			 batch;		/* rows */
	int64_t			 retain_age;	/* seconds, 0: no limit */
	int64_t			 retain_rows;	/* a vault's, 0: no limit */
	int64_t			 retain_audit;	/* seconds, 0: no limit */
	int64_t			 reserve;	/* bytes */
	/* From the environment and -o: above the owner's setting too. */
	enum value_source	 age_from;	/* of these two */
	enum value_source	 rows_from;
	int			 lock;		/* the owner's do not count */
	int64_t			 force_age;	/* or CONF_NOT_FORCED */
	int64_t			 force_rows;	/* or CONF_NOT_FORCED */
	enum value_source	 force_age_from;
	enum value_source	 force_rows_from;
	int			 force_lock;
};

struct conf_http {
	int			 line_max;	/* request line, bytes */
	int			 headers_max;	/* how many */
	int			 header_size;	/* of all of them, bytes */
};

struct conf_upstream {
	struct conf_cas		 cas;
	int			 ca_only;	/* without the system's roots */
	int			 dial_ms;
	int			 handshake_ms;
	int			 head_ms;	/* of a response */
	int			 idle_ms;
};

struct conf {
	char			*state;		/* directory */
	char			*socket;
	char			*socket_group;	/* NULL: leave it */
	mode_t			 socket_mode;
	char			*user;		/* names or numbers; used by */
	char			*user_keyd;	/* root only */
	char			*user_logd;
	char			*master_key;	/* key file */
	int			 workers_proxy;
	int			 workers_mitm;
	int			 sandbox_required;
	struct conf_listeners	 listeners;
	int			 no_default[2];	/* of proxy, api: its errno */
	struct conf_nets	 nets;
	struct conf_upstream	 upstream;
	struct conf_http	 http;
	struct conf_log		 log;
};

/* conf.c */

/*
 * A configuration without listeners and with every other setting that does
 * not depend on the caller at its default.  NULL with errno set.
 */
struct conf	*conf_new(void);
void		 conf_free(struct conf *);

/*
 * Fill in what the file left open: the default listeners for each kind that
 * is 0 in the bit mask `mentioned' (1 << enum listener_kind), and the places.
 * With a uid of 0 these are configure's; an ordinary user gets
 * $XDG_STATE_HOME/brokerd or ~/.local/state/brokerd and, in the state
 * directory, brokerd.sock (mode 0600) and master.key.  0, or -1 when out of
 * memory.  A place that cannot be told stays NULL, for conf_check().
 */
int		 conf_finish(struct conf *, uid_t, unsigned int);

/*
 * The rules between the settings.  Each broken one is reported with
 * conf_report(), after `name' and ": ".  Returns how many are broken.
 */
int		 conf_check(const struct conf *, const char *);

/* Append a copy; 0, or -1 with errno set (EEXIST: there is one like it). */
int		 conf_add_listener(struct conf *, const struct conf_listener *);
int		 conf_add_net(struct conf *, const struct conf_net *);
int		 conf_add_ca(struct conf *, const char *);

/*
 * Where messages about the configuration go, a line without its newline;
 * NULL is standard error, as it is at first.  A daemon that reloads sets its
 * text log here.
 */
void		 conf_set_report(void (*)(const char *));
void		 conf_report(const char *, ...)
		    __attribute__((__format__(printf, 1, 2)));

/* confdiff.c */

#define CONF_RESTART_MAX	8

/*
 * The settings that differ between a running configuration and a new one
 * and that only a restart can apply: their names, in the order of the
 * manual, go to `names'; the result is their number.
 */
int		 conf_diff_restart(const struct conf *, const struct conf *,
		    const char *[CONF_RESTART_MAX]);

/*
 * Make the new configuration (first) agree with the running one in exactly
 * those settings, so that the rest of it can be applied.  0, or -1 when out
 * of memory (the new configuration is then good for conf_free() only).
 */
int		 conf_keep_restart(struct conf *, const struct conf *);

/* confopt.c */

/*
 * Overrides of the log's retention, applied after the file and in this
 * order: the environment (BROKERD_LOGS_*), then "-o key=value".  0, or -1
 * after the reason was reported.
 */
int		 conf_environ(struct conf *);
int		 conf_option(struct conf *, const char *);

/*
 * The three users by name or number: of the workers, of keyd and of logd.  A
 * number without an entry in passwd(5) stands for the group of the same
 * number too.  They must be three and not root.  0, or -1 after a report.
 * Only a parent that runs as root needs them.
 */
#define CONF_IDS	3
#define CONF_ID_WORKER	0
#define CONF_ID_KEYD	1
#define CONF_ID_LOGD	2

struct conf_id {
	uid_t	 uid;
	gid_t	 gid;
};

int		 conf_ids(const struct conf *, struct conf_id [CONF_IDS]);

/* The group of the socket, by name or number: 0, or -1 after a report. */
int		 conf_group(const char *, gid_t *);

/* confval.c: each returns NULL, or what is wrong with the text */

#define CONF_FMT_LEN	32	/* for the confval_fmt functions */

const char	*confval_duration(const char *, int64_t *);	/* in ms */
const char	*confval_size(const char *, int64_t *);		/* in bytes */
const char	*confval_hours(const char *, int64_t *);	/* in seconds */
const char	*confval_path(const char *);
const char	*confval_name(const char *);
const char	*confval_mode(const char *, mode_t *);
const char	*confval_port(const char *, in_port_t *);
const char	*confval_listen(const char *, in_port_t,
		    struct conf_listener *);	/* not for "*" */
const char	*confval_net(const char *, struct conf_net *);
void		 confval_fmt_duration(int64_t, char [CONF_FMT_LEN]);
void		 confval_fmt_size(int64_t, char [CONF_FMT_LEN]);

/* printconf.c */

/* Every setting, in the file's language: parsing it gives the same again. */
void		 print_conf(FILE *, const struct conf *);

/* parse.y */

/*
 * Parse a file, or with NULL take the defaults alone; finish and check it.
 * All errors are reported; then the result is NULL.  The second form reads
 * from memory, calls it `name' and refuses "include".
 */
struct conf	*parse_config(const char *);
struct conf	*parse_buffer(const char *, size_t, const char *);

/*
 * Define a macro from "name=value"; it outlives the parsing and is stronger
 * than one of the file.  0, or -1 if the text is not such.
 */
int		 cmdline_symset(const char *);

#endif /* CONF_H */
