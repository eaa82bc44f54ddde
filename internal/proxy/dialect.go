package proxy

import (
	"path/filepath"
	"slices"
	"strings"
)

// dialect is how a kind of program reads the proxies of its environment. All of
// it was measured: testdata/no_proxy.tsv holds what each program did.
type dialect struct {
	name  string
	agent string   // how its CONNECT names it in User-Agent, "" when it does not
	runs  []string // commands that are it, or run on it

	https, http, other []string // variables, the first that is set counts
	excepts            []string // variables of exceptions; the first that is set, ...
	skipEmpty          bool     // ... or the first that is not empty

	loopback bool // this machine is always excepted
	suffix   match
	bare     bool // ".example.com" excepts example.com, too
	glob     bool // "*.example.com" is understood
	star     star
	cidr     bool // 10.0.0.0/8
	cidr6    bool // fd00::/8
	brackets bool // [::1] is ::1
	port     bool // example.com:8443
	blanks   bool // separate entries as commas do
	fold     bool // upper and lower case are one
	address  bool // addresses are compared whole, never by their last digits
}

// match is what an entry example.com excepts.
type match uint8

const (
	matchWhole  match = iota // example.com only
	matchLabels              // and www.example.com
	matchTail                // and badexample.com
)

// star is whether a * excepts everything.
type star uint8

const (
	starNever star = iota
	starAlone
	starAnywhere
)

var (
	lowerFirst = []string{"no_proxy", "NO_PROXY"}
	upperFirst = []string{"NO_PROXY", "no_proxy"}
	allProxies = []string{"all_proxy", "ALL_PROXY"}
)

func vars(names ...string) []string { return names }

// dialects are the programs; the first is taken for programs that are unknown.
var dialects = []dialect{
	{name: "curl", agent: "curl/", runs: vars("curl", "php"), https: vars("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
		http: vars("http_proxy", "all_proxy", "ALL_PROXY"), other: allProxies, excepts: lowerFirst, skipEmpty: true, suffix: matchLabels, bare: true, star: starAlone, cidr: true, blanks: true, fold: true, address: true},
	{name: "git", agent: "git/", runs: vars("git"), https: vars("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
		http: vars("http_proxy", "all_proxy", "ALL_PROXY"), other: allProxies, excepts: lowerFirst, suffix: matchLabels, bare: true, star: starAlone, cidr: true, blanks: true, fold: true, address: true},
	{name: "wget", agent: "Wget/", runs: vars("wget"), https: vars("https_proxy"), http: vars("http_proxy"), excepts: vars("no_proxy"), suffix: matchLabels, fold: true},
	{name: "go", agent: "Go-http-client/", https: vars("HTTPS_PROXY", "https_proxy"), http: vars("HTTP_PROXY", "http_proxy"), excepts: upperFirst, skipEmpty: true,
		loopback: true, suffix: matchLabels, glob: true, star: starAnywhere, cidr: true, cidr6: true, brackets: true, port: true, fold: true, address: true},
	{name: "python", runs: vars("python", "pip", "pipx", "poetry", "uv", "aws", "ansible", "http", "https"), https: vars("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
		http: vars("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"), other: allProxies, excepts: lowerFirst, skipEmpty: true, suffix: matchTail, bare: true, star: starAlone, cidr: true, port: true, fold: true},
	{name: "aiohttp", agent: "aiohttp", https: vars("https_proxy", "HTTPS_PROXY"), http: vars("http_proxy", "HTTP_PROXY"), excepts: lowerFirst, suffix: matchLabels, bare: true, star: starAlone, fold: true},
	{name: "ruby", runs: vars("ruby", "gem", "bundle", "rails", "rake"), https: vars("http_proxy", "HTTP_PROXY"), http: vars("http_proxy", "HTTP_PROXY"), excepts: lowerFirst, loopback: true, suffix: matchLabels, cidr: true, brackets: true, port: true, blanks: true, fold: true},
	{name: "perl", agent: "libwww-perl", runs: vars("perl"), https: vars("HTTPS_PROXY", "https_proxy"), http: vars("HTTP_PROXY", "http_proxy"), excepts: upperFirst, skipEmpty: true, suffix: matchTail},
	{name: "node", agent: AgentNode, runs: vars("node", "npx"), https: vars("https_proxy", "HTTPS_PROXY"), http: vars("http_proxy", "HTTP_PROXY"), excepts: lowerFirst,
		suffix: matchLabels, bare: true, glob: true, star: starAlone, port: true, blanks: true, brackets: true, fold: true, address: true},
	{name: "npm", agent: "npm/", runs: vars("npm", "yarn", "pnpm"), https: vars("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), http: vars("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"),
		excepts: upperFirst, skipEmpty: true, suffix: matchLabels, bare: true, fold: true},
	{name: "lynx", agent: "Lynx/", runs: vars("lynx"), https: vars("https_proxy"), http: vars("http_proxy"), excepts: vars("no_proxy"), suffix: matchTail, star: starAlone, port: true, blanks: true, brackets: true, fold: true},
	{name: "w3m", agent: "w3m/", runs: vars("w3m"), https: vars("HTTPS_PROXY", "https_proxy"), http: vars("HTTP_PROXY", "http_proxy"), excepts: upperFirst, skipEmpty: true, suffix: matchLabels, bare: true, blanks: true, brackets: true, fold: true},
	{name: "aria2", agent: "aria2/", runs: vars("aria2c"), https: vars("https_proxy", "all_proxy"), http: vars("http_proxy", "all_proxy"), other: vars("all_proxy"), excepts: vars("no_proxy"), suffix: matchWhole, cidr: true, cidr6: true, address: true},
	// These take none from the environment.
	{name: "java", agent: "Java", runs: vars("java", "mvn", "gradle", "sbt", "kotlin", "scala", "jshell", "keytool", "groovy")},
	{name: "node, old", agent: agentOldNode},
}

// Names for programs that send no User-Agent.
const (
	AgentNode    = "tlswhy-node/new"
	agentOldNode = "tlswhy-node/old" // written by preload.cjs
)

// dialectOf recognises a program by what its CONNECT says, or else by the
// command that was run.
func dialectOf(agent, command string) *dialect {
	for i := range dialects {
		if d := &dialects[i]; d.agent != "" && strings.Contains(agent, d.agent) {
			return d
		}
	}
	for i := range dialects {
		if IsOneOf(command, dialects[i].runs) {
			return &dialects[i]
		}
	}
	return &dialects[0]
}

// IsOneOf tells whether a command is one of the programs, whatever the version
// in its name.
func IsOneOf(command string, programs []string) bool {
	command = strings.TrimSuffix(strings.ToLower(filepath.Base(command)), ".exe")
	return slices.ContainsFunc(programs, func(name string) bool {
		rest, ok := strings.CutPrefix(command, name)
		return ok && strings.Trim(rest, "0123456789.-") == ""
	})
}
