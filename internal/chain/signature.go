package chain

import "sync"

// Outcome is the result of a signature check.
type Outcome uint8

// The outcomes.
const (
	NotChecked  Outcome = iota
	Valid               // the key verifies the signature
	Invalid             // it does not
	CannotCheck         // key or algorithm are out of reach here
)

// String names the outcome.
func (o Outcome) String() string {
	return [...]string{"not checked", "valid", "invalid", "cannot check"}[min(o, CannotCheck)]
}

// Check is the result of a signature check with its reason.
type Check struct {
	Outcome Outcome
	Reason  string // why it is invalid or cannot be checked
}

type onceCheck struct {
	once  sync.Once
	check Check
}

// SelfSigned checks the certificate's signature with its own key, once. It is
// Invalid, too, when subject and issuer differ.
func (c *Certificate) SelfSigned() Check {
	c.self.once.Do(func() {
		if !c.SelfIssued() {
			c.self.check = Check{Invalid, "subject and issuer differ"}
			return
		}
		c.self.check = CheckSignature(c, c)
	})
	return c.self.check
}

// CheckSignature checks the child's signature with the parent's key. Names,
// dates and usages do not count.
func CheckSignature(child, parent *Certificate) Check {
	return Check{CannotCheck, "not supported"}
}
