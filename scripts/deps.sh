#!/usr/bin/env bash
# Installs what the tests need on Debian and its kin. Does nothing where
# everything is there; never starts a service; says what it could not install.
# Without apt or root it only says what is missing. In CI (CI=true) or with
# TLSWHY_REQUIRE_ALL=1 a missing program is an error.
set -eu

# program:package
needs="gcc:gcc openssl:openssl curl:curl nginx:nginx apache2:apache2 haproxy:haproxy
stunnel4:stunnel4 gnutls-serv:gnutls-bin javac:default-jdk-headless"

export PATH="$PATH:/usr/sbin:/sbin"
here() { command -v "$1" >/dev/null 2>&1; }
# gcc without the C library's headers cannot build with -race.
libc() { [ -e /usr/include/stdlib.h ]; }

packages=
for n in $needs; do
	here "${n%%:*}" || packages="$packages ${n#*:}"
done
libc || packages="$packages libc6-dev"
[ -n "$packages" ] || exit 0

if [ "$(id -u)" = 0 ] && here apt-get; then
	echo "installing:$packages"
	export DEBIAN_FRONTEND=noninteractive
	# Packages of servers start them when they are installed, on ports that may
	# be in use. policy-rc.d is Debian's way to say no.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
		trap 'rm -f "$policy"' EXIT
	fi
	install() { apt-get install -y -q --no-install-recommends "$@" >/dev/null 2>&1; }
	# shellcheck disable=SC2086
	if ! install $packages; then
		apt-get update -q >/dev/null 2>&1 || echo "apt-get update failed" >&2
		if ! install $packages; then
			# One that cannot be had must not keep the others away.
			for p in $packages; do install "$p" || echo "could not install $p" >&2; done
		fi
	fi
fi

missing=
for n in $needs; do
	here "${n%%:*}" || missing="$missing ${n%%:*} (package ${n#*:});"
done
[ -n "$missing" ] || exit 0
echo "missing:$missing the tests that need them are skipped, in CI they fail" >&2
if [ "${CI:-}" = true ] || [ "${TLSWHY_REQUIRE_ALL:-}" = 1 ]; then exit 1; fi
