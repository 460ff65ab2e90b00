#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The command line of scripts/bench.sh. What it takes is followed by an option that it does not know, so that nothing runs.
# shellcheck source=tests/netns/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../netns/lib.sh"

# says REGEX ARGUMENT...: exit status 2, with that message.
says() {
	local want=$1 said rc=0
	shift
	said=$("$SW_TOP/scripts/bench.sh" "$@" 2>&1) || rc=$?
	if [ $rc = 2 ] && [[ $said =~ ^bench.sh:\ $want ]]; then
		ok "$*"
	else
		not_ok "$*: exit status $rc, $said"
	fi
}

takes() {
	says "'--unknown' is no option of $1; see" "$@" --unknown
}

# at_most MOST COMMAND OPTION
at_most() {
	takes "$2" "$3" "$1"
	says "$3 is a number from 1 to $1, not '$(($1 + 1))'" "$2" "$3" $(($1 + 1))
}

at_most 1000 flood --rounds
at_most 86400 transfer --seconds
at_most 1000000000 ackflood --rate
at_most 16000000 connect --concurrent
at_most 1000000000 connect --request
at_most 1000000000 connect --response
at_most 15259 segments --response
at_most 16000000 segments --flows
at_most 1000000000 goodput --connect-rate
for no_number in 0 -1 1k 01 '' 99999999999999999999; do
	says "--seconds is a number from 1 to 86400, not '$no_number'" flood --seconds "$no_number"
done

takes goodput --steps 0,1,1000000000,max
for no_steps in '' ',' '0,' 01 1000000001 1k '0,,1'; do
	says "--steps are packets a second, from 0 to 1000000000, or max" goodput --steps "$no_steps"
done

says "'' is no option of flood" flood ''
says "--ring is one of: 64 128 256 512 1024 2048; not '4096'" flood --ring 4096
says "--ring is one of" flood --ring 100
takes flood --ring 2048
# These are known when all options are.
says "--ring is at most 1024 over vhost, not '2048'" flood --ring 2048 --wire vhost
says "--ring is for memif and vhost: a wire of tap has none to set" connect --wire tap --ring 64
says "'--ring' is no option of transfer" transfer --ring 64
takes connect --against "$SW_TOP/scripts/bench.sh"
says "--against is a synward to run, and '/nowhere' is none" flood --against /nowhere
says "--against is a synward to run, and '$SW_TOP' is none" flood --against "$SW_TOP"
says "'--against' is no option of goodput" goodput --against "$SW_TOP/scripts/bench.sh"
finish
