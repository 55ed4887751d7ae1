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
#include <time.h>

#include "instant.h"
#include "json.h"
#include "log.h"

/*
 * The library asks for memory and gives it back without its size, so the size
 * stands in front of each piece, in as much room as keeps it aligned.
 */
#define FRONT	16

/* Seven digits are enough for times in milliseconds, which are estimates. */
#define JSON_STYLE	(JSON_COMPACT | JSON_REAL_PRECISION(7))

static void	*wiping_alloc(size_t);
static void	 wiping_free(void *);
static int	 take_one(const json_t *, const struct json_field *);
static const char *wanted(enum json_want);
static json_t	*mended(const char *);
static void	 format_time(char *, size_t, int64_t);

static void *
wiping_alloc(size_t n)
{
	uint8_t	*p;

	if (n > SIZE_MAX - FRONT || (p = malloc(n + FRONT)) == NULL)
		return (NULL);
	memcpy(p, &n, sizeof(n));
	return (p + FRONT);
}

static void
wiping_free(void *v)
{
	uint8_t	*p;
	size_t	 n;

	if (v == NULL)
		return;
	p = (uint8_t *)v - FRONT;
	memcpy(&n, p, sizeof(n));
	freezero(p, n + FRONT);
}

/* By itself the library would look for a seed in a file that is not there. */
void
json_setup(void)
{
	json_set_alloc_funcs(wiping_alloc, wiping_free);
	json_object_seed(arc4random() | 1);
}

json_t *
json_parse(const void *data, size_t n, char *why, size_t len)
{
	json_error_t	 e;
	json_t		*j;

	j = json_loadb(data, n, JSON_REJECT_DUPLICATES, &e);
	if (j == NULL) {
		(void)snprintf(why, len, "%s in line %d, column %d",
		    json_error_code(&e) == json_error_duplicate_key ?
		    "A key comes twice" : "The body is not valid JSON",
		    e.line, e.column);
		explicit_bzero(&e, sizeof(e));
		return (NULL);
	}
	if (!json_is_object(j)) {
		(void)snprintf(why, len, "The body is not a JSON object");
		json_decref(j);
		return (NULL);
	}
	return (j);
}

char *
json_text(const json_t *j, size_t *len)
{
	char	*s;
	size_t	 n;

	n = json_dumpb(j, NULL, 0, JSON_STYLE);
	if (n == 0 || (s = wiping_alloc(n + 1)) == NULL)
		fatalx("json: no memory");
	if (json_dumpb(j, s, n, JSON_STYLE) != n)
		fatalx("json: no memory");
	s[n] = '\n';
	*len = n + 1;
	return (s);
}

char *
json_text_copy(const void *data, size_t n)
{
	char	*s;

	if ((s = wiping_alloc(n + 1)) == NULL)
		fatalx("json: no memory");
	memcpy(s, data, n);
	s[n] = '\0';
	return (s);
}

void
json_text_free(char *s)
{
	wiping_free(s);
}

static int
take_one(const json_t *v, const struct json_field *f)
{
	switch (f->want) {
	case JSON_TEXT:
		if (!json_is_string(v))
			return (-1);
		*(const char **)f->to = json_string_value(v);
		return (0);
	case JSON_FLAG:
		if (!json_is_boolean(v))
			return (-1);
		*(int *)f->to = json_is_true(v);
		return (0);
	case JSON_NUMBER:
		if (!json_is_integer(v))
			return (-1);
		*(int64_t *)f->to = json_integer_value(v);
		return (0);
	case JSON_LIST:
	case JSON_MAP:
		if (json_typeof(v) != (f->want == JSON_LIST ? JSON_ARRAY :
		    JSON_OBJECT))
			return (-1);
		*(const json_t **)f->to = v;
		return (0);
	case JSON_LATER:
		break;
	}
	return (-1);
}

static const char *
wanted(enum json_want want)
{
	switch (want) {
	case JSON_TEXT:
		return ("must be a string");
	case JSON_FLAG:
		return ("must be true or false");
	case JSON_NUMBER:
		return ("must be a whole number");
	case JSON_LIST:
		return ("must be a list");
	case JSON_MAP:
		return ("must be an object");
	case JSON_LATER:
		break;
	}
	return ("belongs to a feature that is not built yet");
}

