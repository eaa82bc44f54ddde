// Package config reads the monitor's file: endpoints, channels and routes in
// YAML. It is strict: an unknown or repeated key, a value of the wrong kind or a
// name that leads nowhere is an error with its line and column, and all of them
// are told at once.
//
//	c, err := config.Load("tlswhy.yaml", config.Options{Parse: parse, Env: os.LookupEnv})
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Config is what a file says, checked and with its secrets read.
type Config struct {
	ExternalURL  string
	Server       Server
	Networks     Networks
	ProbeModules map[string]ProbeModule
	Heartbeat    Heartbeat
	Rules        monitor.Rules
	Endpoints    []monitor.Endpoint
	Channels     map[string]Channel
	Sources      []Source
	Renewal      Renewal
	// Files are the other files that were read: secrets.
	Files []string
}

// Options lend what the file refers to.
type Options struct {
	// Parse takes a target apart.
	Parse func(target string) (host string, port int, err error)
	// Env looks variables up for ${NAME}; nil knows none.
	Env func(name string) (string, bool)
	// CheckChannel says what is wrong with a channel; nil checks none.
	CheckChannel func(*Channel) error
}

// Problem is one thing that is wrong, with its place.
type Problem struct {
	Line, Column int
	Msg          string
}

// Error is a file that cannot be used.
type Error struct {
	Path     string
	Problems []Problem
}

// Error implements error: a line for each problem.
func (e *Error) Error() string {
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, fmt.Sprintf("%s:%d:%d: %s", e.Path, p.Line, p.Column, p.Msg))
	}
	return strings.Join(lines, "\n")
}

// Bounds of a file.
const (
	maxFile     = 64 << 20
	maxSecret   = 64 << 10
	maxNodes    = 5_000_000 // aliases followed
	maxProblems = 20
)

// Load reads a file.
func Load(path string, o Options) (*Config, error) {
	raw, err := read(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return Parse(path, raw, o)
}

func read(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(raw)) > most {
		err = fmt.Errorf("%q is larger than %d bytes", path, most)
	}
	return raw, err
}

// Parse reads the text of a file. Relative names of files are taken from the
// file's folder. The error is an *Error.
func Parse(path string, raw []byte, o Options) (*Config, error) {
	r := &reader{o: o, dir: filepath.Dir(path), c: &Config{Channels: map[string]Channel{}}}
	var f file
	if r.document(raw, &f) {
		r.file(&f)
	}
	if len(r.problems) > 0 {
		return nil, r.error(path)
	}
	return r.c, nil
}

// document reads the only document of a file into v, which points to its shape.
func (r *reader) document(raw []byte, v any) bool {
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(raw))
	err := d.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return true
	}
	if err != nil {
		r.syntax(err)
		return false
	}
	ok := r.decode(doc.Content[0], reflect.ValueOf(v).Elem(), "")
	if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		r.problem(&doc, "the file holds more than one document")
	}
	return ok
}

// error is what went wrong, in the order of the lines.
func (r *reader) error(path string) *Error {
	slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
	return &Error{Path: path, Problems: r.problems[:min(len(r.problems), maxProblems)]}
}

// file is the shape of a file.
type file struct {
	ExternalURL string                 `yaml:"external_url"`
	Server      serverFile             `yaml:"server"`
	Networks    networksFile           `yaml:"networks"`
	Probes      map[string]ProbeModule `yaml:"probe_modules"`
	Heartbeat   heartbeatFile          `yaml:"heartbeat"`
	Confirm     struct {
		Tries  int      `yaml:"tries"`
		Within duration `yaml:"within"`
	} `yaml:"confirm"`
	Defaults  endpoint       `yaml:"defaults"`
	Endpoints []endpoint     `yaml:"endpoints"`
	Sources   []source       `yaml:"sources"`
	Certs     []certificates `yaml:"certificates"`
	Renewal   Renewal        `yaml:"renewal"`

	Maintenance []maintenance      `yaml:"maintenance"`
	Channels    map[string]Channel `yaml:"channels"`
	Routes      []route            `yaml:"routes"`
}

type endpoint struct {
	At       place             `yaml:"-"`
	Target   string            `yaml:"target"`
	Owner    string            `yaml:"owner"`
	Runbook  string            `yaml:"runbook"`
	Tags     map[string]string `yaml:"tags"`
	Interval duration          `yaml:"interval"`
	Every    duration          `yaml:"inventory"`
	StartTLS string            `yaml:"starttls"`
	SNI      string            `yaml:"sni"`
	Connect  []string          `yaml:"connect"`
	CertFile string            `yaml:"cert_file"`
	KeyFile  string            `yaml:"key_file"`
	CAFile   string            `yaml:"ca_file"`
	Trust    string            `yaml:"trust"`
	Pins     []string          `yaml:"pins"`
	Revoked  string            `yaml:"revocation"`
	DiskFile string            `yaml:"disk_file"`
	Reload   string            `yaml:"reload"`
	Expect   struct {
		Issuer     string   `yaml:"issuer"`
		MinVersion string   `yaml:"min_version"`
		ALPN       string   `yaml:"alpn"`
		ClientCert *bool    `yaml:"client_cert"`
		Names      []string `yaml:"names"`
		Key        string   `yaml:"key"`
		Staple     bool     `yaml:"staple"`
		Warn       duration `yaml:"warn"`
		Critical   duration `yaml:"critical"`
	} `yaml:"expect"`
}

