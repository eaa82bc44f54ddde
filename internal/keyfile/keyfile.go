// Package keyfile reads the files in which people keep certificates and private
// keys: PEM and DER in all their forms, PKCS#7, PKCS#12, Java keystores and
// Kubernetes manifests. The format is told by the content, never by the name.
//
// It knows how to decrypt with a password that it is given, and says in words
// what is wrong with a file and what to do. It refuses to judge a certificate,
// and no error of its holds any part of a key or password.
//
//	c, err := keyfile.Parse(data, keyfile.Options{})
//	if errors.Is(err, keyfile.ErrNoPassword) { ... }
package keyfile

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/internal/chain"
)

// MaxSize bounds what Parse takes; Java's cacerts has 200 kB.
const MaxSize = 16 << 20

// Options say how a file is opened. The zero value has no password.
type Options struct {
	Password *Password // nil = none was given; an empty one is a password, too
	Alias    string    // the entry of a store with several; "" = the only key
}

// Password is a secret that does not print.
type Password struct{ secret []byte }

// NewPassword wraps a secret.
func NewPassword(secret []byte) *Password { return &Password{bytes.Clone(secret)} }

// String hides the password.
func (*Password) String() string { return "(hidden)" }

// GoString hides it from %#v.
func (*Password) GoString() string { return "(hidden)" }

// Contents is what a file holds.
type Contents struct {
	Format string               // "PEM", "DER", "PKCS#7", "PKCS#12", "Java keystore"
	Chain  []*chain.Certificate // those of the chosen key first, else in the file's order
	Key    crypto.Signer        // nil = none
	Alias  string               // the entry's name in a store, "" elsewhere
	// Other names what else is there, one phrase each: "line 3: a certificate
	// signing request".
	Other []string
	// Flaw is why OpenSSL, and every server that uses it, cannot read the file as
	// it is, and Mend what helps; "" = nothing.
	Flaw, Mend string
}

// The errors that callers branch on; each is wrapped in an *Error with words.
var (
	ErrNoPassword    = errors.New("a password is needed")
	ErrWrongPassword = errors.New("the password is wrong")
	ErrAmbiguous     = errors.New("several keys")
	ErrEmpty         = errors.New("nothing useful inside")
	ErrFormat        = errors.New("unknown format")
)

// Error says what is wrong with a file, and what to do.
type Error struct {
	Err  error
	Msg  string
	Hint string // may be empty
}

// Error implements error.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + "; " + e.Hint
}

// Unwrap returns the sentinel.
func (e *Error) Unwrap() error { return e.Err }

func fail(err error, hint, format string, args ...any) error {
	return &Error{Err: err, Msg: fmt.Sprintf(format, args...), Hint: hint}
}

const passwordHint = "give it with --password-file FILE"

// Parse reads a file's content. The error is an *Error; Contents is nil then.
func Parse(data []byte, o Options) (*Contents, error) {
	switch {
	case len(data) > MaxSize:
		return nil, fail(ErrFormat, "", "it is larger than %d MB, which no file of certificates is", MaxSize>>20)
	case len(bytes.TrimSpace(data)) == 0:
		return nil, fail(ErrEmpty, "", "it is empty")
	case isJKS(data):
		return parseJKS(data, o)
	case isTar(data):
		return nil, nothingIn(data, nil)
	case bytes.Contains(chain.Text(data), []byte("-----BEGIN ")):
		return parsePEM(data, o)
	case isPKCS12(data):
		return parsePKCS12(data, o)
	}
	return parseDER(data, o)
}

// IsStore tells whether data is a store, which only a program that knows its
// format can open.
func IsStore(data []byte) bool { return isJKS(data) || isPKCS12(data) }

// parseDER reads what is no text and no store.
func parseDER(data []byte, o Options) (*Contents, error) {
	if certs, err := chain.ParsePKCS7(data); err == nil && len(certs) > 0 {
		return &Contents{Format: "PKCS#7", Chain: certs}, nil
	}
	key, err := parseKeyDER(data, o)
	if err != nil {
		return nil, err
	}
	if key != nil {
		return &Contents{Format: "DER", Key: key}, nil
	}
	certs, rest := chain.ParsePEM(data)
	if len(certs) > 0 {
		return &Contents{Format: "DER", Chain: certs, Other: rest}, nil
	}
	return nil, nothingIn(data, rest)
}

// choose picks the entry of a store: the one that was named, or the only key.
func choose(aliases []string, want string) (string, error) {
	if want != "" {
		for _, a := range aliases {
			if strings.EqualFold(a, want) {
				return a, nil
			}
		}
		return "", fail(ErrEmpty, "there are: "+listed(aliases), "it has no key called %q", want)
	}
	if len(aliases) > 1 {
		return "", fail(ErrAmbiguous, "choose one with --alias NAME: "+listed(aliases), "it holds %d keys", len(aliases))
	}
	return aliases[0], nil
}

// listed names entries, bounded.
func listed(names []string) string {
	const most = 10
	var out []string
	for i, n := range names {
		if i == most {
			out = append(out, fmt.Sprintf("and %d more", len(names)-most))
			break
		}
		out = append(out, chain.Printable(n))
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}
