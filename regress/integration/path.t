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
# The path of a request: each form of ingress, real processes, a real
# upstream, and the record of each.

use strict;
use warnings;

use Test::More;
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

sub flow {
	my ($mode) = @_;
	my $d = Daemon->new($mode);
	my $up = Upstream->new(dir => $d->{dir}, tls => 1);
	my $plain = Upstream->new(dir => $d->{dir}, tls => 0);
	my $bad = Upstream->new(dir => $d->{dir}, tls => 1, name => "bad");
	my $token = $d->furnish(
	    { name => "api", host => "localhost:$up->{port}",
	      auth => { type => "bearer", token => "KEY" } },
	    { name => "clear", host => "localhost:$plain->{port}",
	      allow_plaintext => JSON::true,
	      auth => { type => "api-key", key => "KEY", header => "X-Key" } },
	    { name => "off", host => "off.localhost", enabled => JSON::false,
	      auth => { type => "bearer", token => "KEY" } },
	    { name => "scoped", host => "api.test.localhost:$up->{port}/v1/*",
	      methods => [ "GET" ],
	      auth => { type => "bearer", token => "KEY" } },
	    { name => "broken", host => "127.0.0.1:$bad->{port}",
	      auth => { type => "bearer", token => "KEY" } });
	my ($s, $r, $row, $seen);

	# CONNECT, with real curl.
	my $curl = "curl -sS -m 10 --cacert $d->{ca} " .
	    "-x http://$token:default\@127.0.0.1:$d->{proxy}";
	my $out = `$curl -H 'Authorization: Bearer mine' -H 'X-Own: 1' \\
	    'https://localhost:$up->{port}/echo/c?q=secret' 2>&1`;
	is($?, 0, "$mode: curl through CONNECT") or diag($out);
	$seen = $up->last;
	my %h = map { lc $_->[0] => $_->[1] } @{$seen->{headers}};
	is($h{authorization}, "Bearer real-s3cret-value",
	    "the agent's own Authorization is replaced");
	is($h{"x-own"}, 1, "other fields go on");
	is($seen->{target}, "/echo/c?q=secret", "and the query");
	ok(!exists $h{"proxy-authorization"}, "Proxy-Authorization does not");
	$row = $d->row("/echo/c");
	my %want = (ingress => "mitm", method => "GET",
	    host => "localhost:$up->{port}", matched_service => "api",
	    status => 200, error_code => "", decision => "brokered",
	    actor_name => "bot", protocol => "http/1.1", bytes_in => 0,
	    auth_scheme => "bearer", auth_header => "authorization",
	    upstream_addr => "127.0.0.1:$up->{port}", path_cut => "");
	is($row->{$_}, $want{$_}, "record: $_") for sort keys %want;
	is_deeply($row->{credential_keys}, ["KEY"], "record: keys");
	cmp_ok($row->{bytes_out}, ">", 0, "record: bytes_out");
	cmp_ok($row->{ttfb_us}, "<=", $row->{latency_us}, "record: times");
	like($row->{client_addr}, qr/^127.0.0.1:\d+$/, "record: client");

	# Absolute form.
	$out = `$curl http://localhost:$plain->{port}/echo/f 2>&1`;
	is($?, 0, "curl in absolute form") or diag($out);
	%h = map { lc $_->[0] => $_->[1] } @{$plain->last->{headers}};
	is($h{"x-key"}, "real-s3cret-value", "api-key in its header");
	is($h{host}, "localhost:$plain->{port}", "Host is the target's");
	is($d->row("/echo/f")->{ingress}, "forward", "and its record");

	# Explicit.
	$out = `curl -sS -m 10 -H 'Authorization: Bearer $token' \\
	    -H 'X-Vault: default' \\
	    'http://127.0.0.1:$d->{proxy}/proxy/localhost:$up->{port}/echo/e?a=b' 2>&1`;
	is($?, 0, "curl with /proxy/host/path") or diag($out);
	$seen = $up->last;
	%h = map { lc $_->[0] => $_->[1] } @{$seen->{headers}};
	is($seen->{target}, "/echo/e?a=b", "the path behind the host");
	is($h{authorization}, "Bearer real-s3cret-value", "injected");
	ok(!exists $h{"x-vault"}, "X-Vault stays here");
	is($d->row("/echo/e")->{ingress}, "explicit", "and its record");
	is($d->row("/echo/e")->{auth_scheme}, "",
	    "the broker's own token is no auth of the agent's");

	# Several requests in one tunnel, on both sides.
	$s = $d->tunnel("localhost:$up->{port}");
	my %conns;
	for (1 .. 20) {
		$r = Daemon::request($s, "GET /echo/k", "Host: localhost");
		is($r->{status}, 200, "request $_ in a tunnel") or last;
		$conns{$1} = 1 if $r->{head} =~ /^X-Conn: (\d+)/m;
	}
	is(keys %conns, 1, "on one connection to the upstream");
	my @rows = grep { $_->{path} eq "/echo/k" } $d->rows(sub {
		20 == grep { $_->{path} eq "/echo/k" } @_;
	});
	is(@rows, 20, "20 records");
	my %numbers = map { $_->{conn} => 1 } @rows;
	is(keys %numbers, 1, "that say they shared a tunnel");
	my %ids = map { $_->{request_id} => 1 } @rows;
	is(keys %ids, 20, "each with an id of its own");

	# Pipelined.
	$s->syswrite("GET /echo/p1 HTTP/1.1\r\nHost: localhost\r\n\r\n" .
	    "GET /echo/p2 HTTP/1.1\r\nHost: localhost\r\n\r\n");
	is(Daemon::response($s)->{json}{target}, "/echo/p1", "pipelined, 1st");
	is(Daemon::response($s)->{json}{target}, "/echo/p2", "and 2nd");

	# What is refused, and goes on.
	$r = Daemon::request($s, "GET /x/host", "Host: other.test");
	is($r->{status}, 421, "another Host");
	is($r->{json}{error}, "misdirected", "by name");
	like($r->{head}, qr/^X-Broker-Proxy-Error: true/mi, "marked");
	like($r->{head}, qr/^X-Agent-Vault-Proxy-Error: true/mi, "twice");
	like($r->{head}, qr/^X-Request-Id: \Q$r->{json}{request_id}\E\r/mi,
	    "with its id");
	is($d->row("/x/host")->{error_code}, "misdirected", "and recorded");
	$r = Daemon::request($s, "GET /x/up", "Host: localhost",
	    "Connection: upgrade", "Upgrade: websocket");
	is($r->{status}, 501, "no Upgrade yet");
	$r = Daemon::request($s, "TRACE /x/trace", "Host: localhost");
	is($r->{json}{error}, "method_denied",
	    "no TRACE, which would show the credential");
	$r = Daemon::request($s, "GET /echo/after", "Host: localhost");
	is($r->{status}, 200, "the tunnel goes on");
	$r = Daemon::request($s, "GET /x\tbad HTTP/9", "Host: localhost");
	is($r->{status}, 400, "a request that is none");
	like($r->{head}, qr/^Connection: close/m, "ends it");
	my $refused = sub {
		grep { $_->{error_code} eq "bad_request" &&
		    $_->{status} == 400 } @_;
	};
	is(scalar($refused->($d->rows($refused))), 1, "and has a record");

	# Matching.
	$s = $d->tunnel("api.test.localhost:$up->{port}");
	$r = Daemon::request($s, "GET /v1/../v1/./%61?q",
	    "Host: api.test.localhost:$up->{port}");
	is($r->{status}, 200, "a scoped path");
	is($r->{json}{target}, "/v1/a?q", "goes on normalised");
	is($d->row("/v1/../v1/./%61")->{matched_service}, "scoped",
	    "and is recorded as it came");
	$r = Daemon::request($s, "POST /v1/x",
	    "Host: api.test.localhost:$up->{port}", \"data");
	is($r->{status}, 403, "a method that is not allowed");
	is($r->{json}{error}, "method_denied", "by name");
	$r = Daemon::request($s, "GET /v2/x", "Authorization: Bearer own",
	    "Host: api.test.localhost:$up->{port}");
	is($r->{status}, 200, "a path of no service passes");
	%h = map { lc $_->[0] => $_->[1] } @{$r->{json}{headers}};
	is($h{authorization}, "Bearer own", "with the agent's own");
	is($d->row("/v2/x")->{decision}, "passthrough", "and is called that");
	$s = $d->tunnel("off.localhost:443");
	$r = Daemon::request($s, "GET /off", "Host: off.localhost");
	is($r->{json}{error}, "service_disabled", "a disabled service");

	$d->api("PATCH", "/v1/vaults/default/settings",
	    { unmatched_host_policy => "deny" });
	$s = $d->tunnel("nowhere.localhost:443");
	$r = Daemon::request($s, "GET /no", "Host: nowhere.localhost");
	is($r->{status}, 403, "an unmatched host under deny");
	is($r->{json}{error}, "no_match", "by name");
	is($r->{json}{proposal_hint}{host}, "nowhere.localhost", "with a hint");
	is($d->row("/no")->{decision}, "blocked", "and recorded");
	$d->api("PATCH", "/v1/vaults/default/settings",
	    { unmatched_host_policy => "passthrough" });

	# What may not be recorded of a path is not when it is refused, either.
	$d->services({ name => "hook", host => "hook.localhost:$up->{port}",
	    log_path => "none", auth => { type => "bearer", token => "KEY" } });
	for (["GET /w/1", 501, "Connection: upgrade", "Upgrade: x"],
	    ["GET /w/2", 421, "Host: other.test"],
	    ["POST /w/3", 413, "Content-Length: 1073741825"],
	    ["TRACE /w/4", 403]) {
		my ($line, $status, @h) = @$_;
		$s = $d->tunnel("hook.localhost:$up->{port}");
		push @h, "Host: hook.localhost" unless grep { /^Host/ } @h;
		$r = Daemon::request($s, $line, @h);
		is($r->{status}, $status, "$line is refused");
		my $id = $r->{json}{request_id};
		($row) = grep { $_->{request_id} eq $id } $d->rows(sub {
			grep { $_->{request_id} eq $id } @_;
		});
		is($row->{path}, "", "and recorded without its path");
		is($row->{path_cut}, "none", "which is said");
	}
	is($r->{json}{error}, "method_denied",
	    "TRACE would bring back the credential");

	# Upstreams that are not to be had.
	$r = Daemon::request($d->tunnel("127.0.0.1:$bad->{port}"),
	    "GET /tls", "Host: 127.0.0.1:$bad->{port}");
	is($r->{status}, 502, "a chain that does not verify");
	is($r->{json}{error}, "tls_error", "by name");
	is(scalar(() = $bad->seen), 0, "and no byte was sent");
	is($d->row("/tls")->{upstream_addr}, "127.0.0.1:$bad->{port}",
	    "but it is recorded who it was");
	$r = Daemon::request($d->tunnel("127.0.0.1:1"), "GET /conn",
	    "Host: 127.0.0.1:1");
	is($r->{json}{error}, "connect_error", "nobody there");
	$r = Daemon::request($d->tunnel("10.1.2.3:443"), "GET /private",
	    "Host: 10.1.2.3");
	is($r->{json}{error}, "address_blocked", "a private address");
	is($r->{status}, 502, "is 502");
	is($d->row("/private")->{decision}, "blocked", "recorded as blocked");
	$r = Daemon::request($d->tunnel("no.such.invalid:443"), "GET /dns",
	    "Host: no.such.invalid");
	is($r->{json}{error}, "dns_error", "a name that is none");
	$r = Daemon::request($d->tunnel("localhost:$up->{port}"),
	    "GET /drop", "Host: localhost");
	is($r->{json}{error}, "upstream_error", "one that says nothing");
	$r = Daemon::request($d->tunnel("localhost:$up->{port}"),
	    "GET /bad", "Host: localhost");
	is($r->{status}, 502, "one that answers nonsense");

	# Nothing secret anywhere.
	is($d->stop, 0, "stopped");
	for my $f (glob "$d->{state}/*.db* $d->{dir}/log") {
		next unless -f $f;
		open(my $h, "<", $f) or die;
		my $all = do { local $/; <$h> };
		unlike($all, qr/real-s3cret-value|\Q$token\E|q=secret/,
		    "nothing secret in " . (split "/", $f)[-1]);
	}
}

flow($_) for Frame::modes();
done_testing();
