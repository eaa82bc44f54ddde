package truststore

import (
	"encoding/hex"
	"testing"
)

// Every root of the table is a digest; those that are in Mozilla's list, or in
// none, must not be spelled wrongly, which the number of known ones tells.
func TestDecisions(t *testing.T) {
	t.Parallel()
	known := 0
	for _, d := range decisions {
		for _, text := range d.roots {
			sum, err := hex.DecodeString(text)
			if err != nil || len(sum) != 32 {
				t.Fatalf("%s: %q is no digest", d.program, text)
			}
			if r := Public()[[32]byte(sum)]; r.Title != "" {
				known++
				t.Logf("%s %s %v", d.program, r.Title, r.Distrust)
			}
		}
	}
	if known == 0 {
		t.Error("no root of the table is in Mozilla's list")
	}
}
