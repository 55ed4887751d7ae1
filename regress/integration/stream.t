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
# Bodies and their ends: streams piece by piece, uploads, early answers,
# truncation on every side, and how each is recorded.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my $d = Daemon->new("user");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $plain = Upstream->new(dir => $d->{dir}, tls => 0);
my $where = "localhost:$up->{port}";
my $host = "Host: $where";
my ($s, $r, $row, $start);

$d->furnish({ name => "api", host => $where,
    auth => { type => "bearer", token => "KEY" } });

sub tunnel { return $d->tunnel($where) }

# A response as it comes.
sub sse {
	my ($how, $s, $line, @h) = @_;
	my (@at, $i);

	$s->syswrite(join("\r\n", "GET $line HTTP/1.1", @h, "", ""));
	my $head = Daemon::head($s);
	like($head, qr/^HTTP\/1.1 200/, "$how: an event stream");
	like($head, qr/^Transfer-Encoding: chunked/mi, "$how: in chunks");
	$start = time;
	for $i (1 .. 3) {
		my $n = hex(Daemon::line($s));
		is(Daemon::bytes($s, $n), "data: $i\n\n", "$how: event $i");
		Daemon::line($s);
		push @at, time - $start;
	}
	cmp_ok($at[2] - $at[0], ">", 0.25, "$how: each when it was sent");
	is(Daemon::line($s), "0", "$how: the last chunk");
	is(Daemon::line($s), "X-Sum: 42", "$how: and its trailer");
	is(Daemon::line($s), "", "$how: and the end");
}

sse("tunnel", tunnel(), "/sse?n=3&ms=200", $host);
sse("forward", $d->dial, "http://localhost:$plain->{port}/sse?n=3&ms=200",
    "Host: x", "Proxy-Authorization: " . Daemon::basic($d->{token}));
sse("explicit", $d->dial, "/proxy/$where/sse?n=3&ms=200", "Host: x",
    "Authorization: Bearer $d->{token}");
$row = $d->row("/sse");
is($row->{bytes_out}, 27, "record: the payload's bytes");
cmp_ok($row->{latency_us}, ">", 500_000, "record: to the end of it");
cmp_ok($row->{latency_us} - $row->{ttfb_us}, ">", 250_000,
    "record: and to its first byte");

# Framing.
$s = tunnel();
for (["HEAD", "/echo", 200], ["GET", "/status/204", 204],
    ["GET", "/status/304", 304], ["GET", "/hints", 103]) {
	my ($m, $p, $status) = @$_;
	$r = Daemon::request($s, "$m $p", $host);
	is($r->{status}, $status, "$m $p");
	is($r->{body}, "", "has no body");
	like($r->{head}, qr/Content-Length: 12/, "but says how long it were")
	    if $m eq "HEAD";
}
is(Daemon::response($s)->{body}, "hinted\n", "the answer behind a 103");
$r = Daemon::request($s, "GET /eof", $host);
is($r->{body}, "up to the end", "one that ends with the connection");
is($r->{cut}, 0, "is sent so that its end is seen");
$r = Daemon::request($s, "GET /cookie", $host);
unlike($r->{head}, qr/Set-Cookie|X-Hop/i, "Set-Cookie and hop-by-hop go");
$r = Daemon::request($d->tunnel("127.0.0.1:$up->{port}"), "GET /cookie",
    "Host: 127.0.0.1:$up->{port}");
