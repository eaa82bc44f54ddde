package facts

import (
	"time"

	"github.com/tlswhy/tlswhy/internal/ct"
)

// Demand is what the user wants of the certificates beyond a valid path, and
// what is known of the roots from which they come.
type Demand struct {
	// MaxValidityDays is the longest validity of a leaf, 0 = no demand.
	MaxValidityDays int
	// Pins are the keys or certificates of which one must be on the path.
	Pins []Pin
	// TLSA are the records of the service (RFC 6698), TLSAFrom says whence:
	// "DNS, _25._tcp.mx.example.com" or "--tlsa".
	TLSA     []TLSA
	TLSAFrom string
	// Roots is what the root programs say of a root, by SHA-256; a root that is
	// not in it is no public one.
	Roots map[[32]byte]Root
	// Logs are the logs of Certificate Transparency; nil = CT is not judged.
	Logs *ct.List
}

// Pin is one expected key or certificate.
type Pin struct {
	Text string   // as the user gave it
	Sum  [32]byte // SHA-256
	// Key and Certificate say what the digest may be of; a bare hex digest can
	// be either.
	Key, Certificate bool
}

// TLSA is one record as in RFC 6698, Section 2.1.
type TLSA struct {
	Usage, Selector, Matching uint8
	Data                      []byte
}

// Root is what the root programs say of one root certificate.
type Root struct {
	Programs []string // those that list it for TLS servers: Mozilla ...
	Distrust []Distrust
}

// Distrust is the decision of one program to refuse what a root issued after a
// moment.
type Distrust struct {
	Program string // Mozilla, Chrome, Apple, Java
	After   time.Time
	// BySCT says that the certificate's age is told by its earliest SCT and not
	// by notBefore, which the CA can write at will.
	BySCT bool
}

// Rules are the dated rules that a client enforces on certificates of its root
// program. The zero value enforces none.
type Rules struct {
	Program string // whose distrust dates it follows; "" = none
	CT      bool   // Certificate Transparency
	// Lifetime says that it refuses leaves of public CAs since 2020-09-01 that
	// are valid for more than 398 days.
	Lifetime bool
	// AnyCA says that leaves of private CAs may not exceed 825 days.
	AnyCA bool
}
