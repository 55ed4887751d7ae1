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
# What the record says is what happened: each field, each way to end, over all
# Events: each code by what causes it, and counts that are exact whatever
# happens to logd meanwhile.

use strict;
use warnings;

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;

# What a sanitizer sets aside is not keyd's.
$ENV{ASAN_OPTIONS} =
    "quarantine_size_mb=0:thread_local_quarantine_size_kb=0";
my $d = Daemon->new("user");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $plain = Upstream->new(dir => $d->{dir});
my $where = "localhost:$up->{port}";
my $url = "http://localhost:$plain->{port}/echo";
my $token = $d->furnish({ name => "api", host => $where,
    auth => { type => "bearer", token => "KEY" } });
my ($s, $r, $e);

$d->api("POST", "/v1/vaults", { name => "other" });
$s = $d->tunnel($where);
Daemon::request($s, "GET /echo/who", "Host: $where");
my $bot = $d->row("/echo/who")->{actor_id};
my $none = $d->api("POST", "/v1/agents", { name => "none" })->{av_agent_token};

sub pid {
	my ($name) = @_;
	my $all = eval { $d->api("GET", "/v1/brokerd/status") } or return 0;
	my ($p) = grep { "$_->{name} $_->{index}" eq $name }
	    @{$all->{processes}};
	return $p->{pid} // 0;
}

# All events of a log, oldest first.
sub events {
	my ($path) = @_;
	my ($before, @all) = 0;

	while (1) {
		my $page = eval { $d->api("GET", "$path?kind=event&limit=200" .
		    ($before ? "&before=$before" : "")) } or return;
		unshift @all, reverse @{$page->{logs}};
		$before = $page->{next_cursor} or return @all;
	}
}

