package compare

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
)

// notes are what makes the runs hard to compare.
func (j *joiner) notes() []string {
	notes := []string{}
	a := j.all[0]
	for _, b := range j.all[1:] {
		say := func(format string, args ...any) {
			notes = append(notes, a.label+" and "+b.label+" "+fmt.Sprintf(format, args...))
		}
		if d := apart(a, b); d > together {
			say("were run %s apart", span(d))
		}
		if x, y := a.d.Tool.Version, b.d.Tool.Version; x != y {
			say("come from different versions of tlswhy: %s and %s", x, y)
		}
		if a.d.Target.Client != b.d.Target.Client {
			say("speak as different clients: %q and %q", a.d.Target.Client, b.d.Target.Client)
		}
		if a.d.Target.Trust != b.d.Target.Trust {
			say("trust different roots: %s and %s", a.d.Target.Trust, b.d.Target.Trust)
		}
		if a.d.Target.SNI != b.d.Target.SNI {
			say("send different names: %q and %q", a.d.Target.SNI, b.d.Target.SNI)
		}
		if (a.d.Observed != nil) != (b.d.Observed != nil) {
			say("differ in kind: one was seen in a capture, the other made by tlswhy")
		}
	}
	for _, s := range j.all {
		if s.masked {
			notes = append(notes, s.label+" is masked (--redact): its names, addresses and certificates cannot be compared with others")
		}
		if s.d.Verdict == diag.Untested {
			notes = append(notes, s.label+" could not be tested")
		}
	}
	return notes
}
