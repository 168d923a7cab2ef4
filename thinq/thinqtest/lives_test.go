package thinqtest_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// TestLivesStayWithinProfiles lets every appliance live for a day while
// somebody plays with all its knobs: whatever it comes to show must be something
// that its profile lists.
func TestLivesStayWithinProfiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const speed = 600
		s, network := newServer(t, thinqtest.Options{Speed: speed, Lively: true, Seed: 7})
		c := newCaller(t, s, network)
		random := rand.New(rand.NewPCG(7, 7))
		profiles, first := map[string]object{}, map[string]any{}
		for _, d := range s.Devices() {
			var profile object
			if err := json.Unmarshal(c.must("GET", "/devices/"+d.ID+"/profile", ""), &profile); err != nil {
				t.Fatal(err)
			}
			profiles[d.ID], first[d.ID] = profile, decoded(t, d.State)
		}
		hours := 24
		if testing.Short() {
			hours = 6
		}
		for hour := range hours {
			time.Sleep(time.Hour / speed)
			for _, d := range s.Devices() {
				inspect(t, hour, d, profiles[d.ID], first[d.ID])
				play(c, random, d, profiles[d.ID])
			}
		}
	})
}

func decoded(t *testing.T, data []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// inspect compares what an appliance shows with its profile. What it showed at
// the beginning is good, too: real appliances leave their lists.
func inspect(t *testing.T, hour int, d thinqtest.Device, profile object, first any) {
	t.Helper()
	state := decoded(t, d.State)
	for _, set := range settings(profile, "r") {
		if set.extension {
			continue
		}
		in, was := set.in(set.section(state)), set.in(set.section(first))
		v, shown := in[set.name]
		if set.unit != "" && in["unit"] != set.unit {
			continue // an oven shows one unit only
		}
		if !shown || v == nil || v == 0.0 || reflect.DeepEqual(v, was[set.name]) {
			continue
		}
		value, _ := set.descriptor["value"].(object)
		if _, broken := value["w"].(string); broken {
			continue // can be set to anything
		}
		good := true
		switch r := value["r"].(type) {
		case []any:
			good = slices.ContainsFunc(r, func(o any) bool { return reflect.DeepEqual(o, v) })
		case object:
			n, isNumber := v.(float64)
			low := r["min"].(float64)
			if strings.HasPrefix(set.name, "relative") {
				low = 0 // counted down from what was set
			}
			good = isNumber && n >= low && n <= r["max"].(float64)
		}
		if w, ok := value["w"].([]any); ok && !good {
			good = slices.ContainsFunc(w, func(o any) bool { return reflect.DeepEqual(o, v) })
		}
		if !good {
			t.Errorf("hour %d: %s %s: %s.%s is %v, which its profile does not list", hour, d.Info, d.ID, set.resource, set.name, v)
		}
	}
}

// play tries one setting; a refusal is fine, a fault of the server is not.
func play(c *caller, random *rand.Rand, d thinqtest.Device, profile object) {
	c.t.Helper()
	all := settings(profile, "w")
	if len(all) == 0 {
		return
	}
	set := all[random.IntN(len(all))]
	values := set.allowed()
	section := object{}
	if !set.extension {
		section = set.section(decoded(c.t, d.State))
	}
	if strings.HasPrefix(set.resource, "twoSet") && set.in(section) == nil {
		return
	}
	body, _ := json.Marshal(set.body(values[random.IntN(len(values))], section))
	if e := c.call("POST", "/devices/"+d.ID+"/control", string(body)); e.Status != http.StatusOK && !strings.HasPrefix(e.Error.Code, "23") && e.Error.Code != "2207" {
		c.t.Errorf("%s: %d %+v", body, e.Status, e.Error)
	}
}
