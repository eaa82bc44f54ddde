package report

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
)

func TestRedactText(t *testing.T) {
	t.Parallel()
	d := expired()
	d.Target.SNI = "shop.example.com"
	d.Certificates = append(d.Certificates, diag.Certificate{Role: "client", Subject: "CN=billing-01,OU=Payments,O=ACME GmbH,C=DE",
		Issuer: "CN=ACME Root,O=ACME GmbH", Serial: "0badcafe", Names: []string{"db.corp.internal"}})
	d.Handshake.Steps = append(d.Handshake.Steps, diag.Step{Name: "Certificate*", Text: "fleet-7, issued by Fleet CA (Initech); 2 certificates"})
	d.Causes[0].Evidence = append(d.Causes[0].Evidence, diag.Evidence{Text: "the server takes CN=Gate CA, O=Hooli Ltd. Nothing else"})
	r := newRedactor()
	r.diagnosis(d)
	tests := []struct{ name, in, want string }{
		{"target", "shop.example.com", "h1.name-1.example"},
		{"case and port", "SHOP.Example.COM:443", "h1.name-1.example:443"},
		{"www stays", "www.shop.example.com", "www.h1.name-1.example"},
		{"wildcard stays", "*.example.com", "*.name-1.example"},
		{"sibling", "https://api.example.com/x", "https://h3.name-1.example/x"},
		{"other domain of a certificate", "see db.corp.internal.", "see h2.name-2.example."},
		{"stranger in a fix", "edit nginx.conf and java.security", "edit nginx.conf and java.security"},
		{"files named after it", "shop.example.com.key /live/shop.example.com-rsa/x.pem", "h1.name-1.example.key /live/h1.name-1.example-rsa/x.pem"},
		{"no part of a longer name", "notexample.com", "notexample.com"},
		{"IPv4", "at 203.0.113.7:443, 203.0.113.8", "at 192.0.2.1:443, 192.0.2.2"},
		{"IPv6", "[2001:db8::7]:443", "[2001:db8::1]:443"},
		{"mapped IPv4 is the same", "::ffff:203.0.113.7", "192.0.2.1"},
		{"loopback stays", "127.0.0.1:8443 and [::1]:1", "127.0.0.1:8443 and [::1]:1"},
		{"OID, time and version stay", "1.3.6.1.5.5.7.3.1 at 10:00:00, nginx/1.29.2", "1.3.6.1.5.5.7.3.1 at 10:00:00, nginx/1.29.2"},
		{"credentials in a URL", "http://bob:s3cret@proxy.example.com:3128/", "http://user:password@h4.name-1.example:3128/"},
		{"query", "https://shop.example.com/?session=1", "https://h1.name-1.example/?…"},
		{"header", "Authorization: Basic Ym9iOnB3", "Authorization: (removed)"},
		{"parameter", "a password=hunter2 b", "a password=(removed) b"},
		{"home folder", "--cert /home/bob/billing.pem", "--cert /home/user/billing.pem"},
		{"mail", "bob@example.com", "user-1@name-1.example"},
		{"client's subject", "CN=billing-01, O=ACME GmbH", "CN=subject-1, O=organization-2"},
		{"client's subject in a step", "fleet-7, issued by Fleet CA (Initech)", "subject-3, issued by ca-2 (organization-4)"},
		{"name in a sentence", "Gate CA of Hooli Ltd", "subject-2 of organization-3"},
		{"no part of a longer word", "billing-012", "billing-012"},
		{"serial", "serial 0badcafe", "serial serial-2"},
		{"public authority stays", "issued by R11 (Let's Encrypt)", "issued by R11 (Let's Encrypt)"},
		{"PEM", "a -----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY----- b", "a -----BEGIN PRIVATE KEY----- (removed) b"},
	}
	for _, tt := range tests {
		if got := r.text(tt.in); got != tt.want {
			t.Errorf("%s: text(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

// TestRedactEverywhere puts secrets into every string field and looks for them
// in every format.
func TestRedactEverywhere(t *testing.T) {
	t.Parallel()
	const all = "secret.corp.example.net 198.51.100.77 2001:db8:77::77 http://u:pw77@secret.corp.example.net/ -----BEGIN X-----\nAAAA77\n-----END X-----"
	d := cipher()
	raw, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	raw, _ = json.Marshal(poison(tree, all))
	var poisoned diag.Diagnosis
	if err := json.Unmarshal(raw, &poisoned); err != nil {
		t.Fatal(err)
	}
	// The words of the schema and what is known of the tool are ours.
	poisoned.Verdict, poisoned.Tool = diag.Failure, d.Tool
	for i := range poisoned.Causes {
		c, from := &poisoned.Causes[i], d.Causes[i]
		c.Severity, c.Confidence, c.Stage = from.Severity, from.Confidence, from.Stage
	}
	for i := range poisoned.Attempts {
		poisoned.Attempts[i].Stage = d.Attempts[i].Stage
	}
	for i := range poisoned.Handshake.Steps {
		s, from := &poisoned.Handshake.Steps[i], d.Handshake.Steps[i]
		s.Stage, s.Status = from.Stage, from.Status
	}
	poisoned.Target.Name, poisoned.Target.SNI = "secret.corp.example.net", "secret.corp.example.net"
	poisoned.Attempts[0].Changes = map[string]any{"SNI": all, "list": []any{all}}
	for _, f := range Formats {
		out := string(render(t, f, &poisoned, Options{Redact: true, Verbose: 2}))
		for _, s := range []string{"corp", "198.51.100.77", ":77::77", "pw77", "AAAA77"} {
			if strings.Contains(out, s) {
				t.Errorf("%s: %q survives in %s", f, s, out[max(0, strings.Index(out, s)-80):strings.Index(out, s)+20])
			}
		}
	}
}

// poison replaces every string in a decoded JSON value, times excepted.
func poison(v any, s string) any {
	switch v := v.(type) {
	case string:
		if len(v) > 19 && v[4] == '-' && v[10] == 'T' {
			return v
		}
		return s
	case []any:
		for i := range v {
			v[i] = poison(v[i], s)
		}
	case map[string]any:
		for k := range v {
			v[k] = poison(v[k], s)
		}
	}
	return v
}

func TestRedactIsConsistentOverTargets(t *testing.T) {
	t.Parallel()
	r := newRedactor()
	a, b := r.diagnosis(expired()), r.diagnosis(cipher())
	if a.Target.Name != "h1.name-1.example" || b.Target.Name != "h2.name-1.example" {
		t.Errorf("got %q and %q, want two hosts of one domain", a.Target.Name, b.Target.Name)
	}
}
