package thinq

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustProfile(t testing.TB, data string) *Profile {
	t.Helper()
	p, err := ParseProfile([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// summary is one line for each property, short enough to write by hand.
func summary(p *Profile) []string {
	var lines []string
	for _, q := range p.Properties {
		lines = append(lines, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s%s %s %s %s %s", q.Path, q.Type,
			map[bool]string{true: "r"}[q.Readable], map[bool]string{true: "w"}[q.Writable],
			valuesSummary("r", q.Read), valuesSummary("w", q.Write), q.Unit, constantSummary(q.Constant))), " "))
	}
	return lines
}

func valuesSummary(name string, v Values) string {
	switch {
	case len(v.Options) > 0:
		return name + ":" + strings.ReplaceAll(list(v.Options), ", ", "|")
	case v.Limited:
		s := fmt.Sprintf("%s:%v..%v/%v", name, v.Min, v.Max, v.Step)
		for _, e := range v.Except {
			s += fmt.Sprintf("-%v", e)
		}
		return s
	}
	return ""
}

func constantSummary(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("=%v", v)
}

var layouts = []struct {
	name     string
	profile  string
	want     []string
	problems []string
}{{
	name: "plain",
	profile: `{"property":{
		"fan":{"speed":{"type":"range","mode":["r","w"],"value":{"r":{"min":0,"max":5,"step":1},"w":{"min":1,"max":5,"except":[3]}}}},
		"power":{"mode":{"type":"enum","mode":["w"],"value":{"w":["ON","OFF"]}}}}}`,
	want: []string{
		"fan.speed range rw r:0..5/1 w:1..5/1-3",
		"power.mode enum w w:ON|OFF",
	},
}, {
	name: "list by location, with an extension",
	profile: `{"property":[
		{"location":{"locationName":"REAR"},"plate":{"level":{"type":"range","mode":["r","w"],"value":{"r":{"min":0,"max":9},"w":{"min":0,"max":9}}}}},
		{"location":{"locationName":"FRONT"},"plate":{"level":{"type":"range","mode":["r"],"value":{"r":{"min":0,"max":6}}}}}],
		"extensionProperty":{"all":{"off":{"type":"enum","mode":["w"],"value":{"w":["POWER_OFF"]}}},"info":{"type":"DOUBLE"}}}`,
	want: []string{
		"all.off enum w w:POWER_OFF",
		"info.type constant r =DOUBLE",
		"plate.level@FRONT range r r:0..6/1",
		"plate.level@REAR range rw r:0..9/1 w:0..9/1",
	},
}, {
	name: "list by location inside a resource, unit as suffix",
	profile: `{"property":{"chill":[
		{"locationName":"TOP","unit":"C",
			"goalTemperatureC":{"type":"range","mode":["r","w"],"value":{"r":{"min":1,"max":7},"w":{"min":2,"max":7}}},
			"goalTemperatureF":{"type":"range","mode":["r"],"value":{"r":{"min":34,"max":45}}}},
		{"locationName":"BASE","unit":{"type":"enum","mode":["r"],"value":{"r":["C","F"]}},
			"goalTemperature":{"type":"number","mode":["r"]}}]}}`,
	want: []string{
		"chill.goalTemperature@BASE number r",
		"chill.unit@BASE enum r r:C|F",
		"chill.goalTemperature@TOP#C range rw r:1..7/1 w:2..7/1 C",
		"chill.goalTemperature@TOP#F range r r:34..45/1 F",
		"chill.unit@TOP constant r =C",
	},
}, {
	name: "list by unit",
	profile: `{"property":{"warm":[
		{"now":{"type":"number","mode":["r"]},"unit":"C"},
		{"now":{"type":"number","mode":["r"]},"unit":{"type":"enum","mode":["r"],"value":{"r":["F"]}}}]}}`,
	want: []string{
		"warm.now#C number r C",
		"warm.now#F number r F",
	},
}, {
	name: "list by location and unit",
	profile: `{"property":{"warm":[
		{"locationName":"LEFT","now":{"type":"number","mode":["r"]},"unit":"C"},
		{"locationName":"LEFT","now":{"type":"number","mode":["r"]},"unit":"F"}]}}`,
	want: []string{
		"warm.now@LEFT#C number r C",
		"warm.now@LEFT#F number r F",
	},
}, {
	name: "list by location around a list by unit",
	profile: `{"property":[{"location":{"locationName":"OVEN"},"heat":[
		{"goal":{"type":"range","mode":["w"],"value":{"w":{"min":80,"max":250,"step":5}}},"unit":"C"},
		{"goal":{"type":"range","mode":["w"],"value":{"w":{"min":175,"max":480,"step":5}}},"unit":"F"}]}]}`,
	want: []string{
		"heat.goal@OVEN#C range w w:80..250/5 C",
		"heat.goal@OVEN#F range w w:175..480/5 F",
	},
}, {
	name: "parts",
	profile: `{
		"upper":{"property":{"run":{"phase":{"type":"enum","mode":["r"],"value":{"r":["IDLE","BUSY"]}}}}},
		"lower":{"property":[{"location":{"locationName":"MAIN"},"run":{"phase":{"type":"enum","mode":["r"],"value":{"r":["IDLE"]}}}}]}}`,
	want: []string{
		"lower/run.phase@MAIN enum r r:IDLE",
		"upper/run.phase enum r r:IDLE|BUSY",
	},
}, {
	name: "units: descriptor, then sibling; not for words and percentages",
	profile: `{"property":{"filter":{"unit":"MONTH",
		"used":{"type":"number","mode":["r"]},
		"life":{"type":"number","mode":["r"],"unit":"HOUR"},
		"leftPercent":{"type":"number","mode":["r"]},
		"state":{"type":"enum","mode":["r"],"value":{"r":["GOOD"]}}}}}`,
	want: []string{
		"filter.leftPercent number r",
		"filter.life number r HOUR",
		"filter.state enum r r:GOOD",
		"filter.unit constant r =MONTH",
		"filter.used number r MONTH",
	},
}, {
	name:    "constants of every type",
	profile: `{"property":{"a":{"word":"NORMAL","count":3,"yes":true,"nothing":null}}}`,
	want: []string{
		"a.count constant r =3",
		"a.word constant r =NORMAL",
		"a.yes constant r =true",
	},
	problems: []string{"a.nothing: null is neither a description nor a constant"},
}, {
	name: "modes",
	profile: `{"property":{"m":{
		"letters":{"type":"number","mode":"rw"},
		"joined":{"type":"number","mode":["RW"]},
		"none":{"type":"number"},
		"empty":{"type":"number","mode":[]},
		"byValue":{"type":"enum","value":{"w":["GO"]}},
		"bare":{"type":"enum","value":["GO","STOP"]},
		"shared":{"type":"range","mode":["r","w"],"value":{"min":1,"max":2}}}}}`,
	want: []string{
		"m.bare enum r r:GO|STOP",
		"m.byValue enum w w:GO",
		"m.empty number r",
		"m.joined number rw",
		"m.letters number rw",
		"m.none number r",
		"m.shared range rw r:1..2/1 w:1..2/1",
	},
	problems: []string{"m.empty: mode [] is neither r nor w"},
}, {
	name: "rights and values that contradict each other, types that are none",
	profile: `{"property":{
		"c":{
			"toRead":{"type":"enum","mode":["r"],"value":{"w":["A"]}},
			"toWrite":{"type":"range","mode":["w"],"value":{"r":{"min":1,"max":2}}},
			"guessed":{"mode":["r"],"value":{"r":["A","B"]}},
			"spanned":{"type":7,"mode":["r"],"value":{"r":{"min":1,"max":2}}},
			"strange":{"type":[],"mode":"x"}},
		"nothing":{},"none":[],
		"there":[{"locationName":7,"a":"1"}]}}`,
	want: []string{
		"c.guessed enum r r:A|B",
		"c.spanned range r r:1..2/1",
		"c.strange string r",
		"c.toRead enum r",
		"c.toWrite range w",
		"there.a constant r =1",
	},
	problems: []string{
		"c.toRead: its mode is to be read, and its values are for writing",
		"c.toWrite: its mode is to be written, and its values are for reading",
		"c.guessed: type null taken for enum, as its values look",
		"c.spanned: type 7 taken for range, as its values look",
		`c.strange: mode "x" is neither r nor w`,
		"c.strange: type [] is not known; it can only be read, as a text",
		"nothing: it has no properties",
		"none: it has no properties",
		"there: locationName 7 is not the name of a place",
	},
}, {
	name: "values missing for reading or for writing",
	profile: `{"property":{"v":{
		"readOnly":{"type":"enum","mode":["r","w"],"value":{"r":["A"]}},
		"writeOnly":{"type":"range","mode":["r","w"],"value":{"w":{"min":1,"max":2}}},
		"neither":{"type":"boolean","mode":["r","w"]},
		"empty":{"type":"enum","mode":["r","w"],"value":{"r":[],"w":[]}},
		"surplus":{"type":"enum","mode":["r"],"value":{"r":["A"],"w":["B"]}}}}}`,
	want: []string{
		"v.empty enum rw",
		"v.neither boolean rw",
		"v.readOnly enum rw r:A",
		"v.surplus enum r r:A",
		"v.writeOnly range rw w:1..2/1",
	},
}, {
	name: "types that are not what they say",
	profile: `{"property":{"t":{
		"truth":{"type":"enum","mode":["r"],"value":{"r":[false,true]}},
		"spelt":{"type":"boolean","mode":["r"],"value":{"r":["true","false"]}},
		"onOff":{"type":"boolean","mode":["r"],"value":{"r":["ON","OFF"]}},
		"digits":{"type":"enum","mode":["r","w"],"value":{"r":[1,2],"w":[1,2]}},
		"words":{"type":"list","mode":["r"],"value":{"r":["A","B"]}},
		"emptyList":{"type":"list","mode":["r","w"]},
		"future":{"type":"colour","mode":["r","w"],"value":{"r":{"hue":1}}},
		"untyped":{"mode":["r"]},
		"twice":{"type":"enum","mode":["r"],"value":{"r":["A","A"]}}}}}`,
	want: []string{
		"t.digits enum rw r:1|2 w:1|2",
		"t.emptyList string r",
		"t.future string r",
		"t.onOff enum r r:ON|OFF",
		"t.spelt boolean r r:true|false",
		"t.truth boolean r r:false|true",
		"t.twice enum r r:A",
		"t.untyped string r",
		"t.words enum r r:A|B",
	},
	problems: []string{`t.future: type "colour" is not known; it can only be read, as a text`},
}, {
	name: "numbers as words",
	profile: `{"property":{"n":{
		"exact":{"type":"range","mode":["r"],"value":{"r":{"min":"-1.5","max":"3","step":"0.5","except":["2",2.5]}}},
		"vague":{"type":"range","mode":["r"],"value":{"r":{"min":"low","max":3}}},
		"huge":{"type":"range","mode":["r"],"value":{"r":{"min":0,"max":1e300}}},
		"swapped":{"type":"range","mode":["r"],"value":{"r":{"min":3,"max":1}}},
		"frozen":{"type":"range","mode":["r"],"value":{"r":{"min":1,"max":3,"step":0,"except":["x"]}}},
		"listed":{"type":"range","mode":["r"],"value":{"r":[1,2]}}}}}`,
	want: []string{
		"n.exact range r r:-1.5..3/0.5-2-2.5",
		"n.frozen range r r:1..3/1",
		"n.huge range r",
		"n.listed range r",
		"n.swapped range r",
		"n.vague range r",
	},
	problems: []string{
		`n.vague: limits left out: min "low", max 3`,
		`n.huge: limits left out: min 0, max 1e+300`,
		`n.swapped: limits left out: min 3, max 1`,
		`n.frozen: step 0 left out, 1 taken`,
		`n.frozen: except "x" left out: it is no number`,
		`n.listed: limits left out: [1,2] is no object with min and max`,
	},
}, {
	name: "a broken property loses no sibling",
	profile: `{"property":{
		"good":{"one":"1","list":[1],"object":{"x":1},"":{"type":"number"},"far":{"type":"number","value":1e999},"two":"2"},
		"scalar":5,"":{"a":"b"},"null":null,
		"mixed":["x",{"locationName":"A","p":"q"},{"locationName":"A","p":"again"}],
		"options":{"o":{"type":"enum","mode":["r","w"],"value":{"r":["A",1,""],"w":"B"}}}}}`,
	want: []string{
		"good.one constant r =1",
		"good.two constant r =2",
		"options.o enum rw r:A",
		"mixed.p@A constant r =q",
	},
	problems: []string{
		"good.list: [1] is neither a description nor a constant",
		"good.object: an object that is no description",
		"good: a property has no name",
		"good.far: a number in it is too large",
		"scalar: 5 is not an object of properties",
		"a resource: it has no name",
		`mixed: "x" is not an object of properties`,
		"mixed.p@A: it is listed twice; the first counts",
		`options.o: options left out: "B" is no list`,
		"options.o: option 1 left out",
		`options.o: option "" left out`,
	},
}, {
	name: "location as a word, as a name, or twice",
	profile: `{"property":[
		{"location":"WORD","a":{"b":"1"}},
		{"locationName":"NAME","a":{"b":"2"}},
		{"location":{"locationName":"NAME"},"a":{"b":"3","c":"4"}},
		"nonsense"]}`,
	want: []string{
		"a.b@NAME constant r =2",
		"a.c@NAME constant r =4",
		"a.b@WORD constant r =1",
	},
	problems: []string{
		"a.b@NAME: it is listed twice; the first counts",
		`property: "nonsense" is not an object`,
	},
}, {
	name:    "one object with its location, nothing else",
	profile: `{"property":{"location":{"locationName":"MAIN"},"a":{"b":"1"}},"extensionProperty":null,"notification":null,"error":null}`,
	want:    []string{"a.b@MAIN constant r =1"},
}}

