package chain

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"
)

// revocationWorld is a CA, a leaf of it, a stranger, and responders.
type revocationWorld struct {
	ca, leaf, other, responder, unmarked *authority
}

func newRevocationWorld(t testing.TB) *revocationWorld {
	w := &revocationWorld{}
	w.ca = issue(t, nil, spec{name: "Revoking CA", ca: true, edit: func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCRLSign }})
	w.other = issue(t, nil, spec{name: "Other CA", ca: true, edit: func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCRLSign }})
	w.leaf = issue(t, w.ca, spec{name: "leaf", dns: []string{"leaf.example"}, edit: func(c *x509.Certificate) {
		c.CRLDistributionPoints = []string{"http://crl.example/a.crl"}
	}})
	w.responder = issue(t, w.ca, spec{name: "responder", edit: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning} }})
	w.unmarked = issue(t, w.ca, spec{name: "unmarked", edit: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }})
	return w
}

// list makes a CRL of the leaf's CA.
func (w *revocationWorld) list(t testing.TB, by *authority, edit func(*x509.RevocationList)) []byte {
	t.Helper()
	tmpl := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(time.Hour)}
	for i := range 50 {
		tmpl.RevokedCertificateEntries = append(tmpl.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(int64(i)), RevocationTime: now.Add(-time.Hour)})
	}
	if edit != nil {
		edit(tmpl)
	}
	der, err := x509.CreateRevocationList(rand.Reader, tmpl, by.x509, by.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (w *revocationWorld) revoke(reason int) func(*x509.RevocationList) {
	return func(l *x509.RevocationList) {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: w.leaf.x509.SerialNumber, RevocationTime: now.Add(-48 * time.Hour), ReasonCode: reason})
	}
}

func extend(id asn1.ObjectIdentifier, critical bool, value []byte) func(*x509.RevocationList) {
	return func(l *x509.RevocationList) {
		l.ExtraExtensions = append(l.ExtraExtensions, pkix.Extension{Id: id, Critical: critical, Value: value})
	}
}

// issuingPoint encodes an IssuingDistributionPoint of one URL and flags.
func issuingPoint(url string, flags ...byte) []byte {
	var body []byte
	if url != "" {
		uri := append([]byte{0x86, byte(len(url))}, url...)
		uri = append([]byte{0xa0, byte(len(uri))}, uri...)
		body = append([]byte{0xa0, byte(len(uri))}, uri...)
	}
	for _, f := range flags {
		body = append(body, 0x80|f, 1, 0xff)
	}
	return append([]byte{0x30, byte(len(body))}, body...)
}

