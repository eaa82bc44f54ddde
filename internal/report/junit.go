package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr,omitempty"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Time    string       `xml:"time,attr"`
	Failure *junitResult `xml:"failure"`
	Error   *junitResult `xml:"error"`
	Out     *junitOut    `xml:"system-out"`
}

type junitResult struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",cdata"`
}

type junitOut struct {
	Text string `xml:",cdata"`
}

// writeJUnit writes one test suite with one case per target: a failure is a
// failed test, what could not be tested an error, a warning passes unless
// strict is set.
func writeJUnit(w io.Writer, ds []*diag.Diagnosis, o Options) error {
	suite := junitSuite{Name: "tlswhy", Tests: len(ds)}
	total := 0.0
	for _, d := range ds {
		total += d.DurationMS / 1000
		if suite.Timestamp == "" && !d.StartedAt.IsZero() {
			suite.Timestamp = d.StartedAt.UTC().Format("2006-01-02T15:04:05")
		}
		c := junitCase{Class: "tlswhy." + junitClass(d), Name: safeLine(label(d.Target)), Time: fmt.Sprintf("%.3f", d.DurationMS/1000)}
		text := junitText(d)
		result := &junitResult{Message: safeLine(headline(d)), Type: junitClass(d), Text: text}
		switch {
		case d.Verdict == diag.Failure, d.Verdict == diag.Warning && o.Strict:
			if d.Verdict == diag.Warning {
				if list := others(d, false); len(list) > 0 {
					result.Message = safeLine(list[0].Summary)
				}
			}
			c.Failure = result
			suite.Failures++
		case d.Verdict == diag.OK, d.Verdict == diag.Warning:
			c.Out = &junitOut{Text: text}
		default:
			c.Error = result
			suite.Errors++
		}
		suite.Cases = append(suite.Cases, c)
	}
	suite.Time = fmt.Sprintf("%.3f", total)
	all := junitSuites{Name: "tlswhy", Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Time: suite.Time, Suites: []junitSuite{suite}}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return fmt.Errorf("encoding JUnit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// junitClass is the id of the leading cause, "healthy" without one.
func junitClass(d *diag.Diagnosis) string {
	if c := leading(d); c != nil {
		return safeLine(c.ID)
	}
	if list := others(d, false); len(list) > 0 {
		return safeLine(list[0].ID)
	}
	return "healthy"
}

// junitText is the text report, whose runes are all allowed in XML.
func junitText(d *diag.Diagnosis) string {
	p := newPrinter(Options{Width: 100})
	p.diagnosis(d, Options{})
	return "\n" + strings.Map(xmlRune, p.b.String())
}

// xmlRune drops what XML 1.0 does not know.
func xmlRune(r rune) rune {
	if r == 0xFFFE || r == 0xFFFF {
		return -1
	}
	return r
}
