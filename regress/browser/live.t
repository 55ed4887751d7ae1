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
# Rows as they come: from an empty vault and an empty filter result, paused in
# each way, and an honest word on how it stands when the daemon is away, comes
# back, or does not allow it any more.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Site;
use Test::More;
use Time::HiRes qw(sleep);

begin();
my $clerk = $d->api("POST", "/v1/agents", { name => "clerk",
    vaults => [ { vault_name => "default", vault_role => "member" } ] })->
    {av_agent_token};
browse();

sub paths { return map { $_->{host} =~ m{(/.*)} } grep { $_->{host} } rows() }
sub top_of {
	return $b->eval("document.querySelector('[data-id=\"$_[0]\"]')" .
	    "?.getBoundingClientRect().top");
}
sub pill {
	return $b->eval("(() => { const p = document.querySelector('.pill');" .
	    " return p.hidden ? '' : p.innerText; })()");
}
sub pills {
	my ($want) = @_;
	shown("document.querySelector('.pill').innerText.startsWith('$want')" .
	    " && !document.querySelector('.pill').hidden",
	    "\"$want\" is said") or diag pill();
}
sub go_on { $b->press("Go on"); state("Live") }
sub scroll { $b->eval("document.querySelector('.rows').scrollTop = $_[0]") }
# A filter, and its result, which has so many rows.
sub filter {
	my ($q, $n) = @_;
	$b->type("#q", $q) if $q ne "";
	$b->press("Clear") if $q eq "";
	$b->keys("Enter", "Escape") if $q ne "";
	state("Live");
}

# Nothing yet.
sign_in();
like($b->eval("document.body.innerText"), qr/No requests yet\..*brokerctl run/s,
    "an empty vault says what to do");
traffic("/echo/first");
row_with("/echo/first");
is_deeply([ paths() ], [ "/echo/first" ], "the first row comes by itself");
ok(!$b->eval("document.querySelector('.left .state').checkVisibility()"),
    "in place of what was said");

# A filter that nothing matches, and then something does.
filter("path:/echo/match*");
like($b->eval("document.body.innerText"), qr/No row matches.*Show all rows/s,
    "no match says what to do");
$b->shot("no-match");
traffic("/echo/other", "/echo/match1", "/echo/other2", "/echo/match2");
row_with("/echo/match2");
is_deeply([ paths() ], [ "/echo/match2", "/echo/match1" ],
    "what matches comes");
filter("");
shown("document.querySelectorAll('.space .row').length === 5",
    "without it all are there");

# Pause: by a key, by the button, by scrolling.
traffic(map { "/echo/many$_" } 1 .. 60);
row_with("/echo/many60");
for (["key", sub { $b->keys("Space") }, sub { $b->keys("Space") }],
    ["button", sub { $b->press("Pause") }, \&go_on],
    ["scroll", sub { scroll(200) }, sub { $b->click(".pill") }]) {
	my ($how, $stop, $go) = @$_;
	$stop->();
	ok(state("Paused"), "$how: paused");
	is(query()->{paused}, 1, "$how: in the address");
	my @before = map { "$_->{id} $_->{text}" } rows();
	my ($id) = (ids())[12];
	my $y = top_of($id);
	traffic(map { "/echo/$how$_" } 1 .. 7);
	pills("7 new rows");
	is_deeply([ map { "$_->{id} $_->{text}" } rows() ], \@before,
	    "$how: nothing changes");
	is(top_of($id), $y, "$how: what is read does not move");
	$b->shot("paused-$how");
	$go->();
	ok(state("Live"), "$how: and on");
	row_with("/echo/${how}7");
	my @now = paths();
	is_deeply([ @now[0 .. 6] ], [ map { "/echo/$how$_" } reverse 1 .. 7 ],
	    "$how: with all of them, in order");
	is($b->eval("document.querySelector('.rows').scrollTop"), 0,
	    "$how: at the top");
	ok(!query()->{paused}, "$how: not in the address");
}

