// Package report turns a [diag.Diagnosis] into something to read: a text of one
// screen, JSON, HTML, Markdown, JUnit, SARIF or a Nagios line. It knows nothing
// of TLS and adds no finding of its own: whatever it prints stands in the
// diagnosis. Everything a peer can influence (names, banners, certificate
// fields) is escaped, so that no report can move a cursor, hide a line or
// close a tag.
//
//	err := report.Write(os.Stdout, report.Text, d, report.Options{Width: 100, Color: true})
//
// Several targets go through a [Stream].
package report
