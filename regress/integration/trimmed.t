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

# A reader that retention has overtaken is told how many rows it will never
# get: in the answer to a poll, and by an event of the stream.

use strict;
use warnings;

use File::Copy;
use IO::Select;
use JSON;
use Test::More;
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Ctl;
use Daemon;

use constant MANY => 1500;	# rows that no buffer holds

my $d = Daemon->new("user", extra => "log retain rows 0\n");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $where = "localhost:$up->{port}";
my $log = "/v1/vaults/default/logs";

$d->furnish({ name => "api", host => $where,
    auth => { type => "bearer", token => "KEY" } });

sub poll {
	my ($after, $more, $path) = @_;
	return $d->api("GET", ($path // $log) . "?limit=200&after=$after" .
	    ($more // ""));
}

sub told {
	my ($what, $after, $gone, $oldest, @more) = @_;
	my $is = poll($after, @more)->{trimmed};

	is_deeply($is, defined $gone ? { gone => $gone, oldest_id => $oldest,
	    exact => JSON::true } : undef, $what) or diag explain $is;
}

sub open_stream {
	my ($after) = @_;
	my $s = IO::Socket::UNIX->new(Peer => $d->{socket}) or die "$!";

	print $s "GET $log/stream HTTP/1.1\r\nHost: x\r\n" .
	    "Last-Event-ID: $after\r\n\r\n";
	$s->flush;
	return $s;
}

# Its events, each a name and what its JSON says, until it has enough.
sub events {
	my ($s, $enough) = @_;
	my ($text, @events) = ("");

	local $SIG{ALRM} = sub { die "no event" };
	alarm 30;
	until (@events && $enough->(@events)) {
		$s->sysread($text, 65536, length $text) or last;
		push @events, [ $1, decode_json($2) ] while $text =~
		    s/\A[\s\S]*?^event: (\S+)\n(?:id: \d+\n)?data: (.*)\n//m;
	}
	alarm 0;
	return @events;
}

# The first events of the stream.
sub stream {
	my ($after, $n) = @_;
	return events(open_stream($after), sub { @_ >= $n });
}

sub keep {
	my ($n) = @_;
	$d->api("PUT", "/v1/admin/settings",
	    { logs_retention => { max_rows_per_vault => $n } });
	return Frame::until(sub { $d->rows == $n }, 15);
}

$d->requests($where, "a", 30);
my @ids = reverse map { $_->{id} } $d->rows;
is(scalar @ids, 30, "thirty rows");
told("nothing is gone", 0, undef);
ok(keep(10), "retention leaves ten");

for my $again ("", ", after a restart", ", after kill -9 of all") {
	told("from the beginning$again", 0, 20, $ids[20]);
	told("from a row that is gone$again", $ids[5], 14, $ids[20]);
	told("from the last that is gone$again", $ids[19], undef);
	told("from one that is left$again", $ids[25], undef);
	told("from the newest$again", $ids[29], undef);
	told("whatever is asked for$again", $ids[5], 14, $ids[20],
	    "&status=404");
	is(poll($ids[5], "", "/v1/admin/logs")->{trimmed}{gone}, 14,
	    "also of all vaults together$again");
	my $o = $d->api("GET", "$log?limit=3&after=$ids[5]");
	is($o->{trimmed}{gone}, 14, "with the first page$again");
	$o = $d->api("GET", "$log?limit=3&after=$o->{latest_id}");
	is($o->{trimmed}, undef, "and not with the next$again");
	ok(!exists $d->api("GET", $log)->{trimmed},
	    "nor where there is no cursor$again");
	if ($again eq "") {
		$d->stop;
	} elsif ($again =~ /restart/) {
		kill KILL => $d->{pid};
		$d->stop;
	}
	last if $again =~ /kill/;
	$d->again or BAIL_OUT("no restart");
}

my @e = stream($ids[5], 11);
is($e[0][0], "trimmed", "the stream tells first");
is_deeply($e[0][1], { gone => 14, oldest_id => $ids[20],
    exact => JSON::true }, "the same");
is_deeply([ map { $_->[1]{id} } @e[1 .. 10] ],
    [ @ids[20 .. 29] ], "and goes on with what is left");
@e = stream($ids[19], 1);
is($e[0][0], "log", "or says nothing");

# All of it goes.
$d->requests($where, "b", 5);
$d->rows(sub { @_ == 10 && $_[0]{path} eq "/echo/b5" });
ok(keep(1), "retention leaves one");
is(poll($ids[29])->{trimmed}{gone}, 4, "of five the four that are gone");
is(poll($ids[5])->{trimmed}{gone}, 28, "and all of them from before");

# While a reader is in the midst of what it has missed: it does not read, and
# the API has nothing in memory, so that most is still to be asked for.
$d->api("PUT", "/v1/admin/settings",
    { logs_retention => { max_rows_per_vault => 0 } });
my $head = poll(0)->{latest_id};
$d->requests($where, "m", MANY);
is($d->stop, 0, "stopped");
$d->again or BAIL_OUT("no restart");
my $s = open_stream($head);
ok(IO::Select->new($s)->can_read(20), "the stream begins");
sleep 1;	# until it waits
ok(keep(100), "and retention leaves a hundred");
my @all = map { $_->{id} } reverse $d->rows;
@e = events($s, sub { grep { ($_->[1]{id} // 0) == $all[-1] } @_ });
my @told = grep { $_->[0] eq "trimmed" } @e;
my @got = map { $_->[1]{id} } grep { $_->[0] eq "log" } @e;
is(scalar @told, 1, "it is told once");
isnt($e[0][0], "trimmed", "not before the rows that it had asked for");
cmp_ok(scalar @got, ">", 100, @got . " rows came");
is(@got + $told[0][1]{gone}, MANY, "and all others are counted");
is($told[0][1]{oldest_id}, $all[0], "up to the oldest that is left");
is_deeply([ @got[-100 .. -1] ], \@all, "which all came");

# A backup knows what had gone, and what goes after it is not gone in it.
my $file = "$Ctl::dir/copy.db";
my $db = "$d->{state}/db/brokerd.db";
my $gone = poll(0)->{trimmed}{gone};
is((ctl("-s", $d->{socket}, "backup", $file))[0], 0, "a backup");
ok(keep(20), "eighty more go");
is(poll(0)->{trimmed}{gone}, $gone + 80, "and are counted");
is($d->stop, 0, "stopped");
unlink glob "$db*";
copy($file, $db) or die "$db: $!";
chmod 0600, $db;
$d->own($db);
ok($d->again, "it starts with the copy");
is_deeply(poll(0)->{trimmed}, { gone => $gone, oldest_id => $all[0],
    exact => JSON::true }, "what had gone before is gone");
told("the rest is there", $all[0], undef);
ok(keep(20), "eighty go again");
is(poll(0)->{trimmed}{gone}, $gone + 80, "and are counted as they were");
is($d->stop, 0, "stopped");
done_testing();
