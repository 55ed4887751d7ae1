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

#include <arpa/inet.h>
#include <netinet/in.h>

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "service.h"

struct reason {
	char	*buf;
	size_t	 len;
};

static int	bad(struct reason *, const char *, ...)
		    __attribute__((__format__(printf, 2, 3)));
static int	is_ip(const char *, size_t, char *, size_t);
static int	is_name(const char *, size_t);
static int	split_host(const char *, const char **, size_t *, long *,
		    const char **);
static int	check_name(struct service_form *, const char *,
		    struct reason *);
static int	check_host(struct service_form *,
		    const struct rec_obj_service *, struct reason *);
static int	check_path(struct service_form *, const char *,
		    struct reason *);
static int	path_segments_ok(const char *);
static int	check_methods(struct service_form *, const char *,
		    struct reason *);
static int	check_flags(struct service_form *,
		    const struct rec_obj_service *, struct reason *);
static int	check_auth(struct service_form *,
		    const struct rec_obj_service *, struct reason *);
static int	check_key(const char *, const char *, char *,
		    struct reason *);
static int	check_header_name(const char *, size_t, struct reason *);
static int	check_custom(struct service_form *, const char *,
		    struct reason *);
static int	check_template(const struct service_piece *,
		    const struct service_piece *, struct reason *);
static int	check_size(const struct rec_obj_service *, struct reason *);
static int	same_host(const struct rec_obj_service *,
		    const struct rec_obj_service *);
static int	keys_add(char (*)[SERVICE_KEY_MAX + 1], size_t, size_t *,
		    const char *, size_t);

static int
bad(struct reason *r, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	(void)vsnprintf(r->buf, r->len, fmt, ap);
	va_end(ap);
	return (-1);
}

int
service_valid_key(const char *s, size_t len)
{
	size_t	 i;

	if (len == 0 || len > SERVICE_KEY_MAX || s[0] < 'A' || s[0] > 'Z')
		return (0);
	for (i = 1; i < len; i++) {
		if (!(s[i] >= 'A' && s[i] <= 'Z') &&
		    !(s[i] >= '0' && s[i] <= '9') && s[i] != '_')
			return (0);
	}
	return (1);
}

int
service_valid_slug(const char *s)
{
	size_t	 len = strlen(s);

	return (len >= 3 && len <= 64 &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
	    s[0] != '-' && s[len - 1] != '-' && strstr(s, "--") == NULL);
}

int
service_header_safe(const char *s, size_t len)
{
	size_t	 i;

	for (i = 0; i < len; i++) {
		if (((unsigned char)s[i] < ' ' && s[i] != '\t') ||
		    s[i] == 0x7f)
			return (0);
	}
	return (1);
}

/*
 * Hosts.
 */

static int
is_ip(const char *s, size_t len, char *out, size_t size)
{
	uint8_t	 ip[16];
	char	 buf[INET6_ADDRSTRLEN];
	int	 af = AF_INET;

	if (len >= sizeof(buf))
		return (0);
	memcpy(buf, s, len);
	buf[len] = '\0';
	if (inet_pton(AF_INET, buf, ip) != 1) {
		af = AF_INET6;
		if (inet_pton(AF_INET6, buf, ip) != 1)
			return (0);
	}
	return (inet_ntop(af, ip, out, size) != NULL);
}

/*
 * A DNS name of letters, digits and hyphens whose last label begins with a
 * letter: a number there would be an address to some resolvers.
 */
static int
is_name(const char *s, size_t len)
{
	size_t	 i, start = 0;

	if (len == 0 || len > 253)
		return (0);
	for (i = 0; i <= len; i++) {
		if (i < len && s[i] != '.') {
			if (!isalnum((unsigned char)s[i]) && s[i] != '-')
				return (0);
			continue;
		}
		if (i == start || i - start > 63 || s[start] == '-' ||
		    s[i - 1] == '-')
			return (0);
		if (i < len)
			start = i + 1;
	}
	return (isalpha((unsigned char)s[start]) && len - start >= 2);
}

