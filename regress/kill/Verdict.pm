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

# What the clients got, what the upstream saw, what the log says: compared
# request by request.
package Verdict;

use strict;
use warnings;

use JSON;

# What is looked at: of hundreds of thousands of rows not all fits.
my @fields = qw(id kind path request_id status error_code count action
    vault_id);

sub slim {
	my ($row) = @_;
	my %slim;

	@slim{@fields} = @{$row}{@fields};
	return \%slim;
}

# All rows of a vault that are newer than an id, oldest first.
sub rows {
	my ($d, $vault, $after) = @_;
	my ($before, @all) = (0);
	my $path = $vault eq "" ? "/v1/admin/logs" : "/v1/vaults/$vault/logs";

	while (1) {
		my $page = $d->api("GET", "$path?limit=200" .
		    ($before ? "&before=$before" : ""));
		my @new = map { slim($_) }
		    grep { $_->{id} > $after } @{$page->{logs}};
		push @all, @new;
		$before = $page->{next_cursor};
		last if !$before || @new < @{$page->{logs}};
	}
	return reverse @all;
}

sub lines {
	my ($file) = @_;
	open(my $f, "<", $file) or return ();
	return map { chomp; [split / /] } <$f>;
}

# new Verdict(daemon, vault, after, clients => [files], origins => [...],
# killed => [times when workers were], both => [when logd was as well])
sub new {
	my ($class, $d, $vault, $after, %o) = @_;
	my $self = bless { vault => $vault, %o, asked => {}, got => {},
	    row => {}, rid => {}, seen => {}, gaps => 0, last => $after,
	    ids => [] }, $class;

	for my $l (map { lines($_) } @{$o{clients}}) {
		my ($what, $id, @rest) = @$l;
		$self->{asked}{$id} = $rest[0] if $what eq "asks";
		$self->{got}{$id} = [@rest] if $what eq "got";
	}
	for my $origin (@{$o{origins}}) {
		my $n = $origin->times;
		$self->{seen}{$_} += $n->{$_}
		    for grep { exists $self->{asked}{$_} } keys %$n;
	}
	for my $r (rows($d, $vault, $after)) {
		push @{$self->{ids}}, $r->{id};
		$self->{last} = $r->{id};
		$self->{gaps} += $r->{count} if $r->{kind} eq "gap";
		next if $r->{kind} ne "request";
		push @{$self->{rid}{$r->{request_id}}}, $r;
		my ($id) = ($r->{path} // "") =~ m{^/k/\w+/(\S+)$} or next;
		push @{$self->{row}{$id}}, $r;
	}
	return $self;
}

sub unlogged {
	my ($self) = @_;
	return grep { !$self->{row}{$_} } keys %{$self->{seen}};
}

# Whether a client got its answer, or lost its connection, when one was.
sub near {
	my ($self, $what, $when) = @_;
	return scalar grep { abs($when - $_) < 2 } @{$self->{$what}};
}

# Requests that can be in a gap though the upstream did not see them: they
# had begun when their worker and logd died.
sub begun {
	my ($self) = @_;
	return grep { !$self->{row}{$_} && !$self->{seen}{$_} &&
	    $self->near("both", ($self->{got}{$_} // [0, "-", 0])->[2]) }
	    keys %{$self->{asked}};
}

# Whether what a client got is what the log says it got.  Of what ended just
# when its worker was killed the log may know no more than that.
sub agrees {
	my ($self, $id) = @_;
	my ($status, $rid, $when) = @{$self->{got}{$id} // return 1};
	my ($r) = @{$self->{row}{$id} // []};
	my $kind = $self->{asked}{$id};

	if ($r && defined $r->{status} && !defined $r->{error_code} &&
	    ($kind eq "cut" || ($kind eq "leave" && !$status))) {
		return 0;
	}
	return 1 if !$status;
	($r) = @{$self->{rid}{$rid} // []} if $rid ne "-";
	return $self->near("both", $when) if !$r;
	return $self->near("killed", $when) if !defined $r->{status};
	return $r->{status} == $status;
}

# The columns of the table, and the sentences about what is wrong.
sub count {
	my ($self, $reader) = @_;
	my $row = $self->{row};
	my @unlogged = $self->unlogged;
	my %c = (vault => $self->{vault},
	    asked => scalar keys %{$self->{asked}},
	    upstream => scalar keys %{$self->{seen}},
	    rows => scalar(map { @$_ } values %$row),
	    unknown => scalar(grep { !defined $_->{status} }
		map { @$_ } values %$row),
	    unlogged => scalar @unlogged, gaps => $self->{gaps},
	    twice => scalar(grep { @$_ > 1 } values %$row, values
		%{$self->{rid}}),
	    differ => scalar(grep { !$self->agrees($_) }
		keys %{$self->{asked}}));
	my %n;
	$n{$_}++ for @$reader;
	$c{holes} = grep { !$n{$_} } @{$self->{ids}};
	$c{again} = grep { $_ > 1 } values %n;
	$c{order} = grep { $reader->[$_] <= $reader->[$_ - 1] } 1 .. $#$reader;

	my $begun = $self->begun;
	my @wrong = (
	    [$c{gaps} >= $c{unlogged}, "requests that the upstream saw are " .
		"neither rows nor in gaps"],
	    [$c{gaps} <= $c{unlogged} + $begun, "gaps count more than is " .
		"missing, with $begun that may have begun"],
	    [$c{twice} == 0, "requests have two rows"],
	    [$c{differ} == 0, "clients got something else than the log says"],
	    [$c{holes} == 0, "the reader missed rows"],
	    [$c{again} + $c{order} == 0, "the reader got rows twice or late"]);
	$c{wrong} = [grep { !$_->[0] } @wrong];
	$c{right} = [grep { $_->[0] } @wrong];
	return \%c;
}

# The first few requests that make it wrong, for who looks for the cause.
sub explain {
	my ($self) = @_;
	my @bad = ((sort $self->unlogged)[0 .. 4],
	    (grep { @{$self->{row}{$_} // []} > 1 } keys %{$self->{row}})[0 .. 4],
	    (grep { !$self->agrees($_) } sort keys %{$self->{asked}})[0 .. 9]);

	return map { "$_ $self->{asked}{$_}: client " . join(" ",
	    @{$self->{got}{$_} // ["nothing"]}) . "; upstream " .
	    ($self->{seen}{$_} // 0) . "; log " . (join(", ", map {
	    "$_->{id} " . ($_->{status} // "null") . " " .
	    ($_->{error_code} // "-") } @{$self->{row}{$_} // []}) ||
	    "nothing") } grep { defined } @bad;
}

1;
