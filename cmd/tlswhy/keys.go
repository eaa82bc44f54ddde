package main

import (
	"crypto"
	"errors"
	"strings"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/keyfile"
)

// keyFlags say how encrypted files and stores are opened.
type keyFlags struct{ passwordFile, alias string }

// passwordVariable holds the password where no file is named: a command line
// can be read by everybody on the machine.
const passwordVariable = "TLSWHY_PASSWORD"

// openWith reads the password, if any. A line break at the end is not part of it.
func (f *keyFlags) openWith(p *program) (keyfile.Options, error) {
	o := keyfile.Options{Alias: f.alias}
	if f.passwordFile == "" {
		if secret := p.env(passwordVariable); secret != "" {
			o.Password = keyfile.NewPassword([]byte(secret))
		}
		return o, nil
	}
	data, err := readBounded(f.passwordFile)
	if err != nil {
		return o, badUsage("", "reading the password: %v", err)
	}
	o.Password = keyfile.NewPassword([]byte(strings.TrimRight(string(data), "\r\n")))
	return o, nil
}

// lendKeys lets the diagnosis read stores and encrypted keys, which the light
// library leaves to others.
func (f *keyFlags) lendKeys(env *diagnose.Env, o keyfile.Options) {
	for _, w := range []struct{ flag, value string }{{"--password-file", f.passwordFile}, {"--alias", f.alias}} {
		if w.value != "" {
			env.Flags = append(env.Flags, w.flag, w.value)
		}
	}
	env.Open = func(data []byte) ([]*chain.Certificate, crypto.Signer, error) {
		c, err := keyfile.Parse(data, o)
		if (errors.Is(err, keyfile.ErrFormat) || errors.Is(err, keyfile.ErrEmpty)) && !keyfile.IsStore(data) {
			return nil, nil, nil // not for us: the diagnosis says what the file is
		}
		if err != nil {
			return nil, nil, err
		}
		return c.Chain, c.Key, nil
	}
}
