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
# What cannot be stored: it is in force all the same, or it is counted, and
# brokerctl status says so while it lasts.

use strict;
use warnings;

use Test::More;
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my $d = Daemon->new("user");
my @ctl = ("$Frame::top/brokerctl/brokerctl", "-s", $d->{socket});
my $extra = $d->{extra};

sub status { return qx(@ctl status 2>&1) }
sub says { my ($re) = @_; return Frame::until(sub { status() =~ $re }, 10) }

sub pid {
	my ($name) = @_;
	my ($p) = grep { $_->{name} eq $name }
	    @{$d->api("GET", "/v1/brokerd/status")->{processes}};
	return $p->{pid};
}

sub reload {
	$d->{extra} = $extra . shift;
	$d->config;
	is(system("@ctl reload > /dev/null"), 0, "reload");
}

qx(@ctl vault add doomed);
is($?, 0, "a vault");
unlike(status(), qr/not durable|request log/, "nothing is amiss");

kill "STOP", pid("logd");
my $said = qx(@ctl vault delete doomed 2>&1);
isnt($?, 0, "what is not stored is no success");
like($said, qr/in force.*brokerctl status/s, "and the text sends to status");
like(status(), qr/^changes not durable: 1 in force.*restart.*undo it$/m,
    "which says it at once");
kill "KILL", pid("logd");
ok(Frame::until(sub { status() !~ /not durable/ }, 10),
    "until the next logd has stored it");
unlike(qx(@ctl vault list), qr/doomed/, "the vault is gone");

# A disk that has less room than the log must leave.
SKIP: {
	my ($free) = qx(df -Pk $d->{dir}) =~ /^\S+\s+\d+\s+\d+\s+(\d+)/m;

	skip("there is too much room", 5) if $free >= 1024 ** 3;
	reload("log reserve 1024G\n");
	qx(@ctl vault add another);
	is($?, 0, "administration goes on");
	# A failed authentication is something to log.
	eval { $d->tunnel("localhost:1", token => "av_agt_" . "0" x 64) };
	ok(says(qr/^request log: cannot be written now/m),
	    "no room for the log");
	reload("");
	ok(Frame::until(sub { status() !~ /^request log/m }, 10),
	    "until there is some");
}
kill "TERM", $d->{pid};
is($d->ends(15), 0, "stopped");
done_testing();
