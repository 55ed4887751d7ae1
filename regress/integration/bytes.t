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
# Any byte in what a client sends: there is a row, and it is printable; and the
# longest path that is recorded whole.

use strict;
use warnings;

use IO::Select;
use Test::More;
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Ctl;
use Daemon;

my $d = Daemon->new("user");
my $plain = Upstream->new(dir => $d->{dir}, tls => 0);
my $there = "localhost:$plain->{port}";
$d->furnish({ name => "clear", host => $there, allow_plaintext => JSON::true,
    auth => { type => "bearer", token => "KEY" } });
my $auth = "Proxy-Authorization: " . Daemon::basic("$d->{token}:default");
my %asked;

# One request of its own connection; its id, if it has one: a head that is not
# understood names nobody whose log it could be in.
sub raw {
	my ($what, $line, @headers) = @_;
	my $r = eval { Daemon::request($d->dial, $line, "Host: $there",
	    @headers, "Connection: close") } // { status => 0 };
	$asked{$r->{json}{request_id}} = $what if $r->{json}{request_id};
	return $r->{status};
}

my %where = (
    method => sub { ("GE$_[0]T http://$there/echo/m", $auth) },
    path => sub { ("GET http://$there/none/a$_[0]b", $auth) },
    host => sub { ("GET http://no$_[0]where.test/h", $auth) },
    scheme => sub { ("GET http://127.0.0.1:1/s", $auth,
	"Authorization: Ba$_[0]sic x") },
    header => sub { ("GET http://127.0.0.1:1/n", $auth,
	"X-A$_[0]B: v") },
    trace => sub { ("GET http://127.0.0.1:1/t", $auth,
	"Traceparent: 00-$_[0]bf92f3577b34da6a3ce929d0e0e4736-" .
	"00f067aa0ba902b7-01") });
for my $field (sort keys %where) {
	my $answered = grep { raw("$field $_", $where{$field}->(chr $_)) > 0 }
	    0 .. 255;
	cmp_ok($answered, ">=", 254, "$field: $answered bytes are answered");
}

# The other two ways in, with the bytes that mean something to somebody.
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $secure = "localhost:$up->{port}";
my @some = (0, 1, 7 .. 13, 27, 31, 32, map({ ord } qw(" % / < ? @ \\ ~)),
    127, 128, 0xc3, 0xff);
sub inside {
	my ($what, $line, @headers) = @_;
	our $tunnel;

	$tunnel = undef if $tunnel && IO::Select->new($tunnel)->can_read(0);
	$tunnel //= $d->tunnel($secure);
	my $r = eval { Daemon::request($tunnel, $line, @headers) } //
	    { status => 0 };
	$tunnel = undef if !$r->{status} || $r->{status} >= 400;
	$asked{$r->{json}{request_id}} = $what if $r->{json}{request_id};
	return $r->{status};
}
my $bearer = "Authorization: Bearer $d->{token}";
%where = (
    "mitm path" => sub { inside($_[0], "GET /none/a$_[1]b",
	"Host: $secure") },
    "mitm method" => sub { inside($_[0], "GE$_[1]T /m", "Host: $secure") },
    "mitm host" => sub { inside($_[0], "GET /h", "Host: no$_[1]where") },
    "mitm trace" => sub { inside($_[0], "GET /none/t", "Host: $secure",
	"Traceparent: 00-$_[1]bf92f3577b34da6a3ce929d0e0e4736-" .
	"00f067aa0ba902b7-01") },
    "explicit path" => sub { raw($_[0],
	"GET /proxy/127.0.0.1:1/none/a$_[1]b", $bearer) },
    "explicit method" => sub { raw($_[0],
	"GE$_[1]T /proxy/127.0.0.1:1/m", $bearer) },
    "explicit host" => sub { raw($_[0], "GET /proxy/no$_[1]where.test/h",
	$bearer) },
    "connect host" => sub {
	my $c = $d->dial;
	$c->syswrite("CONNECT no$_[1]where.test:1 HTTP/1.1\r\nHost: x\r\n" .
	    "$auth\r\n\r\n");
	my $r = eval { Daemon::response($c) };
	return $r ? $r->{status} : 0; });
for my $field (sort keys %where) {
	my $answered = grep { $where{$field}->("$field $_", chr $_) > 0 }
	    @some;
	cmp_ok($answered, ">=", @some - 3,
	    "$field: $answered of " . @some . " are answered");
}

my %have;
sub collect {
	my $before = 0;

	%have = ();
	while (1) {
		my $page = eval { $d->api("GET", "/v1/vaults/default/logs?" .
		    "limit=200" . ($before ? "&before=$before" : "")) } or
		    return 0;
		$have{$_->{request_id}} = $_ for @{$page->{logs}};
		$before = $page->{next_cursor} or last;
	}
	return !grep { !$have{$_} } keys %asked;
}
cmp_ok(scalar keys %asked, ">", 500, keys(%asked) . " have an id");
ok(Frame::until(\&collect, 20), "each of them has a row") or
    diag(join ", ", map { $asked{$_} } grep { !$have{$_} } keys %asked);
my @odd = grep {
	my $r = $_;
	grep { ($r->{$_} // "") =~ /[^\x20-\x7e]/ }
	    qw(method host path trace_id auth_scheme auth_header)
} values %have;
is(scalar @odd, 0, "and all of it is printable");
my %in = map { $_->{ingress} => 1 } values %have;
is_deeply([ sort keys %in ], [ qw(explicit forward mitm) ],
    "of all three ways in");
for my $form (qw(short wide csv json)) {
	my ($status, $out) = ctl("-s", $d->{socket}, "logs", "-n", "2000",
	    "-o", $form);
	is($status, 0, "brokerctl logs -o $form");
	cmp_ok(scalar(() = $out =~ /\n/g), ">", 500, "shows them");
	unlike($out, qr/[^\x20-\x7e\n]/, "and no byte that a terminal obeys");
}

# As long as it may be, and one more.
for ([2048, ""], [2049, "cut"]) {
	my ($n, $cut) = @$_;
	my $path = "/" . ($cut ? "c" : "w") x ($n - 1);
	Daemon::request($d->dial, "GET http://$there$path", "Host: $there",
	    $auth);
	is($d->row(substr $path, 0, 2048)->{path_cut}, $cut,
	    "a path of $n: " . ($cut || "whole"));
}
is($d->stop, 0, "stopped");
done_testing();
