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

# The whole daemon, real programs all of them, with a vault and an agent, for
# integration tests.
package Daemon;

use strict;
use warnings;

use File::Basename;
use File::Copy;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::SSL;
use IO::Socket::UNIX;
use JSON;
use MIME::Base64;
use Test::More;
use Time::HiRes qw(sleep time);

use lib ($ENV{TOP} || ".") . "/regress/proc", dirname(__FILE__);
use Frame;
use Upstream;

our @ISA = ("Frame");

# new Daemon(MODE, extra => "more configuration", limit => descriptors,
#     faults => a disk that can be made to fail, for an ordinary user,
#     before => what is to be done before it starts,
#     bare => whether it is left without init)
sub new {
	my ($class, $mode, %opt) = @_;
	my $self = Frame::new($class, $mode);

	for my $n (qw(keyd logd resolver mitm proxy api)) {
		unlink "$self->{dir}/lib/$n";
		copy("$Frame::top/$n/$n", "$self->{dir}/lib/$n") or
		    die "$n: $!";
		chmod 0755, "$self->{dir}/lib/$n";
	}
	$self->limit($opt{limit}) if $opt{limit};
	$self->faults if $opt{faults};
	$opt{before}->($self) if $opt{before};
	Upstream::certificates($self->{dir});
	$self->own(glob "$self->{dir}/*.pem");
	$self->{extra} = "network allow 127.0.0.0/8\n" .
	    "upstream ca only \"$self->{dir}/up-ca.pem\"\n" .
	    ($opt{extra} // "");
	$self->config;
	$self->start("-v");
	if (!$self->ready) {
		diag($self->log);
		die "the daemon does not start";
	}
	$self->api("POST", "/v1/brokerd/init") unless $opt{bare};
	$self->{ca} = "$self->{dir}/ca.pem";
	open(my $f, ">", $self->{ca}) or die;
	print $f $self->api("GET", "/v1/mitm/ca.pem", undef, raw => 1);
	close $f;
	return $self;
}

# A brokerd that may have so many descriptors.
sub limit {
	my ($self, $n) = @_;
	my $prog = "$self->{dir}/brokerd";

	rename $prog, "$prog.real" or die;
	open(my $f, ">", $prog) or die;
	print $f "#!/bin/sh\nulimit -n $n\nexec \"$prog.real\" \"\$@\"\n";
	close $f;
	chmod 0755, $prog;
}

# logd/fault.h: the file that its logd looks at, and has mapped.
sub faults {
	my ($self) = @_;
	my $prog = "$self->{dir}/lib/logd";

	unlink $prog;
	copy("$Frame::top/regress/proc/logd_fault", $prog) or die "$prog: $!";
	chmod 0755, $prog;
	mkdir "$self->{state}/db", 0700 or die "db: $!";
	$self->disk_full(0);
	chmod 0600, "$self->{state}/db/fault";
	$self->own("$self->{state}/db", "$self->{state}/db/fault");
}

sub disk_full {
	my ($self, $full) = @_;

	my $file = "$self->{state}/db/fault";
	open(my $f, -e $file ? "+<" : ">", $file) or die "$file: $!";
	print $f pack("L2", 0x666c7431, $full);
	truncate $f, 18 * 4;
	close $f or die "$file: $!";
}

# Other words of struct fault, by name; answers with what a counter says.
sub disk {
	my ($self, %set) = @_;
	my @names = qw(magic full ioerr busy fsync power writes syncs failed at
	    how once drop flip seed steps quick read);
	my %at = map { $names[$_] => 4 * $_ } 0 .. $#names;
	my $file = "$self->{state}/db/fault";

	open(my $f, "+<:raw", $file) or die "$file: $!";
	for (keys %set) {
		sysseek $f, $at{$_} // die("$_?"), 0;
		syswrite $f, pack("L", $set{$_});
	}
	sysseek $f, 0, 0;
	sysread $f, my $all, 4 * @names;
	my %now;
	@now{@names} = unpack "L*", $all;
	return \%now;
}

# As Frame's, but a sanitizer that complained is no clean end, and neither is
# a process that died by itself.
sub stop {
	my ($self) = @_;
	my $rc = Frame::stop($self);
	my ($odd) = $self->log =~
	    /^(.*(?:Sanitizer|runtime error|malformed).*)$/m;

	return defined $odd ? $odd : $rc;
}

# A request to the local socket: what the JSON says, or dies.
sub api {
	my ($self, $method, $path, $body, %o) = @_;
	my $s = IO::Socket::UNIX->new(Peer => $self->{socket}) or
	    die "$self->{socket}: $!";
	my $json = encode_json($body // {});

	print $s "$method $path HTTP/1.1\r\nHost: local\r\n" .
	    "Connection: close\r\n" .
	    ($method eq "GET" ? "" : "Content-Type: application/json\r\n" .
	    "Content-Length: " . length($json) . "\r\n") . "\r\n" .
	    ($method eq "GET" ? "" : $json);
	$s->flush;
	local $SIG{ALRM} = sub { die "$method $path: no answer" };
	alarm 20;
	my $text = do { local $/; <$s> } // "";
	alarm 0;
	my ($head, $answer) = split /\r\n\r\n/, $text, 2;
	die "$method $path: no answer" unless defined $answer;
	$answer = dechunk($answer) if $head =~ /^transfer-encoding: chunked/mi;
	my ($status) = $head =~ m{^HTTP/1.1 (\d+)} or die "$path: $text";
	die "$method $path: $status $answer" if $status >= 300 && !$o{fails};
	return $answer if $o{raw};
	return $answer =~ /^\s*$/ ? {} : decode_json($answer);
}

sub dechunk {
	my ($s) = @_;
	my $all = "";

	while ($s =~ s/^([0-9a-fA-F]+)\r\n//) {
		my $n = hex $1;
		last if $n == 0;
		$all .= substr $s, 0, $n, "";
		$s =~ s/^\r\n//;
	}
	return $all;
}

# A vault with a credential, services, and an agent; the agent's token.
sub furnish {
	my ($self, @services) = @_;

	$self->api("POST", "/v1/credentials", { vault => "default",
	    credentials => { KEY => "real-s3cret-value" } });
	$self->services(@services);
	my $a = $self->api("POST", "/v1/agents", { name => "bot",
	    vaults => [ { vault_name => "default", vault_role => "proxy" } ] });
	return $self->{token} = $a->{av_agent_token};
}

sub services {
	my ($self, @services) = @_;
	$self->api("POST", "/v1/vaults/default/services",
	    { services => [ @services ] });
}

# A connection to the proxy port.
sub dial {
	my ($self) = @_;
	return IO::Socket::INET->new(PeerAddr => "127.0.0.1",
	    PeerPort => $self->{proxy}, Timeout => 5) || die "proxy: $!";
}

sub basic { return "Basic " . encode_base64($_[0], "") }

# A tunnel with TLS in it; dies with the answer's head if there is none.
sub tunnel {
	my ($self, $where, %o) = @_;
	my $s = $self->dial;
	my $token = $o{token} // "$self->{token}:default";
	my ($host) = $where =~ /^(.*):\d+$/;

	print $s "CONNECT $where HTTP/1.1\r\nHost: $where\r\n" .
	    "Proxy-Authorization: " . basic($token) . "\r\n\r\n";
	$s->flush;
	my $head = head($s);
	die "$head\n" unless $head =~ m{^HTTP/1.1 200 };
	return $s if $o{plain};
	IO::Socket::SSL->start_SSL($s, SSL_ca_file => $self->{ca},
	    SSL_hostname => $o{sni} // ($host =~ /^[\d.]+$/ ? "" : $host),
	    SSL_verifycn_name => $host, SSL_verifycn_scheme => "http",
	    Timeout => 5) or die "tls: $SSL_ERROR\n";
	return $s;
}

# Bytes up to the empty line.
sub head {
	my ($s, $seconds) = @_;
	my $head = "";

	local $SIG{ALRM} = sub { die "no head: $head" };
	alarm($seconds // 10);
	while ($head !~ /\r\n\r\n$/) {
		my $n = $s->sysread(my $b, 1) or last;
		$head .= $b;
	}
	alarm 0;
	return $head;
}

# A whole response: { status, head, body, cut }.  What is pushed back by the
# framing is not read.
sub response {
	my ($s, $method) = @_;
	my $r = { head => head($s), body => "" };

	($r->{status}) = $r->{head} =~ m{^HTTP/1.1 (\d+)} or
	    return { %$r, status => 0, cut => 1 };
	return $r if ($method // "") eq "HEAD" || $r->{status} =~ /^(1..|204|304)$/;
	if ($r->{head} =~ /^content-length: (\d+)/mi) {
		$r->{body} = bytes($s, $1);
		$r->{cut} = length $r->{body} < $1;
	} elsif ($r->{head} =~ /^transfer-encoding: chunked/mi) {
		$r->{cut} = 1;
		while (defined(my $l = line($s))) {
			my $n = hex $l;
			if ($n == 0) {
				while (defined($l = line($s))) {
					$r->{cut} = 0, last if $l eq "";
					push @{$r->{trailers}}, $l;
				}
				last;
			}
			$r->{body} .= bytes($s, $n);
			line($s);
		}
	} else {
		while ($s->sysread(my $b, 65536)) {
			$r->{body} .= $b;
		}
	}
	$r->{json} = eval { decode_json($r->{body}) };
	return $r;
}

sub line {
	my ($s) = @_;
	my $l = "";

	while ($l !~ s/\r\n$//) {
		$s->sysread(my $b, 1) or return undef;
		$l .= $b;
	}
	return $l;
}

sub bytes {
	my ($s, $n, $until) = @_;
	my $all = "";

	local $SIG{ALRM} = sub { die "no more bytes" };
	alarm 20;
	while (length $all < $n) {
		$s->sysread(my $b, $n - length $all) or last;
		$all .= $b;
		last if $until && $all =~ $until;
	}
	alarm 0;
	return $all;
}

# One request on an open connection; headers as lines.
sub request {
	my ($s, $line, @headers) = @_;
	my $body = @headers && ref $headers[-1] ? ${pop @headers} : "";

	push @headers, "Content-Length: " . length $body
	    if $body ne "" && !grep { /^(transfer-encoding|content-length)/i }
	    @headers;
	my $all = join("\r\n", "$line HTTP/1.1", @headers, "", $body);
	while (length $all) {
		my $n = $s->syswrite($all) or return { status => 0 };
		substr $all, 0, $n, "";
	}
	return response($s, $line =~ /^(\S+)/);
}

# So many requests in one tunnel, to /echo/NAME1 and on, all of them logged.
sub requests {
	my ($self, $where, $name, $n) = @_;
	my $s = $self->tunnel($where);

	request($s, "GET /echo/$name$_", "Host: $where") for 1 .. $n;
	return $self->row("/echo/$name$n");
}

# Requests that the proxy refuses itself, to /PATH/0 .. /PATH/49 in turn.
sub refused {
	my ($self, $where, $n, $path) = @_;
	my $s = $self->dial;
	my $done = 0;

	while ($done < $n) {
		my $k = $n - $done < 50 ? $n - $done : 50;
		$s->syswrite(join "", map {
			"GET http://$where/$path/$_ HTTP/1.1\r\n" .
			"Host: $where\r\nProxy-Authorization: " .
			basic("$self->{token}:default") . "\r\n\r\n"
		} 0 .. $k - 1);
		my ($in, $seen) = ("", 0);
		while ($seen < $k) {
			$s->sysread($in, 65536, length $in) or
			    die "closed: $in";
			$seen++ while $in =~ s{^.*?HTTP/1\.1 \d}{}s;
		}
		$done += $k;
	}
}

# The rows of the vault once a condition holds for them, newest first.
sub rows {
	my ($self, $cond) = @_;
	my $rows;

	Frame::until(sub {
		$rows = eval { $self->api("GET",
		    "/v1/vaults/default/logs?limit=200")->{logs} } or return 0;
		return !$cond || $cond->(@$rows);
	}, 10);
	return @{$rows // []};
}

# The newest row for this path, which has to come.
sub row {
	my ($self, $path) = @_;
	my ($r) = grep { $_->{path} eq $path } $self->rows(sub {
		grep { $_->{path} eq $path } @_;
	});
	return $r // {};
}

1;
