package client

import (
	"testing"

	"github.com/tlswhy/tlswhy/internal/facts"
)

func TestRulesOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]facts.Rules{
		"chrome":               {Program: "Chrome", CT: true, Lifetime: true},
		"Chrome 65 (Win 7)":    {},
		"Chrome 70 (Win 10)":   {CT: true},
		"Safari 18.4":          {Program: "Apple", CT: true, Lifetime: true, AnyCA: true},
		"Firefox 137 (Win 11)": {Program: "Mozilla", CT: true},
		"Firefox 71 (Win 10)":  {},
		"openssl":              {},
	} {
		p, err := Lookup(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := p.Client.Rules; got != want {
			t.Errorf("%s (%s): got %+v, want %+v", name, p.Name, got, want)
		}
	}
	if got := Reference().Client.Rules; got != (facts.Rules{}) {
		t.Errorf("the reference client enforces %+v", got)
	}
}
