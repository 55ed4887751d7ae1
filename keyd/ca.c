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

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "ca.h"

#define SERIAL_LEN	16
#define CN_MAX		64	/* ub-common-name, RFC 5280 */

/*
 * What every SubjectPublicKeyInfo of an uncompressed P-256 point begins with
 * (RFC 5480): so the curve is known before libcrypto sees the key.
 */
static const uint8_t	spki_head[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
	0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
	0x07, 0x03, 0x42, 0x00, 0x04
};

static X509	*root;
static EVP_PKEY	*root_key;

static EVP_PKEY	*key_generate(void);
static EVP_PKEY	*spki_parse(const struct msg_blob *);
static int	 set_serial(X509 *);
static int	 set_times(X509 *, time_t, time_t);
static int	 set_name(X509_NAME *, const char *);
static int	 add_basic(X509 *, int);
static int	 add_usage(X509 *, const uint8_t *, int);
static int	 add_server_auth(X509 *);
static int	 add_key_ids(X509 *, X509 *, EVP_PKEY *);
static ASN1_OCTET_STRING *key_id(X509 *);
static int	 add_host(X509 *, const char *, int);
static GENERAL_NAME *host_name(const char *);
static int	 to_der(int, void *, struct msg_blob *);
static int	 to_pem(X509 *, char *, size_t);
static X509	*root_build(EVP_PKEY *, const char *, time_t);
static X509	*leaf_build(EVP_PKEY *, const char *, time_t, time_t);

void
ca_init(void)
{
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

static EVP_PKEY *
key_generate(void)
{
	EVP_PKEY_CTX	*ctx;
	EVP_PKEY	*key = NULL;

	if ((ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL)) == NULL)
		return (NULL);
	if (EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx,
	    NID_X9_62_prime256v1) != 1 ||
	    EVP_PKEY_keygen(ctx, &key) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return (key);
}

static EVP_PKEY *
spki_parse(const struct msg_blob *spki)
{
	const uint8_t	*p = spki->data;

	if (spki->len != CA_SPKI_LEN ||
	    memcmp(p, spki_head, sizeof(spki_head)) != 0)
		return (NULL);
	return (d2i_PUBKEY(NULL, &p, spki->len));
}

static int
set_serial(X509 *cert)
{
	uint8_t	 raw[SERIAL_LEN];
	BIGNUM	*bn;
	int	 ok;

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return (0);
	raw[0] &= 0x7f;		/* positive, RFC 5280 section 4.1.2.2 */
	raw[0] |= 0x40;		/* and always 16 bytes */
	if ((bn = BN_bin2bn(raw, sizeof(raw), NULL)) == NULL)
		return (0);
	ok = BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) != NULL;
	BN_free(bn);
	return (ok);
}

static int
set_times(X509 *cert, time_t from, time_t to)
{
	return (ASN1_TIME_set(X509_getm_notBefore(cert), from) != NULL &&
	    ASN1_TIME_set(X509_getm_notAfter(cert), to) != NULL);
}

static int
set_name(X509_NAME *name, const char *cn)
{
	return (X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
	    (const unsigned char *)cn, -1, -1, 0) == 1);
}

static int
add_basic(X509 *cert, int ca)
{
	BASIC_CONSTRAINTS	*bc;
	int			 ok = 0;

	if ((bc = BASIC_CONSTRAINTS_new()) == NULL)
		return (0);
	bc->ca = ca ? 0xff : 0;
	if (ca && ((bc->pathlen = ASN1_INTEGER_new()) == NULL ||
	    ASN1_INTEGER_set(bc->pathlen, 0) != 1))
		goto done;
	ok = X509_add1_ext_i2d(cert, NID_basic_constraints, bc, 1, 0) == 1;
 done:
	BASIC_CONSTRAINTS_free(bc);
	return (ok);
}

static int
add_usage(X509 *cert, const uint8_t *bits, int n)
{
	ASN1_BIT_STRING	*ku;
	int		 i, ok = 1;

	if ((ku = ASN1_BIT_STRING_new()) == NULL)
		return (0);
	for (i = 0; i < n; i++)
		ok = ok && ASN1_BIT_STRING_set_bit(ku, bits[i], 1) == 1;
	ok = ok && X509_add1_ext_i2d(cert, NID_key_usage, ku, 1, 0) == 1;
	ASN1_BIT_STRING_free(ku);
	return (ok);
}

static int
add_server_auth(X509 *cert)
{
	EXTENDED_KEY_USAGE	*eku;
	int			 ok;

	if ((eku = EXTENDED_KEY_USAGE_new()) == NULL)
		return (0);
	ok = sk_ASN1_OBJECT_push(eku, OBJ_nid2obj(NID_server_auth)) > 0 &&
	    X509_add1_ext_i2d(cert, NID_ext_key_usage, eku, 0, 0) == 1;
	EXTENDED_KEY_USAGE_free(eku);
	return (ok);
}

