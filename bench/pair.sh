# Two brokerds that differ in one thing, for what is run in rounds that
# alternate.  Wants lib.sh, $here and a function variant(); brokerd runs on
# processor 1, or on those of $cpus.
# shellcheck shell=sh

ctl=$PWD/brokerctl/brokerctl

setup()
{
	need perl perl-base
	need taskset util-linux
	need nginx nginx
	[ "$(getconf _NPROCESSORS_ONLN)" -ge 2 ] ||
	    die "two processors are needed, one for the daemon alone"

	top=$(mktemp -d "${TMPDIR:-/tmp}/brokerd-bench.XXXXXXXXXX") || exit 1
	dir=$top
	trap 'dir=$top; stop_all; rm -rf "$top"' EXIT
	trap 'exit 1' HUP INT TERM
	hz=$(getconf CLK_TCK)
	body=$(head -c 1024 /dev/zero | tr '\0' x)
	secret=bench-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
	users="" group=$(id -g) mode=700
	if [ "$(id -u)" -eq 0 ]; then
		# Others than root look for their files below.
		mode=755
		chmod $mode "$dir"
		users="user 61801 keyd 61802 logd 61803"
	fi
	# shellcheck disable=SC2046
	set -- $(ports 6)
	origin=$1 count=$2 port_a=$3 port_b=$4 api_a=$5 api_b=$6
	"$here/cert" "$dir" || die "no certificates"
	fill nginx.conf DIR="$dir" ORIGIN="$origin" COUNT="$count" \
	    SECRET="$secret" BODY="$body"
	start nginx 0 nginx -c "$dir/nginx.conf" -e "$dir/nginx.log"
}

# start_brokerd name port api: with the programs in $dir/libexec, and what
# the caller's function variant() changes in $dir.
start_brokerd()
{
	dir=$top/$1
	echo "$2" > "$top/$1.port"
	mkdir -m $mode "$dir" "$dir/state" "$dir/libexec"
	cp "$top/ca.pem" "$dir"
	for p in proxy mitm resolver keyd logd api; do
		cp "$PWD/$p/$p" "$dir/libexec/$p" || die "$p is not built"
	done
	fill brokerd.conf DIR="$dir" BROKERD="$2" API="$3" USER="$users" \
	    GROUP="$group"
	variant "$1"
	chmod 600 "$dir/brokerd.conf"
	start_in "$1" "$PWD/brokerd/brokerd" -d -L "$dir/libexec" \
	    -f "$dir/brokerd.conf"
	broker init > "$dir/ctl.out" &&
	    printf '%s\n' "$secret" |
	    broker credential set -v default BENCH > "$dir/ctl.out" &&
	    broker service add -v default -t bearer -k BENCH bench \
	    "localhost:$origin" > "$dir/ctl.out" ||
	    die "brokerd cannot be set up"
	umask 077
	broker agent add -q -v default -r proxy bench > "$dir/agent" ||
	    die "brokerd has no agent"
	printf '%s:default\n' "$(cat "$dir/agent")" > "$dir/token"
	umask 022
	broker ca > "$dir/brokerd-ca.pem" || die "brokerd has no CA"
	dir=$top
	wait_for "$1" load "$1" -c 1 -r 1 -t 2
}

# Its files are below $dir, its pid beside those of the others.
start_in()
{
	sub=$dir dir=$top
	name=$1
	shift
	start "$name" "${cpus:-1}" "$@"
	dir=$sub
	tries=0
	until broker status > "$dir/ctl.out" 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 150 ] || die "$name did not start"
		sleep 0.1
	done
}

broker()
{
	timeout 20 "$ctl" -s "$dir/brokerd.sock" "$@"
}

# load name option ...: through that brokerd.
load()
{
	at=$1
	shift
	port=$(cat "$top/$at.port")
	taskset -c 0 "$here/load" "$@" -x -a "$top/$at/token" \
	    -C "$top/$at/brokerd-ca.pem" -u /key "localhost:$origin" \
	    "127.0.0.1:$port"
}
