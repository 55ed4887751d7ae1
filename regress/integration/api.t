#!/usr/bin/perl
# The control plane of a whole daemon: what the recorded exchanges do not
# show.  Who one is on the socket, the daemon's own routes, what takes effect
# on connections that are open, what is written down, what survives a kill.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Daemon;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON;
use Test::More;
use Time::HiRes qw(sleep time);

my $d = Daemon->new($> == 0 ? "root" : "user");
my $secret = "s3cret-" . "x" x 20 . "-value";
my ($admin, $member);

# One request on an open connection; an answer of Daemon::response().
sub on {
	my ($s, $method, $path, $token, $body) = @_;
	my @h = ("Host: x");

	push @h, "Authorization: Bearer $token" if defined $token;
	push @h, \encode_json($body) if defined $body;
	my $r = Daemon::request($s, "$method $path", @h);
	$r->{json} //= eval { decode_json($r->{body} // "") };
	return $r;
}

# The newest change in the instance log: events come a moment later, when they
# are committed, and may be newer.
sub change {
	my ($s) = @_;
	my $logs = on($s, "GET", "/v1/admin/logs?limit=20")->{json}{logs};
	my ($row) = grep { $_->{kind} eq "audit" } @$logs;
	return $row // {};
}

sub socket_conn { return IO::Socket::UNIX->new(Peer => $d->{socket}) }
sub tcp { return IO::Socket::INET->new("127.0.0.1:$d->{api}") }
sub agent {
	my ($name, $role, @vaults) = @_;
	return $d->api("POST", "/v1/agents", { name => $name, role => $role,
	    vaults => [ @vaults ] })->{av_agent_token};
}

$admin = agent("boss", "owner", { vault_name => "default",
    vault_role => "admin" });
$member = agent("clerk", "no-access", { vault_name => "default",
    vault_role => "member" });

subtest "who one is on the socket" => sub {
	my $s = socket_conn();
	my $r = on($s, "GET", "/v1/auth/me");
	is($r->{json}{name}, "local:$>", "local, by the user's number");
	is($r->{json}{role}, "owner", "is an owner");
	$r = on($s, "GET", "/v1/auth/me", $member);
	is($r->{json}{agent_name}, "clerk", "a token is that lesser identity");
	is(on($s, "GET", "/v1/brokerd/status", $member)->{status}, 403,
	    "which may not see the processes");
	is(on($s, "GET", "/v1/brokerd/status", $admin)->{status}, 403,
	    "nor may an owner with a token");
	is(on($s, "GET", "/v1/auth/me", "av_agt_" . "0" x 64)->{status}, 401,
	    "a bad one is not local");
	is(on($s, "GET", "/v1/auth/me")->{json}{type}, "local",
	    "and without it one is again");
};

subtest "the daemon" => sub {
	my $s = socket_conn();
	my $st = on($s, "GET", "/v1/brokerd/status")->{json};
	my %n;
	$n{$_->{name}}++ for @{$st->{processes}};
	is_deeply([sort keys %n], [qw(api-local api-tcp keyd logd mitm parent
	    proxy resolver)], "all processes");
	ok((grep { $_->{name} eq "keyd" && $_->{counters}{auth_ok} >= 0 &&
	    $_->{pid} > 1 } @{$st->{processes}}), "with their counters");
	is(on($s, "POST", "/v1/brokerd/init", undef, {})->{status}, 409,
	    "init is done once");
	is_deeply(on($s, "POST", "/v1/brokerd/verbose", undef,
	    { verbose => JSON::false })->{json}, { verbose => JSON::false },
	    "brief");
	is(on($s, "POST", "/v1/brokerd/verbose", undef, {})->{status}, 400,
	    "brief or verbose must be said");
	my $row = change($s);
	is("$row->{action} $row->{actor_id}", "daemon.brief local:$>",
	    "and is written down");
	my $r = on($s, "POST", "/v1/brokerd/reload");
	ok($r->{json}{reloaded}, "reload") or diag $r->{body};
	is(change($s)->{action}, "daemon.reload", "so is a reload");
	my $extra = $d->{extra};
	$d->{extra} .= "nonsense\n";
	$d->config;
	$r = on($s, "POST", "/v1/brokerd/reload");
	is($r->{status}, 409, "a configuration that does not parse");
	like($r->{json}{error}, qr/\S/, "with the reason") or diag $r->{body};
	$d->{extra} = $extra;
	$d->config;
	is(on($s, "POST", "/v1/brokerd/reload")->{status}, 200,
	    "and a good one again");
};

