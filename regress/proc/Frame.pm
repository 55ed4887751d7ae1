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

# A brokerd with the test child in the place of every other process.
package Frame;

use strict;
use warnings;

use Errno qw(ESRCH);
use File::Copy;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX qw(:sys_wait_h setuid setgid);
use Time::HiRes qw(sleep time);

my %running;
our $top = $ENV{TOP} || ".";
my $nobody = 65534;

# As root everything is done twice, the second time as an ordinary user.
sub modes { return $> == 0 ? ("root", "user") : ("user") }

sub port {
	my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)
	    or die "no port: $!";
	return $s->sockport;
}

sub new {
	my ($class, $mode, %opt) = @_;
	my $self = bless { mode => $mode, owner => $$ }, $class;

	# In a namespace made for its mounts, root is who made it.
	$self->{was} = $ENV{BROKERD_NAMESPACE};
	$self->{drop} = $mode eq "user" && $> == 0 && !$self->{was};
	# Where an ordinary user gets too.
	$self->{dir} = tempdir("brokerd.XXXXXXXX", CLEANUP => 1,
	    $self->{drop} ? (DIR => "/tmp") : (TMPDIR => 1));
	chmod 0755, $self->{dir};
	mkdir "$self->{dir}/lib" or die;
	for my $n (qw(keyd logd resolver mitm proxy api)) {
		copy("$top/regress/proc/child", "$self->{dir}/lib/$n") or die;
		chmod 0755, "$self->{dir}/lib/$n";
	}
	copy("$top/brokerd/brokerd", "$self->{dir}/brokerd") or die;
	chmod 0755, "$self->{dir}/brokerd";
	$self->{state} = "$self->{dir}/state";
	mkdir $self->{state} or die;
	chmod $mode eq "root" ? 0755 : 0700, $self->{state};
	$self->{socket} = "$self->{state}/sock";
	$self->{proxy} = port();
	$self->{api} = port();
	$self->{extra} = $opt{extra} // "";
	$self->config;
	$self->own($self->{state}, $self->{dir}, "$self->{dir}/lib");
	return $self;
}

sub own {
	my ($self, @files) = @_;
	chown $nobody, $nobody, @files if $self->{drop};
}

sub config {
	my ($self) = @_;
	my $file = "$self->{dir}/conf";

	open(my $f, ">", $file) or die "$file: $!";
	print $f "state \"$self->{state}\"\n";
	print $f "socket \"$self->{socket}\"",
	    defined $self->{group} ? " group \"$self->{group}\"\n" :
	    $self->{mode} eq "root" ? " group 0\n" : "\n";
	print $f "user 65001 keyd 65002 logd 65003\n"
	    if $self->{mode} eq "root";
	print $f "master key file \"$self->{state}/master.key\"\n";
	print $f "listen proxy on 127.0.0.1 port $self->{proxy}\n";
	print $f "listen api on 127.0.0.1 port $self->{api}\n";
	print $f $self->{extra};
	close $f;
	chmod 0600, $file;
	$self->own($file);
}

# What a process does differently from now on; nothing with undef.
sub does {
	my ($self, $name, $what) = @_;
	my $file = "$self->{dir}/lib/$name.do";

	return unlink $file unless defined $what;
	open(my $f, ">", $file) or die;
	print $f "$what\n";
	close $f;
	chmod 0644, $file;
}

sub spawn {
	my ($self, @args) = @_;
	my $pid = fork // die "fork: $!";

	if ($pid == 0) {
		open(STDIN, "<", "/dev/null");
		open(STDOUT, ">>", "$self->{dir}/log") or die;
		open(STDERR, ">&STDOUT");
		if ($self->{drop}) {
			$) = "$nobody $nobody";
			setgid($nobody);
			setuid($nobody);
		}
		my @as = $self->{was} ? ("unshare", "--user",
		    "--map-user=$self->{was}", "--map-group=$self->{was}") :
		    ();
		exec @as, "$self->{dir}/brokerd", "-f", "$self->{dir}/conf", "-L",
		    "$self->{dir}/lib", @args;
		die "exec: $!";
	}
	$self->own("$self->{dir}/log");
	return $pid;
}

