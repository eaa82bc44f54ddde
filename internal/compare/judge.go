package compare

import (
	"fmt"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// joiner holds the vantages of one comparison.
type joiner struct {
	all []*side
}

// verdict is that of the worst vantage.
func (j *joiner) verdict() diag.Verdict {
	v, tested := diag.OK, 0
	for _, s := range j.all {
		switch {
		case s.fails():
			return diag.Failure
		case s.works():
			tested++
			if s.d.Verdict == diag.Warning {
				v = diag.Warning
			}
		}
	}
	if tested < 2 {
		return diag.Untested
	}
	return v
}

// judge says of each failure whose it is, the one that most see first.
func (j *joiner) judge() []*finding {
	var work []*side
	failing := map[string][]*side{}
	var ids []string
	for _, s := range j.all {
		switch {
		case s.works():
			work = append(work, s)
		case s.fails():
			if failing[s.cause.ID] == nil {
				ids = append(ids, s.cause.ID)
			}
			failing[s.cause.ID] = append(failing[s.cause.ID], s)
		}
	}
	slices.SortStableFunc(ids, func(a, b string) int { return len(failing[b]) - len(failing[a]) })
	switch {
	case len(ids) == 0 && len(work) < 2:
		return []*finding{{fault: diag.FaultOpen}} // nothing to compare with
	case len(ids) == 0:
		return []*finding{{fault: diag.FaultNone}}
	case len(work) > 0:
		var out []*finding
		for _, id := range ids {
			out = append(out, some(failing[id], work))
		}
		return out
	case len(ids) == 1 && len(failing[ids[0]]) == 1:
		f := start(failing[ids[0]], diag.FaultOpen)
		f.not = append(f.not, "nothing was tested at the other vantage: there is nothing to compare with")
		return []*finding{f}
	case len(ids) == 1:
		return []*finding{everywhere(failing[ids[0]])}
	}
	return differently(ids, failing)
}

// start begins a finding with the cause of the surest of some vantages.
func start(at []*side, fault diag.Fault) *finding {
	from := at[0]
	for _, s := range at[1:] {
		if s.cause.Confidence.Rank() < from.cause.Confidence.Rank() {
			from = s
		}
	}
	f := &finding{fault: fault, at: at, from: from, id: from.cause.ID, confidence: from.cause.Confidence, summary: from.cause.Summary}
	if fault == diag.FaultServer {
		f.at = nil
	}
	return f
}

// least is the surer of two confidences, most the less sure.
func least(a, b diag.Confidence) diag.Confidence {
	if a.Rank() < b.Rank() {
		return a
	}
	return b
}

func most(a, b diag.Confidence) diag.Confidence {
	if a.Rank() < b.Rank() {
		return b
	}
	return a
}

// everywhere is one failure that all vantages meet: their networks have no part
// in it, unless they share what is at fault.
func everywhere(at []*side) *finding {
	f := start(at, diag.FaultServer)
	f.see(at, "the same from %s: %s", and(at), f.id)
	switch {
	case f.from.cause.Family == "middlebox":
		f.fault, f.at = diag.FaultNetwork, at
		f.summary += ", from " + and(at) + " alike"
		f.not = append(f.not, "it stands right before the server and is the server's own: then only the server's side can mend it")
	case f.id == "dns-failure":
		f.fault = diag.FaultDNS
		f.not = append(f.not, "both ask the same resolver")
	case certificateStage(f.from) && differentLeaves(at):
		f.fault = diag.FaultOpen
		f.not = append(f.not, "the certificates differ: one of them may be a proxy's")
	default:
		f.confidence = least(f.confidence, atMost(f.confidence))
		f.affects = []string{"clients on any network, as far as was tried"}
		f.not = append(f.not, "the part of the way that they share, close to the server")
	}
	return f
}

// atMost raises what is only possible from one place to likely: a second place
// has ruled out the first one's network.
func atMost(c diag.Confidence) diag.Confidence {
	if c == diag.Possible || c == "" {
		return diag.Likely
	}
	return c
}

// differently is for vantages that all fail, each in its way: what fails latest
// in the handshake is the server's, what fails before hides it.
func differently(ids []string, failing map[string][]*side) []*finding {
	var groups [][]*side
	for _, id := range ids {
		groups = append(groups, failing[id])
	}
	slices.SortStableFunc(groups, func(a, b []*side) int { return b[0].cause.Stage.Rank() - a[0].cause.Stage.Rank() })
	deepest := groups[0]
	all := slices.Concat(groups...)
	if certificateStage(deepest[0]) && certificateStage(all[len(all)-1]) && !differentLeaves(all) {
		f := start(all, diag.FaultServer) // one certificate, judged in two ways
		f.see(all, "all were shown the same certificate; what they make of it differs with the roots they trust and the moment")
		return []*finding{f}
	}
	if deepest[0].cause.Stage.Rank() <= diag.StageClientHello.Rank() {
		f := start(deepest, diag.FaultOpen)
		f.confidence = most(f.confidence, diag.Likely)
		for _, g := range groups {
			f.see(g, "%s: %s", and(g), g[0].cause.Summary)
		}
		f.not = append(f.not, "the server, which no vantage reached", "a fault on each of the networks")
		return []*finding{f}
	}
	out := []*finding{start(deepest, diag.FaultServer)}
	if differentLeaves(all) || deepest[0].cause.Family == "middlebox" {
		out[0].fault, out[0].at = diag.FaultOpen, deepest
	}
	for _, g := range groups[1:] {
		fault := diag.FaultOpen
		if early(g[0]) {
			fault = diag.FaultNetwork
		}
		f := start(g, fault)
		f.confidence = most(f.confidence, diag.Likely)
		f.see(deepest, "from %s the handshake gets further", and(deepest))
		out = append(out, f)
	}
	return out
}

// certificateStage tells whether a failure is about what the server showed.
func certificateStage(s *side) bool { return s.cause != nil && s.cause.Stage == diag.StageCertificate }

// early tells whether the connection ended before the server could say anything.
func early(s *side) bool { return s.cause.Stage.Rank() <= diag.StageClientHello.Rank() }

// differentLeaves tells whether the sides are known to have seen several
// certificates. Masked ones cannot be told apart.
func differentLeaves(sides []*side) bool {
	first := ""
	for _, s := range sides {
		if s.leaf == nil || s.masked {
			continue
		}
		if first == "" {
			first = s.leaf.Fingerprint
		}
		if s.leaf.Fingerprint != first {
			return true
		}
	}
	return false
}

// some is a failure that some vantages meet while it works from others.
func some(at, work []*side) *finding {
	f := start(at, diag.FaultNetwork)
	w := nearest(f.from, work)
	f.see(work, "from %s it works", and(work))
	f.affects = []string{"clients at " + and(at)}
	switch s := f.from; {
	case s.cause.Stage == diag.StageResolve:
		f.resolver(w)
	case s.cause.Stage == diag.StageProxy || s.cause.Family == "middlebox" && s.cause.ID == "proxy-refused":
		f.summary += ": the proxy that " + and(at) + " goes through"
	case s.cause.Family == "middlebox":
		f.confirmed(w)
	case s.cause.Family == "client-auth":
		f.settings(w, "the server accepts what "+w.label+" presents")
	case certificateStage(s):
		f.certificates(w)
	case s.d.Target.Client != w.d.Target.Client || s.d.Target.SNI != w.d.Target.SNI:
		f.settings(w, "they speak as different clients")
	case early(s) || s.own != nil && s.own.EndKind != "alert" && s.own.Received == 0:
		f.path(w)
	case s.cause.ID == "server-speaks-plaintext":
		f.plain(w)
	default:
		f.machine(w)
	}
	return f
}

// nearest is the vantage whose run lies closest in time.
func nearest(s *side, among []*side) *side {
	best := among[0]
	for _, o := range among[1:] {
		if apart(s, o) < apart(s, best) {
			best = o
		}
	}
	return best
}

func apart(a, b *side) time.Duration { return a.d.StartedAt.Sub(b.d.StartedAt).Abs() }

// elsewhen says that an outage between the runs explains it as well.
func (f *finding) elsewhen(w *side) {
	if apart(f.from, w) <= together {
		return
	}
	f.confidence = diag.Possible
	f.fault = diag.FaultOpen
	f.not = append(f.not, fmt.Sprintf("an outage between the runs, which are %s apart: run them at the same time", span(apart(f.from, w))))
}

// elsewhere says that the two met different machines, where they did.
func (f *finding) elsewhere(w *side) (same bool) {
	if at, ok := f.from.met(w); ok {
		f.see([]*side{f.from, w}, "both asked %s", at)
		return true
	}
	if f.from.masked || w.masked {
		f.not = append(f.not, "names and addresses are masked: whether both asked the same machine cannot be told")
		return false
	}
	if f.from.own != nil && len(w.d.Addresses) > 0 {
		f.see([]*side{f.from, w}, "the name leads %s to %s and %s to %s", f.from.label, f.from.own.Address, w.label, w.d.Addresses[0].Address)
		f.at = append([]*side{}, f.at...)
		f.next = &diag.Next{Text: "to tell the machine from the network, ask from " + f.from.label + " the machine that works for " + w.label,
			Command: "tlswhy --connect " + w.d.Addresses[0].Address + " " + hostPort(f.from.d.Target)}
	}
	return false
}

// alike tells whether both said the same hello.
func (f *finding) alike(w *side) bool {
	return f.from.own != nil && w.own != nil && f.from.d.Target.Client == w.d.Target.Client && f.from.d.Target.SNI == w.d.Target.SNI
}

// span is a duration in one unit.
func span(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