int
service_host(const char *s, size_t len, int wildcard, char *out, size_t size)
{
	const char	*name;
	size_t		 i, n;
	int		 local;

	if (len > 0 && is_ip(s, len, out, size))
		return (0);
	if (len > 0 && s[len - 1] == '.')
		len--;
	if (len == 0 || len >= size)
		return (-1);
	name = s;
	n = len;
	if (wildcard && len > 2 && s[0] == '*' && s[1] == '.') {
		name += 2;
		n -= 2;
	}
	local = n == 9 && strncasecmp(name, "localhost", n) == 0;
	if (!is_name(name, n) || (!local && memchr(name, '.', n) == NULL))
		return (-1);
	for (i = 0; i < len; i++)
		out[i] = tolower((unsigned char)s[i]);
	out[len] = '\0';
	return (0);
}

/*
 * Take host[:port][/path] apart.  *port is -1 when there is none, -2 when it
 * is no number.
 */
static int
split_host(const char *s, const char **host, size_t *len, long *port,
    const char **path)
{
	const char	*end, *colon, *e;

	*port = -1;
	*path = strchr(s, '/');
	end = *path != NULL ? *path : s + strlen(s);
	*host = s;
	*len = end - s;
	if (*s == '[') {
		if ((e = memchr(s, ']', end - s)) == NULL)
			return (-1);
		*host = s + 1;
		*len = e - s - 1;
		if (e + 1 == end)
			return (0);
		colon = e + 1;
		if (*colon != ':')
			return (-1);
	} else {
		colon = memchr(s, ':', end - s);
		if (colon == NULL || memchr(colon + 1, ':',
		    end - colon - 1) != NULL)
			return (0);	/* none, or a bare IPv6 address */
		*len = colon - s;
	}
	*port = -2;
	if (end - colon > 1 && end - colon <= 8 &&
	    strspn(colon + 1, "0123456789") == (size_t)(end - colon - 1))
		*port = strtol(colon + 1, NULL, 10);
	return (0);
}

static int
check_host(struct service_form *f, const struct rec_obj_service *in,
    struct reason *r)
{
	const char	*host, *path;
	size_t		 len;
	long		 port;

	if (*in->host == '\0')
		return (bad(r, "host is required"));
	if (split_host(in->host, &host, &len, &port, &path) == -1 ||
	    port == -2)
		return (bad(r, "host \"%s\" is not host[:port][/path]",
		    in->host));
	if (port != -1 && (port < 1 || port > 65535))
		return (bad(r, "port %ld is not between 1 and 65535", port));
	if ((port != -1 && in->port != 0) || (path != NULL && *in->path != 0))
		return (bad(r, "host \"%s\" names a port or path that is "
		    "also given by itself", in->host));
	if (len == 1 && *host == '*')
		return (bad(r, "host \"*\": a wildcard needs a domain, such "
		    "as *.example.com"));
	if (service_host(host, len, 1, f->host, sizeof(f->host)) == -1)
		return (bad(r, "host \"%.*s\" is not a host name, an address, "
		    "or a wildcard such as *.example.com", (int)len, host));
	f->o.port = port != -1 ? port : in->port;
	return (check_path(f, path != NULL ? path : in->path, r));
}

static int
same_host(const struct rec_obj_service *a, const struct rec_obj_service *b)
{
	return (a->port == b->port && strcmp(a->host, b->host) == 0 &&
	    strcmp(a->path, b->path) == 0);
}

/*
 * Paths.
 */

/*
 * A pattern is compared with normalised paths, so a dot segment or an escape
 * of an unreserved character in it could never match.
 */
static int
path_segments_ok(const char *path)
{
	const char	*p, *q;
	size_t		 len;
	int		 c;

	for (p = path; *p != '\0'; p = q) {
		q = p + 1 + strcspn(p + 1, "/");
		len = q - p - 1;
		if ((len == 1 && p[1] == '.') ||
		    (len == 2 && p[1] == '.' && p[2] == '.'))
			return (0);
	}
	for (p = path; (p = strchr(p, '%')) != NULL; p++) {
		if (!isxdigit((unsigned char)p[1]) ||
		    !isxdigit((unsigned char)p[2]) ||
		    islower((unsigned char)p[1]) ||
		    islower((unsigned char)p[2]))
			return (0);
		c = (p[1] <= '9' ? p[1] - '0' : p[1] - 'A' + 10) * 16 +
		    (p[2] <= '9' ? p[2] - '0' : p[2] - 'A' + 10);
		if (c < ' ' || c == '/' || c == '\\' || c == 0x7f ||
		    (c < 0x80 && (isalnum(c) || strchr("-._~", c) != NULL)))
			return (0);
	}
	return (1);
}

