package srvconf

import (
	"path/filepath"
	"regexp"
	"strings"
)

// signs are what tells one software's configuration from another's, each with a
// weight by how sure it is.
var signs = []struct {
	server string
	path   bool
	re     *regexp.Regexp
	weight int
}{
	{"nginx", true, regexp.MustCompile(`nginx`), 5},
	{"apache", true, regexp.MustCompile(`(^|/)(apache|httpd)`), 5},
	{"haproxy", true, regexp.MustCompile(`haproxy`), 5},
	{"postfix", true, regexp.MustCompile(`postfix|(^|/)(main|master)\.cf$`), 5},
	{"dovecot", true, regexp.MustCompile(`dovecot`), 5},
	{"nginx", false, regexp.MustCompile(`(?m)^[ \t]*(server|http|events|stream|upstream[ \t]+\S+)[ \t]*\{`), 4},
	{"nginx", false, regexp.MustCompile(`(?m)^[ \t]*(ssl_certificate|listen|server_name|ssl_protocols|worker_processes|proxy_pass|ssl_ciphers)[ \t][^;{}=]*;`), 4},
	{"apache", false, regexp.MustCompile(`(?mi)^[ \t]*<(VirtualHost|IfModule|Directory|IfDefine|Macro)[ \t>]`), 6},
	{"apache", false, regexp.MustCompile(`(?mi)^[ \t]*(SSLEngine|SSLCertificateFile|ServerRoot|DocumentRoot|LoadModule|IncludeOptional)[ \t]`), 6},
	{"haproxy", false, regexp.MustCompile(`(?m)^(global|defaults|frontend|backend|listen|userlist|peers)([ \t]+\S+)?[ \t]*(#.*)?$`), 4},
	{"haproxy", false, regexp.MustCompile(`(?m)^[ \t]+bind[ \t]`), 4},
	{"postfix", false, regexp.MustCompile(`(?m)^(smtpd?_\w+|mynetworks|mydestination|myhostname|compatibility_level|inet_interfaces)[ \t]*=`), 5},
	{"postfix", false, regexp.MustCompile(`(?m)^\S+[ \t]+(inet|unix|pass|fifo)[ \t]+[yn-][ \t]+[yn-]`), 6},
	{"dovecot", false, regexp.MustCompile(`(?m)^[ \t]*(ssl_cert|ssl_key|ssl_min_protocol|mail_location|auth_mechanisms|dovecot_config_version|ssl_server_cert_file)[ \t]*=`), 6},
	{"dovecot", false, regexp.MustCompile(`(?m)^[ \t]*(!include(_try)?[ \t]|protocols[ \t]*=|service[ \t]+[\w-]+[ \t]*\{|local_name[ \t])`), 5},
}

// Recognise tells whose configuration it is, "" where nothing does.
func Recognise(file string, data []byte) string {
	path := strings.ToLower(filepath.ToSlash(file))
	if abs, err := filepath.Abs(file); err == nil && file != Stdin {
		path = strings.ToLower(filepath.ToSlash(abs))
	}
	data = data[:min(len(data), 256<<10)]
	score := map[string]int{}
	best, most := "", 3
	for _, s := range signs {
		switch {
		case s.path && s.re.MatchString(path):
			score[s.server] += s.weight
			if strings.Contains(filepath.Base(path), s.server) {
				score[s.server] += 3
			}
		case !s.path && s.re.Match(data):
			score[s.server] += s.weight
		}
	}
	for _, name := range Servers() {
		if score[name] > most {
			best, most = name, score[name]
		}
	}
	return best
}
