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
# What the record says is what happened: each field, each way to end, over all
# The examples of brokerd-api(7), as they are written: each endpoint has one,
# and the answer has the status and the fields that the page shows.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Daemon;
use JSON;
use Page;
use Test::More;

my $d = Daemon->new("user", bare => 1);
my $dir = "$d->{dir}/examples";
my $token = "none";
my $setup;

# ask METHOD, PATH, BODY: over the local socket, whatever comes of it.
sub ask { return eval { $d->api(@_) } // {} }

# The examples say curl; this one says the status as well.
sub wrap {
	mkdir $dir or die "$dir: $!";
	open(my $f, ">", "$dir/curl") or die "curl: $!";
	print $f "#!/bin/sh\nPATH=\${PATH#*:} exec curl -m 20 " .
	    "-w '%{stderr}%{http_code}' \"\$@\" 2> status\n";
	close $f;
	chmod 0755, "$dir/curl";
	$ENV{PATH} = "$dir:$ENV{PATH}";
	chdir $dir or die "$dir: $!";
}

# The variables are those that the page names.
sub variables {
	my ($id) = @_;
	my %value = (SOCKET => $d->{socket}, TOKEN => $token,
	    API => "http://127.0.0.1:$d->{api}");
	my ($text) = section("man/brokerd-api.7", "DESCRIPTION") =~
	    /^\.Ss Examples\n(.*)/ms or die "no variables";

	return "ID=$id\n" . join "", map {
		s/^(\w+)=\K[^"].*/$value{$1} \/\/ die "$1?"/er . "\n"
	} map { split /\n/ } literal($text);
}

# The command of an item's example and the answer below it.
sub example {
	my ($item) = @_;

	for (literal($item->{text})) {
		return ($1, $2) if /^\$ (.*\n(?: {4}.*\n)*)((?:.*\n)*)/;
	}
	return;
}

# What is printed; of a stream, which does not end, the first event.
sub run {
	my ($cmd, $id) = @_;
	my $stream = $cmd =~ m{/stream};
	my $out = "";

	unlink "status";
	my $pid = open(my $p, "-|", "sh", "-c", variables($id) . "exec $cmd") or
	    die "sh: $!";
	while (<$p>) {
		$out .= $_;
		last if $stream && $out =~ /^data: .*\n\n/m;
	}
	kill "TERM", $pid if $stream;
	close $p;
	return $out;
}

# JSON as the page has it: "..." for what is left out, [ ] around fields that
# may be missing.
sub shape {
	my ($s, $optional) = @_;

	$$s =~ /\G[\s,]*/gc;
	return { kind => "any" } if $$s =~ /\G\.\.\./gc;
	return { kind => "text" } if $$s =~ /\G"(?:[^"\\]|\\.)*"/gcs;
	return { kind => "number" } if $$s =~ /\G-?[\d.]+/gc;
	return { kind => "bool" } if $$s =~ /\G(?:true|false)/gc;
	return { kind => "any" } if $$s =~ /\Gnull/gc;
	if ($$s =~ /\G\[/gc) {
		my $of;
		until ($$s =~ /\G[\s,]*\]/gc) {
			my $one = shape($s);
			$of //= $one;
		}
		return { kind => "list", of => $of // { kind => "any" } };
	}
	$$s =~ /\G\{/gc or die "not JSON: " . substr $$s, pos($$s) // 0;
	my $o = { kind => "object", fields => {} };
	fields($s, $o, 0);
	return $o;
}

sub fields {
	my ($s, $o, $optional) = @_;
	my $end = $optional ? "]" : "}";

	until ($$s =~ /\G[\s,]*\Q$end\E/gc) {
		if ($$s =~ /\G[\s,]*\[/gc) {
			fields($s, $o, 1);
		} elsif ($$s =~ /\G[\s,]*\.\.\./gc) {
			$o->{more} = 1;
		} else {
			$$s =~ /\G[\s,]*"(\w+)":/gc or
			    die "no field: " . substr $$s, pos($$s) // 0;
			my $name = $1;
			$o->{fields}{$name} = shape($s);
			$o->{optional}{$name} = $optional;
		}
	}
}

# Where a value is not what the page shows.
sub differs {
	my ($s, $v, $at) = @_;

	return () if $s->{kind} eq "any" || (!defined $v && $at);
	if ($s->{kind} eq "list") {
		return "$at: no list" if ref $v ne "ARRAY";
		return "$at: empty" if !@$v && $s->{of}{kind} eq "object";
		return map { differs($s->{of}, $v->[$_], "$at\[$_]") }
		    0 .. $#$v;
	}
	if ($s->{kind} ne "object") {
		my $is = JSON::is_bool($v) ? "bool" : ref $v ? "other" :
		    encode_json([$v]) =~ /^\["/ ? "text" : "number";
		return $is eq $s->{kind} ? () : "$at: $is, not $s->{kind}";
	}
	return "$at: no object" if ref $v ne "HASH";
	my $f = $s->{fields};
	return ((map { "$at.$_: not on the page" } grep { !$f->{$_} }
	    $s->{more} ? () : sort keys %$v),
	    (map { "$at.$_: missing" } grep { !exists $v->{$_} &&
	    !$s->{optional}{$_} } sort keys %$f),
	    map { differs($f->{$_}, $v->{$_}, "$at.$_") }
	    grep { exists $v->{$_} } sort keys %$f);
}

# What an answer has to look like: JSON, events or lines.
sub compare {
	my ($want, $got) = @_;

	return () if $want eq "";
	if ($want =~ /^event: (\w+)\nid: \d+\ndata: (.*)/s) {
		my ($event, $data) = ($1, $2);
		$got =~ /^event: \Q$event\E\nid: \d+\ndata: (.*)\n\n/m or
		    return "no event $event: $got";
		return differs(shape(\$data), decode_json($1), "");
	}
	return $got eq "" ? "nothing" : () unless $want =~ /^\{/;
	my $v = eval { decode_json($got =~ /^(\{.*)$/m ? $1 : $got) } or
	    return "no JSON: $got";
	return differs(shape(\$want), $v, "");
}

# The vault, and what is in it, as the examples expect it.
sub furnish {
	if ($token eq "none") {
		$token = ask("POST", "/v1/agents", { name => "ops",
		    role => "owner" })->{av_agent_token};
	}
	ask("POST", "/v1/vaults", { name => "main" });
	ask("POST", "/v1/vaults/main/agents", { name => "ops",
	    role => "admin" });
	ask("POST", "/v1/credentials", { vault => "main",
	    credentials => { API_TOKEN => "secret" } });
	ask("PUT", "/v1/vaults/main/services", { services => [
	    { name => "api", host => "api.example.com",
	    auth => { type => "bearer", token => "API_TOKEN" } },
	    { name => "closed", host => "127.0.0.1:1",
	    allow_plaintext => JSON::true,
	    auth => { type => "bearer", token => "API_TOKEN" } } ] });
	ask("POST", "/v1/agents/robot/delete");
	ask("POST", "/v1/agents", { name => "robot", vaults => [
	    { vault_name => "main", vault_role => "proxy" } ] });
}

# A request that ends with a 502, and its row.
sub traffic {
	my $logs = "/v1/vaults/main/logs?limit=1";

	return if @{ask("GET", $logs)->{logs} // []};
	Daemon::request($d->dial, "GET http://127.0.0.1:1/v1/me",
	    "Host: 127.0.0.1:1", "Proxy-Authorization: " .
	    Daemon::basic("$token:main"));
	Frame::until(sub { @{ask("GET", $logs)->{logs} // []} });
}

my %item = map { $_->{route} => $_ } endpoints();
my %before = (
    "POST /v1/vaults" => sub { ask("DELETE", "/v1/vaults/main") },
    "POST /v1/agents" => sub { ask("POST", "/v1/agents/robot/delete") },
    "POST /v1/vaults/*/agents" =>
	sub { ask("DELETE", "/v1/vaults/main/agents/robot") });
my %id = ("GET /v1/auth/sessions" => \&login,
    "DELETE /v1/auth/sessions/*" => \&login,
    "GET /v1/sessions" => \&session,
    "DELETE /v1/sessions/*" => \&session);

# A login whose cookie is in the file; its id, and that of a session.
sub login {
	return decode_json(run((example($item{"POST /v1/auth/exchange"}))[0],
	    ""))->{session};
}
sub session {
	$d->api("POST", "/v1/sessions", { vault => "main" });
	return $d->api("GET", "/v1/sessions?vault=main")->{sessions}[0]{id};
}

sub try {
	my ($item) = @_;
	my $route = $item->{route};
	my ($cmd, $want) = example($item);
	my $id = "";

	ok(defined $cmd, "$route has an example") or return;
	my ($path) = $route =~ / (.*)/;
	my $re = join "[\\w\$.-]+", map { quotemeta } split /\*/, $path, -1;
	like($cmd, qr{(?:\$API|http://local)$re(?=[?"\s]|$)},
	    "$route: asks for it");
	$before{$route}->() if $before{$route};
	$id = $id{$route}->() if $id{$route};
	traffic() if $path =~ m{/logs|/metrics};
	my $out = run($cmd, $id);
	is(join("; ", compare($want, $out)), "", "$route: answers as shown");
	return if $path =~ m{/stream$};
	my $status = -e "status" ? do { local (@ARGV, $/) = "status"; <> } :
	    "none";
	is($status, $item->{text} =~ /^201\b/m ? 201 : 200, "$route: status");
}

wrap();
my $changed = 0;
for my $item (endpoints()) {
	furnish() if $changed;
	try($item);
	$changed = $item->{route} !~ /^GET/ ||
	    ($token eq "none" && $item->{route} =~ /init/);
}
is(join(", ", grep { !$item{$_} } routes()), "",
    "there is an endpoint for each route");
chdir "/";
is($d->stop, 0, "stopped");
done_testing();
