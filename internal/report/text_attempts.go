package report

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// certificates lists the chain.
func (p *printer) certificates(d *diag.Diagnosis, show bool) {
	if !show || len(d.Certificates) == 0 {
		return
	}
	p.blank()
	p.put("  " + p.paint(bold, "Certificates"))
	for _, c := range d.Certificates {
		what := c.Role
		if c.Source != "" && c.Source != "sent" {
			what += ", " + c.Source
		}
		p.item(item{indent: 4, lead: pad(p.bounded(what, 21), 21) + " ", text: c.Subject})
		var facts []string
		if c.Issuer != "" && c.Issuer != c.Subject {
			facts = append(facts, "issued by "+c.Issuer)
		}
		if !c.NotAfter.IsZero() {
			facts = append(facts, day(c.NotBefore)+" … "+day(c.NotAfter))
		}
		if c.Key != "" {
			facts = append(facts, c.Key)
		}
		if c.Signature != "" {
			facts = append(facts, "signed with "+c.Signature)
		}
		if len(facts) > 0 {
			p.item(item{indent: 26, text: strings.Join(facts, "; "), style: dim})
		}
		if len(c.Names) > 0 {
			p.item(item{indent: 26, text: namesLine(c.Names), style: dim})
		}
		for _, s := range c.Problems {
			p.item(item{indent: 24, lead: p.glyph("✗") + " ", leadStyle: red, text: s})
		}
	}
}

// namesLine lists the names of a certificate; of hundreds only the first.
func namesLine(names []string) string {
	const shown = 12
	if len(names) <= shown {
		return "for " + strings.Join(names, ", ")
	}
	return "for " + strings.Join(names[:shown], ", ") + " and " + strconv.Itoa(len(names)-shown) + " more"
}

// attempts writes the table of connections, and with -vv, or where nothing was
// explained, their messages.
func (p *printer) attempts(d *diag.Diagnosis, o Options, unexplained bool) {
	if len(d.Attempts) == 0 {
		return
	}
	p.blank()
	p.put("  " + p.paint(bold, "Attempts"))
	same := true
	addr, n := 0, 2
	for _, a := range d.Attempts {
		same = same && a.Address == d.Attempts[0].Address
		addr = max(addr, columns(p.bounded(a.Address, 48)))
		n = max(n, len(strconv.Itoa(a.N)))
	}
	if same {
		p.item(item{indent: 4, text: "all to " + d.Attempts[0].Address, style: dim})
		addr = 0
	} else {
		addr = min(addr, 26) + 2
	}
	left := 4 + n + 2 + addr
	free := p.width - left - 9
	change := free * 9 / 20
	end := free - change - 2
	for _, a := range d.Attempts {
		p.attempt(a, n, addr, change, end)
		if o.Verbose > 1 || unexplained && a.N == d.Handshake.Attempt {
			p.messages(a, 4+n+2, o.Verbose > 1)
		}
	}
}

// attempt writes one row: two columns of text that wrap beside each other.
func (p *printer) attempt(a diag.Attempt, n, addr, change, end int) {
	what := a.Change
	if what == "" {
		what = "your own hello"
	}
	left := wrap(p.line(what), change, change, true)
	right := wrap(p.line(a.End), end, end, true)
	for i := range max(len(left), len(right)) {
		var l, r string
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = right[i]
		}
		row := strings.Repeat(" ", 4)
		if i == 0 {
			row += padLeft(strconv.Itoa(a.N), n) + "  "
			if addr > 0 {
				row += pad(shorten(p.line(a.Address), addr-2), addr)
			}
		} else {
			row += strings.Repeat(" ", n+2+addr)
		}
		row += pad(l, change) + "  " + p.paint(endStyle(a.EndKind), r)
		if i == 0 {
			t := milliseconds(a.DurationMS)
			row += strings.Repeat(" ", max(2, end-columns(r)+9-columns(t))) + p.paint(dim, t)
		}
		p.put(row)
	}
}

func endStyle(kind string) style {
	switch kind {
	case "completed", "stopped":
		return green
	}
	return none
}

// hexLimit bounds the bytes of a message that the unasked transcript prints.
const hexLimit = 64

func (p *printer) messages(a diag.Attempt, indent int, all bool) {
	for _, m := range a.Messages {
		mark := "→"
		if m.From == "server" {
			mark = "←"
		}
		p.item(item{indent: indent, lead: p.glyph(mark) + " ", text: m.Name + ", " + thousands(m.Size) + " bytes", right: milliseconds(m.AtMS)})
		raw, err := hex.DecodeString(m.Raw)
		if err != nil || len(raw) == 0 {
			continue
		}
		if !all && (m.From != "server" || len(raw) == 0) {
			continue
		}
		cut := 0
		if !all && len(raw) > hexLimit {
			cut = len(raw) - hexLimit
			raw = raw[:hexLimit]
		}
		p.dump(raw, indent+2)
		if cut > 0 {
			p.item(item{indent: indent + 2, text: "… " + thousands(cut) + " more bytes: -vv", style: dim})
		}
	}
}

// dump writes bytes as offset, hex and the printable ones.
func (p *printer) dump(raw []byte, indent int) {
	per := 16
	if indent+6+3*16+2+16 > p.width {
		per = 8
	}
	for off := 0; off < len(raw); off += per {
		row := raw[off:min(off+per, len(raw))]
		var hx, tx strings.Builder
		for _, c := range row {
			hx.WriteString(hex.EncodeToString([]byte{c}))
			hx.WriteByte(' ')
			if c < 0x20 || c > 0x7E {
				c = '.'
			}
			tx.WriteByte(c)
		}
		offset := strconv.FormatInt(int64(off), 16)
		offset = strings.Repeat("0", max(0, 4-len(offset))) + offset
		p.put(strings.Repeat(" ", indent) + p.paint(dim, offset+"  "+pad(hx.String(), 3*per)+" "+tx.String()))
	}
}
