// Package ct judges the signed certificate timestamps (SCTs) of Certificate
// Transparency, RFC 6962: which log signed them, whether the signature fits the
// certificate, and whether they are enough for clients that demand them.
//
// It knows a dated list of logs and the counts that browsers ask for. It does
// not know which clients ask, nor whether a CA is public: that is judged where
// the package is used.
//
//	result := ct.Check(ct.Known(), ct.Input{TBS: leaf.TBS, Embedded: leaf.SCTs, ...})
//	if !result.Enough { ... }
package ct
