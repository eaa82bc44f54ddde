package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tlswhy/tlswhy/internal/report"
)

// diagnoseFlags are the options of tlswhy diagnose.
type diagnoseFlags struct {
	keyFlags
	opts     options
	ip4, ip6 bool
	client   string
	at       string
	output   string
	targets  string
	parallel int
	every    time.Duration
	verbose  int
	redact   bool
	color    string
	quiet    bool
	strict   bool
	bulkFlags
	// echo is an echo server, echoSecretFile holds its secret.
	echo, echoSecretFile string
}

// aliases are other names of options.
var aliases = map[string]string{"servername": "sni", "cacert": "ca"}

func normalName(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	if to, ok := aliases[name]; ok {
		name = to
	}
	return pflag.NormalizedName(name)
}

// register declares the options. The texts that explain them are in
// help/tlswhy-diagnose.txt.
func (f *diagnoseFlags) register(fs *pflag.FlagSet) {
	o := &f.opts
	fs.SetNormalizeFunc(normalName)
	fs.StringArrayVar(&o.Connect, "connect", nil, "dial HOST:PORT instead of resolving the name; several are its addresses")
	fs.StringArrayVar(&o.Resolve, "resolve", nil, "HOST:PORT:ADDR[,ADDR], as in curl")
	fs.StringArrayVar(&o.Control, "control", nil, "HOST[:PORT] of an unrelated server, to tell the path from the server")
	fs.StringVar(&o.Proxy, "proxy", "", "URL of a proxy (http, https, socks5, socks5h), or none")
	fs.StringVar(&f.echo, "echo", "", "HOST:PORT of tlswhy listen --echo, to see what arrives")
	fs.StringVar(&f.echoSecretFile, "echo-secret-file", "", "file with the secret of --echo")
	fs.StringArrayVar(&o.Via, "via", nil, "address or interface from which connections leave; several are compared")
	fs.BoolVar(&o.Locate, "locate", false, "find out how many hops away a ClientHello is cut off")
	fs.BoolVarP(&f.ip4, "ipv4", "4", false, "IPv4 addresses only")
	fs.BoolVarP(&f.ip6, "ipv6", "6", false, "IPv6 addresses only")
	fs.StringVar(&o.SNI, "sni", "", "server_name to send, or none")
	fs.StringVar(&o.MinVersion, "tls-min", "", "lowest version to offer")
	fs.StringVar(&o.MaxVersion, "tls-max", "", "highest version to offer")
	fs.StringVar(&o.Ciphers, "ciphers", "", "cipher suites, IANA or OpenSSL names")
	fs.StringVar(&o.Groups, "groups", "", "named groups")
	fs.StringVar(&o.SigAlgs, "sigalgs", "", "signature schemes")
	fs.StringVar(&o.ALPN, "alpn", "", "application protocols, or none")
	fs.BoolVar(&o.RequireALPN, "require-alpn", false, "the server must select one of the protocols")
	positive(fs, &o.HelloSize, "hello-size", "pad the ClientHello to so many bytes")
	positive(fs, &o.RecordSplit, "record-split", "bytes of the ClientHello in each TLS record")
	positive(fs, &o.SegmentSplit, "segment-split", "bytes of the ClientHello in each TCP segment")
	fs.StringVar(&o.RecordVersion, "record-version", "", "version of the ClientHello's record, 3.0 to 3.4")
	fs.BoolVar(&o.GREASE, "grease", false, "add reserved values that servers must ignore")
	fs.BoolVar(&o.FallbackSCSV, "fallback-scsv", false, "say that a higher version failed before")
	fs.StringVar(&f.client, "client", "", "speak and judge as this client; list prints them")
	fs.StringVar(&o.CertFile, "cert", "", "client certificate")
	fs.StringVar(&o.KeyFile, "key", "", "its key")
	fs.StringVar(&f.passwordFile, "password-file", "", "file with the password of the client's key or store")
	fs.StringVar(&f.alias, "alias", "", "the key to take from a store")
	fs.StringVar(&o.CAFile, "ca", "", "the only trust anchors (PEM)")
	fs.StringVar(&o.Trust, "trust", "", "whose roots")
	positive(fs, &o.MinDHBits, "min-dh-bits", "smallest finite-field DH prime that is accepted")
	positive(fs, &o.MaxValidityDays, "max-validity-days", "longest validity of a server certificate, in days")
	fs.StringArrayVar(&o.Pins, "pin", nil, "expected key or certificate: sha256/BASE64, hex or a file")
	fs.StringArrayVar(&o.TLSA, "tlsa", nil, "expected TLSA record, or dns to look it up")
	fs.StringVar(&o.StartTLS, "starttls", "", "plaintext dialogue before TLS")
	fs.StringVar(&o.Revocation, "revocation", "", "off, soft or hard")
	fs.StringArrayVar(&o.CRLFiles, "crl", nil, "revocation list (PEM or DER)")
	fs.BoolVar(&o.RequireStaple, "require-staple", false, "a good stapled OCSP response is needed")
	fs.StringVar(&f.at, "at", "", "judge as of this moment")
	lasting(fs, &o.Timeout, "timeout", "of the first attempt")
	positive(fs, &o.MaxConnections, "max-connections", "budget of connections per target")
	positive(fs, &o.Repeat, "repeat", "connections per address with the client's own hello")
	lasting(fs, &f.every, "every", "repeat the diagnosis until interrupted")
	fs.StringVar(&o.Server, "server", "", "whose fix to print: nginx, apache ...")
	fs.StringVar(&f.targets, "targets", "", "file with one target per line, or -")
	f.bulkFlags.register(fs)
	f.parallel = 8
	positive(fs, &f.parallel, "parallel", "targets at a time")
	fs.BoolVar(&f.strict, "strict", false, "a warning is a failure")
	f.registerOutput(fs)
}

