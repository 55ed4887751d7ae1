#!/usr/bin/perl
# Processes that die, or misbehave on the parent's link.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Frame;
use Test::More;
use Time::HiRes qw(sleep time);

my $quick = 2.2;	# after so many seconds a death is not a quick one

sub killed {
	my ($f, $st, @names) = @_;
	kill "KILL", map { $st->{$_}{pid} } @names;
	return $f->settled(sub {
		!grep { $_[0]{$_}{pid} == $st->{$_}{pid} } @names
	});
}

# What each hears from, and how many links it has.
my %peers = (
	"keyd.0" => [7, qw(logd mitm proxy api_local api_tcp)],
	"proxy.0" => [5, qw(keyd logd resolver mitm)],
	"proxy.1" => [5, qw(keyd logd resolver mitm)],
	"mitm.0" => [5, qw(keyd logd resolver)],
	"mitm.1" => [5, qw(keyd logd resolver)],
	"resolver.0" => [4, qw(mitm proxy)],
	"logd.0" => [7, qw(keyd mitm proxy api_local api_tcp)],
	"api-local.0" => [2, qw(keyd logd)],
	"api-tcp.0" => [2, qw(keyd logd)],
);

# The new process has all links and hears from all; survivors have one more.
sub linked_again {
	my ($f, $name, $was) = @_;
	my ($n, @from) = @{$peers{$name}};
	my %kinds = map { my $k = $_; $k =~ s/_/-/; ($k => 1) } @from;

	$kinds{proxy} = 1 if $name =~ /^mitm/;
	return $f->settled(sub {
		my $st = shift;
		return 0 if $st->{$name}{links_opened} < $n;
		return 0 if grep { !$st->{$name}{"from_$_"} } @from;
		for my $p (keys %peers) {
			(my $kind = $p) =~ s/\..*//;
			next if !$kinds{$kind} ||
			    $st->{$p}{pid} != $was->{$p}{pid};
			return 0 if $st->{$p}{links_opened} <=
			    $was->{$p}{links_opened};
			return 0 if $st->{$p}{links_closed} <=
			    $was->{$p}{links_closed};
		}
		return 1;
	});
}

