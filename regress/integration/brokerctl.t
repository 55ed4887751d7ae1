#!/usr/bin/perl
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

# brokerctl and a real daemon: every command, and programs under run.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin, "$Bin/../proc";
use Ctl;
use File::Copy;
use Frame;
use JSON;
use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(sleep);

my $top = $Frame::top;
my $nobody = 65534;
my ($rc, $out, $err, $j);

# Runs it and wants success; the output.
sub good {
	my $name = "brokerctl " . join(" ", grep { !ref } @_);
	my ($r, $o, $e) = ctl(@_);
	is($r, 0, $name) or diag($e);
	return $o;
}

sub bad {
	my ($re, @args) = @_;
	my ($r, $o, $e) = ctl(@args);
	is($r, 1, "brokerctl @{[grep { !ref } @args]} fails");
	like($e, $re, "and says why");
}

sub gives { my ($out, $re, $name) = @_; like($out, $re, $name) }

# The upstream of the demonstration: TLS, and a file of what it was sent.
my $up = "$Ctl::dir/up";
mkdir $up or die;
chmod 0755, $up;
my $port = Frame::port();
my $upstream = fork // die;
if ($upstream == 0) {
	open(STDOUT, ">", "$up/log");
	open(STDERR, ">&STDOUT");
	exec "$top/demo/upstream", "-p", $port, $up;
	exit 1;
}
my $host = "api.demo.localhost:$port";
my $test_pid = $$;
END { kill "TERM", $upstream if $upstream && $$ == $test_pid }
Frame::until(sub { -s "$up/port" && -s "$up/ca.pem" })
    or BAIL_OUT("no upstream: " . slurp("$up/log"));
chmod 0644, "$up/ca.pem";

my $f = Frame->new($> == 0 ? "root" : "user", extra =>
    "network { allow 127.0.0.0/8 allow ::1/128 }\n" .
    "upstream ca \"$up/ca.pem\"\n");
sub real {
	my ($d) = @_;
	for my $p (qw(keyd logd resolver mitm proxy api)) {
		unlink "$d->{dir}/lib/$p";
		copy("$top/$p/$p", "$d->{dir}/lib/$p") or die "$p: $!";
		chmod 0755, "$d->{dir}/lib/$p";
	}
}
real($f);
$ENV{BROKERD_SOCKET} = $f->{socket};
bad(qr/does not run there/, "status");
$f->start;
ok($f->ready, "daemon ready") or BAIL_OUT($f->log);

# Before init, and init.
bad(qr/brokerctl init/, "vault", "list");
gives(good("status"), qr/^not initialized: run: brokerctl init$/m, "status");
gives(good("ca"), qr/\A-----BEGIN CERT.*-----END CERTIFICATE-----\n\z/s,
    "the certificate is there before init");
gives(good("init"), qr/vault "default"/, "init");
gives(good("init"), qr/initialized already/, "a second time");

# The daemon.
$j = decode_json(good("status", "-j"));
is_deeply([sort map { $_->{name} } @{ $j->{processes} }], [sort qw(parent
    logd keyd resolver mitm mitm proxy proxy api-local api-tcp)],
    "status -j has every process");
for my $p (@{ $j->{processes} }) {
	is(ref $p->{counters}, "HASH", "$p->{name}: counters");
	ok(kill(0, $p->{pid}), "$p->{name}: pid") if $> == 0;
	ok(defined $p->{$_}, "$p->{name}: $_")
	    for qw(instance uptime restarts);
}
unlike(good("status"), qr/not init/, "initialized");
gives(good("-j", "reload"), qr/"reloaded": true/, "-j in front");
good("log", "verbose");
good("log", "b");
spew("$f->{dir}/conf.good", slurp("$f->{dir}/conf"));
open(my $conf, ">>", "$f->{dir}/conf") or die;
print $conf "nonsense\n";
close $conf;
bad(qr/^brokerctl: reload: ./, "reload");
spew("$f->{dir}/conf", slurp("$f->{dir}/conf.good"));
good("reload");

# Vaults.
good("vault", "add", "main");
bad(qr/^brokerctl: vault add: /, "vault", "add", "main");
gives(good("vault", "list"), qr/^VAULT +ROLE .*^default +admin .*^main +/ms,
    "a table");
