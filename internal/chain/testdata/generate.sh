#!/bin/sh
# Makes the certificates of this folder with OpenSSL 3; the names of the files
# say what is odd about them. All are self-signed, for odd.example.com, valid
# 2026-01-01 to 2046-01-01 where the tool allows dates to be given.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cat > "$tmp/openssl.cnf" <<END
[req]
distinguished_name = dn
[dn]
[ca]
default_ca = odd
[odd]
database = $tmp/index
new_certs_dir = $tmp
serial = $tmp/serial
policy = any
default_md = sha256
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
END

# make NAME "KEY OPTIONS" "CA OPTIONS" [EXTRA req OPTIONS]
make() {
	name=$1 key=$2 sign=$3
	shift 3
	rm -f "$tmp/index"*
	: > "$tmp/index"
	[ -f "$tmp/serial" ] || echo 1001 > "$tmp/serial"
	# shellcheck disable=SC2086
	openssl genpkey $key -out "$tmp/key" 2>/dev/null
	case $name in *compressed) openssl ec -in "$tmp/key" -conv_form compressed -out "$tmp/key" 2>/dev/null ;; esac
	openssl req -new -config "$tmp/openssl.cnf" -key "$tmp/key" -subj /CN=odd.example.com \
		-addext subjectAltName=DNS:odd.example.com "$@" -out "$tmp/req"
	# shellcheck disable=SC2086
	openssl ca -batch -notext -selfsign -config "$tmp/openssl.cnf" -keyfile "$tmp/key" -in "$tmp/req" \
		-startdate 20260101000000Z -enddate 20460101000000Z $sign -out "$name.pem" 2>/dev/null
}

rsa='-algorithm RSA -pkeyopt rsa_keygen_bits'
ec='-algorithm EC -pkeyopt ec_paramgen_curve'
pss='-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen'
make rsa-2048 "$rsa:2048" ""
make rsa-1024 "$rsa:1024" ""
make rsa-512 "$rsa:512" ""
make rsa-1025 "$rsa:1025" "$pss:20"
make rsa-exponent-3 "$rsa:2048 -pkeyopt rsa_keygen_pubexp:3" ""
make rsa-exponent-large "$rsa:2048 -pkeyopt rsa_keygen_pubexp:18446744073709551617" ""
make rsa-md5 "$rsa:2048" "-md md5"
make rsa-sha1 "$rsa:2048" "-md sha1"
make rsa-sha512 "$rsa:2048" "-md sha512"
make rsa-sha3 "$rsa:2048" "-md sha3-256"
make rsa-pss-signature "$rsa:2048" "$pss:32"
make rsa-pss-sha1 "$rsa:2048" "-md sha1 $pss:20"
make rsa-pss-mixed "$rsa:2048" "$pss:32 -sigopt rsa_mgf1_md:sha1"
make rsa-pss-key "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048" ""
make rsa-pss-key-restricted "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha384 -pkeyopt rsa_pss_keygen_mgf1_md:sha384 -pkeyopt rsa_pss_keygen_saltlen:48" "-md sha384"
make p224 "$ec:P-224" ""
make p256 "$ec:P-256" ""
make p256-sha1 "$ec:P-256" "-md sha1"
make p384 "$ec:P-384" "-md sha384"
make p521 "$ec:P-521" "-md sha512"
make p192 "$ec:P-192" ""
make p256-compressed "$ec:P-256" ""
make p256-explicit "$ec:P-256 -pkeyopt ec_param_enc:explicit" ""
make brainpool-explicit "$ec:brainpoolP256r1 -pkeyopt ec_param_enc:explicit" ""
make brainpool-256 "$ec:brainpoolP256r1" ""
make brainpool-512 "$ec:brainpoolP512r1" "-md sha512"
make secp256k1 "$ec:secp256k1" ""
make sect283k1 "$ec:sect283k1" ""
make sm2 "-algorithm SM2" "-md sm3"
make ed25519 "-algorithm ED25519" "-md null"
make ed448 "-algorithm ED448" "-md null"
openssl dsaparam -out "$tmp/dsa" 2048 2>/dev/null
make dsa "-paramfile $tmp/dsa" ""
openssl req -x509 -config "$tmp/openssl.cnf" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tmp/key" \
	-subj /CN=odd.example.com -days 3650 -addext 2.5.29.17=DER:300b8209f6646d6c2e74657374 -out san-not-ascii.pem 2>/dev/null
openssl req -x509 -config "$tmp/openssl.cnf" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tmp/key" \
	-subj /CN=odd.example.com -days 3650 -set_serial -5 -out serial-negative.pem 2>/dev/null
openssl req -new -config "$tmp/openssl.cnf" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tmp/key" \
	-subj /CN=odd.example.com -out "$tmp/req" 2>/dev/null
openssl x509 -req -in "$tmp/req" -signkey "$tmp/key" -days 3650 -out version-1.pem 2>/dev/null
