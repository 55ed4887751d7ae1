# bash(1) completion for brokerctl(8).
#
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


# The flags of a command.  Words of its own list follow for the values of some.
_brokerctl_flags()
{
	case $1 in
	"agent add")
		echo "-q --quiet -i --instance-role -r --role -v --vault -j
		    --json"
		;;
	"agent delete")
		echo "-j --json"
		;;
	"agent grant")
		echo "-r --role -v --vault -j --json"
		;;
	"agent list")
		echo "-j --json"
		;;
	"agent revoke")
		echo "-j --json"
		;;
	"agent rotate")
		echo "-q --quiet -j --json"
		;;
	"agent ungrant")
		echo "-v --vault -j --json"
		;;
	"backup")
		echo "-f --force -j --json"
		;;
	"ca")
		echo "-j --json"
		;;
	"credential delete")
		echo "-v --vault -j --json"
		;;
	"credential get")
		echo "-v --vault -j --json"
		;;
	"credential list")
		echo "-v --vault -j --json"
		;;
	"credential set")
		echo "-v --vault -j --json"
		;;
	"help")
		echo "-j --json"
		;;
	"init")
		echo "-j --json"
		;;
	"log brief")
		echo "-j --json"
		;;
	"log verbose")
		echo "-j --json"
		;;
	"logs")
		echo "--actor --after-cursor --decision -f --follow --host --id
		    --instance --kind --method --min-ms -n --lines -o --output
		    --path --service --show-cursor --since --status --until -v
		    --vault -j --json"
		;;
	"logs export")
		echo "--actor --after-cursor --decision --host --id --instance
		    --kind --method --min-ms -o --output --path --service
		    --since --status --until -v --vault -j --json"
		;;
	"logs stats")
		echo "--instance -o --output --since --step --until -v --vault
		    -j --json"
		;;
	"open")
		echo "--print-only -v --vault -j --json"
		;;
	"reload")
		echo "-j --json"
		;;
	"run")
		echo "-l --label -t --ttl -v --vault"
		;;
	"service add")
		echo "-a --allow-plaintext -d --disabled -t --type -k --key -p
		    --pass-key -H --header -P --prefix -m --methods --path -v
		    --vault -j --json"
		;;
	"service delete")
		echo "-v --vault -j --json"
		;;
	"service disable")
		echo "-v --vault -j --json"
		;;
	"service enable")
		echo "-v --vault -j --json"
		;;
	"service list")
		echo "-v --vault -j --json"
		;;
	"service set")
		echo "-f --file -v --vault -j --json"
		;;
	"settings get")
		echo "-j --json"
		;;
	"settings set")
		echo "-j --json"
		;;
	"status")
		echo "-j --json"
		;;
	"token list")
		echo "-v --vault -j --json"
		;;
	"token mint")
		echo "-q --quiet -l --label -t --ttl -v --vault -j --json"
		;;
	"token revoke")
		echo "-v --vault -j --json"
		;;
	"vault add")
		echo "-j --json"
		;;
	"vault delete")
		echo "-j --json"
		;;
	"vault list")
		echo "-j --json"
		;;
	"vault rename")
		echo "-j --json"
		;;
	"vault set")
		echo "-v --vault -j --json"
		;;
	esac
}

# The commands, or those below one.
_brokerctl_commands()
{
	case $1 in
	"")
		echo "agent backup ca credential help init log logs open reload
		    run service settings status token vault"
		;;
	agent)
		echo "add delete grant list revoke rotate ungrant"
		;;
	credential)
		echo "delete get list set"
		;;
	log)
		echo "brief verbose"
		;;
	logs)
		echo "export stats"
		;;
	service)
		echo "add delete disable enable list set"
		;;
	settings)
		echo "get set"
		;;
	token)
		echo "list mint revoke"
		;;
	vault)
		echo "add delete list rename set"
		;;
	esac
}

