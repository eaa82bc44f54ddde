// Command gen writes the data of package programs from the files of the Trust
// Stores Observatory (github.com/nabla-c0d3/trust_stores_observatory):
//
//	go run ./gen -yaml DIR -pem trust_stores_as_pem.tar.gz
//
// DIR holds apple.yaml, google_aosp.yaml and so on. The certificates of all
// stores go, once each, into certificates.gz, the lists into lists/.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// stores are our name, the observatory's file and a title.
var stores = [][3]string{
	{"android", "google_aosp", "Android"},
	{"apple", "apple", "Apple"},
	{"java", "oracle_java", "Oracle Java"},
	{"microsoft", "microsoft_windows", "Windows"},
	{"openjdk", "openjdk", "OpenJDK"},
}

// otherPurpose matches roots that, by their name, are not for TLS servers. The
// lists do not give purposes; Apple's and Android's hold some of these.
var otherPurpose = regexp.MustCompile(`(?i)\b(client (ecc|rsa)|s/?mime|secure mail|e-?mail protection|time ?stamping|code signing|developer|bootstrap)\b`)

// continued matches the end of a line whose scalar goes on in the next.
var continued = regexp.MustCompile(`\\\n +`)

func main() {
	yaml := flag.String("yaml", "", "folder of the lists")
	pems := flag.String("pem", "", "archive of the certificates")
	out := flag.String("out", ".", "folder of package programs")
	flag.Parse()
	if err := run(*yaml, *pems, *out); err != nil {
		log.Fatal(err)
	}
}

func run(yaml, pems, out string) error {
	wanted := map[string]bool{}
	for _, store := range stores {
		data, err := os.ReadFile(filepath.Join(yaml, store[1]+".yaml"))
		if err != nil {
			return err
		}
		list, members, err := convert(data, store[2])
		if err != nil {
			return fmt.Errorf("%s: %w", store[1], err)
		}
		for _, m := range members {
			wanted[m] = true
		}
		if err := os.WriteFile(filepath.Join(out, "lists", store[0]+".txt"), list, 0o644); err != nil {
			return err
		}
	}
	ders, err := readArchive(pems, wanted)
	if err != nil {
		return err
	}
	slices.SortFunc(ders, bytes.Compare)
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	for _, der := range ders {
		if _, err := w.Write(der); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "certificates.gz"), packed.Bytes(), 0o644)
}

// convert reads the few YAML forms that the observatory writes.
func convert(data []byte, title string) (list []byte, members []string, err error) {
	head, lines := map[string]string{}, []string{}
	name, mark := "", ""
	scan := bufio.NewScanner(bytes.NewReader(continued.ReplaceAll(data, nil)))
	for scan.Scan() {
		key, value, ok := strings.Cut(strings.TrimPrefix(scan.Text(), "- "), ": ")
		key = strings.TrimSuffix(strings.TrimSpace(key), ":")
		if !ok {
			if key == "blocked_certificates" {
				mark = "!"
			}
			continue
		}
		if value, err = scalar(value); err != nil {
			return nil, nil, err
		}
		switch key {
		case "subject_name":
			name = strings.TrimSpace(value)
		case "fingerprint":
			if mark == "" && otherPurpose.MatchString(name) {
				continue
			}
			if mark == "" {
				members = append(members, value)
			}
			lines = append(lines, mark+value+" "+name)
		default:
			head[key] = value
		}
	}
	if version := head["version"]; version != "" && version != "null" {
		title = title + " " + strings.TrimPrefix(version, "jdk-")
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# title: %s\n# date: %s\n# source: %s\n", title, head["date_fetched"], head["url"])
	fmt.Fprintf(&b, "# collected by the Trust Stores Observatory; roots for other purposes left out\n")
	fmt.Fprintf(&b, "# SHA-256 of each certificate and its name; \"!\" marks those refused expressly\n")
	for _, line := range lines {
		fmt.Fprintln(&b, line)
	}
	return b.Bytes(), members, scan.Err()
}

func scalar(v string) (string, error) {
	switch {
	case strings.HasPrefix(v, `"`):
		return strconv.Unquote(strings.ReplaceAll(v, `\x`, `\u00`)) // YAML's \x is a character, Go's a byte
	case strings.HasPrefix(v, "'"):
		return strings.ReplaceAll(strings.Trim(v, "'"), "''", "'"), nil
	}
	return v, nil
}

func readArchive(path string, wanted map[string]bool) (ders [][]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	for archive := tar.NewReader(unzipped); ; {
		entry, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return ders, nil
		}
		if err != nil {
			return nil, err
		}
		if !strings.HasSuffix(entry.Name, ".pem") {
			continue
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			return nil, err
		}
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			sum := sha256.Sum256(block.Bytes)
			if id := hex.EncodeToString(sum[:]); wanted[id] {
				delete(wanted, id)
				ders = append(ders, block.Bytes)
			}
		}
	}
}
