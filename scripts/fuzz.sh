#!/usr/bin/env bash
# Runs every fuzz target of the module for FUZZTIME each (60s, or 1000x for a
# number of inputs). The targets are found by name, so that a new one needs no
# second list.
set -eu -o pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}
time=${FUZZTIME:-60s}
found=0
while IFS=: read -r file name; do
	dir=$(dirname "$file")
	found=$((found + 1))
	echo "fuzz $dir $name ($time)"
	"$go" test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "./$dir" | grep -v '^fuzz: elapsed'
done < <(grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sed -e 's|^\./||' -e 's|func ||' | sort)
if [ "$found" = 0 ]; then
	echo "no fuzz targets found" >&2
	exit 1
fi
echo "$found fuzz targets passed"
