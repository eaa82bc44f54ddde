package lab

import (
	"slices"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// spoil breaks the rules of the ServerHello.
func (s *wireServer) spoil(h *tlswire.ServerHello) {
	f := &s.f.Breach
	if f.LegacyVersion != 0 {
		h.Version = f.LegacyVersion
	}
	h.Compression = f.Compression
	if f.SelectPSK {
		h.SetExtension(tlswire.ExtPreSharedKey, []byte{0, 0})
	}
	if f.NameAnswer {
		h.SetExtension(tlswire.ExtServerName, []byte("shop"))
	}
	if f.SecondRenegotiation {
		h.SetExtension(tlswire.ExtRenegotiationInfo, append([]byte{12}, random(12)...))
	}
	if names := s.hello.ALPN(); f.TwoProtocols && len(names) > 1 {
		h.SetExtension(tlswire.ExtALPN, twoProtocols(names))
	}
	for i := range h.Extensions {
		x := &h.Extensions[i]
		if x.Type != tlswire.ExtKeyShare {
			continue
		}
		data := slices.Clone(x.Data)
		if f.ShareGroup != 0 {
			data[0], data[1] = byte(f.ShareGroup>>8), byte(f.ShareGroup)
		}
		if f.ShortShare {
			const n = 7
			data = append(data[:2:2], 0, n)
			data = append(data, random(n)...)
		}
		x.Data = data
	}
	if n := len(h.Extensions); f.DoubleExtension && n > 0 {
		h.Extensions = append(h.Extensions, h.Extensions[n-1])
	}
}

// twoProtocols is the body of an ALPN extension with two names.
func twoProtocols(names []string) []byte {
	var list []byte
	for _, name := range names[:2] {
		list = append(append(list, byte(len(name))), name...)
	}
	return append([]byte{byte(len(list) >> 8), byte(len(list))}, list...)
}

// ccs is the body of the ChangeCipherSpec.
func (s *wireServer) ccs() []byte {
	if s.f.CCSValue != 0 {
		return []byte{s.f.CCSValue}
	}
	return []byte{1}
}

// bigRecord sends a record of handshake bytes that is longer than allowed.
func (s *wireServer) bigRecord() error {
	raw := append([]byte{byte(tlswire.TypeCertificate), 0, 0x47, 0}, make([]byte, 0x4700)...)
	record := append([]byte{byte(tlswire.ContentHandshake), 3, 3, byte(len(raw) >> 8), byte(len(raw))}, raw...)
	s.pending = append(s.pending, record...)
	return s.flush()
}
