package capture

import "encoding/binary"

// datagram counts what of a UDP datagram is TLS in another form: QUIC and DTLS,
// which are not followed.
func (d *decoder) datagram() {
	switch b := d.udp.Payload; {
	case isDTLS(b):
		d.stats.DTLS++
	case isQUIC(b):
		d.stats.QUIC++
	case d.udp.SrcPort == 443 || d.udp.DstPort == 443:
		d.stats.UDP443++
	}
}

// isQUIC tells the long header of QUIC's handshake (RFC 9000, Section 17.2):
// versions 1 and 2 and the drafts.
func isQUIC(b []byte) bool {
	if len(b) < 7 || b[0]&0xC0 != 0xC0 {
		return false
	}
	version := binary.BigEndian.Uint32(b[1:])
	return version == 1 || version == 0x6B3343CF || version>>8 == 0xFF0000
}

// isDTLS tells a record of DTLS 1.0 or 1.2 (RFC 6347, Section 4.1), which the
// hellos of DTLS 1.3 are too.
func isDTLS(b []byte) bool {
	const header = 13
	return len(b) > header && b[0] >= 20 && b[0] <= 24 && b[1] == 0xFE && (b[2] == 0xFF || b[2] == 0xFD) && int(binary.BigEndian.Uint16(b[11:])) <= len(b)-header
}
