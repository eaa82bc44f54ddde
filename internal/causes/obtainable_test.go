package causes

import "testing"

func TestObtainable(t *testing.T) {
	t.Parallel()
	both := []FixRef{{"server", "trusted-certificate"}, {"client", "add-ca-to-client"}}
	for name, want := range map[string]int{"shop.example.com": 2, "localhost": 1, "db.internal": 1, "nas.local": 1, "intranet": 1,
		"10.1.2.3": 1, "::1": 1, "203.0.113.7": 2, "2001:db8::1": 2, "": 2, "localhost.example.com": 2} {
		if got := obtainable(both, name); len(got) != want {
			t.Errorf("%q: got %v", name, got)
		}
	}
	if got := obtainable(both[:1], "localhost"); len(got) != 1 {
		t.Errorf("the only way out was dropped: %v", got)
	}
}
