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

# What is counted of the log: against counting the rows here, through ends of
# logd of all kinds, for all who may ask, and what may be asked.

use strict;
use warnings;

use JSON;
use Test::More;
use Time::HiRes qw(time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my $d = Daemon->new("user", extra => "log retain rows 0\n");
my $up = Upstream->new(dir => $d->{dir}, tls => 0);
my $where = "127.0.0.1:$up->{port}";
my $v = "/v1/vaults/default/logs";
my $all = "/v1/admin/logs";

$d->furnish({ name => "api", host => $where, allow_plaintext => JSON::true,
    auth => { type => "bearer", token => "KEY" } });
$d->services({ name => "other", host => "localhost:$up->{port}",
    allow_plaintext => JSON::true, auth => { type => "passthrough" } });

sub get {
	my ($path, $query, $token) = @_;
	my $s = IO::Socket::UNIX->new(Peer => $d->{socket}) or die "$!";
	my $r = Daemon::request($s, "GET $path" . ($query ? "?$query" : ""),
	    "Host: x", $token ? "Authorization: Bearer $token" : ());
	my $json = eval { decode_json($r->{body} // "") } // {};

	return wantarray ? ($json, $r->{status}) : $json;
}

# So many requests for a path, of a vault.
sub forward {
	my ($vault, $host, $path, $n) = @_;
	my $s = $d->dial;

	for (1 .. $n) {
		my $r = Daemon::request($s, "GET http://$host:$up->{port}" .
		    $path, "Host: $host:$up->{port}",
		    "Proxy-Authorization: " .
		    Daemon::basic("$d->{token}:$vault"));
		$s = $d->dial if !$r->{status} || $r->{cut};
	}
}

# All rows of requests of a log.
sub rows {
	my ($path, $query) = @_;
	my (@rows, $before);

	do {
		my $r = get($path, "kind=request&limit=200$query" .
		    ($before ? "&before=$before" : ""));
		push @rows, @{$r->{logs}};
		$before = $r->{next_cursor};
	} while ($before);
	return @rows;
}

sub logd {
	return (grep { $_->{name} eq "logd" }
	    @{$d->api("GET", "/v1/brokerd/status")->{processes}})[0];
}

sub class {
	my ($status) = @_;

	return "unknown" if !defined $status;
	return $status == 0 ? "none" : int($status / 100) . "xx";
}

# Counts as stats has them, the slow way; times are left to near().
sub slow {
	my @rows = @_;
	my %sum = (count => scalar @rows, errors => 0, bytes_in => 0,
	    bytes_out => 0, by_status => { map { $_ => 0 } "1xx", "2xx",
	    "3xx", "4xx", "5xx", "none", "unknown" },
	    by_decision => { map { $_ => 0 } qw(brokered passthrough blocked
	    error none) });

	for my $r (@rows) {
		$sum{by_status}{class($r->{status})}++;
		$sum{by_decision}{$r->{decision} || "none"}++;
		$sum{errors}++ if $r->{error_code} ne "";
		$sum{$_} += $r->{$_} for qw(bytes_in bytes_out);
	}
	return \%sum;
}

my @times = qw(p50_ms p95_ms p99_ms max_ms);
sub plain {
	my %sum = %{$_[0]};

	delete @sum{@times, "start"};
	return \%sum;
}

# Within an eighth of what the rows have, or both below 256 us.
sub near {
	my ($sum, $what, @rows) = @_;
	my @us = sort { $a <=> $b } map { $_->{latency_us} } @rows;
	my %permille = (p50_ms => 500, p95_ms => 950, p99_ms => 990,
	    max_ms => 1000);

	for my $key (@times) {
		my $k = int((@us * $permille{$key} + 999) / 1000) - 1;
		my $want = $us[$k] / 1000;
		my $is = $sum->{$key};
		ok(abs($is - $want) <= $want / 8 || ($is < 0.256 &&
		    $want < 0.256), "$what: $key is near") or
		    diag("$is, not $want");
	}
}

sub tops {
	my ($key, @rows) = @_;
	my %n;

	$n{$key eq "host" ? $_->{host} =~ s/:\d+$//r : $_->{$key}}++
	    for @rows;
	delete $n{""};
	return [map { { name => $_, count => $n{$_} } }
	    sort { $n{$b} <=> $n{$a} || $a cmp $b } keys %n];
}

# One answer, against all rows there are.
sub compare {
	my ($what, $path, $query) = @_;
	my @rows = rows($path, $query);
	my ($r, $status) = get("$path/stats", "since=3h&step=1m$query");
	my (%minute, $sum);

	is($status, 200, "$what: an answer") or return diag explain $r;
	is_deeply(plain($r->{total}), slow(@rows), "$what: total") or
	    diag explain $r->{total};
	near($r->{total}, $what, @rows);
	push @{$minute{substr $_->{created_at}, 0, 16}}, $_ for @rows;
	my @wrong = grep {
		my $rows = $minute{substr $_->{start}, 0, 16} // [];
		JSON->new->canonical->encode(plain($_)) ne
		    JSON->new->canonical->encode(slow(@$rows));
	} @{$r->{buckets}};
	is_deeply(\@wrong, [], "$what: minutes");
	is_deeply($r->{top_hosts}, tops("host", @rows), "$what: hosts");
	is_deeply($r->{top_services}, tops("matched_service", @rows),
	    "$what: services");
	is($r->{other_hosts} + $r->{other_services}, 0, "$what: all named");
	return $r;
}

# What the rows say without their order, to see that they are all there.
sub settled {
	my ($path, $n) = @_;
	return Frame::until(sub { rows($path, "") == $n }, 15);
}

my ($empty, $status) = get("$v/stats", "since=1h");
is($status, 200, "an empty vault");
is($empty->{total}{count}, 0, "has no request");
is($empty->{total}{p50_ms}, undef, "and no time");
is_deeply([@{$empty}{qw(top_hosts top_services)}], [[], []], "nor names");
ok(@{$empty->{buckets}} == 60 || @{$empty->{buckets}} == 61,
    "but each minute");
is($empty->{step_seconds}, 60, "of an hour");

forward("default", "127.0.0.1", "/echo/$_", 5) for 1 .. 4;
forward("default", "localhost", "/status/404", 7);
forward("default", "127.0.0.1", "/status/503", 3);
forward("default", "127.0.0.1", "/status/302", 2);
forward("default", "127.0.0.1", "/slow?ms=40", 3);
forward("default", "127.0.0.1", "/drop", 2);
forward("default", "no.such.localhost", "/", 4);
ok(settled($v, 41), "requests");
compare("at once", $v, "");

# Nothing of it has to be written for that.
my $n = logd()->{counters}{database_commits};
compare("again and again", $v, "");
get("$v/stats") for 1 .. 50;
cmp_ok(logd()->{counters}{database_commits} - $n, "<", 10,
    "a reader writes nothing");

$d->api("POST", "/v1/vaults", { name => "goner" });
$d->api("POST", "/v1/vaults/goner/agents", { name => "bot",
    role => "proxy" });
forward("goner", "127.0.0.1", "/late", 6);
ok(settled("/v1/vaults/goner/logs", 6), "requests of another vault");
$d->api("DELETE", "/v1/vaults/goner");

for my $how ("", ", after kill -9 of logd", ", after a restart",
    ", after kill -9 of all") {
	if ($how =~ /of logd/) {
		kill "KILL", logd()->{pid};
		ok(Frame::until(sub { (get("$v/stats"))[1] == 200 }, 15),
		    "logd is killed");
	} elsif ($how =~ /restart/) {
		is($d->stop, 0, "the end");
		ok($d->again, "a restart");
	} elsif ($how =~ /of all/) {
		kill "KILL", $d->{pid}, grep { !Frame::gone($_) } $d->pids;
		$d->ends;
		ok($d->again, "a restart");
	}
	ok(Frame::until(sub { (get("$v/stats"))[1] == 200 }, 15), "it reads");
	compare("a vault$how", $v, "");
	compare("a deleted vault$how", $all, "&vault=goner");
	compare("two vaults, one by name and id$how", $all,
	    "&vault=default,goner,1");
	compare("everything$how", $all, "");
	my $n = rows($v, "");
	forward("default", "127.0.0.1", "/echo/more", 2);
	ok(settled($v, $n + 2), "more requests");
}
is((get("$all/stats", "vault=0"))[0]->{total}{count}, 0,
    "the instance log has no request");

subtest "ranges" => sub {
	my $r = get("$v/stats", "since=2000-01-01T00:00:00Z&" .
	    "until=2001-01-01T00:00:00Z&buckets=12");
	is($r->{total}{count}, 0, "long ago there was nothing");
	ok($r->{kept_from} gt $r->{to}, "and would not be kept");
	ok(@{$r->{buckets}} <= 13, "in about as many steps as asked for");
	is($r->{from}, $r->{buckets}[0]{start}, "the first begins it");
	$r = get("$v/stats", "since=2000-01-01T00:00:00Z");
	is($r->{total}{count}, rows($v, ""), "from before all that is kept");
	ok(@{$r->{buckets}} <= 61, "in few steps");
	$r = get("$v/stats", "since=23h&step=6h");
	is($r->{step_seconds}, 21600, "a step that is asked for");
	like($_->{start}, qr/T(00|06|12|18):00:00Z$/, "begins at its multiple")
	    for @{$r->{buckets}};
	is($r->{total}{count}, rows($v, ""), "with all that it has");
	is(scalar(grep { $_->{count} == 0 } @{$r->{buckets}}) > 1, 1,
	    "also where nothing was");
	my $last = $r->{buckets}[-1]{start};
	is((get("$v/stats", "since=$last&step=6h"))[0]->{total}{count},
	    $r->{buckets}[-1]{count}, "a step is a range");
	$r = get("$v/stats", "since=1h&buckets=9999");
	is($r->{step_seconds}, 60, "no step is below a minute");
	for (["since=5m&until=10m", "since must be before until"],
	    ["since=yesterday", 'since must be a time.*"yesterday"'],
	    ["until=2026-13-01T00:00:00Z", "until must be a time"],
	    ["step=90s", 'step must be whole minutes.*"90s"'],
	    ["step=0m", "step must be"], ["step=5", "step must be"],
	    ["step=1m&buckets=5", "mutually exclusive"],
	    ["step=1m&since=9h", "step is too short: at most 500"],
	    ["buckets=0", "buckets must be a number"],
	    ["host=x", 'Unknown parameter "host"'],
	    ["vault=default", 'Unknown parameter "vault"'],
	    ["since=1h&since=2h", '"since" comes twice']) {
		my ($query, $re) = @$_;
		my ($r, $status) = get("$v/stats", $query);
		is("$status $r->{code}", "400 invalid_request",
		    "$query: refused");
		like($r->{error}, qr/$re/, "$query: and said why");
	}
	for (["vault=!default", "without"], ["vault=never", '"never"'],
	    ["q=x", 'Unknown parameter "q"']) {
		my ($query, $re) = @$_;
		my ($r, $status) = get("$all/stats", $query);
		is("$status $r->{code}", "400 invalid_" . ($query =~ /never/ ?
		    "filter" : "request"), "$query: refused");
		like($r->{error}, qr/$re/, "$query: and said why");
	}
};

subtest "brokerctl" => sub {
	my $n = rows($v, "");
	my $run = sub {
		my ($locale, @args) = @_;
		my $words = join " ", "$Frame::top/brokerctl/brokerctl", "-s",
		    $d->{socket}, map { "'$_'" } @args;
		my $out = qx(LC_ALL=$locale $words 2>&1);
		return ($out, $? >> 8);
	};
	for (["C", "#", "C"], ["C.UTF-8", "\xe2\x96\x88", "UTF-8"]) {
		my ($locale, $block, $what) = @$_;
		my ($out, $status) = $run->($locale, qw(logs stats --since 2h
		    --step 1h));
		is($status, 0, "$what: it is shown");
		like($out, qr/^Requests  $n  from /, "$what: how many");
		like($out, qr/^\d\d:00 +\d+ +[\d.]+ ms +\d+ ms  ${block}+=*/m,
		    "$what: a step") if $locale eq "C";
		like($out, qr/^$block 2xx  \S+ 3xx  4 4xx  5 5xx$/m,
		    "$what: what is what");
		like($out, qr/^127\.0\.0\.1 +\d+ +\d+%\n/m, "$what: hosts");
		like($out, qr/^SERVICE +COUNT +SHARE\napi /m,
		    "$what: services");
		unlike($out, qr/\e/, "$what: without colours");
	}
	for (["-o", "json"], ["-j"]) {
		my ($out, $status) = $run->("C", qw(logs stats --step 6h),
		    @$_);
		is_deeply(decode_json($out), scalar get("$v/stats",
		    "step=6h"), "@$_: as the API has it");
		is(($out =~ tr/\n//), 1, "@$_: in a line");
	}
	my ($out, $status) = $run->("C", qw(logs stats --instance -v),
	    "goner,default", "--since", "2000-01-01T00:00:00Z");
	$n = rows($all, "&vault=goner,default");
	like($out, qr/^Requests  $n /, "of several vaults");
	for (["--since", "soon"], ["--until", "x"], ["--step", "90s"],
	    ["-o", "xml"]) {
		($out, $status) = $run->("C", qw(logs stats), @$_);
		is($status, 2, "@$_: refused");
		like($out, qr/^brokerctl: logs stats: $_->[0] $_->[1]: /,
		    "@$_: and said so");
	}
	($out, $status) = $run->("C", qw(logs stats -v never));
	is($status, 1, "no such vault");
};

subtest "who may" => sub {
	my %token = map {
		my $role = $_;
		$role => $d->api("POST", "/v1/agents", { name => "a$role",
		    vaults => $role eq "none" ? [] : [ { vault_name =>
		    "default", vault_role => $role } ] })->{av_agent_token};
	} qw(proxy member admin none);

	for (["proxy", 403], ["member", 200], ["admin", 200],
	    ["none", 403]) {
		my ($role, $want) = @$_;
		is((get("$v/stats", "", $token{$role}))[1], $want,
		    "$role: $want");
		is((get("$v/stats", "", $token{$role}))[1],
		    (get($v, "", $token{$role}))[1], "$role: as for rows");
		is((get("$all/stats", "", $token{$role}))[1], 403,
		    "$role: not everything");
	}
	is((get("/v1/vaults/never/logs/stats"))[1], 404, "no such vault");
	is((get("/v1/vaults/goner/logs/stats"))[1], 404, "a deleted one");
	is((get("$v/stats", "", "nonsense"))[1], 401, "no such token");
};

is($d->stop, 0, "the end");
done_testing;
