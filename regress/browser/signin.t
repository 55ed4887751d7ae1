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
# Who looks at the page: signed in by a link or by a token, and signed out; the
# vault and the instance log; and what is looked at is in the address.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Site;
use Test::More;

begin();
traffic(map { "/echo/$_" } 1 .. 3);
my $base = "http://127.0.0.1:$d->{api}";
my $clerk = $d->api("POST", "/v1/agents", { name => "clerk",
    vaults => [ { vault_name => "default", vault_role => "member" } ] })->
    {av_agent_token};
my $none = $d->api("POST", "/v1/agents", { name => "nobody",
    role => "no-access" })->{av_agent_token};
$d->api("POST", "/v1/vaults", { name => "other" });
$d->api("POST", "/v1/vaults/other/agents", { name => "clerk",
    role => "member" });
browse();
# What outlives an element: those that watch sizes.
$b->cdp("Page.addScriptToEvaluateOnNewDocument", source => <<'END');
	const Real = ResizeObserver;
	window.watched = 0;
	window.ResizeObserver = class extends Real {
		observe(e) { watched++; super.observe(e); }
		disconnect() { watched--; super.disconnect(); }
	};
END

sub text { return $b->eval("document.body.innerText") }
sub signed_out { shown("document.querySelector('.signin')", $_[0]) }
sub notice { return $b->eval("document.querySelector('.notice')?.innerText") }
sub vaults {
	return @{$b->eval("[...document.querySelectorAll('header option')]" .
	    ".map((o) => o.innerText)")};
}
sub vault { return $b->eval("document.querySelector('header select').value") }
sub choose {
	my ($name) = @_;
	$b->click("header option[value='$name']");
	state("Live");
}
sub cookies { return $b->eval("document.cookie") }

my $unknown = qr{/v1/auth/(?:me|exchange) .* 401};

# Nobody yet.
$b->go($base);
signed_out("who is not known is asked to sign in");
like(text(), qr/brokerctl open/, "by a link");
ok(!defined notice(), "and nothing is wrong");
is($b->eval("document.activeElement.id"), "token", "a token can be pasted");
$b->shot("signin");
$b->type("#token", "av_agt_" . "0" x 64);
$b->keys("Enter");
shown("document.querySelector('.error').innerText", "a bad one");
like(text(), qr/token is not good/, "is refused in words");
$b->shot("signin-bad");
clean("signing in", $unknown);

# By a link.
my $link = link_to();
my $long = $b->eval("history.length");
$b->go($link);
ok(state("Live"), "a link signs in");
is(scalar(rows()), 3, "and shows the rows");
unlike($b->url, qr/open/, "the token is not in the address");
is($b->eval("history.length"), $long + 1, "nor behind it, in the history");
is(cookies(), "", "no script sees the cookie");
is(query()->{vault}, "default", "the vault is in the address");
like($b->eval("document.title"), qr/^default/, "and in the title");
is_deeply([ vaults() ], [ "default", "other", "Instance log, all vaults" ],
    "local chooses among all, and the instance log");
clean("a link");

# The vault chooser, and the instance log.
choose("other");
is(query()->{vault}, "other", "another vault");
like(text(), qr/No requests yet/, "has nothing yet, which it says");
$b->shot("empty");
choose("*");
row_with("vault.create");
my ($audit) = grep { $_->{text} =~ /vault\.create/ } rows();
like($audit->{text}, qr/^\S+\n(?:audit|change)/, "the instance log has audit");
my ($of) = grep { $_->{text} =~ m{/echo/1} } rows();
is($of->{service}, "default: api", "and what all vaults have, with its vault");
$b->shot("instance");
$b->reload;
ok(state("Live"), "a reload");
is(vault(), "*", "is the same view");
$b->back;
shown("document.querySelector('header select')?.value === 'other'",
    "back is the vault before");
$b->back;
shown("document.querySelector('header select')?.value === 'default'",
    "and the one before that");
$b->forward;
shown("document.querySelector('header select')?.value === 'other'",
    "and forward");

# A filter, a row and a pause are in the address, and survive.
choose("default");
$b->type("#q", "path:/echo/2");
$b->keys("Enter");
shown("document.querySelectorAll('.space .row').length === 1", "a filter");
is(query()->{q}, "path:/echo/2", "in the address");
$b->click(".space .row");
shown("!document.querySelector('.detail').hidden", "a row");
my ($row) = rows();
is(query()->{row}, $row->{id}, "in the address");
$b->press("Pause");
ok(state("Paused"), "a pause");
is(query()->{paused}, 1, "in the address");
my $address = $b->url;
$b->reload;
ok(state("Paused"), "a reload is paused");
is(scalar(rows()), 1, "and filtered");
is($b->eval("document.querySelector('#q').value"), "path:/echo/2",
    "by the same");
shown("document.querySelector('.detail dl')?.innerText.includes('/echo/2')",
    "with the row open");
is($b->url, $address, "and the same address");
$b->back;
shown("document.querySelector('.detail')?.hidden", "back: no row");
is(query()->{q}, "path:/echo/2", "but the filter");
is(query()->{paused}, 1, "and the pause");
$b->forward;
shown("document.querySelector('.detail dl')?.innerText.includes('/echo/2')",
    "forward: the row");
$b->keys("Escape");
shown("document.querySelector('.detail').hidden && " .
    "!location.search.includes('row=')", "closed");
