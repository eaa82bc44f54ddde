package ct

import (
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/ocsp"
)

// Input is what Check looks at: a certificate and the SCTs that came with it.
type Input struct {
	DER, TBS  []byte   // the leaf and its signed part
	IssuerKey [32]byte // SHA-256 of the issuer's SubjectPublicKeyInfo; zero = unknown
	Lifetime  time.Duration
	Now       time.Time

	Embedded [][]byte // from the certificate's extension
	TLS      [][]byte // from the TLS extension
	Staple   []byte   // the stapled OCSP response, which may carry more
}

// Source says where an SCT was found.
type Source string

// The sources.
const (
	InCertificate Source = "the certificate"
	InTLS         Source = "the TLS extension"
	InOCSP        Source = "the OCSP staple"
)

// Found is one SCT and what came of it.
type Found struct {
	Source Source
	SCT    *SCT // nil when it cannot be read
	Log    *Log // nil when the log is not in the list
	// Problem says why it does not count, "" when it does.
	Problem string
}

// Result is the outcome of Check.
type Result struct {
	Found  []Found
	Enough bool
	// Need and Operators are what an embedded set must have; Have and
	// HaveOperators what it has.
	Need, Operators     int
	Have, HaveOperators int
	// Unchecked says that signatures could not be checked, because the issuer's
	// key is unknown: such SCTs count.
	Unchecked bool
}

// longLived is the validity above which a third SCT is needed (Chrome's CT
// policy; Mozilla's and Apple's have the same counts).
const longLived = 180 * 24 * time.Hour

// maxSCTs bounds what is looked at from one source.
const maxSCTs = 32

// Check verifies the SCTs of a certificate and counts them as Chrome, Firefox
// and Apple do: embedded ones from two or, above 180 days, three logs, one of
// them still in service; or two from the handshake, whose logs must both be in
// service. Either way two operators.
func Check(list *List, in Input) Result {
	r := Result{Need: 2, Operators: 2}
	if in.Lifetime > longLived {
		r.Need = 3
	}
	pre, ok := WithoutSCTs(in.TBS)
	for _, raw := range first(in.Embedded) {
		f := judge(list, in.Now, InCertificate, raw)
		switch {
		case f.Problem != "" || !ok:
		case in.IssuerKey == [32]byte{}:
			r.Unchecked = true
		case !f.SCT.verify(f.Log.key, &in.IssuerKey, pre):
			f.Problem = "its signature does not fit this certificate"
		}
		r.Found = append(r.Found, f)
	}
	var handshake []Found
	for _, from := range []struct {
		source Source
		scts   [][]byte
	}{{InTLS, in.TLS}, {InOCSP, stapled(in.Staple)}} {
		for _, raw := range first(from.scts) {
			f := judge(list, in.Now, from.source, raw)
			if f.Problem == "" && !f.SCT.verify(f.Log.key, nil, in.DER) {
				f.Problem = "its signature does not fit this certificate"
			}
			if f.Problem == "" && f.Log.retired() {
				f.Problem = "its log is retired"
			}
			handshake = append(handshake, f)
		}
	}
	logs, operators, live := count(r.Found)
	r.Have, r.HaveOperators = logs, operators
	hLogs, hOperators, _ := count(handshake)
	r.Enough = logs >= r.Need && operators >= r.Operators && live || hLogs >= 2 && hOperators >= 2
	r.Found = append(r.Found, handshake...)
	return r
}

func first(scts [][]byte) [][]byte { return scts[:min(len(scts), maxSCTs)] }

// judge reads one SCT and says why it does not count, signature aside.
func judge(list *List, now time.Time, source Source, raw []byte) Found {
	f := Found{Source: source}
	var err error
	if f.SCT, err = ParseSCT(raw); err != nil {
		f.Problem = "it cannot be read"
		return f
	}
	f.Log = list.Log(f.SCT.LogID)
	switch {
	case f.Log == nil:
		f.Problem = "its log is not known to browsers"
	case f.SCT.Time.After(now):
		f.Problem = "its time is in the future"
	case f.Log.retired() && !f.SCT.Time.Before(f.Log.Retired):
		f.Problem = "its log was retired before"
	}
	return f
}

// count counts the logs and the operators of the SCTs that count, and says
// whether one of the logs is in service.
func count(found []Found) (logs, operators int, live bool) {
	seen, by := map[*Log]bool{}, map[string]bool{}
	for _, f := range found {
		if f.Problem == "" {
			seen[f.Log], by[f.Log.Operator] = true, true
			live = live || !f.Log.retired()
		}
	}
	return len(seen), len(by), live
}

// oidStapledSCTs is the extension of an OCSP response with SCTs (RFC 6962,
// Section 3.3).
const oidStapledSCTs = "1.3.6.1.4.1.11129.2.4.5"

// stapled reads the SCTs of an OCSP response.
func stapled(response []byte) [][]byte {
	if len(response) == 0 {
		return nil
	}
	parsed, err := ocsp.ParseResponse(response, nil)
	if err != nil {
		return nil
	}
	for _, e := range parsed.Extensions {
		if e.Id.String() != oidStapledSCTs {
			continue
		}
		s := cryptobyte.String(e.Value)
		var list cryptobyte.String
		if !s.ReadASN1(&list, 4) {
			return nil
		}
		return splitList(list)
	}
	return nil
}

// splitList reads a SignedCertificateTimestampList.
func splitList(s cryptobyte.String) [][]byte {
	var body, one cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&body) {
		return nil
	}
	var out [][]byte
	for body.ReadUint16LengthPrefixed(&one) && len(one) > 0 && len(out) < maxSCTs {
		out = append(out, one)
	}
	return out
}