static int
check_path(struct service_form *f, const char *path, struct reason *r)
{
	const char	*p;

	if (*path == '\0')
		return (0);
	if (*path != '/')
		return (bad(r, "path \"%.64s\" must start with \"/\"", path));
	if (strlen(path) > SERVICE_PATH_MAX)
		return (bad(r, "path is longer than %d characters",
		    SERVICE_PATH_MAX));
	for (p = path; *p != '\0'; p++) {
		if (*p <= ' ' || *p >= 0x7f ||
		    strchr("?#[]\\|<>\"", *p) != NULL)
			return (bad(r, "path \"%s\" holds a character that "
			    "no path may have", path));
	}
	if (strstr(path, "**") != NULL)
		return (bad(r, "path \"%s\" must not hold \"**\": one * "
		    "crosses slashes", path));
	if (!path_segments_ok(path))
		return (bad(r, "path \"%s\" holds a dot segment or an escape "
		    "that no normalised path has", path));
	(void)strlcpy(f->path, path, sizeof(f->path));
	return (0);
}

/*
 * Names, methods, flags.
 */

static int
check_name(struct service_form *f, const char *name, struct reason *r)
{
	if (*name != '\0' && !service_valid_slug(name))
		return (bad(r, "name \"%.64s\" is not 3 to 64 of a-z, 0-9 and "
		    "single hyphens inside", name));
	(void)strlcpy(f->name, name, sizeof(f->name));
	return (0);
}

static int
check_methods(struct service_form *f, const char *s, struct reason *r)
{
	size_t	 len, off = 0, n;
	char	 word[36], list[520];

	while (*s != '\0') {
		len = strcspn(s, ",");
		if (len == 0 || len > 32 ||
		    strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != len)
			return (bad(r, "methods: \"%.*s\" is not a method in "
			    "upper case", (int)(len > 32 ? 32 : len), s));
		(void)snprintf(word, sizeof(word), ",%.*s,", (int)len, s);
		(void)snprintf(list, sizeof(list), ",%s,", f->methods);
		if (strstr(list, word) != NULL)
			return (bad(r, "methods: \"%.*s\" comes twice",
			    (int)len, s));
		n = snprintf(f->methods + off, sizeof(f->methods) - off,
		    "%s%.*s", off == 0 ? "" : ",", (int)len, s);
		if (n >= sizeof(f->methods) - off)
			return (bad(r, "methods: too many"));
		off += n;
		s += len;
		if (*s == ',' && *++s == '\0')
			return (bad(r, "methods: an empty one"));
	}
	return (0);
}

static int
check_flags(struct service_form *f, const struct rec_obj_service *in,
    struct reason *r)
{
	if (in->enabled > 1 || in->plaintext > 1 ||
	    in->path_mode >= PATH_MODE_MAX || in->auth_type >= AUTH_TYPE_MAX)
		return (bad(r, "a value is out of range"));
	f->o.enabled = in->enabled;
	f->o.plaintext = in->plaintext;
	f->o.path_mode = in->path_mode;
	f->o.auth_type = in->auth_type;
	return (0);
}

/*
 * Authentication.
 */

static int
check_key(const char *field, const char *key, char *out, struct reason *r)
{
	if (*key == '\0')
		return (bad(r, "auth: \"%s\" is required", field));
	if (!service_valid_key(key, strlen(key)))
		return (bad(r, "auth: %s \"%.64s\" is not the name of a "
		    "credential, such as STRIPE_KEY", field, key));
	(void)strlcpy(out, key, SERVICE_KEY_MAX + 1);
	return (0);
}

/*
 * A service must not be able to change how a message is framed, where it
 * goes, or what the broker itself says.
 */