// registerReach declares the options that say how a target is reached, for
// commands that judge no client.
func (f *diagnoseFlags) registerReach(fs *pflag.FlagSet) {
	o := &f.opts
	fs.SetNormalizeFunc(normalName)
	fs.StringArrayVar(&o.Connect, "connect", nil, "dial HOST:PORT instead of resolving the name")
	fs.StringArrayVar(&o.Resolve, "resolve", nil, "HOST:PORT:ADDR[,ADDR], as in curl")
	fs.StringVar(&o.Proxy, "proxy", "", "URL of a proxy, or none")
	fs.BoolVarP(&f.ip4, "ipv4", "4", false, "IPv4 addresses only")
	fs.BoolVarP(&f.ip6, "ipv6", "6", false, "IPv6 addresses only")
	fs.StringVar(&o.SNI, "sni", "", "server_name to send, or none")
	fs.StringVar(&o.CertFile, "cert", "", "client certificate")
	fs.StringVar(&o.KeyFile, "key", "", "its key")
	fs.StringVar(&f.passwordFile, "password-file", "", "file with the password of the client's key or store")
	fs.StringVar(&f.alias, "alias", "", "the key to take from a store")
	fs.StringVar(&o.StartTLS, "starttls", "", "plaintext dialogue before TLS")
	lasting(fs, &o.Timeout, "timeout", "of a connection, until the server's pace is known")
	positive(fs, &o.MaxConnections, "max-connections", "budget of connections per target")
	fs.StringVar(&o.Server, "server", "", "whose fix to print: nginx, apache ...")
	fs.StringVar(&f.targets, "targets", "", "file with one target per line, or -")
	positive(fs, &f.parallel, "parallel", "targets at a time")
	fs.BoolVar(&f.strict, "strict", false, "a warning is a failure")
}

// registerOutput declares the options that say how to print.
func (f *diagnoseFlags) registerOutput(fs *pflag.FlagSet) {
	fs.StringVarP(&f.output, "output", "o", "text", "text, json, html, markdown, junit, sarif, nagios or csv")
	fs.CountVarP(&f.verbose, "verbose", "v", "attempts and all findings; -vv the bytes")
	fs.BoolVar(&f.redact, "redact", false, "mask names, addresses and credentials")
	fs.StringVar(&f.color, "color", "auto", "auto, always or never")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "one line per target")
}

// maxParallel bounds --parallel; each target makes several connections.
const maxParallel = 256

// maxRepeat bounds --repeat.
const maxRepeat = 1000

// resolve turns the flags into options for the library and for the report.
func (f *diagnoseFlags) resolve(p *program) (options, report.Format, report.Options, error) {
	fail := func(err error) (options, report.Format, report.Options, error) {
		return options{}, "", report.Options{}, err
	}
	o := f.opts
	o.Client = f.client
	switch {
	case o.CertFile == "" && f.alias != "":
		return fail(badUsage("add --cert FILE", "--alias without --cert"))
	case o.CertFile == "" && f.passwordFile != "":
		return fail(badUsage("add --cert FILE", "--password-file without --cert"))
	case f.ip4 && f.ip6:
		return fail(badUsage("give one of them, or none for both", "-4 and -6 exclude each other"))
	case f.ip4:
		o.Network = "ip4"
	case f.ip6:
		o.Network = "ip6"
	}
	at, err := parseMoment(f.at)
	if err != nil {
		return fail(err)
	}
	o.At = at
	switch {
	case f.opts.Repeat > maxRepeat:
		return fail(badUsage("", "--repeat %d is more than %d", f.opts.Repeat, maxRepeat))
	case f.opts.CAFile != "" && f.opts.Trust != "":
		return fail(badUsage("--ca names the only anchors, --trust a list of them: give one", "--ca and --trust exclude each other"))
	case f.every != 0 && f.every < time.Second:
		return fail(badUsage("such as 30s or 5m", "--every %v is shorter than a second", f.every))
	case f.every != 0 && f.output != string(report.Text) && f.output != string(report.JSON):
		return fail(badUsage("text prints a line per change, json a line per round", "--every cannot print %s", f.output))
	case f.every != 0 && f.targets == "-":
		return fail(badUsage("name a file, which is read again in each round", "--every cannot read standard input again"))
	case f.parallel > maxParallel:
		return fail(badUsage("", "--parallel %d is more than %d", f.parallel, maxParallel))
	}
	format, err := report.ParseFormat(f.output)
	if err != nil {
		names := make([]string, len(report.Formats))
		for i, n := range report.Formats {
			names[i] = string(n)
		}
		hint := "known are " + strings.Join(names, ", ")
		if near := nearest(f.output, names); near != "" {
			hint = "did you mean " + near + "?"
		}
		return fail(badUsage(hint, "--output %q is unknown", f.output))
	}
	color, err := p.color(f.color)
	if err != nil {
		return fail(err)
	}
	o.Detail, o.Picture = min(f.verbose, 2), format == report.HTML || p.picture
	return o, format, report.Options{Width: p.width(), Color: color && format == report.Text, ASCII: p.ascii() && format == report.Text,
		Verbose: f.verbose, Quiet: f.quiet, Redact: f.redact, Strict: f.strict}, nil
}

// momentLayouts are the forms of --at.
var momentLayouts = []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02"}

// parseMoment reads a moment or a day, which begins at midnight UTC; "" is the
// zero time, which means now.
func parseMoment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range momentLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, badUsage("write 2027-03-01 or 2027-03-01T12:00:00Z", "--at %q is no date", s)
}

// oneOf says whether s is one of the words, or empty.
func oneOf(s string, words ...string) bool { return s == "" || slices.Contains(words, s) }
