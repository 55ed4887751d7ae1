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

#include <arpa/inet.h>

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "cert.h"

#define check(what) do {						\
	if (!(what))							\
		errx(1, "cannot make a certificate: %s", #what);	\
} while (0)

static EVP_PKEY	*make_key(void);
static X509	*make_cert(const char *, EVP_PKEY *, int);
static void	 add_ext(X509 *, X509 *, int, const char *);
static void	 add_names(X509 *, const char *);
static char	*bio_text(BIO *);

static EVP_PKEY *
make_key(void)
{
	EVP_PKEY_CTX	*ctx;
	EVP_PKEY	*key = NULL;

	check((ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL)) != NULL);
	check(EVP_PKEY_keygen_init(ctx) > 0);
	check(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx,
	    NID_X9_62_prime256v1) > 0);
	check(EVP_PKEY_keygen(ctx, &key) > 0);
	EVP_PKEY_CTX_free(ctx);
	return (key);
}

static X509 *
make_cert(const char *name, EVP_PKEY *key, int days)
{
	X509_NAME	*subject;
	BIGNUM		*bn;
	X509		*cert;

	check((cert = X509_new()) != NULL);
	check(X509_set_version(cert, 2));
	check((bn = BN_new()) != NULL);
	check(BN_rand(bn, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY));
	check(BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) != NULL);
	BN_free(bn);
	check(X509_gmtime_adj(X509_getm_notBefore(cert), -300) != NULL);
	check(X509_gmtime_adj(X509_getm_notAfter(cert), 86400L * days) !=
	    NULL);
	check((subject = X509_get_subject_name(cert)) != NULL);
	check(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
	    (const unsigned char *)name, -1, -1, 0));
	check(X509_set_pubkey(cert, key));
	return (cert);
}

static void
add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION	*ext;
	X509V3_CTX	 ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	check((ext = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value)) != NULL);
	check(X509_add_ext(cert, ext, -1));
	X509_EXTENSION_free(ext);
}

static void
add_names(X509 *cert, const char *names)
{
	unsigned char	 ip[16];
	GENERAL_NAMES	*san;
	char		*copy, *next, *name;

	check((san = GENERAL_NAMES_new()) != NULL);
	check((copy = next = strdup(names)) != NULL);
	while ((name = strsep(&next, ",")) != NULL) {
		GENERAL_NAME		*gn;
		ASN1_OCTET_STRING	*s;
		int			 len, type = GEN_IPADD;

		if (inet_pton(AF_INET, name, ip) == 1)
			len = 4;
		else if (inet_pton(AF_INET6, name, ip) == 1)
			len = 16;
		else {
			type = GEN_DNS;
			len = strlen(name);
		}
		check((gn = GENERAL_NAME_new()) != NULL);
		check((s = type == GEN_DNS ? ASN1_IA5STRING_new() :
		    ASN1_OCTET_STRING_new()) != NULL);
		check(ASN1_STRING_set(s, type == GEN_DNS ?
		    (const void *)name : ip, len));
		GENERAL_NAME_set0_value(gn, type, s);
		check(sk_GENERAL_NAME_push(san, gn));
	}
	check(X509_add1_ext_i2d(cert, NID_subject_alt_name, san, 0, 0));
	GENERAL_NAMES_free(san);
	free(copy);
}

static char *
bio_text(BIO *bio)
{
	char	*data, *text;
	long	 len;

	len = BIO_get_mem_data(bio, &data);
	check((text = malloc(len + 1)) != NULL);
	memcpy(text, data, len);
	text[len] = '\0';
	BIO_free(bio);
	return (text);
}

void
democert_make(struct democert *out, const char *names, int days)
{
	EVP_PKEY	*cakey, *key;
	X509		*ca, *cert;
	char		*first;
	BIO		*bio;

	check((first = strndup(names, strcspn(names, ","))) != NULL);
	cakey = make_key();
	ca = make_cert("brokerd demonstration CA", cakey, days);
	check(X509_set_issuer_name(ca, X509_get_subject_name(ca)));
	add_ext(ca, ca, NID_basic_constraints, "critical,CA:TRUE");
	add_ext(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign");
	add_ext(ca, ca, NID_subject_key_identifier, "hash");
	check(X509_sign(ca, cakey, EVP_sha256()));

	key = make_key();
	cert = make_cert(first, key, days);
	check(X509_set_issuer_name(cert, X509_get_subject_name(ca)));
	add_ext(cert, ca, NID_basic_constraints, "critical,CA:FALSE");
	add_ext(cert, ca, NID_ext_key_usage, "serverAuth");
	add_ext(cert, ca, NID_authority_key_identifier, "keyid");
	add_names(cert, names);
	check(X509_sign(cert, cakey, EVP_sha256()));

	check((bio = BIO_new(BIO_s_mem())) != NULL);
	check(PEM_write_bio_X509(bio, ca));
	out->ca = bio_text(bio);
	check((bio = BIO_new(BIO_s_mem())) != NULL);
	check(PEM_write_bio_X509(bio, cert));
	out->cert = bio_text(bio);
	check((bio = BIO_new(BIO_s_mem())) != NULL);
	check(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
	out->key = bio_text(bio);
	X509_free(ca);
	X509_free(cert);
	EVP_PKEY_free(cakey);
	EVP_PKEY_free(key);
	free(first);
}
