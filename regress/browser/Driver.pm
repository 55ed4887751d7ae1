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


# A browser, headless, by the WebDriver protocol: chromedriver and chromium in
# a directory of their own, on a port that was free.
#
# What waits does so for a bounded time and dies with what it waited for.
package Driver;

use strict;
use warnings;

use File::Temp qw(tempdir);
use HTTP::Tiny;
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep time);

use constant WAIT => 20;	# seconds

my $json = JSON::PP->new->utf8(0)->allow_nonref;
my $element = "element-6066-11e4-a52e-4f735466cecf";
my %key = (Enter => "\x{E007}", Escape => "\x{E00C}", Up => "\x{E013}",
    Down => "\x{E015}", Left => "\x{E012}", Tab => "\x{E004}",
    Control => "\x{E009}",
    End => "\x{E010}", Space => " ", Backspace => "\x{E003}");
my %running;		# directory of each, and who started it

# new(width => n, height => n, log => whether requests are kept)
sub new {
	my ($class, %o) = @_;
	my $self = bless { %o, owner => $$ }, $class;

	$self->{width} //= 1366;
	$self->{height} //= 768;
	$self->{dir} = tempdir("browser.XXXXXXXX", CLEANUP => 1, TMPDIR => 1);
	$self->{http} = HTTP::Tiny->new(timeout => 60, keep_alive => 1);
	$self->start;
	$self->session;
	return $self;
}

