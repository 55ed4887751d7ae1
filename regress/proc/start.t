#!/usr/bin/perl
# Starting and stopping the daemon: order, errors, the lock, sockets.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Frame;
use IO::Socket::UNIX;
use Socket;
use Test::More;
use Time::HiRes qw(sleep time);

# The message and the exit status of a start that must not succeed.
sub refused {
	my ($f, $re, $name) = @_;

	$f->start;
	is($f->ends, 1, "$name: exit status") or diag $f->log;
	like($f->log, $re, "$name: message");
}

for my $mode (Frame::modes()) {
	subtest "$mode: start, links, stop" => sub {
		my $f = Frame->new($mode)->start("-v");
		ok($f->ready, "ready") or diag $f->log;
		my $st = $f->settled(sub { ($_[0]{"logd.0"}{from_keyd} // 0) });
		ok($st, "status") or return;
		my %linked = (
			keyd => [qw(logd mitm proxy api_local api_tcp)],
			logd => [qw(keyd mitm proxy api_local api_tcp)],
			resolver => [qw(mitm proxy)],
			mitm => [qw(keyd logd resolver)],
			proxy => [qw(keyd logd resolver mitm)],
			"api-local" => [qw(keyd logd)],
			"api-tcp" => [qw(keyd logd)],
		);
		my $all = $f->settled(sub {
			for my $n (keys %linked) {
				for (@{$linked{$n}}) {
					return 0 unless
					    $_[0]{"$n.0"}{"from_$_"};
				}
			}
			return 1;
		});
		ok($all, "each link carried every message") or
		    diag $f->ask("status");
		is($all->{"proxy.0"}{links_opened}, 5, "links of a proxy");
		is($all->{"resolver.0"}{links_opened}, 4,
		    "links of the resolver");
		is($all->{"proxy.1"}{ledger_pages}, 1, "ledger page");
		is($all->{"proxy.0"}{listeners}, 1, "listener of a proxy");
		my ($pid) = $f->{pid};
		my $env = "";
		my $p = $all->{"keyd.0"}{pid};
		if (open(my $e, "<", "/proc/$p/environ")) {
			local $/;
			$env = <$e> // "";
			unlike($env, qr/PATH=|HOME=/, "environment is empty");
		}
		if ($mode eq "root") {
			my @uids = map { (stat "/proc/" .
			    $all->{"$_.0"}{pid})[4] // -1 }
			    qw(proxy keyd logd);
			# /proc shows root for what may not be dumped.
			my ($line) = grep { /^Uid:/ }
			    do { open my $h, "<", "/proc/$p/status"; <$h> };
			like($line, qr/65002\s+65002\s+65002/,
			    "keyd runs as its own user");
			is(readlink("/proc/$p/root"), "$f->{state}/empty",
			    "root directory");
		}
		my @fds = glob("/proc/$p/fd/*");
		ok(!@fds || @fds < 20, "no descriptor comes along");
		my @pids = $f->pids;
		is(scalar(@pids), 9, "nine children");
		is($f->stop, 0, "exit status");
		my @order = $f->log =~ /Z (\S+?)(?: \d)?: shutdown/mg;
		my $order = join(" ", @order);
		like($order, qr/^(?:(?:proxy|mitm)\ ){4}
		    (?:(?:api-local|api-tcp|resolver)\ ){3}logd\ keyd$/x,
		    "order of the end");
		is(scalar(grep { !Frame::gone($_) } @pids), 0, "no process left");
		ok(!-e $f->{socket}, "no socket left");
		ok(-e "$f->{state}/master.key", "the key stays");
	};

	subtest "$mode: only one" => sub {
		my $f = Frame->new($mode)->start;
		ok($f->ready, "ready") or diag $f->log;
		my $pid = delete $f->{pid};
		refused($f, qr/another brokerd is running/, "second instance");
		$f->{pid} = $pid;
		ok($f->settled, "the first lives");
		kill "KILL", $pid;
		is($f->ends, "signal 9", "killed");
		ok(-S $f->{socket}, "its socket is stale");
		rename "$f->{dir}/log", "$f->{dir}/log.1";
		$f->start;
		ok($f->ready, "the next one takes its place") or
		    diag $f->log;
		is($f->stop, 0, "stops");
	};

	subtest "$mode: sockets of others" => sub {
		my $f = Frame->new($mode);
		my $live = IO::Socket::UNIX->new(Local => $f->{socket},
		    Listen => 1) or die "$!";
		chmod 0777, $f->{socket};
		refused($f, qr/sock: a process is answering there/, "live");
		ok(-S $f->{socket}, "it is left alone");
		close $live;
		unlink $f->{socket};
		open(my $h, ">", $f->{socket});
		close $h;
		refused($f, qr/sock: File exists/, "not a socket");
		ok(-f $f->{socket}, "it is left alone");
		unlink $f->{socket};
		my $tcp = IO::Socket::INET->new(LocalAddr => "127.0.0.1",
		    LocalPort => $f->{proxy}, Listen => 1, ReuseAddr => 1);
		refused($f, qr/127.0.0.1 port $f->{proxy}: Address already/,
		    "port in use");
	};

	subtest "$mode: places" => sub {
		my $f = Frame->new($mode);
		chmod 0777, $f->{state};
		refused($f, qr/not be open to others: chown .*chmod 7/,
		    "open state directory");
		$f->{state} .= "2";
		$f->{socket} = "$f->{dir}/sock";
		$f->config;
		refused($f, qr/No such file.*install -d -m/,
		    "missing state directory");
		$f = Frame->new($mode);
		$f->{socket} = "$f->{dir}/run/sock";
		$f->config;
		refused($f, qr/directory \S+run: No such file.*install -d -m/,
		    "missing directory of the socket");
		$f = Frame->new($mode);
		$f->{group} = "nobodys";
		$f->config;
		refused($f, qr/no group "nobodys": make it/,
		    "missing group");
		if ($mode ne "root") {
			$f->{group} = 0;
			$f->config;
			refused($f, qr/only root may give it to the group "0"/,
			    "group of others");
		}
		$f = Frame->new($mode);
		unlink "$f->{dir}/lib/logd";
		refused($f, qr/lib\/logd: No such file/, "missing program");
	};

	subtest "$mode: the key" => sub {
		my $f = Frame->new($mode);
		my $key = "$f->{state}/master.key";
		open(my $h, ">", $key);
		print $h "x" x 32;
		close $h;
		chmod 0644, $key;
		$f->own($key);
		refused($f, qr/master key.*chmod 600/, "key open to others");
		chmod 0600, $key;
		rename "$f->{dir}/log", "$f->{dir}/log.1";
		$f->start;
		ok($f->ready, "ready with a key") or diag $f->log;
		is($f->stop, 0, "stops");
		is(-s $key, 32, "key untouched");
		# A database that is not fresh needs its key.
		$f->does("logd", "old");
		rename "$f->{dir}/log", "$f->{dir}/log.2";
		$f->start;
		ok($f->ready, "ready with an old database") or diag $f->log;
		is($f->stop, 0, "stops");
		truncate $key, 0;
		refused($f, qr/master\.key is empty, but the database/,
		    "empty key");
		unlink $key;
		refused($f, qr/master\.key is missing, but .*put it back/,
		    "missing key");
		ok(!-e $key, "none is made");
	};

	subtest "$mode: catalogue" => sub {
		for (qw(catalogue ready)) {
			my $f = Frame->new($mode);
			$f->does("mitm", $_);
			refused($f, qr/mitm \d: new version installed, restart brokerd/, $_);
		}
	};

	subtest "$mode: refused configuration" => sub {
		my $f = Frame->new($mode);
		$f->does("proxy", "refuse");
		refused($f, qr/proxy \d: configuration refused: I refuse/,
		    "at start");
	};

	subtest "$mode: one that does not end" => sub {
		my $f = Frame->new($mode)->start;
		ok($f->ready, "ready") or diag $f->log;
		is($f->stop, 0, "stops");
		$f->does("resolver", "stuck");
		$f->start;
		ok(Frame::until(sub { () = $f->log =~ /Z ready$/mg; my @r =
		    $f->log =~ /Z ready$/mg; @r == 2 }), "ready again");
		my $t = time;
		is($f->stop, 0, "stops");
		ok(time - $t < 8, "in bounded time");
		like($f->log, qr/resolver: did not end in time/, "killed");
		like($f->log, qr/keyd: shutdown/, "the others go on ending");
	};

	subtest "$mode: orphans" => sub {
		my $f = Frame->new($mode)->start("-v");
		ok($f->ready, "ready") or diag $f->log;
		kill "KILL", $f->{pid};
		is($f->ends, "signal 9", "parent killed");
		my @pids = $f->pids;
		ok(Frame::until(sub { !grep { !Frame::gone($_) } @pids }),
		    "all children end by themselves");
	};

	subtest "$mode: service manager" => sub {
		my $f = Frame->new($mode);
		my $path = "$f->{dir}/notify";
		socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die;
		bind($s, pack_sockaddr_un($path)) or die;
		chmod 0777, $path;
		{
			local $ENV{NOTIFY_SOCKET} = $path;
			$f->start;
		}
		my $got = "";
		local $SIG{ALRM} = sub { die "no notification" };
		alarm 10;
		recv($s, $got, 100, 0);
		alarm 0;
		like($got, qr/^READY=1/, "told when ready");
		like($f->log, qr/listening on.*port $f->{proxy}/,
		    "and armed");
		is($f->stop, 0, "stops");
		recv($s, $got, 100, 0);
		like($got, qr/^STOPPING=1/, "told of the end");
	};
}

subtest "a daemon" => sub {
	my $f = Frame->new("user");
	my $pid = $f->spawn("-v");
	waitpid $pid, 0;
	is($?, 0, "exit status of the start") or diag $f->log;
	my $st = $f->settled;
	ok($st, "it runs") or return;
	kill "TERM", $st->{"parent.0"}{pid};
	ok(Frame::until(sub { Frame::gone($st->{"parent.0"}{pid}) }), "it ends");

	$f = Frame->new("user");
	$f->does("resolver", "refuse");
	$pid = $f->spawn;
	waitpid $pid, 0;
	is($? >> 8, 1, "exit status of a failure");
	like($f->log, qr/^brokerd: resolver: configuration refused/m,
	    "its reason on stderr");
};

SKIP: {
	skip "not root", 1 if $> != 0;
	my $f = Frame->new("root");
	my $pid = $f->spawn;
	waitpid $pid, 0;
	like($f->log, qr/-L wants -d/, "root runs installed programs only");
}

done_testing;
