package keyfile

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// kinds are files that people take for certificates, by how they begin.
var kinds = []struct{ prefix, what, hint string }{
	{"\x1f\x8b", "compressed with gzip", "unpack it: gunzip FILE"},
	{"BZh", "compressed with bzip2", "unpack it: bunzip2 FILE"},
	{"\xfd7zXZ", "compressed with xz", "unpack it: unxz FILE"},
	{"PK\x03\x04", "a ZIP archive", "unpack it: unzip FILE"},
	{"ssh-", "an SSH public key", "TLS needs an X.509 certificate: ask a CA for one"},
	{"ecdsa-sha2-", "an SSH public key", "TLS needs an X.509 certificate: ask a CA for one"},
	{"---- BEGIN SSH2", "an SSH public key", "TLS needs an X.509 certificate: ask a CA for one"},
	{"PuTTY-User-Key", "a key of PuTTY", "TLS needs another kind of file: openssl genpkey"},
	{"-----BEGIN PGP", "of OpenPGP", "TLS needs an X.509 certificate: ask a CA for one"},
	{"<!doctype html", "a web page", "the download went wrong: read the page"},
	{"<html", "a web page", "the download went wrong: read the page"},
	{"%pdf", "a PDF", ""},
	{"\x7felf", "a program", ""},
}

// kindOf says what a file is in which nothing of use was found, "" when that is
// not known.
func kindOf(data []byte) (what, hint string) {
	start := strings.ToLower(string(bytes.TrimSpace(data[:min(len(data), 600)])))
	for _, k := range kinds {
		if strings.HasPrefix(start, strings.ToLower(k.prefix)) {
			return k.what, k.hint
		}
	}
	switch {
	case isTar(data):
		return "a tar archive", "unpack it: tar xf FILE"
	case encodedTwice(data):
		return "PEM that was encoded in base64 once more", "decode it: base64 -d FILE > NEW"
	case strings.HasPrefix(start, "{") && strings.Contains(start, `"kty"`):
		return "a key in JSON (JWK)", "convert it to PEM"
	case strings.Contains(start, "apiversion") && strings.Contains(start, "kind"):
		return "a Kubernetes manifest in which no certificate was found", "a reference to a Secret is not followed: kubectl get secret NAME -o yaml | tlswhy cert -"
	}
	return "", ""
}

func isTar(data []byte) bool { return len(data) > 262 && string(data[257:262]) == "ustar" }

// encodedTwice tells whether data is the base64 of a PEM block.
func encodedTwice(data []byte) bool {
	return bytes.HasPrefix(unwrap(data), []byte("-----BEGIN "))
}

// unwrap decodes base64 with or without line breaks; nil = it is none.
func unwrap(data []byte) []byte {
	data = bytes.TrimSpace(data)
	if len(data) < 16 || bytes.IndexByte(data, '-') >= 0 {
		return nil
	}
	out, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(data), nil)))
	if err != nil {
		return nil
	}
	return out
}

// useOf says what to do with a file that holds one of the things that are
// neither certificate nor private key.
func useOf(other []string) string {
	for _, o := range other {
		switch {
		case strings.Contains(o, "signing request"):
			return "send it to a CA, which answers with the certificate; see it with openssl req -in FILE -noout -text"
		case strings.Contains(o, "revocation list"):
			return "see it with openssl crl -in FILE -noout -text; tlswhy diagnose takes it with --crl"
		case strings.Contains(o, "public key"):
			return "the certificate is another file: it carries this key with a name and the issuer's signature"
		case strings.Contains(o, "parameters"):
			return "these are public numbers for the key exchange; the certificate is another file"
		case strings.Contains(o, "OCSP"):
			return "see it with openssl ocsp -respin FILE -text -noverify"
		}
	}
	return ""
}
