package ct

import "testing"

func TestKnownLogs(t *testing.T) {
	t.Parallel()
	list, err := parseList(embedded)
	if err != nil {
		t.Fatal(err)
	}
	if list.Date.IsZero() || list.Len() != 69-2 {
		t.Errorf("got %d logs of %v", list.Len(), list.Date)
	}
	// The id is the digest of the key, so that one known id proves the form.
	const argon = "\xd7\x6d\x7d\x10\xd1\xa7\xf5\x77\xc2\xc7\xe9\x5f\xd7\x00\xbf\xf9\x82\xc9\x33\x5a\x65\xe1\xd0\xb3\x01\x73\x17\xc0\xc8\xc5\x69\x77"
	if l := list.Log([32]byte([]byte(argon))); l == nil || l.Name != "Argon2026h2" || l.Operator != "Google" || l.retired() {
		t.Errorf("got %+v for the id of Argon2026h2", l)
	}
	for name, text := range map[string]string{"bad date": "# date: soon", "no name": "AAAA", "no base64": "!! x", "no point": "AAAA x", "bad retirement": "AAAA x y z\nAAAA x y"} {
		if _, err := parseList(text); err == nil {
			t.Errorf("%s: read without an error", name)
		}
	}
}
