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

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <seccomp.h>

#include "calls.h"
#include "promise.h"
#include "rules.h"

static void	seccomp_calls(struct filter *);
static void	seccomp_list(struct filter *, const struct calls *, uint32_t);

/*
 * A filter for the promises.  The binary tree makes it some ten comparisons
 * for a call with arguments to look at; the others the kernel remembers.
 */
int
seccomp_confine(uint32_t promises)
{
	struct filter	f;
	int		rc;

	memset(&f, 0, sizeof(f));
	f.promises = promises;
	f.unknown = SCMP_ACT_TRAP;
	if (promises & PROMISE_EXEC)
		f.unknown = SCMP_ACT_ERRNO(ENOSYS);
	if ((f.ctx = seccomp_init(f.unknown)) == NULL) {
		errno = ENOMEM;
		return (-1);
	}
	if ((rc = seccomp_attr_set(f.ctx, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS)) == 0 &&
	    (rc = seccomp_attr_set(f.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2)) == 0) {
		seccomp_calls(&f);
		rules_add(&f);
		if ((rc = f.error) == 0)
			rc = seccomp_load(f.ctx);
	}
	seccomp_release(f.ctx);
	if (rc == 0)
		return (0);
	errno = rc == -ECANCELED ? ENOSYS : -rc;
	return (-1);
}

/* Allow or forbid by name alone. */
static void
seccomp_calls(struct filter *f)
{
	const struct calls	*c;

	for (c = calls_allow; c->names != NULL; c++) {
		if (c->promises == 0 || (c->promises & f->promises))
			seccomp_list(f, c, SCMP_ACT_ALLOW);
	}
	for (c = calls_eacces; c->names != NULL; c++) {
		if ((c->promises & f->promises) == 0)
			seccomp_list(f, c, SCMP_ACT_ERRNO(EACCES));
	}
	for (c = calls_eperm; c->names != NULL; c++) {
		if ((c->promises & f->promises) == 0)
			seccomp_list(f, c, SCMP_ACT_ERRNO(EPERM));
	}
	for (c = calls_kill; c->names != NULL; c++) {
		if ((c->promises & f->promises) == 0)
			seccomp_list(f, c, SCMP_ACT_KILL_PROCESS);
	}
}

static void
seccomp_list(struct filter *f, const struct calls *c, uint32_t action)
{
	char	*copy, *rest, *name;

	if ((copy = rest = strdup(c->names)) == NULL) {
		f->error = -ENOMEM;
		return;
	}
	while ((name = strsep(&rest, " ")) != NULL)
		filter_rule(f, action, name, 0, NULL);
	free(copy);
}

/* The first error stays, the rest of the rules is then for nothing. */
void
filter_rule(struct filter *f, uint32_t action, const char *name,
    unsigned int n, const struct scmp_arg_cmp *args)
{
	int	nr, rc;

	/* libseccomp does not want to be told its default. */
	if (f->error != 0 || action == f->unknown)
		return;
	/* Below 0 are calls that this architecture does not have. */
	if ((nr = seccomp_syscall_resolve_name(name)) < 0)
		return;
	if ((rc = seccomp_rule_add_array(f->ctx, action, nr, n, args)) != 0)
		f->error = rc;
}
