package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tlswhy/tlswhy/diag"
)

// writeJSON writes d as one line. JSON leaves DEL, C1 and bidirectional
// controls as they are; here they are escaped too, so that a line can be
// printed on a terminal.
func writeJSON(w io.Writer, d *diag.Diagnosis) error {
	return writeJSONLine(w, complete(d))
}

// writeJSONLine writes a value as one line of JSON.
func writeJSONLine(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encoding the report: %w", err)
	}
	_, err := w.Write(append(escapeJSON(bytes.TrimRight(b.Bytes(), "\n")), '\n'))
	return err
}

// escapeJSON writes unsafe runes as \uXXXX; outside strings JSON has none.
func escapeJSON(in []byte) []byte {
	out := make([]byte, 0, len(in))
	for i := 0; i < len(in); {
		if in[i] < utf8.RuneSelf && in[i] != 0x7F {
			out = append(out, in[i])
			i++
			continue
		}
		r, n := utf8.DecodeRune(in[i:])
		switch {
		case !unsafe(r) || r == utf8.RuneError:
			out = append(out, in[i:i+n]...)
		case r > 0xFFFF:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += n
	}
	return out
}

// complete returns a copy in which no list is nil: readers of the JSON find
// [] and never null.
func complete(d *diag.Diagnosis) *diag.Diagnosis {
	c := *d
	if c.Schema == "" {
		c.Schema = diag.Schema
	}
	if c.JudgedAt.IsZero() {
		c.JudgedAt = c.StartedAt
	}
	c.Causes = list(c.Causes)
	for i := range c.Causes {
		x := &c.Causes[i]
		x.Addresses, x.Evidence, x.Affects, x.Unaffected = orEmpty(x.Addresses), orEmpty(x.Evidence), orEmpty(x.Affects), orEmpty(x.Unaffected)
		x.NotRuledOut, x.Fixes = orEmpty(x.NotRuledOut), orEmpty(x.Fixes)
	}
	c.Handshake.Steps = list(c.Handshake.Steps)
	for i := range c.Handshake.Steps {
		c.Handshake.Steps[i].Notes = orEmpty(c.Handshake.Steps[i].Notes)
	}
	c.Addresses = orEmpty(c.Addresses)
	c.Certificates = list(c.Certificates)
	for i := range c.Certificates {
		c.Certificates[i].Names = orEmpty(c.Certificates[i].Names)
		c.Certificates[i].Problems = orEmpty(c.Certificates[i].Problems)
	}
	c.Attempts = list(c.Attempts)
	for i := range c.Attempts {
		c.Attempts[i].Messages = orEmpty(c.Attempts[i].Messages)
	}
	c.NotTested, c.Notes = orEmpty(c.NotTested), orEmpty(c.Notes)
	return &c
}

// list copies s, so that its elements may be changed.
func list[T any](s []T) []T { return append(make([]T, 0, len(s)), s...) }

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