static int
check_header_name(const char *s, size_t len, struct reason *r)
{
	static const char *const	 never[] = {
		"host", "content-length", "transfer-encoding", "connection",
		"keep-alive", "te", "trailer", "upgrade", "expect", "x-vault"
	};
	size_t				 i;

	if (len == 0 || len > 256)
		return (bad(r, "auth: a header needs a name of at most 256 "
		    "characters"));
	for (i = 0; i < len; i++) {
		if (!isalnum((unsigned char)s[i]) && s[i] != '-')
			return (bad(r, "auth: header name \"%.*s\" may hold "
			    "letters, digits and hyphens only", (int)len, s));
	}
	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		if (strlen(never[i]) == len &&
		    strncasecmp(never[i], s, len) == 0)
			break;
	}
	if (i < sizeof(never) / sizeof(never[0]) ||
	    (len > 6 && strncasecmp(s, "proxy-", 6) == 0))
		return (bad(r, "auth: header \"%.*s\" belongs to the "
		    "connection and cannot be set", (int)len, s));
	return (0);
}

int
service_template_next(const struct service_piece *tpl, size_t *pos,
    struct service_piece *piece)
{
	const char	*s = tpl->text + *pos, *end = tpl->text + tpl->len;
	const char	*open, *close;

	if (s == end)
		return (0);
	open = memmem(s, end - s, "{{", 2);
	if (open != s) {
		piece->key = 0;
		piece->text = s;
		piece->len = (open == NULL ? end : open) - s;
		if (memmem(s, piece->len, "}}", 2) != NULL)
			return (-1);
		*pos += piece->len;
		return (1);
	}
	if ((close = memmem(s + 2, end - s - 2, "}}", 2)) == NULL)
		return (-1);
	*pos += close + 2 - s;
	s += 2;
	while (s < close && *s == ' ')
		s++;
	while (close > s && close[-1] == ' ')
		close--;
	piece->key = 1;
	piece->text = s;
	piece->len = close - s;
	return (1);
}

int
service_header_next(const struct rec_obj_service *o, size_t *pos,
    struct service_piece *name, struct service_piece *tpl)
{
	const char	*s = o->headers + *pos, *colon;
	size_t		 len = strcspn(s, "\n");

	if (*s == '\0')
		return (0);
	colon = memchr(s, ':', len);
	memset(name, 0, sizeof(*name));
	memset(tpl, 0, sizeof(*tpl));
	name->text = s;
	name->len = colon == NULL ? len : (size_t)(colon - s);
	tpl->text = s + len;
	if (colon != NULL) {
		tpl->text = colon + 1;
		if (*tpl->text == ' ')
			tpl->text++;
		tpl->len = s + len - tpl->text;
	}
	*pos += len + (s[len] == '\n');
	return (1);
}

static int
check_template(const struct service_piece *name,
    const struct service_piece *tpl, struct reason *r)
{
	struct service_piece	 piece;
	size_t			 pos = 0, n = 0;
	int			 rc;

	if (tpl->len == 0)
		return (bad(r, "auth: header \"%.*s\" has no value",
		    (int)name->len, name->text));
	if (!service_header_safe(tpl->text, tpl->len))
		return (bad(r, "auth: header \"%.*s\" holds a control "
		    "character", (int)name->len, name->text));
	while ((rc = service_template_next(tpl, &pos, &piece)) == 1) {
		if (piece.key && !service_valid_key(piece.text, piece.len))
			return (bad(r, "auth: \"%.*s\" in header \"%.*s\" is "
			    "not the name of a credential, such as "
			    "STRIPE_KEY",
			    (int)(piece.len > 64 ? 64 : piece.len),
			    piece.text, (int)name->len, name->text));
		if (++n > SERVICE_PIECES_MAX)
			return (bad(r, "auth: too many keys in header "
			    "\"%.*s\"", (int)name->len, name->text));
	}
	if (rc == -1)
		return (bad(r, "auth: braces in header \"%.*s\" that are not "
		    "{{ KEY }}", (int)name->len, name->text));
	return (0);
}

