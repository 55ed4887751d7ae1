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

#include <netinet/in.h>
#include <arpa/inet.h>

#include <stdio.h>
#include <string.h>

#include "conf.h"

static void	 print_text(FILE *, const char *, const char *);
static void	 print_duration(FILE *, const char *, int64_t);
static void	 print_size(FILE *, const char *, int64_t);
static void	 print_process(FILE *, const struct conf *);
static void	 print_listeners(FILE *, const struct conf *,
		    enum listener_kind);
static void	 print_nets(FILE *, const struct conf_nets *);
static void	 print_upstream(FILE *, const struct conf_upstream *);
static void	 print_log(FILE *, const struct conf_log *);

/* One setting a line, so that two outputs can be compared with diff(1). */
void
print_conf(FILE *fp, const struct conf *conf)
{
	print_process(fp, conf);
	print_listeners(fp, conf, LISTENER_PROXY);
	print_listeners(fp, conf, LISTENER_API);
	print_listeners(fp, conf, LISTENER_METRICS);
	print_nets(fp, &conf->nets);
	print_upstream(fp, &conf->upstream);
	fprintf(fp, "http headers %d\n", conf->http.headers_max);
	print_size(fp, "http header size", conf->http.header_size);
	print_size(fp, "http request line", conf->http.line_max);
	print_log(fp, &conf->log);
	/* The only profile as long as there are no rate limits. */
	fprintf(fp, "limit profile off\n");
}

static void
print_process(FILE *fp, const struct conf *conf)
{
	print_text(fp, "state", conf->state);
	fprintf(fp, "\n");
	print_text(fp, "socket", conf->socket);
	if (conf->socket_group != NULL)
		print_text(fp, " group", conf->socket_group);
	fprintf(fp, " mode %04o\n", (unsigned int)conf->socket_mode);
	print_text(fp, "user", conf->user);
	print_text(fp, " keyd", conf->user_keyd);
	print_text(fp, " logd", conf->user_logd);
	fprintf(fp, "\n");
	fprintf(fp, "workers proxy %d\n", conf->workers_proxy);
	fprintf(fp, "workers mitm %d\n", conf->workers_mitm);
	fprintf(fp, "sandbox %s\n", conf->sandbox_required ? "required" :
	    "optional");
	print_text(fp, "master key file", conf->master_key);
	fprintf(fp, "\n");
}

static void
print_listeners(FILE *fp, const struct conf *conf, enum listener_kind kind)
{
	const struct conf_listener	*l;
	const char			*name;
	struct sockaddr_in		 sin;
	struct sockaddr_in6		 sin6;
	char				 addr[INET6_ADDRSTRLEN];
	int				 n = 0, port;

	name = kind == LISTENER_PROXY ? "proxy" : kind == LISTENER_API ?
	    "api" : "metrics";
	TAILQ_FOREACH(l, &conf->listeners, entry) {
		if (l->kind != kind)
			continue;
		if (l->ss.ss_family == AF_INET) {
			memcpy(&sin, &l->ss, sizeof(sin));
			inet_ntop(AF_INET, &sin.sin_addr, addr, sizeof(addr));
			port = ntohs(sin.sin_port);
		} else {
			memcpy(&sin6, &l->ss, sizeof(sin6));
			inet_ntop(AF_INET6, &sin6.sin6_addr, addr,
			    sizeof(addr));
			port = ntohs(sin6.sin6_port);
		}
		fprintf(fp, "listen %s on %s port %d\n", name, addr, port);
		n++;
	}
	if (n == 0 && kind == LISTENER_API)
		fprintf(fp, "listen api none\n");
}

static void
print_nets(FILE *fp, const struct conf_nets *nets)
{
	const struct conf_net	*net;
	char			 addr[INET6_ADDRSTRLEN];

	TAILQ_FOREACH(net, nets, entry) {
		inet_ntop(net->family, net->addr, addr, sizeof(addr));
		fprintf(fp, "network allow %s/%d\n", addr, net->prefixlen);
	}
}

static void
print_upstream(FILE *fp, const struct conf_upstream *up)
{
	const struct conf_ca	*ca;

	TAILQ_FOREACH(ca, &up->cas, entry) {
		print_text(fp, up->ca_only ? "upstream ca only" :
		    "upstream ca", ca->path);
		fprintf(fp, "\n");
	}
	print_duration(fp, "upstream dial", up->dial_ms);
	print_duration(fp, "upstream handshake", up->handshake_ms);
	print_duration(fp, "upstream head", up->head_ms);
	print_duration(fp, "upstream idle", up->idle_ms);
}

static void
print_log(FILE *fp, const struct conf_log *log)
{
	fprintf(fp, "log mode %s\n", log->strict ? "strict" : "available");
	print_duration(fp, "log flush", log->flush_ms);
	fprintf(fp, "log batch %d\n", log->batch);
	print_duration(fp, "log retain", log->retain_age * 1000);
	fprintf(fp, "log retain rows %lld\n", (long long)log->retain_rows);
	print_duration(fp, "log retain audit", log->retain_audit * 1000);
	print_size(fp, "log reserve", log->reserve);
	fprintf(fp, "log path %s\n", path_mode_name(log->path));
	if (log->lock)
		fprintf(fp, "log retention lock\n");
	/* Not of the file, but what is in force. */
	if (log->force_age != CONF_NOT_FORCED)
		print_duration(fp, "# environment or -o: log retain",
		    log->force_age * 1000);
	if (log->force_rows != CONF_NOT_FORCED)
		fprintf(fp, "# environment or -o: log retain rows %lld\n",
		    (long long)log->force_rows);
}

/* Quoted for the lexer, which knows these two escapes. */
static void
print_text(FILE *fp, const char *keyword, const char *text)
{
	fprintf(fp, "%s \"", keyword);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', fp);
		fputc(*text, fp);
	}
	fputc('"', fp);
}

static void
print_duration(FILE *fp, const char *keyword, int64_t ms)
{
	char	 buf[CONF_FMT_LEN];

	confval_fmt_duration(ms, buf);
	fprintf(fp, "%s %s\n", keyword, buf);
}

static void
print_size(FILE *fp, const char *keyword, int64_t bytes)
{
	char	 buf[CONF_FMT_LEN];

	confval_fmt_size(bytes, buf);
	fprintf(fp, "%s %s\n", keyword, buf);
}
