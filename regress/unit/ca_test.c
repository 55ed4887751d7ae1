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

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "../../keyd/ca.h"

static const char	*node = "1a2b3c4d-0000-4000-8000-000000000000";
static time_t		 now;

static EVP_PKEY	*generate(int);
static struct msg_blob	spki(EVP_PKEY *);
static X509	*from_pem(const char *);
static X509	*mint(const char *, EVP_PKEY *);
static int	verify(X509 *, const char *, int);
static int	setup(void **);
static int	teardown(void **);
static void	root(void **);
static void	leaf(void **);
static void	names(void **);
static void	long_name(void **);
static void	keys(void **);
static void	pairs(void **);

static EVP_PKEY *
generate(int nid)
{
	EVP_PKEY_CTX	*ctx;
	EVP_PKEY	*k = NULL;

	ctx = EVP_PKEY_CTX_new_id(nid == 0 ? EVP_PKEY_RSA : EVP_PKEY_EC, NULL);
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	if (nid != 0)
		assert_int_equal(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx,
		    nid), 1);
	assert_int_equal(EVP_PKEY_keygen(ctx, &k), 1);
	EVP_PKEY_CTX_free(ctx);
	return (k);
}

static struct msg_blob
spki(EVP_PKEY *k)
{
	struct msg_blob	 b;
	uint8_t		*p = NULL, *copy;
	int		 len;

	len = i2d_PUBKEY(k, &p);
	assert_true(len > 0);
	copy = malloc(len);
	memcpy(copy, p, len);
	OPENSSL_free(p);
	b.data = copy;
	b.len = len;
	return (b);
}

static X509 *
from_pem(const char *pem)
{
	BIO	*bio = BIO_new_mem_buf(pem, -1);
	X509	*x;

	x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_non_null(x);
	/* Nothing may follow the one certificate. */
	assert_null(PEM_read_bio_X509(bio, NULL, NULL, NULL));
	BIO_free(bio);
	return (x);
}

static X509 *
mint(const char *host, EVP_PKEY *k)
{
	struct msg_blob	 b = spki(k);
	char		 pem[4096];
	int64_t		 end;
	int		 len;

	len = ca_mint(host, &b, now, pem, sizeof(pem), &end);
	assert_true(len > 0);
	assert_int_equal(len, strlen(pem));
	assert_int_equal(end, now + 24 * 60 * 60);
	msg_blob_free(&b);
	return (from_pem(pem));
}

/* As a TLS client does it: chain, purpose and host. */
static int
verify(X509 *x, const char *host, int ip)
{
	X509_STORE	*store = X509_STORE_new();
	X509_STORE_CTX	*ctx = X509_STORE_CTX_new();
	X509		*r;
	char		 pem[4096];
	int		 ok;

	assert_true(ca_pem(pem, sizeof(pem)) > 0);
	r = from_pem(pem);
	assert_int_equal(X509_STORE_add_cert(store, r), 1);
	assert_int_equal(X509_STORE_CTX_init(ctx, store, x, NULL), 1);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
	if (ip)
		X509_VERIFY_PARAM_set1_ip_asc(
		    X509_STORE_CTX_get0_param(ctx), host);
	else
		X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(ctx),
		    host, 0);
	ok = X509_verify_cert(ctx) == 1;
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	X509_free(r);
	return (ok);
}

static int
setup(void **st)
{
	struct msg_blob	 cert, key;

	now = time(NULL);
	ca_init();
	assert_int_equal(ca_create(node, now, &cert, &key), 0);
	assert_true(cert.len < 4096 && key.len < 1024);
	assert_int_equal(ca_load(&cert, &key), 0);
	msg_blob_free(&cert);
	msg_blob_free(&key);
	return (0);
}

static int
teardown(void **st)
{
	ca_free();
	return (0);
}