static int
check_custom(struct service_form *f, const char *headers, struct reason *r)
{
	struct service_piece	 name, tpl, name2, tpl2;
	size_t			 pos = 0, pos2, n = 0;

	if (*headers == '\0')
		return (bad(r, "auth: \"headers\" is required"));
	if (strlcpy(f->headers, headers, sizeof(f->headers)) >=
	    sizeof(f->headers))
		return (bad(r, "auth: headers are too long"));
	while (service_header_next(&f->o, &pos, &name, &tpl) == 1) {
		if (++n > SERVICE_HEADERS_MAX)
			return (bad(r, "auth: more than %d headers",
			    SERVICE_HEADERS_MAX));
		if (check_header_name(name.text, name.len, r) == -1 ||
		    check_template(&name, &tpl, r) == -1)
			return (-1);
		pos2 = pos;
		while (service_header_next(&f->o, &pos2, &name2, &tpl2) == 1) {
			if (name.len == name2.len && strncasecmp(name.text,
			    name2.text, name.len) == 0)
				return (bad(r, "auth: header \"%.*s\" comes "
				    "twice", (int)name.len, name.text));
		}
	}
	return (0);
}

static int
check_auth(struct service_form *f, const struct rec_obj_service *in,
    struct reason *r)
{
	static const struct {
		const char	*key1, *key2;
		int		 header, headers;
	} types[AUTH_TYPE_MAX] = {
		[AUTH_PASSTHROUGH] =	{ NULL, NULL, 0, 0 },
		[AUTH_BEARER] =		{ "token", NULL, 0, 0 },
		[AUTH_BASIC] =		{ "username", "password", 0, 0 },
		[AUTH_API_KEY] =	{ "key", NULL, 1, 0 },
		[AUTH_CUSTOM] =		{ NULL, NULL, 0, 1 }
	};
	const char	*type = auth_type_name(in->auth_type);

	if ((types[in->auth_type].key1 == NULL && *in->key1 != '\0') ||
	    (types[in->auth_type].key2 == NULL && *in->key2 != '\0') ||
	    (!types[in->auth_type].header &&
	    (*in->header != '\0' || *in->prefix != '\0')) ||
	    (!types[in->auth_type].headers && *in->headers != '\0'))
		return (bad(r, "auth: a field that %s auth does not have",
		    type));
	if (types[in->auth_type].key1 != NULL &&
	    check_key(types[in->auth_type].key1, in->key1, f->key1, r) == -1)
		return (-1);
	if (*in->key2 != '\0' &&
	    check_key(types[in->auth_type].key2, in->key2, f->key2, r) == -1)
		return (-1);
	if (*in->header != '\0' &&
	    check_header_name(in->header, strlen(in->header), r) == -1)
		return (-1);
	if (!service_header_safe(in->prefix, strlen(in->prefix)))
		return (bad(r, "auth: prefix holds a control character"));
	(void)strlcpy(f->header, in->header, sizeof(f->header));
	(void)strlcpy(f->prefix, in->prefix, sizeof(f->prefix));
	if (types[in->auth_type].headers)
		return (check_custom(f, in->headers, r));
	return (0);
}

static int
check_size(const struct rec_obj_service *o, struct reason *r)
{
	char		 keys[SERVICE_HEADERS_MAX][SERVICE_KEY_MAX + 1];
	struct msg_blob	 body;
	size_t		 i, n, len = 0;

	n = service_keys(o, keys, SERVICE_HEADERS_MAX);
	for (i = 0; i < n && i < SERVICE_HEADERS_MAX; i++)
		len += strlen(keys[i]) + 1;
	if (n > SERVICE_HEADERS_MAX || len > SERVICE_KEYS_LEN)
		return (bad(r, "auth: too many credentials in one service"));
	if (rec_to_blob(&desc_obj_service, o, &body) == -1)
		return (bad(r, "it is too large"));
	len = body.len;
	msg_blob_free(&body);
	if (len > SERVICE_SIZE_MAX)
		return (bad(r, "it is larger than %d bytes",
		    SERVICE_SIZE_MAX));
	return (0);
}

