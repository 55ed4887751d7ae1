#!/usr/bin/perl
#
# The manual pages, README.md and the code say the same, as far as a program
# can tell: options, commands, routes, words of the log, messages, packages.

use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin;
use Page;
use Test::More;

# The sources of some directories, with strings in one piece.
sub sources {
	my $text = join "", map { slurp(substr $_, length($top) + 1) }
	    map { glob "$top/$_/*.c" } @_;
	$text =~ s/"\s*\n\s*"//g;
	$text =~ s/\\"/"/g;
	return $text;
}

# What a program prints, errors too.
sub output {
	my @cmd = @_;
	my $pid = open(my $p, "-|") // die "fork: $!";
	if ($pid == 0) {
		open(STDERR, ">&", \*STDOUT) or exit 99;
		exec @cmd or exit 99;
	}
	local $/;
	my $text = <$p>;
	close $p;
	return $text;
}

# Two sets of words are the same; the test names what is on one side only.
sub same {
	my ($a, $b, $what) = @_;
	my %a = map { $_ => 1 } @$a;
	my %b = map { $_ => 1 } @$b;
	my @only = ((map { "code: $_" } grep { !$b{$_} } sort keys %a),
	    (map { "page: $_" } grep { !$a{$_} } sort keys %b));
	ok(%a && !@only, $what);
	diag("only in $_") for @only;
}

# All options in a line of mdoc, those with two hyphens by their names.
sub flags {
	my ($line) = @_;
	my @f;
	while ($line =~ /\bFl ((?:-?\w[\w-]*|-)(?: , -[\w-]+)*)/g) {
		for my $f (split / , /, $1) {
			push @f, $f =~ /^-(.*)/ ? (length $1 ? $1 : ()) :
			    split //, $f;
		}
	}
	return @f;
}

# The same in a usage.
sub usage_flags {
	my ($text) = @_;
	my @f;
	while ($text =~ /(?<![\w-])-(-?)(\w[\w-]*)/g) {
		push @f, $1 ? $2 : split //, $2;
	}
	return @f;
}

sub getopt_letters {
	my ($file) = @_;
	my ($s) = slurp($file) =~ /getopt\(argc, argv, "\+?([^"]+)"/ or
	    die "$file: no getopt(3)";
	return grep { /\w/ } split //, $s;
}

sub listed {
	my ($page) = @_;
	return map { flags($_) }
	    section($page, "DESCRIPTION") =~ /^\.It (Fl [^ ].*)$/mg;
}

# brokerd's options: what it takes, what it prints, synopsis and list.
my @brokerd = getopt_letters("brokerd/main.c");
my ($usage) = output("$top/brokerd/brokerd", "-?") =~ /^(usage: .*)/ms;
same(\@brokerd, [usage_flags($usage)], "brokerd: usage");
same(\@brokerd, [map { flags($_) } section("man/brokerd.8", "SYNOPSIS")],
    "brokerd(8): synopsis");
same(\@brokerd, [listed("man/brokerd.8")], "brokerd(8): list of options");

# brokerctl's, in front of the command.
my @ctl = getopt_letters("brokerctl/brokerctl.c");
my ($first) = section("man/brokerctl.8", "DESCRIPTION") =~ /(.*?)^\.El/ms;
same(\@ctl, [map { flags($_) } section("man/brokerctl.8", "SYNOPSIS")],
    "brokerctl(8): synopsis");
same(\@ctl, [map { flags($_) } $first =~ /^\.It (Fl [^ ].*)$/mg],
    "brokerctl(8): list of options");

