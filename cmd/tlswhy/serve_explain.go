package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/capture"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/guard"
	"github.com/tlswhy/tlswhy/internal/keyfile"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
	monitorservice "github.com/tlswhy/tlswhy/internal/monitor/service"
	"github.com/tlswhy/tlswhy/internal/srvconf"
)

// diagnoseFor diagnoses a target for somebody who may dial what the rule allows.
func (p *program) diagnoseFor(ctx context.Context, rule *guard.Policy, r monitorservice.DiagnoseRequest) (*diag.Diagnosis, error) {
	if _, ok := causes.Software(r.Server); r.Server != "" && !ok {
		return nil, &access.InvalidError{Field: "server", Msg: "one of " + strings.Join(causes.SoftwareNames("server"), ", ")}
	}
	o := options{Connect: r.Connect, SNI: r.SNI, StartTLS: r.StartTLS, Client: r.Client, Trust: r.Trust, MinVersion: r.MinVersion, MaxVersion: r.MaxVersion, ALPN: r.ALPN, Server: r.Server}
	if live, ok := monitorservice.LiveFrom(ctx); ok {
		o.Picture, o.Progress = true, live.Doing
	}
	d, err := p.diagnose(withGuard(ctx, rule), r.Target, &o)
	var usage *tlswhy.UsageError
	var forbidden *forbiddenError
	if errors.As(err, &forbidden) {
		return nil, &access.InvalidError{Field: "target", Msg: forbidden.Error()}
	}
	if errors.As(err, &usage) {
		return nil, &access.InvalidError{Field: "target", Msg: strings.TrimSuffix(usage.Msg+"; "+usage.Hint, "; ")}
	}
	return d, err
}

// The bounds of what is sent in to be explained.
const (
	maxSentCapture = 64 << 20
	maxSentFile    = 1 << 20
	maxAnswers     = 30 // diagnoses of one file
	maxAnswerBytes = 48 << 20
)

// explainFor explains what somebody typed, pasted or sent. It is read by the same
// command as on a command line, apart from this machine: no file that it names is
// looked at here, and nothing is dialled that the rule forbids.
func (p *program) explainFor(ctx context.Context, rule *guard.Policy, m monitorservice.Material, r monitorservice.DiagnoseRequest) (monitorservice.Reading, error) {
	const peek = 64 << 10
	in := bufio.NewReaderSize(m.Data, peek)
	head, err := in.Peek(peek)
	if err != nil && !errors.Is(err, io.EOF) {
		return monitorservice.Reading{}, err
	}
	if capture.Known(bytes.NewReader(head)) {
		return p.answered(ctx, rule, monitorservice.KindCapture, title(m.Name, "a capture"), r, &bounded{r: in, left: maxSentCapture, what: "a capture of at most 64 MB is read here; cut it with tcpdump or editcap, or run tlswhy capture on your machine"})
	}
	data, err := io.ReadAll(&bounded{r: in, left: maxSentFile, what: "a text, a configuration or a certificate of at most 1 MB is read here"})
	if err != nil {
		return monitorservice.Reading{}, err
	}
	kind, target := kindOf(data)
	switch kind {
	case "":
		return monitorservice.Reading{}, &monitorservice.MaterialError{Msg: "there is nothing in it: give a host, an error message, or a file"}
	case monitorservice.KindTarget:
		return monitorservice.Reading{Kind: kind, Target: target, Title: target}, nil
	case monitorservice.KindText:
		data = withoutKeys(data)
		name := title(m.Name, "what was sent")
		if utf8.Valid(data) {
			name = firstLine(data)
		}
		return p.answered(ctx, rule, kind, name, r, bytes.NewReader(data))
	case monitorservice.KindConfiguration:
		return p.answered(ctx, rule, kind, title(m.Name, "a configuration"), r, bytes.NewReader(data))
	}
	return p.answered(ctx, rule, kind, title(m.Name, "a certificate"), r, bytes.NewReader(data))
}

// kindOf tells what was sent by its content.
func kindOf(data []byte) (kind, target string) {
	text := strings.TrimSpace(string(data))
	switch {
	case text == "":
		return "", ""
	case srvconf.Recognise(srvconf.Stdin, data) != "":
		return monitorservice.KindConfiguration, ""
	case bytes.Contains(data, []byte("-----BEGIN ")) && !proseWithKey(data), keyfile.IsStore(data), holdsCertificates(data):
		return monitorservice.KindCertificate, ""
	case !strings.ContainsFunc(text, unicode.IsSpace):
		if _, err := diagnose.ParseTarget(text); err == nil && (strings.ContainsAny(text, ".:") || text == "localhost") {
			return monitorservice.KindTarget, text
		}
	}
	return monitorservice.KindText, ""
}

// proseWithKey tells whether the blocks of PEM in a text are keys only, among
// lines that are no PEM: somebody pasted a log with too much in it.
func proseWithKey(data []byte) bool {
	return !bytes.Contains(data, []byte("CERTIFICATE-----")) && strings.ContainsFunc(strings.TrimSpace(string(privateKey.ReplaceAll(data, nil))), unicode.IsSpace)
}

func holdsCertificates(data []byte) bool {
	if len(data) == 0 || data[0] != 0x30 && !bytes.HasPrefix(data, []byte("MII")) {
		return false
	}
	c, err := keyfile.Parse(data, keyfile.Options{})
	return err == nil && len(c.Chain) > 0 || errors.Is(err, keyfile.ErrNoPassword)
}

var privateKey = regexp.MustCompile(`(?s)-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)`)

// withoutKeys takes private keys out of a text.
func withoutKeys(data []byte) []byte { return privateKey.ReplaceAll(data, []byte("[$1 removed]")) }

