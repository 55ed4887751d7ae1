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

# brokerctl backup: what is in the file, who may have one, what becomes of it
# when something dies; and the restore, by the steps of brokerd(8).

use strict;
use warnings;

use File::Copy;
use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Ctl;
use Daemon;

my $d = Daemon->new("user");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $where = "localhost:$up->{port}";
my $file = "$Ctl::dir/copy.db";
my $db = "$d->{state}/db/brokerd.db";

$d->furnish({ name => "api", host => $where,
    auth => { type => "bearer", token => "KEY" } });

sub backup { return ctl("-s", $d->{socket}, "backup", @_) }

sub sql {
	my ($f, $q) = @_;
	my $out = `sqlite3 '$f' "$q" 2>&1`;
	chomp $out;
	return $out;
}

sub pid {
	my ($name) = @_;
	my ($p) = grep { $_->{name} eq $name }
	    @{$d->api("GET", "/v1/brokerd/status")->{processes}};
	return $p->{pid};
}

sub newest {
	return $d->api("GET", "/v1/admin/logs?limit=1")->{latest_id};
}

$d->requests($where, "a", 20);
my ($rc, $out, $err) = backup($file);
is("$rc$err", "0", "a backup");
is((stat $file)[2] & 07777, 0600, "it is the caller's alone");
is(sql($file, "PRAGMA integrity_check"), "ok", "it is sound");
is(sql($file, "PRAGMA journal_mode"), "delete", "it opens without a log");
is(sql($file, "SELECT count(*) FROM request_log WHERE kind = 'request'"),
    20, "it has the rows");
