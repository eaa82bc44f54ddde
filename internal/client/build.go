package client

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Options change a profile's hello into the user's own. Each zero value leaves
// the property as the profile has it, SNI excepted.
type Options struct {
	// SNI is the name to send; "" sends none, and an IP literal is never sent
	// (RFC 6066, Section 3). A client that sends no name (Java 6, IE on XP)
	// sends one only with ForceSNI, which is for a name that the user gave.
	SNI      string
	ForceSNI bool

	// MinVersion and MaxVersion bound the offer. A MaxVersion below the
	// profile's lowest version lowers that, a MinVersion above its highest
	// raises that.
	MinVersion, MaxVersion tlswire.Version

	// Suites replace the profile's suites of the same kind: those of TLS 1.3
	// and those of all others are two lists, as in OpenSSL, and naming only one
	// kind leaves the other alone. Signalling suites and GREASE stay.
	Suites []tlswire.CipherSuite

	// Groups replace supported_groups; the key shares follow: of the first
	// group, and also of X25519 where that is a post-quantum one.
	Groups []tlswire.Group

	// Schemes replace signature_algorithms; signature_algorithms_cert goes.
	Schemes []tlswire.SignatureScheme

	// ALPN replaces the protocols; nil leaves them, an empty list removes them.
	// The reference client has none; callers add HTTPProtocols for HTTP.
	ALPN []string

	// Size is the length of the ClientHello in bytes, by padding (RFC 7685);
	// RecordVersion the version of its record; GREASE adds reserved values (RFC
	// 8701), FallbackSCSV says that this is a retry with a lower version (RFC
	// 7507).
	Size          int
	RecordVersion tlswire.Version
	GREASE        bool
	FallbackSCSV  bool
}

// HTTPProtocols is what the reference client offers in ALPN to HTTP targets.
var HTTPProtocols = []string{"h2", "http/1.1"}

// OptionError says which option makes no hello, and why.
type OptionError struct {
	Option string // "--ciphers"
	Msg    string // without the option's name
}

// Error implements error.
func (e *OptionError) Error() string { return e.Option + ": " + e.Msg }

// Build makes the user's own hello and the client that judges the answer. The
// hello is a template: random, session ID and key shares are the sender's.
// The error is an *OptionError.
func Build(p *Profile, o Options) (*tlswire.ClientHello, facts.Client, error) {
	h, c := p.Hello(), p.Client
	h.Raw = nil
	freshen(h)
	changed, err := bounds(&c, o)
	if err != nil {
		return nil, c, err
	}
	if changed {
		setVersions(h, c.MinVersion, c.MaxVersion)
		if o.MinVersion == tlswire.SSL3 || o.MaxVersion == tlswire.SSL3 {
			addSuites(h, suitesSSL3)
		}
	}
	if len(o.Suites) > 0 {
		if err := chooseSuites(h, c, o.Suites); err != nil {
			return nil, c, err
		}
	}
	if len(o.Groups) > 0 {
		if err := chooseGroups(h, c, o.Groups); err != nil {
			return nil, c, err
		}
	}
	if len(o.Schemes) > 0 {
		if err := chooseSchemes(h, c, o.Schemes); err != nil {
			return nil, c, err
		}
	}
	if o.ALPN != nil {
		setALPN(h, o.ALPN)
	}
	if !c.SendsSNI && !o.ForceSNI {
		o.SNI = ""
	}
	setServerName(h, o.SNI)
	if o.ForceSNI {
		c.SendsSNI = h.ServerName() != ""
	}
	if err := chooseExtras(h, c, o); err != nil {
		return nil, c, err
	}
	return h, c, nil
}

// bounds applies the version flags to the client and reports a change.
func bounds(c *facts.Client, o Options) (bool, error) {
	lo, hi := c.MinVersion, c.MaxVersion
	if o.MaxVersion != 0 {
		c.MaxVersion = o.MaxVersion
		if o.MinVersion == 0 {
			c.MinVersion = min(c.MinVersion, o.MaxVersion)
		}
	}
	if o.MinVersion != 0 {
		c.MinVersion = o.MinVersion
		if o.MaxVersion == 0 {
			c.MaxVersion = max(c.MaxVersion, o.MinVersion)
		}
	}
	if c.MinVersion > c.MaxVersion {
		return false, &OptionError{"--tls-min", fmt.Sprintf("%s is above --tls-max %s",
			FormatVersion(c.MinVersion), FormatVersion(c.MaxVersion))}
	}
	if len(versionsBetween(c.MinVersion, c.MaxVersion)) == 0 {
		return false, &OptionError{"--tls-max", fmt.Sprintf("%v is no version that tlswhy can offer", c.MaxVersion)}
	}
	return c.MinVersion != lo || c.MaxVersion != hi, nil
}

// freshen takes out what resumes a session of the captured client.
func freshen(h *tlswire.ClientHello) {
	for _, t := range []tlswire.ExtensionType{tlswire.ExtPreSharedKey, tlswire.ExtEarlyData, tlswire.ExtCookie} {
		h.RemoveExtension(t)
	}
	if ticket, present := h.SessionTicket(); present && len(ticket) > 0 {
		h.SetSessionTicket([]byte{})
	}
	if h.SSL2 || !h.Offers(tlswire.TLS13) {
		h.SessionID = nil
	}
}