int
service_check(const struct rec_obj_service *in, struct service_form *f,
    char *why, size_t len)
{
	struct reason	 r = { why, len };

	memset(f, 0, sizeof(*f));
	f->o.name = f->name;
	f->o.host = f->host;
	f->o.path = f->path;
	f->o.methods = f->methods;
	f->o.key1 = f->key1;
	f->o.key2 = f->key2;
	f->o.header = f->header;
	f->o.prefix = f->prefix;
	f->o.headers = f->headers;
	if (check_name(f, in->name, &r) == -1 ||
	    check_host(f, in, &r) == -1 ||
	    check_methods(f, in->methods, &r) == -1 ||
	    check_flags(f, in, &r) == -1 ||
	    check_auth(f, in, &r) == -1)
		return (-1);
	return (check_size(&f->o, &r));
}

int
service_adopt(struct service_form *f, const struct vault *v)
{
	const struct service	*s;

	TAILQ_FOREACH(s, &v->services, entry) {
		if (same_host(&s->o, &f->o)) {
			(void)strlcpy(f->name, s->o.name, sizeof(f->name));
			return (0);
		}
	}
	return (-1);
}

/*
 * How many can match one host: those that name it and the wildcards above
 * it.  A host that none names matches wildcards of one domain only.
 */
int
service_list_check(const struct rec_obj_service *const *list, size_t n,
    char *why, size_t len)
{
	struct reason	 r = { why, len };
	const char	*dot;
	size_t		 i, j, rules;

	if (n > STATE_SERVICES_MAX)
		return (bad(&r, "a vault holds at most %d services",
		    STATE_SERVICES_MAX));
	for (i = 0; i < n; i++) {
		dot = strchr(list[i]->host, '.');
		for (rules = 0, j = 0; j < n; j++) {
			if (j != i && strcmp(list[i]->name,
			    list[j]->name) == 0)
				return (bad(&r, "the name \"%s\" comes twice",
				    list[i]->name));
			if (strcmp(list[i]->host, list[j]->host) == 0 ||
			    (dot != NULL && list[j]->host[0] == '*' &&
			    strcmp(dot, list[j]->host + 1) == 0))
				rules++;
		}
		if (rules > SERVICE_RULES_MAX)
			return (bad(&r, "more than %d services for host "
			    "\"%s\"", SERVICE_RULES_MAX, list[i]->host));
	}
	return (0);
}

void
service_join(const struct rec_obj_service *o, char *buf, size_t size)
{
	char	 port[8] = "";
	int	 v6 = strchr(o->host, ':') != NULL;

	if (o->port != 0)
		(void)snprintf(port, sizeof(port), ":%u", o->port);
	(void)snprintf(buf, size, "%s%s%s%s%s", v6 ? "[" : "", o->host,
	    v6 ? "]" : "", port, o->path);
}

static int
keys_add(char (*keys)[SERVICE_KEY_MAX + 1], size_t max, size_t *n,
    const char *s, size_t len)
{
	size_t	 i;

	if (len == 0 || len > SERVICE_KEY_MAX)
		return (0);
	for (i = 0; i < *n && i < max; i++) {
		if (strncmp(keys[i], s, len) == 0 && keys[i][len] == '\0')
			return (0);
	}
	if (*n < max) {
		memcpy(keys[*n], s, len);
		keys[*n][len] = '\0';
	}
	(*n)++;
	return (1);
}

size_t
service_keys(const struct rec_obj_service *o,
    char (*keys)[SERVICE_KEY_MAX + 1], size_t max)
{
	struct service_piece	 name, tpl, piece;
	size_t			 n = 0, pos = 0, tpos;

	keys_add(keys, max, &n, o->key1, strlen(o->key1));
	keys_add(keys, max, &n, o->key2, strlen(o->key2));
	while (service_header_next(o, &pos, &name, &tpl) == 1) {
		tpos = 0;
		while (service_template_next(&tpl, &tpos, &piece) == 1) {
			if (piece.key)
				keys_add(keys, max, &n, piece.text,
				    piece.len);
		}
	}
	return (n);
}

int
service_uses(const struct rec_obj_service *o, const char *key)
{
	char	 keys[SERVICE_HEADERS_MAX][SERVICE_KEY_MAX + 1];
	size_t	 i, n;

	n = service_keys(o, keys, SERVICE_HEADERS_MAX);
	for (i = 0; i < n && i < SERVICE_HEADERS_MAX; i++) {
		if (strcmp(keys[i], key) == 0)
			return (1);
	}
	return (0);
}
