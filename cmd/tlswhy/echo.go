package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/echo"
)

// echoVariable holds the secret of echo server and client.
const echoVariable = "TLSWHY_ECHO_SECRET"

// echoSecret is the secret from a file, or else from the environment; "" when
// there is none.
func (p *program) echoSecret(file string) (echo.Secret, error) {
	text, where := p.env(echoVariable), "$"+echoVariable
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", badUsage("", "reading the secret: %v", err)
		}
		text, where = string(b), file
	}
	if strings.TrimSpace(text) == "" && file == "" {
		return "", nil
	}
	s, err := echo.ParseSecret(text)
	if err != nil {
		return "", badUsage("openssl rand -hex 16 makes one", "%s: %v", where, err)
	}
	return s, nil
}

// echoEnd is the echo server of --echo; nil when none was named.
func (f *diagnoseFlags) echoEnd(p *program) (*diagnose.EchoEnd, error) {
	switch {
	case f.echo == "" && f.echoSecretFile == "":
		return nil, nil
	case f.echo == "":
		return nil, badUsage("add --echo HOST:PORT", "--echo-secret-file without --echo")
	}
	secret, err := p.echoSecret(f.echoSecretFile)
	if err != nil {
		return nil, err
	}
	if secret == "" {
		return nil, badUsage("tlswhy listen --echo prints one; give it as $"+echoVariable+" or with --echo-secret-file", "--echo needs the server's secret")
	}
	if _, err := diagnose.ParseTarget(f.echo); err != nil || !strings.Contains(f.echo, ":") {
		return nil, badUsage("HOST:PORT", "--echo %q cannot be read", f.echo)
	}
	return &diagnose.EchoEnd{Address: f.echo, Secret: secret}, nil
}

// runEcho is the other end: it tells who knows the secret what arrives.
func (p *program) runEcho(ctx context.Context, addr, secretFile string) error {
	secret, err := p.echoSecret(secretFile)
	if err != nil {
		return err
	}
	made := secret == ""
	if made {
		secret = echo.NewSecret()
	}
	var mu sync.Mutex
	s, err := echo.Listen(addr, secret, echo.Options{Tell: func(from, what string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(p.stdout, "%s  %s\n", clean(from), clean(what))
	}})
	if err != nil {
		return badUsage("give another address, such as 127.0.0.1:9443", "listening at %s: %v", addr, err)
	}
	defer s.Close()
	fmt.Fprintf(p.stderr, "tlswhy: what arrives at %s is told to those who know the secret. Ctrl-C ends.\n", s.Addr())
	if made {
		fmt.Fprintf(p.stderr, "        A secret was made for this time; on the other machine:\n        %s=%s tlswhy --echo HOST:PORT TARGET\n", echoVariable, secret.Reveal())
	}
	<-ctx.Done()
	return nil
}
