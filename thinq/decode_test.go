package thinq

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Profiles with little in them, one for each way LG nests values.
const (
	heater = `{"property":{
		"job":{"mode":{"type":"enum","mode":["r","w"],"value":{"r":["ECO","BOOST"],"w":["ECO","BOOST"]}}},
		"heat":[
			{"now":{"type":"number","mode":["r"]},"goal":{"type":"range","mode":["r","w"],"value":{"r":{"min":16,"max":30,"step":0.5},"w":{"min":16,"max":30,"step":0.5}}},"unit":"C"},
			{"now":{"type":"number","mode":["r"]},"goal":{"type":"range","mode":["r","w"],"value":{"r":{"min":60,"max":86,"step":2},"w":{"min":60,"max":86,"step":2}}},"unit":"F"}],
		"old":{"now":{"type":"number","mode":["r"]},"unit":"C"},
		"save":{"on":{"type":"boolean","mode":["r","w"]}},
		"level":{"step":{"type":"enum","mode":["r","w"],"value":{"r":[1,2],"w":[1,2]}}},
		"note":{"text":{"type":"string","mode":["r"]}}}}`
	stove = `{"property":[
		{"location":{"locationName":"REAR"},"plate":{"level":{"type":"range","mode":["r","w"],"value":{"r":{"min":0,"max":9},"w":{"min":0,"max":9}}}},
			"lock":{"locked":{"type":"boolean","mode":["r"]}}},
		{"location":{"locationName":"FRONT"},"plate":{"level":{"type":"range","mode":["r","w"],"value":{"r":{"min":0,"max":9},"w":{"min":0,"max":9}}}}}],
		"extensionProperty":{"plate":{"all":{"type":"enum","mode":["w"],"value":{"w":["OFF"]}}},"info":{"type":"DOUBLE"}}}`
	baker = `{"property":[{"location":{"locationName":"OVEN"},
		"heat":[
			{"goal":{"type":"range","mode":["r","w"],"value":{"r":{"min":80,"max":250},"w":{"min":80,"max":250}}},"unit":"C"},
			{"goal":{"type":"range","mode":["r","w"],"value":{"r":{"min":175,"max":480},"w":{"min":175,"max":480}}},"unit":"F"}],
		"run":{"phase":{"type":"enum","mode":["r"],"value":{"r":["IDLE","BUSY"]}}}}],
		"extensionProperty":{"info":{"kind":"SINGLE"}}}`
	cooler = `{"property":{
		"door":[{"locationName":"MAIN","state":{"type":"enum","mode":["r"],"value":{"r":["OPEN","CLOSE"]}}}],
		"chill":[
			{"locationName":"TOP","unit":"C",
				"goalTemperatureC":{"type":"range","mode":["r","w"],"value":{"r":{"min":1,"max":7},"w":{"min":1,"max":7}}},
				"goalTemperatureF":{"type":"range","mode":["r","w"],"value":{"r":{"min":34,"max":45},"w":{"min":34,"max":45}}}},
			{"locationName":"BASE","unit":"C",
				"goalTemperatureC":{"type":"range","mode":["r","w"],"value":{"r":{"min":-23,"max":-15},"w":{"min":-23,"max":-15}}},
				"goalTemperatureF":{"type":"range","mode":["r","w"],"value":{"r":{"min":-9,"max":5},"w":{"min":-9,"max":5}}}}],
		"ice":{"fast":{"type":"boolean","mode":["r","w"],"value":{"r":[true,false],"w":[true,false]}}}}}`
	tower = `{
		"washer":{"property":{"run":{"phase":{"type":"enum","mode":["r"],"value":{"r":["IDLE","BUSY"]}}},"act":{"do":{"type":"enum","mode":["w"],"value":{"w":["START"]}}}}},
		"dryer":{"property":{"run":{"phase":{"type":"enum","mode":["r"],"value":{"r":["IDLE","BUSY"]}}},"act":{"do":{"type":"enum","mode":["w"],"value":{"w":["START"]}}}}}}`
)

