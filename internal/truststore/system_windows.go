package truststore

import (
	"errors"
	"syscall"
	"unsafe"

	"github.com/tlswhy/tlswhy/internal/chain"
)

var systemFiles, systemDirs []string

const cryptENotFound = syscall.Errno(0x80092004) // CRYPT_E_NOT_FOUND: the end of the list

// addNative reads the store ROOT of the current user, which shows that of the
// machine too. Windows fetches roots on their first use, so that it holds fewer
// than Windows trusts.
func (a *adder) addNative() []string {
	name, err := syscall.UTF16PtrFromString("ROOT")
	if err != nil {
		return []string{err.Error()}
	}
	store, err := syscall.CertOpenSystemStore(0, name)
	if err != nil {
		return []string{"opening the store ROOT: " + err.Error()}
	}
	defer func() { _ = syscall.CertCloseStore(store, 0) }()
	before := len(a.store.Certs)
	var cert *syscall.CertContext
	for len(a.store.Certs) < maxEntries {
		cert, err = syscall.CertEnumCertificatesInStore(store, cert)
		if cert == nil {
			break
		}
		der := make([]byte, cert.Length)
		copy(der, unsafe.Slice(cert.EncodedCert, cert.Length)) // the context is freed by the next call
		a.addCert(chain.Parse(der), "ROOT: ")
	}
	if len(a.store.Certs) > before {
		a.store.From = append(a.store.From, "the store ROOT")
	}
	if err != nil && !errors.Is(err, cryptENotFound) {
		return []string{"reading the store ROOT: " + err.Error()}
	}
	return nil
}
