package srvconf

import (
	"fmt"
	"strconv"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// authorities reads the CAs of client certificates.
func (r *reader) authorities(s *facts.Site, l facts.Line) {
	if l.Value == "" {
		return
	}
	h := r.hold(l.Value)
	switch {
	case h.err != nil:
		fileFault(s, l, l.Value, h.err, "the file of client CAs")
	case len(h.chain) == 0:
		addFault(s, facts.Fault{At: l.Place, File: l.Value, Stops: true, Text: fmt.Sprintf("%s holds no CA certificate%s", l.Value, instead(h))})
	}
	s.Authorities = append(s.Authorities, h.chain...)
}

// revocations reads the lists by which client certificates are judged.
func (r *reader) revocations(s *facts.Site, l facts.Line) {
	if l.Value == "" {
		return
	}
	h := r.hold(l.Value)
	switch {
	case h.err != nil:
		fileFault(s, l, l.Value, h.err, "the revocation list")
	case len(h.lists) == 0:
		addFault(s, facts.Fault{At: l.Place, File: l.Value, Stops: true, Text: fmt.Sprintf("%s holds no revocation list%s", l.Value, instead(h))})
	}
	for _, list := range h.lists {
		s.Revocations = append(s.Revocations, facts.List{From: l.Value, List: list})
	}
}

// limit notes how many CAs may stand above a client's certificate: the number
// that the line says and so many more as the server does not count.
func limit(s *facts.Site, l facts.Line, uncounted int) {
	n, err := strconv.Atoi(l.Value)
	if err != nil || n < 0 {
		return
	}
	n += uncounted
	s.Depth, s.Lines[facts.SetDepth] = &n, l
}
