package errtext

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// Result is what a text says about TLS.
type Result struct {
	// Matches are the distinct failures, the most frequent first.
	Matches []facts.TextMatch
	Lines   int
	Bytes   int64
	// Dropped counts failures that came after maxDistinct different ones.
	Dropped int
	// Binary tells that the input begins like no text: a picture, a packed file.
	Binary bool
}

// The bounds on what is kept of an input, however long it is.
const (
	maxLine     = 16 << 10 // bytes of a line; what is longer counts as several
	maxRecord   = 64 << 10 // bytes of a record
	maxLines    = 400      // lines of a record
	maxDistinct = 500      // different failures
	maxPeers    = 256      // addresses of one failure
	bulkLines   = 200      // from here on only lines with a telling word are read
	nearby      = 6        // lines between the parts of one failure
	logLines    = 25       // so many lines are a log
	logRecords  = 6        // and so many that begin with a time
)

// Parse reads a text in memory.
func Parse(s string) *Result {
	r, _ := Read(strings.NewReader(s)) // a string does not fail
	return r
}

// Read reads a text of any length in bounded memory. The error is the
// reader's; what was read before it is in the result.
func Read(in io.Reader) (*Result, error) {
	rd := &reader{seen: map[string]*group{}}
	br := bufio.NewReaderSize(in, 256<<10)
	err := rd.lines(br)
	rd.endRecord()
	rd.endEvent()
	return rd.result(), err
}

type reader struct {
	r       Result
	rec     record
	size    int
	logged  int    // records that begin with a time
	pending *event // waits for what belongs to it
	seen    map[string]*group
}

// group is all events that say the same.
type group struct {
	facts.TextMatch
	weak  bool
	peers map[string]int
}

// lines cuts the input into lines; UTF-16 is read too, as PowerShell writes it.
func (rd *reader) lines(br *bufio.Reader) error {
	var in io.Reader = br
	switch head, _ := br.Peek(512); {
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}), len(head) > 3 && head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
		in = &utf16Reader{in: br}
	case bytes.IndexByte(head, 0) >= 0 && !utf8.Valid(head[:max(1, len(head)-utf8.UTFMax)]):
		rd.r.Binary = true
	}
	lr := bufio.NewReaderSize(in, maxLine)
	for {
		b, more, err := lr.ReadLine()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("reading the text: %w", err)
		}
		rd.r.Bytes += int64(len(b)) + 1
		rd.line(string(b), more)
	}
}

// line takes the next line; part says that it goes on.
func (rd *reader) line(s string, part bool) {
	s = strings.TrimRight(s, "\r")
	logged := startsWithTime(s)
	empty := strings.TrimSpace(s) == ""
	if len(rd.rec.lines) > 0 && (logged || rd.begins(s) || rd.size+len(s) > maxRecord || len(rd.rec.lines) >= maxLines || empty && (rd.rec.logged || len(rd.rec.lines) > 40)) {
		rd.endRecord()
	}
	if len(rd.rec.lines) == 0 {
		rd.rec.first, rd.rec.logged = rd.r.Lines+1, logged
		if logged {
			rd.logged++
		}
	}
	rd.rec.lines = append(rd.rec.lines, s)
	rd.size += len(s)
	if !part {
		rd.r.Lines++
	}
}

// begins tells whether a line that has no time begins another message all the
// same: curl's next complaint, or an exception behind a stack trace.
func (rd *reader) begins(s string) bool {
	last := rd.rec.lines[len(rd.rec.lines)-1]
	switch {
	case strings.HasPrefix(s, "curl: ("):
		return slices.ContainsFunc(rd.rec.lines, func(l string) bool { return strings.HasPrefix(l, "curl: (") })
	case s == "" || s[0] == ' ' || s[0] == '\t' || strings.HasPrefix(s, "Caused by") || strings.HasPrefix(s, "Wrapped by") || s[0] == '}' || s[0] == '.':
		return false
	}
	trimmed := strings.TrimSpace(last)
	trace := last != trimmed && (strings.HasPrefix(trimmed, "at ") || strings.HasPrefix(trimmed, "...")) || trimmed == "}"
	return trace && (strings.Contains(s, "Exception") || strings.Contains(s, "Error") || s[0] == '#')
}

