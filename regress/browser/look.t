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
# How the page looks to whoever looks: in light and dark, from 360 pixels to
# 3840, on paper, without motion, by a screen reader; and how much of it is
# transferred.

use strict;
use utf8;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use HTTP::Tiny;
use MIME::Base64 qw(decode_base64);
use Site;
use Test::More;
use Time::HiRes qw(sleep);

begin();
browse();
traffic(map { ("/v1/things/$_", "/status/404") } 1 .. 60);
traffic("/status/500", "/" . "a-long-path-that-does-not-fit/" x 20);
eval { traffic("/drop") };
row_with_all();
my $total = scalar($d->rows);

sub row_with_all {
	$d->row("/drop");
	sign_in();
	row_with("/drop");
}
sub style {
	my ($css, $name) = @_;
	return $b->eval("getComputedStyle(document.querySelector('$css'))" .
	    ".$name");
}
# 0 to 1, as it is seen
sub light {
	my ($rgb) = @_;
	my @c = map { $_ / 255 } $rgb =~ /([\d.]+)/g;
	my @l = map { $_ <= 0.03928 ? $_ / 12.92 :
	    (($_ + 0.055) / 1.055) ** 2.4 } @c[0 .. 2];
	return 0.2126 * $l[0] + 0.7152 * $l[1] + 0.0722 * $l[2];
}
sub contrast {
	my ($x, $y) = sort { $b <=> $a } map { light($_) } @_;
	return ($x + 0.05) / ($y + 0.05);
}

# What is transferred, each file once.
my $http = HTTP::Tiny->new;
my $base = "http://127.0.0.1:$d->{api}";
my ($bytes, %file) = (0);
my @todo = ("/");
while (defined(my $path = shift @todo)) {
	next if $file{$path}++;
	my $r = $http->get("$base$path");
	is($r->{status}, 200, "$path is served");
	$bytes += length $r->{content};
	push @todo, grep { m{^/page/} }
	    $r->{content} =~ /(?:href|src)="([^"]+)"/g;
	push @todo, map { "/page/$_" }
	    $r->{content} =~ /\bfrom\s*"\.\/([\w.]+)"/g;
	my $csp = $r->{headers}{"content-security-policy"} // "";
	like($csp, qr/default-src 'none'/, "$path: a strict policy");
	unlike($csp, qr/unsafe-|\*|https?:/, "$path: without exceptions");
	is($r->{headers}{"x-content-type-options"}, "nosniff",
	    "$path: is what it says");
}
cmp_ok($bytes, "<=", 60_000, "all of it is $bytes bytes, in " .
    keys(%file) . " files");
cmp_ok(scalar(keys %file), ">=", 14, "which are all");

