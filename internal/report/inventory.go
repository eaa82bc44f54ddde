package report

import (
	"fmt"
	"io"

	"github.com/tlswhy/tlswhy/diag"
)

// InventoryStream prints inventories as they come, as Stream does diagnoses.
type InventoryStream struct {
	w      io.Writer
	format Format
	o      Options
	redact *redactor
	n      int
	held   []*diag.Inventory // of the formats that are one document
}

// NewInventoryStream returns a stream that writes to w.
func NewInventoryStream(w io.Writer, f Format, o Options) *InventoryStream {
	if o.Width <= 0 {
		o.Width = 80
	}
	s := &InventoryStream{w: w, format: f, o: o}
	if o.Redact {
		s.redact = newRedactor()
	}
	return s
}

// Add prints inv, or keeps it until Close.
func (s *InventoryStream) Add(inv *diag.Inventory) error {
	if s.redact != nil {
		inv = s.redact.inventory(inv)
	}
	s.n++
	switch s.format {
	case HTML, JUnit, SARIF, Nagios:
		s.held = append(s.held, inv)
		return nil
	case CSV:
		if s.n == 1 {
			if err := writeInventoryCSV(s.w, nil); err != nil {
				return err
			}
		}
		return writeInventoryCSV(s.w, inv)
	case Markdown:
		return writeInventoryMarkdown(s.w, inv)
	case JSON:
		return writeJSONLine(s.w, inv)
	case Text:
		p := newPrinter(s.o)
		if s.n > 1 && !s.o.Quiet {
			p.blank()
		}
		p.inventory(inv, s.o)
		return p.flush(s.w)
	}
	return fmt.Errorf("an inventory is not printed as %s", s.format)
}

// Close writes what stands at the end.
func (s *InventoryStream) Close() error {
	switch s.format {
	case HTML:
		return writeInventoryHTML(s.w, s.held)
	case JUnit:
		return writeInventoryJUnit(s.w, s.held, s.o)
	case Nagios:
		return writeInventoryNagios(s.w, s.held, s.o.Strict)
	case SARIF:
		var ds []*diag.Diagnosis
		for _, inv := range s.held {
			ds = append(ds, inventoryAsDiagnosis(inv))
		}
		return writeSARIF(s.w, ds)
	case CSV:
		if s.n == 0 {
			return writeInventoryCSV(s.w, nil)
		}
	}
	return nil
}
