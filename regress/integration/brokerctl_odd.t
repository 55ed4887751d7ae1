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

# brokerctl and daemons that answer oddly, played by a server that sends what
# it is told to.  What a real daemon does is in brokerctl.t.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Ctl;
use IO::Socket::UNIX;
use JSON;
use Test::More;

my $socket = "$Ctl::dir/sock";
$ENV{BROKERD_SOCKET} = $socket;

# Answer each request with the next of the list, a reference: and close;
# returns what ctl() returns, and what was asked.
sub played {
	my ($answers, @args) = @_;

	unlink $socket;
	my $l = IO::Socket::UNIX->new(Local => $socket, Listen => 5)
	    or die "$socket: $!";
	my $pid = fork // die;
	if ($pid == 0) {
		alarm 30;
		$SIG{PIPE} = "IGNORE";
		open(my $log, ">", "$Ctl::dir/asked") or die;
		$log->autoflush(1);
		play($l, $log, @$answers);
		exit 0;
	}
	my @r = ctl(@args);
	kill "TERM", $pid;
	waitpid $pid, 0;
	return (@r, slurp("$Ctl::dir/asked"));
}

sub play {
	my ($l, $log, @answers) = @_;
	my $s;

	while (@answers) {
		$s //= $l->accept or die;
		my $in = "";
		while ($in !~ /\r\n\r\n/) {
			sysread($s, $in, 65536, length $in) or last;
		}
		my ($n) = $in =~ /^Content-Length: (\d+)\r$/m;
		while ($n && $in =~ /\r\n\r\n(.*)/s && length $1 < $n) {
			sysread($s, $in, 65536, length $in) or last;
		}
		if ($in eq "") {
			undef $s;
			next;
		}
		print $log $in, "\n==\n";
		my $a = shift @answers;
		print $s ref $a ? $$a : $a;
		$s->flush;
		undef $s if ref $a;
	}
	$l->accept if defined $s;
}

sub json {
	my ($body, $status) = @_;
	$status //= "200 OK";
	return "HTTP/1.1 $status\r\nContent-Type: application/json\r\n" .
	    "Content-Length: " . length($body) . "\r\n\r\n$body";
}

sub whole { my $s = $_[0]; return \$s }

my ($rc, $out, $err, $asked);

# What is asked.
($rc, $out, $err, $asked) = played([json('{"id":"1","name":"a b/c"}',
    "201 Created")], "vault", "add", "main", { env => {
    BROKERD_TOKEN => "av_agt_1" } });
is($rc, 0, "vault add");
like($asked, qr{^POST /v1/vaults HTTP/1\.1\r\nHost: localhost\r\n},
    "request line and Host");
like($asked, qr{^Content-Type: application/json\r$}m, "type of the body");
like($asked, qr[\r\n\r\n\{"name":"main"\}\n]s, "body");
unlike($asked, qr/authorization/i, "no token over the socket");
($rc, $out, $err, $asked) = played([json('{"removed":"x"}')],
    "service", "delete", "-v", "a/b", "c d\x{e9}?");
like($asked, qr{^DELETE /v1/vaults/a%2Fb/services/c%20d%E9%3F },
    "names are encoded in paths");

# One connection for several requests, chunked answers, 100 before them.
my $status = '{"version":"9","processes":[],"privileged":true}';
($rc, $out, $err, $asked) = played([
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" .
    "Transfer-Encoding: chunked\r\n\r\n" . join("", map {
	sprintf "%x\r\n%s\r\n", length $_, $_ } $status =~ /.{1,7}/gs) .
    "0\r\n\r\n", json('{"initialized":false}')], "status");
is($rc, 0, "status of a chunked answer");
like($out, qr/^brokerd 9,.*^not initialized: run: brokerctl init/ms, "text");
($rc, $out) = played([whole("HTTP/1.0 200 OK\r\n\r\n$status"),
    whole(json('{"initialized":true}'))], "status", "-j");
is($rc, 0, "answers that end with the connection");
like($out, qr/"version": "9".*"initialized": true/s, "-j");

# Answers that are none.
sub odd {
	my ($name, $answer, $re) = @_;
	($rc, $out, $err) = played([whole($answer)], "vault", "list");
	is($rc, 1, "$name: status");
	is($out, "", "$name: nothing on stdout");
	like($err, $re, "$name: message");
}
odd("closed", "", qr/closed the connection without an answer/);
odd("cut head", "HTTP/1.1 200 OK\r\nConte", qr/without an answer/);
odd("cut body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
    qr/brokerctl: .*sock: message cut short/);
odd("cut chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" .
    "2\r\n{}\r\n", qr/brokerctl: .*sock: ./);
