// Package source keeps the set of endpoints that come from elsewhere: lists in
// Prometheus' formats, read from files (file_sd) or asked for over HTTP
// (http_sd), and files of certificates on this machine. It decides what to
// believe of them: a source that fails keeps its endpoints, and one that loses
// many at once keeps them until somebody confirms the loss. What the lists mean
// is said by whoever configures it, what an endpoint is by package monitor.
//
//	m := &source.Manager{Store: store, Kept: kept}
//	m.Set(ctx, own, specs)
package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Spec says where endpoints come from.
type Spec struct {
	Name string
	// Paths are globs; a folder stands for its files.
	Paths []string
	// URL, with Header and by Client, is what is asked every Refresh.
	URL     monitor.Secret
	Header  map[string]monitor.Secret
	Client  *http.Client
	Refresh time.Duration
	// MaxShrink is the loss in percent beyond which it is held.
	MaxShrink int
	// Read makes endpoints of one file or answer.
	Read func(name string, raw []byte) ([]monitor.Endpoint, error)
	// File makes an endpoint of a path, false where it is none to watch; Read is
	// nil then, and the files are not opened here.
	File func(path string) (monitor.Endpoint, bool)
}

// The bounds of a source.
const (
	maxBody      = 64 << 20
	maxFiles     = 20_000
	maxEndpoints = 500_000
	maxRedirects = 3
	askTimeout   = 30 * time.Second
)

// Load reads the source once. Endpoints that are there twice are the same one.
func (s *Spec) Load(ctx context.Context) ([]monitor.Endpoint, error) {
	var found []monitor.Endpoint
	if s.URL != "" {
		raw, err := s.ask(ctx)
		if err != nil {
			return nil, err
		}
		if found, err = s.Read(s.Name, raw); err != nil {
			return nil, err
		}
	} else {
		files, err := s.files()
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if s.File != nil {
				if e, ok := s.File(f); ok {
					found = append(found, e)
				}
				continue
			}
			raw, err := read(f)
			if err != nil {
				return nil, fmt.Errorf("reading a list of targets: %w", err)
			}
			es, err := s.Read(f, raw)
			if err != nil {
				return nil, err
			}
			found = append(found, es...)
		}
	}
	seen := map[string]bool{}
	found = slices.DeleteFunc(found, func(e monitor.Endpoint) bool {
		twice := seen[e.ID]
		seen[e.ID] = true
		return twice
	})
	if len(found) > maxEndpoints {
		return nil, fmt.Errorf("%d endpoints, more than %d", len(found), maxEndpoints)
	}
	return found, nil
}

// files lists what the globs match, sorted. A pattern that matches nothing is
// an error: nobody configures a source to be without one.
func (s *Spec) files() ([]string, error) {
	var out []string
	for _, pattern := range s.Paths {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			return nil, fmt.Errorf("the pattern %q: %w", pattern, err)
		}
		if len(matches) == 0 {
			return nil, fmt.Errorf("no file matches %q", pattern)
		}
		for _, m := range matches {
			inside, err := within(m)
			if err != nil {
				return nil, err
			}
			out = append(out, inside...)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) > maxFiles {
		return nil, fmt.Errorf("%d files, more than %d", len(out), maxFiles)
	}
	return out, nil
}

// within lists a file, or the files of a folder at any depth. Names that begin
// with a full stop are left out: the folders that Kubernetes swaps among them.
func within(path string) (out []string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	err = filepath.WalkDir(path+string(filepath.Separator), func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(d.Name(), ".") && d.Name() != "." && p != path+string(filepath.Separator):
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.IsDir():
		default:
			if to, err := os.Stat(p); err == nil && to.Mode().IsRegular() && len(out) <= maxFiles {
				out = append(out, filepath.Clean(p))
			}
		}
		return nil
	})
	return out, err
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxBody+1))
	if err == nil && len(raw) > maxBody {
		err = fmt.Errorf("%q is larger than %d MB", path, maxBody>>20)
	}
	return raw, err
}

// ask makes one request of http_sd. No error of its shows the address, which
// may hold a token.
func (s *Spec) ask(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, string(s.URL), nil)
	if err != nil {
		return nil, errors.New("the address cannot be used")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "tlswhy")
	req.Header.Set("X-Prometheus-Refresh-Interval-Seconds", fmt.Sprint(int(s.Refresh.Seconds())))
	for name, v := range s.Header {
		req.Header.Set(name, string(v))
	}
	client := *s.Client
	client.CheckRedirect = sameHost
	resp, err := client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, fmt.Errorf("asking %s: %w", req.URL.Host, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", req.URL.Host, resp.Status)
	}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, fmt.Errorf("%s answered with %q, application/json is wanted: a login page?", req.URL.Host, resp.Header.Get("Content-Type"))
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", req.URL.Host, err)
	}
	if len(raw) > maxBody {
		return nil, fmt.Errorf("%s answered with more than %d MB", req.URL.Host, maxBody>>20)
	}
	return raw, nil
}

// sameHost keeps credentials where the configuration sends them.
func sameHost(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("more than %d redirects", maxRedirects)
	case req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme:
		return errors.New("it redirects to another server: configure that one")
	}
	return nil
}

// prints tell versions of the files apart without reading them, through the
// links that Kubernetes swaps.
func (s *Spec) prints() string {
	files, err := s.files()
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, f := range files {
		b.WriteString(f)
		if to, err := filepath.EvalSymlinks(f); err == nil && s.File == nil {
			if fi, err := os.Stat(to); err == nil {
				fmt.Fprintf(&b, " %s %d %d", to, fi.Size(), fi.ModTime().UnixNano())
				if time.Since(fi.ModTime()).Abs() < time.Second { // a second change may bear the same time
					fmt.Fprint(&b, " ", time.Now().UnixNano())
				}
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