like(sql($file, "SELECT started_at || ' ' || client_addr || ' ' || host ||
    ' ' || path FROM request_log WHERE kind = 'request' LIMIT 1"),
    qr{^20\d\d-\d\d-\d\dT[\d:]{8}\.\d{6}Z 127\.0\.0\.1:\d+ localhost /echo/a},
    "in readable columns");
isnt(sql($file, "SELECT count(*) FROM audit_log WHERE action <> ''"), 0,
    "the changes have a view of their own");
isnt(sql($file, "SELECT count(*) FROM event_log WHERE event <> ''"), 0,
    "and so have the events");
is(scalar(() = glob "$file-*"), 0, "nothing lies beside it");
is(scalar(() = glob "$d->{state}/backup.*"), 0, "nor in the state directory");
open(my $f, "<", $file) or die;
my $all = do { local $/; <$f> };
close $f;
unlike($all, qr/real-s3cret-value|\Q$d->{token}\E/, "no secret is in it");
my ($audit) = grep { ($_->{action} // "") eq "daemon.backup" }
    @{$d->api("GET", "/v1/admin/logs?kind=audit")->{logs}};
is($audit->{actor_type}, "local", "who took it is recorded");

($rc, $out, $err) = backup($file);
is($rc, 1, "a file that is there is kept");
like($err, qr/is there already; -f/, "and how to replace it is said");
is((backup("-f", $file))[0], 0, "-f replaces it");
($rc, $out) = backup("-");
is("$rc " . substr($out, 0, 15), "0 SQLite format 3", "- is stdout");
is((backup("$Ctl::dir/none/x"))[0], 1, "a directory that is not there");

# Rights.
my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1",
    PeerPort => $d->{api}) or die;
is(Daemon::request($s, "GET /v1/admin/backup", "Host: x",
    "Authorization: Bearer $d->{token}")->{status}, 403,
    "not for an agent");
is(Daemon::request($s, "GET /v1/admin/backup", "Host: x")->{status}, 401,
    "not for nobody");

# While the parent is stopped a backup has no file to go on with.
sub waiting {
	my $c = IO::Socket::UNIX->new(Peer => $d->{socket}) or die;
	print $c "GET /v1/admin/backup HTTP/1.1\r\nHost: x\r\n\r\n";
	$c->flush;
	return $c;
}

sub started { return $d->rows(sub { 1 }) && Frame::until(sub {
	return 1 < grep { ($_->{action} // "") eq "daemon.backup" }
	    @{$d->api("GET", "/v1/admin/logs?kind=audit&limit=2")->{logs}};
}) }

my $logd = pid("logd");
kill "STOP", $d->{pid};
my $one = waiting();
started();
sleep 0.3;
my $two = Daemon::response(waiting());
is($two->{status}, 409, "one at a time");
kill "KILL", $logd;
is(Daemon::response($one)->{status}, 503, "logd dies: the client is told");
kill "CONT", $d->{pid};
$d->requests($where, "b", 5);
kill "STOP", $d->{pid};
$one = waiting();
sleep 0.5;
close $one;
kill "CONT", $d->{pid};
ok(Frame::until(sub { (backup("-f", $file))[0] == 0 }),
    "one that was given up is in nobody's way");

# What is committed while it is made is in it or not, but whole.
my $load = fork // die;
if ($load == 0) {
	for my $i (1 .. 400) {
		my $t = eval { $d->tunnel($where) } or next;
		Daemon::request($t, "GET /echo/l$i-$_", "Host: $where")
		    for 1 .. 20;
	}
	POSIX::_exit(0);
}
ok(Frame::until(sub { grep { $_->{path} =~ m{^/echo/l} } $d->rows }, 20),
    "under load: there is some");
my @had;
for (1 .. 5) {
	is((backup("-f", $file))[0], 0, "under load: a backup");
	push @had, sql($file, "SELECT count(*) FROM log WHERE " .
	    "path LIKE '/echo/l%'");
	is(sql($file, "PRAGMA integrity_check; PRAGMA foreign_key_check"),
	    "ok", "under load: sound");
	sleep 0.2;
}
cmp_ok($had[-1], ">", $had[0], "under load: it went on meanwhile");
kill "KILL", $load;
waitpid $load, 0;

# What the log must leave alone is not for a copy either.
my $extra = $d->{extra};
$d->{extra} .= "log reserve 900G\n";
$d->config;
$d->api("POST", "/v1/brokerd/reload");
($rc, $out, $err) = backup("-f", $file);
is($rc, 1, "a copy that would take the reserve");
like($err, qr/no room/, "and why there is none");
is(sql($file, "PRAGMA integrity_check"), "ok", "what -f would replace stays");
$d->{extra} = $extra;
$d->config;
$d->api("POST", "/v1/brokerd/reload");

# Restore.  What came after the copy is gone, and that is told; ids are new.
$d->requests($where, "c", 3);
is((backup("-f", $file))[0], 0, "the backup");
$d->requests($where, "d", 7);
my $head = newest();
is($d->stop, 0, "stopped");
unlink glob "$db*";
copy($file, $db) or die "$db: $!";
chmod 0600, $db;
$d->own($db);
ok($d->again, "it starts with the copy") or diag($d->log);
ok(Frame::until(sub {
	grep { $_->{action} eq "log_unclean" } @{$d->api("GET",
	    "/v1/admin/logs?kind=event&limit=100")->{logs}};
}), "the log says that rows may be missing");
cmp_ok(newest(), ">", $head, "ids that were given away do not come again");
$d->requests($where, "e", 1);
is($d->row("/echo/e1")->{status}, 200, "the agent's token is good");
ok(scalar(grep { $_->{path} eq "/echo/c3" } $d->rows), "old rows are there");
ok(!scalar(grep { $_->{path} eq "/echo/d7" } $d->rows), "later ones not");

# With another master key it is of no use, and left alone.
is($d->stop, 0, "stopped");
my $key = "$d->{state}/master.key";
rename $key, "$key.away" or die;
my $before = sql($db, "SELECT max(id) FROM log");
$d->start("-v");
is($d->ends(20), 1, "without its master key it does not start");
like($d->log, qr/master\.key.*(restore|put)/i, "and the remedy is said");
is(sql($db, "SELECT max(id) FROM log"), $before, "nothing was written");

# On another machine: a state directory that has never seen this one.
my $other = Daemon->new("user");
my $there = "$other->{state}/db/brokerd.db";
is($other->stop, 0, "another daemon, stopped");
unlink glob "$there*";
for ([ $file, $there ], [ "$key.away", "$other->{state}/master.key" ]) {
	copy(@$_) or die "$_->[1]: $!";
	chmod 0600, $_->[1];
	$other->own($_->[1]);
}
copy("$d->{dir}/up-ca.pem", "$other->{dir}/up-ca.pem") or die;
ok($other->again, "starts with the copy and its key") or diag($other->log);
ok(scalar(grep { $_->{path} eq "/echo/c3" } $other->rows),
    "and has the rows");
$other->{token} = $d->{token};
$other->{ca} = "$other->{dir}/restored.pem";
spew($other->{ca}, $other->api("GET", "/v1/mitm/ca.pem", undef, raw => 1));
$other->requests($where, "f", 1);
my $row = $other->row("/echo/f1");
is($row->{status}, 200, "and the credential, the token and the CA");
is_deeply($row->{credential_keys}, [ "KEY" ], "which it puts on");
is($other->stop, 0, "stopped");
done_testing();
