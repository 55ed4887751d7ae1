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

# Readers of the log's stream, many at once in one process.
package Follow;

use strict;
use warnings;

use Daemon;
use Exporter qw(import);
use IO::Select;
use IO::Socket::UNIX;
use JSON;
use Time::HiRes qw(time);

our @EXPORT = qw(take data ids last_id until_all);

# start(DAEMON, PATH, last => id, token => whose): what has come so far are
# its events, [ name, id, data ]; beats are counted, and live says after how many
# of them all that there was had come, and up to which id.
sub start {
	my ($d, $path, %o) = @_;
	my $s = IO::Socket::UNIX->new(Peer => $d->{socket}) or return undef;
	my $r = { s => $s, in => "", text => "", events => [], rows => 0,
	    beats => 0, end => 0 };

	print $s join("\r\n", "GET $path HTTP/1.1", "Host: x",
	    $o{last} ? "Last-Event-ID: $o{last}" : (),
	    $o{token} ? "Authorization: Bearer $o{token}" : (), "", "");
	$s->flush;
	$r->{head} = eval { Daemon::head($s) } // "";
	($r->{status}) = $r->{head} =~ m{^HTTP/1.1 (\d+)};
	$s->blocking(0);
	return $r;
}

# What is there to read.
sub take {
	my ($r) = @_;

	for (1 .. 64) {
		my $n = $r->{s}->sysread($r->{in}, 65536, length $r->{in});
		last if !defined $n;
		$r->{cut} = 1, last if $n == 0;
	}
	while ($r->{in} =~ /^([0-9a-f]+)\r\n/i) {
		my ($head, $n) = (length $&, hex $1);
		last if length $r->{in} < $head + $n + 2;
		$r->{end} = 1 if $n == 0;
		$r->{text} .= substr $r->{in}, $head, $n;
		substr $r->{in}, 0, $head + $n + 2, "";
	}
	while ($r->{text} =~ s/^(.*?)\n\n//s) {
		my %f = map { /^(\w*): ?(.*)$/ ? ($1, $2) : () }
		    split /\n/, $1;
		# A heartbeat has an id too, but is no row.
		if (($f{event} // "") eq "beat") {
			$r->{beats}++;
			$r->{beat} = [ $f{id},
			    decode_json($f{data})->{cursor} ];
			next;
		}
		# Nor is it one to have all there was.
		if (($f{event} // "") eq "live") {
			push @{$r->{live}}, [ scalar(@{$r->{events}}),
			    decode_json($f{data})->{cursor} ];
			next;
		}
		$r->{rows}++ if defined $f{id} && $f{event};
		push @{$r->{events}}, [ $f{event}, $f{id},
		    $f{data} ] if $f{event};
	}
}

sub data { return map { decode_json($_->[2]) } @{$_[0]{events}} }
sub ids { return map { $_->[1] // () } @{$_[0]{events}} }
sub last_id { my @i = ids(@_); return $i[-1] // 0 }

# Take from all of them until a condition holds.
our $seconds = 150;
sub until_all {
	my ($cond, @r) = @_;
	my $end = time + $seconds;

	while (time < $end) {
		take($_) for grep { !$_->{cut} } @r;
		return 1 if $cond->();
		IO::Select->new(map { $_->{s} } grep { !$_->{cut} } @r)->
		    can_read(0.05);
	}
	return 0;
}

1;
