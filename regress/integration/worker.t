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
# Workers that die, are short of descriptors, or stop: what others do goes on,
# and what they did has its record.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my $d = Daemon->new("user");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $where = "localhost:$up->{port}";
my $host = "Host: $where";
my ($s, $r, $row);

$d->furnish({ name => "api", host => $where,
    auth => { type => "bearer", token => "KEY" } });

sub processes {
	return map { ("$_->{name} $_->{index}" => $_) }
	    @{$d->api("GET", "/v1/brokerd/status")->{processes}};
}

sub killed {
	my (@names) = @_;
	my %p = processes();

	kill "KILL", map { $p{$_}{pid} } @names;
	ok(Frame::until(sub {
		my %q = eval { processes() };
		return !grep { ($q{$_}{pid} // 0) == $p{$_}{pid} ||
		    ($q{$_}{state} // "") ne "ready" } @names;
	}, 10), "killed and back: @names");
}

sub works {
	my ($what) = @_;
	my $r = eval { Daemon::request($d->tunnel($where), "GET /echo",
	    $host) } // {};
	is($r->{status}, 200, $what) or diag($@, $r->{body});
}

# Tunnels to both mitms, each with a stream.
my @s = map { $d->tunnel($where) } 1 .. 8;
for (@s) {
	$_->syswrite("GET /sse?n=30&ms=100 HTTP/1.1\r\n$host\r\n\r\n");
	like(Daemon::head($_), qr/200/, "a stream");
}
killed("mitm 0");
my @ends = map { Daemon::bytes($_, 100000, qr/X-Sum/) =~ /X-Sum/ ? 1 : 0 } @s;
my $cut = grep { $_ == 0 } @ends;
ok($cut > 0 && $cut < 8, "$cut of 8 streams are cut");
my @rows = grep { $_->{path} eq "/sse" } $d->rows(sub {
	8 == grep { $_->{path} eq "/sse" } @_;
});
is(@rows, 8, "each has its record");
is(scalar(grep { $_->{error_code} eq "worker_lost" } @rows), $cut,
    "those that were cut say so");
is(scalar(grep { !defined $_->{status} } @rows), $cut,
    "without a status: it is not known");
works("a tunnel, $_") for 1 .. 4;

killed("proxy 0");
works("a tunnel after a proxy has died, $_") for 1 .. 4;

$s = $d->tunnel($where);
is(Daemon::request($s, "GET /echo", $host)->{status}, 200, "a tunnel");
killed("resolver 0");
is(Daemon::request($s, "GET /echo", $host)->{status}, 200, "that goes on");
works("and new look-ups, $_") for 1 .. 2;

# The others of both kinds, the two apis, and two at once.
killed($_) for "mitm 1", "proxy 1", "api-tcp 0", "api-local 0", "logd 0";
killed("proxy 0", "mitm 0");
killed("api-local 0", "resolver 0");
works("and all is linked again, $_") for 1 .. 4;
my $tcp = IO::Socket::INET->new(PeerAddr => "127.0.0.1",
    PeerPort => $d->{api}, Timeout => 5) or die "api: $!";
is(Daemon::request($tcp, "GET /v1/auth/me", "Host: x",
    "Authorization: Bearer $d->{token}")->{status}, 200, "the api on TCP, too");
$s = $d->tunnel($where);
is(Daemon::request($s, "GET /echo/linked", $host)->{status}, 200, "a request");
is($d->row("/echo/linked")->{status}, 200, "and its record");

# Without logd requests go on, and each has its record at last.
my %p = processes();
kill "STOP", $p{"logd 0"}{pid};
my $start = time;
is(Daemon::request($s, "GET /echo/dark$_", $host)->{status}, 200,
    "with a logd that stands still, $_") for 1 .. 20;
cmp_ok(time - $start, "<", 3, "and without delay");
kill "KILL", $p{"logd 0"}{pid};
my $n = () = $d->rows(sub { 20 == grep { $_->{path} =~ /dark/ } @_ });
is(scalar(grep { $_->{path} =~ /dark/ } $d->rows), 20,
    "20 records from the next one");

# A reload closes what idles, and changes what is new.
is(Daemon::request($s, "GET /echo", $host)->{json}{method}, "GET", "idle");
$d->{extra} = "network allow 127.0.0.0/8\n";
$d->config;
kill "HUP", $d->{pid};
ok($d->logged(qr/reloaded|configuration \d+ is in force|reload/i),
    "reloaded") or diag($d->log);
ok(Frame::until(sub {
	my $q = Daemon::request($s, "GET /echo", $host);
	return ($q->{json}{error} // "") eq "tls_error";
}, 5), "the roots of before do not count any more");
$d->{extra} .= "upstream ca only \"$d->{dir}/up-ca.pem\"\n" .
    "http header size 4K\n";
$d->config;
kill "HUP", $d->{pid};
ok(Frame::until(sub {
	my $q = Daemon::request($s, "GET /echo", $host);
	return $q->{status} == 200;
}, 5), "and count again");
$r = Daemon::request($d->tunnel($where), "GET /echo", $host,
    "X-Long: " . "x" x 5000);
is($r->{status}, 431, "a head over the new limit");

# One that a worker refuses changes nothing anywhere.
my $extra = $d->{extra};
my $in_force = $d->api("GET", "/v1/brokerd/status")->{generation};
open(my $bad, ">", "$d->{dir}/bad.pem") or die;
print $bad "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
close $bad;
chmod 0644, "$d->{dir}/bad.pem";
$d->{extra} = "network allow 127.0.0.0/8\n" .
    "upstream ca only \"$d->{dir}/bad.pem\"\nhttp header size 64K\n";
$d->config;
ok(!eval { $d->api("POST", "/v1/brokerd/reload") },
    "authorities that do not parse");
like($@, qr/: 409 .*old configuration stays: (?:proxy|mitm) \d: .*bad\.pem/,
    "are refused by name");
is($d->api("GET", "/v1/brokerd/status")->{generation}, $in_force,
    "the generation is the old one");
is(Daemon::request($d->tunnel($where), "GET /echo", $host)->{status}, 200,
    "and so are the authorities");
$r = Daemon::request($d->tunnel($where), "GET /echo", $host,
    "X-Long: " . "x" x 5000);
is($r->{status}, 431, "and the limit");
$d->{extra} = $extra;
$d->config;
ok($d->api("POST", "/v1/brokerd/reload")->{reloaded}, "a good one goes on");

# The stop: what runs may end, in its time.
$s = $d->tunnel($where);
$s->syswrite("GET /sse?n=10&ms=100 HTTP/1.1\r\n$host\r\n\r\n");
like(Daemon::head($s), qr/200/, "a stream");
my $idle = $d->tunnel($where);
kill "TERM", $d->{pid};
is(Daemon::bytes($idle, 1), "", "an idle tunnel is closed");
like(Daemon::bytes($s, 100000, qr/X-Sum/), qr/data: 10\n.*X-Sum/s,
    "what runs is finished");
is($d->ends(15), 0, "and then it stops");
unlike($d->log, qr/malformed|not every record/, "and nothing was odd");
done_testing();
