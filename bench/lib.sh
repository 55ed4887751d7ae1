# Processes, ports and processor time, for bench/run.  Linux: /proc, taskset.
# shellcheck shell=sh

die()
{
	printf 'bench: %s\n' "$*" >&2
	exit 1
}

# need program package ...
need()
{
	command -v "$1" > /dev/null 2>&1 ||
	    die "$1 is missing; install it with: apt-get install $2"
}

# ports n: as many free ports of loopback.
ports()
{
	perl -MIO::Socket::INET -e '
		for (1 .. $ARGV[0]) {
			push @s, IO::Socket::INET->new(Listen => 1,
			    LocalAddr => "127.0.0.1") or die "no port: $!\n";
		}
		print join(" ", map { $_->sockport } @s), "\n";' "$1" ||
	    die "no free ports"
}

# start name cpu command ...: in the background; its id is in $dir/NAME.pid
# and what it says in $dir/NAME.out.
start()
{
	name=$1 cpu=$2
	shift 2
	taskset -c "$cpu" "$@" > "$dir/$name.out" 2>&1 < /dev/null &
	echo $! > "$dir/$name.pid"
}

# stop_all: what start() has started, with TERM and then, after 10 s, KILL.
stop_all()
{
	for f in "$dir"/*.pid; do
		[ -f "$f" ] || continue
		pid=$(cat "$f")
		kill "$pid" 2> /dev/null
		tries=0
		while kill -0 "$pid" 2> /dev/null && [ $tries -lt 100 ]; do
			sleep 0.1
			tries=$((tries + 1))
		done
		kill -9 "$pid" 2> /dev/null
		wait "$pid" 2> /dev/null
		rm -f "$f"
	done
}

# wait_for name command ...: until it succeeds, for 15 s, while NAME lives.
wait_for()
{
	job=$1
	shift
	tries=0
	until "$@" > /dev/null 2>&1; do
		tries=$((tries + 1))
		if [ $tries -gt 150 ] ||
		    ! kill -0 "$(cat "$dir/$job.pid")" 2> /dev/null; then
			tail -n 20 "$dir/$job.out" >&2
			"$@" >&2
			die "$job did not start"
		fi
		sleep 0.1
	done
}

# tree pid: the ids of a process and of all below it, with their times in
# ticks (their own and of children that have ended) and resident pages.
tree()
{
	cat /proc/[0-9]*/stat 2> /dev/null | awk -v root="$1" '
	{
		pid = $1
		name = $0
		sub(/^[^(]*\(/, "", name)
		sub(/\)[^)]*$/, "", name)
		sub(/^.*\) /, "")
		parent[pid] = $2
		line[pid] = name " " $12 + $13 + $14 + $15 " " $22
	}
	END {
		for (pid in parent) {
			p = pid
			while (p != root && (p in parent) && p > 1)
				p = parent[p]
			if (p == root)
				print pid, line[pid]
		}
	}'
}

# cpu name: ticks that its processes have used so far.
cpu()
{
	tree "$(cat "$dir/$1.pid")" | awk '{ n += $(NF - 1) } END { print n }'
}

# rss name: KiB of each of its processes by name, summed over equal names.
rss()
{
	tree "$(cat "$dir/$1.pid")" | awk -v page="$(getconf PAGESIZE)" '
	{ kib[$2] += $NF * page / 1024 }
	END { for (name in kib) printf "%s %d\n", name, kib[name] }'
}

# accepted: connections that the origin has had, those of this question too.
accepted()
{
	perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1",
		    PeerPort => $ARGV[0], Timeout => 5) or die "$!\n";
		print $s "GET /count HTTP/1.0\r\n\r\n";
		while (<$s>) { print "$1\n" if /^ (\d+) \d+ \d+/ }' \
	    "$count" || die "the origin does not count"
}

# fill file NAME=value ...: a configuration with each @NAME@ replaced.
fill()
{
	file=$1
	shift
	script=
	for pair in "$@"; do
		script="$script;s|@${pair%%=*}@|${pair#*=}|g"
	done
	sed "$script" "$here/peers/$file" > "$dir/$file" ||
	    die "$file cannot be written"
}