func TestJudgeList(t *testing.T) {
	t.Parallel()
	w := newRevocationWorld(t)
	idp := asn1.ObjectIdentifier{2, 5, 29, 28}
	for _, tc := range []struct {
		name   string
		der    []byte
		cert   *Certificate
		status Status
		flaw   Flaw
		why    string
	}{
		{"good", w.list(t, w.ca, nil), nil, StatusGood, "", ""},
		{"revoked", w.list(t, w.ca, w.revoke(1)), nil, StatusRevoked, "", ""},
		{"on hold", w.list(t, w.ca, w.revoke(6)), nil, StatusRevoked, "", ""},
		{"removed again", w.list(t, w.ca, w.revoke(8)), nil, StatusGood, "", ""},
		{"stale", w.list(t, w.ca, func(l *x509.RevocationList) { l.NextUpdate = now.Add(-time.Minute) }), nil, StatusGood, FlawStale, "out of date"},
		{"future", w.list(t, w.ca, func(l *x509.RevocationList) { l.ThisUpdate = now.Add(30 * time.Minute) }), nil, StatusGood, FlawFuture, "only from"},
		{"a little ahead", w.list(t, w.ca, func(l *x509.RevocationList) { l.ThisUpdate = now.Add(2 * time.Minute) }), nil, StatusGood, "", ""},
		{"another issuer", w.list(t, w.other, nil), nil, StatusNone, FlawIssuer, "Other CA"},
		{"delta", w.list(t, w.ca, extend(asn1.ObjectIdentifier{2, 5, 29, 27}, true, []byte{2, 1, 1})), nil, StatusNone, FlawScope, "delta"},
		{"indirect", w.list(t, w.ca, extend(idp, true, issuingPoint("", 4))), nil, StatusNone, FlawScope, "indirect"},
		{"for CAs", w.list(t, w.ca, extend(idp, true, issuingPoint("", 2))), nil, StatusNone, FlawScope, "CA certificates only"},
		{"for leaves", w.list(t, w.ca, extend(idp, true, issuingPoint("", 1))), nil, StatusGood, "", ""},
		{"its own point", w.list(t, w.ca, extend(idp, true, issuingPoint("http://crl.example/a.crl"))), nil, StatusGood, "", ""},
		{"another point", w.list(t, w.ca, extend(idp, true, issuingPoint("http://crl.example/b.crl"))), nil, StatusNone, FlawScope, "b.crl"},
		{"unknown critical", w.list(t, w.ca, extend(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 1}, true, []byte{5, 0})), nil, StatusNone, FlawCritical, "32473"},
		{"unknown", w.list(t, w.ca, extend(asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 1}, false, []byte{5, 0})), nil, StatusGood, "", ""},
		{"unknown critical in an entry", w.list(t, w.ca, func(l *x509.RevocationList) {
			l.RevokedCertificateEntries[7].ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 1}, Critical: true, Value: []byte{5, 0}}}
		}), nil, StatusNone, FlawCritical, "entry 8"},
		{"html", []byte("<!DOCTYPE html><html>"), nil, StatusNone, FlawUnreadable, "HTML"},
		{"empty", nil, nil, StatusNone, FlawUnreadable, "empty"},
		{"a certificate", w.leaf.cert.Raw, nil, StatusNone, FlawUnreadable, "no revocation list"},
		{"pem", pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: w.list(t, w.ca, w.revoke(1))}), nil, StatusRevoked, "", ""},
		{"garbled", garble(w.list(t, w.ca, w.revoke(1))), nil, StatusNone, FlawSignature, "not the issuer's"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := ParseList(tc.der).Judge(w.leaf.cert, w.ca.cert, now)
			if r.Status != tc.status || r.Flaw != tc.flaw || !strings.Contains(r.Why, tc.why) {
				t.Errorf("got status %d, flaw %q (%s)", r.Status, r.Flaw, r.Why)
			}
		})
	}
	if r := ParseList(w.list(t, w.ca, w.revoke(1))).Judge(w.leaf.cert, nil, now); r.Flaw != FlawUnchecked || r.Status != StatusRevoked {
		t.Errorf("without an issuer: got %+v", r)
	}
	if r := ParseList(w.list(t, w.ca, w.revoke(4))).Judge(w.leaf.cert, w.ca.cert, now); ReasonName(r.Reason) != "superseded" || !r.RevokedAt.Equal(now.Add(-48*time.Hour)) {
		t.Errorf("got reason %s at %v", ReasonName(r.Reason), r.RevokedAt)
	}
}

func garble(der []byte) []byte {
	der = slices.Clone(der)
	der[len(der)-1] ^= 1
	return der
}

