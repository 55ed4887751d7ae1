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
# Two vaults under load.  One of them is deleted under live tunnels, then one
# floods: what the other's upstream has seen is what the other's log says.

use strict;
use warnings;

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my $d = Daemon->new("user", extra => "log retain rows 0\n");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $where = "localhost:$up->{port}";
my %token;

sub vault {
	my ($name) = @_;

	$d->api("POST", "/v1/vaults", { name => $name });
	return $token{$name} = $d->api("POST", "/v1/agents",
	    { name => "bot-$name", vaults => [ { vault_name => $name,
	    vault_role => "proxy" } ] })->{av_agent_token};
}

# A process that asks in a tunnel of the vault until it is told to stop or the
# tunnel ends, at so many a second or as fast as it is answered; it writes
# down what it was answered.
sub client {
	my ($vault, $path, $rate, $seconds) = @_;
	my $file = "$d->{dir}/c.$path";
	my $pid = fork // die "fork: $!";

	return { pid => $pid, file => $file } if $pid;
	my $end = time + $seconds;
	my ($n, $next) = (0, time);
	open(my $out, ">", $file) or die;
	eval {
		my $s = $d->tunnel($where, token => "$token{$vault}:$vault");
		while (time < $end) {
			my $r = Daemon::request($s, "GET /quiet/$path/" . $n++,
			    "Host: $where");
			last if !$r->{status};
			syswrite $out, "$r->{status}\n";
			next unless $rate;
			$next += 1 / $rate;
			my $wait = $next - time;
			sleep $wait if $wait > 0;
		}
	};
	POSIX::_exit(0);
}

sub done {
	my ($c) = @_;

	waitpid $c->{pid}, 0;
	open(my $f, "<", $c->{file}) or return 0;
	my @all = <$f>;
	return scalar grep { $_ == 200 } @all;
}

# All rows of a vault, by name, deleted ones too, the oldest first.
sub all_rows {
	my ($vault) = @_;
	my ($after, @all) = (0);

	while (1) {
		my $a = $d->api("GET", "/v1/admin/logs?vault=$vault&limit=200" .
		    "&kind=request,gap,event&after=$after");
		push @all, reverse @{$a->{logs}};
		last if @{$a->{logs}} == 0 || $a->{latest_id} == $after;
		$after = $a->{latest_id};
	}
	return @all;
}

# What the upstream saw of these paths is what the vault's rows say, each once
# and no other; at full speed a machine that is too slow for it may have what it
# lost counted instead, exactly.  At least as many were answered; of tunnels that
# were cut the last may not have got there.
sub exactly {
	my ($vault, $n, $paths, $what, $full, $cut) = @_;
	my (@rows, @mine, @saw, %row, $lost);

	Frame::until(sub {
		@saw = grep { m{^/quiet/$paths/} } $up->quiet;
		@rows = eval { all_rows($vault) };
		@mine = grep { $_->{path} =~ m{^/quiet/$paths/} &&
		    $_->{upstream_addr} ne "" } @rows;
		$lost = 0;
		$lost += $_->{count} for grep { $_->{kind} eq "gap" } @rows;
		return @saw <= @mine + $lost;
	}, 15);
	$row{$_->{path}}++ for @mine;
	my %saw = map { $_ => 1 } @saw;
	cmp_ok(scalar @saw, ">=", $n, "$what: the upstream saw all answered");
	is(scalar(grep { $_ > 1 } values %row), 0, "$what: no row twice");
	cmp_ok(scalar(grep { !$saw{$_} } keys %row), "<=", $cut // 0,
	    "$what: no row that the upstream did not see");
	is(scalar(grep { !$row{$_} } @saw), $lost,
	    "$what: each that it saw is a row or counted");
	is($lost, 0, "$what: no gap") unless $full;
	note("$what: $lost of " . @saw . " in gaps") if $full;
	return @mine;
}

sub ended {
	my ($r) = @_;
	my ($h, $m, $s) = $r->{created_at} =~ /T(\d+):(\d+):([\d.]+)Z/;
	return $h * 3600 + $m * 60 + $s + $r->{latency_us} / 1e6;
}

# a vault deleted under a live tunnel
for my $rate (200, 1000, 0) {
	my $name = "gone$rate";
	my $kept = "kept$rate";

	vault($_) for $name, $kept;
	my $k = client($kept, "a$rate", $rate / 2, 2);
	my $k2 = client($kept, "b$rate", $rate / 2, 2);
	my @g = map { client($name, "$name-$_", $rate / 2, 2) } 1, 2;
	sleep 0.7;
	$d->api("DELETE", "/v1/vaults/$name");
	my @gone = map { done($_) } @g;
	my $n = done($k);
	my $n2 = done($k2);
	note(sprintf "asked for %s requests/s in each vault, had %.0f",
	    $rate || "as many as it takes", ($n + $n2) / 2);
	cmp_ok($n, ">", 20, "$name: the other one goes on");
	exactly($kept, $n + $n2, "[ab]$rate", "beside $name", $rate == 0);
	exactly($name, $gone[0] + $gone[1], "$name-[12]", $name, $rate == 0, 2);
	my @all = grep { $_->{kind} eq "request" } all_rows($name);
	my $good = grep { $_->{status} && $_->{status} == 200 &&
	    $_->{error_code} eq "" } @all;
	my $sum = $gone[0] + $gone[1];
	cmp_ok($sum, ">", 0, "$name: it has had requests");
	cmp_ok($good, "<=", $sum + 2,
	    "$name: what it was not answered is no success");
	my %id = map { $_->{vault_id} // 0 => 1 } @all;
	is(scalar(keys %id), 1, "$name: under one id");
	ok(!$id{0}, "$name: which is its own");
}
is(scalar(grep { $_->{action} eq "orphan_vault" } @{$d->api("GET",
    "/v1/admin/logs?kind=event&limit=200")->{logs}}), 0,
    "no row has lost its vault");

# One floods, the other asks now and then.
vault($_) for "flood", "slow";
my @f = map { client("flood", "flood$_", 0, 2) } 1 .. 6;
sleep 0.3;
my $c = client("slow", "slow", 20, 1.5);
my $n = done($c);
my $sum = 0;
$sum += done($_) for @f;
note(sprintf "%.0f requests/s beside %d", $sum / 2, $n / 1.5);
my @slow = exactly("slow", $n, "slow", "beside a flood");
cmp_ok($n, ">", 15, "beside a flood: it is served");

# Ids are given at the commit.  Between the end of a request and its commit no
# more than two flushes can lie, the one under way and the next: rows of the
# flood that ended more than that later have higher ids.
my @flood = exactly("flood", $sum, 'flood\d', "the flood", 1);
my @byid = sort { $a->{id} <=> $b->{id} } @flood, @slow;
my $batch = 0;
for my $r (@slow) {
	my $before = grep { $_->{id} < $r->{id} && ended($_) > ended($r) }
	    @byid;
	$batch = $before if $before > $batch;
}
note("at most $batch rows that ended later were before it");
cmp_ok($batch, "<=", 1000, "its commit waits for no more than one batch");
is($d->stop, 0, "stopped");
done_testing();
