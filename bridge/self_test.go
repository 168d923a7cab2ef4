package bridge

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/discovery"
)

// The states of the bridge's own entities are words of a list, or labels in the
// language of the household.
func TestOwnStates(t *testing.T) {
	for _, test := range []struct {
		language string
		labels   bool
		account  string // what account: ok is shown as
		push     string // what push: live is shown as
	}{
		{"en", false, condOK, pushLive},
		{"en", true, "All well", "Live"},
		{"de", true, "Alles in Ordnung", "Verbunden"},
		{"ko", true, "정상", "연결됨"},
	} {
		inHome(t, []string{ac}, func(h *home) {
			h.o.Discovery.Language, h.o.Discovery.Labels = test.language, test.labels
			h.start()
			var message struct {
				Components map[string]struct {
					Class    string `json:"device_class"`
					Options  []string
					Template string `json:"value_template"`
				}
			}
			if err := json.Unmarshal([]byte(h.broker.last("homeassistant/device/thinq2mqtt_bridge_0badcafe/config")), &message); err != nil {
				t.Fatal(err)
			}
			for key, want := range map[string][2]string{"account": {condOK, test.account}, "push": {pushLive, test.push}} {
				c := message.Components[key]
				if c.Class != "enum" || !slices.Contains(c.Options, want[1]) || len(c.Options) != len(selfWords[key]) {
					t.Errorf("%s: %s is a %s of %q", test.language, key, c.Class, c.Options)
				}
				if maps := strings.Contains(c.Template, "'"+want[0]+"':'"+want[1]+"'"); maps != test.labels {
					t.Errorf("%s: %s is shown by %s", test.language, key, c.Template)
				}
			}
		})
	}
}

// No state can come that is not on its list.
func TestOwnStatesAreListed(t *testing.T) {
	listed := func(key, word string) bool {
		return slices.ContainsFunc(selfWords[key], func(w selfWord) bool { return w.Word == word })
	}
	for class, r := range policy {
		if r.condition != "" && !listed("account", r.condition) {
			t.Errorf("%v makes the account %s", class, r.condition)
		}
	}
	for _, words := range selfWords {
		for _, w := range words {
			for _, language := range []string{"de", "ko"} {
				if w.Name != "Live" && discovery.Translate(language, w.Name) == w.Name {
					t.Errorf("%s is not said in %s", w.Name, language)
				}
			}
		}
	}
}
