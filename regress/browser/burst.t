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
# Many rows at once and for long: the newest are shown, the others are to be
# had by scrolling back, none is missing, and what the page holds is bounded.
#
# $BROWSER_ROWS is how many rows there are, 20000 when it says nothing; more than
# 50000 want a longer LIMIT of regress/run, too.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Site;
use Test::More;
use Time::HiRes qw(sleep time);

use constant SHOWN => 2000;	# rows that the page keeps while they come

my $rows = $ENV{BROWSER_ROWS} // 20_000;
alarm 240 + $rows / 100;
begin(extra => "log retain rows 0\n");
# The log of requests would have each row in it.
$b = browse(log => 0);
sign_in();
$b->js(<<'END');
	window.shifts = [];
	window.most = 0;
	setInterval(() => window.most = Math.max(window.most,
	    document.getElementsByTagName("*").length), 50);
	new PerformanceObserver((l) => {
		for (const e of l.getEntries())
			window.shifts.push(e.value);
	}).observe({ type: "layout-shift", buffered: false });
END

sub elements { return $b->eval("document.getElementsByTagName('*').length") }
sub newest {
	return $d->api("GET", "/v1/vaults/default/logs?limit=1")->{latest_id};
}
sub columns {
	return join " ", @{$b->eval("[...document.querySelectorAll(" .
	    "'.head > *')].map((e) => Math.round(" .
	    "e.getBoundingClientRect().left))")};
}
sub heap {
	$b->cdp("HeapProfiler.collectGarbage");
	my $r = $b->cdp("Runtime.getHeapUsage");
	return $r->{usedSize};
}
sub pill {
	return $b->eval("document.querySelector('.pill').innerText") =~
	    s/,//gr =~ s/ .*//sr;
}
# How long it takes until the newest row is what the log says, at most 20 s.
sub caught_up {
	my ($id) = @_;
	return eval { $b->wait("document.querySelector('.space .row" .
	    "[data-row=\"0\"]')?.dataset.id === '$id'", 20) };
}

# While one looks.
my $columns;
traffic("/echo/first");
row_with("/echo/first");
$columns = columns();
my $pid = burst($rows, "burst");
my $start = time;
$b->wait("document.querySelector('[data-row=\"9\"]')");
$b->shot("burst");
waitpid $pid, 0;
my $head;
Driver::until_true(sub {
	$head = newest();
	@{$d->api("GET", "/v1/vaults/default/logs?limit=200&path=/burst/*")->
	    {logs}} && $head > $rows;
}, "all rows", 60);
sleep 0.5;
$head = newest();
ok(caught_up($head), "the newest of $rows rows is shown") or
    diag badge(), " ", join " ", (ids())[0 .. 2], $head;
diag sprintf "%d rows in %.1f s", $rows, time - $start;
ok(state("Live"), "live");
my $most = $b->eval("window.most");
cmp_ok($most, "<", 1500, "at most $most elements while they came");
cmp_ok(elements(), "<", 1500, elements() . " afterwards");
is(columns(), $columns, "the columns are where they were");
is($b->eval("window.shifts.length"), 0, "and nothing was shifted");
is($b->eval("document.querySelector('.rows').getAttribute(" .
    "'aria-rowcount')"), SHOWN + 1, SHOWN . " are kept");

# A second one, paused: the count of new rows is right, nothing moves.
$b->keys("Space");
state("Paused");
my @before = ids();
waitpid burst($rows / 4, "paused"), 0;
ok(eval { $b->wait("document.querySelector('.pill').innerText.replace(/,/g, " .
    "'').startsWith('" . $rows / 4 . " ')", 60) },
    "the new rows are counted") or diag pill();
is_deeply([ ids() ], \@before, "what is shown stays");
$b->shot("burst-paused");
$b->click(".pill");
$head = newest();
ok(caught_up($head), "and then they are shown");
ok(state("Live"), "live");

# Back from there to where it began: each id, none left out.
my $back = <<'END';
	const [n, sign] = arguments, view = document.querySelector(".rows");
	const seen = window.seen ??= new Set(), end = Date.now() + 5000;
	let most = 0, last = -1, still = 0;
	return (async () => {
		while (Date.now() < end && seen.size < n && still < 200) {
			for (const r of document.querySelectorAll(
			    ".space .row"))
				if (/^\d+$/.test(r.dataset.id))
					seen.add(Number(r.dataset.id));
			most = Math.max(most,
			    document.getElementsByTagName("*").length);
			still = view.scrollTop === last ? still + 1 : 0;
			last = view.scrollTop;
			view.scrollTop += sign * (view.clientHeight - 60);
			view.dispatchEvent(new Event("scroll"));
			await new Promise((f) => setTimeout(f, 0));
		}
		return { ids: [...seen].sort((x, y) => y - x), most };
	})();
