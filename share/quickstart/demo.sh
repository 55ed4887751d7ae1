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
	    ps -o args= -p "$pid" 2> /dev/null | grep -q "$qs"
}

# line what text ...: one step, one line.
line()
{
	what=$1
	shift
	printf '%-10s %s\n' "$what" "$*"
}

# free_port first: the first port from there on that can be bound.
free_port()
{
	perl -MIO::Socket::INET -e '
		for my $p ($ARGV[0] .. $ARGV[0] + 200) {
			next unless IO::Socket::INET->new(Listen => 1,
			    LocalAddr => "127.0.0.1", LocalPort => $p);
			print "$p\n";
			exit;
		}
		exit 1;' "$1" || die "no free port from $1 on"
}

demo_build()
{
	start=$(now)
	log=$qs/build.log
	if ! { [ -f config.mk ] || ./configure; } > "$log" 2>&1 ||
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
	if alive upstream; then
		line upstream "runs already"
		return
	fi
	port=$(cat "$qs/upstream/port" 2> /dev/null)
	rm -f "$qs/upstream/port" "$qs/upstream/ca.pem"
	nohup "$PWD/demo/upstream" -p "$(free_port "${port:-14443}")" \
	    "$qs/upstream" > "$qs/upstream.log" 2>&1 &
	echo $! > "$qs/upstream.pid"
	wait_for "the upstream" "$qs/upstream.log" test -s "$qs/upstream/port"
	line upstream "https://api.demo.localhost:$(cat "$qs/upstream/port")" \
	    "(yours, on this machine)"
}

# wait_for what its-log command ...: until the command succeeds, 15 seconds.
wait_for()
{
	what=$1 log=$2
	shift 2
	tries=0
	until "$@" > /dev/null 2>&1; do
		tries=$((tries + 1))
		if [ $tries -gt 150 ]; then
			tail -n 10 "$log" >&2
			die "$what did not start; its messages are in $log"
		fi
		sleep 0.1
	done
}

# Written once and then yours to change.
demo_conf()
{
	[ -f "$qs_conf" ] && return
	api=$(free_port 14321)
	proxy=$(free_port $((api + 1)))
	umask 077
	{
		cat <<-END
		# Made by ./quickstart for a daemon that is tried out: see
		# brokerd.conf(5).  Change it, then run
		# brokerctl/brokerctl -s $qs_sock reload

		state "$qs/state"
		socket "$qs_sock" group 0 mode 0600
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
	umask 022
}

demo_brokerd()
{
	if alive brokerd; then
		"$ctl" -s "$qs_sock" reload > /dev/null ||
		    die "brokerd runs but did not take its configuration" \
		    "again: see $qs/brokerd.log"
		line brokerd "runs already"
		return
	fi
	demo_conf
	mkdir -p "$qs/state"
	if [ "$(id -u)" -eq 0 ]; then
		chmod 755 "$qs/state"
	else
		chmod 700 "$qs/state"
	fi
	nohup "$PWD/brokerd/brokerd" -d -L "$PWD" -f "$qs_conf" \
	    > "$qs/brokerd.log" 2>&1 &
	echo $! > "$qs/brokerd.pid"
	wait_for brokerd "$qs/brokerd.log" "$ctl" -s "$qs_sock" status
	line brokerd "started, configuration $qs_conf"
}

# What an administrator does once: a credential, the service that it is for,
# and an agent that may use it without ever holding it.
demo_setup()
{
	host=api.demo.localhost:$(cat "$qs/upstream/port")
	"$ctl" -s "$qs_sock" init > /dev/null || die "init failed"
	line vault "$qs_vault"
	if [ ! -s "$qs/secret" ]; then
		umask 077
		printf 'demo-secret-%s\n' "$(od -An -N8 -tx1 /dev/urandom |
		    tr -d ' \n')" > "$qs/secret"
		umask 022
	fi
	"$ctl" -s "$qs_sock" credential set -v "$qs_vault" DEMO_TOKEN \
	    < "$qs/secret" > /dev/null || die "the credential was not set"
	line credential "DEMO_TOKEN, sealed in the vault"
	"$ctl" -s "$qs_sock" service add -v "$qs_vault" -t bearer \
	    -k DEMO_TOKEN demo-api "$host" > /dev/null ||
	    die "the service was not added"
	line service "demo-api: $host gets DEMO_TOKEN as a bearer token"
	if [ ! -s "$qs/token" ]; then
		umask 077
		"$ctl" -s "$qs_sock" agent add -q -v "$qs_vault" -r proxy \
		    demo-agent > "$qs/token" 2> /dev/null ||
		    "$ctl" -s "$qs_sock" agent rotate -q demo-agent \
		    > "$qs/token" || die "the agent was not added"
		umask 022
	fi
	line agent "demo-agent, with a token of its own"
	"$ctl" -s "$qs_sock" ca > "$qs/ca.pem" || die "no CA certificate"
}

conf_port()
{
	sed -n "s/^listen $1 on .* port \([0-9]*\)$/\1/p" "$qs_conf" | head -n 1
}

demo_request()
{
	host=api.demo.localhost:$(cat "$qs/upstream/port")
	sent=$qs/request.log
	: > "$qs/upstream/seen"
	HTTPS_PROXY=http://$(cat "$qs/token"):$qs_vault@127.0.0.1:$(conf_port \
	    proxy)
	export HTTPS_PROXY
	if ! curl -sSv --cacert "$qs/ca.pem" "https://$host/hello" \
	    > "$qs/answer" 2> "$sent"; then
		sed -n 's/^curl: //p' "$sent" >&2
		die "the request failed; see $sent and $qs/brokerd.log"
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
	say "What brokerd wrote into the log of the vault:"
	wait_for "the log" "$qs/brokerd.log" logged
	"$ctl" -s "$qs_sock" logs -n 1 -v "$qs_vault" | sed 's/^/    /'
}

# The record is committed a moment after the answer has left.
logged()
{
	"$ctl" -s "$qs_sock" logs -n 1 -v "$qs_vault" -o json | grep -q hello
}

demo_next()
{
	cat <<END

brokerd goes on running.  Next:
    eval "\$(./quickstart env)"            # BROKERD_SOCKET and the rest
    brokerctl/brokerctl run -- curl https://api.demo.localhost:$(cat \
    "$qs/upstream/port")/hello
    brokerctl/brokerctl logs               # what agents did
    brokerctl/brokerctl status             # how the daemon is
    ./quickstart stop
END
}

cmd_start()
{
	need_run
	mkdir -p "$qs" && chmod 755 "$qs"
	demo_build
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
	stop_one brokerd
	stop_one upstream
}

cmd_status()
{
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
	[ -s "$qs/token" ] || die "there is nothing yet; run ./quickstart"
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