func chooseSuites(h *tlswire.ClientHello, c facts.Client, suites []tlswire.CipherSuite) error {
	var new13, newOld []tlswire.CipherSuite
	for _, s := range suites {
		if tls13Suite(s) {
			new13 = append(new13, s)
		} else {
			newOld = append(newOld, s)
		}
	}
	if !slices.ContainsFunc(suites, func(s tlswire.CipherSuite) bool { return usable(s, c.MinVersion, c.MaxVersion) }) {
		return &OptionError{"--ciphers", "none of these cipher suites can be used with " + rangeWords(c.MinVersion, c.MaxVersion)}
	}
	var front, middle13, old, back []tlswire.CipherSuite
	for i, s := range h.CipherSuites {
		switch {
		case s.IsGREASE() && i == 0:
			front = append(front, s)
		case signal(s):
			back = append(back, s)
		case tls13Suite(s):
			middle13 = append(middle13, s)
		default:
			old = append(old, s)
		}
	}
	if new13 != nil {
		middle13 = new13
	}
	if newOld != nil {
		old = newOld
	}
	setSuites(h, union(nil, slices.Concat(front, middle13, old, back)))
	return nil
}

func chooseGroups(h *tlswire.ClientHello, c facts.Client, groups []tlswire.Group) error {
	fits := func(g tlswire.Group) bool {
		return c.MinVersion < tlswire.TLS13 && !only13Group(g) || c.MaxVersion >= tlswire.TLS13 && tls13Group(g) || g.IsGREASE()
	}
	if c.MaxVersion < tlswire.TLS10 {
		return &OptionError{"--groups", "groups need TLS 1.0 or newer, and --tls-max is " + FormatVersion(c.MaxVersion)}
	}
	if !slices.ContainsFunc(groups, fits) {
		return &OptionError{"--groups", "none of these groups can be used with " + rangeWords(c.MinVersion, c.MaxVersion)}
	}
	setGroups(h, groups, true)
	return nil
}

func chooseSchemes(h *tlswire.ClientHello, c facts.Client, schemes []tlswire.SignatureScheme) error {
	if c.MaxVersion < tlswire.TLS12 {
		return &OptionError{"--sigalgs", "signature schemes need TLS 1.2 or newer, and --tls-max is " + FormatVersion(c.MaxVersion)}
	}
	if c.MinVersion >= tlswire.TLS13 && !slices.ContainsFunc(schemes, tlswire.SignatureScheme.InTLS13) {
		return &OptionError{"--sigalgs", "none of these signature schemes can be used with TLS 1.3 only"}
	}
	setSchemes(h, schemes)
	return nil
}

func setSchemes(h *tlswire.ClientHello, schemes []tlswire.SignatureScheme) {
	toTLS(h)
	h.SetSignatureSchemes(schemes)
	h.RemoveExtension(tlswire.ExtSignatureAlgorithmsCert)
}

func setALPN(h *tlswire.ClientHello, names []string) {
	if len(names) == 0 {
		removeExtensions(h, []tlswire.ExtensionType{tlswire.ExtALPN, tlswire.ExtApplicationSettings})
		return
	}
	toTLS(h)
	h.SetALPN(names)
}

// setServerName sends a name, never an IP literal, and no dot at its end (RFC
// 6066, Section 3).
func setServerName(h *tlswire.ClientHello, name string) {
	name = strings.TrimSuffix(name, ".")
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		name = ""
	}
	if name == "" {
		removeExtensions(h, []tlswire.ExtensionType{tlswire.ExtServerName})
		return
	}
	toTLS(h)
	added := !h.HasExtension(tlswire.ExtServerName)
	h.SetServerName(name)
	if added {
		toFront(h, tlswire.ExtServerName)
	}
}

// toFront moves an extension to the place where most clients have the name:
// the first after GREASE.
func toFront(h *tlswire.ClientHello, t tlswire.ExtensionType) {
	from := slices.IndexFunc(h.Extensions, func(e tlswire.Extension) bool { return e.Type == t })
	to := slices.IndexFunc(h.Extensions, func(e tlswire.Extension) bool { return !e.Type.IsGREASE() })
	if from <= to {
		return
	}
	moved := h.Extensions[from]
	h.Extensions = slices.Insert(slices.Delete(slices.Clone(h.Extensions), from, from+1), to, moved)
}

// rangeWords is "TLS 1.3 only" or "TLS 1.0–1.2".
func rangeWords(lo, hi tlswire.Version) string {
	if lo == hi {
		return hi.String() + " only"
	}
	if lo >= tlswire.TLS10 {
		return lo.String() + "–" + strings.TrimPrefix(hi.String(), "TLS ")
	}
	return lo.String() + " to " + hi.String()
}

// errNoHello means that there is no hello to begin with.
var errNoHello = errors.New("no ClientHello to change")