// response makes an OCSP response about the leaf.
func (w *revocationWorld) response(t testing.TB, by *authority, edit func(*ocsp.Response)) []byte {
	t.Helper()
	tmpl := ocsp.Response{Status: ocsp.Good, SerialNumber: w.leaf.x509.SerialNumber, ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(time.Hour)}
	responder := by.x509
	if by != w.ca {
		tmpl.Certificate = by.x509
	}
	if edit != nil {
		edit(&tmpl)
	}
	if tmpl.RawResponderName != nil { // a mark for responses that name the wrong responder
		responder = w.ca.x509
	}
	der, err := ocsp.CreateResponse(w.ca.x509, responder, tmpl, by.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestJudgeOCSP(t *testing.T) {
	t.Parallel()
	w := newRevocationWorld(t)
	for _, tc := range []struct {
		name   string
		der    []byte
		status Status
		flaw   Flaw
		why    string
	}{
		{"good", w.response(t, w.ca, nil), StatusGood, "", ""},
		{"revoked", w.response(t, w.ca, func(r *ocsp.Response) {
			r.Status, r.RevokedAt, r.RevocationReason = ocsp.Revoked, now.Add(-time.Hour), ocsp.KeyCompromise
		}), StatusRevoked, "", ""},
		{"unknown", w.response(t, w.ca, func(r *ocsp.Response) { r.Status = ocsp.Unknown }), StatusUnknown, "", ""},
		{"delegated", w.response(t, w.responder, nil), StatusGood, "", ""},
		{"delegated without purpose", w.response(t, w.unmarked, nil), StatusGood, FlawSigner, "OCSPSigning"},
		{"by a stranger with certificate", w.response(t, w.other, nil), StatusGood, FlawSigner, "has not made"},
		{"delegated, names the issuer", w.response(t, w.responder, func(r *ocsp.Response) { r.RawResponderName = []byte{0} }), StatusGood, FlawSigner, "names another responder"},
		{"by a stranger", w.response(t, w.other, func(r *ocsp.Response) { r.Certificate = nil }), StatusGood, FlawSignature, "not that of"},
		{"garbled", garble(w.response(t, w.ca, nil)), StatusGood, FlawSignature, "not that of"},
		{"stale", w.response(t, w.ca, func(r *ocsp.Response) { r.NextUpdate = now.Add(-time.Minute) }), StatusGood, FlawStale, "out of date"},
		{"no end, fresh", w.response(t, w.ca, func(r *ocsp.Response) { r.NextUpdate = time.Time{} }), StatusGood, "", ""},
		{"no end, old", w.response(t, w.ca, func(r *ocsp.Response) { r.NextUpdate, r.ThisUpdate = time.Time{}, now.Add(-30*24*time.Hour) }), StatusGood, FlawStale, "names no end"},
		{"future", w.response(t, w.ca, func(r *ocsp.Response) { r.ThisUpdate = now.Add(20 * time.Minute) }), StatusGood, FlawFuture, "only from"},
		{"another serial", w.response(t, w.ca, func(r *ocsp.Response) { r.SerialNumber = big.NewInt(77) }), StatusNone, FlawOther, "4D"},
		{"try later", ocsp.TryLaterErrorResponse, StatusNone, FlawError, "tryLater (3)"},
		{"unauthorized", ocsp.UnauthorizedErrorResponse, StatusNone, FlawError, "unauthorized (6)"},
		{"empty", nil, StatusNone, FlawUnreadable, "empty"},
		{"html", []byte("<html>"), StatusNone, FlawUnreadable, "HTML"},
		{"text", []byte("staple"), StatusNone, FlawUnreadable, "no OCSP response"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := ParseOCSP(tc.der).Judge(w.leaf.cert, w.ca.cert, now)
			if r.Status != tc.status || r.Flaw != tc.flaw || !strings.Contains(r.Why, tc.why) {
				t.Errorf("got status %d, flaw %q (%s)", r.Status, r.Flaw, r.Why)
			}
		})
	}
	if r := ParseOCSP(w.response(t, w.ca, nil)).Judge(w.other.cert, w.ca.cert, now); r.Flaw != FlawOther {
		t.Errorf("asked about another certificate: got %+v", r)
	}
}

// TestOCSPRequest has another reader read the request.
func TestOCSPRequest(t *testing.T) {
	t.Parallel()
	w := newRevocationWorld(t)
	req, err := ocsp.ParseRequest(OCSPRequest(w.leaf.cert, w.ca.cert))
	if err != nil || req.SerialNumber.Cmp(w.leaf.x509.SerialNumber) != 0 {
		t.Fatalf("got %+v, %v", req, err)
	}
	want, err := ocsp.CreateRequest(w.leaf.x509, w.ca.x509, nil)
	if err != nil || !slices.Equal(want, OCSPRequest(w.leaf.cert, w.ca.cert)) {
		t.Error("x/crypto/ocsp makes another request")
	}
}

// TestRevocationTruncated cuts both formats at every byte.
func TestRevocationTruncated(t *testing.T) {
	t.Parallel()
	w := newRevocationWorld(t)
	list, response := w.list(t, w.ca, w.revoke(1)), w.response(t, w.responder, nil)
	for n := range list {
		if r := ParseList(list[:n]).Judge(w.leaf.cert, w.ca.cert, now); r.Sound() {
			t.Errorf("a list of %d bytes of %d is sound", n, len(list))
		}
	}
	for n := range response {
		if r := ParseOCSP(response[:n]).Judge(w.leaf.cert, w.ca.cert, now); r.Sound() {
			t.Errorf("a response of %d bytes of %d is sound", n, len(response))
		}
	}
}

func TestLoadLists(t *testing.T) {
	t.Parallel()
	w := newRevocationWorld(t)
	one := w.list(t, w.ca, nil)
	block := pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: one})
	for _, tc := range []struct {
		name string
		data []byte
		want int
		rest string
	}{
		{"der", one, 1, ""},
		{"pem", block, 1, ""},
		{"two", slices.Concat(block, []byte("# text\n"), block), 2, ""},
		{"a certificate beside", slices.Concat(block, w.ca.cert.PEM()), 1, "a certificate"},
		{"a certificate", w.ca.cert.PEM(), 0, "a certificate"},
		{"a certificate in der", w.ca.cert.Raw, 0, "no revocation list"},
		{"nothing", nil, 0, "empty"},
		{"broken pem", []byte("-----BEGIN X509 CRL-----\nAAAA\n"), 0, "cannot be read"},
	} {
		lists, rest := LoadLists(tc.data)
		if len(lists) != tc.want || !strings.Contains(strings.Join(rest, "; "), tc.rest) {
			t.Errorf("%s: got %d lists, %q", tc.name, len(lists), rest)
		}
	}
}

