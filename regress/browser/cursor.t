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
# A filter that matches rarely, and a connection that breaks: the page goes on
# from where the stream was, and rows that were passed before retention took
# them are not told as never shown.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Site;
use Test::More;

begin(extra => "log retain rows 0\n");
browse();
$b->cdp("Page.addScriptToEvaluateOnNewDocument", source => <<'END');
	const Real = EventSource;
	window.asked = [];
	window.beats = 0;
	window.EventSource = class extends Real {
		constructor(url) {
			super(url);
			asked.push(url);
			this.addEventListener("beat", () => beats++);
		}
	};
END
my $path = "/v1/vaults/default/logs";
sub newest { return $d->api("GET", "$path?limit=1")->{latest_id} }
sub after {
	my ($n) = $b->eval("asked.at(-1)") =~ /\bafter=(\d+)/;
	return $n // -1;
}
sub told { return $b->eval("document.querySelector('.told').innerText") }

sign_in("vault=default&q=path:/rare*");
my $first = newest();
is(after(), $first, "it begins at the newest row");
traffic(map { "/echo/other$_" } 1 .. 30);
my $head = $d->row("/echo/other30")->{id};
cmp_ok($head, ">=", $first + 30, "rows that do not match");
my $beats = $b->eval("beats");
ok(eval { $b->wait("beats > $beats", 25) }, "a beat of the stream");
$d->api("PUT", "/v1/admin/settings",
    { logs_retention => { max_rows_per_vault => 5 } });
ok(Frame::until(sub { $d->rows == 5 }, 15), "retention takes most of them");
my $asked = $b->eval("asked.length");
my ($api) = grep { $_->{name} eq "api-tcp" }
    @{$d->api("GET", "/v1/brokerd/status")->{processes}};
kill "KILL", $api->{pid};
shown("asked.length > $asked", "the connection breaks: it asks again");
cmp_ok(after(), ">=", $head, "from where the stream was");
ok(state("Live"), "and is live");
traffic("/rare");
row_with("/rare");
is(told(), "", "nothing that was passed is told as lost");
clean("a stream's cursor", qr{/v1/.* (?:net::ERR_|50\d )});

finish();
