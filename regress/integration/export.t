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
# The log as a file: what is in it against the pages of the log, in both
# formats; how much of it api holds; and that one without its end is seen to
# be so, whatever takes the end away.

use strict;
use warnings;

use IO::Socket::UNIX;
use JSON;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Ctl;
use Daemon;

my $ROWS = $ENV{EXPORT_ROWS} // 3_000;
# What a sanitizer sets aside is nobody's.
$ENV{ASAN_OPTIONS} =
    "quarantine_size_mb=0:thread_local_quarantine_size_kb=0";
my $d = Daemon->new("user", extra => "log retain rows 0\n");
my $up = Upstream->new(dir => $d->{dir}, tls => 1);
my $secure = "localhost:$up->{port}";
my $log = "/v1/vaults/default/logs";

$d->furnish({ name => "api", host => $secure,
    auth => { type => "bearer", token => "KEY" } });
my $member = $d->api("POST", "/v1/agents", { name => "reader", vaults => [
    { vault_name => "default", vault_role => "member" } ] })->
    {av_agent_token};

# An export of which nothing is read but its head.
sub begin {
	my ($path, %o) = @_;
	my $s = IO::Socket::UNIX->new(Peer => $d->{socket}) or die "socket";
	my $version = $o{version} // "1.1";

	print $s join("\r\n", ($o{method} // "GET") .
	    " $path HTTP/$version", "Host: x",
	    $o{accept} ? "Accept: $o{accept}" : (),
	    $o{token} ? "Authorization: Bearer $o{token}" : (), "", "");
	$s->flush;
	return $s if $o{raw};
	my $r = { s => $s, head => Daemon::head($s) };
	($r->{status}) = $r->{head} =~ m{^HTTP/1.1 (\d+)};
	return $r;
}

# The rest of it, in large pieces: there may be much.
sub rest {
	my ($r) = @_;
	my ($in, @part) = ("");

	$r->{cut} = 1;
	local $SIG{ALRM} = sub { die "no more bytes" };
	alarm 60;
	while ($r->{s}->sysread($in, 1 << 18, length $in)) {
		my $at = 0;
		while (substr($in, $at, 16) =~ /^([0-9a-fA-F]+)\r\n/) {
			my ($h, $n) = (length $&, hex $1);
			last if length $in < $at + $h + $n + 2;
			$r->{cut} = 0 if $n == 0;
			push @part, substr $in, $at + $h, $n;
			$at += $h + $n + 2;
		}
		substr $in, 0, $at, "";
	}
	alarm 0;
	$r->{body} = join "", @part;
	return $r;
}

sub export { return rest(begin(@_)) }
sub whole { my $r = export(@_); is($r->{cut}, 0, "@_: whole"); return $r }
sub ids { return map { /^\{"id":(\d+),/ ? $1 : () } split /\n/, $_[0]{body} }

# The raw answers of the log, the oldest row first.
sub pages {
	my ($filter) = @_;
	my ($after, @lines, $o) = (0);

	do {
		my $raw = $d->api("GET", "$log?limit=200&after=$after$filter",
		    undef, raw => 1);
		$o = decode_json($raw);
		$raw =~ s/^.*?"logs":\[//s;
		my @page = split /(?<=\})(?:,(?=\{"id":)|\].*$)/s, $raw;
		push @lines, reverse grep { /^\{"id"/ } @page;
		$after = $o->{latest_id};
	} while (@{$o->{logs}} || $o->{partial});
	return @lines;
}

sub proc {
	my ($name) = @_;
	my ($p) = grep { $_->{name} eq $name }
	    @{$d->api("GET", "/v1/brokerd/status")->{processes}};
	return $p;
}

sub peak {
	my $status = slurp("/proc/" . proc("api-local")->{pid} . "/status");
	return ($status // "") =~ /^VmHWM:\s+(\d+)/m ? $1 : 0;
}

sub burst {
	my ($n, $path) = @_;
	my $pid = fork // die "fork: $!";

	return $pid if $pid;
	eval { $d->refused($secure, $n, $path); 1 } or warn $@;
	POSIX::_exit(0);
}

subtest "what is in it" => sub {
	my $s = $d->tunnel($secure);
	Daemon::request($s, "$_", "Host: $secure") for "GET /echo/a,%22b%22",
	    "POST /status/404", "GET /status/503", "-X /echo/dash",
	    "+X /echo/plus", "GET /echo/@";
	$d->refused($secure, 450, "many");
	$d->row("/many/49");
	for my $f ("", "&status=403", "&method=POST", "&path=/many/1*",
	    "&q=status:404,503", "&host=nowhere") {
		my $r = whole("$log/export?format=jsonl$f");
		my @want = pages($f);
		is($r->{body}, join("", map { "$_\n" } @want), scalar(@want) .
		    " rows as the log gives them");
	}
	my $r = whole("/v1/admin/logs/export?kind=audit");
	like($r->{body}, qr/"action":"agent\.create"/, "the instance's log");
	like($r->{head}, qr/filename="brokerd-instance-\w+\.jsonl"/,
	    "named so");
};

subtest "a table" => sub {
	my $r = whole("$log/export", accept => "text/csv");
	like($r->{head}, qr{^Content-Type: text/csv}m, "by Accept");
	my @lines = split /\n/, $r->{body};
	my @names = split /,/, shift @lines;
	my @rows = map { decode_json($_) } pages("");
	is(scalar @lines, scalar @rows, "a line for each row");
	my $bad = 0;
	for my $i (0 .. $#rows) {
		my (%row, @cells);
		push @cells, defined $1 ? $1 =~ s/""/"/gr : $2 while
		    $lines[$i] =~ /\G(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g &&
		    @cells < @names;
		@row{@names} = @cells;
		my %want = map {
			my $v = $rows[$i]{$_};
			$_ => !defined $v ? "" : ref $v eq "ARRAY" ?
			    join(",", @$v) : ref $v ? JSON->new->canonical->
			    encode($v) : $v =~ s/^(?=[-+=@])/'/r
		} @names;
		$row{detail} = JSON->new->canonical->encode(decode_json(
		    $row{detail})) if $row{detail};
		is_deeply(\%row, \%want, "row $i") if $bad < 3 &&
		    join("|", @row{@names}) ne join("|", @want{@names}) &&
		    ++$bad;
	}
	is($bad, 0, "with what the log says");
	like($r->{body}, qr/,'-X,.*,'\+X,/s, "which is no formula");
	like($r->{body}, qr{,"/echo/a,%22b%22",}, "and quoted");
	my ($rc, $out) = ctl("-s", $d->{socket}, "logs", "-o", "csv", "-n",
	    1000);
	is($out, $r->{body}, "brokerctl logs -o csv makes the same");
};

subtest "what is asked for" => sub {
	my %media = ("text/csv;q=0.5, application/json" => "x-ndjson",
	    "*/*" => "x-ndjson", "text/csv, */*;q=0.1" => "csv",
	    "application/x-ndjson;q=0.2, text/csv;q=0.9" => "csv",
	    "text/csv;q=0" => "x-ndjson", "text/csvx" => "x-ndjson");
	for (sort keys %media) {
		my $r = begin("$log/export", accept => $_);
		like($r->{head}, qr{^Content-Type: \w+/$media{$_}}m, $_);
	}
	my $r = begin("$log/export?format=jsonl", accept => "text/csv");
	like($r->{head}, qr{ndjson}, "format says it before Accept");
	like($r->{head}, qr{^Content-Disposition:\ attachment;\ filename=
	    "brokerd-default-\d{8}T\d{6}Z\.jsonl"\r$}mx, "a file");
	like($r->{head}, qr{^X-Content-Type-Options: nosniff}m, "no sniffing");
	like($r->{head}, qr{^Cache-Control: no-store}m, "nor is it kept");
	like($r->{head}, qr{^X-Latest-Id: (\d+)}m, "up to where");
	my ($head) = $r->{head} =~ /^X-Latest-Id: (\d+)/m;
	$r = export("$log/export", method => "HEAD");
	is("$r->{status} $r->{body}", "200 ", "HEAD: no body");
	like($r->{head}, qr{^Content-Disposition: }m, "but the same head");
	my %bad = ("$log/export?format=xml" => 400, "$log/export?limit=5" =>
	    400, "$log/export?after=x" => 400, "$log/export?before=0" => 400,
	    "$log/export?status=9xxx" => 400, "$log/export?after=" .
	    ($head + 1000) => 409, "$log/export?before=" . ($head + 1000) =>
	    409, "/v1/admin/logs/export?vault=none" => 400,
	    "/v1/vaults/none/logs/export" => 404);
	is(begin($_)->{status}, $bad{$_}, "$_: $bad{$_}") for sort keys %bad;
	is(begin("$log/export", token => $d->{token})->{status}, 403,
	    "role proxy");
	is(begin("$log/export", token => $member)->{status}, 200, "a member");
	is(begin("/v1/admin/logs/export", token => $member)->{status}, 403,
	    "not of the instance");
	is(begin("$log/export", token => "av_agt_" . "0" x 64)->{status},
	    401, "no token");
	is(begin("$log/export", version => "1.0")->{status}, 505,
	    "HTTP/1.0 cannot show where the end is");
};

subtest "in parts" => sub {
	my @all = ids(whole("$log/export"));
	my ($a, $b) = @all[@all / 3, 2 * @all / 3];
	is(join(" ", ids(whole("$log/export?before=$a")),
	    ids(whole("$log/export?before=$b&after=" . ($a - 1))),
	    ids(whole("$log/export?after=" . ($b - 1)))), "@all",
	    "three exports are one");
	is(scalar(ids(whole("$log/export?before=$a&after=$b"))), 0,
	    "from behind the end there is nothing");
};

# Who does not read, and who reads while rows come in.
subtest "large, while more comes in" => sub {
	my @pids = map { burst($ROWS / 2, "large") } 1, 2;
	waitpid $_, 0 for @pids;
	$d->rows;
	my $before = peak();
	my $stuck = begin("$log/export");
	my ($head) = $stuck->{head} =~ /^X-Latest-Id: (\d+)/m;
	my $pid = burst($ROWS / 2, "later");
	my $r = whole("$log/export");
	is($d->api("GET", "$log?limit=1")->{logs}[0]{method}, "GET",
	    "others are served meanwhile");
	cmp_ok(scalar(() = ids($r)), ">=", $ROWS, "all rows");
	waitpid $pid, 0;
	$d->row("/later/49");
	my $more = peak() - $before;
	cmp_ok($more, "<", 2 * 1024, "api took $more kB for the two, of " .
	    length($r->{body}) . " bytes each");
	rest($stuck);
	is($stuck->{cut}, 0, "who was slow gets it all");
	my @got = ids($stuck);
	my @want = grep { $_ <= $head } map { /^\{"id":(\d+)/ } pages("");
	is("@got", "@want", "which is what there was when it began");
};

# What takes the end away.  None of these ends with the last chunk.
for my $name ("logd", "api-local") {
	my $r = begin("$log/export");
	my $pid = proc($name)->{pid};
	kill "KILL", $pid;
	Frame::until(sub { Frame::gone($pid) }, 10);
	rest($r);
	ok($r->{cut}, "$name is killed: no end");
	my @got = ids($r);
	cmp_ok(scalar @got, ">", 0, "only the beginning");
	my $more;
	Frame::until(sub {
		$more = eval { begin("$log/export?after=$got[-1]") };
		return $more && ($more->{status} // 0) == 200;
	}, 20);
	rest($more);
	is($more->{cut}, 0, "it can go on");
	is(join(" ", @got, ids($more)), join(" ", ids(whole("$log/export"))),
	    "behind the last row that came");
}

subtest "a client that goes" => sub {
	my $r = begin("$log/export");
	ok(Frame::until(sub { proc("api-local")->{counters}{exports} == 1 },
	    10), "one is under way");
	close $r->{s};
	ok(Frame::until(sub { !proc("api-local")->{counters}{exports} }, 10),
	    "and gone with its client");
};

subtest "places" => sub {
	my @r = map { begin("$log/export") } 1 .. 5;
	is(join(" ", map { $_->{status} } @r), "200 200 200 200 503",
	    "four for one caller");
	like($r[4]{head}, qr/^Retry-After: \d+\r$/m, "says when to try again");
	my $other = begin("$log/export", token => $member);
	is($other->{status}, 200, "and one for another");
	$d->api("DELETE", "/v1/vaults/default/agents/reader");
	rest($other);
	ok($other->{cut}, "whose right ends: no end");
	@r = ();
	ok(Frame::until(sub { begin("$log/export")->{status} == 200 }, 10),
	    "there is room again when they have gone");
};

subtest "brokerctl" => sub {
	my @b = ("-s", $d->{socket}, "logs", "export");
	my ($rc, $out, $err) = ctl(@b);
	is("$rc$err", "0", "an export");
	is($out, whole("$log/export")->{body}, "as it comes");
	($rc, $out, $err) = ctl(@b, "-o", "csv", "--method", "POST");
	is("$rc$err" . scalar(() = $out =~ /\n/g), "02", "a table");
	($rc, $out, $err) = ctl(@b, "--instance", "--kind", "audit");
	like($out, qr/"agent\.create"/, "of the instance");
	($rc, $out, $err) = ctl(@b, "-o", "xml");
	is($rc, 2, "a format that is none");
	($rc, $out, $err) = ctl(@b, "--status", "9xxx");
	is($rc, 2, "a filter that is none");
	my $cut = fork // die "fork: $!";
	if ($cut == 0) {
		# The reader of the pipe stops, so that there is no end.
		open(my $p, "-|", "'$Ctl::program' @b 2>'$Ctl::dir/cut';" .
		    " echo \$? >>'$Ctl::dir/cut'") or POSIX::_exit(1);
		sysread $p, my $first, 100;
		kill "KILL", proc("logd")->{pid};
		1 while sysread $p, my $next, 1 << 16;
		POSIX::_exit(0);
	}
	waitpid $cut, 0;
	like(slurp("$Ctl::dir/cut"),
	    qr/^brokerctl: logs export: cut short: .*not all of it\n1\n$/,
	    "logd is killed: it says so, and fails");
	ok(Frame::until(sub { begin("$log/export")->{status} == 200 }, 10),
	    "and can go on");
};

# Retention that is faster than who reads.
subtest "retention" => sub {
	my $r = begin("$log/export");
	my ($first) = ids(whole("$log/export"));
	$d->api("PUT", "/v1/admin/settings", { logs_retention =>
	    { max_rows_per_vault => 100 } });
	Frame::until(sub {
		return @{$d->api("GET", "$log?after=0&limit=200")->
		    {logs}} <= 100;
	}, 20);
	rest($r);
	ok($r->{cut}, "rows went before their turn: no end");
	$r = whole("$log/export?after=$first");
	like($r->{head}, qr/^X-Trimmed: \{"oldest_id":\d+,"gone":\d+/m,
	    "and who goes on is told");
	my ($rc, $out, $err) = ctl("-s", $d->{socket}, "logs", "export",
	    "--after-cursor", $first);
	is($rc, 0, "brokerctl goes on");
	like($err, qr/retention has taken rows/, "and tells it too");
};

is($d->stop, 0, "the daemon stops in order");
done_testing;
