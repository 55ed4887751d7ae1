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
# Logins with a cookie: by a link of the local socket and by a token, what
# they may do, where they are taken from, and how they end.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Ctl;
use Daemon;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON;
use Test::More;
use Time::HiRes qw(sleep time);

my $d = Daemon->new($> == 0 ? "root" : "user");
my $host = "127.0.0.1:$d->{api}";
my @from = ("Host: $host", "Origin: http://$host");

sub tcp { return IO::Socket::INET->new($host) }

# One request on a connection of its own; fields as lines, a body as a hash.
sub ask {
	my ($line, @h) = @_;
	my $s = tcp() or return { status => 0 };

	push @h, \encode_json(pop @h) if @h && ref $h[-1] eq "HASH";
	unshift @h, "Host: $host" unless grep { !ref && /^host:/i } @h;
	my $r = Daemon::request($s, $line, @h);
	$r->{json} = eval { decode_json($r->{body} // "") } // {};
	return $r;
}

sub with { return "Cookie: av_session=$_[0]" }
sub exchange { return ask("POST /v1/auth/exchange", @from,
    { token => $_[0] }) }
sub cookie_of {
	my ($r) = @_;
	return ($r->{head} // "") =~ /^Set-Cookie: av_session=([^;]*);/m ?
	    $1 : undef;
}
sub login { return cookie_of(exchange($_[0])) }
sub link_token {
	my $url = $d->api("POST", "/v1/brokerd/open", { @_ })->{url};
	return $url =~ /#open=(\S+)$/ ? $1 : undef;
}
sub agent {
	my ($name, $role, @vaults) = @_;
	return $d->api("POST", "/v1/agents", { name => $name, role => $role,
	    vaults => [ @vaults ] })->{av_agent_token};
}
sub me { return ask("GET /v1/auth/me", with($_[0])) }
sub alive { return me($_[0])->{status} == 200 }
sub audits {
	my ($action) = @_;
	return grep { $_->{kind} eq "audit" && $_->{action} eq $action }
	    @{$d->api("GET", "/v1/admin/logs?limit=50")->{logs}};
}
# A row of the log that is written a moment later.
sub comes {
	my ($what) = @_;
	my $found;
	Frame::until(sub { $found = $what->() });
	return $found;
}

my $member = agent("clerk", "no-access", { vault_name => "default",
    vault_role => "member" });
my $owner = agent("boss", "owner", { vault_name => "default",
    vault_role => "admin" });

subtest "by a link" => sub {
	my $token = link_token(vault => "default");
	like($token, qr/^av_open_[0-9a-f]{64}$/, "a link's token");
	my $r = exchange($token);
	is($r->{status}, 200, "is exchanged") or diag $r->{body};
	like($r->{head}, qr/^Set-Cookie:\ av_session=av_web_[0-9a-f]{64};
	    \ Path=\/;\ Max-Age=86400;\ HttpOnly;\ SameSite=Strict\r?$/xm,
	    "for a cookie that no script sees");
	unlike($r->{body}, qr/av_web_|av_open_/, "whose value is not told");
	is_deeply($r->{json}{actor}, { type => "local", name => "local:$>" },
	    "of who asked for the link");
	is($r->{json}{vault}, "default", "to begin in its vault");
	is($r->{json}{idle_seconds}, 12 * 3600, "half a day unused");
	like($r->{json}{expires_at}, qr/^\d{4}-.*Z$/, "or until then");
	my $cookie = cookie_of($r);
	$r = me($cookie);
	is($r->{status}, 200, "the cookie says who one is");
	is($r->{json}{type}, "local", "local");
	is($r->{json}{name}, "local:$>", "by number");
	ok($r->{json}{is_owner}, "who reads all");
	is($r->{json}{session}{id}, exchange_id($token, $cookie), "the login");
	is_deeply([ map { "$_->{name} $_->{role}" } @{$r->{json}{vaults}} ],
	    [ "default admin" ], "its vaults");
	is(exchange($token)->{status}, 401, "a link is good once");
	ok(!defined cookie_of(exchange($token)), "without another cookie");
	ok(alive($cookie), "and the first login goes on");
};

# What the list of logins says of the one that asks.
sub exchange_id {
	my ($token, $cookie) = @_;
	my ($s) = grep { $_->{current} }
	    @{ask("GET /v1/auth/sessions", with($cookie))->{json}{sessions}};
	return $s->{id};
}

subtest "what local may in a browser" => sub {
	my $c = with(login(link_token()));
	is(ask("GET $_", $c)->{status}, 200, $_) for qw(/v1/vaults
	    /v1/vaults/default/logs /v1/admin/logs /v1/admin/settings
	    /v1/agents /v1/vaults/default/services /v1/admin/vaults
	    /v1/credentials?vault=default /v1/vaults/default/context);
	is(ask("GET /v1/credentials?vault=default&reveal=true", $c)->{status},
	    403, "no value of a credential");
	is(ask("GET /v1/admin/backup", $c)->{status}, 403, "no backup");
	for (["POST /v1/vaults", { name => "other" }],
	    ["POST /v1/agents", { name => "other", role => "owner" }],
	    ["DELETE /v1/vaults/default", {}],
	    ["POST /v1/sessions", { vault => "default" }],
	    ["PUT /v1/admin/settings", { logs_retention => {} }]) {
		my $r = ask($_->[0], $c, @from, $_->[1]);
		is($r->{status}, 403, "not $_->[0]") or diag $r->{body};
		is($r->{json}{code}, "forbidden", "by its right");
	}
	is(ask("POST /v1/brokerd/open", $c, @from)->{status}, 404,
	    "nor is there a link to be had on TCP");
};

subtest "by a token" => sub {
	my $r = exchange($member);
	is($r->{status}, 200, "an agent's") or diag $r->{body};
	is_deeply($r->{json}{actor}, { type => "agent", name => "clerk" },
	    "as that agent");
	like($r->{head}, qr/Max-Age=31536000;/, "for a year");
	is($r->{json}{idle_seconds}, 30 * 86400, "or a month unused");
	my $cookie = cookie_of($r);
	my $me = me($cookie)->{json};
	is($me->{agent_name}, "clerk", "me");
	is_deeply([ map { "$_->{name} $_->{role}" } @{$me->{vaults}} ],
	    [ "default member" ], "and its vault");
	is(ask("GET /v1/admin/logs", with($cookie))->{status}, 403,
	    "with the rights of its token");
	is(ask("POST /v1/credentials", with($cookie), @from,
	    { vault => "default", credentials => { K => "v" } })->{status},
	    200, "all of them");

	my $minted = ask("POST /v1/sessions",
	    "Authorization: Bearer $member", { vault => "default" })->{json};
	$r = exchange($minted->{token});
	is($r->{status}, 200, "a minted session's") or diag $r->{body};
	is($r->{json}{actor}{type}, "session", "says so");
	is($r->{json}{expires_at}, $minted->{expires_at}, "to its end");
	$me = me(cookie_of($r));
	is($me->{status}, 200, "me");
	is_deeply($me->{json}{vaults}, [ { name => "default",
	    role => "proxy" } ], "its one vault");
	is(exchange($_)->{status}, 401, "nor one that is none") for
	    "av_agt_" . "0" x 64, "av_open_" . "0" x 64, "x";
	is(exchange($cookie)->{status}, 401, "a cookie is not exchanged");
	is(ask("POST /v1/auth/exchange", @from, $_)->{status}, 400,
	    "what is no token at all") for {}, { token => "" },
	    { token => 1 }, { token => "x", more => 1 },
	    { token => "x" x 513 };
};

subtest "sizes" => sub {
	my $body = sub { return '{"token":"x"' . " " x ($_[0] - 13) . "}" };
	my $try = sub {
		my ($n, $line, @h) = @_;
		my $r = Daemon::request(tcp(), $line, "Host: $host", @h,
		    \$body->($n));
		return "$r->{status}";
	};
	my $chunk = sub {
		my $r = Daemon::request(tcp(), "POST /v1/auth/exchange",
		    "Host: $host", "Transfer-Encoding: chunked",
		    \sprintf("%x\r\n%s\r\n0\r\n\r\n", $_[0],
		    $body->($_[0])));
		return $r->{status};
	};
	is($try->(4096, "POST /v1/auth/exchange"), 401,
	    "who is not known yet may say 4 KiB");
	is($try->(4097, "POST /v1/auth/exchange"), 413, "and no more");
	is($chunk->(4096), 401, "in chunks");
	is($chunk->(4097), 413, "as well");
	is($try->(4097, "POST /v1/auth/logout"), 413, "signing out");
	is($try->(4097, "GET /health"), 413, "in public");
	is($try->(4097, "POST /v1/vaults",
	    "Authorization: Bearer $owner"), 400, "who is known, more");
};

subtest "each kind in its place" => sub {
	my $link = link_token();
	my $cookie = login($member);
	is(ask("GET /v1/auth/me", "Authorization: Bearer $_")->{status}, 401,
	    "not as Bearer") for $cookie, $link;
	is(ask("GET /v1/auth/me", with($_))->{status}, 401,
	    "not as a cookie") for $member, $link;
	my $s = $d->dial;
	is(Daemon::request($s, "GET http://localhost:1/", "Host: x",
	    "Proxy-Authorization: " . Daemon::basic($cookie))->{status}, 407,
	    "not at the proxy");
	is(exchange($link)->{status}, 200, "the link is as good as before");

	is(ask("GET /v1/auth/me", with($cookie),
	    "Authorization: Bearer $owner")->{json}{agent_name}, "boss",
	    "Authorization wins");
	is(ask("GET /v1/auth/me", with($cookie),
	    "Authorization: Bearer av_agt_" . "0" x 64)->{status}, 401,
	    "even a bad one");
	is(ask("GET /v1/auth/me", with($cookie), "Authorization: Basic eA==")
	    ->{status}, 401, "or none that is a token");
	is(ask("GET /v1/auth/me", "Cookie: a=b; av_session=$cookie; c")
	    ->{status}, 200, "among other cookies");
	is(ask("GET /v1/auth/me", "Cookie: av_sessions=$cookie")->{status},
	    401, "by its name");
	is(ask("GET /v1/auth/me", "Cookie: av_session=$cookie; av_session=x")
	    ->{status}, 400, "twice is refused");
	is(ask("GET /v1/auth/me", with($cookie), with($cookie))->{status},
	    400, "in two fields too");
	is(ask("GET /v1/auth/me", with("\"$cookie\""))->{status}, 401,
	    "in quotes it is none of ours");
	is(ask("GET /health", "Cookie: av_session=x; av_session=x")
	    ->{status}, 200, "what is for everybody does not look");
	my $u = IO::Socket::UNIX->new(Peer => $d->{socket});
	my $r = Daemon::request($u, "GET /v1/auth/me", "Host: x",
	    with($cookie));
	like($r->{body}, qr/"clerk"/, "on the socket it is the lesser too");
};

subtest "where it comes from" => sub {
	my $cookie = login($owner);
	my $make = sub {
		my ($name, @h) = @_;
		return ask("POST /v1/vaults", with($cookie), @h,
		    { name => $name });
	};
	is($make->("good", @from)->{status}, 201, "our own page");
	for ([ "no Origin" ], [ "null", "Origin: null" ],
	    [ "another", "Origin: http://example.org" ],
	    [ "another port", "Origin: http://127.0.0.1:1" ],
	    [ "https", "Origin: https://$host" ],
	    [ "a path", "Origin: http://$host/" ],
	    [ "another name", "Origin: http://localhost:$d->{api}" ],
	    [ "two", "Origin: http://$host", "Origin: http://$host" ]) {
		my ($what, @h) = @$_;
		my $r = $make->("bad", @h);
		is($r->{status}, 403, "not $what");
		is($r->{json}{code}, "origin", "by its origin");
	}
	is($make->("name", "Host: LOCALHOST:$d->{api}",
	    "Origin: http://localhost:$d->{api}")->{status}, 201,
	    "a name, in any case");
	is(ask("POST /v1/vaults", "Authorization: Bearer $owner",
	    "Origin: http://example.org", { name => "token" })->{status},
	    201, "with a token there is no question");
	is(ask("GET /v1/vaults", with($cookie),
	    "Origin: http://example.org")->{status}, 200, "nor to read");
	is(ask("POST /v1/auth/exchange", "Origin: http://example.org",
	    { token => $member })->{status}, 403,
	    "nobody else's page signs anybody in");
	is(ask("POST /v1/auth/exchange", { token => $member })->{status},
	    200, "what is no browser may");
	is(ask("POST /v1/auth/logout", with($cookie))->{status}, 403,
	    "or out");
};

subtest "signing out" => sub {
	my $cookie = login(link_token());
	my $r = ask("POST /v1/auth/logout", with($cookie), @from);
	is($r->{status}, 200, "done") or diag $r->{body};
	is_deeply($r->{json}, { status => "ok" }, "says so");
	like($r->{head}, qr/^Set-Cookie: av_session=; Path=\/; Max-Age=0;/m,
	    "the cookie goes");
	is(me($cookie)->{status}, 401, "and is worth nothing");
	$r = ask("POST /v1/auth/logout", with($cookie), @from);
	is($r->{status}, 200, "again");
	is(ask("POST /v1/auth/logout")->{status}, 200, "without a cookie");
	is(ask("POST /v1/auth/logout", "Authorization: Bearer $member")
	    ->{status}, 400, "a token is not signed out");
	is(ask("GET /v1/auth/me", "Authorization: Bearer $member")->{status},
	    200, "it goes on");
};

subtest "one's own logins" => sub {
	my ($one, $two) = (login($member), login($member));
	my $other = login($owner);
	my $list = ask("GET /v1/auth/sessions", with($one))->{json}{sessions};
	my ($mine) = grep { $_->{current} } @$list;
	my ($id) = map { $_->{id} } grep { !$_->{current} } @$list;
	is($id, exchange_id(undef, $two), "the youngest first");
	ok(!(grep { $_->{id} eq exchange_id(undef, $other) } @$list),
	    "those of others are not there");
	is(ask("DELETE /v1/auth/sessions/" . exchange_id(undef, $other),
	    with($one), @from)->{status}, 404, "nor to be ended");
	my $r = ask("DELETE /v1/auth/sessions/$id", with($one), @from);
	is_deeply($r->{json}, { status => "revoked",
	    current => JSON::false }, "another of mine is");
	is(me($two)->{status}, 401, "at once");
	is(ask("DELETE /v1/auth/sessions/$id", with($one), @from)->{status},
	    404, "once");
	$r = ask("DELETE /v1/auth/sessions/$mine->{id}", with($one), @from);
	ok($r->{json}{current}, "and this one itself");
	is(me($one)->{status}, 401, "is gone");
	my @c = map { login($member) } 1 .. 33;
	is(me($c[0])->{status}, 401, "the 33rd ends the one unused longest");
	ok(alive($c[1]) && alive($c[32]), "and no other");
	is(scalar @{$d->api("GET", "/v1/auth/sessions")->{sessions}},
	    3, "the socket sees those by links");
};

# A stream that was opened with it, up to its first event.
sub stream {
	my ($path, $cookie) = @_;
	my $s = tcp();
	$s->syswrite("GET $path HTTP/1.1\r\nHost: $host\r\n" .
	    with($cookie) . "\r\n\r\n");
	like(Daemon::head($s), qr/^HTTP\/1.1 200.*event-stream/s,
	    "a stream with a cookie");
	return $s;
}
sub cut {
	my ($s) = @_;
	$s->timeout(10);
	local $SIG{ALRM} = sub { die };
	alarm 10;
	my $done = eval { 1 while $s->sysread(my $buf, 4096); 1 };
	alarm 0;
	return $done;
}

subtest "ends with what it hangs on" => sub {
	my $path = "/v1/vaults/default/logs/stream";
	my $c = login($member);
	my $s = stream($path, $c);
	$member = $d->api("POST", "/v1/agents/clerk/rotate")->
	    {av_agent_token};
	ok(cut($s), "is cut when the token is rotated");
	is(me($c)->{status}, 401, "the login has ended");

	$c = login($member);
	$s = stream($path, $c);
	is(ask("DELETE /v1/vaults/default/agents/clerk",
	    "Authorization: Bearer $owner")->{status}, 200, "no grant");
	ok(cut($s), "cuts the stream");
	is(ask("GET $path", with($c))->{status}, 403, "and no right");
	$d->api("POST", "/v1/vaults/default/agents", { name => "clerk",
	    role => "member" });

	$s = stream($path, $c);
	is(ask("POST /v1/auth/logout", with($c), @from)->{status}, 200,
	    "signing out");
	ok(cut($s), "cuts it");

	my $minted = ask("POST /v1/sessions",
	    "Authorization: Bearer $member", { vault => "default" })->{json};
	$c = login($minted->{token});
	my ($id) = map { $_->{id} } @{$d->api("GET",
	    "/v1/sessions?vault=default")->{sessions}};
	$d->api("DELETE", "/v1/sessions/$id?vault=default");
	is(me($c)->{status}, 401, "with a minted session that is revoked");

	$c = login($member);
	$s = stream($path, $c);
	$d->api("DELETE", "/v1/agents/clerk");
	ok(cut($s), "with an agent that is revoked");
	is(me($c)->{status}, 401, "for good");
};

subtest "what is written down" => sub {
	my $link = link_token();
	my $cookie = login($link);
	my $id = me($cookie)->{json}{session}{id};
	my ($row) = audits("login.link");
	is($row->{actor_name}, "local:$>", "who made a link");
	($row) = audits("login.begin");
	is($row->{actor_name}, "local:$>", "who signed in");
	is($row->{session}, $id, "as which login") or diag explain $row;
	is($row->{detail}{by}, "link", "by a link");
	ask("POST /v1/auth/logout", with($cookie), @from);
	($row) = audits("login.end");
	is($row->{session}, $id, "who signed out");
	exchange($owner);
	($row) = audits("login.begin");
	is($row->{actor_name}, "boss", "who signed in by a token");
	is($row->{detail}{by}, "token", "by that");
	exchange("av_open_" . "1" x 64);
	$row = comes(sub {
		my ($e) = grep { $_->{action} eq "auth_failed" &&
		    $_->{detail}{token} eq "av_open_" }
		    @{$d->api("GET", "/v1/admin/logs?limit=50&kind=event")->
		    {logs}};
		return $e;
	});
	ok($row, "a wrong link is a failed authentication");
	is($row->{detail}{ingress}, "api", "of the API");
	my $all = join "", map { encode_json($_) }
	    @{$d->api("GET", "/v1/admin/logs?limit=200")->{logs}};
	unlike($all, qr/av_(web|open)_[0-9a-f]/, "and no token is there");
};

subtest "brokerctl open" => sub {
	my @socket = ("-s", $d->{socket});
	my ($rc, $out, $err) = ctl(@socket, "open", "-v", "default");
	is($rc, 0, "done") or diag $err;
	like($out, qr{^http://\Q$host\E/#open=av_open_[0-9a-f]{64}\n\z},
	    "prints a link and nothing else");
	my $r = exchange($out =~ /=(\S+)/);
	is($r->{status}, 200, "which is good");
	is($r->{json}{vault}, "default", "for its vault");
	($rc, $out) = ctl(@socket, "-j", "open", "--print-only");
	my $j = decode_json($out);
	is($j->{ttl_seconds}, 60, "as JSON with its time");
	is(exchange($j->{url} =~ /=(\S+)/)->{status}, 200, "good as well");
	($rc, $out, $err) = ctl(@socket, "open", "-v", "none");
	is($rc, 1, "no such vault");
	like($err, qr/Vault not found/, "says so");
	($rc, $out, $err) = ctl("-u", "http://$host", "open");
	is($rc, 1, "not over the network");

	my $conf = slurp("$d->{dir}/conf");
	spew("$d->{dir}/conf", $conf =~ s/^listen api\K.*/ none/mr);
	($rc, $out, $err) = ctl(@socket, "reload");
	is($rc, 0, "without a listener") or diag $err;
	($rc, $out, $err) = ctl(@socket, "open");
	is($rc, 1, "there is no page");
	like($err, qr/listen api on 127\.0\.0\.1 port/, "and what to do");
	spew("$d->{dir}/conf", $conf);
	is((ctl(@socket, "reload"))[0], 0, "and with it again");
};

subtest "restarts" => sub {
	my $cookie = login($owner);
	my $local = login(link_token());
	for my $name ("api-tcp", "logd") {
		my %pid = map { $_->{name} => $_->{pid} }
		    @{$d->api("GET", "/v1/brokerd/status")->{processes}};
		kill "KILL", $pid{$name};
		ok(Frame::until(sub { alive($cookie) && alive($local) }),
		    "a login outlives $name");
	}
	my $link = link_token();
	is($d->stop, 0, "the daemon stops");
	ok($d->again, "and starts again");
	ok(alive($cookie) && alive($local), "a login outlives that");
	is(exchange($link)->{status}, 401, "a link does not");
};

is($d->stop, 0, "the daemon stops");
done_testing();
