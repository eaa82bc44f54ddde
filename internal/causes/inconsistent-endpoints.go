package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Where some connections fail for a reason of their own, that reason is the
// verdict and this one the frame around it, which compare adds. It is the
// verdict itself where the same hello is cut at some times and works at others.
var _ = register(rule{id: "inconsistent-endpoints", rank: rankResidual, match: func(v *view) *match {
	switch {
	case v.base == nil, v.base.End.Kind == facts.EndPreamble, v.plainBase() != "":
		return nil // what was tried besides is no repetition of it
	case v.byLoss():
		return nil // loss does that, with one machine too
	case v.mixed && snapped(v.base):
		m := &match{confidence: diag.Likely, stage: v.base.End.Stage, summary: fmt.Sprintf("now and then %s: %s; the others work", endText(v.base), v.often()),
			affects: []string{"every client, some of the time"}, fixes: sameAddress,
			not: []string{"one of several servers behind the address is broken, or the only one is overloaded: the servers' logs tell", "a limit on connections"}}
		if hesitates(v.base) {
			m.fixes = append([]FixRef{{"server", "revive-backend"}}, m.fixes...)
		}
		for _, f := range v.fates() {
			m.see(attempts(f...), "%d of %d with the same hello: %s", len(f), len(v.dials()), shown(f[0]))
		}
		return m
	case !v.mixed && v.flaky && snapped(v.base):
		return v.nowAndThen()
	case !v.mixed && v.shut() == nil && v.contradicted():
		m := &match{severity: diag.SeverityWarning, confidence: diag.Possible, stage: diag.StageClientHello, summary: "now and then a connection is cut; the same hello works at other times",
			not: []string{"an overloaded server", "a limit on connections"}}
		for _, a := range v.tries {
			if a.Of.Kind == facts.Handshake && snapped(a) && !unheard(a) {
				m.see(attempts(a), "%s", endText(a))
			}
		}
		if len(m.evidence) == 0 {
			return nil
		}
		return m
	}
	return v.staleSecond()
}})

// nowAndThen is the verdict where the user's own hello met no machine that
// works, but others did at some times only.
func (v *view) nowAndThen() *match {
	var worked, failed []*facts.Attempt
	for _, a := range v.tries {
		switch {
		case a.Of.Kind != facts.Handshake:
		case v.helps(v.base, a):
			worked = append(worked, a)
		case unheard(a):
			return nil
		case snapped(a):
			failed = append(failed, a)
		}
	}
	if len(worked) == 0 || len(failed) == 0 {
		return nil
	}
	m := &match{confidence: diag.Possible, stage: v.base.End.Stage, summary: fmt.Sprintf("now and then %s, whatever the hello says", endText(v.base)),
		affects: []string{"every client, some of the time"}, fixes: sameAddress,
		not: []string{"one of several servers behind the address is broken, or the only one is overloaded: the servers' logs tell", "a limit on connections",
			"something in the hello: each connection with " + v.client() + "'s own failed"}}
	m.see(attempts(failed...), "%d of %d connections: %s", len(failed), len(failed)+len(worked), endText(failed[0]))
	return m.see(attempts(worked...), "the others work, and no single thing in the hello tells them apart")
}

// sameAddress are the fixes where the machines share an address: DNS has no
// part in it.
var sameAddress = []FixRef{{"server", "align-endpoints"}, {"server", "reload"}}

// fates sorts the connections with the user's own hello by what they met.
func (v *view) fates() [][]*facts.Attempt {
	var out [][]*facts.Attempt
	for _, a := range v.dials() {
		i := slices.IndexFunc(out, func(f []*facts.Attempt) bool { return fate(f[0]) == fate(a) })
		if i < 0 {
			out, i = append(out, nil), len(out)
		}
		out[i] = append(out[i], a)
	}
	return out
}

// shown says what a connection met: its certificate where it worked.
func shown(a *facts.Attempt) string {
	if !works(a) || len(a.Chain) == 0 {
		return endText(a)
	}
	return fmt.Sprintf("%s, certificate %x… valid until %s", a.Version, a.Chain[0].SHA256[:4], day(a.Chain[0].NotAfter))
}

// other asks a server whose certificate is of the kind that the hello prefers
// whether it has one of another kind as well.
func (v *view) other() facts.Changes {
	for _, s := range offered(v.base).SignatureSchemes() {
		if kind := keyKind(s); kind != "" { // preferred
			if v.leaf() == nil || kind != v.leaf().Key.Algorithm {
				return facts.Changes{}
			}
			return v.askingFor(map[chain.KeyAlgorithm]chain.KeyAlgorithm{chain.KeyRSA: chain.KeyECDSA, chain.KeyECDSA: chain.KeyRSA}[kind])
		}
	}
	return facts.Changes{}
}

// rare tells whether a server hung up at once on a hello that takes only
// certificates of another kind than it showed. Most have one kind, and some of
// them (Qt, Schannel) refuse without an alert.
func (v *view) rare(a *facts.Attempt) bool {
	return a.Of.Changes != (facts.Changes{}) && a.Of.Changes == v.other() && !hesitates(a) && a.End.Kind != facts.EndTimeout
}

