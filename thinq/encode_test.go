package thinq

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEncode(t *testing.T) {
	for _, tt := range []struct {
		name, profile string
		wish          map[string]any
		want          string
	}{
		{"plain", heater, map[string]any{"job.mode": "BOOST", "save.on": false},
			`{"job":{"mode":"BOOST"},"save":{"on":false}}`},
		{"one object for a list by unit", heater, map[string]any{"heat.goal#C": 24.0},
			`{"heat":{"goal":24,"unit":"C"}}`},
		{"halves", heater, map[string]any{"heat.goal#C": 24.5, "job.mode": "ECO"},
			`{"heat":{"goal":24.5,"unit":"C"},"job":{"mode":"ECO"}}`},
		{"numbers that are options", heater, map[string]any{"level.step": "2"},
			`{"level":{"step":2}}`},
		{"location around", stove, map[string]any{"plate.level@REAR": 4.0},
			`{"location":{"locationName":"REAR"},"plate":{"level":4}}`},
		{"extension", stove, map[string]any{"plate.all": "OFF"},
			`{"plate":{"all":"OFF"}}`},
		{"location around, unit inside", baker, map[string]any{"heat.goal@OVEN#F": 400.0},
			`{"location":{"locationName":"OVEN"},"heat":{"goal":400,"unit":"F"}}`},
		{"location inside, unit as suffix", cooler, map[string]any{"chill.goalTemperature@TOP#C": 4.0, "ice.fast": true},
			`{"chill":{"locationName":"TOP","goalTemperatureC":4},"ice":{"fast":true}}`},
		{"part", tower, map[string]any{"dryer/act.do": "START"},
			`{"dryer":{"act":{"do":"START"}}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := mustProfile(t, tt.profile)
			wish := unflat(t, tt.wish)
			body, err := p.Encode(wish)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decodeJSON(t, []byte(tt.want)), decodeJSON(t, body)); diff != "" {
				t.Errorf("body %s (-want +got):\n%s", body, diff)
			}
			roundTrip(t, p, wish)
		})
	}
}

func decodeJSON(t testing.TB, data []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return v
}

func TestEncodeWritesIntegersAsIntegers(t *testing.T) {
	p := mustProfile(t, `{"property":{"a":{"b":{"type":"number","mode":["w"]}}}}`)
	for v, want := range map[float64]string{5: "5", -0.5: "-0.5", 1e9: "1000000000", 0.3: "0.3"} {
		body, err := p.Encode(State{{Resource: "a", Name: "b"}: v})
		if want := `{"a":{"b":` + want + `}}`; err != nil || string(body) != want {
			t.Errorf("got %s, %v, want %s", body, err, want)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, profile string
		wish          map[string]any
		want          string
	}{
		{"nothing", heater, nil, "nothing to set"},
		{"unknown", heater, map[string]any{"job.other": "ECO"}, "job.other: the appliance does not have it"},
		{"read-only", heater, map[string]any{"heat.now#C": 20.0}, "now: cannot be set"},
		{"value", heater, map[string]any{"job.mode": "COSY"}, "mode: COSY is not one of ECO, BOOST"},
		{"two units", heater, map[string]any{"heat.goal#C": 20.0, "heat.goal#F": 68.0},
			"heat.goal#C, heat.goal#F do not fit into one call: LG takes one part, location and unit at a time"},
		{"two locations", stove, map[string]any{"plate.level@REAR": 1.0, "plate.level@FRONT": 1.0},
			"plate.level@FRONT, plate.level@REAR do not fit into one call: LG takes one part, location and unit at a time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if body, err := mustProfile(t, tt.profile).Encode(unflat(t, tt.wish)); err == nil || err.Error() != tt.want {
				t.Errorf("got %s, %v, want %s", body, err, tt.want)
			}
		})
	}
}

func TestSplit(t *testing.T) {
	// Two lists by location, one of them by unit as well, beside one by unit.
	mixed := `{"property":{
		"a":[{"locationName":"L1","v":{"type":"number","mode":["w"]}},{"locationName":"L2","v":{"type":"number","mode":["w"]}},{"locationName":"L3","v":{"type":"number","mode":["w"]}}],
		"b":[{"unit":"C","v":{"type":"number","mode":["w"]}},{"unit":"F","v":{"type":"number","mode":["w"]}}],
		"c":[{"locationName":"L2","vTemperatureF":{"type":"number","mode":["w"]}}],
		"d":{"v":{"type":"number","mode":["w"]}}}}`
	for _, tt := range []struct{ name, profile, wish, want string }{
		{"one call", heater, "job.mode save.on heat.goal#C", "heat.goal#C job.mode save.on"},
		{"units", heater, "job.mode heat.goal#F heat.goal#C", "heat.goal#C job.mode; heat.goal#F"},
		{"locations around", stove, "plate.level@REAR plate.all plate.level@FRONT", "plate.all; plate.level@FRONT; plate.level@REAR"},
		{"locations inside", cooler, "chill.goalTemperature@TOP#C ice.fast chill.goalTemperature@BASE#C", "chill.goalTemperature@BASE#C ice.fast; chill.goalTemperature@TOP#C"},
		{"units of one location", cooler, "chill.goalTemperature@TOP#C chill.goalTemperature@TOP#F", "chill.goalTemperature@TOP#C; chill.goalTemperature@TOP#F"},
		{"parts", tower, "washer/act.do dryer/act.do", "dryer/act.do; washer/act.do"},
		{"location beside unit", mixed, "a.v@L1 b.v#C d.v", "d.v a.v@L1 b.v#C"},
		{"as few as can be", mixed, "a.v@L1 a.v@L2 a.v@L3 b.v#C b.v#F c.vTemperature@L2#F d.v",
			"b.v#C a.v@L1; d.v a.v@L2 b.v#F c.vTemperature@L2#F; a.v@L3"},
		{"unknown paths stay", heater, "x.y job.mode", "job.mode x.y"},
		{"nothing", heater, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wish := make(State)
			for _, path := range strings.Fields(tt.wish) {
				wish[unflatPath(t, path)] = 1.0
			}
			var got []string
			for _, call := range mustProfile(t, tt.profile).Split(wish) {
				got = append(got, strings.Join(sortedPaths(call), " "))
			}
			want := strings.Split(tt.want, "; ")
			for i, call := range want {
				s := make(State)
				for _, path := range strings.Fields(call) {
					s[unflatPath(t, path)] = 1.0
				}
				want[i] = strings.Join(sortedPaths(s), " ")
			}
			if tt.want == "" {
				want = nil
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}