func (rd *reader) endRecord() {
	if rd.r.Lines > bulkLines && rd.rec.logged && !slices.ContainsFunc(rd.rec.lines, mayConcernTLS) {
		rd.rec.lines, rd.size = rd.rec.lines[:0], 0
		return
	}
	if e := rd.rec.read(); e != nil {
		rd.event(e)
	}
	rd.rec.lines, rd.size = rd.rec.lines[:0], 0
}

// event joins what belongs together: lines that only say that it failed go to
// the line that says why, and a reason repeated for the same connection counts
// once.
func (rd *reader) event(e *event) {
	p := rd.pending
	if p == nil || e.Line-p.Last > nearby || !p.joins(e) {
		rd.endEvent()
		rd.pending = e
		return
	}
	if rankOf(e.Problem) > rankOf(p.Problem) && !e.Has(facts.SignLoose) || p.Generic && !e.Generic {
		e, p = p, e
	}
	p.absorb(e)
	rd.pending = p
}

// joins tells whether two neighbouring events are parts of one failure.
func (e *event) joins(o *event) bool {
	if e.Side != o.Side && e.Side != 0 && o.Side != 0 || e.Host != o.Host && e.Host != "" && o.Host != "" || e.peer != o.peer && e.peer != "" && o.peer != "" {
		return false
	}
	if e.Generic != o.Generic || e.echoes(o) {
		return true
	}
	return e.id != "" && e.id == o.id && (e.conn || e.Problem != o.Problem)
}

// echoes tells that of two neighbouring lines one says what is wrong with a
// certificate, and the other only that it was not accepted.
func (e *event) echoes(o *event) bool {
	const next = 1
	return o.Line-e.Last <= next && !e.Generic && (e.Problem == facts.ProblemNotTrusted) != (o.Problem == facts.ProblemNotTrusted) &&
		(ofCertificate(e.Problem) || ofCertificate(o.Problem))
}

// ofCertificate tells the reasons for which a certificate is not accepted.
func ofCertificate(p facts.Problem) bool {
	switch p {
	case facts.ProblemUnknownCA, facts.ProblemSelfSigned, facts.ProblemSelfSignedRoot, facts.ProblemIncomplete, facts.ProblemExpired, facts.ProblemNotYetValid,
		facts.ProblemDates, facts.ProblemHostname, facts.ProblemRevoked, facts.ProblemPurpose, facts.ProblemWeak, facts.ProblemCRLExpired, facts.ProblemNoRevocation:
		return true
	}
	return false
}

// absorb adds what another part of the same failure tells.
func (e *event) absorb(o *event) {
	e.Line, e.Last = min(e.Line, o.Line), max(e.Last, o.Last)
	if order(o.Stack) > order(e.Stack) {
		e.Stack = o.Stack
	}
	e.Library, e.Version = cmp.Or(e.Library, o.Library), cmp.Or(e.Version, o.Version)
	e.Side, e.Host, e.Port, e.CertName = cmp.Or(e.Side, o.Side), cmp.Or(e.Host, o.Host), cmp.Or(e.Port, o.Port), cmp.Or(e.CertName, o.CertName)
	e.Stage, e.peer, e.id = cmp.Or(e.Stage, o.Stage), cmp.Or(e.peer, o.peer), cmp.Or(e.id, o.id)
	e.weak = e.weak && o.weak
	for _, s := range o.Signs {
		if !e.Has(s) {
			e.Signs = append(e.Signs, s)
		}
	}
	if o.Problem != e.Problem && !slices.Contains(e.Also, o.Problem) {
		e.Also = append(e.Also, o.Problem)
	}
	e.settleWhose()
}

