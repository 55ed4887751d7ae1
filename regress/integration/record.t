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
# What the record says is what happened: each field, each way to end, over all
# forms of ingress, against an upstream that does its worst.

use strict;
use warnings;

use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use Time::HiRes qw(sleep time);
use Time::Local qw(timegm);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my $d = Daemon->new("user", extra => "upstream head 1s\n");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $plain = Upstream->new(dir => $d->{dir}, tls => 0);
my $bad = Upstream->new(dir => $d->{dir}, tls => 1, name => "bad");
my $where = "localhost:$up->{port}";
my $there = "localhost:$plain->{port}";
my $host = "Host: $where";
my $trace = "4bf92f3577b34da6a3ce929d0e0e4736";
my ($s, $r, $row, @r);

$d->furnish(
    { name => "api", host => $where,
      auth => { type => "bearer", token => "KEY" } },
    { name => "clear", host => $there, allow_plaintext => JSON::true,
      auth => { type => "bearer", token => "KEY" } },
    { name => "tls-only", host => "127.0.0.1:$plain->{port}",
      auth => { type => "bearer", token => "KEY" } },
    { name => "unset", host => "unset.localhost",
      auth => { type => "bearer", token => "NOT_THERE" } });
my $proxyauth = "Proxy-Authorization: " .
    Daemon::basic("$d->{token}:default");

sub slurp {
	my ($file) = @_;
	$file = "$Frame::top/$file" if $file !~ m{^/};
	open(my $f, "<", $file) or die "$file: $!";
	local $/;
	return <$f>;
}