subtest "open connections" => sub {
	my $s = tcp();
	is(on($s, "GET", "/v1/credentials", $member)->{status}, 200,
	    "a member reads");
	$d->api("DELETE", "/v1/vaults/default/agents/clerk");
	is(on($s, "GET", "/v1/credentials", $member)->{status}, 403,
	    "not without the grant, on the same connection");
	$d->api("POST", "/v1/vaults/default/agents",
	    { name => "clerk", role => "member" });
	is(on($s, "GET", "/v1/credentials", $member)->{status}, 200,
	    "again with it");
	my $new = $d->api("POST", "/v1/agents/clerk/rotate");
	is(on($s, "GET", "/v1/credentials", $member)->{status}, 401,
	    "not with a token that was replaced");
	$member = $new->{av_agent_token};
	is(on($s, "GET", "/v1/credentials", $member)->{status}, 200,
	    "but with the new one");
	$d->api("DELETE", "/v1/agents/clerk");
	is(on($s, "GET", "/v1/credentials", $member)->{status}, 401,
	    "nor as a revoked agent");
	$member = $d->api("POST", "/v1/agents/clerk/rotate")->{av_agent_token};
	$d->api("POST", "/v1/vaults/default/agents",
	    { name => "clerk", role => "member" });
	my $m = on($s, "POST", "/v1/sessions", $member,
	    { vault => "default", label => "n\x{e4}chtlich" });
	my $token = $m->{json}{token};
	like($token, qr/^av_sess_/, "a minted session") or diag $m->{body};
	my $t = tcp();
	is(on($t, "GET", "/v1/vaults/default/services", $token)->{status},
	    200, "sees the services");
	my $list = on($s, "GET", "/v1/sessions?vault=default", $member);
	is($list->{json}{sessions}[0]{label}, "n\x{e4}chtlich", "its label");
	is(on($s, "DELETE", "/v1/sessions/$list->{json}{sessions}[0]{id}" .
	    "?vault=default", $member)->{status}, 200, "is revoked");
	is(on($t, "GET", "/v1/vaults/default/services", $token)->{status},
	    401, "and is gone at once");
	$token = $d->api("POST", "/v1/agents", { name => "brief" })->
	    {av_agent_token};
	$s = tcp();
	print $s "GET /v1/auth/me HTTP/1.1\r\nHost: x\r\nAuthorization: " .
	    "Bearer $token\r\nContent-Length: 2\r\n\r\n";
	$s->flush;
	sleep 0.3;
	$d->api("DELETE", "/v1/agents/brief");
	print $s "{}";
	$s->flush;
	is(Daemon::response($s)->{status}, 401,
	    "nor is anybody who was revoked in the middle of a request");
};

subtest "an owner without access" => sub {
	my $s = tcp();
	my $token = agent("landlord", "owner");
	my ($v) = @{on($s, "GET", "/v1/vaults", $token)->{json}{vaults}};
	is($v->{name}, "default", "sees that the vault exists");
	is($v->{membership}, "implicit", "without a role");
	ok(!exists $v->{role}, "in it");
	is(on($s, "GET", "/v1/vaults/default/$_", $token)->{status}, 403,
	    "but not its $_") for qw(context services settings logs agents);
	is(on($s, "GET", "/v1/credentials", $token)->{status}, 403,
	    "nor its credentials");
	is_deeply(on($s, "GET", "/v1/vaults", agent("tenant", "member"))->
	    {json}{vaults}, [], "a member does not see as much");
};

subtest "sizes" => sub {
	my $s = socket_conn();
	my $set = sub {
		return on($s, "POST", "/v1/credentials", undef,
		    { credentials => $_[0] })->{status};
	};
	is($set->({ BIG => "x" x 32768 }), 200, "a value of 32 KiB");
	is($set->({ BIG => "x" x 32769 }), 413, "and one byte more");
	is($set->({ map { +"N_$_" => "x" x 30000 } 1 .. 4 }), 413,
	    "more than one change carries");
	is($set->({ map { +"N_$_" => "x" x 30000 } 1 .. 3 }), 200, "less");
	is($set->({ map { +"S_$_" => "x" } 1 .. 65 }), 400, "too many");
	is($set->({ "L" x 65 => "x" }), 400, "a name that is too long");
	my $r = on($s, "GET", "/v1/credentials?reveal=true");
	is_deeply([ map { length $_->{value} }
	    @{$r->{json}{credentials}} ], [ 32768, (30000) x 3 ],
	    "all come back, in pages");
	is(on($s, "DELETE", "/v1/credentials", undef,
	    { keys => [ "BIG", "NOPE" ] })->{status}, 404,
	    "one that is not there");
	is(on($s, "DELETE", "/v1/credentials", undef,
	    { keys => [ "BIG", map { "N_$_" } 1 .. 3 ] })->{status}, 200,
	    "those that are: the others were kept");
	is(on($s, "GET", "/v1/vaults/" . "v" x 65 . "/services")->{status},
	    404, "a vault's name that is too long");
	is(on($s, "GET", "/v1/agents/" . "a" x 2000)->{status}, 400,
	    "an agent's");
};

