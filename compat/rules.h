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

#ifndef RULES_H
#define RULES_H

#include <sys/types.h>

#include <stdint.h>

#include <seccomp.h>

struct filter {
	scmp_filter_ctx	ctx;
	uint32_t	promises;
	uint32_t	unknown;	/* action for what has no rule */
	int		error;		/* of libseccomp, negative */
};

/* seccomp.c: one more rule, if there is a system call of that name. */
void	filter_rule(struct filter *, uint32_t, const char *, unsigned int,
	    const struct scmp_arg_cmp *);

/* rules.c: all rules that look at arguments. */
void	rules_add(struct filter *);

#endif /* RULES_H */
