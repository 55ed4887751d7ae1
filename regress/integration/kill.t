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
# Workers and logd are killed under load: each request that the upstream saw
# has a record, and none has two.  What went on while a slow machine started
# logd again is counted, exactly.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my $d = Daemon->new("user", extra => "log retain rows 0\n");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $where = "localhost:$up->{port}";
my $end = time + 8;
my @clients;

$d->furnish({ name => "api", host => $where,
    auth => { type => "bearer", token => "KEY" } });

for my $c (1 .. 4) {
	my $pid = fork // die;

	push @clients, $pid;
	next if $pid;
	my $n = 0;
	while (time < $end) {
		my $s = eval { $d->tunnel($where) } or sleep(0.05), next;
		while (time < $end) {
			my $r = eval { Daemon::request($s,
			    "GET /echo/$c-" . ++$n, "Host: $where") };
			last unless $r && ($r->{status} // 0) == 200;
		}
	}
	POSIX::_exit(0);
}

sub pid {
	my ($name) = @_;
	my $all = eval { $d->api("GET", "/v1/brokerd/status") } or return 0;
	my ($p) = grep { "$_->{name} $_->{index}" eq $name }
	    @{$all->{processes}};
	return $p->{pid} // 0;
}

# None so soon after its start that it counts as a crash loop.
for ("mitm 0", "mitm 1", "logd 0", "mitm 0", "mitm 1", "logd 0") {
	sleep 1.1;
	my $pid = pid($_) or next;
	ok(kill("KILL", $pid), "$_ is killed");
}
waitpid $_, 0 for @clients;

my %sent;
$sent{(split /\?/, $_->{target})[0]}++ for $up->seen;
cmp_ok(scalar keys %sent, ">", 200, keys(%sent) . " requests went upstream");

my (%rows, %ids, $lost);
sub collect {
	my $before = 0;

	%rows = %ids = ();
	$lost = 0;
	while (1) {
		my $page = eval { $d->api("GET", "/v1/vaults/default/logs?" .
		    "limit=200" . ($before ? "&before=$before" : "")) } or
		    return 0;
		for (@{$page->{logs}}) {
			$lost += $_->{count} if $_->{kind} eq "gap";
			next if $_->{kind} ne "request";
			$rows{$_->{path}}++;
			$ids{$_->{request_id}}++;
		}
		$before = $page->{next_cursor} or last;
	}
	return $lost == grep { !$rows{$_} } keys %sent;
}
ok(Frame::until(\&collect, 20), "each of them has a record or is counted") or
    diag(scalar(grep { !$rows{$_} } keys %sent) . " have none, $lost counted");
note("$lost counted");
is(scalar(grep { $_ > 1 } values %ids), 0, "and none has two");
is($d->stop, 0, "stopped");
done_testing();
