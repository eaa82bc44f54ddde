package renewal

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/chain"
)

// start is the moment of the tests.
var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// leaf has the key identifier and the serial of RFC 9773's example.
func leaf(t *testing.T, issuer string, serial int64) *chain.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	aki, err := hex.DecodeString("69885b6b87464041e1b37b847ba0ae2cde01c8d4")
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{issuer}, CommonName: "R1"}, SubjectKeyId: aki}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "a.example"}, DNSNames: []string{"a.example"}, NotBefore: start.Add(-30 * 24 * time.Hour), NotAfter: start.Add(60 * 24 * time.Hour), AuthorityKeyId: aki}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certs, _ := chain.ParsePEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return certs[0]
}

// TestID is the example of RFC 9773, Section 4.1.
func TestID(t *testing.T) {
	t.Parallel()
	if got, want := ID(leaf(t, "CA", 0x87654321)), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := ID(&chain.Certificate{SerialRaw: []byte{1}}); got != "" {
		t.Errorf("without a key identifier got %q", got)
	}
}

// ca is an ACME server that answers as the test says.
type ca struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string
	answer func(w http.ResponseWriter, path string)
}

func newCA(t *testing.T, answer func(w http.ResponseWriter, path string)) *ca {
	c := &ca{answer: answer}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.asked = append(c.asked, r.URL.Path)
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/directory" {
			fmt.Fprintf(w, `{"newOrder": "x", "renewalInfo": %q}`, c.URL+"/renewal-info/")
			return
		}
		c.answer(w, r.URL.Path)
	}))
	t.Cleanup(c.Close)
	return c
}

func window(from, until time.Time, explanation string) string {
	return fmt.Sprintf(`{"suggestedWindow": {"start": %q, "end": %q}, "explanationURL": %q}`, from.Format(time.RFC3339), until.Format(time.RFC3339), explanation)
}

func TestKeeper(t *testing.T) {
	t.Parallel()
	now := start
	answer := window(start.Add(time.Hour), start.Add(2*time.Hour), "https://ca.example/why")
	c := newCA(t, func(w http.ResponseWriter, _ string) {
		w.Header().Set("Retry-After", "3600")
		_, _ = io.WriteString(w, answer)
	})
	k := &Keeper{Now: func() time.Time { return now }}
	k.Set(c.Client(), []Directory{{Issuer: "Example Trust", URL: c.URL + "/directory"}})
	x := leaf(t, "Example Trust", 0x87654321)
	fingerprint := hex.EncodeToString(x.SHA256[:])
	k.Note(x)
	k.Note(leaf(t, "Somebody else", 7)) // of whom nobody knows a directory
	if !k.Step(t.Context()) || k.Step(t.Context()) {
		t.Error("one leaf is due, once")
	}
	if got := strings.Join(c.asked, " "); got != "/directory /renewal-info/aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE" {
		t.Errorf("asked %s", got)
	}
	w := k.Windows()
	if got := w[fingerprint]; len(w) != 1 || !got.From.Equal(start.Add(time.Hour)) || !got.Until.Equal(start.Add(2*time.Hour)) || got.Explanation != "https://ca.example/why" {
		t.Errorf("got %+v", w)
	}
	now = now.Add(59 * time.Minute) // Retry-After is waited
	if k.Step(t.Context()) {
		t.Error("asked before the time that the CA named")
	}
	now = now.Add(2 * time.Minute)
	answer = window(start.Add(-2*time.Hour), start.Add(-time.Hour), "")
	if !k.Step(t.Context()) || !k.Windows()[fingerprint].Until.Equal(start.Add(-time.Hour)) || !w[fingerprint].Until.Equal(start.Add(2*time.Hour)) {
		t.Errorf("got %+v, and the map of before is %+v", k.Windows(), w)
	}
	if n := len(c.asked); n != 3 {
		t.Errorf("%d requests, want the directory once", n)
	}
	now = now.Add(forget + time.Minute) // nobody serves it any more
	if k.Step(t.Context()) || k.Knows(fingerprint) {
		t.Error("a leaf that is gone is asked for")
	}
}

// TestAnswers are what a CA may say besides.
func TestAnswers(t *testing.T) {
	t.Parallel()
	good := window(start, start.Add(time.Hour), "")
	for _, c := range []struct {
		name   string
		answer func(http.ResponseWriter, string)
		known  bool
		after  time.Duration // until it is asked again
	}{
		{"no Retry-After", func(w http.ResponseWriter, _ string) { _, _ = io.WriteString(w, good) }, true, 6 * time.Hour},
		{"too soon", func(w http.ResponseWriter, _ string) {
			w.Header().Set("Retry-After", "1")
			_, _ = io.WriteString(w, good)
		}, true, time.Minute},
		{"too late", func(w http.ResponseWriter, _ string) {
			w.Header().Set("Retry-After", "9999999")
			_, _ = io.WriteString(w, good)
		}, true, 24 * time.Hour},
		{"a date", func(w http.ResponseWriter, _ string) {
			w.Header().Set("Retry-After", start.Add(2*time.Hour).Format(http.TimeFormat))
			_, _ = io.WriteString(w, good)
		}, true, 2 * time.Hour},
		{"unknown certificate", func(w http.ResponseWriter, _ string) { w.WriteHeader(404) }, false, 6 * time.Hour},
		{"busy", func(w http.ResponseWriter, _ string) { w.WriteHeader(503) }, false, 2 * time.Minute},
		{"busy, with a wish", func(w http.ResponseWriter, _ string) { w.Header().Set("Retry-After", "7200"); w.WriteHeader(429) }, false, 2 * time.Hour},
		{"backwards", func(w http.ResponseWriter, _ string) {
			_, _ = io.WriteString(w, window(start, start.Add(-time.Hour), ""))
		}, false, 2 * time.Minute},
		{"no JSON", func(w http.ResponseWriter, _ string) { _, _ = io.WriteString(w, "<html>") }, false, 2 * time.Minute},
		{"HTML", func(w http.ResponseWriter, _ string) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, good)
		}, false, 2 * time.Minute},
		{"endless", func(w http.ResponseWriter, _ string) { _, _ = io.WriteString(w, strings.Repeat(" ", 100<<10)+good) }, false, 2 * time.Minute},
		{"an explanation that is a script", func(w http.ResponseWriter, _ string) {
			_, _ = io.WriteString(w, window(start, start.Add(time.Hour), "javascript:alert(1)"))
		}, true, 6 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			now := start
			srv := newCA(t, c.answer)
			k := &Keeper{Now: func() time.Time { return now }}
			k.Set(srv.Client(), []Directory{{URL: srv.URL + "/directory"}})
			x := leaf(t, "CA", 5)
			k.Note(x)
			k.Step(t.Context())
			w, known := k.Windows()[hex.EncodeToString(x.SHA256[:])]
			if known != c.known || w.Explanation != "" {
				t.Errorf("got %+v, %v", w, known)
			}
			now = start.Add(c.after - time.Second)
			if k.Step(t.Context()) {
				t.Errorf("asked again before %v", c.after)
			}
			now = start.Add(c.after)
			if !k.Step(t.Context()) {
				t.Errorf("not asked again after %v", c.after)
			}
		})
	}
}
