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
# A database that somebody else has written to: what would be markup in any text
# of it is text on the page.  The API takes no such names, so they are written
# behind its back; logd and keyd read them as they are.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use JSON;
use Site;
use Test::More;

begin();
$d->api("POST", "/v1/vaults", { name => "other" });
traffic("/echo/one", "/status/404");
eval { $d->tunnel($where, token => "av_agt_" . "0" x 64 . ":default") };
$d->row("/status/404");
Frame::until(sub { grep { $_->{kind} eq "event" }
    @{$d->api("GET", "/v1/admin/logs")->{logs}} }, 10);
is($d->stop, 0, "the daemon is stopped");

# Out of an attribute, and an element that would run; short, for where that is
# not taken logd ends.
sub x {
	return '"><svg onload=__xss=1>' if $_[0] =~ /^(?:session|method)$/;
	return "$_[0]\"><img src=x onerror=__xss=1>";
}
sub quoted { return "'" . $_[0] =~ s/'/''/gr . "'" }
my @sql = ((map {
	my ($table, $column, $where) = @$_;
	"UPDATE $table SET $column = " . quoted(x($column)) . " WHERE $where";
} [ "agents", "name", "name = 'bot'" ], [ "vaults", "name", "name = 'other'" ],
    [ "services", "name", "name = 'api'" ], [ "scopes", "actor", "vault <> 0" ],
    [ "scopes", "actor_name", "vault <> 0" ],
    [ "scopes", "session", "vault <> 0" ], [ "targets", "host", "1" ],
    [ "targets", "method", "1" ], [ "targets", "service", "1" ],
    [ "targets", "keys", "1" ], [ "targets", "auth_header", "1" ],
    [ "log", "path", "path LIKE '/%' OR path = 'vault.create'" ]),
    "UPDATE targets SET auth_scheme = 1",
    "UPDATE log SET detail = " . quoted(encode_json({ x("key") => x("value"),
    why => x("why") })) . " WHERE detail <> ''",
    "UPDATE log SET detail = " . quoted(x("raw")) . " WHERE id = " .
    "(SELECT max(id) FROM log WHERE flags & 15 = 2)");
open(my $f, "|-", "sqlite3", "-bail", "$d->{state}/db/brokerd.db") or
    die "sqlite3: $!";
print $f "$_;\n" for @sql;
ok(close $f, "its database is written to");
ok($d->again, "it starts again") or diag $d->log;

my ($bad, $svg) = ("\"><img src=x onerror=__xss=1>", x("method"));
browse();

sub detail { return $b->eval("document.querySelector('.detail').innerText") }
# Nothing of it is an element or an attribute, and nothing has run.
sub text_only {
	my ($what) = @_;
	my $r = $b->js(<<'END');
		const all = [...document.querySelectorAll("*")];
		return { elements: all.filter((e) => e.matches(
		    "img[src=x], script:not([src]), svg:not(.chart svg), " +
		    "iframe, object, embed")).map((e) => e.outerHTML),
		    attributes: all.flatMap((e) => [...e.attributes])
		    .filter((a) => /^on|^srcdoc$|^style$/.test(a.name) &&
		    /xss/.test(a.value) || /^javascript:/.test(a.value))
		    .map((a) => a.name), ran: window.__xss ?? null };
END
	is_deeply($r, { elements => [], attributes => [], ran => undef },
	    "$what: all of it is text");
}
# It is where it belongs, letter for letter.
sub has {
	my ($text, $want, $what) = @_;
	ok(index($text, $want) != -1, "$what: $want") or diag $text;
}

# The rows that were there: nothing on the way to the page cleans them.
sign_in();
my $row = row_with("404");
has($row->{method}, $svg, "a row's method");
has($row->{host}, x("host") . ":", "its host");
has($row->{host}, x("path"), "its path");
has($row->{service}, x("service"), "its service");
has($row->{keys}, x("keys"), "its credential");
has($row->{actor}, x("actor_name"), "its actor");
text_only("the list");
is($b->eval("document.querySelector('[data-id=\"$row->{id}\"] .c-service')" .
    ".title.split('\\n')[0]"), x("service"), "what one hovers over as well");
$b->click("[data-id='$row->{id}']");
shown("document.querySelector('.detail dl')", "details");
has(detail(), x($_), "details: $_") for qw(method host path service keys
    actor_name actor session auth_header);
text_only("details");
$b->shot("details");
$b->cdp("Browser.grantPermissions", permissions => [
    "clipboardReadWrite", "clipboardSanitizedWrite" ]);
$b->press("Copy as JSON");
shown("document.querySelector('.detail .hint').innerText.includes('copied')",
    "copied");
is(decode_json($b->js("return navigator.clipboard.readText()"))->
    {matched_service}, x("service"), "as JSON");
text_only("what was copied");
$b->keys("Escape");

# Names that keyd has as well, on a row that comes while one looks.
$b->press("Go on") if badge() eq "Paused";
traffic("/echo/live");
$row = row_with("/echo/live");
has($row->{service}, x("name"), "live: the service");
has($row->{actor}, x("name"), "live: the agent");
text_only("live");

# Suggestions, the filter that one of them makes, and its chip.
for my $key ("service", "actor", "host", "method") {
	my $want = $key eq "method" ? $svg : $key eq "actor" ?
	    x("actor_name") : x($key);
	$b->type("#q", "$key:");
	shown("[...document.querySelectorAll('.found li')].some((e) => " .
	    "e.textContent.includes(" . JSON->new->allow_nonref->encode($want) .
	    "))", "suggestions: $key") or diag $b->eval(
	    "document.querySelector('.found').innerText");
	text_only("suggestions of $key");
	$b->shot("suggestions") if $key eq "service";
	$b->js("[...document.querySelectorAll('.found li')].find((e) => " .
	    "e.textContent.includes(arguments[0])).dispatchEvent(" .
	    "new MouseEvent('mousedown', { bubbles: true, cancelable: true }))",
	    $want);
	shown("document.querySelectorAll('.space .row').length === 2",
	    "$key: finds its two rows");
	ok(state("Live"), "$key: is a filter");
	has($b->eval("document.querySelector('#q').value"), $want =~
	    s/"/\\"/gr, "$key: in the box");
	text_only("a filter by $key");
	$b->reload;
	ok(state("Live"), "$key: and in the address");
	text_only("an address with $key");
	$b->press("Clear");
}
$b->type("#q", "status:$bad");
$b->keys("Enter");
shown("!document.querySelector('.wrong').hidden", "an error");
text_only("an error that names it");
$b->keys("Escape", "Escape");
$b->press("Clear");
shown("document.querySelector('.chart svg').getAttribute('aria-label')" .
    ".includes('requests')", "the chart");
text_only("the chart");

# Another vault's name: in the chooser, the title and the address.
$b->js("const s = document.querySelector('header select'); s.value = " .
    "arguments[0]; s.dispatchEvent(new Event('change'))", x("name"));
shown("document.title.startsWith('name\">')", "the title");
is($b->eval("document.querySelector('header select').value"), x("name"),
    "the chooser");
like($b->eval("document.body.innerText"), qr/No requests yet/, "its log");
text_only("a vault");

# Events and changes: what they are about, whatever form that has.
sign_in("vault=*");
$row = row_with(x("raw"));
has($row->{text}, "Authentication failed", "an event");
$b->click("[data-id='$row->{id}']");
shown("document.querySelector('.detail pre')", "its details");
has(detail(), x("raw") =~ s/"/\\"/r, "details");
text_only("an event");
$b->js("[...document.querySelectorAll('.space .row')].find((r) => " .
    "r.querySelector('.c-note')?.innerText.includes(arguments[0])).click()",
    x("path"));
shown("document.querySelector('.detail pre')?.innerText.includes('value')",
    "a change");
has(detail(), x($_) =~ s/"/\\"/r, "details: $_") for qw(key value why);
has(detail(), x("path"), "details: what was done");
text_only("a change");
$b->shot("changes");
clean("hostile texts", qr{/logs\S* .* 400});

finish();
