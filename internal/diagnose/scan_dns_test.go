package diagnose

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

func TestRecords(t *testing.T) {
	t.Parallel()
	zone := map[string][]string{"CAA example.com": {`0 issue "ca.example.net"`}, "HTTPS _8443._https.www.example.com": {`1 . ech="AEX+"`}}
	p := &plan{env: Env{LookupRecords: func(_ context.Context, name, kind string) ([]string, error) {
		if kind == "TLSA" {
			return nil, errors.New("server failure")
		}
		return zone[kind+" "+name], nil
	}}}
	w := &facts.Want{Name: "www.example.com", Port: 8443, Protocol: "https"}
	got, not := p.records(t.Context(), w, facts.Lookup{})
	if len(got) != 2 || got[0].Name != "example.com" || len(got[0].Data) != 1 || got[1].Type != "HTTPS" || len(got[1].Data) != 1 {
		t.Errorf("got %+v", got)
	}
	if len(not) != 1 || not[0].What != "TLSA records of _8443._tcp.www.example.com" {
		t.Errorf("not found out: %+v", not)
	}
	inv := &diag.Inventory{Records: got, Properties: []diag.Property{{ID: "ech", Value: diag.No}}}
	encryptedHello(inv)
	if inv.Properties[0].Text == "" {
		t.Error("keys in the DNS and a server without them are not noticed")
	}
	if got, not := p.records(t.Context(), w, facts.Lookup{Given: true}); len(got) > 0 || !slices.ContainsFunc(not, func(n diag.NotTested) bool { return n.What == "DNS records" }) {
		t.Errorf("with named addresses: got %+v, %+v", got, not)
	}
	if got, not := p.records(t.Context(), &facts.Want{Name: "192.0.2.1"}, facts.Lookup{}); got != nil || not != nil {
		t.Errorf("of an address: got %+v, %+v", got, not)
	}
}
