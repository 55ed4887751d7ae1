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

#ifndef SETTINGS_H
#define SETTINGS_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "http.h"
#include "msg.h"
#include "verify.h"

/*
 * What the configuration says to proxy and mitm.  The functions go into
 * struct proc_child; a new configuration is collected beside the one that
 * rules and takes its place at activation.
 */
struct settings {
	struct http_limits	 limits;
	unsigned int		 dial;		/* ms */
	unsigned int		 handshake;
	unsigned int		 head;
	unsigned int		 idle;
	uint8_t			 strict;	/* of the log */
	uint8_t			 path_mode;
	struct verify		*roots;		/* that upstreams are held to */
};

/* The one that rules; never NULL, and no pointer into it is kept. */
const struct settings	*settings(void);

void	 settings_start(void);
int	 settings_conf(struct msg *, char *, size_t);
int	 settings_file(struct msg_file *, int *, char *, size_t);
int	 settings_end(char *, size_t);
void	 settings_activate(void);
void	 settings_cancel(void);

#endif /* SETTINGS_H */