/* SHA-1 of the public key's bits, method 1 of RFC 5280 section 4.2.1.2. */
static ASN1_OCTET_STRING *
key_id(X509 *cert)
{
	ASN1_BIT_STRING		*bits;
	ASN1_OCTET_STRING	*id;
	uint8_t			 md[EVP_MAX_MD_SIZE];
	unsigned int		 len;

	bits = X509_get0_pubkey_bitstr(cert);
	if (bits == NULL || EVP_Digest(ASN1_STRING_get0_data(bits),
	    ASN1_STRING_length(bits), md, &len, EVP_sha1(), NULL) != 1)
		return (NULL);
	if ((id = ASN1_OCTET_STRING_new()) == NULL)
		return (NULL);
	if (ASN1_OCTET_STRING_set(id, md, len) != 1) {
		ASN1_OCTET_STRING_free(id);
		return (NULL);
	}
	return (id);
}

static int
add_key_ids(X509 *cert, X509 *issuer, EVP_PKEY *key)
{
	AUTHORITY_KEYID		*aki = NULL;
	ASN1_OCTET_STRING	*id;
	int			 ok = 0;

	if (X509_set_pubkey(cert, key) != 1 || (id = key_id(cert)) == NULL)
		return (0);
	if (X509_add1_ext_i2d(cert, NID_subject_key_identifier, id, 0,
	    0) != 1 || (aki = AUTHORITY_KEYID_new()) == NULL)
		goto done;
	if ((aki->keyid = key_id(issuer)) == NULL)
		goto done;
	ok = X509_add1_ext_i2d(cert, NID_authority_key_identifier, aki, 0,
	    0) == 1;
 done:
	AUTHORITY_KEYID_free(aki);
	ASN1_OCTET_STRING_free(id);
	return (ok);
}

static GENERAL_NAME *
host_name(const char *host)
{
	uint8_t		 ip[16];
	ASN1_STRING	*s;
	GENERAL_NAME	*gn;
	const void	*p = host;
	int		 len = strlen(host), type = GEN_DNS;

	if (inet_pton(AF_INET, host, ip) == 1) {
		p = ip;
		len = 4;
		type = GEN_IPADD;
	} else if (inet_pton(AF_INET6, host, ip) == 1) {
		p = ip;
		len = 16;
		type = GEN_IPADD;
	}
	s = type == GEN_DNS ? (ASN1_STRING *)ASN1_IA5STRING_new() :
	    (ASN1_STRING *)ASN1_OCTET_STRING_new();
	if (s == NULL)
		return (NULL);
	if (ASN1_STRING_set(s, p, len) != 1 ||
	    (gn = GENERAL_NAME_new()) == NULL) {
		ASN1_STRING_free(s);
		return (NULL);
	}
	GENERAL_NAME_set0_value(gn, type, s);
	return (gn);
}

static int
add_host(X509 *cert, const char *host, int critical)
{
	GENERAL_NAMES	*names;
	GENERAL_NAME	*gn;
	int		 ok;

	if ((names = GENERAL_NAMES_new()) == NULL)
		return (0);
	if ((gn = host_name(host)) == NULL ||
	    sk_GENERAL_NAME_push(names, gn) <= 0) {
		GENERAL_NAME_free(gn);
		GENERAL_NAMES_free(names);
		return (0);
	}
	ok = X509_add1_ext_i2d(cert, NID_subject_alt_name, names, critical,
	    0) == 1;
	GENERAL_NAMES_free(names);
	return (ok);
}

static X509 *
root_build(EVP_PKEY *key, const char *node, time_t now)
{
	static const uint8_t	 usage[] = { 5, 6 };	/* certSign, cRLSign */
	char			 cn[CN_MAX + 1];
	X509			*cert;

	(void)snprintf(cn, sizeof(cn), "brokerd CA %.8s", node);
	if ((cert = X509_new()) == NULL)
		return (NULL);
	if (X509_set_version(cert, 2) == 1 && set_serial(cert) &&
	    set_times(cert, now - CA_BACKDATE,
	    now + (time_t)CA_ROOT_DAYS * 86400) &&
	    set_name(X509_get_subject_name(cert), cn) &&
	    X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1 &&
	    X509_set_pubkey(cert, key) == 1 && add_basic(cert, 1) &&
	    add_usage(cert, usage, 2) && add_key_ids(cert, cert, key) &&
	    X509_sign(cert, key, EVP_sha256()) > 0)
		return (cert);
	X509_free(cert);
	return (NULL);
}

