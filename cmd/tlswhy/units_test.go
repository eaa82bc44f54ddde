package main

import (
	"strings"
	"testing"
	"time"
)

func TestCheckWord(t *testing.T) {
	t.Parallel()
	tests := []struct {
		word string
		host bool
	}{
		{"exlpain", false}, {"explain", false}, {"diagnos", false}, {"lab", false}, {"labs", false}, {"Serve", false}, {"agnet", false},
		{"shop", true}, {"localhost", true}, {"intranet", true}, {"shop.example.com", true}, {"explain.test", true}, {"scan:443", true},
		{"[::1]", true}, {"2001:db8::1", true}, {"https://lab/", true}, {"web1", true}, {"", true}, {"postgres", true}, {"erp", true},
	}
	for _, tt := range tests {
		if err := checkWord(tt.word); (err == nil) != tt.host {
			t.Errorf("checkWord(%q) = %v, want host %v", tt.word, err, tt.host)
		}
	}
}

func TestParseMoment(t *testing.T) {
	t.Parallel()
	day := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		in   string
		want time.Time
		ok   bool
	}{
		{"", time.Time{}, true}, {"2027-03-01", day, true}, {"2027-03-01T01:00:00+01:00", day, true}, {"2027-03-01T00:00Z", day, true},
		{"2027-02-30", time.Time{}, false}, {"now", time.Time{}, false}, {"01.03.2027", time.Time{}, false},
	}
	for _, tt := range tests {
		got, err := parseMoment(tt.in)
		if (err == nil) != tt.ok || !got.Equal(tt.want) {
			t.Errorf("parseMoment(%q) = %v, %v", tt.in, got, err)
		}
	}
}

func TestWorse(t *testing.T) {
	t.Parallel()
	order := []int{exitHealthy, exitUntested, exitUsage, exitFailure, exitInterrupted}
	for i, a := range order {
		for j, b := range order {
			if got, want := worse(a, b), order[max(i, j)]; got != want {
				t.Errorf("worse(%d, %d) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestTargetLines(t *testing.T) {
	t.Parallel()
	in := "\uFEFFa.test\r\n\n  # c\nb.test # d\nhttps://c.test/#fragment\ntwo words\n" + strings.Repeat("x", 100000) + "\nlast.test"
	var got []string
	n, err := targetLines(strings.NewReader(in), "f", func(t target) bool {
		s := t.where + " " + t.input
		if t.err != nil {
			s = t.where + " error"
		}
		got = append(got, s)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "f:1 a.test|f:4 b.test|f:5 https://c.test/#fragment|f:6 error|f:7 error|f:8 last.test"
	if strings.Join(got, "|") != want || n != 6 {
		t.Errorf("got %d %s, want %s", n, strings.Join(got, "|"), want)
	}
}

func TestShellQuote(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"a.test:443": "a.test:443", "": "''", "Java 6": "'Java 6'", "a'b": `'a'\''b'`, "$(x)": "'$(x)'"} {
		if got := shellQuote(in); got != want {
			t.Errorf("shellQuote(%q) = %s, want %s", in, got, want)
		}
	}
}
