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

# The manual pages and the sources as text, and what both say of routes.
package Page;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);

our @EXPORT = qw($top slurp section routes endpoints literal);
our $top = $ENV{TOP} || abs_path(dirname(__FILE__) . "/../..");

sub slurp {
	my ($file) = @_;
	open(my $f, "<", "$top/$file") or die "$file: $!";
	local $/;
	return scalar <$f>;
}

# A section of a page, with continued .It lines (Xo .. Xc) as one.
sub section {
	my ($page, $name) = @_;
	my ($text) = slurp($page) =~ /^\.Sh \Q$name\E\n(.*?)(?=^\.Sh |\z)/ms or
	    die "$page: no section $name";
	$text =~ s/^\.It Xo\n(.*?)^\.Xc\n/
	    my $s = $1; $s =~ s,^\.,,mg; $s =~ s,\n, ,g; ".It $s\n"/msge;
	return $text;
}

# Those of api, as "METHOD /path", with stars for what is variable.
sub routes {
	my $source = slurp("api/route.c");
	my ($v) = $source =~ /^#define V\t"([^"]+)"/m;
	my ($table) = $source =~ /\broutes\[\] = \{\n(.*?)^\};/ms;
	my @routes;

	while ($table =~ /\{ HTTP_M_([A-Z]+), (V\b)? ?(?:"([^"]*)")?/g) {
		push @routes, "$1 " . (defined $2 ? $v : "") . ($3 // "");
	}
	return @routes;
}

# What brokerd-api(7) has, in its order: { route => as above, text => }.
sub endpoints {
	my @all;

	for (split /^\.It (?=Cm [A-Z]+ Pa )/m,
	    section("man/brokerd-api.7", "ENDPOINTS")) {
		my ($method, $path, $text) =
		    /^Cm ([A-Z]+) Pa (.*?)\s*\n(.*)/s or next;
		$path =~ s/ Ns Ar \w+/*/g;
		$path =~ s/ Ns Pa //g;
		$path =~ s/\?.*//;
		push @all, { route => "$method $path", text => $text };
	}
	return @all;
}

# The literal displays of some text, as a reader sees them.
sub literal {
	my ($text) = @_;
	my @blocks = $text =~ /^\.Bd -literal\n(.*?)^\.Ed$/msg;

	s/\\e/\\/g, s/\\\(dq/"/g for @blocks;
	return @blocks;
}

1;