func TestParseProfile(t *testing.T) {
	for _, tt := range layouts {
		t.Run(tt.name, func(t *testing.T) {
			p := mustProfile(t, tt.profile)
			if diff := cmp.Diff(tt.want, summary(p)); diff != "" {
				t.Errorf("properties (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.problems, p.Problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseProfileCodes(t *testing.T) {
	p := mustProfile(t, `{"property":{},"notification":{"push":["A_IS_DONE",7]},"error":["STUCK_ERROR"],
		"washer":{"property":{},"notification":{"push":["WASH_IS_DONE"]},"error":["LEAK_ERROR"]},
		"washer":{"property":{}},
		"dryer":{"property":{}}, "note":{"text":"no part"}}`)
	if diff := cmp.Diff([]Code{{Name: "A_IS_DONE"}, {"washer", "WASH_IS_DONE"}}, p.Notices); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Code{{Name: "STUCK_ERROR"}, {"washer", "LEAK_ERROR"}}, p.Errors); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"washer", "dryer"}, p.Parts()); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"notification.push: 7 is not a word", `note: {"text":"no part"} is no part of a profile`}, p.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// TestParseProfileWithoutProperties: a hub only has notifications.
func TestParseProfileWithoutProperties(t *testing.T) {
	p := mustProfile(t, `{"notification":{"push":["DEVICE_IS_LOST"]}}`)
	if diff := cmp.Diff([]Code{{Name: "DEVICE_IS_LOST"}}, p.Notices); diff != "" || len(p.Properties) != 0 {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	p = mustProfile(t, `{"extensionProperty":{"operation":{"operationMode":{"type":"enum","mode":["w"],"value":{"w":["POWER_OFF"]}}}}}`)
	if len(p.Properties) != 1 {
		t.Errorf("properties %v", p.Properties)
	}
}

func TestParseProfileRefuses(t *testing.T) {
	deep := `{"property":` + strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 71)
	for _, tt := range []struct{ name, profile, want string }{
		{"nothing", ``, "device profile: empty"},
		{"no JSON", `{"property":`, "device profile: not JSON from byte 12 on"},
		{"more than JSON", `{"property":{}} x`, "device profile: not JSON from byte 16 on"},
		{"a list", `[]`, "device profile: it has neither properties nor parts with properties"},
		{"a word", `"property"`, "device profile: it has neither properties nor parts with properties"},
		{"an answer that is an error", `{"error":{"code":"1222","message":"Not connected device"}}`, "device profile: it has neither properties nor parts with properties"},
		{"something else", `{"washer":{"run":{}}}`, "device profile: it has neither properties nor parts with properties"},
		{"too deep", deep, "device profile: JSON nested deeper than 64 levels"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ParseProfile([]byte(tt.profile)); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestProfileProperty(t *testing.T) {
	p := mustProfile(t, layouts[1].profile)
	path := Path{Resource: "plate", Name: "level", Location: "REAR"}
	if q, ok := p.Property(path); !ok || q.Path != path {
		t.Errorf("got %v, %v", q, ok)
	}
	path.Location = "NOWHERE"
	if q, ok := p.Property(path); ok {
		t.Errorf("got %v", q)
	}
	if parts := p.Parts(); parts != nil {
		t.Errorf("parts %v", parts)
	}
}
