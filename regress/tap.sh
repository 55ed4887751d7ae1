# TAP for tests that are shell scripts:  . "$TOP/regress/tap.sh"
# shellcheck shell=sh

tap_n=0
tap_failed=0

# ok what command ...: a test; the command's output is shown if it fails.
ok()
{
	tap_what=$1
	shift
	tap_n=$((tap_n + 1))
	if tap_out=$("$@" 2>&1); then
		echo "ok $tap_n - $tap_what"
		return 0
	fi
	echo "not ok $tap_n - $tap_what"
	printf '%s\n' "$tap_out" | sed 's/^/# /'
	tap_failed=$((tap_failed + 1))
	return 1
}

# At the end: the plan and the exit status.
done_testing()
{
	echo "1..$tap_n"
	exit $((tap_failed != 0))
}
