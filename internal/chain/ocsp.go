package chain

import (
	"bytes"
	"crypto"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// MaxResponseSize bounds an OCSP response.
const MaxResponseSize = 1 << 20

// maxResponderCerts bounds how many certificates of a response are looked at.
const maxResponderCerts = 10

// OCSPResponse is an OCSP response (RFC 6960, Section 4.2), as far as it could
// be read.
type OCSPResponse struct {
	Problem string // why it is none, "" when it was read
	Code    int    // OCSPResponseStatus, 0 = successful

	ResponderName DN
	ResponderKey  []byte // SHA-1 of the responder's key
	ProducedAt    time.Time
	Answers       []OCSPAnswer
	Critical      []string // OIDs of critical extensions, none of which is known

	TBS       []byte
	Algorithm SignatureAlgorithm
	Signature []byte
	Certs     []*Certificate
}

// OCSPAnswer is a SingleResponse.
type OCSPAnswer struct {
	Hash              crypto.Hash // 0 = unknown
	NameHash, KeyHash []byte
	Serial            *big.Int

	Status                 Status
	Reason                 int
	RevokedAt              time.Time
	ThisUpdate, NextUpdate time.Time
}

var responseCodes = map[int]string{0: "successful", 1: "malformedRequest", 2: "internalError", 3: "tryLater", 5: "sigRequired", 6: "unauthorized"}

// CodeName is the name of the response's status.
func (r *OCSPResponse) CodeName() string {
	if name, ok := responseCodes[r.Code]; ok {
		return fmt.Sprintf("%s (%d)", name, r.Code)
	}
	return fmt.Sprintf("status %d", r.Code)
}

const (
	oidBasicResponse = "1.3.6.1.5.5.7.48.1.1"
	oidNonce         = "1.3.6.1.5.5.7.48.1.2"
	tagEnumerated    = 0x0a
)

// ParseOCSP reads a response in DER. It never fails: see Problem.
func ParseOCSP(der []byte) *OCSPResponse {
	r := &OCSPResponse{}
	r.Problem = r.parse(der)
	return r
}

func (r *OCSPResponse) parse(der []byte) string {
	if len(der) > MaxResponseSize {
		return fmt.Sprintf("it has more than %d MB", MaxResponseSize>>20)
	}
	s := cryptobyte.String(der)
	outer, ok := readTag(&s, tagSequence)
	if !ok {
		return notDER(der, "OCSP response")
	}
	code, ok := readTag(&outer.body, tagEnumerated)
	if !ok || len(code.body) != 1 {
		return "it is no OCSP response"
	}
	if r.Code = int(code.body[0]); r.Code != 0 {
		return ""
	}
	explicit, ok := readTag(&outer.body, contextTag(0, true))
	if !ok {
		return "it holds no answer"
	}
	bytesOf, ok := readTag(&explicit.body, tagSequence)
	if !ok {
		return "it holds no answer"
	}
	oid, _ := readOID(&bytesOf.body)
	octets, ok := readTag(&bytesOf.body, tagOctetString)
	if oid != oidBasicResponse || !ok {
		return "its answer is of the unknown type " + oid
	}
	basic, ok := readTag(&octets.body, tagSequence)
	if !ok {
		return "its answer is unreadable"
	}
	tbs, ok := readTag(&basic.body, tagSequence)
	if !ok {
		return "its answer is unreadable"
	}
	r.TBS = tbs.raw
	if alg, ok := readTag(&basic.body, tagSequence); ok {
		r.Algorithm, _ = parseAlgorithm(alg)
	}
	if bits, ok := readTag(&basic.body, tagBitString); ok {
		r.Signature, _, _ = parseBitString(bits.body)
	}
	if certs, ok := readTag(&basic.body, contextTag(0, true)); ok {
		list, _ := readTag(&certs.body, tagSequence)
		for !list.body.Empty() && len(r.Certs) < maxResponderCerts {
			e, ok := readElement(&list.body)
			if !ok {
				break
			}
			r.Certs = append(r.Certs, Parse(e.raw))
		}
	}
	return r.parseData(tbs.body)
}

func (r *OCSPResponse) parseData(s cryptobyte.String) string {
	readTag(&s, contextTag(0, true)) // the version
	id, ok := readElement(&s)
	if !ok {
		return "its responder is unreadable"
	}
	switch id.tag {
	case contextTag(1, true):
		if name, ok := readTag(&id.body, tagSequence); ok {
			r.ResponderName, _ = parseDN(name)
		}
	case contextTag(2, true):
		key, _ := readTag(&id.body, tagOctetString)
		r.ResponderKey = key.body
	default:
		return "its responder is unreadable"
	}
	produced, _ := readElement(&s)
	r.ProducedAt, _, _ = parseTime(produced)
	list, ok := readTag(&s, tagSequence)
	if !ok {
		return "its answers are unreadable"
	}
	for !list.body.Empty() && len(r.Answers) < maxListed {
		item, ok := readTag(&list.body, tagSequence)
		if !ok {
			return "its answers are unreadable"
		}
		a, ok := r.parseAnswer(item.body)
		if !ok {
			return "an answer in it is unreadable"
		}
		r.Answers = append(r.Answers, a)
	}
	if ext, ok := readTag(&s, contextTag(1, true)); ok {
		r.critical(ext)
	}
	return ""
}

// critical notes the critical extensions of a response or of an answer.
func (r *OCSPResponse) critical(explicit element) {
	list, _ := readTag(&explicit.body, tagSequence)
	for !list.body.Empty() && len(r.Critical) < maxListed {
		item, ok := readElement(&list.body)
		if !ok {
			return
		}
		if ext, _ := readExtension(item); ext.Critical && ext.OID != oidNonce {
			r.Critical = append(r.Critical, ext.OID)
		}
	}
}

func (r *OCSPResponse) parseAnswer(s cryptobyte.String) (a OCSPAnswer, ok bool) {
	id, ok := readTag(&s, tagSequence)
	if !ok {
		return a, false
	}
	a.Hash, _ = readHash(&id.body)
	name, _ := readTag(&id.body, tagOctetString)
	key, _ := readTag(&id.body, tagOctetString)
	serial, ok := readTag(&id.body, tagInteger)
	if !ok || len(serial.body) > 1024 {
		return a, false
	}
	a.NameHash, a.KeyHash, a.Serial = name.body, key.body, parseInteger(serial.body)
	status, ok := readElement(&s)
	if !ok {
		return a, false
	}
	switch status.tag {
	case contextTag(0, false):
		a.Status = StatusGood
	case contextTag(1, true):
		a.Status = StatusRevoked
		at, _ := readElement(&status.body)
		a.RevokedAt, _, _ = parseTime(at)
		if why, ok := readTag(&status.body, contextTag(0, true)); ok {
			if e, ok := readTag(&why.body, tagEnumerated); ok && len(e.body) == 1 {
				a.Reason = int(e.body[0])
			}
		}
	case contextTag(2, false):
		a.Status = StatusUnknown
	default:
		return a, false
	}
	this, ok := readElement(&s)
	if !ok {
		return a, false
	}
	if a.ThisUpdate, _, ok = parseTime(this); !ok {
		return a, false
	}
	if next, has := readTag(&s, contextTag(0, true)); has {
		e, _ := readElement(&next.body)
		if a.NextUpdate, _, ok = parseTime(e); !ok {
			return a, false
		}
	}
	if ext, has := readTag(&s, contextTag(1, true)); has {
		r.critical(ext)
	}
	return a, true
}

// Judge says what the response says about a certificate of the issuer. now is
// the moment at which it is used (RFC 6960, Section 3.2).
func (r *OCSPResponse) Judge(c, issuer *Certificate, now time.Time) Ruling {
	var out Ruling
	switch {
	case r.Problem != "":
		return out.flaw(FlawUnreadable, "%s", r.Problem)
	case r.Code != 0:
		return out.flaw(FlawError, "the responder answers %s", r.CodeName())
	case len(r.Answers) == 0:
		return out.flaw(FlawOther, "it speaks of no certificate")
	case issuer == nil:
		return out.flaw(FlawUnchecked, "the issuer's certificate is not at hand")
	}
	a := r.answer(c, issuer)
	if a == nil {
		first := &r.Answers[0]
		if first.Serial != nil && c.Serial != nil && first.Serial.Cmp(c.Serial) == 0 {
			return out.flaw(FlawOther, "it speaks of a certificate with this serial number, of another issuer")
		}
		return out.flaw(FlawOther, "it speaks of another certificate, serial number %X", first.Serial)
	}
	out = Ruling{Status: a.Status, RevokedAt: a.RevokedAt, Reason: a.Reason, ThisUpdate: a.ThisUpdate, NextUpdate: a.NextUpdate}
	if out = r.signed(out, issuer, now); !out.Sound() {
		return out
	}
	if len(r.Critical) > 0 {
		return out.flaw(FlawCritical, "it has the critical extension %s, which nobody knows", r.Critical[0])
	}
	if out = out.dated(now, "it"); !out.Sound() {
		return out
	}
	// Without a nextUpdate newer answers are to be had at any time; GnuTLS takes
	// such a response for 15 days.
	if a.NextUpdate.IsZero() && now.Sub(a.ThisUpdate) > 15*24*time.Hour {
		return out.flaw(FlawStale, "it is of %s and names no end", a.ThisUpdate.Format("2006-01-02 15:04 UTC"))
	}
	return out
}

// answer finds the answer about the certificate.
func (r *OCSPResponse) answer(c, issuer *Certificate) *OCSPAnswer {
	for i := range r.Answers {
		a := &r.Answers[i]
		if a.Serial == nil || c.Serial == nil || a.Serial.Cmp(c.Serial) != 0 {
			continue
		}
		name, key := certID(a.Hash, c, issuer)
		if name != nil && bytes.Equal(a.NameHash, name) && bytes.Equal(a.KeyHash, key) {
			return a
		}
	}
	return nil
}

// certID is the two hashes of a CertID (RFC 6960, Section 4.1.1).
func certID(h crypto.Hash, c, issuer *Certificate) (name, key []byte) {
	if h == 0 || !h.Available() || len(c.Issuer.Raw) == 0 {
		return nil, nil
	}
	w := h.New()
	w.Write(c.Issuer.Raw)
	name = w.Sum(nil)
	w = h.New()
	w.Write(issuer.keyBits())
	return name, w.Sum(nil)
}

// keyBits is the content of the subjectPublicKey BIT STRING.
func (c *Certificate) keyBits() []byte {
	s := cryptobyte.String(c.Key.Raw)
	spki, ok := readTag(&s, tagSequence)
	if !ok {
		return nil
	}
	readTag(&spki.body, tagSequence)
	bits, _ := readTag(&spki.body, tagBitString)
	data, _, _ := parseBitString(bits.body)
	return data
}

// signed checks who signed the response (RFC 6960, Section 4.2.2.2): the issuer
// itself, or a responder that it has made and marked for the purpose.
func (r *OCSPResponse) signed(out Ruling, issuer *Certificate, now time.Time) Ruling {
	if len(r.Signature) == 0 {
		return out.flaw(FlawSignature, "it is not signed")
	}
	own := CheckData(r.Algorithm, r.TBS, r.Signature, issuer.Key)
	if own.Outcome == Valid {
		if !r.namesResponder(issuer) {
			return out.flaw(FlawSigner, "it is signed by the certificate's issuer, and names another responder")
		}
		return out
	}
	for _, c := range r.Certs {
		if CheckData(r.Algorithm, r.TBS, r.Signature, c.Key).Outcome != Valid {
			continue
		}
		out.Signer = c.Title()
		switch {
		case !r.namesResponder(c):
			return out.flaw(FlawSigner, "it is signed by %s, and names another responder", c.Title())
		case !c.Issuer.Equal(issuer.Subject) || CheckSignature(c, issuer).Outcome == Invalid:
			return out.flaw(FlawSigner, "it is signed by %s, which the certificate's issuer has not made", c.Title())
		case !c.mayRespond():
			return out.flaw(FlawSigner, "it is signed by %s, whose certificate lacks the purpose OCSPSigning", c.Title())
		case now.After(c.NotAfter):
			return out.flaw(FlawSigner, "it is signed by %s, whose certificate has expired", c.Title())
		case now.Before(c.NotBefore):
			return out.flaw(FlawSigner, "it is signed by %s, whose certificate is not valid yet", c.Title())
		}
		return out
	}
	if own.Outcome == CannotCheck {
		return out.flaw(FlawUnchecked, "%s", own.Reason)
	}
	return out.flaw(FlawSignature, "its signature is not that of the certificate's issuer")
}

// namesResponder reports whether the certificate is that of the ResponderID.
func (r *OCSPResponse) namesResponder(c *Certificate) bool {
	if r.ResponderKey == nil {
		return r.ResponderName.Equal(c.Subject)
	}
	w := crypto.SHA1.New()
	w.Write(c.keyBits())
	return bytes.Equal(r.ResponderKey, w.Sum(nil))
}

// OCSPRequest is a request for the status of a certificate (RFC 6960, Section
// 4.1), with SHA-1 hashes as every responder reads them, or nil.
func OCSPRequest(c, issuer *Certificate) []byte {
	name, key := certID(crypto.SHA1, c, issuer)
	if name == nil || c.Serial == nil {
		return nil
	}
	var b cryptobyte.Builder
	b.AddASN1(tagSequence, func(b *cryptobyte.Builder) {
		b.AddASN1(tagSequence, func(b *cryptobyte.Builder) {
			b.AddASN1(tagSequence, func(b *cryptobyte.Builder) {
				b.AddASN1(tagSequence, func(b *cryptobyte.Builder) {
					b.AddASN1(tagSequence, func(b *cryptobyte.Builder) {
						b.AddASN1(tagSequence, func(b *cryptobyte.Builder) {
							b.AddBytes([]byte{tagOID, 5, 0x2b, 0x0e, 0x03, 0x02, 0x1a, tagNull, 0})
						})
						b.AddASN1OctetString(name)
						b.AddASN1OctetString(key)
						b.AddASN1BigInt(c.Serial)
					})
				})
			})
		})
	})
	out, err := b.Bytes()
	if err != nil {
		return nil
	}
	return out
}