# Scrolled back to the top with nothing new, it goes on by itself; paused by
# hand it does not.
scroll(300);
state("Paused");
scroll(0);
ok(state("Live"), "back at the top it is live");
$b->keys("Space");
state("Paused");
scroll(300);
sleep 0.2;
scroll(0);
sleep 0.2;
is(badge(), "Paused", "but not when somebody paused it");
go_on();
# Selecting by key holds still as well.
$b->keys("j", "j");
ok(state("Paused"), "going through rows pauses");
my ($selected) = grep { $_->{class} =~ /selected/ } rows();
is($selected->{id}, (ids())[1], "at the second");
my $y = top_of($selected->{id});
traffic("/echo/while");
pills("1 new row");
is(top_of($selected->{id}), $y, "which does not move");
is(query()->{row}, $selected->{id}, "its address");
$b->keys("g");
ok(state("Live"), "g is the newest, live");
clean("live");

# Who holds a key down writes the address some times, and at last rightly.
sleep 0.5;
my ($writes, $held) = @{$b->js(<<'END')};
	const was = history.replaceState;
	let n = 0;

	history.replaceState = function (...a) {
		n++;
		return was.apply(this, a);
	};
	for (let i = 0; i < 250; i++)
		document.body.dispatchEvent(new KeyboardEvent("keydown", {
		    key: i % 2 ? "k" : "j", bubbles: true }));
	document.body.dispatchEvent(new KeyboardEvent("keydown", {
	    key: "j", bubbles: true }));
	return new Promise((f) => setTimeout(() => {
		history.replaceState = was;
		f([n, document.querySelector(".row.selected").dataset.id]);
	}, 600));
END
cmp_ok($writes, "<", 30, "250 steps write the address $writes times");
is(query()->{row}, $held, "and the last one is in it");
$b->keys("Escape", "g");
state("Live");

# Rows come between the press of a button and its release: it is the row that
# was pressed that is opened.
my ($pressed) = (ids())[2];
my ($px, $py) = @{$b->eval("(() => { const r = document.querySelector(" .
    "'[data-id=\"$pressed\"]').getBoundingClientRect(); " .
    "return [r.left + 400, r.top + 9]; })()")};
$b->cdp("Input.dispatchMouseEvent", type => "mousePressed", x => $px,
    y => $py, button => "left", clickCount => 1);
traffic(map { "/echo/press$_" } 1 .. 3);
row_with("/echo/press3");
$b->cdp("Input.dispatchMouseEvent", type => "mouseReleased", x => $px,
    y => $py, button => "left", clickCount => 1);
shown("!document.querySelector('.detail').hidden", "a click opens details");
is(query()->{row}, $pressed, "of the row that it began on");
$b->keys("Escape");
go_on() if badge() eq "Paused";

# A tab that is not looked at gives its connection back, and goes on from there.
sub streams {
	my ($p) = grep { $_->{name} eq "api-tcp" }
	    @{$d->api("GET", "/v1/brokerd/status")->{processes}};
	return $p->{counters}{streams};
}
$b->js(<<'END');
	const later = window.setTimeout;
	window.setTimeout = (f, ms, ...a) => later(f, ms === 30000 ? 300 : ms,
	    ...a);
	window.hide = (yes) => {
		Object.defineProperty(document, "hidden", { value: yes,
		    configurable: true });
		document.dispatchEvent(new Event("visibilitychange"));
	};
	window.hide(true);
	window.hide(false);
END
sleep 0.5;
is(streams(), 1, "a tab that was hidden for a moment is connected");
$b->js("window.hide(true)");
ok(eval { Driver::until_true(sub { streams() == 0 }, "no stream", 10) },
    "one that is hidden is not");
traffic("/echo/unseen1", "/echo/unseen2");
$d->row("/echo/unseen2");
$b->js("window.hide(false)");
ok(state("Live"), "when it is looked at it is live");
row_with("/echo/unseen2");
is(join(" ", (paths())[0, 1]), "/echo/unseen2 /echo/unseen1",
    "with what came meanwhile");

