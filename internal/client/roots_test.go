package client

import (
	"testing"
	"time"
)

// TestLacks holds the roots of old clients to what CAs say of them:
// letsencrypt.org/docs/cert-compat for the roots of ISRG, and the days on which
// the others were made.
func TestLacks(t *testing.T) {
	t.Parallel()
	made := map[string]string{
		"ISRG Root X1": "2015-06-04", "ISRG Root X2": "2020-09-04", "GTS Root R1": "2016-06-22", "Amazon Root CA 1": "2015-05-26",
		"DigiCert Global Root G2": "2013-08-01", "GlobalSign Root CA": "1998-09-01", "SSL.com TLS RSA Root CA 2022": "2022-08-25",
	}
	for _, c := range []struct {
		client, root string
		lacks        bool
	}{
		{"Android 4.4.2", "ISRG Root X1", true},
		{"Android 7.0 (native)", "ISRG Root X1", true},
		{"Android 8.1 (native)", "ISRG Root X1", false},
		{"Android 9.0 (native)", "ISRG Root X2", true},
		{"Android 15/16 (native)", "ISRG Root X2", false},
		{"Android 6.0", "GTS Root R1", true},
		{"Android 2.3.7", "DigiCert Global Root G2", true},
		{"Android 5.0.0", "Amazon Root CA 1", true},
		{"Android 2.3.7", "GlobalSign Root CA", false},
		{"Java 8u111", "ISRG Root X1", true},
		{"Java 8u161", "ISRG Root X1", false},
		{"Java 7u25", "DigiCert Global Root G2", true},
		{"Java 17.0.3/21.0.6 (OpenJDK)", "ISRG Root X2", false},
		{"Java 11.0.2 (OpenJDK)", "SSL.com TLS RSA Root CA 2022", true},
		{"Safari 9 OS X 10.11", "ISRG Root X1", true},
		{"Safari 9 iOS 9", "ISRG Root X1", true},
		{"Safari 10 iOS 10", "ISRG Root X1", false},
		{"Safari 15.4 (macOS 12.3.1)", "ISRG Root X2", true},
		{"Firefox 49 Win 7", "ISRG Root X1", true},
		{"Firefox 53 Win 7", "ISRG Root X1", false},
		{"IE 8 XP", "ISRG Root X1", false}, // Windows fetches what it lacks
		{"OpenSSL 1.0.1h", "ISRG Root X2", false},
		{"Chrome 49 Win 7", "ISRG Root X2", false},
	} {
		p, err := Lookup(c.client)
		if err != nil {
			t.Errorf("%s: %v", c.client, err)
			continue
		}
		day, err := time.Parse(time.DateOnly, made[c.root])
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Lacks(c.root, day); got != c.lacks {
			t.Errorf("%s lacks %s: got %v, want %v", c.client, c.root, got, c.lacks)
		}
	}
}
