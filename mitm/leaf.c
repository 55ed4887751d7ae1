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
#include <sys/queue.h>
#include <sys/tree.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <tls.h>

#include "conn.h"
#include "leaf.h"
#include "link.h"
#include "log.h"
#include "loop.h"

struct leaf {
	RB_ENTRY(leaf)		 entry;
	TAILQ_ENTRY(leaf)	 lru;
	TAILQ_HEAD(, leaf_wait)	 waiters;
	char			 host[256];
	uint32_t		 id;		/* of MINT; 0: not asked */
	struct tls		*context;	/* NULL: not there yet */
	int64_t			 not_after;
	unsigned int		 refs;
	int			 cached;
};

RB_HEAD(leaf_tree, leaf);

static struct leaf_tree	 leaves = RB_INITIALIZER(&leaves);
static TAILQ_HEAD(leaf_list, leaf) lru = TAILQ_HEAD_INITIALIZER(lru);
static unsigned int	 count;
static uint64_t		 minted;
static uint32_t		 last_id;
static uint8_t		*key_pem, *spki;
static size_t		 key_len, spki_len;

static int	 leaf_cmp(const struct leaf *, const struct leaf *);
static struct leaf	*leaf_new(const char *);
static void	 leaf_drop(struct leaf *);
static void	 leaf_ask(struct leaf *, uint64_t);
static void	 leaf_answer(struct leaf *);
static void	 leaf_refuse(struct leaf *, const char *);
static struct leaf	*leaf_asked(uint32_t);
static struct tls	*leaf_configure(const struct msg_blob *);
static EVP_PKEY	*key_make(void);
static void	 key_write(EVP_PKEY *);

RB_PROTOTYPE_STATIC(leaf_tree, leaf, entry, leaf_cmp)

static int
leaf_cmp(const struct leaf *a, const struct leaf *b)
{
	return (strcmp(a->host, b->host));
}

RB_GENERATE_STATIC(leaf_tree, leaf, entry, leaf_cmp)

static EVP_PKEY *
key_make(void)
{
	EVP_PKEY_CTX	*ctx;
	EVP_PKEY	*key = NULL;

	if ((ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL)) == NULL ||
	    EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx,
	    NID_X9_62_prime256v1) != 1 ||
	    EVP_PKEY_CTX_set_ec_param_enc(ctx, OPENSSL_EC_NAMED_CURVE) != 1 ||
	    EVP_PKEY_keygen(ctx, &key) != 1)
		fatalx("leaf: no key");
	EVP_PKEY_CTX_free(ctx);
	return (key);
}

/* libtls wants the key as text, keyd the public half of it. */
static void
key_write(EVP_PKEY *key)
{
	BIO	*bio;
	char	*text;
	long	 len;
	int	 n;

	if ((bio = BIO_new(BIO_s_secmem())) == NULL ||
	    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL,
	    NULL) != 1 || (len = BIO_get_mem_data(bio, &text)) <= 0 ||
	    (key_pem = malloc(len)) == NULL)
		fatalx("leaf: no key");
	memcpy(key_pem, text, len);
	key_len = len;
	BIO_free(bio);
	if ((n = i2d_PUBKEY(key, &spki)) <= 0)
		fatalx("leaf: no public key");
	spki_len = n;
}

void
leaf_init(void)
{
	EVP_PKEY	*key;

	key = key_make();
	key_write(key);
	EVP_PKEY_free(key);
}

static struct leaf *
leaf_new(const char *host)
{
	struct leaf	*l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		fatal("leaf");
	(void)strlcpy(l->host, host, sizeof(l->host));
	TAILQ_INIT(&l->waiters);
	l->refs = 1;
	l->cached = 1;
	RB_INSERT(leaf_tree, &leaves, l);
	TAILQ_INSERT_HEAD(&lru, l, lru);
	count++;
	return (l);
}

/* Out of the cache; who shakes hands with it keeps it. */
static void
leaf_drop(struct leaf *l)
{
	if (!l->cached)
		return;
	l->cached = 0;
	RB_REMOVE(leaf_tree, &leaves, l);
	TAILQ_REMOVE(&lru, l, lru);
	count--;
	leaf_release(l);
}

void
leaf_release(struct leaf *l)
{
	if (l == NULL || --l->refs > 0)
		return;
	tls_free(l->context);
	free(l);
}

struct tls *
leaf_context(struct leaf *l)
{
	return (l->context);
}

