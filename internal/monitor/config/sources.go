package config

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Source is a place that names endpoints, of which the configuration says how
// to get there and how to understand it.
type Source struct {
	Name string
	// Paths are globs: of file_sd, or of certificates.
	Paths []string
	// URL is that of an http_sd; Header goes with the request.
	URL     monitor.Secret
	Header  map[string]monitor.Secret
	CAFile  string
	Refresh time.Duration
	// MaxShrink is the loss in percent that is held until somebody confirms it.
	MaxShrink int
	// Read makes endpoints of one file or answer; its error has lines and columns.
	Read func(name string, raw []byte) ([]monitor.Endpoint, error)
	// File makes an endpoint of a file of certificates; Read is nil then.
	File func(path string) monitor.Endpoint
}

// source is the shape of a Source.
type source struct {
	At           place             `yaml:"-"`
	Name         string            `yaml:"name"`
	FileSD       []string          `yaml:"file_sd"`
	HTTPSD       monitor.Secret    `yaml:"http_sd"`
	HTTPSDFile   string            `yaml:"http_sd_file"`
	Headers      map[string]Header `yaml:"headers"`
	Bearer       monitor.Secret    `yaml:"bearer_token"`
	BearerFile   string            `yaml:"bearer_token_file"`
	Username     string            `yaml:"username"`
	Password     monitor.Secret    `yaml:"password"`
	PasswordFile string            `yaml:"password_file"`
	CAFile       string            `yaml:"ca_file"`
	Refresh      duration          `yaml:"refresh"`
	MaxShrink    *int              `yaml:"max_shrink"`
	Endpoint     endpoint          `yaml:"endpoint"`
}

// certificates is the shape of a Source of files.
type certificates struct {
	At           place             `yaml:"-"`
	Name         string            `yaml:"name"`
	Paths        []string          `yaml:"paths"`
	KeyFile      string            `yaml:"key_file"`
	PasswordFile string            `yaml:"password_file"`
	CAFile       string            `yaml:"ca_file"`
	Trust        string            `yaml:"trust"`
	Owner        string            `yaml:"owner"`
	Runbook      string            `yaml:"runbook"`
	Reload       string            `yaml:"reload"`
	Tags         map[string]string `yaml:"tags"`
	Interval     duration          `yaml:"interval"`
	Warn         duration          `yaml:"warn"`
	Critical     duration          `yaml:"critical"`
	MaxShrink    *int              `yaml:"max_shrink"`
}

// The defaults and bounds of sources.
const (
	defaultRefresh   = time.Minute
	minRefresh       = 5 * time.Second
	defaultMaxShrink = 20
)

