package web

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// input is one field of the form of an endpoint. Its name is that of the service's
// complaints.
type input struct {
	Name, Label, Hint string
	Options           []option // of a choice
	Lines             bool     // one value a line
	Identity          bool     // another value makes it another endpoint
	Wide              bool
	// get and set are the way from and to the endpoint; set complains of what it
	// cannot read.
	get func(e *monitor.Endpoint) string
	set func(e *monitor.Endpoint, v string) error
}

// ID is the name as part of an id.
func (in *input) ID() string { return strings.ReplaceAll(in.Name, ".", "-") }

type option struct{ Value, Name string }

func options(values ...string) (out []option) {
	for _, v := range values {
		out = append(out, option{v, v})
	}
	return out
}

// text is a field that is a string of the endpoint.
func text(of func(e *monitor.Endpoint) *string) (func(*monitor.Endpoint) string, func(*monitor.Endpoint, string) error) {
	return func(e *monitor.Endpoint) string { return *of(e) }, func(e *monitor.Endpoint, v string) error { *of(e) = v; return nil }
}

// lines is a field that is several strings.
func lines(of func(e *monitor.Endpoint) *[]string) (func(*monitor.Endpoint) string, func(*monitor.Endpoint, string) error) {
	return func(e *monitor.Endpoint) string { return strings.Join(*of(e), "\n") }, func(e *monitor.Endpoint, v string) error {
		*of(e) = nil
		for _, x := range strings.FieldsFunc(v, func(c rune) bool { return c == '\n' || c == ',' }) {
			if x = strings.TrimSpace(x); x != "" {
				*of(e) = append(*of(e), x)
			}
		}
		return nil
	}
}

// duration is a field that is a time.
func duration(of func(e *monitor.Endpoint) *time.Duration) (func(*monitor.Endpoint) string, func(*monitor.Endpoint, string) error) {
	return func(e *monitor.Endpoint) string { return span(*of(e)) }, func(e *monitor.Endpoint, v string) (err error) {
		*of(e), err = readSpan(v)
		return err
	}
}

var trusts = append([]option{{"", "Mozilla's roots (the default)"}}, options("system", "mozilla", "apple", "microsoft", "android", "java")...)

// group is a part of the form.
type group struct {
	Name, Hint string
	Folded     bool
	Inputs     []*input
}

func with(in input, get func(*monitor.Endpoint) string, set func(*monitor.Endpoint, string) error) *input {
	in.get, in.set = get, set
	return &in
}

// form are the fields of an endpoint that people may set.
var form = makeForm()

func makeForm() []group {
	field := func(in input, of func(e *monitor.Endpoint) *string) *input { g, s := text(of); return with(in, g, s) }
	list := func(in input, of func(e *monitor.Endpoint) *[]string) *input {
		in.Lines = true
		g, s := lines(of)
		return with(in, g, s)
	}
	while := func(in input, of func(e *monitor.Endpoint) *time.Duration) *input {
		g, s := duration(of)
		return with(in, g, s)
	}
	type E = monitor.Endpoint
	return []group{
		{Name: "What is watched", Inputs: []*input{
			field(input{Name: "target", Label: "Host or URL", Hint: "shop.example.com, mail.example.com:25, https://api.example.com", Identity: true, Wide: true}, func(e *E) *string { return &e.Target }),
			field(input{Name: "starttls", Label: "Plaintext protocol before TLS", Hint: "smtp, imap, postgres … – empty for none", Identity: true}, func(e *E) *string { return &e.StartTLS }),
			field(input{Name: "owner", Label: "Owner", Hint: "the team or person who looks after it"}, func(e *E) *string { return &e.Owner }),
			while(input{Name: "interval", Label: "Checked every", Hint: "10s to 31d; empty for 5m"}, func(e *E) *time.Duration { return &e.Interval }),
			while(input{Name: "inventory", Label: "Inventory every", Hint: "1h to 31d: all versions and suites on offer, by up to 90 connections; empty for none"}, func(e *E) *time.Duration { return &e.Inventory }),
			with(input{Name: "tags", Label: "Tags", Lines: true, Hint: "one key=value a line: lists, routes and silences match on them"}, tagsOf, setTags),
			field(input{Name: "runbook", Label: "Notes or runbook", Lines: true, Hint: "text or a link that alerts repeat"}, func(e *E) *string { return &e.Runbook }),
		}},
		{Name: "How it is reached", Folded: true, Inputs: []*input{
			list(input{Name: "connect", Label: "Addresses to dial instead", Hint: "one HOST:PORT a line, where the name leads elsewhere", Identity: true}, func(e *E) *[]string { return &e.Connect }),
			field(input{Name: "sni", Label: "SNI to send", Hint: "none sends none; empty for the name itself", Identity: true}, func(e *E) *string { return &e.SNI }),
			field(input{Name: "trust", Label: "Whose roots are trusted", Options: trusts, Identity: true}, func(e *E) *string { return &e.Trust }),
			list(input{Name: "pins", Label: "Expected keys or certificates", Hint: "one a line: sha256/… or hexadecimal digits"}, func(e *E) *[]string { return &e.Pins }),
		}},
		{Name: "What is demanded beyond a healthy handshake", Folded: true, Inputs: []*input{
			field(input{Name: "expect.issuer", Label: "Issuer contains", Hint: "Let's Encrypt"}, func(e *E) *string { return &e.Expect.Issuer }),
			field(input{Name: "expect.min_version", Label: "Version at least", Options: append([]option{{"", "any"}}, options("TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3")...)}, func(e *E) *string { return &e.Expect.MinVersion }),
			field(input{Name: "expect.alpn", Label: "ALPN protocol", Hint: "h2"}, func(e *E) *string { return &e.Expect.ALPN }),
			with(input{Name: "expect.client_cert", Label: "Client certificate", Options: []option{{"", "does not matter"}, {"yes", "must be asked for"}, {"no", "must not be asked for"}}}, askedOf, setAsked),
			list(input{Name: "expect.names", Label: "Names that are covered", Hint: "one a line"}, func(e *E) *[]string { return &e.Expect.Names }),
			field(input{Name: "expect.key", Label: "Key begins with", Hint: "ECDSA, or RSA 4096"}, func(e *E) *string { return &e.Expect.Key }),
			with(input{Name: "expect.staple", Label: "Stapled OCSP response", Options: []option{{"", "does not matter"}, {"yes", "must be there"}}}, func(e *E) string { return yes(e.Expect.Staple) }, func(e *E, v string) error { e.Expect.Staple = v == "yes"; return nil }),
			while(input{Name: "expect.warn", Label: "Warn when so much time is left", Hint: "14d; empty for a fraction of the lifetime"}, func(e *E) *time.Duration { return &e.Expect.Warn }),
			while(input{Name: "expect.critical", Label: "Critical when so much time is left", Hint: "3d"}, func(e *E) *time.Duration { return &e.Expect.Critical }),
		}},
	}
}

