package compare

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// resolver is for a name that does not resolve at one place.
func (f *finding) resolver(w *side) {
	f.fault = diag.FaultDNS
	f.summary = "the name does not resolve at " + and(f.at) + ", and does at " + w.label
	f.confidence = diag.Strong
	if privateOnly(w) {
		f.summary += ", where it leads to a private address: it is a name of that network's own"
		f.not = append(f.not, "the name is meant to exist only there (split DNS): then "+and(f.at)+" needs that network's VPN or resolver")
	}
	f.elsewhen(w)
}

// privateOnly tells whether all addresses are of networks that the Internet does
// not reach.
func privateOnly(s *side) bool {
	return !s.masked && len(s.d.Addresses) > 0 && !slices.ContainsFunc(s.d.Addresses, func(a diag.Address) bool { return !privateAddress(a.Address) })
}

func privateAddress(s string) bool {
	ap, err := netip.ParseAddrPort(s)
	return err == nil && (ap.Addr().IsPrivate() || ap.Addr().IsLoopback() || ap.Addr().IsLinkLocalUnicast())
}

// splitDNS tells whether the two were led to different kinds of addresses.
func splitDNS(a, b *side) bool {
	return !a.masked && !b.masked && len(a.d.Addresses) > 0 && len(b.d.Addresses) > 0 && privateOnly(a) != privateOnly(b)
}

// confirmed is for what one vantage already knew to be a box on its path.
func (f *finding) confirmed(w *side) {
	same := f.elsewhere(w)
	f.summary += ", on the way from " + and(f.at) + " only"
	switch {
	case same && f.confidence == diag.Strong:
		f.confidence = diag.Proven
	case f.confidence.Rank() > diag.Strong.Rank():
		f.confidence = diag.Strong
	}
	if f.from.leaf != nil && w.leaf != nil && differentLeaves([]*side{f.from, w}) {
		f.see([]*side{f.from, w}, "the certificate is issued by %s there, and by %s for %s", commonName(f.from.leaf.Issuer), commonName(w.leaf.Issuer), w.label)
	}
}

// settings is for a difference that lies with the clients.
func (f *finding) settings(w *side, why string) {
	f.fault = diag.FaultClient
	f.summary += "; with the settings of " + w.label + " it works"
	f.confidence = most(f.confidence, diag.Strong)
	f.see([]*side{f.from, w}, "%s", why)
	for _, x := range []struct{ what, here, there string }{
		{"judged as", f.from.d.Target.Client, w.d.Target.Client},
		{"trusts", f.from.d.Target.Trust, w.d.Target.Trust},
		{"asks for", f.from.d.Target.SNI, w.d.Target.SNI},
	} {
		if x.here != x.there {
			f.see([]*side{f.from, w}, "%s %s %q, %s %q", f.from.label, x.what, x.here, w.label, x.there)
		}
	}
	f.not = append(f.not, "the networks: they were not compared with the same settings")
}

// certificates is for a certificate that is refused at one place only.
func (f *finding) certificates(w *side) {
	s := f.from
	switch {
	case s.leaf == nil || w.leaf == nil || s.masked || w.masked:
		f.machine(w)
	case s.leaf.Fingerprint == w.leaf.Fingerprint:
		f.oneCertificate(w)
	default:
		f.twoCertificates(w)
	}
}