# Whatever way a test ends, no daemon outlives it, nor does its directory: a
# signal would end it without END.
$SIG{$_} = sub { exit 1 } for qw(HUP INT PIPE TERM);

END {
	local ($?, $!);
	kill "KILL", grep { $running{$_} == $$ } keys %running;
}

sub start {
	my ($self, @args) = @_;

	$self->{pid} = $self->spawn("-d", @args);
	$running{$self->{pid}} = $$;
	return $self;
}

sub log {
	my ($self) = @_;
	open(my $f, "<", "$self->{dir}/log") or return "";
	local $/;
	return <$f> // "";
}

# Wait until something is true, at most so many seconds.
sub until {
	my ($what, $seconds) = @_;
	my $end = time + ($seconds // 10);

	while (time < $end) {
		my $r = $what->();
		return $r if $r;
		sleep 0.03;
	}
	return 0;
}

sub logged {
	my ($self, $re, $seconds) = @_;
	return Frame::until(sub { $self->log =~ $re }, $seconds);
}

sub ready { return $_[0]->logged(qr{Z ready$}m) }

# Start it once more; what was there before says ready in the log as well.
sub again {
	my ($self, @args) = @_;
	my $n = () = $self->log =~ /Z ready$/mg;

	$self->start("-v", @args);
	return Frame::until(sub {
		return $n < (() = $self->log =~ /Z ready$/mg);
	}, 30);
}

# The exit status, or undef if it does not end.
sub ends {
	my ($self, $seconds) = @_;
	my $status;

	Frame::until(sub {
		return 0 unless waitpid($self->{pid}, WNOHANG) == $self->{pid};
		$status = $?;
		return 1;
	}, $seconds // 15) or return undef;
	delete $running{delete $self->{pid}};
	return $status & 127 ? "signal " . ($status & 127) : $status >> 8;
}

sub ask {
	my ($self, $word) = @_;
	my $s = IO::Socket::UNIX->new(Peer => $self->{socket}) or return "";
	print $s "$word\n";
	$s->flush;
	local $SIG{ALRM} = sub { die "no answer to $word" };
	alarm 20;
	my $text = join("", <$s>);
	alarm 0;
	return $text;
}

# { "proxy.0" => { pid => ..., counters ... }, ... }
sub status {
	my ($self) = @_;
	my %all;

	for (split /\n/, $self->ask("status")) {
		my ($name, @pairs) = split;
		my %h = map { split /=/, $_, 2 } grep { /=/ } @pairs;
		if ($name =~ /=/) {
			my ($k, $v) = split /=/, $name, 2;
			$all{global} = { %h, $k => $v, line => $_ };
		} else {
			$all{$name} = \%h;
		}
	}
	return \%all;
}

# All processes ready; returns the status or undef.
sub settled {
	my ($self, $cond) = @_;
	my $st;

	return Frame::until(sub {
		$st = $self->status;
		return 0 if !%$st;
		for my $n (keys %$st) {
			next if $n eq "global";
			return 0 if $st->{$n}{state} ne "ready";
		}
		return 0 if $cond && !$cond->($st);
		return $st;
	});
}

# The pids of all children there ever were, from the text log of -v.
sub pids {
	my ($self) = @_;
	return $self->log =~ /: process (\d+)$/mg;
}

sub gone { my ($pid) = @_; return !kill(0, $pid) && $! == ESRCH }

sub stop {
	my ($self) = @_;
	kill "TERM", $self->{pid};
	return $self->ends(20);
}

sub DESTROY {
	my ($self) = @_;

	return if $self->{owner} != $$ || !$self->{pid};
	local ($?, $!);
	kill "KILL", $self->{pid};
	waitpid $self->{pid}, 0;
	delete $running{$self->{pid}};
}

1;
