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

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "filter.h"
#include "instant.h"
#include "internal.h"
#include "wildcard.h"

#define STATUS_MAX	999
#define MS_MAX		INT64_C(1000000000000)

static const char	*bucket_name(unsigned int);
static int	digits(const char **, int64_t, int64_t *);
static int	take_name(enum filter_key, struct filter_value *,
		    const struct item *, struct filter_error *);
static int	take_text(struct filter *, enum filter_key,
		    struct filter_value *, const struct item *,
		    struct filter_error *);
static int	take_status(struct filter_value *, const struct item *,
		    struct filter_error *);
static int	take_number(enum filter_key, struct filter_value *,
		    const struct item *, int64_t, struct filter_error *);
static int	take_id(struct filter_value *, const struct item *,
		    struct filter_error *);
static int	take_vault(struct filter *, struct filter_value *,
		    const struct item *, struct filter_error *);
static void	status_print(const struct filter_value *, char *, size_t);
static void	id_print(const struct filter_value *, char *, size_t);

static const struct {
	enum filter_key	 key;
	const char	*(*name)(unsigned int);
	unsigned int	 max;
} enums[] = {
	{ FILTER_DECISION,	decision_name,	DECISION_MAX },
	{ FILTER_ERROR_CODE,	error_name,	ERROR_MAX },
	{ FILTER_INGRESS,	ingress_name,	INGRESS_MAX },
	{ FILTER_KIND,		kind_name,	KIND_MAX },
	{ FILTER_STATUS_BUCKET,	bucket_name,	BUCKET_ERR + 1 }
};
#define NENUMS	(sizeof(enums) / sizeof(enums[0]))

static const char *
bucket_name(unsigned int n)
{
	static const char *const	 name[] = { "2xx", "3xx", "4xx",
					    "5xx", "err" };

	return (name[n]);
}

int
value_single(enum filter_key key)
{
	return (key == FILTER_SINCE || key == FILTER_UNTIL ||
	    key == FILTER_MIN_MS);
}

/* At least one, and no more than max; *s is moved behind them. */
static int
digits(const char **s, int64_t max, int64_t *n)
{
	const char	*p = *s;

	for (*n = 0; *p >= '0' && *p <= '9'; p++) {
		if (*n > (max - (*p - '0')) / 10)
			return (-1);
		*n = *n * 10 + *p - '0';
	}
	if (p == *s)
		return (-1);
	*s = p;
	return (0);
}

static int
take_name(enum filter_key key, struct filter_value *v, const struct item *it,
    struct filter_error *e)
{
	char		 list[96] = "";
	unsigned int	 i, k;

	for (i = 0; i < NENUMS - 1 && enums[i].key != key; i++)
		;
	for (k = 0; k < enums[i].max; k++) {
		if (strcmp(enums[i].name(k), it->text) == 0) {
			v->lo = k;
			return (0);
		}
		if (*enums[i].name(k) == '\0' || key == FILTER_ERROR_CODE)
			continue;
		if (*list != '\0')
			(void)strlcat(list, ", ", sizeof(list));
		(void)strlcat(list, enums[i].name(k), sizeof(list));
	}
	return (filter_fail(e, it->at, "%s: \"%.32s\" is not known%s%s",
	    filter_name(key), it->text, *list == '\0' ? "" : "; there are ",
	    list));
}

static int
take_text(struct filter *f, enum filter_key key, struct filter_value *v,
    const struct item *it, struct filter_error *e)
{
	size_t	 n = strlen(it->text) + 1;

	if ((key == FILTER_HOST || key == FILTER_PATH) && n - 1 > FILTER_GLOB)
		return (filter_fail(e, it->at, "%s: the pattern is longer "
		    "than %d bytes", filter_name(key), FILTER_GLOB));
	if (n > sizeof(f->text) - f->ntext)
		return (filter_fail(e, it->at, "the filter is longer than %d "
		    "bytes", FILTER_MAX));
	memcpy(f->text + f->ntext, it->text, n);
	v->text = f->ntext;
	f->ntext += n;
	return (0);
}

/* 404, 5xx, 500-599 */
static int
take_status(struct filter_value *v, const struct item *it,
    struct filter_error *e)
{
	const char	*s = it->text;

	if (*s >= '1' && *s <= '9' && strlen(s) == 3 &&
	    wildcard_equal(s + 1, "xx")) {
		v->lo = (*s - '0') * 100;
		v->hi = v->lo + 99;
		return (0);
	}
	if (digits(&s, STATUS_MAX, &v->lo) == 0) {
		v->hi = v->lo;
		if (*s == '\0' || (*s++ == '-' && digits(&s, STATUS_MAX,
		    &v->hi) == 0 && *s == '\0' && v->lo <= v->hi))
			return (0);
	}
	return (filter_fail(e, it->at, "status: \"%.32s\" is no status; "
	    "there are 404, 5xx, 500-599 and lists of them", it->text));
}

