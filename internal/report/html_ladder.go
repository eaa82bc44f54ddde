package report

import (
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// ladder is the drawing of a handshake: client at the left, server at the
// right, between them what is on the path where something is known to be or
// suspected; time downwards, an arrow for each message.
type ladder struct {
	Title  string
	Middle string // what stands between the two, "" for nothing
	Rungs  []rung
}

// rung is one message, or a step without one.
type rung struct {
	From   string // client or server: an arrow from there; "" for a step of neither
	Class  string // of the status
	Minor  bool   // a message that says nothing of interest here
	Break  bool   // here it breaks
	Beyond bool   // only tlswhy went so far
	Stops  bool   // the arrow ends at what stands between
	Starts bool   // ... or begins there
	Sign   string
	Name   string
	Count  int // messages of that name in a row
	Text   string
	Notes  []note
	At     string
	Wait   int      // how long nothing was said before it, in four steps
	Agreed []string // at the right margin
	Fields []diag.Field
	Hex    string
	Size   string
	More   string // what of the bytes is left out
}

type note struct {
	Text  string
	Fault bool
}

// The bounds of a drawing.
const (
	maxRungs = 120
	maxDump  = 1024 // bytes of a message that are shown
)

// newLadder draws the handshake that the diagnosis is about; nil where there
// was none.
func newLadder(d *diag.Diagnosis) *ladder {
	l := &ladder{Title: "The handshake with " + safeLine(label(d.Target)), Middle: between(d)}
	var made diag.Attempt
	for i := range d.Attempts {
		if d.Attempts[i].N == d.Handshake.Attempt {
			made = d.Attempts[i]
		}
	}
	broken, last := false, math.NaN()
	for _, x := range placed(d.Handshake.Steps, made.Messages) {
		if len(l.Rungs) == maxRungs {
			break
		}
		r := newRung(x)
		if x.step != nil {
			r.Break = !broken && x.step.Status == diag.StatusBad
			broken = broken || r.Break
		}
		if at, ok := x.at(); ok {
			r.At, r.Wait, last = milliseconds(at), wait(at-last), at
		}
		if n := len(l.Rungs); r.Minor && n > 0 && l.Rungs[n-1].Minor && l.Rungs[n-1].From == r.From && l.Rungs[n-1].Name == r.Name {
			l.Rungs[n-1].Count++
			continue
		}
		if r.Class != string(diag.StatusNever) {
			r.Agreed = agreedAt(&made, r.Name, r.From)
		}
		if strings.Join(r.Agreed, ", ") == r.Text {
			r.Text = ""
		}
		l.Rungs = append(l.Rungs, r)
	}
	if len(l.Rungs) == 0 {
		return nil
	}
	if l.Middle != "" {
		l.meet()
	}
	if d.Observed == nil {
		l.beyond()
	}
	return l
}

// beyond greys what came after a certificate that the client would have
// refused: only tlswhy went on.
func (l *ladder) beyond() {
	i := slices.IndexFunc(l.Rungs, func(r rung) bool { return r.Break })
	if i < 0 || i+1 == len(l.Rungs) || l.Rungs[i].From != "server" || l.Rungs[i].Name != "Certificate" {
		return
	}
	for k := range l.Rungs[i+1:] {
		l.Rungs[i+1+k].Beyond = true
	}
	l.Rungs = slices.Insert(l.Rungs, i+1, rung{Class: "inform", Minor: true, Count: 1, Name: "the client stops here; tlswhy went on to see the rest"})
}

// between names what stands between client and server.
func between(d *diag.Diagnosis) string {
	if slices.ContainsFunc(d.Handshake.Steps, func(s diag.Step) bool { return s.Stage == diag.StageProxy }) {
		return "proxy"
	}
	if c := leading(d); c != nil && c.Family == "middlebox" {
		return "on the path"
	}
	return ""
}

// meet lets the arrows around the break end and begin at what is between.
func (l *ladder) meet() {
	i := slices.IndexFunc(l.Rungs, func(r rung) bool { return r.Break })
	if i < 0 {
		return
	}
	b := &l.Rungs[i]
	b.Stops, b.Starts = b.From == "client", b.From == "server"
	if i > 0 && l.Rungs[i-1].From == "client" {
		l.Rungs[i-1].Stops = true // as far as it is known to have come
	}
}

// place is a step or a message in its place of the drawing.
type place struct {
	after int // index of the message at which it stands
	step  *diag.Step
	msg   *diag.Message
}

func (p place) at() (float64, bool) {
	switch {
	case p.msg != nil:
		return p.msg.AtMS, true
	case p.step != nil && p.step.AtMS != nil:
		return *p.step.AtMS, true
	}
	return 0, false
}

// placed orders steps and messages in one row. A step that is about a message
// takes its place; others stand behind the step before them, or where their
// time says.
func placed(steps []diag.Step, msgs []diag.Message) []place {
	used := make([]bool, len(msgs))
	var all []place
	here := -1
	for i := range steps {
		s := &steps[i]
		p := place{step: s}
		switch at := messageOf(s, msgs, used); {
		case at >= 0:
			used[at] = true
			p.msg, p.after, here = &msgs[at], at, at
		case s.Status == diag.StatusNever:
			p.after = len(msgs)
		case s.AtMS != nil && s.Stage.Rank() > diag.StageConnect.Rank():
			for here+1 < len(msgs) && msgs[here+1].AtMS <= *s.AtMS {
				here++
			}
			p.after = here
		default:
			p.after = here
		}
		all = append(all, p)
	}
	for i := range msgs {
		if !used[i] {
			all = append(all, place{after: i, msg: &msgs[i]})
		}
	}
	// Of those in one place, the message comes first.
	slices.SortStableFunc(all, func(a, b place) int {
		if a.after != b.after {
			return a.after - b.after
		}
		return rank(a) - rank(b)
	})
	return all
}

func rank(p place) int {
	if p.msg != nil {
		return 0
	}
	return 1
}

// messageOf finds the message that a step is about, -1 for none.
func messageOf(s *diag.Step, msgs []diag.Message, used []bool) int {
	name, found := strings.TrimSuffix(s.Name, "*"), -1
	if name == "answer" {
		name = "application data"
	}
	for i := range msgs {
		m := &msgs[i]
		same := m.Name == name || m.Name == "CompressedCertificate" && name == "Certificate"
		if used[i] || !same || m.From != s.From && !(s.From == "" && name == "Finished") || s.Status == diag.StatusNever {
			continue
		}
		found = i
		if name != "Alert" && name != "Finished" { // of those the last counts
			break
		}
	}
	return found
}

func newRung(p place) rung {
	var r rung
	if m := p.msg; m != nil {
		r = rung{From: side(m.From), Name: shorten(safeLine(m.Name), 40), Class: "inform", Minor: true, Count: 1, Fields: m.Fields, Size: thousands(m.Size) + " bytes"}
		if m.Size == 0 {
			r.Size = ""
		}
		if raw, err := hex.DecodeString(m.Raw); err == nil && len(raw) > 0 {
			r.Hex = dumped(raw[:min(len(raw), maxDump)])
			if n := len(raw) - maxDump; n > 0 {
				r.More = "and " + thousands(n) + " more bytes"
			}
		}
	}
	s := p.step
	if s == nil {
		return r
	}
	r.Minor, r.Count, r.Name, r.Class = false, 1, shorten(safeLine(s.Name), 40), stepClass(s.Status)
	r.Sign, _ = statusSign(s.Status)
	if r.From == "" {
		r.From = side(s.From)
	}
	r.Text = safeLine(stepText(*s))
	if strings.HasSuffix(r.Text, " bytes") {
		r.Size = "" // said
	}
	if r.Text == "" && s.Status == diag.StatusNever {
		r.Text = "never happened"
	}
	for _, n := range s.Notes {
		r.Notes = append(r.Notes, note{Text: shorten(safeLine(n), 400), Fault: (s.Status == diag.StatusBad || s.Status == diag.StatusWarn) && !dialogue(n)})
	}
	return r
}

// side is the sender where it is one of the two.
func side(s string) string {
	if s == "client" || s == "server" {
		return s
	}
	return ""
}

// agreedAt is what stands at the right margin beside a message: what the two
// sides agreed on with it.
func agreedAt(a *diag.Attempt, name, from string) []string {
	var out []string
	add := func(s string) {
		if s != "" {
			out = append(out, safeLine(s))
		}
	}
	has := func(message string) bool {
		return slices.ContainsFunc(a.Messages, func(m diag.Message) bool { return m.Name == message })
	}
	switch {
	case from != "server":
	case name == "ServerHello":
		add(a.Version)
		add(a.Suite)
		add(a.Group)
		if !has("EncryptedExtensions") {
			add(a.ALPN)
		}
	case name == "EncryptedExtensions":
		add(a.ALPN)
	}
	return out
}

// wait grades a silence of so many milliseconds.
func wait(ms float64) int {
	switch {
	case ms >= 1000:
		return 3
	case ms >= 200:
		return 2
	case ms >= 20:
		return 1
	}
	return 0
}

func stepClass(s diag.Status) string {
	switch s {
	case diag.StatusOK, diag.StatusBad, diag.StatusWarn, diag.StatusNever:
		return string(s)
	}
	return "inform"
}

// dumped writes bytes as offset, hex and the printable ones.
func dumped(raw []byte) string {
	const per = 16
	var b strings.Builder
	for off := 0; off < len(raw); off += per {
		row := raw[off:min(off+per, len(raw))]
		offset := strconv.FormatInt(int64(off), 16)
		b.WriteString(strings.Repeat("0", max(0, 4-len(offset))) + offset + "  ")
		for i := range per {
			switch {
			case i < len(row):
				b.WriteString(hex.EncodeToString(row[i:i+1]) + " ")
			default:
				b.WriteString("   ")
			}
			if i == per/2-1 {
				b.WriteByte(' ')
			}
		}
		b.WriteByte(' ')
		for _, c := range row {
			if c < 0x20 || c > 0x7E {
				c = '.'
			}
			b.WriteByte(c)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
