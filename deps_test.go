package tlswhy_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tlswhy/tlswhy"

// room says what one folder may import of this module, and why no more. The
// picture is in docs/design.md. A new folder is added here with its reason.
type room struct {
	may []string // folders of this module; "*" = every one
	why string
}

var rooms = map[string]room{
	".": {may: []string{"diag", "internal/diagnose", "internal/errtext"},
		why: "the front door turns options into a Want, hands it to diagnose and returns diag"},
	"diag": {why: "the result is a leaf: every report and other programs' code stand on it"},

	"internal/spell":      {why: "how far apart two words are, for all that say \"did you mean\": a leaf"},
	"internal/tlswire":    {may: []string{"internal/spell"}, why: "bytes and messages are a leaf: no judgement, no I/O"},
	"internal/chain":      {may: []string{"internal/spell"}, why: "certificates and paths are a leaf: given bytes and anchors, never fetched ones"},
	"internal/ct":         {why: "SCTs and the logs that sign them are a leaf: given bytes and a dated list"},
	"internal/starttls":   {why: "a preamble is a dialogue in plain text and knows nothing of TLS"},
	"internal/proxy":      {why: "the ways through proxies are a leaf: what a refusal means is judged elsewhere"},
	"internal/facts":      {may: []string{"diag", "internal/tlswire", "internal/chain", "internal/ct"}, why: "the words that all inputs share; they state and never conclude"},
	"internal/client":     {may: []string{"internal/tlswire", "internal/facts", "internal/spell"}, why: "how named clients speak and judge, as data"},
	"internal/truststore": {may: []string{"internal/chain"}, why: "where anchors come from; what they are worth is judged elsewhere"},
	"internal/keyfile":    {may: []string{"internal/chain"}, why: "the files that hold certificates and keys, some of which need libraries that the light library does without"},
	"internal/guard":      {why: "which addresses may be dialled for others is a leaf: one rule for all that dials"},
	"internal/fetch":      {may: []string{"internal/chain", "internal/guard", "internal/proxy"}, why: "brings bytes from outside, with bounds, and judges nothing"},
	"internal/causes": {may: []string{"diag", "internal/facts", "internal/tlswire", "internal/chain", "internal/client", "internal/ct"},
		why: "the judgement is pure: no dialling, no files, no clock, hence every diagnosis is a golden test"},
	"internal/probe": {may: []string{"diag", "internal/facts", "internal/tlswire", "internal/chain", "internal/starttls", "internal/client", "internal/proxy"},
		why: "one attempt, told what to do; an input never imports causes"},
	"internal/inventory": {may: []string{"diag", "internal/facts", "internal/probe", "internal/tlswire", "internal/chain"},
		why: "what a server offers, seen in many attempts; what that is worth is said elsewhere"},
	"internal/errtext": {may: []string{"diag", "internal/facts", "internal/tlswire"},
		why: "words of a text to facts, by data; an input never imports causes"},
	"internal/srvconf": {may: []string{"internal/facts", "internal/chain", "internal/tlswire", "internal/keyfile", "internal/spell"},
		why: "configurations to facts; an input never imports causes. keyfile opens what a configuration names"},
	"internal/diagnose": {may: []string{"diag", "internal/causes", "internal/compare", "internal/facts", "internal/probe", "internal/fetch",
		"internal/truststore", "internal/inventory", "internal/tlswire", "internal/chain", "internal/client", "internal/starttls", "internal/ct", "internal/proxy", "internal/echo"},
		why: "the loop between the judge and the probe, and the way from facts to diag"},
	"internal/capture": {may: []string{"diag", "internal/facts", "internal/tlswire"},
		why: "packets to attempts; what they mean is judged elsewhere"},
	"internal/echo":    {may: []string{"internal/tlswire"}, why: "what arrived of a ClientHello, told to who knows the secret; it judges no server"},
	"internal/compare": {may: []string{"diag", "internal/causes"}, why: "several diagnoses to one; no I/O, no clock. causes lends the texts of the fixes"},
	"internal/report":  {may: []string{"diag"}, why: "what a report says must be in the result, so that JSON says it too"},
	"internal/relay": {may: []string{"diag", "internal/facts", "internal/proxy", "internal/tlswire"},
		why: "what passes between a client and its server is recorded, not judged"},
	"internal/lab": {may: []string{"internal/tlswire"},
		why: "the examiner shares nothing with the judge: never causes, probe or diagnose"},

	"internal/monitor": {may: []string{"diag"},
		why: "the rules of watching are pure; what a handshake means comes as a diag.Diagnosis, made elsewhere"},
	"internal/monitor/sqlite": {may: []string{"diag", "internal/monitor"}, why: "an adapter knows the monitor and no other adapter"},
	"internal/monitor/loop":   {may: []string{"diag", "internal/monitor"}, why: "the loops know the interfaces: store, checker, channels are wired by cmd"},
	"internal/monitor/config": {may: []string{"internal/monitor"}, why: "an adapter knows the monitor and no other adapter"},
	"internal/monitor/source": {may: []string{"diag", "internal/monitor"}, why: "an adapter knows the monitor and no other adapter"},
	"internal/monitor/alert":  {may: []string{"internal/monitor", "internal/report"}, why: "an adapter knows the monitor and no other adapter"},
	"internal/monitor/access": {may: []string{"internal/monitor"}, why: "who comes in and what they may do: no HTTP, no SQL"},
	"internal/monitor/service": {may: []string{"diag", "internal/monitor", "internal/monitor/access"},
		why: "what people and programs may ask, for API and pages alike: no HTTP, no SQL; the engine is lent by cmd"},
	"internal/monitor/server": {may: []string{"internal/monitor/access"}, why: "the way in says where a request comes from, and knows nothing of what is served"},
	"internal/monitor/api": {may: []string{"diag", "internal/monitor", "internal/monitor/access", "internal/monitor/server", "internal/monitor/service", "internal/report"},
		why: "an adapter over the service; it decides nothing. server knows the cookie of a session"},
	"internal/monitor/web": {may: []string{"diag", "internal/monitor", "internal/monitor/access", "internal/monitor/server", "internal/monitor/service", "internal/report"},
		why: "an adapter over the service, beside the API; it decides nothing"},
	"internal/monitor/renewal":   {may: []string{"internal/monitor", "internal/chain"}, why: "asks CAs about certificates; what the answer means is judged elsewhere"},
	"internal/monitor/metrics":   {may: []string{"internal/monitor"}, why: "an adapter knows the monitor and no other adapter"},
	"internal/monitor/exporter":  {may: []string{"internal/starttls"}, why: "probes as other exporters make them; it knows nothing of what is watched"},
	"internal/monitor/seal":      {why: "sealing secrets is a leaf: it knows a file and bytes"},
	"internal/monitor/storetest": {may: []string{"diag", "internal/monitor"}, why: "the examination of stores knows none of them"},

	"cmd/tlswhy": {may: []string{"*"}, why: "the wiring"},
	"bench":      {why: "it measures the program from outside, as any other"},
}