void
leaf_get(struct leaf_wait *w, const char *host)
{
	struct leaf	*l, *old, key;

	(void)strlcpy(key.host, host, sizeof(key.host));
	l = RB_FIND(leaf_tree, &leaves, &key);
	if (l != NULL && l->context != NULL &&
	    loop_wall() / 1000000 > l->not_after - LEAF_RENEW) {
		leaf_drop(l);
		l = NULL;
	}
	if (l != NULL) {
		TAILQ_REMOVE(&lru, l, lru);
		TAILQ_INSERT_HEAD(&lru, l, lru);
	} else
		l = leaf_new(host);
	if (l->context != NULL) {
		l->refs++;
		w->cb(l, NULL, w->arg);
		return;
	}
	w->leaf = l;
	TAILQ_INSERT_TAIL(&l->waiters, w, entry);
	if (l->id == 0)
		leaf_ask(l, w->scope);
	/* One that is still asked for is not in anybody's way for long. */
	if (count > LEAF_CACHE && (old = TAILQ_LAST(&lru, leaf_list)) != l &&
	    old->context != NULL)
		leaf_drop(old);
}

void
leaf_cancel(struct leaf_wait *w)
{
	if (w->leaf == NULL)
		return;
	TAILQ_REMOVE(&w->leaf->waiters, w, entry);
	w->leaf = NULL;
}

static void
leaf_ask(struct leaf *l, uint64_t scope)
{
	struct msg_mint	 m;
	struct link	*keyd;

	if ((keyd = link_find(PROC_KEYD)) == NULL)
		fatalx("leaf: no link to keyd");
	if (++last_id == 0)
		last_id = 1;
	l->id = last_id;
	memset(&m, 0, sizeof(m));
	m.id = l->id;
	m.scope = scope;
	m.host = l->host;
	m.spki.data = spki;
	m.spki.len = spki_len;
	if (link_send(keyd, MSG_MINT, &m, -1) == -1)
		fatal("leaf for %s", l->host);
}

/*
 * Nobody asks for more than LEAF_CACHE and a few at once, and answers are
 * rare: no second tree for them.
 */
static struct leaf *
leaf_asked(uint32_t id)
{
	struct leaf	*l;

	TAILQ_FOREACH(l, &lru, lru) {
		if (l->id == id)
			return (l);
	}
	return (NULL);
}

/* A context that has no other name than this certificate's. */
static struct tls *
leaf_configure(const struct msg_blob *pem)
{
	struct tls_config	*config;
	struct tls		*ctx = NULL;

	if ((config = conn_tls_config()) == NULL)
		fatal("leaf");
	if (tls_config_set_keypair_mem(config, pem->data, pem->len, key_pem,
	    key_len) == -1)
		log_warnx("leaf: %s", tls_config_error(config));
	else if ((ctx = tls_server()) == NULL)
		fatal("leaf");
	else if (tls_configure(ctx, config) == -1) {
		log_warnx("leaf: %s", tls_error(ctx));
		tls_free(ctx);
		ctx = NULL;
	}
	tls_config_free(config);
	return (ctx);
}

/* Callbacks may cancel others that wait: each time the first is taken. */
static void
leaf_answer(struct leaf *l)
{
	struct leaf_wait	*w;

	while ((w = TAILQ_FIRST(&l->waiters)) != NULL) {
		TAILQ_REMOVE(&l->waiters, w, entry);
		w->leaf = NULL;
		l->refs++;
		w->cb(l, NULL, w->arg);
	}
}

/*
 * The one whose scope keyd did not accept, or whose turn it is, is told; for
 * the others it is tried on their own word.
 */
static void
leaf_refuse(struct leaf *l, const char *why)
{
	struct leaf_wait	*w;

	if ((w = TAILQ_FIRST(&l->waiters)) != NULL) {
		TAILQ_REMOVE(&l->waiters, w, entry);
		w->leaf = NULL;
		w->cb(NULL, why, w->arg);
	}
	if ((w = TAILQ_FIRST(&l->waiters)) != NULL)
		leaf_ask(l, w->scope);
	else
		leaf_drop(l);
}

void
leaf_msg_cert(struct link *link, struct msg *m)
{
	const struct msg_cert	*c = &m->u.cert;
	const char		*why = NULL;
	struct leaf		*l;

	if ((l = leaf_asked(c->id)) == NULL) {
		link_bad(link, "certificate that nobody asked for");
		return;
	}
	l->id = 0;
	if (c->status != 200)
		why = c->text;
	else if ((l->context = leaf_configure(&c->pem)) == NULL)
		why = "the certificate cannot be used";
	l->refs++;
	if (why == NULL) {
		l->not_after = c->not_after;
		minted++;
		leaf_answer(l);
	} else
		leaf_refuse(l, why);
	leaf_release(l);
}

unsigned int
leaf_count(void)
{
	return (count);
}

uint64_t
leaf_minted(void)
{
	return (minted);
}
