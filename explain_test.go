package tlswhy_test

import (
	"bufio"
	"encoding/json"
	"hash/fnv"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy"
)

// corpusRow is a row of testdata/corpus/errors.jsonl.
type corpusRow struct {
	ID, Text, Stack, Cause string
	Also                   []string
}

// heldOut tells the half of the corpus that patterns were not written for.
func (r *corpusRow) heldOut() bool {
	h := fnv.New32a()
	h.Write([]byte(r.ID))
	return h.Sum32()%2 == 1
}

func readCorpus(t *testing.T) []corpusRow {
	t.Helper()
	f, err := os.Open("testdata/corpus/errors.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows []corpusRow
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var r corpusRow
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

// firstAnswers are the ids of the causes of the first failure that a text names.
func firstAnswers(t *testing.T, text string) []string {
	t.Helper()
	ds, err := tlswhy.Explain(strings.NewReader(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	if len(ds) > 0 {
		for _, c := range ds[0].Causes {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// TestCorpus scores the explanations against labels that people gave.
func TestCorpus(t *testing.T) {
	type score struct{ rows, strict, lenient, none int }
	var half [2]score
	for _, r := range readCorpus(t) {
		s := &half[0]
		if r.heldOut() {
			s = &half[1]
		}
		s.rows++
		ids := firstAnswers(t, r.Text)
		first := ""
		if len(ids) > 0 {
			first = ids[0]
		}
		switch {
		case first == "":
			s.none++
			t.Logf("%s none      want %s %v\n\t%.300q", r.ID, r.Cause, r.Also, r.Text)
		case first == r.Cause:
			s.strict++
			s.lenient++
		case slices.Contains(r.Also, first):
			s.lenient++
			t.Logf("%s lenient   got %s, want %s", r.ID, first, r.Cause)
		default:
			t.Logf("%s wrong     got %v, want %s %v\n\t%.300q", r.ID, ids, r.Cause, r.Also, r.Text)
		}
	}
	all := score{half[0].rows + half[1].rows, half[0].strict + half[1].strict, half[0].lenient + half[1].lenient, half[0].none + half[1].none}
	share := func(n int, s score) float64 { return 100 * float64(n) / float64(max(1, s.rows)) }
	for name, s := range map[string]score{"first half": half[0], "second half": half[1]} {
		t.Logf("%s (%d rows): strict %.1f%% lenient %.1f%% no answer %.1f%%", name, s.rows, share(s.strict, s), share(s.lenient, s), share(s.none, s))
	}
	t.Logf("corpus (%d rows): strict %.1f%% lenient %.1f%% no answer %.1f%%", all.rows, share(all.strict, all), share(all.lenient, all), share(all.none, all))
	if share(all.strict, all) < 90 || share(all.lenient, all) < 97 {
		t.Errorf("strict %.1f%% lenient %.1f%%, want at least 90%% and 97%%", share(all.strict, all), share(all.lenient, all))
	}
}
