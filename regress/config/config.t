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

# brokerd.conf(5).  For each pair in this directory:
#
#	good-NAME.in, .ok	what it prints that the defaults do not, and
#				what is printed parses to the same again
#	bad-NAME.in, .ok	the errors, all of them
#
# Comments in the .in file give arguments ("# args:") and environment ("#
# env:"); @DIR@ is where the files are copied to.  With UPDATE=1 the .ok files
# are written anew: read the difference before it is committed.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use Test::More;

my $here = abs_path(dirname($0));
my $conftest = "$here/conftest";
my $brokerd = "$here/../../brokerd/brokerd";
my $dir = tempdir(CLEANUP => 1);
my $uid;		# root becomes this user for a run

# Nothing of who runs this may show.
delete $ENV{$_} for grep { /^(BROKERD_|XDG_)/ } keys %ENV;
$ENV{HOME} = "/home/nobody";

# Exit status, standard output and error of a program, run in $dir.
sub run {
	my ($prog, $env, @args) = @_;
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		chdir($dir) or die "$dir: $!";
		%ENV = (%ENV, %$env);
		open(STDOUT, ">", "$dir/stdout") or die "stdout: $!";
		open(STDERR, ">", "$dir/stderr") or die "stderr: $!";
		if (defined($uid)) {
			$) = "$uid $uid";
			$( = $uid;
			$< = $> = $uid;
			exit(99) if $> != $uid || !-x $prog;
		}
		alarm(20);
		exec($prog, @args) or die "$prog: $!";
	}
	waitpid($pid, 0);
	return ($?, slurp("$dir/stdout"), slurp("$dir/stderr"));
}

sub conftest { return run($conftest, @_) }

sub slurp {
	my ($path) = @_;
	open(my $fh, "<", $path) or return "";
	local $/;
	return <$fh> // "";
}

