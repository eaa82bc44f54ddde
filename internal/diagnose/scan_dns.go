package diagnose

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// records asks the DNS for what concerns the TLS of a target: who may issue
// (CAA), which certificate is right (TLSA), and how to connect, with the keys of
// Encrypted Client Hello (HTTPS). Not where the user named the addresses: the
// name may then be none of the DNS.
func (p *plan) records(ctx context.Context, w *facts.Want, l facts.Lookup) ([]diag.Record, []diag.NotTested) {
	if _, err := netip.ParseAddr(w.Name); err == nil || p.env.LookupRecords == nil {
		return nil, nil
	}
	if w.Name == "localhost" || strings.HasSuffix(w.Name, ".localhost") { // RFC 6761, Section 6.3
		return nil, nil
	}
	if l.Given {
		return nil, []diag.NotTested{{What: "DNS records", Reason: "the addresses were named, the DNS was not asked"}}
	}
	wanted := wantedRecords(w)
	out, errs := make([]diag.Record, len(wanted)), make([]error, len(wanted))
	var wg sync.WaitGroup
	for i, q := range wanted {
		wg.Go(func() {
			out[i] = diag.Record{Name: q.names[0], Type: q.kind, Data: []string{}}
			for _, name := range q.names {
				data, err := p.env.LookupRecords(ctx, name, q.kind)
				if err != nil || len(data) > 0 {
					out[i].Name, out[i].Data, errs[i] = name, append(out[i].Data, data...), err
					return
				}
			}
		})
	}
	wg.Wait()
	var not []diag.NotTested
	for i := len(out) - 1; i >= 0; i-- {
		if errs[i] != nil {
			not = append(not, diag.NotTested{What: out[i].Type + " records of " + out[i].Name, Reason: errs[i].Error()})
			out = slices.Delete(out, i, i+1)
		}
	}
	return out, not
}

// wantedRecord is a type of record and the names to ask for it, until one has
// it.
type wantedRecord struct {
	kind  string
	names []string
}

func wantedRecords(w *facts.Want) []wantedRecord {
	caa := wantedRecord{kind: "CAA"}
	for name := w.Name; name != ""; _, name, _ = strings.Cut(name, ".") { // RFC 8659, Section 3
		caa.names = append(caa.names, name)
	}
	all := []wantedRecord{caa, {"TLSA", []string{fmt.Sprintf("_%d._tcp.%s", w.Port, w.Name)}}}
	if w.Protocol != "https" || w.StartTLS != "" {
		return all
	}
	https := w.Name // RFC 9460, Section 9.1
	if w.Port != 443 {
		https = fmt.Sprintf("_%d._https.%s", w.Port, w.Name)
	}
	return append(all, wantedRecord{"HTTPS", []string{https}})
}

// encryptedHello says what is known of Encrypted Client Hello (RFC 9849): the
// DNS gives its keys, the server answers a hello that only looks like one.
func encryptedHello(inv *diag.Inventory) {
	published := slices.ContainsFunc(inv.Records, func(r diag.Record) bool {
		return r.Type == "HTTPS" && slices.ContainsFunc(r.Data, func(s string) bool { return strings.Contains(s, "ech=") })
	})
	for i := range inv.Properties {
		p := &inv.Properties[i]
		switch {
		case p.ID != "ech":
		case published && p.Value == diag.Yes:
			p.Text = "its keys are in the DNS"
		case published:
			p.Text = "though the DNS gives keys for it: clients that use them fall back"
		case p.Value == diag.Yes && slices.ContainsFunc(inv.Records, func(r diag.Record) bool { return r.Type == "HTTPS" }):
			p.Text = "but the DNS gives no keys, so that no client uses it"
		}
	}
}
