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


# The log on a terminal: no line is longer than it is wide, columns line up,
# and nothing that came from outside is acted on.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Ctl;
use Encode;
use IO::Socket::UNIX;
use JSON;
use POSIX ();
use Test::More;

my $socket = "$Ctl::dir/socket";
my $json = JSON->new->utf8->canonical;

sub row {
	my ($id, %o) = @_;
	return { id => $id, kind => "request", ingress => "mitm",
	    method => "GET", host => "api.example.com:443", path => "/v1/$id",
	    path_cut => undef, matched_service => "api",
	    credential_keys => [ "KEY" ], status => 200, latency_ms => 12,
	    error_code => undef, actor_name => "bot", decision => "brokered",
	    created_at => "2026-10-01T03:20:00.123456Z", session => undef,
	    client_addr => "127.0.0.1:4711", bytes_in => 0, bytes_out => 17,
	    %o };
}

my @rows = (row(1),
    row(2, status => 404, path => "/" . "long/" x 60),
    row(3, status => 503, actor_name => "\x{65e5}\x{672c}\x{8a9e}",
	matched_service => "\x{d55c}\x{ae00}"),
    row(4, status => 301, actor_name => "e\x{301}cole n\x{303}",
	path => "/" . "\x{65e5}" x 90),
    row(5, status => 302, method => "PROPFIND" x 4,
	error_code => "upstream_timeout", latency_ms => 123456),
    row(6, status => 200, path => "/\e[31m\x07\x{9b}31m\x{202e}",
	actor_name => "\x{200b}a\rb\nc\x7f"),
    row(7, status => undef, error_code => "worker_lost"),
    { id => 8, kind => "gap", count => 12,
	created_at => "2026-10-01T03:20:01.000000Z" },
    { id => 9, kind => "event", action => "auth_failed", count => 3,
	detail => { reason => "\e]0;x\x07" },
	created_at => "2026-10-01T03:20:01.000000Z" },
    { id => 10, kind => "audit", action => "credential.reveal",
	actor_name => "root", detail => { key => "KEY" },
	created_at => "2026-10-01T03:20:02.000000Z" });

# Everybody gets the same rows, as a list or as a stream that stays open.
my $listen = IO::Socket::UNIX->new(Local => $socket, Listen => 20) or die;
my $server = fork // die "fork: $!";
if ($server == 0) {
	my @open;
	alarm 120;
	while (my $s = $listen->accept) {
		my $in = "";
		while ($in !~ /\r\n\r\n/) {
			sysread($s, $in, 4096, length $in) or last;
		}
		if ($in =~ m{/stream}) {
			print $s "HTTP/1.1 200 OK\r\nContent-Type: " .
			    "text/event-stream\r\nConnection: close\r\n\r\n",
			    map { "event: log\nid: $_->{id}\ndata: " .
			    $json->encode($_) . "\n\n" } @rows;
			$s->flush;
			push @open, $s;
			next;
		}
		my $body = $json->encode({ latest_id => 10,
		    next_cursor => undef, logs => [ reverse @rows ] });
		print $s "HTTP/1.1 200 OK\r\nContent-Length: ",
		    length $body, "\r\nConnection: close\r\n\r\n$body";
		close $s;
	}
	POSIX::_exit(0);
}

# The lines that a terminal of so many columns is sent; characters.
sub tty {
	my ($columns, $args, %env) = @_;
	my ($rc, $out) = ctl("script", "-qec", "stty cols $columns -onlcr; " .
	    "timeout 10 $Ctl::program -s $socket logs $args", "/dev/null",
	    { cmd => [ "env" ], env => { TERM => "xterm", %env } });
	return split /\n/, decode("UTF-8", $out, Encode::FB_CROAK);
}

