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

/*
 * brokerd.conf(5).  What a value may be is said in confval.c, which rules
 * hold between values in conf.c.  A wrong value is reported and parsing goes
 * on with the next word; only wrong syntax costs the rest of its line.
 */

%{
#include <sys/types.h>

#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "confparse.h"

#define ERRORS_MAX	20

static struct lex {
	const char	*name;		/* where the last token began */
	int		 line;
	int		 last;		/* the token */
	const char	*text;		/* as it is shown in an error */
	const char	*first;		/* the line's first, if no keyword */
	int		 value;		/* behind '=': there are no keywords */
	int		 quiet;		/* the error has been reported */
} lex;

static struct conf	*conf;
static unsigned int	 mentioned;	/* kinds with a listen line */
static int		 api_none;	/* listen api none */
static int		 includes;	/* are allowed */
static int		 errors;

int			 yyparse(void);
static int		 yylex(void);
static int		 yyerror(const char *);
static struct conf	*parse_run(const char *);
static void		 parse_clean(void);
static void		 parse_notyet(const char *, const char *,
			    const char *);
static void		 parse_include(const char *);
static void		 parse_varset(const char *, const char *);
static char		*parse_join(char *, const char *);
static void		 parse_api_none(void);
static void		 parse_listen(enum listener_kind, const char *,
			    const char *);
%}

%union {
	char			*string;
	enum listener_kind	 kind;
}

%token	ALLOW API AUDIT AVAILABLE BADTOKEN BATCH CA DIAL FLUSH FROMFILE FULL
%token	GROUP HANDSHAKE HEAD HEADER HEADERS HTTP IDLE INCLUDE KEY KEYD LIMIT
%token	LINE LISTEN LOCK LOG LOGD MASTERKEY METRICS MITM MODE NETWORK NONE OFF
%token	ON ONLY OPTIONAL PAGE PASSPHRASE PATH PORT PREFIX PROFILE PROXY
%token	REQUEST REQUIRED RESERVE RETAIN RETENTION ROWS SANDBOX SHIP SIZE
%token	SOCKET STATE STRICT TLS UPSTREAM USER WORKERS
%token	<string> STRING NUMBER
%type	<string> word values
%type	<kind>	 kind

%%

grammar		: /* empty */
		| grammar '\n'
		| grammar statement '\n'
		| grammar INCLUDE STRING '\n'	{ parse_include($3); }
		| grammar error '\n'		{ yyerrok; }
		;

statement	: varset
		| state
		| socket
		| user
		| workers
		| sandbox
		| masterkey
		| listen
		| network
		| upstream
		| http
		| log
		| limit
		| tocome
		;

word		: STRING
		| NUMBER
		;

values		: word
		| values word		{ $$ = parse_join($1, $2); }
		;

varset		: STRING '=' values	{ parse_varset($1, $3); }
		;

state		: STATE STRING {
			confset_path("state", $2, &conf->state);
		}
		;

socket		: SOCKET STRING {
			confset_path("socket", $2, &conf->socket);
		}
		    socketopts
		;

socketopts	: /* empty */
		| socketopts GROUP word	{
			confset_name("socket group", $3, &conf->socket_group);
		}
		| socketopts MODE word {
			confset_mode($3, &conf->socket_mode);
		}
		;

user		: USER word {
			confset_name("user", $2, &conf->user);
		}
		    useropts
		;

useropts	: /* empty */
		| useropts KEYD word	{
			confset_name("user keyd", $3, &conf->user_keyd);
		}
		| useropts LOGD word	{
			confset_name("user logd", $3, &conf->user_logd);
		}
		;

workers		: WORKERS word		{ confset_workers(conf, $2); }
		| WORKERS PROXY word	{
			confset_number("workers proxy", $3, 1, CONF_WORKERS_MAX,
			    &conf->workers_proxy);
		}
		| WORKERS MITM word	{
			confset_number("workers mitm", $3, 1, CONF_WORKERS_MAX,
			    &conf->workers_mitm);
		}
		;

sandbox		: SANDBOX REQUIRED	{
			if (confset_once("sandbox"))
				conf->sandbox_required = 1;
		}
		| SANDBOX OPTIONAL	{
			if (confset_once("sandbox"))
				conf->sandbox_required = 0;
		}
		;

