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
# Many rows at once: the newest are shown, the others are to be had by scrolling
# back, none is missing, and what the page holds is bounded.
#
# It scrolls back through $BROWSER_BACK of them, 22000 when it says nothing:
# more than the page keeps.  A screen takes the browser 15 ms to draw; all of
# them, which make soak asks for, take two minutes.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Site;
use Test::More;
use Time::HiRes qw(sleep time);

use constant SHOWN => 2000;	# rows that the page keeps while they come
use constant HELD => 20000;	# and with what was scrolled back to

my $rows = 100_000;
my $oldest;
my $deep = $ENV{BROWSER_BACK} // 22_000;
alarm 240 + $deep / 100;
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
# The newest row once so many requests after the first have one.  On a loaded
# machine the log may be too late for some: those are in the count of a gap.
sub recorded {
	my ($n) = @_;
	my ($last, $is) = (0, 0);

	eval { Driver::until_true(sub {
		my @gaps = @{$d->api("GET", "/v1/vaults/default/logs?" .
		    "limit=200&kind=gap")->{logs}};
		$last = newest();
		$is = $last - $oldest;
		$is += $_->{count} - 1 for @gaps;
		$is >= $n;
	}, "rows", 60) };
	is($is, $n, "$n requests are recorded");
	return $last;
}
sub columns {
	return join " ", @{$b->eval("[...document.querySelectorAll(" .
	    "'.head > *')].map((e) => Math.round(" .
	    "e.getBoundingClientRect().left))")};
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
$oldest = newest();
my $pid = burst($rows, "burst");
my $start = time;
$b->wait("document.querySelector('[data-row=\"9\"]')");
$b->shot("burst");
waitpid $pid, 0;
my $head = recorded($rows);
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
my $new = recorded($rows * 5 / 4) - $head;
ok(eval { $b->wait("document.querySelector('.pill').innerText.replace(/,/g, " .
    "'').startsWith('$new ')", 60) },
    "the $new new rows are counted") or diag pill();
is_deeply([ ids() ], \@before, "what is shown stays");
$b->shot("burst-paused");
$b->click(".pill");
$head = newest();
ok(caught_up($head), "and then they are shown");
ok(state("Live"), "live");

# Back from there to where it began: each id, none left out.
my $back = <<'END';
	const [n, sign, last_id] = arguments;
	const view = document.querySelector(".rows");
	const seen = window.seen ??= new Set(), end = Date.now() + 5000;
	let most = 0, last = -1, still = 0;
	return (async () => {
		while (Date.now() < end && seen.size < n && still < 200 &&
		    !seen.has(last_id)) {
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
my $all = $head - $oldest + 1;
$all = $deep if $deep < $all;
my ($r, $end) = (undef, time + 60 + $deep / 200);
do { $r = $b->js($back, $all, 1) } while (@{$r->{ids}} < $all && time < $end);
my @seen = @{$r->{ids}}[0 .. $all - 1];
my @holes = grep { $seen[$_] != $seen[$_ + 1] + 1 } 0 .. $#seen - 1;
is($seen[0], $head, "scrolling back from the newest");
is(scalar(grep { defined } @seen), $all, "through $all rows");
is("@seen[@holes]", "", "there is no hole");
cmp_ok($r->{most}, "<", 1500, "with at most $r->{most} elements");
like(badge(), qr/Paused/, "which paused it");
# What is held is bounded, and of what is printed that is said.
my ($held) = $b->eval("document.querySelector('.rows').ariaRowCount");
cmp_ok($held, "<=", HELD + 1, "$held rows are held at most");
$b->media("print");
$b->js("window.dispatchEvent(new Event('beforeprint'))");
is($b->eval("document.querySelectorAll('.space .row').length"), SHOWN,
    SHOWN . " rows are printed");
like($b->eval("document.querySelector('.rows > p').innerText"),
    qr/^These are the first of [\d,]{5,} rows/, "which is said");
ok($b->eval("document.querySelector('.rows > p').checkVisibility()"),
    "and seen");
$b->media("");
$b->js("window.dispatchEvent(new Event('afterprint'))");
ok($b->eval("document.querySelector('.rows > p').hidden"), "on paper only");
# And up to the newest, which were not kept, from some way below.
$b->js("window.seen = undefined; " .
    "document.querySelector('.rows').scrollTop = 40000");
do { $r = $b->js($back, 1e9, -1, $head) } while
    (($r->{ids}[0] // 0) != $head && time < $end);
@seen = @{$r->{ids}};
is($seen[0], $head, "and up again to the newest");
cmp_ok(scalar(@seen), ">=", 3000, "through " . @seen . " rows");
@holes = grep { $seen[$_] != $seen[$_ + 1] + 1 } 0 .. $#seen - 1;
is("@seen[@holes]", "", "there is no hole");
$b->keys("g");
ok(caught_up($head) && state("Live"), "live");

# Links to rows that are far back, and on from there: the first of all, and one
# whose newer ones come by themselves.
for my $far ($oldest, $head - 3000) {
	$b->go($b->url =~ s/\?.*//r . "?vault=default&row=$far");
	ok(state("Paused"), "a link to an old row");
	ok(eval { $b->wait("document.querySelector('.row.selected')?.dataset" .
	    ".id === '$far'", 20) }, "shows it");
	ok(eval { $b->wait("document.querySelector('[data-id=\"" .
	    ($far + 3) .  "\"]')", 20) }, "with those after it") or
	    diag join " ", ids();
}
$b->press("Go on");
ok(caught_up($head) && state("Live"), "and on to the newest");
my @now = ids();
is("@now", join(" ", map { $head - $_ } 0 .. $#now), "without a hole");
clean("a burst");

finish();
