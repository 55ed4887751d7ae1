#!/bin/sh
#
# The newcomer's path: ./quickstart and what goes with it, in a copy of the
# tree that was built, as root (if we are) and as an ordinary user.
#
# What ok calls is reachable.
# shellcheck disable=SC2317

# shellcheck source=regress/tap.sh
. "$TOP/regress/tap.sh"

unset MAKEFLAGS MAKELEVEL
cd "$TOP" || exit 1
tmp=$(mktemp -d) || exit 1
chmod 0711 "$tmp"
nobody=65534

# Nothing runs on, whatever way this ends.
cleanup()
{
	for tree in "$tmp"/user* "$tmp"/root*; do
		[ -d "$tree/.quickstart" ] || continue
		mode=${tree##*/}
		mode=${mode%%-*}
		as ./quickstart stop > /dev/null 2>&1
	done
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

# copy name: what ./quickstart needs of the tree, with what was built.
copy()
{
	tree=$tmp/$1
	mkdir "$tree" || exit 1
	for f in *; do
		case $f in
		regress|bench)	;;
		*)		cp -Rp "$f" "$tree" || exit 1 ;;
		esac
	done
	for f in bench/Makefile.inc regress/*/Makefile.inc; do
		mkdir -p "$tree/${f%/*}" && cp -p "$f" "$tree/$f" || exit 1
	done
	if [ "$mode" = user ] && [ "$(id -u)" -eq 0 ]; then
		chown -R $nobody:$nobody "$tree"
	fi
}

# as command ...: in the copy, as the mode wants it.
as()
{
	if [ "$mode" = user ] && [ "$(id -u)" -eq 0 ]; then
		(cd "$tree" && HOME=$tree TMPDIR=$tree exec perl -MPOSIX -e '
			my $id = shift;
			$) = "$id $id";
			setgid($id);
			setuid($id);
			exec @ARGV or die "$ARGV[0]: $!\n"' $nobody "$@")
	else
		(cd "$tree" && exec "$@")
	fi
}

# fails command ...
fails()
{
	! "$@"
}

# says expression command ...: it fails and its output has such a line.
says()
{
	re=$1
	shift
	! "$@" > "$tmp/said" 2>&1 || return 1
	cat "$tmp/said"
	grep -q "$re" "$tmp/said"
}

# start: the first command; its output is kept.
start()
{
	as ./quickstart > "$tmp/out" 2>&1
	rc=$?
	cat "$tmp/out"
	return "$rc"
}

# printed first-line expression: within the part of the output below that line.
printed()
{
	sed -n "/^$1/,/^[^ ]/{ /^$1/d; p; }" "$tmp/out" | grep -- "$2"
}

# ctl argument ...: brokerctl as the output of env has it used.
ctl()
{
	# What is evaluated needs the words as they are.
	# shellcheck disable=SC2016
	as sh -c 'eval "$(./quickstart env)" && exec "$BROKERCTL" "$@"' sh "$@"
}

rows()
{
	ctl logs -o json | grep -c /hello
}

# logged n: so many requests; a record is committed a moment after the answer.
logged()
{
	for tries in 1 2 3 4 5 6 7 8 9 10; do
		n=$(ctl logs -o json | grep -c '/hello\|/mine\|/run')
		[ "$n" -ne "$1" ] || return 0
		sleep 0.5
	done
	echo "$n in $tries tries"
	return 1
}

pid()
{
	cat "$tree/.quickstart/$1.pid"
}

# It has ended; in a container nobody may have waited for it.
gone()
{
	! kill -0 "$1" 2> /dev/null ||
	    [ -z "$(tr -d '\0' < "/proc/$1/cmdline")" ]
}

equal()
{
	echo "\"$1\" and \"$2\""
	[ "$1" = "$2" ]
}

# What others may read is no secret.
closed()
{
	open=$(cd "$tree/.quickstart" && find . -type f -perm -004 | sort |
	    tr '\n' ' ')
	equal "$open" "./build.log ./ca.pem "
}

request()
{
	# shellcheck disable=SC2016
	as sh -c 'eval "$(./quickstart env)"
	    curl -q -sS -m 10 --noproxy "" --cacert "$BROKERD_CA" \
	    -x "http://$BROKERD_TOKEN:$BROKERD_VAULT@$BROKERD_PROXY" \
	    "$BROKERD_UPSTREAM/mine"' | grep upstream
}

api()
{
	# shellcheck disable=SC2016
	as sh -c 'eval "$(./quickstart env)"
	    curl -q -sS -m 10 --noproxy "*" "$BROKERD_API/health"' | grep ok
}

test_first()
{
	ok "$mode: first run" start
	ok "nothing is built again" grep '^build      done in [0-9] s' \
	    "$tmp/out"
	secret=$(cat "$tree/.quickstart/secret")
	ok "the agent's request" printed "What the agent sent" "GET /hello"
	ok "without a credential" fails printed "What the agent sent" \
	    -i 'authorization\|secret'
	ok "the credential reached the upstream" printed "What the upstream" \
	    "^    Authorization: Bearer $secret\$"
	ok "the log line" printed "What brokerd wrote" \
	    "GET .* 200 .* demo-api .* demo-agent"
	ok "it does not show the credential" fails printed \
	    "What brokerd wrote" "$secret"
	ok "the next commands" grep '^    \./quickstart stop' "$tmp/out"
	ok "what others may read" closed
}

test_again()
{
	daemon=$(pid brokerd)
	# Those of the caller lead nowhere.
	NO_PROXY='*' https_proxy=http://127.0.0.1:9 \
	    ok "$mode: run again" start
	ok "the same daemon" equal "$(pid brokerd)" "$daemon"
	ok "status" as ./quickstart status
	ok "env: a request" request
	ok "env: api" api
	# shellcheck disable=SC2016
	ok "run, as it is proposed" ctl run -- sh -c \
	    'curl -q -sS -m 10 "$BROKERD_UPSTREAM/run"'
	ok "three kinds of requests are logged" logged 4
}

test_recovery()
{
	before=$(rows)
	kill -9 "$(pid brokerd)"
	ok "$mode: status after kill -9" fails as ./quickstart status
	ok "run after kill -9" start
	ok "the log goes on" equal "$(rows)" $((before + 1))
	kill -9 "$(pid upstream)"
	ok "run after kill -9 of the upstream" start
	ok "brokerd is the same" grep '^brokerd  *runs already' "$tmp/out"
	daemon=$(pid brokerd)
	touch "$tree/keyd/keyd"
	ok "run after a build" start
	ok "the old daemon has ended" gone "$daemon"
	ok "run by one who has lost the token" as rm .quickstart/token
	ok "a new one is made" start
}

# hold port: somebody else's listener, until the process $holder is killed.
# Has the second clone taken it, so much the better.
hold()
{
	perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new(Listen => 1, ReuseAddr => 1,
		    LocalAddr => "127.0.0.1", LocalPort => $ARGV[0]) or die;
		print "held\n";
		close STDOUT;
		sleep 60;' "$1" > "$tmp/held" 2> /dev/null &
	holder=$!
	until [ -s "$tmp/held" ]; do
		kill -0 $holder 2> /dev/null || return 1
		sleep 0.1
	done
}

test_stop()
{
	if [ "$mode" = root ]; then
		mode=user
		ok "stop by another user" says 'run it as root, or in a clone' \
		    as ./quickstart stop
		mode=root
	fi
	before=$(rows)
	daemon=$(pid brokerd) server=$(pid upstream)
	ok "$mode: stop" as ./quickstart stop
	ok "brokerd has ended" gone "$daemon"
	ok "so has the upstream" gone "$server"
	ok "status when stopped" fails as ./quickstart status
	ok "stop when stopped" as ./quickstart stop
	ok "env when stopped" as sh -c './quickstart env 2>&1 > /dev/null |
	    grep "^brokerd is not running"'
	first=$tree
	copy "$mode-2"
	ok "a second clone" start
	tree=$first
	port=$(sed -n 's/^listen proxy .* port //p' \
	    "$tree/.quickstart/brokerd.conf")
	hold "$port"
	ok "the first beside it" start
	kill "$holder" 2> /dev/null
	ok "its port is another" grep "^port  *$port is in use" "$tmp/out"
	ok "its data is there" equal "$(rows)" $((before + 1))
	tree=$tmp/$mode-2
	ok "the second has its own" equal "$(rows)" 1
	ok "stop of the second" as ./quickstart stop
	tree=$first
	ok "leaves the first" as ./quickstart status
	ok "stop" as ./quickstart stop
}

# Programs that answer as on another system, where nothing is installed.
test_errors()
{
	fake=$tmp/fake-$mode
	mkdir "$fake"
	ok "$mode: usage" says '^usage:' as ./quickstart nonsense
	ok "env when there is nothing" says 'run \./quickstart$' \
	    as sh -c 'mv .quickstart .kept && ./quickstart env'
	as mv .kept .quickstart
	printf '#!/bin/sh\necho Minix\n' > "$fake/uname"
	chmod 755 "$fake/uname"
	ok "an unknown system" says 'Minix is not a system it knows' \
	    as env PATH="$fake:$PATH" ./quickstart
	printf '#!/bin/sh\necho Linux\n' > "$fake/uname"
	for f in sudo apt-get dpkg-query; do
		printf '#!/bin/sh\necho "%s: no" >&2\nexit 1\n' $f > "$fake/$f"
		chmod 755 "$fake/$f"
	done
	ok "packages that cannot be had" says 'as root try: apt-get update' \
	    as env PATH="$fake:$PATH" ./quickstart
	long=$(printf '%080d' 0)
	# shellcheck disable=SC2016
	ok "a path that is too long" says 'too long for the local socket' \
	    as sh -c 'mkdir "$1" && cp -R quickstart share "$1" &&
	    "./$1/quickstart"' sh "$long"
	# shellcheck disable=SC2016
	ok "a path with a quote" says 'cannot name a path with a quote' \
	    as sh -c 'mkdir "$1" && cp -R quickstart share "$1" &&
	    "./$1/quickstart"' sh 'a"b'
	printf 'nonsense\n' | as tee -a .quickstart/brokerd.conf > /dev/null
	ok "a configuration that is wrong" says 'brokerd.conf:[0-9]*: ' \
	    as ./quickstart
}

modes=user
[ "$(id -u)" -ne 0 ] || modes="root user"
for mode in $modes; do
	copy "$mode"
	test_first
	test_again
	test_recovery
	test_stop
	test_errors
done
done_testing
