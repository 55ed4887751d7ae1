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
# Who gets in, and how who does not is told: credentials of every form, the
# handshake in the tunnel, and what comes instead of one.

use strict;
use warnings;

use Socket;
use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my $d = Daemon->new("user");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $plain = Upstream->new(dir => $d->{dir}, tls => 0);
my $where = "localhost:$up->{port}";
my $url = "http://localhost:$plain->{port}/echo";
my $token = $d->furnish({ name => "api", host => $where,
    auth => { type => "bearer", token => "KEY" } });
my ($s, $r);

$d->api("POST", "/v1/vaults", { name => "other" });
$d->api("POST", "/v1/vaults", { name => "third" });
my $two = $d->api("POST", "/v1/agents", { name => "two", vaults => [
    { vault_name => "default", vault_role => "proxy" },
    { vault_name => "other", vault_role => "proxy" } ] })->{av_agent_token};
my $none = $d->api("POST", "/v1/agents", { name => "none" })->{av_agent_token};
my $session = $d->api("POST", "/v1/sessions", { vault => "default",
    vault_role => "proxy" })->{token};

# [ what, Proxy-Authorization, status ]
my @table = (
    ["nothing", undef, 407],
    ["another scheme", "Digest x", 407],
    ["bad base64", "Basic !!!", 407],
    ["an empty token", Daemon::basic(":default"), 407],
    ["a token as password", Daemon::basic("x:$token"), 407],
    ["a token of blanks", "Bearer  ", 407],
    ["an unknown token", Daemon::basic("av_agt_" . "0" x 64), 407],
    ["Bearer", "Bearer $token", 200],
    ["bearer", "bearer $token", 200],
    ["Basic with the token alone", Daemon::basic($token), 200],
    ["with an empty vault", Daemon::basic("$token:"), 200],
    ["with the vault", Daemon::basic("$token:default"), 200],
    ["with an unknown vault", Daemon::basic("$token:nope"), 404],
    ["with one that is not granted", Daemon::basic("$token:third"), 403],
    ["two grants and no vault", Daemon::basic($two), 400],
    ["two grants and one of them", Daemon::basic("$two:other"), 200],
    ["no grant and no vault", Daemon::basic($none), 400],
    ["a session", Daemon::basic($session), 200],
    ["a session and its vault", Daemon::basic("$session:default"), 200],
    ["a session and another", Daemon::basic("$session:other"), 403]);

for (@table) {
	my ($what, $auth, $status) = @$_;
	my @h = ("Host: x", defined $auth ? "Proxy-Authorization: $auth" : ());

	$s = $d->dial;
	$r = Daemon::request($s, "GET $url", @h);
	is($r->{status}, $status, "forward: $what: $status") or
	    diag($r->{body});
	is($r->{head} =~ /^Proxy-Authenticate: Basic realm="brokerd"\r/mi ? 1 :
	    0, $status == 407 ? 1 : 0, "and how to, if it helps");
	ok($r->{json}{error}, "a code") if $status != 200;
	$r = Daemon::request($s, "GET $url", "Host: x",
	    "Proxy-Authorization: Bearer $token");
	is($r->{status}, 200, "and the connection goes on");

	$s = $d->dial;
	$s->syswrite(join "\r\n", "CONNECT $where HTTP/1.1", @h, "", "");
	$r = Daemon::response($s, "HEAD");
	is($r->{status}, $status, "CONNECT: $what: $status");
}
$s = $d->dial;
$r = Daemon::request($s, "GET /proxy/$where/echo", "Host: x");
is($r->{status}, 401, "explicit: nothing: 401");
like($r->{head}, qr/^WWW-Authenticate: Bearer\r/mi, "and how to");
$r = Daemon::request($s, "GET /proxy/$where/echo", "Host: x",
    "Authorization: Bearer wrong");
is($r->{status}, 401, "explicit: an unknown token: 401");
$r = Daemon::request($s, "GET /proxy/$where/echo", "Host: x",
    "Authorization: Bearer $two", "X-Vault: other");
is($r->{status}, 200, "explicit: X-Vault");
$r = Daemon::request($s, "GET /proxy/$where/echo", "Host: x",
    "Authorization: Bearer $two");
is($r->{status}, 400, "explicit: two grants and no vault");

# What is no request for a proxy.
for (["GET /echo", 400], ["GET https://$where/echo", 400],
    ["GET ws://$where/echo", 400], ["CONNECT localhost", 400],
    ["CONNECT .localhost:443", 400], ["GET http://.localhost/", 400],
    ["GET /proxy/", 400], ["GET /proxy/:80/", 400],
    ["OPTIONS *", 400]) {
	my ($line, $status) = @$_;
	$r = Daemon::request($d->dial, $line, "Host: x",
	    "Proxy-Authorization: Bearer $token",
	    "Authorization: Bearer $token");
	is($r->{status}, $status, "$line: $status");
}
$s = $d->dial;
$s->syswrite("CONNECT $where HTTP/1.0\r\nProxy-Authorization: Bearer " .
    "$token\r\n\r\n");
is(Daemon::response($s, "HEAD")->{status}, 200, "CONNECT from HTTP/1.0");

