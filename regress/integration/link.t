#!/bin/sh
#
# What a program is linked with says what it cannot do: logd speaks no TLS,
# no worker can open the database, keyd has no libtls, the resolver has
# neither.  And each is position independent with all relocations read-only.
# $PROGS comes from make regress.

# shellcheck source=regress/tap.sh
. "$TOP/regress/tap.sh"

cd "$TOP" || exit 1

base="c bsd util seccomp event event_core pthread m gcc_s asan ubsan"

# The libraries a program may name, and those that must not even come with
# another one.
may()
{
	case $1 in
	brokerd/brokerd)	echo ;;
	proxy/proxy|mitm/mitm)	echo tls ssl crypto ;;
	resolver/resolver)	echo cares ;;
	keyd/keyd)		echo crypto sodium ;;
	logd/logd)		echo sqlite3 ;;
	api/api)		echo tls ssl crypto sodium jansson ;;
	brokerctl/brokerctl)	echo tls ssl crypto sodium jansson ;;
	*)			return 1 ;;
	esac
}

never()
{
	case $1 in
	proxy/*|mitm/*)		echo sqlite3 sodium cares jansson ;;
	brokerd/*)		echo tls ssl crypto sqlite3 sodium cares ;;
	resolver/*)		echo tls ssl crypto sqlite3 sodium jansson ;;
	keyd/*)			echo tls ssl sqlite3 cares jansson ;;
	logd/*)			echo tls ssl crypto sodium cares jansson ;;
	api/*|brokerctl/*)	echo sqlite3 cares ;;
	*)			return 1 ;;
	esac
}

# named program: the libraries it names itself, without lib and .so
named()
{
	readelf -d "$1" | sed -n \
	    's/.*(NEEDED).*\[lib\([a-z0-9_]*\)[-.0-9]*\.so.*/\1/p'
}

only_its_own()
{
	allowed=" $base $(may "$1") " || return 1
	found=$(named "$1")
	echo "names $found; may name$allowed"
	[ -n "$found" ] || return 1
	for lib in $found; do
		case $allowed in
		*" $lib "*)	;;
		*)		return 1 ;;
		esac
	done
}

not_even_indirectly()
{
	all=$(ldd "$1") && unwanted=$(never "$1") || return 1
	printf '%s\n' "$all"
	for lib in $unwanted; do
		case $all in
		*"lib$lib.so"*|*"lib$lib-"*)	return 1 ;;
		esac
	done
}

hardened()
{
	readelf -hld "$1"
	readelf -h "$1" | grep -q 'Type:.*DYN' &&
	    readelf -l "$1" | grep -q GNU_RELRO &&
	    readelf -d "$1" | grep -Eq 'BIND_NOW|FLAGS_1.*NOW'
}

ok "make regress names the programs" [ -n "${PROGS+set}" ]
for p in ${PROGS-}; do
	ok "$p is linked with its own libraries" only_its_own "$p"
	ok "$p gets no other through them" not_even_indirectly "$p"
	ok "$p is position independent, RELRO, now" hardened "$p"
done

done_testing
