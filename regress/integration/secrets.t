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
# Where the bytes of a secret are after a request: with the upstream, sealed
# in the database, in keyd; nowhere else.

use strict;
use warnings;

use Test::More;
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my $secret = "s3cret-" . join "", map { chr(97 + int rand 26) } 1 .. 40;

# Every readable byte of a process, from /proc, or undef.
sub memory {
	my ($pid) = @_;
	my $all = "";

	open(my $maps, "<", "/proc/$pid/maps") or return undef;
	open(my $mem, "<:raw", "/proc/$pid/mem") or return undef;
	while (<$maps>) {
		my ($from, $to) = /^([0-9a-f]+)-([0-9a-f]+) r/ or next;
		next if /\[(vvar|vsyscall)/;
		no warnings "portable";
		my $len = hex($to) - hex $from;
		# What the sanitizers set aside holds nothing of the program's.
		next if $len > 1 << 30;
		sysseek $mem, hex $from, 0 or next;
		sysread $mem, my $piece, $len or next;
		$all .= $piece;
	}
	return $all;
}

sub slurp {
	my ($file) = @_;
	local $/;
	open(my $f, "<:raw", $file) or return "";
	return scalar <$f> // "";
}

sub hunt {
	my ($mode) = @_;
	my $d = Daemon->new($mode);
	my $up = Upstream->new(dir => $d->{dir}, tls => 1);

	$d->furnish({ name => "api", host => "localhost:$up->{port}",
	    auth => { type => "bearer", token => "KEY" } });
	$d->api("POST", "/v1/credentials", { vault => "default",
	    credentials => { KEY => $secret } });
	my $s = $d->tunnel("localhost:$up->{port}");
	# Answers that do not repeat what was sent: those would be the
	# upstream's own words, wherever they are.
	my $r = Daemon::request($s, "GET /status/201", "Host: localhost");
	$r = Daemon::request($s, "POST /status/202", "Host: localhost",
	    \ "some body");
	is($r->{status}, 202, "$mode: a request in a tunnel");
	like(join(" ", map { $_->[1] } @{$up->last->{headers}}),
	    qr/Bearer \Q$secret\E/, "the secret reached the upstream");
	my $e = $d->dial;
	$r = Daemon::request($e, "GET /proxy/localhost:$up->{port}/status/203",
	    "Host: x", "Authorization: Bearer $d->{token}",
	    "X-Vault: default");
	is($r->{status}, 203, "and a request in explicit form");
	ok($d->row("/status/203")->{id}, "all is committed");
	close $s;
	close $e;

	my @files = grep { -f } glob("$d->{dir}/state/* $d->{dir}/state/*/*");
	cmp_ok(scalar @files, ">", 0, "there is a database");
	for my $word ($secret, $d->{token}) {
		my $what = $word eq $secret ? "secret" : "token";
		is(join(" ", grep { index(slurp($_), $word) >= 0 } @files),
		    "", "no file of the state directory holds the $what");
		is(index($d->log, $word), -1, "nor does the text log");
	}
	my $st = $d->api("GET", "/v1/brokerd/status");
	for my $p (@{$st->{processes}}) {
		my $name = "$p->{name} $p->{index}";
		for my $part ("cmdline", "environ") {
			is(index(slurp("/proc/$p->{pid}/$part"), $secret), -1,
			    "$name: not in its $part");
		}
		next if $mode ne "root" || $p->{name} eq "keyd";
		# What a lease holds goes with the connections that use it.
		my $left = 1;
		Frame::until(sub {
			my $m = memory($p->{pid});
			$left = defined $m ? index($m, $secret) >= 0 : 1;
			return !$left;
		}, 5);
		ok(!$left, "$name: not in its memory");
	}
}

plan skip_all => "there is no /proc here" if ! -e "/proc/self/maps";
hunt($_) for Frame::modes();
done_testing();
