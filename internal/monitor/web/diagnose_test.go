package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
	"github.com/tlswhy/tlswhy/internal/monitor/service"
)

const evil = "a\u202e<script>alert(1)</script>\"'><img src=x onerror=alert(1)> {{.}} javascript:x"

// broken is a diagnosis in which everything is hostile.
func broken(target string) *diag.Diagnosis {
	at := 3.0
	return &diag.Diagnosis{Schema: diag.Schema, Verdict: diag.Failure, Target: diag.Target{Input: target, Name: target, Port: 443},
		Causes: []diag.Cause{{ID: "cert-expired", Severity: diag.SeverityFailure, Confidence: diag.Proven, Summary: "the certificate expired " + evil, Evidence: []diag.Evidence{{Text: evil, Where: evil}}, Affects: []string{evil},
			Fixes: []diag.Fix{{Side: "server", For: "nginx", Text: evil, Config: "ssl_certificate x;</pre><pre>" + evil}, {Side: "server", For: "apache", Text: "for apache", Command: "a2ensite"}}, Verify: "tlswhy " + target}},
		Handshake:    diag.Handshake{Attempt: 1, Steps: []diag.Step{{Name: "ClientHello", From: "client", Status: diag.StatusOK, Text: evil, AtMS: &at}, {Name: "Certificate", From: "server", Status: diag.StatusBad, Notes: []string{evil}}}},
		Attempts:     []diag.Attempt{{N: 1, Address: evil, End: evil, Messages: []diag.Message{{From: "client", Name: "ClientHello", Size: 9, Raw: "0100", Fields: []diag.Field{{Name: evil, Text: evil}}}}}},
		Certificates: []diag.Certificate{{Role: "leaf", Source: "sent", Subject: "CN=" + evil, Issuer: "CN=" + evil + "2", Names: []string{evil}, Serial: evil, Key: evil, Problems: []string{evil}, IssuerURLs: []string{evil}, PEM: evil}},
		NotTested:    []diag.NotTested{{What: evil, Reason: evil}}, Notes: []string{evil}}
}

// diagnosing is a world in which targets are diagnosed when go on is closed.
func diagnosing(t *testing.T, goOn chan struct{}) *world {
	return newWorld(t, func(o *service.Options) {
		o.Diagnose = func(ctx context.Context, r service.DiagnoseRequest) (*diag.Diagnosis, error) {
			if live, ok := service.LiveFrom(ctx); ok {
				live.Doing("asking " + evil)
				live.Attempt(diag.Attempt{Address: evil, Change: evil, End: "server alert: handshake_failure (40)", EndKind: "alert"})
			}
			select {
			case <-goOn:
			case <-ctx.Done():
			}
			if r.Target == "no.example" {
				return nil, &access.InvalidError{Field: "target", Msg: "it may not be reached: " + evil}
			}
			if r.Target == "odd.example" {
				return nil, errors.New("secret words of the machine")
			}
			return broken(r.Target), nil
		}
		o.Read = func(_ context.Context, m service.Material, _ service.DiagnoseRequest) (service.Reading, error) {
			data, err := io.ReadAll(m.Data)
			if err != nil {
				return service.Reading{}, err
			}
			switch text := strings.TrimSpace(string(data)); {
			case text == "":
				return service.Reading{}, &service.MaterialError{Msg: "there is nothing in it"}
			case strings.HasPrefix(text, "junk"):
				return service.Reading{}, &service.MaterialError{Msg: "it is junk " + evil}
			case m.Name == "" && !strings.Contains(text, " "):
				return service.Reading{Kind: service.KindTarget, Target: text}, nil
			case text == "well":
				return service.Reading{Kind: service.KindCapture, Title: m.Name, Found: []*diag.Diagnosis{}, Notes: []string{evil}}, nil
			}
			return service.Reading{Kind: service.KindText, Title: evil, Found: []*diag.Diagnosis{broken("x.example"), broken("y.example")}, Notes: []string{evil}}, nil
		}
	})
}

// until asks again until the page has a text.
func (w *world) until(path, text string) reply {
	w.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if a := w.get(path, 200); strings.Contains(a.body, text) {
			return a
		} else if time.Now().After(end) {
			w.Fatalf("%q does not come: %s", text, a.body)
		}
	}
}

