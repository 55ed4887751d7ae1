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


# The completion files for shells: each parses there, has each command and
# flag that brokerctl has and no other, and completes.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Ctl;
use JSON;
use Test::More;

my $etc = ($ENV{TOP} || "$Bin/../..") . "/etc/completion";
# OpenBSD's shell is of the same descent.
my $ksh = $^O eq "openbsd" ? "ksh" : "mksh";
my %flags;

# What brokerctl itself knows.
for (split /\n/, (ctl("help", "-j"))[1]) {
	my $o = decode_json($_);
	$flags{$o->{command}} = [ map { (defined $_->{short} ? "-$_->{short}" :
	    ()), (defined $_->{long} ? "--$_->{long}" : ()) }
	    @{$o->{options}} ];
}
cmp_ok(scalar(keys %flags), ">", 30, "the commands of brokerctl");
my %words = map { $_ => 1 } map { split / / } keys %flags;
my %all = map { $_ => 1 } map { @$_ } values %flags;

sub run {
	my ($shell, @args) = @_;
	my $in = ref $args[-1] ? ${ pop @args } : "";
	my ($rc, $out, $err) = ctl(@args, { cmd => [ $shell ], in => $in });

	my ($name) = "$shell @args" =~ /^(.{1,60})/;
	is($rc, 0, $name) or diag($err);
	is($err, "", "has nothing to say");
	return $out;
}

run("bash", "-n", "$etc/brokerctl.bash");
run($ksh, "-n", "$etc/brokerctl.ksh");
run("zsh", "-n", "$etc/_brokerctl");

# Blocks by command: in bash and zsh what stands between "command") and ;;
for my $file ("brokerctl.bash", "_brokerctl") {
	my ($list) = slurp("$etc/$file") =~
	    /^_brokerctl_(?:flags|options)\(\)\n\{\n(.*?)^\}/ms;
	my %blocks = $list =~ /^\t"([^"]+)"\)\n(.*?)^\t\t;;$/msg;
	is_deeply([ sort keys %blocks ], [ sort keys %flags ],
	    "$file: the commands");
	for my $cmd (sort keys %flags) {
		my $b = $blocks{$cmd} // "";
		$b =~ s/^\t\tspecs=\(//, $b =~ s/\[[^]]*\]\S*//g, $b =~ s/\([^)]*\)(?=-)//g
		    if $file eq "_brokerctl";
		my %seen = map { $_ => 1 } $b =~ /(?<![\w-])(--?[a-zA-Z][\w-]*)/g;
		is(join(" ", sort keys %seen),
		    join(" ", sort @{$flags{$cmd}}), "$file: $cmd");
	}
}

# In ksh by the number of the word.
{
	my ($one, $two, $any) = split /\n\n/, run($ksh, \(
	    ". $etc/brokerctl.ksh; " . join("; echo; ", map {
	    "for i in \"\${complete_brokerctl$_\[@]}\"; do print -r -- \"\$i\"; done"
	    } "_1", "_2", "")));
	my %one = map { $_ => 1 } split /\n/, $one;
	my %two = map { $_ => 1 } split /\n/, $two;
	my %any = map { $_ => 1 } split /\n/, $any;
	for (keys %flags) {
		my ($cmd, $sub) = split / /;
		ok($one{$cmd}, "ksh: $cmd");
		ok($two{$sub}, "ksh: $cmd $sub") if $sub;
	}
	for (sort keys %all) {
		ok($two{$_}, "ksh: $_ as the second word");
		ok($any{$_}, "ksh: $_ later");
	}
	is(join(" ", grep { /^-/ && !$all{$_} } sort keys %any), "",
	    "ksh: and no other");
}

# bash completes, with what it was given until now.
sub bash {
	my @words = @_;
	my $out = run("bash", "--norc", "-c", ". '$etc/brokerctl.bash'
	    COMP_WORDS=(\"\$@\") COMP_CWORD=\$((\$# - 1))
	    _brokerctl
	    [ \${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' \"\${COMPREPLY[@]}\"",
	    "bash", "brokerctl", @words);
	my %once = map { $_ => 1 } split /\n/, $out;
	return join " ", sort keys %once;
}

for ([ "", join " ", sort keys %{{ map { (split / /)[0] => 1 } keys %flags }} ],
    [ "lo", "log logs" ], [ "-", "-C -V -h -j -s -u" ],
    [ "logs", "", "export stats" ], [ "log", "", "brief verbose" ],
    [ "logs", "-", join " ", sort @{$flags{logs}} ],
    [ "logs", "export", "-", join " ", sort @{$flags{"logs export"}} ],
    [ "-s", "/sock", "logs", "--me", "--method" ],
    [ "logs", "-o", "", "csv json short wide" ],
    [ "logs", "export", "-o", "", "csv json" ],
    [ "logs", "stats", "--output", "j", "json" ],
    [ "logs", "-f", "--decision", "b", "blocked brokered" ],
    [ "logs", "--kind", "", "audit event gap request" ],
    [ "logs", "--status", "5", "5xx" ],
    [ "logs", "--host", "", "" ],
    [ "service", "add", "-t", "b", "basic bearer" ],
    [ "agent", "grant", "-r", "", "admin member proxy" ],
    [ "agent", "add", "-i", "", "member no-access owner" ],
    [ "vault", "set", "", "log-path unmatched" ],
    [ "vault", "set", "log-path", "", "default full none prefix" ],
    [ "settings", "set", "logs.max_a", "logs.max_age_hours=" ],
    [ "help", "lo", "log logs" ], [ "help", "logs", "s", "stats" ],
    [ "backup", "$etc/_", "$etc/_brokerctl" ],
    [ "run", "prov", "prove" ],
    [ "nothing", "", "" ]) {
	my @words = @$_;
	my $want = pop @words;
	is(bash(@words), $want, "bash: brokerctl @words");
}

# zsh completes too, at a terminal of its own: what it adds to a line.
sub zsh {
	my ($line, $adds) = @_;
	my $out = run("zsh", "-f", \<<"END");
zmodload zsh/zpty
zpty t zsh -f -i
zpty -w t "PROMPT=; fpath=($etc \\\$fpath)"
zpty -w t "autoload -Uz compinit; compinit -u -D; print RE''ADY"
zpty -r -m t text '*READY*'
zpty -w -n t "brokerctl $line"\$'\\t'
zpty -r -m t text '*$adds*' && print found
zpty -d t
END
	is($out, "found\n", "zsh: brokerctl $line");
}
zsh("cred", "ential");
zsh("logs exp", "ort");
zsh("logs --decision br", "okered");
zsh("logs export -o c", "sv");
zsh("-s /sock logs --after-c", "ursor");
zsh("vault set log", "-path");

done_testing;
