package causes

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// subject is a certificate whose revocation is asked for.
type subject struct {
	element int // of the judged path; -1 for the client's own
	cert    *chain.Certificate
	issuer  *chain.Certificate // nil when it is not at hand
}

// statement is what one source says about a subject.
type statement struct {
	subject
	source string // "the stapled OCSP response", "the list http://..."
	where  string
	chain.Ruling
	err   string // why there is no ruling, in words
	given bool   // by the user
}

// revokes reports whether the statement is a revocation that clients believe. A
// list or response that is out of date still tells the truth about it, except
// for a hold, which may have ended.
func (s *statement) revokes() bool {
	return s.err == "" && s.Status == chain.StatusRevoked &&
		(s.Sound() || s.Flaw == chain.FlawStale && s.Reason != chain.ReasonHold || s.Flaw == chain.FlawUnchecked && s.issuer == nil)
}

// answers reports whether the statement settles the matter.
func (s *statement) answers() bool {
	return s.err == "" && s.Sound() && (s.Status == chain.StatusGood || s.Status == chain.StatusRevoked)
}

// trouble says in words why the statement does not settle the matter.
func (s *statement) trouble() string {
	switch {
	case s.err != "":
		return s.err
	case s.Flaw != "":
		return s.Why
	}
	return "the responder does not know the certificate"
}

// subjects are the certificates of the judged path below its anchor.
func (v *view) subjects() []subject {
	p := v.path()
	if p == nil {
		return nil
	}
	var out []subject
	for i, e := range p.Elements {
		if e.Source == chain.SourceAnchor || e.Cert.SelfIssued() {
			break
		}
		s := subject{element: i, cert: e.Cert}
		if i+1 < len(p.Elements) && e.Link.Outcome != chain.Invalid {
			s.issuer = p.Elements[i+1].Cert
		}
		out = append(out, s)
	}
	return out
}

// asked are the attempts that asked for a stapled response, were shown the
// judged certificate and got far enough to see one.
func (v *view) asked() []*facts.Attempt {
	leaf := v.leaf()
	if leaf == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(v.tries), func(a *facts.Attempt) bool {
		return a.Site != nil && a.Site.Staples || a.Of.Kind != facts.Handshake || a.Of.Direct || len(a.Chain) == 0 || !a.Chain[0].Equal(leaf) ||
			!offered(a).HasExtension(tlswire.ExtStatusRequest) || a.Staple == nil && a.KeyProof.Result == facts.ProofNone && a.Finished.Result == facts.ProofNone
	})
}

// staples says what the stapled responses say, one statement for each attempt
// that has one; in TLS 1.3 intermediates have theirs.
func (v *view) staples() []statement {
	var out []statement
	subjects := v.subjects()
	for _, a := range v.asked() {
		for _, s := range subjects {
			der := a.Staple
			if i := v.path().Elements[s.element].Index; s.element > 0 {
				der = nil
				if a.Version == tlswire.TLS13 && a.Certificate != nil && i > 0 && i < len(a.Certificate.Entries) && i < len(a.Chain) && a.Chain[i].Equal(s.cert) {
					der = a.Certificate.Entries[i].OCSPResponse()
				}
			}
			if der == nil {
				continue
			}
			r := chain.ParseOCSP(der).Judge(s.cert, s.issuer, v.moment(a.Started))
			out = append(out, statement{subject: s, source: "the stapled OCSP response", where: attempts(a) + ", " + carrier(a), Ruling: r})
		}
	}
	return out
}

// carrier is the message that carries the staple.
func carrier(a *facts.Attempt) string {
	if a.Version == tlswire.TLS13 {
		return "Certificate"
	}
	return "CertificateStatus"
}

// moment is when something from the network came: its freshness has nothing to
// do with the moment as of which certificates are judged.
func (v *view) moment(came time.Time) time.Time {
	if came.IsZero() {
		return v.c.At
	}
	return came
}

// given says what the user's own lists say about a subject. Lists that are not
// for it are left out.
func (v *view) given(s subject) []statement {
	var out []statement
	for _, l := range v.c.Want.Lists {
		if !l.List.Concerns(s.cert) {
			continue
		}
		r := v.judgeList(l.List, s, v.c.At)
		if r.Flaw == chain.FlawScope || r.Flaw == chain.FlawUnchecked && r.Status != chain.StatusRevoked {
			continue
		}
		out = append(out, statement{subject: s, source: "your list", where: l.From, Ruling: r, given: true})
	}
	return out
}

// listCase is a judgement of a list that was made: lists may be large.
type listCase struct {
	list         *chain.RevocationList
	cert, issuer *chain.Certificate
}

func (v *view) judgeList(l *chain.RevocationList, s subject, at time.Time) chain.Ruling {
	key := listCase{l, s.cert, s.issuer}
	r, known := v.rulings[key]
	if !known {
		r = l.Judge(s.cert, s.issuer, at)
		if v.rulings == nil {
			v.rulings = map[listCase]chain.Ruling{}
		}
		v.rulings[key] = r
	}
	return r
}

// fetched says what came of asking the issuer about a subject.
func (v *view) fetched(s subject) []statement {
	var out []statement
	for _, e := range slices.Concat(listQuestions(s), ocspQuestions(s)) {
		for i := range v.c.Fetches {
			f := &v.c.Fetches[i]
			if !f.Answers(e) {
				continue
			}
			url := chain.Printable(f.URL)
			st := statement{subject: s, source: "the list " + url, where: "fetched from " + url, err: f.Err}
			switch {
			case f.List != nil:
				st.Ruling = v.judgeList(f.List, s, v.moment(f.At))
			case f.OCSP != nil:
				st.Ruling = f.OCSP.Judge(s.cert, s.issuer, v.moment(f.At))
			}
			if f.What == facts.FetchOCSP {
				st.source, st.where = "the OCSP responder "+url, "asked at "+url
			}
			out = append(out, st)
		}
	}
	return out
}

