# ksh(1) completion for brokerctl(8): put into a file that ENV names
#
#	. FILE
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


# The shell completes by the number of the word alone: the first is a command,
# the second one below it or a flag, and from the third on it can be any flag
# of any command, and any word that can be a flag's value.
set -A complete_brokerctl_1 -- \
    agent backup ca credential help init log logs open reload run service \
    settings status token vault -C -h -j -s -u -V

set -A complete_brokerctl_2 -- \
    add delete grant list revoke rotate ungrant get set brief verbose export \
    stats disable enable mint rename -q --quiet -i --instance-role -r --role \
    -v --vault -j --json -f --force --actor --after-cursor --decision \
    --follow --host --id --instance --kind --method --min-ms -n --lines -o \
    --output --path --service --show-cursor --since --status --until --step \
    --print-only -l --label -t --ttl -a --allow-plaintext -d --disabled \
    --type -k --key -p --pass-key -H --header -P --prefix -m --methods \
    --file

set -A complete_brokerctl -- \
    -q --quiet -i --instance-role -r --role -v --vault -j --json -f --force \
    --actor --after-cursor --decision --follow --host --id --instance --kind \
    --method --min-ms -n --lines -o --output --path --service --show-cursor \
    --since --status --until --step --print-only -l --label -t --ttl -a \
    --allow-plaintext -d --disabled --type -k --key -p --pass-key -H \
    --header -P --prefix -m --methods --file short wide json csv brokered \
    passthrough blocked error request gap event audit 1xx 2xx 3xx 4xx 5xx \
    GET HEAD POST PUT PATCH DELETE OPTIONS 15m 1h 8h 24h 1d 7d bearer basic \
    api-key custom proxy member admin owner no-access unmatched pass deny \
    log-path default full prefix none logs.max_age_hours= \
    logs.max_rows_per_vault=