masterkey	: MASTERKEY KEY FROMFILE STRING	{
			confset_path("master key", $4, &conf->master_key);
		}
		| MASTERKEY KEY PASSPHRASE	{
			parse_notyet("master key", "passphrase",
			    "a passphrase for the master key");
		}
		;

listen		: LISTEN kind ON word PORT word	{ parse_listen($2, $4, $6); }
		    listentls
		| LISTEN API NONE	{ parse_api_none(); }
		;

kind		: PROXY			{ $$ = LISTENER_PROXY; }
		| API			{ $$ = LISTENER_API; }
		| METRICS		{ $$ = LISTENER_METRICS; }
		;

listentls	: /* empty */
		| TLS {
			parse_notyet("listen", "tls", "TLS listeners");
		}
		;

/*
 * In the lists of blocks no lookahead is needed before `error' can be shifted:
 * so that all implementations of yacc(1) recover within the block.
 */
network		: NETWORK networkopt
		| NETWORK '{' networkopts '}'
		| NETWORK '{' networkopts error '}'	{ yyerrok; }
		;

networkopts	: /* empty */
		| networkopts '\n'
		| networkopts ','
		| networkopts networkopt
		| networkopts error '\n'	{ yyerrok; }
		;

networkopt	: ALLOW word		{ confset_allow(conf, $2); }
		;

upstream	: UPSTREAM upstreamopt
		| UPSTREAM '{' upstreamopts '}'
		| UPSTREAM '{' upstreamopts error '}'	{ yyerrok; }
		;

upstreamopts	: /* empty */
		| upstreamopts '\n'
		| upstreamopts ','
		| upstreamopts upstreamopt
		| upstreamopts error '\n'	{ yyerrok; }
		;

upstreamopt	: CA STRING		{ confset_ca(conf, $2, 0); }
		| CA ONLY STRING	{ confset_ca(conf, $3, 1); }
		| DIAL word		{
			confset_ms("upstream dial", $2, 100, 300000,
			    &conf->upstream.dial_ms);
		}
		| HANDSHAKE word	{
			confset_ms("upstream handshake", $2, 100, 300000,
			    &conf->upstream.handshake_ms);
		}
		| HEAD word		{
			confset_ms("upstream head", $2, 1000, 3600000,
			    &conf->upstream.head_ms);
		}
		| IDLE word		{
			confset_ms("upstream idle", $2, 1000, 3600000,
			    &conf->upstream.idle_ms);
		}
		;

http		: HTTP httpopt
		| HTTP '{' httpopts '}'
		| HTTP '{' httpopts error '}'	{ yyerrok; }
		;

httpopts	: /* empty */
		| httpopts '\n'
		| httpopts ','
		| httpopts httpopt
		| httpopts error '\n'	{ yyerrok; }
		;

httpopt		: HEADERS word		{
			confset_number("http headers", $2, 16, 1000,
			    &conf->http.headers_max);
		}
		| HEADER SIZE word	{
			confset_size_int("http header size", $3, 4096, 262144,
			    &conf->http.header_size);
		}
		| REQUEST LINE word	{
			confset_size_int("http request line", $3, 1024, 65536,
			    &conf->http.line_max);
		}
		;

log		: LOG logopt
		| LOG '{' logopts '}'
		| LOG '{' logopts error '}'	{ yyerrok; }
		;

logopts		: /* empty */
		| logopts '\n'
		| logopts ','
		| logopts logopt
		| logopts error '\n'	{ yyerrok; }
		;

logopt		: MODE AVAILABLE	{
			if (confset_once("log mode"))
				conf->log.strict = 0;
		}
		| MODE STRICT		{
			if (confset_once("log mode"))
				conf->log.strict = 1;
		}
		| FLUSH word		{
			confset_ms("log flush", $2, 5, 5000,
			    &conf->log.flush_ms);
		}
		| BATCH word		{
			confset_number("log batch", $2, 1, 10000,
			    &conf->log.batch);
		}
		| RETAIN word		{
			confset_age("log retain", $2, &conf->log.retain_age);
			conf->log.age_from = SOURCE_FILE;
		}
		| RETAIN ROWS word	{
			confset_rows("log retain rows", $3,
			    &conf->log.retain_rows);
			conf->log.rows_from = SOURCE_FILE;
		}
		| RETAIN AUDIT word	{
			confset_age("log retain audit", $3,
			    &conf->log.retain_audit);
		}
		| RESERVE word		{
			confset_size("log reserve", $2, 1LL << 20, 1LL << 40,
			    &conf->log.reserve);
		}
		| PATH FULL		{
			if (confset_once("log path"))
				conf->log.path = PATH_FULL;
		}
		| PATH PREFIX		{
			if (confset_once("log path"))
				conf->log.path = PATH_PREFIX;
		}
		| PATH NONE		{
			if (confset_once("log path"))
				conf->log.path = PATH_NONE;
		}
		| RETENTION LOCK	{
			if (confset_once("log retention lock"))
				conf->log.lock = 1;
		}
		;

