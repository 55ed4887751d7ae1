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

# A client of a kill run, and a reader of the log: a process each, that goes
# on whatever dies, and writes down what it asked for and what it got.
package Client;

use strict;
use warnings;

use POSIX ();
use Time::HiRes qw(sleep time);
use Daemon;

use constant PATIENCE => 20;		# seconds for one request

my $stop;

# What is forked; ends with the signal TERM.
sub process {
	my ($what) = @_;
	my $pid = fork // die "fork: $!";

	return $pid if $pid;
	$SIG{TERM} = sub { $stop = 1 };
	$SIG{PIPE} = "IGNORE";
	eval { $what->(); 1 } or warn $@;
	POSIX::_exit(0);
}

# start Client(daemon, name => , way => tunnel, forward or explicit, where =>
# host:port, vault => , token => , keep => requests a connection, file => )
sub start {
	my ($class, $d, %o) = @_;
	my $self = bless { %o, d => $d, n => 0 }, $class;

	return process(sub { $self->run });
}

sub run {
	my ($self) = @_;

	open($self->{log}, ">>", $self->{file}) or die "$self->{file}: $!";
	while (!$stop) {
		my $s = eval { local $SIG{ALRM} = sub { die "slow\n" };
		    alarm PATIENCE; $self->connect } or sleep(0.05), next;
		for (1 .. $self->{keep}) {
			last if $stop || !$self->one($s);
		}
		close $s;
	}
}

sub connect {
	my ($self) = @_;

	return $self->{d}->tunnel($self->{where},
	    token => "$self->{token}:$self->{vault}")
	    if $self->{way} eq "tunnel";
	return $self->{d}->dial;
}

sub say_ {
	my ($self, @words) = @_;
	syswrite $self->{log}, join(" ", @words) . "\n";
}

# One request; true if the connection is good for another.
sub one {
	my ($self, $s) = @_;
	my $id = "$self->{name}-" . ++$self->{n};
	my $r = rand;
	my $kind = $r < 0.8 ? "get" : $r < 0.86 ? "slow" : $r < 0.92 ? "put" :
	    $r < 0.96 ? "leave" : "cut";
	my $got = {};

	$self->say_("asks", $id, $kind);
	eval {
		local $SIG{ALRM} = sub { die "slow\n" };
		alarm PATIENCE;
		put($s, $self->head($id, $kind));
		put($s, "x" x ($kind eq "put" ? 3000 : 1000))
		    if $kind eq "put" || $kind eq "cut";
		if ($kind eq "cut") {
			sleep rand 0.02;
		} else {
			answer($s, $got, $kind eq "leave");
		}
	};
	alarm 0;
	$self->say_("got", $id, $got->{whole} ? $got->{status} : 0,
	    $got->{whole} ? $got->{rid} : "-", sprintf "%.3f", time);
	return $got->{whole} && $got->{keep};
}

sub head {
	my ($self, $id, $kind) = @_;
	my $path = "/k/$kind/$id";
	my @h = ("Host: $self->{where}");

	if ($self->{way} eq "forward") {
		$path = "http://$self->{where}$path";
		push @h, "Proxy-Authorization: " .
		    Daemon::basic("$self->{token}:$self->{vault}");
	} elsif ($self->{way} eq "explicit") {
		$path = "/proxy/$self->{where}$path";
		push @h, "Authorization: Bearer $self->{token}",
		    "X-Vault: $self->{vault}";
	}
	my $body = $kind eq "put" ? 3000 : $kind eq "cut" ? 20000 : undef;
	push @h, "Content-Length: $body" if defined $body;
	return join("\r\n", ($body ? "PUT" : "GET") . " $path HTTP/1.1", @h,
	    "", "");
}

sub put {
	my ($s, $data) = @_;
	while (length $data) {
		my $n = $s->syswrite($data) or die "gone\n";
		substr $data, 0, $n, "";
	}
}

# A response: its status, whether it is whole, whose answer it is, and whether
# the connection stays.
sub answer {
	my ($s, $got, $leave) = @_;
	my $buf = "";

	while ($buf !~ /\r\n\r\n/) {
		$s->sysread($buf, 16384, length $buf) or die "gone\n";
	}
	my ($head, $body) = $buf =~ /^(.*?\r\n\r\n)(.*)$/s;
	($got->{status}) = $head =~ m{^HTTP/1.1 (\d+)} or die "what?\n";
	($got->{rid}) = $head =~ /^x-request-id: (\S+)/mi ? $1 : "-";
	$got->{keep} = $head !~ /^connection: close/mi;
	return if $leave && $got->{status} == 200;
	my ($n) = $head =~ /^content-length: (\d+)/mi;
	while (defined $n ? length $body < $n : $body !~ /(^|\n)0\r\n\r\n$/) {
		$s->sysread($body, 16384, length $body) or die "gone\n";
	}
	$got->{whole} = 1;
}

# A reader who polls from the beginning on, and writes down each row it is
# given; with the signal it ends once there is no more.
sub reader {
	my ($class, $d, $file, %after) = @_;

	return process(sub {
		open(my $log, ">>", $file) or die "$file: $!";
		my $more = 1;
		while (!$stop || $more) {
			$more = 0;
			for my $v (sort keys %after) {
				my $n = poll($d, $v, \$after{$v}, $log);
				$more = 1 if !defined $n || $n > 0;
			}
			sleep 0.05 unless $more;
		}
	});
}

sub poll {
	my ($d, $vault, $after, $log) = @_;
	my $page = eval { $d->api("GET",
	    "/v1/vaults/$vault/logs?limit=200&after=$$after") } or
	    return undef;
	my @ids = map { $_->{id} } reverse @{$page->{logs}};

	syswrite $log, join("", map { "$vault $_\n" } @ids);
	$$after = $ids[-1] if @ids;
	return scalar @ids;
}

1;
