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


# The whole daemon with an upstream and traffic, its page in a browser, and
# what every test of the page wants to know of it.
package Site;

use strict;
use warnings;
use utf8;

use Exporter qw(import);
use JSON;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

use lib ($ENV{TOP} || ".") . "/regress/integration",
    ($ENV{TOP} || ".") . "/regress/browser";
use Daemon;
use Driver;
use Upstream;

our @EXPORT = qw($d $up $where $b begin browse link_to sign_in traffic burst
    rows ids row_with badge state query clean shown finish);
our ($d, $up, $where, $b);

$SIG{ALRM} = sub { die "a browser test takes too long\n" };
alarm 240;
for (qw(output failure_output todo_output)) {
	binmode(Test::More->builder->$_, ":utf8");
}

# begin(extra => configuration, faults => as in Daemon.pm): a daemon with an
# upstream, and services of all kinds.
sub begin {
	my (%o) = @_;

	$d = Daemon->new("user", %o, extra => "upstream head 1s\n" .
	    ($o{extra} // ""));
	$up = Upstream->new(dir => $d->{dir}, tls => 1);
	$where = "localhost:$up->{port}";
	$d->furnish(
	    { name => "api", host => $where,
	      auth => { type => "bearer", token => "KEY" } },
	    { name => "tls-only", host => "127.0.0.1:1",
	      auth => { type => "bearer", token => "KEY" } },
	    { name => "unset", host => "unset.localhost",
	      auth => { type => "bearer", token => "NOT_THERE" } });
	return $d;
}

sub browse {
	$b = Driver->new(log => 1, @_);
	return $b;
}

# A link that signs in, to this view.
sub link_to {
	my ($query) = @_;
	my $url = $d->api("POST", "/v1/brokerd/open", {})->{url};

	$url =~ s{/#}{/?$query#} if defined $query;
	return $url;
}

sub sign_in {
	my ($query) = @_;
	$b->go(link_to($query));
	state("Live");
}

# Requests with these paths in one tunnel; an answer of 5xx ends none.
sub traffic {
	my $s = $d->tunnel($where);
	Daemon::request($s, "GET $_", "Host: $where") for @_;
}

# So many requests that no service is asked for, by another process.
sub burst {
	my ($n, $path) = @_;
	my $pid = fork // die "fork: $!";

	return $pid if $pid;
	eval { $d->refused($where, $n, $path) } or 1;
	warn $@ if $@;
	POSIX::_exit(0);
}

# The page's rows that are drawn, from above: { id, text, cells by class }.
sub rows {
	return @{$b->js(<<'END')};
		return [...document.querySelectorAll(".space .row")]
		    .sort((x, y) => x.dataset.row - y.dataset.row)
		    .map((r) => {
			const o = { id: r.dataset.id, class: r.className,
			    text: r.innerText };
			for (const c of r.children)
				o[c.className.slice(2)] = c.textContent;
			return o;
		    });
END
}

sub ids { return grep { /^\d+$/ } map { $_->{id} } rows() }

# The row whose text has this in it, which has to come.
sub row_with {
	my ($text, $seconds) = @_;
	my $r;

	eval { Driver::until_true(sub {
		($r) = grep { index($_->{text}, $text) != -1 } rows();
	}, "row with $text", $seconds) } or diag "$@" . join "\n",
	    map { $_->{text} } rows();
	return $r // {};
}

sub badge { return $b->eval("document.querySelector('.badge')?.innerText") }

# Until the page says that it stands like this.
sub state {
	my ($want) = @_;
	my $re = ref $want ? $want : qr/^\Q$want\E/;
	my $is;

	return 1 if eval { Driver::until_true(sub {
		($is = badge() // "none") =~ $re;
	}, "state $want") };
	diag "$want is $is";
	return 0;
}

# What an address has: { vault, q, row, paused }
sub query {
	my ($s) = $b->url =~ /\?([^#]*)/ or return {};
	my %q = map { s/\+/ /gr } map { s/%(..)/chr hex $1/ger }
	    map { split /=/, $_, 2 } split /&/, $s =~ s/=(?=&|$)/= /gr;
	return \%q;
}

# Whether an expression becomes true.
sub shown {
	my ($expression, $what) = @_;
	my $good = eval { $b->wait($expression, 15) };

	ok($good, $what) or diag $@;
	return $good;
}

# No error, and nothing but the daemon was asked.  What a browser itself says
# of an answer that is an error is expected where its address matches.
sub clean {
	my ($what, $expected) = @_;
	my @said = grep { !($expected && / - Failed to load resource/ &&
	    $_ =~ $expected) } $b->console;

	is("@said", "", "$what: the console is clean");
	return unless $b->{log};
	my @away = grep { $_->{url} !~
	    m{^(?:http://127\.0\.0\.1:$d->{api}/|blob:|data:|about:)} }
	    $b->requests;
	is("@{[ map { $_->{url} } @away ]}", "",
	    "$what: nothing but the daemon is asked");
}

# The browser goes, the daemon ends well.
sub finish {
	$b->end;
	is(scalar($b->processes), 0, "no process of the browser is left");
	is($d->stop, 0, "the daemon ends well");
	done_testing();
}

1;
