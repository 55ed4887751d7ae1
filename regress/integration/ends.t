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

# Ways to end that take patience or bad luck, by what their rows say: a client
# that does not read, an upstream whose answer fits nowhere, too many names to
# look up.

use strict;
use warnings;

use File::Copy;
use Socket qw(SOL_SOCKET SO_RCVBUF inet_aton pack_sockaddr_in);
use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

use constant NAMES => 120;	# more than may be looked up at once

# Ten minutes are two seconds and a half in its proxy, and no name exists for
# its resolver, which says so a second after it has been asked.
my %other = (proxy => "proxy_soon", resolver => "resolver_alone");
my $d = Daemon->new("user", before => sub {
	my ($self) = @_;

	for (sort keys %other) {
		my $prog = "$self->{dir}/lib/$_";

		unlink $prog;
		copy("$Frame::top/regress/proc/$other{$_}", $prog) or
		    die "$prog: $!";
		chmod 0755, $prog;
	}
});
my $up = Upstream->new(dir => $d->{dir}, tls => 0);
my $there = "127.0.0.1:$up->{port}";
my ($s, $r, $row);

$d->furnish({ name => "clear", host => $there, allow_plaintext => JSON::true,
    auth => { type => "bearer", token => "KEY" } });
my $proxyauth = "Proxy-Authorization: " .
    Daemon::basic("$d->{token}:default");

# A client for which the kernel keeps little.
sub small {
	my $c = IO::Socket::INET->new(Proto => "tcp") or die "socket: $!";

	setsockopt($c, SOL_SOCKET, SO_RCVBUF, pack("i", 4096)) or die "$!";
	$c->connect(pack_sockaddr_in($d->{proxy}, inet_aton("127.0.0.1"))) or
	    die "proxy: $!";
	return $c;
}

sub ask {
	my ($c, $path, $url) = @_;
	$c->syswrite("GET " . ($url // "http://$there") . "$path HTTP/1.1\r\n" .
	    "Host: x\r\n$proxyauth\r\n\r\n");
}

sub ended {
	my ($c) = @_;
	local $SIG{ALRM} = sub { die "it goes on" };

	alarm 20;
	1 while $c->sysread(my $rest, 65536);
	alarm 0;
	pass("its connection ends");
}

# It reads a part and then no more, and the answer waits.
$s = small();
ask($s, "/big/30000000");
Daemon::head($s);
my $got = length Daemon::bytes($s, 1000);
$row = $d->row("/big/30000000");
is($row->{error_code}, "response_truncated", "who does not read is given up");
is($row->{status}, 200, "the answer had begun");
is($row->{decision}, "brokered", "and was brokered");
cmp_ok($row->{bytes_out}, ">=", $got, "what it has read was sent");
cmp_ok($row->{bytes_out}, "<", 30_000_000, "and not all of it");
cmp_ok($row->{latency_us}, ">", 2_000_000, "it had its time");
ended($s);

# One that is slow, but reads, is not.
$s = small();
ask($s, "/big/600000");
Daemon::head($s);
my $all = 0;
for (1 .. 16) {
	$all += length Daemon::bytes($s, 37_500);
	sleep 0.25;
}
is($all, 600_000, "who reads slowly gets everything");
is($d->row("/big/600000")->{error_code}, "", "and has no error");

# Interim answers, a megabyte of them, for clients that read nothing, where the
# kernel has room for little more: so much it took of the first answer.
my $room = $d->row("/big/30000000")->{bytes_out} - $got;
my @small = map { small() } 0 .. 4;
for (0 .. 4) {
	ask($small[$_], "/big/" . ($room - 100_000 - $_ * 100_000));
	ask($small[$_], "/hints?n=16&len=1200");
}
($row) = grep { $_->{error_code} ne "" } $d->rows(sub {
	grep { $_->{path} eq "/hints" && $_->{error_code} ne "" } @_;
});
is($row->{error_code}, "internal", "an answer for which there is no room");
is($row->{status}, 0, "has not begun");
@small = ();
$s = $d->dial;
ask($s, "/hints?n=3&len=1200");
Daemon::head($s) for 1 .. 3;
is(Daemon::response($s)->{body}, "hinted\n", "one that fits is");

# Names, all at once, of one vault.
my @c = map { $d->dial } 1 .. NAMES;
ask($c[$_ - 1], "/name$_", "http://n$_.invalid") for 1 .. NAMES;
my @r = map { Daemon::response($_) } @c;
my @full = grep { $r[$_ - 1]{status} == 503 } 1 .. NAMES;
cmp_ok(scalar @full, ">", 0, scalar(@full) . " of too many names");
$r = $r[$full[0] - 1];
is($r->{json}{error}, "overloaded", "by name");
$row = $d->row("/name$full[0]");
is($row->{error_code}, "overloaded", "and so says the row");
is($row->{status}, 503, "with its status");
my @none = grep { $_->{status} != 503 } @r;
cmp_ok(scalar @none, ">", 0, scalar(@none) . " have been looked up");
is(scalar(grep { $_->{json}{error} eq "dns_error" } @none), scalar @none,
    "and there are none of them");
is($d->stop, 0, "stopped");
done_testing();