# What can stand behind a flag; nothing is known of most.
_brokerctl_values()
{
	case "$1 $2" in
	"logs -o" | "logs --output")
		echo "short wide json csv"
		;;
	"logs export -o" | "logs export --output")
		echo "json csv"
		;;
	"logs stats -o" | "logs stats --output")
		echo "short json"
		;;
	"agent "*" -i" | *" --instance-role")
		echo "no-access member owner"
		;;
	"agent "*" -r" | *" --role")
		echo "proxy member admin"
		;;
	"service add -t" | *" --type")
		echo "bearer basic api-key custom passthrough"
		;;
	"run -t" | "token mint -t" | *" --ttl")
		echo "15m 1h 8h 1d"
		;;
	"service add -m" | *" --methods" | *" --method")
		echo "GET HEAD POST PUT PATCH DELETE OPTIONS"
		;;
	*" --decision")
		echo "brokered passthrough blocked error"
		;;
	*" --kind")
		echo "request gap event audit"
		;;
	*" --status")
		echo "1xx 2xx 3xx 4xx 5xx"
		;;
	*" --since" | *" --until")
		echo "15m 1h 24h 7d"
		;;
	*" --step")
		echo "1m 15m 1h 1d"
		;;
	"vault set ")
		echo "unmatched log-path"
		;;
	"vault set unmatched")
		echo "pass deny"
		;;
	"vault set log-path")
		echo "default full prefix none"
		;;
	"settings set "*)
		echo "logs.max_age_hours= logs.max_rows_per_vault="
		;;
	esac
}

# Flags whose value is not in a list.
_brokerctl_takes()
{
	case $1 in
	-C | -s | -u | -k | -p | -H | -P | -l | -n | -v | --vault | --lines | \
	    --key | --pass-key | --header | --prefix | --path | --host | \
	    --label | --actor | --service | --id | --min-ms | --after-cursor)
		return 0
		;;
	esac
	return 1
}

# _brokerctl_fill words: those that begin with what there is.  Without
# compgen's glob, so that the directory's files do not matter.
_brokerctl_fill()
{
	local word

	COMPREPLY=()
	for word in $1; do
		[[ $word == "$cur"* ]] && COMPREPLY+=("$word")
	done
}

_brokerctl_files()
{
	local file

	COMPREPLY=()
	while IFS= read -r file; do
		COMPREPLY+=("$file")
	done < <(compgen -f -- "$cur")
	compopt -o filenames 2> /dev/null
}

_brokerctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local cmd="" sub="" at=1 below words last=""

	COMPREPLY=()
	while [ "$at" -lt "$COMP_CWORD" ]; do
		case ${COMP_WORDS[at]} in
		-C | -s | -u)
			at=$((at + 1))
			;;
		-*)
			;;
		*)
			cmd=${COMP_WORDS[at]}
			break
			;;
		esac
		at=$((at + 1))
	done
	if [ -z "$cmd" ]; then
		case $prev in
		-C | -s)
			_brokerctl_files
			;;
		-u)
			;;
		*)
			case $cur in
			-*)	_brokerctl_fill "-C -h -j -s -u -V" ;;
			*)	_brokerctl_fill "$(_brokerctl_commands "")" ;;
			esac
			;;
		esac
		return
	fi
	below=$(_brokerctl_commands "$cmd")
	if [ "$cmd" = help ]; then
		[ "$COMP_CWORD" -eq $((at + 1)) ] ||
		    below=$(_brokerctl_commands "$prev")
		[ "$COMP_CWORD" -ne $((at + 1)) ] ||
		    below=$(_brokerctl_commands "")
		_brokerctl_fill "$below"
		return
	fi
	if [ -n "$below" ] && [ "$COMP_CWORD" -gt $((at + 1)) ]; then
		for words in $below; do
			[ "$words" != "${COMP_WORDS[at + 1]}" ] || sub=$words
		done
	fi
	[ -z "$sub" ] || cmd="$cmd $sub"
	case $cur in
	-*)
		_brokerctl_fill "$(_brokerctl_flags "$cmd")"
		return
		;;
	esac
	# A value of the flag before it, or of the operand.
	case $prev in
	"${sub:-${cmd}}")
		;;
	*)
		last=$prev
		;;
	esac
	words=$(_brokerctl_values "$cmd" "$last")
	if [ -n "$words" ]; then
		_brokerctl_fill "$words"
		case $words in
		*=*)	compopt -o nospace 2> /dev/null ;;
		esac
	elif [ "$cmd" = "service set" ] || [ "$cmd" = backup ]; then
		_brokerctl_files
	elif _brokerctl_takes "$last"; then
		return
	elif [ "$cmd" = run ]; then
		COMPREPLY=()
		while IFS= read -r words; do
			COMPREPLY+=("$words")
		done < <(compgen -c -- "$cur")
	elif [ -n "$below" ] && [ "$COMP_CWORD" -eq $((at + 1)) ]; then
		_brokerctl_fill "$below"
	fi
}

complete -F _brokerctl brokerctl
