package inventory

import (
	"maps"
	"slices"
	"sync"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// split finds suites where the order does not matter. Those that a server has
// mostly together are peeled in parts, side by side; the rest, of which it has
// mostly none, is asked for at once, and split again if it has.
func (e *enumeration) split(left []tlswire.CipherSuite) bool {
	const lane = 4 // suites, one after the other
	var likely, rest []tlswire.CipherSuite
	for _, c := range strongFirst(left) {
		if e.likely(c) {
			likely = append(likely, c)
		} else {
			rest = append(rest, c)
		}
	}
	parts := make([][]tlswire.CipherSuite, (len(likely)+lane-1)/lane)
	for i, c := range likely {
		parts[i%len(parts)] = append(parts[i%len(parts)], c)
	}
	complete := make([]bool, len(parts))
	var wg sync.WaitGroup
	for i, part := range parts {
		wg.Go(func() { complete[i] = e.peel(part, i == len(parts)-1) })
	}
	whole := e.remainder(rest)
	wg.Wait()
	return whole && !slices.Contains(complete, false)
}

// remainder is split for suites of which mostly none is taken.
func (e *enumeration) remainder(rest []tlswire.CipherSuite) bool {
	if len(rest) == 0 {
		return true
	}
	c, a := e.offer(weakFirst(rest), false)
	if c != 0 {
		return e.split(without(rest, c))
	}
	complete := a.verdict != unknown
	for _, part := range e.apart(rest, a) {
		complete = e.remainder(part) && complete
	}
	return complete
}

// likely says that servers which take what this one took mostly have the suite,
// too. What is asked together depends on it, nothing else.
func (e *enumeration) likely(c tlswire.CipherSuite) bool {
	info := c.Info()
	switch info.Cipher {
	case "AES_128_GCM", "AES_256_GCM", "AES_128_CBC", "AES_256_CBC", "AES_128_CCM", "AES_256_CCM", "AES_128_CCM_8", "AES_256_CCM_8",
		"CHACHA20_POLY1305", "CAMELLIA_128_CBC", "CAMELLIA_256_CBC", "ARIA_128_GCM", "ARIA_256_GCM":
	default:
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return c.AllowedIn(e.v.Version) && slices.ContainsFunc(e.v.Suites, func(x tlswire.CipherSuite) bool {
		y := x.Info()
		return y.Kex == info.Kex && y.Auth == info.Auth && y.PSK == info.PSK
	})
}

// apart splits a list that was refused where one suite of it may have spoilt
// the others. Dovecot picks a suite with DHE and dies for want of parameters;
// HAProxy picks the ECDSA certificate as soon as a client knows such suites,
// and has then no RSA suites; others pick suites that their certificate does
// not fit. nil says that the refusal stands for each suite of the list.
func (e *enumeration) apart(left []tlswire.CipherSuite, a answer) [][]tlswire.CipherSuite {
	if a.Attempt == nil || a.verdict == unknown {
		return nil
	}
	by := map[string][]tlswire.CipherSuite{}
	for _, c := range left {
		by[family(c)] = append(by[family(c)], c)
	}
	if len(by) < 2 {
		return nil
	}
	plain := a.verdict == declined && (a.End.Alert.Description == tlswire.AlertHandshakeFailure || a.End.Alert.Description == tlswire.AlertInsufficientSecurity)
	if !plain {
		return slices.Collect(maps.Values(by))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	two := slices.ContainsFunc(e.v.Suites, func(c tlswire.CipherSuite) bool { return family(c) == "ECDSA" })
	if len(by["ECDSA"]) == 0 || !two && e.parted.Swap(true) {
		return nil // looked at in another version
	}
	return [][]tlswire.CipherSuite{without(left, by["ECDSA"]...)}
}

// family is what a suite needs of a server: a certificate, parameters.
func family(c tlswire.CipherSuite) string {
	switch info := c.Info(); {
	case info.Auth == tlswire.AuthECDSA:
		return "ECDSA"
	case info.PSK || info.Auth != tlswire.AuthRSA:
		return "other"
	case info.Kex == tlswire.KexRSA || info.Kex == tlswire.KexECDHE:
		return "RSA"
	case info.Kex == tlswire.KexDHE:
		return "DHE"
	}
	return "other"
}
