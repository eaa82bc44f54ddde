//go:build !windows && !darwin

package truststore

// The places where distributions keep their bundle; the first that exists counts.
var systemFiles = []string{
	"/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Gentoo, Arch
	"/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora, RHEL 6
	"/etc/ssl/ca-bundle.pem",                            // openSUSE
	"/etc/pki/tls/cacert.pem",                           // OpenELEC
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL 7 and later
	"/etc/ssl/cert.pem",                                 // Alpine, OpenBSD
	"/usr/local/etc/ssl/cert.pem",                       // FreeBSD
	"/usr/local/share/certs/ca-root-nss.crt",            // FreeBSD, DragonFly
	"/etc/openssl/certs/ca-certificates.crt",            // NetBSD
	"/etc/certs/ca-certificates.crt",                    // Solaris 11.2 and later
	"/data/data/com.termux/files/usr/etc/tls/cert.pem",  // Termux
}

var systemDirs = []string{
	"/etc/ssl/certs",               // Debian, SLES, FreeBSD 12.2 and later
	"/etc/pki/tls/certs",           // Fedora, RHEL
	"/system/etc/security/cacerts", // Android
	"/etc/openssl/certs",           // NetBSD
}

// addNative has nothing to do where files are all.
func (a *adder) addNative() []string { return nil }
