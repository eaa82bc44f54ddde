package truststore

import (
	"context"
	"os/exec"
	"time"
)

// systemFiles is Apple's copy for programs with OpenSSL or LibreSSL; it is read
// only in addition to the keychains.
var systemFiles = []string{"/etc/ssl/cert.pem"}

var systemDirs []string

// The keychains of roots that Apple ships and that administrators add to.
var keychains = []string{
	"/System/Library/Keychains/SystemRootCertificates.keychain",
	"/Library/Keychains/System.keychain",
}

// addNative asks security(1), since without cgo the keychains cannot be read.
// Distrust settings of single roots are not seen this way.
func (a *adder) addNative() (tried []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, keychain := range keychains {
		out, err := exec.CommandContext(ctx, "/usr/bin/security", "find-certificate", "-a", "-p", keychain).Output()
		if err != nil {
			tried = append(tried, "security find-certificate "+keychain+": "+err.Error())
			continue
		}
		before := len(a.store.Certs)
		a.addData(out, keychain+": ")
		if len(a.store.Certs) > before {
			a.store.From = append(a.store.From, keychain)
		}
	}
	return tried
}
