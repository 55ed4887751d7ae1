# quickstart, start, stop, status and env: a daemon of its own below
# .quickstart, with a local upstream to try it on.
# shellcheck shell=sh

qs=$PWD/.quickstart
qs_conf=$qs/brokerd.conf
qs_sock=$qs/brokerd.sock
qs_vault=default
ctl=$PWD/brokerctl/brokerctl

# alive name: does the process whose id is in NAME.pid live and is it ours?
# A number can have been given to somebody else since, so its command counts.
alive()
{
	pid=$(cat "$qs/$1.pid" 2> /dev/null) && [ -n "$pid" ] &&
	    kill -0 "$pid" 2> /dev/null &&
	    command_of "$pid" | grep -qF "$qs"
}

# command_of pid: a bare Linux has no ps(1), OpenBSD no /proc.
command_of()
{
	if [ -r "/proc/$1/cmdline" ]; then
		tr '\0' ' ' < "/proc/$1/cmdline"
	else
		ps -o args= -p "$1" 2> /dev/null
	fi
}

# line what text ...: one step, one line.
line()
{
	what=$1
	shift
	printf '%-10s %s\n' "$what" "$*"
}

# free_port first [not]: the first port from there on that can be bound.
free_port()
{
	perl -MIO::Socket::INET -e '
		for my $p ($ARGV[0] .. $ARGV[0] + 200) {
			next if $p == ($ARGV[1] || 0);
			next unless IO::Socket::INET->new(Listen => 1,
			    LocalAddr => "127.0.0.1", LocalPort => $p,
			    ReuseAddr => 1);
			print "$p\n";
			exit;
		}
		exit 1;' "$@" || die "no free port from $1 on"
}

# Not by a configure that was older.
configured()
{
	[ -f config.mk ] && [ -z "$(find configure -newer config.mk)" ]
}

demo_build()
{
	start=$(now)
	log=$qs/build.log
	if ! { configured || ./configure; } > "$log" 2>&1 ||
	    ! make -s -j2 >> "$log" 2>&1; then
		tail -n 20 "$log" >&2
		die "the build failed; all of its output is in $log"
	fi
	line build "done in $(($(now) - start)) s"
}

# The upstream makes a certificate authority whenever it starts; it keeps its
# port, so that the service goes on to mean it.
demo_upstream()
{
	mkdir -p "$qs/upstream"
	if outdated upstream demo/upstream; then
		stop_one upstream
	elif alive upstream; then
		line upstream "runs already"
		return
	fi
	try_start upstream
	line upstream "https://api.demo.localhost:$(cat "$qs/upstream/port")" \
	    "(yours, on this machine)"
}

start_upstream()
{
	port=$(cat "$qs/upstream/last" 2> /dev/null)
	port=$(free_port "${port:-14443}") || exit 1
	echo "$port" > "$qs/upstream/last"
	rm -f "$qs/upstream/port" "$qs/upstream/ca.pem"
	nohup "$PWD/demo/upstream" -p "$port" "$qs/upstream" \
	    > "$qs/upstream.log" 2>&1 &
	echo $! > "$qs/upstream.pid"
	wait_for upstream test -s "$qs/upstream/port"
}

# outdated name program ...: does it run, but what was built since is newer?
outdated()
{
	name=$1
	shift
	alive "$name" && [ -n "$(find "$@" -newer "$qs/$name.pid")" ]
}

# wait_for name command ...: until the command succeeds, 15 seconds, or the
# process that was just started has gone.
wait_for()
{
	name=$1
	shift
	tries=0
	until "$@" > /dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -le 150 ] &&
		    kill -0 "$(cat "$qs/$name.pid")" 2> /dev/null || return 1
		sleep 0.1
	done
}

# try_start name: calls start_NAME, and again when somebody else took a port
# that was free a moment ago.
try_start()
{
	starts=1
	until "start_$1"; do
		starts=$((starts + 1))
		if [ $starts -gt 3 ] ||
		    ! grep -q 'Address already in use' "$qs/$1.log"; then
			tail -n 10 "$qs/$1.log" >&2
			die "$1 did not start; its messages are in $qs/$1.log"
		fi
	done
}

# Written once and then yours to change.
demo_conf()
{
	if [ -f "$qs_conf" ]; then
		demo_port api proxy
		demo_port proxy api
		return
	fi
	api=$(free_port 14321) && proxy=$(free_port $((api + 1))) || exit 1
	group=
	[ "$(id -u)" -ne 0 ] || group=' group 0'
	{
		cat <<-END
		# Made by ./quickstart for a daemon that is tried out: see
		# brokerd.conf(5).  Change it, then run
		# brokerctl/brokerctl -s $qs_sock reload

		state "$qs/state"
		socket "$qs_sock"$group mode 0600
		master key file "$qs/master.key"
		listen proxy on 127.0.0.1 port $proxy
		listen api on 127.0.0.1 port $api

		# The upstream of the demonstration: on loopback, which is
		# otherwise refused, and with an authority of its own.
		network { allow 127.0.0.0/8 allow ::1/128 }
		upstream ca "$qs/upstream/ca.pem"
		END
		if [ "$(id -u)" -eq 0 ]; then
			cat <<-END

			# Started as root, so each process gets a user of its
			# own; numbers do, nothing is added to passwd(5).
			user 61801 keyd 61802 logd 61803
			END
		fi
	} > "$qs_conf"
}