// inert fails where something hostile is not text.
func (w *world) inert(a reply) {
	w.Helper()
	w.notSee(a, "<script>alert", "<img src=x", "\u202e")
}

func TestDiagnose(t *testing.T) {
	t.Parallel()
	goOn := make(chan struct{})
	w := diagnosing(t, goOn).as(monitor.Admin)
	w.see(w.get("/diagnose?target=%22%3E%3Cscript%3Ealert", 200), "Why does the handshake fail?", "&#34;&gt;&lt;script&gt;alert")
	at := w.post("/diagnose", 303, url.Values{"text": {"https://user:hunter2@shop.example/?token=hunter2"}}).to()
	a := w.until(at, "server alert: handshake_failure")
	w.see(a, `hx-get="`+at+`"`, `http-equiv="refresh"`, "asking a")
	w.inert(a)
	close(goOn)
	a = w.until(at, "it breaks here")
	w.see(a, "<h1", "The certificate expired", "ClientHello", `data-copy="apaste-1"`, `id="apaste-1"`, "for apache", "/report.html", "Diagnose again", "Make a public link", "Asked by root")
	w.notSee(a, "hx-get", "hunter2")
	w.inert(a)
	if n := strings.Count(a.body, "<pre tabindex=\"0\" id="); n != strings.Count(a.body, "data-copy=") {
		t.Errorf("%d blocks, %d buttons", n, strings.Count(a.body, "data-copy="))
	}
	a = w.get(at+"?for=apache", 200)
	w.see(a, "a2ensite", "<option selected>apache</option>")
	w.notSee(a, "ssl_certificate x")
	w.see(w.get("/diagnose", 200), "Found out before", at)

	html := w.send("GET", at+"/report.json", 200, nil)
	d := &diag.Diagnosis{}
	if err := json.Unmarshal([]byte(html.body), d); err != nil || d.Verdict != diag.Failure || strings.Contains(html.body, "hunter2") {
		t.Errorf("got %v, %s", err, html.body)
	}
	html = w.reply(at + "/report.html")
	if !strings.Contains(html.header.Get("Content-Disposition"), "attachment") || !strings.HasPrefix(html.body, "<!DOCTYPE html>") || strings.Contains(html.body, "<script") {
		t.Errorf("got %v %.200s", html.header, html.body)
	}
	for _, bad := range []string{"x/report.html", at[len("/diagnose/"):] + "/..%2f..%2fetc%2fpasswd", at[len("/diagnose/"):] + "/report.exe"} {
		w.get("/diagnose/"+bad, 404)
	}
	w.get("/diagnose/nothing", 404)
}

// reply gets a page that is none of ours.
func (w *world) reply(path string) reply {
	w.Helper()
	resp, err := w.client.Get(w.url + path)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(body)}
}

func TestDiagnoseThatFails(t *testing.T) {
	t.Parallel()
	goOn := make(chan struct{})
	close(goOn)
	w := diagnosing(t, goOn).as(monitor.Admin)
	a := w.until(w.post("/diagnose", 303, url.Values{"text": {"no.example"}}).to(), "Ask again")
	w.see(a, "it may not be reached")
	w.inert(a)
	a = w.until(w.post("/diagnose", 303, url.Values{"text": {"odd.example"}}).to(), "Ask again")
	w.notSee(a, "secret words")
	for text, want := range map[string]string{"": "there is nothing in it", "junk " + evil: "it is junk"} {
		a := w.post("/diagnose", 422, url.Values{"text": {text}})
		w.see(a, want)
		w.inert(a)
	}
}

