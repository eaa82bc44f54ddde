package truststore

import (
	"crypto/x509"
	"regexp"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/tlswhy/tlswhy/internal/chain"
)

const bundleModule = "golang.org/x/crypto/x509roots/fallback"

// mozillaVersion is the version of bundleModule in go.mod, for programs whose
// build information is missing (tests). TestMozillaVersion holds it to go.mod.
const mozillaVersion = "v0.0.0-20261030153154-30a33513ff6d"

var loadMozilla = sync.OnceValue(func() *Store {
	s := &Store{Name: Mozilla, Title: "Mozilla", From: []string{bundleModule}, Date: mozillaDate(),
		DistrustAfter: map[[32]byte]time.Time{}}
	for root := range bundle.Roots() {
		c := chain.Parse(root.Certificate)
		s.Certs = append(s.Certs, c)
		if at := distrustAfter(root.Constraint); !at.IsZero() {
			s.DistrustAfter[c.SHA256] = at
		}
	}
	return s
})

var timestamp = regexp.MustCompile(`[.-](20\d{12})-`)

// MozillaDate is the date of the embedded Mozilla list, zero when unknown.
func MozillaDate() time.Time { return mozillaDate() }

// mozillaDate is the commit time in the module's pseudo-version.
func mozillaDate() time.Time {
	version := mozillaVersion
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == bundleModule {
				version = dep.Version
			}
		}
	}
	m := timestamp.FindStringSubmatch(version)
	if m == nil {
		return time.Time{}
	}
	at, err := time.Parse("20060102150405", m[1])
	if err != nil {
		return time.Time{}
	}
	return at
}

// distrustAfter finds the date in a constraint, which the bundle gives only as a
// function of a chain: it is searched for by halving, to the second.
func distrustAfter(constraint func([]*x509.Certificate) error) time.Time {
	if constraint == nil {
		return time.Time{}
	}
	refused := func(second int64) bool {
		return constraint([]*x509.Certificate{{NotBefore: time.Unix(second, 0).UTC()}}) != nil
	}
	low := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	high := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	if refused(low) || !refused(high) {
		return time.Time{}
	}
	for high-low > 1 {
		middle := (low + high) / 2
		if refused(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return time.Unix(low, 0).UTC()
}
