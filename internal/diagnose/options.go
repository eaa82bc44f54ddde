package diagnose

import (
	"context"
	"crypto"
	"fmt"
	"net"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/ct"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
	"github.com/tlswhy/tlswhy/internal/truststore"
)

// Options mirrors tlswhy.Options, field by field; see there.
type Options struct {
	Connect                  []string
	Resolve                  []string
	Network                  string
	Control                  []string
	Proxy                    string
	Via                      []string
	Locate                   bool
	SNI                      string
	MinVersion, MaxVersion   string
	Ciphers, Groups, SigAlgs string
	ALPN                     string
	RequireALPN              bool
	HelloSize                int
	RecordSplit              int
	SegmentSplit             int
	RecordVersion            string
	GREASE                   bool
	FallbackSCSV             bool
	Client                   string
	CertFile, KeyFile        string
	CAFile                   string
	Trust                    string
	MinDHBits                int
	MaxValidityDays          int
	Pins                     []string
	TLSA                     []string
	StartTLS                 string
	Revocation               string
	CRLFiles                 []string
	RequireStaple            bool
	At                       time.Time
	Timeout                  time.Duration
	MaxConnections           int
	Repeat                   int
	Server                   string
	Command                  string
	Progress                 func(string)
	Detail                   int
	Picture                  bool
}

// Env is what a program may lend to the diagnosis so that the light library
// need not carry it. The zero value is complete.
type Env struct {
	// Sources are further lists of trust anchors for Options.Trust.
	Sources []truststore.Source
	// Stores keeps loaded lists for a while; nil loads them for each diagnosis.
	Stores *truststore.Cache
	// Decompress adds certificate compression algorithms (RFC 8879) to zlib.
	Decompress map[uint16]func(data []byte, max int) ([]byte, error)
	// PrivateFetches allows certificates to point to loopback and private
	// addresses also where the target is at none itself: for files of the user's
	// own.
	PrivateFetches bool
	// Answers keeps what issuers say of revocation for other diagnoses; nil keeps
	// nothing.
	Answers *Answers
	// OnDisk is the chain that the server ought to serve, read from OnDiskFile.
	OnDisk     []*chain.Certificate
	OnDiskFile string
	// Open reads what is no plain PEM: certificates, a key, or both; all nil when
	// the data is of no such kind. nil reads PEM and DER only.
	Open func(data []byte) ([]*chain.Certificate, crypto.Signer, error)
	// Flags are further words of the command line that repeats the diagnosis.
	Flags []string
	// Hello is the ClientHello of a client that was watched, in place of a
	// profile's, and ClientName what to call it.
	Hello      *tlswire.ClientHello
	ClientName string
	// Profile is the client to speak and judge as, in place of the one that
	// Options.Client names.
	Profile *client.Profile
	// Dial replaces the TCP connect to the target, as a proxy does; nil connects
	// directly. The addresses are then Options.Connect.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Echo is asked what arrives of the client's hello; nil is none.
	Echo *EchoEnd
	// Guard may refuse any address just before it is dialled, of the target and of
	// what certificates point to; nil refuses none.
	Guard func(address string) error
	// Attempted is told of each attempt when it ends, from any goroutine and without
	// its number; nil for nobody.
	Attempted func(diag.Attempt)
	// Environ is the process's environment, whose proxy variables the user's client
	// follows; not where Dial or Guard is set.
	Environ []string
	// LookupTLSA asks the DNS for the TLSA records of a name such as
	// _25._tcp.mx.example.com; nil means that there is nobody to ask. No records
	// and no error is an answer. The caller vouches for DNSSEC, or not.
	LookupTLSA func(ctx context.Context, name string) ([]facts.TLSA, error)
	// LookupRecords asks the DNS for records of the type CAA, TLSA or HTTPS and
	// gives their data in presentation form; nil means that there is nobody to ask.
	LookupRecords func(ctx context.Context, name, kind string) ([]string, error)
	// Roots and Logs replace, for tests, what is known of public roots and of the
	// logs of Certificate Transparency.
	Roots map[[32]byte]facts.Root
	Logs  *ct.List
}

// UsageError is a target or an option that makes no sense.
type UsageError struct {
	Msg  string // what is wrong
	Hint string // what to do instead, may be empty
}

// Error implements error.
func (e *UsageError) Error() string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + "; " + e.Hint
}

// FileError is a file that cannot be read.
type FileError struct {
	File, Role string
	Err        error
}

// Error implements error.
func (e *FileError) Error() string { return fmt.Sprintf("reading the %s: %v", e.Role, e.Err) }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

func usage(hint, format string, args ...any) error {
	return &UsageError{Msg: fmt.Sprintf(format, args...), Hint: hint}
}