/* type 0: a certificate, 1: a private key. */
static int
to_der(int type, void *obj, struct msg_blob *out)
{
	PKCS8_PRIV_KEY_INFO	*p8 = NULL;
	uint8_t			*p = NULL, *copy = NULL;
	int			 len;

	if (type == 0)
		len = i2d_X509(obj, &p);
	else if ((p8 = EVP_PKEY2PKCS8(obj)) == NULL)
		return (-1);
	else
		len = i2d_PKCS8_PRIV_KEY_INFO(p8, &p);
	PKCS8_PRIV_KEY_INFO_free(p8);
	if (len <= 0)
		return (-1);
	if ((copy = malloc(len)) != NULL)
		memcpy(copy, p, len);
	OPENSSL_cleanse(p, len);
	OPENSSL_free(p);
	out->data = copy;
	out->len = copy == NULL ? 0 : len;
	return (copy == NULL ? -1 : 0);
}

int
ca_create(const char *node, time_t now, struct msg_blob *cert,
    struct msg_blob *key)
{
	EVP_PKEY	*pkey;
	X509		*x = NULL;
	int		 rc = -1;

	memset(cert, 0, sizeof(*cert));
	memset(key, 0, sizeof(*key));
	if ((pkey = key_generate()) == NULL)
		return (-1);
	if ((x = root_build(pkey, node, now)) == NULL)
		goto done;
	if (to_der(0, x, cert) == -1 || to_der(1, pkey, key) == -1)
		goto done;
	rc = 0;
 done:
	if (rc == -1) {
		msg_blob_free(cert);
		msg_blob_free(key);
	}
	X509_free(x);
	EVP_PKEY_free(pkey);
	return (rc);
}

int
ca_load(const struct msg_blob *cert, const struct msg_blob *key)
{
	PKCS8_PRIV_KEY_INFO	*p8;
	const uint8_t		*p = cert->data, *k = key->data;

	ca_free();
	root = d2i_X509(NULL, &p, cert->len);
	if ((p8 = d2i_PKCS8_PRIV_KEY_INFO(NULL, &k, key->len)) != NULL)
		root_key = EVP_PKCS82PKEY(p8);
	PKCS8_PRIV_KEY_INFO_free(p8);
	if (root == NULL || root_key == NULL ||
	    X509_check_private_key(root, root_key) != 1) {
		ca_free();
		return (-1);
	}
	return (0);
}

static int
to_pem(X509 *cert, char *buf, size_t size)
{
	BIO	*bio;
	char	*p;
	long	 len;
	int	 rc = -1;

	if ((bio = BIO_new(BIO_s_mem())) == NULL)
		return (-1);
	if (PEM_write_bio_X509(bio, cert) == 1 &&
	    (len = BIO_get_mem_data(bio, &p)) > 0 && (size_t)len < size) {
		memcpy(buf, p, len);
		buf[len] = '\0';
		rc = len;
	}
	BIO_free(bio);
	return (rc);
}

int
ca_pem(char *buf, size_t size)
{
	if (root == NULL)
		return (-1);
	return (to_pem(root, buf, size));
}

/*
 * The common name is a courtesy to old clients; where it does not fit, the
 * subject is empty and the alternative name critical (RFC 5280 section
 * 4.2.1.6).
 */
static X509 *
leaf_build(EVP_PKEY *key, const char *host, time_t from, time_t to)
{
	static const uint8_t	 usage[] = { 0 };	/* digitalSignature */
	X509			*cert;
	int			 named = strlen(host) <= CN_MAX;

	if ((cert = X509_new()) == NULL)
		return (NULL);
	if (X509_set_version(cert, 2) == 1 && set_serial(cert) &&
	    set_times(cert, from, to) &&
	    (!named || set_name(X509_get_subject_name(cert), host)) &&
	    X509_set_issuer_name(cert, X509_get_subject_name(root)) == 1 &&
	    add_key_ids(cert, root, key) && add_basic(cert, 0) &&
	    add_usage(cert, usage, 1) && add_server_auth(cert) &&
	    add_host(cert, host, !named) &&
	    X509_sign(cert, root_key, EVP_sha256()) > 0)
		return (cert);
	X509_free(cert);
	return (NULL);
}

int
ca_mint(const char *host, const struct msg_blob *spki, time_t now, char *buf,
    size_t size, int64_t *not_after)
{
	EVP_PKEY	*key;
	X509		*cert;
	time_t		 to = now + CA_LEAF_SECONDS;
	int		 len;

	if (root == NULL || *host == '\0' ||
	    (key = spki_parse(spki)) == NULL) {
		errno = EINVAL;
		return (-1);
	}
	cert = leaf_build(key, host, now - CA_BACKDATE, to);
	EVP_PKEY_free(key);
	if (cert == NULL) {
		errno = EIO;
		return (-1);
	}
	len = to_pem(cert, buf, size);
	X509_free(cert);
	*not_after = to;
	return (len);
}

void
ca_free(void)
{
	X509_free(root);
	EVP_PKEY_free(root_key);
	root = NULL;
	root_key = NULL;
}
