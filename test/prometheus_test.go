package test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/test/server"
)

// rules is the folder of what Prometheus and Grafana take.
const rules = "../docs/prometheus"

// TestAlertRules has promtool check the rules, and run them on an expired
// target.
func TestAlertRules(t *testing.T) {
	t.Parallel()
	promtool := server.Need(t, "promtool")
	for _, args := range [][]string{{"check", "rules", "alerts.yml", "blackbox.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = rules
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestMetricsOfRules holds the rules and the dashboard to metrics that there are.
func TestMetricsOfRules(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../internal/monitor/metrics/metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`\btlswhy_([a-z_]+)`)
	for _, file := range []string{"alerts.yml", "dashboard.json"} {
		raw, err := os.ReadFile(filepath.Join(rules, file))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".json") && !json.Valid(raw) {
			t.Errorf("%s is no JSON", file)
		}
		for _, m := range name.FindAllStringSubmatch(string(raw), -1) {
			metric := strings.TrimSuffix(m[1], "_bucket")
			if !strings.Contains(string(source), `"`+metric+`"`) && !strings.Contains(string(source), `"tlswhy_`+metric+`"`) {
				t.Errorf("%s asks for tlswhy_%s, which is not there", file, m[1])
			}
		}
	}
}
