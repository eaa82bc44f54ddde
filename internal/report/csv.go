package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// csvColumns are the columns of the CSV form. New ones are added at the end.
var csvColumns = []string{"target", "verdict", "causes", "confidence", "summary", "days_left", "not_before", "not_after", "subject", "issuer", "serial", "sha256"}

// writeCSV writes a line for a diagnosis (RFC 4180, but for its line ends), with what a table of
// certificates needs of the first one; nil is none.
func writeCSV(w io.Writer, d *diag.Diagnosis, header bool) error {
	out := csv.NewWriter(w)
	if header {
		if err := out.Write(csvColumns); err != nil {
			return err
		}
	}
	if d != nil {
		if err := out.Write(csvLine(d)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func csvLine(d *diag.Diagnosis) []string {
	target := label(d.Target)
	if d.Target.Protocol == "file" {
		target = d.Target.Input
	}
	var ids []string
	for _, c := range d.Causes {
		if c.Severity != diag.SeverityInfo {
			ids = append(ids, c.ID)
		}
	}
	line := []string{target, string(d.Verdict), strings.Join(ids, " "), "", ""}
	if len(ids) > 0 {
		c := d.Causes[0]
		line[3], line[4] = string(c.Confidence), c.Summary
	}
	first := diag.Certificate{}
	if len(d.Certificates) > 0 {
		first = d.Certificates[0]
	}
	days := ""
	if n, ok := daysLeft(d); ok {
		days = strconv.Itoa(n)
	}
	line = append(line, days, csvTime(first.NotBefore), csvTime(first.NotAfter), first.Subject, first.Issuer, first.Serial, first.Fingerprint)
	for i, s := range line {
		line[i] = harmless(safeLine(s))
	}
	return line
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// harmless keeps a spreadsheet from taking a text for a formula, which a
// certificate's names could be. Numbers stay numbers.
func harmless(s string) string {
	if s == "" || !strings.ContainsAny(s[:1], "=+-@") {
		return s
	}
	if _, err := strconv.Atoi(s); err == nil {
		return s
	}
	return "'" + s
}