$b->back;
shown("document.querySelector('#q')?.value === ''", "back: no filter");
# However many rows one goes through, they are one step.
$b->press("Go on") if badge() eq "Paused";
row_with("/echo/1");
my $steps = $b->eval("history.length");
my $list = query();
for (1 .. 3) {
	$b->click(".space .row");
	$b->keys("j", "j", "k", "Escape");
	shown("!location.search.includes('row=')", "closed by Esc");
}
$b->click(".space .row");
$b->keys("j");
shown("document.querySelector('.detail dl')?.innerText.includes('/echo/2')",
    "another row");
cmp_ok($b->eval("history.length"), "<=", $steps + 1, "one step more");
$b->back;
shown("document.querySelector('.detail').hidden", "which is one back");
is(query()->{q}, $list->{q}, "to the same list");
is(scalar(rows()), 3, "with its rows");
# A link that has a row was not opened from a list.
my ($link_row) = rows();
$b->go("$base/?vault=default&row=$link_row->{id}");
shown("document.querySelector('.detail dl')", "a link to a row");
$b->keys("Escape");
shown("document.querySelector('.detail').hidden", "closed");
is(query()->{row}, undef, "stays on the page");
$b->press("Go on") if badge() eq "Paused";
clean("the address");

# The help is of what is shown: it does not stay when that is another.
choose("other");
$b->js("document.activeElement.blur()");
$b->keys("?");
shown("document.querySelector('dialog').open", "help");
$b->js("history.back()");
shown("document.querySelector('header select').value === 'default'", "back");
ok(!$b->eval("document.querySelector('dialog').open"), "it is closed");
state("Live");
$b->js("document.activeElement.blur()");
$b->keys("?");
shown("document.querySelector('dialog').open", "and is there again");
$b->keys("Escape");
# The tab leads to the list, as it is without a filter.
$b->go("$base/?vault=default&q=path:/echo/3");
state("Live");
$b->press("Clear");
state("Live");
$b->press("Logs");
shown("document.querySelector('#q')?.value === '' && " .
    "document.querySelectorAll('.space .row').length === 3",
    "the tab is a link to the list");
is($b->url, "$base/?vault=default", "of this vault");
clean("the frame");

# A link to a row is good, too, where the newest page has none that matches.
$b->cdp("Page.addScriptToEvaluateOnNewDocument", source => <<'END');
	const ask = window.fetch, sparse = location.hash === "#sparse";

	window.fetch = async (...a) => {
		const r = await ask(...a);
		if (!sparse ||
		    !/\/logs\?/.test(a[0]) || /before|after/.test(a[0]))
			return r;
		const o = await r.json();
		return new Response(JSON.stringify({ ...o, logs: [],
		    next_cursor: o.latest_id + 1 }));
	};
END
$b->go("$base/?vault=default&row=$row->{id}#sparse");
ok(state("Paused"), "a link to a row of a sparse result");
shown("document.querySelector('.detail dl')?.innerText.includes('/echo/2')",
    "shows it");
is(query()->{row}, $row->{id}, "and stays in the address");
$b->press("Go on");
state("Live");

# A link is good once.
$b->press("Sign out");
signed_out("signing out");
is(notice(), "You are signed out.", "is said");
is($b->url, "$base/", "the address is bare");
is_deeply($b->eval("[onbeforeprint, onafterprint, onpopstate, watched]"),
    [ undef, undef, undef, 0 ], "nothing of the view is left");
clean("signing out");
$b->reload;
signed_out("and it is for good");
$b->go($link);
signed_out("a link that was used");
like(notice(), qr/has been used.*brokerctl open/, "says so, and what to do");
$b->shot("signin-used");
clean("a used link", $unknown);

# A pasted token; what it may not is not offered.
$b->type("#token", " $clerk ");
$b->click(".signin button");
ok(state("Live"), "a token signs in");
is_deeply([ vaults() ], [ "default", "other" ], "to its vaults");
like(text(), qr/clerk/, "by its name");
$b->go("$base/?vault=%2a");
ok(state("Live"), "the instance log");
is(vault(), "default", "is not its to see");

# Its session ends while it looks.
my $in = $d->api("POST", "/v1/agents/clerk/rotate", {});
signed_out("a session that is ended");
is(notice(), "Your session is over.", "is said");
$b->shot("signin-over");
$b->go($base);
signed_out("for good");

# By a link, revoked.
sign_in();
my ($session) = @{$d->api("GET", "/v1/auth/sessions")->{sessions}};
$d->api("DELETE", "/v1/auth/sessions/$session->{id}");
signed_out("one that is revoked");
is(notice(), "Your session is over.", "is said too");
is(scalar(rows()), 0, "and no row is left");

# One whose time is over while it looks.
sign_in();
$d->stop;
system("sqlite3", "$d->{state}/db/brokerd.db", "UPDATE logins SET " .
    "expires_at = " . (time + 6)) == 0 or die "sqlite3: $?";
ok($d->again, "the daemon starts again");
ok(state("Live"), "it is live again");
signed_out("its time is over");
is(notice(), "Your session is over.", "which is said");

# A token that may nothing.
$b->type("#token", $none);
$b->keys("Enter");
shown("document.body.innerText.includes('no log that you may read')",
    "one with no right is told so");
ok(!$b->eval("document.querySelector('header select')"),
    "and cannot choose among none");
$b->shot("no-right");
clean("sessions", qr{ 401 |/v1/.* (?:net::ERR_|50\d )});

finish();