# Its commands, each with its options: -j, which all have, is said once.
my $brokerctl = "$top/brokerctl/brokerctl";
my @words = output($brokerctl, "-h") =~ /^  ([a-z]+) /mg;
my %word = map { $_ => 1 } @words;
my (@in_code, @in_page);
for my $w (@words) {
	my $text = output($brokerctl, "help", $w);
	$text =~ s/\n {10,}/ /g;
	for ($text =~ /^usage: brokerctl (.*)$/mg) {
		my ($name) = /^((?:[a-z]+ )*[a-z]+)(?= \[|$)/;
		push @in_code, join " ", $name,
		    grep { $_ ne "j" } sort(usage_flags($_));
	}
}
my %page;
for (section("man/brokerctl.8", "DESCRIPTION") =~ /^\.It Cm (.*)$/mg) {
	# "log Cm verbose | brief" are two; what is set is no command.
	my ($name) = /^((?:[a-z]+ ?)+(?:Cm [a-z |]+)?)/;
	$name =~ s/ Cm unmatched.*//;
	$name =~ s/ ?Cm / /;
	$name =~ s/ +$//;
	next unless $word{(split / /, $name)[0]};
	my ($stem, $words) = $name =~ /^(.*?)([a-z]+(?: \| [a-z]+)+)$/ ?
	    ($1, $2) : ("", $name);
	for my $w (split / \| /, $words) {
		$page{join " ", "$stem$w", sort(flags($_))} = 1;
	}
}
same(\@in_code, [keys %page], "brokerctl(8): commands and their options");

# Variables of the environment.
my $ctl8 = slurp("man/brokerctl.8");
my %env = map { $_ => 1 } sources("brokerctl") =~
    /\b(?:getenv|ctl_env)\("([A-Z_]+)"\)/g;
delete $env{TERM};
ok(scalar(%env), "brokerctl looks at the environment");
ok($ctl8 =~ /^\.(?:It )?Ev (?:.* , )?$_\b/m, "brokerctl(8): $_")
    for sort keys %env;

# Routes.
same([routes()], [map { $_->{route} } endpoints()],
    "brokerd-api(7): routes");

# The words of the log and of brokerd's answers.
my $codes = slurp("common/codes.h");
my $brokerd8 = slurp("man/brokerd.8");
my @words_code = grep { length } $codes =~ /X\((?:ERROR|EVENT)_\w+, "(\w*)"\)/g;
same(\@words_code, [$brokerd8 =~ /^\.(?:It )?Er (\w+)/mg],
    "brokerd(8): error codes and events");
my $denials = slurp("keyd/auth.c") . slurp("proxy/client.c");
like($brokerd8, qr/^\.Ql \Q$_\E\b/m, "brokerd(8): answer $_")
    for sort keys %{{ map { $_ => 1 } $denials =~
    /(?:refuse\(a, r|serve_answer\([^,]*), \d+, "(\w+)"/g,
    $denials =~ /code = "(\w+)"/g }};

# Messages that the page explains are in the sources.
my $source = sources(qw(brokerd keyd logd common));
for (section("man/brokerd.8", "DIAGNOSTICS") =~ /^\.It "(.*)"$/mg) {
	my $m = $_;
	$m =~ s/\\\(dq/"/g;
	$m =~ s/ \.\.\.$//;
	# Where the reason is filled in.
	$m =~ s/: (?:Address already|a process is answering) .*/: %s/;
	my $re = join "[^\n]{0,40}?", map { quotemeta }
	    split /%[a-z]/, $m, -1;
	ok($source =~ /$re/, "brokerd(8): \"$m\"");
}

# Packages: README's table, configure, quickstart.
my $readme = slurp("README.md");
my ($table) = $readme =~ /^## Dependencies\n(.*?)(?=^## )/ms;
my @packages = grep { $_ ne "package" } $table =~ /^\| ([a-z0-9-]+)/mg;
my $lib = slurp("share/quickstart/lib.sh");
my ($build) = $lib =~ /^DEBIAN_BUILD="([^"]+)"/m;
same([split " ", $build], \@packages, "README: packages that quickstart wants");
my $configure = slurp("configure");
my %asked = map { $_ => 1 } "linux-libc-dev", $configure =~
    /(?<![\w-])(lib[a-z0-9-]+-dev|bison|gcc|pkg-config)(?![\w-])/g;
delete $asked{"libcmocka-dev"};
same([keys %asked, "make", "ca-certificates"], \@packages,
    "README: packages that configure asks for");
for my $list ("RUN", "CHECK") {
	my ($names) = $lib =~ /^DEBIAN_$list="([^"]+)"/m;
	my @missing = grep { $table !~ /(?<![\w-])\Q$_\E(?![\w-])/ }
	    split " ", $names;
	is("@missing", "", "README: packages of DEBIAN_$list");
}

# The tree.
my ($tree) = $readme =~ /^## Tree\n(.*?)(?=^## )/ms;
my @dirs = $tree =~ /(?<![\w\/])([a-z]+)\/(?= |$)/mg;
my %dir = map { $_ => 1 } @dirs;
my %top = map { (split m{/}, $_)[0] => 1 }
    slurp("Makefile") =~ /^include (\w+\/[^\s]+)/mg;
is(join(" ", grep { !$dir{$_} } sort keys %top), "",
    "README: directories of the Makefile are in the tree");
$tree =~ s/regress\/ .*//;
is(join(" ", grep { !-d "$top/$_" && !-d "$top/regress/$_" } @dirs), "",
    "README: directories of the tree are there");

# Commands in examples exist.
for my $doc ("README.md", "man/brokerd.8", "man/brokerctl.8") {
	my @bad = grep { !$word{$_} } slurp($doc) =~
	    /^[ ]*(?:\.Dl[ ])?(?:[#\$][ ])?(?:\w+=\S+[ ])?brokerctl
	    (?:[ ]-\w[ ]\S+)*[ ]([a-z]\w*)/mgx;
	is("@bad", "", "$doc: commands of brokerctl in examples");
}
my $quick = output("sh", "$top/quickstart", "nonsense");
like($quick, qr/[\[ ]\Q$_\E[ \]]/, "README: ./quickstart $_")
    for $readme =~ /\.\/quickstart ([a-z]+)/g;

# What the pages look like.
SKIP: {
	skip "no mandoc", 1 if system("command -v mandoc > /dev/null") != 0;
	for my $m (map { substr $_, length($top) + 1 }
	    glob "$top/man/*.[1-9]") {
		my $text = output("mandoc", "-Tascii", "$top/$m");
		$text =~ s/.\x08//g;
		my @wide = grep { length > 80 } split /\n/, $text;
		is(join("\n", @wide), "", "$m: 80 columns");
	}
}
done_testing();
