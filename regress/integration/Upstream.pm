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

# An upstream to broker for: a process a connection, TLS or not, that does
# what the path of each request says and writes down what it was sent.
package Upstream;

use strict;
use warnings;

use IO::Socket::INET;
use IO::Socket::SSL;
use JSON;
use POSIX ();
use Socket ();
use Time::HiRes qw(sleep);

my %running;		# by process, who started it

# Certificates: an authority, a server of its for localhost and 127.0.0.1, and
# one that is signed by nobody.
sub certificates {
	my ($dir) = @_;
	my $cnf = "$dir/ssl.cnf";

	open(my $f, ">", $cnf) or die;
	print $f <<'END';
[req]
distinguished_name = dn
prompt = no
[dn]
CN = upstream
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[leaf]
subjectAltName = DNS:localhost,DNS:api.test.localhost,IP:127.0.0.1
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
END
	close $f;
	my $new = "openssl req -new -config $cnf -newkey ec " .
	    "-pkeyopt ec_paramgen_curve:prime256v1 -nodes";
	for ("$new -x509 -days 2 -subj /CN=test-ca -extensions ca " .
	    "-keyout $dir/ca.key -out $dir/up-ca.pem",
	    "$new -keyout $dir/up.key -out $dir/up.csr",
	    "openssl x509 -req -in $dir/up.csr -CA $dir/up-ca.pem " .
	    "-CAkey $dir/ca.key -CAcreateserial -days 2 -extfile $cnf " .
	    "-extensions leaf -out $dir/up.pem",
	    "$new -x509 -days 2 -extensions leaf -keyout $dir/bad.key " .
	    "-out $dir/bad.pem") {
		system("$_ >$dir/openssl.log 2>&1") == 0 or die "$_: failed";
	}
}

# new Upstream(dir => DIR, tls => 0 or 1, name => "up" or "bad")
sub new {
	my ($class, %o) = @_;
	my $self = bless { %o }, $class;
	my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 128,
	    ReuseAddr => 1) or die "upstream: $!";

	$self->{name} //= "up";
	$self->{port} = $s->sockport;
	$self->{seen} = "$self->{dir}/seen.$self->{port}";
	$self->{pid} = fork // die "fork: $!";
	if ($self->{pid} == 0) {
		$SIG{CHLD} = "IGNORE";
		$SIG{TERM} = "DEFAULT";
		$SIG{PIPE} = "IGNORE";
		setpgrp(0, 0);
		my $n = 0;
		while (1) {
			my $c = $s->accept or next;
			$n++;
			next if fork;
			close $s;
			eval { $self->serve($c, $n); 1 } or
			    ($@ =~ /^gone/ or warn $@);
			POSIX::_exit(0);
		}
	}
	close $s;
	$running{$self->{pid}} = $$;
	return $self;
}