# demo_port name other: another one where somebody else, a second clone perhaps,
# has taken it while this daemon was stopped.
demo_port()
{
	old=$(conf_port "$1")
	[ -n "$old" ] && new=$(free_port "$old" "$(conf_port "$2")") || return 0
	[ "$new" != "$old" ] || return 0
	sed "s/^\(listen $1 on .* port \)$old\$/\1$new/" "$qs_conf" \
	    > "$qs_conf.new" && mv "$qs_conf.new" "$qs_conf" || exit 1
	line port "$old is in use; the $1 listens on $new from now on"
}

demo_brokerd()
{
	if outdated brokerd brokerd/brokerd logd/logd keyd/keyd \
	    resolver/resolver mitm/mitm proxy/proxy api/api; then
		stop_one brokerd
	elif alive brokerd; then
		"$ctl" -s "$qs_sock" reload > /dev/null ||
		    die "brokerd runs but did not take its configuration" \
		    "again: see $qs/brokerd.log"
		line brokerd "runs already"
		return
	fi
	mkdir -p "$qs/state"
	# Started by root, other users must get at what is theirs below it.
	[ "$(id -u)" -ne 0 ] || chmod 711 "$qs/state"
	try_start brokerd
	line brokerd "started, configuration $qs_conf"
}

start_brokerd()
{
	demo_conf
	nohup "$PWD/brokerd/brokerd" -d -L "$PWD" -f "$qs_conf" \
	    > "$qs/brokerd.log" 2>&1 &
	echo $! > "$qs/brokerd.pid"
	wait_for brokerd "$ctl" -s "$qs_sock" status
}

# What an administrator does once: a credential, the service that it is for,
# and an agent that may use it without ever holding it.
demo_setup()
{
	host=api.demo.localhost:$(cat "$qs/upstream/port")
	"$ctl" -s "$qs_sock" init > /dev/null || die "init failed"
	line vault "$qs_vault"
	if [ ! -s "$qs/secret" ]; then
		printf 'demo-secret-%s\n' "$(od -An -N8 -tx1 /dev/urandom |
		    tr -d ' \n')" > "$qs/secret"
	fi
	"$ctl" -s "$qs_sock" credential set -v "$qs_vault" DEMO_TOKEN \
	    < "$qs/secret" > /dev/null || die "the credential was not set"
	line credential "DEMO_TOKEN, sealed in the vault"
	"$ctl" -s "$qs_sock" service add -v "$qs_vault" -t bearer \
	    -k DEMO_TOKEN demo-api "$host" > /dev/null ||
	    die "the service was not added"
	line service "demo-api: $host gets DEMO_TOKEN as a bearer token"
	demo_agent
	line agent "demo-agent, with a token of its own"
	# An agent, who is another user perhaps, must be able to read this.
	"$ctl" -s "$qs_sock" ca > "$qs/ca.pem" || die "no CA certificate"
	chmod 644 "$qs/ca.pem"
}

# The token is shown once, when it is made, so it is kept.  Without it the
# agent gets another.
demo_agent()
{
	if "$ctl" -s "$qs_sock" agent add -q -v "$qs_vault" -r proxy \
	    demo-agent > "$qs/token.new" 2> "$qs/agent.log" ||
	    { [ ! -s "$qs/token" ] && "$ctl" -s "$qs_sock" agent rotate -q \
	    demo-agent > "$qs/token.new" 2> "$qs/agent.log"; }; then
		mv "$qs/token.new" "$qs/token"
	elif [ ! -s "$qs/token" ]; then
		cat "$qs/agent.log" >&2
		die "the agent was not added"
	fi
	rm -f "$qs/token.new" "$qs/agent.log"
}

conf_port()
{
	sed -n "s/^listen $1 on .* port \([0-9]*\)$/\1/p" "$qs_conf" | head -n 1
}

# demo_curl argument ...: as the agent would.  Its environment is its own;
# whoever tries this may have a proxy and exceptions to it already.
demo_curl()
{
	(
		unset https_proxy ALL_PROXY all_proxy NO_PROXY no_proxy
		HTTPS_PROXY=http://$(cat "$qs/token"):$qs_vault@127.0.0.1:$(
		    conf_port proxy)
		export HTTPS_PROXY
		exec curl -q -sSv -m 20 --cacert "$qs/ca.pem" "$@"
	)
}