for my $mode (Frame::modes()) {
	subtest "$mode: kill each in turn, and two at once" => sub {
		my $f = Frame->new($mode)->start("-v");
		ok($f->ready, "ready") or diag $f->log;
		my $st = $f->settled or return fail("status");
		sleep $quick;
		for my $name (grep { $_ ne "keyd.0" } sort keys %peers) {
			my $new = killed($f, $st, $name);
			ok($new, "$name is there again") or
			    return diag $f->log;
			is($new->{$name}{restarts}, 1, "counted");
			my @others = grep { $_ ne $name && $_ ne "global" }
			    keys %$st;
			is_deeply([ map { $new->{$_}{pid} } @others ],
			    [ map { $st->{$_}{pid} } @others ],
			    "the others go on");
			ok(linked_again($f, $name, $st), "linked again") or
			    diag $f->ask("status");
			$st = $f->settled;
		}
		sleep $quick;
		for my $two ([qw(logd.0 proxy.0)], [qw(mitm.0 proxy.1)],
		    [qw(resolver.0 api-tcp.0)]) {
			my $new = killed($f, $st, @$two);
			ok($new, "@$two are there again") or
			    return diag $f->log;
			ok(linked_again($f, $_, $st), "$_ linked again")
			    for @$two;
			$st = $f->settled;
		}
		ok($f->settled(sub { $_[0]{"logd.0"}{ledger_pages} >= 2 }),
		    "logd has the pages of the dead workers");
		is($f->stop, 0, "stops");
	};

	subtest "$mode: the log link of a dead worker" => sub {
		my $f = Frame->new($mode)->start("-v");
		ok($f->ready, "ready") or diag $f->log;
		my $st = $f->settled or return fail("status");
		is($st->{"logd.0"}{links_opened}, 7, "links of logd");
		my $from = $st->{"logd.0"}{from_proxy};
		sleep $quick;
		# The next logd takes its time; meanwhile a proxy dies, whose
		# new log link has been used already.
		$f->does("logd", "slow");
		kill "KILL", $st->{"logd.0"}{pid};
		ok($f->logged(qr/logd: process \d+ ended by signal 9/),
		    "logd dies");
		sleep 0.2;
		kill "KILL", $st->{"proxy.0"}{pid};
		ok($f->logged(qr/proxy 0: process \d+ ended by/),
		    "a proxy dies");
		$st = $f->settled(sub { $_[0]{"proxy.0"}{restarts} == 1 &&
		    $_[0]{"logd.0"}{restarts} == 1 &&
		    ($_[0]{"logd.0"}{from_proxy} // 0) >= $from * 3 / 2 });
		ok($st, "all are there") or return diag $f->ask("status");
		is($st->{"logd.0"}{links_opened}, 8,
		    "logd got the dead one's link too");
		is($st->{"logd.0"}{from_proxy}, $from * 3 / 2,
		    "and read what was in it");
		is($st->{"logd.0"}{ledger_pages}, 1, "and its page");
		is($f->stop, 0, "stops");
	};

	subtest "$mode: random kills" => sub {
		my $f = Frame->new($mode)->start;
		ok($f->ready, "ready") or diag $f->log;
		my $st = $f->settled;
		for (1 .. 6) {
			sleep $quick;
			$st = killed($f, $st, "mitm.0") or last;
		}
		ok($st, "six kills do not end it") or diag $f->log;
		is($st->{"mitm.0"}{restarts}, 6, "restarts");
		is($f->stop, 0, "stops");
	};

	subtest "$mode: crash loop" => sub {
		my $f = Frame->new($mode)->start;
		ok($f->ready, "ready") or diag $f->log;
		my $st = $f->settled;
		$f->does("resolver", "crash");
		my $t = time;
		kill "KILL", $st->{"resolver.0"}{pid};
		is($f->ends(20), 1, "it ends");
		cmp_ok(time - $t, ">", 6, "not at once");
		like($f->log, qr/resolver: died 5 times in a row right after/,
		    "clear message");
		like($f->log, qr/resolver: told to crash/, "last words");
		like($f->log, qr/ in 200 ms\n.* in 1000 ms\n.* in 5000 ms\n/s, "back-off");
		like($f->log, qr/logd: shutdown/, "in order");
	};

	subtest "$mode: the end while one is down" => sub {
		my $f = Frame->new($mode)->start;
		ok($f->ready, "ready") or diag $f->log;
		my $st = $f->settled;
		$f->does("mitm", "crash");
		kill "KILL", $st->{"mitm.0"}{pid};
		ok($f->logged(qr/mitm 0: next start in 1000 ms/), "down");
		my $t = time;
		is($f->stop, 0, "stops");
		cmp_ok(time - $t, "<", 5,
		    "logd waits for no link of what will not come");
	};

	subtest "$mode: keyd" => sub {
		my $f = Frame->new($mode)->start("-v");
		ok($f->ready, "ready") or diag $f->log;
		my $st = $f->settled;
		kill "KILL", $st->{"keyd.0"}{pid};
		is($f->ends, 1, "its death ends the daemon");
		like($f->log, qr/keyd has died: the daemon stops/, "message");
		is(scalar(grep { !Frame::gone($_) } $f->pids), 0,
		    "no process left");
	};

	subtest "$mode: liars" => sub {
		my $f = Frame->new($mode);
		$f->does("proxy", "liar");
		$f->start;
		is($f->ends(20), 1, "ends at last");
		like($f->log, qr/malformed message from proxy \d: message of somebody/, "what only the parent says");
		$f = Frame->new($mode);
		$f->does("api-tcp", "beggar");
		$f->start;
		ok($f->logged(qr/from api-tcp: too many lost descriptors/),
		    "one that asks without end");
		$f->does("api-tcp", undef);
		my $st = $f->settled;
		ok($st, "is started again") or diag $f->log;
		cmp_ok($st->{"keyd.0"}{links_opened}, "<", 1000,
		    "and bothered keyd only so much");
		is($f->stop, 0, "stops");
		$f = Frame->new($mode);
		$f->does("api-tcp", "murder");
		$f->start;
		ok($f->logged(qr/malformed message from api-tcp: KILL of a/),
		    "a lesser one may not kill keyd");
		unlike($f->log, qr/keyd: process/, "it lives");
		$f->does("api-tcp", undef);
		ok($f->settled, "all is well") or diag $f->log;
		is($f->stop, 0, "stops");
	};

	subtest "$mode: text log" => sub {
		my $f = Frame->new($mode);
		$f->does("api-tcp", "babble");
		$f->start;
		ok($f->ready, "ready") or diag $f->log;
		ok($f->settled, "status");
		my $lines = () = $f->log =~ /api-tcp: line/g;
		cmp_ok($lines, "<", 300, "a flood is bounded");
		cmp_ok($lines, ">", 10, "but not stopped");
		like($f->log, qr/api-tcp: line 0\\nof a flood$/m,
		    "a line is one line");
		sleep 0.3;
		my $st = $f->settled;
		kill "KILL", $st->{"mitm.0"}{pid};
		is($f->stop, 0, "stops");
		like($f->log, qr/api-tcp: \d+ lines were held back/,
		    "what was held back is counted");
	};
}

done_testing;
