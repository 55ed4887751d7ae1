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
#include <sys/stat.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <tls.h>

#include "verify.h"

#define AUTH_LEVEL	2	/* 112 bits, SSL_CTX_set_security_level(3) */

struct verify {
	X509_STORE	*store;
};

static int	 verify_fail(char *, size_t, const char *);
static STACK_OF(X509) *verify_parse(const void *, size_t, int, char *,
		    size_t);
static int	 verify_param(X509_VERIFY_PARAM *, const char *);
static int	 verify_run(X509_STORE_CTX *, const char *, char *, size_t);
static void	 verify_text(X509_STORE_CTX *, const char *, char *, size_t);
static ssize_t	 verify_read(int, char *, size_t);

struct verify *
verify_new(void)
{
	struct verify	*v;

	if ((v = calloc(1, sizeof(*v))) == NULL)
		return (NULL);
	if ((v->store = X509_STORE_new()) == NULL) {
		free(v);
		return (NULL);
	}
	return (v);
}

void
verify_free(struct verify *v)
{
	if (v == NULL)
		return;
	X509_STORE_free(v->store);
	free(v);
}

static int
verify_fail(char *text, size_t size, const char *why)
{
	ERR_clear_error();
	(void)snprintf(text, size, "%s", why);
	return (-1);
}

/*
 * All certificates of a PEM text, at most so many.  Anything between them
 * that is not one is skipped; one that does not parse fails the whole.
 */
static STACK_OF(X509) *
verify_parse(const void *pem, size_t n, int max, char *text, size_t size)
{
	STACK_OF(X509)	*certs;
	X509		*cert = NULL;
	BIO		*bio;
	char		 why[64];
	int		 count = 0;

	ERR_clear_error();
	certs = sk_X509_new_null();
	bio = BIO_new_mem_buf(pem, n);
	if (certs == NULL || bio == NULL) {
		(void)snprintf(why, sizeof(why), "%s", strerror(ENOMEM));
		goto fail;
	}
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (++count > max || sk_X509_push(certs, cert) == 0) {
			X509_free(cert);
			(void)snprintf(why, sizeof(why),
			    "more than %d certificates", max);
			goto fail;
		}
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		(void)snprintf(why, sizeof(why),
		    "certificate %d does not parse", count + 1);
		goto fail;
	}
	if (count == 0) {
		(void)snprintf(why, sizeof(why), "no certificate");
		goto fail;
	}
	BIO_free(bio);
	ERR_clear_error();
	return (certs);

 fail:
	BIO_free(bio);
	sk_X509_pop_free(certs, X509_free);
	(void)verify_fail(text, size, why);
	return (NULL);
}

int
verify_add(struct verify *v, const void *pem, size_t n, char *text,
    size_t size)
{
	STACK_OF(X509)	*certs;
	int		 i, count, rc = 1;

	if (n > VERIFY_BUNDLE_MAX)
		return (verify_fail(text, size, "too large"));
	certs = verify_parse(pem, n, VERIFY_BUNDLE_MAX, text, size);
	if (certs == NULL)
		return (-1);
	count = sk_X509_num(certs);
	for (i = 0; i < count && rc == 1; i++)
		rc = X509_STORE_add_cert(v->store, sk_X509_value(certs, i));
	sk_X509_pop_free(certs, X509_free);
	if (rc != 1)
		return (verify_fail(text, size, "cannot be added"));
	return (count);
}

int
verify_add_fd(struct verify *v, int fd, char *text, size_t size)
{
	struct stat	 st;
	char		*pem;
	ssize_t		 n;
	int		 rc;

	if (fstat(fd, &st) == -1)
		return (verify_fail(text, size, strerror(errno)));
	if (!S_ISREG(st.st_mode))
		return (verify_fail(text, size, "not a regular file"));
	if (st.st_size > VERIFY_BUNDLE_MAX)
		return (verify_fail(text, size, "too large"));
	if ((pem = malloc(st.st_size + 1)) == NULL)
		return (verify_fail(text, size, strerror(errno)));
	if ((n = verify_read(fd, pem, st.st_size)) == -1)
		rc = verify_fail(text, size, strerror(errno));
	else
		rc = verify_add(v, pem, n, text, size);
	free(pem);
	return (rc);
}

