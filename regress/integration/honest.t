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
# What a record might say that was not so: a status that nobody got, bytes that
# are none of a body, a tunnel that was another one, and silence of what an
# agent was refused.

use strict;
use warnings;

use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF inet_aton pack_sockaddr_in);
use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my $d = Daemon->new("user", extra => "workers proxy 1\nworkers mitm 1\n");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $where = "localhost:$up->{port}";
my $host = "Host: $where";
my ($s, $r, $row);

$d->furnish({ name => "api", host => $where,
    auth => { type => "bearer", token => "KEY" } });
my $auth = "Proxy-Authorization: " . Daemon::basic("$d->{token}:default");
my $bearer = "Authorization: Bearer $d->{token}";

sub processes {
	my $all = $d->api("GET", "/v1/brokerd/status")->{processes};
	return map { ("$_->{name} $_->{index}" => $_) } @$all;
}

sub killed {
	my ($name) = @_;
	my %p = processes();

	kill "KILL", $p{$name}{pid};
	ok(Frame::until(sub {
		my %q = eval { processes() };
		return ($q{$name}{pid} // 0) != $p{$name}{pid} &&
		    ($q{$name}{state} // "") eq "ready";
	}, 10), "$name is killed and back");
}

sub by_id {
	my ($id) = @_;
	my ($row) = grep { $_->{request_id} eq $id } $d->rows(sub {
		grep { $_->{request_id} eq $id } @_ });
	return $row // {};
}

# The first tunnel that a proxy takes, and that of the next proxy: the mitm
# has both.
$s = $d->tunnel($where);
Daemon::request($s, "GET /echo/one", $host);
killed("proxy 0");
my $other = $d->tunnel($where);
Daemon::request($other, "GET /echo/two", $host);
Daemon::request($s, "GET /echo/three", $host);
my ($one, $two, $three) = map { my $r = $d->row("/echo/$_");
    ($r->{instance} // "") . " " . ($r->{conn} // "") } qw(one two three);
is($three, $one, "one tunnel has one number, whatever becomes of its proxy");
isnt($two, $one, "and the next tunnel has another one");

# Bodies that are none, of both sides.
my @none = (["HEAD /echo/head", 200, 0], ["GET /status/204", 204, 0],
    ["GET /status/304", 304, 0], ["HEAD /proxy/$where/echo/e", 200, 0]);
for (@none) {
	my ($line, $status, $n) = @$_;
	my $to = $line =~ m{/proxy/} ? $d->dial : $s;
	$r = Daemon::request($to, $line, $to == $s ? $host : "Host: x",
	    $to == $s ? () : $bearer);
	is($r->{status}, $status, $line);
	my ($path) = $line =~ m{(/(?:echo|status)/.*)};
	$row = $d->row($path);
	is_deeply([ @$row{qw(status bytes_in bytes_out error_code)} ],
	    [ $status, 0, $n, "" ], "$line: no body, and no bytes");
}
$r = Daemon::request($s, "HEAD /refused", "Host: other.test");
$r->{head} =~ /^X-Request-Id: (\S+)/mi;
is_deeply([ @{by_id($1)}{qw(status bytes_out)} ], [ 421, 0 ],
    "nor of an answer of brokerd's to HEAD");
# Interim answers and chunks are no body, either.
$s->syswrite("GET /hints?n=2&len=20 HTTP/1.1\r\n$host\r\n\r\n");
Daemon::head($s) for 1, 2;
is(Daemon::response($s)->{body}, "hinted\n", "behind interim answers");
$row = $d->row("/hints");
is_deeply([ @$row{qw(status bytes_out)} ], [ 200, 7 ],
    "which are no part of it");
$r = Daemon::request($s, "GET /sse?n=2&ms=1", $host);
is($d->row("/sse")->{bytes_out}, length $r->{body},
    "the framing of chunks is not counted");
$r = Daemon::request($s, "GET /eof", $host);
is($d->row("/eof")->{bytes_out}, length "up to the end",
    "nor that of an answer that ended with its connection");
# Pipelined, with bodies: each has its own.
$s = $d->tunnel($where);
$s->syswrite(join "", map { "POST /echo/pipe$_ HTTP/1.1\r\n$host\r\n" .
    "Content-Length: $_\r\n\r\n" . "x" x $_ } 1 .. 5);
is(Daemon::response($s)->{json}{body}, $_, "pipelined, $_") for 1 .. 5;
is_deeply([ map { $d->row("/echo/pipe$_")->{bytes_in} } 1 .. 5 ],
    [ 1 .. 5 ], "each with the bytes of its own body");
$s->syswrite("POST /echo/exp HTTP/1.1\r\n$host\r\nContent-Length: 3\r\n" .
    "Expect: 100-continue\r\n\r\n");
sleep 0.1;
$s->syswrite("abc");
do { $r = Daemon::response($s) } while $r->{status} == 100;
is($d->row("/echo/exp")->{bytes_in}, 3, "a body that was waited with");

# Heads that came one after the other while the first of them was served.
sub began {
	my ($path) = @_;
	my ($h, $m, $s) = ($d->row($path)->{created_at} // "") =~
	    /T(\d+):(\d+):([\d.]+)Z/ or return -1;
	return $h * 3600 + $m * 60 + $s;
}
$s = $d->tunnel($where);
my $sent = time;
$s->syswrite("GET /slow?ms=900 HTTP/1.1\r\n$host\r\n\r\n");
sleep 0.2;
$s->syswrite("GET /echo/2nd HTTP/1.1\r\n$host\r\n\r\n");
sleep 0.4;
$s->syswrite("GET /echo/3rd HTTP/1.1\r\n$host\r\n\r\n");
$sent = time - $sent;
Daemon::response($s) for 1 .. 3;
my ($slow, $second, $third) = map { began($_) } "/slow", "/echo/2nd",
    "/echo/3rd";
SKIP: {
	skip "a machine that is too slow", 2 if $sent > 0.7;
	cmp_ok($third - $second, ">", 0.3, "each began when it came");
	cmp_ok($second - $slow, "<", 0.4, "not when the next one did");
}

# Renamed, in a tunnel that is open: by the name it has, which another one may
# have had.
$d->api("POST", "/v1/agents/bot/rename", { name => "robot" });
Daemon::request($s, "GET /echo/warm", $host);
ok(Frame::until(sub {
	Daemon::request($s, "GET /echo/renamed", $host);
	return $d->row("/echo/renamed")->{actor_name} eq "robot";
}, 5), "a record has the agent's new name");
is($d->row("/echo/3rd")->{actor_name}, "bot", "and an older one the old");
$d->api("POST", "/v1/agents/robot/rename", { name => "bot" });
ok(Frame::until(sub {
	Daemon::request($s, "GET /echo/back", $host);
	return $d->row("/echo/back")->{actor_name} eq "bot";
}, 5), "and back");

# A client that reads nothing: what it was refused last it has not got.
sub stuffed {
	my $c = IO::Socket::INET->new(Proto => "tcp") or die "socket: $!";
	my ($n, $still, $buf) = (0, 0, "");

	setsockopt($c, SOL_SOCKET, SO_RCVBUF, pack("i", 4096)) or die "$!";
	$c->connect(pack_sockaddr_in($d->{proxy}, inet_aton("127.0.0.1"))) or
	    die "proxy: $!";
	$c->blocking(0);
	while ($still < 10) {
		$buf .= "GET http://10.1.2.3/stuffed" . ++$n .
		    " HTTP/1.1\r\nHost: x\r\n$auth\r\n\r\n"
		    while length $buf < 65536;
		if (my $w = $c->syswrite($buf)) {
			substr $buf, 0, $w, "";
			$still = 0;
		} else {
			$still++;
			sleep 0.05;
		}
	}
	setsockopt($c, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0));
	close $c;
}
stuffed();
$d->rows(sub { grep { $_->{path} =~ /stuffed/ && $_->{bytes_out} == 0 } @_ });
my @got = grep { $_->{path} =~ /stuffed/ } $d->rows;
my ($unsent) = grep { $_->{bytes_out} == 0 } @got;
ok($unsent, "one answer was for nobody");
is($unsent->{status}, 0, "and its record says that nothing was sent");
is($unsent->{error_code}, "address_blocked", "and why it was refused");
is((grep { $_->{bytes_out} > 0 && $_->{status} != 502 } @got), 0,
    "those before it have theirs");

# A host that is none, by who is known, has its record; by others it is the
# token that counts.
$r = Daemon::request($d->dial, "GET /proxy/a..b/x", "Host: x", $bearer);
is($r->{status}, 400, "/proxy/ to what is no host");
$row = by_id($r->{json}{request_id} // "none");
is_deeply([ @$row{qw(status error_code decision ingress actor_name path
    path_cut method)} ], [ 400, "bad_request", "blocked", "explicit", "bot",
    "", "none", "GET" ], "is recorded, without its path");
$r = Daemon::request($d->dial, "GET /proxy/a..b/x", "Host: x",
    "Authorization: Bearer av_agt_" . "0" x 64);
is($r->{status}, 401, "with a token that is none it is that");

# CONNECT with nobody to take it.
my %p = processes();
$s = $d->dial;
kill "STOP", $d->{pid};
kill "KILL", $p{"mitm 0"}{pid};
$r = undef;
Frame::until(sub {
	my $c = $d->dial;
	$c->syswrite("CONNECT busy.test:443 HTTP/1.1\r\nHost: busy.test:443" .
	    "\r\n$auth\r\n\r\n");
	$r = Daemon::response($c);
	return $r->{status} == 503;
}, 5);
kill "CONT", $d->{pid};
is($r->{json}{error}, "overloaded", "no tunnel is to be had");
ok(Frame::until(sub { my %q = eval { processes() };
    ($q{"mitm 0"}{state} // "") eq "ready" &&
    $q{"mitm 0"}{pid} != $p{"mitm 0"}{pid} }, 10), "but soon");
$row = by_id($r->{json}{request_id} // "none");
is_deeply([ @$row{qw(status error_code decision ingress method host path
    actor_name auth_scheme)} ], [ 503, "overloaded", "error", "mitm",
    "CONNECT", "busy.test:443", "", "bot", "" ], "which its record says");
$r = Daemon::request($d->tunnel($where), "GET /echo/after", $host);
is($r->{status}, 200, "and tunnels are taken again");

is($d->stop, 0, "stopped");
done_testing();