good("v", "rename", "main", "other");
good("v", "set", "-v", "other", "unmatched", "deny");
good("v", "set", "-v", "other", "unmatched", "pass");
good("v", "set", "-v", "other", "log-path", "prefix");
($rc, $out, $err) = ctl("v", "set", "unmatched", "block");
is($rc, 2, "a value that is none");
like($err, qr/unmatched pass \| deny/, "and those that are");
is_deeply([map { $_->{name} } @{ decode_json(good("vault", "list",
    "-j"))->{vaults} }], ["default", "other"], "-j behind");
good("vault", "delete", "other");
bad(qr/not found/i, "vault", "delete", "other");

# Credentials: what goes in comes out.
for (["plain", "s3cret"], ["one newline of two", "a\n"], ["empty", ""],
    ["UTF-8", "k\xc3\xa9y"], ["spaces", " a b "], ["long", "x" x 32768]) {
	my ($name, $value) = @$_;
	good("credential", "set", "A_KEY", { in => "$value\n" });
	ok(good("credential", "get", "A_KEY") eq "$value\n", $name);
}
good("credential", "set", "A_KEY", { in => "no newline" });
is(good("credential", "get", "A_KEY"), "no newline\n", "without a newline");
is(good("credential", "set", "A_KEY", { in => "hidden\n" }),
    "credential A_KEY set in vault default\n", "set does not show it");
bad(qr/NUL/, "credential", "set", "A_KEY", { in => "a\0b" });
bad(qr/UTF-8/, "credential", "set", "A_KEY", { in => "a\xff\n" });
bad(qr/more than 32768 bytes/, "credential", "set", "A_KEY",
    { in => "x" x 32769 });
is(good("credential", "get", "A_KEY"), "hidden\n", "and nothing changed");
($rc, $out, $err) = ctl("credential", "set", "A_KEY", "value");
is($rc, 2, "no value is an argument");
bad(qr/^brokerctl: credential set: /, "credential", "set", "lower",
    { in => "x" });
good("credential", "set", "B_KEY", { in => "b\n" });
is(good("credential", "list"), "CREDENTIAL  TYPE\nA_KEY       static\n" .
    "B_KEY       static\n", "list");
good("credential", "delete", "B_KEY");
bad(qr/./, "credential", "get", "B_KEY");
bad(qr/./, "credential", "delete", "B_KEY");

# Services of each type.
good("service", "add", "-t", "bearer", "-k", "A_KEY", "bear",
    "bear.example.com");
good("service", "add", "-t", "basic", "-k", "A_KEY", "-p", "MISSING",
    "--path", "/v1/*", "base", "base.example.com:8443");
good("service", "add", "-t", "api-key", "-k", "A_KEY", "-H", "X-Key", "-P",
    "Key ", "-m", "GET,POST", "keyed", "keyed.example.com/x");
good("service", "add", "-t", "custom", "-H", "X-One: a {{ A_KEY }}", "-H",
    "X-Two:{{MISSING}}:b", "-a", "cust", "*.example.org");
good("service", "add", "-d", "-t", "passthrough", "pass", "pass.example.com");
$j = decode_json(good("service", "list", "-j"));
is_deeply($j->{services}, [
    { name => "bear", host => "bear.example.com",
	auth => { type => "bearer", token => "A_KEY" } },
    { name => "base", host => "base.example.com:8443/v1/*",
	auth => { type => "basic", username => "A_KEY",
	    password => "MISSING" } },
    { name => "keyed", host => "keyed.example.com/x",
	auth => { type => "api-key", key => "A_KEY", header => "X-Key",
	    prefix => "Key " }, methods => ["GET", "POST"] },
    { name => "cust", host => "*.example.org", allow_plaintext => JSON::true,
	auth => { type => "custom", headers => {
	    "X-One" => "a {{ A_KEY }}", "X-Two" => "{{MISSING}}:b" } } },
    { name => "pass", host => "pass.example.com", enabled => JSON::false,
	auth => { type => "passthrough" } }], "as they are kept")
    or diag(explain($j));