var decodings = []struct {
	name, profile, data string
	want                map[string]any // by Path.String
}{
	{"plain", heater, `{"job":{"mode":"ECO"},"save":{"on":true},"old":{"now":21.5,"unit":"C"}}`,
		map[string]any{"job.mode": "ECO", "save.on": true, "old.now": 21.5, "old.unit": "C"}},
	{"null is a value", heater, `{"job":{"mode":null},"save":null}`,
		map[string]any{"job.mode": nil, "save": nil}},
	{"what the profile lacks", heater, `{"job":{"mode":"TURBO","new":1},"fresh":{"thing":"X"},"more":[{"locationName":"A","b":1},{"unit":"C","b":2},{"c":3}]}`,
		map[string]any{"job.mode": "TURBO", "job.new": 1.0, "fresh.thing": "X", "more.b@A": 1.0, "more.b#C": 2.0, "more.c": 3.0}},
	{"list by unit", heater, `{"heat":[{"unit":"C","now":20},{"now":68,"limit":86,"unit":"F"}]}`,
		map[string]any{"heat.now#C": 20.0, "heat.now#F": 68.0, "heat.limit#F": 86.0}},
	{"list by unit as an object", heater, `{"heat":{"now":20,"unit":"C"}}`,
		map[string]any{"heat.now#C": 20.0, "heat.unit": "C"}},
	{"list by unit without a unit", heater, `{"heat":{"now":20}}`,
		map[string]any{"heat.now": 20.0}},
	{"plain object as a list by unit", heater, `{"old":[{"now":21,"unit":"C"},{"now":70,"unit":"F"}]}`,
		map[string]any{"old.now": 21.0, "old.unit": "C", "old.now#F": 70.0}},
	{"list of one around everything", heater, `[{"location":{"locationName":"MAIN"},"job":{"mode":"ECO"}}]`,
		map[string]any{"job.mode": "ECO"}},
	{"name with its resource", heater, `{"save:on":false,"heat:now":20,"job":{"job:mode":"BOOST"},"new:thing":1,":x":2,"y:":3}`,
		map[string]any{"save.on": false, "heat.now": 20.0, "job.mode": "BOOST", "new.thing": 1.0, ":x": 2.0, "y:": 3.0}},
	{"types put right", heater, `{"save":{"on":"false"},"old":{"now":"21.5"},"level":{"step":2},"note":{"text":5}}`,
		map[string]any{"save.on": false, "old.now": 21.5, "level.step": "2", "note.text": 5.0}},
	{"types that cannot be put right", heater, `{"save":{"on":"perhaps"},"old":{"now":"0x10"},"job":{"mode":4},"level":{"step":null}}`,
		map[string]any{"save.on": "perhaps", "old.now": "0x10", "job.mode": 4.0, "level.step": nil}},
	{"forms that are of no use", heater, `{"job":{"mode":{"x":1},"":1},"":{"a":1},"save":{"on":[true]},"old":{"now":1e400,"unit":"C"},"heat":[1,"x",null]}`,
		map[string]any{"old.unit": "C"}},
	{"escapes", heater, `{"note":{"text":"\u00e9\ud83d\ude00\n\"","\u0041":"ü"},"n\u006fte2":{"a\/b":"x"}}`,
		map[string]any{"note.text": "é😀\n\"", "note.A": "ü", "note2.a%2Fb": "x"}},
	{"white space", heater, "\n{ \"job\"\t: { \"mode\" : \"ECO\" , \"n\" : 1 } , \"heat\" : [ { \"now\" : 2 , \"unit\" : \"F\" } ] , \"e\":{}, \"l\":[ ] }\r\n",
		map[string]any{"job.mode": "ECO", "job.n": 1.0, "heat.now#F": 2.0}},
	{"the last of two", heater, `{"job":{"mode":"ECO","mode":"BOOST"}}`,
		map[string]any{"job.mode": "BOOST"}},
	{"error", heater, `{"error":"STUCK_ERROR"}`,
		map[string]any{"error": "STUCK_ERROR"}},

	{"list by location", stove, `[{"plate":{"level":3},"location":{"locationName":"REAR"},"error":"HOT_ERROR"},{"location":{"locationName":"FRONT"},"plate":{"level":0}}]`,
		map[string]any{"plate.level@REAR": 3.0, "plate.level@FRONT": 0.0, "error@REAR": "HOT_ERROR"}},
	{"unknown location", stove, `[{"location":{"locationName":"SIDE"},"plate":{"level":3}}]`,
		map[string]any{"plate.level@SIDE": 3.0}},
	{"extension as an object", stove, `{"info":{"type":"DOUBLE"},"plate":{"all":"OFF"}}`,
		map[string]any{"info.type": "DOUBLE", "plate.all": "OFF"}},
	{"extension as an element", stove, `[{"info":{"type":"DOUBLE"}},{"location":{"locationName":"REAR"},"plate":{"level":1},"info":{"type":"DOUBLE"}},7]`,
		map[string]any{"info.type": "DOUBLE", "plate.level@REAR": 1.0}},

	{"plain object for a list, location named", baker, `{"location":{"locationName":"OVEN"},"run":{"phase":"BUSY"}}`,
		map[string]any{"run.phase@OVEN": "BUSY"}},
	{"plain object for a list, one location only", baker, `{"run":{"phase":"BUSY","other":1},"info":{"kind":"SINGLE"},"error":"DOOR_ERROR"}`,
		map[string]any{"run.phase@OVEN": "BUSY", "run.other@OVEN": 1.0, "info.kind": "SINGLE", "error@OVEN": "DOOR_ERROR"}},
	{"one object for a list by unit", baker, `[{"location":{"locationName":"OVEN"},"heat":{"goal":180,"unit":"C"}}]`,
		map[string]any{"heat.goal@OVEN#C": 180.0, "heat.unit@OVEN": "C"}},

	{"list by location inside", cooler, `{"door":[{"state":"OPEN","locationName":"MAIN"}],"chill":[{"locationName":"TOP","goalTemperatureC":3,"goalTemperatureF":37,"unit":"F"}]}`,
		map[string]any{"door.state@MAIN": "OPEN", "chill.goalTemperature@TOP#C": 3.0, "chill.goalTemperature@TOP#F": 37.0, "chill.unit@TOP": "F"}},
	{"one object for a list by location", cooler, `{"door":{"state":"OPEN"},"chill":{"locationName":"BASE","goalTemperatureC":-20}}`,
		map[string]any{"door.state@MAIN": "OPEN", "chill.goalTemperature@BASE#C": -20.0}},
	{"name with its resource, one location only", cooler, `{"door:state":"OPEN"}`,
		map[string]any{"door.state@MAIN": "OPEN"}},
	{"suffix the profile lacks", cooler, `{"ice":{"airTemperatureC":-2}}`,
		map[string]any{"ice.airTemperature#C": -2.0}},

	{"parts in any order", tower, `{"dryer":{"run":{"phase":"BUSY"},"error":"HOT_ERROR"},"washer":{"run":{"phase":"IDLE"}}}`,
		map[string]any{"dryer/run.phase": "BUSY", "dryer/error": "HOT_ERROR", "washer/run.phase": "IDLE"}},
	{"part as a list", tower, `{"washer":[{"location":{"locationName":"MAIN"},"run":{"phase":"IDLE"}}]}`,
		map[string]any{"washer/run.phase": "IDLE"}},
	{"nothing", tower, `{"washer":{},"dryer":[]}`, map[string]any{}},
}

