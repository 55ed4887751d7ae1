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
# The wrong master key, and none: what the whole daemon says, and that the
# database stays as it was.

use strict;
use warnings;

use Digest::MD5;
use Test::More;
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

sub slurp {
	my ($file) = @_;
	local $/;
	open(my $f, "<:raw", $file) or die "$file: $!";
	return scalar <$f>;
}

sub put {
	my ($d, $file, $bytes) = @_;
	open(my $f, ">:raw", $file) or die "$file: $!";
	print $f $bytes;
	close $f;
	chmod 0600, $file;
	$d->own($file);
}

# The log has a new name, so that only what this start says is looked at.
sub again {
	my ($d) = @_;
	unlink "$d->{dir}/log.old";
	rename "$d->{dir}/log", "$d->{dir}/log.old";
	$d->start;
}

sub refused {
	my ($d, $what, $re) = @_;
	my ($db) = glob "$d->{state}/db/brokerd.db";
	my $before = Digest::MD5::md5_hex(slurp($db));

	again($d);
	is($d->ends(20), 1, "$what: ends with an error");
	like($d->log, $re, "and says why");
	unlike($d->log, qr/Z ready$/m, "it was never ready");
	is(Digest::MD5::md5_hex(slurp($db)), $before,
	    "the database is what it was");
}

sub keys_of {
	my ($mode) = @_;
	my $d = Daemon->new($mode);
	my $key = "$d->{state}/master.key";
	my $up = Upstream->new(dir => $d->{dir}, tls => 1);

	$d->furnish({ name => "api", host => "localhost:$up->{port}",
	    auth => { type => "bearer", token => "KEY" } });
	is($d->stop, 0, "$mode: a vault with a credential, stopped");
	my $right = slurp($key);

	put($d, $key, join("", "a" .. "z", 0 .. 5));
	refused($d, "$mode: a wrong key",
	    qr/the master key does not open this database: put /);
	put($d, $key, "short");
	refused($d, "$mode: a damaged key", qr/neither 32 bytes nor 64/);
	put($d, $key, "");
	refused($d, "$mode: an empty key", qr/is empty, but the database/);
	unlink $key;
	refused($d, "$mode: a lost key", qr/is missing, but .*put it back/);
	ok(!-e $key, "no new one is made");

	put($d, $key, $right);
	again($d);
	ok($d->ready, "$mode: with its key it starts again") or diag($d->log);
	my $s = $d->tunnel("localhost:$up->{port}");
	is(Daemon::request($s, "GET /echo/x", "Host: localhost")->{status},
	    200, "and opens the credential");
	my $logs = $d->api("GET", "/v1/admin/logs?limit=200")->{logs};
	is(scalar(grep { $_->{action} eq "log_started" } @$logs), 2,
	    "the log has the two starts that were any");
	is($d->stop, 0, "and stops");
}

keys_of($_) for Frame::modes();
done_testing();