// Channel is a channel as the file describes it; see alert.Options.
type Channel struct {
	At           place          `yaml:"-"`
	Type         string         `yaml:"type"`
	URL          monitor.Secret `yaml:"url"`
	URLFile      string         `yaml:"url_file"`
	Secret       monitor.Secret `yaml:"secret"`
	SecretFile   string         `yaml:"secret_file"`
	Server       string         `yaml:"server"`
	TLS          string         `yaml:"tls"`
	CAFile       string         `yaml:"ca_file"`
	Username     string         `yaml:"username"`
	Password     monitor.Secret `yaml:"password"`
	PasswordFile string         `yaml:"password_file"`
	From         string         `yaml:"from"`
	To           []string       `yaml:"to"`

	Headers      map[string]Header `yaml:"headers"`
	Template     string            `yaml:"template"`
	TemplateFile string            `yaml:"template_file"`
	ContentType  string            `yaml:"content_type"`
	Command      []string          `yaml:"command"`
	Repeat       duration          `yaml:"repeat"`
	Rate         int               `yaml:"rate"`
}

// RepeatEvery is Repeat in Go's own type.
func (c *Channel) RepeatEvery() time.Duration { return time.Duration(c.Repeat) }

// Header is the value of a header of requests, or the file that holds it.
type Header struct {
	Value monitor.Secret `yaml:"value"`
	File  string         `yaml:"file"`
}

type route struct {
	At          place             `yaml:"-"`
	Match       map[string]string `yaml:"match"`
	MinSeverity string            `yaml:"min_severity"`
	Channels    []string          `yaml:"channels"`
	Continue    bool              `yaml:"continue"`
}

// place is where a mapping begins.
type place struct{ node *yaml.Node }

type duration time.Duration

// file turns the shape into the configuration.
func (r *reader) file(f *file) {
	r.c.ExternalURL = f.ExternalURL
	r.server(&f.Server)
	r.reach(&f.Networks)
	r.modules(f.Probes)
	r.heartbeat(&f.Heartbeat)
	r.c.Rules.Tries, r.c.Rules.Within = f.Confirm.Tries, time.Duration(f.Confirm.Within)
	for _, name := range slices.Sorted(maps.Keys(f.Channels)) {
		ch := f.Channels[name]
		r.secret(&ch.URL, ch.URLFile, "url", ch.At)
		r.secret(&ch.Secret, ch.SecretFile, "secret", ch.At)
		r.secret(&ch.Password, ch.PasswordFile, "password", ch.At)
		for k, h := range ch.Headers {
			r.secret(&h.Value, h.File, "header "+k, ch.At)
			ch.Headers[k] = h
		}
		r.text(&ch.Template, ch.TemplateFile, "template", ch.At)
		ch.CAFile = r.path(ch.CAFile)
		if r.o.CheckChannel != nil {
			if err := r.o.CheckChannel(&ch); err != nil {
				r.problem(ch.At.node, "channel %q: %v", name, err)
			}
		}
		r.c.Channels[name] = ch
	}
	r.routes(f)
	ids := map[string]int{}
	for i := range f.Endpoints {
		if e, ok := r.endpoint(&f.Endpoints[i], &f.Defaults); ok {
			if line, twice := ids[e.ID]; twice {
				r.problem(f.Endpoints[i].At.node, "the same endpoint as in line %d: give one of them another sni, starttls or client certificate, or remove it", line)
				continue
			}
			ids[e.ID] = f.Endpoints[i].At.node.Line
			r.c.Endpoints = append(r.c.Endpoints, e)
		}
	}
	r.sources(f)
	r.renewal(f)
	r.maintenance(f)
}