func TestDecode(t *testing.T) {
	for _, tt := range decodings {
		t.Run(tt.name, func(t *testing.T) {
			got, err := mustProfile(t, tt.profile).Decode([]byte(tt.data))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, flat(got)); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

// flat is a state that a failing test can print.
func flat(s State) map[string]any {
	m := make(map[string]any, len(s))
	for path, v := range s {
		m[path.String()] = v
	}
	return m
}

// unflat is the inverse of flat.
func unflat(t testing.TB, m map[string]any) State {
	t.Helper()
	s := make(State, len(m))
	for path, v := range m {
		p, err := ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		s[p] = v
	}
	return s
}

func TestDecodeWithoutProfile(t *testing.T) {
	got, err := new(Profile).Decode([]byte(`[{"location":{"locationName":"MAIN"},"a":{"b":"c"}}]`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"a.b@MAIN": "c"}, flat(got)); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	p := mustProfile(t, heater)
	for _, tt := range []struct{ data, want string }{
		{``, "state: empty"},
		{`null`, "state: it is neither an object nor a list"},
		{`"x"`, "state: it is neither an object nor a list"},
		{`{"a":{"b":1}`, "state: not JSON from byte 12 on"},
		{`{"a":{"b":01}}`, "state: not JSON from byte 11 on"},
		{strings.Repeat("[", 65), "state: JSON nested deeper than 64 levels"},
	} {
		if _, err := p.Decode([]byte(tt.data)); err == nil || err.Error() != tt.want {
			t.Errorf("Decode(%.20s): got %v, want %s", tt.data, err, tt.want)
		}
	}
}

func TestMerge(t *testing.T) {
	for _, tt := range []struct {
		name                         string
		state, report, want, changed map[string]any
	}{
		{"new and changed", map[string]any{"a.b": 1.0, "a.c": "X"}, map[string]any{"a.b": 2.0, "a.c": "X", "a.d": true},
			map[string]any{"a.b": 2.0, "a.c": "X", "a.d": true}, map[string]any{"a.b": 2.0, "a.d": true}},
		{"nothing", map[string]any{"a.b": 1.0, "a.c": nil, "a.d": false}, map[string]any{"a.b": 1.0, "a.c": nil, "a.d": false},
			map[string]any{"a.b": 1.0, "a.c": nil, "a.d": false}, map[string]any{}},
		{"null covers and is covered", map[string]any{"a.b": 1.0, "a.c": nil}, map[string]any{"a.b": nil, "a.c": 0.0},
			map[string]any{"a.b": nil, "a.c": 0.0}, map[string]any{"a.b": nil, "a.c": 0.0}},
		{"unknown null", map[string]any{}, map[string]any{"a.b": nil}, map[string]any{"a.b": nil}, map[string]any{"a.b": nil}},
		{"types differ", map[string]any{"a.b": "1", "a.c": true, "a.d": 1.0}, map[string]any{"a.b": 1.0, "a.c": "true", "a.d": 1},
			map[string]any{"a.b": 1.0, "a.c": "true", "a.d": 1.0}, map[string]any{"a.b": 1.0, "a.c": "true"}},
		{"unit left out", map[string]any{"h.goal@OVEN#C": 180.0, "h.goal@OVEN#F": 350.0, "h.unit@OVEN": "F"}, map[string]any{"h.goal@OVEN": 375.0, "h.new@OVEN": 1.0},
			map[string]any{"h.goal@OVEN#C": 180.0, "h.goal@OVEN#F": 375.0, "h.unit@OVEN": "F", "h.new@OVEN": 1.0}, map[string]any{"h.goal@OVEN#F": 375.0, "h.new@OVEN": 1.0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			state := unflat(t, tt.state)
			changed := state.Merge(unflat(t, tt.report))
			if diff := cmp.Diff(tt.want, flat(state)); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.changed, flat(changed)); diff != "" {
				t.Errorf("changed (-want +got):\n%s", diff)
			}
			if len(tt.changed) == 0 && changed != nil {
				t.Error("changed is empty, want nil")
			}
		})
	}
}
