#!/usr/bin/perl
# The control plane against recorded exchanges of another implementation of
# the same wire, regress/wire/control.jsonl: paths, fields and their order,
# status codes.  Texts are not compared.
#
# A line there is a request and what was answered.  <TOKEN:x:1>, <ID:1>,
# <HEX:1> and <TIME> are places of values: equal ones are equal everywhere.
# "adapted" says how a step was changed by hand.  Who plays whom:
#
#	owner			local, on the socket
#	user			the agent `second-user', instance role member,
#				which is a member of the vault main
#	agent, scoped session	those that steps before have made
#	anonymous		nobody, on TCP
#
# Every difference must be in regress/wire/differences, by the name that it
# has in brokerd-api(7); and whatever is said there must occur.

use strict;
use warnings;

use FindBin qw($Bin);
use lib "$Bin/../proc";
use lib $Bin;
use File::Copy;
use Frame;
use MIME::Base64;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Test::More;

my $top = $Frame::top;
my $f = Frame->new($> == 0 ? "root" : "user");
my (%bound, %value, @allowed, %named, %seen);

# JSON with the order of its keys: ["{", [key, value], ...], ["[", ...],
# ["s", text], ["n", number], ["l", word].
sub parse {
	my ($text) = @_;
	my $v;

	utf8::decode($text) unless utf8::is_utf8($text);
	my $r = eval { $v = value(\$text); 1 };
	return undef unless $r && $text =~ /\G\s*\z/gc;
	return $v;
}

sub value {
	my ($t) = @_;

	if ($$t =~ /\G\s*\{/gc) {
		my @o = ("{");
		return \@o if $$t =~ /\G\s*\}/gc;
		do {
			my $k = value($t);
			$$t =~ /\G\s*:/gc or die "colon";
			push @o, [$k->[1], value($t)];
		} while ($$t =~ /\G\s*,/gc);
		$$t =~ /\G\s*\}/gc or die "brace";
		return \@o;
	}
	if ($$t =~ /\G\s*\[/gc) {
		my @a = ("[");
		return \@a if $$t =~ /\G\s*\]/gc;
		do {
			push @a, value($t);
		} while ($$t =~ /\G\s*,/gc);
		$$t =~ /\G\s*\]/gc or die "bracket";
		return \@a;
	}
	if ($$t =~ /\G\s*"((?:[^"\\]|\\.)*)"/gc) {
		return ["s", unescape($1)];
	}
	return ["n", $1] if $$t =~ /\G\s*(-?[0-9][-+0-9.eE]*)/gc;
	return ["l", $1] if $$t =~ /\G\s*(true|false|null)/gc;
	die "value";
}

sub unescape {
	my ($s) = @_;
	my %c = (n => "\n", r => "\r", t => "\t", b => "\b", f => "\f");

	$s =~ s/\\(?:u([0-9a-fA-F]{4})|(.))/
	    defined $1 ? chr hex $1 : $c{$2} \/\/ $2/gex;
	return $s;
}

sub text {
	my ($v) = @_;
	my ($type, @rest) = @$v;

	return "{" . join(",", map { quote($_->[0]) . ":" . text($_->[1]) }
	    @rest) . "}" if $type eq "{";
	return "[" . join(",", map { text($_) } @rest) . "]" if $type eq "[";
	return quote($rest[0]) if $type eq "s";
	return $rest[0];
}