// tests are folders that hold only tests and what tests need; they may import
// the front door and one another.
const tests = "test"

// light are the modules outside the standard library that the light library
// may need. Everything else stays behind the rooms that need it.
const light = "golang.org/x/"

// pure lists folders that must not reach the outside: no dialling, no files, no
// processes, no chance. net/http is a word there (http.Header), never a client.
var pure = map[string]bool{
	"diag": true, "internal/tlswire": true, "internal/chain": true, "internal/ct": true, "internal/facts": true,
	"internal/causes": true, "internal/client": true, "internal/monitor": true, "internal/compare": true,
}

var impure = []string{"net", "os", "os/exec", "os/signal", "syscall", "plugin", "math/rand", "math/rand/v2"}

// clockless lists the folders of the judgement, in which the moment is given.
var clockless = []string{"diag", "internal/chain", "internal/ct", "internal/facts", "internal/causes", "internal/monitor", "internal/compare"}

// goPackage is one folder with Go files, as the parser sees it.
type goPackage struct {
	dir     string
	name    string
	files   map[string]*ast.File // without tests, by file name
	tests   map[string]*ast.File
	imports []string // of files, sorted
}

// packages parses every package of the module. It reads the files themselves:
// a test that asked the go command would be answered from the test cache.
func packages(t *testing.T) map[string]*goPackage {
	t.Helper()
	out := map[string]*goPackage{}
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin" || hasFile(p, "go.mod")) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(p))
		pkg := out[dir]
		if pkg == nil {
			pkg = &goPackage{dir: dir, files: map[string]*ast.File{}, tests: map[string]*ast.File{}}
			out[dir] = pkg
		}
		if strings.HasSuffix(p, "_test.go") {
			pkg.tests[d.Name()] = f
			return nil
		}
		pkg.files[d.Name()] = f
		pkg.name = f.Name.Name
		for _, s := range f.Imports {
			if ip, err := strconv.Unquote(s.Path.Value); err == nil && !slices.Contains(pkg.imports, ip) {
				pkg.imports = append(pkg.imports, ip)
			}
		}
		slices.Sort(pkg.imports)
		return nil
	})
	if err != nil {
		t.Fatalf("reading the module: %v", err)
	}
	return out
}

