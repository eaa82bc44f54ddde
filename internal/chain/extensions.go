package chain

import "golang.org/x/crypto/cryptobyte"

// The extensions that are read.
const (
	oidSubjectKeyID    = "2.5.29.14"
	oidKeyUsage        = "2.5.29.15"
	oidSubjectAltName  = "2.5.29.17"
	oidIssuerAltName   = "2.5.29.18"
	oidBasic           = "2.5.29.19"
	oidNameConstraints = "2.5.29.30"
	oidCRLPoints       = "2.5.29.31"
	oidPolicies        = "2.5.29.32"
	oidPolicyMappings  = "2.5.29.33"
	oidAuthorityKeyID  = "2.5.29.35"
	oidPolicyLimits    = "2.5.29.36"
	oidExtKeyUsage     = "2.5.29.37"
	oidInhibitAny      = "2.5.29.54"
	oidAuthorityInfo   = "1.3.6.1.5.5.7.1.1"
	oidTLSFeature      = "1.3.6.1.5.5.7.1.24"
	oidSCTs            = "1.3.6.1.4.1.11129.2.4.2"
	oidPoison          = "1.3.6.1.4.1.11129.2.4.3"
	oidNetscapeType    = "2.16.840.1.113730.1.1"
)

// processedCritical are the extensions that the common clients process, so that
// their being critical stops nobody. OpenSSL knows the most; what only it knows
// is left out, except the policy extensions.
var processedCritical = map[string]bool{
	oidSubjectKeyID: true, oidKeyUsage: true, oidSubjectAltName: true, oidBasic: true,
	oidNameConstraints: true, oidPolicies: true, oidPolicyMappings: true, oidPolicyLimits: true,
	oidExtKeyUsage: true, oidInhibitAny: true, oidAuthorityKeyID: true, oidCRLPoints: true,
	oidNetscapeType: true, oidTLSFeature: true, oidAuthorityInfo: true, oidIssuerAltName: true,
}

// openSSLReads are the extensions that OpenSSL decodes before it verifies: when
// one is broken or doubled, the certificate is refused.
var openSSLReads = map[string]bool{
	oidSubjectKeyID: true, oidKeyUsage: true, oidSubjectAltName: true, oidBasic: true,
	oidNameConstraints: true, oidCRLPoints: true, oidAuthorityKeyID: true, oidExtKeyUsage: true,
}

func (c *Certificate) parseExtensions(s cryptobyte.String) {
	if c.Version < 3 && c.Version != 0 {
		c.problem("extensions in a version %d certificate", c.Version)
	}
	list, ok := readTag(&s, tagSequence)
	if !ok {
		c.fatal("the extensions are unreadable")
		return
	}
	seen := map[string]bool{}
	for !list.body.Empty() {
		if len(c.Extensions) >= maxExtensions {
			c.problem("more than %d extensions", maxExtensions)
			return
		}
		item, ok := readElement(&list.body)
		if !ok {
			c.fatal("the extensions end in the middle of one")
			return
		}
		ext, why := readExtension(item)
		if why != "" {
			c.fatal("extension %s: %s", ext.OID, why)
		}
		if ext.OID == "" {
			continue
		}
		c.Extensions = append(c.Extensions, ext)
		if seen[ext.OID] {
			if openSSLReads[ext.OID] {
				c.fatal("extension %s appears twice", extensionName(ext.OID))
			} else {
				c.problem("extension %s appears twice", extensionName(ext.OID))
			}
			continue
		}
		seen[ext.OID] = true
		if why == "" {
			c.parseExtension(ext)
		}
	}
}

func readExtension(item element) (ext Extension, why string) {
	if item.tag != tagSequence {
		return ext, "not a SEQUENCE"
	}
	s := item.body
	oid, ok := readOID(&s)
	if !ok {
		return ext, "unreadable OID"
	}
	ext.OID = oid
	critical, _, strict := readBool(&s)
	ext.Critical = critical
	value, ok := readTag(&s, tagOctetString)
	if !ok {
		return ext, "no value"
	}
	ext.Value = value.body
	if !strict {
		return ext, "the critical flag is no DER BOOLEAN"
	}
	return ext, ""
}

var extensionNames = map[string]string{
	oidSubjectKeyID: "subjectKeyIdentifier", oidKeyUsage: "keyUsage", oidSubjectAltName: "subjectAltName",
	oidBasic: "basicConstraints", oidNameConstraints: "nameConstraints", oidCRLPoints: "cRLDistributionPoints",
	oidPolicies: "certificatePolicies", oidAuthorityKeyID: "authorityKeyIdentifier",
	oidExtKeyUsage: "extKeyUsage", oidAuthorityInfo: "authorityInfoAccess", oidTLSFeature: "TLS feature",
	oidSCTs: "SCT list", oidPolicyMappings: "policyMappings", oidPolicyLimits: "policyConstraints",
	oidInhibitAny: "inhibitAnyPolicy", oidIssuerAltName: "issuerAltName", oidPoison: "CT poison",
}

