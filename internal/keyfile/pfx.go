package keyfile

import (
	"encoding/pem"
	"errors"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// The content and bag types of RFC 7292, Section 4, and of RFC 5652.
const (
	oidData      = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
	oidEncrypted = "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06"
	oidBag       = "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01" // and a last byte
	oidX509Bag   = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x16\x01"
	oidAlias     = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x14"

	bagKey, bagSealedKey, bagCert, bagNested = 1, 2, 3, 6

	maxNesting = 4
)

var errPFX = errors.New("unreadable PFX")

// openPFX reads what the library leaves out: files of certificates alone, in
// clear, or without a MAC. A MAC is not looked at.
func openPFX(data, password []byte) ([]*pem.Block, error) {
	in := cryptobyte.String(data)
	var pfx, safe, contents cryptobyte.String
	var version int
	if !in.ReadASN1(&pfx, cbasn1.SEQUENCE) || !pfx.ReadASN1Integer(&version) || !readContent(&pfx, oidData, &safe) ||
		!safe.ReadASN1(&safe, cbasn1.OCTET_STRING) || !safe.ReadASN1(&contents, cbasn1.SEQUENCE) {
		return nil, errPFX
	}
	var out []*pem.Block
	for !contents.Empty() {
		var bags cryptobyte.String
		if content := contents; readContent(&content, oidData, &bags) {
			contents = content
			if !bags.ReadASN1(&bags, cbasn1.OCTET_STRING) {
				return nil, errPFX
			}
		} else if !readContent(&contents, oidEncrypted, &bags) {
			return nil, errPFX // sealed for a public key
		} else if plain, err := openEncryptedData(bags, password); err != nil {
			return nil, err
		} else {
			bags = plain
		}
		more, err := readBags(bags, password, 0)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// readContent reads a ContentInfo of the type.
func readContent(in *cryptobyte.String, kind string, out *cryptobyte.String) bool {
	var info, oid cryptobyte.String
	return in.ReadASN1(&info, cbasn1.SEQUENCE) && info.ReadASN1(&oid, cbasn1.OBJECT_IDENTIFIER) && string(oid) == kind &&
		info.ReadASN1(out, cbasn1.Tag(0).Constructed().ContextSpecific())
}

// openEncryptedData opens an EncryptedData (RFC 5652, Section 8).
func openEncryptedData(in cryptobyte.String, password []byte) ([]byte, error) {
	var body, info, alg, sealed cryptobyte.String
	var version int
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !body.ReadASN1Integer(&version) || !body.ReadASN1(&info, cbasn1.SEQUENCE) ||
		!info.SkipASN1(cbasn1.OBJECT_IDENTIFIER) || !info.ReadASN1(&alg, cbasn1.SEQUENCE) || !info.ReadASN1(&sealed, cbasn1.Tag(0).ContextSpecific()) {
		return nil, errPFX
	}
	return decrypt(alg, sealed, password)
}

// readBags reads a SafeContents.
func readBags(in cryptobyte.String, password []byte, depth int) ([]*pem.Block, error) {
	var bags cryptobyte.String
	if depth > maxNesting || !in.ReadASN1(&bags, cbasn1.SEQUENCE) {
		return nil, fail(ErrWrongPassword, "", "the password does not open the PKCS#12 file")
	}
	var out []*pem.Block
	for !bags.Empty() {
		var bag, oid, value, attributes cryptobyte.String
		var has bool
		if !bags.ReadASN1(&bag, cbasn1.SEQUENCE) || !bag.ReadASN1(&oid, cbasn1.OBJECT_IDENTIFIER) || !bag.ReadASN1(&value, cbasn1.Tag(0).Constructed().ContextSpecific()) ||
			!bag.ReadOptionalASN1(&attributes, &has, cbasn1.SET) || len(oid) != len(oidBag)+1 || string(oid[:len(oidBag)]) != oidBag {
			return nil, errPFX
		}
		block := &pem.Block{Type: "PRIVATE KEY", Headers: map[string]string{"friendlyName": friendlyName(attributes)}, Bytes: value}
		switch oid[len(oidBag)] {
		case bagKey, bagSealedKey: // parseKeyDER opens the latter
		case bagCert:
			var cert cryptobyte.String
			if !value.ReadASN1(&value, cbasn1.SEQUENCE) || !value.ReadASN1(&oid, cbasn1.OBJECT_IDENTIFIER) || string(oid) != oidX509Bag ||
				!value.ReadASN1(&value, cbasn1.Tag(0).Constructed().ContextSpecific()) || !value.ReadASN1(&cert, cbasn1.OCTET_STRING) {
				return nil, errPFX
			}
			block.Type, block.Bytes = "CERTIFICATE", cert
		case bagNested:
			more, err := readBags(value, password, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
			continue
		default:
			continue // revocation lists and secrets
		}
		out = append(out, block)
	}
	return out, nil
}

// friendlyName reads the name of a bag out of its attributes, "" for none.
func friendlyName(attributes cryptobyte.String) string {
	for !attributes.Empty() {
		var a, oid, values, text cryptobyte.String
		if !attributes.ReadASN1(&a, cbasn1.SEQUENCE) || !a.ReadASN1(&oid, cbasn1.OBJECT_IDENTIFIER) {
			return ""
		}
		const bmpString = cbasn1.Tag(30)
		if string(oid) != oidAlias || !a.ReadASN1(&values, cbasn1.SET) || !values.ReadASN1(&text, bmpString) {
			continue
		}
		var units []uint16
		for u := uint16(0); text.ReadUint16(&u); {
			units = append(units, u)
		}
		return string(utf16.Decode(units))
	}
	return ""
}