$out = good("service", "list");
gives($out, qr/^SERVICE +HOST +AUTH +CREDENTIALS +METHODS +STATE$/m, "head");
gives($out, qr/^base .* A_KEY,MISSING \(not set\) +all +enabled$/m,
    "a credential that is missing is marked");
gives($out, qr/^cust .* A_KEY,MISSING \(not set\) +all +plaintext too$/m,
    "also one in a template");
gives($out, qr/^pass .* - +all +disabled$/m, "disabled");
good("service", "disable", "bear");
gives(good("service", "list"), qr/^bear .*disabled$/m, "disable");
good("service", "enable", "bear");
good("service", "set", "-f", spew("$Ctl::dir/services",
    good("service", "list", "-j") =~ s/,\s*"vault": "default"//r));
is(@{ decode_json(good("service", "list", "-j"))->{services} }, 5,
    "set takes what list gives");
good("service", "delete", "pass");
bad(qr/./, "service", "delete", "pass");
for (["-k is missing", "-t", "bearer"], ["other's option", "-t", "bearer",
    "-k", "A", "-H", "x"], ["no type", "-t", "magic"],
    ["two headers", "-t", "api-key", "-k", "A", "-H", "a", "-H", "b"],
    ["no template", "-t", "custom", "-H", "X-One"]) {
	my ($name, @args) = @$_;
	($rc, $out, $err) = ctl("service", "add", @args, "name", "host.com");
	is($rc, 2, "service add: $name");
	like($err, qr/^brokerctl: service add: ./, "says so");
}
bad(qr/\S/, "service", "add", "-t", "bearer", "-k", "A_KEY", "x", "ho st");

# Agents.
my $token = good("agent", "add", "-q", "bot");
like($token, qr/\Aav_agt_[0-9a-f]{64}\n\z/, "the token and nothing else");
bad(qr/^brokerctl: agent add: /, "agent", "add", "bot");
my $rotated = good("agent", "rotate", "-q", "bot");
like($rotated, qr/\Aav_agt_[0-9a-f]{64}\n\z/, "rotate");
isnt($rotated, $token, "another one");
chomp $rotated;
gives(good("agent", "list"), qr/^bot +active +default:proxy +no-access /m,
    "agent list");
good("vault", "add", "more");
good("agent", "grant", "-v", "more", "bot");
good("agent", "grant", "-v", "more", "-r", "member", "bot");
gives(good("agent", "list"), qr/^bot +active +\S*more:member/m,
    "grant changes a role, too");
good("agent", "ungrant", "-v", "more", "bot");
unlike(good("agent", "list"), qr/more/, "ungrant");
bad(qr/./, "agent", "ungrant", "-v", "more", "bot");
good("agent", "add", "-i", "member", "-r", "admin", "-v", "more", "boss");
gives(good("agent", "list"), qr/^boss +active +more:admin +member /m,
    "roles");
good("agent", "revoke", "boss");
gives(good("agent", "list"), qr/^boss +revoked/m, "revoke");
good("agent", "delete", "boss");
unlike(good("agent", "list"), qr/boss/, "delete");

# Sessions.
like(good("token", "mint", "-t", "10m", "-l", "na\xc3\xafve"),
    qr/\Aav_sess_[0-9a-f]{64}\n\z/, "token mint");
$j = decode_json(good("token", "list", "-j"))->{sessions};
is(@$j, 1, "token list");
gives(good("token", "list"), qr/^\Q$j->[0]{id}\E +proxy +local:\d+ .*na/m,
    "as a table");
good("token", "revoke", $j->[0]{id});
is(good("token", "list"), "", "revoked; no table without rows");
bad(qr/^brokerctl: token mint: ./, "token", "mint", "-t", "1m");
is((ctl("token", "mint", "-t", "soon"))[0], 2, "a ttl that is none");

# Over TCP with a token, and the lesser rights of it.
my $url = "http://127.0.0.1:$f->{api}";
bad(qr/BROKERD_TOKEN/, "-u", $url, "service", "list");
gives(good("-u", $url, "service", "list", { env => {
    BROKERD_TOKEN => $rotated } }), qr/^bear /m, "a token holder's list");
bad(qr/^brokerctl: credential set: ./, "-u", $url, "credential", "set",
    "A_KEY", { in => "x", env => { BROKERD_TOKEN => $rotated } });
bad(qr/only on the local socket/, "-u", $url, "status");
is((ctl("-u", "ftp://x", "ca"))[0], 2, "a URL that is none");
is((ctl("-u", $url, "-s", "x", "ca"))[0], 2, "both -s and -u");
like(good("-u", $url, "ca"), qr/BEGIN CERT/, "ca is for everybody");

# Over TLS, which the upstream can do, whatever it answers.
for my $name ("localhost", "127.0.0.1") {
	my %as = (env => { BROKERD_TOKEN => "to-$name" });
	good("-C", "$up/ca.pem", "-u", "https://$name:$port", "vault", "list",
	    { %as });
	like(slurp("$up/seen"), qr/"Authorization","Bearer to-$name"/,
	    "the token got there");
	bad(qr/^brokerctl: $name:$port: TLS: .*certificate/i, "-u",
	    "https://$name:$port", "vault", "list", { %as });
}
bad(qr/nowhere.*authorities/, "-C", "/nowhere", "-u", "https://localhost",
    "ca");
($rc, $out, $err) = ctl("-u", "http://localhost:$port", "ca");
is($rc, 1, "HTTP to a server of HTTPS");

# Who may not.
SKIP: {
	skip "not root", 2 if $> != 0;
	bad(qr/no permission/, "status", { uid => $nobody });
}

# Programs under run.
good("credential", "set", "DEMO", { in => "the-secret\n" });
good("service", "add", "-t", "bearer", "-k", "DEMO", "demo", $host);
$ENV{TMPDIR} = "$Ctl::dir/tmp";
mkdir $ENV{TMPDIR};
chmod 01777, $ENV{TMPDIR};
$out = good("run", "env", { env => { HTTPS_PROXY => "stale",
    all_proxy => "stale", AGENT_VAULT_SESSION_TOKEN => "stale",
    NO_PROXY => "*", SSL_CERT_FILE => "stale", PIP_CERT => "stale",
    AWS_CA_BUNDLE => "stale", KEPT => "yes" } });
unlike($out, qr/stale|BROKERD_/, "nothing stale, nothing of brokerctl's");
my %env = map { split /=/, $_, 2 } split /\n/, $out;
my $proxy = qr{^http://av_sess_[0-9a-f]{64}:default\@127\.0\.0\.1:$f->{proxy}$};
for my $n (qw(HTTPS_PROXY HTTP_PROXY)) {
	like($env{$n}, $proxy, $n);
	is($env{lc $n}, $env{$n}, lc $n);
}
is($env{$_}, "127.0.0.1,::1", "$_ without localhost, since a service is " .
    "below it") for qw(NO_PROXY no_proxy);
is($env{NODE_USE_ENV_PROXY}, "1", "NODE_USE_ENV_PROXY");
is($env{AGENT_VAULT_ADDR}, $url, "AGENT_VAULT_ADDR");
is($env{AGENT_VAULT_VAULT}, "default", "AGENT_VAULT_VAULT");
like($env{HTTPS_PROXY}, qr/\Q$env{AGENT_VAULT_TOKEN}\E/, "one token");
is($env{KEPT}, "yes", "the rest of the environment");
my $bundle = $env{SSL_CERT_FILE};
for my $n (qw(NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
    GIT_SSL_CAINFO DENO_CERT PIP_CERT AWS_CA_BUNDLE HTTPLIB2_CA_CERTS
    NIX_SSL_CERT_FILE CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH)) {
	is($env{$n}, $bundle, $n);
}
is((stat $bundle)[2] & 07777, 0600, "the bundle is private");
is((stat $ENV{TMPDIR} . "/brokerctl-$>")[2] & 07777, 0700, "and its place");
my $ca = good("ca");
ok(index(slurp($bundle), $ca) > 0, "brokerd's authority is in it");
cmp_ok(scalar(() = slurp($bundle) =~ /BEGIN CERTIFICATE/g), ">", 20,
    "and the system's");
good("run", "true");
is(() = glob("$ENV{TMPDIR}/brokerctl-*/*"), 2, "found again, not piled up");

is((ctl("run", "sh", "-c", "exit 37"))[0], 37, "the command's status");
is((ctl("run", "sh", "-c", 'kill -TERM $$'))[0], "signal 15", "its signal");
is((ctl("run", "--", "sh", "-c", "yes | head -n 1 > /dev/null"))[0], 0,
    "SIGPIPE is as it was");
is((ctl("run", "/nowhere/at/all"))[0], 127, "a command that is not there");
is((ctl("run", "/etc/passwd"))[0], 126, "one that is none");
is(good("run", "cat", { in => "input" }), "input", "stdin is the command's");
$out = good("run", "env", { env => { BROKERD_TOKEN => $rotated } });
like($out, qr/^AGENT_VAULT_TOKEN=\Q$rotated\E$/m, "the token that is there");
is((ctl("run", "-t", "1h", "env", { env => {
    AGENT_VAULT_TOKEN => $rotated } }))[0], 2, "which has its own end");
bad(qr/AGENT_VAULT_TOKEN/, "run", "true",
    { env => { AGENT_VAULT_TOKEN => "av_agt_wrong" } });
bad(qr/./, "run", "-v", "more", "true", { env => {
    BROKERD_TOKEN => $rotated } });
$out = good("-u", $url, "run", "env", { env => {
    BROKERD_TOKEN => $rotated } });
like($out, qr/^AGENT_VAULT_ADDR=\Q$url\E$/m, "run at a URL");
like($out, qr/^http_proxy=.*\@127\.0\.0\.1:$f->{proxy}$/m, "and its host");
bad(qr/BROKERD_TOKEN/, "-u", $url, "run", "true");
# Whatever a command is called, its session has a label.
symlink "/bin/true", "$Ctl::dir/tr\xc3\xbce" . "x" x 120;
good("run", "$Ctl::dir/tr\xc3\xbce" . "x" x 120);
$out = good("run", "env", { env => { BROKERD_PROXY => "[::1]:7" } });
like($out, qr/^HTTPS_PROXY=http:.*\@\[::1\]:7$/m, "BROKERD_PROXY");
like($out, qr/^NO_PROXY=127\.0\.0\.1,::1,::1$/m, "and NO_PROXY");
bad(qr/not host:port/, "run", "true", { env => { BROKERD_PROXY => "x" } });
good("service", "delete", "demo");
like(good("run", "env"), qr/^NO_PROXY=localhost,127\.0\.0\.1,::1$/m,
    "localhost goes around the proxy");
good("service", "add", "-t", "bearer", "-k", "DEMO", "demo", $host);

spew("$Ctl::dir/get.js", <<'END');
const http = require("http"), tls = require("tls");
const proxy = new URL(process.env.HTTPS_PROXY);
const [target, path] = process.argv.slice(2), name = target.split(":")[0];
const who = decodeURIComponent(proxy.username) + ":" + proxy.password;
http.request({ host: proxy.hostname, port: proxy.port, method: "CONNECT",
    path: target, headers: { "Proxy-Authorization": "Basic " +
    Buffer.from(who).toString("base64") } }).on("connect", (r, s) => {
	const t = tls.connect({ socket: s, servername: name }, () => {
		t.write("GET " + path + " HTTP/1.1\r\nHost: " + target +
		    "\r\nConnection: close\r\n\r\n");
		t.pipe(process.stdout);
	});
}).end();
END
my $py = "import sys,urllib.request as u;" .
    "print(u.urlopen(sys.argv[1]).read().decode())";
my %programs = (
	curl => [["curl", "-sS"], qr/hello/],
	wget => [["wget", "-nv", "-O", "-"], qr/hello/],
	git => [["git", "ls-remote"], undef],
	python3 => [["python3", "-c", $py], qr/hello/],
	node => [["node", "$Ctl::dir/get.js", $host], qr/hello/],
);
for my $p (sort keys %programs) {
	my ($cmd, $re) = @{ $programs{$p} };
	SKIP: {
		skip "no $p", 3 if system("command -v $p > /dev/null 2>&1");
		my $where = $p eq "node" ? "/$p" : "https://$host/$p";
		($rc, $out, $err) = ctl("run", @$cmd, $where);
		is($rc, 0, "$p under run") or diag($err) if defined $re;
		like($out, $re, "$p gets an answer") if defined $re;
		my ($seen) = slurp("$up/seen") =~ m{^(.*"/$p\b.*)$}m;
		like($seen // "", qr/"Authorization","Bearer the-secret"/,
		    "which was asked for with the credential") or diag($err);
		unlike($seen // "", qr/av_sess/, "and not with the token");
	}
}

# The log of it.
my @rows;
Frame::until(sub {
	@rows = map { decode_json($_) } split /\n/, (ctl("logs", "-o",
	    "json"))[1];
	return scalar grep { $_->{path} =~ m{^/wget} } @rows;
});
my @ids = map { $_->{id} } @rows;
is_deeply(\@ids, [sort { $a <=> $b } @ids], "logs: oldest first");
my ($row) = grep { $_->{path} eq "/curl" } @rows;
is($row->{matched_service}, "demo", "logs: the service");
is($row->{status}, 200, "logs: the status");
gives(good("logs"), qr{ GET +\Q$host\E/curl +200 +\d+ ms +demo +\S+ +-\s*$}m,
    "logs");
gives(good("logs", "-o", "wide"), qr/ brokered +demo +DEMO .* mitm /m,
    "logs -o wide");
is(scalar(() = good("logs", "-n", "1", "-j") =~ /^\{/mg), 1, "logs -n 1");
gives(good("logs", "--instance", "-n", "200"),
    qr/ audit +credential\.reveal .*A_KEY/, "logs --instance");
is(good("logs", "-v", "more"), "", "an empty log");
for (["-n", 0], ["-n", "x"], ["-n", 100001], ["-o", "xml"],
    ["--status", "0xx"], ["--since", "yesterday"], ["--kind", "request,x"],
    ["--min-ms", ""], ["--after-cursor", -1]) {
	is((ctl("logs", @$_))[0], 2, "logs @$_");
}
gives((ctl("logs", "--status", "200,0xx"))[2],
    qr/--status 200,0xx: status: "0xx" is no status/, "what is wrong");

# Which rows: each option by itself, and several.
sub ids { return join ",", map { decode_json($_)->{id} }
    split /\n/, good("logs", "-j", @_) }
sub those {
	my ($want) = @_;
	return join ",", map { $_->{id} } grep { $want->($_) } @rows;
}
my $of = $row->{actor_id};
for (["--path", "/curl", sub { $_[0]{path} eq "/curl" }],
    ["--path", "!/cu*", sub { $_[0]{path} !~ m{^/cu} }],
    ["--host", uc $host, sub { $_[0]{host} eq $host }],
    ["--status", "2xx", sub { ($_[0]{status} // -1) =~ /^2..$/ }],
    ["--status", "404,5xx,300-399", sub { ($_[0]{status} // -1) =~
    /^(404|5..|3..)$/ }], ["--method", "get,PUT", sub { $_[0]{method} =~
    /^(GET|PUT)$/ }], ["--service", "demo", sub { $_[0]{matched_service} eq
    "demo" }], ["--actor", $of, sub { $_[0]{actor_id} eq $of }],
    ["--decision", "brokered", sub { $_[0]{decision} eq "brokered" }],
    ["--kind", "request", sub { $_[0]{kind} eq "request" }],
    ["--min-ms", 5, sub { $_[0]{latency_ms} >= 5 }],
    ["--id", $row->{request_id}, sub { $_[0]{id} == $row->{id} }],
    ["--since", $row->{created_at}, sub { $_[0]{created_at} ge
    $row->{created_at} }],
    ["--until", $row->{created_at}, sub { $_[0]{created_at} lt
    $row->{created_at} }]) {
	my $want = pop @$_;
	is(ids(@$_), those($want), "logs @$_");
}
is(ids("--since", "1d", "--path", "/curl", "--status", "2xx", "--method",
    "GET"), $row->{id}, "logs with several options");
is(ids("--until", "1d"), "", "nothing that old");

# Row by row from the beginning, each of them once.
my ($cursor, @seen) = (0);
for (1 .. @rows + 5) {
	my ($rc, $out, $err) = ctl("logs", "-j", "-n", 2, "--after-cursor",
	    $cursor, "--show-cursor", "--kind", "request");
	is($rc, 0, "after $cursor");
	last if $err =~ /^-- cursor: $cursor$/m;
	push @seen, map { decode_json($_)->{id} } split /\n/, $out;
	($cursor) = $err =~ /^-- cursor: (\d+)$/m or last;
}
is(join(",", @seen), those(sub { $_[0]{kind} eq "request" }),
    "each row once");
is((ctl("logs", "--after-cursor", $cursor + 1000000))[0], 1,
    "a cursor from another database");

my @csv = split /\n/, good("logs", "-o", "csv", "--path", "/curl");
like($csv[0], qr/^id,created_at,kind,.*,detail$/, "CSV: the names");
like($csv[1], qr/^$row->{id},.*,GET,\Q$host\E,\/curl,/, "CSV: the row");
is(@csv, 2, "CSV: a line each");
gives(good("logs", "--instance", "-v", "default", "--path", "/curl", "-j"),
    qr/^\{"id":$row->{id},/, "of one vault among all");

# Output that does not get there.
SKIP: {
	skip "no /dev/full", 2 if !-c "/dev/full";
	($rc, $out, $err) = ctl("status", { out => "/dev/full" });
	is($rc, 1, "a full disk");
	like($err, qr/stdout: No space/, "is said");
}
($rc, $out, $err) = ctl("sh", "-c",
    "{ $Ctl::program status; echo \$? >&2; } | true; sleep 0.2", { cmd => [
    "env"] });
like($err, qr/\A(141|0)\n\z/, "a reader that left: no word");

# A terminal.
SKIP: {
	skip "no script(1) of util-linux", 8
	    if qx(script --version 2>/dev/null) !~ /util-linux/;
	my $tty = sub {
		my ($line, %env) = @_;
		return (ctl("script", "-qec", $line, "/dev/null",
		    { cmd => ["env"], env => { TERM => "xterm", %env } }))[1];
	};
	my $c = $Ctl::program;
	like($tty->("$c status"), qr/\e\[1mPROCESS\e\[0m/, "colours");
	unlike($tty->("$c status", NO_COLOR => 1), qr/\e/, "NO_COLOR");
	unlike($tty->("$c status", TERM => "dumb"), qr/\e/, "TERM=dumb");
	unlike(good("status"), qr/\e/, "no terminal");
	like($tty->("$c vault list"), qr/^default .* \d+[smh] ago/m,
	    "relative times");
	my $t = $tty->("$c agent rotate bot");
	like($t, qr/^av_agt_.*^\(the agent's new token/ms, "what a token is");
	like($tty->("$c agent rotate -q bot"), qr/\Aav_agt_\w+\r\n\z/,
	    "only the token with -q");
	(undef, $out) = ctl("sh", "-c", "(sleep 1; echo typed; sleep 1) | " .
	    "script -qec '$c credential set A_KEY' /dev/null",
	    { cmd => ["env"] });
	unlike($out, qr/typed/, "no echo");
	is(good("credential", "get", "A_KEY"), "typed\n", "a typed value");
}

# The warnings of run: the daemon's own user, and root.
($rc, $out, $err) = ctl("run", "true");
like($err, $> == 0 ? qr/runs as root/ : qr/as the user of the command/,
    "run warns");
is($f->stop, 0, "the daemon ends");
SKIP: {
	skip "not root", 4 if $> != 0;
	my $u = Frame->new("user");
	real($u);
	$u->start;
	ok($u->ready, "a daemon without privileges") or diag($u->log);
	my %as = (uid => $nobody, env => { BROKERD_SOCKET => $u->{socket} });
	good("init", { %as });
	like(good("status", { %as }), qr/^not privileged: /m, "status says so");
	($rc, $out, $err) = ctl("run", "true", { %as });
	like($err, qr/runs as the user of the command/, "and so does run");
	is($u->stop, 0, "the daemon ends");
}

done_testing();
