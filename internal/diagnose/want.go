package diagnose

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/starttls"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// plan is what Run needs beside the facts: secrets and handles stay out of the
// case.
type plan struct {
	target   Target
	opts     Options
	env      Env
	identity *probe.Identity
	notes    []string
	ways     ways
	source   probe.Source
}

// prepare turns target and options into the wanted client. The error is a
// *UsageError or a *FileError.
func prepare(target string, o Options, env Env, now time.Time) (*plan, facts.Want, error) {
	p, w, err := begin(target, o, env)
	if err != nil {
		return nil, w, err
	}
	if err := p.software(&w); err != nil {
		return nil, w, err
	}
	if err := p.controls(); err != nil {
		return nil, w, err
	}
	if err := p.demands(&w); err != nil {
		return nil, w, err
	}
	if err := p.loadAnchors(&w, now); err != nil {
		return nil, w, err
	}
	if err := p.loadIdentity(&w); err != nil {
		return nil, w, err
	}
	if err := p.loadRevocation(&w); err != nil {
		return nil, w, err
	}
	if w.Command == "" {
		w.Command = p.command()
	}
	if err := p.via(); err != nil {
		return nil, w, err
	}
	if err := p.findProxy(&w); err != nil {
		return nil, w, err
	}
	p.proxyNotes(&w)
	return p, w, nil
}

// begin reads what is said to the target, up to the hello. The error is a
// *UsageError.
func begin(target string, o Options, env Env) (*plan, facts.Want, error) {
	t, err := ParseTarget(target)
	if err != nil {
		return nil, facts.Want{}, err
	}
	if o.StartTLS != "" && !namesPort(target) {
		if protocol, ok := starttls.Lookup(o.StartTLS); ok {
			t.Port = protocol.Ports()[0]
		}
	}
	p := &plan{target: t, opts: o, env: env}
	w := facts.Want{Input: t.Input, Name: t.Name, Port: t.Port, Protocol: t.Protocol, StartTLS: t.StartTLS, Guessed: t.Guessed, Command: o.Command, Repeat: o.Repeat,
		OnDisk: env.OnDisk, OnDiskFile: env.OnDiskFile, CanClamp: probe.CanClamp}
	if o.StartTLS != "" {
		protocol, ok := starttls.Lookup(o.StartTLS)
		if !ok {
			return nil, w, usage("known are "+strings.Join(starttls.Names(), ", "), "STARTTLS for %q is unknown", o.StartTLS)
		}
		w.StartTLS, w.Protocol = protocol.Name(), protocol.Name()
	}
	if words, _ := starttls.FirstWords(w.Protocol); w.StartTLS == "" {
		w.SpeaksFirst = len(words) > 0
	}
	switch o.Network {
	case "", "ip4", "ip6":
	default:
		return nil, w, usage("ip4 or ip6", "the network %q is unknown", o.Network)
	}
	return p, w, p.hello(&w)
}

// software reads whose fixes to print.
func (p *plan) software(w *facts.Want) error {
	if p.opts.Server == "" {
		return nil
	}
	canonical, ok := causes.Software(p.opts.Server)
	if !ok {
		return usage("known are "+strings.Join(causes.SoftwareNames("server"), ", "), "the server software %q is unknown", p.opts.Server)
	}
	w.Server = canonical
	return nil
}

// hello builds the user's own ClientHello.
func (p *plan) hello(w *facts.Want) error {
	profile, err := p.profile()
	if err != nil {
		return err
	}
	if h := p.env.Hello; h != nil {
		w.Hello, w.Client, err = client.Build(profile, client.Options{SNI: h.ServerName(), ForceSNI: true})
		return err
	}
	o := client.Options{SNI: w.Name}
	if _, err := netip.ParseAddr(w.Name); err == nil {
		o.SNI = ""
	}
	switch p.opts.SNI {
	case "":
	case "none":
		o.SNI, o.ForceSNI = "", true
	default:
		name, err := normalName(p.opts.SNI)
		if err != nil {
			return err
		}
		o.SNI, o.ForceSNI = name, true
	}
	if o.MinVersion, err = version("--tls-min", p.opts.MinVersion); err != nil {
		return err
	}
	if o.MaxVersion, err = version("--tls-max", p.opts.MaxVersion); err != nil {
		return err
	}
	if o.MinVersion != 0 && o.MaxVersion != 0 && o.MinVersion > o.MaxVersion {
		return usage("swap them", "--tls-min %s is above --tls-max %s", p.opts.MinVersion, p.opts.MaxVersion)
	}
	if p.opts.Ciphers != "" {
		if o.Suites, err = tlswire.ParseCipherSuites(p.opts.Ciphers); err != nil {
			return usage("", "--ciphers: %v", err)
		}
	}
	if p.opts.Groups != "" {
		if o.Groups, err = tlswire.ParseGroups(p.opts.Groups); err != nil {
			return usage("", "--groups: %v", err)
		}
	}
	if p.opts.SigAlgs != "" {
		if o.Schemes, err = tlswire.ParseSignatureSchemes(p.opts.SigAlgs); err != nil {
			return usage("", "--sigalgs: %v", err)
		}
	}
	isHTTP := w.Protocol == "https" || w.Protocol == "http"
	switch {
	case p.opts.ALPN == "none":
		o.ALPN = []string{}
	case p.opts.ALPN != "":
		for _, name := range strings.Split(p.opts.ALPN, ",") {
			name = strings.TrimSpace(name)
			if name == "" || len(name) > 255 {
				return usage("a comma-separated list such as h2,http/1.1", "--alpn %q holds an empty or overlong name", p.opts.ALPN)
			}
			o.ALPN = append(o.ALPN, name)
		}
	case w.Protocol == strictSQL:
		o.ALPN = []string{strictSQLALPN}
	case isHTTP && p.opts.Client == "":
		o.ALPN = client.HTTPProtocols
	case !isHTTP:
		o.ALPN = []string{}
	}
	if err := p.shape(w, &o); err != nil {
		return err
	}
	w.Hello, w.Client, err = client.Build(profile, o)
	var bad *client.OptionError
	if errors.As(err, &bad) {
		return usage("", "%s: %s", bad.Option, bad.Msg)
	}
	if err != nil {
		return usage("", "%v", err)
	}
	w.Client.RequiresALPN = p.opts.RequireALPN
	if p.opts.RequireALPN && len(w.Hello.ALPN()) == 0 {
		return usage("name them, such as --alpn h2", "--require-alpn needs application protocols, and this client offers none")
	}
	return nil
}

