# Shared by the commands of quickstart; read by it, in the root of the tree.
# shellcheck shell=sh

# What building and running needs, and what the tests and checkers need.
DEBIAN_BUILD="gcc libc6-dev linux-libc-dev make pkg-config bison libbsd-dev
    libtls-dev libevent-dev libsqlite3-dev libssl-dev libsodium-dev
    libc-ares-dev libjansson-dev libseccomp-dev ca-certificates"
DEBIAN_RUN="curl perl-base"
DEBIAN_CHECK="bmake byacc clang clang-tidy cppcheck mandoc shellcheck valgrind
    libcmocka-dev perl libio-socket-ssl-perl libjson-perl curl openssl
    sqlite3 chromium chromium-driver mksh zsh"
OPENBSD_BUILD="sqlite3 libsodium libcares jansson"
OPENBSD_RUN="curl"
OPENBSD_CHECK="bmake gmake cmocka shellcheck cppcheck llvm p5-IO-Socket-SSL
    p5-JSON curl chromium bash zsh"

say()
{
	printf '%s\n' "$*"
}

die()
{
	printf 'quickstart: %s\n' "$*" >&2
	exit 1
}

# now: seconds, for taking a difference.
now()
{
	date +%s
}

# system: debian, openbsd, or the name of what it is.
system()
{
	case $(uname -s) in
	OpenBSD)
		echo openbsd
		;;
	Linux)
		if command -v apt-get > /dev/null 2>&1 &&
		    command -v dpkg-query > /dev/null 2>&1; then
			echo debian
		else
			sed -n 's/^PRETTY_NAME="\{0,1\}\([^"]*\).*/\1/p' \
			    /etc/os-release 2> /dev/null | grep . || echo Linux
		fi
		;;
	*)
		uname -s
		;;
	esac
}

# missing_debian package ...: those that are not installed.
missing_debian()
{
	for p in "$@"; do
		dpkg-query -W -f '${Status}\n' "$p" 2> /dev/null |
		    grep -q '^install ok installed' || printf ' %s' "$p"
	done
}

missing_openbsd()
{
	for p in "$@"; do
		pkg_info -qe "$p-*" > /dev/null 2>&1 || printf ' %s' "$p"
	done
}

# install_debian package ...
# The lists of packages may be absent (containers) or too old for what the
# mirror still has, so they are fetched once before the first installation.
install_debian()
{
	if [ "$(id -u)" -eq 0 ]; then
		sudo=
	elif command -v sudo > /dev/null 2>&1; then
		sudo=sudo
	else
		die "packages are missing and there is no root to install" \
		    "them; as root run: apt-get install $*"
	fi
	log=$(mktemp) || exit 1
	start=$(now)
	if ! { $sudo apt-get update &&
	    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y \
	    --no-install-recommends "$@"; } > "$log" 2>&1; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		die "the packages could not be installed; as root try:" \
		    "apt-get update && apt-get install $*"
	fi
	# apt's own words, one for the lists and one for the packages:
	#	Fetched 71.2 MB in 3s (23.7 MB/s)
	say "packages   installed in $(($(now) - start)) s, fetched" \
	    "$(sed -n 's/^Fetched \(.*\) in .*/\1/p' "$log" | tr '\n' '+' |
	    sed 's/+$//; s/+/ + /g')"
	rm -f "$log"
}

# need_packages debian-packages openbsd-packages: nothing is asked or fetched
# when all are there.
need_packages()
{
	# The arguments are lists of words.
	# shellcheck disable=SC2046,SC2086
	case $(system) in
	debian)
		set -- $(missing_debian $1)
		[ $# -gt 0 ] || return 0
		say "packages   $# are missing, apt-get installs them: $*"
		install_debian "$@"
		;;
	openbsd)
		set -- $(missing_openbsd $2)
		[ $# -eq 0 ] ||
		    die "packages are missing; as root run: pkg_add $*"
		;;
	*)
		die "$(system) is not a system it knows (Debian 12 and" \
		    "OpenBSD are); see README.md for the dependencies," \
		    "then ./configure && make."
		;;
	esac
}

# To build and try it out; to run all tests and checkers.
need_run()
{
	need_packages "$DEBIAN_BUILD $DEBIAN_RUN" "$OPENBSD_BUILD $OPENBSD_RUN"
}

need_check()
{
	need_packages "$DEBIAN_BUILD $DEBIAN_RUN $DEBIAN_CHECK" \
	    "$OPENBSD_BUILD $OPENBSD_RUN $OPENBSD_CHECK"
}

# copy_tree directory: the files of the tree, as they are now, without what
# was built.  A clone of another user is git's to refuse, not this copy's.
copy_tree()
{
	{ git -c safe.directory="$PWD" ls-files 2> /dev/null ||
	    find . -type f ! -path './.git/*' ! -path './.quickstart/*' \
	    ! -name '*.[oad]'; } |
	    while IFS= read -r f; do
		[ -f "$f" ] || continue
		mkdir -p "$1/$(dirname "$f")" && cp -p "$f" "$1/$f" || exit 1
	    done
	rm -f "$1/config.h" "$1/config.mk"
}
