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
# What the rows of the page say: of each kind and each error, of a request
# under way, in the pane with the details; what comes from outside is only text.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use JSON;
use Site;
use Test::More;
use Time::HiRes qw(sleep);

begin();
my $bad = Upstream->new(dir => $d->{dir}, tls => 1, name => "bad");
browse();
sign_in();

sub proxied {
	my ($line, @h) = @_;
	return Daemon::request($d->dial, $line, "Host: x",
	    "Proxy-Authorization: " . Daemon::basic("$d->{token}:default"),
	    @h);
}
sub child(&) {
	my ($what) = @_;
	my $pid = fork // die "fork: $!";
	return $pid if $pid;
	eval { $what->() };
	POSIX::_exit(0);
}
sub words { return $b->js("return import('/page/words.js').then((m) => $_[0])",
    @_[1 .. $#_]) }
sub detail { return $b->eval("document.querySelector('.detail').innerText") }
sub pids {
	return map { ("$_->{name} $_->{index}" => $_->{pid}) }
	    @{$d->api("GET", "/v1/brokerd/status")->{processes}};
}

# One after the other, as they are written.
traffic("/echo/good", "/status/204", "/status/302", "/status/404",
    "/status/418", "/status/429", "/status/500", "/forged", "/hang");
eval { traffic($_) } for "/drop", "/truncate";
my @errors = (
    [ "127.0.0.1:1", "/e1", "connect_error" ],
    [ "10.1.2.3:443", "/e2", "address_blocked" ],
    [ "no.such.invalid:443", "/e3", "dns_error" ],
    [ "127.0.0.1:$bad->{port}", "/e4", "tls_error" ],
    [ "unset.localhost:443", "/e5", "credential_not_found" ],
    [ $where, "/e6", "misdirected", "Host: other.test" ]);
for (@errors) {
	my ($to, $path, $code, @h) = @$_;
	Daemon::request($d->tunnel($to), "GET $path", @h ? @h : "Host: $to");
}
proxied("GET http://127.0.0.1:1/e7");
row_with($_) for "/e6", "/e7";
my @api = $d->rows;
my %word = %{words("Object.fromEntries(arguments[0].map((r) => " .
    "[r.id, m.status(r)]))", \@api)};
# One that was in flight stays where it was for a moment.
my $order = join " ", map { $_->{id} } @api;
ok(eval { Driver::until_true(sub { join(" ", ids()) eq $order }, "order", 8) },
    "every row is shown, in their order") or diag join " ", ids();
my %shown = map { $_->{id} => $_ } rows();
for my $r (@api) {
	my $s = $shown{$r->{id}};
	my ($code, $word) = @{$word{$r->{id}}};
	ok($s->{status} eq "$code $word" && $word =~ /^[a-zA-Z]/,
	    "$r->{path} has its status in words: $word");
	is($s->{host}, "$r->{host}$r->{path}", "with host and path");
	is($s->{service}, $r->{matched_service} || ($r->{decision} eq
	    "passthrough" ? "(none)" : ""), "and service");
	is($s->{keys}, join(", ", @{$r->{credential_keys}}),
	    "and credentials");
	like($s->{latency}, qr/^[\d.]+ m?s$/, "and latency");
	like($s->{time}, qr/^(?:\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{3}$/,
	    "and time, to the millisecond");
}
my @bars = @{$b->eval("[...document.querySelectorAll('.space .row')].map(" .
    "(r) => [Number(r.dataset.id), r.querySelector('.c-latency i')" .
    ".getBoundingClientRect().width])")};
my %us = map { $_->{id} => $_->{latency_us} } @api;
my @by = sort { $us{$a->[0]} <=> $us{$b->[0]} } @bars;
is(scalar(@by), scalar(@api), "and a bar");
is(scalar(grep { $by[$_][1] > $by[$_ + 1][1] + 0.1 } 0 .. $#by - 1), 0,
    "that is longer when it took longer");
cmp_ok($by[-1][1], ">", 3 * $by[0][1], "by far for what is slow");
my %code = map { $_->{path} => $_->{error_code} } @api;
is($code{$_->[1]}, $_->[2], "$_->[2] was one of them") for @errors;
$b->shot("rows");

# All codes there are have words, also those that take long to come about.
my $codes = do { local (@ARGV, $/) = "$Frame::top/common/codes.h"; <> };
my ($list) = $codes =~ /^#define ERROR_LIST\(X\)(.*?)\n\n/ms;
my @codes = $list =~ /"([a-z_]+)"/g;
cmp_ok(scalar(@codes), ">", 20, scalar(@codes) . " codes of errors");
is(join(" ", map { $_->[0] } grep { $_->[1] eq "" || $_->[2] eq "" ||
    $_->[2] eq $_->[0] } @{words("arguments[0].map((c) => { " .
    "const r = { kind: 'request', status: 502, error_code: c }; " .
    "return [c, m.status(r)[1], m.explain(r)[0]]; })", \@codes)}), "",
    "each has a word and a sentence");
my ($events) = $codes =~ /^#define EVENT_LIST\(X\)(.*?)\n\n/ms;
my @events = $events =~ /"([a-z_]+)"/g;
is(join(" ", map { $_->[0] } grep { $_->[1] =~ /^\Q$_->[0]\E/ }
    @{words("arguments[0].map((c) => [c, " .
    "m.note({ kind: 'event', action: c, count: 1, host: ''," .
    " detail: null })])", \@events)}), "", "and each event a sentence");

my %lost = map { $_ => 1 } join("", map { local (@ARGV, $/) = $_; <> }
    glob "$Frame::top/logd/*.c") =~ /\\"lost\\":\\"([a-z ]+)\\"/g;
cmp_ok(scalar(keys %lost), ">", 3, "gaps have " . keys(%lost) . " reasons");
is(join(" ", grep { words("m.gap({ count: 1, detail: { lost: " .
    "arguments[0] } })", $_) !~ /: \w/ } keys %lost), "", "each in words");

# Numbers at the edges of their units.
sub formats { return $b->js("return import('/page/format.js').then((m) => " .
    "arguments[0].map((n) => m.$_[0](n)))", $_[1]) }
is_deeply(formats("latency", [ 900, 999_400, 999_600, 59_990_000, 59_999_000,
    61_000_000, 119_600_000 ]), [ "0.9 ms", "999 ms", "1.00 s", "59.99 s",
    "1 min 0 s", "1 min 1 s", "2 min 0 s" ], "times have the next unit");
is_deeply(formats("bytes", [ 1023, 1024, 1_048_000, 1_048_400, 1_048_576 ]),
    [ "1023 B", "1.0 KiB", "1023 KiB", "1.0 MiB", "1.0 MiB" ], "and sizes");

# Under way, and then in its place.
my $pid = child { traffic("/sse?n=6&ms=400") };
my $open = row_with("/sse");
like($open->{status}, qr/in flight/, "a request under way is shown");
like($open->{class}, qr/open/, "as such");
is($b->eval("document.querySelector('.row.open .c-latency')" .
    ".childElementCount"), 0, "without a latency yet");
my ($first) = rows();
is($first->{id}, $open->{id}, "above the others");
$b->shot("in-flight");
$b->click(".space .row.open");
like(detail(), qr/under way/, "its details say so");
shown("[...document.querySelectorAll('.space .row')].some((r) => " .
    "r.innerText.includes('/sse') && r.innerText.includes('OK'))",
    "it settles");
my @slow = grep { $_->{text} =~ m{/sse} } rows();
is(scalar(@slow), 1, "in place of what it was");
is((rows())[0]{text}, $slow[0]{text}, "where it was");
like($slow[0]{latency}, qr/^2\.\d+ s$/, "with what it took");
shown("document.querySelector('.detail').innerText.includes('200 OK')",
    "and so do its details");
is($b->eval("document.querySelectorAll('.row.selected').length"), 1,
    "it stays selected");
waitpid $pid, 0;
$b->keys("Escape");
$b->press("Go on") if badge() eq "Paused";
# Of several the one in the middle, which is done before the others.
my %turn = (GET => "a", PUT => "b", PATCH => "c");
my @pids = map {
	my ($method, $n) = @$_;
	my $p = child {
		Daemon::request($d->tunnel($where),
		    "$method /sse?n=$n&ms=400", "Host: $where",
		    "Content-Length: 0");
	};
	ok(eval { Driver::until_true(sub { flying(rows()) =~
	    /^$turn{$method}\b/ }, "one in flight", 10) }, "$method begins");
	$p;
} [ "GET", 12 ], [ "PUT", 5 ], [ "PATCH", 12 ];
# Those of this kind, which the one before is not, and whether they have ended.
sub flying { return join " ", map { $_->{host} =~ /sse$/ && $_->{id} ne
    $slow[0]{id} ? $turn{$_->{method}} . ($_->{status} =~ /flight/ ? "" :
    "!") : () } @_ }
is(flying(rows()), "c b a", "three in flight");
shown("[...document.querySelectorAll('.space .row')].some((r) => " .
    "r.innerText.includes('PUT') && r.innerText.includes('OK'))", "one ends");
is(flying(rows()), "c b! a", "in its place");
waitpid $_, 0 for @pids;
ok(eval { Driver::until_true(sub { my @i = ids();
    flying(rows()) =~ /^[ac]! [ac]! b!$/ &&
    "@i" eq join " ", sort { $b <=> $a } @i }, "order", 10) },
    "and then all are in the order in which they ended") or
    diag flying(rows());
$b->keys("Escape");

# One whose end the filter leaves out is told all the same to who looks at it.
$b->type("#q", "!status:2xx path:/sse*");
$b->keys("Enter", "Escape");
state("Live");
$pid = child { traffic("/sse?n=4&ms=400") };
row_with("/sse");
$b->click(".space .row.open");
like(detail(), qr/under way/, "under way");
shown("document.querySelector('.detail').innerText.includes('200 OK')",
    "its end is shown");
shown("!document.querySelector('.row.open')", "and it has left the list");
waitpid $pid, 0;
# Paused as well, where it stood.
$b->keys("Escape");
$b->press("Go on") if badge() eq "Paused";
state("Live");
$pid = child { traffic("/sse?n=4&ms=400") };
row_with("/sse");
$b->keys("Space");
shown("document.querySelector('.space .row')?.innerText.includes('200')",
    "paused: its end takes its place");
waitpid $pid, 0;
$b->press("Clear");
state("Live");

# The pane: every field that the API tells, in some form.
my $trace = "4bf92f3577b34da6a3ce929d0e0e4736";
Daemon::request($d->tunnel($where), "POST /echo/all?x=secret",
    "Host: $where", "Authorization: Bearer own-token",
    "traceparent: 00-$trace-00f067aa0ba902b7-01", "Content-Length: 5",
    \"hello");
my $all = $d->row("/echo/all");
$b->click("[data-id='$all->{id}']");
shown("document.querySelector('.detail dl')", "a click opens the details");
my $text = detail();
for my $k (sort keys %$all) {
	my $v = $all->{$k};
	my @want = ref $v eq "ARRAY" ? @$v : ref $v ? () : $v;
	# That it is of this vault goes without saying.
	@want = () if $k =~ /^(?:kind|action|count|vault_id|end_reason)$/ ||
	    $k eq "error_code" && $v eq "";
	@want = "5 B" if $k eq "bytes_in";
	@want = $v . " B" if $k eq "bytes_out" && $v < 1024;
	@want = () if $k eq "latency_ms";
	@want = sprintf "%.1f ms", $v / 1000
	    if $k =~ /_us$/ && ($v // 0) < 10000;
	@want = sprintf "%.0f ms", $v / 1000
	    if $k =~ /_us$/ && ($v // 0) >= 10000;
	@want = $v =~ s/T/ /r =~ s/Z/ UTC/r if $k eq "created_at";
	for (grep { defined && $_ ne "" } @want) {
		ok(index($text, $_) != -1, "the details have $k: $_") or
		    diag $text;
	}
}
unlike($text, qr/secret|own-token/, "and nothing that is not recorded");
$b->shot("detail");
is(query()->{row}, $all->{id}, "its address is this row's");

# Next and previous, and what is copied.
my @ids = ids();
my ($at) = grep { $ids[$_] == $all->{id} } 0 .. $#ids;
$b->press("Older");
is(query()->{row}, $ids[$at + 1], "older");
$b->press("Newer");
is(query()->{row}, $all->{id}, "newer");
$b->cdp("Browser.grantPermissions", permissions => [
    "clipboardReadWrite", "clipboardSanitizedWrite" ]);
sub clip {
	my ($what) = @_;
	$b->press($what);
	shown("document.querySelector('.detail .hint').innerText.includes(" .
	    "'copied')", $what);
	return $b->js("return navigator.clipboard.readText()");
}
is_deeply(decode_json(clip("Copy as JSON")), $all, "the row");
my $command = clip("Copy as command");
my ($prog, @args) = split " ", $command;
is($prog, "brokerctl", "the command: $command");
my $ctl = "$Frame::top/brokerctl/brokerctl";
like(qx($ctl -s $d->{socket} @args 2>&1), qr{/echo/all},
    "finds the row");
$b->keys("Escape");

# An error says what to do next.
$b->js("[...document.querySelectorAll('.space .row')].find((r) => " .
    "r.innerText.includes('/e5')).click()");
like(detail(), qr/brokerctl credential set/, "what to do next");
like(detail(), qr/credential_not_found/, "and the code");
$b->shot("detail-error");
$b->keys("Escape");
$b->press("Go on") if badge() =~ /Paused/;
state("Live");

# A gap, while one looks.
$d->row("/echo/all");
my $tunnel = $d->tunnel($where);
Daemon::request($tunnel, "GET /echo/before", "Host: $where");
row_with("/echo/before");
my %p = pids();
kill "STOP", $p{"logd 0"};
Daemon::request($tunnel, "GET /echo/lost$_", "Host: $where") for 1 .. 3;
# The workers first: another logd must not find them alive.
kill "KILL", (map { $p{$_} } grep { /^(?:mitm|proxy) / } keys %p),
    $p{"logd 0"};
my $gap = row_with("3 requests are missing here", 30);
like($gap->{class}, qr/gap/, "a gap is a row");
is($b->eval("document.querySelector('.row.gap .c-note')" .
    ".ariaColSpan + ' ' + document.querySelector('.row.gap .c-actor')" .
    ".ariaColIndex"), "4 7", "whose cells say which columns they are in");
like($gap->{text}, qr/worker and log died together/, "that says why");
$b->js("document.querySelector('.row.gap').click()");
like(detail(), qr/Requests went through that have no row/,
    "and what it means");
$b->shot("gap");
$b->keys("Escape");
clean("rows", qr{/(?:stream|logs|stats)\b});

# Events and changes, in the instance log.
eval { $d->tunnel($where, token => "av_agt_" . "0" x 64 . ":default") };
sign_in("vault=*");
my $event = row_with("Authentication failed");
like($event->{text}, qr/event/, "an event is a row, in words");
$d->api("POST", "/v1/vaults", { name => "new" });
my $audit = row_with("vault.create");
like($audit->{text}, qr/local/, "a change says who made it");
$b->js("[...document.querySelectorAll('.space .row')].find((r) => " .
    "r.innerText.includes('vault.create')).click()");
like(detail(), qr/"?(?:name|vault)"?.*new/s, "and what it was");
($prog, @args) = split " ", clip("Copy as command");
is(decode_json(qx($ctl -s $d->{socket} @args 2>&1))->{id}, $audit->{id},
    "the command finds it: @args");
$b->shot("audit");
like(detail(), qr/^Vault\s+instance log$/m, "that it is of no vault");
$b->js("[...document.querySelectorAll('.space .row')].find((r) => " .
    "r.innerText.includes('/echo/before')).click()");
like(detail(), qr/^Vault\s+default$/m, "of a request which vault it is of");
$b->press("default");
shown("document.querySelector('#q').value === 'vault:default' && " .
    "document.querySelector('.badge').dataset.state === 'live'",
    "by which one filters");
row_with("/echo/before");
is(scalar(grep { $_->{text} =~ /vault\.create/ } rows()), 0, "as it says");

# Bytes of others: a path, a host and a method that would be markup.
my $x = "<svg/onload=window.pwned=1>";
sign_in();
proxied("GET http://$where/$x");
proxied("GET http://$x.test/host");
proxied("<svg/onload=x> http://$where/method");
my $in = row_with("/$x");
is($in->{host}, "$where/$x", "markup in a path is text");
for ([ "/v1/agents", { name => $x } ],
    [ "/v1/vaults", { name => $x } ],
    [ "/v1/vaults/default/services", { services => [ { name => $x,
    host => "x.test", auth => { type => "passthrough" } } ] } ]) {
	my $r = $d->api("POST", @$_, fails => 1);
	ok($r->{error}, "no name of $_->[0] may be that");
}

# And whatever else might come over the wire: each text of each row.
$b->cdp("Page.addScriptToEvaluateOnNewDocument", source => <<'END');
	const ask = window.fetch, x = '"><img src=x onerror=window.pwned=1>' +
	    "<script>window.pwned=1</scr" + "ipt>";
	const bad = (k, v) => typeof v === "string" && !/^(kind|created_at)$/
	    .test(k) ? v + x : Array.isArray(v) ? [x] : v;
	window.fetch = async (...a) => {
		const r = await ask(...a);
		if (!/\/logs\?|\/logs$/.test(a[0]))
			return r;
		const o = await r.json();
		for (const row of o.logs ?? []) {
			for (const k in row)
				row[k] = bad(k, row[k]);
			row.detail = { [x]: x };
		}
		return new Response(JSON.stringify(o));
	};
END
sign_in("vault=*");
shown("document.querySelectorAll('.space .row').length > 9", "rows of it");
for my $kind ("audit", "event", "gap", "note", "s2", "s5") {
	$b->eval("[...document.querySelectorAll('.space .row')].find((r) =>" .
	    " r.classList.contains('$kind') || " .
	    "r.innerText.includes('$kind'))?.click()");
	sleep 0.1;
}
$b->shot("xss");
like(detail(), qr/<img src=x/, "is shown as it is");
is($b->eval("document.querySelectorAll('#app img[src=x], #app script, " .
    "#app [onload], #app [onerror]').length"), 0, "there is no element");
is($b->eval("window.pwned ?? null"), undef, "and nothing runs");
clean("markup");

finish();
