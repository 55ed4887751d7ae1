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

# How long the log is kept: each source of the values and their order, the
# owner's setting, its lock, what is refused, and that it is done.

use strict;
use warnings;

use JSON;
use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Ctl;
use Daemon;

my $d = Daemon->new("user");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $where = "localhost:$up->{port}";

$d->furnish({ name => "api", host => $where,
    auth => { type => "bearer", token => "KEY" } });

sub rows { return scalar grep { $_->{kind} eq "request" } $d->rows }

sub becomes {
	my ($n) = @_;
	return Frame::until(sub { rows() == $n }, 15);
}

sub settings { return $d->api("GET", "/v1/admin/settings")->{logs_retention} }

sub put {
	my ($r, %o) = @_;
	return $d->api("PUT", "/v1/admin/settings", { logs_retention => $r },
	    %o)->{logs_retention};
}

sub is_set {
	my ($what, $age, $age_from, $rows, $rows_from) = @_;
	my $want = "$age $age_from $rows $rows_from";
	my $is;

	# A reload is answered when all agree, just before it is in force.
	Frame::until(sub {
		my $s = settings();
		$is = "$s->{max_age_hours} $s->{source}{max_age_hours} " .
		    "$s->{max_rows_per_vault} $s->{source}{max_rows_per_vault}";
		return $is eq $want;
	}, 5);
	is($is, $want, $what);
}

sub restart {
	my (@args) = @_;

	$d->stop if $d->{pid};
	return $d->again(@args);
}

sub configure {
	my ($more) = @_;
	$d->{base} //= $d->{extra};
	$d->{extra} = "$d->{base}$more";
	$d->config;
}

# In their order.
is_set("as built", 168, "default", 10000, "default");
configure("log { retain 2d\nretain rows 150 }\n");
$d->api("POST", "/v1/brokerd/reload");
is_set("brokerd.conf", 48, "brokerd.conf", 150, "brokerd.conf");
my $s = put({ max_rows_per_vault => 40, max_age_hours => 1.5 });
is($s->{max_rows_per_vault}, 40, "the answer says what is in force");
is_set("the owner", 1.5, "owner", 40, "owner");
$d->requests($where, "a", 60);
ok(becomes(40), "and it is done, at once");
ok(restart(), "restarted");
is_set("it stays", 1.5, "owner", 40, "owner");
$d->requests($where, "b", 5);
ok(becomes(40), "and in force");
put({ max_age_hours => undef });
is_set("one is unset", 48, "brokerd.conf", 40, "owner");
{
	local $ENV{BROKERD_LOGS_MAX_ROWS_PER_VAULT} = 30;
	ok(restart(), "with the environment");
	is_set("the environment", 48, "brokerd.conf", 30, "environment");
	ok(becomes(30), "and it is done");
	put({ max_rows_per_vault => 20 });
	is_set("is stronger than the owner", 48, "brokerd.conf", 30,
	    "environment");
	is(settings()->{owner}{max_rows_per_vault}, 20, "whose is kept");
	ok(restart("-o", "logs.max_rows_per_vault=25"), "with an option");
	is_set("the option", 48, "brokerd.conf", 25, "option");
	ok(becomes(25), "and it is done");
}
ok(restart(), "with neither");
is_set("the owner again", 48, "brokerd.conf", 20, "owner");
ok(becomes(20), "and it is done");

# 0 is no limit.
put({ max_rows_per_vault => 0, max_age_hours => 0 });
$d->requests($where, "c", 150);
is(rows(), 170, "0: nothing is deleted");
put({ max_rows_per_vault => undef, max_age_hours => undef });
ok(becomes(150), "back to brokerd.conf");

# The lock.
put({ max_rows_per_vault => 10000 });
configure("log { retain rows 50\nretention lock }\n");
$d->api("POST", "/v1/brokerd/reload");
is_set("locked", 168, "default", 50, "brokerd.conf");
ok(settings()->{locked}, "and so it says");
ok(becomes(50), "the owner's does not count");
my $no = $d->api("PUT", "/v1/admin/settings",
    { logs_retention => { max_rows_per_vault => 1 } }, fails => 1);
is($no->{code}, "locked", "nor can it be changed");
configure("");
{
	local $ENV{BROKERD_LOGS_RETENTION_LOCK} = "true";
	ok(restart(), "locked by the environment");
	is_set("locked", 168, "default", 10000, "default");
	ok(settings()->{locked}, "and so it says");
}
ok(restart(), "not locked");
is_set("the owner's is back", 168, "default", 10000, "owner");

