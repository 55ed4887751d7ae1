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

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"

/* From the largest, as the printing wants it. */
static const struct unit {
	const char	*name;
	int64_t		 factor;
} durations[] = {
	{ "d",	86400000 },
	{ "h",	3600000 },
	{ "m",	60000 },
	{ "s",	1000 },
	{ "ms",	1 },
	{ NULL,	0 }
}, sizes[] = {
	{ "G",	1 << 30 },
	{ "M",	1 << 20 },
	{ "K",	1 << 10 },
	{ "",	1 },
	{ NULL,	0 }
};

static const char	*val_unit(const char *, const struct unit *,
			    int64_t *);
static void		 val_fmt(int64_t, const struct unit *,
			    char [CONF_FMT_LEN]);
static const char	*val_listen6(const char *, in_port_t,
			    struct conf_listener *);
static int		 val_hostbits(const struct conf_net *);
static int		 val_within(const struct conf_net *, const char *,
			    int);
static const char	*val_net_allowed(const struct conf_net *);

/*
 * Digits and one of the units.  Eighteen digits are less than 2^63, and the
 * product is checked.
 */
static const char *
val_unit(const char *s, const struct unit *units, int64_t *res)
{
	const struct unit	*u;
	const char		*errstr;
	char			 digits[19];
	size_t			 len;
	int64_t			 n;

	len = strspn(s, "0123456789");
	if (len == 0)
		return ("is not a number with a unit");
	if (len >= sizeof(digits))
		return ("is too large");
	memcpy(digits, s, len);
	digits[len] = '\0';
	n = strtonum(digits, 0, INT64_MAX, &errstr);
	if (errstr != NULL)
		return ("is too large");
	for (u = units; u->name != NULL; u++)
		if (strcmp(u->name, s + len) == 0)
			break;
	if (u->name == NULL)
		return ("has no unit that is known here");
	if (n > INT64_MAX / u->factor)
		return ("is too large");
	*res = n * u->factor;
	return (NULL);
}

const char *
confval_duration(const char *s, int64_t *ms)
{
	const char	*errstr;

	if (strcmp(s, "0") == 0) {
		*ms = 0;
		return (NULL);
	}
	errstr = val_unit(s, durations, ms);
	if (errstr != NULL && strcmp(errstr, "is too large") != 0)
		return ("is not a duration (a number and ms, s, m, h or d)");
	return (errstr);
}

const char *
confval_size(const char *s, int64_t *bytes)
{
	const char	*errstr;

	errstr = val_unit(s, sizes, bytes);
	if (errstr != NULL && strcmp(errstr, "is too large") != 0)
		return ("is not a size (a number of bytes, or with K, M or "
		    "G)");
	return (errstr);
}

/*
 * Hours as the environment gives them: digits, and perhaps a point and up to
 * four more.
 */
const char *
confval_hours(const char *s, int64_t *seconds)
{
	const char	*p;
	int64_t		 frac = 0, hours = 0, scale = 1;
	int		 n = 0;

	for (p = s; isdigit((unsigned char)*p); p++)
		if ((hours = hours * 10 + (*p - '0')) > CONF_HOURS_MAX)
			return ("is more than ten years");
	if (p == s)
		return ("is not a number of hours");
	if (*p == '.') {
		for (p++; isdigit((unsigned char)*p) && n < 4; p++, n++) {
			frac = frac * 10 + (*p - '0');
			scale *= 10;
		}
		if (n == 0)
			return ("is not a number of hours");
	}
	if (*p != '\0')
		return ("is not a number of hours");
	hours = hours * 3600 + frac * 3600 / scale;
	/* 0 means "keep for ever": never arrive there by rounding. */
	if (hours < 60 && (hours != 0 || frac != 0))
		return ("is less than a minute");
	if (hours > CONF_HOURS_MAX * 3600LL)
		return ("is more than ten years");
	*seconds = hours;
	return (NULL);
}

const char *
confval_path(const char *s)
{
	const char	*p;

	if (*s != '/')
		return ("is not an absolute path");
	if (strlen(s) >= CONF_PATH_MAX)
		return ("is too long");
	for (p = s; *p != '\0'; p++)
		if (iscntrl((unsigned char)*p))
			return ("has a control character in it");
	return (NULL);
}

/* A user's or a group's name, or its number. */
const char *
confval_name(const char *s)
{
	const char	*errstr, *p;

	if (*s == '\0')
		return ("is empty");
	if (strlen(s) >= CONF_NAME_MAX)
		return ("is too long");
	for (p = s; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) &&
		    strchr("._-", *p) == NULL)
			return ("is not a name or a number");
	if (s[strspn(s, "0123456789")] != '\0')
		return (NULL);
	strtonum(s, 0, INT_MAX, &errstr);
	return (errstr == NULL ? NULL : "is out of range (0 to 2147483647)");
}

/*
 * The mode of the local socket, in octal.  Whoever can connect is the
 * administrator of every vault, so no bit for "others" can be right.
 */
const char *
confval_mode(const char *s, mode_t *mode)
{
	long	 m;
	char	*ep;

	if (*s == '\0' || s[strspn(s, "01234567")] != '\0' || strlen(s) > 4)
		return ("is not a mode in octal");
	m = strtol(s, &ep, 8);
	if ((m & 0777) != m || (m & 0600) != 0600)
		return ("is not a mode for a socket (0600 or 0660)");
	if ((m & 0007) != 0)
		return ("would make everybody on this machine an "
		    "administrator of every vault");
	if (m != 0600 && m != 0660)
		return ("is not a mode for a socket (0600 or 0660)");
	*mode = m;
	return (NULL);
}

const char *
confval_port(const char *s, in_port_t *port)
{
	const char	*errstr;

	*port = strtonum(s, 1, 65535, &errstr);
	return (errstr == NULL ? NULL : "is not a port (1 to 65535)");
}

