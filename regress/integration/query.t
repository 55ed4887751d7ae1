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
# Reading the log through the API: filters, pages, tails, exports and 200
# readers of the stream against a slow evaluation here, while requests come in;
# and the defects of the log that was the model, each under its name.  Of these
# a vault deleted under a live tunnel is in vaults.t, and one bad row taking its
# batch along in regress/unit/batch_test.c.

use strict;
use warnings;

use JSON;
use Test::More;
use Time::HiRes qw(sleep time);
use lib ($ENV{TOP} || ".") . "/regress/integration";
use Daemon;
use Follow;

my $seed = $ENV{QUERY_SEED} // int(rand(1 << 31));
diag("QUERY_SEED=$seed");
srand($seed);

my $d = Daemon->new("user", extra => "log retain rows 0\n");
my $tls = Upstream->new(dir => $d->{dir}, tls => 1);
my $plain = Upstream->new(dir => $d->{dir}, tls => 0);
my $secure = "localhost:$tls->{port}";
my $open = "127.0.0.1:$plain->{port}";
my $log = "/v1/vaults/default/logs";

$d->furnish({ name => "api", host => $secure,
    auth => { type => "bearer", token => "KEY" } });
my $robot = $d->api("POST", "/v1/agents", { name => "robot",
    vaults => [ { vault_name => "default", vault_role => "proxy" } ] })->
    {av_agent_token};

sub encode {
	my ($s) = @_;
	$s =~ s/([^A-Za-z0-9_.~-])/sprintf "%%%02X", ord $1/ge;
	return $s;
}

sub get {
	my ($path, %query) = @_;
	my $q = join "&", map { "$_=" . encode($query{$_}) }
	    grep { defined $query{$_} } sort keys %query;
	return $d->api("GET", "$path?$q", undef, fails => 1);
}

# Requests of all kinds, one after the other, until the time is over.
my @paths = ("/echo/1", "/echo/2/x", "/status/404", "/status/503",
    "/status/204", "/a%00b", "/%ff", "/slow?ms=20", "/echo/a,b", "/drop");
sub forward {
	my ($n) = @_;
	my $s = $d->dial;
	my $token = ($n % 3 ? $d->{token} : $robot) . ":default";

	while (rand > 0.1) {
		my $m = (qw(GET GET POST DELETE))[rand 4];
		my $r = Daemon::request($s, "$m http://$open" .
		    $paths[rand @paths], "Host: $open",
		    "Proxy-Authorization: " . Daemon::basic($token));
		last if !$r->{status} || $r->{cut};
	}
}

sub tunnelled {
	my ($n) = @_;
	my $s = $d->tunnel($secure,
	    token => ($n % 2 ? $d->{token} : $robot) . ":default");

	while (rand > 0.1) {
		my $r = Daemon::request($s, "GET " . $paths[rand @paths],
		    "Host: $secure");
		last if !$r->{status} || $r->{cut};
	}
}

sub traffic {
	my ($seconds) = @_;
	my $end = time + $seconds;
	my @pids;

	for my $c (1 .. 3) {
		my $pid = fork // die "fork: $!";
		if ($pid == 0) {
			srand($seed + $c);
			for (my $n = 0; time < $end; $n++) {
				eval { $n % 3 ? forward($n) : tunnelled($n) };
			}
			POSIX::_exit(0);
		}
		push @pids, $pid;
	}
	return @pids;
}

# What a filter means, without any of the daemon's code: a list of [key, not,
# items].
sub glob_re {
	my ($g, $i) = @_;
	my $re = join "", map { $_ eq "*" ? ".*" : $_ eq "?" ? "." :
	    quotemeta } split //, $g;
	return $i ? qr/^$re$/is : qr/^$re$/s;
}

sub has_status {
	my ($item, $s) = @_;
	return 0 unless defined $s;
	return $s >= 100 * $1 && $s < 100 * $1 + 100
	    if $item =~ /^(\d)xx$/;
	return $s >= $1 && $s <= $2 if $item =~ /^(\d+)-(\d+)$/;
	return $s == $item;
}

