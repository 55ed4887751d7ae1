#!/bin/sh
#
# make install puts each file where people of the system look for it, and
# make uninstall takes each away.  $PROGS comes from make regress.

# shellcheck source=regress/tap.sh
. "$TOP/regress/tap.sh"

unset MAKEFLAGS MAKELEVEL
cd "$TOP" || exit 1
dest=$(mktemp -d) || exit 1

# var name: its value in config.mk
var()
{
	sed -n "s/^$1 =[ 	]*//p" config.mk
}

# mode path mode: as ls shows it
mode()
{
	ls -l "$dest$1" || return 1
	[ -n "$(find "$dest$1" -perm "$2")" ]
}

absent()
{
	[ ! -e "$dest$1" ]
}

no_files()
{
	left=$(find "$dest" -type f)
	printf '%s\n' "$left"
	[ -z "$left" ]
}

prefix=$(var PREFIX)
ok "make install" make install DESTDIR="$dest"
for p in ${PROGS-}; do
	case $p in
	brokerd/*|brokerctl/*)	dir=$(var SBINDIR) ;;
	*)			dir=$(var LIBEXECDIR) ;;
	esac
	ok "$p in $dir" mode "$dir/${p##*/}" 0555
done
for m in man/*.[1-9]; do
	[ -f "$m" ] || continue
	ok "$m" mode "$(var MANDIR)/man${m##*.}/${m##*/}" 0444
done
case $(uname -s) in
Linux)
	unit=$prefix/lib/systemd/system/brokerd.service
	ok "systemd unit" mode "$unit" 0644
	ok "it starts the program that is installed" grep -F \
	    "ExecStart=$(var SBINDIR)/brokerd -d" "$dest$unit"
	ok "users" mode "$prefix/lib/sysusers.d/brokerd.conf" 0644
	examples=$prefix/share/doc/brokerd/examples
	;;
OpenBSD)
	ok "rc.d script" mode /etc/rc.d/brokerd 0555
	examples=$prefix/share/examples/brokerd
	;;
esac
ok "example" mode "$examples/brokerd.conf" 0644
ok "completion for ksh" mode "$examples/brokerctl.ksh" 0644
ok "for bash" mode \
    "$prefix/share/bash-completion/completions/brokerctl" 0644
ok "for zsh" mode "$prefix/share/zsh/site-functions/_brokerctl" 0644
ok "the configuration is left to the operator" absent \
    "$(var SYSCONFDIR)/brokerd.conf"
ok "a directory to be locked into" [ -d "$dest$(var EMPTY)" ]
ok "again, over what is there" make install DESTDIR="$dest"
ok "make uninstall" make uninstall DESTDIR="$dest"
ok "leaves no file" no_files

rm -rf "$dest"
done_testing
