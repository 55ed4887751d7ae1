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

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include <linux/landlock.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "promise.h"
#include "sandbox.h"

/*
 * Landlock by number: headers are older than kernels.  Of what the running
 * kernel does not know nothing may be asked, so everything is masked by its
 * ABI, and the structure is as long as that ABI's.
 */

#ifndef LANDLOCK_ACCESS_FS_REFER		/* ABI 2 */
#define LANDLOCK_ACCESS_FS_REFER	(1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE		/* ABI 3 */
#define LANDLOCK_ACCESS_FS_TRUNCATE	(1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_NET_BIND_TCP		/* ABI 4 */
#define LANDLOCK_ACCESS_NET_BIND_TCP	(1ULL << 0)
#define LANDLOCK_ACCESS_NET_CONNECT_TCP	(1ULL << 1)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV		/* ABI 5 */
#define LANDLOCK_ACCESS_FS_IOCTL_DEV	(1ULL << 15)
#endif
#ifndef LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET	/* ABI 6 */
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET	(1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL			(1ULL << 1)
#endif

#define RIGHTS_R	(LANDLOCK_ACCESS_FS_READ_FILE | \
			    LANDLOCK_ACCESS_FS_READ_DIR)
#define RIGHTS_W	(LANDLOCK_ACCESS_FS_WRITE_FILE | \
			    LANDLOCK_ACCESS_FS_TRUNCATE)
#define RIGHTS_C	(LANDLOCK_ACCESS_FS_MAKE_REG | \
			    LANDLOCK_ACCESS_FS_MAKE_DIR | \
			    LANDLOCK_ACCESS_FS_MAKE_SYM | \
			    LANDLOCK_ACCESS_FS_MAKE_SOCK | \
			    LANDLOCK_ACCESS_FS_MAKE_FIFO | \
			    LANDLOCK_ACCESS_FS_REMOVE_FILE | \
			    LANDLOCK_ACCESS_FS_REMOVE_DIR | \
			    LANDLOCK_ACCESS_FS_REFER)
/* The kernel opens for reading what it executes. */
#define RIGHTS_X	(LANDLOCK_ACCESS_FS_EXECUTE | \
			    LANDLOCK_ACCESS_FS_READ_FILE)
/* Nobody gets these. */
#define RIGHTS_NEVER	(LANDLOCK_ACCESS_FS_MAKE_CHAR | \
			    LANDLOCK_ACCESS_FS_MAKE_BLOCK)
#define RIGHTS_FILE	(LANDLOCK_ACCESS_FS_READ_FILE | RIGHTS_W | \
			    LANDLOCK_ACCESS_FS_EXECUTE | \
			    LANDLOCK_ACCESS_FS_IOCTL_DEV)

struct ruleset {
	uint64_t	fs;
	uint64_t	net;
	uint64_t	scoped;
};

static uint64_t	landlock_known(void);
static uint64_t	landlock_rights(const char *, uint32_t);
static size_t	landlock_size(void);

static int	maxabi = INT32_MAX;

void
sandbox_maxabi(int abi)
{
	maxabi = abi;
}

int
landlock_abi(void)
{
	long	abi;

	abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 0)
		abi = 0;
	return (abi < maxabi ? abi : maxabi);
}

int
landlock_open(uint32_t promises)
{
	struct ruleset	rs = { 0, 0, 0 };
	int		abi;

	if ((abi = landlock_abi()) < 1)
		return (-2);
	rs.fs = landlock_known();
	if (abi >= 4 && (promises & (PROMISE_INET | PROMISE_DNS)) == 0)
		rs.net = LANDLOCK_ACCESS_NET_BIND_TCP |
		    LANDLOCK_ACCESS_NET_CONNECT_TCP;
	if (abi >= 6 && (promises & PROMISE_UNIX) == 0)
		rs.scoped |= LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET;
	if (abi >= 6 && (promises & PROMISE_PROC) == 0)
		rs.scoped |= LANDLOCK_SCOPE_SIGNAL;
	return (syscall(SYS_landlock_create_ruleset, &rs, landlock_size(), 0));
}

/* The kernel refuses rights of directories in the rule of a file. */
int
landlock_path(int ruleset, int fd, const char *letters, uint32_t promises)
{
	struct landlock_path_beneath_attr	rule;
	struct stat				sb;

	if (fstat(fd, &sb) == -1)
		return (-1);
	memset(&rule, 0, sizeof(rule));
	rule.parent_fd = fd;
	rule.allowed_access = landlock_rights(letters, promises) &
	    landlock_known();
	if (!S_ISDIR(sb.st_mode))
		rule.allowed_access &= RIGHTS_FILE;
	if (rule.allowed_access == 0)
		return (0);
	return (syscall(SYS_landlock_add_rule, ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
}

int
landlock_close(int ruleset)
{
	int	rc, error;

	rc = syscall(SYS_landlock_restrict_self, ruleset, 0);
	error = errno;
	close(ruleset);
	errno = error;
	return (rc);
}

static uint64_t
landlock_rights(const char *letters, uint32_t promises)
{
	uint64_t	rights = 0;

	if (strchr(letters, 'r') != NULL && (promises & PROMISE_RPATH))
		rights |= RIGHTS_R;
	if (strchr(letters, 'w') != NULL && (promises & PROMISE_WPATH))
		rights |= RIGHTS_W;
	if (strchr(letters, 'c') != NULL && (promises & PROMISE_CPATH))
		rights |= RIGHTS_C;
	if (strchr(letters, 'x') != NULL && (promises & PROMISE_EXEC))
		rights |= RIGHTS_X;
	if (promises & PROMISE_TTY)
		rights |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	return (rights);
}

/* All rights to files that this kernel can take away. */
static uint64_t
landlock_known(void)
{
	uint64_t	rights;
	int		abi = landlock_abi();

	rights = RIGHTS_R | RIGHTS_W | RIGHTS_C | RIGHTS_X | RIGHTS_NEVER |
	    LANDLOCK_ACCESS_FS_IOCTL_DEV;
	if (abi < 2)
		rights &= ~LANDLOCK_ACCESS_FS_REFER;
	if (abi < 3)
		rights &= ~LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi < 5)
		rights &= ~LANDLOCK_ACCESS_FS_IOCTL_DEV;
	return (rights);
}

static size_t
landlock_size(void)
{
	int	abi = landlock_abi();

	if (abi < 4)
		return (sizeof(uint64_t));
	if (abi < 6)
		return (2 * sizeof(uint64_t));
	return (sizeof(struct ruleset));
}