# The daemon goes, and comes again.
traffic("/echo/before");
row_with("/echo/before");
is($d->stop, 0, "the daemon is stopped");
ok(state("Disconnected"), "which is said");
$b->shot("disconnected");
cmp_ok(scalar(rows()), ">", 20, "the rows stay");
ok($d->again, "it starts again") or diag $d->log;
traffic("/echo/again1", "/echo/again2");
ok(state("Live"), "it is live by itself");
row_with("/echo/again2");
my @p = paths();
is_deeply([ @p[0 .. 2] ], [ map { "/echo/$_" } qw(again2 again1 before) ],
    "without a hole");
my %twice;
is(scalar(grep { $twice{$_}++ } ids()), 0, "and none twice");
clean("a restart", qr{/v1/.* (?:net::ERR_|50\d )});

# The api alone.
my ($api) = grep { $_->{name} eq "api-tcp" }
    @{$d->api("GET", "/v1/brokerd/status")->{processes}};
kill "KILL", $api->{pid};
traffic("/echo/killed");
row_with("/echo/killed", 30);
ok(state("Live"), "live when only its own process had died");
@p = paths();
is($p[1], "/echo/again2", "without a hole");
$b->console;

# It says nothing any more, and its connections stay: so it may be with a
# tunnel that has lost its other end.
$b->js(<<'END');
	const later = window.setTimeout, late = AbortSignal.timeout;
	window.setTimeout = (f, ms, ...a) => later(f, ms === 45000 ? 2000 : ms,
	    ...a);
	AbortSignal.timeout = (ms) => late.call(AbortSignal, ms / 20);
	window.patient = () => {
		window.setTimeout = later;
		AbortSignal.timeout = late;
	};
END
traffic("/echo/silent");
row_with("/echo/silent");
($api) = grep { $_->{name} eq "api-tcp" }
    @{$d->api("GET", "/v1/brokerd/status")->{processes}};
kill "STOP", $api->{pid};
ok(state("Disconnected"), "a daemon that says nothing is not live");
$b->js("window.patient()");
sleep 2;
traffic("/echo/spoken");
kill "CONT", $api->{pid};
row_with("/echo/spoken", 30);
ok(state("Live"), "nor is it waited for without an end");
@p = paths();
is($p[1], "/echo/silent", "and there is no hole");
$b->console;

# It is not live before it has what it missed; here nothing says that it has.
$b->cdp("Page.addScriptToEvaluateOnNewDocument", source => <<'END');
	if (location.hash.includes("open=") && !window.EventSourceOfOld) {
		const Old = window.EventSourceOfOld = window.EventSource;
		window.EventSource = class extends Old {
			addEventListener(name, ...a) {
				if (name === "live")
					this.isLive = a[0];
				else
					super.addEventListener(name, ...a);
			}
			constructor(...a) {
				super(...a);
				window.source = this;
			}
		};
	}
END
$b->go(link_to());
shown("window.source?.readyState === 1", "a stream begins");
traffic("/echo/missed");
row_with("/echo/missed");
is(badge(), "Catching up", "it catches up, whatever has come");
$b->js("window.source.isLive(); window.EventSource = EventSourceOfOld");
ok(state("Live"), "until it is told that this is all");

# The right goes.
$b->press("Sign out");
$b->type("#token", $clerk);
$b->keys("Enter");
state("Live");
traffic("/echo/mine");
row_with("/echo/mine");
$d->api("DELETE", "/v1/vaults/default/agents/clerk");
ok(state("Not allowed"), "a right that goes is said");
$b->shot("not-allowed");
shown("!document.querySelector('.row.open')", "nothing is in flight then");
traffic("/echo/hidden");
$d->row("/echo/hidden");
ok(!(grep { $_ eq "/echo/hidden" } paths()), "and nothing more is shown");
$b->reload;
shown("document.body.innerText.includes('no log that you may read')",
    "nor after a reload");
clean("no right", qr{/v1/.* (?:net::ERR_|403 )});

finish();
