# shellcheck shell=bash disable=SC2034 # what is set is for those who source it
# SPDX-License-Identifier: BSD-3-Clause
#
# The build that is measured, by scripts/bench.sh and scripts/generators.sh: optimised, without assertions, in a directory
# of its own, and of the sources as they are now. Sourced after lib.sh; the working directory is the top of the tree.

BUILD=build-bench
BUILD_OPTIONS=(buildtype=release b_ndebug=true)
BUILD_TARGETS=(app/synward/synward app/synload/synload tests/bench/bench)

# other_options: of the build that is there, those that make its figures others: "buildtype=debug b_ndebug=false", or
# nothing. 1 where meson cannot say.
other_options() {
	meson introspect --buildoptions "$BUILD" 2>/dev/null | "${SW_PYTHON[@]}" -c '
import json, sys
has = {option["name"]: str(option["value"]).lower() for option in json.load(sys.stdin)}
print(" ".join(f"{name}={has[name]}" for name, wanted in (word.split("=") for word in sys.argv[1:]) if has[name] != wanted))
' "${BUILD_OPTIONS[@]}" 2>/dev/null
}

# set_options LOG: a build of other options is not measured.
set_options() {
	local others
	others=$(other_options) || {
		echo "${0##*/}: meson cannot read $BUILD: remove it, and it is made anew" >"$1"
		return 1
	}
	[ -n "$others" ] || return 0
	echo "${0##*/}: $BUILD has $others: set to ${BUILD_OPTIONS[*]}, and built anew"
	meson configure "$BUILD" "${BUILD_OPTIONS[@]/#/-D}" >"$1" 2>&1
}

bench_build() {
	local log rc=0
	# Without root there is nothing to install; the build says what it misses.
	[ "$(id -u)" != 0 ] || sw_install_bench_packages || exit 1
	log=$(mktemp)
	if [ ! -f $BUILD/build.ninja ]; then
		echo "${0##*/}: making $BUILD (release, no assertions)"
		meson setup $BUILD "${BUILD_OPTIONS[@]/#/-D}" >"$log" 2>&1 || rc=1
	else
		set_options "$log" || rc=1
	fi
	[ $rc != 0 ] || ninja -C $BUILD "${BUILD_TARGETS[@]}" >"$log" 2>&1 || rc=1
	[ $rc = 0 ] || tail -40 "$log" >&2
	rm -f "$log"
	[ $rc = 0 ] || sw_die "${0##*/}: the build failed"
	SW_SYNWARD=$BUILD/app/synward/synward
	SW_SYNLOAD=$BUILD/app/synload/synload
}