# A handshake of which we choose how its bytes travel: the client talks to
# one end of a pair, and this is the other.
sub through {
	my ($how, %tls) = @_;
	socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) or die;
	my $pid = fork // die;

	if ($pid == 0) {
		close $b;
		alarm 10;
		my $c = IO::Socket::SSL->start_SSL($a,
		    SSL_ca_file => $d->{ca}, SSL_hostname => "localhost",
		    SSL_verifycn_name => "localhost",
		    SSL_verifycn_scheme => "http", %tls) or POSIX::_exit(1);
		my $q = Daemon::request($c, "GET /echo/hello",
		    "Host: $where");
		POSIX::_exit($q->{status} == 200 ? 0 : 2);
	}
	close $a;
	my $hello = "";

	while (length $hello < 5 ||
	    length $hello < 5 + unpack("x3n", $hello)) {
		sysread $b, my $more, 65536 or last;
		$hello .= $more;
	}
	my $p = $d->dial;
	$how->($p, "CONNECT $where HTTP/1.1\r\nHost: $where\r\n" .
	    "Proxy-Authorization: Bearer $token\r\n\r\n", $hello);
	$b->blocking(0), $p->blocking(0);
	my $end = time + 10;
	while (time < $end) {
		vec(my $v = "", fileno $b, 1) = 1;
		vec($v, fileno $p, 1) = 1;
		select $v, undef, undef, 0.5 or next;
		my $n = sysread $b, my $x, 65536;
		last if defined $n && $n == 0;
		syswrite $p, $x if $n;
		$n = sysread $p, $x, 65536;
		last if defined $n && $n == 0;
		syswrite $b, $x if $n;
	}
	close $b;
	waitpid $pid, 0;
	return $? >> 8;
}

sub connected {
	my ($p, $head) = @_;
	syswrite $p, $head;
	like(Daemon::head($p), qr/^HTTP\/1.1 200/, "a tunnel");
}

my $rc = through(sub {
	my ($p, $head, $hello) = @_;
	syswrite $p, $head . $hello;
	Daemon::head($p);
});
is($rc, 0, "a ClientHello right behind CONNECT");
$rc = through(sub {
	my ($p, $head, $hello) = @_;
	connected($p, $head);
	for (split //, $hello) {
		syswrite $p, $_;
		sleep 0.001;
	}
});
is($rc, 0, "a ClientHello byte by byte");
$rc = through(sub {
	my ($p, $head, $hello) = @_;
	connected($p, $head);
	my $n = 0;
	for (unpack "(a40)*", substr $hello, 5) {
		syswrite $p, "\x16\x03\x01" . pack("n/a", $_);
		sleep 0.01 if $n++ % 4 == 0;
	}
});
is($rc, 0, "a ClientHello in many records");
# openssl(1) speaks HTTP/1.0 to a proxy, and can send long lists.
my $alpn = join ",", (map { sprintf "x%04d", $_ } 1 .. 2600), "http/1.1";
my $out = `(printf 'GET /echo/long HTTP/1.1\r\nHost: $where\r\n\r\n'
    sleep 1) | timeout 10 openssl s_client -proxy 127.0.0.1:$d->{proxy} \\
    -proxy_user $token -proxy_pass pass:default -connect $where \\
    -servername localhost -CAfile $d->{ca} -verify_return_error \\
    -alpn $alpn -ign_eof 2>&1 | head -c 100000`;
like($out, qr{^HTTP/1.1 200 X\r$}m, "a ClientHello of more than 16 KiB");
like($out, qr/^ALPN protocol: http\/1.1$/m, "agrees on HTTP/1.1");

# Names in it.
sub events {
	my ($code) = @_;
	my @e;

	Frame::until(sub {
		@e = grep { $_->{kind} eq "event" && $_->{action} eq $code }
		    $d->rows;
	}, 5);
	return @e;
}

$s = eval { $d->tunnel($where, sni => "other.test") };
like($@, qr/unrecognized name/,
    "another SNI is refused by an alert");
my ($e) = events("sni_mismatch");
is($e->{detail}{sni}, "other.test", "and an event says which");
$s = eval { $d->tunnel($where, sni => "LocalHost") };
ok($s, "case does not count") or diag($@);
$s = eval { $d->tunnel($where, sni => "") };
ok($s, "none is no other one") or diag($@);
$s = eval { $d->tunnel("127.0.0.1:$up->{port}") };
ok($s, "an IP literal") or diag($@);
$r = Daemon::request($s, "GET /echo/ip", "Host: 127.0.0.1:$up->{port}");
is($r->{status}, 200, "works");
$s = $d->tunnel($where, plain => 1);
$s->syswrite("GET / HTTP/1.1\r\n\r\n");
is(Daemon::head($s), "", "no TLS in a tunnel: closed");
ok(scalar events("tls_client_error"), "and an event");
ok(scalar(grep { $_->{action} eq "auth_failed" } @{$d->api("GET",
    "/v1/admin/logs?limit=200")->{logs}}), "failed authentications, too");

# Both of each kind have had their share.
my %st = map { ("$_->{name} $_->{index}" => $_->{counters}) } @{$d->api("GET",
    "/v1/brokerd/status")->{processes}};
Frame::until(sub {
	%st = map { ("$_->{name} $_->{index}" => $_->{counters}) } @{$d->api(
	    "GET", "/v1/brokerd/status")->{processes}};
	return $st{"mitm 0"}{tunnels_taken} && $st{"mitm 1"}{tunnels_taken};
}, 12);
cmp_ok($st{"mitm $_"}{tunnels_taken}, ">", 5, "mitm $_ served") for 0, 1;
is($st{"$_ 0"}{calls_refused} + $st{"$_ 1"}{calls_refused}, 0,
    "$_: no call was refused") for qw(proxy mitm);
is($d->stop, 0, "stopped");
done_testing();
