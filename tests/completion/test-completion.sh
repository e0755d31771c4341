#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# test-completion.sh TWAMPD TWAMP ROOT TWAMPCTL: what bash offers, against what the programs say.
set -u
twampd=$1 twamp=$2 root=$3 twampctl=$4 failed=0

# bash-completion's own file, or the few functions of it that are used.
if [ -r /usr/share/bash-completion/bash_completion ]; then
	# shellcheck disable=SC1091
	. /usr/share/bash-completion/bash_completion
else
	echo "bash-completion is not installed"
	exit 77
fi
# shellcheck disable=SC1091
. "$root/completion/twamp"
# shellcheck disable=SC1091
. "$root/completion/twampd"
# shellcheck disable=SC1091
. "$root/completion/twampctl"

# offers FUNCTION WORD...: COMPREPLY for the last word.
offers() {
	local function=$1
	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMP_LINE="$*"
	COMP_POINT=${#COMP_LINE}
	COMPREPLY=()
	"$function" "$1"
}

# Words, one a line, sorted, on one line.
sorted() {
	tr ' ' '\n' | sed '/^$/d' | sort | tr '\n' ' '
}

# expect WANTED: the words offered.
expect() {
	local have wanted

	have=$(printf '%s\n' "${COMPREPLY[@]}" | sorted)
	wanted=$(sorted <<<"$1")
	if [ "$have" != "$wanted" ]; then
		printf 'not ok - %s offers "%s", expected "%s"\n' "$COMP_LINE" "$have" "$wanted"
		failed=1
	fi
}

# The options as the manual page has them: two sources that must agree.
in_manual() {
	sed -n 's/^\.It //p' "$1" | grep -o -e '-[-a-z]*[a-z0-9]' -e 'Fl [^ ]*' |
		sed -n 's/^Fl \(-\{0,1\}[a-zA-Z0-9][a-z0-9-]*\)$/-\1/p' | sort -u
}

offers _twampctl "$twampctl" ""
expect "$("$twampctl" --help | sed -n '/^Commands/,$s/^  \([a-z]*\) .*/\1/p' | sort -u)"
offers _twampctl "$twampctl" c
expect "clients config confirm connections counters"
offers _twampctl "$twampctl" end ""
expect "class client session"
offers _twampctl "$twampctl" config show --j
expect "--json"
offers _twampctl "$twampctl" config show --o
expect "--origin"
offers _twampctl "$twampctl" light --se
expect "--senders"
offers _twampctl "$twampctl" drain --
expect "--instance --json --light --socket --sort --timeout --top --version --wait --watch --help"
offers _twampctl "$twampctl" health --check ov
expect "overload"
for option in $("$twampctl" --help | grep -o -e '--[a-z]*' | sort -u); do
	case " $(in_manual "$root/man/twampctl.8" | tr '\n' ' ') " in
	*" $option "*) ;;
	*) echo "not ok - twampctl.8 does not have $option"; failed=1 ;;
	esac
done
"$twampctl" --help | sed -n '/^Commands/,$s/^  \([a-z]*\( [a-z]\{2,\}\)\{0,1\}\) .*/\1/p' | while read -r words; do
	grep -q "Cm $words" "$root/man/twampctl.8" || { echo "not ok - twampctl.8 does not have $words"; exit 1; }
done || failed=1
offers _twamp "$twamp" ""
commands=$("$twamp" --help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p')
expect "$commands"
[ "$(wc -w <<<"$commands")" -ge 4 ] || { echo "not ok - commands: $commands"; failed=1; }
offers _twamp "$twamp" controller --padding
expect "--padding --padding-fill"
offers _twamp "$twamp" controller --padding-fill ""
expect "random zero"
offers _twamp "$twamp" controller --dscp AF1
expect "AF11 AF12 AF13"
offers _twamp "$twamp" sender --tlv ""
expect "$(sed -n '/^.Sh TLVS OF STAMP/,/^.El/s/^.It //p' "$root/man/twamp.1" | grep -o -e 'Cm [-a-z]* Ns' -e 'Cm [-a-z]*$' |
	awk '{ print $2 }' | sort -u)"
offers _twamp "$twamp" explain max-connections
expect "max-connections max-connections-per-class max-connections-per-client"
offers _twamp "$twamp" explain "[0-9]"
expect ""
offers _twampd "$twampd" --log-target ""
expect "auto journal stderr"
offers _twampd "$twampd" -
expect "$(in_manual "$root/man/twampd.8.in")"
exit "$failed"