func extensionName(oid string) string {
	if name, ok := extensionNames[oid]; ok {
		return name
	}
	return oid
}

func (c *Certificate) parseExtension(ext Extension) {
	if ext.Critical && !processedCritical[ext.OID] {
		c.UnknownCritical = append(c.UnknownCritical, ext.OID)
	}
	s := cryptobyte.String(ext.Value)
	ok := true
	switch ext.OID {
	case oidSubjectKeyID:
		var e element
		if e, ok = readTag(&s, tagOctetString); ok {
			c.SubjectKeyID = e.body
		}
	case oidKeyUsage:
		ok = c.parseKeyUsage(&s)
	case oidSubjectAltName:
		c.HasSAN = true
		ok = c.parseSAN(&s)
	case oidBasic:
		ok = c.parseBasic(&s, ext.Critical)
	case oidNameConstraints:
		ok = c.parseConstraints(&s, ext.Critical)
	case oidCRLPoints:
		ok = c.parseCRLPoints(&s)
	case oidPolicies:
		ok = c.parsePolicies(&s)
	case oidAuthorityKeyID:
		ok = c.parseAuthorityKeyID(&s)
	case oidExtKeyUsage:
		ok = c.parseExtKeyUsage(&s)
	case oidAuthorityInfo:
		ok = c.parseAuthorityInfo(&s)
	case oidTLSFeature:
		ok = c.parseTLSFeature(&s)
	case oidSCTs:
		ok = c.parseSCTs(&s)
	case oidPoison:
		c.Precert = true
		return
	default:
		return
	}
	switch {
	case !ok && openSSLReads[ext.OID]:
		c.fatal("extension %s is unreadable", extensionName(ext.OID))
	case !ok:
		c.problem("extension %s is unreadable", extensionName(ext.OID))
	case !s.Empty():
		c.problem("extension %s is followed by other data", extensionName(ext.OID))
	}
}

func (c *Certificate) parseKeyUsage(s *cryptobyte.String) bool {
	e, ok := readTag(s, tagBitString)
	if !ok {
		return false
	}
	data, _, ok := parseBitString(e.body)
	if !ok {
		return len(e.body) == 1 && e.body[0] == 0
	}
	c.HasKeyUsage = true
	for i := range len(keyUsageNames) {
		if i/8 < len(data) && data[i/8]&(0x80>>(i%8)) != 0 {
			c.KeyUsage |= 1 << i
		}
	}
	return true
}

func (c *Certificate) parseBasic(s *cryptobyte.String, critical bool) bool {
	seq, ok := readTag(s, tagSequence)
	if !ok {
		return false
	}
	bc := &BasicConstraints{MaxPathLen: -1, Critical: critical}
	isCA, _, strict := readBool(&seq.body)
	bc.IsCA = isCA
	if !strict {
		c.problem("basicConstraints: cA is no DER BOOLEAN")
	}
	c.BasicConstraints = bc
	if seq.body.Empty() {
		return true
	}
	n, ok := readTag(&seq.body, tagInteger)
	if !ok || len(n.body) == 0 || len(n.body) > 5 {
		return false
	}
	v := parseInteger(n.body).Int64()
	if v < 0 || v > 1<<31-1 {
		return false
	}
	bc.MaxPathLen = int(v)
	return seq.body.Empty()
}

func (c *Certificate) parseExtKeyUsage(s *cryptobyte.String) bool {
	seq, ok := readTag(s, tagSequence)
	if !ok {
		return false
	}
	c.ExtKeyUsage = []string{}
	for !seq.body.Empty() && len(c.ExtKeyUsage) < maxListed {
		oid, ok := readOID(&seq.body)
		if !ok {
			return false
		}
		c.ExtKeyUsage = append(c.ExtKeyUsage, oid)
	}
	if len(c.ExtKeyUsage) == 0 {
		c.problem("extKeyUsage is empty")
	}
	return true
}

func (c *Certificate) parseAuthorityKeyID(s *cryptobyte.String) bool {
	seq, ok := readTag(s, tagSequence)
	if !ok {
		return false
	}
	for !seq.body.Empty() {
		e, ok := readElement(&seq.body)
		if !ok {
			return false
		}
		switch e.tag {
		case contextTag(0, false):
			c.AuthorityKeyID = e.body
		case contextTag(1, true):
			for !e.body.Empty() {
				name, ok := readElement(&e.body)
				if !ok {
					return false
				}
				if name.tag != contextTag(4, true) || c.AuthorityIssuer.Raw != nil {
					continue
				}
				if dn, ok := readTag(&name.body, tagSequence); ok {
					c.AuthorityIssuer, _ = parseDN(dn)
				}
			}
		case contextTag(2, false):
			if len(e.body) <= 1024 {
				c.AuthoritySerial = parseInteger(e.body)
			}
		}
	}
	return true
}
