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
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "ctl.h"

static int	log_level(struct ctl *, int);

int
cmd_init(struct ctl *ctl, struct args *args)
{
	json_t	*o;
	int	 status;

	o = call_try(ctl, "POST", call_path("/v1/brokerd/init"), NULL, 409,
	    &status);
	if (ctl->json)
		call_print(o);
	else if (status == 409)
		printf("initialized already\n");
	else
		printf("initialized; there is a vault \"default\" now\n"
		    "next: brokerctl credential set KEY\n"
		    "      brokerctl service add -t bearer -k KEY name host\n"
		    "      brokerctl run -- command\n");
	json_decref(o);
	return (0);
}

int
cmd_reload(struct ctl *ctl, struct args *args)
{
	json_t	*o;

	o = call(ctl, "POST", call_path("/v1/brokerd/reload"), NULL);
	return (call_done(ctl, o, "the configuration was read again\n"));
}

int
cmd_log_verbose(struct ctl *ctl, struct args *args)
{
	return (log_level(ctl, 1));
}

int
cmd_log_brief(struct ctl *ctl, struct args *args)
{
	return (log_level(ctl, 0));
}

static int
log_level(struct ctl *ctl, int verbose)
{
	json_t	*body, *o;

	if ((body = json_pack("{s:b}", "verbose", verbose)) == NULL)
		err(1, NULL);
	o = call(ctl, "POST", call_path("/v1/brokerd/verbose"), body);
	return (call_done(ctl, o, "the text log is %s\n", verbose ?
	    "verbose" : "brief"));
}

/* The link alone is the output, for a program that opens it. */
int
cmd_open(struct ctl *ctl, struct args *args)
{
	const char	*vault = args_value(args, 'v', NULL);
	json_t		*body, *o;

	if ((body = json_object()) == NULL || (vault != NULL &&
	    json_object_set_new(body, "vault", new_string(vault)) == -1))
		err(1, NULL);
	o = call(ctl, "POST", call_path("/v1/brokerd/open"), body);
	return (call_done(ctl, o, "%s\n", get_string(o, "url")));
}

int
cmd_ca(struct ctl *ctl, struct args *args)
{
	struct answer	 answer;
	json_t		*o;

	call_raw(ctl, "GET", call_path("/v1/mitm/ca.pem"), &answer);
	if (ctl->json) {
		if ((o = json_pack("{s:s, s:i}", "certificate", answer.body,
		    "proxy_port", (int)answer.proxy_port)) == NULL)
			errx(1, "the certificate is not text");
		call_print(o);
		json_decref(o);
	} else
		fwrite(answer.body, 1, answer.length, stdout);
	answer_free(&answer);
	return (0);
}
