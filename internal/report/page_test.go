package report

import (
	"strings"
	"testing"
)

func TestPage(t *testing.T) {
	t.Parallel()
	const page = "# Title of the page\n\nA paragraph that is long enough to be wrapped, with `code that\nspans lines` and a [link](https://example.com/).\n\n## List\n" +
		"- first item, which is long enough to be wrapped too\n  and continues\n- second **item**\n1. numbered\n\n```\nkept   as\n  it is, however long the line may be, since it is to be pasted\n```\n\n" +
		"| a | b |\n|---|---|\n| 1 | the last column wraps where it has to wrap |\n\nText of a command: `x\n| y`\n\x1b[2J\n"
	for name, o := range map[string]Options{"page.txt": {Width: 50}, "page-color.txt": {Width: 50, Color: true}, "page-ascii.txt": {Width: 50, ASCII: true}} {
		var b strings.Builder
		if err := Page(&b, page, o); err != nil {
			t.Fatal(err)
		}
		golden(t, name, []byte(b.String()))
	}
}

func TestEntry(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := Entry(&b, "  id    ", "a text that does not fit into one line", Options{Width: 40}); err != nil {
		t.Fatal(err)
	}
	if err := Heading(&b, "\x07head", Options{}); err != nil {
		t.Fatal(err)
	}
	want := "  id    a text that does not fit into\n        one line\n\\x07head\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}
