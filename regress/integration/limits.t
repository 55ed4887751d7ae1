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
# Bounds: too few descriptors, clients that are slow to say anything, a log
# that must be written first.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my ($d, $up, $where, $host, $s, $r, @s);

sub processes {
	return map { ("$_->{name} $_->{index}" => $_) }
	    @{$d->api("GET", "/v1/brokerd/status")->{processes}};
}

sub start {
	my (%o) = @_;
	$d = Daemon->new("user", %o);
	$up = Upstream->new(dir => $d->{dir}, tls => 1);
	$where = "localhost:$up->{port}";
	$host = "Host: $where";
	$d->furnish({ name => "api", host => $where,
	    auth => { type => "bearer", token => "KEY" } });
}

# Strict: nothing without its record.
start(extra => "log mode strict\n");
is(Daemon::request($d->tunnel($where), "GET /echo/a", $host)->{status}, 200,
    "strict, with a log");
my %p = processes();
$s = $d->tunnel($where);
kill "STOP", $p{"logd 0"}{pid};
my $t = time;
$r = Daemon::request($s, "GET /echo/b", $host);
is($r->{status}, 503, "strict, without");
is($r->{json}{error}, "log_unavailable", "by name");
like($r->{head}, qr/^Retry-After: \d/mi, "to be tried again");
cmp_ok(time - $t, ">", 1.5, "after a while");
cmp_ok(time - $t, "<", 4, "that is not long");
is(scalar(grep { $_->{target} eq "/echo/b" } $up->seen), 0,
    "and nothing was sent");
kill "CONT", $p{"logd 0"}{pid};
ok(Frame::until(sub {
	Daemon::request($s, "GET /echo/c", $host)->{status} == 200;
}, 10), "it goes on with the log");
is($d->row("/echo/b")->{error_code}, "log_unavailable", "that knows of it");

# Meanwhile, clients that say nothing, or not enough.
my $slow = $d->dial;
$slow->syswrite("GET http://x/ HTTP/1.1\r\nHo");
my $tls = $d->tunnel($where, plain => 1);
$tls->syswrite("\x16\x03\x01\x02\x00\x01");
$t = time;
is(Daemon::bytes($slow, 1), "", "half a head is given up");
is(Daemon::bytes($tls, 1), "", "and half a handshake");
cmp_ok(time - $t, ">", 8, "not at once");
cmp_ok(time - $t, "<", 13, "but soon");
is($d->stop, 0, "stopped");
undef $d;

# 300 descriptors for each process: about 118 tunnels in a mitm.
start(limit => 300);
my $refused = 0;
for (1 .. 300) {
	my $c = eval { $d->tunnel($where) };
	if ($c) {
		push @s, $c;
		next;
	}
	$refused++;
	like($@, qr{^HTTP/1.1 503}, "tunnel $_ is refused");
	like($@, qr/^Retry-After: 1\r/m, "for now");
	last if $refused == 3;
}
cmp_ok(scalar @s, ">=", 200, scalar(@s) . " tunnels fit");
is(Daemon::request($s[$_], "GET /echo", $host)->{status}, 200,
    "tunnel $_ works") for 0, int(@s / 2), $#s;
Frame::until(sub {
	%p = processes();
	return ($p{"mitm 0"}{counters}{tunnels} // 0) >= 90;
}, 7);
my $n = $p{"mitm 0"}{counters};
is($n->{descriptors_max}, 236, "its limit is in its statistics");
cmp_ok($n->{descriptors}, "<=", 236, "what it uses is within it");
cmp_ok($n->{descriptors}, ">=", 90, "and is counted");
cmp_ok($n->{tunnels_busy}, ">", 0, "and so is what was refused");
is($p{"api-tcp 0"}{counters}{clients_max}, 268, "an api's limit");
close shift @s for 1 .. 20;
ok(Frame::until(sub {
	my $c = eval { $d->tunnel($where) } or return 0;
	return Daemon::request($c, "GET /echo", $host)->{status} == 200;
}, 5), "there is room when some have gone");
# Those that do nothing make room for one that does, and it stays.
my @idle = map { $d->dial } 1 .. 400;
my $c = $d->dial;
my $get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
$c->syswrite($get);
is(Daemon::response($c)->{status}, 400,
    "more clients than descriptors: the next one is served");
push @idle, map { $d->dial } 1 .. 100;
$c->syswrite($get);
is(Daemon::response($c)->{status}, 400,
    "and those who never said anything go before it");
@idle = @s = ();
is($d->stop, 0, "stopped");
# A burst of tunnels is more than may be on their way to a mitm at once.
start(extra => "workers 1\n");
sub burst {
	my @c = map { $d->dial } 1 .. $_[0];

	for (@c) {
		$_->syswrite("CONNECT $where HTTP/1.1\r\n$host\r\n" .
		    "Proxy-Authorization: " .
		    Daemon::basic("$d->{token}:default") . "\r\n\r\n");
	}
	return @c;
}
sub is_tunnel {
	my ($c, $seconds) = @_;
	return (eval { Daemon::head($c, $seconds) } // "") =~
	    m{^HTTP/1.1 200 };
}
@s = burst(256);
is(scalar(grep { is_tunnel($_) } @s), 256, "256 tunnels at once");
@s = ();
%p = processes();
kill "STOP", $p{"mitm 0"}{pid};
@s = burst(70);
ok(Frame::until(sub {
	$r = eval { Daemon::response($s[-1]) };
	return $r && $r->{status};
}, 20), "what cannot even be sent is answered");
is($r->{json}{error}, "overloaded", "by name");
kill "CONT", $p{"mitm 0"}{pid};
is(scalar(grep { is_tunnel($_) } @s[0 .. 60]), 61, "the others are served");
@s = ();
is($d->stop, 0, "stopped");
done_testing();