func hasFile(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

// inModule returns the folder of an import path of this module.
func inModule(importPath string) (dir string, ok bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func isStd(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

func isTestFolder(dir string) bool { return dir == tests || strings.HasPrefix(dir, tests+"/") }

// roomOf returns the row of a folder; the folders inside a room, such as a
// generator, are held to the rule of the room.
func roomOf(dir string) (room, bool) {
	for d := dir; d != "."; d = path.Dir(d) {
		if r, ok := rooms[d]; ok {
			return r, true
		}
	}
	r, ok := rooms[dir]
	return r, ok
}

func TestImportRules(t *testing.T) {
	t.Parallel()
	for dir, p := range packages(t) {
		if isTestFolder(dir) || len(p.files) == 0 {
			continue
		}
		r, ok := roomOf(dir)
		if !ok {
			t.Errorf("%s is in no row of rooms (deps_test.go): add one that says what it may import, and why", dir)
			continue
		}
		for _, ip := range p.imports {
			to, ours := inModule(ip)
			if !ours || slices.Contains(r.may, "*") || slices.Contains(r.may, to) {
				continue
			}
			if strings.HasPrefix(to, dir+"/") || (dir != "." && strings.HasPrefix(dir, to+"/")) {
				continue // a room's own inner folders
			}
			t.Errorf("%s imports %s, which it may not: %s", dir, to, r.why)
		}
	}
}

func TestNobodyImportsTheCommand(t *testing.T) {
	t.Parallel()
	for dir, p := range packages(t) {
		for _, ip := range p.imports {
			if to, ours := inModule(ip); ours && strings.HasPrefix(to, "cmd/") && !strings.HasPrefix(dir, "cmd/") {
				t.Errorf("%s imports %s: wiring is imported by nobody", dir, to)
			}
			if to, ours := inModule(ip); ours && isTestFolder(to) && !isTestFolder(dir) {
				t.Errorf("%s imports %s: what only tests need stays with the tests", dir, to)
			}
		}
	}
}

// TestLightLibrary follows the imports of the root package through the module:
// whoever imports the library gets the standard library, golang.org/x and this
// module, nothing else.
func TestLightLibrary(t *testing.T) {
	t.Parallel()
	pkgs := packages(t)
	via := map[string]string{".": "the root package", "diag": "the result"}
	queue := []string{".", "diag"}
	for len(queue) > 0 {
		dir := queue[0]
		queue = queue[1:]
		p := pkgs[dir]
		if p == nil {
			t.Errorf("%s is imported by %s and does not exist", dir, via[dir])
			continue
		}
		for _, ip := range p.imports {
			to, ours := inModule(ip)
			if !ours {
				if !isStd(ip) && !strings.HasPrefix(ip, light) {
					t.Errorf("%s (needed by %s) imports %s: the light library is std, golang.org/x and this module", dir, via[dir], ip)
				}
				continue
			}
			if _, seen := via[to]; !seen {
				via[to] = dir
				queue = append(queue, to)
			}
		}
	}
}

func TestJudgementIsPure(t *testing.T) {
	t.Parallel()
	pkgs := packages(t)
	for dir, p := range pkgs {
		if !pure[dir] {
			continue
		}
		for _, ip := range p.imports {
			if slices.Contains(impure, ip) {
				t.Errorf("%s imports %s: it works on what it is given and reaches nothing outside", dir, ip)
			}
		}
	}
	for _, dir := range clockless {
		p := pkgs[dir]
		if p == nil {
			continue
		}
		for name, f := range p.files {
			ast.Inspect(f, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				x, ok := sel.X.(*ast.Ident)
				if ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After"}, sel.Sel.Name) {
					t.Errorf("%s calls time.%s: the judged moment is an argument", path.Join(dir, name), sel.Sel.Name)
				}
				return true
			})
		}
	}
}