# The group of each, before the directory it writes to is taken away.
sub end {
	for my $pid (@_) {
		next if ($running{$pid} // 0) != $$;
		delete $running{$pid};
		kill "KILL", -$pid;
		kill "KILL", $pid;
		waitpid $pid, 0;
	}
}

sub DESTROY {
	my ($self) = @_;

	local ($?, $!);
	end($self->{pid} // 0);
}

END {
	local ($?, $!);
	end(keys %running);
}

# What it was sent: a list of { conn, method, target, headers => [[n, v]],
# body }.
sub seen {
	my ($self) = @_;
	open(my $f, "<", $self->{seen}) or return ();
	return map { decode_json($_) } <$f>;
}

sub last { return +($_[0]->seen)[-1] }

# Of requests for /quiet/... the targets only: they come by the thousand.
sub quiet {
	my ($self) = @_;
	open(my $f, "<", "$self->{seen}.quiet") or return ();
	return map { chomp; $_ } <$f>;
}

sub note_quiet {
	my ($self, $target) = @_;

	if (!$self->{quiet}) {
		open($self->{quiet}, ">>", "$self->{seen}.quiet") or die;
	}
	syswrite $self->{quiet}, "$target\n";
}

sub note {
	my ($self, $r) = @_;
	open(my $f, ">>", $self->{seen}) or die;
	syswrite $f, encode_json($r) . "\n";
}

sub serve {
	my ($self, $c, $n) = @_;

	$self->{rbuf} = "";
	if ($self->{tls}) {
		IO::Socket::SSL->start_SSL($c, SSL_server => 1,
		    SSL_cert_file => "$self->{dir}/$self->{name}.pem",
		    SSL_key_file => "$self->{dir}/$self->{name}.key",
		    SSL_alpn_protocols => ["http/1.1"]) or return;
	}
	$self->{c} = $c;
	while (1) {
		my $r = $self->request or last;
		$r->{conn} = $n;
		$self->answer($r) or last;
	}
	# close_notify, and FIN
	$self->{tls} ? $c->close(SSL_no_shutdown => 0) : $c->close;
}

sub more {
	my ($self) = @_;
	my $n = $self->{c}->sysread(my $b, 16384);
	return 0 unless $n;
	$self->{rbuf} .= $b;
	return 1;
}

sub line {
	my ($self) = @_;
	my $i;

	while (($i = index $self->{rbuf}, "\r\n") == -1) {
		return undef unless $self->more;
	}
	my $l = substr $self->{rbuf}, 0, $i + 2, "";
	return substr $l, 0, $i;
}

sub take {
	my ($self, $n) = @_;
	while (length $self->{rbuf} < $n) {
		return undef unless $self->more;
	}
	return substr $self->{rbuf}, 0, $n, "";
}

sub request {
	my ($self) = @_;
	my $l = $self->line // return undef;
	my ($m, $t) = split / /, $l;
	my $r = { method => $m, target => $t, headers => [], h => {} };

	while (defined($l = $self->line) && $l ne "") {
		my ($k, $v) = $l =~ /^([^:]+):\s*(.*)$/ or die;
		push @{$r->{headers}}, [$k, $v];
		$r->{h}{lc $k} = $v;
	}
	return $r;
}

sub body {
	my ($self, $r) = @_;
	my $h = $r->{h};

	if (defined $h->{"content-length"}) {
		$r->{body} = $self->take($h->{"content-length"});
	} elsif (lc($h->{"transfer-encoding"} // "") eq "chunked") {
		$r->{body} = "";
		while (1) {
			my $l = $self->line // return 0;
			my $n = hex $l;
			last if $n == 0;
			my $d = $self->take($n);
			return 0 unless defined $d && defined $self->line;
			$r->{body} .= $d;
		}
		while (defined(my $l = $self->line)) {
			last if $l eq "";
			push @{$r->{trailers}}, $l;
		}
	} else {
		$r->{body} = "";
	}
	return defined $r->{body};
}

sub put {
	my ($self, $s) = @_;
	while (length $s) {
		my $n = $self->{c}->syswrite($s) or die "gone";
		substr $s, 0, $n, "";
	}
}

sub reply {
	my ($self, $status, $body, @more) = @_;
	$self->put(join("\r\n", "HTTP/1.1 $status X", "Content-Length: " .
	    length $body, "Content-Type: text/plain", @more, "", $body));
	return 1;
}

sub answer {
	my ($self, $r) = @_;
	my ($path, $query) = split /\?/, $r->{target}, 2;
	my %q = map { /^(.*?)=(.*)$/ ? ($1 => $2) : () }
	    split /&/, $query // "";
	my $rec = { map { $_ => $r->{$_} } qw(conn method target headers) };

	# Those that do something before the body.
	if ($path eq "/early") {
		$self->note($rec);
		$self->reply($q{status} // 413, "no\n");
		sleep(($q{ms} // 0) / 1000);
		return 0;
	}
	if ($path eq "/continue") {
		$self->put("HTTP/1.1 100 Continue\r\n\r\n");
	}
	if ($path eq "/sink") {
		sleep($q{ms} / 1000);
	}
	if ($path eq "/drop") {
		$self->note($rec);
		return 0;
	}
	if (!$self->body($r)) {
		$rec->{cut} = JSON::true;
		$self->note($rec);
		return 0;
	}
	$rec->{body} = length $r->{body} > 1000 ? length $r->{body} :
	    $r->{body};
	$rec->{trailers} = $r->{trailers} if $r->{trailers};
	$path =~ m{^/quiet} ? $self->note_quiet($path) : $self->note($rec);
	sleep($q{ms} / 1000) if $path eq "/slow";
	return $self->act($path, \%q, $r);
}

sub act {
	my ($self, $path, $q, $r) = @_;

	if ($path eq "/sse") {
		$self->put("HTTP/1.1 200 OK\r\nContent-Type: " .
		    "text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
		for my $i (1 .. $q->{n} // 3) {
			my $d = "data: $i\n\n";
			$self->put(sprintf "%x\r\n%s\r\n", length $d, $d);
			sleep(($q->{ms} // 100) / 1000);
		}
		$self->put("0\r\nX-Sum: 42\r\n\r\n");
		return 1;
	}
	if ($path eq "/eof") {
		$self->put("HTTP/1.1 200 OK\r\n\r\nup to the end");
		return 0;
	}
	if ($path eq "/truncate") {
		$self->put("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" .
		    "x" x 100);
		return 0;
	}
	if ($path eq "/truncchunk") {
		$self->put("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" .
		    "\r\n\r\n4\r\nabcd\r\n");
		return 0;
	}
	if ($path eq "/badchunk") {
		$self->put("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" .
		    "\r\n\r\n4\r\nabcd\r\nzz\r\n");
		sleep 1;
		return 0;
	}
	if ($path eq "/reset") {
		$self->put("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" .
		    "x" x 10);
		sleep 0.2;
		setsockopt($self->{c}, Socket::SOL_SOCKET(),
		    Socket::SO_LINGER(), pack("ii", 1, 0));
		POSIX::_exit(0);
	}
	if ($path eq "/forged") {
		return $self->reply(502, "ok\n", "X-Broker-Proxy-Error: true");
	}
	if ($path eq "/bad") {
		$self->put("HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n");
		return 0;
	}
	if ($path eq "/hang") {
		sleep 60;
		return 0;
	}
	if ($path =~ m{^/status/(\d+)$}) {
		if ($1 == 204 || $1 == 304) {
			$self->put("HTTP/1.1 $1 X\r\nX-Here: yes\r\n\r\n");
			return 1;
		}
		return $self->reply($1, "status $1\n");
	}
	if ($path eq "/hints") {
		# So many, of 50 fields each that are so long.
		my $more = "X-More: " . "m" x ($q->{len} // 0) . "\r\n";
		$self->put("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n" .
		    ($q->{len} ? $more x 50 : "") . "\r\n")
		    for 1 .. $q->{n} // 1;
		return $self->reply(200, "hinted\n");
	}
	if ($path =~ m{^/big/(\d+)$}) {
		$self->put("HTTP/1.1 200 OK\r\nContent-Length: $1\r\n\r\n");
		for (my $n = $1; $n > 0; $n -= 65536) {
			$self->put("b" x ($n < 65536 ? $n : 65536));
		}
		return 1;
	}
	if ($path eq "/lastone") {
		$self->reply(200, "and gone\n");
		return 0;
	}
	if ($path eq "/extra") {
		return $self->reply(200, "ok\nHTTP/1.1 200 OK\r\n",
		    "X-Dummy: 1");
	}
	my @more = ("X-Conn: $r->{conn}");
	push @more, "Set-Cookie: c=1", "Connection: X-Hop", "X-Hop: 1"
	    if $path eq "/cookie";
	if ($r->{method} eq "HEAD") {
		$self->put("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n");
		return 1;
	}
	return $self->reply(200, encode_json({ target => $r->{target},
	    method => $r->{method}, headers => $r->{headers},
	    body => length $r->{body} }) . "\n", @more);
}

1;