func TestNeedsNoRevocation(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		from time.Time
		days int
		want string
	}{
		{"six days", now, 6, "6 days"},
		{"eight days", now, 8, ""},
		{"eight days, of old", now.AddDate(-1, 0, 0), 8, "8 days"},
		{"ninety days", now, 90, ""},
	} {
		c := issue(t, nil, spec{name: "leaf", from: tc.from, to: tc.from.Add(time.Duration(tc.days)*24*time.Hour - time.Second)}).cert
		if got := c.NeedsNoRevocation(); !strings.Contains(got, tc.want) || tc.want == "" && got != "" {
			t.Errorf("%s: got %q", tc.name, got)
		}
	}
	marked := issue(t, nil, spec{name: "leaf", edit: func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 56}, Value: []byte{5, 0}}}
	}}).cert
	if got := marked.NeedsNoRevocation(); !strings.Contains(got, "noRevAvail") {
		t.Errorf("got %q", got)
	}
}

func FuzzList(f *testing.F) {
	w := newRevocationWorld(f)
	f.Add(w.list(f, w.ca, w.revoke(1)))
	f.Add(w.list(f, w.ca, extend(asn1.ObjectIdentifier{2, 5, 29, 28}, true, issuingPoint("http://crl.example/a.crl", 1))))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := ParseList(data).Judge(w.leaf.cert, w.other.cert, now)
		if r.Sound() {
			t.Error("sound, and signed by nobody")
		}
		LoadLists(data)
	})
}

func FuzzOCSP(f *testing.F) {
	w := newRevocationWorld(f)
	f.Add(w.response(f, w.ca, nil))
	f.Add(w.response(f, w.responder, func(r *ocsp.Response) { r.Status, r.RevokedAt = ocsp.Revoked, now }))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := ParseOCSP(data).Judge(w.leaf.cert, w.other.cert, now)
		if r.Sound() {
			t.Error("sound, and signed by nobody")
		}
	})
}
