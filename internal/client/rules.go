package client

import (
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// rulesOf says which dated rules of its root program a client enforces, from
// its family and version. It knows the versions from which on a rule is
// enforced:
//
//   - Certificate Transparency: Chrome 68, Edge 79, Safari 12.1 (for certificates
//     since 2018-10-15), Firefox 135 on desktops. Android leaves it to the app up
//     to version 16 and demands it of apps for version 17.
//   - The lifetime limits of the Baseline Requirements as far as they were known
//     when it was made (398 days): Chrome 85, Edge 85, Safari 14; for leaves of
//     private CAs Apple's 825 days, Safari 13.
//   - Distrust by date: Chrome 127, Firefox 80, Safari 18. Edge follows Microsoft,
//     whose dates are not known here.
func rulesOf(p *Profile) facts.Rules {
	v := majorVersion(p.Version)
	switch p.Family {
	case "Chrome":
		return facts.Rules{Program: programSince("Chrome", v, 127), CT: v >= 68, Lifetime: v >= 85}
	case "Edge":
		return facts.Rules{CT: v >= 79, Lifetime: v >= 85}
	case "Safari":
		return facts.Rules{Program: programSince("Apple", v, 18), CT: v > 12 || strings.HasPrefix(p.Version, "12.1"), Lifetime: v >= 14, AnyCA: v >= 13}
	case "Firefox":
		return facts.Rules{Program: programSince("Mozilla", v, 80), CT: v >= 135}
	}
	return facts.Rules{}
}

// programSince names the program for versions that can distrust by date.
func programSince(program string, version, since int) string {
	if version < since {
		return ""
	}
	return program
}

// majorVersion is the leading number of a version, 0 when there is none.
func majorVersion(version string) int {
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		version = version[:end]
	}
	n, err := strconv.Atoi(version)
	if err != nil {
		return 0
	}
	return n
}