func (rd *reader) endEvent() {
	e := rd.pending
	rd.pending = nil
	if e == nil {
		return
	}
	key := fmt.Sprint(e.Stack, "|", e.Side, "|", e.Whose, "|", e.Problem, "|", e.Alert, "|", e.Way, "|", e.Host, "|", e.CertName)
	g := rd.seen[key]
	if g == nil {
		if len(rd.seen) == maxDistinct {
			rd.r.Dropped++
			return
		}
		g = &group{TextMatch: e.TextMatch, weak: e.weak, peers: map[string]int{}}
		g.Count = 0
		rd.seen[key] = g
	}
	g.Count++
	g.Last = max(g.Last, e.Last)
	g.weak = g.weak && e.weak
	if _, known := g.peers[e.peer]; e.peer != "" && (known || len(g.peers) < maxPeers) {
		g.peers[e.peer]++
	}
}

// result orders what was found. In a log, words that concern TLS only where TLS
// is the subject do not count by themselves.
func (rd *reader) result() *Result {
	isLog := rd.r.Lines > logLines || rd.logged >= logRecords
	for _, g := range rd.seen {
		if g.weak && (rd.r.Lines > 12 || rd.r.Lines > 3 && rd.logged > 1) {
			continue
		}
		g.Log = isLog
		for a, n := range g.peers {
			g.Peers++
			g.Most = max(g.Most, n)
			if public(a) {
				g.Public++
			}
		}
		rd.r.Matches = append(rd.r.Matches, g.TextMatch)
	}
	slices.SortFunc(rd.r.Matches, func(a, b facts.TextMatch) int {
		if !isLog {
			if a.Has(facts.SignLoose) != b.Has(facts.SignLoose) {
				return map[bool]int{true: 1, false: -1}[a.Has(facts.SignLoose)]
			}
			if d := rankOf(b.Problem) - rankOf(a.Problem); d != 0 {
				return d
			}
		}
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Line, b.Line))
	})
	return &rd.r
}

// mayConcernTLS is a cheap look at a line of a long log: without one of these
// words no phrase matches that would count there.
func mayConcernTLS(line string) bool {
	b := make([]byte, 0, 512)
	for i := range len(line) {
		c := line[i]
		if c >= utf8.RuneSelf {
			return true
		}
		if isUpper(c) {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	for _, w := range telling {
		if bytes.Contains(b, w) {
			return true
		}
	}
	return false
}

var telling = [][]byte{[]byte("tls"), []byte("ssl"), []byte("cert"), []byte("x509"), []byte("handsh"), []byte("alert"), []byte("cipher"), []byte("pkix"),
	[]byte("err"), []byte("0x80"), []byte("sec_e"), []byte("fail"), []byte("verif"), []byte("trust"), []byte("schannel"), []byte("ah0"), []byte("key"), []byte("eof")}

// startsWithTime tells lines of a log: a time of day or a date stands near the
// beginning, or it is a JSON object.
func startsWithTime(s string) bool {
	if strings.HasPrefix(s, `{"`) {
		return true
	}
	s = s[:min(len(s), 80)]
	for i := 0; i+8 <= len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			continue
		}
		if like(s[i:], "00:00:00") || like(s[i:], "0000-00-00") || like(s[i:], "0000/00/00") || like(s[i:], "0000.00.00") || like(s[i:], "0000/000000.0") {
			return true
		}
	}
	return false
}

// like compares a string with a form in which 0 stands for any digit.
func like(s, form string) bool {
	if len(s) < len(form) {
		return false
	}
	for i := range len(form) {
		if digit := '0' <= s[i] && s[i] <= '9'; form[i] == '0' && !digit || form[i] != '0' && s[i] != form[i] {
			return false
		}
	}
	return true
}

// utf16Reader turns little-endian UTF-16 into UTF-8.
type utf16Reader struct {
	in  io.Reader
	odd []byte
	out []byte
}

// Read implements io.Reader.
func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		buf := make([]byte, 4096)
		n, err := u.in.Read(buf)
		b := append(u.odd, buf[:n]...)
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = uint16(b[2*i]) | uint16(b[2*i+1])<<8
		}
		u.odd = slices.Clone(b[len(units)*2:])
		for _, r := range utf16.Decode(units) {
			if r != 0xFEFF {
				u.out = utf8.AppendRune(u.out, r)
			}
		}
		if err != nil && len(u.out) == 0 {
			return 0, err
		}
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}