// askingFor changes the hello to one that takes certificates with a key of this
// kind only; nothing changes where the hello takes none of them.
func (v *view) askingFor(kind chain.KeyAlgorithm) facts.Changes {
	var words, suites []string
	for _, s := range offered(v.base).SignatureSchemes() {
		if keyKind(s) == kind && !strings.HasSuffix(s.String(), "sha1") {
			words = append(words, s.String())
		}
	}
	if len(words) == 0 || kind == "" {
		return facts.Changes{}
	}
	unwanted := map[chain.KeyAlgorithm]tlswire.Authentication{chain.KeyRSA: tlswire.AuthECDSA, chain.KeyECDSA: tlswire.AuthRSA}[kind]
	for _, s := range offered(v.base).CipherSuites {
		if s.Info().Auth == unwanted {
			suites = append(suites, s.String())
		}
	}
	ch := facts.Changes{Schemes: "=" + strings.Join(words, ",")}
	if len(suites) > 0 {
		ch.Suites = "-" + strings.Join(suites, ",")
	}
	return ch
}

// keyKind is the kind of key that makes a signature of this scheme.
func keyKind(s tlswire.SignatureScheme) chain.KeyAlgorithm {
	switch name := s.String(); {
	case strings.HasPrefix(name, "rsa"):
		return chain.KeyRSA
	case strings.HasPrefix(name, "ecdsa"):
		return chain.KeyECDSA
	}
	return ""
}

// staleSecond warns of a second certificate, for clients that cannot use the
// first, with a fault that the first does not have.
func (v *view) staleSecond() *match {
	ch := v.other()
	if ch == (facts.Changes{}) || v.analysis == nil {
		return nil
	}
	for _, a := range v.at(ch) {
		if len(a.Chain) == 0 || a.Chain[0].SHA256 == v.leaf().SHA256 || a.Chain[0].Key.Algorithm == v.leaf().Key.Algorithm {
			continue
		}
		for _, p := range v.analyze(a.Chain).Problems() {
			if slices.ContainsFunc(v.analysis.Problems(), func(q chain.Problem) bool { return q.Kind == p.Kind }) {
				continue
			}
			second, first := a.Chain[0].Key.Algorithm, v.leaf().Key.Algorithm
			m := &match{severity: diag.SeverityWarning, confidence: diag.Proven, stage: diag.StageCertificate,
				summary: fmt.Sprintf("the server has a second certificate (%s) beside the %s one, and that is at fault: %s", second, first, p.Detail),
				affects: []string{fmt.Sprintf("clients that do not take %s certificates%s", first, without[first])},
				fixes:   []FixRef{{"server", "renew-certificate"}, {"server", "reload"}}}
			m.params = func(fp *FixParams) { fp.certificate(a.Chain[0]) }
			m.see(attempts(v.base), "%s: %s", v.client(), shown(v.base))
			return m.see(attempts(a), "a hello for %s certificates only: %s", second, shown(a))
		}
	}
	return nil
}

// without are clients that do not take certificates of a kind.
var without = map[chain.KeyAlgorithm]string{chain.KeyECDSA: ": Java 6, OpenSSL 0.9.8, Windows XP, and what is set up for RSA suites only"}

// compare adds the frame: which addresses, or which share of the connections,
// meet what, where some work and others do not.
func compare(views []*view, found []finding) []finding {
	r := rules["inconsistent-endpoints"]
	bad := map[*view]*finding{}
	for i, f := range found {
		if f.severity() == diag.SeverityFailure && bad[f.v] == nil {
			bad[f.v] = &found[i]
		}
		if often := f.v.often(); f.v.mixed && f.severity() == diag.SeverityFailure && f.r.id != r.id {
			f.m.see(attempts(f.v.base), "seen in %s", often)
		}
	}
	if slices.ContainsFunc(views, func(v *view) bool { return v.mixed && v.byLoss() }) {
		return found // one machine would do
	}
	if len(views) < 2 || slices.ContainsFunc(found, func(f finding) bool { return f.r.id == r.id }) {
		return found
	}
	m := &match{severity: diag.SeverityInfo, confidence: diag.Proven, stage: diag.StageConnect}
	if !slices.ContainsFunc(views, func(v *view) bool { return !v.mixed }) {
		m.fixes = sameAddress
	}
	at := &view{c: views[0].c}
	kinds := map[string]bool{}
	for _, v := range views {
		what := "works: " + shown(v.base)
		if f := bad[v]; f != nil {
			what = f.r.id + ": " + endText(v.base)
			if works(v.base) {
				what = f.r.id + ": " + shown(v.base)
			}
			for _, addr := range v.addrs {
				if !slices.Contains(at.addrs, addr) {
					at.addrs = append(at.addrs, addr)
				}
			}
			kinds[f.r.id] = true
		} else {
			kinds[""] = true
		}
		where := v.list()
		if often := v.often(); often != "" {
			where = often
		}
		m.see(attempts(v.base), "%s: %s", where, what)
	}
	switch {
	case len(bad) > 0 && len(kinds) > 1:
		m.severity = diag.SeverityWarning
		m.summary = "not all machines behind the name fail in this way"
		if kinds[""] {
			m.summary = "some of the machines behind the name fail, the others work"
		}
		m.affects = []string{"the clients that happen to reach the failing ones"}
	case len(bad) > 0:
		return found
	default:
		for _, v := range views {
			for _, addr := range v.addrs {
				if !slices.Contains(at.addrs, addr) {
					at.addrs = append(at.addrs, addr)
				}
			}
		}
		if !facesDiffer(views) {
			return found
		}
		m.summary = "the machines behind the name differ (a renewal under way?); each of them works"
	}
	return append(found, finding{r: r, m: m, v: at})
}

// facesDiffer tells whether the views show other certificates or versions.
func facesDiffer(views []*view) bool {
	return slices.ContainsFunc(views, func(v *view) bool { return fate(v.base) != fate(views[0].base) })
}