static void
root(void **st)
{
	char	 pem[4096], small[64], name[128];
	X509	*x;
	int	 days, secs;

	assert_int_equal(ca_pem(small, sizeof(small)), -1);
	assert_true(ca_pem(pem, sizeof(pem)) > 0);
	x = from_pem(pem);
	X509_NAME_oneline(X509_get_subject_name(x), name, sizeof(name));
	assert_string_equal(name, "/CN=brokerd CA 1a2b3c4d");
	assert_int_equal(X509_get_extension_flags(x) & EXFLAG_CA, EXFLAG_CA);
	assert_int_equal(X509_get_pathlen(x), 0);
	assert_int_equal(X509_get_key_usage(x), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(ASN1_TIME_diff(&days, &secs, X509_get0_notBefore(x),
	    X509_get0_notAfter(x)), 1);
	assert_int_equal(days, 3650);
	assert_non_null(X509_get0_subject_key_id(x));
	X509_free(x);
}

static void
leaf(void **st)
{
	EVP_PKEY		*k = generate(NID_X9_62_prime256v1);
	X509			*x = mint("api.example.com", k), *y;
	GENERAL_NAMES		*san;
	const ASN1_INTEGER	*serial;
	int			 days, secs, crit;

	assert_true(verify(x, "api.example.com", 0));
	assert_false(verify(x, "other.example.com", 0));
	assert_false(verify(x, "x.api.example.com", 0));
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(x), k), 1);
	assert_int_equal(X509_get_extension_flags(x) & EXFLAG_CA, 0);
	assert_int_equal(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(x), XKU_SSL_SERVER);
	san = X509_get_ext_d2i(x, NID_subject_alt_name, &crit, NULL);
	assert_int_equal(sk_GENERAL_NAME_num(san), 1);
	assert_int_equal(sk_GENERAL_NAME_value(san, 0)->type, GEN_DNS);
	assert_int_equal(crit, 0);
	GENERAL_NAMES_free(san);
	assert_int_equal(ASN1_TIME_diff(&days, &secs, X509_get0_notBefore(x),
	    X509_get0_notAfter(x)), 1);
	assert_int_equal(days, 1);
	assert_int_equal(secs, 300);
	assert_non_null(X509_get0_subject_key_id(x));
	assert_non_null(X509_get0_authority_key_id(x));
	serial = X509_get0_serialNumber(x);
	assert_int_equal(ASN1_STRING_length(serial), 16);
	y = mint("api.example.com", k);
	assert_int_not_equal(ASN1_INTEGER_cmp(serial,
	    X509_get0_serialNumber(y)), 0);
	X509_free(x);
	X509_free(y);
	EVP_PKEY_free(k);
}

static void
names(void **st)
{
	static const struct {
		const char	*host;
		int		 type;
		int		 len;
	} cases[] = {
		{ "localhost", GEN_DNS, 9 },
		{ "xn--bcher-kva.example", GEN_DNS, 21 },
		{ "127.0.0.1", GEN_IPADD, 4 },
		{ "::1", GEN_IPADD, 16 },
		{ "2001:db8::5", GEN_IPADD, 16 },
		/* What looks like more than a name stays one name. */
		{ "a.test,DNS:b.test", GEN_DNS, 17 }
	};
	EVP_PKEY	*k = generate(NID_X9_62_prime256v1);
	GENERAL_NAMES	*san;
	ASN1_STRING	*s;
	X509		*x;
	size_t		 i;
	int		 type;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		x = mint(cases[i].host, k);
		san = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
		assert_int_equal(sk_GENERAL_NAME_num(san), 1);
		s = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(san, 0),
		    &type);
		assert_int_equal(type, cases[i].type);
		assert_int_equal(ASN1_STRING_length(s), cases[i].len);
		if (type == GEN_IPADD)
			assert_true(verify(x, cases[i].host, 1));
		GENERAL_NAMES_free(san);
		X509_free(x);
	}
	EVP_PKEY_free(k);
}