limit		: LIMIT PROFILE OFF	{ (void)confset_once("limit profile"); }
		| LIMIT PROFILE STRICT	{
			parse_notyet("limit profile", "strict", "rate limits");
		}
		| LIMIT PROFILE STRING	{
			parse_notyet("limit profile", $3, "rate limits");
		}
		| LIMIT word {
			parse_notyet("limit", $2, "rate limits");
		}
		;

tocome		: PAGE {
			parse_notyet("page", NULL, "settings of the page");
		}
		| SHIP			{
			parse_notyet("ship", NULL,
			    "shipping the log elsewhere");
		}
		;

%%

/* Sorted, for bsearch(3). */
static const struct keyword {
	const char	*name;
	int		 token;
} keywords[] = {
	{ "allow",	ALLOW },
	{ "api",	API },
	{ "audit",	AUDIT },
	{ "available",	AVAILABLE },
	{ "batch",	BATCH },
	{ "ca",		CA },
	{ "dial",	DIAL },
	{ "file",	FROMFILE },
	{ "flush",	FLUSH },
	{ "full",	FULL },
	{ "group",	GROUP },
	{ "handshake",	HANDSHAKE },
	{ "head",	HEAD },
	{ "header",	HEADER },
	{ "headers",	HEADERS },
	{ "http",	HTTP },
	{ "idle",	IDLE },
	{ "include",	INCLUDE },
	{ "key",	KEY },
	{ "keyd",	KEYD },
	{ "limit",	LIMIT },
	{ "line",	LINE },
	{ "listen",	LISTEN },
	{ "lock",	LOCK },
	{ "log",	LOG },
	{ "logd",	LOGD },
	{ "master",	MASTERKEY },
	{ "metrics",	METRICS },
	{ "mitm",	MITM },
	{ "mode",	MODE },
	{ "network",	NETWORK },
	{ "none",	NONE },
	{ "off",	OFF },
	{ "on",		ON },
	{ "only",	ONLY },
	{ "optional",	OPTIONAL },
	{ "page",	PAGE },
	{ "passphrase",	PASSPHRASE },
	{ "path",	PATH },
	{ "port",	PORT },
	{ "prefix",	PREFIX },
	{ "profile",	PROFILE },
	{ "proxy",	PROXY },
	{ "request",	REQUEST },
	{ "required",	REQUIRED },
	{ "reserve",	RESERVE },
	{ "retain",	RETAIN },
	{ "retention",	RETENTION },
	{ "rows",	ROWS },
	{ "sandbox",	SANDBOX },
	{ "ship",	SHIP },
	{ "size",	SIZE },
	{ "socket",	SOCKET },
	{ "state",	STATE },
	{ "strict",	STRICT },
	{ "tls",	TLS },
	{ "upstream",	UPSTREAM },
	{ "user",	USER },
	{ "workers",	WORKERS }
};

static int	 lex_newline(void);
static int	 lex_token(int);
static int	 lex_macro(void);
static int	 lex_quoted(void);
static int	 lex_word(void);
static int	 lex_bad(void);
static int	 lex_wordchar(int);
static int	 lex_lookup(const char *);
static void	 lex_show(const char *, size_t);
static int	 keyword_cmp(const void *, const void *);

struct conf *
parse_config(const char *file)
{
	includes = 1;
	errors = 0;
	lex.line = 0;
	if (file != NULL && confsrc_open(file) == -1) {
		parse_clean();
		return (NULL);
	}
	return (parse_run(file != NULL ? file : "built-in defaults"));
}

struct conf *
parse_buffer(const char *buf, size_t len, const char *title)
{
	char	*copy;

	includes = 0;
	if ((copy = malloc(len + 1)) == NULL)
		err(1, "%s", title);
	if (len > 0)
		memcpy(copy, buf, len);
	confsrc_push(title, copy, len);
	return (parse_run(title));
}