# The newest event like that, which has to come.
sub event {
	my ($path, $code, %detail) = @_;
	my $found;

	Frame::until(sub {
		($found) = grep {
			my $e = $_;
			$e->{action} eq $code && !grep {
			    ($e->{detail}{$_} // "") ne $detail{$_}
			} keys %detail;
		} reverse events($path);
	}, 10);
	ok($found, "$code " . join " ", map { "$_=$detail{$_}" }
	    sort keys %detail);

	return $found // { detail => {} };
}

my $instance = "/v1/admin/logs";
my $default = "/v1/vaults/default/logs";
my $other = "/v1/vaults/other/logs";

sub forward {
	my ($s, $auth) = @_;
	return Daemon::request($s, "GET $url", "Host: x",
	    "Proxy-Authorization: $auth");
}

sub client_is {
	my ($e, $s, $what) = @_;
	my ($ip) = ($e->{client_addr} // "") =~ /^(.*):\d+$/;
	is($ip, "127.0.0.1", "$what: from where");
}

# A token that is none.
is(scalar(grep { $_->{action} eq "log_started" } events($instance)), 1,
    "log_started: once");
my $wrong = "av_agt_" . "0" x 64;
is(forward($d->dial, Daemon::basic("$wrong:default"))->{status}, 407,
    "a wrong token");
$e = event($instance, "auth_failed", ingress => "forward");
is_deeply([@{$e->{detail}}{qw(why token)}], ["auth_failed", "av_agt_"],
    "what was tried");
ok($e->{detail}{whole}, "it has the form of a token");
is($e->{count}, 1, "once");
client_is($e, $s, "auth_failed");
is(Daemon::request($d->dial, "GET /proxy/$where/echo", "Host: x",
    "Authorization: Bearer av_sess_short")->{status}, 401, "a short one");
$e = event($instance, "auth_failed", ingress => "explicit");
is($e->{detail}{token}, "av_sess_", "a session's");
ok(!$e->{detail}{whole}, "not whole");
eval { $d->tunnel($where, token => "sesame:default") };
like($@, qr/^HTTP\/1.1 407 /, "none at all, for a tunnel");
event($instance, "auth_failed", ingress => "mitm", token => "other");

sub tcp {
	my ($line, $token, @more) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1",
	    PeerPort => $d->{api}, Timeout => 5) or die "api: $!";
	return Daemon::request($s, $line, "Host: localhost",
	    "Authorization: Bearer $token", @more);
}
is(tcp("GET /v1/vaults", $wrong)->{status}, 401, "the API");
event($instance, "auth_failed", ingress => "api", token => "av_agt_");

# Vaults.
is(forward($d->dial, Daemon::basic("$token:other"))->{status}, 403,
    "another vault");
$e = event($other, "vault_denied", ingress => "forward");
is($e->{detail}{actor}, $bot, "by whom");
client_is($e, $s, "vault_denied");
is(forward($d->dial, Daemon::basic("$token:nowhere"))->{status}, 404,
    "no vault");
event($instance, "vault_not_found", ingress => "forward",
    why => "vault_not_found");
is(forward($d->dial, Daemon::basic($none))->{status}, 400, "no vault named");
event($instance, "vault_not_found", ingress => "forward",
    why => "vault_required");

# What the API refuses to one whom it knows.
is(tcp("GET /v1/credentials?vault=default&reveal=true", $token)->{status},
    403, "a reveal without the right");
$e = event($instance, "vault_denied", ingress => "api",
    action => "credential.reveal", vault => "default");
is($e->{detail}{actor}, $bot, "by whom");
is(tcp("DELETE /v1/vaults/other", $token, "Content-Type: application/json",
    \"{}")->{status}, 403, "a change without the right");
event($instance, "vault_denied", ingress => "api", action => "vault.delete",
    vault => "other");

# Handshakes.
eval { $d->tunnel($where, sni => "other.test") };
$e = event($default, "sni_mismatch", sni => "other.test");
is($e->{actor_name}, "bot", "sni_mismatch: who");
client_is($e, $s, "sni_mismatch");
$s = $d->tunnel($where, plain => 1);
$s->syswrite("GET / HTTP/1.1\r\n\r\n");
Daemon::head($s);
$e = event($default, "tls_client_error");
is($e->{actor_name}, "bot", "tls_client_error: who");
like($e->{host}, qr/^localhost/, "tls_client_error: for where");
client_is($e, $s, "tls_client_error");

# A worker that dies.
sleep 1;
ok(kill("KILL", pid("mitm 0")), "a worker is killed");
event($instance, "worker_died");

# A flood of tokens that are none, while logd dies again and again.
sub counted {
	my $n = 0;
	$n += $_->{count} for grep { $_->{action} eq "auth_failed" }
	    events($instance);
	return $n;
}
sub rss {
	my ($pid) = @_;
	open(my $f, "<", "/proc/$pid/status") or return 0;
	my ($kb) = (do { local $/; <$f> }) =~ /^VmRSS:\s+(\d+)/m;
	return $kb;
}
sleep 1.1;
my $before = counted();
my $rows = () = events($instance);
my $keyd = pid("keyd 0");
my $rss = rss($keyd);
my $until = time + 6;
my @pipes;
for my $n (0 .. 2) {
	pipe(my $in, my $out) or die;
	my $pid = fork // die "fork: $!";
	if ($pid) {
		close $out;
		push @pipes, $in;
		next;
	}
	my $asked = 0;
	my $s = $n == 2 ? undef : $d->dial;
	while (time < $until) {
		my $bad = sprintf "av_agt_%064x", ++$asked + 1e6 * $n;
		my $r = $n == 2 ? tcp("GET /v1/vaults", $bad) :
		    forward($s, "Bearer $bad");
		POSIX::_exit(1) unless $r->{status} == ($n == 2 ? 401 : 407);
	}
	syswrite $out, "$asked\n";
	POSIX::_exit(0);
}
for (1 .. 4) {
	sleep 1.15;
	my $pid = pid("logd 0") or next;
	ok(kill("KILL", $pid), "logd is killed");
}
my $asked = 0;
for (@pipes) {
	my $n = <$_> // 0;
	ok($n > 0, "one has asked " . ($n + 0) . " times");
	$asked += $n;
}
wait for @pipes;
Frame::until(sub { counted() - $before == $asked }, 10);
is(counted() - $before, $asked, "each of them is counted, once");
my $more = (() = events($instance)) - $rows;
cmp_ok($more, "<=", 60, "in few rows: $more");
cmp_ok(rss($keyd), "<=", $rss + 1024, "keyd has not grown");

# Those of the last second, when it is stopped.
$s = $d->dial;
my $last = counted();
is(scalar(grep { forward($s, "Bearer $wrong")->{status} == 407 } 1 .. 20), 20,
    "twenty more");
close $s;
is($d->stop, 0, "stopped");
ok($d->again, "it starts again");
Frame::until(sub { counted() - $last == 20 }, 5);
is(counted() - $last, 20, "a stop does not lose them");
forward($d->dial, "Bearer $wrong");
Frame::until(sub { counted() - $last == 21 }, 5);
is(counted() - $last, 21, "and they go on");
is($d->stop, 0, "stopped");

# As if the machine had been started anew since, without a clean stop.
SKIP: {
	skip "no sqlite3(1)", 2 if system("sqlite3 -version >/dev/null 2>&1");
	my ($file) = glob "$d->{state}/db/*.db";
	system("sqlite3", $file, "UPDATE meta SET value = 0 WHERE " .
	    "key = 'clean'; UPDATE meta SET value = value - 1000 WHERE " .
	    "key = 'boot'") == 0 or die "sqlite3: $?";
	ok($d->again, "it starts again");
	$e = event($instance, "log_unclean");
	cmp_ok($e->{detail}{skipped} // 0, ">", 0, "ids are skipped");
	is($d->stop, 0, "stopped");
}
done_testing();
