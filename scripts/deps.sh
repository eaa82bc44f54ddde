#!/usr/bin/env bash
# Installs what the tests need on Debian and its kin. Does nothing where
# everything is there; starts no service, now or at the next boot; says what it
# could not install and why. Without apt or root it only says what is missing.
# In CI (CI=true) or with TLSWHY_REQUIRE_ALL=1 a missing program is an error.
# Arguments are further program:package pairs.
set -eu

# program:package
needs="gcc:gcc stdlib.h:libc6-dev openssl:openssl curl:curl nginx:nginx apache2:apache2
haproxy:haproxy stunnel4:stunnel4 gnutls-serv:gnutls-bin javac:default-jdk-headless
lighttpd:lighttpd mod_openssl.so:lighttpd-mod-openssl caddy:caddy hitch:hitch node:nodejs python3:python3
postfix:postfix imap-login:dovecot-imapd pop3-login:dovecot-pop3d lmtp:dovecot-lmtpd
managesieve-login:dovecot-managesieved slapd:slapd postgres:postgresql mariadbd:mariadb-server vsftpd:vsftpd
prosody:prosody inspircd:inspircd mosquitto:mosquitto redis-server:redis-server unbound:unbound xrdp:xrdp
sshd:openssh-server faketime:faketime tcpdump:tcpdump ip:iproute2 iptables:iptables ethtool:ethtool sysctl:procps squid:squid-openssl mitmdump:mitmproxy sslsplit:sslsplit
sslscan:sslscan nmap:nmap tshark:tshark wget:wget git:git chromium:chromium
prometheus-alertmanager:prometheus-alertmanager
prometheus-blackbox-exporter:prometheus-blackbox-exporter promtool:prometheus
ldapsearch:ldap-utils tinyproxy:tinyproxy danted:dante-server php:php-cli php-curl:php-curl lwp-https:liblwp-protocol-https-perl ruby:ruby $*"

export PATH="$PATH:/usr/sbin:/sbin"
here() {
	case $1 in
	# gcc without the C library's headers cannot build with -race.
	*.h) echo "#include <$1>" | gcc -E - >/dev/null 2>&1 ;;
	*.so) [ -e "/usr/lib/lighttpd/$1" ] ;;
	php-curl) php -m 2>/dev/null | grep -qx curl ;;
	lwp-https) perl -MLWP::Protocol::https -e 1 2>/dev/null ;;
	*-login | lmtp) [ -x "/usr/lib/dovecot/$1" ] ;;
	postgres) ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 ;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac
}

packages=
find_missing() {
	packages=
	for n in $needs; do
		here "${n%%:*}" || packages="$packages ${n#*:}"
	done
}

find_missing
[ -n "$packages" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
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
	# A new machine may be installing its own updates: wait for them.
	apt() { apt-get -q -o DPkg::Lock::Timeout=300 "$@"; }
	# What conflicts with a package of this machine, as Postfix does with other
	# mail servers, is not worth losing that one.
	install() { apt install -y --no-install-recommends --no-remove "$@" 2>&1 >/dev/null; }
	wanted=$packages
	# shellcheck disable=SC2086
	if ! install $wanted >/dev/null; then
		apt update >/dev/null || echo "apt-get update failed" >&2
		if ! install $wanted >/dev/null; then
			# One that cannot be had must not keep the others away.
			for p in $wanted; do
				why=$(install "$p") || printf 'could not install %s:\n%s\n' "$p" "$why" >&2
			done
		fi
	fi
	for p in $wanted; do
		case $p in
		dovecot-*) services=dovecot ;;
		mariadb-server) services="mariadb mariadb.socket" ;;
		openssh-server) services=ssh ;;
		xrdp) services="xrdp xrdp-sesman" ;;
		*) services=$p ;;
		esac
		for service in $services; do
			update-rc.d "$service" disable >/dev/null 2>&1 || true
			systemctl disable "$service" >/dev/null 2>&1 || true # those without a script in init.d
		done
	done
	find_missing
	[ -n "$packages" ] || exit 0
fi

echo "MISSING:$packages" >&2
echo "As root, on Debian: apt-get install --no-install-recommends$packages" >&2
echo "Without them tests are skipped, without gcc the race detector too; in CI they fail." >&2
if [ "${CI:-}" = true ] || [ "${TLSWHY_REQUIRE_ALL:-}" = 1 ]; then exit 1; fi
