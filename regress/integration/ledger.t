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

#
# Who dies together: workers and logd within one flush, or the whole daemon.
# Requests that went upstream and whose records went with logd are counted,
# for their vault, once, whatever is started or stopped afterwards.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my $d = Daemon->new("user");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $plain = Upstream->new(dir => $d->{dir});
my $where = "localhost:$up->{port}";
my $there = "localhost:$plain->{port}";
my ($done, $counted) = (0, 0);

$d->furnish(map { { name => "api" . $_->{port},
    host => "localhost:$_->{port}", allow_plaintext => JSON::true,
    auth => { type => "bearer", token => "KEY" } } } $up, $plain);

# { "mitm 0" => pid, ... }
sub pids {
	my $all = eval { $d->api("GET", "/v1/brokerd/status") } or return;
	return map { ("$_->{name} $_->{index}" => $_->{pid}) }
	    grep { ($_->{pid} // 0) > 0 } @{$all->{processes}};
}

sub workers { my %p = @_; return @p{grep { /^(mitm|proxy) / } keys %p} }

sub ledgers { return glob "$d->{state}/ledger/*" }

# On both ways in, on connections of one scope that logd has seen.
my ($tunnel, $forward);
sub one {
	my ($path) = @_;
	my $r = Daemon::request($tunnel, "GET /echo/t$path", "Host: $where");
	my $q = Daemon::request($forward, "GET http://$there/echo/f$path",
	    "Host: $there", "Proxy-Authorization: " .
	    Daemon::basic("$d->{token}:default"));
	return ($r->{status} // 0) == 200 && ($q->{status} // 0) == 200;
}

sub seen { return scalar(() = $up->seen) + scalar(() = $plain->seen) }

sub known {
	my ($path) = @_;
	ok(Frame::until(sub {
		$tunnel = eval { $d->tunnel($where) };
		$forward = eval { $d->dial };
		return $tunnel && $forward && one($path);
	}, 20), "requests") or diag($d->log);
	$d->row("/echo/t$path");
	$d->row("/echo/f$path");
}

# What was asked, while logd does not move, and dies with it.
sub unseen {
	my ($name, $n) = @_;
	my %p = pids();

	kill "STOP", $p{"logd 0"};
	is(scalar(grep { one("/$name$_") } 1 .. $n), $n, "$name: they go on");
	return %p;
}

# Each request that went upstream is a row or in a gap, and no more are.
sub adds_up {
	my ($name) = @_;
	my ($rows, $gaps, $other, $died);

	ok(Frame::until(sub {
		my @r = eval { @{$d->api("GET",
		    "/v1/vaults/default/logs?limit=200")->{logs}} } or return;
		my @all = eval { @{$d->api("GET",
		    "/v1/admin/logs?limit=200")->{logs}} };
		$rows = grep { $_->{kind} eq "request" } @r;
		$gaps = $other = 0;
		$gaps += $_->{count} for grep { $_->{kind} eq "gap" } @r;
		$other += $_->{count} for grep { $_->{kind} eq "gap" } @all;
		$other -= $gaps;
		return $rows + $gaps == seen();
	}, 15), "$name: rows and gaps add up") or
	    diag(seen() . " went upstream, $rows rows, $gaps in gaps");
	is($other, 0, "$name: nothing is counted without a vault");
	return $gaps;
}

known("/first");
my %p = unseen("flush", 5);
kill "KILL", workers(%p), $p{"logd 0"};
is(adds_up("workers and logd"), 10, "all ten are counted");

known("/second");
my @died = unseen("all", 4);
%p = @died;
kill "KILL", $d->{pid}, values %p;
is($d->ends, "signal 9", "all of it is dead");
ok(scalar(() = ledgers()), "the ledgers are there");
ok($d->again, "it starts again") or diag($d->log);
is(adds_up("everything"), 18, "eight more are counted");

# Only the parent: the others end by themselves, and what they know is told.
known("/third");
kill "KILL", $d->{pid};
is($d->ends, "signal 9", "the parent is dead");
ok($d->again, "it starts again") or diag($d->log);
is(adds_up("the parent"), 18, "nothing more is counted");

# A stop with a logd that cannot commit any more.
known("/fourth");
%p = unseen("stop", 3);
kill "TERM", $d->{pid};
sleep 0.3;
kill "KILL", $p{"logd 0"};
is($d->ends(30), 0, "stopped without logd");
ok($d->again, "it starts again") or diag($d->log);
is(adds_up("a stop"), 24, "six more are counted");

is($d->stop, 0, "stopped");
is(scalar(() = ledgers()), 0, "no ledger is left") or
    diag(join("\n", ledgers(), $d->log));
ok($d->again, "it starts again") or diag($d->log);
is(adds_up("the end"), 24, "nothing is counted twice");
is($d->stop, 0, "stopped");
done_testing();
