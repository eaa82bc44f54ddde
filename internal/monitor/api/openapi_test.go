package api

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

var update = flag.Bool("update", false, "write the golden files")

// operations are those of the document, by "METHOD path".
func operations(doc *huma.OpenAPI) map[string]*huma.Operation {
	out := map[string]*huma.Operation{}
	for path, item := range doc.Paths {
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "DELETE": item.Delete, "PATCH": item.Patch, "HEAD": item.Head, "OPTIONS": item.Options} {
			if op != nil {
				out[method+" "+path] = op
			}
		}
	}
	return out
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// TestDescription holds the document to what OpenAPI 3.1 asks for and to what a
// reader needs, and the list of operations to a golden file: none goes or
// changes its name by accident.
func TestDescription(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	doc := w.api.huma.OpenAPI()
	if doc.OpenAPI != "3.1.0" || doc.Info.Title == "" || doc.Info.Version != "test" {
		t.Errorf("got OpenAPI %s, title %q, version %q", doc.OpenAPI, doc.Info.Title, doc.Info.Version)
	}
	ops, ids := operations(doc), map[string]string{}
	var golden strings.Builder
	for _, at := range slices.Sorted(maps.Keys(ops)) {
		op := ops[at]
		method, path, _ := strings.Cut(at, " ")
		scope := "open"
		for _, s := range op.Security {
			if scopes, ok := s["token"]; ok {
				scope = strings.Join(append(scopes, "")[:1], "")
				if scope == "" {
					scope = string(anybody)
				}
			}
		}
		fmt.Fprintf(&golden, "%-7s%-42s%-22s%s\n", method, path, op.OperationID, scope)
		if other := ids[op.OperationID]; other != "" || op.OperationID == "" {
			t.Errorf("%s: its id %q is that of %s", at, op.OperationID, other)
		}
		ids[op.OperationID] = at
		if op.Summary == "" || len(op.Tags) == 0 {
			t.Errorf("%s has no summary or no tag", at)
		}
		for _, m := range placeholder.FindAllStringSubmatch(path, -1) {
			if !slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.In == "path" && p.Name == m[1] && p.Required }) {
				t.Errorf("%s does not describe {%s}", at, m[1])
			}
		}
		good := false
		for status, r := range op.Responses {
			good = good || status[0] == '2'
			if r.Description == "" {
				t.Errorf("%s: the answer %s is not described", at, status)
			}
		}
		if !good {
			t.Errorf("%s does not describe its success", at)
		}
		if scope != "open" && op.Responses["401"] == nil {
			t.Errorf("%s needs a login and does not describe 401", at)
		}
		// The route is there, and does not let strangers in.
		r := httptest.NewRequest(method, placeholder.ReplaceAllString(path, "x"), nil)
		if _, pattern := w.api.mux.Handler(r); pattern != at {
			t.Errorf("%s is described and leads to %q", at, pattern)
		}
		rec := httptest.NewRecorder()
		w.api.ServeHTTP(rec, r)
		if (rec.Code == http.StatusUnauthorized) != (scope != "open") && method == http.MethodGet {
			t.Errorf("%s: a stranger gets %d", at, rec.Code)
		}
	}
	const file = "testdata/operations.txt"
	if *update {
		if err := os.WriteFile(file, []byte(golden.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || golden.String() != string(want) {
		t.Errorf("the operations are not those of %s (%v); if that is meant, run with -update:\n%s", file, err, golden.String())
	}
}

// TestSchemas follows every reference and holds every example to its schema.
func TestSchemas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	doc := w.api.huma.OpenAPI()
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	walk(tree, func(m map[string]any) {
		ref, ok := m["$ref"].(string)
		if !ok {
			return
		}
		at := any(tree)
		for _, step := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
			next, _ := at.(map[string]any)
			at = next[step]
		}
		if at == nil {
			t.Errorf("%s leads nowhere", ref)
		}
	})
	examples := 0
	check := func(where string, s *huma.Schema) {
		for _, e := range s.Examples {
			examples++
			var plain any
			if raw, err := json.Marshal(e); err != nil || json.Unmarshal(raw, &plain) != nil {
				t.Errorf("%s: the example %v is no JSON", where, e)
			}
			res := &huma.ValidateResult{}
			huma.Validate(doc.Components.Schemas, s, huma.NewPathBuffer([]byte{}, 0), huma.ModeWriteToServer, plain, res)
			for _, err := range res.Errors {
				t.Errorf("%s: the example %v breaks its schema: %v", where, e, err)
			}
		}
	}
	for name, s := range doc.Components.Schemas.Map() {
		for field, f := range s.Properties {
			check(name+"."+field, f)
		}
	}
	for at, op := range operations(doc) {
		for _, p := range op.Parameters {
			if p.Schema != nil {
				check(at+" "+p.Name, p.Schema)
			}
		}
	}
	if examples < 20 {
		t.Errorf("only %d examples", examples)
	}
}

// walk visits every object of a JSON value.
func walk(v any, visit func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(v)
		for _, x := range v {
			walk(x, visit)
		}
	case []any:
		for _, x := range v {
			walk(x, visit)
		}
	}
}