// oneCertificate is the same certificate judged in two ways: the network has no
// part in it.
func (f *finding) oneCertificate(w *side) {
	s := f.from
	f.see([]*side{s, w}, "both were shown the same certificate (SHA-256 %s…)", s.leaf.Fingerprint[:min(16, len(s.leaf.Fingerprint))])
	moment := func(x *side) (expired, early bool) {
		at := x.d.JudgedAt
		return at.After(s.leaf.NotAfter), at.Before(s.leaf.NotBefore)
	}
	late, soon := moment(s)
	wLate, wSoon := moment(w)
	switch {
	case late != wLate, soon != wSoon:
		f.fault = diag.FaultTime
		f.summary += "; " + w.label + " judged it as of another day, when it was valid. The networks have no part in it"
		f.see([]*side{s, w}, "judged as of %s and of %s; it is valid from %s to %s", s.d.JudgedAt.UTC().Format("2006-01-02 15:04"), w.d.JudgedAt.UTC().Format("2006-01-02 15:04"),
			s.leaf.NotBefore.UTC().Format("2006-01-02 15:04"), s.leaf.NotAfter.UTC().Format("2006-01-02 15:04"))
		f.affects = []string{"all clients at that moment"}
	case strings.HasPrefix(s.cause.ID, "revocation-"):
		f.summary += ": the issuer's lists cannot be reached from " + and(f.at)
	case s.d.Target.Trust != w.d.Target.Trust || s.d.Target.Client != w.d.Target.Client || s.d.Target.SNI != w.d.Target.SNI:
		f.settings(w, "the same certificate, judged with other settings")
	case len(sent(s)) != len(sent(w)):
		f.machine(w)
		f.see([]*side{s, w}, "with other intermediates: %d there, %d for %s", len(sent(s))-1, len(sent(w))-1, w.label)
	default:
		f.fault, f.confidence = diag.FaultClient, most(f.confidence, diag.Likely)
		f.summary += " at " + and(f.at) + ", from the same certificate that " + w.label + " accepts"
		f.not = append(f.not, "what is called the same store may hold other roots on each machine")
	}
}

// sent are the certificates that the server sent.
func sent(s *side) []diag.Certificate {
	var out []diag.Certificate
	for _, c := range s.d.Certificates {
		if c.Source == "sent" {
			out = append(out, c)
		}
	}
	return out
}

// twoCertificates is a refused certificate where another place got another one:
// an inspecting box, another machine, or a renewal in between.
func (f *finding) twoCertificates(w *side) {
	s := f.from
	both := []*side{s, w}
	f.see(both, "%s was shown a certificate of %s, %s another one, of %s", s.label, commonName(s.leaf.Issuer), w.label, commonName(w.leaf.Issuer))
	trust := slices.Contains([]string{"unknown-ca", "self-signed", "incomplete-chain"}, s.cause.ID)
	switch same := f.elsewhere(w); {
	case s.leaf.NotAfter.Before(w.leaf.NotAfter) && w.leaf.NotBefore.After(s.d.StartedAt):
		f.fault, f.confidence = diag.FaultTime, diag.Strong
		f.summary += "; it was renewed before " + w.label + " asked"
		f.see(both, "the other one is valid from %s on, after the first run", w.leaf.NotBefore.UTC().Format("2006-01-02 15:04"))
		f.next = nil
	case s.leaf.Issuer == w.leaf.Issuer:
		f.machine(w)
	case s.d.Target.Trust != w.d.Target.Trust && trust:
		f.fault, f.confidence = diag.FaultOpen, diag.Possible
		f.not = append(f.not, "what they trust differs as well: run both with the same --ca or --trust")
	case splitDNS(s, w):
		f.fault, f.confidence = diag.FaultDNS, most(f.confidence, diag.Strong)
		f.summary += "; the name leads " + and(f.at) + " to another server than " + w.label + ": one DNS for inside, another for outside"
	case trust && same:
		f.id, f.confidence = "middlebox-inspection", diag.Strong
		f.summary = "the connection from " + and(f.at) + " ends at something that shows a certificate of its own, issued by " + commonName(s.leaf.Issuer)
		f.not = append(f.not, "several machines behind that address, of which some show a private CA's certificate")
	case !same:
		f.fault, f.confidence = diag.FaultDNS, most(f.confidence, diag.Likely)
		f.summary += "; the name leads " + and(f.at) + " to another machine than " + w.label
		f.not = append(f.not, "a resolver that answers for names it blocks", "a proxy on the way from "+and(f.at), "machines behind the name that differ")
	default:
		f.confidence = most(f.confidence, diag.Likely)
		f.summary += "; from " + w.label + " the server shows its own"
		f.not = append(f.not, "several machines behind that address, which show different certificates")
	}
	f.elsewhenUnsure(w)
}