func (r *reader) routes(f *file) {
	for _, x := range f.Routes {
		s := monitor.Severity(x.MinSeverity)
		if s != "" && s.Rank() == 0 {
			r.problem(x.At.node, "min_severity %q is neither warning nor critical", x.MinSeverity)
		}
		for _, name := range x.Channels {
			if _, ok := f.Channels[name]; !ok {
				r.problem(x.At.node, "the route leads to a channel %q, which is not under channels", name)
			}
		}
		if len(x.Channels) == 0 && x.Continue {
			r.problem(x.At.node, "the route leads nowhere: it has no channels and goes on")
		}
		r.c.Rules.Routes = append(r.c.Rules.Routes, monitor.Route{Match: x.Match, MinSeverity: s, Channels: x.Channels, Continue: x.Continue})
	}
	if len(f.Routes) == 0 && len(f.Channels) > 0 {
		r.c.Rules.Routes = []monitor.Route{{Channels: slices.Sorted(maps.Keys(f.Channels))}}
	}
}

// versions are the words for expect.min_version.
var versions = []string{"TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"}

func (r *reader) endpoint(x, d *endpoint) (monitor.Endpoint, bool) {
	e := monitor.Endpoint{Target: x.Target, Owner: or(x.Owner, d.Owner), Runbook: or(x.Runbook, d.Runbook), Interval: time.Duration(x.Interval), StartTLS: x.StartTLS, SNI: x.SNI, Connect: x.Connect,
		CertFile: r.path(or(x.CertFile, d.CertFile)), KeyFile: r.path(or(x.KeyFile, d.KeyFile)), CAFile: r.path(or(x.CAFile, d.CAFile)), Trust: or(x.Trust, d.Trust), Pins: x.Pins, DiskFile: r.path(x.DiskFile), Reload: or(x.Reload, d.Reload), Tags: map[string]string{}}
	if e.Interval == 0 {
		e.Interval = time.Duration(d.Interval)
	}
	if e.Inventory = time.Duration(x.Every); e.Inventory == 0 {
		e.Inventory = time.Duration(d.Every)
	}
	if e.Inventory != 0 && e.Inventory < monitor.MinInventory {
		r.problem(x.At.node, "inventory %v is shorter than %v", e.Inventory, monitor.MinInventory)
	}
	maps.Copy(e.Tags, d.Tags)
	maps.Copy(e.Tags, x.Tags)
	if e.Interval != 0 && e.Interval < monitor.MinInterval {
		r.problem(x.At.node, "interval %v is shorter than %v", e.Interval, monitor.MinInterval)
	}
	e.Expect = monitor.Expect{Issuer: or(x.Expect.Issuer, d.Expect.Issuer), ALPN: or(x.Expect.ALPN, d.Expect.ALPN), ClientCert: x.Expect.ClientCert, Names: x.Expect.Names, Key: or(x.Expect.Key, d.Expect.Key), Staple: x.Expect.Staple || d.Expect.Staple,
		Warn: time.Duration(x.Expect.Warn), Critical: time.Duration(x.Expect.Critical)}
	if v := or(x.Expect.MinVersion, d.Expect.MinVersion); v != "" {
		e.Expect.MinVersion = "TLS " + strings.TrimSpace(strings.TrimPrefix(v, "TLS"))
		if !slices.Contains(versions, e.Expect.MinVersion) {
			r.problem(x.At.node, "min_version %q is none of 1.0, 1.1, 1.2, 1.3", v)
		}
	}
	if e.Revocation = or(x.Revoked, d.Revoked); !slices.Contains([]string{"", "soft", "hard", "off"}, e.Revocation) {
		r.problem(x.At.node, "revocation %q is none of soft, hard, off", e.Revocation)
	}
	for _, addr := range e.Connect {
		if _, port, err := net.SplitHostPort(addr); err != nil || port == "" {
			r.problem(x.At.node, "connect: %q is not HOST:PORT", addr)
		}
	}
	if e.Target == "" {
		r.problem(x.At.node, "the endpoint has no target")
		return e, false
	}
	if r.o.Parse != nil {
		var err error
		if e.Host, e.Port, err = r.o.Parse(e.Target); err != nil {
			r.problem(x.At.node, "target %q: %v", e.Target, err)
			return e, false
		}
	}
	e.ID = monitor.NewID(&e)
	return e, true
}

// path makes the name of a file absolute to the configuration's folder.
func (r *reader) path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(r.dir, name)
}

// secret fills a value from its file.
func (r *reader) secret(value *monitor.Secret, name, what string, at place) {
	text := string(*value)
	r.text(&text, name, what, at)
	if name != "" {
		text = strings.TrimRight(text, "\r\n")
	}
	*value = monitor.Secret(text)
}

// text fills a value from its file.
func (r *reader) text(value *string, name, what string, at place) {
	if name == "" {
		return
	}
	if *value != "" {
		r.problem(at.node, "give %s or %s_file, not both", what, what)
		return
	}
	name = r.path(name)
	r.c.Files = append(r.c.Files, name)
	raw, err := read(name, maxSecret)
	if err != nil {
		r.problem(at.node, "reading %s_file: %v", what, err)
		return
	}
	*value = string(raw)
}
