package lab

import "github.com/tlswhy/tlswhy/internal/tlswire"

// Breach are further answers against the RFCs, one rule each.
type Breach struct {
	// LegacyVersion replaces legacy_version in the ServerHello of TLS 1.3.
	LegacyVersion tlswire.Version
	// RandomEnd replaces the last bytes of the ServerHello's random.
	RandomEnd string
	// Compression chooses this method.
	Compression uint8
	// DoubleExtension sends the last extension of the ServerHello twice.
	DoubleExtension bool
	// ShareGroup writes this group over the ServerHello's key share; ShortShare
	// cuts the share.
	ShareGroup tlswire.Group
	ShortShare bool
	// SelectPSK selects a pre-shared key that nobody offered.
	SelectPSK bool
	// NameAnswer answers server_name with bytes instead of nothing.
	NameAnswer bool
	// SecondRenegotiation fills renegotiation_info as if this were not the first
	// handshake.
	SecondRenegotiation bool
	// TwoProtocols selects both of the client's first two protocols.
	TwoProtocols bool
	// MisplacedExtension puts key_share into the EncryptedExtensions.
	MisplacedExtension bool
	// NoEncryptedExtensions, NoCertificateMessage and NoVerify leave the message
	// out; VerifyFirst sends CertificateVerify before the Certificate.
	NoEncryptedExtensions bool
	NoCertificateMessage  bool
	NoVerify              bool
	VerifyFirst           bool
	// CertificateContext is the length of the Certificate's request context.
	CertificateContext int
	// PlainFlight sends the flight of TLS 1.3 in clear.
	PlainFlight bool
	// DoneBody is the length of the ServerHelloDone.
	DoneBody int
	// BigRecord sends a record of more than 16,384 bytes.
	BigRecord bool
	// CCSValue is the byte of the ChangeCipherSpec (0 = 1).
	CCSValue byte

	// AfterRetry reacts to the second ClientHello of a HelloRetryRequest.
	AfterRetry Reaction
	// RetryCookie sends a cookie with the HelloRetryRequest and ends with
	// illegal_parameter all the same, as if it had been forgotten.
	RetryCookie bool
	// RetrySuite chooses another suite after the HelloRetryRequest.
	RetrySuite bool
}