// mostQuestions bounds how many addresses of a certificate are asked, of each
// kind.
const mostQuestions = 2

func listQuestions(s subject) []facts.Experiment {
	var out []facts.Experiment
	for _, url := range overHTTP(s.cert.CRLURLs) {
		out = append(out, facts.Experiment{Kind: facts.Fetch, What: facts.FetchList, URL: url})
	}
	return out
}

func ocspQuestions(s subject) []facts.Experiment {
	if s.issuer == nil {
		return nil
	}
	var out []facts.Experiment
	for _, url := range overHTTP(s.cert.OCSPURLs) {
		out = append(out, facts.Experiment{Kind: facts.Fetch, What: facts.FetchOCSP, URL: url, Body: string(chain.OCSPRequest(s.cert, s.issuer))})
	}
	return out
}

// overHTTP keeps the addresses that everybody can ask.
func overHTTP(urls []string) []string {
	var out []string
	for _, u := range urls {
		if scheme := strings.ToLower(u); len(out) < mostQuestions && (strings.HasPrefix(scheme, "http://") || strings.HasPrefix(scheme, "https://")) && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

// questions are what is still to be asked about a subject: its lists, then its
// responders.
func (v *view) questions(s subject) []facts.Experiment {
	if slices.ContainsFunc(v.statements(s), func(st statement) bool { return st.answers() || st.revokes() }) {
		return nil
	}
	for _, round := range [][]facts.Experiment{listQuestions(s), ocspQuestions(s)} {
		if ask := v.fresh(round); len(ask) > 0 {
			return ask
		}
	}
	return nil
}

// statements are all that is known of a subject of the server's path.
func (v *view) statements(s subject) []statement {
	out := v.given(s)
	if v.c.Want.Revocation != "" {
		out = append(out, v.fetched(s)...)
	}
	for _, st := range v.staples() {
		if st.element == s.element {
			out = append(out, st)
		}
	}
	return out
}

// ownSubject is the client's certificate as a subject.
func (v *view) ownSubject() (subject, bool) {
	c := v.identity()
	if c == nil || c.SelfIssued() {
		return subject{}, false
	}
	s := subject{element: -1, cert: c}
	known := slices.Concat(v.c.Want.Identity[1:], v.c.Want.AtHand, v.c.Want.Anchors)
	if v.deep != nil {
		known = append(known, v.deep.Chain...)
	}
	for _, f := range v.c.Fetches {
		known = append(known, f.Certificates...)
	}
	for _, k := range known {
		if k.Subject.Equal(c.Issuer) && chain.CheckSignature(c, k).Outcome == chain.Valid {
			s.issuer = k
			break
		}
	}
	return s, true
}

// ownStatements are what lists and responders say about the client's own
// certificate.
func (v *view) ownStatements() []statement {
	s, ok := v.ownSubject()
	if !ok {
		return nil
	}
	return append(v.given(s), v.fetched(s)...)
}

// askOwn asks the issuer of a client certificate that the server refuses.
func (v *view) askOwn() []facts.Experiment {
	s, ok := v.ownSubject()
	if r := v.presented(); !ok || r == nil || r.none() || slices.ContainsFunc(v.ownStatements(), func(st statement) bool { return st.answers() || st.revokes() }) {
		return nil
	}
	if ask := v.fresh(listQuestions(s)); len(ask) > 0 {
		return ask
	}
	return v.fresh(ocspQuestions(s))
}

// seeRevoked adds a statement that revokes.
func (m *match) seeRevoked(s *statement, who string) *match {
	reason := ""
	if s.Reason != 0 {
		reason = ", reason " + chain.ReasonName(s.Reason)
	}
	m.see(s.where, "%s says that %s (serial number %s) was revoked on %s%s", s.source, who, s.cert.SerialString(), day(s.RevokedAt), reason)
	switch {
	case s.Flaw == chain.FlawStale:
		m.see(s.where, "%s; a revocation stays, so it is believed all the same", s.Why)
	case s.Flaw == chain.FlawUnchecked:
		m.see(s.where, "its signature was not checked: %s", s.Why)
	}
	return m
}

// confidence of a revocation by this statement.
func (s *statement) confidence() diag.Confidence {
	switch s.Flaw {
	case "":
		return diag.Proven
	case chain.FlawStale:
		return diag.Strong
	}
	return diag.Likely
}

// revokedWhen says "3 days ago, because of keyCompromise".
func (v *view) revokedWhen(s *statement) string {
	text := fmt.Sprintf("%s ago", ago(v.moment(v.deep.Started).Sub(s.RevokedAt)))
	if s.Reason != 0 {
		text += fmt.Sprintf(" (%s)", chain.ReasonName(s.Reason))
	}
	return text
}

// revocation fills in what the fixes need.
func (p *FixParams) revocation(s *statement) {
	p.certificate(s.cert)
	p.ACME = acme(s.cert)
	p.Reason = chain.ReasonName(s.Reason)
	p.Serial = s.cert.SerialString()
	p.ListURL, p.OCSPURL = first(overHTTP(s.cert.CRLURLs)), first(overHTTP(s.cert.OCSPURLs))
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