sub spew {
	my ($path, $text, $mode) = @_;
	open(my $fh, ">", $path) or die "$path: $!";
	print $fh $text;
	close($fh) or die "$path: $!";
	chmod($mode // 0600, $path) or die "$path: $!";
}

# What the directory is called and how long a socket's path may be differ.
sub neutral {
	my ($text) = @_;
	$text =~ s/\Q$dir\E/\@DIR\@/g;
	$text =~ s/\(\d+ bytes at most\)/(N bytes at most)/;
	return $text;
}

sub expected {
	my ($name, $got) = @_;
	spew("$here/$name.ok", $got, 0644) if $ENV{UPDATE};
	return slurp("$here/$name.ok");
}

# The lines that the defaults do not have.
sub beyond {
	my ($text, $defaults) = @_;
	my %have = map { $_ => 1 } split(/\n/, $defaults);
	return join("", map { "$_\n" } grep { !$have{$_} } split(/\n/, $text));
}

sub good {
	my ($name, $env, $args, $defaults) = @_;
	my ($rc, $out, $err) = conftest($env, @$args, "$name.in");
	is($rc, 0, "$name parses") or diag($err);
	is($err, "", "$name has nothing to say");
	my $beyond = beyond($out, $defaults);
	is($beyond, expected($name, $beyond), "$name is as expected");
	# The overrides again, since they are not of the file.
	my @again = grep { !/^-D/ && !/^\w+=/ || /^logs\./ } @$args;
	spew("$dir/again", $out);
	my ($rc2, $out2, $err2) = conftest($env, @again, "again");
	is($out2, $out, "$name printed parses to the same") or diag($err2);
	# What the daemon does is the same.
	($rc2, $out2, $err2) = run($brokerd, $env, "-nv", @$args, "-f",
	    "$name.in");
	is($out2, $out, "brokerd -nv prints $name") or diag($err2);
	($rc2, $out2, $err2) = run($brokerd, $env, "-nv", @again, "-f",
	    "again");
	is($out2, $out, "and takes what it has printed") or diag($err2);
	($rc2, $out2, $err2) = run($brokerd, $env, "-n", @$args, "-f",
	    "$name.in");
	is("$rc2 $out2$err2", "0 configuration OK\n", "brokerd -n says so");
}

sub bad {
	my ($name, $env, $args) = @_;
	my ($rc, $out, $err) = conftest($env, @$args, "$name.in");
	is($rc, 256, "$name is refused");
	is($out, "", "$name prints no configuration");
	$err = neutral($err);
	is($err, expected($name, $err), "$name says why");
	($rc, $out, my $said) = run($brokerd, $env, "-n", @$args, "-f",
	    "$name.in");
	is("$rc $out", "256 ", "brokerd -n refuses $name");
	# It has made the name of the file absolute.
	s/(?:\Q$dir\E|\@DIR\@)\/(\Q$name\E\.in)/$1/g for $said, $err;
	is(neutral($said), $err, "and says the same");
}

copy($_, $dir) or die "$_: $!" for glob("$here/*.in $here/*.inc");
chmod(0600, glob("$dir/*.in $dir/*.inc"));
chmod(0644, "$dir/readable.inc");

my ($rc, $defaults, $err) = conftest({});
is($rc, 0, "the defaults alone will do") or diag($err);
spew("$dir/defaults", $defaults);
(undef, my $again, $err) = conftest({}, "defaults");
is($again, $defaults, "the defaults printed parse to the same") or diag($err);

for my $file (glob("$here/*.in")) {
	my ($name) = $file =~ m{([^/]+)\.in$};
	my $text = slurp($file);
	my ($args) = $text =~ /^# args: (.*)$/m;
	my ($env) = $text =~ /^# env: (.*)$/m;
	my @args = map { s/\@DIR\@/$dir/r } split(/ /, $args // "");
	my %env = map { split(/=/, $_, 2) } split(/ /, $env // "");
	if ($name =~ /^good-/) {
		good($name, \%env, \@args, $defaults);
	} else {
		bad($name, \%env, \@args);
	}
}

# The example: nothing but comments, and what they hide parses.
my $example = slurp("$here/../../etc/examples/brokerd.conf");
spew("$dir/example", $example);
(undef, my $out, $err) = conftest({}, "example");
is($out, $defaults, "the example changes nothing") or diag($err);
spew("$dir/example", $example =~ s/^#(?=[^ \n])//mgr);
($rc, $out, $err) = conftest({}, "example");
is($rc, 0, "and what it proposes is right") or diag($err);
like($out, qr{^network allow 10\.20\.0\.0/16$}m, "all of it");

# The manual: every keyword, and every range that an error names.
my $man = slurp("$here/../../man/brokerd.conf.5");
my @keywords = slurp("$here/../../brokerd/parse.y") =~ /^\t\{ "(\w+)",\t/mg;
cmp_ok(scalar(@keywords), ">", 50, "the grammar's keywords are found");
is_deeply(\@keywords, [ sort(@keywords) ], "they are sorted");
is(join(" ", grep { $man !~ /^\.(?:It Ic|Ic|Cm|Oo|It) .*\b$_\b/m } @keywords),
    "", "the manual has them all");
$man =~ s/\s+/ /g;
my @ranges = slurp("$here/bad-range.ok") =~ /out of range \((\w+ to \w+)/g;
cmp_ok(scalar(@ranges), ">", 10, "ranges are found");
is(join(", ", grep { (my $r = $_) =~ s/^0 to/1 to/; $man !~ /\b$_\b/ &&
    $man !~ /\b$r\b/ } @ranges), "", "the manual names them");

# Who may own and write the file.
for my $mode (0620, 0602, 0604, 0610, 0601) {
	spew("$dir/mode", "workers 2\n", $mode);
	($rc, undef, $err) = conftest({}, "mode");
	is($err, "mode: group writable or world read/writable (chmod 0600 " .
	    "it)\n", sprintf("mode %04o is refused", $mode));
}
for my $mode (0600, 0640, 0400) {
	spew("$dir/mode", "workers 2\n", $mode);
	($rc) = conftest({}, "mode");
	is($rc, 0, sprintf("mode %04o will do", $mode));
}
SKIP: {
	skip "not root", 1 if $> != 0;
	spew("$dir/owner", "workers 2\n");
	chown(12345, 12345, "$dir/owner") or die "chown: $!";
	(undef, undef, $err) = conftest({}, "owner");
	is($err, "owner: owner not root or current user\n",
	    "another user's file is refused");
}
($rc, undef, $err) = conftest({}, "nonexistent");
is($err, "nonexistent: cannot open: No such file or directory\n",
    "a missing file is an error");
($rc, undef, $err) = conftest({}, $dir);
is(neutral($err), "\@DIR\@: not a regular file\n", "a directory is refused");
spew("$dir/large", "#" x (1024 * 1024) . "\n");
($rc, undef, $err) = conftest({}, "large");
is($err, "large: larger than 1048576 bytes\n", "a large file is refused");

# From memory.
spew("$dir/memory", "workers 3\n");
(undef, $out, $err) = conftest({}, "-b", "memory");
like($out, qr/^workers mitm 3$/m, "parsed from memory");
spew("$dir/memory", "include \"$dir/defaults\"\n");
(undef, $out, $err) = conftest({}, "-b", "memory");
is($err, "memory:1: include is not possible here\n",
    "and nothing else is read");
(undef, undef, $err) = conftest({}, "-D", "a-b=3");
like($err, qr/-D a-b=3: not of the form/, "a macro needs a name");

# What a reload can apply, and what not.
spew("$dir/running", slurp("$dir/good-all.in"));
spew("$dir/new", "log batch 9\nlimit profile off\n");
($rc, $out, $err) = conftest({}, "running", "new");
is($rc, 0, "reload") or diag($err);
is(join(", ", $out =~ /^needs restart: (.*)$/mg), "state, user, user keyd, " .
    "user logd, workers proxy, workers mitm, master key, sandbox",
    "what needs a restart is named");
like($out, qr{^state "/srv/broker/state"$}m, "and stays as it was");
like($out, qr/^log batch 9$/m, "the rest is applied");
like($out, qr/^log mode available$/m, "and what is gone is at its default");
($rc, $out) = conftest({}, "running", "running");
unlike($out, qr/needs restart/, "no difference, no restart");

# What was built in.
($rc, $out) = run($brokerd, {}, "-V");
my ($sandbox) = slurp("$here/../../config.h") =~
    /^#define BROKERD_SANDBOX\s+"(.*)"$/m;
is($rc, 0, "brokerd -V");
like($out, qr/^brokerd \d+\.\d+\nsandbox: /, "says what it is");
is($out =~ /^sandbox: none$/m ? 1 : 0, $sandbox eq "none" ? 1 : 0,
    "and whether there is a sandbox");

# An ordinary user's places.
$uid = 65534 if $> == 0;
($rc, $out, $err) = conftest({});
SKIP: {
	skip "an ordinary user cannot run conftest here", 6 if $rc == 99 << 8;
	my $state = "/home/nobody/.local/state/brokerd";
	like($out, qr{^state "$state"$}m, "state below HOME");
	like($out, qr{^socket "$state/brokerd\.sock" mode 0600$}m,
	    "the socket in the state directory, for nobody else");
	(undef, $out) = conftest({ XDG_STATE_HOME => "/xdg" });
	like($out, qr{^master key file "/xdg/brokerd/master\.key"$}m,
	    "below XDG_STATE_HOME");
	(undef, $out) = conftest({ XDG_STATE_HOME => "xdg" });
	like($out, qr{^state "$state"$}m, "but not if that is relative");
	(undef, undef, $err) = conftest({ HOME => "" });
	like($err, qr/^built-in defaults: state is not set and neither/,
	    "no place to be told");
	(undef, undef, $err) = conftest({ HOME => "/" . "h" x 200 });
	like($err, qr/^built-in defaults: socket .* is too long for a local/,
	    "a place that is too long");
}

done_testing();
