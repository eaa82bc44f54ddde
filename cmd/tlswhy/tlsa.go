package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"strings"
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
	servers, err := dnsServers()
	if err != nil {
		return nil, fmt.Errorf("%w; give the records themselves: --tlsa \"3 1 1 HEX\"", err)
	}
	ctx, cancel := context.WithTimeout(ctx, tlsaTotal)
	defer cancel()
	return askTLSA(ctx, servers, name)
}

// lookupRecords asks the system's DNS servers for records of a type.
func lookupRecords(ctx context.Context, name, kind string) ([]string, error) {
	servers, err := dnsServers()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, tlsaTotal)
	defer cancel()
	return askRecords(ctx, servers, name, kind)
}

// askRecords gives the records as they are written in a zone.
func askRecords(ctx context.Context, servers []string, name, kind string) ([]string, error) {
	number := dns.StringToType[kind]
	answer, err := askDNS(ctx, servers, name, number)
	if err != nil || answer == nil {
		return nil, err
	}
	var out []string
	for _, rr := range answer.Answer {
		if rr.Header().Rrtype == number && len(out) < maxTLSA {
			out = append(out, strings.TrimPrefix(rr.String(), rr.Header().String()))
		}
	}
	return out, nil
}

func dnsServers() ([]string, error) {
	config, err := dns.ClientConfigFromFile(resolvConf)
	if err != nil {
		return nil, fmt.Errorf("finding a DNS server: %w", err)
	}
	var servers []string
	for _, s := range config.Servers {
		servers = append(servers, net.JoinHostPort(s, config.Port))
	}
	return servers, nil
}

// askTLSA asks for TLSA records.
func askTLSA(ctx context.Context, servers []string, name string) ([]facts.TLSA, error) {
	answer, err := askDNS(ctx, servers, name, dns.TypeTLSA)
	if err != nil || answer == nil {
		return nil, err
	}
	return recordsOf(answer), nil
}

// askDNS asks one server after the other until one answers; nil and no error is
// that there is no such name.
func askDNS(ctx context.Context, servers []string, name string, kind uint16) (*dns.Msg, error) {
	question := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
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
			return answer, nil
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
