package chain

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// usage checks the extended key usage of the whole path and the key usage of
// the leaf.
func (j *judge) usage() {
	if j.in.Usage == UsageCA {
		return
	}
	want := EKUServerAuth
	if j.in.Usage == UsageClient {
		want = EKUClientAuth
	}
	for i, e := range j.p.Elements {
		if e.Cert.ExtKeyUsage == nil || j.allowsUsage(e.Cert.ExtKeyUsage, want) {
			continue
		}
		if j.isTop(i) && i > 0 && j.in.Policy.IgnoreAnchorDates {
			continue // clients that take anchors as bare keys
		}
		j.either(!j.in.Policy.IgnoreExtKeyUsage, Problem{Kind: KindBadEKU, Element: i, Cert: e.Cert, OID: want,
			Detail: fmt.Sprintf("%s is for %s, not for %s", j.title(i), usageNames(e.Cert.ExtKeyUsage), EKUName(want))})
	}
	leaf := j.p.Elements[0].Cert
	need := j.in.KeyUse
	if need == 0 {
		need = KeyUsageDigitalSignature
	}
	if leaf.HasKeyUsage && leaf.KeyUsage&need == 0 {
		j.either(!j.in.Policy.IgnoreKeyUsage, Problem{Kind: KindBadKeyUsage, Element: 0, Cert: leaf,
			Detail: fmt.Sprintf("the certificate's key usage is %s, the handshake needs %s", leaf.KeyUsage, need)})
	}
}

func (j *judge) allowsUsage(have []string, want string) bool {
	return slices.ContainsFunc(have, func(oid string) bool {
		switch oid {
		case want:
			return true
		case EKUAny:
			return j.in.Policy.AcceptAnyUsage
		case EKUNetscapeSGC, EKUMicrosoftSGC:
			// The step-up usages of the 1990s; OpenSSL takes them for serverAuth.
			return want == EKUServerAuth
		}
		return false
	})
}

func usageNames(oids []string) string {
	if len(oids) == 0 {
		return "no usage at all"
	}
	names := make([]string, len(oids))
	for i, oid := range oids {
		names[i] = EKUName(oid)
	}
	return strings.Join(names[:min(5, len(names))], ", ")
}

// lifetimeSteps are the limits of the CA/Browser Forum's Baseline Requirements,
// Section 6.3.2, by the first day of issue.
var lifetimeSteps = []struct {
	from time.Time
	days int
}{
	{time.Date(2029, 3, 15, 0, 0, 0, 0, time.UTC), 47},
	{time.Date(2027, 3, 15, 0, 0, 0, 0, time.UTC), 100},
	{time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC), 200},
	{time.Date(2020, 9, 1, 0, 0, 0, 0, time.UTC), 398},
	{time.Date(2018, 3, 1, 0, 0, 0, 0, time.UTC), 825},
	{time.Date(2015, 4, 1, 0, 0, 0, 0, time.UTC), 1187}, // 39 months
	{time.Date(2012, 7, 1, 0, 0, 0, 0, time.UTC), 1826}, // 60 months
}

// LifetimeLimit is the longest validity in days that browsers allow a leaf of a
// public CA issued at that moment; 0 = no limit yet.
func LifetimeLimit(notBefore time.Time) int {
	_, days := LifetimeStep(notBefore)
	return days
}

// LifetimeStep is LifetimeLimit with the day from which it holds.
func LifetimeStep(notBefore time.Time) (from time.Time, days int) {
	for _, step := range lifetimeSteps {
		if !notBefore.Before(step.from) {
			return step.from, step.days
		}
	}
	return from, 0
}

// leaf looks at what only concerns the first element.
func (j *judge) leaf() {
	c := j.p.Elements[0].Cert
	if c.IsCA() && j.in.Usage != UsageCA {
		j.either(j.in.Policy.RejectCALeaf, Problem{Kind: KindLeafIsCA, Element: 0, Cert: c,
			Detail: "the certificate is marked as a CA (CA:TRUE), although it is used by a server"})
	}
	if j.in.Name != "" && j.a.Name.ByCN && j.in.Policy.CNFallback {
		j.note(Problem{Kind: KindCNOnly, Element: 0, Cert: c, Name: j.a.Name.Name, Match: &j.a.Name,
			Detail: fmt.Sprintf("%s is only in the common name; current clients read the subjectAltName", Printable(j.a.Name.Name))})
	}
	limit := LifetimeLimit(c.NotBefore)
	if have := c.Lifetime(); limit > 0 && !c.IsCA() && have > time.Duration(limit)*day+time.Second {
		days := int((have + day - 1) / day)
		j.either(j.in.Policy.RejectLifetime, Problem{Kind: KindLifetime, Element: 0, Cert: c, Have: days, Limit: limit,
			Detail: fmt.Sprintf("the certificate is valid for %d days; of public CAs browsers allow %d for its date of issue", days, limit)})
	}
	last := j.p.Elements[len(j.p.Elements)-1].Cert
	if at, ok := j.in.DistrustAfter[last.SHA256]; ok && j.p.Complete && c.NotBefore.After(at) {
		j.either(j.in.Policy.RejectDistrust, Problem{Kind: KindDistrusted, Element: len(j.p.Elements) - 1, Cert: last, At: at,
			Detail: fmt.Sprintf("the root %s is not trusted for what it has issued since %s", last.Title(), stamp(at))})
	}
}

// order applies OnlySentOrder: what old TLS stacks demand.
func (j *judge) order() {
	if !j.in.Policy.OnlySentOrder {
		return
	}
	for i := 1; i < len(j.p.Elements); i++ {
		if e := j.p.Elements[i]; e.Index >= 0 && e.Index != i && !j.isTop(i) {
			j.problem(Problem{Kind: KindChainOrder, Element: i, Cert: e.Cert,
				Detail: fmt.Sprintf("%s was sent as number %d, its place is number %d", j.title(i), e.Index+1, i+1)})
		}
	}
}
