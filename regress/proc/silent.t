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
# A process that hangs is told, and left alone.

use strict;
use warnings;

use Test::More;
use lib ($ENV{TOP} || ".") . "/regress/proc";
use Frame;

my $f = Frame->new("user")->start("-v");
my $st;

ok($f->ready, "ready") or diag $f->log;
ok($st = $f->settled, "status");
kill "STOP", $st->{"logd.0"}{pid}, $st->{"keyd.0"}{pid};
for (qw(logd keyd)) {
	ok($f->logged(qr/$_: process $st->{"$_.0"}{pid} has said nothing/, 30),
	    "$_: it is told");
}
my $now = $f->status;
is($now->{"logd.0"}{state}, "silent", "logd: so says the status");
is($now->{"keyd.0"}{state}, "silent", "keyd: as well");
is($now->{"mitm.0"}{state}, "ready", "others do not");
is($now->{"logd.0"}{pid}, $st->{"logd.0"}{pid}, "it is not killed");
kill "CONT", $st->{"logd.0"}{pid}, $st->{"keyd.0"}{pid};
ok($f->logged(qr/$_: process \d+ is heard again/, 15), "$_: heard again")
    for qw(logd keyd);
$now = $f->settled;
is($now->{"logd.0"}{state}, "ready", "so says the status");
is($now->{"logd.0"}{restarts}, 0, "it is the same");
is($f->stop, 0, "stopped");
done_testing();
