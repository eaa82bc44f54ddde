package lab

import (
	"fmt"
	"iter"
	"net"
	"slices"
	"strconv"
	"time"
)

// Scenario is one server, the client that meets it and the expected answer.
type Scenario struct {
	// ID is the scenario's own name; where there is one scenario for a cause
	// it is the cause's id.
	ID string
	// Cause is the id of the expected root cause, "" for a healthy server.
	Cause string
	// Or are other ids that may stand first, where the bytes alone do not
	// decide. Without a Cause they are failures that may be reported or not.
	Or []string
	// Also are further causes that must be found, whatever their severity.
	Also []string
	// Title says what is wrong in one line, Story what happened, to a person
	// who learns.
	Title string
	Story string
	// Server and Client are the two sides.
	Server Server
	Client ClientHint
	// Control is an unrelated server to compare with, which is called
	// ControlName; nil = the client has none.
	Control *Server
	// Proxy stands between the client and the server, nil for none.
	Proxy *Proxy
	// Near is the id of the cause that this scenario nearly has, and which must
	// not be a failure here.
	Near string
}

// ClientHint says how the client meets the server; the fields are those of the
// command line. The zero value is the reference client without a client
// certificate that trusts the lab's root and asks for the scenario's name.
type ClientHint struct {
	Name       string // the target's name; "" = shop.lab.test
	Protocol   string // "" = https; tls, http, smtp, imap
	SNI        string // "" = the target's name, "none", or a name
	MinVersion string // 1.0, 1.1, 1.2, 1.3
	MaxVersion string
	Ciphers    string
	Groups     string
	SigAlgs    string
	ALPN       string
	Profile    string // name of a client profile
	StartTLS   string // smtp, imap
	// At shifts the judged moment, AtTime sets it.
	At     time.Duration
	AtTime time.Time
	// MinDHBits and MaxDays are demands of the client's.
	MinDHBits int
	MaxDays   int
	// Pins are "leaf", "issuer", "root" or "other", with "+certificate" for the
	// digest of the certificate instead of its key. TLSA are records whose data
	// is one of these words: "3 1 1 leaf".
	Pins []string
	TLSA []string
	// The shape of the hello.
	HelloSize, RecordSplit, SegmentSplit int
	RecordVersion                        string
	GREASE, FallbackSCSV, RequireALPN    bool
	// Cert is the client certificate: "" = none, good, expired, not-yet-valid,
	// untrusted, server-purpose, other-key, chain (from an intermediate, which
	// is in the file), no-chain (from one that is not), bad-cert-file,
	// bad-key-file.
	Cert string
	// Anchors is the file of anchors: "" = the lab's root, other (another
	// root), leaf (the server's own certificate), empty (a file without
	// certificates), none (no file is given).
	Anchors string
	// Revocation is off, soft or hard; RequireStaple wants a staple.
	Revocation    string
	RequireStaple bool
	// List is a revocation list of the leaf's issuer in the client's hands,
	// ClientList one of its own issuer; the words are those of Revocation.CRL.
	List, ClientList string
	// NoConnect resolves the name instead of connecting to the lab's address.
	NoConnect bool
}

// ControlName is the name of a scenario's control.
const ControlName = "control.lab.test"

// DefaultName is the name that the client asks for unless it says otherwise.
const DefaultName = "shop.lab.test"

// name is the target's name.
func (h ClientHint) name() string {
	if h.Name == "" {
		return DefaultName
	}
	return h.Name
}

// Target is the target as it is typed, a URL.
// addr is the server's address; its port is used when the name is resolved.
func (h ClientHint) Target(addr string) string {
	host := h.name()
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		host = "[" + host + "]"
	}
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		host += ":" + port
	}
	switch {
	case h.Protocol != "":
		return h.Protocol + "://" + host
	case h.StartTLS != "":
		return h.StartTLS + "://" + host
	}
	return "https://" + host
}

