package compare

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// The bounds of what is read.
const (
	maxBytes     = 64 << 20
	maxDiagnoses = 10_000
)

// Read reads the diagnoses of one file, as "tlswhy -o json" writes them.
func Read(r io.Reader) ([]*diag.Diagnosis, error) {
	limited := &io.LimitedReader{R: r, N: maxBytes}
	dec := json.NewDecoder(limited)
	var out []*diag.Diagnosis
	for {
		d := &diag.Diagnosis{}
		err := dec.Decode(d)
		switch {
		case errors.Is(err, io.EOF):
			if len(out) == 0 {
				return nil, errors.New("it is empty")
			}
			return out, nil
		case limited.N <= 0:
			return nil, fmt.Errorf("it is larger than %d MB", maxBytes>>20)
		case err != nil && len(out) == 0:
			return nil, fmt.Errorf("it is no JSON of tlswhy: %w", err)
		case err != nil:
			return nil, fmt.Errorf("after diagnosis %d: %w", len(out), err)
		case !strings.HasPrefix(d.Schema, "tlswhy.diagnosis/"):
			return nil, fmt.Errorf("it holds %q and not a diagnosis", d.Schema)
		case d.Schema != diag.Schema:
			return nil, fmt.Errorf("it holds %q, which this version does not know: update tlswhy", d.Schema)
		case d.Compared != nil:
			return nil, errors.New("it holds a comparison: compare what that was made of")
		case len(out) == maxDiagnoses:
			return nil, fmt.Errorf("it holds more than %d diagnoses", maxDiagnoses)
		}
		out = append(out, d)
	}
}

// File is the diagnoses that one file holds.
type File struct {
	Label     string
	Diagnoses []*diag.Diagnosis
}

// Sets puts together the diagnoses that are of one target. What stands in one
// file only is named in alone. Of several diagnoses of one target in a file, the
// last counts.
func Sets(files []File) (sets [][]Vantage, alone []string) {
	var keys []string
	seen := map[string][]Vantage{}
	for _, f := range files {
		for _, d := range f.Diagnoses {
			k := key(d, files)
			if !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
			v := Vantage{f.Label, d}
			if i := slices.IndexFunc(seen[k], func(x Vantage) bool { return x.Label == f.Label }); i >= 0 {
				seen[k][i] = v
			} else {
				seen[k] = append(seen[k], v)
			}
		}
	}
	for _, k := range keys {
		if len(seen[k]) > 1 {
			sets = append(sets, seen[k])
		} else {
			alone = append(alone, fmt.Sprintf("%s is in %s only", hostPort(seen[k][0].Diagnosis.Target), seen[k][0].Label))
		}
	}
	return sets, alone
}

// key is what makes two diagnoses be of one target. Masked names say nothing:
// where every file holds one diagnosis, those belong together.
func key(d *diag.Diagnosis, files []File) string {
	t := d.Target
	name := strings.ToLower(strings.TrimSuffix(t.Name, "."))
	if slices.ContainsFunc(files, func(f File) bool {
		return slices.ContainsFunc(f.Diagnoses, func(d *diag.Diagnosis) bool { return maskedName.MatchString(d.Target.Name) })
	}) &&
		!slices.ContainsFunc(files, func(f File) bool { return len(f.Diagnoses) != 1 }) {
		name = ""
	}
	return fmt.Sprint(name, " ", t.Port, " ", t.StartTLS)
}
