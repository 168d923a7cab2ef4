package thinq

import (
	"math"
	"strings"
	"testing"
	"testing/quick"
)

func TestPropertyCheck(t *testing.T) {
	goal := Path{Resource: "heat", Name: "targetTemperature"}
	limits := Values{Limited: true, Min: 16, Max: 30, Step: 0.5, Except: []float64{20}}
	whole := Values{Limited: true, Min: 0, Max: 5, Step: 1}
	words := Values{Options: []any{"COOL", "HEAT"}}
	truth := Values{Options: []any{true}}
	for _, tt := range []struct {
		name string
		p    Property
		v    any
		want string // after the name; empty if the value is good
	}{
		{"range", Property{Type: Range, Writable: true, Write: limits}, 16.5, ""},
		{"above", Property{Type: Range, Writable: true, Write: limits}, 99.0, "99 is not within 16 and 30 in steps of 0.5"},
		{"below", Property{Type: Range, Writable: true, Write: limits}, 15.5, "15.5 is not within 16 and 30 in steps of 0.5"},
		{"between", Property{Type: Range, Writable: true, Write: limits}, 16.25, "16.25 is not within 16 and 30 in steps of 0.5"},
		{"hole", Property{Type: Range, Writable: true, Write: limits}, 20.0, "20 is one of the values that are left out of 16 to 30"},
		{"whole", Property{Type: Range, Writable: true, Write: whole}, 2.5, "2.5 is not within 0 and 5"},
		{"no number", Property{Type: Range, Writable: true, Write: whole}, "2", "2 is not a number"},
		{"infinite", Property{Type: Number, Writable: true}, math.Inf(1), "+Inf is not a number"},
		{"any number", Property{Type: Number, Writable: true}, -1e6, ""},
		{"null", Property{Type: Number, Writable: true}, nil, "<nil> is not a number"},
		{"word", Property{Type: Enum, Writable: true, Write: words}, "HEAT", ""},
		{"other word", Property{Type: Enum, Writable: true, Write: words}, "heat", "heat is not one of COOL, HEAT"},
		{"no word", Property{Type: Enum, Writable: true, Write: words}, 1.0, "1 is not one of COOL, HEAT"},
		{"any word", Property{Type: Enum, Writable: true}, "RAW", ""},
		{"not any value", Property{Type: Enum, Writable: true}, true, "true is not a word"},
		{"bool", Property{Type: Bool, Writable: true}, false, ""},
		{"no bool", Property{Type: Bool, Writable: true}, "ON", "ON is not one of true, false"},
		{"one bool", Property{Type: Bool, Writable: true, Write: truth}, false, "false is not one of true"},
		{"text", Property{Type: Text, Writable: true}, "any", ""},
		{"no text", Property{Type: Text, Writable: true}, 1.0, "1 is not a text"},
		{"read-only", Property{Type: Bool, Readable: true, Read: truth}, true, "cannot be set"},
		{"constant", Property{Type: Constant, Writable: true}, "X", "cannot be set"},
		{"a novel", Property{Type: Enum, Writable: true, Write: words}, strings.Repeat("é\n", 500), strings.Repeat(`é\n`, 32) + "… is not one of COOL, HEAT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.p.Path = goal
			got, want := "", ""
			if err := tt.p.Check(tt.v); err != nil {
				got = err.Error()
			}
			if tt.want != "" {
				want = "target temperature: " + tt.want
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestPropertySaysItsName(t *testing.T) {
	for path, want := range map[string]string{
		"heat.targetTemperature#C":        "target temperature",
		"heat.targetTemperature@FREEZER":  "freezer target temperature",
		"plate.powerLevel@LEFT_FRONT":     "left front power level",
		"run.currentState@MAIN":           "current state",
		"air.PM10":                        "PM10",
		"timer.relativeHourToStop":        "relative hour to stop",
		"error":                           "error",
		"lamp.ÄußererRing":                "Äußerer ring",
		"temperatureInUnits.unit@CHILLED": "chilled unit",
	} {
		if got := spell(unflatPath(t, path)); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestPropertyRound(t *testing.T) {
	for _, tt := range []struct {
		name    string
		write   Values
		v, want float64
	}{
		{"on the grid", Values{Limited: true, Min: 16, Max: 30, Step: 0.5}, 20.5, 20.5},
		{"near", Values{Limited: true, Min: 16, Max: 30, Step: 0.5}, 20.7, 20.5},
		{"half-way goes down", Values{Limited: true, Min: 16, Max: 30, Step: 1}, 20.5, 20},
		{"grid starts at the minimum", Values{Limited: true, Min: 64, Max: 86, Step: 2}, 73.4, 74},
		{"below", Values{Limited: true, Min: -23, Max: -15, Step: 1}, -40, -23},
		{"above", Values{Limited: true, Min: -23, Max: -15, Step: 1}, 7, -15},
		{"last place is not the maximum", Values{Limited: true, Min: 1, Max: 10, Step: 4}, 10, 9},
		{"endless", Values{Limited: true, Min: 1, Max: 10, Step: 1}, math.Inf(1), 10},
		{"out of a hole", Values{Limited: true, Min: 0, Max: 10, Step: 1, Except: []float64{5, 6}}, 5.4, 4},
		{"out of a hole upwards", Values{Limited: true, Min: 0, Max: 10, Step: 1, Except: []float64{0, 1, 2}}, 0, 3},
		{"nothing but holes", Values{Limited: true, Min: 1, Max: 2, Step: 1, Except: []float64{1, 2}}, 1, 1},
		{"no dust", Values{Limited: true, Min: 0.1, Max: 5, Step: 0.1}, 0.3, 0.3},
		{"a point", Values{Limited: true, Min: 3, Max: 3, Step: 1}, 9, 3},
		{"without limits", Values{}, 7.7, 7.7},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := (Property{Write: tt.write}).Round(tt.v); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// Whatever comes in, what Round returns can be written, and nothing that can be
// written is nearer.
func TestPropertyRoundIsNearest(t *testing.T) {
	nearest := func(min int8, size, step, hole uint8, v float64) bool {
		w := Values{Limited: true, Min: float64(min), Max: float64(min) + float64(size)/2, Step: float64(step%8+1) / 4}
		w.Except = []float64{w.Min + float64(hole%8)*w.Step}
		p := Property{Type: Range, Writable: true, Write: w}
		v = math.Mod(v, 300)
		got := p.Round(v)
		free := false
		for n := 0.0; w.Min+n*w.Step <= w.Max; n++ {
			candidate := w.Min + n*w.Step
			if p.Check(candidate) == nil {
				free = true
				if math.Abs(candidate-v) < math.Abs(got-v)-tolerance {
					return false
				}
			}
		}
		return !free || p.Check(got) == nil
	}
	if err := quick.Check(nearest, nil); err != nil {
		t.Error(err)
	}
}