// elsewhenUnsure names the time between the runs where nothing is proven by it.
func (f *finding) elsewhenUnsure(w *side) {
	if f.fault != diag.FaultTime && apart(f.from, w) > together {
		f.confidence = most(f.confidence, diag.Likely)
		f.not = append(f.not, "a change of the server's certificate between the runs, which are "+span(apart(f.from, w))+" apart")
	}
}

// path is for connections that are cut, or never stand, at one place only.
func (f *finding) path(w *side) {
	s := f.from
	same := f.elsewhere(w)
	steady := s.passed()
	f.confidence = diag.Likely
	f.not = append(f.not, "the server, or a firewall before it, treats "+and(f.at)+" unlike "+w.label+": by address, country or number of connections")
	switch id := s.cause.ID; {
	case id == "sni-unrecognized" || id == "wrong-vhost-cert":
		f.id = cut(s)
		f.summary = "something on the way from " + and(f.at) + " ends connections that name " + s.d.Target.SNI
		f.confidence = diag.Strong
	case steady && slices.Contains([]string{"hello-too-large", "hello-intolerance", "version-intolerance"}, id):
		f.confidence = diag.Strong
		f.summary = "a box on the way from " + and(f.at) + " breaks on this ClientHello: " + s.cause.Summary
		f.see([]*side{w}, "the same hello passes from %s", w.label)
	case s.cause.Stage == diag.StageClientHello && s.own != nil && slices.Contains([]string{"connection-reset", "eof-during-handshake", "handshake-timeout"}, id):
		f.id = cut(s)
		f.summary = s.cause.Summary + ", on the way from " + and(f.at) + " only"
	default:
		f.summary += ", on the way from " + and(f.at) + " only"
	}
	if steady {
		f.see([]*side{s}, "in the same run another hello was answered: no outage does that")
	} else {
		f.elsewhen(w)
	}
	if !same {
		f.fault, f.confidence = diag.FaultOpen, diag.Possible
		f.id, f.summary = s.cause.ID, s.cause.Summary+" at "+and(f.at)+", while it works from "+w.label
		f.not = append(f.not, "the other machine that "+and(f.at)+" was led to")
	} else if !f.alike(w) {
		f.confidence = most(f.confidence, diag.Likely)
	}
}

// cut is the cause that cutting connections off on the path has.
func cut(s *side) string {
	switch s.own.EndKind {
	case "timeout":
		return "middlebox-blackhole"
	case "reset", "closed":
		return "middlebox-reset"
	}
	return s.cause.ID
}

// passed tells whether another hello got an answer from the target in the run.
func (s *side) passed() bool {
	return slices.ContainsFunc(s.d.Attempts, func(a diag.Attempt) bool {
		return a.Changes != nil && !s.of(&a).control && (a.EndKind == "completed" || a.EndKind == "stopped")
	})
}

// plain is for plain HTTP on the TLS port at one place only.
func (f *finding) plain(w *side) {
	if !f.elsewhere(w) {
		f.machine(w)
		return
	}
	f.id, f.confidence = "captive-portal", diag.Strong
	f.summary = "at " + and(f.at) + " something else answers, in plain HTTP: a portal or a block page"
	f.elsewhen(w)
}

// machine is for what a server says to one and not to the other: it is not the
// way that differs.
func (f *finding) machine(w *side) {
	f.fault = diag.FaultMachine
	f.confidence = diag.Likely
	f.summary += " at " + and(f.at) + ", while it works from " + w.label + ": machines behind the name differ"
	if f.from.d.Target.Client != w.d.Target.Client {
		f.not = append(f.not, "the clients, which differ too")
	}
	f.not = append(f.not, "a box that answers in the server's place", "a change between the runs")
	f.affects = []string{"the clients that happen to reach the failing ones"}
}