static void
long_name(void **st)
{
	EVP_PKEY	*k = generate(NID_X9_62_prime256v1);
	GENERAL_NAMES	*san;
	char		 host[129];
	X509		*x;
	int		 crit;

	memset(host, 'a', sizeof(host));
	host[60] = '.';
	host[sizeof(host) - 6] = '.';
	host[sizeof(host) - 1] = '\0';
	x = mint(host, k);
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(x)), 0);
	san = X509_get_ext_d2i(x, NID_subject_alt_name, &crit, NULL);
	assert_int_equal(sk_GENERAL_NAME_num(san), 1);
	assert_int_equal(crit, 1);
	GENERAL_NAMES_free(san);
	X509_free(x);
	EVP_PKEY_free(k);
}

/* Only a point on P-256, in the one encoding, is signed. */
static void
keys(void **st)
{
	static const int	 kinds[] = { NID_secp384r1, NID_secp256k1, 0 };
	struct msg_blob		 b;
	EVP_PKEY		*k;
	char			 pem[4096];
	int64_t			 end;
	size_t			 i;
	uint8_t			*p;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		k = generate(kinds[i]);
		b = spki(k);
		errno = 0;
		assert_int_equal(ca_mint("a.test", &b, now, pem, sizeof(pem),
		    &end), -1);
		assert_int_equal(errno, EINVAL);
		msg_blob_free(&b);
		EVP_PKEY_free(k);
	}
	k = generate(NID_X9_62_prime256v1);
	b = spki(k);
	p = (uint8_t *)(uintptr_t)b.data;
	assert_int_equal(b.len, CA_SPKI_LEN);
	assert_int_equal(ca_mint("", &b, now, pem, sizeof(pem), &end), -1);
	p[b.len - 1] ^= 1;		/* off the curve */
	assert_int_equal(ca_mint("a.test", &b, now, pem, sizeof(pem), &end),
	    -1);
	p[b.len - 1] ^= 1;
	p[26] = 2;			/* a compressed point's tag */
	assert_int_equal(ca_mint("a.test", &b, now, pem, sizeof(pem), &end),
	    -1);
	p[26] = 4;
	b.len--;
	assert_int_equal(ca_mint("a.test", &b, now, pem, sizeof(pem), &end),
	    -1);
	b.len++;
	assert_true(ca_mint("a.test", &b, now, pem, sizeof(pem), &end) > 0);
	assert_int_equal(ca_mint("a.test", &b, now, pem, 100, &end), -1);
	msg_blob_free(&b);
	EVP_PKEY_free(k);
}

static void
pairs(void **st)
{
	struct msg_blob	 c1, k1, c2, k2, b, none = { NULL, 0 };
	EVP_PKEY	*k = generate(NID_X9_62_prime256v1);
	char		 pem[4096];
	int64_t		 end;

	assert_int_equal(ca_create(node, now, &c1, &k1), 0);
	assert_int_equal(ca_create(node, now, &c2, &k2), 0);
	assert_int_equal(ca_load(&c1, &k2), -1);
	assert_int_equal(ca_load(&none, &k2), -1);
	/* Nothing is in use after a failure. */
	b = spki(k);
	assert_int_equal(ca_mint("a.test", &b, now, pem, sizeof(pem), &end),
	    -1);
	assert_int_equal(ca_pem(pem, sizeof(pem)), -1);
	assert_int_equal(ca_load(&c2, &k2), 0);
	assert_true(ca_mint("a.test", &b, now, pem, sizeof(pem), &end) > 0);
	msg_blob_free(&b);
	msg_blob_free(&c1);
	msg_blob_free(&c2);
	msg_blob_free(&k1);
	msg_blob_free(&k2);
	EVP_PKEY_free(k);
}

int
main(void)
{
	const struct CMUnitTest	 tests[] = {
		cmocka_unit_test_setup_teardown(root, setup, teardown),
		cmocka_unit_test_setup_teardown(leaf, setup, teardown),
		cmocka_unit_test_setup_teardown(names, setup, teardown),
		cmocka_unit_test_setup_teardown(long_name, setup, teardown),
		cmocka_unit_test_setup_teardown(keys, setup, teardown),
		cmocka_unit_test_setup_teardown(pairs, setup, teardown)
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
