package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// WriteClient prints what a client offers, as text or as one line of JSON.
func WriteClient(w io.Writer, f Format, c *diag.Client, o Options) error {
	switch f {
	case JSON:
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(c); err != nil {
			return fmt.Errorf("encoding the client: %w", err)
		}
		_, err := w.Write(append(escapeJSON(bytes.TrimRight(b.Bytes(), "\n")), '\n'))
		return err
	case Text:
		p := newPrinter(o)
		p.client(c, o.Verbose > 0)
		return p.flush(w)
	}
	return fmt.Errorf("a client is printed as text or json, not as %s", f)
}

// clientLabel is the column of the text behind "ClientHello" and the like.
const clientLabel = 13

func (p *printer) client(c *diag.Client, all bool) {
	sign, st := "✓", green
	if !c.Completed {
		sign, st = "?", yellow
	}
	p.item(item{lead: p.paint(st, p.glyph(sign)) + " ", leadWidth: 2, text: "a client at " + c.From + ": " + c.Outcome})
	if c.Offer == nil {
		return
	}
	p.blank()
	p.offer(c.Offer, all)
	if c.Version != "" {
		agreed := c.Version + ", " + c.Suite
		if c.Protocol != "" {
			agreed += ", " + c.Protocol
		}
		p.clientLine("agreed on", agreed)
	}
	if len(c.Certificates) == 0 && c.Completed && c.Asked {
		p.clientLine("certificate", "none was sent, although one was asked for")
	}
	for _, x := range c.Certificates {
		p.clientLine("certificate", x.Subject+", issued by "+x.Issuer+", valid until "+day(x.NotAfter))
	}
	if len(c.LooksLike) > 0 {
		p.clientLine("looks like", few(c.LooksLike, 4, all))
	}
	p.clientLine("fingerprint", "JA4 "+c.Offer.JA4+", JA3 "+c.Offer.JA3)
	p.blank()
	if len(c.FailsOn) == 0 {
		p.item(item{indent: 2, text: "reaches every kind of server in the list"})
	}
	for i, f := range c.FailsOn {
		lead := ""
		if i == 0 {
			lead = "fails on"
		}
		p.item(item{indent: 2, lead: lead, leadWidth: clientLabel, leadStyle: bold, text: "a server " + f.Server, right: f.Cause})
	}
	if all {
		for i, s := range c.Works {
			lead := ""
			if i == 0 {
				lead = "reaches"
			}
			p.item(item{indent: 2, lead: lead, leadWidth: clientLabel, leadStyle: bold, text: "a server " + s})
		}
	}
}

func (p *printer) offer(o *diag.Offer, all bool) {
	size := fmt.Sprintf("%s, %s bytes in %s", strings.Join(o.Versions, ", "), thousands(o.Bytes), plural(o.Records, "record"))
	if n := len(o.Segments); n > 1 {
		size += fmt.Sprintf(", which came in %d pieces", n)
	}
	p.clientLine("ClientHello", size)
	sni := o.SNI
	if sni == "" {
		sni = "none: a server with several names does not know which one is meant"
	}
	p.clientLine("SNI", sni)
	for _, l := range []struct {
		name string
		list []string
		most int
	}{{"ALPN", o.ALPN, 8}, {"suites", o.Suites, 6}, {"groups", o.Groups, 6}, {"key shares", o.KeyShares, 6}, {"signatures", o.Schemes, 6}, {"for chains", o.SchemesCert, 6}, {"compression", o.Compression, 4}, {"extensions", o.Extensions, 8}, {"also", o.Marks, 8}} {
		text := few(l.list, l.most, all)
		if len(l.list) == 0 {
			if l.name == "for chains" || l.name == "compression" || l.name == "also" {
				continue
			}
			text = "none"
		}
		p.clientLine(l.name, text)
	}
}

func (p *printer) clientLine(name, text string) {
	p.item(item{indent: 2, lead: name, leadWidth: clientLabel, text: text})
}

// few lists the first of many.
func few(list []string, most int, all bool) string {
	if all || len(list) <= most+1 {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
}