int
json_take(const json_t *obj, const struct json_field *fields, char *why,
    size_t len)
{
	const struct json_field	*f;
	const json_t		*v;
	const char		*key;
	void			*it;

	if (obj == NULL)
		return (0);
	/* The library's iterators want an object that could be changed. */
	for (it = json_object_iter((json_t *)(uintptr_t)obj); it != NULL;
	    it = json_object_iter_next((json_t *)(uintptr_t)obj, it)) {
		key = json_object_iter_key(it);
		v = json_object_iter_value(it);
		for (f = fields; f->name != NULL; f++) {
			if (strcmp(f->name, key) == 0)
				break;
		}
		if (f->name == NULL) {
			(void)snprintf(why, len, "unknown field \"%.64s\"",
			    key);
			return (-1);
		}
		if (take_one(v, f) == -1) {
			(void)snprintf(why, len, "\"%s\" %s", f->name,
			    wanted(f->want));
			return (-1);
		}
	}
	return (0);
}

json_t *
json_map(void)
{
	json_t	*j;

	if ((j = json_object()) == NULL)
		fatalx("json: no memory");
	return (j);
}

json_t *
json_list(void)
{
	json_t	*j;

	if ((j = json_array()) == NULL)
		fatalx("json: no memory");
	return (j);
}

/* Not UTF-8, such as a name that was cut: every byte over 127 is a '?'. */
static json_t *
mended(const char *s)
{
	json_t	*j;
	char	*copy, *p;

	if ((copy = strdup(s)) == NULL)
		fatal("json");
	for (p = copy; *p != '\0'; p++) {
		if ((unsigned char)*p > 0x7f)
			*p = '?';
	}
	j = json_string(copy);
	freezero(copy, strlen(copy) + 1);
	return (j);
}

json_t *
json_word(const char *s)
{
	json_t	*j;

	if (s == NULL)
		s = "";
	if ((j = json_string(s)) == NULL && (j = mended(s)) == NULL)
		fatalx("json: no memory");
	return (j);
}

void
json_put(json_t *obj, const char *key, json_t *v)
{
	if (json_object_set_new(obj, key, v) == -1)
		fatalx("json: no memory");
}

void
json_add(json_t *list, json_t *v)
{
	if (json_array_append_new(list, v) == -1)
		fatalx("json: no memory");
}

void
json_sort(json_t *list, const char *key)
{
	const size_t	 n = json_array_size(list);
	const char	*s;
	json_t		*v;
	size_t		 i, k;

	/* By insertion: the lists are short, and mostly in order already. */
	for (i = 1; i < n; i++) {
		v = json_array_get(list, i);
		s = json_string_value(json_object_get(v, key));
		for (k = i; k > 0 && strcmp(json_string_value(json_object_get(
		    json_array_get(list, k - 1), key)), s) > 0; k--)
			;
		if (k == i)
			continue;
		(void)json_incref(v);
		if (json_array_remove(list, i) == -1 ||
		    json_array_insert_new(list, k, v) == -1)
			fatalx("json: no memory");
	}
}

void
json_put_text(json_t *obj, const char *key, const char *s)
{
	json_put(obj, key, json_word(s));
}

void
json_put_number(json_t *obj, const char *key, int64_t n)
{
	json_put(obj, key, json_integer(n));
}

void
json_put_flag(json_t *obj, const char *key, int set)
{
	json_put(obj, key, json_boolean(set));
}

static void
format_time(char *buf, size_t len, int64_t seconds)
{
	struct tm	 tm;
	time_t		 t = seconds;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(buf, len, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		(void)strlcpy(buf, "1970-01-01T00:00:00", len);
}

void
json_put_time(json_t *obj, const char *key, int64_t seconds)
{
	char	 buf[32], z[40];

	format_time(buf, sizeof(buf), seconds);
	(void)snprintf(z, sizeof(z), "%sZ", buf);
	json_put_text(obj, key, z);
}

json_t *
json_milli(int64_t us)
{
	json_t	*j = json_real(us / 1000.0);

	if (j == NULL)
		fatalx("json: no memory");
	return (j);
}

void
json_put_instant(json_t *obj, const char *key, int64_t us)
{
	char	 text[INSTANT_SIZE];

	instant_print(us, text);
	json_put_text(obj, key, text);
}
