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
# The page for a day: what it holds does not grow, whether it is live or paused,
# and what a stream may say on the way is shown.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Site;
use Test::More;
use Time::HiRes qw(sleep time);

begin();
$b = browse(log => 0);

sub elements { return $b->eval("document.getElementsByTagName('*').length") }
sub heap {
	$b->cdp("HeapProfiler.collectGarbage");
	return $b->cdp("Runtime.getHeapUsage")->{usedSize};
}

# A day of 50 rows a second, in less: each of its rows goes the page's own way
# from the text of an event to what is shown, and what is held does not grow.
# The stream is played, for nobody has a day.
$b->cdp("Page.addScriptToEvaluateOnNewDocument", source => <<'END');
	window.EventSource = class {
		constructor() {
			this.on = {};
			window.source = this;
			setTimeout(() => {
				this.on.open({});
				this.on.live();
			}, 10);
		}
		addEventListener(name, fn) {
			this.on[name] = fn;
		}
		close() { }
		tell(name, data, id) {
			this.on[name]({ data, lastEventId: String(id) });
		}
	};
	// n rows from this id on; the most elements meanwhile.
	window.play = async (n, from) => {
		const row = (id, request) => '{"kind":"request","id":' + id +
		    ',"request_id":"' + request + '","method":"GET","host":"h' +
		    id + ':1","path":"/p/' + id + '","matched_service":"s",' +
		    '"status":200,"credential_keys":["K"],"error_code":"",' +
		    '"actor_name":"a","actor_id":"x","session":"",' +
		    '"latency_us":1000,"decision":"brokered","ingress":' +
		    '"mitm","detail":null,"created_at":' +
		    '"2026-01-01T00:00:00.000000Z"}';
		let most = 0;
		for (let id = from; id < from + n; id++) {
			// Some that are seen in flight, and some of those
			// whose end is never heard of.
			if (id % 20 === 0)
				source.tell("open", row(0, `r${id}`), "");
			if (id % 1000 === 0)
				source.tell("open", row(0, `l${id}`), "");
			if (id % 20 === 0)
				source.tell("close",
				    `{"request_id":"r${id}","id":${id}}`, "");
			source.tell("log", row(id, `r${id}`), id);
			if (id % 5000 === 0) {
				await new Promise((f) => setTimeout(f, 0));
				most = Math.max(most, document
				    .getElementsByTagName("*").length);
			}
		}
		return most;
	};
END
sign_in();
my ($hour, $from) = (50 * 3600, 10_000_000);
my (@heap, @drawn);
my $start = time;
for my $h (1 .. 24) {
	push @drawn, $b->js("return play(...arguments)", $hour, $from);
	push @heap, heap() if $h % 4 == 1 || $h == 24;
	$from += $hour;
}
diag sprintf "24 hours of 50 rows a second in %.1f s", time - $start;
my ($most_heap) = sort { $b <=> $a } @heap;
cmp_ok($most_heap - $heap[0], "<", 2_000_000, sprintf "%d rows: %s MB",
    24 * $hour, join ", ", map { sprintf "%.1f", $_ / 1e6 } @heap);
my ($most_drawn) = sort { $b <=> $a } @drawn;
cmp_ok($most_drawn, "<", 1500, "at most $most_drawn elements");
# A reader that was too slow is told so; of what was in flight it hears no end.
ok($b->eval("document.querySelector('.row.open') !== null"),
    "some are in flight");
$b->js("source.tell('lagged', '{\"cursor\":1}', '')");
ok(state("Catching up"), "lagged: it catches up");
ok(eval { $b->wait("document.querySelector('.row.open') === null", 10) },
    "and nothing is in flight for ever");
sleep 1.2;
is(badge(), "Catching up", "for as long as it takes");
$b->js("source.on.live()");
ok(state("Live"), "and is live again");
# What retention took before it could be shown is said where it is seen.
$b->js("source.tell('trimmed', " .
    "'{\"gone\":1234,\"oldest_id\":9,\"exact\":true}', '')");
like($b->eval("document.querySelector('.told').innerText"), qr/1,234 rows/,
    "rows that retention took are told");
# Paused as well.
$b->keys("Space");
state("Paused");
sub pill_is {
	my ($n, $what) = @_;
	my $text = "document.querySelector('.pill').innerText";

	ok(eval { $b->wait("$text.replace(/,/g, '').startsWith('$n ')", 10) },
	    $what) or diag $b->eval($text);
}
$b->js("return play(...arguments)", $hour, $from);
pill_is($hour, "all are counted while it is paused");
my $first = heap();
$b->js("return play(...arguments)", $hour, $from += $hour) for 1 .. 2;
cmp_ok(heap() - $first, "<", 2_000_000, "what is held back is bounded too");
pill_is(3 * $hour, "and counted");
clean("a day");

finish();
