package chain

import (
	"fmt"
	"slices"
	"time"
)

// Status is what a source says about a certificate.
type Status uint8

// The statuses.
const (
	StatusNone    Status = iota // the source says nothing that counts
	StatusGood                  // not revoked
	StatusRevoked               // revoked, or on hold
	StatusUnknown               // the responder does not know the certificate
)

// Flaw says why a list or a response cannot be relied on. The empty one is
// none.
type Flaw string

// The flaws.
const (
	FlawUnreadable Flaw = "unreadable"
	FlawError      Flaw = "error-status" // OCSP: the responder answers with an error
	FlawOther      Flaw = "other"        // OCSP: speaks of another certificate
	FlawIssuer     Flaw = "issuer"       // CRL: of another issuer
	FlawScope      Flaw = "scope"        // CRL: delta, indirect, or not for such certificates
	FlawCritical   Flaw = "critical"     // an unknown critical extension
	FlawSignature  Flaw = "signature"    // does not verify
	FlawUnchecked  Flaw = "unchecked"    // the signature cannot be checked here
	FlawSigner     Flaw = "signer"       // OCSP: verifies, but the signer has no right to it
	FlawFuture     Flaw = "future"       // thisUpdate is ahead
	FlawStale      Flaw = "stale"        // nextUpdate has passed
)

// Ruling is what one revocation list or OCSP response says about one
// certificate, and whether it may be believed.
type Ruling struct {
	Status Status
	Flaw   Flaw
	Why    string // the flaw in words, without a full stop

	RevokedAt              time.Time
	Reason                 int       // CRLReason, 0 = unspecified
	ThisUpdate, NextUpdate time.Time // zero NextUpdate: the source gives none
	Signer                 string    // OCSP: the delegated responder, "" = the issuer itself
}

// Sound reports whether the source may be believed.
func (r *Ruling) Sound() bool { return r.Flaw == "" }

func (r Ruling) flaw(f Flaw, format string, args ...any) Ruling {
	r.Flaw, r.Why = f, fmt.Sprintf(format, args...)
	return r
}

// clockTolerance is how far thisUpdate may be ahead, as in OpenSSL's and curl's
// checks of OCSP responses.
const clockTolerance = 5 * time.Minute

// reasonNames are the values of CRLReason (RFC 5280, Section 5.3.1).
var reasonNames = map[int]string{0: "unspecified", 1: "keyCompromise", 2: "cACompromise", 3: "affiliationChanged", 4: "superseded",
	5: "cessationOfOperation", 6: "certificateHold", 8: "removeFromCRL", 9: "privilegeWithdrawn", 10: "aACompromise"}

// The reasons that need words of their own.
const (
	ReasonKeyCompromise = 1
	ReasonHold          = 6
	reasonRemove        = 8
)

// ReasonName is the name of a CRLReason.
func ReasonName(reason int) string {
	if name, ok := reasonNames[reason]; ok {
		return name
	}
	return fmt.Sprintf("reason %d", reason)
}

// dated checks the times of a source; now is when it was received.
func (r Ruling) dated(now time.Time, what string) Ruling {
	const layout = "2006-01-02 15:04 UTC"
	switch {
	case r.ThisUpdate.IsZero():
		return r.flaw(FlawUnreadable, "%s has no readable date", what)
	case r.ThisUpdate.After(now.Add(clockTolerance)):
		return r.flaw(FlawFuture, "%s is valid only from %s", what, r.ThisUpdate.Format(layout))
	case !r.NextUpdate.IsZero() && r.NextUpdate.Before(now):
		return r.flaw(FlawStale, "%s is out of date since %s", what, r.NextUpdate.Format(layout))
	}
	return r
}

const oidNoRevAvail = "2.5.29.56" // RFC 9608

// NeedsNoRevocation says why no revocation answer exists for the certificate,
// "" when one may be expected.
func (c *Certificate) NeedsNoRevocation() string {
	if c.Extension(oidNoRevAvail) != nil {
		return "it carries noRevAvail (RFC 9608)"
	}
	// CA/B Forum Baseline Requirements, "Short-lived Subscriber Certificate".
	limit := 7 * 24 * time.Hour
	if c.NotBefore.Before(time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC)) {
		limit = 10 * 24 * time.Hour
	}
	if life := c.Lifetime(); life > 0 && life <= limit && !c.IsCA() {
		return fmt.Sprintf("it lives for %d days only", int((life+12*time.Hour)/(24*time.Hour)))
	}
	return ""
}

// mayRespond reports whether a certificate may sign OCSP responses for others
// of its issuer (RFC 6960, Section 4.2.2.2).
func (c *Certificate) mayRespond() bool { return slices.Contains(c.ExtKeyUsage, EKUOCSPSigning) }
