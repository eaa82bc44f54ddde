package causes

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// params fills what every fix may need from the facts.
func (v *view) params() FixParams {
	w := &v.c.Want
	p := FixParams{Name: w.Name, Port: w.Port, Protocol: w.Protocol, StartTLS: w.StartTLS, Client: w.Client.Name, Now: v.c.At,
		CertFile: w.IdentityCertFile, KeyFile: w.IdentityKeyFile, Names: []string{w.Name}}
	if len(v.addrs) > 0 {
		p.Address = v.addrs[0]
	}
	if v.base != nil && v.base.Passage != nil {
		p.Proxy, p.ProxyScheme = v.base.Passage.Proxy.Address, v.base.Passage.Proxy.Scheme
	} else if w.OtherProxy != nil {
		p.Proxy, p.ProxyScheme = w.OtherProxy.Address, w.OtherProxy.Scheme
	}
	h := offered(v.base)
	p.SNI, p.ALPN = h.ServerName(), h.ALPN()
	for _, s := range h.CipherSuites {
		if !s.IsGREASE() && s.OpenSSLName() != "" {
			p.OfferedSuites, p.OfferedSuitesIANA = append(p.OfferedSuites, s.OpenSSLName()), append(p.OfferedSuitesIANA, s.String())
		}
	}
	for _, g := range h.Groups() {
		p.OfferedGroups = append(p.OfferedGroups, g.String())
	}
	for _, s := range h.SignatureSchemes() {
		p.OfferedSchemes = append(p.OfferedSchemes, s.String())
	}
	if l := v.leaf(); l != nil {
		p.KeyType = string(l.Key.Algorithm)
		p.Covered = slices.DeleteFunc(slices.Clone(l.DNSNames), func(n string) bool { return n == w.Name })
	}
	if v.deep != nil && v.deep.Request != nil {
		p.CAs = acceptedCAs(v.deep.Request)
		if more := len(p.CAs) - 4; more > 0 { // Java without a trust store of its own names all public ones
			p.CAs = append(p.CAs[:4], fmt.Sprintf("and %d more", more))
		}
	}
	return p
}

// certificate fills in the certificate at fault.
func (p *FixParams) certificate(c *chain.Certificate) {
	p.Subject, p.Issuer, p.IssuerOrg = c.Subject.String(), c.Issuer.String(), c.Issuer.O()
	p.NotBefore, p.NotAfter = c.NotBefore, c.NotAfter
	if len(c.DNSNames) > 0 && chain.MatchName(c, p.Name).OK {
		p.Names = slices.Clone(c.DNSNames)
	}
}

// software names the server software: as said by the user, else as recognised
// in what the server sent.
func (v *view) software() []string {
	if s, ok := Software(v.c.Want.Server); ok {
		return []string{s}
	}
	for _, a := range v.c.Attempts {
		var header, banner, body string
		if a.HTTP != nil {
			header, body = a.HTTP.Header.Get("Server"), string(a.HTTP.Body)
		}
		for _, l := range a.Preamble {
			if l.From == tlswire.SideServer {
				banner = l.Text
				break
			}
		}
		if banner == "" {
			banner = string(a.End.Data)
		}
		if s := RecogniseServer(header, banner, body); s != "" {
			return []string{s}
		}
	}
	switch v.c.Want.Protocol {
	case "smtp", "smtps", "submissions":
		return []string{"postfix"}
	case "imap", "imaps", "pop3", "pop3s":
		return []string{"dovecot"}
	case "postgres", "postgresql":
		return []string{"postgresql"}
	case "mysql":
		return []string{"mariadb"}
	}
	return nil
}

// clients names the client software whose fixes to print; empty for the usual.
func (v *view) clients() []string {
	if v.c.Want.Client.Reference {
		return nil
	}
	if s, ok := ClientSoftware(v.c.Want.Client.Name); ok {
		return []string{s}
	}
	if s, ok := ClientSoftware(strings.Fields(v.c.Want.Client.Name + " -")[0]); ok {
		return []string{s}
	}
	return nil
}

// flipped starts the match of a cause that a flip shows: what failed, what
// worked, what failed again.
func (v *view) flipped(f *flip, p facts.Property) *match {
	m := &match{confidence: f.confidence(), stage: diag.StageClientHello}
	failed := []*facts.Attempt{f.from}
	if !f.trial.chance && (len(f.again) == 0 || f.steady()) && slices.Contains(f.trial.bad, f.from) {
		failed = f.trial.bad
	}
	m.see(attempts(failed...), "fails with the hello of %s: %s", v.client(), endText(f.from))
	worked := f.trial.good
	if !slices.Contains(worked, f.to) || f.trial.chance {
		worked = []*facts.Attempt{f.to}
	}
	if f.hint() {
		m.see(attempts(worked...), "the same hello %s is read and answered: %s", v.describe(f), endText(f.to))
	} else {
		m.see(attempts(worked...), "works with the same hello %s", v.describe(f))
	}
	if a := f.without[p]; a != nil && len(f.props) > 1 && !completed(a) {
		m.see(attempts(a), "fails when only the change of %s is taken back: %s", p, endText(a))
	}
	if len(f.again) == 0 && snapped(f.from) {
		m.not = append(m.not, "chance: there was no time to make the failing hello again after the one that worked")
	}
	if len(f.again) > 0 && !f.steady() {
		m.see(attempts(f.again...), "but the unchanged hello ended differently when repeated: %s", endText(f.again[0]))
	}
	return m
}