// sources turns the shapes of sources and certificates into the configuration.
func (r *reader) sources(f *file) {
	names := map[string]bool{}
	unique := func(at place, name, kind string) {
		switch {
		case name == "":
			r.problem(at.node, "the %s has no name", kind)
		case names[name]:
			r.problem(at.node, "the name %q is there twice among sources and certificates", name)
		}
		names[name] = true
	}
	for i := range f.Sources {
		s := &f.Sources[i]
		unique(s.At, s.Name, "source")
		r.secret(&s.HTTPSD, s.HTTPSDFile, "http_sd", s.At)
		out := Source{Name: s.Name, Paths: r.globs(s.FileSD, s.At), URL: s.HTTPSD, CAFile: r.path(s.CAFile), Refresh: time.Duration(s.Refresh), MaxShrink: r.shrink(s.MaxShrink, s.At), Header: r.headers(s)}
		if (len(s.FileSD) == 0) == (s.HTTPSD == "") {
			r.problem(s.At.node, "source %q: give either file_sd or http_sd", s.Name)
		}
		if u, err := url.Parse(string(s.HTTPSD)); s.HTTPSD != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil) {
			r.problem(s.At.node, "source %q: http_sd must be a whole http or https address without user and password", s.Name)
		}
		if out.Refresh == 0 {
			out.Refresh = defaultRefresh
		}
		if out.Refresh < minRefresh {
			r.problem(s.At.node, "source %q: refresh %v is shorter than %v", s.Name, out.Refresh, minRefresh)
		}
		if s.Endpoint.Target != "" {
			r.problem(s.At.node, "source %q: the target comes from the source, not from its endpoint", s.Name)
		}
		out.Read = func(name string, raw []byte) ([]monitor.Endpoint, error) {
			return readTargets(name, raw, r.o, r.dir, s.Name, &s.Endpoint, &f.Defaults)
		}
		r.c.Sources = append(r.c.Sources, out)
	}
	for i := range f.Certs {
		s := &f.Certs[i]
		unique(s.At, s.Name, "entry of certificates")
		if len(s.Paths) == 0 {
			r.problem(s.At.node, "certificates %q: paths are missing", s.Name)
		}
		r.c.Sources = append(r.c.Sources, Source{Name: s.Name, Paths: r.globs(s.Paths, s.At), MaxShrink: r.shrink(s.MaxShrink, s.At), File: func(path string) monitor.Endpoint {
			e := monitor.Endpoint{Kind: monitor.KindFile, Source: s.Name, Target: path, Owner: or(s.Owner, f.Defaults.Owner), Runbook: or(s.Runbook, f.Defaults.Runbook), Tags: s.Tags, Reload: s.Reload, Interval: time.Duration(s.Interval),
				KeyFile: r.path(s.KeyFile), PasswordFile: r.path(s.PasswordFile), CAFile: r.path(s.CAFile), Trust: s.Trust, Expect: monitor.Expect{Warn: time.Duration(s.Warn), Critical: time.Duration(s.Critical)}}
			e.ID = monitor.NewID(&e)
			return e
		}})
	}
	if cert := r.c.Server.Cert; cert != "" { // the monitor's own is watched like any other
		r.c.Sources = append(r.c.Sources, Source{Name: OwnCertificate, Paths: []string{cert}, MaxShrink: 100, File: func(path string) monitor.Endpoint {
			e := monitor.Endpoint{Kind: monitor.KindFile, Source: OwnCertificate, Target: path, Owner: f.Defaults.Owner, KeyFile: r.c.Server.Key, Runbook: "This is the certificate of the monitor itself. Put the renewed one into the same file: it is read again."}
			e.ID = monitor.NewID(&e)
			return e
		}})
		unique(f.Server.At, OwnCertificate, "certificate of the server")
	}
}

// OwnCertificate names the source of the monitor's own certificate.
const OwnCertificate = "own-certificate"

func (r *reader) globs(paths []string, at place) (out []string) {
	for _, p := range paths {
		if _, err := filepath.Match(p, ""); err != nil {
			r.problem(at.node, "%q is no pattern: %v", p, err)
		}
		out = append(out, r.path(p))
	}
	return out
}

func (r *reader) shrink(percent *int, at place) int {
	if percent == nil {
		return defaultMaxShrink
	}
	if *percent > 100 {
		r.problem(at.node, "max_shrink is a percentage, 0 to 100")
	}
	return *percent
}

// headers are those of the request, with the credentials.
func (r *reader) headers(s *source) map[string]monitor.Secret {
	out := map[string]monitor.Secret{}
	for name, h := range s.Headers {
		r.secret(&h.Value, h.File, "header "+name, s.At)
		out[name] = h.Value
	}
	r.secret(&s.Bearer, s.BearerFile, "bearer_token", s.At)
	r.secret(&s.Password, s.PasswordFile, "password", s.At)
	if s.Bearer != "" {
		out["Authorization"] = "Bearer " + s.Bearer
	}
	if s.Username != "" {
		if s.Bearer != "" {
			r.problem(s.At.node, "source %q: give bearer_token or username, not both", s.Name)
		}
		out["Authorization"] = basic(s.Username, s.Password)
	}
	for name, v := range out {
		if strings.ContainsAny(name+string(v), "\r\n") {
			r.problem(s.At.node, "source %q: the header %q has a line break", s.Name, name)
		}
	}
	return out
}

// group is one element of Prometheus' lists of targets
// (https://prometheus.io/docs/prometheus/latest/http_sd/).
type group struct {
	At      place             `yaml:"-"`
	Targets []string          `yaml:"targets"`
	Labels  map[string]string `yaml:"labels"`
}

