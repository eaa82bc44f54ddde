package report

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver sarifDriver `json:"driver"`
	} `json:"tool"`
	Results     []sarifResult     `json:"results"`
	Invocations []sarifInvocation `json:"invocations"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID         string         `json:"id"`
	Properties map[string]any `json:"properties,omitempty"`
}

type sarifText struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitempty"`
}

type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations"`
	Fingerprints map[string]string `json:"partialFingerprints"`
	Properties   map[string]any    `json:"properties"`
}

type sarifLocation struct {
	Physical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
	} `json:"physicalLocation"`
	Logical []sarifLogical `json:"logicalLocations"`
}

type sarifLogical struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
}

type sarifInvocation struct {
	ExecutionSuccessful bool                `json:"executionSuccessful"`
	Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

// writeSARIF writes a SARIF 2.1.0 log (OASIS) of one run: a rule per cause, a
// result per cause of a target; the artifact is the target as a URI. What
// could not be tested is a notification of the invocation.
func writeSARIF(w io.Writer, ds []*diag.Diagnosis) error {
	run := sarifRun{Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "tlswhy", InformationURI: "https://github.com/tlswhy/tlswhy", Rules: []sarifRule{}}
	index := map[string]int{}
	call := sarifInvocation{ExecutionSuccessful: true}
	for _, d := range ds {
		if run.Tool.Driver.Version == "" {
			run.Tool.Driver.Version = safeLine(d.Tool.Version)
		}
		if d.Verdict == diag.Untested || d.Verdict == "" {
			call.ExecutionSuccessful = false
			call.Notifications = append(call.Notifications, sarifNotification{Level: "error",
				Message: sarifText{Text: safeLine(label(d.Target) + ": " + headline(d))}})
		}
		for i := range d.Causes {
			c := &d.Causes[i]
			at, ok := index[c.ID]
			if !ok {
				at = len(run.Tool.Driver.Rules)
				index[c.ID] = at
				run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{ID: safeLine(c.ID), Properties: map[string]any{"tags": []string{"tls", safeLine(c.Family)}}})
			}
			run.Results = append(run.Results, sarifResultOf(d, c, at))
		}
	}
	run.Invocations = []sarifInvocation{call}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	log := sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}}
	if err := enc.Encode(log); err != nil {
		return fmt.Errorf("encoding SARIF: %w", err)
	}
	return nil
}

func sarifResultOf(d *diag.Diagnosis, c *diag.Cause, rule int) sarifResult {
	r := sarifResult{RuleID: safeLine(c.ID), RuleIndex: rule, Level: "note"}
	switch c.Severity {
	case diag.SeverityFailure:
		r.Level = "error"
	case diag.SeverityWarning:
		r.Level = "warning"
	}
	name := label(d.Target)
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s", safeLine(name), safeLine(c.Summary))
	for _, e := range c.Evidence {
		fmt.Fprintf(&text, "\n%s", safeLine(e.Text))
	}
	for _, f := range c.Fixes {
		fmt.Fprintf(&text, "\nFix %s: %s", safeLine(sideOf(f)), safeBlock(f.Text))
		for _, block := range []string{f.Config, f.Command} {
			if block != "" {
				fmt.Fprintf(&text, "\n%s", safeBlock(strings.Trim(block, "\n")))
			}
		}
	}
	r.Message = sarifText{Text: text.String()}
	var loc sarifLocation
	loc.Physical.Artifact.URI = targetURI(d.Target)
	loc.Logical = []sarifLogical{{Name: safeLine(name), Kind: "resource"}}
	r.Locations = []sarifLocation{loc}
	r.Fingerprints = map[string]string{"tlswhy/1": safeLine(name + " " + c.ID)}
	r.Properties = map[string]any{"confidence": safeLine(string(c.Confidence)), "stage": safeLine(string(c.Stage)), "family": safeLine(c.Family)}
	return r
}

// targetURI is the target as a URI.
func targetURI(t diag.Target) string {
	if t.Name == "" {
		return url.PathEscape(t.Input)
	}
	scheme := "tls"
	switch t.Protocol {
	case "https", "http", "smtp", "smtps", "imap", "imaps", "ldaps":
		scheme = t.Protocol
	}
	return (&url.URL{Scheme: scheme, Host: label(t)}).String()
}