// answered runs the command for a kind of material and gathers its diagnoses.
func (p *program) answered(ctx context.Context, rule *guard.Policy, kind, name string, r monitorservice.DiagnoseRequest, data io.Reader) (monitorservice.Reading, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := &gathered{}
	var talk bytes.Buffer
	own := &program{stdin: data, stdout: out, stderr: &limited{&talk, 64 << 10}, diagnose: p.diagnose, answers: p.answers, apart: true, picture: true, guard: rule.Check}
	args := []string{map[string]string{monitorservice.KindText: "explain", monitorservice.KindCapture: "capture", monitorservice.KindConfiguration: "config", monitorservice.KindCertificate: "cert"}[kind], "-o", "json", "-"}
	if r.Server != "" && kind != monitorservice.KindConfiguration {
		args = append(args, "--server", r.Server)
	}
	root := own.root()
	root.SetArgs(args)
	root.SetIn(own.stdin)
	root.SetOut(own.stdout)
	root.SetErr(own.stderr)
	err := root.ExecuteContext(ctx)
	found := monitorservice.Reading{Kind: kind, Title: name}
	var tooLarge *monitorservice.MaterialError
	var code exitError
	switch b, ok := data.(*bounded); {
	case ok && b.over:
		return found, &monitorservice.MaterialError{Msg: b.what}
	case errors.As(err, &tooLarge):
		return found, tooLarge
	case err != nil && !errors.As(err, &code):
		msg, hint := explain(err)
		return found, &monitorservice.MaterialError{Msg: upload(strings.TrimSuffix(msg+"; "+hint, "; "), name)}
	}
	if found.Found, err = out.diagnoses(name); err != nil {
		return found, err
	}
	if out.summary != "" {
		found.Notes = append(found.Notes, out.summary)
	}
	if out.more {
		found.Notes = append(found.Notes, fmt.Sprintf("there is more in it: the first %d are shown", len(found.Found)))
	}
	for line := range strings.Lines(talk.String()) {
		if line = strings.TrimSpace(strings.TrimPrefix(line, "tlswhy: ")); line != "" && len(found.Notes) < 20 {
			found.Notes = append(found.Notes, upload(clean(line), name))
		}
	}
	// What could not be read at all is said in words, in the place of a result.
	if len(found.Found) == 1 && found.Found[0].Verdict == diag.Untested && len(found.Found[0].Attempts) == 0 && len(found.Found[0].Causes) == 1 && found.Found[0].Causes[0].ID == "file-or-config-error" && int(code) == exitUsage {
		return found, &monitorservice.MaterialError{Msg: found.Found[0].Causes[0].Summary}
	}
	if len(found.Found) == 0 && int(code) == exitUsage && len(found.Notes) > 0 {
		return found, &monitorservice.MaterialError{Msg: strings.Join(found.Notes, "; ")}
	}
	return found, nil
}

// upload says in what a command says of standard input what was sent.
func upload(s, name string) string {
	return strings.ReplaceAll(strings.TrimPrefix(s, "-: "), srvconf.Stdin, name)
}

// title is the name of a file as it is shown, else what it is.
func title(name, what string) string {
	name = filepath.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._- ", r) {
			return r
		}
		return -1
	}, name)
	if name = strings.TrimSpace(name); name == "" || name == "." {
		return what
	}
	const most = 80
	if r := []rune(name); len(r) > most {
		name = string(r[:most])
	}
	return name
}

func firstLine(data []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
	return clean(line)
}

// bounded reads so much and fails behind it.
type bounded struct {
	r    io.Reader
	left int64
	what string
	over bool
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		if n, err := b.r.Read(one[:]); n == 0 {
			return 0, err
		}
		b.over = true
		return 0, &monitorservice.MaterialError{Msg: b.what}
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// gathered keeps what a command prints, line by line: the first diagnoses.
type gathered struct {
	lines [][]byte
	rest  []byte
	size  int
	more  bool

	summary string
}

// Write implements io.Writer.
func (g *gathered) Write(p []byte) (int, error) {
	for part := range bytes.Lines(p) {
		if len(g.lines) >= maxAnswers || g.size+len(part) > maxAnswerBytes {
			g.more, g.rest = true, nil
			return len(p), nil
		}
		g.rest, g.size = append(g.rest, part...), g.size+len(part)
		if bytes.HasSuffix(part, []byte("\n")) {
			g.lines, g.rest = append(g.lines, g.rest), nil
		}
	}
	return len(p), nil
}

func (g *gathered) diagnoses(name string) ([]*diag.Diagnosis, error) {
	said, err := json.Marshal(name)
	if err != nil {
		return nil, err
	}
	out := []*diag.Diagnosis{}
	for _, line := range g.lines {
		var of struct {
			Schema                        string
			Connections, Complete, Failed int
		}
		if err := json.Unmarshal(line, &of); err != nil {
			return nil, fmt.Errorf("reading the answer: %w", err)
		}
		if of.Schema != diag.Schema { // the summary of a capture
			g.summary = fmt.Sprintf("%d connections, of which %d completed the handshake and %d failed", of.Connections, of.Complete, of.Failed)
			continue
		}
		d := &diag.Diagnosis{}
		if err := json.Unmarshal(bytes.ReplaceAll(line, []byte(srvconf.Stdin), said[1:len(said)-1]), d); err != nil {
			return nil, fmt.Errorf("reading the answer: %w", err)
		}
		out = append(out, d)
	}
	return out, nil
}

// limited drops what is too much.
type limited struct {
	w    io.Writer
	left int
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	if n > 0 {
		if _, err := l.w.Write(p[:n]); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
