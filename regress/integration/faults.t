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
# The whole daemon while its disk is full, fails or loses what it was given:
# traffic goes on, nothing that has a row is lost, and what has none is counted.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

# Who may not mount a disk makes a namespace where he is root and may; the daemon
# is started as who he is.
if ($> != 0) {
	$ENV{BROKERD_NAMESPACE} = $>;
	exec "unshare", "--user", "--map-root-user", "--mount", $^X, $0;
	die "unshare(1): $!";
}

my ($d, $up, $where, @clients, @mounts);

END { system("umount", "-l", $_) for @mounts }

sub status {
	my $ctl = "$Frame::top/brokerctl/brokerctl";
	return qx($ctl -s $d->{socket} status 2>&1);
}
sub says { my ($re) = @_; return Frame::until(sub { status() =~ $re }, 15) }

# Clients for so many seconds, as fast as they can or with a pause.
sub load {
	my ($seconds, $name, $pause) = @_;
	my $end = time + $seconds;
	my @pids;

	for my $c (1 .. 3) {
		my $pid = fork // die;
		push @pids, $pid;
		next if $pid;
		my ($n, $s) = (0);
		while (time < $end) {
			$s = eval { $d->tunnel($where) } or sleep(0.05), next;
			while (time < $end) {
				my $r = eval { Daemon::request($s,
				    "GET /echo/$name-$c-" . ++$n,
				    "Host: $where") };
				last unless $r && ($r->{status} // 0) == 200;
				sleep $pause if $pause;
			}
		}
		POSIX::_exit(0);
	}
	push @clients, @pids;
}
sub wait_load { waitpid $_, 0 for @clients; @clients = () }

# Everything in the vault's log and in the instance's.
sub logs {
	my (%rows, $gaps);

	$gaps = 0;
	my $before = 0;
	while (1) {
		my $page = $d->api("GET", "/v1/admin/logs?limit=200" .
		    ($before ? "&before=$before" : ""));
		for (@{$page->{logs}}) {
			$gaps += $_->{count} if $_->{kind} eq "gap";
			$rows{$_->{path}}++ if $_->{kind} eq "request";
		}
		$before = $page->{next_cursor} or last;
	}
	return (\%rows, $gaps);
}

# Each request that the upstream saw has one row or is counted in a gap.
sub adds_up {
	my ($what, $all) = @_;
	my (%sent, $rows, $gaps, $missing);

	$sent{$_->{target}}++ for $up->seen;
	Frame::until(sub {
		($rows, $gaps) = eval { logs() } or return 0;
		$missing = grep { !$rows->{$_} } keys %sent;
		return $missing <= $gaps;
	}, 20);
	cmp_ok(scalar keys %sent, ">", 50, "$what: " . keys(%sent) .
	    " requests went upstream");
	is($missing, $gaps, "$what: $missing have no row, and so say the gaps");
	is($missing, 0, "$what: every one has a row") if $all;
	is(scalar(grep { $_ != 1 } values %$rows), 0, "$what: none has two");
	return $gaps;
}

sub start {
	my (%o) = @_;

	$d = Daemon->new("user", faults => !$o{real}, %o,
	    extra => "log retain rows 0\n" . ($o{extra} // ""));
	$up = Upstream->new(dir => $d->{dir}, tls => 1);
	$where = "localhost:$up->{port}";
	$d->furnish({ name => "api", host => $where,
	    auth => { type => "bearer", token => "KEY" } });
}

# Each of them for a second, under load.
start();
my %how = (full => 0, ioerr => 1, short => 2, busy => 3, nomem => 4);
load(6, "a", 0.01);
for my $how (sort { $how{$a} <=> $how{$b} } keys %how) {
	$d->disk(how => $how{$how}, once => 0, at => 1);
	sleep 0.6;
	$d->disk(at => 0);
	sleep 0.3;
}
# A sync that fails, and loses what it was for; the next succeeds.
$d->disk(drop => 1, fsync => 1);
$d->api("POST", "/v1/vaults", { name => "lost" }, fails => 1);
sleep 0.3;
$d->disk(fsync => 0);
ok(says(qr/\A(?!.*request log)/s), "it writes again by itself");
ok(Frame::until(sub {
	eval { $d->api("POST", "/v1/vaults", { name => "kept" }) };
}, 10), "and so are changes");
wait_load();
adds_up("a disk that fails for a second", 1);
cmp_ok($d->disk->{failed}, ">", 10, "it did fail");
my @vaults = map { $_->{name} } @{$d->api("GET", "/v1/vaults")->{vaults}};
ok((grep { $_ eq "kept" } @vaults), "what was acknowledged is there");

# Longer than the windows hold: requests go on, and are counted.
$d->disk(full => 1);
my $s = $d->tunnel($where);
load(3, "b");
ok(says(qr/^request log: cannot .* now, for .*: the disk is full; \d+ rec/m),
    "status says since when, why, and how many wait") or diag(status());
wait_load();
is(Daemon::request($s, "GET /echo/on", "Host: $where")->{status}, 200,
    "traffic goes on");
my @lines = $d->log =~ /^(.*request log: cannot write.*)$/mg;
cmp_ok(scalar @lines, "<=", 4, @lines . " lines about it in the text log");
$d->disk(full => 0);
ok(says(qr/\A(?!.*request log)/s), "it recovers");
cmp_ok(adds_up("a full disk"), ">", 0, "more than the windows hold");

# Other bytes than were written.
$d->disk(flip => 1);
is(Daemon::request($s, "GET /echo/flip", "Host: $where")->{status}, 200,
    "damage does not stop traffic");
sleep 1;
$d->disk(flip => 0);
is(Daemon::request($s, "GET /echo/after", "Host: $where")->{status}, 200,
    "nor afterwards");
is($d->stop, 0, "stopped");
undef $d;

# A disk of 24 MB, of which the log leaves 10 alone: twice what is between two
# checkpoints.  Without the right to mount one there is no such test, and to
# say so is a failure.
sub small_disk {
	my ($self) = @_;
	my $db = "$self->{state}/db";

	mkdir $db, 0700 or die "$db: $!";
	system("mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs",
	    $db) == 0 or die "no small disk";
	push @mounts, $db;
	$self->own($db);
}

sub free { return (qx(df -Pk $d->{state}/db) =~ /(\d+)\s+\d+%/)[0] }

start(real => 1, extra => "log reserve 10M\n", before => \&small_disk);
my $db = "$d->{state}/db";
my $long = "x" x 1500;
$s = $d->tunnel($where);
my $n = 0;
my $full = Frame::until(sub {
	for (1 .. 100) {
		my $r = eval { Daemon::request($s, "GET /echo/c-" . ++$n .
		    $long, "Host: $where") };
		die "traffic stopped" if !$r || $r->{status} != 200;
	}
	return status() =~ /^request log: cannot be written now.*reserve/m;
}, 60);
ok($full, "the log stops at its reserve, after $n requests") or diag(status());
cmp_ok(free(), ">=", 8192, "and leaves it, but for what was in flight");
# More than a window holds: the rest is counted.
for (1 .. 4500) {
	my $r = Daemon::request($s, "GET /echo/d-$_", "Host: $where");
	next if $r->{status} == 200;
	fail("traffic stops at request $_");
	last;
}
$d->api("POST", "/v1/agents", { name => "leaked",
    vaults => [ { vault_name => "default", vault_role => "proxy" } ] });
$d->api("DELETE", "/v1/agents/leaked");
pass("administration goes on in the reserve");

# To the last block: what fails says so, and what is taken away is gone.
open(my $f, ">", "$db/filler") or die;
my $chunk = "\0" x 4096;
1 while syswrite $f, $chunk;
close $f;
is(free(), 0, "nothing is left");
my $refused = 0;
for (1 .. 400) {
	eval { $d->api("POST", "/v1/agents", { name => "more-$_" }) } and next;
	$refused = $@ =~ /: 503 .*not_durable/;
	last;
}
ok($refused, "a change that does not fit is 503 not_durable") or diag($@);
is(Daemon::request($s, "GET /echo/last", "Host: $where")->{status}, 200,
    "traffic goes on");
unlink "$db/filler";
# Retention makes the room for the log, if that is what is still short.
$d->{extra} =~ s/log retain rows 0/log retain rows 300/;
$d->config;
$d->api("POST", "/v1/brokerd/reload");
ok(says(qr/\A(?!.*^request log: cannot)/ms), "retention makes room for it") or
    diag(status());
# One that was refused as not durable may have been stored: another name.
my $later = 0;
ok(Frame::until(sub {
	$later++;
	eval { $d->api("POST", "/v1/agents", { name => "later-$later" }) };
}, 15), "changes are stored again");
is($d->stop, 0, "stopped");
done_testing();
