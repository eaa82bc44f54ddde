package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/report"
)

// The scripts of others are committed as their authors publish them: htmx 4.0.1
// (dist/htmx.min.js) and uPlot 1.6.32 (dist/uPlot.iife.min.js, uPlot.min.css), both
// from the npm registry, with their licences beside them.
//
//go:embed static
var staticFiles embed.FS

// asset is a file that never changes under its address.
type asset struct {
	kind   string
	body   []byte
	packed []byte // gzip
}

// loadAssets reads and packs the files. Their addresses carry a hash of what is in
// them, so that browsers may keep them for ever.
func loadAssets() (assets map[string]*asset, hashed map[string]string) {
	assets, hashed = map[string]*asset{}, map[string]string{}
	entries, _ := fs.ReadDir(staticFiles, "static") // embedded: it is there
	add := func(file string, body []byte) {
		sum := sha256.Sum256(body)
		ext := path.Ext(file)
		name := strings.TrimSuffix(file, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		hashed[file] = name
		assets[name] = &asset{kind: kindOf(ext), body: body, packed: pack(body)}
	}
	for _, e := range entries {
		if body, err := staticFiles.ReadFile("static/" + e.Name()); err == nil {
			add(e.Name(), body)
		}
	}
	add("report.css", []byte(report.Style()))
	return assets, hashed
}

func kindOf(ext string) string {
	if k := mime.TypeByExtension(ext); k != "" && ext != ".LICENSE" {
		return k
	}
	return "text/plain; charset=utf-8"
}

func pack(body []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is good
	_, _ = z.Write(body)                                  // into memory
	_ = z.Close()
	return b.Bytes()
}

// asset is the address of a file of ours.
func (s *Web) asset(name string) string { return s.path("/static", s.hashed[name]) }

func (s *Web) static(w http.ResponseWriter, r *http.Request) error {
	a := s.assets[r.PathValue("name")]
	if a == nil {
		return monitor.ErrNotFound
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := a.body
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.packed
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // whoever asked has left
	return nil
}