// readTargets reads such a list, as JSON or YAML: JSON is a kind of YAML. The
// error is an *Error.
func readTargets(name string, raw []byte, o Options, dir, from string, template, defaults *endpoint) ([]monitor.Endpoint, error) {
	r := &reader{o: o, dir: dir, c: &Config{}, literal: true}
	var groups []group
	if !r.document(raw, &groups) && json.Valid(raw) && yaml.Unmarshal(raw, &yaml.Node{}) != nil {
		// JSON has escapes that YAML has not, such as \/: written anew it has none.
		var v any
		if err := json.Unmarshal(raw, &v); err == nil {
			if raw, err = json.Marshal(v); err == nil {
				r.problems, groups = nil, nil
				r.document(raw, &groups)
			}
		}
	}
	var out []monitor.Endpoint
	for i := range groups {
		g := &groups[i]
		for _, target := range g.Targets {
			x := *template
			x.At = g.At
			if err := labelled(&x, target, g.Labels); err != nil {
				r.problem(g.At.node, "target %q: %v", target, err)
				continue
			}
			if e, ok := r.endpoint(&x, defaults); ok {
				e.Source = from
				out = append(out, e)
			}
		}
	}
	if len(r.problems) > 0 {
		return nil, r.error(name)
	}
	return out, nil
}

// What Prometheus' own labels mean for one that is not scraped but watched:
// where a target goes by way of blackbox_exporter, the one that it probes is
// meant. Labels that begin with two underscores are no tags, as in Prometheus.
func labelled(x *endpoint, target string, labels map[string]string) error {
	x.Target = or(or(labels["__param_target"], labels["__address__"]), target)
	scheme := labels["__scheme__"]
	if labels["__param_target"] == "" && scheme != "" && !strings.Contains(x.Target, "://") {
		if scheme != "https" {
			return errors.New("its __scheme__ is " + scheme + ", which has no TLS: keep it out of this source, or set __scheme__ to https")
		}
		x.Target = "https://" + x.Target
	}
	if name := labels["__param_hostname"]; name != "" { // blackbox_exporter: dial the target, ask for this name
		host := x.Target
		if scheme, rest, ok := strings.Cut(host, "://"); ok {
			host = rest
			x.Target = scheme + "://"
		} else {
			x.Target = ""
		}
		host, _, _ = strings.Cut(host, "/")
		port := "443"
		if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
			port = host[i+1:]
		} else {
			host += ":" + port
		}
		x.Connect, x.Target = []string{host}, x.Target+name+":"+port
	}
	if m := starttlsModule.FindStringSubmatch(labels["__param_module"]); m != nil && x.StartTLS == "" {
		x.StartTLS = or(m[1], m[2])
	}
	for key, field := range map[string]*string{"owner": &x.Owner, "__tlswhy_owner": &x.Owner, "__tlswhy_runbook": &x.Runbook, "__tlswhy_starttls": &x.StartTLS, "__tlswhy_sni": &x.SNI} {
		if v := labels[key]; v != "" && (key != "owner" || labels["__tlswhy_owner"] == "") {
			*field = v
		}
	}
	for key, field := range map[string]*duration{"__tlswhy_interval": &x.Interval, "__tlswhy_inventory": &x.Every} {
		if v := labels[key]; v != "" {
			d, err := time.ParseDuration(v)
			if err != nil {
				return errors.New(key + " " + v + " is no duration such as 5m")
			}
			*field = duration(d)
		}
	}
	tags := map[string]string{}
	for _, from := range []map[string]string{x.Tags, labels} {
		for k, v := range from {
			if !strings.HasPrefix(k, "__") {
				tags[k] = v
			}
		}
	}
	x.Tags = tags
	return nil
}

// starttlsModule finds the protocol in the names that modules of
// blackbox_exporter usually have: smtp_starttls, starttls_imap.
var starttlsModule = regexp.MustCompile(`^(?:([a-z0-9]+)_starttls|starttls_([a-z0-9]+))$`)

// basic is RFC 7617's value of Authorization.
func basic(user string, password monitor.Secret) monitor.Secret {
	return monitor.Secret("Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+string(password))))
}