static ssize_t
verify_read(int fd, char *p, size_t size)
{
	size_t	 got;
	ssize_t	 n;

	for (got = 0; got < size; got += n) {
		if ((n = pread(fd, p + got, size - got, got)) == -1)
			return (-1);
		if (n == 0)
			break;
	}
	return (got);
}

/* What is asked of the chain. */
static int
verify_param(X509_VERIFY_PARAM *param, const char *host)
{
	uint8_t	 addr[sizeof(struct in6_addr)];
	size_t	 n;

	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	if (X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER) != 1)
		return (-1);
	if (inet_pton(AF_INET, host, addr) == 1)
		return (X509_VERIFY_PARAM_set1_ip(param, addr,
		    sizeof(struct in_addr)) == 1 ? 0 : -1);
	if (inet_pton(AF_INET6, host, addr) == 1)
		return (X509_VERIFY_PARAM_set1_ip(param, addr,
		    sizeof(struct in6_addr)) == 1 ? 0 : -1);
	n = strlen(host);
	if (n > 0 && host[n - 1] == '.')
		n--;
	/* Without a name there would be nothing to check. */
	if (n == 0)
		return (-1);
	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return (X509_VERIFY_PARAM_set1_host(param, host, n) == 1 ? 0 : -1);
}

/* "certificate has expired (CN = x, 1 above the server's)" */
static void
verify_text(X509_STORE_CTX *ctx, const char *host, char *text, size_t size)
{
	char	 above[32] = "", name[128] = "";
	X509	*cert;
	int	 depth, error;

	error = X509_STORE_CTX_get_error(ctx);
	depth = X509_STORE_CTX_get_error_depth(ctx);
	if (error == X509_V_ERR_HOSTNAME_MISMATCH ||
	    error == X509_V_ERR_IP_ADDRESS_MISMATCH) {
		(void)snprintf(text, size, "the certificate is not for %s",
		    host);
		return;
	}
	cert = X509_STORE_CTX_get_current_cert(ctx);
	if (cert != NULL)
		(void)X509_NAME_oneline(X509_get_subject_name(cert), name,
		    sizeof(name));
	if (depth > 0)
		(void)snprintf(above, sizeof(above),
		    ", %d above the server's", depth);
	(void)snprintf(text, size, "%s (%s%s)",
	    X509_verify_cert_error_string(error), name, above);
}

static int
verify_run(X509_STORE_CTX *ctx, const char *host, char *text, size_t size)
{
	if (verify_param(X509_STORE_CTX_get0_param(ctx), host) == -1)
		return (verify_fail(text, size, "cannot verify this name"));
	if (X509_verify_cert(ctx) == 1 &&
	    X509_STORE_CTX_get_error(ctx) == X509_V_OK)
		return (0);
	verify_text(ctx, host, text, size);
	return (-1);
}

int
verify_chain(const struct verify *v, const char *host, const void *pem,
    size_t n, char *text, size_t size)
{
	STACK_OF(X509)	*certs;
	X509_STORE_CTX	*ctx;
	int		 rc;

	if (n > VERIFY_CHAIN_MAX)
		return (verify_fail(text, size, "certificates too large"));
	certs = verify_parse(pem, n, VERIFY_CHAIN_CERTS, text, size);
	if (certs == NULL)
		return (-1);
	if ((ctx = X509_STORE_CTX_new()) == NULL ||
	    X509_STORE_CTX_init(ctx, v->store, sk_X509_value(certs, 0),
	    certs) != 1)
		rc = verify_fail(text, size, strerror(ENOMEM));
	else
		rc = verify_run(ctx, host, text, size);
	X509_STORE_CTX_free(ctx);
	sk_X509_pop_free(certs, X509_free);
	ERR_clear_error();
	return (rc);
}

int
verify_tls(const struct verify *v, const char *host, struct tls *tls,
    char *text, size_t size)
{
	const uint8_t	*pem;
	size_t		 n;

	if ((pem = tls_peer_cert_chain_pem(tls, &n)) == NULL)
		return (verify_fail(text, size, "no certificate"));
	return (verify_chain(v, host, pem, n, text, size));
}
