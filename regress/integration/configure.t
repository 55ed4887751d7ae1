#!/bin/sh
#
# configure names what is missing, in one sentence and with its package, and
# leaves nothing behind that make could go on with.

# shellcheck source=regress/tap.sh
. "$TOP/regress/tap.sh"

dir=$(mktemp -d) || exit 1
cp -R "$TOP/configure" "$TOP/have" "$dir" && cd "$dir" || exit 1

# A compiler that does not compile the probe $NO.
cat > cc << 'END'
#!/bin/sh
case " $* " in
*" have/$NO.c "*)	exit 1 ;;
esac
exec ${REAL_CC:-cc} "$@"
END
chmod +x cc

# without probe [option ...]: configure where that probe fails.
without()
{
	NO=$1
	export NO
	shift
	./configure CC="$dir/cc" "$@" > out 2>&1
}

# refuses words probe [option ...]
refuses()
{
	words=$1
	shift
	without "$@" && return 1
	[ ! -e config.h ] && [ ! -e config.mk ] || return 1
	cat out
	[ "$(grep -c '^configure: ' out)" -eq 1 ] && tail -n 1 out |
	    grep -F -e "$words"
}

# configured probe [option ...]
configured()
{
	without "$@" || { cat out; return 1; }
	[ -s config.h ] && [ -s config.mk ]
}

# has macro value: in config.h
has()
{
	cat config.h
	grep -qF "#define $1	\"$2\"" config.h
}

usage_error()
{
	./configure "$@"
	[ $? -eq 2 ]
}

ok "everything is there" configured none
ok "places" has BROKERD_LIBEXECDIR /usr/local/libexec/brokerd
ok "another prefix" configured none --prefix=/opt/b --statedir=/srv/b
ok "moves the programs" has BROKERD_LIBEXECDIR /opt/b/libexec/brokerd
ok "and the state" has BROKERD_STATEDIR /srv/b
ok "unknown option" usage_error --with-everything
ok "relative prefix" usage_error --prefix=usr

ok "no compiler" refuses "a C compiler" none CC=/nonexistent/cc
ok "no yacc" refuses "yacc (/nonexistent/yacc) is missing" none \
    YACC=/nonexistent/yacc
case $(uname -s) in
Linux)
	ok "no pkg-config" refuses "apt-get install pkg-config" none \
	    PKG_CONFIG=/nonexistent/pkg-config
	ok "no libbsd" refuses "apt-get install libbsd-dev" bsd
	ok "no libevent" refuses "apt-get install libevent-dev" event
	ok "no libtls" refuses "apt-get install libtls-dev" tls
	ok "no libcrypto" refuses "apt-get install libssl-dev" crypto
	ok "no SQLite" refuses "apt-get install libsqlite3-dev" sqlite
	ok "no libsodium" refuses "apt-get install libsodium-dev" sodium
	ok "no c-ares" refuses "apt-get install libc-ares-dev" cares
	ok "no jansson" refuses "apt-get install libjansson-dev" jansson
	ok "no Landlock header" refuses "apt-get install linux-libc-dev" \
	    landlock
	ok "no libseccomp" refuses "apt-get install libseccomp-dev" seccomp
	ok "with the way out" refuses "./configure --without-sandbox" seccomp
	ok "which is one" configured seccomp --without-sandbox
	ok "and is said" has BROKERD_SANDBOX none
	;;
OpenBSD)
	ok "no SQLite" refuses "pkg_add sqlite3" sqlite
	ok "no libsodium" refuses "pkg_add libsodium" sodium
	ok "no c-ares" refuses "pkg_add libcares" cares
	ok "no jansson" refuses "pkg_add jansson" jansson
	;;
esac
ok "no cmocka stops the tests only" configured cmocka

rm -rf "$dir"
done_testing
