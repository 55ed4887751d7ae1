#!/usr/bin/perl
#
# Copyright (c) 2026 The brokerd authors
#
# Permission to use, copy, modify, and distribute this software for any
# purpose with or without fee is hereby granted, provided that the above
# copyright notice and this permission notice appear in all copies.
#
# THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
# WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
# MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
# ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
# WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
# ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
# OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.

# brokerctl logs -f: each row once and in order, whatever happens to api, to
# logd or to the whole daemon meanwhile.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;
use Ctl;
use POSIX ();

my $ROWS = $ENV{FOLLOW_ROWS} // 20_000;
# What a sanitizer sets aside is nobody's.
$ENV{ASAN_OPTIONS} =
    "quarantine_size_mb=0:thread_local_quarantine_size_kb=0";
my $d = Daemon->new("user", extra => "log retain rows 0\n");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $secure = "localhost:$up->{port}";
my $log = "/v1/vaults/default/logs";
my $count = 0;

$d->furnish({ name => "api", host => $secure,
    auth => { type => "bearer", token => "KEY" } });

# One that runs: { pid, out, err }.
sub follow {
	my @cmd = @_;
	my $f = { map { $_ => "$Ctl::dir/follow$count.$_" } qw(out err) };
	my $pid = fork // die "fork: $!";

	$count++;
	if ($pid == 0) {
		alarm 300;
		open(STDOUT, ">", $f->{out}) or die;
		open(STDERR, ">", $f->{err}) or die;
		my @at = ("-s", $d->{socket});
		@at = splice @cmd, 0, 2 if ($cmd[0] // "") eq "-s";
		exec $Ctl::program, @at, "logs", "-f", @cmd;
		exit 126;
	}
	$f->{pid} = $pid;
	return $f;
}

sub reap {
	my ($f, $sig) = @_;

	kill $sig, $f->{pid} if $sig;
	local $SIG{ALRM} = sub { kill "KILL", $f->{pid} };
	alarm 20;
	waitpid $f->{pid}, 0;
	alarm 0;
	return $? & 127 ? "signal " . ($? & 127) : $? >> 8;
}

sub lines { my @l = split /\n/, slurp($_[0]{out}) // ""; return @l }

# What is new in the file is looked at once.
sub ids {
	my ($f) = @_;

	if (open(my $in, "<", $f->{out})) {
		seek $in, $f->{at} //= 0, 0;
		while (defined(my $l = <$in>)) {
			last unless $l =~ /\n$/;
			$f->{at} += length $l;
			push @{$f->{ids}}, $1 if $l =~ /"id":(\d+)/;
		}
	}
	return @{$f->{ids} // []};
}

sub comes {
	my ($f, $cond, $seconds) = @_;
	return Frame::until($cond, $seconds // 20);
}

# Refused by the proxy, some at a time: what breaks is sent again by nobody.
sub burst {
	my ($n, $path) = @_;
	my $pid = fork // die "fork: $!";

	return $pid if $pid;
	for (my $done = 0; $done < $n; ) {
		if (eval { $d->refused($secure, 250, $path); 1 }) {
			$done += 250;
		} else {
			sleep 0.1;
		}
	}
	POSIX::_exit(0);
}

# All rows of the vault, the oldest first, as the export has them.
sub all_ids {
	my ($after, $filter) = @_;

	return $d->api("GET", "$log/export?after=$after" . ($filter // ""),
	    undef, raw => 1) =~ /^\{"id":(\d+),/mg;
}

sub pid_of {
	my ($name) = @_;
	my ($p) = grep { ($_->{process} // $_->{name} // "") =~ /^$name/ }
	    @{$d->api("GET", "/v1/brokerd/status")->{processes}};
	return $p->{pid};
}

sub up {
	return Frame::until(sub {
		eval { $d->api("GET", "$log?limit=1"); 1 } }, 30);
}

# A daemon that goes silent, which takes 45 seconds: looked at in the end.
my $mute = "$Ctl::dir/mute";
my $listen = IO::Socket::UNIX->new(Local => $mute, Listen => 5) or die;
my $player = fork // die "fork: $!";
if ($player == 0) {
	my @kept;
	alarm 300;
	while (my $s = $listen->accept) {
		my $head = Daemon::head($s);
		my ($last) = $head =~ /^Last-Event-ID: (\d+)\r$/m;
		print $s "HTTP/1.1 200 OK\r\nContent-Type: " .
		    "text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
		my $e = "event: log\nid: " . ($last + 1) . "\ndata: {\"id\":" .
		    ($last + 1) . "}\n\n";
		printf $s "%x\r\n%s\r\n", length $e, $e;
		$s->flush;
		push @kept, $s;
	}
	POSIX::_exit(0);
}
my $silent = follow("-s", $mute, "-j", "--after-cursor", 7);
my $begun = time;

# From an empty vault, and from a filter that nothing matches.
my $all = follow("-o", "json", "--show-cursor");
my $none = follow("-o", "json", "--host", "nowhere.invalid", "--show-cursor");
my $short = follow();
my $csv = follow("-o", "csv", "--path", "*/1");
sleep 0.3;
$d->refused($secure, 3, "first");
ok(comes($all, sub { ids($all) == 3 }), "from an empty vault: rows come");
ok(comes($short, sub { lines($short) == 4 }), "as lines with a head too");
like((lines($short))[0], qr/^TIME +METHOD +TARGET +STATUS/, "of names");
unlike(slurp($short->{out}), qr/\e/, "without colours");
like((lines($short))[1], qr/^\d{4}-\d\d-\d\dT/, "nor relative times");
ok(comes($csv, sub { lines($csv) == 2 }), "as CSV with names, once");
like((lines($csv))[0], qr/^id,created_at,kind/, "before the row");
is(reap($short, "INT"), "signal 2", "SIGINT ends it");
is(reap($csv, "TERM"), "signal 15", "and SIGTERM");
is(slurp($short->{err}), "", "without a word");

# The newest ones, and from a cursor.
{
	my $two = follow("-n", 2, "-o", "json");
	ok(comes($two, sub { ids($two) == 2 }), "the backlog is -n rows");
	my $from = follow("--after-cursor", (ids($all))[0], "-j");
	ok(comes($from, sub { ids($from) == 2 }), "or those after a cursor");
	is_deeply([ ids($from) ], [ ids($two) ], "the same ones");
	reap($_, "INT") for $two, $from;
}

# burst lost to the tail
# So many breaks have been told of: the next may come.
sub broke { return grep { /the stream broke/ } split /\n/, slurp($all->{err}) }
sub told {
	my ($n) = @_;
	return Frame::until(sub { broke() >= $n }, 30);
}

my $small = qx(ps -o rss= -p $all->{pid});
{
	my $pid = burst($ROWS, "burst");
	my $odd = follow("-o", "json", "-n", 1, "--path", "*/7");

	ok(comes($all, sub { ids($all) > $ROWS / 10 }, 60), "a burst begins");
	kill "KILL", pid_of("api-local");
	ok(up(), "api is killed meanwhile");
	my $have = ids($all);
	ok(comes($all, sub { ids($all) > $have }), "and it goes on");
	ok(told(1), "and says so");
	kill "KILL", pid_of("logd");
	ok(up(), "logd is killed");
	$have = ids($all);
	ok(comes($all, sub { ids($all) > $have }), "and it goes on");
	ok(told(2), "and says so");
	$d->stop;
	sleep 1;
	$d->start;
	ok($d->ready && up(), "the whole daemon is restarted");
	waitpid $pid, 0;
	$d->refused($secure, 50, "last");
	my $last;
	Frame::until(sub {
		$last = $d->api("GET", "$log?limit=1")->{logs}[0];
		return $last->{path} eq "/last/49";
	}, 20);
	my @want = all_ids(0);
	ok(@want >= $ROWS, "with " . @want . " rows in the end");
	ok(comes($all, sub { ((ids($all))[-1] // 0) == $want[-1] }, 60),
	    "all of them come");
	is(join(" ", ids($all)), join(" ", @want),
	    "each one once, in ascending order, none missing");
	cmp_ok(qx(ps -o rss= -p $all->{pid}), "<", $small + 4096,
	    "in no more memory than before");
	my @odd = all_ids(0, "&path=*/7");
	comes($odd, sub { ((ids($odd))[-1] // 0) == $odd[-1] });
	my @got = ids($odd);
	is(join(" ", @got), join(" ", @odd[-@got .. -1]),
	    "and with a filter those that match");
	my @broke = broke();
	cmp_ok(scalar @broke, ">=", 3, "a word for each break");
	cmp_ok(scalar @broke, "<=", 8, "and not for each attempt") or
	    diag(@broke);
	is(reap($odd, "INT"), "signal 2", "that ends");
	is(scalar(ids($none)), 0, "nothing where none matches");
}

# The cursor that it says at its end goes on without a hole.
{
	is(reap($all, "INT"), "signal 2", "SIGINT");
	my ($cursor) = slurp($all->{err}) =~ /^-- cursor: (\d+)$/m;
	my @want = all_ids(0);
	is($cursor, $want[-1], "--show-cursor says the last row");
	$d->refused($secure, 5, "more");
	my $f = follow("--after-cursor", $cursor, "-j");
	ok(comes($f, sub { ids($f) == 5 }), "goes on behind it");
	is_deeply([ ids($f) ], [ all_ids($cursor) ], "with what is new");
	is(reap($f, "INT"), "signal 2", "to the end");
}

# Who does not read: the end comes with the next row.
{
	local $SIG{PIPE} = "DEFAULT";
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		for (1 .. 20) {
			sleep 0.3;
			eval { $d->refused($secure, 1, "next") };
		}
		POSIX::_exit(0);
	}
	my ($rc, $out, $err) = ctl("-c",
	    "$Ctl::program -s $d->{socket} logs -f -n 50 -j | head -1",
	    { cmd => [ "/bin/sh" ] , in => "" });
	is($rc, 0, "| head -1 ends with the rows that nobody takes") or
	    diag($err);
	is(scalar(split /\n/, $out), 1, "after one");
	is($err, "", "and says nothing");
	kill "TERM", $pid;
	waitpid $pid, 0;
}

# What ends it.
{
	my ($rc, $out, $err) = ctl("-s", $d->{socket}, "logs", "-f", "-v", "no");
	is($rc, 1, "no such vault: exit 1");
	like($err, qr/^brokerctl: logs: .*no/, "and why");
	($rc, $out, $err) = ctl("-s", $d->{socket}, "logs", "-f",
	    "--after-cursor", 1 << 50);
	is($rc, 1, "a cursor beyond the newest row");
	like($err, qr/^brokerctl: logs: .*newest/, "and why");
	($rc, $out, $err) = ctl("-s", "$d->{dir}/none", "logs", "-f");
	is($rc, 1, "no daemon at first: exit 1");
	is((ctl("-s", $d->{socket}, "logs", "-f", "-n", 1, "--after-cursor",
	    1))[0], 2, "options that exclude each other: 2");
	is((ctl("-s", $d->{socket}, "logs", "-f", "--kind", "x"))[0], 2,
	    "a wrong filter: 2");
	is((ctl("-s", $d->{socket}, "logs", "-f", "-o", "xml"))[0], 2,
	    "a wrong form: 2");
}

# With -u, and a right that ends.
{
	my $a = $d->api("POST", "/v1/agents", { name => "reader", vaults => [
	    { vault_name => "default", vault_role => "member" } ] });
	local $ENV{BROKERD_TOKEN} = $a->{av_agent_token};
	my $f = { map { $_ => "$Ctl::dir/url.$_" } qw(out err) };
	my $pid = fork // die;
	if ($pid == 0) {
		open(STDOUT, ">", $f->{out}) or die;
		open(STDERR, ">", $f->{err}) or die;
		exec $Ctl::program, "-u", "http://127.0.0.1:$d->{api}", "logs",
		    "-f", "-j", "-n", 1;
		exit 126;
	}
	$f->{pid} = $pid;
	ok(comes($f, sub { ids($f) == 1 }), "with -u and a token");
	$d->refused($secure, 2, "url");
	ok(comes($f, sub { ids($f) == 3 }), "too");
	$d->api("DELETE", "/v1/vaults/default/agents/reader");
	is(reap($f), 1, "until the grant goes: exit 1");
	like(slurp($f->{err}), qr/^brokerctl: logs: (?!the stream)/m, "and why");
}

ok(comes($silent, sub { ids($silent) == 2 }, 60),
    "one that hears nothing connects again");
cmp_ok(time - $begun, ">=", 45, "after 45 seconds");
is_deeply([ ids($silent) ], [ 8, 9 ], "behind the last row");
like(slurp($silent->{err}), qr/^brokerctl: logs: the stream broke \(wait: /,
    "and says so");
is(reap($silent, "INT"), "signal 2", "and ends while it waits");
# By then there was a heartbeat, which says how far one is.
is(reap($none, "TERM"), "signal 15", "SIGTERM");
my ($far) = slurp($none->{err}) =~ /^-- cursor: (\d+)$/m;
cmp_ok($far, ">", $ROWS / 2, "also where nothing matched");
kill "TERM", $player;
waitpid $player, 0;

is($d->stop, 0, "the daemon stops in order");
done_testing;