sub quote {
	my ($s) = @_;
	$s =~ s/(["\\])/\\$1/g;
	$s =~ s/([\x00-\x1f])/sprintf "\\u%04x", ord $1/ge;
	return "\"$s\"";
}

sub get {
	my ($o, $key) = @_;
	return undef unless defined $o && $o->[0] eq "{";
	for my $p (@$o[1 .. $#$o]) {
		return $p->[1] if $p->[0] eq $key;
	}
	return undef;
}

sub str { my $v = get(@_); return defined $v ? $v->[1] : undef }

# What the places in a recorded string stand for now.
sub fill {
	my ($s) = @_;

	return $s unless defined $s;
	$s =~ s/<(.)\*([0-9]+)>/$1 x $2/ge;
	$s =~ s/(<(?:NEWEST|(?:TOKEN|ID|HEX)[:a-z_0-9]*:[0-9]+)>)/
	    $value{$1} \/\/ $1/gex;
	return $s;
}

my %shape = (
	TIME => qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
	ID => qr/^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|local:\d+)$/,
	HEX => qr/^[0-9a-f]{20}$/,
	"TOKEN:av_sess" => qr/^av_sess_[0-9a-f]{64}$/,
	"TOKEN:av_agt" => qr/^av_agt_[0-9a-f]{64}$/,
);

sub same_string {
	my ($rec, $got) = @_;

	return length $got if $rec eq "(text)";
	return $got =~ m{^http://127\.0\.0\.1:\d+$}
	    if $rec =~ m{^http://127\.0\.0\.1:\d+$};
	if ($rec =~ /^<([A-Z]+(?::[a-z_]+)?)(?::[0-9]+)?>$/) {
		my $shape = $shape{$1} or return 0;
		return 0 unless $got =~ $shape;
		return 1 if $rec eq "<TIME>";
		# An id may be first seen where another one stands for it.
		$value{$rec} //= $got;
		return $value{$rec} eq $got;
	}
	return fill($rec) eq $got;
}

# The agent that plays the user was not there.
sub tidy {
	my ($v) = @_;

	my $agents = get($v, "agents");
	if (defined $agents) {
		@$agents = ("[", sort { str($a, "name") cmp str($b, "name") }
		    grep { str($_, "name") ne "second-user" }
		    @$agents[1 .. $#$agents]);
	}
	my $set = get($v, "set");
	@$set = ("[", sort { $a->[1] cmp $b->[1] } @$set[1 .. $#$set])
	    if defined $set;
	return $v;
}

sub compare {
	my ($rec, $got, $path, $diff) = @_;

	# A number that has a place.
	$rec = ["n", fill($rec->[1])] if ($rec->[1] // "") eq "<NEWEST>";
	return push @$diff, "$path" if $rec->[0] ne $got->[0];
	return objects(@_) if $rec->[0] eq "{";
	if ($rec->[0] eq "[") {
		return push @$diff, "$path" if @$rec != @$got;
		compare($rec->[$_], $got->[$_], "$path." . ($_ - 1), $diff)
		    for 1 .. $#$rec;
		return;
	}
	push @$diff, "$path" unless $rec->[0] eq "s" ?
	    same_string($rec->[1], $got->[1]) : $rec->[1] eq $got->[1];
}

sub objects {
	my ($rec, $got, $path, $diff) = @_;
	my @want = map { $_->[0] } @$rec[1 .. $#$rec];
	my @have = map { $_->[0] } @$got[1 .. $#$got];
	my %want = map { $_ => 1 } @want;
	my %have = map { $_ => 1 } @have;

	push @$diff, "$path.-$_" for grep { !$have{$_} } @want;
	push @$diff, "$path.+$_" for grep { !$want{$_} } @have;
	# A map of headers has no order.
	push @$diff, "$path.order" if $path !~ /\.headers$/ &&
	    join(",", grep { $have{$_} } @want) ne
	    join(",", grep { $want{$_} } @have);
	for my $k (grep { $have{$_} } @want) {
		compare(get($rec, $k), get($got, $k), "$path.$k", $diff);
	}
}

# Bodies of which only a summary is kept.
sub summary {
	my ($rec, $body) = @_;
	my ($k) = $rec->[0] eq "{" && @$rec > 1 ? $rec->[1][0] : "";
	my $got = parse($body);

	return undef unless $k =~ /^\(/;
	return $body =~ /\A-----BEGIN\ CERTIFICATE-----\n[^-]*
	    -----END\ CERTIFICATE-----\n\z/x if $k eq "(pem)";
	return 0 unless defined $got;
	return join(",", sort map { $_->[0] } @$got[1 .. $#$got]) eq
	    join(",", words($rec, $k)) && rows($rec, $got) if $k eq "(keys)";
	my $services = get($got, "services") or return 0;
	my @all = @$services[1 .. $#$services];
	return @all == str($rec, $k) if $k eq "(count)";
	return join(",", map { str($_, "name") } @all) eq
	    join(",", words($rec, $k)) if $k eq "(service names)";
	if ($k eq "(path-field)") {
		my @one = grep { str($_, "name") eq "path-field" } @all;
		my @diff;
		compare(get($rec, $k), ["[", @one], "", \@diff);
		return !@diff;
	}
	return 0;
}

sub words {
	my ($o, $key) = @_;
	my $list = get($o, $key) // ["["];
	return map { $_->[1] } @$list[1 .. $#$list];
}

# Rows of the log have the recorded keys first, in their order.
sub rows {
	my ($rec, $got) = @_;
	my @want = words($rec, "(row)") or return 1;
	my $logs = get($got, "logs");

	for my $row (@$logs[1 .. $#$logs]) {
		my @have = map { $_->[0] } @$row[1 .. $#$row];
		return 0 if join(",", @want) ne
		    join(",", @have[0 .. $#want]);
	}
	return @$logs > 1;
}

# Requests through the proxy, each of which leaves a row.
sub traffic {
	my ($token, $n) = @_;
	my $s = IO::Socket::INET->new("127.0.0.1:$f->{proxy}") or die;
	my $auth = encode_base64("$token:main", "");
	my $text = "";

	local $SIG{ALRM} = sub { die "no answer from the proxy: $text" };
	alarm 40;
	for (1 .. $n) {
		print $s "GET http://127.0.0.1:9/$_ HTTP/1.1\r\n" .
		    "Host: 127.0.0.1:9\r\n" .
		    "Proxy-Authorization: Basic $auth\r\n" .
		    ($_ == $n ? "Connection: close\r\n" : "") . "\r\n";
	}
	$s->flush;
	$text = join("", <$s>);
	alarm 0;
	is(() = $text =~ /^HTTP\/1\.1 /mg, $n, "$n requests for the log");
	ok(Frame::until(sub {
		my (undef, undef, $body) = request(1, "GET",
		    "/v1/vaults/main/logs?limit=200");
		($value{"<NEWEST>"}) = $body =~ /"latest_id":(\d+)/;
		return (() = $body =~ /"kind":"request"/g) == $n;
	}), "are there") or diag $text;
}

sub request {
	my ($local, $method, $path, $token, $body) = @_;
	my $s = $local ? IO::Socket::UNIX->new(Peer => $f->{socket}) :
	    IO::Socket::INET->new("127.0.0.1:$f->{api}");
	die "connect: $!" unless $s;
	my $head = "$method $path HTTP/1.1\r\nHost: brokerd\r\n" .
	    "Connection: close\r\n";
	$head .= "Authorization: Bearer $token\r\n" if defined $token;
	if (defined $body) {
		utf8::encode($body) if utf8::is_utf8($body);
		$head .= "Content-Length: " . length($body) . "\r\n";
	}
	local $SIG{PIPE} = "IGNORE";
	local $SIG{ALRM} = sub { die "no answer to $method $path" };
	alarm 40;
	print $s "$head\r\n", $body // "";
	$s->flush;
	my $all = join("", <$s>);
	alarm 0;
	$all =~ /\AHTTP\/1\.1 (\d+) .*?\r\n(.*?)\r\n\r\n(.*)\z/s
	    or die "$method $path: no answer: $all";
	my ($status, $lines, $rest) = ($1, $2, $3);
	my %h;
	for (split /\r\n/, $lines) {
		my ($k, $v) = split /: */, $_, 2;
		$h{lc $k} = $v;
	}
	return ($status, \%h, $rest);
}

sub local_ok {
	my ($method, $path, $body, $what) = @_;
	my ($status, $h, $text) = request(1, $method, $path, undef, $body);

	ok($status < 300, $what) or diag "$status $text";
	return parse($text);
}

my @security = qw(x-content-type-options x-frame-options referrer-policy
    content-security-policy);

sub play {
	my ($step) = @_;
	my $who = str($step, "who");
	my $token = fill(str($step, "token"));
	my $local = $who eq "owner";
	my $body = get($step, "send");
	my @diff;

	$token = undef if $local;
	$token = $value{user} if $who eq "user";
	$body = defined $body ? fill(text($body)) : str($step, "send_text");
	$body = "{\"name\":\"" . "a" x ($1 - 11) . "\"}"
	    if defined $body && $body =~ /^\((\d+) bytes\)$/;
	my ($status, $h, $text) = request($local, str($step, "method"),
	    fill(str($step, "path")), $token, $body);
	# With another status the rest is another too.
	return ($status, $text, "status $status")
	    if $status != str($step, "status");
	for my $k (@security) {
		push @diff, "header $k" unless defined $h->{$k};
	}
	my $want = get($step, "headers") // ["{"];
	my %want = map { lc $_->[0] => $_->[1][1] } @$want[1 .. $#$want];
	$want{"content-type"} //= "application/json";
	$want{"x-mitm-port"} = $f->{proxy} if defined $want{"x-mitm-port"};
	for my $k (sort keys %want) {
		push @diff, "header $k" if ($h->{$k} // "") ne $want{$k};
	}
	push @diff, body($step, $h, $text);
	return ($status, $text, @diff);
}

sub body {
	my ($step, $h, $text) = @_;
	my $rec = get($step, "body");
	my @diff;

	return $text eq "" ? () : ("body") if $rec->[0] eq "l";
	return length $text ? () : ("body") if $rec->[0] eq "s";
	my $sum = summary($rec, $text);
	return $sum ? () : ("body") if defined $sum;
	my $got = parse($text);
	return ("body") if !defined $got;
	push @diff, "newline" if $text !~ /\n\z/;
	compare($rec, tidy($got), "body", \@diff);
	return @diff;
}

sub glob_match {
	my ($glob, $s) = @_;
	my $re = join(".*", map { quotemeta } split(/\*/, $glob, -1));
	return $s =~ /\A$re\z/s;
}

# The name under which a difference is known, or undef.
sub allowed {
	my ($step, $diff) = @_;

	for my $a (@allowed) {
		next unless glob_match($a->{step}, $step) &&
		    glob_match($a->{diff}, $diff);
		$a->{used}++;
		return $a->{name};
	}
	return undef;
}

sub read_lines {
	my ($file) = @_;
	open(my $fh, "<:encoding(UTF-8)", "$top/$file") or die "$file: $!";
	my @lines = <$fh>;
	chomp @lines;
	return @lines;
}

for (read_lines("regress/wire/differences")) {
	next if /^\s*(#|$)/;
	my ($name, $step, $diff) = split " ", $_, 3;
	push @allowed, { name => $name, step => $step, diff => $diff,
	    used => 0 };
}
my $in = 0;
for (read_lines("man/brokerd-api.7")) {
	$in = /DIFFERENCES/ if /^\.Sh/;
	$named{$1} = 1 if $in && /^\.It Sy (\S+)/;
}

for my $n (qw(keyd logd resolver mitm proxy api)) {
	unlink "$f->{dir}/lib/$n";
	copy("$top/$n/$n", "$f->{dir}/lib/$n") or die "$n: $!";
	chmod 0755, "$f->{dir}/lib/$n";
}
$f->start;
ok($f->ready, "the daemon starts") or do { diag $f->log; BAIL_OUT("") };

my @steps = map { parse($_) // die "control.jsonl" }
    read_lines("regress/wire/control.jsonl");
my $vaults = 0;
my $early = 1;
for my $step (@steps) {
	my $name = str($step, "step");

	if ($early && $name !~ /^boot\./) {
		$early = 0;
		local_ok("POST", "/v1/brokerd/init", undef, "init");
		my $a = local_ok("POST", "/v1/agents",
		    '{"name":"second-user","role":"member"}',
		    "an agent for the second user");
		$value{user} = str($a, "av_agent_token");
	}
	traffic($value{"<TOKEN:av_agt:2>"}, 70) if $name eq "logs.page.default";
	my ($status, $text, @diff) = play($step);
	my @odd;
	for my $d (@diff) {
		my $known = allowed($name, $d);
		$seen{$known}++ if defined $known;
		push @odd, $d unless defined $known;
	}
	ok(!@odd, "$name as " . str($step, "who")) or
	    diag join("\n", @odd, "recorded " . str($step, "status") . " " .
	    text(get($step, "body")), "got $status $text");
	if ($name eq "vaultuser.vault" && ++$vaults == 2) {
		local_ok("POST", "/v1/vaults/main/agents",
		    '{"name":"second-user","role":"member"}',
		    "the second user is a member of main");
	}
}

ok($named{$_->{name}}, "brokerd-api(7) names $_->{name}") for @allowed;
for my $name (sort keys %named) {
	ok((grep { $_->{name} eq $name } @allowed) > 0, "$name is tested");
}
ok($_->{used}, "there is still: $_->{name} $_->{step} $_->{diff}")
    for grep { $_->{step} ne "-" } @allowed;
note "$_: $seen{$_}" for sort keys %seen;
is($f->stop, 0, "the daemon stops");
done_testing();
