package echo

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// What became of a ClientHello on its way.
const (
	Same      = "same"      // it arrived as it was sent, and was answered
	Rewritten = "rewritten" // it arrived, with other bytes
	Remade    = "remade"    // another one arrived in its place
	Short     = "short"     // only a part of it arrived
	Lost      = "lost"      // nothing arrived
	Unheard   = "unheard"   // it arrived and was answered, but the answer did not come back
	Elsewhere = "elsewhere" // nothing arrived, and yet somebody answered
)

// Sent is a ClientHello as it left, and what came back.
type Sent struct {
	Hello    []byte // the handshake message
	Answered bool   // a ServerHello came back
	Leaf     string // SHA-256 of the certificate that came with it, in hex; "" when none was seen
}

// Fate says what became of a ClientHello, which arrival that was, and what
// differs in it. The arrivals are those since it was sent, and nothing else was
// sent meanwhile; from is our address as the server sees it, ip:port.
func Fate(s Sent, arrivals []Arrival, from string) (string, *Arrival, []string) {
	own, err := tlswire.ParseClientHello(s.Hello)
	if err != nil || own == nil {
		return Lost, nil, nil
	}
	var best *Arrival
	var came *tlswire.ClientHello
	for i := range arrivals {
		a := &arrivals[i]
		h := hello(a.Raw)
		switch {
		case h != nil && bytes.Equal(h.Random, own.Random):
			best, came = a, h
		case best == nil && (host(a.From) == host(from) || h != nil && h.ServerName() != "" && h.ServerName() == own.ServerName()):
			best, came = a, h
		default:
			continue
		}
		if came != nil && bytes.Equal(came.Random, own.Random) {
			break
		}
	}
	switch {
	case best == nil && s.Answered:
		return Elsewhere, nil, nil
	case best == nil:
		return Lost, nil, nil
	case came == nil || !best.Whole:
		return Short, best, []string{fmt.Sprintf("%d bytes came, of %d", len(best.Raw), len(s.Hello)+5)}
	}
	diffs := Differences(own, came)
	switch {
	case !bytes.Equal(came.Random, own.Random):
		return Remade, best, diffs
	case len(diffs) > 0 || !bytes.Equal(came.Raw, s.Hello):
		return Rewritten, best, diffs
	case s.Leaf != "" && best.Leaf != "" && s.Leaf != best.Leaf:
		return Elsewhere, best, nil
	case !s.Answered:
		return Unheard, best, nil
	}
	return Same, best, nil
}

func host(addr string) string {
	i := strings.LastIndexByte(addr, ':')
	if i < 0 {
		return addr
	}
	return addr[:i]
}

// hello reads the ClientHello in records; nil when there is no whole one.
func hello(raw []byte) *tlswire.ClientHello {
	var split tlswire.RecordSplitter
	var join tlswire.Reassembler
	split.Push(raw)
	for {
		record, ok, err := split.Next()
		if err != nil || !ok || record.Type != tlswire.ContentHandshake || join.Push(record.Fragment) != nil {
			return nil
		}
		if m, whole, err := join.Next(); err != nil {
			return nil
		} else if whole {
			h, err := tlswire.ParseClientHello(m.Raw)
			if err != nil {
				return nil
			}
			return h
		}
	}
}

// Differences says in words what of a ClientHello is not as it was sent.
func Differences(sent, came *tlswire.ClientHello) []string {
	var out []string
	say := func(what, from, to string) {
		if from != to {
			out = append(out, fmt.Sprintf("%s: sent %s, arrived %s", what, orNone(from), orNone(to)))
		}
	}
	if !bytes.Equal(sent.Random, came.Random) {
		out = append(out, "the random is another one: the hello was made anew")
	}
	say("legacy version", sent.Version.String(), came.Version.String())
	say("highest version", sent.MaxVersion().String(), came.MaxVersion().String())
	say("server_name", sent.ServerName(), came.ServerName())
	say("ALPN", strings.Join(sent.ALPN(), ","), strings.Join(came.ALPN(), ","))
	lists(&out, "cipher suites", sent.CipherSuites, came.CipherSuites)
	lists(&out, "groups", sent.Groups(), came.Groups())
	lists(&out, "signature schemes", sent.SignatureSchemes(), came.SignatureSchemes())
	types := func(h *tlswire.ClientHello) (t []tlswire.ExtensionType) {
		for _, e := range h.Extensions {
			t = append(t, e.Type)
		}
		return t
	}
	lists(&out, "extensions", types(sent), types(came))
	if len(out) == 0 && !bytes.Equal(sent.SessionID, came.SessionID) {
		out = append(out, "the session ID is another one")
	}
	for _, e := range sent.Extensions {
		if data, ok := came.Extension(e.Type); len(out) == 0 && ok && !bytes.Equal(data, e.Data) {
			out = append(out, fmt.Sprintf("the contents of %s", e.Type))
		}
	}
	return out
}

// lists names what is missing and what was added, or that the order is another.
func lists[T interface {
	comparable
	fmt.Stringer
}](out *[]string, what string, sent, came []T) {
	var gone, added []string
	for _, x := range sent {
		if !slices.Contains(came, x) {
			gone = append(gone, x.String())
		}
	}
	for _, x := range came {
		if !slices.Contains(sent, x) {
			added = append(added, x.String())
		}
	}
	switch {
	case len(gone) > 0:
		*out = append(*out, fmt.Sprintf("%s: without %s", what, few(gone)))
	case len(added) == 0 && !slices.Equal(sent, came):
		*out = append(*out, what+": in another order")
	}
	if len(added) > 0 {
		*out = append(*out, fmt.Sprintf("%s: with %s", what, few(added)))
	}
}

func few(list []string) string {
	if n := len(list) - 4; n > 1 {
		return strings.Join(list[:4], ", ") + fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(list, ", ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