// Args are the arguments of the command line for a running server, with the
// names of the files into which its PEM texts were written.
func (h ClientHint) Args(r *Running, caFile, certFile, keyFile, listFile string) []string {
	var args []string
	add := func(flag, value string) {
		if value != "" {
			args = append(args, flag, value)
		}
	}
	if !h.NoConnect {
		add("--connect", r.Addr)
		for _, other := range r.Others {
			add("--connect", other)
		}
	}
	for _, flag := range []string{"--resolve", "--control"} {
		add(flag, r.ControlFlags()[flag])
	}
	add("--proxy", r.Proxy)
	if h.Anchors != "none" {
		add("--ca", caFile)
	}
	if len(r.ClientCert) > 0 {
		add("--cert", certFile)
		add("--key", keyFile)
	}
	if len(r.List) > 0 {
		add("--crl", listFile)
	}
	add("--revocation", h.Revocation)
	if h.RequireStaple {
		args = append(args, "--require-staple")
	}
	add("--sni", h.SNI)
	add("--tls-min", h.MinVersion)
	add("--tls-max", h.MaxVersion)
	add("--ciphers", h.Ciphers)
	add("--groups", h.Groups)
	add("--sigalgs", h.SigAlgs)
	add("--alpn", h.ALPN)
	add("--client", h.Profile)
	add("--starttls", h.StartTLS)
	if h.MinDHBits > 0 {
		add("--min-dh-bits", fmt.Sprint(h.MinDHBits))
	}
	if h.MaxDays > 0 {
		add("--max-validity-days", fmt.Sprint(h.MaxDays))
	}
	for _, pin := range r.Pins {
		add("--pin", pin)
	}
	for _, record := range r.TLSA {
		add("--tlsa", record)
	}
	if at := h.Moment(); !at.IsZero() {
		add("--at", at.Format(time.RFC3339))
	}
	add("--record-version", h.RecordVersion)
	for flag, value := range h.shape() {
		args = append(args, flag)
		if value > 0 {
			args = append(args, strconv.Itoa(value))
		}
	}
	return append(args, h.Target(r.Addr))
}

// Moment is the judged moment, zero for now.
func (h ClientHint) Moment() time.Time {
	if h.At != 0 {
		return time.Now().Add(h.At).UTC()
	}
	return h.AtTime.UTC()
}

// shape yields the flags that shape the hello, with their numbers where they
// have one.
func (h ClientHint) shape() iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for _, f := range []struct {
			flag  string
			on    bool
			value int
		}{
			{"--hello-size", h.HelloSize > 0, h.HelloSize}, {"--record-split", h.RecordSplit > 0, h.RecordSplit},
			{"--segment-split", h.SegmentSplit > 0, h.SegmentSplit},
			{"--grease", h.GREASE, 0}, {"--fallback-scsv", h.FallbackSCSV, 0}, {"--require-alpn", h.RequireALPN, 0},
		} {
			if f.on && !yield(f.flag, f.value) {
				return
			}
		}
	}
}

// catalogue holds all scenarios by the file that lists them.
var catalogue [][]Scenario

// register adds the scenarios of one file.
func register(list ...Scenario) struct{} {
	catalogue = append(catalogue, list)
	return struct{}{}
}

// Scenarios are all scenarios, grouped by what they concern, the healthy ones
// last.
func Scenarios() []Scenario {
	var all []Scenario
	for _, list := range catalogue {
		all = append(all, list...)
	}
	slices.SortStableFunc(all, func(a, b Scenario) int {
		switch {
		case (a.Cause == "") == (b.Cause == ""):
			return 0
		case a.Cause == "":
			return 1
		}
		return -1
	})
	return all
}

// Lookup finds a scenario by its id.
func Lookup(id string) (Scenario, bool) {
	for _, list := range catalogue {
		for _, s := range list {
			if s.ID == id {
				return s, true
			}
		}
	}
	return Scenario{}, false
}
