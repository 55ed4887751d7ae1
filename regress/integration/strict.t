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

# Strict mode: nothing goes upstream before its record is on the disk, and
# whatever dies between the attempt and its outcome, a row says so.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my $d = Daemon->new("user", faults => 1, extra => "log mode strict\nlog retain rows 0\n");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $plain = Upstream->new(dir => $d->{dir});
my $where = "localhost:$up->{port}";
my $there = "localhost:$plain->{port}";

$d->furnish(map { { name => "api" . $_->{port},
    host => "localhost:$_->{port}", allow_plaintext => JSON::true,
    auth => { type => "bearer", token => "KEY" } } } $up, $plain);

sub processes {
	my $all = eval { $d->api("GET", "/v1/brokerd/status") } or return;
	return @{$all->{processes}};
}

sub pid {
	my ($name) = @_;
	my ($p) = grep { $_->{name} eq $name } processes();
	return $p->{pid};
}

# Which of several has it is not known.
sub pids { my ($n) = @_; return map { $_->{pid} } grep { $_->{name} eq $n } processes() }

sub tunnel {
	my $s;
	Frame::until(sub { $s = eval { $d->tunnel($where) } }, 15);
	return $s;
}

sub get {
	my ($s, $path) = @_;
	return Daemon::request($s, "GET $path", "Host: $where");
}

sub seen {
	my ($path) = @_;
	return scalar grep { $_->{target} =~ /^\Q$path\E(\?|$)/ }
	    $up->seen, $plain->seen;
}

# On the disk: there is a sync for each, though nothing asks for it but the
# record.
my $s = tunnel();
get($s, "/echo/first");
$d->row("/echo/first");
my $syncs = $d->disk->{syncs};
for (1 .. 10) {
	is(get($s, "/echo/s$_")->{status}, 200, "a request");
}
cmp_ok($d->disk->{syncs} - $syncs, ">=", 10, "each waited for a sync");

