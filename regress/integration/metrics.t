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
# GET /metrics: each line as Prometheus reads it, the numbers against what was
# sent, who may see it, and the listener that serves nothing else.

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my $port = Frame::port();
my $d = Daemon->new("user", extra =>
    "listen metrics on 127.0.0.1 port $port\n");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $secure = "localhost:$up->{port}";

$d->furnish({ name => "api", host => $secure,
    auth => { type => "bearer", token => "KEY" } });

sub get {
	my ($to, $line, @h) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1",
	    PeerPort => $to, Timeout => 5) or die "port $to: $!";
	return Daemon::request($s, $line, "Host: x", @h);
}

# Strictly: { name => { type, samples => { labels => value } } }, or dies.
sub parse {
	my ($text) = @_;
	my $label = qr/[a-z_]+="(?:[^"\\\n]|\\["\\n])*"/;
	my (%m, $now, %done);

	die "no newline at the end" unless $text =~ /\n\z/;
	for (split /\n/, $text, -1) {
		if (/^# HELP (brokerd_[a-z_]+) [A-Z][^\\]*\.$/) {
			die "$1 comes twice" if $done{$1}++;
			$now = $1;
			$m{$now} = { samples => {} };
		} elsif (/^# TYPE (\S+) (counter|gauge|histogram)$/) {
			die "TYPE of $1" if $1 ne $now || $m{$now}{type};
			$m{$now}{type} = $2;
		} elsif (/^(brokerd_[a-z_]+)(?:\{($label(?:,$label)*)\})?
		    \ (\d+(?:\.\d+)?)$/x) {
			my ($name, $labels, $v) = ($1, $2 // "", $3);
			my $of = $name;
			$of =~ s/_(?:bucket|sum|count)$// if
			    $m{$now}{type} eq "histogram";
			die "$name under $now" if $of ne $now;
			my $key = $of eq $name ? $labels :
			    substr($name, length $of) . $labels;
			die "twice: $_" if exists $m{$now}{samples}{$key};
			$m{$now}{samples}{$key} = $v;
		} elsif ($_ ne "") {
			die "not a line: $_";
		}
	}
	for (sort keys %m) {
		die "$_: no type" unless $m{$_}{type};
		die "$_: a $m{$_}{type}" if (/_total$/ xor
		    $m{$_}{type} eq "counter");
	}
	return \%m;
}

sub metrics {
	my $r = get($port, "GET /metrics");
	return parse($r->{body});
}

sub requests {
	my ($m, $decision, $status) = @_;
	return $m->{brokerd_requests_total}{samples}{
	    "decision=\"$decision\",status=\"$status\""};
}

sub sum { my $n = 0; $n += $_ for values %{$_[0]{samples}}; return $n }

my $first;
ok(Frame::until(sub {
	$first = eval { metrics() };
	return $first && $first->{brokerd_requests_total} &&
	    $first->{brokerd_log_audits_total}{samples}{""} >= 4;
}, 20), "metrics of all processes, the changes that made this too");
diag($@) if $@;
is(scalar(keys %{$first->{brokerd_requests_total}{samples}}), 35,
    "decisions and statuses, all of them from the start");
is(sum($first->{brokerd_requests_total}), 0, "no request yet");
is($first->{brokerd_log_writable}{samples}{""}, 1, "the log can be written");
is(sum($first->{brokerd_log_failing}), 0, "and nothing says why not");
cmp_ok($first->{brokerd_database_size_bytes}{samples}{""}, ">", 4096,
    "the size of the database");
is($first->{brokerd_process_up}{samples}{'process="logd",index="0"'}, 1,
    "logd is up");
is_deeply([grep { !%{$first->{$_}{samples}} } sort keys %$first], [],
    "each metric has a value");

# What is sent, and what is counted then.
my $s = $d->tunnel($secure);
for (["GET /echo/a", 9], ["GET /status/404", 5], ["GET /status/503", 3],
    ["GET /slow?ms=30", 2]) {
	my ($line, $n) = @$_;
	Daemon::request($s, $line, "Host: $secure") for 1 .. $n;
}
$d->refused($secure, 50, "plain");
my $m;
my $same = Frame::until(sub {
	$m = metrics();
	return sum($m->{brokerd_requests_total}) >= 69;
}, 20);
ok($same, "what was sent is there");
is_deeply([requests($m, "brokered", "2xx"), requests($m, "brokered", "4xx"),
    requests($m, "brokered", "5xx"), requests($m, "blocked", "4xx"),
    sum($m->{brokerd_requests_total})], [11, 5, 3, 50, 69],
    "by decision and status, and no more");
my $h = $m->{brokerd_request_duration_seconds}{samples};
is($h->{_count}, 69, "each has its time");
is($h->{'_bucketle="+Inf"'}, 69, "in the histogram");
my @le = sort { $a <=> $b } map { /le="([\d.]+)"/ ? $1 : () } keys %$h;
is(scalar @le, 15, "whose bounds are a few");
my @n = map { $h->{"_bucketle=\"$_\""} } @le;
is(join(" ", @n), join(" ", sort { $a <=> $b } @n), "each with those below");
cmp_ok($h->{'_bucketle="0.025"'}, "<=", 67, "two took longer than 25 ms");
cmp_ok($h->{_sum}, ">", 0.06, "as the sum says");
my @back;
for my $name (grep { $m->{$_}{type} eq "counter" } keys %$m) {
	push @back, $name if grep { $m->{$name}{samples}{$_} <
	    ($first->{$name}{samples}{$_} // 0) } keys
	    %{$m->{$name}{samples}};
}
is("@back", "", "no counter goes back");

# Who may.
my $owner = $d->api("POST", "/v1/agents", { name => "ops",
    role => "owner" })->{av_agent_token};
my $member = $d->api("POST", "/v1/agents", { name => "reader",
    role => "member", vaults => [ { vault_name => "default",
    vault_role => "admin" } ] })->{av_agent_token};
my $r = get($d->{api}, "GET /metrics", "Authorization: Bearer $owner");
is($r->{status}, 200, "the owner on the API's listener");
like($r->{head}, qr{^Content-Type: text/plain; version=0\.0\.4}m, "its type");
ok(eval { parse($r->{body}) }, "the same text") or diag($@);
ok(eval { parse($d->api("GET", "/metrics", undef, raw => 1)) },
    "and the local socket");
is(get($d->{api}, "GET /metrics")->{status}, 401, "not without a token");
is(get($d->{api}, "GET /metrics", "Authorization: Bearer $_")->{status}, 403,
    "nor with less than that") for $member, $d->{token};
is(get($d->{api}, "POST /metrics")->{status}, 405, "only GET");
is(get($d->{api}, "GET /metrics?a=b", "Authorization: Bearer $owner")->
    {status}, 400, "no parameters");

# The listener.
is(get($port, "GET /health")->{status}, 200, "its listener has /health");
$r = get($port, "HEAD /metrics");
is("$r->{status} $r->{body}", "200 ", "HEAD");
is(get($port, "GET $_", "Authorization: Bearer $owner")->{status}, 404,
    "not $_") for "/v1/vaults", "/v1/status", "/v1/admin/logs",
    "/v1/mitm/ca.pem", "/";
is(get($port, "POST /v1/agents", "Authorization: Bearer $owner",
    \"{}")->{status}, 404, "nor a change");

# logd begins again, and says so.
my ($pid) = map { $_->{pid} } grep { $_->{name} eq "logd" }
    @{$d->api("GET", "/v1/brokerd/status")->{processes}};
kill "KILL", $pid;
ok(Frame::until(sub {
	my $m = eval { metrics() } or return 0;
	return ($m->{brokerd_process_restarts_total}{samples}{
	    'process="logd",index="0"'} // 0) == 1 &&
	    $m->{brokerd_requests_total} &&
	    sum($m->{brokerd_requests_total}) == 0;
}, 30), "a restart is counted, and the counters of logd begin again");

# Whoever may ask it has no more to say.
my $long = IO::Socket::INET->new("127.0.0.1:$port");
$long->print("GET /metrics HTTP/1.1\r\nHost: x\r\n" .
    "Content-Length: 5000\r\n\r\n");
like(scalar <$long>, qr{^HTTP/1.1 413 }, "no body for it");
close $long;

# What is listened for is not changed under those who ask.
my $was = $d->{extra};
$d->{extra} =~ s/^listen metrics/listen api/m;
$d->config;
ok($d->api("POST", "/v1/brokerd/reload", {}, fails => 1)->{error},
    "it does not become an api by a reload");
my $still = IO::Socket::INET->new("127.0.0.1:$port");
$still->print("GET /v1/vaults HTTP/1.1\r\nHost: x\r\n\r\n");
like(scalar <$still>, qr{^HTTP/1.1 404 }, "and has nothing of one");
close $still;
$d->{extra} = $was;

# A reload takes the listener away.
$d->{extra} =~ s/^listen metrics.*\n//m;
$d->config;
$d->api("POST", "/v1/brokerd/reload");
ok(Frame::until(sub { !IO::Socket::INET->new(PeerAddr => "127.0.0.1",
    PeerPort => $port, Timeout => 1) }, 10), "a reload closes it");

is($d->stop, 0, "the daemon stops in order");
done_testing;