odd("not HTTP", "SSH-2.0-x\r\n", qr/brokerctl: .*sock: ./);
odd("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" .
    "Content-Length: 3\r\n\r\n{}\n", qr/brokerctl: .*sock: ./);
odd("switched", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n" .
    "Connection: upgrade\r\n\r\n", qr/not HTTP\/1\.1/);
odd("no JSON", json("<html>"), qr/no JSON object; is that brokerd/);
odd("no object", json("[]"), qr/no JSON object/);
odd("cut JSON", json('{"vaults":['), qr/no JSON object/);
odd("too long", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" .
    "x" x (32 * 1024 * 1024 + 1), qr/the answer is too long/);
odd("head too long", "HTTP/1.1 200 OK\r\n" . "A: b\r\n" x 200 . "\r\n",
    qr/brokerctl: .*sock: ./);

# Refusals: the daemon's sentence and what to do.
odd("not initialized", json('{"error":"not_initialized","message":' .
    '"no vault","code":"not_initialized"}', "503 Service Unavailable"),
    qr/^brokerctl: vault list: no vault \(run: brokerctl init\)$/m);
odd("refused", json('{"error":"No right","code":"x"}', "403 Forbidden"),
    qr/^brokerctl: vault list: No right$/m);
odd("refused without a word", json("", "500 Internal Server Error"),
    qr/^brokerctl: vault list: brokerd answered with status 500$/m);
