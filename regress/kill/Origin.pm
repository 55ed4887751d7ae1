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

# The upstream of a kill run: it writes down which request it saw as soon as
# it has its head, and answers as slowly as the path says.
package Origin;

use strict;
use warnings;

use Time::HiRes qw(sleep);
use Upstream;

our @ISA = ("Upstream");

# The head alone counts: what comes of the body may be cut.
sub answer {
	my ($self, $r) = @_;
	my ($kind, $id) = $r->{target} =~ m{^/k/(\w+)/(\S+)$} or return 0;

	open(my $f, ">>", $self->{seen}) or die "$self->{seen}: $!";
	syswrite $f, "$id\n";
	close $f;
	return 0 unless $self->body($r);
	return $self->trickle(6, 0.02) if $kind eq "slow";
	return $self->trickle(30, 0.05) if $kind eq "leave";
	return $self->reply(200, "$id\n");
}

sub trickle {
	my ($self, $n, $pause) = @_;

	$self->put("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (1 .. $n) {
		$self->put("5\r\npiece\r\n");
		sleep $pause;
	}
	$self->put("0\r\n\r\n");
	return 1;
}

# How often it saw each request.
sub times {
	my ($self) = @_;
	my %n;

	open(my $f, "<", $self->{seen}) or return {};
	while (<$f>) {
		chomp;
		$n{$_}++;
	}
	return \%n;
}

1;