# What is refused, with nothing changed.
for ([{ max_rows_per_vault => -1 }, qr/max_rows_per_vault/],
    [{ max_rows_per_vault => 1.5 }, qr/max_rows_per_vault/],
    [{ max_rows_per_vault => "9" }, qr/max_rows_per_vault/],
    [{ max_rows_per_vault => 2e9 }, qr/max_rows_per_vault/],
    [{ max_age_hours => -1 }, qr/max_age_hours/],
    [{ max_age_hours => 1e9 }, qr/max_age_hours/],
    [{ max_age_hours => 0.001 }, qr/max_age_hours/],
    [{ max_age_hours => JSON::true }, qr/max_age_hours/],
    [{ max_age => 1 }, qr/max_age/]) {
	my ($r, $re) = @$_;
	my $a = $d->api("PUT", "/v1/admin/settings",
	    { logs_retention => $r }, fails => 1);
	like($a->{error}, $re, encode_json($r) . " is refused");
}
for my $f (qw(rate_limit invite_only allowed_email_domains)) {
	like($d->api("PUT", "/v1/admin/settings", { $f => {} },
	    fails => 1)->{error}, qr/$f/, "$f is refused by name");
}
is_set("nothing changed", 168, "default", 10000, "owner");
my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1",
    PeerPort => $d->{api}) or die;
for my $m ("GET", "PUT") {
	is(Daemon::request($c, "$m /v1/admin/settings", "Host: x",
	    "Authorization: Bearer $d->{token}", \($m eq "PUT" ?
	    '{"logs_retention":{}}' : ""))->{status}, 403,
	    "$m: not for an agent");
}
my @audit = grep { $_->{action} eq "settings.set" }
    @{$d->api("GET", "/v1/admin/logs?kind=audit&limit=200")->{logs}};
is($audit[0]{detail}{retain_rows}, 10000, "changes are recorded");

# brokerctl.
my ($rc, $out, $err) = ctl("-s", $d->{socket}, "settings", "set",
    "logs.max_rows_per_vault=0", "logs.max_age_hours=36.5");
is("$rc$err", "0", "brokerctl settings set");
like($out, qr/logs\.max_age_hours\s+36\.5\s+owner/, "says what is in force");
like($out, qr/logs\.max_rows_per_vault\s+no limit\s+owner/, "in words");
($rc, $out) = ctl("-s", $d->{socket}, "settings", "set",
    "logs.max_rows_per_vault=default", "logs.max_age_hours=default");
like($out, qr/logs\.max_age_hours\s+168\s+default/, "default unsets it");
is((ctl("-s", $d->{socket}, "settings", "set", "logs.x=1"))[0], 2,
    "what is no setting");
($rc, $out) = ctl("-s", $d->{socket}, "-j", "settings", "get");
is(decode_json($out)->{logs_retention}{max_rows_per_vault}, 10000, "-j");

# By age; of audit rows their own.  The rows are made old in the file.
is($d->stop, 0, "stopped");
my $db = "$d->{state}/db/brokerd.db";
my $old = int((time - 3 * 86400) / 60);
system("sqlite3", $db, "UPDATE minutes SET minute = $old + (minute - " .
    "(SELECT min(minute) FROM minutes))") == 0 or die;
my $audits = `sqlite3 $db "SELECT count(*) FROM log WHERE flags & 15 = 3"`;
configure("log retain 2d\n");
ok(restart(), "with rows that are three days old");
ok(becomes(0), "they go by age");
cmp_ok(scalar(@{$d->api("GET",
    "/v1/admin/logs?kind=audit&limit=200")->{logs}}), ">=",
    $audits > 200 ? 200 : $audits, "audit rows do not");
is($d->stop, 0, "stopped");
system("sqlite3", $db, "UPDATE minutes SET minute = $old + (minute - " .
    "(SELECT min(minute) FROM minutes))") == 0 or die;
configure("log { retain 0\nretain audit 1d }\n");
ok(restart(), "audit rows kept for a day");
ok(Frame::until(sub {
	$audits > @{$d->api("GET",
	    "/v1/admin/logs?kind=audit&limit=200")->{logs}};
}, 15), "they have their own age");
is($d->stop, 0, "stopped");

# An invalid value is an error at start.
for (["BROKERD_LOGS_MAX_AGE_HOURS", "x"],
    ["BROKERD_LOGS_MAX_ROWS_PER_VAULT", "-1"],
    ["BROKERD_LOGS_RETENTION_LOCK", "yes"]) {
	local $ENV{$_->[0]} = $_->[1];
	$d->start;
	is($d->ends(10), 1, "$_->[0]=$_->[1]: it does not start");
	like($d->log, qr/$_->[0]/, "and says why");
}
done_testing();