/*
 * inet_pton(3) and not getaddrinfo(3): a name would be looked up, and "127.1"
 * is a spelling too many.
 */
const char *
confval_listen(const char *s, in_port_t port, struct conf_listener *l)
{
	struct sockaddr_in	 sin;

	memset(&sin, 0, sizeof(sin));
	if (inet_pton(AF_INET, s, &sin.sin_addr) != 1)
		return (val_listen6(s, port, l));
	if (IN_MULTICAST(ntohl(sin.sin_addr.s_addr)) ||
	    sin.sin_addr.s_addr == htonl(INADDR_BROADCAST))
		return ("is not an address to listen on");
	sin.sin_family = AF_INET;
	sin.sin_port = htons(port);
	memcpy(&l->ss, &sin, sizeof(sin));
	l->sslen = sizeof(sin);
	return (NULL);
}

static const char *
val_listen6(const char *s, in_port_t port, struct conf_listener *l)
{
	struct sockaddr_in6	 sin6;

	memset(&sin6, 0, sizeof(sin6));
	if (inet_pton(AF_INET6, s, &sin6.sin6_addr) != 1)
		return ("is not an IP address or * (names are not looked up "
		    "here)");
	if (IN6_IS_ADDR_V4MAPPED(&sin6.sin6_addr))
		return ("is an IPv4 address in disguise: write it as one");
	if (IN6_IS_ADDR_MULTICAST(&sin6.sin6_addr) ||
	    IN6_IS_ADDR_LINKLOCAL(&sin6.sin6_addr))
		return ("is not an address to listen on");
	sin6.sin6_family = AF_INET6;
	sin6.sin6_port = htons(port);
	memcpy(&l->ss, &sin6, sizeof(sin6));
	l->sslen = sizeof(sin6);
	return (NULL);
}

const char *
confval_net(const char *s, struct conf_net *net)
{
	const char	*errstr, *slash;
	char		 addr[INET6_ADDRSTRLEN];
	size_t		 len;
	int		 max;

	memset(net, 0, sizeof(*net));
	slash = strchr(s, '/');
	len = slash == NULL ? strlen(s) : (size_t)(slash - s);
	if (len >= sizeof(addr))
		return ("is not an IP network");
	memcpy(addr, s, len);
	addr[len] = '\0';
	if (inet_pton(AF_INET, addr, net->addr) == 1)
		net->family = AF_INET;
	else if (inet_pton(AF_INET6, addr, net->addr) == 1)
		net->family = AF_INET6;
	else
		return ("is not an IP network");
	max = net->family == AF_INET ? 32 : 128;
	net->prefixlen = max;
	if (slash != NULL) {
		/* strtonum() alone would let "/ 8" and "/+8" pass. */
		if (slash[1 + strspn(slash + 1, "0123456789")] != '\0')
			return ("has no valid prefix length");
		net->prefixlen = strtonum(slash + 1, 0, max, &errstr);
		if (errstr != NULL)
			return ("has no valid prefix length");
	}
	if (val_hostbits(net))
		return ("has address bits set behind its prefix");
	return (val_net_allowed(net));
}

static int
val_hostbits(const struct conf_net *net)
{
	int	 bit, max;

	max = net->family == AF_INET ? 32 : 128;
	for (bit = net->prefixlen; bit < max; bit++)
		if ((net->addr[bit / 8] & (0x80 >> bit % 8)) != 0)
			return (1);
	return (0);
}

/* Is the whole of the network within the prefix? */
static int
val_within(const struct conf_net *net, const char *prefix, int prefixlen)
{
	uint8_t	 addr[16];
	int	 bit;

	if (net->prefixlen < prefixlen ||
	    inet_pton(net->family, prefix, addr) != 1)
		return (0);
	for (bit = 0; bit < prefixlen; bit++)
		if (((addr[bit / 8] ^ net->addr[bit / 8]) &
		    (0x80 >> bit % 8)) != 0)
			return (0);
	return (1);
}

/*
 * What the resolver refuses whatever the configuration says.  To allow just
 * that would be a line without an effect, so it is an error; a larger network
 * that also covers such addresses is none.
 */
static const char *
val_net_allowed(const struct conf_net *net)
{
	static const struct {
		int		 family;
		const char	*prefix;
		int		 prefixlen;
	} never[] = {
		{ AF_INET,	"0.0.0.0",		8 },
		{ AF_INET,	"169.254.169.254",	32 },
		{ AF_INET,	"224.0.0.0",		4 },
		{ AF_INET,	"240.0.0.0",		4 },
		{ AF_INET6,	"::",			128 },
		{ AF_INET6,	"fd00:ec2::254",	128 },
		{ AF_INET6,	"ff00::",		8 }
	};
	size_t	 i;

	if (net->family == AF_INET6 && val_within(net, "::ffff:0:0", 96))
		return ("is an IPv4 network in disguise: write it as one");
	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (never[i].family == net->family &&
		    val_within(net, never[i].prefix, never[i].prefixlen))
			return ("can never be allowed");
	return (NULL);
}

static void
val_fmt(int64_t v, const struct unit *u, char buf[CONF_FMT_LEN])
{
	while (u->factor > 1 && (v % u->factor != 0 || v == 0))
		u++;
	(void)snprintf(buf, CONF_FMT_LEN, "%lld%s",
	    (long long)(v / u->factor), v == 0 ? "" : u->name);
}

void
confval_fmt_duration(int64_t ms, char buf[CONF_FMT_LEN])
{
	val_fmt(ms, durations, buf);
}

void
confval_fmt_size(int64_t bytes, char buf[CONF_FMT_LEN])
{
	val_fmt(bytes, sizes, buf);
}
