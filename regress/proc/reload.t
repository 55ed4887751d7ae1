#!/usr/bin/perl
# A new configuration is taken by everybody or by nobody.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Frame;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Test::More;
use Time::HiRes qw(sleep time);

sub answers {
	my ($port) = @_;
	return defined IO::Socket::INET->new(PeerAddr => "127.0.0.1",
	    PeerPort => $port);
}

sub ca {
	my ($f, $text) = @_;
	open(my $h, ">", "$f->{dir}/ca.pem") or die;
	print $h $text;
	close $h;
	chmod 0644, "$f->{dir}/ca.pem";
}

# The inode of a listening port: the same socket or another one.
sub inode {
	my ($port) = @_;
	my $hex = sprintf("0100007F:%04X", $port);
	open(my $h, "<", "/proc/net/tcp") or return "unknown";
	while (<$h>) {
		my @f = split;
		return $f[9] if $f[1] eq $hex && $f[3] eq "0A";
	}
	return undef;
}

for my $mode (Frame::modes()) {
	subtest "$mode: taken" => sub {
		my $f = Frame->new($mode)->start("-v");
		ok($f->ready, "ready") or diag $f->log;
		my $st = $f->settled;
		my $inode = inode($f->{proxy});
		my $old = $f->{api};
		$f->{api} = Frame::port();
		ca($f, "-----BEGIN CERTIFICATE-----\n");
		$f->{extra} = "upstream ca \"$f->{dir}/ca.pem\"\n";
		$f->config;
		like($f->ask("reload"), qr/^ok configuration reloaded$/,
		    "answer");
		my $new = $f->settled(sub { !grep { $_ ne "parent.0" &&
		    $_ ne "global" && $_[0]{$_}{activated} != 2 }
		    keys %{$_[0]} });
		ok($new, "active everywhere") or diag $f->ask("status");
		is($new->{global}{generation}, 2, "generation");
		ok(Frame::until(sub { answers($f->{api}) }),
		    "new listener answers");
		ok(Frame::until(sub { !answers($old) }),
		    "old listener is gone");
		is(inode($f->{proxy}), $inode, "the other is the same");
		is($new->{"proxy.0"}{listeners}, 1, "and not passed again");
		is_deeply([ map { $new->{$_}{pid} } grep { $_ ne "global" }
		    sort keys %$st ], [ map { $st->{$_}{pid} }
		    grep { $_ ne "global" } sort keys %$st ],
		    "nobody was started again");
		kill "HUP", $f->{pid};
		ok($f->settled(sub { $_[0]{global}{generation} == 3 }),
		    "SIGHUP too");
		is($f->stop, 0, "stops");
	};

	subtest "$mode: refused by one" => sub {
		my $f = Frame->new($mode)->start;
		ok($f->ready, "ready") or diag $f->log;
		my $st = $f->settled;
		my $port = Frame::port();
		my $old = $f->{api};
		$f->{api} = $port;
		ca($f, "rubbish\n");
		$f->{extra} = "upstream ca \"$f->{dir}/ca.pem\"\n";
		$f->config;
		like($f->ask("reload"), qr/^failed the old configuration stays: (?:mitm|proxy) \d: .*ca\.pem: no certificate$/,
		    "answer");
		my $new = $f->settled(sub { !grep { $_ ne "parent.0" &&
		    $_ ne "global" && $_[0]{$_}{cancelled} != 1 }
		    keys %{$_[0]} });
		ok($new, "cancelled everywhere") or diag $f->ask("status");
		is($new->{global}{generation}, 1, "generation");
		is($new->{"mitm.0"}{activated}, 1, "nothing activated");
		ok(answers($old), "old listener");
		ok(!answers($port), "no new listener");
		is(inode($port), undef, "at all");
		unlink "$f->{dir}/ca.pem";
		like($f->ask("reload"), qr/ca\.pem: No such file/,
		    "one that the parent cannot open");
		ca($f, "-----BEGIN CERTIFICATE-----\n");
		like($f->ask("reload"), qr/^ok/, "and then a good one");
		ok(Frame::until(sub { answers($port) }), "new listener");
		is($f->stop, 0, "stops");
	};

	subtest "$mode: refused by the parent" => sub {
		my $f = Frame->new($mode)->start;
		ok($f->ready, "ready") or diag $f->log;
		$f->{extra} = "nonsense\n";
		$f->config;
		like($f->ask("reload"), qr/^failed the old configuration stays: .*conf:\d+: /,
		    "one that does not parse");
		$f->{extra} = "";
		my $taken = IO::Socket::INET->new(LocalAddr => "127.0.0.1",
		    Listen => 1);
		my $old = $f->{api};
		$f->{api} = $taken->sockport;
		$f->config;
		my $t = time;
		like($f->ask("reload"), qr/^failed .*port $f->{api}: Address already in use$/,
		    "an address in use");
		cmp_ok(time - $t, "<", 1, "without waiting for it");
		$f->{api} = $old;
		$f->{extra} = "workers 3\n";
		$f->config;
		like($f->ask("reload"), qr/^ok .*; needs restart: workers/,
		    "what needs a restart");
		my $st = $f->settled;
		like($st->{global}{line}, qr/notice=needs restart: workers/,
		    "shown in the status");
		ok(!$st->{"proxy.2"}, "and not done");
		is($f->stop, 0, "stops");
	};

	subtest "$mode: a file that has gone since" => sub {
		my $f = Frame->new($mode);
		ca($f, "-----BEGIN CERTIFICATE-----\n");
		$f->{extra} = "upstream ca \"$f->{dir}/ca.pem\"\n";
		$f->config;
		$f->start;
		ok($f->ready, "ready") or diag $f->log;
		my $st = $f->settled;
		unlink "$f->{dir}/ca.pem";
		kill "KILL", $st->{"mitm.0"}{pid};
		ok($f->logged(qr/mitm 0: configuration refused: .*ca\.pem: No/),
		    "a process does not start without it");
		ca($f, "-----BEGIN CERTIFICATE-----\n");
		ok($f->settled(sub { $_[0]{"mitm.0"}{pid} !=
		    $st->{"mitm.0"}{pid} }), "and does when it is back");
		is($f->stop, 0, "stops");
	};

	subtest "$mode: while it is under way" => sub {
		my $f = Frame->new($mode);
		$f->does("resolver", "mute");
		$f->start;
		ok($f->ready, "ready") or diag $f->log;
		my $st = $f->settled;
		my @s = map { my $s = IO::Socket::UNIX->new(
		    Peer => $f->{socket}); print $s "reload\n"; $s->flush;
		    $s } 1 .. 2;
		sleep 0.3;
		# Whoever dies now starts only when it is decided.
		kill "KILL", $st->{"api-tcp.0"}{pid};
		my $line = readline $s[0];
		like($line, qr/failed .*api-tcp died over it/,
		    "a death cancels it");
		# The resolver still does not answer, to the second one either.
		my $t = time;
		$line = readline $s[1];
		like($line, qr/failed .*resolver did not answer/,
		    "one that is silent cancels it");
		cmp_ok(time - $t, ">", 8, "in its time");
		ok($f->settled(sub { $_[0]{"api-tcp.0"}{restarts} == 1 }),
		    "the dead one is back");
		is($f->stop, 0, "stops");
	};
}

done_testing;