subtest "what is written down" => sub {
	my $s = socket_conn();
	on($s, "POST", "/v1/credentials", $admin,
	    { credentials => { HUSH => $secret } });
	is(on($s, "GET", "/v1/credentials?reveal=true&key=HUSH", $admin)->
	    {json}{credentials}[0]{value}, $secret, "a value");
	my $rows = on($s, "GET", "/v1/admin/logs?limit=200")->{json}{logs};
	my ($set) = grep { $_->{action} eq "credential.set" } @$rows;
	my ($shown) = grep { $_->{action} =~ /reveal/ } @$rows;
	is($set->{kind}, "audit", "setting leaves a row");
	is($set->{actor_name}, "boss", "which says who");
	is_deeply($set->{detail}{keys}, [ "HUSH" ], "and what");
	is($shown->{actor_name}, "boss", "so does revealing") or
	    diag explain $rows->[0];
	$d->services(map { { name => "svc-$_", host => "$_.example.com",
	    auth => { type => "passthrough" } } } qw(one two));
	agent("logged", "no-access", { vault_name => "default",
	    vault_role => "member" });
	my ($new, $svc) = @{on($s, "GET", "/v1/admin/logs?limit=2")->
	    {json}{logs}};
	is_deeply($svc->{detail}{services}, [ "svc-one", "svc-two" ],
	    "so does each service");
	is_deeply($new->{detail}{vaults}, [ "default:member" ],
	    "and what an agent may from its beginning");
	is(on($s, "GET", "/v1/admin/logs", $member)->{status}, 403,
	    "the instance log is not for members");
	is(on($s, "GET", "/v1/admin/logs", $admin)->{status}, 200,
	    "but for owners");
	my $found = 0;
	for my $file (glob("$d->{state}/db/*"), "$d->{dir}/log") {
		open(my $f, "<:raw", $file) or next;
		local $/;
		my $all = <$f> // "";
		$found++ if index($all, $secret) >= 0 ||
		    index($all, $admin) >= 0;
	}
	is($found, 0, "but neither value nor token is on the disk");
	SKIP: {
		skip "only root sees the memory of others", 1 if $> != 0;
		my @st = @{on($s, "GET", "/v1/brokerd/status")->
		    {json}{processes}};
		my @has = grep { has($_->{pid}, $secret) }
		    grep { $_->{name} !~ /^(keyd|parent)$/ } @st;
		is_deeply([ map { $_->{name} } @has ], [],
		    "nor is the value in the memory of any but keyd");
	}
};

sub has {
	my ($pid, $what) = @_;
	open(my $maps, "<", "/proc/$pid/maps") or return 0;
	open(my $mem, "<:raw", "/proc/$pid/mem") or return 0;
	no warnings "portable";
	while (<$maps>) {
		next unless /^([0-9a-f]+)-([0-9a-f]+) rw/;
		my ($from, $to) = (hex $1, hex $2);
		next if $to - $from > 256 << 20;
		sysseek $mem, $from, 0 or next;
		my $n = sysread $mem, my $buf, $to - $from;
		return 1 if $n && index($buf, $what) >= 0;
	}
	return 0;
}

subtest "kill -9" => sub {
	my $s = socket_conn();
	my %pid = map { $_->{name} => $_->{pid} }
	    @{on($s, "GET", "/v1/brokerd/status")->{json}{processes}};

	kill "KILL", $pid{"api-tcp"};
	is(on($s, "GET", "/v1/vaults")->{status}, 200,
	    "the socket does not notice");
	ok(Frame::until(sub {
		my $t = tcp() or return 0;
		return on($t, "GET", "/v1/auth/me", $admin)->{status} == 200;
	}), "and the network is there again");
	kill "KILL", $pid{"logd"};
	ok(Frame::until(sub {
		my $r = on($s, "GET", "/v1/admin/logs?limit=1");
		return $r->{status} == 200 && @{$r->{json}{logs}} == 1;
	}), "with a new logd the log is read on the same connection");
	kill "KILL", $pid{"api-local"};
	ok(Frame::until(sub {
		my $t = socket_conn() or return 0;
		return on($t, "GET", "/v1/vaults")->{status} == 200;
	}), "the socket is there again");
};

is($d->stop, 0, "the daemon stops");
done_testing();