# Columns that a terminal shows it in.
sub width {
	my ($s) = @_;
	$s =~ s/\e\[\d*m//g;
	my $w = 0;
	for (split //, $s) {
		$w += /\p{Mn}/ ? 0 :
		    /[\x{1100}-\x{115f}\x{2e80}-\x{9fff}\x{ac00}-\x{d7a3}]/ ?
		    2 : 1;
	}
	return $w;
}

# Where, in columns, what matches ends.
sub end_of {
	my ($line, $re) = @_;
	$line =~ s/\e\[\d*m//g;
	return $line =~ $re ? width(substr $line, 0, $+[1]) : -1;
}

sub check {
	my ($name, $columns, @lines) = @_;

	is(scalar(@lines), 11, "$name: a line for each row, and the head");
	is(scalar(grep { width($_) > $columns } @lines), 0,
	    "$name: within $columns columns") or
	    diag(encode("UTF-8", join "\n", @lines));
	my @at = map { end_of($_, qr/ (STATUS|404|503|301|302|\?|200)(?= |$)/) }
	    @lines[0 .. 7];
	is(join(" ", @at), join(" ", ($at[0]) x 8), "$name: STATUS lines up") or
	    diag(encode("UTF-8", join "\n", @lines));
	my $text = join "", @lines;
	$text =~ s/\e\[\d*m//g;
	unlike($text, qr/[\x00-\x1f\x7f-\x9f\x{200b}\x{202e}]/,
	    "$name: nothing but text");
}

for my $columns (40, 80, 200) {
	my @short = tty($columns, "");
	check("$columns", $columns, @short);
	like($short[0], qr/^\e\[1mTIME\e\[0m /, "$columns: in colour");
	like($short[1], qr/^\e\[2m\d+d ago\e\[0m +GET /,
	    "$columns: relative times");
	like($short[8], qr/ \S*gap\S* +\S*12 reque/, "$columns: a gap");
	like($short[9], qr/ \S*event\S* +auth_f/, "$columns: an event");
	like($short[10], qr/ \S*audit\S* +creden/, "$columns: an audit row");
	my @plain = tty($columns, "", NO_COLOR => 1);
	check("$columns, NO_COLOR", $columns, @plain);
	unlike(join("", @plain), qr/\e/, "$columns: no colour with NO_COLOR");
	unlike(join("", tty($columns, "", TERM => "dumb")), qr/\e/,
	    "$columns: nor where there is none");

	my @live = tty($columns, "-f --after-cursor 0 & sleep 1; kill \$!");
	check("$columns, -f", $columns, @live);
	like($live[1], qr/^\e\[2m10-01 03:20:00\e\[0m +GET /,
	    "$columns: -f: times stay right");

	my @wide = tty($columns, "-o wide", NO_COLOR => 1);
	is(scalar(@wide), 11, "$columns: wide");
	like($wide[2], qr{443/(long/){60} }, "$columns: is not cut");
	my @at = map { end_of($_, qr/ (STATUS|404|503|301|302|\?|200) /) }
	    @wide[0 .. 7];
	is(join(" ", @at), join(" ", ($at[0]) x 8), "$columns: but lines up");
}

# 80 columns have no place for all, and the cause of an error is kept longest.
{
	my ($head) = tty(200, "", NO_COLOR => 1);
	like($head, qr/^TIME +METHOD +TARGET +STATUS +LATENCY +SERVICE +ACTOR +ERROR/,
	    "200 columns: all of them");
	($head) = tty(80, "", NO_COLOR => 1);
	like($head, qr/^TIME +METHOD +TARGET +STATUS .*ERROR/,
	    "80 columns: with the error");
	($head) = tty(40, "", NO_COLOR => 1);
	like($head, qr/^TIME +METHOD +TARGET +STATUS\s*$/,
	    "40 columns: what was asked for, and the status");
}

# The other forms have nothing that a terminal acts on either.
for my $form ("json", "csv", "wide") {
	my $text = join "", tty(80, "-o $form", NO_COLOR => 1);
	unlike($text, qr/[\x00-\x1f\x80-\x9f\x{200b}\x{202e}]/,
	    "-o $form on a terminal: nothing but text");
}
is_deeply([ map { decode_json($_) } tty(80, "-j") ],
    [ @rows ], "-j is the same rows, also on a terminal");

# Elsewhere: whole lines, times as they are.
{
	my ($rc, $out, $err) = ctl("-s", $socket, "logs");
	my @lines = split /\n/, decode("UTF-8", $out);
	is($rc, 0, "no terminal");
	unlike($out, qr/\e/, "no colour");
	like($lines[1], qr/^2026-10-01T03:20:00\.123456Z +GET +\S+ +200 +12 ms/,
	    "the whole time");
	like($lines[2], qr{443/(long/){60} }, "and nothing cut");
	my @at = map { end_of($_, qr/ (STATUS|404|503|301|302|\?|200) /) }
	    @lines[0 .. 7];
	is(join(" ", @at), join(" ", ($at[0]) x 8), "columns line up");
}

kill "TERM", $server;
waitpid $server, 0;
done_testing;