END
my $all = $rows * 5 / 4 + 1;
my ($r, $end) = (undef, time + 30 + $rows / 200);
do { $r = $b->js($back, $all, 1) } while (@{$r->{ids}} < $all && time < $end);
my @seen = @{$r->{ids}};
my @holes = grep { $seen[$_] != $seen[$_ + 1] + 1 } 0 .. $#seen - 1;
is($seen[0], $head, "scrolling back from the newest");
is(scalar(@seen), $all, "through all of $all rows");
is("@seen[@holes]", "", "there is no hole");
cmp_ok($r->{most}, "<", 1500, "with at most $r->{most} elements");
like(badge(), qr/Paused/, "which paused it");
# And to the newest again, as far as it was held.
$b->js("window.seen = undefined");
do { $r = $b->js($back, $all, -1) } while (@{$r->{ids}} < $all && time < $end);
is(scalar(@{$r->{ids}}), $all, "and up again");
$b->keys("g");
ok(caught_up($head) && state("Live"), "live");

# A link to a row that is far back, and on from there.
my $far = $head - 3000;
$b->go($b->url =~ s/\?.*//r . "?vault=default&row=$far");
ok(state("Paused"), "a link to an old row");
ok(eval { $b->wait("document.querySelector('.row.selected')?.dataset.id === " .
    "'$far'", 20) }, "shows it");
ok(eval { $b->wait("document.querySelector('[data-id=\"" . ($far + 3) .
    "\"]')", 20) }, "with those after it") or diag join " ", ids();
$b->press("Go on");
ok(caught_up($head) && state("Live"), "and on to the newest");
my @now = ids();
is("@now", join(" ", map { $head - $_ } 0 .. $#now), "without a hole");
clean("a burst");

# A day of 50 rows a second, faster: what is held does not grow.  Its stream
# is played, for nobody has a day.
$b->cdp("Page.addScriptToEvaluateOnNewDocument", source => <<'END');
	window.EventSource = class extends EventTarget {
		constructor() {
			super();
			window.source = this;
			setTimeout(() => this.onopen(), 10);
		}
		close() { }
	};
END
sign_in();
my $played = <<'END';
	return (async () => {
		const [n, from] = arguments, row = (id) => ({ kind: "request",
		    id, request_id: `r${id}`, method: "GET", host: `h${id}:1`,
		    path: `/p/${id}`, matched_service: "s", status: 200,
		    credential_keys: ["K"], error_code: "", actor_name: "a",
		    actor_id: "x", session: "", latency_us: 1000,
		    decision: "brokered", ingress: "mitm", detail: null,
		    created_at: "2026-01-01T00:00:00.000000Z" });
		for (let i = 0; i < n; i++) {
			const id = from + i, open = row(id);
			if (id % 4 === 0)
				window.source.dispatchEvent(new MessageEvent(
				    "open", { data: JSON.stringify(open) }));
			// Some whose end is never heard of.
			if (id % 100 === 0)
				window.source.dispatchEvent(new MessageEvent(
				    "open", { data: JSON.stringify({ ...open,
				    request_id: `lost${id}` }) }));
			if (id % 4 === 0)
				window.source.dispatchEvent(new MessageEvent(
				    "close", { data: JSON.stringify({
				    request_id: open.request_id }) }));
			window.source.dispatchEvent(new MessageEvent("log", {
			    data: JSON.stringify(open), lastEventId: `${id}`
			}));
			if (i % 2000 === 0)
				await new Promise((f) => setTimeout(f, 0));
		}
		return n;
	})();
END
my ($many, $from) = (50_000, 10_000_000);
$b->js($played, $many, $from);
my $first = heap();
$b->js($played, $many, $from += $many) for 1 .. 3;
my $then = heap();
cmp_ok($then - $first, "<", 2_000_000, sprintf
    "%d rows more: %.1f MB, %.1f MB before", 3 * $many, $then / 1e6,
    $first / 1e6);
cmp_ok(elements(), "<", 1500, elements() . " elements");
# A reader that was too slow is told so; of what was in flight it hears no end.
ok($b->eval("document.querySelector('.row.open') !== null"),
    "some are in flight");
$b->js("window.source.dispatchEvent(new MessageEvent('lagged', " .
    "{ data: '{\"cursor\":1}' }))");
ok(state("Catching up"), "lagged: it catches up");
ok(eval { $b->wait("document.querySelector('.row.open') === null", 10) },
    "and nothing is in flight for ever");
ok(state("Live"), "and is live again");
# What retention took before it could be shown is said where it is seen.
$b->js("window.source.dispatchEvent(new MessageEvent('trimmed', " .
    "{ data: '{\"gone\":1234,\"oldest_id\":9,\"exact\":true}' }))");
like($b->eval("document.querySelector('.told').innerText"), qr/1,234 rows/,
    "rows that retention took are told");
# Paused as well.
$b->keys("Space");
$b->js($played, $many, $from += $many);
# It is drawn a moment later.
sub pill_is {
	my ($n, $what) = @_;
	my $is;

	for (1 .. 50) {
		last if ($is = pill()) == $n;
		select undef, undef, undef, 0.1;
	}
	is($is, $n, $what);
}
pill_is($many, "all are counted while it is paused");
$first = heap();
$b->js($played, $many, $from += $many) for 1 .. 2;
cmp_ok(heap() - $first, "<", 2_000_000, "what is held back is bounded too");
pill_is(3 * $many, "and counted");

finish();
