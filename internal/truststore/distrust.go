package truststore

import (
	"encoding/hex"
	"sync"
	"time"
)

// Root is what the root programs say of one publicly trusted root.
type Root struct {
	Title    string
	Programs []string // whose lists hold it
	Distrust []Distrust
}

// Distrust is a program's decision to refuse what a root issues after a moment.
type Distrust struct {
	Program string
	After   time.Time
	BySCT   bool // the earliest SCT tells when a certificate was issued
}

// decision is one announcement, for several roots.
type decision struct {
	program string
	after   time.Time
	bySCT   bool
	roots   []string
}

func endOf(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 23, 59, 59, 0, time.UTC)
}

// entrust are the roots of Entrust and AffirmTrust.
var entrust = []string{
	"0376ab1d54c5f9803ce4b2e201a0ee7eef7b57b636e8a93c9b8d4860c96f5fa7", // AffirmTrust Commercial
	"0a81ec5a929777f145904af38d5d509f66b5e2c58fcdb531058b0e17f3f0b41b", // AffirmTrust Networking
	"70a73f7f376b60074248904534b11482d5bf0e698ecc498df52577ebf2e93b9a", // AffirmTrust Premium
	"bd71fdf6da97e4cf62d1647add2581b07d79adf8397eb4ecba9c5e8488821423", // AffirmTrust Premium ECC
	"6dc47172e01cbcb0bf62580d895fe2b8ac9ad4f873801e0c10b9c837d21eb177", // Entrust.net (2048)
	"73c176434f1bc6d5adf45b0e76e727287c8de57616c1e6e6141a2b2cbc7d8e4c", // Entrust Root
	"43df5774b03e7fef5fe40d931a7bedf1bb2e6b42738c4e6d3841103d3aa7f339", // Entrust Root G2
	"02ed0eb28c14da45165c566791700d6451d7fb56f0b2ab1d3b8eb070e56edff5", // Entrust Root EC1
	"db3517d1f6732a2d5ab97c533ec70779ee3270a62fb4ac4238372460e6f01e88", // Entrust Root G4
}

const (
	chunghwa = "c0a6f4dc63a24bfdcf54ef2a6a082a0a72de35803e2ff5ff527ae5d87206dfd5" // ePKI Root
	netlock  = "6c61dac3a2def031506be036d2a6fe401994fbd13df9c8d466599274c446ec98" // NetLock Arany
)

// decisions are those of programs whose lists do not carry their dates. Mozilla's
// are read from its list. Sources: security.googleblog.com of 2024-06-27 and
// 2025-05-30 (Chrome 127 and 139), support.apple.com/121668, OpenJDK's
// EntrustTLSPolicy and ChunghwaTLSPolicy.
var decisions = []decision{
	{"Chrome", endOf(2024, time.November, 11), true, entrust},
	{"Apple", endOf(2024, time.November, 15), false, entrust},
	{"Mozilla", endOf(2024, time.November, 30), false, entrust}, // since removed from its list
	{"Java", endOf(2024, time.October, 31), false, entrust},
	{"Chrome", endOf(2025, time.July, 31), true, []string{chunghwa, netlock}},
	{"Java", endOf(2026, time.March, 17), false, []string{chunghwa}},
}

// Public are the roots of which at least one program of browsers says that they
// are publicly trusted, or were, by SHA-256. It is shared and not to be changed.
var Public = sync.OnceValue(func() map[[32]byte]Root {
	out := map[[32]byte]Root{}
	mozilla := loadMozilla()
	for _, c := range mozilla.Certs {
		r := Root{Title: c.Title(), Programs: []string{"Mozilla"}}
		if at := mozilla.DistrustAfter[c.SHA256]; !at.IsZero() {
			r.Distrust = []Distrust{{Program: "Mozilla", After: at}}
		}
		out[c.SHA256] = r
	}
	for _, d := range decisions {
		for _, text := range d.roots {
			sum, err := hex.DecodeString(text)
			if err != nil || len(sum) != 32 {
				continue // a test reads them all and fails here
			}
			r := out[[32]byte(sum)]
			r.Distrust = append(r.Distrust, Distrust{Program: d.program, After: d.after, BySCT: d.bySCT})
			out[[32]byte(sum)] = r
		}
	}
	return out
})
