package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Every piece of configuration in the README is one.
func TestReadmeSettings(t *testing.T) {
	t.Parallel()
	pieces := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(read(t, "../../README.md"), -1)
	if len(pieces) == 0 {
		t.Error("the README shows no configuration")
	}
	for _, piece := range pieces {
		if _, err := configFile(t, piece[1]).load(); err != nil {
			t.Errorf("%s\n%v", piece[1], err)
		}
	}
}

// Every variable that README, image and compose file set is a setting.
func TestDocumentedVariables(t *testing.T) {
	t.Parallel()
	found := 0
	for _, path := range []string{"../../README.md", "../../Dockerfile", "../../docker-compose.yaml"} {
		for _, name := range regexp.MustCompile(`THINQ2MQTT_\w+`).FindAllString(read(t, path), -1) {
			if name == envConfig || name == envPrefix {
				continue
			}
			found++
			c := checker{at: origins{}}
			parts := strings.Split(strings.ToLower(strings.TrimPrefix(name, envPrefix)), envLevel)
			if _, ok := c.variable(name, parts, ""); !ok {
				t.Errorf("%s: %v", path, c.wrong)
			}
		}
	}
	if found < 8 {
		t.Errorf("found only %d variables", found)
	}
}

// Every thinq2mqtt command line in README and unit exists.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	root := (&app{}).root()
	lines := regexp.MustCompile("`thinq2mqtt ([a-z]+)|^(?:ExecStart=/usr/local/bin/)?thinq2mqtt ([a-z]+)")
	for _, path := range []string{"../../README.md", "../../deploy/systemd/thinq2mqtt.service"} {
		for line := range strings.Lines(read(t, path)) {
			for _, m := range lines.FindAllStringSubmatch(line, -1) {
				if cmd, _, err := root.Find([]string{m[1] + m[2]}); err != nil || cmd == root {
					t.Errorf("%s: there is no command %s", path, m[1]+m[2])
				}
			}
		}
	}
}