sub tunnel { return $d->tunnel($_[0] // $where) }

sub micros {
	my ($t) = @_;
	my ($y, $m, $d, $H, $M, $S, $us) = $t =~
	    /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)\.(\d{6})Z$/ or return -1;
	return timegm($S, $M, $H, $d, $m - 1, $y) + $us / 1e6;
}

# The row for a path, with these fields.
sub row_is {
	my ($path, %is) = @_;
	my $row = $d->row($path);

	my @wrong = map { "$_ is " . ($row->{$_} // "null") . ", not " .
	    ($is{$_} // "null") } grep { ($row->{$_} // "null") ne
	    ($is{$_} // "null") } sort keys %is;
	ok(!@wrong, "$path: the record is right") or diag(join "\n", @wrong);
	my $t = $row->{ttfb_us};
	ok(!defined $t || $t <= $row->{latency_us}, "$path: ttfb in latency");
	return $row;
}

# Everything, of one that goes well, each way in.
my $before = time;
$s = tunnel();
my $port = $s->sockport;
Daemon::request($s, "POST /echo/m?q=hidden", $host, "Authorization: Basic eDp5",
    "Traceparent: 00-$trace-00f067aa0ba902b7-01", \"12345");
my $f = $d->dial;
my $fr = Daemon::request($f, "PUT http://$there/echo/f#frag", "Host: $there",
    $proxyauth, "Authorization: Bearer own", \"123");
my $e = $d->dial;
my $er = Daemon::request($e, "GET /proxy/$where/echo/e?q=hidden", "Host: x",
    "Authorization: Bearer $d->{token}", "X-Api-Key: own");
my $after = time;
my %all = (status => 200, error_code => "", decision => "brokered",
    protocol => "http/1.1", actor_name => "bot", actor_type => "agent",
    session => "", path_cut => "", kind => "request", count => 0);
$row = row_is("/echo/m", %all, ingress => "mitm", method => "POST",
    host => $where, matched_service => "api", bytes_in => 5,
    client_addr => "127.0.0.1:$port",
    upstream_addr => "127.0.0.1:$up->{port}", trace_id => $trace,
    auth_scheme => "basic", auth_header => "authorization");
is_deeply($row->{credential_keys}, ["KEY"], "the names of its credentials");
my ($sent) = map { $_->[1] } grep { lc $_->[0] eq "traceparent" }
    @{($up->seen)[0]{headers}};
is($sent, "00-$trace-00f067aa0ba902b7-01", "traceparent goes on untouched");
my $t = micros($row->{created_at});
ok($t >= $before - 0.01 && $t <= $after, "it began when it did");
cmp_ok($row->{ttfb_us}, ">", 0, "there was a first byte");
my $conn = $row->{conn};
if ($fr->{status} == 200) {
	row_is("/echo/f", %all, ingress => "forward", method => "PUT",
	    host => $there, matched_service => "clear", bytes_in => 3,
	    client_addr => "127.0.0.1:" . $f->sockport,
	    upstream_addr => "127.0.0.1:$plain->{port}", trace_id => "",
	    auth_scheme => "bearer", auth_header => "authorization",
	    bytes_out => length $fr->{body});
} else {
	is($fr->{status}, 400, "a fragment is no part of a request");
	$f = $d->dial;
	$fr = Daemon::request($f, "PUT http://$there/echo/f", "Host: $there",
	    $proxyauth, "Authorization: Bearer own", \"123");
	row_is("/echo/f", %all, ingress => "forward", method => "PUT",
	    host => $there, matched_service => "clear", bytes_in => 3,
	    client_addr => "127.0.0.1:" . $f->sockport,
	    upstream_addr => "127.0.0.1:$plain->{port}", trace_id => "",
	    auth_scheme => "bearer", auth_header => "authorization",
	    bytes_out => length $fr->{body});
}
row_is("/echo/e", %all, ingress => "explicit", method => "GET",
    host => $where, bytes_in => 0, client_addr => "127.0.0.1:" . $e->sockport,
    bytes_out => length $er->{body}, auth_scheme => "api-key",
    auth_header => "x-api-key");

# Connection numbers, and positions of one instance.
Daemon::request($s, "GET /echo/again", $host);
$row = $d->row("/echo/again");
is($row->{conn}, $conn, "one tunnel, one number");
Daemon::request(tunnel(), "GET /echo/other", $host);
isnt($d->row("/echo/other")->{conn}, $conn, "another tunnel, another one");
my %seen;
$seen{"$_->{instance} $_->{seq}"}++ for $d->rows;
is((grep { $_ > 1 } values %seen), 0, "no position twice");

# traceparent that is none.
my $n = 0;
for ("00-" . "0" x 32 . "-00f067aa0ba902b7-01", "00-$trace", "junk",
    "ff-$trace-00f067aa0ba902b7-01", "00-\U$trace\E-00f067aa0ba902b7-01") {
	$n++;
	Daemon::request($s, "GET /echo/trace$n", $host, "Traceparent: $_");
	row_is("/echo/trace$n", status => 200, trace_id => "");
}

# When a request began that waits for the one before it.
$s = tunnel();
$s->syswrite("GET /slow?ms=600 HTTP/1.1\r\n$host\r\n\r\n" .
    "GET /echo/behind HTTP/1.1\r\n$host\r\n\r\n");
Daemon::response($s) for 1, 2;
my ($first, $second) = map { $d->row($_) } "/slow", "/echo/behind";
cmp_ok(abs(micros($second->{created_at}) - micros($first->{created_at})), "<",
    0.2, "a request began when its head arrived");
cmp_ok($second->{latency_us}, ">", 500_000, "and has waited since");
cmp_ok($second->{ttfb_us}, ">", 500_000, "for its first byte as well");

# Ends that are none.
Daemon::request(tunnel(), "GET /truncate", $host);
row_is("/truncate", status => 200, error_code => "upstream_truncated",
    bytes_out => 100);
Daemon::request(tunnel(), "GET /truncchunk", $host);
row_is("/truncchunk", status => 200, error_code => "upstream_truncated",
    bytes_out => 4);
Daemon::request(tunnel(), "GET /badchunk", $host);
row_is("/badchunk", status => 200, error_code => "upstream_error",
    bytes_out => 4);
$r = Daemon::request(tunnel(), "GET /drop", $host);
row_is("/drop", status => 502, error_code => "upstream_error",
    ttfb_us => undef, bytes_out => length $r->{body});
Daemon::request(tunnel(), "GET /bad", $host);
$row = row_is("/bad", status => 502, error_code => "upstream_error");
ok(defined $row->{ttfb_us}, "nonsense is a first byte, too");
Daemon::request(tunnel(), "GET /hang", $host);
$row = row_is("/hang", status => 504, error_code => "upstream_timeout",
    ttfb_us => undef);
cmp_ok($row->{latency_us}, ">", 900_000, "it has waited as long as it may");
Daemon::request(tunnel(), "GET /reset", $host);
row_is("/reset", status => 200, error_code => "upstream_truncated",
    bytes_out => 10);
$r = Daemon::request(tunnel(), "GET /forged", $host);
unlike($r->{head}, qr/X-Broker-Proxy-Error/i,
    "an upstream cannot speak for the broker");
row_is("/forged", status => 502, error_code => "");

# Nobody to ask.
for (["127.0.0.1:1", "/e1", "connect_error", 502, "error"],
    ["10.1.2.3:443", "/e2", "address_blocked", 502, "blocked"],
    ["no.such.invalid:443", "/e3", "dns_error", 502, "error"],
    ["127.0.0.1:$bad->{port}", "/e4", "tls_error", 502, "error"],
    ["unset.localhost:443", "/e5", "credential_not_found", 502, "error"],
    [$where, "/e6", "misdirected", 421, "blocked", "Host: other.test"]) {
	my ($to, $path, $code, $status, $decision, @h) = @$_;
	$r = Daemon::request(tunnel($to), "GET $path",
	    @h ? @h : "Host: $to");
	is($r->{json}{error}, $code, "$code is told");
	row_is($path, status => $status, error_code => $code,
	    decision => $decision, bytes_out => length $r->{body},
	    ttfb_us => undef, host => $to);
	is($d->row($path)->{request_id}, $r->{json}{request_id},
	    "$code: with the id in the answer");
}
$r = Daemon::request($d->dial, "GET http://127.0.0.1:$plain->{port}/e7",
    "Host: x", $proxyauth);
row_is("/e7", status => 403, error_code => "plaintext_denied",
    decision => "blocked", ingress => "forward");

# By the client.
$s = tunnel();
$s->syswrite("POST /echo/tr HTTP/1.1\r\n$host\r\nTransfer-Encoding: chunked" .
    "\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n");
Daemon::response($s);
row_is("/echo/tr", status => 200, bytes_in => 3, error_code => "");
$s = tunnel();
$s->syswrite("POST /echo/badup HTTP/1.1\r\n$host\r\n" .
    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n");
$r = Daemon::response($s);
row_is("/echo/badup", status => 400, bytes_in => 3,
    error_code => "request_read_error");
$s = tunnel();
$s->syswrite("POST /echo/half HTTP/1.1\r\n$host\r\n" .
    "Content-Length: 10\r\n\r\nfive!");
sleep 0.2;
close $s;
row_is("/echo/half", status => 0, bytes_in => 5, bytes_out => 0,
    error_code => "client_closed");
$s = tunnel();
$s->syswrite("GET /big/30000000 HTTP/1.1\r\n$host\r\n\r\n");
Daemon::head($s);
my $got = length Daemon::bytes($s, 100_000);
sleep 0.5;
setsockopt($s, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0));
close $s;
$row = row_is("/big/30000000", status => 200, error_code => "client_closed");
cmp_ok($row->{bytes_out}, ">=", $got, "what it has read was sent");
cmp_ok($row->{bytes_out}, "<", 30_000_000, "and not all of it");
# Path modes.
for my $mode ("prefix", "none", "full") {
	my %want = (prefix => ["/pm$mode", "prefix"], none => ["", "none"],
	    full => ["/pm$mode/b%2Fc%00", ""]);
	$d->api("PATCH", "/v1/vaults/default/settings", { log_path => $mode });
	my @id;
	$r = Daemon::request(tunnel("127.0.0.1:1"), "GET /pm$mode/b%2Fc%00?q=x",
	    "Host: 127.0.0.1:1");
	push @id, $r->{json}{request_id};
	$r = Daemon::request($d->dial,
	    "GET http://127.0.0.1:1/pm$mode/b%2Fc%00?q=hidden", "Host: x",
	    $proxyauth);
	push @id, $r->{json}{request_id};
	$r = Daemon::request($d->dial,
	    "GET /proxy/127.0.0.1:1/pm$mode/b%2Fc%00?q=hidden", "Host: x",
	    "Authorization: Bearer $d->{token}");
	push @id, $r->{json}{request_id};
	for my $id (@id) {
		($row) = grep { $_->{request_id} eq ($id // "") } $d->rows(sub {
			grep { $_->{request_id} eq ($id // "") } @_ });
		is_deeply([@$row{qw(path path_cut)}], $want{$mode},
		    "$mode, " . ($row->{ingress} // "?"));
	}
}
# The vault's own, where it is the vault that refuses.
for my $mode ("prefix", "none", "full") {
	my %want = (prefix => [ "/nm", "prefix" ], none => [ "", "none" ],
	    full => [ "/nm/b%2Fc%00", "" ]);
	my $at = "nobody-$mode.localhost";
	my $line = "GET %s/nm/b%%2Fc%%00?q=hidden";

	$d->api("PATCH", "/v1/vaults/default/settings", { log_path => $mode,
	    unmatched_host_policy => "deny" });
	my @got = (
	    Daemon::request(tunnel("$at:443"), sprintf($line, ""), "Host: $at"),
	    Daemon::request($d->dial, sprintf($line, "http://$at"), "Host: x",
		$proxyauth),
	    Daemon::request($d->dial, sprintf($line, "/proxy/$at"), "Host: x",
		"Authorization: Bearer $d->{token}"));
	my @ways;
	for my $id (map { $_->{json}{request_id} // "none" } @got) {
		my ($row) = grep { $_->{request_id} eq $id } $d->rows(sub {
			grep { $_->{request_id} eq $id } @_ });
		push @ways, $row->{ingress};
		is_deeply([ @$row{qw(error_code decision path path_cut)} ],
		    [ "no_match", "blocked", @{$want{$mode}} ],
		    "no_match, $mode, " . ($row->{ingress} // "?"));
	}
	is("@ways", "mitm forward explicit", "no_match, $mode: all ways in");
}
$d->api("PATCH", "/v1/vaults/default/settings", { log_path => "full",
    unmatched_host_policy => "passthrough" });
# Those of a service, also where it refuses; its hosts are names for loopback.
my %refuse = (method_denied => [ methods => [ "GET" ] ],
    service_disabled => [ enabled => JSON::false ],
    credential_not_found => [ auth => { type => "bearer",
	token => "NOT_THERE" } ]);
for my $code (sort keys %refuse) {
	for my $mode ("prefix", "none", "full") {
		my $at = "$code-$mode.localhost";
		$at =~ tr/_/-/;
		(my $name = "$code-$mode") =~ tr/_/-/;
		my %want = (prefix => [ "/pm", "prefix" ],
		    none => [ "", "none" ], full => [ "/pm/b%2Fc", "" ]);
		$d->services({ name => $name, host => $at, log_path => $mode,
		    allow_plaintext => JSON::true,
		    auth => { type => "bearer", token => "KEY" },
		    @{$refuse{$code}} });
		my $line = "POST %s/pm/b%%2Fc?q=hidden";
		my @got = (
		    Daemon::request(tunnel("$at:443"), sprintf($line, ""),
			"Host: $at"),
		    Daemon::request($d->dial, sprintf($line, "http://$at"),
			"Host: x", $proxyauth),
		    Daemon::request($d->dial, sprintf($line, "/proxy/$at"),
			"Host: x", "Authorization: Bearer $d->{token}"));
		for my $id (map { $_->{json}{request_id} // "none" } @got) {
			my ($row) = grep { $_->{request_id} eq $id } $d->rows(
			    sub { grep { $_->{request_id} eq $id } @_ });
			is_deeply([ @$row{qw(error_code path path_cut)} ],
			    [ $code, @{$want{$mode}} ],
			    "$code, $mode, " . ($row->{ingress} // "?"));
		}
	}
}
my $long = "/l" . "x" x 3000;
Daemon::request(tunnel(), "GET $long?q=hidden", $host);
$row = row_is(substr($long, 0, 2048), status => 200, path_cut => "cut");

# A stop in the midst of it.
$s = tunnel();
$s->syswrite("GET /sse?n=1000&ms=50 HTTP/1.1\r\n$host\r\n\r\n");
Daemon::head($s);
is($d->stop, 0, "stopped");
for my $f (glob "$d->{state}/*.db* $d->{dir}/log") {
	next unless -f $f;
	open(my $h, "<:raw", $f) or die;
	my $all = do { local $/; <$h> };
	unlike($all, qr/q=hidden|frag|real-s3cret|\Q$d->{token}\E/,
	    "no query, fragment or secret in " . (split "/", $f)[-1]);
}
$d->start("-v");
ok(Frame::until(sub { eval { $d->api("GET", "/v1/brokerd/status") } }, 20),
    "it starts again");
row_is("/sse", status => 200, error_code => "shutdown");
is($d->stop, 0, "stopped");

# A code is one that a real run has put into a row, in the script beside this
# that is named here, or it is not in use yet.
my %tried = (ends => [qw(response_truncated overloaded internal)],
    path => [qw(bad_request)], limits => [qw(log_unavailable)],
    revoke => [qw(revoked)], stream => [qw(request_too_large)],
    worker => [qw(worker_lost)], record => [qw(request_read_error
	misdirected no_match method_denied plaintext_denied service_disabled
	credential_not_found address_blocked dns_error connect_error tls_error
	upstream_timeout upstream_error upstream_truncated client_closed
	shutdown)]);
my @later = qw(rate_limited concurrency_limited substitution_error
    response_too_large);
my ($list) = slurp("common/codes.h") =~
    /^#define ERROR_LIST(.*?[^\\])\n\n/ms;
is(join(" ", sort map { @$_ } values %tried, \@later),
    join(" ", sort grep { $_ ne "" } $list =~ /"(.*?)"/g),
    "each code is tried or is one of a feature to come");
for my $t (sort keys %tried) {
	my $text = slurp("regress/integration/$t.t");
	$text =~ s/^my %tried = .*//ms;
	my @not = grep { $text !~ /["']$_["']|\b$_ => \[/ } @{$tried{$t}};
	is("@not", "", "$t.t has those that it is named for");
}
my @used = grep { my $n = $_; grep { slurp($_) =~ /\b$n\b/ }
    grep { !/record\.t$/ } glob "$Frame::top/regress/integration/*.t" }
    @later;
is("@used", "", "what is to come is nowhere");
done_testing();