// describe says in words what a flip changes.
func (v *view) describe(f *flip) string {
	var words []string
	for _, p := range f.props {
		value := f.to.Of.Changes.Get(p)
		switch p {
		case facts.PropSNI:
			if name := offered(f.to).ServerName(); name != "" {
				words = append(words, "plus SNI "+name)
			} else {
				words = append(words, "without SNI")
			}
		case facts.PropVersion:
			words = append(words, "offering "+versionWords(value))
		case facts.PropALPN:
			if value == "none" {
				words = append(words, "without ALPN")
			} else {
				words = append(words, "offering ALPN "+value)
			}
		case facts.PropProxy:
			words = append(words, "behind a PROXY "+value+" header")
		case facts.PropShape:
			words = append(words, shapeWords[value])
		case facts.PropShares:
			words = append(words, "with a key share of "+value+" at once")
		case facts.PropSize:
			words = append(words, map[bool]string{true: "without padding", false: "padded to " + value + " bytes"}[value == "none"])
		case facts.PropMSS:
			words = append(words, "in TCP segments of at most "+value+" bytes both ways")
		case facts.PropPath:
			words = append(words, map[string]string{facts.PathDirect: "directly, without the proxy", facts.PathProxy: "through the proxy"}[value])
		case facts.PropRecords, facts.PropSegments:
			kind := map[facts.Property]string{facts.PropRecords: "TLS record", facts.PropSegments: "TCP segment"}[p]
			words = append(words, map[bool]string{true: "in one " + kind, false: "in " + kind + "s of " + value + " bytes"}[value == "whole"])
		default:
			if value == "all" {
				words = append(words, "with every known "+strings.TrimSuffix(string(p), "s"))
			} else if out, ok := strings.CutPrefix(value, "-"); ok {
				words = append(words, "without "+strings.ReplaceAll(out, ",", ", "))
			} else {
				words = append(words, "plus "+strings.ReplaceAll(strings.TrimPrefix(value, "+"), ",", ", "))
			}
		}
	}
	return join(words)
}

// shapeWords says what the shapes of package client are.
var shapeWords = map[string]string{"compact": "made small (TLS 1.2, no other extensions)", "classic": "without post-quantum groups",
	"no-grease": "without reserved values (GREASE)", "record-1.0": "in a record of version 3.1", "ssl2": "in the format of SSL 2.0"}

// everyTry names the attempts at this address that ended as the deepest did.
func (v *view) everyTry() string {
	same, _ := v.sameEnd()
	return attempts(same...)
}

// sameEnd returns the hellos at this address that ended as the deepest did, and
// how many there were in all.
func (v *view) sameEnd() (same []*facts.Attempt, all int) {
	for _, a := range v.tries {
		if a.Of.Kind != v.deep.Of.Kind {
			continue
		}
		all++
		if a.End.Kind == v.deep.End.Kind && a.End.Alert == v.deep.End.Alert {
			same = append(same, a)
		}
	}
	return same, all
}

// seeRefusals says how the hellos ended, and how many of them did not end so:
// one without an answer in time was not refused.
func (m *match) seeRefusals(v *view) *match {
	same, all := v.sameEnd()
	if len(same) < all {
		return m.see(attempts(same...), "%d of %d hellos end with %s", len(same), all, endText(v.deep))
	}
	return m.see(attempts(same...), "every hello, the widest included, ends with %s", endText(v.deep))
}

// whatever says ", whatever the hello says" where that was seen.
func (v *view) whatever() string {
	if v.onlooker() != nil {
		return ""
	}
	for _, a := range v.tries {
		if a.Of.Kind == facts.Handshake && a.End.Kind != v.deep.End.Kind {
			return ""
		}
	}
	return ", whatever the hello says"
}

// port is the port of the first address.
func (v *view) port() string {
	if len(v.addrs) > 0 {
		if i := strings.LastIndexByte(v.addrs[0], ':'); i >= 0 {
			return v.addrs[0][i+1:]
		}
	}
	return strconv.Itoa(v.c.Want.Port)
}

// dialled is the port of the first address, which --connect may have changed.
func (v *view) dialled() int {
	n, _ := strconv.Atoi(v.port())
	return n
}

// list names the group's addresses.
func (v *view) list() string { return some(v.addrs, 4) }

// some lists at most n words.
func some(words []string, n int) string {
	if len(words) > n {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:n], ", "), len(words)-n)
	}
	return join(words)
}

// list names at most n wire values.
func list[T fmt.Stringer](values []T, n int) string {
	if len(values) == 0 {
		return "none"
	}
	var words []string
	for _, x := range values {
		words = append(words, x.String())
	}
	return some(words, n)
}

// count says "1 certificate", "3 certificates".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// short prints a duration with the precision that matters to a person.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// quoted prints foreign bytes safely, bounded.
func quoted(b []byte) string {
	const limit = 60
	if i := strings.IndexAny(string(b), "\r\n"); i > 0 {
		b = b[:i]
	}
	if len(b) > limit {
		b = b[:limit]
	}
	return strconv.QuoteToASCII(string(b))
}

// versionWords says a change of the version in words: "TLS 1.0 to TLS 1.3".
func versionWords(value string) string {
	lo, hi, err := client.ParseVersionRange(value)
	switch {
	case err != nil:
		return value
	case lo == hi:
		return lo.String()
	}
	return lo.String() + " to " + hi.String()
}