static int
take_number(enum filter_key key, struct filter_value *v,
    const struct item *it, int64_t now, struct filter_error *e)
{
	const char	*s = it->text;

	if (key == FILTER_MIN_MS) {
		if (digits(&s, MS_MAX, &v->lo) == 0 && *s == '\0')
			return (0);
		return (filter_fail(e, it->at, "min_ms: \"%.32s\" is no "
		    "number of milliseconds", it->text));
	}
	if (instant_parse(s, now, &v->lo) == 0)
		return (0);
	return (filter_fail(e, it->at, "%s: \"%.40s\" is no time; there are "
	    "2026-01-31T12:00:00Z, and 15m, 2h or 3d for so long ago",
	    filter_name(key), it->text));
}

static int
take_id(struct filter_value *v, const struct item *it, struct filter_error *e)
{
	const char	*s;
	uint64_t	 half[2] = { 0, 0 };
	int		 n = 0, c;

	for (s = it->text; *s != '\0' && n <= 32; s++) {
		if (*s >= '0' && *s <= '9')
			c = *s - '0';
		else if ((*s | 0x20) >= 'a' && (*s | 0x20) <= 'f')
			c = (*s | 0x20) - 'a' + 10;
		else if (*s == '-' && n > 0)
			continue;
		else
			break;
		if (n < 32)
			half[n / 16] = half[n / 16] << 4 | (unsigned int)c;
		n++;
	}
	if (n != 32 || *s != '\0')
		return (filter_fail(e, it->at, "request_id: \"%.40s\" is no "
		    "UUID", it->text));
	v->lo = (int64_t)half[0];
	v->hi = (int64_t)half[1];
	return (0);
}

/* A number is an id. */
static int
take_vault(struct filter *f, struct filter_value *v, const struct item *it,
    struct filter_error *e)
{
	const char	*s = it->text;

	if (digits(&s, INT64_MAX, &v->lo) == 0 && *s == '\0') {
		v->hi = VAULT_ID;
		return (0);
	}
	v->lo = 0;
	v->hi = VAULT_NAME;
	if (*it->text == '\0')
		return (filter_fail(e, it->at, "vault: a name or an id is "
		    "missing"));
	return (take_text(f, FILTER_VAULT, v, it, e));
}

int
value_parse(struct filter *f, enum filter_key key, struct filter_value *v,
    const struct item *it, int64_t now, struct filter_error *e)
{
	memset(v, 0, sizeof(*v));
	switch (key) {
	case FILTER_DECISION:
	case FILTER_ERROR_CODE:
	case FILTER_INGRESS:
	case FILTER_KIND:
	case FILTER_STATUS_BUCKET:
		return (take_name(key, v, it, e));
	case FILTER_MIN_MS:
	case FILTER_SINCE:
	case FILTER_UNTIL:
		return (take_number(key, v, it, now, e));
	case FILTER_STATUS:
		return (take_status(v, it, e));
	case FILTER_REQUEST_ID:
		return (take_id(v, it, e));
	case FILTER_VAULT:
		return (take_vault(f, v, it, e));
	default:
		return (take_text(f, key, v, it, e));
	}
}

static void
status_print(const struct filter_value *v, char *buf, size_t len)
{
	if (v->lo == v->hi)
		(void)snprintf(buf, len, "%" PRId64, v->lo);
	else if (v->lo >= 100 && v->lo % 100 == 0 && v->hi == v->lo + 99)
		(void)snprintf(buf, len, "%" PRId64 "xx", v->lo / 100);
	else
		(void)snprintf(buf, len, "%" PRId64 "-%" PRId64, v->lo,
		    v->hi);
}

static void
id_print(const struct filter_value *v, char *buf, size_t len)
{
	const uint64_t	 a = (uint64_t)v->lo, b = (uint64_t)v->hi;

	(void)snprintf(buf, len, "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64
	    "-%04" PRIx64 "-%012" PRIx64, a >> 32, a >> 16 & 0xffff,
	    a & 0xffff, b >> 48, b & UINT64_C(0xffffffffffff));
}

void
value_print(const struct filter *f, enum filter_key key,
    const struct filter_value *v, char *buf, size_t len)
{
	unsigned int	 i;

	for (i = 0; i < NENUMS; i++) {
		if (enums[i].key == key) {
			(void)strlcpy(buf, enums[i].name(v->lo), len);
			return;
		}
	}
	if (key == FILTER_STATUS)
		status_print(v, buf, len);
	else if (key == FILTER_SINCE || key == FILTER_UNTIL)
		instant_print(v->lo, buf);
	else if (key == FILTER_REQUEST_ID)
		id_print(v, buf, len);
	else if (key == FILTER_MIN_MS ||
	    (key == FILTER_VAULT && v->hi == VAULT_ID))
		(void)snprintf(buf, len, "%" PRId64, v->lo);
	else
		(void)strlcpy(buf, f->text + v->text, len);
}
