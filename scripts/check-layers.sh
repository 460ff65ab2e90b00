#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Holds the arrows of docs/design.md: a module of lib/ includes only itself and what stands below it, and
# nothing in lib/ includes I/O. Prints each line that breaks a rule; exit 1 if there is one.
set -u
cd "$(dirname "$0")/.." || exit 1

declare -A below=(
	[base]="base"
	[stats]="base stats"
	[packet]="base stats packet"
	[cookie]="base cookie"
	[limit]="base limit"
	[policy]="base policy"
	[flow]="base flow"
	[splice]="base stats packet flow splice"
	[handshake]="base stats packet cookie limit policy flow splice handshake"
)
# Parts of DPDK with state behind them, and parts of libc that are I/O, a clock or the heap.
forbidden='rte_(eal|mbuf|mempool|ethdev|log|malloc|memzone|ring|lcore|cycles|telemetry|rcu_qsbr|random|errno|debug|memcpy|common_.*)\.h'
forbidden_libc='(stdio|stdlib|time|unistd|syslog|pthread|sys/.*|netinet/.*|arpa/.*)\.h'

bad=0
for module in lib/*/; do
	module=$(basename "$module")
	allowed=${below[$module]:-}
	if [ -z "$allowed" ]; then
		echo "lib/$module: not in the list of layers (scripts/check-layers.sh)"
		bad=1
		continue
	fi
	pattern="\"(${allowed// /|})/"
	if grep -nE '^#include "' lib/"$module"/*.[ch] | grep -vE "#include $pattern"; then
		echo "lib/$module may include: $allowed"
		bad=1
	fi
	if grep -nE "^#include <($forbidden|$forbidden_libc)>" lib/"$module"/*.[ch]; then
		echo "lib/ is sans-I/O: the headers above are not for it"
		bad=1
	fi
done
[ $bad -eq 0 ] && echo "layers: ok"
exit $bad
