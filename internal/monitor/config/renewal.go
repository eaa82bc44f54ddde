package config

import "net/url"

// Renewal says which CAs are asked when they want a certificate to be renewed.
type Renewal struct {
	At  place `yaml:"-"`
	Off bool  `yaml:"off"` // ask nobody
	// Directories are ACME servers beside those of known public CAs, asked for
	// certificates whose issuer contains the words; CAFile is what they are
	// trusted by.
	Directories []Directory `yaml:"directories"`
	CAFile      string      `yaml:"ca_file"`
}

// Directory is an ACME server.
type Directory struct {
	At     place  `yaml:"-"`
	Issuer string `yaml:"issuer"`
	URL    string `yaml:"url"`
}

func (r *reader) renewal(f *file) {
	r.c.Renewal = f.Renewal
	r.c.Renewal.CAFile = r.path(f.Renewal.CAFile)
	for _, d := range f.Renewal.Directories {
		if u, err := url.Parse(d.URL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			r.problem(d.At.node, "the url of an ACME directory must be a whole http or https address")
		}
		if d.Issuer == "" {
			r.problem(d.At.node, "issuer is missing: words that the issuer of its certificates contains")
		}
	}
}
