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
#
# An agent floods its vault, with requests that nobody waits for, while logd
# stops and goes: what another one sends meanwhile has its record, each of it.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

my $d = Daemon->new("user", extra => "workers proxy 1\nworkers mitm 1\n" .
    "log retain rows 0\n");
my $up = Upstream->new(dir => $d->{dir});
my $where = "localhost:$up->{port}";
my $end = time + 4;

$d->furnish({ name => "api", host => $where, allow_plaintext => JSON::true,
    auth => { type => "bearer", token => "KEY" } });
$d->api("POST", "/v1/vaults", { name => "flood" });
$d->api("PATCH", "/v1/vaults/flood/settings",
    { unmatched_host_policy => "deny" });
my $other = $d->api("POST", "/v1/agents", { name => "flooder",
    vaults => [ { vault_name => "flood", vault_role => "proxy" } ] });

sub get {
	my ($where, $path, $token) = @_;
	return "GET http://$where$path HTTP/1.1\r\nHost: $where\r\n" .
	    "Proxy-Authorization: " . Daemon::basic($token) . "\r\n\r\n";
}

# Refused: they go nowhere, and are answered while their records wait.
my @flooders;
for (1 .. 3) {
	my $pid = fork // die;
	push @flooders, $pid;
	next if $pid;
	my $many = get("no.example", "/x" x 50,
	    "$other->{av_agent_token}:flood") x 100;
	while (time < $end) {
		my $s = eval { $d->dial } or next;
		my $out = "";
		$s->blocking(0);
		while (time < $end) {
			$out = $many if length $out < 4096;
			my $w = $s->syswrite($out);
			last unless defined $w || $!{EAGAIN};
			substr $out, 0, $w // 0, "";
			my $r = $s->sysread(my $b, 1 << 20);
			last unless defined $r ? $r : $!{EAGAIN};
			sleep 0.001 unless $w || $r;
		}
	}
	POSIX::_exit(0);
}

my $all = $d->api("GET", "/v1/brokerd/status");
my ($logd) = map { $_->{pid} } grep { $_->{name} eq "logd" }
    @{$all->{processes}};
my $s = $d->dial;
my ($n, $bad, $next) = (0, 0, 0);
while (time < $end) {
	if (time > $next) {
		kill $n % 2 ? "STOP" : "CONT", $logd;
		$next = time + 0.15;
	}
	my $r = Daemon::request($s, "GET http://$where/echo/" . ++$n,
	    "Host: $where", "Proxy-Authorization: " .
	    Daemon::basic("$d->{token}:default"));
	$bad++ unless ($r->{status} // 0) == 200;
	sleep 0.01;
}
kill "CONT", $logd;
waitpid $_, 0 for @flooders;
is($bad, 0, "each request is answered, $n of them");

# How many rows there are, and how many requests gaps count; of the newest.
sub counts {
	my ($vault, $max) = @_;
	my ($rows, $gaps, $before) = (0, 0, 0);

	while (1) {
		my $page = eval { $d->api("GET", "/v1/vaults/$vault/logs?" .
		    "limit=200" . ($before ? "&before=$before" : "")) } or
		    return (0, 0);
		$_->{kind} eq "request" ? $rows++ : $_->{kind} eq "gap" ?
		    ($gaps += $_->{count}) : 0 for @{$page->{logs}};
		$before = $page->{next_cursor} or last;
		last if $max && $rows + $gaps > $max;
	}
	return ($rows, $gaps);
}
my ($rows, $gaps) = (0, 0);
Frame::until(sub { ($rows, $gaps) = counts("default"); $rows + $gaps >= $n },
    20);
is($rows, $n, "each has a record");
is($gaps, 0, "and none is counted instead");
my ($flood, $lost) = counts("flood", 5000);
cmp_ok($flood + $lost, ">", 5000, "the other vault was flooded");
is($d->stop, 0, "stopped");
done_testing();
