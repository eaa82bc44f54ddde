package client

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// maxHelloSize bounds the padding: the extensions share one 16-bit length.
const maxHelloSize = 65000

// chooseExtras applies the options that shape the hello and leave what it
// negotiates.
func chooseExtras(h *tlswire.ClientHello, c facts.Client, o Options) error {
	if o.GREASE {
		if h.SSL2 || h.Extensions == nil {
			return &OptionError{"--grease", "this hello has no extensions to hold reserved values"}
		}
		addGREASE(h)
	}
	if o.FallbackSCSV && !h.FallbackSCSV() {
		if h.SSL2 || c.MaxVersion >= tlswire.TLS13 {
			return &OptionError{"--fallback-scsv", "it says that a higher version was tried before; limit the version too, such as with --tls-max 1.2"}
		}
		setSuites(h, append(slices.Clone(h.CipherSuites), tlswire.TLS_FALLBACK_SCSV))
	}
	if o.RecordVersion != 0 {
		if h.SSL2 {
			return &OptionError{"--record-version", "a hello in the format of SSL 2.0 has no record version"}
		}
		h.RecordVersion = o.RecordVersion
	}
	if o.Size == 0 {
		return nil
	}
	withSessionID(h)
	h.RemoveExtension(tlswire.ExtPadding)
	switch n := messageSize(h); {
	case h.SSL2 || h.Extensions == nil:
		return &OptionError{"--hello-size", "this hello has no extensions, so that it cannot be padded"}
	case o.Size > maxHelloSize:
		return &OptionError{"--hello-size", fmt.Sprintf("%d is more than the %d bytes that padding can reach", o.Size, maxHelloSize)}
	case o.Size < n:
		return &OptionError{"--hello-size", fmt.Sprintf("the hello has %d bytes already, padding makes nothing smaller; a post-quantum group makes most of it, --groups x25519,secp256r1 leaves that out", n)}
	}
	h.PadTo(o.Size)
	return nil
}

// withSessionID puts in the session ID that the sender fills, so that the
// length is known before.
func withSessionID(h *tlswire.ClientHello) {
	if !h.SSL2 && h.Offers(tlswire.TLS13) && len(h.SessionID) == 0 {
		h.SessionID = make([]byte, 32)
	}
}

// The reserved values that --grease sends (RFC 8701), as Chrome places them.
const (
	greaseSuite   = 0x2A2A
	greaseGroup   = 0x4A4A
	greaseVersion = 0x6A6A
	greaseFirst   = 0x8A8A
	greaseLast    = 0xAAAA
)

func addGREASE(h *tlswire.ClientHello) {
	if h.HasGREASE() {
		return
	}
	setSuites(h, append([]tlswire.CipherSuite{greaseSuite}, h.CipherSuites...))
	if groups := h.Groups(); groups != nil {
		h.SetGroups(append([]tlswire.Group{greaseGroup}, groups...))
	}
	if versions := h.SupportedVersions(); versions != nil {
		h.SetSupportedVersions(append([]tlswire.Version{greaseVersion}, versions...))
	}
	if h.HasExtension(tlswire.ExtKeyShare) {
		h.SetKeyShares(append([]tlswire.KeyShare{{Group: greaseGroup, Data: []byte{0}}}, h.KeyShares()...))
	}
	h.Extensions = append([]tlswire.Extension{{Type: greaseFirst}}, h.Extensions...)
	h.SetExtension(greaseLast, []byte{0})
}

// applyExtensions adds or takes out extensions: "+extended_master_secret",
// "-encrypt_then_mac,status_request".
func applyExtensions(h *tlswire.ClientHello, change string) error {
	if change == "" {
		return nil
	}
	types, err := tlswire.ParseExtensionTypes(change[1:])
	if err != nil {
		return err
	}
	switch change[0] {
	case '-':
		removeExtensions(h, types)
		return nil
	case '+':
	default:
		return fmt.Errorf("the extensions %q begin neither with + nor with -", change)
	}
	toTLS(h)
	for _, t := range types {
		if h.HasExtension(t) {
			continue
		}
		switch t {
		case tlswire.ExtRenegotiationInfo:
			h.SetRenegotiationInfo(true)
		case tlswire.ExtStatusRequest:
			h.SetStatusRequest(true)
		case tlswire.ExtECPointFormats:
			h.SetPointFormats([]uint8{0})
		case tlswire.ExtSupportedGroups:
			h.SetGroups([]tlswire.Group{tlswire.GroupX25519, tlswire.GroupP256, tlswire.GroupP384})
		case tlswire.ExtSignatureAlgorithms:
			if h.MaxVersion() >= tlswire.TLS12 {
				h.SetSignatureSchemes(allSchemes())
			}
		default: // a flag
			h.SetExtension(t, nil)
		}
	}
	return nil
}

// applyShares sends key shares of these groups and no others.
func applyShares(h *tlswire.ClientHello, change string) error {
	if change == "" || !h.Offers(tlswire.TLS13) {
		return nil
	}
	groups, err := tlswire.ParseGroups(change)
	if err != nil {
		return err
	}
	shares := []tlswire.KeyShare{}
	for _, s := range h.KeyShares() {
		if s.Group.IsGREASE() {
			shares = append(shares, s)
		}
	}
	for _, g := range groups {
		shares = append(shares, placeholder(g))
	}
	h.SetKeyShares(shares)
	return nil
}

// applySize pads the hello to the size, or takes padding out with "none". A
// hello that is longer already stays.
func applySize(h *tlswire.ClientHello, change string) error {
	if change == "" || h.SSL2 {
		return nil
	}
	h.RemoveExtension(tlswire.ExtPadding)
	if change == "none" {
		return nil
	}
	size, err := strconv.Atoi(change)
	if err != nil || size < 1 || size > maxHelloSize {
		return fmt.Errorf("the size %q is no number of bytes up to %d", change, maxHelloSize)
	}
	withSessionID(h)
	if h.Extensions == nil {
		h.Extensions = []tlswire.Extension{}
	}
	h.PadTo(size)
	return nil
}
