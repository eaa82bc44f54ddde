#!/usr/bin/env bash
# Puts what the program really prints into README.md, between the two markers.
set -eu
cd "$(dirname "$0")/.."
make --no-print-directory build >/dev/null
out=$(COLUMNS=92 NO_COLOR=1 ./bin/tlswhy lab run cert-expired) || [ $? = 1 ]
# The words about the exercise are for those who run it.
report=$(printf '%s\n' "$out" | sed -n '/^✗/,$p')
awk -v report="$report" '
	/^<!-- begin: / { print; print ""; n = split(report, l, "\n"); print "    $ ./bin/tlswhy lab run cert-expired"
		for (i = 1; i <= n; i++) print (l[i] == "" ? "" : "    " l[i]); print ""; skip = 1 }
	/^<!-- end -->/ { skip = 0 }
	!skip && !/^<!-- begin: / { print }
' README.md >README.md.new
mv README.md.new README.md