func yes(b bool) string { return map[bool]string{true: "yes", false: ""}[b] }

func tagsOf(e *monitor.Endpoint) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(e.Tags)) {
		out = append(out, k+"="+e.Tags[k])
	}
	return strings.Join(out, "\n")
}

func setTags(e *monitor.Endpoint, v string) error {
	e.Tags = nil
	for _, l := range strings.Split(v, "\n") {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		k, val, ok := strings.Cut(l, "=")
		if !ok {
			return fmt.Errorf("%q is not key=value", l)
		}
		if e.Tags == nil {
			e.Tags = map[string]string{}
		}
		e.Tags[strings.TrimSpace(k)] = strings.TrimSpace(val)
	}
	return nil
}

func askedOf(e *monitor.Endpoint) string {
	if e.Expect.ClientCert == nil {
		return ""
	}
	return map[bool]string{true: "yes", false: "no"}[*e.Expect.ClientCert]
}

func setAsked(e *monitor.Endpoint, v string) error {
	e.Expect.ClientCert = nil
	if v != "" {
		asked := v == "yes"
		e.Expect.ClientCert = &asked
	}
	return nil
}

// inputs are the fields of all groups.
func inputs() (all []*input) {
	for _, g := range form {
		all = append(all, g.Inputs...)
	}
	return all
}

// values are an endpoint as the form shows it.
func values(e *monitor.Endpoint) url.Values {
	v := url.Values{}
	for _, in := range inputs() {
		v.Set(in.Name, in.get(e))
	}
	return v
}

// read takes what was typed into an endpoint; mistakes are by the field's name.
// Those of identity are left as they are, where fixed.
func read(e *monitor.Endpoint, v url.Values, fixed bool) map[string]string {
	mistakes := map[string]string{}
	for _, in := range inputs() {
		if fixed && in.Identity {
			continue
		}
		if err := in.set(e, typed(v, in.Name)); err != nil {
			mistakes[in.Name] = err.Error()
		}
	}
	return mistakes
}

// typed is a value as it counts: browsers send lines that end with CR LF.
func typed(v url.Values, name string) string {
	return strings.TrimSpace(strings.ReplaceAll(v.Get(name), "\r\n", "\n"))
}

// blame puts a complaint of the service to the field that it is about.
func blame(mistakes map[string]string, err *access.InvalidError) {
	name := err.Field
	if !slices.ContainsFunc(inputs(), func(in *input) bool { return in.Name == name }) {
		name = map[string]string{"expect": "expect.warn"}[err.Field]
	}
	if _, ok := mistakes[name]; !ok {
		mistakes[name] = err.Msg
	}
}

type unit struct {
	name string
	of   time.Duration
}

// units are those of a span, the largest first.
var units = []unit{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}

// span writes a time as the form takes it: 5m, 30d, 1h30m; nothing for 0.
func span(d time.Duration) string {
	out := ""
	for _, u := range units {
		if n := d / u.of; n > 0 {
			out += strconv.FormatInt(int64(n), 10) + u.name
			d -= n * u.of
		}
	}
	return out
}

// readSpan reads it.
func readSpan(s string) (sum time.Duration, err error) {
	wrong := fmt.Errorf("%q is no time: write 90s, 5m, 12h or 30d", s)
	for s != "" {
		i := strings.IndexFunc(s, func(c rune) bool { return c < '0' || c > '9' })
		n, err := strconv.Atoi(s[:max(i, 0)])
		if err != nil || n > 100_000 {
			return 0, wrong
		}
		j := slices.IndexFunc(units, func(u unit) bool { return strings.HasPrefix(s[i:], u.name) })
		if j < 0 {
			return 0, wrong
		}
		sum += time.Duration(n) * units[j].of
		s = strings.TrimSpace(s[i+1:])
	}
	return sum, nil
}