my %match = (
	actor => sub { $_[0] eq $_[1]{actor_id} ||
	    $_[0] eq ($_[1]{actor_name} // "") },
	decision => sub { $_[0] eq $_[1]{decision} },
	error_code => sub { $_[0] eq $_[1]{error_code} },
	host => sub { my $re = glob_re($_[0], 1); my $h = $_[1]{host};
	    return $h =~ $re || $h =~ s/:\d+$//r =~ $re },
	ingress => sub { $_[0] eq $_[1]{ingress} },
	kind => sub { $_[0] eq $_[1]{kind} },
	method => sub { lc $_[0] eq lc $_[1]{method} },
	min_ms => sub { $_[1]{kind} eq "request" &&
	    $_[1]{latency_ms} >= $_[0] },
	path => sub { $_[1]{path} =~ glob_re($_[0], 0) },
	request_id => sub { $_[0] eq $_[1]{request_id} },
	service => sub { $_[0] eq $_[1]{matched_service} },
	since => sub { $_[1]{created_at} ge $_[0] },
	status => sub { has_status($_[0], $_[1]{status}) },
	status_bucket => sub { $_[0] eq "err" ? $_[1]{error_code} ne "" ||
	    ($_[1]{status} // 0) >= 400 : has_status($_[0], $_[1]{status}) },
	until => sub { $_[1]{created_at} lt $_[0] },
);

sub matches {
	my ($row, @terms) = @_;
	for my $t (@terms) {
		my ($key, $not, @items) = @$t;
		my $hit = grep { $match{$key}->($_, $row) } @items;
		return 0 if !!$hit == !!$not;
	}
	return 1;
}

my %pool = (
	actor => ["bot", "robot", "nobody"],
	decision => [qw(brokered passthrough blocked error)],
	error_code => [qw(upstream_error worker_lost client_closed)],
	host => ["localhost", "LOCAL*", "127.?.0.1", "*:$plain->{port}",
	    "nowhere", $secure],
	ingress => [qw(mitm forward explicit)],
	kind => [qw(request event gap)],
	method => [qw(GET post DELETE)],
	min_ms => [0, 5, 20],
	path => ["/echo/*", "/status/???", "*%00*", "/%ff", "/none"],
	service => ["api", "none"],
	status => ["404", "5xx", "200-299", "204,503", "1xx"],
	status_bucket => [qw(2xx 4xx 5xx err)],
);

sub filter {
	my ($now) = @_;
	my @terms;

	for (1 .. 1 + int rand 3) {
		my $key = (sort keys %pool)[rand keys %pool];
		next if grep { $_->[0] eq $key } @terms;
		my $n = $key eq "min_ms" ? 1 : 1 + int rand 2;
		my @items = map { split /,/, $pool{$key}[rand
		    @{$pool{$key}}] } 1 .. $n;
		push @terms, [$key, rand() < 0.25, @items];
	}
	my $t = sub { POSIX::strftime("%Y-%m-%dT%H:%M:%S", gmtime $now -
	    $_[0]) . ".500000Z" };
	push @terms, ["since", 0, $t->(1 + rand 6)] if rand() < 0.2;
	push @terms, ["until", 0, $t->(rand 4)] if rand() < 0.2;
	return @terms;
}

# The two ways to write it.
sub asked {
	my (@terms) = @_;
	my $list = sub { join ",", map { /[, "]/ ? "\"$_\"" : $_ }
	    @{$_[0]}[2 .. $#{$_[0]}] };

	return map { $_->[0] => ($_->[1] ? "!" : "") . $list->($_) } @terms
	    if rand() < 0.5;
	return (q => join " ", map { ($_->[1] ? "!" : "") . "$_->[0]:" .
	    $list->($_) } @terms);
}

sub pages {
	my (%f) = @_;
	my ($before, $head, @ids);

	while (1) {
		my $r = get($log, %f, limit => 1 + int rand 200,
		    before => $before);
		return $r if $r->{error};
		$head //= $r->{latest_id};
		push @ids, map { $_->{id} } @{$r->{logs}};
		my $next = $r->{next_cursor} // last;
		die "stands still" if defined $before && $next >= $before;
		$before = $next;
	}
	return { head => $head, ids => [reverse @ids] };
}

# As far as it is when it has nothing new.
sub tail {
	my (%f) = @_;
	my ($after, @ids) = (0);

	while (1) {
		my $r = get($log, %f, limit => 1 + int rand 200,
		    after => $after);
		return $r if $r->{error};
		push @ids, map { $_->{id} } reverse @{$r->{logs}};
		last if $r->{latest_id} == $after;
		$after = $r->{latest_id};
		last if !@{$r->{logs}} && !$r->{partial};
	}
	return { head => $after, ids => \@ids };
}

# As JSON lines, whole or in two parts.
sub exported {
	my (%f) = @_;
	my (@ids, $head);
	my $get = sub {
		my %q = (%f, @_);
		my $q = join "&", map { "$_=" . encode($q{$_}) } sort keys %q;
		my $s = IO::Socket::UNIX->new(Peer => $d->{socket}) or die;
		my $r = Daemon::request($s, "GET $log/export?$q", "Host: x");
		return $r->{json} if $r->{status} != 200;
		die "an export without its end" if $r->{cut};
		($head) = $r->{head} =~ /^X-Latest-Id: (\d+)/m;
		push @ids, map { decode_json($_)->{id} } split /\n/,
		    $r->{body};
		return undef;
	};

	my $r = $get->();
	return $r if $r;
	return { head => $head, ids => \@ids } if @ids < 2 || rand() < 0.5;
	my ($middle, $end, @whole) = ($ids[@ids / 2], $head, @ids);
	@ids = ();
	$get->(before => $middle);
	$get->(after => $middle - 1, before => $end);
	push @ids, $end if $whole[-1] == $end;
	return { head => $end, ids => \@ids };
}

subtest "after=0 on an empty vault" => sub {
	$d->api("POST", "/v1/vaults", { name => "empty" });
	my $head = get($log)->{latest_id};
	my $r = get("/v1/vaults/empty/logs", after => 0);
	is_deeply($r->{logs}, [], "no rows");
	is($r->{next_cursor}, undef, "no page");
	cmp_ok($r->{latest_id}, ">=", $head, "a cursor to go on with");
	$r = get("/v1/vaults/empty/logs", after => 0, status_bucket => "err");
	cmp_ok($r->{latest_id}, ">=", $head, "with a filter too");
};

subtest "tail stuck on an empty vault, burst lost to the tail" => sub {
	my $cursor = get($log, after => 0)->{latest_id};
	my $s = $d->dial;
	my $n = 130;
	for my $i (1 .. $n) {
		my $r = Daemon::request($s, "GET http://$open/burst/$i",
		    "Host: $open", "Proxy-Authorization: " .
		    Daemon::basic("$d->{token}:default"));
		is($r->{status}, 200, "request $i") if $r->{status} != 200;
	}
	$d->row("/burst/$n");
	my @seen;
	for (1 .. 10) {
		my $r = get($log, after => $cursor, limit => 50,
		    path => "/burst/*");
		cmp_ok(scalar @{$r->{logs}}, "<=", 50, "a page of them");
		push @seen, map { $_->{path} =~ m{(\d+)$} }
		    reverse @{$r->{logs}};
		$cursor = $r->{latest_id};
	}
	is_deeply(\@seen, [1 .. $n], "each of them once, in order");
};

subtest "a filter with no match that never advances" => sub {
	my $r = get($log, after => 0, path => "/never/*");
	is_deeply($r->{logs}, [], "nothing");
	is($r->{latest_id}, get($log)->{latest_id}, "but to the head");
	$r = get($log, host => "nowhere.example");
	is($r->{next_cursor}, undef, "nor is there a page");
};

subtest "paths with %00 and %ff" => sub {
	my $s = $d->dial;
	for ("/z%00%ff", "/z%2500") {
		Daemon::request($s, "GET http://$open$_", "Host: $open",
		    "Proxy-Authorization: " .
		    Daemon::basic("$d->{token}:default"));
		is($d->row($_)->{path}, $_, "$_ as it was sent");
		is_deeply([map { $_->{path} } @{get($log, path => $_)->
		    {logs}}], [$_], "and found by it");
	}
	my $r = $d->api("GET", "$log?path=/z%00", undef, fails => 1);
	is($r->{code}, "invalid_request", "no NUL in a filter");
	$r = $d->api("GET", "$log?path=/z%ff", undef, fails => 1);
	is_deeply($r->{logs}, [], "a byte that is no text matches nothing");
	$r = $d->api("GET", "$log?kind=%ff%fe", undef, fails => 1);
	is($r->{code}, "invalid_filter", "and is refused where it must fit");
};

# 200 at once, each with a filter of its own.
sub readers {
	my @r;

	while (@r < 200) {
		my @terms = filter(time);
		my %f = asked(@terms);
		my $r = Follow::start($d, "$log/stream?" . join "&",
		    map { "$_=" . encode($f{$_}) } sort keys %f);
		next if $r->{status} != 200;
		push @r, { %$r, terms => \@terms, asked => \%f };
	}
	return @r;
}

# Each has seen what matches of the rows that came since, once and in order.
sub followed {
	my ($rows, @r) = @_;
	my $hits = 0;

	for my $r (@r) {
		$r->{want} = join " ", map { $_->{id} }
		    grep { matches($_, @{$r->{terms}}) } @$rows;
		$hits += $r->{want} =~ tr/ //;
	}
	until_all(sub {
		return !grep { join(" ", ids($_)) ne $_->{want} } @r;
	}, @r);
	my @bad = grep { join(" ", ids($_)) ne $_->{want} } @r;
	is(scalar @bad, 0, "200 readers have what matches");
	diag(encode_json($_->{asked}) . "\nwanted $_->{want}\ngot " .
	    join " ", ids($_)) for @bad[0 .. ($#bad > 2 ? 2 : $#bad)];
	cmp_ok($hits, ">", 100, "$hits rows of theirs");
}

subtest "filters while requests come in" => sub {
	my $from = get($log)->{latest_id};
	my @readers = readers();
	my @pids = traffic(6);
	my (@done, $end);

	sleep 1;
	$end = time + 5;
	while (time < $end) {
		my @terms = filter(time);
		my %f = asked(@terms);
		my $how = (qw(pages tail export))[rand 3];
		my $r = $how eq "tail" ? tail(%f) : $how eq "pages" ?
		    pages(%f) : exported(%f);
		fail(encode_json(\%f) . ": $r->{error}"), next if $r->{error};
		push @done, [$how, \@terms, $r, \%f];
	}
	waitpid $_, 0 for @pids;
	my $last = -1;
	Frame::until(sub {
		my $head = get($log)->{latest_id};
		my $same = $head == $last;
		$last = $head;
		sleep 0.2 unless $same;
		return $same;
	}, 10);

	# Everything, once, in order; then it is looked at row by row.
	my ($before, @rows);
	do {
		my $r = get($log, limit => 200, before => $before);
		push @rows, @{$r->{logs}};
		$before = $r->{next_cursor};
	} while (defined $before);
	cmp_ok(scalar @rows, ">", 300, @rows . " rows");
	is_deeply([map { $_->{id} } @rows], tail()->{ids} ?
	    [reverse @{tail()->{ids}}] : 0, "a tail has them too");
	cmp_ok(scalar @done, ">", 5, @done . " filters");
	followed([grep { $_->{id} > $from } reverse @rows], @readers);
	my ($bad, $hits) = (0, 0);
	for (@done) {
		my ($how, $terms, $r, $f) = @$_;
		my @want = map { $_->{id} } grep { $_->{id} <= $r->{head} &&
		    matches($_, @$terms) } reverse @rows;
		$hits += @want;
		next if "@want" eq "@{$r->{ids}}";
		diag("$how: " . encode_json($f) . "\nwanted @want\ngot " .
		    "@{$r->{ids}}") if $bad++ < 3;
	}
	is($bad, 0, "all have what matches, once and in order");
	cmp_ok($hits, ">", 100, "$hits rows");
	for (grep { $_->{kind} eq "request" } @rows[0 .. 4]) {
		my $r = get($log, request_id => $_->{request_id} =~ s/-//gr);
		is_deeply([map { $_->{id} } @{$r->{logs}}], [$_->{id}],
		    "by its request_id");
	}
};

subtest "two polls that overlap" => sub {
	my @pids = traffic(2);
	my ($after, %times) = (get($log)->{latest_id});
	my $start = $after;
	my $end = time + 2;

	# Whoever polls twice from one cursor gets the same rows for it.
	while (time < $end) {
		my $one = get($log, after => $after, limit => 20);
		my $two = get($log, after => $after, limit => 20);
		my @one = map { $_->{id} } reverse @{$one->{logs}};
		my @two = map { $_->{id} } reverse @{$two->{logs}};
		is_deeply([@two[0 .. $#one]], \@one, "the same rows")
		    if "@two[0 .. $#one]" ne "@one";
		$times{$_}++ for @one;
		$after = $one->{latest_id};
	}
	waitpid $_, 0 for @pids;
	is(scalar(grep { $_ > 1 } values %times), 0, "none twice");
	my $r = tail();
	is(scalar(grep { $_ > $start && $_ <= $after && !$times{$_} }
	    @{$r->{ids}}), 0, "none is missing");
};

subtest "a vault deleted under its log" => sub {
	$d->api("POST", "/v1/vaults", { name => "goner" });
	my $a = $d->api("POST", "/v1/agents", { name => "late",
	    vaults => [ { vault_name => "goner", vault_role => "proxy" } ] });
	my $s = $d->dial;
	Daemon::request($s, "GET http://$open/late", "Host: $open",
	    "Proxy-Authorization: " .
	    Daemon::basic("$a->{av_agent_token}:goner"));
	Frame::until(sub {
		return @{get("/v1/vaults/goner/logs")->{logs}} > 0;
	}, 10);
	$d->api("DELETE", "/v1/vaults/goner");
	my $r = get("/v1/vaults/goner/logs");
	is($r->{code}, "vault_not_found", "it is not there any more");
	$r = get("/v1/admin/logs", vault => "goner", path => "/late");
	is(scalar @{$r->{logs} // []}, 1, "the owner finds its rows by name");
	my $id = $r->{logs}[0]{vault_id};
	is(scalar @{get("/v1/admin/logs", vault => $id, kind =>
	    "request")->{logs}}, 1, "and by its id");
	$r = get("/v1/admin/logs", vault => "goner,never-there");
	is($r->{code}, "invalid_filter", "a vault that never was");
	like($r->{error}, qr/"never-there"/, "is named");
	ok((grep { $_ eq "goner" } @{get("/v1/admin/logs/values", key =>
	    "vault")->{values}}), "and completion knows it");
};

subtest "values that occur" => sub {
	is_deeply(get("$log/values", key => "host"), { key => "host",
	    values => ["127.0.0.1", "localhost"], more => JSON::false },
	    "hosts");
	is_deeply(get("$log/values", key => "host", prefix => "LO")->{values},
	    ["localhost"], "by the beginning");
	my $r = get("$log/values", key => "method", limit => 1);
	is_deeply([@{$r->{values}}, $r->{more}], ["DELETE", JSON::true],
	    "the first");
	is_deeply(get("$log/values", key => "actor")->{values},
	    ["bot", "robot"], "actors");
	is_deeply(get("$log/values", key => "ingress", prefix => "m")->
	    {values}, ["mitm"], "names of codes");
	is(get("$log/values", key => "path")->{code}, "invalid_request",
	    "paths are not listed");
	is_deeply(get("/v1/vaults/empty/logs/values", key => "host")->
	    {values}, [], "of another vault");
};

is($d->stop, 0, "stopped");
done_testing();
