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

#include <sys/socket.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tlspair.h"

static X509	*cert_make(EVP_PKEY *);
static char	*bio_string(BIO *);
static int	 server_open(struct tlspair *, const char *, const char *);
static int	 client_open(struct tlspair *);
static ssize_t	 server_read(struct tls *, void *, size_t, void *);
static ssize_t	 server_write(struct tls *, const void *, size_t, void *);
static int	 pass(struct tls *, struct tls *);

int
tlspair_cert(char **key, char **cert)
{
	EVP_PKEY	*pkey;
	X509		*x;
	BIO		*kb, *cb;
	int		 rc = -1;

	if ((pkey = EVP_EC_gen("P-256")) == NULL)
		return (-1);
	x = cert_make(pkey);
	kb = BIO_new(BIO_s_mem());
	cb = BIO_new(BIO_s_mem());
	if (x != NULL && kb != NULL && cb != NULL &&
	    PEM_write_bio_PrivateKey(kb, pkey, NULL, NULL, 0, NULL, NULL) &&
	    PEM_write_bio_X509(cb, x)) {
		*key = bio_string(kb);
		*cert = bio_string(cb);
		rc = *key == NULL || *cert == NULL ? -1 : 0;
	}
	BIO_free(kb);
	BIO_free(cb);
	X509_free(x);
	EVP_PKEY_free(pkey);
	return (rc);
}

static X509 *
cert_make(EVP_PKEY *pkey)
{
	X509		*x;
	X509_NAME	*name;

	if ((x = X509_new()) == NULL)
		return (NULL);
	name = X509_get_subject_name(x);
	if (ASN1_INTEGER_set(X509_get_serialNumber(x), 1) &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -60) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(x), 3600) != NULL &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"localhost", -1, -1, 0) &&
	    X509_set_issuer_name(x, name) && X509_set_pubkey(x, pkey) &&
	    X509_sign(x, pkey, EVP_sha256()))
		return (x);
	X509_free(x);
	return (NULL);
}

static char *
bio_string(BIO *b)
{
	char	*data;
	long	 len;

	len = BIO_get_mem_data(b, &data);
	return (strndup(data, len));
}

int
tlspair_open(struct tlspair *p, const char *key, const char *cert)
{
	memset(p, 0, sizeof(*p));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    p->fd) == -1)
		return (-1);
	if (server_open(p, key, cert) == -1 || client_open(p) == -1) {
		tlspair_close(p);
		return (-1);
	}
	return (0);
}

static int
server_open(struct tlspair *p, const char *key, const char *cert)
{
	struct tls_config	*cfg;
	int			 rc = -1;

	if ((cfg = tls_config_new()) == NULL)
		return (-1);
	if ((p->server = tls_server()) != NULL &&
	    tls_config_set_protocols(cfg, TLS_PROTOCOL_TLSv1_3) == 0 &&
	    tls_config_set_keypair_mem(cfg, (const uint8_t *)cert,
	    strlen(cert), (const uint8_t *)key, strlen(key)) == 0 &&
	    tls_configure(p->server, cfg) == 0)
		rc = tls_accept_cbs(p->server, &p->conn, server_read,
		    server_write, p);
	tls_config_free(cfg);
	return (rc);
}

static int
client_open(struct tlspair *p)
{
	struct tls_config	*cfg;
	int			 rc = -1;

	if ((cfg = tls_config_new()) == NULL)
		return (-1);
	tls_config_insecure_noverifycert(cfg);
	tls_config_insecure_noverifyname(cfg);
	if ((p->client = tls_client()) != NULL &&
	    tls_config_set_protocols(cfg, TLS_PROTOCOL_TLSv1_3) == 0 &&
	    tls_configure(p->client, cfg) == 0)
		rc = tls_connect_socket(p->client, p->fd[1], "localhost");
	tls_config_free(cfg);
	return (rc);
}

static ssize_t
server_read(struct tls *ctx, void *buf, size_t len, void *arg)
{
	struct tlspair	*p = arg;
	ssize_t		 n;

	if ((n = read(p->fd[0], buf, len)) == -1 && errno == EAGAIN)
		return (TLS_WANT_POLLIN);
	return (n);
}

static ssize_t
server_write(struct tls *ctx, const void *buf, size_t len, void *arg)
{
	struct tlspair	*p = arg;
	ssize_t		 n;

	if ((n = write(p->fd[0], buf, len)) == -1 && errno == EAGAIN)
		return (TLS_WANT_POLLOUT);
	if (n > 0 && p->done)
		p->late += n;
	return (n);
}

/* Both sides by turns; a handshake takes three or four. */
int
tlspair_handshake(struct tlspair *p)
{
	int	i, c = -1, s = -1;

	for (i = 0; i < 20 && (c != 0 || s != 0); i++) {
		if (c != 0 && (c = tls_handshake(p->client)) == -1)
			return (-1);
		p->done = c == 0;
		if (s != 0 && (s = tls_handshake(p->conn)) == -1)
			return (-1);
	}
	return (c == 0 && s == 0 ? 0 : -1);
}

int
tlspair_talk(struct tlspair *p)
{
	if (pass(p->client, p->conn) == -1)
		return (-1);
	return (pass(p->conn, p->client));
}

static int
pass(struct tls *from, struct tls *to)
{
	static const char	text[] = "seventeen letters";
	char			buf[sizeof(text)];
	ssize_t			n;
	int			i;

	if (tls_write(from, text, sizeof(text)) != (ssize_t)sizeof(text))
		return (-1);
	for (i = 0; i < 20; i++) {
		n = tls_read(to, buf, sizeof(buf));
		if (n != TLS_WANT_POLLIN)
			break;
	}
	return (n == (ssize_t)sizeof(text) &&
	    memcmp(buf, text, sizeof(text)) == 0 ? 0 : -1);
}

void
tlspair_close(struct tlspair *p)
{
	tls_free(p->conn);
	tls_free(p->client);
	tls_free(p->server);
	close(p->fd[0]);
	close(p->fd[1]);
}