# chromedriver, which says where it listens.
sub start {
	my ($self) = @_;
	my $log = "$self->{dir}/driver.log";

	$self->{pid} = fork // die "fork: $!";
	if ($self->{pid} == 0) {
		setpgrp(0, 0);
		# Whatever they write, it goes with the directory.
		$ENV{TMPDIR} = $ENV{HOME} = $ENV{XDG_RUNTIME_DIR} =
		    $self->{dir};
		delete @ENV{grep { /proxy$/i || /^(DISPLAY|DBUS_)/ }
		    keys %ENV};
		open(STDIN, "<", "/dev/null");
		open(STDOUT, ">", $log) or die "$log: $!";
		open(STDERR, ">&STDOUT");
		exec "chromedriver", "--port=0";
		die "chromedriver: $!";
	}
	$running{$self->{dir}} = $self;
	until_true(sub {
		open(my $f, "<", $log) or return 0;
		local $/;
		(<$f> // "") =~ /started successfully on port (\d+)/ or
		    return waitpid($self->{pid}, WNOHANG) ?
		    die("no chromedriver: see README.md, " .
		    "\"Dependencies\"\n") : 0;
		$self->{port} = $1;
	}, "chromedriver");
}

# The first of these that there is.
sub program {
	for my $name (@_) {
		for (split /:/, $ENV{PATH}) {
			return "$_/$name" if -x "$_/$name";
		}
	}
	die "no $_[0]: see README.md, \"Dependencies\"\n";
}

sub session {
	my ($self) = @_;
	my @args = ("--headless=new", "--disable-gpu", "--no-first-run",
	    "--disable-background-networking", "--disable-component-update",
	    "--disable-sync", "--disable-dev-shm-usage", "--no-proxy-server",
	    "--disable-extensions", "--disable-default-apps",
	    "--force-device-scale-factor=1", "--hide-scrollbars=false",
	    "--window-size=$self->{width},$self->{height}",
	    "--user-data-dir=$self->{dir}/profile");

	push @args, "--no-sandbox" if $> == 0;
	my %options = (binary => program("chromium", "chrome"),
	    args => \@args);
	my %kept = (browser => "ALL");
	if ($self->{log}) {
		$kept{performance} = "ALL";
		$options{perfLoggingPrefs} = { enablePage => JSON::PP::false };
	}
	my $r = $self->ask("POST", "/session", { capabilities => {
	    alwaysMatch => { browserName => "chrome",
	    "goog:loggingPrefs" => \%kept,
	    "goog:chromeOptions" => \%options } } });
	$self->{session} = "/session/$r->{sessionId}";
	$self->{browser} = $r->{capabilities}{"goog:processID"};
	# Its first page is its own, and what that asked for as well.
	$self->go("about:blank");
	$self->cmd("POST", "/se/log", { type => "performance" })
	    if $self->{log};
	$self->size($self->{width}, $self->{height});
	$self->cmd("POST", "/timeouts", { script => 30000,
	    pageLoad => 30000 });
}

sub ask {
	my ($self, $method, $path, $body) = @_;
	my $r = $self->{http}->request($method,
	    "http://127.0.0.1:$self->{port}$path", $method eq "POST" ? {
	    headers => { "Content-Type" => "application/json" },
	    content => bytes($json->encode($body // {})) } : {});
	my $text = $r->{content} // "";

	utf8::decode($text);
	my $answer = eval { $json->decode($text) } // {};
	my $value = $answer->{value};
	return $value if $r->{success};
	die(ref $value ? "$value->{error}: " .
	    ($value->{message} =~ /^(.*)/)[0] . "\n" :
	    "$method $path: $r->{status} $text\n");
}

sub bytes {
	my ($s) = @_;
	utf8::encode($s);
	return $s;
}

sub cmd {
	my ($self, $method, $path, $body) = @_;
	return $self->ask($method, "$self->{session}$path", $body);
}

# What a browser's own tools can do.
sub cdp {
	my ($self, $name, %params) = @_;
	return $self->cmd("POST", "/goog/cdp/execute", { cmd => $name,
	    params => \%params });
}

# A condition, at most so long.
sub until_true {
	my ($what, $name, $seconds) = @_;
	my $end = time + ($seconds // WAIT);
	my $r;

	while (1) {
		$r = $what->() and return $r;
		last if time > $end;
		sleep 0.05;
	}
	die "$name: not within " . ($seconds // WAIT) . " seconds\n";
}

# The size of what is seen, also below what a window can have.
sub size {
	my ($self, $width, $height) = @_;

	$self->cdp("Emulation.setDeviceMetricsOverride", width => $width,
	    height => $height, deviceScaleFactor => 1,
	    mobile => JSON::PP::false);
}

# media("print", "prefers-color-scheme" => "dark"): "" and nothing for none.
sub media {
	my ($self, $media, %features) = @_;

	$self->cdp("Emulation.setEmulatedMedia", media => $media,
	    features => [ map { { name => $_, value => $features{$_} } }
	    sort keys %features ]);
}

sub go { my ($self, $url) = @_; $self->cmd("POST", "/url", { url => $url }) }
sub back { $_[0]->cmd("POST", "/back") }
sub forward { $_[0]->cmd("POST", "/forward") }
sub reload { $_[0]->cmd("POST", "/refresh") }
sub url { return $_[0]->cmd("GET", "/url") }

# A script's return value; its arguments are in arguments[], promises are
# waited for.
sub js {
	my ($self, $script, @args) = @_;
	return $self->cmd("POST", "/execute/sync", { script => $script,
	    args => [ @args ] });
}

# eval(expression, arguments): its value
sub eval {
	my ($self, $expression, @args) = @_;
	return $self->js("return ($expression)", @args);
}

# Until an expression is true, which is returned; dies with what is there.
sub wait {
	my ($self, $expression, $seconds) = @_;
	my $r = CORE::eval { until_true(sub { $self->eval($expression) },
	    $expression, $seconds) };

	return $r if $r;
	die $@;
}

sub find {
	my ($self, $css) = @_;
	my $r = until_true(sub {
		CORE::eval { $self->cmd("POST", "/element",
		    { using => "css selector", value => $css }) };
	}, $css);

	return $r->{$element};
}

sub click {
	my ($self, $css) = @_;
	my $id = $self->find($css);
	$self->cmd("POST", "/element/$id/click");
}

# A button or a link by what is on it.
sub press {
	my ($self, $text) = @_;
	my $r = $self->js("return [...document.querySelectorAll(" .
	    "'button, a, option, li')].find(b => b.innerText.trim() === " .
	    "arguments[0] && b.checkVisibility())", $text);

	die "no button \"$text\"\n" unless $r;
	$self->cmd("POST", "/element/$r->{$element}/click");
}

# Text into what is chosen by a selector; what was there goes.
sub type {
	my ($self, $css, $text) = @_;
	my $id = $self->find($css);

	$self->cmd("POST", "/element/$id/clear");
	$self->cmd("POST", "/element/$id/value", { text => $text });
}

sub actions {
	my ($self, @sources) = @_;
	$self->cmd("POST", "/actions", { actions => [ @sources ] });
}

# Keys one after the other: characters, or names as in %key.
sub keys {
	my ($self, @keys) = @_;

	$self->actions({ type => "key", id => "keys", actions => [ map {
		my $k = $key{$_} // $_;
		({ type => "keyDown", value => $k },
		    { type => "keyUp", value => $k });
	} @keys ] });
}

# A click in the middle of an element while a key is held.
sub click_with {
	my ($self, $k, $css) = @_;
	my $id = $self->find($css);

	$self->actions({ type => "key", id => "keys", actions => [
	    { type => "keyDown", value => $key{$k} },
	    ({ type => "pause" }) x 3,
	    { type => "keyUp", value => $key{$k} } ] },
	    { type => "pointer", id => "mouse", actions => [
	    { type => "pause" },
	    { type => "pointerMove", x => 0, y => 0,
		origin => { $element => $id } },
	    { type => "pointerDown", button => 0 },
	    { type => "pointerUp", button => 0 } ] });
}

# From one place of the window to another with the button held.
sub drag {
	my ($self, $x, $y, $to_x, $to_y) = map { ref() ? $_ : int } @_;

	$self->actions({ type => "pointer", id => "mouse", actions => [
	    { type => "pointerMove", x => $x, y => $y },
	    { type => "pointerDown", button => 0 },
	    { type => "pointerMove", x => $to_x, y => $to_y,
		duration => 100 },
	    { type => "pointerUp", button => 0 } ] });
}

sub wheel {
	my ($self, $css, $by) = @_;
	my $id = $self->find($css);

	$self->actions({ type => "wheel", id => "wheel", actions => [
	    { type => "scroll", x => 0, y => 0, deltaX => 0, deltaY => $by,
		origin => { $element => $id } } ] });
}

# What the console was told since the last time, one line each.
sub console {
	my ($self) = @_;
	return map { "$_->{level} $_->{message}" }
	    @{$self->cmd("POST", "/se/log", { type => "browser" })};
}

# The requests that were made since the last time: { url, method, type }.
sub requests {
	my ($self) = @_;
	my @all;

	for (@{$self->cmd("POST", "/se/log", { type => "performance" })}) {
		my $m = $json->decode($_->{message})->{message};
		push @all, { url => $m->{params}{request}{url},
		    method => $m->{params}{request}{method},
		    type => $m->{params}{type} }
		    if $m->{method} =~ /^Network\.(requestWillBeSent|
		    webSocketCreated)$/x;
	}
	return @all;
}

# Where pictures go: a directory that is asked for, or one in the tree that
# make clean removes.  What a run of the same test left there goes first.
sub shots {
	my $dir = $ENV{BROWSER_SHOTS};

	return $dir if $dir;
	$dir = ($ENV{TOP} || ".") . "/regress/browser/shots";
	mkdir $dir;
	if (opendir my $d, $dir) {
		my $name = test();
		unlink map { "$dir/$_" } grep { /^\Q$name\E-.*\.png$/ }
		    readdir $d;
	}
	return $dir;
}

# The test's name, which its pictures begin with.
sub test { return $0 =~ m{([^/]*)\.t$} ? $1 : "browser" }

# A picture of what is seen, for who looks at it afterwards.  One that cannot
# be kept, in a tree of somebody else's, fails no test, but that is said.
sub shot {
	my ($self, $name) = @_;
	my $dir = $self->{shots} //= shots();
	my $file = "$dir/" . test() . "-$name.png";
	my $png = decode_base64($self->cmd("GET", "/screenshot"));

	unlink $file;
	if (open(my $f, ">:raw", $file)) {
		print $f $png;
		return $file if close $f;
	}
	warn "$file: $!: no picture is kept\n" unless $self->{told}++;
	return undef;
}

# What is there for who does not see it: { role, name, ignored }.
sub accessible {
	my ($self) = @_;
	$self->cdp("Accessibility.enable");
	return map { { role => $_->{role}{value} // "",
	    name => $_->{name}{value} // "",
	    node => $_->{backendDOMNodeId} } } grep { !$_->{ignored} }
	    @{$self->cdp("Accessibility.getFullAXTree")->{nodes}};
}

# Processes that have its directory on their command line.
sub processes {
	my ($self) = @_;
	my @pids;

	for my $file (glob "/proc/[0-9]*/cmdline") {
		open(my $f, "<", $file) or next;
		local $/;
		my $line = <$f> // "";
		push @pids, $file =~ /(\d+)/ if index($line,
		    "$self->{dir}/") != -1;
	}
	return @pids;
}

# Politely, and then not; nothing of it is there afterwards.
sub end {
	my ($self) = @_;

	return if $self->{owner} != $$ || !delete $running{$self->{dir}};
	if ($self->{session}) {
		$self->{http} = HTTP::Tiny->new(timeout => 10);
		CORE::eval { $self->cmd("DELETE", "") };
	}
	kill "KILL", $self->{browser} if $self->{browser} &&
	    grep { $_ == $self->{browser} } $self->processes;
	kill "KILL", -$self->{pid};
	waitpid $self->{pid}, 0;
	CORE::eval {
		until_true(sub {
			my @left = $self->processes or return 1;
			kill "KILL", @left;
			return 0;
		}, "the end of the browser", 5);
	};
	return 1;
}

sub DESTROY {
	my ($self) = @_;
	local ($?, $!, $@);
	$self->end;
}

END {
	local ($?, $!, $@);
	$_->end for grep { defined } values %running;
}

1;