odd("a terminal's words", json('{"error":"a\u001b[2Jb\u202ec\r"}',
    "400 Bad Request"),
    qr/^brokerctl: vault list: a\\033\[2Jb\\342\\200\\256c\\015$/m);

# Tables of what others have named.
($rc, $out, $err) = played([json('{"vaults":[{"name":"a\u001b[31m\n",' .
    '"role":"admin"},{"name":"\u65e5\u672c","role":"x"},' .
    '{"name":7,"role":null},null,"x"]}')], "vault", "list");
is($rc, 0, "list of odd names");
is($err, "", "no message");
my @lines = split /\n/, $out, -1;
is($lines[1], "a\\033[31m\\012  admin  -        ", "escaped");
is($lines[2], "\xe6\x97\xa5\xe6\x9c\xac" . " " x 9 . "  x      -        ",
    "wide characters line up");
is(@lines, 7, "a line for each");

# Statistics that cannot be.
my $huge = 9_000_000_000_000_000_000;
my %sums = (count => 5, by_status => { "2xx" => $huge, "5xx" => -3,
    "x\e" => 2 }, p50_ms => "much", bytes_in => -$huge);
($rc, $out, $err, $asked) = played([json(JSON->new->ascii->encode({
    from => "now\e[2J", to => "2026-01-01T00:00:00Z", partial => JSON::true,
    step_seconds => $huge, top_from => 5, total => \%sums, buckets => [
    { %sums, start => "9999999-01-01T00:00:00Z" }, 7, undef, { count => -1 } ],
    top_hosts => [{ name => "a\e[31m", count => 0 }, "x"],
    other_hosts => 0 }))], "logs", "stats", "-v", "a&b", "--since", "1h");
is($rc, 0, "odd statistics");
like($asked, qr{^GET /v1/vaults/a%26b/logs/stats\?since=1h&buckets=30 },
    "what is asked");
unlike($out, qr/\e/, "escaped");
like($out, qr/^Requests  5  from now\\033\[2J/, "as far as they go");
cmp_ok(length $out, "<", 2000, "and no further");
like($err, qr/^brokerctl: logs stats: .* --since 2026-01-01T00:00:00Z$/m,
    "a part says how to go on");

# Pages of the log: newest first, shown oldest first.
sub page {
	my ($from, $n, $next) = @_;
	return json('{"latest_id":500,"logs":[' . join(",", map {
	    '{"id":' . ($from - $_) . ',"kind":"request","method":"GET",' .
	    '"host":"h:443","path":"/","status":200,"latency_ms":1,' .
	    '"created_at":"2026-11-25T03:20:00.000000Z"}' } 0 .. $n - 1) .
	    "],\"next_cursor\":$next}");
}
($rc, $out, $err, $asked) = played([page(450, 200, 251), page(250, 200, 51),
    page(50, 50, "null")], "logs", "-n", "450", "-o", "json");
is($rc, 0, "three pages");
@lines = split /\n/, $out;
is(@lines, 450, "all rows");
like($lines[0], qr/^\{"id":1,/, "the oldest first");
like($lines[449], qr/^\{"id":450,/, "the newest last");
is(join(" ", $asked =~ m{^GET (\S+) }mg), join(" ",
    map { "/v1/vaults/default/logs?limit=$_" } "200", "200&before=251",
    "50&before=51"), "how they are asked for");
($rc, $out, $err, $asked) = played([page(450, 10, 441)], "logs", "-n", "10",
    "-v", "m n", "-o", "wide");
is(scalar(() = $out =~ /^/mg), 11, "no page more than necessary");
like($asked, qr{/v1/vaults/m%20n/logs\?limit=10 }, "of another vault");
($rc, $out) = played([page(450, 200, 251), page(250, 5, 251)], "logs", "-n",
    "1000", "-j");
is(scalar(() = $out =~ /^/mg), 205, "a cursor that stands still ends it");
($rc, $out) = played([json('{"latest_id":3,"next_cursor":null,"logs":[' .
    '{"id":3,"kind":"gap","count":12},{"id":2,"kind":"event","action":' .
    '"auth_failed","detail":{"a":"b\u001b","n":3}},{"id":1,"kind":' .
    '"request","method":"PUT","host":"h:1","path":"/%00","status":null,' .
    '"error_code":"worker_lost","created_at":"T"}]}')], "logs");
like($out, qr{^T\s+PUT\s+h:1/%00\s+\?\s.*worker_lost\s*\n
    .*event\s+auth_failed\ a=b\\033\ n=3\ .*\n
    .*gap\s+12\ requests\ are\ missing\ here}mx, "rows of other kinds");

# What a tail is told decides whether it goes on.
sub part {
	my ($latest, $partial, @ids) = @_;
	return json('{"latest_id":' . $latest . ',"logs":[' . join(",", map {
	    "{\"id\":$_,\"path\":\"/a,\\\"b\\u001b\"}" } @ids) .
	    '],"next_cursor":null' . ($partial ? ',"partial":true' : "") .
	    "}");
}
($rc, $out, $err, $asked) = played([part(50, 1, 9, 7), part(90, 1),
    part(120, 0, 99)], "logs", "-j", "--after-cursor", "5", "--show-cursor",
    "--host", "a b");
is(join(",", $out =~ /"id":(\d+)/g), "7,9,99", "a tail in parts");
is($err, "-- cursor: 120\n", "where it ends");
is(join(" ", $asked =~ m{^GET \S+\?q=host%3A%22a%20b%22&limit=(\S+) }mg),
    "200&after=5 200&after=50 200&after=90", "how it is asked for");
($rc, $out, $err) = played([part(5, 1)], "logs", "--after-cursor", "5");
is($rc, 0, "a tail that stands still ends");
($rc, $out) = played([part(9, 0, 9)], "logs", "-o", "csv");
like($out, qr{\n9,,,,,,"/a,""b\x1b",}, "CSV with quotes");

# Streams.  What comes behind the last one that is played is an error that
# ends it.
sub stream {
	my $text = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" .
	    "Connection: close\r\n\r\n" . join("", @_);
	return \$text;
}
sub event {
	my ($name, $id, $data) = @_;
	return "event: $name\n" . ($id ? "id: $id\n" : "") .
	    "data: $data\n\n";
}
my @gone = (json('{"error":"no_right"}', 403));
my @from = ("logs", "-f", "-j", "--after-cursor", "5", "--show-cursor");
($rc, $out, $err, $asked) = played([stream(": \n\n",
    event("log", 7, '{"id":7}'), event("open", 0, '{"id":0}'),
    event("lagged", 0, '{"cursor":7}'), event("gap", 8, '{"id":8,"count":3}'),
    event("close", 0, '{"id":9}'), event("news", 0, '{}'),
    event("live", 0, '{"cursor":8}'), "event: log\nid: 9"),
    stream(event("trimmed", 0, '{"oldest_id":30,"gone":12,"exact":true}'),
    event("log", 8, '{"id":8}'), event("log", 30, '{"id":30}')),
    stream(event("trimmed", 0, '{"oldest_id":null,"gone":1,"exact":false}'),
    event("beat", 44, '{"cursor":44}'), "id: 43\n\n",
    event("beat", 42, '{"cursor":42}')), @gone], @from);
is($rc, 1, "a right that ends: exit 1");
is(join(",", $out =~ /"id":(\d+)/g), "7,8,30", "each row once");
is(join(",", $asked =~ /^Last-Event-ID: (\d+)\r$/mg), "5,8,30,44",
    "where it goes on");
is(scalar(() = $err =~ /the stream broke/g), 3, "a word for each break");
like($err, qr/: 12 rows behind the cursor are gone: /, "how many are gone");
like($err, qr/: up to 1 row behind the cursor is gone: /, "or at most");
like($err, qr/^brokerctl: logs: no_right$/m, "and why it ended");
for (["an id that is no number", stream("id: x\n")],
    ["a row without an id", stream(event("log", 0, '{}'))],
    ["an event that is no JSON object", stream(event("log", 1, '[]'))],
    ["an event that is no JSON object", stream(event("log", 1, '{'))],
    ["a line that is too long", stream("data: " . "x" x 70000)],
    ["is that brokerd?", json('{}')]) {
	($rc, $out, $err) = played([$_->[1]], @from);
	is($rc, 1, "malformed: $_->[0]");
	like($err, qr/\Q$_->[0]\E$/m, "which it says");
}
for my $form ("short", "wide", "csv", "json") {
	($rc, $out, $err) = played([stream(event("log", 6, '{"id":6,' .
	    '"path":"/before"}') . event("log", 7, '[]') . event("log", 8,
	    '{"id":8,"path":"/behind"}'))], "logs", "-f", "-o", $form,
	    "--after-cursor", "5");
	is($rc, 1, "malformed in $form");
	like($out, qr{/before}, "what came before it is kept");
	unlike($out, qr{/behind}, "and nothing behind it");
	is(scalar(() = $err =~ /no JSON object/g), 1, "which it says once");
}
($rc, $out, $err, $asked) = played([json('{"error":"overloaded"}', 503),
    json('{"error":"internal"}', 500), stream(event("log", 6, '{"id":6}')),
    json('{"error":"none"}', 404)], @from);
is($rc, 1, "a vault that is deleted: exit 1");
is($out, "{\"id\":6}\n", "statuses that pass are tried again");
is(scalar(() = $err =~ /the stream broke/g), 2, "and said once");
($rc, $out, $err) = played([json('{"error":"t"}', 401)], @from);
is($rc, 1, "no token: exit 1");

# A file of services.
my $list = '[{"name":"x","host":"y","auth":{"type":"passthrough"}}]';
($rc, $out, $err, $asked) = played([json('{"services_count":1}')],
    "service", "set", "-f", spew("$Ctl::dir/list", $list));
is($rc, 0, "service set from a list");
like($asked, qr{^PUT .*\{"services":\Q$list\E\}}s, "which is wrapped");
($rc, $out, $err, $asked) = played([json('{"services_count":1}')],
    "service", "set", "-f", "-", { in => "{\"services\":$list,\"vault\":" .
    '"default"}' });
like($asked, qr[\r\n\r\n\{"services":\Q$list\E\}\n]s,
    "or from what the list shows");
for (["", qr/line 1/], ['{"a":1}', qr/neither a list/], ['{"a":1,"a":2}',
    qr/duplicate/]) {
	($rc, $out, $err) = ctl("service", "set", "-f",
	    spew("$Ctl::dir/list", $_->[0]));
	is($rc, 1, "a file that is none");
	like($err, $_->[1], "and why");
}
($rc, $out, $err) = ctl("service", "set", "-f", "$Ctl::dir/nowhere");
is($rc, 1, "no file");
like($err, qr/No such file/, "and why");

# Every command and every option of it is in the manual.
my $page = slurp(($ENV{TOP} || ".") . "/man/brokerctl.8");
my @groups = (ctl("help"))[1] =~ /^  ([a-z]+) /mg;
my $commands = 0;
for my $group (@groups) {
	my $usage = (ctl("help", $group))[1] =~ s/\n +/ /gr;
	for my $line ($usage =~ /^usage: brokerctl (.*)/mg) {
		my ($name) = $line =~ /^([a-z]+(?: [a-z]+)?)/;
		$name =~ s/ command$//;
		my $macro = $name =~ s/^log /log Cm .*\\b/r;
		like($page, qr/Cm $macro\b/, "$name is in the manual");
		$commands++;
		for my $o ($line =~ /(?<= )\[?-(-[a-z]+|[a-zA-Z]+)/g) {
			my @l = $o =~ /^-/ ? $o : split //, $o;
			like($page, qr/Fl (?:\w*$_|$_)\b/,
			    "$name: option $_") for @l;
		}
	}
}
cmp_ok($commands, ">", 25, "all of them");

# Nobody there.
unlink $socket;
($rc, $out, $err) = ctl("status");
is($rc, 1, "no socket");
like($err, qr/\Q$socket\E: brokerd does not run there .*BROKERD_SOCKET/,
    "and what to do");
($rc, $out, $err) = ctl("-s", "/" . "x" x 200, "status");
is($rc, 1, "a path that is too long");
like($err, qr/too long/i, "and why");

done_testing();