func TestDiagnoseTextAndShare(t *testing.T) {
	t.Parallel()
	w := diagnosing(t, nil).as(monitor.Admin)
	at := w.post("/diagnose", 303, url.Values{"text": {"an error message"}}).to()
	a := w.get(at, 200)
	w.see(a, `id="head-1"`, `data-copy="bpaste-1"`, "About the reading")
	w.inert(a)
	stranger := w.stranger()
	stranger.get(at, 303)
	w.post(at+"/share", 303, url.Values{"on": {"yes"}})
	a = w.get(at, 200)
	i := strings.Index(a.body, "/shared/")
	link := a.body[i : i+len("/shared/")+26]
	a = stranger.get(link, 200)
	w.see(a, "The certificate expired", "Made with tlswhy")
	w.notSee(a, "Asked by", "Make a public link", "/report.html", "data-events")
	w.inert(a)
	stranger.get("/shared/x", 404)
	stranger.get("/shared/%25", 404)
	stranger.post(at+"/share", 401, nil)
	viewer := w.as(monitor.Viewer)
	w.notSee(viewer.get(at, 200), "Take the public link back", "Check it live")
	viewer.post(at+"/share", 403, url.Values{"on": {"no"}})
	viewer.get("/diagnose", 403)
	viewer.post("/diagnose", 403, url.Values{"text": {"x.example"}})
	w.post(at+"/share", 303, url.Values{"on": {"no"}})
	stranger.get(link, 404)
	w.see(w.get(at+"/remove", 200), "Remove this diagnosis?")
	w.post(at+"/remove", 303, nil)
	w.get(at, 404)
	w.post(at+"/remove", 404, nil)
}

// sent is a form with a file.
func sent(t *testing.T, name string, data []byte) (kind string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	if err := errors.Join(m.WriteField("text", ""), m.WriteField("server", "")); err != nil {
		t.Fatal(err)
	}
	p, err := m.CreateFormFile("file", name)
	if err == nil {
		_, err = p.Write(data)
	}
	if err := errors.Join(err, m.Close()); err != nil {
		t.Fatal(err)
	}
	return m.FormDataContentType(), b.Bytes()
}

func TestDiagnoseFile(t *testing.T) {
	t.Parallel()
	w := diagnosing(t, nil).as(monitor.Admin)
	kind, body := sent(t, "a.pcap", []byte("well"))
	at := w.send("POST", "/diagnose", 303, bytes.NewReader(body), "Content-Type", kind).to()
	w.see(w.get(at, 200), "No failed handshake is in it", "a.pcap")
	kind, body = sent(t, "", nil)
	w.see(w.send("POST", "/diagnose", 422, bytes.NewReader(body), "Content-Type", kind), "there is nothing in it")
	kind, body = sent(t, "x", []byte("junk"))
	w.see(w.send("POST", "/diagnose", 422, bytes.NewReader(body), "Content-Type", kind), "it is junk")
	w.see(w.send("POST", "/diagnose", 422, bytes.NewReader(body[:len(body)-30]), "Content-Type", kind), "it")
	w.send("POST", "/diagnose", 422, strings.NewReader("x"), "Content-Type", "multipart/form-data")
	w.send("POST", "/diagnose", 403, bytes.NewReader(body), "Content-Type", kind, "Sec-Fetch-Site", "cross-site")
}

// zeros is a file of so many bytes that is never in memory.
type zeros struct{ left, read int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	z.left, z.read = z.left-n, z.read+n
	return int(n), nil
}

// TestLargeFile refuses a gigabyte, said or not, with words and without reading it.
func TestLargeFile(t *testing.T) {
	t.Parallel()
	w := diagnosing(t, nil).as(monitor.Admin)
	kind, body := sent(t, "x.pcap", []byte("data"))
	head := body[:bytes.Index(body, []byte("data"))]
	for _, known := range []bool{true, false} {
		z := &zeros{left: 1 << 30}
		req, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/diagnose", io.MultiReader(bytes.NewReader(head), z))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		if known {
			req.ContentLength = int64(len(head)) + 1<<30
			req.Header.Set("Expect", "100-continue")
		}
		client := &http.Client{Jar: w.client.Jar, Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
		resp, err := client.Do(req)
		if err != nil {
			t.Logf("the connection ended while it was sent: %v", err) // a client that listens only afterwards
		} else {
			page, err := io.ReadAll(resp.Body)
			if _ = resp.Body.Close(); resp.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(string(page), "At most 65 MB") {
				t.Errorf("known %v: got %d %v %s", known, resp.StatusCode, err, page)
			}
		}
		if known && (err != nil || z.read > 0) || z.read > 200<<20 {
			t.Errorf("known %v: %d bytes were sent, %v", known, z.read, err)
		}
	}
}
