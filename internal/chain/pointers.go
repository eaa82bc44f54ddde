package chain

import "golang.org/x/crypto/cryptobyte"

func (c *Certificate) parseAuthorityInfo(s *cryptobyte.String) bool {
	seq, ok := readTag(s, tagSequence)
	if !ok {
		return false
	}
	for n := 0; !seq.body.Empty() && n < maxListed; n++ {
		item, ok := readTag(&seq.body, tagSequence)
		if !ok {
			return false
		}
		method, ok := readOID(&item.body)
		if !ok {
			return false
		}
		location, ok := readElement(&item.body)
		if !ok {
			return false
		}
		if location.tag != contextTag(6, false) {
			continue
		}
		switch method {
		case "1.3.6.1.5.5.7.48.1":
			c.OCSPURLs = append(c.OCSPURLs, string(location.body))
		case "1.3.6.1.5.5.7.48.2":
			c.IssuerURLs = append(c.IssuerURLs, string(location.body))
		}
	}
	return true
}

// parseCRLPoints keeps the URIs of fullName; other forms are skipped.
func (c *Certificate) parseCRLPoints(s *cryptobyte.String) bool {
	seq, ok := readTag(s, tagSequence)
	if !ok {
		return false
	}
	for n := 0; !seq.body.Empty() && n < maxListed; n++ {
		point, ok := readTag(&seq.body, tagSequence)
		if !ok {
			return false
		}
		name, ok := readTag(&point.body, contextTag(0, true))
		if !ok {
			continue
		}
		full, ok := readTag(&name.body, contextTag(0, true))
		if !ok {
			continue
		}
		for !full.body.Empty() && len(c.CRLURLs) < maxListed {
			uri, ok := readElement(&full.body)
			if !ok {
				return false
			}
			if uri.tag == contextTag(6, false) {
				c.CRLURLs = append(c.CRLURLs, string(uri.body))
			}
		}
	}
	return true
}

func (c *Certificate) parsePolicies(s *cryptobyte.String) bool {
	seq, ok := readTag(s, tagSequence)
	if !ok {
		return false
	}
	for !seq.body.Empty() && len(c.Policies) < maxListed {
		item, ok := readTag(&seq.body, tagSequence)
		if !ok {
			return false
		}
		oid, ok := readOID(&item.body)
		if !ok {
			return false
		}
		c.Policies = append(c.Policies, oid)
	}
	return true
}

// parseTLSFeature reads RFC 7633: a SEQUENCE OF INTEGER.
func (c *Certificate) parseTLSFeature(s *cryptobyte.String) bool {
	seq, ok := readTag(s, tagSequence)
	if !ok {
		return false
	}
	for !seq.body.Empty() && len(c.TLSFeatures) < maxListed {
		e, ok := readTag(&seq.body, tagInteger)
		if !ok || len(e.body) == 0 || len(e.body) > 3 {
			return false
		}
		n := parseInteger(e.body).Int64()
		if n < 0 || n > 0xffff {
			return false
		}
		c.TLSFeatures = append(c.TLSFeatures, uint16(n))
		if n == 5 || n == 17 {
			c.MustStaple = true
		}
	}
	return true
}

// parseSCTs splits a SignedCertificateTimestampList (RFC 6962, Section 3.3).
func (c *Certificate) parseSCTs(s *cryptobyte.String) bool {
	octets, ok := readTag(s, tagOctetString)
	if !ok {
		return false
	}
	var list cryptobyte.String
	if !octets.body.ReadUint16LengthPrefixed(&list) || !octets.body.Empty() {
		return false
	}
	for !list.Empty() {
		var sct cryptobyte.String
		if !list.ReadUint16LengthPrefixed(&sct) {
			return false
		}
		c.SCTs = append(c.SCTs, sct)
	}
	return true
}
