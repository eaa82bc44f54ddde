package probe

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// What is kept of an answer.
const (
	keptRaw  = 4 << 10
	keptBody = 4 << 10
	maxHead  = 32 << 10
)

// answer1 is HTTP/1.1, or whatever answers to a raw request.
type answer1 struct {
	data []byte
	http *facts.HTTP
}

func (a *answer1) request(r *Request) []byte {
	if r.Raw != nil {
		return r.Raw
	}
	var b bytes.Buffer
	b.WriteString("GET " + requestPath(r) + " HTTP/1.1\r\nHost: " + oneLine(r.Host) + "\r\n")
	if r.UserAgent != "" {
		b.WriteString("User-Agent: " + oneLine(r.UserAgent) + "\r\n")
	}
	b.WriteString("Accept: */*\r\nConnection: close\r\n\r\n")
	return b.Bytes()
}

func requestPath(r *Request) string {
	if r.Path == "" {
		return "/"
	}
	return strings.ReplaceAll(oneLine(r.Path), " ", "%20")
}

// oneLine takes out what would break a request line.
func oneLine(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7F {
			return -1
		}
		return c
	}, s)
}

func (a *answer1) take(data []byte) (reply []byte, head, complete bool) {
	a.data = append(a.data, data...)
	a.http, head, complete = parseHTTP1(a.data)
	return nil, head, complete
}

func (a *answer1) result() *facts.HTTP { return a.http }

// parseHTTP1 reads as much of a response as there is. Informational responses
// are skipped.
func parseHTTP1(data []byte) (result *facts.HTTP, head, complete bool) {
	result = &facts.HTTP{Raw: slices.Clone(data[:min(len(data), keptRaw)])}
	if !bytes.HasPrefix(data, []byte("HTTP/")[:min(5, len(data))]) {
		return result, true, true
	}
	result.Proto, result.Status = statusLine(data)
	in := bufio.NewReader(bytes.NewReader(data))
	for {
		response, err := http.ReadResponse(in, &http.Request{Method: http.MethodGet})
		if err != nil {
			broken := bytes.Contains(data, []byte("\n\r\n")) || len(data) > maxHead
			return result, false, broken && result.Header == nil && !informational(result.Status)
		}
		result.Status, result.Proto, result.Header = response.StatusCode, response.Proto, response.Header
		if informational(response.StatusCode) {
			result.Header = nil
			continue
		}
		body, err := io.ReadAll(io.LimitReader(response.Body, keptBody))
		result.Body = body
		delimited := response.ContentLength >= 0 || slices.Contains(response.TransferEncoding, "chunked")
		return result, true, len(body) >= keptBody || err == nil && delimited
	}
}

func informational(status int) bool { return status >= 100 && status < 200 && status != 101 }

// statusLine reads the first line alone, which is enough where the head is not
// complete or not to be read.
func statusLine(data []byte) (proto string, status int) {
	line, _, ended := bytes.Cut(data, []byte("\n"))
	fields := strings.Fields(string(line))
	if !ended || len(fields) < 2 {
		return "", 0
	}
	status, err := strconv.Atoi(fields[1])
	if err != nil || status < 100 || status > 999 {
		return "", 0
	}
	return fields[0], status
}
