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

#include <openssl/bio.h>
#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include <string.h>
#include <strings.h>

#include "tls_tickets.h"

#ifdef LIBRESSL_VERSION_NUMBER

int
tls_no_tickets(void)
{
	return (0);
}

#else

static void		 tickets_inherit(BIO *);
static const char	*tickets_section(CONF *);
static void		 tickets_value(BIO *, const CONF_VALUE *);
static int		 tickets_load(BIO *);

/*
 * What is loaded replaces libssl's defaults, so it has to be after the system's
 * configuration, which is loaded once and never again.
 */
int
tls_no_tickets(void)
{
	BIO	*text;
	int	 rc = -1;

	if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) != 1)
		return (-1);
	if ((text = BIO_new(BIO_s_mem())) == NULL)
		return (-1);
	if (BIO_puts(text, "openssl_conf = c\n[c]\nssl_conf = s\n"
	    "[s]\nsystem_default = d\n[d]\n") > 0) {
		tickets_inherit(text);
		if (BIO_puts(text, "NumTickets = 0\n") > 0)
			rc = tickets_load(text);
	}
	BIO_free(text);
	return (rc);
}

/* Copies the defaults that are in force, if the file has any. */
static void
tickets_inherit(BIO *text)
{
	STACK_OF(CONF_VALUE)	*values;
	const char		*section;
	char			*file;
	CONF			*conf;
	int			 i;

	if ((conf = NCONF_new(NULL)) == NULL)
		return;
	file = CONF_get1_default_config_file();
	if (file != NULL && NCONF_load(conf, file, NULL) == 1 &&
	    (section = tickets_section(conf)) != NULL &&
	    (values = NCONF_get_section(conf, section)) != NULL) {
		for (i = 0; i < sk_CONF_VALUE_num(values); i++)
			tickets_value(text, sk_CONF_VALUE_value(values, i));
	}
	OPENSSL_free(file);
	NCONF_free(conf);
	ERR_clear_error();
}

/* openssl_conf names a section, its ssl_conf one, its system_default one. */
static const char *
tickets_section(CONF *conf)
{
	static const char *const	key[] = { "openssl_conf", "ssl_conf",
					    "system_default" };
	const char			*section = NULL;
	size_t				 i;

	for (i = 0; i < sizeof(key) / sizeof(key[0]); i++) {
		if ((section = NCONF_get_string(conf, section, key[i])) ==
		    NULL)
			return (NULL);
	}
	return (section);
}

/* Quoted, or a dollar would be expanded a second time. */
static void
tickets_value(BIO *text, const CONF_VALUE *v)
{
	const char	*p;

	if (strcasecmp(v->name, "NumTickets") == 0)
		return;
	BIO_printf(text, "%s = \"", v->name);
	for (p = v->value; *p != '\0'; p++) {
		if (strchr("\"\\", *p) != NULL)
			BIO_puts(text, "\\");
		BIO_printf(text, "%c", *p);
	}
	BIO_puts(text, "\"\n");
}

static int
tickets_load(BIO *text)
{
	CONF	*conf;
	long	 line;
	int	 rc = -1;

	if ((conf = NCONF_new(NULL)) == NULL)
		return (-1);
	if (NCONF_load_bio(conf, text, &line) == 1 &&
	    CONF_modules_load(conf, NULL, 0) == 1)
		rc = 0;
	NCONF_free(conf);
	return (rc);
}

#endif /* !LIBRESSL_VERSION_NUMBER */