// profile is the client that the verdict is about, before the flags change it.
func (p *plan) profile() (*client.Profile, error) {
	if p.env.Hello != nil {
		return client.Seen(p.env.ClientName, p.env.Hello), nil
	}
	if p.env.Profile != nil {
		return p.env.Profile, nil
	}
	if p.opts.Client == "" {
		return client.Reference(), nil
	}
	named, err := client.Lookup(p.opts.Client)
	if err != nil {
		return nil, usage("tlswhy --client list shows all", "%v", err)
	}
	return named, nil
}

func version(flag, s string) (tlswire.Version, error) {
	if s == "" {
		return 0, nil
	}
	v, err := tlswire.ParseVersion(s)
	if err != nil || v < tlswire.SSL3 || v > tlswire.TLS13 {
		return 0, usage("ssl3, 1.0, 1.1, 1.2 or 1.3", "%s %q is no version", flag, s)
	}
	return v, nil
}

// command is the command line that repeats this diagnosis.
func (p *plan) command() string {
	words := []string{"tlswhy"}
	add := func(flag, value string) {
		if value != "" {
			words = append(words, flag, Quote(value))
		}
	}
	o := p.opts
	for _, c := range o.Connect {
		add("--connect", c)
	}
	for _, r := range o.Resolve {
		add("--resolve", r)
	}
	for _, c := range o.Control {
		add("--control", c)
	}
	add("--proxy", bare(o.Proxy))
	if o.Locate {
		words = append(words, "--locate")
	}
	for _, v := range o.Via {
		add("--via", v)
	}
	switch o.Network {
	case "ip4":
		words = append(words, "-4")
	case "ip6":
		words = append(words, "-6")
	}
	for _, f := range []struct{ flag, value string }{
		{"--sni", o.SNI}, {"--tls-min", o.MinVersion}, {"--tls-max", o.MaxVersion}, {"--ciphers", o.Ciphers}, {"--groups", o.Groups},
		{"--sigalgs", o.SigAlgs}, {"--alpn", o.ALPN}, {"--client", o.Client}, {"--cert", o.CertFile}, {"--key", o.KeyFile},
		{"--ca", o.CAFile}, {"--trust", o.Trust}, {"--starttls", o.StartTLS},
	} {
		add(f.flag, f.value)
	}
	add("--revocation", o.Revocation)
	for _, file := range o.CRLFiles {
		add("--crl", file)
	}
	if o.RequireStaple {
		words = append(words, "--require-staple")
	}
	if o.MinDHBits > 0 {
		add("--min-dh-bits", fmt.Sprint(o.MinDHBits))
	}
	if o.MaxValidityDays > 0 {
		add("--max-validity-days", fmt.Sprint(o.MaxValidityDays))
	}
	for _, pin := range o.Pins {
		add("--pin", pin)
	}
	for _, record := range o.TLSA {
		add("--tlsa", record)
	}
	words = append(words, o.shapeWords()...)
	if o.Repeat > 0 {
		add("--repeat", strconv.Itoa(o.Repeat))
	}
	if !o.At.IsZero() {
		add("--at", o.At.UTC().Format(time.RFC3339))
	}
	for _, word := range p.env.Flags {
		words = append(words, Quote(word))
	}
	return strings.Join(append(words, Quote(p.target.Input)), " ")
}

// Quote writes a word as a shell takes it.
func Quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,=@%+") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
