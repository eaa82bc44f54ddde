package tlswhy

import (
	"context"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// Options say which client the verdict is about, what it trusts and how the
// target is reached. The zero value is the reference client: a strict, current
// command-line client in the manner of OpenSSL 3.5, with the system's trust
// store.
type Options struct {
	// Connect are addresses (HOST:PORT) to dial instead of resolving the
	// target's name; several stand for the name's several addresses.
	Connect []string
	// Resolve gives addresses to names as curl does: HOST:PORT:ADDR[,ADDR].
	Resolve []string
	// Network is "ip4" or "ip6" to use one address family only.
	Network string

	// Control are other servers (HOST or HOST:PORT, 443 by default) that have
	// nothing to do with the target, to compare with where a connection is cut
	// off: what fails there too is the fault of the path. They see the target's
	// name in a ClientHello.
	Control []string

	// Proxy is the URL of a proxy to go through: http, https, socks4, socks4a,
	// socks5 or socks5h, with user and password where it wants them. "" goes
	// directly (the command line follows HTTPS_PROXY, ALL_PROXY and NO_PROXY),
	// and so does "none", whatever the environment says.
	Proxy string

	// Via are addresses or names of interfaces of this machine, from which
	// connections leave; none leaves that to the system. Several make a diagnosis
	// each, and the result is what they say together. Names are resolved, and what
	// certificates point to is fetched, as always.
	Via []string

	// Locate finds out, where a ClientHello is cut off, how many hops away that
	// happens, by up to 24 further connections whose packets may pass fewer
	// routers than the server is away (Linux only).
	Locate bool

	// SNI is the server_name to send: "" is the target's name (none for an IP
	// literal), "none" sends none. Names are checked against the target, never
	// against SNI.
	SNI string
	// MinVersion and MaxVersion bound the offer: ssl3, 1.0, 1.1, 1.2 or 1.3.
	MinVersion, MaxVersion string
	// Ciphers, Groups and SigAlgs replace what is offered: lists of IANA or
	// OpenSSL names, separated by colons or commas.
	Ciphers, Groups, SigAlgs string
	// ALPN is "none" or a comma-separated list; "" leaves the client's own, which
	// is h2,http/1.1 for https targets and nothing elsewhere.
	ALPN string
	// RequireALPN says that the client ends where the server selects none of its
	// protocols.
	RequireALPN bool
	// HelloSize pads the ClientHello to so many bytes (RFC 7685); RecordSplit and
	// SegmentSplit cut it into TLS records and TCP segments of so many bytes.
	// Zero leaves it as it is.
	HelloSize, RecordSplit, SegmentSplit int
	// RecordVersion is the version in the header of the ClientHello's record, 3.0
	// to 3.4; "" is the client's own.
	RecordVersion string
	// GREASE adds reserved values that servers must ignore (RFC 8701);
	// FallbackSCSV says that the client has failed with a higher version (RFC
	// 7507) and needs a MaxVersion below 1.3.
	GREASE, FallbackSCSV bool
	// Client is the name of a profile ("Java 6u45", "openssl 1.0.2", "chrome");
	// "" is the reference client.
	Client string

	// CertFile and KeyFile are the client certificate chain and its key (PEM).
	CertFile, KeyFile string
	// CAFile holds the only trust anchors. "" uses Trust.
	CAFile string
	// Trust is a store by name: system or mozilla. "" is the system's, and
	// Mozilla's embedded list where that is empty.
	Trust string

	// MinDHBits is the smallest finite-field DH prime that is accepted; 0 leaves
	// the client's own limit, which is 2048 for the reference client.
	MinDHBits int
	// MaxValidityDays is the longest validity of a server certificate that a
	// policy of yours allows; 0 is none.
	MaxValidityDays int
	// Pins are expected keys or certificates, one of which must be on the path:
	// sha256/BASE64 or sha256//BASE64 of a public key, the hex digest of a key or
	// a certificate, or a file with keys or certificates (PEM or DER).
	Pins []string
	// TLSA are the records of the service as in a zone file ("3 1 1 ab12...").
	// The server is then judged as a DANE client does (RFC 7671).
	TLSA []string

	// StartTLS is the plaintext protocol to speak first: smtp, imap, postgres
	// and the others that tlswhy diagnose --help names.
	StartTLS string

	// Revocation is "soft" or "hard" to ask the issuers whether certificates are
	// revoked, by revocation list, then by OCSP; without an answer soft goes on
	// and hard fails. "" and "off" ask nobody. A stapled "revoked" always counts.
	Revocation string
	// CRLFiles are revocation lists (PEM or DER) that judge the certificates of
	// their issuers; a list that is out of date is a failure.
	CRLFiles []string
	// RequireStaple makes a missing or bad stapled OCSP response a failure.
	RequireStaple bool

	// At is the moment at which certificates are judged; zero is now.
	At time.Time
	// Timeout bounds the first attempt; zero is 5 s. The whole diagnosis of a
	// silent server takes at most 3 s more.
	Timeout time.Duration
	// MaxConnections bounds the connections of one diagnosis; zero is 40, or
	// 12 for each address.
	MaxConnections int
	// Repeat is how many connections with the client's own hello are made to
	// each address; zero is one, and 3 to 6 where answers may differ. They are
	// added to the default of MaxConnections.
	Repeat int

	// Server names the server software whose fixes to print: nginx, apache ...
	Server string
	// Command is printed as the command that verifies the fix; "" makes one.
	Command string

	// Progress is called with short statements while the diagnosis runs, one
	// after the other; nil for none.
	Progress func(string)
	// Detail is 2 to keep the raw bytes of all messages in the result.
	Detail int
	// Picture keeps what a drawing of the handshake needs: the bytes of the
	// messages that Handshake shows and what they mean, and which programs' lists
	// have the root.
	Picture bool
}

// UsageError is a target or an option that makes no sense.
type UsageError = diagnose.UsageError

// FileError is a file of the options that cannot be read.
type FileError = diagnose.FileError

// Diagnose finds out why the TLS handshake with the target fails, or that it
// does not. The target is a host, host:port or URL. A nil opts is the zero
// value. Diagnose is safe for concurrent use.
//
// The error is a *UsageError or a *FileError; all that concerns the peer is in
// the diagnosis. When ctx ends early, what is known by then is judged.
func Diagnose(ctx context.Context, target string, opts *Options) (*diag.Diagnosis, error) {
	if opts == nil {
		opts = &Options{}
	}
	return diagnose.Run(ctx, target, diagnose.Options(*opts), diagnose.Env{})
}
