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
# What is taken away is gone from live tunnels before the API answers; what is
# changed counts for the next request in them.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my $d = Daemon->new("user");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $where = "localhost:$up->{port}";
my $host = "Host: $where";
my ($s, $t, $r);

sub service {
	return { name => $_[0], host => "$where/$_[0]*",
	    auth => { type => "bearer", token => "KEY" } };
}

sub running {
	my ($path, %o) = @_;
	my $s = $d->tunnel($where, %o);

	$s->syswrite("GET $path HTTP/1.1\r\n$host\r\n\r\n");
	like(Daemon::head($s), qr/^HTTP\/1.1 200/, "$path runs");
	Daemon::bytes($s, 3);
	return $s;
}

# Nothing more comes but what was on its way.
sub ended {
	my ($s, $what) = @_;
	my $start = time;

	my $all = Daemon::bytes($s, 100000);
	cmp_ok(time - $start, "<", 1, "$what: cut at once");
	unlike($all, qr/^0\r\n\r\n$/m, "$what: and not finished");
}

$d->furnish(service("sse"), service("echo"), service("slow"));

# A service: only what runs under it.
$s = running("/sse?n=100&ms=50");
$t = $d->tunnel($where);
is(Daemon::request($t, "GET /echo/1", $host)->{status}, 200, "a tunnel");
$d->api("PATCH", "/v1/vaults/default/services/sse",
    { enabled => JSON::false });
ended($s, "a disabled service");
is($d->row("/sse")->{error_code}, "revoked", "recorded as revoked");
is(Daemon::request($t, "GET /echo/2", $host)->{status}, 200,
    "another service's tunnel goes on");
is(Daemon::request($t, "GET /sse", $host)->{json}{error}, "service_disabled",
    "and knows");
$d->api("PATCH", "/v1/vaults/default/services/sse",
    { enabled => JSON::true });

# A rotation: the next request has the new one, what runs goes on.
$s = running("/sse?n=20&ms=50");
$d->api("POST", "/v1/credentials", { vault => "default",
    credentials => { KEY => "rotated-value" } });
Daemon::request($t, "GET /echo/3", $host);
my %h = map { lc $_->[0] => $_->[1] } @{$up->last->{headers}};
is($h{authorization}, "Bearer rotated-value", "a rotation counts at once");
my $rest = Daemon::bytes($s, 100000, qr/X-Sum/);
like($rest, qr/data: 20\n/, "and cuts nothing");

# A request that waits for its answer.
$s = $d->tunnel($where);
$s->syswrite("GET /slow?ms=3000 HTTP/1.1\r\n$host\r\n\r\n");
Frame::until(sub { grep { $_->{target} =~ /slow/ } $up->seen });
$d->api("DELETE", "/v1/vaults/default/services/slow");
$r = Daemon::response($s);
is($r->{status}, 403, "without an answer yet it gets one of ours");
is($r->{json}{error}, "revoked", "that says why");
$d->services(service("slow"));

# A session, a grant, an agent, a vault: the tunnel itself goes.
my $m = $d->api("POST", "/v1/sessions", { vault => "default",
    vault_role => "proxy" });
$s = running("/sse?n=100&ms=50", token => $m->{token});
$t = $d->tunnel($where, token => $m->{token});
my $idle = $d->tunnel($where);
my ($id) = map { $_->{id} // $_->{public_id} } @{$d->api("GET",
    "/v1/sessions?vault=default")->{sessions}};
$d->api("DELETE", "/v1/sessions/$id?vault=default");
ended($s, "a revoked session");
ended($t, "its idle tunnel");
is(Daemon::request($idle, "GET /echo/4", $host)->{status}, 200,
    "another token's goes on");
eval { $d->tunnel($where, token => $m->{token}) };
like($@, qr/407/, "it opens none again");

$s = running("/sse?n=100&ms=50");
my $f = $d->dial;
$f->syswrite("GET /proxy/$where/sse?n=100&ms=50 HTTP/1.1\r\nHost: x\r\n" .
    "Authorization: Bearer $d->{token}\r\n\r\n");
like(Daemon::head($f), qr/200/, "the explicit form");
$d->api("DELETE", "/v1/vaults/default/agents/bot");
ended($s, "a removed grant");
ended($f, "in proxy as well");
ended($idle, "and an idle tunnel");
eval { $d->tunnel($where) };
like($@, qr/403/, "403 from then on");

$d->api("POST", "/v1/vaults/default/agents", { name => "bot",
    role => "proxy" });
$s = running("/sse?n=100&ms=50");
$d->api("DELETE", "/v1/agents/bot");
ended($s, "a revoked agent");
$d->api("POST", "/v1/vaults", { name => "doomed" });
my $a = $d->api("POST", "/v1/agents", { name => "bot2", vaults => [
    { vault_name => "doomed", vault_role => "proxy" } ] });
$s = running("/sse?n=100&ms=50", token => $a->{av_agent_token});
$d->api("DELETE", "/v1/vaults/doomed");
ended($s, "a deleted vault");
eval { $d->tunnel($where, token => $a->{av_agent_token}) };
like($@, qr/40[0347]/, "is no vault any more");

# A worker that does not say that it has done so is killed for it.
$a = $d->api("POST", "/v1/agents", { name => "bot3", vaults => [
    { vault_name => "default", vault_role => "proxy" } ] });
$s = running("/sse?n=100&ms=50", token => $a->{av_agent_token});
my @mitms = map { $_->{pid} } grep { $_->{name} eq "mitm" }
    @{$d->api("GET", "/v1/brokerd/status")->{processes}};
kill "STOP", @mitms;
my $start = time;
$d->api("DELETE", "/v1/agents/bot3");
cmp_ok(time - $start, "<", 3, "the API waits for a silent worker, not long");
cmp_ok(time - $start, ">", 0.9, "but gives it its second");
ended($s, "what it served");
ok(Frame::until(sub {
	grep({ $_->{name} eq "mitm" && $_->{pid} != $mitms[0] &&
	    $_->{pid} != $mitms[1] && $_->{state} eq "ready" }
	    @{$d->api("GET", "/v1/brokerd/status")->{processes}}) > 0;
}, 5), "another one takes its place");
like($d->log, qr/mitm \d is killed for keyd: a revocation was not/,
    "and it is said why");
kill "CONT", @mitms;

my @rows = grep { $_->{kind} eq "request" }
    @{$d->api("GET", "/v1/admin/logs?limit=200")->{logs}};
my %ids;
$ids{$_->{request_id}}++ for @rows;
is((grep { $_ > 1 } values %ids), 0, "no request has two rows");
is($d->stop, 0, "stopped");
done_testing();