/* Parse what confsrc.c holds, if anything. */
static struct conf *
parse_run(const char *title)
{
	struct conf	*result = NULL;

	memset(&lex, 0, sizeof(lex));
	lex.name = title;
	lex.last = '\n';
	lex.text = "";
	errors = 0;
	mentioned = 0;
	api_none = 0;
	if ((conf = conf_new()) == NULL)
		err(1, "%s", title);
	if (confsrc_top() != NULL && yyparse() != 0 && errors == 0)
		errors++;
	if (errors == 0 && conf_finish(conf, geteuid(), mentioned) == -1)
		err(1, "%s", title);
	/* Rules between values say little while values are wrong. */
	if (errors == 0 && conf_check(conf, title) == 0)
		result = conf;
	else
		conf_free(conf);
	conf = NULL;
	parse_clean();
	return (result);
}

static void
parse_clean(void)
{
	confsrc_clean();
	confset_clean();
	/* It still pointed at them. */
	memset(&lex, 0, sizeof(lex));
}

const char *
parse_where(int *line)
{
	*line = lex.line;
	return (lex.name);
}

void
parse_error(const char *fmt, ...)
{
	char	 msg[1536];
	va_list	 ap;

	if (++errors > ERRORS_MAX)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (lex.line == 0)
		conf_report("%s", msg);		/* it names the file */
	else
		conf_report("%s:%d: %s", lex.name, lex.line, msg);
	if (errors == ERRORS_MAX)
		conf_report("%s: too many errors", lex.name);
}

/* The parser itself calls this, and always with the same text. */
static int
yyerror(const char *msg)
{
	if (lex.quiet)
		return (0);
	if (lex.first != NULL)
		parse_error("unknown keyword \"%s\"", lex.first);
	else
		parse_error("%s at %s", msg, lex.text);
	return (0);
}

static void
parse_notyet(const char *what, const char *value, const char *feature)
{
	parse_error("%s%s%s: not supported yet: %s", what,
	    value == NULL ? "" : " ", value == NULL ? "" : value, feature);
	confsrc_skip();
}

static void
parse_include(const char *file)
{
	const char	*errstr;

	/* The newline has been read, and the next line has not. */
	if (!includes)
		parse_error("include is not possible here");
	else if ((errstr = confval_path(file)) != NULL)
		parse_error("include \"%s\" %s", file, errstr);
	else
		(void)confsrc_open(file);
}

static void
parse_varset(const char *name, const char *value)
{
	if (!confsrc_symname(name))
		parse_error("\"%s\" is not a name for a macro", name);
	else
		confsrc_symset(name, value, 0);
}

static char *
parse_join(char *a, const char *b)
{
	char	 both[CONF_PATH_MAX];
	int	 len;

	len = snprintf(both, sizeof(both), "%s %s", a, b);
	if (len < 0 || (size_t)len >= sizeof(both)) {
		parse_error("the value of a macro is too long");
		return (a);
	}
	return (confsrc_keep(both, len));
}

static void
parse_api_none(void)
{
	if (!api_none && (mentioned & 1U << LISTENER_API) != 0)
		parse_error("listen api none, but there is a listen api on "
		    "line");
	api_none = 1;
	mentioned |= 1U << LISTENER_API;
}

static void
parse_listen(enum listener_kind kind, const char *addr, const char *port)
{
	if (kind == LISTENER_API && api_none)
		parse_error("listen api on, but there is a listen api none "
		    "line");
	mentioned |= 1U << kind;
	confset_listen(conf, kind, addr, port);
}

/* The lexer. */

static int
yylex(void)
{
	struct source	*file;
	int		 c;

	for (;;) {
		if (errors > ERRORS_MAX)
			return (0);
		c = confsrc_space();
		if (c == EOF && confsrc_top() != NULL &&
		    confsrc_top()->name == NULL) {
			confsrc_pop();
			continue;
		}
		if ((file = confsrc_file()) != NULL) {
			lex.name = file->name;
			lex.line = file->line;
		}
		if (c == EOF) {
			/* The last line of a file may lack its newline. */
			if (lex.last != '\n')
				return (lex_newline());
			if (file == NULL)
				return (0);
			confsrc_pop();
			lex.text = "end of file";
			continue;
		}
		if (c != '$')
			break;
		if (lex_macro() == -1)
			return (lex.last = BADTOKEN);
	}
	return (lex.last = lex_token(c));
}

