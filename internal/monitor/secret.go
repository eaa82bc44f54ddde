package monitor

// Secret is a password or token. It prints and marshals as stars; what needs it
// converts it to a string on purpose.
type Secret string

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString hides it from %#v, too.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// MarshalText hides it from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
