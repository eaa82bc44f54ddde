package facts

// Changes says how a hello differs from the user's own, property by property;
// "" means unchanged. It is comparable, so that two attempts form a flip pair
// when their Changes differ in one field.
type Changes struct {
	SNI      string // "none", or the name to send
	Version  string // "1.2" (exactly this one) or a range "1.0-1.3"
	Suites   string // "all", or "+" and IANA names to add, comma-separated
	Groups   string // as Suites
	Schemes  string // as Suites
	ALPN     string // "none", or the protocols, comma-separated
	Shape    string // "compact" (no extension that TLS 1.2 can do without), "browser" (GREASE, browser's order), "ssl2" ...
	Identity string // "none": present no client certificate
	Proxy    string // "v1": a header of the PROXY protocol goes first
	// Extensions is "+" and names of extensions to add, or "-" and names of those
	// to leave out, comma-separated.
	Extensions string
	Shares     string // the groups to send key shares of, comma-separated
	Size       string // bytes of the ClientHello, by padding; "none" removes padding
	Records    string // bytes of the hello in each TLS record; "whole"
	Segments   string // bytes of the hello in each TCP segment; "whole"
	MSS        string // the largest TCP segment, both ways, in bytes
	Path       string // PathDirect or PathProxy: another way than the user's client takes
}

// Property names one field of Changes.
type Property string

// The properties, in the order in which a human would name them.
const (
	PropSNI      Property = "SNI"
	PropVersion  Property = "version"
	PropSuites   Property = "cipher suites"
	PropGroups   Property = "groups"
	PropSchemes  Property = "signature schemes"
	PropALPN     Property = "ALPN"
	PropShape    Property = "shape"
	PropIdentity Property = "client certificate"
	PropProxy    Property = "PROXY header"

	PropExtensions Property = "extensions"
	PropShares     Property = "key shares"
	PropSize       Property = "size"
	PropRecords    Property = "records"
	PropSegments   Property = "segments"
	PropMSS        Property = "MSS"
	PropPath       Property = "path"
)

// Properties are all properties.
var Properties = []Property{PropSNI, PropVersion, PropSuites, PropGroups, PropSchemes, PropALPN, PropShape, PropIdentity, PropProxy,
	PropExtensions, PropShares, PropSize, PropRecords, PropSegments, PropMSS, PropPath}

func (c *Changes) field(p Property) *string {
	switch p {
	case PropSNI:
		return &c.SNI
	case PropVersion:
		return &c.Version
	case PropSuites:
		return &c.Suites
	case PropGroups:
		return &c.Groups
	case PropSchemes:
		return &c.Schemes
	case PropALPN:
		return &c.ALPN
	case PropShape:
		return &c.Shape
	case PropIdentity:
		return &c.Identity
	case PropProxy:
		return &c.Proxy
	case PropExtensions:
		return &c.Extensions
	case PropShares:
		return &c.Shares
	case PropSize:
		return &c.Size
	case PropRecords:
		return &c.Records
	case PropSegments:
		return &c.Segments
	case PropMSS:
		return &c.MSS
	case PropPath:
		return &c.Path
	}
	return new(string)
}

// Get returns the value of one property, "" when it is unchanged.
func (c Changes) Get(p Property) string { return *c.field(p) }

// With returns a copy in which the property has the value.
func (c Changes) With(p Property, value string) Changes {
	*c.field(p) = value
	return c
}

// Diff lists the properties in which two Changes differ.
func (c Changes) Diff(o Changes) []Property {
	var out []Property
	for _, p := range Properties {
		if c.Get(p) != o.Get(p) {
			out = append(out, p)
		}
	}
	return out
}
