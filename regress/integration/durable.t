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
# What cannot be stored: it is in force all the same, or it is counted, and
# brokerctl status says so while it lasts.

use strict;
use warnings;

use Test::More;
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my $d = Daemon->new("user");
my @ctl = ("$Frame::top/brokerctl/brokerctl", "-s", $d->{socket});
my $extra = $d->{extra};

sub status { return qx(@ctl status 2>&1) }
sub says { my ($re) = @_; return Frame::until(sub { status() =~ $re }, 10) }

sub pid {
	my ($name) = @_;
	my ($p) = grep { $_->{name} eq $name }
	    @{$d->api("GET", "/v1/brokerd/status")->{processes}};
	return $p->{pid};
}

sub reload {
	$d->{extra} = $extra . shift;
	$d->config;
	is(system("@ctl reload > /dev/null"), 0, "reload");
}

qx(@ctl vault add doomed);
is($?, 0, "a vault");
unlike(status(), qr/not durable|request log/, "nothing is amiss");

kill "STOP", pid("logd");
my $said = qx(@ctl vault delete doomed 2>&1);
isnt($?, 0, "what is not stored is no success");
like($said, qr/in force.*brokerctl status/s, "and the text sends to status");
like(status(), qr/^changes not durable: 1 in force.*restart.*undo it$/m,
    "which says it at once");
kill "KILL", pid("logd");
ok(Frame::until(sub { status() !~ /not durable/ }, 10),
    "until the next logd has stored it");
unlike(qx(@ctl vault list), qr/doomed/, "the vault is gone");

# A disk that has less room than the log must leave.
SKIP: {
	my ($free) = qx(df -Pk $d->{dir}) =~ /^\S+\s+\d+\s+\d+\s+(\d+)/m;

	skip("there is too much room", 5) if $free >= 1024 ** 3;
	reload("log reserve 1024G\n");
	qx(@ctl vault add another);
	is($?, 0, "administration goes on");
	# A failed authentication is something to log.
	eval { $d->tunnel("localhost:1", token => "av_agt_" . "0" x 64) };
	ok(says(qr/^request log: cannot be written now/m),
	    "no room for the log");
	reload("");
	ok(Frame::until(sub { status() !~ /^request log/m }, 10),
	    "until there is some");
}
kill "TERM", $d->{pid};
is($d->ends(15), 0, "stopped");

# A disk that is full: what is taken away is gone all the same, until a start.
$d = Daemon->new("user", faults => 1);
@ctl = ("$Frame::top/brokerctl/brokerctl", "-s", $d->{socket});

my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $where = "localhost:$up->{port}";
my %token;

sub agent {
	my ($name) = @_;
	$token{$name} = $d->api("POST", "/v1/agents", { name => $name,
	    vaults => [ { vault_name => "default", vault_role => "proxy" } ]
	})->{av_agent_token};
}

sub enters {
	my ($name) = @_;
	return eval { $d->tunnel($where, token => $token{$name}) };
}

sub is_503 {
	my ($what, $method, $path, $body) = @_;
	ok(!eval { $d->api($method, $path, $body) }, $what);
	like($@, qr/: 503 /, "is 503");
	like($@, qr/"not_durable"/, "by name");
}

sub again {
	is($d->stop, 0, "stopped");
	$d->disk_full(0);
	rename "$d->{dir}/log", "$d->{dir}/log.1";
	$d->start("-v");
	ok($d->ready, "started again") or diag($d->log);
}

agent($_) for "leaked", "second";
my $s = enters("leaked");
ok($s, "an agent has a tunnel");
$d->disk_full(1);
is_503("an agent revoked on a full disk", "DELETE", "/v1/agents/leaked");
like($@, qr/restart/, "that says what a restart means");
is(Daemon::bytes($s, 1), "", "is cut all the same");
ok(!enters("leaked"), "and does not come back");
is_503("an addition", "POST", "/v1/vaults", { name => "more" });
ok(says(qr/^changes not durable: 1 in force/m), "status says so");
$d->disk_full(0);
ok(says(qr/\A(?!.*not durable)/s), "it is stored when there is room");
again();
ok(!enters("leaked"), "and the agent stays revoked");

$d->disk_full(1);
is_503("one more", "DELETE", "/v1/agents/second");
ok(!enters("second"), "is out");
again();
ok(enters("second"), "but a start before it is stored undoes it");
is($d->stop, 0, "stopped");
done_testing();
