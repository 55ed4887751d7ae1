# quickstart check: everything that says whether this tree is in order.
# The tree itself is only read, but for the pictures of the page: each build is
# made in a copy of its own.
# shellcheck shell=sh

passed=0
failed=0

# step what command ...: one line.  Where the command says
# "N passed, N failed" those are counted, else the step is one test.
step()
{
	what=$1
	shift
	log=$scratch/log/$(printf '%s' "$what" | tr -c 'a-zA-Z0-9' '-')
	start=$(now)
	timeout -k 10 900 "$@" > "$log" 2>&1 < /dev/null
	rc=$?
	took=$(($(now) - start))
	count=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' \
	    "$log" | tail -n 1)
	[ -n "$count" ] || count="$((rc == 0)) $((rc != 0))"
	passed=$((passed + ${count% *}))
	failed=$((failed + ${count#* }))
	if [ $rc -eq 0 ]; then
		say "ok    $what ($took s)"
		return 0
	fi
	[ "${count#* }" -gt 0 ] || failed=$((failed + 1))
	say "FAIL  $what ($took s); the end of its output:"
	tail -n 60 "$log" | sed 's/^/    | /'
	return 1
}

# build name make configure-option ...
build()
{
	tree=$1 make=$2
	shift 2
	mkdir "$scratch/$tree" && copy_tree "$scratch/$tree" || return 1
	step "$tree: configure" sh "$scratch/$tree/configure" "$@" &&
	    step "$tree: build" "$make" -C "$scratch/$tree" -j2 tests
}

check_gcc()
{
	build gcc make CC=gcc --enable-werror || return 1
	step "gcc: regress" make -C "$scratch/gcc" regress
	step "kill -9 at random" make -C "$scratch/gcc" kill
	check_page
	step "lint" make -C "$scratch/gcc" lint
}

# Whoever wants to look at the pictures finds them in this tree afterwards; in
# one that is not his none are kept.
check_page()
{
	shots=$PWD/regress/browser/shots
	rm -rf "$shots" 2> /dev/null
	mkdir "$shots" 2> /dev/null
	step "page in a browser" env BROWSER_SHOTS="$shots" \
	    make -C "$scratch/gcc" browser
}

# The other compiler, the other make and the other yacc.
check_clang()
{
	build clang-bmake-byacc bmake CC=clang YACC=byacc --enable-werror
}

# The runtimes of the sanitizers need system calls that no sandbox has, and
# gcc warns of more than is there in code that they have been woven into.
check_sanitizers()
{
	build sanitizers make CC=gcc --with-sanitizers --without-sandbox ||
	    return 1
	step "sanitizers: regress" make -C "$scratch/sanitizers" regress
}

cmd_check()
{
	need_check

	scratch=$(mktemp -d "${TMPDIR:-/tmp}/brokerd-check.XXXXXXXXXX") ||
	    exit 1
	trap 'rm -rf "$scratch"' EXIT
	trap 'exit 1' HUP INT TERM
	mkdir "$scratch/log"

	check_gcc
	check_clang
	check_sanitizers

	say "$passed passed, $failed failed"
	[ $failed -eq 0 ]
}