# Many at once share them.  Sending them may take longer than they wait, here,
# and then they are sent again.
my ($n, $t, @r) = (0);
my $logd = pid("logd");
do {
	my @many = map { $d->dial } 1 .. 256;
	$n++;
	$t = time;
	kill "STOP", $logd;
	$syncs = $d->disk->{syncs};
	for my $i (0 .. $#many) {
		$many[$i]->syswrite("GET http://$there/echo/m$n-$i HTTP/1.1" .
		    "\r\nHost: $there\r\nProxy-Authorization: " .
		    Daemon::basic("$d->{token}:default") . "\r\n\r\n");
	}
	sleep 0.5;
	is(scalar(grep { $_->{target} =~ m{^/echo/m$n-} } $plain->seen), 0,
	    "nothing leaves while logd does not move");
	kill "CONT", $logd;
	$t = time - $t;
	@r = map { Daemon::response($_)->{status} // 0 } @many;
} while ($n < 5 && $t > 1 && grep { $_ == 503 } @r);
is(scalar(grep { $_ == 200 } @r), 256, "then all of them");
my $took = $d->disk->{syncs} - $syncs;
cmp_ok($took, "<=", 64, "with $took syncs for 256");

# logd does not move for too long.
kill "STOP", $logd;
$t = time;
my $r = get($s, "/echo/stopped");
$took = time - $t;
is($r->{status}, 503, "logd is stopped: refused");
like($r->{body}, qr/log_unavailable/, "and why");
cmp_ok($took, ">", 1.5, "not at once");
cmp_ok($took, "<", 10, "but within its bound ($took s)");
kill "CONT", $logd;
is($d->row("/echo/stopped")->{error_code}, "log_unavailable",
    "the refusal has a row once logd goes on");
is(seen("/echo/stopped"), 0, "the upstream saw nothing");
is(get(tunnel(), "/echo/again")->{status}, 200, "requests go on");

# A disk that takes nothing.
$d->disk_full(1);
$s = tunnel();
$r = get($s, "/echo/full");
is($r->{status}, 503, "the disk is full: refused");
is($r->{json}{error}, "log_unavailable", "and why");
is(seen("/echo/full"), 0, "the upstream saw nothing");
$d->disk_full(0);
ok(Frame::until(sub {
	my $c = eval { $d->tunnel($where) } or return 0;
	return (eval { get($c, "/echo/room")->{status} } // 0) == 200;
}, 20), "there is room: requests go on");

# Between the attempt and its outcome.
sub ask {
	my ($path, $way) = @_;
	my $pid = fork // die;

	if ($pid == 0) {
		my $target = "/slow?ms=1500&n=$path";
		my $c = $way eq "forward" ? $d->dial : tunnel();
		eval { $way eq "forward" ? Daemon::request($c,
		    "GET http://$there/slow?ms=1500&n=$path", "Host: $there",
		    "Proxy-Authorization: " .
		    Daemon::basic("$d->{token}:default")) :
		    get($c, $target) };
		POSIX::_exit(0);
	}
	ok(Frame::until(sub { grep { $_->{target} =~ /n=$path$/ } $up->seen,
	    $plain->seen }, 15), "$path: the upstream has it");
	return $pid;
}

# The newest row of the slow ones.
sub outcome {
	my ($cond) = @_;
	my @rows = $d->rows(sub {
		my @r = grep { $_->{path} eq "/slow" } @_;
		return @r && $cond->(@r);
	});
	my ($row) = grep { $_->{path} eq "/slow" } @rows;
	return $row // {};
}

my $slow = 0;
sub dies {
	my ($name, $way, $status, $error, @procs) = @_;
	my $client = ask($name, $way);

	$slow++;
	kill "KILL", map { pids($_) } @procs;
	my $row = outcome(sub { @_ >= $slow });
	is($row->{status}, $status, "$name: its status");
	is($row->{error_code}, $error, "$name: its end");
	waitpid $client, 0;
}

dies("mitm", "tunnel", undef, "worker_lost", "mitm");
dies("proxy", "forward", undef, "worker_lost", "proxy");
dies("logd", "tunnel", 200, "", "logd");
dies("resolver", "tunnel", 200, "", "resolver");
dies("api", "tunnel", 200, "", "api-local", "api-tcp");
dies("both", "tunnel", undef, "worker_lost", "mitm", "logd");

my $client = ask("keyd", "tunnel");
$slow++;
kill "KILL", pid("keyd");
is($d->ends(20), 1, "without keyd the daemon ends");
waitpid $client, 0;
ok($d->again, "it starts again");
is(outcome(sub { @_ >= $slow })->{error_code}, "worker_lost",
    "and the next start says what became of its request");
is(scalar(grep { $_->{kind} eq "gap" } $d->rows), 0, "nothing is missing");

# Modes change under load.
my $end = time + 6;
my @load;
for my $c (1 .. 4) {
	my $pid = fork // die;
	push @load, $pid;
	next if $pid;
	my $k = 0;
	while (time < $end) {
		my $c1 = eval { $d->tunnel($where) } or sleep(0.05), next;
		while (time < $end) {
			my $a = eval { get($c1, "/echo/load-$c-" . ++$k) };
			last unless $a && ($a->{status} // 0) == 200;
			sleep 0.005;
		}
	}
	POSIX::_exit(0);
}
for my $mode (qw(available strict available strict)) {
	sleep 1;
	$d->{extra} =~ s/log mode \w+/log mode $mode/;
	$d->config;
	ok(eval { $d->api("POST", "/v1/brokerd/reload") }, "to $mode") or
	    diag($@);
}
waitpid $_, 0 for @load;

# What is in force is what was asked for.
for my $mode (qw(available strict)) {
	$d->{extra} =~ s/log mode \w+/log mode $mode/;
	$d->config;
	$d->api("POST", "/v1/brokerd/reload");
	my $c = tunnel();
	# The answer to a reload may come just before it is in force.
	ok(Frame::until(sub {
		my $before = $d->disk->{syncs};
		get($c, "/echo/mode-$mode-$_") for 1 .. 10;
		my $n = $d->disk->{syncs} - $before;
		return $mode eq "strict" ? $n >= 10 : $n < 5;
	}, 10), "$mode: a request " . ($mode eq "strict" ? "waits" :
	    "does not wait") . " for a sync");
}
my %sent = map { $_->{target} => 1 }
    grep { $_->{target} =~ m{^/echo/load} } $up->seen;
my %rows;
ok(Frame::until(sub {
	my $before = 0;
	while (1) {
		my $page = eval { $d->api("GET", "/v1/vaults/default/logs?" .
		    "limit=200" . ($before ? "&before=$before" : "")) } or
		    return 0;
		$rows{$_->{path}} = 1 for @{$page->{logs}};
		$before = $page->{next_cursor} or last;
	}
	return !grep { !$rows{$_} } keys %sent;
}, 20), "each of " . keys(%sent) . " has a row");
is($d->stop, 0, "stopped");
done_testing();