# What is served has lost blanks, and means what it meant.
my $script = <<'END';
// A comment with "a quote
const re = [/[/"] {2}/g, /\/\/ x/], n = 8 / 4 / 2, deep = `a  ${ [ 1,
    2 ].map((x) => `<${x + +"1"} ${ { y: "}  // no" }.y }>`).join(" , ") }  b`;

let i = 1;
let j = 2, k = [ 3 ];
let l;
[i, j] = [j, i];
const m = (() => { let x = 1; x++; const y = x; const z = 4; return y + z; })();
const w = `${ (() => { const a = 1; const b = 2; return a + b; })() }`;
i++;
i /= 2;	// and another
function f(x)
{
	if (x)
		return "x  // y" + ' "  \' ' + "and \"" +
		    "more" + x;
	else
		return typeof x;
}
const o = {
	f,
};
return JSON.stringify([String(re), i, j, k, l, m, w, n, deep, i - -1, f(1),
    o.f(0),
    '/  "'.replace(re[0], "-")]);
END
open(my $to, ">", "$d->{dir}/script.js") or die $!;
print $to $script;
close $to;
my $awk = ($ENV{TOP} || ".") . "/page/shrink.awk";
my $small = qx(awk -f $awk $d->{dir}/script.js);
is($b->js($small), $b->js($script), "a script is the same without blanks");
cmp_ok(length($small), "<", 0.85 * length($script), "and smaller");
unlike($small, qr/comment|another/, "without comments");
my %asked = map { s{^\Q$base\E}{}r =~ s/\?.*//r => 1 } map { $_->{url} }
    $b->requests;
is(join(" ", grep { m{^/page/} && !$file{$_} } keys %asked), "",
    "and no other was asked for");

# 30 rows on a laptop.
my $room = $b->eval("(() => { const v = document.querySelector('.rows'), h = " .
    "document.querySelector('.head'); return Math.floor((v.clientHeight - " .
    "h.offsetHeight) / document.querySelector('.space .row').offsetHeight);" .
    " })()");
cmp_ok($room, ">=", 30, "$room rows fit on 1366 by 768");

# Sizes, each in light and dark.
for my $scheme (qw(light dark)) {
	$b->media("", "prefers-color-scheme" => $scheme);
	my $bg = style("body", "backgroundColor");
	ok($scheme eq "light" ? light($bg) > 0.7 : light($bg) < 0.1,
	    "$scheme is $scheme");
	for my $css (".c-host", ".s2 .c-status", ".s4 .c-status",
	    ".s5 .c-status", ".head", ".keep", ".badge", ".who") {
		my $c = contrast(style($css, "color"), $bg);
		cmp_ok($c, ">=", 4.5, sprintf "$scheme: %s can be read: %.1f",
		    $css, $c);
	}
	for ([ 360, 740 ], [ 768, 1024 ], [ 1366, 768 ], [ 3840, 2160 ]) {
		my ($w, $h) = @$_;
		$b->size($w, $h);
		sleep 0.2;
		is($b->eval("innerWidth"), $w, "$scheme, $w pixels");
		is($b->eval("document.documentElement.scrollWidth"), $w,
		    "$w: the page is not wider");
		is($b->eval("document.querySelector('.rows').scrollWidth - " .
		    "document.querySelector('.rows').clientWidth"), 0,
		    "$w: nor is the list");
		ok($b->eval("document.querySelectorAll('.space .row').length")
		    > 3, "$w: there are rows");
		my @out = @{$b->eval("[...document.querySelectorAll('button, " .
		    "input, select, a, .badge, .keep')].filter((e) => { " .
		    "const r = e.getBoundingClientRect(); return " .
		    "e.checkVisibility() && (r.right > innerWidth + 0.5 || " .
		    "r.left < -0.5 || r.bottom > innerHeight + 0.5); })" .
		    ".map((e) => e.innerText || e.id || e.className)")};
		is("@out", "", "$w: each control is on the screen");
		$b->shot("$scheme-$w");
	}
	$b->size(360, 740);
	$b->click(".space .row");
	shown("!document.querySelector('.detail').hidden", "360: details");
	is($b->eval("document.documentElement.scrollWidth"), 360,
	    "360: not wider with details");
	$b->shot("$scheme-360-detail");
	$b->keys("Escape");
	$b->size(1366, 768);
	$b->click(".space .row");
	shown("document.querySelector('.detail dl')", "details");
	my $c = contrast(style(".detail dt", "color"),
	    style(".detail", "backgroundColor"));
	cmp_ok($c, ">=", 4.5, sprintf "$scheme: details can be read: %.1f", $c);
	$b->shot("$scheme-detail");
	$b->keys("Escape");
}
# With details the list is narrow where the window is not: rows of two lines
# are as high as that, and what was on top stays there.
$b->size(1366, 768);
$b->eval("document.querySelector('.rows').scrollTop = 400");
my $above = <<'END';
	(() => {
		const head = document.querySelector(".head")
		    .getBoundingClientRect().bottom;
		return [...document.querySelectorAll(".space .row")].find(
		    (r) => r.getBoundingClientRect().bottom > head + 4)
		    .dataset.id;
	})()
END
my $on_top = $b->eval($above);
$b->js("document.querySelector('[data-id=\"$on_top\"]').click()");
$b->size(960, 768);
shown("document.querySelector('.space .row').offsetHeight > 30",
    "960 with details: rows of two lines");
my @at = sort { $a->[0] <=> $b->[0] } @{$b->eval("[...document" .
    ".querySelectorAll('.space .row')].map((e) => { const r = " .
    "e.getBoundingClientRect(); return [r.top, r.bottom]; })")};
is(scalar(grep { $at[$_][1] > $at[$_ + 1][0] + 0.5 } 0 .. $#at - 1), 0,
    "none upon another");
is($b->eval($above), $on_top, "the same one on top");
$b->shot("960-detail");
$b->keys("Escape");
$b->size(1366, 768);
shown("document.querySelector('.space .row').offsetHeight < 30", "and back");
is($b->eval($above), $on_top, "the same one on top");
$b->press("Go on") if badge() eq "Paused";

# Few sizes of type.
my %size = map { $_ => 1 } @{$b->eval("[...document.querySelectorAll(" .
    "'#app *')].filter((e) => e.checkVisibility() && e.innerText?.trim())" .
    ".map((e) => getComputedStyle(e).fontSize)")};
cmp_ok(scalar(keys %size), "<=", 3, "sizes of type: @{[ sort keys %size ]}");

# What is kept, in a line.
like($b->eval("document.querySelector('footer').innerText"),
    qr/^Kept: 7 days or 10,000 rows a vault\./, "the retention is said");

# Nothing is conveyed by colour alone, digits line up.
ok((grep { $_->{status} =~ /^404 \w/ } rows()), "a status is words as well");
like(style(".rows", "fontVariantNumeric"), qr/tabular-nums/,
    "digits have one width");

# Without motion.
$b->media("", "prefers-reduced-motion" => "reduce");
is_deeply([ grep { $_ ne "0s" } @{$b->eval("[...document.querySelectorAll(" .
    "'*')].flatMap((e) => [getComputedStyle(e).transitionDuration, " .
    "getComputedStyle(e).animationDuration])")} ], [], "nothing moves");

# On paper.
$b->media("print");
sleep 0.2;
ok($b->eval("document.querySelectorAll('.space .row').length") > 20,
    "rows are printed");
is(style("header", "display"), "none", "without what cannot be pressed");
my @tops = @{$b->eval("[...document.querySelectorAll('.space .row')].map(" .
    "(e) => Math.round(e.getBoundingClientRect().top))")};
my %same;
is(scalar(grep { $same{$_}++ } @tops), 0, "none upon another");
$b->shot("print");
$b->media("");
my $drawn = scalar(rows());
my $pdf = decode_base64($b->cdp("Page.printToPDF")->{data});
my ($pages) = $pdf =~ m{/Count (\d+)};
cmp_ok($pages, ">", 2, "all of it is printed, on $pages pages");
is(scalar(rows()), $drawn, "and what is seen is as it was");
$b->js("window.dispatchEvent(new Event('beforeprint'))");
my @paper = rows();
is(scalar(@paper), $total, "each row");
$b->js("window.dispatchEvent(new Event('afterprint'))");

# Who hears the page: each control has a name, and the list its roles.
sub named {
	my ($what) = @_;
	my @all = $b->accessible;
	my @without = map { "$_->{role} $_->{node}" } grep {
	    $_->{name} !~ /\S/ && $_->{role} =~ /^(?:button|link|textbox|
	    searchbox|combobox|ComboBoxSelect|listbox|option|
	    checkbox|image|img|dialog|heading|columnheader|table|grid|
	    complementary|navigation|group)$/x } @all;

	is("@without", "", "$what: everything has a name");
	return map { $_->{role} => 1 } @all;
}
$b->reload;
state("Live");
my %role = named("the list");
ok($role{$_}, "there is a $_")
    for qw(grid row columnheader gridcell main banner status navigation search);
is($b->eval("document.querySelector('#said').getAttribute('aria-live')"),
    "polite", "changes are said");
$b->click(".space .row");
shown("document.querySelector('.detail dl')", "details");
%role = named("details");
ok($role{complementary}, "are beside it");
$b->click("#q");
$b->keys("s");
shown("document.querySelector('.found li')", "suggestions");
named("suggestions");
$b->keys("Escape", "Escape", "Escape", "?");
shown("document.querySelector('dialog').open", "help");
named("help");
$b->keys("Escape");
clean("how it looks");

# While it is asked for, and when that fails.
my $played = $b->cdp("Page.addScriptToEvaluateOnNewDocument", source =>
    <<'END');
	const ask = window.fetch;
	window.fetch = (...a) => !/\/logs\?/.test(a[0]) || window.good ?
	    ask(...a) : new Promise((f) => window.fail = () => f(new Response(
	    '{"error":"The log cannot be read"}', { status: 500 })));
END
$b->reload;
shown("window.fail && document.querySelector('.left .state').checkVisibility()",
    "while it is asked for");
like($b->eval("document.querySelector('.left').innerText"), qr/Loading …/,
    "that is said");
is(badge(), "Loading", "in the line above as well");
$b->shot("loading");
$b->js("fail()");
shown("document.querySelector('.left').innerText.includes('Try again')",
    "an error");
like($b->eval("document.querySelector('.left').innerText"),
    qr/The log cannot be read/, "is said as it is");
like(badge(), qr/Disconnected/, "and nothing else is claimed");
named("an error");
$b->shot("error");
$b->js("window.good = true");
$b->press("Try again");
row_with("/drop");
ok(state("Live"), "and it can be tried again");
$b->cdp("Page.removeScriptToEvaluateOnNewDocument",
    identifier => $played->{identifier});
clean("errors");
$b->press("Sign out");
shown("document.querySelector('.signin')", "signed out");
named("signing in");
for (360, 3840) {
	$b->size($_, 800);
	is($b->eval("document.documentElement.scrollWidth"), $_,
	    "signing in at $_");
	$b->shot("signin-$_");
}

finish();