static int
lex_newline(void)
{
	lex.text = "end of line";
	lex.first = NULL;
	lex.value = 0;
	lex.quiet = 0;
	return (lex.last = '\n');
}

static int
lex_token(int c)
{
	switch (c) {
	case '\n':
		(void)confsrc_getc();
		confsrc_file()->line++;
		return (lex_newline());
	case '=':
		/* So the first word was a macro's name. */
		lex.first = NULL;
		lex.value = 1;
		/* FALLTHROUGH */
	case '{':
	case '}':
	case ',':
		lex.text = c == '=' ? "\"=\"" : c == '{' ? "\"{\"" :
		    c == '}' ? "\"}\"" : "\",\"";
		return (confsrc_getc());
	case '"':
		return (lex_quoted());
	default:
		if (lex_wordchar(c))
			return (lex_word());
		parse_error("unexpected character 0x%02x", c);
		return (lex_bad());
	}
}

/* After an error in a token: nothing more about this line. */
static int
lex_bad(void)
{
	struct source	*src;

	src = confsrc_top();
	while (src->pos < src->len && src->buf[src->pos] != '\n')
		src->pos++;
	lex.quiet = 1;
	return (BADTOKEN);
}

static int
lex_wordchar(int c)
{
	return (c > 0x20 && c < 0x7f && strchr("{},=#\"$\\", c) == NULL);
}

/* Go on with the value of a macro; its own '$' means nothing. */
static int
lex_macro(void)
{
	char		 name[64];
	const char	*value;
	size_t		 len = 0;

	(void)confsrc_getc();
	while (lex_wordchar(confsrc_peek()) && len < sizeof(name) - 1)
		name[len++] = confsrc_getc();
	name[len] = '\0';
	value = confsrc_symget(name);
	if (confsrc_top()->name == NULL)
		parse_error("a macro within the value of a macro");
	else if (value == NULL)
		parse_error("macro \"%s\" is not defined", name);
	else {
		/* Only files can be nested too deep. */
		(void)confsrc_push(NULL, strdup(value), strlen(value));
		return (0);
	}
	(void)lex_bad();
	return (-1);
}

static int
lex_quoted(void)
{
	char	 buf[2 * CONF_PATH_MAX];
	size_t	 len = 0;
	int	 c, next;

	(void)confsrc_getc();
	for (;;) {
		c = confsrc_peek();
		if (c == EOF || c == '\n') {
			parse_error("unterminated string");
			return (lex_bad());
		}
		(void)confsrc_getc();
		if (c == '"')
			break;
		next = confsrc_peek();
		if (c == '\\' && (next == '"' || next == '\\'))
			c = confsrc_getc();
		if (c == '\0') {
			parse_error("unexpected character 0x00");
			return (lex_bad());
		}
		if (len == sizeof(buf) - 1) {
			parse_error("string too long");
			return (lex_bad());
		}
		buf[len++] = c;
	}
	yylval.string = confsrc_keep(buf, len);
	lex_show(buf, len);
	return (STRING);
}

static int
lex_word(void)
{
	char	 buf[256];
	size_t	 len = 0;
	int	 token;

	while (lex_wordchar(confsrc_peek())) {
		if (len == sizeof(buf) - 1) {
			parse_error("word too long");
			return (lex_bad());
		}
		buf[len++] = confsrc_getc();
	}
	buf[len] = '\0';
	yylval.string = confsrc_keep(buf, len);
	lex_show(buf, len);
	if (strspn(buf, "0123456789") == len)
		return (NUMBER);
	token = lex.value ? STRING : lex_lookup(buf);
	if (token == STRING && lex.last == '\n')
		lex.first = yylval.string;
	return (token);
}

static void
lex_show(const char *text, size_t len)
{
	char	 buf[80];

	/* Enough to find it again. */
	(void)snprintf(buf, sizeof(buf), "\"%.*s\"", len > 64 ? 64 : (int)len,
	    text);
	lex.text = confsrc_keep(buf, strlen(buf));
}

static int
lex_lookup(const char *word)
{
	const struct keyword	*k;

	k = bsearch(word, keywords, sizeof(keywords) / sizeof(keywords[0]),
	    sizeof(keywords[0]), keyword_cmp);
	return (k == NULL ? STRING : k->token);
}

static int
keyword_cmp(const void *word, const void *keyword)
{
	return (strcmp(word, ((const struct keyword *)keyword)->name));
}
