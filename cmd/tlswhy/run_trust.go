package main

import (
	"context"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// resolved is what curl --resolve [+]HOST:PORT:ADDRESS[,ADDRESS] says: curl
// leaves names to a proxy, so that the proxy has to heed it.
func resolved(args []string) map[string]string {
	out := map[string]string{}
	if len(args) == 0 || filepath.Base(args[0]) != "curl" {
		return out
	}
	for i := 1; i+1 < len(args); i++ {
		host, rest, ok := strings.Cut(strings.TrimPrefix(args[i+1], "+"), ":")
		port, addresses, known := strings.Cut(rest, ":")
		if args[i] != "--resolve" || !ok || !known {
			continue
		}
		address, _, _ := strings.Cut(addresses, ",")
		out[net.JoinHostPort(strings.ToLower(host), port)] = net.JoinHostPort(strings.Trim(address, "[]"), port)
	}
	return out
}

// trustOptions are how clients name, on their command line or in their
// environment, the file of the CAs that they trust.
var trustOptions = []struct {
	client          string // what the program's name begins with
	flags, settings []string
}{
	{"curl", []string{"--cacert"}, []string{"CURL_CA_BUNDLE"}},
	{"wget", []string{"--ca-certificate"}, nil},
	{"aria2c", []string{"--ca-certificate"}, nil},
	{"openssl", []string{"-CAfile"}, nil},
	{"gnutls-cli", []string{"--x509cafile"}, nil},
	{"http", []string{"--verify"}, []string{"REQUESTS_CA_BUNDLE"}},
	{"python", nil, []string{"REQUESTS_CA_BUNDLE"}},
	{"node", nil, []string{"NODE_EXTRA_CA_CERTS"}},
	{"npm", nil, []string{"NODE_EXTRA_CA_CERTS"}},
	{"git", nil, []string{"GIT_SSL_CAINFO"}},
	{"mosquitto", []string{"--cafile"}, nil},
}

// trustedFile is the file of CAs that a command names, "" for none. The last
// one counts, and an option counts more than the environment.
func trustedFile(args []string, env func(string) string) string {
	if len(args) > 0 && filepath.Base(args[0]) == "env" {
		for args = args[1:]; len(args) > 0 && strings.Contains(args[0], "="); args = args[1:] {
			name, value, _ := strings.Cut(args[0], "=")
			outer := env
			env = func(n string) string {
				if n == name {
					return value
				}
				return outer(n)
			}
		}
	}
	if len(args) == 0 {
		return ""
	}
	file := ""
	for _, t := range trustOptions {
		if !strings.HasPrefix(filepath.Base(args[0]), t.client) {
			continue
		}
		for i, a := range args {
			name, value, joined := strings.Cut(a, "=")
			switch {
			case !slices.Contains(t.flags, name):
			case joined:
				file = value
			case i+1 < len(args):
				file = args[i+1]
			}
		}
		for _, s := range t.settings {
			if file == "" {
				file = env(s)
			}
		}
	}
	return file
}

// distrusts are the causes that another store may take away.
var distrusts = []string{"unknown-ca", "incomplete-chain", "self-signed", "distrusted-ca"}

// trusting repeats a diagnosis that ends at the store with the CAs that the
// client itself was given: whom it trusts is no question then, and what is left
// is why it failed.
func (w *witness) trusting(ctx context.Context, d *diag.Diagnosis, target string, o diagnose.Options, env diagnose.Env) *diag.Diagnosis {
	first := d.FirstFailure()
	file := trustedFile(w.command, w.p.env)
	if first == nil || !slices.Contains(distrusts, first.ID) || file == "" || o.CAFile != "" || o.Trust != "" {
		return d
	}
	o.CAFile = file
	again, err := diagnose.Run(ctx, target, o, env)
	if err != nil { // an unreadable file, say
		return d
	}
	return again
}
