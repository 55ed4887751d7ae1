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


# Following the log: each row once and in order, whatever happens to a reader,
# to api or to logd meanwhile.

use strict;
use warnings;

use JSON;
use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;
use Follow;
use POSIX ();

my $ROWS = $ENV{FOLLOW_ROWS} // 20_000;
my $d = Daemon->new("user", extra => "log retain rows 0\n");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $secure = "localhost:$up->{port}";
my $log = "/v1/vaults/default/logs";

$d->furnish({ name => "api", host => $secure,
    auth => { type => "bearer", token => "KEY" } });

sub follow { return Follow::start($d, @_) }

sub burst {
	my ($n, $path) = @_;
	my $pid = fork // die "fork: $!";

	return $pid if $pid;
	eval { $d->refused($secure, $n, $path) } or 1;
	warn $@ if $@;
	POSIX::_exit(0);
}

# All rows of the vault, the oldest first, by polling.
sub all_ids {
	my ($after, $filter) = @_;
	my @ids;

	for (;;) {
		my $o = $d->api("GET", "$log?limit=200&after=$after" .
		    ($filter // ""));
		push @ids, reverse map { $_->{id} } @{$o->{logs}};
		last if $o->{latest_id} <= $after;
		$after = $o->{latest_id};
	}
	return @ids;
}

# How many follow through the local socket.
sub streams {
	my ($p) = grep { $_->{name} eq "api-local" }
	    @{$d->api("GET", "/v1/brokerd/status")->{processes}};
	return $p->{counters}{streams};
}

sub pid_of {
	my ($name) = @_;
	my ($p) = grep { ($_->{process} // $_->{name} // "") =~ /^$name/ }
	    @{$d->api("GET", "/v1/brokerd/status")->{processes}};
	return $p->{pid};
}

# One that has nothing to read for a while.
my $quiet = follow("$log/stream?host=nowhere.invalid");

# tail stuck on an empty vault
{
	my $r = follow("$log/stream?after=0");
	my $none = follow("$log/stream?after=0&host=nowhere.invalid");
	my $new = follow("$log/stream");
	is($r->{status}, 200, "tail stuck on an empty vault: it begins");
	like($r->{head}, qr{^Content-Type: text/event-stream}mi,
	    "as an event stream");
	$d->refused($secure, 3, "first");
	ok(until_all(sub { @{$r->{events}} == 3 && @{$new->{events}} == 3 },
	    $r, $new, $none), "and the first rows come");
	is(scalar @{$none->{events}}, 0, "but not where none matches");
	is($r->{events}[0][0], "log", "as events");
	is_deeply([ ids($r) ], [ all_ids(0) ], "with the ids of the rows");
	is_deeply([ ids($r) ], [ ids($new) ], "also without a cursor");
	my $row = $d->api("GET", "$log?limit=1")->{logs}[0];
	is_deeply((data($r))[2], $row, "and all that the list has");
}

# One still in flight.
{
	my $r = follow("$log/stream");
	my $odd = follow("$log/stream?status=404");
	my $s = $d->tunnel($secure);
	my $a = Daemon::request($s, "GET /slow?ms=700", "Host: $secure");
	is($a->{status}, 200, "a slow request");
	until_all(sub { grep { $_->[0] eq "log" } @{$r->{events}} }, $r);
	is_deeply([ map { $_->[0] } @{$r->{events}} ],
	    [ "open", "close", "log" ], "is open, then closed, then a row");
	my ($o, $c, $l) = data($r);
	is($o->{request_id}, $l->{request_id}, "the same one");
	is($c->{request_id}, $l->{request_id}, "all the time");
	is($c->{id}, $l->{id}, "with the id of the row");
	is($o->{status}, undef, "whose end is not known at first");
	take($odd);
	is(scalar @{$odd->{events}}, 0, "nothing of it where none matches");
}

# What is refused.
{
	my ($head) = reverse all_ids(0);
	is(follow("$log/stream?after=" . ($head + 1000))->{status}, 409,
	    "a cursor beyond the newest row");
	is(follow("$log/stream?after=x")->{status}, 400, "one that is none");
	is(follow("$log/stream", last => "x")->{status}, 400, "in either way");
	is(follow("$log/stream?status_bucket=9xx")->{status}, 400, "a wrong filter");
	is(follow("/v1/vaults/none/logs/stream")->{status}, 404, "no vault");
	is(follow("/v1/admin/logs/stream?vault=none")->{status}, 400,
	    "no vault to filter by");
	is(follow("$log/stream", token => $d->{token})->{status}, 403,
	    "no right");
}

# burst lost to the tail
{
	my ($from) = reverse all_ids(0);
	my @r = map { follow("$log/stream?after=$from&path=*/$_") } 0 .. 49;
	my $none = follow("$log/stream?after=$from&status=200");
	my $all = follow("$log/stream?after=$from");
	my $admin = follow("/v1/admin/logs/stream?after=$from&vault=default");
	my $stuck = follow("$log/stream?after=$from");
	is(scalar(grep { $_->{status} == 200 } @r, $none, $all, $admin,
	    $stuck), 54, "burst lost to the tail: 50 readers and a stuck one");
	my @pids = map { burst($ROWS / 4, "burst") } 1 .. 4;
	ok(until_all(sub { !grep { $_->{rows} < $ROWS / 50 } @r }, @r, $all,
	    $admin) && until_all(sub { $all->{rows} == $ROWS &&
	    $admin->{rows} == $ROWS }, @r, $all, $admin),
	    "one gets $ROWS rows, and the owner") or
	    diag("$all->{rows} $admin->{rows} $r[7]{rows}");
	waitpid $_, 0 for @pids;
	my @want = all_ids($from);
	is(scalar @want, $ROWS, "which are there");
	is(join(" ", ids($all)), join(" ", @want), "each one once, in order");
	is(join(" ", ids($admin)), join(" ", @want), "for the owner too");
	until_all(sub { !grep { $_->{rows} < $ROWS / 50 } @r }, @r);
	is(scalar(grep { join(" ", ids($r[$_])) ne join(" ",
	    all_ids($from, "&path=*/$_")) } 0 .. 49), 0,
	    "and those of their own for 50 readers");
	take($none);
	is(scalar(ids($none)), 0, "and nothing where none matches");
	ok(until_all(sub { last_id($stuck) == $want[-1] }, $stuck),
	    "a stuck reader that reads again");
	is(join(" ", ids($stuck)), join(" ", @want), "has them all");
	ok(scalar(grep { $_->[0] eq "lagged" } @{$stuck->{events}}),
	    "and was told that it was behind");
	my @live = @{$stuck->{live} // []};
	ok(@live > 1 && $live[0][0] == 0,
	    "and, at first and at last, that it is not");
	is($live[-1][1], $stuck->{events}[$live[-1][0] - 1][1],
	    "with all there was until then");
	my $old = follow("$log/stream?after=0");
	until_all(sub { last_id($old) == $want[-1] }, $old);
	is(join(" ", ids($old)), join(" ", all_ids(0)),
	    "and who comes later, from the beginning on");
	ok(until_all(sub { $old->{live} }, $old), "who is told that");
	is($old->{live}[0][0], scalar(@{$old->{events}}), "after the last");
}

ok(until_all(sub { $quiet->{beats} > 0 }, $quiet),
    "who has nothing to read hears a beat now and then");
is($quiet->{beat}[1], $quiet->{beat}[0], "whose cursor is its id");
cmp_ok($quiet->{beat}[0], ">", 0, "and behind what did not match");
is(scalar(ids($quiet)), 0, "and of no row");

# Restarts: with Last-Event-ID it goes on.
for my $name ("api-local", "logd") {
	my $r = follow("$log/stream");
	my $pid = burst(6000, "restart");
	my @got;

	until_all(sub { @{$r->{events}} > 500 }, $r);
	kill "KILL", pid_of($name);
	ok(until_all(sub { $r->{cut} || $r->{end} }, $r),
	    "$name is killed: the stream ends");
	push @got, ids($r);
	my $last = $got[-1];
	Frame::until(sub {
		$r = eval { follow("$log/stream", last => $last) };
		return $r && ($r->{status} // 0) == 200;
	}, 20);
	waitpid $pid, 0;
	$d->rows;
	my @want = all_ids($got[0] - 1);
	until_all(sub { last_id($r) >= $want[-1] }, $r);
	push @got, ids($r);
	is("@got", "@want", "and goes on without a hole or a duplicate");
}

# Who takes nothing of what there is for it is cut after a minute: too long for
# every day.
SKIP: {
	skip "FOLLOW_LONG is not set", 4 unless $ENV{FOLLOW_LONG};
	my ($stuck, $reads) = (follow("$log/stream?after=0"),
	    follow("$log/stream"));
	my $start = time;
	ok(Frame::until(sub { streams() == 2 }, 10), "two readers");
	ok(Frame::until(sub {
		take($reads);
		return streams() == 1;
	}, 90), "who takes nothing for a minute is cut");
	cmp_ok(time - $start, ">", 55, "not before");
	ok(until_all(sub { $reads->{beats} > 2 && !$reads->{cut} },
	    $reads), "who only has nothing to read goes on");
}

# A right that ends.
{
	my $a = $d->api("POST", "/v1/agents", { name => "reader", vaults => [
	    { vault_name => "default", vault_role => "member" } ] });
	my $t = $a->{av_agent_token};
	my ($r, $other) = (follow("$log/stream", token => $t),
	    follow("$log/stream"));
	is($r->{status}, 200, "a member may follow");
	$d->api("DELETE", "/v1/vaults/default/agents/reader");
	ok(until_all(sub { $r->{cut} }, $r), "until the grant goes");
	is(follow("$log/stream", token => $t)->{status}, 403, "and no more");
	take($other);
	ok(!$other->{cut}, "others go on");
}

# As many readers as this caller gets, at most so many.
sub fill {
	my ($max, $token) = @_;
	my @r;

	while (@r < $max) {
		my $r = follow("$log/stream", token => $token);
		return ($r, @r) if $r->{status} != 200;
		push @r, $r;
	}
	return (undef, @r);
}

# More than there is room for.
{
	my ($no, @r) = fill(300);
	is($no->{status}, 503, "the cap of readers");
	is(scalar @r, 205, "of one caller is four fifths of 256");
	like($no->{head}, qr/^Retry-After: \d+\r$/m, "says when to try again");
	ok($d->api("GET", "$log?limit=1"), "and others are served");
	for (1 .. 13) {
		my $a = $d->api("POST", "/v1/agents", { name => "many-$_",
		    vaults => [ { vault_name => "default",
		    vault_role => "member" } ] });
		($no, my @more) = fill(5, $a->{av_agent_token});
		is(scalar @more, $_ < 13 ? 4 : 3, "a few for caller $_");
		push @r, @more;
	}
	is(scalar @r, 256, "up to the cap of them all");
	is($no->{status}, 503, "which holds for everybody");
	my $late = $d->api("POST", "/v1/agents", { name => "late",
	    vaults => [ { vault_name => "default",
	    vault_role => "member" } ] })->{av_agent_token};
	pop @r;
	ok(Frame::until(sub {
		my $one = follow("$log/stream", token => $late);
		push @r, $one if $one->{status} == 200;
		return $one->{status} == 200;
	}, 10), "one that goes leaves its place to who has none");
	is(follow("$log/stream")->{status}, 503, "not to who has many");
	@r = ();
	ok(Frame::until(sub { follow("$log/stream")->{status} == 200 }, 10),
	    "there is room again when they have gone");
}

is($d->stop, 0, "the daemon stops in order");
done_testing;
