package tlswhy_test

import (
	"slices"
	"strings"
	"testing"
)

// TestPastedTexts scores texts as people paste them, with prompts, timestamps
// and traces. The ids of the half that may be looked at while patterns are
// written begin with a, those of the other half with b, later ones with c.
func TestPastedTexts(t *testing.T) {
	var rows, strict, lenient [3]int
	for _, r := range readCorpus(t, "pasted.jsonl") {
		half := int(r.ID[0] - 'a')
		rows[half]++
		ids := firstAnswers(t, r.Text)
		switch {
		case len(ids) > 0 && ids[0] == r.Cause:
			strict[half]++
			lenient[half]++
		case len(ids) > 0 && slices.Contains(r.Also, ids[0]):
			lenient[half]++
			t.Logf("%s lenient got %v, want %s", r.ID, ids, r.Cause)
		default:
			t.Logf("%s wrong   got %v, want %s %v", r.ID, ids, r.Cause, r.Also)
		}
	}
	for i, n := range rows {
		if strict[i]*100 < 80*n || lenient[i]*100 < 88*n {
			t.Errorf("part %c: strict %d lenient %d of %d", 'A'+i, strict[i], lenient[i], n)
		}
		t.Logf("part %c (%d rows): strict %.1f%% lenient %.1f%%", 'A'+i, n, 100*float64(strict[i])/float64(n), 100*float64(lenient[i])/float64(n))
	}
}

// TestNoFailureTexts reads texts that tell of no TLS failure: prose,
// configuration, good handshakes, failures of something else.
func TestNoFailureTexts(t *testing.T) {
	rows, wrong := 0, 0
	for _, r := range readCorpus(t, "healthy.jsonl") {
		rows++
		ids := firstAnswers(t, r.Text)
		if len(ids) > 0 && !slices.Contains(r.Also, ids[0]) {
			wrong++
			t.Errorf("%s got %v, want nothing: %.120q", r.ID, ids, strings.TrimSpace(r.Text))
		}
	}
	t.Logf("%d of %d texts without a failure name one", wrong, rows)
}
