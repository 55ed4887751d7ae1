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

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "testcert.h"

static void	 add_ext(X509 *, int, void *, int);
static void	 add_name(X509 *, const char *, int);
static void	 add_usage(X509 *, int);
static char	*bio_string(BIO *);

static EVP_PKEY *
new_key(void)
{
	EVP_PKEY_CTX	*ctx;
	EVP_PKEY	*key = NULL;

	if ((ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL)) == NULL ||
	    EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx,
	    NID_X9_62_prime256v1) != 1 || EVP_PKEY_keygen(ctx, &key) != 1)
		errx(1, "key");
	EVP_PKEY_CTX_free(ctx);
	return (key);
}

static void
add_ext(X509 *x, int nid, void *value, int critical)
{
	if (X509_add1_ext_i2d(x, nid, value, critical, 0) != 1)
		errx(1, "extension");
}

static void
add_name(X509 *x, const char *name, int flags)
{
	GENERAL_NAMES	*names;
	GENERAL_NAME	*gn;
	ASN1_STRING	*s;

	if ((names = sk_GENERAL_NAME_new_null()) == NULL ||
	    (gn = GENERAL_NAME_new()) == NULL)
		errx(1, "name");
	if (flags & TC_IP) {
		if ((s = a2i_IPADDRESS(name)) == NULL)
			errx(1, "%s", name);
		GENERAL_NAME_set0_value(gn, GEN_IPADD, s);
	} else {
		if ((s = ASN1_IA5STRING_new()) == NULL ||
		    ASN1_STRING_set(s, name, -1) != 1)
			errx(1, "%s", name);
		GENERAL_NAME_set0_value(gn, GEN_DNS, s);
	}
	sk_GENERAL_NAME_push(names, gn);
	add_ext(x, NID_subject_alt_name, names, 0);
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
}

static void
add_usage(X509 *x, int flags)
{
	BASIC_CONSTRAINTS	*bc;
	EXTENDED_KEY_USAGE	*eku;

	if ((bc = BASIC_CONSTRAINTS_new()) == NULL)
		errx(1, "constraints");
	bc->ca = (flags & TC_CA) ? 0xff : 0;
	add_ext(x, NID_basic_constraints, bc, 1);
	BASIC_CONSTRAINTS_free(bc);
	if (flags & TC_CA)
		return;
	if ((eku = sk_ASN1_OBJECT_new_null()) == NULL)
		errx(1, "usage");
	sk_ASN1_OBJECT_push(eku, OBJ_nid2obj((flags & TC_CLIENT) ?
	    NID_client_auth : NID_server_auth));
	add_ext(x, NID_ext_key_usage, eku, 0);
	sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
}

void
testcert_make(struct testcert *tc, const struct testcert *issuer,
    const char *name, int flags, long from, long until)
{
	static long	 serial = 1;
	X509_NAME	*subject;
	X509		*x;

	tc->key = new_key();
	if ((tc->cert = x = X509_new()) == NULL ||
	    X509_set_version(x, 2) != 1 ||
	    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++) != 1 ||
	    X509_gmtime_adj(X509_getm_notBefore(x), from) == NULL ||
	    X509_gmtime_adj(X509_getm_notAfter(x), until) == NULL ||
	    X509_set_pubkey(x, tc->key) != 1)
		errx(1, "certificate");
	subject = X509_get_subject_name(x);
	if (X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0) != 1)
		errx(1, "subject");
	if (issuer == NULL)
		issuer = tc;
	if (X509_set_issuer_name(x,
	    X509_get_subject_name(issuer->cert)) != 1)
		errx(1, "issuer");
	add_usage(x, flags);
	if ((flags & (TC_CA | TC_NOSAN)) == 0)
		add_name(x, name, flags);
	if (X509_sign(x, issuer->key,
	    (flags & TC_SHA1) ? EVP_sha1() : EVP_sha256()) == 0)
		errx(1, "signature");
}

void
testcert_free(struct testcert *tc)
{
	EVP_PKEY_free(tc->key);
	X509_free(tc->cert);
}

static char *
bio_string(BIO *bio)
{
	char	*data, *s;
	long	 n;

	n = BIO_get_mem_data(bio, &data);
	if ((s = strndup(data, n)) == NULL)
		err(1, NULL);
	BIO_free(bio);
	return (s);
}

char *
testcert_key_pem(const struct testcert *tc)
{
	BIO	*bio;

	if ((bio = BIO_new(BIO_s_mem())) == NULL ||
	    PEM_write_bio_PrivateKey(bio, tc->key, NULL, NULL, 0, NULL,
	    NULL) != 1)
		errx(1, "key");
	return (bio_string(bio));
}

char *
testcert_pem(const struct testcert *tc, const struct testcert *more)
{
	BIO	*bio;

	if ((bio = BIO_new(BIO_s_mem())) == NULL ||
	    PEM_write_bio_X509(bio, tc->cert) != 1 ||
	    (more != NULL && PEM_write_bio_X509(bio, more->cert) != 1))
		errx(1, "certificate");
	return (bio_string(bio));
}
