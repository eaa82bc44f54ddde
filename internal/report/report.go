package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// Format names a way to print a diagnosis.
type Format string

// The formats.
const (
	Text     Format = "text"
	JSON     Format = "json"
	HTML     Format = "html"
	Markdown Format = "markdown"
	JUnit    Format = "junit"
	SARIF    Format = "sarif"
	Nagios   Format = "nagios"
	CSV      Format = "csv"
)

// Formats are all formats, in the order in which the help names them.
var Formats = []Format{Text, JSON, HTML, Markdown, JUnit, SARIF, Nagios, CSV}

// ParseFormat returns the format of that name.
func ParseFormat(name string) (Format, error) {
	for _, f := range Formats {
		if string(f) == strings.ToLower(name) {
			return f, nil
		}
	}
	return "", fmt.Errorf("unknown output format %q", name)
}

// Options say how to print. The zero value is text of 80 columns without
// colour.
type Options struct {
	Width   int  // columns of the text; 0 = 80
	Color   bool // ANSI colours in the text
	ASCII   bool // no character outside ASCII in the text
	Verbose int  // 1 = attempts and all findings in full, 2 = the bytes too
	Quiet   bool // text: one line per target, no table at the end
	Redact  bool // mask names, addresses and credentials
	// Certificates are listed in full in the text of one target.
	Certificates bool
	Strict       bool // a warning counts as a failure (JUnit, Nagios)
}

// Write prints one diagnosis. It does not change d.
func Write(w io.Writer, f Format, d *diag.Diagnosis, o Options) error {
	s := NewStream(w, f, o)
	if err := s.Add(d); err != nil {
		return err
	}
	return s.Close()
}

// Stream prints diagnoses as they come. Formats that are one document for all
// targets (HTML, JUnit, SARIF, Nagios) are written by Close. A Stream is not
// safe for concurrent use.
type Stream struct {
	w       io.Writer
	format  Format
	o       Options
	redact  *redactor
	n       int
	held    []*diag.Diagnosis // of the formats that are one document
	summary []summaryLine     // of the text
}

// NewStream returns a Stream that writes to w.
func NewStream(w io.Writer, f Format, o Options) *Stream {
	if o.Width <= 0 {
		o.Width = 80
	}
	o.Width = max(o.Width, minWidth)
	s := &Stream{w: w, format: f, o: o}
	if o.Redact {
		s.redact = newRedactor()
	}
	return s
}

// minWidth is the narrowest text; below it lines overflow.
const minWidth = 40

// Add prints d, or keeps it until Close.
func (s *Stream) Add(d *diag.Diagnosis) error {
	if s.redact != nil {
		d = s.redact.diagnosis(d)
	}
	s.n++
	switch s.format {
	case JSON:
		return writeJSON(s.w, d)
	case Text:
		if s.n > 1 && !s.o.Quiet {
			if _, err := io.WriteString(s.w, "\n"); err != nil {
				return err
			}
		}
		if !s.o.Quiet { // which has no table at the end
			s.summary = append(s.summary, summarize(d))
		}
		return writeText(s.w, d, s.o)
	case Markdown:
		if s.n > 1 {
			if _, err := io.WriteString(s.w, "\n---\n\n"); err != nil {
				return err
			}
		}
		return writeMarkdown(s.w, d, s.o)
	case CSV:
		return writeCSV(s.w, d, s.n == 1)
	case HTML, JUnit, SARIF, Nagios:
		s.held = append(s.held, d)
		return nil
	}
	return fmt.Errorf("unknown output format %q", s.format)
}

// Close writes what stands at the end. It does not close the writer.
func (s *Stream) Close() error {
	switch s.format {
	case Text:
		if s.n > 1 && !s.o.Quiet {
			return writeSummary(s.w, s.summary, s.o)
		}
	case CSV:
		if s.n == 0 {
			return writeCSV(s.w, nil, true)
		}
	case HTML:
		return writeHTML(s.w, s.held)
	case JUnit:
		return writeJUnit(s.w, s.held, s.o)
	case SARIF:
		return writeSARIF(s.w, s.held)
	case Nagios:
		return writeNagios(s.w, s.held, s.o)
	}
	return nil
}
