package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"time"

	"github.com/miekg/dns"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// resolvConf names the system's DNS servers, where there is such a file.
const resolvConf = "/etc/resolv.conf"

// tlsaTimeout bounds one question, tlsaTotal all of them.
const (
	tlsaTimeout = 2 * time.Second
	tlsaTotal   = 4 * time.Second
)

// lookupTLSA asks the system's DNS servers for TLSA records. DNSSEC is not
// validated: whoever prints the answer says so.
func lookupTLSA(ctx context.Context, name string) ([]facts.TLSA, error) {
	config, err := dns.ClientConfigFromFile(resolvConf)
	if err != nil {
		return nil, fmt.Errorf("finding a DNS server: %w; give the records themselves: --tlsa \"3 1 1 HEX\"", err)
	}
	var servers []string
	for _, s := range config.Servers {
		servers = append(servers, net.JoinHostPort(s, config.Port))
	}
	ctx, cancel := context.WithTimeout(ctx, tlsaTotal)
	defer cancel()
	return askTLSA(ctx, servers, name)
}

// askTLSA asks one server after the other until one answers.
func askTLSA(ctx context.Context, servers []string, name string) ([]facts.TLSA, error) {
	question := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeTLSA)
	question.SetEdns0(1232, false)
	err := fmt.Errorf("no DNS server is configured")
	for _, server := range servers {
		var answer *dns.Msg
		for _, network := range []string{"udp", "tcp"} {
			client := &dns.Client{Net: network, Timeout: tlsaTimeout}
			answer, _, err = client.ExchangeContext(ctx, question, server)
			if err != nil || !answer.Truncated {
				break
			}
		}
		if err != nil {
			continue
		}
		switch answer.Rcode {
		case dns.RcodeSuccess:
			return recordsOf(answer), nil
		case dns.RcodeNameError:
			return nil, nil
		}
		err = fmt.Errorf("%s answers %s", server, dns.RcodeToString[answer.Rcode])
	}
	return nil, err
}

// maxTLSA bounds the records of one answer.
const maxTLSA = 50

// recordsOf reads the TLSA records of an answer; aliases before them are
// followed by the server.
func recordsOf(answer *dns.Msg) []facts.TLSA {
	var out []facts.TLSA
	for _, rr := range answer.Answer {
		r, ok := rr.(*dns.TLSA)
		if !ok || len(out) == maxTLSA {
			continue
		}
		data, err := hex.DecodeString(r.Certificate)
		if err != nil {
			continue
		}
		out = append(out, facts.TLSA{Usage: r.Usage, Selector: r.Selector, Matching: r.MatchingType, Data: data})
	}
	return out
}