demo_request()
{
	host=api.demo.localhost:$(cat "$qs/upstream/port")
	sent=$qs/request.log
	before=$(newest)
	: > "$qs/upstream/seen"
	if ! demo_curl "https://$host/hello" > "$qs/answer" 2> "$sent"; then
		sed -n 's/^curl: //p' "$sent" >&2
		die "the request failed; see $sent and $qs/brokerd.log." \
		    "To begin anew: ./quickstart stop; rm -r $qs; ./quickstart"
	fi
	line request "curl https://$host/hello, through brokerd"
	say
	say "What the agent sent (it holds no credential):"
	awk '/^> GET/ { on = 1 } on && /^> [A-Za-z]/ { print "   " substr($0, 2) }' \
	    "$sent" | tr -d '\r'
	say "What the upstream says it was sent:"
	sed 's/{"method":"\([^"]*\)","target":"\([^"]*\)","headers":\[\[/    \1 \2\
    /; s/\],\[/\
    /g; s/\]\]}$//; s/","/: /g; s/"//g' "$qs/upstream/seen"
	if ! grep -qF "Bearer $(cat "$qs/secret")" "$qs/upstream/seen"; then
		cat "$qs/answer" >&2
		die "the upstream did not get the credential; see" \
		    "$qs/brokerd.log"
	fi
	say "What brokerd wrote into the log of the vault:"
	tries=0
	while [ "$(newest)" = "$before" ]; do
		tries=$((tries + 1))
		[ $tries -le 50 ] || die "brokerd has not logged the request;" \
		    "see $qs/brokerd.log"
		sleep 0.1
	done
	"$ctl" -s "$qs_sock" logs -n 1 -v "$qs_vault" | sed 's/^/    /'
}

# The newest record; it is committed a moment after the answer has left.
newest()
{
	"$ctl" -s "$qs_sock" logs -n 1 -v "$qs_vault" -o json
}

demo_next()
{
	cat <<END

brokerd goes on running.  Next:
    eval "\$(./quickstart env)"            # BROKERD_SOCKET and the rest
    brokerctl/brokerctl run -- curl https://api.demo.localhost:$(cat \
    "$qs/upstream/port")/hello
    brokerctl/brokerctl logs               # what agents did; -f goes on
    brokerctl/brokerctl open               # the same in a browser
    brokerctl/brokerctl status             # how the daemon is
    ./quickstart stop
END
}

# What brokerd.conf(5) and the address of a local socket can hold.
demo_path()
{
	case $PWD in
	*[\"\\]*)
		die "$PWD: brokerd.conf cannot name a path with a quote or" \
		    "a backslash; move this clone"
		;;
	esac
	[ ${#qs_sock} -le 103 ] ||
	    die "$PWD: the path is too long for the local socket in it," \
	    "by $((${#qs_sock} - 103)) characters; move this clone"
}

# Whose processes these are can tell what they do, and end them.
demo_mine()
{
	[ ! -e "$qs" ] || [ -n "$(find "$qs" -prune -user "$(id -u)")" ] ||
	    die "$qs is another user's: run it as" \
	    "$(ls -ld "$qs" | awk '{ print $3 }'), or in a clone of your own"
}

cmd_start()
{
	demo_path
	demo_mine
	need_run
	umask 022
	mkdir -p "$qs" || die "make a clone of your own: git clone $PWD"
	chmod 711 "$qs"
	demo_build
	# From here on files hold secrets.
	umask 077
	demo_upstream
	demo_brokerd
	demo_setup
	demo_request
	demo_next
}

# stop_one name: TERM, and up to 20 seconds to end.
stop_one()
{
	if ! alive "$1"; then
		line "$1" "is not running"
		rm -f "$qs/$1.pid"
		return
	fi
	kill "$pid"
	tries=0
	while alive "$1"; do
		tries=$((tries + 1))
		[ $tries -le 200 ] || die "$1 (process $pid) does not end"
		sleep 0.1
	done
	rm -f "$qs/$1.pid"
	line "$1" stopped
}

cmd_stop()
{
	demo_mine
	stop_one brokerd
	stop_one upstream
}

cmd_status()
{
	demo_mine
	rv=0
	for p in upstream brokerd; do
		if alive "$p"; then
			line "$p" "runs, process $pid"
		else
			line "$p" "is not running"
			rv=1
		fi
	done
	[ $rv -eq 0 ] && "$ctl" -s "$qs_sock" status
}

# put name value: a shell assignment that survives any value.
put()
{
	printf "%s='%s'; export %s\n" "$1" \
	    "$(printf '%s' "$2" | sed "s/'/'\\\\''/g")" "$1"
}

cmd_env()
{
	demo_mine
	[ -s "$qs/token" ] || die "there is nothing yet; run ./quickstart"
	alive brokerd || echo "brokerd is not running; run ./quickstart" >&2
	put BROKERD_STATE "$qs/state"
	put BROKERD_CONF "$qs_conf"
	put BROKERD_SOCKET "$qs_sock"
	put BROKERD_API "http://127.0.0.1:$(conf_port api)"
	put BROKERD_PROXY "127.0.0.1:$(conf_port proxy)"
	put BROKERD_CA "$qs/ca.pem"
	put BROKERD_VAULT "$qs_vault"
	put BROKERD_TOKEN "$(cat "$qs/token")"
	put BROKERD_UPSTREAM \
	    "https://api.demo.localhost:$(cat "$qs/upstream/port")"
	put BROKERCTL "$ctl"
}
