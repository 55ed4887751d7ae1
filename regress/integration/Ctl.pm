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

# brokerctl as it is run: what it prints, what it says, how it ends.
package Ctl;

use strict;
use warnings;

use Exporter qw(import);
use File::Copy;
use File::Temp qw(tempdir);

our @EXPORT = qw(ctl slurp spew);
our $dir = tempdir("ctl.XXXXXXXX", CLEANUP => 1, TMPDIR => 1);
chmod 0711, $dir;
# Where an ordinary user gets too.
our $program = "$dir/brokerctl";
copy(($ENV{TOP} || ".") . "/brokerctl/brokerctl", $program) or
    die "brokerctl: $!";
chmod 0755, $program;

# Nothing of whoever runs the tests.
delete @ENV{grep { /^(BROKERD|AGENT_VAULT)_/ } keys %ENV};
delete $ENV{NO_COLOR};
$ENV{LC_ALL} = "C.UTF-8";

sub slurp {
	my ($file) = @_;
	open(my $f, "<", $file) or return undef;
	local $/;
	return <$f> // "";
}

sub spew {
	my ($file, $text) = @_;
	open(my $f, ">", $file) or die "$file: $!";
	print $f $text;
	close $f or die "$file: $!";
	return $file;
}

# ctl(word ..., { in => text, env => { }, uid => n }): status, stdout and
# stderr; the status of one that a signal ended is "signal N".
sub ctl {
	my %opt = ref $_[-1] ? %{ pop @_ } : ();
	my @cmd = ($opt{cmd} ? @{ $opt{cmd} } : $program, @_);
	my $n = "$dir/$$";

	spew("$n.in", $opt{in} // "");
	spew("$n.$_", "") for qw(out err);
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		alarm 30;
		open(STDIN, "<", "$n.in") or die;
		open(STDOUT, ">", $opt{out} // "$n.out") or die;
		open(STDERR, ">", "$n.err") or die;
		for (keys %{ $opt{env} // {} }) {
			if (defined $opt{env}{$_}) { $ENV{$_} = $opt{env}{$_} }
			else { delete $ENV{$_} }
		}
		if ($opt{uid}) {
			$) = "$opt{uid} $opt{uid}";
			($(, $<, $>) = ($opt{uid}) x 3;
		}
		exec @cmd;
		exit 126;
	}
	waitpid $pid, 0;
	my $rc = $? & 127 ? "signal " . ($? & 127) : $? >> 8;
	return ($rc, slurp("$n.out"), slurp("$n.err"));
}

1;
