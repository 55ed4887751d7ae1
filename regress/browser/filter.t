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
# What is asked of the log: the search box with its completion and its errors,
# chips, clicks on cells, the histogram, export; and each key.

use strict;
use utf8;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use JSON;
use Site;
use Test::More;
use Time::HiRes qw(sleep);
use Time::Piece ();

begin();
browse();
traffic(map { "/echo/ok$_" } 1 .. 30);
traffic("/status/404", "/status/500", "/slow?ms=900");
eval { traffic("/drop") };
Daemon::request($d->tunnel("10.1.2.3:443"), "GET /blocked",
    "Host: 10.1.2.3:443");
sign_in();
row_with("/blocked");
row_with("/drop");
my $total = scalar($d->rows);

sub q_is {
	my ($q, $what) = @_;
	shown("document.querySelector('#q').value === " . encode_json([$q]) .
	    "[0] && document.querySelector('.badge').dataset.state === 'live'",
	    "$what: $q") or diag $b->eval("document.querySelector('#q').value");
	is(query()->{q} // "", $q, "$what: in the address");
}
sub paths { return map { $_->{host} =~ m{(/.*)} } grep { $_->{host} } rows() }
sub rows_are {
	my ($n, $what) = @_;
	shown("document.querySelectorAll('.space .row').length === $n",
	    "$what: $n rows") or diag join " ", paths();
}
sub clear { $b->press("Clear"); q_is("", "cleared") }
sub found {
	return @{$b->eval("[...document.querySelectorAll('.found li')]" .
	    ".map((e) => e.innerText)")};
}
sub suggested {
	my ($want, $what) = @_;
	shown("[...document.querySelectorAll('.found li')].some((e) => " .
	    "e.innerText === '$want')", $what) or diag join " ", found();
}
sub box { return $b->eval("document.querySelector('#q').value") }

# Chips.
for ([ "Errors", "status_bucket:err", 4 ],
    [ "Blocked", "decision:blocked", 1 ], [ "4xx", "status:4xx", 1 ],
    [ "5xx", "status:5xx", 3 ]) {
	my ($chip, $q, $n) = @$_;
	$b->press($chip);
	q_is($q, $chip);
	rows_are($n, $chip);
	is($b->eval("document.querySelector('.chip[aria-pressed=\"true\"]')" .
	    ".innerText"), $chip, "$chip is pressed");
	$b->press($chip);
	q_is("", "$chip again");
}
$b->press("Slow (1 s)");
q_is("min_ms:1000", "slow");
clear();

# Completion: of keys, of values that occur, by keyboard and by mouse.
$b->click("#q");
$b->keys(split //, "me");
suggested("method:", "keys are suggested");
is_deeply([ found() ], [ "method:" ], "those that begin like this");
$b->keys("Down", "Enter");
is(box(), "method:", "one is taken");
suggested("GET", "values that occur are suggested");
$b->shot("completion");
$b->keys("Down", "Enter");
q_is("method:GET", "and taken");
$b->keys(split //, " host:10");
suggested("10.1.2.3", "of a second term, by what it begins with");
$b->press("10.1.2.3");
q_is("method:GET host:10.1.2.3", "by mouse");
rows_are(1, "both");
is($b->eval("document.querySelectorAll('.found li').length"), 0,
    "the list is closed");
$b->keys("Escape");
clear();
# While the answer is not there, nothing is suggested that does not fit.
$b->js(<<'END');
	const ask = window.fetch;
	window.slow = [];
	window.fetch = (...a) => !a[0].includes("/values") ? ask(...a) :
	    new Promise((f) => slow.push(f)).then(() => ask(...a));
END
sub answer {
	$b->js("while (slow.length > 0) slow.pop()()");
	suggested(@_);
}
$b->type("#q", "method:");
is(join(" ", found()), "", "no answer, no suggestion");
answer("GET", "with the answer");
$b->keys("G");
is(join(" ", found()), "GET", "that still fits");
$b->keys("X");
is(join(" ", found()), "", "that does not");
$b->type("#q", "host:");
is(join(" ", found()), "", "of another key");
answer("10.1.2.3", "with its answer");
$b->type("#q", "");
$b->keys("Escape", "Escape");
$b->reload;
state("Live");
# What is in quotes is one word; a ! stands before a value as well.
$b->click("#q");
$b->keys(split //, "actor:\"x me");
sleep 0.5;
is_deeply([ found() ], [], "no key is suggested inside of quotes");
$b->type("#q", "");
$b->keys(split //, "method:!G");
suggested("GET", "a value that is left out");
$b->keys("Down", "Enter");
q_is("method:!GET", "and taken");
rows_are(0, "and it is");
$b->keys("Escape", "Escape");
clear();
$b->press("Service …");
suggested("api", "a chip asks for the service");
$b->keys("Down", "Enter");
ok(state("Live"), "taken");
like(query()->{q}, qr/^service:/, "by the key");
$b->keys("Escape");
clear();

# Errors, at the place.
for ([ "hots:x", qr/hots/, 0 ], [ "method:GET status:9000x", qr/9000x/, 18 ],
    [ "path:/\x{e4}\x{20ac}* status:9000x", qr/9000x/, 17 ],
    [ "method:GET path:\"open", qr/./, undef ]) {
	my ($q, $says, $at) = @$_;
	$b->type("#q", $q);
	$b->keys("Enter");
	shown("!document.querySelector('.wrong').hidden", "$q: an error");
	like($b->eval("document.querySelector('.wrong').innerText"), $says,
	    "$q: that names it");
	is($b->eval("document.querySelector('#q').getAttribute(" .
	    "'aria-invalid')"), "true", "$q: said of the box");
	is($b->eval("document.querySelector('#q').selectionStart"), $at,
	    "$q: at its place") if defined $at;
	like(badge(), qr/Filter not valid/, "$q: nothing else is claimed");
}
$b->shot("filter-error");
$b->keys("Escape", "Escape");
$b->press("Clear");
q_is("", "and again");
ok($b->eval("document.querySelector('.wrong').hidden"),
    "the error is gone");
clean("filters", qr{/logs\S* .* 400});

# A click on a cell with Ctrl.
row_with("/status/404");
sub cell {
	my ($path, $cell) = @_;

	# A list that is drawn anew has other elements.
	for (1 .. 5) {
		$b->js("[...document.querySelectorAll('.space .row')].find(" .
		    "(r) => r.innerText.includes(arguments[0]))" .
		    ".querySelector('.c-$cell').id = 'it'", $path);
		sleep 0.2;
		last if $b->eval("document.querySelector('#it') !== null");
	}
	$b->click_with("Control", "#it");
}
for ([ "/status/404", "status", "status:404" ],
    [ "/drop", "status", "error_code:upstream_error" ],
    [ "/blocked", "host", "host:10.1.2.3:443" ],
    [ "/status/500", "service", "service:api" ],
    [ "/status/500", "actor", "actor:bot" ],
    [ "/status/500", "method", "method:GET" ]) {
	my ($path, $cell, $q) = @$_;
	cell($path, $cell);
	q_is($q, "a click on $cell");
	row_with($path);
	ok($b->eval("document.querySelector('.detail').hidden"),
	    "opens no details");
	clear();
	row_with($path);
}
cell("/status/404", "status");
q_is("status:404", "one");
row_with("/status/404");
cell("/status/404", "method");
q_is("status:404 method:GET", "and another");
clear();

like($b->eval("document.querySelector('.space .c-method').title"),
    qr/^GET\nAlt/, "a cell says how");
# Who has neither keys nor a mouse: by a value in the details.
traffic("/echo/st*r", "/echo/star");
$total += 2;
row_with("/echo/star");
$b->js("[...document.querySelectorAll('.space .row')].find((r) => " .
    "r.innerText.includes('/echo/st*r')).click()");
shown("document.querySelector('.detail dl')", "details");
$b->press("/echo/st*r");
q_is("path:/echo/st\\*r", "a value in them");
rows_are(1, "just that one");
clear();

# Export: the rows of the filter.
$b->press("Errors");
q_is("status_bucket:err", "errors");
rows_are(4, "errors");
my @shown = ids();
my %text = %{$b->js(<<'END')};
	return (async () => {
		const all = {};
		for (const a of document.querySelectorAll("footer a"))
			all[a.innerText] = await (await fetch(a.href)).text();
		return all;
	})();
END
is_deeply([ sort map { decode_json($_)->{id} } split /\n/,
    $text{"JSON lines"} ], [ sort @shown ], "JSON lines of them");
my ($head, @lines) = split /\r?\n/, $text{CSV};
like($head, qr/(?:^|,)id,/, "CSV has names");
is(scalar(@lines), 4, "and the rows");
is($b->eval("[...document.querySelectorAll('footer a')].every((a) => " .
    "a.hasAttribute('download'))"), 1, "they are to be saved");
clear();

# The histogram, and a part of it.
shown("document.querySelectorAll('.chart rect.s2').length", "a histogram");
ok($b->eval("document.querySelector('.chart rect.$_') !== null"),
    "with $_ in it") for qw(s4 s5);
like($b->eval("document.querySelector('.chart svg').getAttribute(" .
    "'aria-label')"), qr/^$total requests/, "said in words");
my $box = $b->eval("(() => { const r = document.querySelector('.chart svg')" .
    ".getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; " .
    "})()");
# The place of a step, 0 is the newest; of these there is one more than minutes
# in an hour but at its beginning.
sub bar {
	my ($i) = @_;
	my $n = $b->eval("document.querySelectorAll('.chart title').length");
	return $box->[0] + $box->[2] * ($n - $i - 0.5) / $n;
}
sub drag_to {
	my ($from, $to) = map { bar($_) } @_;
	$b->drag($from, $box->[1] + 20, $to, $box->[1] + 20);
}
# The times of a filter, in steps of the chart before the newest.
sub range {
	my @t = (query()->{q} // "") =~
	    /^since:"?(\S+)Z"? until:"?(\S+)Z"?$/ or return ();
	return map { Time::Piece->strptime($_, "%Y-%m-%dT%H:%M:%S")->epoch }
	    @t;
}
is($b->eval("document.querySelector('.label .s5').innerText"),
    "\x{25a0} 5xx, none", "colours are said");
my @steps = @{$b->eval("[...document.querySelectorAll('.chart title')]" .
    ".map((e) => e.textContent)")};
my $sum = 0;
like($_, qr/^\d\d:\d\d \S \d\d:\d\d: \d+ requests?(?:, \d+ with.*)?$/,
    "and so is each step") for @steps[-2, -1];
$sum += (/: (\d+) request/)[0] for @steps;
is($sum, $total, "with its requests");
like(scalar(@steps), qr/^6[01]$/, "of an hour");
$b->drag($box->[0] + 500, $box->[1] + 20, $box->[0] + 502, $box->[1] + 20);
sleep 0.3;
is(query()->{q} // "", "", "a click chooses nothing");
drag_to(11, 0);
shown("document.querySelector('#q').value.startsWith('since:')",
    "dragging chooses a time");
my ($since, $until) = range();
is($until - $since, 12 * 60, "of its twelve steps");
cmp_ok(abs(time - $until), "<=", 61, "up to now");
ok(state("Live"), "which is a filter");
rows_are($total, "of the rows in it");
like($b->eval("document.querySelector('.chart .label').innerText"),
    qr/in the time chosen/, "and zooms");
$b->shot("zoomed");
# The button is the same one when the chart is drawn again: after a row that
# matches, so that this time is not over when a minute is.
my ($open) = query()->{q} =~ /^(\S+)/;
$b->type("#q", $open);
$b->keys("Enter", "Escape");
q_is($open, "without an end");
my $drawn = "performance.getEntriesByType('resource').filter((e) => " .
    "e.name.includes('/logs/stats')).length";
$b->js("window.it = document.querySelector('.label button'); it.focus()");
my $before = $b->eval($drawn);
traffic("/echo/later");
shown("$drawn > $before", "the chart is drawn again");
sleep 0.2;
ok($b->eval("document.activeElement === it && it.isConnected"),
    "and focus stays where it was");
$b->press("Show the last hour");
q_is("", "back");
ok($b->eval("document.activeElement === document.querySelector('.rows')"),
    "focus goes to the list");
row_with("/echo/later");

# A finger that the system takes away from the chart chooses nothing.
sub touch {
	my ($type, @at) = @_;
	$b->cdp("Input.dispatchTouchEvent", type => $type, touchPoints =>
	    [ map { { x => $_, y => $box->[1] + 20 } } @at ]);
}
$b->js("document.querySelector('.chart svg').addEventListener(" .
    "'pointercancel', () => window.cancelled = true)");
touch("touchStart", 400);
touch("touchMove", 500);
cmp_ok($b->eval("Number(document.querySelector('.mark').getAttribute(" .
    "'width'))"), ">", 1, "a part of the chart is marked");
touch("touchCancel");
shown("window.cancelled", "and taken away");
is($b->eval("Number(document.querySelector('.mark').getAttribute(" .
    "'width'))"), 0, "nothing is marked");
touch("touchStart", bar(20));
touch("touchMove", bar(19));
touch("touchEnd");
shown("document.querySelector('#q').value.startsWith('since:')",
    "another one chooses what it goes over");
($since, $until) = range();
is($until - $since, 120, "two steps");
$b->press("Show the last hour");
q_is("", "back");
shown("document.querySelectorAll('.chart title').length > 59", "and drawn");
drag_to(39, 49);
shown("document.querySelector('#q').value.startsWith('since:')",
    "from right to left");
($since, $until) = range();
is($until - $since, 11 * 60, "eleven steps");
cmp_ok(abs(time - $until - 39 * 60), "<=", 61, "of before");
rows_are(0, "in which nothing was");
$b->press("Show the last hour");
q_is("", "back");
# By keyboard.
shown("document.querySelectorAll('.chart title').length > 59", "and drawn");
$b->js("document.querySelector('.chart svg').focus()");
$b->keys("Left", "Left");
like($b->eval("document.querySelector('.chart svg').getAttribute(" .
    "'aria-valuetext')"), qr/^\d\d:\d\d \S \d\d:\d\d: \d+ request/,
    "an arrow chooses a step, which is said");
is($b->eval("document.querySelector('.mark').getAttribute('width')"), 1,
    "and shown");
$b->js("for (let i = 0; i < 4; i++) document.activeElement.dispatchEvent(" .
    "new KeyboardEvent('keydown', { key: 'ArrowLeft', shiftKey: true, " .
    "bubbles: true }))");
$b->keys("Enter");
shown("document.querySelector('#q').value.startsWith('since:')",
    "Enter looks at it");
($since, $until) = range();
is($until - $since, 5 * 60, "with Shift at more");
cmp_ok(abs(time - $until - 60), "<=", 61, "up to the one before");
$b->press("Show the last hour");
q_is("", "back");
# What comes while one drags does not change what is chosen; a count that was
# given up is said.
shown("document.querySelectorAll('.chart title').length > 59", "and drawn");
$b->js(<<'END');
	const ask = window.fetch;

	window.fetch = async (...a) => {
		const r = await ask(...a);
		if (!a[0].includes("/stats"))
			return r;
		const o = await r.json();
		o.from = "2020-01-01T00:00:00Z";
		o.partial = true;
		window.stats = (window.stats ?? 0) + 1;
		return new Response(JSON.stringify(o));
	};
	window.fetchOfOld = ask;
END
my @press = (x => bar(11), y => $box->[1] + 20,
    button => "left");
$b->cdp("Input.dispatchMouseEvent", type => "mousePressed", @press,
    clickCount => 1);
$b->cdp("Input.dispatchMouseEvent", type => "mouseMoved", @press,
    buttons => 1, x => bar(4));
traffic("/echo/meanwhile");
shown("window.stats > 0", "other counts come");
sleep 0.1;
$b->cdp("Input.dispatchMouseEvent", type => "mouseReleased", @press,
    clickCount => 1, x => bar(4));
shown("document.querySelector('#q').value.startsWith('since:')", "a drag");
($since, $until) = range();
cmp_ok(abs(time - $until - 4 * 60), "<=", 61, "is of what was seen");
shown("document.querySelector('.chart .label').innerText.includes(" .
    "'choose a shorter time')", "a chart that is not whole says so");
$b->js("window.fetch = window.fetchOfOld");
$b->press("Show the last hour");
q_is("", "back");
$total++;

# Keys.
my $list = "document.querySelector('.rows')";
sub selected { return ((grep { $_->{class} =~ /selected/ } rows())[0] //
    {})->{id} }
$b->keys("/");
is($b->eval("document.activeElement.id"), "q", "/ goes to the search box");
$b->keys("Escape", "Escape");
isnt($b->eval("document.activeElement.id"), "q", "Esc leaves it");
my @ids = ids();
$b->keys("j");
is(selected(), $ids[0], "j: the first");
sub has_focus { return $b->eval("document.activeElement.className") }
is(has_focus(), "rows", "in the list, which has the focus");
$b->keys("j", "j");
is(selected(), $ids[2], "j: and on");
$b->keys("k");
is(selected(), $ids[1], "k: back");
$b->keys("Down", "Up");
is(selected(), $ids[1], "arrows too");
ok($b->eval("document.querySelector('.detail').hidden"), "no details yet");
$b->keys("Enter");
ok(!$b->eval("document.querySelector('.detail').hidden"), "Enter: details");
$b->keys("j");
like($b->eval("document.querySelector('.detail').innerText"),
    qr/^Row\s+$ids[2]$/m, "j: of the next");
$b->keys("Escape");
ok($b->eval("document.querySelector('.detail').hidden"), "Esc: closed");
$b->keys("G");
shown("$list.scrollTop > 0 || $total < 25", "G: to the end");
is(selected(), (ids())[-1], "the oldest");
# What goes when it is pressed does not take the focus with it.
traffic("/echo/new");
$total++;
shown("!document.querySelector('.pill').hidden", "a new row");
ok(!$b->eval("[...document.querySelectorAll('.buttons button')].some(" .
    "(e) => e.ariaPressed)"), "the button says what it does, not both");
$b->js("document.querySelector('.pill').focus()");
$b->keys("Enter");
ok(state("Live"), "a pill that is pressed");
is(has_focus(), "rows", "leaves the focus to the list");
$b->press("Errors");
q_is("status_bucket:err", "errors");
$b->js("[...document.querySelectorAll('.chips button')].at(-1).focus()");
$b->keys("Enter");
q_is("", "Clear");
is(has_focus(), "rows", "leaves it to the list as well");
$b->type("#q", "host:nowhere");
$b->keys("Enter", "Escape", "Escape");
shown("document.querySelector('.left .state button')", "no row");
$b->js("(window.button = document.querySelector('.left .state button'))" .
    ".focus()");
$b->js("[...document.querySelectorAll('.buttons button')][0].click()");
$b->js("[...document.querySelectorAll('.buttons button')][0].click()");
ok($b->eval("document.querySelector('.left .state button') === window.button" .
    " && document.activeElement === window.button"),
    "a button stays the same, with the focus");
$b->keys("Enter");
q_is("", "Show all rows");
is(has_focus(), "rows", "leaves it to the list, too");
$b->keys("g");
ok(state("Live"), "g: the newest, live");
is($b->eval("$list.scrollTop"), 0, "at the top");
$b->keys("Space");
ok(state("Paused"), "Space: paused");
$b->keys("Space");
ok(state("Live"), "and on");
$b->keys("e");
q_is("status_bucket:err", "e");
$b->keys("e");
q_is("", "e again");
my %clock = (utc => qr/UTC/, relative => qr/How long ago/,
    local => qr/Local/);
for my $c (qw(utc relative local)) {
	$b->keys("t");
	like($b->eval("document.querySelector('.buttons').innerText"),
	    $clock{$c}, "t: $c");
	like((rows())[0]{time}, $c eq "relative" ? qr/ ago$/ :
	    qr/\d\d:\d\d:\d\d\.\d{3}$/, "times are $c");
}
# After midnight the rows of before have their day.
$b->js("const now = Date.now; Date.now = () => now() + 864e5; " .
    "window.today = () => { Date.now = now; }");
shown("/^\\d\\d-\\d\\d \\d\\d:/.test(document.querySelector(" .
    "'.space .c-time').innerText)", "the day is said when it is another");
ok($b->eval("[...document.querySelectorAll('.space .c-time')].every((c) =>"
    . " c.scrollWidth <= c.clientWidth)"), "and nothing of the time is cut");
$b->js("window.today()");
$b->keys("?");
ok($b->eval("document.querySelector('dialog').open"), "?: the keys");
my %said = map { $_ => 1 } @{$b->eval("[...document.querySelectorAll(" .
    "'dialog kbd')].map((e) => e.innerText)")};
ok($said{$_}, "$_ is explained")
    for qw(/ j k g G Enter Esc Space ?);
$b->shot("help");
$b->keys("Escape");
ok(!$b->eval("document.querySelector('dialog').open"), "Esc: closed");

# All of it by keyboard: Tab gets to each control that is seen.
$b->eval("document.activeElement.blur()");
my %reached;
for (1 .. 40) {
	$b->keys("Tab");
	my $e = $b->eval("(() => { const e = document.activeElement; return " .
	    "e === document.body ? '' : e.innerText?.trim() || e.id || " .
	    "e.getAttribute('class') || e.tagName; })()");
	last if $reached{$e}++ > 2;
}
my @controls = @{$b->eval("[...document.querySelectorAll('button, a[href], " .
    "input, select')].filter((e) => e.checkVisibility()).map((e) => " .
    "e.innerText.trim() || e.id || e.className || e.tagName)")};
is(join(", ", grep { !$reached{$_} } @controls), "",
    "Tab gets to all " . @controls . " controls");
clean("keys", qr{/logs\S* .* 400});

finish();