like($r->{head}, qr/Set-Cookie/i, "passthrough keeps Set-Cookie");
$r = Daemon::request($s, "GET /big/3000000", $host);
is(length $r->{body}, 3000000, "3 MB");
$s->syswrite("GET /eof HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
$r = Daemon::response($s);
is($r->{body}, "up to the end", "to HTTP/1.0 without chunks");
unlike($r->{head}, qr/chunked|keep-alive/i, "and with its end");

# Uploads.
$s = tunnel();
$r = Daemon::request($s, "POST /echo/up", $host, \("u" x 200000));
is($r->{json}{body}, 200000, "200 kB up");
is($d->row("/echo/up")->{bytes_in}, 200000, "and recorded");
$s->syswrite("POST /echo/ch HTTP/1.1\r\n$host\r\n" .
    "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
sleep 0.2;
$s->syswrite("6\r\n world\r\n0\r\nX-T: 1\r\n\r\n");
$r = Daemon::response($s);
is($r->{json}{body}, 11, "chunked, in two pieces");
is_deeply($up->last->{trailers}, ["X-T: 1"], "its trailers go on");
$s->syswrite("POST /continue HTTP/1.1\r\n$host\r\nExpect: 100-continue\r\n" .
    "Content-Length: 4\r\n\r\n");
is(Daemon::response($s)->{status}, 100, "100 comes from the upstream");
$s->syswrite("body");
is(Daemon::response($s)->{json}{body}, 4, "and then the answer");
$r = Daemon::request($s, "GET /echo/again", $host);
is($r->{status}, 200, "the tunnel goes on");

# An answer while the body is still coming.
$s->syswrite("POST /early?status=401&ms=300 HTTP/1.1\r\n$host\r\n" .
    "Content-Length: 100000000\r\n\r\n" . "x" x 100000);
$r = Daemon::response($s);
is($r->{status}, 401, "an early answer");
like($r->{head}, qr/^Connection: close/mi, "ends the connection");
$row = $d->row("/early");
is($row->{status}, 401, "and is recorded");
is($row->{error_code}, "", "as the answer that it is");
$s = tunnel();
$r = Daemon::request($s, "POST /huge", $host, "Content-Length: 1073741825");
is($r->{status}, 413, "more than 1 GiB");
is($d->row("/huge")->{error_code}, "request_too_large", "and recorded");

# Cut by the upstream.
for (["/truncate", "upstream_truncated"], ["/truncchunk",
    "upstream_truncated"], ["/badchunk", "upstream_error"]) {
	my ($path, $code) = @$_;
	$r = Daemon::request(tunnel(), "GET $path", $host);
	is($r->{status}, 200, "$path begins");
	ok($r->{cut}, "and is seen to be cut");
	$row = $d->row($path);
	is($row->{error_code}, $code, "recorded as $code");
	is($row->{status}, 200, "with the status that was sent");
}

# Cut by the client.
$s = tunnel();
$s->syswrite("POST /echo/cut HTTP/1.1\r\n$host\r\n" .
    "Content-Length: 1000\r\n\r\nshort");
sleep 0.2;
close $s;
$row = $d->row("/echo/cut");
is($row->{error_code}, "client_closed", "an upload that ends early");
is($row->{status}, 0, "nothing was sent");
is($row->{bytes_in}, 5, "and so much had come");
$s = tunnel();
$s->syswrite("GET /slow?ms=1500 HTTP/1.1\r\n$host\r\n\r\n");
sleep 0.2;
close $s;
is($d->row("/slow")->{error_code}, "client_closed", "who does not wait");
$s = tunnel();
$s->syswrite("GET /big/50000000 HTTP/1.1\r\n$host\r\n\r\n");
like(Daemon::head($s), qr/200/, "a long one");
sleep 0.5;
close $s;
$row = $d->row("/big/50000000");
is($row->{error_code}, "client_closed", "that the client does not finish");
cmp_ok($row->{bytes_out}, "<", 20000000, "is not fetched either");

# A slow reader stops the writer, and gets all of it.
$s = tunnel();
$s->syswrite("GET /big/20000000 HTTP/1.1\r\n$host\r\n\r\n");
Daemon::head($s);
sleep 1;
is(length Daemon::bytes($s, 20000000), 20000000, "slowly read");
is($d->row("/big/20000000")->{error_code}, "", "and complete");
$s = tunnel();
$r = Daemon::request($s, "POST /sink?ms=800", $host, \("z" x 5000000));
is($r->{json}{body}, 5000000, "an upstream that reads late");

# Connections that the upstream ended while they were idle.
$s = tunnel();
$r = Daemon::request($s, "GET /lastone", $host);
is($r->{status}, 200, "the last one on a connection");
sleep 0.2;
is(Daemon::request($s, "GET /echo/n$_", $host)->{status}, 200,
    "the next one, $_") for 1 .. 3;
$r = Daemon::request($s, "POST /lastone", $host, \"x");
sleep 0.2;
is(Daemon::request($s, "POST /echo/n4", $host, \"x")->{status}, 200,
    "a POST as well");
$r = Daemon::request($s, "GET /extra", $host);
is($r->{status}, 200, "bytes that nobody asked for");

# One that ends with the request: tried once more, where that does no harm and
# the connection had served before.
sub dropped { my ($p) = @_; return scalar grep { $_->{target} eq $p } $up->seen }
for (["GET", "/drop?get", 2], ["POST", "/drop?post", 1]) {
	my ($m, $path, $times) = @$_;
	$s = $d->tunnel($where);
	Daemon::request($s, "GET /echo", $host);
	$r = Daemon::request($s, "$m $path", $host);
	is($r->{json}{error}, "upstream_error", "$m that gets no answer");
	is(dropped($path), $times, "was sent so often: $times");
	is(Daemon::request($s, "GET /echo", $host)->{status}, 200,
	    "and the tunnel goes on");
}

# No answer: cut at the stop, and said so.
$s = tunnel();
$s->syswrite("GET /hang HTTP/1.1\r\n$host\r\n\r\n");
Frame::until(sub { grep { $_->{target} eq "/hang" } $up->seen });
my @all = $d->rows;
my %seen;
$seen{$_->{request_id}}++ for @all;
is((grep { $_ != 1 } values %seen), 0, "one row for each request");
is($d->stop, 0, "stopped with one under way");
done_testing();
