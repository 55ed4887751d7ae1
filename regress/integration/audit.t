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

# Each route of the API that changes or reveals something leaves one audit row,
# with who, what and which vault; one that is refused leaves none.  The routes
# are those of the source: a new one must be tried here.

use strict;
use warnings;

use JSON;
use Test::More;
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my $top = $ENV{TOP} || ".";
my $d = Daemon->new("user");
my $V = "/v1/vaults/*";

sub routes {
	open(my $f, "<", "$top/api/route.c") or die "route.c: $!";
	my $text = do { local $/; <$f> };
	my @found;
	while ($text =~ /\{ HTTP_M_(POST|PUT|PATCH|DELETE), ((?:V|"\/)[^,]*),/g) {
		my ($m, $p) = ($1, $2);
		$p =~ s/\bV\b/"$V"/;
		$p =~ s/"\s*"//g;
		$p =~ tr/"//d;
		push @found, "$m $p";
	}
	return @found;
}

# Audit rows that are newer than the last look.
my $head = 0;
sub news {
	my $o = $d->api("GET",
	    "/v1/admin/logs?kind=audit&limit=200&after=$head");
	$head = $o->{latest_id};
	my @new = reverse @{$o->{logs}};
	return @new;
}

my %tried;

sub audited {
	my ($route, $action, $vault) = @_;
	my @new = news();

	is(scalar @new, 1, "$route: one row") or
	    diag explain [ map { $_->{action} } @new ];
	my $row = $new[0] // { detail => {} };
	is($row->{action}, $action, "$route: $action");
	is("$row->{actor_type} $row->{actor_id}", "local local:$>",
	    "$route: by whom");
	is($row->{detail}{vault}, $vault, "$route: in which vault");
	$tried{$route} = 1;
	return $row;
}

# The agent's token lets it use a vault and change nothing.
sub leaves {
	my ($route, $action, $vault, $path, $body) = @_;
	my ($m) = split / /, $route, 2;
	my $no = tcp($m, $path, $body, "Authorization: Bearer $d->{token}");

	like($no->{status}, qr/^40[34]$/, "$route: not for everyone");
	is(scalar(news()), 0, "$route: and then nothing is audited");
	my $r = $d->api($m, $path, $body);
	audited($route, $action, $vault);
	return $r;
}

sub tcp {
	my ($m, $path, $body, @head) = @_;
	my $s = IO::Socket::INET->new("127.0.0.1:$d->{api}") or
	    die "api: $!";

	return Daemon::request($s, "$m $path", "Host: 127.0.0.1:$d->{api}",
	    @head, $m eq "GET" ? () : \encode_json($body // {}));
}

my %service = (host => "a.test", auth => { type => "bearer",
    token => "KEY" });
$d->furnish({ name => "one", %service });
is(([ news() ]->[0] // {})->{action}, "init", "the first row is of init");
$tried{"POST /v1/brokerd/init"} = 1;

leaves("POST /v1/vaults", "vault.create", "two", "/v1/vaults",
    { name => "two" });
leaves("POST $V/rename", "vault.rename", "two", "/v1/vaults/two/rename",
    { name => "three" });
my $v = "/v1/vaults/three";
leaves("PATCH $V/settings", "vault.settings", "three", "$v/settings",
    { log_path => "none" });
leaves("POST $V/services", "service.upsert", "three", "$v/services",
    { services => [ { name => "one", %service } ] });
leaves("PUT $V/services", "service.replace", "three", "$v/services",
    { services => [ map { { name => $_, %service } } qw(one two) ] });
leaves("PATCH $V/services/*", "service.enable", "three", "$v/services/one",
    { enabled => JSON::false });
leaves("DELETE $V/services/*", "service.delete", "three",
    "$v/services/one");
leaves("DELETE $V/services", "service.clear", "three", "$v/services");
leaves("POST /v1/credentials", "credential.set", "three", "/v1/credentials",
    { vault => "three", credentials => { A => "x", B => "y" } });
leaves("GET /v1/credentials", "credential.reveal", "three",
    "/v1/credentials?vault=three&reveal=true&key=A");
$d->api("GET", "/v1/credentials?vault=three");
is(scalar(news()), 0, "names alone reveal nothing");
leaves("DELETE /v1/credentials", "credential.delete", "three",
    "/v1/credentials", { vault => "three", keys => [ "A" ] });
leaves("POST /v1/agents", "agent.create", undef, "/v1/agents",
    { name => "clerk" });
leaves("POST /v1/agents/*/rotate", "agent.rotate", undef,
    "/v1/agents/clerk/rotate");
leaves("POST /v1/agents/*/rename", "agent.rename", undef,
    "/v1/agents/clerk/rename", { name => "scribe" });
leaves("POST /v1/agents/*/role", "agent.role", undef,
    "/v1/agents/scribe/role", { role => "member" });
leaves("POST $V/agents", "grant.set", "three", "$v/agents",
    { name => "scribe", role => "proxy" });
leaves("POST $V/agents/*/role", "grant.set", "three",
    "$v/agents/scribe/role", { role => "member" });
leaves("DELETE $V/agents/*", "grant.delete", "three", "$v/agents/scribe");
leaves("DELETE /v1/agents/*", "agent.revoke", undef, "/v1/agents/scribe");
leaves("POST /v1/agents/*/delete", "agent.delete", undef,
    "/v1/agents/scribe/delete");
leaves("POST /v1/sessions", "session.mint", "three", "/v1/sessions",
    { vault => "three" });
my $id = $d->api("GET", "/v1/sessions?vault=three")->{sessions}[0]{id};
leaves("DELETE /v1/sessions/*", "session.revoke", "three",
    "/v1/sessions/$id?vault=three");
leaves("PUT /v1/admin/settings", "settings.set", undef, "/v1/admin/settings",
    { logs_retention => { max_rows_per_vault => 500 } });
leaves("POST /v1/brokerd/reload", "daemon.reload", undef,
    "/v1/brokerd/reload");
leaves("POST /v1/brokerd/verbose", "daemon.verbose", undef,
    "/v1/brokerd/verbose", { verbose => JSON::true });
$d->api("GET", "/v1/admin/backup", undef, raw => 1);
audited("GET /v1/admin/backup", "daemon.backup", undef);

# Logins: by a link, and what ends them.
my @origin = ("Origin: http://127.0.0.1:$d->{api}");
sub login {
	my $link = leaves("POST /v1/brokerd/open", "login.link", "",
	    "/v1/brokerd/open");
	my ($token) = $link->{url} =~ /#open=(\S+)/;
	my $no = tcp("POST", "/v1/auth/exchange", { token => $token . "0" },
	    @origin);
	is($no->{status}, 401, "a wrong token");
	is(scalar(news()), 0, "is no login");
	my $r = tcp("POST", "/v1/auth/exchange", { token => $token }, @origin);
	my $row = audited("POST /v1/auth/exchange", "login.begin", undef);
	is($row->{session}, $r->{json}{session}, "the row names the login");
	my ($cookie) = $r->{head} =~ /^Set-Cookie: (av_session=[^;]*)/m;
	return ($r->{json}{session}, "Cookie: $cookie");
}
my ($first, $cookie) = login();
my ($second) = login();
tcp("DELETE", "/v1/auth/sessions/$second", undef, @origin, $cookie);
audited("DELETE /v1/auth/sessions/*", "login.end", undef);
tcp("POST", "/v1/auth/logout", undef, @origin, $cookie);
is(audited("POST /v1/auth/logout", "login.end", undef)->{session}, $first,
    "who ended it was in it");

leaves("DELETE $V", "vault.delete", "three", $v);

my @missing = grep { !$tried{$_} } routes();
cmp_ok(scalar(routes()), ">=", 30, "the routes of the source were found");
is_deeply(\@missing, [], "and each was tried");
is($d->stop, 0, "stopped");
done_testing();
